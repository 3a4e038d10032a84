"""What a page says of the setting of a run or an exercise, where it is another than a reader expects."""

from __future__ import annotations

from collections.abc import Iterator

from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import Setting


def setting_remarks(setting: Setting, *, echo_expected: bool) -> Iterator[str]:
    """A sentence on each thing that is not the default; of an echo only where none is expected."""
    if setting.limit is not None:
        yield f"It takes no message of more than {setting.limit} octets."
    if setting.echo and not echo_expected:
        yield "Its application echoes each message."
    if setting.willing:
        yield "Its application is willing to take every connection."
    if setting.browser:
        yield "It is a browser."
    for name, value in setting.switches.changes().items():
        question = next(switch.question for switch in SWITCHES if switch.name == name)
        yield f"{question} Here: {value}."
