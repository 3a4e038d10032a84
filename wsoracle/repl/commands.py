"""The commands of the terminal's explorer: a line goes in, lines to be shown come out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.facts.heads import facts_of_request, facts_of_response
from wsoracle.model.machine.interpreted import owed
from wsoracle.model.machine.words import DUES, state_words
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CONTINUATION, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Writes
from wsoracle.properties.traces.recorded import Recorded, trace_to_json

from ..explain.field_table import field_table
from ..site.histories import SIDES, HistoryError, unit_text
from ..site.start import AGREED, BROKEN, YOU, agreed_text, with_part
from ..site.world import ExploredWorld, HistoryEntry, compressed, words_of
from ..text.clauses import clause
from ..text.hexadecimal import hex_of
from .choices import AGAINST, MUST, NEVER, SHOULD, ExploredChoice, choices

HELP: Final = """\
NUMBER                   do what stands at that number
why NUMBER               the rules behind it, with their sentences
all                      the numbers again, with what an end should not and must not do
state                    both ends, what is under way, and the numbers
c HEX | s HEX            the client or the server sends these octets: frames, or a head
c NAME=VALUE ...         it sends a frame of these fields: opcode fin rsv1 rsv2 rsv3 mask code payload hex,
                         or deflate, a text that is compressed
c request NAME=VALUE ... it sends a request with these facts (a server: response)
c take [CHOICE] | c end  it takes in what is under way, such as take fail-1002; it closes TCP
cut                      the connection breaks
undo | anew              back by a step; back to the start
you client|server|nobody you are that end, and no rule keeps it from anything
open | connect           begin after the opening handshake, or before it
agreed [LIST]            begin after a handshake that agreed on extensions: permessage-deflate, with its parameters
break FAULT | mend       begin with a rule broken, such as 5.5.2/ping~drop; with the rules as they are
load TEXT                a history, or a link of the site's explorer
history | link           all that happened; the text that the site's explorer understands behind its #
trace client|server      what that end saw and did, as a trace for wsoracle judge
help | quit"""

_SAID: Final = 12
"""Octets of a frame in a line."""


class ReplSession:
    """A history that goes on with each line."""

    def __init__(self, text: str = "open") -> None:
        self.world = ExploredWorld(history_in(text))
        self.offered: list[ExploredChoice] = []
        self.over = False
        self._asked: tuple[RequestFacts, Request] | None = None
        self._commands: Final[Mapping[str, Callable[[list[str]], Iterator[str]]]] = {
            "help": lambda _: iter(HELP.splitlines()),
            "state": lambda _: self.shown(),
            "all": lambda _: self._offer(everything=True),
            "why": self._why,
            "c": lambda words: self._of_end(Role.CLIENT, words),
            "s": lambda words: self._of_end(Role.SERVER, words),
            "cut": lambda _: self._do("cut"),
            "undo": lambda _: self._back(self.world.text.rpartition(";")[0] or self.world.text),
            "anew": lambda _: self._back(self.world.first),
            "you": self._be,
            "open": lambda _: self._back("open"),
            "connect": lambda _: self._back("connect"),
            "agreed": lambda words: self._begin(AGREED, agreed_text(" ".join(words))),
            "break": lambda words: self._begin(BROKEN, " ".join(words)),
            "mend": lambda _: self._begin(BROKEN, None),
            "load": lambda words: self._back(history_in(" ".join(words))),
            "history": lambda _: self._history(),
            "link": lambda _: self._link(),
            "trace": self._trace,
            "quit": self._quit,
        }

    def answer(self, line: str) -> list[str]:
        """The lines that a line is answered with. Raises :class:`HistoryError` where it cannot be done."""
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise HistoryError(f"{error}: close the quotation") from error
        if not words:
            return []
        if words[0].isdecimal():
            return list(self._do(self._chosen(words[0]).action))
        command = self._commands.get(words[0])
        if command is None:
            raise HistoryError(f"{words[0]}: no command: say help for all of them, or a number")
        return list(command(words[1:]))

    def shown(self) -> Iterator[str]:
        """Both ends in the words of section 7.1, what is under way to them, and what may happen next."""
        start = self.world.start
        if start.fault is not None:
            whose = f"of the {start.you.peer.value}" if start.you else "of both ends"
            yield f"a rule {whose} is broken: {start.fault.rule}, {start.fault.change}"
        if start.extensions is not None:
            yield f"agreed on before: {start.extensions}"
        for role, end in self.world.ends.items():
            you = " (you)" if role is self.world.you else ""
            dues = list(dict.fromkeys(DUES[due] for due, _ in owed(end.state, end.setting, self.world.rules)))
            owes = f"; owes {' and '.join(dues)}" if dues and not you else ""
            yield f"{role.value}{you}: {state_words(end.state)}{owes}"
            coming = ", ".join(words_of(one.unit, role.peer) for one in end.coming)
            yield from [f"  under way to it: {coming}"] if coming else []
        yield from self._offer(everything=False)

    def _offer(self, *, everything: bool) -> Iterator[str]:
        self.offered = [one for one in choices(self.world) if everything or one.grade not in (AGAINST, NEVER)]
        for number, one in enumerate(self.offered, 1):
            yield f"{number:>3}  the {one.who.value} {one.grade:<10} {one.words}  [{', '.join(one.rules)}]"
            if one.grade in (MUST, SHOULD) and one.rules:
                yield f'{"":19}"{RULES.by_id[one.rules[0]].quote}"'

    def _chosen(self, number: str) -> ExploredChoice:
        if not self.offered:
            list(self._offer(everything=False))
        if not 1 <= int(number) <= len(self.offered):
            raise HistoryError(f"{number}: the numbers go from 1 to {len(self.offered)}: say state to see them")
        return self.offered[int(number) - 1]

    def _why(self, words: list[str]) -> Iterator[str]:
        if len(words) != 1 or not words[0].isdecimal():
            raise HistoryError("why goes with one number: say state to see them")
        for name in self._chosen(words[0]).rules:
            yield f"{name}: {clause(name)}"

    def _do(self, action: str) -> Iterator[str]:
        entry = self.world.act(action)
        yield _entry_words(len(self.world.steps), entry)
        if isinstance(entry.unit, Frame) and entry.sends:
            yield from _fields(entry.unit, self.world.octets(entry.unit))
        yield from self.shown()

    def _back(self, text: str) -> Iterator[str]:
        self.world = ExploredWorld(text)
        return self.shown()

    def _be(self, words: list[str]) -> Iterator[str]:
        if len(words) != 1 or words[0] not in ("nobody", *Role):
            raise HistoryError("you goes with client, server or nobody")
        return self._begin(YOU, None if words[0] == "nobody" else words[0])

    def _begin(self, name: str, value: str | None) -> Iterator[str]:
        return self._back(with_part(self.world.first, name, value))

    # --- what an end sends

    def _of_end(self, who: Role, words: list[str]) -> Iterator[str]:
        side = SIDES[who]
        if not words:
            raise HistoryError(f"{side} goes with octets in hex, fields, request, response, take or end: say help")
        if words[0] == "take":
            return self._do(":".join([side, ".".join(words[:2])]))
        if words[0] in ("request", "response", "end"):
            return self._do(f"{side}:{'.'.join(words)}")
        if any("=" in word for word in words):
            return self._send(who, [unit_text(_frame_of(who, words))])
        return self._send(who, self._units(who, words))

    def _send(self, who: Role, units: list[str]) -> Iterator[str]:
        for unit in units:
            yield from self._do(f"{SIDES[who]}:{unit}")

    def _units(self, who: Role, words: list[str]) -> list[str]:
        """The units that octets in hex are."""
        try:
            octets = bytes.fromhex("".join(words))
        except ValueError:
            raise HistoryError(f"{' '.join(words)}: octets are pairs of hex digits, such as 89 00") from None
        if self.world.ends[who].state.handshake:
            return [unit_text(self._head(who, octets))]
        units, rest = frames_in(octets)
        if rest != len(octets):
            raise HistoryError(f"the last {len(octets) - rest} octets are no whole frame: give the rest of it too")
        return [unit_text(_as_frame(unit.header, unit.payload)) for unit in units]

    def _head(self, who: Role, octets: bytes) -> RequestFacts | ResponseFacts:
        reader = HeadParser(who.peer)
        reader.feed(octets)
        if reader.result is None:
            raise HistoryError("the head is not whole: it ends with an empty line, 0d 0a 0d 0a")
        if who is Role.CLIENT:
            facts = facts_of_request(reader.result)
            if isinstance(reader.result, ParsedHead) and isinstance(reader.result.head, Request):
                self._asked = facts, reader.result.head
            return facts
        return facts_of_response(reader.result, self._request())

    def _request(self) -> Request:
        """The request that was sent last: its facts do not show all that an answer is compared with."""
        sent = next((one.unit for one in reversed(self.world.steps) if isinstance(one.unit, RequestFacts)), None)
        return self._asked[1] if self._asked and self._asked[0] == sent else self.world.request

    # --- what happened

    def _history(self) -> Iterator[str]:
        for number, entry in enumerate(self.world.steps, 1):
            yield _entry_words(number, entry)

    def _link(self) -> Iterator[str]:
        yield f"explorer.html#{self.world.text}"
        if any(end.state.recv_window for end in self.world.ends.values()):
            yield "the explorer of the site does not inflate messages: wsoracle repl reads this"

    def _trace(self, words: list[str]) -> Iterator[str]:
        if len(words) != 1 or words[0] not in [*Role]:
            raise HistoryError("trace goes with client or server: the end that is judged")
        role = Role(words[0])
        answer = next((one.unit for one in self.world.steps if isinstance(one.unit, ResponseFacts)), None)
        again, seen = ExploredWorld(self.world.first), list[Observation]()
        for action in self.world.actions:
            entry = again.act(action)
            octets = again.octets(entry.unit, answer)
            if entry.who is role:
                made = Writes(octets) if entry.sends else Arrives(octets)
                ends = ClosesTcp() if entry.sends else ArrivesEof()
                seen.append(ends if entry.unit is None else made)
        recorded = Recorded(
            tuple(seen), again.ends[role].setting, opening=again.start.connecting, extensions=again.start.extensions
        )
        yield json.dumps(trace_to_json(recorded))

    def _quit(self, _: list[str]) -> Iterator[str]:
        self.over = True
        return iter(())


def history_in(text: str) -> str:
    """The history in a text or a link."""
    return unquote(text.strip().rpartition("#")[2]) or "open"


def _entry_words(number: int, entry: HistoryEntry) -> str:
    who = f"the {entry.who.value} " if entry.who else ""
    rules = f"  [{', '.join(entry.rules)}]" if entry.rules else ""
    return f"{number}. {who}{entry.words}: {entry.outcome}{rules}"


def _fields(frame: Frame, octets: bytes) -> Iterator[str]:
    for row in field_table(octets, frame.payload, None):
        if row.meaning != "0":
            yield f"     {hex_of(row.octets, _SAID):<38} {row.field}: {row.meaning}"


def _as_frame(header: Header, payload: bytes) -> Frame:
    bits = header.rsv1, header.rsv2, header.rsv3
    return Frame(header.opcode, payload, header.fin, *bits, header.key, header.form)


_OCTETS: Final = ("payload", "hex", "deflate")
_FIELDS: Final = ("opcode", "fin", "rsv1", "rsv2", "rsv3", "mask", "code", *_OCTETS)


def _frame_of(who: Role, words: list[str]) -> Frame:
    """The frame of fields; what is left out is as a legal text frame has it."""
    said = dict(word.partition("=")[::2] for word in words)
    unknown = [name for name in said if name not in _FIELDS]
    if unknown:
        raise HistoryError(f"{unknown[0]}: the fields of a frame are {', '.join(_FIELDS)}, each as NAME=VALUE")
    try:
        numbers = {name: int(value, 0) for name, value in said.items() if name not in _OCTETS}
        octets = bytes.fromhex(said["hex"]) if "hex" in said else said.get("payload", "").encode()
        if "deflate" in said:
            octets = compressed(said["deflate"].encode())
        code = numbers["code"].to_bytes(2, "big") if "code" in numbers else b""
        masked = bool(numbers.get("mask", who is Role.CLIENT))
        rsv1 = bool(numbers.get("rsv1", "deflate" in said and numbers.get("opcode", 1) != CONTINUATION))
        rsv2, rsv3 = (bool(numbers.get(name, 0)) for name in ("rsv2", "rsv3"))
        fin = bool(numbers.get("fin", 1))
        return Frame(numbers.get("opcode", 1), code + octets, fin, rsv1, rsv2, rsv3, DEFAULT_KEY if masked else None)
    except (ValueError, OverflowError) as error:
        raise HistoryError(
            f"{error}: fields are numbers (opcode=0x9, fin=0), payload and deflate are text, hex is octets"
        ) from error
