"""Schedule nodes as early as possible: each level depends on earlier levels only."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.scalars.depths import Operands, depths


def schedule(order: Sequence[int], operands: Operands) -> list[list[int]]:
    """Return the nodes level by level, in their given order within each level.

    Args:
        order: the nodes, operands before their readers.

    >>> reads = {2: [0, 1], 3: [2], 4: [0]}
    >>> schedule([2, 3, 4], reads.__getitem__)
    [[2, 4], [3]]
    """
    depth = depths(order, operands)
    levels: dict[int, list[int]] = {}
    for i in order:  # the first node of a level comes after the first of the level before
        levels.setdefault(depth[i], []).append(i)
    return list(levels.values())
