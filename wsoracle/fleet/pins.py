"""The pinned versions of packages, from ``requirements.txt`` and ``package.json`` beside the scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path

__all__ = ["npm_pins", "pip_pins"]


def pip_pins(scripts: Path) -> dict[str, str]:
    """Name (as PyPI compares names) to version. Raises ValueError for a line that is not ``name==version``."""
    pins = {}
    for line in (scripts / "requirements.txt").read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][0-9A-Za-z.+]*)", line)
        if match is None:
            raise ValueError(f"scripts/requirements.txt: {line!r} is not name==version")
        pins[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return pins


def npm_pins(scripts: Path) -> dict[str, str]:
    """Name to version. Raises ValueError for a version that is not exact."""
    dependencies: dict[str, str] = json.loads((scripts / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in dependencies.items():
        if re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version) is None:
            raise ValueError(f"scripts/package.json: {name}: {version!r} is not one version")
    return dependencies
