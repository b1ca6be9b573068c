"""Programs with divided axes compute what they did, with no more operations than the axes need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Batch, N, Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.axes.lengths import size_of
from autograd.compiler.axes.rewrite import rewritten
from autograd.compiler.axes.step import fitted
from autograd.compiler.axes.views import View
from autograd.compiler.trace.comparisons import COMPARISONS


def tanh(x: Handle) -> Handle:
    return x.builder.apply(primitives.tanh, x)


def is_positive(x: Handle) -> Handle:
    return x.builder.apply(COMPARISONS[">"], x, 0.0)


def largest(x: Handle, shape: Shape, axis: int) -> Handle:
    return x.builder.reduce(x.builder.reshape(x, shape), "max", [axis])


def rewritten_and_compared(program: ArrayProgram) -> ArrayProgram:
    """Return the program with divided axes; check that it computes the same."""
    result = rewritten(program.verify()).verify()
    chance = np.random.default_rng(0)
    widths = {o.name: size_of(o.shape) for o in program.operations if o.kind == "argument"}
    arguments = {name: chance.normal(size=(3, width)) for name, width in widths.items()}
    parameters = chance.normal(size=8)
    pairs = zip(result.evaluate(arguments, parameters), program.evaluate(arguments, parameters), strict=True)
    for new, old in pairs:
        np.testing.assert_allclose(new, old, rtol=1e-13)
    return result


def shapes_of(program: ArrayProgram, kind: str) -> list[Shape]:
    return [o.shape for o in program.operations if o.kind == kind]


# Parts of arrays


def test_arrays_in_blocks_of_the_same_lengths_are_concatenated_block_by_block() -> None:
    b = Builder()
    whole = b.concatenate([tanh(b.argument("x", 8)), tanh(b.argument("y", 12))], 1)
    outputs = [largest(whole, (N, 5, 4), 2), largest(whole, (N, 10, 2), 2)]
    result = rewritten_and_compared(b.program(outputs))
    assert shapes_of(result, "concatenate") == [(N, 5, 2, 2)]


@pytest.mark.parametrize("width", [2, 3, 4])
def test_arrays_that_are_not_in_such_blocks_are_concatenated_and_then_divided(width: int) -> None:
    b = Builder()
    parts = [tanh(b.argument("x", 8)), tanh(b.argument("y", width)), tanh(b.argument("z", 8 - width))]
    result = rewritten_and_compared(b.program([largest(b.concatenate(parts, 1), (N, 4, 4), 2)]))
    assert shapes_of(result, "concatenate") == [(N, 16)]


def test_repeated_arrays_are_concatenated_along_the_axis_of_their_repetition() -> None:
    b = Builder()
    rows = [b.reshape(b.argument(name, 3), (N, 1, 3)) for name in "xy"]
    wide = [b.broadcast(x, (N, times, 3)) for x, times in zip(rows, (2, 4))]
    result = rewritten_and_compared(b.program([b.concatenate(wide, 1)]))
    assert shapes_of(result, "concatenate") == [(N, 6, 3)]


@pytest.mark.parametrize(
    ("start", "stop", "step", "expected"),
    [(6, 18, 1, (N, 2, 3, 2)), (2, 20, 1, (N, 9, 2)), (3, 20, 1, (N, 17)), (0, 24, 2, (N, 12)), (1, 24, 6, (N, 4))],
)
def test_slices_take_the_longest_blocks_between_their_ends(start: int, stop: int, step: int, expected: Shape) -> None:
    """The array, of shape (n, 4, 3, 2), has blocks of 6 and of 2 elements."""
    b = Builder()
    a = tanh(b.argument("x", 24))
    outputs = [largest(a, (N, 4, 6), 2), largest(a, (N, 12, 2), 2), b.slice(a, 1, start, stop, step)]
    result = rewritten_and_compared(b.program(outputs))
    assert shapes_of(result, "slice") == [expected]


# Reductions and elementwise operations


def test_a_reduced_array_is_not_broadcast_along_axes_that_it_lacks() -> None:
    b = Builder()
    wide = b.broadcast(b.reshape(b.argument("x", 8), (N, 2, 1, 4)), (N, 2, 3, 4))
    result = rewritten_and_compared(b.program([b.reduce(wide, "max", [3]) + b.reshape(b.argument("y", 6), (N, 2, 3))]))
    assert shapes_of(result, "broadcast") == []
    assert shapes_of(result, "reduce") == [(N, 2, 1)]


def test_a_reduction_of_a_divided_axis_keeps_an_axis_of_length_1() -> None:
    b = Builder()
    a = tanh(b.argument("x", 6))
    total = b.apply(primitives.sin, b.reduce(a, "sum", [1], keepdims=True))
    result = rewritten_and_compared(b.program([largest(a, (N, 2, 3), 2), total]))
    assert shapes_of(result, "apply") == [(N, 2, 3), (N, 1)]
    assert shapes_of(result, "reduce") == [(N,), (N, 2)]


def test_arrays_lose_axes_of_length_1_when_they_are_broadcast_or_divided() -> None:
    b = Builder()
    table = View.of(b.constant(np.arange(6.0).reshape(2, 1, 3)))
    wide = fitted(table, (2, 1, 3), (N, 2, 1, 3), (N, 2, 1, 3))
    assert (wide.handle.shape, wide.axes) == ((2, 3), (1, 3))
    rows = View.of(b.reshape(b.argument("x", 6), (N, 2, 3))).divided((N, 2, 1, 3))
    assert (rows.handle.shape, rows.axes) == ((N, 2, 3), (0, 1, 3))


# Guards


def test_a_mask_with_other_axes_than_the_guarded_array_guards_all_pairs() -> None:
    b = Builder()
    x, y = b.argument("x", 2), b.argument("y", 2)
    wide = b.broadcast(b.reshape(x, (N, 2, 1)), (N, 2, 2))
    result = rewritten_and_compared(b.program([b.guard(wide, 0)], masks=[is_positive(b.reshape(y, (N, 1, 2)))]))
    assert shapes_of(result, "guard") == [(N, 2, 2)]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (lambda b: is_positive(b.reshape(b.argument("x", 1), (N, 1, 1))), (N, 2)),
        (lambda b: is_positive(b.reduce(b.parameter(np.arange(3, 6)), "sum", [0])), (2,)),
        (lambda b: is_positive(b.reduce(b.parameter(np.arange(3, 6)), "sum", [0], keepdims=True)), (2,)),
    ],
)
def test_a_mask_of_one_number_guards_what_is_repeated_before_it_is(
    mask: Callable[[Builder], Handle], expected: Shape
) -> None:
    b = Builder()
    wide = b.broadcast(b.reshape(b.parameter(np.arange(2)), (2, 1)), (N, 2, 2))
    output = b.guard(wide, 0) * b.reshape(b.argument("y", 4), (N, 2, 2))
    result = rewritten_and_compared(b.program([output], masks=[mask(b)]))
    assert shapes_of(result, "guard") == [expected]


def test_a_mask_of_the_guarded_array_s_shape_has_its_axes() -> None:
    b = Builder()
    x = b.argument("x", 1)
    total = b.reduce(x * x, "sum", [1]).named("total")
    result = rewritten_and_compared(b.program([b.guard(b.reshape(total, (N, 1)), 0)], masks=[is_positive(x)]))
    assert shapes_of(result, "guard") == [(N, 1)]


# Programs that are rewritten, and others


def loop_over(b: Builder, start: Handle, written: tuple[Stepping, ...] = ()) -> list[Handle]:
    """Add a loop of three steps, which may write its state after each."""
    body = Builder()
    state = 0.9 * body.argument("s", start.shape)
    return b.loop(Loop(body.program([state] * (1 + len(written))), 3, 1, written=written), [start])


def test_programs_with_loops_are_rewritten_around_them() -> None:
    b = Builder()
    (last,) = loop_over(b, tanh(b.argument("x", 6)))
    program = b.program([largest(tanh(last.named("last")), (N, 2, 3), 2)])
    result = rewritten_and_compared(program)
    assert result is not program
    assert [o.name for o in result.operations if o.kind == "result"] == ["last"]
    assert shapes_of(result, "apply") == [(N, 6), (N, 2, 3)]


def unchanged_programs() -> dict[str, Any]:
    """Return functions of a builder and an array (n, 6): their results depend on several samples, or move them."""
    numbers = np.arange(6.0)
    return {
        "a product summed over samples": lambda b, x: b.contract(x, b.constant(numbers), "nk", "k", "k"),
        "a product with samples on the right": lambda b, x: b.contract(b.constant(numbers), x, "k", "nk", "k"),
        "a product of pairs of samples": lambda b, x: b.contract(x, x, "nk", "mk", "nk"),
        "a sum after a loop": lambda b, x: b.reduce(loop_over(b, x)[0].named("last"), "sum", [0]),
        "a loop along the first axis": lambda b, x: loop_over(b, x, (Stepping(0),))[1].named("states"),
        "several samples in a row": lambda b, x: b.reshape(x, (6, Batch(1))),
    }


@pytest.mark.parametrize("name", unchanged_programs())
def test_programs_that_mix_samples_stay_as_they_are(name: str) -> None:
    b = Builder()
    x = b.reshape(b.reshape(b.argument("x", 6) * 2.0, (N, 3, 2)), (N, 6))
    program = b.program([unchanged_programs()[name](b, x)]).verify()
    assert rewritten(program) is program


def test_sums_over_other_axes_than_samples_are_rewritten() -> None:
    """The first axis of an array without samples may be summed over."""
    b = Builder()
    table = b.reduce(b.parameter(np.arange(6).reshape(2, 3)), "sum", [0])
    program = b.program([b.reshape(b.argument("x", 3) * table, (N, 3, 1))])
    assert rewritten_and_compared(program) is not program
