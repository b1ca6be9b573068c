"""The transpose rule of each kind of operation, against gradients found by hand; and wrong rules are detected.

A wrong rule raises an error during differentiation if shapes reveal it, or one of the gradients differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.dead_code import without_dead_operations
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.lookups import add_index, look_up, scatter
from autograd.compiler.arrays.operations import Batch, N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate import transposes
from autograd.compiler.differentiate.cotangents import total
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.differentiate.transposes import Edge
from autograd.compiler.names import Names
from autograd.compiler.trace.comparisons import COMPARISONS


class Case(NamedTuple):
    """A function of one argument, and of parameters w, that gives a row for each sample.

    Attributes:
        operation: gives the result.
        x, gradient: the numbers of one sample, and the derivatives w.r.t. its result.
        expected: the derivatives w.r.t. x.
        w: the parameters.
        of_w: the derivatives w.r.t. the parameters.
    """

    operation: Callable[[Builder, Handle, Handle], Handle]
    x: list[float]
    gradient: list[float]
    expected: list[float]
    w: list[float] = [1.0]  # noqa: RUF012
    of_w: list[float] = [0.0]  # noqa: RUF012


def squares(b: Builder, x: Handle) -> Handle:
    """Reshape the numbers of x to rows of two."""
    return b.reshape(x, (N, 2, 2))


def transposed_cube(b: Builder, x: Handle, w: Handle) -> Handle:
    """Rotate the axes of a cube of 1 by 2 by 3: an order that is not its own inverse."""
    return b.reshape(b.transpose(b.reshape(x, (N, 1, 2, 3)), (0, 2, 3, 1)), (N, 6))


def guarded(b: Builder, x: Handle, w: Handle) -> Handle:
    return b.guard(x, 0)


CASES: dict[str, Case] = {
    "apply": Case(lambda b, x, w: x * x * x, [2.0, -1.0], [1.0, 10.0], [12.0, 30.0]),
    "apply, a difference": Case(lambda b, x, w: w - x, [2.0, 1.0], [1.0, 10.0], [-1.0, -10.0], [7.0], [11.0]),
    "apply, a quotient": Case(lambda b, x, w: x / w, [6.0], [4.0], [2.0], [2.0], [-6.0]),  # -x / w² is -1.5
    "apply to a row": Case(lambda b, x, w: x * w, [2.0, 3.0], [1.0, 10.0], [5.0, 70.0], [5.0, 7.0], [2.0, 30.0]),
    "apply a choice": Case(
        lambda b, x, w: b.apply(primitives.maximum, x, w, careful=True),
        [4.0, 1.0],
        [3.0, 5.0],
        [3.0, 0.0],
        [2.0],
        [5.0],
    ),
    "apply relu carefully": Case(
        lambda b, x, w: b.apply(primitives.relu, x, careful=True), [4.0, -1.0], [3.0, 5.0], [3.0, 0.0]
    ),
    "apply powers": Case(
        lambda b, x, w: b.apply(primitives.constant_power, x, b.constant(np.array([2.0, 3.0]))),
        [3.0, 2.0],
        [1.0, 10.0],
        [6.0, 120.0],
    ),
    "apply to a single number of two axes": Case(
        lambda b, x, w: b.reshape(b.reshape(x, (N, 2, 1)) * b.parameter([[0]]), (N, 2)),
        [3.0, 4.0],
        [1.0, 10.0],
        [5.0, 50.0],
        [5.0],
        [43.0],
    ),
    "apply to a column and a row": Case(
        lambda b, x, w: x * b.parameter([[0, 1, 2]]),
        [2.0],
        [1.0, 10.0, 100.0],
        [543.0],
        [3.0, 4.0, 5.0],
        [2.0, 20.0, 200.0],
    ),
    "apply what reduces": Case(
        lambda b, x, w: b.apply(primitives.max_, x, w), [1.0, 9.0], [1.0, 10.0], [0.0, 10.0], [5.0], [1.0]
    ),
    "apply a product of three": Case(
        lambda b, x, w: b.apply(primitives.prod_, x, w, x), [2.0, 3.0], [1.0, 10.0], [20.0, 300.0], [5.0], [94.0]
    ),
    "apply to a column and a pair": Case(
        lambda b, x, w: x * b.parameter([[0, 1]]), [2.0], [1.0, 10.0], [43.0], [3.0, 4.0], [2.0, 20.0]
    ),
    "apply to one number and another": Case(
        lambda b, x, w: x * b.parameter([[0]]), [2.0], [10.0], [30.0], [3.0], [20.0]
    ),
    "apply to a column of columns": Case(
        lambda b, x, w: b.reshape(b.reshape(x, (N, 1, 1)) * b.parameter([[[0, 1, 2]]]), (N, 3)),
        [2.0],
        [1.0, 10.0, 100.0],
        [543.0],
        [3.0, 4.0, 5.0],
        [2.0, 20.0, 200.0],
    ),
    "slopes of a choice": Case(
        lambda b, x, w: b.slopes(primitives.max_, [x], b.reduce(x, "max", [1], keepdims=True)),
        [2.0, 3.0],
        [1.0, 10.0],
        [0.0, 0.0],
    ),
    "softmax": Case(
        lambda b, x, w: b.slopes(primitives.logsumexp, [x], b.reduce(x, "logsumexp", [1], keepdims=True)),
        [0.0, 0.0],
        [1.0, 10.0],
        [-2.25, 2.25],  # p (g - Σ g p) for p = 1/2
    ),
    "contract what has an axis of its own": Case(
        lambda b, x, w: b.reshape(b.contract(squares(b, x), w, "nij", "i", "n"), (N, 1)),
        [1.0, 2.0, 3.0, 4.0],
        [10.0],
        [50.0, 50.0, 60.0, 60.0],
        [5.0, 6.0],
        [30.0, 70.0],
    ),
    "contract": Case(
        lambda b, x, w: b.contract(x, b.parameter([[0, 1], [2, 3], [4, 5]]), "nk", "ck", "nc"),
        [1.0, 2.0],
        [10.0, 1.0, 100.0],
        [10.0 * 3 + 1 * 5 + 100 * 7, 10.0 * 4 + 1 * 6 + 100 * 8],
        [3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        [10.0, 20.0, 1.0, 2.0, 100.0, 200.0],
    ),
    "contract the rows": Case(
        lambda b, x, w: b.contract(squares(b, x), w, "nij", "i", "nj"),
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 10.0],
        [5.0, 50.0, 6.0, 60.0],
        [5.0, 6.0],
        [1.0 * 1 + 2 * 10, 3.0 * 1 + 4 * 10],
    ),
    "contract with itself": Case(
        lambda b, x, w: b.reshape(b.contract(x, x, "nk", "nk", "n"), (N, 1)), [2.0, 5.0], [3.0], [12.0, 30.0]
    ),
    "reduce": Case(
        lambda b, x, w: b.reduce(squares(b, x), "sum", [1]), [1.0, 2.0, 3.0, 4.0], [1.0, 10.0], [1.0, 10.0] * 2
    ),
    "reduce the last axis": Case(
        lambda b, x, w: b.reduce(squares(b, x), "sum", [2]), [1.0, 2.0, 3.0, 4.0], [1.0, 10.0], [1.0, 1.0, 10.0, 10.0]
    ),
    "reduce to the largest": Case(
        lambda b, x, w: b.reduce(squares(b, x), "max", [2]), [1.0, 2.0, 5.0, 4.0], [3.0, 7.0], [0.0, 3.0, 7.0, 0.0]
    ),
    "reduce to the smallest": Case(
        lambda b, x, w: b.reduce(x, "min", [1], keepdims=True), [1.0, -2.0, 5.0], [3.0], [0.0, 3.0, 0.0]
    ),
    "reduce to log-sum-exp": Case(
        lambda b, x, w: b.reduce(x, "logsumexp", [1], keepdims=True), [0.0, 0.0], [3.0], [1.5, 1.5]
    ),
    "reduce to whether any is not 0": Case(
        lambda b, x, w: b.reduce(x, "any", [1], keepdims=True), [0.0, 2.0], [3.0], [0.0, 0.0]
    ),
    "reshape": Case(
        lambda b, x, w: b.reduce(b.reshape(x, (N, 3, 2)), "sum", [1]), [0.0] * 6, [1.0, 10.0], [1.0, 10.0] * 3
    ),
    "reshape to rows of their own": Case(
        lambda b, x, w: b.reshape(b.reshape(x, (Batch(2), 1)) * w, (N, 2)),
        [3.0, 4.0],
        [1.0, 10.0],
        [5.0, 50.0],
        [5.0],
        [43.0],
    ),
    "transpose": Case(transposed_cube, [0.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    "transpose a square": Case(
        lambda b, x, w: b.reshape(b.transpose(squares(b, x), (0, 2, 1)), (N, 4)),
        [0.0] * 4,
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 3.0, 2.0, 4.0],
    ),
    "broadcast": Case(lambda b, x, w: b.broadcast(x, (N, 3)), [2.0], [1.0, 10.0, 100.0], [111.0]),
    "broadcast for each sample": Case(
        lambda b, x, w: b.broadcast(w, (N, 2)) + x, [0.0, 0.0], [1.0, 10.0], [1.0, 10.0], [1.0, 2.0], [1.0, 10.0]
    ),
    "slice": Case(lambda b, x, w: b.slice(x, 1, 1, 4, 2), [0.0] * 5, [1.0, 10.0], [0.0, 1.0, 0.0, 10.0, 0.0]),
    "concatenate": Case(
        lambda b, x, w: b.concatenate([x, b.slice(x, 1, 1, 2)], 1), [0.0, 0.0], [1.0, 2.0, 5.0], [1.0, 7.0]
    ),
    "concatenate, and read a row": Case(
        lambda b, x, w: b.reshape(b.slice(b.concatenate([squares(b, x), squares(b, x) * w], 2), 1, 1, 2), (N, 4)),
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 2.0, 3.0, 4.0],
        [0.0, 0.0, 16.0, 22.0],
        [5.0],
        [25.0],
    ),
    "concatenate, and read across": Case(
        lambda b, x, w: b.slice(b.concatenate([x, x * w], 1), 1, 1, 3),
        [2.0, 3.0],
        [1.0, 10.0],
        [50.0, 1.0],
        [5.0],
        [20.0],
    ),
    "concatenate, and read one part": Case(
        lambda b, x, w: b.slice(b.concatenate([x, x * w], 1), 1, 2, 4),
        [2.0, 3.0],
        [1.0, 10.0],
        [5.0, 50.0],
        [5.0],
        [32.0],
    ),
    "concatenate, and read more than one part": Case(
        lambda b, x, w: b.slice(b.concatenate([x, x * w, x], 1), 1, 1, 5),
        [2.0, 3.0],
        [1.0, 10.0, 100.0, 1000.0],
        [1050.0, 501.0],
        [5.0],
        [320.0],
    ),
    "concatenate, and read every other": Case(
        lambda b, x, w: b.slice(b.concatenate([x, x * w, x], 1), 1, 0, 6, 2),
        [2.0, 3.0],
        [1.0, 10.0, 100.0],
        [151.0, 0.0],
        [5.0],
        [20.0],
    ),
    "pad": Case(lambda b, x, w: b.pad(x, 1, 1, 4, 2, 5), [0.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 4.0]),
    "take": Case(lambda b, x, w: b.take(x, [1, -1, 1, 0]), [0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0], [4.0, 4.0, 0.0]),
    "take a table": Case(
        lambda b, x, w: b.reshape(b.take(x, [[0, 1], [1, 2]]), (N, 4)), [0.0] * 3, [1.0, 2.0, 3.0, 4.0], [1.0, 5.0, 4.0]
    ),
    "place": Case(
        lambda b, x, w: b.place(x, [2, -1, 0, 2], 3), [0.0] * 4, [1.0, 10.0, 100.0], [100.0, 0.0, 1.0, 100.0]
    ),
    "accumulate": Case(lambda b, x, w: b.accumulate(x, 1), [0.0, 0.0, 0.0], [1.0, 10.0, 100.0], [111.0, 110.0, 100.0]),
    "accumulate backward": Case(
        lambda b, x, w: b.accumulate(x, 1, backward=True), [0.0, 0.0, 0.0], [1.0, 10.0, 100.0], [1.0, 11.0, 111.0]
    ),
    "guard": Case(guarded, [2.0, 0.1], [1.0, 10.0], [1.0, 0.0]),
}
"""The guard's mask is 1 where x > 0.5."""


def function_of(case: Case) -> ArrayProgram:
    builder = Builder()
    x = builder.argument("x", len(case.x))
    w = builder.parameter(range(len(case.w)), "w")
    result = case.operation(builder, x, w).named("result")
    mask = builder.apply(COMPARISONS[">"], x, 0.5)
    return builder.program([result], masks=[mask] if result.operation.kind == "guard" else []).verify()


def gradients(case: Case) -> tuple[list[float], list[float]]:
    """Return the derivatives w.r.t. x and w, of two equal samples, the second with twice the gradient."""
    program = function_of(case)
    given = {"x": np.array([case.x, case.x]), "gradient": np.array([case.gradient, np.multiply(2, case.gradient)])}
    _, of_x = to_arguments(program, len(case.gradient)).verify().evaluate(given, case.w)
    first, second = np.broadcast_to(of_x, (2, len(case.x)))
    assert second.tolist() == (2 * first).tolist()
    of_w = np.zeros(len(case.w))
    differentiated = to_parameters(program, len(case.gradient)).verify()
    _, *arrays = differentiated.evaluate(given, case.w)
    for operation, array in zip((o for o in differentiated.operations if o.kind == "parameter"), arrays):
        np.add.at(of_w, operation.attribute.array, array / 3)
    return first.tolist(), of_w.tolist()


def is_right(case: Case) -> bool:
    of_x, of_w = gradients(case)
    return of_x == pytest.approx(case.expected, rel=1e-15) and of_w == pytest.approx(case.of_w, rel=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_found_by_hand(name: str) -> None:
    case = CASES[name]
    of_x, of_w = gradients(case)
    assert of_x == pytest.approx(case.expected, rel=1e-15)
    assert of_w == pytest.approx(case.of_w if case.of_w != [0.0] else [0.0] * len(case.w), rel=1e-15)


def test_0_times_infinity_is_nan() -> None:
    """The derivative of the root at 0 x is infinite; times 0, it is nan: as in the graph, the 0 is not left out."""
    case = Case(lambda b, x, w: b.apply(primitives.sqrt, x * 0.0), [2.0], [1.0], [np.nan])
    differentiated = to_arguments(function_of(case), 1).verify()
    _, of_x = differentiated.evaluate({"x": np.array([case.x]), "gradient": np.array([case.gradient])}, case.w)
    assert np.isnan(of_x).all()


def test_gradients_of_look_ups_are_scattered_and_those_of_scatters_looked_up() -> None:
    builder = Builder()
    tokens, w = add_index(builder, "tokens", 2), builder.parameter([[0, 1], [2, 3], [4, 5]], "w")
    program = builder.program([builder.reshape(look_up(w, tokens), (N, 4)).named("rows")])
    given = {
        "tokens": np.array([[2, 0], [2, 2]]),
        "gradient": np.array([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]]),
    }
    _, of_w = to_parameters(program, 4).verify().evaluate(given, [0.0] * 6)
    assert of_w.tolist() == [[3.0, 4.0], [0.0, 0.0], [41.0, 62.0]]

    builder = Builder()
    tokens, x = add_index(builder, "tokens", 2), builder.argument("x", 2)
    program = builder.program([scatter(x, tokens, 3, 1).named("table")])
    given = {
        "tokens": np.array([[2, 0], [1, 1]]),
        "gradient": np.array([[1.0, 10.0, 100.0]] * 2),
        "x": np.zeros((2, 2)),
    }
    _, of_x = to_arguments(program, 3).verify().evaluate(given, [])
    assert of_x.tolist() == [[100.0, 1.0], [10.0, 10.0]]


# Rules that are wrong

Rule = Callable[[Edge], list[Any]]


def contract_with_the_same_factor(edge: Edge) -> list[Any]:
    left, right, result = edge.operation.attribute
    labels = (left, right)
    return [edge.builder.contract(edge.cotangent, edge.operands[k], result, labels[k], labels[k]) for k in edge.wanted]


def contract_in_the_other_order(edge: Edge) -> list[Any]:
    left, right, result = edge.operation.attribute
    own, others = (left, right), (right, left)
    return [
        edge.builder.contract(edge.cotangent, edge.operands[1 - k], result, others[k], own[k][::-1])
        for k in edge.wanted
    ]


def scaled(kind: str) -> Rule:
    """Return the rule of a kind, times two."""
    rule = transposes._RULES[kind]
    return lambda edge: [2.0 * Simplified.of(x) for x in rule(edge)]


def transpose_again(edge: Edge) -> list[Any]:
    return [edge.builder.transpose(edge.cotangent, edge.operation.attribute)]


def pad_one_too_far(edge: Edge) -> list[Any]:
    axis, start, stop, step, *_ = edge.operation.attribute
    return [edge.builder.pad(edge.cotangent, axis, start + 1, stop + 1, step, edge.operands[0].shape[axis])]


def concatenate_backwards(edge: Edge) -> list[Any]:
    return transposes._concatenate(edge)[::-1]


def slice_from_the_first(edge: Edge) -> list[Any]:
    axis, start, stop, step, _ = edge.operation.attribute
    return [edge.builder.slice(edge.cotangent, axis, 0, stop - start, step)]


def take_again(edge: Edge) -> list[Any]:
    return [edge.builder.take(edge.cotangent, edge.operation.attribute.array)]


def place_again(edge: Edge) -> list[Any]:
    return [edge.builder.place(edge.cotangent, [0, 1, 2], edge.operation.attribute.length)]


def place_once(edge: Edge) -> list[Any]:
    """Place each position only once, as if it were read only once."""
    index = edge.operation.attribute.array.reshape(-1).tolist()
    once = [-1 if k in index[:n] else k for n, k in enumerate(index)]
    flat = edge.builder.reshape(edge.cotangent, (*edge.cotangent.shape[:1], len(index)))
    return [edge.builder.place(flat, once, edge.operands[0].shape[-1])]  # type: ignore[arg-type]


def hand_on(edge: Edge) -> list[Any]:
    return [edge.cotangent for _ in edge.wanted]


def swap_the_slopes(edge: Edge) -> list[Any]:
    parts = transposes._apply(edge)
    return parts[::-1]


WRONG: list[tuple[str, Rule, bool]] = [  # and whether a shape reveals it
    ("contract", contract_with_the_same_factor, False),
    ("contract", contract_in_the_other_order, True),
    ("contract", scaled("contract"), False),
    ("reduce", scaled("reduce"), False),
    ("reshape", hand_on, True),
    ("transpose", transpose_again, True),
    ("transpose", hand_on, False),
    ("broadcast", scaled("broadcast"), False),
    ("slice", pad_one_too_far, False),
    ("slice", hand_on, True),
    ("concatenate", concatenate_backwards, True),
    ("concatenate", hand_on, True),
    ("pad", slice_from_the_first, False),
    ("pad", hand_on, True),
    ("take", take_again, True),
    ("take", place_once, False),
    ("place", place_again, True),
    ("guard", hand_on, False),
    ("apply", hand_on, False),
    ("apply", swap_the_slopes, False),
]


@pytest.mark.parametrize(("kind", "rule", "by_shape"), WRONG)
def test_a_wrong_rule_is_refused_or_seen(
    kind: str, rule: Rule, by_shape: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [case for name, case in CASES.items() if name.split(",")[0].split()[0] == kind]
    monkeypatch.setitem(transposes._RULES, kind, rule)
    refused, seen = 0, 0
    for case in cases:
        try:
            seen += not is_right(case)
        except ValueError:
            refused += 1
    assert refused if by_shape else seen


# Accumulate cotangents


def parts_of(builder: Builder, *widths: int) -> list[Simplified]:
    return [Simplified.of(builder.argument(f"g{k}", width)) for k, width in enumerate(widths)]


def described(x: Simplified) -> str:
    """Describe the operations of a sum, from the outside to the inside."""
    operation = x.operation
    if operation.name:
        return operation.name
    inner = ", ".join(described(x.like(k)) for k in operation.operands)
    word = operation.attribute.primitive.name if operation.kind == "apply" else operation.kind
    return f"{word}({inner})" if inner else f"{operation.attribute:g}"


def test_what_arrives_twice_is_doubled() -> None:
    a, b = parts_of(Builder(), 1, 1)
    assert described(total([a, b, a], Names(), "part")) == "add(mul(2, g0), g1)"


def test_what_is_padded_alike_is_added_up_before() -> None:
    builder = Builder()
    a, b, c = parts_of(builder, 2, 2, 2)
    parts = [Simplified.of(builder.pad(x, 1, start, start + 2, 1, 9)) for x, start in ((a, 0), (b, 5), (c, 0))]
    assert described(total(parts, Names(), "part")) == "add(pad(add(g0, g2)), pad(g1))"
    assert described(total([parts[0], parts[2]], Names(), "part")) == "pad(add(g0, g2))"


def test_what_is_padded_side_by_side_is_concatenated() -> None:
    builder = Builder()
    a, b, c = parts_of(builder, 2, 2, 3)
    pads = [Simplified.of(builder.pad(x, 1, start, stop, 1, 8)) for x, start, stop in ((a, 2, 4), (b, 0, 2), (c, 5, 8))]
    assert described(total(pads, Names(), "part")) == "add(pad(concatenate(g1, g0)), pad(g2))"
    everything = Simplified.of(builder.pad(parts_of(builder, 2, 2, 3, 1)[3], 1, 4, 5, 1, 8))
    assert described(total([*pads, everything], Names(), "part")) == "concatenate(g1, g0, g3, g2)"
    two = [Simplified.of(builder.pad(x, 1, start, start + 2, 1, 4)) for x, start in ((a, 2), (b, 0))]
    assert described(total(two, Names(), "part")) == "concatenate(g1, g0)"


def test_what_is_named_or_padded_between_or_along_another_axis_is_added() -> None:
    """A named part is read elsewhere; padding between elements, or along two axes, leaves no parts to concatenate."""
    builder = Builder()
    a, b, c, d = parts_of(builder, 2, 2, 4, 4)
    after = Simplified.of(builder.pad(b, 1, 2, 4, 1, 4))
    named = Simplified.of(builder.pad(a, 1, 0, 2, 1, 4).named("named"))
    assert described(total([named, after], Names(), "part")) == "add(named, pad(g1))"
    between = Simplified.of(builder.pad(a, 1, 0, 3, 2, 6)), Simplified.of(builder.pad(b, 1, 3, 6, 2, 6))
    assert described(total(between, Names(), "part")) == "add(pad(g0), pad(g1))"
    row, half = builder.reshape(c, (N, 1, 4)), builder.reshape(d, (N, 2, 2))
    along = Simplified.of(builder.pad(row, 1, 0, 1, 1, 2)), Simplified.of(builder.pad(half, 2, 1, 3, 1, 4))
    assert described(total(along, Names(), "part")) == "add(pad(reshape(g2)), pad(reshape(g3)))"


def test_what_overlaps_is_added() -> None:
    builder = Builder()
    a, b = parts_of(builder, 2, 3)
    pads = [Simplified.of(builder.pad(x, 1, start, stop, 1, 4)) for x, start, stop in ((a, 0, 2), (b, 1, 4))]
    assert described(total(pads, Names(), "part")) == "add(pad(g0), pad(g1))"


def test_sums_of_very_many_have_named_parts() -> None:
    parts = parts_of(Builder(), *[1] * 120)
    names = Names(["part1"])
    result = total(parts, names, "part")
    named = [operation.name for operation in result.builder.operations if operation.kind == "apply" and operation.name]
    assert named == ["part2", "part3"]
    sums = [operation.name for operation in result.builder.operations if operation.kind == "apply"]
    assert [n for n, name in enumerate(sums, 2) if name] == [50, 100], "numbers of terms"


@pytest.mark.parametrize(
    ("name", "is_outer"),
    [
        ("apply to a column and a row", True),
        ("apply to a column and a pair", True),
        ("apply to one number and another", False),
        ("apply to a row", False),
        ("apply", False),
    ],
)
def test_derivatives_of_a_column_times_a_row_are_matrix_products(name: str, is_outer: bool) -> None:
    case = CASES[name]
    for differentiate in (to_arguments, to_parameters):
        operations = differentiate(function_of(case), len(case.gradient)).operations
        assert ("contract" in [operation.kind for operation in operations]) == is_outer


@pytest.mark.parametrize(
    ("name", "lines", "not_there"),
    [
        ("apply to a column of columns", ["sum over (2,)"], "sum over (1"),
        ("apply relu carefully", ["where (v5, gradient, 0)"], "mul"),
        ("apply what reduces", ["slopes1 ="], "shares"),
        ("reduce to the largest", ["shares1 ="], "slopes1"),
        ("reduce to log-sum-exp", [], "shares"),
    ],
)
def test_what_derivatives_consist_of(name: str, lines: list[str], not_there: str) -> None:
    text = str(to_arguments(function_of(CASES[name]), len(CASES[name].gradient)))
    assert all(line in text for line in lines)
    assert not_there not in text


def test_a_part_of_what_is_padded_is_a_part_of_it_or_nothing() -> None:
    builder = Builder()
    (x,) = parts_of(builder, 3)
    padded = Simplified.of(builder.pad(x, 1, 2, 5, 1, 8))
    for start, stop, part in (
        (0, 2, None),
        (5, 8, None),
        (2, 5, "g0"),
        (2, 4, "slice(g0)"),
        (3, 5, "slice(g0)"),
        (1, 4, "slice(pad(g0))"),
        (4, 6, "slice(pad(g0))"),
    ):
        result = transposes._part(builder, padded, 1, start, stop)
        assert result == 0.0 if part is None else described(Simplified.of(result)) == part
    named = Simplified.of(padded.named("named"))
    assert described(Simplified.of(transposes._part(builder, named, 1, 2, 5))) == "slice(named)"
    apart = Simplified.of(builder.pad(x, 1, 0, 5, 2, 8))
    assert described(Simplified.of(transposes._part(builder, apart, 1, 0, 5))) == "slice(pad(g0))"


# Eliminate dead code


def test_what_no_result_needs_is_left_out_but_for_leaves() -> None:
    builder = Builder()
    x, w = builder.argument("x", 2), builder.parameter([0, 1], "w")
    unused = builder.apply(primitives.exp, x, name="unused")
    builder.apply(primitives.sin, unused, name="after")
    z = (x * 3.0).named("z")
    program = without_dead_operations(builder.program([z], {z.at: 1, unused.at: 2}))
    assert [operation.name or operation.kind for operation in program.verify().operations] == [
        "x",
        "w",
        "constant",
        "z",
    ]
    assert program.layers == {3: 1}
    assert program.evaluate({"x": [[1.0, 2.0]]}, [0.0, 0.0])[0].tolist() == [[3.0, 6.0]]
    assert w.at in program.needed([*program.outputs, 1])
    assert without_dead_operations(program) is program
