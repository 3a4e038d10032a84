"""Hypothesis strategies: frames legal and illegal, in any chunks, requests of an application, and whole stimuli.

Theory of operation. A stimulus is drawn as a list of small items that know nothing of each other (a frame with faults,
a request of the application, the end of TCP) and is put together afterwards: a data frame continues the message that is
in progress, frames are joined into chunks and cut. So most of what is drawn is legal and goes deep, each fault stands
on its own, and leaving an item out when a failure is shrunk does not change the other items. Numbers worth trying
(lengths, close codes) are read off the rules by `model.machine.boundary_events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

from hypothesis import strategies as st

from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.notation.switches import SWITCHES, Switches
from wsoracle.model.notation.variables import EventKind, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import capacity, encode_header, minimal_form
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FORMS,
    MAX_OPCODE,
    PING,
    PONG,
    TEXT,
    Role,
)
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Asks, Stimulus, What

from .compressed import DrawnDirection, DrawnMessage

LONGEST: Final = 70_000
"""Payloads of more octets than this are declared in headers and not written out, a stated limit apart."""

Faults: TypeAlias = tuple[tuple[str, object], ...]
"""Fields of a :class:`FrameTraceItem` that are other than usual."""

_VALID: Final = ("", *"aé€𐍈\ufeff\x00\u07ff\u0800\ud7ff\ue000\uffff\U0010ffff")
_BROKEN: Final = tuple(
    sorted(
        {
            utf8.shortest_octets(utf8.ACCEPT, state, length)
            for state in utf8.STATES
            for length in (1, 2, 3)
            if state != utf8.ACCEPT and state in utf8.reachable_after(utf8.ACCEPT, length)
        }
        | {b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff"}
    )
)


@lru_cache(maxsize=8)
def _boundaries(role: Role, kind: EventKind) -> dict[str, tuple[int, ...]]:
    found = Alphabet(RULES, Setting(role)).boundaries(kind)
    return {name: tuple(int(value) for value in found[name]) for name in ("length", "code")}


def boundary_lengths(role: Role = Role.SERVER) -> tuple[int, ...]:
    """Payload lengths at which some rule for receiving changes its mind, in ascending order, up to 2**64-1."""
    return _boundaries(role, EventKind.RECEIVE)["length"]


def boundary_codes(role: Role = Role.SERVER, kind: EventKind = EventKind.RECEIVE) -> tuple[int, ...]:
    """Close codes at which some rule changes its mind, in ascending order; 1005 stands for itself."""
    return tuple(code for code in _boundaries(role, kind)["code"] if code <= 0xFFFF)


# --- octets -----------------------------------------------------------------------------------------------------------

TEXTS: Final = tuple(text.encode() for text in (*_VALID, "aé", "€a", "𐍈𐍈", "a" * 20))
"""UTF-8 text, as octets: with characters of every length."""

OCTETS: Final = (*TEXTS, *_BROKEN, *(b"a" + octets for octets in _BROKEN), *(octets + b"a" for octets in _BROKEN))
"""Text, text cut inside a character, and what can never be text."""


def _runs(lengths: Iterable[int]) -> tuple[Faults, ...]:
    """As many letters as each of the lengths says."""
    return tuple((("payload", b"a"), ("times", length)) for length in lengths if length <= LONGEST)


def _all(payloads: Iterable[bytes]) -> tuple[Faults, ...]:
    return tuple((("payload", payload),) for payload in payloads)


@lru_cache(maxsize=2)
def close_bodies(role: Role) -> tuple[bytes, ...]:
    """Bodies of Close frames that an endpoint of this role may meet: none, one octet, any code and reason."""
    codes = [code.to_bytes(2, "big") for code in boundary_codes(role)]
    normal = (1000).to_bytes(2, "big")
    reasons = (normal + reason for reason in OCTETS[1::3])
    return (normal, b"", *codes, *codes, *(code + b"a" for code in codes), *reasons, b"\x03", b"\x03", b"\x03")


# --- frames -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FrameItem:
    """A frame before its place is known: with the `opcode` TEXT or BINARY it continues a message that is in progress.

    The payload is repeated `times`. The fields after FIN are faults: `bits` are the reserved bits that are set,
    `other_opcode` stands in place of the opcode, `other_fin` and `other_mask` turn FIN and MASK over; `form` is the
    length form where it is not the minimal one and `declared` the length in the header where it is more than there is.
    `joined`: in one chunk with the item before; `cut`: into two after as many octets, modulo the length of the frame.
    """

    opcode: int
    payload: bytes = b""
    times: int = 1
    fin: bool = True
    bits: tuple[int, ...] = ()
    other_opcode: int | None = None
    other_fin: bool = False
    other_mask: bool = False
    form: int | None = None
    declared: int | None = None
    joined: bool = False
    cut: int | None = None


_LAYOUTS: Final[tuple[Faults, ...]] = (
    *[()] * 4,
    *[(("joined", True),)] * 4,
    *((("cut", cut),) for cut in (1, 2, 3, 4, 5, 6, 7, 8, 10, 14)),
    *((("joined", True), ("cut", cut)) for cut in (1, 2, 4, 7)),
)


class _Pools:
    """Frames to choose from, the plainest first."""

    def __init__(self, role: Role) -> None:
        lengths = [length for length in boundary_lengths(role) if length <= LONGEST]
        long = tuple(length for length in boundary_lengths(role) if length > 125)
        payloads = (*_all(TEXTS * 3), *_all(OCTETS), *_runs(lengths))
        controls = (*_all(TEXTS), *_all(OCTETS[-5:]), *_runs(length for length in lengths if length <= 125))
        kinds = [FrameItem(opcode, fin=fin) for opcode in (TEXT, BINARY) for fin in (True, False)]
        self.data: Final = tuple(_changed(kind, p) for p in payloads for kind in kinds)
        self.control: Final = tuple(_changed(FrameItem(opcode), p) for p in controls for opcode in (PING, PONG))
        self.close: Final = tuple(FrameItem(CLOSE, body) for body in close_bodies(role))
        self.faults: Final[tuple[Faults, ...]] = (
            *((("bits", (bit,)),) for bit in (1, 2, 3)),
            *((("other_opcode", opcode),) for opcode in range(MAX_OPCODE + 1)),
            *[(("other_fin", True),)] * 5,
            *[(("other_mask", True),)] * 5,
            *[(("form", form),) for form in FORMS[1:]] * 2,
            *((("declared", length),) for length in long),
            *_runs(long),
        )


@lru_cache(maxsize=2)
def _pools(role: Role) -> _Pools:
    return _Pools(role)


def frame_items(role: Role, limit: int | None = None) -> st.SearchStrategy[FrameItem]:
    """Frames for an endpoint of this role, about one in three of them faulty; `limit` is the one that it states."""
    pools = _pools(role)
    data, control, close = (st.sampled_from(pool) for pool in (pools.data, pools.control, pools.close))
    faults = st.sampled_from(pools.faults)
    faulty = st.builds(_changed, st.one_of(data, control, close), faults, st.one_of(st.just(()), st.just(()), faults))
    kinds = [data, data, control, control, close, faulty, faulty]
    if limit is not None and limit <= LONGEST:
        around = tuple(
            FrameItem(opcode, b"a", length, fin)
            for length in (limit, limit - 1, limit + 1)
            for opcode, fin in ((BINARY, False), (BINARY, True))
        )
        kinds.append(st.sampled_from(around))
    return st.builds(_changed, st.one_of(kinds), st.sampled_from(_LAYOUTS))


def _changed(item: FrameItem, *changes: Faults) -> FrameItem:
    return replace(item, **dict(change for changed in changes for change in changed))  # type: ignore[arg-type]


# --- the application --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _requests(role: Role, fragments: bool) -> tuple[tuple[Asks, ...], ...]:
    kinds: tuple[What, ...] = ("text", "binary", "continuation")
    ends = (True, False) if fragments else (True,)
    messages = tuple(
        Asks(what, text, fin) for text in TEXTS[:4] for what in kinds[: 3 if fragments else 2] for fin in ends
    )
    controls = tuple(Asks(what, text) for text in TEXTS[:4] for what in ("ping", "pong"))
    codes = (1000, None, *(code for code in boundary_codes(role, EventKind.SEND)))
    return messages, controls, tuple(Asks("close", code=code) for code in codes)


def requests(role: Role, *, fragments: bool = True) -> st.SearchStrategy[Asks]:
    """The requests of the application on an endpoint of this role: messages, Pings, Pongs and Close with any code."""
    return st.one_of([st.sampled_from(pool) for pool in _requests(role, fragments)])


# --- whole stimuli ----------------------------------------------------------------------------------------------------

TraceItem: TypeAlias = FrameItem | Asks | ArrivesEof
Part: TypeAlias = Arrives | ArrivesEof | Asks


def items(role: Role, *, limit: int | None = None, fragments: bool = True) -> st.SearchStrategy[TraceItem]:
    """Frames, requests of the application, and ends of TCP, each on its own; see :class:`Assembly`."""
    frame, asks = frame_items(role, limit), requests(role, fragments=fragments)
    return st.one_of(*[frame] * 8, *[asks] * 2, st.builds(ArrivesEof))


def stimuli(
    role: Role, *, limit: int | None = None, fragments: bool = True, most: int = 8
) -> st.SearchStrategy[Stimulus]:
    """Stimuli for an endpoint of this role: up to `most` frames, requests of its application, and ends of TCP.

    `fragments`: the application sends fragmented messages too (an application that echoes has no room for them).
    """
    one_by_one = st.sampled_from((False, False, False, False, False, False, True))
    return st.builds(
        lambda chosen, singly: put_together(chosen, role, singly=singly),
        st.lists(items(role, limit=limit, fragments=fragments), min_size=1, max_size=most),
        one_by_one,
    )


MOST_SINGLE_OCTETS: Final = 2_000
"""Longer stimuli are not given octet by octet."""


def put_together(items: Sequence[TraceItem], role: Role, *, singly: bool = False) -> Stimulus:
    """The stimulus for an endpoint of this role that a list of items makes; `singly`: octet by octet."""
    made = Assembly(role)
    parts = [part for item in items for part in made.add(item)] + made.rest()
    ended = next((at for at, part in enumerate(parts) if isinstance(part, ArrivesEof)), len(parts))
    stimulus = (*parts[: ended + 1], *(part for part in parts[ended + 1 :] if isinstance(part, Asks)))
    if not singly or sum(len(part.octets) for part in stimulus if isinstance(part, Arrives)) > MOST_SINGLE_OCTETS:
        return stimulus
    return tuple(single for part in stimulus for single in _singly(part))


def _singly(part: Part) -> list[Part]:
    if isinstance(part, Arrives):
        return [Arrives(part.octets[i : i + 1]) for i in range(len(part.octets))]
    return [part]


class Assembly:
    """Puts items together for an endpoint of a role; knows whether a message is in progress.

    ``takeover``: the context of compressed messages is taken over from one to the next.
    """

    def __init__(self, role: Role, *, takeover: bool = True) -> None:
        self._masks: Final = role is Role.SERVER
        self._compressed: Final = DrawnDirection(role, takeover=takeover)
        self._chunk = b""
        self._inside = False

    def add(self, item: TraceItem | DrawnMessage) -> list[Part]:
        """One more item: what can be done now. A chunk waits until it is known that no frame is joined to it.

        A message in progress ends before a message that is drawn whole.
        """
        if isinstance(item, DrawnMessage):
            before = [*self.add(FrameItem(BINARY)), *self.rest()] if self._inside else self.rest()
            return [*before, *map(Arrives, self._compressed.put(item).frames)]
        if not isinstance(item, FrameItem):
            return [*self.rest(), item]
        stream = self._frame(item)
        done = [] if item.joined else self.rest()
        if item.cut is not None and len(stream) > 1:
            cut = 1 + (item.cut - 1) % (len(stream) - 1)
            self._chunk += stream[:cut]
            done += self.rest()
            stream = stream[cut:]
        self._chunk += stream
        return done

    def rest(self) -> list[Part]:
        """The chunk that waits."""
        chunk, self._chunk = self._chunk, b""
        return [Arrives(chunk)] if chunk else []

    def _frame(self, item: FrameItem) -> bytes:
        opcode, fin = item.opcode, item.fin is not item.other_fin
        if opcode in (TEXT, BINARY):
            if self._inside:
                opcode = CONTINUATION
            self._inside = not fin
        if item.other_opcode is not None:
            opcode = item.other_opcode
        payload = item.payload * item.times
        length = len(payload) if item.declared is None else max(item.declared, len(payload))
        form = minimal_form(length) if item.form is None or capacity(item.form) < length else item.form
        key = DEFAULT_KEY if self._masks is not item.other_mask else None
        bits = {f"rsv{bit}": True for bit in item.bits}
        header = encode_header(opcode, length, fin=fin, key=key, form=form, **bits)
        return header + (payload if key is None else mask(payload, key))


# --- settings and states ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def varied_settings() -> tuple[Setting, ...]:
    """A few settings in which every role, application, and value of every switch occurs, the plainest first.

    They are few because rules are compiled anew for each.
    """
    most = max(len(switch.values) for switch in SWITCHES)
    variants = [Switches(**{s.name: s.values[n % len(s.values)] for s in SWITCHES}) for n in range(most)]
    return tuple(
        Setting(role, limit, echo, switches)
        for switches in (Switches(), *variants)
        for limit, echo in ((None, False), (3, False), (200, True))
        for role in Role
    )


def settings_of_endpoints(role: Role | None = None, *, echo: bool | None = None) -> st.SearchStrategy[Setting]:
    """One of :func:`varied_settings`, of this role and with this application, where they are given."""
    return st.sampled_from([s for s in varied_settings() if role in (None, s.role) and echo in (None, s.echo)])


def starts() -> st.SearchStrategy[State]:
    """States right after the opening handshake: any reserved bits may have been claimed by extensions."""
    names = ("claims_rsv1", "claims_rsv2", "claims_rsv3")
    claims = st.tuples(st.booleans(), st.booleans(), st.booleans())
    return claims.map(lambda bits: State()._replace(**dict(zip(names, bits, strict=True))))
