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
from hypothesis.strategies import just, sampled_from, tuples

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


AGREED = (
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9; client_max_window_bits=8",
)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("strategy", [strategies.frames, strategies.messages, strategies.connections])
@pytest.mark.parametrize("grade", ["legal", "one fault"])
def test_a_grade_is_what_the_rules_say_of_compressed_messages(
    role: Role, strategy: Any, grade: strategies.Grade
) -> None:
    compressed = 0

    @settings(FEW)
    @given(sampled_from(AGREED).flatmap(lambda agreed: tuples(just(agreed), strategy(role, grade, extensions=agreed))))
    def check(agreed_and_drawn: tuple[str, bytes | tuple[bytes, ...]]) -> None:
        nonlocal compressed
        agreed, drawn = agreed_and_drawn
        sender = OnlineOracle(role.peer, opening=False, extensions=agreed)
        *before, last = (drawn,) if isinstance(drawn, bytes) else drawn
        assert all(sender.sent(chunk) for chunk in before)
        assert sender.sent(last) is (grade == "legal")
        compressed += any(chunk[0] & 0x40 for chunk in (*before, last))

    check()
    assert compressed


@settings(FEW)
@given(strategies.offers(), strategies.agreements())
def test_offers_and_agreements_are_sound(offer: str, agreed: str) -> None:
    assert OnlineOracle("client").sent(strategies.sound_request(offer))
    assert OnlineOracle("server", opening=False, extensions=agreed).explains()


@settings(FEW)
@given(strategies.answers("legal", offer=strategies.OFFER), strategies.answers("one fault", offer=strategies.OFFER))
def test_answers_agree_on_what_is_offered(legal: bytes, faulty: bytes) -> None:
    servers = [OnlineOracle("server") for _ in range(2)]
    for server in servers:
        server.received(strategies.sound_request(strategies.OFFER))
    assert servers[0].sent(legal)
    assert decode_head(faulty, "client") is None or not servers[1].sent(faulty)


@pytest.mark.parametrize("given", [{"extensions": "x-private", "opening": False}, {"extensions": "permessage-deflate"}])
def test_what_cannot_be_agreed_on_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="extensions: "):
        OnlineOracle("server", **given)


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
