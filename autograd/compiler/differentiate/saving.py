"""Choose the values to save for the backward pass, such that they take the least memory.

Cheap values are recomputed. The choice is a minimum cut of the program between the values that must be saved to be
available and the values that the backward pass reads; the cut values are saved. The same idea chooses checkpoints in
Chen et al. (2016) and in the partitioner of PyTorch's functorch.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Collection, Sequence

from autograd import primitives
from autograd.compiler.arrays.operations import Batch, Operation, Shape
from autograd.compiler.trace.comparisons import COMPARISONS

_SAMPLES = 32  # the batch size that is assumed to compare the sizes of arrays
_CHEAP = frozenset(
    {
        *(primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg, primitives.identity),
        *(primitives.where, primitives.maximum, primitives.minimum, primitives.relu, primitives.absolute),
        *COMPARISONS.values(),
    }
)
_STRUCTURE = frozenset({"reshape", "transpose", "broadcast", "slice", "concatenate", "pad", "constant", "guard"})
_SOURCE, _SINK = -1, -2
_ENDLESS = sys.maxsize


def is_cheap(operation: Operation) -> bool:
    """Return whether recomputing a result costs no more than saving and reading it."""
    if operation.kind != "apply":
        return operation.kind in _STRUCTURE
    return operation.attribute.primitive in _CHEAP


def size_of(shape: Shape) -> int:
    """Estimate the number of elements of an array."""
    size = 1
    for length in shape:
        size *= _SAMPLES * length.times if isinstance(length, Batch) else length
    return size


def least_saved(operations: Sequence[Operation], roots: Collection[int], is_free: Callable[[int], bool]) -> set[int]:
    """Return the operations to save so that all roots can be computed from them and from free operations.

    Among choices of the same size, this one recomputes the least.

    Args:
        roots: the operations that are read.
        is_free: returns whether an operation is available without being saved.
    """
    residual: dict[int, dict[int, int]] = {_SOURCE: {}, _SINK: {}}

    def connect(start: int, end: int, capacity: int) -> None:
        residual.setdefault(start, {})[end] = capacity
        residual.setdefault(end, {}).setdefault(start, 0)

    seen, stack = set(roots), list(roots)
    for at in roots:
        if not is_free(at):
            connect(2 * at + 1, _SINK, _ENDLESS)
    while stack:
        at = stack.pop()
        if is_free(at):
            continue
        operation = operations[at]
        connect(2 * at, 2 * at + 1, size_of(operation.shape))
        if operation.kind == "argument" or not is_cheap(operation):
            connect(_SOURCE, 2 * at, _ENDLESS)
            continue
        for k in set(operation.operands):
            if not is_free(k):
                connect(2 * k + 1, 2 * at, _ENDLESS)
            if k not in seen:
                seen.add(k)
                stack.append(k)
    while path := _path(residual):
        flow = min(residual[a][b] for a, b in itertools.pairwise(path))
        for a, b in itertools.pairwise(path):
            residual[a][b] -= flow
            residual[b][a] += flow
    after = _reaching_sink(residual)
    return {at for at in seen if 2 * at + 1 in after and 2 * at in residual and 2 * at not in after}


def _path(residual: dict[int, dict[int, int]]) -> list[int]:
    """Return a shortest augmenting path from the source to the sink; an empty list if there is none."""
    previous = {_SOURCE: _SOURCE}
    queue = [_SOURCE]
    for node in queue:
        for other, room in residual[node].items():
            if room and other not in previous:
                previous[other] = node
                queue.append(other)
    if _SINK not in previous:
        return []
    path = [_SINK]
    while path[-1] != _SOURCE:
        path.append(previous[path[-1]])
    return path[::-1]


def _reaching_sink(residual: dict[int, dict[int, int]]) -> set[int]:
    """Return the nodes from which the residual graph reaches the sink."""
    reaching = {_SINK}
    queue = [_SINK]
    for node in queue:
        for other in residual[node]:
            if other not in reaching and residual[other][node]:
                reaching.add(other)
                queue.append(other)
    return reaching
