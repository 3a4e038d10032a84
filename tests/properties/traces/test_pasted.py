"""Octets as people paste them: no offset and no text column is taken for octets, and what was read is said."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import LINKS, Sent, ip4, on_link, segments_of, tcp
from wsoracle.properties.traces.pasted import octets_of, of_curl
from wsoracle.properties.traces.rows import RowError, blocks_of
from wsoracle.text.hexadecimal import hex_of

HELLO = bytes.fromhex("810548656c6c6f")


@pytest.mark.parametrize(
    "text",
    [
        "810548656c6c6f",
        "81 05 48 65 6c 6c 6f",
        "81:05:48:65:6C:6C:6F",
        "0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f",
        "0x810548656c6c6f",
        "\\x81\\x05\\x48\\x65\\x6c\\x6c\\x6f",
        " 8105\n4865\t6c6c\r\n6f\n",
        "81-05-48-65-6c-6c-6f",
    ],
)
def test_every_usual_way_of_writing_octets(text: str) -> None:
    assert octets_of(text) == (HELLO, "")


@pytest.mark.parametrize("text", ["", "  \n", "0x"])
def test_no_octets(text: str) -> None:
    assert octets_of(text).octets == b""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("8", "8 has 1 digit"),
        ("81 0", "0 has 1 digit"),
        ("810", "810 has 3 digits"),
        ("8g", "'g' is no hexadecimal digit"),
        ("81 ٣٣", "is no hexadecimal digit"),
        ("f" * 99, "ffffffffffffffffffff... has 99 digits"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError) as error:
        octets_of(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=40))
def test_there_and_back(octets: bytes) -> None:
    assert octets_of(hex_of(octets)).octets == octets


def shown(octets: bytes, point: str = ".") -> str:
    return "".join(chr(octet) if 0x20 <= octet < 0x7F else point for octet in octets)


def pairs(octets: bytes) -> str:
    return " ".join(octets[at : at + 2].hex() for at in range(0, len(octets), 2))


def xxd(octets: bytes, offset: int) -> str:
    return f"{offset:08x}: {pairs(octets):<40} {shown(octets)}"


def hexdump(octets: bytes, offset: int) -> str:
    return f"{offset:08x}  {octets[:8].hex(' '):<23}  {octets[8:].hex(' '):<24} |{shown(octets)}|"


def wireshark(octets: bytes, offset: int) -> str:
    return f"{offset:04x}  {octets.hex(' '):<48}  {shown(octets)}"


def tcpdump(octets: bytes, offset: int) -> str:
    return f"\t0x{offset:04x}:  {pairs(octets):<40} {shown(octets).replace(' ', '.')}"


def followed(octets: bytes, offset: int) -> str:
    return f"{offset:08X}  {octets[:8].hex(' '):<23}  {octets[8:].hex(' '):<24} {shown(octets[:8])} {shown(octets[8:])}"


def octal(octets: bytes, offset: int) -> str:
    return f"{offset:07o} {octets.hex(' ')}"


def words(octets: bytes, offset: int) -> str:
    padded = octets + bytes(len(octets) % 2)
    return f"{offset:07x} " + " ".join(padded[at : at + 2][::-1].hex() for at in range(0, len(padded), 2))


def dump(show: Callable[[bytes, int], str], octets: bytes) -> str:
    return "\n".join(show(octets[at : at + 16], at) for at in range(0, len(octets), 16))


@given(
    st.sampled_from((xxd, hexdump, wireshark, tcpdump, followed, octal, words)),
    st.one_of(
        st.binary(min_size=1, max_size=70), st.text("abcdef0123456789 |.", min_size=1, max_size=70).map(str.encode)
    ),
)
def test_rows_give_their_octets(show: Callable[[bytes, int], str], octets: bytes) -> None:
    """Text that looks like digits stays text, whatever the octets are."""
    ends: dict[Callable[[bytes, int], str], str] = {octal: f"\n{len(octets):07o}", words: f"\n{len(octets):07x}"}
    pasted = octets_of(dump(show, octets) + ends.get(show, ""))
    assert pasted.octets == octets
    assert pasted.taken_for.startswith("rows ")


def test_rows_that_are_repeated_are_filled_in() -> None:
    text = "00000000  01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 02  |................|\n*\n00000030\n"
    assert octets_of(text).octets == (b"\1" + bytes(14) + b"\2") * 3
    with pytest.raises(RowError, match="more than"):
        blocks_of("0000  00\n*\nffffffff")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0000  81 05 48\n0010  6c 6f", "it has 3 octets, and by the next offset 16: is one missing"),
        ("0000  81 05 48 65 6c 6c  ..Hello", "'..Hello' is neither octets nor the text"),
        ("00000000: 8105 4865  ..HI", "'..HI' is neither octets nor the text"),
        ("0000  81 05\nfoo", "'foo' is no row like the others"),
        ("0000  81 05\n0000  88 00", "rows that begin anew"),
        ("00000000  81 05\n    00000000  88 00", "rows of two directions"),
        ("<Buffer 81 05 ... 50 more bytes>", "the Buffer is cut (50 more bytes)"),
        ("[300, 1]", "300 is no number of an octet"),
        ("[129, 0x5g]", "'0x5g' is no number of an octet"),
        ("b'\\x8'", "is no escape that is known"),
        ("b'\\777'", "is more than an octet"),
        ("'\\x81é'", "is no octet by itself"),
        ("GET / HTTP/1.1\nHost: a", "give that with --request or --response"),
        ("> GET / HTTP/1.1\n> Host: a", "give that with --request or --response"),
        ("8105486g", "'g' is no hexadecimal digit"),
        ("hello", "'h' is no hexadecimal digit"),
    ],
)
def test_what_is_no_octets_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(ValueError) as error:
        octets_of(text)
    assert words in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("text", "taken_for"),
    [
        ("\\x81\\x05Hello", "a string with escapes"),
        ("b'\\x81\\x05Hello'", "a string in quotes"),
        ('"\\201\\5Hello"', "a string in quotes"),
        ('"\\u0081\\u0005Hello"', "a string in quotes"),
        ('"\\x81\\x05" \\\n"Hello"', "a string in quotes"),
        ("<Buffer 81 05 48 65 6c 6c 6f>", "a Buffer of Node.js"),
        ("gQVIZWxsbw==", "base64"),
        ("[129, 5, 72, 101, 108, 108, 111]", "a list of decimal numbers"),
        ("Uint8Array(7) [\n  129, 5, 72, 101, 108, 108, 111\n]", "a list of decimal numbers"),
        ("[-127, 5, 72, 101, 108, 108, 111]", "a list of decimal numbers"),
        ("[]byte{0x81, 0x5, 0x48, 0x65, 0x6c, 0x6c, 0x6f}", "a list of hexadecimal numbers"),
        (
            "char peer0_0[] = { /* Packet 4 */\n0x81, 0x05, 0x48, 0x65,\n0x6c, 0x6c, 0x6f };",
            "a list of hexadecimal numbers",
        ),
        ("[129, 0x5, 72, 101, 108, 108, 111]", "a list of hexadecimal numbers"),
        ("'810548656c6c6f'", ""),
    ],
)
def test_octets_as_languages_write_them(text: str, taken_for: str) -> None:
    assert octets_of(text) == (HELLO, taken_for)


@given(st.binary(max_size=60))
def test_strings_and_lists_of_python_are_read_back(octets: bytes) -> None:
    written = "b'" + "".join(f"\\x{octet:02x}" for octet in octets) + "'"
    assert octets_of(written).octets == octets
    if b"\\" in repr(octets).encode():
        assert octets_of(repr(octets)).octets == octets
    if octets:
        assert octets_of(repr(list(octets))).octets == octets
    encoded = base64.b64encode(octets).decode()
    if encoded.endswith("="):
        assert octets_of(encoded) == (octets, "base64")


@given(st.text("0123456789abcdefx\\ :[]{}<>'\"=\n|,-*.BufrGETHP/1", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        octets_of(text)
    except ValueError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("link", [link for link in LINKS if link != "loop"])
def test_of_packets_the_headers_are_left_out(link: str) -> None:
    sent = segments_of([(True, HELLO), (True, b"\x88\x80abcd")])
    packets = [on_link(link, ip4(one.client, tcp(one)))[1] for one in sent]

    def rows(some: list[bytes]) -> str:
        return "\n".join(f"12:00:00.1 IP a > b: Flags\n{dump(tcpdump, one)}" for one in some)

    pasted = octets_of(rows(packets[3:]))
    assert pasted == (HELLO + b"\x88\x80abcd", "rows of tcpdump: 2 packets, whose headers of IP and TCP are left out")
    answer = on_link(link, ip4(False, tcp(Sent(False, 1, 1, 16, b"\x88\0"))))[1]
    for some, says in (
        ([packets[3], answer], "the packets go both ways"),
        ([packets[4], packets[3]], "do not follow on each other"),
        ([packets[3], HELLO], "some of the rows are a packet"),
    ):
        with pytest.raises(ValueError, match=says):
            octets_of(rows(some))


def test_what_wireshark_made_of_octets_is_left_out() -> None:
    packet = ip4(True, tcp(Sent(True, 1, 1, 16, HELLO)))
    text = f"Frame (47 bytes):\n{dump(wireshark, packet)}\nUnmasked data (5 bytes):\n0000  48 65 6c 6c 6f   Hello\n"
    assert octets_of(text).octets == HELLO


def test_of_curl_the_last_exchange_is_read() -> None:
    told = (
        b"* Trying\n> GET /a HTTP/1.1\r\n> Host: a\r\n> \r\n< HTTP/1.1 301 Moved\r\n< \r\n* Again\n"
        b"> GET /b HTTP/1.1\n> Host: a\n>\n{ [5 bytes data]\n< HTTP/1.1 101 Switching\n< Upgrade: websocket\n< \n"
    )
    assert of_curl(told, sent=True) == b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
    assert of_curl(told, sent=False) == b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"
    assert of_curl(b"GET / HTTP/1.1\r\nX: a\r\n> b: c\r\n\r\n", sent=True) is None
    assert of_curl(b"> GET / HTTP/1.1", sent=False) is None
