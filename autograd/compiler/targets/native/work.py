"""Count the work of a program, for the cost model."""

from __future__ import annotations

import math
from typing import NamedTuple

from autograd.compiler.arrays.operations import Shape
from autograd.compiler.arrays.program import LEAVES, STRUCTURE, ArrayProgram
from autograd.compiler.targets.native.cost import LARGE_BATCHED
from autograd.compiler.targets.native.planning.phases import has_samples
from autograd.compiler.targets.native.writing.code import extents, product


class Work(NamedTuple):
    """The work of a program.

    Attributes:
        operations: the number of operations.
        calls: calls of NumPy; an operation in a loop takes one at each step.
        elements: numbers computed per sample, except by matrix products.
        products: multiplications of matrix products per sample.
        nested: those of batched products that BLAS would compute faster than loop nests.
        fixed: multiplications of matrix products that do not depend on the samples.
    """

    operations: int
    calls: int
    elements: int
    products: int
    nested: int
    fixed: int


def work_of(program: ArrayProgram) -> Work:
    """Return the work of a program."""
    count = calls = elements = products = nested = fixed = 0
    for at in sorted(program.needed(program.outputs)):
        kind, operands, attribute, shape, _ = program.operations[at]
        if kind == "loop":
            inner = work_of(attribute.body)
            count += inner.operations
            calls += attribute.steps * inner.calls
            elements += attribute.steps * inner.elements
            products += attribute.steps * inner.products
            nested += attribute.steps * inner.nested
            continue
        if kind in (*LEAVES, *STRUCTURE, "guard", "result"):
            continue
        count, calls = count + 1, calls + 1
        read = [program.operations[k].shape for k in operands]
        places = _places(program, at) if kind == "contract" else max(map(_count, [shape, *read]))
        if not any(map(has_samples, [shape, *read])):
            fixed += places
        elif kind == "contract":
            products += places
            nested += places if _is_large_batched(program, at, places) else 0
        else:
            elements += places
    return Work(count, calls, elements, products, nested, fixed)


def _count(shape: Shape) -> int:
    return product(extents(shape)).factor


def _places(program: ArrayProgram, at: int) -> int:
    """Return the number of multiplications of a contraction per sample."""
    operation = program.operations[at]
    labels = operation.attribute
    lengths = {
        label: length.factor
        for axes, k in zip(labels[:2], operation.operands)
        for label, length in zip(axes, extents(program.operations[k].shape))
    }
    return math.prod(lengths.values())


def _is_large_batched(program: ArrayProgram, at: int, places: int) -> bool:
    """Return whether a contraction is a batched product of large matrices."""
    operation = program.operations[at]
    left, right, result = operation.attribute
    shared = set(left) & set(right) & set(result)
    lengths = dict(zip(left, extents(program.operations[operation.operands[0]].shape)))
    return bool(shared) and places // math.prod(lengths[label].factor for label in shared) >= LARGE_BATCHED
