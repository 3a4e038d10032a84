"""Rules for sending: the frames that an endpoint may send (sections 5, 6.1, 7.1.7 and 7.4).

Theory of operation. Each sentence that bars a frame has a row that forbids it; a frame that none of them forbids is
``LEGAL`` and permitted by the row for its kind, whose effects are those of having sent it.

A frame can have several faults of its own, in its header and its content (``OWN``): each can be read off the frame, and
all are named. At most one row says that it comes at the wrong time (``TIME``): a state in which nothing more may be
sent, or nothing yet, has no message in progress to be interleaved or continued, so that such a fault would only follow.
"""

from __future__ import annotations

from typing import Final

from ..notation.expression import FALSE, Const, Expr, Operand, between, ite
from ..notation.named import bundle, term
from ..notation.rule import LEGAL, Forbid, Permit, Reaction, Rule, Strength, effects, worded
from ..notation.switches import is_set_to
from ..notation.variables import (
    NO_CODE,
    EventKind,
    answers,
    code,
    established,
    fail_code,
    failed,
    fin,
    got_close,
    is_binary,
    is_close,
    is_continuation,
    is_control,
    is_data,
    is_ping,
    is_pong,
    is_text,
    key_foreseen,
    length,
    masked,
    peer_open,
    pong_due,
    reason_ok,
    reply_due,
    send_history,
    send_type,
    sent_close,
    sent_deflated,
    sent_text,
    server,
    starts_message,
    tcp_open,
    unprovoked,
    utf8_next,
)
from ..octets import utf8
from ..octets.vocabulary import BINARY, TEXT, Role
from .close_codes import DEFINED_CODE, REGISTER, CodeRange
from .receiving import kept, non_minimal_length, reserved_opcode, undefined_bit

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS
APPLICATION: Final = Strength.APPLICATION

NOTHING_BEING_SENT: Final = bundle(
    "no message being sent", effects(send_type=0, send_utf8=utf8.ACCEPT, send_compressed=False)
)


def _row(rule_id: str, strength: Strength, quote: str, when: Expr, then: Reaction) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND, when, then)


def _forbid(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return _row(rule_id, strength, quote, when, Forbid())


def _permit(rule_id: str, strength: Strength, quote: str, when: Expr, **changes: Operand) -> Rule:
    return _row(rule_id, strength, quote, LEGAL & when, Permit(effects(**changes)))


FRAMING: Final = (
    _forbid("5.1/client-masks", MUST, "a client MUST mask all frames that it sends to the server",
            ~server & ~masked),
    _forbid("5.1/server-does-not-mask", MUST, "A server MUST NOT mask any frames that it sends to the client.",
            server & masked),
    _forbid("5.3/unpredictable-key", MUST,
            "The masking key needs to be unpredictable; thus, the masking key MUST be derived from a strong source of "
            "entropy, and the masking key for a given frame MUST NOT make it simple for a server/proxy to predict the "
            "masking key for a subsequent frame.",
            ~server & key_foreseen),
    _forbid("5.2/reserved-bits-zero", MUST,
            "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.",
            undefined_bit),
    _forbid("5.2/defined-opcodes-only", CONSENSUS,
            "Defines the interpretation of the \"Payload data\". If an unknown opcode is received, the receiving "
            "endpoint MUST _Fail the WebSocket Connection_. The following values are defined.",
            reserved_opcode),
    _forbid("5.2/send-length-sign-bit", MUST, "the most significant bit MUST be 0",
            length >= Const(2**63, "2^63")),
    _forbid("5.2/send-minimal-length", MUST, "the minimal number of bytes MUST be used to encode the length",
            non_minimal_length),
    _forbid("5.4/control-not-fragmented", MUST, "Control frames themselves MUST NOT be fragmented.",
            is_control & ~fin),
    _forbid("5.5/control-length", MUST,
            "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
            is_control & (length > 125)),
)  # fmt: skip

sending: Final = term(
    "sending",
    "the endpoint sends messages: the opening handshake is complete, TCP is open, it has not sent a Close frame and is "
    "not failing the connection",
    established & tcp_open & ~sent_close & ~failed,
)

closes_inside: Final = term(
    "closes_inside", "a Close begins the closing handshake inside a message, and the switch says that it may not",
    is_close & (send_type != 0) & ~got_close & is_set_to("close_inside_message", "refused"),
)  # fmt: skip

FRAGMENTATION: Final = (
    _forbid("6.1/continuation-follows-fragment", MUST,
            "The opcode (frame-opcode) of the first frame containing the data MUST be set to the appropriate value "
            "from Section 5.2 for data that is to be interpreted by the recipient as text or binary data.",
            sending & is_continuation & (send_type == 0)),
    _forbid("5.4/send-not-interleaved", MUST,
            "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an "
            "extension has been negotiated that can interpret the interleaving.",
            sending & ~got_close & starts_message & (send_type != 0)),
    _forbid("5.4/send-close-inside-message", CONSENSUS,
            "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message.",
            sending & closes_inside),
)  # fmt: skip

CONTENT: Final = (
    _forbid("5.6/text-is-utf8", MUST, "the whole message MUST contain valid UTF-8",
            sent_text & ((fin & (utf8_next != utf8.ACCEPT)) | (utf8_next == utf8.REJECT))),
    _forbid("5.5.1/body-starts-with-code", MUST, DEFINED_CODE, is_close & (length == 1)),
    _forbid("5.5.1/reason-is-utf8", CONSENSUS,
            "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/",
            is_close & ~reason_ok),
)  # fmt: skip


def _code_row(row: CodeRange) -> Rule:
    """The row against sending a range of codes: by those roles that may not send it, as the register says."""
    by_client, by_server = (_forbidden(row, role) for role in (Role.CLIENT, Role.SERVER))
    when = is_close & (length >= 2) & between(code, row.low, row.high) & ite(server, by_server, by_client)
    if row.outside:
        return _forbid(f"5.5.1/send-{row.name}", MUST, DEFINED_CODE, when)
    return _forbid(f"{row.section}/send-{row.name}", row.forbidden or CONSENSUS, row.quote, when)


def _forbidden(row: CodeRange, sender: Role) -> Expr:
    """A code outside section 7.4 is forbidden but for sending back the one that came, where that is disputed."""
    if row.switch is not None and sender in row.disputed:
        refused = is_set_to(row.switch, "refuse")
        return refused | (is_set_to(row.switch, "either") & ~(got_close & answers)) if row.outside else refused
    return ~FALSE if row.forbidden is not None and sender not in row.senders else FALSE


CODES: Final = tuple(_code_row(row) for row in REGISTER if row.forbidden or row.switch)

open_connection: Final = term(
    "open_connection", "the opening handshake is complete and TCP is open", established & tcp_open
)

ORDER: Final = (
    _forbid("4.1/handshake-before-data", MUST,
            "Once the client's opening handshake has been sent, the client MUST wait for a response from the server "
            "before sending any further data.",
            ~server & ~established),
    _forbid("4.2.2/answer-before-data", MUST,
            "When a client establishes a WebSocket connection to a server, the server MUST complete the following "
            "steps to accept the connection and send the server's opening handshake. ... At this point, the server may "
            "begin sending (and receiving) data.",
            server & ~established),
    _forbid("5.5.1/no-data-after-close", MUST,
            "The application MUST NOT send any more data frames after sending a Close frame.",
            open_connection & sent_close & is_data),
    _forbid("7.1.5/one-close", CONSENSUS,
            "both endpoints will have sent and received a Close frame and will not send further Close frames",
            open_connection & sent_close & is_close),
    _forbid("5.5.2/no-control-after-close", CONSENSUS,
            "An endpoint MAY send a Ping frame any time after the connection is established and before the connection "
            "is closed.",
            open_connection & sent_close & ~got_close & (is_ping | is_pong)
            & is_set_to("control_after_close", "never")),
    _forbid("5.5.1/closed-after-both", CONSENSUS,
            "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed",
            open_connection & sent_close & got_close & (is_ping | is_pong)),
    _forbid("6.1/open-to-start-message", MUST,
            "The endpoint MUST ensure the WebSocket connection is in the OPEN state",
            sending & got_close & starts_message),
    _forbid("7.1.7/no-data-after-failing", CONSENSUS,
            "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before proceeding to "
            "_Close the WebSocket Connection_.",
            open_connection & failed & ~sent_close & is_data),
    _forbid("7.1.7/appropriate-code", SHOULD,
            "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before proceeding to "
            "_Close the WebSocket Connection_.",
            open_connection & failed & ~sent_close & is_close & (code != fail_code)),
    _forbid("5.5.1/reply-before-close", APPLICATION,
            "An endpoint MAY delay sending a Close frame until its current message is sent",
            sending & peer_open & reply_due & is_close & ~closes_inside
            & is_set_to("close_overtakes_reply", "refused")),
    _forbid("7.3/client-closes-arbitrarily", SHOULD,
            "Clients SHOULD NOT close the WebSocket connection arbitrarily.",
            # Other codes say why (section 7.4.1).
            sending & ~server & is_close & ~closes_inside & unprovoked & ((code == 1000) | (code == NO_CODE))),
    _forbid("7.1.4/nothing-when-closed", MUST,
            "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_",
            established & ~tcp_open),
)  # fmt: skip

_KEPT: Final = kept(send_history, sent_deflated)

_SENDS: Final = (
    "To _Send a WebSocket Message_ comprising of /data/ over a WebSocket connection, an endpoint MUST perform the "
    "following steps."
)

MESSAGES: Final = (
    _permit("6.1/send-text", MUST, _SENDS,
            is_text & fin, reply_due=reply_due & ~answers, send_history=_KEPT),
    _permit("6.1/send-binary", MUST, _SENDS,
            is_binary & fin, reply_due=reply_due & ~answers, send_history=_KEPT),
    _permit("5.4/send-first-text-fragment", MAY,
            "A sender MAY create fragments of any size for non-control messages.",
            is_text & ~fin, send_type=TEXT, send_utf8=utf8_next, send_compressed=sent_deflated),
    _permit("5.4/send-first-binary-fragment", MAY,
            "A sender MAY create fragments of any size for non-control messages.",
            is_binary & ~fin, send_type=BINARY, send_compressed=sent_deflated),
    _permit("5.4/send-next-fragment", MAY,
            "A sender MAY create fragments of any size for non-control messages.",
            is_continuation & ~fin, send_utf8=utf8_next),
    _permit("5.4/send-last-fragment", MAY,
            "A sender MAY create fragments of any size for non-control messages.",
            is_continuation & fin, **NOTHING_BEING_SENT, reply_due=reply_due & ~answers, send_history=_KEPT),
)  # fmt: skip

CONTROL: Final = (
    _permit("5.5.2/send-ping", MAY,
            "An endpoint MAY send a Ping frame any time after the connection is established and before the connection "
            "is closed.",
            is_ping),
    _permit("5.5.3/send-pong", MAY,
            "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping "
            "frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame.",
            is_pong, pong_due=pong_due & ~answers),
    _permit("7.1.2/send-close", MUST,
            "To _Start the WebSocket Closing Handshake_ with a status code (Section 7.4) /code/ and an optional close "
            "reason (Section 7.1.6) /reason/, an endpoint MUST send a Close control frame",
            is_close, **NOTHING_BEING_SENT, sent_close=True, reply_due=False,
            pong_due=pong_due & is_set_to("control_after_close", "must")),
)  # fmt: skip

OWN: Final = (*FRAMING, *CONTENT, *CODES)
"""The faults that a frame has of its own, whenever it is sent."""

TIME: Final = (*FRAGMENTATION, *ORDER)
"""The rows against sending a frame in some states; no two of them forbid the same frame in the same state."""

SENDING: Final = worded(
    (*OWN, *TIME, *MESSAGES, *CONTROL),
    {
        "5.2/defined-opcodes-only": "nothing defines this opcode",
        "5.4/control-not-fragmented": "a control frame has no FIN",
        "5.5/control-length": "a control frame has more than 125 octets",
        "5.6/text-is-utf8": "the text is not UTF-8",
        "5.5.1/body-starts-with-code": "its body has one octet, and no code",
        "5.5.1/reason-is-utf8": "its reason is not UTF-8",
        "5.5.1/send-unused-codes": "codes below 1000 are not used",
        "7.4.1/send-code-1004": "this code is reserved",
        "7.4.1/send-code-1005": "this code stands for no code at all, and is never sent",
        "7.4.1/send-code-1006": "this code stands for the loss of the connection, and is never sent",
        "7.4.1/send-mandatory-extension": "this code is for clients",
        "7.4.2/send-later-codes": "RFC 6455 does not define this code",
        "7.4.1/send-code-1015": "this code stands for a fault of TLS, and is never sent",
        "7.4.2/send-unassigned-codes": "nothing defines this code",
        "5.5.1/send-codes-beyond": "there are no codes of 5000 or more",
        "6.1/continuation-follows-fragment": "a continuation follows no fragment",
        "5.4/send-not-interleaved": "a message begins inside another one of its own",
        "5.4/send-close-inside-message": "a message of its own is not finished",
        "4.1/handshake-before-data": "the connection is not open yet",
        "4.2.2/answer-before-data": "its answer to the request comes first",
        "5.5.1/no-data-after-close": "it has sent a Close before",
        "7.1.5/one-close": "it has sent a Close before",
        "5.5.2/no-control-after-close": "it has sent a Close before",
        "5.5.1/closed-after-both": "both Closes were sent before",
        "6.1/open-to-start-message": "the connection is not open any more",
        "7.1.7/no-data-after-failing": "it has failed the connection before",
        "7.1.7/appropriate-code": "this code does not tell the fault",
        "5.5.1/reply-before-close": "the message before it was not sent back",
        "7.3/client-closes-arbitrarily": "nothing asked for it",
        "7.1.4/nothing-when-closed": "the connection is closed",
    },
    does={
        "5.1/client-masks": "does not mask its frames, as a client must",
        "5.1/server-does-not-mask": "masks its frames, which only a client does",
        "5.3/unpredictable-key": "masks its frames with keys that can be foreseen",
        "5.2/reserved-bits-zero": "sets a reserved bit that no extension defines",
        "5.2/send-length-sign-bit": "writes a length of 2^63 or more",
        "5.2/send-minimal-length": "writes a length with more octets than it needs",
    },
)
