"""Recover look-ups of rows of a parameter table by index, and choices among computed numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.lookups import look_up
from autograd.compiler.arrays.operations import PADDING, Shape
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.names import stem
from autograd.compiler.recover.groups import Choice, LookUps, Places
from autograd.compiler.recover.index import Positions, distinct
from autograd.compiler.recover.read import Reader
from autograd.compiler.recover.sums.blocks import View
from autograd.compiler.scalars.lookups import CONSTANT, LookUp, Table


def look_ups(
    nodes: Sequence[int], primitive_of: Sequence[Any], operands: Mapping[int, tuple[int, ...]], places: Places
) -> list[LookUps]:
    """Group look-ups by the table and the argument of indices, in the order of the indices.

    Args:
        nodes: the nodes of one level; only look-ups are grouped.
        primitive_of: the primitive of each node of the program.
        operands: the operands of these nodes.
    """
    classes: dict[tuple[Table, int], dict[int, dict[int, int]]] = {}
    for i in nodes:
        primitive = primitive_of[i]
        if isinstance(primitive, LookUp):
            (index,) = operands[i]
            rows = classes.setdefault((primitive.table, int(places.source[index])), {})
            rows.setdefault(int(places.position[index]), {})[primitive.column] = i
    groups: list[LookUps] = []
    for (table, source), rows in classes.items():
        columns = np.array(sorted({column for row in rows.values() for column in row}), dtype=np.int64)
        order = sorted(rows)
        members = tuple([rows[position].get(column, PADDING) for position in order for column in columns.tolist()])
        indices = View(source, np.array(order, dtype=np.int64))
        groups.append(LookUps(len(places.widths) + len(groups), members, True, table, columns, indices))
    return groups


def choices(
    nodes: Sequence[int], primitive_of: Sequence[Any], operands: Mapping[int, tuple[int, ...]], places: Places
) -> list[Choice]:
    """Group choices by the array that they select from; choices among several arrays are left out.

    Args:
        nodes, primitive_of, operands: as in `look_ups`.
    """
    classes: dict[tuple[int, int, int], list[int]] = {}
    for i in nodes:
        if primitive_of[i] is primitives.entry_at:
            *entries, index = [int(places.source[k]) for k in operands[i]]
            if len(set(entries)) == 1:
                classes.setdefault((entries[0], index, len(entries)), []).append(i)
    groups: list[Choice] = []
    for (source, of_indices, _), members in classes.items():
        positions = places.position[np.array([operands[i] for i in members])]
        table, indices = View(source, positions[:, :-1]), View(of_indices, positions[:, -1])
        groups.append(Choice(len(places.widths) + len(groups), tuple(members), True, table, indices))
    return groups


def lowered_look_ups(reader: Reader, group: LookUps) -> Handle:
    """Look up the rows of all indices."""
    index = reader.columns(group.indices.source, group.indices.positions)
    rows = look_up(_table(reader, group.table, group.columns), index)
    return reader.builder.reshape(rows, reader.shape(group.source))


def _table(reader: Reader, table: Table, columns: Positions) -> Handle:
    """Return a table of parameters, constants, or both."""
    is_whole = len(columns) == table.places.shape[1]
    places = table.places if is_whole else table.places[:, columns]
    numbers = table.numbers if is_whole else table.numbers[:, columns]
    if table.is_flat:
        places, numbers = places[:, 0], numbers[:, 0]
    is_constant, builder = places == CONSTANT, reader.builder
    if is_constant.all():
        return builder.constant(numbers)
    name = stem(table.labels) or "table"
    flat = places.reshape(-1)
    if not is_constant.any() and ((np.diff(flat) > 0).all() or len(distinct(flat)) == len(flat)):
        return reader.parameter(places, name)
    parameters = distinct(places[~is_constant])
    positions = np.where(is_constant, PADDING, np.searchsorted(parameters, places))
    entries = builder.take(reader.parameter(parameters, name), positions)
    if not numbers[is_constant].any():
        return entries
    mask = builder.constant(is_constant.astype(float))
    return builder.apply(primitives.where, mask, builder.constant(numbers), entries, careful=True)


def lowered_choice(reader: Reader, group: Choice) -> Handle:
    """Select one number of each row; if the rows repeat a few distinct tables, read only those."""
    positions, chosen = group.view.positions, group.indices.positions
    members, entries = positions.shape
    width = _width(positions, chosen)
    if width is not None:
        flat = reader.columns(group.view.source, positions[:width].T.reshape(-1))
        table = reader.builder.reshape(flat, _behind_samples(flat, (entries, width) if width > 1 else (entries,)))
        index = reader.columns(group.indices.source, chosen[::width])
        return reader.builder.reshape(look_up(table, index, int(is_batched(table.shape))), reader.shape(group.source))
    flat = reader.columns(group.view.source, positions.reshape(-1))
    table = reader.builder.reshape(flat, _behind_samples(flat, (members, entries)))
    table = reader.builder.broadcast(table, reader.shape_of(True, members, entries))
    return look_up(table, reader.columns(group.indices.source, chosen), 2)


def _behind_samples(x: Handle, lengths: tuple[int, ...]) -> Shape:
    return (*x.shape[:1], *lengths) if is_batched(x.shape) else lengths


def _width(positions: Positions, chosen: Positions) -> int | None:
    """Return the number of columns of the one table that all rows select from; None if there are several tables."""
    changes = np.flatnonzero(np.diff(chosen) != 0)
    width = int(changes[0]) + 1 if len(changes) else len(chosen)
    for columns in (width, 1):
        tables = positions.reshape(-1, columns, positions.shape[1]) if len(positions) % columns == 0 else None
        if tables is None or (tables != tables[0]).any():
            continue
        if (chosen.reshape(-1, columns) == chosen[::columns, None]).all():
            return columns
    return None
