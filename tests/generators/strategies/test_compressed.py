"""Drawn compressed messages: what they are made of, and what our own endpoint says of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.generators.strategies.compressed import (
    DrawnBlock,
    DrawnDirection,
    DrawnMessage,
    is_sound,
    messages,
    until_damage,
)
from wsoracle.model.endpoint.deflate import PermessageDeflate
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import Failed, MessageReceived
from wsoracle.model.octets.deflate import DeflateFault
from wsoracle.model.octets.deflate_parameters import DeflateParameters
from wsoracle.model.octets.vocabulary import Role

drawn = st.lists(messages(), min_size=1, max_size=4)


@given(st.sampled_from(Role), drawn)
def test_our_endpoint_takes_what_is_sound_and_fails_for_the_rest(role: Role, some: list[DrawnMessage]) -> None:
    direction, endpoint = (
        DrawnDirection(role),
        Endpoint(role, extensions=[PermessageDeflate(role, DeflateParameters())]),
    )
    for message in some:
        sent = direction.put(message)
        told = [event for octets in sent.frames for event in endpoint.receive(octets)]
        received = [event for event in told if isinstance(event, MessageReceived)]
        if not is_sound(sent):
            tolerated = sent.facts.fault in (DeflateFault.EMPTY, DeflateFault.UNENDED)
            assert tolerated or (not received and any(isinstance(event, Failed) for event in told))
            return
        data = sent.inflated if message.binary else sent.inflated.decode()
        assert [event.data for event in received] == [data]


def test_what_is_drawn_is_of_every_kind() -> None:
    """Examples of what a drawn message can be, put together."""
    direction = DrawnDirection(Role.SERVER)
    first = direction.put(
        DrawnMessage(blocks=(DrawnBlock("dynamic", b"Hello"), DrawnBlock(final=True), DrawnBlock("stored", b"!")))
    )
    assert (first.inflated, first.facts.final, first.facts.stored) == (b"Hello!", 1, 2)
    whole = direction.put(DrawnMessage(blocks=(DrawnBlock(reaches=((6, 0),)),), cuts=(1, 2), pings=True))
    assert (whole.inflated, whole.facts.reach, len(whole.frames)) == (b"Hello!", 6, 5)
    assert direction.put(DrawnMessage(compressed=False, blocks=(DrawnBlock("fixed", b"a"),))).inflated == b"a"
    beyond = direction.put(DrawnMessage(blocks=(DrawnBlock(reaches=((3, -1),)),)))
    assert beyond.facts.fault is DeflateFault.TOO_FAR and until_damage([first, beyond, whole]) == [first]
