"""What a live case puts on the wire, in process: its octets in steps, a smaller stimulus that is judged alike, and what
an endpoint that follows the rules sends for it.

Theory of operation. Rules see of a frame only facts: its bits, its length beside a few constants (125, 65,535 and the
limit, which is out of reach here), whether text is valid. So a message of many MiB is judged as one of 65,536 octets,
and a frame (or a round trip) that leaves the state as it was can be repeated twice instead of a thousand times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from wsoracle.generators.cases.live_case import Action, EndSending, LiveCase, SendFrame, SendOctets, Settle, octets_of
from wsoracle.generators.cases.words import MANY, repetitions
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import Failed
from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.notation.variables import MAX_LENGTH
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, Frame, Role, is_control

__all__ = ["Answer", "Run", "canonical_run", "is_scaled", "key_for", "reduced"]

TOO_LONG: Final = 300_000
SHORTEST: Final = 1 << 16
"""The least length of the longest form of a frame."""

COPIES: Final = 3


def key_for(role: Role) -> bytes | None:
    """The key with which a tester masks what it sends to an endpoint of a role."""
    return DEFAULT_KEY if role is Role.SERVER else None


def is_scaled(case: LiveCase) -> bool:
    """Whether a smaller stimulus stands for that of the case."""
    return len(case.actions) > MANY or sum(a.size for a in case.actions if isinstance(a, SendFrame)) > TOO_LONG


def reduced(case: LiveCase) -> tuple[Action, ...]:
    """The actions of a case, or fewer and shorter ones that rules cannot tell from them."""
    if not is_scaled(case):
        return case.actions
    found: list[Action] = []
    runs = repetitions(case.actions)
    if len(case.actions) <= MANY:
        runs = [(next(same), 1 + sum(1 for _ in same)) for _, same in groupby(case.actions, id)]
    for action, count in runs:
        small = action
        if isinstance(action, SendFrame) and action.length is not None and action.length > SHORTEST:
            small = replace(action, length=SHORTEST, chop=None)
        times = min(count, COPIES)
        if isinstance(action, Settle) and times > 1 and found:
            found = [one for _ in range(times) for one in (found[-1], small)]
        else:
            found += [small] * times
    return tuple(found)


class Answer(NamedTuple):
    """A frame that an endpoint sends, its Close aside: after so many actions."""

    after: int
    opcode: int
    payload: bytes

    def octets(self, role: Role) -> bytes:
        """The frame as that endpoint writes it."""
        return _written(Frame(self.opcode, self.payload), role)


def _written(frame: Frame, role: Role) -> bytes:
    return octets_of(SendFrame(frame), DEFAULT_KEY if role is Role.CLIENT else None)


@dataclass(frozen=True, slots=True)
class Run:
    """What an endpoint that follows the rules does with a stimulus.

    `octets`     what each action puts on the wire
    `answers`    what it sends, in order, its Close not among them
    `failed`     the code with which it fails the connection, and after how many actions
    `closed`     after how many actions it has received a legal Close; `code`: of that Close
    `eof`        the stimulus ends with the end of TCP
    `boundary`   the stimulus ends between frames
    """

    octets: tuple[bytes, ...]
    answers: tuple[Answer, ...]
    failed: int | None
    code: int | None
    closed: bool
    stops: int
    eof: bool
    boundary: bool


def canonical_run(actions: tuple[Action, ...], role: Role, *, skip: int | None = None) -> Run:
    """Give the actions to an endpoint that echoes. ``skip``: it overlooks what that action sends."""
    endpoint = Endpoint(role, limit=MAX_LENGTH, echo=True)
    key = key_for(role)
    octets: list[bytes] = []
    answers: list[Answer] = []
    failed: int | None = None
    code: int | None = None
    stops = len(actions)
    eof, boundary = False, True
    for index, action in enumerate(actions):
        if isinstance(action, EndSending):
            eof = True
        if not isinstance(action, SendFrame | SendOctets):
            octets.append(b"")
            continue
        wire = octets_of(action, key)
        octets.append(wire)
        boundary = isinstance(action, SendFrame) and (action.cut is None or action.cut >= action.size)
        if index == skip:
            continue
        for event in endpoint.receive(wire):
            if isinstance(event, Failed):
                failed, stops = event.code, min(stops, index)
        for frame in frames_in(endpoint.octets_to_send())[0]:
            if frame.header.opcode == CLOSE:
                stops = min(stops, index)
                code = int.from_bytes(frame.payload[:2], "big") if len(frame.payload) > 1 else None
            else:
                answers.append(Answer(index + 1, frame.header.opcode, frame.payload))
    closed = failed is None and stops < len(actions)
    return Run(tuple(octets), tuple(answers), failed, code, closed, stops, eof, boundary)


@lru_cache(maxsize=4)
def masked_close(role: Role, code: int | None) -> bytes:
    """A Close of the tester's."""
    return octets_of(SendFrame(Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big"))), key_for(role))


def written_close(role: Role, code: int | None) -> bytes:
    """A Close of the endpoint's."""
    return _written(Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big")), role)


def text_taken(actions: tuple[Action, ...]) -> Frame | None:
    """The first data message of a stimulus that sends one in whole frames, as one frame; None where there is none."""
    opcode, payload = 0, b""
    for action in actions:
        if not isinstance(action, SendFrame) or is_control(action.frame.opcode) or action.cut is not None:
            continue
        frame = action.whole
        opcode = opcode if frame.opcode == CONTINUATION else frame.opcode
        payload += frame.payload
        if frame.fin:
            return Frame(opcode, payload) if opcode in (1, 2) else None
    return None
