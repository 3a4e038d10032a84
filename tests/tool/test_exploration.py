"""The exploration: every rule fires, our own endpoint deviates nowhere, and what others do is known."""

from __future__ import annotations

import json

import pytest

from wsoracle.commands.explore import OWN, wrong
from wsoracle.exploration import explore_whole
from wsoracle.generators.case import check_suite

KNOWN = {
    ("websockets", ("5.5.1/close",)),
    ("websockets", ("5.5.1/closed-after-both",)),
    ("websockets", ("5.5.2/ping",)),
    ("websockets", ("7.1.7/appropriate-code",)),
    ("websockets", ("7.1.7/nothing-after-failing",)),
    ("websockets", ("7.1.7/only-close-after-failing",)),
    ("wsproto", ("5.5.1/close",)),
    ("wsproto", ("7.4.1/send-code-1004",)),
    ("wsproto", ("7.4.2/send-unassigned-codes",)),
    ("wsproto", ("7.4.2/send-unused-codes",)),
}
"""The deviations of wsproto 1.3.2 and websockets 17.4 that are known: a new one makes the test fail."""


@pytest.mark.peers
def test_every_rule_fires_and_only_known_deviations_are_found() -> None:
    report = explore_whole(6455, examples=60, processes=1)
    assert report.missing == {}
    assert wrong(report) == []
    found = {(f.implementation, f.rules) for f in report.findings}
    assert found
    assert found <= KNOWN
    assert OWN not in {implementation for implementation, _ in found}
    check_suite({case.id: case for case in report.cases}.values())
    document = json.loads(json.dumps(report.to_json()))
    assert {"states", "transitions", "rules_fired", "findings"} <= document.keys()
    for finding in document["findings"]:
        assert {"implementation", "version", "role", "case", "rules", "strength"} <= finding.keys()


def test_an_exploration_needs_an_example() -> None:
    with pytest.raises(ValueError, match="at least one example"):
        explore_whole(1, examples=0)
