"""The look of the pages: templates, the words and signs of verdicts, and the Content-Security-Policy.

Verdicts are marked with a sign and a word, never with a colour alone. The policy lets a page run its own script and
nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .sanitize import NO_CONTROL, visible

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

__all__ = ["FILTER_SCRIPT", "MEANINGS", "SIGNS", "STYLE", "VERDICTS", "policy", "style_of", "template_environment"]

MEANINGS: Final[Mapping[str, str]] = {
    "OK": "everything that was observed is allowed in full",
    "NON-STRICT": "a SHOULD was not followed",
    "INFORMATIONAL": "neither a pass nor a failure: the endpoint is free here",
    "UNIMPLEMENTED": "neither a pass nor a failure: the endpoint lacks an optional feature",
    "FAILED": "against a MUST, or what implementations agree on, or what was asked for did not come",
    NO_CONTROL: "proves nothing, because the control of the case was not answered, or not run",
}
VERDICTS: Final = tuple(MEANINGS)
SIGNS: Final = {
    "OK": "✓",
    "NON-STRICT": "~",
    "INFORMATIONAL": "i",
    "UNIMPLEMENTED": "–",
    "FAILED": "✗",
    NO_CONTROL: "∅",
}

_STYLES: Final = {verdict: verdict.replace(" ", "-") for verdict in VERDICTS}
_FOLDER: Final = Path(__file__).resolve().parent / "templates"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


STYLE: Final = _read("style.css")
FILTER_SCRIPT: Final = _read("filter.js")


def style_of(words: str) -> str:
    """The class of a verdict in style sheets; nothing for text that is no verdict."""
    return _STYLES.get(words, "")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=2)
def policy(script: bool) -> str:
    """The policy of a page with our style, and with our script or none: no network, no other script, no other style."""
    allowed = f"; script-src {_hash(FILTER_SCRIPT)}" if script else ""
    return f"default-src 'none'; style-src {_hash(STYLE)}{allowed}; base-uri 'none'; form-action 'none'"


def _kept_bytecode() -> BytecodeCache | None:
    """A cache of compiled templates, under the conditions of compiled modules; None where none can be kept."""
    import jinja2

    folder = _FOLDER / "__pycache__"
    if sys.dont_write_bytecode:
        return None
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None  # as Python does with modules: they are compiled anew each time
    return jinja2.FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


@lru_cache(maxsize=1)
def template_environment() -> object:
    """The templates, escaping everything that they are given."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, bytecode_cache=_kept_bytecode(),
    )  # fmt: skip
    environment.filters.update(v=visible, style=style_of, sign=lambda verdict: SIGNS.get(verdict, "?"))
    environment.globals.update(style=STYLE)
    return environment
