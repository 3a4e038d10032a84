"""The client's opening handshake: the request that a client must send, and a server's reaction (4.1, 4.2.1, 9.1).

Theory of operation. A request that has any fault of a handshake is refused: each fault has a row with a status code of
HTTP that fits, and no row sets an order among faults. A point that the RFC leaves open is a switch. A request without
any sign of a WebSocket handshake (no Upgrade to websocket, no key, no version) is a matter of HTTP; so is the answer to
one that cannot upgrade (without Upgrade to websocket, or in HTTP/1.0), but for 101. A client may send one first.
"""

from __future__ import annotations

from typing import Final

from ..notation.expression import Expr
from ..notation.head_variables import is_
from ..notation.named import term
from ..notation.rule import LEGAL, Accept, Forbid, Ignore, Permit, Refuse, Rule, Strength, effects, worded
from ..notation.switches import is_set_to
from ..notation.variables import (
    HANDSHAKE,
    EventKind,
    browser,
    failed,
    for_uri,
    handshake_is,
    method_get,
    peer_open,
    tcp_open,
)

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS
LETTER: Final = Strength.LETTER

well_formed: Final = is_("syntax", "well-formed")
legible: Final = term("legible", "the octets can be read as HTTP", is_("syntax", "well-formed", "tolerated"))
names_websocket: Final = term(
    "names_websocket", "the field Upgrade names websocket",
    is_("upgrade", "websocket", "a list with websocket", "websocket more than once"),
)  # fmt: skip
is_handshake: Final = term(
    "is_handshake", "the request is meant as an opening handshake, however faulty",
    names_websocket | ~is_("key", "absent") | ~is_("version", "absent"),
)  # fmt: skip
tcp_usable: Final = term(
    "tcp_usable", "the peer may still send, and the connection is not being failed", peer_open & ~failed
)
EITHER, REFUSED = "either", "refuse"
NOT_FOUND: Final = 404
"""The status code for a request that is HTTP's business, where the server has nothing but WebSocket."""


def now(value: str) -> int:
    """The number of a stage of the opening handshake."""
    return HANDSHAKE.index(value)


# --- what a server does with a request ------------------------------------------------------------------------------

_MATCHES: Final = (
    "If the server, while reading the handshake, finds that the client did not send a handshake that matches the "
    "description below (note that as per [RFC2616], the order of the header fields is not important), including but "
    "not limited to any violations of the ABNF grammar specified for the components of the handshake, the server MUST "
    "stop processing the client's handshake and return an HTTP response with an appropriate error code (such as 400 "
    "Bad Request)."
)


def _row(rule_id: str, strength: Strength, quote: str, when: Expr, then: Refuse | Accept | Ignore) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.RECEIVE_REQUEST, when, then)


def _refuse(
    rule_id: str, strength: Strength, quote: str, when: Expr, status: int = 400, stage: str = "to be refused"
) -> Rule:
    guard = tcp_usable & when
    return _row(rule_id, strength, quote, guard, Refuse(effects(handshake=now(stage)), status))


def _fault(rule_id: str, quote: str, when: Expr, status: int = 400, stage: str = "to be refused") -> Rule:
    return _refuse(rule_id, MUST, quote, is_handshake & when, status, stage)


def _disputed(
    rule_id: str,
    switch: str,
    quote: str,
    when: Expr,
    strength: Strength = MUST,
    status: int = 400,
    stage: str = "to be refused",
) -> tuple[Rule, Rule]:
    """The two rows of a disputed fault: the server refuses it, or it may."""
    section, _, name = rule_id.partition("/")
    may = f"{section}/may-refuse-{name}"
    return (
        _refuse(rule_id, strength, quote, is_handshake & when & is_set_to(switch, REFUSED), status, stage),
        _refuse(may, MAY, quote, is_handshake & when & is_set_to(switch, EITHER), status, stage),
    )


READING_REQUESTS: Final = (
    _refuse("4.2.1/malformed-request", MUST, _MATCHES, is_("syntax", "malformed"), 400, "unreadable"),
    _refuse("4.2.1/endless-request", MUST, _MATCHES, is_("syntax", "too large"), 431, "unreadable"),
    _refuse("4.2.1/tolerated", MUST, _MATCHES, is_("syntax", "tolerated") & is_set_to("tolerated_heads", REFUSED)),
    _refuse("4.2.1/may-refuse-tolerated", MAY, _MATCHES,
            is_("syntax", "tolerated") & is_set_to("tolerated_heads", EITHER)),
    _fault("4.2.1/get-only", "An HTTP/1.1 or higher GET request", ~method_get),
    *_disputed("4.2.1/http-1-0", "http_1_0", "An HTTP/1.1 or higher GET request", is_("http", "lower than 1.1"),
               MUST, NOT_FOUND, "not for us"),
    _refuse("4.2.1/may-refuse-http-version", MAY, "An HTTP/1.1 or higher GET request",
            is_handshake & is_("http", "higher than 1.1"), NOT_FOUND, "not for us"),
    _fault("4.2.1/request-target",
           "including a \"Request-URI\" [RFC2616] that should be interpreted as a /resource name/ defined in Section 3 "
           "(or an absolute HTTP/HTTPS URI containing the /resource name/).",
           is_("target", "unfit")),
    *_disputed("4.2.1/request-target-of-browsers", "target_of_browsers",
               "including a \"Request-URI\" [RFC2616] that should be interpreted as a /resource name/ defined in "
               "Section 3 (or an absolute HTTP/HTTPS URI containing the /resource name/).",
               is_("target", "as browsers send it"), LETTER),
    _fault("4.2.1/host", "A |Host| header field containing the server's authority.",
           is_("host", "repeated or invalid")),
    *_disputed("4.2.1/host-missing", "missing_host", "A |Host| header field containing the server's authority.",
               is_("host", "absent")),
    _fault("4.2.1/upgrade",
           "An |Upgrade| header field containing the value \"websocket\", treated as an ASCII case-insensitive value.",
           is_("upgrade", "absent", "another"), NOT_FOUND, "not for us"),
    *_disputed("4.2.1/upgrade-list", "upgrade_list",
               "An |Upgrade| header field containing the value \"websocket\", treated as an ASCII case-insensitive "
               "value.",
               is_("upgrade", "a list with websocket", "websocket more than once"), CONSENSUS),
    _fault("4.2.1/connection",
           "A |Connection| header field that includes the token \"Upgrade\", treated as an ASCII case-insensitive "
           "value.",
           is_("connection", "absent", "without Upgrade")),
    *_disputed("4.2.1/connection-repeats", "repeated_upgrade_token",
               "A |Connection| header field that includes the token \"Upgrade\", treated as an ASCII case-insensitive "
               "value.",
               is_("connection", "Upgrade more than once"), CONSENSUS),
    *_disputed("4.2.1/connection-elements", "bad_neighbour_of_upgrade",
               "A |Connection| header field that includes the token \"Upgrade\", treated as an ASCII case-insensitive "
               "value.",
               is_("connection", "Upgrade beside no token"), CONSENSUS),
    _fault("4.2.1/key",
           "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of [RFC4648]) value that, when "
           "decoded, is 16 bytes in length.",
           is_("key", "absent")),
    # A field that the ABNF does not define as a list, and that appears twice, is a violation of the ABNF; the words of
    # section 11.3 bind the sender alone.
    _fault("4.2.1/one-key", _MATCHES, is_("key", "repeated")),
    *_disputed("4.2.1/key-octets", "key_not_of_16_octets",
               "A |Sec-WebSocket-Key| header field with a base64-encoded (see Section 4 of [RFC4648]) value that, when "
               "decoded, is 16 bytes in length.",
               is_("key", "another number of octets", "not base64")),
    _fault("4.2.1/version", "A |Sec-WebSocket-Version| header field, with a value of 13.",
           is_("version", "absent", "not a version")),
    *_disputed("4.2.1/one-version", "repeated_version", _MATCHES, is_("version", "13 and more")),
    _fault("4.2.2/other-version",
           "If this version does not match a version understood by the server, the server MUST abort the WebSocket "
           "handshake described in this section and instead send an appropriate HTTP error code (such as 426 Upgrade "
           "Required) and a |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of "
           "understanding.",
           is_("version", "another"), 426, "another version"),
    _fault("4.2.1/protocols", _MATCHES, is_("protocols", "not a list of tokens")),
    _refuse("4.1/may-refuse-repeated-protocol", MAY,
            "The elements that comprise this value ... MUST all be unique strings.",
            is_handshake & is_("protocols", "with a repeated token")),
    _fault("9.1/offers",
           "If a value is received by either the client or the server during negotiation that does not conform to the "
           "ABNF below, the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.",
           is_("offers", "not a list of extensions")),
    _refuse("4.1/may-refuse-repeated-origin", MAY,
            "The value of this header field is the ASCII serialization of origin of the context in which the code "
            "establishing the connection is running.",
            is_handshake & is_("origin", "repeated")),
    _refuse("10.2/may-refuse-origin", MAY,
            "If the origin indicated is unacceptable to the server, then it SHOULD respond to the WebSocket handshake "
            "with a reply containing HTTP 403 Forbidden status code.",
            is_handshake & ~is_("origin", "absent"), 403),
    *_disputed("4.2.1/body", "request_with_body", _MATCHES, is_("body", "announced"), CONSENSUS),
    _refuse("4.2.1/no-handshake", MUST, _MATCHES, legible & ~is_handshake & is_set_to("other_requests", "refused")),
    _row("4.2.1/sound-request", MUST,
         "The client's opening handshake consists of the following parts.",
         tcp_usable & LEGAL & legible & is_handshake,
         Accept(effects(handshake=now("awaiting 101")), "opening handshake")),
    _row("1.5/other-request", MAY,
         "It's also designed in such a way that its servers can share a port with HTTP servers, by having its "
         "handshake be a valid HTTP Upgrade request.",
         tcp_usable & LEGAL & legible & ~is_handshake,
         Accept(effects(handshake=now("not for us")), "other request")),
    _row("7.1.1/unread-request", SHOULD,
         "An endpoint SHOULD use a method that cleanly closes the TCP connection, as well as the TLS session, if "
         "applicable, discarding any trailing bytes that may have been received.",
         ~tcp_usable, Ignore()),
)  # fmt: skip


# --- what a client sends --------------------------------------------------------------------------------------------


def _forbid(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return Rule(rule_id, strength, quote, EventKind.SEND_REQUEST, when, Forbid())


def _wrong(rule_id: str, quote: str, when: Expr) -> Rule:
    """A row against a request that is meant as an opening handshake; any other one is a matter of HTTP."""
    return _forbid(rule_id, MUST, quote, is_handshake & when)


SENDING_REQUESTS: Final = (
    _forbid("4.1/valid-request", MUST, "The handshake MUST be a valid HTTP request as specified by [RFC2616].",
            ~well_formed),
    _wrong("4.1/send-get", "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.",
           ~method_get),
    _wrong("4.1/send-http-1-1",
           "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.",
           is_("http", "lower than 1.1")),
    _wrong("4.1/send-target",
           "The \"Request-URI\" part of the request MUST match the /resource name/ defined in Section 3 (a relative "
           "URI) or be an absolute http/https URI that, when parsed, has a /resource name/, /host/, and /port/ that "
           "match the corresponding ws/wss URI.",
           is_("target", "unfit")),
    _forbid("4.1/send-target-of-browsers", LETTER,
            "The \"Request-URI\" part of the request MUST match the /resource name/ defined in Section 3 (a relative "
            "URI) or be an absolute http/https URI that, when parsed, has a /resource name/, /host/, and /port/ that "
            "match the corresponding ws/wss URI.",
            is_handshake & is_("target", "as browsers send it") & is_set_to("target_of_browsers", REFUSED)),
    _wrong("4.1/send-for-uri",
           "The request MUST contain a |Host| header field whose value contains /host/ plus optionally \":\" followed "
           "by /port/ (when not using the default port).",
           ~for_uri),
    _wrong("4.1/send-host",
           "The request MUST contain a |Host| header field whose value contains /host/ plus optionally \":\" followed "
           "by /port/ (when not using the default port).",
           ~is_("host", "one")),
    _wrong("4.1/send-upgrade",
           "The request MUST contain an |Upgrade| header field whose value MUST include the \"websocket\" keyword.",
           ~names_websocket),
    _wrong("4.1/send-connection",
           "The request MUST contain a |Connection| header field whose value MUST include the \"Upgrade\" token.",
           is_("connection", "absent", "without Upgrade")),
    _wrong("4.1/send-key",
           "The request MUST include a header field with the name |Sec-WebSocket-Key|. The value of this header field "
           "MUST be a nonce consisting of a randomly selected 16-byte value that has been base64-encoded (see Section "
           "4 of [RFC4648]).",
           is_("key", "absent", "another number of octets", "not base64")),
    _forbid("11.3.1/send-one-key", MUST,
            "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.",
            is_("key", "repeated")),
    _wrong("4.1/send-version",
           "The request MUST include a header field with the name |Sec-WebSocket-Version|. The value of this header "
           "field MUST be 13.",
           is_("version", "absent", "another", "not a version")),
    _forbid("11.3.5/send-one-version", MUST,
            "However, the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request.",
            is_("version", "13 and more")),
    _forbid("4.1/send-protocols", MUST,
            "The elements that comprise this value MUST be non-empty strings with characters in the range U+0021 to "
            "U+007E not including separator characters as defined in [RFC2616] and MUST all be unique strings.",
            is_("protocols", "not a list of tokens", "with a repeated token")),
    _forbid("9.1/send-offers", MUST,
            "the value of the header field is defined by the following ABNF [RFC2616].",
            is_("offers", "not a list of extensions")),
    _forbid("4.1/send-origin", MUST,
            "The request MUST include a header field with the name |Origin| [RFC6454] if the request is coming from a "
            "browser client.",
            browser & is_("origin", "absent")),
    _forbid("4.1/one-origin", CONSENSUS,
            "The value of this header field is the ASCII serialization of origin of the context in which the code "
            "establishing the connection is running.",
            is_("origin", "repeated")),
    _forbid("4.1/wait-for-response", MUST,
            "Once the client's opening handshake has been sent, the client MUST wait for a response from the server "
            "before sending any further data.",
            handshake_is("awaiting 101") & ~failed),
    _forbid("7.1.7/no-request-after-failing", MUST,
            "To do so, the client MUST _Close the WebSocket Connection_",
            failed & tcp_open),
    _forbid("7.1.4/no-request-when-closed", MUST,
            "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_",
            ~tcp_open),
    # A client may ask for something else first: servers can share a port with HTTP servers (section 1.5).
    Rule("4.1/send-request", MUST,
         "Once a connection to the server has been established (including a connection via a proxy or over a "
         "TLS-encrypted tunnel), the client MUST send an opening handshake to the server.",
         EventKind.SEND_REQUEST, LEGAL, Permit(effects(handshake=now("awaiting 101")))),
)  # fmt: skip

REQUESTS: Final = worded(
    (*READING_REQUESTS, *SENDING_REQUESTS),
    {
        "4.2.1/malformed-request": "a request that is no HTTP",
        "4.2.1/endless-request": "a request without an end",
        "4.2.1/tolerated": "a request that HTTP does not allow",
        "4.2.1/get-only": "a request whose method is not GET",
        "4.2.1/http-1-0": "a request of a version of HTTP before 1.1",
        "4.2.1/request-target": "a request with a target that no WebSocket URI has",
        "4.2.1/request-target-of-browsers": "a request with a target that only browsers take",
        "4.2.1/host": "a request with two Host fields or an invalid Host",
        "4.2.1/host-missing": "a request without Host",
        "4.2.1/upgrade": "a request whose Upgrade does not name websocket",
        "4.2.1/upgrade-list": "a request whose Upgrade names websocket more than once or beside others",
        "4.2.1/connection": "a request whose Connection does not name Upgrade",
        "4.2.1/connection-repeats": "a request whose Connection names Upgrade more than once",
        "4.2.1/connection-elements": "a request whose Connection has an element that is no token",
        "4.2.1/key": "a request without Sec-WebSocket-Key",
        "4.2.1/one-key": "a request with two Sec-WebSocket-Key fields",
        "4.2.1/key-octets": "a request whose Sec-WebSocket-Key is not 16 octets in Base64",
        "4.2.1/version": "a request without Sec-WebSocket-Version, or with one that is no version",
        "4.2.1/one-version": "a request with more than one version in Sec-WebSocket-Version",
        "4.2.2/other-version": "a request of another version than 13",
        "4.2.1/protocols": "a request whose Sec-WebSocket-Protocol is no list of tokens",
        "9.1/offers": "a request whose Sec-WebSocket-Extensions breaks its grammar",
        "4.2.1/body": "a request with a body",
        "4.2.1/no-handshake": "a request that is no opening handshake",
        "4.2.1/sound-request": "a sound request",
        "4.1/valid-request": "this is no valid request of HTTP",
        "4.1/send-get": "the method is not GET",
        "4.1/send-http-1-1": "the version of HTTP is below 1.1",
        "4.1/send-target": "the target is not the resource name of the URI",
        "4.1/send-target-of-browsers": "the target is one that only browsers write",
        "4.1/send-for-uri": "Host does not name the host of the URI",
        "4.1/send-host": "there is not one Host that names a host",
        "4.1/send-upgrade": "Upgrade does not name websocket",
        "4.1/send-connection": "Connection does not name Upgrade",
        "4.1/send-key": "there is no Sec-WebSocket-Key of 16 octets in Base64",
        "11.3.1/send-one-key": "there are two Sec-WebSocket-Key fields",
        "4.1/send-version": "Sec-WebSocket-Version is not 13",
        "11.3.5/send-one-version": "there are two Sec-WebSocket-Version fields",
        "4.1/send-protocols": "Sec-WebSocket-Protocol is no list of tokens",
        "9.1/send-offers": "Sec-WebSocket-Extensions breaks its grammar",
        "4.1/send-origin": "a browser tells no Origin",
        "4.1/one-origin": "there are two Origin fields",
        "4.1/wait-for-response": "it does not wait for the answer to its request",
        "7.1.7/no-request-after-failing": "it has failed this connection before",
        "7.1.4/no-request-when-closed": "this connection is closed",
    },
)
