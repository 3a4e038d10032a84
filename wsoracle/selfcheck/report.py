"""The self-check as people and programs read it: sums, the confusion matrix by rule, each kind of wrong verdict."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from wsoracle.properties.traces.recorded import Recorded, trace_to_json

from ..text.output import console, say
from .checking import Checked, Worth
from .mutants import MutantRun, MutantWorth, counted
from .running import Run
from .shrinking import shrunk
from .tally import FoundKind, SelfcheckTally

RIGHT_RULE: Final = 0.99
"""The share of the departures that can be told of which the judge has to name the right rule."""

_TOLD: Final = (Worth.RIGHT, Worth.OTHER_RULE, Worth.WRONG_RULE)
_SHOWN: Final = 20


def right_rule(tally: SelfcheckTally) -> float:
    """The share of the accused departures that are accused of a rule that they break, or that explains them."""
    found = tally.of_departures
    named = sum(found[one] for one in _TOLD)
    return 1.0 if not named else 1 - found[Worth.WRONG_RULE] / named


def false_accusations(tally: SelfcheckTally) -> int:
    """How often the judge accused where some explanation breaks nothing."""
    return tally.conforming[Worth.FALSE_ACCUSATION] + tally.of_departures[Worth.FALSE_ACCUSATION]


def holds(run: Run) -> bool:
    """Whether the judge accused rightly, overlooked nothing that can be told, and named the right rules."""
    tally = run.tally
    without = tally.conforming[Worth.WITHOUT_WORDS]
    overlooked = tally.of_departures[Worth.OVERLOOKED] + counted(run.mutants or ())[MutantWorth.OVERLOOKED]
    return not (false_accusations(tally) or without or overlooked) and right_rule(tally) >= RIGHT_RULE


def to_json(run: Run, examples: dict[FoundKind, Recorded]) -> dict[str, Any]:
    """The report of ``wsoracle selfcheck --json``."""
    tally = run.tally
    return {
        "seed": run.seed,
        "seconds": round(run.seconds, 1),
        "traces": tally.traces,
        "judged": tally.judged,
        "traces_a_second": round((tally.traces + tally.of_departures.total()) / run.seconds, 1) if run.seconds else 0,
        "holds": holds(run),
        "conforming": _counts(tally.conforming),
        "departures": _counts(tally.of_departures),
        "right_rule": right_rule(tally),
        "mutants": None if run.mutants is None else {one.value: n for one, n in counted(run.mutants).items()},
        "mutants_overlooked": [one.mutant for one in run.mutants or () if one.worth is MutantWorth.OVERLOOKED],
        "matrix": [
            {"rule": rule, **_counts(found), "named": dict(tally.named.get(rule, Counter()).most_common())}
            for rule, found in sorted(tally.departures.items())
        ],
        "wrong": [
            {
                "finding": kind[0],
                "count": tally.kinds[kind],
                "seed": example.seed,
                "rule": example.rule,
                "verdict": str(example.judgement.verdict) if example.judgement is not None else "",
                "named": list(example.judgement.rules) if example.judgement is not None else [],
                "trace": trace_to_json(examples[kind]),
            }
            for kind, example in _worst(tally)
        ],
    }


def _counts(found: Counter[Worth]) -> dict[str, int]:
    return {one.value: found[one] for one in Worth if found[one]}


def _worst(tally: SelfcheckTally) -> list[tuple[FoundKind, Checked]]:
    return [(kind, tally.examples[kind]) for kind, _ in tally.kinds.most_common()]


def small_examples(tally: SelfcheckTally, most: int = _SHOWN) -> dict[FoundKind, Recorded]:
    """The smallest trace of each kind of wrong verdict; of the rarer kinds, beyond `most`, one as it was drawn."""
    found: dict[FoundKind, Recorded] = {}
    for index, (kind, example) in enumerate(_worst(tally)):
        assert example.recorded is not None
        found[kind] = shrunk(example) if index < most else example.recorded
    return found


def show(run: Run, examples: dict[FoundKind, Recorded]) -> None:
    """Print the report."""
    tally = run.tally
    _show_matrix(tally)
    for kind, example in _worst(tally)[:_SHOWN]:
        _show_example(kind, example, examples[kind], tally.kinds[kind])
    departed = tally.of_departures
    drawn = departed.total() - departed[Worth.NOT_DRAWN]
    say(f"conforming endpoints: {tally.traces} traces, {false_accusations(tally)} false accusations")
    say(
        f"departures: {drawn}, of which {departed[Worth.CANNOT_BE_TOLD]} cannot be told and "
        f"{departed[Worth.OVERLOOKED]} were overlooked; right rule in {right_rule(tally):.2%}"
    )
    total = tally.traces + departed.total()
    say(f"{total / run.seconds:.0f} traces a second for {run.seconds:.0f} s, seed {run.seed}")
    if run.mutants is not None:
        _show_mutants(run.mutants)
    say(("the judge is right", "bold green") if holds(run) else ("the judge is wrong", "bold red"))


def _show_mutants(mutants: tuple[MutantRun, ...]) -> None:
    sums = ", ".join(f"{count} {worth.value}" for worth, count in counted(mutants).most_common())
    say(f"{len(mutants)} mutants of the rules as endpoints: {sums}")
    for one in mutants:
        if one.worth is MutantWorth.OVERLOOKED and one.recorded is not None:
            say((f"overlooked: {one.mutant}", "bold"))
            _show_trace(one.recorded)


def _show_matrix(tally: SelfcheckTally) -> None:
    from rich.table import Table

    table = Table("departed from", "right", "other", "not told", "missed", "wrong", "false", "named")
    for rule, found in sorted(tally.departures.items()):
        names = ", ".join(f"{name} {count}" for name, count in tally.named.get(rule, Counter()).most_common(2))
        columns = (Worth.RIGHT, Worth.OTHER_RULE, Worth.CANNOT_BE_TOLD, Worth.OVERLOOKED, Worth.WRONG_RULE,
                   Worth.FALSE_ACCUSATION)  # fmt: skip
        table.add_row(rule, *(str(found[one] or "") for one in columns), names)
    console().print(table)


def _show_example(kind: FoundKind, example: Checked, recorded: Recorded, count: int) -> None:
    worth, role, application, verdict, named, rule = kind
    departed = f" after a departure from {rule}" if rule else ""
    say((f"{count} x {worth}{departed}: {verdict} {named}, {role}, {application} (seed {example.seed})", "bold"))
    for broken in example.broken:
        say(f"    explained by {', '.join(broken)}")
    _show_trace(recorded)


def _show_trace(recorded: Recorded) -> None:
    """A trace in words, and as a file that ``wsoracle judge`` takes."""
    for words in recorded.in_words:
        say(f"    {words}")
    say(json.dumps(trace_to_json(recorded)))
