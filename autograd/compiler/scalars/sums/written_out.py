"""Decide which nodes with several readers are copied into each reader's sum as terms.

Equal nodes have been merged, so separate computations for two samples or two cells may now share a node. A sum that
stopped at it would differ in structure from its neighbours, and would not join their matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from autograd import primitives
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.sums.alike import alike, have_parts
from autograd.primitives import Primitive

_ADD, _SUB, _MUL, _NEG = primitives.add, primitives.sub, primitives.mul, primitives.neg
_TOTALS = frozenset({_ADD, _SUB, primitives.sum_, primitives.dot})
_KEEPS_TERMS = frozenset({_ADD, _SUB, _NEG, primitives.sum_})

_NO_SUM = -1
"""The number of terms of a node that is not a sum of numbers times parameters."""


def written_out(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> tuple[Set[int], set[int]]:
    """Return the nodes that each reader's sum contains as terms; and those with one reader that stay nodes.

    Args:
        made_by: the primitive of each node.
        rows: the operands of each node.
        uses: the number of reads of each node.
    """
    if not any(uses[i] > 1 for i in program.repeated):
        return alike(program, made_by, rows, uses) if have_parts(program, made_by, rows, uses) else (set(), set())
    chosen = _sums_of_parameters(program, made_by, rows, uses) | _short_sums(program, made_by, rows, uses)
    more, apart = alike(program, made_by, rows, uses)
    return (program.repeated & chosen) | more, apart


def _sums_of_parameters(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> set[int]:
    """Return sums of numbers times parameters with several readers, if copying all of them adds few terms.

    In a chain of additions, the sums of one neuron for two samples that begin with the same numbers share their first
    terms. As a chain of chains, they would not form a layer. But each partial sum of a running sum, as computed by
    `itertools.accumulate`, would have as many terms as it has predecessors.
    """
    terms = [_NO_SUM] * len(program)
    for i in program.parameters:
        terms[i] = 1
    for i in program.literals:
        terms[i] = 0
    sums = []
    for i in program.interior:
        operands = rows[i]
        if operands and uses[i] and terms[operands[-1]] != _NO_SUM:
            terms[i] = _count(made_by[i], [terms[k] for k in operands])
            if terms[i] != _NO_SUM:
                sums.append(i)
    readers_among_them = dict.fromkeys(sums, 0)
    for i in sums:
        for k in rows[i]:
            if k in readers_among_them:
                readers_among_them[k] += 1
    total = sum(terms[i] for i in sums if uses[i] > readers_among_them[i])
    if total > 2 * sum(len(rows[i]) for i in sums):
        return set()
    return {i for i in sums if uses[i] > 1}


def _count(primitive: Primitive | None, terms: list[int]) -> int:
    """Return the number of terms of a node, given those of its operands."""
    if _NO_SUM in terms:
        return _NO_SUM
    if primitive in _KEEPS_TERMS:
        return sum(terms)
    if primitive is primitives.div:
        return terms[0] if terms[1] == 0 else _NO_SUM
    if primitive is _MUL or primitive is primitives.dot:
        n = len(terms) // 2
        if all(0 in pair for pair in zip(terms[:n], terms[n:])):
            return sum(terms)
    return _NO_SUM


def _short_sums(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> set[int]:
    """Return multiples of nodes, and chains of them without reductions, that have several readers.

    In a simulation on a grid, the sums of cells at its ends share their first terms with those one step later; the sums
    of other cells do not.
    """
    constants = program.literals
    short: set[int] = set()
    for i in program.interior:
        operands = rows[i]
        if not uses[i] or not operands:
            continue
        primitive, first = made_by[i], operands[0]
        if primitive is _MUL:
            is_short = first in constants or operands[1] in constants
        elif primitive in (_ADD, _SUB):
            is_chain = made_by[first] is primitive is _ADD
            is_short = made_by[first] not in _TOTALS or (first in short and not is_chain)
        else:
            is_short = primitive is _NEG
        if is_short:
            short.add(i)
    return {i for i in short if uses[i] > 1}
