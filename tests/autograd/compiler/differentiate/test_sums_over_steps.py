"""Sums over the steps of a loop, computed at once: they are those of NumPy, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd import primitives
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Labels, N, Reduction
from autograd.compiler.differentiate.over_steps import ByStep, Summand, sum_over_steps, summands

STEPS, LENGTHS = 4, {"n": 5, "k": 2, "c": 3, "b": 2}
Array = NDArray[Any]


class Arrays:
    """The arrays of a loop: an argument each, with n samples, and the numbers of each step."""

    def __init__(self, steps: int = STEPS, is_backward: bool = False) -> None:
        self.builder, self.rows = Builder(), {"samples": np.zeros((LENGTHS["n"], 1))}
        self.builder.argument("samples", 1)
        self.steps, self.is_backward = steps, is_backward
        self.chance = np.random.default_rng(steps)

    def _argument(self, labels: str, axis: int | None) -> tuple[Simplified, Array]:
        name = f"x{len(self.rows)}"
        letters = labels if axis is None else f"{labels[:axis]}t{labels[axis:]}"
        array = self.chance.normal(size=[{**LENGTHS, "t": self.steps}[letter] for letter in letters])
        self.rows[name] = array
        shape = tuple(N if letter == "n" else {**LENGTHS, "t": self.steps}[letter] for letter in letters)
        return Simplified.of(self.builder.argument(name, shape)), array

    def by_step(self, labels: str, axis: int, before: str = "") -> tuple[ByStep, list[Array]]:
        """Return an array with its axis of steps here, and its numbers of each step, in the order of the steps.

        Args:
            before: "values", "zeros" or "halves" before the first step if the numbers before each step are meant.
        """
        x, array = self._argument(labels, axis)
        numbers = [array.take(t, axis) for t in range(self.steps)][:: -1 if self.is_backward else 1]
        stepping = Stepping(axis, self.is_backward)
        if not before:
            return ByStep(x, stepping), numbers
        initial, first = self._argument(labels, None)
        if before != "values":
            number = 0.0 if before == "zeros" else 0.5
            same = self.builder.broadcast(self.builder.constant(number), initial.shape)
            initial, first = Simplified.of(same), np.full(first.shape, number)
        return ByStep(x, stepping, initial), [first, *numbers[:-1]]

    def value(self, x: Any) -> Any:
        if isinstance(x, float):
            return x
        (result,) = self.builder.program([x]).verify().evaluate(self.rows)
        return result


PRODUCTS = [
    "nk,nc->kc",
    "nc,nk->ck",
    "kn,cn->ck",
    "bnk,nbc->bkc",
    "nk,nk->k",
    "nbk,nbc->ck",
    "nk,kc->nc",
    "bk,bc->kc",
    "k,c->kc",
]


@pytest.mark.parametrize("is_backward", [False, True])
@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_sum_of_products(product: str, steps: int, is_backward: bool) -> None:
    left, right, result = product.replace("->", ",").split(",")
    for of_left, of_right in ((0, 0), (1, 1), (len(left), 0), (0, len(right))):
        for before in (("", ""), ("values", ""), ("", "values"), ("zeros", ""), ("", "zeros"), ("", "halves")):
            arrays = Arrays(steps, is_backward)
            x, xs = arrays.by_step(left, of_left, before[0])
            y, ys = arrays.by_step(right, of_right, before[1])
            total = sum_over_steps(Summand(1.0, (0, 1), Labels(left, right, result)), [x, y])
            expected = sum(np.einsum(product, a, b) for a, b in zip(xs, ys))
            np.testing.assert_allclose(arrays.value(total), np.broadcast_to(expected, np.shape(expected)), rtol=1e-12)
            if "zeros" in before and steps == 1:
                assert total == 0.0


def test_a_product_over_samples_and_steps_is_one_product_of_matrices() -> None:
    arrays = Arrays()
    x, _ = arrays.by_step("nk", 0)
    y, _ = arrays.by_step("nc", 0)
    total = sum_over_steps(Summand(1.0, (0, 1), Labels("nk", "nc", "kc")), [x, y])
    (contraction,) = [o for o in arrays.builder.operations if o.kind == "contract"]
    assert contraction.shape == total.shape
    assert [len(arrays.builder.operations[at].shape) for at in contraction.operands] == [2, 2]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (2,), (0, 2)])
def test_a_sum_over_axes_and_steps(axes: tuple[int, ...], keepdims: bool) -> None:
    for axis in range(4):
        arrays = Arrays()
        x, xs = arrays.by_step("nkc", axis)
        total = sum_over_steps(Summand(2.0, (0,), Reduction("sum", axes, keepdims, False)), [x])
        expected = 2.0 * sum(np.sum(a, axis=axes, keepdims=keepdims) for a in xs)
        assert total.shape == tuple(N if n == 5 else n for n in expected.shape)
        np.testing.assert_allclose(arrays.value(total), expected, rtol=1e-12)


def test_a_sum_is_scaled_and_arranged() -> None:
    arrays = Arrays()
    x, xs = arrays.by_step("nk", 0)
    y, ys = arrays.by_step("nc", 0)
    summand = Summand(-3.0, (0, 1), Labels("nk", "nc", "kc")).then("transpose", (1, 0)).then("reshape", (2, 3))
    expected = -3.0 * sum(a.T @ b for a, b in zip(xs, ys)).T.reshape(2, 3)  # type: ignore[union-attr]
    np.testing.assert_allclose(arrays.value(sum_over_steps(summand, [x, y])), expected, rtol=1e-12)


# The summands of a step


def test_the_summands_of_a_gradient() -> None:
    """Products, sums over samples, their multiples and differences, and arrangements of them."""
    builder = Builder()
    x, y = builder.argument("x", 2), builder.argument("y", 3)
    product, total = builder.contract(x, y, "nk", "nc", "kc"), builder.reduce(x, "sum", [0])
    of_product = Summand(1.0, (x.at, y.at), Labels("nk", "nc", "kc"))
    of_sum = Summand(1.0, (x.at,), Reduction("sum", (0,), False, False))

    def of(x: Any) -> list[Summand] | None:
        return summands(builder.operations, x.at)

    assert of(product) == [of_product]
    assert of(total) == [of_sum]
    table = builder.reduce(builder.argument("z", (4, 2, 3)), "sum", [0])
    (of_table,) = of(table) or []
    assert of(builder.transpose(table, (1, 0))) == [of_table.then("transpose", (1, 0))]
    assert of(builder.reshape(product, (3, 2))) == [of_product.then("reshape", (3, 2))]
    column = builder.apply(primitives.neg, total)
    assert of(column) == [of_sum._replace(factor=-1.0)]
    assert of(builder.apply(primitives.mul, 3.0, column)) == [of_sum._replace(factor=-3.0)]
    difference = builder.apply(primitives.sub, total, builder.apply(primitives.mul, 3.0, column))
    assert of(difference) == [of_sum, of_sum._replace(factor=3.0)]
    twice = builder.apply(primitives.neg, builder.apply(primitives.mul, 2.0, total))
    assert of(builder.apply(primitives.mul, 3.0, twice)) == [of_sum._replace(factor=-6.0)]
    assert of(builder.apply(primitives.add, column, total)) == [of_sum._replace(factor=-1.0), of_sum]


def test_other_operations_have_no_summands() -> None:
    builder = Builder()
    x = builder.argument("x", (2, 3))
    total, tanh = builder.reduce(x, "sum", [0]), builder.apply(primitives.tanh, x)
    row = builder.reduce(x, "sum", [0], keepdims=True)
    numbers = builder.constant(np.array([1.0, 2.0, 3.0]))
    for other in (
        x,
        tanh,
        builder.reduce(x, "max", [0]),
        builder.transpose(tanh, (1, 0)),
        builder.apply(primitives.neg, tanh),
        builder.apply(primitives.mul, total, total),
        builder.apply(primitives.mul, numbers, total),
        builder.apply(primitives.mul, 2.0, tanh),
        builder.apply(primitives.add, total, builder.slice(tanh, 0, 0, 1)),
        builder.apply(primitives.add, row, tanh),
        builder.apply(primitives.maximum, total, total),
        builder.apply(primitives.maximum, 3.0, total),
        builder.slice(total, 0, 0, 2),
    ):
        assert not summands(builder.operations, other.at)
    alone = builder.contract(x, builder.argument("z", (2,)), "kc", "b", "c")
    assert summands(builder.operations, alone.at) is None, "k and b are summed in one operand each"
