"""A request or a response of the opening handshake explained, as the endpoint that receives it reads it.

The rules that bind the sender are asked as well: a head may be accepted although it should not have been sent.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.facts.heads import facts_of_request, facts_of_response, reasons_of_facts
from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, HeadFacts, RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, Setting, State
from wsoracle.model.octets.header_values import parse_extensions
from wsoracle.model.octets.http import Head, HeadParser, Malformed, ParsedHead, Request, Response
from wsoracle.model.octets.vocabulary import Role

from .explanation import AsSent, ExplainedOctets, ExplainError, HeadReading, Owed, UnitReading
from .head_lines import HeadLine, absent_fields, bare_lines, head_lines
from .nearest_head import nearest_head
from .reader import Reader

_AWAITING: Final = State(handshake=HANDSHAKE.index("awaiting 101"))
_OPENS: Final = ("opening handshake", "open")


def explain_request(octets: bytes, setting: Setting) -> ExplainedOctets[HeadReading]:
    """A request that a server of this setting reads as the first thing on a connection."""
    return _HeadExplainer(EventKind.RECEIVE_REQUEST, setting, CONNECTING, CONNECTING, None).explain(octets)


def explain_response(octets: bytes, setting: Setting, request: Request | None = None) -> ExplainedOctets[HeadReading]:
    """A response that a client of this setting reads after its request.

    Where the request is not known, it is assumed to be one that the response fits, as far as there is such a request.
    """
    stage = _AWAITING if request is None else _server_after(request, setting)
    return _HeadExplainer(EventKind.RECEIVE_RESPONSE, setting, _AWAITING, stage, request).explain(octets)


def request_of(octets: bytes) -> Request:
    """The request in these octets. Raises :class:`ExplainError` where they are no request."""
    result = _read(Role.SERVER, octets)
    if result is None:
        raise ExplainError("it is not a whole request: it ends before its empty line")
    if isinstance(result, Malformed) or not isinstance(result.head, Request):
        raise ExplainError(
            f"it is not a request: {result.why if isinstance(result, Malformed) else 'it is a response'}"
        )
    return result.head


def _read(role: Role, octets: bytes) -> ParsedHead | Malformed | None:
    reader = HeadParser(role)
    reader.feed(octets)
    return reader.result


def _server_after(request: Request, setting: Setting) -> State:
    """The state of a server that has read the request and follows the rules that bind it."""
    event = Event.of(EventKind.RECEIVE_REQUEST, facts_of_request(ParsedHead(request, b"", b"")))
    return Reader(Setting(Role.SERVER, switches=setting.switches)).read(b"", CONNECTING, event).after


class _HeadExplainer(Reader):
    """Explains one head, for the endpoint that reads it and for the one that sent it."""

    def __init__(
        self, kind: EventKind, setting: Setting, before: State, sender_before: State, request: Request | None
    ) -> None:
        super().__init__(setting)
        self.kind: Final = kind
        self.before: Final = before
        self.sender: Final = Reader(Setting(setting.role.peer, switches=setting.switches))
        self.sender_before: Final = sender_before
        self.sends: Final = EventKind.SEND_REQUEST if kind is EventKind.RECEIVE_REQUEST else EventKind.SEND_RESPONSE
        self.request: Final = request

    def explain(self, octets: bytes) -> ExplainedOctets[HeadReading]:
        result = _read(self.setting.role, octets)
        if result is None:
            nothing = RequestFacts() if self.kind is EventKind.RECEIVE_REQUEST else ResponseFacts()
            sent = AsSent(self.sender.setting, self.sender_before)
            reading = self._reading(
                UnitReading(octets, self.before, self.before, nothing, sent=sent), bare_lines(octets), missing=True
            )
            notes: tuple[str, ...] = ()
        else:
            facts, notes = self._facts(result)
            reading = self._whole(result, facts, rest=len(octets) - len(result.octets))
        return ExplainedOctets(self.setting, self.before, (reading,), notes=notes)

    def _whole(self, result: ParsedHead | Malformed, facts: HeadFacts, rest: int) -> HeadReading:
        """A complete head, or octets that are no head."""
        event, octets = Event.of(self.kind, facts), result.octets
        read = self.read(octets, self.before, event)
        breaks = self.sender.machine.forbidden_by(self.sender_before, Event.of(self.sends, facts))
        read = replace(
            read,
            owed=tuple(self._owed(read.outcomes[0], octets)),
            disputes=tuple(self.disputes(self.before, event)),
            sent=AsSent(self.sender.setting, self.sender_before, breaks),
        )
        if isinstance(result, Malformed):
            return self._reading(read, bare_lines(octets), malformed=result.why, rest=rest)
        sound = type(facts)()._asdict()
        named = {name for rule in (*read.refusals, *breaks) for name in variables(rule.when)} & set(HEAD_VARIABLES)
        wrong = {name for name in named if getattr(facts, name, None) != sound.get(name)}
        mended = None
        if not self._is_sound(facts):
            mended = nearest_head(result.head, facts, self.request, self._is_sound_head)
        reasons = self._reasons(result, facts)
        lines, absent = tuple(head_lines(octets, facts, wrong, reasons)), tuple(absent_fields(facts))
        tolerated = result.tolerated or None
        return self._reading(read, lines, absent=absent, tolerated=tolerated, rest=rest, mended=mended)

    def _reading(self, read: UnitReading, lines: tuple[HeadLine, ...], **more: Any) -> HeadReading:
        return HeadReading(**vars(read), kind=self.kind, lines=lines, **more)

    def _facts(self, result: ParsedHead | Malformed) -> tuple[HeadFacts, tuple[str, ...]]:
        if self.kind is EventKind.RECEIVE_REQUEST:
            return facts_of_request(result), ()
        if self.request is not None or isinstance(result, Malformed):
            return facts_of_response(result, self.request), ()
        assert isinstance(result.head, Response)
        facts = facts_of_response(result, _fitting(result.head))
        accepts = result.head.values("Sec-WebSocket-Accept")
        if len(accepts) == 1 and _could_be_accept(accepts[0]):
            facts = facts._replace(accept=value_of("accept", "right"))
        note = "the request is not known (--to FILE names it): it is assumed to offer what the response selects"
        if facts.accept == value_of("accept", "right"):
            note += ", and to have the key that Sec-WebSocket-Accept fits"
        return facts, (note,)

    def _reasons(self, result: ParsedHead, facts: HeadFacts) -> dict[str, str]:
        """Why facts have their values; not where the value is one that was assumed."""
        request = _fitting(result.head) if self.request is None and isinstance(result.head, Response) else self.request
        reasons = reasons_of_facts(result, request)
        if isinstance(facts, ResponseFacts) and facts.accept == value_of("accept", "right"):
            reasons.pop("accept", None)
        return reasons

    def _owed(self, followed: Outcome, octets: bytes) -> Iterator[Owed]:
        for due, rule in self.machine.owed(followed.state):
            yield Owed(due, rule, self._answer(octets, followed) if due is Due.RESPONSE else b"")

    def _answer(self, octets: bytes, followed: Outcome) -> bytes:
        """The answer of the canonical server, whose application is willing, to a request."""
        server = ServerOpening().begin()
        server.read(octets)
        server.received(followed)
        for ready in server.to_send():
            if isinstance(ready.head, Response) and self.machine.allowed(
                followed.state, Event.of(EventKind.SEND_RESPONSE, ready.facts)
            ):
                return ready.head.octets()
        return b""

    def _is_sound_head(self, head: Head) -> bool:
        read = _read(self.setting.role, head.octets())
        return isinstance(read, ParsedHead) and self._is_sound(self._facts(read)[0])

    def _is_sound(self, facts: HeadFacts) -> bool:
        """The head may be sent, and the reader may take it: a handshake, an answer that opens, or a refusal."""
        if not self.sender.machine.allowed(self.sender_before, Event.of(self.sends, facts)):
            return False
        outcomes = self.machine.allowed(self.before, Event.of(self.kind, facts))
        if isinstance(facts, ResponseFacts) and facts.status != 101:
            return any(outcome.label.kind is Kind.ACCEPT for outcome in outcomes)
        return any(outcome.label.delivers in _OPENS for outcome in outcomes)


def _fitting(response: Response) -> Request:
    """A request that offers what the response takes up."""
    offers = [extension.name for extension in parse_extensions(response.values("Sec-WebSocket-Extensions")) or ()]
    fields = [("Sec-WebSocket-Protocol", value) for value in response.values("Sec-WebSocket-Protocol")]
    fields += [("Sec-WebSocket-Extensions", name) for name in offers]
    return Request("1.1", tuple(fields), "GET", "/")


def _could_be_accept(value: str) -> bool:
    """The value is base64 of as many octets as SHA-1 gives."""
    try:
        return len(b64decode(value.strip(" \t"), validate=True)) == 20
    except ValueError:
        return False
