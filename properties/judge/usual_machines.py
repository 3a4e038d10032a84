"""The machines that the judge asks for where a trace states nothing unusual: what a wheel brings compiled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from wsoracle.model.machine import kept
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .steps import machines


def usual_machines() -> Iterator[CompiledMachine]:
    """Those of either role, whose application echoes or not, and takes every opening handshake or not."""
    for role, echo, willing in product(Role, (False, True), (False, True)):
        yield from machines(RULES, Setting(role, echo=echo, willing=willing))


def write() -> None:
    """Write the module of their functions beside the one that reads it."""
    text = kept.module_text(one for machine in usual_machines() for one in machine.to_be_kept())
    Path(kept.__file__).with_name(f"{kept.MODULE}.py").write_text(text, "utf-8")
