"""``wsoracle selfcheck``: what it prints, and what it writes as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from wsoracle.cli import program
from wsoracle.properties.traces.recorded import trace_from_json


def test_a_short_run_says_what_was_checked(tmp_path: Path) -> None:
    target = tmp_path / "selfcheck.json"
    options = ["--seconds", "0.1", "--jobs", "1", "--seed", "3", "--json", str(target)]
    result = CliRunner().invoke(program, ["selfcheck", *options])
    report = json.loads(target.read_text())
    assert result.exit_code == (0 if report["holds"] else 1), result.output
    assert f"conforming endpoints: {report['traces']} traces" in result.output
    assert report["seed"] == 3
    assert report["traces"] == sum(report["conforming"].values()) >= 100
    assert {row["rule"] for row in report["matrix"]}
    for wrong in report["wrong"]:
        assert trace_from_json(wrong["trace"]).trace is not None
