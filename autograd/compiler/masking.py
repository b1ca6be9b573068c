"""Stage 4, differentiate: masks, so that what was not taken contributes nothing (see `scalars/guards.py`)."""

from __future__ import annotations

import itertools
from typing import Any, Literal

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.recover.groups import Group, Matrix, Rows, View
from autograd.compiler.scalars.nodes import ABSENT
from autograd.compiler.symbols import ATOM, Symbol, written
from autograd.compiler.writer import Writer

NEVER = -2  # in place of a mask's node, where no derivative comes

Layout = Literal["columns", "rows", "summed"]
COLUMNS: Layout = "columns"  # a column for each member of a group
ROWS: Layout = "rows"  # a row of columns for each member
SUMMED: Layout = "summed"  # a row of columns for all members, whose derivatives are added up


class Masking:
    """Writes the derivatives that groups hand to their operands as 0 where a mask is."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._grouping = writer, writer.grouping
        self._masks = writer.grouping.scalars.guards

    def chosen(self, group: Group, adjoint: Symbol, slope: Any) -> Any:
        """The derivative to an operand of an application; of a choice where it takes this, else exactly 0."""
        if not isinstance(slope, Symbol) or self._masks.choices.isdisjoint(group.members):
            return adjoint * slope
        if slope.mask is not None:
            return self._where(slope.mask, adjoint)
        return self._where(slope, adjoint if group.primitive is primitives.where else adjoint * slope)

    def reached(self, group: Group, derivative: Any, layout: Layout = COLUMNS) -> Any:
        """A derivative where it reaches the group, else exactly 0."""
        nodes = [NEVER if i in self._masks.unreached else self._masks.of.get(i, ABSENT) for i in group.members]
        if not isinstance(derivative, Symbol) or set(nodes) == {ABSENT}:
            return derivative
        return self._where(self._laid_out(group, nodes, layout), derivative)

    def through_product(self, group: Group, block: Rows, derivative: Any, layout: Layout = COLUMNS) -> Any:
        """The same for a sum of products; what is no product, or a weighted sum, has slopes that are finite."""
        if block.right is None or self._is_weighted(group, block):
            return derivative
        return self.reached(group, derivative, layout)

    def _is_weighted(self, group: Group, block: Rows) -> bool:
        """Whether a block belongs to a weighted sum of at least two terms, or is one."""
        terms = 0
        for other in group.blocks:
            if isinstance(other, Matrix):
                terms += other.columns.index.shape[1]
            elif self._has_weights(other):
                terms += other.left.index.shape[1]
        return terms > 1 and self._has_weights(block)

    def _has_weights(self, block: Rows) -> bool:
        return block.right is not None and not (
            self._writer.is_batched(block.left) and self._writer.is_batched(block.right)
        )

    def _condition(self, nodes: list[int]) -> Symbol:
        """A column for each node, of ones where there is none, zeros for `NEVER`; one column if they are the same."""
        source = self._grouping.source
        runs = [list(run) for _, run in itertools.groupby(nodes, key=lambda i: i if i < 0 else source[i])]
        parts = [self._part(run) for run in runs]
        if len(parts) == 1:
            return parts[0][0]
        batched = any(of_samples for _, of_samples in parts)
        texts = []
        for run, (part, of_samples) in zip(runs, parts):
            shape = f"(n, {len(run)})" if batched else f"({len(run)},)"
            full = part.width == len(run) and of_samples == batched
            texts.append(part.text if full else f"broadcast_to({part.text}, {shape})")
        return self._writer.symbol(f"concatenate([{', '.join(texts)}], axis=-1)", len(nodes))

    def _part(self, nodes: list[int]) -> tuple[Symbol, bool]:
        """Columns from one source, and whether they are of each sample."""
        if nodes[0] < 0:
            return self._writer.numbers(np.full(1, float(nodes[0] == ABSENT))), False
        view = View(int(self._grouping.source[nodes[0]]), self._grouping.position[nodes])
        return self._writer.vector(view), self._writer.is_batched(view)

    def _laid_out(self, group: Group, nodes: list[int], layout: Layout) -> Symbol:
        condition, writer = self._condition(nodes), self._writer
        batched = any(i >= 0 and self._grouping.batched[self._grouping.source[i]] for i in nodes)
        if batched and not group.batched:
            condition = writer.symbol(f"{written(condition, ATOM)}.any(axis=0)", condition.width)
        if layout == ROWS:
            return writer.symbol(f"{written(condition, ATOM)}[..., None]", 1)
        if layout == SUMMED and condition.width > 1:
            return writer.symbol(f"{written(condition, ATOM)}.any(axis=-1, keepdims=True)", 1)
        return condition

    def _where(self, condition: Symbol, derivative: Symbol) -> Any:
        return derivative.apply(primitives.where, (condition, derivative, 0.0))
