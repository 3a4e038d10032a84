"""File names of reports, safe whatever an agent calls itself.

As in Autobahn: lower case, what is no letter or digit a space, trimmed, spaces as underscores. What that
leaves too long, empty or taken gets a few characters of a digest, so that different names have different files.
"""

from __future__ import annotations

import hashlib
import re
from itertools import count
from typing import Final

__all__ = ["Names", "page_name"]

LONGEST: Final = 80
"""Characters of a part of a name."""

_OTHER: Final = re.compile(r"[^a-z0-9]")


def page_name(file: str) -> str:
    """The name of the page beside the file of a record."""
    return f"{file.removesuffix('.json')}.html"


class Names:
    """The names of one folder: each agent and each case keeps the one that it got first."""

    def __init__(self) -> None:
        self._parts: Final[dict[str, str]] = {}
        self._taken: Final[dict[str, str]] = {}

    def base(self, agent: str, case_id: str) -> str:
        """The name of a case's files without what tells them apart: ``agent_case_1_1_1``."""
        return f"{self._part('agent', agent)}_case_{self._part('id', case_id)}"

    def keep(self, base: str, agent: str, case_id: str) -> None:
        """These files are there already, unless their name is another's."""
        left, found, right = base.rpartition("_case_")
        if found:
            for kind, part, text in (("agent", left, agent), ("id", right, case_id)):
                if self._taken.setdefault(f"{kind} {part}", text) == text:
                    self._parts.setdefault(f"{kind} {text}", part)

    def _part(self, kind: str, text: str) -> str:
        key = f"{kind} {text}"
        known = self._parts.get(key)
        if known is None:
            known = self._parts[key] = self._new(kind, text)
            self._taken[f"{kind} {known}"] = text
        return known

    def _new(self, kind: str, text: str) -> str:
        plain = _OTHER.sub(" ", text.lower()).strip().replace(" ", "_")
        if plain and len(plain) <= LONGEST and "_case_" not in f"_{plain}_" and f"{kind} {plain}" not in self._taken:
            return plain
        stem = "_".join(part for part in plain[:LONGEST].split("_") if part not in ("", "case")) or kind
        # Who knows the digest of another's name can call himself so.
        for attempt in count():
            octets = f"{text}{attempt or ''}".encode("utf-8", "surrogatepass")
            name = f"{stem}_{hashlib.sha256(octets).hexdigest()[:12]}"
            if f"{kind} {name}" not in self._taken:
                return name
        raise AssertionError("there is always another one")
