"""The pages of the fuzzing server: live results, a page that makes a browser run the cases, and the report folder.

Nothing outside the report folder is read, however a path is written: each part of it must be a plain name, and the file
must still be below the folder when links are followed. Names of agents reach a page only as JSON, and the
page writes it as text.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from re import compile as regex
from typing import Final, NamedTuple
from urllib.parse import unquote

from wsoracle.model.octets.http import Request

from ..reports.rendering import STYLE
from .live_results import LiveResults
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


class _OwnPage(NamedTuple):
    """A page of the server: the file of its main part, its title, and the scripts that it runs."""

    file: str
    title: str
    scripts: tuple[str, ...] = ()


_OWN: Final = {
    "/": _OwnPage("live.html", "live results", ("shown.js", "live.js")),
    "/test_browser.html": _OwnPage("test_browser.html", "test this browser", ("shown.js", "test_browser.js")),
}
_STATUS: Final = _OwnPage("status.html", "fuzzing server")
_LINKS: Final = {**{path: page.title for path, page in _OWN.items()}, "/reports/index.html": "reports"}
_SCRIPTS: Final = {f"/{name}": name for page in _OWN.values() for name in page.scripts}
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


class Pages:
    """The pages for requests of HTTP. ``reports`` is the report folder; ``cases`` is how many cases there are; ``live``
    is what the live pages show.

    `port` and `secure` say where the WebSocket server is; they are known when it listens.
    """

    def __init__(self, run: ServerRun, reports: Path, cases: int, live: LiveResults) -> None:
        self.port = 0
        self.secure = False
        self._run: Final = run
        self._reports: Final = reports
        self._cases: Final = cases
        self._live: Final = live

    def answer(self, request: Request, *, status_page: bool) -> Page:
        """The page for a request. ``status_page``: an unknown path gets the status page, and no 404.

        Raises :class:`Refusal` for a method that is not GET or HEAD, and for what is not there.
        """
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, f"{request.method[:20]} is not for here: use GET")
        path, query = path_of(request.target)
        if path in _OWN:
            return self._own(_OWN[path], path)
        if path in _SCRIPTS:
            return Page(_template(_SCRIPTS[path]).encode(), _TYPES[".js"])
        if path == "/server.css":
            return Page((STYLE + _template("server.css")).encode(), _TYPES[".css"])
        if path == "/live.json":
            return Page(json.dumps(self._live.answer(query)).encode(), _TYPES[".json"])
        for prefix in self._prefixes():
            if path.startswith(prefix):
                return self._file(unquote(path[len(prefix) :], errors="replace") or "index.html")
        if not status_page:
            raise Refusal(404, "there is no such page: begin at /")
        return self._own(_STATUS)

    def _prefixes(self) -> list[str]:
        """The path of the report folder, also the one at which Autobahn has the files of its working directory."""
        found = ["/reports/"]
        try:
            below = self._reports.resolve().relative_to(Path.cwd().resolve()).as_posix()
        except (ValueError, OSError):
            return found
        return found if below == "." else [f"/cwd/{below}/", *found]

    def _own(self, page: _OwnPage, here: str = "") -> Page:
        run = sum(len(agent.results) for agent in self._run.agents.values())
        marks = {
            "TITLE": page.title,
            "SCRIPTS": "".join(f'<script src="/{name}" defer></script>\n' for name in page.scripts),
            "LINKS": " · ".join(
                f'<a href="{path}"{" aria-current=page" if path == here else ""}>{title}</a>'
                for path, title in _LINKS.items()
            ),
            "MAIN": _template(page.file),
            "PORT": self.port,
            "SECURE": int(self.secure),
            "CASES": self._cases,
            "AGENTS": len(self._run.agents),
            "RESULTS": run,
        }
        text = _template("layout.html")
        for mark, value in marks.items():  # our own texts and numbers, and nothing from outside
            text = text.replace(f"@{mark}@", str(value))
        return Page(text.encode(), _TYPES[".html"], headers=(("Content-Security-Policy", _OWN_POLICY),))

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


def _template(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")
