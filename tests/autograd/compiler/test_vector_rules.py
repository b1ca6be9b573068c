"""Vector rules as one pass of machine code: the same bits as NumPy computes from the same expression."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd.compiler.vector_rules import Later, NotRecordedError, Recorded, Recording, VectorPass, vector_pass

pytest.importorskip("llvmlite", reason="machine code is made by llvmlite, which is not installed")

Vector = NDArray[np.float64]

SPECIAL = [0.0, -0.0, 1.0, -2.5, 5e-324, -1e-310, 1e300, -1e308, math.inf, -math.inf, math.nan]
SIZES = [1, 2, 7, 8, 9, 31, 64, 100]


def made(rule: Callable[..., Any], vectors: int) -> VectorPass:
    """Compile a rule of so many vectors to machine code, which measures the last of them."""
    recording = Recording()
    given = [recording.vector() for _ in range(vectors)]
    results = rule(*given)
    code = vector_pass(recording, results if isinstance(results, tuple) else (results,), vectors - 1)
    assert code is not None
    code.give([x for x in recording.numbers if isinstance(x, float)])
    return code


def in_place(a: Any, b: Any) -> Any:
    """A rule with all kinds of writes into vectors."""
    x = np.multiply(a, 0.5, out=a.copy())
    y = x  # the same vector
    y *= b
    np.subtract(x, 2, out=y)
    z = a.copy()
    z[:] = x
    z /= 3.0
    z[...] = np.maximum(z, b)
    return x, z


RULES: dict[str, Callable[..., Any]] = {
    "a step": lambda a, b: a + np.multiply(-0.1, b),
    "numbers in front": lambda a, b: 2.0 - 3 * a / (1 / b),
    "roots": lambda a, b: a / (np.sqrt(b**2) + 1e-8) - np.square(a) ** 0.5,
    "signs": lambda a, b: np.sign(a) * abs(b) + np.fabs(-a) - np.negative(b),
    "several": lambda a, b: (a - b, b - a, a),
    "the larger": lambda a, b: np.minimum(np.maximum(a, -1.0), np.absolute(b)),
    "in place": in_place,
    "no vector": lambda a, b: (np.float64(0.25) * b, a / np.float64(3)),
}


@pytest.mark.parametrize("name", RULES)
def test_the_bits_are_those_of_numpy(name: str) -> None:
    chance, code = np.random.default_rng(0), made(RULES[name], 2)
    for size in SIZES:
        a, b = chance.normal(size=(2, size)) * 10.0 ** chance.integers(-9, 9, size=(2, size))
        assert_same_bits(code, RULES[name], a, b)
        a, b = chance.choice(SPECIAL, size=(2, size))
        assert_same_bits(code, RULES[name], a, b)


def assert_same_bits(code: VectorPass, rule: Callable[..., Any], a: Vector, b: Vector) -> None:
    with np.errstate(all="ignore"):
        expected = rule(a.copy(), b.copy())
    expected = expected if isinstance(expected, tuple) else (expected,)
    results = [np.empty(len(a)) for _ in expected]
    largest, of_results = code([a, b, *results])
    for result, array in zip(results, expected):
        np.testing.assert_array_equal(result, array)
    np.testing.assert_array_equal(largest, np.abs(b).max())
    np.testing.assert_array_equal(of_results, np.abs(expected).max())


def test_no_number_that_is_not_finite_is_missed() -> None:
    """It is detected at any position, in the measured vector and in a result, among larger and smaller numbers."""
    code = made(lambda a, b: (a * 1.0, a + b), 2)
    for place, number in itertools.product(range(19), (math.nan, -math.nan, math.inf, -math.inf)):
        a, b, results = np.linspace(-1, 1, 19), np.full(19, 1e308), [np.empty(19), np.empty(19)]
        assert code([a, b, *results]) == (1e308, 1e308)
        a[place] = number
        assert not math.isfinite(code([a, b, *results])[1])
        b[place], a[place] = number, 0.0
        assert not math.isfinite(code([a, b, *results])[0])


def test_numbers_are_taken_anew_without_making_anything_anew() -> None:
    code, recordings = made(lambda a, b: a - 0.5 * b, 2), []
    for number in (3.0, -0.25):
        recording = Recording()
        a, b = recording.vector(), recording.vector()
        code_of = a - number * b
        recordings.append((recording.steps, recording.place(code_of)))
        assert recording.numbers == [number]
        code.give([number])
        x, y, result = np.arange(5.0), np.ones(5), np.empty(5)
        code([x, y, result])
        assert result.tolist() == [k - number for k in range(5)]
    assert recordings[0] == recordings[1]


@pytest.mark.parametrize("number", [0.9, np.float64(0.9)], ids=["float", "float64"])
def test_numbers_that_are_known_later_are_computed_as_they_would_be(number: Any) -> None:
    """The results are equal bit by bit, since the arithmetic is that of Python's floats."""

    def rule(rate: Any, step: Any) -> Any:
        return [-rate, 1 - number**step, rate / (1 + step / 4) - 2 * step, step**0.5 * 3 + rate * step, rate**2 - 1]

    expressions = rule(Later(lambda rate, step: rate), Later(lambda rate, step: step))
    for known in ((0.1, 1), (0.25, 7), (1e-9, 1000)):
        assert [x.value(*known) for x in expressions] == rule(*known)
    for branch in (bool, float, abs, lambda x: max(x, 0.5), lambda x: x == 1.0):
        with pytest.raises(TypeError):
            branch(expressions[0])


def test_rules_that_differ_are_recorded_as_different() -> None:
    def steps(rule: Callable[..., Any]) -> Any:
        recording = Recording()
        result = rule(recording.vector(), recording.vector())
        return recording.steps, recording.place(result)

    rules: list[Callable[..., Any]] = [
        lambda a, b: a - b,
        lambda a, b: b - a,
        lambda a, b: a - a,
        lambda a, b: a - 1.0,
        lambda a, b: 1.0 - a,
        lambda a, b: a + b,
        lambda a, b: a,
        lambda a, b: b,
    ]
    recorded = [steps(rule) for rule in rules]
    assert all(x != y for k, x in enumerate(recorded) for y in recorded[:k])


def part(a: Any, b: Any) -> Any:
    a[0] = b
    return a


NOT_RECORDED: dict[str, Callable[..., Any]] = {
    "a sum": lambda a, b: a / np.sum(b),
    "a largest": lambda a, b: a / np.abs(b).max(),
    "a reduction": lambda a, b: a - np.add.reduce(b),
    "a norm": lambda a, b: a / np.linalg.norm(b),
    "a product": lambda a, b: a * (a @ b),
    "a dot product": lambda a, b: a * np.dot(a, b),
    "a comparison": lambda a, b: a * (b > 0),
    "a choice": lambda a, b: np.where(a, b, 0.0),
    "a condition": lambda a, b: a if b else b,
    "an equation": lambda a, b: a if a == b else b,
    "a length": lambda a, b: a / len(b),
    "a number": lambda a, b: a * float(b),
    "an array": lambda a, b: a * np.ones(3),
    "a part": part,
    "an element": lambda a, b: a - b[0],
    "a power": lambda a, b: a**3,
    "a function that rounds in its own way": lambda a, b: np.exp(a) - b,
    "an array to write to": lambda a, b: np.add(a, b, out=np.empty(3)),
    "where": lambda a, b: np.add(a, b, where=np.array([True])),
    "a larger integer than floats": lambda a, b: a * 10**400 + b,
    "zeros like it": lambda a, b: a + np.zeros_like(b),
    "a word": lambda a, b: a * "b",
}


@pytest.mark.parametrize("name", NOT_RECORDED)
def test_what_is_more_than_arithmetic_at_each_place_is_refused(name: str) -> None:
    recording = Recording()
    a, b = recording.vector(), recording.vector()
    with pytest.raises((NotRecordedError, TypeError, AttributeError, OverflowError)):
        recording.place(NOT_RECORDED[name](a, b))


def test_vectors_of_another_recording_and_blank_ones_are_refused() -> None:
    recording = Recording()
    a, other = recording.vector(), Recording().vector()
    for vector in (other, recording.blank()):
        with pytest.raises(NotRecordedError):
            recording.place(a + vector)
    assert isinstance(a + 1.0, Recorded)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(4), np.zeros((5, 1)), np.zeros(5, np.float32), np.zeros(10)[::2]],
    ids=["short", "matrix", "float32", "apart"],
)
def test_vectors_that_do_not_fit_do_not_reach_machine_code(wrong: Any) -> None:
    code = made(lambda a, b: a + b, 2)
    fitting = [np.zeros(5) for _ in range(3)]
    for place in range(3):
        with pytest.raises(ValueError, match="contiguous vectors of"):
            code([*fitting[:place], wrong, *fitting[place + 1 :]])
