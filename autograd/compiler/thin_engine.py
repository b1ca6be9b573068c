"""What runs a thin program: straight-line source on the numbers of each node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.compiler.emit import execute, prepared
from autograd.compiler.products import Index
from autograd.compiler.thin import ThinWriter

Array = NDArray[Any]


class ThinEngine:
    """Straight-line source. One sample runs on floats, several on arrays of a number a sample."""

    matrix_products = 0

    def __init__(self, writer: ThinWriter, seeds: int, dtype: np.dtype[Any], name: str) -> None:
        self._writer, self._dtype, self._name = writer, dtype, name
        scalars = writer.scalars
        arguments = [i for indices in scalars.trace.arguments for i in indices if i >= 0]
        self._arguments = [[writer.slots.get(i, -1) for i in indices] for indices in scalars.trace.arguments]
        self._first = len(arguments)
        self._captured = [i for i in writer.slots if i not in set(arguments)][: writer.leaves - len(arguments)]
        self._seeded = scalars.outputs[:seeds]
        self._forward_texts = writer.forward()
        self._backward_texts = writer.backward("backward", self._captured, self._seeded)
        self._input_texts: list[str] = []
        self._input_runs: tuple[list[Any], list[Any]] | None = None
        self.natural_order = list(range(len(self._captured)))
        self.operations = sum(text.count("\n") for text in [*self._forward_texts, *self._backward_texts])
        self._runs = self._load("forward", self.source), self._load("backward", self.source)

    @property
    def source(self) -> str:
        return "\n\n".join([*self._writer.prelude, *self._forward_texts, *self._backward_texts]) + "\n"

    @property
    def input_gradients_source(self) -> str:
        if not self._input_texts:
            arguments = [i for indices in self._writer.scalars.trace.arguments for i in indices if i >= 0]
            self._input_texts = self._writer.backward("input_gradients", arguments, self._seeded)
        return "\n\n".join([*self._writer.prelude, *self._input_texts]) + "\n"

    def lay_out(self, place: Index, size: int) -> None:
        self._place = place

    def _load(self, name: str, source: str) -> tuple[list[Any], list[Any]]:
        """The pieces of a pass, for arrays and for floats."""
        code, file = prepared(self._name, source)
        of_arrays = execute(code, file, self._writer.constants)
        of_floats = execute(code, file, self._writer.constants)
        of_floats.update(self._writer.of_floats())
        pieces = range(len(self._writer.pieces))
        return [of_arrays[f"{name}_{n}"] for n in pieces], [of_floats[f"{name}_{n}"] for n in pieces]

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        if len(rows) and len(rows[0]) == 1:
            try:
                return self._output_rows(self._computed(weights, rows, True), 1)
            except (ArithmeticError, ValueError):
                pass  # arrays have inf or nan there, of which the caller makes a better error
        return self._output_rows(self._computed(weights, rows, False), len(rows[0]) if rows else 1)

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        outputs, g, _ = self._swept(weights, rows, seeds, self._runs[1])
        first, count = self._first, len(self._captured)
        into[:] = 0.0
        into[self._place] = [np.sum(x) for x in g[first : first + count]]
        return outputs

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        if self._input_runs is None:
            self._input_runs = self._load("input_gradients", self.input_gradients_source)
        outputs, g, floats = self._swept(weights, rows, seeds, self._input_runs)
        found = []
        for slots, row in zip(self._arguments, rows):
            columns = [g[k] if k >= 0 else 0.0 for k in slots]
            if floats:
                found.append(np.array([columns], self._dtype))
                continue
            array = np.zeros(row.shape, self._dtype)
            for k, column in enumerate(columns):
                array[:, k] = column
            found.append(array)
        return outputs, found

    def _swept(
        self, weights: Array, rows: Sequence[Array], seeds: Array, runs: tuple[list[Any], list[Any]]
    ) -> tuple[Array, list[Any], bool]:
        """Forward and backward: the outputs, the derivatives to everything, and whether it went by floats."""
        for floats in (len(seeds) == 1, False):
            try:
                m = self._computed(weights, rows, floats)
                outputs = self._output_rows(m, len(seeds))
                g: list[Any] = [0.0] * len(m)
                for k, i in enumerate(self._seeded):
                    if i in self._writer.slots:
                        g[self._writer.slots[i]] = g[self._writer.slots[i]] + (
                            float(seeds[0, k]) if floats else seeds[:, k]
                        )
                for piece in reversed(runs[floats]):
                    piece(m, g)
            except (ArithmeticError, ValueError):
                if not floats:
                    raise
                continue
            return outputs, g, floats
        raise AssertionError

    def _computed(self, weights: Array, rows: Sequence[Array], floats: bool) -> list[Any]:
        m: list[Any] = [0.0] * len(self._writer.slots)
        for slots, row in zip(self._arguments, rows):
            columns = row[0].tolist() if floats else list(row.T)
            for k, x in zip(slots, columns):
                if k >= 0:
                    m[k] = x
        at = self._first
        taken = weights[self._place]
        m[at : at + len(taken)] = taken.tolist() if floats else list(taken)
        for piece in self._runs[0][floats]:
            piece(m)
        return m

    def _output_rows(self, m: list[Any], samples: int) -> Array:
        slots, constants = self._writer.slots, self._writer.scalars.constants
        outputs = self._writer.scalars.outputs
        found = np.empty((samples, len(outputs)), self._dtype)
        for k, i in enumerate(outputs):
            found[:, k] = m[slots[i]] if i in slots else constants[i]
        return found
