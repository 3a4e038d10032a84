"""Where the histories of a world begin: a setting, and the state before or right after the opening handshake.

The default is a server or a client that echoes. The nearest to it are tried first: those that differ from it in one
point, then those that differ in two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final

from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.switches import SWITCHES, Switch, Switches
from wsoracle.model.notation.variables import CLAIMS, CONNECTING, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .operators import of_handshake

SMALL_LIMIT: Final = 2
"""The limit in octets, in worlds with a limit."""

ESTABLISHED: Final = State()
"""The state after an opening handshake that negotiated no extension."""

AGREEMENTS: Final = tuple(
    State(claims_rsv1=True, recv_window=512, send_window=1024, recv_takeover=keeps, send_takeover=keeps)
    for keeps in (True, False)
)
"""The states after an opening handshake that agreed on permessage-deflate: with a window of each direction that is none
of the bounds, where contexts are taken over, and where they are not."""


@dataclass(frozen=True)
class WorldStart:
    """A setting, and the state before or right after the opening handshake.

    ``departing``: histories may contain steps that depart from a SHOULD or a CONSENSUS rule.
    """

    setting: Setting
    state: State = ESTABLISHED
    departing: bool = False

    @property
    def cost(self) -> int:
        """How much longer a history without it may be before this start is preferred to the default one."""
        return 2 * len(self.points) + 3 * self.departing

    @property
    def points(self) -> frozenset[str]:
        """The names of the variables that differ from the default, role aside."""
        setting = self.setting
        changed = {f"switch_{name}" for name in setting.switches.changes()}
        if self.state in AGREEMENTS:
            changed |= {"recv_window"} if self.state.recv_takeover else {"recv_window", "recv_takeover"}
        else:
            changed |= {name for name in CLAIMS if getattr(self.state, name)}
        differs = {
            "limit": setting.limit is not None,
            "echo": not setting.echo,
            "willing": setting.willing,
            "browser": setting.browser,
        }
        return frozenset(changed | {name for name, is_other in differs.items() if is_other})

    @property
    def agreed(self) -> bool:
        """Permessage-deflate was agreed on, and nothing else differs from the default but that histories may depart."""
        return self.state in AGREEMENTS and self.points <= {"recv_window", "recv_takeover"}

    @property
    def connecting(self) -> bool:
        """Histories begin before the opening handshake."""
        return self.state == CONNECTING

    @property
    def name(self) -> str:
        """The role, and what is not as by default, made of characters that an id may have."""
        setting = self.setting
        words = [setting.role.value]
        words += [
            word
            for word in ("connecting", "willing", "browser")
            if getattr(self if word == "connecting" else setting, word)
        ]
        if not setting.echo:
            words.append("sink")
        if setting.limit is not None:
            words.append(f"limit={setting.limit}")
        if self.state in AGREEMENTS:
            words.append("deflate" if self.state.recv_takeover else "deflate,no-takeover")
        else:
            words += [name.removeprefix("claims_") for name in CLAIMS if getattr(self.state, name)]
        words += [f"{name}={value.replace(' ', '-')}" for name, value in setting.switches.changes().items()]
        return ",".join(words)


def starts(first: State = ESTABLISHED) -> list[WorldStart]:
    """The starts in the default world and in those that differ from it in one point, the nearest first.

    They begin right after the opening handshake, or before it (CONNECTING). Those whose histories may depart from rules
    come last.
    """
    base = _base()
    near = [WorldStart(setting, first) for setting in base]
    if first == CONNECTING:
        near += [WorldStart(Setting(Role.SERVER, echo=True, willing=True), first)]
        near += [WorldStart(Setting(Role.CLIENT, echo=True, browser=True), first)]
    else:
        near += [WorldStart(Setting(role, echo=False)) for role in Role]
        near += [WorldStart(Setting(s.role, limit=SMALL_LIMIT, echo=True)) for s in base]
        near += [WorldStart(s, State(**{claim: True})) for claim in CLAIMS for s in base]
        near += [WorldStart(s, agreed) for agreed in AGREEMENTS for s in base]
        marks = (AGREEMENTS[0], State(claims_rsv1=True))
        near += [WorldStart(Setting(s.role, limit=SMALL_LIMIT, echo=True), one) for one in marks for s in base]
    for switch in switches_about(first):
        for value in switch.values:
            if value != switch.default:
                changed = Switches(**{switch.name: value})
                begun = _where_read((switch,), first)
                near += [WorldStart(Setting(s.role, echo=True, switches=changed), one) for one in begun for s in base]
    return [*near, *(WorldStart(start.setting, start.state, True) for start in near)]


def _base() -> list[Setting]:
    return [Setting(role, echo=True) for role in (Role.SERVER, Role.CLIENT)]


@lru_cache(maxsize=2)
def switches_about(first: State) -> tuple[Switch, ...]:
    """The switches that rules of the opening handshake read, if it is still to come; else those that others read."""
    read = {n for row in RULES if of_handshake(row) == (first == CONNECTING) for n in variables(row.when)}
    return tuple(switch for switch in SWITCHES if switch.variable.name in read)


def starts_with_two(points: Collection[str], first: State = ESTABLISHED) -> list[WorldStart]:
    """The starts that differ from the default in two of some switches, given by the names of their variables."""
    choices = [(s, v) for s in switches_about(first) if s.variable.name in points for v in s.values if v != s.default]
    return [
        WorldStart(
            Setting(role, echo=True, switches=Switches(**{one.name: a, two.name: b})), _where_read((one, two), first)[0]
        )
        for (one, a), (two, b) in combinations(choices, 2)
        if one is not two
        for role in (Role.SERVER, Role.CLIENT)
    ]


def _where_read(switches: Sequence[Switch], first: State) -> Sequence[State]:
    """The first state, with permessage-deflate agreed on where one of the switches is read nowhere else."""
    return AGREEMENTS if first == ESTABLISHED and any(s.name in _OF_DEFLATE for s in switches) else (first,)


_OF_DEFLATE: Final = ("bad_deflate_data", "empty_deflate_payload", "final_block_alone")
