"""Errors of compiling: frozen numbers, unusable arguments, results that are not finite."""

from __future__ import annotations

import math
import random
import statistics
import threading
import traceback
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, compile, no_grad, where

# While tracing


def test_bool_of_a_condition_names_the_line_and_the_remedy() -> None:
    def f(x: Any) -> Any:
        if x > 0:
            return x
        return -x

    with pytest.raises(TypeError, match=r"test_compiler_tracing\.py, line \d+, `if x > 0:`.*autograd\.where"):
        compile(f, 1.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x else -x,
        lambda x: max(x, x * 2),
        lambda x: x if 0 < x < 1 else x * x,
        lambda x: x if x == 1 else x * x,
        lambda x: x if x != 1 and x > 2 else x * x,
        lambda x: sorted([x, 2 * x])[0],
    ],
    ids=["truth", "max", "chain", "equal", "and", "sorted"],
)
def test_branches_on_values_are_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"bool\(\) of a Value.*autograd\.where"):
        compile(f, 1.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * math.exp(x),
        lambda x: x * float(x),
        lambda x: x * np.array([x, x], dtype=float).sum(),
        lambda x: x * np.float64(x),
    ],
    ids=["math", "float", "array", "NumPy's float"],
)
def test_conversions_of_values_are_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"test_compiler_tracing\.py, line \d+.*float\(\) of a Value.*autograd\.exp"):
        compile(f, 1.0)


def test_outside_a_trace_comparisons_are_what_they_were() -> None:
    with pytest.raises(TypeError):
        compile(lambda x: x if x > 0 else -x, 1.0)
    x = Value(2.0)
    assert (x > 1) is True
    assert (x == 2) is True
    assert bool(x)
    with pytest.raises(TypeError, match="drop its gradient"):
        float(x)


def test_a_trace_in_one_thread_leaves_others_alone() -> None:
    seen: list[object] = []

    def f(x: Any) -> Any:
        thread = threading.Thread(target=lambda: seen.append(Value(2.0) > 1))
        thread.start()
        thread.join()
        return where(x > 0, x, -x)

    assert compile(f, 1.0)(-3.0) == 3.0
    assert len(seen) >= 2
    assert all(x is True for x in seen)


def test_constants_may_be_compared() -> None:
    def f(x: Any) -> Any:
        c = Value(2.0).detach()
        return x * c if c > 1 else x

    assert compile(f, 1.0)(3.0) == 6.0


def test_parameters_may_not_be_branched_on() -> None:
    w = Value(2.0)
    with pytest.raises(TypeError, match="where"):
        compile(lambda x: w * x if w > 0 else x, 1.0)


@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">=", "==", "!="])
def test_conditions(comparison: str) -> None:
    """Each comparison works at a tie and on both sides of it, with a Value or a number on either side."""
    f = eval(f"lambda x, y: where(x {comparison} y, 1, 0) + where(1.5 {comparison} x, 10, 20) * where(y, 1.0, 2.0)")
    x, y = [1.0, 1.5, 2.0, 1.5], [1.5, 1.5, 1.5, 0.0]
    program = compile(f, 1.0, 2.0)
    with np.errstate(all="raise"):
        assert program(x, y).tolist() == [f(a, b) for a, b in zip(x, y)]


def test_a_line_of_a_library_that_asks_for_a_number_is_not_the_users() -> None:
    with pytest.raises(TypeError, match=r"test_compiler_tracing\.py, line \d+, `.*np\.clip\(x, 0, 1\)"):
        compile(lambda x: np.clip(x, 0, 1), 0.5)
    with pytest.raises(TypeError, match=r"test_compiler_tracing\.py, line \d+, `.*statistics\.fmean"):
        compile(lambda x: statistics.fmean([x, x]), 0.5)


def test_conditions_are_combined_as_bools_are() -> None:
    def f(x: Any, y: Any) -> Any:
        one, both, any_of_them = (x > 0) ^ (y > 0), (x > 0) & (y > 0), (x > 0) | (y > 0)
        return where(one, 1.0, 2.0) + where(both, 10.0, where(any_of_them, 20.0, 30.0))

    x, y = [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]
    assert compile(f, 1.0, 2.0)(x, y).tolist() == [f(a, b) for a, b in zip(x, y)]
    with pytest.raises(TypeError, match=r"write where\(c, b, a\) in place of where\(~c, a, b\)"):
        compile(lambda x: where(~(x > 0), x, 1.0), 1.0)


# Frozen numbers

OWN = random.Random(0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x.data,
        lambda x: x * random.random(),
        lambda x: x * (1 + (np.random.random() < 0.5)),
        lambda x: x * OWN.random(),
        lambda x: x + Value(x.data),
        lambda x: x * sum([x] * (1 + (x.data > 0.995))),
        lambda x: autograd.sin(x) if x.data > 0.995 else autograd.cos(x),
    ],
    ids=["data", "random", "NumPy's random", "a generator", "fresh leaf", "structure", "branch"],
)
def test_frozen_numbers_are_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"froze a number|different operations|random numbers"):
        compile(f, 1.0)


@pytest.mark.parametrize("same", range(1, 7))
def test_a_coin_that_falls_on_the_same_side_again_and_again(same: int) -> None:
    """No generator's state can be checked here, but a small function is traced eight times."""
    draws = iter([1.0] * (1 + same) + [0.0] * 9)
    with pytest.raises(ValueError, match="froze a number"):
        compile(lambda x: x * (2 + next(draws)), 1.0)


class HalfOfThem(random.Random):
    """A user-defined generator."""


TOSSES: dict[str, Callable[[], Any]] = {
    "random": random.Random(0).random,
    "choice": partial(random.Random(1).choice, [0.0, 1.0]),
    "gauss": partial(random.Random(2).gauss, 0.0, 1.0),
    "a kind of one's own": HalfOfThem(3).random,
    "the global one": random.random,
    "NumPy's": np.random.default_rng(0).random,
    "NumPy's normal": np.random.default_rng(1).standard_normal,
    "NumPy's Mersenne twister": np.random.Generator(np.random.MT19937(2)).random,
    "NumPy's old one": np.random.RandomState(3).random_sample,
    "NumPy's old normal": np.random.RandomState(4).standard_normal,
    "NumPy's global one": np.random.random_sample,
}


@pytest.mark.parametrize("toss", TOSSES.values(), ids=TOSSES)
@pytest.mark.parametrize("terms", [1, 10_000], ids=["small", "large"])
def test_a_toss_that_falls_on_the_same_side_each_time(toss: Callable[[], float], terms: int) -> None:
    """The generator's state reveals the draw, however rarely it changes the result."""

    def f(x: Any) -> Any:
        for _ in range(terms):
            x = x.sin()
        return x if toss() < 100 else 2 * x

    with pytest.raises(ValueError, match="draws random numbers"):
        compile(f, 1.0)


class Coin:
    """An object that holds a generator in an attribute and draws from it in a method called by another."""

    def __init__(self) -> None:
        self.drawing = {"coins": [random.Random(8)]}

    def toss(self) -> bool:
        return self.drawing["coins"][0].random() < 100

    def __call__(self, x: Any) -> Any:
        return x if self.toss() else 2 * x


def by_another_function(x: Any) -> Any:
    return x if OWN.random() < 100 else 2 * x


def by_default(x: Any, coin: Any = random.Random(9)) -> Any:  # noqa: B008
    return x if coin.random() < 100 else 2 * x


MODULE = ModuleType("module")
MODULE.coin = random.Random(10)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "f",
    [
        Coin(),
        lambda x: by_another_function(x) + 1,
        lambda x: by_default(x),
        lambda x: x if MODULE.coin.random() < 100 else 2 * x,
        lambda x: sum(by_default(v) for v in [x, x]),
        partial(lambda coin, x: coin(x), Coin()),
    ],
    ids=["an object", "a global of another function", "a default", "of a module", "an inner one", "a partial one"],
)
def test_a_generator_is_found_wherever_the_function_gets_it_from(f: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match="draws random numbers"):
        compile(f, 1.0)


def test_a_generator_that_the_function_makes_and_seeds_draws_the_same_numbers_each_time() -> None:
    def f(x: Any) -> Any:
        return random.Random(7).random() * x + np.random.default_rng(8).random()

    assert compile(f, 1.0)(0.5) == f(0.5)


def test_draws_of_another_thread_do_not_count() -> None:
    """The other thread draws during the first trace, and ends before the second."""
    thread = threading.Thread(target=random.Random(0).random)

    def f(x: Any) -> Any:
        if thread.ident is None:
            thread.start()
            thread.join()
        return x * x

    assert compile(f, 1.0)(3.0) == 9.0


@pytest.mark.parametrize(("terms", "runs"), [(1, 8), (10_000, 8), (20_000, 4), (40_000, 3)])
def test_how_often_a_function_runs(terms: int, runs: int) -> None:
    """A function is traced until 100,000 nodes are recorded, but at least three and at most eight times."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        for _ in range(terms):
            x = x.sin()
        return x

    assert compile(f, 1.0)(0.5) == f(Value(0.5)).data
    assert len(calls) == runs + 1


def newton(a: Any) -> Any:
    root = a
    while abs((root * root - a).data) > 1e-9:
        root = (root + a / root) / 2
    return root


RELU = [Value(0.7), Value(-0.2)]

WAYS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "the sign": (lambda x: x if x.data > 0 else -x, 1.0),
    "the sign of zero": (lambda x: 2 * x if x.data >= 0 else 3 * x, 0.0),
    "a threshold": (lambda x: x.sqrt() if x.data > 4 else x, 3.0),
    "a threshold where it is not made for other signs": (lambda x: x.sqrt() if x.data > 4 else x.log(), 3.0),
    "the sign of a leaf": (lambda x: x * RELU[0] if RELU[0].data > 0 else x + RELU[0], 1.0),
    "a relu in a layer": (lambda x: sum(z if z.data > 0 else 0.0 for z in (w * x for w in RELU)), 1.0),
    "the largest": (lambda x: max(x, key=lambda v: v.data), [1.0, 2.0, 3.0]),
    "NumPy's largest": (lambda x: 2 * x[int(np.argmax([v.data for v in x]))], [1.0, 2.0, 3.0]),
    "an order": (lambda x: sorted(x, key=lambda v: v.data)[1], [3.0, 1.0, 2.0]),
    "a whole number": (lambda x: x * int(x.data), 2.5),
    "a number of rounds": (lambda x: sum([x] * int(x.data)), 2.5),
    "steps until they are small, which may go on for ever": (newton, 2.0),
    "a way on which it asks more": (lambda x: x if x.data > 0 else float(x) * x, 1.0),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_way_that_was_chosen_by_a_number_is_refused(name: str) -> None:
    """A branch chosen by a number is detected even if all numbers close to the example's choose the same one."""
    f, example = WAYS[name]
    with pytest.raises((ValueError, TypeError), match=r"froze a number|different operations|would freeze"):
        compile(f, example)


def test_a_way_that_a_model_chooses_by_its_numbers_is_not_trained_compiled() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            self.hidden = nn.Layer(2, 6, activation="identity", seed=1)
            self.last = nn.Layer(6, 1, seed=2)

        def __call__(self, x: Any) -> Any:
            return self.last([z if z.data > 0 else Value(0.0) for z in self.hidden(x)])[0]

    samples = np.random.default_rng(0).normal(size=(20, 2))
    history = nn.fit(Own(), samples, [float(x > 0) for x, _ in samples], epochs=1, progress=False)
    assert history.engine == "eager"


@pytest.mark.parametrize(
    ("f", "example"),
    [
        (lambda x: (x.log() + x.sqrt()).exp(), 3.0),
        (lambda x: x[0].log() * x[1].acos(), [2.0, 0.5]),
        (lambda x: (1000 * x).exp(), 0.5),
        (lambda x: 1 / x, 1e-300),
        (lambda x: [x, *(x * k for k in range(20_000))][0], 1.0),
    ],
    ids=["positive", "from -1 to 1", "soon too large", "almost too small", "much that nobody asks for"],
)
def test_a_function_that_is_defined_on_few_numbers_compiles(f: Callable[[Any], Any], example: Any) -> None:
    expected = f(Value(example) if isinstance(example, float) else [Value(x) for x in example])
    assert compile(f, example)(example) == pytest.approx(expected.data, rel=1e-14)


def test_what_no_grad_cuts_off_is_refused() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            y = x * x
        return x * y

    with pytest.raises(ValueError, match="froze a number"):
        compile(f, 1.0)


def test_a_frozen_parameter_is_refused_and_left_as_it_was() -> None:
    """The program would keep the parameter's value at compile time forever, while training changes it."""
    w = Value(0.3)
    with pytest.raises(ValueError, match="froze a number"):
        compile(lambda x: x * w.data + w, 1.0)
    assert w.data == 0.3


def test_compiling_leaves_parameters_as_they_were() -> None:
    w = [Value(x) for x in (0.1, 0.0, -2.0)]
    w[0].grad = 5.0
    compile(lambda x: autograd.dot(w, x), [1.0, 2.0, 3.0])
    assert [(p.data, p.grad) for p in w] == [(0.1, 5.0), (0.0, 0.0), (-2.0, 0.0)]


def test_domains_with_an_edge_at_the_example() -> None:
    """The second trace stays within the domain: it moves towards 0 for acos at 1, away from 0 for sqrt at 0."""
    assert compile(lambda x, y: autograd.acos(x) + y.sqrt(), 1.0, 0.0)(0.5, 4.0) == pytest.approx(math.acos(0.5) + 2)
    assert compile(lambda x: autograd.acosh(x), 1.0)(2.0) == pytest.approx(math.acosh(2.0))


def test_inside_no_grad_functions_are_traced_all_the_same() -> None:
    w = Value(2.0)
    with no_grad():
        program = compile(lambda x: w * x, 3.0)
    assert program(4.0) == 8.0


def test_an_error_of_the_function_comes_out_as_it_is() -> None:
    def f(x: Any) -> Any:
        raise KeyError("of the user")

    with pytest.raises(KeyError, match="of the user"):
        compile(f, 1.0)


# Settings and arguments


def test_useless_settings() -> None:
    with pytest.raises(ValueError, match="dtype"):
        compile(lambda x: x, 1.0, dtype="float16")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="reduction"):
        compile(lambda x: x, 1.0, reduction="max")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="function"):
        compile(3.0)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="x must be a number"):
        compile(lambda x: x, "text")
    with pytest.raises(TypeError, match="result"):
        compile(lambda x: "text", 1.0)
    with pytest.raises(TypeError, match="must return a Value"):
        compile(lambda x: [], 1.0)
    with pytest.raises(TypeError, match="has_aux"):
        compile(lambda x: x, 1.0, has_aux=True)


W = [Value(x) for x in (0.5, -1.0, 2.0)]


def line(x: Any, t: Any) -> Any:
    return (autograd.dot(W, x) - t) ** 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0], 1.0), ValueError, r"x must be of shape \(3,\).*\(2,\)"),
        (([[1.0, 2.0]], [1.0]), ValueError, r"x must be of shape \(3,\).*samples, 3.*\(1, 2\)"),
        (([[1.0, 2.0, 3.0], [1.0, 2.0]], [1.0, 2.0]), ValueError, r"x must hold real numbers, of shape"),
        (([[1.0, 2.0, 3.0]], [1.0, 2.0]), ValueError, r"1 of x, 2 of t"),
        (([1.0, 2.0, 3.0], [1.0]), ValueError, r"x is one sample"),
        ((np.zeros((0, 3)), np.zeros(0)), ValueError, r"at least one sample"),
        ((["a", "b", "c"], 1.0), TypeError, r"x must hold real numbers"),
        (([1j, 2.0, 3.0], 1.0), TypeError, r"x must hold real numbers"),
        (([[None, 2.0, 3.0]], [1.0]), ValueError, r"x must hold real numbers"),
        (([1.0, 2.0, 3.0],), TypeError, r"takes 2 argument\(s\), got 1"),
    ],
)
@pytest.mark.parametrize("method", ["__call__", "backward", "input_gradients", "value_and_grad"])
def test_wrong_arguments(method: str, arguments: Any, error: type[Exception], message: str) -> None:
    program = compile(line, [1.0, 2.0, 3.0], 1.0)
    for w in W:
        w.grad = 0.25
    with pytest.raises(error, match=message):
        getattr(program, method)(*arguments)
    assert [w.grad for w in W] == [0.25] * 3


def test_a_program_of_rows_that_is_given_too_few_or_too_many_says_so() -> None:
    """Ready rows take a fast path, which must not mistake a call without any for one."""
    program = compile(lambda x: autograd.dot(W, x), [1.0, 2.0, 3.0])
    rows = np.ones((2, 3))
    for given in [(), (rows, rows), (rows,), (), (rows, rows)]:
        if len(given) == 1:
            assert program(*given) == pytest.approx([sum(w.data for w in W)] * 2)
            continue
        with pytest.raises(TypeError, match=rf"takes 1 argument\(s\), got {len(given)}"):
            program(*given)


def test_integers_and_booleans_are_numbers() -> None:
    program = compile(line, [1.0, 2.0, 3.0], 1.0)
    assert program([1, 2, True], 3) == line([1.0, 2.0, 1.0], 3.0).data
    assert program(np.ones((2, 3), dtype=np.int8), [1, 2]).shape == (2,)
    assert program([Fraction(1, 2), 2, 10**20], 3) == line([0.5, 2.0, 1e20], 3.0).data


def test_values_in_place_of_numbers_are_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"x must hold numbers, got Values: pass their numbers, v\.data"):
        compile(line, [1.0, 2.0, 3.0], 1.0)([Value(1.0), 2.0, 3.0], 1.0)


@pytest.mark.parametrize(
    ("weights", "into"),
    [
        (np.ones(2), None),
        (np.ones(4), None),
        (np.ones(6)[::2], None),
        (np.ones(3)[::-1], None),
        (np.ones(3, "float32"), None),
        (np.ones((3, 1)), None),
        (np.ones(3), np.ones(2)),
        (np.ones(3), np.ones(6)[::2]),
        (np.ones(3), np.ones(3, "float32")),
    ],
    ids=["short", "long", "strided", "backwards", "float32", "column", "into short", "into strided", "into float32"],
)
def test_vectors_that_are_not_as_the_program_has_them_are_refused(weights: Any, into: Any) -> None:
    """Views of such vectors would read beyond their memory or between their numbers."""
    program = compile(line, [1.0, 2.0, 3.0], 1.0)
    batch = np.ones((4, 3)), np.ones(4)
    with pytest.raises(ValueError, match=r"must be a contiguous vector of 3 numbers of float64"):
        program.outputs_and_gradient(weights, *batch, into=into)
    if into is None:
        with pytest.raises(ValueError, match=r"must be a contiguous vector of 3 numbers of float64"):
            program.outputs(weights, *batch)


def test_the_flat_path_tells_what_else_it_does_not_take() -> None:
    program = compile(line, [1.0, 2.0, 3.0], 1.0)
    weights = np.ones(3)
    with pytest.raises(TypeError, match="weights must be a NumPy vector, got list"):
        program.outputs([1.0, 1.0, 1.0], np.ones((4, 3)), np.ones(4))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`into` must not alias `weights`"):
        program.outputs_and_gradient(weights, np.ones((4, 3)), np.ones(4), into=weights)
    with pytest.raises(TypeError, match="several numbers"):
        compile(lambda x: [W[0] * x, W[1] * x], 1.0).outputs_and_gradient(np.ones(2), np.ones(4))


def test_parameters_are_values() -> None:
    with pytest.raises(TypeError, match=r"parameters must be Values, got 1\.0"):
        compile(line, [1.0, 2.0, 3.0], 1.0, parameters=[1.0])  # type: ignore[list-item]


@pytest.mark.parametrize("gradient", [math.nan, math.inf])
def test_gradients_are_finite(gradient: float) -> None:
    W[0].grad = 0.25
    with pytest.raises(ValueError, match=r"gradients must be finite, got"):
        compile(lambda x: [W[0] * x, W[1] * x], 1.0).backward(np.ones(2), gradients=[np.ones(2), [1.0, gradient]])
    assert W[0].grad == 0.25


@pytest.mark.parametrize(
    "f", [lambda x: x, lambda x: [x[1], x[0]], lambda x: x[0], lambda x: W[0], lambda x: [W[0] * 1.0, 2.0]]
)
def test_results_are_the_callers_to_change(f: Callable[[Any], Any]) -> None:
    program = compile(f, [1.0, 2.0])
    batch = np.array([[1.0, 2.0], [3.0, 4.0]])
    weights = np.array([p.data for p in program.parameters])
    for results in (program(batch), program.outputs(weights, batch), program(batch.tolist())):
        results *= 0.0
    assert (batch == [[1.0, 2.0], [3.0, 4.0]]).all()
    assert weights.all()
    assert np.all(program(batch) == np.array([autograd.compile(f, [1.0, 2.0])(row) for row in batch]))


# Infinite numbers and nan


def wide(x: Any) -> Any:
    logs = [autograd.log(v) for v in x]
    for v in logs:
        v.label = "logarithm"
    return autograd.sum(logs) * W[0]


def thin(x: Any) -> Any:
    y = autograd.log(x[0])
    y.label = "logarithm"
    return y * W[0] + x[1]


@pytest.mark.parametrize("f", [wide, thin])
def test_a_result_that_is_not_finite_is_traced_to_its_node(f: Callable[[Any], Any]) -> None:
    program = compile(f, [1.0, 2.0, 3.0])
    batch = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [-1.0, 2.0, 3.0]])
    W[0].grad = 0.25
    for method in (program, program.backward, program.input_gradients):
        with pytest.raises(FloatingPointError, match=r"sample 2: log\(x\[0\] = -1\.0\) has no finite real value"):
            method(batch)
        with pytest.raises(FloatingPointError, match=r"^log\(x\[0\] = -1\.0\) has no finite real value"):
            method(batch[2])
    assert W[0].grad == 0.25


@pytest.mark.parametrize("count", [1, 5])
def test_an_infinite_derivative_is_traced_to_its_node(count: int) -> None:
    def f(x: Any) -> Any:
        roots = [v.sqrt() for v in x]
        roots[0].label = "root"
        return autograd.sum(roots) * W[0]

    program = compile(f, [1.0] * count)
    batch = np.array([[4.0] * count, [0.0] * count])
    assert program(batch).tolist() == [W[0].data * 2 * count, 0.0]
    for given, sample in ((batch, "sample 1: "), (batch[1], "")):
        with pytest.raises(FloatingPointError, match=rf"^{sample}root \(sqrt\) = 0, .*derivative that is not finite"):
            program.input_gradients(given)


def test_an_overflow_is_traced_to_its_node() -> None:
    program = compile(lambda x: sum(v * v for v in x), [1.0] * 6)
    with pytest.raises(FloatingPointError, match=r"sample 1: .*\(\*\) is inf, computed from 1e\+200, 1e\+200"):
        program(np.array([[1.0] * 6, [1e200] * 6]))


def test_what_float32_does_not_hold_is_traced_to_its_node() -> None:
    def f(x: Any) -> Any:
        y = sum(W[0] * v for v in x)
        y.label = "y"
        root = y.exp()
        root.label = "power"
        return root

    program = compile(f, [1.0] * 6, dtype="float32")
    with pytest.raises(
        FloatingPointError, match=r"^sample 1: power \(exp\) is .*e\+\d\d, more than float32 holds, .*180"
    ):
        program([[1.0] * 6, [60.0] * 6])
    with pytest.raises(FloatingPointError, match=r"^x\[2\] \(a leaf\) is inf"):
        program([1.0, 1.0, 1e39, 1.0, 1.0, 1.0])


def test_nan_in_the_data_is_named_by_its_place() -> None:
    with pytest.raises(FloatingPointError, match=r"^sample 1: x\[1\]\[0\] \(a leaf\) is nan"):
        compile(lambda x: x[0][0] * x[1][0], [[1.0], [2.0]])([[[1.0], [2.0]], [[1.0], [math.nan]]])


@pytest.mark.parametrize("terms", [1, 20])
def test_a_derivative_to_a_leaf_that_is_not_finite_changes_no_gradient(terms: int) -> None:
    w = Value(1.0, "w")
    w.grad = 0.25
    program = compile(lambda x: sum(autograd.sqrt(w) * x for _ in range(1)) + sum([x] * terms), 1.0)
    w.data = 0.0
    with pytest.raises(FloatingPointError, match=r"\(sqrt\) = 0, computed from 0, has a derivative that is not finite"):
        program.backward([1.0, 2.0])
    assert w.grad == 0.25


def test_a_cost_is_finite_where_only_the_sum_before_its_division_would_overflow() -> None:
    w = Value(1.0)
    program = compile(lambda x: x * w, 1.0)
    assert program.backward([5e307] * 8) == pytest.approx(5e307, rel=1e-14)
    w.grad = 0.25
    with pytest.raises(FloatingPointError, match="the sum of the samples' results is inf"):
        compile(lambda x: x + w, 1.0, reduction="sum").backward([5e307] * 8)
    assert w.grad == 0.25


def test_tracebacks_quote_the_emitted_lines() -> None:
    def forward(x: float) -> float:
        raise RuntimeError("of the primitive")

    try:
        broken = autograd.primitive("broken_for_tracebacks", lambda x: x if x < 1 else forward(x), lambda x, o: (1.0,))
        program = compile(lambda x: sum(broken(v) * v for v in x), [0.5] * 5)
        with pytest.raises(RuntimeError) as caught:
            program(np.full((2, 5), 3.0))
    finally:
        del autograd.primitives.TABLE["broken_for_tracebacks"]
    quoted = "".join(traceback.format_exception(caught.value))
    assert "broken_for_tracebacks1 = broken_for_tracebacks(x)" in quoted


def test_tracebacks_quote_the_lines_that_compute_gradients() -> None:
    """The code that runs writes into one gradient vector, but tracebacks quote the lines of the printed source."""

    def below_one(x: float) -> float:
        if x < 1:
            return 0.5
        raise RuntimeError("of the derivative")

    weights = [autograd.Value(0.1 * k) for k in range(5)]
    try:
        slope = autograd.primitive("slope_for_tracebacks", below_one, lambda x, o: (0.0,))
        odd = autograd.primitive("odd_for_tracebacks", lambda x: x, lambda x, o: (slope(x),))
        program = compile(lambda x: sum(odd(w) * v for v, w in zip(x, weights)), [0.5] * 5)
        weights[3].data = 2.0
        with pytest.raises(RuntimeError) as caught:
            program.backward(np.full((2, 5), 3.0))
    finally:
        for name in ("slope_for_tracebacks", "odd_for_tracebacks"):
            autograd.primitives.TABLE.pop(name, None)
    line = next(line for line in program.source.splitlines() if "slope_for_tracebacks(" in line)
    assert line.split("#")[0].strip() in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "f",
    [lambda w, x: w.data * x, lambda w, x: (w * 3).data * x, lambda w, x: x if w.data > 0 else -x],
    ids=["a leaf", "a node", "a way"],
)
def test_the_number_of_a_value_that_is_nowhere_in_the_graph_is_refused_too(f: Callable[[Value, Any], Any]) -> None:
    w = Value(2.0)
    with pytest.raises(ValueError, match=r"froze a number|different operations"):
        compile(lambda x: f(w, x), 1.5)
    assert w.data == 2.0


def test_a_graph_from_outside_is_no_frozen_number_and_a_constant_is_the_users() -> None:
    w = Value(2.0)
    doubled, fixed = w * 2.0, w.detach()
    program = compile(lambda x: doubled.log() * x + fixed * x, 1.0)
    w.data = 3.0
    assert program(1.0) == pytest.approx(math.log(6.0) + 2.0)
