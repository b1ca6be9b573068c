"""Compile recorded rules to machine code that passes over the vectors once."""

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
"""The number of groups of vectors with cached addresses: three weight vectors take turns, and two vectors per state."""


class VectorPass:
    """A recorded rule as one pass over vectors. Only one thread at a time may call it, after `give`.

    Args:
        recording: the rule.
        results: the vectors that the rule computes.
        measured: the vector whose largest |x| is computed.
        binding: llvmlite's binding to LLVM.

    Raises:
        UnwritableError: if the rule cannot be written as machine code.
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
        """Set the rule's numbers for the next calls, in the order of the recording."""
        self._write(self._memory, self._start, *numbers)

    def __call__(self, vectors: Sequence[Vector]) -> tuple[float, float]:
        """Compute the results; return the largest |x| of the measured vector, and of all results.

        If one of the numbers is inf or nan, that is the largest.

        Args:
            vectors: the inputs of the recording, then vectors for the results, which must not alias the inputs: all
                contiguous, and of one length.

        Raises:
            ValueError: for vectors of different lengths, or not contiguous vectors of floats.
        """
        known = self._tables.get(tuple(map(id, vectors)))
        if known is None:
            known = self._table(vectors)
        self._run(known[2], self._address, len(vectors[0]), 0)
        largest: tuple[float, float] = self._read_largest(self._memory)
        return largest

    def _table(self, vectors: Sequence[Vector]) -> tuple[Sequence[Vector], Any, int]:
        """Return the vectors with a table of their addresses, and cache it."""
        from autograd.compiler.targets.native.addresses import address_of

        for vector in vectors:
            if vector.dtype != np.float64 or vector.shape != vectors[0].shape or not vector.flags.c_contiguous:
                raise ValueError(f"expected contiguous vectors of {len(vectors[0])} floats, got {vector!r:.80}")
        table = (ctypes.c_size_t * len(vectors))(*map(address_of, vectors))
        known = tuple(vectors), table, ctypes.addressof(table)
        self._tables = {**dict([*self._tables.items()][1 - _MOST_TABLES :]), tuple(map(id, vectors)): known}
        return known


def vector_pass(recording: Recording, results: Sequence[Recorded], measured: int) -> VectorPass | None:
    """Compile a recorded rule to machine code; return None if that is impossible.

    Args:
        results: the vectors that the rule computes.
        measured: the vector whose largest |x| is computed.

    Raises:
        NotRecordedError: for results that the rule does not compute.
    """
    with across_forks, collector_paused():
        binding = llvm()
        if binding is None:
            return None
        try:
            return VectorPass(recording, results, measured, binding)
        except UnwritableError:
            return None
