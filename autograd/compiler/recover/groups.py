"""What recovering arrays gives: groups of nodes, each one operation on arrays, and how they read one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler.recover.index import Positions
from autograd.compiler.scalars.nodes import ABSENT, NOTHING
from autograd.compiler.scalars.program import ScalarProgram

Numbers = NDArray[np.float64]

CONSTANT = -1
"""The source of numbers that are written into the program instead of read from an array."""

PARAMETERS = 0
"""The source of the parameters; 1, 2, ... are the arguments, then come data, then the groups."""


@dataclass(frozen=True)
class View:
    """Elements of a source, the array of an argument, of the parameters or of a group, in any shape."""

    source: int
    index: Positions


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


class Group(NamedTuple):
    """One operation on arrays.

    Attributes:
        source: the number of the array that it computes.
        members: the nodes that it computes, in the order of the array; PADDING where the result is discarded.
        batched: whether it depends on the arguments, so that it has a row for each sample.
        primitive: what is applied to the operands; None for a sum of blocks.
        operands: views of one element a member, constants, or for `logsumexp` a view of shape (members, terms).
        blocks: what is summed up.
        constant: what is added to it; NOTHING where that is nothing.
        slots: of each block its slot, in ascending order: what is in a slot is added up, then these sums in order.
        leads: whether the constant comes first.
        factor, divisor: applied to the sum in the end, in this order.
        pieces: what it concatenates instead, where it does that.
    """

    source: int
    members: list[int]
    batched: bool
    primitive: Any  # a Primitive or None; said so, mypy would take it for the method that its __get__ makes
    operands: tuple[View | float | Numbers, ...] = ()
    blocks: tuple[Rows | Matrix, ...] = ()
    constant: float | Numbers = NOTHING
    pieces: tuple[View, ...] = ()
    slots: tuple[int, ...] = ()
    leads: bool = False
    factor: float | Numbers = 1.0
    divisor: float | Numbers = 1.0


class Places(NamedTuple):
    """Where nodes are found among the arrays recovered so far.

    Attributes:
        source, position: for each node, the array that it is in, and its place there.
        number: for each node that is a constant, its number.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        nodes: how many nodes there are, those included that stand for places of joined arrays.
    """

    source: Positions
    position: Positions
    number: Numbers
    widths: Sequence[int]
    batched: Sequence[bool]
    nodes: int

    def source_of(self, nodes: Positions) -> Positions:
        """The source of each node; ABSENT for factors that are absent."""
        return np.where(nodes < 0, ABSENT, self.source[nodes])

    def place_of(self, nodes: Positions) -> Positions:
        """The position of each node in its source; 0 for factors that are absent."""
        return np.where(nodes < 0, 0, self.position[nodes])


class Grouping(NamedTuple):
    """All groups of a program, in an order in which they can be computed, and where each node is found.

    Attributes:
        scalars: the program that was grouped.
        groups: the operations.
        masks: how many of them, the last ones, compute masks for backward passes.
        source, position: for each node, the array it is in, and its place there.
        number: for each node that is a constant, its number.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        data: the numbers of those arrays that are constants.
    """

    scalars: ScalarProgram
    groups: tuple[Group, ...]
    masks: int
    source: Positions
    position: Positions
    number: Numbers
    widths: tuple[int, ...]
    batched: tuple[bool, ...]
    data: Mapping[int, Numbers]

    @property
    def first(self) -> int:
        """The source of the first group: parameters, arguments and data come before it."""
        return len(self.widths) - len(self.groups)


def weights_index(block: Matrix) -> Positions:
    """Which weights a matrix is made of; only its shape counts for one of constants."""
    return block.columns.index if block.weights is None else block.weights.index


def views(group: Group, source: int | None = None) -> list[View]:
    """All views that a group reads, or those of one source."""
    everything = [*group.pieces, *(operand for operand in group.operands if isinstance(operand, View))]
    everything += [view for block in group.blocks for view in block.factors]
    return [view for view in everything if source is None or view.source == source]


def single_views(group: Group) -> list[View]:
    """The views of one element a member that a group reads."""
    singles = [operand for operand in group.operands if isinstance(operand, View) and operand.index.ndim == 1]
    for block in group.blocks:
        if isinstance(block, Rows) and block.left.index.shape[1] == 1:
            singles += [View(v.source, v.index[:, 0]) for v in block.factors]
    return singles
