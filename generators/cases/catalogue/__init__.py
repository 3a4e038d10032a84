"""The cases of Autobahn (Autobahn, groups 1 to 7, 9 and 10) under the ids that people know.

The stimulus of each is the same, octet for octet; titles are our own, and no expectation is kept: the judge says that.
Pauses of that suite are :class:`~..live_case.Settle` where frames are whole, else separate writes; its timers are the
business of the tester, and so is the Close at the end of a case that does not send one itself.
"""

from __future__ import annotations

from typing import Final

from ..controls import with_controls
from ..live_case import LiveCase
from .closings import closings
from .fragments import fragments
from .frames import frames
from .limits import limits
from .texts import texts

__all__ = ["CATALOGUE"]

CATALOGUE: Final[tuple[LiveCase, ...]] = with_controls((*frames(), *fragments(), *texts(), *closings(), *limits()))
"""All 301 cases, in the order of their ids as numbers. Long payloads are made when they are written."""
