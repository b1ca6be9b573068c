"""Methods of Value that follow one pattern: functions of the table, and comparisons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd import primitives, recording
from autograd.operands import compared_number
from autograd.primitives import Primitive
from autograd.reading import number_of


def comparison(symbol: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a method that compares the numbers of two Values, or of a Value with a number.

    While a function is traced, the comparison becomes a node of the graph.

    Args:
        symbol: the comparison's symbol, such as "<".
        compare: compares two numbers.
    """

    def method(self: Any, other: Any) -> bool:
        if recording.ever_traced and (condition := recording.compared(symbol, self, other)) is not None:
            return condition  # type: ignore[no-any-return]
        return compare(number_of(self), compared_number(other))

    method.__name__ = f"__{compare.__name__}__"
    return method


class Functions:
    """The table's unary functions as methods: `v.exp()` is `autograd.exp(v)`."""

    __slots__ = ()

    exp: Primitive = primitives.exp
    expm1: Primitive = primitives.expm1
    log: Primitive = primitives.log
    log1p: Primitive = primitives.log1p
    log2: Primitive = primitives.log2
    log10: Primitive = primitives.log10
    sqrt: Primitive = primitives.sqrt
    cbrt: Primitive = primitives.cbrt
    sin: Primitive = primitives.sin
    cos: Primitive = primitives.cos
    tan: Primitive = primitives.tan
    asin: Primitive = primitives.asin
    acos: Primitive = primitives.acos
    atan: Primitive = primitives.atan
    sinh: Primitive = primitives.sinh
    cosh: Primitive = primitives.cosh
    tanh: Primitive = primitives.tanh
    asinh: Primitive = primitives.asinh
    acosh: Primitive = primitives.acosh
    atanh: Primitive = primitives.atanh
    sigmoid: Primitive = primitives.sigmoid
    softplus: Primitive = primitives.softplus
    relu: Primitive = primitives.relu
    erf: Primitive = primitives.erf
    exp2: Primitive = primitives.exp2
    erfc: Primitive = primitives.erfc
    gamma: Primitive = primitives.gamma
    lgamma: Primitive = primitives.lgamma
