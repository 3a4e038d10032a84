"""Requirements: control frames (sections 5.5, 5.5.1, 5.5.2, 5.5.3)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "5.5-01",
        Binds.SENDER,
        "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
        rules=("5.4/control-not-fragmented",),
    ),
    covered(
        "5.5.1-01",
        Binds.SENDER,
        'The Close frame MAY contain a body (the "Application data" portion of the frame) that indicates a reason for '
        "closing, such as an endpoint shutting down, an endpoint having received a frame too large, or an endpoint "
        "having received a frame that does not conform to the format expected by the endpoint.",
    ),
    covered(
        "5.5.1-02",
        Binds.SENDER,
        "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network byte "
        "order) representing a status code with value /code/ defined in Section 7.4.",
    ),
    covered(
        "5.5.1-03",
        Binds.SENDER,
        "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/, the "
        "interpretation of which is not defined by this specification.",
        rules=("8.1/invalid-close-reason",),
    ),
    not_observable(
        "5.5.1-04",
        Binds.CLIENT,
        "As the data is not guaranteed to be human readable, clients MUST NOT show it to end users.",
        why="What a client shows to its user is not among the octets that it sends.",
    ),
    covered(
        "5.5.1-05",
        Binds.CLIENT,
        "Close frames sent from client to server must be masked as per Section 5.3.",
        rules=("5.1/client-masks", "5.1/server-refuses-unmasked"),
    ),
    covered(
        "5.5.1-06",
        Binds.ENDPOINT,
        "The application MUST NOT send any more data frames after sending a Close frame.",
    ),
    covered(
        "5.5.1-07",
        Binds.ENDPOINT,
        "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a "
        "Close frame in response.",
    ),
    not_observable(
        "5.5.1-08",
        Binds.ENDPOINT,
        "It SHOULD do so as soon as practical.",
        why=(
            "How soon a Close is practical depends on the endpoint's own work; the model has no clock and sees only "
            "whether the Close comes at all."
        ),
    ),
    covered(
        "5.5.1-09",
        Binds.ENDPOINT,
        "An endpoint MAY delay sending a Close frame until its current message is sent (for instance, if the majority "
        "of a fragmented message is already sent, an endpoint MAY send the remaining fragments before sending a Close "
        "frame).",
        rules=("5.4/send-next-fragment",),
    ),
    covered(
        "5.5.1-10",
        Binds.ENDPOINT,
        "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and "
        "MUST close the underlying TCP connection.",
        rules=("5.5.1/server-closes-tcp", "5.5.1/client-may-close-tcp", "5.5.1/server-tcp-close-owed"),
    ),
    covered(
        "5.5.1-11",
        Binds.ENDPOINT,
        "The server MUST close the underlying TCP connection immediately; the client SHOULD wait for the server to "
        "close the connection but MAY close the connection at any time after sending and receiving a Close message, "
        "e.g., if it has not received a TCP Close from the server in a reasonable time period.",
        rules=("7.1.1/client-waits",),
    ),
    covered(
        "5.5.1-12",
        Binds.ENDPOINT,
        "If a client and server both send a Close message at the same time, both endpoints will have sent and "
        "received a Close message and should consider the WebSocket connection closed and close the underlying TCP "
        "connection.",
        rules=("5.5.1/close", "5.5.1/server-tcp-close-owed", "7.1.4/closed-cleanly", "7.1.5/one-close"),
    ),
    covered(
        "5.5.2-01",
        Binds.SENDER,
        'A Ping frame MAY include "Application data".',
        rules=("5.5.2/ping", "5.5.2/send-ping"),
    ),
    covered(
        "5.5.2-02",
        Binds.ENDPOINT,
        "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a "
        "Close frame.",
    ),
    not_observable(
        "5.5.2-03",
        Binds.ENDPOINT,
        "It SHOULD respond with Pong frame as soon as is practical.",
        why=(
            "How soon a Pong is practical depends on the endpoint's own work; the model has no clock and sees only "
            "whether the Pong comes at all."
        ),
    ),
    covered(
        "5.5.2-04",
        Binds.ENDPOINT,
        "An endpoint MAY send a Ping frame any time after the connection is established and before the connection is "
        "closed.",
    ),
    covered(
        "5.5.3-01",
        Binds.ENDPOINT,
        'A Pong frame sent in response to a Ping frame must have identical "Application data" as found in the message '
        "body of the Ping frame being replied to.",
        rules=("5.5.2/pong-owed", "5.5.3/send-pong"),
    ),
    covered(
        "5.5.3-02",
        Binds.ENDPOINT,
        "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping "
        "frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame.",
        rules=("5.5.2/pong-owed",),
    ),
    covered(
        "5.5.3-03",
        Binds.ENDPOINT,
        "A Pong frame MAY be sent unsolicited.",
        rules=("5.5.3/send-pong",),
    ),
)
