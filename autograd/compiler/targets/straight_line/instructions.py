"""Primitives as LLVM instructions and calls of the C library, as their rows of the table specify.

All arithmetic is IEEE 754 double precision. No names come from users: registers are numbered, and the functions are
those of math.h, called by address.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.rules import recorded
from autograd.compiler.trace.comparisons import COMPARISONS
from autograd.compiler.trace.rule_state import reads_state
from autograd.primitives import TABLE, Primitive
from autograd.table import OURS

_ARITHMETIC = ("fadd", "fsub", "fmul", "fdiv")
_INSTRUCTIONS = {
    **{opcode: f"{opcode} double {{}}, {{}}" for opcode in _ARITHMETIC},
    "fneg": "fneg double {}",
    "select": "select i1 {}, double {}, double {}",
    "sqrt": "call double @llvm.sqrt.f64(double {})",
}
_OF_ONE_NUMBER = (
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "ceil", "cos", "cosh", "erf", "erfc", "exp", "exp2"),
    *("expm1", "fabs", "floor", "lgamma", "log", "log10", "log1p", "log2", "logb", "nearbyint", "rint", "round", "sin"),
    *("sinh", "tan", "tanh", "tgamma", "trunc"),
)
_OF_TWO = ("atan2", "copysign", "fdim", "fmax", "fmin", "fmod", "hypot", "nextafter", "pow", "remainder")
_MATH_H = {**dict.fromkeys(_OF_ONE_NUMBER, 1), **dict.fromkeys(_OF_TWO, 2)}
"""The numbers of operands of the C library's functions."""

BINARY = {row: row.machine for row in TABLE.values() if row.machine in _ARITHMETIC}
"""The most frequent instructions: those with two operands."""

_CODES = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
CONDITIONS = {COMPARISONS[symbol]: code for symbol, code in _CODES.items()}
DECLARATIONS = "declare double @llvm.sqrt.f64(double)"


class UnwritableError(Exception):
    """A rule cannot be expressed by primitives that machine code supports."""


def literal(x: float) -> str:
    """Return a constant in LLVM's exact notation, by its bits.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.pack('>d', x).hex().upper()}"


@functools.lru_cache(maxsize=1024)
def instruction(primitive: Primitive) -> str | None:
    """Return the instruction that a row of the table names, as a template for its operands; None if it names none.

    It is also None if this computer's C library lacks a function of math.h.

    Raises:
        ValueError: if it names neither an instruction nor a function of math.h.
    """
    name = primitive.machine
    if not isinstance(name, str):
        return None
    if name in _INSTRUCTIONS:
        return _INSTRUCTIONS[name]
    if name not in _MATH_H:
        raise ValueError(
            f"primitive {primitive.name!r} names {name!r} as its form for machine code, but math.h has no function of "
            f"that name from numbers to a number"
        )
    library = None if sys.platform == "win32" else ctypes.CDLL(None)  # not supported there
    if not hasattr(library, name):
        return None
    operands = ", ".join(["double {}"] * _MATH_H[name])
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    # An address, since unoptimized code cannot call a name that may be far away in memory.
    return f"call double inttoptr (i64 {address} to ptr)({operands})"


def expansion(primitive: Primitive, count: int) -> ArrayProgram:
    """Return the rule of a primitive without an instruction, as a program of this many arguments.

    Raises:
        UnwritableError: if it cannot be expressed.
    """
    program = _recorded(primitive, count)
    if program is None:
        raise UnwritableError(f"{primitive!r} reads mutable state, or its rule takes only floats")
    return program


def slopes_expansion(primitive: Primitive, count: int) -> ArrayProgram:
    """Return the derivatives of a variadic primitive, as a program of its operands and its value."""
    program = _program(primitive.machine_derivatives, count + 1)
    assert program is not None
    return program


def require_writable(primitive: Primitive, numbers: tuple[str | None, ...]) -> None:
    """Check that a primitive and its derivatives can be written as machine code.

    Args:
        numbers: the texts of operands that are known numbers.

    Raises:
        UnwritableError: if one of them cannot.
    """
    _require(primitive, len(numbers))
    if primitive.name in OURS and TABLE[primitive.name] is primitive:
        return
    rule = recorded(primitive, numbers)
    if rule is None:
        raise UnwritableError(f"the derivative of {primitive!r} takes only floats, or reads mutable state")
    for step, operands in rule.steps:
        _require(step, len(operands))


def _require(primitive: Primitive, count: int) -> None:
    if primitive in CONDITIONS:
        return
    template = instruction(primitive)
    if template is not None:
        if template.count("{}") != count:
            raise ValueError(
                f"primitive {primitive.name!r} has {count} input(s), but its form for machine code, "
                f"{primitive.machine!r}, takes {template.count('{}')}"
            )
        return
    for operation in expansion(primitive, count).operations:
        if operation.kind == "apply":
            _require(operation.attribute.primitive, len(operation.operands))


@functools.lru_cache(maxsize=1024)
def _recorded(primitive: Primitive, count: int) -> ArrayProgram | None:
    if reads_state(primitive):
        return None
    for rule in (primitive.machine, primitive.array, primitive.forward):
        if callable(rule) and (program := _program(rule, count)) is not None:
            return program
    return None


def _program(rule: Callable[..., Any], count: int) -> ArrayProgram | None:
    """Apply a rule to handles; return None if it takes only floats."""
    builder = Builder()
    given = [builder.argument(f"x{k}", 1) for k in range(count)]
    try:
        inspect.signature(rule).bind(*given)
        result = rule(*given)
    except (TypeError, ValueError, AttributeError):
        return None
    results = list(result) if isinstance(result, tuple) else [result]
    if not all(isinstance(x, Handle) for x in results):
        return None
    return builder.program(results)


def replayed(
    program: ArrayProgram,
    operands: Iterable[str],
    constant: Callable[[float], str],
    apply: Callable[[Primitive, Sequence[str]], str],
) -> list[str]:
    """Write a rule recorded as a program; return its results.

    Args:
        constant: writes a constant.
        apply: writes the application of a primitive to operands.
    """
    given = iter(operands)
    values: list[str] = []
    for kind, places, attribute, _, _ in program.operations:
        if kind == "argument":
            values.append(next(given))
        elif kind == "constant":
            values.append(constant(attribute))
        else:
            values.append(apply(attribute.primitive, [values[k] for k in places]))
    return [values[at] for at in program.outputs]
