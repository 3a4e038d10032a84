"""What counts: a case that names a control proves nothing unless the same agent answered that control in the same run.

Records come in any order (a client under test chooses its own). One whose control has not been run yet is entered
provisionally as one that counts, and comes out again, corrected, when the control is known or the run is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Final, Literal

from wsoracle.generators.cases.live_case import LiveCase
from wsoracle.properties.judge.verdict import Verdict

from ..reports.stored_record import FiledRecord

__all__ = ["Ledger", "in_order", "uncounted", "with_controls"]

Record = dict[str, Any]

_ANSWERED: Final = (Verdict.OK.value, Verdict.NON_STRICT.value)


class Ledger:
    """The controls of one agent. ``answered`` may be known from an earlier part of the run."""

    def __init__(self, answered: Mapping[str, bool] | None = None) -> None:
        self.answered: Final[dict[str, bool]] = dict(answered or {})
        self._waiting: Final[dict[str, list[Record]]] = {}
        self._withdrawn: Final[set[str]] = set()

    def may_count(self, case: LiveCase, broken_off: bool) -> bool:
        """Whether a case that was talked about can still count: no, where its control is known not to be answered.

        Of one that the tester broke off it is known at once, before there is a record, that it is not answered itself.
        """
        if broken_off:
            self.answered[case.id] = False
        return case.control is None or self.answered.get(case.control, True)

    def enter(self, record: Record) -> list[Record]:
        """A case has been run: the records to be written, this one and those that waited for it and change thereby."""
        ours = record["wsoracle"]
        self.answered[record["id"]] = ours["verdict"] in _ANSWERED
        changed = [record]
        waited = self._waiting.pop(record["id"], [])
        if not self.answered[record["id"]]:
            changed += [uncounted(one) for one in waited]
        else:
            changed += [one for one in waited if one["id"] in self._withdrawn]
        self._withdrawn.difference_update(one["id"] for one in waited)
        control = ours["control"]
        if control is not None:
            known = self.answered.get(control)
            if known is None:
                waiting = self._waiting.setdefault(control, [])
                waiting[:] = [one for one in waiting if one["id"] != record["id"]]
                waiting.append(record)
                self._withdrawn.discard(record["id"])
            elif not known:
                uncounted(record)
        return changed

    def close(self) -> list[Record]:
        """The run is over as far as is known: the records whose control was not run, as ones that do not count.

        Should it go on and a control be answered, they come back from :meth:`enter` as they were.
        """
        left = [record for records in self._waiting.values() for record in records]
        self._withdrawn.update(record["id"] for record in left)
        return [uncounted(_copied(record), "run") for record in left]


def _copied(record: Record) -> Record:
    copied = copy(record)  # of the same class
    copied["wsoracle"] = dict(record["wsoracle"])
    return copied


def uncounted(record: Record, without: Literal["answered", "run"] = "answered") -> Record:
    """Mark a record as one that proves nothing, since its control was not answered, or not even run; the record."""
    ours = record["wsoracle"]
    if ours["counts"]:
        why = f"its control {ours['control']} was not {without}, so that it proves nothing"
        ours["counts"] = ours["passed"] = False
        ours["note"] = f"{ours['note']}; {why}" if ours["note"] else why
        record["behavior"] = Verdict.FAILED.value
        record["result"] = f"{why} ({record['result']})"
        if isinstance(record, FiledRecord):
            record.changed = True
    return record


def with_controls(chosen: Sequence[LiveCase], every: Iterable[LiveCase]) -> tuple[LiveCase, ...]:
    """The chosen cases and the controls that they name, in the order of ``every``."""
    ids = {case.id for case in chosen} | {case.control for case in chosen if case.control is not None}
    return tuple(case for case in every if case.id in ids)


def in_order(cases: Sequence[LiveCase]) -> tuple[tuple[LiveCase, ...], tuple[LiveCase, ...]]:
    """The controls among the cases, and the others: the first are to be run before the second."""
    controls = {case.control for case in cases}
    first = tuple(case for case in cases if case.id in controls)
    return first, tuple(case for case in cases if case.id not in controls)
