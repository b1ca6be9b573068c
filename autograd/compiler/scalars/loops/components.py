"""Strongly connected components."""

from __future__ import annotations

from collections.abc import Sequence


def components(reads: Sequence[set[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph, operands before readers (Tarjan, 1972)."""
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    components: list[list[int]] = []
    for root in range(len(reads)):
        if root in number:
            continue
        path = [(root, iter(sorted(reads[root])))]
        while path:
            j, rest = path[-1]
            if j not in number:
                number[j] = low[j] = len(number)
                stack.append(j)
                on_stack.add(j)
            for k in rest:
                if k not in number:
                    path.append((k, iter(sorted(reads[k]))))
                    break
                if k in on_stack:
                    low[j] = min(low[j], number[k])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[j])
                if low[j] == number[j]:
                    at = stack.index(j)
                    components.append(stack[at:])
                    on_stack.difference_update(stack[at:])
                    del stack[at:]
    return components
