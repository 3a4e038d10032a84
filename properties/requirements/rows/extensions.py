"""Requirements: extensions and their negotiation (sections 9, 9.1, 9.2)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "9-01",
        Binds.ENDPOINT,
        "WebSocket clients MAY request extensions to this specification, and WebSocket servers MAY accept some or all "
        "extensions requested by the client.",
        rules=("4.1/send-request", "4.2.1/sound-request", "4.2.2/accept", "4.1/established"),
    ),
    covered(
        "9-02",
        Binds.SERVER,
        "A server MUST NOT respond with any extension not requested by the client.",
        rules=("4.2.2/send-offered-extensions", "4.1/answer-extensions"),
    ),
    covered(
        "9-03",
        Binds.ENDPOINT,
        "If extension parameters are included in negotiations between the client and the server, those parameters "
        "MUST be chosen in accordance with the specification of the extension to which the parameters apply.",
        rules=("9.1/send-parameters", "9.1/answer-parameters", "9.1/may-fail-answer-parameters"),
    ),
    covered(
        "9.1-01",
        Binds.ENDPOINT,
        "If a value is received by either the client or the server during negotiation that does not conform to the "
        "ABNF below, the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.",
        rules=("9.1/send-offers", "9.1/send-extensions"),
    ),
    covered(
        "9.1-02",
        Binds.ENDPOINT,
        'extension-param = token [ "=" (token | quoted-string) ] ;When using the quoted-string syntax variant, the '
        "value after quoted-string unescaping MUST conform to the 'token' ABNF.",
        rules=("9.1/send-offers", "9.1/offers", "9.1/send-extensions", "9.1/answer-extensions"),
    ),
    covered(
        "9.1-03",
        Binds.ENDPOINT,
        "Note that like other HTTP header fields, this header field MAY be split or combined across multiple lines.",
        rules=("4.1/send-request", "4.2.1/sound-request"),
    ),
    not_observable(
        "9.1-04",
        Binds.ENDPOINT,
        "Any extension-token used MUST be a registered token (see Section 11.4).",
        why="Whether a name is registered stands in IANA's registry, which changes and is no part of the connection.",
    ),
    covered(
        "9.1-05",
        Binds.ENDPOINT,
        "The parameters supplied with any given extension MUST be defined for that extension.",
    ),
    covered(
        "9.1-06",
        Binds.CLIENT,
        "Note that the client is only offering to use any advertised extensions and MUST NOT use them unless the "
        "server indicates that it wishes to use the extension.",
        rules=("5.2/reserved-bits-zero", "5.2/reserved-bits"),
    ),
    not_observable(
        "9.1-07",
        Binds.EXTENSION,
        "Any interactions between multiple extensions MAY be defined in the documents defining the extensions.",
        why=(
            "It permits the documents of extensions to define something; the octets of a connection do not show what "
            "they define."
        ),
    ),
    covered(
        "9.2-01",
        Binds.ENDPOINT,
        "This document doesn't define any extension, but implementations MAY use extensions defined separately.",
        rules=("4.2.2/accept", "4.1/established"),
    ),
)
