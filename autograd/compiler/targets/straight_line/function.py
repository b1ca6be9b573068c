"""A function in LLVM IR, written instruction by instruction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autograd import primitives
from autograd.compiler.targets.straight_line.instructions import (
    CONDITIONS,
    expansion,
    instruction,
    literal,
    replayed,
    slopes_expansion,
)
from autograd.compiler.targets.straight_line.layout import Reference
from autograd.primitives import Primitive

RELATIVE = ("m", "t", "g")
"""The arrays that pass numbers between functions."""

_ZERO, _ONE = literal(0.0), literal(1.0)
_POWERS = {literal(float(n)): n for n in range(4)}
"""Frequent exponents, whose powers are computed by products: far faster than the C library."""


class Function:
    """A function under construction. Registers are numbered in the order of their definitions.

    Attributes:
        lines: the instructions.
        registers: the registers, or literals, of the numbers computed or read so far.
        count: the number of registers.
        bases: for arrays that pass numbers between functions, the element whose address the function receives: the
            first that it accesses. So functions that differ only in the places that they access, as in a repetitive
            program, have the same instructions.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bases: dict[str, int] = {}
        self.registers: dict[Reference, str] = {}
        self.count: int = 0
        self._conditions: dict[str, str] = {}  # the bits of registers that are 1.0 or 0.0

    def instruction(self, text: str) -> str:
        """Add an instruction; return the register of its result."""
        register = f"%{self.count}"
        self.count += 1
        self.lines.append(f"{register} = {text}")
        return register

    def load(self, array: str, at: int) -> str:
        """Load an element of an array."""
        first = self.count
        self.count += 2
        if array in RELATIVE:
            at -= self.bases.setdefault(array, at)
        self.lines.append(f"%{first} = getelementptr double, ptr %{array}, i64 {at}")
        self.lines.append(f"%{first + 1} = load double, ptr %{first}")
        return f"%{first + 1}"

    def store(self, array: str, at: int, value: str) -> None:
        """Store an element of an array."""
        address = self.count
        self.count += 1
        if array in RELATIVE:
            at -= self.bases.setdefault(array, at)
        self.lines.append(f"%{address} = getelementptr double, ptr %{array}, i64 {at}")
        self.lines.append(f"store double {value}, ptr %{address}")

    def apply(self, primitive: Primitive, operands: Sequence[str]) -> str:
        """Apply a primitive to registers or literals; return the register, or literal, of its result."""
        if primitive in CONDITIONS:
            bit = self.instruction(f"fcmp {CONDITIONS[primitive]} double {operands[0]}, {operands[1]}")
            number = self.instruction(f"select i1 {bit}, double {_ONE}, double {_ZERO}")
            self._conditions[number] = bit
            return number
        if primitive is primitives.where:
            operands = [self._bit(operands[0]), *operands[1:]]
        if primitive is primitives.constant_power and operands[1] in _POWERS:
            return self._power(operands[0], _POWERS[operands[1]])
        template = instruction(primitive)
        if template is not None:
            return self.instruction(template.format(*operands))
        return replayed(expansion(primitive, len(operands)), operands, literal, self.apply)[0]

    def slopes(self, primitive: Primitive, operands: Sequence[str]) -> list[str]:
        """Return the derivatives of a variadic primitive; its value is the last operand."""
        return replayed(slopes_expansion(primitive, len(operands) - 1), operands, literal, self.apply)

    def _bit(self, condition: str) -> str:
        if condition not in self._conditions:
            self._conditions[condition] = self.instruction(f"fcmp une double {condition}, {_ZERO}")
        return self._conditions[condition]

    def _power(self, x: str, n: int) -> str:
        result = x if n else _ONE
        for _ in range(n - 1):
            result = self.apply(primitives.mul, (result, x))
        return result


def pointers(arrays: Iterable[str]) -> str:
    """Return arrays as parameters or arguments of a function.

    >>> pointers(["x", "p"])
    'ptr %x, ptr %p'
    """
    return ", ".join([f"ptr %{array}" for array in arrays])


def define(head: str, lines: Iterable[str]) -> str:
    """Return the text of a function.

    >>> print(define("void @f()", []))
    define void @f() {
    entry:
    ret void
    }
    """
    return "\n".join([f"define {head} {{", "entry:", *lines, "ret void", "}"])


def define_loop(name: str, arrays: Iterable[str], strides: Mapping[str, int], body: Iterable[str]) -> str:
    """Return a function that does something for each of several samples.

    Args:
        arrays: its parameters after the number of samples.
        strides: the numbers per sample of the arrays that hold one part per sample.
    """
    given = [f"all_{array}" if array in strides else array for array in arrays]
    head = [
        "br label %sample",
        "sample:",
        "%n = phi i64 [ 0, %entry ], [ %next, %sample ]",
        *(f"%{x} = getelementptr [{size} x double], ptr %all_{x}, i64 %n" for x, size in strides.items()),
    ]
    tail = [
        "%next = add i64 %n, 1",
        "%more = icmp slt i64 %next, %samples",
        "br i1 %more, label %sample, label %done",
        "done:",
    ]
    return define(f"void @{name}(i64 %samples, {pointers(given)})", [*head, *body, *tail])
