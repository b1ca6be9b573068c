"""Reading the numbers of Values, each of which anybody may have assigned anything to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from autograd.table import Operand

__all__ = ["gradients_of", "number_of", "numbers_of"]

if TYPE_CHECKING:
    from autograd.value import Value


def number_of(value: Value) -> float:
    """The number of a Value, as a float.

    `data` is a plain attribute, so that an update of many of them cannot be cut in the middle by a check; what was put
    there is checked when it is used.

    Raises:
        TypeError: if something else than a float or an int was assigned to `data`.
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
            f"and makes another. Write `{name}.data -= 0.1 * {name}.grad`, which computes with the numbers"
        )
    raise TypeError(
        f"{name}.data must be a float, got {data!r:.200} of type {type(data).__name__}, whose arithmetic is another. "
        f"Write `{name}.data = float(x)`"
    )


def numbers_of(values: Iterable[Value]) -> list[float]:
    """The number of each Value, as floats and ints. Raises as `number_of` does."""
    values = list(values)
    numbers = [value.data for value in values]
    try:
        if type(sum(numbers, 0.0)) is float:  # of floats and ints alone; three times as fast as a look at each type
            return numbers
    except (ArithmeticError, TypeError):
        pass
    return list(map(number_of, values))


def gradients_of(values: Iterable[Value]) -> list[float]:
    """The gradient of each Value; None, to which PyTorch's users clear it, is 0."""
    return [0.0 if (gradient := value.grad) is None else gradient for value in values]
