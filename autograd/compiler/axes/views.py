"""Views: arrays of the old program as handles of the new one, with a map between their axes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Length, Shape
from autograd.compiler.axes.lengths import by_axis, divided, is_divided, strides_of


class View(NamedTuple):
    """An array in terms of a handle with other axes.

    The array has axes of the given lengths. The handle has some of them, in some order; along the others the array is
    constant. Transposing, broadcasting or reshaping a view costs nothing until an operation needs the result.

    Attributes:
        handle: the existing array.
        lengths: the lengths of the array's axes.
        axes: for each axis of the handle, its place among the lengths.
    """

    handle: Handle
    lengths: Shape
    axes: tuple[int, ...]

    @classmethod
    def of(cls, handle: Handle) -> View:
        """Return the trivial view of an array."""
        return cls(handle, handle.shape, tuple(range(len(handle.shape))))

    def has_axes(self, axes: Iterable[int]) -> bool:
        """Return whether the handle has these axes."""
        return set(axes) <= set(self.axes)

    def ordered(self, order: Sequence[int]) -> Handle:
        """Return the array with its axes in this order; axes that the handle lacks have length 1."""
        builder, own = self.handle.builder, [k for k in order if k in self.axes]
        assert len(own) == len(self.axes), (self, order)
        x = builder.transpose(self.handle, [self.axes.index(k) for k in own])
        return builder.reshape(x, tuple([self.lengths[k] if k in self.axes else 1 for k in order]))

    def spread(self, order: Sequence[int]) -> View:
        """Return the view with its axes in this order, broadcast along those that the handle lacks."""
        wide = self.handle.builder.broadcast(self.ordered(order), tuple([self.lengths[k] for k in order]))
        return View(wide, self.lengths, tuple(order))

    def with_axes(self, axes: Iterable[int]) -> View:
        """Return the view, broadcast along those of these axes that the handle lacks."""
        missing = [k for k in axes if k not in self.axes]
        return self.spread(merged_order([self.axes, missing])) if missing else self

    def materialized(self) -> Handle:
        """Return the array with all its axes, in order."""
        return self.spread(range(len(self.lengths))).handle

    def as_shape(self, shape: Shape) -> Handle:
        """Return the array in a shape."""
        return self.handle.builder.reshape(self.divided(divided(shape)).materialized(), shape)

    def selected(self, lengths: Shape, places: Sequence[int]) -> View:
        """Return the view with its axes at these places among others, along which it is constant."""
        return View(self.handle, lengths, tuple([places[k] for k in self.axes]))

    def transposed(self, order: Sequence[int]) -> View:
        """Return the view with its axes permuted."""
        places = {k: at for at, k in enumerate(order)}
        return View(self.handle, tuple([self.lengths[k] for k in order]), tuple([places[k] for k in self.axes]))

    def parts(self, shape: Shape) -> list[Shape]:
        """Return the lengths that each axis of a shape is divided into; its own length if the view does not divide it.

        Args:
            shape: the array's shape in the old program.
        """
        if not is_divided(shape, self.lengths):
            return [(length,) for length in shape]
        return [tuple([self.lengths[k] for k in places]) for places in by_axis(shape, self.lengths)]

    def with_parts(self, parts: Sequence[Shape]) -> tuple[View, list[list[int]]]:
        """Return the view with each axis divided into these parts, and the places of each axis's parts."""
        at = itertools.count()
        places = [[next(at) for _ in own] for own in parts]
        return self.divided(tuple(itertools.chain(*parts))), places

    def divided(self, lengths: Shape) -> View:
        """Return the view with axes of other lengths and the elements in the same order."""
        if lengths == self.lengths:
            return self
        groups = _common_groups(self.lengths, lengths)
        x = self
        for own, _ in groups:
            if not x._are_adjacent(own):
                x = x._with_adjacent(own)
        return x._regrouped(lengths, groups)

    def _are_adjacent(self, group: Sequence[int]) -> bool:
        places = [self.axes.index(k) for k in group if k in self.axes]
        return not places or (len(places) == len(group) and places == list(range(places[0], places[-1] + 1)))

    def _with_adjacent(self, group: Sequence[int]) -> View:
        """Return the view with these axes adjacent in the handle, so that they can be merged."""
        rest = [k for k in self.axes if k not in group]
        first, *_ = group
        at = merged_order([rest, [first]]).index(first)
        return self.spread([*rest[:at], *group, *rest[at:]])

    def _regrouped(self, lengths: Shape, groups: list[tuple[list[int], list[int]]]) -> View:
        new_axes = {first: others for (first, *_), others in groups}
        axes = [k for own in self.axes for k in new_axes.get(own, [])]
        handle = self.handle.builder.reshape(self.handle, tuple([lengths[k] for k in axes]))
        return View(handle, lengths, tuple(axes))


def merged_order(orders: Iterable[Sequence[int]]) -> list[int]:
    """Return an order of all axes in some orders: the longest order, with the missing axes inserted.

    >>> merged_order([(0, 2, 1), (0, 3)]), merged_order([(2,), (0, 2)])
    ([0, 2, 1, 3], [0, 2])
    """
    several = [list(order) for order in orders]
    order = max(several, key=len).copy()
    for k in sorted({k for other in several for k in other} - set(order)):
        before = [place for place, other in enumerate(order) if other < k]
        order.insert(before[-1] + 1 if before else 0, k)
    return order


def _common_groups(first: Shape, second: Shape) -> list[tuple[list[int], list[int]]]:
    """Match the axes of two divisions of an array, in groups that are as small as possible; none for lengths of 1."""
    common = {*_ends(first)} & {*_ends(second)}
    groups: dict[int | None, tuple[list[int], list[int]]] = {}  # None for the axis of samples
    for number, lengths in enumerate((first, second)):
        ends = _ends(lengths)
        for at in reversed(range(len(lengths))):
            if lengths[at] != 1:
                is_own = isinstance(lengths[at], int)
                key = max([stride for stride in common if stride <= ends[at]]) if is_own else None
                groups.setdefault(key, ([], []))[number].insert(0, at)
    return list(groups.values())


def _ends(lengths: Sequence[Length]) -> list[int]:
    return strides_of(tuple(lengths))
