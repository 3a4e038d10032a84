"""A record says what happened: ends are never left out, a part of a frame is no message, a cut is no fault."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.wsoracle.degenerate_servers import handshake
from tests.wsoracle.harness.test_client import POSITIVE, against
from tests.wsoracle.reports.report_samples import sample
from wsoracle.harness.transcript import LogEntry
from wsoracle.harness.wire_log import MOST_ENTRIES, WireLog
from wsoracle.reports import ReportFolder


def after_opening(octets: bytes) -> Any:
    """A server that sends these octets after the opening handshake, and closes TCP."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        await reader.read(10)
        writer.write(octets)

    return handler


def record(octets: bytes) -> dict[str, Any]:
    (found,) = against(after_opening(octets), cases=POSITIVE[:1]).values()
    return found


def test_the_end_of_tcp_decides_however_much_came_before() -> None:
    ours = record(b"\x8a\x00" * 400)["wsoracle"]
    (decides,) = [step for step in ours["timeline"] if step["deciding"]]
    assert (decides["from"], decides["what"]) in {("sut", "closes TCP"), ("sut", "resets TCP")}
    assert ours["timeline"][-1]["what"].endswith("more, not listed") and not ours["timeline"][-1]["deciding"]


def test_what_decides_is_listed_however_much_came_before() -> None:
    found = record(b"\x8a\x00" * 400 + b"\xc1\x01a" + b"\x8a\x00" * 50)
    ours = found["wsoracle"]
    (decides,) = [step for step in ours["timeline"] if step["deciding"]]
    assert decides["start"] == ours["deciding"]["octet"] and "rsv1" in decides["what"], decides
    assert found["wirelog"][-1] == ["WLM", False]


def test_a_wire_log_says_that_it_is_cut() -> None:
    """Pieces may be more than there is room for where steps are not."""
    log = [LogEntry(0.0, "sent", b"x" * 500, chop=1)]
    assert len(WireLog(log, None, True, 0, None).lines) == MOST_ENTRIES + 1
    assert WireLog(log, None, True, 0, None).lines[-1] == ["WLM", False] != WireLog(log[:0], None, True, 0, None).lines
    exactly = [LogEntry(0.0, "sent", b"x" * MOST_ENTRIES, chop=1)]
    assert ["WLM", False] not in WireLog(exactly, None, True, 0, None).lines
    assert WireLog(log, None, False, 0, None).lines == []


@pytest.mark.parametrize("octets", [b"\x81\x0aabc", b"\x89\x0aabc"], ids=["text", "ping"])
def test_a_part_of_a_frame_is_neither_a_message_nor_a_frame(octets: bytes) -> None:
    found = record(octets)
    assert found["received"] == [] and found["rxFrameStats"] == {}
    assert not [line for line in found["wirelog"] if line[0] == "RF"]
    assert any("not all of them sent" in step["what"] for step in found["wsoracle"]["timeline"])


@pytest.mark.parametrize(("text", "shown"), [("a" + "é" * 60, "aé"), ("é" * 5, "é")])
def test_text_that_is_cut_is_still_text(text: str, shown: str) -> None:
    octets = text.encode()
    found = record(b"\x81" + bytes([len(octets)]) + octets)
    (line,) = [line for line in found["wirelog"] if line[0] == "RF"]
    assert line[1][0] == len(octets) and line[1][1].startswith(shown) and "\ufffd" not in line[1][1]
    assert found["received"] == [["message", line[1][1], False]]
    (line,) = [line for line in record(b"\x81\x02\xc3(")["wirelog"] if line[0] == "RF"]
    assert line[1] == [2, "0xc328"]


@contextmanager
def resumed(path: Path) -> Iterator[ReportFolder]:
    folder = ReportFolder(str(path), resumed=True)
    yield folder
    folder.finish()


def test_a_case_whose_control_is_not_there_is_run_again(tmp_path: Path) -> None:
    """Nobody knows whether it counts; the server of clients and the tester of servers ask the same folder."""
    with resumed(tmp_path) as folder:
        for one in (sample("me", "1.1.1", "OK"), sample("me", "4.2.4", "OK", control="1.1.1"),
                    sample("me", "4.2.3", "OK", control="2.1")):  # fmt: skip
            folder.add(one)
    with resumed(tmp_path) as folder:
        assert set(folder.earlier("me")) == {"1.1.1", "4.2.4"}
