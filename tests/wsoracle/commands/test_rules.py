"""``wsoracle rules``: every kind of event has words, and reactions to heads are said as such."""

from click.testing import CliRunner

from wsoracle.cli import program
from wsoracle.model.machine.words import DUES, EVENTS
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import EventKind


def listed(pattern: str) -> str:
    result = CliRunner().invoke(program, ["rules", pattern])
    assert result.exit_code == 0
    return result.output


def test_every_kind_of_event_and_all_that_is_owed_has_words() -> None:
    assert set(EVENTS) == set(EventKind)
    assert set(DUES) == set(Due)


def test_rules_on_heads_are_said_in_words() -> None:
    assert "4.2.1/get-only  MUST  on a request that a server receives: refuse with 400" in listed("4.2.1/get-only")
    answer = "4.1/answer-accept  MUST  on a response that a client receives: fail; the application is told 1006"
    assert answer in listed("4.1/answer-accept")
    assert "4.2.2/accept  MUST  on a response that a server sends: permit" in listed("4.2.2/accept")
    assert "on silence: forbid: response is due" in listed("4.2.2/response-owed")
