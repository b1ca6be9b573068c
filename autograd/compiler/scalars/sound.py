"""Check in bulk that rows of a scalar program are well formed: fast, but without saying what is wrong."""

from __future__ import annotations

from autograd.arrays import NDArray, np
from autograd.compiler.arity import takes
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, SUM

Integers = NDArray[np.int64]


def applications_are_sound(program: Columns) -> bool:
    """Return whether all applications are well formed, and their rows adjacent."""
    opcodes, counts = np.array(program.opcodes, dtype=np.int64), np.array(program.counts, dtype=np.int64)
    nodes = np.flatnonzero(opcodes >= APPLY)
    counts = counts[nodes]
    if not len(nodes):
        return not program.operands
    several = 1 + int(counts.max())
    table = dict(enumerate(program.primitives, APPLY))
    kinds = [divmod(kind, several) for kind in set((opcodes[nodes] * several + counts).tolist())]
    if not all(opcode in table and takes(table[opcode], count) for opcode, count in kinds):
        return False
    operands = np.array(program.operands, dtype=np.int64)
    return _are_adjacent(program, nodes, counts, len(operands)) and _read_earlier(operands, nodes, counts, 0)


def sums_are_sound(program: Columns) -> bool:
    """Return whether the terms of all sums are well formed, and their rows adjacent."""
    nodes = np.flatnonzero(np.array(program.opcodes, dtype=np.int64) == SUM)
    if not len(nodes):
        return not program.lefts
    counts, slots = (np.array(column, dtype=np.int64) for column in (program.counts, program.slots))
    counts = counts[nodes]
    if not _are_adjacent(program, nodes, counts, len(slots)) or not set(map(type, program.coefficients)) <= {float}:
        return False
    sums = np.repeat(np.arange(len(nodes)), counts)
    ascend = (slots[1:] >= slots[:-1]) | (sums[1:] != sums[:-1])
    lefts, rights = (np.array(column, dtype=np.int64) for column in (program.lefts, program.rights))
    return (
        bool(ascend.all() and (slots >= 0).all())
        and _read_earlier(lefts, nodes, counts, 0)
        and _read_earlier(rights, nodes, counts, ABSENT)
    )


def _are_adjacent(program: Columns, nodes: Integers, counts: Integers, size: int) -> bool:
    """Return whether the rows of nodes follow one another and fill a column of this size."""
    ends = counts.cumsum()
    starts = np.array(program.starts, dtype=np.int64)[nodes]
    return int(ends[-1]) == size and bool((starts == ends - counts).all())


def _read_earlier(operands: Integers, nodes: Integers, counts: Integers, least: int) -> bool:
    """Return whether the nodes of rows with these counts read nodes from `least` on that come before them."""
    return bool((operands >= least).all() and (operands < np.repeat(nodes, counts)).all())
