"""What is compared: every item is a text with a name, made through the command line of the product.

A job makes some items, all of whose names begin with its own. An item whose source is not there is `Absent`.
"""

from __future__ import annotations

import json
import lzma
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from .product import NOT_JUDGED, ROOT, json_of, json_text, judged, wsoracle

TRACES: Final = Path(__file__).with_name("traces.jsonl.xz")
PROFILES: Final = ("interop", "letter")

FLEET: Final = "judge/fleet"
"""How the items begin that are made from the records of the fleet."""

PAGES: Final = "pages"
"""And those of the pages that are made from some of them."""

LOCAL: Final = (FLEET, PAGES)
"""These differ from machine to machine, so that their digests are not committed."""

SHOWN: Final = 60
"""Traces whose judgement is also compared as it is shown to people."""

EXPLAINED: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("810548656c6c6f", "--role", "client"),
    "unmasked": ("810548656c6c6f",),
    "fragments": ("808037fa213d", "--after", "018037fa213d"),
    "close-code": ("888237fa213d34fa",),
    "reserved-opcode": ("8e8037fa213d",),
    "limit": ("818537fa213d7f9f4d5158", "--limit", "4"),
    "request": ("--request", "GET / HTTP/1.0\r\nHost: example.com\r\nUpgrade: websocket\r\n\r\n"),
    "response": ("--response", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
}
"""Calls of `explain`."""


@dataclass(frozen=True)
class Absent:
    """There is nothing to make the item from, nor those whose names begin with its name; and why."""

    why: str


Items = dict[str, str | Absent]


@dataclass(frozen=True)
class Places:
    """Where things are that are not in the checkout: traces and cases made by others, and records of the fleet."""

    shared: Path
    fleet: Path


@dataclass(frozen=True)
class Job:
    """Makes the items whose names begin with its name."""

    name: str
    make: Callable[[], Items]

    def covers(self, name: str) -> bool:
        """Whether an item of this name is made by this job."""
        return covers(self.name, name)


def covers(name: str, other: str) -> bool:
    """Whether the other name is this one, or stands below it."""
    return other == name or other.startswith(f"{name}/")


def jobs(places: Places) -> list[Job]:
    """All jobs, the longest first."""
    return [
        Job("mutants", partial(_mutants, places)),
        Job("judge/truth/reports", partial(_truth, places.shared / "truth" / "reports.jsonl", "reports")),
        Job("prove", _proofs),
        # With more attempts Hypothesis stops by the clock after a fault, and the result depends on the machine.
        Job("explore", partial(_json_item, "explore", "explore", "--examples", "400")),
        Job("judge/tests", _traces_of_tests),
        *_fleet(places.fleet),
        Job("cases/expected", partial(_printed, "cases/expected", "cases", "--expected")),
        *(Job(f"exported/{form}", partial(_exported, form)) for form in ("json", "wstest", "pytest")),
        Job("judge/truth/given", partial(_truth, places.shared / "truth" / "given.jsonl", "given")),
        Job("run", partial(_json_item, "run", "run", "--quick")),
        Job("requirements", partial(_json_item, "requirements", "requirements")),
        Job("cases/list", partial(_json_item, "cases/list", "cases")),
        Job("rules", partial(_json_item, "rules", "rules")),
        Job("shown", _shown),
        Job("docs", _docs),
        Job("help", _helps),
    ]


def _json_item(name: str, *args: str) -> Items:
    return {name: json_text(*json_of(*args))}


def _printed(name: str, *args: str) -> Items:
    return {name: wsoracle(*args).text}


def _proofs() -> Items:
    """Which invariant, witnesses and counterexample Z3 finds depends on what it did before: only that it found some."""
    done, document = json_of("prove", "--jobs", "1")
    for theorem in document["theorems"] if document else ():
        theorem["invariant"] = theorem["invariant"] is not None
        theorem["witnesses"] = len(theorem["witnesses"])
        theorem["refutation"] = theorem["refutation"][:1]
    return {"prove": json_text(done, document)}


def _mutants(places: Places) -> Items:
    """The scores of the established suite apart: they need its cases."""
    cases = places.shared / "autobahn" / "cases.jsonl"
    established = ("--autobahn-cases", str(cases)) if cases.exists() else ()
    done, document = json_of("mutants", "--jobs", "1", *established)
    scores = {}
    if document is not None:
        scores = {name: document.pop(name) for name in list(document) if name.startswith("established")}
    told = json.dumps(scores, indent=1) if established else Absent(f"there is no {cases.name} of the established suite")
    return {"mutants/analysis": json_text(done, document), "mutants/established": told}


def _exported(form: str) -> Items:
    """Without the killers of mutants, which take a minute for each form; those are in `mutants`."""
    with tempfile.TemporaryDirectory() as folder:
        done = wsoracle("generate", "--quick", "--format", form, "--out", f"{folder}/cases", hidden=folder)
        return {f"exported/{form}": done.text + one_text(Path(folder, "cases"))}


def one_text(folder: Path, suffix: str = "") -> str:
    """All files below a folder as one text."""
    files = sorted(path for path in folder.rglob(f"*{suffix}") if path.is_file())
    return "".join(f"=== {path.relative_to(folder).as_posix()}\n{path.read_text(encoding='utf-8')}\n" for path in files)


def _docs() -> Items:
    made: Items = {
        f"docs/{path.name}": path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))
    }
    return made | {"docs/made/spec.md": wsoracle("spec").text}


def commands(listed: str) -> list[str]:
    """The names of the commands, from the help of the program."""
    lines = listed.partition("Commands:\n")[2].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]


def _helps() -> Items:
    program = wsoracle("--help").text
    made: Items = {f"help/{name}": wsoracle(name, "--help").text for name in commands(program)}
    return made | {"help/program": program}


def _shown() -> Items:
    """What is printed for people: explanations, rules, diagrams, a case, and some judgements."""
    made: Items = {}
    for name, args in EXPLAINED.items():
        made[f"shown/explain/{name}"] = wsoracle("explain", *args).text
        made[f"shown/explain/{name}.json"] = wsoracle("explain", *args, "--json", "-").text
    made["shown/rules"] = wsoracle("rules").text
    made["shown/case"] = wsoracle("cases", "4.2.4").text
    for role in ("server", "client"):
        for view in ("closing", "messages"):
            made[f"shown/graph/{role}-{view}"] = wsoracle("graph", "--role", role, "--view", view).text
    with written(traces_of_tests()[:SHOWN]) as (folder, names):
        made["shown/judge"] = wsoracle("judge", *names, folder=folder).text
    return made


# --- judgements ---------------------------------------------------------------------------------------------------


@contextmanager
def written(traces: Iterable[str]) -> Iterator[tuple[Path, list[str]]]:
    """Traces in a folder for as long as the block lasts, a file each: the folder and the names."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, names = Path(temporary), []
        for number, trace in enumerate(traces, start=1):
            names.append(f"{number:05d}.json")
            (folder / names[-1]).write_text(trace, encoding="utf-8")
        yield folder, names


def _judged(prefix: str, folder: Path, names: Sequence[str], ids: Sequence[str]) -> Items:
    """An item for each profile, of a line for each file."""
    first, second = PROFILES
    lines = judged(folder, names, first)
    # What cannot be judged in one profile cannot in the other, and asking again would take long.
    again = [name for name, line in zip(names, lines, strict=True) if NOT_JUDGED not in line]
    told = dict(zip(again, judged(folder, again, second), strict=True))
    others = [told.get(name, line) for name, line in zip(names, lines, strict=True)]
    return {f"{prefix}/{first}": lines_of(ids, lines), f"{prefix}/{second}": lines_of(ids, others)}


def lines_of(ids: Iterable[str], lines: Iterable[str]) -> str:
    """A text of a line for each trace."""
    return "".join(f"{one} {line}\n" for one, line in zip(ids, lines, strict=True))


def traces_of_tests() -> list[str]:
    """Traces that tests gave to the judge, collected once before the judge was rebuilt."""
    return lzma.decompress(TRACES.read_bytes()).decode().splitlines()


def _traces_of_tests() -> Items:
    if not TRACES.exists():
        return {"judge/tests": Absent(f"there is no {TRACES.name}")}
    with written(traces_of_tests()) as (folder, names):
        return _judged("judge/tests", folder, names, [name.removesuffix(".json") for name in names])


def _truth(path: Path, name: str) -> Items:
    if not path.exists():
        return {f"judge/truth/{name}": Absent(f"there is no truth/{path.name} in the folder that --shared names")}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    with written(json.dumps(row["trace"]) for row in rows) as (folder, names):
        return _judged(f"judge/truth/{name}", folder, names, [row["id"] for row in rows])


def _fleet(fleet: Path) -> Iterator[Job]:
    """A job for each report of the fleet: its records judged anew, from the octets that they hold."""
    reports = sorted(path for path in (fleet / "reports").glob("*") if any(path.glob("*_case_*.json")))
    if not reports:
        reason = Absent("there are no records of the fleet: make golden-fleet, or name their folder with --fleet")
        for name in LOCAL:
            yield Job(name, partial(dict[str, str | Absent], {name: reason}))
    for report in reports:
        yield Job(f"{FLEET}/{report.name}", partial(_records, report))
        yield Job(f"{PAGES}/{report.name}", partial(_pages, report))


def _records(report: Path) -> Items:
    names = sorted(path.name for path in report.glob("*_case_*.json"))
    ids = [name.removesuffix(".json").rpartition("_case_")[2] for name in names]
    return _judged(f"{FLEET}/{report.name}", report, names, ids)


def _pages(report: Path) -> Items:
    """The pages of a report, made anew from its records."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "report")
        folder.mkdir()
        for path in report.glob("*.json"):
            shutil.copy(path, folder)
        done = wsoracle("report", str(folder), hidden=temporary)
        return {f"{PAGES}/{report.name}": done.text + one_text(folder, ".html")}
