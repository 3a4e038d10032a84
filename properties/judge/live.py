"""Judging on the fly: one observation after the other, as a connection runs.

Theory of operation. Only the strict search is kept going (`explanation.Search`): as long as it has an explanation,
everything so far is allowed in full. Each observation costs what it adds, not what came before; while the opening
handshake is not complete, each thing that the endpoint does is looked at together with the heads before it. Where the
search has no explanation left, the trace is judged as a whole once, so that a watch never says more than the judge.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypeAlias

from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.rules import RULES

from .explanation import STRICT, Subject
from .history import History
from .judge import Application, Judgement, judge
from .observation import Arrives, ArrivesEof, Asks, ClosesTcp, Observation, Quiet, Told
from .opening_judge import Begun, begun, judge_opening
from .search import Search
from .verdict import Profile

__all__ = ["Owed", "Watch"]

Owed: TypeAlias = tuple[str, tuple[str, ...]]
"""What is to be done, in words, and the rules that say so."""


class Watch:
    """Watches one endpoint. ``start`` is its state where the opening handshake is over; None where it is to come.

    The rest is as in :func:`~.opening_judge.judge_opening`. ValueError where ``application`` and ``setting`` disagree.
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
        self.trace: Final[list[Observation]] = []
        self._setting: Final = setting
        self._request: Final = request
        self._uri: Final = uri
        self._head_limit: Final = head_limit
        self._application: Final[Application] = application
        self._sees: Final = frozenset(sees)
        self._start: Final = start
        self._rules: Final = rules
        self._searches: list[Search] = [] if start is None else [self._search(start)]
        self._open = start is not None
        self._conforms = True
        self._as_a_whole = False

    def observe(self, observation: Observation) -> None:
        """One more observation."""
        self.trace.append(observation)
        if not self._conforms:
            return
        if self._as_a_whole:
            self._conforms = self._conforms_as_a_whole()
        elif self._open:
            self._searches = [search for search in self._searches if _go_on(search, observation)]
            self._check(bool(self._searches))
        elif not isinstance(observation, (Arrives, ArrivesEof, Asks)):
            self._begin()

    @property
    def conforms_so_far(self) -> bool:
        """Whether everything up to now is allowed in full; once it is not, it never is again."""
        return self._conforms

    @property
    def owes(self) -> tuple[Owed, ...]:
        """What the endpoint owes for certain, whatever it has read; nothing where it does not conform."""
        if not self._conforms or self._as_a_whole:
            return ()
        if not self._open:
            self._begin()
        if not self._open:
            return self._begun().owed
        found = [search.owes(one) for search in self._searches for one in search.up_to_date()]
        return tuple(one for one in found[0] if all(one in other for other in found)) if found else ()

    def judgement(self, profile: Profile = "interop") -> Judgement:
        """The judgement on everything up to now; this takes time in proportion to all of it."""
        if self._start is not None:
            return judge(
                self.trace,
                self._setting,
                application=self._application,
                sees=self._sees,
                start=self._start,
                rules=self._rules,
                profile=profile,
            )
        return judge_opening(
            self.trace,
            self._setting,
            request=self._request,
            uri=self._uri,
            head_limit=self._head_limit,
            application=self._application,
            sees=self._sees,
            rules=self._rules,
            profile=profile,
        )

    def _begun(self) -> Begun:
        return begun(
            self.trace,
            self._setting,
            request=self._request,
            uri=self._uri,
            head_limit=self._head_limit,
            rules=self._rules,
        )

    def _begin(self) -> None:
        """Look at the opening handshake; where it is complete, go on with frames."""
        found = self._begun()
        for state, rest in found.opened:
            self._open = True
            search = self._search(state)
            if all(_go_on(search, observation) for observation in rest):
                self._searches.append(search)
        self._check(bool(self._searches) if self._open else found.conforms)

    def _search(self, start: State) -> Search:
        subject = Subject(self._setting, start, self._rules, self._sees, self._application == "unknown")
        return Search(History(), subject, STRICT)

    def _check(self, conforms: bool) -> None:
        if not conforms:
            self._conforms = self._as_a_whole = self._conforms_as_a_whole()

    def _conforms_as_a_whole(self) -> bool:
        judgement = self.judgement()
        return not judgement.broken and not judgement.unexplained


def _go_on(search: Search, observation: Observation) -> bool:
    """Give an observation to a search; whether it has an explanation for it."""
    moments = search.history.add(observation)
    ends = isinstance(observation, (ClosesTcp, Quiet))
    return all(map(search.advance, moments)) and not (ends and search.history.torn is not None)
