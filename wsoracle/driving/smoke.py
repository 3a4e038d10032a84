"""A first look at a new adapter: a short conversation, step by step, judged as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from wsoracle.generators.cases.steps import Greeting, answer_to
from wsoracle.model.facts.heads import sample_request
from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request
from wsoracle.model.octets.units import describe, frames_in
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, TEXT, Frame, Role
from wsoracle.properties.judge.observation import ArrivesEof, ClosesTcp, Quiet

from ..oracle.online import OnlineOracle
from .adapter_process import URI, AdapterProcess, Output

_END_OF_LINE: Final = b"\r\n"
_KEY: Final = b"\x37\xfa\x21\x3d"
STEPS: Final = (
    ("a text of one frame", (Frame(TEXT, b"hello"),)),
    ("an empty text", (Frame(TEXT, b""),)),
    ("a Ping", (Frame(PING, b"are you there"),)),
    ("a text of two fragments, with a Ping between them", (
        Frame(TEXT, b"hel", fin=False), Frame(PING, b""), Frame(CONTINUATION, b"lo")
    )),
    ("a Close", (Frame(CLOSE, b"\x03\xe8"),)),
)  # fmt: skip
"""What arrives at the endpoint, step by step: its name, and its frames."""


class SmokeStep(NamedTuple):
    """A step of the conversation: what came of it, and whether that is as it should be."""

    name: str
    good: bool
    words: str


def smoke(adapter: AdapterProcess, role: Role = Role.SERVER) -> Iterator[SmokeStep]:
    """Hold the conversation with an adapter that has started, in a role, up to the first step that goes wrong.

    Raises :class:`~.adapter_process.AdapterFault`.
    """
    is_server = role is Role.SERVER
    oracle = OnlineOracle(role, application="echo", opening=adapter.opening)
    opened = adapter.open(0, None if is_server else URI._replace(resource_name="/smoke"))
    if adapter.opening and is_server:
        request = sample_request(RequestFacts()).octets()
        yield from _step("the opening handshake", request, [opened, adapter.receive(0, request)], oracle, adapter)
    elif adapter.opening:
        yield _judged("its request", opened, oracle)
        parser = HeadParser(Role.SERVER)
        parser.feed(opened.octets)
        head = parser.result
        if not (isinstance(head, ParsedHead) and isinstance(head.head, Request) and oracle.explains()):
            return
        answer = answer_to(head.head, Greeting()).octets()
        yield from _step("the answer to it", answer, [adapter.receive(0, answer)], oracle, adapter)
    for name, frames in STEPS:
        if not oracle.explains():
            return
        octets = b"".join(encode(replace(frame, key=_KEY if is_server else None)) for frame in frames)
        yield from _step(name, octets, [adapter.receive(0, octets)], oracle, adapter)
    if oracle.explains() and not any(isinstance(seen, ClosesTcp) for seen in oracle.trace):
        oracle.observe(ArrivesEof())
        yield _judged("the end of TCP", adapter.eof(0), oracle)
    adapter.close(0)


def _step(
    name: str, octets: bytes, outputs: list[Output], oracle: OnlineOracle, adapter: AdapterProcess
) -> Iterator[SmokeStep]:
    """Octets arrive, and the application sends back what it is told."""
    oracle.received(octets)
    for output in outputs:
        outputs += [adapter.send(0, kind, payload) for kind, payload in output.messages]
    whole = Output(b"".join(one.octets for one in outputs), (), any(one.closes for one in outputs))
    yield _judged(name, whole, oracle)


def _judged(name: str, output: Output, oracle: OnlineOracle) -> SmokeStep:
    owed = oracle.owes()
    if output.octets:
        oracle.sent(output.octets)
    if output.closes:
        oracle.observe(ClosesTcp())
    wrote = _in_words(output)
    if oracle.observe(Quiet()):
        return SmokeStep(name, True, wrote)
    judgement = oracle.judgement()
    wanted = "; ".join(one.what for one in judgement.instead) or "; ".join(what for what, _ in owed)
    rules = ", ".join(judgement.rules) or judgement.words
    return SmokeStep(name, False, f"it {wrote}, and should: {wanted or 'do otherwise'} ({rules})")


def _in_words(output: Output) -> str:
    if output.octets.startswith((b"HTTP", b"GET ")):
        return f"wrote {output.octets.partition(_END_OF_LINE)[0].decode('latin-1')!a}"
    frames, rest = frames_in(output.octets)
    words = [str(describe(frame.header, frame.payload)) for frame in frames]
    words += [f"octets {output.octets[rest : rest + 20].hex()}..."] if rest < len(output.octets) else []
    wrote = f"wrote {', '.join(words)}" if words else "wrote nothing"
    return f"{wrote} and closed TCP" if output.closes else wrote
