"""Compressed messages that implementations get wrong, put together block by block (RFC 7692, section 7.2; RFC 1951).

Each has a name and frames, without masks; nothing here says what an endpoint has to do with them. Faults stand beside
what is nearest to them and sound, so that one may be the control of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import Final, NamedTuple

from wsoracle.model.octets.deflate_encoder import LONGEST_MATCH, DeflateWriter, Match, Symbol
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, OPCODE_NAMES, PING, PONG, TEXT, Frame

from ..cases.compression import Compression, Wish

HELLO: Final = b"Hello"
BLOCKS: Final = ("stored", "fixed", "dynamic")
WINDOWS: Final = tuple(range(8, 16))
FREE: Final = Compression(own=Wish())
"""Nothing is asked of either direction."""

_FIRST: Final = bytes.fromhex("f2 48 cd c9 c9 07 00")
EXAMPLES: Final = {
    "one-block": (_FIRST,),
    "shared-window": (_FIRST, bytes.fromhex("f2 00 11 00 00")),
    "no-compression": (bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00"),),
    "bfinal": (bytes.fromhex("f3 48 cd c9 c9 07 00 00"),),
    "two-blocks": (bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"),),
    "empty-fragment": (b"\x00",),
}
"""The payloads of the messages in the examples of section 7.2.3, in its order."""

_TAIL: Final = b"\x00\x00\xff\xff"
_FILLER: Final = 0x78
_PUNCTUATION: Final = bytes(range(0x21, 0x41))
"""Octets that occur nowhere else in a message."""


class DeflateMessages(NamedTuple):
    """A few messages under an agreement: a name, a title, the frames."""

    name: str
    title: str
    frames: tuple[Frame, ...]
    compression: Compression = FREE


def deflate_messages() -> Iterator[DeflateMessages]:
    """All of them."""
    yield from _examples()
    yield from _blocks()
    yield from _malformed()
    yield from _windows()
    yield from _contexts()
    yield from _marks()
    yield from _fragments()
    yield from _plain()
    yield from _texts()


def _message(payload: bytes, *cuts: int, opcode: int = TEXT, amid: Sequence[Frame] = ()) -> tuple[Frame, ...]:
    """A compressed message, cut into fragments at these places; ``amid`` stands behind each fragment but the last."""
    return _cut(payload, cuts, opcode, amid, compressed=True)


def _plainly(payload: bytes, *cuts: int) -> tuple[Frame, ...]:
    """A text message that is not compressed."""
    return _cut(payload, cuts, TEXT, (), compressed=False)


def _cut(
    payload: bytes, cuts: Sequence[int], opcode: int, amid: Sequence[Frame], *, compressed: bool
) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    for number, (at, until) in enumerate(pairwise((0, *cuts, len(payload)))):
        last = number == len(cuts)
        first = number == 0
        frames.append(Frame(opcode if first else CONTINUATION, payload[at:until], last, rsv1=compressed and first))
        frames += () if last else amid
    return tuple(frames)


def _fixed(symbols: Sequence[Symbol]) -> bytes:
    """A message of one block with the fixed codes."""
    return DeflateWriter().fixed(symbols).tail().octets


def _block(writer: DeflateWriter, kind: str, octets: bytes, *, final: bool = False) -> DeflateWriter:
    write: dict[str, Callable[..., DeflateWriter]] = {
        "stored": writer.stored, "fixed": writer.fixed, "dynamic": writer.dynamic
    }  # fmt: skip
    return write[kind](octets, final=final)


def _run(octets: int) -> list[Symbol]:
    """A filler of so many octets, at least four."""
    symbols: list[Symbol] = [_FILLER]
    left = octets - 1
    while left:
        length = min(left, LONGEST_MATCH)
        length -= 3 if 0 < left - length < 3 else 0
        symbols.append(Match(length, 1))
        left -= length
    return symbols


# --- what section 7.2.3 shows, and other blocks -----------------------------------------------------------------------


def _examples() -> Iterator[DeflateMessages]:
    for number, (name, payloads) in enumerate(EXAMPLES.items(), 1):
        frames = tuple(frame for payload in payloads for frame in _message(payload))
        yield DeflateMessages(f"example-{number}-{name}", f"The example of section 7.2.3.{number}", frames)
    yield DeflateMessages("example-1-in-fragments", "The fragments of section 7.2.3.1", _message(_FIRST, 3))
    whole = _FIRST + _TAIL
    title = "The last fragment is the empty block of section 7.2.3.6"
    yield DeflateMessages(
        "example-6-ends-a-message", title, _message(whole + EXAMPLES["empty-fragment"][0], len(whole))
    )


def _blocks() -> Iterator[DeflateMessages]:
    for kind in BLOCKS:
        payload = _block(DeflateWriter(), kind, HELLO).tail().octets
        yield DeflateMessages(f"block-{kind}", f"One {kind} block", _message(payload))
        payload = _block(DeflateWriter(), kind, HELLO, final=True).tail().octets
        yield DeflateMessages(f"block-{kind}-final", f"One {kind} block, with BFINAL = 1", _message(payload))
        again = _message(payload) + _message(_fixed([Match(5, 5)]))
        title = f"One {kind} block with BFINAL = 1; then a message that refers to it"
        yield DeflateMessages(f"block-{kind}-final-referred-to", title, again)
        payload = _block(DeflateWriter(), kind, HELLO, final=True).octets
        title = f"One {kind} block with BFINAL = 1, and no empty block behind it"
        yield DeflateMessages(f"block-{kind}-final-alone", title, _message(payload))
        payload = _block(_block(DeflateWriter(), kind, b""), "fixed", HELLO).tail().octets
        yield DeflateMessages(
            f"block-{kind}-empty-first", f"An empty {kind} block, then another one", _message(payload)
        )
    for one, other in product(BLOCKS, repeat=2):
        writer = _block(_block(DeflateWriter(), one, HELLO, final=True), other, b", world")
        title = f"A {one} block with BFINAL = 1, then one that is {other}"
        yield DeflateMessages(f"blocks-{one}-final-{other}", title, _message(writer.tail().octets))
    writer = DeflateWriter()
    for _ in range(50):
        writer.stored()
    title = "Fifty empty blocks before the one with the text"
    yield DeflateMessages("blocks-many-empty", title, _message(writer.fixed(HELLO).tail().octets))
    binary = DeflateWriter().fixed([0xFF, 0x00]).stored(b"\xfe").dynamic([Match(3, 1)]).tail().octets
    yield DeflateMessages("blocks-binary", "Blocks of each kind in a binary message", _message(binary, opcode=BINARY))


# --- data that is malformed -------------------------------------------------------------------------------------------


def malformed() -> dict[str, tuple[str, bytes]]:
    """Payloads that cannot be inflated, each by its name, with what is wrong."""
    sound = DeflateWriter().fixed(HELLO)
    stored = bytearray(DeflateWriter().stored(HELLO).tail().octets)
    stored[3] ^= 0x10
    lengths = DeflateWriter().bits(0b100, 3)  # a dynamic block, all of whose code lengths are those of one bit
    for value, number in ((0, 5), (0, 5), (15, 4), *((1, 3) for _ in range(19))):
        lengths.bits(value, number)
    literal = DeflateWriter().bits(0b010, 3).bits(0b01100011, 8)  # 286, most significant bit first: 11000110
    distance = DeflateWriter().bits(0b010, 3).bits(0b10001100, 8).bits(0b1000000, 7).bits(0b01111, 5)
    return {
        "reserved-block": ("a block of the reserved type", sound.bits(0b110, 3).octets),
        "stored-length": ("the length of a stored block and its complement differ", bytes(stored)),
        "code-lengths": ("the code lengths of a dynamic block make no code", lengths.octets + bytes(8)),
        "no-literal": ("a symbol that stands for no literal and no length", literal.octets + bytes(4)),
        "no-distance": ("a symbol that stands for no distance", distance.octets + bytes(4)),
        "before-history": ("a distance that reaches back before all history", _fixed([*HELLO, Match(3, 32768)])),
        "one-before-history": ("a distance of one octet too many", _fixed([*HELLO, Match(3, 15)])),
        "inside-block": ("it ends inside a block", _FIRST[:-3]),
        "inside-stored": ("it ends inside a stored block", DeflateWriter().stored(b"Hello, world").octets[:-6]),
        "plain": ("its payload is not compressed at all", HELLO),
    }  # fmt: skip


def _malformed() -> Iterator[DeflateMessages]:
    for name, (what, payload) in malformed().items():
        title = f"A compressed message that is malformed: {what}"
        yield DeflateMessages(f"malformed-{name}", title, _message(payload))
        title = f"A sound message, then one that is malformed: {what}"
        yield DeflateMessages(f"malformed-{name}-second", title, _message(_FIRST) + _message(payload))
    fragments = _message(malformed()["reserved-block"][1] + bytes(8), 9, 11)
    yield DeflateMessages("malformed-in-fragments", "Malformed in the first of three fragments", fragments)


# --- windows and contexts ---------------------------------------------------------------------------------------------


def _windows() -> Iterator[DeflateMessages]:
    for bits in WINDOWS:
        window = 1 << bits
        asked = Compression(own=Wish(bits=None if bits == WINDOWS[-1] else bits))
        for far, name in ((0, "at"), (1, "over")) if bits < WINDOWS[-1] else ((0, "at"),):
            begins, refers = [*b"abc", *_run(window - 3 + far)], Match(3, window + far)
            size = f"2^{bits}{' + 1' if far else ''}"
            title = f"A message refers {size} octets back to the one before it; the window asked for has {bits} bits"
            frames = _message(_fixed(begins)) + _message(_fixed([refers]))
            yield DeflateMessages(f"window-{bits}-{name}", title, frames, asked)
            if bits in (9, 12):
                title = f"Within a message a reference {size} octets back; the window asked for has {bits} bits"
                frames = _message(_fixed([*begins, refers]))
                yield DeflateMessages(f"window-{bits}-{name}-in-one", title, frames, asked)
        if bits in (8, 9, 15):
            begins = [*b"abc", *_run(window - 3)]
            between = _plainly(b"not compressed " * 20)
            title = f"A reference 2^{bits} octets back, over a plain message, which enters no window"
            frames = _message(_fixed(begins)) + between + _message(_fixed([Match(3, window)]))
            yield DeflateMessages(f"window-{bits}-over-plain", title, frames, asked)
        if bits < WINDOWS[-1]:
            # Whoever keeps a larger window finds in it what stood at the beginning.
            again = [*_PUNCTUATION, *_run(window), *_PUNCTUATION]
            frames = _message(_fixed(again)) + _message(_fixed([*_PUNCTUATION]))
            title = f"The endpoint's window has {bits} bits at most; what comes again is farther back"
            yield DeflateMessages(f"own-window-{bits}", title, frames, Compression((Wish(bits=bits),), own=Wish()))


def _contexts() -> Iterator[DeflateMessages]:
    forgets = Wish(no_takeover=True)
    same, refers = _message(_FIRST), _message(EXAMPLES["shared-window"][1])
    for name, asked, words in (
        ("sent", Compression(own=forgets), "the tester keeps no context"),
        ("echoed", Compression((forgets,), own=Wish()), "the endpoint keeps no context"),
        ("both", Compression((forgets,), own=forgets), "neither end keeps a context"),
    ):
        title = f"The same message three times, each by itself; {words}"
        yield DeflateMessages(f"context-{name}-alone", title, same * 3, asked)
        title = f"A message that refers to the one before it; {words}"
        yield DeflateMessages(f"context-{name}-referred-to", title, same + refers, asked)
    long = _message(_fixed([*HELLO, *_run(40_000)]))
    title = "A message longer than any window, then a reference to its end"
    yield DeflateMessages("context-after-a-long-message", title, long + _message(_fixed([Match(258, 32768)])))


# --- frames -----------------------------------------------------------------------------------------------------------


def _marks() -> Iterator[DeflateMessages]:
    marked = {
        "ping": Frame(PING, b"marked", rsv1=True),
        "pong": Frame(PONG, b"marked", rsv1=True),
        "close": Frame(CLOSE, b"\x03\xe8", rsv1=True),
    }
    for name, frame in marked.items():
        sound = Frame(frame.opcode, frame.payload)
        yield DeflateMessages(f"mark-on-{name}", f"RSV1 on a {name.capitalize()}", (*_message(_FIRST), frame))
        for word, one in (("mark", frame), ("no-mark", sound)):
            title = f"A {name.capitalize()} {'with' if one.rsv1 else 'without'} RSV1 between compressed fragments"
            yield DeflateMessages(f"{word}-on-{name}-amid-fragments", title, _message(_FIRST, 3, amid=[one]))
    for name, number in (("second", 1), ("last", 2)):
        for kind, parts in (("compressed", _message(_FIRST, 2, 4)), ("plain", _plainly(HELLO, 2, 4))):
            frames = [*parts]
            frames[number] = Frame(CONTINUATION, frames[number].payload, frames[number].fin, rsv1=True)
            title = f"RSV1 on the {name} fragment of a {kind} message"
            yield DeflateMessages(f"mark-on-{name}-of-{kind}", title, tuple(frames))
    for bit in ("rsv2", "rsv3"):
        one = Frame(TEXT, _FIRST, rsv1=True, rsv2=bit == "rsv2", rsv3=bit == "rsv3")
        yield DeflateMessages(f"mark-and-{bit}", f"{bit.upper()} beside RSV1", (one,))
    yield DeflateMessages("mark-on-a-reserved-opcode", "RSV1 on a frame of opcode 3", (Frame(3, _FIRST, rsv1=True),))


def _fragments() -> Iterator[DeflateMessages]:
    for opcode in (PING, PONG):
        name = OPCODE_NAMES[opcode]
        frames = _message(_FIRST, *range(1, len(_FIRST)), amid=[Frame(opcode, b"amid"), Frame(opcode)])
        yield DeflateMessages(f"{name}s-amid-fragments", f"Two {name}s behind each of seven fragments", frames)
    first, last = _message(_FIRST, 3)
    yield DeflateMessages("close-amid-fragments", "A Close between fragments", (first, Frame(CLOSE, b"\x03\xe8")))
    yield DeflateMessages("message-amid-fragments", "A message between fragments", (first, *_message(_FIRST), last))
    size = len(_FIRST)
    for name, cuts in {
        "octet-by-octet": tuple(range(1, size)),
        "first-empty": (0,),
        "middle-empty": (3, 3, 3),
        "last-empty": (size,),
        "all-but-one-empty": (0, 0, size, size),
    }.items():
        title = f"The fragments of a compressed message: {name.replace('-', ' ')}"
        yield DeflateMessages(f"fragments-{name}", title, _message(_FIRST, *cuts))
    blocks = DeflateWriter().stored(b"He").fixed(b"l").stored(b"lo").octets
    yield DeflateMessages(
        "fragments-inside-headers", "Cut inside the headers of blocks", _message(blocks + b"\0", 2, 4, 8)
    )
    for name, payload in {
        "stored": b"\x00",
        "fixed": DeflateWriter().fixed().tail().octets,
        "dynamic": DeflateWriter().dynamic().tail().octets,
        "final": DeflateWriter().fixed(final=True).tail().octets,
    }.items():
        title = f"An empty message of a block that is {name}, then one that is not empty"
        yield DeflateMessages(f"empty-{name}", title, _message(payload) + _message(_FIRST))
    frames = _message(_FIRST) + _message(b"\x00", opcode=BINARY) + _message(EXAMPLES["shared-window"][1])
    yield DeflateMessages("empty-before-a-reference", "An empty binary message, and a reference over it", frames)
    yield DeflateMessages("no-payload", "A compressed message without any payload", _message(b""))
    yield DeflateMessages("no-payload-in-fragments", "Two fragments without any payload", _message(b"", 0))


def _plain() -> Iterator[DeflateMessages]:
    """Messages that are not compressed, beside those that are: they enter no window (section 7.2.3.2)."""
    first, refers = _message(_FIRST), _message(EXAMPLES["shared-window"][1])
    for name, between in {
        "plain-between": _plainly(b"between"),
        "plain-fragments-between": _plainly(b"between", 2, 4),
        "plain-empty-between": _plainly(b""),
        "plain-alike-between": (Frame(BINARY, _FIRST),),
    }.items():
        title = f"A reference over a message that is not compressed ({name.replace('-', ' ')})"
        yield DeflateMessages(name, title, first + between + refers)
    yield DeflateMessages("plain-alone", "A message that is not compressed", _plainly(HELLO))
    yield DeflateMessages("plain-in-turns", "Plain and compressed messages in turns", (_plainly(HELLO) + first) * 3)


# --- text -------------------------------------------------------------------------------------------------------------


def _texts() -> Iterator[DeflateMessages]:
    """What is text, and what is not, shows after a message is inflated (section 6.2: UTF-8 of the whole message)."""
    euro = "\u20ac".encode()
    texts: dict[str, tuple[str, list[Symbol]]] = {
        "two-three-four": ("characters of two, three and four octets", [*"\u00e9\u20ac\U0001f600".encode()]),
        "by-a-match": ("a character that a match completes", [*euro, *b"x", Match(3, 4)]),
        "bad-start": ("an octet that begins no character", [*HELLO, 0xFF]),
        "bad-middle": ("a character that breaks off amid the text", [*euro[:2], *HELLO]),
        "breaks-off": ("it ends inside a character", [*HELLO, *euro[:2]]),
        "bad-by-a-match": ("a match that repeats half a character", [*euro, Match(3, 2)]),
        "surrogate": ("a surrogate", [0xED, 0xA0, 0x80]),
        "overlong": ("an overlong form", [0xC0, 0xAF]),
        "too-large": ("a code point beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80]),
    }
    for name, (what, symbols) in texts.items():
        yield DeflateMessages(f"text-{name}", f"What a message inflates to: {what}", _message(_fixed(symbols)))
    stored = DeflateWriter().stored(HELLO + b"\xff").tail().octets
    yield DeflateMessages("text-bad-stored", "A stored block with an octet that is no text", _message(stored))
    bad = _fixed([*HELLO, 0xFF])
    yield DeflateMessages("text-bad-in-fragments", "The same in two fragments, cut before it", _message(bad, 4))
    yield DeflateMessages("text-bad-but-binary", "The same in a binary message", _message(bad, opcode=BINARY))
    halves = DeflateWriter().stored(euro[:1]).fixed([euro[1]]).dynamic([euro[2]]).tail().octets
    yield DeflateMessages("text-over-blocks", "A character of three octets in three blocks", _message(halves, 6))
