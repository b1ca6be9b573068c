"""Write sums of products and other reductions as loop nests that keep a tile of results in registers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from autograd import primitives
from autograd.compiler.targets.native.blas import MatrixProduct
from autograd.compiler.targets.native.cost import MOST_UNROLLED, SAMPLES
from autograd.compiler.targets.native.nests import Coalesced, Combine, pieces, steps, total
from autograd.compiler.targets.native.nodes import Applied, Number, leaves
from autograd.compiler.targets.native.writing.code import ONE, Extent
from autograd.compiler.targets.native.writing.elementwise import along, loading, over, work, write_elementwise
from autograd.compiler.targets.native.writing.evaluate import Evaluator, Position
from autograd.compiler.targets.native.writing.lanes import Lanes
from autograd.compiler.targets.native.writing.products import as_product, is_large, write_product

_FIRST: dict[Combine, float] = {"sum": 0.0, "max": float("-inf"), "min": float("inf"), "prod": 1.0, "any": 0.0}
_ONE_AND_ZERO = (Number(1.0), Number(0.0))


class Tile(NamedTuple):
    """A tile of results that are computed together.

    Attributes:
        vector: the axis of vectors: an axis of results, or a reduced one.
        rows: an axis of results that share loads; None if there is none.
        height: the number of rows.
        breadth: the number of vectors per row.
    """

    vector: int
    rows: int | None
    height: int
    breadth: int


def tile_of(nest: Coalesced, width: int, registers: int, packable: Collection[int] = ()) -> Tile:
    """Choose the tile of a reduction.

    Args:
        registers: the number of vector registers.
        packable: the ids of elements that can be packed, so that they are contiguous along any axis.
    """
    (node,), lengths = nest.nodes, nest.lengths
    outer = len(lengths) - nest.reduced
    read = list(leaves(node))
    results = total(lengths[:outer], SAMPLES)

    def cost(axis: int) -> float:
        vectors = steps(lengths[axis], width, SAMPLES)
        lanes = total([lengths[axis]], SAMPLES) / vectors
        sweeps = vectors * total([x for k, x in enumerate(lengths) if k != axis], SAMPLES)
        reads = 0.0
        for leaf in read:
            load = 1.0 if id(leaf) in packable else loading(leaf, axis, lanes)
            reads += load / (3 if _is_shared(leaf.strides, outer, axis) else 1)
        ending = results * 5 if axis >= outer else results / lanes * (1 if nest.target.strides[axis] == ONE else lanes)
        return sweeps * (1 + work(node) + reads) + ending

    vector = min(reversed(range(len(lengths))), key=cost)
    rows = max((k for k in range(outer) if k != vector), key=lambda k: _sharing(nest, k, vector), default=None)
    if vector >= outer:
        return Tile(vector, rows, min(4, registers // 4), 1)
    breadth = min(4, steps(lengths[vector], width, SAMPLES))
    return Tile(vector, rows, max(1, min(8, (registers // 2) // breadth)), breadth)


def _is_shared(strides: Sequence[Extent], outer: int, axis: int) -> bool:
    """Return whether an element is constant along some axis of results."""
    return any(not strides[k].factor for k in range(outer) if k != axis)


def _sharing(nest: Coalesced, axis: int, vector: int) -> tuple[int, int]:
    """Return the loads that all rows share, and the number of rows."""
    shared = sum(
        1 + (leaf.strides[vector] not in (ONE, Extent(0)))
        for leaf in leaves(*nest.nodes)
        if leaf.strides[vector].factor and not leaf.strides[axis].factor
    )
    return shared, total([nest.lengths[axis]], SAMPLES)


class _Reduction:
    """Writes the loops of one reduction.

    Args:
        tile: the tile that `tile_of` chose.
    """

    def __init__(self, evaluator: Evaluator, nest: Coalesced, combine: Combine, tile: Tile, width: int) -> None:
        self._evaluator, self._nest, self._combine, self._tile, self._width = evaluator, nest, combine, tile, width
        (self._node,) = nest.nodes
        self._lanes: Lanes = evaluator.lanes
        outer = len(nest.lengths) - nest.reduced
        self._reduced = [(k, nest.lengths[k]) for k in range(outer, len(nest.lengths)) if k != tile.vector]
        self._is_across = tile.vector >= outer

    def write(self) -> None:
        """Add the loops."""
        tile, lengths = self._tile, self._nest.lengths
        outer = range(len(lengths) - self._nest.reduced)
        over(self._evaluator, [(k, lengths[k]) for k in outer if k not in (tile.vector, tile.rows)], self._rows)

    def _rows(self) -> None:
        """Add the loop over rows, a tile at a time."""
        rows, height, evaluator = self._tile.rows, self._tile.height, self._evaluator
        if rows is None:
            self._vectors([])
            return
        length, code = self._nest.lengths[rows], evaluator.code

        def step(index: str, count: int, first: str = "") -> list[str]:
            place = code.value(f"add nuw nsw i64 {first}, {index}") if first else index
            with evaluator.inside():
                self._vectors([(place, k) for k in range(count)])
            return []

        if not length.power:
            full = length.factor // height * height
            code.loop(str(full), lambda index, _: step(index, height), step=height)
            if full < length.factor:
                with evaluator.inside():
                    self._vectors([("0", k) for k in range(full, length.factor)])
            return
        count = code.size(length)
        full_rows = code.value(f"sub i64 {count}, {code.value(f'urem i64 {count}, {height}')}")
        code.loop(full_rows, lambda index, _: step(index, height), step=height)
        if length.factor % height:
            rest = code.value(f"sub i64 {count}, {full_rows}")
            code.loop(rest, lambda index, _: step(index, 1, full_rows))

    def _vectors(self, rows: Sequence[tuple[str, int]]) -> None:
        """Add the loop over vectors of results, a tile at a time."""
        if self._is_across:
            self._across(rows)
            return
        axis, breadth, width = self._tile.vector, self._tile.breadth, self._width
        length = self._nest.lengths[axis]
        if length.power or len(pieces(length.factor, width)) > 4 * breadth:
            along(self._evaluator, axis, length, width, lambda size: self._tiled(rows, [(None, size)]))
            return
        covered = [(start, size) for start, size in pieces(length.factor, width)]
        for first in range(0, len(covered), breadth):
            self._tiled(rows, list(covered[first : first + breadth]))

    def _tiled(self, rows: Sequence[tuple[str, int]], vectors: Sequence[tuple[int | None, int]]) -> None:
        """Add the sums of a tile: of these rows, at these places along the vector axis."""
        evaluator, axis = self._evaluator, self._tile.vector
        here = evaluator.positions[axis]
        places: list[Position | None] = [*rows] or [None]
        cells = [(row, vector) for row in places for vector in vectors]

        def at_cell(cell: tuple[Position | None, tuple[int | None, int]], then: Callable[[int], str]) -> str:
            row, (start, size) = cell
            place = here if start is None else ("0", start)
            with evaluator.at(axis, place):
                if row is None or self._tile.rows is None:
                    return then(size)
                with evaluator.at(self._tile.rows, row):
                    return then(size)

        first = [self._lanes.number(_FIRST[self._combine], size) for _, (_, size) in cells]

        def body(sums: list[str]) -> list[str]:
            return [
                at_cell(
                    cell,
                    lambda size, old=old: self._joined(old, evaluator.vector(self._node, axis, size), size),  # type: ignore[misc]
                )
                for cell, old in zip(cells, sums)
            ]

        kinds = [self._lanes.type(size) for _, (_, size) in cells]
        sums = self._nested(self._reduced, kinds, first, body)
        for cell, value in zip(cells, sums):
            at_cell(cell, lambda size, value=value: self._stored(value, axis, size))  # type: ignore[misc]

    def _across(self, rows: Sequence[tuple[str, int]]) -> None:
        """Add the sums of rows along the vector axis."""
        evaluator, axis, width = self._evaluator, self._tile.vector, self._width
        length, code = self._nest.lengths[axis], evaluator.code
        places: list[Position | None] = [*rows] or [None]
        zero = [self._lanes.number(_FIRST[self._combine], 1)] * len(places)

        def joined(sums: list[str], place: tuple[str, int], size: int) -> list[str]:
            results = []
            for row, old in zip(places, sums):
                with (
                    evaluator.at(axis, place),
                    evaluator.at(self._tile.rows or 0, row or evaluator.positions[self._tile.rows or 0]),
                ):
                    results.append(self._joined(old, evaluator.vector(self._node, axis, size), size))
            return results

        def looped(count: str, size: int, first: str, sums: list[str]) -> list[str]:
            def step(index: str, carried: list[str]) -> list[str]:
                place = code.value(f"add nuw nsw i64 {first}, {index}") if first != "0" else index
                with evaluator.inside():
                    return joined(carried, (place, 0), size)

            return code.loop(count, step, [(self._lanes.type(size), x) for x in sums], size)

        def body(sums: list[str]) -> list[str]:
            wide = [self._lanes.number(_FIRST[self._combine], width)] * len(places)
            if length.power:
                count = code.size(length)
                full = code.value(f"and i64 {count}, {-width}")
                wide = looped(full, width, "0", wide)
                rest = code.value(f"sub i64 {count}, {full}")
                sums = looped(rest, 1, full, sums)
                return self._folded(sums, wide, width)
            covered = pieces(length.factor, width)
            full_count = sum(1 for _, size in covered if size == width)
            if full_count > MOST_UNROLLED:
                wide = looped(str(full_count * width), width, "0", wide)
                sums, covered = self._folded(sums, wide, width), covered[full_count:]
                full_count = 0
            for start, size in covered[:full_count]:
                wide = joined(wide, ("0", start), size)
            if full_count:
                sums = self._folded(sums, wide, width)
            for start, size in covered[full_count:]:
                part = [self._lanes.number(_FIRST[self._combine], size)] * len(places)
                sums = self._folded(sums, joined(part, ("0", start), size), size)
            return sums

        sums = self._nested(self._reduced, [self._lanes.element] * len(places), zero, body)
        for row, value in zip(places, sums):
            with evaluator.at(self._tile.rows or 0, row or evaluator.positions[self._tile.rows or 0]):
                self._stored(value, axis, 1)

    def _folded(self, sums: Sequence[str], vectors: Sequence[str], width: int) -> list[str]:
        """Combine sums with the lanes of vectors."""
        return [self._joined(old, self._lanes.across(x, width, self._joined), 1) for old, x in zip(sums, vectors)]

    def _nested(
        self,
        axes: Sequence[tuple[int, Extent]],
        kinds: Sequence[str],
        first: list[str],
        body: Callable[[list[str]], list[str]],
    ) -> list[str]:
        """Add loops over reduced axes, which carry the sums."""
        if not axes:
            return body(first)
        (axis, length), *rest = axes
        evaluator = self._evaluator

        def step(index: str, sums: list[str]) -> list[str]:
            with evaluator.inside(), evaluator.at(axis, (index, 0)):
                return self._nested(rest, kinds, sums, body)

        return evaluator.code.loop(evaluator.code.size(length), step, list(zip(kinds, first)))

    def _joined(self, old: str, new: str, width: int) -> str:
        """Combine two numbers."""
        if self._combine in ("sum", "prod"):
            return self._lanes.arithmetic("fadd" if self._combine == "sum" else "fmul", old, new, width)
        choice = primitives.minimum if self._combine == "min" else primitives.maximum
        return self._lanes.apply(choice, (old, new), width)

    def _stored(self, value: str, axis: int, width: int) -> str:
        self._evaluator.store(self._nest.target, value, axis, width)
        return ""


def write_reduction(
    evaluator: Evaluator, nest: Coalesced, combine: Combine, width: int, registers: int, blas: MatrixProduct | None
) -> None:
    """Add a reduction along the last axes of a nest."""
    if combine == "any":
        nest = nest._replace(nodes=(Applied(primitives.where, (*nest.nodes, *_ONE_AND_ZERO)),))
    if not nest.reduced:
        write_elementwise(evaluator, nest, width)
        return
    product = as_product(nest) if combine == "sum" and blas is not None else None
    following = ""
    if product is not None and blas is not None and is_large(product):
        following = write_product(evaluator, nest, product, blas)
    with evaluator.inside():
        _Reduction(evaluator, nest, combine, tile_of(nest, width, registers), width).write()
    if following:
        evaluator.code.do(f"br label %{following}")
        evaluator.code.begin(following)
