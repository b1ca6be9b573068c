"""The terms of sums of products in columns, and the sums' scaling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.groups import SumOfProducts
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.sums.blocks import Numbers
from autograd.compiler.scalars.nodes import Sum


class Terms(NamedTuple):
    """The terms of a set of rows, sorted by row: coefficients[i] · left[i] · right[i] in row[i].

    The factors are nodes or, once their two sources are known, positions in these.
    """

    row: Positions
    left: Positions
    right: Positions
    coefficients: Numbers
    slot: Positions
    nth: Positions  # the place in the graph's order of addition

    def reordered(self, order: Positions) -> Terms:
        """Return the terms in another order."""
        row, left, right, coefficients, slot, nth = self
        return Terms(row[order], left[order], right[order], coefficients[order], slot[order], nth[order])

    def of_rows(self, rows: Positions, count: int) -> Terms:
        """Return the terms of some rows, renumbered in the given order."""
        number = np.full(count, PADDING)
        number[rows] = np.arange(len(rows))
        chosen = self.reordered(np.flatnonzero(number[self.row] != PADDING))
        chosen = chosen._replace(row=number[chosen.row])
        return chosen.reordered(np.argsort(chosen.row, kind="stable"))


Parts = dict[tuple[int, int, int], Terms]
"""Terms by their slot and two sources."""


class Scaling(NamedTuple):
    """The constants, factors and divisors of sums, with an element for each sum."""

    constant: Numbers
    factor: Numbers
    divisor: Numbers
    leads: NDArray[np.bool_]

    @property
    def is_uniform(self) -> bool:
        """Return whether all sums have the same scaling."""
        return all(isinstance(uniform(numbers), float) for numbers in (self.constant, self.factor, self.divisor))

    def taken(self, rows: Positions) -> Scaling:
        """Return the scaling of some rows, in the given order."""
        return Scaling(self.constant[rows], self.factor[rows], self.divisor[rows], self.leads[rows])

    def applied(self, group: SumOfProducts) -> SumOfProducts:
        """Return a group of sums of one structure with this scaling."""
        constant, factor, divisor = map(uniform, self[:3])
        return group._replace(constant=constant, factor=factor, divisor=divisor, leads=bool(self.leads.all()))


def columns_of(sums: Sequence[Sum]) -> tuple[Terms, Scaling]:
    """Return the terms of sums, a row each, and the sums' scaling."""
    row = np.repeat(np.arange(len(sums)), [len(one.lefts) for one in sums])
    terms = Terms(
        row,
        np.array([k for one in sums for k in one.lefts], dtype=np.int64),
        np.array([k for one in sums for k in one.rights], dtype=np.int64),
        np.array([c for one in sums for c in one.coefficients]),
        np.array([k for one in sums for k in one.slots], dtype=np.int64),
        np.arange(len(row)),
    )
    constant, factor, divisor = np.array([(one.constant, one.factor, one.divisor) for one in sums]).T
    return terms, Scaling(constant, factor, divisor, np.array([one.leads for one in sums]))


def uniform(coefficients: Numbers) -> float | Numbers:
    """Return a single number if all are the same, including the signs of zeros."""
    flat = coefficients.reshape(-1)
    least = flat.min()
    same = (flat == least) & (np.signbit(flat) == np.signbit(least))
    return float(least) if same.all() else coefficients


def dense(terms: Terms, rows: int) -> tuple[Positions, Positions, Numbers] | None:
    """Return left, right and coefficients as (rows, terms) matrices; None if rows differ in their number of terms."""
    k, rest = divmod(len(terms.row), rows)
    if rest or not (terms.row == np.repeat(np.arange(rows), k)).all():
        return None
    return terms.left.reshape(rows, k), terms.right.reshape(rows, k), terms.coefficients.reshape(rows, k)
