"""Requirements: security considerations (sections 10.2, 10.3, 10.4, 10.6, 10.7)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    not_observable(
        "10.2-01",
        Binds.SERVER,
        "Servers that are not intended to process input from any web page but only for certain sites SHOULD verify "
        "the |Origin| field is an origin they expect.",
        why=(
            "For which sites a server is meant, and so which origins it must refuse, is its own policy and unknown to "
            "an observer."
        ),
    ),
    covered(
        "10.2-02",
        Binds.SERVER,
        "If the origin indicated is unacceptable to the server, then it SHOULD respond to the WebSocket handshake "
        "with a reply containing HTTP 403 Forbidden status code.",
    ),
    not_observable(
        "10.3-01",
        Binds.CLIENT,
        "Clients MUST choose a new masking key for each frame, using an algorithm that cannot be predicted by end "
        "applications that provide data.",
        why=(
            "The algorithm that draws the keys is inside the client; an equal key in the next frame is a legal, if "
            "rare, draw."
        ),
    ),
    covered(
        "10.4-01",
        Binds.RECEIVER,
        "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or "
        "total message size after reassembly from multiple frames MUST protect themselves against exceeding those "
        "limits.",
    ),
    covered(
        "10.4-02",
        Binds.RECEIVER,
        "Such an implementation SHOULD impose a limit on frame sizes and the total message size after reassembly from "
        "multiple frames.",
    ),
    not_observable(
        "10.6-01",
        Binds.ENDPOINT,
        "WebSocket implementations MUST support TLS and SHOULD employ it when communicating with their peers.",
        why=(
            "The model begins above the byte stream, which is the same over TCP and TLS, and a connection without "
            "TLS does not show that TLS is missing."
        ),
    ),
    covered(
        "10.7-01",
        Binds.RECEIVER,
        "Incoming data MUST always be validated by both clients and servers.",
        rules=(
            "5.1/server-refuses-unmasked",
            "5.1/client-refuses-masked",
            "5.2/unknown-opcode",
            "5.2/reserved-bits",
            "5.5.1/one-octet-body",
            "8.1/invalid-text",
            "8.1/invalid-close-reason",
            "4.2.1/malformed-request",
            "4.1/malformed-response",
        ),
    ),
    covered(
        "10.7-02",
        Binds.ENDPOINT,
        "If, at any time, an endpoint is faced with data that it does not understand or that violates some criteria "
        "by which the endpoint determines safety of input, or when the endpoint sees an opening handshake that does "
        "not correspond to the values it is expecting (e.g., incorrect path or origin in the client request), the "
        "endpoint MAY drop the TCP connection.",
        rules=("7.1.7/client-closes-tcp", "7.1.7/server-closes-tcp", "7.1.1/any-means"),
    ),
    covered(
        "10.7-03",
        Binds.ENDPOINT,
        "If the invalid data was received after a successful WebSocket handshake, the endpoint SHOULD send a Close "
        "frame with an appropriate status code (Section 7.4) before proceeding to _Close the WebSocket Connection_.",
        rules=("7.1.7/close-frame-before-tcp", "7.1.7/close-frame-owed", "7.1.7/appropriate-code"),
    ),
    covered(
        "10.7-04",
        Binds.SERVER,
        "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an appropriate HTTP "
        "[RFC2616] status code.",
        rules=(
            "4.2.1/answer-before-closing",
            "4.2.1/any-response-owed",
            "4.2.1/error-for-faulty",
            "4.2.1/response-owed",
        ),
    ),
)
