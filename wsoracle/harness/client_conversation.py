"""One case on one connection to a client under test: where the tester does otherwise than with a server.

The client opens the connection, and waits for the tester's end of TCP. By section 7.1.7 it need not show that it fails
the connection, and by section 4.1 it may send another request where its opening handshake was refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final, Literal

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.compression import FIELD, offers_of, response_in
from wsoracle.generators.cases.steps import SendHead, answer_to, with_accept
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request
from wsoracle.model.octets.vocabulary import Role

from .connection import Connection
from .conversation import Conversation
from .manners import Manners

FAILED_HANDSHAKE: Final = 5.0
"""Seconds that a client has at least to end the connection of a failed opening handshake."""


class ClientConversation(Conversation):
    """A case on a connection from a client, in one run."""

    role: ClassVar[Role] = Role.CLIENT

    def __init__(self, case: Case, connection: Connection, manners: Manners) -> None:
        super().__init__(case, connection, manners)
        self._may_ask_next = False

    def _request(self) -> Request | None:
        """The request of the client; None where it could not be read."""
        head = self._received.head
        return head.head if isinstance(head, ParsedHead) and isinstance(head.head, Request) else None

    async def _open(self) -> bool:
        self.request = self._request()
        if self.request is None:
            return False
        greeting, compression = self._manners.greeting, self.case.compression
        if compression is not None:
            greeting = replace(greeting, extensions=compression.answer(self.request))
        response = answer_to(self.request, greeting)
        self.connection.write(response.octets())
        self.opened = True
        self._agree(response)
        self._begin_frames()
        return True

    async def _send_head(self, action: SendHead) -> None:
        self.request = self._request()
        octets = with_accept(action.octets, self.request)
        if self.case.needs_extension and not self._offers_extension():
            assert self.request is not None
            octets = answer_to(self.request, self._manners.greeting).octets()
        self.connection.write(octets)
        answer = response_in(octets)
        if answer is not None:
            self._agree(answer)
        reaction = reaction_to(octets, self.request)
        self._expects_failure = reaction == "fails"
        self._begin_frames()
        self.opened = reaction == "opens"
        if not self.opened:
            # Section 4.1: "the client handles the response per HTTP [RFC2616] procedures", which leave TCP open for
            # another request.
            self._refused = reaction == "is refused"
            self._may_ask_next = not octets.startswith(b"HTTP/1.1 101")
            self._patience = self._most_patience = max(self._most_patience, FAILED_HANDSHAKE)

    def _offers_extension(self) -> bool:
        """Whether the client offers permessage-deflate; True where its request could not be read."""
        return self.request is None or any(offers_of(self.request.values(FIELD)))

    def _take(self) -> None:
        if self.asked_next or (self._may_ask_next and self.connection.begins_request):
            self.asked_next = True
            return
        super()._take()

    async def _see_failure(self) -> None:
        """Wait for a client that has to fail the connection, which it may do without a sign.

        Section 7.1.7 asks for a Close frame with a SHOULD, and by section 7.1.1 it waits for the server's end of TCP.
        An unanswered Ping tells it from a client that has overlooked the fault, also where the fault was in a Close.
        """
        if not (self._sender.at_boundary and self.connection.can_write):
            await super()._see_failure()
        elif not await self._until(self._shows_failure, self._patience / 2) and not self._is_over:
            await self._until_pong()

    async def _end_unopened(self) -> None:
        if self._may_ask_next:
            await self._until(lambda: False, self._patience / 2)
        await self._end()

    async def _end(self) -> None:
        """The end of TCP, for which a client waits."""
        if not self._is_over:
            self.connection.end_sending()
            await self._until(lambda: False)


def reaction_to(response: bytes, request: Request | None) -> Literal["opens", "is refused", "fails"]:
    """What a client does on this answer to its request."""
    from wsoracle.model.facts.heads import facts_of_response
    from wsoracle.model.machine.compiled import CompiledMachine
    from wsoracle.model.machine.interpreted import Kind, canonical
    from wsoracle.model.notation.variables import HANDSHAKE, Event, EventKind, Setting, State
    from wsoracle.model.rules import RULES

    reader = HeadParser(Role.CLIENT)
    reader.feed(response)
    if reader.result is None:
        return "fails"
    machine = CompiledMachine(RULES, Setting(Role.CLIENT))
    state = State(handshake=HANDSHAKE.index("awaiting 101"))
    outcomes = machine.allowed(state, Event.of(EventKind.RECEIVE_RESPONSE, facts_of_response(reader.result, request)))
    label = canonical(outcomes).label if outcomes else None
    if label is None or label.kind is not Kind.ACCEPT:
        return "fails"
    return "is refused" if label.delivers == "refused" else "opens"
