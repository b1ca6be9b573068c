"""Distinguish equal operations of a cell by the role of their results, even if these have several readers.

Gotoh's alignment with affine gaps has a table of gaps in each sequence, x and y, computed alike: x from the cell above,
y from the cell to the left. The table of matches reads both, in different places. A gap that no match reads, such as
those of the last row, has the role of the gap that it continues, or that continues it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

Edge = tuple[int, int, int]
"""An operation, the number of an operand, and the operand."""

_BOTH = -1
"""The role of results that are read in several places."""

Link = tuple[int, int, int]
"""An operation, the operation between, and the equal operation that this reads."""


def with_roles(rows: Sequence[tuple[int, ...]], of: Sequence[int], leaf: int) -> list[int]:
    """Return the kinds of nodes, divided by roles.

    Args:
        rows: the operands of each node.
        of: the kind of each node.
        leaf: the kind of nodes that are not distinguished.
    """
    edges = [(i, p, k) for i, row in enumerate(rows) if of[i] != leaf for p, k in enumerate(row) if of[k] != leaf]
    divided = list(of)
    count = max(of, default=leaf) + 1
    for kind, roles in _roles(edges, of).items():
        links = list(_links(edges, of, kind, roles))
        _continue(links, roles)
        between = {s: roles[v] for _, s, v in links if v in roles}
        for several in (roles, between):
            most = {of[i]: Counter(several[k] for k in several if of[k] == of[i]).most_common(1)[0][0] for i in several}
            number: dict[tuple[int, int], int] = {}
            for i, role in several.items():
                if role != most[of[i]]:
                    divided[i] = number.setdefault((of[i], role), count + len(number))
            count += len(number)
    return divided


def _roles(edges: Sequence[Edge], of: Sequence[int]) -> dict[int, dict[int, int]]:
    """Return, for kinds whose results one other kind reads in several places, the place of each result that it reads.

    A few results may be read in several places: the gaps along either border may be the same.
    """
    places: dict[tuple[int, int], dict[int, set[int]]] = {}
    for i, p, k in edges:
        if of[i] != of[k]:
            places.setdefault((of[k], of[i]), {}).setdefault(k, set()).add(p)
    roles: dict[int, dict[int, int]] = {}
    for (kind, _), read in places.items():
        of_result = {k: min(several) if len(several) == 1 else _BOTH for k, several in read.items()}
        counts = Counter(of_result.values())
        both = counts.pop(_BOTH, 0)
        often = counts and min(counts.values()) > both
        if often and len(counts) > 1 and len(of_result) > len(roles.get(kind, ())):
            roles[kind] = of_result
    return roles


def _links(edges: Sequence[Edge], of: Sequence[int], kind: int, roles: Mapping[int, int]) -> Iterator[Link]:
    """Yield reads of one operation of a kind by another, through one of another kind, that keep all known roles."""
    readers: dict[int, list[tuple[int, int]]] = {}
    for i, p, k in edges:
        if of[i] == kind and of[k] != kind:
            readers.setdefault(k, []).append((i, p))
    paths: dict[Edge, list[Link]] = {}
    for s, q, v in edges:
        if of[v] == kind:
            for i, p in readers.get(s, ()):
                paths.setdefault((p, of[s], q), []).append((i, s, v))
    for links in paths.values():
        single = [link for link in links if _BOTH not in (roles.get(link[0]), roles.get(link[2]))]
        known = {(roles[i], roles[v]) for i, _, v in single if i in roles and v in roles}
        if len(known) > 1 and all(a == b for a, b in known):
            yield from single


def _continue(links: Sequence[Link], roles: dict[int, int]) -> None:
    """Give the operations of links without a role that of the other ones."""
    while True:
        before = len(roles)
        for i, _, v in links:
            if v in roles:
                roles.setdefault(i, roles[v])
            elif i in roles:
                roles[v] = roles[i]
        if len(roles) == before:
            return
