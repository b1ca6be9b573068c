"""Loops over steps: states in separate memory, and pointers that move along the arrays read and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.nests import Nest, Target
from autograd.compiler.targets.native.nodes import Buffer, Place
from autograd.compiler.targets.native.planning.phases import has_samples
from autograd.compiler.targets.native.planning.plan import Item, Move, Steps
from autograd.compiler.targets.native.planning.reading import every, leaf
from autograd.compiler.targets.native.planning.scope import Inside, Scope
from autograd.compiler.targets.native.writing.code import extents, row_major


def add_loop(scope: Scope, at: int, add_all: Callable[[Scope], None]) -> None:
    """Add a loop: states in separate memory, and pointers that move along the arrays read and written."""
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
        outer = _contiguous(scope, at, operand)
        buffers[k] = _read(
            scope, _moving(scope, outer, stepping, loop.steps, body.operations[k], moves), body, k, items
        )
    for k, operand in same:
        buffers[k] = _contiguous(scope, at, operand)
        fixed |= {buffers[k].place} if not has_samples(body.operations[k].shape) else set()
    results = [plan.memory(shape) for shape in operation.shape[loop.carried :]]  # type: ignore[arg-type]
    stored, inside = _read_again(body), Inside(items, lambda item: scope.put(at, item), fixed)
    inner = Scope(plan, body, stored, buffers, None, scope.dtype, inside)
    add_all(inner)
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


def _read_again(body: ArrayProgram) -> list[int]:
    """Return the elementwise results of a step that are read several times: as states, as results and by others."""
    count, users = Counter(body.outputs), body.users()
    return [at for at, n in count.items() if body.operations[at].kind == "apply" and n + len(users[at]) > 1]


def _contiguous(scope: Scope, at: int, operand: int) -> Buffer:
    """Return an operand as a contiguous array."""
    known = scope.buffers.get(operand)
    strides = row_major(extents(scope.operations[operand].shape))
    if known is not None and known.strides == strides:
        return known
    buffer = scope.plan.memory(scope.operations[operand].shape)
    scope.copy(at, buffer, operand)
    return buffer


def _read(scope: Scope, array: Buffer, body: ArrayProgram, k: int, items: list[Item]) -> Buffer:
    """Return the part that a step reads as a contiguous array."""
    shape = body.operations[k].shape
    if array.strides == row_major(extents(shape)):
        return array
    buffer, axes = scope.plan.memory(shape), len(shape)
    node = leaf(array, every(axes), axes)
    items.append(Nest(extents(shape), node, Target(buffer.place, buffer.strides)))
    return buffer


def _moving(
    scope: Scope, whole: Buffer, stepping: Stepping, steps: int, element: Operation, moves: list[Move]
) -> Buffer:
    """Return the part of an array that a step reads or writes."""
    axis, backward = stepping.axis, stepping.backward
    place = scope.plan.slot("moving", "", element.shape)
    moves.append(Move(place.at, whole, whole.strides[axis], steps - 1 if backward else None))
    return Buffer(place, (*whole.strides[:axis], *whole.strides[axis + 1 :]))


def add_result(scope: Scope, at: int) -> None:
    (loop,) = scope.operations[at].operands
    scope.buffers[at] = scope.loops[loop][scope.operations[at].attribute]
