"""Findings of real endpoints as histories of the explorer: what each was sent, and the step that broke a rule.

Theory of operation. A case of the catalogue says what the endpoint was sent; docs/findings.md says what it did at the
place that decides. Up to there it does what the rules ask for. Then it does what was seen: it takes in what it may not,
or the other way round, it sends, it ends TCP, or it is silent. A history counts only if the endpoint breaks a rule of
the finding in it; otherwise the finding has none, and the reason stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.compression import FIELD
from wsoracle.generators.cases.steps import SendHead, SendOctets, Settle
from wsoracle.model.facts.frames import close_code
from wsoracle.model.facts.heads import SAMPLE_KEY, facts_of_request, facts_of_response, sample_request
from wsoracle.model.machine.interpreted import allowed, forbidden_by
from wsoracle.model.notation.head_variables import RequestFacts, value_of
from wsoracle.model.notation.variables import CONNECTING, Event, Setting, State
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Request
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CLOSE, DEFAULT_LIMIT, Frame, Role

from ..spec.player import ANYWAY
from .findings import RealDeviation, RealEndpoint, WirePieceRead
from .histories import SIDES, HistoryError, as_sent, first_text, frame_text, head_text, step_text
from .world import ExploredWorld

LONGEST: Final = 4000
"""Characters of a history that is made a link of, at most."""
_CANNOT: Final = "It cannot be replayed here"
_TOO_LONG: Final = "what was sent is longer than a link may be"
_NOT_WHOLE: Final = "octets that crossed are no whole frames"
_FAILURES: Final = (1002, 1007, 1009)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|([rnt]))")
_CONTROLS: Final = {"r": "\r", "n": "\n", "t": "\t"}
_CLOSES: Final = ("closes TCP", "resets TCP")
_REQUEST: Final = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{field}: {offer}\r\n\r\n"
)
_OFFERING: Final = RequestFacts(
    offers=value_of("offers", "a list of extensions"), deflate_offers=value_of("deflate_offers", "all sound")
)
_DEFLATE: Final = "+deflate"
"""What stands behind the version of an implementation with permessage-deflate."""


class NoHistoryError(ValueError):
    """A finding is no history of the explorer; the message says why."""


@dataclass(frozen=True)
class FindingRun:
    """A finding of one endpoint. ``history`` is None where it cannot be replayed: ``why`` says so in a sentence.

    ``broken_at`` is the number of the step in which the endpoint first breaks a rule of the finding.
    """

    deviation: RealDeviation
    endpoint: RealEndpoint
    history: str | None
    why: str = ""
    broken_at: int = 0

    @property
    def did(self) -> str:
        """What the endpoint did, in words."""
        return "; then ".join(piece.words for piece in self.endpoint.received) or "nothing"


def finding_runs(deviations: Iterable[RealDeviation], cases: Iterable[Case]) -> Iterator[FindingRun]:
    """The findings, of each deviation by endpoint."""
    known = {case.id: case for case in cases}
    for deviation in deviations:
        for endpoint in deviation.endpoints:
            try:
                world, broken_at = _played(deviation, endpoint, known)
                yield FindingRun(deviation, endpoint, world.text, broken_at=broken_at)
            except HistoryError:
                yield FindingRun(deviation, endpoint, None, f"{_CANNOT}: no sound peer sends that there.")
            except NoHistoryError as error:
                yield FindingRun(deviation, endpoint, None, f"{_CANNOT}: {error}.")


def _played(deviation: RealDeviation, endpoint: RealEndpoint, cases: Mapping[str, Case]) -> tuple[ExploredWorld, int]:
    if not deviation.rules:
        raise NoHistoryError("no rule of an RFC speaks of it, only what the test suite asks for")
    case = cases.get(endpoint.example)
    if case is None:
        raise NoHistoryError("its case is not in this catalogue")
    if 2 * case.size > LONGEST:
        raise NoHistoryError(_TOO_LONG)
    for closes_first in (False, True):
        replay = _Replay(deviation, endpoint, case, closes_first)
        replay.play()
        at = replay.broken_at
        if at is not None:
            if len(replay.world.text) > LONGEST:
                raise NoHistoryError(_TOO_LONG)
            return replay.world, at
    raise NoHistoryError(
        "what decides is not in a step of one end, but in all that was seen on the connection, or in how long it took"
    )


class _Replay:
    """A finding on its way. ``closes_first``: the endpoint sends a Close before what was seen."""

    def __init__(self, deviation: RealDeviation, endpoint: RealEndpoint, case: Case, closes_first: bool) -> None:
        self._rules, self._role = deviation.rules, deviation.role
        self._endpoint, self._case, self._closes_first = endpoint, case, closes_first
        self._me, self._you = SIDES[self._role], SIDES[self._role.peer]
        heads = [piece for piece in endpoint.received if piece.words.startswith("HTTP/")]
        self._opening = case.opening or bool(heads)
        start = CONNECTING if self._opening else case.compression.wanted.state if case.compression else State()
        setting = Setting(self._role, case.limit or DEFAULT_LIMIT, echo=True, willing=self._role is Role.SERVER)
        self.world = ExploredWorld(first_text(setting, start))

    @property
    def broken_at(self) -> int | None:
        """The number of the first step in which the endpoint breaks a rule of the finding, if it does."""
        steps = enumerate(self.world.steps, 1)
        return next((at for at, one in steps if one.who is self._role and set(self._rules) & set(one.against)), None)

    def play(self) -> None:
        """What the endpoint was sent, then what it did."""
        self._request = self._first()
        units = [*self._units()]
        for at, unit in enumerate(units):
            self.world.act(f"{self._you}:{unit}")
            self._take(is_last=at == len(units) - 1)
        if self._closes_first:
            code = self.world.ends[self._role].state.fail_code or 1002
            self._act(frame_text(Frame(CLOSE, code.to_bytes(2, "big"), key=self._key)))
        for piece in self._endpoint.received:
            self._act(self._did(piece))

    def _act(self, action: str) -> None:
        self.world.act(f"{self._me}:{action}")

    @property
    def _key(self) -> bytes | None:
        return bytes(4) if self._role is Role.CLIENT else None

    # --- what it is sent

    def _first(self) -> Request | None:
        """The request of the opening handshake; a client sends its own."""
        if not self._opening:
            return None
        if self._role is Role.CLIENT:
            facts = _OFFERING if _DEFLATE in self._endpoint.name else RequestFacts()
            self._act(head_text(facts))
            return sample_request(facts)
        head = next((step for step in self._case.steps if isinstance(step, SendHead)), None)
        if head is None:
            return None
        read = _read(Role.SERVER, head.octets)
        return read.head if isinstance(read, ParsedHead) and isinstance(read.head, Request) else None

    def _units(self) -> Iterator[str]:
        if self._opening and not self._case.opening:
            yield self._offer()
            return
        for step in self._case.steps:
            if isinstance(step, Settle):
                continue
            if isinstance(step, SendHead) and step.facts is None and self._role is Role.CLIENT:
                yield head_text(facts_of_response(_read(Role.CLIENT, step.octets), self._request))
                continue
            if self._case.compresses:
                raise NoHistoryError("it was sent messages that were compressed as it had agreed to")
            if isinstance(step, SendOctets):
                yield from (frame_text(frame) for frame in _frames(step.octets))
                continue
            written = step_text(as_sent(self._case, step, self._role.peer), self._role)
            if written is None:
                raise NoHistoryError(_NOT_WHOLE)
            yield written

    def _offer(self) -> str:
        """The request with which the tester offers the extension."""
        if self._role is Role.CLIENT or self._case.compression is None:
            raise NoHistoryError("its opening handshake does not stand whole on the page")
        octets = _REQUEST.format(key=SAMPLE_KEY, field=FIELD, offer=self._case.compression.offer).encode()
        read = _read(Role.SERVER, octets)
        assert isinstance(read, ParsedHead) and isinstance(read.head, Request)
        self._request = read.head
        return head_text(facts_of_request(read))

    def _take(self, *, is_last: bool) -> None:
        """It takes in what came: by the rules, or as it was seen to where a rule of the finding asks for more."""
        event, end = self.world.arriving(self._role), self.world.ends[self._role]
        assert event is not None
        choice = ""
        if self.world.happens(self._role, event):
            refused, taken = _behind(end.state, event, end.setting)
            if refused & set(self._rules):
                choice = f".{ANYWAY}accept"
            elif is_last and taken & set(self._rules) and not refused:
                choice = f".{ANYWAY}{self._failure(event.head is None)}"
        self._act(f"take{choice}")

    def _failure(self, after_handshake: bool) -> str:
        """How it failed the connection instead of taking in what came."""
        if not after_handshake:
            return "fail-1006" if self._role is Role.CLIENT else "refuse-400"
        for piece in self._endpoint.received:
            for frame in _frames(piece.octets or b""):
                if frame.opcode == CLOSE and (code := close_code(frame.payload)) in _FAILURES:
                    return f"fail-{code}"
        return "fail-1002"

    # --- what it did

    def _did(self, piece: WirePieceRead) -> str:
        if piece.words in _CLOSES:
            return "end"
        if piece.words.endswith("s of silence"):
            return "wait"
        if piece.words.startswith("HTTP/"):
            return self._response(piece.words)
        if piece.octets is None:
            raise NoHistoryError("the octets that it sent do not stand whole on the page")
        return frame_text(_frames(piece.octets)[0])

    def _response(self, words: str) -> str:
        octets = _ESCAPE.sub(_unescaped, words).encode("latin-1", "replace")
        if not octets.endswith(b"\r\n\r\n") and b"\r\n\r\n" not in octets:
            raise NoHistoryError("the head that it sent does not stand whole on the page")
        facts = facts_of_response(_read(Role.CLIENT, octets), self._request)
        if not self._case.opening:
            # The key was another one in each connection: had the answer to it been wrong, the finding would say so.
            facts = facts._replace(accept=value_of("accept", "right"))
        return head_text(facts)


@lru_cache(maxsize=1 << 12)
def _behind(state: State, event: Event, setting: Setting) -> tuple[frozenset[str], frozenset[str]]:
    """The rules that refuse what arrives, and those that say how it may be taken."""
    refused = frozenset(rule.id for rule in forbidden_by(state, event, setting))
    return refused, frozenset(rule for one in allowed(state, event, setting) for rule in one.rules)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _CONTROLS[found[2]]


def _frames(octets: bytes) -> list[Frame]:
    """The frames of some octets, which are whole."""
    units, rest = frames_in(octets)
    if rest != len(octets):
        raise NoHistoryError(_NOT_WHOLE)
    return [Frame(h.opcode, payload, h.fin, h.rsv1, h.rsv2, h.rsv3, h.key, h.form) for h, payload, *_ in units]


def _read(role: Role, octets: bytes) -> ParsedHead | Malformed:
    reader = HeadParser(role)
    reader.feed(octets)
    if reader.result is None:
        raise NoHistoryError("a head of it has no end")
    return reader.result
