"""Streams that Wireshark followed, and packets as text: the same verdict as the conversation that they show."""

import base64

import pytest

from tests.capture_files import ANSWER, OPENING, REQUEST, Said, packets_of, segments_of
from tests.properties.traces.test_pasted import dump, followed, tcpdump, wireshark
from wsoracle.properties.traces.recorded import TraceError
from wsoracle.properties.traces.registry import read_file

HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
SAID: list[Said] = [*OPENING, (True, HELLO), (False, b"\x89\x00"), (True, b"\x81\x00")]
HEADER = "\n===\nFollow: tcp,{}\nFilter: tcp.stream eq 0\nNode 0: 10.0.0.1:40000\nNode 1: 10.0.0.2:80\n"


def octets_said() -> list[tuple[bool, bytes]]:
    return [(client, what) for client, what in SAID if isinstance(what, bytes)]


def as_hex(indent: str) -> str:
    at = {True: 0, False: 0}
    lines = []
    for client, what in octets_said():
        for begin in range(0, len(what), 16):
            lines.append(("" if client else indent) + followed(what[begin : begin + 16], at[client] + begin))
        at[client] += len(what)
    return "\n".join(lines) + "\n"


def as_raw() -> str:
    return "".join(("" if client else "\t") + what.hex() + "\n" for client, what in octets_said())


def as_yaml() -> str:
    peers = "".join(f"  - peer: {n}\n    host: 10.0.0.{n + 1}\n    port: {n + 80}\n" for n in (0, 1))
    text = f"peers:\n{peers}packets:\n"
    for number, (client, what) in enumerate(octets_said()):
        data = base64.b64encode(what).decode()
        rows = "".join(f"      {data[at : at + 76]}\n" for at in range(0, len(data), 76))
        text += f"  - packet: {number}\n    peer: {int(not client)}\n    timestamp: 170.{number}\n"
        text += f"    data: !!binary |\n{rows}"
    return text


def as_arrays() -> str:
    rows = enumerate(octets_said())
    return "".join(
        f"char peer{int(not client)}_{n}[] = {{ /* Packet {n} */\n{', '.join(f'0x{octet:02x}' for octet in what)} }};\n"
        for n, (client, what) in rows
    )


STREAMS = {
    "tshark hex": HEADER.format("hex") + as_hex("\t") + "===\n",
    "Wireshark hex": as_hex("    "),
    "tshark raw": HEADER.format("raw") + as_raw() + "===\n",
    "YAML": as_yaml(),
    "arrays of C": as_arrays(),
}


@pytest.mark.parametrize("form", STREAMS)
def test_a_followed_stream_is_judged(form: str) -> None:
    for text in (STREAMS[form], STREAMS[form].replace("\n", "\r\n")):
        client, server = read_file(text.encode()).traces
        assert client.recorded.judged().rules == ("5.1/client-masks",)
        assert server.recorded.judged().verdict.value == "OK"
        assert client.notes[0] == "how TCP ended is not shown, and is not judged"
        assert (client.recorded.times is not None) == (form == "YAML")


def test_a_stream_is_judged_up_to_where_octets_are_missing() -> None:
    text = (REQUEST.hex(), "\t" + ANSWER.hex(), "\t" + b"\x81\x05He[3 bytes missing in capture file]\0".hex(), "8100")
    client, server = read_file((HEADER.format("raw") + "\n".join(text)).encode()).traces
    for trace in (client, server):
        assert trace.recorded.judged().verdict.value == "OK"
        assert "segments are missing from the capture: judged up to there" in trace.notes


@pytest.mark.parametrize("show", [tcpdump, wireshark])
def test_packets_in_rows_are_judged(show: object) -> None:
    assert callable(show)
    packets = [octets for _, octets in packets_of(segments_of(SAID), "raw" if show is tcpdump else "ethernet")]
    text = "".join(f"12:00:00.1 IP a > b: Flags\n{dump(show, packet)}\n" for packet in packets)
    client, server = read_file(text.encode()).traces
    assert client.recorded.judged().rules == ("5.1/client-masks",)
    assert server.recorded.judged().verdict.value == "OK"
    assert client.recorded.times is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER.format("ascii") + "175\nGET / HTTP/1.1", "line 7: it is not raw octets in hex"),
        (HEADER.format("raw") + b"\x81\x00".hex(), "does not begin with an opening handshake"),
        ("0000  81 00\n0000  81 00\n", "line 2: the offsets begin anew"),
        ("0000  81 00 05\n0002  81 00\n", "line 1: the text '05' is not that"),
        (as_yaml().replace("R0VU", "R0V?", 1), "data that are not base64"),
        ("char peer0_0[] = { five };", "something else than octets"),
        (HEADER.format("raw") + "\0", "not"),
    ],
)
def test_what_is_no_stream_is_refused(text: str, words: str) -> None:
    with pytest.raises(TraceError, match=words):
        read_file(text.encode())
