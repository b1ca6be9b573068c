"""How sums of a few elements in each row are computed: as sums of slices, as on a grid, where all cells do the same."""

from __future__ import annotations

from autograd.arrays import np
from autograd.compiler.products import Index, Matrix, Rows, View, uniform
from autograd.compiler.slices import as_axes, as_slice, is_part

MOST_TERMS = 9  # in each row: as many as there are cells in and around one of a grid


def apart(block: Rows | Matrix, widths: list[int]) -> list[Rows | Matrix]:
    """A sum of few elements in each row as a block for each of them, where all are slices; or a difference of two."""
    if isinstance(block, Matrix) or len(block.left.index) < 2:
        return [block]
    if block.right is None and block.left.index.shape[1] == 2 and not isinstance(block.coefficients, float):
        order = np.argsort(-block.coefficients, axis=1, kind="stable")
        coefficients = np.take_along_axis(block.coefficients, order, axis=1)
        if (coefficients == coefficients[0]).all():
            left = View(block.left.source, np.take_along_axis(block.left.index, order, axis=1))
            return _columns(Rows(coefficients, left, None))
    return _columns(block) if _is_stencil(block, widths) else [block]


def _is_stencil(block: Rows, widths: list[int]) -> bool:
    """Whether each row sums up a few elements here and there, which are slices for all rows, but not one together."""
    factors = [view for view in (block.left, block.right) if view is not None]
    columns = [(column, widths[view.source]) for view in factors for column in view.index.T]
    varying = [(column, width) for column, width in columns if (column != column[0]).any()]
    terms = block.left.index.shape[1]
    if not 1 < terms <= MOST_TERMS or not 0 < len(varying) <= terms:
        return False
    if all(_is_whole(view.index.reshape(-1)) for view in factors):
        return False
    order = np.argsort(varying[0][0])  # the order of the rows is still free
    return all(is_part(column[order], width) for column, width in varying)


def _is_whole(index: Index) -> bool:
    return as_slice(index) is not None or as_axes(index) is not None


def _columns(block: Rows) -> list[Rows | Matrix]:
    """A block for each term."""
    coefficients = np.broadcast_to(block.coefficients, block.left.index.shape)
    found: list[Rows | Matrix] = []
    for k in range(block.left.index.shape[1]):
        left, right = [None if v is None else View(v.source, v.index[:, k : k + 1]) for v in (block.left, block.right)]
        assert left is not None
        found.append(Rows(uniform(coefficients[:, k : k + 1]), left, right))
    return found
