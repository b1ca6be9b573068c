"""How sums of products are arranged: as one matrix product, as one product over gathered columns, or row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.sums import Sum

Index = NDArray[np.int64]
Numbers = NDArray[np.float64]

NONE = -1  # the source of constants, and of the factor that a term lacks
HOLE = -1  # as an index: reads zero
PARAMETERS = 0  # the source of the captured leaves; 1, 2, ... are the arguments, then come data and the groups


@dataclass(frozen=True)
class View:
    """Elements of a source, the array of an argument, of the parameters or of a group, in any shape."""

    source: int
    index: Index


class Rows(NamedTuple):
    """Σₖ coefficients[j, k] · left[j, k] · right[j, k] for row j; without a right, Σₖ coefficients[j, k] · left[j, k].

    Attributes:
        coefficients: a number for all, or one each.
        left, right: of shape (rows, terms).
    """

    coefficients: float | Numbers
    left: View
    right: View | None


class Matrix(NamedTuple):
    """columns @ weights.T, where a convolution or an unrolled recurrence has several rows of columns.

    Attributes:
        coefficients: a number for all, or one for each weight; without weights, the matrix itself.
        weights: of shape (C, K); None for a matrix of constants.
        columns: of shape (P, K).
        place: which of the results (p, c), counted from 0 to P · C, each row of the group is; None where it is the
            one of its own number.
    """

    coefficients: float | Numbers
    weights: View | None
    columns: View
    place: Index | None


def weights_index(block: Matrix) -> Index:
    """Which weights a matrix is made of; only its shape counts for one of constants."""
    return block.columns.index if block.weights is None else block.weights.index


class Group(NamedTuple):
    """One operation on arrays.

    Attributes:
        source: the number of the array that it computes.
        members: the nodes that it computes, in the order of the array; -1 where it computes what nobody asks for.
        batched: whether it depends on the arguments, so that it has a row for each sample.
        primitive: what is applied to the operands; None for a sum of blocks.
        operands: views of one element a member, constants, or for `logsumexp` a view of shape (members, terms).
        blocks: what is summed up.
        constant: what is added to it; NOTHING where that is nothing.
        slots: of each block its slot, in ascending order: what is in a slot is added up, then these sums in order.
        leads: whether the constant comes first.
        factor, divisor: applied to the sum in the end, in this order.
        pieces: what it puts side by side instead, where it does that.
    """

    source: int
    members: list[int]
    batched: bool
    primitive: Any  # a Primitive or None; said so, mypy would take it for the method that its __get__ makes
    operands: tuple[View | float | Numbers, ...]
    blocks: tuple[Rows | Matrix, ...]
    constant: float | Numbers
    pieces: tuple[View, ...] = ()
    slots: tuple[int, ...] = ()
    leads: bool = False
    factor: float | Numbers = 1.0
    divisor: float | Numbers = 1.0


class Terms(NamedTuple):
    """The terms of some rows between two sources, sorted by row: coefficients[i] · left[i] · right[i] in row[i]."""

    row: Index
    left: Index
    right: Index
    coefficients: Numbers
    slot: Index
    nth: Index  # in the order in which the graph adds them

    def reordered(self, order: Index) -> Terms:
        """The same in another order."""
        row, left, right, coefficients, slot, nth = self
        return Terms(row[order], left[order], right[order], coefficients[order], slot[order], nth[order])

    def of_rows(self, rows: Index, count: int) -> Terms:
        """Those of some rows only, which are numbered anew, in the order given."""
        number = np.full(count, -1)
        number[rows] = np.arange(len(rows))
        found = self.reordered(np.flatnonzero(number[self.row] >= 0))
        found = found._replace(row=number[found.row])
        return found.reordered(np.argsort(found.row, kind="stable"))


def uniform(coefficients: Numbers) -> float | Numbers:
    """One number where all are the same, signs of zeros included."""
    flat = coefficients.reshape(-1)
    same = (flat == flat[0]) & (np.signbit(flat) == np.signbit(flat[0]))
    return float(flat[0]) if same.all() else coefficients


Parts = dict[tuple[int, int, int], Terms]
"""The terms of some rows by their slot and their two sources."""


class Scaling(NamedTuple):
    """What is done to sums besides adding up their terms, a number for each."""

    constant: Numbers
    factor: Numbers
    divisor: Numbers
    leads: bool

    @staticmethod
    def of(sums: list[Sum]) -> Scaling:
        """That of sums of one structure."""
        constant, factor, divisor = np.array([(found.constant, found.factor, found.divisor) for found in sums]).T
        return Scaling(constant, factor, divisor, sums[0].leads)

    @property
    def is_uniform(self) -> bool:
        """Whether all sums have the same numbers."""
        return all(isinstance(uniform(numbers), float) for numbers in self[:3])

    def taken(self, rows: Index) -> Scaling:
        """That of some rows, in a new order."""
        return Scaling(self.constant[rows], self.factor[rows], self.divisor[rows], self.leads)

    def applied(self, group: Group) -> Group:
        """A group of sums with all this."""
        constant, factor, divisor = map(uniform, self[:3])
        return group._replace(constant=constant, factor=factor, divisor=divisor, leads=self.leads)


def dense(terms: Terms, rows: int) -> tuple[Index, Index, Numbers] | None:
    """Left, right and coefficients as (rows, terms) matrices, where every row has as many terms."""
    k, rest = divmod(len(terms.row), rows)
    if rest or not (terms.row == np.repeat(np.arange(rows), k)).all():
        return None
    return terms.left.reshape(rows, k), terms.right.reshape(rows, k), terms.coefficients.reshape(rows, k)


def as_matrix(terms: Terms, rows: int, left: int, right: int) -> Matrix | None:
    """All rows over the same columns, as in a network's layer. Terms are sorted by their right side in each row."""
    found = dense(terms, rows)
    if found is None or len(terms.row) < 2:
        return None
    weights, columns, coefficients = found
    if not (columns == columns[0]).all() or (np.diff(columns[0]) == 0).any():
        return None
    return Matrix(uniform(coefficients), View(left, weights), View(right, columns[:1]), None)


def as_rows(terms: Terms, rows: int, left: int, right: int | None) -> Rows | None:
    """Row by row, where every row has as many terms."""
    found = dense(terms, rows)
    if found is None:
        return None
    return Rows(uniform(found[2]), View(left, found[0]), None if right is None else View(right, found[1]))


def constant_matrix(block: Rows) -> Rows | Matrix:
    """A sum without products over the same columns in each of several rows is a product with a constant matrix."""
    index = block.left.index
    if block.right is not None or isinstance(block.coefficients, float) or min(index.shape) < 2:
        return block
    if not (index == index[0]).all():
        return block
    return Matrix(block.coefficients, None, View(block.left.source, index[:1]), None)


def shared(terms: Terms, rows: int, left: int, right: int) -> Matrix | None:
    """Rows that share their weights over several sets of columns, as in a convolution: one product over patches.

    Rows with a weight in common belong to one channel; rows over the same columns, one of each channel, to one
    position. At a padded edge a position lacks some columns, which then read zero; a position may lack channels too,
    such as a gate that has nothing to forget yet, which are computed for nothing.
    """
    coefficient = uniform(terms.coefficients)
    if not isinstance(coefficient, float):
        return None
    channel = channel_of(terms, rows)
    position = _positions(terms, rows, channel)
    channels, positions = int(channel.max()) + 1, int(position.max()) + 1
    place = position * channels + channel
    if len(np.unique(place)) < rows or 2 * rows < positions * channels:
        return None
    weights = _weights(terms, channel, position, channels)
    if weights is None or weights.size == 1:  # one number for all is no matrix
        return None
    column_of = np.full(int(terms.left.max()) + 1, HOLE)
    column_of[weights] = np.arange(weights.shape[1])
    column, where = column_of[terms.left], position[terms.row]
    patches = np.full((positions, weights.shape[1]), HOLE)
    patches[where, column] = terms.right
    if right == PARAMETERS and (patches == HOLE).any():  # captured leaves are read without holes
        return None
    complete = (patches != HOLE).sum(axis=1)
    if (
        (column == HOLE).any()
        or (patches[where, column] != terms.right).any()
        or (np.bincount(terms.row, minlength=rows) != complete[position]).any()
        or complete.sum() < 0.3 * patches.size
    ):
        return None
    reading = np.argsort(patches[complete.argmax()])
    weights, patches = weights[:, reading], patches[:, reading]
    return Matrix(coefficient, View(left, weights), View(right, patches), place)


def _weights(terms: Terms, channel: Index, position: Index, channels: int) -> Index | None:
    """The matrix that the rows have in common, by the positions that have all channels; None if there is no such."""
    has_all = np.bincount(position)[position[terms.row]] == channels
    # Sorted by position, column and channel, the weights of a column stand side by side, one for each channel.
    chosen = terms.reordered(np.flatnonzero(has_all))
    which = position[chosen.row]
    chosen = chosen.reordered(np.lexsort((channel[chosen.row], chosen.right, which)))
    if not len(chosen.row) or len(chosen.row) % channels:
        return None
    by_column = channel[chosen.row].reshape(-1, channels)
    columns = chosen.right.reshape(-1, channels)
    if not (by_column == np.arange(channels)).all() or (columns != columns[:, :1]).any():
        return None
    weights = np.unique(chosen.left.reshape(-1, channels), axis=0)
    return None if len(np.unique(weights)) < weights.size else np.ascontiguousarray(weights.T)


def channel_of(terms: Terms, rows: int) -> Index:
    """For each row the number of its channel: rows are joined by the weights that they have in common."""
    parent = list(range(rows))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[int, int] = {}
    for row, weight in zip(terms.row.tolist(), terms.left.tolist()):
        other = first.setdefault(weight, row)
        if other != row:
            a, b = root(row), root(other)
            parent[max(a, b)] = min(a, b)
    return np.unique([root(i) for i in range(rows)], return_inverse=True)[1].astype(np.int64)


def _positions(terms: Terms, rows: int, channel: Index) -> Index:
    """For each row the number of its position: the columns it reads, and which it is of its channel to read these."""
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


def by_length(parts: Parts, rows: int) -> list[list[int]]:
    """The rows, those together that have as many terms of each slot and pair of sources."""
    lengths = np.stack([np.bincount(terms.row, minlength=rows) for terms in parts.values()], axis=1)
    found: dict[bytes, list[int]] = {}
    for r in range(rows):
        found.setdefault(lengths[r].tobytes(), []).append(r)
    return list(found.values())
