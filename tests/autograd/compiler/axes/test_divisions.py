"""Axes that arrays are divided into, found by hand from how each array is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import Length, N, Shape
from autograd.compiler.axes.divisions import divisions


def weights(b: Builder, *shape: int) -> Handle:
    return b.parameter(np.arange(np.prod(shape)).reshape(shape), "w")


def tanh(x: Handle) -> Handle:
    return x.builder.apply(primitives.tanh, x)


def largest(x: Handle, lengths: Sequence[Length], axis: int) -> Handle:
    """Read an array with axes of these lengths: return the largest elements along one of them."""
    return x.builder.reduce(x.builder.reshape(x, (N, *lengths)), "max", [axis])


def divided(outputs: Sequence[Handle], *arrays: Handle, masks: Sequence[Handle] = ()) -> list[Shape]:
    """Return the lengths that arrays are divided into in a program with these outputs."""
    lengths = divisions(outputs[0].builder.program(outputs, masks=masks).verify())
    return [lengths[x.at] for x in arrays]


# Products with weights


@pytest.mark.parametrize("applied", [False, True])
def test_columns_of_weights_are_not_divided(applied: bool) -> None:
    b = Builder()
    z = b.contract(b.argument("x", 5), weights(b, 6, 5), "nk", "ck", "nc")
    a = tanh(z) if applied else z
    assert divided([largest(a, (2, 3), 2)], z, a) == [(N, 6), (N, 6)]


WEIGHTS: list[Callable[[Builder], Handle]] = [
    lambda b: 2.0 * weights(b, 6, 5),
    lambda b: weights(b, 6, 5) * b.constant(np.ones((6, 5))),
    lambda b: tanh(weights(b, 6, 5)),
    lambda b: b.transpose(weights(b, 5, 6), (1, 0)),
    lambda b: b.reshape(weights(b, 2, 15), (6, 5)),
]


@pytest.mark.parametrize("make", WEIGHTS)
def test_what_is_computed_from_weights_and_constants_is_weights(make: Callable[[Builder], Handle]) -> None:
    b = Builder()
    w = make(b)
    z = b.contract(b.argument("x", 5), w, "nk", "ck", "nc")
    assert divided([largest(tanh(z), (2, 3), 2)], z) == [(N, 6)]


def test_elementwise_results_of_weights_keep_their_rows() -> None:
    b = Builder()
    w = 2.0 * weights(b, 6, 5)
    z = b.contract(b.argument("x", 5), w, "nk", "ck", "nc")
    assert divided([largest(z, (2, 3), 2)], w) == [(6, 5)]


def test_products_of_data_are_divided_with_their_operands() -> None:
    b = Builder()
    x, y = b.argument("x", 5), b.argument("y", 30)
    rows = b.reshape(y, (N, 6, 5))
    z = b.contract(x, rows, "nk", "nck", "nc")
    a = tanh(z)
    lengths = divided([largest(a, (2, 3), 2)], x, y, rows, z, a)
    assert lengths == [(N, 5), (N, 2, 3, 5), (N, 2, 3, 5), (N, 2, 3), (N, 2, 3)]


def test_products_of_weights_and_data_are_data() -> None:
    """The products themselves have the rows of the weights; what is computed from them may be divided."""
    b = Builder()
    x, y = b.argument("x", 5), b.argument("y", 5)
    v = weights(b, 6, 5) * b.reshape(x, (N, 1, 5))
    z = b.contract(v, y, "nck", "nk", "nc")
    assert divided([largest(tanh(z), (2, 3), 2)], v, z) == [(N, 6, 5), (N, 2, 3)]


def product_and_reading(applied: bool) -> tuple[Handle, Handle]:
    """Return a product with weights, and a product of data with its elements, which are read as (n, 2, 3)."""
    b = Builder()
    z = b.contract(b.argument("x", 5), weights(b, 6, 5), "nk", "ck", "nc")
    rows = b.reshape(tanh(z) if applied else z, (N, 2, 3))
    return z, b.contract(rows, b.reshape(b.argument("y", 8), (N, 2, 4)), "nhd", "nhe", "nhde")


def test_columns_are_divided_where_one_reshape_divides_them_for_all_readers() -> None:
    z, reading = product_and_reading(applied=False)
    assert divided([reading], z) == [(N, 2, 3)]
    assert divided([reading, z], z) == [(N, 6)]
    assert divided([reading], z, masks=[z]) == [(N, 6)]
    z, reading = product_and_reading(applied=True)
    assert divided([reading], z) == [(N, 6)]


@pytest.mark.parametrize(("multiplied", "expected"), [(True, (N, 2, 3)), (False, (N, 6))])
def test_slices_that_are_multiplied_divide_columns(multiplied: bool, expected: Shape) -> None:
    b = Builder()
    z = b.contract(b.argument("x", 5), weights(b, 6, 5), "nk", "ck", "nc")
    first, second = b.slice(z, 1, 0, 3), b.slice(z, 1, 3, 6)
    y = b.contract(first, second, "nk", "nk", "n") if multiplied else first + second
    assert divided([y], z) == [expected]


# Transposed products: the axis of the weights' rows is found again. The product has a name, so that it is transposed
# in an operation of its own.


def test_rows_of_weights_are_followed_to_the_front() -> None:
    """The first axis of (n, 6, 4) is not divided, although it is read as (2, 3); the second is, as (2, 2)."""
    b = Builder()
    z = b.contract(b.reshape(b.argument("x", 8), (N, 4, 2)), weights(b, 6, 2), "ntk", "ck", "ntc").named("z")
    t = b.transpose(z, (0, 2, 1))
    a = tanh(t)
    outputs = [largest(a, (2, 3, 4), 2), largest(a, (6, 2, 2), 3)]
    assert divided(outputs, z, t, a) == [(N, 2, 2, 6), (N, 6, 2, 2), (N, 6, 2, 2)]


def test_rows_of_weights_are_followed_to_the_back() -> None:
    """The last axis of (n, 4, 6) is not divided, although it is read as (2, 3); the first is, as (2, 2)."""
    b = Builder()
    z = b.contract(b.reshape(b.argument("x", 8), (N, 4, 2)), weights(b, 6, 2), "ntk", "ck", "nct").named("z")
    t = b.transpose(z, (0, 2, 1))
    a = tanh(t)
    outputs = [largest(a, (4, 2, 3), 3), largest(a, (2, 2, 6), 2)]
    assert divided(outputs, z, t, a) == [(N, 6, 2, 2), (N, 2, 2, 6), (N, 2, 2, 6)]


def test_axes_beside_the_rows_of_weights_are_divided() -> None:
    b = Builder()
    x = b.reshape(b.argument("x", 32), (N, 4, 4, 2))
    z = b.contract(x, weights(b, 6, 2), "natk", "ck", "nact").named("z")
    t = b.transpose(z, (0, 2, 1, 3))
    a = tanh(t)
    assert divided([largest(a, (6, 2, 2, 4), 3)], z, t, a) == [(N, 2, 2, 6, 4), (N, 6, 2, 2, 4), (N, 6, 2, 2, 4)]


# Links that strides follow


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, 8, [(N, 3, 4), (N, 2, 4)]), (4, 12, [(N, 3, 4), (N, 2, 4)]), (2, 10, [(N, 12), (N, 2, 4)])],
)
def test_slices_of_whole_blocks_are_divided_with_their_arrays(start: int, stop: int, expected: list[Shape]) -> None:
    b = Builder()
    x = b.argument("x", 12)
    part = b.slice(x, 1, start, stop)
    assert divided([largest(part, (2, 4), 2)], x, part) == expected


def test_a_broadcast_array_is_divided_only_along_its_own_axes() -> None:
    b = Builder()
    y = b.argument("y", 12)
    rows = b.reshape(y, (N, 4, 1, 3))
    wide = b.broadcast(rows, (N, 4, 2, 3))
    assert divided([wide], y, rows, wide) == [(N, 4, 3), (N, 4, 1, 3), (N, 4, 2, 3)]


def test_an_array_has_the_axes_of_one_reader_if_readers_disagree() -> None:
    b = Builder()
    x = b.argument("x", 6)
    first, second = b.reshape(x, (N, 2, 3)), b.reshape(x, (N, 3, 2))
    shape, *others = divided([b.reduce(first, "max", [2]), b.reduce(second, "max", [2])], x, first, second)
    assert others == [first.shape, second.shape]
    assert shape in others


def test_results_of_loops_are_divided() -> None:
    body = Builder()
    loop = Loop(body.program([0.9 * body.argument("s", 6)]), steps=3, carried=1)
    b = Builder()
    (last,) = b.loop(loop, [b.argument("x", 6)])
    a = tanh(last.named("last"))
    several = b.operand(last)
    assert divided([largest(a, (2, 3), 2)], several, last, a) == [(), (N, 2, 3), (N, 2, 3)]
