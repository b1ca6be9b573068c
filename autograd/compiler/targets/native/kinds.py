"""The nests of each kind of operation."""

from __future__ import annotations

from collections.abc import Callable

from autograd import primitives
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import PADDING, Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.code import ZERO, extents, row_major
from autograd.compiler.targets.native.nests import Nest, Rows, Several, Target
from autograd.compiler.targets.native.nodes import Applied, Buffer, Looked, Place
from autograd.compiler.targets.native.packing import packed
from autograd.compiler.targets.native.phases import has_samples
from autograd.compiler.targets.native.plan import Inside, Item, Move, Scope, Steps
from autograd.compiler.targets.native.reading import At, as_index, every, leaf
from autograd.compiler.targets.straight_line.instructions import UnwritableError


def add_operation(scope: Scope, at: int) -> None:
    """Add the nests of an operation that has an array of its own.

    Raises:
        UnwritableError: where machine code has no such operation.
    """
    _KINDS.get(scope.operations[at].kind, _elementwise)(scope, at)


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
    nodes = [
        reader.read(k, tuple([At(order.index(label)) for label in axes])) for axes, k in zip(labels[:2], operands)
    ]
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
        first += lengths[axis].count


def _moved(target: Target, axis: int, first: int, step: int = 1) -> Target:
    """Return a target whose elements lie from a first one on along an axis, each step-th."""
    stride, start = target.strides[axis], list(target.start)
    if stride.power > 1:
        raise UnwritableError("an array with two axes of samples")
    start[stride.power] += stride.count * first
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
    if not target.adds:
        scope.put(at, scope.zeros(at))
    scope.put(at, Nest(lengths, node, target._replace(strides=strides, looked=(looked,), adds=True)))


def _accumulate(scope: Scope, at: int) -> None:
    (x,), (axis, backward) = scope.operations[at].operands, scope.operations[at].attribute
    lengths, target = extents(scope.operations[x].shape), scope.target(at)
    order = [*(k for k in range(len(lengths)) if k != axis), axis]
    node = scope.reader(len(order)).read(x, tuple([At(order.index(k)) for k in range(len(order))]))
    moved = target._replace(strides=tuple([target.strides[k] for k in order]))
    function = "accumulate backward" if backward else "accumulate"
    scope.put(at, Rows(tuple([lengths[k] for k in order]), function, (node,), moved))  # type: ignore[arg-type]


def _loop(scope: Scope, at: int) -> None:
    """Add a loop: the states in memory of their own, and pointers that move along what is read and written."""
    operation = scope.operations[at]
    loop, plan = operation.attribute, scope.plan
    body, buffers, moves = loop.body, dict[int, Buffer](), list[Move]()
    states, read, same = loop.split(list(zip(loop.arguments, operation.operands)))
    for k, operand in states:
        buffers[k] = plan.memory(body.operations[k].shape)
        scope.copy(at, buffers[k], operand)
    items: list[Item] = []
    fixed: set[Place] = set()
    for (k, operand), stepping in zip(read, loop.read):
        outer = _whole(scope, at, operand)
        buffers[k] = _read(scope, _moving(scope, outer, stepping, loop.steps, body.operations[k], moves), body, k, items)
    for k, operand in same:
        buffers[k] = _whole(scope, at, operand)
        fixed |= {buffers[k].place} if not has_samples(body.operations[k].shape) else set()
    results = [plan.memory(shape) for shape in operation.shape[loop.carried :]]  # type: ignore[arg-type]
    inner = Scope(plan, body, [], buffers, None, scope.dtype, Inside(items, lambda item: scope.put(at, item), fixed))
    inner.add_all()
    for result, stepping, source in zip(results, loop.written, body.outputs[loop.carried :]):
        to = _moving(scope, result, stepping, loop.steps, body.operations[source], moves)
        inner.copy(source, to, source)
    following = [plan.memory(body.operations[k].shape) for k, _ in states]
    for to, source in zip(following, body.outputs):
        inner.copy(source, to, source)
    for (k, _), new in zip(states, following):
        lengths = extents(body.operations[k].shape)
        node = leaf(new, every(len(lengths)), len(lengths))
        items.append(Nest(lengths, node, Target(buffers[k].place, buffers[k].strides)))
    scope.put(at, Steps(loop.steps, moves, items))
    scope.loops[at] = [*(buffers[k] for k, _ in states), *results]


def _whole(scope: Scope, at: int, operand: int) -> Buffer:
    """Return the array of an operand, side by side in memory."""
    known = scope.buffers.get(operand)
    strides = row_major(extents(scope.operations[operand].shape))
    if known is not None and known.strides == strides:
        return known
    buffer = scope.plan.memory(scope.operations[operand].shape)
    scope.copy(at, buffer, operand)
    return buffer


def _read(scope: Scope, array: Buffer, body: ArrayProgram, k: int, items: list[Item]) -> Buffer:
    """Return what a step reads, side by side in memory."""
    shape = body.operations[k].shape
    if array.strides == row_major(extents(shape)):
        return array
    buffer, axes = scope.plan.memory(shape), len(shape)
    node = leaf(array, every(axes), axes)
    items.append(Nest(extents(shape), node, Target(buffer.place, buffer.strides)))
    return buffer


def _moving(scope: Scope, whole: Buffer, stepping: Stepping, steps: int, element: Operation, moves: list[Move]) -> Buffer:
    """Return what a step reads or writes of an array."""
    axis, backward = stepping.axis, stepping.backward
    place = scope.plan.slot("moving", "", element.shape)
    moves.append(Move(place.at, whole, whole.strides[axis], steps - 1 if backward else None))
    return Buffer(place, (*whole.strides[:axis], *whole.strides[axis + 1 :]))


def _result(scope: Scope, at: int) -> None:
    (loop,) = scope.operations[at].operands
    scope.buffers[at] = scope.loops[loop][scope.operations[at].attribute]


_KINDS: dict[str, Callable[[Scope, int], None]] = {
    "contract": _contract,
    "reduce": _reduce,
    "slopes": _slopes,
    "concatenate": _concatenate,
    "pad": _pad,
    "place": _place,
    "scatter": _scatter,
    "accumulate": _accumulate,
    "loop": _loop,
    "result": _result,
}


