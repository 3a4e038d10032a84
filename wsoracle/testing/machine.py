"""A Hypothesis state machine for an implementation without sockets: three methods connect it, the oracle checks it.

A complete example, of a server in a library of one's own::

    class MyServer(WebSocketMachine):
        role = "server"

        def connect(self):
            self.connection = my_library.Connection(after_the_handshake=True)

        def receive(self, octets):
            self.connection.feed(octets)  # b"" is the end of TCP
            return self.connection.output()

        def ask(self, request):
            return None  # this application asks for nothing


    TestMyServer = MyServer.TestCase
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from wsoracle.generators.strategies import compressed
from wsoracle.generators.strategies.compressed import DrawnMessage
from wsoracle.generators.strategies.frames import Assembly, Part, TraceItem, items
from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.variables import State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Asks, ClosesTcp, Processed, Quiet, Writes
from wsoracle.properties.judge.verdict import Profile, Verdict

from ..oracle.online import OnlineOracle
from .in_lines import lines_of


def _items(machine: WebSocketMachine) -> st.SearchStrategy[TraceItem | DrawnMessage]:
    plain = items(Role(machine.role), limit=machine.limit, fragments=machine.application != "echo")
    window = machine._agreed.recv_window
    return st.one_of(plain, compressed.messages(window)) if window else plain


class WebSocketMachine(RuleBasedStateMachine):
    """Gives an endpoint frames, requests of its application and the end of TCP, and checks all that it does.

    Subclass it with :meth:`connect`, :meth:`receive` and :meth:`ask`; ``MyServer.TestCase`` is the test, as for every
    machine of Hypothesis. A step that no rule allows fails, with the verdict, the clause and the conversation.

    role         of the endpoint: "server" or "client"
    extensions   that :meth:`connect` agrees on, as an answer says it: "", or permessage-deflate with any parameters
    application  "sink" sends what :meth:`ask` is told to; "echo" sends each message back, and nothing else
    limit        octets of the largest message that the endpoint takes, None where it may refuse any (section 10.4)
    profile      "interop", or "letter" where rules that only implementations agree on do not bind
    strict       whether a SHOULD that was not followed fails too
    known        ids of rules that the endpoint is known not to follow: they are passed over
    """

    role: ClassVar[Role | Literal["server", "client"]] = "server"
    extensions: ClassVar[str] = ""
    application: ClassVar[Application] = "sink"
    limit: ClassVar[int | None] = None
    profile: ClassVar[Profile] = "interop"
    strict: ClassVar[bool] = False
    known: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def connect(self) -> None:
        """Begin a fresh connection, its opening handshake over, with the ``extensions`` agreed on."""

    @abstractmethod
    def receive(self, octets: bytes) -> bytes:
        """Octets arrive (``b""``: the end of TCP); what the endpoint writes, its application's echoes included."""

    @abstractmethod
    def ask(self, request: Asks) -> bytes | None:
        """The application asks for a frame or a Close; what the endpoint writes, or None where it refuses.

        ``request.what`` is ``text``, ``binary``, ``continuation``, ``ping``, ``pong`` or ``close``, with ``payload``
        and ``fin``, or with ``code`` (None: no body) and ``reason``.
        """

    def has_closed(self) -> bool:
        """Whether the endpoint has ended its side of TCP. Override it where that can be told."""
        return False

    def __init__(self) -> None:
        super().__init__()
        self._oracle = OnlineOracle(
            self.role, application=self.application, opening=False, extensions=self.extensions, limit=self.limit,
            profile=self.profile,
        )  # fmt: skip
        self._agreed = agreed_state(Role(self.role), self.extensions) or State()
        self._assembly = Assembly(Role(self.role), takeover=self._agreed.recv_takeover)
        self._tcp_ended = self._tcp_closed = self._explained = False
        self.connect()
        self._explained = True

    @rule(item=st.runner().flatmap(_items))
    def step(self, item: TraceItem | DrawnMessage) -> None:
        """One more frame or message, request of the application or end of TCP."""
        for part in self._assembly.add(item):
            self._give(part)

    def teardown(self) -> None:
        """What is left is given, and then the endpoint owes nothing."""
        for part in self._assembly.rest():
            self._give(part)
        self._oracle.observe(Quiet())
        self._check()

    def _give(self, part: Part) -> None:
        if self._tcp_ended and not isinstance(part, Asks):
            return
        if isinstance(part, Asks):
            if self.application == "echo":
                return
            written = self.ask(part)
            if written is None:
                return
        else:
            self._tcp_ended = isinstance(part, ArrivesEof)
            written = self.receive(part.octets if isinstance(part, Arrives) else b"")
        self._oracle.observe(part)
        if written:
            self._oracle.observe(Writes(written))
        if self.has_closed() and not self._tcp_closed:
            self._tcp_closed = True
            self._oracle.observe(ClosesTcp())
        self._oracle.observe(Processed())
        if self._explained and not self._oracle.explains():
            self._explained = False
            self._check()

    def _check(self) -> None:
        if self._oracle.explains():
            return
        judgement = self._oracle.judgement()
        if self._is_failure(judgement):
            raise AssertionError("\n".join(lines_of(judgement, self._oracle.trace)))

    def _is_failure(self, judgement: Judgement) -> bool:
        doubtful = frozenset(judgement.one_of)  # one of these was not followed, and it cannot be told which
        certain = frozenset(judgement.rules) - doubtful
        if (certain or doubtful) and certain <= self.known and (not doubtful or doubtful & self.known):
            return False
        return judgement.verdict is Verdict.FAILED or (self.strict and judgement.verdict is Verdict.NON_STRICT)
