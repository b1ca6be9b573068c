"""The lengths of chains of additions, which determine whether they are reductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd import primitives
from autograd.primitives import Primitive

_ADD, _MUL = primitives.add, primitives.mul
_REDUCTIONS = primitives.sum_, primitives.dot
_TOTALS = frozenset({_ADD, primitives.sub, *_REDUCTIONS})
_TERMS = _TOTALS | {_MUL}

_SHORTEST = 3
"""The length of the shortest chain that is a reduction."""


def chain_lengths(
    made_by: Sequence[Primitive | None],
    rows: Sequence[tuple[int, ...]],
    constants: Mapping[int, float],
    inline: Sequence[bool],
) -> dict[int, int]:
    """Count the terms that each addition adds as the end of a chain.

    An explicit sum at the start of a chain is not counted as a term. A chain that begins with a difference counts none,
    so that its order is kept; nor does one with two numbers, which must not be combined, or one number and no
    products.
    """
    lengths: dict[int, int] = {}
    added: list[int] = []
    numbers, products = set[int](), set[int]()
    for i, primitive in enumerate(made_by):
        if primitive is not _ADD:
            continue
        left, right = rows[i]
        first, last = made_by[left], made_by[right]
        if last is _ADD and inline[right]:
            added.append(right)
        length = 2
        if first in _TOTALS and inline[left]:
            length = 1 if first in _REDUCTIONS else lengths.get(left, 0)
            length += length > 0 and first is _ADD
        if first is _MUL or last is _MUL or left in products:
            products.add(i)
        has_number = (first is None or last is None) and bool(constants.get(left) or constants.get(right))
        if has_number or left in numbers:
            numbers.add(i)
        lengths[i] = length * (not has_number or left not in numbers)
    if added:
        lengths.update(_pairs(added, made_by, rows, inline, lengths))
    return {i: length for i, length in lengths.items() if i not in numbers or i in products}


def _pairs(
    added: Sequence[int],
    made_by: Sequence[Primitive | None],
    rows: Sequence[tuple[int, ...]],
    inline: Sequence[bool],
    lengths: Mapping[int, int],
) -> dict[int, int]:
    """Return sums of two nodes with the length of a reduction, if longer sums are added to other nodes, too.

    For instance, a node of a graph network adds the sum of its neighbours, of which it may have two.

    Args:
        added: the sums that are added to other nodes.
    """
    plain = [i for i in added if not any(inline[k] and made_by[k] in _TERMS for k in rows[i][lengths[i] > 2 :])]
    if all(lengths[i] <= 2 for i in plain):
        return {}
    return {i: _SHORTEST for i in plain if lengths[i] == 2}
