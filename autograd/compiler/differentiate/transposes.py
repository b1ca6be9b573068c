"""Vector-Jacobian products of each kind of operation.

Structural kinds have one transpose rule each. For contractions, the products are the textbook equations: with δ the
cotangent of z = x Wᵀ + b, the cotangent of x is δ W, that of W is δᵀ x, summed over the samples, and that of b is δ,
summed over the samples (Nielsen, ch. 2, BP2 to BP4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd import primitives
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.lookups import look_up, scatter
from autograd.compiler.arrays.operations import Data, Operation, Shape, listed
from autograd.compiler.differentiate.rules import local_derivatives
from autograd.compiler.names import Names
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.primitives import TABLE, Primitive

GRADIENT = "gradient"
"""The argument of the results' cotangents, with one row per sample."""

_IS_COMPARISON = frozenset(COMPARISONS.values())


class Edge(NamedTuple):
    """An operation to differentiate.

    Attributes:
        operation: the operation in the original program.
        operands: its operands, as handles in the new program; for a guard, followed by its mask.
        out: its result.
        cotangent: the result's cotangent.
        wanted: the places of the operands whose cotangents are needed.
        names: generates unused names.
    """

    operation: Operation
    operands: Sequence[Simplified]
    out: Simplified
    cotangent: Simplified
    wanted: Sequence[int]
    names: Names

    @property
    def builder(self) -> Builder:
        return self.out.builder


def pull_back(edge: Edge) -> list[Any]:
    """Return the cotangent of each wanted operand, in its shape, or the number 0.0.

    Raises:
        ValueError: if a rule returns another shape, and the operation does not broadcast.
    """
    kind = edge.operation.kind
    broadcasts = kind in ("apply", "broadcast")
    cotangents = _RULES[kind](edge)
    for n, k in enumerate(edge.wanted):
        x, shape = cotangents[n], edge.operands[k].shape
        if isinstance(x, Handle) and x.shape != shape:
            if not broadcasts:
                raise ValueError(
                    f"the rule of {kind} returns {listed(x.shape)} for an operand of shape {listed(shape)}"
                )
            cotangents[n] = _unbroadcast(Simplified.of(x), shape)
    return cotangents


def _unbroadcast(x: Simplified, shape: Shape) -> Simplified:
    """Sum along the axes along which an operand of this shape was broadcast."""
    builder, before = x.builder, len(x.shape) - len(shape)
    repeated = [k for k, length in enumerate(shape, before) if length == 1 and x.shape[k] != 1]
    kept = builder.reduce(x, "sum", repeated, keepdims=True)
    total: Simplified = Simplified.of(builder.reduce(kept, "sum", range(before)))
    return total


def _apply(edge: Edge) -> list[Any]:
    """Apply the chain rule: multiply the cotangent by the local derivative."""
    primitive, careful = edge.operation.attribute
    if primitive is primitives.mul and _is_outer(edge):
        return _outer(edge)
    if primitive.reduces:
        slopes = _slopes_of_several(edge, primitive)
    elif primitive is primitives.constant_power and isinstance(edge.operands[1].operation.attribute, Data):
        slopes = _slopes_of_powers(edge)
    else:
        inputs = [_number_or_handle(x, primitive is primitives.mul) for x in edge.operands]
        slopes = local_derivatives(primitive, inputs, edge.out)
    return [_times(edge.cotangent, slopes[k], primitive, careful) for k in edge.wanted]


def _is_outer(edge: Edge) -> bool:
    """Return whether a column is multiplied by a row."""
    column, row = (x.shape for x in edge.operands)
    out = edge.operation.shape
    return len(out) == 2 and 1 not in out and (column, row) == ((out[0], 1), (1, out[1]))


def _outer(edge: Edge) -> list[Any]:
    """Return the sums over rows and over columns as matrix products."""
    number, delta = edge.cotangent.scaled()
    column, row = edge.operands
    return [
        number
        * Simplified.of(
            edge.builder.contract(delta, row, "nc", "kc", "nk")
            if k == 0
            else edge.builder.contract(delta, column, "nc", "nk", "kc")
        )
        for k in edge.wanted
    ]


def _slopes_of_several(edge: Edge, primitive: Primitive) -> list[Any]:
    builder = edge.builder
    together = builder.slopes(primitive, edge.operands, edge.out).named(edge.names.numbered("slopes"))
    shape = together.shape[1:]
    slices = [builder.slice(together, 0, k, k + 1) for k in range(len(edge.operands))]
    return [Simplified.of(builder.reshape(part, shape)) for part in slices]


def _slopes_of_powers(edge: Edge) -> list[Any]:
    """Return n xⁿ⁻¹ for exponents in a constant array."""
    x, n = edge.operands
    exponents = n.operation.attribute.array
    lower = Simplified.of(edge.builder.constant(exponents - 1.0))
    return [n * x.apply(primitives.constant_power, (x, lower))]


def _times(cotangent: Simplified, slope: Any, primitive: Primitive, careful: bool) -> Any:
    """Return cotangent · slope, exactly 0 where a careful choice does not select the operand."""
    if not careful or not isinstance(slope, Simplified):
        return cotangent * slope
    attribute = slope.operation.attribute
    is_condition = slope.operation.kind == "apply" and attribute.primitive in _IS_COMPARISON
    passed = cotangent if is_condition or primitive is primitives.where else cotangent * slope
    return cotangent.apply(primitives.where, (slope, passed, 0.0))


def _number_or_handle(x: Simplified, is_factor: bool) -> Any:
    """Return a constant as a number, unless it is a factor 0, since 0 times inf is nan; otherwise the handle."""
    operation = x.operation
    is_number = operation.kind == "constant" and isinstance(operation.attribute, float)
    return operation.attribute if is_number and not (is_factor and operation.attribute == 0.0) else x


def _contract(edge: Edge) -> list[Any]:
    """Contract the cotangent with the other factor."""
    left, right, result = edge.operation.attribute
    number, delta = edge.cotangent.scaled()
    cotangents = []
    for k in edge.wanted:
        own, other = (left, right) if k == 0 else (right, left)
        known = "".join([label for label in own if label in result or label in other])
        product = edge.builder.contract(delta, edge.operands[1 - k], result, other, known)
        if known != own:  # axes of this factor alone, which are summed
            shape_of_factor = edge.operands[k].shape
            shape = tuple([n if label in known else 1 for label, n in zip(own, shape_of_factor)])
            product = edge.builder.broadcast(edge.builder.reshape(product, shape), shape_of_factor)
        cotangents.append(number * Simplified.of(product))
    return cotangents


def _reduce(edge: Edge) -> list[Any]:
    """Broadcast the cotangent of a sum; multiply that of other reductions by their derivatives."""
    builder, (x,) = edge.builder, edge.operands
    function, axes, _, careful = edge.operation.attribute
    if function == "any":
        return [0.0]
    kept = tuple([1 if k in axes else length for k, length in enumerate(x.shape)])
    cotangent = Simplified.of(builder.reshape(edge.cotangent, kept))
    if function == "sum":
        return [Simplified.of(builder.broadcast(cotangent, x.shape))]
    primitive = TABLE[function]
    assert axes == (len(x.shape) - 1,), "reductions by choice or logsumexp are along the last axis"
    slopes = Simplified.of(builder.slopes(primitive, [x], builder.reshape(edge.out, kept)))
    if primitive.chooses:
        slopes = Simplified.of(slopes.named(edge.names.numbered("shares")))
    return [_times(cotangent, slopes, primitive, careful)]


def _slopes(edge: Edge) -> list[Any]:
    """Return p (g - Σ g p) for softmax, and 0 for a choice."""
    if edge.operation.attribute.chooses:
        return [0.0 for _ in edge.wanted]
    assert len(edge.operands) == 2, "softmax is along the last axis of one array"
    product = edge.cotangent * edge.out
    last = len(edge.out.shape) - 1
    total = Simplified.of(edge.builder.reduce(product, "sum", [last], keepdims=True))
    return [edge.out * (edge.cotangent - total) if k == 0 else 0.0 for k in edge.wanted]


def _reshape(edge: Edge) -> list[Any]:
    return [edge.builder.reshape(edge.cotangent, x.shape) for x in edge.operands]


def _transpose(edge: Edge) -> list[Any]:
    axes = edge.operation.attribute
    return [edge.builder.transpose(edge.cotangent, [axes.index(k) for k in range(len(axes))])]


def _broadcast(edge: Edge) -> list[Any]:
    return [edge.cotangent]


def _slice(edge: Edge) -> list[Any]:
    axis, start, stop, step = edge.operation.attribute
    (x,) = edge.operands
    length = x.shape[axis]
    assert isinstance(length, int)
    return [edge.builder.pad(edge.cotangent, axis, start, stop, step, length)]


def _concatenate(edge: Edge) -> list[Any]:
    axis, builder, cotangent = edge.operation.attribute, edge.builder, edge.cotangent
    at, parts = 0, []
    for operand in edge.operands:
        length = operand.shape[axis]
        assert isinstance(length, int)
        parts.append((at, at + length))
        at += length
    return [_part(builder, cotangent, axis, *parts[k]) for k in edge.wanted]


def _part(builder: Builder, x: Simplified, axis: int, start: int, stop: int) -> Any:
    """Slice; return 0.0 for a slice within the zeros of a padded array."""
    operation = x.operation
    if operation.kind == "pad" and not operation.name and operation.attribute.axis == axis:
        padding = operation.attribute
        if stop <= padding.start or start >= padding.stop:
            return 0.0
        if padding.step == 1 and padding.start <= start and stop <= padding.stop:
            return builder.slice(builder.operand(x), axis, start - padding.start, stop - padding.start)
    return builder.slice(x, axis, start, stop)


def _pad(edge: Edge) -> list[Any]:
    axis, start, stop, step, _ = edge.operation.attribute
    return [edge.builder.slice(edge.cotangent, axis, start, stop, step)]


def _take(edge: Edge) -> list[Any]:
    (x,) = edge.operands
    length = x.shape[-1]
    assert isinstance(length, int)
    return [edge.builder.place(edge.cotangent, edge.operation.attribute.array, length)]


def _place(edge: Edge) -> list[Any]:
    return [edge.builder.take(edge.cotangent, edge.operation.attribute.positions.array)]


def _accumulate(edge: Edge) -> list[Any]:
    """Accumulate in the opposite direction: each element is in all partial sums from its own on."""
    axis, backward = edge.operation.attribute
    return [edge.builder.accumulate(edge.cotangent, axis, not backward)]


def _look_up(edge: Edge) -> list[Any]:
    """Scatter-add the cotangent to the entries that were looked up."""
    table, index = edge.operands
    shared = edge.operation.attribute.shared
    length = table.shape[shared]
    assert isinstance(length, int)
    return [scatter(edge.cotangent, index, length, shared)]


def _scatter(edge: Edge) -> list[Any]:
    _, index = edge.operands
    return [look_up(edge.cotangent, index, edge.operation.attribute.shared)]


def _guard(edge: Edge) -> list[Any]:
    return [edge.cotangent.apply(primitives.where, (edge.operands[1], edge.cotangent, 0.0)) for _ in edge.wanted]


_RULES: dict[str, Callable[[Edge], list[Any]]] = {
    "apply": _apply,
    "contract": _contract,
    "reduce": _reduce,
    "slopes": _slopes,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast": _broadcast,
    "slice": _slice,
    "concatenate": _concatenate,
    "pad": _pad,
    "take": _take,
    "place": _place,
    "accumulate": _accumulate,
    "look up": _look_up,
    "scatter": _scatter,
    "guard": _guard,
}
