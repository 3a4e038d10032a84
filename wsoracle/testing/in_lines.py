"""A judgement in lines for the report of a test that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.in_words import TraceInWords
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Observation

from ..text.judgements import Shown, judgement_lines


def lines_of(judgement: Judgement, trace: Sequence[Observation], role: Role | None = None) -> Iterator[str]:
    """The verdict, each rule that was not followed with its clause, the trace with the deciding observation marked, and
    what would have been allowed. ``role`` is that of an endpoint whose trace begins with the opening handshake.
    """
    yield f"{judgement.verdict}: {', '.join(judgement.rules) or judgement.words or 'nothing is wrong'}"
    words = TraceInWords(tuple(trace), role)
    shown = [Shown(index, "", words.of(index)) for index in range(len(trace))]
    yield from (f"  {line}" for line, _ in judgement_lines(judgement, shown))
