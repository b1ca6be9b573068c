"""Eliminations: chains of updates as a matrix whose rows and columns are finished in turn.

A chain subtracts products of a number of its row and a number of its column. Rows with fewer updates are finished
earlier. Counted from the row that is finished next, places are the same at every step: the pivot is always at (0, 0),
and the remaining matrix shrinks at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.eliminations.updates import Updates, largest_block
from autograd.compiler.scalars.nodes import ABSENT, SUM
from autograd.compiler.scalars.program import ScalarProgram

OWN = "own"
"""A coordinate: that of the row or column for which a number is computed."""

Path = tuple[int, ...]
Tree = tuple[Any, ...]
"""The expression of a factor: ("read",), an outer node; ("state", row, column), a number of the matrix before the step;
or ("apply", operation, operands), an application or a sum."""


class Axis(NamedTuple):
    """The rows or the columns of the matrix.

    Attributes:
        numbers: the number of each class, in the order of finishing from 1 on, or from 0 on.
        factors: the factors that each class's chains read, step by step.
        advances: whether one is finished at each step.
    """

    numbers: dict[int, int]
    factors: dict[int, list[int]]
    advances: bool

    def lanes(self) -> int:
        """Return the number of factors at each step, including padding."""
        return max(self.numbers.values()) + (not self.advances)

    def lane(self, root: int, step: int) -> int:
        """Return the lane of a class's factor."""
        return self.numbers[root] - 1 - step if self.advances else self.numbers[root]

    def coordinate(self, root: int, step: int) -> int:
        """Return the coordinate of a class in the matrix before a step."""
        return self.numbers[root] - step if self.advances else self.numbers[root]

    def coordinates(self) -> int:
        """Return the number of coordinates of the matrix."""
        return self.lanes() + self.advances


class Elimination(NamedTuple):
    """A matrix that is eliminated step by step.

    Attributes:
        updates: the program's chains.
        block: the chains that form the matrix.
        steps: the number of steps.
        roots: the classes of the row and column of each chain of the block.
        axes: the rows and columns; the same axis twice if rows are columns, as in Cholesky's algorithm.
        trees: the expressions of the factors of rows and of columns.
        coefficient: the coefficient of the products.
    """

    updates: Updates
    block: list[int]
    steps: int
    roots: dict[int, tuple[int, int]]
    axes: tuple[Axis, Axis]
    trees: tuple[Tree, Tree]
    coefficient: float

    def sides(self) -> range:
        """Return 0 for rows, and 1 for columns if they differ from rows."""
        return range(1 if self.axes[0] is self.axes[1] else 2)

    def places(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield all factors: the side, the class, the step, and the node."""
        for side in self.sides():
            for root, nodes in self.axes[side].factors.items():
                for step, node in enumerate(nodes):
                    yield side, root, step, node


class NoEliminationError(Exception):
    """A program has no elimination."""


def elimination_of(program: ScalarProgram) -> Elimination:
    """Return the largest elimination of a program; raise NoEliminationError if there is none."""
    updates = Updates(program)
    block = largest_block(updates.chains)
    steps = max((len(updates.chains[n].factors) for n in block), default=0)
    if steps < cost_of_loops.LEAST_STEPS:
        raise NoEliminationError
    part = _classes([[f[side] for f in updates.chains[n].factors] for n in block for side in range(2)])
    roots = {n: (part[updates.chains[n].factors[0][0]], part[updates.chains[n].factors[0][1]]) for n in block}
    of_sides = [{both[side] for both in roots.values()} for side in range(2)]
    if of_sides[0] & of_sides[1]:
        of_sides = [of_sides[0] | of_sides[1]] * 2
    by_step: dict[int, dict[int, int]] = {}
    for n in block:
        for step, factors in enumerate(updates.chains[n].factors):
            for node in factors:
                if by_step.setdefault(part[node], {}).setdefault(step, node) != node:
                    raise NoEliminationError
    rows = _axis(of_sides[0], by_step, steps)
    columns = rows if of_sides[0] == of_sides[1] else _axis(of_sides[1], by_step, steps)
    if len(set(roots.values())) < len(roots):
        raise NoEliminationError
    coefficient = updates.chains[block[0]].coefficient
    elimination = Elimination(updates, block, steps, roots, (rows, columns), ((), ()), coefficient)
    trees = [_tree(program, elimination, side) for side in elimination.sides()]
    return elimination._replace(trees=(trees[0], trees[-1]))


def _classes(rows: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return a representative for each node, which nodes of one row share."""
    part: dict[int, int] = {}

    def root(i: int) -> int:
        while part.setdefault(i, i) != i:
            part[i] = part[part[i]]
            i = part[i]
        return i

    for row in rows:
        for i in row:
            part[root(i)] = root(row[0])
    return {i: root(i) for i in list(part)}


def _axis(roots: set[int], by_step: dict[int, dict[int, int]], steps: int) -> Axis:
    """Return rows or columns in the order of finishing."""
    factors = {}
    for root in roots:
        size = len(by_step[root])
        if set(by_step[root]) != set(range(size)):
            raise NoEliminationError
        factors[root] = [by_step[root][step] for step in range(size)]
    order = sorted(roots, key=lambda root: (len(factors[root]), factors[root][0]))
    sizes = [len(factors[root]) for root in order]
    if sizes[0] == steps:
        return Axis({root: n for n, root in enumerate(order)}, factors, advances=False)
    numbers = dict(zip(order, range(sizes[0], sizes[0] + len(order))))
    if any(len(factors[root]) != min(number, steps) for root, number in numbers.items()):
        raise NoEliminationError
    return Axis(numbers, factors, advances=True)


def _tree(program: ScalarProgram, elimination: Elimination, side: int) -> Tree:
    """Return the expression of the factors of rows or of columns, which all must share from the second step on."""
    trees = {
        tree_of(program, elimination, side, root, step, node)
        for of, root, step, node in elimination.places()
        if of == side and step
    }
    if len(trees) != 1:
        raise NoEliminationError
    return trees.pop()


def shape_of(program: ScalarProgram, i: int) -> tuple[Any, ...]:
    """Return the operation of a node, without its operands."""
    if program.opcodes[i] != SUM:
        return (program.opcodes[i],)
    total = program.sum_of(i)
    rights = tuple([k == ABSENT for k in total.rights])
    return (SUM, tuple(total.coefficients), rights, tuple(total.slots), repr(total[4:]), total[4:])


def tree_of(program: ScalarProgram, elimination: Elimination, side: int, root: int, step: int, node: int) -> Tree:
    """Return the expression of a factor of a class."""
    updates = elimination.updates
    if not updates.ready[node]:
        return ("read",)
    if updates.ready[node] != step:
        raise NoEliminationError
    number, _ = updates.at.get(node, (-1, 0))
    if number in elimination.roots:
        both = zip(elimination.axes, elimination.roots[number])
        at = [OWN if of == root else axis.coordinate(of, step) for axis, of in both]
        if elimination.axes[0] is elimination.axes[1]:  # a right-hand side is a row or a column of a symmetric matrix
            at.sort(key=lambda coordinate: coordinate != OWN)
        return ("state", *at)
    if updates.chains and number >= 0:
        raise NoEliminationError
    operands = tuple([tree_of(program, elimination, side, root, step, k) for k in program.operands_of(node)])
    return ("apply", shape_of(program, node), operands)
