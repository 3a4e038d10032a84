"""Files and directories are replaced whole, and what fails changes nothing."""

import errno
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.generators.atomic_write import HALF, can_create_beside, remove_halves, write_directory, write_file

NAMES = st.text("abc", min_size=1, max_size=3)
FILES = st.dictionaries(NAMES | st.builds("{}.d/{}".format, NAMES, NAMES), st.binary(max_size=20), max_size=4)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@given(before=st.none() | st.binary(max_size=20), after=st.binary(max_size=20))
def test_a_file_holds_what_was_written_last(
    before: bytes | None, after: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("whole") / "file"
    if before is not None:
        path.write_bytes(before)
    write_file(path, after)
    assert contents(path.parent) == {"file": after}


@given(before=st.none() | FILES, after=FILES)
def test_a_directory_holds_what_was_written_last(
    before: dict[str, bytes] | None, after: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    top = tmp_path_factory.mktemp("whole")
    if before is not None:
        write_directory(top / "a/b", before)
    write_directory(top / "a/b", after)
    assert contents(top / "a/b") == after
    assert os.listdir(top / "a") == ["b"]


def test_permissions_are_those_of_the_file_before_or_of_any_new_file(tmp_path: Path) -> None:
    kept, new, other = tmp_path / "kept", tmp_path / "new", tmp_path / "other"
    other.write_bytes(b"")
    kept.write_bytes(b"")
    kept.chmod(0o640)
    for path in (kept, new):
        write_file(path, b"x")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert new.stat().st_mode == other.stat().st_mode
    link = tmp_path / "link"
    link.symlink_to(kept)
    write_file(link, b"y")
    assert not link.is_symlink()
    assert link.stat().st_mode == other.stat().st_mode
    assert kept.read_bytes() == b"x"


@pytest.mark.parametrize("present", [False, True])
@pytest.mark.parametrize("failing", [0, 1])
def test_what_fails_leaves_what_was_there(
    present: bool, failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, directory = tmp_path / "file", tmp_path / "directory"
    if present:
        path.write_bytes(b"old")
        write_directory(directory, {"old": b"old"})
    before = contents(tmp_path)
    replace, calls = os.replace, []

    def broken(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == failing + 1:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", broken)
    calls.clear()
    if failing < (2 if present else 1):
        with pytest.raises(OSError, match="No space left"):
            write_directory(directory, {"new": b"new"})
        assert contents(tmp_path) == before
    calls[:] = [path] * failing
    with pytest.raises(OSError, match="No space left"):
        write_file(path, b"new")
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(HALF + "*"))


def test_what_a_killed_program_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{HALF}1").write_bytes(b"x")
    (tmp_path / f"{HALF}2").mkdir()
    (tmp_path / f"{HALF}2" / "new").write_bytes(b"x")
    (tmp_path / "kept").write_bytes(b"x")
    remove_halves(tmp_path)
    assert os.listdir(tmp_path) == ["kept"]


def test_to_ask_leaves_nothing(tmp_path: Path) -> None:
    can_create_beside(tmp_path / "x")
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        can_create_beside(tmp_path / "none" / "x")


@pytest.mark.parametrize("write", [
    lambda top: write_file(top / "file", bytes(5000)),
    lambda top: write_directory(top, {"file": bytes(5000)}),
])  # fmt: skip
def test_a_file_that_cannot_be_written_whole_is_named_and_nothing_is_left(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "file").write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError) as found:
            write(top)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (found.value.errno, found.value.filename) == (errno.EFBIG, str(top / "file"))
    assert contents(tmp_path) == {"top/file": b"before"} and os.listdir(tmp_path) == ["top"]
