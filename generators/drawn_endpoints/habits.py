"""The habits of a drawn endpoint: its role and application, how late it reads, how it is watched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from random import Random
from typing import Final

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application


class Behaviour(Enum):
    """What the application behind a drawn endpoint does."""

    ECHO = "echo"
    """It sends every message back."""
    SINK = "sink"
    """It sends nothing."""
    ECHO_ASKING = "echo that also asks"
    SINK_ASKING = "sink that asks"
    """It sends messages and Close of its own, and the trace shows that it asked for them."""
    GREETER = "greeter"
    """It sends messages of its own that the trace does not show, and echoes."""
    CLOSER = "closer"
    """It echoes until it sends a Close of its own, which the trace does not show."""
    FREE = "free"
    """It sends whatever it likes."""

    @property
    def echoes(self) -> bool:
        """It sends every message back."""
        return self in (Behaviour.ECHO, Behaviour.ECHO_ASKING, Behaviour.GREETER, Behaviour.CLOSER)

    @property
    def asks(self) -> bool:
        """The trace shows what it asks for."""
        return self in (Behaviour.ECHO_ASKING, Behaviour.SINK_ASKING)

    @property
    def sends_messages(self) -> bool:
        """It may send messages of its own."""
        return self.asks or self in (Behaviour.GREETER, Behaviour.FREE)

    @property
    def closes(self) -> bool:
        """It may send a Close of its own."""
        return self.asks or self in (Behaviour.CLOSER, Behaviour.FREE)


_PARAMETERS: Final = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS: Final = ("server_max_window_bits", "client_max_window_bits")


def draw_extensions(random: Random, narrow: bool = False) -> str:
    """An agreement on permessage-deflate as an answer names it; ``narrow``: mostly small windows without context."""
    parts = ["permessage-deflate"]
    parts += [name for name in _PARAMETERS if random.random() < 0.4]
    bits = (8, 8, 9) if narrow else (8, 9, 10, 15)
    parts += [f"{name}={random.choice(bits)}" for name in _WINDOWS if random.random() < (0.8 if narrow else 0.4)]
    return "; ".join(parts)


@lru_cache(maxsize=64)
def setting_of(role: Role, limit: int | None, echo: bool) -> Setting:
    """The setting, the same object for the same values: rules are compiled once for each."""
    return Setting(role, limit, echo)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a drawn endpoint and its peer go about it, all of it drawn once for a trace.

    ``reads``, ``arrives``, ``acts``, ``rests`` weigh what happens next; ``faults`` is the share of the peer's frames
    that are drawn from those at which some rule changes its mind.
    """

    role: Role
    behaviour: Behaviour
    limit: int | None
    opening: bool
    inside: bool
    reads: float
    arrives: float
    acts: float
    rests: float
    faults: float
    hurry: float
    cuts: float
    steps: int
    extensions: str = ""
    """What the opening handshake agrees on, or did: the value of |Sec-WebSocket-Extensions|, empty for nothing."""
    ends_apart: bool = False
    """The ends of the two directions of TCP are told apart: the peer may reset TCP, the endpoint end its half first."""

    @property
    def setting(self) -> Setting:
        """The setting of the endpoint."""
        return setting_of(self.role, self.limit, self.behaviour.echoes)

    @property
    def application(self) -> Application:
        """The application as the judge is told of it, where it is told rightly."""
        return "unknown" if self.behaviour is Behaviour.FREE else "echo" if self.behaviour.echoes else "sink"


_BEHAVIOURS = (*Behaviour, Behaviour.ECHO, Behaviour.FREE)


def draw_habits(random: Random) -> Habits:
    """Habits at random."""
    behaviour = random.choice(_BEHAVIOURS)
    return Habits(
        role=Role.SERVER if random.random() < 0.5 else Role.CLIENT,
        behaviour=behaviour,
        limit=random.choice((3, 200)) if random.random() < 0.12 else None,
        opening=random.random() < 0.3,
        inside=random.random() < 0.25,
        reads=random.choice((0.3, 1.0, 6.0)),
        arrives=random.choice((0.5, 1.0, 2.0)),
        acts=random.choice((0.5, 1.0, 3.0)),
        rests=random.choice((0.1, 0.3, 1.0)),
        faults=random.choice((0.0, 0.1, 0.4)),
        hurry=random.choice((0.2, 0.8, 1.0)),
        cuts=random.choice((0.0, 0.0, 0.15, 0.5)),
        steps=random.choice((6, 10, 16, 26)),
        ends_apart=random.random() < 0.4,
        extensions=draw_extensions(random) if random.random() < 0.3 else "",
    )
