"""Read the numbers of Values, checking that they are numbers: users may assign anything to `data`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autograd.table import Operand

__all__ = ["gradients_of", "number_of", "numbers_of"]

if TYPE_CHECKING:
    from autograd.value import Value


def number_of(value: Value) -> float:
    """Return the number of a Value as a float.

    `data` is a plain attribute, so that a check cannot abort an update of many Values halfway; it is checked when it is
    read.

    Raises:
        TypeError: if anything but a float or an int was assigned to `data`.
    """
    data: Any = value.data
    if type(data) is float:
        return data
    if isinstance(data, (float, int)):
        return float(data)
    name = value.label if value.label.isidentifier() else "v"
    if isinstance(data, Operand):
        raise TypeError(
            f"{name}.data is a Value, not a number: `{name}.data = {name} - 0.1 * {name}.grad` computes with the node "
            f"and makes a new one. Write `{name}.data -= 0.1 * {name}.grad`, which computes with the numbers"
        )
    raise TypeError(
        f"{name}.data must be a float, got {data!r:.200} of type {type(data).__name__}, whose arithmetic differs. "
        f"Write `{name}.data = float(x)`"
    )


def numbers_of(values: Iterable[Value]) -> list[float]:
    """Return the number of each Value, as floats and ints. Raises as `number_of` does."""
    values = list(values)
    numbers = [value.data for value in values]
    try:
        if type(sum(numbers, 0.0)) is float:  # only floats and ints; three times as fast as checking each type
            return numbers
    except (ArithmeticError, TypeError):
        pass
    return list(map(number_of, values))


def gradients_of(values: Iterable[Value]) -> list[float]:
    """Return the gradient of each Value; None, which PyTorch users assign to clear it, counts as 0."""
    return [0.0 if (gradient := value.grad) is None else gradient for value in values]
