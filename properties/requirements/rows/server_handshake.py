"""Requirements: the server's side of the opening handshake (sections 4.2, 4.2.1, 4.2.2, 4.3, 4.4)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    not_observable(
        "4.2-01",
        Binds.SERVER,
        "Servers MAY offload the management of the connection to other agents on the network, for example, load "
        "balancers and reverse proxies.",
        why="Which machines together make up the server cannot be seen from the other end of the connection.",
    ),
    covered(
        "4.2.1-01",
        Binds.SERVER,
        "If the server, while reading the handshake, finds that the client did not send a handshake that matches the "
        "description below (note that as per [RFC2616], the order of the header fields is not important), including "
        "but not limited to any violations of the ABNF grammar specified for the components of the handshake, the "
        "server MUST stop processing the client's handshake and return an HTTP response with an appropriate error "
        "code (such as 400 Bad Request).",
        rules=(
            "4.2.1/get-only",
            "4.2.1/http-1-0",
            "4.2.1/may-refuse-http-1-0",
            "4.2.1/request-target",
            "4.2.1/host",
            "4.2.1/host-missing",
            "4.2.1/may-refuse-host-missing",
            "4.2.1/upgrade",
            "4.2.1/upgrade-list",
            "4.2.1/may-refuse-upgrade-list",
            "4.2.1/connection",
            "4.2.1/connection-repeats",
            "4.2.1/may-refuse-connection-repeats",
            "4.2.1/key",
            "4.2.1/key-length",
            "4.2.1/may-refuse-key-length",
            "4.2.1/version",
            "4.2.1/sound-request",
        ),
    ),
    not_observable(
        "4.2.1-02",
        Binds.SERVER,
        "A connection attempt lacking this header field SHOULD NOT be interpreted as coming from a browser client.",
        why="What a server takes its client for is a thought of the server; no octet states it.",
    ),
    covered(
        "4.2.2-01",
        Binds.SERVER,
        "When a client establishes a WebSocket connection to a server, the server MUST complete the following steps "
        "to accept the connection and send the server's opening handshake.",
        rules=("4.4/accept-valid",),
    ),
    not_observable(
        "4.2.2-02",
        Binds.SERVER,
        'If this fails (e.g., the client indicated a host name in the extended client hello "server_name" extension '
        "that the server does not host), then close the connection; otherwise, all further communication for the "
        "connection (including the server's handshake) MUST run through the encrypted tunnel [RFC5246].",
        why=(
            "Whether a TLS handshake failed, and what ran through the tunnel, is seen below the octets that the model "
            "reads."
        ),
    ),
    covered(
        "4.2.2-03",
        Binds.SERVER,
        "The server MAY redirect the client using a 3xx status code [RFC2616].",
        rules=("4.2.2/refuse",),
    ),
    not_observable(
        "4.2.2-04",
        Binds.SERVER,
        "The server MAY use this information as part of a determination of whether to accept the incoming connection.",
        why=(
            "Whether the origin weighed in the server's decision is known to the server alone, and the sentence "
            "permits both."
        ),
    ),
    covered(
        "4.2.2-05",
        Binds.SERVER,
        "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error code (e.g., "
        "403 Forbidden) and abort the WebSocket handshake described in this section.",
    ),
    covered(
        "4.2.2-06",
        Binds.SERVER,
        "If this version does not match a version understood by the server, the server MUST abort the WebSocket "
        "handshake described in this section and instead send an appropriate HTTP error code (such as 426 Upgrade "
        "Required) and a |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of "
        "understanding.",
        rules=("4.4/name-versions",),
    ),
    covered(
        "4.2.2-07",
        Binds.SERVER,
        "If the requested service is not available, the server MUST send an appropriate HTTP error code (such as 404 "
        "Not Found) and abort the WebSocket handshake.",
        rules=("4.2.2/refuse", "4.2.2/error-to-refuse"),
    ),
    covered(
        "4.2.2-08",
        Binds.SERVER,
        "The value chosen MUST be derived from the client's handshake, specifically by selecting one of the values "
        "from the |Sec-WebSocket-Protocol| field that the server is willing to use for this connection (if any).",
        rules=("4.2.2/send-one-subprotocol",),
    ),
    covered(
        "4.2.2-09",
        Binds.SERVER,
        "The absence of such a field is equivalent to the null value (meaning that if the server does not wish to "
        "agree to one of the suggested subprotocols, it MUST NOT send back a |Sec-WebSocket-Protocol| header field in "
        "its response).",
        rules=("4.2.2/send-offered-subprotocol", "4.2.2/send-one-subprotocol"),
    ),
    covered(
        "4.2.2-10",
        Binds.SERVER,
        "If the server supports multiple extensions, then the value MUST be derived from the client's handshake, "
        "specifically by selecting one or more of the values from the |Sec-WebSocket-Extensions| field.",
        rules=("4.2.2/send-offered-extensions",),
    ),
    covered(
        "4.2.2-11",
        Binds.SERVER,
        "Extensions not listed by the client MUST NOT be listed.",
    ),
    covered(
        "4.2.2-12",
        Binds.SERVER,
        "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response indicating "
        "the following.",
        rules=(
            "4.2.2/send-http-1-1",
            "4.2.2/send-upgrade",
            "4.2.2/send-connection",
            "4.2.2/send-accept",
            "4.2.2/send-no-body",
        ),
    ),
    covered(
        "4.3-01",
        Binds.ENDPOINT,
        'extension-param = token [ "=" (token | quoted-string) ] ; When using the quoted-string syntax variant, the '
        "value after quoted-string unescaping MUST conform to the 'token' ABNF.",
        rules=("9.1/send-offers", "9.1/offers", "9.1/send-extensions", "9.1/answer-extensions"),
    ),
    covered(
        "4.4-01",
        Binds.SERVER,
        "If the server doesn't support the requested version, it MUST respond with a |Sec-WebSocket-Version| header "
        "field (or multiple |Sec-WebSocket-Version| header fields) containing all versions it is willing to use.",
    ),
)
