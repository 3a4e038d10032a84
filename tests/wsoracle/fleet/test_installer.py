"""Installing: what cannot be installed is told, each peer with its reason. No registry is asked here."""

import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wsoracle.fleet import installer
from wsoracle.fleet.installer import install, missing
from wsoracle.fleet.paths import FleetPaths
from wsoracle.fleet.processes import Crew
from wsoracle.fleet.registry import PEERS, Peer, find
from wsoracle.fleet.versions import apt_version, npm_version, pip_version, version_of


def named(name: str) -> Peer:
    peer = find(name)
    assert peer is not None
    return peer


def quiet(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total or total == 0, what


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.stop()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, source: str) -> None:
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_what_is_installed_for_the_tests_is_found(tmp_path: Path) -> None:
    paths = FleetPaths(tmp_path, sys.executable)
    for name in ("websockets", "wsproto"):
        assert missing(named(name), paths) is None
        version = version_of(named(name), paths)
        assert version is not None
        assert version[0].isdigit()


def test_nothing_is_there_in_an_empty_folder(tmp_path: Path, path: Path) -> None:
    for peer in PEERS:
        assert missing(peer, FleetPaths(tmp_path)), peer.name
        assert version_of(peer, FleetPaths(tmp_path)) is None


@pytest.mark.parametrize(
    ("name", "package"),
    [("libwebsockets", "libwebsockets-dev"), ("gorilla", "golang-go"), ("chromium", "chromium"), ("ws", "nodejs")],
)
def test_a_missing_debian_package_is_named(tmp_path: Path, path: Path, crew: Crew, name: str, package: str) -> None:
    reasons = install([named(name)], FleetPaths(tmp_path / "fleet", sys.executable), crew, quiet)
    assert list(reasons) == [name]
    assert reasons[name].startswith("cannot be installed: needs apt package ")
    assert package in reasons[name]


def test_only_root_installs_debian_packages(
    tmp_path: Path, path: Path, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(path, "apt-get", "raise SystemExit('must not be called')")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    peer = named("libwebsockets")
    reasons = install([peer], FleetPaths(tmp_path / "fleet", sys.executable), crew, quiet, apt=True)
    assert "only root can install" in reasons[peer.name]


def test_debian_packages_that_cannot_be_had_are_told(
    tmp_path: Path, path: Path, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(path, "apt-get", "import sys\nif 'install' in sys.argv: raise SystemExit('E: Unable to locate package')")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    peers = [named("libwebsockets"), named("beast")]
    reasons = install(peers, FleetPaths(tmp_path / "fleet", sys.executable), crew, quiet, apt=True)
    assert list(reasons) == ["libwebsockets", "beast"]
    assert all("Unable to locate package" in reason for reason in reasons.values())


def test_one_package_that_fails_does_not_keep_the_others(tmp_path: Path, path: Path, crew: Crew) -> None:
    source = """
import json, pathlib, sys
wanted = json.loads(pathlib.Path("package.json").read_text())["dependencies"]
if "undici" in wanted: sys.exit("npm error 404 undici is not in this registry")
for name, version in wanted.items():
    folder = pathlib.Path("node_modules", name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"version": version}))
"""
    program(path, "npm", source)
    program(path, "node", "")
    paths = FleetPaths(tmp_path / "fleet", sys.executable)
    peers = [named("ws"), named("undici"), named("faye-websocket")]
    reasons = install(peers, paths, crew, quiet)
    assert list(reasons) == ["undici"]
    assert "404 undici is not in this registry" in reasons["undici"]
    assert version_of(named("faye-websocket"), paths) == "0.11.4 (websocket-driver 0.8.0)"
    program(path, "npm", "raise SystemExit('must not be called again')")
    assert install([named("ws"), named("faye-websocket")], paths, crew, quiet) == {}


def test_what_does_not_compile_is_told(tmp_path: Path, crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "_absent_apt", lambda peer: [])
    failing = (sys.executable, "-c", "raise SystemExit('x.c:1: error: no libwebsockets.h')")
    peer = replace(named("libwebsockets"), build=(failing,))
    paths = FleetPaths(tmp_path, sys.executable)
    reasons = install([peer], paths, crew, quiet)
    assert reasons == {peer.name: f"cannot be compiled: {Path(sys.executable).name} ended with status 1: "
                                  "x.c:1: error: no libwebsockets.h"}  # fmt: skip
    assert missing(peer, paths) == "c/libwebsockets_peer.c has not been compiled"


def test_what_is_compiled_is_not_compiled_again(tmp_path: Path, crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "_absent_apt", lambda peer: [])
    count = "import sys; open(sys.argv[1], 'a').write('x')"
    build = ((sys.executable, "-c", count, "{built}/libwebsockets_peer"),)
    peer = replace(named("libwebsockets"), build=build)
    paths = FleetPaths(tmp_path, sys.executable)
    for _ in range(2):
        assert install([peer], paths, crew, quiet) == {}
    assert (paths.built / peer.artifact).read_text() == "x"


def test_versions_are_read_from_what_is_installed(tmp_path: Path) -> None:
    paths = FleetPaths(tmp_path)
    package = paths.modules / "ws" / "package.json"
    package.parent.mkdir(parents=True)
    for content, version in (
        ('{"version": "9.8.7"}', "9.8.7"),
        ("{}", None),
        ("[]", None),
        ("{", None),
        ('{"version": 1}', None),
    ):
        package.write_text(content, encoding="utf-8")
        assert npm_version("ws", paths) == version
    site = paths.environment / "lib" / "python3.12" / "site-packages" / "wsproto-7.6.5.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: wsproto\nVersion: 7.6.5\n", encoding="utf-8")
    assert pip_version("wsproto", paths) == "7.6.5"
    assert pip_version("websockets", paths) is None


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("installed 4.1.6-3", "4.1.6"),
        ("installed 2:1.5.0+dfsg-2~deb12u1", "1.5.0+dfsg"),
        ("installed 7", "7"),
        ("config-files 4.1.6-3", None),
        ("", None),
    ],
)
def test_versions_of_debian_packages(path: Path, said: str, version: str | None) -> None:
    program(path, "dpkg-query", f"print({said!r})")
    assert apt_version("something") == version


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("1_74", "1.74"),
        ("4.1.6-", "4.1.6"),
        ("9.4.57.v20241219", "9.4.57.v20241219"),
        ("Chromium 156.0.80 on Debian", "156.0.80"),
    ],
)
def test_versions_that_a_program_says(tmp_path: Path, said: str, version: str) -> None:
    peer = replace(named("chromium"), version=("{python}", "-c", f"print({said!r})"))
    assert version_of(peer, FleetPaths(tmp_path, sys.executable)) == version


def test_a_folder_of_packages_is_written_for_npm_with_what_is_there(tmp_path: Path, path: Path, crew: Crew) -> None:
    program(path, "npm", "raise SystemExit(1)")
    program(path, "node", "")
    paths = FleetPaths(tmp_path, sys.executable)
    there = paths.modules / "ws"
    there.mkdir(parents=True)
    (there / "package.json").write_text('{"version": "8.23.0"}', encoding="utf-8")
    assert list(install([named("deno")], paths, crew, quiet)) == ["deno"]
    assert set(json.loads((paths.npm / "package.json").read_text())["dependencies"]) == {"ws", "deno"}
