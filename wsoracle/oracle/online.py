"""The online oracle: follows one connection of one endpoint, and says at any time what the rules allow and demand.

A complete example, of a server after its opening handshake::

    oracle = OnlineOracle("server", opening=False)
    oracle.received(bytes.fromhex("898137fa213d56"))  # a Ping with payload 'a'
    oracle.owes()  # (('pong with payload 61', ('5.5.2/pong-owed',)),)
    bool(oracle.may_send(Frame(PONG, b"a")))  # True
    oracle.may_send(Frame(PONG, b"a", key=bytes(4))).rules  # ('5.1/server-does-not-mask',)
    oracle.sent(bytes.fromhex("8a0161"))  # True: something explains all that was seen
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Final, Literal

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Frame, Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.live import OwedOutput, Watch
from wsoracle.properties.judge.observation import Arrives, Observation, Told, Writes
from wsoracle.properties.judge.verdict import Profile


class Permission:
    """Whether an endpoint may do something now; as a condition, whether the rules allow it in full.

    `judgement` is that on all that was seen with this as its end; it is worked out when it is first asked for.
    """

    def __init__(self, then: Watch, profile: Profile) -> None:
        self._then: Final = then
        self._profile: Final[Profile] = profile
        self.allowed: Final = then.conforms_so_far

    def __bool__(self) -> bool:
        return self.allowed

    def __repr__(self) -> str:
        return f"Permission({', '.join(self.rules) or self.judgement.verdict})" if not self.allowed else "Permission()"

    @cached_property
    def judgement(self) -> Judgement:
        """The judgement: its verdict says how strong what forbids it is, `instead` what would be allowed."""
        return self._then.judgement(self._profile)

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that forbid it; empty where it is allowed, or only the application promises else."""
        return () if self.allowed else self.judgement.rules


class OnlineOracle:
    """Follows one connection of an endpoint in ``role``: `received` is what arrived at it, `sent` what it wrote.

    `opening`: the connection begins with the opening handshake, else right after it, with `extensions` agreed on: the
    value of ``Sec-WebSocket-Extensions`` in the answer, such as "permessage-deflate". `application` is what stands
    behind the endpoint: `unknown` may send anything, `echo` sends each message back, `sink` sends only what was
    observed that it asks for. `limit` is the endpoint's stated limit on a message in octets (section 10.4), None where
    it is not known. `sees` are the kinds of :class:`~wsoracle.properties.judge.observation.Tells` that are certain to
    be observed where they happen. `willing`: the application of a server takes every sound opening handshake. For the
    opening handshake: `request` is one that was sent before, `uri` the one that a client was told to open. `profile` is
    that of judgements.

    Order says as much as in a trace: the endpoint may still have to read what arrived before it sent something. An
    observation takes time in proportion to what it adds, :meth:`may_send` in proportion to all octets, but little;
    :meth:`judgement` judges all of it anew. ValueError for a role, switch or limit that is none, for extensions that
    are not known, and where they are given beside the opening handshake that says them.
    """

    def __init__(
        self,
        role: Role | Literal["server", "client"],
        *,
        application: Application = "unknown",
        opening: bool = True,
        extensions: str = "",
        limit: int | None = None,
        switches: Switches | None = None,
        sees: Collection[Told] = (),
        willing: bool = False,
        request: Request | None = None,
        uri: WebSocketUri | None = None,
        profile: Profile = "interop",
    ) -> None:
        setting = Setting(Role(role), limit, application == "echo", switches or Switches(), willing)
        start = _begun(setting.role, opening, extensions)
        self.setting: Final = setting
        self.profile: Final[Profile] = profile
        self._watch: Final = Watch(setting, request=request, uri=uri, application=application, sees=sees, start=start)

    def received(self, octets: bytes) -> bool:
        """Octets arrived at the endpoint, in a chunk of any size; the same as :meth:`explains` then."""
        return self.observe(Arrives(bytes(octets)))

    def sent(self, octets: bytes) -> bool:
        """The endpoint wrote octets, in a chunk of any size; the same as :meth:`explains` then."""
        return self.observe(Writes(bytes(octets)))

    def observe(self, *observations: Observation) -> bool:
        """Whatever else was seen: an end of TCP, silence, what it told or was asked. As :meth:`explains` then."""
        for observation in observations:
            self._watch.observe(observation)
        return self.explains()

    def explains(self) -> bool:
        """Whether the rules allow in full all that was seen; once they do not, they never do again."""
        return self._watch.conforms_so_far

    def may(self, *observations: Observation) -> Permission:
        """Whether the endpoint may do this next. Nothing is taken as seen."""
        return Permission(self._watch.after(*observations), self.profile)

    def may_send(self, what: Frame | bytes) -> Permission:
        """Whether the endpoint may send this next: a frame, or octets, of which what is no whole unit is not judged."""
        return self.may(Writes(encode(what) if isinstance(what, Frame) else bytes(what)))

    def owes(self) -> tuple[OwedOutput, ...]:
        """What the endpoint surely owes now, in words and with the rules; nothing once :meth:`explains` is False."""
        return self._watch.owes

    def judgement(self) -> Judgement:
        """The judgement on all that was seen: verdict, rules, deciding octet, what would have been allowed, steps."""
        return self._watch.judgement(self.profile)

    @property
    def trace(self) -> tuple[Observation, ...]:
        """All that was seen, in order."""
        return tuple(self._watch.trace)


def _begun(role: Role, opening: bool, extensions: str) -> State | None:
    """The state in which a connection is seen to begin; None for the opening handshake."""
    if opening:
        if extensions:
            raise ValueError("extensions: the opening handshake says what is agreed on: leave them out, or it")
        return None
    agreed = agreed_state(role, extensions)
    if agreed is None:
        raise ValueError(f"extensions: {extensions!a} is no agreement on permessage-deflate, and others are not known")
    return agreed
