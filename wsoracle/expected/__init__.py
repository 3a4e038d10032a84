"""What is expected in a case: candidates of behaviour are proposed, and the judge says its verdict on each.

A case and a role go in; outcomes with verdicts and rules, and the answers that a tester waits for, come out. Nothing is
typed in; since the judge takes longer than a run, what it says is kept in ``data/expected.json``.
"""
