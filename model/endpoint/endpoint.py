"""An endpoint of a connection, without input or output: octets in, events and octets out.

Theory of operation. The endpoint knows how frames are written and how messages are put together; it knows no rule. It
begins after the opening handshake, or (``opening``) with its first octet: then heads of HTTP, which
``model.endpoint.handshake`` reads and writes, come before frames; one state and one rule set go from end to end. Each
head and frame that it receives or wants to send is shown to the rules as an event, and of what they allow the
canonical outcome is chosen: the strictest. Rows of kind SILENCE say what it owes in its state and sends by itself:
Pong, Close, an echo, its part of the opening handshake. A failure is noticed as soon as nothing can avert it any
more: at the header where the payload does not matter, in mid-payload where text can no longer become valid, and
wherever the cuts between chunks fall.

After it has sent a Close, the endpoint sends nothing more of its own accord, unless a switch makes it owe something.

Use: hand what arrives to :meth:`Endpoint.receive` (:meth:`~Endpoint.receive_eof` at its end) and look at the events;
write what :meth:`~Endpoint.octets_to_send` gives; where :attr:`~Endpoint.wants_tcp_close`, close TCP and say so with
:meth:`~Endpoint.close_tcp`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from ..facts.frames import echoes_code, facts_of_header, facts_on_wire, text_before
from ..machine.interpreted import Kind, Outcome
from ..notation.rule import Due, Rule, RuleSet
from ..notation.switches import Switches
from ..notation.variables import CONNECTING, HANDSHAKE, NO_CODE, Event, EventKind, FrameFacts, Setting, State
from ..octets import utf8
from ..octets.frames import Header, decode_header, encode_header, minimal_form
from ..octets.masking import mask
from ..octets.masking_keys import CountedKeys, KeySource
from ..octets.partial_frame import UnfinishedFrame
from ..octets.vocabulary import BINARY, CLOSE, CONTINUATION, DEFAULT_LIMIT, PING, PONG, TEXT, Role, is_control
from ..rules import RULES
from .engine import EngineName, engine_for
from .events import CLOSED_CLEANLY, CLOSED_NOT_CLEANLY, OPCODES, PING_RECEIVED, Closed, EndpointEvent, Failed, event_of
from .extension import Extension, claiming
from .extensions_in_use import ExtensionsInUse
from .handshake import Opening, OpeningSide

OnOutcome = Callable[[Event, Outcome], None]
"""Is told of each event that was judged, and of the outcome that was chosen."""

_RECEIVE, _SEND, _FAIL, _ACCEPT = EventKind.RECEIVE, EventKind.SEND, Kind.FAIL, Kind.ACCEPT
"""What every frame asks for; to look a member of an enumeration up takes as long as a call."""

_CLOSED: Final = {CLOSED_CLEANLY: True, CLOSED_NOT_CLEANLY: False}
_REFUSED: Final = HANDSHAKE.index("refused")


class Refused(Exception):
    """The rules do not allow what the application asked for; ``rules`` forbid it, the strongest first."""

    def __init__(self, what: str, rules: Sequence[Rule]) -> None:
        self.rules: Final = tuple(rules)
        because = "; ".join(f"{rule.id}: {rule.quote}" for rule in rules) or "no rule permits it"
        super().__init__(f"{what}: {because}")


class Endpoint:
    """One end of a connection.

    ``limit`` is in octets of a message. With ``echo`` the endpoint also is the application that answers each message
    with itself. ``mask_key`` gives masking keys to a client; the default is for tests only (:class:`CountedKeys`).
    ``rules`` may be any rule set; ``engine`` says how they are evaluated, which changes the speed and nothing else.
    ``observe`` is called with each judged event. ``extensions`` are the
    negotiated ones, in the order in which a message to be sent passes through them.

    With ``opening`` (a ``ServerOpening`` or a ``ClientOpening``) the TCP connection is new: the opening handshake comes
    first, and negotiates the extensions. A client's request is there to be written at once; :class:`Refused` is raised
    where the rules do not allow it. Raises :class:`ValueError` where the opening is for the other role.
    """

    def __init__(
        self,
        role: Role,
        *,
        limit: int = DEFAULT_LIMIT,
        switches: Switches | None = None,
        echo: bool = False,
        mask_key: KeySource | None = None,
        rules: RuleSet = RULES,
        engine: EngineName = "compiled",
        extensions: Sequence[Extension] = (),
        observe: OnOutcome | None = None,
        opening: Opening | None = None,
    ) -> None:
        if opening is not None and (opening.role is not Role(role) or extensions):
            raise ValueError(f"the opening is that of a {opening.role.value}, and negotiates the extensions")
        willing = opening is not None and opening.willing
        chosen = Switches() if switches is None else switches
        self.setting: Final = Setting(Role(role), limit, echo, chosen, willing=willing)
        self._engine: Final = engine_for(rules, self.setting, engine)
        self._machine: Final = self._engine.machine
        self._observe: Final = observe
        self._key: Final = CountedKeys() if mask_key is None else mask_key
        self._extensions = ExtensionsInUse(extensions, limit)
        self._opening: OpeningSide | None = None if opening is None else opening.begin()

        self._state = CONNECTING
        if opening is None:
            opened, deflate = claiming(extensions), self._extensions.deflate
            self._state = opened if deflate is None else deflate.agreed_in(opened)
        self._settled: State | None = None  # a state in which all was sent that is owed and may be sent
        self._listens = self._engine.listens(self._state)
        self._events: list[EndpointEvent] = []
        self._out: list[bytes] = []
        self._told_closed = False

        self._rest = b""  # the beginning of a header
        self._frame: UnfinishedFrame | None = None  # the frame whose payload is not complete
        self._message = bytearray()  # the fragments received so far
        self._ping = b""  # the payload of the latest Ping
        self._replies: deque[tuple[int, bytes]] = deque()  # messages to be echoed, with their opcodes
        if opening is not None:
            self._settle()

    # --- what there is to see -----------------------------------------------------------------------------------------

    @property
    def role(self) -> Role:
        """Which end this is."""
        return self.setting.role

    @property
    def state(self) -> State:
        """The state as rules see it."""
        return self._state

    @property
    def wants_tcp_close(self) -> bool:
        """Whether TCP is to be closed; what :meth:`octets_to_send` gives is to be written before.

        It is where the rules say that it is owed; and, where they ask for nothing, after an opening handshake that was
        refused or failed, and after the peer's end of TCP: nothing more is read.
        """
        state = self._state
        if state.handshake == _REFUSED or (state.handshake and state.failed) or not state.peer_open:
            return state.tcp_open
        return any(due is Due.TCP_CLOSE for due, _ in self._machine.owed(self._state))

    @property
    def held(self) -> int:
        """Octets received and kept: of a head, a frame or a message that is not complete, or of echoes that wait."""
        unfinished = len(self._frame.payload) if self._frame is not None else 0
        if self._opening is not None:
            unfinished += self._opening.held
        return len(self._rest) + unfinished + len(self._message) + sum(len(data) for _, data in self._replies)

    def octets_to_send(self) -> bytes:
        """The octets to write to TCP; each is given once."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    # --- receiving ----------------------------------------------------------------------------------------------------

    def receive(self, octets: bytes | bytearray | memoryview) -> list[EndpointEvent]:
        """Take octets in a chunk of any size; what they tell the application. No octets make it raise."""
        data = bytes(octets)
        if self._opening is not None:
            data = self._open(self._opening, data)
            if self._opening is not None:
                return self._told()
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at = 0
        while self._listens:
            if self._frame is not None:
                at = self._read_payload(self._frame, data, at)
                if self._frame is not None:
                    break
                continue
            found = decode_header(data, at)
            if found is None:
                self._rest = data[at:]
                break
            header, at = found
            end = at + header.length
            if end <= len(data):
                payload = data[at:end]
                self._judge(header, payload if header.key is None else mask(payload, header.key))
                at = end
            else:
                self._begin(header)
        events, self._events = self._events, []
        return events

    def receive_eof(self) -> list[EndpointEvent]:
        """The other side ended its direction of TCP, or TCP is lost; what that tells the application."""
        event = Event(EventKind.RECEIVE_EOF)
        outcome = self._machine.canonical(self._state, event)
        if outcome is None:
            return []
        self._enter(event, outcome)
        self._tell_closed(outcome, outcome.rules)
        self._settle()
        return self._told()

    def _told(self) -> list[EndpointEvent]:
        events, self._events = self._events, []
        return events

    def _open(self, opening: OpeningSide, octets: bytes) -> bytes:
        """Take octets of the opening handshake; those after it, where they complete it."""
        while self._opening is not None and self._state.peer_open:
            head = opening.read(octets)
            if head is None:
                return b""
            octets = head.rest
            event = Event.of(opening.receives, head.facts)
            outcomes = self._machine.allowed(self._state, event)
            if outcomes:
                outcome = opening.choose(outcomes)
                self._events += opening.received(outcome)
                self._enter(event, outcome)
                self._settle()
        return octets

    def _begin(self, header: Header) -> None:
        """The header of a frame is complete, and its payload is not: decide now, or be ready for the payload."""
        seen = facts_of_header(header)
        outcome = self._engine.sure_failure(self._state, seen)
        if outcome is not None or not self._engine.reads(self._state, seen):
            self._frame = UnfinishedFrame(header, keep=False)
            event = Event(_RECEIVE, seen)
            self._conclude(event, outcome or self._machine.canonical(self._state, event), b"")
            return
        transformed = self._transforms(header)
        before = text_before(header.opcode, self._state, _RECEIVE)
        self._frame = UnfinishedFrame(header, text=None if transformed else before, transformed=transformed)

    def _read_payload(self, frame: UnfinishedFrame, data: bytes, at: int) -> int:
        """Take octets of the payload from offset `at`; the offset after them. Judges the frame where it may."""
        end = frame.take(data, at)
        if frame.left == 0:
            self._frame = None
            if frame.keep:
                self._judge(frame.header, bytes(frame.payload), frame.transformed)
        elif frame.text == utf8.REJECT:
            frame.text = None
            self._reject_text(frame)
        return end

    def _reject_text(self, frame: UnfinishedFrame) -> None:
        """The text of a frame can no longer become valid; fail if that need not wait for the rest of the frame."""
        seen = facts_of_header(frame.header)._replace(utf8_next=utf8.REJECT)
        # The fail-fast rules apply to the octets so far, taken as a fragment.
        early = self._machine.canonical(self._state, Event(_RECEIVE, seen._replace(fin=False)))
        event = Event(_RECEIVE, seen)
        outcome = self._machine.canonical(self._state, event)
        if early is not None and outcome is not None and _fails(early) and _fails(outcome):
            frame.drop()
            self._conclude(event, outcome, b"")

    def _judge(self, header: Header, payload: bytes, transformed: bool | None = None) -> None:
        """A frame is complete; its payload is unmasked. ``transformed`` is None if the extensions were not asked
        yet."""
        state, extensions, outcome, decoded = self._state, self._extensions, None, False
        if extensions.all and not is_control(header.opcode):
            outcome = self._engine.sure_failure(state, facts_of_header(header))
            decoded = outcome is None and (self._transforms(header) if transformed is None else transformed)
            payload = extensions.decoded(payload, header.fin) if decoded else payload
        seen = facts_on_wire(header, payload, text_before(header.opcode, state, _RECEIVE))
        if decoded:
            seen = extensions.inflating(seen)
        event = Event(_RECEIVE, seen)
        outcome = outcome or self._machine.canonical(state, event)
        if outcome is not None and _fails(outcome):
            # Had the payload come later, this is what would have failed: chunks make no difference.
            outcome = self._engine.sure_failure(state, facts_of_header(header)) or outcome
        self._conclude(event, outcome, payload)

    def _transforms(self, header: Header) -> bool:
        return self._extensions.transform_received(header, goes_on=self._state.recv_type != 0)

    def _conclude(self, event: Event, outcome: Outcome | None, payload: bytes) -> None:
        """Let the outcome of a received frame happen; None, where a faulty rule set has none, is to ignore it."""
        frame = event.frame
        if outcome is None or frame is None:
            return
        label = outcome.label
        if label.kind is _FAIL:
            self._events.append(Failed(label.code or 0, outcome.rules))
        elif label.kind is _ACCEPT:
            if not is_control(frame.opcode):
                payload = self._assemble(frame, payload)
            if label.delivers is not None:
                self._tell(label.delivers, frame, payload, outcome)
        self._enter(event, outcome)
        self._settle()

    def _assemble(self, frame: FrameFacts, payload: bytes) -> bytes:
        """The message as far as it has come, a data frame added."""
        if frame.opcode != CONTINUATION:
            self._message.clear()
            if frame.fin:
                return payload
        self._message += payload
        return bytes(self._message) if frame.fin else b""

    def _tell(self, delivers: str, frame: FrameFacts, payload: bytes, outcome: Outcome) -> None:
        self._events.append(event_of(delivers, payload, frame.code, outcome.rules))
        if delivers == PING_RECEIVED:
            self._ping = payload
        elif delivers in OPCODES and outcome.state.reply_due:
            self._replies.append((OPCODES[delivers], payload))

    def _tell_closed(self, ending: Outcome, rules: tuple[str, ...]) -> None:
        if ending.label.delivers in _CLOSED and not self._told_closed:
            self._told_closed = True
            self._events.append(Closed(self._state.close_code, _CLOSED[ending.label.delivers], rules))

    def _enter(self, event: Event, outcome: Outcome) -> None:
        """Go to the state of an outcome, and let go of what is of no use in it."""
        if self._observe is not None:
            self._observe(event, outcome)
        state = outcome.state
        if state is self._state or state == self._state:  # The first is quick, and what most frames come to.
            return
        self._state = state
        if self._opening is not None:
            self._go_on(self._opening)
        self._listens = self._engine.listens(state)
        if not self._listens:
            self._rest, self._frame = b"", None
        if not state.recv_type:
            self._message.clear()
        if not state.reply_due:
            self._replies.clear()

    def _go_on(self, opening: OpeningSide) -> None:
        """Frames follow an opening handshake that is complete, nothing one that cannot become so."""
        if not self._state.handshake:
            self._extensions = ExtensionsInUse(opening.extensions, self.setting.limit)
            self._opening = None
        elif not self._state.peer_open:
            opening.stop()

    # --- sending ------------------------------------------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        """Send a text message in one frame. Raises :class:`Refused` (as all that sends), among others where the text
        has no UTF-8 form (a lone surrogate)."""
        self._send("send text", TEXT, _encoded(text))

    def send_binary(self, data: bytes) -> None:
        """Send a binary message in one frame."""
        self._send("send binary data", BINARY, bytes(data))

    def send_fragment(self, data: str | bytes, *, last: bool = False, text: bool | None = None) -> None:
        """Send the next fragment of a message, or the first one where none is under way.

        The first one decides the type: ``text``, or what ``data`` is. Fragments of text may be given as octets of UTF-8
        too, cut anywhere.
        """
        octets = _encoded(data) if isinstance(data, str) else bytes(data)
        opcode = CONTINUATION
        if not self._state.send_type:
            opcode = TEXT if (isinstance(data, str) if text is None else text) else BINARY
        self._send("send a fragment", opcode, octets, fin=last)

    def ping(self, payload: bytes = b"") -> None:
        """Send a Ping."""
        self._send("send a Ping", PING, bytes(payload))

    def pong(self, payload: bytes = b"") -> None:
        """Send an unsolicited Pong; the endpoint sends the Pongs that it owes by itself."""
        self._send("send a Pong", PONG, bytes(payload))

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a Close: with a code of 16 bits and perhaps a reason, or (None) with an empty body."""
        if code is None and reason:
            raise ValueError("a reason needs a code: the body of a Close begins with one (section 5.5.1)")
        if code is not None and not 0 <= code <= 0xFFFF:
            raise ValueError(f"a close code has 16 bits: {code}")
        self._send("send a Close", CLOSE, b"" if code is None else code.to_bytes(2, "big") + _encoded(reason))

    def close_tcp(self, *, anyway: bool = False) -> list[EndpointEvent]:
        """This endpoint closes TCP; what that tells the application. Nothing may be sent after it.

        Raises :class:`Refused` where the rules do not allow it. With ``anyway`` only a MUST refuses: for a client that
        waited long enough, or an endpoint under attack.
        """
        event = Event(EventKind.CLOSE_TCP)
        outcomes = self._machine.allowed(self._state, event, departures=anyway)
        if not outcomes:
            raise Refused("close TCP", self._machine.forbidden_by(self._state, event))
        # The end of TCP means the same in this state, whichever side closed it.
        ending = self._machine.canonical(self._state._replace(peer_open=True), Event(EventKind.RECEIVE_EOF))
        self._enter(event, outcomes[0])
        if ending is not None:
            self._tell_closed(ending, outcomes[0].rules)
        return self._told()

    def _send(self, what: str, opcode: int, octets: bytes, *, fin: bool = True) -> None:
        refusals = self._try_to_send(opcode, octets, fin=fin)
        if refusals is not None:
            raise Refused(what, refusals)
        self._settle()

    def _try_to_send(
        self, opcode: int, octets: bytes, *, fin: bool = True, answers: bool = False
    ) -> tuple[Rule, ...] | None:
        """Send a frame, if the rules allow it: None; else the rules that forbid it."""
        answers = answers or (opcode == PONG and octets == self._ping) or echoes_code(opcode, octets, self._state)
        bits = self._extensions.first_bits(opcode, goes_on=self._state.send_type != 0)
        event = self._sending(opcode, octets, len(octets), bits, fin=fin, answers=answers)
        outcome = self._machine.canonical(self._state, event)
        if outcome is None:
            return self._machine.forbidden_by(self._state, event)
        payload = octets
        if self._extensions.transform_sent and not is_control(opcode):
            # Only now, since an extension goes on from what it has seen; and the length may have become another.
            payload = self._extensions.encoded(octets, fin)
            event = self._sending(opcode, octets, len(payload), bits, fin=fin, answers=answers)
            outcome = self._machine.canonical(self._state, event)
            if outcome is None:
                return self._machine.forbidden_by(self._state, event)
        key = self._key() if self._engine.masks else None
        header = encode_header(opcode, len(payload), fin=fin, rsv1=1 in bits, rsv2=2 in bits, rsv3=3 in bits, key=key)
        self._out.append(header + (payload if key is None else mask(payload, key)))
        if event.frame is not None and not is_control(opcode):
            self._extensions.was_sent(event.frame)
        self._enter(event, outcome)
        return None

    def _sending(
        self, opcode: int, octets: bytes, length: int, bits: frozenset[int], *, fin: bool, answers: bool
    ) -> Event:
        """The event of sending a frame of that length that carries these octets of the application."""
        masked = self._engine.masks
        header = Header(opcode, fin, 1 in bits, 2 in bits, 3 in bits, masked, minimal_form(length), length, None)
        before = text_before(opcode, self._state, _SEND)
        facts = facts_on_wire(header, octets, before, answers=answers)
        compressed = 1 in bits or (opcode == CONTINUATION and self._state.send_compressed)
        if compressed and self._extensions.deflate is not None:
            facts = self._extensions.deflating(facts, octets)
        return Event(_SEND, facts)

    # --- what is owed -------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Send what is owed, in order, as far as the rules let it be sent now."""
        if self._state is self._settled:
            return
        tried: set[Due] = set()
        while True:
            dues = [due for due, _ in self._machine.owed(self._state) if due not in tried]
            if not dues:
                self._settled = self._state
                return
            due = dues[0]
            sent = self._discharge(due)
            if not (sent and due is Due.REPLY):
                # Once each is enough; more than once would be forever, if a faulty rule set keeps it owed.
                tried.add(due)

    def _discharge(self, due: Due) -> bool:
        """Send one thing that is owed; whether that was possible. The owner of TCP closes it."""
        if due in (Due.REQUEST, Due.RESPONSE):
            return self._opening is not None and self._send_head(self._opening)
        if due is Due.PONG:
            return self._try_to_send(PONG, self._ping, answers=True) is None
        if due is Due.CLOSE:
            code = self._state.fail_code if self._state.failed else self._state.close_code
            bodies = (b"",) if code == NO_CODE else (code.to_bytes(2, "big"), b"")
            return any(self._try_to_send(CLOSE, body) is None for body in bodies)
        if due is Due.REPLY and self._replies:
            opcode, octets = self._replies[0]
            if self._try_to_send(opcode, octets, answers=len(self._replies) == 1) is None:
                if self._replies:
                    self._replies.popleft()
                return True
        return False

    def _send_head(self, opening: OpeningSide) -> bool:
        """Send the first available head that the rules allow; whether there was one.

        Raises :class:`Refused` where they do not allow the application's head, after another one was sent.
        """
        refused: Refused | None = None
        sent = False
        for head in opening.to_send():
            event = Event.of(opening.sends, head.facts)
            outcome = self._machine.canonical(self._state, event)
            if outcome is None:
                if head.asked:
                    refused = Refused(f"send {head.head}", self._machine.forbidden_by(self._state, event))
                continue
            self._out.append(head.octets)
            self._events += opening.sent(head, outcome)
            self._enter(event, outcome)
            sent = True
            break
        if refused is not None:
            raise refused
        return sent


def _fails(outcome: Outcome) -> bool:
    return outcome.label.kind is _FAIL


def _encoded(text: str) -> bytes:
    """UTF-8; lone surrogates, which have none, come out as octets that rules will refuse."""
    return text.encode("utf-8", "surrogatepass")
