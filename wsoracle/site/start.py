"""The first part of a history: how it begins, which end the reader is, settings, what was agreed on, what is broken."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from wsoracle.generators.mutants.operators import Mutant, mutants_by_id
from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.switches import SWITCHES, Switches
from wsoracle.model.notation.variables import CONNECTING, Setting, State
from wsoracle.model.octets.deflate_parameters import DEFLATE
from wsoracle.model.octets.vocabulary import DEFAULT_LIMIT, Role
from wsoracle.model.rules import RULES

from .histories import AGREEABLE, HistoryError, told_state

YOU: Final = "you"
AGREED: Final = "agreed"
"""The parameters of permessage-deflate that were agreed on before, with + between them."""
BROKEN: Final = "broken"
FOUND: Final = "found"
"""The id of a finding, which the explorer of the site tells."""
AT: Final = "at"

_NEAR: Final = 4
_SWITCHES: Final = {switch.variable.name: switch for switch in SWITCHES}


class HistoryStart(NamedTuple):
    """What the first part says. ``extensions``: those that were agreed on before; None where nothing is said."""

    connecting: bool
    you: Role | None
    settings: Mapping[Role, Setting]
    states: Mapping[Role, State]
    extensions: str | None
    fault: Mutant | None
    done: int | None
    """How many of the actions are done, the others were undone; None for all."""

    @property
    def rules(self) -> RuleSet:
        """The rules of both ends: ours, or those with the fault."""
        return RULES if self.fault is None else self.fault.rules


def read_start(text: str) -> HistoryStart:
    """The first part of a history. Raises :class:`HistoryError` for another text."""
    start, *changes = text.split(",")
    if start not in ("open", "connect"):
        raise HistoryError(f"{start}: a history begins with open or connect")
    connecting = start == "connect"
    said = dict(_change(one) for one in changes)
    you = _role(said.pop(YOU)) if YOU in said else None
    fault = _fault(said.pop(BROKEN)) if BROKEN in said else None
    extensions = _extensions(said.pop(AGREED)) if AGREED in said else None
    if connecting and extensions is not None:
        raise HistoryError(f"{AGREED}=: the opening handshake says what is agreed on: leave it out, or begin with open")
    said.pop(FOUND, None)
    done = _number(AT, said.pop(AT)) if AT in said else None
    told = {name: _number(name, said.pop(name)) for name in AGREEABLE if name in said}
    states = {
        role: CONNECTING if connecting else told_state(told, role) if told else _agreed(role, extensions)
        for role in Role
    }  # fmt: skip
    settings = {role: _setting(role, said) for role in Role}
    return HistoryStart(connecting, you, settings, states, extensions, fault, done)


def with_part(text: str, name: str, value: str | None) -> str:
    """The first part of a history with another value of a name; None leaves it out."""
    start, *changes = text.split(",")
    kept = [part for part in changes if _change(part)[0] != name]
    return ",".join([start, *([] if value is None else [f"{name}={value}"]), *kept])


def agreed_text(extensions: str) -> str | None:
    """The value of AGREED for a list of extensions as an answer has it; None where it is empty."""
    first, *parameters = [part.strip() for part in extensions.split(";")]
    if first not in ("", DEFLATE) or (parameters and not first):
        raise HistoryError(f"{extensions}: only {DEFLATE} is known, with its parameters behind semicolons")
    return "+".join(parameters) if first else None


def _change(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _number(name: str, value: str) -> int:
    if not value.removeprefix("-").isdecimal():
        raise HistoryError(f"{name}={value}: it is no setting with a number")
    return int(value)


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise HistoryError(f"{word}: an end is client or server") from None


def _extensions(value: str) -> str:
    return "; ".join([DEFLATE, *(part for part in value.split("+") if part)])


def _agreed(role: Role, extensions: str | None) -> State:
    found = agreed_state(role, extensions or "")
    if found is None:
        raise HistoryError(f"{extensions}: it is no answer of {DEFLATE}, such as {DEFLATE}; client_max_window_bits=10")
    return found


def _fault(name: str) -> Mutant:
    faults = mutants_by_id()
    found = faults.get(name)
    if found is None:
        near = [one for one in faults if one.startswith(f"{name}~")] or get_close_matches(name, faults, _NEAR)
        which = f": {', '.join(near)}" if near else f", such as {next(iter(faults))}"
        raise HistoryError(f"{name}: a fault is RULE~CHANGE{which}")
    return found


def _setting(role: Role, said: Mapping[str, str]) -> Setting:
    """The setting of an endpoint: an application that does nothing and a stated limit, where nothing else is said."""
    found: dict[str, int | bool | None] = {"limit": DEFAULT_LIMIT}
    switches: dict[str, str] = {}
    for name, value in said.items():
        number = _number(name, value)
        if name in _SWITCHES and 0 <= number < len(_SWITCHES[name].values):
            switches[_SWITCHES[name].name] = _SWITCHES[name].values[number]
        elif name in ("limit", "echo", "willing", "browser"):
            found[name] = (None if number < 0 else number) if name == "limit" else bool(number)
        else:
            raise HistoryError(f"{name}={value}: the settings are limit, echo, willing, browser and switches by number")
    return Setting(role, switches=Switches(**switches), **found)  # type: ignore[arg-type]
