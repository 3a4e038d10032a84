"""A case: a history, what an endpoint may do at the end of it, and where it comes from (docs/cases.md).

Theory of operation. A case holds only what cannot be derived: who is tested, the steps, the allowed outcomes with the
rules behind them, the origin and the control. What runners and readers want besides (the octets in chunks, verdicts,
the `expected` and `expectedClose` of Autobahn, whether the case is negative, whether a runner can carry
it) is derived here, so that it cannot disagree. In JSON the derived parts are written out all the same, for readers
in other languages; reading a file checks that they are what they must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import Any, Final, Literal, NamedTuple

from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.notation.switches import Switches
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PONG, Frame, Role, is_control

from .outcome import (
    ACCEPTABLE,
    ANY_CODE,
    Departure,
    Outcome,
    Profile,
    Reaction,
    Seen,
    SeenClose,
    SeenMessage,
    SeenPong,
    SeenRequest,
    SeenResponse,
    SeenTcpClosed,
    Verdict,
    outcome_from_json,
    outcome_to_json,
)
from .steps import (
    CloseTcp,
    Receive,
    ReceiveEof,
    ReceiveHead,
    ReceiveOctets,
    Send,
    SendHead,
    Silence,
    Step,
    step_from_json,
    step_to_json,
)

__all__ = [
    "ANY_CODE",
    "FORMAT",
    "VERSION",
    "Burst",
    "Case",
    "CloseTcp",
    "Departure",
    "Ending",
    "Origin",
    "Outcome",
    "Profile",
    "Reaction",
    "Receive",
    "ReceiveEof",
    "ReceiveHead",
    "ReceiveOctets",
    "Seen",
    "SeenClose",
    "SeenMessage",
    "SeenPong",
    "SeenRequest",
    "SeenResponse",
    "SeenTcpClosed",
    "Send",
    "SendHead",
    "Silence",
    "Step",
    "Verdict",
    "check_suite",
    "with_controls",
]

FORMAT: Final = "wsoracle-case"
VERSION: Final = 1

ARRIVES: Final = (Receive, ReceiveOctets, ReceiveHead)
"""The steps that put octets on the wire towards the endpoint."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=,@~-]*(/[A-Za-z0-9][A-Za-z0-9._+=,@~-]*)+")
_CLAIMS: Final = ("rsv1", "rsv2", "rsv3")
_APPLICATIONS: Final = ("echo", "sink")
_ORIGIN_DETAIL: Final[Mapping[str, str | None]] = {
    "witness": "rule",
    "mutant": "mutant",
    "exploration": "seed",
    "fault": None,
    "control": None,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a case comes from: the witness of a rule, the killer of a mutant, an exploration's seed, faults put into a
    sound head, or a control."""

    kind: Literal["witness", "mutant", "exploration", "fault", "control"]
    rule: str | None = None
    mutant: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in _ORIGIN_DETAIL:
            raise ValueError(f"there is no origin {self.kind!r}: there are {', '.join(_ORIGIN_DETAIL)}")
        needed = _ORIGIN_DETAIL[self.kind]
        given = {name for name in ("rule", "mutant", "seed") if getattr(self, name) is not None}
        if given != ({needed} if needed else set()):
            raise ValueError(f"the origin {self.kind} goes with {needed or 'nothing else'}, not {sorted(given)}")

    def to_json(self) -> dict[str, Any]:
        """The origin as an object: its kind, and what belongs to it."""
        detail = _ORIGIN_DETAIL[self.kind]
        return {"kind": self.kind} if detail is None else {"kind": self.kind, detail: getattr(self, detail)}

    def __str__(self) -> str:
        """In words, such as ``witness of rule 5.2/reserved-bits``."""
        match self.kind:
            case "witness":
                return f"witness of rule {self.rule}"
            case "mutant":
                return f"kills mutant {self.mutant}"
            case "exploration":
                return f"exploration with seed {self.seed}"
        return "faults in a sound head" if self.kind == "fault" else "positive control"


class Ending(StrEnum):
    """Where the stimulus leaves the peer's stream: what a runner may send after it depends on this."""

    BETWEEN_MESSAGES = "between messages"
    INSIDE_MESSAGE = "inside a message"
    INSIDE_FRAME = "inside a frame"


class Burst(NamedTuple):
    """Octets to write in chunks, once the endpoint has sent what is awaited."""

    awaits: tuple[Seen, ...]
    chunks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One case. ValueError for one that contradicts itself.

    `role` is that of the endpoint under test; `application` what sits on top of it. `limit` is its stated message
    limit in octets (None: not stated), `switches` the answers to the disputed points, `claims` the reserved bits that
    negotiated extensions define. `steps` are what happens from the opening handshake on; `allowed` what may follow
    (for a last step of the endpoint's own: the judgement on it). `chunks` are the sizes of the writes that carry the
    stimulus; none given, each step that arrives is one write. `control` is the id of the nearest legal case that the
    same endpoint must answer: every negative case has one, no other. With ``opening`` the case begins before the
    opening handshake, so that its runner makes none of its own; without, right after it.
    """

    id: str
    role: Role
    origin: Origin
    title: str
    steps: tuple[Step, ...]
    allowed: tuple[Outcome, ...]
    description: str = ""
    application: Literal["echo", "sink"] = "echo"
    control: str | None = None
    limit: int | None = None
    switches: Switches = field(default_factory=Switches)
    claims: tuple[str, ...] = ()
    chunks: tuple[int, ...] = ()
    opening: bool = False

    def __post_init__(self) -> None:
        if not self.chunks:
            sizes = tuple(len(s.octets) for s in self.steps if isinstance(s, ARRIVES))
            object.__setattr__(self, "chunks", sizes)
        for fault in _faults(self):
            raise ValueError(f"case {self.id}: {fault}")

    # --- the stimulus

    @property
    def octets(self) -> bytes:
        """Everything that arrives at the endpoint, in one piece."""
        return b"".join(step.octets for step in self.steps if isinstance(step, ARRIVES))

    @property
    def bursts(self) -> tuple[Burst, ...]:
        """The stimulus as a runner writes it: after each prompted step of the endpoint a new burst begins."""
        octets, sizes = self.octets, iter(self.chunks)
        bursts, at = [], 0
        for awaits, length in _segments(self.steps):
            end, chunks = at + length, []
            while at < end:
                size = next(sizes)
                chunks.append(octets[at : at + size])
                at += size
            bursts.append(Burst(awaits, tuple(chunks)))
        return tuple(bursts)

    @property
    def half_closes(self) -> bool:
        """Whether the peer closes its half of TCP at the end of the stimulus."""
        return any(isinstance(step, ReceiveEof) for step in self.steps)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The whole frames that arrive."""
        return tuple(step.frame for step in self.steps if isinstance(step, Receive) and step.whole)

    @property
    def closes(self) -> bool:
        """Whether a Close frame, legal or not, is among the frames that arrive."""
        return any(frame.opcode == CLOSE for frame in self.frames)

    @property
    def ending(self) -> Ending:
        """Where the stimulus leaves the peer's stream."""
        if any(isinstance(s, ReceiveOctets) or (isinstance(s, Receive) and not s.whole) for s in self.steps):
            return Ending.INSIDE_FRAME
        data = [frame for frame in self.frames if not is_control(frame.opcode)]
        return Ending.INSIDE_MESSAGE if data and not data[-1].fin else Ending.BETWEEN_MESSAGES

    # --- what is expected

    def acceptable(self, profile: Profile = "interop") -> tuple[Outcome, ...]:
        """The allowed outcomes that are no fault, the best verdict first."""
        good = [outcome for outcome in self.allowed if outcome.verdict(profile) in ACCEPTABLE]
        return tuple(sorted(good, key=lambda outcome: ACCEPTABLE.index(outcome.verdict(profile))))

    @property
    def negative(self) -> bool:
        """Whether an endpoint that ends the connection without processing anything could show what is allowed.

        Such a case proves nothing by itself: only together with its control, which the same endpoint must answer.
        """
        judged = [o for o in self.allowed if o.verdict() in (Verdict.OK, Verdict.NON_STRICT)]
        forbids = any(outcome.reaction is Reaction.FORBID for outcome in self.allowed)
        return forbids or any(self._needs_no_processing(outcome) for outcome in judged)

    def _needs_no_processing(self, outcome: Outcome) -> bool:
        if outcome.reaction in (Reaction.FAIL, Reaction.REFUSE):
            return True
        if outcome.observable is None or outcome.stays_open:
            return False
        answered = any(isinstance(seen, SeenMessage | SeenPong) for seen in outcome.observable)
        return not answered and not (self.closes and outcome.reaction is Reaction.ACCEPT)

    @property
    def judge_only(self) -> str | None:
        """Why no runner can carry this case over a wire, None where one can; the judge of traces can always read it."""
        if any(isinstance(step, Send | SendHead) and not step.prompted for step in self.steps):
            return "the endpoint's own application has to send something"
        if any(isinstance(step, CloseTcp | Silence) for step in self.steps) or isinstance(self.steps[-1], SendHead):
            return "it judges a step that the endpoint takes on its own"
        if self.role is Role.CLIENT and isinstance(self.steps[0], ReceiveHead):
            return "a client sends its request at once, so that no answer can come before it"
        if self.claims:
            return "it needs a negotiated extension that defines " + ", ".join(self.claims)
        if not self.octets and not self.half_closes:
            return "nothing is sent to the endpoint"
        if not self.acceptable():
            return "no outcome is allowed"
        if any(outcome.observable is None for outcome in self.acceptable()):
            return "what is allowed cannot be told from outside"
        if self.switches.changes():
            return "it is about another answer to a disputed point: " + ", ".join(self.switches.changes())
        if self.limit is not None and any(_speaks_of(outcome, 1009) for outcome in self.allowed):
            return f"it needs an endpoint that refuses messages of more than {self.limit} octets"
        return None

    @property
    def expected(self) -> dict[str, list[list[list[Any]]]]:
        """Messages and Pongs to be received, by verdict, as in Autobahn, payloads in hex.

        Nothing for a case about the opening handshake, of which that suite has none.

        The suite has one list of events for each verdict, here there can be several. What is allowed under a better
        verdict is not repeated under a worse one.
        """
        found: dict[str, list[list[list[Any]]]] = {}
        for outcome in () if self.opening else self.acceptable():
            if outcome.observable is not None:
                events = [_suite_event(s) for s in outcome.observable if isinstance(s, SeenMessage | SeenPong)]
                if not any(events in lists for lists in found.values()):
                    found.setdefault(outcome.verdict().value, []).append(events)
        return found

    @property
    def expected_close(self) -> dict[str, Any] | None:
        """How the connection ends, as in Autobahn; None where no outcome is told on the wire.

        It speaks of the best verdict: where outcomes with that verdict differ in who closes, of the first of them.
        """
        visible = [outcome for outcome in self.acceptable() if outcome.observable is not None]
        if self.opening or not visible:
            return None
        by_me = self.closed_by_me(visible[0])
        alike = [o for o in visible if o.verdict() is visible[0].verdict() and self.closed_by_me(o) is by_me]
        return {
            "closedByMe": by_me,
            "closeCode": sorted({code for outcome in alike for code in _codes(outcome, by_me)}),
            "requireClean": all(o.reaction is not Reaction.FAIL and _clean(o, by_me) for o in alike),
        }

    def closed_by_me(self, outcome: Outcome) -> bool:
        """Whether the peer of the endpoint (the suite) starts the closing handshake when this is the outcome.

        It does so with a Close of the stimulus; and at the end of a run, where the endpoint leaves the connection open
        and the stream is between messages.
        """
        return self.closes or (outcome.stays_open and self.ending is Ending.BETWEEN_MESSAGES)

    # --- JSON

    def to_json(self) -> dict[str, Any]:
        """The case as a JSON object in the format of docs/cases.md, derived parts included; key order is fixed."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "id": self.id,
            "role": self.role.value,
            "origin": self.origin.to_json(),
            "title": self.title,
            "description": self.description,
            "application": self.application,
            "limit": self.limit,
            "switches": self.switches.changes(),
            "claims": list(self.claims),
            "opening": self.opening,
            "negative": self.negative,
            "control": self.control,
            "judgeOnly": self.judge_only,
            "steps": [step_to_json(step) for step in self.steps],
            "stimulus": {
                "octets": self.octets.hex(),
                "chunks": list(self.chunks),
                "ends": self.ending.value,
            },
            "allowed": [outcome_to_json(outcome) for outcome in self.allowed],
            "expected": self.expected,
            "expectedClose": self.expected_close,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Case:
        """The case of a JSON object; ValueError where the object is not one, or where its parts do not agree."""
        try:
            if (document["format"], document["version"]) != (FORMAT, VERSION):
                raise ValueError(f"the format is not {FORMAT} version {VERSION}")
            case = cls(
                id=document["id"],
                role=Role(document["role"]),
                origin=Origin(**document["origin"]),
                title=document["title"],
                steps=tuple(step_from_json(step) for step in document["steps"]),
                allowed=tuple(outcome_from_json(outcome) for outcome in document["allowed"]),
                description=document["description"],
                application=document["application"],
                control=document["control"],
                limit=document["limit"],
                switches=Switches(**document["switches"]),
                claims=tuple(document["claims"]),
                chunks=tuple(document["stimulus"]["chunks"]),
                opening=document["opening"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a case: {type(error).__name__}: {error}") from error
        written = case.to_json()
        for key in {*written, *document}:
            if key not in document or key not in written or written[key] != document[key]:
                raise ValueError(f"case {case.id}: {key!r} does not agree with the rest of the case")
        return case


def check_suite(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases in the order of their ids; ValueError where there is none, or where two or a control are at odds."""
    ordered = sorted(cases, key=lambda case: case.id)
    if not ordered:
        raise ValueError("there is no case to write: nothing was selected")
    by_id = {case.id: case for case in ordered}
    folded: dict[str, str] = {}
    for case in ordered:
        if other := folded.get(case.id.casefold()):
            raise ValueError(f"the ids {other} and {case.id} are too alike: some file systems do not tell them apart")
        folded[case.id.casefold()] = case.id
        if case.control is None:
            continue
        control = by_id.get(case.control)
        if control is None:
            raise ValueError(f"case {case.id}: its control {case.control} is not among the cases")
        if control.negative or control.role is not case.role or control.application != case.application:
            raise ValueError(
                f"case {case.id}: its control {case.control} must be positive, for the same role and application"
            )
    return tuple(ordered)


def with_controls(selected: Iterable[Case], cases: Iterable[Case]) -> tuple[Case, ...]:
    """The selected cases and their controls out of all cases, in the order of their ids."""
    by_id = {case.id: case for case in cases}
    wanted = {case.id: case for case in selected}
    controls = {c.control: by_id[c.control] for c in wanted.values() if c.control is not None and c.control in by_id}
    return tuple(sorted({**controls, **wanted}.values(), key=lambda case: case.id))


# --- checks and derivations


def _faults(case: Case) -> Iterator[str]:
    if not _ID.fullmatch(case.id):
        yield "an id is made of names with a slash between them, such as witness/5.2/reserved-bits/server"
    if not case.title or not case.title.isprintable():
        yield "a title is one line"
    if case.application not in _APPLICATIONS:
        yield f"there is no application {case.application!r}: there are {', '.join(_APPLICATIONS)}"
    if case.limit is not None and case.limit < 0:
        yield f"a limit is a number of octets, not {case.limit}"
    if any(claim not in _CLAIMS for claim in case.claims) or len(set(case.claims)) != len(case.claims):
        yield f"claims are some of {', '.join(_CLAIMS)}, each once"
    if not case.steps:
        yield "there are no steps"
    if not case.opening and any(isinstance(step, ReceiveHead | SendHead) for step in case.steps):
        yield "a head of HTTP belongs to a case that begins before the opening handshake"
    if not case.allowed:
        yield "no outcome is given (for a step that no rule allows: one that forbids it)"
    yield from _order_faults(case.steps)
    yield from _chunk_faults(case)
    own = bool(case.steps) and isinstance(case.steps[-1], Send | SendHead | CloseTcp | Silence)
    judging = [outcome.reaction in (Reaction.PERMIT, Reaction.FORBID) for outcome in case.allowed]
    if any(judged is not own for judged in judging):
        yield "permit and forbid are for a last step that the endpoint takes itself, the other reactions for an input"
    if Reaction.FORBID in (o.reaction for o in case.allowed) and len(case.allowed) > 1:
        yield "where the last step is forbidden nothing else is allowed"
    if case.negative and case.control is None:
        yield "a negative case names its positive control"
    if case.control is not None and not case.negative:
        yield "only a negative case has a control"
    if case.closes and any(outcome.stays_open for outcome in case.acceptable()):
        yield "a Close arrives, so that no outcome leaves the connection open and silent"


def _order_faults(steps: Sequence[Step]) -> Iterator[str]:
    ended, broken = False, False
    for step in steps:
        if isinstance(step, (*ARRIVES, ReceiveEof)) and ended:
            yield "nothing arrives after the peer's end of TCP"
        if isinstance(step, Receive) and broken:
            yield "no frame arrives after octets that are none: they would be part of the one before"
        ended = ended or isinstance(step, ReceiveEof)
        broken = broken or isinstance(step, ReceiveOctets) or (isinstance(step, Receive) and not step.whole)


def _chunk_faults(case: Case) -> Iterator[str]:
    if any(size < 1 for size in case.chunks):
        yield "a chunk has at least one octet"
    if sum(case.chunks) != len(case.octets):
        yield f"the chunks hold {sum(case.chunks)} octets and the stimulus {len(case.octets)}"
    ends = set(accumulate(case.chunks))
    lengths = [length for _, length in _segments(case.steps)]
    if not set(accumulate(lengths)) - {0} <= ends:
        yield "a chunk reaches across a step of the endpoint's own"


def _segments(steps: Sequence[Step]) -> Iterator[tuple[tuple[Seen, ...], int]]:
    """The stimulus between steps of the endpoint: what is awaited before, and the number of octets."""
    awaits: list[Seen] = []
    length = 0
    message, binary = b"", False
    for step in steps:
        if isinstance(step, ARRIVES):
            length += len(step.octets)
        elif isinstance(step, Send | SendHead):
            if length:
                yield tuple(awaits), length
                awaits, length = [], 0
            if isinstance(step, SendHead):
                awaits.append(
                    SeenRequest() if isinstance(step.facts, RequestFacts) else SeenResponse(step.facts.status)
                )
                continue
            frame = step.frame
            if not is_control(frame.opcode):
                binary = binary if frame.opcode == CONTINUATION else frame.opcode == BINARY
                message += frame.payload
                if frame.fin:
                    awaits.append(SeenMessage(message, binary))
                    message = b""
            elif frame.opcode == PONG:
                awaits.append(SeenPong(frame.payload))
            elif frame.opcode == CLOSE:
                awaits.append(SeenClose(int.from_bytes(frame.payload[:2]) if len(frame.payload) > 1 else None))
    if length:
        yield tuple(awaits), length


def _speaks_of(outcome: Outcome, code: int) -> bool:
    """The outcome is to fail with this code, or the code was sent before."""
    return outcome.code == code or SeenClose(code) in (outcome.observable or ())


def _suite_event(seen: SeenMessage | SeenPong) -> list[Any]:
    if isinstance(seen, SeenPong):
        return ["pong", seen.payload.hex()]
    return ["message", seen.payload.hex(), seen.binary]


def _codes(outcome: Outcome, by_me: bool) -> list[int]:
    if outcome.stays_open:
        return [1000] if by_me else []
    return [s.code for s in outcome.observable or () if isinstance(s, SeenClose) and isinstance(s.code, int)]


def _clean(outcome: Outcome, by_me: bool) -> bool:
    return by_me if outcome.stays_open else any(isinstance(seen, SeenClose) for seen in outcome.observable or ())
