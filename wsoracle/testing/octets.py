"""Frames and heads of the opening handshake as octets, and back."""

from __future__ import annotations

from typing import Literal

from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Request, Response
from wsoracle.model.octets.units import FrameUnit, frames_in
from wsoracle.model.octets.vocabulary import Frame, Role


def encode_frame(frame: Frame) -> bytes:
    """The octets of a frame, legal or not (section 5.2). ValueError where its length does not fit its `form`."""
    return encode(frame)


def decode_frames(octets: bytes) -> tuple[tuple[FrameUnit, ...], bytes]:
    """The whole frames at the beginning of a stream, with ``header`` and unmasked ``payload``; and what is left."""
    units, rest = frames_in(bytes(octets))
    return units, bytes(octets[rest:])


def encode_head(head: Request | Response) -> bytes:
    """The octets of a head, with its empty line, as its fields stand: nothing is added or put right."""
    return head.octets()


def decode_head(octets: bytes, reader: Role | Literal["server", "client"]) -> ParsedHead | Malformed | None:
    """The head that a reader in this role finds: a server reads a request, a client a response.

    :class:`Malformed` says why octets are no head; a head that is taken all the same says in ``tolerated`` what is
    wrong with it; ``rest`` are the octets behind it. None where the head is not whole. ValueError for another role.
    """
    parser = HeadParser(Role(reader))
    parser.feed(bytes(octets))
    return parser.result
