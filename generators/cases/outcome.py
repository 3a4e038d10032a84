"""The allowed outcomes of a case, their events on the wire, and the verdict on each (docs/cases.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from wsoracle.model.notation.rule import Strength
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict

__all__ = [
    "ACCEPTABLE",
    "ANY_CODE",
    "ERROR",
    "NOT_101",
    "PROFILES",
    "AllowedOutcome",
    "Departure",
    "Profile",
    "ReactionKind",
    "SeenClose",
    "SeenEvent",
    "SeenMessage",
    "SeenPong",
    "SeenRequest",
    "SeenResponse",
    "SeenTcpClosed",
    "Verdict",
    "outcome_from_json",
    "outcome_to_json",
    "seen_from_json",
    "seen_to_json",
]

ANY_CODE: Final = "any"
"""In place of a status code: any that may be sent."""

ERROR: Final = "error"
NOT_101: Final = "not 101"
"""In place of a status of HTTP: any error code; any final one that does not open the connection."""

ACCEPTABLE: Final = (Verdict.OK, Verdict.NON_STRICT, Verdict.INFORMATIONAL)
"""The verdicts of an outcome that is not a fault, the best first."""


class ReactionKind(StrEnum):
    """How the endpoint answers the last step; PERMIT and FORBID judge a last step that is the endpoint's own."""

    ACCEPT = "accept"
    FAIL = "fail"
    REFUSE = "refuse"
    IGNORE = "ignore"
    PERMIT = "permit"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """The endpoint has sent a whole message, in however many fragments."""

    payload: bytes
    binary: bool = False


@dataclass(frozen=True, slots=True)
class SeenPong:
    """The endpoint has sent a Pong that answers a Ping of the stimulus. Other Pings and Pongs are not compared."""

    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class SeenClose:
    """The endpoint has sent a Close frame with this status code; None: with no body; ANY_CODE: with any, or none."""

    code: int | Literal["any"] | None

    def __post_init__(self) -> None:
        if isinstance(self.code, int) and not 0 <= self.code <= 65535:
            raise ValueError(f"a status code has 16 bits, and {self.code} does not fit")


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """The endpoint, a client, has sent its opening handshake."""


@dataclass(frozen=True, slots=True)
class SeenResponse:
    """The endpoint, a server, has answered a request.

    `status` is one of HTTP, or ERROR: any of 400 and more, or NOT_101: any final one but 101. `versions`: with a
    Sec-WebSocket-Version that lists 13. Interim answers (100 to 199, but for 101) are not compared.
    """

    status: int | Literal["error", "not 101"] = 101
    versions: bool = False


@dataclass(frozen=True, slots=True)
class SeenTcpClosed:
    """The endpoint has closed the TCP connection. Always the last thing seen."""


SeenEvent: TypeAlias = SeenMessage | SeenPong | SeenClose | SeenRequest | SeenResponse | SeenTcpClosed


@dataclass(frozen=True, slots=True)
class Departure:
    """A rule that an outcome does not follow, and how strongly that rule binds."""

    rule: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class AllowedOutcome:
    """One allowed outcome of a case.

    `reaction`, `code` (of the failure, section 7.4.1, or of HTTP for a refusal) and `delivers` (what the application is
    told) describe the answer to the last step. `rules` allow it, `strength` is that of the strongest of them,
    `departs_from` the rules that it does not follow. `observable` is everything the endpoint sends from the opening
    handshake on, in order; it ends with SeenTcpClosed where the endpoint closes TCP, and it is None where the outcome
    cannot be told on the wire.
    """

    reaction: ReactionKind
    strength: Strength
    rules: tuple[str, ...]
    observable: tuple[SeenEvent, ...] | None = None
    code: int | None = None
    delivers: str | None = None
    departs_from: tuple[Departure, ...] = ()

    def __post_init__(self) -> None:
        if not self.rules:
            raise ValueError("an outcome names the rules that allow it (or, for forbid, those that forbid it)")
        if (self.code is not None) != (self.reaction in (ReactionKind.FAIL, ReactionKind.REFUSE)):
            raise ValueError("an outcome has a status code exactly where its reaction is to fail or to refuse")
        if self.observable is not None:
            closed = [n for n, seen in enumerate(self.observable) if isinstance(seen, SeenTcpClosed)]
            if closed and closed != [len(self.observable) - 1]:
                raise ValueError("nothing is seen after TCP was closed")
            if self.reaction in (ReactionKind.PERMIT, ReactionKind.FORBID):
                raise ValueError("permit and forbid judge a step of the endpoint's own: there is nothing to observe")

    def verdict(self, profile: Profile = "interop") -> Verdict:
        """The verdict on an endpoint that does this, derived from the strengths of the rules concerned."""
        from wsoracle.properties.judge.grading import TOO_BIG, verdict_on  # the rules; a tester's start needs none

        left = {departure.strength for departure in self.departs_from}
        if self.reaction is ReactionKind.FORBID:
            left.add(self.strength)
        own_limit = self.code == TOO_BIG and self.strength is Strength.MAY
        return verdict_on(left, own_limit=own_limit, profile=profile)

    @property
    def stays_open(self) -> bool:
        """Whether the endpoint neither sends Close nor closes TCP."""
        return self.observable is not None and not any(
            isinstance(seen, SeenClose | SeenTcpClosed) for seen in self.observable
        )


def seen_to_json(seen: SeenEvent) -> list[Any]:
    """Something seen, as an array: its name and what belongs to it."""
    match seen:
        case SeenMessage():
            return ["message", "binary" if seen.binary else "text", seen.payload.hex()]
        case SeenPong():
            return ["pong", seen.payload.hex()]
        case SeenClose():
            return ["close", seen.code]
        case SeenRequest():
            return ["request"]
        case SeenResponse():
            return ["response", seen.status, seen.versions]
        case SeenTcpClosed():
            return ["tcp closed"]


def seen_from_json(document: Sequence[Any]) -> SeenEvent:
    """The event that an array describes; ValueError for anything else."""
    match document:
        case ["message", "binary" | "text" as kind, str(payload)]:
            return SeenMessage(bytes.fromhex(payload), kind == "binary")
        case ["pong", str(payload)]:
            return SeenPong(bytes.fromhex(payload))
        case ["close", (int() | None | "any") as code]:
            return SeenClose(code)
        case ["request"]:
            return SeenRequest()
        case ["response", (int() | "error" | "not 101") as status, bool(versions)]:
            return SeenResponse(status, versions)
        case ["tcp closed"]:
            return SeenTcpClosed()
    raise ValueError(f"nothing that can be seen: {document!r}")


def outcome_to_json(outcome: AllowedOutcome) -> dict[str, Any]:
    """An outcome as an object, with its verdict in each profile."""
    observable = outcome.observable
    return {
        "reaction": outcome.reaction.value,
        "code": outcome.code,
        "delivers": outcome.delivers,
        "observable": None if observable is None else [seen_to_json(seen) for seen in observable],
        "strength": outcome.strength.value,
        "rules": list(outcome.rules),
        "departsFrom": [{"rule": d.rule, "strength": d.strength.value} for d in outcome.departs_from],
        "verdict": {profile: outcome.verdict(profile).value for profile in PROFILES},
    }


def outcome_from_json(document: Mapping[str, Any]) -> AllowedOutcome:
    """The outcome of an object; KeyError or ValueError if it is bad. The verdicts are derived, not read."""
    observable = document["observable"]
    return AllowedOutcome(
        reaction=ReactionKind(document["reaction"]),
        strength=Strength(document["strength"]),
        rules=tuple(document["rules"]),
        observable=None if observable is None else tuple(seen_from_json(seen) for seen in observable),
        code=document["code"],
        delivers=document["delivers"],
        departs_from=tuple(Departure(d["rule"], Strength(d["strength"])) for d in document["departsFrom"]),
    )
