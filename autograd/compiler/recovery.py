"""From a prepared scalar program to array operations, by passes that are imported on demand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from autograd.compiler.arrays.program import LEAVES, ArrayProgram
from autograd.compiler.scalars.program import ScalarProgram

_VIEWS = frozenset({"slice", "reshape", "transpose", "broadcast"})


def count_of_work(program: ArrayProgram) -> int:
    """Return the number of operations that compute or copy numbers, unlike leaves and views."""
    return sum([operation.kind not in LEAVES and operation.kind not in _VIEWS for operation in program.operations])


def recovered(
    scalars: ScalarProgram,
    arguments: Sequence[str],
    indices: Collection[int],
    padding: bool = True,
    aligned: bool = False,
    force: bool = False,
) -> Any:
    """Return the array program that the scalars spell out; without `force`, None if it would have no wide arrays.

    The other arguments are those of `recover` and `lower`.
    """
    from autograd.compiler.recover.groups import is_wide
    from autograd.compiler.recover.lower import lower
    from autograd.compiler.recover.recover import recover

    grouping = recover(scalars, padding, aligned=aligned)
    worthwhile = force or indices or not grouping.groups or any(map(is_wide, grouping.groups))
    return lower(grouping, arguments, indices) if worthwhile else None


def _divided(program: ArrayProgram) -> ArrayProgram:
    """Return the array program with divided axes."""
    from autograd.compiler.axes.rewrite import with_axes

    return with_axes(program)


def _with_softmax(program: ArrayProgram) -> ArrayProgram:
    """Return the array program with each softmax as one operation."""
    from autograd.compiler.arrays.softmax import with_softmax

    return with_softmax(program)


PASSES_OVER_ARRAYS = (("divide axes", _divided), ("recognise softmax", _with_softmax))
