"""Tell quickly whether a program may have loops, before what finds them is imported."""

from __future__ import annotations

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.columns import Columns


def may_recur(program: Columns) -> bool:
    """Return whether operations that do equal work wait for one another, as those of a loop do.

    Of a loop's operations some have equal ones at LEAST_DEPTHS depths at least, so that a program without such has no
    loops. Those that have are mostly told so after a few steps.
    """
    depth = [0] * (len(program) + 1)  # the last place is that of ABSENT
    depths: dict[tuple[int, int], set[int]] = {}
    for i in program.operations:
        own = depth[i] = 1 + max(map(depth.__getitem__, program.operands_of(i)), default=0)
        equal = depths.setdefault((program.opcodes[i], program.counts[i]), set())
        equal.add(own)
        if len(equal) >= cost_of_loops.LEAST_DEPTHS:
            return True
    return False
