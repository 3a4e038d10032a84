"""permessage-deflate as an extension of an endpoint (RFC 7692, section 7), in both roles, with any agreed parameters.

zlib does the work; what it says of a received message is there for rules to judge (``received``). It holds no more than
the limit of a message, a window for each direction, and zlib's own tables. Every message is sent compressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..facts.deflate_offers import is_sound
from ..facts.deflate_payloads import DAMAGE_OF
from ..notation.variables import DAMAGE, LARGEST_WINDOW, State
from ..octets.deflate import DeflateFault
from ..octets.deflate_parameters import (
    ABSENT,
    BITS,
    DEFLATE,
    VALUELESS,
    DeflateParameters,
    read_parameters,
    write_parameters,
)
from ..octets.deflate_stream import Deflater, InflateError, Inflater
from ..octets.header_values import parse_extensions
from ..octets.vocabulary import Role
from .extension import Extension, Parameters

_MARK: Final = frozenset({1})


class ReceivedDeflate(NamedTuple):
    """What is known of the compressed message being received: the octets that came out, and the number of what is wrong
    with it (:data:`~wsoracle.model.notation.variables.DAMAGE`)."""

    inflated: int = 0
    damage: int = 0


class PermessageDeflate:
    """The extension of one connection, as one endpoint has it, after these parameters were agreed on.

    ``limit`` is in octets that a received message inflates to; beyond it nothing more is inflated, and ``received``
    tells of one octet more than the limit.
    """

    def __init__(self, role: Role, agreed: DeflateParameters, level: int = -1) -> None:
        own, other = _directions(role, agreed)
        self.limit: int | None = None
        self.received = ReceivedDeflate()
        self._role: Final = role
        self._agreed: Final = agreed
        self._deflater: Final = Deflater(own.bits, takeover=own.takeover, level=level)
        self._inflater: Final = Inflater(takeover=other.takeover)
        self._begun = False

    @property
    def claims(self) -> frozenset[int]:
        """RSV1."""
        return _MARK

    def agreed_in(self, state: State) -> State:
        """The state with what was agreed on."""
        return _agreed_in(state, self._role, self._agreed)

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        """A message is compressed where its first frame has RSV1."""
        return 1 in bits

    def decode(self, octets: bytes, last: bool) -> bytes:
        """The next octets of the received message; :attr:`received` says how it fares."""
        before = self.received.inflated if self._begun else 0
        self._begun = not last
        try:
            inflated = self._inflater.inflate(octets, last, self.limit)
        except InflateError as error:
            came = error.inflated
            length = before + len(came) if error.fault is not DeflateFault.TOO_LONG else (self.limit or 0) + 1
            self.received = ReceivedDeflate(length, DAMAGE.index(DAMAGE_OF.get(error.fault, "malformed")))
            return came
        self.received = ReceivedDeflate(before + len(inflated))
        return inflated

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        """Every message is compressed."""
        return _MARK

    def encode(self, octets: bytes, last: bool) -> bytes:
        """The payload of the next frame of a message."""
        return self._deflater.deflate(octets, last)


class _Direction(NamedTuple):
    bits: int
    takeover: bool


def _directions(role: Role, agreed: DeflateParameters) -> tuple[_Direction, _Direction]:
    """What was agreed on for the messages of this end, and of the other."""
    of_server = _Direction(_bits(agreed.server_max_window_bits), agreed.server_no_context_takeover == ABSENT)
    of_client = _Direction(_bits(agreed.client_max_window_bits), agreed.client_no_context_takeover == ABSENT)
    return (of_server, of_client) if role is Role.SERVER else (of_client, of_server)


def _agreed_in(state: State, role: Role, agreed: DeflateParameters) -> State:
    own, other = _directions(role, agreed)
    return state._replace(
        send_window=1 << own.bits,
        send_takeover=own.takeover,
        recv_window=1 << other.bits,
        recv_takeover=other.takeover,
    )


def agreed_state(role: Role, extensions: str) -> State | None:
    """The state of an endpoint right after an opening handshake whose answer has this |Sec-WebSocket-Extensions|.

    Empty: without extensions. None where it is no list, or has anything that is not known of permessage-deflate.
    """
    elements = parse_extensions([extensions]) if extensions else []
    if not elements:
        return None if elements is None else State()
    agreed = read_parameters(elements[0].parameters)
    if [element.name for element in elements] != [DEFLATE] or not is_sound(agreed):
        return None
    return _agreed_in(State(claims_rsv1=True), role, agreed)


def _bits(how: int) -> int:
    return how if how in BITS else LARGEST_WINDOW.bit_length() - 1


@dataclass(frozen=True)
class DeflateOffer:
    """permessage-deflate as it is negotiated: what a client offers, or what a server wants of what is offered.

    ``server_no_context_takeover`` and ``client_no_context_takeover``: that direction is to take over no context; the
    bits are the largest windows of 8 to 15 bits. A client always offers to have its window limited. A server agrees to
    whatever is asked of it, and declines what RFC 7692 has it decline. ``level`` is zlib's.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None
    level: int = -1

    def __post_init__(self) -> None:
        for bits in (self.server_max_window_bits, self.client_max_window_bits):
            if bits is not None and bits not in BITS:
                raise ValueError(f"a window has 8 to 15 bits, not {bits}")

    @property
    def name(self) -> str:
        """Its registered token."""
        return DEFLATE

    def offers(self) -> Sequence[Parameters]:
        """The one offer of a client."""
        wanted = self._wanted()
        takes = wanted.client_max_window_bits or VALUELESS
        return [write_parameters(wanted._replace(client_max_window_bits=takes))]

    def agree(self, offered: Parameters) -> tuple[Parameters, Extension] | None:
        """The answer of a server to one offer; None to decline it."""
        offer = read_parameters(offered)
        if not is_sound(offer):
            return None
        wanted = self._wanted()
        takes = offer.client_max_window_bits
        answer = DeflateParameters(
            server_no_context_takeover=max(wanted.server_no_context_takeover, offer.server_no_context_takeover),
            client_no_context_takeover=max(wanted.client_no_context_takeover, offer.client_no_context_takeover),
            server_max_window_bits=_least(wanted.server_max_window_bits, offer.server_max_window_bits),
            client_max_window_bits=ABSENT if takes == ABSENT else _least(wanted.client_max_window_bits, takes),
        )
        return write_parameters(answer), PermessageDeflate(Role.SERVER, answer, self.level)

    def start(self, agreed: Parameters) -> Extension | None:
        """The extension that a client uses after this answer; None where it has parameters that are not known."""
        answer = read_parameters(agreed)
        return None if answer.unknown else PermessageDeflate(Role.CLIENT, answer, self.level)

    def _wanted(self) -> DeflateParameters:
        return DeflateParameters(
            server_no_context_takeover=VALUELESS if self.server_no_context_takeover else ABSENT,
            client_no_context_takeover=VALUELESS if self.client_no_context_takeover else ABSENT,
            server_max_window_bits=self.server_max_window_bits or ABSENT,
            client_max_window_bits=self.client_max_window_bits or ABSENT,
        )


def _least(one: int, other: int) -> int:
    """The smaller of the numbers that are given; ABSENT where none is."""
    return min((how for how in (one, other) if how in BITS), default=ABSENT)
