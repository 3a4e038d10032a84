"""docs/spec.md: its blocks are what the model says, and the text around them agrees with the model and the RFC."""

import random
import re
from collections import Counter
from functools import cache, partial
from pathlib import Path

import pytest

from wsoracle import spec
from wsoracle.model.notation import named
from wsoracle.model.notation.expression import Expr, Sort, Value, Var, evaluate, substitute, subterms, variables
from wsoracle.model.notation.rule import LEGAL, Accept, Fail, Reaction, Refuse, Rule, effects
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import (
    ALL_FACTS,
    HANDSHAKE,
    LOST,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    EventKind,
    FrameFacts,
    State,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.model.rules.receiving import FAILING
from wsoracle.spec import document, markdown, rules, runs, states
from wsoracle.spec.player import Does, RunStep, play

PATH = Path(__file__).resolve().parents[3] / spec.DOCUMENT
DOCUMENT = PATH.read_text(encoding="utf-8")
PARTS = tuple(document.parts(DOCUMENT))
BY_HAND = "".join(part.text for part in PARTS if part.name is None)


# --- the blocks

MADE_ONCE = {name: cache(make) for name, make in document.BLOCKS.items()}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block made once for all tests. Those that take seconds are as the document has them; test_no_block_is_stale
    makes them for once."""
    slow = {part.name: part.text.strip("\n") for part in PARTS if part.name and part.name.startswith("state")}
    monkeypatch.setattr(document, "BLOCKS", {**MADE_ONCE, **{name: partial(str, text) for name, text in slow.items()}})


def test_no_block_is_stale() -> None:
    names = document.stale(PATH)
    assert not names, f"stale in docs/spec.md, run make docs: {', '.join(names)}"


@pytest.mark.usefixtures("quick")
def test_a_stale_block_is_named() -> None:
    changed = DOCUMENT.replace("| `A` | pong | control |", "| `A` | pang | control |")
    assert document.stale_blocks(changed) == ["opcodes"]
    assert document.render(changed) == DOCUMENT


@pytest.mark.usefixtures("quick")
def test_a_line_too_many_is_stale() -> None:
    changed = DOCUMENT.replace("<!-- end:opcodes -->", "\n<!-- end:opcodes -->")
    assert document.stale_blocks(changed) == ["opcodes"]


@pytest.mark.usefixtures("quick")
def test_what_is_written_by_hand_is_kept() -> None:
    changed = DOCUMENT.replace("## 1. The setting\n", "## 1. The setting\n\n\nMore.\n")
    assert document.render(changed) == changed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<!-- end:opcodes -->\n", "", "block rules-framing begins inside block opcodes"),
        ("<!-- generated:opcodes -->\n", "", "block opcodes ends, but none is open"),
        ("<!-- generated:opcodes -->", "<!-- generated:opcode -->", "block opcode begins which nothing makes"),
        ("<!-- generated:opcodes -->", "<!-- generated: opcodes -->", "not a marker"),
        (
            "<!-- end:opcodes -->\n",
            "<!-- end:opcodes -->\n<!-- generated:opcodes -->\n<!-- end:opcodes -->\n",
            "second",
        ),
        ("<!-- generated:opcodes -->\n<!-- end:opcodes -->\n", "", "no marker for opcodes"),
        ("<!-- end:rules-framing -->\n", "", "block rules-framing has no end"),
    ],
)
def test_markers_that_are_not_in_order(
    old: str, new: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(document, "BLOCKS", {"opcodes": lambda: "some", "rules-framing": lambda: "others"})
    text = "A\n" + "".join(f"<!-- generated:{name} -->\n<!-- end:{name} -->\nB\n" for name in document.BLOCKS)
    assert document.stale_blocks(document.render(text)) == []
    path = tmp_path / "spec.md"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(document.MarkerError, match=message):
        document.write(path)
    assert path.read_text(encoding="utf-8") == text.replace(old, new)


@pytest.mark.usefixtures("quick")
def test_write_makes_stale_blocks_anew_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "spec.md"
    path.write_text(DOCUMENT.replace("| `A` | pong | control |\n", ""), encoding="utf-8")
    assert document.write(path) == ["opcodes"]
    assert path.read_text(encoding="utf-8") == DOCUMENT
    assert document.write(path) == []
    assert [file.name for file in tmp_path.iterdir()] == ["spec.md"]


@pytest.mark.usefixtures("quick")
def test_blocks_are_the_same_each_time() -> None:
    assert all(document.block(name) == document.block(name) for name in document.BLOCKS)


# --- Markdown


def cells(line: str) -> list[str]:
    """The cells of a line of a table: what a reader of GitHub's Markdown takes as such."""
    return re.split(r"(?<!\\)\|", line.strip())[1:-1]


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    lines = DOCUMENT.splitlines()
    heads = [i for i, line in enumerate(lines) if re.fullmatch(r"\|(-+\|)+", line)]
    assert heads
    for i in heads:
        assert not lines[i - 2].strip(), f"a table needs an empty line before it: {lines[i - 1]}"
        count = len(cells(lines[i]))
        for line in (lines[i - 1], *lines[i + 1 :]):
            if not line.startswith("|"):
                break
            assert len(cells(line)) == count, line


def test_cells_escape_what_would_end_them() -> None:
    assert markdown.cell("a | b\n <c>") == "a \\| b &lt;c>"
    assert markdown.code("a | b") == "`a \\| b`"
    with pytest.raises(ValueError, match="1 cells below a head of 2"):
        markdown.table(("a", "b"), [("c",)])


def test_fences_are_closed_and_no_line_has_trailing_space() -> None:
    assert DOCUMENT.count("\n```") % 2 == 0
    assert not [line for line in DOCUMENT.splitlines() if line != line.rstrip()]


def mermaid() -> list[list[str]]:
    return [block.splitlines() for block in re.findall(r"```mermaid\n(.*?)\n```", DOCUMENT, re.DOTALL)]


def test_flowcharts_use_only_nodes_that_they_declare() -> None:
    charts = [block for block in mermaid() if block[0].startswith("flowchart ")]
    assert charts
    for chart in charts:
        declared = {m[1] for line in chart if (m := re.match(r'\s+([a-z]\w*)[\[({]+"[^"]+"[\])}]+$', line))}
        arrows = [re.fullmatch(r'\s+([a-z]\w*) -->(?:\|"[^"]+"\|)? ([a-z]\w*)', line) for line in chart]
        used = {m[i] for m in arrows if m for i in (1, 2)}
        assert used == declared
        assert "end" not in declared
        assert len(declared) + sum(m is not None for m in arrows) == len(chart) - 1


def test_state_diagrams_use_only_states_that_they_declare() -> None:
    charts = [block for block in mermaid() if "stateDiagram-v2" in block]
    assert len(charts) == len(states.DIAGRAMS) + len(Role)
    for chart in charts:
        body = chart[chart.index("stateDiagram-v2") + 1 :]
        declared = {m[1] for line in body if (m := re.fullmatch(r'    state "[^"]+" as (s\d+)', line))}
        arrows = [re.fullmatch(r"    (s\d+|\[\*\]) --> (s\d+|\[\*\])(: [^:;]+)?", line) for line in body]
        assert {m[i] for m in arrows if m for i in (1, 2)} == declared | {"[*]"}
        assert len(declared) + sum(m is not None for m in arrows) == len(body)


def test_sequence_diagrams_have_only_lines_that_mermaid_takes() -> None:
    charts = [block for block in mermaid() if block[0] == "sequenceDiagram"]
    assert len(charts) == len(runs.RUNS) + len(runs.OPENINGS)
    line_ = r"    (participant [CS] as \w+|[CS](->>|-x|--\))[CS]: [^;#]+|Note over [CS]: [^;#]+)"
    assert not [line for chart in charts for line in chart[1:] if not re.fullmatch(line_, line)]


# --- rules


def test_every_rule_stands_in_one_table() -> None:
    shown = Counter(rule.id for topic in rules.TOPICS for rule in topic.rules)
    assert shown == Counter(rule.id for rule in RULES)
    for topic in rules.TOPICS:
        block = document.block(f"rules-{topic.name}")
        assert all(f"| `{rule.id}`<br>" in block for rule in topic.rules), topic.name


NAMED = {term.name: term.expression for term in named.terms()}
EVERY = {**STATE_VARIABLES, **ALL_FACTS, **SETTING_VARIABLES, LEGAL.name: LEGAL}


def constants(guard: Expr) -> list[int]:
    return [node.value for node in subterms(guard) if hasattr(node, "value") and type(node.value) is int]


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_a_guard_means_the_same_as_it_is_shown(rule: Rule) -> None:
    shown = substitute(markdown.readable(rule.when), NAMED)
    rng = random.Random(rule.id)
    near = sorted({0, *(c + d for c in constants(rule.when) for d in (-1, 0, 1))})

    def value(variable: Var) -> Value:
        if variable.sort is Sort.BOOL:
            return rng.random() < 0.5
        here = [v for v in near if variable.low <= v <= variable.high]
        return rng.choice(here or [variable.low])

    read = dict.fromkeys([*variables(rule.when), *variables(shown)])
    for _ in range(300):
        values = {name: value(EVERY[name]) for name in read}
        assert evaluate(shown, values) == evaluate(rule.when, values), values


def test_the_reaction_to_a_failure_is_as_the_text_says() -> None:
    for rule in RULES:
        if isinstance(rule.then, Fail) and rule.on is EventKind.RECEIVE_RESPONSE:
            assert rule.then.code == LOST
            assert set(rule.then.effects) == {"failed"}
        elif isinstance(rule.then, Fail):
            wanted = {**FAILING, **effects(fail_code=rule.then.code)}
            assert {n: e.key() for n, e in rule.then.effects.items()} == {n: e.key() for n, e in wanted.items()}


@pytest.mark.parametrize(
    ("reaction", "shown"),
    [
        (Fail(code=1007), "**fail** 1007"),
        (Fail(effects(failed=True), LOST), "**fail**, close code 1006; `failed := true`"),
        (Refuse(effects(handshake=3), 400), "**refuse** 400; `handshake := to be refused`"),
        (Accept(effects(recv_type=1), "ping"), "**accept**; tell: ping; `recv_type := TEXT`"),
        (
            Accept(effects(send_type=0, send_utf8=0, send_compressed=False, sent_close=True)),
            "**accept**; *no message being sent*, `sent_close := true`",
        ),
    ],
)
def test_reactions_as_people_read_them(reaction: Reaction, shown: str) -> None:
    assert markdown.reaction_text(reaction) == shown


def test_every_variable_has_a_meaning_but_a_switch_that_has_a_question() -> None:
    switches = {switch.variable.name for switch in SWITCHES}
    assert [name for name, v in EVERY.items() if not getattr(v, "meaning", "") and name not in switches] == [LEGAL.name]


def test_named_parts_and_bundles_have_names_of_their_own() -> None:
    assert not NAMED.keys() & EVERY.keys()
    keys = Counter(expression.key() for expression in NAMED.values())
    assert set(keys.values()) == {1}, "two names for one expression"
    with pytest.raises(ValueError, match="two parts of guards are named reading"):
        named.term("reading", "", LEGAL)
    with pytest.raises(ValueError, match="two bundles of effects are named TCP closed"):
        named.bundle("TCP closed", {})


# --- runs


def test_runs_end_with_tcp_closed_at_both_ends() -> None:
    for name, steps in runs.RUNS.items():
        told = play(steps, State())
        last = {t.who: t.after for t in told}
        assert set(last) == set(Role), name
        wanted = "OPEN" if name == "ping-inside-message" else "CLOSED"
        assert all(after.startswith(wanted) for after in last.values()), (name, last)


def test_only_the_runs_about_failing_break_a_rule() -> None:
    broken = {name for name, steps in runs.RUNS.items() for t in play(steps, State()) if "forbidden" in t.outcome}
    assert broken == {"server-fails", "client-fails"}


def test_a_run_that_the_rules_do_not_allow_is_refused() -> None:
    steps = (
        RunStep(Role.CLIENT, Does.SEND, FrameFacts(8, masked=True), "Close"),
        RunStep(Role.SERVER, Does.TAKE),
        RunStep(Role.SERVER, Does.CLOSE_TCP),
    )
    with pytest.raises(ValueError, match="does not allow step 3"):
        play(steps, State())


# --- opening handshakes


def test_opening_handshakes_end_as_their_names_say() -> None:
    opened = {"success", "server-speaks-at-once", "client-speaks-early"}
    for name, steps in runs.OPENINGS.items():
        last = {t.who: t.after for t in play(steps)}
        assert set(last) == set(Role), name
        assert set(last.values()) == ({"OPEN"} if name in opened else {"CLOSED; not cleanly, close code 1006"}), name


def test_only_what_the_names_say_breaks_a_rule_of_the_opening_handshake() -> None:
    broken = {
        (name, told.who, rule)
        for name, steps in runs.OPENINGS.items()
        for told in play(steps)
        if "forbidden" in told.outcome
        for rule in told.rules
    }
    client, server = Role.CLIENT, Role.SERVER
    assert broken == {
        ("client-speaks-early", client, "4.1/handshake-before-data"),
        ("faulty-request", client, "4.1/send-key"),
        ("other-version", client, "4.1/send-version"),
        ("too-large", client, "4.1/valid-request"),
        ("bad-answer", server, "4.2.2/send-accept"),
    }


def test_the_answers_of_the_runs_are_those_of_their_names() -> None:
    status = {"faulty-request": 400, "other-version": 426, "too-large": 431}
    for name, steps in runs.OPENINGS.items():
        refused = [told.outcome for told in play(steps) if told.outcome.startswith("refuse")]
        assert refused == ([f"refuse {status[name]}"] if name in status else []), name


def test_the_example_of_section_1_3_is_in_the_text() -> None:
    assert "`s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`" in document.block("accept-example")
    assert "`b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea`" in document.block("accept-example")


def test_every_stage_of_a_server_is_drawn_and_of_a_client_those_that_it_knows() -> None:
    server = document.block("states-opening-server")
    assert all(f'"{stage}<br>' in server for stage in HANDSHAKE[1:])
    client = document.block("states-opening-client")
    assert {stage for stage in HANDSHAKE if f'"{stage}' in client} == {
        "not begun",
        "awaiting 101",
        "refused",
    }


def test_an_opening_that_the_rules_do_not_allow_is_refused() -> None:
    request = runs.OPENINGS["success"][0]
    steps = (request, RunStep(Role.SERVER, Does.TAKE))
    twice = (*steps, request, RunStep(Role.SERVER, Does.TAKE))
    assert len(play(steps)) == 2
    assert play(twice)[2].outcome == "forbidden, sent anyway"
