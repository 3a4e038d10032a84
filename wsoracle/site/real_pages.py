"""What real endpoints did, a page for each implementation: each finding in a sentence, with the clauses that it left
unfollowed, and a link that plays it in the explorer, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .addresses import Addresses, explorer_address
from .cards import kin
from .finding_runs import FindingRun
from .markup import anchor_of

PART: Final = "What real endpoints did"
_NAME: Final = re.compile(r"^(.*?) [^ ]*\d")
_LONGEST: Final = 160
"""Characters of what was sent that a sentence has."""


class RealPage(NamedTuple):
    """A page: the name of its file, its title, its content, and the anchors of its findings with their rules."""

    name: str
    title: str
    body: str
    finds: tuple[tuple[str, str], ...]


def implementation(name: str) -> str:
    """The name of an implementation, without its version and what it was set up with."""
    found = _NAME.match(name)
    return found[1] if found else name


def real_page(name: str) -> str:
    """The page of an implementation, which is named with or without its version."""
    return f"real-{anchor_of(implementation(name))}.html"


class RealPages:
    """Makes the pages of these findings."""

    def __init__(self, runs: Sequence[FindingRun], addresses: Addresses) -> None:
        self._addresses = addresses
        self._of: dict[str, list[FindingRun]] = {}
        for run in runs:
            self._of.setdefault(implementation(run.endpoint.name), []).append(run)
        self._ids = {id(run): name for every in self._of.values() for run, name in _named(every)}

    def pages(self) -> Iterator[RealPage]:
        """A page for each implementation, by name."""
        for name, runs in sorted(self._of.items()):
            played = sum(run.history is not None for run in runs)
            lead = (
                f"<p class=lead>{len(runs)} findings; {played} of them can be played in the explorer. There the peer "
                "sends what was sent, the endpoint does what the rules ask for, and then what was seen: the step "
                "that breaks a rule is marked.</p>"
            )
            body = "".join(self._of_role(role, runs) for role in Role)
            finds = tuple((self._ids[id(run)], ", ".join(run.deviation.rules)) for run in runs)
            yield RealPage(real_page(name), f"What {name} did", lead + body, finds)

    def presets(self) -> Iterator[tuple[str, list[list[str]]]]:
        """What the explorer can show of each implementation: words, history, id, sentence and place of each finding."""
        for name, runs in sorted(self._of.items()):
            page = real_page(name)
            yield (
                f"What {name} did",
                [
                    [
                        f"as a {run.deviation.role.value}: {', '.join(run.deviation.rules)}",
                        self._told(run),
                        self._ids[id(run)],
                        _sentence(run),
                        page,
                    ]
                    for run in runs
                    if run.history is not None
                ],
            )

    def _told(self, run: FindingRun) -> str:
        first, _, rest = (run.history or "").partition(";")
        at = "" if run.broken_at > rest.count(";") else f",at={run.broken_at}"
        return f"{first},found={self._ids[id(run)]}{at};{rest}"

    def _of_role(self, role: Role, runs: Sequence[FindingRun]) -> str:
        cards = "".join(self._card(run) for run in runs if run.deviation.role is role)
        return f"<h2>As a {role.value}</h2>{cards}" if cards else ""

    def _card(self, run: FindingRun) -> str:
        anchor = self._ids[id(run)]
        rules = [RULES.by_id[rule] for rule in run.deviation.rules if rule in RULES.by_id]
        title = ", ".join(f"<code>{escape(rule)}</code>" for rule in run.deviation.rules) or "no rule of an RFC"
        quotes = "".join(
            f"<blockquote><p>{escape(rule.quote)}</p><cite><span class=strength>{rule.strength.value}</span> "
            f"{self._addresses.clause(rule)}, {self._addresses.link(rule.id)}</cite></blockquote>"
            for rule in rules
        )
        lines = [
            ("would have been allowed", escape(run.deviation.allowed)),
            ("cases", ", ".join(map(self._addresses.link, run.endpoint.cases))),
            ("play it", self._play(run)),
        ]
        return (
            f'<article class=card id="{anchor}"><h3>{title}</h3><p>{escape(_sentence(run))}</p>{quotes}'
            f"{kin(lines)}</article>"
        )

    def _play(self, run: FindingRun) -> str:
        if run.history is None:
            return escape(run.why)
        return f'<a href="{explorer_address(self._told(run))}">this exchange in the explorer</a>'


def _named(runs: Sequence[FindingRun]) -> Iterator[tuple[FindingRun, str]]:
    """Findings of an implementation, each with an id that no other has."""
    seen: dict[str, int] = {}
    for run in runs:
        deflate = "-deflate" if "+deflate" in run.endpoint.name else ""
        what = run.deviation.rules[0] if run.deviation.rules else "no-rule"
        name = f"{anchor_of(implementation(run.endpoint.name))}{deflate}/{run.deviation.role.value}/{what}"
        seen[name] = seen.get(name, 0) + 1
        yield run, name if seen[name] == 1 else f"{name}/{seen[name]}"


def _sentence(run: FindingRun) -> str:
    """What the endpoint was sent, what it did, and the clauses that this is against."""
    sent = _without_line_ends(run.endpoint.sent)
    shown = sent if len(sent) <= _LONGEST else f"{sent[:_LONGEST]}..."
    did = [_did(_without_line_ends(piece.words)) for piece in run.endpoint.received] or ["did nothing"]
    rules = [RULES.by_id[rule] for rule in run.deviation.rules if rule in RULES.by_id]
    clauses = dict.fromkeys(f"{rule.strength.value}, {rule.clause}" for rule in rules)
    against = f" That is against {'; '.join(clauses)}." if clauses else ""
    return (
        f"{run.endpoint.name}, as a {run.deviation.role.value}, was sent {f'“{shown}”' if shown else 'nothing'}. "
        f"Then it {', then '.join(did)}.{against}"
    )


def _without_line_ends(words: str) -> str:
    return " | ".join(part for part in words.split("\\r\\n") if part)


def _did(words: str) -> str:
    if words.endswith("of silence"):
        return f"was silent for {words.removesuffix(' of silence')}"
    verbs = {"closes TCP": "closed TCP", "resets TCP": "reset TCP"}
    return verbs.get(words) or f"sent “{words.partition(' | ')[0]}”"
