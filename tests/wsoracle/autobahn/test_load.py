"""Mode massconnect: its specification file, and what it says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.autobahn.load import MOST, default_text, load, read_load
from wsoracle.autobahn.specification import SpecFileError
from wsoracle.testees.many import Batches
from wsoracle.testees.tcp import echo_server

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, MOST + 2) | st.floats() | st.sampled_from(["", "ws://[::1]:9", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["options", "servers", "connections", "batchsize", "batchdelay", "retrydelay", "uri", "name"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


def read(folder: Path, text: str, wsuri: str | None = None) -> tuple[Batches, tuple[tuple[str, str], ...]]:
    file = folder / "massconnect.json"
    file.write_text(text)
    return read_load(file, wsuri)


def test_a_file_of_the_other_suite_is_taken(tmp_path: Path) -> None:
    document = {
        "options": {"connections": 300, "batchsize": 20, "batchdelay": 1000, "retrydelay": 200},
        "servers": [{"name": "mine", "uri": "ws://127.0.0.1:9000", "desc": "one"}, {"uri": "ws://localhost:7"}],
    }
    batches, servers = read(tmp_path, json.dumps(document))
    assert batches == Batches(300, 20, 1.0, 0.2)
    assert servers == (("mine", "ws://127.0.0.1:9000/"), ("localhost:7", "ws://localhost:7/"))
    assert read(tmp_path, json.dumps(document), "ws://127.0.0.1:1")[1] == (("127.0.0.1:1", "ws://127.0.0.1:1/"),)


def test_a_new_file_asks_for_a_server_on_this_machine(tmp_path: Path) -> None:
    batches, servers = read(tmp_path, default_text())
    assert batches == Batches(10_000, 100, 0.01, 0.01)
    assert [url for _, url in servers] == ["ws://127.0.0.1:9000/"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "the specification: an object is needed"),
        ({}, "there are no servers"),
        ({"servers": [1]}, r"servers\[0\]: an object is needed"),
        ({"servers": [{"uri": "http://x"}]}, r"servers\[0\].uri"),
        ({"servers": [{}]}, r"servers\[0\].uri"),
        ({"options": {"connections": 0}}, f"options.connections: a whole number from 1 to {MOST}"),
        ({"options": {"connections": MOST + 1}}, "options.connections"),
        ({"options": {"batchsize": True}}, "options.batchsize"),
        ({"options": {"retrydelay": 0}}, "options.retrydelay: a whole number from 1"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, document: Any, says: str) -> None:
    with pytest.raises(SpecFileError, match=says):
        read(tmp_path, json.dumps(document))


@given(JSON)
def test_any_document_is_read_or_refused_in_a_line(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    try:
        batches, servers = read(tmp_path_factory.getbasetemp(), json.dumps(document))
    except SpecFileError as error:
        assert "\n" not in str(error)
    else:
        assert 1 <= batches.connections <= MOST and batches.size >= 1 and batches.retry > 0 and servers


def test_it_says_how_many_were_open_and_goes_on_with_the_next_server() -> None:
    told: list[str] = []

    async def talk() -> bool:
        async with echo_server("127.0.0.1", 0) as (_, port):
            servers = [("one", f"ws://127.0.0.1:{port}/"), ("two", f"ws://127.0.0.1:{port}/")]
            return await load(Batches(20, 7, 0.0, 0.01), tuple(servers), told.append)

    assert asyncio.run(talk())
    assert [line.partition(" at ")[0] for line in told] == ["one", "two"]
    assert all("20 of 20 connections were open after" in line for line in told)
