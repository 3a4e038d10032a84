"""A judgement: the verdict, with the rules that were not followed, and where."""

from __future__ import annotations

from dataclasses import dataclass

from wsoracle.model.notation.rule import STRENGTHS, Strength

from .deciding import Direction
from .explanation import Step
from .verdict import Profile, Verdict


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
