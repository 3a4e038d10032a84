"""The UTF-8 automaton against Python's own decoder, and what is computed from its rows against brute force."""

from __future__ import annotations

import codecs
from itertools import chain, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsoracle.model.octets import utf8
from wsoracle.model.octets.utf8 import ACCEPT, REJECT, ROWS, STATE_NAMES, STATES

# Octets at the edges of the table's ranges, and just outside them: short words of these meet every row's bounds.
EDGES = sorted(
    {octet for row in ROWS for edge in (row.low, row.high) for octet in (edge - 1, edge, edge + 1)} & {*range(256)}
)

any_state = st.sampled_from(STATES)
nasty = st.lists(st.sampled_from(EDGES), max_size=12).map(bytes)
text = st.text(st.characters(codec="utf-8"), max_size=12).map(str.encode)
surrogate = st.integers(0xD800, 0xDFFF).map(lambda point: chr(point).encode("utf-8", "surrogatepass"))
octets = st.lists(st.one_of(text, nasty, surrogate, st.binary(max_size=12)), max_size=4).map(b"".join)

# A shortest way into each state.
WAY_IN = {
    utf8.ACCEPT: b"",
    utf8.TAIL1: b"\xc2",
    utf8.TAIL2: b"\xe1",
    utf8.TAIL3: b"\xf1",
    utf8.AFTER_E0: b"\xe0",
    utf8.AFTER_ED: b"\xed",
    utf8.AFTER_F0: b"\xf0",
    utf8.AFTER_F4: b"\xf4",
    utf8.REJECT: b"\xff",
}


def fold(data: bytes, state: int = ACCEPT) -> int:
    for octet in data:
        state = utf8.step(state, octet)
    return state


def python_says(data: bytes) -> tuple[bool, bool]:
    """Whether the decoder of the standard library finds only the end of `data` missing, and not even that."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as trouble:
        return trouble.reason == "unexpected end of data", False
    return True, True


def incremental_decoder_says(data: bytes) -> tuple[bool, bytes]:
    """Whether the incremental decoder of the standard library raises nothing, and what it holds back."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return False, b""
    return True, decoder.getstate()[0]


# --- the table itself


def test_rows_are_disjoint_and_in_range() -> None:
    seen = [(row.state, octet) for row in ROWS for octet in range(row.low, row.high + 1)]
    assert len(seen) == len(set(seen))
    assert all(0 <= row.low <= row.high <= 255 for row in ROWS)
    assert {row.state for row in ROWS} == {row.next for row in ROWS} == set(STATES) - {REJECT}


def test_states_have_the_agreed_numbers() -> None:
    names = ["ACCEPT", "TAIL1", "TAIL2", "TAIL3", "AFTER_E0", "AFTER_ED", "AFTER_F0", "AFTER_F4", "REJECT"]
    assert list(STATE_NAMES) == names
    assert [getattr(utf8, name) for name in names] == list(STATES) == list(range(9))


@pytest.mark.parametrize("state", STATES)
def test_step_reads_the_rows(state: int) -> None:
    for octet in range(256):
        matching = [row.next for row in ROWS if row.state == state and row.low <= octet <= row.high]
        assert utf8.step(state, octet) == (matching[0] if matching else REJECT)


def test_reject_is_never_left() -> None:
    assert all(utf8.step(REJECT, octet) == REJECT for octet in range(256))


@pytest.mark.parametrize("octet", [-1, 256])
def test_step_refuses_what_is_no_octet(octet: int) -> None:
    with pytest.raises(ValueError, match=r"an octet is in 0\.\.255"):
        utf8.step(ACCEPT, octet)


@pytest.mark.parametrize("state", [-1, 9])
def test_unknown_states_are_refused(state: int) -> None:
    for call in (
        lambda: utf8.step(state, 0),
        lambda: utf8.run(b"\xff", state),
        lambda: utf8.first_reject(b"", state),
        lambda: utf8.reachable_after(state, 0),
        lambda: utf8.shortest_octets(state, ACCEPT, 0),
        lambda: utf8.shortest_octets(ACCEPT, state, 0),
    ):
        with pytest.raises(ValueError, match=r"a state of the automaton is in 0\.\.8"):
            call()


# --- against the standard library


@given(octets)
@example(b"\xed\xa0\x80")  # a surrogate
@example(b"\xc0\xaf")  # overlong, two octets
@example(b"\xe0\x80\xaf")  # overlong, three
@example(b"\xf0\x80\x80\xaf")  # overlong, four
@example(b"\xf4\x90\x80\x80")  # above 10FFFF
@example(b"\xf8\x88\x80\x80\x80")  # five octets, as there were before RFC 3629
@example("κόσμε".encode() + b"\xed\xa0\x80edited")  # the example that Autobahn uses
def test_run_agrees_with_the_decoder(data: bytes) -> None:
    state = utf8.run(data)
    assert (state != REJECT, state == ACCEPT) == python_says(data)


@given(octets)
@example(b"\xed\xa0")
@example(b"\xed\xa0\x80")
def test_run_agrees_with_the_incremental_decoder(data: bytes) -> None:
    follows, held_back = incremental_decoder_says(data)
    state = utf8.run(data)
    if len(held_back) == 2 and held_back[0] == 0xED and held_back[1] >= 0xA0:
        # The incremental decoder waits for the third octet of a surrogate (another error handler may want it whole).
        # It is hopeless after the second: an endpoint that relies on this decoder fails one octet late.
        assert state == REJECT
        assert utf8.first_reject(data) == len(data) - 1
    else:
        assert (state != REJECT, state == ACCEPT) == (follows, follows and not held_back)


def test_run_agrees_on_all_words_of_two_octets_and_on_edges_beyond() -> None:
    words = [product(range(256), repeat=length) for length in range(3)] + [product(EDGES[::2], repeat=3)]
    for word in chain.from_iterable(words):
        data = bytes(word)
        state = utf8.run(data)
        assert (state != REJECT, state == ACCEPT) == python_says(data), data


def test_what_is_not_rejected_are_beginnings_of_scalar_values() -> None:
    # Independent of any decoder: the beginnings of the encodings of all scalar values, and nothing else.
    scalar_values = [chr(point).encode() for point in chain(range(0xD800), range(0xE000, 0x110000))]
    beginnings = {octets[:size] for octets in scalar_values for size in range(1, len(octets))}
    unfinished = {b""}
    seen = set()
    for _ in range(3):
        longer = {word + bytes((octet,)) for word in unfinished for octet in range(256)}
        unfinished = {word for word in longer if fold(word) not in (ACCEPT, REJECT)}
        seen |= unfinished
    assert seen == beginnings
    # A fourth octet always decides, so there is no need to try them all.
    assert {fold(word) for word in unfinished} == {utf8.TAIL1}
    assert {utf8.step(utf8.TAIL1, octet) for octet in range(256)} == {ACCEPT, REJECT}


def test_every_scalar_value_is_accepted_and_no_surrogate() -> None:
    scalar_values = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])).encode()
    assert utf8.run(scalar_values) == ACCEPT
    # Not by the fast path alone: each character of a sample is folded through the table.
    for point in [*range(0, 0x110000, 251), 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF]:
        data = chr(point).encode("utf-8", "surrogatepass")
        assert fold(data) == (REJECT if 0xD800 <= point <= 0xDFFF else ACCEPT), hex(point)


# --- fast = slow


@given(octets, any_state)
def test_run_is_a_fold_of_step(data: bytes, state: int) -> None:
    assert utf8.run(data, state) == fold(data, state)
    assert utf8.run(bytearray(data), state) == fold(data, state)


@given(octets, octets, any_state)
def test_run_can_be_split_anywhere(first: bytes, second: bytes, state: int) -> None:
    assert utf8.run(second, utf8.run(first, state)) == utf8.run(first + second, state)


@given(octets, any_state)
def test_first_reject_is_the_first_octet_too_many(data: bytes, state: int) -> None:
    index = utf8.first_reject(data, state)
    if index is None:
        assert not data or fold(data, state) != REJECT
    else:
        assert fold(data[: index + 1], state) == REJECT
        assert index == 0 or fold(data[:index], state) != REJECT


@pytest.mark.parametrize("shift", range(4))
def test_characters_across_the_slices_of_a_long_run(shift: int) -> None:
    data = b"a" * shift + "😀".encode() * 50_000
    assert utf8.run(data) == ACCEPT
    assert utf8.run(data[:-1]) == utf8.TAIL1
    assert utf8.run(data[:-3]) == utf8.TAIL3 or utf8.run(data[:-3]) == utf8.AFTER_F0
    assert utf8.first_reject(data + b"\xff") == len(data)
    assert utf8.first_reject(data[:-1] + b"a") == len(data) - 1
    assert utf8.run(data[1:], utf8.step(ACCEPT, data[0])) == ACCEPT


# --- what is reachable


@pytest.mark.parametrize("state", STATES)
def test_reachable_after_is_what_brute_force_reaches(state: int) -> None:
    # One octet at a time with every octet: the sets of states after 0, 1, 2, ... octets.
    reached = {state}
    for length in range(8):
        assert utf8.reachable_after(state, length) == reached
        reached = {utf8.step(one, octet) for one in reached for octet in range(256)}


@pytest.mark.parametrize("length", range(4))
def test_reachable_after_is_what_whole_words_reach(length: int) -> None:
    # And with whole words, through `run`. Octets that behave alike in every state are one class; one of each will do.
    classes = {tuple(utf8.step(state, octet) for state in STATES): octet for octet in range(256)}
    words = [bytes(word) for word in product(classes.values(), repeat=length)]
    for state in STATES:
        assert utf8.reachable_after(state, length) == {utf8.run(word, state) for word in words}


@pytest.mark.parametrize("state", STATES)
def test_reachable_after_saturates(state: int) -> None:
    assert utf8.reachable_after(state, utf8.SATURATION) == utf8.reachable_after(state, 2**63)
    assert utf8.reachable_after(state, 2**64) == ({REJECT} if state == REJECT else set(STATES))


def test_saturation_is_as_early_as_can_be() -> None:
    before = utf8.SATURATION - 1
    assert any(utf8.reachable_after(state, before) != utf8.reachable_after(state, before + 1) for state in STATES)


def test_negative_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="a length is not negative"):
        utf8.reachable_after(ACCEPT, -1)


# --- octets that lead somewhere


@pytest.mark.parametrize("state", STATES)
def test_shortest_octets_lead_there_or_nothing_does(state: int) -> None:
    for target, length in product(STATES, range(9)):
        if target not in utf8.reachable_after(state, length):
            with pytest.raises(ValueError, match=f"no {length} octets lead from"):
                utf8.shortest_octets(state, target, length)
            continue
        data = utf8.shortest_octets(state, target, length)
        assert len(data) == length
        assert fold(data, state) == target
        assert data == utf8.shortest_octets(state, target, length)
        if target == REJECT != state:
            assert utf8.first_reject(data, state) == length - 1, "rejected no earlier than need be"


@given(any_state, any_state, st.integers(0, 100_000))
def test_shortest_octets_of_any_length(state: int, target: int, length: int) -> None:
    if target in utf8.reachable_after(state, length):
        data = utf8.shortest_octets(state, target, length)
        assert len(data) == length
        assert utf8.run(data, state) == target


def test_shortest_octets_are_readable_where_they_can_be() -> None:
    assert utf8.shortest_octets(ACCEPT, ACCEPT, 5) == b"aaaaa"
    assert utf8.shortest_octets(ACCEPT, REJECT, 3) == b"aa\x80"
    assert utf8.shortest_octets(utf8.TAIL1, ACCEPT, 3) == b"\x80aa"
    for state, way in WAY_IN.items():
        assert utf8.run(way) == state
