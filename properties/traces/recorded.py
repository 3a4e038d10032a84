"""A trace with all that is needed to judge it, and its form in JSON (docs/traces.md).

Nothing here opens a file. A document may come from anywhere: its reading ends with a trace or an error of one sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, get_args

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, LARGEST_LENGTH, Setting, State
from wsoracle.model.octets.deflate_parameters import DEFLATE
from wsoracle.model.octets.frames import decode_header
from wsoracle.model.octets.header_values import parse_extensions
from wsoracle.model.octets.units import LARGEST_HEAD
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..judge.in_words import TraceInWords
from ..judge.judge import Application, Feature, judge
from ..judge.judgement import Judgement
from ..judge.observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Told,
    What,
    Writes,
)
from ..judge.openings import NOT_JUDGED
from ..judge.verdict import Profile, Verdict

FORMAT: Final = "wsoracle-trace"
VERSIONS: Final = (1, 2)
"""Version 1 does not tell the end of one direction of TCP from that of both; it is read in the milder sense."""

MOST_UNITS: Final = 500_000
"""Observations that are read, and frames that are judged: some 20 s, and less than 1 GiB."""

_CODES: Final = 1 << 16
_Bare: TypeAlias = ArrivesEof | ArrivesReset | ShutsDownTcp | ClosesTcp | ResetsTcp | Processed | Quiet
_IN_BOTH: Final[Mapping[str, type[_Bare]]] = {
    "arrivesEof": ArrivesEof, "closesTcp": ClosesTcp, "resetsTcp": ResetsTcp, "processed": Processed, "quiet": Quiet,
}  # fmt: skip
_BARE: Final[Mapping[int, Mapping[str, type[_Bare]]]] = {
    1: _IN_BOTH,
    2: {**_IN_BOTH, "arrivesReset": ArrivesReset, "shutsDownTcp": ShutsDownTcp},
}
"""The observations without fields of their own, in each version."""
_NAMES: Final = {kind: name for name, kind in _BARE[2].items()}


_EMPTY_LINE: Final = b"\r\n\r\n"
_OF_ENDPOINT: Final = (Writes, ShutsDownTcp, ClosesTcp, ResetsTcp, Quiet, Processed, Tells, Crashes)
"""The observations that say something of the endpoint: of the others alone nothing follows."""


class TraceError(ValueError):
    """The document is no trace: one sentence that names the place and the fault, or why it cannot be judged."""


class ListsResults(TraceError):
    """The document is a list of results beside traces, and is passed over where others are judged: a sentence."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The observations of an endpoint, and the other values that judging takes.

    `opening`: the trace begins with the opening handshake; else right after it. `sees` are the kinds of `Tells` that
    are certain to be there where they happen; `needs` what the handshake has to agree on. `times` are seconds since
    the beginning, one for each observation; None where they are not known. `extensions` were agreed on before a trace
    that begins after the opening handshake: the value of the field |Sec-WebSocket-Extensions|, empty for none; None
    where that is not known.
    """

    trace: tuple[Observation, ...]
    setting: Setting
    application: Application = "unknown"
    opening: bool = True
    sees: frozenset[Told] = frozenset()
    needs: frozenset[Feature] = frozenset()
    times: tuple[float, ...] | None = None
    extensions: str | None = None

    @property
    def in_words(self) -> TraceInWords:
        """Its observations in words."""
        return TraceInWords(self.trace, self.setting.role if self.opening else None, self.agreed)

    @property
    def agreed(self) -> State | None:
        """The state right after an opening handshake that agreed on its extensions; None where one is not known."""
        return agreed_state(self.setting.role, self.extensions or "")

    @property
    def not_judged(self) -> str:
        """Why nothing of it can be judged, in words; empty where something can."""
        if self.extensions and self.agreed is None:
            return NOT_JUDGED
        if not any(isinstance(seen, _OF_ENDPOINT) for seen in self.trace):
            return "not judged: the trace shows nothing that the endpoint did, nor that it was quiet"
        if self._has_many_frames():
            return f"not judged: the trace has more than {MOST_UNITS:,} frames"
        return ""

    def _has_many_frames(self) -> bool:
        count = 0
        for kind in (Arrives, Writes):
            octets = b"".join([seen.octets for seen in self.trace if isinstance(seen, kind)])
            head = octets.find(_EMPTY_LINE, 0, LARGEST_HEAD) if self.opening else -1
            at = head + len(_EMPTY_LINE) if head >= 0 else 0
            while count <= MOST_UNITS and (decoded := decode_header(octets, at)) is not None:
                at = decoded[1] + decoded[0].length
                count += 1
        return count > MOST_UNITS

    def judged(self, profile: Profile = "interop", rules: RuleSet = RULES) -> Judgement:
        """The judgement on it; INFORMATIONAL, with the reason in its note, where nothing can be judged."""
        reason = self.not_judged
        if reason:
            return Judgement(Verdict.INFORMATIONAL, profile, note=reason, unexplained=True)
        found = self._judged(self.agreed, profile, rules)
        if self.opening or self.extensions is not None or _MARKED.isdisjoint(found.rules):
            return found
        compressed = self._judged(agreed_state(self.setting.role, DEFLATE), profile, rules)
        if compressed.broken or compressed.unexplained:
            return found
        return Judgement(Verdict.INFORMATIONAL, profile, note=UNSTATED, unexplained=True)

    def _judged(self, agreed: State | None, profile: Profile, rules: RuleSet) -> Judgement:
        return judge(
            self.trace,
            self.setting,
            application=self.application,
            sees=self.sees,
            start=CONNECTING if self.opening else agreed,
            rules=rules,
            profile=profile,
            needs=self.needs,
        )


_MARKED: Final = frozenset({"5.2/reserved-bits", "5.2/reserved-bits-zero"})
"""The rules against RSV1 without an extension."""

UNSTATED: Final = (
    "not judged: the trace begins after the opening handshake, and is right if permessage-deflate was agreed on; say "
    "what was (extensions)"
)


# --- writing ------------------------------------------------------------------------------------------------------


def trace_to_json(recorded: Recorded) -> dict[str, Any]:
    """The document of a trace, of version 1 where that can say it all; `trace_from_json` reads it back."""
    setting = recorded.setting
    seen = [_observation_to_json(observation) for observation in recorded.trace]
    if recorded.times is not None:
        seen = [{"t": time, **one} for time, one in zip(recorded.times, seen, strict=True)]
    stated = recorded.extensions is not None
    later = stated or any(isinstance(one, (ArrivesReset, ShutsDownTcp)) for one in recorded.trace)
    return {
        "format": FORMAT,
        "version": 2 if later else 1,
        "role": setting.role.value,
        "application": recorded.application,
        "limit": setting.limit,
        "switches": setting.switches.changes(),
        "willing": setting.willing,
        "opening": recorded.opening,
        "sees": sorted(recorded.sees),
        "needs": sorted(recorded.needs),
        **({"extensions": recorded.extensions} if stated else {}),
        "observations": seen,
    }


def _observation_to_json(seen: Observation) -> dict[str, Any]:
    match seen:
        case Arrives(octets):
            return {"what": "arrives", "octets": octets.hex()}
        case Writes(octets):
            return {"what": "writes", "octets": octets.hex()}
        case Tells(kind, payload, code, reason):
            return {"what": "tells", "kind": kind, "payload": payload.hex(), "code": code, "reason": reason}
        case Asks(what, payload, fin, code, reason):
            return {
                "what": "asks", "kind": what, "payload": payload.hex(), "fin": fin, "code": code, "reason": reason,
            }  # fmt: skip
        case Crashes(reason):
            return {"what": "crashes", "reason": reason}
        case _:
            return {"what": _NAMES[type(seen)]}


# --- reading ------------------------------------------------------------------------------------------------------


def parsed(text: str | bytes) -> dict[str, Any]:
    """The object that a text in JSON holds. TraceError for any other text, however long or deep."""
    begun = text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")
    if begun > MOST_UNITS:
        raise TraceError(f"it has more than {MOST_UNITS:,} objects and lists: give a part of it")
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise TraceError("it is nested too deeply to be a trace") from None
    except UnicodeDecodeError:
        raise TraceError("it is not JSON: the text is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise TraceError(f"it is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise TraceError("it is not JSON that can be read: a number is too long, or none") from None
    if not isinstance(document, dict):
        raise TraceError(f"it holds {_kind(document)}, and a trace is an object")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(name)


def trace_from_json(document: Mapping[str, Any]) -> Recorded:
    """The trace of a document. TraceError where it is no trace, with the place of the fault."""
    if document.get("format") != FORMAT:
        found = "it has no format" if "format" not in document else f"format: {_shown(document['format'])}"
        raise TraceError(f'{found}: give a trace, whose format is "{FORMAT}", or the JSON report of one case')
    version = document.get("version")
    if version not in VERSIONS or isinstance(version, (bool, float)):
        raise TraceError(f"version: {_shown(version)} is neither 1 nor 2, which can be read")
    known = {
        "format", "version", "role", "application", "limit", "switches", "willing", "opening", "sees", "needs",
        "observations", *(("extensions",) if version > 1 else ()),
    }  # fmt: skip
    _only(document, known, "")
    role = Role(_one_of(document, "role", "", [role.value for role in Role]))
    application: Application = _one_of(document, "application", "", get_args(Application), "unknown")
    limit = document.get("limit")
    if limit is not None:
        limit = _number(limit, "limit", LARGEST_LENGTH)
    setting = Setting(
        role,
        limit,
        application == "echo",
        _switches(document.get("switches", {})),
        _flag(document, "willing", "", False),
    )
    sees: list[Told] = _some_of(document, "sees", get_args(Told))
    needs: list[Feature] = _some_of(document, "needs", get_args(Feature))
    rows = document.get("observations")
    if not isinstance(rows, list):
        raise TraceError(f"observations: {_kind(rows)} is no list")
    trace = tuple(_observation(row, f"observations[{index}]", _BARE[version]) for index, row in enumerate(rows))
    opening = _flag(document, "opening", "", True)
    extensions = _extensions(document, opening)
    return Recorded(trace, setting, application, opening, frozenset(sees), frozenset(needs), _times(rows), extensions)


def observation_from_json(row: Any, at: str) -> Observation:
    """One observation of a trace, version 2; ``at`` is its place. TraceError where it is none."""
    return _observation(row, at, _BARE[2])


def _extensions(document: Mapping[str, Any], opening: bool) -> str | None:
    if "extensions" not in document:
        return None
    given = document["extensions"]
    if not isinstance(given, str):
        raise TraceError(f"extensions: {_kind(given)} is no text")
    if given and parse_extensions([given]) is None:
        raise TraceError(f"extensions: {_shown(given)} is no list of extensions, such as permessage-deflate")
    if given and opening:
        raise TraceError("extensions: the trace begins with the opening handshake, which says what is agreed on")
    return None if opening else given


def _times(rows: Sequence[Mapping[str, Any]]) -> tuple[float, ...] | None:
    times: list[float] = []
    for index, row in enumerate(rows):
        if "t" not in row:
            if times:
                raise TraceError(f"observations[{index}].t: it is missing, and the first observation has one")
            continue
        if len(times) < index:
            raise TraceError(f"observations[{index}].t: the first observation has none")
        time = row["t"]
        if isinstance(time, bool) or not isinstance(time, (int, float)) or not 0 <= time < math.inf:
            raise TraceError(f"observations[{index}].t: {_shown(time)} is not a number of seconds")
        if times and time < times[-1]:
            raise TraceError(f"observations[{index}].t: {_shown(time)} is earlier than the one before")
        times.append(time)
    return tuple(times) if times else None


def _switches(given: Any) -> Switches:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise TraceError("switches: expected an object whose values are strings, such as {}")
    try:
        return Switches(**given)
    except (TypeError, ValueError) as error:
        raise TraceError(f"switches: {error}") from None


def _observation(row: Any, at: str, bare: Mapping[str, type[_Bare]]) -> Observation:
    if not isinstance(row, dict):
        raise TraceError(f"{at}: {_kind(row)} is no object")
    what = _one_of(row, "what", at, ["arrives", "writes", "tells", "asks", "crashes", *bare])
    fields: dict[str, set[str]] = {
        "arrives": {"octets"},
        "writes": {"octets"},
        "tells": {"kind", "payload", "code", "reason"},
        "asks": {"kind", "payload", "fin", "code", "reason"},
        "crashes": {"reason"},
    }
    _only(row, {"t", "what", *fields.get(what, ())}, at)
    if what in bare:
        return bare[what]()
    if what == "arrives":
        return Arrives(_hex(row, "octets", at, required=True))
    if what == "writes":
        return Writes(_hex(row, "octets", at, required=True))
    reason = row.get("reason", "")
    if not isinstance(reason, str):
        raise TraceError(f"{at}.reason: {_kind(reason)} is no text")
    if what == "crashes":
        return Crashes(reason)
    code = row.get("code")
    if code is not None:
        code = _number(code, f"{at}.code", _CODES - 1)
    payload = _hex(row, "payload", at)
    if what == "tells":
        told: Told = _one_of(row, "kind", at, get_args(Told))
        return Tells(told, payload, code, reason)
    asked: What = _one_of(row, "kind", at, get_args(What))
    return Asks(asked, payload, _flag(row, "fin", at, True), code, reason)


T = TypeVar("T", bound=str)


def _one_of(row: Mapping[str, Any], name: str, at: str, among: Sequence[T], default: T | None = None) -> T:
    value = row.get(name, default)
    if isinstance(value, str):
        for one in among:
            if one == value:
                return one
    raise TraceError(f"{_place(at, name)}: expected one of {', '.join(among)}, got {_shown(value)}")


def _some_of(document: Mapping[str, Any], name: str, among: Sequence[T]) -> list[T]:
    given = document.get(name, [])
    if not isinstance(given, list):
        raise TraceError(f"{name}: {_kind(given)} is no list")
    return [_one_of({name: one}, name, "", among) for one in given]


def _flag(row: Mapping[str, Any], name: str, at: str, default: bool) -> bool:
    value = row.get(name, default)
    if not isinstance(value, bool):
        raise TraceError(f"{_place(at, name)}: {_shown(value)} is neither true nor false")
    return value


def _number(value: Any, place: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise TraceError(f"{place}: {_shown(value)} is no whole number from 0 to {most}")
    return value


def _hex(row: Mapping[str, Any], name: str, at: str, *, required: bool = False) -> bytes:
    value = row.get(name, None if required else "")
    if isinstance(value, str):
        with suppress(ValueError):
            octets = bytes.fromhex(value)
            if len(value) == 2 * len(octets):  # else there were spaces
                return octets
    raise TraceError(f"{_place(at, name)}: {_shown(value)} is not a string of hexadecimal digits, two for each octet")


def _only(row: Mapping[str, Any], known: set[str], at: str) -> None:
    for name in row:
        if name not in known:
            raise TraceError(f"{_place(at, _shown(name)[1:-1])}: there is no such field")


def _place(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def _shown(value: Any) -> str:
    """A value on one line, cut where it is long."""
    if isinstance(value, (list, dict)):
        return _kind(value)
    if isinstance(value, int) and abs(value) > 10**30:
        return "a number that long"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:50]}..."
