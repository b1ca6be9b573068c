"""The lengths of chains of additions: which of them are reductions, whose terms may be added in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd import primitives
from autograd.primitives import Primitive

_ADD, _MUL = primitives.add, primitives.mul
_REDUCTIONS = primitives.sum_, primitives.dot
_TOTALS = frozenset({_ADD, primitives.sub, *_REDUCTIONS})


def chain_lengths(
    made_by: Sequence[Primitive | None],
    rows: Sequence[tuple[int, ...]],
    constants: Mapping[int, float],
    own: Sequence[bool],
) -> dict[int, int]:
    """Count the terms that each addition adds, as the end of a chain.

    An explicit sum that a chain begins with is no term of it. A chain that begins with a difference adds none, so
    that it stays in order; nor does one of two numbers, which must not meet, or of one number and no products.
    """
    lengths: dict[int, int] = {}
    numbers, products = set[int](), set[int]()
    for i, primitive in enumerate(made_by):
        if primitive is not _ADD:
            continue
        left, right = rows[i]
        length = 2
        if own[left] and made_by[left] in _TOTALS:
            length = 1 if made_by[left] in _REDUCTIONS else lengths.get(left, 0)
            length += length > 0 and made_by[left] is _ADD
        if left in products or _MUL in (made_by[left], made_by[right]):
            products.add(i)
        has_leaf = made_by[left] is None or made_by[right] is None
        has_number = has_leaf and bool(constants.get(left) or constants.get(right))
        if has_number or left in numbers:
            numbers.add(i)
        lengths[i] = length * (not has_number or left not in numbers)
    return {i: length for i, length in lengths.items() if i not in numbers or i in products}
