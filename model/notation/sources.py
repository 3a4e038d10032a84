"""Which RFC a rule comes from, and its section in words and as an address: read off the id of the rule."""

from __future__ import annotations

from typing import Final

RFC_7692: Final = "7692."
"""What ids of rules from RFC 7692 begin with; all others are from RFC 6455."""


def source_of(rule_id: str) -> str:
    """The RFC that a rule with this id comes from."""
    return "RFC 7692" if rule_id.startswith(RFC_7692) else "RFC 6455"


def place_of(rule_id: str, section: str) -> str:
    """The section as ids begin with it: with the number of the RFC before it, but for RFC 6455."""
    return f"{RFC_7692}{section}" if rule_id.startswith(RFC_7692) else section


def clause_of(rule_id: str, section: str) -> str:
    """The section of a rule in words: one of RFC 6455, or of another RFC with its name."""
    source = source_of(rule_id)
    return f"section {section}" if source == "RFC 6455" else f"{source}, section {section}"


def address_of(rule_id: str, section: str) -> str:
    """Where a section of the RFC of a rule can be read."""
    rfc = source_of(rule_id).replace(" ", "").lower()
    return f"https://www.rfc-editor.org/rfc/{rfc}#section-{section}"
