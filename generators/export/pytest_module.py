"""Cases as a pytest module that runs them against a server, given its URL (docs/cases.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wsoracle.model.octets.vocabulary import Role

from ..cases.agreed import after_heads
from ..cases.case import Case
from ..cases.derived import acceptable, check_suite
from ..cases.outcome import SeenResponse, SeenTcpClosed
from ..cases.steps import SendHead
from .files import ExportResult, as_json, fill_template, write_directory
from .run_plan import carried_by, plan

MODULE: Final = "test_wsoracle.py"


def export_pytest(cases: Iterable[Case], directory: str | os.PathLike[str]) -> ExportResult:
    """Write `test_wsoracle.py`, which needs pytest and Python 3.11 or later only, and `conftest.py` for its option.

    Only cases for servers that a client can carry are in it, all for one application; the result has the reasons for
    the others. ValueError where none is left, or where the cases do not go together; OSError where the directory
    cannot be written.
    """
    suite = check_suite(map(after_heads, cases))
    applications = sorted({case.application for case in suite})
    application = applications[-1 if "echo" not in applications else applications.index("echo")]

    def why_not(case: Case) -> str | None:
        if case.role is not Role.SERVER:
            return "it tests a client, and a module that is given a URL tests servers"
        if case.opening and not _ends_with_the_answer(case):
            return "it goes on after its own opening handshake"
        if case.application != application:
            return f"its application is {case.application}, that of the others {application}"
        return None

    carried, left_out = carried_by(suite, why_not)
    if not carried:
        raise ValueError(f"no case can be run by pytest: {'; '.join(sorted(set(left_out.values())))}")
    values = {
        "APPLICATION": _APPLICATIONS[application],
        "PLANS": as_json([plan(case) for case in carried]).rstrip("\n"),
        "LEFT_OUT": as_json(left_out).rstrip("\n"),
    }
    texts = {
        MODULE: fill_template("pytest_cases.py.txt", values),
        "conftest.py": fill_template("pytest_conftest.py.txt", {}),
    }
    names = write_directory(directory, "pytest", texts)
    return ExportResult(Path(directory), names, tuple(case.id for case in carried), left_out)


def _ends_with_the_answer(case: Case) -> bool:
    """Nothing but the answer to one request is seen, or the end of TCP without it."""
    seen = [event for outcome in acceptable(case) for event in outcome.observable or ()]
    heads = [step for step in case.steps if isinstance(step, SendHead)]
    return len(heads) == len(case.steps) == 1 and all(isinstance(event, SeenResponse | SeenTcpClosed) for event in seen)


_APPLICATIONS: Final = {
    "echo": "each message is sent back as it came (echo)",
    "sink": "no message is answered (sink)",
}
