"""Decide how to compute sums of products: as matrix products, over patches, as sums of slices, or row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import PARAMETERS, Places
from autograd.compiler.recover.index import Positions, are_equal, count_pairs, distinct
from autograd.compiler.recover.padding import by_similar_length, columns_of_rows, filled, table
from autograd.compiler.recover.reorder import reordered_block
from autograd.compiler.recover.sums.blocks import Block, Matrix, Rows, View
from autograd.compiler.recover.sums.patches import over_patches
from autograd.compiler.recover.sums.products import as_product
from autograd.compiler.recover.sums.stencils import split_stencil
from autograd.compiler.recover.sums.terms import Parts, Scaling, Terms, dense, uniform
from autograd.compiler.scalars.first_weights import share_weights
from autograd.compiler.scalars.nodes import ABSENT


class Contraction(NamedTuple):
    """Sums of products that are computed together.

    Attributes:
        members: the nodes, in the order of the array; PADDING where a result is discarded.
        blocks: the summands, each with its slot.
    """

    members: list[int]
    blocks: list[tuple[int, Block]]
    scaling: Scaling


def contractions(
    members: list[int], parts: Parts, scaling: Scaling, places: Places, are_similar: bool = False
) -> list[Contraction]:
    """Return one contraction for members of the same structure, or several if that gives dense products.

    Args:
        are_similar: whether their numbers of terms are similar, so that they should be padded to the largest.
    """
    rows = len(members)
    pads = places.may_pad(members)
    blocks = [_dense_block(key, terms, rows, places, pads) for key, terms in parts.items()]
    if None in blocks:
        buckets, similar = over_same_columns(parts, rows, places), False
        if buckets is None:
            blocks = [
                block or _sparse_block(key, terms, rows, places, pads, are_similar)
                for block, (key, terms) in zip(blocks, parts.items())
            ]
            if None in blocks:
                buckets, similar = by_length(parts, rows), False
                if not are_similar:
                    gathers = share_weights(
                        places.first_weights(), [[members[r] for r in bucket] for bucket in buckets]
                    )
                    buckets, similar = by_similar_lengths(parts, rows, gathers), True
        if buckets is not None:
            return [part for bucket in buckets for part in _of_bucket(bucket, members, parts, scaling, places, similar)]
    present = [(slot, block) for (slot, _, _), block in zip(parts, blocks) if block is not None]
    return [_finished(Contraction(members, present, scaling), places.widths)]


def is_weighted(left: int, right: int, places: Places) -> bool:
    """Return whether products of these sources have a factor that is the same for all samples."""
    return right != ABSENT and not places.batched[left]


def _dense_block(key: tuple[int, int, int], terms: Terms, rows: int, places: Places, pads: bool) -> Block | None:
    """Return the terms of one pair of sources as a matrix product, or row by row if that is as good.

    Args:
        pads: whether zeros may multiply elements that the rows do not read.
    """
    _, left, right = key
    if is_weighted(left, right, places) and (places.batched[right] or rows > 1) and len(terms.row) > 1:
        return as_matrix(terms, rows, left, right) or (as_padded_matrix(terms, rows, left, right) if pads else None)
    if right != ABSENT:
        product = as_product(terms, rows, left, right, pads)
        if product is not None:
            return product
    block = as_rows(terms, rows, left, right)
    return None if block is None else constant_matrix(block, places.widths[left])


def _sparse_block(
    key: tuple[int, int, int], terms: Terms, rows: int, places: Places, pads: bool, gathers: bool
) -> Block | None:
    """Return the terms of one pair of sources over patches, if rows share weights, or row by row; else None."""
    _, left, right = key
    patches = over_patches(terms, rows, left, right) if is_weighted(left, right, places) else None
    return patches or as_rows(terms, rows, left, right) or as_padded(terms, rows, left, right, places, pads, gathers)


def _of_bucket(
    bucket: list[int], members: list[int], parts: Parts, scaling: Scaling, places: Places, are_similar: bool
) -> list[Contraction]:
    """Return the contractions of a subset of rows."""
    chosen = np.array(bucket)
    of_bucket = {key: terms.of_rows(chosen, len(members)) for key, terms in parts.items()}
    return contractions([members[r] for r in bucket], of_bucket, scaling.taken(chosen), places, are_similar)


def _finished(sums: Contraction, widths: Sequence[int]) -> Contraction:
    """Return a contraction with members in the order of a product over patches, and stencils as slices."""
    members, blocks, scaling = sums
    product = next((b for _, b in blocks if not isinstance(b, Rows) and b.place is not None), None)
    if product is not None and len(blocks) == 1 and scaling.is_uniform:
        everything = np.full(product.results, PADDING)
        everything[product.place] = members
        members, blocks = everything.tolist(), [(blocks[0][0], product._replace(place=None))]
    elif product is not None and product.place is not None:
        order = np.argsort(product.place)
        members = [members[r] for r in order.tolist()]
        scaling = scaling.taken(order)
        blocks = [(slot, reordered_block(block, order)) for slot, block in blocks]
    split = [(slot, part) for slot, block in blocks for part in split_stencil(block, widths)]
    return Contraction(members, split, scaling)


def over_same_columns(parts: Parts, rows: int, places: Places) -> list[list[int]] | None:
    """Return buckets of rows over the same columns that share no weights: each bucket is a matrix product."""
    signature: list[tuple[bytes, ...]] = [()] * rows
    weighted = [terms for (_, left, right), terms in parts.items() if is_weighted(left, right, places)]
    for terms in weighted:
        ends = np.searchsorted(terms.row, np.arange(rows + 1)).tolist()
        for r in range(rows):
            signature[r] += (terms.right[ends[r] : ends[r + 1]].tobytes(),)
    buckets: dict[tuple[bytes, ...], list[int]] = {}
    for r, key in enumerate(signature):
        buckets.setdefault(key, []).append(r)
    size = sum(len(terms.row) for terms in weighted)
    if not cost.worth_products(size, len(buckets)) or size == len(weighted) * rows:  # single terms: elementwise work
        return None
    number = np.empty(rows, dtype=np.int64)
    for n, bucket in enumerate(buckets.values()):
        number[bucket] = n
    for terms in weighted:
        if len(distinct(terms.left)) < count_pairs(terms.left, number[terms.row]):
            return None
    return list(buckets.values())


def by_length(parts: Parts, rows: int) -> list[list[int]]:
    """Group rows with equally many terms of each slot and pair of sources."""
    return _buckets([np.bincount(terms.row, minlength=rows) for terms in parts.values()])


def by_similar_lengths(parts: Parts, rows: int, gathers: bool) -> list[list[int]]:
    """Group rows with similarly many terms of each slot and pair of sources, equally many if these have parameters.

    Args:
        gathers: whether rows are padded even if rows of equal length are adjacent.
    """
    counts = {key: np.bincount(terms.row, minlength=rows) for key, terms in parts.items()}
    return _buckets([n if PARAMETERS in key[1:] else by_similar_length(n, gathers) for key, n in counts.items()])


def _buckets(numbers: Sequence[Positions]) -> list[list[int]]:
    """Group rows of equal numbers."""
    lengths = np.stack(numbers, axis=1)
    buckets: dict[bytes, list[int]] = {}
    for r, of_row in enumerate(lengths):
        buckets.setdefault(of_row.tobytes(), []).append(r)
    return list(buckets.values())


def as_matrix(terms: Terms, rows: int, left: int, right: int) -> Matrix | None:
    """Return rows over the same columns as a matrix product, as in a layer. Terms are sorted by row and right side."""
    matrices = dense(terms, rows)
    if matrices is None:
        return None
    weights, columns, coefficients = matrices
    if not are_equal(columns) or (np.diff(columns[0]) == 0).any():
        return None
    return Matrix(uniform(coefficients), View(left, weights), View(right, columns[:1]), None)


def as_padded_matrix(terms: Terms, rows: int, left: int, right: int) -> Matrix | None:
    """Return rows with separate weights over shared columns, such as a triangle, as a matrix padded with zeros."""
    coefficient = uniform(terms.coefficients)
    columns, column = np.unique(terms.right, return_inverse=True)
    lengths = len(distinct(np.bincount(terms.row, minlength=rows)))
    if (
        not isinstance(coefficient, float)
        or len(distinct(terms.left)) < len(terms.left)
        or count_pairs(terms.row, column.reshape(-1)) < len(terms.row)
        or not cost.worth_gathering(lengths)
        or not cost.worth_padding(len(terms.row), rows * len(columns))
    ):
        return None
    weights = table(terms.row, column.reshape(-1), terms.left, rows, PADDING)
    return Matrix(coefficient, View(left, weights), View(right, columns[None]), None)


def as_rows(terms: Terms, rows: int, left: int, right: int) -> Rows | None:
    """Return rows with equally many terms row by row; terms have one factor if the right source is ABSENT."""
    matrices = dense(terms, rows)
    if matrices is None:
        return None
    factor = None if right == ABSENT else View(right, matrices[1])
    return Rows(uniform(matrices[2]), View(left, matrices[0]), factor)


def as_padded(
    terms: Terms, rows: int, left: int, right: int, places: Places, pads: bool, gathers: bool
) -> Block | None:
    """Return rows padded to the longest; None if that does not pay, or if they read parameters.

    Args:
        pads: whether zeros may multiply elements that the rows do not read.
        gathers: whether the rows are gathered if no slices read them, for any number of lengths.
    """
    sources = [left] if right == ABSENT else [left, right]
    if PARAMETERS in sources:
        return None
    positions = [terms.left, terms.right][: len(sources)]
    column = columns_of_rows(terms.row, positions, rows, [places.widths[source] for source in sources], gathers)
    if column is None:
        return None
    views = [View(source, table(terms.row, column, x, rows, PADDING)) for source, x in zip(sources, positions)]
    coefficients = uniform(terms.coefficients)
    if isinstance(coefficients, np.ndarray):
        coefficients = table(terms.row, column, coefficients, rows, 0.0)
    block = Rows(coefficients, views[0], views[1] if right != ABSENT else None)
    return constant_matrix(block, places.widths[left]) if pads else block


def constant_matrix(block: Rows, width: int) -> Block:
    """Turn sums of single factors over the same columns into a product with a constant matrix.

    Args:
        width: the width of the array that is summed.
    """
    index: Positions = block.left.positions
    present = index != PADDING
    if block.right is not None or min(index.shape) < 2 or (isinstance(block.coefficients, float) and present.all()):
        return block
    everywhere = filled(index, width)
    if everywhere is None or not are_equal(everywhere):
        return block
    return Matrix(np.where(present, block.coefficients, 0.0), None, View(block.left.source, everywhere[:1]), None)
