"""Client: a browser, headless. Called as ``BROWSER URL AGENT``: it opens client.html, which says when it is done.

Python's standard library alone: a small HTTP server for the page, and the browser with a profile of its own.
"""

import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

PAGE = (Path(__file__).parent / "client.html").read_bytes()


class Page(BaseHTTPRequestHandler):
    """Serves the page, and is told the result."""

    def do_GET(self) -> None:
        """The page, under every address."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def do_POST(self) -> None:
        """The page is done: stop the browser."""
        length = min(int(self.headers.get("Content-Length", "0")), 1000)
        self.server.result = self.rfile.read(length).decode(errors="replace")
        self.send_response(204)
        self.end_headers()
        self.server.browser.terminate()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def main() -> int:
    """Run the browser until the page is done or the browser has ended; 0 where all cases were gone through."""
    program, url, agent = sys.argv[1:4]
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server, tempfile.TemporaryDirectory() as profile:
        server.result = "the browser ended early"
        address = f"http://127.0.0.1:{server.server_port}/?{urlencode({'url': url.rstrip('/'), 'agent': agent})}"
        options = [
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--no-proxy-server",
            f"--user-data-dir={profile}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # root may not have a sandbox
        server.browser = subprocess.Popen([program, *options, address])
        Thread(target=server.serve_forever, daemon=True).start()
        server.browser.wait()
        server.shutdown()
    print(server.result)
    return 0 if server.result == "done" else 1


sys.exit(main())
