"""The formats that can be judged, each recognised by what a file holds: octets go in, traces come out.

A new format is a module beside this one, and a row of `CAPTURES`, or of `DOCUMENTS` where it is an object of JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role

from ..judge.judge import Application
from .arrows import is_written, read_written
from .autobahn import is_autobahn_report, lists_results, trace_of_report
from .captured import IN_TLS, Captured, captured, many
from .follow import is_followed, read_followed
from .har import is_har, read_har
from .mitmproxy import is_mitmproxy, read_flows
from .net_log import is_net_log, read_net_log
from .pcap import is_pcap, packets_of_pcap
from .pcapng import is_pcapng, packets_of_pcapng
from .recorded import FORMAT, ListsResults, Recorded, TraceError, parsed, trace_from_json


class InFile(NamedTuple):
    """A trace of a file: its connection (empty where a file is of one), and what was not shown of it."""

    connection: str
    recorded: Recorded
    notes: tuple[str, ...] = ()

    def as_stated(self, application: Application | None, limit: int | None, extensions: str | None) -> InFile:
        """The trace with what the user says in place of the file; None leaves it to the file. TraceError where the
        file says otherwise with certainty."""
        recorded = self.recorded
        setting = recorded.setting
        if application is not None:
            setting = replace(setting, echo=application == "echo")
        if limit is not None:
            setting = replace(setting, limit=limit)
        if extensions is not None:
            if recorded.opening:
                raise TraceError("it has the opening handshake, which says what is agreed on: leave out --extensions")
            recorded = replace(recorded, extensions=extensions)
        recorded = replace(recorded, setting=setting, application=application or recorded.application)
        return self._replace(recorded=recorded)


class FileRead(NamedTuple):
    """What was read of a file: its format in words, its traces, and sentences on what is in none of them."""

    format: str
    traces: tuple[InFile, ...]
    notes: tuple[str, ...] = ()


class CaptureFormat(NamedTuple):
    """A format of captures: what it is called, how a file is recognised, and what a file holds."""

    words: str
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes], Captured]


def _pcap(octets: bytes) -> Captured:
    notes: list[str] = []
    return captured(packets_of_pcap(octets, notes), notes)


def _pcapng(octets: bytes) -> Captured:
    notes: list[str] = []
    return captured(packets_of_pcapng(octets, notes), notes)


CAPTURES: Final = (
    CaptureFormat("a capture of packets (pcap)", is_pcap, _pcap),
    CaptureFormat("a capture of packets (pcapng)", is_pcapng, _pcapng),
    CaptureFormat("a net log of Chromium", is_net_log, read_net_log),
    CaptureFormat("flows of mitmproxy", is_mitmproxy, read_flows),
    CaptureFormat("a TCP stream, or packets, as text", is_followed, read_followed),
    CaptureFormat("a conversation, line by line", is_written, read_written),
)


class DocumentFormat(NamedTuple):
    """A format of captures in JSON."""

    words: str
    recognises: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], Captured]


DOCUMENTS: Final = (DocumentFormat("a HAR", is_har, read_har),)


_COMPRESSED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"BZh", b"\xfd7zXZ", b"PK\x03\x04")
"""How files of gzip, zstd, lz4, bzip2, xz and zip begin; Wireshark writes the first three."""


def is_capture(octets: bytes) -> bool:
    """Whether a file begins as a capture in a format of its own, or as one that is compressed; text is none."""
    others = (one for one in CAPTURES if one.recognises not in (is_followed, is_written))
    return octets.startswith(_COMPRESSED) or any(one.recognises(octets) for one in others)


def read_file(
    octets: bytes, application: Application | None = None, limit: int | None = None, inside_tls: Captured | None = None
) -> FileRead:
    """The traces in a file. TraceError, with a sentence, where it is in no format that is read, or holds nothing.

    `application` and `limit` are what the user says of the endpoint; `inside_tls` is what is known of a capture's
    connections with TLS.
    """
    if octets.startswith(_COMPRESSED):
        raise TraceError("it is compressed: unpack it first, as with gunzip or zstd -d")
    for capture in CAPTURES:
        if capture.recognises(octets):
            return _both_ends(capture.words, _with_inside(capture.read(octets), inside_tls))
    document = parsed(octets)
    for form in DOCUMENTS:
        if form.recognises(document):
            return _both_ends(form.words, form.read(document))
    if document.get("format") != FORMAT and is_autobahn_report(document):
        report = trace_of_report(document, application, limit)
        return FileRead("a report of Autobahn", (InFile("", report),))
    if lists_results(document):
        raise ListsResults("it lists the results of a run, and has no trace")
    return FileRead("a trace", (InFile("", trace_from_json(document)),))


def _with_inside(found: Captured, inside: Captured | None) -> Captured:
    if inside is None:
        return found
    notes = [note for note in found.notes if IN_TLS not in note]
    unseen = found.in_tls - inside.in_tls
    if unseen > 0:
        notes.append(f"{many(unseen, 'TCP connection')} with TLS whose beginning cannot be read: not judged")
    return Captured((*found.connections, *inside.connections), (*notes, *inside.notes))


def _both_ends(words: str, found: Captured) -> FileRead:
    if not found.connections:
        why = "; ".join(found.notes) or "no TCP connection is in it"
        raise TraceError(f"it is {words}, and no WebSocket connection is in it that can be judged: {why}")
    traces = [
        InFile(one.name, one.seen_from(role), one.notes)
        for one in found.connections
        for role in (Role.CLIENT, Role.SERVER)
    ]
    return FileRead(words, tuple(traces), found.notes)
