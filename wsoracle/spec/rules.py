"""The blocks of docs/spec.md about the rules: the tables by topic, what guards are made of, switches, close codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from wsoracle.model.machine.words import EVENTS
from wsoracle.model.notation import named
from wsoracle.model.notation.expression import Sort, Var
from wsoracle.model.notation.rule import LEGAL, STRENGTHS, Rule, Strength
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import (
    FRAME_VARIABLES,
    LARGEST_LENGTH,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    State,
    label,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES, closing, compression, receiving, requests, responses, sending
from wsoracle.model.rules.close_codes import REGISTER, CodeRange

from .markdown import RULE_HEAD, cell, code, effects_text, rule_row, table, term_text


class Topic(NamedTuple):
    """Rules that are shown together."""

    name: str
    rules: tuple[Rule, ...]


TOPICS: Final = (
    Topic("requests-client", requests.SENDING_REQUESTS),
    Topic("requests-server", requests.READING_REQUESTS),
    Topic("responses-server", responses.SENDING_RESPONSES),
    Topic("responses-client", responses.READING_RESPONSES),
    Topic("framing", (*receiving.FRAMING, *sending.FRAMING)),
    Topic("fragmentation", (*receiving.FRAGMENTATION, *sending.FRAGMENTATION)),
    Topic("messages", (*receiving.MESSAGES, *sending.MESSAGES)),
    Topic("content", (*receiving.UTF8, *sending.CONTENT)),
    Topic("control", (*receiving.CONTROL, *sending.CONTROL)),
    Topic("limits", receiving.LIMITS),
    Topic("compression-agreed", compression.NEGOTIATION),
    Topic("compression", (*compression.RECEIVING_DEFLATE, *compression.SENDING_DEFLATE)),
    Topic("codes", (*receiving.CLOSE_BODY, *sending.CODES)),
    Topic("order", (*receiving.NOT_PROCESSED, *sending.ORDER)),
    Topic("tcp", (*closing.END_OF_TCP, *closing.CLOSING_TCP)),
    Topic("silence", closing.SILENCE),
)
"""Every rule stands in exactly one topic."""


def rule_tables(topic: Topic) -> str:
    """The rules of a topic, a table for each kind of event."""
    parts = []
    for kind, words in EVENTS.items():
        rows = [rule_row(rule) for rule in topic.rules if rule.on is kind]
        if rows:
            parts.append(f"**{words[0].upper()}{words[1:]}**\n\n{table(RULE_HEAD, rows)}")
    return "\n\n".join(parts)


def counts() -> str:
    """How many rules there are, by event and strength."""
    head = ("event", *(strength.value for strength in STRENGTHS), "all")
    rows = [(words, *_by_strength(RULES.of(kind))) for kind, words in EVENTS.items()]
    return table(head, [*rows, ("all", *_by_strength(RULES))])


def _by_strength(rules: Iterable[Rule]) -> tuple[str, ...]:
    found = tuple(rules)
    return (*(str(sum(r.strength is strength for r in found)) for strength in STRENGTHS), str(len(found)))


# --- what guards are made of ----------------------------------------------------------------------------------------


def state_variables() -> str:
    """The variables of the state, with their value right after the opening handshake."""
    start = State()._asdict()
    rows = [(code(name), _values(v), label(name, start[name]), v.meaning) for name, v in STATE_VARIABLES.items()]
    return table(("variable", "values", "at the start", "meaning"), rows)


def frame_variables() -> str:
    """The facts of a frame that rules see."""
    rows = [(code(name), _values(v), v.meaning) for name, v in FRAME_VARIABLES.items()]
    return table(("variable", "values", "meaning"), rows)


def setting_variables() -> str:
    """The variables that stay fixed during a connection."""
    rows = [(code(n), _values(v), v.meaning) for n, v in SETTING_VARIABLES.items() if v.meaning]
    rows.append((code("switch_..."), "its own", "one variable for each switch of chapter 15"))
    return table(("variable", "values", "meaning"), rows)


def _values(variable: Var) -> str:
    """The values that a variable may have, by name where all of them have one."""
    if variable.sort is Sort.BOOL:
        return "yes, no"
    if variable.name == "opcode":  # sixteen names would say less than the range does
        return f"{variable.low} to {variable.high}"
    named = [value for value in sorted(variable.labels) if variable.low <= value <= variable.high]
    names = ", ".join(variable.labels[value] for value in named)
    if len(named) == variable.high - variable.low + 1:
        return names
    low = variable.low + len(named)
    high = "2^64 - 1" if variable.high == LARGEST_LENGTH else str(variable.high)
    return f"{names}{', ' if names else ''}{low} to {high}"


def terms() -> str:
    """The named parts of guards."""
    rows = [(code(t.name), code(term_text(t)), t.meaning) for t in named.terms()]
    binding = [s.value for s in STRENGTHS if s.binds]
    refused = f"no row of strength {', '.join(binding[:-1])} or {binding[-1]} refuses the event"
    return table(("name", "stands for", "in words"), [(code(LEGAL.name), refused, "nothing speaks against it"), *rows])


def bundles() -> str:
    """The named effects."""
    return table(("name", "stands for"), [(f"*{b.name}*", effects_text(b.effects)) for b in named.bundles()])


# --- switches and close codes ---------------------------------------------------------------------------------------


def switches() -> str:
    """The disputed points."""
    rows = [
        (code(s.name), s.sections, cell(s.question), ", ".join(f"**{v}**" if v == s.default else v for v in s.values),
         cell(s.reason))
        for s in SWITCHES
    ]  # fmt: skip
    return table(("switch", "sections", "question", "values (the default in bold)", "reason for the default"), rows)


def close_codes() -> str:
    """The register of close codes."""
    rows = [
        (row.codes, cell(row.meaning), _senders(row), _against(row), f"{cell(row.quote)} ({_source(row)})")
        for row in REGISTER
    ]
    head = ("codes", "meaning", "senders", "rows against it", "words of RFC 6455")
    return table(head, rows)


def _senders(row: CodeRange) -> str:
    disputed = row.disputed if row.switch else frozenset()
    settled = [role.value for role in Role if role in row.senders and role not in disputed]
    if row.switch is None:
        return " and ".join(settled) or "neither end"
    open_to = " and ".join(role.value for role in Role if role in disputed)
    asked = f"{open_to}: as {code(row.switch)} says"
    return f"{' and '.join(settled)}; {asked}" if settled else asked


def _source(row: CodeRange) -> str:
    return f"section {row.section}" + ("" if row.source == "RFC 6455" else f"; {row.source}")


def _against(row: CodeRange) -> str:
    """The strength of the rows that refuse the code, in an endpoint that sends it and in one that receives it."""
    if row.forbidden is None and row.switch is None:
        return "none"
    rows = f"send: {(row.forbidden or Strength.CONSENSUS).value}; receive: {Strength.CONSENSUS.value}"
    return rows if row.switch is None else f"if the switch says refuse, {rows}"
