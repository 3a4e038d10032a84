"""A trace in words: what is a head reads as HTTP, what is a frame as a frame, wherever the octets are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.drawn import conversations
from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.in_words import MOST_UNITS, TraceInWords
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Quiet,
    Tells,
    Writes,
)

ASKS = request_octets(RequestFacts())
OPENS = response_octets(ResponseFacts(), sample_request(RequestFacts()))
REFUSES = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
HELLO, MASKED = bytes.fromhex("810548656c6c6f"), bytes.fromhex("818537fa213d7f9f4d5158")


def words(*trace: Arrives | Writes | ArrivesEof, role: Role | None = Role.SERVER) -> list[str]:
    return list(TraceInWords(trace, role))


def test_compressed_messages_are_shown_inflated() -> None:
    """Section 7.2.3.2 of RFC 7692: the second message refers to the first."""
    field = b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    asks, opens = (head.replace(b"\r\n\r\n", field) for head in (ASKS, OPENS))
    first, second = bytes.fromhex("c107f248cdc9c90700"), bytes.fromhex("c105f200110000")
    said = words(Arrives(asks), Writes(opens + first + second))
    assert said[1].endswith("[text fin rsv1 compressed: 'Hello'] [text fin rsv1 compressed: 'Hello']")
    assert words(Arrives(asks), Writes(OPENS + first))[1].endswith("[text fin rsv1: f248cdc9c90700]")
    agreed = agreed_state(Role.SERVER, "permessage-deflate")
    assert list(TraceInWords([Writes(first)], None, agreed)) == ["sends [text fin rsv1 compressed: 'Hello']"]
    assert "compressed (a block of the reserved type)" in words(Arrives(asks), Writes(opens + b"\xc1\x01\x07"))[1]


def test_heads_are_http_and_frames_are_frames() -> None:
    said = words(Arrives(ASKS + MASKED), Writes(OPENS + HELLO))
    assert said[0].startswith("arrives 'GET /chat HTTP/1.1\\nHost: ")
    assert said[0].endswith("\\n\\n' [text fin masked: 'Hello']")
    assert said[1].startswith("sends 'HTTP/1.1 101 Switching Protocols\\n") and said[1].endswith("[text fin: 'Hello']")


def test_a_client_tries_again_after_a_refusal_with_a_body() -> None:
    said = words(Writes(ASKS), Arrives(REFUSES), Writes(ASKS), Arrives(OPENS + HELLO), Writes(MASKED), role=Role.CLIENT)
    assert said[1] == "arrives 'HTTP/1.1 401 Unauthorized\\nContent-Length: 2\\n\\n' ['no']"
    assert said[2].startswith("sends 'GET /chat") and said[4] == "sends [text fin masked: 'Hello']"


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 101\r\nUpgrade websocket\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"Hello\r\n\r\n"]
)
def test_what_is_meant_as_a_head_is_text_though_it_is_none(role: Role, answer: bytes) -> None:
    request, response = (Arrives, Writes) if role is Role.SERVER else (Writes, Arrives)
    said = words(request(ASKS), response(answer + HELLO), role=role)
    first = answer.partition(b"\r\n")[0].decode()
    assert f" '{first}\\n" in said[1] and said[1].endswith("[text fin: 'Hello']")


def test_parts_say_how_much_is_there() -> None:
    assert words(Writes(HELLO[:3]), Writes(HELLO[3:5]), Writes(HELLO[5:]), role=None) == [
        "sends the first 3 of 7 octets of [text fin: 'Hello']",
        "sends a part, the next 2 of 7 octets of [text fin: 'Hello']",
        "sends the last 2 of 7 octets of [text fin: 'Hello']",
    ]
    assert words(Writes(HELLO[:3]), role=None) == ["sends [text fin: 5 octets declared, 1 of them here]"]
    assert words(Writes(HELLO[:1]), role=None) == ["sends [octets 81]"]
    assert words(Arrives(ASKS[:9])) == ["arrives ['GET /chat']"]
    assert words(Arrives(b""), Writes(b"")) == ["arrives", "sends"]


def test_very_many_units_are_counted() -> None:
    (said,) = words(Writes(HELLO * (MOST_UNITS + 1234)), role=None)
    assert said.endswith("and 1,234 more") and len(said) < 3000


def test_what_has_no_octets() -> None:
    trace: list[Observation] = [
        ArrivesEof(),
        ClosesTcp(),
        Quiet(),
        Tells("close", code=1000, reason="bye"),
        Asks("text", b"a", False),
    ]
    assert list(TraceInWords([*trace, Crashes("why")], None)) == [
        "arrives end of TCP",
        "closes TCP",
        "stays quiet",
        "tells its application close 1000 'bye'",
        "its application sends text 'a', more to come",
        "crashes: why",
    ]


@given(st.data(), st.sampled_from(list(Role)))
def test_no_frame_is_read_into_a_head_however_it_is_cut(data: st.DataObject, role: Role) -> None:
    server = b"".join(map(encode, data.draw(conversations(Role.SERVER))))
    client = b"".join(map(encode, data.draw(conversations(Role.CLIENT))))
    there, back = (Arrives, Writes) if role is Role.SERVER else (Writes, Arrives)
    cut = data.draw(st.integers(1, len(ASKS) - 1))
    said = words(there(ASKS[:cut]), there(ASKS[cut:]), back(OPENS + server), there(client), role=role)
    assert ["GET /chat" in one for one in said] == [True, True, False, False]
    assert ["HTTP/1.1 101" in one for one in said] == [False, False, True, False]
    assert said[3].partition(" ")[2] == words(there(client), role=None)[0].partition(" ")[2]


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=6), st.sampled_from([None, *Role]))
def test_any_octets_have_words(parts: list[tuple[bool, bytes]], role: Role | None) -> None:
    trace = [Arrives(octets) if arrives else Writes(octets) for arrives, octets in parts]
    for said, (arrives, _) in zip(TraceInWords(trace, role), parts, strict=True):
        assert said.startswith("arrives" if arrives else "sends")


def test_a_status_that_is_no_101_ends_nothing() -> None:
    facts = ResponseFacts()._replace(status=200, accept=value_of("accept", "absent"))
    octets = response_octets(facts, sample_request(RequestFacts()))
    assert words(Arrives(ASKS), Writes(octets))[1].startswith("sends 'HTTP/1.1 200 ")
