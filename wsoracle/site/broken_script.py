"""Rules broken, as a script: the changed row of each telling fault, made from the mutant as ``rules.js`` from the rows.

``broken.js`` comes after ``rules.js`` and sets one global, ``wsoracleBroken``; the explorer loads it where its address
names a fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from wsoracle.generators.mutants.operators import Mutant
from wsoracle.model.notation.variables import STATE_VARIABLES
from wsoracle.model.rules import RULES

from .rule_script import row_cells, translator


def broken_script(faults: Iterable[Mutant], places: Mapping[str, str]) -> str:
    """The text of ``broken.js`` with these faults; ``places`` say where each is told of."""
    rows = ",\n".join(f"{json.dumps(fault.id)}:{_fault(fault, places.get(fault.id, ''))}" for fault in faults)
    return (
        "// Rules with one row changed. Made from the mutants of the rows: nobody's hand has to keep it true.\n"
        '(function (root) {\n"use strict";\n'
        "const rules = root.wsoracleRules, t = rules.terms;\n"
        f"const faults = {{\n{rows}}};\n"
        "const made = {};\n"
        "root.wsoracleBroken = {\n"
        "// The rule that a fault changes, the change in words, where it is told of; undefined for an unknown one.\n"
        "about(id) { return faults[id]; },\n"
        "// The rules with a fault, by kind of event; undefined for an unknown one.\n"
        "rules(id) {\n"
        "const fault = faults[id];\n"
        "if (fault && !made[id]) {\n"
        "const changed = rules.rows.filter((row) => fault.cells || row.id !== fault.rule)\n"
        ".map((row) => row.id === fault.rule ? Object.assign({}, row, fault.cells, fault) : row);\n"
        "made[id] = root.wsoracleMachine.ruleSet(changed);\n"
        "}\nreturn made[id];\n}\n};\n})(globalThis);\n"
    )


def _fault(fault: Mutant, place: str) -> str:
    about = (
        f"place:{json.dumps(place)},rule:{json.dumps(fault.rule)},change:{json.dumps(fault.change, ensure_ascii=False)}"
    )
    if fault.row is None:
        return f"{{{about}}}"
    to = translator()
    cells = json.dumps(_changed(fault), ensure_ascii=False, separators=(",", ":"))
    when, then = to.guard(fault.row.when), to.effects(fault.row.then.effects, STATE_VARIABLES)
    return f"{{{about},cells:{cells},when:{when},then:{then}}}"


def _changed(fault: Mutant) -> dict[str, Any]:
    """The cells of the row that differ from those of the original; null where there is nothing any more."""
    assert fault.row is not None
    ours, theirs = row_cells(RULES.by_id[fault.rule], {}), row_cells(fault.row, {})
    return {name: theirs.get(name) for name in (*ours, *theirs) if ours.get(name) != theirs.get(name)}
