"""What is done with a conversation that has come to its end: it is judged, recorded and filed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from wsoracle.generators.cases.live_case import LiveCase
from wsoracle.generators.cases.tester_handshake import Greeting, answer_to, request_to
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import CLOSE, TEXT, Frame, Role
from wsoracle.properties.judge.verdict import Profile

from ..reports.entries import entry_of
from ..reports.index import index_page
from ..reports.page import case_page
from ..reports.stored_record import Place, file_record
from .controls import uncounted
from .judging import judge_conversation
from .log_entry import Entry
from .record import record_of
from .transcript import Facts, Finished

__all__ = ["get_ready", "record_finished"]


def record_finished(talk: Finished, facts: Facts, profile: Profile, place: Place | None = None) -> dict[str, Any]:
    """The record of a conversation, judged; with a ``place`` its files are written there. Raises OSError."""
    record = record_of(talk, judge_conversation(talk, profile), facts)
    if not facts.counts:
        uncounted(record)
    return record if place is None else file_record(record, place)


def get_ready(role: Role) -> None:
    """Do all of it once, for an endpoint of this role that echoes a message: what is made on first use is there then.

    That is a good part of a second: rules become functions, templates are read.
    """
    uri, greeting = parse_uri("ws://127.0.0.1/"), Greeting()
    request = request_to(uri, greeting, bytes(16))
    exchanged = [(Role.CLIENT, request.octets()), (Role.SERVER, answer_to(request, greeting).octets())]
    for opcode, payload in ((TEXT, b"echo"), (CLOSE, b"")):
        for sender in (role.peer, role):
            key = b"wxyz" if sender is Role.CLIENT else None
            exchanged.append((sender, encode(Frame(opcode, payload, key=key))))
    log = [Entry(0.0, "received" if sender is role else "sent", octets) for sender, octets in exchanged]
    log.append(Entry(0.0, "closed by peer"))
    case = LiveCase("1.1.1", "", "", ("",), ())
    talk = Finished(case, role, uri, log, True, True, False, [], None, None, Counter())
    record = record_finished(talk, Facts("", 1, datetime.now(UTC), 0.0, None, 0), "interop")
    case_page(record)
    index_page({"": {case.id: entry_of(record, "")}})
