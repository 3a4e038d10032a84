"""Shortcuts of the search on long traces. Each is exact under a condition, and gives the result of the search.

An exchange      The explanation of a message and its echo depends on the two frames and on the place before them:
                 if they left the place as it was, and the next two frames are the same, the steps are the same too.
A run            Frames that each allow one outcome, which leaves the state as it is, are read at once where the places
                 between them cannot matter: the observation needs all of them read, or none of them.
Fragments        Frames that only begin or continue a message are read at once where none of the places between them
                 allows the observation. These places differ only in the frame that was refused as too big.
Frames passed    An endpoint that no frame can move any more passes over all waiting frames at once. A lenient search
over             lets it attend to them all the same, unless there are very many: the only limit of the search.
A part sent      A part of a message that is sent does not affect reading, nor reading the part: where an explanation
                 allows the part now, the search needs none that has read more.

Each shortcut states its condition in the code. A property test shows for all of them together that a search without
them finds the same (`tests/properties/judge/test_shortcuts.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from wsoracle.model.machine.compiled import Choice
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, State
from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, TEXT

from .explanation import Explanation, Read, Trail, Untold
from .history import Message, Moment
from .observation import Processed, Quiet
from .outputs import FrameOutputs
from .reading import ANY_FRAME, FrameReader
from .steps import Reaction

_MOST_ATTENDED: Final = 50
"""The most frames after an endpoint stopped listening that a lenient search lets it process: of more, none."""
_new: Final = tuple.__new__
_WORTH_IT: Final = 4
"""Fewer frames are read one by one."""
_TWO: Final = 2


class Exchange(NamedTuple):
    """A frame that is received, and one that is sent. Masking keys do not matter: payloads are unmasked."""

    received: tuple[object, ...]
    received_payload: bytes
    sent: tuple[object, ...]
    sent_payload: bytes


def _is_message(header: Header) -> bool:
    """Whether a frame is a message by itself."""
    return header.fin and header.opcode in (TEXT, BINARY)


def _has_only_moved_on(before: Explanation, alive: list[Explanation]) -> bool:
    """Whether an explanation has become one other, by reading one frame and sending one, at no cost."""
    now = alive[0]
    trail = now.trail
    return (
        len(alive) == 1
        and now.cost == before.cost
        and now.place == before.place._replace(consumed=before.place.consumed + 1)
        and trail is not None
        and trail.step is not None
        and trail.before is not None
        and trail.before.step is not None
        and trail.before.before is before.trail
    )


class Shortcuts:
    """The shortcuts of one search over frames. `covered` are the explanations that a leap makes needless at its end."""

    def __init__(self, reader: FrameReader, outputs: FrameOutputs) -> None:
        self._reader: Final = reader
        self._outputs: Final = outputs
        self._arriving: Final = reader.arriving
        self._subject: Final = reader.subject
        self._leniency: Final = reader.leniency
        self._runs: Final[dict[State, tuple[int, list[Read]]]] = {}
        self.latest: Exchange | None = None
        self.covered: frozenset[Explanation] = frozenset()
        self.leapt_to = -1

    def exchange(self, alive: list[Explanation], moment: Moment) -> Exchange | None:
        """The whole message that is sent now, and the one that has come since there was nothing left to do; if so."""
        what, alone = moment.what, alive[0]
        if not isinstance(what, FrameUnit) or len(alive) > 1 or self._leniency.departing or self._subject.unasked:
            return None
        place, frames = alone.place, self._arriving.frames
        if place.consumed >= len(frames) or place.untold or place.pings or place.echoes or place.first:
            return None
        frame = frames[place.consumed]
        only = frame.end == moment.arrived and not moment.eof and not moment.asked.messages
        if not (only and _is_message(frame.header) and _is_message(what.header)):
            return None
        return Exchange(frame.header[:-1], frame.payload, what.header[:-1], what.payload)

    def remember(self, exchange: Exchange | None, before: Explanation, alive: list[Explanation]) -> None:
        """Keep an exchange, if an explanation has become one other by it: one frame is read and one sent, for free."""
        self.latest = exchange if exchange is not None and _has_only_moved_on(before, alive) else None

    @staticmethod
    def once_more(now: Explanation, moment: Moment) -> Explanation:
        """The explanation after one more exchange like the one before."""
        consumed = now.place.consumed
        assert now.trail is not None and now.trail.before is not None
        sends, receives = now.trail.step, now.trail.before.step
        assert sends is not None and receives is not None
        trail = Trail(now.trail, receives._replace(at=moment.at, frame=consumed))
        trail = Trail(trail, sends._replace(at=moment.at))
        return now._replace(place=now.place._replace(consumed=consumed + 1), trail=trail)

    def sends_part(self, moment: Moment) -> bool:
        """Whether a part of a message is sent that is not the last: an explanation that allows it need not read more.

        Thousands of parts and of frames would make as many pairs as both together.
        """
        what = moment.what
        if not isinstance(what, FrameUnit) or self._leniency.departing:
            return False
        return what.header.opcode <= BINARY and not what.header.fin

    def leap(
        self, explanation: Explanation, moment: Moment, whole: int, outputs: list[Explanation]
    ) -> list[Explanation]:
        """The explanations after several frames, between which what is seen would be no other thing; else none."""
        place, what = explanation.place, moment.what
        if whole - place.consumed < _WORTH_IT:
            return []
        if not outputs and not self._outputs.may_be_now(place, moment):
            ahead = self._read_fragments(explanation, moment, whole)
            if ahead or isinstance(what, FrameUnit):
                return ahead
        if isinstance(what, FrameUnit):
            if what.header.opcode >= CLOSE or (self._subject.setting.echo and len(place.echoes) < _TWO):
                return []
        elif not isinstance(what, (Processed, Quiet)):
            return []
        end = min(self._run(place.state, place.consumed, whole), whole)
        if end < place.consumed + _WORTH_IT or any(
            one.place.state != place.state and self._run(one.place.state, place.consumed, whole) < end
            for one in outputs
        ):
            return []
        self.covered = frozenset(self._read_run(one, moment, end)._replace(trail=None) for one in outputs)
        self.leapt_to = end
        return [self._read_run(explanation, moment, end)]

    def _read_fragments(self, explanation: Explanation, moment: Moment, whole: int) -> list[Explanation]:
        """The explanations after all frames to come that only begin or continue a message; none where there are few.

        In the first all were taken. Where any of them may be too big for an unstated limit, in the others one was.
        """
        frames, facts_of = self._arriving.frames, self._arriving.facts
        state, consumed, first = explanation.place.state, explanation.place.consumed, explanation.place.first
        start = consumed
        decide, known = self._reader.mask, dict[int, tuple[Choice, Sequence[Choice]] | None]()
        reads: list[Read] = []
        refusals: dict[State, tuple[int, Choice]] = {}
        latest: Header | None = None
        read_payload, inside, decided = b"", (-1, -1), -1
        while consumed < whole:
            header, payload, _, _ = frames[consumed]
            # The facts of a fragment depend on nothing else, and thousands are often the same (see read_frames).
            again = header is latest and payload is read_payload
            if not again or state.recv_type != inside[0] or state.recv_utf8 != inside[1]:
                if header.fin or header.opcode > BINARY:
                    break
                facts, latest, read_payload = facts_of(consumed, state), header, payload
                inside = state.recv_type, state.recv_utf8
            mask = decide(state, facts)
            if mask != decided:
                if mask not in known:
                    known[mask] = self._taken_or_too_big(mask)
                choices = known[mask]
                if choices is None:
                    break
                (choice, too_big), decided = choices, mask
            if too_big and self._reader.may_be_too_big(state, facts):
                for refusal in too_big:
                    refusals.setdefault(refusal.effect(state, facts), (len(reads), refusal))
            reads.append(_new(Read, (state, facts, choice)))
            state = choice.effect(state, facts)
            if header.opcode != CONTINUATION:
                first = consumed
            consumed += 1
        if len(reads) < _WORTH_IT:
            return []

        def after(count: int) -> Explanation:
            read = reads[count].state if count < len(reads) else state
            trail = Trail(explanation.trail, None, moment.at, reads, start, start, start + count)
            begun = first if read.recv_type and count == len(reads) else 0
            place = explanation.place._replace(state=read, consumed=start + count, first=begun)
            return explanation._replace(place=place, trail=trail)

        refused = []
        for failed, (index, choice) in refusals.items():
            event = Event(EventKind.RECEIVE, reads[index].facts)
            reaction = Reaction(choice.label, failed, choice.rules, (), True)
            refused.append(self._reader.received(after(index), moment, event, reaction, frames[start + index]))
        return [after(len(reads)), *refused]

    def _taken_or_too_big(self, mask: int) -> tuple[Choice, Sequence[Choice]] | None:
        """The only acceptance of a frame, with the refusals by an unstated limit; None if there is another choice."""
        chosen = self._reader.chosen(mask)
        taken = [choice for choice, own_limit in chosen if not own_limit]
        if len(taken) != 1 or taken[0].label.kind is not Kind.ACCEPT:
            return None
        return taken[0], [choice for choice, own_limit in chosen if own_limit]

    def _only_choice(self, state: State, facts: FrameFacts) -> Choice | None:
        """The only outcome of a frame, where that is to accept it; else None."""
        chosen = self._reader.outcomes(state, facts)
        choice, own_limit = chosen[0]
        return choice if len(chosen) == 1 and not own_limit and choice.label.kind is Kind.ACCEPT else None

    def _run(self, state: State, first: int, whole: int) -> int:
        """Up to which frame all frames from `first` on are taken and leave the state as it is."""
        frames, facts_of = self._arriving.frames, self._arriving.facts
        origin, reads = self._runs.get(state, (first, []))
        if not origin <= first <= origin + len(reads):
            origin, reads = first, []
        self._runs[state] = origin, reads
        for index in range(origin + len(reads), min(whole, len(frames))):
            facts = facts_of(index, state)
            choice = self._only_choice(state, facts)
            if choice is None or choice.effect(state, facts) != state:
                break
            reads.append(Read(state, facts, choice))
        return origin + len(reads)

    def _read_run(self, explanation: Explanation, moment: Moment, end: int) -> Explanation:
        """The explanation after the frames of a run; they are control frames, whole messages, or parts of one."""
        place = explanation.place
        start = place.consumed
        origin, reads = self._runs[place.state]
        untold, pings, echoes = list(place.untold), list(place.pings), list(place.echoes)
        for index in range(start, end):
            frame, choice = self._arriving.frames[index], reads[index - origin].choice
            message = None
            if frame.header.opcode == PING:
                pings.append(frame.payload)
            elif frame.header.opcode <= BINARY and frame.header.fin:
                message = Message(frame.header.opcode, frame.payload)
                if place.state.reply_due:
                    echoes.append(message)
            if self._subject.sees:
                tells = self._reader.tells(choice.label.delivers, frame, message)
                if tells is not None and tells.kind in self._subject.sees:
                    untold.append(Untold(tells, choice.rules))
        pings[:-1] = self._reader.remembered(pings[:-1])
        then = place._replace(consumed=end, untold=tuple(untold), pings=tuple(pings), echoes=tuple(echoes))
        trail = Trail(explanation.trail, None, moment.at, reads, origin, start, end)
        return explanation._replace(place=then, trail=trail)

    def passed_over(self, explanation: Explanation, whole: int) -> int:
        """How many frames an endpoint that listens to none any more passes over at once.

        A lenient search also considers its reactions to these frames, unless there are very many of them.
        """
        place, state = explanation.place, explanation.place.state
        frames = whole - place.consumed
        if not (state.failed or state.got_close or state.discarding or not state.tcp_open):
            return 0  # saves asking, which would say the same
        if frames > 1 and (not self._leniency.departing or frames > _MOST_ATTENDED):
            return 0 if self._reader.heard.enabled(place.state, ANY_FRAME) else frames
        return 0
