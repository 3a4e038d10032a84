"""The look of the pages, and what their Content-Security-Policy lets run: what is in them, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

__all__ = ["FILTER_SCRIPT", "STYLE", "policy", "template_environment"]

_FOLDER: Final = Path(__file__).resolve().parent / "templates"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


STYLE: Final = _read("style.css")
FILTER_SCRIPT: Final = _read("filter.js")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=2)
def policy(script: bool) -> str:
    """The policy of a page with our style, and perhaps our script: no network, no other script, no other style."""
    allowed = f"; script-src {_hash(FILTER_SCRIPT)}" if script else ""
    return f"default-src 'none'; style-src {_hash(STYLE)}{allowed}; base-uri 'none'; form-action 'none'"


def _kept_bytecode() -> BytecodeCache | None:
    """Where templates are kept compiled: as modules are, and under the same conditions; None where they cannot be."""
    import jinja2

    folder = _FOLDER / "__pycache__"
    if sys.dont_write_bytecode:
        return None
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None  # as Python does it: who cannot keep them makes them anew each time
    return jinja2.FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


@lru_cache(maxsize=1)
def template_environment() -> object:
    """The templates, escaping everything that they are given."""
    import jinja2

    from .escape import visible
    from .verdicts import SIGNS, style_of

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, bytecode_cache=_kept_bytecode(),
    )  # fmt: skip
    environment.filters.update(v=visible, style=style_of, sign=lambda verdict: SIGNS.get(verdict, "?"))
    environment.globals.update(style=STYLE)
    return environment
