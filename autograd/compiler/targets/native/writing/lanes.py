"""Vector arithmetic: types, literals, and the table's primitives as instructions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd import primitives
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.targets.native.writing.code import Code
from autograd.compiler.targets.native.writing.elementary import FUNCTIONS, definition
from autograd.compiler.targets.straight_line.instructions import (
    CONDITIONS,
    expansion,
    instruction,
    literal,
    replayed,
    slopes_expansion,
)
from autograd.primitives import Primitive

_ARITHMETIC = ("fadd", "fsub", "fmul", "fdiv")
_ROOTS: dict[float, Callable[[Lanes, str, int], str]] = {}
"""Constant exponents whose powers are computed by products, quotients and square roots."""


class Declarations:
    """Declared LLVM intrinsics, and defined elementary functions, for vectors of given lengths."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def intrinsic(self, name: str, text: str) -> None:
        """Declare an intrinsic."""
        self.texts.setdefault(name, text)

    def elementary(self, name: str, width: int) -> str:
        """Return the name of an elementary function of vectors, defining it at the first request."""
        function = f"{name}.{width}"
        if function not in self.texts:
            self.texts[function] = ""  # reserves the place, since a definition may refer to itself
            self.texts[function] = definition(name, width, self.elementary)
        return function


class Lanes:
    """Adds vector arithmetic to a function. A vector of one number is a scalar.

    Args:
        code: the function.
        dtype: the dtype of the numbers.
    """

    def __init__(self, code: Code, dtype: np.dtype[Any], declarations: Declarations) -> None:
        self.code: Code = code
        self._declarations = declarations
        self.element = "double" if dtype.itemsize == 8 else "float"
        self._is_double = dtype.itemsize == 8
        self._bits: dict[str, str] = {}  # the conditions of registers that are 1.0 or 0.0
        self._numbers: dict[str, float] = {}  # the numbers of literals

    def type(self, width: int) -> str:
        """Return the type of a vector of this many numbers."""
        return vector_type(self.element, width)

    def number(self, x: float, width: int = 1) -> str:
        """Return a literal, rounded to the dtype."""
        text = literal(x if self._is_double else _single(x))
        self._numbers[text] = x
        text = repeated(self.element, text, width)
        self._numbers[text] = x
        return text

    def splat(self, scalar: str, width: int) -> str:
        """Broadcast a number to a vector."""
        if width == 1:
            return scalar
        if scalar in self._numbers:
            return self.number(self._numbers[scalar], width)
        kind = self.type(width)
        one = self.code.value(f"insertelement {kind} poison, {self.element} {scalar}, i64 0")
        return self.code.value(f"shufflevector {kind} {one}, {kind} poison, <{width} x i32> zeroinitializer")

    def build(self, scalars: Sequence[str]) -> str:
        """Build a vector from numbers."""
        width = len(scalars)
        if width == 1:
            return scalars[0]
        kind, vector = self.type(width), "poison"
        for lane, scalar in enumerate(scalars):
            vector = self.code.value(f"insertelement {kind} {vector}, {self.element} {scalar}, i64 {lane}")
        return vector

    def lane(self, vector: str, lane: int, width: int) -> str:
        """Extract a number from a vector."""
        return vector if width == 1 else self.code.value(f"extractelement {self.type(width)} {vector}, i64 {lane}")

    def halves(self, vector: str, width: int) -> tuple[str, str]:
        """Return the first and the second half of a vector."""
        kind, half = self.type(width), width // 2
        if half == 1:
            return self.lane(vector, 0, width), self.lane(vector, 1, width)
        return (
            self.code.value(f"shufflevector {kind} {vector}, {kind} poison, {_mask(range(half))}"),
            self.code.value(f"shufflevector {kind} {vector}, {kind} poison, {_mask(range(half, width))}"),
        )

    def across(self, vector: str, width: int, combine: Callable[[str, str, int], str]) -> str:
        """Reduce a vector to one number, by combining its halves."""
        while width > 1:
            first, second = self.halves(vector, width)
            width //= 2
            vector = combine(first, second, width)
        return vector

    def arithmetic(self, opcode: str, a: str, b: str, width: int) -> str:
        """Add an instruction for a sum, difference, product or quotient."""
        return self.code.value(f"{opcode} {self.type(width)} {a}, {b}")

    def condition(self, code: str, a: str, b: str, width: int) -> str:
        """Compare; return a bit for each lane."""
        return self.code.value(f"fcmp {code} {self.type(width)} {a}, {b}")

    def choose(self, bit: str, a: str, b: str, width: int) -> str:
        """Select numbers by a bit for each lane."""
        kind = self.type(width)
        return self.code.value(f"select {vector_type('i1', width)} {bit}, {kind} {a}, {kind} {b}")

    def choose_all(self, bit: str, a: str, b: str, width: int) -> str:
        """Select one of two vectors by a bit."""
        kind = self.type(width)
        return self.code.value(f"select i1 {bit}, {kind} {a}, {kind} {b}")

    def call(self, name: str, x: str, width: int) -> str:
        """Call an elementary function, in double precision."""
        wide, kind = vector_type("double", width), self.type(width)
        x = x if self._is_double else self.code.value(f"fpext {kind} {x} to {wide}")
        result = self.code.value(f"call {wide} @{self._declarations.elementary(name, width)}({wide} {x})")
        return result if self._is_double else self.code.value(f"fptrunc {wide} {result} to {kind}")

    def sqrt(self, x: str, width: int) -> str:
        """Compute the square root."""
        name, kind = f"llvm.sqrt.{'' if width == 1 else f'v{width}'}f{64 if self._is_double else 32}", self.type(width)
        self._declarations.intrinsic(name, f"declare {kind} @{name}({kind})")
        return self.code.value(f"call {kind} @{name}({kind} {x})")

    def apply(self, primitive: Primitive, operands: Sequence[str], width: int) -> str:
        """Apply a primitive to vectors.

        Raises:
            UnwritableError: if it cannot be written as machine code.
        """
        if primitive in CONDITIONS:
            bit = self.condition(CONDITIONS[primitive], operands[0], operands[1], width)
            number = self.choose(bit, self.number(1.0, width), self.number(0.0, width), width)
            self._bits[number] = bit
            return number
        if primitive is primitives.where:
            return self.choose(self.bit(operands[0], width), operands[1], operands[2], width)
        if primitive is primitives.constant_power and operands[1] in self._numbers:
            power = _ROOTS.get(self._numbers[operands[1]])
            if power is not None:
                return power(self, operands[0], width)
        template = instruction(primitive)
        if template is None:
            return self.expanded(expansion(primitive, len(operands)), operands, width)[0]
        name = str(primitive.machine)
        if name in _ARITHMETIC:
            return self.arithmetic(name, operands[0], operands[1], width)
        if name == "fneg":
            return self.code.value(f"fneg {self.type(width)} {operands[0]}")
        if name == "sqrt":
            return self.sqrt(operands[0], width)
        if name in FUNCTIONS:
            return self.call(name, operands[0], width)
        return self._lane_by_lane(template, operands, width)

    def bit(self, number: str, width: int) -> str:
        """Return the condition that a number is not 0."""
        if number not in self._bits:
            self._bits[number] = self.condition("une", number, self.number(0.0, width), width)
        return self._bits[number]

    def slopes(self, primitive: Primitive, operands: Sequence[str], width: int) -> list[str]:
        """Return the derivatives of a variadic primitive; its value is the last operand."""
        return self.expanded(slopes_expansion(primitive, len(operands) - 1), operands, width)

    def expanded(self, program: ArrayProgram, operands: Iterable[str], width: int) -> list[str]:
        """Add a rule recorded as a program."""
        return replayed(
            program,
            operands,
            lambda number: self.number(number, width),
            lambda primitive, inputs: self.apply(primitive, inputs, width),
        )

    def _lane_by_lane(self, template: str, operands: Sequence[str], width: int) -> str:
        """Call a function of the C library for each lane."""
        results = []
        for lane in range(width):
            scalars = [self.lane(x, lane, width) for x in operands]
            if not self._is_double:
                scalars = [self.code.value(f"fpext float {x} to double") for x in scalars]
            result = self.code.value(template.format(*scalars))
            results.append(result if self._is_double else self.code.value(f"fptrunc double {result} to float"))
        return self.build(results)


def vector_type(element: str, width: int) -> str:
    """Return the type of a vector, or a scalar type for width 1.

    >>> vector_type("double", 4), vector_type("double", 1)
    ('<4 x double>', 'double')
    """
    return element if width == 1 else f"<{width} x {element}>"


def repeated(element: str, text: str, width: int) -> str:
    """Return a literal for each lane.

    >>> repeated("i64", "3", 2)
    '<i64 3, i64 3>'
    """
    return text if width == 1 else f"<{', '.join([f'{element} {text}'] * width)}>"


def _single(x: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(x))


def _mask(lanes: Iterable[int]) -> str:
    texts = [f"i32 {lane}" for lane in lanes]
    return f"<{len(texts)} x i32> <{', '.join(texts)}>"


def _reciprocal(lanes: Lanes, x: str, width: int) -> str:
    return lanes.arithmetic("fdiv", lanes.number(1.0, width), x, width)


def _whole(n: int) -> Callable[[Lanes, str, int], str]:
    """Return a function for the n-th power by products; for negative n, of the reciprocal, which does not overflow."""

    def power(lanes: Lanes, x: str, width: int) -> str:
        base = x if n > 0 else _reciprocal(lanes, x, width)
        result = base if n else lanes.number(1.0, width)
        for _ in range(abs(n) - 1):
            result = lanes.arithmetic("fmul", result, base, width)
        return result

    return power


def _with_root(n: int) -> Callable[[Lanes, str, int], str]:
    """Return a function for the power n / 2, for an odd n.

    Like pow, it treats -0 as 0, and a power of -inf is inf or 0.
    """

    def power(lanes: Lanes, x: str, width: int) -> str:
        positive = lanes.arithmetic("fadd", x, lanes.number(0.0, width), width)
        is_least = lanes.condition("oeq", x, lanes.number(float("-inf"), width), width)
        positive = lanes.choose(is_least, lanes.number(float("inf"), width), positive, width)
        root = lanes.sqrt(positive, width)
        if n < 0:
            root, positive = _reciprocal(lanes, root, width), _reciprocal(lanes, positive, width)
        for _ in range(abs(n) // 2):
            root = lanes.arithmetic("fmul", root, positive, width)
        return root

    return power


_ROOTS.update({float(n): _whole(n) for n in (-2, -1, 0, 1, 2, 3)} | {n / 2: _with_root(n) for n in (-3, -1, 1, 3)})
