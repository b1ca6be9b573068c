"""The loop body of an elimination: one step on all places of the matrix."""

from __future__ import annotations

from typing import Any

from autograd.compiler.scalars.builder import Builder
from autograd.compiler.scalars.eliminations.elimination import (
    OWN,
    Elimination,
    NoEliminationError,
    Path,
    Tree,
    shape_of,
)
from autograd.compiler.scalars.loops.repeat import Arrays, Repeat
from autograd.compiler.scalars.nodes import ABSENT, NOTHING, PLAIN, SUM, Sum
from autograd.compiler.scalars.program import ScalarProgram

Slot = tuple[Any, ...]
"""A result of the body: ("state", row, column), ("update", row, column), or ("factor", side, path, lane)."""


class EliminationBody:
    """One step of an elimination, and the loop's operands.

    Attributes:
        members: the nodes that the loop computes.
        operands: the loop's operands: nodes, or -1 - n for the n-th number.
        numbers: these numbers.
    """

    def __init__(self, program: ScalarProgram, elimination: Elimination) -> None:
        self._program, self._elimination = program, elimination
        self.members: set[int] = set()
        self.numbers: list[float] = []
        self._slot_of: dict[int, tuple[Slot, int]] = {}
        self._pivot_rows: dict[int, tuple[Slot, int]] = {}
        self._initial: dict[tuple[int, int], int] = {}
        self._read: dict[tuple[int, Path], dict[tuple[int, int], int]] = {}
        self._enter_chains()
        for side, root, step, node in elimination.places():
            lane = elimination.axes[side].lane(root, step)
            self._bind(elimination.trees[side], node, (side, (), lane), step)
        self._arrange()

    # Operands

    def _enter_chains(self) -> None:
        """Record initial numbers, and the slot of each computed node."""
        elimination = self._elimination
        for n in elimination.block:
            chain, roots = elimination.updates.chains[n], elimination.roots[n]
            row, column = (axis.coordinate(root, 0) for axis, root in zip(elimination.axes, roots))
            self._set_initial(row, column, self._number(chain.number) if chain.initial == ABSENT else chain.initial)
            for done, node in chain.nodes.items():
                self.members.add(node)
                before = [axis.coordinate(root, done) for axis, root in zip(elimination.axes, roots)]
                after = [axis.lane(root, done - 1) for axis, root in zip(elimination.axes, roots)]
                self._slot_of[node] = ("update", *after), done - 1
                if before[0] == 0 and elimination.axes[0].advances and done < elimination.steps:
                    self._pivot_rows[node] = ("state", *before), done

    def _number(self, x: float) -> int:
        """Return the operand code of a number."""
        known = [n for n, other in enumerate(self.numbers) if repr(other) == repr(x)]
        if not known:
            self.numbers.append(x)
        return -1 - (known[0] if known else len(self.numbers) - 1)

    def _set_initial(self, row: int, column: int, node: int) -> None:
        if self._initial.setdefault((row, column), node) != node:
            raise NoEliminationError

    def _bind(self, tree: Tree, node: int, slot: tuple[int, Path, int], step: int) -> None:
        """Record the nodes that a factor reads and computes at a step."""
        side, path, lane = slot
        if tree[0] == "read":
            if self._read.setdefault((side, path), {}).setdefault((step, lane), node) != node:
                raise NoEliminationError
        elif tree[0] == "state":
            if step == 0:
                row, column = self._coordinates(tree, lane)
                self._set_initial(row, column, node)
        elif node not in self._elimination.updates.at and self._is_applied(tree, node):
            self.members.add(node)
            self._slot_of.setdefault(node, (("factor", *slot), step))
            for n, (operand, k) in enumerate(zip(tree[2], self._program.operands_of(node))):
                self._bind(operand, k, (side, (*path, n), lane), step)
        elif step == 0 and _adds_to_nothing(tree) and self._elimination.updates.ready[node] == 0:
            states = [n for n, operand in enumerate(tree[2]) if operand[0] == "state"]
            self._bind(tree[2][states[0]], self._number(NOTHING), (side, (*path, states[0]), lane), step)
            self._bind(tree[2][1 - states[0]], node, (side, (*path, 1 - states[0]), lane), step)
        else:
            raise NoEliminationError

    def _is_applied(self, tree: Tree, node: int) -> bool:
        operands = self._program.operands_of(node)
        return len(operands) == len(tree[2]) and shape_of(self._program, node) == tree[1]

    def _coordinates(self, tree: Tree, lane: int) -> tuple[int, int]:
        """Return the row and column that a lane reads of the matrix before a step."""
        row, column = (
            (lane + axis.advances) if at == OWN else at for axis, at in zip(self._elimination.axes, tree[1:])
        )
        return row, column

    def _arrange(self) -> None:
        """Arrange the operands: the initial matrix, those read by step, and loop-invariant ones."""
        rows, columns = (axis.coordinates() for axis in self._elimination.axes)
        self._states = {(r, c): r * columns + c for r in range(rows) for c in range(columns)}
        if self._elimination.axes[0] is self._elimination.axes[1]:
            for (r, c), node in list(self._initial.items()):
                self._initial.setdefault((c, r), node)
        for r, c in reversed(self._states):
            if (r, c) not in self._initial:
                self._initial[r, c] = self._initial.get((r, c + 1), self._number(0.0))
        initial = [self._initial[at] for at in self._states]
        by_step: dict[tuple[int, ...], int] = {}
        same: dict[int, int] = {}
        self._inputs: dict[tuple[int, Path, int], tuple[str, int]] = {}
        sizes: list[int] = []
        for (side, path), nodes in self._read.items():
            lanes = range(self._elimination.axes[side].lanes())
            read = [self._column(nodes, lane) for lane in lanes]
            varies = any(len(set(column)) > 1 for column in read)
            before = len(by_step)
            for lane, column in zip(lanes, read):
                if varies:
                    self._inputs[side, path, lane] = "read", by_step.setdefault(column, len(by_step))
                else:
                    self._inputs[side, path, lane] = "same", same.setdefault(column[0], len(same))
            sizes.append(len(by_step) - before)
        self._arrays = Arrays((len(initial),), tuple([size for size in sizes if size]))
        steps = range(self._elimination.steps)
        self.operands: list[int] = [*initial, *(column[t] for t in steps for column in by_step), *same]
        self._sizes = len(initial), len(by_step), len(same)

    def _column(self, nodes: dict[tuple[int, int], int], lane: int) -> tuple[int, ...]:
        """Return the nodes that a lane reads, step by step; padding reads those of the step's last lane."""
        steps = range(self._elimination.steps)
        return tuple([next(nodes[step, k] for k in range(lane, -1, -1) if (step, k) in nodes) for step in steps])

    def first_row(self, read: set[int]) -> dict[int, int]:
        """Return outer nodes that form the matrix's first row, each with a node at its place in a later step.

        If rows are read as a whole, the rows of all pivots then form one array.

        Args:
            read: the nodes that are read outside.
        """
        rows = {self._pivot_rows[i][0]: i for i in read if i in self._pivot_rows}
        if len(rows) < 2:
            return {}
        columns = range(self._elimination.axes[1].coordinates())
        nodes = {c: self._initial[0, c] for c in columns if ("state", 0, c) in rows and (0, c) in self._initial}
        return {node: rows["state", 0, c] for c, node in nodes.items() if node >= 0}

    # Results

    def repeat(self, read: list[int], first: dict[int, int]) -> tuple[Repeat, dict[int, int]]:
        """Return the loop, and the results' numbers of these nodes.

        Args:
            first: nodes of the matrix's first row that are read as results, too, as returned by `first_row`.
        """
        elimination, program = self._elimination, self._program
        self._builder = Builder(self._sizes, 0, program.primitives)
        self._known: dict[Slot, int] = {}
        left, right = (
            [self._node(elimination.trees[side], (side, (), lane)) for lane in range(elimination.axes[side].lanes())]
            for side in (0, elimination.sides()[-1])
        )
        for r, f in enumerate(left):
            for c, g in enumerate(right):
                rows, columns = elimination.axes
                before = self._states[r + rows.advances, c + columns.advances]
                total = Sum([1.0, elimination.coefficient], [before, f], [ABSENT, g], [0, 1])
                self._known["update", r, c] = self._builder.sum(total)
        slots = {i: self._slot_of[i] for i in read}
        if first:
            slots.update({i: self._pivot_rows[i] for i in read if i in self._pivot_rows})
            slots.update({node: (self._pivot_rows[like][0], 0) for node, like in first.items()})
        self._known.update({("state", *at): node for at, node in self._states.items()})
        in_order = sorted({slot for slot, _ in slots.values()}, key=_by_place)
        written = list(dict.fromkeys(self._known[slot] for slot in in_order))
        last = len(left) - 1, len(right) - 1
        after = [self._known["update", min(r, last[0]), min(c, last[1])] for r, c in self._states]
        body = self._builder.program([*after, *written])
        number = {node: n for n, node in enumerate(written, len(after))}
        places = {i: step * len(written) + number[self._known[slot]] for i, (slot, step) in slots.items()}
        return Repeat(body, elimination.steps, self._arrays), places

    def _node(self, tree: Tree, slot: tuple[int, Path, int]) -> int:
        """Return the body's node for a part of a factor."""
        side, path, lane = slot
        if tree[0] == "read":
            kind, n = self._inputs[slot]
            return self._sizes[0] + n + (self._sizes[1] if kind == "same" else 0)
        if tree[0] == "state":
            return self._states[self._coordinates(tree, lane)]
        operands = [self._node(operand, (side, (*path, n), lane)) for n, operand in enumerate(tree[2])]
        key = (tree[1], *operands)
        if key not in self._known:
            self._known[key] = self._applied(tree[1], operands)
        self._known["factor", *slot] = self._known[key]
        return self._known[key]

    def _applied(self, shape: tuple[Any, ...], operands: list[int]) -> int:
        if shape[0] != SUM:
            return self._builder.application(shape[0], operands)
        _, coefficients, absent, slots, _, scaling = shape
        lefts, others = operands[: len(coefficients)], iter(operands[len(coefficients) :])
        rights = [ABSENT if x else next(others) for x in absent]
        return self._builder.sum(Sum(coefficients, lefts, rights, slots, *scaling))


def _by_place(slot: Slot) -> tuple[Any, ...]:
    """Return a sort key by which results of one kind are adjacent, lane by lane."""
    return (slot[0], (), *slot[1:]) if slot[0] != "factor" else (slot[0], slot[2], slot[1], slot[3])


def _adds_to_nothing(tree: Tree) -> bool:
    """Return whether a read number is added to a number of the matrix, which is -0.0 before its first update."""
    return (
        tree[1][:2] == (SUM, (1.0, 1.0))
        and tree[1][4] == repr(tuple(PLAIN))
        and sorted(x[0] for x in tree[2]) == ["read", "state"]
    )
