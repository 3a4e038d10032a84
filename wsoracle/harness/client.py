"""The fuzzing client: cases against a running server, several at a time (`client_run` says in what order)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext

from wsoracle.generators.cases.case import Case
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from ..reports import ReportFolder
from .client_run import ClientRun, OnStep
from .controls import Controls
from .judging_pool import Judges
from .launching import Launcher
from .manners import Manners
from .target import AgentNames, NoServer, Target

__all__ = ["AgentNames", "NoServer", "Target", "run_client"]


async def run_client(
    target: Target,
    cases: Sequence[Case],
    manners: Manners,
    folder: ReportFolder,
    *,
    jobs: int = 16,
    profile: Profile = "interop",
    step: OnStep | None = None,
    answered: Mapping[str, bool] | None = None,
    numbers: dict[str, int] | None = None,
    named: Callable[[str], str] = lambda own: own,
    judges: Judges | None = None,
    launcher: Launcher | None = None,
    live: Callable[[str], None] | None = None,
) -> str:
    """Run all cases (those for servers; their controls must be among them, or have been run); the name of the agent.

    Records go into the folder. ``answered`` tells of controls that were run before whether they were answered;
    ``numbers`` are the places of the cases in reports, by id (their places among ``cases`` otherwise). ``named`` gives
    the name in reports of a server that the target has no name for, from the server's own. ``judges`` are left open.
    ``launcher`` starts a server again that died. ``live`` is told of each exchange as it happens, and of the verdict on
    it: then one case runs after another. Raises :class:`NoServer` where the first connection cannot be made.
    """
    served = [case for case in cases if Role.SERVER in case.roles]
    numbers = numbers or {case.id: number for number, case in enumerate(served, 1)}
    with nullcontext(judges) if judges is not None else Judges(Role.SERVER, served) as working:
        controls = Controls(answered)
        run = ClientRun(target, served, manners, folder, working, profile, step, controls, numbers, named, launcher)
        run.live = live
        await run.all(max(1, jobs) if live is None else 1)
    return run.agent
