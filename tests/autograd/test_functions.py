"""Functions of several numbers: sums, weighted sums, softmax, choices; of Values, of plain numbers, and mixed."""

from __future__ import annotations

import builtins
import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, dot, logsumexp, maximum, minimum, softmax, where

# Containers of numbers that users have: each is made from a list of numbers
CONTAINERS: list[Callable[[list[Any]], Any]] = [list, tuple, iter, lambda xs: (x for x in xs), np.array]


# sum


@pytest.mark.parametrize("container", CONTAINERS)
def test_sum_of_values_is_one_node(container: Callable[[list[Any]], Any]) -> None:
    a, b, c = Value(1.0), Value(2.0), Value(4.0)
    total = autograd.sum(container([a, b, c]))
    assert [parent is x for parent, x in zip(total.parents, (a, b, c))] == [True] * 3
    total.backward()
    assert (total.data, total.op, a.grad, b.grad, c.grad) == (7.0, "sum", 1.0, 1.0, 1.0)


@pytest.mark.parametrize("container", CONTAINERS)
def test_sum_of_numbers_is_a_number(container: Callable[[list[Any]], Any]) -> None:
    total = autograd.sum(container([1.0, 2.0, 4.0]))
    assert isinstance(total, float)
    assert total == 7.0


@pytest.mark.parametrize("position", [0, 1, 2])
def test_sum_of_values_and_numbers_is_a_value(position: int) -> None:
    numbers: list[Any] = [1, 2.0, np.float64(4.0)]
    numbers[position] = Value(numbers[position])
    total = autograd.sum(numbers)
    assert type(total) is Value
    assert type(total.data) is float
    assert total.data == 7.0
    assert [parent.is_constant for parent in total.parents] == [i != position for i in range(3)]


def test_sum_of_nothing_is_the_number_zero() -> None:
    assert autograd.sum([]) == 0
    assert type(autograd.sum([])) is float


def test_a_value_that_is_summed_twice_counts_twice() -> None:
    x = Value(3.0)
    autograd.sum([x, x]).backward()
    assert x.grad == 2.0


# mean and prod

NUMBERS = st.floats(-1e3, 1e3)


@pytest.mark.parametrize("container", CONTAINERS)
def test_mean_is_one_node_whose_derivatives_are_equal(container: Callable[[list[Any]], Any]) -> None:
    a, b, c = Value(1.0), Value(2.0), Value(4.5)
    m = autograd.mean(container([a, b, c]))
    m.backward()
    assert (m.data, m.op, len(m.parents)) == (2.5, "mean", 3)
    assert [a.grad, b.grad, c.grad] == [1 / 3] * 3


@given(st.lists(NUMBERS, min_size=1, max_size=9))
def test_mean_of_numbers_is_a_number(xs: list[float]) -> None:
    m = autograd.mean(xs)
    assert isinstance(m, float)
    assert m == pytest.approx(statistics.fmean(xs), rel=1e-12, abs=1e-12)


@given(st.lists(st.sampled_from([0.0, -2.0, 0.5, 3.0, 7.0]), min_size=1, max_size=6))
def test_prod_and_its_derivatives_where_numbers_are_zero(xs: list[float]) -> None:
    """∂(x₁⋯xₙ)/∂xᵢ is the product of the others; the second derivative leaves out both numbers."""
    values = list(map(Value, xs))
    p = autograd.prod(values)
    p.backward()

    def product_without(*places: int) -> float:
        return math.prod(x for k, x in enumerate(xs) if k not in places)

    n = len(xs)
    assert (p.data, p.op, len(p.parents)) == (math.prod(xs), "prod", n)
    assert [v.grad for v in values] == [product_without(i) for i in range(n)]
    second = autograd.hessian(autograd.prod)(xs)
    assert second == [[0.0 if i == j else product_without(i, j) for j in range(n)] for i in range(n)]


def test_prod_of_nothing_and_of_numbers() -> None:
    assert autograd.prod([]) == 1.0
    assert autograd.prod([2, 0.5, np.float64(3.0)]) == 3.0
    assert not isinstance(autograd.prod([2, 0.5]), Value)


@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (autograd.max, r"write maximum\(a, b\)"),
        (autograd.min, r"write minimum\(a, b\)"),
        (autograd.mean, r"write mean\(\[a, b\]\)"),
        (logsumexp, r"write logsumexp\(\[a, b\]\)"),
    ],
)
def test_one_number_in_place_of_a_list_is_told(function: Callable[[Any], object], remedy: str) -> None:
    with pytest.raises(TypeError, match=f"expects one list of numbers, got 2.0; for two numbers {remedy}"):
        function(2.0)
    with pytest.raises(ValueError, match="at least one number, got none"):
        function([])


# dot


@pytest.mark.parametrize("container", CONTAINERS)
def test_dot_of_values_is_one_node(container: Callable[[list[Any]], Any]) -> None:
    """z = bias + Σ w x has derivative x w.r.t. each w, w w.r.t. each x, and 1 w.r.t. the bias."""
    weights, inputs, bias = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)], Value(0.5)
    z = dot(container(weights), container(inputs), bias)
    z.backward()
    assert (z.data, z.op, len(z.parents)) == (31.5, "dot", 5)
    assert [w.grad for w in weights] == [5.0, 7.0]
    assert [x.grad for x in inputs] == [2.0, 3.0]
    assert bias.grad == 1.0


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("bias", [0.5, np.float64(0.5), Value(0.5)], ids=["float", "float64", "Value"])
def test_dot_of_values_and_numbers(container: Callable[[list[Any]], Any], bias: Any) -> None:
    weights = [Value(2.0), Value(3.0)]
    for z in (dot(weights, container([5.0, 7.0]), bias), dot(container([5.0, 7.0]), weights, bias)):
        assert type(z) is Value
        assert type(z.data) is float
        assert z.data == 31.5
        for w in weights:
            w.grad = 0.0
        z.backward()
        assert [w.grad for w in weights] == [5.0, 7.0]


@pytest.mark.parametrize("container", CONTAINERS)
def test_dot_of_numbers_is_a_number(container: Callable[[list[Any]], Any]) -> None:
    z = dot(container([2.0, 3.0]), container([5.0, 7.0]), 0.5)
    assert isinstance(z, float)
    assert z == 31.5


def test_dot_of_one_value_among_numbers() -> None:
    for place in range(3):
        numbers: list[Any] = [2.0, 5.0, 0.5]
        numbers[place] = Value(numbers[place])
        z = dot([numbers[0]], [numbers[1]], numbers[2])
        assert isinstance(z, Value)
        assert z.data == 10.5
        assert [parent.is_constant for parent in z.parents] == [i != place for i in range(3)]


def test_dot_of_nothing_is_the_bias() -> None:
    assert dot([], []) == 0.0
    assert dot([], [], 2.5) == 2.5
    assert type(dot([], [], np.float64(2.5))) is np.float64
    assert dot([], [], np.float64(2.5)) == 2.5
    bias = Value(2.5)
    z = dot([], [], bias)
    z.backward()
    assert (z.data, bias.grad) == (2.5, 1.0)


def test_dot_of_a_vector_with_itself() -> None:
    x = [Value(2.0), Value(3.0)]
    dot(x, x).backward()
    assert [v.grad for v in x] == [4.0, 6.0]  # 2x


@pytest.mark.parametrize(("xs", "ys"), [([1.0], []), ([], [1.0]), ([1.0, 2.0], [1.0, 2.0, 3.0])])
def test_dot_of_different_lengths_is_told(xs: list[float], ys: list[float]) -> None:
    for left, right in ((xs, ys), (map(Value, xs), map(Value, ys))):
        with pytest.raises(ValueError, match=f"same length, got {len(xs)} and {len(ys)} numbers"):
            dot(left, right)


# logsumexp and softmax


@pytest.mark.parametrize("container", CONTAINERS)
def test_logsumexp_is_one_node_whose_derivatives_are_the_softmax(container: Callable[[list[Any]], Any]) -> None:
    """log(e⁰ + e^log 3) is log 4, with the shares 1/4 and 3/4."""
    a, b = Value(0.0), Value(math.log(3))
    node = logsumexp(container([a, b]))
    node.backward()
    assert (node.data, a.grad, b.grad) == pytest.approx((math.log(4), 0.25, 0.75), rel=1e-15)
    assert (node.op, len(node.parents)) == ("logsumexp", 2)


def test_logsumexp_of_numbers_is_a_number() -> None:
    assert logsumexp([0.0, math.log(3)]) == pytest.approx(math.log(4), rel=1e-15)
    mixed = logsumexp([0.0, Value(math.log(3))])
    assert isinstance(mixed, Value)
    assert mixed.data == logsumexp([0.0, math.log(3)])


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=8))
def test_softmax_is_positive_and_sums_to_one(xs: list[float]) -> None:
    shares = softmax(xs)
    assert all(0 <= share <= 1 for share in shares)
    assert math.fsum(shares) == pytest.approx(1.0, rel=1e-11)  # as ill-conditioned as logits near 10⁴


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6), st.data())
def test_the_jacobian_of_softmax(xs: list[float], data: st.DataObject) -> None:
    """The Jacobian is ∂pᵢ/∂xⱼ = pᵢ (δᵢⱼ - pⱼ), with p from the definition exp(xᵢ) / Σ exp(xⱼ)."""
    exponentials = list(map(math.exp, xs))
    p = [e / math.fsum(exponentials) for e in exponentials]
    i = data.draw(st.integers(0, len(xs) - 1))
    values = [Value(x) for x in xs]
    share = softmax(values)[i]
    share.backward()
    assert share.data == pytest.approx(p[i], rel=1e-13)
    expected = [p[i] * ((i == j) - p[j]) for j in range(len(xs))]
    # 1 - pᵢ cancels, and exp amplifies the rounding errors of logits of up to 30
    assert [v.grad for v in values] == pytest.approx(expected, rel=1e-12, abs=1e-13 * p[i])


def test_softmax_of_large_logits_is_finite() -> None:
    assert softmax([1e4, 0.0]) == [1.0, 0.0]
    assert softmax([-1e4, -1e4]) == pytest.approx([0.5, 0.5], rel=1e-11)


@pytest.mark.parametrize("function", [logsumexp, softmax])
def test_logsumexp_and_softmax_of_nothing_are_told(function: Callable[[list[float]], object]) -> None:
    with pytest.raises(ValueError, match="at least one number, got none"):
        function([])


# Choices


@pytest.mark.parametrize("condition", [True, False])
def test_where_gives_value_and_gradient_to_the_side_taken(condition: bool) -> None:
    a, b = Value(2.0), Value(3.0)
    node = where(condition, a * 1, b * 1)
    node.backward()
    assert (node.data, a.grad, b.grad) == ((2.0, 1.0, 0.0) if condition else (3.0, 0.0, 1.0))


def test_where_takes_comparisons_of_values_and_mixed_operands() -> None:
    x = Value(-2.0)
    for condition in (x > 0, np.float64(-2.0) > 0, np.bool_(False)):
        leak = where(bool(condition), x, 0.1 * x)
        assert leak.data == 0.1 * -2.0
    assert where(x < 0, 1.0, x).data == 1.0
    assert where(True, x, 1.0).data == -2.0
    assert where(True, 1.0, 2.0) == 1.0
    assert where(False, 1.0, 2.0) == 2.0


def test_where_remembers_its_condition_as_first_parent() -> None:
    x = Value(-2.0)
    assert [parent.data for parent in where(x < 0, x, 5.0).parents] == [1.0, -2.0, 5.0]


def test_a_value_as_condition_counts_by_its_number() -> None:
    x: Any = Value(0.0)
    assert where(x, 1.0, 2.0) == 2.0


@pytest.mark.parametrize(("choose", "python"), [(maximum, max), (minimum, min)])
@given(a=st.floats(allow_nan=False), b=st.floats(allow_nan=False))
def test_maximum_and_minimum(
    choose: Callable[[Any, Any], Any], python: Callable[[float, float], float], a: float, b: float
) -> None:
    x, y = Value(a), Value(b)
    node = choose(x, y)
    node.backward()
    assert node.data == python(a, b) == choose(a, b)
    assert (x.grad, y.grad) == ((0.5, 0.5) if a == b else (1.0, 0.0) if node.data == a else (0.0, 1.0))
    assert choose(x, b).data == choose(a, y).data == node.data


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_maximum_and_minimum_together_are_both_numbers(a: float, b: float) -> None:
    assert maximum(a, b) + minimum(a, b) == a + b
    assert autograd.grad(lambda x, y: maximum(x, y) + minimum(x, y), (0, 1))(a, b) == (1.0, 1.0)


# Names


def test_importing_everything_hides_no_function_of_pythons() -> None:
    for package in (autograd, nn):
        names: dict[str, Any] = {}
        exec(f"from {package.__name__} import *", names)
        assert names.keys() & (set(dir(builtins)) - set(dir(type(builtins)))) <= {"__builtins__"}
    for function in (autograd.sum, autograd.max, autograd.min, autograd.compile):  # which are nevertheless public
        assert function.__doc__
