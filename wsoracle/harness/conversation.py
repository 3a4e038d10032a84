"""One case on one connection to a server: what the tester does, and when it goes on.

Theory of operation. The tester is the peer of the endpoint under test. It writes the stimulus of the case and waits for
the units that a conforming endpoint sends for it (`answers`), for the failure of the connection, or for its end. Where
no answer is to be expected, a Ping of the tester's own is a barrier: its Pong says that the endpoint has taken in
everything before it. A timer decides silence and nothing else, and waits in vain take no more than `patience` in all
(and `closing` more on a server that has sent its Close and is slow to end TCP: the RFC gives no time for that).

At the end the tester closes the connection as section 7 says, where the endpoint has left it open: a Close, the answer,
and the end of TCP, which a server brings about. How it deals with a client under test stands in `client_conversation`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.compression import Agreement, agreement
from wsoracle.generators.cases.steps import (
    EndSending,
    SendFrame,
    SendHead,
    SendOctets,
    Settle,
    for_server,
    request_to,
    runs,
)
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import CLOSE, NORMAL, PING, PONG, Role, is_control

from ..expected.stored import answers_to
from .connection import Connection
from .manners import MOST_INTERIMS, Manners, most_frames, patience_with
from .sending import Sender
from .transcript import BARRIER, Transcript

Condition = Callable[[], bool]


class Conversation:
    """A case on a connection to a server, in one run. `role` is that of the endpoint under test.

    After :meth:`run`: `connection.log` is what happened; `opened` whether the opening handshake was completed; `silent`
    whether the tester found silence; `notes` other remarks; `left` how many steps were not done, because the endpoint
    had ended the connection. `others` says whether there were other conversations when this one began, `died` that it
    killed the endpoint, `asked_next` that a client has sent its next request on the TCP connection of a refused opening
    handshake, which is left open for that. `heard` is called once, when the endpoint has sent something.
    """

    role: ClassVar[Role] = Role.SERVER

    def __init__(
        self, case: Case, connection: Connection, manners: Manners, *, uri: WebSocketUri | None = None
    ) -> None:
        self.case: Final = case
        self.connection: Final = connection
        self.uri: Final = uri
        self.request: Request | None = None
        self.opened = False
        self.silent = False
        self.timed_out = False
        self.seconds = 0.0
        self.not_run = False
        self.others = False
        self.died = False
        self.asked_next = False
        self.heard: Callable[[], None] | None = None
        self.notes: Final[list[str]] = []
        self.first_close: Role | None = None
        self.left = 0
        self.agreed: Agreement | None = None
        self._received: Final = connection.units
        self._sender: Final = Sender(connection, self.role, f"{manners.seed}/{case.id}/{self.role.value}")
        self._manners: Final = manners
        self._answers = answers_to(case, self.role)
        self._patience = self._most_patience = patience_with(case, manners)
        self._barriers = 0
        self._refused = False
        self._interims = 0
        self._expects_failure = False
        self._most_frames: Final = most_frames(case)

    async def run(self) -> None:
        """Hold the conversation, within the time of the case, and close the connection. No peer makes it raise."""
        try:
            async with asyncio.timeout(self._manners.time_for(self.case)):
                await self._talk()
        except TimeoutError:
            self.timed_out = True
            self.notes.append(f"the case took longer than {self._manners.time_for(self.case):g} s")
        finally:
            if not self.asked_next:
                self.connection.abort()
        if not self.asked_next:
            await self.connection.gone()
        self.seconds = self.connection.now
        self._take()
        if self.connection.flooded:
            self.notes.append(f"it sent {self.connection.received} octets and went on: the tester read no further")

    @property
    def broken_off(self) -> bool:
        """Whether the tester broke off: no connection, too much time, or too many octets."""
        return self.not_run or self.timed_out or self.connection.flooded

    def transcript(self) -> Transcript:
        """All that is needed to judge and record the conversation in another process."""
        return Transcript(
            self.case,
            self.role,
            self.uri,
            list(self.connection.log),
            self.connection.closed_by_peer,
            self.opened,
            self.broken_off,
            self.notes,
            self._sender.close,
            self.first_close,
            self._sender.frames,
            self.left,
            max(0, self._answers.messages - self._received.messages),
            min(self._answers.messages, self._received.messages),
            self.not_run,
            self.died,
            self.agreed,
            self.lacks_extension,
        )

    def leave_out(self, why: str) -> None:
        """Do not hold this conversation: it proves nothing."""
        self.not_run = True
        self.notes.append(why)

    @property
    def asks_aloud(self) -> bool:
        """Whether the case sends a message that is not empty, and that is to be answered."""
        asked = (action for action in self.case.actions if isinstance(action, SendFrame) and action.size)
        return self._answers.messages > 0 and any(not is_control(action.frame.opcode) for action in asked)

    @property
    def left_open(self) -> bool | None:
        """Whether a server left TCP open after both had sent a Close; None where it did not come to that."""
        if self._received.close is None or self._sender.close is None:
            return None
        return self.silent

    @property
    def said_nothing(self) -> bool:
        """Whether the endpoint sent nothing, an answer to the opening handshake aside."""
        return not self._received.frames and not self._received.inside

    # --- the parts ----------------------------------------------------------------------------------------------------

    @property
    def _is_over(self) -> bool:
        """Whether nothing more will come from the endpoint in this case."""
        return self.connection.ended or self.asked_next

    async def _talk(self) -> None:
        if not self.case.opening and not await self._open():
            return
        # Without the extension that a case is about, nothing of it is sent.
        actions = () if self.lacks_extension else tuple(runs(self.case.actions))
        for number, (action, times) in enumerate(actions):
            if self.case.opening and self.lacks_extension:
                break
            if self._is_over or not self.connection.can_write or self.silent or self._received.close is not None:
                self.left = sum(times for _, times in actions[number:])
                break
            if isinstance(action, SendFrame):
                self._answers.sent(self._sender.frame(action, times), times)
                self._note_close()
            else:
                for _ in range(times):
                    await self._do(action)
        self._sender.flush()
        await self._finish()

    @property
    def lacks_extension(self) -> bool:
        """Whether the connection was opened without the extension that the case is about."""
        return self.case.needs_extension and self.opened and self.agreed is None

    async def _open(self) -> bool:
        """The opening handshake of a case about later frames. Whether it was completed."""
        greeting, compression = self._manners.greeting, self.case.compression
        assert self.uri is not None
        if compression is not None:
            greeting = replace(greeting, extensions=compression.offer)
        self.request = request_to(self.uri, greeting, self._sender.nonce())
        self.connection.write(self.request.octets())
        waits, begun = self._most_patience, self.connection.now
        if self._manners.opening is not None:
            self._patience = self._most_patience = max(waits, self._manners.opening)
        if not await self._until(self._has_final_head):
            return False
        slower = self._manners.for_pace(self.connection.now - begun).patience - self._manners.patience
        self._patience = self._most_patience = waits + slower
        self.opened = self._received.response is not None and self._received.response.status == 101
        if not self.opened:
            await self._end()
            return False
        assert self._received.response is not None
        self._agree(self._received.response)
        self._begin_frames()
        return True

    def _begin_frames(self) -> None:
        self._received.begin_frames()
        self._take()

    def _agree(self, answer: Response) -> None:
        """Note what was agreed on for compressed messages, in a case that may have some."""
        compression = self.case.compression
        if compression is not None or self.case.opening:
            self.agreed = agreement(answer, self.role)
        if self.agreed is None:
            return
        if compression is not None and self.case.compresses:
            self._sender.compress(self.agreed, compression.fragment)
        else:
            self._answers = answers_to(self.case, self.role, self.agreed)

    async def _do(self, action: SendOctets | SendHead | Settle | EndSending) -> None:
        self._sender.flush()
        if isinstance(action, SendOctets):
            octets = self._sender.octets(action)
            if self.opened:
                self._answers.sent(octets)
        elif isinstance(action, SendHead):
            await self._send_head(action)
        elif isinstance(action, Settle):
            await self._settle()
        else:
            self.connection.end_sending()

    def _note_close(self) -> None:
        """Note whose Close was the first."""
        if self.first_close is None:
            if self._sender.close is not None:
                self.first_close = self.role.peer
            elif self._received.close is not None:
                self.first_close = self.role

    async def _send_head(self, action: SendHead) -> None:
        assert self.uri is not None
        self.connection.write(for_server(action.octets, self.uri, self._manners.greeting))

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def _until(self, done: Condition, most: float | None = None) -> bool:
        """Wait for a condition, or for silence as long as there is patience (``most`` seconds at most)."""
        silence = self._patience if most is None else min(most, self._patience)
        waiting_since = self.connection.now

        def is_done() -> bool:
            self._take()
            return self.asked_next or done()

        found = await self.connection.wait(is_done, silence)
        if found:
            self._patience = self._most_patience  # the endpoint was slow, and not silent
        elif not self._is_over:
            self._patience = max(0.0, self._patience - min(silence, self.connection.now - waiting_since))
            if self._patience <= 0.001 and most is None:
                self.silent = True
                self.connection.silence(self._most_patience)
        return found

    def _take(self) -> None:
        """Take in the octets that have come, and answer Pings."""
        received = self._received
        self.connection.take()
        if self.heard is not None and self.connection.received:
            self.heard()
            self.heard = None
        # Section 5.5.3: "it MAY elect to send a Pong frame for only the most recently processed Ping frame."
        if received.ping is not None and len(received.ping) <= 125 and self._can_ping():
            self._sender.control(PONG, received.ping)
        received.ping = None
        self._note_close()
        if received.frames.total() > self._most_frames and not self.connection.flooded:
            self.connection.flooded = True
            self.connection.abort()

    def _has_final_head(self) -> bool:
        """Whether the answer to the request is there; interim ones are passed over."""
        while (response := self._received.response) is not None and _is_interim(response):
            self._interims += 1
            if self._interims > MOST_INTERIMS:
                self.connection.flooded = True
                self.connection.abort()
                return False
            self._received.begin_head()
            self._take()
        return self._received.head is not None

    def _caught_up(self) -> bool:
        """Whether the endpoint has sent all that it owes so far, or has ended the connection."""
        if self._received.close is not None:
            return True
        if self.case.opening and self.role is Role.SERVER and not self.opened:
            return self._has_final_head()
        answers = self._answers
        if answers.failed or answers.got_close or self._expects_failure:
            return False
        return self._received.messages >= answers.messages and self._pongs() >= answers.pongs

    def _goes_on(self) -> bool:
        """Whether the endpoint has answered more than one that fails the connection does."""
        return self._received.messages > self._answers.messages or self._pongs() > self._answers.pongs

    def _pongs(self) -> int:
        """The number of Pongs for Pings of the case."""
        if self._sender.pings is not None:
            return sum(pong in self._sender.pings for pong in self._received.pongs)
        own = sum(pong == BARRIER for pong in self._received.pongs) if self._barriers else 0
        return len(self._received.pongs) - own

    async def _settle(self, *, at_end: bool = False) -> None:
        """Wait until the endpoint has taken in everything, as far as the tester can know."""
        # Where more of the stimulus follows a fault, the endpoint need not notice it before that.
        early = self._answers.failed and not at_end
        most = self._manners.glimpse if early else self._manners.grace
        if await self._until(self._caught_up, most) or self._is_over:
            self._note_opening()
            return
        if self._answers.failed:
            # No Ping: an endpoint that is slow to notice the fault would seem to go on after it.
            if at_end:
                await self._see_failure()
            return
        # An endpoint that owes a message gets time: its application may be slower than its Pong.
        if self._can_ping() and self._received.messages >= self._answers.messages:
            await self._until_pong()
        else:
            await self._until(self._caught_up)
        self._note_opening()

    async def _see_failure(self) -> None:
        """Wait for an endpoint that has to fail the connection."""
        await self._until(self._shows_failure)

    def _shows_failure(self) -> bool:
        """Whether the endpoint has failed the connection, or has gone on in spite of the fault."""
        return self._caught_up() or self._goes_on()

    async def _until_pong(self) -> None:
        """Send a Ping, and wait for its Pong or for all that is owed."""
        before = len(self._received.pongs)
        self._barriers += 1
        self._sender.control(PING, BARRIER)
        await self._until(lambda: self._caught_up() or BARRIER in self._received.pongs[before:])

    def _note_opening(self) -> None:
        """In a case about the opening handshake: note whether the server has opened the connection."""
        response = self._received.response
        if self.case.opening and self.role is Role.SERVER and not self.opened and response is not None:
            self.opened = response.status == 101
            self._refused = not self.opened
            if self.opened:
                self._agree(response)
                self._begin_frames()

    def _can_ping(self) -> bool:
        return self._may_be_open and self._can_close()

    def _can_close(self) -> bool:
        return self._sender.close is None and self._sender.at_boundary and self.connection.can_write

    @property
    def _may_be_open(self) -> bool:
        """Whether the endpoint may think that the connection is open."""
        return self.opened or self._expects_failure

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        if not self.silent:
            await self._settle(at_end=True)
        if self._is_over or self.silent:
            return
        if self._refused or not self._may_be_open:
            await self._end_unopened()
            return
        if self._can_close():
            code = self._received.close[:2] if self._received.close is not None else NORMAL.to_bytes(2, "big")
            self._sender.control(CLOSE, code)
            self._note_close()
        await self._until(lambda: self._received.close is not None)
        await self._end()

    async def _end_unopened(self) -> None:
        """The end of a connection that was not opened."""
        await self._end()

    async def _end(self) -> None:
        """The end of TCP, which a server brings about."""
        if self._received.close is not None and self._sender.close is not None:
            if self._manners.hurried:
                self._patience = self._most_patience = self._manners.patience / 4
            else:
                self._patience += self._manners.patience_for_tcp
                self._most_patience += self._manners.patience_for_tcp
            await self._until(lambda: False)


def _is_interim(response: Response) -> bool:
    """Whether a response is an interim one (RFC 9110, section 15.2); 101 is not."""
    return 100 <= response.status < 200 and response.status != 101
