"""Questions to the explorer's scripts, answered by node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pytest

from wsoracle.model.notation.expression import Value
from wsoracle.model.notation.variables import FRAME_VARIABLES, SETTING_VARIABLES, STATE_VARIABLES
from wsoracle.site.javascript import is_wide
from wsoracle.site.rule_script import VARIABLES, rule_script

PATIENCE: Final = 300.0
WIDE: Final = frozenset(name for name, variable in VARIABLES.items() if is_wide(variable))
FRAME_FIELDS: Final = list(FRAME_VARIABLES)
FIELDS: Final = {"state": list(STATE_VARIABLES), "setting": list(SETTING_VARIABLES)}


SCRIPTS: Final = ("explorer-machine.js", "explorer-wire.js", "explorer-deflate.js", "explorer-history.js")
"""The scripts that show nothing, after the one of the rules."""


def script(name: str) -> str:
    """The text of a script of the site."""
    return (resources.files("wsoracle.site") / "templates" / name).read_text(encoding="utf-8")


def plain(names: Sequence[str], values: Sequence[Value]) -> list[Value | str]:
    """Values as JSON carries them: wide numbers as strings."""
    return [str(value) if name in WIDE else value for name, value in zip(names, values, strict=True)]


def ask(*questions: dict[str, Any], more: Sequence[str] = ()) -> list[Any]:
    """The answers of the scripts, with ``more`` after them; without node, tests are skipped, in CI they fail."""
    node = shutil.which("node")
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no node here: on Debian, apt-get install nodejs")
    texts = [rule_script(), *map(script, SCRIPTS), *more]
    done = subprocess.run(
        [node, Path(__file__).with_name("explorer_machine.mjs")],
        input=json.dumps({"scripts": texts, "questions": questions}).encode(),
        capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found: list[Any] = json.loads(done.stdout)
    return found
