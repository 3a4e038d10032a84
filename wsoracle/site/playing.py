"""An example run as a small player: the sequence drawn, and for each step what happens, why, and what is sent.

All of it stands in the page; the script shows one step after the other. Without the script the table of the run stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from wsoracle.model.notation.variables import CONNECTING, State
from wsoracle.model.octets.vocabulary import Role

from ..spec.player import Does, PlayedStep, play
from ..spec.runs import OPENINGS, RUNS
from .addresses import Addresses
from .octets import octets_html

_WIDTH, _LEFT, _RIGHT, _TOP, _STEP = 360, 40, 320, 48, 36
_LONGEST: Final = 38
"""Characters for which an arrow has room."""
_BEFORE: Final = {"run": "OPEN", "opening": "CONNECTING"}
_TITLES: Final = {Role.CLIENT: "client", Role.SERVER: "server"}


def is_run(block: str) -> bool:
    """Whether a block of docs/spec.md is an example run."""
    kind, _, name = block.partition("-")
    return name in {"run": RUNS, "opening": OPENINGS}.get(kind, {})


def player(block: str, addresses: Addresses) -> str:
    """The run of a block as a player. Raises :class:`KeyError` where the block is no run."""
    kind, _, name = block.partition("-")
    told = play(RUNS[name], State()) if kind == "run" else play(OPENINGS[name], CONNECTING)
    label = f"Example run: {name.replace('-', ' ')}"
    return player_of(block, label, told, dict.fromkeys(Role, _BEFORE[kind]), addresses)


def player_of(
    anchor: str,
    label: str,
    told: Sequence[PlayedStep],
    before: Mapping[Role, str],
    addresses: Addresses,
    *,
    arrives: bool = False,
) -> str:
    """Steps as a player; ``before``: where both ends stand first; ``arrives``: what no step takes is not lost."""
    return (
        f'<figure class=player id="{escape(anchor)}" aria-label="{escape(label)}" data-steps="{len(told)}">'
        f"<div class=stage>{_drawing(told, label, arrives)}"
        f"<ol class=moments>{_moments(told, before, addresses)}</ol></div>"
        f"<div class=controls>{_CONTROLS}<output>Step 1 of {len(told)}</output></div>"
        f"<div class=whole>{_table(told, addresses)}</div></figure>"
    )


_CONTROLS: Final = "".join(
    f'<button type=button data-do="{do}"{more}>{words}</button>'
    for do, words, more in (
        ("first", "First", ""), ("back", "Back", ""), ("step", "Step", ""), ("play", "Play", ""),
        ("whole", "Table", " aria-pressed=false"),
    )
)  # fmt: skip


def _drawing(told: Sequence[PlayedStep], label: str, arrives: bool) -> str:
    height = _TOP + _STEP * len(told)
    taken = {step.takes: step.number for step in told if step.takes}
    parts = [
        f'<svg class=run viewBox="0 0 {_WIDTH} {height}" width={_WIDTH} height={height} role=img '
        f'aria-label="{escape(label)}: a sequence of {len(told)} steps, which are listed beside it">'
    ]
    for role, x in ((Role.CLIENT, _LEFT), (Role.SERVER, _RIGHT)):
        parts.append(f"<text class=who x={x} y=18 text-anchor=middle>{role.value}</text>")
        parts.append(f"<line class=life x1={x} y1=26 x2={x} y2={height - 4} />")
    parts += [_step_drawn(step, taken.get(step.number), arrives) for step in told]
    return "".join([*parts, "</svg>"])


def _step_drawn(step: PlayedStep, taken: float | None, arrives: bool) -> str:
    """A step: its number on the lifeline, and the arrow of what it sends, down to the step that takes it."""
    if arrives and taken is None:
        taken = step.number + 0.5
    mine, theirs = (_LEFT, _RIGHT) if step.who is Role.CLIENT else (_RIGHT, _LEFT)
    y = _height_of(step.number)
    turn = 1 if theirs > mine else -1
    drawn = ""
    if step.arrow:
        end_x, end_y = (theirs - 11 * turn, _height_of(taken) - 2) if taken else ((mine + theirs) // 2, y + _STEP // 2)
        tip = f'<path d="M{end_x} {end_y} l{-8 * turn} -6 l-1 9 z"/>' if taken else ""
        lost = "" if taken else f"<text class=lost x={end_x + 8 * turn} y={end_y + 5} text-anchor=middle>✗</text>"
        dashes = " stroke-dasharray=4" if step.event == Does.CLOSE_TCP.value else ""
        anchor = "start" if turn > 0 else "end"
        label = escape(_short(step.event.removeprefix("sends ")))
        drawn = (
            f"<line class=way x1={mine + 11 * turn} y1={y} x2={end_x} y2={end_y}{dashes} />{tip}{lost}"
            f"<text x={mine + 16 * turn} y={y - 7} text-anchor={anchor}>{label}</text>"
        )
    side = "tester" if step.who is Role.CLIENT else "sut"
    return (
        f'<g class="step {side}" data-step={step.number}>{drawn}<circle cx={mine} cy={y} r=10 />'
        f"<text class=count x={mine} y={y + 4} text-anchor=middle>{step.number}</text></g>"
    )


def _height_of(number: float) -> int:
    return int(_TOP + _STEP * (number - 1) + 12)


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _moments(told: Sequence[PlayedStep], before: Mapping[Role, str], addresses: Addresses) -> str:
    states = dict(before)
    items = []
    for step in told:
        states[step.who] = step.after
        rules = ", ".join(map(addresses.link, step.rules))
        by = f"<p>Rules: {rules}</p>" if rules else ""
        sides = "".join(
            f"<div{' class=now' if role is step.who else ''}>"
            f"<dt>{_TITLES[role]}</dt><dd>{escape(states[role])}</dd></div>"
            for role in Role
        )
        sent = octets_html(step.octets) if step.octets else ""
        items.append(
            f"<li data-step={step.number}><p class=happens><strong>{step.number}. The {step.who.value} "
            f"{escape(step.event)}</strong>: <em>{escape(step.outcome)}</em></p>"
            f"{by}<dl class=sides>{sides}</dl>{sent}</li>"
        )
    return "".join(items)


def _table(told: Sequence[PlayedStep], addresses: Addresses) -> str:
    rows = "".join(
        f"<tr><td>{step.number}</td><td>{step.who.value}</td>"
        f"<td>{escape(step.event)}{f' ({step.takes})' if step.takes else ''}</td><td>{escape(step.outcome)}</td>"
        f"<td>{', '.join(map(addresses.link, step.rules))}</td><td>{escape(step.after)}</td></tr>"
        for step in told
    )
    head = "".join(
        f"<th scope=col>{name}</th>" for name in ("step", "endpoint", "event", "outcome", "rules", "afterwards")
    )
    return (
        '<div class=scroll tabindex=0 role=group aria-label="Table: the steps of the run">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
