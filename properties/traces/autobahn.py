"""The JSON report that Autobahn writes of a case, read as a trace (docs/traces.md).

Theory of operation. Its wire log has the octets of every write (``TO``) and read (``RO``) in their order, of more than
60 octets only the first 64, and beside them the frames (``TF``, ``RF``), whose payloads are cut likewise. So the octets
of each direction are put together from what the log shows in full: the opening handshake from the text of request and
response, frames from rows. Octets that are cut everywhere are left out only where no rule needs them: in a binary
message whose echo is not checked. Any other report that lacks octets is refused, with the reason: none are made up.

``isServer`` is the role of the suite, so that the endpoint has the other one. The log does not show how TCP ended; that
is told by ``droppedByMe`` and the time-outs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import Header, decode_header, encode_header
from wsoracle.model.octets.http import HEAD_LIMIT, HeadParser, ParsedHead
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, MAX_OPCODE, Role

from ..judge.judge import Application
from ..judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Writes
from .recorded import Recorded, TraceError

_KEPT: Final = 64
"""Octets that the log shows of what it cuts."""

_MORE: Final = " ..."
_KEYS: Final = ("isServer", "wirelog", "httpRequest", "httpResponse", "droppedByMe")
_SET: Final = {"KL": "KLE", "CT": "CTE", "TI": "TIE"}
PASSED_ON: Final = "connections"
"""The group of the records of `wsoracle proxy`: of connections between others, whose applications are not known."""

_LISTS: Final = ("wsoracle-run", "wsoracle-connections")
"""The formats of files that list what is in a folder of reports."""

_TIMEOUTS: Final = ("wasServerConnectionDropTimeout", "wasOpenHandshakeTimeout", "wasCloseHandshakeTimeout")


def is_autobahn_report(document: Mapping[str, Any]) -> bool:
    """Whether a document looks like the report of a case."""
    return all(key in document for key in _KEYS)


def lists_results(document: Mapping[str, Any]) -> bool:
    """Whether a document lists the results of a run, as Autobahn's index.json does, or as those of wsoracle do."""
    agents = document.values()
    return document.get("format") in _LISTS or (
        bool(agents)
        and all(isinstance(cases, Mapping) and cases for cases in agents)
        and all(isinstance(one, Mapping) and "reportfile" in one for cases in agents for one in cases.values())
    )


def _assumed_application(document: Mapping[str, Any]) -> Application:
    """An echo, as all cases are played with one; unknown where the proxy made the record."""
    ours = document.get("wsoracle")
    return "unknown" if isinstance(ours, Mapping) and ours.get("group") == [PASSED_ON] else "echo"


def trace_of_report(
    document: Mapping[str, Any], application: Application | None = None, limit: int | None = None
) -> Recorded:
    """The trace that a report shows of the endpoint under test, with an application of this kind; None: an echo,
    or unknown where the proxy made the record.

    TraceError where it is no report, or where what it shows is not enough to judge by.
    """
    suite_is_server, rows = document.get("isServer"), document.get("wirelog")
    if not isinstance(suite_is_server, bool):
        raise TraceError("isServer: it is neither true nor false")
    if not isinstance(rows, list) or not all(isinstance(row, list) and row and isinstance(row[0], str) for row in rows):
        raise TraceError("wirelog: it is no list of rows")
    if not rows or document.get("createWirelog") is False:
        raise TraceError("the report has no wire log, so that what crossed the wire is not known")
    if any(row[0] == "WLM" and row[-1] is False for row in rows):
        raise TraceError("the wire log stops before the end, so that what came after is not known")
    application = application or _assumed_application(document)
    role = Role.CLIENT if suite_is_server else Role.SERVER
    heads = [_head(document, name) for name in ("httpRequest", "httpResponse")]
    sent_first, received_first = heads[::-1] if suite_is_server else heads
    sent = _Direction("sent", "TO", rows, sent_first, Role.CLIENT if suite_is_server else Role.SERVER, application)
    received = _Direction(
        "received", "RO", rows, received_first, Role.SERVER if suite_is_server else Role.CLIENT, application
    )
    trace = tuple(_observations(document, rows, sent.octets(), received.octets()))
    return Recorded(trace, Setting(role, limit, application == "echo"), application)


def _head(document: Mapping[str, Any], name: str) -> bytes:
    text = document.get(name)
    if not isinstance(text, str):
        raise TraceError(f"{name}: it is no text")
    try:
        return b"" if text == "?" else text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _observations(
    document: Mapping[str, Any], rows: list[list[Any]], sent: bytes, received: bytes
) -> Iterator[Observation]:
    """The rows in their order: octets, and silence where a timer of the suite ran out in which nothing came."""
    at = {"TO": 0, "RO": 0}
    silent: dict[str, bool] = {}
    for row in rows:
        kind = row[0]
        if kind in at:
            first, at[kind] = at[kind], at[kind] + _Chunk.of(row).length
            octets = (sent if kind == "TO" else received)[first : at[kind]]
            if kind == "TO":
                yield Arrives(octets)
            else:
                silent.clear()
                yield Writes(octets)
        elif kind in _SET:
            silent[_SET[kind]] = True
        elif silent.pop(kind, False):
            yield Quiet()
    facts = {"droppedByMe": document.get("droppedByMe"), **{name: document.get(name, False) for name in _TIMEOUTS}}
    for name, fact in facts.items():
        if not isinstance(fact, bool):
            raise TraceError(f"{name}: it is neither true nor false")
    if any(facts[name] for name in _TIMEOUTS):
        yield Quiet()
    yield ArrivesEof() if facts["droppedByMe"] else ClosesTcp()


class _Chunk(NamedTuple):
    """A write or a read: how many octets, and those that the log shows."""

    length: int
    shown: bytes

    @classmethod
    def of(cls, row: list[Any]) -> _Chunk:
        """The octets of a row; TraceError where it has none."""
        try:
            length, text = row[1]
            cut = text.endswith(_MORE)
            shown = bytes.fromhex(text.removesuffix(_MORE))
        except (IndexError, TypeError, ValueError, AttributeError):
            raise TraceError(f"wirelog: a row {row[0]} has no length and octets in hex") from None
        if isinstance(length, bool) or not isinstance(length, int) or not len(shown) <= length <= _MOST:
            raise TraceError(f"wirelog: the length of a row {row[0]} does not fit its octets")
        if len(shown) != (min(length, _KEPT) if cut else length):
            raise TraceError(f"wirelog: a row {row[0]} shows {len(shown)} of {length} octets")
        return cls(length, shown)


_MOST: Final = 1 << 26
"""Octets of one direction that are read; the largest case of the suite has 2**24."""


class _Frame(NamedTuple):
    """A row of a frame: its header, and its payload where that is not cut."""

    header: Header
    payload: bytes | None


class _Direction:
    """The octets that went one way."""

    def __init__(
        self, way: str, rows_of: str, rows: list[list[Any]], head: bytes, reader: Role, application: Application
    ) -> None:
        self._way: Final = way
        self._reader: Final = reader
        self._application: Final = application
        self._chunks: Final = [_Chunk.of(row) for row in rows if row[0] == rows_of]
        self._size: Final = sum(chunk.length for chunk in self._chunks)
        if self._size > _MOST:
            raise TraceError(f"wirelog: more than {_MOST} octets were {way}")
        name = "TF" if rows_of == "TO" else "RF"
        self._frames: Final = [_frame(row) for row in rows if row[0] == name]
        self._head: Final = head

    def octets(self) -> bytes:
        """All octets. TraceError where some that matter are not known."""
        if not any(len(chunk.shown) < chunk.length for chunk in self._chunks):
            return b"".join(chunk.shown for chunk in self._chunks)
        octets, known = bytearray(self._size), bytearray(self._size)
        at = 0
        for chunk in self._chunks:
            octets[at : at + len(chunk.shown)] = chunk.shown
            known[at : at + len(chunk.shown)] = b"\1" * len(chunk.shown)
            at += chunk.length
        at = self._put_head(octets, known)
        opcode = CONTINUATION
        for number, frame in enumerate(self._frames):
            if at >= self._size:
                break
            at, opcode = self._put_frame(octets, known, at, frame, number, opcode)
        if not all(known[at:]):
            raise self._unknown(f"octets {at + known[at:].index(0)} on that were {self._way} are in no row of a frame")
        return bytes(octets)

    def _unknown(self, what: str) -> TraceError:
        return TraceError(f"the wire log is cut, so that it cannot be judged: {what}")

    def _put_head(self, octets: bytearray, known: bytearray) -> int:
        """Write the head of HTTP where the octets begin; where it ends."""
        reader = HeadParser(self._reader, max(HEAD_LIMIT, len(self._head) + 1))
        reader.feed(self._head)
        head = self._head
        if isinstance(reader.result, ParsedHead):
            head = reader.result.octets
        end = len(head)
        if not head or end > self._size:
            raise self._unknown(f"the head of HTTP that was {self._way} is not there in full")
        _put(octets, known, 0, head, self._unknown(f"the head of HTTP that was {self._way} is not the one in the log"))
        return end

    def _put_frame(
        self, octets: bytearray, known: bytearray, at: int, frame: _Frame, number: int, message: int
    ) -> tuple[int, int]:
        """Write a frame where it begins; where it ends, and the opcode of the message that goes on then."""
        differs = self._unknown(f"frame {number + 1} that was {self._way} is not where it should be")
        decoded = decode_header(octets, at)
        if decoded is None or not all(known[at : decoded[1]]):
            h = frame.header
            row = encode_header(h.opcode, h.length, fin=h.fin, rsv1=h.rsv1, rsv2=h.rsv2, rsv3=h.rsv3, key=h.key)
            _put(octets, known, at, row, differs)
            decoded = decode_header(octets, at)
            if decoded is None:
                raise differs
        header, body = decoded
        if header._replace(form=0) != frame.header._replace(form=0):
            raise differs
        end = body + header.length
        after = (header.opcode or message) if header.opcode <= BINARY and not header.fin else CONTINUATION
        if header.opcode > BINARY:
            after = message
        if end > self._size:
            if not all(known[body:]):
                raise self._unknown(f"the last frame that was {self._way} is not whole, and cut")
            return self._size, after
        if not all(known[body:end]):
            if frame.payload is not None:
                payload = frame.payload if header.key is None else mask(frame.payload, header.key)
                _put(octets, known, body, payload, differs)
            elif self._application == "echo" or (header.opcode or message) != BINARY:
                raise self._unknown(f"{header.length} octets of payload in frame {number + 1} that was {self._way}")
            known[body:end] = b"\1" * header.length
        return end, after


def _put(octets: bytearray, known: bytearray, at: int, part: bytes, differs: TraceError) -> None:
    """Write octets where they belong; `differs` is raised where others are known to be there."""
    end = at + len(part)
    if end > len(octets) or any(k and o != p for k, o, p in zip(known[at:end], octets[at:end], part, strict=True)):
        raise differs
    octets[at:end] = part
    known[at:end] = b"\1" * len(part)


def _frame(row: list[Any]) -> _Frame:
    """The frame of a row ``RF`` or ``TF``; TraceError where the row holds no frame."""
    try:
        (length, text), opcode, fin, rsv = row[1], row[2], row[3], row[4]
        key = row[6] if row[0] == "RF" else row[5]
        repeated = row[0] == "TF" and row[6] is not None
        length = row[6] if repeated else length
        key = None if key is None else bytes.fromhex(key)
        most = ((opcode, MAX_OPCODE), (rsv, _MOST_RSV), (length, (1 << 63) - 1))
        if not isinstance(fin, bool) or not all(type(number) is int and 0 <= number <= last for number, last in most):
            raise ValueError
        header = Header(opcode, fin, bool(rsv & 4), bool(rsv & 2), bool(rsv & 1), key is not None, 0, length, key)
        encode_header(opcode, length, key=key)
        return _Frame(header, None if repeated else _payload(text, length))
    except (IndexError, TypeError, ValueError, AttributeError):
        raise TraceError(f"wirelog: a row {row[0]} is not that of a frame") from None


_MOST_RSV: Final = 7


def _payload(text: str, length: int) -> bytes | None:
    """The payload of a frame whose row has this text; None where it is cut or may be two things."""
    if text.endswith(_MORE) and length > len(text) - len(_MORE):
        return None
    whole = text.removesuffix(_MORE) if len(text) > _KEPT else text
    found = {whole.encode("utf-8", "surrogatepass")}
    if whole.startswith("0x"):
        with suppress(ValueError):
            found.add(bytes.fromhex(whole[2:]))
    fitting = [payload for payload in found if len(payload) == length]
    return fitting[0] if len(fitting) == 1 else None
