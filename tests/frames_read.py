"""Frames read back from octets that a writer of frames has made."""

from __future__ import annotations

from wsoracle.model.octets.frames import Header, decode_header, header_of
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import Frame


def frames_read(octets: bytes) -> list[Frame]:
    """All frames in the octets, which must end with a whole one. See :func:`normal` for their form."""
    found: list[Frame] = []
    at = 0
    while at < len(octets):
        read = decode_header(octets, at)
        assert read is not None, "the octets end inside a header"
        header, begin = read
        at = begin + header.length
        assert at <= len(octets), "the octets end inside a payload"
        found.append(_frame_of(header, octets[begin:at] if header.key is None else mask(octets[begin:at], header.key)))
    return found


def normal(frame: Frame) -> Frame:
    """The same frame as it is read back: a form that is the minimal one is not named (None)."""
    return _frame_of(header_of(frame), frame.payload)


def _frame_of(header: Header, payload: bytes) -> Frame:
    form = None if header.minimal else header.form
    return Frame(header.opcode, payload, header.fin, header.rsv1, header.rsv2, header.rsv3, header.key, form)
