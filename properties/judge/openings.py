"""Judging a trace that begins with the opening handshake: by the explanation of it, and of the frames that follow, that
breaks least."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import EventKind
from wsoracle.model.octets.units import MOST_HEADS, FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import KNOWN_OPCODES, Role

from .explanation import OPENING_LENIENCY, STRICT, Cost, Explanation, Subject
from .history import History
from .judgement import Judgement
from .moments import Moment
from .observation import Arrives, Crashes
from .placing import placed
from .ruling import TOO_LONG, TOO_MANY, TOO_MUCH, JudgedExplanation, Ruling
from .search import HeadSearch, OpenedExplanation
from .verdict import Verdict, worst

TOO_MANY_HEADS: Final = f"not judged: {MOST_HEADS:,} heads or more went in one direction"
NOT_JUDGED: Final = "an extension was agreed on that is not known: what it transforms is not judged"
_MUST_OF_UNEXPLAINED: Final = 4
"""The number of broken MUSTs as which an unexplained trace counts where explanations are compared."""
_BROKEN_OFF: Final = "it breaks off its request: what had arrived before may be the reason"


class Openings:
    """Judges a trace that begins with the opening handshake."""

    def __init__(self, history: History, ruling: Ruling) -> None:
        self._history: Final = history
        self._ruling: Final = ruling
        self._known: Final[dict[tuple[object, ...], JudgedExplanation]] = {}

    def judgement(self) -> Judgement:
        """The judgement by the explanation of the handshake and the frames after it that breaks least."""
        history, ruling = self._history, self._ruling
        if history.full_of_heads:
            return Judgement(Verdict.INFORMATIONAL, ruling.profile, note=TOO_MANY_HEADS, unexplained=True)
        torn = history.torn_in_opening or self._torn_unasked
        if torn and not self._may_break_off:
            return self._torn("a head")
        judgement = self._of_heads()
        if not torn or judgement.verdict is Verdict.FAILED:
            return judgement
        note = "; ".join(filter(None, (judgement.note, _BROKEN_OFF)))
        return replace(judgement, verdict=worst(judgement.verdict, Verdict.INFORMATIONAL), note=note)

    def _of_heads(self) -> Judgement:
        """The judgement on what the endpoint wrote to its end."""
        history, ruling = self._history, self._ruling
        strict = HeadSearch(history, ruling.subject, STRICT)
        strict.run(history.moments)
        if self._torn_unopened and not strict.opened:
            return self._torn("a frame")
        if strict.died_at is not None and isinstance(strict.died_at.what, Crashes):
            return ruling.heads_unexplained(strict, strict)
        found = self._best(strict)
        if found is not None and (
            ruling.strictly or found.cost == Cost() or found.judgement.note in (TOO_MANY, TOO_LONG, TOO_MUCH)
        ):
            return found.judgement
        if ruling.strictly:
            return ruling.heads_unexplained(strict, strict)
        lenient = HeadSearch(history, ruling.subject, OPENING_LENIENCY)
        lenient.run(history.moments)
        best = self._best(lenient)
        if best is None:
            return ruling.heads_unexplained(strict, lenient)
        if found is None:
            return placed(best.judgement, strict)
        place = found.judgement
        return replace(
            best.judgement,
            at=place.at,
            octet=place.octet,
            direction=place.direction,
            begins=place.begins,
            arrived=place.arrived,
            instead=place.instead,
        )

    @property
    def _may_break_off(self) -> bool:
        """Whether a client that leaves its request unfinished has a reason: it is answered before it has asked.

        It may fail the connection then (section 4.1), and stay silent until the server ends TCP (section 7.1.1).
        """
        history = self._history
        before = history.trace[: history.torn_at]
        return history.role is Role.CLIENT and any(isinstance(seen, Arrives) for seen in before)

    @property
    def _torn_unopened(self) -> bool:
        """Whether a client that was answered stops writing inside a frame."""
        torn = self._history.torn is not None and self._history.switched is None
        return torn and not self._torn_unasked

    @property
    def _torn_unasked(self) -> bool:
        """Whether a client that has not asked yet stops writing: be it a frame or a head, it is no answer to a 101."""
        history = self._history
        asked = self._ruling.subject.request is not None or any(isinstance(m.what, HeadUnit) for m in history.moments)
        return history.role is Role.CLIENT and history.torn is not None and history.switched is None and not asked

    def _torn(self, inside: str) -> Judgement:
        at, octet, note = self._history.torn_at, self._history.unread, f"it stops writing inside {inside}"
        return Judgement(
            Verdict.FAILED, self._ruling.profile, at=at, octet=octet, begins=octet, note=note, unexplained=True
        )

    def _best(self, search: HeadSearch) -> JudgedExplanation | None:
        """The best of what a search found; None where it found nothing."""
        unopened = search.alive if search.died_at is None and not self._torn_unopened else []
        found = [self._unopened(one) for one in unopened if not one.place.late]
        for opened in sorted(search.opened.values(), key=lambda opened: opened.explanation.rank):
            if not found or opened.explanation.cost <= min(one.cost for one in found):
                found.append(self._continued(opened))
        if not found:
            return None
        best = min(found, key=lambda one: one.rank)
        equal = [one for one in found if one.cost == best.cost]
        if len(equal) == 1 or best.judgement.unexplained:
            return best
        certain, possible = [one.certain for one in equal], [one.possible for one in equal]
        best = best._replace(certain=frozenset.intersection(*certain), possible=frozenset.union(*possible))
        return best._replace(judgement=self._ruling.named(best))

    def _unopened(self, explanation: Explanation) -> JudgedExplanation:
        """The judgement on an explanation by which the connection is not open when the trace ends."""
        found, history = self._ruling.explained(explanation), self._history
        if history.unread >= history.written or self._ruling.strictly:
            return found
        return self._ruling.with_begun(found, history, explanation.place.state)

    def _continued(self, opened: OpenedExplanation) -> JudgedExplanation:
        """The judgement on an opened explanation and the frames that follow."""
        before = self._ruling.explained(opened.explanation)
        after = self._frames_after(opened)
        unknown = opened.transformed and not opened.known
        if unknown and (self._shows_extension(opened) or after.judgement.verdict is not Verdict.OK):
            verdict = worst(before.judgement.verdict, Verdict.INFORMATIONAL)
            return before._replace(judgement=replace(before.judgement, verdict=verdict, note=NOT_JUDGED))
        then, steps = after.judgement, (*before.judgement.steps, *after.judgement.steps)
        acts = tuple(dict.fromkeys((*before.judgement.application, *then.application)))
        judgement = replace(then, steps=steps, application=acts)
        cost = Cost(*map(sum, zip(before.cost, after.cost._replace(own_limit=0), strict=True)))
        cost = cost._replace(must=cost.must - self._charged_twice(opened, before, after))
        certain, possible = before.certain | after.certain, before.possible | after.possible
        candidate = JudgedExplanation(judgement, cost, min(before.blame, after.blame), certain, possible)
        named = self._ruling.named(candidate)
        if not then.unexplained:
            return candidate._replace(judgement=replace(named, verdict=worst(named.verdict, then.verdict)))
        verdict = worst(before.judgement.verdict, then.verdict)
        broken = (*before.judgement.broken, *then.broken)
        cost = cost._replace(must=cost.must + _MUST_OF_UNEXPLAINED)
        return candidate._replace(judgement=replace(judgement, verdict=verdict, broken=broken), cost=cost)

    def _charged_twice(self, opened: OpenedExplanation, before: JudgedExplanation, after: JudgedExplanation) -> int:
        """How many frames that were sent too early are charged again with a MUST that they were charged with then."""
        sent = [step for step in after.judgement.steps if step.event is not None and step.event.kind is EventKind.SEND]
        broken = [step.broken for step in sent[: len(opened.early)] if before.certain.issuperset(step.broken)]
        strength_of = self._ruling.strength_of
        return sum(any(strength_of(rule) is Strength.MUST for rule in rules) for rules in broken)

    def _shows_extension(self, opened: OpenedExplanation) -> bool:
        """Whether a frame of either direction has a reserved bit or opcode, which only an extension can define."""
        history = self._history
        frames = (*history.frames_written(opened.sent_from), *history.arriving(opened.start).frames)
        return any(
            header.rsv1 or header.rsv2 or header.rsv3 or header.opcode not in KNOWN_OPCODES for header, *_ in frames
        )

    def _frames_after(self, opened: OpenedExplanation) -> JudgedExplanation:
        state = opened.explanation.place.state
        key = state, opened.start, opened.sent_from, opened.following, opened.early
        if key not in self._known:
            history, moments = frames_after(self._history, opened, self._ruling.subject)
            self._known[key] = self._ruling.on_frames(history, moments, state, opened.start)
        return self._known[key]


def frames_after(history: History, opened: OpenedExplanation, subject: Subject) -> tuple[History, list[Moment]]:
    """The history in which frames are cut as this explanation of the handshake has them, and its moments behind it.

    It is another history where octets that looked like a head are frames, once the connection is open, and where
    compressed messages are inflated.
    """
    state, early = opened.explanation.place.state, opened.early
    moments = [moment for moment in history.moments[opened.following :] if moment.what is not None]
    if state.recv_window or not history.frames_only_from(opened.sent_from):
        at, sent_from = opened.moment.at, opened.sent_from
        if early and state.recv_window and subject.setting.role is Role.CLIENT:
            sent_from = min(moment.what.start for moment in early if isinstance(moment.what, FrameUnit))
        history = history.under(state, subject.setting.limit, sent_from)
        moments = [m for m in history.moments if isinstance(m.what, FrameUnit) or m.at >= at]
        if sent_from < opened.sent_from:
            early = tuple(one._replace(what=m.what) for one, m in zip(early, moments, strict=False))
            moments = moments[len(early) :]
    return history, [*early, *moments]
