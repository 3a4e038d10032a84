"""Attempts to make an implementation deviate, and implementations in one of their roles, which attempts are drawn for.

Each implementation is tried in two ways: with frames after an opening handshake that another endpoint has played, and
with heads from the first octet on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from hypothesis import strategies as st

from wsoracle.generators.strategies.frames import settings_of_endpoints, starts, stimuli
from wsoracle.generators.strategies.heads import opening_stimuli, single_changes
from wsoracle.model.notation.variables import CONNECTING, LARGEST_LENGTH, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.observation import Stimulus
from wsoracle.properties.state_machines.driving import Sut

from ..implementations import Offers, PeerApplication, PeerUnderTest
from ..implementations.adapter import opening_of
from ..implementations.own_endpoint import OwnEndpoint

NO_LIMIT: Final = LARGEST_LENGTH
"""The limit of an implementation that has none of its own: any message is legal. (An unstated limit excuses more.)"""

SMALL_LIMIT: Final = 1_000
"""Octets of a message: more than control frames have, and few enough to write out what happens at the limit."""

SUBPROTOCOLS: Final = ("chat", "superchat")
OFFERS: Final = (Offers(), Offers(SUBPROTOCOLS, deflate=True), Offers(SUBPROTOCOLS))


@dataclass(frozen=True, slots=True)
class Attempt:
    """A stimulus for an endpoint, its setting, and the application on top of it.

    `start` is the state in which the endpoint begins. Where that is before the opening handshake, `offers` are its own
    and `head_limit` is in octets of the largest head that it certainly takes.
    """

    stimulus: Stimulus
    application: Application
    setting: Setting
    start: State = field(default_factory=State)
    offers: Offers = field(default_factory=Offers)
    head_limit: int = HEAD_LIMIT

    @property
    def from_first_octet(self) -> bool:
        """Whether it begins before the opening handshake."""
        return bool(self.start.handshake)


class RoleUnderTest(ABC):
    """An implementation in one role."""

    implementation: str
    version: str
    head_limit: int

    def __init__(self, role: Role) -> None:
        self.role: Final = role

    @abstractmethod
    def connect(self, attempt: Attempt) -> Sut:
        """A fresh connection for an attempt."""

    @abstractmethod
    def attempts(self) -> st.SearchStrategy[Attempt]:
        """Attempts after the opening handshake."""

    def opening_attempts(self) -> st.SearchStrategy[Attempt]:
        """Attempts from the first octet on: heads with any changes, and any offers."""
        return st.builds(self._opening, opening_stimuli(self.role), st.sampled_from(OFFERS))

    def single_changes(self) -> Iterator[Attempt]:
        """A sound opening handshake with each single change; with any offers where the change is about those."""
        for change, stimulus in single_changes(self.role):
            negotiates = change.octets.startswith(b"Sec-WebSocket-")
            for offers in OFFERS if negotiates else OFFERS[:1]:
                yield self._opening(stimulus, offers)

    def _opening(self, stimulus: Stimulus, offers: Offers) -> Attempt:
        setting = Setting(self.role, NO_LIMIT, willing=self.role is Role.SERVER)
        return Attempt(stimulus, "sink", setting, CONNECTING, offers, self.head_limit)


class PeerRole(RoleUnderTest):
    """A real implementation: its limit is the one that it states, or a small one; its application a sink or an echo."""

    def __init__(self, peer: type[PeerUnderTest], role: Role) -> None:
        super().__init__(role)
        self.implementation = peer.implementation
        self.version = peer.version
        self.head_limit = peer.head_limit
        self._peer: Final = peer
        stated = peer(role).limit
        self.limit: Final = NO_LIMIT if stated is None else stated

    def connect(self, attempt: Attempt) -> Sut:
        """A fresh connection."""
        application: PeerApplication = "echo" if attempt.application == "echo" else "sink"
        if attempt.from_first_octet:
            return self._peer(self.role, application, offers=attempt.offers)
        limit = None if attempt.setting.limit == self.limit else attempt.setting.limit
        return self._peer.opened(self.role, application, limit=limit)

    def attempts(self) -> st.SearchStrategy[Attempt]:
        """Frames for either application."""
        usual = [self._attempts("sink", self.limit), self._attempts("sink", self.limit)]
        small = [self._attempts("sink", SMALL_LIMIT)] if self._peer.limit_can_be_chosen else []
        return st.one_of(*usual, *small, self._attempts("echo", self.limit))

    def _attempts(self, application: Application, limit: int) -> st.SearchStrategy[Attempt]:
        echo = application == "echo"
        setting = Setting(self.role, limit, echo)
        made = stimuli(self.role, limit=limit, fragments=not echo)
        return made.map(lambda stimulus: Attempt(stimulus, application, setting))


class OwnRole(RoleUnderTest):
    """Our own endpoint in any setting, with any reserved bits claimed: the control."""

    implementation = OwnEndpoint.implementation
    version = OwnEndpoint.version
    head_limit = HEAD_LIMIT

    def connect(self, attempt: Attempt) -> Sut:
        """A fresh connection."""
        if attempt.from_first_octet:
            return OwnEndpoint(Setting(self.role), opening=opening_of(self.role, attempt.offers))
        return OwnEndpoint(attempt.setting, attempt.start)

    def attempts(self) -> st.SearchStrategy[Attempt]:
        """Frames for either application, in any setting."""
        return st.one_of(self._attempts(echo=False), self._attempts(echo=True))

    def _attempts(self, *, echo: bool) -> st.SearchStrategy[Attempt]:
        made = stimuli(self.role, fragments=not echo)
        return st.builds(self._attempt, made, settings_of_endpoints(self.role, echo=echo), starts())

    @staticmethod
    def _attempt(stimulus: Stimulus, setting: Setting, start: State) -> Attempt:
        stated = OwnEndpoint(setting).setting
        return Attempt(stimulus, "echo" if setting.echo else "sink", stated, start)
