"""Nonces that repeat or lie close together are found; random ones never are."""

from __future__ import annotations

import base64
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.properties.connections.nonces import nonce_of, nonces_seen
from wsoracle.properties.judge.verdict import Verdict


def strong(count: int, seed: int = 0) -> list[bytes]:
    return [blake2b(b"%d/%d" % (seed, n), digest_size=16).digest() for n in range(count)]


def verdicts(nonces: list[bytes]) -> dict[str, Verdict]:
    return {result.check.id: result.verdict for result in nonces_seen(nonces)}


def test_a_repeated_nonce_is_found_with_its_count() -> None:
    nonces = strong(20)
    repeated, near = nonces_seen([*nonces, nonces[3], nonces[3]])
    assert repeated.verdict is Verdict.FAILED and (repeated.count, repeated.of) == (2, 22)
    assert repeated.example == f"{base64.b64encode(nonces[3]).decode()} in 3 connections"
    assert near.verdict is Verdict.OK
    assert "4.1-26" in repeated.check.requirements


@pytest.mark.parametrize(
    "nonces",
    [
        [n.to_bytes(16, "big") for n in range(250, 260)],
        [n.to_bytes(16, "little") for n in range(250, 260)],
        [b"connection-%05d" % n for n in range(95, 105)],
        [bytes(12) + nonce[:4] for nonce in strong(9)],
        [bytes(8) + (1_700_000_000_000_000 + 937 * n).to_bytes(8, "big") for n in range(3)],
    ],
    ids=["counter", "counter, little", "text", "four octets", "clock"],
)  # fmt: skip
def test_close_nonces_are_found(nonces: list[bytes]) -> None:
    repeated, near = nonces_seen(nonces)
    assert repeated.verdict is Verdict.OK
    assert near.verdict is Verdict.FAILED and near.count > 0


def test_equal_nonces_are_not_called_close_as_well() -> None:
    assert verdicts([strong(1)[0]] * 5) == {"nonce/repeated": Verdict.FAILED, "nonce/near": Verdict.OK}


@given(st.integers(2, 2000), st.integers(0, 1 << 32))
def test_random_nonces_are_never_accused(count: int, seed: int) -> None:
    assert set(verdicts(strong(count, seed)).values()) == {Verdict.OK}


def test_one_connection_tells_nothing() -> None:
    assert nonces_seen(strong(1)) == []


@pytest.mark.parametrize("field", ["", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=", "\u00e9", "dGhlIHNhbXBsZSBub25jZQ= ="])
def test_a_field_that_holds_no_nonce_is_left_to_the_rules_of_one_trace(field: str) -> None:
    assert nonce_of(field) is None
