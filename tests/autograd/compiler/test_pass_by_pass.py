"""Pass by pass: after each pass of the pipeline, random functions still compute what their graphs do.

The truth is the eager engine, on the trace's numbers and on others. Where the rounding rules of `autograd.compile`
promise it, every bit is the graph's; elsewhere the difference is within their bounds.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import autograd
from autograd import Value, topological_order
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.pipeline import simplify, to_arrays
from autograd.compiler.scalars.from_trace import from_trace
from autograd.compiler.scalars.passes import PREPARE_FOR_ARRAYS, PREPARE_LAYERS, SIMPLIFY
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.stages import PassRunner
from autograd.compiler.trace.results import Results
from autograd.compiler.trace.retrace import settled_trace
from autograd.nested import flatten

Array = NDArray[np.float64]
Function = Callable[[Any], Any]
Thin = Callable[[str], AbstractContextManager[None]]

OF_ARRAYS = ["recover arrays", "divide axes", "recognise softmax"]
WAYS = {
    "arrays": ["find loops", *(name for name, _ in PREPARE_FOR_ARRAYS), *OF_ARRAYS],
    "Python": ["find loops", "unroll"],
}
"""The passes from scalars to an array program, for functions with much and with little parallelism."""

ALIGNED = [*(name for name, _ in PREPARE_LAYERS), *OF_ARRAYS]
"""The passes that follow if there are many operations for each level."""


def neighbour(name: str) -> Any:
    """Import another test module, for its random functions."""
    spec = importlib.util.spec_from_file_location(f"_{name}", Path(__file__).parents[1] / "compiled" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


of_all_kinds, rounding = neighbour("test_compiler_random"), neighbour("test_compiler_rounding")
choices, grids, recovery = map(neighbour, ("test_compiler_masks", "test_compiler_grids", "test_compiler_recovery"))


class Walk(NamedTuple):
    """A function in the pipeline.

    Attributes:
        stages: the name of each pass, and the program after it; the first is the trace.
        leaves: the parameters that the function captured.
        results: the number of results.
    """

    stages: list[tuple[str, ScalarProgram | ArrayProgram]]
    leaves: list[Value]
    results: int

    def differentiated(self, wrt: str) -> ArrayProgram:
        """Return the program of the values and of the gradients w.r.t. "parameters" or "arguments"."""
        (program,) = [program for name, program in self.stages if name == f"differentiate to {wrt}"]
        assert isinstance(program, ArrayProgram)
        return program


@contextmanager
def recorded() -> Iterator[list[tuple[str, Any]]]:
    """Record the programs that the passes return."""
    stages: list[tuple[str, Any]] = []
    run = PassRunner.run

    def run_and_keep(runner: PassRunner, name: str, function: Any, program: Any, *arguments: Any) -> Any:
        result = run(runner, name, function, program, *arguments)
        stages.append((name, result))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PassRunner, "run", run_and_keep)
        yield stages


def walk(function: Function, example: Any, way: str, thin: Thin) -> Walk:
    """Run the pipeline on a function of one argument, up to both kinds of derivatives; verify each program."""
    with recorded() as stages, thin(way):
        traced, leaves = settled_trace(function, [example])
        trace = from_trace(traced, leaves, Results(traced.structure, False).differentiated)
        lowered = to_arrays(simplify(trace, PassRunner()), ["x"], PassRunner())
        for wrt in ("parameters", "arguments"):
            lowered.differentiated(wrt, PassRunner())
    derivatives = ["differentiate to parameters", "differentiate to arguments"]
    names = [name for name, _ in stages]
    lowering = [*(name for name, _ in SIMPLIFY), *WAYS[way]]
    assert names in ([*lowering, *derivatives], [*lowering, *ALIGNED, *derivatives])
    stages.insert(0, ("trace", trace))
    for _, program in stages:
        program.verify()
    return Walk(stages, leaves, len(trace.outputs))


class Batch(NamedTuple):
    """Samples, and the eager engine's results for them.

    Attributes:
        samples: of shape (samples, numbers).
        gradients: the seeds, which are the derivatives of the cost w.r.t. each result, of shape (samples, results).
        values: of the same shape.
        of_leaves: the gradient of each parameter, summed over the samples.
        of_arguments: the gradient of each sample's arguments.
    """

    samples: Array
    gradients: Array
    values: Array
    of_leaves: Array
    of_arguments: Array


def eagerly(function: Function, example: Any, samples: Array, walked: Walk, seed: int = 0) -> Batch:
    """Run a function on each sample, forward and backward, for random derivatives w.r.t. its results."""
    chance = np.random.default_rng(seed)
    gradients = chance.normal(size=(len(samples), walked.results))
    values, of_arguments = [], []
    for sample, seeds in zip(samples.tolist(), gradients.tolist()):
        inputs = [Value(x) for x in sample]
        outputs = results_of(function(flatten(example, "x")[1](iter(inputs))))
        for output, derivative in zip(outputs, seeds):
            if isinstance(output, Value):
                output.backward(derivative)
        values.append([x.data if isinstance(x, Value) else float(x) for x in outputs])
        of_arguments.append([x.grad for x in inputs])
    of_leaves = np.array([leaf.grad for leaf in walked.leaves])
    for leaf in walked.leaves:
        leaf.grad = 0.0
    return Batch(samples, gradients, np.array(values), of_leaves, np.array(of_arguments))


def results_of(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def values_of(program: ScalarProgram | ArrayProgram, samples: Array, walked: Walk) -> Array:
    """Return a row of results for each sample, by the program's interpreter."""
    leaves = [leaf.data for leaf in walked.leaves]
    if isinstance(program, ScalarProgram):
        return np.array([program.evaluate([sample], leaves) for sample in samples.tolist()])
    shape = len(samples), walked.results
    values, *_ = program.evaluate({"x": samples, "gradient": np.ones(shape)}, leaves)
    return np.broadcast_to(values, shape)


def gradients_of(walked: Walk, samples: Array, gradients: Array) -> tuple[Array, Array]:
    """Return the gradients of the parameters, in one vector, and of the arguments, by the interpreter."""
    leaves = [leaf.data for leaf in walked.leaves]
    given = {"x": samples, "gradient": gradients}
    program = walked.differentiated("parameters")
    _, *arrays = program.evaluate(given, leaves)
    of_leaves = np.zeros(len(leaves))
    for operation, array in zip((o for o in program.operations if o.kind == "parameter"), arrays, strict=True):
        np.add.at(of_leaves, operation.attribute.array, array)
    _, of_arguments = walked.differentiated("arguments").evaluate(given, leaves)
    return of_leaves, np.broadcast_to(of_arguments, samples.shape)


def assert_right(walked: Walk, batch: Batch, bound: float = 0.0) -> None:
    """Assert that every stage computes the values, and the last ones the gradients, to 1e-12 of the norm of each.

    Args:
        bound: an additional absolute error that is allowed.
    """
    for name, program in walked.stages:
        assert_near(values_of(program, batch.samples, walked), batch.values, bound, name)
    of_leaves, of_arguments = gradients_of(walked, batch.samples, batch.gradients)
    assert_near(of_leaves, batch.of_leaves, bound, "parameters")
    assert_near(of_arguments, batch.of_arguments, bound, "arguments")


def assert_near(array: Array, expected: Array, bound: float, name: str) -> None:
    assert np.linalg.norm(array - expected) <= 1e-12 * np.linalg.norm(expected) + bound, name


def around(example: Sequence[float], samples: int, seed: int) -> Array:
    """Return the numbers that a function was traced with, and random ones."""
    others = np.random.default_rng(seed).normal(size=(samples, len(example)))
    return np.concatenate([[example], others])


# Exactly


@pytest.mark.parametrize("way", WAYS)
def test_no_pass_changes_a_bit_where_there_are_no_reductions(way: str, thin: Thin) -> None:
    """Functions include compensated sums, and numbers may be huge, tiny, infinite or nan."""
    compared = 0
    for seed in range(40):
        chance = np.random.default_rng(seed)
        inputs = int(chance.integers(1, 6))
        leaves = [Value(chance.normal()) for _ in range(chance.integers(0, 4))]
        _, apply = rounding.random_function(chance, inputs + len(leaves))
        samples, expected = [], []
        example = [0.3, 0.45, 0.6, 0.75, 0.9][:inputs]
        for sample in [example, *([rounding.any_number(chance) for _ in range(inputs)] for _ in range(4))]:
            try:
                results = apply([*map(Value, sample), *leaves])
            except ArithmeticError:  # of a division by zero
                continue
            samples.append(sample)
            expected.append([x.data for x in results])
        if example not in samples:
            continue
        walked = walk(lambda x, f=apply, p=leaves: f([*x, *p]), example, way, thin)  # type: ignore[misc]
        for name, program in walked.stages:
            values = values_of(program, np.array(samples), walked)
            assert np.array_equal(values, expected, equal_nan=True), (seed, name)
            compared += values.size
    assert compared > 10_000


# Up to rounding


def tolerance(function: Callable[[Sequence[Value]], Any], samples: Array) -> float:
    """Bound the rounding errors of all samples together; inf if one is near a branch."""
    scale = 1.0
    of_all_kinds.near_ties.clear()
    for sample in samples.tolist():
        nodes = topological_order(function([Value(x) for x in sample]))
        if of_all_kinds.near_ties or of_all_kinds.near_a_kink(nodes):
            return math.inf
        scale = max(scale, *of_all_kinds.path_sums(nodes).values(), *(abs(node.data) for node in nodes))
    return 1e-12 * scale**2


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(recipe=of_all_kinds.recipes(), seed=st.integers(0, 2**32 - 1))
def test_each_pass_keeps_what_random_functions_compute(way: str, thin: Thin, recipe: Any, seed: int) -> None:
    leaves = [Value(x) for x in recipe.parameters]

    def function(x: Sequence[Any]) -> Any:
        return recipe.run(x, leaves)

    example = [0.3] * recipe.inputs
    samples = around(example, 3, seed)
    bound = tolerance(function, samples)
    assume(bound < math.inf)
    walked = walk(function, example, way, thin)
    assert_right(walked, eagerly(function, example, samples, walked), bound)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(network=of_all_kinds.networks(), seed=st.integers(0, 2**32 - 1))
def test_each_pass_keeps_what_networks_compute(way: str, thin: Thin, network: Any, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(2, 5, 7)).tolist()
    matrices = [[[Value(w) for w in row] for row in matrix] for matrix in weights]

    def function(x: Sequence[Any]) -> Any:
        return network.run(x, matrices)

    example = [0.3] * network.inputs
    walked = walk(function, example, way, thin)
    assert_right(walked, eagerly(function, example, around(example, 2, seed), walked), 1e-13)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [*grids.STEPS, *grids.IN_NO_ORDER])
def test_each_pass_keeps_what_simulations_compute(name: str, way: str, thin: Thin) -> None:
    step, start, _ = {**grids.STEPS, **grids.IN_NO_ORDER}[name]
    function = grids.simulated(step, 3)
    example = np.ravel(start).tolist()
    walked = walk(function, start, way, thin)
    assert_right(walked, eagerly(function, start, around(example, 1, 0), walked))


NAMED: dict[str, Function] = {
    **recovery.FOUND_BY_CHANCE,
    **{name: function for name, (_, function) in recovery.ARRAY_WORK.items()},
    "several results": lambda x: [autograd.tanh(x[0]) * recovery.FIVE[0], x[1], recovery.FIVE[1], x[0] * x[1], 2.0],
    "nothing left of a sum": lambda x: autograd.tanh(sum(0.0 * w for w in recovery.FIVE)) * x[0],
    "zeros times zeros": lambda x: sum(
        v * v for v in [c * (0.0 * (-0.0 * a + 1) - 1) for c, a in zip(recovery.FIVE, x)]
    ),
    "captured samples": lambda x: autograd.sum(
        [autograd.tanh(a * recovery.FIVE[0] + b * recovery.FIVE[1] + x[0]) for a, b in itertools.product(range(3), x)]
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMED)
def test_each_pass_keeps_what_functions_compute(name: str, way: str, thin: Thin) -> None:
    example = [0.3, -0.7, 0.2, 0.45, 1.1, -0.2, 0.8, -0.4, 0.6, 0.15]
    walked = walk(NAMED[name], example, way, thin)
    assert_right(walked, eagerly(NAMED[name], example, around(example, 2, 0), walked), 1e-13)


# Branches that are not taken


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(recipe=choices.recipes(), data=st.data())
def test_each_pass_keeps_what_choices_take(way: str, thin: Thin, recipe: Any, data: st.DataObject) -> None:
    """Untaken branches are infinite at these points; the truth is Python's `if`, which computes one branch."""
    example = choices.example_for(recipe)
    assume(example is not None)
    walked = walk(lambda x: recipe.run(x, choices.COMPILED), example, way, thin)
    for _ in range(6):
        point = [data.draw(st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0])) for _ in range(recipe.inputs)]
        expected = choices.truth(lambda x: recipe.run(x, choices.BY_IF), point)
        if expected is None or not expected.is_finite or any(map(choices.is_infinite, expected.taken)):
            continue
        value = pytest.approx(expected.value, rel=1e-9, abs=1e-12 * max(expected.paths))
        for name, program in walked.stages:
            assert values_of(program, np.array([point]), walked) == value, name
        _, (gradient,) = gradients_of(walked, np.array([point]), np.ones((1, 1)))
        for x, true, path in zip(gradient, expected.gradient, expected.paths):
            assert x == pytest.approx(true, rel=1e-9, abs=1e-9 * path)
