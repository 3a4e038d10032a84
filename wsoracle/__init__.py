"""An executable formal model of RFC 6455: proofs, generated cases, and a judge that names the clause.

The names below are the public facade. Each is imported when it is first asked for, so that ``import wsoracle`` and the
command line stay quick. A complete example::

    from wsoracle import Event, EventKind, Frame, Role, Setting, State, allowed, facts

    ping = Event(EventKind.RECEIVE, facts(Frame(9, b"hello")))  # not masked, and received by a server
    for outcome in allowed(State(), ping, Setting(Role.SERVER)):
        print(outcome.label, outcome.rules)  # fail 1002 ('5.1/server-refuses-unmasked',)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsoracle.model.endpoint.endpoint import Endpoint
    from wsoracle.model.facts.frames import facts
    from wsoracle.model.machine.interpreted import allowed
    from wsoracle.model.notation.switches import Switches
    from wsoracle.model.notation.variables import Event, EventKind, Setting, State
    from wsoracle.model.octets.vocabulary import Frame, Role
    from wsoracle.model.rules import RULES
    from wsoracle.properties.judge.judge import judge

    from .explain.frames import explain

__version__ = "0.1.0"
"""The only place that names it: pyproject.toml has it from here."""

__all__ = [
    "RULES",
    "Endpoint",
    "Event",
    "EventKind",
    "Frame",
    "Role",
    "Setting",
    "State",
    "Switches",
    "allowed",
    "explain",
    "facts",
    "judge",
]

_HOMES = {
    "RULES": "model.rules",
    "Endpoint": "model.endpoint.endpoint",
    "Event": "model.notation.variables",
    "EventKind": "model.notation.variables",
    "Frame": "model.octets.vocabulary",
    "Role": "model.octets.vocabulary",
    "Setting": "model.notation.variables",
    "State": "model.notation.variables",
    "Switches": "model.notation.switches",
    "allowed": "model.machine.interpreted",
    "explain": "explain.frames",
    "facts": "model.facts.frames",
    "judge": "properties.judge.judge",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
