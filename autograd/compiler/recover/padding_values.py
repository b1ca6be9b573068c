"""Choose the number in the padding of each array, so that reductions over it need no mask.

The padding of a matrix product is filled once, with the number that suits its readers best: with -inf before a softmax,
since exp(-inf) is 0 and so are the shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from autograd.arrays import np
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import Application, Group, Grouping, Reduction, SumOfProducts, padded_product
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.sums.blocks import Numbers, Rows, View
from autograd.compiler.scalars.program import apply
from autograd.primitives import div

_FILLS = -math.inf, 0.0, math.inf
_SAMPLES = tuple(zip(*[iter(map(math.cos, range(15)))] * 5))
"""Three times five numbers of both signs, for operands of which nothing is known."""

Padding = dict[int, float]
"""The number in the padding of each source, if it is known."""


def neutral(group: Group) -> float:
    """Return the neutral element of a group's reduction."""
    if isinstance(group, Reduction):
        return {"max": -math.inf, "logsumexp": -math.inf, "min": math.inf}.get(group.primitive.name, 0.0)
    return 0.0


def padding_values(grouping: Grouping) -> Padding:
    """Return the number in the padding of each array, including the chosen fills of matrix products."""
    padded = [group for group in grouping.groups if PADDING in group.members]
    fills: Padding = {}
    for group in padded:
        if padded_product(group):
            least = _masks(grouping, padded, fills)
            for number in _FILLS:
                attempt = {**fills, group.source: number}
                masks = 1 + _masks(grouping, padded, attempt)
                if masks < least:
                    least, fills = masks, attempt
    return _propagated(padded, fills)


def _propagated(padded: list[Group], fills: Padding) -> Padding:
    """Propagate known padding numbers to the arrays computed from them."""
    members = {group.source: np.array(group.members) for group in padded}
    padding = dict(fills)
    for group in padded:
        if not padded_product(group):
            number, *others = [_evaluated(group, padding, members, sample) for sample in _SAMPLES]
            if number is not None and all(other == number for other in others):
                padding[group.source] = number
    return padding


def _masks(grouping: Grouping, padded: list[Group], fills: Padding) -> int:
    """Count the reductions that need a mask because of padding."""
    padding = _propagated(padded, fills)
    sources = {group.source for group in padded}
    return sum(
        padding.get(view.source) != neutral(group)
        for group in grouping.groups
        for view in _reduced(group)
        if view.source in sources and (view.positions == PADDING).any()
    )


def _reduced(group: Group) -> Iterator[View]:
    """Yield the views that a group reduces."""
    if isinstance(group, Reduction):
        yield group.view
    elif isinstance(group, SumOfProducts):
        for block in group.blocks:
            yield from block.factors


def _evaluated(
    group: Group, padding: Padding, members: Mapping[int, Positions], sample: Sequence[float]
) -> float | None:
    """Return the number that a group computes in its padding if its other operands are these; None if it varies.

    Args:
        members: the members of the arrays with padding.
    """
    own = members[group.source] == PADDING
    numbers = iter(sample)

    def read(x: View | float | Numbers) -> float | None:
        if not isinstance(x, View):
            return x if isinstance(x, float) else None
        if x.source not in members:
            return next(numbers, None)
        is_padding = members[x.source][x.positions.reshape(-1)[own]] == PADDING
        return padding.get(x.source) if is_padding.all() else None

    if isinstance(group, Application):
        inputs = [x for x in map(read, group.operands) if x is not None]
        return apply(group.primitive, inputs) if len(inputs) == len(group.operands) else None
    return _evaluated_sum(group, read) if isinstance(group, SumOfProducts) else None


def _evaluated_sum(group: SumOfProducts, read: Callable[[View | float | Numbers], float | None]) -> float | None:
    """Return constant + Σ coefficient · left · right, scaled; None if a number is unknown."""
    total = read(group.constant)
    for block in group.blocks:
        if not isinstance(block, Rows) or block.left.positions.shape[1] > 1 or total is None:
            return None
        product = read(block.coefficients)
        for view in block.factors:
            factor = read(view)
            if product is None or factor is None:
                return None
            product *= factor
        assert product is not None
        total += product
    factor, divisor = read(group.factor), read(group.divisor)
    return None if total is None or factor is None or divisor is None else apply(div, [total * factor, divisor])
