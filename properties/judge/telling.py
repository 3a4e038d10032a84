"""What an application is still to be told, kept only as far as that can show in the rest of a trace.

Explanations that differ in what they have to tell go on as one where nothing that follows shows the difference. Of a
trace that is known to its end, what is told is known: where the search counts no faults, the events that are due are
told in their order, and one that is not told next is never told. Then all that matters is what silence breaks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from typing import Final

from .explanation import Untold
from .history import History
from .observation import Processed, Quiet, Tells, Told
from .waiting import Waiting

_NEVER: Final = Tells("failed")
"""In place of an event that is never told: no event that is due is of this kind."""


class Telling:
    """What is told in a trace, to an application of which ``sees`` are the events that are certain to be there."""

    def __init__(self, history: History, sees: Collection[Told]) -> None:
        seen = [(moment.number, moment.what) for moment in history.moments]
        told = [
            (number, what)
            for number, what in seen
            if isinstance(what, Tells) and what.kind in sees and what.kind != _NEVER.kind
        ]
        self._numbers: Final = [number for number, _ in told]
        self._tells: Final = [what for _, what in told]
        self._last_quiet: Final = max(
            (number for number, what in seen if isinstance(what, (Processed, Quiet))), default=-1
        )

    def with_due(self, untold: Waiting[Untold], due: Untold, now: int, *, in_order: bool) -> Waiting[Untold]:
        """What is to be told with one event more, at the moment numbered `now`; ``in_order``: no faults are counted."""
        first = bisect_left(self._numbers, now)
        place = first + len(untold)
        if first < len(self._tells):
            if not in_order or (place < len(self._tells) and due.is_told_by(self._tells[place])):
                return untold.and_then(due)
            waits = untold.last
            return untold if waits is not None and waits.tells is _NEVER else self._missed(untold, due)
        if self._last_quiet < now or any(known.rules == due.rules for known in untold):
            return untold
        return self._missed(untold, due)

    @staticmethod
    def _missed(untold: Waiting[Untold], due: Untold) -> Waiting[Untold]:
        return untold.and_then(due._replace(tells=_NEVER))
