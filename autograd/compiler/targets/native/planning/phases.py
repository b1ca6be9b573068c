"""Divide operations into those computed before all samples, for each block of samples, and after all samples.

A block is small enough that its arrays stay in the processor's cache between operations. Sums over samples are
accumulated block by block.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from autograd.compiler.arrays.operations import Batch, Operation, Shape
from autograd.compiler.arrays.program import ArrayProgram

Phase = Literal["before", "block", "sum", "after"]
"""The phase in which an operation is computed; "sum" is computed for each block, too, and accumulated."""


def has_samples(shape: Shape) -> bool:
    """Return whether an array has an axis of samples."""
    return any(isinstance(length, Batch) for length in shape)


def phases(program: ArrayProgram, needed: Collection[int]) -> list[Phase] | None:
    """Return the phase of each live operation; None if the samples cannot be divided into blocks."""
    chosen: list[Phase] = []
    for at, operation in enumerate(program.operations):
        phase = _phase(program, operation, chosen) if at in needed else "before"
        if phase is None:
            return None
        chosen.append(phase)
    return chosen


def _phase(program: ArrayProgram, operation: Operation, chosen: Sequence[Phase]) -> Phase | None:
    kind, operands, _, shape, _ = operation
    read = {chosen[k] for k in operands}
    is_late = not read.isdisjoint({"sum", "after"})
    if kind == "loop":
        return _of_loop(program, operation, is_late)
    if kind == "result":
        return chosen[operands[0]]
    if has_samples(shape):
        return None if is_late else "block"
    if "block" not in read:
        return "after" if is_late else "before"
    is_sum = kind in ("contract", "scatter") or (kind == "reduce" and operation.attribute.function == "sum")
    return "sum" if is_sum and not is_late else None


def _of_loop(program: ArrayProgram, operation: Operation, is_late: bool) -> Phase | None:
    """Return the phase of a loop. A loop that carries sums over samples cannot be divided."""
    results: Sequence[Shape] = operation.shape  # type: ignore[assignment]
    if not any(map(has_samples, [*results, *(program.operations[k].shape for k in operation.operands)])):
        return "after" if is_late else "before"
    return "block" if all(map(has_samples, results)) and not is_late else None
