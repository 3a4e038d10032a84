"""The command that runs a case again, for people to copy."""

from __future__ import annotations

import shlex

from ..text.output import one_line


def command_again(case_id: str, role: str, url: str) -> str:
    """The command that plays one case against the same server, or serves it to the same client."""
    case = shlex.quote(one_line(case_id, 200))
    if role == "client":
        return f"wsoracle serve --select {case}"
    return f"wsoracle test {shlex.quote(one_line(url, 500)) if url else 'URL'} --select {case} -v"
