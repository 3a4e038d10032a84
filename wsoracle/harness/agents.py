"""What servers are called in reports."""

from __future__ import annotations

from itertools import count
from typing import Final

__all__ = ["Names"]


class Names:
    """The name of an agent in reports: its own, where nobody in this run has that yet.

    Several servers of the same code call themselves the same: the later ones get their address added.
    """

    def __init__(self, address: str, taken: set[str]) -> None:
        self._address: Final = address
        self._taken: Final = taken

    def new(self, own: str) -> str:
        """The name for one that calls itself so."""
        names = (f"{own} ({self._address}){f' {n}' if n > 1 else ''}" for n in count(1))
        return own if own not in self._taken else next(name for name in names if name not in self._taken)
