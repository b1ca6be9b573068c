"""Groups of nodes, each of which becomes one array operation, and the views through which they read one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.recover.index import Positions
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.sums.blocks import Block, Matrix, Numbers, Product, Rows, View, has_padding
from autograd.compiler.scalars.columns import EMPTY
from autograd.compiler.scalars.lookups import Table
from autograd.compiler.scalars.nodes import ABSENT, NOTHING
from autograd.compiler.scalars.program import ScalarProgram

CONSTANT = -1
"""The source of literals, which are not read from an array."""

PARAMETERS = 0
"""The source of the parameters; 1, 2, ... are the arguments, followed by the data and the groups."""


class Application(NamedTuple):
    """A primitive applied element by element.

    Attributes:
        source: the number of the computed array.
        members: the computed nodes, in the order of the array.
        batched: whether it depends on the arguments, and so has a row for each sample.
        operands: views with one element per member, and constants.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    primitive: Any  # a Primitive; declared as one, mypy would take it for the method that its __get__ makes
    operands: tuple[View | float | Numbers, ...]


class Reduction(NamedTuple):
    """A primitive of many operands, such as `max`, applied to each row of a table.

    Attributes:
        source, members, batched, primitive: as in `Application`.
        view: the table, of shape (members, terms).
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    primitive: Any
    view: View


class SumOfProducts(NamedTuple):
    """A scaled sum of blocks, which are matrix products or terms row by row, and a constant.

    Attributes:
        source, batched: as in `Application`.
        members: the nodes, in the order of the array; PADDING where a result is discarded.
        blocks: the summands.
        slots: the slot of each block, ascending: the blocks of each slot are added first, then the sums of the slots.
        constant: NOTHING if there is none.
        leads: whether the constant comes first.
        factor, divisor: applied last to the sum, in this order.
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
    """Parts of several arrays, joined into one.

    Attributes:
        source, batched: as in `Application`.
        members: new nodes for the places of the array; the program does not contain them.
        pieces: the parts.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    pieces: tuple[View, ...]


class RunningSum(NamedTuple):
    """The cumulative sums along each row of a table, from left to right.

    Attributes:
        source, batched: as in `Application`.
        members: the nodes, in the order of the table; PADDING where a result is discarded.
        view: the table.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    view: View


class LookUps(NamedTuple):
    """Rows of a table of parameters and constants, one for each index.

    Attributes:
        source, batched: as in `Application`.
        members: the nodes, row by row; PADDING where a number is discarded.
        table: the table.
        columns: the columns of the table that are read.
        indices: one for each row.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    table: Table
    columns: Positions
    indices: View


class Choice(NamedTuple):
    """Numbers selected from the rows of a computed table, each by an index.

    Attributes:
        source, members, batched: as in `Application`.
        view: the table, of shape (members, entries).
        indices: one for each member.
    """

    source: int
    members: tuple[int, ...]
    batched: bool
    view: View
    indices: View


Group = (
    Application | Reduction | SumOfProducts | Concatenation | RunningSum | LookUps | Choice | Repetition | LoopResult
)
"""One operation on arrays."""


class Places(NamedTuple):
    """The places of nodes in the arrays recovered so far.

    Attributes:
        source, position: the array of each node, and the node's place in it.
        number: the number of each node that is a constant.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        nodes: the number of nodes, including those added for places of joined arrays.
        unpadded: nodes whose computation must not multiply zeros by elements that they do not read; None for all nodes.
        family: for nodes that are weights, the number of the name that their labels share.
        first_weights: returns the first weight that multiplies each node; others are left out.
    """

    source: Positions
    position: Positions
    number: Numbers
    widths: Sequence[int]
    batched: Sequence[bool]
    nodes: int
    unpadded: frozenset[int] | None = frozenset()
    family: Mapping[int, int] = EMPTY
    first_weights: Callable[[], Mapping[int, int]] = dict

    def may_pad(self, members: Iterable[int]) -> bool:
        """Return whether these nodes may be computed with zeros times elements that they do not read."""
        return self.unpadded is not None and self.unpadded.isdisjoint(members)

    def source_of(self, nodes: Positions) -> Positions:
        """Return the source of each node; ABSENT for absent factors."""
        return np.where(nodes < 0, ABSENT, self.source[nodes])

    def place_of(self, nodes: Positions) -> Positions:
        """Return the position of each node in its source; 0 for absent factors."""
        return np.where(nodes < 0, 0, self.position[nodes])


class Grouping(NamedTuple):
    """All groups of a program, in execution order, and the place of each node.

    Attributes:
        scalars: the grouped program.
        groups: the operations.
        source, position: the array of each node, and the node's place in it.
        number: the number of each node that is a constant.
        widths: the length of each array.
        batched: whether each array has a row for each sample.
        data: the numbers of the constant arrays.
        padding: whether zeros may multiply elements that may be infinite; the results are checked then.
    """

    scalars: ScalarProgram
    groups: tuple[Group, ...]
    source: Positions
    position: Positions
    number: Numbers
    widths: tuple[int, ...]
    batched: tuple[bool, ...]
    data: Mapping[int, Numbers]
    padding: bool = True

    @property
    def first(self) -> int:
        """The source of the first group, after parameters, arguments and data."""
        return len(self.widths) - len(self.groups)


def views(group: Group, source: int | None = None) -> list[View]:
    """Return the views that a group reads, of all sources or of one."""
    match group:
        case Application():
            everything = [operand for operand in group.operands if isinstance(operand, View)]
        case Reduction() | RunningSum():
            everything = [group.view]
        case SumOfProducts():
            everything = [view for block in group.blocks for view in block.factors]
        case Concatenation():
            everything = list(group.pieces)
        case LookUps():
            everything = [group.indices]
        case Choice():
            everything = [group.view, group.indices]
        case Repetition():
            everything = [operand for operand in group.operands if isinstance(operand, View)]
        case LoopResult():
            everything = []
    return [view for view in everything if source is None or view.source == source]


def single_views(group: Group) -> list[View]:
    """Return the views with one element per member that a group reads."""
    if isinstance(group, Application):
        return views(group)
    if not isinstance(group, SumOfProducts):
        return []
    columns = [block for block in group.blocks if isinstance(block, Rows) and block.left.positions.shape[1] == 1]
    return [view[:, 0] for block in columns for view in block.factors]


def tables(group: Group) -> list[View]:
    """Return the views with several elements per member that a group reduces row by row."""
    if isinstance(group, Reduction):
        return [group.view]
    blocks = group.blocks if isinstance(group, SumOfProducts) else ()
    return [block.left for block in blocks if isinstance(block, Rows) and block.left.positions.shape[1] > 1]


def padded_product(group: Group) -> Product | None:
    """Return a group's matrix product if some of its results are discarded, else None."""
    blocks = group.blocks if isinstance(group, SumOfProducts) and PADDING in group.members else ()
    return next((block for block in blocks if isinstance(block, Product)), None)


def is_padded(group: Group) -> bool:
    """Return whether a group multiplies zeros by elements that its nodes do not read."""
    if isinstance(group, Repetition):
        return any(map(is_padded, group.body.groups))
    for block in group.blocks if isinstance(group, SumOfProducts) else ():
        if isinstance(block, Product) and (PADDING in group.members or has_padding(*block.factors)):
            return True
        if isinstance(block, Matrix):
            if block.weights is None and bool((np.asarray(block.coefficients) == 0.0).any()):
                return True
            if block.weights is not None and has_padding(block.weights):
                return True
    return False


def is_wide(group: Group) -> bool:
    """Return whether an operation computes more than a few numbers."""
    most = cost.MOST_NUMBERS_ALONE
    match group:
        case Repetition():
            return True
        case LoopResult():
            return False
        case _ if len(group.members) > 1:
            return True
        case SumOfProducts():
            return any(not isinstance(block, Rows) or block.left.positions.size > most for block in group.blocks)
        case Concatenation():
            return False
        case LookUps():
            return True
    return any(view.positions.size > most for view in views(group))
