"""Transforms: gradients, Jacobians, Hessians and directional derivatives, nested to any order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
from autograd import (
    Value,
    grad,
    hessian,
    hessian_vector_product,
    jacobian,
    jvp,
    no_grad,
    topological_order,
    value_and_grad,
)

pytestmark = pytest.mark.usefixtures("fifty_digits")

coordinates = st.floats(-2, 2)
points = st.lists(coordinates, min_size=3, max_size=3)


class Point(NamedTuple):
    x: Any
    y: Any


def curved(p: Any) -> Any:
    """A function of three numbers without symmetry, whose second derivatives are never all 0."""
    return autograd.sin(p[0] * p[1]) + p[0] * autograd.exp(p[2]) - autograd.tanh(p[1] + p[2] * p[0]) ** 3


def curved_gradient(p: list[float]) -> list[float]:
    """Return the gradient of `curved`, by hand."""
    x, y, z = p
    t = math.tanh(y + z * x)
    outer = 3 * t**2 * (1 - t**2)
    return [
        y * math.cos(x * y) + math.exp(z) - outer * z,
        x * math.cos(x * y) - outer,
        x * math.exp(z) - outer * x,
    ]


# grad and value_and_grad


@given(points)
def test_gradient_of_several_numbers(p: list[float]) -> None:
    assert grad(curved)(p) == pytest.approx(curved_gradient(p), rel=1e-13, abs=1e-13)


@given(points)
def test_value_and_grad_gives_both(p: list[float]) -> None:
    value, gradient = value_and_grad(curved)(p)
    assert value == curved(p)
    assert gradient == grad(curved)(p)


def test_plain_numbers_give_plain_numbers() -> None:
    for number in (2, 2.0, np.float64(2), np.int64(2)):
        value, slope = value_and_grad(lambda x: x**3)(number)
        assert (type(value), type(slope)) == (float, float)
        assert (value, slope) == (8.0, 12.0)


def test_a_function_that_does_not_depend_on_its_argument_has_slope_zero() -> None:
    captured = Value(3.0)
    for f in (lambda x: 5.0, lambda x: 5, lambda x: Value(5.0), lambda x: captured * 2):
        assert grad(f)(1.0) == 0.0
        assert grad(grad(f))(1.0) == 0.0


def test_the_identity_has_slope_one() -> None:
    assert grad(lambda x: x)(3.0) == 1.0
    assert jvp(lambda x: x, (3.0,), (5.0,)) == (3.0, 5.0)
    assert jacobian(lambda x, y: [y, x], (0, 1))(1.0, 2.0) == [(0.0, 1.0), (1.0, 0.0)]


# Shapes of arguments


def weighted(structure: Any) -> Any:
    """Return the sum of a nested structure's numbers times 1, 2, 3, ...: its gradient numbers them."""
    flat: list[Any] = []

    def collect(part: Any) -> None:
        if isinstance(part, (list, tuple, np.ndarray)):
            for item in part:
                collect(item)
        else:
            flat.append(part)

    collect(structure)
    return sum(i * x for i, x in enumerate(flat, start=1))


@pytest.mark.parametrize(
    ("argument", "gradient"),
    [
        (5.0, 1.0),
        ([5.0], [1.0]),
        ([5.0, 6.0], [1.0, 2.0]),
        ((5.0, 6.0), (1.0, 2.0)),
        ([[5.0, 6.0], [7.0]], [[1.0, 2.0], [3.0]]),
        (([5.0], (6.0, [7.0, 8])), ([1.0], (2.0, [3.0, 4.0]))),
        (Point(5.0, [6.0, 7.0]), Point(1.0, [2.0, 3.0])),
        ([Point(5.0, 6.0), Point(7.0, 8.0)], [Point(1.0, 2.0), Point(3.0, 4.0)]),
    ],
)
def test_gradients_have_the_shape_of_the_argument(argument: Any, gradient: Any) -> None:
    derivatives = grad(weighted)(argument)
    assert derivatives == gradient
    assert type(derivatives) is type(gradient)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 2), (1,)])
def test_gradients_of_arrays_are_arrays(shape: tuple[int, ...]) -> None:
    n = math.prod(shape)
    gradient = grad(lambda a: weighted(a.ravel()))(np.zeros(shape))
    assert isinstance(gradient, np.ndarray)
    assert gradient.dtype == float
    assert gradient.tolist() == np.arange(1.0, n + 1).reshape(shape).tolist()


def test_arrays_of_integers_and_of_no_dimension() -> None:
    assert grad(lambda a: (a * a).sum())(np.array([1, 2])).tolist() == [2.0, 4.0]
    gradient = grad(lambda a: a.item() ** 2)(np.array(3.0))
    assert (gradient.shape, gradient.item()) == ((), 6.0)


def test_arrays_within_lists_and_tuples() -> None:
    def affine(parameters: Any) -> Any:
        (weights, bias), scale = parameters
        return (weights @ np.array([1.0, 2.0])).sum() * scale + bias

    parameters: Any = [(np.ones((2, 2)), 5.0), 3.0]
    (weights, bias), scale = grad(affine)(parameters)
    assert weights.tolist() == [[3.0, 6.0], [3.0, 6.0]]
    assert (bias, scale) == (1.0, 6.0)


def test_nothing_to_differentiate_to_gives_nothing() -> None:
    assert grad(lambda xs: 5.0)([]) == []


# argnums and keywords


def polynomial(x: Any, y: Any, z: Any = 1.0) -> Any:
    return x * x * y + z * y


@pytest.mark.parametrize(
    ("argnums", "gradient"),
    [(0, 12.0), (1, 9.0), (2, 3.0), (-1, 3.0), (-3, 12.0), ((0,), (12.0,)), ((2, 0), (3.0, 12.0)), ((), ())],
)
def test_argnums(argnums: int | tuple[int, ...], gradient: object) -> None:
    assert grad(polynomial, argnums)(2.0, 3.0, 5.0) == gradient


def test_further_arguments_may_be_anything() -> None:
    def f(x: Any, name: str, options: dict[str, float], *, scale: Any = 1.0) -> Any:
        assert name == "sine"
        return autograd.sin(x) * options["factor"] * scale

    assert grad(f)(0.0, "sine", {"factor": 2.0}) == 2.0
    assert grad(f)(0.0, "sine", options={"factor": 2.0}, scale=5.0) == 10.0
    assert value_and_grad(f)(0.0, "sine", {"factor": 2.0}, scale=5.0) == (0.0, 10.0)
    assert jacobian(f)(0.0, "sine", {"factor": 2.0}, scale=5.0) == 10.0


# Fresh nodes, and no confusion between nested derivatives


def test_the_derivative_of_xy_to_y_at_y_equal_to_x_is_x() -> None:
    x = Value(3.0)
    partial = grad(lambda y: x * y)(x)
    assert partial.data == 3.0  # and not 2x = 6
    assert grad(lambda x, y: x * y, 1)(x, x).data == 3.0
    assert [g.data for g in grad(lambda x, y: x * y, (0, 1))(x, x)] == [3.0, 3.0]
    assert grad(lambda p: p[0] * p[1])([x, x])[1].data == 3.0


def test_derivatives_of_nested_functions_are_not_confused() -> None:
    """In the classic case, d/dx (x · d/dy (x + y)) is 1, but 2 if the two derivatives are confused."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda w: grad(lambda x: w * x * x)(3.0))(5.0) == 6.0  # d/dw 2wx
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(5.0) == 20.0  # d/dx 2x²
    assert grad(lambda x: x * grad(lambda x: x * x)(x))(5.0) == 20.0  # d/dx 2x²
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1.0
    assert jvp(lambda x: x * grad(lambda y: x * y)(2.0), (3.0,), (1.0,)) == (9.0, 6.0)
    assert grad(lambda x: x * jvp(lambda y: x * y, (2.0,), (1.0,))[1])(3.0) == 6.0


def test_three_nested_functions_are_not_confused() -> None:
    """∂³(x² y³ z⁴)/∂x∂y∂z is 24 x y² z³, with each derivative inside the next."""

    def mixed(x: Any) -> Any:
        return grad(lambda y: grad(lambda z: x**2 * y**3 * z**4)(1.5))(2.0)

    assert grad(mixed)(3.0) == pytest.approx(24 * 3.0 * 2.0**2 * 1.5**3, rel=1e-14)


# Higher derivatives against mpmath

FUNCTIONS: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "exp": (lambda m, x: m.exp(x), 0.7),
    "expm1": (lambda m, x: m.expm1(x), 0.3),
    "log": (lambda m, x: m.log(x), 0.7),
    "log1p": (lambda m, x: m.log1p(x), 0.7),
    "sqrt": (lambda m, x: m.sqrt(x), 0.7),
    "sin": (lambda m, x: m.sin(x), 0.7),
    "cos": (lambda m, x: m.cos(x), 0.7),
    "tan": (lambda m, x: m.tan(x), 0.7),
    "asin": (lambda m, x: m.asin(x), 0.6),
    "acos": (lambda m, x: m.acos(x), 0.6),
    "atan": (lambda m, x: m.atan(x), 0.7),
    "sinh": (lambda m, x: m.sinh(x), 0.7),
    "cosh": (lambda m, x: m.cosh(x), 0.7),
    "tanh": (lambda m, x: m.tanh(x), 0.7),
    "asinh": (lambda m, x: m.asinh(x), 0.7),
    "acosh": (lambda m, x: m.acosh(x), 1.7),
    "atanh": (lambda m, x: m.atanh(x), 0.6),
    "erf": (lambda m, x: m.erf(x), 0.7),
    "cbrt": (lambda m, x: m.cbrt(x), 0.7),
    "hypot": (lambda m, x: m.hypot(x, 2 * x + 1), 0.7),
    "atan2": (lambda m, x: m.atan2(x * x, 2 * x + 1), 0.7),
    "reciprocal": (lambda m, x: 1 / (1 + x * x), 0.7),
    "integer power": (lambda m, x: (x - 3) ** 5, 0.7),
    "negative power": (lambda m, x: x**-2.5, 0.7),
    "power of x": (lambda m, x: 2**x, 0.7),
    "x to the x": (lambda m, x: x**x, 0.7),
    "product": (lambda m, x: m.sin(x * x) * m.exp(-x), 0.7),
    "quotient": (lambda m, x: m.log(x) / (1 + x**2), 0.7),
    "composition": (lambda m, x: m.cosh(m.sin(m.exp(x))), 0.3),
    "logistic": (lambda m, x: 1 / (1 + m.exp(-x)), 0.7),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_to_the_third_order(name: str) -> None:
    f, x = FUNCTIONS[name]
    derivative: Callable[[Any], Any] = lambda t: f(autograd, t)  # noqa: E731
    for order in range(4):
        assert derivative(x) == pytest.approx(float(mp.diff(lambda t: f(mp, t), mpf(x), order)), rel=1e-12)
        derivative = grad(derivative)


SPECIAL: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]] = {
    "sigmoid": (autograd.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), 0.7),
    "softplus": (autograd.softplus, lambda x: mp.log(1 + mp.exp(x)), -0.7),
    "log2": (autograd.log2, lambda x: mp.log(x, 2), 0.7),
    "log10": (autograd.log10, lambda x: mp.log(x, 10), 0.7),
    "xlogy": (lambda x: autograd.xlogy(x, x), lambda x: x * mp.log(x), 0.7),
    "logsumexp": (
        lambda x: autograd.logsumexp([x, 2 * x, 0.5]),
        lambda x: mp.log(mp.exp(x) + mp.exp(2 * x) + mp.exp(mpf(0.5))),
        0.7,
    ),
    "dot": (lambda x: autograd.dot([x, x * x], [x, autograd.sin(x)], x), lambda x: x + x * x + x * x * mp.sin(x), 0.7),
    "sum": (lambda x: autograd.sum([x, x * x, autograd.exp(x)]) ** 2, lambda x: (x + x * x + mp.exp(x)) ** 2, 0.7),
    "maximum": (lambda x: autograd.maximum(x**4, 1.0), lambda x: max(x**4, 1), 1.7),
    "where": (lambda x: autograd.where(x > 0, x**4, x), lambda x: x**4, 1.7),
    "abs": (lambda x: abs(x) ** 5, lambda x: -(x**5), -0.7),
    "relu": (lambda x: autograd.relu(x) ** 5, lambda x: x**5, 0.7),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_derivatives_to_the_third_order_of_functions_that_mpmath_spells_out(name: str) -> None:
    derivative, truth, x = SPECIAL[name]
    for order in range(4):
        assert derivative(x) == pytest.approx(float(mp.diff(truth, mpf(x), order)), rel=1e-12)
        derivative = grad(derivative)


def test_derivatives_of_a_polynomial_end_in_zero() -> None:
    """The derivatives are right at 0, too, where x⁻¹ would occur if the rule were applied to a constant."""
    for x in (0.0, -2.0):
        derivative: Callable[[Any], Any] = lambda t: t**3  # noqa: E731
        for expected in (x**3, 3 * x**2, 6 * x, 6.0, 0.0, 0.0):
            assert derivative(x) == expected
            derivative = grad(derivative)


# Values that a function captures


def test_captured_values_get_values_out() -> None:
    w = Value(0.5, "w")
    slope: Any = grad(lambda x: w * x * x)(3.0)
    assert type(slope) is Value
    assert slope.data == 3.0  # 2wx
    slope.backward()
    assert w.grad == 6.0  # 2x


def test_a_gradient_penalty_flows_to_captured_weights() -> None:
    """E = w x² + (∂/∂x w x²)² = w x² + 4 w² x², so ∂E/∂w = x² + 8 w x²."""
    w, x = Value(0.5), 3.0
    value, slope = value_and_grad(lambda x: w * x * x)(x)
    assert isinstance(slope, Value)
    (value + slope**2).backward()
    assert w.grad == x**2 + 8 * 0.5 * x**2


def test_values_as_arguments_get_values_out() -> None:
    x = Value(2.0)
    slope = grad(lambda t: t**3)(x)
    assert type(slope) is Value
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)  # 3x² and 6x
    assert isinstance(grad(lambda t: 5 * t)(x), Value)
    gradient = grad(lambda a: (a * a).sum())(np.array([x, 1.0]))
    assert gradient.dtype == object
    assert [g.data for g in gradient] == [4.0, 2.0]


def test_jacobian_and_jvp_of_captured_values_flow() -> None:
    w = Value(2.0)
    row = jacobian(lambda p: w * p[0] * p[1])([3.0, 5.0])
    (row[0] + row[1]).backward()
    assert ([r.data for r in row], w.grad) == ([10.0, 6.0], 8.0)
    w.grad = 0.0
    _, slope = jvp(lambda x: w * x * x, (3.0,), (1.0,))
    slope.backward()
    assert (slope.data, w.grad) == (12.0, 6.0)


def test_a_value_as_a_tangent_gets_values_out() -> None:
    direction = Value(2.0)
    _, slope = jvp(lambda x: x**3, (3.0,), (direction,))
    slope.backward()
    assert (slope.data, direction.grad) == (54.0, 27.0)
    assert isinstance(jvp(lambda x: 5.0, (3.0,), (direction,))[1], Value)


def test_a_tangent_that_is_a_value_flows_though_its_number_is_zero() -> None:
    """The slope of x³ at 2 in the direction t is 12 t, which has derivative 12 at t = 0."""
    t = Value(0.0)
    _, slope = jvp(lambda x: x**3, (2.0,), (t,))
    slope.backward()
    assert t.grad == 12.0


def test_a_captured_value_that_the_derivative_does_not_depend_on_leaves_it_a_number() -> None:
    w = Value(3.0)
    for derivative in (jacobian, grad):
        slope: Any = derivative(lambda x: x * x + w)(2.0)
        assert (type(slope), slope) == (float, 4.0)
    pair: Any = value_and_grad(lambda x: x * x + w)(2.0)
    assert (type(pair[0]), pair[0].data, type(pair[1])) == (Value, 7.0, float)
    assert all(type(x) is float for x in jvp(lambda x: x**3, (2.0,), (1.0,)))


def test_a_derivative_that_is_a_captured_value_is_that_one_itself() -> None:
    """The graph has no factor 1 at either end."""
    w = Value(3.0)
    slopes: list[Any] = [grad(lambda x: x * w)(2.0), grad(lambda x: x * w + 1.0)(2.0), grad(lambda x: -(-x * w))(2.0)]
    assert slopes[0] is w
    assert slopes[1] is w
    assert slopes[2] == 3.0


def test_a_derivative_that_is_zero_stops_what_is_behind() -> None:
    """(x²)⁰ + w x has the derivative w at all points; the derivative of w x⁰ is 0."""
    w = Value(3.0)
    assert grad(lambda x: (x * x) ** 0 + w * x)(2.0) == 3.0
    assert grad(lambda x: x**0 * w)(2.0) == 0.0


def test_a_slope_beside_a_number_at_the_edge_is_infinite_in_a_graph_too() -> None:
    """The derivative is ∂(w x log 0)/∂x = w log 0 = -∞."""
    w = Value(2.0)
    assert grad(lambda x: autograd.xlogy(x, 0.0) * w)(0.0) == -math.inf


def test_grad_of_captured_leaves_and_nodes_is_never_touched() -> None:
    w = Value(2.0)
    inner = w * w
    inner.backward()

    def f(x: Any) -> Any:
        return autograd.sin(inner * x) * w

    for transform in (grad(f), value_and_grad(f), jacobian(f), hessian(f), grad(grad(f))):
        transform(1.5)
        transform(Value(1.5))
    jvp(f, (1.5,), (1.0,))
    hessian_vector_product(f, 1.5, 1.0)
    assert (w.grad, inner.grad) == (4.0, 1.0)


def test_arguments_are_not_touched_either() -> None:
    x = Value(1.5, "x")
    grad(autograd.sin)(x)
    assert (x.data, x.grad, x.label, x.parents) == (1.5, 0.0, "x", ())
    array = np.array([1.0, 2.0])
    grad(lambda a: (a * a).sum())(array)
    assert array.tolist() == [1.0, 2.0]


def test_a_plain_result_depends_on_no_leaf() -> None:
    """The nodes that a transform makes are not leaves of the result's graph."""
    w = Value(2.0)
    slope: Any = grad(lambda x: w * x * x)(3.0)
    assert [leaf for leaf in topological_order(slope) if not leaf.parents and not leaf.is_constant] == [w]


def test_inside_no_grad_plain_numbers_come_out() -> None:
    w, x = Value(0.5), Value(3.0)
    with no_grad():
        results = [
            grad(lambda x: w * x * x)(3.0),
            grad(lambda x: w * x * x)(x),
            jacobian(lambda x: w * x * x)(x),
            jvp(lambda x: w * x * x, (x,), (1.0,))[1],
        ]
    assert results == [3.0] * 4
    assert [type(result) for result in results] == [float] * 4
    with no_grad():
        assert grad(grad(lambda x: w * x**3))(2.0) == 6.0


def test_a_function_may_use_no_grad_for_a_part_that_counts_as_constant() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            scale = x * 10
        return scale * x

    assert grad(f)(2.0) == 20.0


# jvp


@given(points, points)
def test_jvp_is_the_gradient_times_the_direction(p: list[float], v: list[float]) -> None:
    value, slope = jvp(curved, (p,), (v,))
    products = [g * x for g, x in zip(curved_gradient(p), v)]
    assert value == curved(p)
    assert slope == pytest.approx(math.fsum(products), rel=1e-12, abs=1e-12)


def test_jvp_has_the_shape_of_the_result() -> None:
    value, slope = jvp(lambda x, y: {0: Point(x * y, [x, y])}[0], (2.0, 5.0), (1.0, 10.0))
    assert value == Point(10.0, [2.0, 5.0])
    assert slope == Point(25.0, [1.0, 10.0])
    assert type(slope) is Point
    value, slope = jvp(lambda a: a * a, (np.array([[1.0, 2.0]]),), (np.array([[1.0, 10.0]]),))
    assert (value.tolist(), slope.tolist()) == ([[1.0, 4.0]], [[2.0, 40.0]])


def test_jvp_of_a_result_that_does_not_depend_on_the_arguments() -> None:
    assert jvp(lambda x: [5.0, x], (2.0,), (1.0,)) == ([5.0, 2.0], [0.0, 1.0])


def test_jvp_nests_and_mixes_with_grad() -> None:
    def along(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: jvp(f, (x,), (1.0,))[1]

    def cube(x: Any) -> Any:
        return x**3

    assert along(cube)(2.0) == 12.0
    assert along(along(cube))(2.0) == 12.0
    assert along(along(along(cube)))(2.0) == 6.0
    assert along(grad(cube))(2.0) == grad(along(cube))(2.0) == 12.0
    assert grad(along(grad(cube)))(2.0) == 6.0


# jacobian, hessian, hessian_vector_product


def test_the_jacobian_of_polar_coordinates() -> None:
    """The function is (r cos φ, r sin φ), from a calculus book."""
    r, phi = 2.0, 0.7
    rows = jacobian(lambda p: [p[0] * autograd.cos(p[1]), p[0] * autograd.sin(p[1])])([r, phi])
    assert rows[0] == pytest.approx([math.cos(phi), -r * math.sin(phi)], rel=1e-15)
    assert rows[1] == pytest.approx([math.sin(phi), r * math.cos(phi)], rel=1e-15)


def test_the_structure_of_the_result_is_outside_and_that_of_the_argument_inside() -> None:
    """As in JAX, the result is a tree like the output, with a tree like the argument at each of its leaves."""

    def f(p: Point, scale: Any = 1.0) -> Any:
        return (p.x * p.y * scale, [p.x * scale, p.y])

    assert jacobian(f)(Point(3.0, 5.0)) == (Point(5.0, 3.0), [Point(1.0, 0.0), Point(0.0, 1.0)])
    assert jacobian(f, (0,))(Point(3.0, 5.0)) == ((Point(5.0, 3.0),), [(Point(1.0, 0.0),), (Point(0.0, 1.0),)])
    both = jacobian(f, (1, 0))(Point(3.0, 5.0), 2.0)
    assert both[0] == (15.0, Point(10.0, 6.0))
    assert both[1] == [(3.0, Point(2.0, 0.0)), (0.0, Point(0.0, 1.0))]


def test_the_jacobian_of_arrays_has_the_axes_of_the_result_first() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    derivatives = jacobian(lambda x: matrix @ x)(np.array([1.0, 2.0, 3.0]))
    assert derivatives.tolist() == matrix.tolist()
    outer = jacobian(lambda x: np.outer(x, x))(np.array([2.0, 3.0, 5.0]))  # ∂(xᵢxⱼ)/∂xₖ = δᵢₖxⱼ + xᵢδⱼₖ
    x, delta = [2.0, 3.0, 5.0], np.eye(3)
    assert outer.shape == (3, 3, 3)
    assert all(
        outer[i, j, k] == delta[i, k] * x[j] + x[i] * delta[j, k] for i in range(3) for j in range(3) for k in range(3)
    )


def test_jacobians_between_arrays_and_lists() -> None:
    """As in JAX, a list of scalars is a tree of leaves, and an array is one leaf with axes."""
    columns = jacobian(lambda p: np.array([p[0] * p[1], p[0]]))([2.0, 5.0])
    assert [column.tolist() for column in columns] == [[5.0, 1.0], [2.0, 0.0]]
    rows = jacobian(lambda a: [a[0] * a[1], a[0]])(np.array([2.0, 5.0]))
    assert [row.tolist() for row in rows] == [[5.0, 2.0], [1.0, 0.0]]
    single = jacobian(lambda a: a[0] * a[1])(np.array([2.0, 5.0]))
    assert single.tolist() == [5.0, 2.0]
    assert jacobian(lambda x: np.array([x, x * x]))(3.0).tolist() == [1.0, 6.0]


def test_the_jacobian_of_a_scalar_function_is_its_gradient() -> None:
    p = [0.3, -0.7, 1.1]
    assert jacobian(curved)(p) == grad(curved)(p)


@given(points)
def test_the_hessian_is_symmetric(p: list[float]) -> None:
    rows = hessian(curved)(p)
    for i in range(3):
        for j in range(i):
            assert rows[i][j] == pytest.approx(rows[j][i], rel=1e-12, abs=1e-12)


def test_of_several_arguments_the_first_is_differentiated_to() -> None:
    """For x³y, the derivatives w.r.t. x are 3x²y and 6xy; those w.r.t. y would be x³ and 0."""
    f: Any = lambda x, y: x**3 * y  # noqa: E731
    assert (grad(f)(2.0, 5.0), jacobian(f)(2.0, 5.0), hessian(f)(2.0, 5.0)) == (60.0, 60.0, 60.0)
    assert value_and_grad(f)(2.0, 5.0) == (40.0, 60.0)


def test_a_hessian_by_hand() -> None:
    """The Hessian of x³ y² is (6x y², 6x² y; 6x² y, 2x³)."""
    x, y = 2.0, 5.0
    expected = [[6 * x * y**2, 6 * x**2 * y], [6 * x**2 * y, 2 * x**3]]
    assert hessian(lambda p: p[0] ** 3 * p[1] ** 2)([x, y]) == expected
    assert hessian(lambda p: p[0] ** 3 * p[1] ** 2)(np.array([x, y])).tolist() == expected
    assert hessian(lambda p: p.x**3 * p.y**2)(Point(x, y)) == Point(Point(*expected[0]), Point(*expected[1]))
    assert hessian(lambda x, y: x**3 * y**2, 1)(x, y) == expected[1][1]


@given(points, points)
def test_hessian_vector_product_is_the_hessian_times_the_vector(p: list[float], v: list[float]) -> None:
    expected = (np.array(hessian(curved)(p)) @ v).tolist()
    assert hessian_vector_product(curved, p, v) == pytest.approx(expected, rel=1e-11, abs=1e-11)


def test_hessian_vector_product_has_the_shape_of_the_argument() -> None:
    assert hessian_vector_product(lambda p: p.x**3 * p.y, Point(2.0, 5.0), Point(1.0, 10.0)) == Point(180.0, 12.0)
    product = hessian_vector_product(lambda a: (a * a * a).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    assert product.tolist() == [6.0, 120.0]
    assert hessian_vector_product(lambda x: x**3, 2.0, 5.0) == 60.0


@given(st.lists(coordinates, min_size=4, max_size=4))
def test_the_hessian_agrees_with_pytorch(p: list[float]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the peer to compare with, is not installed")

    def f(m: Any, x: Any) -> Any:
        rosenbrock = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        network = m.sigmoid(x[2] * m.tanh(x[0] * x[3]) + x[1]) * m.exp(-x[3])
        return rosenbrock + network + m.log(1 + x[2] ** 2) / m.sqrt(2 + m.sin(x[3]))

    expected = torch.autograd.functional.hessian(lambda x: f(torch, x), torch.tensor(p, dtype=torch.float64))
    derivatives = hessian(lambda x: f(autograd, x))(np.array(p))
    scale = float(expected.abs().max())
    assert np.abs(derivatives - expected.numpy()).max() <= 1e-12 * scale


# Errors


def test_grad_of_several_numbers_is_told_to_use_jacobian() -> None:
    def pair(x: Any) -> Any:
        return [x, x]

    for transform in (grad(pair), value_and_grad(pair), hessian(pair)):
        with pytest.raises(
            TypeError, match=r"'pair' needs a function that returns one number.*list of 2: use jacobian"
        ):
            transform(1.0)
    with pytest.raises(TypeError, match="use jacobian"):
        grad(lambda a: a * a)(np.array([1.0]))


@pytest.mark.parametrize("result", [None, "text", 1j, {"loss": 1.0}])
def test_a_result_that_is_no_number_is_told(result: Any) -> None:
    for transform in (grad, jacobian):
        with pytest.raises(TypeError, match="the function's result must be a number"):
            transform(lambda x: result)(1.0)


@pytest.mark.parametrize(
    ("argument", "where"),
    [
        ("text", "argument 0 must be a number"),
        (None, "argument 0 must be a number"),
        ({"w": 1.0}, "argument 0 must be a number"),
        ([1.0, [2.0, "text"]], r"argument 0\[1\]\[1\] must be a number"),
        (1j, "argument 0 must be a number"),
        (np.array([1.0, 1j]), r"argument 0\[0\] must be a number"),
        (np.array([1.0, None]), r"argument 0\[1\] must be a number"),
    ],
)
def test_an_argument_that_is_no_number_is_told_with_its_place(argument: Any, where: str) -> None:
    with pytest.raises(TypeError, match=where):
        grad(lambda x: 1.0)(argument)


def test_argnums_beyond_the_arguments_are_told() -> None:
    for argnums in (2, -3, (0, 2)):
        with pytest.raises(ValueError, match=r"argnums names argument -?[0-9], but .* called with 2 of them"):
            grad(lambda x, y: x * y, argnums)(1.0, 2.0)
    for last in (1, -1):
        with pytest.raises(TypeError, match="argument 1 must be a number"):
            grad(lambda x, y: x, last)(1.0, "2")


@pytest.mark.parametrize("tangents", [(1.0, 2.0), ([1.0],), (1.0,), ([1.0, 2.0, 3.0],), ()])
def test_tangents_of_another_shape_are_told(tangents: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="tangents must be shaped like the primals"):
        jvp(lambda p: p[0] * p[1], ([1.0, 2.0],), tangents)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_what_is_no_function_is_told_and_a_value_what_to_do_with_it(transform: Any) -> None:
    with pytest.raises(TypeError, match=f"{transform.__name__} expects a function, .* call y.backward"):
        transform(Value(3.0) * 2)
    with pytest.raises(TypeError, match=f"{transform.__name__} expects a function, and returns a function; got 3.0$"):
        transform(3.0)


def test_errors_of_the_function_itself_come_through() -> None:
    with pytest.raises(ValueError, match=r"log\(-1\.0\)"):
        grad(autograd.log)(-1.0)
    with pytest.raises(TypeError, match=r"autograd\.exp"):
        grad(math.exp)(1.0)
    assert (Value(2.0) * 3).parents, "and graphs are recorded afterwards"
