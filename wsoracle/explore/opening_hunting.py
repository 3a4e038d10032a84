"""Hunting in the opening handshake: as in `hunting`, with heads of HTTP drawn, and traces judged from the first octet.

What is known is smaller than a whole deviation: that a request is accepted in spite of one rule is known for each rule
by itself, so that two faults in one request show nothing new where each was found already. A crash is known by the
exception and the function that raised it. A round is not steered as it is there: each single change is tried in any
case, and what is left to draw is so little that steering takes more time than trying.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from traceback import extract_tb
from typing import Final, Protocol

from hypothesis import strategies as st

from wsoracle.generators.strategies.heads import opening_stimuli, single_changes
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.notation.variables import CONNECTING, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.deviation import Deviation, deviations
from wsoracle.properties.judge.judge import EVERYTHING
from wsoracle.properties.judge.observation import Crashes, Stimulus, Writes
from wsoracle.properties.judge.opening_judge import judge_opening
from wsoracle.properties.state_machines.driving import Driver, Sut, drive

from ..implementations import ApplicationRefused, PeerCrashed
from ..implementations.opening_offers import FIXED_KEY, URI, Offers, OpeningFactory
from ..implementations.own_endpoint import OwnEndpoint
from .hunting import NO_LIMIT, Examined, Hunt, Scenario, Subject, Way, hunt_by

__all__ = [
    "OpeningPeerSubject",
    "OpeningScenario",
    "OpeningSubject",
    "OwnOpeningSubject",
    "examine_opening",
    "hunt_openings",
]

SUBPROTOCOLS: Final = ("chat", "superchat")
OFFERS: Final = (Offers(), Offers(SUBPROTOCOLS, deflate=True), Offers(SUBPROTOCOLS))


@dataclass(frozen=True, slots=True)
class OpeningScenario(Scenario):
    """What arrives at an endpoint that has not opened, and what it offers."""

    start: State = CONNECTING
    offers: Offers = field(default_factory=Offers)
    head_limit: int = HEAD_LIMIT


class OpeningSubject(Subject, Protocol):
    """An implementation in one role, from the first octet on."""

    def singles(self) -> Iterable[Scenario]:
        """A sound opening handshake, and each with a single change."""


def _scenario(role: Role, head_limit: int, stimulus: Stimulus, offers: Offers) -> OpeningScenario:
    setting = Setting(role, NO_LIMIT, willing=role is Role.SERVER)
    return OpeningScenario(stimulus, "sink", setting, offers=offers, head_limit=head_limit)


def _scenarios(role: Role, head_limit: int) -> st.SearchStrategy[Scenario]:
    return st.builds(_scenario, st.just(role), st.just(head_limit), opening_stimuli(role), st.sampled_from(OFFERS))


def _singles(role: Role, head_limit: int) -> Iterable[Scenario]:
    for change, stimulus in single_changes(role):
        negotiates = change.octets.startswith(b"Sec-WebSocket-")
        for offers in OFFERS if negotiates else OFFERS[:1]:
            yield _scenario(role, head_limit, stimulus, offers)


class OpeningPeerSubject:
    """A real implementation."""

    def __init__(self, factory: OpeningFactory, role: Role) -> None:
        self.implementation: Final = factory.implementation
        self.version: Final = factory.version
        self.role: Final = role
        self._factory: Final = factory

    def scenarios(self) -> st.SearchStrategy[Scenario]:
        """Heads, with any offers."""
        return _scenarios(self.role, self._factory.head_limit)

    def singles(self) -> Iterable[Scenario]:
        """Each single change."""
        return _singles(self.role, self._factory.head_limit)

    def open(self, scenario: Scenario) -> Sut:
        """An endpoint whose opening handshake has not begun."""
        return self._factory(self.role, scenario.offers if isinstance(scenario, OpeningScenario) else None)


class OwnOpeningSubject:
    """Our own endpoint: the control."""

    def __init__(self, role: Role) -> None:
        own = OwnEndpoint(Setting(role))
        self.implementation: Final = own.implementation
        self.version: Final = own.version
        self.role: Final = role

    def scenarios(self) -> st.SearchStrategy[Scenario]:
        """Heads, with any offers."""
        return _scenarios(self.role, HEAD_LIMIT)

    def singles(self) -> Iterable[Scenario]:
        """Each single change."""
        return _singles(self.role, HEAD_LIMIT)

    def open(self, scenario: Scenario) -> Sut:
        """An endpoint whose opening handshake has not begun."""
        offers = scenario.offers if isinstance(scenario, OpeningScenario) else Offers()
        return _OwnOpening(self.role, offers)


class _OwnOpening(OwnEndpoint):
    """Our own endpoint before its opening handshake; it agrees to no extension."""

    def __init__(self, role: Role, offers: Offers) -> None:
        super().__init__(Setting(role))
        key = b64decode(FIXED_KEY)
        client = ClientOpening(URI, offers.subprotocols, nonce=lambda: key)
        opening = ServerOpening(offers.subprotocols) if role is Role.SERVER else client
        self._endpoint = Endpoint(role, opening=opening)  # type: ignore[misc]  # in place of one that is open


def examine_opening(subject: OpeningSubject, scenario: Scenario) -> Examined:
    """Drive an endpoint through a scenario from the first octet on and judge the trace."""
    sut = subject.open(scenario)
    driver = Driver(sut, (ApplicationRefused,))
    first = sut.octets_to_send()
    if first:
        driver.trace.append(Writes(first))
    try:
        trace = drive(driver, scenario.stimulus)
    except PeerCrashed as error:
        trace = (*driver.trace, Crashes(f"{error} ({_raised_in(error.original)})"))
    judgement = judge_opening(
        trace,
        scenario.setting,
        uri=parse_uri(URI) if subject.role is Role.CLIENT else None,
        head_limit=scenario.head_limit if isinstance(scenario, OpeningScenario) else HEAD_LIMIT,
        application=scenario.application,
        sees=EVERYTHING,
    )
    return Examined(scenario, trace, judgement, deviations(judgement, trace))


def _raised_in(error: BaseException) -> str:
    """The function of the library in which it was raised, or from which the standard library was called."""
    frames = [frame for frame in extract_tb(error.__traceback__) if "site-packages" in frame.filename]
    names = [frame.name for frame in frames if not frame.name.startswith("<")]
    return names[-1] if names else "?"


def _kinds(found: Iterable[Deviation]) -> list[object]:
    """What makes a deviation a new one."""
    kinds: list[object] = []
    for one in found:
        reasons = [rule for rule in one.rules if RULES.by_id[rule].on.value.startswith("receive_re")]
        if reasons:
            kinds += [(rule, one.act.partition(" ")[0]) for rule in reasons]
        else:
            kinds.append((one.rules, one.act.rpartition("(")[2] if one.act.startswith("it crashed") else one.act))
    return kinds


def hunt_openings(
    subject: OpeningSubject, seed_value: int, examples: int, progress: Callable[[], None] | None = None
) -> Hunt:
    """Hunt for deviations through opening handshakes; see :func:`~wsoracle.explore.hunting.hunt`.

    Each single change of a sound handshake is tried once; then come about `examples` scenarios that are drawn.
    """
    way = Way(subject.scenarios, lambda scenario: examine_opening(subject, scenario), _kinds, steered=False)
    return hunt_by(way, seed_value, examples, progress, subject.singles())
