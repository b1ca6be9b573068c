"""Recognise softmax where a program spells it out: the exponentials of x, shifted by its maximum, over their sum.

    largest = x.max(axis=-1)
    e = exp(x - largest[..., None])
    shares = e / e.sum(axis=-1)[..., None]

As one operation, softmax is the derivative of logsumexp. It is printed as `softmax(x)`, and its vector-Jacobian product
is p (g - Σ g p), with p the shares and g the cotangent.
"""

from __future__ import annotations

from dataclasses import replace

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.dead_code import without_dead_operations
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Operation
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.names import names_of
from autograd.primitives import Primitive


def with_softmax(program: ArrayProgram) -> ArrayProgram:
    """Replace each softmax along the last axis by a single operation.

    It computes the same result; unlike the separate operations, it is also correct where a score is +inf, as
    `autograd.softmax` is. Guards within the pattern are dropped: unselected lanes have finite shares unless their
    scores are nan, so the program counts as padded.
    """
    matched = {at: _scores(program, at) for at in range(len(program.operations))}
    scores = {at: x for at, x in matched.items() if x is not None}
    if not scores:
        return program
    builder, names = Builder(), names_of(program)
    place: list[int] = []
    for at, (kind, operands, attribute, _, name) in enumerate(program.operations):
        if at not in scores:
            place.append(builder.add(kind, tuple([place[k] for k in operands]), attribute, name))
            continue
        x = Handle(builder, place[scores[at]])
        log_of_sum = builder.reduce(x, "logsumexp", [len(x.shape) - 1], keepdims=True)
        shares = builder.slopes(primitives.logsumexp, [x], log_of_sum)
        place.append(shares.named(name if name.rstrip("0123456789") != "quotient" else names.numbered("softmax")).at)
    handles = [[Handle(builder, place[at]) for at in places] for places in (program.outputs, program.masks)]
    layers = {place[at]: layer for at, layer in program.layers.items()}
    without = _without_unused_masks(builder.program(handles[0], layers, handles[1]))
    return replace(without, padded=program.padded or bool(program.masks))


def _scores(program: ArrayProgram, at: int) -> int | None:
    """Return the place of the scores whose softmax an operation computes; None if it computes no softmax."""
    operations = program.operations
    quotient = _applied(operations[at], primitives.div)
    if quotient is None:
        return None
    exponentials, total = _unguarded(program, quotient[0]), quotient[1]
    shifted = _applied(operations[exponentials], primitives.exp)
    difference = _applied(operations[_unguarded(program, *shifted)], primitives.sub) if shifted else None
    if difference is None or _reduced(program, total, "sum") != exponentials:
        return None
    scores, largest = _unguarded(program, difference[0]), difference[1]
    detached = _applied(operations[_unshaped(program, largest)], primitives.detached)
    reduced = _reduced(program, largest, "max", *(detached or ()))
    return scores if reduced == scores else None


def _applied(operation: Operation, primitive: Primitive) -> tuple[int, ...] | None:
    """Return the operands if an operation applies this primitive, else None."""
    if operation.kind == "apply" and operation.attribute.primitive is primitive:
        return operation.operands
    return None


def _unshaped(program: ArrayProgram, at: int) -> int:
    """Return the operation behind reshapes, broadcasts and guards."""
    operation = program.operations[at]
    while operation.kind in ("reshape", "broadcast", "guard"):
        (at,) = operation.operands
        operation = program.operations[at]
    return at


def _reduced(program: ArrayProgram, at: int, function: str, inner: int | None = None) -> int | None:
    """Return the array that is reduced along its last axis and read with that axis restored; None if there is none.

    Args:
        inner: the place to look for the reduction at, where another operation lies between it and `at`.
    """
    operation = program.operations[_unshaped(program, at if inner is None else inner)]
    if operation.kind != "reduce" or operation.attribute.function != function:
        return None
    (x,) = operation.operands
    shape = program.operations[x].shape
    if operation.attribute.axes != (len(shape) - 1,):
        return None
    read = program.operations[at].shape
    return _unguarded(program, x) if read in ((*shape[:-1], 1), shape) else None


def _unguarded(program: ArrayProgram, at: int) -> int:
    operation = program.operations[at]
    if operation.kind == "guard":
        (at,) = operation.operands
    return at


def _without_unused_masks(program: ArrayProgram) -> ArrayProgram:
    """Eliminate dead operations and the masks that no guard refers to any more."""
    used: list[int] = []
    while True:  # a mask may depend on operations that other masks guard
        needed = program.needed([*program.outputs, *(program.masks[k] for k in used)])
        current = sorted({program.operations[at].attribute for at in needed if program.operations[at].kind == "guard"})
        if current == used:
            break
        used = current
    number = {old: new for new, old in enumerate(used)}
    operations = [
        o._replace(attribute=number[o.attribute]) if o.kind == "guard" and o.attribute in number else o
        for o in program.operations
    ]
    masks = tuple([program.masks[old] for old in used])
    return without_dead_operations(replace(program, operations=tuple(operations), masks=masks))
