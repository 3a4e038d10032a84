"""The server's opening handshake: what a server may answer, and what a client makes of it (4.1, 4.2.2, 4.4, 9.1).

Theory of operation. Only 101 is special: it opens the connection, and has to be right in every point. Any other final
answer is a refusal and a matter of HTTP, apart from what section 4.2 asks of it: an error code for a faulty handshake
(or a redirect, which section 4.2.2 permits at any time), and the versions that the server knows where it refuses for
the sake of the version: with 426, or with 400. Other codes say that it has another reason, which comes first.
"""

from __future__ import annotations

from typing import Final

from ..notation.expression import Expr, ite
from ..notation.head_variables import is_, window_of
from ..notation.named import term
from ..notation.rule import LEGAL, Accept, Fail, Forbid, Ignore, Permit, Rule, Strength, effects, worded
from ..notation.switches import is_set_to
from ..notation.variables import (
    LOST,
    EventKind,
    defines_rsv1,
    defines_rsv2,
    defines_rsv3,
    failed,
    handshake,
    handshake_is,
    peer_open,
    server,
    status,
    tcp_open,
    willing,
)
from .requests import EITHER, REFUSED, legible, now, tcp_usable, well_formed

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS
LETTER: Final = Strength.LETTER

switches_protocols: Final = term(
    "switches_protocols", "a response that can be read, of status 101", legible & (status == 101)
)
is_interim: Final = term(
    "is_interim", "a response that can be read, of a status below 200 but not 101: another one follows",
    legible & (status < 200) & (status != 101),
)  # fmt: skip
is_final: Final = term("is_final", "a response that can be read, of status 200 or more", legible & (status >= 200))
is_no_refusal: Final = term(
    "is_no_refusal", "a final response that can be read and is neither an error nor a redirect, or has a code that no "
    "class has (RFC 9110, section 15)",
    is_final & ((status < 300) | (status >= 600)),
)  # fmt: skip
_deflates: Final = ~is_("deflate", "absent")
_FROM_SERVER: Final = ite(_deflates, window_of("server_bits"), 0)
_FROM_CLIENT: Final = ite(_deflates, window_of("client_bits"), 0)
_SERVER_KEEPS: Final = _deflates & is_("server_no_takeover", "absent")
_CLIENT_KEEPS: Final = _deflates & is_("client_no_takeover", "absent")
OPENS: Final = effects(
    handshake=now("complete"),
    claims_rsv1=defines_rsv1,
    claims_rsv2=defines_rsv2,
    claims_rsv3=defines_rsv3,
    recv_window=ite(server, _FROM_CLIENT, _FROM_SERVER),
    send_window=ite(server, _FROM_SERVER, _FROM_CLIENT),
    recv_takeover=ite(server, _CLIENT_KEEPS, _SERVER_KEEPS),
    send_takeover=ite(server, _SERVER_KEEPS, _CLIENT_KEEPS),
)
"""The connection is established, with the extensions that the answer names."""

# --- what a server answers ------------------------------------------------------------------------------------------


def _forbid(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND_RESPONSE, when, Forbid())


def _wrong(rule_id: str, quote: str, when: Expr, strength: Strength = MUST) -> Rule:
    """A row against an answer that would open the connection, and is not right."""
    return _forbid(rule_id, strength, quote, switches_protocols & when)


def _permit(rule_id: str, strength: Strength, quote: str, when: Expr, then: Permit) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND_RESPONSE, LEGAL & when, then)


_ERROR_CODE: Final = (
    "the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code "
    "(such as 400 Bad Request)."
)

SENDING_RESPONSES: Final = (
    _forbid("4.2.2/valid-response", MUST,
            "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response "
            "indicating the following.",
            ~well_formed & handshake_is("awaiting 101")),
    _forbid("4.2.1/error-for-faulty", MUST, _ERROR_CODE,
            (handshake_is("to be refused") & (switches_protocols | is_no_refusal | ~well_formed))
            | (handshake_is("unreadable") & switches_protocols)),
    _forbid("10.7/status-for-the-unreadable", SHOULD,
            "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an appropriate HTTP "
            "[RFC2616] status code.",
            handshake_is("unreadable") & (~well_formed | is_no_refusal)),
    _forbid("4.2.2/error-for-version", MUST,
            "the server MUST abort the WebSocket handshake described in this section and instead send an appropriate "
            "HTTP error code (such as 426 Upgrade Required)",
            handshake_is("another version") & (switches_protocols | is_no_refusal | ~well_formed)),
    _forbid("4.4/name-versions", MUST,
            "If the server doesn't support the requested version, it MUST respond with a |Sec-WebSocket-Version| "
            "header field (or multiple |Sec-WebSocket-Version| header fields) containing all versions it is willing to "
            "use.",
            handshake_is("another version") & is_final & ((status == 400) | (status == 426))
            & ~is_("versions", "a list with 13")),
    _forbid("4.2.1/no-handshake-to-accept", MUST, _ERROR_CODE, switches_protocols & handshake_is("not for us")),
    _forbid("4.2.2/nothing-to-accept", CONSENSUS,
            "When a client establishes a WebSocket connection to a server, the server MUST complete the following "
            "steps to accept the connection and send the server's opening handshake.",
            switches_protocols & handshake_is("not begun", "refused")),
    _forbid("4.2.2/error-to-refuse", MUST,
            "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error code "
            "(e.g., 403 Forbidden) and abort the WebSocket handshake described in this section.",
            # A redirect is no error code, but permitted by the third step of the section.
            handshake_is("awaiting 101") & is_no_refusal),
    _forbid("4.4/accept-valid", CONSENSUS,
            "If the server supports the requested version and the handshake message is otherwise valid, the server "
            "will accept that version.",
            willing & handshake_is("awaiting 101") & is_final),
    _wrong("4.2.2/send-http-1-1", "A Status-Line with a 101 response code as per RFC 2616 [RFC2616].",
           is_("http", "lower than 1.1")),
    _wrong("4.2.2/send-upgrade", "An |Upgrade| header field with value \"websocket\" as per RFC 2616 [RFC2616].",
           ~is_("upgrade", "websocket")),
    _wrong("4.2.2/send-connection", "A |Connection| header field with value \"Upgrade\".",
           is_("connection", "absent", "without Upgrade", "Upgrade beside no token")),
    _wrong("4.2.2/send-accept",
           "The value of this header field is constructed by concatenating /key/, defined above in step 4 in Section "
           "4.2.2, with the string \"258EAFA5-E914-47DA-95CA-C5AB0DC85B11\", taking the SHA-1 hash of this "
           "concatenated value to obtain a 20-byte value and base64-encoding (see Section 4 of [RFC4648]) this 20-byte "
           "hash.",
           is_("accept", "absent", "wrong")),
    _wrong("11.3.3/send-one-accept",
           "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.",
           is_("accept", "repeated")),
    _wrong("4.2.2/send-offered-subprotocol",
           "The value chosen MUST be derived from the client's handshake, specifically by selecting one of the values "
           "from the |Sec-WebSocket-Protocol| field that the server is willing to use for this connection (if any).",
           is_("subprotocol", "not offered")),
    _wrong("4.2.2/send-one-subprotocol",
           "The empty string is not the same as the null value for these purposes and is not a legal value for this "
           "field.",
           is_("subprotocol", "not one token")),
    _wrong("4.2.2/send-offered-extensions", "Extensions not listed by the client MUST NOT be listed.",
           is_("extensions", "not offered")),
    _wrong("9.1/send-extensions", "the value of the header field is defined by the following ABNF [RFC2616].",
           is_("extensions", "not a list of extensions")),
    _wrong("9.1/send-parameters",
           "The parameters supplied with any given extension MUST be defined for that extension.",
           is_("extensions", "with unknown parameters")),
    # RFC 9110 (sections 8.6 and 15.2), RFC 9112 (section 6.1): a 1xx has neither a body nor a field that announces one.
    _wrong("4.2.2/send-no-body",
           "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response "
           "indicating the following.",
           is_("body", "announced")),
    # Such a field is a sign of no body, and clients take it.
    _wrong("4.2.2/send-no-length",
           "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response "
           "indicating the following.",
           is_("body", "of no octets"), LETTER),
    _forbid("7.1.4/no-response-when-closed", MUST,
            "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_",
            ~tcp_open),
    _permit("4.2.2/accept", MUST,
            "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response "
            "indicating the following.",
            switches_protocols, Permit(OPENS)),
    _permit("4.2.2/refuse", MAY,
            "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error code "
            "(e.g., 403 Forbidden) and abort the WebSocket handshake described in this section.",
            is_final, Permit(effects(handshake=now("refused")))),
    # What no sentence asks to be HTTP: no opening handshake is there to be answered.
    _permit("10.7/any-answer", MAY,
            "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an appropriate HTTP "
            "[RFC2616] status code.",
            ~legible, Permit(effects(handshake=ite(handshake_is("not begun"), handshake, now("refused"))))),
    _permit("4.1/interim", MAY,
            "If the status code received from the server is not 101, the client handles the response per HTTP "
            "[RFC2616] procedures.",
            is_interim, Permit()),
)  # fmt: skip

# --- what a client makes of it --------------------------------------------------------------------------------------

_CONFORMS: Final = (
    "If the server's response does not conform to the requirements for the server's handshake as defined in this "
    "section and in Section 4.2.2, the client MUST _Fail the WebSocket Connection_."
)


def _row(rule_id: str, strength: Strength, quote: str, when: Expr, then: Fail | Accept | Ignore) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.RECEIVE_RESPONSE, when, then)


def _fail(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    # No Close was or will be received: what the application is told is 1006 (section 7.1.5).
    return _row(rule_id, strength, quote, tcp_usable & when, Fail(effects(failed=True), LOST))


def _fault(rule_id: str, quote: str, when: Expr) -> Rule:
    return _fail(rule_id, MUST, quote, switches_protocols & when)


def _disputed(rule_id: str, switch: str, quote: str, when: Expr, strength: Strength = MUST) -> tuple[Rule, Rule]:
    section, _, name = rule_id.partition("/")
    return (
        _fail(rule_id, strength, quote, switches_protocols & when & is_set_to(switch, REFUSED)),
        _fail(f"{section}/may-fail-{name}", MAY, quote, switches_protocols & when & is_set_to(switch, EITHER)),
    )


READING_RESPONSES: Final = (
    _fail("4.1/malformed-response", MUST, _CONFORMS, ~legible),
    _fail("4.1/tolerated", MUST, _CONFORMS, is_("syntax", "tolerated") & is_set_to("tolerated_heads", REFUSED)),
    _fail("4.1/may-fail-tolerated", MAY, _CONFORMS, is_("syntax", "tolerated") & is_set_to("tolerated_heads", EITHER)),
    _fail("4.1/unasked-response", CONSENSUS, _CONFORMS, handshake_is("not begun")),
    *_disputed("4.1/answer-http-1-0", "answer_in_http_1_0", _CONFORMS, ~is_("http", "1.1"), CONSENSUS),
    _fault("4.1/answer-upgrade",
           "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value that is not "
           "an ASCII case-insensitive match for the value \"websocket\", the client MUST _Fail the WebSocket "
           "Connection_.",
           is_("upgrade", "absent", "another", "a list with websocket")),
    *_disputed("4.1/answer-upgrade-repeats", "repeated_upgrade_token", _CONFORMS,
               is_("upgrade", "websocket more than once"), CONSENSUS),
    _fault("4.1/answer-connection",
           "If the response lacks a |Connection| header field or the |Connection| header field doesn't contain a token "
           "that is an ASCII case-insensitive match for the value \"Upgrade\", the client MUST _Fail the WebSocket "
           "Connection_.",
           is_("connection", "absent", "without Upgrade")),
    *_disputed("4.1/answer-connection-repeats", "repeated_upgrade_token", _CONFORMS,
               is_("connection", "Upgrade more than once"), CONSENSUS),
    *_disputed("4.1/answer-connection-elements", "bad_neighbour_of_upgrade", _CONFORMS,
               is_("connection", "Upgrade beside no token"), CONSENSUS),
    _fault("4.1/answer-accept",
           "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| contains a value "
           "other than the base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-Key| (as a string, not "
           "base64-decoded) with the string \"258EAFA5-E914-47DA-95CA-C5AB0DC85B11\" but ignoring any leading and "
           "trailing whitespace, the client MUST _Fail the WebSocket Connection_.",
           is_("accept", "absent", "wrong")),
    *_disputed("4.1/answer-one-accept", "repeated_accept", _CONFORMS, is_("accept", "repeated"), CONSENSUS),
    _fault("4.1/answer-extensions",
           "If the response includes a |Sec-WebSocket-Extensions| header field and this header field indicates the use "
           "of an extension that was not present in the client's handshake (the server has indicated an extension not "
           "requested by the client), the client MUST _Fail the WebSocket Connection_.",
           is_("extensions", "not offered")),
    _fault("9.1/answer-extensions",
           "If a value is received by either the client or the server during negotiation that does not conform to the "
           "ABNF below, the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.",
           is_("extensions", "not a list of extensions")),
    *_disputed("9.1/answer-parameters", "unknown_parameters",
               "The parameters supplied with any given extension MUST be defined for that extension.",
               is_("extensions", "with unknown parameters"), CONSENSUS),
    _fault("4.1/answer-subprotocol",
           "If the response includes a |Sec-WebSocket-Protocol| header field and this header field indicates the use "
           "of a subprotocol that was not present in the client's handshake (the server has indicated a subprotocol "
           "not requested by the client), the client MUST _Fail the WebSocket Connection_.",
           is_("subprotocol", "not offered")),
    _fault("4.1/answer-one-subprotocol", _CONFORMS, is_("subprotocol", "not one token")),
    *_disputed("4.1/answer-without-subprotocol", "no_subprotocol_chosen", _CONFORMS,
               is_("subprotocol", "none chosen"), CONSENSUS),
    _fail("4.1/may-fail-answer-with-body", MAY, _CONFORMS, switches_protocols & ~is_("body", "absent")),
    # Sections 4.2.2 and 4.4 have the field in refusals alone.
    _fail("4.1/may-fail-answer-with-versions", MAY, _CONFORMS, switches_protocols & ~is_("versions", "absent")),
    _row("4.1/established", MUST,
         "If the server's response is validated as provided for above, it is said that _The WebSocket Connection is "
         "Established_ and that the WebSocket Connection is in the OPEN state.",
         tcp_usable & LEGAL & switches_protocols, Accept(OPENS, "open")),
    _row("4.1/other-status", MUST,
         "If the status code received from the server is not 101, the client handles the response per HTTP [RFC2616] "
         "procedures.",
         tcp_usable & LEGAL & is_final, Accept(effects(handshake=now("refused")), "refused")),
    _row("4.1/interim-status", MUST,
         "If the status code received from the server is not 101, the client handles the response per HTTP [RFC2616] "
         "procedures.",
         tcp_usable & LEGAL & is_interim, Accept()),
    _row("7.1.7/response-after-failing", MUST,
         "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) from the "
         "remote endpoint after being instructed to _Fail the WebSocket Connection_.",
         failed & peer_open, Ignore()),
    _row("7.1.1/unread-response", SHOULD,
         "An endpoint SHOULD use a method that cleanly closes the TCP connection, as well as the TLS session, if "
         "applicable, discarding any trailing bytes that may have been received.",
         ~peer_open, Ignore()),
)  # fmt: skip

RESPONSES: Final = worded(
    (*SENDING_RESPONSES, *READING_RESPONSES),
    {
        "4.2.2/valid-response": "this is no valid answer of HTTP",
        "4.2.1/error-for-faulty": "a faulty request has to be answered with an error",
        "10.7/status-for-the-unreadable": "octets that are not HTTP should be answered with an error",
        "4.2.2/error-for-version": "a request of another version has to be answered with an error",
        "4.4/name-versions": "a request of another version is refused without naming those that it knows",
        "4.2.1/no-handshake-to-accept": "it was asked for no opening handshake",
        "4.2.2/nothing-to-accept": "no request is open that it could answer so",
        "4.2.2/error-to-refuse": "a server that does not accept a request has to answer with an error",
        "4.4/accept-valid": "a sound request is not accepted",
        "4.2.2/send-http-1-1": "the version of HTTP in the answer is below 1.1",
        "4.2.2/send-upgrade": "Upgrade in the answer is not websocket",
        "4.2.2/send-connection": "Connection in the answer does not name Upgrade",
        "4.2.2/send-accept": "Sec-WebSocket-Accept is missing or does not belong to the key",
        "11.3.3/send-one-accept": "there are two Sec-WebSocket-Accept fields",
        "4.2.2/send-offered-subprotocol": "the subprotocol was not offered",
        "4.2.2/send-one-subprotocol": "Sec-WebSocket-Protocol is not one token",
        "4.2.2/send-offered-extensions": "an extension in the answer was not offered",
        "9.1/send-extensions": "Sec-WebSocket-Extensions in the answer breaks its grammar",
        "9.1/send-parameters": "an extension has parameters that mean nothing in an answer",
        "4.2.2/send-no-body": "a 101 announces a body",
        "4.2.2/send-no-length": "a 101 has a Content-Length",
        "7.1.4/no-response-when-closed": "this connection is closed",
        "4.1/malformed-response": "an answer that is no HTTP",
        "4.1/tolerated": "an answer that HTTP does not allow",
        "4.1/unasked-response": "an answer before its request",
        "4.1/answer-http-1-0": "a 101 of a version of HTTP before 1.1",
        "4.1/answer-upgrade": "a 101 whose Upgrade is not websocket",
        "4.1/answer-upgrade-repeats": "a 101 whose Upgrade names websocket more than once",
        "4.1/answer-connection": "a 101 whose Connection does not name Upgrade",
        "4.1/answer-connection-repeats": "a 101 whose Connection names Upgrade more than once",
        "4.1/answer-connection-elements": "a 101 whose Connection has an element that is no token",
        "4.1/answer-accept": "a 101 without the right Sec-WebSocket-Accept",
        "4.1/answer-one-accept": "a 101 with two Sec-WebSocket-Accept fields",
        "4.1/answer-extensions": "a 101 with an extension that it did not offer",
        "9.1/answer-extensions": "a 101 whose Sec-WebSocket-Extensions breaks its grammar",
        "9.1/answer-parameters": "a 101 with parameters of an extension that mean nothing there",
        "4.1/answer-subprotocol": "a 101 with a subprotocol that it did not offer",
        "4.1/answer-one-subprotocol": "a 101 whose Sec-WebSocket-Protocol is not one token",
        "4.1/answer-without-subprotocol": "a 101 without one of the subprotocols that it offered",
        "4.1/established": "a sound 101",
    },
)
