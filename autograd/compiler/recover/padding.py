"""Padding: places of an array, or elements of a row, that are there only so that all have one shape.

What is read at PADDING is zero, or whatever else leaves a reduction as it is. A target reads some element there all the
same, so `filled` continues the pattern of what is read; then the views are slices again, and a mask does the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import Application, Group, SumOfProducts, padded_product, single_views, views
from autograd.compiler.recover.index import Positions, distinct
from autograd.compiler.recover.sums.blocks import Numbers, Rows, View


def filled(positions: Positions, width: int) -> Positions | None:
    """Return the affine map that reads the same where there is no PADDING; None where there is none within the array.

    Args:
        positions: of any shape; the map is affine in its axes.
        width: of the array.

    >>> filled(np.array([[0, -1, -1], [3, 4, -1], [6, 7, 8]]), 9).tolist()
    [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    """
    known = positions != PADDING
    if known.all():
        return positions
    if not known.any():
        return None
    result = np.zeros(positions.shape, dtype=np.int64)
    for axis, length in enumerate(positions.shape):
        shape = [1] * positions.ndim
        shape[axis] = length
        result = result + (_stride(positions, axis) * np.arange(length)).reshape(shape)
    flat = np.flatnonzero(known.reshape(-1))
    result = result + (int(positions.reshape(-1)[flat[0]]) - int(result.reshape(-1)[flat[0]]))
    if int(result.min()) < 0 or int(result.max()) >= width or (result[known] != positions[known]).any():
        return None
    return result


def _stride(positions: Positions, axis: int) -> int:
    """Return by how much positions grow along an axis, where two neighbours are known."""
    inner = math.prod(positions.shape[axis + 1 :])
    by_axis = positions.reshape(-1, positions.shape[axis], inner)
    here, there = by_axis[:, :-1].reshape(-1), by_axis[:, 1:].reshape(-1)
    both = np.flatnonzero((here != PADDING) & (there != PADDING))
    return int(there[both[0]]) - int(here[both[0]]) if len(both) else 0


def columns_of_rows(
    row: Positions, positions: Sequence[Positions], rows: int, widths: Sequence[int]
) -> Positions | None:
    """Return the column of each element in a table of as many columns as the longest row has elements.

    The elements are moved to the left or to the right, or to where other rows have them, so that the table is affine.
    None where it is not, and rows of each length by themselves would be few; or where most would be padding.

    Args:
        row: of each element, in ascending order.
        positions: of each element in an array, in ascending order in each row; or in several arrays.
        widths: of these arrays.

    >>> columns_of_rows(np.array([0, 1, 1, 2, 2, 2]), [np.array([0, 3, 4, 6, 7, 8])], 3, [9]).tolist()
    [0, 0, 1, 0, 1, 2]
    """
    counts = np.bincount(row, minlength=rows)
    longest, lengths = int(counts.max()), len(distinct(counts))
    if int(counts.min()) < 1 or not cost.worth_padding(len(row), rows * longest):
        return None
    starts = np.searchsorted(row, np.arange(rows))
    to_the_left = np.arange(len(row)) - starts[row]
    to_the_right = to_the_left + longest - counts[row]
    for column in (to_the_left, to_the_right, _as_full_rows(row, positions[0], counts, starts)):
        if column is not None and all(
            filled(table(row, column, of_array, rows, PADDING), width) is not None
            for of_array, width in zip(positions, widths)
        ):
            return column
    return to_the_left if cost.worth_gathering(lengths) else None


def table(row: Positions, column: Positions, elements: Any, rows: int, padding: Any) -> Any:
    """Return elements as a table, with something else where there are none."""
    result = np.full((rows, int(column.max()) + 1), padding)
    result[row, column] = elements
    return result


def _as_full_rows(row: Positions, positions: Positions, counts: Positions, starts: Positions) -> Positions | None:
    """Return the column of each element where rows of full length are affine, and shorter ones are parts of such.

    Args:
        row, positions: of each element.
        counts, starts: of each row, the number of its elements and the place of the first.
    """
    longest = int(counts.max())
    full = np.flatnonzero(counts == longest)
    if len(full) < 2 or longest < 2:
        return None
    first, second = (int(positions[starts[r]]) for r in full[:2])
    slope, rest = divmod(second - first, int(full[1] - full[0]))
    step = int(positions[starts[full[0]] + 1]) - first
    if rest or not step:
        return None
    distance = positions - (first + slope * (row - int(full[0])))
    lane: Positions = distance // step
    fits = (
        (lane * step == distance).all()
        and int(lane.min()) >= 0
        and int(lane.max()) < longest
        and len(distinct(row * longest + lane)) == len(lane)
    )
    return lane if fits else None


class Layout(NamedTuple):
    """An array with padding, on the grid that it is.

    Attributes:
        grid: the lengths of its axes.
        members: the nodes, in order; PADDING where a result is discarded.
    """

    grid: tuple[int, ...]
    members: Positions


def layout_of(group: Group) -> Layout | None:
    """Return the layout of a product of matrices that computes more than is needed."""
    product = padded_product(group)
    return None if product is None else Layout(product.shape, np.array(group.members))


def on_layout(group: Group, layout: Layout, read: View, widths: Sequence[int]) -> Group | None:
    """Return a group with a member in the place of each one of an array that it reads element by element.

    What it computes where the array has padding is padding again, of whatever it reads there. None where the group
    does not read each member once, or would not read other arrays by slices then.
    """
    own = read.positions
    elementwise = isinstance(group, Application) or len(single_views(group)) == len(views(group))
    if not elementwise or not np.array_equal(np.sort(own), np.flatnonzero(layout.members != PADDING)):
        return None
    members = np.full(len(layout.members), PADDING)
    members[own] = group.members

    def view(x: View) -> View | None:
        positions = np.full(len(members), PADDING)
        positions[own] = x.positions.reshape(-1)
        everywhere = filled(positions.reshape(layout.grid), widths[x.source])
        return None if everywhere is None else View(x.source, everywhere.reshape(-1, *x.positions.shape[1:]))

    def numbers(x: float | Numbers) -> float | Numbers:
        if isinstance(x, float):
            return x
        everywhere = np.ones(len(members))
        everywhere[own] = x.reshape(-1)
        return everywhere.reshape(-1, *x.shape[1:])

    if isinstance(group, Application):
        operands = [view(x) if isinstance(x, View) else numbers(x) for x in group.operands]
        known = tuple([x for x in operands if x is not None])
        return group._replace(members=tuple(members.tolist()), operands=known) if len(known) == len(operands) else None
    assert isinstance(group, SumOfProducts)
    blocks = []
    for block in group.blocks:
        assert isinstance(block, Rows)
        left, right = view(block.left), None if block.right is None else view(block.right)
        if left is None or (right is None and block.right is not None):
            return None
        blocks.append(Rows(numbers(block.coefficients), left, right))
    constant, factor, divisor = map(numbers, (group.constant, group.factor, group.divisor))
    return group._replace(
        members=tuple(members.tolist()), blocks=tuple(blocks), constant=constant, factor=factor, divisor=divisor
    )
