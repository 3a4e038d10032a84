"""A candidate, which is a behaviour that an endpoint could show in a case, and the judge's verdict on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.generators.cases.canonical import Answer
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Observation
from wsoracle.properties.judge.verdict import Verdict

_ORDER: Final = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One behaviour in a case, as a trace for the judge, which decides whether it is allowed.

    `trace`      what would be observed
    `events`     the messages and Pongs that the endpoint sends, in order; `words`: what it does, but for the end
    `ending`     `close`: by a Close of its own; `reply`: by its answer to the tester's; `drop`: of TCP alone;
                 `silent`: it does not end; `refuse`: by an answer of HTTP; `open`: an opening handshake is complete
    `codes`      the code of its Close (None: without one) or of HTTP, where the ending has one
    `failing`    the stimulus makes it fail; `asked`: the stimulus has a legal Close
    """

    trace: tuple[Observation, ...]
    events: tuple[Answer, ...]
    words: str
    ending: str
    codes: tuple[int | None, ...] = ()
    failing: bool = False
    asked: bool = False

    @property
    def by_tester(self) -> bool:
        """Whether it is the tester that begins to close."""
        return self.ending in ("reply", "silent")


@dataclass(frozen=True, slots=True)
class Expected:
    """A behaviour of an endpoint as it can be seen, and the verdict on it.

    `rules`  the rules that it breaks; if it breaks none, the rules that ask for it
    `codes`  the codes at the end that make no difference; None: without a code
    """

    verdict: Verdict
    rules: tuple[str, ...]
    codes: tuple[int | None, ...]
    candidate: Candidate

    @property
    def events(self) -> tuple[Answer, ...]:
        """The messages and Pongs that are sent."""
        return self.candidate.events

    @property
    def what(self) -> str:
        """In words."""
        return "; then ".join(part for part in (self.candidate.words, self._end()) if part)

    def _end(self) -> str:
        with_codes, one = _codes(self.codes), self.candidate
        match one.ending:
            case "close":
                return f"fails the connection: {with_codes}" if one.failing else f"closes by itself: {with_codes}"
            case "reply":
                return (
                    f"answers the Close: {with_codes}" if one.asked else f"answers the Close at the end: {with_codes}"
                )
            case "drop":
                return "closes TCP without a Close"
            case "silent":
                return "does nothing more"
            case "refuse":
                return f"answers with {_listed(self.codes)}"
        return ""

    def to_json(self) -> dict[str, Any]:
        """As in a case record: verdict, words, rules."""
        return {"verdict": self.verdict.value, "what": self.what, "rules": list(self.rules)}


def _codes(codes: tuple[int | None, ...]) -> str:
    said = [f"Close {_listed(codes)}"] if any(code is not None for code in codes) else []
    return " or ".join([*said, "a Close without a code"] if None in codes else said)


def _listed(codes: tuple[int | None, ...]) -> str:
    numbers = [str(code) for code in sorted(code for code in codes if code is not None)]
    return f"{', '.join(numbers[:-1])} or {numbers[-1]}" if len(numbers) > 1 else "".join(numbers)


def best_first(found: Iterable[Expected]) -> tuple[Expected, ...]:
    """The best verdict first; else in their order."""
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.verdict)))


def verdict_of(judgement: Judgement) -> Verdict:
    """The verdict in a case, which asks for an echo."""
    return Verdict.FAILED if judgement.application else judgement.verdict
