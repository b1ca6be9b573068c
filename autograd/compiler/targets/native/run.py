"""Call a program that is machine code."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.addresses import address_of
from autograd.compiler.targets.native.cost import block_size
from autograd.compiler.targets.native.machine import MachineCode, this_machine
from autograd.compiler.targets.native.module import ModuleWriter
from autograd.compiler.targets.native.planning.whole import plan_of
from autograd.compiler.targets.native.writing.code import extents

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
        self._plan = plan = plan_of(program, dtype, this_machine(binding))
        writer = ModuleWriter(plan, dtype)
        self._code = MachineCode(binding, writer.text())
        self.nests = writer.nests
        self.arguments = [slot.name for slot in plan.slots if slot.kind in ("argument", "index")]
        self._results = [extents(slot.shape) for slot in plan.slots if slot.kind == "result"]
        self._dtypes = [_INTEGER if slot.kind == "index" else dtype for slot in plan.slots[: len(self.arguments)]]
        self._run = self._code.run
        self._memory = _Memory(plan.shared, plan.batch, dtype, len(plan.slots))

    def result_shapes(self, samples: int) -> list[tuple[int, ...]]:
        """Return the shapes of the results for so many samples."""
        return [tuple([count * samples if power else count for count, power in shape]) for shape in self._results]

    def __call__(
        self, samples: int, arguments: Sequence[Array | None], parameters: list[int], results: list[int]
    ) -> None:
        """Compute the results.

        Args:
            arguments: in the order of their names, arrays of a row a sample; of indices, of any integers of at most 64
                bits with a sign; None for what is not read.
            parameters: the addresses of arrays that lie side by side in memory. A list that was given before has not
                changed.
            results: the addresses of such arrays for the results.
        """
        memory, k = self._memory, len(arguments)
        table: Any = memory.table
        arrays = [
            array
            if array is None or (array.dtype is dtype and array.flags.c_contiguous)
            else np.ascontiguousarray(array, dtype)
            for array, dtype in zip(arguments, self._dtypes, strict=True)
        ]
        table[:k] = [0 if array is None else address_of(array) for array in arrays]
        end = k + len(parameters)
        if memory.parameters is not parameters:
            table[k:end] = memory.parameters = parameters
        table[end : end + len(results)] = results
        block = block_size(self._plan.batch, samples) if self._plan.is_divided else samples
        self._run(memory.table_address, memory.reserve(block), samples, block)


class _Memory(threading.local):
    """A thread's table of pointers, and its working memory."""

    def __init__(self, shared: int, batch: int, dtype: np.dtype[Any], slots: int) -> None:
        self._shared, self._batch, self._dtype = shared, batch, dtype
        self.table = (ctypes.c_size_t * max(slots, 1))()
        self.table_address = ctypes.addressof(self.table)
        self.parameters: list[int] | None = None  # those that are in the table
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
