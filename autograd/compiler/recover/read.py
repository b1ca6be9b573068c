"""Read views of arrays as slices, transposed or repeated axes, concatenated slices, or gathers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd import primitives
from autograd.arrays import np
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import PADDING, Length, N, Shape
from autograd.compiler.arrays.shapes import is_batched
from autograd.compiler.names import Names
from autograd.compiler.recover.groups import PARAMETERS, Grouping
from autograd.compiler.recover.index import Axes, Band, Index, Positions, distinct
from autograd.compiler.recover.naming import parameter_name
from autograd.compiler.recover.padding import filled
from autograd.compiler.recover.padding_values import Padding, padding_values
from autograd.compiler.recover.sums.blocks import Numbers, View
from autograd.compiler.recover.sums.terms import uniform
from autograd.support.forking import computed_once

_UNKNOWN = -1
"""The number of the array that contains a parameter, before there is one."""


class Reader:
    """Reads the arrays of a program while it is lowered.

    Attributes:
        builder: the program's builder.
        names: generates unused names.
        arrays: the lowered arrays so far, by source.
        padding: the number in the padding of a source, if it is known to be the same everywhere.
    """

    builder: Builder
    grouping: Grouping
    names: Names

    def __init__(self, builder: Builder, grouping: Grouping, names: Names, arguments: Sequence[Handle]) -> None:
        self.builder, self.grouping, self.names = builder, grouping, names
        self.arrays: dict[int, Handle] = dict(enumerate(arguments, 1))
        self.padding: Padding = padding_values(grouping)
        self._parameters: list[tuple[Handle, tuple[int, ...]]] = []
        count = grouping.scalars.parameter_count + grouping.scalars.table_parameters
        self._array_of, self._place_of = np.full(count, _UNKNOWN), np.zeros(count, dtype=int)

    # Whole arrays

    def shape(self, source: int) -> Shape:
        """Return the shape of a source, with a row for each sample if it depends on the arguments."""
        return self.shape_of(self.grouping.batched[source], self.grouping.widths[source])

    @staticmethod
    def shape_of(batched: bool, *lengths: Length) -> Shape:
        return (N, *lengths) if batched else lengths

    def is_batched(self, view: View | None) -> bool:
        """Return whether a view has a row for each sample; an absent view has none."""
        return view is not None and self.grouping.batched[view.source]

    def numbers(self, numbers: float | Numbers) -> float | Handle:
        """Return a float unchanged, and an array of numbers as a constant."""
        return numbers if isinstance(numbers, float) else self.builder.constant(numbers)

    def parameter(self, positions: Positions, role: str, layer: int | None = None, name: str = "") -> Handle:
        """Return an array of parameters: all or part of a known one, possibly transposed, else a new one.

        Args:
            positions: the positions of its elements among the parameters.
            role: the name of the array if labels give none.
            layer: the number of the layer that it belongs to.
            name: the name of a new array, if it is unused.
        """
        known = self._known_parameters(positions)
        if known is not None:
            return known
        if positions.ndim == 2:
            known = self._known_parameters(positions.T)
            if known is not None:
                return self.builder.transpose(known, (1, 0))
        labels = self.grouping.scalars.labels
        some_positions = positions.reshape(-1)[:100]  # parameters that only tables hold are not nodes
        nodes = self._nodes[some_positions[some_positions < len(self._nodes)]]
        some = {labels.get(i, "") for i in nodes.tolist()} or {""}
        name = name or parameter_name(self.names, some, role, layer, positions.size == 1)
        array = self.builder.parameter(positions, name)
        if len(distinct(positions.reshape(-1))) == positions.size:
            self._array_of[positions] = len(self._parameters)
            self._place_of[positions] = np.arange(positions.size).reshape(positions.shape)
            self._parameters.append((array, positions.shape))
        return array

    def _known_parameters(self, positions: Positions) -> Handle | None:
        """Return parameters as part of a known array that holds them contiguously, in this order; None without one."""
        known = self._array_of[positions[(0,) * positions.ndim]] if positions.size else _UNKNOWN
        if known == _UNKNOWN or (self._array_of[positions] != known).any():
            return None
        (array, shape), places = self._parameters[known], self._place_of[positions].reshape(-1)
        if (np.diff(places) != 1).any():
            return None
        start, stop, row = int(places[0]), int(places[-1]) + 1, math.prod(shape[1:])
        if start % row == stop % row == 0:
            part = self.builder.slice(array, 0, start // row, stop // row)
        else:
            part = self.builder.slice(self.builder.reshape(array, (math.prod(shape),)), 0, start, stop)
        return self.builder.reshape(part, positions.shape)

    @computed_once
    def _nodes(self) -> Positions:
        """Return the nodes that are parameters, by position."""
        nodes = np.flatnonzero(self.grouping.source == PARAMETERS)
        in_order: Positions = nodes[np.argsort(self.grouping.position[nodes])]
        return in_order

    # Views

    def vector(self, view: View, layer: int | None = None) -> Handle:
        """Read one element for each member; a single element if all members read the same."""
        positions = view.positions
        if len(positions) > 1 and (positions == positions[0]).all():
            positions = positions[:1]
        if view.source != PARAMETERS:
            return self.columns(view.source, positions)
        period = _period(positions)
        array = self.parameter(positions[:period], "b", layer)
        if period == len(positions):
            return array
        axes = Axes(0, period, [len(positions) // period, period], [-1, 0])
        return self._along_axes(array, axes)

    def columns(self, source: int, positions: Positions) -> Handle:
        """Read columns of a source, including repeated ones."""
        if source == PARAMETERS:
            return self.parameter(positions, "p")
        if source in self.grouping.data:
            return self.data(source, positions)
        array = self.arrays[source]
        access = Index.of(positions)
        if access.slice is not None:
            return self._slice(array, *access.slice)
        if access.axes is not None:
            return self._along_axes(self._slice(array, access.axes.start, access.axes.stop), access.axes)
        pieces, band = access.pieces, access.band(self.grouping.widths[source])
        if band is not None and (pieces is None or len(pieces) > 2):
            return self._band(array, band)
        if pieces is not None:
            parts = [self._slice(array, *piece) for piece in pieces]
            return self.builder.concatenate(parts, len(array.shape) - 1)
        return self.builder.take(array, positions)

    def data(self, source: int, positions: Positions) -> Handle:
        """Read elements of a constant array, as a new constant in their shape, or as one number if all are equal."""
        numbers = np.where(positions == PADDING, 0.0, self.grouping.data[source][positions])
        same = uniform(numbers)
        if isinstance(same, float):
            return self.builder.broadcast(self.builder.constant(same), numbers.shape)
        return self.builder.constant(numbers)

    def table(self, view: View, role: str = "w", layer: int | None = None, padding: float = 0.0) -> Handle:
        """Read a view of several axes as an array of that shape, after the axis of samples if there is one.

        Args:
            padding: the number to read at PADDING.
        """
        present = view.positions != PADDING
        if view.source == PARAMETERS:
            if present.all():
                return self.parameter(view.positions, role, layer)
            place = np.full(present.shape, PADDING)
            place[present] = np.arange(int(present.sum()))
            return self.builder.take(self.parameter(view.positions[present], role, layer), place)
        if present.all():
            return self.reshape(self.columns(view.source, view.positions.reshape(-1)), *present.shape)
        everywhere = filled(view.positions, self.grouping.widths[view.source])
        if everywhere is None or view.source in self.grouping.data:
            gathered = self.reshape(self.columns(view.source, view.positions.reshape(-1)), *present.shape)
            return gathered if padding == 0.0 else self.masked(gathered, present, padding)
        x = self.reshape(self.columns(view.source, everywhere.reshape(-1)), *present.shape)
        return x if self._is_padding(view.source, everywhere[~present], padding) else self.masked(x, present, padding)

    def _is_padding(self, source: int, positions: Positions, padding: float) -> bool:
        """Return whether these positions are padding of the source, and known to hold this number."""
        return self.padding.get(source) == padding and bool((self.members(source)[positions] == PADDING).all())

    def members(self, source: int) -> Positions:
        """Return the nodes of a group, in order."""
        return np.array(self.grouping.groups[source - self.grouping.first].members)

    def masked(self, x: Handle, present: Any, padding: float) -> Handle:
        """Replace the padding of an array by a number.

        Args:
            present: marks the elements that are not padding, in the shape of x after the axis of samples.
        """
        shape = x.shape
        rows = present.reshape(-1, present.shape[-1])
        period = _period_of_rows(rows)
        apart = (len(rows) // period, period, rows.shape[1]) if period < len(rows) else rows.shape
        mask = self.builder.constant(rows[:period].astype(float))
        kept = self.builder.apply(primitives.where, mask, self.reshape(x, *apart), padding, careful=True)
        return self.builder.reshape(kept, shape)

    def reshape(self, x: Handle, *lengths: int) -> Handle:
        """Change the shape after the axis of samples."""
        return self.builder.reshape(x, self.shape_of(is_batched(x.shape), *lengths))

    def _slice(self, array: Handle, start: int, stop: int, step: int = 1) -> Handle:
        return self.builder.slice(array, len(array.shape) - 1, start, stop, step)

    def _band(self, array: Handle, band: Band) -> Handle:
        """Read the same columns of each period of a slice."""
        rows, length = (band.stop - band.start) // band.period, band.last - band.first
        periods = self.reshape(self._slice(array, band.start, band.stop), rows, band.period)
        part = self.reshape(self._slice(periods, band.first, band.last), rows * length)
        return part if band.axes is None else self._along_axes(part, band.axes)

    def _along_axes(self, part: Handle, axes: Axes) -> Handle:
        """Transpose the axes of a slice, and repeat it along new ones."""
        first, lengths = int(is_batched(part.shape)), axes.shape
        width = math.prod(lengths)
        own = [k for k in axes.place if k >= 0]
        if own != sorted(own):
            in_axes = self.reshape(part, *axes.own)
            part = self.builder.transpose(in_axes, [*range(first), *(k + first for k in own)])
        if len(own) < len(axes.place):
            apart = self.reshape(part, *(length if k >= 0 else 1 for length, k in zip(lengths, axes.place)))
            part = self.builder.broadcast(apart, self.shape_of(first > 0, *lengths))
        return self.reshape(part, width)


def _period_of_rows(rows: Any) -> int:
    """Return the period with which rows repeat; their number if they do not."""
    for period in range(1, len(rows)):
        if len(rows) % period == 0 and (rows.reshape(-1, period, rows.shape[1]) == rows[:period]).all():
            return period
    return len(rows)


def _period(positions: Positions) -> int:
    """Return the period with which positions repeat; their number if they do not."""
    again = np.flatnonzero(positions[1:] == positions[0])
    if not len(again):
        return len(positions)
    period = int(again[0]) + 1
    if len(positions) % period or not (positions.reshape(-1, period) == positions[:period]).all():
        return len(positions)
    return period
