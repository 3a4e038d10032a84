"""Requirements: how the RFC is to be read, and WebSocket URIs (sections 2, 2.1, 3)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    not_observable(
        "2-01",
        Binds.SPECIFICATION,
        'The key words "MUST", "MUST NOT", "REQUIRED", "SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", '
        '"MAY", and "OPTIONAL" in this document are to be interpreted as described in [RFC2119].',
        why="It says how the key words of the RFC are to be read and asks nothing of a connection.",
    ),
    not_observable(
        "2-02",
        Binds.SPECIFICATION,
        'Requirements phrased in the imperative as part of algorithms (such as "strip any leading space characters" '
        'or "return false and abort these steps") are to be interpreted with the meaning of the key word ("MUST", '
        '"SHOULD", "MAY", etc.) used in introducing the algorithm.',
        why=(
            "It says with which strength the steps of an algorithm bind; each such step is judged in the row of its "
            "own sentence."
        ),
    ),
    not_observable(
        "2-03",
        Binds.ENDPOINT,
        "Conformance requirements phrased as algorithms or specific steps MAY be implemented in any manner, so long "
        "as the end result is equivalent.",
        why="How an implementation arrives at a result is inside it: only the result, its octets, is seen.",
    ),
    covered(
        "2.1-01",
        Binds.ENDPOINT,
        "When an implementation is required to _send_ data as part of the WebSocket Protocol, the implementation MAY "
        "delay the actual transmission arbitrarily, e.g., buffering data so as to send fewer IP packets.",
    ),
    covered(
        "3-01",
        Binds.APPLICATION,
        'The port component is OPTIONAL; the default for "ws" is port 80, while the default for "wss" is port 443.',
        rules=("4.1/send-for-uri", "4.1/send-host"),
    ),
    covered(
        "3-02",
        Binds.APPLICATION,
        "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on these URIs.",
        rules=("4.1/send-target", "4.2.1/request-target"),
    ),
    covered(
        "3-03",
        Binds.APPLICATION,
        'As with any URI scheme, the character "#", when not indicating the start of a fragment, MUST be escaped as '
        "%23.",
        rules=("4.1/send-target", "4.2.1/request-target"),
    ),
)
