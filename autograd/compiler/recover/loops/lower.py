"""Lower loops: their bodies become separate programs, their operands and results arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd.arrays import np
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Loop, Stepping
from autograd.compiler.arrays.operations import Operation, Shape
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.axes.rewrite import with_axes
from autograd.compiler.names import Names, sanitised, stem
from autograd.compiler.recover.groups import PARAMETERS, Grouping
from autograd.compiler.recover.loops.repetitions import LoopResult, Operand, Repetition
from autograd.compiler.recover.read import Reader
from autograd.compiler.recover.sums.blocks import View

LowerBody = Callable[[Grouping, Builder, Names, Sequence[Handle], Sequence[Sequence[int]]], ArrayProgram]
"""Lowers the groups of a body, given a grouping, a builder with arguments, names, these arguments, and the outputs."""


def lowered_loop(reader: Reader, group: Repetition, lower_body: LowerBody) -> list[Handle]:
    """Add a loop; return its results, which are still unnamed."""
    builder, names, grouping = Builder(), reader.names, group.body
    operands = [*_states(reader, group), *_read(reader, group), *_same(reader, group)]
    arguments = [builder.argument(name, shape) for name, shape in zip(_names(reader, group, operands), _shapes(group))]
    body = with_axes(lower_body(grouping, builder, names, arguments, group.outputs))
    operations = list(body.operations)
    for at, operation in enumerate(operations):
        if operation.kind == "parameter":
            positions = group.weights[operation.attribute.array]
            operand = reader.parameter(positions, "", name=operation.name)
            name = operand.operation.name or operation.name
            operations[at] = Operation("argument", (), (name, operation.shape), operation.shape, name)
            operands.append(operand)
    states, first = len(group.states), len(group.states) + len(group.read)
    read = [Stepping(int(is_batched(x.shape))) for x in operands[states:first]]
    written = [Stepping(int(is_batched(body.operations[at].shape))) for at in body.outputs[states:]]
    program = ArrayProgram(tuple(operations), body.outputs)
    loop = Loop(program, group.steps, states, tuple(read), tuple(written))
    return reader.builder.loop(loop, operands)


def lowered_result(reader: Reader, group: LoopResult, result: Handle, name: str) -> Handle:
    """Name a result of a loop; an array written by step is flattened to one row."""
    named = result if result.operation.name else result.named(name)
    return reader.reshape(named, len(group.members)) if group.by_step else named


def _shapes(group: Repetition) -> list[Shape]:
    """Return the shapes of the body's arguments."""
    body: Grouping = group.body
    count = len(group.operands)
    return [Reader.shape_of(body.batched[n], body.widths[n]) for n in range(1, 1 + count)]


def _names(reader: Reader, group: Repetition, operands: Sequence[Handle]) -> list[str]:
    """Name the body's arguments: states by their labels, operands read by step after their arrays."""
    body: Grouping = group.body
    chosen = []
    for n, operand in enumerate(operands):
        label = ""
        if n < len(group.states):
            label = stem({body.scalars.labels.get(i, "") for i in group.outputs[n]})
            base = sanitised(label) or "state"
        elif n < len(group.states) + len(group.read):
            base = f"{_root(operand) or 'x'}_t"
        else:
            base = operand.operation.name
            if base:
                chosen.append(base)
                continue
            base = "same"
        chosen.append(reader.names.plain(base))
    return chosen


def _root(x: Handle) -> str:
    """Return the name of the array that a handle is a part of."""
    while not x.operation.name and x.operation.operands:
        x = x.builder.operand(x)
    return x.operation.name


def _states(reader: Reader, group: Repetition) -> list[Handle]:
    shapes = _shapes(group)
    return [reader.builder.broadcast(_vector(reader, x), shape) for x, shape in zip(group.states, shapes)]


def _same(reader: Reader, group: Repetition) -> list[Handle]:
    return [_vector(reader, x) for x in group.same]


def _read(reader: Reader, group: Repetition) -> list[Handle]:
    arrays = []
    for x in group.read:
        if not isinstance(x, View):
            arrays.append(reader.builder.constant(x))
        else:
            arrays.append(reader.table(x, "p"))
    return arrays


def _vector(reader: Reader, x: Operand) -> Handle:
    if not isinstance(x, View):
        return reader.builder.constant(np.array(x))
    return reader.parameter(x.positions, "b") if x.source == PARAMETERS else reader.columns(x.source, x.positions)
