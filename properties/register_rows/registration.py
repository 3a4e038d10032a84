"""Requirements: URI schemes and header fields registered with IANA (sections 11.1.1 to 11.3.5)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, not_observable

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
    not_observable(
        "11.3.1-01",
        Binds.CLIENT,
        "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.",
        why=(
            "It counts the key fields of the HTTP request, which is over before the first frame; frames do not show it."
        ),
    ),
    not_observable(
        "11.3.2-01",
        Binds.CLIENT,
        "The |Sec-WebSocket-Extensions| header field MAY appear multiple times in an HTTP request (which is logically "
        "the same as a single |Sec-WebSocket-Extensions| header field that contains all values.",
        why="It permits the extensions field to be repeated in the HTTP request, which is over before the first frame.",
    ),
    not_observable(
        "11.3.2-02",
        Binds.SERVER,
        "However, the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an HTTP response.",
        why=(
            "It counts the extensions fields of the HTTP response; frames show the extensions in use, not how many "
            "fields named them."
        ),
    ),
    not_observable(
        "11.3.3-01",
        Binds.SERVER,
        "The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.",
        why=(
            "It counts the accept fields of the HTTP response, which is over before the first frame; frames do not "
            "show it."
        ),
    ),
    not_observable(
        "11.3.4-01",
        Binds.CLIENT,
        "The |Sec-WebSocket-Protocol| header field MAY appear multiple times in an HTTP request (which is logically "
        "the same as a single |Sec-WebSocket-Protocol| header field that contains all values).",
        why="It permits the protocol field to be repeated in the HTTP request, which is over before the first frame.",
    ),
    not_observable(
        "11.3.4-02",
        Binds.SERVER,
        "However, the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in an HTTP response.",
        why="It counts the protocol fields of the HTTP response; frames show neither the fields nor the subprotocol.",
    ),
    not_observable(
        "11.3.5-01",
        Binds.SERVER,
        "The |Sec-WebSocket-Version| header field MAY appear multiple times in an HTTP response (which is logically "
        "the same as a single |Sec-WebSocket-Version| header field that contains all values).",
        why=(
            "It permits the version field to be repeated in an HTTP response that refuses the handshake, so that no "
            "frame ever follows."
        ),
    ),
    not_observable(
        "11.3.5-02",
        Binds.CLIENT,
        "However, the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request.",
        why=(
            "It counts the version fields of the HTTP request, which is over before the first frame; frames do not "
            "show it."
        ),
    ),
)
