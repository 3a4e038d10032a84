"""Expectations of cases: candidates of behaviour are proposed, and the judge gives its verdict on each.

A case and a role go in; outcomes with verdicts and rules, and the answers that a tester waits for, come out. No outcome
is written by hand; since the judge takes longer than a run, its results are stored in ``data/expected.json``.
"""
