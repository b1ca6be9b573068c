"""The emitted source is easy to read: its names, signs, fractions, and folded operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import autograd
from autograd import Value, log, sqrt, tanh
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.names import Names
from autograd.compiler.targets.expressions import Expressions
from autograd.compiler.targets.notation import Notation
from autograd.compiler.targets.references import References
from autograd.compiler.targets.text import literal, number
from autograd.primitives import cbrt

W = [[Value(0.1 * (i - j)) for i in range(3)] for j in range(3)]
C = [Value(0.3), Value(-0.2), Value(0.4)]


def mean(numbers: list[Any]) -> Any:
    return sum(numbers) / len(numbers)


def layer(x: Any) -> list[Any]:
    return [sum(w * v for w, v in zip(row, x)) for row in W]


def normalised(x: Any) -> Any:
    z = layer(x)
    middle = mean(z)
    spread = sqrt(mean([(v - middle) ** 2 for v in z]) + 0.1)
    return sum(((v - middle) / spread) ** 3 for v in z)


def entropy(x: Any) -> Any:
    p = [1 / (1 + (-z).exp()) for z in layer(x)]
    return -mean([a * log(a) + (1 - a) * log(1 - a) for a in p])


LINES: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "a mean": (lambda x: mean([tanh(v) for v in x]), ["loss = tanh1.sum(axis=1, keepdims=True) / 3"]),
    "half a square": (
        lambda x: sum(z**2 for z in layer(x)) / 2,
        ["square1 = z1 ** 2", "delta1 = gradient * z1"],
    ),
    "a mean of squares": (
        lambda x: mean([z**2 for z in layer(x)]),
        ["loss = square1.sum(axis=1, keepdims=True) / 3", "delta1 = 2 / 3 * gradient * z1"],
    ),
    "normalised": (
        normalised,
        [
            "s1 = z1.sum(axis=1, keepdims=True) / 3",
            "e1 = z1 - s1",
            "quotient1 = e1 / sqrt1",
            "cube1 = quotient1 ** 3",
        ],
    ),
    "an entropy": (entropy, ["a1 = sigmoid(z1)", "y1 = 1 - a1", "log1 = log(a1)"]),
    "other powers": (
        lambda x: sum((v * v + 1) ** -1 + (v * v + 1) ** 0.3 for v in x),
        ["inverse1 = y1 ** -1", "power1 = power(y1, 0.3)"],
    ),
    "a polynomial": (
        lambda x: sum(tanh(C[0] + C[1] * v + C[2] * v**2) for v in x),
        ["y1 = b1 * x", "square1 = x ** 2", "y2 = b2 + y1 + b3 * square1"],
    ),
    "what 0 multiplies": (
        lambda x: sum(tanh(z + autograd.dot([0.0, 0.0], [tanh(z), w])) for z, w in zip(layer(x), C)),
        ["z1 = x @ w1.T", "a1 = tanh(z1)"],
    ),
    "zeros that are multiplied, squared and added": (
        lambda x: sum(tanh(z) + autograd.dot(C, [0.0] * 3) ** 2 for z in layer(x)),
        ["a1 = tanh(z1)", "y1 = a1[:, 1:3] + 0"],
    ),
    "one times": (lambda x: sum(tanh(1 * v) + (1.0 * v) ** 2 for v in x), ["tanh1 = tanh(x)", "square1 = x ** 2"]),
}


@pytest.mark.parametrize("name", LINES)
def test_lines_of_the_source(name: str) -> None:
    function, lines = LINES[name]
    source = autograd.compile(function, [0.3, 0.2, 0.7]).source
    for line in lines:
        assert re.search(rf"^    {re.escape(line)} +# \(", source, flags=re.MULTILINE), (line, source)
    assert not re.search(r"constant_power|\* 1\b|\* \(-\d|-\w+ \+ 1\b|0\.333|= 0\.0\b|array\(", source)


def test_shapes_of_derivatives_that_are_the_same_for_all() -> None:
    """If all columns are equal, only one is stored, and the comment shows its shape."""
    source = autograd.compile(lambda x: -sum(autograd.logsumexp([a, C[0], a * a]) for a in x), [0.1, 0.2]).source
    for line, shape in re.findall(r"^    d_\w+ = (.*?) +# (.*)$", source, flags=re.MULTILINE):
        if line == "-gradient":
            assert shape == "(n, 1)"


def test_names_of_one_base_are_counted_apart() -> None:
    names = Names(["z3"])
    assert [names.numbered("a", 2), names.numbered("a", 2), names.numbered("a", 2)] == ["a2", "a2_2", "a2_3"]
    assert [names.numbered("a", 4), names.numbered("a", 4)] == ["a4", "a4_2"]
    assert [names.numbered("z"), names.numbered("z"), names.numbered("z")] == ["z1", "z2", "z4"]


# Expressions

BUILDER = Builder()
X, Y = Simplified.of(BUILDER.argument("x", 1)), Simplified.of(BUILDER.argument("y", 1))


def printed(x: Simplified) -> str:
    program = BUILDER.program([x])
    return Expressions(Notation(program), References(program)).read(x.at).text


EXPRESSIONS: dict[str, Any] = {
    "2 / 3 * x": X * (2 / 3),
    "x": 2 * X * 0.5,
    "x * y": (0.5 * X) * (2 * Y),
    "6 * x * y": (2 * X) * (3 * Y),
    "x / y": X * (1 / Y),
    "y / x": (1 / X) * Y,
    "0.5 * x / y": X * (0.5 / Y),
    "x - 2 * y": X + (-2) * Y,
    "x + 2 * y": X - (-2) * Y,
    "x - y": X + -Y,
    "x + y": X - -Y,
    "-2 * x": -2 * X,
    "2 * x": -(-2 * X),
    "x - (y - x)": X - (Y - X),
    "2 - x": 2 - X,
    "x / (1 / 3)": X / (1 / 3),
    "x ** 2": X**2,
    "power(x, 1 / 3)": X ** (1 / 3),
    "x / (y * x)": X / (Y * X),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(text: str) -> None:
    expression = printed(EXPRESSIONS[text])
    assert expression == text
    names = {"x": 0.7, "y": -1.3, "power": pow}
    assert eval(expression, names) == eval(text, names)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1 / 3, "1 / 3"), (-2 / 3, "-2 / 3"), (1 / 7, "1 / 7"), (0.1, "0.1"), (0.125, "0.125"), (1 / 784, "1 / 784"),
        (0.7071067811865475, "0.7071067811865475"), (1e-5 / 3, repr(1e-5 / 3)), (3.0, "3.0"), (-0.0, "-0.0"),
        (float("inf"), "inf"), (float("-inf"), "-inf"), (float("nan"), "nan"), (5e-324, "5e-324"),
    ],
)  # fmt: skip
def test_numbers(x: float, text: str) -> None:
    assert number(x) == text
    assert x != x or eval(text, {"inf": float("inf")}) == x
    assert eval(f"2 ** {literal(x).within(9)}", {"inf": float("inf"), "nan": float("nan")}) is not None


def test_primitives_of_fractions() -> None:
    program = autograd.compile(lambda x: sum(cbrt(v * v + 1) ** (1 / 3) * (1 / 3) for v in x), [0.1, 0.2])
    assert program([3.0, 4.0]) == pytest.approx(sum((v * v + 1) ** (1 / 9) / 3 for v in (3, 4)), rel=1e-13)
