"""From explanations to judgements: of frames, and of heads where nothing explains them.

The order of searches stands here: first among what the rules allow in full, then where the application does what it
does not promise, then among departures from SHOULD and CONSENSUS rules, at last for the fewest steps that break a MUST.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.notation.rule import STRENGTHS, Strength
from wsoracle.model.notation.variables import EventKind, State
from wsoracle.model.octets.inflated_frames import MOST_INFLATED
from wsoracle.model.octets.units import MOST_FRAMES
from wsoracle.model.octets.vocabulary import Role

from .application import in_few_words
from .evident import cost_of, sent_steps
from .explanation import ACTING, LENIENCIES, Cost, Explanation, Step, Subject
from .grading import strongest, verdict_on
from .history import History
from .judgement import Broken, Judgement
from .lost_in_reset import LOST_WITH_RESET
from .moments import Moment
from .observation import Crashes, Tells
from .placing import placed
from .search import FrameSearch, HeadSearch, Search
from .torn import begun_at_fault, broken_by_torn
from .verdict import Profile, Verdict

TOO_LONG: Final = f"not judged: more than {MOST_FRAMES:,} frames went in one direction"
TOO_MANY: Final = "not judged: there are too many orders in which it may have read what it was sent"
TOO_MUCH: Final = f"not judged: the compressed messages of one direction inflate to more than {MOST_INFLATED >> 20} MiB"
_UNEXPLAINED: Final = "not judged: no explanation was found that breaks only a few rules"
EVIDENT: Final = "more is wrong than is named: no explanation was found that breaks only a few rules"
_MOST_IN_EVERY_ORDER: Final = 64
"""The most frames and outputs of which every order is looked at, only to say all that would have been allowed."""
_NO_BLAME: Final = 1 << 62
_OPENS: Final = {Role.SERVER: "4.2.2/answer-before-data", Role.CLIENT: "4.1/established"}
"""The rules that say when messages begin."""


class JudgedExplanation(NamedTuple):
    """A judgement, what its explanation breaks, and where that begins.

    `certain` are the rules that every explanation of this cost breaks, `possible` those that any of them breaks.
    """

    judgement: Judgement
    cost: Cost
    blame: int = _NO_BLAME
    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()

    @property
    def rank(self) -> tuple[Cost, int, bool]:
        """Less is better: among equal costs, the latest fault, and an explanation by which nothing was lost."""
        return self.cost, -self.blame, LOST_WITH_RESET in self.judgement.note


class Ruling:
    """From explanations to judgements."""

    def __init__(self, subject: Subject, application: str, strictly: bool) -> None:
        self.subject: Final = subject
        self.profile: Final[Profile] = subject.profile
        self.strictly: Final = strictly
        self._not_as_promised: Final = f"not {'an echo' if application == 'echo' else f'a {application}'}: "

    def on_frames(self, history: History, moments: list[Moment], state: State, start: int = 0) -> JudgedExplanation:
        """The judgement on moments after the opening handshake, and what the best explanation of them breaks."""
        crash = next((at for at, moment in enumerate(moments) if isinstance(moment.what, Crashes)), len(moments))
        candidate = self._on_frames(history, moments[:crash], state, start)
        if history.torn is None and history.ends_inside_frame and not self.strictly:
            candidate = self.with_begun(candidate, history, state)
        judgement = candidate.judgement
        if history.torn is not None:
            frame = history.torn_frame
            note = f"it stops writing inside a frame, {frame.stop - frame.start} octets after the frame begins"
            judgement = _failed(judgement, note, history.torn, frame.start)
            rules = (*judgement.rules, *broken_by_torn(history, self.subject, state))
            judgement = replace(judgement, broken=self.broken(rules))
        if crash < len(moments):
            crashed = moments[crash].what
            assert isinstance(crashed, Crashes)
            judgement = _failed(judgement, f"it crashed: {crashed.reason}", moments[crash].at)
        return candidate._replace(judgement=judgement)

    def with_begun(self, candidate: JudgedExplanation, history: History, state: State) -> JudgedExplanation:
        """With the faults of a unit that is not whole when the trace ends."""
        begun = begun_at_fault(history, self.subject, state)
        if begun is None:
            return candidate
        step, octet = begun
        judgement, cost, blame, certain, possible = candidate
        judgement = replace(judgement, steps=(*judgement.steps, step))
        cost = cost.plus(strongest(map(self.strength_of, step.broken), self.profile), profile=self.profile)
        candidate = JudgedExplanation(
            judgement, cost, min(blame, len(history.moments)), certain.union(step.broken), possible.union(step.broken)
        )
        named = self.named(candidate)
        if named.at is None:
            named = replace(named, at=step.at, octet=octet, begins=history.unread, direction="written")
        return candidate._replace(judgement=named)

    def _on_frames(self, history: History, moments: list[Moment], state: State, start: int) -> JudgedExplanation:
        full = history.full or history.arriving(start).full
        if full or history.exceeds(start):
            note = TOO_LONG if full else TOO_MUCH
            return JudgedExplanation(
                Judgement(Verdict.INFORMATIONAL, self.profile, note=note, unexplained=True), Cost()
            )
        strict: FrameSearch | None = None
        acting: FrameSearch | None = None
        for leniency in LENIENCIES[:1] if self.strictly else LENIENCIES:
            if leniency == ACTING and self.subject.unasked:
                continue  # an application of which nothing is known promises nothing
            near = strict.going_on(moments, leniency) if strict is not None and leniency.departing else None
            most = None if near is None else near.cost
            search = FrameSearch(history, self.subject, leniency, state, start, most_cost=most)
            found = search.best(moments)
            if found is not None:
                if acting is not None and strict is not None and acting.outlasts(strict):
                    # What the application did decides nothing where a rule is broken behind it.
                    if len(moments) + len(history.arriving(start).frames) <= _MOST_IN_EVERY_ORDER:
                        every = FrameSearch(history, self.subject, ACTING, state, start, lazy=False)
                        every.best(moments)
                        acting = every if every.outlasts(strict) else acting
                    return self.explained(found, acting)
                return self.explained(found, search if strict is None else strict)
            strict = strict or search
            acting = search if leniency == ACTING else acting
            if search.gave_up:
                if leniency.faults:
                    break
                judgement = Judgement(Verdict.INFORMATIONAL, self.profile, note=TOO_MANY, unexplained=True)
                return JudgedExplanation(judgement, Cost())
        assert strict is not None
        return self._frames_unexplained(strict, moments, state)

    def explained(self, found: Explanation, strict: Search | None = None) -> JudgedExplanation:
        """By an explanation; what is not allowed in full begins where a strict search ends, and what breaks a rule
        where one ends in which the application may do anything."""
        steps = found.steps
        said = [step.application for step in steps if step.application]
        acts = tuple(self._not_as_promised + act for act in in_few_words(said)) if said else ()
        notes = [LOST_WITH_RESET] if any(step.unseen for step in steps) else []
        if strict is not None and any(
            step.event.frame.key_foreseen for step in steps if step.event and step.event.frame
        ):
            notes.append(strict.history.sent.keys.reason or "")
        notes += dict.fromkeys(step.note for step in steps if step.note)
        note = "; ".join([*notes, *acts])
        judgement = Judgement(Verdict.OK, self.profile, steps=steps, note=note, application=acts)
        candidate = JudgedExplanation(judgement, found.cost, found.blame[0], found.certain, found.possible)
        judged = self.named(candidate)
        if strict is not None and strict.died_at is not None:
            judged = placed(judged, strict)
        return candidate._replace(judgement=judged)

    def named(self, candidate: JudgedExplanation) -> Judgement:
        """The judgement of a candidate with its verdict, and with the rules that it names.

        Where no rule is certain that is as strong as the verdict says, those are named of which one was broken.
        """
        judgement, cost, _, certain, possible = candidate
        decides = cost.decides(self.profile)
        sure = decides is None or any(self.strength_of(rule) is decides for rule in certain)
        among = STRENGTHS[: STRENGTHS.index(decides) + 1] if decides is not None else ()
        rest = [] if sure else [rule for rule in sorted(possible - certain) if self.strength_of(rule) in among]
        in_order = dict.fromkeys([*self._broken_in(judgement.steps, decides), *rest])
        named = [rule for rule in in_order if rule in certain or rule in rest]
        departs = [*([] if decides is None else [decides]), *[Strength.APPLICATION] * (cost.application > 0)]
        verdict = verdict_on(departs, own_limit=cost.own_limit > 0, profile=self.profile)
        one_of = tuple(rule for rule in named if rule in rest)
        return replace(judgement, verdict=verdict, broken=self.broken(named), one_of=one_of)

    def _broken_in(self, steps: Sequence[Step], decides: Strength | None) -> Iterator[str]:
        """The rules that steps break, but for milder ones that only follow from one before.

        An endpoint that overlooks a reason to end the connection had to end TCP. Where it sends a Close later and ends
        TCP without waiting, that is no second fault.
        """
        overlooked = False
        machine = machine_for(self.subject.rules, self.subject.setting)
        for step in steps:
            event, state, broken = step.event, step.state, step.broken
            if not broken:
                continue
            if overlooked and event is not None and event.kind is EventKind.CLOSE_TCP and not state.got_close:
                rows = machine.forbidden_by(state._replace(failed=True), event)
                in_any_case = {rule.id for rule in rows}
                broken = tuple(one for one in broken if one in in_any_case or self.strength_of(one) is decides)
            yield from broken
            reasons = (self.subject.rules.by_id[rule] for rule in broken)
            overlooked |= any(rule.on.is_input and rule.refuses for rule in reasons)

    def strength_of(self, rule: str) -> Strength:
        """The strength of a rule, by its id."""
        return self.subject.rules.by_id[rule].strength

    def _frames_unexplained(self, strict: FrameSearch, moments: list[Moment], state: State) -> JudgedExplanation:
        """Where no explanation was found, nothing is said of the rules but what no explanation could excuse."""
        steps = () if self.strictly else tuple(sent_steps(strict.history, moments, self.subject, state))
        certain = frozenset(rule for step in steps for rule in step.broken)
        if not certain:
            judgement = Judgement(Verdict.INFORMATIONAL, self.profile, note=_UNEXPLAINED, unexplained=True)
            return JudgedExplanation(placed(judgement, strict), Cost())
        judgement = Judgement(Verdict.OK, self.profile, steps=steps, note=EVIDENT)
        blame = next(number for number, step in enumerate(steps) if step.broken)
        candidate = JudgedExplanation(judgement, cost_of(steps, self.subject), blame, certain, certain)
        return candidate._replace(judgement=placed(self.named(candidate), strict))

    def heads_unexplained(self, strict: HeadSearch, lenient: HeadSearch) -> Judgement:
        """The same of an opening handshake."""
        best = min(lenient.alive, key=lambda one: (one.rank, -lenient.behind(one)))
        moment = lenient.died_at
        assert moment is not None
        judgement = Judgement(
            Verdict.INFORMATIONAL, self.profile, steps=best.steps, note=_UNEXPLAINED, unexplained=True
        )
        if isinstance(moment.what, Crashes):
            judgement = replace(judgement, verdict=Verdict.FAILED, note=f"it crashed: {moment.what.reason}")
        if isinstance(moment.what, Tells):
            opens = _OPENS[self.subject.setting.role]
            named = self.broken([opens] if opens in self.subject.rules.by_id else [])
            note = f"it tells its application {moment.what.kind} before the connection is open"
            judgement = replace(judgement, verdict=Verdict.FAILED, broken=named, note=note, unexplained=not named)
        return placed(judgement, strict)

    def broken(self, rules: Iterable[str]) -> tuple[Broken, ...]:
        """Rules that were not followed, each once."""
        return tuple(Broken(rule, self.subject.rules.by_id[rule].strength) for rule in dict.fromkeys(rules))


def _failed(judgement: Judgement, why: str, at: int, octet: int | None = None) -> Judgement:
    """The judgement with a fault that no rule names: FAILED, at the earlier of the two places."""
    note = "; ".join(one for one in (judgement.note, why) if one)
    failed = replace(judgement, verdict=Verdict.FAILED, note=note, unexplained=True)
    return (
        failed
        if judgement.at is not None and judgement.at < at
        else replace(failed, at=at, octet=octet, begins=octet, direction="written")
    )
