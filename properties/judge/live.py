"""Judging on the fly: one observation after the other, as a connection runs.

Theory of operation. Only the strict search is kept going (`judge.search`), over heads first and then, from each state
in which the opening handshake is complete, over frames: as long as there is an explanation, everything so far is
allowed in full. Each observation costs what it adds, not what came before. Where no explanation is left, the trace is
judged as a whole once, so that a watch never says more than the judge.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import CONNECTING, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.rules import RULES

from .explanation import STRICT, Subject
from .forking import forked
from .history import History
from .judge import Application, judge
from .judgement import Judgement
from .moments import Moment
from .observation import ClosesTcp, Observation, Quiet, ShutsDownTcp, Told
from .openings import frames_after
from .owed import OwedOutput, owed_in
from .search import FrameSearch, HeadSearch, OpenedExplanation, Search
from .verdict import Profile

__all__ = ["OwedOutput", "Watch"]


class Watch:
    """Watches one endpoint. ``start`` is its state where the opening handshake is over; None where it is to come.

    The rest is as in :func:`~.judge.judge`. ValueError where ``application`` and ``setting`` disagree.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        request: Request | None = None,
        uri: WebSocketUri | None = None,
        head_limit: int = HEAD_LIMIT,
        application: Application = "unknown",
        sees: Collection[Told] = (),
        start: State | None = None,
        rules: RuleSet = RULES,
    ) -> None:
        if (application == "echo") is not setting.echo:
            raise ValueError(f"the setting says echo={setting.echo}, the application is {application!r}")
        self._application: Final[Application] = application
        self._start: Final = CONNECTING if start is None else start
        self._subject: Final = Subject(
            setting,
            rules,
            frozenset(sees),
            application == "unknown",
            request=request,
            uri=uri,
            head_limit=head_limit,
        )
        self._history: Final = History((), setting.role if start is None else None, agreed=start, limit=setting.limit)
        self._heads: HeadSearch | None = None
        self._frames: list[FrameSearch] = []
        if start is None:
            self._heads = HeadSearch(self._history, self._subject, STRICT)
        else:
            self._frames = [FrameSearch(self._history, self._subject, STRICT, start)]
        self._inflated: list[FrameSearch] = []
        """The searches under permessage-deflate, each over a history in which messages are inflated."""
        self._followed: Final[set[OpenedExplanation]] = set()
        self._ahead: dict[OpenedExplanation, FrameSearch | None] = {}
        """The searches for what the endpoint owes where the handshake is complete if it has read on."""
        self._conforms = True
        self._as_a_whole = False

    @property
    def trace(self) -> list[Observation]:
        """Everything that was observed."""
        return self._history.trace

    def observe(self, observation: Observation) -> None:
        """One more observation."""
        moments = self._history.add(observation)
        if not self._conforms:
            return
        if not self._as_a_whole:
            self._advance_inflated(observation)
            if all(map(self._advance, moments)) and not self._needs_whole(observation):
                return
            self._as_a_whole = True
        self._conforms = self._conforms_as_a_whole()

    def _advance_inflated(self, observation: Observation) -> None:
        added = {id(search.history): search.history for search in self._inflated}
        moments = {key: [m for m in history.add(observation) if m.what is not None] for key, history in added.items()}
        self._inflated = [search for search in self._inflated if search.run(moments[id(search.history)])]

    def _advance(self, moment: Moment) -> bool:
        """Whether anything explains what the endpoint is seen to do now."""
        following = [search for search in self._frames if moment.what is None or search.advance(moment)]
        if self._heads is not None:
            opened = [one for one in self._newly_opened(moment) if one not in self._followed]
            self._followed.update(opened)
            for one in opened:
                search = self._follow(one, moment)
                if search is not None and search.history is not self._history:
                    self._inflated.append(search)
                elif search is not None:
                    following.append(search)
        self._frames = following
        return bool(following or self._inflated) or (
            self._heads is not None and bool(self._heads.alive) and not self._heads.died_at
        )

    def _newly_opened(self, moment: Moment) -> list[OpenedExplanation]:
        assert self._heads is not None
        self._heads.advance(moment)
        return list(self._heads.opened.values())

    def _follow(self, opened: OpenedExplanation, moment: Moment) -> FrameSearch | None:
        """The search over frames from an opened explanation on.

        None where it does not explain this moment; where messages are inflated, all that was observed.
        """
        state = opened.explanation.place.state
        if state.recv_window:
            history, moments = frames_after(self._history, opened, self._subject)
            search = FrameSearch(history, self._subject, STRICT, state, opened.start)
            return search if search.run(moments) else None
        search = FrameSearch(self._history, self._subject, STRICT, state, opened.start)
        includes_now = (
            opened.following < len(self._history.moments) and self._history.moments[opened.following] is moment
        )
        follows = search.run([*opened.early, *([moment] if includes_now else [])])
        return search if follows else None

    def _needs_whole(self, observation: Observation) -> bool:
        """Whether what was observed is more than the searches so far can tell of."""
        history = self._history
        exceeds = self._heads is None and history.exceeds(0)
        exceeds |= any(search.history.exceeds(search.start) for search in self._inflated)
        if history.stale or exceeds or any(opened.transformed and not opened.known for opened in self._followed):
            return True
        ends = isinstance(observation, (ShutsDownTcp, ClosesTcp, Quiet))
        return ends and (history.torn is not None or history.torn_in_opening)

    def after(self, *observations: Observation) -> Watch:
        """Another watch that saw the same, and then these: what would be if they came next. This one stays as it is."""
        other = forked(self)
        for observation in observations:
            other.observe(observation)
        return other

    @property
    def conforms_so_far(self) -> bool:
        """Whether everything up to now is allowed in full; once it is not, it never is again."""
        return self._conforms

    @property
    def owes(self) -> tuple[OwedOutput, ...]:
        """The outputs that the endpoint surely owes, whatever it has read; empty where it does not conform."""
        if not self._conforms or self._as_a_whole:
            return ()
        found = self._owed_by([*self._frames, *self._inflated])
        if self._heads is not None:
            found += self._owed_by([self._heads])
            found += self._owed_by(self._opened_by_reading_on())
        surely = set(found[0]).intersection(*found[1:]) if found else ()
        return tuple(one for one in found[0] if one in surely) if found else ()

    def _opened_by_reading_on(self) -> list[FrameSearch]:
        """The searches over frames where the opening handshake may be complete, and the endpoint did nothing since."""
        assert self._heads is not None
        before, self._ahead = self._ahead, {}
        for one in self._heads.opened.values():
            if one not in self._followed:
                known = before.get(one)
                inflates = known is not None and known.history is not self._history
                self._ahead[one] = self._follow(one, one.moment) if known is None or inflates else known
        return [search for search in self._ahead.values() if search is not None]

    @staticmethod
    def _owed_by(searches: Sequence[Search]) -> list[tuple[OwedOutput, ...]]:
        return [owed_in(search.outputs, one) for search in searches for one in search.up_to_date()]

    def judgement(self, profile: Profile = "interop") -> Judgement:
        """The judgement on everything up to now; this takes time in proportion to all of it."""
        subject = self._subject
        return judge(
            self.trace,
            subject.setting,
            application=self._application,
            sees=subject.sees,
            start=self._start,
            request=subject.request,
            uri=subject.uri,
            head_limit=subject.head_limit,
            rules=subject.rules,
            profile=profile,
        )

    def _conforms_as_a_whole(self) -> bool:
        return self.judgement().conforms
