"""Run loops on single numbers as machine code: sample after sample, in double precision whatever the dtype is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.targets.straight_line.blocks import Blocks
from autograd.compiler.targets.straight_line.loop_machine import (
    backward_module,
    forward_module,
    require_blocks_writable,
)
from autograd.compiler.targets.straight_line.machine_code import Function, MachineCode
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

Array = NDArray[Any]


class LoopMachineRun:
    """The passes of a program as machine code, each made when it is first called.

    Args:
        blocks: gives the instructions of "forward", "backward" and "input_gradients".

    Raises:
        UnwritableError: where the program, or its derivative, cannot be machine code.
    """

    def __init__(self, blocks: Callable[[str], Blocks], dtype: np.dtype[Any], code: MachineCode) -> None:
        require_blocks_writable(blocks("forward"))
        self._blocks, self._dtype, self._code = blocks, dtype, code
        self._made: dict[str, tuple[Function, int]] = {}
        self._function("forward")

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        """Return a row of outputs for each sample."""
        outputs, _ = self._called("forward", leaves, rows, None, 0)
        return outputs

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array | None]]:
        """Return the outputs, and the gradient of each array of parameters, summed over the samples."""
        outputs, gradients = self._called("backward", leaves, rows, seeds, 1)
        return outputs, [None if x is None else x[0] for x in gradients]

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array | None]]:
        """Return the outputs, and of each sample the derivatives to its arguments."""
        return self._called("input_gradients", leaves, rows, seeds, len(seeds))

    def _function(self, name: str) -> tuple[Function, int]:
        with across_forks, collector_paused():
            if name not in self._made:
                blocks = self._blocks(name)
                module = forward_module(blocks) if name == "forward" else backward_module(blocks, name)
                self._made[name] = self._code.add(module.text, name, module.arrays), module.size
            return self._made[name]

    def _called(
        self, name: str, leaves: Array, rows: Sequence[Array], seeds: Array | None, gradients: int
    ) -> tuple[Array, list[Array | None]]:
        """Return the outputs, and gradients of so many rows. Each call has arrays of its own."""
        call, size = self._function(name)
        (values, *results) = self._blocks(name).results
        assert values is not None
        samples = len(rows[0]) if rows else 1
        x, p, y = np.concatenate(rows, axis=1) if rows else np.empty((1, 0)), leaves, np.empty((samples, values.size))
        sizes = [0 if result is None else result.size for result in results]
        g, w = np.zeros((gradients, sum(sizes))), np.empty(size)
        given = [x, p, y, w] if seeds is None else [x, p, y, seeds, w, g]
        arrays = [np.ascontiguousarray(array, dtype=np.float64) for array in given]
        call(samples, *[array.ctypes.data for array in arrays])
        several: list[Array | None] = []
        at = 0
        for result, width in zip(results, sizes):
            several.append(None if result is None else g[:, at : at + width].astype(self._dtype))
            at += width
        return y.astype(self._dtype), several
