"""Connected components of rows that share elements."""

from __future__ import annotations

from autograd.arrays import np
from autograd.compiler.recover.index import Positions


def components(row: Positions, element: Positions, rows: int) -> Positions:
    """Return the number of each row's component, in the order of the rows.

    Args:
        row, element: pairs of a row and one of its elements.
        rows: the number of rows.

    >>> components(np.array([0, 0, 1, 2, 2, 3]), np.array([7, 8, 5, 8, 9, 5]), 4).tolist()
    [0, 1, 0, 1]
    """
    parent = list(range(rows))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[int, int] = {}
    for i, x in zip(row.tolist(), element.tolist()):
        other = first.setdefault(x, i)
        if parent[other] != parent[i]:
            a, b = root(i), root(other)
            parent[max(a, b)] = min(a, b)
    number: dict[int, int] = {}
    return np.array([number.setdefault(root(i), len(number)) for i in range(rows)], dtype=np.int64)
