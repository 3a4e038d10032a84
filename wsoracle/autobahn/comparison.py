"""Autobahn's expectations beside the judge's, case by case.

Theory of operation. Autobahn's expectation of a case (lists of events by verdict, codes of a Close, and the side that
closes first) describes behaviours. Each behaviour becomes a trace, and the judge gives its verdict on it as on any
other trace. A pause of the suite that passes without a reaction is silence, which is an observation too.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsoracle.generators.cases.canonical import (
    Answer,
    as_rules_see,
    canonical_run,
    is_scaled,
    masked_close,
    reduced,
    written_close,
)
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.catalogue import catalogued, catalogued_compressed
from wsoracle.generators.cases.steps import Action, SendFrame, SendOctets, Settle
from wsoracle.model.notation.variables import LARGEST_LENGTH, Setting
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, NORMAL, PONG, TEXT, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict

from ..expected.expectations import expectations
from ..expected.outcome import Expected, verdict_of


@dataclass(frozen=True, slots=True)
class Stated:
    """A behaviour that the suite names: its verdict on it, the answers, the code of the endpoint's Close.

    `late`: how many of the suite's pauses pass before it ends. `verdicts` and `rules`: what the judge says of it, by
    role and profile, and which rules it says are not followed.
    """

    verdict: str
    events: tuple[Answer, ...]
    code: int
    late: int
    verdicts: Mapping[tuple[Role, Profile], Verdict]
    rules: tuple[str, ...]

    def agrees(self, profile: Profile) -> bool:
        """Whether the judge says the same, for both roles."""
        return all(said.value == self.verdict for (_, one), said in self.verdicts.items() if one == profile)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A case in both suites.

    `stated` is what Autobahn names. `canonical`: what a conforming endpoint does is OK there too.
    `more` is what the judge calls OK or NON-STRICT and the suite does not name.
    """

    case: Case
    by_me: bool
    clean: bool
    stated: tuple[Stated, ...]
    canonical: bool
    more: tuple[Expected, ...]

    def agrees(self, profile: Profile) -> bool:
        """Agreement as docs/autobahn.md defines it."""
        return self.canonical and all(one.agrees(profile) for one in self.stated)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The profiles in which the two agree."""
        return tuple(profile for profile in PROFILES if self.agrees(profile))


def compare_all(path: Path) -> tuple[Comparison, ...]:
    """Every case of the catalogue; ``path`` names the suite's cases, a JSON object a line. ValueError if one lacks."""
    rows = {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}
    every = (*catalogued(), *catalogued_compressed())
    missing = [case.id for case in every if case.id not in rows]
    if missing:
        raise ValueError(f"{path}: cases are missing: {', '.join(missing[:3])}")
    known: dict[tuple[Hashable, str], Comparison] = {}
    found = []
    for case in every:
        key = as_rules_see(case), json.dumps(rows[case.id]["expectedClose"])
        if key not in known:
            known[key] = compare(case, rows[case.id])
        found.append(replace(known[key], case=case))
    return tuple(found)


def compare(case: Case, row: Mapping[str, Any]) -> Comparison:
    """One case, and what the suite's row says of it."""
    actions = reduced(case)
    close = row["expectedClose"]
    by_me = bool(close["closedByMe"])
    stated = tuple(
        _stated(verdict, events, code, late, actions, by_me)
        for verdict, events, late in _lists(case, row, actions)
        for code in dict.fromkeys(close["closeCode"])
    )
    begins = any(call[0] in ("sendClose", "sendCloseFrame") for call in row["onOpen_calls"])
    canonical = all(_canonical_is_ok(actions, stated, role, by_me, begins) for role in Role)
    named = {(one.verdict, _plain(one.events)) for one in stated}
    more = tuple(
        one
        for one in expectations(case, Role.SERVER)
        if one.verdict in (Verdict.OK, Verdict.NON_STRICT) and not _is_named(one, named, close["closeCode"])
    )
    return Comparison(case, by_me, bool(close["requireClean"]), stated, canonical, more)


def _is_named(one: Expected, named: set[tuple[str, tuple[Any, ...]]], codes: Sequence[int]) -> bool:
    return any(events == _plain(one.events) for _, events in named) and all(code in codes for code in one.codes)


def _plain(events: Sequence[Answer]) -> tuple[Any, ...]:
    return tuple((one.opcode, one.payload) for one in events)


def _lists(case: Case, row: Mapping[str, Any], actions: tuple[Action, ...]) -> Iterator[tuple[str, Any, int]]:
    """The lists of events that the suite names, with its verdict, and how many pauses they take."""
    whole = canonical_run(actions, Role.SERVER).answers
    if not row["expected"]:
        # In groups 9, 12 and 13 the suite compares lengths and digests by itself.
        yield Verdict.OK.value, whole, 0
        return
    for verdict, events in sorted(row["expected"].items(), reverse=True):
        late = sum(event[0] == "timeout" for event in events)
        answers = [_answer(event, len(actions)) for event in events if event[0] != "timeout"]
        if is_scaled(case) and answers:
            answers = list(whole)
        yield verdict, tuple(answers), late


def _answer(event: Sequence[Any], after: int) -> Answer:
    said = event[1]
    payload = bytes.fromhex(said["hex"]) if "hex" in said else bytes.fromhex(said["head_hex"])[:1] * int(said["len"])
    if event[0] == "pong":
        return Answer(after, PONG, payload)
    return Answer(after, BINARY if event[2] else TEXT, payload)


def _stated(
    verdict: str, events: tuple[Answer, ...], code: int, late: int, actions: tuple[Action, ...], by_me: bool
) -> Stated:
    rules: dict[str, None] = {}
    verdicts: dict[tuple[Role, Profile], Verdict] = {}
    for role in Role:
        trace = _trace(actions, events, code, late, role, by_me)
        setting = Setting(role, LARGEST_LENGTH, echo=True)
        for profile in PROFILES:
            judgement = judge(trace, setting, application="echo", profile=profile, keeps_promise=True)
            verdicts[role, profile] = verdict_of(judgement)
            rules.update(dict.fromkeys(judgement.rules))
    return Stated(verdict, events, code, late, verdicts, tuple(rules))


def _trace(
    actions: tuple[Action, ...], events: Sequence[Answer], code: int, late: int, role: Role, by_me: bool
) -> list[Observation]:
    """The observations of an endpoint that behaves as the suite names."""
    run, key = canonical_run(actions, role), CountedKeys()
    trace: list[Observation] = []
    pauses = 0
    for action, octets in zip(actions, run.octets, strict=True):
        if late and (isinstance(action, Settle) or _mid_frame_pause(action, trace)):
            if pauses == late:
                break
            pauses += 1
            trace.append(Quiet())
        if octets:
            trace.append(Arrives(octets))
    written = b"".join(event.octets(role, key()) for event in events)
    if written:
        trace.append(Writes(written))
    if by_me and not _sends_close(actions):
        trace += [Quiet(), Arrives(masked_close(role, NORMAL))]
    trace.append(Writes(written_close(role, code, key())))
    if role is Role.CLIENT:
        trace.append(ArrivesEof())
    trace.append(ClosesTcp())
    return trace


def _mid_frame_pause(action: Action, before: Sequence[Observation]) -> bool:
    """In mid-frame the suite pauses before each write of a payload but the first."""
    return isinstance(action, SendOctets) and bool(action.masked_from) and bool(before)


def _sends_close(actions: Sequence[Action]) -> bool:
    return any(isinstance(action, SendFrame) and action.frame.opcode == CLOSE for action in actions)


def _canonical_is_ok(
    actions: tuple[Action, ...], stated: Sequence[Stated], role: Role, by_me: bool, begins: bool
) -> bool:
    """``begins``: the suite closes in the stimulus, and knows that it did."""
    run = canonical_run(actions, role)
    closed = begins or run.failed is None
    code = run.failed if run.failed is not None else run.code if run.closed else NORMAL
    fine = [one for one in stated if one.verdict == Verdict.OK.value]
    codes = {one.code for one in fine}
    events = {_plain(one.events) for one in fine}
    return closed is by_me and (code is None or code in codes) and _plain(run.answers) in events
