"""Damaged files of every format are read without an exception that is no sentence; a campaign tries more of them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import OPENING, Sent, packets_of, pcap, segments_of
from tests.properties.traces.mutated_files import SEEDS, mutated, tried
from wsoracle.properties.traces import tcp
from wsoracle.properties.traces.registry import read_file


@given(st.integers(0, 2**32))
def test_damage_is_no_exception(seed: int) -> None:
    chance = random.Random(seed)
    tried(mutated(chance.choice(SEEDS), chance), judges=seed % 8 == 0)


def test_every_seed_is_read() -> None:
    assert [tried(octets, judges=False) for octets in SEEDS].count(True) == 13


def test_what_waits_and_the_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MOST_PIECES", 20)
    opened = segments_of(OPENING)
    early = [Sent(False, 9000 - number, 1200, 16, b"x") for number in range(100)]
    early += [Sent(False, 10**6 + number, 1200, 20) for number in range(100)]
    for trace in read_file(pcap(packets_of([*opened, *early]))).traces:
        assert trace.notes == ("segments are missing from the capture: judged up to there",)
    monkeypatch.setattr(tcp, "MOST_CONNECTIONS", 2)
    many = [packet for port in range(1, 9) for packet in packets_of(opened, ports=(port, 80))]
    assert len(read_file(pcap(many)).traces) == 4
