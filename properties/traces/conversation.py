"""A WebSocket connection as others recorded it, seen from both of its ends: what passed goes in, two traces come out.

Theory of operation. Every reader of captures brings what passed on a connection into one order, and the judge takes
the trace of one endpoint: what the client sent arrives at the server, and the other way round. Each end is judged
by itself. That the order is the one in which octets passed a place between the two is enough: what an endpoint sends
depends on nothing that passed later, and when it took in what had passed before is not said by a trace either.

The opening handshake is found by the request in the octets of one end, which has the fields of RFC 6455. Requests
before it on the same connection, as of a page or a proxy (CONNECT), are left out, with their answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.units import LARGEST_HEAD
from wsoracle.model.octets.vocabulary import Role

from ..judge.observation import Arrives, ArrivesEof, ArrivesReset, Observation, ResetsTcp, ShutsDownTcp, Writes
from .recorded import Recorded
from .tcp import Passed, TcpEnd


@dataclass(frozen=True, slots=True)
class CapturedConnection:
    """What passed on a connection whose client is the first of the two ends.

    `name` says which one it is in its file, `notes` what of it was not shown, in sentences. `opening`: it begins with
    the opening handshake, else behind it; then `extensions` were agreed on. `timed`: the times of `passed` are known.
    """

    name: str
    passed: tuple[Passed, ...]
    notes: tuple[str, ...] = ()
    opening: bool = True
    extensions: str | None = None
    timed: bool = True

    def seen_from(self, role: Role) -> Recorded:
        """The trace of the endpoint with a role, with an application of which nothing is known."""
        trace = tuple(_observation(one.what, own=one.first == (role is Role.CLIENT)) for one in self.passed)
        begin = self.passed[0].time if self.passed else 0.0
        times = tuple(one.time - begin for one in self.passed) if self.timed else None
        return Recorded(trace, Setting(role), opening=self.opening, times=times, extensions=self.extensions)


def _observation(what: bytes | TcpEnd, *, own: bool) -> Observation:
    match what:
        case TcpEnd.FIN:
            return ShutsDownTcp() if own else ArrivesEof()
        case TcpEnd.RST:
            return ResetsTcp() if own else ArrivesReset()
        case _:
            return Writes(what) if own else Arrives(what)


_FIELDS: Final = re.compile(rb"(?im)^(?:upgrade[ \t]*:[^\r\n]*websocket|sec-websocket-[a-z]+[ \t]*:)")
_BODY: Final = re.compile(rb"(?im)^(?:content-length[ \t]*:[ \t]*[^0\s]|transfer-encoding[ \t]*:)")
_REQUEST: Final = re.compile(rb"[!-~]+ [!-~]+ HTTP/[0-9]")
_SWITCHES: Final = re.compile(rb"HTTP/[0-9.]+ 101\b")
_ANSWER: Final = b"HTTP/"
_END: Final = b"\r\n\r\n"


def begins_like_opening(octets: bytes) -> bool:
    """Whether octets begin with a head that has a field of the opening handshake."""
    end = octets.find(_END, 0, LARGEST_HEAD)
    return _FIELDS.search(octets[: end if end >= 0 else LARGEST_HEAD]) is not None


def from_opening(passed: Sequence[Passed], *, begins: bool) -> tuple[Passed, ...] | None:
    """What passed from the request of an opening handshake on, its client as the first end; None without one.

    `begins`: what passed is known from the first octet of both directions on.
    """
    for client in (True, False):
        sent = b"".join([one.what for one in passed if one.first is client and isinstance(one.what, bytes)])
        answers = b"".join([one.what for one in passed if one.first is not client and isinstance(one.what, bytes)])
        at = _request(sent, answers) if begins or _REQUEST.match(sent) else None
        if at is None:
            continue
        index = _index(passed, client, at)
        if index is None:
            continue
        if begins and at == 0:
            index = 0  # an end that writes before it is asked is seen to do so
        kept = tuple(Passed(one.first is client, one.what, one.time) for one in passed[index:])
        first = next((one.what for one in kept if not one.first and isinstance(one.what, bytes)), _ANSWER)
        if index == 0 or first.startswith(_ANSWER[: len(first)]):
            return kept
    return None


def _request(sent: bytes, answers: bytes) -> int | None:
    """Where the request of an opening handshake begins in the octets of one end."""
    if sent and _SWITCHES.match(answers) and begins_like_opening(answers):
        return 0
    at = 0
    while at < len(sent):
        end = sent.find(_END, at, at + LARGEST_HEAD)
        head = sent[at : end if end >= 0 else at + LARGEST_HEAD]
        if _FIELDS.search(head):
            return None if head.startswith(_ANSWER) else at
        if end < 0 or _BODY.search(head):
            return None
        at = end + len(_END)
    return None


def _index(passed: Sequence[Passed], client: bool, at: int) -> int | None:
    """The place in what passed where the octets of an end have an offset; None where that is inside a segment."""
    count = 0
    for index, one in enumerate(passed):
        if one.first is client and isinstance(one.what, bytes):
            if count >= at:
                return index if count == at else None
            count += len(one.what)
    return None
