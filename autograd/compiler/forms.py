"""Stage 2, simplify: sums of numbers times leaves, which are written out in all that reads them.

Written as a chain of additions, the sums of one neuron for two samples that begin with the same numbers have their
first terms in common: equal nodes are merged. As a chain of chains they would be no layer.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd import primitives
from autograd.primitives import Primitive

_SUMS = frozenset({primitives.add, primitives.sub, primitives.neg, primitives.sum_})
_NONE = -1  # the number of terms of what is no such sum


def written_out(
    made_by: Sequence[Primitive | None],
    operands: Sequence[tuple[int, ...]],
    constants: dict[int, float],
    captured: set[int],
    uses: Sequence[int],
) -> set[int]:
    """Which sums of numbers times captured leaves others may contain as their own terms, where these stay few.

    Every one of a chain of partial sums, as `itertools.accumulate` gives them, would have as many terms as it has
    predecessors.
    """
    terms = [_NONE] * len(operands)
    for i in captured:
        terms[i] = 1
    for i in constants:
        terms[i] = 0
    found = []
    for i, parents in enumerate(operands):
        if parents and uses[i] and terms[i] and terms[parents[-1]] != _NONE:
            terms[i] = _count(made_by[i], [terms[k] for k in parents])
            if terms[i] != _NONE:
                found.append(i)
    inner = dict.fromkeys(found, 0)
    for i in found:
        for k in operands[i]:
            if k in inner:
                inner[k] += 1
    total = sum(terms[i] for i in found if uses[i] > inner[i])
    if total > 2 * sum(len(operands[i]) for i in found):
        return set()
    return {i for i in found if uses[i] > 1}


def _count(primitive: Primitive | None, terms: list[int]) -> int:
    """The number of terms of a node, of whose operands these are the numbers of terms."""
    if _NONE in terms:
        return _NONE
    if primitive in _SUMS:
        return sum(terms)
    if primitive is primitives.div:
        return terms[0] if terms[1] == 0 else _NONE
    if primitive is primitives.mul or primitive is primitives.dot:
        n = len(terms) // 2
        if all(0 in pair for pair in zip(terms[:n], terms[n:])):
            return sum(terms)
    return _NONE
