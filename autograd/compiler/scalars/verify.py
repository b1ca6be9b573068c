"""Verify that a scalar program is well formed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd.compiler.arity import takes
from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.nodes import ABSENT, APPLY, ARGUMENT, CONSTANT, PARAMETER, SUM
from autograd.compiler.scalars.sound import applications_are_sound, sums_are_sound


def verify(program: Columns) -> None:
    """Check that operands are defined before use, opcodes and operand counts are valid, and tables refer to nodes.

    Raises:
        ValueError: naming the node and the fault.
    """
    _verify_columns(program)
    opcodes = program.opcodes
    if not applications_are_sound(program):
        for i in [i for i in program.interior if opcodes[i] >= APPLY]:
            _verify_application(program, i)
    if not sums_are_sound(program):
        for i in [i for i in program.interior if opcodes[i] == SUM]:
            _verify_sum(program, i)
    interior = program.interior
    if min(opcodes[interior.start :], default=SUM) < SUM:
        for i in [i for i in interior if opcodes[i] < SUM]:
            if opcodes[i] != CONSTANT:
                raise ValueError(f"node {i}: opcode {opcodes[i]} is not allowed after the arguments and parameters")
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
    if min((*program.starts, *program.counts), default=0) < 0:
        raise ValueError("a row of the columns of operands begins before the first, or ends before it begins")
    arguments = sum(program.argument_sizes)
    leaves = (ARGUMENT,) * arguments + (PARAMETER,) * program.parameter_count
    if program.opcodes[: len(leaves)] != leaves:
        raise ValueError(
            f"the first nodes must be {arguments} numbers of arguments and {program.parameter_count} parameters"
        )


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
