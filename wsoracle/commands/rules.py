"""``wsoracle rules``: the rows of the model for people, and as JSON."""

from __future__ import annotations

from typing import Any

import click

from wsoracle.model.machine.words import EVENTS, reaction_words
from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Rule
from wsoracle.model.rules import RULES

from ..text.output import STDOUT, say, say_wrapped, write_json
from .options import json_option, select


@click.command("rules")
@click.argument("pattern", required=False)
@json_option
def command(pattern: str | None, json_file: str | None) -> None:
    """List the rules, with the clause that each stands for.

    PATTERN is a part of a rule's id, such as 4.2.1/ (what a server asks of a request), 5.5.1/ or utf8, or a pattern
    with * for the whole id.
    """
    chosen = set(select(pattern, (rule.id for rule in RULES), "rule"))
    rules = [rule for rule in RULES if rule.id in chosen]
    if json_file is not None:
        write_json(json_file, {"rules": [as_json(rule) for rule in rules]})
    if json_file != STDOUT:
        _show(rules)


def as_json(rule: Rule) -> dict[str, Any]:
    """A rule as plain data."""
    return {
        "id": rule.id,
        "section": rule.section,
        "strength": rule.strength.value,
        "quote": rule.quote,
        "on": rule.on.value,
        "when": text(rule.when),
        "then": reaction_words(rule),
        "effects": {name: text(value) for name, value in rule.then.effects.items()},
    }


def _show(rules: list[Rule]) -> None:
    from ..explain.text import STRENGTH_STYLE

    for rule in rules:
        strength = (rule.strength.value, STRENGTH_STYLE[rule.strength])
        say((rule.id, "bold"), "  ", strength, f"  on {EVENTS[rule.on]}: {reaction_words(rule)}")
        say_wrapped(f'"{rule.quote}"', 4, "italic", margin=0)
        say_wrapped(f"when {text(rule.when)}", 4, "dim", margin=0)
    say(f"{len(rules)} rule{'' if len(rules) == 1 else 's'}")
