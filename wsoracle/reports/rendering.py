"""The look of pages: templates and style.

Templates escape HTML. Verdicts are marked with a sign and a word, never with a colour alone. The
Content-Security-Policy lets a page run its own script and nothing else.
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

from wsoracle.model.notation.sources import clause_of

from ..text.verdict_signs import sign_of, style_of
from ..text.visible import visible

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

_FOLDER: Final = Path(__file__).resolve().parent / "templates"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


STYLE: Final = _read("style.css")
FILTER_SCRIPT: Final = _read("filter.js")
ON_DEMAND_SCRIPT: Final = _read("on_demand.js")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=2)
def policy(script: bool) -> str:
    """The policy of a page with our style, and our scripts or none: no network, no other script, no other style."""
    allowed = f"; script-src {_hash(FILTER_SCRIPT)} {_hash(ON_DEMAND_SCRIPT)}" if script else ""
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


def _clause(rule: Mapping[str, str]) -> str:
    return clause_of(rule["id"], rule["section"])


@lru_cache(maxsize=1)
def template_environment() -> object:
    """The templates, escaping everything that they are given."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, bytecode_cache=_kept_bytecode(),
    )  # fmt: skip
    environment.filters.update(v=visible, style=style_of, clause=_clause, sign=sign_of)
    environment.globals.update(style=STYLE)
    return environment
