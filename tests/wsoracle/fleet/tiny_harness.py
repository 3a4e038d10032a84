"""Stands for the harness in tests of the fleet: `test` and `serve` with its command line, paths and report files.

It judges nothing: a case is OK where the echo came back, else FAILED. Run as a script.
"""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tests.wsoracle.fleet.fleet_records import record

MESSAGES: tuple[Any, ...] = ("Hello", b"\x00\x01", ["frag", "", "ment"], "x" * (1 << 20))


def whole(message: Any) -> Any:
    return "".join(message) if isinstance(message, list) else message


def write(folder: Path, agent: str, good: dict[str, bool]) -> None:
    """What the harness leaves of a run."""
    rows: dict[str, Any] = {}
    for case, fine in good.items():
        name = f"{agent}_case_{case.replace('.', '_')}.json"
        document = record(agent, case, verdict="OK" if fine else "FAILED")
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
        rows[case] = {
            "verdict": "OK" if fine else "FAILED",
            "behavior": "OK" if fine else "FAILED",
            "behaviorClose": "OK",
            "counts": True,
            "passed": fine,
            "control": None,
            "rules": [],
            "reportfile": name,
        }
    overview = {"format": "wsoracle-run", "version": 1, "agents": {agent: rows}}
    (folder / "wsoracle.json").write_text(json.dumps(overview), encoding="utf-8")


def run_test(url: str, agent: str, folder: Path) -> int:
    good = {}
    for number, message in enumerate(MESSAGES, 1):
        with connect(url, max_size=None, proxy=None) as websocket:
            websocket.send(message)
            echoed = websocket.recv(timeout=20) == whole(message)
        good[f"1.{number}"] = echoed and websocket.close_code == 1000
    write(folder, agent, good)
    return 0 if all(good.values()) else 1


def run_serve(port: int, folder: Path) -> int:
    good: dict[str, dict[str, bool]] = {}

    def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        parts = urlsplit(connection.request.path)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/getCaseCount":
            connection.send(str(len(MESSAGES)))
        elif parts.path == "/updateReports":
            write(folder, given["agent"], good[given["agent"]])
        elif parts.path == "/runCase":
            message = MESSAGES[int(given["case"]) - 1]
            results = good.setdefault(given["agent"], {})
            connection.send(message)
            try:
                results[f"1.{given['case']}"] = connection.recv(timeout=20) == whole(message)
            except ConnectionClosed:
                results[f"1.{given['case']}"] = False

    with serve(answer, "127.0.0.1", port, max_size=None) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("test", "serve"))
    parser.add_argument("url", nargs="?")
    parser.add_argument("--agent")
    parser.add_argument("--listen")
    parser.add_argument("--untrusted-port")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.command == "test":
        return run_test(given.url, given.agent, given.out)
    return run_serve(int(given.listen.rpartition(":")[2]), given.out)


if __name__ == "__main__":
    sys.exit(main())
