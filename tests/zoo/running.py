"""A run against an animal of the zoo, and the causes that its report names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from tests.wsoracle.client_testee import TemporaryFolder
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.harness.client import run_client
from wsoracle.harness.controls import with_controls
from wsoracle.harness.launching import Launcher
from wsoracle.harness.manners import Manners
from wsoracle.harness.target import Target
from wsoracle.model.octets.uri import parse_uri
from wsoracle.reports.causes import Cause, causes_of
from wsoracle.reports.summary import CaseSummary

from .base import kept
from .servers import Animal

SELECTED = (
    "1.1.1", "1.1.2", "1.2.2", "2.2", "2.5", "2.10", "3.2", "3.4", "4.1.1", "4.2.4", "5.1", "5.3", "5.6", "6.3.1",
    "6.5.1", "7.1.1", "7.3.1", "7.9.1", "9.1.1",
    "control/server/opening-then-text", "fault/server/key-absent", "fault/server/version-another",
)  # fmt: skip


def chosen(ids: Sequence[str] = SELECTED) -> tuple[Case, ...]:
    """The cases of these ids with their controls."""
    every = runnable_cases()
    return with_controls([case for case in every if case.id in ids], every)


def patient(seconds: float) -> Manners:
    """The manners of a tester with this patience."""
    return Manners(patience=seconds, grace=0.1, seconds=20, closing=seconds)


async def visit(
    animal: Animal, cases: Sequence[Case], manners: Manners, jobs: int = 16, **more: Any
) -> dict[str, CaseSummary]:
    """The summaries of a run, by case."""
    folder = TemporaryFolder()
    async with kept(animal.handler) as cage:
        launcher = cast("Launcher", cage) if animal.revived else None
        target = Target(parse_uri(f"ws://127.0.0.1:{cage.port}/"), animal.name)
        await run_client(target, cases, manners, folder, jobs=jobs, launcher=launcher, **more)
    return dict(folder.summaries[animal.name])


def run(animal: Animal, cases: Sequence[Case], manners: Manners, jobs: int = 16) -> dict[str, CaseSummary]:
    """The same, in an event loop of its own."""
    return asyncio.run(visit(animal, cases, manners, jobs))


_SHORT = {
    "run/not-run-the-server-said-nothing": "silent",
    "run/not-run-the-server-died": "died",
    "run/the-server-died-in-this-case": "died of it",
}


def name_of(cause: Cause) -> str:
    """A cause by its verdict and its leading rule (or those of which one is), or by its own id."""
    own = next((words for begin, words in _SHORT.items() if cause.id.startswith(begin)), cause.id)
    leading = cause.rules[0]["id"] if cause.rules else own
    one_of = cause.example.one_of
    return f"{cause.verdict} {'+'.join(one_of) if leading in one_of else leading}"


def causes(summaries: dict[str, CaseSummary]) -> set[str]:
    """The causes of what is amiss; what did not count for want of a control is none."""
    return {name_of(cause) for cause in causes_of(summaries) if cause.kind != "control"}
