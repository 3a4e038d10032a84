"""Autobahn's cases as data, which tests check against where they are: a file beside the checkout, or a variable's."""

import os
from pathlib import Path

import pytest

from wsoracle.autobahn.data import VARIABLE

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "autobahn" / "cases.jsonl"


def autobahn_cases() -> Path:
    """The file; the test is skipped where there is none."""
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else BESIDE
    if not path.is_file():
        pytest.skip(f"{path} is absent; {VARIABLE} names another file")
    return path
