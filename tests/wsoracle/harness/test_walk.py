"""The walks from octets to a verdict, and from a case to its page: the modules that docs/architecture.md lists."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

import wsoracle
from tests.wsoracle.client_testee import TemporaryFolder
from tests.wsoracle.degenerate_servers import echoes_everything, serving
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.harness.client import run_client
from wsoracle.harness.judging import judge_conversation
from wsoracle.harness.judging_pool import an_echo
from wsoracle.harness.manners import Manners
from wsoracle.harness.target import Target
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import Role

ROOT = Path(wsoracle.__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
TO_VERDICT = "## From the octets of a socket to the verdict"
TO_PAGE = "## From a case of the catalogue to its page"

JUDGE = "properties/judge/"
GROUND = ("model/", "wsoracle/text/", "generators/atomic_write.py")
"""What every room stands on: the octets and the rules, texts, files. The judge has a walk of its own."""


def modules_entered(work: Callable[[], object]) -> list[str]:
    """The modules of the product of which a function is called in this work, in the order of first calls."""
    files = {str(module.__file__) for name, module in list(sys.modules.items()) if name.startswith("wsoracle.")}
    entered: dict[str, None] = {}

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename in files and frame.f_code.co_name != "<module>":
            entered.setdefault(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return [Path(file).resolve().relative_to(ROOT).as_posix() for file in entered]


def run_case(case: Case) -> None:
    async def both() -> None:
        async with serving(echoes_everything) as port:
            target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), "walk")
            await run_client(target, [case], Manners(patience=0.5, grace=0.05), TemporaryFolder())

    asyncio.run(both())


def written_walk(heading: str) -> list[str]:
    """The modules of the table below a heading."""
    section = PAGE.read_text(encoding="utf-8").partition(heading)[2].partition("\n## ")[0]
    return re.findall(r"^\| \d+ \| `([^`]+)` \|", section, re.MULTILINE)


def test_the_walk_to_the_verdict_is_as_it_is_written_down() -> None:
    talk = an_echo(Role.SERVER)
    judge_conversation(talk)  # what is compiled on first use is there from now on
    entered = modules_entered(lambda: judge_conversation(talk))
    found = ["wsoracle/harness/connection.py", *(module for module in entered if not module.startswith(GROUND))]
    written = written_walk(TO_VERDICT)
    assert sorted(written) == sorted(found), f"in the order of first calls: {found}"


@pytest.mark.parametrize("case_id", ["1.1.1", "4.2.4"])
def test_the_walk_to_the_page_is_as_it_is_written_down(case_id: str) -> None:
    (case,) = (case for case in runnable_cases() if case.id == case_id)
    run_case(case)  # what is imported and compiled on first use is there from now on
    found = dict.fromkeys(
        f"{JUDGE}judge.py" if module.startswith(JUDGE) else module
        for module in modules_entered(lambda: run_case(case))
        if not module.startswith(GROUND)
    )
    written = written_walk(TO_PAGE)
    assert sorted(written) == sorted(found), f"in the order of first calls: {list(found)}"
