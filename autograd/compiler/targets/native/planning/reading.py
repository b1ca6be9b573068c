"""Fused operations as expressions of the elements of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from autograd import primitives
from autograd.arrays import NDArray
from autograd.compiler.arrays.operations import PADDING, Operation, Shape
from autograd.compiler.targets.native.nodes import Applied, Buffer, Leaf, Looked, Node, Number
from autograd.compiler.targets.native.writing.code import ZERO, Extent
from autograd.compiler.targets.straight_line.instructions import UnwritableError
from autograd.compiler.trace.comparisons import COMPARISONS


class At(NamedTuple):
    """A place along an axis of an array: a multiple of the place along an axis of the nest, if any, plus a start."""

    axis: int | None
    factor: int = 1
    start: int = 0


class LookedAt(NamedTuple):
    """A place along an axis of an array that is read from an index."""

    position: Leaf
    may_miss: bool
    factor: int = 1
    start: int = 0


Index: TypeAlias = "tuple[At | LookedAt, ...]"


def every(axes: int) -> Index:
    """Return the identity index of a nest with this many axes."""
    return tuple([At(axis) for axis in range(axes)])


def leaf(buffer: Buffer, index: Sequence[At | LookedAt], axes: int) -> Leaf:
    """Return an element of an array, in a nest with this many axes.

    Raises:
        UnwritableError: for strides that cannot be expressed.
    """
    strides, start, looked = [ZERO] * axes, [0, 0], []
    for stride, at in zip(buffer.strides, index, strict=True):
        if at.start and stride.factor:
            if stride.power > 1:
                raise UnwritableError("an array with two axes of samples")
            start[stride.power] += stride.factor * at.start
        if isinstance(at, LookedAt):
            looked.append(Looked(at.position, stride * at.factor, at.may_miss))
        elif at.axis is not None:
            strides[at.axis] = _sum(strides[at.axis], stride * at.factor)
    return Leaf(buffer.place, tuple(strides), (start[0], start[1]), buffer.is_integer, tuple(looked))


def _sum(a: Extent, b: Extent) -> Extent:
    if not a.factor or not b.factor:
        return a if a.factor else b
    if a.power != b.power:
        raise UnwritableError("an axis with strides of two kinds")
    return Extent(a.factor + b.factor, a.power)


def as_index(node: Node) -> Leaf:
    """Return the element of an array of indices.

    Raises:
        UnwritableError: for anything else.
    """
    if not isinstance(node, Leaf) or not node.is_integer:
        raise UnwritableError("an index that is computed")
    return node


def is_simple(before: Shape, after: Shape) -> bool:
    """Return whether a shape differs from another only by axes of length 1."""
    return [length for length in before if length != 1] == [length for length in after if length != 1]


class Reader:
    """Returns expressions of operations' elements; equal ones are shared, so that they are computed once.

    Args:
        operations: the program's operations.
        buffers: the arrays of stored operations.
        axes: the number of axes of the nest.
        constant: puts an array of the program into memory.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        buffers: Mapping[int, Buffer],
        axes: int,
        constant: Callable[[NDArray[Any], str], Buffer],
    ) -> None:
        self._operations, self._buffers, self._axes, self._constant = operations, buffers, axes, constant
        self._nodes: dict[tuple[int, Index], Node] = {}

    def read(self, at: int, index: Index) -> Node:
        """Return the element of an operation at an index."""
        key = (at, index)
        if key not in self._nodes:
            buffer = self._buffers.get(at)
            self._nodes[key] = self.computed(at, index) if buffer is None else leaf(buffer, index, self._axes)
        return self._nodes[key]

    def computed(self, at: int, index: Index) -> Node:
        """Return the expression of an operation's element, even if it is stored in an array."""
        operation = self._operations[at]
        kind, operands, attribute = operation[:3]
        match kind:
            case "constant":
                return Number(float(attribute))
            case "apply":
                nodes = [self.read(k, self._broadcast(k, index, operation.shape)) for k in operands]
                if attribute.primitive is primitives.identity:
                    return nodes[0]
                return Applied(attribute.primitive, tuple(nodes))
            case "guard":
                return self.read(operands[0], index)
            case "broadcast":
                return self.read(operands[0], self._broadcast(operands[0], index, operation.shape))
            case "transpose":
                inner = sorted(zip(attribute, index), key=lambda pair: int(pair[0]))
                return self.read(operands[0], tuple([place for _, place in inner]))
            case "slice":
                axis, start, _, step = attribute
                place = index[axis]
                moved = place._replace(factor=place.factor * step, start=place.start * step + start)
                return self.read(operands[0], (*index[:axis], moved, *index[axis + 1 :]))
            case "reshape":
                return self.read(operands[0], self._reshaped(operands[0], index, operation.shape))
            case "look up":
                return self._looked_up(operation, index)
            case "take":
                return self._taken(operation, index)
        raise UnwritableError(f"{kind!r} cannot be fused into its reader")

    def _broadcast(self, k: int, index: Index, shape: Shape) -> Index:
        inner = self._operations[k].shape
        last = len(shape) - len(inner)
        return tuple(
            [
                At(None) if length == 1 and shape[last + axis] != 1 else index[last + axis]
                for axis, length in enumerate(inner)
            ]
        )

    def _reshaped(self, k: int, index: Index, shape: Shape) -> Index:
        inner = self._operations[k].shape
        if not is_simple(inner, shape):
            raise UnwritableError("a new shape of what has no array")
        places = iter([place for place, length in zip(index, shape) if length != 1])
        return tuple([At(None) if length == 1 else next(places) for length in inner])

    def _looked_up(self, operation: Operation, index: Index) -> Node:
        table, positions = operation.operands
        (shared,) = operation.attribute
        depth = len(self._operations[positions].shape)
        place = LookedAt(as_index(self.read(positions, index[:depth])), False)
        return self.read(table, (*index[:shared], place, *index[depth:]))

    def _taken(self, operation: Operation, index: Index) -> Node:
        positions = operation.attribute.array
        lead = len(operation.shape) - positions.ndim
        array = self._constant(positions, "int64")
        place = LookedAt(leaf(array, index[lead:], self._axes), bool((positions == PADDING).any()))
        node = self.read(operation.operands[0], (*index[:lead], place))
        if not place.may_miss or (isinstance(node, Leaf) and any(x.may_miss for x in node.looked)):
            return node
        is_there = Applied(COMPARISONS[">="], (place.position, Number(0.0)))
        return Applied(primitives.where, (is_there, node, Number(0.0)))
