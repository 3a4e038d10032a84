"""A finding: a deviation of an implementation, with the shortest run that shows it, for reports and as a case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from wsoracle.generators.cases.build import build_case
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.derived import checked
from wsoracle.generators.cases.origin import Origin
from wsoracle.generators.cases.realised_history import CannotBuildError, CaseHistory
from wsoracle.generators.cases.steps import SendFrame, SendHead
from wsoracle.model.machine.interpreted import Label
from wsoracle.model.notation.variables import Event, EventKind, Setting
from wsoracle.model.octets.http import HeadParser
from wsoracle.model.octets.units import LARGEST_HEAD, frames_in
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.explanation import Step
from wsoracle.properties.judge.in_words import TraceInWords, shown_head
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    Asks,
    Processed,
    Stimulus,
    Writes,
)

from .hunting import Examined

Path = tuple[tuple[Event, Label], ...]
"""Events with what the endpoint did with each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A deviation of an implementation, in the shortest run that shows it. `case` is the id of its case."""

    implementation: str
    version: str
    case: str
    examined: Examined

    @property
    def role(self) -> Role:
        """The role of the implementation."""
        return self.examined.attempt.setting.role

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that were not followed, in the order of the run."""
        return self.examined.judgement.rules

    @property
    def strength(self) -> str:
        """The strongest strength among them; CRASH where the implementation broke down."""
        strength = self.examined.judgement.strength
        return "CRASH" if strength is None else strength.value

    @property
    def acts(self) -> tuple[str, ...]:
        """The deviations, act by act in words."""
        return tuple(deviation.act for deviation in self.examined.deviations)

    @property
    def prompted(self) -> bool:
        """Whether the application asked for it: then the fault is the application's too."""
        return any(deviation.prompted for deviation in self.examined.deviations)

    @property
    def description(self) -> str:
        """The behaviour of the implementation, in words."""
        return "; ".join(self.acts) + (" (its application asks for it, and it lets it)" if self.prompted else "")

    def to_json(self) -> dict[str, Any]:
        """The finding as an object."""
        attempt, judgement = self.examined.attempt, self.examined.judgement
        return {
            "implementation": self.implementation,
            "version": self.version,
            "role": self.role.value,
            "case": self.case,
            "rules": list(self.rules),
            "strength": self.strength,
            "verdict": judgement.verdict.value,
            "description": self.description,
            "prompted": self.prompted,
            "application": attempt.application,
            "limit": attempt.setting.limit,
            "octets": [octets.hex() for octets in _chunks(attempt.stimulus)],
            "stimulus": stimulus_to_json(attempt.stimulus),
            "observed": observed_in_words(self.examined),
            "would_have_been_allowed": [f"{a.what} ({', '.join(a.rules)})" for a in judgement.instead],
            **self._heads(),
            "clauses": [f"{RULES.by_id[rule].section}: {RULES.by_id[rule].quote}" for rule in self.rules],
        }

    def _heads(self) -> dict[str, Any]:
        """Only of an opening handshake: the offers, and the octets both ways up to the first answer as text."""
        attempt = self.examined.attempt
        if not attempt.from_first_octet:
            return {}
        arrived = b"".join(_chunks(attempt.stimulus))
        wrote = b"".join(seen.octets for seen in self.examined.trace if isinstance(seen, Writes))
        request, response = (arrived, wrote) if self.role is Role.SERVER else (wrote, arrived)
        offers = {"subprotocols": list(attempt.offers.subprotocols), "deflate": attempt.offers.deflate}
        return {"offers": offers, "request": shown_head(request), "response": shown_head(response)}

    def cases(self, seed: int) -> tuple[Case, ...]:
        """The case of the finding, its control before it.

        Raises :class:`~wsoracle.generators.cases.realised_history.CannotBuildError` where its history cannot be one.
        """
        attempt, steps = self.examined.attempt, self.examined.judgement.steps
        if attempt.from_first_octet:
            setting = Setting(self.role)
            path, event = _up_to_the_head(steps)
        else:
            setting = replace(attempt.setting, echo=False)
            path, event = _up_to_the_deviation(steps)
        title = f"{self.implementation} {self.version}: {self.description}"
        history = CaseHistory(setting, event, path, attempt.start)
        try:
            *before, case = build_case(self.case, Origin("exploration", seed=seed), title, history)
        except ValueError as error:
            raise CannotBuildError(str(error)) from error
        if attempt.from_first_octet:
            return (*before, self._with_its_head(case, path, event))
        return (*before, _in_chunks(case, attempt.stimulus))

    def _with_its_head(self, case: Case, path: Path, event: Event) -> Case:
        """The case in which the head arrives in the very octets of the finding."""
        reader = HeadParser(self.role, LARGEST_HEAD)
        reader.feed(b"".join(_chunks(self.examined.attempt.stimulus)))
        if reader.result is None or any(before.kind is event.kind for before, _ in path):
            raise CannotBuildError("it is not the first head that is taken wrongly")
        octets = reader.result.octets
        steps = tuple(
            replace(step, octets=octets) if isinstance(step, SendHead) and step.facts == event.head else step
            for step in case.steps
        )
        return checked(replace(case, steps=steps, chunks=()))


# --- from the steps of a judgement to the history of a case -----------------------------------------------------------


def _up_to_the_head(steps: Sequence[Step]) -> tuple[Path, Event]:
    """The path to the head that is taken wrongly, and that head."""
    heads = (EventKind.RECEIVE_REQUEST, EventKind.RECEIVE_RESPONSE)
    first = next((n for n, step in enumerate(steps) if step.broken), len(steps))
    if first < len(steps) and (event := steps[first].event) is not None and event.kind is EventKind.SEND:
        raise CannotBuildError("it sends a frame too early, and a case does not say when it answers")
    heard = [n for n, step in enumerate(steps[: first + 1]) if step.event is not None and step.event.kind in heads]
    if not heard:
        raise CannotBuildError("no head has arrived")
    event = steps[heard[-1]].event
    assert event is not None
    return tuple((s.event, s.label) for s in steps[: heard[-1]] if s.event is not None and s.label is not None), event


def _up_to_the_deviation(steps: Sequence[Step]) -> tuple[Path, Event]:
    """The path to the first step that breaks a rule, and the event there that is to be judged."""
    first = next((n for n, step in enumerate(steps) if step.broken), None)
    if first is None:
        raise CannotBuildError("no step of the run breaks a rule")
    broken = steps[first]
    if broken.event is None:
        # The endpoint tells its application something wrong about an input that it accepted: that is judged.
        told = [n for n, s in enumerate(steps[:first]) if s.event is not None and set(broken.rules) & set(s.rules)]
        if not told:
            raise CannotBuildError("what was told belongs to no input")
        first = told[0]
    last = steps[first].event
    assert last is not None
    path: list[tuple[Event, Label]] = []
    early: set[int] = set()
    for step in steps[:first]:
        if step.event is None or step.label is None or step.event.kind is EventKind.SILENCE:
            continue
        if step.frame is not None:
            if step.frame in early:
                continue
            if step.early:
                early.add(step.frame)
        path.append((step.event, step.label))
    return tuple(path), last


def _in_chunks(case: Case, stimulus: Stimulus) -> Case:
    """The case with those frames in one chunk that arrived in one chunk, as far as that can be."""
    chunks = list(_chunks(stimulus))
    ends = set(accumulate(map(len, chunks)))
    frames, _ = frames_in(b"".join(chunks))
    sizes: list[int] = []
    joined = False
    for number, size in enumerate(len(step.octets) for step in case.steps if isinstance(step, SendFrame)):
        sizes = [*sizes[:-1], sizes[-1] + size] if joined else [*sizes, size]
        joined = number < len(frames) and frames[number].end not in ends
    try:
        return checked(replace(case, chunks=tuple(sizes)))
    except ValueError:  # the endpoint itself does something in between
        return case


def _chunks(stimulus: Stimulus) -> Iterator[bytes]:
    return (part.octets for part in stimulus if isinstance(part, Arrives))


# --- in words, and as objects -----------------------------------------------------------------------------------------


def observed_in_words(examined: Examined) -> list[str]:
    """The observations in words: frames, and for a connection from the first octet on also heads as text."""
    attempt, trace = examined.attempt, examined.trace
    words = TraceInWords(trace, attempt.setting.role if attempt.from_first_octet else None)
    return [words.of(index) for index, seen in enumerate(trace) if not isinstance(seen, Processed)]


def stimulus_to_json(stimulus: Stimulus) -> list[dict[str, Any]]:
    """A stimulus as objects: `arrives` with octets in hex, `arrives_eof`, or `asks` with what is asked."""
    return [_part_to_json(part) for part in stimulus]


def _part_to_json(part: Arrives | ArrivesEof | Asks) -> dict[str, Any]:
    match part:
        case Arrives(octets):
            return {"arrives": octets.hex()}
        case ArrivesEof():
            return {"arrives_eof": True}
        case Asks(what, payload, fin, code, reason):
            return {"asks": what, "payload": payload.hex(), "fin": fin, "code": code, "reason": reason}
