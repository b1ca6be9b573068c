"""Run the source of loops on single numbers: one sample with floats, several with arrays of a number per sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.targets.straight_line.loading import execute, prepared
from autograd.compiler.targets.straight_line.loops.source import LoopPass
from autograd.compiler.targets.straight_line.source_run import functions_of_floats

Array = NDArray[Any]
Namespaces = tuple[dict[str, Any], dict[str, Any]]


class LoopSourceRun:
    """Runs the passes of a source.

    Args:
        source: returns the source of "forward", "backward" and "input_gradients".
        name: the function's name, for tracebacks.
    """

    def __init__(self, source: Callable[[str], LoopPass], name: str, dtype: np.dtype[Any]) -> None:
        self._source, self._name, self._dtype = source, name, dtype
        self._namespaces: dict[str, Namespaces] = {}
        self._loaded("forward")  # now, so that a primitive that cannot be written is reported while compiling

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        """Return a row of outputs for each sample."""
        outputs, _, _ = self._called("forward", leaves, rows, None)
        return outputs

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array | None]]:
        """Return the outputs, and the gradient of each array of parameters, summed over the samples."""
        outputs, gradients, _ = self._called("backward", leaves, rows, seeds)
        summed = [np.array([np.sum(x) for x in gradient], self._dtype) if gradient else None for gradient in gradients]
        return outputs, summed

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array | None]]:
        """Return the outputs and, for each sample, the gradients of its arguments."""
        outputs, gradients, samples = self._called("input_gradients", leaves, rows, seeds)
        return outputs, [self._columns(gradient, samples) if gradient else None for gradient in gradients]

    def _columns(self, numbers: Sequence[Any], samples: int) -> Array:
        """Return numbers, or arrays of one number per sample, as columns."""
        columns = np.empty((samples, len(numbers)), self._dtype)
        for k, x in enumerate(numbers):
            columns[:, k] = x
        return columns

    def _loaded(self, name: str) -> Namespaces:
        """Return the functions of a pass, loaded for arrays and for floats from the same code."""
        if name not in self._namespaces:
            source = self._source(name)
            codes = prepared(self._name, [*source.definitions, *source.functions])
            constants = source.references.constants
            of_floats = {**constants, **functions_of_floats(source.references)}
            self._namespaces[name] = execute(codes, constants), execute(codes, of_floats)
        return self._namespaces[name]

    def _called(
        self, name: str, leaves: Array, rows: Sequence[Array], seeds: Array | None
    ) -> tuple[Array, list[Sequence[Any]], int]:
        """Run a pass; return outputs, gradients and the number of samples."""
        samples = len(rows[0]) if rows else 1 if seeds is None else len(seeds)
        if samples == 1 and rows:
            try:
                return self._computed(name, leaves, rows, seeds, True)
            except (ArithmeticError, ValueError):
                pass  # arrays give inf or nan instead, which the caller reports better
        return self._computed(name, leaves, rows, seeds, False)

    def _computed(
        self, name: str, leaves: Array, rows: Sequence[Array], seeds: Array | None, floats: bool
    ) -> tuple[Array, list[Sequence[Any]], int]:
        namespace = self._loaded(name)[floats]
        m: list[Any] = []
        for row in rows:
            m += row[0].tolist() if floats else list(row.T)
        m += leaves.tolist() if floats else list(leaves)
        samples = len(rows[0]) if rows else 1
        values, saved = namespace["forward"](m)
        outputs = self._columns(values, samples)
        if seeds is None:
            return outputs, [], samples
        g = seeds[0].tolist() if floats else list(seeds.T)
        return outputs, namespace[name](m, g, saved), len(seeds)
