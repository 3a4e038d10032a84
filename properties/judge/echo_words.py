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


def said_of_application(note: str) -> tuple[str, ...]:
    """What the note of a judgement in a run says that the application did beside or instead of an echo, in words.

    The inverse of :func:`.echo_contract.in_a_run`, for records, which keep the note alone.
    """
    return tuple(one for words in _SAID.findall(note) for one in words.split(", "))
