"""TCP put together: however a conversation was cut, sent again, swapped or doubled, it is read as it was said."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import ANSWER, OPENING, REQUEST, Said, Sent, ip4, segments_of, tcp
from wsoracle.properties.traces.packets import Packet, segments
from wsoracle.properties.traces.tcp import Passed, TcpConnection, TcpEnd, connections

Flat = list[tuple[bool, bytes]]


def read(sent: list[Sent], ports: tuple[int, int] = (40000, 80)) -> TcpConnection:
    packets = [Packet(number, 101, ip4(one.client, tcp(one, ports))) for number, one in enumerate(sent)]
    (connection,) = connections(segments(packets))
    return connection


def flat(passed: list[Passed], client: bool = True) -> Flat:
    """What passed, joined where one end goes on."""
    rows = [
        (one.first is client, one.what.value.encode() if isinstance(one.what, TcpEnd) else one.what) for one in passed
    ]
    return [(side, b"".join(what for _, what in group)) for side, group in groupby(rows, key=lambda row: row[0])]


def said_flat(said: list[Said]) -> Flat:
    rows = [(side, what if isinstance(what, bytes) else what.encode()) for side, what in said if what]
    return [(side, b"".join(what for _, what in group)) for side, group in groupby(rows, key=lambda row: row[0])]


def is_prefix(part: Flat, whole: Flat) -> bool:
    if not part:
        return True
    *head, (side, last) = part
    at = len(head)
    return head == whole[:at] and at < len(whole) and whole[at][0] == side and whole[at][1].startswith(last)


OCTETS = st.binary(min_size=1, max_size=40)
TALK = st.lists(st.tuples(st.booleans(), OCTETS), min_size=1, max_size=8)
ENDS: list[list[Said]] = [
    [],
    [(True, "FIN")],
    [(False, "FIN")],
    [(True, "FIN"), (False, b"late"), (False, "FIN")],
    [(False, "FIN"), (True, "FIN")],
    [(True, "RST")],
    [(False, "FIN"), (True, b"late"), (False, "RST")],
]
FIRST = st.one_of(st.sampled_from([0, 2**32 - 1, 2**32 - 2, 2**32 - 20, 2**31]), st.integers(0, 2**32 - 1))


@st.composite
def shuffled(draw: st.DrawFn, sent: list[Sent]) -> list[Sent]:
    """Segments as a bad network and a bad capture show them: doubled, sent again in other pieces, and swapped."""
    rows = [(number * 4, one) for number, one in enumerate(sent)]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(sent) - 1))
        one = sent[at]
        late = draw(st.integers(0, 5))
        again = one.moved(draw(st.integers(0, len(one.data)))) if one.data else one
        following = sent[at + 1] if at + 1 < len(sent) else None
        if following is not None and following.client == one.client and following.data and draw(st.booleans()):
            again = Sent(again.client, again.seq, again.ack, again.flags, again.data + following.data)
        rows.append(((at + late) * 4 + 1, again))
    moved = [(place + draw(st.integers(0, 14)) if one.data or one.flags & 1 else place, one) for place, one in rows[3:]]
    return [one for _, one in [*rows[:3], *sorted(moved, key=lambda row: row[0])]]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Said], list[Sent]]:
    said = [*draw(TALK), *draw(st.sampled_from(ENDS))]
    cuts = draw(st.lists(st.integers(1, 30), max_size=20))
    return said, segments_of(said, cuts, (draw(FIRST), draw(FIRST)))


@given(st.data(), conversations())
def test_a_conversation_is_read_as_it_was_said(
    data: st.DataObject, conversation: tuple[list[Said], list[Sent]]
) -> None:
    said, sent = conversation
    reset = said[-1][1] == "RST"
    connection = read(data.draw(shuffled(sent)) if not reset else sent)
    assert flat(connection.passed) == said_flat(said)
    ended = reset or {side for side, what in said if what == "FIN"} == {True, False}
    assert connection.cut == ("" if ended else "the capture does not show the end of the connection")


@given(st.data(), conversations())
def test_of_a_capture_with_losses_only_what_is_certain_is_read(
    data: st.DataObject, conversation: tuple[list[Said], list[Sent]]
) -> None:
    said, sent = conversation
    kept = [one for one in sent[3:] if data.draw(st.integers(0, 5))]
    connection = read([*sent[:3], *kept])
    assert is_prefix(flat(connection.passed), said_flat(said))
    if len(kept) < len(sent) - 3:
        assert connection.cut


def test_an_octet_sent_with_two_values_ends_what_is_known() -> None:
    sent = segments_of([*OPENING, (False, b"\x81\x03abc"), (True, b"x"), (False, b"\x81\x01d")])
    twice = Sent(False, sent[5].seq, sent[5].ack, sent[5].flags, b"\x81\x03aBc")
    for late in (6, 8):  # right after the first copy, or once it was answered
        connection = read([*sent[:late], twice, *sent[late:]])
        assert flat(connection.passed) == said_flat(OPENING)
        assert connection.cut == "octets were sent again with other values, and which of them arrived is not shown"
    keep_alive = Sent(False, sent[5].seq + 4, sent[5].ack, sent[5].flags, b"\0")
    assert "other values" not in read([*sent[:6], keep_alive, *sent[6:]]).cut


def test_a_reset_before_what_its_end_has_sent_is_none() -> None:
    """Its receiver drops a reset out of the window (RFC 9293, section 3.10.7.4): it may come from anyone."""
    talk: list[Said] = [*OPENING, (False, b"\x81\x01a"), (True, b"x"), (False, "FIN"), (True, "FIN")]
    sent = segments_of(talk)
    for at in range(5, len(sent)):
        connection = read([*sent[:at], Sent(False, 2001, 1001, 4), *sent[at:]])
        assert flat(connection.passed) == said_flat(talk) and not connection.cut


def test_behind_the_end_of_a_direction_there_is_no_octet() -> None:
    """A keep-alive (RFC 9293, section 3.8.4) repeats the last number of its sender, here that of FIN."""
    sent = segments_of([*OPENING, (False, "FIN"), (True, "FIN")])
    keep_alive = Sent(False, sent[5].seq, sent[5].ack, 16, b"\0")
    assert flat(read([*sent[:6], keep_alive, *sent[6:]]).passed) == said_flat([*OPENING, (False, "FIN"), (True, "FIN")])


def test_what_was_captured_in_part_is_known_up_to_there() -> None:
    sent = segments_of([*OPENING, (False, b"\x82\x7e\x02\x00" + bytes(512)), (True, b"x")])
    packets = [Packet(0, 101, ip4(one.client, tcp(one))[:300]) for one in sent]
    (connection,) = connections(segments(packets))
    assert flat(connection.passed)[-1] == (False, ANSWER + b"\x82\x7e\x02\x00" + bytes(256))
    assert connection.cut == "packets were captured in part (a snap length, or the end of the file)"


def test_ports_may_be_used_again() -> None:
    first = segments_of([*OPENING, (True, "FIN"), (False, "FIN")])
    second = segments_of([(True, REQUEST), (False, b"HTTP/1.1 403 Forbidden\r\n\r\n")], first=(77, 88))
    packets = [Packet(0, 101, ip4(one.client, tcp(one))) for one in [*first, *second, second[0]]]
    one, other = connections(segments(packets))
    assert len(flat(one.passed)) == 4
    assert flat(other.passed)[1][1].startswith(b"HTTP/1.1 403")


def test_octets_in_the_first_segment_count() -> None:
    """TCP Fast Open (RFC 7413): a SYN carries data."""
    sent = segments_of(OPENING)
    fast = [Sent(True, 1000, 0, 2, REQUEST), sent[1], sent[2], *sent[3:]]
    assert flat(read(fast).passed) == said_flat(OPENING)


def test_of_a_direction_that_was_not_captured_nothing_is_made_up() -> None:
    sent = segments_of([*OPENING, (True, b"\x81\x80abcd"), (True, b"more")])
    connection = read([one for one in sent if one.client])
    assert flat(connection.passed) == [(True, REQUEST)]
    assert connection.cut == "segments are missing from the capture"
