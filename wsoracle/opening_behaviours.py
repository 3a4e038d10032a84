"""What the judge says of the answers to an opening handshake that one can think of: placeholder of the whole."""

from __future__ import annotations

from wsoracle.generators.live_case import LiveCase
from wsoracle.model.vocabulary import Role
from wsoracle.properties.verdict import Profile

from .supposed import Expected

__all__ = ["opening_expectations"]


def opening_expectations(case: LiveCase, role: Role, profile: Profile) -> tuple[Expected, ...]:
    """The outcomes, each once."""
    return ()
