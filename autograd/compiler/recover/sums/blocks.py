"""The parts of sums of products: views of arrays, and blocks of products between two of them."""

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
    """Elements of a source, the array of an argument, of the parameters or of a group, in any shape."""

    source: int
    positions: Positions

    def __getitem__(self, chosen: Any) -> View:
        """A view of some of its elements, which are chosen as of an array."""
        return View(self.source, self.positions[chosen])


class Rows(NamedTuple):
    """Σₖ coefficients[j, k] · left[j, k] · right[j, k] for row j; without a right, Σₖ coefficients[j, k] · left[j, k].

    Attributes:
        coefficients: a number for all, or one each.
        left, right: of shape (rows, terms).
    """

    coefficients: float | Numbers
    left: View
    right: View | None

    @property
    def factors(self) -> list[View]:
        """The factors that are there."""
        return [self.left] if self.right is None else [self.left, self.right]


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
    place: Positions | None

    @property
    def factors(self) -> list[View]:
        """The factors that are there."""
        return [self.columns] if self.weights is None else [self.weights, self.columns]

    @property
    def results(self) -> int:
        """The number of results, P · C."""
        weights = self.columns.positions if self.weights is None else self.weights.positions
        return len(self.columns.positions) * len(weights)


class Product(NamedTuple):
    """left[b] @ right[b].T for each batch b: rows that meet rows, as queries meet keys.

    Attributes:
        coefficients: a number for all.
        left: of shape (B, I, K); what is PADDING is zero.
        right: of shape (B, J, K); likewise.
        place: which of the results (b, i, j), counted from 0 to B · I · J, each row of the group is; None where it is
            the one of its own number.
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
        """The same, row by row."""
        batches, left, right = self.shape
        size = (batches, left, right, self.left.positions.shape[2])
        lefts = np.broadcast_to(self.left.positions[:, :, None], size).reshape(self.results, -1)
        rights = np.broadcast_to(self.right.positions[:, None], size).reshape(self.results, -1)
        of = slice(None) if self.place is None else self.place
        return Rows(self.coefficients, View(self.left.source, lefts[of]), View(self.right.source, rights[of]))


Block = Rows | Matrix | Product


def weights_positions(block: Matrix) -> Positions:
    """Return the positions of a matrix's weights; of a constant matrix, positions of its shape."""
    return block.columns.positions if block.weights is None else block.weights.positions


def has_padding(*views: View) -> bool:
    """Return whether some views read padding."""
    return any(bool((view.positions == PADDING).any()) for view in views)
