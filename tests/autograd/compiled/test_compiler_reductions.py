"""max, min, prod, mean, logsumexp, softmax and detach in compiled programs: arrays, machine code and Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import mpmath
import numpy as np
import pytest

import autograd
import nn
from autograd import Value, where
from autograd.compiler.program import Program

pytestmark = pytest.mark.usefixtures("fifty_digits")

Thin = Callable[[str], AbstractContextManager[None]]
Number = Any

WAYS = ["arrays", "machine code", "Python"]
inf, nan = math.inf, math.nan


def compiled(thin: Thin, way: str, function: Callable[..., Any], *examples: Any, **settings: Any) -> Program:
    with thin(way):
        return autograd.compile(function, *examples, **settings)


# Relative to the largest: logsumexp, softmax, cross-entropy

LOGITS = [
    [0.5, -1.0, 3.0],
    [0.0, -40.0, -50.0],
    [1e17, 1e17, 1e17],
    [-1e17, -1e17, -1e17],
    [1e9, 1e9 - 20, 1e9 - 20],
    [1e4, 1e4 - 1, -1e4],
    [1e300, 0.0, -1e300],
    [-800.0, -801.0, -802.0],
    [2.0, 2.0, -inf],
]


def exact_softmax(xs: list[float]) -> list[Any]:
    exponentials = [mpmath.exp(mpmath.mpf(x) - max(xs)) for x in xs]
    return [e / sum(exponentials) for e in exponentials]


@pytest.mark.parametrize("way", WAYS)
def test_logsumexp(way: str, thin: Thin) -> None:
    """Values and derivatives are accurate, for one sample and for a batch, also w.r.t. parameters."""
    program = compiled(thin, way, lambda xs: autograd.logsumexp(xs), [0.0, 0.0, 0.0])
    ws = [Value(0.0) for _ in range(3)]
    of_parameters = compiled(thin, way, lambda x: autograd.logsumexp(ws) * x, 1.0)
    batch, slopes = program.value_and_grad(LOGITS)
    for xs, value, row in zip(LOGITS, batch, slopes):
        exact = mpmath.log(sum(mpmath.exp(x - max(xs)) for x in map(mpmath.mpf, xs))) + max(xs)
        expected = pytest.approx(list(map(float, exact_softmax(xs))), rel=1e-14, abs=1e-300)
        assert value == pytest.approx(float(exact), rel=4e-16, abs=0.0)
        assert row.tolist() == expected
        one, gradient = program.value_and_grad(xs)
        assert one == pytest.approx(float(exact), rel=4e-16, abs=0.0)
        assert gradient.tolist() == expected
        for w, x in zip(ws, xs):
            w.data, w.grad = x, 0.0
        if all(map(math.isfinite, xs)) and abs(float(exact)) < 1e300:
            of_parameters.backward([1.0, 1.0])
            assert [w.grad for w in ws] == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_that_are_all_minus_infinity(way: str, dtype: Any, thin: Thin) -> None:
    """In the forward algorithm, paths of probability 0 may meet: the derivative is 0 there, not nan."""
    program = compiled(thin, way, lambda xs, y: autograd.exp(autograd.logsumexp(xs)) + y, [0.0, 0.0], 1.0, dtype=dtype)
    value, (slopes, _) = program.value_and_grad([-inf, -inf], 2.0)
    assert value == 2.0
    assert slopes.tolist() == [0.0, 0.0]
    value, (slopes, _) = program.value_and_grad([[-inf, -inf], [-inf, 0.0]], [2.0, 3.0])
    assert value.tolist() == [2.0, 4.0]
    assert slopes.tolist() == [[0.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("way", WAYS)
def test_softmax_and_its_derivatives(way: str, thin: Thin) -> None:
    weights = [0.5, -1.0, 2.0]
    program = compiled(thin, way, lambda xs: autograd.dot(weights, autograd.softmax(xs)), [0.0, 0.0, 0.0])
    probabilities = compiled(thin, way, lambda xs: autograd.softmax(xs), [0.0, 0.0, 0.0])
    for xs in LOGITS[:6]:
        p = exact_softmax(xs)
        mean = sum(w * x for w, x in zip(weights, p))
        assert probabilities(xs) == pytest.approx(list(map(float, p)), rel=1e-14, abs=1e-300)
        assert program.input_gradients(xs).tolist() == pytest.approx(
            [float(x * (w - mean)) for w, x in zip(weights, p)], rel=1e-12, abs=4e-16
        )


@pytest.mark.parametrize("way", WAYS)
def test_cross_entropy(way: str, thin: Thin) -> None:
    program = compiled(thin, way, lambda xs: nn.cross_entropy(xs, 0), [0.0, 0.0])
    for xs in ([1e16, 1e16], [1e17, 1e17], [0.0, 40.0], [40.0, 0.0], [1e9, 1e9 - 20], [-1e16, -1e16]):
        exact = mpmath.log1p(mpmath.exp(mpmath.mpf(xs[1]) - mpmath.mpf(xs[0])))
        p = exact_softmax(xs)
        value, slopes = program.value_and_grad(xs)
        assert value == pytest.approx(float(exact), rel=1e-14)
        assert slopes.tolist() == pytest.approx([float(p[0] - 1), float(p[1])], rel=1e-9, abs=1e-16)


# The largest and the smallest


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("xs", "largest", "smallest", "shares", "others"),
    [
        ([1.0, 3.0, 2.0], 3.0, 1.0, [0, 1, 0], [1, 0, 0]),
        ([3.0, 3.0, 2.0], 3.0, 2.0, [0.5, 0.5, 0], [0, 0, 1]),
        ([-1.0, -1.0, -1.0], -1.0, -1.0, [1 / 3] * 3, [1 / 3] * 3),
        ([0.0, -0.0, -1.0], 0.0, -1.0, [0.5, 0.5, 0], [0, 0, 1]),
        ([1e300, -inf, 0.0], 1e300, None, [1, 0, 0], None),
        ([inf, 1.0, 2.0], None, 1.0, None, [0, 1, 0]),
    ],
)
def test_max_and_min(
    way: str, xs: list[float], largest: Any, smallest: Any, shares: Any, others: Any, thin: Thin
) -> None:
    """The operands are an argument's numbers, several rows at once, or results of different operations."""
    for function, value, slopes in ((autograd.max, largest, shares), (autograd.min, smallest, others)):
        if value is None:
            continue
        program = compiled(thin, way, lambda xs: function(xs), [0.5, 0.25, 0.75])  # noqa: B023
        for batch in ([xs], [xs, [0.25, 0.5, 1.0]]):
            values, actual = program.value_and_grad(batch)
            assert (values[0], actual[0].tolist()) == (value, slopes)
        rows = compiled(thin, way, lambda rows: autograd.sum([function(row) for row in rows]), [[0.5, 0.25, 0.75]] * 4)  # noqa: B023
        actual = rows.input_gradients([xs] * 4)
        assert actual.tolist() == [slopes] * 4
        mixed = compiled(thin, way, lambda xs: function([xs[0] * 1.5, autograd.atan(xs[1]), 0.625]), [0.5, 0.25])  # noqa: B023
        inputs = [Value(0.5), Value(0.25)]
        function([inputs[0] * 1.5, autograd.atan(inputs[1]), 0.625]).backward()
        assert mixed.input_gradients([0.5, 0.25]).tolist() == pytest.approx([x.grad for x in inputs], rel=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_nan_is_the_largest_and_the_smallest(way: str, thin: Thin) -> None:
    for function in (autograd.max, autograd.min):
        program = compiled(thin, way, lambda xs: function(xs), [0.5, 0.25, 0.75])  # noqa: B023
        for place in range(3):
            xs = [1.0, 2.0, 3.0]
            xs[place] = nan
            with pytest.raises(FloatingPointError):
                program(xs)


@pytest.mark.parametrize("way", WAYS)
def test_reductions_of_one_number_keep_samples_apart(way: str, thin: Thin) -> None:
    for function in (autograd.logsumexp, autograd.max, autograd.min, autograd.sum, lambda xs: autograd.softmax(xs)[0]):
        program = compiled(thin, way, lambda x: function([x]) * x, 1.0)  # noqa: B023
        expected = [float(function([x])) * x for x in (3.0, 5.0, 7.0)]
        assert program([3.0, 5.0, 7.0]).tolist() == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "xs", [[0.5, -2.0, 3.0], [0.5, 0.0, 3.0], [0.0, -2.0, 0.0], [0.0, 0.0, 0.0], [1e200, 1e200, 0.0]]
)
def test_prod(way: str, xs: list[float], thin: Thin) -> None:
    """The operands are an argument's numbers, several rows at once, or results of different operations."""
    value, slopes = math.prod(xs), [math.prod(xs[:k] + xs[k + 1 :]) for k in range(3)]
    program = compiled(thin, way, lambda xs: autograd.prod(xs), [0.5, 0.25, 0.75])
    rows = compiled(thin, way, lambda rows: autograd.sum([autograd.prod(row) for row in rows]), [[0.5, 0.25, 0.75]] * 4)
    mixed = compiled(thin, way, lambda xs: autograd.prod([xs[0] * 1.0, -xs[1], xs[2]]), [0.5, 0.25, 0.75])
    if not all(map(math.isfinite, slopes)):
        with pytest.raises(FloatingPointError):
            program.input_gradients(xs)
        return
    for batch in ([xs], [xs, [0.25, 0.5, 1.0]]):
        values, actual = program.value_and_grad(batch)
        assert (values[0], actual[0].tolist()) == (value, slopes)
    assert rows.input_gradients([xs] * 4).tolist() == [slopes] * 4
    assert mixed.input_gradients(xs).tolist() == [-slope for slope in slopes]


@pytest.mark.parametrize("way", WAYS)
def test_mean(way: str, thin: Thin) -> None:
    ws = [Value(0.5), Value(-1.0), Value(2.0)]
    program = compiled(thin, way, lambda xs: autograd.mean([w * x for w, x in zip(ws, xs)]), [0.5, 0.25, 0.75])
    value, slopes = program.value_and_grad([[1.0, 2.0, 4.0], [0.0, 0.0, 1.0]])
    assert value == pytest.approx([6.5 / 3, 2 / 3], rel=1e-15)
    assert slopes == pytest.approx(np.array([[0.5, -1.0, 2.0]] * 2) / 3, rel=1e-15)


def test_the_source_has_reductions() -> None:
    program = autograd.compile(lambda xs: autograd.max(xs) - autograd.min(xs), [0.5] * 8)
    assert "max1 = xs.max(axis=-1, keepdims=True)" in program.source
    assert "min1 = xs.min(axis=-1, keepdims=True)" in program.source
    program = autograd.compile(lambda xs: autograd.logsumexp(xs), [0.5] * 8)
    assert "gradient * softmax(xs)" in program.input_gradients_source
    program = autograd.compile(lambda xs: autograd.prod(xs), [0.5] * 8)
    assert "loss = xs.prod(axis=-1, keepdims=True)" in program.source
    assert "gradient * products_of_others(xs)" in program.input_gradients_source
    program = autograd.compile(lambda xs: autograd.mean(xs), [0.5] * 8)
    assert "loss = xs.sum(axis=1, keepdims=True) / 8" in program.source


# detach


@pytest.mark.parametrize("way", WAYS)
def test_detach_stops_the_derivative_and_keeps_the_number_live(way: str, thin: Thin) -> None:
    w = Value(2.0)

    def f(xs: list[Number]) -> Number:
        x, y = xs
        return x * y.detach() + (w.detach() - w) * x.detach() + autograd.sin(x * w).detach() * y

    program = compiled(thin, way, f, [0.5, 0.25])
    for number, xs in ((2.0, [0.5, 0.25]), (-1.5, [3.0, -2.0])):
        w.data, w.grad = number, 0.0
        x, y = xs
        sine = math.sin(x * number)
        value, slopes = program.value_and_grad(xs)
        assert value == pytest.approx(x * y + sine * y, rel=1e-14)
        assert slopes.tolist() == pytest.approx([y, sine], rel=1e-14)
        program.backward([xs, xs])
        assert w.grad == pytest.approx(-x, rel=1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_idioms_of_detach(way: str, thin: Thin) -> None:
    def straight_through(x: Number) -> Number:
        return x + (where(x > 0, 1.0, -1.0) - x).detach()

    program = compiled(thin, way, straight_through, 0.25)
    assert program.value_and_grad(-0.5) == (-1.0, 1.0)
    assert program.value_and_grad(3.0) == (1.0, 1.0)

    program = compiled(thin, way, lambda x: x - x.detach(), 0.25)
    assert program.value_and_grad(3.0) == (0.0, 1.0)

    def by_hand(xs: list[Value]) -> Value:
        largest = autograd.max(xs).detach()
        exponentials = [autograd.exp(x - largest) for x in xs]
        return exponentials[0] / autograd.sum(exponentials)

    program = compiled(thin, way, by_hand, [0.5, 0.25, 0.75])
    for xs in ([0.5, 1.5, -2.0], [1e5, 1e5, 1e5 - 1]):
        p = exact_softmax(xs)
        value, slopes = program.value_and_grad(xs)
        assert value == pytest.approx(float(p[0]), rel=1e-14)
        assert slopes.tolist() == pytest.approx(
            [float(p[0] * ((k == 0) - x)) for k, x in enumerate(p)], rel=1e-12, abs=1e-300
        )


@pytest.mark.parametrize("way", WAYS)
def test_detach_below_what_is_infinite(way: str, thin: Thin) -> None:
    """A detached operand gets no gradient, instead of 0 times an infinite derivative, which would be nan."""

    def f(x: Value, y: Value) -> Value:
        return autograd.sqrt(x.detach()) + autograd.sqrt(x).detach() * y

    program = compiled(thin, way, f, 0.25, 1.0)
    assert program.value_and_grad(0.0, 3.0) == (0.0, (0.0, 0.0))


@pytest.mark.parametrize("way", WAYS)
def test_detach_in_derivatives_within_a_function(way: str, thin: Thin) -> None:
    """d/dx of x² · detach(x) is 2 x · detach(x); the program differentiates this once more."""
    program = compiled(thin, way, lambda x: autograd.grad(lambda y: y * y * y.detach())(x), 0.5)
    value, slope = program.value_and_grad(3.0)
    assert value == pytest.approx(18.0, rel=1e-15)
    assert slope == pytest.approx(6.0, rel=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_returned_detached_is_no_view_of_what_was_given(way: str, thin: Thin) -> None:
    program = compiled(thin, way, lambda xs: [x.detach() for x in xs], [0.5, 0.25])
    given = np.array([[1.0, 2.0], [3.0, 4.0]])
    outputs = program(given)
    for array in outputs if isinstance(outputs, list) else [outputs]:
        array[...] = 0.0
    assert given.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_way_may_be_chosen_by_a_number_of_ones_own_only() -> None:
    w = Value(2.0)

    def by_own(x: Number) -> Number:
        return x if Value(2.0).detach() > 1 else -x

    assert autograd.compile(by_own, 1.0)(3.0) == 3.0
    with pytest.raises((TypeError, ValueError), match="where"):
        autograd.compile(lambda x: x if w.detach() > -1e9 else -x, 1.0)
    with pytest.raises(TypeError, match="where"):
        autograd.compile(lambda x: x if x.detach() > -1e9 else -x, 1.0)
    program = autograd.compile(lambda x: where(w.detach() > 1, x, -x), 1.0)
    w.data = 0.0
    assert program(3.0) == -3.0
