"""Where the tests find the texts of RFC 6455 and RFC 7692, which are not a part of the project.

``../shared/rfc/rfc6455.txt`` beside the repository, or the file that WSORACLE_RFC names. Without it the tests that
compare with the text skip; a WSORACLE_RFC that names no file is an error, not a reason to skip.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from wsoracle.properties.requirements.rfc_text import RfcText, parse

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "rfc" / "rfc6455.txt"


def rfc_text() -> RfcText:
    """The parsed RFC; skips the calling test where there is no copy of its text."""
    named = os.environ.get("WSORACLE_RFC")
    path = Path(named) if named else BESIDE
    if not path.is_file():
        if named:
            pytest.fail(f"WSORACLE_RFC names no file: {named}")
        pytest.skip("no text of RFC 6455: put it at ../shared/rfc/rfc6455.txt or name it in WSORACLE_RFC")
    return _parsed(path)


def both_texts() -> RfcText:
    """RFC 6455 and, with "7692." before the numbers of its sections, RFC 7692, which lies beside it."""
    first = rfc_text()
    named = os.environ.get("WSORACLE_RFC")
    second = (Path(named) if named else BESIDE).with_name("rfc7692.txt")
    if not second.is_file():
        pytest.skip("no text of RFC 7692: put it beside that of RFC 6455 as rfc7692.txt")
    other = parse(second.read_text(encoding="utf-8"), "7692.")
    return RfcText({**first.sections, **other.sections})


@cache
def _parsed(path: Path) -> RfcText:
    return parse(path.read_text(encoding="utf-8"))
