"""Plain numbers as operands: conversion to floats, and their names in errors."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, cast

from autograd.reading import number_of
from autograd.table import Operand

if TYPE_CHECKING:
    from autograd.table import Primitive
    from autograd.value import Value


def as_float(number: Any) -> float:
    """Convert a real number to a float: Python's or NumPy's, or an array or tensor of one element.

    Raises:
        TypeError: for anything else, including a Value.
    """
    if isinstance(number, (float, int, Real)):
        return float(number)
    if (element := only_element(number)) is not None:
        return float(element)
    has_several = isinstance(number, (list, tuple)) or getattr(number, "ndim", None)
    remedy = ": a Value is one number; for several, make a list of Values" if has_several else ""
    raise TypeError(f"expected a real number, got {number!r} of type {type(number).__name__}{remedy}")


def only_element(number: Any) -> float | None:
    """Return the real number in an array or a tensor of one element; None for anything else."""
    if not hasattr(number, "ndim") or not callable(getattr(number, "item", None)):
        return None
    count = number.numel() if callable(getattr(number, "numel", None)) else getattr(number, "size", None)
    if count != 1 or getattr(getattr(number, "dtype", None), "kind", "f") not in "biuf":
        return None
    element = number.item()
    return float(element) if isinstance(element, (float, int, Real)) else None


def beyond_table(index: object, length: int) -> str:
    """Describe, for an error message, an index that is out of a table's range."""
    text = f"{index}, which is not in a table of {length}, whose entries are counted from 0"
    if index != -1:
        return text
    return text + (
        ". To pad a shorter sequence, look up any entry, such as the one at 0, and exclude its position from the loss: "
        "in nn.fit by a target of -1, in your own loss by autograd.where"
    )


def compared_number(other: Any) -> float:
    """Return the operand of a comparison: a number as Python's float, so that the result is a bool; else unchanged."""
    if isinstance(other, Operand):
        return number_of(other)  # type: ignore[arg-type]  # a Value; this is hot, and `cast` would be a call
    return float(other) if isinstance(other, (float, Real)) and not isinstance(other, int) else cast(float, other)


def undefined(primitive: Primitive, parents: tuple[Value, ...], error: Exception) -> Exception:
    """Rewrite the error of a forward rule to name the operation and its operands."""
    operands = [f"{parent.label} = {parent.data!r}" if parent.label else repr(parent.data) for parent in parents[:4]]
    if len(parents) > 4:
        operands.append(f"and {len(parents) - 4} more")
    if len(parents) == 2 and not primitive.symbol.isidentifier():
        formula = f"({operands[0]}) {primitive.symbol} ({operands[1]})"
    else:
        formula = f"{primitive.symbol}({', '.join(operands)})"
    kinds = (ZeroDivisionError, OverflowError, ArithmeticError, ValueError)
    kind = next(kind for kind in kinds if isinstance(error, kind))
    return kind(f"{formula} has no finite real value: {error}")
