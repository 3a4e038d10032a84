"""The blocks of docs/spec.md about verdicts, theorems and requirements."""

from __future__ import annotations

from collections import Counter
from typing import Any

from wsoracle.model.notation.rule import STRENGTHS, Strength
from wsoracle.model.rules import RULES
from wsoracle.properties.connections.checks import CHECKS
from wsoracle.properties.judge.grading import verdict_on
from wsoracle.properties.judge.verdict import PROFILES
from wsoracle.properties.requirements.register import REGISTER, matrix
from wsoracle.properties.requirements.requirement import Status
from wsoracle.properties.theorems.theorem import TheoremKind

from ..prover import theorems as all_theorems
from .markdown import cell, code, listed, table


def verdicts() -> str:
    """The verdict on what was not followed, in each profile."""
    binding = [strength for strength in reversed(STRENGTHS) if strength.binds]
    rows = [_verdicts("every rule that binds was followed", ())]
    rows += [_verdicts(f"a {strength.value} was not followed", (strength,)) for strength in binding]
    rows.append(_verdicts("a message was refused because of a limit that is not stated", (), own_limit=True))
    return table(("what was observed", *(f"profile {code(profile)}" for profile in PROFILES)), rows)


def _verdicts(observed: str, broken: tuple[Strength, ...], *, own_limit: bool = False) -> tuple[str, ...]:
    return (observed, *(code(verdict_on(broken, own_limit=own_limit, profile=profile)) for profile in PROFILES))


def theorem_counts() -> str:
    """How many theorems there are of each kind."""
    found = Counter(theorem.kind for theorem in all_theorems())
    rows = [(kind.value, str(found[kind])) for kind in TheoremKind if found[kind]]
    return table(("kind", "theorems"), [*rows, ("all", str(len(all_theorems())))])


def theorems() -> str:
    """Every theorem: id, statement, the requirements that name it."""
    parts = []
    for kind in TheoremKind:
        rows = [(code(t.id), cell(t.statement), ", ".join(t.requirements)) for t in all_theorems() if t.kind is kind]
        if rows:
            parts.append(f"**{kind.value}**\n\n" + table(("theorem", "statement", "requirements"), rows))
    return "\n\n".join(parts)


def requirement_counts() -> str:
    """How many sentences of each section are covered, and how."""
    found = Counter((row.section.split(".")[0], row.status) for row in REGISTER)
    chapters = sorted({chapter for chapter, _ in found}, key=int)
    used = [status for status in Status if any(found[chapter, status] for chapter in chapters)]
    rows = [
        (chapter, *(str(found[chapter, status]) for status in used), str(sum(found[chapter, s] for s in used)))
        for chapter in chapters
    ]
    totals = [sum(found[chapter, status] for chapter in chapters) for status in used]
    head = ("section", *(status.value for status in used), "all")
    return table(head, [*rows, ("all", *map(str, totals), str(sum(totals)))])


def requirements() -> str:
    """The matrix: every normative sentence and what covers it."""
    rows = [
        (row["id"], row["level"], row["binds"], _covered(row), cell(row["quote"]))
        for row in matrix(REGISTER, RULES, all_theorems(), CHECKS)["requirements"]
    ]
    return table(("id", "level", "binds", "covered by", "sentence of RFC 6455"), rows)


def _covered(row: dict[str, Any]) -> str:
    if row["status"] != Status.COVERED.value:
        return f"*{row['status']}*: {cell(row['why'])}"
    return listed([*row["rules"], *row["theorems"], *row["checks"]])
