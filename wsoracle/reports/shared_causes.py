"""How common a cause is among real implementations: `data/fleet_causes.json`, which `wsoracle fleet --causes` writes.

The file has, for each role, how many implementations were run and in how many of them each cause was found, by its id.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final

FORMAT: Final = "wsoracle-causes"
VERSION: Final = 1


def shared_document(found: Iterable[tuple[str, Sequence[str]]], made_with: str) -> dict[str, Any]:
    """The document: of each implementation that was run go in its role and the ids of its causes."""
    roles: dict[str, list[Sequence[str]]] = {"server": [], "client": []}
    for role, causes in found:
        roles[role].append(causes)
    return {
        "format": FORMAT,
        "version": VERSION,
        "madeWith": made_with,
        **{
            role: {
                "implementations": len(every),
                "causes": dict(sorted(Counter(one for causes in every for one in set(causes)).items())),
            }
            for role, every in roles.items()
        },
    }


def shared_by_most(cause: str, role: str) -> str:
    """In words, where most implementations of the fleet do the same in this role; empty otherwise."""
    known = _known().get(role)
    if known is None:
        return ""
    count, of = int(known["causes"].get(cause, 0)), int(known["implementations"])
    return f"{count} of {of} in the fleet do the same" if 2 * count > of else ""


@lru_cache(maxsize=1)
def _known() -> Mapping[str, Any]:
    text = (resources.files(__package__) / "data" / "fleet_causes.json").read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return {role: found[role] for role in ("server", "client")}
