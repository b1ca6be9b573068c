"""Record the vector-Jacobian product of each kind of application once, as operations to replay."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

from autograd.compiler.arrays.algebra import Simplified
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.operations import Application, N, Operation, Shape
from autograd.compiler.differentiate.transposes import Edge, pull_back
from autograd.compiler.names import Names

_COLUMN: Shape = (N, 1)


class Rule(NamedTuple):
    """The vector-Jacobian products of an application, as operations to replay.

    Attributes:
        steps: operations whose operands are references: an index into the application's operands, its result, its
            cotangent, and the results of earlier steps, in this order; ~k refers to `constants[k]`.
        constants: numbers that the steps read.
        results: for each wanted operand, its place, a number, and the reference that it multiplies.
    """

    steps: list[Operation]
    constants: list[float]
    results: list[tuple[int, float, int]]


@functools.lru_cache(maxsize=4096)
def recorded(
    application: Application, numbers: tuple[str | None, ...], wanted: tuple[bool, ...], is_square: bool
) -> Rule:
    """Record the vector-Jacobian products of an application.

    Args:
        numbers: the texts of operands that are known numbers, to distinguish 0.0 from -0.0.
        wanted: which operands receive a cotangent.
        is_square: whether its two operands are the same.
    """
    builder = Builder()
    given = [Simplified.of(builder.argument(f"x{k}", 1)) for k in range(len(numbers) + 2)]
    *inputs, out, cotangent = given
    operands = [
        x if number is None else Simplified.of(builder.constant(float(number))) for x, number in zip(inputs, numbers)
    ]
    if is_square:
        operands[1] = operands[0]
    places = [k for k, is_wanted in enumerate(wanted) if is_wanted]
    operation = Operation("apply", tuple([x.at for x in operands]), application, _COLUMN)
    parts = pull_back(Edge(operation, operands, out, cotangent, places, Names()))
    if is_square and len(parts) == 2 and all(isinstance(part, Simplified) for part in parts):
        left, right = parts
        places, parts = places[:1], [left + right if left.at != right.at else 2.0 * left]
    products: list[tuple[int, float, Simplified]] = []
    for place, part in zip(places, parts):
        if isinstance(part, Simplified):
            number, rest = part.scaled()
            if number == 0.0:
                number, rest = 1.0, part
            elif rest.at != cotangent.at:
                number, rest = math.copysign(1.0, number), abs(number) * rest
            products.append((place, number, rest))
    return _as_rule(builder, given, products)


def _as_rule(builder: Builder, given: list[Simplified], products: list[tuple[int, float, Simplified]]) -> Rule:
    program = builder.program([x for _, _, x in products])
    needed = program.needed(program.outputs)
    reference = {x.at: k for k, x in enumerate(given)}
    steps: list[Operation] = []
    constants: list[float] = []
    for at, operation in enumerate(program.operations):
        if at not in needed or at in reference:
            continue
        if operation.kind == "constant":
            reference[at] = ~len(constants)
            constants.append(operation.attribute)
        else:
            reference[at] = len(given) + len(steps)
            steps.append(operation._replace(operands=tuple([reference[k] for k in operation.operands])))
    return Rule(steps, constants, [(place, number, reference[x.at]) for place, number, x in products])
