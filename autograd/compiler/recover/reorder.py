"""Reorder the members of groups, or adapt groups to reordered operands."""

from __future__ import annotations

from collections.abc import Callable

from autograd.arrays import np
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import (
    Application,
    Choice,
    Concatenation,
    Group,
    LookUps,
    Reduction,
    RunningSum,
    SumOfProducts,
)
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.sums.blocks import Block, Matrix, Numbers, Product, Rows, View


def reordered(group: Group, order: Positions) -> Group:
    """Return a group with its members in a new order."""
    members = tuple([group.members[r] for r in order.tolist()])
    match group:
        case Application():
            operands = tuple([_reordered_operand(operand, order) for operand in group.operands])
            return group._replace(members=members, operands=operands)
        case Reduction():
            return group._replace(members=members, view=group.view[order])
        case SumOfProducts():
            return group._replace(
                members=members,
                blocks=tuple([reordered_block(block, order) for block in group.blocks]),
                constant=_taken(group.constant, order),
                factor=_taken(group.factor, order),
                divisor=_taken(group.divisor, order),
            )
        case Choice():
            return group._replace(members=members, view=group.view[order], indices=group.indices[order])
        case Concatenation() | RunningSum() | LookUps() | Repetition() | LoopResult():
            raise TypeError(
                "a concatenation, a running sum, look-ups, or a loop cannot be reordered: its reads fix the order"
            )


def _reordered_operand(operand: View | float | Numbers, order: Positions) -> View | float | Numbers:
    return operand[order] if isinstance(operand, View) else _taken(operand, order)


def reordered_block(block: Block, order: Positions) -> Block:
    """Return a block with its rows in a new order."""
    if isinstance(block, Rows):
        return Rows(
            _taken(block.coefficients, order),
            block.left[order],
            None if block.right is None else block.right[order],
        )
    if block.place is not None:
        place = block.place[order]
        is_complete = len(place) == block.results and (place == np.arange(len(place))).all()
        return block._replace(place=None if is_complete else place)
    if isinstance(block, Product):
        raise ValueError("the rows of a matrix product cannot be reordered: its factors fix the order")
    weights, channels = block.weights, block.channels
    if len(block.columns.positions) > 1 and weights is not None:
        columns = block.columns[order[::channels] // channels]
        return block._replace(columns=columns, weights=weights[order[:channels] % channels])
    return block._replace(
        coefficients=_taken(block.coefficients, order),
        weights=None if weights is None else weights[order],
    )


def _taken(numbers: float | Numbers, order: Positions) -> float | Numbers:
    return numbers[order] if isinstance(numbers, np.ndarray) else numbers


def renumbered(group: Group, source: int, number: Positions) -> Group:
    """Return a group adapted to a renumbered source, with its terms in the new order where the order is free."""

    def read(view: View) -> View:
        return View(source, number[view.positions]) if view.source == source else view

    match group:
        case Application():
            return group._replace(operands=tuple([read(x) if isinstance(x, View) else x for x in group.operands]))
        case Reduction():
            view = read(group.view)
            return group if view is group.view else group._replace(view=View(source, np.sort(view.positions, axis=1)))
        case SumOfProducts():
            return group._replace(blocks=tuple([_renumbered_block(block, read) for block in group.blocks]))
        case RunningSum():
            return group._replace(view=read(group.view))
        case LookUps():
            return group._replace(indices=read(group.indices))
        case Choice():
            return group._replace(view=read(group.view), indices=read(group.indices))
        case Repetition():
            states, arrays, same = (
                tuple([read(x) if isinstance(x, View) else x for x in several])
                for several in (group.states, group.read, group.same)
            )
            return group._replace(states=states, read=arrays, same=same)
        case LoopResult():
            return group
        case Concatenation():
            return group._replace(pieces=tuple(map(read, group.pieces)))


def _renumbered_block(block: Block, read: Callable[[View], View]) -> Block:
    if isinstance(block, Rows):
        right = None if block.right is None else read(block.right)
        return _sorted_rows(block._replace(left=read(block.left), right=right))
    if isinstance(block, Product):
        return _sorted_product(block._replace(left=read(block.left), right=read(block.right)))
    weights = None if block.weights is None else read(block.weights)
    return _sorted_columns(block._replace(weights=weights, columns=read(block.columns)))


def _sorted_rows(block: Rows) -> Rows:
    """Sort the terms of each row by their right, or only, factors."""
    if block.left.positions.shape[1] == 1:
        return block
    left, right = block.left.positions, block.left.positions if block.right is None else block.right.positions
    order = np.lexsort((left, right), axis=1)
    coefficients = block.coefficients
    if isinstance(coefficients, np.ndarray):
        coefficients = np.take_along_axis(coefficients, order, axis=1)
    return Rows(
        coefficients,
        View(block.left.source, np.take_along_axis(left, order, axis=1)),
        None if block.right is None else View(block.right.source, np.take_along_axis(right, order, axis=1)),
    )


def _sorted_product(block: Product) -> Product:
    """Sort the columns of a product in the order of the right factor."""
    positions = block.right.positions.reshape(-1, block.right.positions.shape[2])
    order = np.argsort(positions[(positions != PADDING).sum(axis=1).argmax()], kind="stable")
    return block._replace(left=block.left[:, :, order], right=block.right[:, :, order])


def _sorted_columns(block: Matrix) -> Matrix:
    """Sort the columns of a product in the order of the multiplied array; over patches, of the fullest patch."""
    fullest = (block.columns.positions >= 0).sum(axis=1).argmax()
    order = np.argsort(block.columns.positions[fullest], kind="stable")
    coefficients, weights = block.coefficients, block.weights
    return Matrix(
        coefficients[:, order] if isinstance(coefficients, np.ndarray) else coefficients,
        None if weights is None else weights[:, order],
        block.columns[:, order],
        block.place,
    )
