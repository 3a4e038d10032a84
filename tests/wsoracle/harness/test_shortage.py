"""What this machine is short of is said by its name, and is no failure of the endpoint."""

from __future__ import annotations

import asyncio
import errno
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.wsoracle.client_testee import TemporaryFolder
from tests.wsoracle.degenerate_servers import echoes_everything, serving
from tests.wsoracle.harness.test_client import ALL, QUICK
from wsoracle.harness.client import run_client
from wsoracle.harness.shortage import OWN, SPARE, Shortage, check_connections, is_own
from wsoracle.harness.target import NoServer, Target
from wsoracle.model.octets.uri import parse_uri


def files(limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


@pytest.mark.parametrize(
    ("arguments", "limit", "says"),
    [
        (("test", "ws://127.0.0.1:9/", "--jobs", "100"), SPARE + 99,
         f"--jobs 100: the limit on open files allows 99 connections at once: give --jobs 99, or raise it (ulimit -n "
         f"{100 + SPARE})"),
        (("test", "ws://127.0.0.1:9/"), SPARE, "--jobs 16: the limit on open files allows 0 connections at once"),
        (("serve", "--listen", "127.0.0.1:0"), SPARE + 15, "the limit on open files allows 15 connections at once"),
    ],
)  # fmt: skip
def test_too_few_open_files_are_found_before_the_run(
    arguments: tuple[str, ...], limit: int, says: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "wsoracle", *arguments, "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=files(limit), timeout=120, check=False)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out").exists()


def test_the_limit_is_raised_as_far_as_it_may_be() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        check_connections(min(hard, 1024) - SPARE)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(hard, 1024)
        with pytest.raises(Shortage):
            check_connections(10**6, "--jobs")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("number", OWN)
def test_what_runs_out_in_a_run_leaves_cases_not_run(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Target.open
    calls = 0

    async def short(target: Target, connection: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(number, "short")
        await opened(target, connection)

    monkeypatch.setattr(Target, "open", short)

    async def both() -> dict[str, dict[str, Any]]:
        folder = TemporaryFolder()
        async with serving(echoes_everything) as port:
            return folder.of(await run_client(Target(parse_uri(f"ws://127.0.0.1:{port}/")), ALL, QUICK, folder))

    left_out = [one["wsoracle"] for one in asyncio.run(both()).values() if one["wsoracle"]["verdict"] == "NOT RUN"]
    assert len(left_out) == len(ALL) - 1
    for record in left_out:
        assert "no connection: this machine is short of something: " in record["note"] and not record["rules"]


def test_the_first_connection_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def short(target: Target, connection: Any) -> None:
        raise OSError(errno.EMFILE, "short")

    monkeypatch.setattr(Target, "open", short)
    with pytest.raises(NoServer, match="Too many open files: give fewer --jobs, or end other programs"):
        asyncio.run(run_client(Target(parse_uri("ws://127.0.0.1:9/")), ALL, QUICK, TemporaryFolder()))


def test_an_endpoint_that_refuses_is_not_our_shortage() -> None:
    assert not any(map(is_own, (ConnectionRefusedError(errno.ECONNREFUSED, ""), TimeoutError(), OSError("x"))))
