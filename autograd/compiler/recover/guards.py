"""Guard what is read, so that what a choice did not take receives a derivative of exactly 0 (see `choices.py`).

Which mask guards a view is known when the view is lowered; the mask itself is lowered last, since it may depend on what
it guards.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Literal, NamedTuple

from autograd.arrays import np
from autograd.compiler.arrays.builder import Handle
from autograd.compiler.arrays.operations import Shape, broadcast_shape, is_batched
from autograd.compiler.recover.groups import ABSENT, Group, Matrix, Rows, View
from autograd.compiler.recover.read import Reader

_NEVER = -2  # in place of a mask's node, where no derivative comes

Layout = Literal["columns", "rows", "summed"]
COLUMNS: Layout = "columns"  # a column for each member of a group
ROWS: Layout = "rows"  # a row of columns for each member
SUMMED: Layout = "summed"  # a row of columns for all members, whose derivatives are added up


class _Mask(NamedTuple):
    """A mask that guards refer to.

    Attributes:
        nodes: the condition of each member; ABSENT where it is always reached, _NEVER where it never is.
        batched: whether what it guards has a row for each sample.
    """

    nodes: tuple[int, ...]
    batched: bool
    layout: Layout


class Guards:
    """Guards of a program that is being lowered. Each mask has a number, under which it is listed once."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._grouping = reader, reader.grouping
        self._conditions = reader.grouping.scalars.masks
        self._numbers: dict[_Mask, int] = {}

    def is_careful(self, group: Group) -> bool:
        """Return whether an infinite derivative can arrive at a choice among the members of a group."""
        return not self._conditions.choices.isdisjoint(group.members)

    def reached(self, group: Group, x: Handle, layout: Layout = COLUMNS) -> Handle:
        """Return what a group reads, guarded where not all members are always reached."""
        reached, unreached = self._conditions.reached, self._conditions.unreached
        if not (reached or unreached):
            return x
        nodes = tuple([_NEVER if i in unreached else reached.get(i, ABSENT) for i in group.members])
        if set(nodes) == {ABSENT}:
            return x
        mask = _Mask(nodes, group.batched, layout)
        shape = broadcast_shape([x.shape, self._shape(mask)])
        assert shape is not None
        return self._reader.builder.guard(
            self._reader.builder.broadcast(x, shape), self._numbers.setdefault(mask, len(self._numbers))
        )

    def factor(self, group: Group, block: Rows, x: Handle, layout: Layout = COLUMNS) -> Handle:
        """Return a factor, guarded in products: the slopes of what is no product, or is weighted, are finite."""
        if block.right is None or self._is_weighted(group, block):
            return x
        return self.reached(group, x, layout)

    def masks(self) -> list[Handle]:
        """Lower the masks, in the order of their numbers."""
        return [self._lowered(mask) for mask in self._numbers]

    def _is_weighted(self, group: Group, block: Rows) -> bool:
        """Return whether a block belongs to a weighted sum of at least two terms, or is one."""
        terms = 0
        for other in group.blocks:
            if isinstance(other, Matrix):
                terms += other.columns.index.shape[1]
            elif self._has_weights(other):
                terms += other.left.index.shape[1]
        return terms > 1 and self._has_weights(block)

    def _has_weights(self, block: Rows) -> bool:
        both_batched = self._reader.is_batched(block.left) and self._reader.is_batched(block.right)
        return block.right is not None and not both_batched

    # Masks

    def _runs(self, nodes: Iterable[int]) -> list[list[int]]:
        """Split nodes where the source changes that their conditions are in."""
        source = self._grouping.source
        by_source = itertools.groupby(nodes, key=lambda i: i if i < 0 else int(source[i]))
        return [list(run) for _, run in by_source]

    def _shape(self, mask: _Mask) -> Shape:
        """Return the shape that a mask will have."""
        first, *others = self._runs(mask.nodes)
        width = len(mask.nodes) if others else self._width(first)
        some_batched = any(i >= 0 and self._grouping.batched[self._grouping.source[i]] for i in mask.nodes)
        lengths = (width, 1) if mask.layout == ROWS else (1 if mask.layout == SUMMED else width,)
        return self._reader.shape_of(some_batched and mask.batched, *lengths)

    def _width(self, run: list[int]) -> int:
        """Return how many columns the condition of nodes of one source has: one where they are the same."""
        places = self._grouping.position[run] if run[0] >= 0 else np.zeros(1)
        return 1 if (places == places[0]).all() else len(run)

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
        """Return a column for each node, of ones for ABSENT, zeros for _NEVER; a single column if they are the same."""
        runs = self._runs(nodes)
        parts = [self._part(run) for run in runs]
        if len(parts) == 1:
            return parts[0]
        reader, batched = self._reader, any(is_batched(part.shape) for part in parts)
        full = [reader.builder.broadcast(part, reader.shape_of(batched, len(run))) for run, part in zip(runs, parts)]
        return reader.builder.concatenate(full, int(batched))

    def _part(self, nodes: list[int]) -> Handle:
        """Return the conditions of nodes of one source."""
        if nodes[0] < 0:
            return self._reader.builder.constant(np.full(1, float(nodes[0] == ABSENT)))
        return self._reader.vector(View(int(self._grouping.source[nodes[0]]), self._grouping.position[nodes]))
