"""The rules as a script: rows, variables and tables of the wire format for the explorer, made from the compiled rows.

``rules.js`` sets one global, ``wsoracleRules``; ``templates/explorer-machine.js`` asks it what an endpoint may do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from wsoracle.model.machine.certain_so_far import sure_failures
from wsoracle.model.machine.interpreted import LEVELS, PREFERENCE, Kind, label_of, unable
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

from .javascript import Translator, is_wide

_NULL: Final = re.compile(r"(?<=[\[,])null(?=,)")
"""A cell of a list that has nothing in it: JavaScript lets it be empty."""
_NUMBERS: Final = ("id", "code", "refuses", "soon", "unable")
_TEXTS: Final = ("strength", "on", "word", "quote", "outcome", "choice", "delivers", "due", "page")
VARIABLES: Final[Mapping[str, Var]] = {**STATE_VARIABLES, **ALL_FACTS, **SETTING_VARIABLES}


def rule_script(addresses: Mapping[str, str] | None = None) -> str:
    """The text of ``rules.js``; ``addresses`` say on which page each rule stands."""
    to, sure, events = translator(), sure_failures(RULES), {kind.value: possible(kind) for kind in EventKind}
    rows = ",\n".join(f"[{to.guard(rule.when)},{to.effects(rule.then.effects, STATE_VARIABLES)}]" for rule in RULES)
    certain = ",\n".join(f"{json.dumps(rule.id)}:{to.guard(rule.when)}" for rule in sure)
    happens = ",\n".join(f"{kind}:{to.guard(guard)}" for kind, guard in events.items())
    return (
        "// The rules of the model. Made from its rows: nobody's hand has to keep it true.\n"
        '(function (root) {\n"use strict";\n'
        f"const t = {{\n{to.shared()}}};\n"
        f"const rules = {_NULL.sub('', _json(_tables(addresses or {})))};\n"
        f"const rows = [\n{rows}];\n"
        f"const texts = {_json(list(_TEXTS))};\n"
        "rules.rows = rules.rows.map((cells, at) => {\n"
        "const row = { when: rows[at][0], then: rows[at][1] };\n"
        "rules.columns.forEach((name, place) => {\n"
        "const cell = cells[place];\n"
        "if (cell !== undefined && cell !== null) { row[name] = texts.includes(name) ? rules.texts[cell] : cell; }\n"
        "});\nreturn row;\n});\n"
        f"rules.sure = {{\n{certain}}};\n"
        f"rules.possible = {{\n{happens}}};\n"
        "for (const names of Object.values(rules.first)) { for (const name of rules.wide) {\n"
        "if (name in names) { names[name] = BigInt(names[name]); } } }\n"
        "rules.terms = t;\n"
        "root.wsoracleRules = rules;\n})(globalThis);\n"
    )


@lru_cache(maxsize=1)
def translator() -> Translator:
    """What translates expressions, with the terms that ``rules.js`` has as ``terms``."""
    every = [rule.when for rule in (*RULES, *sure_failures(RULES))]
    effects = [one for rule in RULES for one in rule.then.effects.values()]
    return Translator([*every, *effects, *map(possible, EventKind)])


def _tables(addresses: Mapping[str, str]) -> dict[str, Any]:
    rows = [row_cells(rule, addresses) for rule in RULES]
    # What many rows say stands once, and a row is a list of the numbers of texts.
    texts = [*dict.fromkeys(row[name] for row in rows for name in _TEXTS if name in row)]
    places = {text: place for place, text in enumerate(texts)}
    return {
        "texts": texts,
        "columns": [*_NUMBERS, *_TEXTS],
        "rows": [
            [*(row.get(name) for name in _NUMBERS), *(places.get(row.get(name, "")) for name in _TEXTS)] for row in rows
        ],
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


def row_cells(rule: Rule, addresses: Mapping[str, str]) -> dict[str, Any]:
    """What a row has beside its guard and effects, by the names that the scripts know."""
    label = label_of(rule)
    found: dict[str, Any] = {
        "id": rule.id, "strength": rule.strength.value, "on": rule.on.value, "word": rule.then.word,
        "quote": rule.quote, "refuses": int(rule.refuses),
    }  # fmt: skip
    if rule.id in addresses:
        found["page"] = addresses[rule.id].partition("#")[0]
    if label is not None:
        found |= {"code": label.code, "delivers": label.delivers, "unable": int(unable([rule])) or None}
        if label.kind is not Kind.PERMIT:
            found |= {"outcome": outcome_words(label), "choice": choice_words(label)}
    if isinstance(rule.then, Forbid) and rule.then.due is not None:
        found |= {"due": rule.then.due.name, "soon": int(rule.then.soon)}
    return {name: value for name, value in found.items() if value is not None}


def _variable(variable: Var) -> dict[str, Any]:
    found: dict[str, Any] = {"meaning": variable.meaning}
    if variable.sort is Sort.INT:
        found |= {"low": str(variable.low), "high": str(variable.high), "labels": dict(variable.labels)}
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
