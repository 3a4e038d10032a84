"""What a note says of an application that was asked to echo: written by `echo_contract`, read again from records.

Readers of records need the words alone, and no judge.
"""

from __future__ import annotations

import re
from typing import Final

NOT_AN_ECHO: Final = "not an echo (what the suite asks for; no clause)"
BESIDES: Final = "besides the echo"
CUT_SHORT: Final = "not run to its end"

OWN_MESSAGE: Final = "the application sends a message of its own"

_SAID: Final = re.compile(f"(?:{'|'.join(map(re.escape, (NOT_AN_ECHO, BESIDES, CUT_SHORT)))}): ([^;]*)")


_BESIDE_RULES: Final = re.compile("not an echo: ([^;]*)")


def said_of_application(note: str) -> tuple[str, ...]:
    """What the note of a judgement in a run says that the application did beside or instead of an echo, in words.

    The inverse of :func:`.echo_contract.in_a_run`, for records, which keep the note alone.
    """
    return tuple(one for words in _SAID.findall(note) for one in words.split(", "))


def said_beside_rules(note: str) -> tuple[str, ...]:
    """What a note says of an application whose endpoint broke a rule in the same case: there the judge speaks, and not
    :func:`.echo_contract.in_a_run`. It may follow from what the endpoint did."""
    return tuple(_BESIDE_RULES.findall(note))
