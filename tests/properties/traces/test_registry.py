"""Files of others are recognised by what they hold, and both ends of each connection in them are judged."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import (
    ANSWER,
    LINKS,
    OPENING,
    REQUEST,
    Said,
    Sent,
    ip4,
    ip6,
    on_link,
    packets_of,
    pcap,
    pcapng,
    segments_of,
    tcp,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.traces.conversation import CapturedConnection
from wsoracle.properties.traces.recorded import Recorded, TraceError
from wsoracle.properties.traces.registry import read_file
from wsoracle.properties.traces.tcp import Passed, TcpEnd

SHARED = Path(__file__).resolve().parents[4] / "shared" / "captures"

HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
ECHO = b"\x81\x05Hello"
PING, PONG = b"\x89\x01a", b"\x8a\x81\x01\x02\x03\x04\x60"
CLOSES = [b"\x88\x82\x11\x22\x33\x44\x12\xca", b"\x88\x02\x03\xe8"]
FRAMES = {
    True: [HELLO, PONG, CLOSES[0], b"\x89\x80abcd", b"\x81\x05Hello", b"\x83\x80abcd", b"\x81\x82\0\0\0\0\xff\xff"],
    False: [
        ECHO,
        PING,
        CLOSES[1],
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        b"\x09\x00",
        b"\xc1\x00",
        b"\x80\x00",
    ],
}
FINE: list[Said] = [
    *OPENING, (True, HELLO), (False, PING), (True, PONG), (False, ECHO), (True, CLOSES[0]), (False, CLOSES[1]),
    (False, "FIN"), (True, "FIN"),
]  # fmt: skip


def verdicts(octets: bytes) -> list[tuple[str, str, tuple[str, ...]]]:
    return [_verdict(trace.recorded) for trace in read_file(octets).traces]


def _verdict(recorded: Recorded) -> tuple[str, str, tuple[str, ...]]:
    judgement = recorded.judged()
    return recorded.setting.role.value, judgement.verdict.value, judgement.rules


GOOD = [("client", "OK", ()), ("server", "OK", ())]


@pytest.mark.parametrize("link", LINKS)
def test_every_link_is_read(link: str) -> None:
    for ip in (ip4, ip6, lambda client, data: ip6(client, data, extension=True)):
        packets = [on_link(link, ip(one.client, tcp(one))) for one in segments_of(FINE)]
        assert verdicts(pcap(packets)) == verdicts(pcapng(packets)) == GOOD


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_form_of_a_file_is_read(order: str) -> None:
    packets = packets_of(segments_of(FINE))
    for file in (
        pcap(packets, order=order), pcap(packets, order=order, nano=True),
        pcapng(packets, order=order), pcapng(packets, order=order, simple=True),
        pcapng(packets, order=order) + pcapng(packets_of(segments_of(FINE), "raw", (5, 6)), order="<"),
    ):  # fmt: skip
        assert verdicts(file)[:2] == GOOD
    assert verdicts(file) == GOOD * 2


def test_interfaces_of_one_capture_may_differ() -> None:
    packets = packets_of(segments_of(FINE))
    other = packets_of(segments_of(FINE), "cooked", (41000, 80))
    file = read_file(pcapng([one for pair in zip(packets, other, strict=True) for one in pair]))
    assert [one.connection for one in file.traces[::2]] == [
        "10.0.0.1:40000 -> 10.0.0.2:80",
        "10.0.0.1:41000 -> 10.0.0.2:80",
    ]
    assert all(trace.recorded.judged().verdict.value == "OK" for trace in file.traces)
    times = file.traces[0].recorded.times
    assert times is not None and times[0] == 0 and list(times) == sorted(times)


@given(st.data())
def test_a_capture_gets_the_verdict_of_its_trace(data: st.DataObject) -> None:
    """Both ends, whatever they do: the judge says of a capture what it says of the trace that it was made from."""
    sides = data.draw(st.lists(st.booleans(), max_size=4))
    said: list[Said] = [*OPENING, *((side, data.draw(st.sampled_from(FRAMES[side]))) for side in sides)]
    said += data.draw(st.sampled_from([[], [(True, "FIN")], [(False, "FIN"), (True, "FIN")], [(False, "RST")]]))
    cuts = data.draw(st.lists(st.integers(1, 200), max_size=8))
    file = pcap(packets_of(segments_of(said, cuts, (2**32 - 100, 7))))
    passed = tuple(Passed(side, what if isinstance(what, bytes) else TcpEnd(what), 0.0) for side, what in said)
    traces = [CapturedConnection("", passed).seen_from(role) for role in (Role.CLIENT, Role.SERVER)]
    assert verdicts(file) == [_verdict(trace) for trace in traces]


@given(st.lists(st.booleans(), min_size=20, max_size=20), st.integers(0, 200))
def test_losses_and_ends_of_a_capture_accuse_nobody(kept: list[bool], short: int) -> None:
    sent = segments_of(FINE, [60] * 6)
    some = [one for number, one in enumerate(sent) if number < 3 or kept[number % 20]]
    for file in (pcap(packets_of(some)), pcap(packets_of(sent))[: -short - 1]):
        try:
            found = verdicts(file)
        except TraceError as error:
            assert "no WebSocket connection is in it" in str(error)
        else:
            assert all(verdict in ("OK", "INFORMATIONAL") and not rules for _, verdict, rules in found)


def test_a_connection_captured_from_its_middle_is_not_judged() -> None:
    sent = segments_of(FINE)
    for first in range(4, len(sent)):
        with pytest.raises(TraceError, match="captured from the middle: not judged"):
            read_file(pcap(packets_of(sent[first:])))
    assert verdicts(pcap(packets_of(sent[3:]))) == GOOD  # the handshake is there whole
    late: list[Said] = [(True, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (False, b"HTTP/1.1 200 OK\r\n\r\n"), *FINE]
    assert verdicts(pcap(packets_of(segments_of(late)))) == GOOD  # requests before it are not of this protocol
    assert verdicts(pcap(packets_of(segments_of(late)[4:]))) == GOOD


def test_an_opening_handshake_with_faults_is_found_all_the_same() -> None:
    for request in (REQUEST.replace(b"websocket", b"other"), REQUEST.replace(b"GET", b"POST"), REQUEST[4:]):
        found = verdicts(pcap(packets_of(segments_of([(True, request), (False, ANSWER)]))))
        assert found[0][1] == "FAILED"


def test_what_is_in_no_connection_is_said() -> None:
    tls = packets_of(segments_of([(True, b"\x16\x03\x01\x00\x05hello")]), ports=(7, 443))
    plain = packets_of(segments_of([(True, b"GET / HTTP/1.1\r\n\r\n")]), ports=(8, 80))
    good = packets_of(segments_of(FINE))
    assert read_file(pcap([*tls, *plain, *good])).notes == (
        "1 TCP connection with TLS, whose octets are not shown without its keys: not judged",
        "1 TCP connection without an opening handshake: not judged",
    )
    assert read_file(pcapng([*good, (147, b"x")])).notes == ("1 packet of link type 147, which is not read",)
    for file, words in (
        (pcap(tls), "with TLS"),
        (pcap([]), "no TCP connection is in it"),
        (pcap([])[:9], "ends inside"),
    ):
        with pytest.raises(TraceError, match=words):
            read_file(file)


def test_a_half_closed_connection_is_read_on() -> None:
    ends: list[Said] = [*OPENING, (True, CLOSES[0]), (True, "FIN"), (False, ECHO), (False, CLOSES[1]), (False, "FIN")]
    assert verdicts(pcap(packets_of(segments_of(ends)))) == GOOD


@pytest.mark.skipif(not SHARED.is_dir(), reason="recorded traffic of others is not beside this checkout")
def test_recorded_traffic_of_others_gets_its_known_verdicts() -> None:
    failed = {}
    for path in sorted(SHARED.glob("*/*")):
        for role, verdict, rules in verdicts(path.read_bytes()):
            if verdict != "OK":
                failed[path.name, role] = verdict, rules
    assert failed == {
        ("broker-websocket.pcap", "server"): (
            "FAILED",
            ("7.3/closing-handshake-first", "5.5.1/answer-close-first"),
        ),
        ("oversized-close-frame.pcapng", "server"): ("FAILED", ("5.2/send-minimal-length", "5.5/control-length")),
        ("websocket-ping--input.pcap", "client"): ("FAILED", ("5.1/client-masks", "7.1.1/close-cleanly")),
        ("wrong-accept-header.pcap", "server"): ("FAILED", ("4.2.2/send-accept",)),
        ("wstunnel-http.pcap", "client"): ("FAILED", ("5.1/client-masks", "7.1.1/close-cleanly")),
    }


def test_packets_that_are_too_short_are_passed_over() -> None:
    whole = [
        on_link(link, ip(one.client, tcp(one))) for link in LINKS for ip in (ip4, ip6) for one in [Sent(True, 1, 1, 16)]
    ]
    for link, octets in whole:
        for end in range(len(octets)):
            with pytest.raises(TraceError):
                read_file(pcap([(link, octets[:end])]))


def test_a_compressed_file_is_to_be_unpacked() -> None:
    """Wireshark writes captures with gzip, too."""
    with pytest.raises(TraceError, match="it is compressed: unpack it first"):
        read_file(gzip.compress(pcap(packets_of(segments_of(FINE)))))
