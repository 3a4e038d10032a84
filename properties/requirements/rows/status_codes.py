"""Requirements: status codes and invalid UTF-8 (sections 7.4, 7.4.1, 8.1)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "7.4-01",
        Binds.ENDPOINT,
        "When closing an established connection (e.g., when sending a Close frame, after the opening handshake has "
        "completed), an endpoint MAY indicate a reason for closure.",
        rules=("5.5.1/send-close",),
    ),
    covered(
        "7.4.1-01",
        Binds.ENDPOINT,
        "Endpoints MAY use the following pre-defined status codes when sending a Close frame.",
        rules=("5.5.1/send-close",),
    ),
    covered(
        "7.4.1-02",
        Binds.ENDPOINT,
        "1003 indicates that an endpoint is terminating the connection because it has received a type of data it "
        "cannot accept (e.g., an endpoint that understands only text data MAY send this if it receives a binary "
        "message).",
        rules=("5.5.1/send-close", "6.2/binary-message"),
    ),
    covered(
        "7.4.1-03",
        Binds.ENDPOINT,
        "1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.",
    ),
    covered(
        "7.4.1-04",
        Binds.ENDPOINT,
        "1006 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.",
    ),
    not_observable(
        "7.4.1-05",
        Binds.CLIENT,
        "The list of extensions that are needed SHOULD appear in the /reason/ part of the Close frame.",
        why=(
            "The reason can be read, but which extensions the client needed is known to the client alone, so that no "
            "list can be called incomplete."
        ),
    ),
    covered(
        "7.4.1-06",
        Binds.ENDPOINT,
        "1015 is a reserved value and MUST NOT be set as a status code in a Close control frame by an endpoint.",
    ),
    covered(
        "8.1-01",
        Binds.RECEIVER,
        "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a "
        "valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
        rules=("8.1/fail-fast", "8.1/fail-at-once"),
    ),
)
