"""A session: questions as lines of JSON go in, one answer a line comes out, in order (docs/oracle.md).

Theory of operation. A line is checked against its schema, and answered by the function of its command. An error is an
answer too, and changes nothing: the session goes on. Connections have names that the one who asks chooses; each is an
:class:`~.online.OnlineOracle`. What all of them keep is bounded.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from jsonschema import Draft202012Validator

from wsoracle.properties.judge.observation import Observation
from wsoracle.properties.traces.autobahn import is_autobahn_report, trace_of_report
from wsoracle.properties.traces.recorded import (
    FORMAT,
    MOST_UNITS,
    Recorded,
    TraceError,
    observation_from_json,
    trace_from_json,
)

from .. import __version__
from ..explain.explanation import ExplainError
from .as_json import allowed_as_json, judgement_as_json
from .octets import decoded, encoded, explained, octets_of_frame
from .online import OnlineOracle
from .schema_checks import Check, NotOfSchema, check_of, schema

VERSION: Final = 1
"""The version of the protocol."""

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))

SCHEMA: Final = "oracle.schema.json"

MOST_CONNECTIONS: Final = 10_000
MOST_OCTETS: Final = 256 << 20
"""Octets that all connections keep; each takes several octets of memory."""

MOST_OBSERVATIONS: Final = 1_000_000
"""Observations that all connections keep."""


class WrongQuestion(ValueError):
    """A question that cannot be answered: `kind` is that of the error, the message one sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind: Final = kind


class _Followed:
    """A connection that is followed, and how much of it is kept."""

    def __init__(self, recorded: Recorded, oracle: OnlineOracle) -> None:
        self.oracle: Final = oracle
        self.octets = 0
        self.observations = 0
        self._recorded: Final = recorded

    def judgement(self) -> dict[str, Any]:
        return judgement_as_json(replace(self._recorded, trace=self.oracle.trace), self.oracle.judgement())


class OracleSession:
    """One session. `ended` after its stop. With ``validate`` each question and answer is held against the schema."""

    def __init__(self, *, validate: bool = False) -> None:
        self.ended = False
        self._started = False
        self._connections: Final[dict[str, _Followed]] = {}
        self._octets = self._observations = 0
        whole = schema(SCHEMA)
        questions = whole["$defs"]["questions"]
        self._checks: Final[dict[str, Check]] = {name: check_of(part, whole) for name, part in questions.items()}
        self._answers: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
            "start": self._start, "judge": self._judge, "open": self._open, "received": self._received,
            "sent": self._sent, "observe": self._observe, "may_send": self._may_send, "owes": self._owes,
            "explains": self._explains, "judgement": self._judgement, "close": self._close, "encode": encoded,
            "decode": decoded, "explain": explained, "stop": self._stop,
        }  # fmt: skip
        self._validators: Final = (
            {
                kind: {name: Draft202012Validator({**whole, "anyOf": [part]}) for name, part in known.items()}
                for kind, known in (("in", questions), ("out", whole["$defs"]["answers"]))
            }
            if validate
            else None
        )

    def answer(self, line: bytes) -> str:
        """The answer to a line, as a line without its end. No line makes it raise."""
        seq: int | None = None
        try:
            question = _object(line)
            seq = _seq_of(question)
            answer: Mapping[str, Any] = {"seq": seq, **self._answer(question)}
        except WrongQuestion as error:
            answer = _error(seq, error.kind, str(error))
        except (NotOfSchema, TraceError, ExplainError) as error:
            answer = _error(seq, "question", str(error))
        except Exception as error:  # a fault of ours must not end the session of others
            answer = _error(seq, "internal", f"{type(error).__name__}: {error} (please report it)")
        return _ENCODER.encode(answer)

    def too_long(self, most: int) -> str:
        """The answer to a line that is not read, since it has more octets than ``most``."""
        return json.dumps(_error(None, "json", f"the line has more than {most:,} octets: ask about a part of it"))

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        cmd = question.get("cmd")
        check = self._checks.get(cmd) if isinstance(cmd, str) else None
        if check is None:
            raise WrongQuestion("question", f"cmd: expected one of {', '.join(self._checks)}")
        check(question, "")
        assert isinstance(cmd, str)
        if not self._started and cmd != "start":
            raise WrongQuestion("state", f"the session has not begun: ask {_START} first")
        self._hold("in", cmd, question)
        answer = self._answers[cmd](question)
        self._hold("out", cmd, {"seq": question["seq"], **answer})
        return answer

    def _hold(self, way: str, cmd: str, message: Mapping[str, Any]) -> None:
        if self._validators is None:
            return
        fault = next(self._validators[way][cmd].iter_errors(message), None)
        if fault is not None:
            where = ".".join(map(str, fault.absolute_path)) or "the message"
            kind = "question" if way == "in" else "internal"
            raise WrongQuestion(kind, f"{where} is not as the schema says: {fault.message[:200]}")

    # --- the session

    def _start(self, question: dict[str, Any]) -> dict[str, Any]:
        if question["version"] != VERSION:
            raise WrongQuestion("state", f"version: {question['version']} is not spoken here: ask for {VERSION}")
        self._started = True
        return {
            "version": VERSION,
            "oracle": {
                "name": "wsoracle",
                "version": __version__,
                "language": f"Python {platform.python_version()}",
                "source": "RFC 6455, RFC 7692",
            },
            "commands": list(self._answers),
        }

    def _stop(self, question: dict[str, Any]) -> dict[str, Any]:
        self.ended = True
        return {}

    def _judge(self, question: dict[str, Any]) -> dict[str, Any]:
        document = question["trace"]
        is_report = document.get("format") != FORMAT and is_autobahn_report(document)
        recorded = trace_of_report(document) if is_report else trace_from_json(document)
        return {"judgement": judgement_as_json(recorded, recorded.judged(question.get("profile", "interop")))}

    # --- connections

    def _open(self, question: dict[str, Any]) -> dict[str, Any]:
        name = question["connection"]
        if name in self._connections:
            raise WrongQuestion("state", f"connection: {name!a} is open: close it first, or choose another name")
        if len(self._connections) >= MOST_CONNECTIONS:
            raise WrongQuestion("state", f"{MOST_CONNECTIONS:,} connections are open: close some first")
        settings = {key: value for key, value in question.items() if key not in _NOT_OF_TRACE}
        recorded = trace_from_json({"format": FORMAT, "version": 2, "observations": [], **settings})
        setting = recorded.setting
        try:
            oracle = OnlineOracle(
                setting.role,
                application=recorded.application,
                opening=recorded.opening,
                extensions=recorded.extensions or "",
                limit=setting.limit,
                switches=setting.switches,
                sees=recorded.sees,
                willing=setting.willing,
                profile=question.get("profile", "interop"),
            )
        except ValueError as error:
            raise WrongQuestion("question", str(error)) from None
        self._connections[name] = _Followed(recorded, oracle)
        return {"connection": name}

    def _followed(self, question: dict[str, Any]) -> _Followed:
        found = self._connections.get(question["connection"])
        if found is None:
            raise WrongQuestion("state", f"connection: {question['connection']!a} is not open: open it first")
        return found

    def _received(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._seen(question, [{"what": "arrives", "octets": question["octets"]}])

    def _sent(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._seen(question, [{"what": "writes", "octets": question["octets"]}])

    def _observe(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._seen(question, question["observations"])

    def _seen(self, question: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
        followed = self._followed(question)
        seen = [observation_from_json(row, f"observations[{index}]") for index, row in enumerate(rows)]
        octets = sum(map(_size, seen))
        if self._octets + octets > MOST_OCTETS or self._observations + len(seen) > MOST_OBSERVATIONS:
            raise WrongQuestion("state", "too much is kept of the connections that are open: close some first")
        for thing, count in (("octets", octets), ("observations", len(seen))):
            setattr(followed, thing, getattr(followed, thing) + count)
        self._octets += octets
        self._observations += len(seen)
        return {"conforms": followed.oracle.observe(*seen)}

    def _may_send(self, question: dict[str, Any]) -> dict[str, Any]:
        followed = self._followed(question)
        if ("octets" in question) is ("frame" in question):
            raise WrongQuestion("question", "octets, frame: give one of the two")
        may = followed.oracle.may_send(octets_of_frame(question))
        if may:
            return {"allowed": True, "rules": [], "wouldHaveBeenAllowed": []}
        judgement = may.judgement
        return {
            "allowed": False,
            "verdict": judgement.verdict.value,
            "rules": list(judgement.rules),
            "wouldHaveBeenAllowed": allowed_as_json(judgement.instead),
        }

    def _owes(self, question: dict[str, Any]) -> dict[str, Any]:
        owed = self._followed(question).oracle.owes()
        return {"owes": [{"what": what, "rules": list(rules)} for what, rules in owed]}

    def _explains(self, question: dict[str, Any]) -> dict[str, Any]:
        followed = self._followed(question)
        if followed.oracle.explains():
            return {"conforms": True}
        return {"conforms": False, "judgement": followed.judgement()}

    def _judgement(self, question: dict[str, Any]) -> dict[str, Any]:
        return {"judgement": self._followed(question).judgement()}

    def _close(self, question: dict[str, Any]) -> dict[str, Any]:
        followed = self._followed(question)
        del self._connections[question["connection"]]
        self._octets -= followed.octets
        self._observations -= followed.observations
        return {"connection": question["connection"]}


_START: Final = f'{{"seq":1,"cmd":"start","version":{VERSION}}}'
_NOT_OF_TRACE: Final = frozenset(("seq", "cmd", "connection", "profile"))


def _object(line: bytes) -> dict[str, Any]:
    """The object in a line. WrongQuestion for any other line, however deep."""
    try:
        if line.count(b"{") + line.count(b"[") > MOST_UNITS:
            raise WrongQuestion(
                "json", f"the line has more than {MOST_UNITS:,} objects and lists: ask about a part of it"
            )
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        if isinstance(error, WrongQuestion):
            raise
        why = f"{error.msg} at character {error.pos}" if isinstance(error, json.JSONDecodeError) else "not to be read"
        raise WrongQuestion("json", f"the line is not JSON: {why}; give one object a line") from None
    if not isinstance(found, dict):
        raise WrongQuestion("json", "the line is not an object: give one such as " + _START)
    return found


def _seq_of(question: dict[str, Any]) -> int | None:
    seq = question.get("seq")
    return seq if type(seq) is int and 0 <= seq < 1 << 53 else None


def _error(seq: int | None, kind: str, message: str) -> dict[str, Any]:
    return {"seq": seq, "error": {"kind": kind, "message": message}}


def _size(seen: Observation) -> int:
    return len(getattr(seen, "octets", b"")) + len(getattr(seen, "payload", b""))
