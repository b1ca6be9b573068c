"""Verify that a scalar program is well formed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, repeat
from operator import lt
from typing import Any

from autograd.compiler.arity import takes
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, ARGUMENT, CONSTANT, PARAMETER, SUM


def verify(program: Columns) -> None:
    """Check that operands are defined before use, opcodes and operand counts are valid, and tables refer to nodes.

    Raises:
        ValueError: naming the node and the fault.
    """
    _verify_columns(program)
    opcodes, starts, counts = program.opcodes, program.starts, program.counts
    lefts, rights, slots = program.lefts, program.rights, program.slots
    are_sound = _applications_are_sound(program)
    are_floats = set(map(type, program.coefficients)) <= {float}
    for i in [i for i in program.interior if opcodes[i] < APPLY or not are_sound]:
        opcode, start, count = opcodes[i], starts[i], counts[i]
        end = start + count
        if opcode >= APPLY:
            _verify_application(program, i)
        elif opcode == SUM:
            if not (are_floats and _is_plain(i, count, lefts[start:end], rights[start:end], slots[start:end])):
                _verify_sum(program, i)
        else:
            if opcode != CONSTANT:
                raise ValueError(f"node {i}: opcode {opcode} is not allowed after the arguments and parameters")
            _require(i in program.constants, i, "a constant without a number")
    _verify_tables(program)


def _require(holds: bool, i: int, wrong: str) -> None:
    if not holds:
        raise ValueError(f"node {i}: {wrong}")


def _verify_columns(program: Columns) -> None:
    sizes = [len(program.opcodes), len(program.starts), len(program.counts)]
    if len(set(sizes)) > 1:
        raise ValueError(f"the columns of nodes have different lengths: {sizes}")
    terms = [len(program.coefficients), len(program.lefts), len(program.rights), len(program.slots)]
    if len(set(terms)) > 1:
        raise ValueError(f"the columns of terms have different lengths: {terms}")
    if min(program.starts, default=0) < 0 or min(program.counts, default=0) < 0:
        raise ValueError("a row of the columns of operands begins before the first, or ends before it begins")
    arguments = sum(program.argument_sizes)
    leaves = (ARGUMENT,) * arguments + (PARAMETER,) * program.parameter_count
    if program.opcodes[: len(leaves)] != leaves:
        raise ValueError(
            f"the first nodes must be {arguments} numbers of arguments and {program.parameter_count} parameters"
        )


def _applications_are_sound(program: Columns) -> bool:
    """Return whether all applications are well formed and their rows adjacent: a fast check without a message."""
    nodes = [i for i in program.interior if program.opcodes[i] >= APPLY]
    counts = [program.counts[i] for i in nodes]
    if [program.starts[i] for i in nodes] != list(accumulate(counts, initial=0))[:-1]:
        return False
    kinds = set(zip([program.opcodes[i] - APPLY for i in nodes], counts))
    if any(k >= len(program.primitives) or not takes(program.primitives[k], count) for k, count in kinds):
        return False
    readers = chain.from_iterable(map(repeat, nodes, counts))
    is_whole = sum(counts) == len(program.operands) and min(program.operands, default=0) >= 0
    return is_whole and all(map(lt, program.operands, readers))


def _verify_application(program: Columns, i: int) -> None:
    opcode, start, count = program.opcodes[i], program.starts[i], program.counts[i]
    if opcode >= APPLY + len(program.primitives):
        raise ValueError(f"node {i}: opcode {opcode} must be that of one of the program's primitives")
    _verify_reads(i, program.operands[start : start + count], count)
    primitive = program.primitives[opcode - APPLY]
    _require(takes(primitive, count), i, f"{primitive.name} does not take {count} operand(s)")


def _verify_reads(i: int, operands: tuple[int, ...], count: int) -> None:
    if len(operands) != count:
        raise ValueError(f"node {i}: its row of {count} lies beyond the end of the column")
    if operands and not 0 <= min(operands) <= max(operands) < i:
        wrong = next(k for k in operands if not 0 <= k < i)
        raise ValueError(f"node {i}: reads node {wrong}, which does not come before it")


def _is_plain(i: int, count: int, lefts: Sequence[int], rights: Sequence[int], slots: Sequence[int]) -> bool:
    """Return whether the terms of a sum are well formed: a fast check without an error message."""
    if not 0 < count == len(lefts):
        return False
    if count == 1:
        return 0 <= lefts[0] < i and ABSENT <= rights[0] < i and slots[0] >= 0
    reads_earlier = min(lefts) >= 0 and max(lefts) < i and min(rights) >= ABSENT and max(rights) < i
    return reads_earlier and slots[0] >= 0 and list(slots) == sorted(slots)


def _verify_sum(program: Columns, i: int) -> None:
    start, count = program.starts[i], program.counts[i]
    _verify_reads(i, program.lefts[start : start + count], count)
    rights = program.rights[start : start + count]
    _verify_reads(i, rights if ABSENT not in rights else tuple([max(k, 0) for k in rights]), count)
    _require(min(rights, default=ABSENT) >= ABSENT, i, "a second factor is neither a node nor ABSENT")
    slots = list(program.slots[start : start + count])
    _require(slots == sorted(slots) and min(slots, default=0) >= 0, i, f"slots must ascend from 0 or more, got {slots}")
    _require_floats(i, program.coefficients[start : start + count])


def _require_floats(i: int, numbers: Iterable[Any]) -> None:
    for x in numbers:
        _require(type(x) is float, i, f"its numbers must be floats, got {x!r}")


def _verify_tables(program: Columns) -> None:
    size, guards = len(program), program.guards
    forward = size - guards.size
    for i, x in program.constants.items():
        _require(0 <= i < size and program.opcodes[i] == CONSTANT, i, "has a number, but is not a constant")
        _require_floats(i, [x])
    for i, scaling in program.scalings.items():
        _require(0 <= i < size and program.opcodes[i] == SUM, i, "has a scaling, but is not a sum")
        _require_floats(i, (scaling.constant, scaling.factor, scaling.divisor))
    for i in program.outputs:
        _require(0 <= i < forward, i, "an output that does not exist, or is a guard")
    if not 0 <= program.differentiated <= len(program.outputs):
        raise ValueError(f"{program.differentiated} of {len(program.outputs)} outputs cannot have derivatives")
    for i in (*program.labels, *program.repeated, *program.separate):
        _require(0 <= i < size, i, "a label or a mark is of a node that does not exist")
    for i in (i for nodes in program.constant_arrays for i in nodes):
        _require(i in program.constants, i, "belongs to an array of constants, but is not a constant")
    for i in (*guards.of, *guards.choices, *guards.unreached):
        _require(0 <= i < forward, i, "a guarded node that does not exist, or is a guard itself")
    for i, guard in guards.of.items():
        _require(0 <= guard < size, i, f"its guard {guard} does not exist")
