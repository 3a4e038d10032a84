"""The judge: whether the rules allow what an endpoint (the SUT) was seen to do, and what they say if not.

Theory of operation. The theory is input-output conformance: everything that the endpoint does, silence included, must
be allowed after what came before. :func:`judge` looks for an explanation of the whole trace (`judge.search`): some
interleaving of what arrived and what was sent, and some choice of outcomes, that the rules allow. It looks first among
what they allow in full, then for departures from SHOULD and CONSENSUS rules, at last for the fewest steps that break a
MUST. The verdict follows from the strengths of the rules that the best explanation breaks.

A trace may begin with the opening handshake. Each explanation of it in which the handshake is complete is followed by
the judgement on the frames, from the state that was reached; of all of them the one that breaks least, before and
after, gives the verdict. What a server gets before it has answered is kept for after its 101. Only a client that did
not wait sends frames so early, and the RFC does not say what becomes of them: a server that drops them is
INFORMATIONAL. So is one that takes the body of a request for frames: RFC 6455 does not speak of bodies, however clear
HTTP is. A frame that is sent before the answer is too early, and otherwise taken as if it had been sent after it. The
body of a refusal is passed over. Under permessage-deflate frames are judged as they are once inflated. What another
extension transforms is judged only as far as all of it is allowed in full without it; otherwise the verdict is
INFORMATIONAL.

The application behind the endpoint is part of what is specified. Where it is known (`echo`, `sink`), the trace shows
all that it asks for, and the endpoint may send messages and Close only for a reason: because it was asked to, because
it echoes, because the protocol calls for it. Where it is `unknown` (recorded traffic), it may send whatever the rules
let it send.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.head_variables import ResponseFacts, value_of
from wsoracle.model.notation.rule import STRENGTHS, Due, RuleSet, Strength
from wsoracle.model.notation.variables import EventKind, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.inflated_frames import MOST_INFLATED
from wsoracle.model.octets.units import MOST_FRAMES, MOST_HEADS, SWITCHING, FrameUnit, HeadUnit
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import KNOWN_OPCODES, Role
from wsoracle.model.rules import RULES

from .application import in_few_words
from .deciding import Direction, deciding_octet
from .evident import cost_of, sent_steps
from .explanation import ACTING, LENIENCIES, OPENING_LENIENCY, STRICT, Cost, Explanation, Step, Subject
from .frames_after import frames_after
from .grading import strongest, verdict_on
from .history import History, Moment
from .lost_in_reset import LOST_WITH_RESET
from .observation import Arrives, Crashes, Quiet, Tells, Told, Trace
from .reading_heads import TRANSFORMED
from .search import FrameSearch, HeadSearch, OpenedExplanation, Search
from .steps import machine_for
from .torn import begun_at_fault, broken_by_torn
from .verdict import TAKEN_BY_ALL, Profile, Verdict, worst

Application: TypeAlias = Literal["echo", "sink", "unknown"]

Feature: TypeAlias = Literal["extension", "subprotocol"]
"""The options that the opening handshake may agree on: some extension, a subprotocol."""

EVERYTHING: Final[frozenset[Told]] = frozenset(("text", "binary", "ping", "pong", "close", "failed", "lost"))
"""All that an endpoint can tell its application."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that was not followed."""

    rule: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class Allowed:
    """A reaction of an endpoint that follows every rule: in words, and the rules that say so."""

    what: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of judging a trace.

    `broken` are the rules that the best explanation does not follow, in the order of the run. `at` is the place in the
    trace of the first thing that is not allowed in full, None where all is; `arrived` octets had arrived by then.
    `begins` is where that begins in what the endpoint wrote, if it is a unit. `octet` is the octet at fault, by its
    offset in what the endpoint wrote or, where it overlooked a fault of its peer, in what arrived (`direction`); None
    where none is at fault, as in silence. `instead` is what would have been allowed there. `steps` are the explanation.
    `one_of` are those of the broken rules of which one was certainly not followed, but it cannot be told which; every
    other one certainly was not. `application` is what the application behind the endpoint did that it does not promise,
    in words: no rule, and no fault. `note` says what rules cannot; `unexplained`: it says why no explanation was found,
    so that nothing is said of the rules.
    """

    verdict: Verdict
    profile: Profile
    broken: tuple[Broken, ...] = ()
    at: int | None = None
    octet: int | None = None
    arrived: int | None = None
    instead: tuple[Allowed, ...] = ()
    steps: tuple[Step, ...] = ()
    note: str = ""
    unexplained: bool = False
    direction: Direction = "written"
    begins: int | None = None
    one_of: tuple[str, ...] = ()
    application: tuple[str, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether everything was allowed in full, and the application kept its promise, as far as was judged."""
        return self.at is None and not (self.broken or self.unexplained or self.application)

    @property
    def words(self) -> str:
        """What is said beside the rules: which of them are in doubt, what the application did, and the note."""
        of_these = ", ".join(self.one_of)
        doubt = f"one of these was not followed, and it cannot be told which: {of_these}" if of_these else ""
        return "; ".join(filter(None, (doubt, self.note)))

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that were not followed."""
        return tuple(broken.rule for broken in self.broken)

    @property
    def strength(self) -> Strength | None:
        """The strongest strength among the rules that were not followed."""
        return min((broken.strength for broken in self.broken), key=STRENGTHS.index, default=None)


TOO_LONG: Final = f"not judged: more than {MOST_FRAMES:,} frames went in one direction"
TOO_MANY_HEADS: Final = f"not judged: {MOST_HEADS:,} heads or more went in one direction"
TOO_MANY: Final = "not judged: there are too many orders in which it may have read what it was sent"


NOT_JUDGED: Final = "an extension was agreed on that is not known: what it transforms is not judged"
TOO_MUCH: Final = f"not judged: the compressed messages of one direction inflate to more than {MOST_INFLATED >> 20} MiB"
_UNEXPLAINED: Final = "not judged: no explanation was found that breaks only a few rules"
_EVIDENT: Final = "more is wrong than is named: no explanation was found that breaks only a few rules"
_MUST_OF_UNEXPLAINED: Final = 4
"""The number of broken MUSTs as which an unexplained trace counts where explanations are compared."""
_BROKEN_OFF: Final = "it breaks off its request: what had arrived before may be the reason"
_NO_BLAME: Final = 1 << 62
_OFFERED: Final = value_of("subprotocol", "offered")
_OPENS: Final = {Role.SERVER: "4.2.2/answer-before-data", Role.CLIENT: "4.1/established"}
"""The rules that say when messages begin."""


def judge(
    trace: Trace | History,
    setting: Setting,
    *,
    application: Application = "unknown",
    sees: Collection[Told] = (),
    start: State | None = None,
    request: Request | None = None,
    uri: WebSocketUri | None = None,
    head_limit: int = HEAD_LIMIT,
    needs: Collection[Feature] = (),
    rules: RuleSet = RULES,
    profile: Profile = "interop",
    strictly: bool = False,
    taken_by_all: int = TAKEN_BY_ALL,
    keeps_promise: bool = False,
    acts: bool = True,
) -> Judgement:
    """Judge a trace of one endpoint, whose role, limit and application `setting` states.

    ``start`` is the state in which the trace begins: ``CONNECTING`` for one that begins with the first octet of the
    opening handshake, by default the state right after it. `sees` are the kinds of :class:`~.observation.Tells` that
    the trace is certain to show where they happen. An endpoint that states no limit is assumed to have none for
    messages of up to ``taken_by_all`` octets. In a run the application is asked to echo: with ``keeps_promise`` it is
    not assumed to close by itself before the endpoint has read what had arrived, such as a frame that it must refuse.
    Without ``acts`` it does nothing at all that it does not promise. With ``strictly`` an explanation that breaks rules
    is not looked for.

    For the opening handshake: ``request`` is one that was sent and received before the trace begins; usually the trace
    has it. ``uri`` is the URI that a client was told to open, if known. ``head_limit`` is the largest head that the
    endpoint says it takes, in octets. An endpoint that answers or ends TCP is assumed to have seen every head that had
    arrived. ``needs`` are the options of the case: an endpoint that completes the handshake without agreeing to one,
    and fails nothing, is UNIMPLEMENTED.

    The trace may be given as its history, so that a caller that needs the history too reads the trace once. ValueError
    where `application` and `setting` do not agree, or where the history begins elsewhere than `start` says.
    """
    if (application == "echo") is not setting.echo:
        raise ValueError(f"the setting says echo={setting.echo}, the application is {application!r}")
    unasked = application == "unknown"
    subject = Subject(
        setting, rules, frozenset(sees), unasked, taken_by_all, request, uri, head_limit, profile, keeps_promise, acts
    )
    ruling = _Ruling(subject, application, strictly)
    role = setting.role if start is not None and start.handshake else None
    history = _history_of(trace, role)
    if role is not None:
        judgement = _Openings(history, ruling).judgement()
        return _with_needs(judgement, needs)
    state = State() if start is None else start
    if state.recv_window:
        history = history.under(state, setting.limit, 0)
    return ruling.on_frames(history, history.moments, state).judgement


def _history_of(trace: Trace | History, role: Role | None) -> History:
    """The history of a trace. The observations before a crash are judged as they would be without it."""
    known = trace if isinstance(trace, History) else None
    if known is not None and known.role is not role:
        raise ValueError(f"a history for {known.role} cannot be judged as one for {role}")
    seen = trace.trace if isinstance(trace, History) else trace
    crash = next((at for at, one in enumerate(seen) if isinstance(one, Crashes)), None)
    if crash is not None:
        return History(seen[: crash + 1], role)
    return History(seen, role) if known is None else known


def _with_needs(judgement: Judgement, needs: Collection[Feature]) -> Judgement:
    missing = _not_agreed_on(judgement, needs)
    if not missing or judgement.verdict is Verdict.FAILED:
        return judgement
    note = "; ".join([f"not agreed on in the opening handshake: {', '.join(missing)}", *filter(None, [judgement.note])])
    return replace(judgement, verdict=Verdict.UNIMPLEMENTED, note=note)


def _not_agreed_on(judgement: Judgement, needs: Collection[Feature]) -> list[Feature]:
    """Those of the features that the handshake was completed without."""
    if not needs:
        return []
    heads = [step.event.head for step in judgement.steps if step.event is not None]
    answers = [head for head in heads if isinstance(head, ResponseFacts) and head.status == SWITCHING]
    if not answers:
        return []
    agreed = {"extension": answers[-1].extensions in TRANSFORMED, "subprotocol": answers[-1].subprotocol == _OFFERED}
    return [feature for feature in sorted(needs) if not agreed[feature]]


class _Candidate(NamedTuple):
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


class _Ruling:
    """From explanations to judgements."""

    def __init__(self, subject: Subject, application: Application, strictly: bool) -> None:
        self.subject: Final = subject
        self.profile: Final[Profile] = subject.profile
        self.strictly: Final = strictly
        self._not_as_promised: Final = f"not {'an echo' if application == 'echo' else f'a {application}'}: "

    def on_frames(self, history: History, moments: list[Moment], state: State, start: int = 0) -> _Candidate:
        """The judgement on moments after the opening handshake, and what the best explanation of them breaks."""
        crash = next((at for at, moment in enumerate(moments) if isinstance(moment.what, Crashes)), len(moments))
        candidate = self._with_begun(self._on_frames(history, moments[:crash], state, start), history, state)
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

    def _with_begun(self, candidate: _Candidate, history: History, state: State) -> _Candidate:
        """With the faults of a frame that is not whole when the trace ends."""
        begun = None if self.strictly else begun_at_fault(history, self.subject, state)
        if begun is None:
            return candidate
        step, octet = begun
        judgement, cost, blame, certain, possible = candidate
        judgement = replace(judgement, steps=(*judgement.steps, step))
        cost = cost.plus(strongest(map(self.strength_of, step.broken), self.profile), profile=self.profile)
        candidate = _Candidate(
            judgement, cost, min(blame, len(history.moments)), certain.union(step.broken), possible.union(step.broken)
        )
        named = self.named(candidate)
        if named.at is None:
            named = replace(named, at=step.at, octet=octet, begins=history.unread, direction="written")
        return candidate._replace(judgement=named)

    def _on_frames(self, history: History, moments: list[Moment], state: State, start: int) -> _Candidate:
        full = history.full or history.arriving(start).full
        if full or history.exceeds(start):
            note = TOO_LONG if full else TOO_MUCH
            return _Candidate(Judgement(Verdict.INFORMATIONAL, self.profile, note=note, unexplained=True), Cost())
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
                    acting = FrameSearch(history, self.subject, ACTING, state, start, lazy=False)
                    acting.best(moments)
                    return self.explained(found, acting if acting.outlasts(strict) else strict)
                return self.explained(found, search if strict is None else strict)
            strict = strict or search
            acting = search if leniency == ACTING else acting
            if search.gave_up:
                if leniency.faults:
                    break
                judgement = Judgement(Verdict.INFORMATIONAL, self.profile, note=TOO_MANY, unexplained=True)
                return _Candidate(judgement, Cost())
        assert strict is not None
        return self._frames_unexplained(strict, moments, state)

    def explained(self, found: Explanation, strict: Search | None = None) -> _Candidate:
        """By an explanation; what is not allowed in full begins where a strict search ends, and what breaks a rule
        where one ends in which the application may do anything."""
        steps = found.steps
        acts = tuple(self._not_as_promised + act for act in in_few_words(s.application for s in steps if s.application))
        notes = [LOST_WITH_RESET] if any(step.unseen for step in steps) else []
        if strict is not None and any(
            step.event.frame.key_foreseen for step in steps if step.event and step.event.frame
        ):
            notes.append(strict.history.keys.reason or "")
        notes += dict.fromkeys(step.note for step in steps if step.note)
        note = "; ".join([*notes, *acts])
        judgement = Judgement(Verdict.OK, self.profile, steps=steps, note=note, application=acts)
        candidate = _Candidate(judgement, found.cost, found.blame[0], found.certain, found.possible)
        judged = self.named(candidate)
        return candidate._replace(judgement=judged if strict is None else _placed(judged, strict))

    def named(self, candidate: _Candidate) -> Judgement:
        """The judgement of a candidate with its verdict, and with the rules that it names.

        Where no rule is certain that is as strong as the verdict says, those are named of which one was broken.
        """
        judgement, cost, _, certain, possible = candidate
        decides = cost.decides(self.profile)
        sure = decides is None or any(self.strength_of(rule) is decides for rule in certain)
        among = STRENGTHS[: STRENGTHS.index(decides) + 1] if decides is not None else ()
        rest = [] if sure else [rule for rule in sorted(possible - certain) if self.strength_of(rule) in among]
        in_order = dict.fromkeys([*(rule for step in judgement.steps for rule in step.broken), *rest])
        named = [rule for rule in in_order if rule in certain or rule in rest]
        departs = [*([] if decides is None else [decides]), *[Strength.APPLICATION] * (cost.application > 0)]
        verdict = verdict_on(departs, own_limit=cost.own_limit > 0, profile=self.profile)
        one_of = tuple(rule for rule in named if rule in rest)
        return replace(judgement, verdict=verdict, broken=self.broken(named), one_of=one_of)

    def strength_of(self, rule: str) -> Strength:
        """The strength of a rule, by its id."""
        return self.subject.rules.by_id[rule].strength

    def _frames_unexplained(self, strict: FrameSearch, moments: list[Moment], state: State) -> _Candidate:
        """Where no explanation was found, nothing is said of the rules but what no explanation could excuse."""
        steps = () if self.strictly else tuple(sent_steps(strict.history, moments, self.subject, state))
        certain = frozenset(rule for step in steps for rule in step.broken)
        if not certain:
            judgement = Judgement(Verdict.INFORMATIONAL, self.profile, note=_UNEXPLAINED, unexplained=True)
            return _Candidate(_placed(judgement, strict), Cost())
        judgement = Judgement(Verdict.OK, self.profile, steps=steps, note=_EVIDENT)
        blame = next(number for number, step in enumerate(steps) if step.broken)
        candidate = _Candidate(judgement, cost_of(steps, self.subject), blame, certain, certain)
        return candidate._replace(judgement=_placed(self.named(candidate), strict))

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
        return _placed(judgement, strict)

    def broken(self, rules: Iterable[str]) -> tuple[Broken, ...]:
        """Rules that were not followed, each once."""
        return tuple(Broken(rule, self.subject.rules.by_id[rule].strength) for rule in dict.fromkeys(rules))


class _Openings:
    """Judges a trace that begins with the opening handshake."""

    def __init__(self, history: History, ruling: _Ruling) -> None:
        self._history: Final = history
        self._ruling: Final = ruling
        self._known: Final[dict[tuple[object, ...], _Candidate]] = {}

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
            return _placed(best.judgement, strict)
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

    def _best(self, search: HeadSearch) -> _Candidate | None:
        """The best of what a search found; None where it found nothing."""
        unopened = search.alive if search.died_at is None and not self._torn_unopened else []
        found = [self._ruling.explained(one) for one in unopened if not one.place.late]
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

    def _continued(self, opened: OpenedExplanation) -> _Candidate:
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
        candidate = _Candidate(judgement, cost, min(before.blame, after.blame), certain, possible)
        named = self._ruling.named(candidate)
        if not then.unexplained:
            return candidate._replace(judgement=replace(named, verdict=worst(named.verdict, then.verdict)))
        verdict = worst(before.judgement.verdict, then.verdict)
        broken = (*before.judgement.broken, *then.broken)
        cost = cost._replace(must=cost.must + _MUST_OF_UNEXPLAINED)
        return candidate._replace(judgement=replace(judgement, verdict=verdict, broken=broken), cost=cost)

    def _charged_twice(self, opened: OpenedExplanation, before: _Candidate, after: _Candidate) -> int:
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

    def _frames_after(self, opened: OpenedExplanation) -> _Candidate:
        state = opened.explanation.place.state
        key = state, opened.start, opened.sent_from, opened.following, opened.early
        if key not in self._known:
            history, moments = frames_after(self._history, opened, self._ruling.subject)
            self._known[key] = self._ruling.on_frames(history, moments, state, opened.start)
        return self._known[key]


def _failed(judgement: Judgement, why: str, at: int, octet: int | None = None) -> Judgement:
    """The judgement with a fault that no rule names: FAILED, at the earlier of the two places."""
    note = "; ".join(one for one in (judgement.note, why) if one)
    failed = replace(judgement, verdict=Verdict.FAILED, note=note, unexplained=True)
    return (
        failed
        if judgement.at is not None and judgement.at < at
        else replace(failed, at=at, octet=octet, begins=octet, direction="written")
    )


def rules_fired(judgement: Judgement, setting: Setting, rules: RuleSet = RULES) -> Counter[str]:
    """How often each rule was enabled along the explanation of a trace."""
    machine = machine_for(rules, setting)
    fired: Counter[str] = Counter()
    for step in judgement.steps:
        if step.event is not None:
            rules_here = step.rules if step.early else (r.id for r in machine.enabled(step.state, step.event))
            for rule in rules_here:
                fired[rule] += step.times
    return fired


def _placed(judgement: Judgement, strict: Search) -> Judgement:
    """The judgement with the place where the trace leaves what is allowed in full."""
    moment = strict.died_at
    if moment is None:
        return judgement
    found = deciding_octet(judgement.steps, judgement.rules, moment, strict.history, strict.subject, strict.start)
    return replace(
        judgement,
        at=moment.at,
        octet=None if found is None else found.octet,
        direction="written" if found is None else found.direction,
        note="; ".join(filter(None, (judgement.note, "" if found is None else found.why))),
        begins=moment.what.start if isinstance(moment.what, (HeadUnit, FrameUnit)) else None,
        arrived=moment.arrived,
        instead=_instead(strict, moment),
    )


def _instead(strict: Search, moment: Moment) -> tuple[Allowed, ...]:
    """The reactions of endpoints that had followed every rule so far and had read everything that had arrived."""
    most = max(explanation.place.consumed for explanation in strict.alive)
    found: dict[Allowed, None] = {}
    for explanation in strict.alive:
        if explanation.place.consumed < most:
            continue
        owed = strict.outputs.owes(explanation)
        owed += tuple(
            (f"send the {'message' if due is Due.REPLY else 'Close'} that its application asked for", (rule,))
            for due, rule in strict.outputs.withheld(explanation.place, moment)
        )
        words = [what for what, _ in owed]
        rules = [rule for _, of in owed for rule in of]
        inputs = [step for step in explanation.steps if step.event is not None and step.event.kind.is_input]
        if explanation.place.opening is None:
            # Input that is passed over after failing does not matter.
            inputs = [step for step in inputs if not step.state.failed] or inputs
        if inputs:
            words = _reacting(inputs[-1], words)
            rules = [*inputs[-1].rules, *rules]
        if not owed and not isinstance(moment.what, Quiet):
            words.append("send nothing")
        found[Allowed("; ".join(words), tuple(dict.fromkeys(rules)))] = None
    return tuple(found)


def _reacting(step: Step, owed: list[str]) -> list[str]:
    """The reaction to the last input, and what is owed then."""
    label = step.label
    if label is None:
        return owed
    if not step.state.handshake:
        return [str(label), *owed]
    if label.kind is Kind.REFUSE and label.code:
        return [f"{what} such as {label.code}" if what.startswith("answer with an error") else what for what in owed]
    return ["fail the connection", *owed] if label.kind is Kind.FAIL else owed
