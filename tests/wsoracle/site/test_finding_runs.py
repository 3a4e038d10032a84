"""Findings as histories: the endpoint breaks a rule of the finding, in the explorer as in the model."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tests.wsoracle.site.node import FIELDS, ask, plain
from tests.wsoracle.site.test_building import FINDINGS
from wsoracle.model.octets.vocabulary import Role
from wsoracle.site.finding_runs import FindingRun, finding_runs
from wsoracle.site.findings import deviations_in
from wsoracle.site.histories import SIDES
from wsoracle.site.knowledge import knowledge
from wsoracle.site.world import ExploredWorld

ROLES: Final = {letter: role for role, letter in SIDES.items()}


@lru_cache(maxsize=1)
def runs() -> tuple[FindingRun, ...]:
    return tuple(finding_runs(deviations_in(FINDINGS), knowledge().cases))


def test_a_finding_is_replayed_or_says_why_not() -> None:
    assert all((run.history is None) is bool(run.why) for run in runs())
    assert sum(run.history is not None for run in runs()) > len(runs()) * 3 / 4


def test_the_explorer_shows_the_rule_that_was_broken() -> None:
    replayed = [run for run in runs() if run.history is not None]
    texts = [*dict.fromkeys(run.history for run in replayed)]
    (found,) = ask({"ask": "worlds", "texts": texts})
    shown = dict(zip(texts, found, strict=True))
    for run in replayed:
        assert run.history is not None
        against, _ = shown[run.history]
        assert len(against) == run.history.count(";"), run.history
        assert {rule for rules in against for rule in rules} & set(run.deviation.rules), run.history


def test_the_explorer_comes_to_the_states_that_the_model_comes_to() -> None:
    texts = [*dict.fromkeys(run.history for run in runs() if run.history is not None)]
    texts += [
        "open,client_window=32768,server_window=512,server_takeover=1;c:1fr1.37fa213d.f248cdc9c90700;s:take;s:1fr1.-.00",
        "open,claims_rsv2=1;c:1fr2.37fa213d.41;s:take;s:wait;c:wait",
        "open,echo=1;c:9f.37fa213d.68;s:take.anyway-ignore;s:wait;s:af.-.68;c:take.anyway-fail-1002;c:wait",
    ]
    (found,) = ask({"ask": "worlds", "texts": texts})
    for text, (against, states) in zip(texts, found, strict=True):
        world = ExploredWorld(text)
        assert [[*step.against] if step.who is not world.you else [] for step in world.steps] == against, text
        for letter, state in zip("cs", states, strict=True):
            assert state == plain(FIELDS["state"], world.ends[ROLES[letter]].state), text


def test_what_libwebsockets_did_is_an_echo_of_a_frame_that_is_not_masked() -> None:
    (run,) = [
        run
        for run in runs()
        if run.endpoint.name.startswith("libwebsockets") and run.deviation.rules == ("5.1/server-refuses-unmasked",)
    ]
    assert run.deviation.role is Role.SERVER
    assert run.history == "open,you=client,echo=1,willing=1;c:1f.-.;s:take.anyway-accept;s:1f.-."
