"""Find grids: operations that recur in two directions, such as cells of a dynamic program, become a wavefront loop.

A cell of soft-DTW reads the cells above, to the left, and diagonally between them. So all cells of an antidiagonal can
be computed in parallel, one antidiagonal after the other: the hyperplane method (Lamport, 1974). Antidiagonals differ
in length; the body of the loop has the longest, see `ragged.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.builder import Builder, new_numbers
from autograd.compiler.scalars.depths import levels
from autograd.compiler.scalars.grids.borders import Border, borders, with_borders
from autograd.compiler.scalars.grids.ragged import Lanes, PaddedLoop
from autograd.compiler.scalars.grids.wavefronts import wavefronts
from autograd.compiler.scalars.loops.repeat import RESULT, Repeat
from autograd.compiler.scalars.merge import merge_equal_nodes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.collect import collect_sums


def find_grids(program: ScalarProgram) -> ScalarProgram:
    """Turn grids into loops; return the program unchanged if there are none.

    Padding may be infinite or nan where the graph is finite.

    Args:
        program: a program without sums of products.
    """
    looped = program
    for _ in range(cost_of_loops.MOST_GRIDS):
        lanes = wavefronts(looped) if cost_of_loops.is_deep(levels(looped)) else None
        border = borders(looped, lanes) if lanes else None
        if lanes is None or border is None:
            break
        looped = _with_loop(looped, *with_borders(looped, lanes, border))
    return looped


def _with_loop(program: ScalarProgram, lanes: Lanes, border: Border) -> ScalarProgram:
    """Return the program with a grid turned into a loop."""
    behind = _dependents(program, lanes)
    read = {k for i in program.operations if i not in lanes.places for k in program.operands_of(i)}
    loop = PaddedLoop(program, lanes, border, sorted(lanes.places.keys() & (read | set(program.outputs))))
    repeat = Repeat(merge_equal_nodes(collect_sums(loop.repeat.body)), loop.repeat.steps, loop.repeat.arrays)
    builder = Builder.like(program)
    new = new_numbers(program)
    for i in program.interior:
        if i not in lanes.places and not behind[i]:
            new[i] = builder.copy(program, i, new)
    numbers = [builder.constant(x) for x in loop.numbers]
    operands = [numbers[-1 - k] if k < 0 else new[k] for k in loop.operands]
    node = builder.application(builder.opcode(repeat), operands)
    at: dict[int, int] = {}
    for i, number in loop.results.items():
        if number not in at:
            at[number] = builder.constant(float(number))
        new[i] = builder.application(builder.opcode(RESULT), [node, at[number]])
    for i in program.interior:
        if behind[i] and i not in lanes.places:
            new[i] = builder.copy(program, i, new)
    return builder.successor(program, new, range(len(program)))


def _dependents(program: ScalarProgram, lanes: Lanes) -> Sequence[bool]:
    """Return, for each node, whether it is in a grid or depends on it."""
    behind = [i in lanes.places for i in range(len(program))]
    for i in program.operations:
        behind[i] = behind[i] or any(behind[k] for k in program.operands_of(i))
    return behind
