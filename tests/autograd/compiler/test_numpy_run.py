"""The form in which a program runs computes what the program means, and writes into the given arrays."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from autograd import primitive, primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Batch, N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.numpy_run import NumpyEngine, aligned, loaded
from autograd.compiler.targets.python_source import Writer, passes
from autograd.compiler.targets.references import References
from autograd.compiler.targets.running_writer import RunningWriter
from autograd.compiler.targets.schedule import schedule

Array = NDArray[Any]


class Operands:
    """Operands of the results: x is (n, 6), d is (n, 4)."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.x, self.d = self.builder.argument("x", 6), self.builder.argument("d", 4)

    def sum(self, x: Handle, *axes: int, keepdims: bool = False) -> Handle:
        return self.builder.reduce(x, "sum", axes, keepdims)

    def product(self) -> Handle:
        return self.builder.contract(self.d, self.x, "nc", "nk", "ck")

    def squares(self) -> Handle:
        return self.builder.reshape(self.d, (N, 2, 2))


RESULTS: dict[str, Callable[[Operands], Handle]] = {
    "a product": lambda o: o.product(),
    "a product times a number": lambda o: 2 * o.product(),
    "a batched product": lambda o: o.builder.contract(o.squares(), o.squares(), "nab", "ncb", "nac"),
    "a product over two axes": lambda o: o.builder.contract(o.squares(), o.squares(), "nab", "nac", "bc"),
    "rows of rows by a matrix": lambda o: o.builder.contract(
        o.squares(), o.builder.constant(np.arange(6.0).reshape(3, 2)), "nab", "cb", "nac"
    ),
    "sums of all products of a sample": lambda o: o.builder.reshape(o.sum(o.squares() * o.squares(), 1, 2), (N, 1)),
    "sums and maxima along a last axis": lambda o: (
        o.sum(o.squares(), 2, keepdims=True) - o.builder.reduce(o.squares(), "max", [2], keepdims=True)
    ),
    "a product of a row and a column": lambda o: o.builder.contract(o.sum(o.d, 0), o.sum(o.x, 0), "c", "k", "ck"),
    "a sum over samples": lambda o: o.sum(o.d, 0),
    "a sum over samples and rows": lambda o: o.sum(o.squares(), 0),
    "a sum over samples of what is square": lambda o: o.sum(o.squares() * 0.5, 0),
    "a negative number": lambda o: o.sum(o.sum(-0.25 * o.d, 1, keepdims=True), 0),
    "numbers on either side": lambda o: (1 - o.d) * 3 / (2 + o.d) - 0.5,
    "one row for all": lambda o: o.sum(o.d * o.sum(o.builder.slice(o.x, 1, 0, 4), 0, keepdims=True), 1, keepdims=True),
    "sums of products": lambda o: o.sum(o.d * o.d, 1, keepdims=True),
    "a sum of products with a condition": lambda o: o.sum((o.d > 0.0) * o.d, 1, keepdims=True),
    "a power": lambda o: o.d**2 + o.d**-2,
    "a condition": lambda o: (o.d > 0) - 1.0 * (o.d < 0.5),
    "counted samples": lambda o: o.builder.broadcast(o.builder.reshape(o.d, (Batch(2), 2)), (2, Batch(2), 2)),
    "a name": lambda o: o.d,
    "nothing": lambda o: o.builder.constant(0.0),
    "numbers that are no floats": lambda o: float("inf") * o.d + float("nan"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("name", RESULTS)
def test_the_running_form_computes_what_the_program_means(name: str, contiguous: bool, dtype: str) -> None:
    """Results that are always zero, whose arrays have no names in the source, are written, too."""
    operands = Operands()
    result = RESULTS[name](operands)
    if name != "nothing":
        result = result.named("nabla")
    zero = operands.builder.constant(0.0)
    program = operands.builder.program([operands.x, zero, zero, zero, result]).verify()
    chance = np.random.default_rng(0)
    x, d = (chance.normal(size=(5, width)).astype(dtype) for width in (6, 4))
    *_, expected = program.evaluate({"x": x, "d": d})

    wide = np.full((*expected.shape[:-1], 2 * expected.shape[-1]) if expected.shape else (2,), 7.0, dtype)
    place = np.full(expected.shape, 7.0, dtype) if contiguous else wide[..., ::2] if expected.shape else wide[0:1]
    zeros = [np.full(3, 7.0, dtype) for _ in range(3)]
    run(program, dtype)["backward"](np.ones((5, 1), dtype), (), x, d, *zeros, place)
    tolerance = 1e-13 if dtype == "float64" else 1e-5
    largest = float(np.abs(expected).max())  # some processors round terms that cancel
    np.testing.assert_allclose(place, np.broadcast_to(expected, place.shape), rtol=tolerance, atol=tolerance * largest)
    assert not np.any(zeros)
    assert contiguous or not expected.shape or (wide[..., 1::2] == 7.0).all()


def run(program: ArrayProgram, dtype: str) -> dict[str, Any]:
    plan, references = schedule(program), References(program)
    shown, running = (passes(writer(plan, references)) for writer in (Writer, RunningWriter))
    constants = {
        name: x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for name, x in references.constants.items()
    }
    return loaded("function", str(shown), aligned(shown, running), constants)


def running_text(program: ArrayProgram) -> str:
    plan, references = schedule(program), References(program)
    passes(Writer(plan, references))
    return str(passes(RunningWriter(plan, references)))


def network() -> ArrayProgram:
    """Make the forward pass of a layer of three neurons with the half squared error."""
    b = Builder()
    x, y = b.argument("x", 4), b.argument("y", 3)
    w, bias = b.parameter(np.arange(12).reshape(3, 4), "w1"), b.parameter([12, 13, 14], "b1")
    z = (b.contract(x, w, "nk", "ck", "nc") + bias).named("z1")
    a = b.apply(primitives.sigmoid, z, name="a1")
    e = (a - y).named("e1")
    loss = (0.5 * b.reduce(e * e, "sum", [1], keepdims=True)).named("loss")
    return b.program([loss], {z.at: 1})


def engine(program: ArrayProgram, seeds: int, dtype: str = "float64") -> NumpyEngine:
    size = 1 + max((int(o.attribute.array.max()) for o in program.operations if o.kind == "parameter"), default=-1)
    made = NumpyEngine(
        to_parameters(program, seeds), lambda: to_arguments(program, seeds), np.dtype(dtype), "function", size
    )
    made.lay_out(np.arange(size), size)
    return made


def test_the_calls_of_a_network() -> None:
    """Products are written into place, sums of products take one call, and numbers have names."""
    assert (
        running_text(to_parameters(network(), 1))
        == """\
def forward(x, y, w1, b1):
    z1 = x.dot(w1.T) + b1
    a1 = sigmoid(z1)
    e1 = a1 - y
    loss = number1 * sum_products(e1, e1)
    return loss, (a1, e1)

def backward(gradient, saved, x, y, w1, b1, nabla_w1, nabla_b1):
    (a1, e1) = saved
    delta1 = gradient * e1 * a1 * (number2 - a1)
    matmul(delta1.T, x, nabla_w1)
    sum_samples(delta1, nabla_b1)
    return
"""
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(100))
def test_random_programs(seed: int, dtype: str, random_program: Callable[..., ArrayProgram]) -> None:
    """Values and gradients are what the program means; the gradient w.r.t. the parameters is one vector."""
    program = random_program(seed)
    chance = np.random.default_rng(seed)
    widths: dict[str, Any] = {o.name: o.shape[1] for o in program.operations if o.kind == "argument"}
    rows = [chance.normal(size=(4, width)).astype(dtype) for width in widths.values()]
    runner = engine(program, 3, dtype)
    size = len(runner.natural_order)
    vector, seeds = chance.normal(size=size).astype(dtype), chance.normal(size=(4, 3)).astype(dtype)
    arguments = {**dict(zip(widths, rows)), "gradient": seeds}

    expected, *gradients = to_parameters(program, 3).evaluate(arguments, vector)
    into = np.full(size, 7.0, dtype)
    with np.errstate(all="ignore"):
        assert_near(runner.outputs(vector, rows), expected)
        assert_near(runner.gradient(vector, rows, seeds, into), expected)
    total = np.zeros(size)
    for operation, gradient in zip((o for o in program.operations if o.kind == "parameter"), gradients):
        np.add.at(total, operation.attribute.array, gradient)
    assert_near(into, total)

    expected, *gradients = to_arguments(program, 3).evaluate(arguments, vector)
    with np.errstate(all="ignore"):
        values, derivatives = runner.input_gradients(vector, rows, seeds)
    assert_near(values, expected)
    for row, derivative, gradient in zip(rows, derivatives, gradients):
        assert derivative.dtype == dtype
        assert_near(derivative, np.broadcast_to(gradient, row.shape))


def assert_near(result: Array, expected: Array) -> None:
    tolerance = 1e-12 if result.dtype == np.float64 else 1e-4
    largest = float(np.abs(expected).max(initial=1.0))
    np.testing.assert_allclose(
        result, np.broadcast_to(expected, result.shape), rtol=tolerance, atol=tolerance * largest
    )


def test_lines_keep_their_places() -> None:
    """Each statement runs on its own lines of the printed source, even if it takes several."""
    b = Builder()
    x, d = b.argument("x", 6), b.argument("d", 4)
    long = x
    for _ in range(20):
        long = long + x
    long = long.named("a_long_sum")
    nabla = b.contract(d, long, "nc", "nk", "ck").named("nabla")
    program = b.program([x, nabla])
    source = str(passes(Writer(schedule(program), References(program))))
    backward = run(program, "float64")["backward"]
    with pytest.raises(ValueError, match="size 5 is different from 4") as caught:
        backward(np.ones((4, 1)), (), np.ones((5, 6)), np.ones((4, 4)), np.empty((4, 6)))
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert frame.line == "nabla = d.T @ a_long_sum                                  # (4, 6)"
    assert source.splitlines()[frame.lineno - 1].strip() == frame.line  # type: ignore[operator]
    assert "^" not in "".join(traceback.format_tb(caught.value.__traceback__)[-1:])


def test_numbers_have_the_dtype_of_the_program() -> None:
    b = Builder()
    x = b.argument("x", 2)
    numbers = b.concatenate([b.broadcast(b.constant(0.1), (N, 2)), x * 0.1], 1)
    program = b.program([b.concatenate([numbers, b.broadcast(b.constant(np.array([0.1])), (N, 1))], 1)])
    values = run(program, "float32")["forward"](np.ones((3, 2), np.float32))[0]
    assert values.dtype == np.float32


SEEDS: dict[str, tuple[bool, Callable[[Builder, Handle, Handle, Handle], Handle]]] = {
    "a product with rows": (True, lambda b, g, x, w: g * x),
    "rows first": (True, lambda b, g, x, w: x * g),
    "a number in front": (True, lambda b, g, x, w: 0.5 * g * x),
    "two products": (True, lambda b, g, x, w: g * x + 2.0 * g * (x + 1.0)),
    "nothing": (True, lambda b, g, x, w: x),
    "itself": (False, lambda b, g, x, w: g),
    "a number alone": (False, lambda b, g, x, w: 0.5 * g + x),
    "what is the same for all samples": (False, lambda b, g, x, w: g * w),
    "its square": (False, lambda b, g, x, w: g * g * x),
    "a sum": (False, lambda b, g, x, w: b.reduce(g, "sum", [0]) * w),
    "a quotient": (False, lambda b, g, x, w: g / x),
    "counted samples": (False, lambda b, g, x, w: g * b.broadcast(w * 2.0, (N, 2))),
}


@pytest.mark.parametrize("name", SEEDS)
def test_one_seed_for_all_samples(name: str) -> None:
    """One seed can stand for those of all samples if it only multiplies rows, and its length is not used."""
    expected, function = SEEDS[name]
    b = Builder()
    x, w, gradient = b.argument("x", 2), b.parameter([0, 1], "w"), b.argument("gradient", 1)
    result = b.reduce(function(b, gradient, x, w), "sum", [0]).named("nabla_w")
    program = b.program([x, result])
    runner = NumpyEngine(program, lambda: program, np.dtype(float), "function")
    assert runner.takes_one_seed == expected
    if expected:
        runner.lay_out(np.arange(2), 2)
        rows = [np.arange(6.0).reshape(3, 2)]
        one, many = np.empty(2), np.empty(2)
        runner.gradient(np.ones(2), rows, np.full((), 0.5), one)
        runner.gradient(np.ones(2), rows, np.full((3, 1), 0.5), many)
        np.testing.assert_allclose(one, many, rtol=1e-15)


def test_what_the_engine_tells() -> None:
    runner = engine(network(), 1)
    assert (runner.operations, runner.matrix_products, runner.takes_one_seed) == (7, 2, True)
    assert runner.natural_order == list(range(15))
    assert runner.source.startswith("def forward(x, y, w1, b1):\n")
    assert "def backward(" in runner.source
    assert runner.input_gradients_source.startswith("def input_gradients(gradient, x, y, w1, b1):\n")


def test_parameters_that_no_array_has_come_last() -> None:
    b = Builder()
    x = b.argument("x", 2)
    program = b.program([b.contract(x, b.parameter([[3, 1]], "w"), "nk", "ck", "nc")])
    runner = NumpyEngine(to_parameters(program, 1), lambda: to_arguments(program, 1), np.dtype(float), "function", 5)
    assert runner.natural_order == [3, 1, 0, 2, 4]


def test_the_source_without_parameters_goes_to_the_arguments() -> None:
    b = Builder()
    x = b.argument("x", 2)
    loss = b.reduce(b.take(x, [1, 0, 1]) * b.constant(np.array([1.0, 2.0, 3.0])), "sum", [1], keepdims=True)
    source = engine(b.program([loss.named("loss")]), 1).source
    assert [line for line in source.splitlines() if line.startswith("def ")] == [
        "def forward(x):",
        "def input_gradients(gradient, x):",
    ]
    for name in ("i1", "c1", "scatter1"):
        assert source.count(f"# {name}: ") == 1


def test_tracebacks_quote_what_is_shown() -> None:
    slow = primitive("running_form_blames", lambda x: [][int(x)], lambda x, out: (1.0,))
    b = Builder()
    x = b.argument("x", 1)
    runner = engine(b.program([b.apply(slow, 2.0 * x, name="y")]), 1)
    with pytest.raises(IndexError) as caught:
        runner.outputs(np.empty(0), [np.ones((1, 1))])
    quoted = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "y = running_form_blames(2 * x)                            # (n, 1)" in quoted
