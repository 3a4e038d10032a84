"""Requirements: fragmentation (section 5.4)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "5.4-01",
        Binds.ENDPOINT,
        "One implication of this is that in absence of extensions, senders and receivers must not depend on the "
        "presence of specific frame boundaries.",
        rules=(
            "6.2/text-message",
            "6.2/binary-message",
            "6.2/next-fragment",
            "6.2/last-text-fragment",
            "6.2/last-binary-fragment",
        ),
    ),
    covered(
        "5.4-02",
        Binds.SENDER,
        "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message.",
        rules=("5.5.2/send-ping", "5.5.3/send-pong", "5.5.1/send-close"),
    ),
    covered(
        "5.4-03",
        Binds.SENDER,
        "Control frames themselves MUST NOT be fragmented.",
        rules=("5.5/fragmented-control",),
    ),
    covered(
        "5.4-04",
        Binds.ENDPOINT,
        "Message fragments MUST be delivered to the recipient in the order sent by the sender.",
        rules=("6.2/next-fragment", "6.2/last-text-fragment", "6.2/last-binary-fragment", "6.2/reply-owed"),
    ),
    covered(
        "5.4-05",
        Binds.SENDER,
        "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an "
        "extension has been negotiated that can interpret the interleaving.",
    ),
    covered(
        "5.4-06",
        Binds.RECEIVER,
        "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.",
        rules=("5.5.2/ping", "5.5.2/pong-owed", "5.5.3/pong", "5.5.1/close"),
    ),
    covered(
        "5.4-07",
        Binds.SENDER,
        "A sender MAY create fragments of any size for non-control messages.",
    ),
    covered(
        "5.4-08",
        Binds.RECEIVER,
        "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
        rules=(
            "6.2/text-message",
            "6.2/binary-message",
            "6.2/next-fragment",
            "6.2/last-text-fragment",
            "6.2/last-binary-fragment",
        ),
    ),
    not_observable(
        "5.4-09",
        Binds.INTERMEDIARY,
        "As control frames cannot be fragmented, an intermediary MUST NOT attempt to change the fragmentation of a "
        "control frame.",
        why=(
            "What an intermediary changed shows only to one who sees both its sides; an endpoint that receives a "
            "fragmented control frame cannot tell who made it."
        ),
    ),
    not_observable(
        "5.4-10",
        Binds.INTERMEDIARY,
        "An intermediary MUST NOT change the fragmentation of a message if any reserved bit values are used and the "
        "meaning of these values is not known to the intermediary.",
        why=(
            "Whether an intermediary knows the meaning of a reserved bit is not on the wire, and its changes show "
            "only from both its sides."
        ),
    ),
    not_observable(
        "5.4-11",
        Binds.INTERMEDIARY,
        "An intermediary MUST NOT change the fragmentation of any message in the context of a connection where "
        "extensions have been negotiated and the intermediary is not aware of the semantics of the negotiated "
        "extensions.",
        why=(
            "Whether an intermediary knows the negotiated extensions is not on the wire, and its changes show only "
            "from both its sides."
        ),
    ),
    not_observable(
        "5.4-12",
        Binds.INTERMEDIARY,
        "Similarly, an intermediary that didn't see the WebSocket handshake (and wasn't notified about its content) "
        "that resulted in a WebSocket connection MUST NOT change the fragmentation of any message of such connection.",
        why=(
            "Whether an intermediary saw the handshake is not on the wire, and its changes show only from both its "
            "sides."
        ),
    ),
    covered(
        "5.4-13",
        Binds.SENDER,
        "Since control frames cannot be fragmented, the type for all fragments in a message MUST be either text, "
        "binary, or one of the reserved opcodes.",
        rules=(
            "5.2/defined-opcodes-only",
            "5.4/continuation-follows-fragment",
            "5.4/control-not-fragmented",
            "5.4/send-not-interleaved",
        ),
    ),
)
