"""The weights that multiply nodes, which tell whether nodes are read in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT


def first_weights(program: Columns) -> dict[int, int]:
    """Return the first weight that multiplies each node, or a sum or a function of it; or to whose product it is added.

    Nodes that no weight multiplies are left out.
    """
    first: dict[int, int] = {}
    parameters = program.parameters

    def note(k: int, weight: int) -> None:
        if ABSENT not in (k, weight) and k not in parameters:
            first[k] = min(weight, first.get(k, weight))

    for i in reversed(program.operations):
        if not program.is_sum(i):
            operands = program.operands_of(i)
            if len(operands) == 1:
                note(*operands, first.get(i, ABSENT))
            continue
        total = program.sum_of(i)
        own = min([k for k in total.factors if k in parameters], default=first.get(i, ABSENT))
        for x, y in zip(total.lefts, total.rights):
            weight = x if x in parameters else y if y in parameters else own
            note(x, weight)
            note(y, weight)
    return first


def share_weights(first: Mapping[int, int], sets: Sequence[Iterable[int]]) -> bool:
    """Return whether the same weights multiply nodes of all sets, so that one product could read them.

    Args:
        first: the first weight that multiplies each node.
    """
    return bool(set.intersection(*[{first[i] for i in nodes if i in first} for nodes in sets]))
