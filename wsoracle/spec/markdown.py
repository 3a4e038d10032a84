"""Markdown from the model: tables and cells, and guards and effects as people read them.

A guard is printed by :func:`~wsoracle.model.notation.expression.text` after two changes that keep its meaning. Parts
that many rows share are replaced by their name (:mod:`~wsoracle.model.notation.named`), and conditional expressions
that constants decide are folded. Effects that many rows share have a name as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from wsoracle.model.notation import variables
from wsoracle.model.notation.expression import Const, Expr, Op, Sort, Var, children, substitute, text
from wsoracle.model.notation.named import Term, bundles, terms
from wsoracle.model.notation.rule import Accept, Fail, Forbid, Reaction, Refuse, Rule


def cell(content: str) -> str:
    """Text for a cell of a table: one line, with the characters escaped that would end the cell or begin a tag."""
    return " ".join(content.split()).replace("|", "\\|").replace("<", "&lt;")


def code(content: str) -> str:
    """Text for a cell, shown as code: nothing in it but the bar needs an escape."""
    return "`" + " ".join(content.split()).replace("|", "\\|") + "`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are ready Markdown. Raises :class:`ValueError` for a row with more or fewer cells than head."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"a row of {len(row)} cells below a head of {len(head)}: {row}")
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def listed(items: Iterable[str], nothing: str = "") -> str:
    """The items as code, with commas."""
    return ", ".join(map(code, items)) or nothing


# --- guards ---------------------------------------------------------------------------------------------------------


_POWERS: Final = {2**63: "2^63"}


def readable(guard: Expr) -> Expr:
    """A guard with the same value in fewer words; variables with the names of terms stand for these."""
    return _readable(_named(guard, terms()))


def guard_text(guard: Expr) -> str:
    """A guard as people read it."""
    return text(readable(guard))


def term_text(term: Term) -> str:
    """The expression that a named term stands for, in terms of the others."""
    return text(_readable(_named(term.expression, [other for other in terms() if other is not term])))


def _named(expression: Expr, known: Sequence[Term]) -> Expr:
    for term in known:
        if expression.key() == term.expression.key():
            return Var(term.name)
    if isinstance(expression, Op):
        return Op(expression.op, tuple(_named(child, known) for child in children(expression)))
    return expression


def _readable(expression: Expr) -> Expr:
    """The same value in fewer words: constants folded, also through conditional expressions."""
    if isinstance(expression, Const) and expression.value in _POWERS:
        return Const(expression.value, _POWERS[int(expression.value)])
    if not isinstance(expression, Op):
        return expression
    args = tuple(_readable(child) for child in expression.args)
    if expression.op == "ite" and args[1].sort is Sort.BOOL:
        condition, then, otherwise = args
        if then.key() == otherwise.key():
            return then
        if isinstance(otherwise, Const):
            return _fold(condition & then) if not otherwise.value else _fold(~condition | then)
        if isinstance(then, Const):
            return _fold(~condition & otherwise) if not then.value else _fold(condition | otherwise)
    return _fold(Op(expression.op, args))


def _fold(expression: Expr) -> Expr:
    return substitute(expression, {})


# --- reactions ------------------------------------------------------------------------------------------------------


def effects_text(effects: Mapping[str, Expr]) -> str:
    """Effects as Markdown: names of bundles, then ``variable := value``. A bundle is not its own name."""
    left, parts = dict(effects), []
    for bundle in bundles():
        if bundle.effects is effects:
            continue
        if all(name in left and left[name].key() == value.key() for name, value in bundle.effects.items()):
            parts.append(f"*{bundle.name}*")
            left = {name: value for name, value in left.items() if name not in bundle.effects}
    parts += [code(f"{name} := {_value_text(name, value)}") for name, value in left.items()]
    return ", ".join(parts)


def _value_text(name: str, value: Expr) -> str:
    if isinstance(value, Const) and value.label is None and name in variables.STATE_VARIABLES:
        return variables.STATE_VARIABLES[name].labels.get(int(value.value), text(value))
    return guard_text(value)


def reaction_text(reaction: Reaction) -> str:
    """The reaction that a row asks for, as Markdown."""
    said = [f"**{reaction.word}**"]
    match reaction:
        case Refuse(code=status):
            said = [f"**refuse** {status}"]
        case Fail(code=variables.LOST):
            # No Close is sent before the connection is open: the application alone is told the code.
            said = [f"**fail**, close code {variables.LOST}"]
        case Fail(code=status):
            # The effects of every failure to read a frame are the same but for the code (tests hold the rows to it).
            return f"**fail** {status}"
        case Accept(delivers=told) if told is not None:
            said.append(f"tell: {told}")
        case Forbid(due=due) if due is not None:
            said.append(f"due: {due.name}")
        case _:
            pass
    changed = effects_text(reaction.effects)
    return "; ".join([*said, *([changed] if changed else [])])


def rule_row(rule: Rule) -> tuple[str, ...]:
    """The cells of a rule: id with strength and section below it, guard, reaction, words of the RFC."""
    return (
        f"{code(rule.id)}<br>{rule.strength.value}, {rule.clause}",
        code(guard_text(rule.when)),
        reaction_text(rule.then),
        cell(rule.quote),
    )


RULE_HEAD: Final = ("rule", "when", "then", "words of RFC 6455")
