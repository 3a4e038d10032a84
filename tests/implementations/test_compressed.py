"""Real implementations in both roles: what they make of drawn compressed messages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.generators.strategies.compressed import DrawnDirection, DrawnMessage, is_sound, messages
from wsoracle.implementations import Offers, PeerUnderTest, available_peers
from wsoracle.model.endpoint.deflate import DeflateOffer
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.notation.variables import CONNECTING, LARGEST_LENGTH, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, Observation, Processed, Writes

TAKE_NO_PING_WITHIN = ("wsproto",)
"""After a Ping between fragments of a compressed message, wsproto takes the rest of the message for a plain one."""


@pytest.mark.peers
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", available_peers(), ids=lambda peer: peer.implementation)
@settings(max_examples=25, deadline=None)
@given(some=st.lists(messages(), min_size=1, max_size=4))
def test_implementations_take_what_is_sound(peer: type[PeerUnderTest], role: Role, some: list[DrawnMessage]) -> None:
    """Messages that any receiver has to take arrive as they were."""
    endpoint = _opened(peer, role)
    direction = DrawnDirection(role)
    for message in some:
        if peer.implementation in TAKE_NO_PING_WITHIN:
            message = replace(message, pings=False)
        sent = direction.put(message)
        for octets in sent.frames:
            endpoint.receive(octets)
        told = [event for event in endpoint.events() if event.kind in ("text", "binary")]
        if sent.facts.final or not is_sound(sent):
            # Blocks behind one with BFINAL = 1 are what receivers are known to differ in.
            return
        assert b"".join(event.payload for event in told) == sent.inflated, sent


@pytest.mark.peers
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("peer", available_peers(), ids=lambda peer: peer.implementation)
@settings(max_examples=10, deadline=None)
@given(some=st.lists(messages(), min_size=1, max_size=3))
def test_implementations_that_echo_are_judged_by_what_they_say(
    peer: type[PeerUnderTest], role: Role, some: list[DrawnMessage]
) -> None:
    """What they send back is found right as long as what they were sent is sound."""
    endpoint, trace = peer(role, "echo", offers=Offers(deflate=True)), list[Observation]()
    other = _other(role)

    def receive(octets: bytes) -> None:
        trace.append(Arrives(octets))
        endpoint.receive(octets)
        trace.extend((Writes(endpoint.octets_to_send()), Processed()))

    if role is Role.CLIENT:
        request = endpoint.octets_to_send()
        trace.append(Writes(request))
        other.receive(request)
    receive(other.octets_to_send())
    direction = DrawnDirection(role)
    for message in some:
        sent = direction.put(replace(message, pings=message.pings and peer.implementation not in TAKE_NO_PING_WITHIN))
        if sent.facts.final or not is_sound(sent):
            break
        for octets in sent.frames:
            receive(octets)
    setting = Setting(role, LARGEST_LENGTH, echo=True, willing=role is Role.SERVER)
    judgement = judge(trace, setting, application="echo", start=CONNECTING)
    assert (judgement.broken, judgement.application, judgement.note) == ((), (), "")


def _opened(peer: type[PeerUnderTest], role: Role) -> PeerUnderTest:
    endpoint = peer(role, offers=Offers(deflate=True))
    other = _other(role)
    if role is Role.SERVER:
        endpoint.receive(other.octets_to_send())
        other.receive(endpoint.octets_to_send())
    else:
        other.receive(endpoint.octets_to_send())
        endpoint.receive(other.octets_to_send())
    assert other.state.recv_window
    return endpoint


def _other(role: Role) -> Endpoint:
    """The other end of a connection, which takes the extension."""
    if role is Role.CLIENT:
        return Endpoint(Role.SERVER, opening=ServerOpening(extensions=[DeflateOffer()]))
    opening = ClientOpening("ws://server.example.com/chat", extensions=[DeflateOffer()])
    return Endpoint(Role.CLIENT, opening=opening)
