"""Lower groups of scalars to array operations: one named operation per group, and the outputs."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.lookups import add_index
from autograd.compiler.arrays.operations import PADDING
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.names import Names, reserved_names
from autograd.compiler.recover.groups import (
    CONSTANT,
    Application,
    Choice,
    Concatenation,
    Group,
    Grouping,
    LookUps,
    Reduction,
    RunningSum,
    SumOfProducts,
    is_padded,
    padded_product,
    views,
)
from autograd.compiler.recover.guards import ROWS, Guards
from autograd.compiler.recover.lookups import lowered_choice, lowered_look_ups
from autograd.compiler.recover.loops.lower import lowered_loop, lowered_result
from autograd.compiler.recover.loops.repetitions import LoopResult, Repetition
from autograd.compiler.recover.naming import group_names
from autograd.compiler.recover.padding_values import neutral
from autograd.compiler.recover.read import Reader
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.recover.sums.lower import Sums, named


def lower(grouping: Grouping, arguments: Sequence[str], indices: Collection[int] = ()) -> ArrayProgram:
    """Return a function's forward pass as a program of array operations.

    Args:
        grouping: the groups of scalars.
        arguments: the names of the function's arguments.
        indices: the positions of those that are indices.

    Returns:
        A program whose output has a column for each number that the function returns, and a row for each sample if it
        depends on the arguments. Its operations have their names in the source. The output does not depend on masks,
        which only guards refer to.
    """
    names, builder = Names(reserved_names()), Builder()
    rows = [
        add_index(builder, names.plain(name), width) if i in indices else builder.argument(names.plain(name), width)
        for i, (name, width) in enumerate(zip(arguments, grouping.widths[1:]))
    ]
    return _lowered_groups(grouping, builder, names, rows, [grouping.scalars.outputs])


def _lowered_groups(
    grouping: Grouping, builder: Builder, names: Names, rows: Sequence[Handle], outputs: Sequence[Sequence[int]]
) -> ArrayProgram:
    """Return the program of a sequence of groups.

    Args:
        builder: contains the arguments.
        names: generates unused names.
        rows: the arguments.
        outputs: the nodes of each output.
    """
    of_groups, layers = group_names(grouping, names)
    reader = Reader(builder, grouping, names, rows)
    guards = Guards(reader)
    loops: dict[int, list[Handle]] = {}
    sums = Sums(reader, guards, layers)
    sums.name_layers()
    for group, name in zip(grouping.groups, of_groups):
        if isinstance(group, Repetition):
            loops[group.source] = lowered_loop(reader, group, _lowered_groups)
            continue
        if isinstance(group, LoopResult):
            reader.arrays[group.source] = lowered_result(reader, group, loops[group.loop][group.number], name)
            continue
        start = len(builder.operations)
        result = _lowered(reader, guards, sums, group, name)
        # If all members have the same operands, one column has been computed for all of them.
        result = builder.broadcast(result, reader.shape(group.source))
        is_constant = isinstance(group, Application) and group.primitive is primitives.identity and not views(group)
        reader.arrays[group.source] = result if is_constant else named(result, name, start)
    results = [_columns(reader, nodes) for nodes in outputs]
    places = {reader.arrays[source].at: layer for source, layer in layers.items()}
    padded = grouping.padding and (sums.unguarded or any(map(is_padded, grouping.groups)))
    return replace(builder.program(results, places, guards.masks()), padded=padded)


def _lowered(reader: Reader, guards: Guards, sums: Sums, group: Group, name: str) -> Handle:
    match group:
        case Application():
            return _application(reader, guards, group)
        case Reduction():
            return _reduction(reader, guards, group)
        case SumOfProducts():
            return _filled(reader, group, sums.lowered(group, name))
        case LookUps():
            return lowered_look_ups(reader, group)
        case Choice():
            return lowered_choice(reader, group)
        case Concatenation():
            return _concatenated(reader, group)
        case RunningSum():
            return _running_sum(reader, group)
        case _:
            raise TypeError("loops are lowered apart")


def _filled(reader: Reader, group: SumOfProducts, x: Handle) -> Handle:
    """Return sums, with the padding lanes of a matrix product set to the number that suits their readers."""
    product = padded_product(group)
    if product is None or group.source not in reader.padding:
        return x
    present = (np.array(group.members) != PADDING).reshape(product.shape)
    return reader.masked(x, present, reader.padding[group.source])


def _concatenated(reader: Reader, group: Concatenation) -> Handle:
    """Concatenate the pieces of a group, broadcasting those without a row for each sample if others have one."""
    pieces = [
        reader.builder.broadcast(reader.vector(view), reader.shape_of(group.batched, len(view.positions)))
        for view in group.pieces
    ]
    return reader.builder.concatenate(pieces, int(group.batched))


def _running_sum(reader: Reader, group: RunningSum) -> Handle:
    """Accumulate along the last axis; a single running sum is read as one row."""
    positions = group.view.positions
    row = reader.columns(group.view.source, positions[0]) if len(positions) == 1 else reader.table(group.view)
    return reader.reshape(reader.builder.accumulate(row, len(row.shape) - 1), len(group.members))


def _application(reader: Reader, guards: Guards, group: Application) -> Handle:
    """Apply a primitive to its operands."""
    inputs: list[Any] = [
        guards.reached(group, reader.vector(x)) if isinstance(x, View) else reader.numbers(x) for x in group.operands
    ]
    return reader.builder.apply(group.primitive, *inputs, careful=guards.is_careful(group))


def _reduction(reader: Reader, guards: Guards, group: Reduction) -> Handle:
    """Reduce a table along its last axis; a single member is read as one row."""
    one = len(group.members) == 1
    if one:
        x = guards.reached(group, reader.columns(group.view.source, group.view.positions[0]))
    else:
        x = guards.reached(group, reader.table(group.view, padding=neutral(group)), ROWS)
    axis, careful = len(x.shape) - 1, guards.is_careful(group)
    return reader.builder.reduce(x, group.primitive.name, (axis,), keepdims=one, careful=careful)


def _columns(reader: Reader, outputs: Sequence[int]) -> Handle:
    """Concatenate nodes, a column each. Consecutive nodes of one array are read together."""
    grouping, builder = reader.grouping, reader.builder
    parts = []
    for source, nodes in _runs_of_outputs(grouping, outputs):
        if source == CONSTANT:
            parts.append(builder.constant(np.full(1, grouping.number[nodes[0]])))
            continue
        view = View(source, grouping.position[nodes])
        if len(nodes) > 1 and (view.positions == view.positions[0]).all():
            row = reader.table(view[None])
            parts.append(builder.reshape(row, reader.shape_of(reader.is_batched(view), len(nodes))))
        else:
            parts.append(reader.vector(view))
    if any(is_batched(part.shape) for part in parts):
        parts = [builder.broadcast(part, reader.shape_of(True, *part.shape[-1:])) for part in parts]
    return builder.concatenate(parts, len(parts[0].shape) - 1)


def _runs_of_outputs(grouping: Grouping, outputs: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Split the outputs where their source changes; each literal is a separate run."""
    runs: list[tuple[int, list[int]]] = []
    for source, nodes in itertools.groupby(outputs, key=lambda i: int(grouping.source[i])):
        together = list(nodes)
        runs += [(source, [i]) for i in together] if source == CONSTANT else [(source, together)]
    return runs
