"""Print scalar programs."""

from __future__ import annotations

from collections.abc import Sequence

from autograd.compiler.scalars.columns import Columns
from autograd.compiler.scalars.lookups import LookUp
from autograd.compiler.scalars.loops.repeat import Repeat
from autograd.compiler.scalars.nodes import ABSENT, APPLY, CONSTANT, SUM, Sum, is_nothing


def listing(program: Columns) -> str:
    """Return a line for each sum and application, guards last, and one for the outputs.

    Arguments are x, or x1, x2, ..., their numbers x[0], x[1], ...; parameters are p0, p1, ...; constants are inlined as
    numbers, those of arrays as c0[0], c0[1], ... A sum's slots are separated by semicolons.
    """
    names = node_names(program)
    lines = [_line(program, i, names) for i in program.operations]
    if program.guards.size:
        lines += ["guards:", *(_line(program, i, names) for i in program.guard_operations)]
    lines.append(f"return {', '.join(names[i] for i in program.outputs)}")
    return "\n".join(lines)


def node_names(program: Columns) -> list[str]:
    """Return the name of each node in the listing."""
    names: list[str] = []
    several = len(program.argument_sizes) > 1
    for n, nodes in enumerate(program.arguments):
        name = f"x{n + 1}" if several else "x"
        names += [name] if len(nodes) == 1 else [f"{name}[{k}]" for k in range(len(nodes))]
    names += [f"p{k}" for k in range(program.parameter_count)]
    for i in program.interior:
        names.append(repr(program.constants[i]) if program.opcodes[i] == CONSTANT else f"v{i}")
    for n, array in enumerate(program.constant_arrays):
        for k, i in enumerate(array):
            names[i] = f"c{n}[{k}]"
    return names


def _line(program: Columns, i: int, names: Sequence[str]) -> str:
    if program.opcodes[i] == SUM:
        computed = _sum(program.sum_of(i), names)
    else:
        primitive = program.primitives[program.opcodes[i] - APPLY]
        operands = ", ".join(names[k] for k in program.operands_of(i))
        if isinstance(primitive, LookUp):
            computed = f"{primitive.table.name}[{operands}][{primitive.column}]"
        else:
            computed = f"{primitive.name}({operands})"
    remarks = []
    if i in program.labels:
        remarks.append(program.labels[i])
    if i in program.guards.of:
        remarks.append(f"derivative only if {names[program.guards.of[i]]}")
    if i in program.guards.choices:
        remarks.append("nothing to what is not chosen")
    if i in program.guards.unreached:
        remarks.append("no derivative")
    remark = f"  # {'; '.join(remarks)}" if remarks else ""
    line = f"{names[i]} = {computed}{remark}"
    loop = program.primitive_of(i)
    if not isinstance(loop, Repeat):
        return line
    body = [f"    {of_body}" for of_body in listing(loop.body).splitlines()]
    return "\n".join([f"{line}  # {loop.steps} steps of", *body])


def _sum(total: Sum, names: Sequence[str]) -> str:
    by_slot: dict[int, list[str]] = {}
    for c, x, y, slot in zip(total.coefficients, total.lefts, total.rights, total.slots):
        product = names[x] if y == ABSENT else f"{names[x]}*{names[y]}"
        coefficient = {1.0: "", -1.0: "-"}.get(c, f"{c!r}*")
        by_slot.setdefault(slot, []).append(coefficient + product)
    parts = [", ".join(terms) for terms in by_slot.values()]
    if not is_nothing(total.constant):
        parts.insert(0 if total.leads else len(parts), repr(total.constant))
    text = f"sum({'; '.join(parts)})"
    if total.factor != 1.0:
        text = f"{total.factor!r} * {text}"
    return text if total.divisor == 1.0 else f"{text} / {total.divisor!r}"
