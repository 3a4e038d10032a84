"""Rules for receiving: the reactions of an endpoint to a frame (sections 5, 6.2, 7.1, 8 and 10.4).

Theory of operation. A frame is *read* while TCP is open, the connection is not being failed and no Close has been
received. Each violation has a row that fails the connection with the status code that fits; a frame that none of
them refuses is ``LEGAL`` and accepted by the row for its kind. Two rows that refuse one frame may name different
codes: the RFC sets no order among errors, so either code is appropriate.
"""

from __future__ import annotations

from typing import Final

from ..notation.expression import FALSE, Const, Expr, Operand, any_of, between, ite
from ..notation.named import bundle, term
from ..notation.rule import LEGAL, Accept, Fail, Ignore, Reaction, Rule, Strength, effects, worded
from ..notation.switches import is_set_to
from ..notation.variables import (
    UNSTATED,
    EventKind,
    claims_rsv1,
    claims_rsv2,
    claims_rsv3,
    code,
    discarding,
    echo,
    failed,
    fin,
    form,
    got_close,
    inflated,
    is_binary,
    is_close,
    is_continuation,
    is_control,
    is_data,
    is_ping,
    is_pong,
    is_text,
    length,
    limit,
    masked,
    opcode,
    peer_open,
    reason_ok,
    received_deflated,
    received_text,
    recv_history,
    recv_length,
    recv_type,
    rsv1,
    rsv2,
    rsv3,
    sent_close,
    server,
    starts_message,
    utf8_next,
)
from ..octets import utf8
from ..octets.frames import LENGTH_FORMS
from ..octets.vocabulary import BINARY, RESERVED_CONTROL_OPCODES, RESERVED_DATA_OPCODES, TEXT, Role
from .close_codes import DEFINED_CODE, REGISTER, CodeRange

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS

NOTHING_IN_PROGRESS: Final = bundle(
    "no message being received",
    effects(recv_type=0, recv_utf8=utf8.ACCEPT, recv_length=0, recv_compressed=False),
)

FAILING: Final = bundle(
    "give everything up",
    {
        **NOTHING_IN_PROGRESS,
        **effects(
            failed=True,
            discarding=False,
            pong_due=False,
            reply_due=False,
            send_type=0,
            send_utf8=utf8.ACCEPT,
            send_compressed=False,
        ),
    },
)
"""Whatever was under way is given up when the connection is failed."""

undefined_bit: Final = term(
    "undefined_bit",
    "a reserved bit is set that no negotiated extension claims, or not on the first frame of a message, which alone "
    "such extensions mark (RFC 7692, section 6)",
    (rsv1 & ~(claims_rsv1 & starts_message)) | (rsv2 & ~(claims_rsv2 & starts_message))
    | (rsv3 & ~(claims_rsv3 & starts_message)),
)  # fmt: skip
reserved_opcode: Final = term(
    "reserved_opcode", "the opcode is reserved: RFC 6455 gives it no meaning",
    any_of([opcode == o for o in (*RESERVED_DATA_OPCODES, *RESERVED_CONTROL_OPCODES)]),
)  # fmt: skip
non_minimal_length: Final = term(
    "non_minimal_length", "a shorter form could hold the length",
    any_of([(form == row.form) & (length < row.smallest) for row in LENGTH_FORMS[1:]]),
)  # fmt: skip
has_code: Final = term("has_code", "the Close body holds a status code", is_close & (length >= 2))

reading: Final = term(
    "reading",
    "the endpoint reads frames: the peer may still send, the connection is not being failed, and no Close has come",
    peer_open & ~failed & ~got_close,
)
attending: Final = term(
    "attending", "the endpoint processes the frame that comes in", reading & (~discarding | is_close)
)

too_long: Final = term(
    "too_long", "the message is longer than the limit, as the application gets it: inflated, where it is compressed",
    ite(received_deflated, inflated > limit, recv_length + length > limit),
)  # fmt: skip

count_octets: Final = ite((limit == UNSTATED) | received_deflated, 0, recv_length + length)
"""Octets are counted only where a limit is stated, so that the other states stay finite."""


def kept(history: Expr, deflated: Expr) -> Expr:
    """The history after the last frame of a message: a compressed one is added to it."""
    return ite(deflated, history + inflated, history)


_KEPT: Final = kept(recv_history, received_deflated)


def _fail(status: int) -> Fail:
    return Fail(code=status, effects={**FAILING, **effects(fail_code=status)})


def _row(rule_id: str, strength: Strength, quote: str, when: Expr, then: Reaction) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.RECEIVE, when, then)


def _refuse(rule_id: str, strength: Strength, quote: str, when: Expr, status: int = 1002) -> Rule:
    return _row(rule_id, strength, quote, attending & when, _fail(status))


def _take(rule_id: str, strength: Strength, quote: str, when: Expr, delivers: str | None, **changes: Operand) -> Rule:
    return _row(rule_id, strength, quote, attending & LEGAL & when, Accept(effects(**changes), delivers))


FRAMING: Final = (
    _refuse("5.1/server-refuses-unmasked", MUST,
            "The server MUST close the connection upon receiving a frame that is not masked.",
            server & ~masked),
    _refuse("5.1/client-refuses-masked", MUST,
            "A client MUST close a connection if it detects a masked frame.",
            ~server & masked),
    _refuse("5.2/reserved-bits", MUST,
            "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a "
            "nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
            undefined_bit),
    _refuse("5.2/unknown-opcode", MUST,
            "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
            reserved_opcode),
    _refuse("5.2/length-sign-bit", CONSENSUS, "the most significant bit MUST be 0",
            length >= Const(2**63, "2^63")),
    _refuse("5.2/non-minimal-length", CONSENSUS,
            "the minimal number of bytes MUST be used to encode the length",
            non_minimal_length & is_set_to("non_minimal_lengths", "refuse")),
    _refuse("5.2/non-minimal-length-may-fail", MAY,
            "the minimal number of bytes MUST be used to encode the length",
            non_minimal_length & is_set_to("non_minimal_lengths", "either")),
    _refuse("5.5/fragmented-control", CONSENSUS,
            "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
            is_control & ~fin),
    _refuse("5.5/long-control", CONSENSUS,
            "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
            is_control & (length > 125)),
)  # fmt: skip

FRAGMENTATION: Final = (
    _refuse("5.4/continuation-without-message", CONSENSUS,
            "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, "
            "followed by zero or more frames with the FIN bit clear and the opcode set to 0",
            is_continuation & (recv_type == 0)),
    _refuse("5.4/interleaved-message", CONSENSUS,
            "The fragments of one message MUST NOT be interleaved between the fragments of another message",
            starts_message & (recv_type != 0)),
    _refuse("5.4/close-inside-message", CONSENSUS,
            "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message.",
            is_close & (recv_type != 0) & ~sent_close & is_set_to("close_inside_message", "refused")),
)  # fmt: skip

LIMITS: Final = (
    _refuse("10.4/message-too-big", MUST,
            "Implementations that have implementation- and/or platform-specific limitations regarding the frame size "
            "or total message size after reassembly from multiple frames MUST protect themselves against exceeding "
            "those limits.",
            is_data & (limit != UNSTATED) & too_long, 1009),
    _refuse("10.4/compressed-frame-too-big", MAY,
            "Implementations that have implementation- and/or platform-specific limitations regarding the frame size "
            "or total message size after reassembly from multiple frames MUST protect themselves against exceeding "
            "those limits.",
            received_deflated & (limit != UNSTATED) & (length > limit), 1009),
    _refuse("10.4/unstated-limit", MAY,
            "Such an implementation SHOULD impose a limit on frame sizes and the total message size after reassembly "
            "from multiple frames.",
            is_data & (limit == UNSTATED) & (length > 0), 1009),
)  # fmt: skip

_INVALID: Final = (
    "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid "
    "UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
)

UTF8: Final = (
    _refuse("8.1/invalid-text", MUST, _INVALID,
            received_text & fin & (utf8_next != utf8.ACCEPT), 1007),
    _refuse("8.1/fail-fast", MAY, _INVALID,
            received_text & ~fin & (utf8_next == utf8.REJECT)
            & is_set_to("invalid_utf8_noticed", "any time"), 1007),
    _refuse("8.1/fail-at-once", CONSENSUS, _INVALID,
            received_text & ~fin & (utf8_next == utf8.REJECT)
            & is_set_to("invalid_utf8_noticed", "at once"), 1007),
    _refuse("8.1/invalid-close-reason", MUST, _INVALID,
            is_close & ~reason_ok & is_set_to("invalid_close_reason", "refuse"), 1007),
    _refuse("8.1/may-fail-close-reason", MAY, _INVALID,
            is_close & ~reason_ok & is_set_to("invalid_close_reason", "either"), 1007),
    # Section 7.4.1 has 1007 for data within a message, which a reason is not.
    _refuse("7.4.1/may-fail-close-reason", MAY,
            "1002 indicates that an endpoint is terminating the connection due to a protocol error.",
            is_close & ~reason_ok & ~is_set_to("invalid_close_reason", "accept"), 1002),
)  # fmt: skip


def _code_rows(row: CodeRange) -> list[Rule]:
    """The rows against receiving a range of codes: from those roles that may not send it, as the register says."""
    from_client, from_server = (_refusal(row, role) for role in (Role.CLIENT, Role.SERVER))
    here = has_code & between(code, row.low, row.high)
    rows = [
        _refuse(f"{row.section}/receive-{row.name}", CONSENSUS, row.quote,
                here & ite(server, from_client, from_server)),
    ]  # fmt: skip
    if row.switch is not None:
        either = is_set_to(row.switch, "either")
        disputed = [either if role in row.disputed else FALSE for role in (Role.CLIENT, Role.SERVER)]
        rows.append(
            _refuse(f"{row.section}/may-refuse-{row.name}", MAY, row.quote, here & ite(server, *disputed)),
        )
    return rows


def _refusal(row: CodeRange, sender: Role) -> Expr:
    if row.switch is not None and sender in row.disputed:
        return is_set_to(row.switch, "refuse")
    return ~FALSE if row.forbidden is not None and sender not in row.senders else FALSE


CLOSE_BODY: Final = (
    _refuse("5.5.1/one-octet-body", CONSENSUS, DEFINED_CODE, is_close & (length == 1)),
    *(rule for row in REGISTER if row.forbidden or row.switch for rule in _code_rows(row)),
)  # fmt: skip

_RECEIVES: Final = "Clients and servers MUST support receiving both fragmented and unfragmented messages."

MESSAGES: Final = (
    _take("5.4/text-message", MUST, _RECEIVES,
          is_text & fin, "text message", reply_due=echo & ~sent_close, recv_history=_KEPT),
    _take("5.4/binary-message", MUST, _RECEIVES,
          is_binary & fin, "binary message", reply_due=echo & ~sent_close, recv_history=_KEPT),
    _take("5.4/first-text-fragment", MUST, _RECEIVES,
          is_text & ~fin, None, recv_type=TEXT, recv_utf8=utf8_next, recv_length=count_octets,
          recv_compressed=received_deflated),
    _take("5.4/first-binary-fragment", MUST, _RECEIVES,
          is_binary & ~fin, None, recv_type=BINARY, recv_length=count_octets, recv_compressed=received_deflated),
    _take("5.4/next-fragment", MUST, _RECEIVES,
          is_continuation & ~fin, None, recv_utf8=utf8_next, recv_length=count_octets),
    _take("5.4/last-text-fragment", MUST, _RECEIVES,
          is_continuation & fin & (recv_type == TEXT), "text message",
          **NOTHING_IN_PROGRESS, reply_due=echo & ~sent_close, recv_history=_KEPT),
    _take("5.4/last-binary-fragment", MUST, _RECEIVES,
          is_continuation & fin & (recv_type != TEXT), "binary message",
          **NOTHING_IN_PROGRESS, reply_due=echo & ~sent_close, recv_history=_KEPT),
)  # fmt: skip

CONTROL: Final = (
    _take("5.5.2/ping", MUST,
          "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a "
          "Close frame.",
          is_ping, "ping", pong_due=~sent_close | is_set_to("control_after_close", "must")),
    _take("5.5.3/pong", MUST,
          "A Pong frame MAY be sent unsolicited.",
          is_pong, "pong"),
    _take("5.5.1/close", MUST,
          "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a "
          "Close frame in response.",
          is_close, "close",
          **NOTHING_IN_PROGRESS, got_close=True, close_code=code, discarding=False, pong_due=False),
)  # fmt: skip

NOT_PROCESSED: Final = (
    _row("7.1.7/nothing-after-failing", MUST,
         "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) from the "
         "remote endpoint after being instructed to _Fail the WebSocket Connection_.",
         failed & peer_open, Ignore()),
    _row("7.1.1/trailing-octets", SHOULD,
         "An endpoint SHOULD use a method that cleanly closes the TCP connection, as well as the TLS session, if "
         "applicable, discarding any trailing bytes that may have been received.",
         (got_close & ~failed) | ~peer_open, Ignore()),
    _row("5.5.1/may-stop-processing", MAY,
         "However, there is no guarantee that the endpoint that has already sent a Close frame will continue to "
         "process data.",
         reading & sent_close & ~is_close & ~discarding,
         Ignore({**NOTHING_IN_PROGRESS, **effects(discarding=True, pong_due=False)})),
    _row("5.5.1/stopped-processing", MAY,
         "However, there is no guarantee that the endpoint that has already sent a Close frame will continue to "
         "process data.",
         reading & discarding & ~is_close, Ignore()),
)  # fmt: skip

RECEIVING: Final = worded(
    (*FRAMING, *FRAGMENTATION, *LIMITS, *UTF8, *CLOSE_BODY, *MESSAGES, *CONTROL, *NOT_PROCESSED),
    {
        "5.1/server-refuses-unmasked": "a frame without a mask",
        "5.1/client-refuses-masked": "a masked frame",
        "5.2/reserved-bits": "a frame with a reserved bit set",
        "5.2/unknown-opcode": "a frame of a reserved opcode",
        "5.2/length-sign-bit": "a frame with a length of 2^63 or more",
        "5.2/non-minimal-length": "a frame whose length has more octets than it needs",
        "5.5/fragmented-control": "a control frame without FIN",
        "5.5/long-control": "a control frame of more than 125 octets",
        "5.4/continuation-without-message": "a continuation of no message",
        "5.4/interleaved-message": "a new message inside another one",
        "5.4/close-inside-message": "a Close inside a fragmented message",
        "10.4/message-too-big": "a message that is longer than it takes",
        "8.1/invalid-text": "a text that is not UTF-8",
        "8.1/fail-at-once": "a fragment after which a text cannot be UTF-8 any more",
        "8.1/invalid-close-reason": "a Close whose reason is not UTF-8",
        "5.5.1/one-octet-body": "a Close with a body of one octet",
        "7.4.2/receive-unused-codes": "a Close with a code below 1000",
        "7.4.1/receive-code-1004": "a Close 1004",
        "7.4.1/receive-code-1005": "a Close 1005",
        "7.4.1/receive-code-1006": "a Close 1006",
        "7.4.1/receive-mandatory-extension": "a Close 1010 of a server",
        "7.4.2/receive-later-codes": "a Close 1012, 1013 or 1014",
        "7.4.1/receive-code-1015": "a Close 1015",
        "7.4.2/receive-unassigned-codes": "a Close with a code that nothing defines",
        "7.4/receive-codes-beyond": "a Close with a code of 5000 or more",
        "5.4/text-message": "a text",
        "5.4/binary-message": "a binary message",
        "5.4/first-text-fragment": "the first fragment of a text",
        "5.4/first-binary-fragment": "the first fragment of a binary message",
        "5.4/next-fragment": "a fragment",
        "5.4/last-text-fragment": "the last fragment of a text",
        "5.4/last-binary-fragment": "the last fragment of a binary message",
        "5.5.2/ping": "a Ping",
        "5.5.3/pong": "an unsolicited Pong",
        "5.5.1/close": "a Close",
        "7.1.7/nothing-after-failing": "what comes after it failed the connection",
        "7.1.1/trailing-octets": "what comes after the Close",
    },
)
