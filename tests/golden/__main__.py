"""The golden corpus: ``python -m tests.golden make | check`` (docs/developing.md)."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

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
from .items import Absent, Items, Job, Places, jobs
from .product import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    given = _options(arguments)
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
    parser.add_argument("what", choices=("make", "check"))
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="items whose names begin so")
    parser.add_argument("--base", type=Path, default=ROOT / "out/golden", help="the texts of the baseline")
    parser.add_argument("--new", type=Path, default=ROOT / "out/golden-new", help="where check writes its texts")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="traces and cases made by others")
    parser.add_argument("--fleet", type=Path, default=ROOT / "out/golden-fleet", help="records of the fleet")
    parser.add_argument("--jobs", type=int, default=JOBS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
