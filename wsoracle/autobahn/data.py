"""Autobahn's cases as data for comparison. They are not part of the project: a user names their file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "WSORACLE_AUTOBAHN_CASES"


class AutobahnDataError(ValueError):
    """The file has another form; the message is one line that says what to do."""


def autobahn_data(name: str | None = None) -> Path | None:
    """The file of that name, or of the environment variable; None where neither is given.

    It is read, so that a wrong one is told before a long run and not after it. Raises :class:`AutobahnDataError`.
    """
    from wsoracle.generators.suite.autobahn_sequences import autobahn_sequences  # slow to import, and seldom wanted

    given = os.environ.get(VARIABLE) or None if name is None else name
    if given is None:
        return None
    path = Path(given)
    advice = f"name Autobahn's cases, a JSON object a line, with --autobahn-cases or {VARIABLE}"
    if not given:
        raise AutobahnDataError(f"the name of the file is empty: {advice}")
    try:
        if not path.is_file():
            raise AutobahnDataError(f"{path}: {'not a file' if path.exists() else 'no such file'}: {advice}")
        scenarios = autobahn_sequences(path)
    except AutobahnDataError:
        raise
    except OSError as error:
        raise AutobahnDataError(f"{path}: {error.strerror or error}: {advice}") from error
    except Exception as error:
        # The file is not the project's, and can be wrong in more ways than its reader knows.
        said = str(error) if str(path) in str(error) else f"{path}: not a case of Autobahn: {error}"
        raise AutobahnDataError(f"{said}: {advice}") from error
    if not scenarios:
        raise AutobahnDataError(f"{path}: no case of groups 1 to 7 is in it: {advice}")
    return path
