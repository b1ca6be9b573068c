"""Call a program compiled to machine code."""

from __future__ import annotations

import ctypes
import struct
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
    """A program as machine code. It is thread-safe: each thread has separate working memory.

    Args:
        program: the program.
        dtype: the dtype of all numbers.
        binding: llvmlite's binding.

    Attributes:
        nests: the number of loop nests.
        arguments: the names of its arguments.

    Raises:
        UnwritableError: if machine code does not support one of the program's operations.
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
        self._shapes: dict[int, list[tuple[int, ...]]] = {}  # shapes of the results, by the number of samples
        self._blocks: dict[int, int] = {}  # samples per block, by the number of samples
        self._dtypes = [_INTEGER if slot.kind == "index" else dtype for slot in plan.slots[: len(self.arguments)]]
        self._run = self._code.run
        self._memory = _Memory(plan.shared, plan.batch, dtype, len(plan.slots))
        given = sum(slot.kind != "moving" for slot in plan.slots)
        self._write_table = struct.Struct(f"{given}N").pack_into

    def result_shapes(self, samples: int) -> list[tuple[int, ...]]:
        """Return the shapes of the results for this many samples, cached."""
        shapes = self._shapes.get(samples)
        if shapes is None:
            shapes = [tuple([count * samples if power else count for count, power in shape]) for shape in self._results]
            self._shapes = {**dict([*self._shapes.items()][-3:]), samples: shapes}
        return shapes

    def _block(self, samples: int) -> int:
        """Return the number of samples per block, cached."""
        block = block_size(self._plan.batch, samples) if self._plan.is_divided else samples
        self._blocks = {**dict([*self._blocks.items()][-3:]), samples: block}
        return block

    def __call__(
        self, samples: int, arguments: Sequence[Array | None], parameters: Sequence[int], results: Sequence[int]
    ) -> None:
        """Compute the results.

        Args:
            arguments: arrays with one row per sample, in the order of the arguments' names; signed integers of at most
                64 bits for indices; None for an unread one. Further ones are ignored.
            parameters: the addresses of contiguous arrays.
            results: the addresses of contiguous arrays for the results.
        """
        memory, arrays, addresses = self._memory, [], []
        for array, dtype in zip(arguments, self._dtypes):
            if array is None:
                addresses.append(0)
                continue
            if array.dtype is not dtype or not array.flags.c_contiguous:
                array = np.ascontiguousarray(array, dtype)
                arrays.append(array)  # keep it alive until the results are computed
            addresses.append(address_of(array))
        self._write_table(memory.table, 0, *addresses, *parameters, *results)
        block = self._blocks.get(samples) or self._block(samples)
        self._run(memory.table_address, memory.reserve(block), samples, block)


class _Memory(threading.local):
    """A thread's pointer table and working memory."""

    def __init__(self, shared: int, batch: int, dtype: np.dtype[Any], slots: int) -> None:
        self._shared, self._batch, self._dtype = shared, batch, dtype
        self.table = (ctypes.c_size_t * max(slots, 1))()
        self.table_address = ctypes.addressof(self.table)
        self._array = np.empty(0, dtype)
        self._address = 0
        self._block = -1

    def reserve(self, block: int) -> int:
        """Return the address of memory for blocks of this many samples."""
        if block != self._block:
            size, array, address = self._shared + self._batch * block, self._array, self._address
            if array.size < size + 16:
                array = np.empty(size + 16, self._dtype)  # leaves room for 64-byte alignment
                address = -(-array.ctypes.data // 64) * 64
            self._array, self._address, self._block = array, address, block  # one statement, which no interrupt divides
        return self._address


_INTEGER = np.dtype(np.int64)
