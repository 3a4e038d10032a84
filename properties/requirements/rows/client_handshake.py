"""Requirements: the client's side of the opening handshake (section 4.1)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    not_observable(
        "4.1-01",
        Binds.CLIENT,
        "Clients running in controlled environments, e.g., browsers on mobile handsets tied to specific carriers, MAY "
        "offload the management of the connection to another agent on the network.",
        why="Which machines together make up the client cannot be seen from the other end of the connection.",
    ),
    covered(
        "4.1-02",
        Binds.CLIENT,
        "When the client is to _Establish a WebSocket Connection_ given a set of (/host/, /port/, /resource name/, "
        "and /secure/ flag), along with a list of /protocols/ and /extensions/ to be used, and an /origin/ in the "
        "case of web browsers, it MUST open a connection, send an opening handshake, and read the server's handshake "
        "in response.",
        rules=("4.1/send-request", "4.1/request-owed", "4.1/established"),
    ),
    not_observable(
        "4.1-03",
        Binds.APPLICATION,
        "The components of the WebSocket URI passed into this algorithm (/host/, /port/, /resource name/, and "
        "/secure/ flag) MUST be valid according to the specification of WebSocket URIs specified in Section 3.",
        why=(
            "The URI itself is handed to the client by its user and never sent; what becomes of it, target and Host, "
            "has rows of its own."
        ),
    ),
    covered(
        "4.1-04",
        Binds.CLIENT,
        "If any of the components are invalid, the client MUST _Fail the WebSocket Connection_ and abort these steps.",
    ),
    not_observable(
        "4.1-05",
        Binds.CLIENT,
        "If the client already has a WebSocket connection to the remote host (IP address) identified by /host/ and "
        "port /port/ pair, even if the remote host is known by another name, the client MUST wait until that "
        "connection has been established or for that connection to have failed.",
        why=(
            "It relates several connections of one client to one host; an observer of a single connection sees none "
            "of the others."
        ),
    ),
    not_observable(
        "4.1-06",
        Binds.CLIENT,
        "There MUST be no more than one connection in a CONNECTING state.",
        why="How many connections a client has in the CONNECTING state cannot be counted on any one of them.",
    ),
    not_observable(
        "4.1-07",
        Binds.CLIENT,
        "If multiple connections to the same IP address are attempted simultaneously, the client MUST serialize them "
        "so that there is no more than one connection at a time running through the following steps.",
        why="The order in which a client starts its several connections cannot be seen on any one of them.",
    ),
    not_observable(
        "4.1-08",
        Binds.CLIENT,
        "If the client cannot determine the IP address of the remote host (for example, because all communication is "
        "being done through a proxy server that performs DNS queries itself), then the client MUST assume for the "
        "purposes of this step that each host name refers to a distinct remote host, and instead the client SHOULD "
        "limit the total number of simultaneous pending connections to a reasonably low number (e.g., the client "
        "might allow simultaneous pending connections to a.example.com and b.example.com, but if thirty simultaneous "
        "connections to a single host are requested, that may not be allowed).",
        why=(
            "Whether the client could determine the IP address, and how many other connections are pending, is known "
            "to the client alone."
        ),
    ),
    not_observable(
        "4.1-09",
        Binds.CLIENT,
        "_Proxy Usage_: If the client is configured to use a proxy when using the WebSocket Protocol to connect to "
        "host /host/ and port /port/, then the client SHOULD connect to that proxy and ask it to open a TCP "
        "connection to the host given by /host/ and the port given by /port/.",
        why=(
            "The configuration of a proxy is local to the client, and its conversation with the proxy precedes the "
            "WebSocket handshake."
        ),
    ),
    not_observable(
        "4.1-10",
        Binds.CLIENT,
        "If the client is not configured to use a proxy, then a direct TCP connection SHOULD be opened to the host "
        "given by /host/ and the port given by /port/.",
        why="Whether a proxy is configured is local to the client, so that a direct connection proves nothing.",
    ),
    not_observable(
        "4.1-11",
        Binds.CLIENT,
        "For the purpose of proxy autoconfiguration scripts, the URI to pass the function MUST be constructed from "
        "/host/, /port/, /resource name/, and the /secure/ flag using the definition of a WebSocket URI as given in "
        "Section 3.",
        why="The URI is handed to a script inside the client and never sent.",
    ),
    not_observable(
        "4.1-12",
        Binds.CLIENT,
        "If the connection could not be opened, either because a direct connection failed or because any proxy used "
        "returned an error, then the client MUST _Fail the WebSocket Connection_ and abort the connection attempt.",
        why="Where no connection was opened there is nothing on any wire to observe.",
    ),
    not_observable(
        "4.1-13",
        Binds.CLIENT,
        "If /secure/ is true, the client MUST perform a TLS handshake over the connection after opening the "
        "connection and before sending the handshake data [RFC2818].",
        why="The model reads the octets above TLS, and which scheme the URI had is not among them.",
    ),
    not_observable(
        "4.1-14",
        Binds.CLIENT,
        "If this fails (e.g., the server's certificate could not be verified), then the client MUST _Fail the "
        "WebSocket Connection_ and abort the connection.",
        why=(
            "Why a TLS handshake came to nothing is known to its two ends alone, and no octet of a WebSocket has been "
            "sent by then."
        ),
    ),
    not_observable(
        "4.1-15",
        Binds.CLIENT,
        "Otherwise, all further communication on this channel MUST run through the encrypted tunnel [RFC5246].",
        why=(
            "What runs beside the tunnel is not among the octets that the model reads, and those look the same with "
            "TLS and without."
        ),
    ),
    not_observable(
        "4.1-16",
        Binds.CLIENT,
        "Clients MUST use the Server Name Indication extension in the TLS handshake [RFC6066].",
        why="The server name stands in the TLS ClientHello, below the octets that the model reads.",
    ),
    covered(
        "4.1-17",
        Binds.CLIENT,
        "Once a connection to the server has been established (including a connection via a proxy or over a "
        "TLS-encrypted tunnel), the client MUST send an opening handshake to the server.",
    ),
    covered(
        "4.1-18",
        Binds.CLIENT,
        "The handshake MUST be a valid HTTP request as specified by [RFC2616].",
    ),
    covered(
        "4.1-19",
        Binds.CLIENT,
        "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.",
    ),
    covered(
        "4.1-20",
        Binds.CLIENT,
        'The "Request-URI" part of the request MUST match the /resource name/ defined in Section 3 (a relative URI) '
        "or be an absolute http/https URI that, when parsed, has a /resource name/, /host/, and /port/ that match the "
        "corresponding ws/wss URI.",
        rules=("4.1/send-for-uri",),
    ),
    covered(
        "4.1-21",
        Binds.CLIENT,
        'The request MUST contain a |Host| header field whose value contains /host/ plus optionally ":" followed by '
        "/port/ (when not using the default port).",
    ),
    covered(
        "4.1-22",
        Binds.CLIENT,
        'The request MUST contain an |Upgrade| header field whose value MUST include the "websocket" keyword.',
    ),
    covered(
        "4.1-23",
        Binds.CLIENT,
        'The request MUST contain a |Connection| header field whose value MUST include the "Upgrade" token.',
    ),
    covered(
        "4.1-24",
        Binds.CLIENT,
        "The request MUST include a header field with the name |Sec-WebSocket-Key|.",
    ),
    covered(
        "4.1-25",
        Binds.CLIENT,
        "The value of this header field MUST be a nonce consisting of a randomly selected 16-byte value that has been "
        "base64-encoded (see Section 4 of [RFC4648]).",
    ),
    not_observable(
        "4.1-26",
        Binds.CLIENT,
        "The nonce MUST be selected randomly for each connection.",
        why="One nonce does not show how it was picked, and comparing nonces takes several connections.",
    ),
    covered(
        "4.1-27",
        Binds.CLIENT,
        "The request MUST include a header field with the name |Origin| [RFC6454] if the request is coming from a "
        "browser client.",
    ),
    not_observable(
        "4.1-28",
        Binds.CLIENT,
        "If the connection is from a non-browser client, the request MAY include this header field if the semantics "
        "of that client match the use-case described here for browser clients.",
        why=(
            "Whether a client's semantics match those of a browser is not told by its octets, and the sentence "
            "permits both."
        ),
    ),
    covered(
        "4.1-29",
        Binds.CLIENT,
        "The request MUST include a header field with the name |Sec-WebSocket-Version|.",
    ),
    covered(
        "4.1-30",
        Binds.CLIENT,
        "The value of this header field MUST be 13.",
    ),
    covered(
        "4.1-31",
        Binds.CLIENT,
        "The request MAY include a header field with the name |Sec-WebSocket-Protocol|.",
        rules=("4.1/send-request", "4.2.1/sound-request"),
    ),
    covered(
        "4.1-32",
        Binds.CLIENT,
        "The elements that comprise this value MUST be non-empty strings with characters in the range U+0021 to "
        "U+007E not including separator characters as defined in [RFC2616] and MUST all be unique strings.",
        rules=("4.2.1/protocols",),
    ),
    covered(
        "4.1-33",
        Binds.CLIENT,
        "The request MAY include a header field with the name |Sec-WebSocket-Extensions|.",
        rules=("4.1/send-request", "4.2.1/sound-request"),
    ),
    covered(
        "4.1-34",
        Binds.CLIENT,
        "The request MAY include any other header fields, for example, cookies [RFC6265] and/or "
        "authentication-related header fields such as the |Authorization| header field [RFC2616], which are processed "
        "according to documents that define them.",
        rules=("4.1/send-request", "4.2.1/sound-request"),
    ),
    covered(
        "4.1-35",
        Binds.CLIENT,
        "Once the client's opening handshake has been sent, the client MUST wait for a response from the server "
        "before sending any further data.",
    ),
    covered(
        "4.1-36",
        Binds.CLIENT,
        "The client MUST validate the server's response as follows:",
        rules=(
            "4.1/established",
            "4.1/malformed-response",
            "4.1/other-status",
            "4.1/interim-status",
            "4.1/answer-upgrade",
            "4.1/answer-connection",
            "4.1/answer-accept",
            "4.1/answer-extensions",
            "4.1/answer-subprotocol",
        ),
    ),
    covered(
        "4.1-37",
        Binds.CLIENT,
        "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value that is not "
        'an ASCII case-insensitive match for the value "websocket", the client MUST _Fail the WebSocket Connection_.',
    ),
    covered(
        "4.1-38",
        Binds.CLIENT,
        "If the response lacks a |Connection| header field or the |Connection| header field doesn't contain a token "
        'that is an ASCII case-insensitive match for the value "Upgrade", the client MUST _Fail the WebSocket '
        "Connection_.",
        rules=("4.1/answer-connection-repeats", "4.1/may-fail-answer-connection-repeats"),
    ),
    covered(
        "4.1-39",
        Binds.CLIENT,
        "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| contains a value "
        "other than the base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-Key| (as a string, not "
        'base64-decoded) with the string "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" but ignoring any leading and trailing '
        "whitespace, the client MUST _Fail the WebSocket Connection_.",
    ),
    covered(
        "4.1-40",
        Binds.CLIENT,
        "If the response includes a |Sec-WebSocket-Extensions| header field and this header field indicates the use "
        "of an extension that was not present in the client's handshake (the server has indicated an extension not "
        "requested by the client), the client MUST _Fail the WebSocket Connection_.",
    ),
    covered(
        "4.1-41",
        Binds.CLIENT,
        "If the response includes a |Sec-WebSocket-Protocol| header field and this header field indicates the use of "
        "a subprotocol that was not present in the client's handshake (the server has indicated a subprotocol not "
        "requested by the client), the client MUST _Fail the WebSocket Connection_.",
    ),
    covered(
        "4.1-42",
        Binds.CLIENT,
        "If the server's response does not conform to the requirements for the server's handshake as defined in this "
        "section and in Section 4.2.2, the client MUST _Fail the WebSocket Connection_.",
    ),
)
