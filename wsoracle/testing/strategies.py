"""Hypothesis strategies over octets that an endpoint is given: legal ones, some with one fault, any.

Theory of operation. Items are drawn as in `wsoracle.generators.strategies`; whether their octets are legal is asked of
the online oracle, which follows the peer that would send them. So `LEGAL` and `ONE_FAULT` mean what the rules say, and
no list of faults is kept here. What is no fault by the rules (a field in another order, say) counts as legal.

Where `extensions` were agreed on, messages are drawn whole and compressed, and their frames are asked about one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from hypothesis import reject
from hypothesis import strategies as st

from wsoracle.generators.strategies import compressed
from wsoracle.generators.strategies.compressed import DrawnMessage
from wsoracle.generators.strategies.frames import Assembly, FrameItem, frame_items, put_together
from wsoracle.generators.strategies.heads import (
    Draft,
    FieldLine,
    changed,
    changes,
    drafts,
    request_draft,
    sound_draft,
)
from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.octets.http import ParsedHead
from wsoracle.model.octets.units import Cutter
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, TEXT, Role
from wsoracle.properties.judge.observation import Arrives

from ..oracle.online import OnlineOracle
from .octets import decode_frames, decode_head

Grade: TypeAlias = Literal["legal", "one fault", "any"]
Chunks: TypeAlias = tuple[bytes, ...]
SortedOut: TypeAlias = tuple[list[FrameItem], list[FrameItem]]
RoleName: TypeAlias = Role | Literal["server", "client"]

_PEER: Final = {Role.SERVER: Role.CLIENT, Role.CLIENT: Role.SERVER}


@st.composite
def frames(draw: st.DrawFn, role: RoleName, grade: Grade = "any", *, extensions: str = "") -> bytes:
    """The first frame that an endpoint in ``role`` receives after the opening handshake, ``extensions`` agreed on."""
    if extensions:
        return _agreed(draw, Role(role), grade, extensions, 1, fits=bool, first=True)[0]
    return b"".join(_graded(draw, Role(role), grade, lambda: [draw(frame_items(Role(role)))]))


@st.composite
def messages(draw: st.DrawFn, role: RoleName, grade: Grade = "any", *, extensions: str = "") -> bytes:
    """A message that an endpoint in ``role`` receives, in one frame or in several, with control frames among them.

    With one fault the last frame is the first that its sender must not send. ``extensions`` were agreed on.
    """
    if extensions:
        return b"".join(_agreed(draw, Role(role), grade, extensions, 1, fits=_ends_whole))

    def items() -> list[FrameItem]:
        drawn = draw(st.lists(frame_items(Role(role)), min_size=1, max_size=5))
        return _one_message([item for item in drawn if item.opcode != CLOSE])

    return b"".join(_graded(draw, Role(role), grade, items, _is_whole_message))


@st.composite
def connections(
    draw: st.DrawFn, role: RoleName, grade: Grade = "any", *, most: int = 8, extensions: str = ""
) -> Chunks:
    """What an endpoint in ``role`` receives after the opening handshake: up to ``most`` frames, in chunks.

    With one fault the last frame is the first that its sender must not send. Where ``extensions`` were agreed on, there
    are up to ``most`` messages and control frames, and each frame is a chunk.
    """
    if extensions:
        return _agreed(draw, Role(role), grade, extensions, most, fits=bool)
    items = st.lists(frame_items(Role(role)), min_size=1, max_size=most)
    return _graded(draw, Role(role), grade, lambda: draw(items))


@st.composite
def requests(draw: st.DrawFn, grade: Grade = "any") -> bytes:
    """The request of an opening handshake, as a server receives it; some offer extensions."""
    return _head(draw, Role.SERVER, grade)


@st.composite
def answers(draw: st.DrawFn, grade: Grade = "any", *, offer: str = "") -> bytes:
    """The answer to the request of :func:`sound_request` with this offer, as a client receives it."""
    return _head(draw, Role.CLIENT, grade, offer, draw(agreements()) if offer and draw(st.booleans()) else "")


def sound_request(offer: str = "") -> bytes:
    """The request that :func:`answers` answer: without subprotocols, and with this offer of extensions."""
    return _with_extensions(request_draft(), offer).octets


def agreements() -> st.SearchStrategy[str]:
    """What an answer may agree on of :data:`OFFER`: permessage-deflate with any parameters (RFC 7692, section 7.1)."""
    bits = st.none() | st.integers(8, 15)
    return st.builds(_agreement, st.booleans(), st.booleans(), bits, bits)


OFFER: Final = "permessage-deflate; client_max_window_bits"
"""The offer that leaves a server free to agree on anything."""


def offers() -> st.SearchStrategy[str]:
    """Offers of a client: permessage-deflate with any parameters, up to three times, the one that it prefers first."""
    lists = st.lists(st.tuples(agreements(), st.sampled_from(("", "; client_max_window_bits"))), min_size=1, max_size=3)
    return lists.map(
        lambda drawn: ", ".join(one if "client_max_window_bits" in one else one + hint for one, hint in drawn)
    )


def _agreement(server_alone: bool, client_alone: bool, server_bits: int | None, client_bits: int | None) -> str:
    parts = (
        "permessage-deflate",
        "server_no_context_takeover" if server_alone else "",
        "client_no_context_takeover" if client_alone else "",
        "" if server_bits is None else f"server_max_window_bits={server_bits}",
        "" if client_bits is None else f"client_max_window_bits={client_bits}",
    )
    return "; ".join(filter(None, parts))


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


def _agreed(
    draw: st.DrawFn,
    role: Role,
    grade: Grade,
    extensions: str,
    most: int,
    *,
    fits: Callable[[Sequence[bytes]], bool],
    first: bool = False,
) -> Chunks:
    """Frames, each a chunk, of up to ``most`` messages and control frames after this agreement; or the first frame."""
    state = agreed_state(role, extensions)
    if state is None:
        raise ValueError(f"extensions: {extensions!a} is no agreement on permessage-deflate")
    message = compressed.messages(state.recv_window)
    kinds = message | frame_items(role) if most > 1 or first else message
    for _ in range(_TRIES):
        assembly = Assembly(role, takeover=state.recv_takeover)
        items = draw(st.lists(kinds, min_size=1, max_size=most))
        parts = [part for item in items if _is_short(item) for part in assembly.add(item)]
        every = _frames_in(b"".join(part.octets for part in (*parts, *assembly.rest()) if isinstance(part, Arrives)))
        if first:
            every = every[:1]
        if grade == "any" and every:
            return tuple(every)
        legal, faulty = _sorted_frames(role, every, extensions, only_first=grade == "one fault")
        if faulty if grade == "one fault" else fits(legal):
            return (*legal, *faulty) if grade == "one fault" else tuple(legal)
    return reject()


def _is_short(item: FrameItem | DrawnMessage) -> bool:
    return isinstance(item, DrawnMessage) or (item.declared is None and len(item.payload) * item.times <= _SHORT)


_SHORT: Final = 1000
"""Octets of a plain frame among compressed messages."""


def _frames_in(octets: bytes) -> list[bytes]:
    return [octets[unit.start : unit.end] for unit in Cutter(octets=bytearray(octets)).frames]


def _sorted_frames(
    role: Role, every: Iterable[bytes], extensions: str, *, only_first: bool
) -> tuple[list[bytes], list[bytes]]:
    """The frames that their sender may send one behind the other, and those that it may not where they stand; with
    ``only_first`` none behind the first faulty one."""
    sender = OnlineOracle(_PEER[role], opening=False, extensions=extensions)
    legal: list[bytes] = []
    faulty: list[bytes] = []
    for frame in every:
        if only_first and faulty:
            break
        if sender.may_send(frame):
            sender.sent(frame)
            legal.append(frame)
        else:
            faulty.append(frame)
    return legal, faulty


def _ends_whole(every: Sequence[bytes]) -> bool:
    """Whether the last data frame ends its message."""
    headers = [frame.header for frame in decode_frames(b"".join(every))[0]]
    ends = [header.fin for header in headers if header.opcode < CLOSE]
    return bool(ends) and ends[-1]


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


def _head(draw: st.DrawFn, reader: Role, grade: Grade, offer: str = "", agreed: str = "") -> bytes:
    if grade == "any":
        return _with_extensions(draw(drafts(reader))[0], agreed).octets
    for _ in range(_TRIES):
        change = changes(reader)[draw(st.integers(0, len(changes(reader)) - 1))]
        octets = changed(_with_extensions(sound_draft(reader), agreed), change).octets
        if _is_sound_head(reader, octets, offer) is (grade == "legal"):
            return octets
    return _with_extensions(sound_draft(reader), agreed).octets if grade == "legal" else reject()


def _with_extensions(draft: Draft, value: str) -> Draft:
    if not value:
        return draft
    return replace(draft, fields=(*draft.fields, FieldLine(b"Sec-WebSocket-Extensions", value.encode())))


@lru_cache(maxsize=1024)
def _is_sound_head(reader: Role, octets: bytes, offer: str) -> bool:
    """Whether the peer of a reader may send these octets as its part of the opening handshake, and they are whole."""
    sender = OnlineOracle(_PEER[reader])
    if reader is Role.CLIENT:
        sender.received(sound_request(offer))
    return sender.sent(octets) and isinstance(decode_head(octets, reader), ParsedHead)
