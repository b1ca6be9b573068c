"""Loop nests for each kind of operation."""

from __future__ import annotations

from collections.abc import Callable

from autograd import primitives
from autograd.compiler.arrays.operations import PADDING, Data
from autograd.compiler.targets.native.nests import Nest, Rows, Several, Target
from autograd.compiler.targets.native.nodes import Applied, Buffer, Looked
from autograd.compiler.targets.native.planning.fusion import is_alias
from autograd.compiler.targets.native.planning.loops import add_loop, add_result
from autograd.compiler.targets.native.planning.packing import packed
from autograd.compiler.targets.native.planning.reading import At, as_index, every, leaf
from autograd.compiler.targets.native.planning.scope import Scope
from autograd.compiler.targets.native.writing.code import ZERO, extents, row_major
from autograd.compiler.targets.straight_line.instructions import UnwritableError


def add_all(scope: Scope) -> None:
    """Add the live operations of a program.

    Raises:
        UnwritableError: for an operation that machine code does not support.
    """
    for at, operation in enumerate(scope.operations):
        if at not in scope.needed:
            continue
        if operation.kind == "constant" and isinstance(operation.attribute, Data):
            scope.buffers[at] = scope.plan.constant(operation.attribute.array, scope.dtype)
        elif is_alias(scope.program, at):
            scope.buffers[at] = _alias(scope, at)
        elif at in scope.arrays:
            _KINDS.get(operation.kind, _elementwise)(scope, at)


def _alias(scope: Scope, at: int) -> Buffer:
    """Return an operand's array with another shape."""
    buffer = scope.buffers.get(scope.inner(scope.operations[at].operands[0]))
    if buffer is None:
        raise UnwritableError("a reshape of an operation without an array")
    return buffer._replace(strides=row_major(extents(scope.operations[at].shape)))


def _elementwise(scope: Scope, at: int) -> None:
    lengths = extents(scope.operations[at].shape)
    node = scope.reader(len(lengths)).computed(at, every(len(lengths)))
    scope.put(at, Nest(lengths, node, scope.target(at)))


def _contract(scope: Scope, at: int) -> None:
    labels, operands = scope.operations[at].attribute, scope.operations[at].operands
    lengths = {
        label: length
        for axes, k in zip(labels[:2], operands)
        for label, length in zip(axes, extents(scope.operations[k].shape))
    }
    order = [*labels.result, *(label for label in lengths if label not in labels.result)]
    reader = scope.reader(len(order))
    nodes = [reader.read(k, tuple([At(order.index(label)) for label in axes])) for axes, k in zip(labels[:2], operands)]
    target, reduced = scope.target(at), len(order) - len(labels.result)
    strides = (*target.strides, *[ZERO] * reduced)
    nest = Nest(
        tuple([lengths[label] for label in order]),
        Applied(primitives.mul, tuple(nodes)),
        target._replace(strides=strides),
        reduced,
    )
    scope.put(at, packed(scope, at, nest))


def _reduce(scope: Scope, at: int) -> None:
    operation = scope.operations[at]
    (x,), (function, axes, keepdims, _) = operation.operands, operation.attribute
    lengths = extents(scope.operations[x].shape)
    order = [*(k for k in range(len(lengths)) if k not in axes), *axes]
    node = scope.reader(len(order)).read(x, tuple([At(order.index(axis)) for axis in range(len(lengths))]))
    target = scope.target(at)
    strides = [s for k, s in enumerate(target.strides) if k not in axes] if keepdims else target.strides
    target = target._replace(strides=(*strides, *[ZERO] * len(axes)))
    ordered = tuple([lengths[axis] for axis in order])
    if function == "logsumexp":
        scope.put(at, Rows(ordered, "logsumexp", (node,), target))
    else:
        scope.put(at, Nest(ordered, node, target, len(axes), function))


def _slopes(scope: Scope, at: int) -> None:
    operation = scope.operations[at]
    primitive, (*arrays, out) = operation.attribute, operation.operands
    target = scope.target(at)
    several = len(arrays) > 1
    lengths = extents(operation.shape[1:] if several else operation.shape)
    axes = len(lengths)
    reader = scope.reader(axes)

    def element(k: int) -> Applied:
        inner = scope.operations[k].shape
        first = axes - len(inner)
        shape = operation.shape[1:] if several else operation.shape
        index = [At(None if length != shape[first + a] else first + a) for a, length in enumerate(inner)]
        return reader.read(k, tuple(index))  # type: ignore[return-value]

    if several:
        nodes = tuple([element(k) for k in (*arrays, out)])
        moved = target._replace(strides=(*target.strides[1:], target.strides[0]))
        scope.put(at, Several(lengths, primitive, nodes, moved))
        return
    read = (*arrays, out) if primitive.reduces == "shares" else arrays
    scope.put(at, Rows(lengths, primitive.reduces, tuple([element(k) for k in read]), target))


def _concatenate(scope: Scope, at: int) -> None:
    operation = scope.operations[at]
    axis, target, first = operation.attribute, scope.target(at), 0
    for k in operation.operands:
        lengths = extents(scope.operations[k].shape)
        node = scope.reader(len(lengths)).read(k, every(len(lengths)))
        scope.put(at, Nest(lengths, node, _moved(target, axis, first)))
        first += lengths[axis].factor


def _moved(target: Target, axis: int, first: int, step: int = 1) -> Target:
    """Return the part of a target that starts at an element along an axis, with a step."""
    stride, start = target.strides[axis], list(target.start)
    if stride.power > 1:
        raise UnwritableError("an array with two axes of samples")
    start[stride.power] += stride.factor * first
    strides = (*target.strides[:axis], stride * step, *target.strides[axis + 1 :])
    return target._replace(strides=strides, start=(start[0], start[1]))


def _pad(scope: Scope, at: int) -> None:
    (x,), (axis, start, _, step, _) = scope.operations[at].operands, scope.operations[at].attribute
    lengths = extents(scope.operations[x].shape)
    node = scope.reader(len(lengths)).read(x, every(len(lengths)))
    target = scope.target(at)
    scope.put(at, scope.zeros(at))
    scope.put(at, Nest(lengths, node, _moved(target, axis, start, step)))


def _place(scope: Scope, at: int) -> None:
    (x,), (data, _) = scope.operations[at].operands, scope.operations[at].attribute
    positions = data.array
    lengths = extents(scope.operations[x].shape)
    axes, lead = len(lengths), len(lengths) - positions.ndim
    node = scope.reader(axes).read(x, every(axes))
    array = scope.plan.constant(positions, "int64")
    index = leaf(array, every(axes)[lead:], axes)
    target = scope.target(at)
    looked = Looked(index, target.strides[-1], bool((positions == PADDING).any()))
    strides = (*target.strides[:-1], *[ZERO] * positions.ndim)
    scope.put(at, scope.zeros(at))
    scope.put(at, Nest(lengths, node, target._replace(strides=strides, looked=(looked,), adds=True)))


def _scatter(scope: Scope, at: int) -> None:
    (x, index), (shared, _) = scope.operations[at].operands, scope.operations[at].attribute
    lengths = extents(scope.operations[x].shape)
    axes, depth = len(lengths), len(scope.operations[index].shape)
    reader = scope.reader(axes)
    node, target = reader.read(x, every(axes)), scope.target(at)
    place = as_index(reader.read(index, every(axes)[:depth]))
    looked = Looked(place, target.strides[shared], False)
    strides = (*target.strides[:shared], *[ZERO] * (depth - shared), *target.strides[shared + 1 :])
    if target.is_sum:
        scope.plan.items["before"].append(scope.zeros(at))
    else:
        scope.put(at, scope.zeros(at))
    scope.put(at, Nest(lengths, node, target._replace(strides=strides, looked=(looked,), adds=True, is_sum=False)))


def _accumulate(scope: Scope, at: int) -> None:
    (x,), (axis, backward) = scope.operations[at].operands, scope.operations[at].attribute
    lengths, target = extents(scope.operations[x].shape), scope.target(at)
    order = [*(k for k in range(len(lengths)) if k != axis), axis]
    node = scope.reader(len(order)).read(x, tuple([At(order.index(k)) for k in range(len(order))]))
    moved = target._replace(strides=tuple([target.strides[k] for k in order]))
    function = "accumulate backward" if backward else "accumulate"
    scope.put(at, Rows(tuple([lengths[k] for k in order]), function, (node,), moved))  # type: ignore[arg-type]


_KINDS: dict[str, Callable[[Scope, int], None]] = {
    "contract": _contract,
    "reduce": _reduce,
    "slopes": _slopes,
    "concatenate": _concatenate,
    "pad": _pad,
    "place": _place,
    "scatter": _scatter,
    "accumulate": _accumulate,
    "loop": lambda scope, at: add_loop(scope, at, add_all),
    "result": add_result,
}
