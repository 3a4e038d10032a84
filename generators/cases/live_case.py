"""A live case: what a tester does on a connection to a running endpoint, whichever role the endpoint has.

Theory of operation. A live case holds a stimulus and nothing about what should come of it: the judge says that of the
trace. So one case tests servers and clients alike: its frames are masked only when a tester in the role of the client
writes them. Where the exact octets matter (a case of docs/cases.md about one role), they are given as octets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias

from wsoracle.model.octets.frames import encode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import Frame, Role
from wsoracle.properties.judge.verdict import TAKEN_BY_ALL

__all__ = [
    "Action",
    "EndSending",
    "LiveCase",
    "SendFrame",
    "SendHead",
    "SendOctets",
    "Settle",
    "octets_of",
    "writes",
]


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Write a frame, in writes of at most ``chop`` octets (None: in one).

    The frame has no key of its own: the tester masks it where it is a client. ``cut``: only so many octets of the
    payload are written, and what is missing follows as :class:`SendOctets` or never. ``length``: the payload of
    ``frame`` again and again, up to so many octets, made only when it is written.
    """

    frame: Frame
    chop: int | None = None
    cut: int | None = None
    length: int | None = None

    @property
    def size(self) -> int:
        """Octets of the payload that the header declares."""
        return self.frame.length if self.length is None else self.length

    @property
    def payload(self) -> bytes:
        """All of the payload, unmasked."""
        pattern = self.frame.payload
        if self.length is None or self.length == len(pattern):
            return pattern
        return (pattern * (self.length // len(pattern) + 1))[: self.length]

    @property
    def whole(self) -> Frame:
        """The frame with all of its payload."""
        return self.frame if self.length is None else replace(self.frame, payload=self.payload)


@dataclass(frozen=True, slots=True)
class SendOctets:
    """Write octets as they are. ``masked_from``: they are the payload of the frame sent last, from this offset on, and
    a client masks them with that frame's key."""

    octets: bytes
    chop: int | None = None
    masked_from: int | None = None


@dataclass(frozen=True, slots=True)
class SendHead:
    """Write a head of HTTP: a request, or the response to the request that came.

    ``octets`` are a sample (`head_facts`): the tester puts the target and the host of the server, or the accept value
    for the real key, in the place of those of the sample.
    """

    octets: bytes


@dataclass(frozen=True, slots=True)
class Settle:
    """Go on when the endpoint has taken in all that was sent, and has sent what it owes for that.

    Inside a frame, where no Ping can ask for that: go on as soon as nothing more can be learned without a wait.
    """


@dataclass(frozen=True, slots=True)
class EndSending:
    """Close the sending half of TCP."""


Action: TypeAlias = SendFrame | SendOctets | SendHead | Settle | EndSending

BOTH: Final = frozenset(Role)


@dataclass(frozen=True)
class LiveCase:
    """One case for running endpoints.

    `id`         what selects and names it
    `title`      one line for lists
    `stimulus`   what is sent, in a sentence or two for people
    `group`      the titles of its group and, if any, subgroup
    `actions`    what the tester does after the opening handshake; with `opening`, from the first octet on
    `roles`      the roles of the endpoints that it can test
    `control`    the id of the nearest legal case, which the same endpoint must answer for this one to count
    `opening`    it makes its own opening handshake
    `quotes`     ids of the rules that it is about, where it was made for some
    `origin`     where it comes from, for one that was generated
    `log`        whether the report lists every write and read (no for thousands of round trips)
    `seconds`    how long it may take at all, whatever the endpoint does
    """

    id: str
    title: str
    stimulus: str
    group: tuple[str, ...]
    actions: tuple[Action, ...]
    roles: frozenset[Role] = BOTH
    control: str | None = None
    opening: bool = False
    quotes: tuple[str, ...] = ()
    log: bool = True
    seconds: float = 30.0
    origin: str = ""

    @cached_property
    def size(self) -> int:
        """Octets of all payloads."""
        return sum(action.size for action in self.actions if isinstance(action, SendFrame))

    @property
    def may_be_too_big(self) -> bool:
        """Whether an endpoint may refuse it by a limit that it nowhere states (section 10.4).

        Of less than that nobody is thought to have one: else a refusal for its size would excuse any other.
        """
        return self.size > TAKEN_BY_ALL

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames that are sent whole, unmasked."""
        return tuple(action.whole for action in self.actions if isinstance(action, SendFrame) and action.cut is None)


def octets_of(action: SendFrame | SendOctets, key: bytes | None) -> bytes:
    """What an action puts on the wire: masked with ``key`` where there is one."""
    if isinstance(action, SendOctets):
        if key is None or action.masked_from is None:
            return action.octets
        turned = key[action.masked_from % 4 :] + key[: action.masked_from % 4]
        return mask(action.octets, turned)
    frame, payload = action.frame, action.payload
    key = key if frame.key is None else frame.key
    header = encode_header(
        frame.opcode,
        len(payload),
        fin=frame.fin,
        rsv1=frame.rsv1,
        rsv2=frame.rsv2,
        rsv3=frame.rsv3,
        key=key,
        form=frame.form,
    )
    payload = payload if action.cut is None else payload[: action.cut]
    return header + (payload if key is None else mask(payload, key))


def writes(octets: bytes, chop: int | None) -> Iterator[bytes]:
    """The octets in writes of at most ``chop`` octets."""
    if chop is None:
        yield octets
    else:
        for at in range(0, len(octets), chop):
            yield octets[at : at + chop]
