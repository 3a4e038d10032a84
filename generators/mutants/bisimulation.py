"""A bisimulation of the rules with themselves that forgets what no longer matters, found automatically and then proved.

What no longer matters is the message in progress once the connection has failed, and everything once TCP is closed. The
search begins with all states related; each counterexample shows a variable that matters, and in which circumstances (as
in counterexample-guided abstraction refinement).

Frames: both sides see the same octets. Where text before them was read differently, the octets can mean something else
to the one than to the other: ``utf8_next`` is then free on the right side, within what the encoding makes possible; and
so are all facts of DEFLATE data, where the one takes the message for a compressed one and the other does not. Nor may
related states read the same octets as a frame here and as a head of HTTP there, as long as TCP is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, Final, TypeAlias

import z3

from wsoracle.model.machine.guard_atoms import atoms
from wsoracle.model.machine.symbolic import Terms, term
from wsoracle.model.notation.expression import Expr, Op, ite, variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import (
    HANDSHAKE,
    MEASURED,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    EventKind,
    discarding,
    established,
    failed,
    got_close,
    handshake,
    handshake_is,
    is_continuation,
    peer_open,
    received_deflated,
    recv_type,
    recv_utf8,
    recv_window,
    send_type,
    send_utf8,
    send_window,
    sent_close,
    sent_deflated,
    server,
    tcp_open,
)
from wsoracle.model.octets.vocabulary import TEXT

from .observable import opportunity
from .symbolic_rows import Group, TwoSides, differences_between, either_of

Circumstances: TypeAlias = tuple[bool, ...]
"""Which of the facts hold on which it depends whether a variable matters (:func:`facts_about`)."""
Matters: TypeAlias = Mapping[str, set[Circumstances]]
"""For each state variable, the circumstances in which it matters."""

EVERYTHING: Final[Matters] = {name: {()} for name in STATE_VARIABLES}
"""All variables matter always: only equal states are related."""

OF_DEFLATE: Final = {
    name for name in STATE_VARIABLES if name.endswith(("_window", "_takeover", "_compressed", "_history"))
}  # fmt: skip
"""The variables whose value depends on what was agreed on for compressed messages."""

_PHASE: Final = (tcp_open, peer_open, failed, got_close, sent_close, discarding)
_STAGE: Final = ite(server & handshake_is("refused"), HANDSHAKE.index("not begun"), handshake)
_COUNTS_WHERE: Final = {
    "recv_utf8": recv_type == TEXT,
    "send_utf8": send_type == TEXT,
    **dict.fromkeys(("recv_takeover", "recv_compressed", "recv_history"), ~established | (recv_window != 0)),
    **dict.fromkeys(("send_takeover", "send_compressed", "send_history"), ~established | (send_window != 0)),
}
"""What some variables are about: a text in progress, and a window, which the opening handshake may still agree on."""


def facts_about(name: str, rules: RuleSet) -> list[Expr]:
    """The facts on which it may depend whether a state variable matters.

    They say where the connection stands; and for what belongs to one message or one answer, how those points are
    settled that a guard mentions beside the variable. What was agreed on for compressed messages, and what they left,
    matters whatever is settled, but only where there is a window, or may be.
    """
    found: dict[tuple[object, ...], Expr] = {}
    phase = [fact for fact in _PHASE if fact.name != name]
    for row in rules:
        if name in variables(row.when) and len(phase) == len(_PHASE) and name not in OF_DEFLATE:
            for atom in atoms(row.when):
                if isinstance(atom, Op) and set(variables(atom)) <= set(SETTING_VARIABLES):
                    settled = Op("==", atom.args)
                    found[settled.key()] = settled
    if name in _COUNTS_WHERE:
        found[()] = _COUNTS_WHERE[name]
    return [*phase, *found.values()]


class Bisimulation:
    """The relation: two states agree on all that matters in the left one.

    ``holds`` is what is known of the left state. Where it was found already what ``matters``, that is taken as it is.
    """

    def __init__(self, sides: TwoSides, holds: Sequence[Any], matters: Matters | None = None) -> None:
        self._sides: Final = sides
        self._holds: Final = holds
        self._found: Final = matters
        here = Terms.over(sides.machine.setting_env, sides.s, sides.frame)
        self._facts: Final = {name: [here.term(f) for f in facts_about(name, sides.rules)] for name in STATE_VARIABLES}

    @cached_property
    def matters(self) -> Matters:
        """For each state variable, the circumstances (values of other variables) in which it matters."""
        return self._search() if self._found is None else self._found

    @cached_property
    def relation(self) -> Any:
        """The relation, as a term."""
        return self.agreeing_on(self.matters)

    @cached_property
    def is_proved(self) -> bool:
        """The relation that forgets what does not matter is a bisimulation of the original with itself: proved."""
        solver = self.solver()
        solver.add(self.relation, self._unlike(self.relation))
        return bool(solver.check() == z3.unsat)

    def solver(self) -> Any:
        """A solver that knows what is known of the left state."""
        solver = self._sides.solver(right=True)
        solver.add(*self._holds)
        return solver

    def agreeing_on(self, matters: Matters) -> Any:
        """The two states agree on everything that matters in the first."""
        return z3.And(*(self._agreement(name, cubes) for name, cubes in matters.items() if cubes), z3.BoolVal(True))

    def _search(self) -> Matters:
        found: dict[str, set[Circumstances]] = {name: set() for name in STATE_VARIABLES}
        solver = self.solver()
        equal = {name: self._equal(name) for name in STATE_VARIABLES}
        changed = True
        while changed:
            changed = False
            solver.push()
            relation = self.agreeing_on(found)
            solver.add(relation, self._unlike(relation))
            # Where nothing shows a difference any more, no variable has to be asked about.
            for name in STATE_VARIABLES if solver.check() == z3.sat else ():
                while solver.check(*(e for other, e in equal.items() if other != name)) == z3.sat:
                    circumstances = self._circumstances(name, solver.model())
                    found[name].add(circumstances)
                    solver.add(z3.Implies(self._in(name, circumstances), equal[name]))
                    changed = True
            solver.pop()
        return found

    def _circumstances(self, name: str, model: Any) -> Circumstances:
        return tuple(z3.is_true(model.eval(fact, model_completion=True)) for fact in self._facts[name])

    def _agreement(self, name: str, circumstances: set[Circumstances]) -> Any:
        """The two states agree on a variable, if it matters in the first."""
        return z3.Implies(either_of(*(self._in(name, each) for each in sorted(circumstances))), self._equal(name))

    def _in(self, name: str, circumstances: Circumstances) -> Any:
        """The first state is in these circumstances, as far as they are given."""
        facts = zip(self._facts[name], circumstances, strict=False)
        return z3.And(*(fact if holds else z3.Not(fact) for fact, holds in facts))

    def _equal(self, name: str) -> Any:
        """The two states agree on a variable; a server that refused a handshake may as well await the first one."""
        sides = self._sides
        if name != handshake.name:
            return sides.s[name] == sides.t[name]
        here, there = (term(_STAGE, {**sides.machine.setting_env, **state}) for state in (sides.s, sides.t))
        return here == there

    def _unlike(self, relation: Any) -> Any:
        """Some event shows a difference between the two states under the original rules, or leads to unrelated ones."""
        sides = self._sides
        cases = [
            z3.And(sides.s["peer_open" if kind.is_input else "tcp_open"], self._other_octets(kind))
            for kind in EventKind
        ]
        for kind in EventKind:
            left, right = sides.left[kind], sides.right[kind]
            differences = [
                *differences_between(left.seen(left.rows), right.seen(right.rows)),
                *self.apart(left.groups(left.rows), right.groups(right.rows), relation),
            ]
            definitions = [*left.definitions(left.rows), *right.definitions(right.rows)]
            cases.append(z3.And(*self.same_octets(kind), *definitions, either_of(*differences)))
        return either_of(*cases)

    def apart(self, left: Sequence[Group], right: Sequence[Group], relation: Any) -> Iterator[Any]:
        """Outcomes that look alike lead to states that are not related, or tell the application different codes."""
        s, t = self._sides.s, self._sides.t
        for a, b in product(left, right):
            if a.label == b.label:
                told = z3.And(a.after["peer_open"] != s["peer_open"], a.after["close_code"] != b.after["close_code"])
                pairs = [(s[n], a.after[n]) for n in STATE_VARIABLES] + [(t[n], b.after[n]) for n in b.after]
                related = z3.substitute(relation, *pairs)
                yield z3.And(
                    a.ever, b.ever, either_of(z3.Not(related), told, a.after["tcp_open"] != b.after["tcp_open"])
                )

    def same_octets(self, kind: EventKind) -> list[Any]:
        """One frame or head, as it is seen in either state."""
        sides = self._sides
        s, t, frame, frame_t = sides.s, sides.t, sides.frame, sides.frame_t
        if not kind.has_frame:
            return [sides.machine.possible(kind, state, frame) for state in (s, t)]
        env_s = {**s, **frame}
        in_progress, automaton = (recv_type, recv_utf8) if kind is EventKind.RECEIVE else (send_type, send_utf8)
        text_s, text_t = s[in_progress.name] == TEXT, t[in_progress.name] == TEXT
        alike = z3.And(text_s == text_t, z3.Implies(text_s, s[automaton.name] == t[automaton.name]))
        same = either_of(z3.Not(term(is_continuation, env_s)), alike)
        compressed = received_deflated if kind is EventKind.RECEIVE else sent_deflated
        both = term(compressed, env_s) == term(compressed, {**t, **frame})
        measured = z3.And(*(frame[name] == frame_t[name] for name in MEASURED))
        return [
            sides.machine.possible(kind, s, frame),
            sides.machine.possible(kind, t, frame_t),
            z3.Implies(z3.And(same, both), frame["utf8_next"] == frame_t["utf8_next"]),
            z3.Implies(both, measured),
        ]

    def _other_octets(self, kind: EventKind) -> Any:
        """An event of a kind is possible in one of the two states alone."""
        env = self._sides.machine.setting_env
        return z3.Xor(*(term(opportunity(kind), {**env, **state}) for state in (self._sides.s, self._sides.t)))
