"""The rule notation: its folds agree with each other, and nothing silently means something else."""

from __future__ import annotations

from typing import Any

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.machine.symbolic import constant, literal, term
from wsoracle.model.notation.expression import (
    FALSE,
    TRUE,
    Const,
    Expr,
    Op,
    Sort,
    Var,
    all_of,
    any_of,
    evaluate,
    ite,
    lift,
    member,
    source,
    substitute,
    text,
    variables,
)

P, Q = Var("p"), Var("q")
X, Y = Var("x", Sort.INT, 0, 20), Var("y", Sort.INT, 0, 20)
VARIABLES = (P, Q, X, Y)
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def integers(depth: int) -> st.SearchStrategy[Expr]:
    leaf = st.sampled_from([X, Y]) | st.integers(0, 20).map(lift)
    if depth == 0:
        return leaf
    return leaf | st.one_of(
        st.tuples(integers(depth - 1), integers(depth - 1)).map(lambda a: Op("+", a)),
        st.tuples(booleans(depth - 1), integers(depth - 1), integers(depth - 1)).map(lambda a: Op("ite", a)),
    )


def booleans(depth: int) -> st.SearchStrategy[Expr]:
    leaf = st.sampled_from([P, Q, TRUE, FALSE])
    if depth == 0:
        return leaf
    return leaf | st.one_of(
        booleans(depth - 1).map(lambda a: Op("not", (a,))),
        st.tuples(st.sampled_from(["and", "or", "==", "!="]), booleans(depth - 1), booleans(depth - 1)).map(
            lambda a: Op(a[0], a[1:])
        ),
        st.tuples(st.sampled_from(COMPARISONS), integers(depth - 1), integers(depth - 1)).map(
            lambda a: Op(a[0], a[1:])
        ),
        st.tuples(booleans(depth - 1), booleans(depth - 1), booleans(depth - 1)).map(lambda a: Op("ite", a)),
    )


values = st.fixed_dictionaries(
    {"p": st.booleans(), "q": st.booleans(), "x": st.integers(0, 20), "y": st.integers(0, 20)}
)


@given(booleans(3), values)
def test_evaluated_compiled_symbolic_and_substituted_agree(expression: Expr, env: dict[str, Any]) -> None:
    concrete = evaluate(expression, env)
    assert eval(source(expression), {}, dict(env)) == concrete
    symbolic = term(expression, {v.name: literal(env[v.name]) for v in VARIABLES})
    assert z3.is_true(z3.simplify(symbolic)) == concrete
    folded = substitute(expression, env)
    assert isinstance(folded, Const)
    assert folded.value == concrete


@given(booleans(3), values)
def test_substituting_some_variables_keeps_the_value(expression: Expr, env: dict[str, Any]) -> None:
    part = substitute(expression, {"p": env["p"], "x": env["x"]})
    assert not {"p", "x"} & set(variables(part))
    assert evaluate(part, env) == evaluate(expression, env)


@given(booleans(2), booleans(2))
def test_keys_tell_trees_apart(one: Expr, other: Expr) -> None:
    assert (one.key() == other.key()) == (repr(one.key()) == repr(other.key()))
    assert hash(one) == hash(one)


@pytest.mark.parametrize(
    "use",
    [
        lambda: P and Q,
        lambda: P or Q,
        lambda: not P,
        lambda: X in (1, 2),
        lambda: 1 <= X <= 2,
        lambda: (X == 0) and P,
        lambda: bool(X == X),
    ],
)
def test_python_operators_that_cannot_be_overloaded_raise(use: Any) -> None:
    with pytest.raises(TypeError, match="has no truth value"):
        use()


@pytest.mark.parametrize(
    ("op", "args"),
    [("and", (P, X)), ("<", (P, X)), ("==", (P, X)), ("not", (P, Q)), ("ite", (X, P, Q)), ("+", (P, X))],
)
def test_sorts_and_arity_are_checked(op: str, args: tuple[Expr, ...]) -> None:
    with pytest.raises(TypeError):
        Op(op, args)


def test_only_values_and_expressions_stand_in_a_rule() -> None:
    with pytest.raises(TypeError, match="cannot stand in a rule"):
        lift("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot stand in a rule"):
        _ = X == "text"


def test_text_is_what_people_read() -> None:
    opcode = Var("opcode", Sort.INT, 0, 15, {1: "text"})
    assert text((opcode == 1) & ~(P | Q)) == "opcode is text and not (p or q)"
    assert text((opcode != 1) | (X + 1 > 125)) == "opcode is not text or x + 1 > 125"
    assert text(ite(P, X, 0)) == "x if p else 0"
    assert text(opcode == Const(1, "TEXT")) == "opcode is text"


def test_member_and_empty_chains() -> None:
    assert [evaluate(member(X, [(1, 1), (3, 5)]), {"x": x}) for x in range(7)] == [
        False,
        True,
        False,
        *[True] * 3,
        False,
    ]
    assert any_of([]).key() == FALSE.key()
    assert all_of([]).key() == TRUE.key()


def test_a_variable_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        evaluate(P & Q, {"p": True})
    with pytest.raises(KeyError):
        term(P, {"q": constant(Q)})
