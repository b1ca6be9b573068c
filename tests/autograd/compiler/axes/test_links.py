"""Axes that operands share with results, and the strides at which an operation needs axes to begin, by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import N, Shape
from autograd.compiler.axes.links import Link, ends, fitted_axes, links

Build = Callable[[Builder], Handle]


def array(b: Builder, *shape: int, name: str = "x") -> Handle:
    """Return an argument with an array of this shape for each sample."""
    return b.reshape(b.argument(name, int(np.prod(shape))), (N, *shape))


def weights(b: Builder, *shape: int) -> Handle:
    return b.parameter(np.arange(np.prod(shape)).reshape(shape), "w")


def product(b: Builder) -> Handle:
    return b.contract(array(b, 4, 5), weights(b, 6, 5), "ntk", "ck", "ntc")


def shapes_of(x: Handle) -> list[Shape]:
    return [x.builder.operations[k].shape for k in x.operation.operands]


LINKS: list[tuple[Build, list[Link]]] = [
    (lambda b: b.argument("x", 6), []),
    (lambda b: b.reshape(b.argument("x", 24), (N, 2, 12)), [Link(0, 1, 1, 24)]),
    (lambda b: b.guard(array(b, 2, 3), 0), [Link(0, 1, 1, 6)]),
    (
        lambda b: b.apply(primitives.add, array(b, 2, 3, 4), weights(b, 3, 1)),
        [Link(0, 1, 1, 24), Link(1, 1, 4, 3)],
    ),
    (lambda b: b.broadcast(weights(b, 2, 1, 3), (N, 2, 5, 3)), [Link(0, 1, 1, 3), Link(0, 3, 15, 2)]),
    (lambda b: b.transpose(array(b, 2, 3, 4), (0, 3, 1, 2)), [Link(0, 4, 1, 6), Link(0, 1, 6, 4)]),
    (
        lambda b: b.transpose(array(b, 2, 3, 4, 5), (0, 1, 2, 4, 3)),
        [Link(0, 5, 1, 4), Link(0, 1, 4, 5), Link(0, 20, 20, 6)],
    ),
    (product, [Link(0, 5, 6, 4), Link(1, 5, 1, 6)]),
    (lambda b: b.reduce(array(b, 2, 3, 4), "sum", [2]), [Link(0, 1, 1, 4), Link(0, 12, 4, 2)]),
    (lambda b: b.reduce(array(b, 2, 3, 4), "sum", [2], keepdims=True), [Link(0, 1, 1, 4), Link(0, 12, 4, 2)]),
    (lambda b: b.reduce(array(b, 2, 3, 4), "sum", [3]), [Link(0, 4, 1, 6)]),
    (lambda b: b.slice(array(b, 6, 4), 1, 2, 6), [Link(0, 1, 1, 4), Link(0, 4, 4, 4, divisor=2)]),
    (
        lambda b: b.slice(array(b, 3, 6, 3), 2, 0, 4),
        [Link(0, 1, 1, 3), Link(0, 18, 12, 3), Link(0, 3, 3, 4, divisor=2)],
    ),
    (lambda b: b.slice(array(b, 6, 4), 1, 0, 6, 2), [Link(0, 1, 1, 4)]),
    (lambda b: b.accumulate(array(b, 3, 6, 2), 2), [Link(0, 1, 1, 2), Link(0, 12, 12, 3)]),
    (
        lambda b: b.concatenate([array(b, 2, 4, 3), array(b, 2, 6, 3, name="y")], 2),
        [
            *(Link(0, 1, 1, 3), Link(0, 12, 30, 2), Link(0, 3, 3, 4, divisor=4)),
            *(Link(1, 1, 1, 3), Link(1, 18, 30, 2), Link(1, 3, 3, 6, divisor=2)),
        ],
    ),
    (lambda b: b.take(array(b, 2, 3, 4), [[0, 1, 2], [3, 2, 1]]), [Link(0, 4, 6, 6)]),
    (lambda b: b.place(array(b, 2, 3, 4), np.arange(12).reshape(3, 4) % 7, 7), [Link(0, 12, 7, 2)]),
]


@pytest.mark.parametrize(("build", "expected"), LINKS)
def test_operands_share_axes_with_results(build: Build, expected: list[Link]) -> None:
    x = build(Builder())
    assert links(x.operation, shapes_of(x)) == expected


def test_fitted_axes_belong_to_the_first_operand_unless_told_otherwise() -> None:
    assert fitted_axes((3, 1, 4), (N, 3, 5, 4)) == [Link(0, 1, 1, 4), Link(0, 4, 20, 3)]
    assert fitted_axes((3, 1, 4), (N, 3, 5, 4), operand=2) == [Link(2, 1, 1, 4), Link(2, 4, 20, 3)]


ENDS: list[tuple[Build, set[int], set[tuple[int, int]]]] = [
    (lambda b: b.argument("x", 6), {1, 6}, set()),
    (lambda b: b.reshape(b.argument("x", 24), (N, 2, 12)), set(), set()),
    (lambda b: b.guard(array(b, 2, 3), 0), set(), set()),
    (
        lambda b: b.apply(primitives.add, array(b, 2, 3, 4), array(b, 2, 3, 4, name="y")),
        {1, 24},
        {(0, 1), (0, 24), (1, 1), (1, 24)},
    ),
    (lambda b: b.broadcast(weights(b, 2, 1, 3), (N, 2, 5, 3)), {1, 3, 15, 30}, {(0, 1), (0, 3), (0, 6)}),
    (product, {1, 6, 24}, {(0, 1), (0, 5), (0, 20), (1, 1), (1, 5), (1, 30)}),
    (lambda b: b.slice(array(b, 6, 4), 1, 2, 6), {1, 4, 16}, {(0, 1), (0, 4), (0, 16)}),
]


@pytest.mark.parametrize(("build", "own", "others"), ENDS)
def test_axes_begin_where_shared_axes_do(build: Build, own: set[int], others: set[tuple[int, int]]) -> None:
    """Elementwise operations and reshapes work at any division; the axes of others are those of their shapes."""
    x = build(Builder())
    of_result, of_operands = ends(x.operation, shapes_of(x))
    assert (set(of_result), set(of_operands)) == (own, others)
