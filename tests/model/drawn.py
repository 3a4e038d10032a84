"""Hypothesis strategies for what the machine is asked: settings, states, events, frames and streams of octets."""

from __future__ import annotations

from hypothesis import strategies as st

from wsoracle.model import utf8
from wsoracle.model.abstraction import text_before
from wsoracle.model.expression import Sort, Var
from wsoracle.model.switches import SWITCHES, Switches
from wsoracle.model.terms import (
    MAX_LENGTH,
    NO_CODE,
    STATE_VARIABLES,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
)
from wsoracle.model.vocabulary import CLOSE, FORMS, KNOWN_OPCODES, Frame, Role
from wsoracle.model.wire import capacity, encode, minimal_form

LENGTHS = (0, 1, 2, 3, 5, 124, 125, 126, 127, 200, 65535, 65536, 2**63 - 1, 2**63, MAX_LENGTH)
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
    limit = draw(st.none() | st.sampled_from([0, 125, 1000, 65536, 2**40]) | st.integers(0, MAX_LENGTH))
    return Setting(draw(roles()), limit, draw(st.booleans()), draw(switches()))


def _value(variable: Var) -> st.SearchStrategy[int] | st.SearchStrategy[bool]:
    if variable.sort is Sort.BOOL:
        return st.booleans()
    near = [value for value in (*CODES, *LENGTHS) if variable.low <= value <= variable.high]
    return st.sampled_from(near) | st.integers(variable.low, variable.high)


@st.composite
def states(draw: st.DrawFn) -> State:
    """Any state, reachable or not, half of them with nothing ended yet, since in others little happens."""
    state = State(**{name: draw(_value(variable)) for name, variable in STATE_VARIABLES.items()})  # type: ignore[arg-type]
    if draw(st.booleans()):
        state = state._replace(tcp_open=True, failed=False, got_close=False, discarding=False)
    return state


def lengths(longest: int = MAX_LENGTH) -> st.SearchStrategy[int]:
    some = [length for length in LENGTHS if length <= longest]
    return st.sampled_from(some) | st.integers(0, min(longest, 300)) | st.integers(0, longest)


@st.composite
def possible(draw: st.DrawFn, state: State, kind: EventKind, longest: int = MAX_LENGTH) -> FrameFacts:
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
    return FrameFacts(
        opcode,
        fin=draw(st.booleans()),
        rsv1=draw(_seldom()),
        rsv2=draw(_seldom()),
        rsv3=draw(_seldom()),
        masked=draw(st.booleans()),
        form=form if draw(_seldom()) else minimal_form(length),
        length=length,
        code=code,
        reason_ok=reason_ok,
        utf8_next=draw(st.sampled_from(reached)),
        answers=draw(st.booleans()),
    )


def _seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from([False] * 7 + [True])


@st.composite
def events(draw: st.DrawFn, state: State) -> Event:
    kind = draw(st.sampled_from([EventKind.RECEIVE, EventKind.SEND]) | st.sampled_from(list(EventKind)))
    return Event(kind, draw(possible(state, kind)) if kind.has_frame else None)


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


@st.composite
def streams(draw: st.DrawFn, sender: Role) -> bytes:
    """Octets on their way from that role: frames one after the other, sometimes followed by anything."""
    written = b"".join(encode(frame) for frame in draw(st.lists(frames(sender), max_size=8)))
    return written + (draw(st.binary(max_size=20)) if draw(_seldom()) else b"")


@st.composite
def cut(draw: st.DrawFn, octets: bytes) -> list[bytes]:
    """The octets in chunks."""
    size = draw(st.sampled_from([0, 1, 2, 3, 7]))
    if size:
        return [octets[at : at + size] for at in range(0, len(octets), size)]
    places = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=6)))
    return [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]
