"""Strongly connected components."""

from __future__ import annotations

from collections.abc import Sequence


def components(reads: Sequence[set[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph, operands before readers (Tarjan, 1972)."""
    number, low = [-1] * len(reads), [0] * len(reads)
    stack: list[int] = []
    on_stack = [False] * len(reads)
    components: list[list[int]] = []
    count = 0
    for root in range(len(reads)):
        if number[root] >= 0:
            continue
        path = [(root, iter(sorted(reads[root])))]
        while path:
            j, rest = path[-1]
            if number[j] < 0:
                number[j] = low[j] = count
                count += 1
                stack.append(j)
                on_stack[j] = True
            for k in rest:
                if number[k] < 0:
                    path.append((k, iter(sorted(reads[k]))))
                    break
                if on_stack[k]:
                    low[j] = min(low[j], number[k])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[j])
                if low[j] == number[j]:
                    at = stack.index(j)
                    components.append(stack[at:])
                    for k in components[-1]:
                        on_stack[k] = False
                    del stack[at:]
    return components
