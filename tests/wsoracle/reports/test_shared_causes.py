"""How common a cause is: counted once for each implementation, and told only where most do the same."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from wsoracle.model.octets.vocabulary import Role
from wsoracle.reports import shared_causes
from wsoracle.reports.shared_causes import FORMAT, VERSION, shared_by_most, shared_document

FOUND = [("server", ["x", "y", "x"]), ("server", ["x"]), ("server", []), ("client", ["y"])]


def test_an_implementation_counts_once() -> None:
    document = shared_document(FOUND, "a test")
    assert document["server"] == {"implementations": 3, "causes": {"x": 2, "y": 1}}
    assert document["client"] == {"implementations": 1, "causes": {"y": 1}}


def test_only_what_most_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_causes, "_known", lambda: shared_document(FOUND, "a test"))
    assert shared_by_most("x", "server") == "2 of 3 in the fleet do the same"
    assert shared_by_most("y", "server") == shared_by_most("z", "server") == shared_by_most("x", "") == ""


def test_the_file_is_of_this_format() -> None:
    text = (resources.files("wsoracle.reports") / "data" / "fleet_causes.json").read_text(encoding="utf-8")
    document = json.loads(text)
    assert (document["format"], document["version"]) == (FORMAT, VERSION)
    for role in Role:
        of = document[role.value]["implementations"]
        assert all(0 < count <= of for count in document[role.value]["causes"].values())
