"""Recurrences: the operations of a step that depend on themselves, by way of what earlier steps computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd.compiler.scalars.loops.stretches import Stretch


class Recurrence(NamedTuple):
    """Operations of a stretch that become a loop.

    Attributes:
        stretch: the steps.
        members: the operations of a step, in order.
    """

    stretch: Stretch
    members: list[int]


class Levels(NamedTuple):
    """The operations of a step by the loops that they need.

    Attributes:
        stretch: the steps.
        level: of each operation how many loops it waits for, its own one included.
        loops: the loops, of which each but the first waits for the one before.
    """

    stretch: Stretch
    level: list[int]
    loops: list[Recurrence]


def levels_of(stretch: Stretch, is_loop: Callable[[Sequence[int]], bool]) -> Levels:
    """Divide the operations of a stretch's steps: those that depend on one another from step to step become loops.

    Loops that do not wait for one another are one.

    Args:
        is_loop: whether operations that do so may be one.
    """
    reads = _reads(stretch)
    level = [0] * stretch.period
    members: dict[int, list[int]] = {}
    for component in _components(reads):
        within = set(component)
        before = max([level[k] for j in component for k in reads[j] if k not in within], default=0)
        recurs = len(component) > 1 or component[0] in reads[component[0]]
        if recurs and is_loop(component):
            before += 1
            members.setdefault(before, []).extend(component)
        for j in component:
            level[j] = before
    loops = [Recurrence(stretch, sorted(members[n])) for n in sorted(members)]
    return Levels(stretch, level, loops)


def _reads(stretch: Stretch) -> list[set[int]]:
    """Return, for each operation of a step, those that it reads, of the same step or of earlier ones."""
    producer = stretch.producer.tolist()
    return [{producer[c] for c in stretch.columns(j)} - {-1} for j in range(stretch.period)]


def _components(reads: Sequence[set[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph, what is read before what reads it (Tarjan, 1972)."""
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
