"""Padding: places of an array, or elements of a row, added so that all rows have one shape.

Elements at PADDING read as zero, or as the neutral element of a reduction. A target reads some element there anyway, so
`filled` continues the affine pattern; then the views are slices again, and a mask replaces the padding.
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
    """Return the affine map that agrees with positions outside of PADDING; None if there is none within the array.

    Args:
        positions: an array of any shape; the map is affine in its axes.
        width: the width of the array that is read.

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
    """Return the difference of two neighbouring positions along an axis that are not padding; 0 if there are none."""
    inner = math.prod(positions.shape[axis + 1 :])
    by_axis = positions.reshape(-1, positions.shape[axis], inner)
    here, there = by_axis[:, :-1].reshape(-1), by_axis[:, 1:].reshape(-1)
    both = np.flatnonzero((here != PADDING) & (there != PADDING))
    return int(there[both[0]]) - int(here[both[0]]) if len(both) else 0


def columns_of_rows(
    row: Positions, positions: Sequence[Positions], rows: int, widths: Sequence[int], gathers: bool = False
) -> Positions | None:
    """Return the column of each element in a table as wide as the longest row.

    Rows are aligned left or right, or with other rows, so that the table is affine. None if it is not affine and there
    are few distinct lengths; or if most of the table would be padding.

    Args:
        row: the row of each element, ascending.
        positions: the position of each element, ascending in each row; one sequence for each array.
        widths: the widths of these arrays.
        gathers: whether the table need not be affine, for any number of lengths and elements.

    >>> columns_of_rows(np.array([0, 1, 1, 2, 2, 2]), [np.array([0, 3, 4, 6, 7, 8])], 3, [9]).tolist()
    [0, 0, 1, 0, 1, 2]
    """
    counts = np.bincount(row, minlength=rows)
    longest, lengths = int(counts.max()), len(distinct(counts))
    if int(counts.min()) < 1 or not (gathers or cost.worth_table(len(row), rows * longest)):
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
    return to_the_left if gathers or cost.worth_gathering(lengths, _runs(counts)) else None


def _runs(counts: Positions) -> int:
    """Return the number of runs of rows of equal length."""
    return 1 + int(np.count_nonzero(counts[1:] != counts[:-1]))


def by_similar_length(counts: Positions, gathers: bool = False) -> Positions:
    """Number the rows, equally where one table contains them: the fewest tables that pay; by length for adjacent rows.

    Args:
        counts: the length of each row.
        gathers: whether rows are padded even if rows of equal length are adjacent.

    >>> by_similar_length(np.array([1, 2, 1, 9, 2, 1, 8])).tolist()
    [0, 0, 0, 1, 0, 0, 1]
    """
    if not gathers and not cost.alternate(_runs(counts)):
        return counts
    lengths = distinct(counts)
    rows = np.searchsorted(np.sort(counts), lengths).tolist()
    ends = _fewest_tables(lengths.tolist(), [*rows, len(counts)], int(counts.sum()))
    return np.searchsorted(lengths[np.array(ends) - 1], counts)


def _fewest_tables(lengths: Sequence[int], rows: Sequence[int], elements: int) -> list[int]:
    """Return the end of each table, among ascending lengths; the tables are as small as they can be together.

    Args:
        lengths: the distinct lengths of rows.
        rows: the number of rows shorter than each length, and in the last place, of all.
        elements: the number of elements of all rows.

    >>> _fewest_tables([1, 2, 8, 9], [0, 3, 5, 6, 7], 24)
    [2, 4]
    """
    least: list[tuple[int, list[int]]] = [(0, []), *[(rows[n] * length, [n]) for n, length in enumerate(lengths, 1)]]
    while not cost.worth_table(elements, least[-1][0]):  # a table for each length has no padding
        least = [
            min(
                [(size + (rows[n] - rows[k]) * lengths[n - 1], [*ends, n]) for k, (size, ends) in enumerate(least[:n])],
                default=(0, []),
            )
            for n in range(len(least))
        ]
    return least[-1][1]


def table(row: Positions, column: Positions, elements: Any, rows: int, padding: Any) -> Any:
    """Return elements as a table, with padding where there are none."""
    result = np.full((rows, int(column.max()) + 1), padding)
    result[row, column] = elements
    return result


def _as_full_rows(row: Positions, positions: Positions, counts: Positions, starts: Positions) -> Positions | None:
    """Return the column of each element if full rows are affine and shorter rows are parts of such rows.

    Args:
        row, positions: the row and position of each element.
        counts, starts: the number of elements of each row and the place of the first.
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
    """The grid of an array with padding.

    Attributes:
        grid: the lengths of its axes.
        members: the nodes, in order; PADDING where a result is discarded.
    """

    grid: tuple[int, ...]
    members: Positions


def layout_of(group: Group) -> Layout | None:
    """Return the layout of a matrix product with discarded results."""
    product = padded_product(group)
    return None if product is None else Layout(product.shape, np.array(group.members))


def on_layout(group: Group, layout: Layout, read: View, widths: Sequence[int]) -> Group | None:
    """Return a group with one member for each place of an array that it reads elementwise.

    Where the array has padding, the group computes padding, from any elements. None if the group does not read each
    member once, or if its other reads would no longer be slices.
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
