"""Checks of the values that users give for the wire and of the names of agents, before they are used."""

from __future__ import annotations

import re
from typing import Final

from wsoracle.model.octets.header_values import is_token

VALUE: Final = r"[\x20-\x7e\t\x80-\xff]*"
"""A regular expression for what the value of a field may be made of (RFC 9110, section 5.5)."""


def check_host(what: str, host: str) -> None:
    """ValueError for what cannot be the name of a host; whether there is such a host is not asked."""
    try:
        host.encode("idna")
        sound = bool(host) and not host.startswith(".") and host.isprintable()
    except UnicodeError:
        sound = False
    if not sound:
        raise ValueError(f"{what}: {host[:80]!r} cannot be the name of a host: give one such as example.com")


def check_origin(what: str, text: str) -> None:
    """ValueError for what cannot be the value of a field."""
    if not re.fullmatch(VALUE, text):
        raise ValueError(f"{what}: {text!r} cannot be the value of a field: give one such as https://example.com")


def check_subprotocol(what: str, text: str) -> None:
    """ValueError for text that is no token (section 4.1)."""
    if not is_token(text):
        raise ValueError(f"{what}: {text!r} is no token (section 4.1): give one name such as chat, or repeat it")


def check_agent(what: str, text: str) -> None:
    """ValueError for a text that cannot be the name of an agent."""
    if not text.strip() or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{what}: {text!r} is no name: give one in UTF-8")
