"""Judging under permessage-deflate (RFC 7692): what messages say once inflated, and how they are compressed."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets import inflated_frames
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.judge.openings import NOT_JUDGED
from wsoracle.properties.judge.ruling import TOO_MUCH
from wsoracle.properties.judge.verdict import Verdict

REQUEST = request_octets(RequestFacts())
ANSWER = response_octets(ResponseFacts(), sample_request(RequestFacts()))
DEFLATE, PRIVATE = "permessage-deflate", "x-private"


def closes(code: int) -> tuple[Observation, ...]:
    return Writes(encode(Frame(CLOSE, code.to_bytes(2, "big")))), ClosesTcp()


def agreed(octets: bytes, extension: str) -> bytes:
    return octets.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: " + extension.encode() + b"\r\n\r\n")


def server(*then: Observation, extension: str = DEFLATE, offers: str = "", limit: int | None = None) -> Judgement:
    opening = (Arrives(agreed(REQUEST, offers or extension)), Writes(agreed(ANSWER, extension)))
    setting = Setting(Role.SERVER, limit, echo=True)
    return judge((*opening, *then), setting, application="echo", start=CONNECTING)


BEGINS = len(agreed(ANSWER, DEFLATE))
"""Where the first frame of a server begins that agrees to permessage-deflate without parameters."""


def compressed(text: bytes, history: bytes = b"", bits: int = 15) -> bytes:
    deflate = zlib.compressobj(wbits=-bits, zdict=history) if history else zlib.compressobj(wbits=-bits)
    return (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def from_client(*frames: Frame) -> Arrives:
    keyed = [
        Frame(f.opcode, f.payload, f.fin, f.rsv1, f.rsv2, f.rsv3, bytes((n, 7, 9, 1))) for n, f in enumerate(frames)
    ]
    return Arrives(b"".join(map(encode, keyed)))


def echo(payload: bytes, opcode: int = TEXT, rsv1: bool = True) -> Writes:
    return Writes(encode(Frame(opcode, payload, rsv1=rsv1)))


WHOLE = compressed(b"Hello")
HELLO = from_client(Frame(TEXT, WHOLE, rsv1=True))
MARKED_TWICE = from_client(Frame(TEXT, WHOLE[:3], fin=False, rsv1=True), Frame(CONTINUATION, WHOLE[3:], rsv1=True))
MARKED_PING = from_client(Frame(PING, b"", rsv1=True))
ECHO = echo(b"Hello", rsv1=False)
MARKS = ("5.2/reserved-bits-zero", "7692.6.1/send-mark-in-place")


@pytest.mark.parametrize("faulty", [MARKED_TWICE, MARKED_PING, from_client(Frame(TEXT, WHOLE, rsv1=True, rsv2=True))])
def test_a_mark_where_the_extension_defines_none_is_refused(faulty: Arrives) -> None:
    silent = server(faulty, Quiet())
    assert silent.verdict is Verdict.FAILED
    assert "5.2/reserved-bits" in silent.rules
    assert server(faulty, ECHO, Quiet()).verdict is Verdict.FAILED
    assert server(faulty, *closes(1002)).verdict is Verdict.OK


def test_such_a_mark_is_not_to_be_sent() -> None:
    pieces = Frame(TEXT, WHOLE[:3], fin=False, rsv1=True), Frame(CONTINUATION, WHOLE[3:], rsv1=True)
    sent = [Writes(encode(piece)) for piece in pieces]
    judgement = server(HELLO, *sent, Quiet())
    assert (judgement.rules, judgement.octet) == (MARKS, BEGINS + len(sent[0].octets))
    assert server(from_client(Frame(PING)), Writes(encode(Frame(PONG, rsv1=True))), Quiet()).rules == MARKS


def test_a_conversation_is_judged_by_what_it_says_inflated() -> None:
    deflate, pieces = zlib.compressobj(wbits=-15), []
    for text in (b"Hello", b"Hello again, and again"):
        whole = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
        pieces += [Frame(TEXT, whole[:4], fin=False, rsv1=True), Frame(PING), Frame(CONTINUATION, whole[4:])]
    echoes = [echo(WHOLE), Writes(encode(Frame(PONG)))]
    second = echo(b"Hello again, and again", rsv1=False)
    right = server(from_client(*pieces), *echoes, second, Quiet())
    assert (right.verdict, right.note) == (Verdict.OK, "")
    other = server(from_client(*pieces), *echoes, ECHO, Quiet())
    assert other.application == ("not an echo: the message differs at octet 5",)
    assert server(from_client(*pieces), *echoes, Quiet()).application == ("not an echo: the message was not sent back",)


MALFORMED = from_client(Frame(TEXT, b"\xff\xff", rsv1=True))
NO_TEXT = from_client(Frame(TEXT, compressed(b"\xff\xff"), rsv1=True))


@pytest.mark.parametrize(
    ("sent", "allowed", "named"),
    [(MALFORMED, (1002, 1007), "7692.7.2.2/malformed"), (NO_TEXT, (1007,), "8.1/invalid-text")],
    ids=["malformed", "no UTF-8"],
)
def test_bad_data_is_refused(sent: Arrives, allowed: tuple[int, ...], named: str) -> None:
    for code in (1002, 1007):
        assert (server(sent, *closes(code)).verdict is Verdict.OK) is (code in allowed)
    judgement = server(sent, Quiet())
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, (named,))
    assert (judgement.direction, judgement.octet) == ("arrived", len(agreed(REQUEST, DEFLATE)) + 6)


CUT = WHOLE[:-2]
"""A fixed block without its end: of "Hello" four octets come out."""


def test_a_message_that_is_cut_inside_a_block_may_be_taken_and_may_not_be_sent() -> None:
    """Section 7.2.2 says how to inflate, not how to find out that octets are missing: zlib waits for more."""
    cut, taken = from_client(Frame(TEXT, CUT, rsv1=True)), echo(inflated_so_far(CUT), rsv1=False)
    for reaction in ((taken, Quiet()), closes(1002), closes(1007)):
        assert server(cut, *reaction).verdict is Verdict.OK
    behind = from_client(Frame(TEXT, WHOLE, rsv1=True))
    for later in ((ECHO, Quiet()), closes(1007), (Quiet(),)):
        assert server(cut, taken, behind, *later).rules == ()
    refusing = Setting(Role.SERVER, echo=True, switches=Switches(cut_deflate_data="refuse"))
    seen = (Arrives(agreed(REQUEST, DEFLATE)), Writes(agreed(ANSWER, DEFLATE)), cut, taken, Quiet())
    refused = judge(seen, refusing, application="echo", start=CONNECTING)
    assert (refused.verdict, refused.rules) == (Verdict.FAILED, ("7692.7.2.2/malformed",))
    assert "7692.7.2.1/send-deflate" in server(HELLO, echo(CUT), Quiet()).rules


def inflated_so_far(octets: bytes) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(octets + b"\x00\x00\xff\xff")


def test_what_it_sends_compressed_is_text_too() -> None:
    judgement = server(HELLO, echo(compressed(b"Hell\xff")), Quiet())
    assert judgement.rules == ("5.6/text-is-utf8",)
    assert judgement.octet == BEGINS + 2


def test_limits_count_what_comes_out() -> None:
    long = from_client(Frame(BINARY, compressed(bytes(2000)), rsv1=True))
    assert server(long, *closes(1009), limit=1999).verdict is Verdict.OK
    assert server(long, echo(bytes(2000), BINARY, rsv1=False), Quiet(), limit=1999).rules == ("10.4/message-too-big",)
    assert server(long, echo(bytes(2000), BINARY, rsv1=False), Quiet(), limit=2000).verdict is Verdict.OK


SMALL = "permessage-deflate; server_max_window_bits=9"
FAR = bytes(range(256)) + bytes(range(255, -1, -1)) * 2 + bytes(range(256))
"""Its best match reaches back 768 octets."""


def test_a_server_keeps_within_its_window_where_one_was_agreed_on() -> None:
    arrives = from_client(Frame(BINARY, FAR))
    begins = len(agreed(ANSWER, SMALL))
    judgement = server(arrives, echo(compressed(FAR), BINARY), Quiet(), extension=SMALL)
    assert (judgement.rules, judgement.octet) == (("7692.7.2.1/server-window",), begins + 4)
    assert server(arrives, echo(compressed(FAR, bits=9), BINARY), Quiet(), extension=SMALL).verdict is Verdict.OK
    offers = "permessage-deflate; client_max_window_bits=9"
    assert server(arrives, echo(compressed(FAR), BINARY), Quiet(), offers=offers).verdict is Verdict.OK


def test_a_window_that_is_only_hinted_at_binds_no_client() -> None:
    offers, answers = "permessage-deflate; client_max_window_bits=9", DEFLATE
    hinted = from_client(Frame(BINARY, compressed(FAR), rsv1=True))
    back = echo(FAR, BINARY, rsv1=False)
    assert server(hinted, back, Quiet(), offers=offers, extension=answers).verdict is Verdict.OK
    assert server(hinted, *closes(1007), offers=offers, extension=answers).verdict is Verdict.FAILED
    agreed_on = "permessage-deflate; client_max_window_bits=9"
    for reaction in ((back, Quiet()), closes(1007), closes(1002)):
        assert server(hinted, *reaction, offers=offers, extension=agreed_on).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("asked", "rule", "interop"),
    [(9, "7692.7.1.2.1/within-window", Verdict.FAILED), (15, "7692.7.1.2.1/repeat-window", Verdict.INFORMATIONAL)],
)
def test_a_window_of_15_bits_that_an_answer_does_not_repeat_is_no_larger_one(
    asked: int, rule: str, interop: Verdict
) -> None:
    """Section 7.1.2.1: the answer accepts it "by including" the parameter, but 32,768 octets are all that there are."""
    request = agreed(REQUEST, f"permessage-deflate; server_max_window_bits={asked}")
    seen, setting = (Arrives(request), Writes(agreed(ANSWER, DEFLATE)), Quiet()), Setting(Role.SERVER, echo=True)
    found = [judge(seen, setting, application="echo", start=CONNECTING, profile=p) for p in ("interop", "letter")]
    assert [(one.verdict, one.rules) for one in found] == [(interop, (rule,)), (Verdict.FAILED, (rule,))]
    answered = (Writes(request), Arrives(agreed(ANSWER, DEFLATE)))
    echoed = (Arrives(encode(Frame(TEXT, b"a"))), Writes(from_client(Frame(TEXT, b"a")).octets))
    for then, right in (((ClosesTcp(),), True), (echoed, asked == 15)):
        judgement = judge((*answered, *then), Setting(Role.CLIENT, echo=True), application="echo", start=CONNECTING)
        assert (judgement.verdict is Verdict.OK) is right


@pytest.mark.parametrize(
    ("asked", "answered", "excused"),
    [
        ("; client_max_window_bits", "; client_max_window_bits=8", True),
        ("", "; server_max_window_bits=9", True),
        ("", "; client_no_context_takeover", True),
        ("", "; server_no_context_takeover", True),
        ("; server_no_context_takeover", "; server_no_context_takeover", False),
        ("; server_max_window_bits=9", "; server_max_window_bits=9", False),
        ("; client_max_window_bits", "", False),
    ],
)
def test_a_client_may_lack_what_it_did_not_ask_for(asked: str, answered: str, excused: bool) -> None:
    """Section 7: it fails where it "does not support the configuration that the response represents"."""
    request = agreed(REQUEST, f"permessage-deflate{asked}")
    opening = (Writes(request), Arrives(agreed(ANSWER, f"permessage-deflate{answered}")))
    setting = Setting(Role.CLIENT, echo=True)
    judgement = judge((*opening, ClosesTcp()), setting, application="echo", start=CONNECTING)
    assert (judgement.verdict is Verdict.OK) is excused


FORGETS = "permessage-deflate; server_no_context_takeover"


@pytest.mark.parametrize(("extension", "rules"), [(FORGETS, ("7692.7.2.1/server-context",)), (DEFLATE, ())])
def test_context_is_not_kept_where_none_may_be(extension: str, rules: tuple[str, ...]) -> None:
    text = b"the same text, again"
    arrives = from_client(Frame(TEXT, text), Frame(TEXT, text))
    first, second = echo(compressed(text)), echo(compressed(text, history=text))
    judgement = server(arrives, first, second, Quiet(), extension=extension)
    assert judgement.rules == rules
    assert judgement.octet == (len(agreed(ANSWER, extension)) + len(first.octets) + 2 if rules else None)


@pytest.mark.parametrize(
    ("payload", "verdict"),
    [(b"", Verdict.NON_STRICT), (b"\x00", Verdict.OK), (b"\x01\x00\x00\xff\xff", Verdict.NON_STRICT),
     (b"\x01\x00\x00\xff\xff\x00", Verdict.OK)],
    ids=["no payload", "an empty block", "a final block alone", "a final block, and an empty one"],
)  # fmt: skip
def test_an_empty_message_has_an_empty_block(payload: bytes, verdict: Verdict) -> None:
    empty = from_client(Frame(TEXT, b"\x00", rsv1=True))
    letter = judge(
        (Arrives(agreed(REQUEST, DEFLATE)), Writes(agreed(ANSWER, DEFLATE)), empty, echo(payload), Quiet()),
        Setting(Role.SERVER, echo=True), application="echo", start=CONNECTING, profile="letter",
    )  # fmt: skip
    assert (letter.verdict is Verdict.OK) is (verdict is Verdict.OK)
    assert server(empty, echo(payload), Quiet()).verdict in (Verdict.OK, Verdict.INFORMATIONAL)


def test_a_trace_after_the_handshake_says_what_was_agreed_on() -> None:
    start = agreed_state(Role.SERVER, FORGETS)
    assert start is not None and (start.send_takeover, start.recv_takeover) == (False, True)
    setting = Setting(Role.SERVER, echo=True)
    assert judge((HELLO, echo(WHOLE), Quiet()), setting, application="echo", start=start).verdict is Verdict.OK
    other = judge((HELLO, echo(compressed(b"Hallo")), Quiet()), setting, application="echo", start=start)
    assert other.application
    for unclear in ("x-private", "permessage-deflate; x", "permessage-deflate, permessage-deflate", "="):
        assert agreed_state(Role.SERVER, unclear) is None


def test_a_bomb_costs_no_more_than_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflated_frames, "MOST_INFLATED", 1 << 18)
    bomb = from_client(Frame(BINARY, compressed(bytes(1 << 20)), rsv1=True))
    assert server(bomb, *closes(1009), limit=1 << 16).verdict is Verdict.OK
    assert server(bomb, Quiet()).note == TOO_MUCH
    tracemalloc.start()
    server(bomb, Quiet())
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("faulty", [MARKED_TWICE, from_client(Frame(3)), from_client(Frame(TEXT, b"a", rsv3=True))])
def test_of_an_extension_that_nobody_knows_nothing_is_judged(faulty: Arrives) -> None:
    judgement = server(faulty, Quiet(), extension=PRIVATE)
    assert (judgement.rules, judgement.note) == ((), NOT_JUDGED)


def test_the_history_shows_what_compressed_frames_said() -> None:
    heads = Arrives(agreed(REQUEST, DEFLATE)), Writes(agreed(ANSWER, DEFLATE))
    history = History((*heads, HELLO, echo(WHOLE), Quiet()), Role.SERVER)
    assert history.inflated_units() == ({}, {})
    judge(history, Setting(Role.SERVER, echo=True), application="echo", start=CONNECTING)
    arrived, sent = ([frame.payload for frame in frames.values()] for frames in history.inflated_units())
    assert (arrived, sent) == ([b"Hello"], [b"Hello"])


CUT = compressed(b"Hello" * 3)[:4]
"""Data that ends inside a block."""


@pytest.mark.parametrize("made_of_it", [b"Hel", b"Helh", b"Hell", b""])
def test_what_a_receiver_makes_of_data_cut_inside_a_block_is_its_own(made_of_it: bytes) -> None:
    """Section 7.2.2 leaves open how a receiver finds out: an echo of whatever came out of it is an echo."""
    found = server(from_client(Frame(TEXT, CUT, rsv1=True)), echo(made_of_it, rsv1=False), Quiet())
    assert found.verdict is Verdict.OK and not found.note
    sound = from_client(Frame(TEXT, WHOLE, rsv1=True))
    assert server(sound, echo(made_of_it, rsv1=False), Quiet()).verdict is Verdict.INFORMATIONAL
    other_type = server(from_client(Frame(TEXT, CUT, rsv1=True)), echo(made_of_it, BINARY, rsv1=False), Quiet())
    assert other_type.application
    twice = server(from_client(Frame(TEXT, CUT, rsv1=True)), echo(b"a", rsv1=False), echo(b"b", rsv1=False), Quiet())
    assert twice.application
