"""What the machine reads off the rules, by example: one line for each thing that RFC 6455 says most plainly."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import heads, setting_objects, states
from wsoracle.model.facts.frames import facts, text_before
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.interpreted import Kind, Label, Outcome, allowed, canonical, forbidden_by, owed
from wsoracle.model.notation.expression import TRUE
from wsoracle.model.notation.rule import LEGAL, Accept, Due, Fail, Level, Permit, Rule, RuleSet, Strength, effects
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES

KEY = b"\x37\xfa\x21\x3d"
SERVER, CLIENT = Setting(Role.SERVER, 1000), Setting(Role.CLIENT, 1000)
IN_TEXT = State(recv_type=TEXT)
CLOSING = State(sent_close=True)
ANSWERED = State(sent_close=True, got_close=True, close_code=1000)
FAILED = State(failed=True, fail_code=1002)
GONE = State(tcp_open=False, peer_open=False)
ENDED = State(peer_open=False)


class Case(NamedTuple):
    """A frame from a client to a server (both unless said otherwise), and the labels allowed, the canonical first."""

    frame: Frame
    labels: str
    state: State = State()
    setting: Setting = SERVER


def _from_client(opcode: int, payload: bytes = b"", **fields: object) -> Frame:
    return Frame(opcode, payload, **{"key": KEY, **fields})  # type: ignore[arg-type]


RECEIVING = {
    "text": Case(_from_client(TEXT, b"Hello"), "accept: text message"),
    "binary": Case(_from_client(BINARY, b"\xff"), "accept: binary message"),
    "unmasked to a server": Case(Frame(TEXT, b"Hello"), "fail 1002"),
    "masked to a client": Case(_from_client(TEXT, b"Hello"), "fail 1002", setting=CLIENT),
    "unmasked to a client": Case(Frame(TEXT, b"Hello"), "accept: text message", setting=CLIENT),
    "reserved bit": Case(_from_client(TEXT, rsv2=True), "fail 1002"),
    "claimed bit": Case(_from_client(TEXT, rsv1=True), "accept: text message", State(claims_rsv1=True)),
    "unknown data opcode": Case(_from_client(3), "fail 1002"),
    "unknown control opcode": Case(_from_client(11), "fail 1002"),
    "length not minimal": Case(_from_client(BINARY, b"x", form=1), "fail 1002, accept: binary message"),
    "control frame with 126 octets": Case(_from_client(PING, b"x" * 126), "fail 1002"),
    "fragmented Ping": Case(_from_client(PING, fin=False), "fail 1002"),
    "continuation of nothing": Case(_from_client(CONTINUATION), "fail 1002"),
    "message inside a message": Case(_from_client(TEXT), "fail 1002", IN_TEXT),
    "Ping inside a message": Case(_from_client(PING, b"hi"), "accept: ping", IN_TEXT),
    "last fragment": Case(_from_client(CONTINUATION, b"lo"), "accept: text message", IN_TEXT),
    "message too big": Case(_from_client(BINARY, b"x" * 1001), "fail 1009"),
    "as big as may be": Case(_from_client(BINARY, b"x" * 1000), "accept: binary message"),
    "invalid text": Case(_from_client(TEXT, b"\xff"), "fail 1007"),
    "text cut within a character": Case(_from_client(TEXT, b"\xce", fin=False), "accept"),
    "fragment that spoils the text": Case(_from_client(TEXT, b"\xff", fin=False), "fail 1007, accept"),
    "Close without a body": Case(_from_client(CLOSE), "accept: close"),
    "Close with one octet": Case(_from_client(CLOSE, b"\x03"), "fail 1002"),
    "Close with 1005": Case(_from_client(CLOSE, b"\x03\xed"), "fail 1002"),
    "Close with a reason that is not text": Case(
        _from_client(CLOSE, b"\x03\xe8\xff"), "fail 1002, fail 1007, accept: close"
    ),
    "Close with 5000": Case(_from_client(CLOSE, b"\x13\x88"), "fail 1002, accept: close"),
    "two errors": Case(Frame(TEXT, b"\xff"), "fail 1002, fail 1007"),
    "data after our Close": Case(_from_client(TEXT, b"late"), "accept: text message, ignore", CLOSING),
    "Close after our Close": Case(_from_client(CLOSE), "accept: close", CLOSING),
    "data after a Close": Case(_from_client(TEXT, b"late"), "ignore", ANSWERED),
    "Close after failing": Case(_from_client(CLOSE), "ignore", FAILED),
    "anything when TCP is gone": Case(_from_client(15), "ignore", GONE),
    "anything when the peer has ended": Case(_from_client(15), "ignore", ENDED),
}  # fmt: skip


@pytest.mark.parametrize("name", RECEIVING)
def test_receiving(name: str) -> None:
    case = RECEIVING[name]
    outcomes = _received(case)
    assert ", ".join(str(outcome.label) for outcome in outcomes) == case.labels
    assert canonical(outcomes) == outcomes[0]
    assert all(outcome.rules and not outcome.departs_from for outcome in outcomes)


def _received(case: Case, *, departures: bool = False) -> tuple[Outcome, ...]:
    kind = EventKind.RECEIVE
    seen = facts(case.frame, text_before(case.frame.opcode, case.state, kind))
    return allowed(case.state, Event(kind, seen), case.setting, departures=departures)


SENDING = {
    "masked by a client": (Frame(TEXT, b"Hello", key=KEY), State(), CLIENT, ""),
    "not masked by a client": (Frame(TEXT, b"Hello"), State(), CLIENT, "5.1/client-masks"),
    "masked by a server": (Frame(TEXT, b"Hello", key=KEY), State(), SERVER, "5.1/server-does-not-mask"),
    "data after Close": (Frame(TEXT), CLOSING, SERVER, "5.5.1/no-data-after-close"),
    "a second Close": (Frame(CLOSE), CLOSING, SERVER, "7.1.5/one-close"),
    "Ping after Close": (Frame(PING), CLOSING, SERVER, ""),
    "Pong after both": (Frame(PONG), ANSWERED, SERVER, "5.5.1/closed-after-both"),
    "data after failing": (Frame(BINARY), FAILED, SERVER, "7.1.7/no-data-after-failing"),
    "the code that fits": (Frame(CLOSE, b"\x03\xea"), FAILED, SERVER, ""),
    "another code": (Frame(CLOSE, b"\x03\xe8"), FAILED, SERVER, "7.1.7/appropriate-code"),
    "1006 on the wire": (Frame(CLOSE, b"\x03\xee"), State(), SERVER, "7.4.1/send-code-1006"),
    "invalid text": (Frame(TEXT, b"\xff"), State(), SERVER, "5.6/text-is-utf8"),
    "unfinished text, more to come": (Frame(TEXT, b"\xce", fin=False), State(), SERVER, ""),
    "a new message inside one": (Frame(BINARY), State(send_type=TEXT), SERVER, "5.4/send-not-interleaved"),
    "a length not minimal": (Frame(BINARY, form=2), State(), SERVER, "5.2/send-minimal-length"),
    "when TCP is gone": (Frame(PING), GONE, SERVER, "7.1.4/nothing-when-closed"),
    "when the peer has ended": (Frame(TEXT), ENDED, SERVER, ""),
    "a Close when the peer has ended": (Frame(CLOSE, b"\x03\xe9"), ENDED, SERVER, ""),
}


@pytest.mark.parametrize("name", SENDING)
def test_sending(name: str) -> None:
    frame, state, setting, rule_id = SENDING[name]
    event = Event(EventKind.SEND, facts(frame, text_before(frame.opcode, state, EventKind.SEND)))
    refusals = [rule.id for rule in forbidden_by(state, event, setting)]
    assert ", ".join(refusals) == rule_id
    assert [outcome.label for outcome in allowed(state, event, setting)] == ([] if rule_id else [Label(Kind.PERMIT)])


CLOSING_TCP = {
    "in the middle of things": (State(), SERVER, "7.3/closing-handshake-first"),
    "after our Close only": (CLOSING, SERVER, "7.1.1/close-cleanly"),
    "instead of answering a Close": (State(got_close=True), SERVER, "5.5.1/answer-close-first"),
    "by a server after both": (ANSWERED, SERVER, ""),
    "by a client after both": (ANSWERED, CLIENT, "7.1.1/client-waits"),
    "failed, nothing said": (FAILED, SERVER, "7.1.7/close-frame-before-tcp"),
    "failed, Close sent": (FAILED._replace(sent_close=True), CLIENT, ""),
    "twice": (GONE, SERVER, ""),
    "by a server after the client's end": (ENDED, SERVER, ""),
    "by a client after the server's end": (ENDED, CLIENT, ""),
    "by a client after both and the server's end": (ANSWERED._replace(peer_open=False), CLIENT, ""),
    "after the end, instead of answering a Close": (
        State(got_close=True, peer_open=False),
        SERVER,
        "5.5.1/answer-close-first",
    ),
}


@pytest.mark.parametrize("name", CLOSING_TCP)
def test_closing_tcp(name: str) -> None:
    state, setting, rule_id = CLOSING_TCP[name]
    event = Event(EventKind.CLOSE_TCP)
    assert ", ".join(rule.id for rule in forbidden_by(state, event, setting)) == rule_id
    for outcome in allowed(state, event, setting):
        assert outcome.state.tcp_open is False


OWED = {
    "nothing": (State(), SERVER, []),
    "a Pong": (State(pong_due=True), SERVER, [Due.PONG]),
    "no Pong once a Close came": (State(pong_due=True, got_close=True, sent_close=True), CLIENT, []),
    "a Close": (State(got_close=True), CLIENT, [Due.CLOSE]),
    "the end of TCP, by the server": (ANSWERED, SERVER, [Due.TCP_CLOSE]),
    "and not by the client": (ANSWERED, CLIENT, []),
    "Close, then TCP": (FAILED, SERVER, [Due.CLOSE, Due.TCP_CLOSE]),
    "a client leaves that to the server": (FAILED, CLIENT, [Due.CLOSE]),
    "a client that said so waits": (FAILED._replace(sent_close=True), CLIENT, []),
    "a reply before a Pong": (State(reply_due=True, pong_due=True), SERVER, [Due.REPLY, Due.PONG]),
    "the end of TCP, by a client whose server has ended it": (ENDED, CLIENT, [Due.TCP_CLOSE]),
    "and after both Closes": (ANSWERED._replace(peer_open=False), CLIENT, [Due.TCP_CLOSE]),
    "nothing by a server whose client has ended it": (ENDED._replace(pong_due=True, reply_due=True), SERVER, []),
    "a Close, whoever has ended": (State(got_close=True, peer_open=False), SERVER, [Due.CLOSE]),
    "a client that failed the handshake waits": (State(failed=True, handshake=2), CLIENT, []),
    "until the server has ended TCP": (State(failed=True, handshake=2, peer_open=False), CLIENT, [Due.TCP_CLOSE]),
    "nothing after the end": (State(tcp_open=False, failed=True, pong_due=True), SERVER, []),
}


@pytest.mark.parametrize("name", OWED)
def test_owed(name: str) -> None:
    state, setting, dues = OWED[name]
    assert [due for due, _ in owed(state, setting)] == dues
    silent = allowed(state, Event(EventKind.SILENCE), setting)
    assert bool(silent) is (not dues)


def test_the_end_of_tcp() -> None:
    eof = Event(EventKind.RECEIVE_EOF)
    for state, setting, told in (
        (ANSWERED, SERVER, "accept: closed cleanly"),
        (State(), SERVER, "accept: closed, not cleanly"),
        (CLOSING, CLIENT, "accept: closed, not cleanly"),
        (State(got_close=True), SERVER, "accept"),
        (GONE, SERVER, "ignore"),
    ):
        (outcome,) = allowed(state, eof, setting)
        assert str(outcome.label) == told
        assert not outcome.state.peer_open
        assert outcome.state.tcp_open is state.tcp_open, "a FIN ends one direction"
    (lost,) = allowed(CONNECTING, eof, CLIENT)
    assert lost.state.failed and lost.state.close_code == 1006


def test_effects_of_receiving() -> None:
    first = _received(Case(_from_client(TEXT, b"\xce", fin=False), ""))[0].state
    assert first == State(recv_type=TEXT, recv_utf8=utf8.TAIL1, recv_length=1)
    last = _received(Case(_from_client(CONTINUATION, b"\xba"), "", first))[0].state
    assert last == State()
    assert _received(Case(_from_client(PING), ""))[0].state == State(pong_due=True)
    assert _received(Case(_from_client(CLOSE, b"\x0f\xa0"), "", first))[0].state == State(
        got_close=True, close_code=4000
    )
    assert _received(Case(_from_client(3), "", first))[0].state == State(failed=True, fail_code=1002)


def test_octets_count_over_fragments_where_a_limit_is_stated() -> None:
    state = State(recv_type=BINARY, recv_length=900)
    case = Case(_from_client(CONTINUATION, b"x" * 101), "", state)
    assert str(_received(case)[0].label) == "fail 1009"
    unstated = _received(case._replace(setting=Setting(Role.SERVER)))
    assert [str(outcome.label) for outcome in unstated] == ["fail 1009", "accept: binary message"]
    fragment = Case(_from_client(BINARY, b"xx", fin=False), "", setting=Setting(Role.SERVER))
    assert [outcome.state.recv_length for outcome in _received(fragment)] == [0, 0]


def test_departures_say_what_they_depart_from() -> None:
    case = Case(_from_client(CLOSE, b"\x03\xed"), "")
    (strict, lax) = _received(case, departures=True)
    assert (str(strict.label), strict.departs_from) == ("fail 1002", ())
    assert (str(lax.label), lax.departs_from) == ("accept: close", ("7.4.1/receive-code-1005",))
    (only,) = _received(Case(Frame(TEXT), ""), departures=True)
    assert str(only.label) == "fail 1002"
    eof = allowed(ANSWERED, Event(EventKind.CLOSE_TCP), CLIENT, departures=True)
    assert [outcome.departs_from for outcome in eof] == [("7.1.1/client-waits",)]


def test_switches_change_what_is_allowed() -> None:
    spoilt = Case(_from_client(TEXT, b"\xff", fin=False), "")
    for value, labels in (
        ("any time", ["fail 1007", "accept"]),
        ("at once", ["fail 1007"]),
        ("at the end", ["accept"]),
    ):
        setting = Setting(Role.SERVER, 1000, switches=Switches(invalid_utf8_noticed=value))
        assert [str(o.label) for o in _received(spoilt._replace(setting=setting))] == labels


def test_the_levels_leave_refusals_out() -> None:
    for level, gone in (
        (Level.FULL, set()),
        (Level.NO_APPLICATION, {Strength.APPLICATION}),
        (Level.NO_SHOULD, {Strength.APPLICATION, Strength.SHOULD}),
        (Level.MUST_ONLY, {Strength.APPLICATION, Strength.SHOULD, Strength.CONSENSUS, Strength.LETTER}),
    ):
        kept = RULES.at(level)
        assert {rule.id for rule in RULES if rule not in kept.rules} == {
            rule.id for rule in RULES if rule.refuses and rule.strength in gone
        }


def _row(rule_id: str, then: Accept | Fail, strength: Strength = Strength.MUST, **more: object) -> Rule:
    return Rule(rule_id, strength, "quote", EventKind.RECEIVE, more.get("when", TRUE), then)  # type: ignore[arg-type]


def test_rules_with_one_label_make_one_outcome_of_the_greatest_strength() -> None:
    weak = _row("1/weak", Accept(delivers="it"), Strength.MAY)
    strong = _row("1/strong", Accept(effects(pong_due=True), "it"), when=LEGAL)
    event = Event(EventKind.RECEIVE, FrameFacts(PING))
    (outcome,) = allowed(State(), event, SERVER, RuleSet([weak, strong]))
    assert outcome == Outcome(Label(Kind.ACCEPT, None, "it"), State(), ("1/weak", "1/strong"), Strength.MUST)
    assert interpreted.strongest([weak, strong]) is Strength.MUST


def test_the_canonical_outcome_fails_first_and_with_the_lowest_code() -> None:
    rows = [_row("1/take", Accept()), _row("1/nine", Fail(code=1009)), _row("1/two", Fail(code=1002))]
    rules = RuleSet(rows)
    outcomes = allowed(State(), Event(EventKind.RECEIVE, FrameFacts(PING)), SERVER, rules)
    assert [str(outcome.label) for outcome in outcomes] == ["fail 1002", "fail 1009", "accept"]
    assert canonical(outcomes[::-1]).label.code == 1002


def test_the_canonical_outcome_is_that_of_an_endpoint_that_is_able_to_go_on() -> None:
    rows = [_row("1/unable", Fail(code=1002, unable=True)), _row("1/take", Accept())]
    event = Event(EventKind.RECEIVE, FrameFacts(PING))
    outcomes = allowed(State(), event, SERVER, RuleSet(rows))
    assert [(str(one.label), one.unable) for one in outcomes] == [("accept", False), ("fail 1002", True)]
    also = RuleSet([*rows, _row("1/fault", Fail(code=1002))])
    assert [(str(one.label), one.unable) for one in allowed(State(), event, SERVER, also)] == [
        ("fail 1002", False), ("accept", False)
    ]  # fmt: skip


@given(st.data())
@settings(max_examples=150)
def test_an_endpoint_without_limits_of_its_own_can_always_go_on(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = Event.of(EventKind.RECEIVE_RESPONSE, data.draw(heads(EventKind.RECEIVE_RESPONSE)))
    assert not any(outcome.unable for outcome in allowed(state, event, setting)[:1])


def test_a_rule_that_forbids_gives_no_label() -> None:
    assert interpreted.label_of(RULES.by_id["7.1.5/one-close"]) is None
    assert interpreted.label_of(Rule("1/x", Strength.MAY, "", EventKind.SEND, TRUE, Permit())) == Label(Kind.PERMIT)
