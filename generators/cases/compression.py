"""permessage-deflate as the tester of a case speaks it: what it offers or answers, and what was agreed on (RFC 7692).

A case says what the tester asks of the endpoint's direction, most wanted first. As a client it makes an offer of each;
as a server it answers with the first that the offers of the client leave room for, or does not take the extension.
Either it compresses plain messages as was agreed, or its frames are as they stand: compressed already, within a window
and a context that it asks for its own direction. A server need not agree to that: then the case is judged as it went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from wsoracle.model.notation.variables import State
from wsoracle.model.octets.deflate_parameters import (
    ABSENT,
    BITS,
    DEFLATE,
    VALUELESS,
    DeflateParameters,
    read_parameters,
    write_parameters,
)
from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.header_values import ExtensionOffer, extension_list, parse_extensions
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request, Response
from wsoracle.model.octets.vocabulary import CONTINUATION, Frame, Role

FIELD: Final = "Sec-WebSocket-Extensions"
_MOST_BITS: Final = BITS[-1]


class Wish(NamedTuple):
    """What the tester asks of one direction: no context kept between messages; a window of so many bits (None: any)."""

    no_takeover: bool = False
    bits: int | None = None

    def __str__(self) -> str:
        words = [*(["no context kept"] if self.no_takeover else []), *([f"{self.bits} bits"] if self.bits else [])]
        return " and ".join(words) or "nothing"


@dataclass(frozen=True, slots=True)
class Compression:
    """The tester of a case sends compressed messages, and takes them.

    ``asks`` is what it asks of the endpoint; ``fragment`` are the most octets of a compressed message in a frame (None:
    one frame a message). ``own`` is what it asks of its own direction, for frames that are written as they stand;
    None: it compresses the messages of the case itself.
    """

    asks: tuple[Wish, ...] = (Wish(),)
    fragment: int | None = None
    own: Wish | None = None

    @property
    def offer(self) -> str:
        """The value of Sec-WebSocket-Extensions in the tester's request: an offer for each wish, in order."""
        own = self.own or Wish()
        return field_value(
            DeflateParameters(
                server_no_context_takeover=_flag(asked.no_takeover),
                client_no_context_takeover=_flag(own.no_takeover),
                server_max_window_bits=asked.bits or ABSENT,
                client_max_window_bits=own.bits or VALUELESS,
            )
            for asked in self.asks
        )

    @property
    def wanted(self) -> Agreement:
        """What an endpoint agrees to that grants the first wish, and what the tester asks of its own direction."""
        own, asked = self.own or Wish(), self.asks[0]
        return Agreement(own.bits or _MOST_BITS, not own.no_takeover, asked.bits or _MOST_BITS, not asked.no_takeover)

    def answer(self, request: Request) -> str | None:
        """The value of Sec-WebSocket-Extensions in the tester's answer; None where no offer leaves room for it."""
        for offered in offers_of(request.values(FIELD)):
            if not _can_be_taken(offered):
                continue
            for asked in self.asks:
                if asked.bits is None or offered.client_max_window_bits != ABSENT:
                    return field_value([_answer(offered, asked, self.own or Wish())])
        return None

    def __str__(self) -> str:
        if self.own is not None:
            return f"within permessage-deflate, as they stand; {self.wishes}"
        cut = "" if self.fragment is None else f", in frames of at most {self.fragment} octets"
        return f"compressed by permessage-deflate{cut}; {self.wishes}"

    @property
    def wishes(self) -> str:
        """What is asked for, in words."""
        own = "" if self.own is None else f"of the tester: {self.own}; "
        return f"asked {own}of the endpoint: {', or '.join(map(str, self.asks))}"


class Agreement(NamedTuple):
    """What the two ends agreed on, for the messages of the tester and for those of the endpoint."""

    bits: int
    takeover: bool
    endpoint_bits: int
    endpoint_takeover: bool

    def deflater(self) -> Deflater:
        """What compresses the messages of the tester."""
        return Deflater(self.bits, takeover=self.takeover)

    def parameters(self, endpoint: Role) -> DeflateParameters:
        """The parameters of an answer that agrees on this, with an endpoint of this role."""
        mine = _flag(not self.takeover), self.bits
        other = _flag(not self.endpoint_takeover), self.endpoint_bits
        client, server = (mine, other) if endpoint is Role.SERVER else (other, mine)
        return DeflateParameters(server[0], client[0], server[1], client[1])

    @property
    def state(self) -> State:
        """The state of the endpoint right after the opening handshake."""
        return State(
            claims_rsv1=True,
            recv_window=1 << self.bits,
            recv_takeover=self.takeover,
            send_window=1 << self.endpoint_bits,
            send_takeover=self.endpoint_takeover,
        )

    @property
    def compression(self) -> Compression:
        """What a tester asks for who wants this, and whose frames are written as they stand."""
        own = Wish(not self.takeover, _limited(self.bits))
        return Compression((Wish(not self.endpoint_takeover, _limited(self.endpoint_bits)),), own=own)


def agreement(answer: Response, endpoint: Role) -> Agreement | None:
    """What an answer agrees on, with an endpoint of this role; None where permessage-deflate is not in it."""
    found = next(offers_of(answer.values(FIELD)), None)
    if found is None:
        return None
    client = _bits(found.client_max_window_bits), found.client_no_context_takeover == ABSENT
    server = _bits(found.server_max_window_bits), found.server_no_context_takeover == ABSENT
    mine, other = (client, server) if endpoint is Role.SERVER else (server, client)
    return Agreement(*mine, *other)


def response_in(octets: bytes) -> Response | None:
    """The response of HTTP that octets begin with; None where they are none."""
    reader = HeadParser(Role.CLIENT)
    reader.feed(octets)
    found = reader.result
    return found.head if isinstance(found, ParsedHead) and isinstance(found.head, Response) else None


def frames_of(opcode: int, compressed: bytes, fragment: int | None, key: bytes | None) -> Iterator[bytes]:
    """The frames that carry a compressed message, at most ``fragment`` octets of it in each (section 6.1)."""
    size = fragment or len(compressed)
    for at in range(0, len(compressed), size):
        first, last = not at, at + size >= len(compressed)
        yield encode(Frame(opcode if first else CONTINUATION, compressed[at : at + size], last, rsv1=first, key=key))


def alone(opcode: int, payload: bytes, fragment: int | None, key: bytes | None) -> bytes:
    """A message compressed by itself, in the smallest window: so it fits whatever was agreed on."""
    return b"".join(frames_of(opcode, Deflater(BITS[0], takeover=False).deflate(payload, True), fragment, key))


def offers_of(values: Sequence[str]) -> Iterator[DeflateParameters]:
    """The parameters of each permessage-deflate in the values of a field; none where they are no list."""
    for one in parse_extensions(values) or ():
        if one.name == DEFLATE:
            yield read_parameters(one.parameters)


def _can_be_taken(offered: DeflateParameters) -> bool:
    """Whether a server may take an offer (RFC 7692, section 7.1)."""
    flags = offered.server_no_context_takeover, offered.client_no_context_takeover
    return (
        not offered.unknown
        and all(flag in (ABSENT, VALUELESS) for flag in flags)
        and offered.server_max_window_bits in (ABSENT, *BITS)
        and offered.client_max_window_bits in (ABSENT, VALUELESS, *BITS)
    )


def _answer(offered: DeflateParameters, asked: Wish, own: Wish) -> DeflateParameters:
    least, most = offered.server_max_window_bits, offered.client_max_window_bits
    return DeflateParameters(
        server_no_context_takeover=_flag(own.no_takeover) or offered.server_no_context_takeover,
        client_no_context_takeover=_flag(asked.no_takeover),
        server_max_window_bits=least if own.bits is None else min(own.bits, _bits(least)),
        client_max_window_bits=ABSENT if asked.bits is None else min(asked.bits, _bits(most)),
    )


def _flag(given: bool) -> int:
    return VALUELESS if given else ABSENT


def _limited(bits: int) -> int | None:
    return None if bits == _MOST_BITS else bits


def _bits(given: int) -> int:
    return given if given in BITS else _MOST_BITS


def field_value(elements: Iterable[DeflateParameters]) -> str:
    """The value of Sec-WebSocket-Extensions with these offers, or this answer."""
    return extension_list([ExtensionOffer(DEFLATE, write_parameters(one)) for one in elements])
