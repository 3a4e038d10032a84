"""A benchmark collects garbage before each measurement: a second each in a process that has run other tests."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True, scope="package")
def _small_heap() -> None:
    """Leave what the tests before have made out of it."""
    gc.collect()
    gc.freeze()
