"""Each report names what its endpoint does amiss, and nothing else; every case counts that can."""

from __future__ import annotations

import asyncio

import pytest

from tests.zoo.clients import CLIENTS, Client
from tests.zoo.clients import run as run_client
from tests.zoo.running import causes, chosen, patient, run
from tests.zoo.servers import SERVERS, Animal
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.harness import case_runner
from wsoracle.harness.case_runner import CaseRunner, HeldCase
from wsoracle.reports.summary import NOT_RUN, CaseSummary

CASES = chosen()
MANNERS = patient(1.0)


@pytest.mark.parametrize("animal", SERVERS, ids=lambda animal: animal.name)
def test_a_server_is_accused_of_what_it_does(animal: Animal) -> None:
    summaries = run(animal, CASES, MANNERS)
    assert causes(summaries) == animal.causes
    assert len(summaries) == len(CASES)


@pytest.mark.parametrize(
    "name", ["sound", "one connection at a time", "drops empty messages", "dies of age", "dies of RSV2"]
)
def test_one_connection_at_a_time_says_the_same(name: str) -> None:
    (animal,) = (animal for animal in SERVERS if animal.name == name)
    assert causes(run(animal, CASES, MANNERS, jobs=1)) == animal.causes


@pytest.mark.parametrize(
    "name",
    ["never answers a Close", "keeps TCP open", "answers an empty Close", "answers Close 1005", "drops empty messages",
     "wrong Pongs between fragments"],
)  # fmt: skip
def test_every_other_case_counts(name: str) -> None:
    (animal,) = (animal for animal in SERVERS if animal.name == name)
    assert all(summary.counts for summary in run(animal, CASES, MANNERS).values())


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_is_accused_of_what_it_does(client: Client) -> None:
    assert causes(run_client(client, CASES, MANNERS)) == client.causes


def test_a_refusal_that_the_rules_allow_is_no_act_of_the_application() -> None:
    """A frame of 125 octets whose length takes more octets than it need: an endpoint may fail the connection for it.
    That its Close does not say why departs from a SHOULD, which is more than an act of the application to the judge,
    and less than an echo that is missing in a run."""
    (animal,) = (animal for animal in SERVERS if animal.name == "answers an empty Close")
    longer = "mutant/5.2/non-minimal-length-may-fail~length-bound-126-1/server"
    (case,) = (case for case in runnable_cases() if case.id == longer)
    found = run(animal, [case], MANNERS)[longer]
    assert (found.verdict, [rule["id"] for rule in found.rules]) == ("NON-STRICT", ["7.1.7/appropriate-code"])


@pytest.mark.parametrize("name", ["extreme/length-2-63-1", "extreme/length-2-63"])
def test_a_limit_of_the_endpoint_that_no_case_states_is_no_fault(name: str) -> None:
    """The sound server takes 16 MiB at most, and says 1009 where a header promises more."""
    (case,) = (case for case in runnable_cases() if case.id == name)
    assert run(SERVERS[0], [case], MANNERS)[name].verdict in ("OK", "INFORMATIONAL")


@pytest.mark.parametrize("jobs", [1, 16])
def test_a_death_is_told_of_what_ran_then_however_slow_the_judge(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    (animal,) = (animal for animal in SERVERS if animal.name == "dies of RSV2")
    judge = CaseRunner._judged

    async def slowly(self: CaseRunner, held: HeldCase) -> CaseSummary:
        found = await judge(self, held)
        if found.verdict != NOT_RUN:
            await asyncio.sleep(0.2)
        return found

    monkeypatch.setattr(CaseRunner, "_judged", slowly)
    monkeypatch.setattr(case_runner, "_SHORTLY", 0.1)
    found = run(animal, CASES, MANNERS, jobs)
    assert causes(found) == animal.causes
    (note,) = {one.note for one in found.values() if one.verdict == NOT_RUN}
    assert "3.2" in note
