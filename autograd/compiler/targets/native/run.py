"""Call a program that is machine code."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.addresses import address_of
from autograd.compiler.targets.native.code import extents
from autograd.compiler.targets.native.cost import block_size
from autograd.compiler.targets.native.machine import MachineCode, this_machine
from autograd.compiler.targets.native.module import ModuleWriter
from autograd.compiler.targets.native.plan import plan_of

Array = NDArray[Any]


class NativeFunction:
    """A program as machine code. Several threads may call it at once: each has working memory of its own.

    Args:
        program: its arguments are given by their names, its parameters in their order.
        dtype: of all numbers.
        binding: of llvmlite.

    Attributes:
        nests: how many nests of loops it has.
        arguments: the names of its arguments.

    Raises:
        UnwritableError: where the program has what machine code does not have.
    """

    nests: int
    arguments: list[str]

    def __init__(self, program: ArrayProgram, dtype: np.dtype[Any], binding: Any) -> None:
        self._dtype = dtype
        self._plan = plan = plan_of(program, dtype, this_machine(binding))
        writer = ModuleWriter(plan, dtype)
        self._code = MachineCode(binding, writer.text())
        self.nests = writer.nests
        self.arguments = [slot.name for slot in plan.slots if slot.kind in ("argument", "index")]
        self._results = [slot.shape for slot in plan.slots if slot.kind == "result"]
        self._indices = [slot.kind == "index" for slot in plan.slots]
        self._shapes = [slot.shape for slot in plan.slots]
        self._memory = _Memory(plan.shared, plan.batch, dtype, len(plan.slots))

    def result_shapes(self, samples: int) -> list[tuple[int, ...]]:
        """Return the shapes of the results for so many samples."""
        return [_sized(shape, samples) for shape in self._results]

    def __call__(
        self, samples: int, arguments: Mapping[str, Array], parameters: Sequence[int], results: Sequence[int]
    ) -> None:
        """Compute the results.

        Args:
            arguments: arrays of a row a sample, by name; of indices, of any integers.
            parameters: the addresses of arrays that lie side by side in memory.
            results: the addresses of such arrays for the results.
        """
        plan, memory = self._plan, self._memory
        block = block_size(plan.batch, samples) if plan.is_divided else samples
        given = [self._readable(k, arguments.get(name), samples) for k, name in enumerate(self.arguments)]
        table = memory.table
        k = 0
        for array in given:
            table[k] = 0 if array is None else address_of(array)
            k += 1
        for address in (*parameters, *results):
            table[k] = address
            k += 1
        self._code.run(memory.table_address, memory.reserve(block), samples, block)

    def _readable(self, k: int, array: Array | None, samples: int) -> Array | None:
        """Return an argument as machine code reads it."""
        if array is None:
            return None
        dtype = _INTEGER if self._indices[k] else self._dtype
        if array.dtype != dtype or not array.flags.c_contiguous or array.ndim == 0:
            shape = _sized(self._shapes[k], samples)
            array = array if array.size > 1 or array.ndim else np.broadcast_to(array, shape)
            array = np.ascontiguousarray(array, dtype)
        return array


class _Memory(threading.local):
    """A thread's table of pointers, and its working memory."""

    def __init__(self, shared: int, batch: int, dtype: np.dtype[Any], slots: int) -> None:
        self._shared, self._batch, self._dtype = shared, batch, dtype
        self.table = (ctypes.c_size_t * max(slots, 1))()
        self.table_address = ctypes.addressof(self.table)
        self._array = np.empty(0, dtype)
        self._address = 0

    def reserve(self, block: int) -> int:
        """Return the address of memory for blocks of so many samples."""
        size = self._shared + self._batch * block
        if self._array.size < size + 16:
            self._array = np.empty(size + 16, self._dtype)  # for an address that is a multiple of 64
            self._address = -(-self._array.ctypes.data // 64) * 64
        return self._address


_INTEGER = np.dtype(np.int64)


def _sized(shape: Shape, samples: int) -> tuple[int, ...]:
    return tuple([length.count * samples**length.power for length in extents(shape)])
