"""The exploration: every rule fires, our own endpoint deviates nowhere, and what others do is known."""

from __future__ import annotations

import json

import pytest

from wsoracle.commands.explore import OWN, wrong
from wsoracle.explore.exploration import explore
from wsoracle.generators.cases.derived import check_suite

WAITS = {
    ("websockets", ("5.5/long-control",)),
    ("websockets", ("7.1.7/close-frame-owed",)),
}
"""It reads a control frame to its end before it looks at the length (5.5), so it stays quiet where that never comes."""

KNOWN = {
    *WAITS,
    ("websockets", ("5.5.1/close",)),
    ("websockets", ("5.5.1/closed-after-both",)),
    ("websockets", ("5.5.2/ping",)),
    ("websockets", ("7.1.7/appropriate-code",)),
    ("websockets", ("7.1.7/nothing-after-failing",)),
    ("websockets", ("7.1.7/no-data-after-failing",)),
    ("wsproto", ("5.5.1/close",)),
    ("wsproto", ("7.4.1/send-code-1004",)),
    ("wsproto", ("7.4.2/send-unassigned-codes",)),
    ("wsproto", ("5.5.1/send-unused-codes",)),
    ("wsproto", ("5.5.1/send-codes-beyond",)),
}
"""The deviations of wsproto 1.3.2 and websockets 17.4 that are known: a new one makes the test fail."""

KNOWN_OPENINGS = {
    ("websockets", "server", ("10.7/answer-before-closing",)),
    ("websockets", "server", ("4.2.1/host",)),
    ("websockets", "server", ("4.2.1/host-missing",)),
    ("websockets", "server", ("4.2.1/malformed-request",)),
    ("websockets", "server", ("4.2.1/request-target",)),
    ("websockets", "server", ("4.2.2/answer-before-data",)),
    ("websockets", "server", ("4.2.1/request-target-of-browsers",)),
    ("websockets", "server", ("4.4/name-versions",)),
    ("websockets", "server", ("9.1/offers",)),
    ("wsproto", "client", ("4.1/answer-extensions",)),
    ("wsproto", "client", ("4.1/established",)),
    ("wsproto", "client", ("7692.5/answer-fits-no-offer",)),
    ("wsproto", "client", ("7692.5/answer-fits-no-offer", "9.1/answer-parameters")),
    ("wsproto", "client", ("7692.7/answer-repeats",)),
    ("wsproto", "client", ("7692.7/answer-repeats", "7692.5/answer-fits-no-offer")),
    ("wsproto", "client", ("7692.7/answer-value",)),
    ("wsproto", "client", ("7692.7/answer-value", "7692.5/answer-fits-no-offer")),
    ("wsproto", "client", ("9.1/answer-extensions",)),
    ("wsproto", "client", ("9.1/answer-parameters",)),
    ("wsproto", "client", ()),
    ("wsproto", "server", ("4.2.1/host",)),
    ("wsproto", "server", ("4.2.1/http-1-0",)),
    ("wsproto", "server", ("4.2.1/key",)),
    ("wsproto", "server", ("4.2.1/one-key",)),
    ("wsproto", "server", ("4.2.1/one-version",)),
    ("wsproto", "server", ("4.2.1/protocols",)),
    ("wsproto", "server", ("4.2.1/request-target",)),
    ("wsproto", "server", ("4.2.1/request-target-of-browsers",)),
    ("wsproto", "server", ("4.4/accept-valid",)),
    ("wsproto", "server", ("7692.7/decline-unsound",)),
    ("wsproto", "server", ("9.1/offers",)),
    ("wsproto", "server", ()),
}
"""Those in the opening handshake, by role; without rules: it breaks down."""


@pytest.mark.peers
def test_every_rule_fires_and_only_known_deviations_are_found() -> None:
    report = explore(6455, examples=60, processes=1)
    assert report.missing == {}
    assert wrong(report) == []
    opening = [f for f in report.findings if f.examined.attempt.from_first_octet]
    found = {(f.implementation, f.rules) for f in report.findings if f not in opening}
    assert found
    assert found <= KNOWN, found - KNOWN
    waits = [f for f in report.findings if f not in opening and (f.implementation, f.rules) in WAITS]
    assert {f.acts for f in waits} <= {("stays quiet",)}
    found_openings = {(f.implementation, f.role, f.rules) for f in opening}
    assert found_openings <= KNOWN_OPENINGS, found_openings - KNOWN_OPENINGS
    assert len(found_openings) >= len(KNOWN_OPENINGS) - 4, "each single change is tried every time"
    assert OWN not in {f.implementation for f in report.findings}
    assert {f.case for f in opening} - report.left_out.keys() <= {case.id for case in report.cases}
    check_suite({case.id: case for case in report.cases}.values())
    document = json.loads(json.dumps(report.to_json()))
    assert {"states", "transitions", "rules_fired", "findings"} <= document.keys()
    for finding in document["findings"]:
        assert {"implementation", "version", "role", "case", "rules", "strength"} <= finding.keys()


def test_an_exploration_needs_an_example() -> None:
    with pytest.raises(ValueError, match="at least one example"):
        explore(1, examples=0)
