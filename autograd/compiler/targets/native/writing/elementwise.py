"""Write elementwise loop nests; `sums` and `rows` write reductions and rows, and share these loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autograd.compiler.targets.native.cost import MOST_UNROLLED, SAMPLES
from autograd.compiler.targets.native.nests import Coalesced, Target, pieces, steps, total
from autograd.compiler.targets.native.nodes import Applied, Leaf, Node, leaves
from autograd.compiler.targets.native.writing.code import ONE, Extent
from autograd.compiler.targets.native.writing.evaluate import Evaluator

Body = Callable[[int], None]
"""Adds the code for this many neighbouring places along the vector axis."""


def along(evaluator: Evaluator, axis: int, length: Extent, width: int, body: Body) -> None:
    """Add the code along an axis, in vectors of a width, with narrower ones at the end.

    A few vectors are unrolled; many become a loop.
    """
    code = evaluator.code
    if length.power:
        _along_samples(evaluator, axis, length, width, body)
        return
    covered = pieces(length.factor, width)
    full = sum(1 for _, size in covered if size == width)
    if full > MOST_UNROLLED:

        def step(index: str, _: list[str]) -> list[str]:
            with evaluator.inside(), evaluator.at(axis, (index, 0)):
                body(width)
            return []

        code.loop(str(full * width), step, step=width)
        covered = covered[full:]
    for start, size in covered:
        with evaluator.at(axis, ("0", start)):
            body(size)


def _along_samples(evaluator: Evaluator, axis: int, length: Extent, width: int, body: Body) -> None:
    code, count = evaluator.code, evaluator.code.size(length)

    def step(index: str, size: int, first: str = "") -> list[str]:
        place = code.value(f"add nuw nsw i64 {first}, {index}") if first else index
        with evaluator.inside(), evaluator.at(axis, (place, 0)):
            body(size)
        return []

    if width == 1:
        code.loop(count, lambda index, _: step(index, 1))
        return
    full = code.value(f"and i64 {count}, {-width}")
    code.loop(full, lambda index, _: step(index, width), step=width)
    if length.factor % width:
        rest = code.value(f"sub i64 {count}, {full}")
        code.loop(rest, lambda index, _: step(index, 1, full))


def over(evaluator: Evaluator, axes: Sequence[tuple[int, Extent]], body: Callable[[], None]) -> None:
    """Add loops over axes, the first outermost."""
    if not axes:
        body()
        return
    (axis, length), *rest = axes

    def step(index: str, _: list[str]) -> list[str]:
        with evaluator.inside(), evaluator.at(axis, (index, 0)):
            over(evaluator, rest, body)
        return []

    evaluator.code.loop(evaluator.code.size(length), step)


def write_elementwise(evaluator: Evaluator, nest: Coalesced, width: int) -> None:
    """Add the code of an elementwise nest."""
    (node,), target = nest.nodes, nest.target
    if not nest.lengths:
        evaluator.store(target, evaluator.vector(node, 0, 1), 0, 1)
        return
    axis = vector_axis(nest.lengths, node, target, width)
    outer = [(k, length) for k, length in enumerate(nest.lengths) if k != axis]

    def row() -> None:
        evaluator.hoist(node, [axis])
        along(
            evaluator,
            axis,
            nest.lengths[axis],
            width,
            lambda size: evaluator.store(target, evaluator.vector(node, axis, size), axis, size),
        )

    over(evaluator, outer, row)


def vector_axis(lengths: Sequence[Extent], node: Node, target: Target, width: int) -> int:
    """Return the axis along which vector loads and stores are cheapest."""
    read = list(leaves(node))

    def cost(axis: int) -> float:
        vectors = steps(lengths[axis], width, SAMPLES)
        lanes = total([lengths[axis]], SAMPLES) / vectors
        each = work(node) + sum(loading(leaf, axis, lanes) for leaf in read)
        each += 1 if target.strides[axis] == ONE and not target.looked else lanes
        return each * vectors * total([x for k, x in enumerate(lengths) if k != axis], SAMPLES)

    return min(reversed(range(len(lengths))), key=cost)


def loading(leaf: Leaf, axis: int, lanes: float) -> float:
    """Return the cost of loading this many lanes of an element along an axis."""
    if leaf.is_integer or any(x.position.strides[axis].factor for x in leaf.looked):
        return 2 * lanes
    return 1 if leaf.strides[axis] == ONE or not leaf.strides[axis].factor else 2 * lanes


def work(node: Node) -> float:
    """Return the number of operations of an expression."""
    return 1.0 + sum(map(work, node.operands)) if isinstance(node, Applied) else 0.0
