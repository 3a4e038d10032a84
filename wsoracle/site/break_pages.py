"""Break a rule: a page to choose a fault from, and for each fault what falls with it, on pages by topic.

Of a fault stand there the row before and after, the shortest run that shows it, the theorems that fall, the cases that
find it, the real endpoints that left the rule unfollowed, and a link that opens the explorer with the rule broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from wsoracle.generators.mutants.operators import Mutant, of_handshake
from wsoracle.model.notation.rule import Rule
from wsoracle.model.rules import RULES

from ..spec.markdown import guard_text, reaction_text
from ..spec.rules import TOPICS, Topic
from .addresses import Addresses, address, explorer_address
from .broken_runs import PLAYS_ALONG, BrokenRun, WhatRulesSay
from .cards import kin, topic_title
from .fallen import FallenTheorem
from .findings import RealDeviation, RealEndpoint
from .knowledge import Knowledge
from .markup import Markup
from .playing import player_of
from .real_pages import real_page

CHOOSER: Final = "break.html"
MOST: Final = 16
"""Faults on a page."""
_BEGIN_WITH: Final = 8
_OF_FORM: Final = "well-formed/"
_SHOWN: Final = 6
"""Cases of a fault that are named."""


class BreakPage(NamedTuple):
    """A page: the name of its file, its title, its content, and the rules that are broken on it, with the anchor of
    the first fault of each."""

    name: str
    title: str
    body: str
    breaks: tuple[tuple[str, str], ...]


class BreakPages:
    """Makes the pages of these runs. ``killers`` are the cases that find each fault, ``fallen`` the theorems that fall
    with it, ``real`` what real endpoints left unfollowed."""

    def __init__(
        self,
        runs: Sequence[BrokenRun],
        killers: Mapping[str, Sequence[str]],
        fallen: Mapping[str, Sequence[FallenTheorem]],
        real: Sequence[RealDeviation],
        known: Knowledge,
        addresses: Addresses,
    ) -> None:
        self._killers, self._fallen, self._real = killers, fallen, real
        self._addresses, self._markup = addresses, Markup(addresses)
        self._statements = {theorem.id: theorem.statement for theorem in known.theorems}
        self._cases = {case.id for case in known.cases}
        self._own = known.killers
        self._parts = [*_parts(runs)]
        self._page_of = {run.mutant.id: f"break-{name}.html" for name, _, chosen in self._parts for run in chosen}
        self._runs = runs

    @property
    def places(self) -> Mapping[str, str]:
        """Where each fault stands, by its id."""
        return {name: address(page, name) for name, page in self._page_of.items()}

    def pages(self) -> Iterator[BreakPage]:
        """The page to choose from, then those with the faults."""
        yield BreakPage(CHOOSER, "Break a rule", self._chooser(), ())
        for name, title, chosen in self._parts:
            first: dict[str, str] = {}
            for run in chosen:
                first.setdefault(run.mutant.rule, run.mutant.id)
            body = "".join(map(self._fault, chosen))
            yield BreakPage(f"break-{name}.html", f"Broken rules: {title}", body, tuple(first.items()))

    # --- the page to choose from

    def _chooser(self) -> str:
        told = sorted(self._runs, key=self._order)
        first = "".join(f"<li>{self._link(run)}<br>{self._consequence(run)}</li>" for run in _one_a_rule(told))
        rules = len({run.mutant.rule for run in self._runs})
        return (
            "<p class=lead>Choose a fault: one row of the rules with one change. See the shortest run on which it "
            "shows, the theorem that falls with it, the case that finds it, and the real endpoints that left the same "
            f"rule unfollowed. {len(self._runs)} faults of {rules} rules, each with a link that opens the explorer "
            "with the rule broken.</p><p>A theorem is a sentence that holds on every connection whose endpoints keep "
            "to the rules. It falls when a fault makes it untrue.</p>"
            f"<h2>To begin with</h2><ul>{first}</ul>"
            f"<h2>All rules</h2>{''.join(map(self._of_topic, TOPICS))}"
        )

    def _order(self, run: BrokenRun) -> tuple[bool, bool, int]:
        """What comes first: a theorem on connections falls, frames before heads, and what many real endpoints do."""
        return not self._fell(run), of_handshake(RULES.by_id[run.mutant.rule]), -self._count(run)

    def _fell(self, run: BrokenRun) -> list[str]:
        """The theorems on connections that fall; those on the form of the rules say little to people who learn."""
        fell = (one.theorem for one in self._fallen.get(run.mutant.id, ()))
        return [name for name in fell if not name.startswith(_OF_FORM)]

    def _consequence(self, run: BrokenRun) -> str:
        count = self._count(run)
        said = [f"No longer true: \u201c{escape(self._statements[name])}\u201d" for name in self._fell(run)[:1]]
        said += [f"{count} real endpoints left the rule unfollowed."] if count else []
        return " ".join(said) or "Nothing falls."

    def _of_topic(self, topic: Topic) -> str:
        parts = []
        for rule in topic.rules:
            runs = [run for run in self._runs if run.mutant.rule == rule.id]
            faults = ", ".join(self._choice(run) for run in runs)
            parts += [f"<li><code>{rule.id}</code>: {faults}</li>"] if runs else []
        title = topic_title(topic).capitalize()
        return f"<details class=topic><summary>{title}</summary><ul>{''.join(parts)}</ul></details>" if parts else ""

    def _choice(self, run: BrokenRun) -> str:
        return f'<a href="{self.places[run.mutant.id]}">{escape(run.mutant.change)}</a>'

    def _link(self, run: BrokenRun) -> str:
        mutant = run.mutant
        return f'<a href="{self.places[mutant.id]}"><code>{mutant.rule}</code>, {escape(mutant.change)}</a>'

    # --- a fault

    def _fault(self, run: BrokenRun) -> str:
        mutant, rule = run.mutant, RULES.by_id[run.mutant.rule]
        name = escape(mutant.id)
        remarks = "".join(f" {escape(remark)}" for remark in run.remarks)
        figure = player_of(
            f"run-{mutant.id}", f"The run that shows {mutant.id}", run.steps,
            {run.role: run.before, run.role.peer: PLAYS_ALONG}, self._addresses, arrives=True,
        )  # fmt: skip
        lines = [
            ("theorems that fall", self._theorems(mutant)),
            ("cases that find it", self._cases_of(mutant)),
            ("real endpoints", self._endpoints(run)),
            ("try it", self._try(run)),
        ]
        return (
            f'<article class="card fault" id="{name}"><h2><code>{rule.id}</code> '
            f"<span class=strength>{rule.strength.value}</span> {escape(mutant.change)}</h2>"
            f"<blockquote><p>{escape(rule.quote)}</p></blockquote>{self._rows(rule, mutant)}"
            f"<h3>The shortest run that shows it</h3><p>The endpoint with the broken rule is a {run.role.value}, "
            f"in the state {escape(run.before)}.{remarks}</p>{figure}"
            f"<div class=parting>{self._judged('By the rules', run.by_rules, run)}"
            f"{self._judged('By the broken rule', run.by_broken, run)}</div>{kin(lines)}</article>"
        )

    def _judged(self, title: str, judged: WhatRulesSay, run: BrokenRun) -> str:
        does = {"receives": "it may", "finds": "it may"}.get(run.steps[-1].event.partition(" ")[0], "")
        rules = ", ".join(map(self._addresses.link, judged.rules))
        by = f"<p class=dim>{rules}</p>" if rules else ""
        return f"<div><h4>{title}</h4><p>{does} {escape(judged.words)}</p>{by}</div>"

    def _rows(self, rule: Rule, mutant: Mutant) -> str:
        """The row before and after, as far as it differs."""
        if mutant.row is None:
            return ""
        pairs = (
            ("when", *(f"<code>{escape(guard_text(row.when))}</code>" for row in (rule, mutant.row))),
            ("then", *(self._markup.line(reaction_text(row.then)) for row in (rule, mutant.row))),
            ("strength", rule.strength.value, mutant.row.strength.value),
        )
        lines = [(f"{name}, broken", after) for name, before, after in pairs if before != after]
        whole = [(name, before) for name, before, after in pairs if before != after]
        return kin(pair for both in zip(whole, lines, strict=True) for pair in both)

    def _theorems(self, mutant: Mutant) -> str:
        return "".join(map(self._theorem, self._fallen.get(mutant.id, ())))

    def _theorem(self, one: FallenTheorem) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in one.counterexample)
        shown = f"<details><summary>counterexample</summary><ol>{lines}</ol></details>" if lines else ""
        return f"<div>{self._addresses.link(one.theorem)}: {escape(self._statements[one.theorem])}{shown}</div>"

    def _found_by(self, mutant: Mutant) -> list[str]:
        own = [self._own[mutant.id]] if mutant.id in self._own else []
        return [*own, *(name for name in self._killers.get(mutant.id, ()) if name in self._cases)]

    def _cases_of(self, mutant: Mutant) -> str:
        names = self._found_by(mutant)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return ", ".join(map(self._addresses.link, names[:_SHOWN])) + more

    def _deviating(self, run: BrokenRun) -> list[RealEndpoint]:
        rule = run.mutant.rule
        return [
            one for found in self._real if found.role is run.role and rule in found.rules for one in found.endpoints
        ]

    def _count(self, run: BrokenRun) -> int:
        return len({one.name for one in self._deviating(run)})

    def _endpoints(self, run: BrokenRun) -> str:
        """Who left the rule unfollowed, those first that did so in a case that finds this very fault."""
        finding, every = set(self._found_by(run.mutant)), self._deviating(run)
        same = sorted({one.name for one in every if finding & set(one.cases)})
        others = sorted({one.name for one in every} - set(same))
        said = [f"in a case that finds this fault: {', '.join(map(_named, same))}"] if same else []
        said += [f"in other cases: {', '.join(map(_named, others))}"] if others else []
        if not said:
            return ""
        place = address("findings.html", run.mutant.rule)
        words = f"{len(same) + len(others)} {run.role.value}s left this rule unfollowed"
        return f'<a href="{place}">{words}</a>, {"; ".join(said)}'

    @staticmethod
    def _try(run: BrokenRun) -> str:
        if run.history is None:
            return "The explorer cannot begin in the state in which this run does."
        return f'<a href="{explorer_address(run.history)}">this run in the explorer, the rule broken</a>'


def _named(endpoint: str) -> str:
    """A real endpoint, with what it did."""
    return f'<a href="{real_page(endpoint)}">{escape(endpoint)}</a>'


def _one_a_rule(runs: Iterable[BrokenRun]) -> Iterator[BrokenRun]:
    seen: set[str] = set()
    for run in runs:
        if run.mutant.rule not in seen and len(seen) < _BEGIN_WITH:
            seen.add(run.mutant.rule)
            yield run


def _parts(runs: Sequence[BrokenRun]) -> Iterator[tuple[str, str, Sequence[BrokenRun]]]:
    """The pages: name, title and runs of each; the faults of a topic, so many on a page."""
    for topic in TOPICS:
        ids = {rule.id for rule in topic.rules}
        chosen = [run for run in runs if run.mutant.rule in ids]
        for at in range(0, len(chosen), MOST):
            number = at // MOST + 1 if len(chosen) > MOST else 0
            title = topic_title(topic)
            yield (
                f"{topic.name}-{number}" if number else topic.name,
                f"{title}, part {number}" if number else title,
                chosen[at : at + MOST],
            )
