"""Case files: whole or not at all, the same every time, and as the schema says."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.generators.sample_cases import echo_text, reserved_bit, sample_cases
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.case_json import case_to_json
from wsoracle.generators.export.files import MARKER
from wsoracle.generators.export.json_files import case_schema, export_json, read_cases, schema_faults

CASES = sample_cases()


def contents(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(case_schema())


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_every_case_follows_the_schema(case: Case) -> None:
    assert schema_faults(case_to_json(case)) == []


def test_the_schema_names_every_field() -> None:
    assert set(case_schema()["required"]) == set(case_schema()["properties"]) == set(case_to_json(echo_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "no slash"),
        ("role", "proxy"),
        ("origin", {"kind": "witness"}),
        ("origin", {"kind": "control", "rule": "5.2/reserved-bits"}),
        ("limit", -1),
        ("claims", ["rsv1", "rsv1"]),
        ("control", None),
        ("steps", []),
        ("steps/0/octets", "0"),
        ("steps/0/frame/opcode", 16),
        ("steps/0/frame/key", "00"),
        ("steps/0/prompted", True),
        ("stimulus/chunks", [0]),
        ("allowed", []),
        ("allowed/0/observable", [["pong"]]),
        ("allowed/0/observable", [["close", 65536]]),
        ("allowed/0/observable", [["tcp closed", 1]]),
        ("allowed/0/strength", "PERHAPS"),
        ("expected", {"FAILED": [[]]}),
        ("expectedClose/closeCode", "1002"),
        ("more", 1),
    ],
)
def test_the_schema_refuses(path: str, value: Any) -> None:
    document: Any = json.loads(json.dumps(case_to_json(reserved_bit())))
    *folders, last = path.split("/")
    where = document
    for folder in folders:
        where = where[int(folder) if isinstance(where, list) else folder]
    where[last] = value
    assert schema_faults(document)


def test_each_case_has_a_file_that_names_it(tmp_path: Path) -> None:
    result = export_json(CASES, tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {*result.files, MARKER}
    for case in CASES:
        document = json.loads((tmp_path / "out" / f"{case.id}.json").read_text())
        assert document["id"] == case.id
        assert schema_faults(document) == []


def test_the_index_tells_every_file(tmp_path: Path) -> None:
    export_json(CASES, tmp_path / "out")
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [entry["id"] for entry in index["cases"]] == sorted(case.id for case in CASES)
    for entry in index["cases"]:
        assert hashlib.sha256((tmp_path / "out" / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    export_json(CASES, tmp_path / "out")
    assert read_cases(tmp_path / "out") == tuple(sorted(CASES, key=lambda case: case.id))


def test_the_same_cases_give_the_same_octets(tmp_path: Path) -> None:
    export_json(CASES, tmp_path / "one")
    export_json(reversed(CASES), tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_export_is_replaced_as_a_whole(tmp_path: Path) -> None:
    export_json(CASES, tmp_path / "out")
    (tmp_path / "out" / "__pycache__").mkdir()
    (tmp_path / "out" / "__pycache__" / "x.pyc").write_bytes(b"")
    export_json([echo_text()], tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {f"{echo_text().id}.json", "index.json", "case.schema.json", MARKER}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    export_json([echo_text()], tmp_path)
    assert read_cases(tmp_path) == (echo_text(),)


@pytest.mark.parametrize("name", ["notes.txt", "control/notes.txt"])
def test_what_somebody_keeps_is_never_deleted(tmp_path: Path, name: str) -> None:
    export_json(CASES, tmp_path / "out")
    (tmp_path / "out" / name).write_text("mine")
    before = contents(tmp_path / "out")
    with pytest.raises(FileExistsError, match=r"notes\.txt, which no export wrote"):
        export_json([echo_text()], tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text('{"format": "another", "files": ["a"]}')
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError):
        export_json([echo_text()], tmp_path)
    assert (tmp_path / "a").read_text() == "mine"


def test_a_file_in_the_place_of_the_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(NotADirectoryError):
        export_json([echo_text()], tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_nothing_is_written_when_the_cases_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not among the cases"):
        export_json([reserved_bit()], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["write", "rename"])
def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    export_json([echo_text()], tmp_path / "out")
    before = contents(tmp_path / "out")
    real = os.replace

    def replace_fails(source: Path, target: Path) -> None:
        if Path(source).name == "new":
            raise OSError("no space left")
        real(source, target)

    def write_fails(path: Path, *_: Any, **__: Any) -> int:
        raise OSError(f"no space left for {path}")

    with monkeypatch.context() as patched:
        if failing == "rename":
            patched.setattr(os, "replace", replace_fails)
        else:
            patched.setattr(Path, "write_bytes", write_fails)
        with pytest.raises(OSError, match="no space left"):
            export_json(CASES, tmp_path / "out")
    assert contents(tmp_path / "out") == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# --- reading


def test_a_file_that_was_changed_is_refused_with_its_name(tmp_path: Path) -> None:
    export_json(CASES, tmp_path)
    path = tmp_path / f"{echo_text().id}.json"
    path.write_text(path.read_text().replace("48656c6c6f", "48656c6c70"))
    with pytest.raises(ValueError, match=r"text/server\.json: .*octets"):
        read_cases(tmp_path)


def test_a_file_of_another_case_is_refused(tmp_path: Path) -> None:
    export_json(CASES, tmp_path)
    path = tmp_path / f"{echo_text().id}.json"
    path.write_text(json.dumps(case_to_json(replace(echo_text(), id="control/another"))))
    with pytest.raises(ValueError, match="it holds the case control/another"):
        read_cases(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not JSON"), ("[]", "not a JSON object"), ("{}", "not an index")]
)
def test_a_broken_index_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_cases(tmp_path)
