"""Theorems: a statement in English, a check that a rule set passes or refutes, and the result of a check.

A check is run on a :class:`TheoremSubject`, the model or a mutant of it, so that the very proof that establishes a
theorem is also what a fault must break: a theorem that no mutant refutes says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.octets import accept_key, frames, masking, utf8
from wsoracle.model.rules import RULES


class TheoremKind(StrEnum):
    """The subject of a theorem."""

    WELL_FORMED = "well-formed"
    SAFETY = "safety"
    REACHABILITY = "reachability"
    PAIR = "pair"


class ProofVerdict(StrEnum):
    """The result of a check."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TheoremSubject:
    """The subject of proofs: the rules, and the tables that turn octets into frames and text.

    The defaults are the model itself; a mutant changes one of them.
    """

    rules: RuleSet = RULES
    utf8_rows: Sequence[utf8.Row] = field(default_factory=lambda: utf8.ROWS)
    header_fields: Sequence[frames.Field] = field(default_factory=lambda: frames.FIELDS)
    length_forms: Sequence[frames.LengthForm] = field(default_factory=lambda: frames.LENGTH_FORMS)
    mask_octet: Callable[..., object] = masking.mask_octet
    challenge: Callable[[Any], Any] = accept_key.challenge


@dataclass(frozen=True)
class ProofResult:
    """The result of one check.

    ``method`` says how it was decided; ``invariant`` is the inductive invariant that was found, as text;
    ``counterexample`` is a trace that people can read; ``detail`` holds figures (counts of states, for example);
    ``witnesses`` are shortest runs, one a line, for theorems that say that something can happen.
    """

    verdict: ProofVerdict
    method: str
    invariant: str | None = None
    counterexample: tuple[str, ...] = ()
    detail: str | None = None
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Theorem:
    """A statement and its check. ``suspects`` are ids of rules (or tables) whose faults are tried first against it.

    ``rules`` and ``requirements`` tie the theorem to the rows and sentences that it covers.
    """

    id: str
    kind: TheoremKind
    statement: str
    check: Callable[[TheoremSubject], ProofResult]
    suspects: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()


def proved(
    method: str, invariant: str | None = None, detail: str | None = None, witnesses: Sequence[str] = ()
) -> ProofResult:
    """The result of a check that held."""
    return ProofResult(ProofVerdict.PROVED, method, invariant, (), detail, tuple(witnesses))


def refuted(method: str, counterexample: Sequence[str] = (), detail: str | None = None) -> ProofResult:
    """The result of a check that failed, with its counterexample."""
    return ProofResult(ProofVerdict.REFUTED, method, None, tuple(counterexample), detail)
