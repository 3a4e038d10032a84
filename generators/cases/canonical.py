"""The behaviour of an endpoint that follows the rules on a stimulus; and a smaller stimulus that it answers alike.

Theory of operation. Rules see only facts of a frame: its bits, its length beside a few constants (125, 65,535 and the
limit, which is out of reach here), whether text is valid. So a message of many MiB is judged as one of 65,536 octets,
and a frame (or a round trip) that leaves the state as it was can be repeated twice instead of a thousand times.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.endpoint.deflate import PermessageDeflate
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import CloseReceived, Failed, MessageReceived, PingReceived
from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.notation.variables import LARGEST_LENGTH, Setting
from wsoracle.model.octets.deflate_stream import InflateError, Inflater
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, Frame, Role, is_control
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, Writes
from wsoracle.properties.judge.verdict import Verdict

from .case import Case
from .compression import Agreement
from .steps import Action, EndSending, SendFrame, SendOctets, Settle, octets_of, runs
from .words import MANY, repetitions

TOO_LONG: Final = 300_000
SHORTEST: Final = 1 << 16
"""The least length of the longest form of a frame."""

COPIES: Final = 3

BAD_DATA: Final = 1007


def key_for(role: Role) -> bytes | None:
    """The key with which a tester masks what it sends to an endpoint of a role."""
    return DEFAULT_KEY if role is Role.SERVER else None


def is_scaled(case: Case) -> bool:
    """Whether a smaller stimulus stands for that of the case."""
    return len(case.actions) > MANY or case.size > TOO_LONG


def reduced(case: Case) -> tuple[Action, ...]:
    """The actions of a case, or fewer and shorter ones that rules cannot tell from them."""
    if not is_scaled(case):
        return case.actions
    found: list[Action] = []
    parts = repetitions(case.actions)
    if len(case.actions) <= MANY:
        parts = list(runs(case.actions))
    for action, count in parts:
        small = action
        if isinstance(action, SendFrame) and action.length is not None and action.length > SHORTEST:
            small = replace(action, length=SHORTEST, chop=None)
        if isinstance(action, SendFrame) and action.excerpt is not None and action.size > SHORTEST:
            small = replace(action, excerpt=action.excerpt._replace(size=SHORTEST))
        times = min(count, COPIES)
        if case.compresses and found and isinstance(action, SendFrame):
            continue  # all of its messages are alike to the rules
        if isinstance(action, Settle) and times > 1 and found:
            found = [one for _ in range(times) for one in (found[-1], small)]
        else:
            found += [small] * times
    return tuple(found)


def as_rules_see(case: Case) -> Hashable:
    """A key that cases share where rules cannot tell them apart: compressed ones that differ in parameters alone."""
    return (reduced(case), case.may_be_too_big) if case.compresses else case.id


def agreed_in(case: Case) -> Agreement | None:
    """What is agreed on where the frames of a case begin, if the endpoint grants what the tester asks; None where the
    frames of the case have no compression, or have it only once the tester has compressed them."""
    return None if case.compression is None or case.compresses else case.compression.wanted


class Reference:
    """An endpoint that follows the rules, without a limit, fed with what a tester sends from the first frame on.

    `messages` and `pongs` are owed for what was taken, the Close aside; `failed` is the code with which it fails the
    connection, and `got_close` says that it has taken a Close. `written` is what it sent for the octets given last:
    with ``echo`` its application sends each message back. ``agreed``: permessage-deflate is.
    """

    def __init__(self, role: Role, *, echo: bool = False, agreed: Agreement | None = None) -> None:
        self.messages = 0
        self.pongs = 0
        self.failed: int | None = None
        self.got_close = False
        self.written = b""
        self._latest: tuple[bytes, tuple[int, int] | None] = b"", None
        extensions = () if agreed is None else (PermessageDeflate(role, agreed.parameters(role)),)
        self._endpoint: Final = Endpoint(role, limit=LARGEST_LENGTH, echo=echo, extensions=extensions)

    def take(self, octets: bytes) -> None:
        """These octets arrive."""
        for event in self._endpoint.receive(octets):
            if isinstance(event, MessageReceived):
                self.messages += 1
            elif isinstance(event, PingReceived):
                self.pongs += 1
            elif isinstance(event, CloseReceived):
                self.got_close = True
            elif isinstance(event, Failed):
                self.failed = event.code
        self.written = self._endpoint.octets_to_send()

    def sent(self, octets: bytes, times: int = 1) -> None:
        """The same octets arrive, as often as ``times`` says; `written` is of no use then.

        Where they leave the state as it was, but for the length of the message, they do so again: nothing here depends
        on how long a message is. So long runs of fragments and of round trips cost next to nothing.
        """
        while times:
            latest, owed = self._latest
            if octets is latest and owed is not None:
                self.messages += owed[0] * times
                self.pongs += owed[1] * times
                return
            before, messages, pongs = self._endpoint.state, self.messages, self.pongs
            self.take(octets)
            same = self._endpoint.state._replace(recv_length=before.recv_length) == before
            self._latest = octets, (self.messages - messages, self.pongs - pongs) if same else None
            times -= 1


class Answer(NamedTuple):
    """A frame that an endpoint sends, other than its Close; `after` is the number of actions before it."""

    after: int
    opcode: int
    payload: bytes

    def octets(self, role: Role, key: bytes = DEFAULT_KEY) -> bytes:
        """The frame as that endpoint writes it, a client with that masking key."""
        return _written(Frame(self.opcode, self.payload), role, key)


def _written(frame: Frame, role: Role, key: bytes) -> bytes:
    return octets_of(SendFrame(frame), key if role is Role.CLIENT else None)


@dataclass(frozen=True, slots=True)
class CanonicalRun:
    """The behaviour of an endpoint that follows the rules on a stimulus.

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


def canonical_run(
    actions: tuple[Action, ...], role: Role, *, skip: int | None = None, agreed: Agreement | None = None
) -> CanonicalRun:
    """Give the actions to an endpoint that echoes. ``skip``: it overlooks what that action sends. Where
    permessage-deflate is ``agreed`` on, its answers are what they inflate to: it may send any message as it is.
    """
    reference = Reference(role, echo=True, agreed=agreed)
    inflater = Inflater()
    key = key_for(role)
    octets: list[bytes] = []
    answers: list[Answer] = []
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
        boundary = isinstance(action, SendFrame) and action.is_whole
        if index == skip:
            continue
        reference.take(wire)
        if reference.failed is not None:
            stops = min(stops, index)
        for frame in frames_in(reference.written)[0]:
            if frame.header.opcode == CLOSE:
                stops = min(stops, index)
                code = int.from_bytes(frame.payload[:2], "big") if len(frame.payload) > 1 else None
            else:
                payload = inflater.inflate(frame.payload, True) if frame.header.rsv1 else frame.payload
                answers.append(Answer(index + 1, frame.header.opcode, payload))
    failed = reference.failed
    closed = failed is None and stops < len(actions)
    return CanonicalRun(tuple(octets), tuple(answers), failed, code, closed, stops, eof, boundary)


def must_be_answered(case: Case) -> bool:
    """Whether an endpoint of each role sends a message or a Pong, and nothing in the stimulus ends the connection.

    For a case that begins after the opening handshake. No endpoint passes such a case by ending every connection.
    """
    agreed = agreed_in(case)
    found = [canonical_run(reduced(case), role, agreed=agreed) for role in case.roles]
    if not all(run.answers and run.failed is None and not run.closed and not run.eof for run in found):
        return False
    return agreed is None or not any(_may_fail(run, role, agreed) for run, role in zip(found, case.roles, strict=True))


def _may_fail(run: CanonicalRun, role: Role, agreed: Agreement) -> bool:
    """Whether an endpoint may fail the connection, though another one takes it all: over a window that it need not
    keep, say."""
    setting = Setting(role, LARGEST_LENGTH, echo=True)
    trace = Arrives(b"".join(run.octets)), Writes(written_close(role, BAD_DATA))
    found = judge(trace, setting, start=agreed.state, application="echo", strictly=True)
    return found.verdict is not Verdict.FAILED and not found.unexplained


@lru_cache(maxsize=4)
def masked_close(role: Role, code: int | None) -> bytes:
    """A Close of the tester's."""
    return octets_of(SendFrame(Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big"))), key_for(role))


def written_close(role: Role, code: int | None, key: bytes = DEFAULT_KEY) -> bytes:
    """A Close of the endpoint's, of a client with that masking key."""
    return _written(Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big")), role, key)


def text_taken(actions: tuple[Action, ...], agreed: Agreement | None = None) -> Frame | None:
    """The first data message of a stimulus that sends one in whole frames, as one frame, or None: as far as it can be
    inflated, where it is compressed as was ``agreed``."""
    opcode, payload, marked = 0, b"", False
    for action in actions:
        if not isinstance(action, SendFrame) or is_control(action.frame.opcode) or not action.is_whole:
            continue
        frame = action.written
        if frame.opcode != CONTINUATION:
            opcode, marked = frame.opcode, frame.rsv1 and agreed is not None
        payload += frame.payload
        if frame.fin:
            return Frame(opcode, _inflated(payload) if marked else payload) if opcode in (1, 2) else None
    return None


def _inflated(payload: bytes) -> bytes:
    try:
        return Inflater().inflate(payload, True)
    except InflateError as error:
        return error.inflated
