"""An explanation in words: lines for people, coloured on a terminal, plain and always the same where it is piped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.expression import TRUE, text
from wsoracle.model.notation.rule import Due, Rule, Strength
from wsoracle.model.notation.switches import Switch
from wsoracle.model.notation.variables import NO_CODE, State, label, phase
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import TEXT
from wsoracle.model.rules.close_codes import code_range

from ..text.hexadecimal import hex_of
from .disputes import Dispute
from .field_table import Line
from .frames import Explanation, Owed, Reading, because
from .nearest_legal import Change, Elsewhere

_IN_A_ROW: Final = 8
_AT_ONCE: Final = 100
_OCTETS_SHOWN: Final = 32
_CHANGES_SHOWN: Final = 4
_STRENGTH_WIDTH: Final = max(len(strength.value) for strength in Strength) + 1
STRENGTH_STYLE: Final = {
    Strength.MUST: "bold red",
    Strength.CONSENSUS: "magenta",
    Strength.SHOULD: "yellow",
    Strength.MAY: "cyan",
}
_KIND_STYLE: Final = {Kind.ACCEPT: "bold green", Kind.FAIL: "bold red", Kind.IGNORE: "bold yellow"}


def show(explanation: Explanation, console: Console) -> None:
    """Print an explanation."""
    waiting: list[Text] = []
    for line in lines(explanation, console.width):
        waiting.append(line)
        if len(waiting) == _AT_ONCE:
            console.print(Text("\n").join(waiting), soft_wrap=True)
            waiting.clear()
    if waiting:
        console.print(Text("\n").join(waiting), soft_wrap=True)


def lines(explanation: Explanation, width: int) -> Iterator[Text]:
    """The explanation, line by line, none wider than ``width`` columns where words allow."""
    yield from _Page(explanation, max(width, 60)).lines()


class _Page:
    def __init__(self, explanation: Explanation, width: int) -> None:
        self._explanation = explanation
        self._width = width
        self._quoted: set[str] = set()  # a clause is quoted once

    def lines(self) -> Iterator[Text]:
        explanation = self._explanation
        role = explanation.setting.role.value
        before = len(explanation.history)
        after = f", after {before} frame{'' if before == 1 else 's'} received before" if before else ""
        yield from self._put(f"received by a {role} in the state {state_words(explanation.start)}{after}", "bold")
        for reading in explanation.history:
            if reading.outcomes[0].label.kind is Kind.FAIL:
                said = f"the octets received before made it {_outcome_words(reading.outcomes[0])}"
                yield from self._put(said, "yellow", 2)
                yield from self._rules(reading.outcomes[0].rules, reading, 4)
        for number, reading in enumerate(explanation.readings, 1):
            yield Text("")
            yield from self._reading(number, reading)

    def _reading(self, number: int, reading: Reading) -> Iterator[Text]:
        end = reading.start + len(reading.octets)
        what = "frame" if reading.partial is None else "the beginning of frame"
        where = f"octets {reading.start} to {end - 1}" if len(reading.octets) > 1 else f"octet {reading.start}"
        yield from self._put(f"{what} {number}: {where}, {_count(len(reading.octets))} long", "bold")
        for line in reading.lines:
            yield from self._picture(line)
        yield Text("")
        if reading.partial is not None:
            yield from self._partial(reading)
        else:
            yield from self._verdict(reading)
        if reading.elsewhere is not None:
            yield from self._elsewhere(reading, reading.elsewhere)
        if reading.peer_accepts:
            peer = self._explanation.setting.role.peer.value
            yield from self._put(f"a {peer} would accept it: if it was one that received it, add --role {peer}", "", 2)
        for switch, disputes in groupby(reading.disputes, lambda dispute: dispute.switch):
            yield from self._disputed(switch, tuple(disputes))

    # --- octets ----------------------------------------------------------------------------------------------------

    def _picture(self, line: Line) -> Iterator[Text]:
        shown = line.octets[:_OCTETS_SHOWN]
        rows = [hex_of(shown[at : at + _IN_A_ROW]) for at in range(0, len(shown), _IN_A_ROW)] or [""]
        if len(shown) < len(line.octets):
            rows.append(f"... {len(line.octets) - len(shown):,} more")
        indent = 2 + 3 * _IN_A_ROW + 1
        said = textwrap.wrap(line.meaning, max(self._width - indent - 29, 20)) or [""]
        for at in range(max(len(rows), len(said))):
            octets = rows[at] if at < len(rows) else ""
            row = Text("  ")
            row.append(octets.ljust(indent - 2), "cyan")
            row.append((line.bits if at == 0 else "").ljust(11), "dim")
            row.append((line.field if at == 0 else "").ljust(17), "bold")
            row.append(said[at] if at < len(said) else "")
            row.rstrip()
            yield row

    # --- what it means ---------------------------------------------------------------------------------------------

    def _verdict(self, reading: Reading) -> Iterator[Text]:
        for place, outcome in enumerate(reading.outcomes):
            said = _outcome_words(outcome)
            yield from self._put(
                said if place == 0 else f"or it may {_may_words(outcome)}", _style_of(outcome, place), 2
            )
            yield from self._rules(outcome.rules, reading, 4)
        for outcome in reading.departing:
            which = " and ".join(map(self._named, outcome.departs_from))
            yield from self._put(f"to {_may_words(outcome)} would depart from {which} and from nothing stronger", "", 2)
        yield from self._put(f"afterwards: {state_words(reading.after)}", "", 2)
        for due in reading.owed:
            yield from self._owed(due)

    def _partial(self, reading: Reading) -> Iterator[Text]:
        partial = reading.partial
        assert partial is not None
        of_what = "its header" if partial.header else "the frame"
        yield from self._put(f"not complete: {of_what} needs at least {_count(partial.missing)} more", "bold yellow", 2)
        if partial.fails:
            yield from self._put("decided already, whatever follows: the connection is failed", "bold red", 2)
            yield from self._rules(tuple(rule.id for rule in partial.fails), reading, 4)
        if partial.ignored:
            yield from self._put("decided already, whatever follows: it is ignored", "bold yellow", 2)
            yield from self._rules(tuple(rule.id for rule in partial.ignored), reading, 4)
        if partial.may_fail:
            yield from self._put("the connection may be failed for it without waiting for the rest", "", 2)
            yield from self._rules(tuple(rule.id for rule in partial.may_fail), reading, 4)
        if not (partial.fails or partial.ignored):
            yield from self._put("nothing so far obliges the endpoint to refuse it", "", 2)

    def _elsewhere(self, reading: Reading, elsewhere: Elsewhere) -> Iterator[Text]:
        for said in _elsewhere_words(self._explanation, elsewhere):
            yield from self._put(said, "", 2)
        for step in elsewhere.path or ():
            yield from self._put(
                f"{hex_of(step.octets)}   {_frame_words(step.frame.opcode, step.frame.fin)}", "cyan", 6
            )
        if elsewhere.path:
            history = b"" if elsewhere.from_start else b"".join(r.octets for r in self._before(reading))
            after = (history + b"".join(step.octets for step in elsewhere.path)).hex()
            if len(after) <= 2 * _OCTETS_SHOWN:
                yield from self._put(f"try: --after {after}", "", 6)
        if reading.changes:
            yield from self._put("legal here if it were", "", 2)
            for change in reading.changes[:_CHANGES_SHOWN]:
                yield from self._change(change, whole=reading.partial is None)
            if len(reading.changes) > _CHANGES_SHOWN:
                yield from self._put(f"and {len(reading.changes) - _CHANGES_SHOWN} other changes", "", 6)

    def _before(self, reading: Reading) -> Iterator[Reading]:
        yield from self._explanation.history
        yield from (other for other in self._explanation.readings if other.start < reading.start)

    def _change(self, change: Change, *, whole: bool) -> Iterator[Text]:
        shown = f": {hex_of(change.octets, _OCTETS_SHOWN)}" if whole else ""
        yield from self._put(f"{change.words}{shown}", "", 6)

    def _disputed(self, switch: Switch, disputes: tuple[Dispute, ...]) -> Iterator[Text]:
        yield from self._put(f"disputed (section {switch.sections}): {switch.question}", "", 2)
        for dispute in disputes:
            outcomes = " or ".join(_may_words(outcome) for outcome in dispute.outcomes)
            yield from self._put(f"with --switch {switch.name}={dispute.value}: {outcomes}", "", 6)

    def _owed(self, owed: Owed) -> Iterator[Text]:
        octets = f", such as {hex_of(owed.octets, _OCTETS_SHOWN)}" if owed.octets else ""
        yield from self._put(f"it owes {_DUE[owed.due]}{octets}", "bold", 2)
        yield from self._rule(owed.rule, None, 4)

    # --- rules -----------------------------------------------------------------------------------------------------

    def _rules(self, ids: tuple[str, ...], reading: Reading, indent: int) -> Iterator[Text]:
        for rule_id in ids:
            yield from self._rule(self._explanation.rules.by_id[rule_id], reading, indent)

    def _rule(self, rule: Rule, reading: Reading | None, indent: int) -> Iterator[Text]:
        head = Text(" " * indent)
        head.append(rule.strength.value.ljust(_STRENGTH_WIDTH), STRENGTH_STYLE[rule.strength])
        head.append(rule.id, "bold")
        indent += _STRENGTH_WIDTH
        if reading is not None:
            guard = because(rule, self._explanation.setting, reading.before, reading.frame)
            why = f"   because {text(guard)}"
            if guard.key() != TRUE.key():
                fits = len(head.plain) + len(why) <= self._width
                head.append(why if fits else "", "dim")
        yield head
        if rule.id in self._quoted:
            return
        self._quoted.add(rule.id)
        yield from self._put(f'section {rule.section}: "{rule.quote}"', "italic", indent)

    def _named(self, rule_id: str) -> str:
        return f"{rule_id} ({self._explanation.rules.by_id[rule_id].strength.value})"

    def _put(self, said: str, style: str, indent: int = 0) -> Iterator[Text]:
        for row in textwrap.wrap(said, self._width - indent, break_long_words=False, break_on_hyphens=False):
            yield Text(" " * indent).append(row, style or None)


# --- words ---------------------------------------------------------------------------------------------------------


def state_words(state: State) -> str:
    """A state as people say it: its phase, and what is under way."""
    said = [phase(state)]
    if state.recv_type:
        kind = "text" if state.recv_type == TEXT else "binary"
        inside = {utf8.ACCEPT: "", utf8.REJECT: ", which is no UTF-8 any more"}
        said.append(f"inside a {kind} message{inside.get(state.recv_utf8, ', in the middle of a character')}")
    if state.failed:
        said.append(f"to be closed with {state.fail_code}" if state.fail_code else "lost")
    if state.sent_close:
        said.append("Close sent")
    if state.got_close:
        said.append(f"Close received ({state.close_code})" if state.close_code != NO_CODE else "Close received")
    if state.discarding:
        said.append("discarding what is received")
    if state.send_type:
        said.append(f"sending a {'text' if state.send_type == TEXT else 'binary'} message")
    claimed = [name.removeprefix("claims_").upper() for name in state._fields if name.startswith("claims_")]
    said += [f"{bit} defined by an extension" for bit in claimed if getattr(state, f"claims_{bit.lower()}")]
    return ", ".join(said)


def _outcome_words(outcome: Outcome) -> str:
    label = outcome.label
    if label.kind is Kind.ACCEPT:
        return "accepted, nothing to deliver yet" if label.delivers is None else f"accepted: {label.delivers}"
    if label.kind is Kind.FAIL:
        return f"refused: fail the connection with {_code_words(label.code or 0)}"
    return "ignored"


def _may_words(outcome: Outcome) -> str:
    label = outcome.label
    if label.kind is Kind.FAIL:
        return f"fail the connection with {_code_words(label.code or 0)}"
    if label.kind is Kind.ACCEPT:
        return "accept it"
    return "ignore it"


def _code_words(code: int) -> str:
    return f"{code} ({code_range(code).meaning})"


def _style_of(outcome: Outcome, place: int) -> str:
    return _KIND_STYLE.get(outcome.label.kind, "") if place == 0 else ""


def _elsewhere_words(explanation: Explanation, elsewhere: Elsewhere) -> Iterator[str]:
    role = explanation.setting.role.value
    if elsewhere.nowhere:
        yield f"no state of a {role} accepts this frame"
        return
    if elsewhere.extension:
        yield f"legal where a negotiated extension defines {' and '.join(elsewhere.extension)}"
    if elsewhere.path is None:
        yield "there is a state that accepts this frame, but no short path to it was found"
    elif elsewhere.path:
        yield f"legal {'from the start' if elsewhere.from_start else 'here'} after" + (
            " this frame" if len(elsewhere.path) == 1 else f" these {len(elsewhere.path)} frames"
        )
    elif not elsewhere.extension:
        yield "legal right after the opening handshake"


def _frame_words(opcode: int, fin: bool) -> str:
    return f"{label('opcode', opcode)}, {'final' if fin else 'more fragments follow'}"


_DUE: Final = {
    Due.REPLY: "the reply to a message",
    Due.PONG: "a Pong",
    Due.CLOSE: "a Close frame",
    Due.TCP_CLOSE: "closing the TCP connection",
}


def _count(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets:,} octets"


__all__ = ["STRENGTH_STYLE", "lines", "show", "state_words"]
