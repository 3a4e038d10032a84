"""``wsoracle drive``: the cases against a parser in any language, through an adapter, without sockets and timers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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


@click.command("drive")
@click.argument("adapter", metavar="COMMAND")
@click.option("--smoke", is_flag=True, help="Only a short conversation, step by step: for a new adapter.")
@click.option("--agent", metavar="NAME", help="The name of the implementation in reports, instead of its own.")
@harness_options("reports/driven")
@json_option
@click.pass_context
def command(
    context: click.Context,
    /,
    adapter: str,
    smoke: bool,
    agent: str | None,
    json_file: str | None,
    **options: Any,
) -> None:
    """Run the cases against a parser in any language, without sockets and timers.

    COMMAND is run by the shell and starts an adapter: it takes one line of JSON after another, with octets that arrive
    at a server, and answers each with the octets that the server writes (docs/oracle.md). Cases, verdicts and reports
    are those of wsoracle test, and so is the exit status. Waits take no time: --timeout is a number in reports alone.
    """
    if not adapter.strip():
        raise WrongInput("COMMAND is empty: give one that starts an adapter, such as 'node ws_adapter.js'")
    if agent is not None:
        checked(check_agent, "--agent", agent)

    from ..driving.adapter_process import AdapterFault, AdapterProcess

    process = AdapterProcess(adapter)
    try:
        process.start()
        good = _smoke(process) if smoke else _drive(process, agent, {**options, "json_file": json_file})
    except AdapterFault as error:
        raise WrongInput(f"the adapter: {one_line(str(error))}") from error
    finally:
        process.stop()
    if not good:
        context.exit(FAILED)


def _smoke(process: AdapterProcess) -> bool:
    from ..driving.smoke import smoke

    good = True
    for step in smoke(process):
        good = good and step.good
        click.echo(f"{'ok    ' if step.good else 'FAILED'}  {step.name}: {one_line(step.words)}")
    done = "it can be driven: leave out --smoke" if good else "mend this first, then ask again"
    click.echo(f"{one_line(process.name)}: {done}")
    return good


def _drive(process: AdapterProcess, agent: str | None, options: dict[str, Any]) -> bool:
    from ..harness.judging_pool import Judges
    from ..harness.run_result import document_of, show, tally_of, write_expected

    json_file: str | None = options["json_file"]
    with Judges(Role.SERVER, switches=switches_of(options["switches"])) as judges:
        cases = _cases(process, options)
        name, summaries, faults, path = _run(process, agent, cases, judges, options)
    tally = tally_of(summaries, wanted_of(options, cases))
    if json_file != STDOUT:
        show(name, summaries, tally, path)
    for fault in dict.fromkeys(faults):
        click.echo(f"the adapter: {one_line(fault)} ({faults.count(fault)} times)", err=True)
    write_expected(options["write_expected_failures"], [tally])
    if json_file is not None:
        document = document_of(name, "adapter", summaries, tally)
        write_json(json_file, {"servers": [{**document, "adapterFaults": faults}]})
    return tally.good and not faults


def _cases(process: AdapterProcess, options: dict[str, Any]) -> Sequence[Case]:
    """The chosen cases, but for those of the opening handshake where the adapter begins after it."""
    cases = chosen_cases(Role.SERVER, options)
    left = [case for case in cases if process.opening or not case.opening]
    if not left:
        raise WrongInput("only cases of the opening handshake are selected, and the adapter begins after it")
    if len(left) < len(cases):
        out = len(cases) - len(left)
        click.echo(f"left out: {out} cases of the opening handshake, which the adapter does not do", err=True)
    return left


def _run(
    process: AdapterProcess, agent: str | None, cases: Sequence[Case], judges: Judges, options: dict[str, Any]
) -> tuple[str, dict[str, Any], list[str], Any]:
    from ..driving.adapter_target import AdapterLauncher, AdapterTarget
    from ..driving.instant_loop import InstantLoop
    from ..harness.client import run_client
    from ..harness.event_loop import run_until_stopped
    from ..harness.target import NoServer

    target = AdapterTarget(agent=agent or process.name, adapter=process)
    with run_folder(options, judges, wanted_of(options, cases)) as folder:
        folder.expect(case.id for case in cases)
        earlier = folder.earlier(target.agent)
        left = [case for case in cases if case.id not in earlier]
        if left:
            with progress("driving") as step:
                try:
                    run_until_stopped(
                        run_client(
                            target,
                            left,
                            manners_of(options),
                            folder,
                            jobs=1,
                            profile=options["profile"],
                            step=step,
                            answered=folder.answered_by(target.agent),
                            numbers={case.id: number for number, case in enumerate(cases, 1)},
                            judges=judges,
                            launcher=AdapterLauncher(target),
                        ),
                        InstantLoop,
                    )
                except NoServer as error:
                    raise WrongInput(
                        f"the adapter: {one_line(target.faults[-1] if target.faults else str(error))}"
                    ) from error
        name = target.agent or ""
        found = folder.summaries.get(name, {})
        return name, {case.id: found[case.id] for case in cases if case.id in found}, target.faults, folder.path
