"""Pyodide where `make` puts it."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from wsoracle.site.decoder.packing import PyodideError, runtime


@lru_cache(maxsize=1)
def pyodide() -> dict[str, bytes] | None:
    """The files of Pyodide; where they are not there, None, and a failure in CI."""
    try:
        return runtime(Path(sys.prefix) / "pyodide")
    except PyodideError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}: make test does so where npm is")
        return None
