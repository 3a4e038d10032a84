"""The records in a folder, and which of its files are none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

__all__ = ["MOST_OCTETS", "NoRecord", "RecordFile", "records_in"]

MOST_OCTETS: Final = 64 << 20
"""No record is as large as that."""


class RecordFile(NamedTuple):
    """A record, and the name of its file."""

    name: str
    record: dict[str, Any]


class NoRecord(NamedTuple):
    """A file that is called like one of a record, and why it is none."""

    name: str
    why: str


def records_in(folder: Path) -> Iterator[RecordFile | NoRecord]:
    """Every file that is called like that of a record, in the order of their names. Raises OSError for the folder."""
    for path in sorted(folder.glob("*_case_*.json")):
        try:
            if not path.is_file():
                yield NoRecord(path.name, "no regular file")
                continue
            if path.stat().st_size > MOST_OCTETS:
                yield NoRecord(path.name, f"more than {MOST_OCTETS} octets")
                continue
            record = json.loads(path.read_bytes())
        except OSError as error:
            yield NoRecord(path.name, error.strerror or str(error))
        except (ValueError, RecursionError):
            yield NoRecord(path.name, "no JSON")
        else:
            if isinstance(record, dict) and all(isinstance(record.get(key), str) for key in ("agent", "id")):
                yield RecordFile(path.name, record)
            else:
                yield NoRecord(path.name, "no record of a case")
