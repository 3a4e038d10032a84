"""Requirements: URI schemes and header fields registered with IANA (sections 11.1.1 to 11.3.5)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    not_observable(
        "11.1.1-01",
        Binds.APPLICATION,
        "Characters in the host component that are excluded by the syntax defined above MUST be converted from "
        "Unicode to ASCII as specified in [RFC3987] or its replacement.",
        why='A "ws" URI\'s host is converted before a connection exists; the peer never sees the original characters.',
    ),
    not_observable(
        "11.1.1-02",
        Binds.APPLICATION,
        "Characters in other components that are excluded by the syntax defined above MUST be converted from Unicode "
        "to ASCII by first encoding the characters as UTF-8 and then replacing the corresponding bytes using their "
        "percent-encoded form as defined in the URI [RFC3986] and Internationalized Resource Identifier (IRI) "
        "[RFC3987] specifications.",
        why=(
            'A "ws" URI\'s path and query are converted before a connection exists; the peer never sees the original '
            "characters."
        ),
    ),
    not_observable(
        "11.1.2-01",
        Binds.APPLICATION,
        "Characters in the host component that are excluded by the syntax defined above MUST be converted from "
        "Unicode to ASCII as specified in [RFC3987] or its replacement.",
        why=(
            'A "wss" URI\'s host is converted before a connection exists; the peer never sees the original characters.'
        ),
    ),
    not_observable(
        "11.1.2-02",
        Binds.APPLICATION,
        "Characters in other components that are excluded by the syntax defined above MUST be converted from Unicode "
        "to ASCII by first encoding the characters as UTF-8 and then replacing the corresponding bytes using their "
        "percent-encoded form as defined in the URI [RFC3986] and IRI [RFC3987] specifications.",
        why=(
            'A "wss" URI\'s path and query are converted before a connection exists; the peer never sees the '
            "original characters."
        ),
    ),
    covered(
        "11.3.1-01",
        Binds.CLIENT,
        "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.",
        rules=("4.2.1/one-key",),
    ),
    covered(
        "11.3.2-01",
        Binds.CLIENT,
        "The |Sec-WebSocket-Extensions| header field MAY appear multiple times in an HTTP request (which is logically "
        "the same as a single |Sec-WebSocket-Extensions| header field that contains all values.",
        rules=("4.1/send-request", "4.2.1/sound-request"),
    ),
    not_observable(
        "11.3.2-02",
        Binds.SERVER,
        "However, the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an HTTP response.",
        why=(
            "Section 4.2.2 permits in so many words what this sentence forbids (several fields in a response), so "
            "that no response can be shown to break the RFC by it."
        ),
    ),
    covered(
        "11.3.3-01",
        Binds.SERVER,
        "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.",
        rules=("4.1/answer-one-accept", "4.1/may-fail-answer-one-accept"),
    ),
    covered(
        "11.3.4-01",
        Binds.CLIENT,
        "The |Sec-WebSocket-Protocol| header field MAY appear multiple times in an HTTP request (which is logically "
        "the same as a single |Sec-WebSocket-Protocol| header field that contains all values).",
        rules=("4.1/send-request", "4.2.1/sound-request"),
    ),
    covered(
        "11.3.4-02",
        Binds.SERVER,
        "However, the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in an HTTP response.",
        rules=("4.2.2/send-one-subprotocol", "4.1/answer-one-subprotocol"),
    ),
    covered(
        "11.3.5-01",
        Binds.SERVER,
        "The |Sec-WebSocket-Version| header field MAY appear multiple times in an HTTP response (which is logically "
        "the same as a single |Sec-WebSocket-Version| header field that contains all values).",
        rules=("4.4/name-versions", "4.2.2/refuse"),
    ),
    covered(
        "11.3.5-02",
        Binds.CLIENT,
        "However, the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request.",
        rules=("4.2.1/one-version", "4.2.1/may-refuse-one-version"),
    ),
)
