"""What is inside TLS, for ``wsoracle judge --keylog``: tshark follows each connection with the log of its keys.

A capture of packets and the log go in; the WebSocket connections inside TLS come out, and sentences on the others.
tshark shows octets in their order, but neither how TCP ended nor where octets are missing. So a connection of which it
saw that segments are missing, or that a packet was captured in part, is not judged.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from wsoracle.properties.traces.captured import Captured, many
from wsoracle.properties.traces.follow import read_followed
from wsoracle.properties.traces.pcap import is_pcap
from wsoracle.properties.traces.pcapng import is_pcapng
from wsoracle.properties.traces.recorded import TraceError

from .text.output import one_line

PROGRAM: Final = "tshark"
MOST_STREAMS: Final = 200
"""Connections with TLS that are followed: tshark lists each of them in memory."""

SECONDS: Final = 300.0
"""How long tshark may take for one file."""

_HELLO: Final = "tls.handshake.type == 1"
_HOLE: Final = "tcp.analysis.lost_segment or frame.cap_len < frame.len"
_ENDS: Final = (("ip.src", "ipv6.src", "tcp.srcport"), ("ip.dst", "ipv6.dst", "tcp.dstport"))
_PREFERENCES: Final = ("tcp.reassemble_out_of_order", "tcp.try_heuristic_first")
"""Segments may come in any order, and TLS on any port, such as one of HTTP."""

_CUT_SHORT: Final = "cut short in the middle of a packet"
"""What tshark says of a capture whose end is missing, with a status that is not 0."""

_TLS: Final = "connection with TLS"
_FOLLOWED: Final = re.compile(r"^Follow: tls,raw\nFilter: tcp\.stream eq ([0-9]+)\n[^=]*", re.MULTILINE)


def inside_tls(octets: bytes, keylog: Path) -> Captured:
    """The connections inside TLS of a capture.

    TraceError, with a sentence, where tshark is missing or cannot read it.
    """
    if not (is_pcap(octets) or is_pcapng(octets)):
        raise TraceError("--keylog is for captures of packets (pcap, pcapng), and it is none")
    program = shutil.which(PROGRAM)
    if program is None:
        raise TraceError(f"--keylog needs {PROGRAM}, which is not installed: it comes with Wireshark, or as a package")
    with tempfile.TemporaryDirectory() as folder:
        tshark = _Tshark(program, octets, keylog.absolute(), folder)
        names = tshark.names()
        holes = tshark.streams(_HOLE) & names.keys()
        whole = [number for number in names if number not in holes]
        followed = tshark.followed(whole[:MOST_STREAMS])
    found = [
        replace(one, name=names[number])
        for number, text in followed.items()
        for one in read_followed(text.encode()).connections
    ]
    left = max(len(whole) - MOST_STREAMS, 0)
    return Captured(tuple(found), tuple(_notes(len(holes), len(whole) - left - len(found), left)), len(names))


def _notes(holes: int, silent: int, left: int) -> Iterator[str]:
    """Sentences on the connections with TLS that are not judged."""
    if holes:
        yield f"{many(holes, _TLS)} of which the capture lacks segments: not judged"
    if silent:
        yield f"{many(silent, _TLS)} without an opening handshake that the log of keys shows: not judged"
    if left:
        yield f"{many(left, _TLS)} behind the first {MOST_STREAMS}: not judged"


class _Tshark:
    """Runs of tshark over one capture. ``folder`` is empty, and stands for the folder of the user's preferences."""

    def __init__(self, program: str, octets: bytes, keylog: Path, folder: str) -> None:
        self._capture: Final = octets
        preferences = (f"tls.keylog_file:{keylog}", *(f"{one}:TRUE" for one in _PREFERENCES))
        self._command: Final = [program, "-n", "-r", "-", *(part for one in preferences for part in ("-o", one))]
        self._environment: Final = {**os.environ, "WIRESHARK_CONFIG_DIR": folder}

    def names(self) -> dict[int, str]:
        """The connections that begin with TLS, by their numbers: who opened which, and to whom."""
        found: dict[int, str] = {}
        for number, *fields in self._rows(_HELLO, [field for end in _ENDS for field in end]):
            client, server = (_end(*fields[at : at + 3]) for at in (0, 3))
            found.setdefault(int(number), f"{client} -> {server}, inside TLS")
        return found

    def streams(self, condition: str) -> set[int]:
        """The connections of which a packet meets a condition."""
        return {int(row[0]) for row in self._rows(condition, [])}

    def followed(self, numbers: Sequence[int]) -> dict[int, str]:
        """What passed inside TLS on these connections, as text, by their numbers."""
        if not numbers:
            return {}
        text = self._run(["-q", *(part for number in numbers for part in ("-z", f"follow,tls,raw,{number}"))])
        found = {int(one[1]): one[0] for one in _FOLLOWED.finditer(text)}
        return {number: found[number] for number in numbers if number in found}

    def _rows(self, condition: str, fields: Sequence[str]) -> Iterator[list[str]]:
        """The number of the connection, and these fields, of each packet that meets a condition."""
        shown = [part for field in ("tcp.stream", *fields) for part in ("-e", field)]
        for line in self._run(["-Y", condition, "-T", "fields", "-E", "occurrence=f", *shown]).splitlines():
            row = line.split("\t")
            if row[0].isdecimal() and len(row) == 1 + len(fields):
                yield row

    def _run(self, arguments: Sequence[str]) -> str:
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                input=self._capture, capture_output=True, timeout=SECONDS, env=self._environment,
            )  # fmt: skip
        except OSError as error:
            raise TraceError(f"{PROGRAM} cannot be started: {error.strerror or error}") from error
        except subprocess.TimeoutExpired:
            raise TraceError(f"{PROGRAM} takes longer than {SECONDS:.0f} s: give a part of the capture") from None
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        # A tshark that failed may have shown a part. Of a file that is cut short it shows all that is there.
        if done.returncode and _CUT_SHORT not in said:
            raise TraceError(f"{PROGRAM} cannot read it: {one_line(said, 200) or f'status {done.returncode}'}")
        return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")


def _end(four: str, six: str, port: str) -> str:
    return f"{four}:{port}" if four else f"[{six}]:{port}"
