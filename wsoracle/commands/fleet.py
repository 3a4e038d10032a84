"""``wsoracle fleet``: real implementations, installed, started and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from wsoracle.model.octets.vocabulary import Role

from ..cli import FAILED, WrongInput
from ..text.output import OnStep, progress, say, write_json, write_text
from .harness_options import chosen_cases, echoes_option
from .options import checked_file

if TYPE_CHECKING:
    from ..fleet.findings import Column
    from ..fleet.paths import FleetPaths
    from ..fleet.processes import Crew
    from ..fleet.registry import Peer
    from ..fleet.rounds import Round, Turn

KINDS: Final = ("pip", "npm", "apt")


def _words(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Callback of an option that takes names with commas between them."""
    return () if text is None else tuple(word for word in (part.strip() for part in text.split(",")) if word)


@click.command("fleet")
@click.option("--list", "listing", is_flag=True, help="List the implementations, and run nothing.")
@click.option("--report", "reporting", is_flag=True, help="Run nothing: write the findings of the last runs.")
@click.option("--install", "installing", is_flag=True, help="Install missing implementations first.")
@click.option("--apt", is_flag=True, help="With --install: Debian's packages too, as root.")
@click.option("--missing-ok", is_flag=True, help="A failed installation does not make the exit status 1.")
@click.option("--only", callback=_words, metavar="NAME,...", help="Only these implementations (* is any text).")
@click.option("--kind", "kinds", callback=_words, metavar="pip,npm,apt", help="Only those that these install.")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="Only as servers, or only as clients.")
@click.option("--jobs", type=click.IntRange(1, 16), default=1, show_default=True, help="Implementations at a time.")
@click.option("--select", "selected", multiple=True, metavar="PATTERN", help="Only these cases; may be repeated.")
@click.option("--exclude", "excluded", multiple=True, metavar="PATTERN", help="Not these cases; may be repeated.")
@click.option("--compression", is_flag=True, help="Only those that can take permessage-deflate or not, and with it.")
@echoes_option
@click.option(
    "--limit",
    type=click.FloatRange(1, 86400),
    default=1200.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one implementation may take.",
)
@click.option("--out", default="out/fleet", show_default=True, metavar="DIR", help="The folder of all files.")
@click.option(
    "--findings", callback=checked_file, metavar="FILE", help="The page of findings [default: DIR/findings.md]"
)
@click.option("--causes", callback=checked_file, metavar="FILE", help="How many share each cause, as JSON.")
@click.pass_context
def command(context: click.Context, /, listing: bool, installing: bool, out: str, **options: Any) -> None:
    """Install and start real implementations, test each, and write the findings.

    Servers run against the fuzzing client, clients against the fuzzing server. All files are below DIR: the
    installations, a report for each implementation in DIR/reports, the matrix and the deviations in DIR/findings.md and
    DIR/fleet.json, and in DIR/causes.json how many share each cause. The exit status is 1 where an implementation could
    not be installed, started or run to its end, or none was run; deviations do not change it.
    """
    from ..fleet.installer import missing
    from ..fleet.paths import FleetPaths
    from ..fleet.processes import Crew

    paths = FleetPaths(_folder(out), compression=options["compression"])
    peers = _chosen(options)
    crew = Crew()
    try:
        reasons = _installed(peers, paths, crew, options["apt"]) if installing else {}
        for peer in peers:
            reason = missing(peer, paths)
            if reason is not None:
                hint = "" if installing else ": --install" + (" --apt" if reason.startswith("needs apt") else "")
                reasons.setdefault(peer.name, reason + hint)
        if listing:
            _list(peers, paths, reasons)
            good = not (installing and reasons) or options["missing_ok"]
        else:
            good = _run(peers, paths, crew, reasons, options)
    finally:
        crew.stop()
    if not good:
        context.exit(FAILED)


def _folder(out: str) -> Path:
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise WrongInput(f"--out: {out} is no directory: give the name of one")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _chosen(options: dict[str, Any]) -> list[Peer]:
    from ..fleet.registry import PEERS

    only, kinds, role = options["only"], options["kinds"], options["role"]

    for kind in kinds:
        if kind not in KINDS:
            raise WrongInput(f"--kind: there is no {kind!r}: give some of {', '.join(KINDS)}, with commas")
    names = [peer.name for peer in PEERS]
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise WrongInput(f"--only: there is no implementation {pattern!r}: wsoracle fleet --list names them")
    peers = [peer for peer in PEERS if not only or any(fnmatchcase(peer.name, pattern) for pattern in only)]
    peers = [peer for peer in peers if (not kinds or peer.kind in kinds) and (role is None or role in peer.roles)]
    if not peers:
        raise WrongInput("no implementation is left: give --only, --kind and --role that have one in common")
    if options["compression"]:
        peers = [peer for peer in peers if peer.compression and role in (None, *peer.compression)]
        if not peers:
            raise WrongInput("--compression: none of these can take permessage-deflate or not: see docs/fleet.md")
    return peers


def _installed(peers: Sequence[Peer], paths: FleetPaths, crew: Crew, apt: bool) -> dict[str, str]:
    from ..fleet.installer import install

    with progress("installing") as step:
        return install(peers, paths, crew, step, apt=apt)


def _list(peers: Sequence[Peer], paths: FleetPaths, reasons: dict[str, str]) -> None:
    from ..fleet.versions import version_of

    rows = [("name", "version", "language", "code base", "roles", "by", "")]
    for peer in peers:
        reason = reasons.get(peer.name, "")
        version = None if reason else version_of(peer, paths)
        roles = ", ".join(peer.roles)
        rows.append((peer.name, version or "-", peer.language, peer.code_base, roles, peer.kind, reason))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *cells, reason in rows:  # a line each, however wide: it may go to another program
        listed = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        say(listed if reason else listed.rstrip(), *([("  " + reason, "red")] if reason else []))


def _run(
    peers: Sequence[Peer], paths: FleetPaths, crew: Crew, reasons: dict[str, str], options: dict[str, Any]
) -> bool:
    from .. import __version__
    from ..fleet.collecting import causes_document, column_of, document_of, recall
    from ..fleet.findings import Column, findings_page
    from ..fleet.rounds import Turn
    from ..fleet.versions import version_of

    turns, absent = [], []
    for peer in peers:
        version = None if peer.name in reasons else version_of(peer, paths)
        for role in peer.roles:
            if options["role"] not in (None, role):
                continue
            if version is None:
                reason = reasons.get(peer.name, "its version cannot be found out")
                absent.append(Column(peer, role, "", "-", reason))
            else:
                turns += [Turn(peer, role, one) for one in _variants(peer, role, version, options)]
    reports = paths.root / "reports"
    if options["reporting"]:
        rounds = [done for turn in turns if (done := recall(turn, paths.root / "rounds", reports)) is not None]
    else:
        rounds = _rounds(turns, paths, crew, options)
    columns = [column_of(done) for done in rounds]
    good = bool(columns) and all(column.reason is None for column in columns)
    columns = sorted([*columns, *absent], key=lambda column: peers.index(column.peer))
    made_with = f"wsoracle {__version__}, {datetime.now(UTC):%Y-%m-%d}"
    write_json(str(paths.root / "fleet.json"), document_of(columns, made_with))
    findings = options["findings"] or str(paths.root / "findings.md")
    write_text(findings, findings_page(columns, made_with))
    write_json(options["causes"] or str(paths.root / "causes.json"), causes_document(columns, made_with))
    _show(columns, findings)
    return good and (options["missing_ok"] or not absent)


def _variants(peer: Peer, role: Role, version: str, options: dict[str, Any]) -> tuple[str, ...]:
    """What is run or reported of a version: as it is, or with permessage-deflate where its script can, which has a name
    of its own; a report has both."""
    from ..fleet.rounds import with_deflate

    deflated = (with_deflate(version),) if role in peer.compression else ()
    if options["reporting"]:
        return version, *deflated
    return deflated if options["compression"] else (version,)


def _rounds(turns: Sequence[Turn], paths: FleetPaths, crew: Crew, options: dict[str, Any]) -> list[Round]:
    from ..fleet.collecting import remember
    from ..fleet.rounds import Harness, run_rounds

    choice = [word for text in options["selected"] for word in ("--select", text)]
    choice += [word for text in options["excluded"] for word in ("--exclude", text)]
    choice += ["--echoes", str(options["echoes"])] if options["echoes"] is not None else []
    asked = {role: len(chosen_cases(role, options)) for role in {turn.role for turn in turns}}
    tester = Harness(tuple(choice), options["limit"], asked=asked)
    with progress("testing") as step:
        count = _counter(step, turns)

        def ended(done: Round) -> None:
            remember(done, paths.root / "rounds")
            count(done)

        return run_rounds(turns, paths, crew, paths.root / "reports", tester, jobs=options["jobs"], on_round=ended)


def _counter(step: OnStep, turns: Sequence[Turn]) -> Callable[[Round], None]:
    done = 0
    step("starting", 0, len(turns))

    def count(one: Round) -> None:
        nonlocal done
        done += 1
        step(one.turn.agent, done, len(turns))

    return count


def _show(columns: Sequence[Column], findings: str) -> None:
    for column in columns:
        name = f"{column.peer.name} {column.version} as {column.role}: "
        sums = ", ".join(f"{count} {verdict}" for verdict, count in sorted(column.verdicts.items()))
        sums += f", {column.uncounted} did not count" if column.uncounted else ""
        say((name, "bold"), f"{sums or 'no cases'}; {len(column.deviations)} deviations")
        if column.reason is not None:
            say((f"    {column.reason}", "red"))
    say(f"findings: {findings}")
