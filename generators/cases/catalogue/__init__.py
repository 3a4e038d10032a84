"""The cases of Autobahn under the ids that people know: groups 1 to 7, 9 and 10, and 12 and 13 under an extension.

The stimulus of each is the same, octet for octet; titles are our own, and no expectation is kept: the judge says that.
Pauses of that suite are :class:`~..steps.Settle` where frames are whole, else separate writes; its timers are the
business of the tester, and so is the Close at the end of a case that does not send one itself.
"""

from __future__ import annotations

from functools import lru_cache

from ..case import Case
from .closings import closings
from .compressed import compressed
from .fragments import fragments
from .frames import frames
from .limits import limits
from .texts import texts


@lru_cache(maxsize=1)
def catalogued() -> tuple[Case, ...]:
    """All 301 cases without extensions, in the order of their ids as numbers.

    Their controls are kept beside them (`runnable`). Long payloads are made when they are written.
    """
    return (*frames(), *fragments(), *texts(), *closings(), *limits())


@lru_cache(maxsize=1)
def catalogued_compressed() -> tuple[Case, ...]:
    """The 216 cases of compression, in the order of their ids as numbers; they need no controls: all are legal."""
    return tuple(compressed())
