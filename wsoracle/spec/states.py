"""The blocks of docs/spec.md about the states that an endpoint can reach."""

from __future__ import annotations

from functools import cache
from typing import Final

from wsoracle.model.machine.reachable import Exploration, explore, explored_once
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.vocabulary import Role

from ..diagrams.diagram import mermaid
from ..diagrams.graph import CLOSING, MESSAGES, View, counts, diagram
from .markdown import table

DIAGRAMS: Final[dict[str, tuple[View, Role]]] = {
    "closing-client": (CLOSING, Role.CLIENT),
    "closing-server": (CLOSING, Role.SERVER),
    "messages-server": (MESSAGES, Role.SERVER),
}
"""The views that are drawn, by the name of their block."""


@cache
def _opened(role: Role) -> Exploration:
    """Those that it can be in once the connection is open; ``spec_openings`` draws what comes before."""
    return explore(Setting(role), initial=(State(),))


def state_diagram(name: str) -> str:
    """A view of the reachable states as a Mermaid diagram."""
    view, role = DIAGRAMS[name]
    return f"```mermaid\n{mermaid(diagram(_opened(role), view))}```"


def state_counts() -> str:
    """How many states and transitions there are."""
    rows = [(role.value, *map(str, counts(explored_once(Setting(role))))) for role in Role]
    return table(("endpoint", "states", "transitions", "pairs of states joined", "steps to the farthest state"), rows)
