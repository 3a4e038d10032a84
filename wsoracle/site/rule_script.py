"""The rules as a script: rows, variables and tables of the wire format for the explorer, made from the compiled rows.

``rules.js`` sets one global, ``wsoracleRules``; ``templates/explorer-machine.js`` asks it what an endpoint may do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from wsoracle.model.machine.certain_so_far import sure_failures
from wsoracle.model.machine.interpreted import LEVELS, PREFERENCE, Kind, label_of
from wsoracle.model.machine.words import DUES, FRAMES, choice_words, outcome_words
from wsoracle.model.notation.expression import Sort, Var
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import STRENGTHS, Due, Forbid, Rule
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import (
    ALL_FACTS,
    CONNECTING,
    FACT_VARIABLES,
    NO_CODE,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    EventKind,
    FrameFacts,
    Setting,
    State,
    possible,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import DEFAULT_LIMIT, Role
from wsoracle.model.rules import RULES
from wsoracle.model.rules.close_codes import REGISTER

from .javascript import effect_function, guard_function, is_wide, term_functions

VARIABLES: Final[Mapping[str, Var]] = {**STATE_VARIABLES, **ALL_FACTS, **SETTING_VARIABLES}


def rule_script() -> str:
    """The text of ``rules.js``."""
    rows = ",\n".join(f"[{guard_function(rule.when)},{_effects(rule)}]" for rule in RULES)
    sure = ",\n".join(
        f"{json.dumps(rule.id)}:{guard_function(rule.when)}" for rule in sure_failures(RULES)
    )
    events = ",\n".join(f"{kind.value}:{guard_function(possible(kind))}" for kind in EventKind)
    return (
        "// The rules of the model. Made from its rows: nobody's hand has to keep it true.\n"
        '(function (root) {\n"use strict";\n'
        f"const t = {{\n{term_functions()}}};\n"
        f"const rules = {_json(_tables())};\n"
        f"const rows = [\n{rows}];\n"
        "rules.rows.forEach((row, at) => { row.when = rows[at][0]; row.then = rows[at][1]; });\n"
        f"rules.sure = {{\n{sure}}};\n"
        f"rules.possible = {{\n{events}}};\n"
        "for (const names of Object.values(rules.first)) { for (const name of rules.wide) {\n"
        "if (name in names) { names[name] = BigInt(names[name]); } } }\n"
        "root.wsoracleRules = rules;\n})(globalThis);\n"
    )


def _effects(rule: Rule) -> str:
    return effect_function(rule.then.effects, STATE_VARIABLES)


def _tables() -> dict[str, Any]:
    return {
        "rows": [_row(rule) for rule in RULES],
        "variables": {name: _variable(variable) for name, variable in VARIABLES.items()},
        "wide": [name for name, variable in VARIABLES.items() if is_wide(variable)],
        "facts": {kind.value: list(names) for kind, names in FACT_VARIABLES.items()},
        "first": _first_values(),
        "strengths": [strength.value for strength in STRENGTHS],
        "binding": [strength.value for strength in STRENGTHS if strength.binds],
        "levels": [[strength.value for strength in STRENGTHS if level.keeps(strength)] for level in LEVELS],
        "preference": [kind.value for kind in PREFERENCE],
        "inputs": [kind.value for kind in EventKind if kind.is_input],
        "dues": {due.name: DUES[due] for due in Due},
        "switches": [
            {"name": one.variable.name, "question": one.question, "values": one.values} for one in SWITCHES
        ],
        "codes": [[row.low, row.high, row.meaning] for row in REGISTER],
        "frames": FRAMES,
        "noCode": NO_CODE,
        "utf8": {"rows": utf8.ROWS, "accept": utf8.ACCEPT, "reject": utf8.REJECT},
    }  # fmt: skip


def _first_values() -> dict[str, dict[str, Any]]:
    """The values that variables have before anything is said of them, by what they belong to."""
    return {
        "open": State()._asdict(),
        "connecting": CONNECTING._asdict(),
        "frame": FrameFacts(0)._asdict(),
        "request": RequestFacts()._asdict(),
        "response": ResponseFacts()._asdict(),
        **{role.value: dict(Setting(role, limit=DEFAULT_LIMIT).values) for role in Role},
    }


def _row(rule: Rule) -> dict[str, Any]:
    label = label_of(rule)
    found: dict[str, Any] = {
        "id": rule.id, "strength": rule.strength.value, "on": rule.on.value, "word": rule.then.word,
        "quote": rule.quote, "words": rule.words or rule.does, "refuses": rule.refuses,
    }  # fmt: skip
    if label is not None:
        found |= {"code": label.code, "delivers": label.delivers}
        found |= {"outcome": outcome_words(label), "choice": choice_words(label)} if label.kind is not Kind.PERMIT else {}
    if isinstance(rule.then, Forbid) and rule.then.due is not None:
        found |= {"due": rule.then.due.name, "soon": rule.then.soon}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _variable(variable: Var) -> dict[str, Any]:
    found: dict[str, Any] = {"meaning": variable.meaning}
    if variable.sort is Sort.INT:
        found |= {"low": str(variable.low), "high": str(variable.high), "labels": dict(variable.labels)}
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
