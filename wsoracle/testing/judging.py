"""The judge for tests: a whole trace at once, with the options of the online oracle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Observation

from ..oracle.online import OnlineOracle


def judge(trace: Iterable[Observation], role: Role | Literal["server", "client"], **options: Any) -> Judgement:
    """The judgement on what an endpoint in ``role`` was seen to do: verdict, rules, deciding octet, what instead.

    ``options`` are those of :class:`~wsoracle.oracle.online.OnlineOracle`, such as ``opening=False`` for a trace that
    begins after the opening handshake. ValueError for a role or an option that is none.
    """
    oracle = OnlineOracle(role, **options)
    oracle.observe(*trace)
    return oracle.judgement()
