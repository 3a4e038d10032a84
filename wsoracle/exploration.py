"""``wsoracle explore``: the reachable graph, every rule fired, and Hypothesis against real implementations.

What Hypothesis finds is judged with the rules, shrunk to a minimal scenario, and written as a case. Our own endpoint is
explored in the same way, as the control: a deviation of it would be a fault of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.generators.build_case import CannotBuildError, build_case
from wsoracle.generators.build_case import Scenario as History
from wsoracle.generators.case import Case, Origin
from wsoracle.generators.witnesses import Unreached, all_witnesses
from wsoracle.model.abstraction import facts, text_before
from wsoracle.model.compiled import CompiledMachine
from wsoracle.model.exploration import explore as explore_model
from wsoracle.model.machine import Label
from wsoracle.model.rules import RULES
from wsoracle.model.terms import Event, EventKind, Setting, State
from wsoracle.model.vocabulary import CLOSE, PING, PONG, Frame, Role
from wsoracle.properties.observation import OPCODE_OF, Arrives, ArrivesEof, Asks, described, frames_in

from .hunting import Examined, OwnSubject, PeerSubject, Subject, hunt
from .peers import available_peers

EXAMPLES: Final = 500
"""Scenarios for each implementation and role; our own endpoint, the control, gets a quarter of them."""

OnStep = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Explored:
    """What an exploration found: figures of the model, how often each rule fired, and the findings with their cases."""

    states: int
    transitions: int
    rules_fired: dict[str, int]
    findings: tuple[Finding, ...]
    own: tuple[Finding, ...]
    scenarios: int

    def to_json(self) -> dict[str, Any]:
        """The report of ``wsoracle explore --json``."""
        return {
            "states": self.states,
            "transitions": self.transitions,
            "rules_fired": self.rules_fired,
            "scenarios": self.scenarios,
            "findings": [finding.to_json() for finding in (*self.findings, *self.own)],
        }

    @property
    def cases(self) -> list[Case]:
        """The findings as cases, with their controls."""
        return [case for finding in (*self.findings, *self.own) for case in finding.cases]


@dataclass(frozen=True)
class Finding:
    """One deviation: of which implementation, from which rules, and the minimal scenario that shows it."""

    subject: Subject
    id: str
    rules: tuple[str, ...]
    strength: str
    act: str
    prompted: bool
    examined: Examined
    cases: tuple[Case, ...]

    def to_json(self) -> dict[str, Any]:
        """The finding as an object; ``case`` is the id of its case, built or not."""
        asked = "; the application asked for it, and the library let it" if self.prompted else ""
        return {
            "implementation": self.subject.implementation,
            "version": self.subject.version,
            "role": self.subject.role.value,
            "case": self.id,
            "rules": list(self.rules),
            "strength": self.strength,
            "description": f"{self.act}{asked}",
            "observed": [described(o) for o in self.examined.trace if type(o).__name__ != "Processed"],
            "wouldHaveBeenAllowed": [allowed.what for allowed in self.examined.judgement.instead],
        }


def explore(seed: int, examples: int = EXAMPLES, progress: OnStep | None = None) -> Explored:
    """Explore the model, and implementations against it. The same seed gives the same findings."""
    subjects: list[Subject] = [PeerSubject(factory, role) for factory in available_peers() for role in Role]
    own: list[Subject] = [OwnSubject(role) for role in Role]
    total = len(subjects) * examples + len(own) * (examples // 4)
    done = 0

    def count(subject: Subject) -> Callable[[], None]:
        def one_more() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(f"{subject.implementation} as {subject.role}", min(done, total), total)

        return one_more

    states = transitions = 0
    for role in Role:
        explored = explore_model(Setting(role))
        states += len(explored.states)
        transitions += len(explored.transitions)
    fired = Counter({rule.id: 0 for rule in RULES})
    fired.update(fired_by_witnesses())
    findings: list[Finding] = []
    for subject in (*subjects, *own):
        hunted = hunt(subject, seed, examples if subject in subjects else examples // 4, count(subject))
        fired.update(hunted.fired)
        findings += _findings(subject, hunted.found, seed)
    theirs = tuple(f for f in findings if f.subject in subjects)
    ours = tuple(f for f in findings if f.subject in own)
    return Explored(states, transitions, dict(fired), theirs, ours, done)


def fired_by_witnesses() -> Counter[str]:
    """How often each rule is enabled along the shortest histories to each rule, in the settings that they need."""
    fired: Counter[str] = Counter()
    for witness in all_witnesses().values():
        if isinstance(witness, Unreached):
            continue
        machine = CompiledMachine(RULES, witness.setting).at(witness.level)
        for step in witness.path:
            fired.update(rule.id for rule in machine.enabled(step.source, step.event))
        fired.update(rule.id for rule in machine.enabled(witness.state, witness.event))
    return fired


def _findings(subject: Subject, found: tuple[Examined, ...], seed: int) -> Iterator[Finding]:
    seen: set[tuple[object, ...]] = set()
    for examined in found:
        for deviation in examined.deviations:
            key = (deviation.rules, deviation.act, deviation.prompted)
            if key in seen:
                continue
            seen.add(key)
            name = f"exploration/{subject.implementation}/{subject.role}/{len(seen)}"
            strength = "" if deviation.strength is None else deviation.strength.value
            cases = tuple(_cases(name, examined, deviation.act, seed))
            yield Finding(subject, name, deviation.rules, strength, deviation.act, deviation.prompted, examined, cases)


def _cases(name: str, examined: Examined, title: str, seed: int) -> list[Case]:
    """The scenario of a finding as a case and its control; none where it has no last whole frame to be judged."""
    steps = list(_events(examined))
    if not steps:
        return []
    *path, (last, _) = steps
    setting = Setting(examined.scenario.setting.role, switches=examined.scenario.setting.switches)
    history = History(setting, last, tuple((event, label) for event, label in path), examined.scenario.start)
    try:
        return build_case(name, Origin("exploration", seed=seed), title, history)
    except (CannotBuildError, ValueError):
        return []


def _events(examined: Examined) -> Iterator[tuple[Event, Label]]:
    """The stimulus as events of the model, each with its canonical outcome."""
    setting = Setting(examined.scenario.setting.role, switches=examined.scenario.setting.switches)
    machine, state = CompiledMachine(RULES, setting), examined.scenario.start
    octets = b""
    for item in examined.scenario.stimulus:
        events: list[Event] = []
        if isinstance(item, Arrives):
            octets += item.octets
            frames, end = frames_in(octets)
            octets = octets[end:]
            for found in frames:
                h = found.header
                frame = Frame(h.opcode, found.payload, h.fin, h.rsv1, h.rsv2, h.rsv3, h.key, h.form)
                events.append(_event(EventKind.RECEIVE, frame, state))
        elif isinstance(item, ArrivesEof):
            events.append(Event(EventKind.RECEIVE_EOF))
        elif isinstance(item, Asks):
            events.append(_event(EventKind.SEND, _asked(item, setting.role), state))
        for event in events:
            chosen = machine.allowed(state, event, departures=True)
            if not chosen:
                return
            yield event, chosen[0].label
            state = chosen[0].state


def _event(kind: EventKind, frame: Frame, state: State) -> Event:
    return Event(kind, facts(frame, text_before(frame.opcode, state, kind)))


def _asked(asks: Asks, role: Role) -> Frame:
    key = bytes(4) if role is Role.CLIENT else None
    if asks.what == "close":
        body = b"" if asks.code is None else asks.code.to_bytes(2, "big") + asks.reason.encode()
        return Frame(CLOSE, body, key=key)
    if asks.what in OPCODE_OF:
        return Frame(OPCODE_OF[asks.what], asks.payload, asks.fin, key=key)
    return Frame(PING if asks.what == "ping" else PONG, asks.payload, key=key)
