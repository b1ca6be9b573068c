"""Machine code of array programs computes the same numbers, for all operations, dtypes, layouts and batch sizes."""

from __future__ import annotations

import itertools
import math
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

import autograd
from autograd import Value, primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.operations import Batch
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.targets.native import cost
from autograd.compiler.targets.native.addresses import address_of
from autograd.compiler.targets.numpy_run import NumpyEngine
from autograd.compiler.targets.straight_line.instructions import UnwritableError
from autograd.compiler.targets.straight_line.machine_code import llvm
from autograd.table import OURS, TABLE

pytest.importorskip("llvmlite", reason="machine code is made by llvmlite, which is not installed")
mpmath = pytest.importorskip("mpmath", reason="elementary functions are compared with mpmath, which is not installed")

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-300, -1e300, 710.0, -746.0, math.inf, -math.inf, math.nan]


def computed(
    program: ArrayProgram, arguments: dict[str, Any], parameters: Any, samples: int, dtype: Any = float
) -> Any:
    """Return the results of a program that runs as machine code."""
    from autograd.compiler.targets.native.run import NativeFunction

    function = NativeFunction(program, np.dtype(dtype), llvm())
    arrays = [np.asarray(parameters, dtype)[o.attribute.array] for o in program.operations if o.kind == "parameter"]
    results = [np.full(shape, 7.0, dtype) for shape in function.result_shapes(samples)]
    given = [arguments[name] for name in function.arguments]
    function(samples, given, list(map(address_of, arrays)), list(map(address_of, results)))
    return results


def assert_means_it(program: ArrayProgram, samples: int, seed: int = 0, indices: int = 2) -> None:
    """Check that machine code computes the same as `evaluate`, to 1e-12 of each array's norm."""
    chance = np.random.default_rng(seed)
    arguments: dict[str, Any] = {}
    for kind, _, attribute, shape, _ in program.operations:
        sizes = [samples * length.times if isinstance(length, Batch) else length for length in shape]
        if kind == "argument":
            arguments[attribute[0]] = chance.normal(size=sizes)
        elif kind == "index":
            arguments[attribute[0]] = chance.integers(indices, size=sizes)
    parameters = chance.normal(size=100)
    expected = program.evaluate(arguments, parameters)
    for result, array in zip(computed(program, arguments, parameters, samples), expected, strict=True):
        assert_equal(result, np.broadcast_to(array, result.shape))


def assert_equal(result: Any, expected: Any, tolerance: float = 1e-12) -> None:
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(result), np.isposinf(expected))
    np.testing.assert_array_equal(np.isneginf(result), np.isneginf(expected))
    is_finite = np.isfinite(expected)
    error = np.linalg.norm(result[is_finite] - expected[is_finite])
    assert error <= tolerance * np.linalg.norm(expected[is_finite])


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int, random_program: Callable[..., ArrayProgram]) -> None:
    program = random_program(seed)
    for differentiated in (to_parameters(program, 1, False), to_arguments(program, 1, False)):
        assert_means_it(differentiated, [1, 2, 7, 33, 300][seed % 5], seed)


@pytest.mark.parametrize("samples", [1, 5])
def test_loops(samples: int, loops: ArrayProgram) -> None:
    assert_means_it(loops, samples)


@pytest.mark.parametrize("samples", [1, 3, 8, 100, 1000])
def test_all_samples_are_computed_whatever_their_number(samples: int) -> None:
    """Sums over samples include all blocks; large products are left to BLAS."""
    b = Builder()
    x, w = b.argument("x", 70), b.parameter(np.arange(90).reshape(3, 30), "w")
    wide = b.constant(np.random.default_rng(0).normal(size=(30, 70)))
    z = b.contract(b.apply(primitives.tanh, b.contract(x, wide, "nk", "ck", "nc")), w, "nc", "jc", "nj").named("z")
    program = b.program([b.reduce(z * z, "sum", [1], keepdims=True)])
    assert_means_it(to_parameters(program, 1, False), samples)


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "tanh"])
def test_elementary_functions_are_within_4_ulp(name: str) -> None:
    chance = np.random.default_rng(1)
    scales = [1e-300, 1e-8, 0.1, 1.0, 10.0, 300.0]
    x = np.concatenate([chance.normal(size=60) * scale for scale in scales])
    x = np.concatenate([x, 1 + chance.normal(size=60) * 1e-3, np.exp(chance.uniform(-700, 700, 60)), [5e-324, 2e-308]])
    b = Builder()
    program = b.program([b.apply(TABLE[name], b.argument("x", 1))])
    (result,) = computed(program, {"x": x[:, None]}, [], len(x))
    with mpmath.workprec(200):
        for argument, value in zip(x.tolist(), result[:, 0].tolist()):
            try:
                exact = getattr(mpmath, name)(mpmath.mpf(argument))
            except ValueError:
                continue
            if not isinstance(exact, mpmath.mpf) or not math.isfinite(float(exact)):
                continue
            ulp = max(math.ulp(float(exact)), 5e-324)
            assert abs(mpmath.mpf(value) - exact) <= 4 * ulp, argument


def by_numpy(program: ArrayProgram, arguments: dict[str, Any]) -> Any:
    """Return the results of a program without parameters, as NumPy computes them."""
    engine = NumpyEngine(program, lambda: program, np.dtype(float), "f")
    engine.lay_out(np.empty(0, np.int64), 0)
    with np.errstate(all="ignore"):
        return engine.outputs(np.empty(0), list(arguments.values()))


def _applied(primitive: Any, operands: int) -> ArrayProgram | None:
    if primitive.reduces and operands == 1:  # a reduction along an axis
        return None
    b = Builder()
    try:
        program = b.program([b.apply(primitive, *(b.argument(f"x{k}", 1) for k in range(operands)))])
        ones = {f"x{k}": np.ones((1, 1)) for k in range(operands)}
        by_numpy(program, ones)
        computed(program, ones, [], 1)
    except (
        UnwritableError,
        ValueError,
        TypeError,
        IndexError,
        DeprecationWarning,
    ):  # another number of operands, or a rule for single numbers only
        return None
    return program


@pytest.mark.parametrize("operands", [1, 2, 3])
def test_every_primitive_has_nan_and_inf_where_numpy_has_them(operands: int) -> None:
    values = SPECIAL if operands < 3 else [0.0, -1.0, 2.5, math.inf, math.nan]
    columns = np.array(list(itertools.product(values, repeat=operands)))
    arguments = {f"x{k}": np.ascontiguousarray(columns[:, k : k + 1]) for k in range(operands)}
    compared = 0
    for name in sorted(OURS):
        program = _applied(TABLE[name], operands)
        if program is None or name in ("power_derivative", "atan2_derivative"):
            continue
        expected = by_numpy(program, arguments)
        (result,) = computed(program, arguments, [], len(columns))
        with np.errstate(all="ignore"):
            is_same = (result == expected) | (np.abs(result - expected) <= 8 * np.spacing(np.abs(expected)))
        wrong = ~(is_same | (np.isnan(result) & np.isnan(expected)))[:, 0]
        assert not wrong.any(), (name, columns[wrong], result[wrong], expected[wrong])
        compared += 1
    assert compared > {1: 25, 2: 8, 3: 3}[operands]


@pytest.mark.parametrize("exponent", [-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 0.3])
def test_constant_powers_are_what_pow_says(exponent: float) -> None:
    b = Builder()
    program = b.program([b.apply(primitives.constant_power, b.argument("x", 1), exponent)])
    x = np.array([*SPECIAL, 1e-200, 3e205, 1e100, 7.0])[:, None]
    (result,) = computed(program, {"x": x}, [], len(x))
    np.testing.assert_allclose(result[:, 0], [_power(number, exponent) for number in x[:, 0].tolist()], rtol=1e-15)


def _power(x: float, exponent: float) -> float:
    """Return math.pow, with inf and nan instead of errors."""
    try:
        return math.pow(x, exponent)
    except OverflowError:
        return math.copysign(math.inf, x if exponent % 2 == 1 else 1.0)
    except ValueError:
        return math.copysign(math.inf, x if exponent % 2 == 1 else 1.0) if x == 0 else math.nan


@pytest.mark.parametrize("row", [[0.5, 2.0, -1.0], [math.inf, 1.0, 2.0], [-math.inf] * 3, [math.inf, math.inf, 0.0]])
@pytest.mark.parametrize("width", [3, 8, 45])
def test_softmax_and_its_logarithm_where_numbers_are_infinite(row: list[float], width: int) -> None:
    b = Builder()
    x = b.argument("x", width)
    total = b.reduce(x, "logsumexp", [1], keepdims=True)
    program = b.program([total, b.slopes(primitives.logsumexp, [x], total)])
    numbers = np.array([row + [row[-1]] * (width - 3), [math.nan] * width])
    for result, expected in zip(computed(program, {"x": numbers}, [], 2), program.evaluate({"x": numbers})):
        assert_equal(result, expected)


def network(dtype: Literal["float64", "float32"] = "float64") -> autograd.Program:
    """A loss with look-ups, products and a softmax."""
    chance = np.random.default_rng(3)
    table, weights = ([[Value(x) for x in row] for row in chance.normal(size=(5, 4)).tolist()] for _ in range(2))

    def loss(token: Any, x: Any) -> Any:
        hidden = [autograd.tanh(a + b) for a, b in zip(autograd.take(table, token), x)]
        return -autograd.log(autograd.softmax([autograd.dot(row, hidden) for row in weights])[1])

    program: autograd.Program = autograd.compile(loss, 2, [0.1, 0.2, 0.3, 0.4], dtype=dtype)
    return program


def batch(samples: int) -> tuple[Any, Any]:
    chance = np.random.default_rng(samples)
    return chance.integers(5, size=samples), chance.normal(size=(samples, 4))


def made(program: autograd.Program) -> set[str]:
    """List the passes of a program that are machine code."""
    return {record.name for record in program.passes if record.name.startswith("machine code")}


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make machine code at the first call."""
    monkeypatch.setattr(cost, "PATIENCE", 0.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("samples", [1, 3, 64, 1000])
def test_a_program_computes_what_it_did_before(
    dtype: Literal["float64", "float32"], samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tolerance = {"float64": 1e-12, "float32": 3e-5}[dtype]
    program, (tokens, x) = network(dtype), batch(samples)
    weights = np.random.default_rng(0).normal(size=len(program.parameters)).astype(dtype)
    seeds = np.linspace(1, 2, samples)

    def all_results() -> list[Any]:
        costs, gradient = program.outputs_and_gradient(weights, tokens, x, scale=0.3)
        return [costs, gradient, program.outputs(weights, tokens, x), *program.value_and_grad(tokens, x), seeds]

    before = all_results()
    assert not made(program)
    monkeypatch.setattr(cost, "PATIENCE", 0.0)
    after = all_results()
    assert len(made(program)) == 3
    for result, expected in zip(after, before, strict=True):
        assert np.asarray(result).dtype == np.asarray(expected).dtype
        assert_equal(np.asarray(result), np.asarray(expected), tolerance)


@pytest.mark.usefixtures("at_once")
def test_arguments_of_any_layout() -> None:
    program, (tokens, x) = network(), batch(6)
    weights = np.random.default_rng(0).normal(size=len(program.parameters))
    expected, gradient = program.outputs_and_gradient(weights, tokens, x)
    wide = np.zeros((12, 8))
    wide[::2, ::2] = x
    spread = np.repeat(tokens, 2)[::2]
    for other_tokens, other_x in (
        (tokens.astype(np.int8), np.asfortranarray(x)),
        (spread, wide[::2, ::2]),
        (tokens[::-1][::-1], x[::-1][::-1]),
        (tokens.astype(np.uint64), x.tolist()),
        (tokens.tolist(), np.broadcast_to(x, x.shape)),
    ):
        values, other = program.outputs_and_gradient(weights, other_tokens, other_x)
        assert_equal(values, expected)
        assert_equal(other, gradient)


@pytest.mark.usefixtures("at_once")
def test_parameters_in_an_order_of_ones_own() -> None:
    program, (tokens, x) = network(), batch(9)
    weights = np.random.default_rng(0).normal(size=len(program.parameters))
    _, expected = program.outputs_and_gradient(weights, tokens, x)
    leaves = list(program.parameters)
    place = {parameter: k for k, parameter in enumerate(leaves)}
    unread = Value(1.0)
    program.arrange([*leaves[::-2], unread])
    order = [place.get(parameter) for parameter in program.parameters]
    given = np.array([0.0 if k is None else weights[k] for k in order])
    _, gradient = program.outputs_and_gradient(given, tokens, x)
    assert_equal(gradient, np.array([0.0 if k is None else expected[k] for k in order]))


@pytest.mark.usefixtures("at_once")
def test_threads_run_one_program_at_once() -> None:
    program = network()
    weights = np.random.default_rng(0).normal(size=len(program.parameters))
    batches = [batch(samples) for samples in (1, 40, 333, 1000)]
    expected = [program.outputs_and_gradient(weights, *one) for one in batches]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(50):
            values, gradient = program.outputs_and_gradient(weights.copy(), *batches[k])
            if not (np.array_equal(values, expected[k][0]) and np.array_equal(gradient, expected[k][1])):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.usefixtures("at_once")
def test_a_wrong_shape_never_reaches_it() -> None:
    program, (tokens, x) = network(), batch(4)
    weights = np.zeros(len(program.parameters))
    program.outputs_and_gradient(weights, tokens, x)
    for arguments in ((tokens, x[:3]), (tokens, x[:, :3]), (tokens[:0], x[:0])):
        with pytest.raises(ValueError, match=r"shape|sample|batch size"):
            program.outputs_and_gradient(weights, *arguments)
    with pytest.raises(IndexError, match="not in a table of 5"):
        program.outputs_and_gradient(weights, tokens + 5, x)
    with pytest.raises(ValueError, match="contiguous vector"):
        program.outputs_and_gradient(weights[:-1], tokens, x)


def test_it_is_made_once_calls_have_been_many() -> None:
    program, arguments = network(), batch(8)
    weights = np.zeros(len(program.parameters))
    for _ in range(20):
        program.outputs_and_gradient(weights, *arguments)
    assert not made(program)
    for _ in range(100_000):
        program.outputs_and_gradient(weights, *arguments)
        if made(program):
            break
    assert made(program) == {"machine code of gradient"}


@pytest.mark.usefixtures("at_once")
def test_without_llvmlite_numpy_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "llvmlite", None)
    program, arguments = network(), batch(8)
    values, _ = program.outputs_and_gradient(np.zeros(len(program.parameters)), *arguments)
    np.testing.assert_allclose(values, np.log(5))
    assert not made(program)
