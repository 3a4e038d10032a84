"""The pages of the fuzzing server: live results, a page that makes a browser run the cases, and the report folder.

Nothing outside the report folder is read, however a path is written: each part of it must be a plain name, and the file
must still be below the folder when links are followed. Names of agents reach a page only as JSON, and the
page writes it as text.
"""

from __future__ import annotations

import html
import json
from importlib import resources
from pathlib import Path
from re import compile as regex
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from wsoracle.model.octets.http import Request

from ..reports.stored_record import CaseSummary
from .server_answers import Page
from .server_paths import Refusal, path_of
from .server_run import ServerRun

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".xml": "text/xml; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
"""The files that are served, by the suffix of their names; no others are."""

_OWN: Final = {"/": "live.html", "/test_browser.html": "test_browser.html"}
_PARTS: Final = {"/live.js": "live.js", "/test_browser.js": "test_browser.js", "/server.css": "server.css"}
_PLAIN_NAME: Final = regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_OWN_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_REPORT_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Pages of the report have their script and style inside, so that they work from the file system too."""

_MOST_ROWS: Final = 5000


class Pages:
    """The pages for requests of HTTP. ``reports`` is the report folder; ``cases`` is how many cases there are.

    `port` and `secure` say where the WebSocket server is; they are known when it listens.
    """

    def __init__(self, run: ServerRun, reports: Path, cases: int) -> None:
        self.port = 0
        self.secure = False
        self._run: Final = run
        self._reports: Final = reports
        self._cases: Final = cases

    def answer(self, request: Request, *, status_page: bool) -> Page:
        """The page for a request. ``status_page``: an unknown path gets the status page, and no 404.

        Raises :class:`Refusal` for a method that is not GET or HEAD, and for what is not there.
        """
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, f"{request.method[:20]} is not for here: use GET")
        path, query = path_of(request.target)
        if path in _OWN:
            return self._own(_OWN[path])
        if path in _PARTS:
            return Page(_template(_PARTS[path]).encode(), _TYPES[Path(path).suffix])
        if path == "/live.json":
            return Page(json.dumps(self._live(query)).encode(), _TYPES[".json"])
        for prefix in self._prefixes():
            if path.startswith(prefix):
                return self._file(unquote(path[len(prefix) :], errors="replace") or "index.html")
        if not status_page:
            raise Refusal(404, "there is no such page: begin at /")
        return self._status()

    def _prefixes(self) -> list[str]:
        """The path of the report folder, also the one at which Autobahn has the files of its working directory."""
        found = ["/reports/"]
        try:
            below = self._reports.resolve().relative_to(Path.cwd().resolve()).as_posix()
        except (ValueError, OSError):
            return found
        return found if below == "." else [f"/cwd/{below}/", *found]

    def _own(self, name: str) -> Page:
        text = _template(name)
        for mark, value in (("@PORT@", self.port), ("@SECURE@", int(self.secure)), ("@CASES@", self._cases)):
            text = text.replace(mark, html.escape(str(value)))
        return Page(text.encode(), _TYPES[".html"], headers=(("Content-Security-Policy", _OWN_POLICY),))

    def _status(self) -> Page:
        run = sum(len(agent.results) for agent in self._run.agents.values())
        text = (
            "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>wsoracle</title><h1>wsoracle fuzzing server</h1>"
            f"<p>Cases for WebSocket clients: {self._cases}. Agents: {len(self._run.agents)}. Results so far: {run}."
            "<p><a href=/>Live results</a>. A client under test begins at the WebSocket path /getCaseCount.</html>\n"
        )
        return Page(text.encode(), _TYPES[".html"], headers=(("Content-Security-Policy", _OWN_POLICY),))

    def _live(self, query: str) -> dict[str, Any]:
        """The results that have changed since a serial number."""
        asked = parse_qs(query, max_num_fields=8).get("since", ["0"])[0] if query.count("&") < 8 else "0"
        since = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else 0
        agents = list(self._run.agents.values())
        rows = [
            (result.serial, place, result.summary)
            for place, agent in enumerate(agents)
            for result in agent.results.values()
            if result.serial > since
        ]
        rows.sort(key=lambda row: row[0])
        return {
            "serial": rows[_MOST_ROWS - 1][0] if len(rows) > _MOST_ROWS else self._run.serial,
            "cases": self._cases,
            "agents": [
                {"name": agent.name, "run": len(agent.results), "now": sorted(agent.running)} for agent in agents
            ],
            "results": [_row(place, summary) for _, place, summary in rows[:_MOST_ROWS]],
        }

    def _file(self, name: str) -> Page:
        missing = Refusal(404, "there is no such file in the report: begin at /reports/index.html")
        parts = name.split("/")
        kind = _TYPES.get(Path(parts[-1]).suffix)
        if kind is None or not all(_PLAIN_NAME.fullmatch(part) for part in parts):
            raise missing
        try:
            folder = self._reports.resolve()
            file = folder.joinpath(*parts).resolve()
            if not file.is_relative_to(folder) or not file.is_file():
                raise missing
            return Page(file.read_bytes(), kind, headers=(("Content-Security-Policy", _REPORT_POLICY),))
        except OSError:
            raise missing from None


def _row(place: int, summary: CaseSummary) -> dict[str, Any]:
    return {
        "agent": place,
        "case": summary.id,
        "verdict": summary.label,
        "passed": summary.passed,
        "behavior": summary.behavior,
        "behaviorClose": summary.behavior_close,
        "rules": summary.rule_ids,
    }


def _template(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")
