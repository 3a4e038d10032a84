"""Shortages of this machine: never the fault of the endpoint, and said by their names.

Open files are looked at before a run, since a connection takes one. What runs out while a case is on leaves it NOT RUN.
"""

from __future__ import annotations

import errno
import sys
from typing import Final

OWN: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN)
"""Errors of a connection that say what is short on this side: open files, memory, ports."""

SPARE: Final = 48
"""Open files besides connections: those of the program, of the processes that judge, of reports."""


class Shortage(Exception):
    """This machine has too little of something; the message says what to do."""


def is_own(error: OSError) -> bool:
    """Whether there is no connection since this machine is short of something."""
    return error.errno in OWN and not isinstance(error, TimeoutError)


def connections_at_once() -> int:
    """How many connections the limit on open files allows; it is raised first as far as it may be.

    A number that no run needs, where the system tells no limit.
    """
    if sys.platform == "win32":
        return _MANY
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY if hard == resource.RLIM_INFINITY else min(hard, _MANY)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return _MANY if soft == resource.RLIM_INFINITY else soft - SPARE


def check_connections(wanted: int, option: str = "") -> None:
    """Raise :class:`Shortage` where the limit on open files allows fewer connections than ``option`` asks for."""
    allowed = connections_at_once()
    if wanted > allowed:
        less = f"give {option} {allowed}, or " if option and allowed > 0 else ""
        here = f"{option} {wanted}: " if option else ""
        files = f"the limit on open files allows {max(allowed, 0)} connections at once"
        raise Shortage(f"{here}{files}: {less}raise it (ulimit -n {wanted + SPARE})")


_MANY: Final = 4096
