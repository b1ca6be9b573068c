"""Run loops on single numbers as machine code, one sample at a time, in double precision for any dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.targets.native.addresses import address_of
from autograd.compiler.targets.straight_line.blocks import Blocks
from autograd.compiler.targets.straight_line.loops.machine import (
    backward_module,
    forward_module,
    require_blocks_writable,
)
from autograd.compiler.targets.straight_line.machine_code import Function, MachineCode
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

Array = NDArray[Any]


class _Pass(NamedTuple):
    """A pass as machine code.

    Attributes:
        call: the function.
        buffers: the total size of the buffers.
        outputs: the number of values per sample.
        gradients: the place of each gradient among all of them; None for a zero gradient.
        size: the total size of the gradients.
    """

    call: Function
    buffers: int
    outputs: int
    gradients: list[slice | None]
    size: int


class LoopMachineRun:
    """The passes of a program as machine code, each compiled at its first call.

    Args:
        blocks: returns the instructions of "forward", "backward" and "input_gradients".

    Raises:
        UnwritableError: if the program, or its derivative, cannot be written as machine code.
    """

    def __init__(self, blocks: Callable[[str], Blocks], dtype: np.dtype[Any], code: MachineCode) -> None:
        require_blocks_writable(blocks("forward"))
        self._blocks, self._dtype, self._code = blocks, dtype, code
        self._passes: dict[str, _Pass] = {}
        self._pass("forward")

    def outputs(self, leaves: Array, rows: Sequence[Array]) -> Array:
        """Return a row of outputs for each sample."""
        outputs, _ = self._called("forward", leaves, rows, None, 0)
        return outputs

    def gradient(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array | None]]:
        """Return the outputs, and the gradient of each array of parameters, summed over the samples."""
        outputs, gradients = self._called("backward", leaves, rows, seeds, 1)
        return outputs, [None if x is None else x[0] for x in gradients]

    def input_gradients(self, leaves: Array, rows: Sequence[Array], seeds: Array) -> tuple[Array, list[Array | None]]:
        """Return the outputs and, for each sample, the gradients of its arguments."""
        return self._called("input_gradients", leaves, rows, seeds, len(seeds))

    def _pass(self, name: str) -> _Pass:
        known = self._passes.get(name)
        if known is not None:
            return known
        with across_forks, collector_paused():
            if name not in self._passes:
                self._passes[name] = self._compiled(name)
            return self._passes[name]

    def _compiled(self, name: str) -> _Pass:
        blocks = self._blocks(name)
        module = forward_module(blocks) if name == "forward" else backward_module(blocks, name)
        (values, *results) = blocks.results
        assert values is not None
        gradients: list[slice | None] = []
        at = 0
        for result in results:
            gradients.append(None if result is None else slice(at, at + result.size))
            at += 0 if result is None else result.size
        return _Pass(self._code.add(module.text, name, module.arrays), module.size, values.size, gradients, at)

    def _called(
        self, name: str, leaves: Array, rows: Sequence[Array], seeds: Array | None, gradients: int
    ) -> tuple[Array, list[Array | None]]:
        """Return the outputs, and gradients with this many rows. Each call has separate arrays."""
        one = self._pass(name)
        samples = len(rows[0]) if rows else 1
        x = np.concatenate(rows, axis=1) if rows else np.empty((1, 0))
        y, w, g = np.empty((samples, one.outputs)), np.empty(one.buffers), np.zeros((gradients, one.size))
        given = [x, leaves, y, w] if seeds is None else [x, leaves, y, seeds, w, g]
        arrays = [np.ascontiguousarray(array, _DOUBLE) for array in given]
        one.call(samples, *map(address_of, arrays))
        several = [None if place is None else g[:, place].astype(self._dtype, copy=False) for place in one.gradients]
        return y.astype(self._dtype, copy=False), several


_DOUBLE = np.dtype(np.float64)
