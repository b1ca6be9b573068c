"""Write sums of a few elements in each row as sums of slices, as for the cells of a grid."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.recover.index import Index, Positions, is_part
from autograd.compiler.recover.sums.blocks import Block, Rows, View
from autograd.compiler.recover.sums.terms import uniform


def split_stencil(block: Block, widths: Sequence[int]) -> list[Block]:
    """Split a sum of a few elements per row into a block for each, if all are slices, or a difference of two.

    Args:
        widths: the widths of the sources.
    """
    if not isinstance(block, Rows) or len(block.left.positions) < 2:
        return [block]
    if block.right is None and block.left.positions.shape[1] == 2 and not isinstance(block.coefficients, float):
        order = np.argsort(-block.coefficients, axis=1, kind="stable")
        coefficients = np.take_along_axis(block.coefficients, order, axis=1)
        if (coefficients.min(axis=0) == coefficients.max(axis=0)).all():
            left = View(block.left.source, np.take_along_axis(block.left.positions, order, axis=1))
            return _columns(Rows(coefficients, left, None))
    return _columns(block) if _is_stencil(block, widths) else [block]


def _is_stencil(block: Rows, widths: Sequence[int]) -> bool:
    """Return whether each term is a slice for all rows, while the terms together are not."""
    columns = [(column, widths[view.source]) for view in block.factors for column in view.positions.T]
    varying = [(column, width) for column, width in columns if column.min() < column.max()]
    if not cost.worth_slices(block.left.positions.shape[1], len(varying)):
        return False
    if all(_is_slice(view.positions.reshape(-1)) for view in block.factors):
        return False
    (first, _), *_ = varying
    order = np.argsort(first)  # the rows may still be reordered
    return all(is_part(column[order], width) for column, width in varying)


def _is_slice(positions: Positions) -> bool:
    index = Index.of(positions)
    return index.slice is not None or index.axes is not None


def _columns(block: Rows) -> list[Block]:
    """Return a block for each term."""
    coefficients = np.broadcast_to(block.coefficients, block.left.positions.shape)
    return [
        Rows(
            uniform(coefficients[:, k : k + 1]),
            block.left[:, k : k + 1],
            None if block.right is None else block.right[:, k : k + 1],
        )
        for k in range(block.left.positions.shape[1])
    ]
