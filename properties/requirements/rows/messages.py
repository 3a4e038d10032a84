"""Requirements: data frames, extensibility, sending and receiving messages (sections 5.6, 5.8, 6.1, 6.2)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "5.6-01",
        Binds.SENDER,
        "Note that a particular text frame might include a partial UTF-8 sequence; however, the whole message MUST "
        "contain valid UTF-8.",
        rules=("8.1/invalid-text",),
    ),
    covered(
        "5.8-01",
        Binds.ENDPOINT,
        "The endpoints of a connection MUST negotiate the use of any extensions during the opening handshake.",
        rules=("5.2/reserved-bits-zero", "5.2/reserved-bits", "5.2/defined-opcodes-only", "5.2/unknown-opcode"),
    ),
    covered(
        "6.1-01",
        Binds.SENDER,
        "To _Send a WebSocket Message_ comprising of /data/ over a WebSocket connection, an endpoint MUST perform the "
        "following steps.",
        rules=("5.1/send-text", "5.1/send-binary", "6.1/open-to-start-message"),
    ),
    covered(
        "6.1-02",
        Binds.SENDER,
        "The endpoint MUST ensure the WebSocket connection is in the OPEN state (cf. Sections 4.1 and 4.2.2.)",
        rules=("5.5.1/no-data-after-close", "7.1.4/nothing-when-closed"),
    ),
    covered(
        "6.1-03",
        Binds.SENDER,
        "If at any point the state of the WebSocket connection changes, the endpoint MUST abort the following steps.",
        rules=("5.5.1/no-data-after-close", "7.1.7/only-close-after-failing", "7.1.4/nothing-when-closed"),
    ),
    covered(
        "6.1-04",
        Binds.SENDER,
        "An endpoint MUST encapsulate the /data/ in a WebSocket frame as defined in Section 5.2.",
        rules=(
            "5.1/send-text",
            "5.1/send-binary",
            "5.2/defined-opcodes-only",
            "5.2/reserved-bits-zero",
            "5.2/send-minimal-length",
        ),
    ),
    covered(
        "6.1-05",
        Binds.SENDER,
        "If the data to be sent is large or if the data is not available in its entirety at the point the endpoint "
        "wishes to begin sending the data, the endpoint MAY alternately encapsulate the data in a series of frames as "
        "defined in Section 5.4.",
        rules=(
            "5.4/send-first-text-fragment",
            "5.4/send-first-binary-fragment",
            "5.4/send-next-fragment",
            "5.4/send-last-fragment",
        ),
    ),
    covered(
        "6.1-06",
        Binds.SENDER,
        "The opcode (frame-opcode) of the first frame containing the data MUST be set to the appropriate value from "
        "Section 5.2 for data that is to be interpreted by the recipient as text or binary data.",
        rules=("5.2/defined-opcodes-only", "5.4/continuation-follows-fragment", "6.2/reply-owed"),
    ),
    covered(
        "6.1-07",
        Binds.SENDER,
        "The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1 as defined in Section 5.2.",
        rules=("5.4/send-not-interleaved", "5.4/send-last-fragment"),
    ),
    covered(
        "6.1-08",
        Binds.CLIENT,
        "If the data is being sent by the client, the frame(s) MUST be masked as defined in Section 5.3.",
        rules=("5.1/client-masks",),
    ),
    not_observable(
        "6.1-09",
        Binds.SENDER,
        "The frame(s) that have been formed MUST be transmitted over the underlying network connection.",
        why=(
            "A frame that was formed and kept back leaves no octets, and the delay that section 2.1 permits has no "
            "bound."
        ),
    ),
    covered(
        "6.2-01",
        Binds.RECEIVER,
        "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
        rules=("5.2/unknown-opcode", "5.2/reserved-bits", "6.2/text-message", "6.2/binary-message"),
    ),
    covered(
        "6.2-02",
        Binds.RECEIVER,
        "If a control frame (Section 5.5) is received, the frame MUST be handled as defined by Section 5.5.",
        rules=("5.5.2/ping", "5.5.3/pong", "5.5.1/close", "5.5/fragmented-control", "5.5/long-control"),
    ),
    covered(
        "6.2-03",
        Binds.RECEIVER,
        "Upon receiving a data frame (Section 5.6), the endpoint MUST note the /type/ of the data as defined by the "
        "opcode (frame-opcode) from Section 5.2.",
        rules=(
            "6.2/text-message",
            "6.2/binary-message",
            "5.4/first-text-fragment",
            "5.4/first-binary-fragment",
            "6.2/reply-owed",
        ),
    ),
    covered(
        "6.2-04",
        Binds.RECEIVER,
        "Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.",
        rules=("6.2/last-text-fragment", "6.2/last-binary-fragment", "5.4/continuation-without-message"),
    ),
    not_observable(
        "6.2-05",
        Binds.EXTENSION,
        "Extensions (Section 9) MAY change the semantics of how data is read, specifically including what comprises a "
        "message boundary.",
        why=(
            "It permits something to the designers of extensions; nothing that an endpoint of the base protocol sends "
            "could break it."
        ),
    ),
    not_observable(
        "6.2-06",
        Binds.EXTENSION,
        'Extensions, in addition to adding "Extension data" before the "Application data" in a payload, MAY also '
        'modify the "Application data" (such as by compressing it).',
        why=(
            "It permits an extension to transform the data; nothing that an endpoint of the base protocol sends could "
            "break it."
        ),
    ),
    covered(
        "6.2-07",
        Binds.SERVER,
        "A server MUST remove masking for data frames received from a client as described in Section 5.3.",
        rules=("6.2/text-message", "8.1/invalid-text", "6.2/reply-owed"),
    ),
)
