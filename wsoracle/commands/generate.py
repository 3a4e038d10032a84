"""``wsoracle generate``: cases written as files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from wsoracle.generators.cases.derived import with_controls
from wsoracle.generators.export.files import MARKER
from wsoracle.generators.export.json_files import export_json
from wsoracle.generators.export.pytest_module import export_pytest
from wsoracle.generators.export.vectors import export_vectors
from wsoracle.generators.export.wstest_classes import export_wstest

from ..cli import WrongInput
from ..text.output import progress
from .case_selection import foreseen, select_generated
from .options import seed_option

EXPORTS = {"json": export_json, "wstest": export_wstest, "pytest": export_pytest, "vectors": export_vectors}


def checked_directory(name: str, *, empty: bool = True) -> Path:
    """A directory to write into, refused at once where it could not be done at the end.

    ``empty``: nothing may be in it but what an export wrote. Raises :class:`WrongInput`.
    """
    if not name or "\0" in name or name.startswith("-"):
        raise WrongInput(f"--out: {name!r} is no name of a directory: give one")
    path = Path(name)
    try:
        above = next((p for p in path.absolute().parents if p.exists()), path)
        if not above.is_dir():
            raise WrongInput(f"--out: nothing can be written below {above}, a file: give another directory")
        if path.exists() and not path.is_dir():
            raise WrongInput(f"--out: {name} is a file: give the name of a directory")
        if empty and path.is_dir() and any(path.iterdir()) and not (path / MARKER).exists():
            raise WrongInput(f"--out: {name} holds files that no export wrote: give another one")
    except OSError as error:
        raise WrongInput(f"--out: {name}: {error.strerror or error}") from error
    return path


def _checked(context: click.Context, option: click.Parameter, name: str) -> str:
    return str(checked_directory(name))


@click.command("generate")
@click.option("--out", required=True, metavar="DIR", callback=_checked, help="The directory to write into.")
@click.option("--format", "form", required=True, type=click.Choice(list(EXPORTS)), help="The format of the files.")
@click.option("--select", "pattern", metavar="PATTERN", help="Only cases with PATTERN in id, title or rules.")
@click.option("--quick", is_flag=True, help="Without the killers of mutants, which take a minute or two to find.")
@seed_option
def command(out: str, form: str, pattern: str | None, quick: bool, seed: int) -> None:
    """Write test cases: as JSON, as vectors, for Autobahn, or for pytest.

    json: one file a case, with a schema. vectors: one file a rule, with octets and allowed outcomes. wstest: classes
    that Autobahn's runner loads, for Python 2.7. pytest: a module that runs against a URL. The controls of selected
    cases are always among them; docs/cases.md describes the files. The same seed gives the same files, octet for octet.
    """
    from wsoracle.generators.suite.all_cases import NO_KILLERS, collect

    foreseen(pattern)
    with progress("generating") as step:
        found = collect(seed, step, NO_KILLERS if quick else None)
    chosen = select_generated(pattern, found.cases)
    cases = with_controls((case for case in found.cases if case.id in chosen), found.cases)
    try:
        result = EXPORTS[form](cases, out)
    except (ValueError, FileExistsError, NotADirectoryError) as error:
        raise WrongInput(str(error)) from error
    click.echo(f"{len(result.carried)} of {len(cases)} cases in {len(result.files)} files: {result.directory}")
    for why, count in Counter(result.left_out.values()).most_common():
        click.echo(f"{count} left out: {why}")
