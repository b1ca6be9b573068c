"""Gradients of loop-invariant operands: sums over steps, computed after the loop where possible.

If a step adds a product to the gradient of a matrix (W += dz_tᵀ h_t), or a sum over samples to that of a bias, the loop
writes the factors by step, and one product over all steps and samples follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd import primitives
from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.loop import Stepping
from autograd.compiler.arrays.operations import Batch, Labels, Length, Operation, Reduction, Shape


class Summand(NamedTuple):
    """A term that a step adds to a sum over all steps: a contraction or a sum of values of the step.

    Attributes:
        factor: a number that multiplies it.
        operands: the places of one or two values, in the program of the step.
        attribute: the contraction or reduction.
        arranged: the reshapes and transpositions of the result, in order.
    """

    factor: float
    operands: tuple[int, ...]
    attribute: Labels | Reduction
    arranged: tuple[tuple[str, Any], ...] = ()

    def then(self, kind: str, attribute: Any) -> Summand:
        """Return the summand with a final reshape or transposition."""
        return self._replace(arranged=(*self.arranged, (kind, attribute)))


class ByStep(NamedTuple):
    """The values of all steps as one array.

    Attributes:
        array: the array.
        stepping: the axis of steps.
        before: the initial value, if the array holds the values after each step and those before it are meant.
    """

    array: Simplified
    stepping: Stepping
    before: Simplified | None = None


def summands(operations: Sequence[Operation], at: int) -> list[Summand] | None:
    """Return the summands of an operation if all are contractions and sums, else None."""
    kind, operands, attribute, shape, _ = operations[at]
    if kind == "contract" and set(attribute.left + attribute.right) <= _matched(attribute):
        return [Summand(1.0, operands, attribute)]
    if kind == "reduce" and attribute.function == "sum":
        return [Summand(1.0, operands, attribute)]
    if kind in ("reshape", "transpose"):
        inner = summands(operations, operands[0])
        return inner and [x.then(kind, attribute) for x in inner]
    if kind != "apply":
        return None
    primitive = attribute.primitive
    if primitive in (primitives.add, primitives.sub) and all(operations[k].shape == shape for k in operands):
        left, right = (summands(operations, k) for k in operands)
        sign = 1.0 if primitive is primitives.add else -1.0
        return left and right and [*left, *(x._replace(factor=sign * x.factor) for x in right)]
    if primitive is primitives.neg:
        return _scaled(summands(operations, operands[0]), -1.0)
    if primitive is primitives.mul and operations[operands[0]].kind == "constant":
        number = operations[operands[0]].attribute
        return _scaled(summands(operations, operands[1]), number) if isinstance(number, float) else None
    return None


def _matched(labels: Labels) -> set[str]:
    """Return the axes of a contraction that are in both operands or in the result."""
    return (set(labels.left) & set(labels.right)) | set(labels.result)


def _scaled(several: list[Summand] | None, number: float) -> list[Summand] | None:
    return several and [x._replace(factor=number * x.factor) for x in several]


def sum_over_steps(summand: Summand, arrays: Sequence[ByStep]) -> Any:
    """Return the sum of a summand over all steps, or the number 0.0, given the values of all steps."""
    if isinstance(summand.attribute, Reduction):
        (x,) = arrays
        total = _reduced(x, summand.attribute)
    else:
        total = _contracted(arrays[0], arrays[1], summand.attribute)
    if not isinstance(total, Handle):
        return total
    for kind, attribute in summand.arranged:
        builder = total.builder
        arrange = builder.reshape if kind == "reshape" else builder.transpose
        total = Simplified.of(arrange(total, attribute))
    return summand.factor * total


def _reduced(x: ByStep, reduction: Reduction) -> Simplified:
    """Return a sum over axes and steps."""
    array, axis = x.array, x.stepping.axis
    axes = [k + (k >= axis) for k in reduction.axes]
    total = array.builder.reduce(array, "sum", [*axes, axis])
    if reduction.keepdims:
        kept = [1 if k in axes else n for k, n in enumerate(array.shape) if k != axis]
        total = array.builder.reshape(total, tuple(kept))
    result: Simplified = Simplified.of(total)
    return result


def _contracted(left: ByStep, right: ByStep, labels: Labels) -> Any:
    """Return a sum of products over axes and steps."""
    if left.before is not None or right.before is not None:
        return _with_first_step(left, right, labels)
    step = next(letter for letter in "tuvwxyz" if letter not in labels.left + labels.right)
    of_left, of_right = (_with_step(own, x.stepping, step) for own, x in ((labels.left, left), (labels.right, right)))
    return _flat_product(left.array, right.array, Labels(of_left, of_right, labels.result))


def _with_step(labels: str, stepping: Stepping, step: str) -> str:
    return f"{labels[: stepping.axis]}{step}{labels[stepping.axis :]}"


def _with_first_step(left: ByStep, right: ByStep, labels: Labels) -> Any:
    """Return the sum of products with the values before each step: initial ones, then those after earlier steps.

    It is the number 0.0 for a single step with initial values of zero.
    """
    if left.before is not None:
        swapped = Labels(labels.right, labels.left, labels.result)
        return _with_first_step(right, left, swapped)
    assert right.before is not None and right.before.builder is left.array.builder
    builder, steps = left.array.builder, left.array.shape[left.stepping.axis]
    assert isinstance(steps, int)
    total: Any = 0.0
    first = left.stepping.place(0, steps)
    if not _is_zero(right.before):
        of_first = builder.slice(left.array, left.stepping.axis, first, first + 1)
        shape = tuple([n for k, n in enumerate(left.array.shape) if k != left.stepping.axis])
        total = Simplified.of(builder.contract(builder.reshape(of_first, shape), right.before, *labels))
    if steps > 1:
        later = _cut(left, 0 if first else 1, steps - (first > 0))
        earlier = _cut(right, 1 if first else 0, steps - (not first))
        total = _contracted(later, earlier._replace(before=None), labels) + total
    return total


def _cut(x: ByStep, start: int, stop: int) -> ByStep:
    return x._replace(array=Simplified.of(x.array.builder.slice(x.array, x.stepping.axis, start, stop)))


def _is_zero(x: Handle) -> bool:
    while x.operation.kind in ("broadcast", "reshape"):
        x = x.builder.operand(x)
    return x.operation.kind == "constant" and x.operation.attribute == 0.0


def _flat_product(a: Simplified, b: Simplified, labels: Labels) -> Simplified:
    """Return a contraction over several axes as one over a single axis, a matrix product."""
    left, right, result = labels
    summed = [letter for letter in right if letter in left and letter not in result]
    shared = [letter for letter in left if letter in right and letter in result]
    parts = []
    for x, own in ((a, left), (b, right)):
        others = [letter for letter in own if letter not in summed and letter not in shared]
        order = [*shared, *summed, *others]
        shape = [x.shape[own.index(letter)] for letter in order]
        begin, end = len(shared), len(shared) + len(summed)
        flat: Shape = (*shape[:begin], _product(shape[begin:end]), *shape[end:])
        arranged = x.builder.transpose(x, [own.index(letter) for letter in order])
        parts.append((x.builder.reshape(arranged, flat), "".join([*shared, summed[0], *others])))
    (first, first_labels), (second, second_labels) = parts
    product: Simplified = Simplified.of(a.builder.contract(first, second, first_labels, second_labels, result))
    return product


def _product(lengths: Sequence[Length]) -> Length:
    times, is_batched = 1, False
    for length in lengths:
        is_batched = is_batched or isinstance(length, Batch)
        times *= length.times if isinstance(length, Batch) else length
    return Batch(times) if is_batched else times
