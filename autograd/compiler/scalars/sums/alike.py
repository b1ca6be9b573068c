"""Decide for equal-form sums whether all are parts of the sums that read them, or all are separate nodes.

A node of a graph network reads a sum over its neighbours. If two nodes have the same neighbours, their equal sums have
been merged, and the sum has two readers. As a separate node it would differ in structure from the sums of all other
nodes, which are parts of their only readers. So each reader recomputes it, if that adds few terms; otherwise the sums
with one reader become nodes, too, for instance if each node sends a message to its neighbours and some have only one.
If messages are divided by numbers, as by the roots of the neighbours' numbers of neighbours, all are nodes.

Weighted sums have equal form if they have the same weights in the same order, like a layer's for each sample. All sums
of nodes without weights have equal form, for any number of terms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.scalars.columns import Columns
from autograd.primitives import Primitive

_ADD, _MUL, _DOT = primitives.add, primitives.mul, primitives.dot
_TOTALS = frozenset({_ADD, primitives.sub, primitives.sum_, _DOT})

_NO_KIND, _PLAIN_SUM, _PLAIN_CHAIN, _FIRST_WEIGHT = range(4)
"""Kinds of nodes: others, sums without weights, chains of such sums; then weights and nodes with weights."""


class _Kinds(NamedTuple):
    """The nodes of a program by their kind.

    Attributes:
        families: the sums and products of each kind.
        sizes: the number of terms of each node.
        expanded: likewise, if sums with several readers are parts of their readers. These are floats, which end at
            infinity: there are as many terms as paths to them, which can double at every node.
        first_of_weighted: the first kind with weights.
    """

    families: dict[int, list[int]]
    sizes: list[int]
    expanded: list[float]
    first_of_weighted: int


def alike(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> tuple[set[int], set[int]]:
    """Return the nodes that are parts of each sum that reads them, and those with one reader that stay nodes.

    Args:
        made_by: the primitive of each node.
        rows: the operands of each node.
        uses: the number of reads of each node.
    """
    kinds = _kinds(program, made_by, rows, uses)
    read, divided = Counter(_terms_of_sums(program, made_by, rows)), _divided(program, made_by, rows)
    parts, apart = set[int](), set[int]()
    for kind, members in kinds.families.items():
        if kind >= kinds.first_of_weighted and any(uses[i] > 1 and i in divided for i in members):
            apart.update([i for i in members if uses[i] == 1 and i in divided])
        single = [i for i in members if uses[i] == 1 and read[i]]
        several = [i for i in members if uses[i] > 1]
        if not single or not several:
            continue
        copies = [i for i in several if i in program.repeated]
        terms = sum([kinds.sizes[i] for i in single]) + sum([kinds.sizes[i] for i in several])
        has_weights = kind >= kinds.first_of_weighted
        if (copies == several or not has_weights) and _added(copies, uses, kinds.expanded) <= terms:
            parts.update(copies)
        elif has_weights and cost.worth_separating(len(several), sum([uses[i] for i in several]), len(single)):
            apart.update(single)
        if kind == _PLAIN_CHAIN:  # all neighbours of one node may be the first neighbours of another
            begun = [i for i in several if read[i] and _ends_with_a_node(i, made_by, rows)]
            begun = [i for i in begun if i not in program.repeated]
            if 2 * len(begun) <= len(single) and sum([read[i] * kinds.expanded[i] for i in begun]) <= terms:
                parts.update(begun)
    return parts, apart


def have_parts(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> bool:
    """Return whether a sum with several readers, with weights or of nodes alone, is a term of other sums."""
    first = program.interior.start
    several = [i for i, readers in enumerate(uses[first:], first) if readers > 1]
    several = [i for i in several if made_by[i] in _TOTALS]
    parts = {i for i in several if made_by[i] is _DOT or made_by[rows[i][-1]] is _MUL}
    parts.update([i for i in several if made_by[i] is _ADD and _ends_with_a_node(i, made_by, rows)])
    parts.difference_update(program.outputs)
    if not parts:
        return False
    terms = [*_terms_of_sums(program, made_by, rows), *_divided(program, made_by, rows)]
    return not (parts.isdisjoint(terms) or _may_be_alike(program, made_by, rows, uses).isdisjoint(terms))


def _may_be_alike(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> set[int]:
    """Return the nodes that may have equal form with one with several readers, if they are terms of sums.

    Equal forms begin and end with the same weights, which takes a fraction of the time to find that their kinds take.
    """
    weights = [_NO_KIND] * len(program)
    for weight, i in enumerate(program.parameters, _FIRST_WEIGHT):
        weights[i] = weight
    products = [i for i in program.interior if made_by[i] is _MUL]
    for i in products:
        left, right = rows[i]
        weights[i] = weights[left] or weights[right]
    sums = [i for i in program.interior if made_by[i] in _TOTALS]
    candidates = set[int]()
    for nodes in (products, sums):
        forms = set[tuple[Primitive | None, int, int]]()
        for i in [i for i in nodes if uses[i] > 1]:
            first, last = weights[rows[i][0]], weights[rows[i][-1]]
            if first or last or len(rows[i]) != 2:
                forms.add((made_by[i], first, last))
            elif made_by[i] is _ADD and _ends_with_a_node(i, made_by, rows):
                candidates.add(i)
        if forms:
            ends = {last for _, _, last in forms}
            single = [i for i in nodes if uses[i] == 1 and weights[rows[i][-1]] in ends]
            candidates.update([i for i in single if (made_by[i], weights[rows[i][0]], weights[rows[i][-1]]) in forms])
    return candidates


def _ends_with_a_node(i: int, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]]) -> bool:
    """Return whether the second term of an addition is neither a product nor a sum."""
    _, last = rows[i]
    return made_by[last] is not _MUL and made_by[last] not in _TOTALS


def _added(nodes: Sequence[int], uses: Sequence[int], terms: Sequence[float]) -> float:
    """Return the number of terms added if each reader of nodes recomputes them."""
    return sum([(uses[i] - 1) * terms[i] for i in nodes])


def _terms_of_sums(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]]
) -> Iterator[int]:
    """Return the terms of all sums."""
    sums = [i for i in program.interior if made_by[i] in _TOTALS]
    return chain.from_iterable([rows[i] if made_by[i] is not _DOT else rows[i][-1:] for i in sums])


def _divided(program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]]) -> set[int]:
    """Return the nodes that are divided by numbers."""
    return {rows[i][0] for i in program.interior if made_by[i] is primitives.div and rows[i][1] in program.constants}


def _kinds(
    program: Columns, made_by: Sequence[Primitive | None], rows: Sequence[tuple[int, ...]], uses: Sequence[int]
) -> _Kinds:
    """Number the kinds of nodes: each weight, and each sequence of weights, is one."""
    kind = [_NO_KIND] * len(program)
    for weight, i in enumerate(program.parameters, _FIRST_WEIGHT):
        kind[i] = weight
    first = _FIRST_WEIGHT + len(program.parameters)
    number: dict[tuple[object, ...], int] = {}
    sizes, expanded = [1] * len(program), [1.0] * len(program)
    families: dict[int, list[int]] = {}
    sums, of_data = bytearray(len(program)), bytearray(len(program))
    for i in program.interior:
        operands, primitive = rows[i], made_by[i]
        if primitive is not _MUL and primitive not in _TOTALS:
            continue
        if _reads_data(primitive, operands, program.constants, of_data):
            of_data[i] = True
            continue
        atoms = [sums[k] and kind[k] >= first for k in operands]  # weighted sums that are terms of others
        weights = tuple([_NO_KIND if sums[k] else kind[k] for k in operands])
        if primitive is _ADD and sums[operands[0]]:
            begins = kind[operands[0]]
            if weights[1] or begins == _PLAIN_CHAIN:
                weights, atoms[0] = (begins, weights[1]), False
        if primitive is _ADD and weights in ((_NO_KIND, _NO_KIND), (_PLAIN_CHAIN, _NO_KIND)):
            kind[i] = _PLAIN_CHAIN
        elif any(weights):
            kind[i] = number.setdefault((primitive, weights), first + len(number))
        elif primitive is primitives.sum_:
            kind[i] = _PLAIN_SUM
        else:
            continue
        sums[i] = primitive is not _MUL
        sizes[i] = sum([1 if atom or uses[k] > 1 else sizes[k] for k, atom in zip(operands, atoms)])
        expanded[i] = sum([1.0 if atom else expanded[k] for k, atom in zip(operands, atoms)])
        families.setdefault(kind[i], []).append(i)
    return _Kinds(families, sizes, expanded, first)


def _reads_data(
    primitive: Primitive | None, operands: Sequence[int], constants: Container[int], of_data: Sequence[int]
) -> bool:
    """Return whether a node multiplies numbers, or adds such products, which `written_out.py` decides about."""
    factors = operands if primitive is _MUL else operands[:-1] if primitive is _DOT else ()
    return any(k in constants for k in factors) or any(of_data[k] for k in operands)
