"""Octets before the answer of a TLS server: records, and a request outside them."""

from __future__ import annotations

import contextlib
import ssl

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.properties.traces.tls_records import is_hello_whole, octets_beside_tls, plain_request


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


HELLO = client_hello()
GET = b"GET /runCase?case=1&agent=a HTTP/1.1\r\n\r\n"
RECORDS = st.tuples(st.sampled_from([20, 21, 22, 23]), st.integers(0, 4), st.binary(max_size=40)).map(
    lambda record: bytes((record[0], 3, record[1])) + len(record[2]).to_bytes(2, "big") + record[2]
)


def test_a_hello_is_tls_however_much_of_it_is_there() -> None:
    assert all(octets_beside_tls(HELLO[:end]) == b"" for end in range(len(HELLO) + 1))
    assert [is_hello_whole(HELLO[:end]) for end in (0, 4, len(HELLO) - 1, len(HELLO))] == [False, False, False, True]


@given(st.lists(RECORDS, max_size=4))
def test_records_are_tls_and_a_request_behind_them_is_found(records: list[bytes]) -> None:
    octets = b"".join(records)
    assert plain_request(octets) == b""
    assert plain_request(octets + GET) == GET


def test_a_request_without_tls() -> None:
    assert plain_request(GET) == GET and is_hello_whole(GET)


@given(st.binary(max_size=80))
def test_any_octets_are_taken(octets: bytes) -> None:
    assert octets.endswith(octets_beside_tls(octets))
    is_hello_whole(octets)
