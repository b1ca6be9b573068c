"""The stand-in for NumPy, against NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from autograd.arrays import stand_in
from autograd.arrays.array import as_array
from autograd.arrays.chance import Generator
from autograd.arrays.ieee import Float

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
NUMBERS = st.integers(-3, 3)
FLOATS = st.sampled_from([0.0, -0.0, 1.0, -1.5, 2.5, 1e-320, 1e200, -1e308, 0.1])


def same(ours: Any, theirs: Any) -> bool:
    """Compare shape, elements and kind; nan equals nan, and zeros have signs."""
    theirs = numpy.asarray(theirs)
    ours = as_array(ours)
    return (ours.shape, ours.dtype.kind, repr(ours.tolist())) == (
        theirs.shape,
        theirs.dtype.kind,
        repr(theirs.tolist()),
    )


@st.composite
def pairs(draw: st.DrawFn, shapes: Any = SHAPES, numbers: Any = NUMBERS) -> tuple[Any, Any]:
    """Draw an array of each library, with the same numbers."""
    shape = draw(shapes)
    flat = draw(st.lists(numbers, min_size=math.prod(shape), max_size=math.prod(shape)))
    theirs = numpy.array(flat).reshape(shape)
    return as_array(theirs.tolist()), theirs


@st.composite
def keys(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Draw any index of an array of this shape."""
    entries: list[Any] = []
    length = draw(st.sampled_from([(), (2,), (2, 3)]))
    for n in shape[: draw(st.integers(0, len(shape)))]:
        bounds = st.one_of(st.none(), st.integers(-n - 1, n + 1))
        steps = st.sampled_from([None, 1, 2, -1])
        indices = st.lists(st.integers(-n, n - 1), min_size=math.prod(length), max_size=math.prod(length))
        entries.append(
            draw(
                st.one_of(
                    st.integers(-n, n - 1),
                    st.builds(slice, bounds, bounds, steps),
                    indices.map(lambda flat: numpy.array(flat).reshape(length)),
                )
            )
        )
    if draw(st.booleans()):
        entries.insert(draw(st.integers(0, len(entries))), None)
    if draw(st.booleans()):
        entries.append(Ellipsis)
    return tuple(entries)


def ours(key: Any) -> Any:
    """Return the same index with arrays of the stand-in."""
    return tuple(as_array(entry.tolist()) if isinstance(entry, numpy.ndarray) else entry for entry in key)


@given(st.data())
def test_indexing_reads_and_writes_the_same_elements(data: st.DataObject) -> None:
    mine, theirs = data.draw(pairs())
    key = data.draw(keys(theirs.shape))
    assert same(mine[ours(key)], theirs[key])
    assume(len(set(numpy.arange(theirs.size).reshape(theirs.shape)[key].ravel().tolist())) == theirs[key].size)
    mine[ours(key)] = 7
    theirs[key] = 7
    assert same(mine, theirs)
    mine[ours(key)] = as_array((theirs[key] + 1).ravel().tolist()).reshape(theirs[key].shape)
    theirs[key] += 1
    assert same(mine, theirs)


@given(st.data())
def test_conditions_choose_elements(data: st.DataObject) -> None:
    mine, theirs = data.draw(pairs())
    assert same(mine[mine > 0], theirs[theirs > 0])
    assert same(stand_in.argwhere(mine > 0), numpy.argwhere(theirs > 0))
    mine[mine > 0] = 5
    theirs[theirs > 0] = 5
    assert same(mine, theirs)


OPERATIONS = ("a + b", "a - b", "a * b", "2 - a", "a == b", "a <= b", "(a > b) & (b > 0)", "(a > b) | (a == 1)",
              "~(a > b)", "-a", "abs(a)", "a % 3", "a // 2")  # fmt: skip


@given(pairs(), pairs(st.sampled_from([(1,), (4,), (3, 1)])), st.sampled_from(OPERATIONS))
def test_arithmetic_broadcasts(first: Any, second: Any, operation: str) -> None:
    mine, theirs = [dict(zip("ab", both)) for both in zip(first, second)]
    try:
        expected = eval(operation, {}, theirs)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            eval(operation, {}, mine)
    else:
        assert same(eval(operation, {}, mine), expected)


FLOAT_OPERATIONS = ("a / b", "a * b + a", "a ** b", "a ** 2", "1 / a", "np.sqrt(a)", "np.isfinite(a * b)", "np.abs(a)",
                    "np.signbit(a)")  # fmt: skip


@given(st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=4), st.sampled_from(FLOAT_OPERATIONS))
def test_floats_follow_ieee(numbers: list[tuple[float, float]], operation: str) -> None:
    a, b = map(list, zip(*numbers))
    with numpy.errstate(all="ignore"):
        expected = eval(operation, {"np": numpy, "a": numpy.array(a), "b": numpy.array(b)})
        if operation == "a ** b":  # NumPy's powers of arrays may be off by one unit, as IEEE allows
            expected = numpy.array([x**y for x, y in zip(numpy.array(a), numpy.array(b))])
    assert same(eval(operation, {"np": stand_in, "a": as_array(a), "b": as_array(b)}), expected)


@given(
    FLOATS, FLOATS, st.sampled_from(["a / b", "a * b", "a ** b", "1 - a", "-a", "1 / (a * a)", "abs(b) + 1", "2 ** a"])
)
def test_a_float_follows_ieee(a: float, b: float, operation: str) -> None:
    with numpy.errstate(all="ignore"):
        expected = eval(operation, {"a": numpy.float64(a), "b": numpy.float64(b)})
    result = eval(operation, {"a": Float(a), "b": Float(b)})
    assert type(result) is Float
    assert repr(float(result)) == repr(float(expected))


FUNCTIONS = ("exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos",
             "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh")  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@given(FLOATS)
@example(-1.0)
@example(1.0)
@example(1000.0)
@example(-1000.0)
def test_functions_are_infinite_at_their_poles_and_nan_where_undefined(name: str, x: float) -> None:
    with numpy.errstate(all="ignore"):
        expected = float(getattr(numpy, name)(x))
    assert float(getattr(stand_in, name)(x)) == pytest.approx(expected, rel=1e-14, abs=0, nan_ok=True)


METHODS = ("all", "any", "sum", "max", "min", "argmax", "argmin", "mean")


@given(pairs(), st.sampled_from(METHODS), st.sampled_from([None, 0, -1]))
def test_reductions(both: Any, method: str, axis: int | None) -> None:
    mine, theirs = both
    assert same(getattr(mine, method)(axis=axis), getattr(theirs, method)(axis=axis))
    if method in ("all", "sum", "max"):
        expected = getattr(theirs, method)(axis=axis, keepdims=True)
        assert same(getattr(mine, method)(axis=axis, keepdims=True), expected)


SORTING = (
    "np.sort(a, axis=-1)", "np.argsort(a, kind='stable')", "np.unique(a)", "np.unique(a, return_index=True)[1]",
    "np.unique(a, return_counts=True)[1]", "np.unique(a.ravel(), return_inverse=True)[1]", "np.flatnonzero(a)",
    "np.diff(a.ravel())", "np.diff(a, axis=0)", "np.bincount(abs(a).ravel(), minlength=2)", "np.where(a > 0, a, 2.5)",
    "np.count_nonzero(a, axis=0)", "np.append(a, [1, 2])", "np.concatenate([a, a], axis=-1)", "np.r_[a.ravel(), 3]",
    "np.stack([a, a], axis=1)", "np.stack([a, a], axis=-1)", "np.repeat(a.ravel(), 2)", "a.ravel().repeat(2)",
    "np.array_equal(a, a.copy())", "a.T", "a.reshape(-1)", "a.astype(float)", "a.ravel()[::-1]",
    "np.lexsort((a.ravel()[::-1], a.ravel()))", "np.sort(a.ravel()).searchsorted([-1, 0, 9])",
    "np.take_along_axis(a, np.argsort(a, axis=-1, kind='stable'), axis=-1)", "np.broadcast_to(a, (2, *a.shape))",
    "np.delete(a.ravel(), [0])", "np.concatenate([*np.split(a.ravel(), [1])])", "np.full(a.shape, 2)",
    "np.allclose(a, a + 1e-12)", "np.shape(a)", "np.zeros((2, 3))", "np.arange(2, 9, 3)",
    "np.diff([1, 5], prepend=-1)", "a.take([0, 0], axis=0)", "np.linalg.norm([3, 4])", "np.diff(a.ravel() > 0)",
)  # fmt: skip


@given(pairs(), st.sampled_from(SORTING))
@example((as_array([[2, 1], [2, 1]]), numpy.array([[2, 1], [2, 1]])), "np.unique(a, axis=0)")
@example((as_array([[2, 1], [2, 1]]), numpy.array([[2, 1], [2, 1]])), "np.unique(a, axis=1)")
def test_sorting_counting_and_rearranging(both: Any, expression: str) -> None:
    mine, theirs = both
    expected = eval(expression, {"np": numpy, "a": theirs})
    assert same(eval(expression, {"np": stand_in, "a": mine}), expected)


@given(st.integers(0, 2**200), st.integers(1, 300))
@example(0, 1)
def test_the_same_seed_gives_the_same_orders(seed: int, n: int) -> None:
    mine, theirs = Generator(seed), numpy.random.default_rng(seed)
    for _ in range(3):
        assert mine.permutation(n).tolist() == theirs.permutation(n).tolist()


def test_ragged_sequences_and_bad_indices_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        stand_in.asarray([[1, 2], [3]])
    with pytest.raises(IndexError, match="out of bounds"):
        as_array([1, 2])[[2]]
    with pytest.raises(ValueError, match="reshape"):
        as_array([1, 2]).reshape(3)


def test_overflow_is_noticed_when_asked_for() -> None:
    big = as_array([1e300, 1.0])
    assert (big * 1e300).tolist() == [math.inf, 1e300]
    with stand_in.errstate(over="raise"), pytest.raises(FloatingPointError):
        big * 1e300


def test_what_is_missing_says_what_to_install() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"numpy\.matmul is needed .* pip install numpy"):
        stand_in.matmul(1.0, 2.0)
