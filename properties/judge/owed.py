"""What an endpoint still owes: the outputs that are due in an explanation, in words, with the rules that say so."""

from __future__ import annotations

from typing import TypeAlias

from wsoracle.model.notation.variables import HANDSHAKE

from .explanation import Explanation
from .outputs import Outputs

OwedOutput: TypeAlias = tuple[str, tuple[str, ...]]
"""An output that is due, in words, and the rules that say so."""


def owed_in(outputs: Outputs, explanation: Explanation) -> tuple[OwedOutput, ...]:
    """The outputs that are still due in an explanation, in words, each with its rules."""
    place = explanation.place
    found = [(f"tell its application {u.tells.kind}", u.rules) for u in place.untold]
    for due, rule in outputs.machine.owed(place.state):
        words = due.name.lower().replace("_", " ")
        if due.name == "CLOSE" and place.state.failed:
            words += f" with code {place.state.fail_code}"
        elif due.name == "PONG" and (ping := outputs.latest_ping(place)) is not None:
            words += f" with payload {ping.hex() or 'empty'}"
        elif due.name == "RESPONSE":
            awaiting = HANDSHAKE[place.state.handshake] == "awaiting 101"
            words = "answer with 101, or refuse with an error code" if awaiting else "answer with an error code"
        found.append((words, (rule.id,)))
    return tuple(found)
