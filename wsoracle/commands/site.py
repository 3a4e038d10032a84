"""``wsoracle site``: the protocol and the model as a static site."""

from __future__ import annotations

from pathlib import Path

import click

from ..cli import WrongInput
from ..spec import DOCUMENT
from ..text.output import progress


@click.command("site")
@click.option("--out", required=True, metavar="DIR", help="Where to write the site.")
@click.option("--file", "name", default=str(DOCUMENT), show_default=True, metavar="FILE", help="The document.")
@click.option("--pyodide", metavar="DIR", help="Where npm install pyodide put it: the site then has a decoder.")
def command(out: str, name: str, pyodide: str | None) -> None:
    """Write a static site for people who learn the protocol.

    It has docs/spec.md as pages, with its blocks made from the model, and rules, theorems, cases, mutants and findings
    that lead to each other. Open its index.html, or put it on any web server. With --pyodide it has a decoder too,
    which runs this Python in the reader's browser, and needs a web server (python3 -m http.server).
    """
    from wsoracle.generators.suite.telling import telling
    from wsoracle.generators.suite.witnesses import all_witnesses

    from ..site.building import START, SiteBuilder, write_files
    from ..site.decoder.packing import PyodideError, runtime
    from ..spec.document import MarkerError, render

    if "\0" in out + name + (pyodide or "") or not out or not name or pyodide == "":
        raise WrongInput("--out, --file and --pyodide: a name is empty or has a NUL in it: give another one")
    try:
        document = render(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongInput(f"{name}: {error.strerror}: call it in the repository, or say --file where it is") from error
    except (MarkerError, UnicodeDecodeError) as error:
        raise WrongInput(f"{name}: {error}") from error
    try:
        files_of_pyodide = None if pyodide is None else runtime(Path(pyodide))
    except PyodideError as error:
        raise WrongInput(f"--pyodide: {error}") from error
    findings = Path(name).with_name("findings.md")
    with progress("building") as step:
        witnesses = all_witnesses()
        told = telling(witnesses, step=step)
        found = findings.read_text(encoding="utf-8") if findings.is_file() else ""
        builder = SiteBuilder(document, files_of_pyodide, witnesses, told, found)
    files: dict[str, str | bytes] = {**builder.files(), **builder.loaded_later()}
    try:
        octets = write_files(files, Path(out))
    except OSError as error:
        raise WrongInput(f"{out}: {error.strerror}: name a directory that can be written") from error
    click.echo(f"{Path(out) / START}: {len(files)} files, {octets / 1e6:.1f} MB")
