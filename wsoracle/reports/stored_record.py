"""Records whose files are written where the record is made, so that only what lists show of them has to travel on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from .writer import write_text_file

__all__ = ["FiledRecord", "Place", "control_of", "file_record", "json_of", "merged"]


class Place(NamedTuple):
    """Where the files of a case go: the folder, their name without what tells them apart, the page of the control."""

    folder: Path
    base: str
    control_page: str | None


class FiledRecord(dict[str, Any]):
    """What is kept in memory of a record that is in its files: all but what only its page shows.

    Whoever changes it sets `changed`, and its files are to be made anew (:func:`merged`).
    """

    changed: bool = False


def file_record(record: Mapping[str, Any], place: Place) -> FiledRecord:
    """Write the files of a record, its JSON first, and return what is kept of it. Raises OSError."""
    from .page import case_page

    write_text_file(place.folder / f"{place.base}.json", json_of(record))
    write_text_file(place.folder / f"{place.base}.html", case_page(record, place.control_page))
    ours = {name: value for name, value in record["wsoracle"].items() if name not in _ONLY_SHOWN_OF_OURS}
    return FiledRecord({**{name: value for name, value in record.items() if name not in _ONLY_SHOWN}, "wsoracle": ours})


def merged(record: FiledRecord, file: Path) -> dict[str, Any]:
    """The whole record: what its file has, and what was changed since. Raises OSError."""
    whole: dict[str, Any] = json.loads(file.read_bytes())
    return {**whole, **record, "wsoracle": {**whole["wsoracle"], **record["wsoracle"]}}


def json_of(record: Mapping[str, Any]) -> str:
    """The text of a record's file."""
    return json.dumps(record, ensure_ascii=True, separators=(",", ":"))


def control_of(record: Mapping[str, Any]) -> str | None:
    """The id of the control that a record names."""
    ours = record.get("wsoracle")
    control = ours.get("control") if isinstance(ours, Mapping) else None
    return control if isinstance(control, str) else None


_ONLY_SHOWN: Final = frozenset(("wirelog", "received", "expected", "expectation", "httpRequest", "httpResponse"))
_ONLY_SHOWN_OF_OURS: Final = frozenset(("timeline", "expected", "allowed"))
