"""The table of primitives that are instructions of LLVM, or calls of the C library; and rules for those that branch.

All arithmetic is that of IEEE 754 in double precision. No name comes from users: registers are numbers, and functions
those of the C library, called by their addresses.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import math
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

from autograd import primitives
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.rules import recorded
from autograd.compiler.scalars import idioms
from autograd.compiler.trace.rule_state import reads_state
from autograd.compiler.trace.tracing import COMPARISONS
from autograd.primitives import TABLE, Primitive, exp, log1p, maximum, minimum, where
from autograd.table import OURS

_C_NAMES = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "cbrt", "hypot", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "pow"),
)


def _c_functions() -> Iterator[tuple[Primitive, str]]:
    """The primitives that the C library has, as calls of its functions."""
    if sys.platform == "win32":  # where they are found in another way
        return
    library = ctypes.CDLL(None)
    for name in _C_NAMES:
        if hasattr(library, name):
            operands = ", ".join(["double {}"] * (2 if name in ("hypot", "atan2", "pow") else 1))
            address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
            # An address, since LLVM's quick way of making code cannot call a name that may be far away in memory.
            yield TABLE["power" if name == "pow" else name], f"call double inttoptr (i64 {address} to ptr)({operands})"


BINARY = {primitives.add: "fadd", primitives.sub: "fsub", primitives.mul: "fmul", primitives.div: "fdiv"}
CALLS = {
    primitives.neg: "fneg double {}",
    primitives.sqrt: "call double @llvm.sqrt.f64(double {})",
    **dict(_c_functions()),
}
_CODES = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
CONDITIONS = {COMPARISONS[symbol]: code for symbol, code in _CODES.items()}
UNCHANGED = frozenset({primitives.identity, primitives.detached})
DECLARATIONS = "declare double @llvm.sqrt.f64(double)"

_NATIVE = frozenset({*BINARY, *CALLS, *CONDITIONS, *UNCHANGED, where, primitives.constant_power})


class UnwritableError(Exception):
    """A rule is no expression of primitives that machine code has."""


def literal(x: float) -> str:
    """Return a constant as LLVM reads it exactly: by its bits.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.pack('>d', x).hex().upper()}"


def expansion(primitive: Primitive, count: int) -> ArrayProgram:
    """Return the rule of a primitive that is no instruction, as a program of so many arguments.

    Raises:
        UnwritableError: where it is none.
    """
    program = _recorded(primitive, count)
    if program is None:
        raise UnwritableError(f"{primitive!r} reads a state, or is computed by what takes floats alone")
    return program


def slopes_expansion(primitive: Primitive, count: int) -> ArrayProgram:
    """Return the derivatives of a primitive of many operands, as a program of these and of its value."""
    program = _program(_softmax if primitive is primitives.logsumexp else primitive.compiled_derivatives, count + 1)
    assert program is not None
    return program


def require_writable(primitive: Primitive, numbers: tuple[str | None, ...]) -> None:
    """Check that a primitive and its derivatives can be written.

    Args:
        numbers: its operands that are known numbers, as texts.

    Raises:
        UnwritableError: where one of them cannot.
    """
    _require(primitive, len(numbers))
    if primitive.name in OURS and TABLE[primitive.name] is primitive:
        return
    rule = recorded(primitive, numbers)
    if rule is None:
        raise UnwritableError(f"the derivative of {primitive!r} takes floats alone, or reads a state")
    for step, operands in rule.steps:
        _require(step, len(operands))


def _require(primitive: Primitive, count: int) -> None:
    if primitive in _NATIVE:
        return
    for operation in expansion(primitive, count).operations:
        if operation.kind == "apply":
            _require(operation.attribute.primitive, len(operation.operands))


@functools.lru_cache(maxsize=1024)
def _recorded(primitive: Primitive, count: int) -> ArrayProgram | None:
    if primitive in _RULES:
        return _program(_RULES[primitive], count)
    if reads_state(primitive):
        return None
    for rule in (primitive.array, primitive.forward):
        if rule is not None and (program := _program(rule, count)) is not None:
            return program
    return None


def _program(rule: Callable[..., Any], count: int) -> ArrayProgram | None:
    """Return what a rule makes of handles; None where it takes floats alone."""
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


def _logsumexp(*xs: Any) -> Any:
    """The largest of the numbers, and the others, each less than 1 time as large: what remains accurate beside it."""
    largest, others = xs[0], []
    for x in xs[1:]:
        others.append(minimum(largest, x))
        largest = maximum(largest, x)
    shift = where(abs(largest) < math.inf, largest, 0.0)
    return largest + log1p(sum((exp(x - shift) for x in others), 0.0)) if others else largest


def _sigmoid(x: Any) -> Any:
    e = exp(-abs(x))  # exp(-x) would overflow for a large negative x
    return where(x >= 0, 1.0, e) / (1 + e)


def _softmax(*xs_out: Any) -> tuple[Any, ...]:
    """0 where all numbers are -inf, and nan where several are inf."""
    *xs, out = xs_out
    largest = functools.reduce(maximum, xs)
    exponentials = [exp(where(x == largest, 0.0, x - largest)) for x in xs]
    total = sum(exponentials[1:], exponentials[0])
    total = where(largest < math.inf, total, where(total == 1.0, 1.0, math.nan))
    return tuple(where(out == -math.inf, 0.0, e / total) for e in exponentials)


_RULES: dict[Primitive, Callable[..., Any]] = {
    primitives.absolute: lambda x: where(x > 0, x, primitives.sub(0.0, x)),
    maximum: lambda a, b: where(a > b, a, where(a != a, a, b)),
    minimum: lambda a, b: where(a < b, a, where(a != a, a, b)),
    primitives.logsumexp: _logsumexp,
    primitives.max_: lambda *xs: functools.reduce(maximum, xs),
    primitives.min_: lambda *xs: functools.reduce(minimum, xs),
    primitives.sigmoid: _sigmoid,
    idioms.SIGMOID: _sigmoid,
    idioms.TANH: primitives.tanh,
}
"""Forward rules that branch in the table, as expressions; and |x|, which LLVM's quick way does not know."""
