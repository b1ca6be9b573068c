"""Loop-invariant numbers of several arrays that equal operations of a body read in the same place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from autograd.compiler.scalars.nodes import ABSENT, SUM
from autograd.compiler.scalars.program import ScalarProgram


def read_in_one_place(body: ScalarProgram, kinds: Callable[[int], Hashable], sources: Sequence[int]) -> list[list[int]]:
    """Return the loop-invariant numbers that equal operations read in one place, if they come from several arrays.

    A covariance to which P + Q adds the variances on its diagonal, and zeros elsewhere, reads these as one array.

    Args:
        kinds: returns the kind of a node, equal for equal operations.
        sources: the array of each loop-invariant number.
    """
    same = body.arguments[2]
    reads: dict[Hashable, list[int]] = {}
    for i in body.operations:
        row: Sequence[int] = body.operands_of(i)
        if body.opcodes[i] == SUM:
            total = body.sum_of(i)
            row = [*total.lefts, *total.rights]
        for place, k in enumerate(row):
            if k != ABSENT and k in same:
                reads.setdefault((kinds(i), len(row), place), []).append(k - same.start)
    often = [0] * len(same)
    for part in reads.values():
        for k in part:
            often[k] += 1
    return [part for part in reads.values() if len({sources[k] for k in part}) > 1 and all(often[k] == 1 for k in part)]
