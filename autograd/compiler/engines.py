"""What runs a program: array operations on whole batches, or straight-line source on the numbers of each node.

Both have the same methods, over rows (an array for each argument, a row a sample) and the flat vector of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.compiler.emit import Emitter, execute, prepared
from autograd.compiler.grouping import Grouping
from autograd.compiler.layout import Layout, in_reading_order
from autograd.compiler.levels import depths
from autograd.compiler.products import Index, Rows
from autograd.compiler.running import running_form
from autograd.compiler.simplify import Scalars
from autograd.compiler.thin import ThinWriter
from autograd.compiler.writer import Writer

Array = NDArray[Any]


def engine_for(
    scalars: Scalars, captured: list[int], arguments: list[str], seeds: int, dtype: np.dtype[Any], name: str
) -> ArrayEngine | ThinEngine:
    """Array operations, unless nearly every one of them would be of a single number."""
    levels = 1 + max(depths(scalars).values(), default=0)
    work = len(scalars.order) + sum(len(found.lefts) for found in scalars.sums.values())
    if levels < 300 or work > 20 * levels:
        grouping = Grouping(scalars, captured)
        if any(map(_is_wide, grouping.groups)) or not grouping.groups:
            return ArrayEngine(Writer(scalars, grouping, arguments), seeds, dtype, name)
    return ThinEngine(ThinWriter(scalars, captured, arguments), seeds, dtype, name)


def _is_wide(group: Any) -> bool:
    if len(group.members) > 1:
        return True
    return any(not isinstance(block, Rows) or block.left.index.size > 4 for block in group.blocks)


class ArrayEngine:
    """Array operations.

    Attributes:
        natural_order: the captured leaves in the order in which the program's matrices hold them.
        operations, matrix_products: how many are emitted, forward and backward.
    """

    def __init__(self, writer: Writer, seeds: int, dtype: np.dtype[Any], name: str) -> None:
        self._emitter, self._dtype, self._name = Emitter(writer, seeds), dtype, name
        self._indices = [array.index for array in writer.parameters]
        self.natural_order = in_reading_order(self._indices, writer.grouping.widths[0])
        self.operations = self._emitter.operations
        text = self._emitter.forward + self._emitter.backward
        self.matrix_products = text.count(" @ ")
        loaded = self._loaded(self.source)
        self._forward, self._backward = loaded["forward"], loaded["backward"]
        self._input_gradients: Callable[..., Any] | None = None

    def lay_out(self, place: Index, size: int) -> None:
        """Say which element of the flat vector each captured leaf is, and how long that vector is."""
        self._layout = Layout([place[index] for index in self._indices], size)

    @property
    def source(self) -> str:
        return "\n\n".join([*self._emitter.prelude(), self._emitter.forward, self._emitter.backward]) + "\n"

    @property
    def input_gradients_source(self) -> str:
        piece = self._emitter.input_gradients()
        return "\n\n".join([*self._emitter.prelude(), piece]) + "\n"

    def outputs(self, weights: Array, rows: Sequence[Array]) -> Array:
        """A column for each output; of one row only where they do not depend on the arguments."""
        found: Array = self._forward(*rows, *self._layout.views(weights))[0]
        return found

    def gradient(self, weights: Array, rows: Sequence[Array], seeds: Array, into: Array) -> Array:
        """The outputs; the gradient of the parameters goes into a vector."""
        arrays = self._layout.views(weights)
        outputs, saved = self._forward(*rows, *arrays)
        gradients = self._layout.places(into)
        self._backward(seeds, saved, *rows, *arrays, *gradients)
        self._layout.collect(gradients, into)
        found: Array = outputs
        return found

    def input_gradients(self, weights: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """The outputs, and the derivatives to each argument's numbers."""
        if self._input_gradients is None:
            self._input_gradients = self._loaded(self.input_gradients_source)["input_gradients"]
        outputs, found = self._input_gradients(seeds, *rows, *self._layout.views(weights))
        return outputs, [np.broadcast_to(np.asarray(x, self._dtype), row.shape) for x, row in zip(found, rows)]

    def _loaded(self, source: str) -> dict[str, Any]:
        """What a source defines, in the form in which it runs."""
        tree, numbers = running_form(source, self._dtype)
        constants = {
            name: x.astype(self._dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
            for name, x in self._emitter.writer.constants.items()
        }
        return execute(*prepared(self._name, source, tree), {**constants, **numbers})


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
