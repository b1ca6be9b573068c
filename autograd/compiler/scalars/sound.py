"""Check in bulk that rows of a scalar program are well formed: fast, but without saying what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from operator import lt

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
    return _are_adjacent(program, nodes, len(program.operands)) and _read_earlier(program.operands, nodes, counts)


def sums_are_sound(program: Columns) -> bool:
    """Return whether the terms of all sums are well formed, and their rows adjacent."""
    nodes = [i for i in program.interior if program.opcodes[i] == SUM]
    counts = [program.counts[i] for i in nodes]
    if not _are_adjacent(program, nodes, len(program.lefts)) or not set(map(type, program.coefficients)) <= {float}:
        return False
    places = list(zip(chain.from_iterable(map(repeat, nodes, counts)), program.slots))
    if places != sorted(places) or min(program.slots, default=0) < 0:
        return False
    factors = program.lefts, program.rights
    return all(_read_earlier(column, nodes, counts, least) for column, least in zip(factors, (0, ABSENT)))


def _are_adjacent(program: Columns, nodes: Sequence[int], size: int) -> bool:
    """Return whether the rows of nodes follow one another and fill a column of this size."""
    ends = accumulate([program.counts[i] for i in nodes], initial=0)
    return [*[program.starts[i] for i in nodes], size] == [*ends]


def _read_earlier(operands: Sequence[int], nodes: Sequence[int], counts: Sequence[int], least: int = 0) -> bool:
    """Return whether the nodes of rows with these counts read nodes from `least` on that come before them."""
    readers = chain.from_iterable(map(repeat, nodes, counts))
    return min(operands, default=least) >= least and all(map(lt, operands, readers))
