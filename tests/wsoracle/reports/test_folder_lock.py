"""One run at a time in a folder, whatever becomes of the process that holds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.wsoracle.reports.report_samples import sample
from wsoracle.cli import program
from wsoracle.reports import FolderInUse, ReportFolder, only_run_in

HOLDS = """
import sys, time
from pathlib import Path
from wsoracle.reports import only_run_in
with only_run_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder with a record."""
    folder = ReportFolder(tmp_path / "run")
    folder.add(sample())
    folder.finish()
    return folder.path


def test_a_folder_is_held_until_the_process_is_gone(held: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, str(held)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        before = sorted((file.name, file.read_bytes()) for file in held.iterdir())
        for command in (["test", "ws://127.0.0.1:9/", "--out"], ["serve", "--listen", "127.0.0.1:0", "--out"],
                        ["report"]):  # fmt: skip
            result = CliRunner().invoke(program, [*command, str(held)])
            assert result.exit_code == 2, result.output
            assert f"another run is writing into {held}: wait for its end, or name another folder" in result.stderr
        assert sorted((file.name, file.read_bytes()) for file in held.iterdir()) == before
    finally:
        holder.kill()
        holder.communicate()
    with only_run_in(held):
        pass


def test_a_folder_is_free_again_behind_the_block(tmp_path: Path) -> None:
    with only_run_in(tmp_path / "a" / "b"):
        with pytest.raises(FolderInUse), only_run_in(tmp_path / "a" / "b"):
            raise AssertionError("two runs are in one folder")
        with only_run_in(tmp_path / "a"):
            pass
    with only_run_in(tmp_path / "a" / "b"):
        pass
    assert not list((tmp_path / "a" / "b").iterdir())
