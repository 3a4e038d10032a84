"""Hypothesis strategies: compressed messages (RFC 7692) of any blocks, cut into any fragments, sound and damaged.

Theory of operation. A message is drawn as a list of blocks that know nothing of each other (stored, fixed or dynamic,
literals and matches, BFINAL or not), an end, and cuts. Matches are drawn by how far they reach: into the message, over
its start, over the window, or before all history; what that means in octets is worked out when messages are put
together, one after another, since only then the history is known. Plain messages and Pings stand between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from hypothesis import strategies as st

from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.octets.deflate import DeflateFacts, DeflateFault, DeflateTracer
from wsoracle.model.octets.deflate_encoder import DeflateWriter, Match, Symbol
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT, Frame, Role

BlockKind: TypeAlias = Literal["stored", "fixed", "dynamic"]
MessageEnd: TypeAlias = Literal["as it should", "BFINAL alone", "no payload", "reserved block", "cut off"]

WINDOWS: Final = tuple(1 << bits for bits in range(8, 16))
_USUAL: Final[tuple[MessageEnd, ...]] = ("as it should",) * 12
ENDS: Final[tuple[MessageEnd, ...]] = (*_USUAL, "BFINAL alone", "no payload", "reserved block", "cut off")


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """A block: what it is, its literals, and then matches: their lengths, and how far they reach.

    ``reaches``: a distance where it is positive; 0 for the whole history, and a negative number for as much more.
    """

    kind: BlockKind = "fixed"
    literals: bytes = b""
    reaches: tuple[tuple[int, int], ...] = ()
    final: bool = False


@dataclass(frozen=True, slots=True)
class DrawnMessage:
    """A message before its place is known. ``cuts``: where it is cut into fragments, modulo its length; ``pings``:
    whether a Ping stands behind each fragment but the last."""

    binary: bool = True
    compressed: bool = True
    blocks: tuple[DrawnBlock, ...] = ()
    end: MessageEnd = "as it should"
    cuts: tuple[int, ...] = ()
    pings: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it was put together: its frames on the wire, what it inflates to, and what was measured of it."""

    frames: tuple[bytes, ...]
    inflated: bytes
    facts: DeflateFacts
    binary: bool


def blocks(window: int = WINDOWS[-1]) -> st.SearchStrategy[DrawnBlock]:
    """Blocks of any kind; the distances of matches are up to a window, over it, and about all that there is."""
    near = st.sampled_from((1, 2, 3, 5, 30))
    bounds = st.sampled_from((window - 1, window, window + 1 if window < WINDOWS[-1] else window, 0, 0, -1))
    matches = st.tuples(st.sampled_from((3, 4, 10, 257, 258)), near | near | bounds)
    literals = st.sampled_from((b"", b"a", b"Hello", "é€𐍈".encode(), b"ab" * 40)) | st.binary(max_size=12)
    return st.builds(
        DrawnBlock,
        st.sampled_from(("stored", "fixed", "fixed", "dynamic")),
        literals,
        st.lists(matches, max_size=3).map(tuple),
        st.sampled_from((False, False, False, True)),
    )


def messages(window: int = WINDOWS[-1]) -> st.SearchStrategy[DrawnMessage]:
    """Messages, most of them compressed and sound; a window is the one that distances are drawn around."""
    cuts = st.lists(st.integers(0, 400), max_size=3).map(tuple)
    made = st.builds(
        DrawnMessage,
        st.booleans(),
        st.sampled_from((True, True, True, False)),
        st.lists(blocks(window), max_size=4).map(tuple),
        st.sampled_from(ENDS),
        cuts,
        st.booleans(),
    )
    plain = DrawnMessage(blocks=(DrawnBlock(literals=b"plain"),), compressed=False)
    return st.one_of(made, made, made, st.just(plain), st.just(DrawnMessage()))


class DrawnDirection:
    """Puts messages together, one after another, for an endpoint of a role to receive."""

    def __init__(self, role: Role, *, takeover: bool = True) -> None:
        self._masks: Final = role is Role.SERVER
        self._takeover: Final = takeover
        self._tracer: Final = DeflateTracer()

    def put(self, message: DrawnMessage) -> Sent:
        """The next message. One that is damaged loses what follows it."""
        payload = self._payload(message)
        if message.compressed:
            inflated = self._tracer.feed(payload) + self._tracer.end()
            facts = self._tracer.facts
            if not self._takeover:
                self._tracer.forget()
        else:
            inflated, facts = payload, DeflateFacts(length=len(payload))
        return Sent(tuple(self._frames(message, payload)), inflated, facts, message.binary)

    def _payload(self, message: DrawnMessage) -> bytes:
        if not message.compressed:
            return b"".join(block.literals for block in message.blocks)
        if message.end == "no payload":
            return b""
        writer, length = DeflateWriter(), 0
        for block in message.blocks:
            if block.kind == "stored":
                writer.stored(block.literals, final=block.final)
                length += len(block.literals)
                continue
            symbols: list[Symbol] = [*block.literals]
            length += len(block.literals)
            for size, reach in block.reaches:
                behind = min(self._tracer.history + length, WINDOWS[-1])
                distance = min(behind - reach, WINDOWS[-1]) if reach <= 0 else reach
                if 0 < distance and (distance <= behind or reach < 0):
                    symbols.append(Match(size, distance))
                    length += size
            (writer.fixed if block.kind == "fixed" else writer.dynamic)(symbols, final=block.final)
        if message.end == "BFINAL alone":
            return writer.fixed(final=True).octets
        if message.end == "reserved block":
            return writer.bits(0b110, 3).octets
        whole = writer.tail().octets
        return whole[:-1] if message.end == "cut off" and len(whole) > 1 else whole

    def _frames(self, message: DrawnMessage, payload: bytes) -> list[bytes]:
        cuts = sorted({cut % (len(payload) + 1) for cut in message.cuts})
        pieces = [payload[a:b] for a, b in zip((0, *cuts), (*cuts, len(payload)), strict=True)]
        key = DEFAULT_KEY if self._masks else None
        frames: list[bytes] = []
        for index, piece in enumerate(pieces):
            opcode = CONTINUATION if index else BINARY if message.binary else TEXT
            last = index == len(pieces) - 1
            marked = message.compressed and index == 0
            frames.append(encode(Frame(opcode, piece, last, marked, False, False, key)))
            if message.pings and not last:
                frames.append(encode(Frame(PING, b"between", key=key)))
        return frames


def is_sound(sent: Sent) -> bool:
    """Whether every receiver with the largest window has to take the message: it is whole, and text where it is one."""
    if sent.facts.fault is not DeflateFault.NONE:
        return False
    return sent.binary or _is_text(sent.inflated)


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def until_damage(drawn: Sequence[Sent]) -> list[Sent]:
    """The messages up to the first one that not every receiver has to take."""
    return list(drawn[: next((at for at, sent in enumerate(drawn) if not is_sound(sent)), len(drawn))])
