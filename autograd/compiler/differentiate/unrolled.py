"""The chain rule for unrolled programs, in which every operation computes one number a sample.

There are so many of these that nothing may cost more than a few microseconds: the same recorded rules of the derivative
table are replayed on the places of operations, and numbers are moved to the sums of cotangents, but nothing is
simplified beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.operations import Application, Operation, Shape
from autograd.compiler.differentiate.rules import recorded
from autograd.primitives import Primitive

Part = tuple[float, int]
"""A number, and the place of what it multiplies."""


class UnrolledRules:
    """Replays rules in a program that is being built.

    Args:
        shape: of all results.
    """

    def __init__(self, builder: Builder, shape: Shape) -> None:
        self._builder, self._shape = builder, shape
        self._places: dict[object, int] = {}
        self._applications: dict[Primitive, Application] = {}
        self._numbers: dict[str, int] = {}
        self._lengths: dict[int, int] = {}

    def length(self, at: int) -> int:
        """Return about how many characters an operation takes, written as an expression of what has a name."""
        return 1 if self._builder.operations[at].name else self._lengths.get(at, 1)

    def sum(self, parts: Sequence[Part]) -> int:
        """Add up parts."""
        if len(parts) > 1:
            totals: dict[int, float] = {}
            for number, at in parts:
                totals[at] = totals.get(at, 0.0) + number
            parts = [(number, at) for at, number in totals.items()]
        number, total = parts[0]
        if number == -1.0:
            total = self._apply(primitives.neg, (total,))
        elif number != 1.0:
            total = self._apply(primitives.mul, (self._number(number), total))
        for number, at in parts[1:]:
            size = abs(number)
            if size != 1.0:
                at = self._apply(primitives.mul, (self._number(size), at))
            total = self._apply(primitives.sub if number < 0 else primitives.add, (total, at))
        return total

    def pull_back(
        self, primitive: Primitive, operands: list[int], out: int, cotangent: int
    ) -> list[Part | None] | None:
        """Return the cotangent of each operand, None where it is zero; None where the rule is no expression."""
        operations = self._builder.operations
        known = [operations[k].attribute if operations[k].kind == "constant" else None for k in operands]
        rule = recorded(primitive, tuple([None if x is None else repr(x) for x in known]))
        if rule is None:
            return None
        values = [*operands, out]
        for step, references in rule.steps:
            at = [self._number(x) if k is None else values[k] for k, x in references]
            values.append(self._apply(step, tuple(at)))
        parts: list[Part | None] = []
        for k, number in rule.results:
            if k is not None:
                parts.append((1.0, self._apply(primitives.mul, (cotangent, values[k]))))
            else:
                parts.append((number, cotangent) if number else None)
        return parts

    def _apply(self, primitive: Primitive, operands: tuple[int, ...]) -> int:
        key = (primitive, operands)
        at = self._places.get(key)
        if at is None:
            operations, lengths = self._builder.operations, self._lengths
            at = self._places[key] = len(operations)
            application: Any = self._applications.get(primitive)
            if application is None:
                application = self._applications[primitive] = Application(primitive)
            operations.append(Operation("apply", operands, application, self._shape))
            length = 3
            for k in operands:
                length += 1 if operations[k][4] else lengths.get(k, 1)
            lengths[at] = length
        return at

    def _number(self, number: float) -> int:
        key = repr(number)
        if key not in self._numbers:
            self._numbers[key] = self._builder.constant(number).at
        return self._numbers[key]
