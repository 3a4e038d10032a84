"""The golden corpus finds what differs, and names what it could not compare."""

import json
from pathlib import Path
from typing import Any

import pytest

from . import __main__ as program
from . import corpus, product
from .corpus import baseline, chosen, differences, digest, made, takes_part, write_texts
from .items import Absent, Items, Job, Places, commands, jobs, lines_of
from .product import Done, judgement_line, without_times

OLD = {"judge/a/letter": "1 OK\n2 FAILED\n", "help/judge": "help\n"}
DIGESTS = {name: digest(text) for name, text in OLD.items()}


def test_a_changed_text_is_found_and_shown(tmp_path: Path) -> None:
    write_texts(tmp_path, OLD)
    assert list(differences(DIGESTS, OLD, tmp_path)) == []
    ((name, shown),) = differences(DIGESTS, OLD | {"judge/a/letter": "1 OK\n2 OK\n"}, tmp_path)
    assert name == "judge/a/letter"
    assert "-2 FAILED\n+2 OK" in shown


def test_a_text_that_is_new_or_gone_is_found(tmp_path: Path) -> None:
    now: Items = {"judge/a/letter": OLD["judge/a/letter"], "help/new": ""}
    assert list(differences(DIGESTS, now, tmp_path)) == [("help/judge", "it is no more"), ("help/new", "it is new")]


def test_no_difference_is_shown_from_another_baseline(tmp_path: Path) -> None:
    write_texts(tmp_path, {"help/judge": "of another day\n"})
    ((_, shown),) = differences(DIGESTS, OLD | {"help/judge": "now\n"}, tmp_path)
    assert shown.startswith("the text from before is not in ")


def test_a_long_difference_is_cut(tmp_path: Path) -> None:
    old = {"a": "".join(f"{number}\n" for number in range(100))}
    write_texts(tmp_path, old)
    ((_, shown),) = differences({"a": digest(old["a"])}, {"a": "x" * 1000}, tmp_path)
    assert len(shown.splitlines()) == corpus.LINES + 1
    assert shown.endswith(" more lines")


def test_what_has_no_source_is_not_compared_and_keeps_its_digest(tmp_path: Path) -> None:
    now: Items = {"judge/a": Absent("there is none"), "help/judge": "help\n"}
    assert list(differences(DIGESTS, now, tmp_path)) == []
    assert baseline(DIGESTS, now, [Job("judge/a", dict), Job("help", dict)]) == DIGESTS


def test_a_new_baseline_forgets_what_is_no_more() -> None:
    new = baseline(DIGESTS, {"help/new": ""}, [Job("help", dict)])
    assert new == {"judge/a/letter": DIGESTS["judge/a/letter"], "help/new": digest("")}


def test_sources_that_are_not_there_are_named(tmp_path: Path) -> None:
    names = {"judge/truth/given", "judge/truth/reports", "judge/fleet", "pages"}
    absent = made([job for job in jobs(Places(tmp_path, tmp_path)) if job.name in names])
    assert set(absent) == names
    assert all(isinstance(one, Absent) and one.why for one in absent.values())


def test_a_job_is_selected_by_its_name_and_by_those_of_its_items() -> None:
    job = Job("judge/a", dict)
    assert takes_part(job, ())
    assert takes_part(job, ("judge/",))
    assert takes_part(job, ("judge/a/letter",))
    assert not takes_part(job, ("judge/b", "help"))
    assert chosen("judge/a/letter", ("judge/a/l",))
    assert not chosen("judge/a/interop", ("judge/a/l",))


def test_times_are_left_out_and_nothing_else() -> None:
    document = {"id": "a", "seconds": 1.5, "rows": [{"duration": 3, "result": "proved"}], "started": "now"}
    assert without_times(document) == {"id": "a", "rows": [{"result": "proved"}]}


def test_a_judgement_is_a_line_with_its_rules_and_without_its_file() -> None:
    judgement = {
        "file": "00001.json",
        "profile": "letter",
        "verdict": "FAILED",
        "rules": [{"id": "5.5.2/pong-owed", "strength": "MUST", "clause": "a text"}],
        "deciding": {"octet": 7, "t": 1.5},
        "wouldHaveBeenAllowed": [{"what": "send a Pong", "rules": []}],
    }
    assert json.loads(judgement_line(judgement)) == {
        "verdict": "FAILED",
        "rules": ["MUST 5.5.2/pong-owed"],
        "deciding": {"octet": 7},
        "wouldHaveBeenAllowed": [{"what": "send a Pong", "rules": []}],
    }
    assert lines_of(["1"], ["OK"]) == "1 OK\n"


def test_paths_of_the_machine_are_not_in_a_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = f"import sys; print(r'{tmp_path}/a', r'{product.ROOT}/b'); sys.exit(3)"
    monkeypatch.setattr(product, "COMMAND", ("-c", script))
    done = product.wsoracle(hidden=str(tmp_path))
    assert done.text == "exit status 3\nFOLDER/a CHECKOUT/b\n"


def test_a_file_that_cannot_be_judged_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def judge(*args: str, folder: Path) -> Done:
        names = args[args.index("-") + 1 :]
        if "b" in names:
            return Done(2, "", "error: b: no trace\n")
        judgements: list[dict[str, Any]] = [{"file": name, "n": name, "rules": [], "deciding": None} for name in names]
        return Done(0, json.dumps({"judgements": judgements}), "")

    monkeypatch.setattr(product, "wsoracle", judge)
    first, second, third = product.judged(tmp_path, ["a", "b", "c"], "letter")
    assert (json.loads(first)["n"], second, json.loads(third)["n"]) == ("a", "not judged: error: b: no trace", "c")


def test_the_commands_are_those_of_the_help() -> None:
    listed = "Usage: x\n\nCommands:\n  demo   All of it,\n         in one.\n  judge  Judge.\n"
    assert commands(listed) == ["demo", "judge"]


def test_the_program_makes_a_baseline_and_compares_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts: Items = {"help/judge": "old\n", "help/other": Absent("no reason")}
    monkeypatch.setattr(program, "DIGESTS", tmp_path / "committed.json")
    monkeypatch.setattr(program, "jobs", lambda places: [Job("help", lambda: texts)])
    places = ["--base", str(tmp_path / "base"), "--new", str(tmp_path / "new")]
    assert program.main(["check", *places]) == 1
    assert program.main(["make", *places]) == 0
    assert program.main(["check", *places]) == 0
    assert "not compared: help/other: no reason" in capsys.readouterr().out
    texts["help/judge"] = "new\n"
    assert program.main(["check", *places]) == 1
    assert "differs: help/judge" in capsys.readouterr().out
    assert program.main(["check", "--only", "judge", *places]) == 2
