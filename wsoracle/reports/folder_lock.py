"""One run at a time in a folder: two would remove and list each other's records.

The lock is on the folder itself, leaves no file, and goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL)
"""What file systems say that cannot lock a folder, such as some over a network: two runs are not told apart there."""


class FolderInUse(Exception):
    """Another run is writing into the folder; the message says what to do."""


@contextmanager
def only_run_in(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if need be, for as long as the block lasts.

    Raises :class:`FolderInUse` where another process holds it, and OSError where there can be no such folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY) if sys.platform != "win32" else None
    try:
        if descriptor is not None and not _locked(descriptor):
            raise FolderInUse(f"another run is writing into {folder}: wait for its end, or name another folder")
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
