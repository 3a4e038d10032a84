"""Probes: what a client is asked to open besides its cases (`properties.connections.probes`), and the answers.

Theory of operation. /getProbes gives a client its probes, each with URIs to be opened at the same time. Where one of
several is to be opened first, its answer is withheld for a while: what arrives meanwhile shows that the client does not
wait. The connections of one probe end abnormally, and attempts after the first fail. All others are opened and closed.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from wsoracle.generators.cases.steps import Greeting, answer_to
from wsoracle.model.octets.http import Malformed, ParsedHead, Request
from wsoracle.model.octets.uri import AUTHORITY
from wsoracle.properties.connections.probe_results import ATTEMPTS
from wsoracle.properties.connections.probes import ProbeArrival, probe_in, probes_for

from .connection import Connection
from .server_answers import close_at_once
from .server_run import ServerRun

WITHHELD: Final = 1.0
"""Seconds for which an answer is withheld at the most."""

_PORT: Final = re.compile(r":\d+$")


class Probes:
    """The probes of a run. `authority` and `secure` say where the server is where a client's Host field does not;
    `untrusted_port` is that of the certificate that no client can trust, None without one."""

    def __init__(self, run: ServerRun, greeting: Greeting, patience: float) -> None:
        self.authority = ""
        self.secure = False
        self.untrusted_port: int | None = None
        self._run: Final = run
        self._greeting: Final = greeting
        self._patience: Final = patience
        self._connecting: Final[defaultdict[tuple[str, str], list[Connection]]] = defaultdict(list)
        self._dropped: Final[defaultdict[str, int]] = defaultdict(int)

    def listed(self, agent: str, request: Request) -> str:
        """What an agent is asked to open, as JSON."""
        said = next(iter(request.values("Host")), "")
        authority = said if AUTHORITY.fullmatch(said) else self.authority
        untrusted = None
        if self.untrusted_port is not None:
            untrusted = f"{_PORT.sub('', authority)}:{self.untrusted_port}"
        found = probes_for(authority, agent, self.secure, untrusted)
        self._run.client(self._run.agent(agent)).asked[:] = [str(probe["id"]) for probe in found]
        return json.dumps(found)

    async def answer(self, connection: Connection, head: ParsedHead | Malformed) -> bool:
        """Answer a request for a probe, and note it; False where it is for none."""
        line = head.octets.partition(b"\n")[0].rstrip(b"\r").decode("latin-1")
        found = probe_in(line)
        if found is None or found[1] not in self._run.agents:
            return False
        name, agent, target = found
        request = head.head if isinstance(head, ParsedHead) and isinstance(head.head, Request) else None
        host = next(iter(request.values("Host")), "") if request is not None else ""
        arrival = ProbeArrival(name, target, host, began=connection.began, secure=connection.is_tls)
        if name == "at-once":
            with self._alone(agent, connection) as others:
                self._note(agent, arrival, connecting=len(others))
                await connection.wait(lambda: bool(others) or len(self._of(agent, connection)) > 1, WITHHELD)
            await self._open(connection, request)
        elif name == "reconnect" and self._dropped[agent] <= ATTEMPTS:
            self._dropped[agent] += 1
            if request is not None and self._dropped[agent] == 1:
                connection.write(answer_to(request, self._greeting).octets())
            connection.close()
            self._note(agent, arrival, ended=asyncio.get_running_loop().time())
        else:
            self._note(agent, arrival)
            await self._open(connection, request)
        return True

    def _of(self, agent: str, connection: Connection) -> list[Connection]:
        """The connections of a client, by its name and address, that wait for their answer."""
        return [one for one in self._connecting[agent, connection.peer_host] if not one.ended]

    @contextmanager
    def _alone(self, agent: str, connection: Connection) -> Iterator[list[Connection]]:
        """While a connection waits for its answer: the others of the same client that wait."""
        others = self._of(agent, connection)
        waiting = self._connecting[agent, connection.peer_host]
        waiting.append(connection)
        for other in others:
            other.wake()
        try:
            yield others
        finally:
            waiting.remove(connection)

    def _note(self, agent: str, arrival: ProbeArrival, *, connecting: int = 0, ended: float = 0.0) -> None:
        self._run.arrive(self._run.agents[agent], arrival, connecting, ended)

    async def _open(self, connection: Connection, request: Request | None) -> None:
        if request is not None:
            await close_at_once(connection, request, self._greeting, self._patience)
