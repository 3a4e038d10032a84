"""Any conversation of two ends that agree on permessage-deflate is allowed; one departure is named, at its octet."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.model.endpoint.deflate import DeflateOffer
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.notation.variables import CONNECTING, Setting, State
from wsoracle.model.octets.deflate_parameters import BITS
from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.live import Watch
from wsoracle.properties.judge.observation import Arrives, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import Verdict

bits = st.none() | st.sampled_from(BITS)
wishes = st.builds(DeflateOffer, st.booleans(), st.booleans(), bits, bits)
texts = st.text(max_size=30).map(str.encode) | st.just(b"to and fro, " * 60) | st.just(bytes(range(97, 123)) * 20)


class Turn(NamedTuple):
    """A message of the client in fragments, whether it compresses it, and whether the server compresses its echo."""

    fragments: list[bytes]
    by_client: bool
    by_server: bool


turns = st.lists(st.builds(Turn, st.lists(texts, min_size=1, max_size=3), st.booleans(), st.booleans()), max_size=4)


class Talk:
    """A client and a server that echoes: what each of them writes, in turn; `agreed` as the server has it."""

    def __init__(self, client: DeflateOffer, server: DeflateOffer) -> None:
        ours = Endpoint(Role.CLIENT, opening=ClientOpening("ws://example.com/", extensions=[client]))
        theirs = Endpoint(Role.SERVER, opening=ServerOpening(extensions=[server]))
        self.said = [ours.octets_to_send()]
        theirs.receive(self.said[0])
        self.said.append(theirs.octets_to_send())
        self.agreed: State = theirs.state
        self._client = Deflater(theirs.state.recv_window.bit_length() - 1, takeover=theirs.state.recv_takeover)
        self._server = Deflater(theirs.state.send_window.bit_length() - 1, takeover=theirs.state.send_takeover)
        self._keys = 0

    def masked(self, frame: Frame) -> bytes:
        """A frame of the client; its keys are no secret, and differ."""
        self._keys += 1
        return encode(replace(frame, key=zlib.crc32(bytes([self._keys])).to_bytes(4, "big")))

    def asks(self, turn: Turn) -> bytes:
        """The frames of a message, with a Ping behind each; the Pings' answers."""
        found = pongs = b""
        for frame in _frames(turn.fragments, self._client if turn.by_client else None):
            found += self.masked(frame) + self.masked(Frame(PING, bytes([self._keys])))
            pongs += encode(Frame(PONG, bytes([self._keys - 1])))
        self.said.append(found)
        return pongs

    def turn(self, turn: Turn) -> None:
        """A message and its echo, in two fragments."""
        pongs, whole = self.asks(turn), b"".join(turn.fragments)
        echo = _frames([whole[: len(whole) // 2], whole[len(whole) // 2 :]], self._server if turn.by_server else None)
        self.said.append(pongs + b"".join(map(encode, echo)))

    def trace(self, role: Role, size: int) -> list[Observation]:
        """What is seen of one end, where octets come in chunks of so many."""
        trace: list[Observation] = []
        for number, octets in enumerate(self.said):
            kind = Arrives if (role is Role.CLIENT) is bool(number % 2) else Writes
            trace += [kind(octets[at : at + size]) for at in range(0, len(octets), size)]
        return trace

    def judged(self, role: Role, size: int) -> Judgement:
        """The judgement on one end."""
        trace = self.trace(role, size)
        if role is Role.SERVER:
            setting = Setting(role, echo=True)
            return judge([*trace, Quiet()], setting, application="echo", start=CONNECTING)
        return judge([*trace, Quiet()], Setting(role), start=CONNECTING)

    def written(self) -> int:
        """How many octets the server has written."""
        return sum(map(len, self.said[1::2]))


def _frames(fragments: list[bytes], deflater: Deflater | None) -> list[Frame]:
    found = []
    for number, fragment in enumerate(fragments):
        last = number == len(fragments) - 1
        payload = fragment if deflater is None else deflater.deflate(fragment, last)
        found.append(Frame(CONTINUATION if number else TEXT, payload, last, rsv1=deflater is not None and not number))
    return found


@settings(max_examples=30)
@given(wishes, wishes, turns, st.integers(1, 700))
def test_whatever_is_agreed_on_a_conversation_is_allowed(
    client: DeflateOffer, server: DeflateOffer, said: list[Turn], size: int
) -> None:
    talk = Talk(client, server)
    for turn in said:
        talk.turn(turn)
    for role in Role:
        judgement = talk.judged(role, size)
        assert (judgement.verdict, judgement.rules, judgement.note) == (Verdict.OK, (), "")


@settings(max_examples=15)
@given(wishes, wishes, turns, st.integers(20, 700), st.sampled_from(Role))
def test_to_ask_what_would_be_leaves_a_compressed_message_in_progress_alone(
    client: DeflateOffer, server: DeflateOffer, said: list[Turn], size: int, role: Role
) -> None:
    talk = Talk(client, server)
    for turn in said:
        talk.turn(turn)
    trace = talk.trace(role, size)
    echoes: dict[str, Any] = {"application": "echo"} if role is Role.SERVER else {}
    asked, unasked = (Watch(Setting(role, echo=bool(echoes)), **echoes) for _ in range(2))
    for at, observation in enumerate(trace):
        assert asked.after(*trace[at : at + 2]).conforms_so_far
        kept = asked.after()
        for watch in (asked, unasked, kept):
            watch.observe(observation)
        assert asked.conforms_so_far
        assert asked.owes == unasked.owes == kept.owes


def _deflated(octets: bytes, history: bytes = b"", level: int = -1) -> bytes:
    squeeze = zlib.compressobj(level, wbits=-15, zdict=history)
    return (squeeze.compress(octets) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


FAR = "".join(map(chr, range(32, 127))) * 2 + "".join(map(chr, range(126, 31, -1))) * 6
FAR += "".join(map(chr, range(32, 127)))
"""A text whose best match reaches back 665 octets."""
ASKED = Turn([FAR.encode()], False, False)


class Departure(NamedTuple):
    """What a server writes instead of an echo of `ASKED`, the rule against it, and the octet at fault.

    Without a rule the application is at fault.
    """

    frames: list[Frame]
    rule: str
    octet: int


STORED = _deflated(FAR.encode(), level=0)
DEPARTURES = {
    "a mark on a continuation": Departure(
        [Frame(TEXT, STORED[:9], False, rsv1=True), Frame(CONTINUATION, STORED[9:], rsv1=True)],
        "7692.6.1/send-mark-in-place", 11,
    ),
    "a mark on a Ping": Departure([Frame(PING, rsv1=True)], "7692.6.1/send-mark-in-place", 0),
    "damaged data": Departure([Frame(TEXT, b"\x07", rsv1=True)], "7692.7.2.1/send-deflate", 2),
    "no text": Departure([Frame(TEXT, _deflated(b"Hell\xff", level=0), rsv1=True)], "5.6/text-is-utf8", 2),
    "another text": Departure([Frame(TEXT, _deflated(b"Hallo", level=0), rsv1=True)], "", 0),
}  # fmt: skip


@pytest.mark.parametrize("what", DEPARTURES)
@settings(max_examples=30)
@given(wishes, wishes, turns, st.integers(1, 700))
def test_a_departure_is_named_at_its_octet(
    what: str, client: DeflateOffer, server: DeflateOffer, said: list[Turn], size: int
) -> None:
    departure, talk = DEPARTURES[what], Talk(client, server)
    for turn in said:
        talk.turn(turn)
    begins = talk.written()
    pongs = talk.asks(ASKED)
    talk.said.append(pongs + b"".join(map(encode, departure.frames)))
    judgement = talk.judged(Role.SERVER, size)
    if departure.rule:
        assert departure.rule in judgement.rules
        assert judgement.verdict is Verdict.FAILED
    else:
        assert (judgement.rules, bool(judgement.application)) == ((), True)
    assert judgement.octet == begins + len(pongs) + departure.octet


@settings(max_examples=30)
@given(wishes, wishes, turns, st.integers(1, 700))
def test_a_distance_over_the_window_is_named_where_one_was_agreed_on(
    client: DeflateOffer, server: DeflateOffer, said: list[Turn], size: int
) -> None:
    talk = Talk(client, server)
    for turn in said:
        talk.turn(turn)
    begins = talk.written()
    pongs = talk.asks(ASKED)
    talk.said.append(pongs + encode(Frame(TEXT, _deflated(FAR.encode()), rsv1=True)))
    judgement = talk.judged(Role.SERVER, size)
    if talk.agreed.send_window > 665:
        assert judgement.verdict is Verdict.OK
    else:
        assert judgement.rules == ("7692.7.2.1/server-window",)
        assert judgement.octet == begins + len(pongs) + 4


@settings(max_examples=30)
@given(wishes, wishes, turns, st.integers(1, 700))
def test_context_that_is_kept_is_named_where_none_may_be(
    client: DeflateOffer, server: DeflateOffer, said: list[Turn], size: int
) -> None:
    talk = Talk(client, server)
    for turn in said:
        talk.turn(turn)
    talk.turn(Turn([b"Hello"], False, True))
    begins = talk.written()
    pongs = talk.asks(Turn([b"Hello"], False, True))
    talk.said.append(pongs + encode(Frame(TEXT, _deflated(b"Hello", history=b"Hello"), rsv1=True)))
    judgement = talk.judged(Role.SERVER, size)
    if talk.agreed.send_takeover:
        assert judgement.verdict is Verdict.OK
    else:
        assert judgement.rules == ("7692.7.2.1/server-context",)
        assert judgement.octet == begins + len(pongs) + 2


@settings(max_examples=10)
@given(wishes, wishes, turns, st.integers(20, 700), st.sampled_from(Role), st.sampled_from(list(DEPARTURES)))
def test_a_watch_sees_a_departure_when_it_comes(
    client: DeflateOffer, server: DeflateOffer, said: list[Turn], size: int, role: Role, what: str
) -> None:
    talk = Talk(client, server)
    for turn in said:
        talk.turn(turn)
    pongs = talk.asks(ASKED)
    watch = Watch(Setting(role, echo=role is Role.SERVER), application="echo" if role is Role.SERVER else "unknown")
    for seen in talk.trace(role, size):
        watch.observe(seen)
        assert watch.conforms_so_far
    octets = pongs + b"".join(map(encode, DEPARTURES[what].frames))
    watch.observe(Writes(octets) if role is Role.SERVER else Arrives(octets))
    assert watch.conforms_so_far is (role is Role.CLIENT)
    assert watch.judgement().conforms is watch.conforms_so_far
