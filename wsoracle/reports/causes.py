"""The causes of a run: what an endpoint does that is amiss, each once, with all the cases in which it shows.

A cause is a rule and an act: what the endpoint did at the deciding place (`reports.summary`). Where one act explains
cases with different rules, such as sending back any Close that it was sent, the act alone is the cause. What the
application does beside an echo breaks no rule, and is a cause of its own, before all others; so is a server that opens
no connection at all. Terminal, Markdown, JUnit and index show these causes, and work out none of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from wsoracle.model.notation.rule import Due, Fail, Forbid, Ignore, Refuse, Strength
from wsoracle.model.notation.sources import clause_of, source_of
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.echo_words import (
    BESIDES,
    NOT_AN_ECHO,
    OWN_MESSAGE,
    said_beside_rules,
    said_of_application,
)

from .shared_causes import shared_by_most
from .stored_record import page_name
from .summary import (
    NO_CONTROL,
    NOT_RUN,
    RETURNS_CLOSE,
    SILENT,
    CaseSummary,
    Evidence,
    case_order,
    command_again,
    faults_in,
)

CauseKind = Literal["opening", "echo", "rule", "other", "control"]

_KINDS: Final[tuple[CauseKind, ...]] = ("opening", "echo")
"""Shown before all others."""

WORST: Final = ("FAILED", NOT_RUN, NO_CONTROL, "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "OK")
"""The verdicts from the worst on."""

_STRENGTHS: Final = tuple(Strength.__members__)
_GOES_ON: Final = ("sends a message", "sends a Ping", "sends a Pong")
_MODALS: Final = {
    Strength.MUST: "must", Strength.CONSENSUS: "has, as implementations agree, to",
    Strength.LETTER: "must, to the letter,", Strength.SHOULD: "should", Strength.APPLICATION: "has, as an echo, to",
}  # fmt: skip
_DUES: Final = {
    Due.REQUEST: "send its request", Due.RESPONSE: "send its answer", Due.REPLY: "send back what it was sent",
    Due.PONG: "send a Pong", Due.CLOSE: "send a Close", Due.TCP_CLOSE: "close TCP",
}  # fmt: skip
_NEVER_SENT: Final = 1006
"""Fails the connection without a Close."""

_NUMBER: Final = re.compile(r"\d+")
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Cause:
    """Something that an endpoint does, and the cases in which it shows.

    `id` is the same for every endpoint that does the same. `says` is what it does, in a sentence without a subject.
    `rules` are those that the cases have in common, the leading one first: id, strength, section and quote.
    """

    id: str
    kind: CauseKind
    says: str
    rules: tuple[Mapping[str, str], ...]
    cases: tuple[CaseSummary, ...]

    @cached_property
    def verdict(self) -> str:
        """The worst verdict of its cases, as far as the cause is why they have it."""
        return min(map(self._label, self.cases), key=_badness)

    @cached_property
    def fails(self) -> bool:
        """Whether one of its cases failed."""
        return any(case.failed and self._label(case) == case.label for case in self.cases)

    @cached_property
    def example(self) -> CaseSummary:
        """The case that is the quickest to understand: few faults at once, few octets; of what an application does one
        in which it is all that is amiss."""
        worst = [case for case in self.cases if self._label(case) == self.verdict]
        return min(worst, key=lambda case: (self.kind == "echo" and not said_of_application(case.note), _effort(case)))

    def _label(self, case: CaseSummary) -> str:
        return _label_by_rules(case) if self.kind == "rule" else case.label

    @property
    def evidence(self) -> Evidence:
        """What the example shows."""
        return self.example.evidence

    @property
    def again(self) -> str:
        """The command that runs the example again."""
        return command_again(self.example.id, self.example.role, self.example.url, self.example.again)

    @property
    def page(self) -> str:
        """The name of the page of the example."""
        return page_name(self.example.file)

    @property
    def count(self) -> str:
        """The number of cases, in words."""
        return "1 case" if len(self.cases) == 1 else f"{len(self.cases)} cases"

    @cached_property
    def shared(self) -> str:
        """In words, where most implementations of the fleet do the same."""
        return shared_by_most(self.id, self.example.role)

    @property
    def clauses(self) -> list[str]:
        """Each rule with its strength and the sentence of its RFC, and the note of the example."""
        note = self.example.note
        told = [_clause(rule) for rule in self.rules]
        return [*told, note] if note and note not in self.says else told

    @property
    def exchange(self) -> list[tuple[str, str, str]]:
        """What was sent to the endpoint before the deciding place, and seen of it there: which, in words, in hex."""
        shown = self.evidence
        pieces = [("sent", piece) for piece in shown.sent] + [("seen", piece) for piece in shown.seen]
        return [(side, piece.what, _spaced(piece.hex, piece.octets)) for side, piece in pieces]


def causes_of(summaries: Mapping[str, CaseSummary]) -> list[Cause]:
    """The causes in the cases of one agent: no opening and no echo first, then the worst, then the widest."""
    every = sorted(summaries.values(), key=lambda case: case_order(case.id))
    opening = _opening(every)
    if opening is not None:
        behind = {case.id for case in opening.cases}
        every = [case for case in every if case.id not in behind]
    groups: dict[tuple[CauseKind, str], list[CaseSummary]] = {}
    certain = {
        (_leading(case)["id"], case.evidence.act): _rule_key(case)
        for case in every
        if _shows_a_rule(case) and not _in_doubt(case)
    }
    for case in every:
        for key in _keys(case, certain):
            groups.setdefault(key, []).append(case)
    _join_echoes(groups, every)
    found = [_cause(kind, key, cases) for (kind, key), cases in groups.items()]
    return [*([opening] if opening else []), *sorted(found, key=_order)]


def causes_by_case(causes: Iterable[Cause]) -> dict[str, Cause]:
    """The first cause of each case, by the id of the case."""
    found: dict[str, Cause] = {}
    for cause in causes:
        for case in cause.cases:
            found.setdefault(case.id, cause)
    return found


# --- which cases belong together --------------------------------------------------------------------------------------


def _keys(case: CaseSummary, certain: Mapping[tuple[str, str], str]) -> Iterator[tuple[CauseKind, str]]:
    """The causes that a case shows: their kinds and ids; none where all is well.

    ``certain``: by a rule and an act, the cause of the cases in which that rule certainly was not followed. Where it is
    one of several that may not have been, by the same act, what is certain elsewhere explains it.
    """
    if not case.counts:
        yield "control", _slug(_why_uncounted(case))
        return
    words = said_of_application(case.note)
    for one in words:
        yield "echo", _echo_key(one)
    if _shows_a_rule(case):
        known = (certain.get((rule, case.evidence.act)) for rule in _in_doubt(case))
        yield "rule", next(filter(None, known), _rule_key(case))
    elif not words and _is_amiss(case):
        yield "other", f"run/{_slug(_NUMBER.sub('n', _without_rule(case)))}"


def _join_echoes(groups: Mapping[tuple[CauseKind, str], list[CaseSummary]], cases: Sequence[CaseSummary]) -> None:
    """Add cases with a broken rule to the causes of an application that is no echo in cases without one: it is the same
    application. Where it is an echo in all of those, or a fault was overlooked, the broken rule may be why."""
    alone = {key for key, those in groups.items() if any(NOT_AN_ECHO in case.note for case in those)}
    for case in cases:
        if case.counts and not any(map(_asks_to_refuse, case.rule_ids)):
            found: set[tuple[CauseKind, str]] = {("echo", _echo_key(one)) for one in said_beside_rules(case.note)}
            for key in found & alone:
                groups[key].append(case)


def _asks_to_refuse(rule_id: str) -> bool:
    rule = RULES.by_id.get(rule_id)
    return rule is not None and isinstance(rule.then, (Fail, Ignore, Refuse))


def _echo_key(words: str) -> str:
    return f"echo/{_slug(_NUMBER.sub('n', _contract(words)))}"


def _is_amiss(case: CaseSummary) -> bool:
    return case.label not in ("INFORMATIONAL", "UNIMPLEMENTED") and (not case.passed or case.label == "NON-STRICT")


def _label_by_rules(case: CaseSummary) -> str:
    """The verdict on a case without its application: where that is no echo, rules alone would not have made it FAILED
    (:func:`wsoracle.properties.judge.echo_contract.in_a_run`)."""
    if NOT_AN_ECHO not in case.note or not case.counts:
        return case.label
    return "NON-STRICT" if any(rule["strength"] == Strength.SHOULD.name for rule in case.rules) else "INFORMATIONAL"


def _shows_a_rule(case: CaseSummary) -> bool:
    return case.counts and bool(case.rules) and _is_amiss(case) and _label_by_rules(case) != "INFORMATIONAL"


def _in_doubt(case: CaseSummary) -> tuple[str, ...]:
    """The rules one of which leads, where it cannot be told which."""
    return tuple(case.one_of) if _leading(case)["id"] in case.one_of else ()


def _rule_key(case: CaseSummary) -> str:
    act = case.evidence.act
    if act == RETURNS_CLOSE:
        return _slug(act)
    leading = _leading(case)
    name = "+".join(case.one_of) if leading["id"] in case.one_of else leading["id"]
    return f"{name}/{_slug(_act(leading['id'], act))}".rstrip("/")


def _leading(case: CaseSummary) -> Mapping[str, str]:
    """The first of the strongest rules; one that is certainly not followed before one that is in doubt, and one of an
    extension, which says more closely what is amiss, before one of RFC 6455."""
    return min(
        case.rules,
        key=lambda rule: (_strength(rule), rule["id"] in case.one_of, source_of(rule["id"]) == "RFC 6455"),
    )


def _act(rule_id: str, act: str) -> str:
    """The act as it counts for a rule: an endpoint that overlooks a fault goes on in one way or another, be it in
    silence, and what is wrong in every frame is the same in each."""
    rule = RULES.by_id.get(rule_id)
    if rule is None:
        return act
    if rule.does:
        return ""
    overlooked = isinstance(rule.then, (Fail, Ignore)) and act in (*_GOES_ON, SILENT)
    return "goes on" if overlooked else act


def _opening(cases: Sequence[CaseSummary]) -> Cause | None:
    """The one cause of a server that answers every request, and opens no connection."""
    answers = Counter(case.answer for case in cases if case.answer)
    if not answers or any(answer.startswith("101") for answer in answers):
        return None
    answer, _ = max(answers.items(), key=lambda one: one[1])
    behind = tuple(case for case in cases if not case.passed)
    if not behind:
        return None
    return Cause(f"opening/{_slug(answer.partition(';')[0])}", "opening", _no_opening(answer), (), behind)


def _cause(kind: CauseKind, key: str, cases: Sequence[CaseSummary]) -> Cause:
    shown = Cause(key, kind, "", (), tuple(cases)).example
    rules: dict[str, Mapping[str, str]] = {}
    if kind == "rule":
        rules[_leading(shown)["id"]] = _leading(shown)
        common = {rule["id"] for rule in shown.rules}.intersection(
            *({rule["id"] for rule in case.rules} for case in cases)
        )
        rules |= {rule["id"]: rule for rule in shown.rules if rule["id"] in (*common, *shown.one_of)}
    return Cause(key, kind, _says(kind, shown, cases), tuple(rules.values()), tuple(cases))


# --- words ------------------------------------------------------------------------------------------------------------


def _says(kind: CauseKind, shown: CaseSummary, cases: Sequence[CaseSummary]) -> str:
    if kind == "echo":
        return _says_of_application(shown, cases)
    if kind == "control":
        return _says_of_controls(shown, cases)
    return _departs(shown) if kind == "rule" else _without_rule(shown).removeprefix("not run: ")


def _departs(case: CaseSummary) -> str:
    """What the endpoint does, and what the leading rule asks for."""
    act = case.evidence.act
    if act == RETURNS_CLOSE:
        return f"{act}, whatever its code"
    leading = _leading(case)["id"]
    if leading in case.one_of:
        return f"{act or 'does something'}, which one of these rules does not allow: {', '.join(case.one_of)}"
    rule = RULES.by_id.get(leading)
    if rule is None:
        return f"{act or 'does something'}, which a rule does not allow ({leading})"
    does, modal = act or "does something else", _MODALS.get(rule.strength, "may")
    about = rule.words or "what it was sent"
    match rule.then:
        case Fail(code=code):
            does = f"goes on ({act})" if act in _GOES_ON else does
            code_told = "" if code == _NEVER_SENT else f" with {code}"
            return f"{does} after {about}, where it {modal} fail the connection{code_told} ({leading})"
        case Refuse():
            return f"{does} to {about}, where it {modal} refuse the opening handshake ({leading})"
        case Forbid(due=Due() as due):
            return f"{does} where it {modal} {_DUES[due]} ({leading})"
        case Forbid() if rule.does:
            return f"{rule.does} ({leading})"
        case Forbid():
            return f"{does}: {rule.words} ({leading})" if rule.words else f"{does} ({leading})"
    return f"{does} where it {modal} {rule.then.word} {about} ({leading})"


def _contract(words: str) -> str:
    return words.replace("the application", "your application", 1)


def _says_of_application(shown: CaseSummary, cases: Sequence[CaseSummary]) -> str:
    said = said_of_application(shown.note)
    others = [those for case in cases if (those := said_of_application(case.note))]
    words = next((one for one in said if all(one in those for those in others)), said[0])
    # Where no echo came too, the message may be the answer to what asks for none.
    if words == OWN_MESSAGE and all(BESIDES in case.note for case in cases) and any(case.echo for case in cases):
        return "your application greets: it sends a message of its own before the first echo"
    cut = sum(case.label == NOT_RUN for case in cases)
    more = f"; {cut} case{'' if cut == 1 else 's'} could not be run to the end" if cut else ""
    if NOT_AN_ECHO in shown.note:
        more = f": {NOT_AN_ECHO}"
    return f"{_contract(words)}{more}"


def _says_of_controls(shown: CaseSummary, cases: Sequence[CaseSummary]) -> str:
    controls = Counter(case.control for case in cases if case.control is not None)
    named = ", ".join(f"{control} ({count})" for control, count in controls.most_common(3))
    return f"proves nothing: {_why_uncounted(shown)}" + (f" (controls: {named})" if named else "")


def _why_uncounted(case: CaseSummary) -> str:
    said = case.note.rpartition("; ")[2].partition(", so that")[0]
    return said.replace(f"its control {case.control}", "the control") or "the control was not answered"


def _without_rule(case: CaseSummary) -> str:
    closing = f", closing {case.behavior_close}" if case.behavior_close not in ("", "?", case.behavior) else ""
    return case.note or f"{case.behavior}{closing}"


def _no_opening(answer: str) -> str:
    status, _, asks = answer.partition("; ")
    asks = f" ({asks})" if asks else ""
    advice = {"3": "give the URL that it leads to", "4": "give the path of its WebSocket endpoint"}.get(status[:1], "")
    if status in ("401", "403", "407"):
        advice = "give what it asks for with --header or --origin"
    said = f"answers {status}{asks} to the opening handshake, so that nothing else could be tested"
    return f"{said}: {advice}" if advice else said


# --- order ------------------------------------------------------------------------------------------------------------


def _order(cause: Cause) -> tuple[object, ...]:
    kind = _KINDS.index(cause.kind) if cause.kind in _KINDS else len(_KINDS)
    strength = min(map(_strength, cause.rules), default=0)
    return kind, _badness(cause.verdict), strength, -len(cause.cases), cause.id


def _badness(verdict: str) -> int:
    return WORST.index(verdict) if verdict in WORST else 0


def _strength(rule: Mapping[str, str]) -> int:
    return _STRENGTHS.index(rule["strength"]) if rule["strength"] in _STRENGTHS else len(_STRENGTHS)


def _effort(case: CaseSummary) -> tuple[object, ...]:
    return bool(case.one_of), faults_in(case.id), case.evidence.effort, case_order(case.id)


def _clause(rule: Mapping[str, str]) -> str:
    return f'{rule["id"]}: {rule["strength"]}, {clause_of(rule["id"], rule["section"])}: "{rule["quote"]}"'


def _spaced(octets: str, of: int) -> str:
    """Octets in hex with spaces, and how many more there were."""
    spaced = " ".join(octets[at : at + 2] for at in range(0, len(octets), 2))
    return f"{spaced} ... ({of} octets)" if octets and 2 * of > len(octets) else spaced


def _slug(text: str) -> str:
    return _NO_SLUG.sub("-", text.casefold()[:80]).strip("-")
