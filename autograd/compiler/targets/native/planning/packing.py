"""Packing: matrices that are read across rows are copied once, so that they are read along rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd.compiler.arrays.operations import Shape
from autograd.compiler.targets.native.cost import LARGEST_PACKED
from autograd.compiler.targets.native.nests import Nest, Target, coalesce
from autograd.compiler.targets.native.nodes import Applied, Leaf, Node
from autograd.compiler.targets.native.writing.code import ONE, ZERO, product, row_major
from autograd.compiler.targets.native.writing.sums import tile_of

if TYPE_CHECKING:
    from autograd.compiler.targets.native.planning.scope import Scope


def packed(scope: Scope, at: int, nest: Nest) -> Nest:
    """Return a contraction in which no matrix, except those with samples, is read across its rows."""
    if not nest.reduced:
        return nest
    flat = coalesce(nest.lengths, nest.reduced, [nest.node], nest.target)
    (node,) = flat.nodes
    assert isinstance(node, Applied)
    candidates = [x for x in node.operands if isinstance(x, Leaf) and not x.looked and scope.is_fixed(x.place)]
    tile = tile_of(flat, *scope.plan.machine, frozenset(map(id, candidates)))
    operands: list[Node] = []
    for operand in node.operands:
        if operand in candidates and isinstance(operand, Leaf) and operand.strides[tile.vector] not in (ZERO, ONE):
            axes = [k for k, stride in enumerate(operand.strides) if stride.factor and k != tile.vector]
            operands.append(_copied(scope, at, flat.lengths, operand, [*axes, tile.vector]))
        else:
            operands.append(operand)
    return Nest(flat.lengths, Applied(node.primitive, tuple(operands)), flat.target, flat.reduced)


def _copied(scope: Scope, at: int, lengths: tuple, leaf: Leaf, axes: list[int]) -> Leaf:  # type: ignore[type-arg]
    shape: Shape = tuple([lengths[k].factor for k in axes])
    size = product([lengths[k] for k in axes])
    if size.power or size.factor > LARGEST_PACKED or any(lengths[k].power for k in axes):
        return leaf
    buffer = scope.plan.memory(shape)
    inner = Leaf(leaf.place, tuple([leaf.strides[k] for k in axes]), leaf.start)
    copy = Nest(tuple([lengths[k] for k in axes]), inner, Target(buffer.place, buffer.strides))
    scope.put_before(at, copy)
    strides = [ZERO] * len(lengths)
    for k, stride in zip(axes, row_major([lengths[k] for k in axes])):
        strides[k] = stride
    return Leaf(buffer.place, tuple(strides))
