"""Check in bulk that rows of a scalar program are well formed: fast, but without saying what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, compress, count, repeat
from operator import gt, lt

from autograd.compiler.arity import takes
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, SUM


def applications_are_sound(program: Columns) -> bool:
    """Return whether all applications are well formed, and their rows adjacent."""
    nodes = [i for i in program.interior if program.opcodes[i] >= APPLY]
    counts = [program.counts[i] for i in nodes]
    table = dict(enumerate(program.primitives, APPLY))
    kinds = set(zip([program.opcodes[i] for i in nodes], counts))
    if not all(opcode in table and takes(table[opcode], count) for opcode, count in kinds):
        return False
    readers = chain.from_iterable(map(repeat, nodes, counts))
    return (
        _are_adjacent(program, nodes, len(program.operands))
        and min(program.operands, default=0) >= 0
        and all(map(lt, program.operands, readers))
    )


def sums_are_sound(program: Columns) -> bool:
    """Return whether the terms of all sums are well formed, and their rows adjacent."""
    nodes = [i for i in program.interior if program.opcodes[i] == SUM]
    if not _are_adjacent(program, nodes, len(program.lefts)) or not set(map(type, program.coefficients)) <= {float}:
        return False
    starts = [program.starts[i] for i in nodes]
    descents = compress(count(1), map(gt, program.slots, program.slots[1:]))
    if not set(starts).issuperset(descents) or min(program.slots, default=0) < 0:
        return False
    ends = [*starts[1:], len(program.lefts)]
    return all(
        min(column, default=0) >= least
        and all([max(column[start:end], default=ABSENT) < i for i, start, end in zip(nodes, starts, ends)])
        for column, least in ((program.lefts, 0), (program.rights, ABSENT))
    )


def _are_adjacent(program: Columns, nodes: Sequence[int], size: int) -> bool:
    """Return whether the rows of nodes follow one another and fill a column of this size."""
    ends = accumulate([program.counts[i] for i in nodes], initial=0)
    return [*[program.starts[i] for i in nodes], size] == [*ends]
