"""What Wireshark and tshark show of a connection with "Follow TCP Stream", and packets in rows: text that is a capture.

Read are the hex dump, whose rows of the second end are indented; raw octets in hex, a line a segment (``tshark -z
follow,tcp,raw``); YAML; and arrays of C. The order is that of the text. How TCP ended is not shown, nor are times
(those of YAML are read). Rows of whole packets, as of ``tcpdump -X`` and ``tshark -x``, are packets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from .captured import Captured, captured
from .conversation import CapturedConnection, from_opening
from .packets import Packet
from .pasted import is_derived, link_of, without_comments
from .recorded import TraceError
from .rows import Block, RowError, blocks_of, is_rows
from .tcp import Passed

_HEADER: Final = re.compile(r"^Follow: (?:tcp|tls|http|websocket),", re.MULTILINE)
_NODES: Final = re.compile(r"^Node [01]: (.*)$", re.MULTILINE)
_YAML: Final = re.compile(r"^peers:\n(?:.*\n)*?packets:$", re.MULTILINE)
_YAML_PACKET: Final = re.compile(
    r"^  - packet: [0-9]+\n    peer: ([01])\n(?:    index: [0-9]+\n)?(?:    timestamp: ([0-9]{1,12}\.[0-9]+)\n)?"
    r"    data: !!binary \|\n((?:      .*(?:\n|\Z))*)",
    re.MULTILINE,
)
_ARRAY: Final = re.compile(r"char peer([01])_[0-9]+\[\] = \{([^{}]*)\}")
_MISSING: Final = re.compile(rb"\[[0-9]+ bytes missing in capture file\]\x00?")
_PEERS: Final = re.compile(r"    host: (\S+)\n    port: ([0-9]+)")

_UNSEEN: Final = "how TCP ended is not shown, and is not judged"
_UNTIMED: Final = "times are not shown"


def is_followed(octets: bytes) -> bool:
    """Whether a file is text of one of these forms."""
    text = _text(octets[:_LOOKED_AT])
    if text is None or text.lstrip().startswith("{"):
        return False
    return bool(_HEADER.search(text) or _YAML.match(text) or _ARRAY.search(text) or is_rows(text))


_LOOKED_AT: Final = 1 << 16


def _text(octets: bytes) -> str | None:
    if b"\0" in octets:
        return None
    return octets.decode("utf-8", "replace").replace("\r\n", "\n")


def read_followed(octets: bytes) -> Captured:
    """The connection of a text that `is_followed`, or those of its packets. TraceError where it cannot be read."""
    text = _text(octets)
    if text is None:
        raise TraceError("it begins as a text, and has octets that are none")
    if _YAML.match(text):
        return _connection(list(_of_yaml(text)), " -> ".join(f"{host}:{port}" for host, port in _PEERS.findall(text)))
    name = " -> ".join(_NODES.findall(text))
    if _ARRAY.search(text):
        return _connection(list(_of_arrays(text)), name)
    if is_rows(text):
        try:
            blocks = [block for block in blocks_of(text) if not is_derived(block)]
        except RowError as error:
            raise TraceError(f"{error}") from None
        links = [link_of(block.octets) for block in blocks]
        if any(link is not None for link in links):
            pairs = zip(links, blocks, strict=True)
            return captured([Packet(0.0, link, block.octets) for link, block in pairs if link is not None], timed=False)
        return _connection(list(_of_rows(blocks)), name)
    return _connection(list(_of_raw(text)), name)


def _of_rows(blocks: list[Block]) -> Iterator[Passed]:
    for before, block in pairwise(blocks):
        if block.starts and block.indent == before.indent:
            raise TraceError(f"line {block.line}: the offsets begin anew: give the rows of one connection")
    for block in blocks:
        yield Passed(not block.indent, block.octets, 0.0)


def _of_raw(text: str) -> Iterator[Passed]:
    for number, line in enumerate(text.split("\n"), 1):
        digits = line.strip()
        if not digits or digits.startswith("===") or re.match(r"(Follow|Filter|Node [01]): ", digits):
            continue
        try:
            yield Passed(not line.startswith((" ", "\t")), bytes.fromhex(digits), 0.0)
        except ValueError:
            raise TraceError(
                f"line {number}: it is not raw octets in hex: follow the stream as raw, hex, YAML or arrays of C"
            ) from None


def _of_yaml(text: str) -> Iterator[Passed]:
    latest = 0.0
    for peer, time, data in _YAML_PACKET.findall(text):
        latest = max(float(time or 0), latest)
        try:
            yield Passed(peer == "0", base64.b64decode("".join(data.split()), validate=True), latest)
        except ValueError:
            raise TraceError("a packet of the YAML has data that are not base64") from None


def _of_arrays(text: str) -> Iterator[Passed]:
    for peer, inside in _ARRAY.findall(text):
        words = [word for word in re.split(r"[\s,]+", without_comments(inside)) if word]
        if not all(re.fullmatch(r"0x[0-9a-fA-F]{2}", word) for word in words):
            raise TraceError("an array of C holds something else than octets such as 0x81")
        yield Passed(peer == "0", bytes.fromhex("".join(word[2:] for word in words)), 0.0)


def _connection(passed: list[Passed], name: str) -> Captured:
    """The connection that a followed stream shows; up to where octets were missing, in whose place a text stands."""
    notes = [_UNSEEN]
    for index, one in enumerate(passed):
        assert isinstance(one.what, bytes)
        missing = _MISSING.search(one.what)
        if missing is not None:
            passed = [*passed[:index], one._replace(what=one.what[: missing.start()])]
            notes.append("segments are missing from the capture: judged up to there")
            break
    timed = any(one.time for one in passed)
    kept = from_opening([one for one in passed if one.what], begins=False)
    if kept is None:
        return Captured((), ("the stream does not begin with an opening handshake",))
    if not timed:
        notes.append(_UNTIMED)
    return Captured((CapturedConnection(name or "the stream", kept, tuple(notes), timed=timed),), ())
