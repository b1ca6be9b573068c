"""The depth of nodes: their distance from leaves in operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autograd.compiler.scalars.columns import Columns

Operands = Callable[[int], Iterable[int]]
"""The nodes that a node reads."""


def depths(order: Iterable[int], operands: Operands) -> dict[int, int]:
    """Return the depth of each node: 0 if all operands are leaves.

    Args:
        order: the nodes, operands before readers; others count as leaves.

    >>> depths([2, 3, 4], {2: [0, 1], 3: [2], 4: [0]}.__getitem__)
    {2: 0, 3: 1, 4: 0}
    """
    depth: dict[int, int] = {}
    for i in order:
        depth[i] = 1 + max([depth.get(k, -1) for k in operands(i)], default=-1)
    return depth


def levels(program: Columns) -> int:
    """Return the number of levels of a program's operations: the length of its longest chain of dependent ones."""
    return max(program.levels)
