"""Counts of what the judge said, which add up over processes, and the shortest example of each wrong kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .checking import Checked, Worth

FoundKind = tuple[str, ...]
"""What wrong verdicts of one kind have in common: the worth, role and application, the verdict and the rules."""


def kind_of(checked: Checked) -> FoundKind:
    """The kind of a wrong verdict."""
    recorded, judgement = checked.recorded, checked.judgement
    assert recorded is not None and judgement is not None
    return (
        checked.worth.value, recorded.setting.role.value, recorded.application, str(judgement.verdict),
        ", ".join(judgement.rules), checked.rule,
    )  # fmt: skip


@dataclass(slots=True)
class SelfcheckTally:
    """Counts. ``conforming`` by worth; ``departures`` by rule and worth; ``named``: by rule and rule named."""

    traces: int = 0
    judged: int = 0
    conforming: Counter[Worth] = field(default_factory=Counter)
    departures: dict[str, Counter[Worth]] = field(default_factory=dict)
    named: dict[str, Counter[str]] = field(default_factory=dict)
    kinds: Counter[FoundKind] = field(default_factory=Counter)
    examples: dict[FoundKind, Checked] = field(default_factory=dict)

    def add_conforming(self, found: list[Checked]) -> None:
        """One conforming trace, with each way in which it was judged."""
        self.traces += 1
        for checked in found:
            self.judged += 1
            self.conforming[checked.worth] += 1
            self._keep(checked)

    def add_departure(self, checked: Checked) -> None:
        """One trace with a departure."""
        self.departures.setdefault(checked.rule, Counter())[checked.worth] += 1
        if checked.judgement is not None:
            self.judged += 1
            names = checked.judgement.rules
            act = checked.act
            named = next((one for one in names if act is not None and one in act.broken), names[0] if names else "")
            verdict = str(checked.judgement.verdict)
            self.named.setdefault(checked.rule, Counter())[f"{verdict} {named}".rstrip()] += 1
        self._keep(checked)

    def _keep(self, checked: Checked) -> None:
        if checked.worth.is_wrong:
            kind = kind_of(checked)
            self.kinds[kind] += 1
            self._keep_shorter(kind, checked)

    def _keep_shorter(self, kind: FoundKind, checked: Checked) -> None:
        known = self.examples.get(kind)
        if known is None or _length(checked) < _length(known):
            self.examples[kind] = checked

    def merge(self, other: SelfcheckTally) -> None:
        """Add the counts of another one."""
        self.traces += other.traces
        self.judged += other.judged
        self.conforming.update(other.conforming)
        for rule, found in other.departures.items():
            self.departures.setdefault(rule, Counter()).update(found)
        for rule, names in other.named.items():
            self.named.setdefault(rule, Counter()).update(names)
        self.kinds.update(other.kinds)
        for kind, checked in other.examples.items():
            self._keep_shorter(kind, checked)

    @property
    def of_departures(self) -> Counter[Worth]:
        """The findings of all departures."""
        return sum(self.departures.values(), Counter())


def _length(checked: Checked) -> tuple[int, int]:
    assert checked.recorded is not None
    trace = checked.recorded.trace
    return len(trace), sum(len(getattr(one, "octets", b"")) for one in trace)
