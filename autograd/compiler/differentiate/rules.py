"""Record the derivative table's rules once as operations, and replay them for each use of a primitive."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.trace.rule_state import reads_state
from autograd.primitives import Primitive


class Recorded(NamedTuple):
    """A rule as applications of primitives.

    Attributes:
        steps: each a primitive and its operands: (n, None) for the n-th input or result, (None, number) for a number.
        results: the local derivatives, likewise.
    """

    steps: list[tuple[Primitive, list[tuple[int | None, float]]]]
    results: list[tuple[int | None, float]]


def local_derivatives(primitive: Primitive, inputs: Sequence[Any], out: Simplified) -> list[Any]:
    """Return ∂out/∂input for each input, as handles or numbers, by the table's rule.

    A rule that takes only floats, or reads mutable state, is called number by number.

    Args:
        inputs: handles, or floats for known numbers.
    """
    rule = recorded(primitive, tuple([None if isinstance(x, Handle) else repr(float(x)) for x in inputs]))
    if rule is None:
        return [out.apply(slope_of(primitive, k), (*inputs, out)) for k in range(len(inputs))]
    values: list[Any] = [*inputs, out]

    def value(reference: tuple[int | None, float]) -> Any:
        at, number = reference
        return number if at is None else values[at]

    for step, operands in rule.steps:
        values.append(out.apply(step, tuple(map(value, operands))))
    return list(map(value, rule.results))


@functools.lru_cache(maxsize=4096)
def recorded(primitive: Primitive, numbers: tuple[str | None, ...]) -> Recorded | None:
    """Record a rule; None if it is not an expression of handles. Numbers are given as texts, to distinguish -0.0."""
    if reads_state(primitive):
        return None
    builder = Builder()
    given = [Simplified.of(builder.argument(f"x{k}", 1)) for k in range(len(numbers) + 1)]
    inputs = [handle if number is None else float(number) for handle, number in zip(given, numbers)]
    try:
        slopes = primitive.compiled_derivatives(*inputs, given[-1])
        results = [x if isinstance(x, Handle) else float(x) for x in slopes]
    except (TypeError, ValueError, AttributeError):
        return None
    program = builder.program([x for x in results if isinstance(x, Handle)])
    needed = program.needed(program.outputs)
    places = {x.at: k for k, x in enumerate(given)}
    steps: list[tuple[Primitive, list[tuple[int | None, float]]]] = []

    def reference(at: int) -> tuple[int | None, float]:
        operation = program.operations[at]
        return (None, operation.attribute) if operation.kind == "constant" else (places[at], math.nan)

    for at, operation in enumerate(program.operations):
        if at in needed and operation.kind == "apply":
            steps.append((operation.attribute.primitive, [reference(k) for k in operation.operands]))
            places[at] = len(given) + len(steps) - 1
    return Recorded(steps, [reference(x.at) if isinstance(x, Handle) else (None, x) for x in results])


@functools.lru_cache(maxsize=4096)
def slope_of(primitive: Primitive, k: int) -> Primitive:
    """Return the derivative with respect to the k-th input as a primitive of inputs and output, for floats only.

    >>> from autograd import primitives
    >>> slope_of(primitives.sigmoid, 0)(0.0, 0.5)
    0.25
    """

    def forward(*inputs_and_out: float) -> float:
        return primitive.local_derivatives(inputs_and_out[:-1], inputs_and_out[-1])[k]

    def derivatives(*inputs_and_out: float) -> tuple[float, ...]:
        raise TypeError(f"the derivative of {primitive!r} is called number by number, and has no derivative itself")

    return Primitive(f"slope_of_{primitive.name}", forward, derivatives)
