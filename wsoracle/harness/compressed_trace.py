"""A conversation with compressed messages, ready to be judged in parts; and what crossed in it, as reports show it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from wsoracle.model.notation.variables import CONNECTING, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, HeadParser, ParsedHead, Response
from wsoracle.model.octets.units import SWITCHING
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.in_parts import Volume, Way, judge_in_parts
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, Observation, Trace, Writes
from wsoracle.properties.judge.verdict import Profile, worst


class Volumes(NamedTuple):
    """What the endpoint was sent and what it wrote, and the octets of the two heads."""

    arrived: Volume
    written: Volume
    head_arrived: int
    head_written: int


class CompressedTrace:
    """The trace of an endpoint that the opening handshake led to the state ``agreed``, with compression. `volumes` are
    known once it was judged."""

    def __init__(self, history: History, agreed: State) -> None:
        assert history.role is not None
        self.volumes: Volumes | None = None
        self._role: Final = history.role
        self._history: Final = history
        self._agreed: Final = agreed
        self._arrived_from: Final = _end_of_heads(history.arrived, history.role)
        self._written_from: Final = _end_of_heads(history.octets_written, history.role.peer)
        self._arrived: Final = Way(history.arriving(self._arrived_from).frames, self._arrived_from)
        self._written: Final = Way(history.frames_written(self._written_from), self._written_from)

    def judged(
        self, setting: Setting, uri: WebSocketUri | None, profile: Profile, strictly: bool, acts: bool
    ) -> Judgement:
        """The judgement on the opening handshake and what follows: that of the worse of the two."""

        def judge_part(trace: Trace | History, start: State) -> Judgement:
            return judge(
                trace,
                setting,
                application="echo",
                start=start,
                uri=uri,
                profile=profile,
                strictly=strictly,
                keeps_promise=True,
                acts=acts,
            )

        opening = judge_part(self._heads(), CONNECTING)
        found, arrived, written = judge_in_parts(
            self._history.trace, self._arrived, self._written, self._agreed, setting.limit, judge_part, profile
        )
        self.volumes = Volumes(arrived, written, self._arrived_from, self._written_from)
        return found if worst(opening.verdict, found.verdict) is found.verdict else opening

    def _heads(self) -> list[Observation]:
        arrives = Arrives(bytes(self._history.arrived[: self._arrived_from]))
        writes = Writes(bytes(self._history.octets_written[: self._written_from]))
        return [arrives, writes] if self._role is Role.SERVER else [writes, arrives]


def _end_of_heads(octets: bytearray, reader: Role) -> int:
    """Where the frames begin: behind the request, or behind the answer with 101 and interim ones before it."""
    at = 0
    while True:
        parser = HeadParser(reader)
        parser.feed(bytes(octets[at : at + HEAD_LIMIT]))
        found = parser.result
        if not isinstance(found, ParsedHead):
            return at
        at += min(len(octets) - at, HEAD_LIMIT) - len(found.rest)
        if not (isinstance(found.head, Response) and found.head.status < SWITCHING):
            return at


def traffic_stats(volumes: Volumes) -> dict[str, Any]:
    """The statistics of Autobahn's reports: incoming is what the endpoint wrote, outgoing what it was sent."""
    incoming, outgoing = volumes.written, volumes.arrived
    return {
        **_one_way("incoming", incoming),
        **_one_way("outgoing", outgoing),
        "preopenIncomingOctetsWireLevel": volumes.head_written,
        "preopenOutgoingOctetsWireLevel": volumes.head_arrived,
    }


def _one_way(name: str, volume: Volume) -> dict[str, Any]:
    overhead = (volume.wire - volume.payload) / volume.payload if volume.payload else None
    return {
        f"{name}OctetsWireLevel": volume.wire,
        f"{name}OctetsWebSocketLevel": volume.payload,
        f"{name}OctetsAppLevel": volume.content,
        f"{name}WebSocketFrames": volume.frames,
        f"{name}WebSocketMessages": volume.messages,
        f"{name}CompressionRatio": volume.payload / volume.content if volume.content else None,
        f"{name}WebSocketOverhead": overhead,
    }
