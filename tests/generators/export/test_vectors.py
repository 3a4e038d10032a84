"""Test vectors: a file a rule, as the schema says, with the outcomes of the cases."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.generators.sample_cases import reserved_bit, sample_cases
from wsoracle.generators.cases.case_json import case_to_json
from wsoracle.generators.cases.derived import judge_only
from wsoracle.generators.export.files import MARKER
from wsoracle.generators.export.vectors import FLAGS, SCHEMA, export_vectors, vectors_schema
from wsoracle.model.rules import RULES

CASES = [
    case for case in sample_cases() if all(rule in RULES.by_id for outcome in case.allowed for rule in outcome.rules)
]


def read(directory: Path) -> dict[str, Any]:
    found = {path.relative_to(directory).as_posix(): json.loads(path.read_text()) for path in directory.rglob("*.json")}
    del found[MARKER]
    return found


def test_there_are_cases() -> None:
    assert len(CASES) > 3 and reserved_bit() in CASES


def test_every_file_follows_the_schema_beside_it(tmp_path: Path) -> None:
    result = export_vectors(CASES, tmp_path / "out")
    files = read(tmp_path / "out")
    schema = files.pop(SCHEMA)
    assert schema == vectors_schema()
    Draft202012Validator.check_schema(schema)
    assert set(files) == set(result.files) - {SCHEMA} and files
    for name, document in files.items():
        assert list(Draft202012Validator(schema).iter_errors(document)) == [], name
        assert name == f"{document['rule']['id']}.json"
        assert document["rule"]["quote"] == RULES.by_id[document["rule"]["id"]].quote


def test_a_case_is_in_the_file_of_each_of_its_rules(tmp_path: Path) -> None:
    result = export_vectors(CASES, tmp_path / "out")
    files = read(tmp_path / "out")
    assert set(result.carried) | set(result.left_out) == {case.id for case in CASES}
    for case in CASES:
        expected = case_to_json(case)
        rules = {rule for outcome in expected["allowed"] for rule in outcome["rules"]}
        rules |= {departure["rule"] for outcome in expected["allowed"] for departure in outcome["departsFrom"]}
        for rule in rules if judge_only(case) is None else ():
            [vector] = [one for one in files[f"{rule}.json"]["vectors"] if one["id"] == case.id]
            assert vector["allowed"] == expected["allowed"] and vector["input"] == expected["stimulus"]
            assert set(vector["flags"]) <= set(FLAGS) and ("negative" in vector["flags"]) is expected["negative"]


def test_a_file_is_refused_where_an_outcome_is_none(tmp_path: Path) -> None:
    export_vectors(CASES, tmp_path / "out")
    document = next(one for name, one in read(tmp_path / "out").items() if name.endswith("reserved-bits.json"))
    assert reserved_bit().id in [vector["id"] for vector in document["vectors"]]
    document["vectors"][0]["allowed"][0]["strength"] = "PERHAPS"
    assert not Draft202012Validator(vectors_schema()).is_valid(document)
