"""Where the data of the established suite is, if it is here: it is checked against, and not part of the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "WSORACLE_ESTABLISHED"
BESIDE: Final = Path(__file__).resolve().parents[1].parent / "shared" / "autobahn" / "cases.jsonl"


def established_data(name: str | None = None) -> Path | None:
    """The file of that name, or of the environment variable, or beside the checkout; None where there is none.

    Raises :class:`FileNotFoundError` where a file was named that is not there.
    """
    given = name or os.environ.get(VARIABLE)
    if given is None:
        return BESIDE if BESIDE.exists() else None
    path = Path(given)
    if not path.is_file():
        raise FileNotFoundError(2, "no such file: name the established suite's cases, a JSON line each", given)
    return path
