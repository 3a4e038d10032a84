"""Candidates: answers that an endpoint could give in an opening handshake, allowed or not; the judge decides.

A server may complete it, refuse it with a status, drop TCP or be silent; a client may take the answer, or fail the
connection with and without a Close. After an open connection the endpoint follows the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from wsoracle.generators.cases.canonical import Answer, key_for, masked_close, written_close
from wsoracle.generators.cases.steps import (
    Action,
    EndSending,
    Greeting,
    SendFrame,
    SendHead,
    SendOctets,
    Settle,
    answer_to,
    octets_of,
    with_accept,
)
from wsoracle.model.endpoint.deflate import DeflateOffer
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.extension import Negotiable
from wsoracle.model.endpoint.handshake import Opening
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.facts.heads import SAMPLE_URI
from wsoracle.model.notation.variables import LARGEST_LENGTH
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CLOSE, NORMAL, Role
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Writes

from .outcome import Candidate

STATUSES: Final = (400, 403, 404, 426, 500, 200)
HEAD_END: Final = b"\r\n\r\n"


def head_candidates(actions: tuple[Action, ...], role: Role, *, extension: bool = False) -> Iterator[Candidate]:
    """All candidates, what an endpoint that follows the rules (with permessage-deflate or not) does first."""
    extensions = (DeflateOffer(),) if extension else ()
    return _by_server(actions, extensions) if role is Role.SERVER else _by_client(actions, extensions)


def _by_server(actions: tuple[Action, ...], extensions: Sequence[Negotiable]) -> Iterator[Candidate]:
    yield _canonical(actions, ServerOpening(extensions=extensions))
    arrives = _stimulus(actions, Role.SERVER, None)
    request = _request(b"".join(action.octets for action in actions if isinstance(action, SendHead)))
    ended = any(isinstance(action, EndSending) for action in actions)
    if request is not None and not ended:
        opens = answer_to(request, Greeting()).octets()
        end = (Arrives(masked_close(Role.SERVER, NORMAL)), Writes(written_close(Role.SERVER, NORMAL)), ClosesTcp())
        yield Candidate((*arrives, Writes(opens), Quiet(), *end), (), "completes the opening handshake: 101", "open")
    for status in STATUSES:
        versions = b"Sec-WebSocket-Version: 13\r\n" if status == 426 else b""
        head = b"HTTP/1.1 %d Refused\r\n%sConnection: close\r\nContent-Length: 0\r\n\r\n" % (status, versions)
        yield Candidate((*arrives, Writes(head), ClosesTcp()), (), "", "refuse", (status,))
    yield Candidate((*arrives, ClosesTcp()), (), "closes TCP without an answer", "open")
    yield Candidate((*arrives, Quiet()), (), "does not answer", "open")


def _by_client(actions: tuple[Action, ...], extensions: Sequence[Negotiable]) -> Iterator[Candidate]:
    opening = ClientOpening(f"ws://{SAMPLE_URI.host_header}{SAMPLE_URI.resource_name}", extensions=extensions)
    canonical = _canonical(actions, opening)
    yield canonical
    request = Endpoint(Role.CLIENT, limit=LARGEST_LENGTH, opening=opening).octets_to_send()
    arrives = _stimulus(actions, Role.CLIENT, _request(request))
    before = (Writes(request), *arrives)
    end = (ArrivesEof(), ClosesTcp())
    took = (Quiet(), Arrives(masked_close(Role.CLIENT, NORMAL)), Writes(written_close(Role.CLIENT, NORMAL)), *end)
    if not any(isinstance(action, EndSending) for action in actions):
        yield Candidate((*before, *took), (), "takes the connection for open", "open")
    yield Candidate((*before, ClosesTcp()), (), "closes TCP", "open")
    # Where an answer is owed, the tester has waited for it before the endpoint closes instead.
    pause = (Quiet(),) if canonical.events else ()
    fails = (*pause, Writes(written_close(Role.CLIENT, 1002)))
    yield Candidate((*before, *fails, *end), (), "sends Close 1002 and closes TCP", "open")
    silence = (Quiet(), Arrives(masked_close(Role.CLIENT, NORMAL)), Quiet())
    yield Candidate((*before, *silence), (), "does nothing more", "open")


def _request(octets: bytes) -> Request | None:
    """The request in octets that begin with one."""
    reader = HeadParser(Role.SERVER)
    reader.feed(octets)
    read = reader.result
    return read.head if isinstance(read, ParsedHead) and isinstance(read.head, Request) else None


def _stimulus(actions: tuple[Action, ...], role: Role, request: Request | None) -> list[Observation]:
    """Everything that arrives, at once."""
    octets = b"".join(_octets(action, role, request) for action in actions)
    found: list[Observation] = [Arrives(octets)] if octets else []
    return [*found, ArrivesEof()] if any(isinstance(action, EndSending) for action in actions) else found


def _octets(action: Action, role: Role, request: Request | None) -> bytes:
    if isinstance(action, SendHead):
        return with_accept(action.octets, request) if role is Role.CLIENT else action.octets
    return octets_of(action, key_for(role)) if isinstance(action, SendFrame | SendOctets) else b""


def _canonical(actions: tuple[Action, ...], opening: Opening) -> Candidate:
    """The behaviour of an endpoint that follows the rules, and how its connection ends."""
    role = opening.role
    endpoint = Endpoint(role, limit=LARGEST_LENGTH, echo=True, opening=opening)
    trace: list[Observation] = []
    written = b""
    request: Request | None = None

    def take() -> None:
        nonlocal written
        octets = endpoint.octets_to_send()
        if octets:
            trace.append(Writes(octets))
            written += octets

    take()
    if role is Role.CLIENT:
        request, written = _request(written), b""
    ended = False
    for action in actions:
        octets = _octets(action, role, request)
        if isinstance(action, EndSending):
            ended = True
            trace.append(ArrivesEof())
            endpoint.receive_eof()
        elif octets:
            trace.append(Arrives(octets))
            endpoint.receive(octets)
        take()
        if isinstance(action, Settle):
            trace.append(Quiet())
    opened = not endpoint.state.handshake
    if opened and not ended and endpoint.state.tcp_open and not endpoint.state.sent_close:
        trace.append(Quiet())
        trace.append(Arrives(masked_close(role, NORMAL)))
        endpoint.receive(masked_close(role, NORMAL))
        take()
    if role is Role.CLIENT and opened and not ended:
        trace.append(ArrivesEof())
    trace.append(ClosesTcp() if endpoint.wants_tcp_close or opened else Quiet())
    head, _, rest = written.partition(HEAD_END) if role is Role.SERVER else (b"", b"", written)
    frames, _ = frames_in(rest)
    events = tuple(
        Answer(len(actions), frame.header.opcode, frame.payload) for frame in frames if frame.header.opcode != CLOSE
    )
    status = None if opened or not head else int(head.split(b" ", 2)[1])
    if status is not None:
        return Candidate(tuple(trace), events, "", "refuse", (status,))
    return Candidate(tuple(trace), events, _canonical_words(role, opened, len(events)), "open")


def _canonical_words(role: Role, opened: bool, answers: int) -> str:
    if not opened:
        return "closes TCP without an answer" if role is Role.SERVER else "closes TCP"
    said = "completes the opening handshake: 101" if role is Role.SERVER else "takes the connection for open"
    return f"{said}; then answers what follows" if answers else said
