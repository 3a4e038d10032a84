"""The requirement register: every normative sentence of RFC 6455 and of RFC 7692, and how it is covered.

The rows are data (``requirements.toml``, read by :mod:`.rows`). The coverage of a row is derived from the rules' quotes
wherever they lead to it (:func:`rules_quoting`); a row names further ids only where they do not. The checks give a list
of problems, empty where all is well, so that a test or a command can print them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from .requirement import Requirement
from .rfc_text import (
    RfcText,
    keywords_in,
    lower_case_keyword,
    normalise,
    normative_sentences,
    occurs_in_order,
    quote_occurs,
    split_sentences,
)
from .rows import read_register

REGISTER: Final[tuple[Requirement, ...]] = read_register()
"""Every row, in the order of the RFC's text."""

LOWER_CASE_SECTIONS: Final = ("5", "6", "7", "8")
"""In these chapters a lower-case "must" or "should" is registered as well."""

NOT_NORMATIVE: Final[Mapping[str, str]] = {
    "The interpretation of this reason by an endpoint, and the action an endpoint should take given this reason, are "
    "left undefined by this specification.": "it says that nothing is required",
}
"""Sentences with a lower-case key word in LOWER_CASE_SECTIONS that require nothing, and why."""


class RuleLike(Protocol):
    """The attributes of a rule that the register reads."""

    @property
    def id(self) -> str:
        """The rule's id, as "5.2/reserved-bits"."""

    @property
    def section(self) -> str:
        """The section that the quote stands in."""

    @property
    def quote(self) -> str:
        """Words of the RFC, verbatim; `` ... `` stands for words left out."""


class TheoremLike(Protocol):
    """The attributes of a theorem that the register reads; ``requirements``, where it has it, are the ids it covers."""

    @property
    def id(self) -> str:
        """The theorem's id."""


class CheckLike(Protocol):
    """The attributes of a check over many connections that the register reads."""

    @property
    def id(self) -> str:
        """The check's id."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """The ids of the requirements that it covers."""


def rules_quoting(requirement: Requirement, rules: Iterable[RuleLike]) -> tuple[str, ...]:
    """Give the ids of the rules of the same section that quote the requirement's sentence, or a part of it.

    In a quote of several sentences, each sentence with a normative key word counts by itself.
    """
    return tuple(
        rule.id for rule in rules if rule.id.partition("/")[0] == requirement.section and _leads_to(rule, requirement)
    )


def _leads_to(rule: RuleLike, requirement: Requirement) -> bool:
    quote = normalise(rule.quote)
    if occurs_in_order(quote, requirement.quote):
        return True
    pieces = [piece for piece in split_sentences(quote) if keywords_in(piece) or lower_case_keyword(piece)]
    return any(occurs_in_order(piece, requirement.quote) for piece in pieces)


def rules_of(requirement: Requirement, rules: Iterable[RuleLike]) -> tuple[str, ...]:
    """Give the ids of all rules that cover a requirement: those that quote it, then those that the row names."""
    return tuple(dict.fromkeys((*rules_quoting(requirement, rules), *requirement.rules)))


def theorems_of(requirement: Requirement, theorems: Iterable[TheoremLike]) -> tuple[str, ...]:
    """Give the ids of all theorems that cover a requirement: those that name it, then those that the row names."""
    naming = (theorem.id for theorem in theorems if requirement.id in getattr(theorem, "requirements", ()))
    return tuple(dict.fromkeys((*naming, *requirement.theorems)))


def checks_of(requirement: Requirement, checks: Iterable[CheckLike]) -> tuple[str, ...]:
    """Give the ids of the checks over many connections that name a requirement."""
    return tuple(check.id for check in checks if requirement.id in check.requirements)


def matrix(
    register: Iterable[Requirement],
    rules: Iterable[RuleLike],
    theorems: Iterable[TheoremLike] = (),
    checks: Iterable[CheckLike] = (),
    cases: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Give the requirement matrix, ready for JSON: ``{"requirements": [row, ...]}``.

    ``cases`` maps a rule's id to the ids of the cases that exercise it.  The keys of a row: id, section, level, binds,
    quote, status, why, rules, theorems, checks, cases.
    """
    all_rules, all_theorems, all_checks, by_rule = tuple(rules), tuple(theorems), tuple(checks), cases or {}
    rows = []
    for requirement in register:
        covering = rules_of(requirement, all_rules)
        rows.append(
            {
                "id": requirement.id,
                "section": requirement.section,
                "level": requirement.level,
                "binds": requirement.binds.value,
                "quote": requirement.quote,
                "status": requirement.status.value,
                "why": requirement.why,
                "rules": list(covering),
                "theorems": list(theorems_of(requirement, all_theorems)),
                "checks": list(checks_of(requirement, all_checks)),
                "cases": sorted({case for rule in covering for case in by_rule.get(rule, ())}),
            }
        )
    return {"requirements": rows}


def problems(
    register: Iterable[Requirement],
    rules: Iterable[RuleLike],
    theorems: Iterable[TheoremLike] = (),
    checks: Iterable[CheckLike] = (),
) -> list[str]:
    """Give what is wrong with the register beside what may cover its rows; no text of the RFC is needed.

    Found: ids used twice, ids of rules, theorems or requirements that do not exist, rules named by a row that they
    quote anyway, a covered row that nothing covers, a row that is called not observable although something covers it,
    and reasons that are empty or shared by two rows.
    """
    register, rules, theorems, checks = tuple(register), tuple(rules), tuple(theorems), tuple(checks)
    rule_ids, theorem_ids = {rule.id for rule in rules}, {theorem.id for theorem in theorems}
    found = [f"{id}: this id occurs {n} times" for id, n in Counter(row.id for row in register).items() if n > 1]
    reasons = Counter(row.why for row in register if row.why is not None)
    rows = {row.id for row in register}
    named = [(check.id, id) for check in checks for id in check.requirements]
    found += [f"{check}: there is no requirement {id}" for check, id in named if id not in rows]
    for row in register:
        covering_rules, covering_theorems = rules_of(row, rules), theorems_of(row, theorems)
        found += [f"{row.id}: there is no rule {id}" for id in covering_rules if id not in rule_ids]
        found += [
            f"{row.id}: the quote of {id} leads here by itself" for id in rules_quoting(row, rules) if id in row.rules
        ]
        found += [f"{row.id}: there is no theorem {id}" for id in covering_theorems if id not in theorem_ids]
        covering = {*covering_rules, *covering_theorems} & (rule_ids | theorem_ids) | {*checks_of(row, checks)}
        if row.why is None:
            if not covering:
                found.append(f"{row.id}: nothing covers it")
            continue
        if not row.why.strip():
            found.append(f"{row.id}: not observable, but why?")
        elif reasons[row.why] > 1:
            found.append(f"{row.id}: another row has the same reason")
        if covering:
            found.append(f"{row.id}: not observable, yet covered by {', '.join(sorted(covering))}")
    return found


def problems_with_text(register: Iterable[Requirement], rfc: RfcText) -> list[str]:
    """Give the differences between the register and the text of the RFC, in both directions.

    Every quote must be one whole sentence of its section, in the order of the text, and every normative sentence (in
    LOWER_CASE_SECTIONS also those in lower case, NOT_NORMATIVE excepted) must have a row for each time that it occurs.
    """
    register = tuple(register)
    required = [(s.section, s.text) for s in normative_sentences(rfc)]
    lower = [
        (s.section, s.text)
        for s in rfc.sentences()
        if s.section.split(".")[0] in LOWER_CASE_SECTIONS
        and lower_case_keyword(s.text)
        and not keywords_in(s.text)
        and s.text not in NOT_NORMATIVE
    ]
    order = {(s.section, s.text): place for place, s in enumerate(rfc.sentences())}
    rows = Counter((row.section, row.quote) for row in register)
    text = Counter([*required, *lower])
    found = []
    for row in register:
        key = (row.section, row.quote)
        if not quote_occurs(rfc, row.quote, row.section):
            found.append(f"{row.id}: section {row.section} does not say: {row.quote}")
        elif key not in text:
            found.append(f"{row.id}: this is not one whole normative sentence of section {row.section}: {row.quote}")
        elif rows[key] > text[key]:
            found.append(f"{row.id}: registered {rows[key]} times, but it occurs {text[key]} times")
    for (section, sentence), times in text.items():
        if rows[section, sentence] < times:
            found.append(f"section {section}: not registered: {sentence}")
    places = [order[row.section, row.quote] for row in register if (row.section, row.quote) in order]
    if places != sorted(places):
        found.append("the rows are not in the order of the text")
    found += _misnumbered(register)
    return found


def _misnumbered(register: Iterable[Requirement]) -> list[str]:
    """Within a section the ids count from 01."""
    count: Counter[str] = Counter()
    found = []
    for row in register:
        count[row.section] += 1
        expected = f"{row.section}-{count[row.section]:02d}"
        if row.id != expected:
            found.append(f"{row.id}: by its place its id should be {expected}")
    return found
