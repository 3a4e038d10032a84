"""``wsoracle graph``: the states that an endpoint can reach, as a diagram."""

from __future__ import annotations

import click

from wsoracle.model.machine.reachable import explore
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role

from ..diagrams.diagram import mermaid
from ..diagrams.dot import check_can_draw, dot, svg
from ..diagrams.graph import VIEWS, counts, diagram
from ..text.output import STDOUT, progress, write_text
from .options import checked_file

_DRAWN = {"mermaid": mermaid, "dot": dot, "svg": svg}


@click.command("graph")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SERVER.value,
    show_default=True,
    help="The role of the endpoint.",
)
@click.option(
    "--view",
    "view_name",
    type=click.Choice([view.name for view in VIEWS]),
    default=VIEWS[0].name,
    show_default=True,
    help="What the diagram tells apart.",
)
@click.option(
    "--format", "drawn_as", type=click.Choice(list(_DRAWN)), default="mermaid", show_default=True, help="Its form."
)
@click.option(
    "--out",
    default=STDOUT,
    callback=checked_file,
    metavar="FILE",
    help="The file to write; standard output without it.",
)
def command(role: str, view_name: str, drawn_as: str, out: str) -> None:
    """Draw the states that an endpoint can reach.

    All of them are explored; the diagram puts together those that its view does not tell apart. SVG is drawn by
    Graphviz, which has to be installed.
    """
    import networkx  # noqa: F401  (where it is missing, that is said before the states are explored)

    if drawn_as == "svg":
        check_can_draw()
    view = next(view for view in VIEWS if view.name == view_name)
    with progress("exploring") as step:
        explored = explore(Setting(Role(role)), progress=lambda states: step("states", states, 0))
    write_text(out, _DRAWN[drawn_as](diagram(explored, view)))
    found = counts(explored)
    click.echo(f"{role}: {found.states:,} states, {found.transitions:,} transitions", err=True)
