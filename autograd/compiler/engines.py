"""What runs a program: array operations on whole batches, or straight-line source on the numbers of each node.

Both have the same methods, over rows (an array for each argument, a row a sample) and the flat vector of parameters.
"""

from __future__ import annotations

from typing import Any

from autograd.arrays import np
from autograd.compiler import cost
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.recover.groups import Group, Rows, View
from autograd.compiler.recover.lower import lower
from autograd.compiler.recover.recover import recover
from autograd.compiler.recover.unrolled import lower_scalars
from autograd.compiler.scalars.depths import depths
from autograd.compiler.scalars.passes import PREPARE_FOR_ARRAYS, run_passes
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.targets.numpy_run import NumpyEngine
from autograd.compiler.targets.straight_line.engine import StraightLineEngine


def engine_for(
    scalars: ScalarProgram, arguments: list[str], dtype: np.dtype[Any], name: str
) -> NumpyEngine | StraightLineEngine:
    """Array operations, unless nearly every one of them would be of a single number."""
    levels = 1 + max(depths(scalars.operations, scalars.operands_of).values(), default=0)
    work = len(scalars.operations) + len(scalars.lefts)
    if cost.worth_grouping(levels, work):
        grouping = recover(run_passes(PREPARE_FOR_ARRAYS, scalars))
        if any(map(_is_wide, grouping.groups)) or not grouping.groups:
            forward = lower(grouping, arguments)
            return _arrays(forward, scalars.differentiated, dtype, name, scalars.parameter_count)
    unrolled = lower_scalars(scalars, arguments)
    return _straight_lines(unrolled, scalars.differentiated, dtype, name)


def _arrays(forward: ArrayProgram, seeds: int, dtype: np.dtype[Any], name: str, leaves: int) -> NumpyEngine:
    return NumpyEngine(to_parameters(forward, seeds), lambda: to_arguments(forward, seeds), dtype, name, leaves)


def _straight_lines(forward: ArrayProgram, seeds: int, dtype: np.dtype[Any], name: str) -> StraightLineEngine:
    return StraightLineEngine(
        forward,
        lambda: to_parameters(forward, seeds, unrolled=True),
        lambda: to_arguments(forward, seeds, unrolled=True),
        seeds,
        dtype,
        name,
    )


def _is_wide(group: Group) -> bool:
    most = cost.MOST_NUMBERS_ALONE
    if len(group.members) > 1 or any(isinstance(x, View) and x.index.size > most for x in group.operands):
        return True
    return any(not isinstance(block, Rows) or block.left.index.size > most for block in group.blocks)
