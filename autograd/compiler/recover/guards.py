"""Guard operands, so that operands that a choice does not select receive a cotangent of exactly 0.

See `scalars/guards.py`. The mask of a view is known when the view is lowered, but is itself lowered last, since it may
depend on the guarded array.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Literal, NamedTuple

from autograd.arrays import np
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import PADDING, Shape
from autograd.compiler.arrays.shapes import broadcast_shape, is_batched
from autograd.compiler.recover.groups import Group, SumOfProducts
from autograd.compiler.recover.read import Reader
from autograd.compiler.recover.sums.blocks import Matrix, Product, Rows, View

_ALWAYS, _NEVER = -1, -2  # replace the node of a condition, and its source
_CONSTANT = frozenset({_ALWAYS, _NEVER})

Layout = Literal["columns", "rows", "summed"]
COLUMNS: Layout = "columns"  # one column per member of a group
ROWS: Layout = "rows"  # one row of columns per member
SUMMED: Layout = "summed"  # one row of columns for all members, whose derivatives are added


class _Mask(NamedTuple):
    """A mask that guards refer to.

    Attributes:
        nodes: the condition under which each member is reached; _ALWAYS or _NEVER if that is constant.
        batched: whether the guarded array has a row for each sample.
    """

    nodes: tuple[int, ...]
    batched: bool
    layout: Layout


class Guards:
    """Guards of a program while it is lowered. Equal masks share a number."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._grouping = reader, reader.grouping
        self._conditions = reader.grouping.scalars.guards
        self._numbers: dict[_Mask, int] = {}

    def is_careful(self, group: Group) -> bool:
        """Return whether an infinite cotangent can reach a choice among the members of a group."""
        return not self._conditions.choices.isdisjoint(group.members)

    def reached(self, group: Group, x: Handle, layout: Layout = COLUMNS) -> Handle:
        """Return an operand of a group, guarded unless all members are always reached."""
        nodes = self._conditions_of(group)
        if nodes is None:
            return x
        mask = _Mask(nodes, group.batched, layout)
        shape = broadcast_shape([x.shape, self._shape(mask)])
        assert shape is not None
        return self._reader.builder.guard(
            self._reader.builder.broadcast(x, shape), self._numbers.setdefault(mask, len(self._numbers))
        )

    def always_reached(self, group: Group) -> bool:
        """Return whether all members of a group are always reached, so that their operands need no guard."""
        return self._conditions_of(group) is None

    def _conditions_of(self, group: Group) -> tuple[int, ...] | None:
        """Return the condition of each member; None if all are always reached."""
        reached, unreached = self._conditions.of, self._conditions.unreached
        if not (reached or unreached):
            return None
        nodes: list[int] = []
        for i in group.members:
            if i == PADDING and nodes:  # a padding lane, which nothing reads: the neighbour's condition keeps runs long
                nodes.append(nodes[-1])
            else:
                nodes.append(_NEVER if i in unreached else reached.get(i, _ALWAYS))
        return None if set(nodes) == {_ALWAYS} else tuple(nodes)

    def factor(self, group: SumOfProducts, block: Rows, x: Handle, layout: Layout = COLUMNS) -> Handle:
        """Return a factor, guarded if it is part of an unweighted product; all other slopes are finite."""
        if block.right is None or self._is_weighted(group, block):
            return x
        return self.reached(group, x, layout)

    def masks(self) -> list[Handle]:
        """Lower the masks, in the order of their numbers."""
        return [self._lowered(mask) for mask in self._numbers]

    def _is_weighted(self, group: SumOfProducts, block: Rows) -> bool:
        """Return whether a block is part of a weighted sum of at least two terms."""
        terms = 0
        for other in group.blocks:
            if isinstance(other, Product):
                continue
            if isinstance(other, Matrix):
                terms += other.columns.positions.shape[1]
            elif self._has_weights(other):
                terms += other.left.positions.shape[1]
        return terms > 1 and self._has_weights(block)

    def _has_weights(self, block: Rows) -> bool:
        both_batched = self._reader.is_batched(block.left) and self._reader.is_batched(block.right)
        return block.right is not None and not both_batched

    # Masks

    def _runs(self, nodes: Sequence[int]) -> list[tuple[int, list[int]]]:
        """Split nodes where their source changes; return the source and the nodes of each run."""
        array = np.array(nodes)
        sources = np.where(array < 0, array, self._grouping.source[array]).tolist()
        by_source = itertools.groupby(zip(sources, nodes), key=operator.itemgetter(0))
        return [(source, [i for _, i in run]) for source, run in by_source]

    def _shape(self, mask: _Mask) -> Shape:
        """Return a mask's shape, before it is lowered."""
        runs = self._runs(mask.nodes)
        some_batched = any(source not in _CONSTANT and self._grouping.batched[source] for source, _ in runs)
        width = 1 if len(runs) == 1 and self._is_one_column(*runs[0]) else len(mask.nodes)
        lengths = (width, 1) if mask.layout == ROWS else (1 if mask.layout == SUMMED else width,)
        return self._reader.shape_of(some_batched and mask.batched, *lengths)

    def _is_one_column(self, source: int, nodes: list[int]) -> bool:
        """Return whether nodes of one source are all the same condition."""
        places = self._grouping.position[nodes]
        return source in _CONSTANT or bool((places == places[0]).all())

    def _lowered(self, mask: _Mask) -> Handle:
        builder, condition = self._reader.builder, self._condition(mask.nodes)
        if is_batched(condition.shape) and not mask.batched:
            condition = builder.reduce(condition, "any", (0,))
        if mask.layout == ROWS:
            return builder.reshape(condition, (*condition.shape, 1))
        if mask.layout == SUMMED and condition.shape[-1] != 1:
            return builder.reduce(condition, "any", (len(condition.shape) - 1,), keepdims=True)
        return condition

    def _condition(self, nodes: tuple[int, ...]) -> Handle:
        """Return a column for each node, of ones for _ALWAYS and zeros for _NEVER; a single column if all are equal."""
        runs = self._runs(nodes)
        parts = [self._part(*run) for run in runs]
        if len(parts) == 1:
            return parts[0]
        reader, batched = self._reader, any(is_batched(part.shape) for part in parts)
        full = [reader.builder.broadcast(x, reader.shape_of(batched, len(run))) for (_, run), x in zip(runs, parts)]
        return reader.builder.concatenate(full, int(batched))

    def _part(self, source: int, nodes: list[int]) -> Handle:
        """Return the conditions of nodes of one source."""
        if source in _CONSTANT:
            return self._reader.builder.constant(np.full(1, float(source == _ALWAYS)))
        return self._reader.vector(View(source, self._grouping.position[nodes]))
