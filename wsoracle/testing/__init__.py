"""For tests of an implementation in Python: an oracle, Hypothesis strategies, a state machine, a pytest plugin.

Octets that an endpoint is given and writes go in; verdicts, rules and octets to try come out (docs/python.md).
Each name is imported when it is first asked for; `WebSocketMachine` and `wsoracle.testing.strategies` need Hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsoracle.model.octets.http import Request, Response
    from wsoracle.model.octets.vocabulary import Frame, Role
    from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Asks, ClosesTcp, Quiet, Tells, Writes

    from ..oracle.online import OnlineOracle, Permission
    from .in_lines import lines_of
    from .judging import judge
    from .machine import WebSocketMachine
    from .octets import decode_frames, decode_head, encode_frame, encode_head

__all__ = [
    "Arrives",
    "ArrivesEof",
    "Asks",
    "ClosesTcp",
    "Frame",
    "OnlineOracle",
    "Permission",
    "Quiet",
    "Request",
    "Response",
    "Role",
    "Tells",
    "WebSocketMachine",
    "Writes",
    "decode_frames",
    "decode_head",
    "encode_frame",
    "encode_head",
    "judge",
    "lines_of",
]

_OBSERVATION = "wsoracle.properties.judge.observation"
_HOMES = {
    **dict.fromkeys(("Arrives", "ArrivesEof", "Asks", "ClosesTcp", "Quiet", "Tells", "Writes"), _OBSERVATION),
    **dict.fromkeys(("Request", "Response"), "wsoracle.model.octets.http"),
    **dict.fromkeys(("Frame", "Role"), "wsoracle.model.octets.vocabulary"),
    **dict.fromkeys(("OnlineOracle", "Permission"), "wsoracle.oracle.online"),
    **dict.fromkeys(("decode_frames", "decode_head", "encode_frame", "encode_head"), "wsoracle.testing.octets"),
    "WebSocketMachine": "wsoracle.testing.machine",
    "judge": "wsoracle.testing.judging",
    "lines_of": "wsoracle.testing.in_lines",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
