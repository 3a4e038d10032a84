"""What is drawn: well formed, legal and illegal of every kind, cut without losing an octet, and always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from wsoracle.generators.strategies.frames import (
    LONGEST,
    MOST_SINGLE_OCTETS,
    OCTETS,
    TEXTS,
    Assembly,
    FrameItem,
    boundary_codes,
    boundary_lengths,
    close_bodies,
    frame_items,
    items,
    put_together,
    requests,
    settings_of_endpoints,
    starts,
    stimuli,
    varied_settings,
)
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import EventKind, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.units import FrameUnit, frames_in
from wsoracle.model.octets.vocabulary import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FORMS,
    MAX_OPCODE,
    PING,
    PONG,
    TEXT,
    Role,
    is_control,
)
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Asks, Stimulus

SEARCH = settings(
    max_examples=2_000,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def occurs(strategy: st.SearchStrategy[object], wanted: Callable[[object], bool]) -> bool:
    try:
        find(strategy, wanted, settings=SEARCH)
    except NoSuchExample:
        return False
    return True


def arriving(stimulus: Stimulus) -> bytes:
    return b"".join(part.octets for part in stimulus if isinstance(part, Arrives))


def wire(item: FrameItem, role: Role = Role.SERVER) -> FrameUnit:
    (frame,), end = frames_in(arriving(put_together([item], role)))
    assert end == frame.end
    return frame


# --- octets and numbers -----------------------------------------------------------------------------------------------


def test_texts_are_text_and_octets_are_more_than_that() -> None:
    assert all(octets.decode() is not None for octets in TEXTS)
    assert {len(chr(code).encode()) for text in TEXTS for code in map(ord, text.decode())} == {1, 2, 3, 4}
    ends = {utf8.run(octets) for octets in OCTETS}
    assert ends == set(utf8.STATES), "text may end in every state of the automaton"


@pytest.mark.parametrize("role", Role)
def test_the_boundaries_of_the_rules_are_among_the_numbers(role: Role) -> None:
    lengths, codes = boundary_lengths(role), boundary_codes(role)
    assert {0, 125, 126, 65_535, 65_536, 2**63 - 1, 2**63} <= set(lengths)
    assert {999, 1000, 2999, 3000, 4999, 5000, 65_535} <= set(codes)
    assert list(lengths) == sorted(set(lengths))
    assert list(codes) == sorted(set(codes))
    assert max(codes) <= 0xFFFF


@pytest.mark.parametrize("role", Role)
def test_close_bodies_of_every_kind_occur(role: Role) -> None:
    bodies = close_bodies(role)
    assert {b"", b"\x03"} <= set(bodies)
    assert any(len(body) > 2 and utf8.run(body[2:]) == utf8.REJECT for body in bodies)
    assert {code.to_bytes(2, "big") for code in boundary_codes(role)} <= set(bodies)
    assert occurs(frame_items(role), lambda item: isinstance(item, FrameItem) and item.opcode == CLOSE)


# --- frames -----------------------------------------------------------------------------------------------------------


def _sample(strategy: st.SearchStrategy[object], count: int, seed: int = 1) -> list:  # type: ignore[type-arg]
    found: list[object] = []

    @seeded(seed)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value: object) -> None:
        found.append(value)

    collect()
    return found


@pytest.mark.parametrize("role", Role)
def test_faulty_and_faultless_frames_of_every_kind_occur(role: Role) -> None:
    drawn: list[FrameItem] = _sample(frame_items(role, 200), 1_800)
    plain = [item for item in drawn if _plain(item)]
    assert {(i.opcode, i.fin) for i in plain if not is_control(i.opcode)} == {
        (opcode, fin) for opcode in (TEXT, BINARY) for fin in (True, False)
    }
    assert {i.opcode for i in plain if is_control(i.opcode)} == {PING, PONG, CLOSE}
    assert len(plain) > len(drawn) / 2, "most have no fault"
    assert {bit for i in drawn for bit in i.bits} == {1, 2, 3}
    assert {i.other_opcode for i in drawn} == {None, *range(MAX_OPCODE + 1)}
    assert {i.form for i in drawn} >= {None, *FORMS[1:]}
    for name in ("other_fin", "other_mask", "joined"):
        assert {getattr(i, name) for i in drawn} == {True, False}, name
    assert any(i.declared is not None and i.declared >= 2**63 for i in drawn)
    assert any(i.declared is None and len(i.payload) * i.times >= 126 and is_control(i.opcode) for i in drawn)
    assert {199, 200, 201} <= {i.times for i in drawn}, "the limit that is stated, and its neighbours"


@pytest.mark.parametrize("role", Role)
def test_no_payload_is_longer_than_what_is_stated(role: Role) -> None:
    drawn: list[FrameItem] = _sample(frame_items(role), 300)
    assert max(len(item.payload) * item.times for item in drawn) <= LONGEST


EXAMPLES: dict[str, tuple[FrameItem, Callable[[FrameUnit], bool]]] = {
    "a reserved bit": (FrameItem(TEXT, b"a", bits=(2,)), lambda f: f.header.rsv2 and not f.header.rsv1),
    "an unknown opcode": (FrameItem(TEXT, b"a", other_opcode=11), lambda f: f.header.opcode == 11),
    "no FIN on a control frame": (FrameItem(PING, other_fin=True), lambda f: not f.header.fin),
    "no mask on what a server receives": (FrameItem(PING, other_mask=True), lambda f: f.header.key is None),
    "a length form that is too long": (FrameItem(TEXT, b"a", form=2), lambda f: f.header.form == 2),
    "a form that is too short is not kept": (FrameItem(TEXT, b"a", 200, form=0), lambda f: f.header.form == 1),
    "a payload repeated": (FrameItem(TEXT, b"ab", 3), lambda f: f.payload == b"ababab"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_fault_stands_in_the_octets(name: str) -> None:
    item, holds = EXAMPLES[name]
    assert holds(wire(item))


def test_a_length_that_is_declared_leaves_the_frame_incomplete() -> None:
    octets = arriving(put_together([FrameItem(BINARY, b"a", declared=2**63)], Role.SERVER))
    assert frames_in(octets) == ((), 0)
    assert octets[2:10] == (2**63).to_bytes(8, "big")


# --- chunks -----------------------------------------------------------------------------------------------------------


@given(st.lists(frame_items(Role.SERVER), max_size=6), st.booleans())
def test_joining_and_cutting_change_no_octet(drawn: list[FrameItem], singly: bool) -> None:
    plain = [replace(item, joined=False, cut=None) for item in drawn]
    stimulus = put_together(drawn, Role.SERVER, singly=singly)
    whole = arriving(put_together(plain, Role.SERVER))
    assert arriving(stimulus) == whole
    assert all(isinstance(part, Arrives) and part.octets for part in stimulus)
    if singly and len(whole) <= MOST_SINGLE_OCTETS:
        assert len(stimulus) == len(whole)


def test_frames_are_joined_and_cut_as_they_say() -> None:
    ping, text = FrameItem(PING), FrameItem(TEXT, b"a")
    sizes = {
        (): (6, 7),
        (("joined", True),): (13,),
        (("cut", 2),): (6, 2, 5),
        (("joined", True), ("cut", 2)): (8, 5),
        (("cut", 8),): (6, 2, 5),
    }
    for changes, expected in sizes.items():
        stimulus = put_together([ping, replace(text, **dict(changes))], Role.SERVER)  # type: ignore[arg-type]
        assert tuple(len(part.octets) for part in stimulus if isinstance(part, Arrives)) == expected


# --- whole stimuli ----------------------------------------------------------------------------------------------------


def test_a_data_frame_continues_the_message_that_is_in_progress() -> None:
    made = [FrameItem(TEXT, b"a", fin=False), FrameItem(PING), FrameItem(BINARY, b"b"), FrameItem(BINARY, b"c")]
    found, _ = frames_in(arriving(put_together(made, Role.CLIENT)))
    assert [frame.header.opcode for frame in found] == [TEXT, PING, CONTINUATION, BINARY]
    assert all(frame.header.key is None for frame in found)


@pytest.mark.parametrize("role", Role)
def test_frames_without_faults_are_legal(role: Role) -> None:
    """What the octets of the payload say apart: nothing fails the connection before a Close ends it."""
    for drawn in _sample(st.lists(frame_items(role), max_size=5), 100):
        chosen = [replace(item, payload=b"a") for item in drawn if _plain(item) and item.opcode != CLOSE]
        octets = arriving(put_together(chosen, role))
        endpoint = Endpoint(role)
        endpoint.receive(octets)
        assert not endpoint.state.failed
        assert frames_in(octets)[1] == len(octets)


def _plain(item: FrameItem) -> bool:
    """Whether nothing is wrong with its header."""
    if is_control(item.opcode) and len(item.payload) * item.times > 125:
        return False
    return replace(item, joined=False, cut=None) == FrameItem(item.opcode, item.payload, item.times, item.fin)


@settings(max_examples=50)
@given(st.sampled_from(Role).flatmap(lambda role: stimuli(role, most=6)))
def test_nothing_arrives_after_the_end_of_tcp(stimulus: Stimulus) -> None:
    ends = [at for at, part in enumerate(stimulus) if isinstance(part, ArrivesEof)]
    assert len(ends) <= 1
    if ends:
        assert all(isinstance(part, Asks) for part in stimulus[ends[0] + 1 :])


def test_an_item_waits_for_what_is_joined_to_it() -> None:
    assembly = Assembly(Role.SERVER)
    assert assembly.add(FrameItem(PING)) == []
    assert assembly.add(FrameItem(PONG, joined=True)) == []
    (chunk, asks) = assembly.add(Asks("ping"))
    assert isinstance(chunk, Arrives)
    assert [f.header.opcode for f in frames_in(chunk.octets)[0]] == [PING, PONG]
    assert asks == Asks("ping")
    assert assembly.rest() == []


@pytest.mark.parametrize("role", Role)
def test_items_of_every_kind_occur(role: Role) -> None:
    drawn = _sample(items(role), 250)
    assert {type(item) for item in drawn} == {FrameItem, Asks, ArrivesEof}
    assert {asks.what for asks in drawn if isinstance(asks, Asks)} == {
        *("text", "binary", "continuation", "ping", "pong", "close")
    }


@pytest.mark.parametrize("role", Role)
def test_requests_close_with_legal_and_illegal_codes_and_are_fragmented_only_if_wanted(role: Role) -> None:
    drawn: list[Asks] = _sample(requests(role), 500)
    codes = {asks.code for asks in drawn if asks.what == "close"}
    assert {None, 1000} <= codes
    assert codes >= set(boundary_codes(role, EventKind.SEND))
    assert any(not asks.fin for asks in drawn)
    whole: list[Asks] = _sample(requests(role, fragments=False), 300)
    assert all(asks.fin and asks.what != "continuation" for asks in whole)


# --- settings and states ----------------------------------------------------------------------------------------------


def test_every_value_of_every_switch_occurs_in_both_roles() -> None:
    assert varied_settings()[0] == Setting(next(iter(Role)))
    for role in Role:
        mine = [setting for setting in varied_settings() if setting.role is role]
        for switch in SWITCHES:
            assert {setting.switches[switch.name] for setting in mine} == set(switch.values)
        assert {(setting.limit, setting.echo) for setting in mine} == {(None, False), (3, False), (200, True)}


@given(st.sampled_from(Role), st.booleans(), st.data())
def test_settings_are_those_that_were_asked_for(role: Role, echo: bool, data: st.DataObject) -> None:
    setting = data.draw(settings_of_endpoints(role, echo=echo))
    assert (setting.role, setting.echo) == (role, echo)
    assert setting in varied_settings()


def test_any_reserved_bits_may_be_claimed() -> None:
    claims = {(s.claims_rsv1, s.claims_rsv2, s.claims_rsv3) for s in _sample(starts(), 100)}
    assert len(claims) == 8
    for state in _sample(starts(), 20):
        assert state._replace(claims_rsv1=False, claims_rsv2=False, claims_rsv3=False) == State()


# --- always the same --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_the_same_seed_draws_the_same(role: Role) -> None:
    first = _sample(stimuli(role, limit=200), 40)
    assert first == _sample(stimuli(role, limit=200), 40)
    assert first != _sample(stimuli(role, limit=200), 40, seed=2)
