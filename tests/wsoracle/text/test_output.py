"""Files are written whole or not at all; progress is for those who wait."""

import io
import json
import os
import re
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.text.output import (
    PLAIN_WIDTH,
    OutputError,
    _bar,
    _Lines,
    check_writable,
    console,
    one_line,
    progress,
    say,
    say_wrapped,
    write_json,
    write_text,
)


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    path.chmod(0o640)
    write_json(str(path), {"b": "é", "a": [1]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"b": "é", "a": [1]}
    assert path.read_bytes().endswith(b"}\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("")
    write_text(str(tmp_path / "new"), "text")
    assert (tmp_path / "new").stat().st_mode == other.stat().st_mode


def test_what_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report"
    path.write_text("old")

    def broken(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OutputError, match="report cannot be written: No space left on device"):
        write_text(str(path), "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


def test_through_a_link_the_file_itself_is_written(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(real)
    write_text(str(link), "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_device_is_not_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    write_text(os.devnull, "gone")
    assert not stat.S_ISREG(Path(os.devnull).stat().st_mode)
    write_text("-", "shown")
    assert capfd.readouterr().out == "shown"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("--seed", "looks like an option"),
        (".", "is a directory"),
        ("no/such/place.json", "there is no directory no/such: create it first"),
        ("x" * 5000, "x"),
    ],
)
def test_what_cannot_be_written_is_refused(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError) as error:
        check_writable(name)
        write_text(name, "text")
    assert says in str(error.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission_is_found_before_the_work(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"):
        check_writable(str(tmp_path / "report"))


def test_progress_without_a_terminal_is_sparse() -> None:
    out, now = io.StringIO(), [0.0]
    lines = _Lines("proving", out, lambda: now[0])
    for second in range(40):
        now[0] = float(second)
        lines(f"step {second}", second, 40)
    assert out.getvalue().splitlines() == [
        "proving: 2 of 40, step 2 (2 s)",
        "proving: 17 of 40, step 17 (17 s)",
        "proving: 32 of 40, step 32 (32 s)",
    ]


def test_quick_work_shows_no_progress() -> None:
    out = io.StringIO()
    with progress("proving", out) as step:
        step("all", 1, 1)
    with _bar("proving", out) as step:
        step("all", 1, 1)
    assert out.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_names_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("wsoracle.text.output.QUIET_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("proving", out) as step:
        step("one [bold]thing", 1, 3)
        give_up = time.monotonic() + 60
        while "one [bold]thing" not in out.getvalue():
            assert time.monotonic() < give_up
            time.sleep(0.01)
    assert "proving" in out.getvalue()


def test_a_bar_goes_with_what_it_stood_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.text.output.QUIET_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt), progress("proving", Terminal()):
        raise KeyboardInterrupt
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_a_pipe_is_plain_and_of_one_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "31")
    out = io.StringIO()
    report = console(out)
    report.print("[red]x[/red] 12 :smile:", style="bold")
    assert out.getvalue() == "[red]x[/red] 12 :smile:\n"
    assert report.width == 100


def test_one_line() -> None:
    assert one_line("a\nb\t c\x1b[31m\u202e") == "a b c\\x1b[31m\\u202e"
    assert len(one_line("x" * 9999)) == 500


def test_a_line_is_plain_where_it_is_piped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    say(("head ", "bold red"), "x" * 150, (" [bold]tail", "dim"))
    say()
    assert capsys.readouterr().out == "head " + "x" * 150 + " [bold]tail\n\n"


@given(
    parts=st.lists(st.tuples(st.text("ab [/]\u00e9", max_size=60), st.sampled_from(["", "bold", "red"])), max_size=4)
)
def test_a_terminal_shows_the_same_text(parts: list[tuple[str, str]]) -> None:
    piped, colourless, coloured = io.StringIO(), Terminal(), Terminal()
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("FORCE_COLOR", raising=False)
        patched.delenv("NO_COLOR", raising=False)
        patched.setenv("TERM", "xterm")
        for stream in (piped, coloured):
            patched.setattr(sys, "stdout", stream)
            say(*parts)
        patched.setenv("NO_COLOR", "1")
        patched.setattr(sys, "stdout", colourless)
        say(*parts)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.getvalue()) == piped.getvalue()
    assert "\x1b[31m" not in colourless.getvalue()
    assert ("\x1b[31m" in coloured.getvalue()) == any(text and style == "red" for text, style in parts)


def test_wrapped_lines_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    say_wrapped("a well-known " + "word " * 40 + "y" * 120, 10, "dim")
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(" " * 10 + "a well-known word")
    assert all(len(line) < PLAIN_WIDTH for line in lines)
    assert last == " " * 10 + "y" * 120


def test_to_print_plain_lines_does_not_load_rich() -> None:
    code = "import sys; from wsoracle.text.output import say; say(('a', 'bold')); sys.exit('rich' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "a\n")
