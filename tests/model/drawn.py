"""Hypothesis strategies for what the machine is asked: settings, states, events, frames, heads, streams of octets."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from wsoracle.model.facts.frames import text_before
from wsoracle.model.notation.expression import Sort, Var
from wsoracle.model.notation.head_variables import (
    DEFLATE_FACTS,
    REQUEST_VARIABLES,
    RESPONSE_VARIABLES,
    RequestFacts,
    ResponseFacts,
    value_of,
)
from wsoracle.model.notation.switches import SWITCHES, Switches
from wsoracle.model.notation.variables import (
    DAMAGE,
    LARGEST_LENGTH,
    NO_CODE,
    STATE_VARIABLES,
    Event,
    EventKind,
    Facts,
    FrameFacts,
    Setting,
    State,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import capacity, encode, minimal_form
from wsoracle.model.octets.vocabulary import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FORMS,
    KNOWN_OPCODES,
    PING,
    PONG,
    TEXT,
    Frame,
    Role,
)

LENGTHS = (0, 1, 2, 3, 5, 124, 125, 126, 127, 200, 65535, 65536, 2**63 - 1, 2**63, LARGEST_LENGTH)
CODES = (0, 999, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1010, 1011, 1012, 1014, 1015, 1016, 2999, 3000, 4999, 5000)


def roles() -> st.SearchStrategy[Role]:
    return st.sampled_from(list(Role))


@st.composite
def switches(draw: st.DrawFn) -> Switches:
    return Switches(**{switch.name: draw(st.sampled_from(switch.values)) for switch in SWITCHES})


def few_switches() -> st.SearchStrategy[Switches]:
    """The defaults, then the first, the second and the last value of every switch: few, as each costs a compilation."""
    turns = [Switches(**{s.name: s.values[min(at, len(s.values) - 1)] for s in SWITCHES}) for at in range(3)]
    return st.sampled_from([Switches(), *turns])


@st.composite
def setting_objects(draw: st.DrawFn) -> Setting:
    limit = draw(st.none() | st.sampled_from([0, 125, 1000, 65536, 2**40]) | st.integers(0, LARGEST_LENGTH))
    return Setting(
        draw(roles()), limit, draw(st.booleans()), draw(switches()), draw(st.booleans()), draw(st.booleans())
    )


def _value(variable: Var) -> st.SearchStrategy[int] | st.SearchStrategy[bool]:
    if variable.sort is Sort.BOOL:
        return st.booleans()
    near = [value for value in (*CODES, *LENGTHS) if variable.low <= value <= variable.high]
    return st.sampled_from(near) | st.integers(variable.low, variable.high)


@st.composite
def states(draw: st.DrawFn) -> State:
    """Any state, reachable or not; in half of them nothing has ended, in half the opening handshake is complete, since
    in others little happens."""
    state = State(**{name: draw(_value(variable)) for name, variable in STATE_VARIABLES.items()})  # type: ignore[arg-type]
    if draw(st.booleans()):
        state = state._replace(tcp_open=True, peer_open=True, failed=False, got_close=False, discarding=False)
    return state._replace(handshake=0) if draw(st.booleans()) else state


def lengths(longest: int = LARGEST_LENGTH) -> st.SearchStrategy[int]:
    some = [length for length in LENGTHS if length <= longest]
    return st.sampled_from(some) | st.integers(0, min(longest, 300)) | st.integers(0, longest)


@st.composite
def possible(draw: st.DrawFn, state: State, kind: EventKind, longest: int = LARGEST_LENGTH) -> FrameFacts:
    """Facts that some octets have in this state, built to be so; a test compares with `terms.possible_frames`."""
    opcode = draw(st.sampled_from(KNOWN_OPCODES) | st.integers(0, 15))
    length = draw(lengths(longest))
    form = draw(st.sampled_from([form for form in FORMS if length <= capacity(form)]))
    code, reason_ok = NO_CODE, True
    if opcode == CLOSE and length >= 2:
        code = draw(st.sampled_from(CODES) | st.integers(0, 65535))
        reason_ok = length == 2 or draw(st.booleans())
    before = text_before(opcode, state, kind)
    reached = [utf8.ACCEPT] if before is None else sorted(utf8.reachable_after(before, length))
    fin, rsv1 = draw(st.booleans()), draw(_seldom())
    receiving = kind is EventKind.RECEIVE
    marked = rsv1 if opcode in (TEXT, BINARY) else state.recv_compressed if receiving else state.send_compressed
    deflate: dict[str, Any] = {}
    if marked and opcode in (TEXT, BINARY, CONTINUATION) and (state.recv_window if receiving else state.send_window):
        deflate = draw(_deflate(length, fin))
        if before is not None and before != utf8.REJECT:
            reached = list(utf8.STATES)
    return FrameFacts(
        opcode,
        fin=fin,
        rsv1=rsv1,
        rsv2=draw(_seldom()),
        rsv3=draw(_seldom()),
        masked=draw(st.booleans()),
        form=form if draw(_seldom()) else minimal_form(length),
        length=length,
        code=code,
        reason_ok=reason_ok,
        utf8_next=draw(st.sampled_from(reached)),
        answers=draw(st.booleans()),
        **deflate,
    )


@st.composite
def _deflate(draw: st.DrawFn, length: int, fin: bool) -> dict[str, int]:
    """What the DEFLATE data of a frame can be like."""
    distance = draw(st.sampled_from((0, 1, 255, 256, 257, 32767, 32768)))
    ends = [index for index, damage in enumerate(DAMAGE) if damage not in ("none", "malformed", "no payload")]
    damage = draw(st.sampled_from([0, DAMAGE.index("malformed"), *(ends if fin else [])]))
    if fin and length == 0 and draw(st.booleans()):
        return {"damage": DAMAGE.index("no payload")}
    inflated = draw(lengths())
    return {"inflated": inflated, "distance": distance, "reach": draw(st.integers(0, distance)), "damage": damage}


def _seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from([False] * 7 + [True])


@st.composite
def heads(draw: st.DrawFn, kind: EventKind) -> RequestFacts | ResponseFacts:
    """Facts that some head of HTTP has, built to be so: a sound one, or one that differs in a few points."""
    sound, variables = (
        (RequestFacts(), REQUEST_VARIABLES) if kind.facts is RequestFacts else (ResponseFacts(), RESPONSE_VARIABLES)
    )
    names = draw(st.lists(st.sampled_from(sorted(variables)), max_size=5, unique=True))
    changes: dict[str, Any] = {name: draw(_fact(variables[name])) for name in names}
    facts = sound._replace(**changes)
    if facts.syntax in (value_of("syntax", "malformed"), value_of("syntax", "too large")):
        return type(sound)(syntax=facts.syntax)
    if isinstance(facts, RequestFacts):
        named = ("a resource name", "an absolute http or https URI")
        if facts.offers != value_of("offers", "a list of extensions"):
            facts = facts._replace(deflate_offers=0)
        says = facts.host == value_of("host", "one") or facts.target in [value_of("target", label) for label in named]
        return facts if says else facts._replace(for_uri=True)
    plain: dict[str, Any] = {name: ResponseFacts._field_defaults[name] for name in DEFLATE_FACTS}
    if facts.extensions == value_of("extensions", "with unknown parameters"):
        facts = facts._replace(deflate=facts.deflate or value_of("deflate", "one"))
    elif facts.extensions != value_of("extensions", "offered"):
        return facts._replace(defines_rsv1=False, defines_rsv2=False, defines_rsv3=False, **plain)
    if facts.deflate == value_of("deflate", "absent"):
        return facts._replace(**plain)
    if facts.asks_bits in [
        value_of("asks_bits", how) for how in ("without a value", "with another value", "more than once")
    ]:
        facts = facts._replace(asks_bits=0)
    asks: dict[str, Any] = (
        {} if facts.sound_offer else {"asks_no_takeover": False, "asks_bits": 0, "takes_client_bits": False}
    )
    return facts._replace(defines_rsv1=True, **asks)


def _fact(variable: Var) -> st.SearchStrategy[int] | st.SearchStrategy[bool]:
    if variable.sort is Sort.BOOL:
        return st.booleans()
    whole = st.integers(variable.low, variable.high)
    return whole if variable.labels else st.sampled_from([100, 101, 102, 199, 200, 299, 300, 399, 400, 426]) | whole


@st.composite
def facts(draw: st.DrawFn, state: State, kind: EventKind) -> Facts | None:
    """What an event of a kind carries in this state: a frame, a head, or nothing."""
    if kind.facts is None:
        return None
    return draw(possible(state, kind) if kind.has_frame else heads(kind))


@st.composite
def events(draw: st.DrawFn, state: State) -> Event:
    kind = draw(st.sampled_from([EventKind.RECEIVE, EventKind.SEND]) | st.sampled_from(list(EventKind)))
    return Event.of(kind, draw(facts(state, kind)))


PAYLOADS = (
    b"",
    b"a",
    b"Hello",
    "κόσμε".encode(),
    b"\xce",
    b"\xba\xe1",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf4\x90",
    b"x" * 125,
)
TEXTS = ("", "a", "Hello", "κόσμε", "\ud7ff\ue000\U00010000\U0010ffff", "x" * 124 + "é", "y" * 200)
BODIES = (b"", b"\x03", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xed", b"\x03\xe8\xff", b"\x13\x88", b"\x0f\xa0\xce\xba")


@st.composite
def frames(draw: st.DrawFn, sender: Role) -> Frame:
    """A frame, mostly one that may be sent, by that role to its peer."""
    opcode = draw(st.sampled_from(KNOWN_OPCODES * 8) | st.integers(0, 15))
    payload = draw(st.sampled_from(BODIES if opcode == CLOSE else PAYLOADS) | st.binary(max_size=140))
    key = draw(st.binary(min_size=4, max_size=4))
    right_way = not draw(st.sampled_from([False] * 40 + [True]))
    fits = [form for form in FORMS if len(payload) <= capacity(form)]
    return Frame(
        opcode,
        payload,
        fin=draw(st.sampled_from([True, True, False])) or opcode >= CLOSE,
        rsv1=draw(st.sampled_from([False] * 40 + [True])),
        key=key if (sender is Role.CLIENT) is right_way else None,
        form=draw(st.sampled_from([None] * 20 + fits)),
    )


def _texts() -> st.SearchStrategy[bytes]:
    spoilt = st.sampled_from([b"ab\xff" + b"c" * 9, b"ab\xc3"])
    return st.one_of(*[(st.sampled_from(TEXTS) | st.text(max_size=140)).map(str.encode)] * 6, spoilt)


@st.composite
def conversations(draw: st.DrawFn, sender: Role) -> list[Frame]:
    """Frames that role may send one after the other: messages, whole or in fragments, control frames in between."""
    frames_: list[Frame] = []
    left = b""
    in_message = False
    for step in draw(st.lists(st.sampled_from("wwwwffffppoc"), max_size=10)):
        key = draw(st.binary(min_size=4, max_size=4)) if sender is Role.CLIENT else None
        if step in "po":
            frames_.append(Frame(PING if step == "p" else PONG, draw(st.sampled_from(PAYLOADS)), key=key))
        elif step == "c":
            frames_.append(Frame(CLOSE, draw(st.sampled_from(BODIES)), key=key))
        elif in_message:
            # Cut anywhere, within a character too.
            fin = step == "w"
            size = len(left) if fin else draw(st.integers(0, len(left)))
            frames_.append(Frame(CONTINUATION, left[:size], fin=fin, key=key))
            left, in_message = left[size:], not fin
        else:
            text = draw(st.booleans())
            left = draw(_texts() if text else st.binary(max_size=9))
            in_message = step == "f"
            size = draw(st.integers(0, len(left))) if in_message else len(left)
            frames_.append(Frame(TEXT if text else BINARY, left[:size], fin=not in_message, key=key))
            left = left[size:]
    return frames_


@st.composite
def streams(draw: st.DrawFn, sender: Role) -> bytes:
    """Octets on their way from that role: a conversation, into which something was put that may have no place there."""
    written = list(map(encode, draw(conversations(sender))))
    if draw(st.booleans()):
        odd = draw(frames(sender).map(encode) | st.binary(max_size=20))
        written.insert(draw(st.integers(0, len(written))), odd)
    return b"".join(written)


@st.composite
def cut(draw: st.DrawFn, octets: bytes) -> list[bytes]:
    """The octets in chunks."""
    size = draw(st.sampled_from([0, 1, 2, 3, 7]))
    if size:
        return [octets[at : at + size] for at in range(0, len(octets), size)]
    places = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    return [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]
