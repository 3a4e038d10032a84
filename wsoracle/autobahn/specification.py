"""Specification files of Autobahn: their settings, checked, and warnings for settings that have no effect here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from wsoracle.model.octets.uri import WebSocketUri, parse_uri

from ..text.input_checks import check_agent, check_host, check_origin, check_subprotocol
from .patterns import AgentExclusions, cases_meant

Mode = Literal["fuzzingclient", "fuzzingserver"]
CLIENT: Final[Mode] = "fuzzingclient"
SERVER: Final[Mode] = "fuzzingserver"

_URL: Final = "ws://127.0.0.1:9001"
_OUT: Final = {CLIENT: "./reports/servers", SERVER: "./reports/clients"}
_COMMON: Final = ("cases", "exclude-cases", "exclude-agent-cases", "outdir", "options")
_KEYS: Final = {CLIENT: (*_COMMON, "servers"), SERVER: (*_COMMON, "url", "protocols", "key", "cert")}
_SERVER_KEYS: Final = ("url", "agent", "origin", "protocols", "hostname", "options")
_TIMEOUTS: Final = ("openHandshakeTimeout", "closeHandshakeTimeout", "serverConnectionDropTimeout")


class SpecFileError(ValueError):
    """Something in a specification file is wrong; the message is one line that says what to do."""


@dataclass(frozen=True)
class ServerUnderTest:
    """An entry of `servers`. ``agent`` is None where the Server field gives the name."""

    uri: WebSocketUri
    agent: str | None = None
    origin: str | None = None
    protocols: Sequence[str] = ()
    hostname: str | None = None
    patience: float | None = None


@dataclass(frozen=True)
class SpecFile:
    """A specification file. ``patience`` is in seconds, None where the file does not set it; ``warnings`` are lines."""

    mode: Mode
    outdir: str
    cases: Sequence[str]
    exclude_cases: Sequence[str]
    exclude_agent_cases: AgentExclusions
    servers: Sequence[ServerUnderTest] = ()
    url: WebSocketUri | None = None
    protocols: Sequence[str] = ()
    key: str | None = None
    cert: str | None = None
    patience: float | None = None
    warnings: list[str] = field(default_factory=list)

    def chosen(self, ids: Sequence[str]) -> list[str]:
        """The ids that are selected, in their order; a warning for each pattern that means no case at all."""
        for key, patterns in (("cases", self.cases), ("exclude-cases", self.exclude_cases)):
            self.warnings.extend(f"{key}: {one!r} means no case" for one in patterns if not cases_meant(one, ids))
        chosen = {one for pattern in self.cases for one in cases_meant(pattern, ids)}
        chosen.difference_update(*(cases_meant(pattern, ids) for pattern in self.exclude_cases))
        return [one for one in ids if one in chosen]


def default_text(mode: Mode) -> str:
    """The text of a new file: the same settings as Autobahn's."""
    address: dict[str, Any] = {"servers": [{"url": _URL}]} if mode == CLIENT else {"url": _URL}
    rest = {"outdir": _OUT[mode], "cases": ["*"], "exclude-cases": [], "exclude-agent-cases": {}}
    return json.dumps({**address, **rest}, indent=3) + "\n"


def read_spec(path: Path, mode: Mode, wsuri: str | None = None) -> SpecFile:
    """A specification file; ``wsuri`` is that of the command line. Raises SpecFileError, and OSError."""
    document = read_json(path)
    try:
        return parse_spec(document, mode, wsuri)
    except SpecFileError as error:
        raise SpecFileError(f"{path}: {error}") from error


def read_json(path: Path) -> Any:
    """The document in a file. Raises SpecFileError, and OSError."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise SpecFileError(f"{path} is no JSON: {str(error)[:200]}") from error


def parse_spec(document: Any, mode: Mode, wsuri: str | None = None) -> SpecFile:
    """A specification as it was read from JSON. Raises SpecFileError; what Autobahn takes is a warning at the most."""
    spec = object_in(document, "the specification")
    warnings = [f"{key}: not known in mode {mode}, and without effect" for key in spec if key not in _KEYS[mode]]
    patience = _patience(spec, "options", warnings)
    common: dict[str, Any] = {
        "mode": mode,
        "outdir": _text(spec, "outdir") or _OUT[mode],
        "cases": _patterns(spec, "cases", warnings),
        "exclude_cases": _patterns(spec, "exclude-cases", warnings),
        "exclude_agent_cases": _exclusions(spec, warnings),
        "warnings": warnings,
    }
    if mode == CLIENT:
        entries = _list(spec, "servers")
        if entries and wsuri is not None:
            warnings.append("-w has no effect: the specification has servers")
        if not entries:
            if wsuri is None:
                raise SpecFileError(
                    'there are no servers: give some, such as {"url": "ws://127.0.0.1:9001"}, or -w URL'
                )
            entries = [{"url": wsuri}]
        servers = tuple(_server(entry, f"servers[{n}]", patience, warnings) for n, entry in enumerate(entries))
        return SpecFile(**common, servers=servers, patience=patience)
    url = wsuri or _text(spec, "url")
    if url is None:
        raise SpecFileError("url: it is missing: give the address to listen on, such as ws://127.0.0.1:9001")
    return SpecFile(
        **common,
        url=uri_in(url, "url"),
        protocols=_protocols(spec),
        key=_text(spec, "key"),
        cert=_text(spec, "cert"),
        patience=patience,
    )


def _server(entry: Any, where: str, patience: float | None, warnings: list[str]) -> ServerUnderTest:
    server = object_in(entry, where)
    warnings += [f"{where}.{key}: not known, and without effect" for key in server if key not in _SERVER_KEYS]
    url = _text(server, "url", where)
    if url is None:
        raise SpecFileError(f"{where}.url: it is missing: give the URL of the server")
    own = _patience(server, f"{where}.options", warnings)
    for key, check in (("agent", check_agent), ("origin", check_origin), ("hostname", check_host)):
        if text := _text(server, key, where):
            _check(check, f"{where}.{key}", text)
    return ServerUnderTest(
        uri_in(url, f"{where}.url"),
        _text(server, "agent", where) or None,
        _text(server, "origin", where) or None,
        _protocols(server, where),
        _text(server, "hostname", where) or None,
        patience if own is None else own,
    )


def _protocols(spec: Mapping[str, Any], where: str = "") -> tuple[str, ...]:
    found = tuple(_texts(spec, "protocols", where))
    for protocol in found:
        _check(check_subprotocol, _place(where, "protocols"), protocol)
    return found


def _patience(spec: Mapping[str, Any], where: str, warnings: list[str]) -> float | None:
    """The patience with silence that the options set; every option without effect is warned of."""
    options = object_in(spec.get("options") or {}, where)
    longest: float | None = None
    for key, value in options.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if key in _TIMEOUTS and number and 0 < value <= 3600:
            longest = max(longest or 0.0, float(value))
        elif not _is_as_we_are(key, value):
            warnings.append(f"{where}.{key}: {str(value)[:40]!r} is not known here, and without effect")
    return longest


def _is_as_we_are(key: str, value: Any) -> bool:
    """Whether an option of Autobahn asks for the tester's own behaviour."""
    if key == "version":
        return value in range(13, 19)  # drafts 13 to 18 are version 13 on the wire
    if key == "versions":
        return isinstance(value, list) and 13 in value
    usual = {"failByDrop": False, "applyMask": True, "maskClientFrames": True, "maskServerFrames": False,
             "webStatus": True, "allowHixie76": False, "tcpNoDelay": True,
             "maxFramePayloadSize": 0, "maxMessagePayloadSize": 0, "autoFragmentSize": 0, "autoPingInterval": 0,
             "serveFlashSocketPolicy": False, "maxConnections": 0}  # fmt: skip
    return key in usual and (value is None or value == usual[key])


def _exclusions(spec: Mapping[str, Any], warnings: list[str]) -> AgentExclusions:
    found = object_in(spec.get("exclude-agent-cases") or {}, "exclude-agent-cases")
    return AgentExclusions({agent: _patterns(found, agent, warnings, "exclude-agent-cases") for agent in found})


def _patterns(spec: Mapping[str, Any], key: str, warnings: list[str], where: str = "") -> list[str]:
    """Patterns of cases. An empty one, as a variable that is not set leaves it, selects nothing; one text is taken as
    a list of it."""
    value, place = spec.get(key), _place(where, key)
    if isinstance(value, str):
        warnings.append(f"{place}: {value!r} is taken as a list of this pattern alone")
        value = [value]
    found = _texts({key: value}, key, where)
    if "" in found:
        warnings.append(f"{place}: an empty pattern means no case")
    return [one for one in found if one]


def object_in(value: Any, where: str) -> Mapping[str, Any]:
    """The value, where it is an object. Raises SpecFileError."""
    if not isinstance(value, dict):
        raise SpecFileError(f"{where}: an object is needed, and not {_kind(value)}")
    return value


def _list(spec: Mapping[str, Any], key: str, where: str = "") -> list[Any]:
    value = spec.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise SpecFileError(f"{_place(where, key)}: a list is needed, and not {_kind(value)}")
    return value


def _texts(spec: Mapping[str, Any], key: str, where: str = "") -> list[str]:
    found = _list(spec, key, where)
    if not all(isinstance(one, str) for one in found):
        raise SpecFileError(f"{_place(where, key)}: a list of texts is needed, such as ['1.*']")
    return found


def _text(spec: Mapping[str, Any], key: str, where: str = "") -> str | None:
    value = spec.get(key)
    if value is not None and not isinstance(value, str):
        raise SpecFileError(f"{_place(where, key)}: a text is needed, and not {_kind(value)}")
    return value


def uri_in(text: str, where: str) -> WebSocketUri:
    """The URI of a server. Raises SpecFileError."""
    try:
        uri = parse_uri(text)
    except ValueError as error:
        raise SpecFileError(f"{where}: {error}") from error
    _check(check_host, where, uri.host.strip("[]"))
    return uri


def _check(check: Callable[[str, str], None], where: str, text: str | None) -> None:
    try:
        check(where, text or "")
    except ValueError as error:
        raise SpecFileError(str(error)) from error


def _place(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _kind(value: Any) -> str:
    names: Iterable[tuple[type, str]] = (
        (bool, "true or false"),
        (str, "a text"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "null" if value is None else "a number")
