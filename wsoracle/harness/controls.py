"""Which cases count: one that names a control proves nothing unless the same agent answered that control in the run.

Nor does any case prove something where the agent echoed no message in a run that asked it to: it is no echo.

Records come in any order (a client under test chooses its own). A case whose control has not been run yet counts
provisionally; it is corrected when the control turns out not to be answered, or the run is over without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from wsoracle.generators.cases.case import Case

from ..reports.summary import CaseSummary, uncounted


class Controls:
    """The controls of one agent. ``answered`` has the results of controls from an earlier part of the run."""

    def __init__(self, answered: Mapping[str, bool] | None = None) -> None:
        self.answered: Final[dict[str, bool]] = dict(answered or {})
        self._waiting: Final[dict[str, list[CaseSummary]]] = {}  # by the id of the control
        self._withdrawn: Final[set[str]] = set()
        self._echoes: Final[dict[str, bool]] = {}
        self._passed: Final[dict[str, CaseSummary]] = {}
        self._unechoed: Final[set[str]] = set()

    def may_count(self, case: Case) -> bool:
        """Whether a case that was run can still count: not where its control is known not to be answered."""
        return case.control is None or self.answered.get(case.control, True)

    def enter(self, summary: CaseSummary) -> list[CaseSummary]:
        """A case has been run: its summary, and those of cases that waited for it and change thereby."""
        self.answered[summary.id] = summary.answered
        echoed_before = self._is_echo
        self._passed.pop(summary.id, None)
        self._unechoed.discard(summary.id)
        if summary.echo is not None:
            self._echoes[summary.id] = summary.echo
        waited = self._waiting.pop(summary.id, [])
        back = [one for one in waited if one.id in self._withdrawn]
        changed = back if summary.answered else [uncounted(one) for one in waited]
        self._withdrawn.difference_update(one.id for one in waited)
        known = True if summary.control is None else self.answered.get(summary.control)
        if known is None:
            waiting = self._waiting.setdefault(str(summary.control), [])
            waiting[:] = [one for one in waiting if one.id != summary.id]
            waiting.append(summary)
            self._withdrawn.discard(summary.id)
        entered = [summary if known is not False else uncounted(summary), *changed]
        if self._is_echo and not echoed_before:
            entered += [self._passed[one] for one in self._unechoed if one in self._passed]
            self._unechoed.clear()
        for one in entered:
            self._passed.pop(one.id, None)
            if one.passed:
                self._passed[one.id] = one
        return entered

    def close(self) -> list[CaseSummary]:
        """The run is over for now: the cases whose control was not run, as ones that do not count.

        Should the run go on and a control be answered, they come back from :meth:`enter` as they were.
        """
        left = [summary for waiting in self._waiting.values() for summary in waiting]
        self._withdrawn.update(summary.id for summary in left)
        changed = {summary.id: uncounted(summary, "run") for summary in left}
        if not self._is_echo:
            unechoed = {key: one for key, one in self._passed.items() if key not in changed}
            self._unechoed.update(unechoed)
            changed |= {key: uncounted(one, "echoed") for key, one in unechoed.items()}
        return list(changed.values())

    @property
    def _is_echo(self) -> bool:
        """Whether a message was echoed, or none was asked for."""
        return any(self._echoes.values()) or not self._echoes


def with_controls(chosen: Sequence[Case], every: Iterable[Case]) -> tuple[Case, ...]:
    """The chosen cases and the controls that they name, in the order of ``every``."""
    ids = {case.id for case in chosen} | {case.control for case in chosen if case.control is not None}
    return tuple(case for case in every if case.id in ids)


def in_order(cases: Sequence[Case]) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """The controls among the cases, and the others, which are to be run after them."""
    controls = {case.control for case in cases}
    first = tuple(case for case in cases if case.id in controls)
    return first, tuple(case for case in cases if case.id not in controls)
