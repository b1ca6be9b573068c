"""What a choice does not take contributes nothing in a compiled program, whatever its slope.

The truth is the same function written with Python's `if`, which computes only what is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value, compile, topological_order
from autograd.compiler.engines import ArrayEngine
from autograd.compiler.grouping import Grouping
from autograd.compiler.program import Program
from autograd.compiler.writer import Writer

Thin = Callable[[str], AbstractContextManager[None]]
Number = Any

WAYS = ["arrays", "machine code", "Python"]
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


@contextmanager
def in_arrays() -> Iterator[None]:
    """What is compiled within is array operations, though they be of single numbers."""

    def engine_for(scalars: Any, captured: list[int], arguments: list[str], *settings: Any) -> ArrayEngine:
        return ArrayEngine(Writer(scalars, Grouping(scalars, captured), arguments), *settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograd.compiler.program.engine_for", engine_for)
        yield


def compiled(thin: Thin, way: str, function: Callable[..., Any], *examples: Any, **settings: Any) -> Program:
    with in_arrays() if way == "arrays" else thin(way):
        return compile(function, *examples, **settings)


# Random programs

Lazy = Callable[[], Number]


class Choosing(NamedTuple):
    """How a program chooses: as compiled, of two numbers; or as Python does, computing one of them."""

    where: Callable[[Lazy, Lazy, Lazy, Lazy], Number]
    relu: Callable[[Number], Number]
    maximum: Callable[[Number, Number], Number]
    minimum: Callable[[Number, Number], Number]


def lazily(a: Lazy, b: Lazy, yes: Lazy, no: Lazy) -> Number:
    return yes() if a() > b() else no()


def at_once(a: Lazy, b: Lazy, yes: Lazy, no: Lazy) -> Number:
    return autograd.where(a() > b(), yes(), no())


COMPILED = Choosing(at_once, autograd.relu, autograd.maximum, autograd.minimum)
BY_IF = Choosing(
    lazily,
    lambda x: Value(0.0) if x <= 0 else x,
    lambda a, b: autograd.maximum(a, b) if a == b else a if a > b or a != a else b,
    lambda a, b: autograd.minimum(a, b) if a == b else a if a < b or a != a else b,
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
    """Operations on the numbers that came before them, of which the last one is the result."""

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
    """Numbers for which all branches are defined, so that the function can be traced."""
    for number in (0.7, 0.3, 1.5, -0.6):
        example = [number + k / 16 for k in range(recipe.inputs)]
        try:
            recipe.run([Value(x) for x in example], COMPILED)
        except (ArithmeticError, ValueError):
            continue
        return example
    return None


def truth(recipe: Recipe, point: Sequence[float]) -> tuple[float, list[float], list[float]] | None:
    """Value and gradient of what is taken, and what rounding errors are multiplied with; None where undefined."""
    inputs = [Value(x) for x in point]
    try:
        result = recipe.run(inputs, BY_IF)
    except (ArithmeticError, ValueError):
        return None
    result.backward()
    paths = {result: 1.0}
    for node in reversed(topological_order(result)):
        for parent, derivative in zip(node.parents, node.local_derivatives):
            paths[parent] = paths.get(parent, 0.0) + abs(derivative) * paths.get(node, 0.0)
    return result.data, [x.grad for x in inputs], [paths.get(x, 0.0) for x in inputs]


def check(recipe: Recipe, program: Program, point: list[float]) -> None:
    expected = truth(recipe, point)
    if expected is None:
        return
    value, gradient, paths = expected
    extreme = any(0 < abs(x) < 1e-100 or 1e100 < abs(x) < inf for x in point)  # where another order may not overflow
    if all(map(math.isfinite, (value, *gradient))):
        found_value, found = program.value_and_grad(point)
        assert extreme or found_value == pytest.approx(value, rel=1e-9)
        for x, true, path in zip(found, gradient, paths):
            assert extreme or x == pytest.approx(true, rel=1e-9, abs=1e-9 * path)
    elif not extreme:
        with pytest.raises(FloatingPointError):
            program.value_and_grad(point)


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
        check(recipe, program, [data.draw(st.sampled_from(POINTS)) for _ in range(recipe.inputs)])
