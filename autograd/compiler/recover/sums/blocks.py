"""The parts of sums of products: views of arrays, and blocks of products of two views."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.index import Positions

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """Elements, in any shape, of a source: the array of an argument, of the parameters or of a group."""

    source: int
    positions: Positions

    def __getitem__(self, chosen: Any) -> View:
        """Return a view of some of the elements, with NumPy's indexing."""
        return View(self.source, self.positions[chosen])


class Rows(NamedTuple):
    """Σₖ coefficients[j, k] · left[j, k] · right[j, k] for row j; without a right, Σₖ coefficients[j, k] · left[j, k].

    Attributes:
        coefficients: one number for all, or one for each term.
        left, right: views of shape (rows, terms).
    """

    coefficients: float | Numbers
    left: View
    right: View | None

    @property
    def factors(self) -> list[View]:
        """The factors that are present."""
        return [self.left] if self.right is None else [self.left, self.right]


class Matrix(NamedTuple):
    """columns @ weights.T; a convolution or an unrolled recurrence has several rows of columns.

    Attributes:
        coefficients: one number for all, or one for each weight; without weights, the matrix itself.
        weights: a view of shape (C, K); None for a constant matrix.
        columns: a view of shape (P, K).
        place: the flat index of the result (p, c) that each row of the group reads; None if all are read in order.
    """

    coefficients: float | Numbers
    weights: View | None
    columns: View
    place: Positions | None

    @property
    def factors(self) -> list[View]:
        """The factors that are present."""
        return [self.columns] if self.weights is None else [self.weights, self.columns]

    @property
    def channels(self) -> int:
        """The number of rows of weights, C."""
        matrix = self.coefficients if self.weights is None else self.weights.positions
        assert not isinstance(matrix, float)  # without weights, the coefficients are the matrix
        return len(matrix)

    @property
    def results(self) -> int:
        """The number of results, P · C."""
        return len(self.columns.positions) * self.channels


class Product(NamedTuple):
    """left[b] @ right[b].T for each batch b: all pairs of rows, as of queries and keys.

    Attributes:
        coefficients: one number for all.
        left: a view of shape (B, I, K); elements at PADDING are zero.
        right: a view of shape (B, J, K), likewise.
        place: the flat index of the result (b, i, j) that each row of the group reads; None if all are read in order.
    """

    coefficients: float
    left: View
    right: View
    place: Positions | None

    @property
    def factors(self) -> list[View]:
        """Both factors."""
        return [self.left, self.right]

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of the results: B, I and J."""
        batches, left, _ = self.left.positions.shape
        return batches, left, self.right.positions.shape[1]

    @property
    def results(self) -> int:
        """The number of results, B · I · J."""
        return math.prod(self.shape)

    @property
    def rows(self) -> Rows:
        """Return the same sums row by row."""
        batches, left, right = self.shape
        size = (batches, left, right, self.left.positions.shape[2])
        lefts = np.broadcast_to(self.left.positions[:, :, None], size).reshape(self.results, -1)
        rights = np.broadcast_to(self.right.positions[:, None], size).reshape(self.results, -1)
        of = slice(None) if self.place is None else self.place
        return Rows(self.coefficients, View(self.left.source, lefts[of]), View(self.right.source, rights[of]))


Block = Rows | Matrix | Product


def has_padding(*views: View) -> bool:
    """Return whether any view reads padding."""
    return any(bool((view.positions == PADDING).any()) for view in views)
