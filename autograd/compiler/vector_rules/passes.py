"""Recorded rules as machine code that goes over the vectors once."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

from autograd.arrays import NDArray, np
from autograd.compiler.targets.straight_line.instructions import UnwritableError
from autograd.compiler.targets.straight_line.machine_code import llvm
from autograd.compiler.vector_rules.recording import Recorded, Recording
from autograd.support.collector import collector_paused
from autograd.support.forking import across_forks

__all__ = ["VectorPass", "vector_pass"]

Vector = NDArray[np.float64]

_MOST_TABLES = 8
"""Groups of vectors whose addresses are kept: three of them take turns, and two of each state."""


class VectorPass:
    """A recorded rule as one pass over vectors, once it is given its numbers. A thread at a time may call it.

    Args:
        recording: of the rule.
        results: what it computes.
        measured: the vector of which the largest |x| is asked for.
        binding: of llvmlite.

    Raises:
        UnwritableError: where it cannot be machine code.
    """

    def __init__(self, recording: Recording, results: Sequence[Recorded], measured: int, binding: Any) -> None:
        from autograd.compiler.targets.native.machine import MachineCode, this_machine
        from autograd.compiler.targets.native.vector_pass import NUMBERS, vector_pass_text

        numbers, width = len(recording.numbers), this_machine(binding).width
        program = recording.program(results)
        self._code = MachineCode(binding, vector_pass_text(program, recording.given, numbers, measured, width))
        self._run = self._code.run
        self._memory = (ctypes.c_double * (NUMBERS + numbers))()
        self._address = ctypes.addressof(self._memory)
        self._write = struct.Struct(f"{numbers}d").pack_into
        self._read_largest = struct.Struct("2d").unpack_from
        self._start = 8 * NUMBERS
        self._tables: dict[tuple[int, ...], tuple[Sequence[Vector], Any, int]] = {}

    def give(self, numbers: Sequence[float]) -> None:
        """Take the numbers for the next calls, which are those of the recording, or of another one."""
        self._write(self._memory, self._start, *numbers)

    def __call__(self, vectors: Sequence[Vector]) -> tuple[float, float]:
        """Compute the results; return the largest |x| of the vector measured, and of all results.

        Where one of them is inf or nan, that is the largest.

        Args:
            vectors: those that the recording was given, then those to write to, which overlap none of them: all of
                one length, their numbers side by side.
        """
        known = self._tables.get(tuple(map(id, vectors)))
        if known is None:
            known = self._table(vectors)
        self._run(known[2], self._address, len(vectors[0]), 0)
        largest: tuple[float, float] = self._read_largest(self._memory)
        return largest

    def _table(self, vectors: Sequence[Vector]) -> tuple[Sequence[Vector], Any, int]:
        """Return the vectors with a table of their addresses, which is kept for the next time."""
        from autograd.compiler.targets.native.addresses import address_of

        for vector in vectors:
            if vector.dtype != np.float64 or vector.shape != vectors[0].shape or not vector.flags.c_contiguous:
                raise ValueError(f"expected vectors of {len(vectors[0])} floats side by side, got {vector!r:.80}")
        table = (ctypes.c_size_t * len(vectors))(*map(address_of, vectors))
        known = tuple(vectors), table, ctypes.addressof(table)
        self._tables = {**dict([*self._tables.items()][1 - _MOST_TABLES :]), tuple(map(id, vectors)): known}
        return known


def vector_pass(recording: Recording, results: Sequence[Recorded], measured: int) -> VectorPass | None:
    """Make machine code of a recorded rule; return None where there can be none.

    Args:
        results: what the rule computes.
        measured: the vector of which the largest |x| is asked for.

    Raises:
        NotRecordedError: for results that it has not computed.
    """
    with across_forks, collector_paused():
        binding = llvm()
        if binding is None:
            return None
        try:
            return VectorPass(recording, results, measured, binding)
        except UnwritableError:
            return None
