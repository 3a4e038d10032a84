"""Files and directories that are written whole or not at all.

Each is made beside its place, under a name that begins with HALF, and renamed into it: no reader ever sees a part of
it, and a program that fails, or is killed, leaves what was there before.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

HALF: Final = ".wsoracle-half-"
"""The beginning of the names of unfinished files and directories."""

Name = str | os.PathLike[str]


def write_file(path: Name, octets: bytes) -> None:
    """Write a file. One that is replaced hands on its permissions, a new one gets those of the umask.

    A link is replaced, not followed. Raises OSError, which names the file.
    """
    half = _half_of(path)
    try:
        with open(half, "xb") as file:
            file.write(octets)
        with suppress(FileNotFoundError):
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                os.chmod(half, stat.S_IMODE(mode))
        os.replace(half, path)
    except BaseException as error:
        Path(half).unlink(missing_ok=True)
        if isinstance(error, OSError):
            _name(error, path)
        raise


def _name(error: OSError, path: Name) -> None:
    """Have an error of the system name the file that was to be written: a full disk names none."""
    if error.errno is not None:
        error.filename, error.filename2 = os.fspath(path), None


def can_create_beside(path: Name) -> None:
    """Raise OSError where no file can be created in the directory of a path.

    Permissions do not tell all: some file systems take no file even from a user who may write to them.
    """
    half = _half_of(path)
    with open(half, "xb"):
        pass
    os.unlink(half)


def write_directory(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a directory of files, given by their names relative to it, in place of what is at the path.

    Directories above it are created. Raises OSError; then what was at the path is there still.
    """
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    half = Path(_half_of(target))
    half.mkdir(0o700)
    fresh, old = half / "new", half / "old"
    try:
        fresh.mkdir()
        for name, octets in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(octets)
            except OSError as error:
                _name(error, target / name)
                raise
        replaced = target.exists()
        if replaced:
            os.replace(target, old)
        try:
            os.replace(fresh, target)
        except OSError:
            if replaced:
                os.replace(old, target)
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)


def remove_halves(directory: Path) -> None:
    """Remove what a killed program left unfinished in a directory. Raises OSError."""
    for half in directory.glob(HALF + "*"):
        if half.is_dir() and not half.is_symlink():
            shutil.rmtree(half)
        else:
            half.unlink(missing_ok=True)


def _half_of(path: Name) -> str:
    return os.path.join(os.path.dirname(path), HALF + os.urandom(6).hex())
