"""permessage-deflate (RFC 7692): what is negotiated, which frames are marked, what messages may refer to.

Theory of operation. An answer agrees to an offer where it has each thing that the offer asks for; an offer with any
fault is declined, which is no fault of the server. From then on RSV1 on the first frame of a message says that it is
compressed. Of its DEFLATE data rules see what a tracer measured (``model.octets.deflate``): damage, the largest
distance, and the reach over its start. A sender keeps within the window and the context that were agreed; a receiver
may have kept no more than that, so that it may fail where the sender did not. That messages are put together, counted
and checked as text after they are inflated stands in the rows for receiving and sending, which read the same facts.
"""

from __future__ import annotations

from typing import Final

from ..notation.expression import Expr, any_of
from ..notation.head_variables import (
    ANSWER_PARAMETERS,
    client_window_limited,
    constrains_unasked,
    has_bits,
    is_,
    takeover_kept,
    window_exceeded,
    window_unsaid,
)
from ..notation.named import term
from ..notation.rule import Fail, Forbid, Rule, Strength, effects, worded
from ..notation.switches import is_set_to
from ..notation.variables import (
    LOST,
    EventKind,
    distance,
    is_damaged,
    reach,
    received_deflated,
    recv_history,
    recv_takeover,
    recv_window,
    rsv1,
    send_history,
    send_takeover,
    send_window,
    sent_deflated,
    server,
    sound_offer,
    starts_message,
)
from .receiving import FAILING, attending
from .requests import EITHER, REFUSED, is_handshake, tcp_usable
from .responses import switches_protocols

MUST, MAY, CONSENSUS, LETTER = Strength.MUST, Strength.MAY, Strength.CONSENSUS, Strength.LETTER

# --- what is negotiated ---------------------------------------------------------------------------------------------

answers_offer: Final = term(
    "answers_offer", "a response of status 101 that accepts permessage-deflate",
    switches_protocols & ~is_("deflate", "absent"),
)  # fmt: skip
_bad_value: Final = {
    "server_no_takeover": has_bits("server_no_takeover") | is_("server_no_takeover", "with another value"),
    "client_no_takeover": has_bits("client_no_takeover") | is_("client_no_takeover", "with another value"),
    "server_bits": is_("server_bits", "without a value", "with another value"),
    "client_bits": is_("client_bits", "without a value", "with another value"),
}
_repeats: Final = any_of([is_(name, "more than once") for name in ANSWER_PARAMETERS])


def _offer(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND_REQUEST, is_handshake & when, Forbid())


def _answer(rule_id: str, quote: str, when: Expr, strength: Strength = MUST) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND_RESPONSE, answers_offer & when, Forbid())


_FAILS: Final = Fail(effects(failed=True), LOST)


def _read(rule_id: str, quote: str, when: Expr) -> tuple[Rule, Rule]:
    """A fault for which a client fails, or (a switch) may go on and close instead."""
    section, _, name = rule_id.partition("/")
    guard = tcp_usable & answers_offer & when
    return (
        Rule(rule_id, MUST, quote, EventKind.RECEIVE_RESPONSE,
             guard & is_set_to("faulty_deflate_answer", REFUSED), _FAILS),
        Rule(f"{section}/may-fail-{name}", MAY, quote, EventKind.RECEIVE_RESPONSE,
             guard & is_set_to("faulty_deflate_answer", EITHER), _FAILS),
    )  # fmt: skip


_DECLINE: Final = (
    "A server MUST decline an extension negotiation offer for this extension if any of the following conditions are met"
)
_HAS_NO_VALUE: Final = 'The "{}" extension parameter in an extension negotiation response has no value.'
_HAS_BITS: Final = (
    'The "{}" extension parameter in an extension negotiation response has a decimal integer value without leading '
    "zeroes between 8 to 15"
)
_INVALID: Final = (
    "If a server gives an invalid response, such as accepting a PMCE that the client did not offer, the client MUST "
    "_Fail the WebSocket Connection_."
)

_BY_INCLUDING: Final = (
    'A server accepts an extension negotiation offer with this parameter by including the "server_max_window_bits" '
    "extension parameter in the extension negotiation response to send back to the client with the same or smaller "
    "value as the offer."
)

NEGOTIATION: Final = (
    _offer("7692.7/send-sound-offers", CONSENSUS, _DECLINE, is_("deflate_offers", "some unsound")),
    _answer("7692.7/decline-unsound", _DECLINE, ~sound_offer),
    _answer("7692.5/accept-one",
            "A server MUST NOT accept a PMCE extension negotiation offer together with another extension if the PMCE "
            "will conflict with the extension on their use of the RSV1 bit.",
            is_("deflate", "more than one")),
    _answer("7692.7/name-parameters-once",
            "The negotiation response contains multiple extension parameters with the same name.",
            _repeats),
    _answer("7692.7.1.1.1/stop-takeover",
            "A server accepts an extension negotiation offer that includes the \"server_no_context_takeover\" "
            "extension parameter by including the \"server_no_context_takeover\" extension parameter in the "
            "corresponding extension negotiation response to send back to the client.",
            takeover_kept),
    _answer("7692.7.1.1.1/no-value", _HAS_NO_VALUE.format("server_no_context_takeover"),
            _bad_value["server_no_takeover"]),
    _answer("7692.7.1.1.2/no-value", _HAS_NO_VALUE.format("client_no_context_takeover"),
            _bad_value["client_no_takeover"]),
    _answer("7692.7.1.2.1/within-window",
            _BY_INCLUDING,
            window_exceeded),
    _answer("7692.7.1.2.1/repeat-window", _BY_INCLUDING, window_unsaid, LETTER),
    _answer("7692.7.1.2.1/bits", _HAS_BITS.format("server_max_window_bits"), _bad_value["server_bits"]),
    _answer("7692.7.1.2.2/unoffered-window",
            "If a received extension negotiation offer doesn't have the \"client_max_window_bits\" extension "
            "parameter, the corresponding extension negotiation response to the offer MUST NOT include the "
            "\"client_max_window_bits\" extension parameter.",
            client_window_limited),
    _answer("7692.7.1.2.2/bits", _HAS_BITS.format("client_max_window_bits"), _bad_value["client_bits"]),
    *_read("7692.7/answer-value",
           "The negotiation response contains an extension parameter with an invalid value.",
           any_of(list(_bad_value.values()))),
    *_read("7692.7/answer-repeats",
           "The negotiation response contains multiple extension parameters with the same name.",
           _repeats),
    *_read("7692.5/answer-conflict",
           "A client that received a response accepting a PMCE extension negotiation offer together with such an "
           "extension MUST _Fail the WebSocket Connection_.",
           is_("deflate", "more than one")),
    *_read("7692.5/answer-fits-no-offer", _INVALID,
           ~sound_offer | takeover_kept | window_exceeded | client_window_limited),
    Rule("7692.7.1.2.1/may-fail-window-unsaid", MAY, _BY_INCLUDING, EventKind.RECEIVE_RESPONSE,
         tcp_usable & answers_offer & window_unsaid, _FAILS),
    Rule("7692.7/may-fail-unsupported", MAY,
         "The client does not support the configuration that the response represents.", EventKind.RECEIVE_RESPONSE,
         tcp_usable & answers_offer & constrains_unasked, Fail(effects(failed=True), LOST, unable=True)),
)  # fmt: skip

# --- frames and what is in them -------------------------------------------------------------------------------------

out_of_place: Final = term(
    "out_of_place", "with permessage-deflate, RSV1 on a frame that is not the first of a message",
    (recv_window != 0) & rsv1 & ~starts_message,
)  # fmt: skip
_MARKS: Final = (
    'An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments of a data '
    "message. An endpoint receiving such a frame MUST _Fail the WebSocket Connection_."
)
_DECOMPRESS: Final = "Decompress the resulting data using DEFLATE."
_REDUCES: Final = (
    'If the "agreed parameters" contain the "{0}_max_window_bits" extension parameter with a value of w, the {1} '
    "MAY reduce the size of its LZ77 sliding window to decompress received messages down to the w-th power of 2 bytes."
)
_FORGETS: Final = (
    'If the "agreed parameters" contain the "{0}_no_context_takeover" extension parameter, the {1} MAY decompress '
    "each new message with an empty LZ77 sliding window."
)
_ENDS_WITH: Final = (
    "After this step, the last octet of the compressed data contains (possibly part of) the DEFLATE header bits with "
    'the "BTYPE" bits set to 00.'
)
_APPENDS: Final = (
    'If the resulting data does not end with an empty DEFLATE block with no compression (the "BTYPE" bits are set to '
    "00), append an empty DEFLATE block with no compression to the tail end."
)
_NO_PAYLOAD, _NO_BLOCK = is_damaged("no payload"), is_damaged("no empty block behind the last one")
_CUT: Final = is_damaged("cut inside a block")


def _refuse(rule_id: str, strength: Strength, quote: str, when: Expr, code: int) -> Rule:
    failing = Fail(code=code, effects={**FAILING, **effects(fail_code=code)})
    return Rule(rule_id, strength, quote, EventKind.RECEIVE, attending & when, failing)


unreadable: Final = term(
    "unreadable", "the DEFLATE data of a compressed message is malformed, refers to octets that never were, or has an "
    "end that a switch says to be malformed",
    received_deflated
    & (is_damaged("malformed") | (reach > recv_history)
       | (_NO_PAYLOAD & is_set_to("empty_deflate_payload", "refuse"))
       | (_NO_BLOCK & is_set_to("final_block_alone", "refuse"))
       | (_CUT & is_set_to("cut_deflate_data", "refuse"))),
)  # fmt: skip


def _doubtful(rule_id: str, quote: str, when: Expr) -> tuple[Rule, ...]:
    """The rows that let a receiver fail for data that it need not be able to inflate."""
    bad = received_deflated & when
    return (
        _refuse(rule_id, MAY, quote, bad & ~is_set_to("bad_deflate_data", "1002"), 1007),
        _refuse(f"{rule_id}-by-1002", MAY, quote, bad & ~is_set_to("bad_deflate_data", "1007"), 1002),
    )


MARK_RECEIVED: Final = _refuse("7692.6.1/mark-out-of-place", MUST, _MARKS, out_of_place, 1002)

RECEIVING_DEFLATE: Final = (
    MARK_RECEIVED,
    _refuse("7692.7.2.2/malformed", CONSENSUS, _DECOMPRESS, unreadable & ~is_set_to("bad_deflate_data", "1002"), 1007),
    _refuse("7692.7.2.2/malformed-by-1002", CONSENSUS, _DECOMPRESS,
            unreadable & is_set_to("bad_deflate_data", "1002"), 1002),
    _refuse("7692.7.2.2/malformed-or-by-1002", MAY, _DECOMPRESS,
            unreadable & is_set_to("bad_deflate_data", "either"), 1002),
    *_doubtful("7692.7.2.2/may-fail-no-payload", _DECOMPRESS,
               _NO_PAYLOAD & is_set_to("empty_deflate_payload", "either")),
    *_doubtful("7692.7.2.2/may-fail-no-empty-block", _DECOMPRESS,
               _NO_BLOCK & is_set_to("final_block_alone", "either")),
    *_doubtful("7692.7.2.2/may-fail-cut-block", _DECOMPRESS, _CUT & is_set_to("cut_deflate_data", "either")),
    *_doubtful("7692.7.2.2/client-may-reduce-window", _REDUCES.format("server", "client"),
               ~server & (distance > recv_window)),
    *_doubtful("7692.7.2.2/server-may-reduce-window", _REDUCES.format("client", "server"),
               server & (distance > recv_window)),
    *_doubtful("7692.7.2.2/client-may-forget", _FORGETS.format("server", "client"),
               ~server & ~recv_takeover & (reach > 0)),
    *_doubtful("7692.7.2.2/server-may-forget", _FORGETS.format("client", "server"),
               server & ~recv_takeover & (reach > 0)),
)  # fmt: skip


def _forbid(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND, when, Forbid())


_WINDOW: Final = (
    'If the "agreed parameters" contain the "{0}_max_window_bits" extension parameter with a value of w, the {0} '
    "MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes to compress messages to send."
)
_EMPTY_WINDOW: Final = (
    'If the "agreed parameters" contain the "{0}_no_context_takeover" extension parameter, the {0} MUST start '
    "compressing each new message with an empty LZ77 sliding window."
)

MARK_SENT: Final = _forbid("7692.6.1/send-mark-in-place", MUST, _MARKS, out_of_place)

SENDING_DEFLATE: Final = (
    MARK_SENT,
    _forbid("7692.7.2.1/send-deflate", MUST, "Compress all the octets of the payload of the message using DEFLATE.",
            sent_deflated & (is_damaged("cut inside a block", "malformed") | (reach > send_history))),
    _forbid("7692.7.2.1/send-payload", LETTER, _ENDS_WITH,
            sent_deflated & _NO_PAYLOAD & ~is_set_to("empty_deflate_payload", "accept")),
    _forbid("7692.7.2.1/send-empty-block", LETTER, _APPENDS,
            sent_deflated & _NO_BLOCK & ~is_set_to("final_block_alone", "accept")),
    _forbid("7692.7.2.1/client-window", MUST, _WINDOW.format("client"),
            sent_deflated & ~server & (distance > send_window)),
    _forbid("7692.7.2.1/server-window", MUST, _WINDOW.format("server"),
            sent_deflated & server & (distance > send_window)),
    _forbid("7692.7.2.1/client-context", MUST, _EMPTY_WINDOW.format("client"),
            sent_deflated & ~server & ~send_takeover & (reach > 0)),
    _forbid("7692.7.2.1/server-context", MUST, _EMPTY_WINDOW.format("server"),
            sent_deflated & server & ~send_takeover & (reach > 0)),
)  # fmt: skip

COMPRESSION: Final = worded(
    (*NEGOTIATION, *RECEIVING_DEFLATE, *SENDING_DEFLATE),
    {
        "7692.7/send-sound-offers": "it offers permessage-deflate in a way that a server has to decline",
        "7692.7/decline-unsound": "it accepts permessage-deflate though each offer has a fault",
        "7692.5/accept-one": "it accepts permessage-deflate twice",
        "7692.7/name-parameters-once": "a parameter of permessage-deflate stands twice in its answer",
        "7692.7.1.1.1/stop-takeover": "it was asked to take over no context, and does not agree to that",
        "7692.7.1.1.1/no-value": "server_no_context_takeover has a value",
        "7692.7.1.1.2/no-value": "client_no_context_takeover has a value",
        "7692.7.1.2.1/within-window": "it does not agree to a window as small as the client asked for",
        "7692.7.1.2.1/repeat-window": "it does not repeat the window of 15 bits that the client asked for",
        "7692.7.1.2.1/bits": "server_max_window_bits has no value of 8 to 15",
        "7692.7.1.2.2/unoffered-window": "it limits the window of a client that has not offered that",
        "7692.7.1.2.2/bits": "client_max_window_bits has no value of 8 to 15",
        "7692.7/answer-value": "an answer with a bad value of a parameter of permessage-deflate",
        "7692.7/answer-repeats": "an answer with a parameter of permessage-deflate twice",
        "7692.5/answer-conflict": "an answer that accepts permessage-deflate twice",
        "7692.5/answer-fits-no-offer": "an answer about permessage-deflate that fits no offer",
        "7692.7/may-fail-unsupported": "an answer with limits that the client has not asked for and does not support",
        "7692.6.1/mark-out-of-place": "RSV1 on a frame that is not the first of a message",
        "7692.7.2.2/malformed": "a compressed message that cannot be inflated",
        "7692.7.2.2/malformed-by-1002": "a compressed message that cannot be inflated, a protocol error",
        "7692.6.1/send-mark-in-place": "it sets RSV1 on a frame that is not the first of a message",
        "7692.7.2.1/send-deflate": "what it sends as a compressed message cannot be inflated",
        "7692.7.2.1/send-payload": "it sends a compressed message without any payload",
        "7692.7.2.1/send-empty-block": "its compressed message ends with BFINAL = 1 and nothing after it",
        "7692.7.2.1/client-window": "it refers farther back than the window that was agreed on",
        "7692.7.2.1/server-window": "it refers farther back than the window that was agreed on",
        "7692.7.2.1/client-context": "it refers to an earlier message, though no context is taken over",
        "7692.7.2.1/server-context": "it refers to an earlier message, though no context is taken over",
    },
)
