"""Merge equal nodes: common-subexpression elimination."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, PLAIN, SUM, Sum, is_nothing
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.rewrite import rewrite


def merge_equal_nodes(program: ScalarProgram) -> ScalarProgram:
    """Replace equal nodes by the first of them, and sums of a single plain node by that node.

    Sums are equal if they compute the same in another order, such as x + y and y + x. The constants of an array are not
    merged, so that it stays an array.
    """
    representative = list(range(len(program)))
    seen: dict[object, int] = {}
    first_with: dict[frozenset[int], int] = {}  # the first sum that reads these nodes
    merged = False
    in_arrays = {i for nodes in program.constant_arrays for i in nodes}
    first_node = program.interior.start
    for i, opcode, row in zip(program.interior, program.opcodes[first_node:], program.rows[first_node:]):
        key: object
        if opcode >= APPLY:
            key = opcode, tuple([representative[k] for k in row]) if merged else row
        elif opcode == SUM:
            if len(row) == 1 and _is_another(program.sum_of(i)):
                (other,) = row
                representative[i], merged = representative[other], True
                continue
            reads = frozenset([representative[k] for k in row])
            candidate = first_with.setdefault(reads, i)
            if candidate == i:
                continue  # no earlier sum reads the same nodes
            seen.setdefault(_key(program, candidate, representative), candidate)
            key = _key(program, i, representative)
        elif i in in_arrays:
            continue
        else:
            number = program.constants[i]
            key = number, repr(number)  # which tells -0.0 from 0.0
        first = seen.setdefault(key, i)
        if first != i:
            representative[i], merged = first, True
    if not merged:
        return program
    return rewrite(replace(program, repeated=_repeated(program, representative)), representative)


def _repeated(program: Columns, representative: Sequence[int]) -> frozenset[int]:
    """Return the nodes that represent several, none of which had several readers."""
    count = uses(program)
    several = {first for i, first in enumerate(representative) if first != i}
    shared = {representative[i] for i in program.interior if count[i] > 1 and i not in program.repeated}
    return frozenset((several | program.repeated) - shared)


def _key(program: Columns, i: int, representative: Sequence[int]) -> object:
    """Return a key of a sum that is invariant to swapping two factors or the first two terms."""
    start = program.starts[i]
    end = start + program.counts[i]
    slots: Sequence[int] = program.slots[start:end]
    scaling = program.scalings.get(i, PLAIN)
    if slots[:3] in ((0, 1), (0, 1, 2)) and not scaling.leads:
        slots = (0, 0, *slots[2:])
    terms = []
    for slot, c, x, y in zip(
        slots, program.coefficients[start:end], program.lefts[start:end], program.rights[start:end]
    ):
        x, y = representative[x], ABSENT if y == ABSENT else representative[y]
        terms.append((slot, c, *(sorted((x, y)) if abs(c) == 1.0 else (x, y))))
    terms.sort()
    return (*terms, repr(scaling.constant), *scaling[1:])


def _is_another(total: Sum) -> bool:
    """Return whether a sum equals its only node."""
    return (
        [*total.rights] == [ABSENT]
        and [*total.coefficients] == [1.0]
        and total.factor == total.divisor == 1.0
        and is_nothing(total.constant)
    )


def uses(program: Columns) -> list[int]:
    """Count how many times each node is read; an output counts as two more, a separate node as one more."""
    columns = program.operands, program.lefts, program.rights, program.outputs, program.outputs, program.separate
    count = Counter(itertools.chain.from_iterable(columns))
    return list(map(count.__getitem__, range(len(program))))
