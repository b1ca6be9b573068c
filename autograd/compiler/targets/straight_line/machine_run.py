"""Run machine code, one sample at a time, in double precision for any dtype of the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.straight_line.machine import MachineSource, Module
from autograd.compiler.targets.straight_line.machine_code import Function, MachineCode
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

Array = NDArray[Any]


class MachineRun:
    """The passes of a program as machine code, each compiled at its first call.

    Args:
        to_parameters, to_arguments: return the programs of values and gradients.

    Raises:
        UnwritableError: if the program, or its derivative, cannot be written as machine code.
    """

    def __init__(
        self,
        program: ArrayProgram,
        to_parameters: Callable[[], ArrayProgram],
        to_arguments: Callable[[], ArrayProgram],
        seeds: int,
        dtype: np.dtype[Any],
        code: MachineCode,
    ) -> None:
        self._source, self._code, self._seeds, self._dtype = MachineSource(program), code, seeds, dtype
        self._to_parameters, self._to_arguments = to_parameters, to_arguments
        self._compiled: dict[str, tuple[Function, int]] = {}
        self._forward = self._function(self._source.forward)

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        """Return a row of outputs for each sample."""
        return self._called(self._forward, leaves, rows, None)[3]

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, Array]:
        """Return the outputs, and the parameters' gradients summed over the samples."""
        function = self._backward("backward", lambda: self._source.to_parameters(self._to_parameters(), self._seeds))
        arrays = self._called(function, leaves, rows, seeds)
        return arrays[3], arrays[7][0]

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array]]:
        """Return the outputs and, for each sample, the gradients of its arguments."""
        function = self._backward(
            "input_gradients", lambda: self._source.to_arguments(self._to_arguments(), self._seeds)
        )
        arrays = self._called(function, leaves, rows, seeds)
        gradients, first = [], 0
        for row in rows:
            gradients.append(arrays[6][:, first : first + row.shape[1]].astype(self._dtype))
            first += row.shape[1]
        return arrays[3], gradients

    def _function(self, module: Callable[[], Module]) -> tuple[Function, int]:
        with across_forks, collector_paused():
            text, name, arrays, size = module()
            return self._code.add(text, name, arrays), size

    def _backward(self, name: str, module: Callable[[], Module]) -> tuple[Function, int]:
        with across_forks:
            if name not in self._compiled:
                self._compiled[name] = self._function(module)
            return self._compiled[name]

    def _called(
        self, function: tuple[Function, int], leaves: Array, rows: Sequence[Array], seeds: Array | None
    ) -> list[Array]:
        """Call a function; return its arrays x, p, m, y and, with seeds, also the seeds, g, gx and gp.

        Each call has separate arrays, for thread safety, in one piece of memory, since asking NumPy for an array's
        address takes longer than a hundred operations.
        """
        source, samples = self._source, len(rows[0]) if rows else 1
        call, size = function
        values = size if seeds is None else self._forward[1]
        shapes = [(samples, source.arguments), (1, len(leaves)), (1, values), (samples, source.outputs)]
        if seeds is not None:
            shapes += [seeds.shape, (1, size), shapes[0], shapes[1]]
        memory = np.empty(sum([height * width for height, width in shapes]))
        addresses, arrays, at = [], [], 0
        address = memory.ctypes.data
        for height, width in shapes:
            arrays.append(memory[at : at + height * width].reshape(height, width))
            addresses.append(address + at * memory.itemsize)
            at += height * width
        first = 0
        for row in rows:
            arrays[0][:, first : first + row.shape[1]] = row
            first += row.shape[1]
        arrays[1][0] = leaves
        if seeds is not None:
            arrays[4][:] = seeds
            arrays[6].fill(0.0)
            arrays[7].fill(0.0)
        call(samples, *addresses)
        arrays[3] = arrays[3].astype(self._dtype)  # a copy, so that the other arrays can be freed
        return arrays
