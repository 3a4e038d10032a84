"""The example runs of docs/spec.md, opening handshakes and open connections, each as a diagram and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from wsoracle.model.machine.interpreted import Kind, allowed
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import Event, EventKind, Facts, FrameFacts, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Role

from .heads import AGREEING, OFFERING
from .markdown import listed, table
from .player import Break, Does, PlayedStep, RunStep, play

C, S = Role.CLIENT, Role.SERVER


def _sends(who: Role, sent: Facts, words: str) -> RunStep:
    """A head, or a frame that is masked as the role asks."""
    return RunStep(who, Does.SEND, sent._replace(masked=who is C) if isinstance(sent, FrameFacts) else sent, words)


def _sends_close(who: Role, status: int | None) -> RunStep:
    if status is None:
        return _sends(who, FrameFacts(CLOSE), "Close without a body")
    return _sends(who, FrameFacts(CLOSE, length=2, code=status), f"Close {status}")


def _takes(who: Role) -> RunStep:
    return RunStep(who, Does.TAKE)


def _closes(who: Role) -> RunStep:
    return RunStep(who, Does.CLOSE_TCP)


# --- opening handshakes ---------------------------------------------------------------------------------------------

NO_HANDSHAKE: Final = RequestFacts(upgrade=0, connection=0, key=0, version=0)
"""A request of HTTP that asks for no WebSocket."""


def refusal(status: int, versions: str = "absent") -> ResponseFacts:
    """A response without anything of a handshake but the versions that it lists."""
    listed_versions = value_of("versions", versions)
    return ResponseFacts(status=status, versions=listed_versions, upgrade=0, connection=0, accept=0)


_REQUEST: Final = _sends(C, OFFERING, "GET /chat, an opening handshake")
_FORBIDDEN: Final = _sends(S, refusal(403), "403 Forbidden")
_SOUND: Final = _sends(S, AGREEING, "101 Switching Protocols")
_HELLO: Final = FrameFacts(TEXT, length=5)

OPENINGS: Final[Mapping[str, tuple[RunStep | Break, ...]]] = {
    "success": (_REQUEST, _takes(S), _SOUND, _takes(C)),
    "server-speaks-at-once": (_REQUEST, _takes(S), _SOUND, _sends(S, _HELLO, "text"), _takes(C), _takes(C)),
    "client-speaks-early": (
        _REQUEST, _sends(C, _HELLO, "text, before the answer"), _takes(S), _SOUND, _takes(S), _takes(C),
    ),
    "faulty-request": (
        _sends(C, RequestFacts(key=value_of("key", "absent")), "GET /chat, without a key"), _takes(S),
        _sends(S, refusal(400), "400 Bad Request"), _takes(C), _closes(S), _takes(C), _closes(C),
    ),
    "other-version": (
        _sends(C, RequestFacts(version=value_of("version", "another")), "GET /chat, of version 8"), _takes(S),
        _sends(S, refusal(426, "a list with 13"), "426 Upgrade Required, with the versions"), _takes(C), _closes(S),
        _takes(C), _closes(C),
    ),
    "too-large": (
        _sends(C, RequestFacts(syntax=value_of("syntax", "too large")), "a request that does not end"), _takes(S),
        _sends(S, refusal(431), "431 Request Header Fields Too Large"), _takes(C), _closes(S), _takes(C), _closes(C),
    ),
    "not-for-us": (
        _sends(C, NO_HANDSHAKE, "GET /chat, and nothing of a handshake"), _takes(S),
        _sends(S, refusal(200), "200 OK, with a page"), _takes(C), _closes(S), _takes(C), _closes(C),
    ),
    "application-refuses": (_REQUEST, _takes(S), _FORBIDDEN, _takes(C), _closes(S), _takes(C), _closes(C)),
    "bad-answer": (
        _REQUEST, _takes(S),
        _sends(S, ResponseFacts(accept=value_of("accept", "wrong")), "101, with a wrong Sec-WebSocket-Accept"),
        _takes(C), _closes(C), _takes(S), _closes(S),
    ),
    "lost-before-the-answer": (_REQUEST, _takes(S), Break(), _takes(C), _takes(S), _closes(C), _closes(S)),
}  # fmt: skip
"""Opening handshakes by name."""

# --- open connections -----------------------------------------------------------------------------------------------

_ANSWER: Final = FrameFacts(PONG, length=2, answers=True)
_UNMASKED: Final = RunStep(C, Does.SEND, FrameFacts(TEXT, length=5), "unmasked text")

RUNS: Final[Mapping[str, tuple[RunStep | Break, ...]]] = {
    "ping-inside-message": (
        _sends(C, FrameFacts(TEXT, fin=False, length=3), "text, more to come"), _takes(S),
        _sends(C, FrameFacts(PING, length=2), "Ping"), _takes(S),
        _sends(S, _ANSWER, "Pong"), _takes(C),
        _sends(C, FrameFacts(CONTINUATION, length=2), "continuation, FIN"), _takes(S),
    ),
    "client-closes": (
        _sends_close(C, 1000), _takes(S), _sends_close(S, 1000), _takes(C), _closes(S), _takes(C), _closes(C),
    ),
    "server-closes": (
        _sends_close(S, 1001), _takes(C), _sends_close(C, 1001), _takes(S), _closes(S), _takes(C), _closes(C),
    ),
    "both-close": (
        _sends_close(C, 1000), _sends_close(S, 1001), _takes(S), _takes(C), _closes(S), _takes(C), _closes(C),
    ),
    "client-gives-up-waiting": (
        _sends_close(C, None), _takes(S), _sends_close(S, None), _takes(C), _closes(C), _takes(S), _closes(S),
    ),
    "server-fails": (
        _UNMASKED, _takes(S), _sends_close(S, 1002), _closes(S), _takes(C), _sends_close(C, 1002), _takes(C),
        _closes(C),
    ),
    "client-fails": (
        _sends(S, FrameFacts(0x3), "a frame of opcode 3"), _takes(C), _sends_close(C, 1002), _takes(S),
        _sends_close(S, 1002), _takes(C), _closes(S), _takes(C), _closes(C),
    ),
    "loss": (
        _sends(C, FrameFacts(TEXT, fin=False, length=3), "text, more to come"), _sends_close(S, 1000), Break(),
        _takes(S), _takes(C), _closes(C), _closes(S),
    ),
}  # fmt: skip
"""Runs of an open connection by name."""


def run(name: str) -> str:
    """A run of an open connection: its sequence diagram, then its table."""
    return _shown(play(RUNS[name], State()))


def opening(name: str) -> str:
    """An opening handshake: its sequence diagram, then its table."""
    return _shown(play(OPENINGS[name]))


BAD_TEXT: Final = FrameFacts(TEXT, fin=False, masked=True, length=2, utf8_next=utf8.REJECT)


def outcomes() -> str:
    """The outcomes of a server with an unknown limit on the first fragment of a text that is not UTF-8."""
    found = allowed(State(), Event(EventKind.RECEIVE, BAD_TEXT), Setting(Role.SERVER))
    rows = [(str(outcome.label), listed(outcome.rules), outcome.strength.value) for outcome in found]
    return table(("outcome", "allowed by", "strength"), rows)


def _shown(told: Sequence[PlayedStep]) -> str:
    return f"{_diagram(told)}\n\n{_table(told)}"


def _table(told: Sequence[PlayedStep]) -> str:
    rows = [(str(t.number), t.who.value, _linked(t), t.outcome, listed(t.rules), t.after) for t in told]
    return table(("step", "endpoint", "event", "outcome", "rules", "afterwards"), rows)


def _linked(told: PlayedStep) -> str:
    return f"{told.event} ({told.takes})" if told.takes else told.event


def _diagram(told: Sequence[PlayedStep]) -> str:
    taken = {t.takes for t in told}
    lines = ["```mermaid", "sequenceDiagram", "    participant C as Client", "    participant S as Server"]
    for t in told:
        here, there = ("C", "S") if t.who is Role.CLIENT else ("S", "C")
        said = f"{t.number}. {t.event.removeprefix('sends ')}"
        if t.arrow:
            head, end = ("-x", " (never read)") if t.number not in taken else ("->>", "")
            lines.append(f"    {here}{'--)' if t.event == Does.CLOSE_TCP.value else head}{there}: {_plain(said)}{end}")
            lines.append(f"    Note over {here}: {_plain(t.after)}")
        else:
            decided = "" if t.outcome.startswith(Kind.ACCEPT.value) else f": {t.outcome}"
            lines.append(f"    Note over {here}: {_plain(said + decided)}<br/>{_plain(t.after)}")
    return "\n".join((*lines, "```"))


def _plain(words: str) -> str:
    """Words for a Mermaid message or note: a semicolon would end the statement, a number sign begin an entity."""
    return words.replace(";", ",").replace("#", "no. ")
