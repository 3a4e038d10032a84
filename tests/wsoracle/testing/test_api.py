"""`wsoracle.testing`: the guide runs, grades of strategies are what the rules say, and names are imported late."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test  # type: ignore[import-untyped,unused-ignore]

import wsoracle.testing
from wsoracle.testing import ClosesTcp, OnlineOracle, Quiet, Role, Writes, decode_head, encode_head, judge, strategies

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "python.md"
FEW = settings(max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_guide_runs(block: str) -> None:
    with settings_of_the_guide():
        names: dict[str, Any] = {}
        exec(compile(block, str(GUIDE), "exec"), names)
    if "OnlyPings" in names:
        with pytest.raises(AssertionError, match="FAILED"):
            run_state_machine_as_test(
                names["OnlyPings"], settings=settings(FEW, max_examples=200, phases=[Phase.generate])
            )


@contextmanager
def settings_of_the_guide() -> Iterator[None]:
    """Few examples for what the guide runs."""
    before = settings.get_current_profile_name()
    settings.register_profile("guide", FEW)
    settings.load_profile("guide")
    try:
        yield
    finally:
        settings.load_profile(before)


def test_every_name_is_there() -> None:
    for name in wsoracle.testing.__all__:
        assert getattr(wsoracle.testing, name) is not None
        assert name in dir(wsoracle.testing)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = wsoracle.testing.nothing


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, wsoracle.testing; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"hypothesis", "z3", "click", "wsoracle.model"} & set(loaded)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("strategy", [strategies.frames, strategies.messages, strategies.connections])
@pytest.mark.parametrize("grade", ["legal", "one fault"])
def test_a_grade_is_what_the_rules_say(role: Role, strategy: Any, grade: strategies.Grade) -> None:
    @settings(FEW)
    @given(strategy(role, grade))
    def check(drawn: bytes | tuple[bytes, ...]) -> None:
        sender = OnlineOracle(Role.CLIENT if role is Role.SERVER else Role.SERVER, opening=False)
        chunks = (drawn,) if isinstance(drawn, bytes) else drawn
        assert all(sender.sent(octets) for octets in chunks) is (grade == "legal")

    check()


@settings(FEW)
@given(strategies.requests("legal"), strategies.requests("one fault"))
def test_requests_have_their_grade(legal: bytes, faulty: bytes) -> None:
    assert OnlineOracle("client").sent(legal)
    assert decode_head(faulty, "server") is None or not OnlineOracle("client").sent(faulty)


@settings(FEW)
@given(strategies.answers("legal"))
def test_legal_answers_may_be_sent(octets: bytes) -> None:
    server = OnlineOracle("server")
    server.received(strategies.sound_request())
    assert server.sent(octets)


def test_heads_come_back() -> None:
    read = decode_head(strategies.sound_request(), "server")
    assert read is not None
    assert encode_head(read.head) == strategies.sound_request()  # type: ignore[union-attr]


def test_a_quiet_server_owes_what_it_owes() -> None:
    assert judge([Quiet()], "server", opening=False).conforms
    assert not judge([Writes(b"\x81\x80\0\0\0\0"), ClosesTcp()], "server", opening=False).conforms
