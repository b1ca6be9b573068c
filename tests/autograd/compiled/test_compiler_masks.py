"""A branch that is not taken contributes nothing in a compiled program, whatever its derivative.

The truth is the same function written with Python's `if`, which computes only what is taken.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, compile, primitive, topological_order, where
from autograd.compiler.program import Program
from autograd.primitives import TABLE

Thin = Callable[[str], AbstractContextManager[None]]
Number = Any

WAYS = ["arrays", "machine code", "Python"]
NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
inf, nan = math.inf, math.nan
POINTS = [
    0.0,
    -0.0,
    1e-310,
    -1e-310,
    1e-300,
    0.5,
    -0.5,
    1.0,
    -1.0,
    3.0,
    710.0,
    -800.0,
    1e17,
    1e300,
    -1e300,
    inf,
    -inf,
    nan,
]


def compiled(thin: Thin, way: str, function: Callable[..., Any], *examples: Any, **settings: Any) -> Program:
    with thin(way):
        return compile(function, *examples, **settings)


# Random programs

Lazy = Callable[[], Number]


class Choosing(NamedTuple):
    """Functions that choose one of two numbers: they compute both, as compiled programs do, or one, as Python does."""

    where: Callable[[Lazy, Lazy, Lazy, Lazy], Number]
    relu: Callable[[Number], Number]
    maximum: Callable[[Number, Number], Number]
    minimum: Callable[[Number, Number], Number]


def lazily(a: Lazy, b: Lazy, yes: Lazy, no: Lazy) -> Number:
    return yes() if a() > b() else no()


def at_once(a: Lazy, b: Lazy, yes: Lazy, no: Lazy) -> Number:
    return autograd.where(a() > b(), yes(), no())


COMPILED = Choosing(at_once, autograd.relu, autograd.maximum, autograd.minimum)


def larger(a: Number, b: Number) -> Number:
    """Return the larger number. If one is nan, return nan without a slope, since neither is larger."""
    if a != a or b != b:
        return Value(nan)
    return autograd.maximum(a, b) if a == b else a if a > b else b


BY_IF = Choosing(
    lazily,
    lambda x: Value(nan) if x != x else Value(0.0) if x <= 0 else x,
    larger,
    lambda a, b: -larger(-a, -b),
)

SMOOTH: dict[str, tuple[int, Callable[..., Number]]] = {
    "add": (2, lambda a, b: a + b),
    "multiply": (2, lambda a, b: a * b),
    "divide": (2, lambda a, b: a / b),
    "square": (1, lambda a: a * a),
    "inverse": (1, lambda a: 1 / a),
    "scale": (1, lambda a: -3 * a),
    "sqrt": (1, autograd.sqrt),
    "cbrt": (1, autograd.cbrt),
    "log": (1, autograd.log),
    "exp": (1, autograd.exp),
    "power": (1, lambda a: a**0.5),
    "general power": (2, lambda a, b: a**b),
    "asin": (1, autograd.asin),
    "atanh": (1, autograd.atanh),
    "hypot": (2, autograd.hypot),
    "atan": (1, autograd.atan),
    "softplus": (1, autograd.softplus),
    "sin": (1, autograd.sin),
    "logsumexp": (2, lambda a, b: autograd.logsumexp([a, b])),
}
CHOICES = {"where": 4, "relu": 1, "maximum": 2, "minimum": 2}
ARITIES = {**{name: arity for name, (arity, _) in SMOOTH.items()}, **CHOICES}


class Recipe(NamedTuple):
    """Operations on earlier numbers; the last one is the result."""

    inputs: int
    operations: list[tuple[str, tuple[int, ...]]]

    def run(self, inputs: Sequence[Number], choosing: Choosing) -> Number:
        known: dict[int, Number] = dict(enumerate(inputs))

        def number(i: int) -> Number:
            if i not in known:
                name, operands = self.operations[i - self.inputs]
                if name == "where":
                    known[i] = choosing.where(*[lambda k=k: number(k) for k in operands])
                else:
                    apply = SMOOTH[name][1] if name in SMOOTH else getattr(choosing, name)
                    known[i] = apply(*map(number, operands))
            return known[i]

        return number(self.inputs + len(self.operations) - 1)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    inputs = draw(st.integers(1, 4))
    operations = []
    for n in range(draw(st.integers(3, 12))):
        names = sorted(CHOICES) if draw(st.integers(0, 2)) == 0 else sorted(SMOOTH)
        name = draw(st.sampled_from(names))
        newest = st.integers(max(0, inputs + n - 4), inputs + n - 1)
        operations.append((name, tuple(draw(newest) for _ in range(ARITIES[name]))))
    return Recipe(inputs, operations)


def example_for(recipe: Recipe) -> list[float] | None:
    """Return numbers for which all branches are defined, so that the function can be traced."""
    for number in (0.7, 0.3, 1.5, -0.6):
        example = [number + k / 16 for k in range(recipe.inputs)]
        try:
            recipe.run([Value(x) for x in example], COMPILED)
        except (ArithmeticError, ValueError):
            continue
        return example
    return None


class Truth(NamedTuple):
    """The value and gradient at a point, how much each derivative amplifies rounding errors, and the leaves taken."""

    value: float
    gradient: list[float]
    paths: list[float]
    taken: list[Value]

    @property
    def is_finite(self) -> bool:
        return all(map(math.isfinite, (self.value, *self.gradient)))


def truth(function: Callable[[list[Value]], Number], point: Sequence[float]) -> Truth | None:
    """Return the truth from the graph of a function that computes only what it takes; None if that is undefined."""
    inputs = [Value(x) for x in point]
    try:
        result = function(inputs) + Value(0.0)
    except (ArithmeticError, ValueError):
        return None
    result.backward()
    paths = {result: 1.0}
    for node in reversed(topological_order(result)):
        for parent, derivative in zip(node.parents, node.local_derivatives):
            paths[parent] = paths.get(parent, 0.0) + abs(derivative) * paths.get(node, 0.0)
    taken = [x for x in inputs if x in paths]
    return Truth(result.data, [x.grad for x in inputs], [paths.get(x, 0.0) for x in inputs], taken)


def is_infinite(x: Value) -> bool:
    return math.isinf(x.data)


def check(program: Program, expected: Truth | None, point: Sequence[float], tail: float = 0.0) -> None:
    if expected is None:
        return
    # Derivative formulas of programs may overflow where those of the graph do not.
    extreme = any(0 < abs(x) < 1e-100 or 1e100 < abs(x) < inf for x in point) or any(map(is_infinite, expected.taken))
    if expected.is_finite:
        try:
            value, gradient = program.value_and_grad(list(point))
        except FloatingPointError:
            assert extreme
            return
        assert extreme or math.isclose(value, expected.value, rel_tol=1e-9)
        for x, true, path in zip(gradient, expected.gradient, expected.paths):
            assert extreme or math.isclose(x, true, rel_tol=1e-9, abs_tol=1e-9 * path + tail), (x, true)
    elif not extreme:
        with pytest.raises(FloatingPointError):
            program.value_and_grad(list(point))


@pytest.mark.parametrize("way", WAYS)
@given(recipe=recipes(), data=st.data())
@settings(max_examples=100)
def test_random_programs_are_what_if_would_make_of_them(
    way: str, thin: Thin, recipe: Recipe, data: st.DataObject
) -> None:
    example = example_for(recipe)
    assume(example is not None)
    program = compiled(thin, way, lambda xs: recipe.run(xs, COMPILED), example)
    for _ in range(8):
        point = [data.draw(st.sampled_from(POINTS)) for _ in range(recipe.inputs)]
        check(program, truth(lambda xs: recipe.run(xs, BY_IF), point), point)


# Every primitive, below every choice

NO_FUNCTIONS = {"constant_power", "where", "entry_at", "sum", "mean", "dot", "max", "min", "detach", "ratio"}
OWN = {name for name, made in TABLE.items() if made.derivatives.__module__.startswith("autograd.")}  # none of a test's
MADE = sorted(name for name in OWN - NO_FUNCTIONS if not name.endswith(("_slope", "_derivative")))
COMPOSITIONS: dict[str, Callable[[Choosing, Callable[[], Number], Number], Number]] = {
    "where": lambda c, f, y: c.where(lambda: y, lambda: 0.25, f, lambda: 2 * y),
    "where, the other branch": lambda c, f, y: c.where(lambda: 0.25, lambda: y, lambda: y * y, f),
    "where, times what is not taken": lambda c, f, y: c.where(lambda: y, lambda: 0.25, lambda: y * f(), lambda: 2 * y),
    "where in where": lambda c, f, y: c.where(
        lambda: y, lambda: -0.5, lambda: c.where(lambda: y, lambda: 0.25, f, lambda: -y), lambda: 3 * y
    ),
    "relu": lambda c, f, y: c.relu(f()) + y,
    "maximum": lambda c, f, y: c.maximum(y, f()),
    "minimum": lambda c, f, y: c.minimum(f(), y),
    "root of relu": lambda c, f, y: autograd.sqrt(c.relu(y)) + c.where(lambda: y, lambda: 0.25, f, lambda: 0.0),
}


class Case(NamedTuple):
    """A primitive below a choice: a function of the primitive's inputs and one more, and the truth at each point."""

    name: str
    function: Callable[[Choosing, Sequence[Number]], Number]
    arity: int
    truths: list[tuple[list[float], Truth | None]]


@functools.cache
def cases(composition: str) -> list[Case]:
    """Return a case for each primitive; its truth does not depend on how the function is compiled."""
    chance = random.Random(0)
    cases = []
    for name in MADE:
        wide = any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(TABLE[name].derivatives).parameters.values())
        arity = 3 if wide else len(inspect.signature(TABLE[name].derivatives).parameters) - 1

        def function(choosing: Choosing, xs: Sequence[Number], name: str = name) -> Number:
            return COMPOSITIONS[composition](choosing, lambda: TABLE[name](*xs[:-1]), xs[-1])

        by_if = functools.partial(function, BY_IF)
        points = [
            [*[chance.choice(POINTS) for _ in range(arity)], chance.choice((0.0, 0.5, -1.0, nan, 3.0))]
            for _ in range(40)
        ]
        cases.append(Case(name, function, arity, [(point, truth(by_if, point)) for point in points]))
    return cases


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("composition", COMPOSITIONS)
def test_every_primitive_below_every_choice(composition: str, way: str, thin: Thin) -> None:
    for name, function, arity, truths in cases(composition):
        example = [1.5 if name == "acosh" else 0.75] * arity + [0.5]
        program = compiled(thin, way, functools.partial(function, COMPILED), example)
        tail = 1e-15 if name in ("sigmoid", "tanh") else 0.0  # where compiled programs lose the digits of a (1 - a)
        for point, expected in truths:
            check(program, expected, point, tail)


# Cases that are easy to name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("function", "point", "slope"),
    [
        (lambda x: where(x > 0, autograd.sqrt(x), 0.0), 0.0, 0.0),
        (lambda x: where(x > 0, autograd.sqrt(x), -x), -1.0, -1.0),
        (lambda x: where(x > 0, x * autograd.log(x), 0.0), 0.0, 0.0),
        (lambda x: where(x == 0, 1.0, autograd.sin(x) / x), 0.0, 0.0),
        (lambda x: where(x == 0, x, 1 / x), 0.0, 1.0),
        (lambda x: where(x < 700, autograd.exp(x), x), 1000.0, 1.0),
        (lambda x: where(x == x, autograd.tanh(x) * 3, 0.0), nan, 0.0),
        (lambda x: where(x == x, x**2, 0.0), nan, 0.0),
        (lambda x: autograd.sqrt(autograd.relu(x)), -1.0, 0.0),
        (lambda x: autograd.sqrt(autograd.maximum(x, 4.0)), 1.0, 0.0),
        (lambda x: autograd.log(autograd.maximum(x, 0.0) + 1) + autograd.cbrt(autograd.minimum(x, 0.0)), 2.0, 1 / 3),
        (lambda x: where(x > 0, where(x < 1, autograd.asin(x), 2 * x), 0.0), 3.0, 2.0),
        (lambda x: where((x > 0) & (x < 1), autograd.atanh(x), x), 1.0, 1.0),
        (lambda x: where(x > 0, autograd.sqrt(where(x > 1, x - 1, 1.0)), 0.0), 1.0, 0.0),
        (lambda x: autograd.max([autograd.sqrt(x), 2.0, 3 * x + 1]), 0.0, 0.0),
        (lambda x: autograd.min([autograd.sqrt(x) + 3, 2 + x, 5.0]), 0.0, 1.0),
    ],
)
def test_named_cases(way: str, function: Callable[[Number], Number], point: float, slope: float, thin: Thin) -> None:
    program = compiled(thin, way, function, 0.5)
    assert program.input_gradients(point) == pytest.approx(slope, rel=1e-15)
    assert list(program.input_gradients([0.5, point, 0.25]))[1] == pytest.approx(slope, rel=1e-15)
    w = Value(0.5)
    backward = compiled(thin, way, lambda x: function(w) * x, 1.0)
    w.data = point
    backward.backward([1.0, 1.0])
    assert w.grad == pytest.approx(slope, rel=1e-15)


@pytest.mark.parametrize("way", WAYS)
def test_a_zero_that_is_a_number_absorbs_nothing(way: str, thin: Thin) -> None:
    """0 · sqrt(x) has no derivative at 0, and neither does a choice that takes it."""
    for function in (
        lambda x, zero: zero * autograd.sqrt(x),
        lambda x, zero: where(x < 1, zero * autograd.sqrt(x), 1.0),
        lambda x, zero: abs(autograd.sqrt(x)) + zero,
    ):
        program = compiled(thin, way, function, 0.5, 0.5)
        with pytest.raises(FloatingPointError, match="derivative"):
            program.input_gradients(0.0, 0.0)
        assert program(0.0, 0.0) == 0.0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "function",
    [
        lambda x: 0.0 * autograd.sqrt(x[0]) + x[1],
        lambda x: autograd.sqrt(x[0]) * 0.0 + x[1],
        lambda x: (0.0 * autograd.sqrt(x[0])) * 2.0 + x[1],
        lambda x: autograd.dot([0.0, 1.0], [autograd.sqrt(x[0]), x[1]]),
        lambda x: 0.0 * (autograd.sqrt(x[0]) + x[1]) + x[1],
    ],
)
def test_so_does_a_constant_zero(way: str, function: Callable[..., Any], thin: Thin) -> None:
    program = compiled(thin, way, function, [0.5, 2.0])
    with pytest.raises(FloatingPointError, match="derivative"):
        program.input_gradients([0.0, 2.0])
    assert program.input_gradients([4.0, 2.0]).tolist() == [0.0, 1.0]


UNREACHED: dict[str, tuple[Callable[..., Any], list[float], list[float]]] = {
    "a condition": (
        lambda x: where(autograd.sqrt(x[0]) + autograd.sqrt(x[1]) > 0.5, autograd.sqrt(x[2]), 0.0),
        [0.0, 1.0, 1.0],
        [0.0, 0.0, 0.5],
    ),
    "detached": (lambda x: autograd.sqrt(x[0]).detach() * autograd.sqrt(x[1]), [0.0, 1.0], [0.0, 0.0]),
    "several detached": (
        lambda x: sum(autograd.cbrt(v) for v in x[2:]) + autograd.cbrt(x[0]).detach() + autograd.cbrt(x[1]).detach(),
        [0.0, 1.0, 1.0, 8.0],
        [0.0, 0.0, 1 / 3, 1 / 12],
    ),
    "detached products": (
        lambda x: autograd.exp(x[0]).detach() * x[1] + autograd.exp(x[1]) * x[0] - autograd.sqrt(x[2] * x[3]).detach(),
        [0.0, 0.0, 0.0, 1.0],
        [1.0, 1.0, 0.0, 0.0],
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", UNREACHED)
def test_what_no_derivative_reaches_has_none(way: str, name: str, thin: Thin) -> None:
    """A number that no derivative reaches gets none, although array operations compute it together with others."""
    function, point, slopes = UNREACHED[name]
    program = compiled(thin, way, function, [0.5] * len(point))
    assert program.input_gradients(point).tolist() == pytest.approx(slopes, rel=1e-14)
    assert program.input_gradients([point, [1.0] * len(point)])[0].tolist() == pytest.approx(slopes, rel=1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_auxiliary_outputs_have_no_derivative_however_infinite(way: str, thin: Thin) -> None:
    def f(x: Any) -> Any:
        return autograd.sum([autograd.sqrt(v) for v in x[:2]]), [autograd.sqrt(v) for v in x[2:]]

    program = compiled(thin, way, f, [1.0, 1.0, 1.0, 1.0], has_aux=True)
    assert program.input_gradients([1.0, 4.0, 0.0, 0.0]).tolist() == [0.5, 0.25, 0.0, 0.0]


@pytest.mark.parametrize("way", WAYS)
def test_two_ways_to_the_same_condition(way: str, thin: Thin) -> None:
    """Two masks are equal: choices by a(x) and then b(x), and by b(x) and then a(x)."""

    def f(x: Any) -> Any:
        first, second = autograd.sqrt(x[0]), autograd.cbrt(x[1])
        return (
            where(x[2] > 0, where(x[3] > 0, first, x[0]), x[1]) * 2.0
            + where(x[3] > 0, where(x[2] > 0, second, x[0]), x[1]) * 3.0
            + where(x[3] > 1, where(x[2] > 0, abs(x[0]) ** 0.5, x[0]), x[1]) * 5.0
        )

    program = compiled(thin, way, f, [0.5, 0.5, 0.5, 0.5])
    for point in ([0.0, 0.0, -1.0, 2.0], [0.0, 0.0, 1.0, -1.0], [4.0, 8.0, 1.0, 1.5], [4.0, 8.0, 1.0, 0.5]):
        leaves = [Value(x) for x in point]
        f(leaves).backward()
        assert program.input_gradients(point).tolist() == pytest.approx([x.grad for x in leaves], rel=1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_a_parameter_that_some_samples_take(way: str, thin: Thin) -> None:
    """The infinite slope of a shared parameter does not count if no sample takes it."""
    w, v = Value(0.25), Value(2.0)
    program = compiled(thin, way, lambda x: where(x > 0, autograd.sqrt(w), v * x), 1.0, reduction="sum")
    w.data = 0.0
    program.backward([-1.0, -2.0])
    assert (w.grad, v.grad) == (0.0, -3.0)
    with pytest.raises(FloatingPointError):
        program.backward([-1.0, 2.0])
    w.data = 4.0
    program.backward([-1.0, 2.0, 3.0])
    assert (w.grad, v.grad) == (0.5, -4.0)


@pytest.mark.parametrize("way", WAYS)
def test_through_a_layer(way: str, thin: Thin) -> None:
    """Slopes are infinite below weighted sums, of which relu takes none, one or all."""
    w = [[1.0, -2.0, 0.5], [-1.0, 1.0, 1.0], [0.25, 1.0, -1.0]]
    weights = [[Value(x) for x in row] for row in w]

    def network(xs: list[Number], choosing: Choosing) -> Number:
        roots = [autograd.sqrt(x) for x in xs]
        return autograd.sum([choosing.relu(autograd.dot(row, roots) - 0.5) for row in weights])

    program = compiled(thin, way, lambda xs: network(xs, COMPILED), [0.5, 0.75, 1.0])
    for point in ([0.0, 0.0, 0.0], [0.0, 4.0, 0.25], [4.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.25]):
        check(program, truth(lambda xs: network(xs, BY_IF), point), point)


@pytest.mark.parametrize("way", WAYS)
def test_a_primitive_of_ones_own_that_chooses(way: str, thin: Thin) -> None:
    gate = primitive(
        "gate of masks",
        lambda x, y: where(y > 0, x, 0.0),
        lambda x, y, out: (where(y > 0, 1.0, 0.0), 0.0),
        chooses=True,
    )
    program = compiled(thin, way, lambda x, y: gate(autograd.sqrt(x), y) + autograd.sqrt(gate(x, y)), 0.5, 0.5)
    assert program.input_gradients(0.0, -1.0) == (0.0, 0.0)
    assert program.input_gradients(4.0, 1.0) == (0.5, 0.0)
    with pytest.raises(FloatingPointError):
        program.input_gradients(0.0, 1.0)


@pytest.mark.parametrize("way", WAYS)
def test_float32(way: str, thin: Thin) -> None:
    def f(xs: list[Number]) -> Number:
        return autograd.sum([where(x > 0, autograd.sqrt(x), -x) for x in xs]) + autograd.sqrt(autograd.max(xs))

    program = compiled(thin, way, f, [0.5, 0.25, 1.0], dtype="float32")
    slopes = program.input_gradients([0.0, -1.0, 4.0])
    assert slopes.dtype == np.float32
    assert slopes.tolist() == [-1.0, -1.0, 0.5]


@pytest.mark.parametrize("way", WAYS)
def test_derivatives_within_a_compiled_function(way: str, thin: Thin) -> None:
    """The slopes of sigmoid and tanh are primitives there, and choices are nodes of the derivative's graph."""

    def f(x: Number) -> Number:
        return autograd.grad(lambda y: autograd.sigmoid(y) * autograd.tanh(2 * y) + autograd.relu(y) ** 2)(x)

    def exact(y: Any) -> Any:
        return mpmath.tanh(2 * y) / (1 + mpmath.exp(-y)) + (y**2 if y > 0 else 0)

    program = compiled(thin, way, f, 0.5)
    for x in (0.25, -1.5, 3.0):
        slope, curvature = (mpmath.diff(exact, x, n) for n in (1, 2))
        value, derivative = program.value_and_grad(x)
        assert value == pytest.approx(float(slope), rel=1e-12)
        assert derivative == pytest.approx(float(curvature), rel=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_choices_in_derivatives_within_a_compiled_function(way: str, thin: Thin) -> None:
    """The traced graph of a derivative is valid for all numbers, including those where one branch is singular."""
    for f, points in (
        (lambda y: where(y > 0, autograd.sqrt(y), 0.0), {0.0: 0.0, -1.0: 0.0, 4.0: 0.25}),
        (lambda y: autograd.sqrt(autograd.relu(y)), {0.0: 0.0, -1.0: 0.0, 4.0: 0.25}),
        (lambda y: where(y > 0, y * autograd.log(y), -y), {0.0: -1.0, -2.0: -1.0, 1.0: 1.0}),
        (lambda y: autograd.cbrt(autograd.maximum(y, -8.0)), {-27.0: 0.0, 8.0: 1 / 12}),
    ):
        program = compiled(thin, way, lambda x: autograd.grad(f)(x), 0.5)  # noqa: B023
        assert [program(x) for x in points] == pytest.approx(list(points.values()), rel=1e-14, abs=0.0)


def root_thrice(x: Value) -> Value:
    """Reach one node in three ways, none of which is taken at 0, where the derivative is 1."""
    root = autograd.sqrt(x)
    return where(x > 0, root, 0.0) + (root - 1).relu() + where(x > 0, root * root, x)


UNTAKEN: dict[str, tuple[Callable[[Any], Any], float, float]] = {  # with the first and second derivative at 0
    "where": (lambda x: where(x > 0, x.sqrt(), x * x), 0.0, 2.0),
    "where of where": (lambda x: where(x > 0, where(x > 1, x.log1p(), x.sqrt()), 3 * x), 3.0, 0.0),
    "where in max": (lambda x: autograd.max([where(x > 0, x.sqrt(), -1.0), x]), 1.0, 0.0),
    "relu of where": (lambda x: where(x > 0, x.sqrt(), -x - 1).relu(), 0.0, 0.0),
    "in three ways": (root_thrice, 1.0, 0.0),
    "a product": (lambda x: where(x > 0, (x * x.sqrt()).sqrt().cbrt(), x), 1.0, 0.0),
    "two operands": (lambda x: where(x > 0, autograd.hypot(x, x) + autograd.atan2(x, x), 0.0), 0.0, 0.0),
    "taken elsewhere": (lambda x: where(x > 0, x.sqrt(), 0.0) + where(x > -1, x.exp(), x.sqrt()), 1.0, 1.0),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", UNTAKEN)
def test_what_transforms_within_a_compiled_function_do_not_take(case: str, way: str, thin: Thin) -> None:
    """Such branches contribute nothing in forward mode, in both modes combined, and at nodes reached several ways."""
    f, slope, curvature = UNTAKEN[case]
    derivatives: list[Callable[[Any], Any]] = [autograd.grad(f), lambda x: autograd.jvp(f, (x,), (1.0,))[1]]
    for derivative in derivatives:
        assert compiled(thin, way, lambda x: derivative(x), 1.3)(0.0) == slope  # noqa: B023
        assert compiled(thin, way, lambda x: autograd.grad(derivative)(x), 1.3)(0.0) == curvature  # noqa: B023
        second = lambda x: autograd.jvp(derivative, (x,), (1.0,))[1]  # noqa: B023, E731
        assert compiled(thin, way, second, 1.3)(0.0) == curvature


def test_the_source_of_networks_has_no_masks() -> None:
    """All slopes of a network are finite; the derivative of relu is a product with a condition, as in textbooks."""
    for activation in ("relu", "sigmoid", "tanh", "softplus"):
        for loss in (nn.half_squared_error, nn.cross_entropy, nn.binary_cross_entropy_with_logits):
            model = nn.MLP(4, [5, 3], activation, output_activation="identity", seed=0)
            program = compile(lambda x, y: loss(model(x), y), [0.5] * 4, [0.0, 1.0, 0.0])  # noqa: B023
            assert "where" not in program.source
            error = "d_e1" if loss is nn.cross_entropy else "delta2"  # to logits from which the largest is subtracted
            factor = "(z1 > 0)" if activation == "relu" else ""
            assert f"delta1 = ({error} @ w2) * {factor}" in program.source


def test_the_source_in_walkthrough_8_is_what_is_printed_now() -> None:
    """The walkthrough shows the source of its first network and of its convolution as it is printed, line by line."""
    notebook = json.loads(next(NOTEBOOKS.glob("08*.ipynb")).read_text(encoding="utf-8"))
    outputs = [
        "".join(output.get("text", ""))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    ]
    network, convolution, large = [text for text in outputs if "def backward" in text or "def input_gradients" in text]
    kernel = [Value(1.0, "kernel"), Value(-2.0, "kernel"), Value(0.5, "kernel")]
    model = nn.MLP(784, [50, 10], seed=0, elementary=True)
    small = nn.MLP(2, [3, 2], seed=0)

    def energy(x: list[Number]) -> Number:
        slid = [sum(k * x[i + n] for n, k in enumerate(kernel)) for i in range(6)]
        return sum(autograd.sigmoid(s) for s in slid)

    def loss(x: list[Number], y: list[Number]) -> Number:
        return nn.half_squared_error(model(x), y)

    def small_loss(x: list[Number], y: list[Number]) -> Number:
        return nn.half_squared_error(small(x), y)

    assert compile(small_loss, [1.0, 0.5], [1.0, 0.0]).source in network
    assert compile(energy, [0.1] * 8).source.strip() in convolution
    assert compile(loss, [0.5] * 784, [0.0] * 10).source in large
