"""No theorem is vacuous: for each, a fault of the model that refutes it.

Theorems about rules are tried on mutants of rules, those of the rows that the theorem names as suspects first.
Theorems about octets are tried on faults of the very table or function that they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any, Final

from wsoracle.model.notation.expression import lift
from wsoracle.model.notation.rule import Accept, Due, Forbid, Rule, RuleSet
from wsoracle.model.notation.variables import STATE_VARIABLES, State
from wsoracle.model.octets import frames, utf8
from wsoracle.model.octets.accept_key import GUID, challenge
from wsoracle.model.octets.masking import mask_octet
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.theorem import ProofResult, ProofVerdict, Theorem, TheoremSubject

from .operators import Mutant, mutants

MOST_TRIES: Final = 80
"""Faults tried on one theorem before it is called vacuous."""


@dataclass(frozen=True)
class Fault:
    """A fault of the model: its id, what it changes, and the model with it."""

    id: str
    change: str
    subject: Callable[[], TheoremSubject]


@dataclass(frozen=True)
class Refutation:
    """The fault that refutes a theorem, and how."""

    fault: str
    change: str
    result: ProofResult


@cache
def _mutants() -> tuple[Mutant, ...]:
    return tuple(mutants())


def _of_rules(suspects: Sequence[str]) -> Iterator[Fault]:
    """Faults of rules: those that are named, then those of the rows that are named, then of all rows."""
    named = [name for name in suspects if "~" in name]
    yield from (fault for name in named if (fault := _named(name)) is not None)
    by_rule = {name: [m for m in _mutants() if m.rule == name] for name in suspects if "~" not in name}
    for index in range(max(map(len, by_rule.values()), default=0)):
        for found in by_rule.values():
            if index < len(found):
                yield _fault(found[index])
    for name in by_rule:
        yield from (_effect_too_many(name, variable) for variable in STATE_VARIABLES)
    yield from (_fault(m) for m in _mutants() if m.rule not in by_rule and m.operator in _TELLING)


def _named(fault_id: str) -> Fault | None:
    """The fault with an id; None where the rules have changed so that it no longer exists."""
    rule, _, what = fault_id.partition("~")
    for word in (UNDOES, SETS):
        variable = what.removeprefix(word)
        if what.startswith(word) and rule in RULES.by_id and variable in STATE_VARIABLES:
            return _effect_too_many(rule, variable, word)
    if what == NEVER and rule in RULES.by_id:
        return _never_due(rule)
    if what == ACCEPTS and rule in RULES.by_id:
        rules = RULES.replacing(rule, then=Accept())
        return Fault(fault_id, "accepted, and nothing else", lambda: TheoremSubject(rules))
    return next((_fault(m) for m in _mutants() if m.id == fault_id), None)


UNDOES: Final = "undoes-"
SETS: Final = "sets-"
ACCEPTS: Final = "accept"
NEVER: Final = "never-due"
"""Faults that can be named though no mutant has them (of two kinds of reaction, mutants take turns)."""


def _never_due(rule_id: str) -> Fault:
    """What a row asks for is not due by any row: others ask for it soon."""
    due = _due(RULES.by_id[rule_id])
    rules = RuleSet(rule for rule in RULES if due is None or _due(rule) is not due)
    return Fault(f"{rule_id}~{NEVER}", "no row asks for what is due", lambda: TheoremSubject(rules))


def _due(rule: Rule) -> Due | None:
    return rule.then.due if isinstance(rule.then, Forbid) else None


@cache
def _effect_too_many(rule_id: str, variable: str, word: str = UNDOES) -> Fault:
    """A row with an effect too many: a variable gets its first value back, or a fact is made true."""
    rule = RULES.by_id[rule_id]
    value = True if word == SETS else State()._asdict()[variable]
    then = replace(rule.then, effects={**rule.then.effects, variable: lift(value)})
    rules = RULES.replacing(rule_id, then=then)
    return Fault(
        f"{rule_id}~{word}{variable}", f"the effect {variable} = {value} too many", lambda: TheoremSubject(rules)
    )


_TELLING: Final = ("drop", "missing", "effect")
"""The operators that are tried on rows that a theorem does not name."""


def _fault(mutant: Mutant) -> Fault:
    return Fault(mutant.id, mutant.change, lambda: TheoremSubject(rules=mutant.rules))


def _of_utf8() -> Iterator[Fault]:
    rows = utf8.ROWS
    for i, row in enumerate(rows):
        for name, changed in (
            ("high+1", row._replace(high=row.high + 1)),
            ("missing", None),
            ("low-1", row._replace(low=row.low - 1)),
            ("next-reject", row._replace(next=utf8.REJECT)),
            ("from-reject", row._replace(state=utf8.REJECT)),
        ):
            table = (*rows[:i], *(() if changed is None else (changed,)), *rows[i + 1 :])
            yield Fault(f"utf8-table-row-{i}~{name}", f"{row} becomes {changed}", _subject(utf8_rows=table))


def _of_masking() -> Iterator[Fault]:
    def disjunction(octet: Any, key: Any, index: Any) -> Any:
        return octet | key[index % 4]

    def sum_(octet: Any, key: Any, index: Any) -> Any:
        return octet + key[index % 4]

    def modulo_three(octet: Any, key: Any, index: Any) -> Any:
        return octet ^ key[index % 3]

    for name, change, function in (
        ("or", "the octets are combined by or", disjunction),
        ("sum", "the octets are added", sum_),
        ("modulo-3", "the key is repeated after three octets", modulo_three),
    ):
        yield Fault(f"{mask_octet.__name__}~{name}", change, _subject(mask_octet=function))


def _of_header() -> Iterator[Fault]:
    fields = frames.FIELDS
    for i, field in enumerate(fields):
        for name, changed in (
            ("shift-1", field._replace(shift=max(field.shift - 1, 0))),
            ("width-1", field._replace(width=field.width - 1)),
            ("octet", field._replace(octet=1 - field.octet)),
        ):
            if changed != field:
                table = (*fields[:i], changed, *fields[i + 1 :])
                yield Fault(f"header-{field.name}~{name}", f"{field} becomes {changed}", _subject(header_fields=table))


def _of_lengths() -> Iterator[Fault]:
    forms = frames.LENGTH_FORMS
    for i, form in enumerate(forms):
        for name, changed in (
            ("smallest+1", form._replace(smallest=form.smallest + 1)),
            ("smallest-1", form._replace(smallest=form.smallest - 1)),
            ("extended-1", form._replace(extended=max(form.extended - 1, 0))),
        ):
            if changed != form:
                table = (*forms[:i], changed, *forms[i + 1 :])
                yield Fault(f"length-form-{i}~{name}", f"{form} becomes {changed}", _subject(length_forms=table))


def _of_accept_key() -> Iterator[Fault]:
    for name, change, function in (
        ("before", "the GUID goes before the key", lambda key: GUID + key),
        ("lower-case", "the GUID is in lower case", lambda key: challenge(key, GUID.lower())),
        ("left-out", "the GUID is left out", lambda key: key),
    ):
        yield Fault(f"{challenge.__name__}~{name}", change, _subject(challenge=function))


def _subject(**changes: Any) -> Callable[[], TheoremSubject]:
    return lambda: TheoremSubject(**changes)


TABLES: Final[dict[str, Callable[[], Iterator[Fault]]]] = {
    "utf8 table": _of_utf8,
    "masking": _of_masking,
    "header layout": _of_header,
    "length forms": _of_lengths,
    "accept key": _of_accept_key,
}


def faults(theorem: Theorem) -> Iterator[Fault]:
    """The faults to try on a theorem, the most telling first."""
    tables = [name for name in theorem.suspects if name in TABLES]
    for name in tables:
        yield from TABLES[name]()
    if not tables:
        yield from _of_rules(theorem.suspects)


def refute(theorem: Theorem, tries: int = MOST_TRIES) -> Refutation | None:
    """The first fault that refutes a theorem; None where none of the faults tried does: the theorem is vacuous."""
    for fault in islice(faults(theorem), tries):
        result = theorem.check(fault.subject())
        if result.verdict is ProofVerdict.REFUTED:
            return Refutation(fault.id, fault.change, result)
    return None
