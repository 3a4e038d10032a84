"""Histories as text: the scripts read them, play them as the model plays them, and write them again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import frames
from tests.wsoracle.site.node import FRAME_FIELDS, ask, plain
from wsoracle.generators.cases.runnable import generated_cases
from wsoracle.generators.suite.witnesses import Witness, all_witnesses
from wsoracle.model.facts.frames import facts
from wsoracle.model.machine.words import DUES
from wsoracle.model.notation.variables import CONNECTING, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import Frame, Role
from wsoracle.site.event_histories import witness_text
from wsoracle.site.histories import SIDES, case_text, frame_text, run_text
from wsoracle.spec.player import play
from wsoracle.spec.runs import OPENINGS, RUNS


def test_runs_go_in_the_explorer_as_they_go_in_the_model() -> None:
    every = [(run_text(steps, "open"), play(steps, State())) for steps in RUNS.values()]
    every += [(run_text(steps, "connect"), play(steps, CONNECTING)) for steps in OPENINGS.values()]
    (found,) = ask({"ask": "histories", "texts": [text for text, _ in every]})
    for (text, told), (again, steps) in zip(every, found, strict=True):
        assert again == text
        shown = [step for step in steps if step is not None]
        assert len(shown) == len(told)
        for step, (who, takes, rules, stage, dues) in zip(told, shown, strict=True):
            assert (who, [*step.rules]) == (SIDES[step.who], rules), (text, step)
            cuts = [at for at, one in enumerate(steps) if one is None and at < step.number]
            assert takes == (step.takes or 0) + (len(cuts) if step.takes else 0)
            owes = f"; owes {' and '.join(dues)}" if dues else ""
            assert step.after.startswith(f"{stage}{owes}"), (text, step)
            assert bool(dues) == any(f"owes {words}" in step.after for words in DUES.values())


def test_the_case_of_each_rule_can_be_shown_to_its_end() -> None:
    texts = [
        text
        for case in generated_cases()
        if case.origin.rule or case.origin.mutant
        for role in sorted(case.roles)
        if (text := case_text(case, role)) is not None
    ]
    (found,) = ask({"ask": "histories", "texts": texts})
    assert len(texts) > 100
    for text, (again, steps) in zip(texts, found, strict=True):
        assert again == text
        assert len(steps) == text.count(";"), text


def test_the_explorer_shows_each_rule_at_work_at_the_end_of_its_witness() -> None:
    witnesses = {(found.rule.id, found.role): found for found in all_witnesses().values() if isinstance(found, Witness)}
    texts = {key: text for key, found in witnesses.items() if (text := witness_text(found)) is not None}
    (shown,) = ask({"ask": "histories", "texts": [*texts.values()]})
    for (rule, _), text, (again, steps) in zip(texts, texts.values(), shown, strict=True):
        assert again == text
        assert len(steps) == text.count(";") and rule in steps[-1][2], (rule, text)
    assert len(texts) > 390
    assert {rule.partition("/")[0] for rule, _ in witnesses.keys() - texts.keys()} == {"7.1.1", "7.1.4", "7.1.7"}


@given(
    st.lists(
        st.tuples(frames(Role.CLIENT) | frames(Role.SERVER), st.integers(0, utf8.REJECT)), min_size=20, max_size=40
    )
)
@settings(max_examples=2)
def test_a_frame_has_the_same_facts_and_octets_in_the_scripts(drawn: list[tuple[Frame, int]]) -> None:
    texts = [frame_text(frame) for frame, _ in drawn]
    (found,) = ask({"ask": "frames", "texts": [[text, at] for text, (_, at) in zip(texts, drawn, strict=True)]})
    for text, (frame, before), (said, octets, again) in zip(texts, drawn, found, strict=True):
        assert again == text
        assert said == plain(FRAME_FIELDS, facts(frame, before)), frame
        shown = len(encode(frame)) - max(0, frame.length - 64)
        assert octets == encode(frame)[:shown].hex(), frame
