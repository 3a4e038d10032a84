"""Rules, theorems, requirements, cases, mutants and findings as parts of pages, each with links to its kin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.model.machine.words import EVENTS
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.sources import place_of
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.theorem import Theorem, TheoremKind

from ..spec.markdown import guard_text, reaction_text
from ..spec.rules import TOPICS, Topic
from .addresses import Addresses, address, explorer_address
from .fallen import fallen
from .knowledge import FleetFinding, Knowledge
from .markup import Markup, in_scroll
from .witness_histories import WitnessHistories

_SHOWN: Final = 8
_OVER: Final = "No history there shows it: it is about what happens once the connection is over."


class Cards:
    """Makes the cards; ``addresses`` say where everything stands, ``broken`` where each fault that is told does,
    ``at_work`` how the explorer shows each rule."""

    def __init__(
        self, known: Knowledge, addresses: Addresses, broken: Mapping[str, str], at_work: WitnessHistories
    ) -> None:
        self._known = known
        self._broken = broken
        self._at_work = at_work
        self._addresses = addresses
        self._markup = Markup(addresses)

    def rules(self, topic: Topic) -> str:
        """The rules of a topic, by the event that they are about."""
        parts = []
        for kind, words in EVENTS.items():
            rows = [rule for rule in topic.rules if rule.on is kind]
            if rows:
                parts.append(f"<h2>{words[0].upper()}{words[1:]}</h2>{''.join(map(self._rule, rows))}")
        return "".join(parts)

    def _rule(self, rule: Rule) -> str:
        clause = f"<span class=dim>{self._addresses.clause(rule)}</span>"
        return (
            f'<article class=card id="{rule.id}"><h3><code>{rule.id}</code> '
            f"<span class=strength>{rule.strength.value}</span> {clause}</h3>"
            f"<div class=side><blockquote><p>{escape(rule.quote)}</p></blockquote><dl>"
            f"<div><dt>when</dt><dd><code>{escape(guard_text(rule.when))}</code></dd></div>"
            f"<div><dt>then</dt><dd>{self._markup.line(reaction_text(rule.then))}</dd></div></dl></div>"
            f"{self._kin(rule)}</article>"
        )

    def _kin(self, rule: Rule) -> str:
        known, mutants = self._known, self._known.mutants_of.get(rule.id, ())
        lines = [
            ("sentences of the RFC", self._names(known.requirements_of.get(rule.id, ()))),
            ("theorems", self._names(known.theorems_of.get(rule.id, ()))),
            ("cases", self._names(known.cases_of.get(rule.id, ()))),
            ("mutants", f'<a href="{mutants_address(rule.id)}">{len(mutants)} of this row</a>' if mutants else ""),
            ("real endpoints", self._found(rule.id)),
            ("open in the explorer", self._to_explorer(rule.id)),
            ("break it", self._to_faults(one.id for one in mutants)),
        ]
        return kin(lines)

    def _to_explorer(self, rule_id: str) -> str:
        """Links to the histories at whose ends the rule is at work."""
        found = self._at_work.of_rule(rule_id)
        if not found and self._at_work.known:
            return _OVER
        return ", ".join(
            f'<a href="{explorer_address(text)}">the rule at work, at a {role.value}</a>' for role, text in found
        )

    def _to_faults(self, names: Iterable[str]) -> str:
        """Links to those of some faults that are told."""
        told = [name for name in names if name in self._broken][:_SHOWN]
        return ", ".join(f'<a href="{self._broken[name]}"><code>{escape(name)}</code></a>' for name in told)

    def _found(self, rule_id: str) -> str:
        findings = self._known.findings_of.get(rule_id, ())
        count = sum(len(finding.counts) for finding in findings)
        said = f"{count} finding{'s' if count != 1 else ''} where it was not followed"
        return f'<a href="{address("findings.html", rule_id)}">{said}</a>' if findings else ""

    def _names(self, names: Sequence[str]) -> str:
        shown = ", ".join(map(self._addresses.link, names[:_SHOWN]))
        more = ", ".join(map(self._addresses.link, names[_SHOWN:]))
        return f"{shown}<details><summary>and {len(names) - _SHOWN} more</summary>{more}</details>" if more else shown

    def theorems(self) -> str:
        """All theorems, by their kind."""
        parts = []
        for kind in TheoremKind:
            found = [theorem for theorem in self._known.theorems if theorem.kind is kind]
            if found:
                parts.append(f"<h2>{kind.value.capitalize()}</h2>{''.join(map(self._theorem, found))}")
        return "".join(parts)

    def _theorem(self, theorem: Theorem) -> str:
        suspects = [one for one in theorem.suspects if one in RULES.by_id]
        lines = (
            ("sentences of the RFC", self._names(theorem.requirements)),
            ("rules that it rests on", self._names(suspects)),
            ("falls with", self._to_faults(self._falls_with(theorem))),
        )
        return (
            f'<article class=card id="{theorem.id}"><h3><code>{theorem.id}</code></h3>'
            f"<p>{self._addresses.linked(escape(theorem.statement), 'theorems.html')}</p>{kin(lines)}</article>"
        )

    @staticmethod
    def _falls_with(theorem: Theorem) -> Iterable[str]:
        """Faults that refute the theorem."""
        return (name for name, fell in fallen().items() if any(one.theorem == theorem.id for one in fell))

    def clauses(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """Normative sentences of the RFC, by section, each with what covers it."""
        parts: list[str] = []
        section = ""
        for row in rows:
            if row["section"] != section:
                section = row["section"]
                parts.append(f'<h2 id="{place_of(row["id"], section)}">Section {section}</h2>')
            covered = [*row["rules"], *row["theorems"], *row["checks"]]
            lines = (("covered by", self._names(covered)), ("not observable", escape(row["why"] or "")))
            parts.append(
                f'<article class=card id="{row["id"]}"><h3><code>{row["id"]}</code> '
                f"<span class=strength>{row['level']}</span> <span class=dim>binds: {row['binds']}</span></h3>"
                f"<blockquote><p>{escape(row['quote'])}</p></blockquote>{kin(lines)}</article>"
            )
        return "".join(parts)

    def cases(self, cases: Iterable[Case]) -> str:
        """Cases, by their subgroups."""
        parts: list[str] = []
        group: tuple[str, ...] = ()
        for case in cases:
            if case.group != group:
                group = case.group
                parts.append(f"<h2>{escape(': '.join(group[1:]) or group[0])}</h2>")
            roles = ", ".join(sorted(role.value for role in case.roles))
            rules = self._names(self._known.rules_of_case[case.id])
            lines = (
                ("tests", f"a {roles.replace(', ', ' or a ')}"), ("rules", rules),
                ("control", self._addresses.link(case.control) if case.control else ""),
                ("kills", self._addresses.link(case.origin.mutant) if case.origin.mutant else ""),
            )  # fmt: skip
            parts.append(
                f'<article class=card id="{escape(case.id)}"><h3><code>{escape(case.id)}</code></h3>'
                f"<p>{escape(case.title)}</p><p class=dim>{escape(case.stimulus)}</p>{kin(lines)}</article>"
            )
        return "".join(parts)

    def mutants(self, topic: Topic) -> str:
        """The mutants of the rules of a topic, by rule."""
        return "".join(self._mutants(rule) for rule in topic.rules if rule.id in self._known.mutants_of)

    def _mutants(self, rule: Rule) -> str:
        rows = "".join(
            f'<tr id="{escape(mutant.id)}"><td>{escape(mutant.operator)}</td><td>{escape(mutant.change)}</td>'
            f"<td>{self._killer(mutant.id)}</td></tr>"
            for mutant in self._known.mutants_of[rule.id]
        )
        head = "".join(
            f"<th scope=col>{name}</th>" for name in ("operator", "what is changed in the row", "case made to find it")
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f'<h2 id="{rule.id}">{self._addresses.link(rule.id)}</h2>{in_scroll(table, f"mutants of {rule.id}")}'

    def _killer(self, mutant: str) -> str:
        case = self._known.killers.get(mutant)
        return self._addresses.link(case) if case else ""

    def findings(self) -> str:
        """What real implementations do, by rule."""
        return "".join(self._findings(rule) for rule in RULES if rule.id in self._known.findings_of)

    def _findings(self, rule: Rule) -> str:
        rows = "".join(map(self._finding, self._known.findings_of[rule.id]))
        head = "".join(
            f"<th scope=col>{name}</th>" for name in ("the endpoint", "rules not followed", "servers", "clients")
        )
        table = f"<table class=findings><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        title = (
            f'<h2 id="{rule.id}">{self._addresses.link(rule.id)} <span class=strength>{rule.strength.value}</span></h2>'
        )
        return (
            f"{title}<blockquote><p>{escape(rule.quote)}</p></blockquote>{in_scroll(table, f'findings on {rule.id}')}"
        )

    def _finding(self, finding: FleetFinding) -> str:
        counts = "".join(
            f"<td class=number>{f'{finding.counts[role]} of {size}' if role in finding.counts else ''}</td>"
            for role, size in self._known.fleet.items()
        )
        return f"<tr><td>{escape(finding.act)}</td><td>{self._names(finding.rules)}</td>{counts}</tr>"


def kin(lines: Iterable[tuple[str, str]]) -> str:
    """Names with what is said of each; those of which nothing is said are left out."""
    said = "".join(f"<div><dt>{name}</dt><dd>{words}</dd></div>" for name, words in lines if words)
    return f"<dl class=kin>{said}</dl>" if said else ""


def mutants_address(rule_id: str) -> str:
    """Where the mutants of a rule are listed."""
    return address(f"mutants-{topic_of(rule_id).name}.html", rule_id)


def topic_of(rule_id: str) -> Topic:
    """The topic in which a rule stands."""
    return next(topic for topic in TOPICS if any(rule.id == rule_id for rule in topic.rules))


def topic_title(topic: Topic) -> str:
    """What the rules of a topic are about."""
    name, _, whose = topic.name.partition("-")
    return f"{name} of the {whose}" if whose in [*Role] else f"{name}, {whose}" if whose else name
