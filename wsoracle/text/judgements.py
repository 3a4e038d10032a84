"""A judgement in words, as commands and pages give it."""

from __future__ import annotations

from typing import Final

from wsoracle.properties.judge.judge import Judgement

AROUND: Final = 3
"""Observations that are shown before the deciding one."""


def decided_words(judgement: Judgement) -> str:
    """Which octet decides, and what had arrived by then; empty where neither is known."""
    stream = "it wrote" if judgement.direction == "written" else "arrived"
    where = "" if judgement.octet is None else f" at octet {judgement.octet} of what {stream}"
    if judgement.arrived is not None:
        where += f"{',' if where else ''} after {judgement.arrived} octets had arrived"
    return f"decided{where}" if where else ""
