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
from wsoracle.model.octets.vocabulary import Role

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


def _opened(peer: type[PeerUnderTest], role: Role) -> PeerUnderTest:
    endpoint = peer(role, offers=Offers(deflate=True))
    other = Endpoint(
        Role.CLIENT if role is Role.SERVER else Role.SERVER,
        opening=ClientOpening("ws://server.example.com/chat", extensions=[DeflateOffer()])
        if role is Role.SERVER
        else ServerOpening(extensions=[DeflateOffer()]),
    )
    if role is Role.SERVER:
        endpoint.receive(other.octets_to_send())
        other.receive(endpoint.octets_to_send())
    else:
        other.receive(endpoint.octets_to_send())
        endpoint.receive(other.octets_to_send())
    assert other.state.recv_window
    return endpoint
