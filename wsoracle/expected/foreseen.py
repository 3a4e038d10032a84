"""The knowledge of a case before it runs, as data: outcomes for people, and the answers that a tester waits for."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

OwedAnswers: TypeAlias = tuple[int, int, bool, bool, int]
"""Messages and Pongs that are owed for something that was sent, whether it makes the endpoint fail the connection,
whether it was a Close that was taken; and for how many such things after each other the same holds."""


class Outcomes(NamedTuple):
    """The expectation of a case: outcomes as objects (verdict, what, rules), and in Autobahn's form."""

    outcomes: list[dict[str, Any]]
    expected: dict[str, Any]
    expected_close: dict[str, Any]
