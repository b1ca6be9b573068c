"""Groups whose members, or what they read, are in another order."""

from __future__ import annotations

from autograd.arrays import np
from autograd.compiler.recover.groups import Group, Matrix, Numbers, Rows, View, weights_index
from autograd.compiler.recover.index import Positions


def reordered(group: Group, order: Positions) -> Group:
    """A group with its members in a new order."""
    operands = tuple(
        [
            View(x.source, x.index[order]) if isinstance(x, View) else x[order] if isinstance(x, np.ndarray) else x
            for x in group.operands
        ]
    )
    return group._replace(
        members=[group.members[r] for r in order.tolist()],
        operands=operands,
        blocks=tuple([reordered_block(block, order) for block in group.blocks]),
        constant=_taken(group.constant, order),
        factor=_taken(group.factor, order),
        divisor=_taken(group.divisor, order),
    )


def reordered_block(block: Rows | Matrix, order: Positions) -> Rows | Matrix:
    """A block with its rows in a new order."""
    if isinstance(block, Rows):
        return Rows(
            _taken(block.coefficients, order),
            View(block.left.source, block.left.index[order]),
            None if block.right is None else View(block.right.source, block.right.index[order]),
        )
    weights, channels = block.weights, len(weights_index(block))
    if block.place is not None:
        place = block.place[order]
        is_complete = len(place) == len(block.columns.index) * channels
        return block._replace(place=None if is_complete and (place == np.arange(len(place))).all() else place)
    if len(block.columns.index) > 1 and weights is not None:
        columns = View(block.columns.source, block.columns.index[order[::channels] // channels])
        return block._replace(columns=columns, weights=View(weights.source, weights.index[order[:channels] % channels]))
    return block._replace(
        coefficients=_taken(block.coefficients, order),
        weights=None if weights is None else View(weights.source, weights.index[order]),
    )


def _taken(numbers: float | Numbers, order: Positions) -> float | Numbers:
    return numbers[order] if isinstance(numbers, np.ndarray) else numbers


def renumbered(group: Group, source: int, number: Positions) -> Group:
    """A group that reads a source whose elements have new numbers, its terms in the new order where that is free."""

    def read(view: View) -> View:
        return View(source, number[view.index]) if view.source == source else view

    operands = []
    for x in group.operands:
        if isinstance(x, View) and x.source == source:
            x = read(x)
            if x.index.ndim == 2:
                x = View(source, np.sort(x.index, axis=1))
        operands.append(x)
    blocks: list[Rows | Matrix] = []
    for block in group.blocks:
        if isinstance(block, Rows):
            right = None if block.right is None else read(block.right)
            blocks.append(_sorted_rows(block._replace(left=read(block.left), right=right)))
        else:
            weights = None if block.weights is None else read(block.weights)
            blocks.append(_sorted_columns(block._replace(weights=weights, columns=read(block.columns))))
    return group._replace(operands=tuple(operands), blocks=tuple(blocks), pieces=tuple(map(read, group.pieces)))


def _sorted_rows(block: Rows) -> Rows:
    """The terms of each row in the order of their right factors, or of their only ones."""
    if block.left.index.shape[1] == 1:
        return block
    left, right = block.left.index, block.left.index if block.right is None else block.right.index
    order = np.lexsort((left, right), axis=1)
    coefficients = block.coefficients
    if isinstance(coefficients, np.ndarray):
        coefficients = np.take_along_axis(coefficients, order, axis=1)
    return Rows(
        coefficients,
        View(block.left.source, np.take_along_axis(left, order, axis=1)),
        None if block.right is None else View(block.right.source, np.take_along_axis(right, order, axis=1)),
    )


def _sorted_columns(block: Matrix) -> Matrix:
    """The columns of a product as the array has them that is multiplied; over patches, as the fullest one has them."""
    fullest = (block.columns.index >= 0).sum(axis=1).argmax()
    order = np.argsort(block.columns.index[fullest], kind="stable")
    coefficients, weights = block.coefficients, block.weights
    return Matrix(
        coefficients[:, order] if isinstance(coefficients, np.ndarray) else coefficients,
        None if weights is None else View(weights.source, weights.index[:, order]),
        View(block.columns.source, block.columns.index[:, order]),
        block.place,
    )
