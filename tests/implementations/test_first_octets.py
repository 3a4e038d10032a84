"""The adapters that open real implementations from the first octet on, and what the judge says of a plain opening."""

from __future__ import annotations

from functools import partial

import pytest

from wsoracle.implementations import Offers, PeerUnderTest, available_peers
from wsoracle.implementations.adapter import FIXED_KEY
from wsoracle.model.facts.heads import request_octets
from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.http import HeadParser, ParsedHead
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Processed, Quiet, Tells, Writes
from wsoracle.properties.judge.verdict import Verdict

judge_all = partial(judge, start=CONNECTING)

pytestmark = pytest.mark.peers

PEERS = pytest.mark.parametrize("peer", available_peers(), ids=lambda peer: peer.implementation)


@PEERS
@pytest.mark.parametrize("offers", [Offers(), Offers(("chat", "superchat"), deflate=True)])
@pytest.mark.parametrize("step", [1, 10_000])
def test_an_implementation_opens_itself(peer: type[PeerUnderTest], offers: Offers, step: int) -> None:
    client, server = peer(Role.CLIENT, offers=offers), peer(Role.SERVER, offers=offers)
    asked, answered = _carry(client, server, step), _carry(server, client, step)
    traces: list[tuple[list[Observation], Role]] = [
        ([Writes(asked), Arrives(answered), Processed(), Quiet()], Role.CLIENT),
        ([Arrives(asked), Writes(answered), Processed(), Quiet()], Role.SERVER),
    ]
    for trace, role in traces:
        judgement = judge_all(trace, Setting(role, willing=role is Role.SERVER), application="sink")
        assert judgement.verdict is Verdict.OK, judgement
    reader = HeadParser(Role.SERVER)
    reader.feed(asked)
    assert isinstance(reader.result, ParsedHead) and reader.result.head.values("Sec-WebSocket-Key") == [FIXED_KEY]
    assert (b"Sec-WebSocket-Protocol: chat\r\n" in answered) is bool(offers.subprotocols)
    assert (b"permessage-deflate" in answered) is offers.deflate
    client.send_ping(b"a")
    _carry(client, server, step)
    assert server.octets_to_send() == bytes.fromhex("8a0161")


def _carry(sender: PeerUnderTest, receiver: PeerUnderTest, step: int) -> bytes:
    octets = sender.octets_to_send()
    for at in range(0, len(octets), step):
        receiver.receive(octets[at : at + step])
    return octets


@PEERS
def test_a_server_refuses_what_has_a_fault(peer: type[PeerUnderTest]) -> None:
    server = peer(Role.SERVER)
    octets = request_octets(RequestFacts(key=0))
    server.receive(octets)
    answer = server.octets_to_send()
    assert answer.startswith(b"HTTP/1.1 400 ") and server.wants_tcp_close and not server.events()
    trace = (Arrives(octets), Writes(answer), ClosesTcp(), Processed(), Quiet())
    assert judge_all(trace, Setting(Role.SERVER)).verdict is Verdict.OK


@PEERS
@pytest.mark.parametrize("octets", [b"\x16\x03\x01", b"HTTP/1.1 101 Yes\r\n\r\n"])
def test_a_client_fails_on_what_has_a_fault(peer: type[PeerUnderTest], octets: bytes) -> None:
    client = peer(Role.CLIENT)
    asked = client.octets_to_send()
    client.receive(octets + b"\r\n\r\n")
    assert client.wants_tcp_close and [event.kind for event in client.events()] == ["failed"]
    trace = (Writes(asked), Arrives(octets + b"\r\n\r\n"), ClosesTcp(), Tells("failed"), Processed(), Quiet())
    assert judge_all(trace, Setting(Role.CLIENT)).verdict is Verdict.OK


@PEERS
@pytest.mark.parametrize("role", Role)
def test_the_end_of_tcp_is_the_end(peer: type[PeerUnderTest], role: Role) -> None:
    endpoint = peer(role)
    endpoint.octets_to_send()
    endpoint.receive(b"H")
    endpoint.receive_eof()
    assert endpoint.closed and not endpoint.octets_to_send()
