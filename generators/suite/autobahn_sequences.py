"""The event sequences of Autobahn (Autobahn, groups 1 to 7), read as histories of the model.

The file that describes that suite lists, for each case, what its fuzzer sends. Here each case becomes histories: those
frames arrive at an endpoint that follows the rules, with an application that echoes, and between them stands what such
an endpoint sends. Wherever it owes something there is also the history in which it stays silent. So the suite gets the
credit of a judge as exact as ours; its own comparison is coarser.

The file is only read: nothing of it is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wsoracle.model.facts.frames import DEFAULT_KEY, facts, text_before
from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.machine.interpreted import Kind, Outcome, canonical
from wsoracle.model.notation.rule import Due, Strength
from wsoracle.model.notation.variables import Event, EventKind, Setting, State
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role, is_control
from wsoracle.model.rules import RULES

from ..mutants.distinguish import Scenario
from ..mutants.observable import EventHistory, HistoryStep, step_at
from ..mutants.world_starts import WorldStart

GROUPS: Final = frozenset("1234567")

_PAUSES: Final = frozenset({"killAfter", "closeAfter", "continueLater"})


def autobahn_sequences(path: Path) -> dict[str, Scenario]:
    """The histories of groups 1 to 7, by case id, role and, where the endpoint stays silent too early, a number.

    ``path`` names a file of one JSON object a line. Raises :class:`OSError` where it cannot be read, and
    :class:`ValueError`, with the line, where it does not say what such a file says.
    """
    found: dict[str, Scenario] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            if str(row["id"]).partition(".")[0] in GROUPS:
                frames = _with_close(row)
                for role in Role:
                    found.update(_histories(f"{row['id']}/{role}", role, frames))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"{path}, line {number}: not a case of Autobahn: {error}") from error
    return found


def _with_close(row: Mapping[str, Any]) -> list[Frame]:
    """The frames of a case, and the Close that the fuzzer sends once it has seen what it expects."""
    frames = list(frames_of(row["onOpen_calls"]))
    closes = any(call[0] == "closeAfter" for call in row["onOpen_calls"])
    closes = closes or (bool(row["expectedClose"]["closedByMe"]) and not row["suppressClose"])
    return [*frames, Frame(CLOSE, b"\x03\xe8")] if closes else frames


def _histories(name: str, role: Role, frames: Iterable[Frame]) -> Iterator[tuple[str, Scenario]]:
    """The histories of an endpoint of a role: its run to the end, and each silence where an answer is owed."""
    run = _Run(role)
    for frame in frames:
        run.receive(frame)
    run.end()
    start = WorldStart(run.setting)
    yield name, Scenario(start, tuple(run.steps))
    for number, history in enumerate(run.silences, 1):
        yield f"{name}/silent-{number}", Scenario(start, history)


# --- what the fuzzer sends


def frames_of(calls: Iterable[Sequence[Any]]) -> Iterator[Frame]:
    """The frames, unmasked, that the calls of a case make the suite's fuzzer send; timers send nothing.

    Raises :class:`ValueError` for a call that is not known.
    """
    streamed = b""
    for name, *args in calls:
        match name:
            case "sendFrame":
                yield _frame(args[0])
            case "sendClose" | "sendCloseFrame":
                yield Frame(CLOSE, _close_body(args))
            case "sendMessage":
                yield from _message(_octets(args[0]), args[1] if len(args) > 1 else False)
            case "beginMessage" | "beginMessageFrame":
                streamed = b""
            case "sendMessageFrameData":
                streamed += _octets(args[0])
            case "endMessage":
                yield from (Frame(TEXT, streamed, fin=False), Frame(CONTINUATION))
            case _ if name not in _PAUSES:
                raise ValueError(f"a call that is not known: {name}")


def _frame(said: Mapping[str, Any]) -> Frame:
    rsv = said.get("rsv", 0)
    payload = _octets(said["payload"]) if "payload" in said else b""
    if "payload_len" in said:
        payload = (payload * (said["payload_len"] // len(payload) + 1))[: said["payload_len"]]
    return Frame(said["opcode"], payload, said.get("fin", True), bool(rsv & 4), bool(rsv & 2), bool(rsv & 1))


def _close_body(args: Iterable[Any]) -> bytes:
    body = b""
    for arg in args:
        if isinstance(arg, int):
            body += arg.to_bytes(2, "big")
        elif arg is not None:
            body += _octets(arg.get("reasonUtf8", arg))
    return body


def _message(payload: bytes, options: bool | Mapping[str, Any]) -> Iterator[Frame]:
    chosen = {"isBinary": options} if isinstance(options, bool) else options
    opcode = BINARY if chosen.get("isBinary") else TEXT
    size = chosen.get("fragmentSize") or len(payload) or 1
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    for index, piece in enumerate(pieces):
        yield Frame(opcode if index == 0 else CONTINUATION, piece, fin=index == len(pieces) - 1)


def _octets(said: Mapping[str, Any]) -> bytes:
    """The octets that the file describes; a long payload is one octet again and again.

    Raises :class:`ValueError` where it is not.
    """
    if "hex" in said:
        return bytes.fromhex(said["hex"])
    octets = bytes.fromhex(said["head_hex"])[:1] * int(said["len"])
    if hashlib.sha256(octets).hexdigest() != said["sha256"]:
        raise ValueError("a long payload is not one octet repeated")
    return octets


# --- what the endpoint does


class _Run:
    """An endpoint that echoes and does what the rules ask for, and what has happened to it."""

    def __init__(self, role: Role) -> None:
        self.setting: Final = Setting(role, echo=True)
        self.steps: Final[list[HistoryStep]] = []
        self.silences: Final[list[EventHistory]] = []
        self._machine: Final = machine_for(RULES, Setting(role, echo=True))
        self._state = State()
        self._ping = b""
        self._opcode, self._message = TEXT, b""
        self._replies: Final[list[Frame]] = []

    def receive(self, frame: Frame) -> None:
        """A frame of the fuzzer's arrives, and what is owed for it is sent."""
        before = self._state
        outcome = self._step(EventKind.RECEIVE, frame, masked=self.setting.role is Role.SERVER)
        if outcome.label.kind is Kind.ACCEPT:
            self._take(frame, before)
        self._discharge()

    def end(self) -> None:
        """Nothing more comes: the endpoint is quiet, and then its peer ends TCP, and it does what it owes."""
        self._step(EventKind.SILENCE)
        self._step(EventKind.RECEIVE_EOF)
        self._discharge()
        self._step(EventKind.SILENCE)

    def _take(self, frame: Frame, before: State) -> None:
        if frame.opcode == PING:
            self._ping = frame.payload
        elif not is_control(frame.opcode):
            self._opcode = before.recv_type or frame.opcode
            self._message += frame.payload
            if frame.fin:
                self._replies.append(Frame(self._opcode, self._message))
                self._message = b""

    def _discharge(self) -> None:
        """Do all that is owed; before each of it stands the history in which the endpoint stays silent instead."""
        while dues := self._machine.owed(self._state):
            self.silences.append((*self.steps, HistoryStep(Event(EventKind.SILENCE))))
            self._do(dues[0][0])

    def _do(self, due: Due) -> None:
        masked = self.setting.role is Role.CLIENT
        if due is Due.PONG:
            self._step(EventKind.SEND, Frame(PONG, self._ping), masked=masked, answers=True)
        elif due is Due.REPLY:
            reply = self._replies.pop(0)
            self._step(EventKind.SEND, reply, masked=masked, answers=not self._replies)
        elif due is Due.CLOSE:
            code = self._state.fail_code if self._state.failed else 1000
            self._step(EventKind.SEND, Frame(CLOSE, code.to_bytes(2, "big")), masked=masked)
        else:
            self._step(EventKind.CLOSE_TCP)

    def _step(
        self, kind: EventKind, frame: Frame | None = None, *, masked: bool = False, answers: bool = False
    ) -> Outcome:
        event = Event(kind)
        if frame is not None:
            whole = Frame(
                frame.opcode,
                frame.payload,
                frame.fin,
                frame.rsv1,
                frame.rsv2,
                frame.rsv3,
                DEFAULT_KEY if masked else None,
            )
            event = Event(kind, facts(whole, text_before(frame.opcode, self._state, kind), answers=answers))
        outcome = _strict(self._machine.allowed(self._state, event))
        self.steps.append(step_at(self._state, event, outcome.label, None if frame is None else frame.payload))
        self._state = outcome.state
        return outcome


def _strict(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The canonical outcome of an endpoint without a limit of its own."""
    without_limit = [o for o in outcomes if not (o.label.code == 1009 and o.strength is Strength.MAY)]
    return canonical(tuple(without_limit) or outcomes)
