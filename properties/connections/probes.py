"""What a client is asked to open so that it shows what no case can: URIs that are hard to write, several at once, and
one whose connections end abnormally.

A probe is known by its name in the request's target, whatever else became of the URI. Nothing is asked of a client
that refuses a URI: where no request arrives, nothing is wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

PROBE: Final = "/probe/"
"""Where the paths of probes begin."""

AT_ONCE: Final = 2
"""URIs that are to be opened at the same time."""

FULLWIDTH: Final = "".join(chr(ord(letter) + 0xFEE0) for letter in "localhost")
"""A host in letters that are not ASCII, and that ToASCII (RFC 3490, section 4.1) converts to "localhost"."""


@dataclass(frozen=True, slots=True)
class ProbeArrival:
    """A request that came for a probe.

    ``target`` is the target as sent, ``host`` the Host field (octets above 127 as the characters of latin-1).
    ``connecting`` is how many other connections of the same client for the same probe waited for their answer;
    ``began`` and ``ended`` are when TCP was there and when the tester dropped it, in seconds; ``secure``: over TLS.
    """

    probe: str
    target: str
    host: str = ""
    connecting: int = 0
    began: float = 0.0
    ended: float = 0.0
    secure: bool = False


class UriProbe(NamedTuple):
    """A URI to open: ``path`` and what is behind it, without the agent; ``check`` is the id of the check that looks at
    the requests, and ``fault`` says in words what is wrong with one, or None."""

    name: str
    check: str
    path: str
    fault: Callable[[ProbeArrival], str | None]
    host: str | None = None
    fragment: str = ""


def _no_fragment(arrival: ProbeArrival) -> str | None:
    return "the target has the character # of a fragment" if "#" in arrival.target else None


def _escaped_number_sign(arrival: ProbeArrival) -> str | None:
    return "the target has # where the URI has %23" if "#" in arrival.target else None


def _escaped_path(arrival: ProbeArrival) -> str | None:
    if not arrival.target.isascii():
        return "the target has octets that are not ASCII"
    octets = unquote_to_bytes(arrival.target)
    try:
        text = unicodedata.normalize("NFC", octets.decode())
    except UnicodeDecodeError:
        return "the target's percent-encoded octets are not UTF-8"
    return None if _ACCENTED in text else f"the target has not the UTF-8 of {_ACCENTED}"


def _ascii_host(arrival: ProbeArrival) -> str | None:
    return None if arrival.host.isascii() else "the Host field has octets that are not ASCII"


def _same_resource(arrival: ProbeArrival) -> str | None:
    """Whether the target still stands for the resource, however many of its characters are escaped once."""
    path, _, query = _AUTHORITY.sub("", arrival.target).partition("?")
    wanted = f"{PROBE}{_RESOURCE}"
    same = unquote_to_bytes(path) == unquote_to_bytes(wanted) and path.count("/") == wanted.count("/")
    return None if same and _RESOURCE_QUERY in unquote(query) else "the target is another resource than the URI's"


def _empty_path(arrival: ProbeArrival) -> str | None:
    """Where the target is a whole URI, its path may be empty as well."""
    return "the path is empty, and the target begins with ? and not with /?" if arrival.target[:1] == "?" else None


_AUTHORITY: Final = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)


_ACCENTED: Final = "caf\u00e9"
_RESOURCE: Final = "resource/a%2Fb%25c;v=1"
_RESOURCE_QUERY: Final = "q=a/b?c"

URI_PROBES: Final = (
    UriProbe("fragment", "uri/fragment", f"{PROBE}fragment", _no_fragment, fragment="#top"),
    UriProbe("number-sign", "uri/number-sign", f"{PROBE}number-sign/a%23b", _escaped_number_sign),
    UriProbe("path", "uri/path", f"{PROBE}path/{_ACCENTED}", _escaped_path),
    UriProbe("host", "uri/host", f"{PROBE}host", _ascii_host, host=FULLWIDTH),
    UriProbe("resource", "uri/resource", f"{PROBE}{_RESOURCE}?{_RESOURCE_QUERY}", _same_resource),
    UriProbe("empty-path", "uri/resource", "", _empty_path),
)
"""All probes of one URI."""

OTHER_PROBES: Final = ("at-once", "reconnect", "untrusted")
_LOCAL: Final = re.compile(r"(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d+)?", re.IGNORECASE)


def probes_for(authority: str, agent: str, secure: bool, untrusted: str | None = None) -> list[dict[str, object]]:
    """What a client that knows the server by an authority is asked to open, ready for JSON.

    Each has its `id` and its `uris`, which are to be opened at the same time. ``untrusted`` is the authority of a TLS
    server whose certificate nobody can trust. A host that is not ASCII leads to the client's own machine: it is left
    out where the server is on another one.
    """
    scheme = "wss" if secure else "ws"
    named = f"agent={quote(agent, safe='')}"

    def uri(path: str, at: str = authority, scheme: str = scheme) -> str:
        return f"{scheme}://{at}{path}{'&' if '?' in path else '?'}{named}"

    found: list[dict[str, object]] = []
    for probe in URI_PROBES:
        at = authority
        if probe.host is not None:
            if not _LOCAL.fullmatch(authority):
                continue
            at = probe.host + (re.search(r":\d+$", authority) or [""])[0]
        path = probe.path or "?probe=empty-path"
        found.append({"id": probe.name, "uris": [uri(path, at) + probe.fragment]})
    found.append({"id": "at-once", "uris": [uri(f"{PROBE}at-once?n={n + 1}") for n in range(AT_ONCE)]})
    found.append({"id": "reconnect", "uris": [uri(f"{PROBE}reconnect")]})
    if untrusted is not None:
        found.append({"id": "untrusted", "uris": [uri(f"{PROBE}untrusted", untrusted, "wss")]})
    return found


_TARGET: Final = re.compile(r"^[^ ]+ (.*?)(?: HTTP/\d.*)?$")
_AGENT: Final = re.compile(r"[?&]agent=([^&#\s]*)")
_NAME: Final = re.compile(r"(?:/probe/|[?&]probe=)([a-z-]+)")


def agent_in(target: str) -> str:
    """The agent that a request's target names, however the target came about; empty where it names none."""
    found = _AGENT.search(target)
    return "" if found is None else unquote_to_bytes(found[1]).decode("utf-8", "replace")


def probe_in(line: str) -> tuple[str, str, str] | None:
    """The name of the probe, the agent and the target in the first line of a request; None where it is for no probe.

    The line may be wrong in any way: what a client made of a URI is what is looked at.
    """
    match = _TARGET.match(line)
    if match is None:
        return None
    name, agent = _NAME.search(match[1]), agent_in(match[1])
    return (name[1], agent, match[1]) if name is not None and agent and name[1] in _NAMES else None


_NAMES: Final = frozenset((*(probe.name for probe in URI_PROBES), *OTHER_PROBES))
