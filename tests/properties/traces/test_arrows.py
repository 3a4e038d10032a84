"""A conversation as people write it, line by line: what it says passed, in order, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import ANSWER, REQUEST
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.observation import Arrives, Writes
from wsoracle.properties.traces.arrows import is_written, read_written
from wsoracle.properties.traces.recorded import TraceError
from wsoracle.properties.traces.registry import read_file

HELLO, ECHO = "81 85 37 fa 21 3d 7f 9f 4d 51 58", "81 05 48 65 6c 6c 6f"
LINES = st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=12)), min_size=2, max_size=8)


def signed(sign: str, head: bytes) -> str:
    return "".join(f"{sign} {line}\n" for line in head.decode().split("\r\n")[:-1])


HEADS = signed(">", REQUEST) + "* a remark\n" + signed("<", ANSWER)


@given(LINES.filter(lambda lines: len({client for client, _ in lines}) == 2))
def test_each_line_is_octets_of_one_end_in_the_order_of_the_text(lines: list[tuple[bool, bytes]]) -> None:
    text = "".join(f"{'>' if client else '<'} {octets.hex(' ')}\n" for client, octets in lines)
    (of_client, of_server) = read_file(text.encode()).traces
    assert of_client.recorded.trace == tuple((Writes if client else Arrives)(octets) for client, octets in lines)
    assert of_server.recorded.trace == tuple((Arrives if client else Writes)(octets) for client, octets in lines)
    assert of_client.recorded.setting.role is Role.CLIENT and not of_client.recorded.opening


@given(st.text(max_size=40) | st.text("<>* 81\n", max_size=30))
def test_any_other_text_ends_with_a_sentence(text: str) -> None:
    octets = f"> 8100\n< 8100\n{text}".encode("utf-8", "surrogateescape")
    try:
        read_written(octets)
    except TraceError as error:
        assert "line" in str(error)


def test_heads_are_read_as_curl_tells_them_and_frames_behind_them() -> None:
    (client, server) = read_file(f"{HEADS}> {HELLO}\n< {ECHO}\n".encode()).traces
    assert client.recorded.opening
    assert [one.recorded.judged().verdict.value for one in (client, server)] == ["OK", "OK"]
    wrong = read_file(f"{HEADS}> {HELLO}\n< {HELLO}\n".encode()).traces[1]
    assert wrong.recorded.judged().rules == ("5.1/server-does-not-mask",)


@pytest.mark.parametrize("text", ["> 81 00\n", "> 81 00\nx\n< 81 00\n", "81 00", "", ">81 00\n<81 00\n"])
def test_what_is_no_conversation_is_not_taken_for_one(text: str) -> None:
    assert not is_written(text.encode())


def test_a_line_that_is_no_octets_is_named() -> None:
    with pytest.raises(TraceError, match="line 2: 'z' is no hexadecimal digit"):
        read_written(b"> 81 00\n< zz\n")
