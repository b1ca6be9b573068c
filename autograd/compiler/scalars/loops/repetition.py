"""A quick test for loops, which avoids importing the search for them."""

from __future__ import annotations

from autograd.compiler import cost_of_loops
from autograd.compiler.scalars.columns import Columns


def may_recur(program: Columns) -> bool:
    """Return whether equal operations depend on one another, as those of a loop do.

    Some operations of a loop have equal ones at LEAST_DEPTHS depths or more, so a program without such operations has
    no loops. For others, the test usually ends after a few steps.
    """
    depth: dict[int, int] = {}
    depths: dict[tuple[int, int], set[int]] = {}
    for i in program.operations:
        own = depth[i] = 1 + max([depth.get(k, 0) for k in program.operands_of(i)], default=0)
        equal = depths.setdefault((program.opcodes[i], program.counts[i]), set())
        equal.add(own)
        if len(equal) >= cost_of_loops.LEAST_DEPTHS:
            return True
    return False
