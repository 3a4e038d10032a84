"""What builds are told: the commands of docs/ci.md exist as they are written, and so does what the image is made of."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from wsoracle.cli import COMMANDS, program
from wsoracle.commands.wstest import BIND

ROOT = Path(__file__).resolve().parent.parent


CALL = re.compile(r"(?:\bwsoracle (?=(?:wstest|test|serve) )|^ +(?=wstest -m))([^&;>\n]+)", re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """The arguments of each call of wsoracle and wstest in the blocks of a document."""
    blocks = re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)
    return [shlex.split(call) for block in blocks for call in CALL.findall(block)]


def test_the_commands_of_the_document_have_the_options_that_they_are_given() -> None:
    calls = commands((ROOT / "docs" / "ci.md").read_text(encoding="utf-8"))
    assert [call[0] for call in calls] == ["wstest", "wstest", "test", "wstest"]
    for name, *arguments in calls:
        command = program.get_command(program.make_context("wsoracle", ["--help"], resilient_parsing=True), name)
        assert command is not None and name in COMMANDS
        with command.make_context(name, arguments, resilient_parsing=True) as context:
            command.make_parser(context).parse_args(list(arguments))


@pytest.mark.parametrize(
    "line",
    [
        f"ENV {BIND}=0.0.0.0",
        "WORKDIR /",
        'CMD ["wstest", "--mode", "fuzzingserver", "--spec", "/config/fuzzingserver.json"]',
    ],
)
def test_the_image_is_set_up_as_drivers_expect(line: str) -> None:
    assert line in (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
