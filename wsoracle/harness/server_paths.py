"""The WebSocket paths of the fuzzing server and their parameters, as client testees use them.

A request is untrusted text: names and numbers are bounded and checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from wsoracle.generators.cases.case import Case
from wsoracle.model.octets.http import Request

PATHS: Final = ("/", "/runCase", "/getCaseCount", "/getCaseInfo", "/getCaseStatus", "/getProbes", "/updateReports",
                "/stopServer")  # fmt: skip

LONGEST_AGENT: Final = 4096
"""Characters of the name of an agent."""

_NEED_CASE: Final = ("/runCase", "/getCaseInfo", "/getCaseStatus")
_NEED_AGENT: Final = ("/runCase", "/getCaseStatus", "/getProbes", "/updateReports")
_LONGEST_NUMBER: Final = 9
_MOST_FIELDS: Final = 32
_SHOWN: Final = 80


class Refusal(Exception):
    """A request that is answered with an HTTP status; the message says what is wrong and what to do."""

    def __init__(self, status: int, why: str) -> None:
        self.status: Final = status
        super().__init__(why)


@dataclass(frozen=True)
class Command:
    """A request, understood. `agent` and `case` are there where the path needs them; `number` counts from 1.

    `stops`: the server is to end when it has answered.
    """

    path: str
    agent: str = ""
    number: int = 0
    case: Case | None = None
    stops: bool = False


def is_websocket(request: Request) -> bool:
    """Whether a request is to open a WebSocket connection, with faults or without; otherwise it is for a page."""
    wants = any("websocket" in value.lower() for value in request.values("Upgrade"))
    return wants or bool(request.values("Sec-WebSocket-Key"))


def path_of(target: str) -> tuple[str, str]:
    """The path and the query of a request's target; the path is as on the wire, with nothing decoded."""
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return path, query
    try:
        parts = urlsplit(target)
    except ValueError:
        return "", ""
    return parts.path, parts.query


def command_of(target: str, cases: Sequence[Case]) -> Command:
    """The command in the target of an opening handshake. Raises :class:`Refusal`: 404 for a path that is not known, 500
    for parameters that are wrong, too many or missing."""
    path, query = path_of(target)
    if path not in PATHS:
        raise Refusal(404, f"there is no {_shown(path)} here: the paths are {', '.join(PATHS)}")
    values = _Parameters(query)
    agent = values.one("agent") or ""
    if len(agent) > LONGEST_AGENT:
        raise Refusal(500, f"the name of the agent has {len(agent)} characters: {LONGEST_AGENT} at the most")
    number = _number(values, cases)
    if path in _NEED_CASE and number is None:
        raise Refusal(500, f"{path} needs a case: case=N with N from 1 to {len(cases)}, or casetuple=ID")
    if path in _NEED_AGENT and not agent:
        raise Refusal(500, f"{path} needs the name of the client under test: agent=NAME")
    stops = (values.one("shutdownOnComplete") or "").lower() in ("true", "yes")
    if number is None:
        return Command(path, agent, stops=stops)
    return Command(path, agent, number, cases[number - 1], stops)


class _Parameters:
    def __init__(self, query: str) -> None:
        # Some clients write UTF-8 as it is, without percent signs.
        text = query.encode("latin-1", "replace").decode("utf-8", "replace")
        try:
            self._values: Final = parse_qs(text, keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Refusal(500, f"the query has more than {_MOST_FIELDS} parameters: give fewer") from None

    def one(self, name: str) -> str | None:
        """The value of a parameter that may be there once."""
        values = self._values.get(name, [])
        if len(values) > 1:
            raise Refusal(500, f"{name} is there {len(values)} times: give it once")
        return values[0] if values else None


def _number(values: _Parameters, cases: Sequence[Case]) -> int | None:
    """The number of the case; the parameter `case` goes before `casetuple`."""
    text, name = values.one("case"), values.one("casetuple")
    if text is not None:
        digits = text.strip()
        if not digits.isascii() or not digits.isdigit() or len(digits) > _LONGEST_NUMBER:
            raise Refusal(500, f"{_shown(text)} is no number of a case: give one from 1 to {len(cases)}")
        if not 1 <= int(digits) <= len(cases):
            raise Refusal(500, f"there is no case {int(digits)}: give a number from 1 to {len(cases)}")
        return int(digits)
    if name is not None:
        for number, case in enumerate(cases, 1):
            if case.id == name.strip():
                return number
        raise Refusal(500, f"there is no case {_shown(name)} in this run: give the id of one that is selected")
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
