"""The page of a case: the verdict with its clauses, then everything that the established suite's page shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from wsoracle.model.vocabulary import OPCODE_NAMES

from .sequence import sequence_diagram
from .style import policy, template_environment

__all__ = ["case_page", "label_of"]

Record = Mapping[str, Any]

FACTS: Final = (
    ("isServer", "the tester was the server, the endpoint under test the client"),
    ("closedByMe", "the tester sent the first Close"),
    ("failedByMe", "the tester failed the connection, because the endpoint broke the protocol"),
    ("droppedByMe", "the tester was the first to close TCP"),
    ("wasClean", "both sides sent a Close, and TCP ended after that"),
    ("wasNotCleanReason", "why the connection did not close cleanly"),
    (
        "wasServerConnectionDropTimeout",
        "the server did not close TCP in time after the closing handshake",
    ),
    ("wasOpenHandshakeTimeout", "the opening handshake was not complete in time"),
    ("wasCloseHandshakeTimeout", "the endpoint did not answer the tester's Close in time"),
    ("localCloseCode", "the status code of the tester's Close"),
    ("localCloseReason", "the reason in the tester's Close"),
    ("remoteCloseCode", "the status code of the endpoint's Close"),
    ("remoteCloseReason", "the reason in the endpoint's Close"),
)

_OURS: Final[dict[str, Any]] = {
    "title": "", "group": [], "role": "", "counts": True, "note": "", "rules": [], "deciding": None, "allowed": [],
    "expected": [], "timeline": [], "control": None,
}  # fmt: skip

_THEIRS: Final[dict[str, Any]] = {
    "agent": "?", "id": "?", "behavior": "?", "behaviorClose": "?", "duration": 0, "started": "?", "description": "",
    "expectation": "", "result": "", "resultClose": "", "received": [], "expected": {}, "httpRequest": "?",
    "httpResponse": "?", "createWirelog": True, "wirelog": [],
}  # fmt: skip


def label_of(record: Record) -> str:
    """The verdict on a case in a word or two."""
    ours = record.get("wsoracle") or {}
    return str(ours.get("verdict", record.get("behavior", "?"))) if ours.get("counts", True) else "NO CONTROL"


def case_page(record: Record, control_page: str | None = None) -> str:
    """HTML of a record; ``control_page`` is the file of the page of its control. Nothing in the record is trusted."""
    shown = {**_THEIRS, **record}
    ours = {**_OURS, **(record.get("wsoracle") or {})}
    timeline: Sequence[Mapping[str, Any]] = ours["timeline"]
    text: str = _template().render(
        policy=policy(script=False),
        r=shown,
        w=ours,
        label=label_of(record),
        control_page=control_page,
        decided=next((step for step in timeline if step.get("deciding")), None),
        diagram=sequence_diagram(timeline, str(ours["role"])),
        facts=FACTS,
        statistics=_statistics(shown),
        wire=list(_wire(shown["wirelog"])),
    )
    return text


@lru_cache(maxsize=1)
def _template() -> Any:
    environment: Any = template_environment()
    environment.filters.update(events=_events, fact=_fact, octets=_octets)
    return environment.get_template("case.html.j2")


def _fact(value: Any) -> str:
    if value is None:
        return "-"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _events(events: Any) -> str:
    if not isinstance(events, list) or not events:
        return "none"
    return ", ".join(_event(event) for event in events)


def _event(event: Any) -> str:
    match event:
        case ["message", str(text), bool(binary)]:
            return f"{'binary' if binary else 'text'} message {text!r}"
        case ["ping" | "pong" | "timeout" as kind, str(text)]:
            return f"{kind} {text!r}"
    return str(event)


def _statistics(record: Record) -> Iterator[tuple[str, list[tuple[str, int]], str]]:
    for field, title, unit in (
        ("rxOctetStats", "Octets received by chop size", "chop size"),
        ("txOctetStats", "Octets transmitted by chop size", "chop size"),
        ("rxFrameStats", "Frames received by opcode", "opcode"),
        ("txFrameStats", "Frames transmitted by opcode", "opcode"),
    ):
        counts = record.get(field) or {}
        pairs = [(str(key), count) for key, count in counts.items() if str(key).isdigit() and isinstance(count, int)]
        yield title, sorted(pairs, key=lambda pair: int(pair[0])), unit


def _octets(counts: Iterable[tuple[str, int]]) -> int:
    return sum(int(size) * count for size, count in counts)


def _wire(lines: Any) -> Iterator[tuple[int, str, str, str]]:
    """The lines of a wire log: number, style, what, detail."""
    for number, line in enumerate(lines if isinstance(lines, list) else ()):
        match line:
            case ["RO", [int(size), str(octets)], *_]:
                yield number, "rx", "RX OCTETS", f"{size}: {octets}"
            case ["TO", [int(size), str(octets)], *_]:
                yield number, "tx", "TX OCTETS", f"{size}: {octets}"
            case ["RF", [int(size), str(text)], opcode, fin, rsv, masked, mask, *_]:
                yield number, "rx", "RX FRAME", _frame(size, text, opcode, fin, rsv, mask if masked else None)
            case ["TF", [int(size), str(text)], opcode, fin, rsv, mask, *_]:
                yield number, "tx", "TX FRAME", _frame(size, text, opcode, fin, rsv, mask)
            case ["CT" | "CTE" | "KL" | "KLE" | "TI" | "TIE" | "WLM" as kind, *detail]:
                yield number, "dim", *_timer(kind, detail)
            case [str(kind), *detail]:
                yield number, "dim", kind, " ".join(map(str, detail))


def _frame(size: int, text: str, opcode: Any, fin: Any, rsv: Any, mask: Any) -> str:
    name = OPCODE_NAMES.get(opcode, "?") if isinstance(opcode, int) else "?"
    return f"OPCODE={opcode} ({name}), FIN={fin}, RSV={rsv}, PAYLOAD-LEN={size}, MASK={mask or '-'}: {text}"


def _timer(kind: str, detail: list[Any]) -> tuple[str, str]:
    said = " ".join(map(str, detail))
    return {
        "CT": ("CONTINUE", f"after {said}"),
        "CTE": ("CONTINUED", said),
        "KL": ("FAIL CONNECTION", f"AFTER {said} sec"),
        "KLE": ("FAILING CONNECTION", ""),
        "TI": ("SILENCE", f"{said} sec"),
        "TIE": ("CLOSED AFTER", said),
        "WLM": ("WIRE LOG", "on from here" if detail[:1] == [True] else "no further lines"),
    }.get(kind, (kind, said))
