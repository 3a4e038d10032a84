"""How many questions a second ``wsoracle oracle --stdio`` answers, in one process.

The lines of many conversations go through a session as they do from standard input, and each answer is checked to be
none of an error. Seconds are CPU time of this process, the fastest round counts: the figures belong to the machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import PING, PONG, TEXT, Frame

from ..oracle.session import OracleSession
from ..oracle.stdio import serve
from ..text.output import OnStep
from .frames import BenchFailed

CONNECTIONS: Final = 100
_EXCHANGES: Final = 5
_KEY: Final = b"\x37\xfa\x21\x3d"
_PING: Final = encode(Frame(PING, b"hello", key=_KEY)).hex()
_PONG: Final = encode(Frame(PONG, b"hello")).hex()
_TEXT: Final = encode(Frame(TEXT, b"hello" * 10, key=_KEY)).hex()

Question = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QuestionRate:
    """One mix of questions: how many there are, and how many a second were answered."""

    mix: str
    questions: int
    each_second: float


def _follow(connection: str) -> Iterator[Question]:
    """The frames of a connection as they come and go."""
    for _ in range(_EXCHANGES):
        yield {"cmd": "received", "connection": connection, "octets": _PING}
        yield {"cmd": "sent", "connection": connection, "octets": _PONG}
        yield {"cmd": "received", "connection": connection, "octets": _TEXT}
        yield {"cmd": "owes", "connection": connection}


def _decide(connection: str) -> Iterator[Question]:
    """What the endpoint may send, in every state that it comes to."""
    for _ in range(_EXCHANGES):
        yield {"cmd": "received", "connection": connection, "octets": _PING}
        yield {"cmd": "may_send", "connection": connection, "octets": _PONG}
        yield {"cmd": "may_send", "connection": connection, "frame": {"opcode": 1, "payload": "68656c6c6f"}}
        yield {"cmd": "sent", "connection": connection, "octets": _PONG}


def _octets(connection: str) -> Iterator[Question]:
    """Frames encoded and decoded."""
    for _ in range(_EXCHANGES):
        yield {"cmd": "encode", "frame": {"opcode": 1, "payload": "68656c6c6f", "key": "37fa213d"}}
        yield {"cmd": "decode", "octets": _TEXT}


def _explain(connection: str) -> Iterator[Question]:
    """A frame explained in full."""
    yield {"cmd": "explain", "octets": _PING}


MIXES: Final[dict[str, Callable[[str], Iterator[Question]]]] = {
    "follow connections": _follow,
    "follow, and ask what may be sent": _decide,
    "encode and decode": _octets,
    "explain": _explain,
}


def _lines(ask: Callable[[str], Iterator[Question]]) -> tuple[bytes, int]:
    """The lines of a session in which many connections run side by side; how many of its questions count."""
    names = [f"c{number}" for number in range(CONNECTIONS)]
    opens: list[Question] = [{"cmd": "open", "connection": name, "role": "server", "opening": False} for name in names]
    asked = [question for beside in zip(*map(ask, names), strict=True) for question in beside]
    start: Question = {"cmd": "start", "version": 1}
    lines = [json.dumps({"seq": seq, **one}) for seq, one in enumerate([start, *opens, *asked])]
    return "\n".join(lines).encode(), len(lines)


def run_question_bench(rounds: int = 7, progress: OnStep | None = None) -> list[QuestionRate]:
    """Measure every mix. Raises :class:`BenchFailed` where a question is answered with an error."""
    found = []
    for number, (mix, ask) in enumerate(MIXES.items(), 1):
        lines, count = _lines(ask)
        seconds = min(_seconds(lines, count) for _ in range(rounds))
        found.append(QuestionRate(mix, count, count / seconds))
        if progress is not None:
            progress(mix, number, len(MIXES))
    return found


def _seconds(lines: bytes, count: int) -> float:
    """CPU seconds of one session."""
    chunks = iter([lines[at : at + (1 << 16)] for at in range(0, len(lines), 1 << 16)])
    written: list[bytes] = []
    session = OracleSession()
    begin = time.process_time()
    serve(lambda most: next(chunks, b""), written.append, session)
    seconds = time.process_time() - begin
    answers = [json.loads(line) for line in b"".join(written).splitlines()]
    wrong = [one for one in answers if "error" in one or one.get("conforms") is False]
    if wrong or len(answers) != count:
        raise BenchFailed(f"{len(answers)} answers to {count} questions, and this is wrong: {wrong[:1]}")
    return seconds


def as_json(rates: Sequence[QuestionRate]) -> dict[str, Any]:
    """The figures as one object."""
    return {
        "questions": [
            {"mix": one.mix, "questions": one.questions, "eachSecond": round(one.each_second)} for one in rates
        ]
    }


def as_table(rates: Sequence[QuestionRate]) -> Table:
    """The figures for people."""
    table = Table("questions to the oracle", "questions", "a second of CPU", title=f"{CONNECTIONS} connections at once")
    for one in rates:
        table.add_row(one.mix, f"{one.questions:,}", f"{one.each_second:,.0f}")
    return table
