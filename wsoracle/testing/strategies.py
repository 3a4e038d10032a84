"""Hypothesis strategies over octets that an endpoint is given: legal ones, some with one fault, any.

Theory of operation. Items are drawn as in `wsoracle.generators.strategies`; whether their octets are legal is asked of
the online oracle, which follows the peer that would send them. So `LEGAL` and `ONE_FAULT` mean what the rules say, and
no list of faults is kept here. What is no fault by the rules (a field in another order, say) counts as legal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from hypothesis import reject
from hypothesis import strategies as st

from wsoracle.generators.strategies.frames import FrameItem, frame_items, put_together
from wsoracle.generators.strategies.heads import changed, changes, drafts, request_draft, sound_draft
from wsoracle.model.octets.http import ParsedHead
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, TEXT, Role
from wsoracle.properties.judge.observation import Arrives

from ..oracle.online import OnlineOracle
from .octets import decode_head

Grade: TypeAlias = Literal["legal", "one fault", "any"]
Chunks: TypeAlias = tuple[bytes, ...]
SortedOut: TypeAlias = tuple[list[FrameItem], list[FrameItem]]
RoleName: TypeAlias = Role | Literal["server", "client"]

_PEER: Final = {Role.SERVER: Role.CLIENT, Role.CLIENT: Role.SERVER}


@st.composite
def frames(draw: st.DrawFn, role: RoleName, grade: Grade = "any") -> bytes:
    """The first frame that an endpoint in ``role`` receives after the opening handshake."""
    return b"".join(_graded(draw, Role(role), grade, lambda: [draw(frame_items(Role(role)))]))


@st.composite
def messages(draw: st.DrawFn, role: RoleName, grade: Grade = "any") -> bytes:
    """A message that an endpoint in ``role`` receives, in one frame or in several, with control frames among them.

    With one fault the last frame is the first that its sender must not send.
    """

    def items() -> list[FrameItem]:
        drawn = draw(st.lists(frame_items(Role(role)), min_size=1, max_size=5))
        return _one_message([item for item in drawn if item.opcode != CLOSE])

    return b"".join(_graded(draw, Role(role), grade, items, _is_whole_message))


@st.composite
def connections(draw: st.DrawFn, role: RoleName, grade: Grade = "any", *, most: int = 8) -> Chunks:
    """What an endpoint in ``role`` receives after the opening handshake: up to ``most`` frames, in chunks.

    With one fault the last frame is the first that its sender must not send.
    """
    items = st.lists(frame_items(Role(role)), min_size=1, max_size=most)
    return _graded(draw, Role(role), grade, lambda: draw(items))


@st.composite
def requests(draw: st.DrawFn, grade: Grade = "any") -> bytes:
    """The request of an opening handshake, as a server receives it."""
    return _head(draw, Role.SERVER, grade)


@st.composite
def answers(draw: st.DrawFn, grade: Grade = "any") -> bytes:
    """The answer to the request of :func:`sound_request`, as a client receives it."""
    return _head(draw, Role.CLIENT, grade)


def sound_request() -> bytes:
    """The request that :func:`answers` answer: without extensions and subprotocols."""
    return request_draft().octets


# --- grades ----------------------------------------------------------------------------------------------------------


_TRIES: Final = 5
"""Draws until one has the grade; then the example is given up, as by a filter."""


def _graded(
    draw: st.DrawFn,
    role: Role,
    grade: Grade,
    items: Callable[[], list[FrameItem]],
    fits: Callable[[Sequence[FrameItem]], bool] = bool,
) -> Chunks:
    for _ in range(_TRIES):
        drawn = items()
        if grade != "any":
            legal, faulty = _sorted_out(role, drawn, only_first=grade == "one fault")
            drawn = [*legal, *faulty] if grade == "one fault" else legal
            if not (faulty if grade == "one fault" else fits(drawn)):
                continue
        if drawn:
            return _chunks(role, drawn)
    return reject()


def _chunks(role: Role, items: Sequence[FrameItem]) -> Chunks:
    return tuple(part.octets for part in put_together(items, role) if isinstance(part, Arrives))


def _sorted_out(role: Role, items: Iterable[FrameItem], *, only_first: bool = False) -> SortedOut:
    """The items that their sender may send one behind the other, and those that it may not where they stand.

    A frame that does not come whole is left out; with ``only_first`` all that stands behind the first faulty one is.
    """
    sender = OnlineOracle(_PEER[role], opening=False)
    legal: list[FrameItem] = []
    faulty: list[FrameItem] = []
    sent = 0
    for item in items:
        if item.declared is not None or (only_first and faulty):
            continue
        octets = b"".join(_chunks(role, [*legal, item]))
        if sender.may_send(octets[sent:]):
            sender.sent(octets[sent:])
            sent = len(octets)
            legal.append(item)
        else:
            faulty.append(item)
    return legal, faulty


def _one_message(items: Sequence[FrameItem]) -> list[FrameItem]:
    """The items with FIN on the last data frame alone."""
    last = max((at for at, item in enumerate(items) if item.opcode in (TEXT, BINARY)), default=0)
    upto = items[: last + 1]
    return [replace(item, fin=at == last) if item.opcode in (TEXT, BINARY) else item for at, item in enumerate(upto)]


def _is_whole_message(items: Sequence[FrameItem]) -> bool:
    """Whether FIN is on the last data frame, which is there."""
    ends = [item.fin for item in items if item.opcode in (TEXT, BINARY)]
    return bool(ends) and ends[-1]


def _head(draw: st.DrawFn, reader: Role, grade: Grade) -> bytes:
    if grade == "any":
        return draw(drafts(reader))[0].octets
    for _ in range(_TRIES):
        change = changes(reader)[draw(st.integers(0, len(changes(reader)) - 1))]
        octets = changed(sound_draft(reader), change).octets
        if _is_sound_head(reader, octets) is (grade == "legal"):
            return octets
    return sound_draft(reader).octets if grade == "legal" else reject()


@lru_cache(maxsize=1024)
def _is_sound_head(reader: Role, octets: bytes) -> bool:
    """Whether the peer of a reader may send these octets as its part of the opening handshake, and they are whole."""
    sender = OnlineOracle(_PEER[reader])
    if reader is Role.CLIENT:
        sender.received(sound_request())
    return sender.sent(octets) and isinstance(decode_head(octets, reader), ParsedHead)
