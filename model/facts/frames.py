"""Between octets and rules: a frame on the wire to the facts that rules see (:func:`facts`), and back.

The way back (:func:`concrete`) chooses: many frames have the same facts, and it always gives the same one of them.
``facts(concrete(f).frame) == f`` for every ``f`` that satisfies ``terms.possible_frames`` and is short enough to be
written out.

The frames of a text message depend on the UTF-8 before them: ``before`` is the automaton's state at the start of the
payload, or None for a frame that carries no text; :func:`text_before` reads it off the state of an endpoint.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..notation.variables import DAMAGE, HEADER_VARIABLES, MEASURED, NO_CODE, Event, EventKind, FrameFacts, State
from ..octets import utf8
from ..octets.deflate import DeflateFacts, DeflateFault
from ..octets.frames import Header, encode_header, header_of, minimal_form
from ..octets.masking import mask
from ..octets.units import FrameUnit
from ..octets.vocabulary import CLOSE, CONTINUATION, TEXT, Frame
from .deflate_payloads import DAMAGE_OF, CompressedRun, run_of

LONGEST: Final = 1 << 20
"""Payloads of more octets than this are not written out unless asked for."""

DEFAULT_KEY: Final = bytes.fromhex("37fa213d")
"""The masking key of the examples in section 5.7."""


def text_before(opcode: int, state: State, kind: EventKind) -> int | None:
    """The state of the UTF-8 automaton before a frame of this opcode; None where the frame carries no text.

    ``kind`` says whose message a continuation belongs to: RECEIVE the one being received, SEND the one being sent.
    """
    if opcode == TEXT:
        return utf8.ACCEPT
    if opcode != CONTINUATION:
        return None
    if kind is EventKind.RECEIVE:
        return state.recv_utf8 if state.recv_type == TEXT else None
    return state.send_utf8 if state.send_type == TEXT else None


def facts(
    frame: Frame, before: int | None = utf8.ACCEPT, *, answers: bool = False, key_foreseen: bool = False
) -> FrameFacts:
    """The facts of a frame; of ``before`` only frames that can carry text (TEXT, CONTINUATION) take notice."""
    return facts_on_wire(header_of(frame), frame.payload, before, answers=answers, key_foreseen=key_foreseen)


def facts_on_wire(
    header: Header, payload: bytes, before: int | None, *, answers: bool = False, key_foreseen: bool = False
) -> FrameFacts:
    """The facts of a frame from its header and its whole payload, unmasked.

    ``answers`` and ``key_foreseen`` depend on what came before the frame, which its octets do not show.
    """
    code, reason_ok, utf8_next = NO_CODE, True, utf8.ACCEPT
    if header.opcode == CLOSE:
        code, reason_ok = close_code(payload), utf8.run(payload[2:]) == utf8.ACCEPT
    elif header.opcode in (TEXT, CONTINUATION) and before is not None:
        utf8_next = utf8.run(payload, before)
    opcode, fin, rsv1, rsv2, rsv3, masked, form, length, _ = header
    known = opcode, fin, rsv1, rsv2, rsv3, masked, form, length, code, reason_ok, utf8_next
    return FrameFacts(*known, answers, key_foreseen)


def facts_of_unit(
    unit: FrameUnit, before: int | None, *, answers: bool = False, key_foreseen: bool = False
) -> FrameFacts:
    """The facts of a frame as it was cut, inflated or not; the rest is as in :func:`facts_on_wire`.

    Where a message cannot be read on, nothing says that its text ends inside a character.
    """
    found = facts_on_wire(unit.header, unit.payload, before, answers=answers, key_foreseen=key_foreseen)
    if unit.deflated is None:
        return found
    if unit.deflated.fault.lost and found.utf8_next != utf8.REJECT:
        found = found._replace(utf8_next=utf8.ACCEPT)
    return deflated(found, unit.deflated)


def deflated(facts: FrameFacts, measured: DeflateFacts) -> FrameFacts:
    """The facts of a frame of a compressed message, with what was measured of the message up to its end.

    A reach over all history is no damage: rules compare it with the history. A message that is too long has one octet
    more than the limit under which it was measured.
    """
    too_long = measured.fault is DeflateFault.TOO_LONG
    return facts._replace(
        inflated=measured.length + too_long,
        distance=measured.distance,
        reach=measured.reach,
        damage=DAMAGE.index(DAMAGE_OF.get(measured.fault, "malformed")),
    )


def facts_of_header(header: Header) -> FrameFacts:
    """The facts of a header alone; those that depend on the payload have their defaults."""
    return FrameFacts(*header[:-1])


def facts_so_far(header: Header, body: bytes, text: int | None) -> tuple[FrameFacts, frozenset[str]]:
    """The facts of a frame whose payload is still coming, and the names of those that are settled.

    ``body`` is what is there of the payload of a Close, unmasked. ``text`` is where the UTF-8 automaton stands after
    what is there, None for a payload that is no text: once it has rejected the text, nothing that follows helps.
    """
    facts, known = facts_of_header(header), HEADER_VARIABLES
    if text == utf8.REJECT:
        return facts._replace(utf8_next=utf8.REJECT), known | {"utf8_next"}
    if header.opcode == CLOSE and len(body) >= 2:
        facts, known = facts._replace(code=close_code(body)), known | {"code"}
        if utf8.run(body[2:]) == utf8.REJECT:
            return facts._replace(reason_ok=False), known | {"reason_ok"}
    return facts, known


def inflated_so_far(unit: FrameUnit, before: int | None) -> tuple[FrameFacts, frozenset[str]]:
    """The same of a frame of a compressed message, inflated as far as it is there; ``before`` as in :func:`facts`.

    What was measured only grows as more comes, and data that cannot be read on stays so.
    """
    measured = DeflateFacts() if unit.deflated is None else unit.deflated
    found = deflated(facts_of_header(unit.header), measured)
    known = HEADER_VARIABLES | {"inflated", "distance", "reach"}
    if found.damage:
        known |= {"damage"}
    if before is not None and utf8.run(unit.payload, before) == utf8.REJECT:
        return found._replace(utf8_next=utf8.REJECT), known | {"utf8_next"}
    return found, known


def echoes_code(opcode: int, body: bytes, state: State) -> bool:
    """Whether a frame that is sent in a state is a Close with the status code of the one received."""
    return opcode == CLOSE and state.got_close and close_code(body) == state.close_code


def close_code(body: bytes) -> int:
    """The status code in the body of a Close frame, 1005 for a body without one (section 7.1.5)."""
    return int.from_bytes(body[:2], "big") if len(body) >= 2 else NO_CODE


class Realisation(NamedTuple):
    """Octets that begin, and where ``complete`` make up, a frame; ``frame`` is None where they do not."""

    octets: bytes
    complete: bool
    frame: Frame | None


def concrete(
    wanted: FrameFacts,
    before: int | None = utf8.ACCEPT,
    *,
    key: bytes = DEFAULT_KEY,
    payload: bytes | None = None,
    longest: int = LONGEST,
    compressed: CompressedRun | None = None,
) -> Realisation:
    """Octets of a frame with these facts, always the same ones; ``key`` is used where the frame is masked.

    ``compressed``: the messages that a compressed frame goes on with, None for any other frame.

    A payload of more than ``longest`` octets is left out: the octets are those of the header. ``payload`` is the
    payload to use where facts do not say enough (a Pong that answers a Ping). Raises :class:`ValueError` for facts
    that no octets have, or that ``payload`` does not have.
    """
    header = encode_header(
        wanted.opcode,
        wanted.length,
        fin=wanted.fin,
        rsv1=wanted.rsv1,
        rsv2=wanted.rsv2,
        rsv3=wanted.rsv3,
        key=key if wanted.masked else None,
        form=wanted.form,
    )
    if wanted.length > longest:
        return Realisation(header, False, None)
    chosen, inflated = payload, None
    if compressed is not None:
        chosen, inflated = compressed.write(wanted, before)
    elif chosen is None:
        chosen = _payload(wanted, before)
    frame = Frame(
        wanted.opcode,
        chosen,
        wanted.fin,
        wanted.rsv1,
        wanted.rsv2,
        wanted.rsv3,
        key if wanted.masked else None,
        None if wanted.form == minimal_form(wanted.length) else wanted.form,
    )
    seen = facts(frame, before, answers=wanted.answers, key_foreseen=wanted.key_foreseen)
    if inflated is not None:
        measured = {name: getattr(wanted, name) for name in MEASURED}
        after = utf8.ACCEPT if before is None else utf8.run(inflated, before)
        seen = seen._replace(utf8_next=after, **measured)
    if seen != wanted._replace(unprovoked=False):
        raise ValueError(f"no octets have these facts, or not those of the given payload: {wanted}")
    return Realisation(header + (mask(chosen, key) if wanted.masked else chosen), True, frame)


def realise(
    event: Event,
    state: State,
    *,
    key: bytes = DEFAULT_KEY,
    longest: int = LONGEST,
    compressed: CompressedRun | None = None,
) -> Realisation:
    """Octets of the frame of an event in a state, with ``compressed`` as in :func:`concrete`, or else as if nothing of
    the message had come yet. Raises :class:`ValueError` for an event without a frame."""
    if event.frame is None:
        raise ValueError(f"an event of kind {event.kind.value} has no frame")
    before = text_before(event.frame.opcode, state, event.kind)
    run = run_of(event, state, compressed)
    return concrete(event.frame, before, key=key, longest=longest, compressed=run)


def _payload(wanted: FrameFacts, before: int | None) -> bytes:
    if wanted.opcode == CLOSE and wanted.length >= 2:
        reason = utf8.shortest_octets(utf8.ACCEPT, utf8.ACCEPT if wanted.reason_ok else utf8.REJECT, wanted.length - 2)
        return wanted.code.to_bytes(2, "big") + reason
    if wanted.opcode in (TEXT, CONTINUATION) and before is not None:
        return utf8.shortest_octets(before, wanted.utf8_next, wanted.length)
    return utf8.shortest_octets(utf8.ACCEPT, utf8.ACCEPT, wanted.length)
