"""``wsoracle drive``: the cases against a parser in any language, through an adapter, without sockets and timers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from wsoracle.model.octets.vocabulary import Role

from ..cli import FAILED, WrongInput, checked
from ..text.input_checks import check_agent
from ..text.output import STDOUT, one_line, progress, write_json
from .harness_options import chosen_cases, harness_options, manners_of, run_folder, wanted_of
from .options import json_option, switches_of

if TYPE_CHECKING:
    from wsoracle.generators.cases.case import Case

    from ..driving.adapter_process import AdapterProcess
    from ..harness.judging_pool import Judges
    from ..reports import ReportFolder
    from ..text.output import OnStep


@click.command("drive")
@click.argument("adapter", metavar="COMMAND")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SERVER.value,
    show_default=True,
    help="What the parser is to be.",
)
@click.option("--smoke", is_flag=True, help="Only a short conversation, step by step: for a new adapter.")
@click.option("--agent", metavar="NAME", help="The name of the implementation in reports, instead of its own.")
@harness_options("reports/driven")
@json_option
@click.pass_context
def command(
    context: click.Context,
    /,
    adapter: str,
    role: str,
    smoke: bool,
    agent: str | None,
    json_file: str | None,
    **options: Any,
) -> None:
    """Run the cases against a parser in any language, without sockets and timers.

    COMMAND is run by the shell and starts an adapter: it takes one line of JSON after another, with octets that arrive
    at an endpoint, and answers each with the octets that the endpoint writes (docs/driving.md). Cases, verdicts,
    reports and exit status are those of wsoracle test, for a client those of wsoracle serve. Waits take no time:
    --timeout is a number in reports alone.
    """
    if not adapter.strip():
        raise WrongInput("COMMAND is empty: give one that starts an adapter, such as 'node ws_adapter.js'")
    if agent is not None:
        checked(check_agent, "--agent", agent)

    from ..driving.adapter_process import AdapterFault, AdapterProcess

    process = AdapterProcess(adapter)
    try:
        process.start()
        if smoke:
            good = _smoke(process, Role(role))
        else:
            good = _drive(process, agent or process.name, Role(role), {**options, "json_file": json_file})
    except AdapterFault as error:
        raise WrongInput(f"the adapter: {one_line(str(error))}") from error
    finally:
        process.stop()
    if not good:
        context.exit(FAILED)


def _smoke(process: AdapterProcess, role: Role) -> bool:
    from ..driving.smoke import smoke

    good = True
    for step in smoke(process, role):
        good = good and step.good
        click.echo(f"{'ok    ' if step.good else 'FAILED'}  {step.name}: {one_line(step.words)}")
    done = "it can be driven: leave out --smoke" if good else "mend this first, then ask again"
    click.echo(f"{one_line(process.name)}: {done}")
    return good


class _Run(NamedTuple):
    """A run: the adapter and what it is called, its cases and those that are left to be played, and where they go."""

    process: AdapterProcess
    agent: str
    cases: Sequence[Case]
    left: Sequence[Case]
    judges: Judges
    folder: ReportFolder
    options: dict[str, Any]


def _drive(process: AdapterProcess, agent: str, role: Role, options: dict[str, Any]) -> bool:
    from ..harness.judging_pool import Judges
    from ..harness.run_result import document_of, show, tally_of, write_expected

    json_file: str | None = options["json_file"]
    with Judges(role, switches=switches_of(options["switches"])) as judges:
        cases = _cases(process, role, options)
        wanted = wanted_of(options, cases)
        with run_folder(options, judges, wanted) as folder:
            folder.expect(case.id for case in cases)
            left = [case for case in cases if case.id not in folder.earlier(agent)]
            if left:
                play = _run_server if role is Role.SERVER else _run_client
                play(_Run(process, agent, cases, left, judges, folder, options))
            found = folder.summaries.get(agent, {})
            summaries = {case.id: found[case.id] for case in cases if case.id in found}
    tally = tally_of(summaries, wanted)
    if json_file != STDOUT:
        show(agent, summaries, tally, folder.path)
    for fault in dict.fromkeys(process.faults):
        click.echo(f"the adapter: {one_line(fault)} ({process.faults.count(fault)} times)", err=True)
    missing = [case.id for case in cases if case.id not in summaries]
    if missing:
        click.echo(f"{len(missing)} of {len(cases)} cases were not run, such as {missing[0]}", err=True)
    write_expected(options["write_expected_failures"], [tally])
    if json_file is not None:
        document = document_of(agent, "adapter", summaries, tally)
        write_json(json_file, {f"{role.value}s": [{**document, "adapterFaults": process.faults}]})
    return tally.good and not process.faults and not missing


def _cases(process: AdapterProcess, role: Role, options: dict[str, Any]) -> Sequence[Case]:
    """The chosen cases, but for those of the opening handshake where the adapter begins after it."""
    cases = chosen_cases(role, options)
    left = [case for case in cases if process.opening or not case.opening]
    if not left:
        raise WrongInput("only cases of the opening handshake are selected, and the adapter begins after it")
    if len(left) < len(cases):
        out = len(cases) - len(left)
        click.echo(f"left out: {out} cases of the opening handshake, which the adapter does not do", err=True)
    return left


def _run_server(run: _Run) -> None:
    from ..driving.adapter_target import AdapterLauncher, AdapterTarget
    from ..driving.instant_loop import InstantLoop
    from ..harness.client import run_client
    from ..harness.event_loop import run_until_stopped
    from ..harness.target import NoServer

    target = AdapterTarget(agent=run.agent, adapter=run.process)
    with progress("driving") as step:
        try:
            run_until_stopped(
                run_client(
                    target,
                    run.left,
                    manners_of(run.options),
                    run.folder,
                    jobs=1,
                    profile=run.options["profile"],
                    step=step,
                    answered=run.folder.answered_by(run.agent),
                    numbers={case.id: number for number, case in enumerate(run.cases, 1)},
                    judges=run.judges,
                    launcher=AdapterLauncher(target),
                ),
                InstantLoop,
            )
        except NoServer as error:
            said = run.process.faults[-1] if run.process.faults else str(error)
            raise WrongInput(f"the adapter: {one_line(said)}") from error


def _run_client(run: _Run) -> None:
    from ..driving.driven_clients import run_driven_clients
    from ..driving.instant_loop import InstantLoop
    from ..harness.event_loop import run_until_stopped
    from ..harness.server import FuzzingServer
    from ..harness.server_run import ServerRun

    served = ServerRun(run.folder)

    async def serve(step: OnStep) -> None:
        server = FuzzingServer(
            run.cases,
            manners_of(run.options),
            served,
            run.folder.path,
            profile=run.options["profile"],
            judges=run.judges,
            again=lambda case_id: run.process.again(case_id, Role.CLIENT),
        )
        await run_driven_clients(server, run.process, run.agent, [case.id for case in run.left], step)

    with progress("driving") as step:
        run_until_stopped(serve(step), InstantLoop)
    served.finish()
