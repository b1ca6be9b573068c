"""Groups of nodes, each one operation on arrays, and the views by which they read one another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from autograd.arrays import NDArray, np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.index import Positions
from autograd.compiler.scalars.columns import EMPTY
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


class Application(NamedTuple):
    """A primitive applied element by element.

    Attributes:
        source: the number of the array that it computes.
        members: the nodes that it computes, in the order of the array.
        batched: whether it depends on the arguments, so that it has a row for each sample.
        operands: views of one element a member, and constants.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    primitive: Any  # a Primitive, which mypy would take for the method that its __get__ makes
    operands: tuple[View | float | Numbers, ...]


class Reduction(NamedTuple):
    """A primitive of many operands, such as `max`, applied to each row of a table.

    Attributes:
        source, members, batched, primitive: as of an application.
        view: the table, of shape (members, terms).
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    primitive: Any
    view: View


class SumOfProducts(NamedTuple):
    """A sum of blocks, which are products of matrices, or terms row by row, and a constant; all of it scaled.

    Attributes:
        source, batched: as of an application.
        members: the nodes, in the order of the array; PADDING where a result is discarded.
        blocks: what is added up.
        slots: of each block its slot, in ascending order: what is in a slot is added up, then these sums in order.
        constant: NOTHING where there is none.
        leads: whether the constant comes first.
        factor, divisor: applied to the sum in the end, in this order.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    blocks: tuple[Block, ...]
    slots: tuple[int, ...]
    constant: float | Numbers = NOTHING
    leads: bool = False
    factor: float | Numbers = 1.0
    divisor: float | Numbers = 1.0


class Concatenation(NamedTuple):
    """Parts of several arrays as one array, which others read.

    Attributes:
        source, batched: as of an application.
        members: nodes that stand for the places of the array; they are no nodes of the program.
        pieces: the parts.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    pieces: tuple[View, ...]


Group = Application | Reduction | SumOfProducts | Concatenation
"""One operation on arrays."""


class Places(NamedTuple):
    """The places of nodes in the arrays recovered so far.

    Attributes:
        source, position: for each node, the array that it is in, and its place there.
        number: for each node that is a constant, its number.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        nodes: how many nodes there are, those included that stand for places of joined arrays.
        unpadded: nodes that must not be computed with zeros times what is not theirs; None for all of them.
        family: of nodes that are weights, the number of the name that their labels have in common.
    """

    source: Positions
    position: Positions
    number: Numbers
    widths: Sequence[int]
    batched: Sequence[bool]
    nodes: int
    unpadded: frozenset[int] | None = frozenset()
    family: Mapping[int, int] = EMPTY

    def may_pad(self, members: Iterable[int]) -> bool:
        """Return whether these nodes may be computed with zeros times elements that are not theirs."""
        return self.unpadded is not None and self.unpadded.isdisjoint(members)

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
        source, position: for each node, the array it is in, and its place there.
        number: for each node that is a constant, its number.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        data: the numbers of those arrays that are constants.
    """

    scalars: ScalarProgram
    groups: tuple[Group, ...]
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


def weights_positions(block: Matrix) -> Positions:
    """Return the positions of a matrix's weights; of a constant matrix, positions of its shape."""
    return block.columns.positions if block.weights is None else block.weights.positions


def views(group: Group, source: int | None = None) -> list[View]:
    """All views that a group reads, or those of one source."""
    match group:
        case Application():
            everything = [operand for operand in group.operands if isinstance(operand, View)]
        case Reduction():
            everything = [group.view]
        case SumOfProducts():
            everything = [view for block in group.blocks for view in block.factors]
        case Concatenation():
            everything = list(group.pieces)
    return [view for view in everything if source is None or view.source == source]


def single_views(group: Group) -> list[View]:
    """The views of one element a member that a group reads."""
    if isinstance(group, Application):
        return views(group)
    if not isinstance(group, SumOfProducts):
        return []
    columns = [block for block in group.blocks if isinstance(block, Rows) and block.left.positions.shape[1] == 1]
    return [view[:, 0] for block in columns for view in block.factors]


def tables(group: Group) -> list[View]:
    """The views of several elements a member that a group reduces, row by row."""
    if isinstance(group, Reduction):
        return [group.view]
    blocks = group.blocks if isinstance(group, SumOfProducts) else ()
    return [block.left for block in blocks if isinstance(block, Rows) and block.left.positions.shape[1] > 1]


def is_padded(group: Group) -> bool:
    """Return whether a group multiplies zeros by elements that are not its own."""
    for block in group.blocks if isinstance(group, SumOfProducts) else ():
        if isinstance(block, Product) and (PADDING in group.members or _has_padding(*block.factors)):
            return True
        if isinstance(block, Matrix):
            if block.weights is None and bool((np.asarray(block.coefficients) == 0.0).any()):
                return True
            if block.weights is not None and _has_padding(block.weights):
                return True
    return False


def _has_padding(*views: View) -> bool:
    return any(bool((view.positions == PADDING).any()) for view in views)


def is_wide(group: Group) -> bool:
    """Return whether an operation computes more than a few numbers."""
    most = cost.MOST_NUMBERS_ALONE
    match group:
        case _ if len(group.members) > 1:
            return True
        case SumOfProducts():
            return any(not isinstance(block, Rows) or block.left.positions.size > most for block in group.blocks)
        case Concatenation():
            return False
    return any(view.positions.size > most for view in views(group))
