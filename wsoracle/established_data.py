"""Where the data of the established suite is, if it is here: it is checked against, and not part of the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "WSORACLE_ESTABLISHED"
BESIDE: Final = Path(__file__).resolve().parents[1].parent / "shared" / "autobahn" / "cases.jsonl"


class EstablishedDataError(ValueError):
    """The file is not what it should be; the message is one line that says what to do."""


def established_data(name: str | None = None) -> Path | None:
    """The file of that name, or of the environment variable, or beside the checkout; None where there is none.

    It is read, so that a wrong one is told before a long run and not after it. Raises :class:`EstablishedDataError`.
    """
    from wsoracle.generators.established import established  # slow to import, and seldom wanted

    given = os.environ.get(VARIABLE) or None if name is None else name
    if given is None and not BESIDE.exists():
        return None
    path = BESIDE if given is None else Path(given)
    advice = f"name the established suite's cases, a JSON object a line, with --established or {VARIABLE}"
    if not given and path is not BESIDE:
        raise EstablishedDataError(f"the name of the file is empty: {advice}")
    try:
        if not path.is_file():
            raise EstablishedDataError(f"{path}: {'not a file' if path.exists() else 'no such file'}: {advice}")
        scenarios = established(path)
    except EstablishedDataError:
        raise
    except OSError as error:
        raise EstablishedDataError(f"{path}: {error.strerror or error}: {advice}") from error
    except Exception as error:
        # What stands in the file is anybody's, and can be wrong in more ways than its reader knows.
        said = str(error) if str(path) in str(error) else f"{path}: not a case of the established suite: {error}"
        raise EstablishedDataError(f"{said}: {advice}") from error
    if not scenarios:
        raise EstablishedDataError(f"{path}: no case of groups 1 to 7 is in it: {advice}")
    return path


__all__ = ["BESIDE", "VARIABLE", "EstablishedDataError", "established_data"]
