"""The one function that a page calls: what somebody asks as JSON goes in, HTML comes out."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import LARGEST_LENGTH
from wsoracle.model.octets.vocabulary import Role

from ...text.visible import html_of
from ..addresses import Addresses
from .explained import explained_html
from .judged import judged_html
from .reading import DecodeError, Options, found_in_file, found_in_text

ADDRESSES: Final = "addresses.json"
"""Where rules and sections stand on the site; the site's command puts it beside this module."""


@lru_cache(maxsize=1)
def _addresses() -> Addresses:
    found = json.loads(pkgutil.get_data(__package__, ADDRESSES) or b"{}")
    return Addresses(names=found["names"], chapters=found["chapters"], sections=found["sections"])


def answer(asked: str, octets: bytes | memoryview | None = None) -> str:
    """What is said of a text (``text`` in the object ``asked``), or of the octets of a file, on the site's page."""
    return decoded(json.loads(asked), None if octets is None else bytes(octets), _addresses())


def decoded(asked: Mapping[str, Any], octets: bytes | None, addresses: Addresses) -> str:
    """What is said, with links to where rules and sections stand."""
    try:
        options = options_of(asked)
        found = found_in_text(str(asked.get("text", "")), options) if octets is None else found_in_file(octets, options)
        if found.file is not None:
            return judged_html(found.file, options, addresses)
        return "".join(explained_html(one, addresses) for one in found.explained)
    except DecodeError as error:
        return f'<p class="said bad">{html_of(str(error))}</p>'


def options_of(asked: Mapping[str, Any]) -> Options:
    """The options that a page states: those that are empty are left out. Raises :class:`DecodeError`."""
    limit = str(asked.get("limit", "")).strip()
    if limit and not (limit.isdecimal() and limit.isascii() and len(limit) < 20 and int(limit) <= LARGEST_LENGTH):
        raise DecodeError(f"--limit: {limit[:20]!a} is no number of octets: give one such as 65536")
    try:
        return Options(
            role=Role(asked.get("role") or Role.SERVER.value),
            after=str(asked.get("after", "")),
            sent=str(asked.get("sent", "")),
            to=str(asked.get("to", "")),
            exact=bool(asked.get("exact")),
            limit=int(limit) if limit else None,
            extensions=str(asked.get("extensions", "")).strip(),
            switches=Switches(**asked.get("switches") or {}),
            application=asked.get("application") or None,
            profile=asked.get("profile") or "interop",
        )
    except ValueError as error:
        raise DecodeError(str(error)) from None
