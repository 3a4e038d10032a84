"""The golden corpus: ``python -m tests.golden make | check | collect`` (README, Developing)."""

from __future__ import annotations

import argparse
import json
import lzma
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .corpus import (
    DIGESTS,
    JOBS,
    LOCAL_DIGESTS,
    baseline,
    chosen,
    differences,
    is_local,
    made,
    read_digests,
    takes_part,
    tell,
    text_file,
    write_digests,
    write_texts,
)
from .items import TRACES, Absent, Items, Job, Places, jobs
from .product import ROOT

MOST: Final = 5_000
"""Traces of tests that are kept: every n-th in the order of their lengths, where there are more."""

LONGEST: Final = 30_000
"""Characters of one that is kept."""

TESTS: Final = ("tests/properties", "tests/peers", "tests/tool")


def main(arguments: Sequence[str] | None = None) -> int:
    given = _options(arguments)
    if given.what == "collect":
        return collect()
    selected = [job for job in jobs(Places(given.shared, given.fleet)) if takes_part(job, given.only)]
    if not selected:
        tell(f"no item begins with {' or '.join(given.only)}")
        return 2
    return make(given, selected) if given.what == "make" else check(given, selected)


def make(given: argparse.Namespace, selected: Sequence[Job]) -> int:
    """Write the texts and digests of the items: the new baseline."""
    items = made(selected, given.jobs)
    items = {name: text for name, text in items.items() if chosen(name, given.only)}
    texts = _present(items, "made")
    local_file = given.base / LOCAL_DIGESTS
    old = read_digests(DIGESTS) | read_digests(local_file)
    new = baseline(old, items, [] if given.only else selected)
    for name in set(old) - set(new):
        text_file(given.base, name).unlink(missing_ok=True)
    write_texts(given.base, texts)
    write_digests(DIGESTS, {name: value for name, value in new.items() if not is_local(name)})
    write_digests(local_file, {name: value for name, value in new.items() if is_local(name)})
    print(f"{len(texts)} items made; their texts: {given.base}")
    return 0


def check(given: argparse.Namespace, selected: Sequence[Job]) -> int:
    """Compare the items with the baseline, and show what differs as soon as it is known."""
    old = read_digests(DIGESTS) | read_digests(given.base / LOCAL_DIGESTS)
    counts: Counter[str] = Counter()

    def ended(job: Job, items: Items) -> None:
        items = {name: text for name, text in items.items() if chosen(name, given.only)}
        texts = _present(items, "compared")
        write_texts(given.new, texts)
        wanted = {name: value for name, value in old.items() if job.covers(name) and chosen(name, given.only)}
        found = list(differences(wanted, items, given.base))
        for name, shown in found:
            print(f"differs: {name}\n{shown}", flush=True)
        counts.update(compared=len(texts), differ=len(found))

    made(selected, given.jobs, ended)
    print(f"{counts['compared']} items compared, {counts['differ']} differ; their texts: {given.new}")
    return 1 if counts["differ"] else 0


def _present(items: Items, done: str) -> dict[str, str]:
    """The items that have a text; those that have none are named."""
    for name, text in items.items():
        if isinstance(text, Absent):
            print(f"not {done}: {name}: {text.why}", flush=True)
    return {name: text for name, text in items.items() if isinstance(text, str)}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("what", choices=("make", "check", "collect"))
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="items whose names begin so")
    parser.add_argument("--base", type=Path, default=ROOT / "out/golden", help="the texts of the baseline")
    parser.add_argument("--new", type=Path, default=ROOT / "out/golden-new", help="where check writes its texts")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="traces and cases made by others")
    parser.add_argument("--fleet", type=Path, default=ROOT / "out/golden-fleet", help="records of the fleet")
    parser.add_argument("--jobs", type=int, default=JOBS)
    return parser.parse_args(arguments)


def collect() -> int:
    """Run the tests that judge, and keep the traces that they give to the judge."""
    from .collecting import FOLDER

    with tempfile.TemporaryDirectory() as folder:
        plugin = ("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "tests.golden.collecting")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *plugin, *TESTS],
            cwd=ROOT, env=os.environ | {FOLDER: folder}, check=False,
        )  # fmt: skip
        return keep(Path(folder)) or done.returncode


def keep(folder: Path) -> int:
    """Write the traces that were collected there, each once, in the order of their lengths."""
    lines: set[str] = set()
    left_out: Counter[str] = Counter()
    for file in folder.glob("*.jsonl"):
        lines.update(file.read_text(encoding="utf-8").splitlines())
        left_out.update(json.loads(file.with_suffix(".json").read_text(encoding="utf-8")))
    if not lines:
        tell("no test gave a trace to the judge")
        return 1
    short = sorted((line for line in lines if len(line) <= LONGEST), key=lambda line: (len(line), line))
    kept = short[:: -(-len(short) // MOST) or 1]
    TRACES.write_bytes(lzma.compress("".join(f"{line}\n" for line in kept).encode(), preset=9))
    tell(f"{len(kept)} of {len(lines)} traces: {TRACES.name}, {TRACES.stat().st_size} octets")
    for why, count in left_out.most_common():
        tell(f"{count} calls left out: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
