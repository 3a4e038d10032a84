"""A case: what a tester does with an endpoint, where it comes from and, where that was worked out, what is allowed.

Theory of operation. A case holds only what cannot be derived. A tester that runs one needs no outcomes: the judge
decides about the trace. So one case tests servers and clients alike: its frames are masked only when a tester in the
role of the client writes them. An exported case is a history, with the exact octets for one role and the outcomes that
the rules allow; what follows from those is derived in `derived`, which checks that they go together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from wsoracle.model.notation.switches import Switches
from wsoracle.model.octets.deflate_stream import InflateError, Inflater
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, Frame, Role, is_control
from wsoracle.properties.judge.verdict import TAKEN_BY_ALL

from .compression import Compression
from .origin import CATALOGUED, Origin
from .steps import ACTIONS, WRITING, Action, CaseStep, EndSending, SendFrame, SendOctets

if TYPE_CHECKING:
    from .outcome import AllowedOutcome

BOTH: Final = frozenset(Role)


@dataclass(frozen=True)
class Case:
    """One case.

    `id`           what selects and names it
    `title`        one line for lists
    `stimulus`     what is sent, in a sentence or two for people
    `group`        the titles of its group and, if any, subgroup
    `steps`        what happens after the opening handshake; with `opening`, from the first octet on
    `roles`        the roles of the endpoints that it can test
    `control`      the id of the nearest legal case, which the same endpoint must answer for this one to count
    `opening`      it makes its own opening handshake
    `quotes`       ids of the rules that it is about, where it was made for some
    `log`          whether the report lists every write and read (no for thousands of round trips)
    `seconds`      how long a run may take at all, whatever the endpoint does
    `origin`       where it comes from
    `allowed`      what may follow the steps (for a last step of the endpoint's own: the judgement on it); none where
                   that was not worked out. With it the steps are a history with the exact octets for one role
    `description`  more for people
    `application`  what sits on top of the endpoint
    `limit`        its stated message limit in octets (None: not stated)
    `switches`     the answers to the disputed points
    `claims`       the reserved bits that negotiated extensions define
    `chunks`       the sizes of the writes that carry a history
    `extension`    with an opening handshake of its own: it says nothing of an endpoint without permessage-deflate
    `compression`  how the tester offers permessage-deflate, under which it sends the messages (None: not at all, or in
                   a head of its own)
    """

    id: str
    title: str
    stimulus: str = ""
    group: tuple[str, ...] = ()
    steps: tuple[CaseStep, ...] = ()
    roles: frozenset[Role] = BOTH
    control: str | None = None
    opening: bool = False
    quotes: tuple[str, ...] = ()
    log: bool = True
    seconds: float = 30.0
    origin: Origin = CATALOGUED
    allowed: tuple[AllowedOutcome, ...] = ()
    description: str = ""
    application: Literal["echo", "sink"] = "echo"
    limit: int | None = None
    switches: Switches = field(default_factory=Switches)
    claims: tuple[str, ...] = ()
    chunks: tuple[int, ...] = ()
    extension: bool = False
    compression: Compression | None = None

    @property
    def role(self) -> Role:
        """The role of the endpoints that a case for one role tests; ValueError for one for both."""
        (role,) = self.roles
        return role

    # --- the stimulus

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """The actions of the tester; steps of the endpoint's own are left out."""
        return tuple(step for step in self.steps if isinstance(step, ACTIONS))

    @cached_property
    def size(self) -> int:
        """Octets of all payloads, of a frame that is never complete those that are written."""
        rest = sum(len(step.octets) for step in self.steps if isinstance(step, SendOctets))
        frames = [step for step in self.steps if isinstance(step, SendFrame)]
        return sum(one.size if one.is_whole else min(one.size, len(one.payload) + rest) for one in frames)

    @property
    def may_be_too_big(self) -> bool:
        """Whether an endpoint may refuse it by a limit that it nowhere states (section 10.4).

        No endpoint is assumed to have a lower limit: a refusal for its size would excuse any other.
        """
        declared = [step.size for step in self.steps if isinstance(step, SendFrame)]
        if self.compresses:  # each frame is a message
            return max(declared) > TAKEN_BY_ALL
        return sum(declared) > TAKEN_BY_ALL or self.inflated > TAKEN_BY_ALL

    @property
    def needs_extension(self) -> bool:
        """Whether it tests nothing where permessage-deflate is not agreed on."""
        return self.extension or self.compression is not None

    @property
    def compresses(self) -> bool:
        """Whether the tester compresses the messages of the case itself."""
        return self.compression is not None and self.compression.own is None

    @cached_property
    def inflated(self) -> int:
        """Octets that the longest of its compressed messages inflates to, as far as they can be inflated."""
        if self.compression is None or self.compresses:
            return 0
        longest = length = 0
        marked = False
        inflater = Inflater(takeover=self.compression.wanted.takeover)
        for frame in self.frames:
            if is_control(frame.opcode):
                continue
            if frame.opcode != CONTINUATION:
                length, marked = 0, frame.rsv1
            if marked:
                try:
                    length += len(inflater.inflate(frame.payload, frame.fin))
                except InflateError as error:
                    if error.fault.lost:
                        break
                longest = max(longest, length)
        return longest

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames that are sent whole, with all of their payload."""
        return tuple(step.written for step in self.steps if isinstance(step, SendFrame) and step.is_whole)

    @property
    def sends_close(self) -> bool:
        """Whether a Close frame, legal or not, is among the frames that are sent whole."""
        whole = (step.frame.opcode for step in self.steps if isinstance(step, SendFrame) and step.is_whole)
        return CLOSE in whole

    @property
    def octets(self) -> bytes:
        """Everything that arrives at the endpoint, in one piece."""
        return b"".join(step.octets for step in self.steps if isinstance(step, WRITING))

    @property
    def half_closes(self) -> bool:
        """Whether the tester closes its half of TCP at the end of the stimulus."""
        return any(isinstance(step, EndSending) for step in self.steps)
