"""An exchange that is printed as it happens: the same lines however the octets come, and nothing that is not text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import sample
from wsoracle.generators.cases.case import Case
from wsoracle.harness.live import MOST_LINES, LiveLog, why
from wsoracle.harness.transcript import LogEntry
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, PING, TEXT, Frame
from wsoracle.reports.summary import summary_of

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\nServer: s\x1b[31m\r\n\r\n"
CASE = Case("1.1.1", "A title")
FRAMES = st.lists(st.builds(Frame, st.sampled_from([TEXT, PING]), st.binary(max_size=9)), max_size=4)


def lines_of(*entries: LogEntry) -> list[str]:
    said: list[str] = []
    log = LiveLog(said.append, CASE)
    for entry in entries:
        log.append(entry)
    assert list(log) == list(entries)
    assert said[0] == "1.1.1: A title"
    return [line[15:] for line in said[1:]]


def test_heads_are_http_and_frames_are_words_and_hex() -> None:
    assert lines_of(
        LogEntry(0, "sent", REQUEST),
        LogEntry(0, "received", RESPONSE + encode(Frame(TEXT, b"hi"))),
        LogEntry(0, "sent", encode(Frame(CLOSE, b"\x03\xe8", key=b"wxyz"))),
        LogEntry(0, "received", b"\x88"),
        LogEntry(0, "silence", words="2 s of silence"),
        LogEntry(0, "closed by peer"),
    ) == [
        "> GET / HTTP/1.1", "> Host: h",
        "< HTTP/1.1 101 Switching Protocols", "< Server: s\\x1b[31m", "< text fin: 'hi' | 81 02 68 69",
        "> close fin masked: 1000 | 88 82 77 78 79 7a 74 90",
        "< not whole: 88", "  2 s of silence", "  closed by peer",
    ]  # fmt: skip


def test_the_body_of_a_refusal_is_text() -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nServer: s\r\n\r\nno \x1b such page\n"
    said = lines_of(LogEntry(0, "sent", REQUEST), LogEntry(0, "received", refusal), LogEntry(0, "closed by peer"))
    assert said[-2:] == ["< body: 'no \\x1b such page\\n'", "  closed by peer"]
    cut = lines_of(LogEntry(0, "received", refusal[:30]), LogEntry(0, "closed by peer"))
    assert cut[0].startswith("< not whole: 48 54")


@given(FRAMES, st.data())
def test_how_the_octets_come_is_no_matter(frames: list[Frame], data: st.DataObject) -> None:
    octets = RESPONSE + b"".join(map(encode, frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=4)))
    pieces = [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    asked = LogEntry(0, "sent", REQUEST)
    whole = lines_of(asked, LogEntry(0, "received", octets))
    assert lines_of(asked, *(LogEntry(0, "received", piece) for piece in pieces)) == whole
    assert len(whole) == 4 + len(frames)


def test_thousands_of_frames_are_not_printed() -> None:
    many = encode(Frame(TEXT, b"")) * 5000
    assert len(lines_of(LogEntry(0, "sent", REQUEST), LogEntry(0, "received", RESPONSE + many))) == MOST_LINES + 1


def test_the_verdict_comes_with_its_reasons() -> None:
    said = list(why(summary_of(sample())))
    assert said[0].startswith("  FAILED: a MUST")
    assert said[1] == (
        "    goes on (sends a Pong) after a frame of a reserved opcode, "
        "where it must fail the connection with 1002 (5.2/unknown-opcode)"
    )
    assert "    would have been allowed: Close 1002" in said
    assert next(iter(why(summary_of(sample(verdict="OK"))))) == "  OK: everything that was observed is allowed in full"
