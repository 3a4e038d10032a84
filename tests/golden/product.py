"""The product as the golden corpus knows it: its command line, and its output without what differs between runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]

COMMAND: Final = ("-m", "wsoracle")

DEADLINE: Final = 3600.0
"""Seconds that one command may take."""

TIMES: Final = frozenset({"seconds", "duration", "started"})
"""Fields that are different in each run."""


@dataclass(frozen=True)
class Done:
    """What a command gave."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """The output with the exit status; errors only where the command said that it could not do it."""
        return f"exit status {self.status}\n{self.out}{self.err if self.status not in (0, 1) else ''}"


def wsoracle(*args: str, folder: Path = ROOT, hidden: str = "") -> Done:
    """Call the command in a folder. ``hidden`` is a path of this machine that is not to be in what it gives."""
    world = {name: value for name, value in os.environ.items() if not name.startswith("WSORACLE_")}
    world |= {"COLUMNS": "100", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *COMMAND, *args],
        cwd=folder, env=world, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    out, err = (_without_paths(text.decode("utf-8", "replace"), hidden) for text in (done.stdout, done.stderr))
    return Done(done.returncode, out, err)


def _without_paths(text: str, hidden: str) -> str:
    for path, name in ((hidden, "FOLDER"), (str(ROOT), "CHECKOUT")):
        text = text.replace(path, name) if path else text
    return text


def json_of(*args: str) -> tuple[Done, Any]:
    """What a command gives as JSON, without times; None in its place where that is not JSON."""
    done = wsoracle(*args, "--json", "-")
    try:
        return done, without_times(json.loads(done.out))
    except ValueError:
        return done, None


def json_text(done: Done, document: Any) -> str:
    """The text of such a document."""
    if document is None:
        return done.text
    return f"exit status {done.status}\n{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def without_times(document: Any) -> Any:
    """The document without the fields that are different in each run."""
    if isinstance(document, dict):
        return {name: without_times(value) for name, value in document.items() if name not in TIMES}
    if isinstance(document, list):
        return [without_times(value) for value in document]
    return document


# --- judging many traces ------------------------------------------------------------------------------------------

BATCH: Final = 100
"""Files that one call judges."""

NOT_JUDGED: Final = "not judged: "
"""What is in the line of a file that cannot be judged: the command refuses it, or its note begins so."""

LEFT_OUT: Final = frozenset({"file", "profile"})
"""Fields of a judgement that say nothing of it; the texts of clauses are those of `rules`."""


def judged(folder: Path, names: Sequence[str], profile: str) -> list[str]:
    """One line for each file in the folder: its judgement in that profile, or what the command says instead."""
    lines: list[str] = []
    for start in range(0, len(names), BATCH):
        lines += _judged(folder, names[start : start + BATCH], profile)
    return lines


def _judged(folder: Path, names: Sequence[str], profile: str) -> list[str]:
    lines: dict[str, str] = {}
    rest = list(names)
    while rest:
        done = wsoracle("judge", "--profile", profile, "--json", "-", *rest, folder=folder)
        if done.status in (0, 1):
            lines |= {one["file"]: judgement_line(one) for one in json.loads(done.out)["judgements"]}
            break
        # One file that it cannot judge stands for all: again without it, first what it has not looked at yet.
        at = next((index for index, name in enumerate(rest) if f"{name}: " in done.err), 0)
        lines[rest[at]] = NOT_JUDGED + " ".join(done.err.split())
        rest = rest[at + 1 :] + rest[:at]
    return [lines[name] for name in names]


def judgement_line(judgement: dict[str, Any]) -> str:
    """A judgement on one line."""
    kept = {name: value for name, value in judgement.items() if name not in LEFT_OUT}
    kept["rules"] = [f"{rule['strength']} {rule['id']}" for rule in judgement["rules"]]
    if kept["deciding"]:
        kept["deciding"] = {name: value for name, value in kept["deciding"].items() if name != "t"}
    return json.dumps(kept, ensure_ascii=False)
