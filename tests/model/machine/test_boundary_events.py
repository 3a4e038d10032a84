"""The derived alphabet: where its values come from, that its frames are possible, and that its classes are sound."""

import itertools
from functools import cache

import pytest

from wsoracle.model.machine import interpreted
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.guard_atoms import atoms, conjuncts, reporting_variables, state_values
from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.expression import Const, evaluate, ite, source, substitute, text, variables
from wsoracle.model.notation.rule import Fail, RuleSet
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import (
    FACT_VARIABLES,
    HANDSHAKE,
    LOST,
    STATE_VARIABLES,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
    environment,
    fin,
    length,
    opcode,
    possible,
    possible_frames,
)
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, TEXT, Role
from wsoracle.model.rules import RULES

SERVER = Setting(Role.SERVER)
COMPILED = CompiledMachine(RULES, SERVER)
IN_TEXT = State(recv_type=TEXT, recv_utf8=1, send_type=TEXT, send_utf8=1)
STATES = (State(), IN_TEXT, State(recv_type=TEXT, recv_utf8=8), State(sent_close=True), State(failed=True))
HEADS = [kind for kind in EventKind if kind.facts not in (None, FrameFacts)]
NAMES = ("at first", "inside text", "inside broken text", "Close sent", "failed")


@cache
def kept(rules: RuleSet, setting: Setting, pairs: bool, classes: bool) -> Alphabet:
    """The alphabet that these tests ask: what it has worked out for one test serves the others."""
    return Alphabet(rules, setting, pairs=pairs, classes=classes)


def alphabet(
    rules: RuleSet,
    setting: Setting,
    kind: EventKind,
    state: State | None = None,
    *,
    pairs: bool = False,
    classes: bool = True,
) -> tuple[Event, ...]:
    return kept(rules, setting, pairs, classes).of(kind, state)


def frames(events: tuple[Event, ...]) -> list[FrameFacts]:
    return [event.frame for event in events if event.frame is not None]


def test_atoms_are_the_truth_valued_leaves() -> None:
    guard = (fin | (opcode == TEXT)) & ~(ite(fin, length, 3) > 4)
    assert [text(atom) for atom in atoms(guard)] == ["fin", "opcode is text", "(length if fin else 3) > 4", "fin"]


def test_conjuncts_are_cut_out_however_they_are_nested() -> None:
    guard = fin & ((opcode == TEXT) & (length > 0)) & (fin | (opcode == PING))
    assert [text(term) for term in conjuncts(guard)] == ["fin", "opcode is text", "length > 0", "fin or opcode is ping"]


def test_only_the_close_code_reports() -> None:
    assert reporting_variables(RULES) == {"close_code"}


def test_a_variable_that_a_guard_begins_to_read_no_longer_reports() -> None:
    rule = RULES.by_id["5.5.3/pong"]
    changed = RULES.replacing(rule.id, when=rule.when & (STATE_VARIABLES["close_code"] == LOST))
    assert reporting_variables(changed) == frozenset()


def test_the_values_of_a_state_variable_are_what_effects_assign() -> None:
    values = state_values(RULES)
    # A failed opening handshake has no code that fits: no Close can be sent yet.
    codes = {rule.then.code for rule in RULES.of(EventKind.RECEIVE) if isinstance(rule.then, Fail)}
    assert values["fail_code"] == tuple(sorted({0, *codes}))
    assert values["handshake"] == tuple(range(len(HANDSHAKE)))
    assert values["recv_length"] is None
    assert values["sent_close"] == (False, True)


def test_boundaries_follow_the_constants_of_the_rules() -> None:
    found = Alphabet(RULES, SERVER).boundaries(EventKind.RECEIVE, State())
    assert found["opcode"] == tuple(range(16))
    assert {124, 125, 126, 65535, 65536, 2**63 - 1, 2**63} <= set(found["length"])
    assert {999, 1000, 1004, 1005, 1006, 2999, 3000, 4999, 5000, 65535} <= set(found["code"])
    rule = RULES.by_id["5.5/long-control"]
    changed = RULES.replacing(rule.id, when=rule.when & (length > 700))
    assert {699, 700, 701} <= set(Alphabet(changed, SERVER).boundaries(EventKind.RECEIVE)["length"])


def test_a_stated_limit_is_a_boundary_less_what_was_received() -> None:
    setting = Setting(Role.SERVER, limit=1_000_000)
    inside = State(recv_type=BINARY, recv_length=400_000)
    found = Alphabet(RULES, setting).boundaries(EventKind.RECEIVE, inside)["length"]
    assert {599_999, 600_000, 600_001} <= set(found)
    assert 1_000_000 in found  # the payload of a compressed frame, whatever it inflates to


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", STATES, ids=NAMES)
@pytest.mark.parametrize("kind", [EventKind.RECEIVE, EventKind.SEND])
@pytest.mark.parametrize("pairs", [False, True])
def test_every_frame_is_possible(role: Role, state: State, kind: EventKind, pairs: bool) -> None:
    settled = substitute(possible_frames(kind), environment(Setting(role), state, None))
    possible = eval(f"lambda {', '.join(FrameFacts._fields)}: {source(settled)}")
    events = alphabet(RULES, Setting(role), kind, state, pairs=pairs)
    assert len(set(events)) == len(events)
    assert {frame.opcode for frame in frames(events)} == set(range(16))
    assert [frame for frame in frames(events) if not possible(*frame)] == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("stage", range(len(HANDSHAKE)))
@pytest.mark.parametrize("kind", HEADS)
def test_every_head_is_possible(role: Role, stage: int, kind: EventKind) -> None:
    state = State(handshake=stage)
    events = alphabet(RULES, Setting(role), kind, state)
    assert len({event.head for event in events}) == len(events)
    for event in events:
        assert evaluate(possible(kind), environment(Setting(role), state, event.facts)), event
    nobody = substitute(possible(kind), environment(Setting(role), state, None))
    assert bool(events) is not (isinstance(nobody, Const) and not nobody.value)


@pytest.mark.parametrize(("role", "kind", "stage"), [
    (Role.SERVER, EventKind.RECEIVE_REQUEST, "not begun"), (Role.CLIENT, EventKind.RECEIVE_RESPONSE, "awaiting 101"),
    (Role.CLIENT, EventKind.SEND_REQUEST, "not begun"), (Role.SERVER, EventKind.SEND_RESPONSE, "awaiting 101"),
])  # fmt: skip
def test_every_rule_about_heads_that_can_fire_has_a_head_for_which_it_does(
    role: Role, kind: EventKind, stage: str
) -> None:
    """Each fact that rows read is tried: rows that no head meets here need another stage, switch or application."""
    setting, state = Setting(role), State(handshake=HANDSHAKE.index(stage))
    events = alphabet(RULES, setting, kind, state)
    meets = {rule.id for event in events for rule in interpreted.enabled(RULES, setting, state, event)}
    settled = environment(setting, state, None)
    never = {r.id for r in RULES.of(kind) if r.id not in meets}
    left_open = [r.id for r in RULES.of(kind) if r.id in never
                 and not isinstance(substitute(RULES.guard(r), settled), Const)]  # fmt: skip
    # A sound request asks for HTTP, so that the row for what is none permits nothing here.
    assert left_open == (["10.7/any-answer"] if kind is EventKind.SEND_RESPONSE else [])
    tried = {n: {getattr(e.facts, n) for e in events} for n in FACT_VARIABLES[kind]}
    read = {name for rule in RULES.of(kind) for name in variables(rule.when)}
    assert {n for n, v in FACT_VARIABLES[kind].items() if v.labels and n in read and len(tried[n]) < 2} == set()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", [EventKind.RECEIVE, EventKind.SEND])
def test_a_base_frame_of_each_known_opcode_is_legal(role: Role, kind: EventKind) -> None:
    events = alphabet(RULES, Setting(role), kind, State())
    first = {frame.opcode: frame for frame in reversed(frames(events))}
    for known in (TEXT, BINARY, CLOSE, PING):
        outcomes = interpreted.allowed(State(), Event(kind, first[known]), Setting(role))
        assert any(o.label.kind in (Kind.ACCEPT, Kind.PERMIT) for o in outcomes), first[known]


def test_each_way_to_take_an_opcode_has_a_base_frame() -> None:
    taken = {
        rule
        for event in alphabet(RULES, SERVER, EventKind.RECEIVE, IN_TEXT)
        for outcome in COMPILED.allowed(IN_TEXT, event)
        for rule in outcome.rules
    }
    assert {"5.4/next-fragment", "5.4/last-text-fragment", "5.5.2/ping", "5.5.1/close"} <= taken


@pytest.mark.parametrize("kind", [EventKind.RECEIVE, EventKind.SEND])
def test_the_classes_agree_with_all_frames_that_were_made(kind: EventKind) -> None:
    """What any boundary frame can do in a state, the representative of its class does too."""

    def doings(state: State, classes: bool) -> set[tuple[int, Label, State]]:
        return {
            (COMPILED.mask(kind, state, event.frame), label, after._replace(close_code=LOST))
            for event in alphabet(RULES, SERVER, kind, state, classes=classes)
            for label, after in COMPILED.labels(state, event).items()
        }

    for state in STATES:
        assert doings(state, classes=True) == doings(state, classes=False)


def test_without_classes_all_boundary_lengths_are_kept() -> None:
    some = frames(alphabet(RULES, SERVER, EventKind.RECEIVE, State()))
    every = frames(alphabet(RULES, SERVER, EventKind.RECEIVE, State(), classes=False))
    assert set(some) <= set(every)
    assert {124, 125, 126, 127} <= {frame.length for frame in every if frame.opcode == PING}


def test_a_refusal_by_one_rule_alone_is_among_single_changes() -> None:
    """A reason that is not UTF-8 is tried with a code that is all right too."""
    strict = Setting(Role.SERVER, switches=Switches(invalid_close_reason="refuse"))
    machine = CompiledMachine(RULES, strict)
    events = alphabet(RULES, strict, EventKind.RECEIVE, State())
    refusals = [[r.id for r in machine.forbidden_by(State(), event)] for event in events]
    assert ["8.1/invalid-close-reason"] in refusals


def test_pairs_contain_the_single_changes() -> None:
    single = alphabet(RULES, SERVER, EventKind.SEND, State())
    assert set(single) <= set(alphabet(RULES, SERVER, EventKind.SEND, State(), pairs=True))


def test_without_a_state_the_alphabet_is_that_of_all_states_the_encoding_knows() -> None:
    derived = Alphabet(RULES, SERVER)
    union = set(derived.of(EventKind.RECEIVE))
    for kind, automaton in itertools.product((0, TEXT, BINARY), range(9)):
        assert set(derived.of(EventKind.RECEIVE, State(recv_type=kind, recv_utf8=automaton))) <= union


def test_kinds_without_a_frame_have_one_event() -> None:
    assert alphabet(RULES, SERVER, EventKind.SILENCE) == (Event(EventKind.SILENCE),)
    assert [e.kind for e in Alphabet(RULES, SERVER)(State()) if e.frame is None] == [
        EventKind.RECEIVE_EOF,
        EventKind.CLOSE_TCP,
        EventKind.SILENCE,
    ]


def test_the_alphabet_is_the_same_every_time() -> None:
    assert Alphabet(RULES, SERVER)(IN_TEXT) == Alphabet(RULES, SERVER)(IN_TEXT)


def test_relevant_variables_are_derived() -> None:
    derived = Alphabet(RULES, SERVER)
    provoke = {"got_close", "failed", "peer_open", "recv_type", "pong_due", "reply_due"}  # a Close
    receiving = {"recv_utf8", "recv_length", "handshake", "recv_window", "recv_compressed", "recv_history"}
    sending = {"send_type", "send_utf8", "send_window", "send_compressed", "send_history"}
    assert derived.relevant(EventKind.RECEIVE) == tuple(n for n in STATE_VARIABLES if n in receiving | {"recv_type"})
    assert derived.relevant(EventKind.SEND) == tuple(n for n in STATE_VARIABLES if n in provoke | sending)
    assert {derived.relevant(kind) for kind in HEADS} == {("handshake",)}


def test_a_rule_set_whose_guards_are_constant_has_an_alphabet_still() -> None:
    rule = RULES.by_id["5.2/unknown-opcode"]
    assert alphabet(RULES.replacing(rule.id, when=Const(False)), SERVER, EventKind.RECEIVE, State())
    continuations = [f for f in frames(alphabet(RULES, SERVER, EventKind.RECEIVE, State())) if f.opcode == CONTINUATION]
    assert continuations[0].masked
