"""What is put off: an output that is due when an endpoint is seen to be quiet, and that comes later.

RFC 6455 asks for a Pong, a Close in response and the end of TCP as soon as practical: an endpoint that puts one off
does not follow a SHOULD. One that never comes breaks the rule by which it is due.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from wsoracle.model.notation.rule import Due, Forbid, Rule
from wsoracle.model.octets.vocabulary import CLOSE, PONG

from .history import History
from .moments import Moment
from .observation import ClosesTcp, ResetsTcp, ShutsDownTcp, Writes


def may_come(due: Due, history: History, moment: Moment) -> bool:
    """Whether anything that is seen after a moment may be what is due there."""
    if due in (Due.PONG, Due.CLOSE, Due.REPLY):
        opcodes = history.sent.opcodes_after(moment)
        wanted = {Due.PONG: PONG, Due.CLOSE: CLOSE}.get(due)
        return bool(opcodes - {PONG, CLOSE}) if wanted is None else wanted in opcodes
    later = history.trace[moment.at + 1 :]
    wanted_kind = (ShutsDownTcp, ClosesTcp, ResetsTcp) if due is Due.TCP_CLOSE else Writes
    return any(isinstance(seen, wanted_kind) for seen in later)


def choices(
    forbidding: Sequence[Rule], history: History, moment: Moment
) -> Iterator[tuple[frozenset[Due], tuple[Rule, ...], tuple[Rule, ...]]]:
    """What may be put off where these rows forbid silence, with the rows against putting it off and the other rows."""
    rows = [(rule.then.due, rule) for rule in forbidding if isinstance(rule.then, Forbid) and rule.then.due is not None]
    dues = [due for due in dict.fromkeys(due for due, _ in rows) if may_come(due, history, moment)]
    for count in range(1, len(dues) + 1):
        for chosen in combinations(dues, count):
            soon = tuple(rule for due, rule in rows if due in chosen and _is_soon(rule))
            rest = tuple(rule for due, rule in rows if due not in chosen and not _is_soon(rule))
            yield frozenset(chosen), soon, rest


def _is_soon(rule: Rule) -> bool:
    return isinstance(rule.then, Forbid) and rule.then.soon


def without_soon(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The rules without those that ask for what is due to come soon: where it never comes, that is beside the point."""
    return (rule for rule in rules if not _is_soon(rule))
