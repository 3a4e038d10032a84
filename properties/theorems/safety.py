"""The safety theorems: what never happens at one endpoint, in any run of any length, under any setting.

Each row states a theorem in English and formally, in the rule notation over the state, the event, the outcome and the
next state. Monitors are ghost variables that only watch, so that a theorem about the wire (*a Close was sent*) does not
lean on the model's own flag for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.symbolic import EVENT_KIND, KINDS, OUTCOME, OUTCOME_CODE, OUTCOMES
from wsoracle.model.notation.expression import Expr, Sort, Var, all_of, any_of, ite, member
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.switches import is_set_to
from wsoracle.model.notation.variables import (
    LOST,
    NO_CODE,
    STATE_VARIABLES,
    UNSTATED,
    EventKind,
    answers,
    carries_text,
    claims_rsv1,
    claims_rsv2,
    claims_rsv3,
    close_code,
    code,
    discarding,
    echo,
    established,
    fail_code,
    failed,
    fin,
    form,
    got_close,
    inflated,
    is_close,
    is_continuation,
    is_control,
    is_data,
    is_ping,
    is_pong,
    length,
    limit,
    masked,
    opcode,
    peer_open,
    pong_due,
    received_deflated,
    recv_length,
    recv_type,
    recv_utf8,
    reply_due,
    rsv1,
    rsv2,
    rsv3,
    send_type,
    send_utf8,
    sent_close,
    server,
    starts_message,
    tcp_open,
    utf8_next,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import KNOWN_OPCODES, TEXT
from wsoracle.model.rules.close_codes import REGISTER

from .induction import NEXT, Monitor, SafetyProperty, always, check_never
from .theorem import ProofResult, Theorem, TheoremKind, TheoremSubject


def _is(kind: EventKind) -> Expr:
    return EVENT_KIND == KINDS.index(kind)


def _outcome(*kinds: Kind) -> Expr:
    return any_of([OUTCOME == OUTCOMES.index(kind) for kind in kinds])


receives, sends = _is(EventKind.RECEIVE), _is(EventKind.SEND)
stays_silent, closes_tcp = _is(EventKind.SILENCE), _is(EventKind.CLOSE_TCP)
accepts = receives & _outcome(Kind.ACCEPT)
fails = _outcome(Kind.FAIL)


def _implies(premise: Expr, conclusion: Expr) -> Expr:
    return ~premise | conclusion


def _unchanged(names: Sequence[str]) -> Expr:
    return all_of([NEXT[name] == STATE_VARIABLES[name] for name in names])


_RECEIVING: Final = ("recv_type", "recv_utf8", "recv_length")
_SENDING: Final = ("send_type", "send_utf8")

has_sent_close: Final = Var("has_sent_close")
has_got_close: Final = Var("has_got_close")
has_failed: Final = Var("has_failed")
tcp_was_closed: Final = Var("tcp_was_closed")
peer_has_ended: Final = Var("peer_has_ended")
closes_sent: Final = Var("closes_sent", Sort.INT, 0, 2**31)
ping_waits: Final = Var("ping_waits")

SENT: Final = Monitor(has_sent_close, False, has_sent_close | (sends & is_close))
GOT: Final = Monitor(has_got_close, False, has_got_close | (accepts & is_close))
FAILED: Final = Monitor(has_failed, False, has_failed | fails)
TCP: Final = Monitor(tcp_was_closed, False, tcp_was_closed | closes_tcp)
PEER: Final = Monitor(peer_has_ended, False, peer_has_ended | _is(EventKind.RECEIVE_EOF))
COUNT: Final = Monitor(closes_sent, 0, ite(sends & is_close, closes_sent + 1, closes_sent))
PING: Final = Monitor(ping_waits, False, (ping_waits | (accepts & is_ping)) & ~(sends & is_pong & answers))

never_on_the_wire: Final = member(
    code, [(row.low, row.high) for row in REGISTER if not row.senders and row.forbidden is Strength.MUST]
)


def _theorem(
    name: str,
    statement: str,
    wanted: SafetyProperty,
    suspects: Sequence[str] = (),
    requirements: Sequence[str] = (),
) -> Theorem:
    def check(subject: TheoremSubject) -> ProofResult:
        return check_never(subject.rules, wanted)

    return Theorem(f"safety/{name}", TheoremKind.SAFETY, statement, check, tuple(suspects), tuple(requirements))


def _never(when: Expr, *monitors: Monitor, assuming: Expr | None = None) -> SafetyProperty:
    if assuming is None:
        return SafetyProperty(when, monitors)
    return SafetyProperty(when, monitors, assuming)


CLOSING_ORDER: Final = (
    _theorem("no-data-after-close", "No data frame is sent after a Close frame was sent.",
             _never(sends & is_data & has_sent_close, SENT),
             ["5.5.1/no-data-after-close"], ["5.5.1-06", "5.1-07", "6.1-03"]),
    _theorem("one-close-a-side", "An endpoint sends at most one Close frame.",
             _never(closes_sent > 1, COUNT), ["7.1.5/one-close"]),
    _theorem("only-ping-and-pong-after-close", "After its Close an endpoint sends nothing but Ping and Pong.",
             _never(sends & has_sent_close & ~is_ping & ~is_pong, SENT), ["5.5.1/no-data-after-close"]),
    _theorem("no-frame-after-close",
             "No frame at all is sent after a Close frame, where the switch control_after_close is 'never'.",
             _never(sends & has_sent_close, SENT, assuming=is_set_to("control_after_close", "never")),
             ["5.5.2/no-control-after-close"]),
    _theorem("no-frame-after-both-closes", "No frame is sent once a Close was both sent and received.",
             _never(sends & has_sent_close & has_got_close, SENT, GOT), ["5.5.1/closed-after-both"]),
    _theorem("no-new-message-when-closing", "No new message is begun after a Close was received.",
             _never(sends & starts_message & has_got_close, GOT), ["6.1/open-to-start-message"], ["6.1-02"]),
    _theorem("no-processing-after-close", "No frame is processed after a Close was received.",
             _never(receives & has_got_close & ~_outcome(Kind.IGNORE), GOT), ["7.1.1/trailing-octets~accept"]),
    _theorem("close-is-answered", "An endpoint that has received a Close does not stay silent before it has sent one.",
             _never(stays_silent & has_got_close & ~has_sent_close & ~has_failed & ~tcp_was_closed,
                    GOT, SENT, FAILED, TCP), ["5.5.1/close-owed~never-due"], ["5.5.1-07"]),
    _theorem("server-closes-tcp", "A server that has sent and received a Close does not stay silent with TCP open.",
             _never(stays_silent & server & has_got_close & has_sent_close & ~tcp_was_closed, GOT, SENT, TCP),
             ["5.5.1/server-tcp-close-owed~never-due"]),
    _theorem("client-closes-tcp",
             "A client whose server has ended TCP of an established connection does not stay silent with TCP open.",
             _never(stays_silent & ~server & established & peer_has_ended & ~tcp_was_closed, PEER, TCP),
             ["5.5.1/client-tcp-close-owed", "7.1.7/client-tcp-close-owed"]),
    _theorem("client-does-not-close-tcp-first",
             "A client does not close TCP of an established connection before the server has ended it, unless it is "
             "failing the connection.",
             _never(closes_tcp & established & ~server & ~has_failed & ~tcp_was_closed & ~peer_has_ended,
                    FAILED, TCP, PEER),
             ["7.1.1/client-waits"]),
    _theorem("no-tcp-close-without-close-frame",
             "TCP of an established connection is not closed by an endpoint that has sent no Close frame, unless its "
             "peer has ended TCP without one.",
             _never(closes_tcp & established & ~has_sent_close & ~tcp_was_closed & (has_got_close | ~peer_has_ended),
                    SENT, GOT, TCP, PEER),
             ["7.3/closing-handshake-first", "7.1.7/close-frame-before-tcp", "5.5.1/answer-close-first"]),
    _theorem("nothing-when-closed", "Once TCP is closed, nothing is sent and nothing is processed.",
             _never(tcp_was_closed & (sends | (receives & ~_outcome(Kind.IGNORE))), TCP),
             ["7.1.4/nothing-when-closed"]),
    _theorem("nothing-after-the-end", "Once the peer has ended its direction of TCP, nothing is processed.",
             _never(peer_has_ended & receives & ~_outcome(Kind.IGNORE), PEER),
             ["7.1.4/server-lost~undoes-peer_open"]),
    _theorem("facts-are-forever", "Having sent a Close, having received one, failing, closing TCP and the end of the "
             "peer's direction are never undone.",
             _never((sent_close & ~NEXT["sent_close"]) | (got_close & ~NEXT["got_close"]) | (failed & ~NEXT["failed"])
                    | (~tcp_open & NEXT["tcp_open"]) | (~peer_open & NEXT["peer_open"])),
             ["5.5.1/close~undoes-sent_close"]),
    _theorem("flags-tell-the-truth", "The facts sent_close and got_close hold exactly where such a frame was "
             "sent, or received and accepted.",
             _never((sent_close != has_sent_close) | (got_close != has_got_close), SENT, GOT),
             ["7.1.2/send-close~without-opcode-is-close"]),
)  # fmt: skip

FAILING: Final = (
    _theorem("no-processing-after-failing", "After failing the connection no frame is processed, a Close included.",
             _never(receives & has_failed & ~_outcome(Kind.IGNORE), FAILED),
             ["7.1.7/nothing-after-failing~accept"], ["7.1.7-05"]),
    _theorem("no-data-after-failing", "After failing the connection an endpoint sends no data.",
             _never(sends & has_failed & is_data, FAILED), ["7.1.7/no-data-after-failing"]),
    _theorem("failing-sends-the-code", "A Close that is sent after failing carries the code of the failure.",
             _never(sends & has_failed & is_close & (code != fail_code), FAILED), ["7.1.7/appropriate-code"]),
    _theorem("failing-server-closes-tcp", "A server that fails the connection does not stay silent with TCP open.",
             _never(stays_silent & server & has_failed & ~tcp_was_closed, FAILED, TCP),
             ["7.1.7/server-tcp-close-owed~never-due"]),
    _theorem("failing-client-sends-close",
             "A client that fails an established connection does not stay silent before its Close or the end of TCP.",
             _never(stays_silent & established & ~server & has_failed & ~has_sent_close & ~tcp_was_closed,
                    FAILED, SENT, TCP),
             ["5.2/unknown-opcode~undoes-failed"]),
    _theorem("failure-codes",
             "A failure of an established connection has the code 1002, 1007 or 1009, and the state remembers it.",
             _never(fails & established & (~member(OUTCOME_CODE, [(1002, 1002), (1007, 1007), (1009, 1009)])
                             | (NEXT["fail_code"] != OUTCOME_CODE))),
             ["8.1/invalid-text~undoes-fail_code"]),
    _theorem("only-frames-fail",
             "Only a frame that is being read makes an endpoint fail an established connection.",
             _never(fails & established & ~(receives & peer_open & ~failed & ~got_close)),
             ["5.2/reserved-bits~without-not-got_close"]),
    _theorem("nothing-in-progress-after-failing", "Nothing is in progress or owed on a connection that was failed.",
             always(_implies(failed, (recv_type == 0) & (send_type == 0) & ~pong_due & ~reply_due & ~discarding)),
             ["5.1/server-refuses-unmasked~no-recv_type"]),
)  # fmt: skip

CODES: Final = (
    _theorem("reserved-codes-not-sent", "1005, 1006 and 1015 are never sent in a Close frame.",
             _never(sends & is_close & (length >= 2) & never_on_the_wire),
             ["7.4.1/send-code-1005", "7.4.1/send-code-1006"], ["7.4.1-03", "7.4.1-04", "7.4.1-06"]),
    _theorem("reserved-codes-not-accepted", "1005, 1006 and 1015 are never accepted from a Close frame.",
             _never(accepts & is_close & (length >= 2) & never_on_the_wire), ["7.4.1/receive-code-1005"]),
    _theorem("close-code-is-1006-until-a-close", "The WebSocket Connection Close Code is 1006 exactly until a Close "
             "was received.",
             always((close_code == LOST) != got_close), ["7.4.1/receive-code-1006", "5.5.1/close"]),
    _theorem("close-code-is-1005-without-a-code", "Receiving a Close without a body makes the close code 1005, and "
             "with a body the code in it.",
             _never(accepts & is_close & ((NEXT["close_code"] != code) | ((length == 0) & (code != NO_CODE)))),
             ["5.5.1/close~no-close_code"]),
    _theorem("close-body-has-a-code", "A Close body that is accepted or sent is empty or begins with two octets of "
             "code.",
             _never((accepts | sends) & is_close & (length == 1)),
             ["5.5.1/one-octet-body", "5.5.1/body-starts-with-code"]),
)  # fmt: skip

MESSAGES: Final = (
    _theorem("utf8-idle-between-messages", "Between messages the UTF-8 automaton of the receiver is idle.",
             always(_implies(recv_type != TEXT, recv_utf8 == utf8.ACCEPT)), ["5.4/last-text-fragment~no-recv_utf8"]),
    _theorem("utf8-idle-between-sent-messages", "Between messages the UTF-8 automaton of the sender is idle.",
             always(_implies(send_type != TEXT, send_utf8 == utf8.ACCEPT)), ["5.4/send-last-fragment~no-send_utf8"]),
    _theorem("length-zero-between-messages", "Between messages no octets are counted.",
             always(_implies(recv_type == 0, recv_length == 0)),
             ["5.4/last-text-fragment~no-recv_length"]),
    _theorem("message-within-limit", "A message being received never exceeds the stated limit.",
             always((limit == UNSTATED) | (recv_length <= limit)), ["10.4/message-too-big"], ["10.4-01"]),
    _theorem("accepted-data-within-limit", "No frame is accepted that makes a message exceed the stated limit.",
             _never(accepts & is_data & (limit != UNSTATED)
                    & ite(received_deflated, inflated > limit, recv_length + length > limit)),
             ["10.4/message-too-big"], ["10.4-01"]),
    _theorem("continuation-inside-message", "A continuation is accepted only inside a message.",
             _never(accepts & is_continuation & (recv_type == 0)), ["5.4/continuation-without-message"]),
    _theorem("continuation-sent-inside-message", "A continuation is sent only inside a message.",
             _never(sends & is_continuation & (send_type == 0)), ["6.1/continuation-follows-fragment"]),
    _theorem("message-starts-between-messages", "A message begins only where no other is in progress, received or "
             "sent.",
             _never(starts_message & ((accepts & (recv_type != 0)) | (sends & (send_type != 0)))),
             ["5.4/interleaved-message", "5.4/send-not-interleaved"], ["5.4-05"]),
    _theorem("control-keeps-message", "A Ping or Pong never changes the message being assembled.",
             _never(accepts & (is_ping | is_pong) & ~_unchanged(_RECEIVING)),
             ["5.5.2/ping~undoes-recv_type"], ["5.4-06"]),
    _theorem("control-keeps-sent-message", "Sending a Ping or Pong never changes the message being sent.",
             _never(sends & (is_ping | is_pong) & ~_unchanged(_SENDING)),
             ["5.5.2/send-ping~undoes-send_type"], ["5.4-02"]),
    _theorem("sending-keeps-receiving", "Sending anything never changes the message being received.",
             _never(sends & ~_unchanged(_RECEIVING)), ["6.1/send-text~undoes-recv_type"]),
    _theorem("type-is-set-by-first-fragment", "The type of a message does not change between its fragments.",
             _never(accepts & is_continuation & ~fin & (NEXT["recv_type"] != recv_type)),
             ["5.4/next-fragment~undoes-recv_type"]),
    _theorem("text-received-is-utf8", "A text message is accepted only where the whole of it is valid UTF-8.",
             _never(accepts & carries_text(recv_type) & fin & (utf8_next != utf8.ACCEPT)),
             ["8.1/invalid-text"], ["8.1-01"]),
    _theorem("text-sent-is-utf8", "A text message is sent only where the whole of it is valid UTF-8.",
             _never(sends & carries_text(send_type) & fin & (utf8_next != utf8.ACCEPT)),
             ["5.6/text-is-utf8"], ["5.6-01"]),
)  # fmt: skip

FRAMES: Final = (
    _theorem("masking-direction", "A server accepts and a client sends only masked frames; a client accepts and a "
             "server sends only unmasked ones.",
             _never((accepts & (masked != server)) | (sends & (masked == server))),
             ["5.1/client-masks", "5.1/server-refuses-unmasked"], ["5.1-01", "5.1-02", "5.1-04", "5.1-05"]),
    _theorem("one-length-encoding", "For each length there is exactly one form in which it is sent.",
             _never(sends & (form != ite(length <= 125, 0, ite(length <= 65535, 1, 2)))),
             ["5.2/send-minimal-length"], ["5.2-06"]),
    _theorem("lengths-have-63-bits", "No frame of 2^63 octets or more is accepted or sent.",
             _never((accepts | sends) & (length >= 2**63)), ["5.2/length-sign-bit"], ["5.2-05"]),
    _theorem("reserved-bits-need-an-extension", "A reserved bit is accepted or sent only where a negotiated extension "
             "claims it.",
             _never((accepts | sends) & ((rsv1 & ~claims_rsv1) | (rsv2 & ~claims_rsv2) | (rsv3 & ~claims_rsv3))),
             ["5.2/reserved-bits"]),
    _theorem("only-known-opcodes", "Only the six defined opcodes are accepted or sent.",
             _never((accepts | sends) & ~any_of([opcode == o for o in KNOWN_OPCODES])),
             ["5.2/unknown-opcode~accept"]),
    _theorem("control-frames-are-small-and-whole", "A control frame that is accepted or sent has at most 125 octets "
             "and is not fragmented.",
             _never((accepts | sends) & is_control & (~fin | (length > 125))),
             ["5.5/long-control", "5.5/fragmented-control"], ["5.5-01"]),
)  # fmt: skip

DUTIES: Final = (
    _theorem("ping-is-answered", "An endpoint with an unanswered Ping does not stay silent, unless a Close was sent or "
             "received, the connection was failed, TCP closed, or the peer has ended it.",
             _never(stays_silent & ping_waits & ~has_sent_close & ~has_got_close & ~has_failed & ~tcp_was_closed
                    & ~peer_has_ended,
                    PING, SENT, GOT, FAILED, TCP, PEER), ["5.5.2/pong-owed~never-due"], ["5.5.2-02"]),
    _theorem("discarding-only-while-closing", "Frames are discarded unread only between sending and receiving a "
             "Close.",
             always(_implies(discarding, sent_close & ~got_close & peer_open)),
             ["5.5.1/may-stop-processing~without-peer_open"]),
    _theorem("reply-only-from-echo", "A reply is owed only by the echo application.",
             always(_implies(reply_due, echo)), ["5.4/text-message~sets-reply_due"]),
    _theorem("silence-changes-nothing", "Staying silent changes nothing.",
             _never(stays_silent & ~_unchanged(list(STATE_VARIABLES))), ["2.1/nothing-owed~undoes-fail_code"]),
    _theorem("ignoring-changes-no-fact", "Ignoring a frame neither closes, nor fails, nor answers anything.",
             _never(receives & _outcome(Kind.IGNORE)
                    & ~_unchanged(("sent_close", "got_close", "failed", "tcp_open", "peer_open", "close_code"))),
             ["7.1.1/trailing-octets~undoes-got_close"]),
)  # fmt: skip

SAFETY: Final = (*CLOSING_ORDER, *FAILING, *CODES, *MESSAGES, *FRAMES, *DUTIES)
