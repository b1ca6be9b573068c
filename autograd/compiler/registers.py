"""Registers: what the derivative table's rules are fed with to give instructions of LLVM, as symbols give source.

All arithmetic is that of IEEE 754 in double precision. No name comes from users: registers are numbers, and functions
those of the C library.
"""

from __future__ import annotations

import ctypes
import math
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple, Never

from autograd import primitives
from autograd.compiler.scalars import idioms
from autograd.compiler.symbols import own_expression
from autograd.compiler.trace.rule_state import reads_state
from autograd.compiler.trace.tracing import COMPARISONS
from autograd.primitives import TABLE, Primitive, exp, log1p, maximum, minimum, where
from autograd.table import Operand

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


_CONDITIONS = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}
_FORMS = {
    primitives.add: "fadd double {}, {}",
    primitives.sub: "fsub double {}, {}",
    primitives.mul: "fmul double {}, {}",
    primitives.div: "fdiv double {}, {}",
    primitives.neg: "fneg double {}",
    primitives.sqrt: "call double @llvm.sqrt.f64(double {})",
    **{COMPARISONS[symbol]: f"fcmp {condition} double {{}}, {{}}" for symbol, condition in _CONDITIONS.items()},
    **dict(_c_functions()),
}
DECLARATIONS = "declare double @llvm.sqrt.f64(double)"


class UnwritableError(Exception):
    """A rule is no expression that registers go through."""


class Template(NamedTuple):
    """Instructions with {0}, {1}, ... for what a rule is given, and after that for the numbers of their own registers.

    Attributes:
        text: the instructions, a line each.
        used: which of the given they refer to.
        size: how many they are.
        results: what they compute, as fields or as numbers.
    """

    text: str
    used: list[int]
    size: int
    results: list[str | float]


class Recording:
    """The instructions that rules have led to, each once; their numbers begin after those of what the rules are given.

    Attributes:
        given: what to feed rules with.
        exact: whether the rule is one that computes a value, in which no operation is left out.
    """

    def __init__(self, given: int) -> None:
        self.exact = False
        self.given = [Register(self, at) for at in range(given)]
        self._instructions: dict[tuple[str, tuple[int | str, ...]], int] = {}

    def add(self, form: str, *operands: int | str) -> int:
        """An instruction's number; operands are such numbers, or constants as texts."""
        return self._instructions.setdefault((form, operands), len(self.given) + len(self._instructions))

    def template(self, results: Sequence[Any]) -> Template:
        """What some results need, and nothing else."""
        found = [operand(x) if isinstance(x, Register) else float(x) for x in results]
        wanted = {x for x in found if isinstance(x, int)}
        kept = []
        for (form, operands), at in reversed(self._instructions.items()):
            if at in wanted:
                kept.append((form, operands, at))
                wanted.update(x for x in operands if isinstance(x, int))
        fields: dict[Any, str] = {register.at: f"{{{register.at}}}" for register in self.given}
        for _, _, at in reversed(kept):
            fields[at] = f"%{{{len(fields)}}}"
        lines = [
            f"{fields[at]} = {form.format(*[fields.get(x, x) for x in operands])}"
            for form, operands, at in reversed(kept)
        ]
        used = [register.at for register in self.given if register.at in wanted]
        return Template("\n".join(lines), used, len(lines), [fields[x] if isinstance(x, int) else x for x in found])


class Register(Operand):
    """A number that is given, or that an instruction of a recording computes.

    Attributes:
        recording: where its instruction is written down.
        at: which one that is.
    """

    __slots__ = ("at", "recording")

    __array_ufunc__ = None  # so that NumPy's functions refuse it

    def __init__(self, recording: Recording, at: int) -> None:
        self.recording, self.at = recording, at

    def apply(self, primitive: Primitive, inputs: tuple[Any, ...]) -> Any:
        """A primitive of registers and numbers, as instructions."""
        if primitive in _FORMS:
            kind = Condition if primitive.symbol in COMPARISONS else Register
            return kind(self.recording, self.recording.add(_FORMS[primitive], *map(operand, inputs)))
        if primitive is where:
            return self._chosen(*inputs)
        if primitive is primitives.constant_power:
            return _power(*inputs)
        if primitive in _RULES:
            return _RULES[primitive](*inputs)
        if reads_state(primitive):
            raise UnwritableError(f"{primitive!r} reads a state")
        outer, self.recording.exact = self.recording.exact, True
        found = own_expression(primitive, lambda rule: inputs, Register)
        self.recording.exact = outer
        if found is None:
            raise UnwritableError(f"{primitive!r} is computed by what takes floats alone")
        return found[1]

    def _chosen(self, condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(condition, Register):
            return a if condition else b
        if not isinstance(condition, Condition):
            condition = condition != 0.0
        form = "select i1 {}, double {}, double {}"
        return Register(self.recording, self.recording.add(form, condition.at, operand(a), operand(b)))

    def _drops(self, other: Any, number: float) -> bool:
        return not self.recording.exact and _is(other, number)

    def __add__(self, other: Any) -> Any:
        return self if self._drops(other, 0.0) else self.apply(primitives.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return self if self._drops(other, 0.0) else self.apply(primitives.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        return self if self._drops(other, 0.0) else self.apply(primitives.sub, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return -self if self._drops(other, 0.0) else self.apply(primitives.sub, (other, self))

    def __mul__(self, other: Any) -> Any:
        if self._drops(other, 0.0):
            return 0.0
        if _is(other, 1.0):
            return self
        return -self if _is(other, -1.0) else self.apply(primitives.mul, (self, other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1.0) else self.apply(primitives.div, (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return self.apply(primitives.div, (other, self))

    def __pow__(self, exponent: Any) -> Any:
        return _power(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return self.apply(primitives.power, (base, self))

    def __neg__(self) -> Any:
        return self.apply(primitives.neg, (self,))

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.apply(primitives.absolute, (self,))

    def __lt__(self, other: Any) -> Any:
        return self.apply(COMPARISONS["<"], (self, other))

    def __le__(self, other: Any) -> Any:
        return self.apply(COMPARISONS["<="], (self, other))

    def __gt__(self, other: Any) -> Any:
        return self.apply(COMPARISONS[">"], (self, other))

    def __ge__(self, other: Any) -> Any:
        return self.apply(COMPARISONS[">="], (self, other))

    def __eq__(self, other: object) -> Any:
        return self.apply(COMPARISONS["=="], (self, other))

    def __ne__(self, other: object) -> Any:
        return self.apply(COMPARISONS["!="], (self, other))

    __hash__ = object.__hash__

    def __bool__(self) -> Never:
        raise TypeError("a rule of the derivative table branches on a number that is not known at compile time")

    def __float__(self) -> Never:
        raise TypeError("a rule of the derivative table takes the float of a number that is not known at compile time")


class Condition(Register):
    """What a comparison gives: to choose by, or a number, 1.0 or 0.0."""

    __slots__ = ()


def operand(x: Any) -> int | str:
    """A register's number, or a constant's text; a condition is made a number first."""
    if isinstance(x, Condition):
        return x.recording.add("select i1 {}, double 1.0, double 0.0", x.at)
    return x.at if isinstance(x, Register) else literal(float(x))


def literal(x: float) -> str:
    """A constant as LLVM reads it exactly: by its bits."""
    return f"0x{struct.pack('>d', x).hex().upper()}"


def _is(x: Any, value: float) -> bool:
    return isinstance(x, (int, float)) and x == value


def _power(x: Any, exponent: Any) -> Any:
    """The powers that formulas are full of as products, which are far quicker; the others by the C library."""
    if _is(exponent, 0.0):
        return 1.0
    if _is(exponent, 1.0):
        return x
    if _is(exponent, 2.0):
        return x * x
    if _is(exponent, 3.0):
        return x * x * x
    return x.apply(primitives.power, (x, exponent))


def _logsumexp(*xs: Any) -> Any:
    """The largest of the numbers, and the others, each less than 1 time as large: what remains accurate beside it."""
    largest, others = xs[0], []
    for x in xs[1:]:
        others.append(minimum(largest, x))
        largest = maximum(largest, x)
    shift = where(abs(largest) < float("inf"), largest, 0.0)
    return largest + log1p(sum((exp(x - shift) for x in others), 0.0)) if others else largest


def _sigmoid(x: Any) -> Any:
    e = exp(-abs(x))  # exp(-x) would overflow for a large negative x
    return where(x >= 0, 1.0, e) / (1 + e)


def _softmax(*xs_out: Any) -> tuple[Any, ...]:
    """0 where all numbers are -inf, and nan where several are inf."""
    *xs, out = xs_out
    largest = reduce(maximum, xs)
    exponentials = [exp(where(x == largest, 0.0, x - largest)) for x in xs]
    total = sum(exponentials[1:], exponentials[0])
    total = where(largest < math.inf, total, where(total == 1.0, 1.0, math.nan))
    return tuple(where(out == -math.inf, 0.0, e / total) for e in exponentials)


_RULES: dict[Primitive, Callable[..., Any]] = {
    primitives.absolute: lambda x: where(x > 0, x, primitives.sub(0.0, x)),
    maximum: lambda a, b: where(a > b, a, where(a != a, a, b)),
    minimum: lambda a, b: where(a < b, a, where(a != a, a, b)),
    primitives.logsumexp: _logsumexp,
    primitives.max_: lambda *xs: reduce(maximum, xs),
    primitives.min_: lambda *xs: reduce(minimum, xs),
    primitives.sigmoid: _sigmoid,
    idioms.SIGMOID: _sigmoid,
    idioms.TANH: primitives.tanh,
}
"""Forward rules that branch in the table, as expressions; and |x|, which LLVM's quick way does not know."""

SLOPES: dict[Primitive, Callable[..., tuple[Any, ...]]] = {primitives.logsumexp: _softmax}
"""Rules for local derivatives where the table's branch."""
