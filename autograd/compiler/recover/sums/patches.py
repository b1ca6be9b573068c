"""Sums that share their weights over several sets of columns, as in a convolution or an unrolled recurrence.

Rows with a weight in common belong to one channel; rows over the same columns, one of each channel, to one position.
So the sums are one product of the matrix of weights and the patches, the columns of each position.
"""

from __future__ import annotations

from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.components import components
from autograd.compiler.recover.groups import PARAMETERS
from autograd.compiler.recover.index import Positions, distinct
from autograd.compiler.recover.sums.blocks import Matrix, View
from autograd.compiler.recover.sums.terms import Terms, uniform


def over_patches(terms: Terms, rows: int, left: int, right: int) -> Matrix | None:
    """Rows between two sources as one product over patches, where they share their weights and that pays.

    At a padded edge a position lacks some columns, which then read zero; a position may lack channels too, such as a
    gate that has nothing to forget yet, whose results are computed and discarded.
    """
    coefficient = uniform(terms.coefficients)
    if not isinstance(coefficient, float):
        return None
    channel = channel_of(terms, rows)
    position = _positions(terms, rows, channel)
    channels, positions = int(channel.max()) + 1, int(position.max()) + 1
    place = position * channels + channel
    if len(distinct(place)) < rows or not cost.worth_patches(rows, positions * channels):
        return None
    weights = _weights(terms, channel, position, channels)
    if weights is None or weights.size == 1:  # one number for all is no matrix
        return None
    patches = _patches(terms, rows, position, weights)
    if patches is None or (right == PARAMETERS and (patches == PADDING).any()):  # parameters are read without padding
        return None
    reading = np.argsort(patches[(patches != PADDING).sum(axis=1).argmax()])
    return Matrix(coefficient, View(left, weights[:, reading]), View(right, patches[:, reading]), place)


def _patches(terms: Terms, rows: int, position: Positions, weights: Positions) -> Positions | None:
    """The columns of each position in the order of the weights, PADDING where one is lacking; None if there are few.

    None as well where a row reads what others of its position do not read, or has other weights.
    """
    column_of = np.full(int(terms.left.max()) + 1, PADDING)
    column_of[weights] = np.arange(weights.shape[1])
    column, where = column_of[terms.left], position[terms.row]
    patches = np.full((int(position.max()) + 1, weights.shape[1]), PADDING)
    patches[where, column] = terms.right
    present = (patches != PADDING).sum(axis=1)
    if (
        (column == PADDING).any()
        or (patches[where, column] != terms.right).any()
        or (np.bincount(terms.row, minlength=rows) != present[position]).any()
        or not cost.enough_filled(int(present.sum()), patches.size)
    ):
        return None
    return patches


def _weights(terms: Terms, channel: Positions, position: Positions, channels: int) -> Positions | None:
    """The matrix that the rows have in common, by the positions that have all channels; None if there is none."""
    has_all = np.bincount(position)[position[terms.row]] == channels
    # Sorted by position, column and channel, the weights of a column are adjacent, one for each channel.
    chosen = terms.reordered(np.flatnonzero(has_all))
    which = position[chosen.row]
    chosen = chosen.reordered(np.lexsort((channel[chosen.row], chosen.right, which)))
    if not len(chosen.row) or len(chosen.row) % channels:
        return None
    by_column = channel[chosen.row].reshape(-1, channels)
    columns = chosen.right.reshape(-1, channels)
    if not (by_column == np.arange(channels)).all() or (columns != columns[:, :1]).any():
        return None
    weights = chosen.left.reshape(-1, channels)
    weights = weights[np.lexsort(weights.T[::-1])]
    weights = weights[np.append(True, (weights[1:] != weights[:-1]).any(axis=1))]
    return None if len(distinct(weights)) < weights.size else np.ascontiguousarray(weights.T)


def channel_of(terms: Terms, rows: int) -> Positions:
    """The number of the channel of each row: rows with a weight in common belong to one channel."""
    return components(terms.row, terms.left, rows)


def _positions(terms: Terms, rows: int, channel: Positions) -> Positions:
    """The number of the position of each row: the columns it reads, and how many of its channel read these before."""
    ends = np.searchsorted(terms.row, np.arange(rows + 1)).tolist()
    right = terms.right
    number: dict[Any, int] = {}
    repeated: dict[Any, int] = {}
    position = []
    for i in range(rows):
        columns = right[ends[i] : ends[i + 1]].tobytes()
        key = (columns, int(channel[i]))
        nth = repeated[key] = repeated.get(key, -1) + 1
        position.append(number.setdefault((columns, nth), len(number)))
    return np.array(position)
