"""Batched matrix products: sums over pairs of rows, as of queries and keys in attention.

Sum r is Σₖ left[b, i, k] · right[b, j, k] for some batch b, row i and row j. The axes follow from what the sums share:
sums that share a left factor have the same i, those that share a right factor the same j, and those that share an i or
a j the same b; the two factors of a term have the same k. If some pairs of i and j, or their terms at some k, are
missing, as in causal attention, the rest is padding. If most would be padding, as in attention to the few previous
positions, each row on the left forms a batch with the rows that it is multiplied by.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.components import components
from autograd.compiler.recover.index import Positions, count_pairs, distinct
from autograd.compiler.recover.sums.blocks import Product, View
from autograd.compiler.recover.sums.terms import Terms, uniform


def as_product(terms: Terms, rows: int, left: int, right: int, pads: bool = True) -> Product | None:
    """Return rows of two sources as batched matrix products, if they share factors and it pays.

    Args:
        pads: whether zeros may multiply elements that the rows do not read.
    """
    coefficient = uniform(terms.coefficients)
    if not isinstance(coefficient, float) or int(np.bincount(terms.row).max()) < 2:
        return None
    factors = max(len(distinct(terms.left)), len(distinct(terms.right)))
    if not cost.factors_are_shared(len(terms.row), factors):
        return None
    of_rows, of_terms = np.arange(rows), np.arange(len(terms.row))
    i, j = components(terms.row, terms.left, rows), components(terms.row, terms.right, rows)
    b = components(np.concatenate([of_rows, of_rows]), np.concatenate([i, rows + j]), rows)[terms.row]
    k = components(np.concatenate([of_terms, of_terms]), np.concatenate([terms.left, -1 - terms.right]), len(of_terms))
    i, j = i[terms.row], j[terms.row]
    varies = _ranks(b, i, terms.left)[0], _ranks(b, j, terms.right)[0]
    if abs(coefficient) == 1.0 and _is_transposed(terms.row, *varies):
        terms, left, right, i, j = terms._replace(left=terms.right, right=terms.left), right, left, j, i
    b, _ = _ranks(np.zeros(len(b), dtype=np.int64), b, terms.left)
    axes = _Axes(b, i, j, k)
    product = _laid_out(terms, axes, rows, left, right, pads)
    return product or _windows(terms, axes, rows, left, right, pads)


class _Axes(NamedTuple):
    """Labels of each term's batch, row on either side, and column."""

    b: Positions
    i: Positions
    j: Positions
    k: Positions


def _windows(terms: Terms, axes: _Axes, rows: int, left: int, right: int, pads: bool) -> Product | None:
    """Return products in which each row on the left has a separate window on the right, as in local attention.

    None if the windows differ in more than their start and being cut off at an end.
    """
    zeros = np.zeros(len(axes.i), dtype=np.int64)
    b, _ = _ranks(zeros, axes.i, terms.left)
    product = _laid_out(terms, _Axes(b, zeros, axes.j, axes.k), rows, left, right, pads)
    if product is None:
        return None
    windows = product.right.positions
    unpadded = windows[(windows != PADDING).reshape(len(windows), -1).all(axis=1)]
    if len(unpadded) < 2 or (unpadded - unpadded[:, :1, :1] != unpadded[0] - unpadded[0, 0, 0]).any():
        return None
    return product


def _laid_out(terms: Terms, axes: _Axes, rows: int, left: int, right: int, pads: bool) -> Product | None:
    """Return products with these axes, if that pays."""
    b = axes.b
    (i, rows_left), (j, rows_right) = _ranks(b, axes.i, terms.left), _ranks(b, axes.j, terms.right)
    k, columns = _ranks(b, axes.k, terms.right)
    shape = int(b.max()) + 1, rows_left, rows_right, columns
    place = (b * rows_left + i) * rows_right + j
    is_one_to_one = len(distinct(place)) == rows and count_pairs(place, k) == len(k)
    if not is_one_to_one or not cost.worth_product(shape, rows, len(k)):
        return None
    lefts = _placed((shape[0], rows_left, columns), b, i, k, terms.left)
    rights = _placed((shape[0], rows_right, columns), b, j, k, terms.right)
    if lefts is None or rights is None:
        return None
    if not pads and (rows < math.prod(shape[:3]) or (lefts == PADDING).any() or (rights == PADDING).any()):
        return None
    place_of_row = np.empty(rows, dtype=np.int64)
    place_of_row[terms.row] = place
    coefficient = uniform(terms.coefficients)
    assert isinstance(coefficient, float)
    return Product(coefficient, View(left, lefts), View(right, rights), place_of_row)


def _is_transposed(row: Positions, i: Positions, j: Positions) -> bool:
    """Return whether i varies faster than j from row to row, so that the factors must be swapped."""
    first = np.searchsorted(row, distinct(row))
    i_changes, j_changes = (np.count_nonzero(np.diff(axis[first])) for axis in (i, j))
    return bool(i_changes > j_changes)


def _ranks(batch: Positions, label: Positions, position: Positions) -> tuple[Positions, int]:
    """Return the rank of each label in its batch, by its least position; and the largest number of ranks in a batch."""
    least: dict[tuple[int, int], int] = {}
    keys = list(zip(batch.tolist(), label.tolist()))
    for key, at in zip(keys, position.tolist()):
        least[key] = min(at, least.get(key, at))
    rank: dict[tuple[int, int], int] = {}
    count: dict[int, int] = {}
    for key in sorted(least, key=lambda key: (key[0], least[key])):
        rank[key] = count[key[0]] = count.get(key[0], -1) + 1
    return np.array([rank[key] for key in keys], dtype=np.int64), 1 + max(count.values())


def _placed(
    shape: tuple[int, int, int], b: Positions, row: Positions, k: Positions, factor: Positions
) -> Positions | None:
    """Return factors as an array of batches, rows and columns; None if two would share a place."""
    positions = np.full(shape, PADDING)
    positions[b, row, k] = factor
    return positions if (positions[b, row, k] == factor).all() else None
