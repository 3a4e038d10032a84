"""The event sequences of the established suite's groups 1 to 7 as histories of the model, for both roles.

Theory of operation. The data (a JSON line a case) says which frames the suite's fuzzer sends. Each arrives at an
endpoint that echoes; what the canonical endpoint then does, and that it is silent after, is part of the history. So
the score of these histories says what those sequences could tell apart at best, judged by the rules and not by the
suite's own expectations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from wsoracle.model.abstraction import facts, text_before
from wsoracle.model.compiled import CompiledMachine
from wsoracle.model.machine import Label
from wsoracle.model.rule import Due
from wsoracle.model.rules import RULES
from wsoracle.model.terms import NO_CODE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.vocabulary import BINARY, CLOSE, CONTINUATION, PONG, TEXT, Frame, Role

from .distinguish import Scenario
from .expectation import Step
from .worlds import Start

GROUPS: Final = frozenset("1234567")
KEY: Final = bytes.fromhex("37fa213d")


def frames_of(calls: list[list[Any]]) -> Iterator[Frame]:
    """The frames, unmasked, that the calls of a case make the suite's fuzzer send; timers send nothing.

    Raises :class:`ValueError` for a call that is not known.
    """
    in_message = False
    for name, *args in calls:
        options = next((a for a in args if isinstance(a, dict) and not {"hex", "len"} & a.keys()), {})
        payloads = [a for a in args if isinstance(a, dict) and "len" in a]
        numbers = [a for a in args if isinstance(a, int) and not isinstance(a, bool)]
        if name == "sendFrame":
            rsv = options.get("rsv", 0)
            data = _payload(options.get("payload", {"hex": "", "len": 0}))
            yield Frame(options["opcode"], data, options.get("fin", True), bool(rsv & 4), bool(rsv & 2), bool(rsv & 1))
        elif name == "sendMessage":
            size = options.get("fragmentSize")
            binary = options.get("isBinary", next((a for a in args if isinstance(a, bool)), False))
            yield from _message(_payload(payloads[0]), BINARY if binary else TEXT, size)
        elif name in ("sendClose", "sendCloseFrame"):
            reason = options.get("reasonUtf8", payloads[0] if payloads else None)
            text = b"" if reason is None else _payload(reason)
            yield Frame(CLOSE, numbers[0].to_bytes(2, "big") + text if numbers else b"")
        elif name == "sendMessageFrameData":
            yield Frame(CONTINUATION if in_message else TEXT, _payload(payloads[0]), fin=False)
            in_message = True
        elif name == "endMessage":
            yield Frame(CONTINUATION)
            in_message = False
        elif name not in _SENDS_NOTHING:
            raise ValueError(f"a call that is not known: {name}")


_SENDS_NOTHING: Final = (
    "killAfter",
    "closeAfter",
    "continueLater",
    "beginMessage",
    "beginMessageFrame",
    "enableWirelog",
)


def _payload(document: Any) -> bytes:
    """The octets of a payload; of a long one, of which only the beginning is there, the rest is filled up."""
    if isinstance(document, str):
        return document.encode()
    known = bytes.fromhex(document.get("hex", ""))
    return known + b"*" * (int(document["len"]) - len(known))


def _message(data: bytes, opcode: int, size: int | None) -> Iterator[Frame]:
    pieces = [data[i : i + size] for i in range(0, len(data), size)] if size else [data]
    for i, piece in enumerate(pieces or [b""]):
        yield Frame(CONTINUATION if i else opcode, piece, fin=i >= len(pieces) - 1)


def established(path: Path) -> dict[str, Scenario]:
    """The histories of groups 1 to 7, by case id and role. Raises :class:`OSError` where the data is not there."""
    found: dict[str, Scenario] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if str(row["id"]).partition(".")[0] not in GROUPS:
            continue
        frames = list(frames_of(row["onOpen_calls"]))
        for role in Role:
            found[f"{row['id']}/{role}"] = _scenario(role, frames)
    return found


def _scenario(role: Role, frames: list[Frame]) -> Scenario:
    run = _Run(role)
    for frame in [*frames, Frame(CLOSE, b"\x03\xe8")]:
        run.receive(frame)
    return Scenario(Start(Setting(role, echo=True)), (*run.steps, Step(Event(EventKind.SILENCE))))


class _Run:
    """The canonical echo endpoint, fed frame by frame."""

    def __init__(self, role: Role) -> None:
        self.role: Final = role
        self.machine: Final = _machine(role)
        self.state = State()
        self.steps: list[Step] = []

    def receive(self, frame: Frame) -> None:
        key = KEY if self.role is Role.SERVER else None
        arriving = Frame(frame.opcode, frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3, key)
        before = text_before(frame.opcode, self.state, EventKind.RECEIVE)
        self._take(Event(EventKind.RECEIVE, facts(arriving, before)), before, frame.payload)
        while dues := [due for due, _ in self.machine.owed(self.state)]:
            if not self._take(self._discharge(dues[0], frame)):
                break
        silence = Event(EventKind.SILENCE)
        if self.machine.labels(self.state, silence):
            self._take(silence)

    def _discharge(self, due: Due, answered: Frame) -> Event:
        masked = self.role is Role.CLIENT
        if due is Due.TCP_CLOSE:
            return Event(EventKind.CLOSE_TCP)
        if due is Due.CLOSE:
            code = self.state.fail_code or self.state.close_code
            sent = FrameFacts(CLOSE, masked=masked)
            return Event(EventKind.SEND, sent if code == NO_CODE else sent._replace(length=2, code=code))
        opcode = PONG if due is Due.PONG else TEXT
        length = len(answered.payload) if due is Due.PONG else 1
        return Event(EventKind.SEND, FrameFacts(opcode, masked=masked, length=length, answers=True))

    def _take(self, event: Event, before: int | None = None, payload: bytes | None = None) -> bool:
        """One step, by the canonical outcome; False where nothing is allowed."""
        outcomes: dict[Label, State] = self.machine.labels(self.state, event)
        if not outcomes:
            return False
        label, after = next(iter(outcomes.items()))
        self.steps.append(Step(event, label, before, payload))
        self.state = after
        return True


_MACHINES: dict[Role, CompiledMachine] = {}


def _machine(role: Role) -> CompiledMachine:
    if role not in _MACHINES:
        _MACHINES[role] = CompiledMachine(RULES, Setting(role, echo=True))
    return _MACHINES[role]
