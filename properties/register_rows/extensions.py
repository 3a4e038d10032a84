"""Requirements: extensions and their negotiation (sections 9, 9.1, 9.2)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_modelled, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    not_modelled(
        "9-01",
        Binds.ENDPOINT,
        "WebSocket clients MAY request extensions to this specification, and WebSocket servers MAY accept some or all "
        "extensions requested by the client.",
        why=(
            "Offering and accepting extensions comes with the model of their negotiation; so far the claimed RSV bits "
            "are given."
        ),
    ),
    not_modelled(
        "9-02",
        Binds.SERVER,
        "A server MUST NOT respond with any extension not requested by the client.",
        why="The comparison of accepted with requested extensions comes with the model of their negotiation.",
    ),
    not_modelled(
        "9-03",
        Binds.ENDPOINT,
        "If extension parameters are included in negotiations between the client and the server, those parameters "
        "MUST be chosen in accordance with the specification of the extension to which the parameters apply.",
        why="The parameters of an extension come with the model of that extension.",
    ),
    not_modelled(
        "9.1-01",
        Binds.ENDPOINT,
        "If a value is received by either the client or the server during negotiation that does not conform to the "
        "ABNF below, the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.",
        why="Failing on a malformed Sec-WebSocket-Extensions field comes with the model of the opening handshake.",
    ),
    not_modelled(
        "9.1-02",
        Binds.ENDPOINT,
        'extension-param = token [ "=" (token | quoted-string) ] ;When using the quoted-string syntax variant, the '
        "value after quoted-string unescaping MUST conform to the 'token' ABNF.",
        why="The grammar of the Sec-WebSocket-Extensions field comes with the model of the opening handshake.",
    ),
    not_modelled(
        "9.1-03",
        Binds.ENDPOINT,
        "Note that like other HTTP header fields, this header field MAY be split or combined across multiple lines.",
        why=(
            "The joining of a header field that is split over several lines comes with the model of the opening "
            "handshake."
        ),
    ),
    not_observable(
        "9.1-04",
        Binds.ENDPOINT,
        "Any extension-token used MUST be a registered token (see Section 11.4).",
        why="Whether a name is registered stands in IANA's registry, which changes and is no part of the connection.",
    ),
    not_modelled(
        "9.1-05",
        Binds.ENDPOINT,
        "The parameters supplied with any given extension MUST be defined for that extension.",
        why="Which parameters an extension defines comes with the model of that extension.",
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
    not_modelled(
        "9.2-01",
        Binds.ENDPOINT,
        "This document doesn't define any extension, but implementations MAY use extensions defined separately.",
        why="No extension is modelled yet; the rules take the RSV bits that the negotiated extensions claim as given.",
    ),
)
