"""The depth of nodes: how many operations they are away from leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Operands = Callable[[int], Iterable[int]]
"""The nodes that a node reads."""


def depths(order: Iterable[int], operands: Operands) -> dict[int, int]:
    """Count the operations that each node is away from leaves: 0 for one that has leaves alone as operands.

    Args:
        order: the nodes, operands before what reads them; what is not in it counts as a leaf.

    >>> depths([2, 3, 4], {2: [0, 1], 3: [2], 4: [0]}.__getitem__)
    {2: 0, 3: 1, 4: 0}
    """
    depth: dict[int, int] = {}
    for i in order:
        depth[i] = 1 + max([depth.get(k, -1) for k in operands(i)], default=-1)
    return depth
