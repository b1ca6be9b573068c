"""Two ways to run a thin program: its Python source, and machine code. Both know the same three calls.

Of rows (an array for each argument, a row a sample) and the captured leaves' numbers, they give the outputs, a row a
sample; with seeds, the derivatives to these, also the sums over the samples of the derivatives to the captured leaves,
or of each sample the derivatives to its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.emit import execute, prepared
from autograd.compiler.machine import MachineSource
from autograd.compiler.native import Function, MachineCode
from autograd.compiler.thin_source import ThinSource
from autograd.forking import across_forks

Array = NDArray[Any]
Pieces = list[Callable[..., None]]


class SourceRun:
    """By Python: one sample on floats, several on arrays of a number a sample."""

    def __init__(self, source: ThinSource, name: str, dtype: np.dtype[Any]) -> None:
        self._source, self._plan, self._name, self._dtype = source, source.plan, name, dtype
        self._arguments = source.plan.scalars.arguments  # whose numbers have the first slots
        self._passes: dict[str, dict[bool, Pieces]] = {}
        self._pieces("forward", True)  # at once, so that what cannot be written is told while compiling

    def _pieces(self, name: str, floats: bool) -> Pieces:
        """The functions of a pass, of arrays or of floats; from one code, which is made when first asked for."""
        if name not in self._passes:
            code, file = prepared(self._name, self._source.text(name))
            of_arrays = execute(code, file, self._source.constants)
            of_floats = execute(code, file, {**self._source.constants, **self._source.of_floats()})
            pieces = self._plan.masks if name == "masks" else self._plan.pieces
            self._passes[name] = {
                kind: [found[f"{name}_{n}"] for n in range(len(pieces))]
                for kind, found in ((False, of_arrays), (True, of_floats))
            }
        return self._passes[name][floats]

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        if len(rows) and len(rows[0]) == 1:
            try:
                return self._outputs(self._computed(leaves, rows, True), 1)
            except (ArithmeticError, ValueError):
                pass  # arrays have inf or nan there, of which the caller makes a better error
        return self._outputs(self._computed(leaves, rows, False), len(rows[0]) if rows else 1)

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, Array]:
        outputs, g, _ = self._swept("backward", leaves, rows, seeds)
        return outputs, np.array([np.sum(x) for x in g[self._plan.arguments : self._plan.leaves]])

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        outputs, g, floats = self._swept("input_gradients", leaves, rows, seeds)
        found = []
        for slots, row in zip(self._arguments, rows):
            columns = g[slots.start : slots.stop]
            if floats:
                found.append(np.array([columns], self._dtype))
                continue
            array = np.zeros(row.shape, self._dtype)
            for k, column in enumerate(columns):
                array[:, k] = column
            found.append(array)
        return outputs, found

    def _swept(self, name: str, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Any], bool]:
        """Forward and backward: the outputs, the derivatives to everything, and whether it went by floats."""
        for floats in (len(seeds) == 1, False):
            try:
                m = self._computed(leaves, rows, floats)
                for piece in self._pieces("masks", floats):
                    piece(m)
                outputs = self._outputs(m, len(seeds))
                g: list[Any] = [0.0] * len(m)
                for i, seed in zip(self._plan.scalars.outputs, seeds.T):
                    if i in self._plan.slots:
                        slot = self._plan.slots[i]
                        g[slot] = g[slot] + (float(seed[0]) if floats else seed)
                for piece in reversed(self._pieces(name, floats)):
                    piece(m, g)
            except (ArithmeticError, ValueError):
                if not floats:
                    raise
                continue
            return outputs, g, floats
        raise AssertionError

    def _computed(self, leaves: Array, rows: Sequence[Array], floats: bool) -> list[Any]:
        m: list[Any] = [0.0] * len(self._plan.slots)
        for slots, row in zip(self._arguments, rows):
            m[slots.start : slots.stop] = row[0].tolist() if floats else list(row.T)
        m[self._plan.arguments : self._plan.leaves] = leaves.tolist() if floats else list(leaves)
        for piece in self._pieces("forward", floats):
            piece(m)
        return m

    def _outputs(self, m: list[Any], samples: int) -> Array:
        slots, constants = self._plan.slots, self._plan.scalars.constants
        outputs = self._plan.scalars.outputs
        found = np.empty((samples, len(outputs)), self._dtype)
        for k, i in enumerate(outputs):
            found[:, k] = m[slots[i]] if i in slots else constants[i]
        return found


class MachineRun:
    """By machine code, sample after sample, in double precision whatever the program's dtype is."""

    def __init__(self, source: MachineSource, code: MachineCode, seeds: int, dtype: np.dtype[Any]) -> None:
        self._source, self._code, self._plan, self._dtype = source, code, source.plan, dtype
        self._seeds = seeds
        self._arguments = [slice(slots.start, slots.stop) for slots in source.plan.scalars.arguments]
        self._passes: dict[str, Function] = {}
        with across_forks:
            self._forward = code.add(source.forward(), "forward", 4)

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        return self._called(self._forward, leaves, rows, None)[3]

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, Array]:
        _, _, _, y, _, _, gp, _ = self._called(self._backward("backward"), leaves, rows, seeds)
        return y, gp[0]

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        _, _, _, y, _, gx, _, _ = self._called(self._backward("input_gradients"), leaves, rows, seeds)
        return y, [gx[:, slots].astype(self._dtype) for slots in self._arguments]

    def _backward(self, name: str) -> Function:
        with across_forks:
            if name not in self._passes:
                self._passes[name] = self._code.add(self._source.backward(name, self._seeds), name, 8)
            return self._passes[name]

    def _called(self, function: Function, leaves: Array, rows: Sequence[Array], seeds: Array | None) -> list[Array]:
        """The arrays that a function went through: x, p, m, y, with seeds also these, gx, gp and gm.

        Each call has its own, so that threads do not meet in them; in one piece of memory, since asking NumPy for an
        array's address takes longer than a hundred nodes.
        """
        plan, samples = self._plan, len(rows[0]) if rows else 1
        nodes = [(samples, plan.arguments), (1, len(leaves)), (1, len(plan.slots) - plan.leaves)]
        shapes = [*nodes, (samples, len(plan.scalars.outputs))]
        if seeds is not None:
            shapes += [seeds.shape, *nodes]
        memory = np.empty(sum([height * width for height, width in shapes]))
        addresses, arrays, at = [], [], 0
        address = memory.ctypes.data
        for height, width in shapes:
            arrays.append(memory[at : at + height * width].reshape(height, width))
            addresses.append(address + at * memory.itemsize)
            at += height * width
        for row, slots in zip(rows, self._arguments):
            arrays[0][:, slots] = row
        arrays[1][0] = leaves
        if seeds is not None:
            arrays[4][:] = seeds
            arrays[5].fill(0.0)
            arrays[6].fill(0.0)
        function(samples, *addresses)
        arrays[3] = arrays[3].astype(self._dtype)  # a copy, which does not keep the rest in memory
        return arrays
