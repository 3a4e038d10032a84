"""Histories for the explorer as text, as they stand in its address: example runs, and the cases made for rules.

``templates/explorer-history.js`` reads and writes the same text, and says what it means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import EndSending, SendFrame, SendHead
from wsoracle.model.facts.frames import DEFAULT_KEY, concrete
from wsoracle.model.facts.heads import facts_of_request, facts_of_response, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact
from wsoracle.model.notation.variables import Facts
from wsoracle.model.octets.frames import minimal_form
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Request
from wsoracle.model.octets.vocabulary import CONTINUATION, TEXT, Frame, Role

from ..spec.player import Break, Does, RunStep
from ..spec.runs import OPENINGS, RUNS
from .knowledge import Knowledge

SIDES: Final = {Role.CLIENT: "c", Role.SERVER: "s"}
_HELLO: Final = b"Hello"
_LETTERS: Final = re.compile(rb"a{16,}")


def run_text(steps: Iterable[RunStep | Break], start: str) -> str:
    """An example run; ``start`` is ``open`` or ``connect``."""
    request = Request("1.1", ())
    texts = [start]
    for step in steps:
        if isinstance(step, Break):
            texts.append("cut")
        elif step.sent is None:
            texts.append(f"{SIDES[step.who]}:{'take' if step.does is Does.TAKE else 'end'}")
        else:
            texts.append(f"{SIDES[step.who]}:{_sent(step.sent, request)}")
            if isinstance(step.sent, RequestFacts) and is_head(step.sent):
                request = sample_request(step.sent)
    return ";".join(texts)


def _sent(sent: Facts, request: Request) -> str:
    if isinstance(sent, ResponseFacts):
        # What a response says depends on what was asked.
        return head_text(facts_of_response(_read(Role.CLIENT, response_octets(sent, request)), request))
    if isinstance(sent, RequestFacts):
        return head_text(sent)
    words = {TEXT: _HELLO[: sent.length], CONTINUATION: _HELLO[-sent.length :]}.get(sent.opcode)
    frame = concrete(sent, payload=words if sent.length <= len(_HELLO) else None).frame
    assert frame is not None
    return frame_text(frame)


def is_head(facts: RequestFacts | ResponseFacts) -> bool:
    """Whether octets with these facts are a head of HTTP."""
    return label_of_fact("syntax", facts.syntax) in ("well-formed", "tolerated")


def head_text(facts: RequestFacts | ResponseFacts) -> str:
    """A head by those of its facts that differ from a sound one."""
    kind = "request" if isinstance(facts, RequestFacts) else "response"
    sound = type(facts)()
    changed = [f"{n}={int(v)}" for n, v in facts._asdict().items() if v != getattr(sound, n)]
    return ".".join([kind, *changed])


def frame_text(frame: Frame) -> str:
    """A frame by its fields; of a long row of the letter a the number stands."""
    bits = "".join(str(n) for n in (1, 2, 3) if getattr(frame, f"rsv{n}"))
    form = "" if frame.form is None or frame.form == minimal_form(frame.length) else "sxy"[frame.form]
    first = f"{frame.opcode:x}{'f' if frame.fin else ''}{f'r{bits}' if bits else ''}{form}"
    letters = _LETTERS.search(frame.payload)
    payload = frame.payload.hex()
    if letters is not None:
        before, after = frame.payload[: letters.start()], frame.payload[letters.end() :]
        payload = f"{before.hex()}*{len(letters[0])}*{after.hex()}"
    return ".".join([first, "-" if frame.key is None else frame.key.hex(), payload])


def case_text(case: Case, role: Role) -> str | None:
    """A case for an endpoint of a role, whose peer is the reader; None where its octets are no whole units."""
    me, you = SIDES[role], SIDES[role.peer]
    steps = [f"{me}:request"] if case.opening and role is Role.CLIENT else []
    for step in case.steps:
        match step:
            case SendFrame() if step.is_whole:
                steps.append(f"{you}:{frame_text(_as_sent(case, step.written, role.peer))}")
            case SendHead():
                steps.append(f"{you}:{head_text(_head(step, role))}")
            case EndSending():
                steps.append(f"{you}:end")
            case _:
                return None
        steps.append(f"{me}:take")
    return ";".join([f"{'connect' if case.opening else 'open'},you={role.peer.value}", *steps])


def _as_sent(case: Case, frame: Frame, tester: Role) -> Frame:
    if frame.key is not None or tester is Role.SERVER or case.allowed:
        return frame
    return Frame(
        frame.opcode, frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3, DEFAULT_KEY, frame.form
    )  # fmt: skip


def _head(step: SendHead, role: Role) -> RequestFacts | ResponseFacts:
    if step.facts is not None:
        return step.facts
    if role is Role.SERVER:
        return facts_of_request(_read(role, step.octets))
    return facts_of_response(_read(role, step.octets), sample_request(RequestFacts()))


def _read(role: Role, octets: bytes) -> ParsedHead | Malformed:
    """The head that an endpoint of a role reads."""
    reader = HeadParser(role)
    reader.feed(octets)
    assert reader.result is not None
    return reader.result


def preset_script(known: Knowledge) -> str:
    """The text of ``presets.js``: groups of histories, each with its words."""
    groups = [
        ["Example runs", [[_words(name), run_text(steps, "open")] for name, steps in RUNS.items()]],
        ["Opening handshakes", [[_words(name), run_text(steps, "connect")] for name, steps in OPENINGS.items()]],
        ["A rule at work", [*_of_rules(known.cases)]],
    ]
    text = json.dumps(groups, ensure_ascii=False, separators=(",", ":"))
    return f"window.wsoraclePresets = {text};\n"


def _of_rules(cases: Iterable[Case]) -> Iterator[list[Any]]:
    for case in cases:
        if case.origin.rule:
            for role in sorted(case.roles):
                text = case_text(case, role)
                if text is not None:
                    yield [f"{case.origin.rule}, at a {role.value}", text]


def _words(name: str) -> str:
    return name.replace("-", " ")
