"""The attacks are run by `make attack`; here is one of each kind that is soon over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.attacks.__main__ import MEMORY, attacks
from tests.attacks.files import FILES

QUICK = ("judge/deep-json", "test/interim-answers", "serve/pipelined-few-at-once")


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_an_attack_costs_no_more_than_its_bound(name: str, tmp_path: Path) -> None:
    (attack,) = (one for one in attacks() if one.name == name)
    cost = attack.run(tmp_path)
    assert cost.status in (1, 2, 130) and "Traceback" not in cost.output, cost.output
    assert cost.cpu < attack.cpu and 0 < cost.memory < MEMORY


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in attacks()]
    assert len(set(names)) == len(names) > len(FILES)


def test_a_trace_of_an_attack_is_one() -> None:
    document = json.loads(FILES["requests"]())
    assert document["format"] == "wsoracle-trace" and len(document["observations"]) == 4
