"""The stimulus of a case: the octets that arrive at the endpoint, bursts of writes, and where they leave the stream.

Steps go in; nothing here knows of outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PONG, Frame, is_control

from .case import Case
from .outcome import SeenClose, SeenEvent, SeenMessage, SeenPong, SeenRequest, SeenResponse
from .steps import WRITING, CaseStep, EndpointSends, EndpointSendsHead, EndSending, SendFrame, SendOctets


class StreamEnd(StrEnum):
    """The place in the peer's stream after the stimulus: it decides what a tester may send next."""

    BETWEEN_MESSAGES = "between messages"
    INSIDE_MESSAGE = "inside a message"
    INSIDE_FRAME = "inside a frame"


class Burst(NamedTuple):
    """Octets to write in chunks, once the endpoint has sent what is awaited."""

    awaits: tuple[SeenEvent, ...]
    chunks: tuple[bytes, ...]


def sizes(steps: Sequence[CaseStep]) -> tuple[int, ...]:
    """The sizes of the writes where each step that writes is one."""
    return tuple(len(step.octets) for step in steps if isinstance(step, WRITING))


def stream_end(case: Case) -> StreamEnd:
    """The place in the tester's stream after a case."""
    if any(isinstance(step, SendOctets) or (isinstance(step, SendFrame) and not step.is_whole) for step in case.steps):
        return StreamEnd.INSIDE_FRAME
    frames = (step.frame for step in case.steps if isinstance(step, SendFrame))
    data = [frame for frame in frames if not is_control(frame.opcode)]
    return StreamEnd.INSIDE_MESSAGE if data and not data[-1].fin else StreamEnd.BETWEEN_MESSAGES


def bursts(case: Case) -> tuple[Burst, ...]:
    """The stimulus of a history as a tester writes it: after each prompted step of the endpoint a new burst begins."""
    octets, left = case.octets, iter(case.chunks)
    found, at = [], 0
    for awaits, length in _segments(case.steps):
        end, pieces = at + length, []
        while at < end:
            size = next(left)
            pieces.append(octets[at : at + size])
            at += size
        found.append(Burst(awaits, tuple(pieces)))
    return tuple(found)


def order_faults(steps: Sequence[CaseStep]) -> Iterator[str]:
    """Why no peer can do these things in this order."""
    ended, broken = False, False
    for step in steps:
        if isinstance(step, (*WRITING, EndSending)) and ended:
            yield "nothing arrives after the peer's end of TCP"
        if isinstance(step, SendFrame) and broken:
            yield "no frame arrives after octets that are none: they would be part of the one before"
        ended = ended or isinstance(step, EndSending)
        broken = broken or isinstance(step, SendOctets) or (isinstance(step, SendFrame) and not step.is_whole)


def chunk_faults(steps: Sequence[CaseStep], chunks: Sequence[int]) -> Iterator[str]:
    """The reasons why the stimulus cannot be written in chunks of these sizes."""
    if any(size < 1 for size in chunks):
        yield "a chunk has at least one octet"
    count = sum(sizes(steps))
    if sum(chunks) != count:
        yield f"the chunks hold {sum(chunks)} octets and the stimulus {count}"
    lengths = [length for _, length in _segments(steps)]
    if not set(accumulate(lengths)) - {0} <= set(accumulate(chunks)):
        yield "a chunk reaches across a step of the endpoint's own"


def _segments(steps: Sequence[CaseStep]) -> Iterator[tuple[tuple[SeenEvent, ...], int]]:
    """The stimulus between steps of the endpoint: what is awaited before, and the number of octets."""
    awaits: list[SeenEvent] = []
    length = 0
    message = _Message()
    for step in steps:
        if isinstance(step, WRITING):
            length += len(step.octets)
        elif isinstance(step, EndpointSends | EndpointSendsHead):
            if length:
                yield tuple(awaits), length
                awaits, length = [], 0
            if isinstance(step, EndpointSends):
                awaits += message.shown(step.frame)
            elif isinstance(step.facts, RequestFacts):
                awaits.append(SeenRequest())
            else:
                awaits.append(SeenResponse(step.facts.status))
    if length:
        yield tuple(awaits), length


class _Message:
    """The message that the endpoint is sending."""

    def __init__(self) -> None:
        self._payload, self._binary = b"", False

    def shown(self, frame: Frame) -> list[SeenEvent]:
        """The event that a frame completes: a whole message with its last fragment, a Pong, a Close."""
        if frame.opcode == PONG:
            return [SeenPong(frame.payload)]
        if frame.opcode == CLOSE:
            return [SeenClose(int.from_bytes(frame.payload[:2]) if len(frame.payload) > 1 else None)]
        if is_control(frame.opcode):
            return []
        self._binary = self._binary if frame.opcode == CONTINUATION else frame.opcode == BINARY
        self._payload += frame.payload
        if not frame.fin:
            return []
        whole, self._payload = self._payload, b""
        return [SeenMessage(whole, self._binary)]
