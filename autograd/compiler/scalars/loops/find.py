"""Find loops: operations that repeat with a period and depend on themselves across steps become one node.

Operations that do not depend on a state stay outside before the loop, and those that no state depends on stay after it,
so that all their steps can be computed at once. Nested loops are found from the inside out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from graphlib import CycleError, TopologicalSorter

from autograd.arrays import NDArray, np
from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import Builder, new_numbers, renumbered
from autograd.compiler.scalars.eliminations.find import find_eliminations
from autograd.compiler.scalars.loops.body import Body
from autograd.compiler.scalars.loops.earlier import with_earlier_steps
from autograd.compiler.scalars.loops.eligible import Eligible
from autograd.compiler.scalars.loops.later import with_later_steps
from autograd.compiler.scalars.loops.operations import Integers, Operations, in_levels, operations_of
from autograd.compiler.scalars.loops.periods import Run, runs
from autograd.compiler.scalars.loops.recurrences import Levels, Recurrence, levels_of
from autograd.compiler.scalars.loops.repeat import RESULT, Repeat
from autograd.compiler.scalars.loops.stretches import stretches_of
from autograd.compiler.scalars.nodes import CONSTANT
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.continued import running_sums


def find_loops(program: ScalarProgram) -> ScalarProgram:
    """Turn repeated operations into loops, repeated loops into nested loops, and eliminations into loops over rows.

    Eliminations are searched for only if loops with a fixed period do not cover most of the program.
    """
    operations, chosen = recurrences_of(program)
    if not _is_mostly_looped(operations, chosen):
        eliminated = find_eliminations(program)
        if eliminated is not program:
            return _looped(eliminated, *recurrences_of(eliminated))
    return _looped(program, operations, chosen)


def _looped(program: ScalarProgram, operations: Operations, chosen: list[Levels]) -> ScalarProgram:
    """Return a program with the chosen loops, and with loops of these loops."""
    while True:
        looped = _Rewriter(program, operations, chosen).program() if chosen else program
        if looped is program or len(loops_in(looped)) < cost_of_loops.LEAST_STEPS:
            return looped
        program = looped
        operations, chosen = recurrences_of(program)


def looped_operations(program: ScalarProgram) -> int:
    """Count the operations that loops perform, in all their steps."""
    return sum(loop.steps * (len(loop.body.operations) + looped_operations(loop.body)) for loop in loops_in(program))


def loops_in(program: ScalarProgram) -> list[Repeat]:
    """Return the loops of a program, in order."""
    return [loop for loop in map(program.primitive_of, program.operations) if isinstance(loop, Repeat)]


def recurrences_of(program: ScalarProgram) -> tuple[Operations, list[Levels]]:
    """Return the operations and their loops, in the program's order or by levels: as more operations are in loops."""
    operations, excluded = operations_of(program), _excluded(program)
    chosen = _chosen(program, operations, excluded)
    if not _is_mostly_looped(operations, chosen):
        by_level = in_levels(operations, program.levels)
        others = _chosen(program, by_level, excluded)
        if _covered(others) > _covered(chosen):
            return by_level, others
    return operations, chosen


def _covered(chosen: Sequence[Levels]) -> int:
    """Count the operations that loops cover."""
    return sum(loop.places.size for levels in chosen for loop in levels.loops.values())


def _is_mostly_looped(operations: Operations, chosen: Sequence[Levels]) -> bool:
    spanned = sum(levels.stop - levels.stretch.start for levels in chosen)
    step = max((levels.stretch.period for levels in chosen), default=0)
    return cost_of_loops.mostly_looped(_covered(chosen), spanned, len(operations), step)


def _excluded(program: ScalarProgram) -> NDArray[np.bool_]:
    """Return, for each node, whether it must stay outside of loops: it is guarded, or part of a running sum."""
    guards, sums = program.guards, running_sums(program)
    excluded = np.zeros(len(program), dtype=bool)
    excluded[sorted({*guards.of, *guards.unreached, *(i for chain in sums for i in chain)})] = True
    return excluded


def _chosen(program: ScalarProgram, operations: Operations, excluded: NDArray[np.bool_]) -> list[Levels]:
    """Return the loops of operations in this order."""
    eligible = Eligible(program, operations, excluded)
    chosen: list[Levels] = []
    taken = np.zeros(len(operations), dtype=bool)
    for least in cost_of_loops.least_steps(len(operations)):
        for run in runs(operations, taken, least):
            if not taken[run.start : run.stop].any():
                levels = _loops_of(operations, run, eligible, least)
                if levels is not None and not taken[levels.stretch.start : levels.stop].any():
                    chosen.append(levels)
                    taken[levels.stretch.start : levels.stop] = True
        if _is_mostly_looped(operations, chosen):
            break
    chosen = _extended(program, operations, chosen, excluded)
    narrow = [cost_of_loops.is_narrow(loop.carried) for levels in chosen for loop in levels.loops.values()]
    if sum(narrow) <= cost_of_loops.FEW_LOOPS:
        return chosen
    looped = _Rewriter(program, operations, chosen).program()
    if cost_of_loops.worth_looping(_longest_path(program), _longest_path(looped)):
        return chosen
    return [x for x in chosen if not any(cost_of_loops.is_narrow(loop.carried) for loop in x.loops.values())]


def _extended(
    program: ScalarProgram, operations: Operations, chosen: list[Levels], excluded: NDArray[np.bool_]
) -> list[Levels]:
    """Return the loops with further steps before and after them, without those that are still too short."""
    for extend in (with_earlier_steps, partial(with_later_steps, program)):
        extended = extend(operations, chosen, excluded)
        if extended is not chosen and _Rewriter(program, operations, extended).is_possible():
            chosen = extended
    least = cost_of_loops.LEAST_STEPS
    return [levels for levels in chosen if all(loop.steps >= least for loop in levels.loops.values())]


def _longest_path(program: ScalarProgram) -> int:
    """Return the length of the longest chain of dependent operations, counting each step of loops."""
    path: dict[int, int] = {}
    for i in program.operations:
        loop = program.primitive_of(i)
        own = 1
        if isinstance(loop, Repeat):
            own = loop.steps * _longest_path(loop.body) if cost_of_loops.is_narrow(loop.states) else 0
        path[i] = own + max([path.get(k, 0) for k in program.operands_of(i)], default=0)
    return max(path.values(), default=0)


def _loops_of(operations: Operations, run: Run, eligible: Eligible, least: int) -> Levels | None:
    """Return the loops of a run, with as many operations as possible; None if there are none."""
    several = [
        levels_of(operations, stretch, run.stop, partial(eligible, stretch), least)
        for stretch in stretches_of(operations, run)
    ]
    return max([levels for levels in several if levels is not None], key=lambda x: _covered([x]), default=None)


class _Rewriter:
    """Writes a program in which operations have become loops."""

    def __init__(self, program: ScalarProgram, operations: Operations, chosen: Sequence[Levels]) -> None:
        self._program, self._operations, self._chosen = program, operations, chosen
        self._builder = Builder.like(program)
        self._new = new_numbers(program)
        self._numbers: dict[int, int] = {}
        self._loop_of = np.full(len(operations), -1)  # the loop that contains each operation
        self._loops: list[Recurrence] = []
        for levels in chosen:
            for loop in levels.loops.values():
                self._loop_of[loop.places] = len(self._loops)
                self._loops.append(loop)
        self._bodies = [Body(program, operations, loop, split=True) for loop in self._loops]

    def program(self) -> ScalarProgram:
        """Return the new program."""
        program, builder, new = self._program, self._builder, self._new
        read = self._read_outside()
        guards = range(len(program) - program.guards.size, len(program))
        for i in range(program.interior.start, guards.start):
            if program.opcodes[i] == CONSTANT:
                new[i] = builder.constant(program.constants[i])
        done: set[int] = set()
        order = self._order()
        for at in order.tolist() if self._is_computable(order) else self._sorted():
            loop = int(self._loop_of[at])
            if loop < 0:
                i = int(self._operations.nodes[at])
                new[i] = builder.copy(program, i, new)
            elif loop not in done:
                done.add(loop)
                self._add_loop(loop, read)
        for i in guards:
            new[i] = builder.copy(program, i, new)
        return builder.successor(program, new, range(len(program)))

    def is_possible(self) -> bool:
        """Return whether no loop reads one of its own results as an input."""
        try:
            list(self._sorted())
        except CycleError:
            return False
        return True

    def _read_outside(self) -> NDArray[np.bool_]:
        """Return, for each node, whether it is an output or is read from outside of its loop."""
        program, operations = self._program, self._operations
        read = np.zeros(len(program) + 1, dtype=bool)  # the last place is that of ABSENT
        outside = np.repeat(self._loop_of < 0, np.diff(operations.first))
        read[operations.reads[outside]] = True
        for body in self._bodies:
            read[body.reads_outside()] = True
        guards = [k for i in program.guard_operations for k in program.operands_of(i)]
        read[[*program.outputs, *guards, *program.guards.of.values()]] = True
        return read

    def _order(self) -> Integers:
        """Return the operations in execution order: dependents of a loop come after all its steps."""
        order = np.arange(len(self._operations))
        for levels in self._chosen:
            start, stop, period = levels.stretch.start, levels.stop, levels.stretch.period
            level = 4 * np.array(levels.level)[np.arange(stop - start) % period]
            for n, loop in levels.loops.items():
                for member, places in zip(loop.members, loop.places.T):
                    inside = places[(places >= start) & (places < stop)] - start
                    level[member : int(inside[0]) : period] = 4 * n - 3
                    level[inside] = 4 * n - 2
                    level[int(inside[-1]) + period :: period] = 4 * n - 1
            order[start:stop] = start + np.argsort(level, kind="stable")
        return order

    def _is_computable(self, order: Integers) -> bool:
        """Return whether no operation reads a later one, which may happen if a loop ends in the middle of a step."""
        operations, loop_of = self._operations, self._loop_of
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        for loop in self._loops:
            rank[loop.places] = rank[loop.places].min()
        of_node, loop_of_node = np.full((2, len(self._program) + 1), -1)  # the last place is that of ABSENT
        of_node[operations.nodes], loop_of_node[operations.nodes] = rank, loop_of
        counts = np.diff(operations.first)
        by_rank = of_node[operations.reads] < np.repeat(rank, counts)
        within = (loop_of_node[operations.reads] == np.repeat(loop_of, counts)) & (np.repeat(loop_of, counts) >= 0)
        return bool((by_rank | within).all())

    def _sorted(self) -> Iterable[int]:
        """Sort operations topologically, with each loop as a unit."""
        operations, loop_of, reads = self._operations, self._loop_of.tolist(), self._operations.reads.tolist()
        place = {int(i): at for at, i in enumerate(operations.nodes)}
        first_of = [int(loop.places[0, 0]) for loop in self._loops]
        unit = [first_of[loop] if loop >= 0 else at for at, loop in enumerate(loop_of)]
        waits_for: dict[int, set[int]] = {at: set() for at in unit}
        for at, (start, stop) in enumerate(itertools.pairwise(operations.first.tolist())):
            waits_for[unit[at]].update(unit[place[i]] for i in reads[start:stop] if i in place)
        for at, others in waits_for.items():
            others.discard(at)
        return TopologicalSorter(waits_for).static_order()

    def _add_loop(self, number: int, read: NDArray[np.bool_]) -> None:
        """Add a loop, the parts split off its sums, and its read results."""
        loop, body, new, builder = self._loops[number], self._bodies[number], self._new, self._builder
        nodes, members = self._operations.nodes[loop.places], range(len(loop.members))
        final = {q: k for k, (q, initial) in enumerate(body.states) if len(initial) == 1}
        is_read = read[nodes]
        written = [j for j in members if is_read[:-1, j].any() or (is_read[-1, j] and j not in final)]
        repeat = Repeat(body.program(written), loop.steps)
        by_step = [
            [*(new[i] for i in row), *(builder.sum(renumbered(body.part(part, t), new)) for part in body.parts)]
            for t, row in enumerate(body.read.tolist())
        ]
        states = [new[initial[0]] for _, initial in body.states]
        operands = [*states, *(i for row in by_step for i in row), *(new[i] for i in body.same)]
        node = builder.application(builder.opcode(repeat), operands)
        for j in members:
            if j in written:
                for t in np.flatnonzero(is_read[:, j]).tolist():
                    place = len(states) + t * len(written) + written.index(j)
                    new[nodes[t, j]] = self._result(node, place)
            elif is_read[-1, j]:
                new[nodes[-1, j]] = self._result(node, final[j])

    def _result(self, loop: int, place: int) -> int:
        builder = self._builder
        if place not in self._numbers:
            self._numbers[place] = builder.constant(float(place))
        return builder.application(builder.opcode(RESULT), [loop, self._numbers[place]])
