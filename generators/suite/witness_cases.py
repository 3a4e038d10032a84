"""The witnesses of the rules as cases: for each rule and role the shortest history at whose end it is enabled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from wsoracle.model.notation.variables import EventKind

from ..cases.build import build_case
from ..cases.case import Case
from ..cases.origin import Origin
from ..cases.realised_history import CannotBuildError, CaseHistory
from .witnesses import Unreached, all_witnesses


@dataclass(frozen=True)
class LeftOut:
    """A witness that is no case, and why."""

    id: str
    why: str


@lru_cache(maxsize=1)
def witness_cases() -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    """The cases of all witnesses, their controls among them, in the order of their ids; and what is left out."""
    cases: dict[str, Case] = {}
    left: list[LeftOut] = []
    for (rule_id, role), found in all_witnesses().items():
        case_id = f"witness/{rule_id}/{role}"
        if isinstance(found, Unreached):
            left.append(LeftOut(case_id, found.why))
            continue
        path = tuple((step.event, step.label) for step in found.path)
        history = CaseHistory(found.setting, found.event, path, found.start.state)
        does = "receives" if found.event.kind is EventKind.RECEIVE else found.event.kind.value
        title = f"{rule_id}: the {role} {does}" if found.event.kind is EventKind.RECEIVE else f"{rule_id}: {does}"
        try:
            made = build_case(case_id, Origin("witness", rule=rule_id), title, history, found.rule.quote)
        except CannotBuildError as error:
            left.append(LeftOut(case_id, str(error)))
            continue
        cases.update((case.id, case) for case in made)
    return tuple(sorted(cases.values(), key=lambda case: case.id)), tuple(left)
