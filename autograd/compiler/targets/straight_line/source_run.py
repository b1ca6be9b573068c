"""Run straight-line source: one sample with floats, several with arrays of one number per sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.references import References
from autograd.compiler.targets.straight_line.loading import execute, prepared
from autograd.compiler.targets.straight_line.source import backward_pass, forward_pass
from autograd.compiler.targets.straight_line.writer import Location, Pass
from autograd.primitives import Primitive, logsumexp, max_, prod_
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

Array = NDArray[Any]


class _Loaded(NamedTuple):
    """A pass, and its functions, loaded for arrays and for floats from the same code."""

    source: Pass
    of_arrays: list[Callable[..., None]]
    of_floats: list[Callable[..., None]]


class StraightSource:
    """The passes of a program as source, each written at the first request.

    Args:
        to_parameters, to_arguments: return the programs of values and gradients.
    """

    def __init__(
        self,
        program: ArrayProgram,
        to_parameters: Callable[[], ArrayProgram],
        to_arguments: Callable[[], ArrayProgram],
    ) -> None:
        self._program = program
        self._derivatives = {"backward": to_parameters, "input_gradients": to_arguments}
        self._written: dict[str, Pass] = {}

    def written(self, name: str) -> Pass:
        """Return a pass: "forward", "backward" or "input_gradients"."""
        with across_forks, collector_paused():
            if name not in self._written:
                if name == "forward":
                    self._written[name] = forward_pass(self._program)
                else:
                    self._written[name] = backward_pass(self._program, self._derivatives[name](), name)
            return self._written[name]


class SourceRun:
    """Runs the passes of a source."""

    def __init__(self, source: StraightSource, name: str, dtype: np.dtype[Any]) -> None:
        self._source, self._name, self._dtype = source, name, dtype
        self._passes: dict[str, _Loaded] = {}
        self._loaded("forward")  # now, so that a primitive that cannot be written is reported while compiling

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        """Return a row of outputs for each sample."""
        samples = len(rows[0]) if rows else 1
        if len(rows) and samples == 1:
            try:
                return self._outputs(self._computed(leaves, rows, True), 1)
            except (ArithmeticError, ValueError):
                pass  # arrays give inf or nan instead, which the caller reports better
        return self._outputs(self._computed(leaves, rows, False), samples)

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, Array]:
        """Return the outputs, and the parameters' gradients summed over the samples."""
        outputs, results, _ = self._swept("backward", leaves, rows, seeds)
        gradient = np.zeros(len(leaves), self._dtype)
        for result in results:
            gradient[: len(result)] = [np.sum(x) for x in result]
        return outputs, gradient

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """Return the outputs and, for each sample, the gradients of its arguments."""
        outputs, results, floats = self._swept("input_gradients", leaves, rows, seeds)
        gradients = []
        for result, row in zip(results, rows):
            array = np.zeros(row.shape, self._dtype)
            if floats and result:
                array[0] = result
            else:
                for k, column in enumerate(result):
                    array[:, k] = column
            gradients.append(array)
        return outputs, gradients

    def _loaded(self, name: str) -> _Loaded:
        if name not in self._passes:
            source = self._source.written(name)
            codes = prepared(self._name, [*source.definitions, *(text for _, text in source.functions)])
            constants, of_floats = source.references.constants, functions_of_floats(source.references)
            kinds = [execute(codes, constants), execute(codes, {**constants, **of_floats})]
            of_kind = [[namespace[function] for function, _ in source.functions] for namespace in kinds]
            self._passes[name] = _Loaded(source, *of_kind)
        return self._passes[name]

    def _functions(self, name: str, floats: bool) -> list[Callable[..., None]]:
        loaded = self._loaded(name)
        return loaded.of_floats if floats else loaded.of_arrays

    def _computed(self, leaves: Array, rows: Sequence[Array], floats: bool) -> list[Any]:
        """Run the forward pass; return the list m."""
        m: list[Any] = []
        for row in rows:
            m += row[0].tolist() if floats else list(row.T)
        m += leaves.tolist() if floats else list(leaves)
        m += [0.0] * (self._loaded("forward").source.sizes[0] - len(m))
        for function in self._functions("forward", floats):
            function(m)
        return m

    def _outputs(self, m: list[Any], samples: int) -> Array:
        (locations,) = self._loaded("forward").source.results
        outputs = np.empty((samples, len(locations)), self._dtype)
        for k, location in enumerate(locations):
            outputs[:, k] = _number_at(location, m, [])
        return outputs

    def _swept(
        self, name: str, leaves: Array, rows: Sequence[Array], seeds: Array
    ) -> tuple[Array, list[list[Any]], bool]:
        """Run both passes; return outputs, gradients, and whether these are floats."""
        for floats in (len(seeds) == 1, False):
            try:
                m = self._computed(leaves, rows, floats)
                outputs = self._outputs(m, len(seeds))
                source = self._loaded(name).source
                g: list[Any] = seeds[0].tolist() if floats else list(seeds.T)
                g += [0.0] * (source.sizes[1] - len(g))
                for function in self._functions(name, floats):
                    function(m, g)
            except (ArithmeticError, ValueError):
                if not floats:
                    raise
                continue
            return outputs, [[_number_at(x, m, g) for x in result] for result in source.results], floats
        raise AssertionError


def _number_at(location: Location, m: list[Any], g: list[Any]) -> Any:
    if isinstance(location, float):
        return location
    array, at = location
    return m[at] if array == "m" else g[at]


def functions_of_floats(references: References) -> dict[str, Callable[..., Any]]:
    """Return the functions that a source calls, for floats: the table's rules."""
    functions: dict[str, Callable[..., Any]] = {
        name: primitive.forward for name, primitive in references.functions().items()
    }
    of_many = {"softmax": partial(_slopes, logsumexp), "products_of_others": partial(_slopes, prod_)}
    return {**functions, **of_many, "shares": _shares}


def _slopes(primitive: Primitive, *numbers: float) -> tuple[float, ...]:
    return primitive.local_derivatives(numbers, primitive.forward(*numbers))


def _shares(*numbers: float) -> tuple[float, ...]:
    return max_.local_derivatives(numbers[:-1], numbers[-1])
