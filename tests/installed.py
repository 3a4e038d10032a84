"""The wheel where nothing else of ours is: built, installed for each Python, and every command called.

`python -m tests.installed --python python3.12 --python python3.13 --extra all --pyodide FOLDER`: of each Python a plain
install, or one with an extra; of Pyodide the version that a folder of npm has. A line tells of each install and of each
command whose call went wrong; the exit status is 1 where one did.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
NEEDS_EXTRA: Final = "which is not installed: pip install 'wsoracle["
LONGEST: Final = 900.0
"""Seconds that a call may take."""

ORACLE: Final = '{"seq":1,"cmd":"start","version":1}\n{"seq":2,"cmd":"stop"}\n'
TRACE: Final = {
    "format": "wsoracle-trace", "version": 2, "role": "server", "opening": False,
    "observations": [{"what": "arrives", "octets": "898000000000"}, {"what": "writes", "octets": "8a00"}],
}  # fmt: skip
CALLS: Final[dict[str, tuple[str, ...]]] = {
    "explain": ("81", "05", "48", "65", "6c", "6c", "6f"),
    "repl": ("--extensions", "permessage-deflate"),
    "judge": ("trace.json",),
    "oracle": ("--stdio",),
    "rules": ("5.5.2/*",),
    "cases": ("5.1",),
    "fleet": ("--list",),
    "requirements": ("5.1-*",),
    "prove": ("octets/*",),
    "graph": (),
    "mutants": ("5.5.2/ping~drop",),
    "selfcheck": ("--seconds", "1"),
    "generate": ("--format", "json", "--out", "made", "--quick", "--select", "witness/5.5.2/*"),
    "run": ("witness/5.5.2/*", "--quick"),
    "spec": ("--check", "--file", "spec.md"),
    "drive": ("--smoke", "cat"),
    "site": ("--out", "site", "--file", "spec.md"),
}
"""A call of each command that needs no server. Those that take minutes whatever they are asked (`bench`, `demo`,
`explore`) are asked for their help alone."""

STATUS: Final = {"drive": 2}
"""The status of a call that is not 0: of an adapter that answers nothing right."""

PYODIDE: Final = """
import { loadPyodide } from "PLACE/pyodide.mjs";
import { readFileSync } from "node:fs";
try {
  const python = await loadPyodide();
  const to = { extractDir: python.runPython("import sysconfig; sysconfig.get_path('purelib')") };
  for (const name of process.argv.slice(2)) { python.unpackArchive(new Uint8Array(readFileSync(name)), "wheel", to); }
  console.log(python.runPython(CODE));
} catch (error) {
  console.log(JSON.stringify(["?", { error: [String(error.message).slice(-400), 0] }]));
}
"""
IN_PYODIDE: Final = """
import contextlib, io, json, sys
from pathlib import Path
from wsoracle.cli import program
Path("trace.json").write_text(TRACE)
said = {}
for name, arguments in CALLS.items():
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            program.main([name, *arguments])
            status = 0
        except SystemExit as error:
            status = error.code or 0
        except Exception as error:
            status = f"{type(error).__name__}: {error}"
    said[name] = [status, len(out.getvalue())]
json.dumps([sys.version.split()[0], said])
"""
PURE: Final = ("click", "h11", "jinja2", "jsonschema", "markdown-it-py", "rich")


def main() -> int:
    """Install, call, and say what went wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--wheel", type=Path)
    asked.add_argument("--python", action="append", default=[])
    asked.add_argument("--extra", default="")
    asked.add_argument("--pyodide", action="append", default=[], type=Path)
    given = asked.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        wheel = given.wheel or _built(Path(folder))
        for number, python in enumerate(given.python):
            wrong += _check(python, wheel, given.extra, Path(folder) / str(number))
        for place in given.pyodide:
            wrong += _check_pyodide(place, wheel, Path(folder))
    return int(wrong > 0)


def _built(folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


def _check(python: str, wheel: Path, extra: str, home: Path) -> int:
    subprocess.run([python, "-m", "venv", str(home / "env")], check=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    what = f"{wheel}[{extra}]" if extra else str(wheel)
    subprocess.run([home / "env/bin/python", "-m", "pip", "install", "-q", "-q", what], check=True, env=env)
    (packages,) = (home / "env/lib").glob("python*/site-packages")
    ours = [one for one in packages.iterdir() if not one.name.startswith(("pip", "setuptools"))]
    size = sum(file.stat().st_size for one in ours for file in (one, *one.rglob("*")) if file.is_file())
    work = home / "work"
    work.mkdir()
    (work / "trace.json").write_text(json.dumps(TRACE))
    (work / "spec.md").write_text((ROOT / "docs/spec.md").read_text("utf-8"))
    program = str(home / "env/bin/wsoracle")
    wrong = [*_calls(program, work, env, bool(extra)), *_with_a_server(program, work, env)]
    version = subprocess.run([home / "env/bin/python", "-V"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}{f' [{extra}]' if extra else ''}: {size / 1e6:.0f} MB without pip, {len(wrong)} calls went wrong")
    print("".join(f"    {one}\n" for one in wrong), end="", flush=True)
    return len(wrong)


def _calls(program: str, work: Path, env: dict[str, str], extra: bool) -> Iterator[str]:
    listed = _run([program, "--help"], work, env).stdout
    names = re.findall(r"^  (\w+)  ", listed.partition("Commands:")[2], re.MULTILINE)
    for name in names:
        helped = _run([program, name, "--help"], work, env)
        if helped.returncode or not helped.stdout.startswith(f"Usage: wsoracle {name} "):
            yield f"{name} --help: {helped.returncode} {helped.stderr[-200:]}"
    for name, arguments in CALLS.items():
        done = _run([program, name, *arguments], work, env)
        lacks = not extra and NEEDS_EXTRA in done.stderr and done.returncode == 2
        if "Traceback" in done.stderr or not (lacks or done.returncode == STATUS.get(name, 0)):
            yield f"{name} {' '.join(arguments)}: {done.returncode} {done.stderr[-300:]}"
    if unknown := CALLS.keys() - set(names):
        yield f"no such commands: {unknown}"


def _run(call: list[str], work: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(call, cwd=work, env=env, input=ORACLE if "oracle" in call else "state\n",
                          capture_output=True, text=True, timeout=LONGEST)  # fmt: skip


def _with_a_server(program: str, work: Path, env: dict[str, str]) -> Iterator[str]:
    """`wstest`, `test`, `report`, `proxy` and `serve`, with an echo server and client of the wheel."""
    server, proxy, tester = (_free_port() for _ in range(3))
    calls = [
        ("test", f"ws://127.0.0.1:{server}", "--select", "1.1.*", "--out", "made/test"),
        ("report", "made/test"),
        ("test", f"ws://127.0.0.1:{proxy}", "--select", "1.1.1", "--out", "made/through"),
        ("wstest", "-m", "testeeclient", "-w", f"ws://127.0.0.1:{tester}"),
    ]

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        silent = subprocess.DEVNULL
        return subprocess.Popen([program, *arguments], cwd=work, env=env, stdin=silent, stdout=silent, stderr=silent)

    with (
        _running(start, server, "wstest", "-m", "echoserver", "-w", f"ws://127.0.0.1:{server}"),
        _running(start, proxy, "proxy", "--to", f"127.0.0.1:{server}", "--listen", f"127.0.0.1:{proxy}"),
        _running(start, tester, "serve", "--listen", f"127.0.0.1:{tester}", "--select", "1.1.*", "--once"),
    ):
        for call in calls:
            done = _run([program, *call], work, env)
            if done.returncode or "Traceback" in done.stderr:
                yield f"{' '.join(call)}: {done.returncode} {done.stderr[-300:]}"


@contextmanager
def _running(start: Callable[..., subprocess.Popen[bytes]], port: int, *arguments: str) -> Iterator[None]:
    process = start(*arguments)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _check_pyodide(place: Path, wheel: Path, folder: Path) -> int:
    """Import and call in the Python of a browser, with node; what it needs of compiled packages is left out."""
    home = place.resolve() / "node_modules/pyodide"
    wheels = folder / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(wheels),
         *PURE, "attrs", "markupsafe", "mdurl", "pygments", "referencing", "jsonschema-specifications"],
        check=True,
    )  # fmt: skip
    calls = {name: CALLS[name] for name in ("explain", "judge", "rules", "cases")}
    code = f"TRACE = {json.dumps(TRACE)!r}\nCALLS = {calls!r}\n{IN_PYODIDE}"
    script = folder / "run.mjs"
    script.write_text(PYODIDE.replace("PLACE", home.as_posix()).replace("CODE", json.dumps(code)))
    pure = [str(one) for one in wheels.glob("*-none-any.whl")]
    done = subprocess.run(["node", str(script), str(wheel), *pure], capture_output=True, text=True, timeout=LONGEST)
    version, said = json.loads(done.stdout.splitlines()[-1])
    wrong = {name: status for name, (status, size) in said.items() if status != 0 or not size}
    print(f"Python {version} of Pyodide: {len(said) - len(wrong)} of {len(said)} calls right {wrong or ''}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
