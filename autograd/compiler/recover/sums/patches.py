"""Products over patches: sums that share weights over several sets of columns.

They occur in convolutions and unrolled recurrences. Rows that share a weight form a channel; rows over the same
columns, one of each channel, form a position. The sums are the product of the weight matrix and the patches, the
columns of each position.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
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
    """Return rows of two sources as one product over patches, if they share weights and it pays.

    At a padded edge, a position lacks some columns, which read as zero. A position may also lack channels, such as the
    forget gate at the first step; their results are computed and discarded.
    """
    coefficient = uniform(terms.coefficients)
    if not isinstance(coefficient, float):
        return None
    channel = channel_of(terms, rows)
    position = _positions(terms, rows, channel)
    channels, positions = int(channel.max()) + 1, int(position.max()) + 1
    place = position * channels + channel
    if not cost.worth_patches(rows, positions * channels):
        return None
    weights = _weights(terms, channel, position, channels)
    if weights is None or weights.size == 1:  # a single weight needs no matrix product
        return None
    patches = _patches(terms, rows, position, weights)
    if patches is None or (right == PARAMETERS and (patches == PADDING).any()):  # parameters cannot be padded
        return None
    reading = np.argsort(patches[(patches != PADDING).sum(axis=1).argmax()])
    return Matrix(coefficient, View(left, weights[:, reading]), View(right, patches[:, reading]), place)


def _patches(terms: Terms, rows: int, position: Positions, weights: Positions) -> Positions | None:
    """Return the columns of each position in the order of the weights, with PADDING for missing ones.

    None if too many are missing, or if a row has other weights, or reads columns that its position does not.
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
    """Return the weight matrix that the rows share, from positions that have all channels; None if there is none."""
    has_all = np.bincount(position)[position[terms.row]] == channels
    # Sorted by position, column and channel, the weights of a column are adjacent, one for each channel.
    chosen = terms.reordered(np.flatnonzero(has_all))
    which = position[chosen.row]
    chosen = chosen.reordered(np.lexsort((channel[chosen.row], chosen.right, which)))
    # All rows of a position read the same columns; of a column that they read twice, channels do not alternate.
    if not len(chosen.row) or not (channel[chosen.row].reshape(-1, channels) == np.arange(channels)).all():
        return None
    weights = chosen.left.reshape(-1, channels)
    weights = weights[np.lexsort(weights.T)]
    weights = weights[np.append(True, (weights[1:] != weights[:-1]).any(axis=1))]
    return None if len(distinct(weights)) < weights.size else np.ascontiguousarray(weights.T)


def channel_of(terms: Terms, rows: int) -> Positions:
    """Return the number of each row's channel: rows that share a weight belong to one channel."""
    return components(terms.row, terms.left, rows)


def _positions(terms: Terms, rows: int, channel: Positions) -> Positions:
    """Number the position of each row, by its columns and the count of earlier rows of its channel over these."""
    ends = np.searchsorted(terms.row, np.arange(rows + 1)).tolist()
    number: dict[Any, int] = {}
    earlier: defaultdict[Any, Iterator[int]] = defaultdict(itertools.count)
    position = []
    for own, (start, stop) in zip(channel.tolist(), itertools.pairwise(ends), strict=True):
        columns = terms.right[start:stop].tobytes()
        position.append(number.setdefault((columns, next(earlier[columns, own])), len(number)))
    return np.array(position)
