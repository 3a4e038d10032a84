"""The steps of a case: what a tester does on a connection, and what the endpoint does itself (docs/cases.md).

Theory of operation. The tester plays the peer of the endpoint. Its steps are *actions*: it writes a frame, octets or a
head of HTTP, it waits (:class:`Settle`), or it ends its half of TCP. The steps of the endpoint stand in histories of
the model alone: a tester waits for those that its own actions prompt, and the judge decides about the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

from wsoracle.model.octets.frames import encode, encode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import Frame

from .data_sets import Excerpt

if TYPE_CHECKING:
    from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts

# --- the tester


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Write a frame, in writes of at most ``chop`` octets (None: in one).

    A frame without a key is masked by the tester where it is a client; in a case with exact octets (see `Case`) it is
    written without a mask. ``cut`` octets of the payload are written, and the rest follows as
    :class:`SendOctets` or never. ``length``: the header declares that length, and the payload is that of ``frame``
    again and again, made only when it is written. ``excerpt``: the payload is that excerpt, likewise.
    """

    frame: Frame
    chop: int | None = None
    cut: int | None = None
    length: int | None = None
    excerpt: Excerpt | None = None

    @property
    def size(self) -> int:
        """Octets of the payload that the header declares."""
        if self.excerpt is not None:
            return self.excerpt.size
        return self.frame.length if self.length is None else self.length

    @property
    def is_whole(self) -> bool:
        """Whether all octets that the header declares are written."""
        return self.cut is None or self.cut >= self.size

    @property
    def payload(self) -> bytes:
        """The octets of the payload that are written, unmasked."""
        pattern = self.frame.payload if self.excerpt is None else self.excerpt.octets
        count = self.size if self.cut is None else min(self.cut, self.size)
        if count <= len(pattern):
            return pattern[:count]
        return (pattern * (count // len(pattern) + 1))[:count]

    @property
    def written(self) -> Frame:
        """The frame with the payload that is written."""
        as_given = self.length is None and self.cut is None and self.excerpt is None
        return self.frame if as_given else replace(self.frame, payload=self.payload)

    @property
    def octets(self) -> bytes:
        """The octets on the wire, with the frame's own key or none."""
        return octets_of(self, None)


def unfinished(frame: Frame, declared: int) -> SendFrame:
    """A frame that is never completed: its header declares more octets than its payload has. ValueError if not more."""
    if declared <= frame.length:
        raise ValueError(
            f"declared says that octets of the payload are missing, so it is more than {frame.length}, not {declared}"
        )
    return SendFrame(frame, cut=frame.length, length=declared)


@dataclass(frozen=True, slots=True)
class SendOctets:
    """Write octets as they are. ``masked_from``: they are the payload of the frame sent last, from this offset on, and
    a client masks them with that frame's key."""

    octets: bytes
    chop: int | None = None
    masked_from: int | None = None

    def __post_init__(self) -> None:
        if not self.octets:
            raise ValueError("a step that sends octets has at least one")


@dataclass(frozen=True, slots=True)
class SendHead:
    """Write a head of HTTP: a request, or the response to the request that came; or octets that are no head.

    ``octets`` are a sample (`tester_handshake`): the tester puts the target and the host of the server, or the accept
    value for the real key, in the place of those of the sample. ``facts``: what they are, where that is known.
    """

    octets: bytes
    facts: RequestFacts | ResponseFacts | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Go on when the endpoint has taken in all that was sent, and has sent what it owes for that.

    Inside a frame, where no Ping can ask for that: go on as soon as nothing more can be learned without a wait.
    """


@dataclass(frozen=True, slots=True)
class EndSending:
    """Close the sending half of TCP."""


# --- the endpoint under test


@dataclass(frozen=True, slots=True)
class EndpointSends:
    """The endpoint sends a frame.

    `prompted`: what it received before makes it do so (a Pong, an echo, the answer to a Close), so that a tester can
    wait for the frame; otherwise its application sends it on its own, which no tester can bring about from outside.
    """

    frame: Frame
    prompted: bool = True

    @property
    def octets(self) -> bytes:
        """The octets on the wire."""
        return encode(self.frame)


@dataclass(frozen=True, slots=True)
class EndpointSendsHead:
    """The endpoint sends a head of HTTP; `octets` are a sample with these facts. `prompted`: see `EndpointSends`."""

    octets: bytes
    facts: RequestFacts | ResponseFacts
    prompted: bool = True


@dataclass(frozen=True, slots=True)
class EndpointClosesTcp:
    """The endpoint closes the TCP connection."""


@dataclass(frozen=True, slots=True)
class EndpointIsSilent:
    """The endpoint is observed to stay silent (quiescence)."""


Action: TypeAlias = SendFrame | SendOctets | SendHead | Settle | EndSending
CaseStep: TypeAlias = Action | EndpointSends | EndpointSendsHead | EndpointClosesTcp | EndpointIsSilent

ACTIONS: Final = (SendFrame, SendOctets, SendHead, Settle, EndSending)

WRITING: Final = (SendFrame, SendOctets, SendHead)
"""The actions that put octets on the wire."""


def octets_of(action: SendFrame | SendOctets, key: bytes | None) -> bytes:
    """The octets of an action on the wire: masked with ``key`` where there is one and the frame has none of its own."""
    if isinstance(action, SendOctets):
        if key is None or action.masked_from is None:
            return action.octets
        turned = key[action.masked_from % 4 :] + key[: action.masked_from % 4]
        return mask(action.octets, turned)
    frame, payload = action.frame, action.payload
    key = key if frame.key is None else frame.key
    header = encode_header(
        frame.opcode,
        action.size,
        fin=frame.fin,
        rsv1=frame.rsv1,
        rsv2=frame.rsv2,
        rsv3=frame.rsv3,
        key=key,
        form=frame.form,
    )
    return header + (payload if key is None else mask(payload, key))


def writes(octets: bytes, chop: int | None) -> Iterator[bytes]:
    """The octets in writes of at most ``chop`` octets."""
    if chop is None:
        yield octets
    else:
        for at in range(0, len(octets), chop):
            yield octets[at : at + chop]


def runs(actions: Sequence[Action]) -> Iterator[tuple[Action, int]]:
    """The actions in order, each with how often the same object stands there after itself."""
    for _, run in groupby(actions, key=id):
        same = list(run)
        yield same[0], len(same)
