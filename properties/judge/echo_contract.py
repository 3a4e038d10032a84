"""The contract of a run: an application that echoes. The judge says what an application did; here it is said what that
means where an echo was asked for.

RFC 6455 asks for no echo, so that an application without one breaks no rule, and does not pass either: FAILED, in
words and without a clause. A greeting before the first echo, and a Close 1000 or 1001 of the application's own after
one, take nothing away from what was answered; but a case that goes on after such a Close was not run to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.variables import NO_CODE, EventKind, FrameFacts
from wsoracle.model.octets.vocabulary import CLOSE, is_control

from .application import closes, in_few_words
from .echo_words import BESIDES, CUT_SHORT, NOT_AN_ECHO, OWN_MESSAGE
from .explanation import Step
from .grading import TOO_BIG, verdict_on
from .judgement import Judgement
from .verdict import Verdict

_GOES_AWAY: Final = frozenset((1000, 1001, NO_CODE))
"""Codes with which an application closes though nothing is wrong (section 7.4.1)."""


class InRun(NamedTuple):
    """A judgement in a run. ``whole`` is False where the endpoint closed before it had been sent or had answered
    everything, so that the case was not run to its end."""

    judgement: Judgement
    whole: bool = True


def in_a_run(judgement: Judgement, *, left: int = 0, unanswered: int = 0) -> InRun:
    """The judgement on a case of a run, in which the application is asked to echo.

    ``left`` is how many steps of the case were not sent, because the endpoint had closed; ``unanswered`` how many
    messages did not come back, which decides where no explanation was found.
    """
    if judgement.unexplained:
        if judgement.verdict is Verdict.INFORMATIONAL and unanswered:
            note = f"{NOT_AN_ECHO}: {unanswered} of the messages did not come back; {judgement.note}"
            return InRun(replace(judgement, verdict=Verdict.FAILED, note=note))
        return InRun(judgement)
    if not judgement.application or judgement.verdict is Verdict.FAILED:
        return InRun(judgement)  # all is as asked, or the rules say what is wrong
    faults, excused, cut_short = _weighed(judgement.steps)
    rest = [part for part in judgement.note.split("; ") if part and part not in judgement.application]
    if faults:
        note = "; ".join([*rest, f"{NOT_AN_ECHO}: {', '.join(faults)}"])
        return InRun(replace(judgement, verdict=Verdict.FAILED, note=note))
    closed = any(words != OWN_MESSAGE for words in excused)
    whole = not (cut_short or (closed and left))
    own_limit = any(_is_own_limit(step) for step in judgement.steps)
    verdict = verdict_on({b.strength for b in judgement.broken}, own_limit=own_limit, profile=judgement.profile)
    words = ", ".join(excused)
    note = "; ".join([*rest, f"{BESIDES}: {words}" if whole else f"{CUT_SHORT}: {words}"])
    kept = replace(judgement, verdict=verdict, note=note, application=())
    if verdict is Verdict.OK:
        kept = replace(kept, at=None, octet=None, begins=None, arrived=None, instead=())
    return InRun(kept, whole)


def _weighed(steps: Sequence[Step]) -> tuple[list[str], list[str], bool]:
    """What the application did, in words: what is no echo, what takes nothing away, and whether echoes are missing
    since it closed."""
    faults: dict[str, None] = {}
    excused: dict[str, None] = {}
    echoed, cut_short = False, False
    for step in steps:
        frame = None if step.event is None or step.event.kind is not EventKind.SEND else step.event.frame
        if not step.application:
            echoed = echoed or (frame is not None and frame.fin and not is_control(frame.opcode))
        elif step.application == OWN_MESSAGE and not echoed:
            excused[step.application] = None
        elif frame is not None and _goes_away(frame) and (echoed or not _owes_echo(step, frame)):
            excused[step.application] = None
            cut_short = cut_short or _owes_echo(step, frame)
        else:
            faults[step.application] = None
    return list(in_few_words(faults)), list(excused), cut_short


def _goes_away(frame: FrameFacts) -> bool:
    return frame.opcode == CLOSE and frame.code in _GOES_AWAY


def _owes_echo(step: Step, frame: FrameFacts) -> bool:
    """Whether the Close of an application came in the place of an echo."""
    return step.application == closes(frame.code, instead_of_echo=True)


def _is_own_limit(step: Step) -> bool:
    return step.label is not None and step.label.kind is Kind.FAIL and step.label.code == TOO_BIG
