"""How many processes work at once: apart from `workers`, whose modules cost a start as much as all rules do."""

from __future__ import annotations

from typing import Final

JOBS: Final = 2
"""Processes that work at once where nothing else is said."""
