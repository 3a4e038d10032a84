"""A request or a response of the opening handshake explained: its facts line by line, the rules, what would mend it.

:func:`explain_request` and :func:`explain_response` take the octets of one head and give a :class:`HeadExplanation`;
``head_explanation_text`` says it in words. :func:`octets_of_text` makes octets of what was written in an editor.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeAlias

from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI, facts_of_request, facts_of_response
from wsoracle.model.machine.interpreted import Kind, Outcome, allowed, forbidden_by, owed
from wsoracle.model.notation.expression import Expr, Op, all_of, evaluate, variables
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import Due, Rule
from wsoracle.model.notation.switches import SWITCHES, Switch, Switches
from wsoracle.model.notation.variables import (
    CONNECTING,
    HANDSHAKE,
    Event,
    EventKind,
    Setting,
    State,
    environment,
    label,
)
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.header_values import parse_extensions, parse_tokens
from wsoracle.model.octets.http import HEAD_LIMIT, HeadReader, Malformed, Read, Request, Response
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .frames import ExplainError, because

HeadFacts: TypeAlias = RequestFacts | ResponseFacts


# --- from text to octets --------------------------------------------------------------------------------------------


class Written(NamedTuple):
    """Octets of a head, and what was done to the text that they come from."""

    octets: bytes
    notes: tuple[str, ...] = ()


_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def octets_of_text(text: bytes, *, exact: bool = False) -> Written:
    """The octets that a text stands for. Raises :class:`ExplainError` for an empty one.

    Where no line ends with CRLF, the text comes from an editor: each LF is taken for CRLF. Where the empty line at the
    end is missing, it is added. ``exact``: the octets are as they are.
    """
    if not text:
        raise ExplainError("there is no head to explain: it begins with a line such as GET /chat HTTP/1.1")
    if exact:
        return Written(text)
    notes = []
    octets = text
    if b"\r\n" not in text and b"\n" in text:
        octets = text.replace(b"\n", b"\r\n")
        notes.append("its lines end with LF alone: each was taken for CRLF (--exact leaves them as they are)")
    ends = b"\r\n\r\n" in octets or b"\n\n" in octets
    if not ends and len(octets) < HEAD_LIMIT and not _NO_TEXT.search(octets):
        octets += b"\r\n" if octets.endswith(b"\n") else b"\r\n\r\n"
        notes.append("the empty line at its end was missing, and was added (--exact leaves it out)")
    return Written(octets, tuple(notes))


# --- what an explanation holds --------------------------------------------------------------------------------------


class Fact(NamedTuple):
    """A fact of the head and its value in words; ``wrong``: a rule speaks against the head because of it."""

    name: str
    words: str
    wrong: bool = False


class HeadLine(NamedTuple):
    """A line of the head without its end, the facts that it gives, and a remark where it gives none."""

    octets: bytes
    facts: tuple[Fact, ...] = ()
    remark: str = ""


class HeadOwed(NamedTuple):
    """What is owed after the head, the rule that says so, and the answer that the canonical endpoint would give."""

    due: Due
    rule: Rule
    answer: Request | Response | None = None


class HeadDispute(NamedTuple):
    """A disputed point that decides about the head: with another value of the switch other outcomes are allowed."""

    switch: Switch
    value: str
    outcomes: tuple[Outcome, ...]


class Mended(NamedTuple):
    """The nearest head that may be sent and that opens the connection: what was changed, in words, and the head."""

    changes: tuple[str, ...]
    head: Request | Response


@dataclass(frozen=True)
class HeadExplanation:
    """A head explained.

    ``malformed`` says why the octets are no head, and ``missing`` that they end before it does; there are no outcomes
    then. ``outcomes`` are what the reader may do, the one that is followed first; ``departing`` break only SHOULD or
    CONSENSUS rules; ``refusals`` bind the reader against it, ``breaks`` bind who sent it. ``rest``: octets after it.
    """

    setting: Setting
    kind: EventKind
    octets: bytes
    before: State
    sender: Setting
    sender_before: State
    facts: HeadFacts
    lines: tuple[HeadLine, ...]
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    malformed: str | None = None
    missing: bool = False
    rest: int = 0
    outcomes: tuple[Outcome, ...] = ()
    departing: tuple[Outcome, ...] = ()
    refusals: tuple[Rule, ...] = ()
    breaks: tuple[Rule, ...] = ()
    owed: tuple[HeadOwed, ...] = ()
    disputes: tuple[HeadDispute, ...] = ()
    mended: Mended | None = None

    @property
    def after(self) -> State:
        """Where the reader stands after the outcome that is followed."""
        return self.outcomes[0].state if self.outcomes else self.before


_NO_FIELD: Final = {
    "host": "Host",
    "upgrade": "Upgrade",
    "connection": "Connection",
    "key": "Sec-WebSocket-Key",
    "version": "Sec-WebSocket-Version",
    "protocols": "Sec-WebSocket-Protocol",
    "offers": "Sec-WebSocket-Extensions",
    "origin": "Origin",
    "accept": "Sec-WebSocket-Accept",
    "subprotocol": "Sec-WebSocket-Protocol",
    "extensions": "Sec-WebSocket-Extensions",
    "versions": "Sec-WebSocket-Version",
}
"""The field that gives a fact."""

_FIRST_LINE: Final[Mapping[type, tuple[str, ...]]] = {
    RequestFacts: ("method_get", "target", "http"),
    ResponseFacts: ("http", "status"),
}
_BODY_FIELDS: Final = ("content-length", "transfer-encoding")
_AWAITING: Final = State(handshake=HANDSHAKE.index("awaiting 101"))
_OPENS: Final = ("opening handshake", "open")


# --- explaining -----------------------------------------------------------------------------------------------------


def explain_request(octets: bytes, setting: Setting) -> HeadExplanation:
    """A request that a server of this setting reads as the first thing on a connection."""
    return _Explainer(EventKind.RECEIVE_REQUEST, setting, CONNECTING, CONNECTING, None).explain(octets)


def explain_response(octets: bytes, setting: Setting, request: Request | None = None) -> HeadExplanation:
    """A response that a client of this setting reads after its request.

    Without the request nobody can know what was offered, and which key was sent: what could be right is taken for it.
    """
    stage = _AWAITING if request is None else _server_after(request, setting)
    return _Explainer(EventKind.RECEIVE_RESPONSE, setting, _AWAITING, stage, request).explain(octets)


def request_of(octets: bytes) -> Request:
    """The request that octets are. Raises :class:`ExplainError` where they are none."""
    result = _read(Role.SERVER, octets)
    if result is None:
        raise ExplainError("it is no whole request: it ends before its empty line")
    if isinstance(result, Malformed) or not isinstance(result.head, Request):
        raise ExplainError(f"it is no request: {result.why if isinstance(result, Malformed) else 'it is a response'}")
    return result.head


def _read(role: Role, octets: bytes) -> Read | Malformed | None:
    reader = HeadReader(role)
    reader.feed(octets)
    return reader.result


def _server_after(request: Request, setting: Setting) -> State:
    """Where a server stands that has read the request and follows what binds it."""
    facts = facts_of_request(Read(request, b"", b""))
    server = Setting(Role.SERVER, switches=setting.switches)
    outcomes = allowed(CONNECTING, Event.of(EventKind.RECEIVE_REQUEST, facts), server)
    return min(outcomes, key=_following).state


_FOLLOWED: Final = (Kind.ACCEPT, Kind.REFUSE, Kind.FAIL, Kind.IGNORE, Kind.PERMIT)


def _following(outcome: Outcome) -> tuple[int, int]:
    return _FOLLOWED.index(outcome.label.kind), outcome.label.code or 0


def reason(rule: Rule, setting: Setting, state: State, facts: HeadFacts) -> Expr | None:
    """Why an enabled rule is enabled, as far as that sets the head apart from a sound one; None where nothing does."""
    sound = environment(setting, state, type(facts)())
    parts = [part for part in _conjuncts(because(rule, setting, state, facts)) if not evaluate(part, sound)]
    return all_of(parts) if parts else None


def _conjuncts(guard: Expr) -> Iterator[Expr]:
    if isinstance(guard, Op) and guard.op == "and":
        for arg in guard.args:
            yield from _conjuncts(arg)
    else:
        yield guard


class _Explainer:
    """Explains one head, for the endpoint that reads it and for the one that sent it."""

    def __init__(
        self, kind: EventKind, setting: Setting, before: State, sender_before: State, request: Request | None
    ) -> None:
        self.kind: Final = kind
        self.setting: Final = setting
        self.before: Final = before
        self.sender: Final = Setting(setting.role.peer, switches=setting.switches)
        self.sender_before: Final = sender_before
        self.sends: Final = EventKind.SEND_REQUEST if kind is EventKind.RECEIVE_REQUEST else EventKind.SEND_RESPONSE
        self.request: Final = request

    def explain(self, octets: bytes) -> HeadExplanation:
        result = _read(self.setting.role, octets)
        if result is None:
            facts: HeadFacts = RequestFacts() if self.kind is EventKind.RECEIVE_REQUEST else ResponseFacts()
            return self._explanation(octets, facts, _bare_lines(octets), missing=True)
        facts, notes = self._facts(result)
        event = Event.of(self.kind, facts)
        every = allowed(self.before, event, self.setting, departures=True)
        outcomes = tuple(sorted((o for o in every if not o.departs_from), key=_following))
        refusals = forbidden_by(self.before, event, self.setting)
        breaks = forbidden_by(self.sender_before, Event.of(self.sends, facts), self.sender)
        head = result.head if isinstance(result, Read) else None
        wrong = {name for rule in (*refusals, *breaks) for name in variables(rule.when)} & set(HEAD_VARIABLES)
        sound = type(facts)()._asdict()
        wrong = {name for name in wrong if getattr(facts, name) != sound[name]}
        return self._explanation(
            result.octets,
            facts,
            _bare_lines(result.octets) if head is None else tuple(_lines(result.octets, facts, wrong)),
            absent=() if head is None else tuple(_absent(facts)),
            notes=notes,
            malformed=result.why if isinstance(result, Malformed) else None,
            rest=len(result.rest) if isinstance(result, Read) else len(octets) - len(result.octets),
            outcomes=outcomes,
            departing=tuple(o for o in every if o.departs_from),
            refusals=refusals,
            breaks=breaks,
            owed=tuple(self._owed(outcomes[0], result.octets)),
            disputes=tuple(self._disputes(event)),
            mended=None if head is None else self._mended(head, facts),
        )

    def _explanation(
        self, octets: bytes, facts: HeadFacts, lines: tuple[HeadLine, ...], **more: Any
    ) -> HeadExplanation:
        return HeadExplanation(
            self.setting, self.kind, octets, self.before, self.sender, self.sender_before, facts, lines, **more
        )

    def _facts(self, result: Read | Malformed) -> tuple[HeadFacts, tuple[str, ...]]:
        if self.kind is EventKind.RECEIVE_REQUEST:
            return facts_of_request(result), ()
        if self.request is not None or isinstance(result, Malformed):
            return facts_of_response(result, self.request), ()
        assert isinstance(result.head, Response)
        facts = facts_of_response(result, _fitting(result.head))
        accepts = result.head.values("Sec-WebSocket-Accept")
        if len(accepts) == 1 and _could_be_accept(accepts[0]):
            facts = facts._replace(accept=value_of("accept", "right"))
        note = "the request is not known (--to FILE names it): what the answer takes up was offered, it is assumed"
        if facts.accept == value_of("accept", "right"):
            note += ", and Sec-WebSocket-Accept fits the key"
        return facts, (note,)

    def _owed(self, followed: Outcome, octets: bytes) -> Iterator[HeadOwed]:
        for due, rule in owed(followed.state, self.setting):
            yield HeadOwed(due, rule, self._answer(octets, followed) if due is Due.RESPONSE else None)

    def _answer(self, octets: bytes, followed: Outcome) -> Response | None:
        """What the canonical server, whose application is willing, answers to a request."""
        server = ServerOpening().begin()
        server.read(octets)
        server.received(followed)
        for ready in server.to_send():
            if isinstance(ready.head, Response) and allowed(
                followed.state, Event.of(EventKind.SEND_RESPONSE, ready.facts), self.setting
            ):
                return ready.head
        return None

    def _disputes(self, event: Event) -> Iterator[HeadDispute]:
        now = {outcome.label for outcome in allowed(self.before, event, self.setting)}
        for switch in SWITCHES:
            if not any(switch.variable.name in variables(rule.when) for rule in RULES.of(event.kind)):
                continue
            for value in switch.values:
                if value != self.setting.switches[switch.name]:
                    other = replace(self.setting, switches=_changed(self.setting, switch.name, value))
                    outcomes = allowed(self.before, event, other)
                    if {outcome.label for outcome in outcomes} != now:
                        yield HeadDispute(switch, value, outcomes)

    # --- the nearest sound head -------------------------------------------------------------------------------------

    def _sound(self, facts: HeadFacts) -> bool:
        """The head may be sent, and the reader may take it: a handshake, an answer that opens, or a refusal."""
        if not allowed(self.sender_before, Event.of(self.sends, facts), self.sender):
            return False
        outcomes = allowed(self.before, Event.of(self.kind, facts), self.setting)
        if isinstance(facts, ResponseFacts) and facts.status != 101:
            return any(outcome.label.kind is Kind.ACCEPT for outcome in outcomes)
        return any(outcome.label.delivers in _OPENS for outcome in outcomes)

    def _mended(self, head: Request | Response, facts: HeadFacts) -> Mended | None:
        """The head with as few facts mended as will do; None where nothing has to be, or nothing helps."""
        if self._sound(facts):
            return None
        mends = _REQUEST_MENDS if isinstance(head, Request) else _RESPONSE_MENDS
        sound = type(facts)()._asdict()
        left = [name for name in mends if getattr(facts, name) != sound[name]]
        for name in list(left):
            fewer = [other for other in left if other != name]
            if self._try(head, fewer) is not None:
                left = fewer
        # An answer of 101 to what must be refused cannot be mended as such.
        others = ["status"], ["status", "versions"]
        for names in (left, *(others if isinstance(head, Response) else ())):
            made = self._try(head, names)
            if made is not None:
                return Mended(tuple(mends[name].words for name in names), made)
        return None

    def _try(self, head: Request | Response, names: list[str]) -> Request | Response | None:
        """The head with these facts mended, where that makes it sound."""
        if isinstance(head, Request):
            for name in names:
                head = _REQUEST_MENDS[name].change(head, None)
        else:
            for name in names:
                head = _RESPONSE_MENDS[name].change(head, self.request)
        read = _read(self.setting.role, head.octets())
        return head if isinstance(read, Read) and self._sound(self._facts(read)[0]) else None


def _changed(setting: Setting, name: str, value: str) -> Switches:
    return Switches(**{**setting.switches, name: value})


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


# --- lines ----------------------------------------------------------------------------------------------------------


def _bare_lines(octets: bytes) -> tuple[HeadLine, ...]:
    lines = octets.split(b"\n")
    return tuple(HeadLine(line.removesuffix(b"\r")) for line in (lines[:-1] if lines[-1] == b"" else lines))


def _lines(octets: bytes, facts: HeadFacts, wrong: set[str]) -> Iterator[HeadLine]:
    """Each line of a head with the facts that it gives."""
    first = True
    for line, *_ in _bare_lines(octets):
        name = line.partition(b":")[0].decode("latin-1").strip().lower()
        names = [fact for fact, field in _NO_FIELD.items() if fact in facts._fields and field.lower() == name]
        if not line:
            yield HeadLine(line, remark="an empty line before the head: passed over" if first else "the end")
        elif first:
            first = False
            yield HeadLine(line, _said(facts, _FIRST_LINE[type(facts)], wrong))
        elif line[:1] in b" \t":
            yield HeadLine(line, remark="folded: it belongs to the line before")
        elif name in _BODY_FIELDS:
            yield HeadLine(line, _said(facts, ("body",), wrong))
        elif names:
            yield HeadLine(line, _said(facts, names, wrong))
        else:
            yield HeadLine(line, remark="no part of the handshake")


def _said(facts: HeadFacts, names: tuple[str, ...] | list[str], wrong: set[str]) -> tuple[Fact, ...]:
    return tuple(Fact(name, label(name, getattr(facts, name)), name in wrong) for name in names)


def _absent(facts: HeadFacts) -> Iterator[str]:
    """The fields of the handshake that are not there."""
    for name, field in _NO_FIELD.items():
        if name in facts._fields and label(name, getattr(facts, name)) == "absent":
            yield field


# --- mending --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mend:
    """How a fact of a head is mended, in words and in deed; a response is mended against its request."""

    words: str
    change: Callable[..., Request | Response]


def _with_field(head: Request | Response, name: str, values: tuple[str, ...]) -> Request | Response:
    """The head with the fields of a name replaced, where the first of them was."""
    rest = [(field, value) for field, value in head.headers if field.lower() != name.lower()]
    at = next((i for i, (field, _) in enumerate(head.headers) if field.lower() == name.lower()), len(rest))
    rest[at:at] = [(name, value) for value in values]
    return replace(head, headers=tuple(rest))


def _field(name: str, *values: str) -> Callable[..., Request | Response]:
    def change(head: Request | Response, request: Request | None) -> Request | Response:
        return _with_field(head, name, values)

    return change


def _upgrade_too(head: Request | Response, request: Request | None) -> Request | Response:
    tokens = [t for t in parse_tokens(head.values("Connection")) or () if t.lower() != "upgrade"]
    return _with_field(head, "Connection", (", ".join([*tokens, "Upgrade"]),))


def _each_once(head: Request | Response, request: Request | None) -> Request | Response:
    tokens = list(dict.fromkeys(parse_tokens(head.values("Sec-WebSocket-Protocol")) or ()))
    return _with_field(head, "Sec-WebSocket-Protocol", (", ".join(tokens),) if tokens else ())


def _right_accept(head: Request | Response, request: Request | None) -> Request | Response:
    keys = [SAMPLE_KEY] if request is None else request.values("Sec-WebSocket-Key")
    return _with_field(head, "Sec-WebSocket-Accept", (accept_value(keys[0] if keys else ""),))


def _without_body(head: Request | Response, request: Request | None) -> Request | Response:
    return _with_field(_with_field(head, "Content-Length", ()), "Transfer-Encoding", ())


def _fit_target(head: Request, request: None) -> Request:
    path = head.target.partition("#")[0]
    return replace(head, target=path if path.startswith("/") and path.isascii() and path.isprintable() else "/")


_SHARED: Final = {
    "syntax": _Mend("each line ends with CRLF, without folded lines and NUL", lambda head, _: head),
    "http": _Mend("the version of HTTP is 1.1", lambda head, _: replace(head, version="1.1")),
    "connection": _Mend("Connection has the token Upgrade, once", _upgrade_too),
    "upgrade": _Mend("Upgrade is websocket", _field("Upgrade", "websocket")),
    "body": _Mend("no body is announced", _without_body),
}
_REQUEST_MENDS: Final[Mapping[str, _Mend]] = {
    **_SHARED,
    "method_get": _Mend("the method is GET", lambda head, _: replace(head, method="GET")),
    "target": _Mend("the target is a path, perhaps with a query", _fit_target),
    "host": _Mend("there is one Host field with host and port", _field("Host", SAMPLE_URI.host_header)),
    "key": _Mend(
        "there is one Sec-WebSocket-Key: 16 octets at random, in base64", _field("Sec-WebSocket-Key", SAMPLE_KEY)
    ),
    "version": _Mend("there is one Sec-WebSocket-Version, 13", _field("Sec-WebSocket-Version", "13")),
    "protocols": _Mend("Sec-WebSocket-Protocol is a list of tokens, each once, or left out", _each_once),
    "offers": _Mend("Sec-WebSocket-Extensions is left out", _field("Sec-WebSocket-Extensions")),
    "origin": _Mend("Origin is left out", _field("Origin")),
}
_RESPONSE_MENDS: Final[Mapping[str, _Mend]] = {
    **_SHARED,
    "accept": _Mend("there is one Sec-WebSocket-Accept, made from the key", _right_accept),
    "subprotocol": _Mend("Sec-WebSocket-Protocol is left out", _field("Sec-WebSocket-Protocol")),
    "extensions": _Mend("Sec-WebSocket-Extensions is left out", _field("Sec-WebSocket-Extensions")),
    "versions": _Mend("Sec-WebSocket-Version lists the versions, 13 among them", _field("Sec-WebSocket-Version", "13")),
    "status": _Mend(
        "the status is an error, 400 or more", lambda head, _: replace(head, status=400, reason="Bad Request")
    ),
}

__all__ = [
    "Fact",
    "HeadDispute",
    "HeadExplanation",
    "HeadLine",
    "HeadOwed",
    "Mended",
    "Written",
    "explain_request",
    "explain_response",
    "octets_of_text",
    "reason",
    "request_of",
]
