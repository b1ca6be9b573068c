"""Elementary functions of vectors of doubles, in LLVM IR, within 4 units in the last place.

The C library's functions take one number at a time. These are branch-free, so that they process as many lanes as a
register holds, and a lane's result does not depend on the others. exp is reduced to |r| ≤ ln 2 / 2 and expanded in its
power series; log and log1p are reduced to [√½, √2) and expanded in s = f / (2 + f) (Tang, 1990, with the coefficients
of FreeBSD's msun); tanh is a rational function near 0 (Cody & Waite, 1980; Moshier's Cephes) and one of exp elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autograd.compiler.targets.native.writing.code import Code
from autograd.compiler.targets.straight_line.instructions import literal

Named = Callable[[str, int], str]
"""Returns the name of a callable elementary function of vectors of the given length."""

_SHIFT = 6755399441055744.0  # 1.5 × 2^52: adding it rounds a number to an integer, in the last bits
_SHIFT_BITS = 0x4338000000000000
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_EXP_SERIES = [1 / math.factorial(k) for k in range(2, 14)]
_LOG_EVEN = [3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01]
_LOG_ODD = [6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01]
_SQRT_HALF_BITS = 0x3FE6A09E00000000
_TANH_ABOVE = [-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1]
_TANH_BELOW = [4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0]


class _Body:
    """The body of a function of one vector.

    Args:
        width: the length of the vector.
        named: returns the names of other functions.
    """

    def __init__(self, width: int, named: Named) -> None:
        self.code, self._width, self._named = Code(), width, named
        self.doubles = "double" if width == 1 else f"<{width} x double>"
        self._integers = "i64" if width == 1 else f"<{width} x i64>"
        self._bits = "i1" if width == 1 else f"<{width} x i1>"

    def _repeated(self, kind: str, text: str) -> str:
        return text if self._width == 1 else f"<{', '.join([f'{kind} {text}'] * self._width)}>"

    def _number(self, x: str | float) -> str:
        return x if isinstance(x, str) else self._repeated("double", literal(x))

    def _integer(self, x: str | int) -> str:
        return x if isinstance(x, str) else self._repeated("i64", str(x))

    def do(self, opcode: str, a: str | float, b: str | float) -> str:
        """Add an fadd, fsub, fmul or fdiv of two numbers."""
        return self.code.value(f"{opcode} {self.doubles} {self._number(a)}, {self._number(b)}")

    def integer_operation(self, opcode: str, a: str | int, b: str | int) -> str:
        """Add an operation on two integers."""
        return self.code.value(f"{opcode} {self._integers} {self._integer(a)}, {self._integer(b)}")

    def bits(self, x: str) -> str:
        """Return the bits of a number as an integer."""
        return self.code.value(f"bitcast {self.doubles} {x} to {self._integers}")

    def of_bits(self, x: str) -> str:
        """Return the number that has these bits."""
        return self.code.value(f"bitcast {self._integers} {x} to {self.doubles}")

    def where(self, code: str, a: str, b: float, then: str | float, otherwise: str | float) -> str:
        """Select one of two numbers by a comparison."""
        bit = self.code.value(f"fcmp {code} {self.doubles} {a}, {self._number(b)}")
        operands = ", ".join(f"{self.doubles} {self._number(x)}" for x in (then, otherwise))
        return self.code.value(f"select {self._bits} {bit}, {operands}")

    def polynomial(self, coefficients: Sequence[float], x: str) -> str:
        """Evaluate a polynomial, constant coefficient first, by Horner's rule."""
        result: str | float = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            result = self.do("fadd", self.do("fmul", result, x), coefficient)
        return str(result)

    def call(self, name: str, x: str) -> str:
        """Call another elementary function."""
        return self.code.value(f"call {self.doubles} @{self._named(name, self._width)}({self.doubles} {x})")


def _exp(f: _Body, x: str) -> str:
    x = f.where("ogt", x, 710.0, 710.0, x)
    x = f.where("olt", x, -746.0, -746.0, x)
    shifted = f.do("fadd", f.do("fmul", x, 1 / math.log(2)), _SHIFT)
    k = f.do("fsub", shifted, _SHIFT)
    r = f.do("fsub", f.do("fsub", x, f.do("fmul", k, _LN2_HIGH)), f.do("fmul", k, _LN2_LOW))
    square = f.do("fmul", r, r)
    even, odd = f.polynomial(_EXP_SERIES[::2], square), f.polynomial(_EXP_SERIES[1::2], square)
    series = f.do("fadd", even, f.do("fmul", odd, r))
    result = f.do("fadd", f.do("fadd", f.do("fmul", square, series), r), 1.0)
    power = f.integer_operation("sub", f.bits(shifted), _SHIFT_BITS)
    half = f.integer_operation("ashr", power, 1)
    for part in (
        half,
        f.integer_operation("sub", power, half),
    ):  # in two steps, since 2^1024 and 2^-1074 exceed the exponent range
        result = f.do("fmul", result, f.of_bits(f.integer_operation("shl", f.integer_operation("add", part, 1023), 52)))
    return result


def _log(f: _Body, x: str) -> str:
    normal = f.where("olt", x, 2.0**-1022, f.do("fmul", x, 2.0**54), x)
    lowered = f.where("olt", x, 2.0**-1022, -54.0, 0.0)
    bits = f.bits(normal)
    above = f.integer_operation("sub", bits, _SQRT_HALF_BITS)
    power = f.integer_operation("ashr", above, 52)
    fraction = f.of_bits(f.integer_operation("sub", bits, f.integer_operation("shl", power, 52)))
    k = f.do("fadd", f.do("fsub", f.of_bits(f.integer_operation("add", power, _SHIFT_BITS)), _SHIFT), lowered)
    r = f.do("fsub", fraction, 1.0)
    s = f.do("fdiv", r, f.do("fadd", r, 2.0))
    square = f.do("fmul", s, s)
    fourth = f.do("fmul", square, square)
    even = f.do("fmul", fourth, f.polynomial(_LOG_EVEN, fourth))
    odd = f.do("fmul", square, f.polynomial(_LOG_ODD, fourth))
    half = f.do("fmul", f.do("fmul", r, 0.5), r)
    small = f.do("fmul", s, f.do("fadd", half, f.do("fadd", even, odd)))
    small = f.do("fadd", small, f.do("fmul", k, _LN2_LOW))
    rest = f.do("fsub", f.do("fsub", half, small), r)
    result = f.do("fsub", f.do("fmul", k, _LN2_HIGH), rest)
    result = f.where("oeq", x, math.inf, x, result)
    result = f.where("oeq", x, 0.0, -math.inf, result)
    return f.where("ult", x, 0.0, math.nan, result)  # "ult" is also true for nan


def _log1p(f: _Body, x: str) -> str:
    y = f.do("fadd", x, 1.0)
    logarithm = f.call("log", y)
    lost = f.do("fsub", x, f.do("fsub", y, 1.0))  # the part of x that the sum rounded away
    result = f.do("fadd", logarithm, f.do("fdiv", lost, y))
    result = f.where("oeq", y, math.inf, logarithm, result)
    result = f.where("oeq", y, 0.0, logarithm, result)
    return f.where("oeq", x, 0.0, x, result)


def _tanh(f: _Body, x: str) -> str:
    size = f.of_bits(f.integer_operation("and", f.bits(x), 2**63 - 1))
    square = f.do("fmul", x, x)
    ratio = f.do("fdiv", f.polynomial(_TANH_ABOVE, square), f.polynomial(_TANH_BELOW, square))
    near = f.do("fadd", x, f.do("fmul", x, f.do("fmul", square, ratio)))
    near = f.where("oeq", x, 0.0, x, near)
    e = f.call("exp", f.do("fadd", size, size))
    far = f.do("fsub", 1.0, f.do("fdiv", 2.0, f.do("fadd", e, 1.0)))
    sign = f.integer_operation("and", f.bits(x), -(2**63))
    return f.where("olt", size, 0.625, near, f.of_bits(f.integer_operation("or", f.bits(far), sign)))


FUNCTIONS: dict[str, Callable[[_Body, str], str]] = {"exp": _exp, "log": _log, "log1p": _log1p, "tanh": _tanh}
"""By the machine form that rows of the derivative table name."""


def definition(name: str, width: int, named: Named) -> str:
    """Return the definition of an elementary function of vectors.

    Args:
        name: one of `FUNCTIONS`.
        width: the length of the vectors.
        named: returns the names of others that it calls.
    """
    body = _Body(width, named)
    result = FUNCTIONS[name](body, "%x")
    head = f"define internal {body.doubles} @{name}.{width}({body.doubles} %x) noinline nounwind memory(none) {{"
    return "\n".join([head, "entry:", *body.code.lines, f"ret {body.doubles} {result}", "}"])
