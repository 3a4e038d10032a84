"""A judgement in lines for the report of a test that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.in_words import TraceInWords
from wsoracle.properties.judge.judge import Judgement
from wsoracle.properties.judge.observation import Observation

from ..text.clauses import clause


def lines_of(judgement: Judgement, trace: Sequence[Observation], role: Role | None = None) -> Iterator[str]:
    """The verdict, each rule that was not followed with its clause, the trace with the deciding observation marked, and
    what would have been allowed. ``role`` is that of an endpoint whose trace begins with the opening handshake.
    """
    yield f"{judgement.verdict}: {', '.join(judgement.rules) or judgement.words or 'nothing is wrong'}"
    for rule in judgement.rules:
        yield f"  {rule}: {clause(rule)}"
    words = TraceInWords(tuple(trace), role)
    for index in range(len(trace)):
        yield f"  {'>>>' if index == judgement.at else '   '} {words.of(index)}"
    for one in judgement.instead:
        yield f"  would have been allowed: {one.what} ({', '.join(one.rules)})"
    if judgement.words and judgement.rules:
        yield f"  {judgement.words}"
