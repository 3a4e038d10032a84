"""The registry of implementations: enough of them, each with what it needs, and all of it in the repository."""

import re
import sys
from pathlib import Path

import pytest

from wsoracle.fleet.paths import SCRIPTS, FleetPaths
from wsoracle.fleet.registry import PEERS, Peer, find
from wsoracle.fleet.versions import npm_pins, pip_pins

by_name = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)


def roles(role: str) -> list[Peer]:
    return [peer for peer in PEERS if role in peer.roles]


def test_there_are_enough() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert len(roles("server")) >= 12
    assert len(roles("client")) >= 8
    assert len({peer.code_base for peer in PEERS}) >= 10
    assert len({language for peer in PEERS for language in peer.language.split("/")}) >= 5


def test_those_that_must_be_there_are() -> None:
    wanted = {"libwebsockets": ("server", "client"), "chromium": ("client",)}
    assert {name: getattr(find(name), "roles", None) for name in wanted} == wanted
    assert find("nobody") is None


def test_ci_has_both_roles_without_debian_packages() -> None:
    for role in ("server", "client"):
        assert len([peer for peer in roles(role) if peer.kind in ("pip", "npm")]) >= 8


@by_name
def test_a_row_is_complete(peer: Peer) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", peer.name)
    assert peer.roles
    assert peer.packages
    for command in (peer.server, peer.client):
        names = {name for part in command for name in re.findall(r"\{\w+\}", part)}
        wanted = {"{port}"} if command is peer.server else {"{url}", "{agent}"}
        assert not command or wanted <= names <= {*wanted, "{python}", "{scripts}", "{modules}", "{built}"}
        # One name in a part: what is filled in is not looked at again.
        assert all(part.count("{") <= 1 for part in command)
    assert bool(peer.build) == bool(peer.artifact) == bool(peer.source)
    assert not peer.version or peer.kind == "apt"


@by_name
def test_its_row_says_where_its_scripts_take_compression(peer: Peer) -> None:
    for role in peer.roles:
        words = [*(peer.server if role == "server" else peer.client), peer.source]
        named = [SCRIPTS / word.removeprefix("{scripts}/") for word in words if "." in word]
        texts = [file.read_text(encoding="utf-8") for file in named if file.is_file()]
        imported = {
            line.split()[1] for text in texts for line in text.splitlines() if line.startswith(("from ", "import "))
        }
        texts += [
            file.read_text(encoding="utf-8") for file in (SCRIPTS / "python").glob("*.py") if file.stem in imported
        ]
        assert any("WSORACLE_COMPRESSION" in text for text in texts) == (role in peer.compression), role


@by_name
def test_its_scripts_are_there(peer: Peer) -> None:
    paths = FleetPaths(Path("nowhere"))
    commands = [*peer.build, peer.server, peer.client]
    scripts = [part for command in commands for part in paths.command(command) if part.startswith(str(SCRIPTS))]
    assert scripts
    for script in scripts:
        assert Path(script).is_file(), script


def test_every_script_is_of_some_use() -> None:
    shared = {"testee.py", "testee.cjs", "wsproto_events.py", "asgi_echo.py", "client.html"}
    used = {
        Path(part).name for peer in PEERS for command in (*peer.build, peer.server, peer.client) for part in command
    }
    scripts = {path.name for path in SCRIPTS.rglob("*.*") if path.parent != SCRIPTS and path.suffix != ".pyc"}
    assert scripts - used == shared


@by_name
def test_its_packages_are_pinned(peer: Peer) -> None:
    pins = {"pip": pip_pins, "npm": npm_pins}.get(peer.kind)
    if pins is not None:
        assert {*peer.packages, *peer.also} <= set(pins(SCRIPTS))


def test_nothing_is_pinned_that_nobody_needs() -> None:
    assert set(npm_pins(SCRIPTS)) == {name for peer in PEERS if peer.kind == "npm" for name in peer.packages}


@pytest.mark.parametrize("line", ["websockets", "websockets>=14", "websockets==14 ", "-r other.txt", ""])
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"wsproto==1.3.2\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not name==version"):
        pip_pins(tmp_path)


@pytest.mark.parametrize("version", ["^8.1.0", "latest", "8", "8.1.0 || 9.0.0"])
def test_a_range_of_versions_is_refused(tmp_path: Path, version: str) -> None:
    (tmp_path / "package.json").write_text(f'{{"dependencies": {{"ws": "{version}"}}}}', encoding="utf-8")
    with pytest.raises(ValueError, match="is not one version"):
        npm_pins(tmp_path)


def test_a_command_line_is_filled_in_once(tmp_path: Path) -> None:
    paths = FleetPaths(tmp_path, sys.executable)
    filled = paths.command(
        ("{python}", "{scripts}/x.py", "{url}", "{agent}", "{port}"), 80, "ws://h", "{scripts} {url}"
    )
    assert filled == [sys.executable, f"{SCRIPTS}/x.py", "ws://h", "{scripts} {url}", "80"]
