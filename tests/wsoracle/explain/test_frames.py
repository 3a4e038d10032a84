"""Octets explained: by example, and that what is said of any octets is true."""

import io
import json
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.model.drawn import conversations
from wsoracle.explain.as_json import as_json
from wsoracle.explain.explanation import ExplainedOctets, ExplainError, FrameReading
from wsoracle.explain.frames import explain
from wsoracle.explain.text import lines, show
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import decode_header, encode
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role
from wsoracle.properties.traces.pasted import octets_of as pasted_octets
from wsoracle.text.output import console

SERVER, CLIENT = Setting(Role.SERVER), Setting(Role.CLIENT)
KEY = bytes.fromhex("37fa213d")


def octets_of(text: str) -> bytes:
    return pasted_octets(text).octets


def said(explanation: ExplainedOctets[FrameReading]) -> str:
    return "\n".join(line.plain for line in lines(explanation, 100))


def one(octets: str, setting: Setting = CLIENT, **before: Any) -> FrameReading:
    (reading,) = explain(octets_of(octets), setting, **before).readings
    return reading


# --- by example


def test_a_masked_text_frame_of_section_5_7() -> None:
    octets = octets_of("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert said(explain(octets, Setting(Role.SERVER, limit=100))) == (
        """\
received by a server in the state OPEN

frame 1: octets 0 to 10, 11 octets long
  81                       1... ....  FIN              1: the final fragment
                           .0.. ....  RSV1             0
                           ..0. ....  RSV2             0
                           ...0 ....  RSV3             0
                           .... 0001  opcode           1: text
  85                       1... ....  MASK             1: masked, a masking key follows
                           .000 0101  length           5 octets of payload
  37 fa 21 3d                         masking key
  7f 9f 4d 51 58                      payload          as sent, masked
  48 65 6c 6c 6f                      unmasked         "Hello"

  accepted: text message
    MUST      5.4/text-message   because opcode is text and fin
              section 5.4: "Clients and servers MUST support receiving both fragmented and
              unfragmented messages."
  afterwards: OPEN
  a client may send it"""
    )


def test_a_continuation_without_a_message() -> None:
    text = said(explain(octets_of("80 00"), CLIENT))
    assert text == (
        """\
received by a client in the state OPEN

frame 1: octets 0 to 1, 2 octets long
  80                       1... ....  FIN              1: the final fragment
                           .0.. ....  RSV1             0
                           ..0. ....  RSV2             0
                           ...0 ....  RSV3             0
                           .... 0000  opcode           0: continuation
  00                       0... ....  MASK             0: not masked
                           .000 0000  length           0 octets of payload

  refused: fail the connection with 1002 (protocol error)
    CONSENSUS 5.4/continuation-without-message   because opcode is continuation
              section 5.4: "A fragmented message consists of a single frame with the FIN bit clear
              and an opcode other than 0, followed by zero or more frames with the FIN bit clear and
              the opcode set to 0"
  to accept it departs from 5.4/continuation-without-message (CONSENSUS), and from no stronger rule
  afterwards: FAILED, to be closed with 1002
  it owes a Close frame, such as 88 82 37 fa 21 3d 34 10
    SHOULD    7.1.7/close-frame-owed
              section 7.1.7: "the endpoint SHOULD send a Close frame with an appropriate status code
              (Section 7.4) before proceeding to _Close the WebSocket Connection_."
  a server may not send it
    MUST      6.1/continuation-follows-fragment   because opcode is continuation
              section 6.1: "The opcode (frame-opcode) of the first frame containing the data MUST be
              set to the appropriate value from Section 5.2 for data that is to be interpreted by
              the recipient as text or binary data."
  legal here after this frame
      01 00   first text fragment
      try: --after 0100
  changes that make the frame legal here
      with opcode text, binary, close, ping or pong: 81 00"""
    )


def test_an_unmasked_frame_was_perhaps_for_a_client() -> None:
    reading = one("81 05 48 65 6c 6c 6f", SERVER)
    assert reading.outcomes[0].rules == ("5.1/server-refuses-unmasked",)
    assert reading.elsewhere is not None
    assert reading.elsewhere.nowhere
    assert [(change.words, change.octets) for change in reading.changes] == [
        ("masked", octets_of("81 85 37 fa 21 3d 7f 9f 4d 51 58"))
    ]
    assert reading.peer_accepts


@pytest.mark.parametrize(
    ("octets", "before", "barred"),
    [
        ("81 05 48 65 6c 6c 6f", {}, ["5.1/client-masks"]),
        ("81 80 37 fa 21 3d", {}, []),
        ("81 80 37 fa 21 3d", {"after": "88 80 37 fa 21 3d"}, ["5.5.1/no-data-after-close"]),
        ("89 80 37 fa 21 3d", {"after": "01 80 37 fa 21 3d"}, []),
        ("81 80 37 fa 21 3d", {"after": "01 80 37 fa 21 3d"}, ["5.4/send-not-interleaved"]),
        ("81 80 37 fa 21 3d", {"sent": "88 00"}, []),
        ("80 81 00 00 00 00 c3", {"after": "01 80 37 fa 21 3d"}, ["5.6/text-is-utf8"]),
        ("c1", {}, ["5.2/reserved-bits-zero"]),
        ("81", {}, []),
    ],
)
def test_a_frame_says_whether_its_sender_was_allowed_to_send_it(
    octets: str, before: dict[str, str], barred: list[str]
) -> None:
    """What the endpoint sent may be on its way: its Close does not bar the peer from sending."""
    reading = one(octets, SERVER, **{name: octets_of(value) for name, value in before.items()})
    assert [rule.id for rule in reading.breaks] == barred
    explanation = ExplainedOctets(SERVER, reading.before, (reading,))
    assert [rule["id"] for rule in as_json(explanation)["frames"][0]["sender"]["breaks"]] == barred
    assert ("a client may not send it" in said(explanation)) is bool(barred)


@given(st.data(), st.sampled_from(list(Role)))
def test_up_to_a_close_what_a_sender_may_not_send_is_what_its_peer_refuses(data: st.DataObject, sender: Role) -> None:
    frames = list(takewhile(lambda frame: frame.opcode != CLOSE, data.draw(conversations(sender))))
    for reading in explain(b"".join(map(encode, frames)) or b"\x81", Setting(sender.peer)).readings:
        assert bool(reading.breaks) is bool(reading.refusals)
        if reading.refusals:
            break


def test_an_extension_defines_bits_and_makes_payloads_of_its_own() -> None:
    """The payload is no UTF-8, and need not be: it is what the extension made of a text."""
    octets = octets_of("c1 81 00 00 00 00 ff")
    (plain,) = explain(octets, SERVER).readings
    assert [rule.id for rule in plain.breaks] == ["5.2/reserved-bits-zero", "5.6/text-is-utf8"]
    found = explain(octets, SERVER, extensions="x-unknown")
    assert not found.readings[0].breaks and not found.readings[0].refusals
    assert "x-unknown" in found.notes[0]
    assert explain(octets_of("a1 80 00 00 00 00"), SERVER, extensions="permessage-deflate").readings[0].breaks
    with pytest.raises(ExplainError, match="no list of extensions"):
        explain(octets, SERVER, extensions="=")


HELLO = "41 03 f2 48 cd 89 00 80 04 c9 c9 07 00 c1 05 f2 00 11 00 00"
"""Section 7.2.3 of RFC 7692: Hello in two frames, a Ping between them, and Hello again by reference to it."""


def test_a_compressed_message_is_explained_by_what_it_says() -> None:
    found = explain(octets_of(HELLO), CLIENT, extensions="permessage-deflate").readings
    assert [None if one.inflated is None else one.inflated.octets for one in found] == [b"He", None, b"llo", b"Hello"]
    assert all(one.outcomes[0].label.kind is Kind.ACCEPT and not one.breaks for one in found)
    assert found[3].inflated is not None and found[3].inflated.measured[4:6] == (5, 4)
    forgets = explain(octets_of(HELLO), CLIENT, extensions="permessage-deflate; server_no_context_takeover").readings
    assert [rule.id for rule in forgets[3].breaks] == ["7692.7.2.1/server-context"]
    begun = explain(octets_of("c1 7e 00 ff 07"), CLIENT, extensions="permessage-deflate").readings[0]
    assert begun.begun is not None and [rule.id for rule in begun.begun.fails] == ["7692.7.2.2/malformed"]
    json.dumps(as_json(explain(octets_of(HELLO), CLIENT, extensions="permessage-deflate")))


def test_a_frame_that_looks_compressed_is_said_to() -> None:
    found = explain(octets_of(HELLO), CLIENT)
    assert [None if one.inflated is None else one.inflated.octets for one in found.readings] == [
        b"He", None, b"llo", b"Hello",
    ]  # fmt: skip
    assert all(one.inflated is None or not one.inflated.agreed for one in found.readings)
    said = "\n".join(line.plain for line in lines(found, 100))
    assert "it looks like a compressed frame (RFC 7692): with permessage-deflate it would say" in said
    assert explain(octets_of("c1 05 48 65 6c 6c 6f"), CLIENT).readings[0].inflated is None


def test_a_new_message_inside_a_message_is_legal_once_that_is_finished() -> None:
    reading = one("81 00", after=octets_of("01 02 61 e2"))
    assert reading.outcomes[0].rules == ("5.4/interleaved-message",)
    assert reading.elsewhere is not None
    assert not reading.elsewhere.from_start
    assert [step.octets for step in reading.elsewhere.path or ()] == [octets_of("80 02 80 80")]


def test_reserved_bits_are_for_extensions() -> None:
    reading = one("e1 00")
    assert reading.elsewhere is not None
    assert reading.elsewhere.extension == ("RSV1", "RSV2")
    assert reading.elsewhere.path == ()
    assert [change.words for change in reading.changes] == ["with RSV1 clear and with RSV2 clear"]
    assert one("c1 00", state=State(claims_rsv1=True)).outcomes[0].label.kind is Kind.ACCEPT


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        ("83 00", "with opcode text, binary, close, ping or pong"),
        ("88 01 03", "with a payload of 0 octets"),
        ("88 02 03 ed", "with a status code of 1000-1004, 1007-1014 or 1016-65535"),
        ("81 04 61 e2 62 ff", "with text that is valid UTF-8"),
        ("09 00", "with FIN set"),
        ("81 80 00 00 00 00", "not masked"),
        ("89 7e 00 7e" + 126 * "00", "with a payload of 125 octets"),
    ],
)
def test_the_change_that_makes_it_legal(octets: str, words: str) -> None:
    changes = {change.words: change.octets for change in one(octets).changes}
    assert words in changes
    assert one(changes[words].hex()).outcomes[0].label.kind is Kind.ACCEPT


def test_a_code_inside_a_range_is_said_as_its_range() -> None:
    refusing = Setting(Role.SERVER, switches=Switches(codes_unassigned="refuse"))
    changes = [change.words for change in one("88 02 07 d0", refusing).changes]
    assert changes == [
        "masked and with a status code of 1012-1014",
        "masked and with a payload of 0 octets",
        "masked and with opcode ping",
    ]


def test_text_is_mended_octet_for_octet() -> None:
    changes = {change.words: change.octets for change in one("81 06 61 e2 62 ff c3 a9").changes}
    assert changes["with text that is valid UTF-8"] == octets_of("81 06 61 3f 62 3f c3 a9")


def test_a_disputed_point_is_named() -> None:
    reading = one("88 02 03 f4")
    assert [(d.switch.name, d.value) for d in reading.disputes] == [
        ("codes_1012_to_1014", "accept"),
        ("codes_1012_to_1014", "refuse"),
    ]
    refusing = Setting(Role.CLIENT, switches=Switches(codes_1012_to_1014="refuse"))
    assert one("88 02 03 f4", refusing).outcomes[0].rules == ("7.4.2/receive-later-codes",)
    assert not one("88 02 03 e8").disputes


def test_what_is_owed_comes_with_octets() -> None:
    ping = one("89 02 68 69")
    assert [(owed.due, owed.octets) for owed in ping.owed] == [
        (Due.PONG, encode(Frame(10, b"hi", key=KEY))),
    ]
    close = one("88 82 00 00 00 00 0f a1", SERVER)
    assert [(owed.due, owed.octets) for owed in close.owed] == [(Due.CLOSE, octets_of("88 02 0f a1"))]


def test_after_a_close_of_its_own_it_may_stop_reading() -> None:
    reading = one("8a 00", sent=octets_of("88 80 00 00 00 00"))
    assert [str(outcome.label) for outcome in reading.outcomes] == ["accept: pong", "ignore"]


def test_after_a_close_nothing_is_read() -> None:
    first, second = explain(octets_of("88 00 81 00"), CLIENT).readings
    assert first.after.got_close
    assert [str(outcome.label) for outcome in second.outcomes] == ["ignore"]
    assert second.elsewhere is not None
    assert (second.elsewhere.path, second.elsewhere.from_start) == ((), True)
    assert "legal right after the opening handshake" in said(explain(octets_of("88 00 81 00"), CLIENT))


def test_a_history_that_failed_is_told() -> None:
    text = said(explain(octets_of("81 00"), CLIENT, after=octets_of("83 00")))
    assert "FAILED, to be closed with 1002, after 1 frame received before" in text
    assert "the octets received before were refused: fail the connection with 1002" in text
    assert "7.1.7/nothing-after-failing" in text


def test_a_clause_is_quoted_once() -> None:
    text = said(explain(octets_of("89 00 89 00"), CLIENT))
    assert text.count("5.5.2/pong-owed") == 2
    assert text.count("section 5.5.2") == 2  # once for the Ping, once for the Pong that is owed


@pytest.mark.parametrize(
    ("octets", "missing", "header", "fails", "may_fail"),
    [
        ("81", 1, True, [], []),
        ("8b", 1, True, ["5.2/unknown-opcode"], []),
        ("89 7e", 2, True, [], []),
        ("89 7e 00", 1, True, [], []),
        ("89 7e 00 7e", 126, False, ["5.5/long-control"], []),
        ("81 80", 4, True, ["5.1/client-refuses-masked"], []),
        ("81 ff 80", 11, True, ["5.1/client-refuses-masked"], []),
        ("81 7f 80 00 00 00 00 00 00 00", 2**63, False, ["5.2/length-sign-bit"], ["10.4/unstated-limit"]),
        ("81 05 ff", 4, False, ["8.1/invalid-text"], ["10.4/unstated-limit"]),
        ("01 05 ff", 4, False, [], ["10.4/unstated-limit", "8.1/fail-fast"]),
        ("88 05 03 ed", 3, False, ["7.4.1/receive-code-1005"], []),
        ("88 05 03 e8 ff", 2, False, [], ["8.1/may-fail-close-reason", "7.4.1/may-fail-close-reason"]),
    ],
)
def test_what_the_beginning_of_a_frame_decides(
    octets: str, missing: int, header: bool, fails: list[str], may_fail: list[str]
) -> None:
    begun = one(octets).begun
    assert begun is not None
    assert (begun.missing, begun.header) == (missing, header)
    assert [rule.id for rule in begun.fails] == fails
    assert [rule.id for rule in begun.may_fail] == may_fail


def test_a_beginning_that_is_ignored_whatever_follows() -> None:
    begun = one("81", after=octets_of("83 00")).begun
    assert begun is not None
    assert [rule.id for rule in begun.ignored] == ["7.1.7/nothing-after-failing"]


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ({"after": b"\x81"}, "end inside a frame, which needs at least 1 more"),
        ({"sent": b"\x81"}, "the octets sent before end inside a frame"),
        ({"sent": b"\x81\x00"}, "a client may not send frame 1 .* 5.1/client-masks"),
    ],
)
def test_a_history_that_cannot_be(before: dict[str, bytes], says: str) -> None:
    with pytest.raises(ExplainError, match=says) as error:
        explain(b"\x81\x00", CLIENT, **before)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_nothing_of_a_payload_is_obeyed_by_a_terminal() -> None:
    evil = "\x1b]0;title\x07\u202e[bold]\r\n".encode()
    text = said(explain(encode(Frame(1, evil)), CLIENT))
    assert all(line.isprintable() for line in text.splitlines())
    assert r'"\x1b]0;title\x07\u202e[bold]\r\n"' in text


def test_plain_where_it_is_piped() -> None:
    out = io.StringIO()
    show(explain(octets_of("83 00"), CLIENT), console(out))
    text = out.getvalue()
    assert "\x1b" not in text
    assert all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())


# --- of any octets


frames = st.builds(
    Frame,
    opcode=st.sampled_from((0, 0, 1, 1, 2, 8, 8, 9, 10, 3, 11)),
    payload=st.one_of(
        st.binary(max_size=6),
        st.text(max_size=4).map(str.encode),
        st.builds(
            lambda code, reason: code.to_bytes(2, "big") + reason,
            st.one_of(st.integers(995, 1020), st.sampled_from((0, 2999, 3000, 4999, 5000, 65535))),
            st.one_of(st.just(b""), st.just(b"\xff"), st.just(b"ok")),
        ),
        st.just(bytes(126)),
    ),
    fin=st.booleans(),
    rsv1=st.sampled_from((False, False, False, True)),
    rsv3=st.sampled_from((False, False, False, True)),
    key=st.sampled_from((None, KEY)),
    form=st.sampled_from((None, None, None, 1, 2)),
)
settings_of_a_connection = st.builds(
    Setting,
    st.sampled_from(Role),
    st.sampled_from((None, None, 3)),
    switches=st.sampled_from((Switches(), Switches(invalid_utf8_noticed="at once", close_inside_message="refused"))),
)
EXAMPLES = settings(max_examples=60)


@EXAMPLES
@given(st.binary(max_size=40), settings_of_a_connection)
def test_any_octets_are_explained(octets: bytes, setting: Setting) -> None:
    assume(octets)
    explanation = explain(octets, setting)
    assert b"".join(reading.octets for reading in explanation.readings) == octets
    assert all(reading.begun is None for reading in explanation.readings[:-1])
    assert all(line.isprintable() for line in said(explanation).splitlines())
    json.dumps(as_json(explanation))


@EXAMPLES
@given(st.lists(frames, max_size=2), frames, settings_of_a_connection)
def test_a_remedy_is_one(before: list[Frame], frame: Frame, setting: Setting) -> None:
    after = b"".join(map(encode, before))
    (reading,) = explain(encode(frame), setting, after=after).readings
    accepted = any(outcome.label.kind is Kind.ACCEPT for outcome in reading.outcomes)
    assert accepted == (reading.elsewhere is None)
    for change in reading.changes:
        (changed,) = explain(change.octets, setting, state=reading.before).readings
        assert changed.outcomes[0].label.kind is Kind.ACCEPT, change
        assert 1 <= len(change.variables) <= 2
    if reading.elsewhere is not None and reading.elsewhere.path is not None:
        start = State() if reading.elsewhere.from_start else reading.before
        claimed = {f"claims_{bit.lower()}": True for bit in reading.elsewhere.extension}
        path = b"".join(step.octets for step in reading.elsewhere.path)
        (there,) = explain(reading.octets, setting, after=path, state=start._replace(**claimed)).readings
        assert there.outcomes[0].label.kind is Kind.ACCEPT
    elif reading.elsewhere is not None and setting.limit is None:
        assert reading.elsewhere.nowhere  # a state that is not reachable would be found otherwise


@EXAMPLES
@given(frames, settings_of_a_connection, st.data())
def test_what_is_decided_early_holds_in_the_end(frame: Frame, setting: Setting, data: st.DataObject) -> None:
    octets = encode(frame)
    (whole,) = explain(octets, setting).readings
    cut = data.draw(st.integers(1, len(octets) - 1))
    (beginning,) = explain(octets[:cut], setting).readings
    begun = beginning.begun
    assert begun is not None
    failing = {rule for outcome in whole.outcomes if outcome.label.kind is Kind.FAIL for rule in outcome.rules}
    assert {rule.id for rule in (*begun.fails, *begun.may_fail)} - failing <= {"8.1/fail-fast", "8.1/fail-at-once"}
    assert begun.header == (decode_header(octets[:cut]) is None)
    assert 1 <= begun.missing <= len(octets) - cut
    if begun.fails:
        assert whole.outcomes[0].label.kind is Kind.FAIL
