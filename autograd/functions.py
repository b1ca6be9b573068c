"""Functions of several numbers: sums, weighted sums, extremes, choices. Each makes one node with many parents.

They accept Values and plain numbers, mixed; for plain numbers alone they return a plain number.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterable
from typing import overload

from autograd import primitives, recording
from autograd.derivatives import slopes
from autograd.operands import as_float
from autograd.table import Operand
from autograd.value import Constant, Value, _node


@overload
def sum(values: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def sum(values: Iterable[Value | float]) -> Value: ...
def sum(values: Iterable[Value | float]) -> Value | float:
    """The sum of the values as one node; the built-in sum makes a node for each term.

    >>> sum([Value(1.0), 2.0, Value(3.0)])
    Value(data=6.0, grad=0.0, op='sum')
    """
    return primitives.sum_(*values)


@overload
def dot(xs: Iterable[float], ys: Iterable[float], bias: float = 0.0) -> float: ...  # type: ignore[overload-overlap]
@overload
def dot(xs: Iterable[Value | float], ys: Iterable[Value | float], bias: Value | float = 0.0) -> Value: ...
def dot(xs: Iterable[Value | float], ys: Iterable[Value | float], bias: Value | float = 0.0) -> Value | float:
    """bias + x₁y₁ + ... + xₙyₙ as one node with 2n + 1 parents: the weighted sum z of a neuron.

    Args:
        xs, ys: sequences of the same length; empty ones give the bias.
        bias: a number to add.

    Raises:
        ValueError: if the lengths differ.

    >>> z = dot([Value(1.0), Value(2.0)], [3.0, 4.0], bias=0.5)
    >>> z.data, z.local_derivatives
    (11.5, (3.0, 4.0, 1.0, 2.0, 1.0))
    """
    xs = xs if isinstance(xs, (list, tuple)) else tuple(xs)
    ys = ys if isinstance(ys, (list, tuple)) else tuple(ys)
    if len(xs) != len(ys):
        raise ValueError(f"dot expects two sequences of the same length, got {len(xs)} and {len(ys)} numbers")
    n = len(xs)
    parents: tuple[Value | float, ...] = (*xs, *ys, Constant(bias) if n and type(bias) is float else bias)
    try:  # the common case, only Values, skips all checks: neurons are hot
        numbers = [parent.data for parent in parents]  # type: ignore[union-attr]
        x_numbers, y_numbers = numbers[:n], numbers[n:-1]
        z = builtins.sum(map(operator.mul, x_numbers, y_numbers), numbers[-1])
    except (AttributeError, TypeError):
        z = None
    if type(z) is not float:
        return primitives.dot(*xs, *ys, bias)
    return _node(z, parents, (*y_numbers, *x_numbers, 1.0), primitives.dot)  # type: ignore[arg-type]


@overload
def mean(values: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def mean(values: Iterable[Value | float]) -> Value: ...
def mean(values: Iterable[Value | float]) -> Value | float:
    """The arithmetic mean of the values as one node; its derivative to each of n values is 1/n.

    Raises:
        ValueError: if there is no value.

    >>> m = mean([Value(1.0), 2.0, Value(6.0), Value(7.0)])
    >>> m.data, m.local_derivatives
    (4.0, (0.25, 0.25, 0.25, 0.25))
    """
    return primitives.mean_(*_at_least_one(values, "mean"))


@overload
def prod(values: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def prod(values: Iterable[Value | float]) -> Value: ...
def prod(values: Iterable[Value | float]) -> Value | float:
    """The product of the values as one node; its derivative to each value is the product of the others.

    This holds for values of 0 too, since there is no division. The product of no values is 1.

    >>> p = prod([Value(2.0), Value(0.0), 5.0])
    >>> p.data, p.local_derivatives
    (0.0, (0.0, 10.0, 0.0))
    """
    return primitives.prod_(*values)


@overload
def max(values: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def max(values: Iterable[Value | float]) -> Value: ...
def max(values: Iterable[Value | float]) -> Value | float:
    """The largest of the values as one node; values tied for the largest share the derivative equally.

    nan among the values gives nan.

    Raises:
        ValueError: if there is no value.

    >>> a, b, c = Value(1.0), Value(3.0), Value(3.0)
    >>> max([a, b, c])
    Value(data=3.0, grad=0.0, op='max')
    >>> max([a, b, c]).local_derivatives
    (0.0, 0.5, 0.5)
    """
    return primitives.max_(*_at_least_one(values, "max"))


@overload
def min(values: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def min(values: Iterable[Value | float]) -> Value: ...
def min(values: Iterable[Value | float]) -> Value | float:
    """The smallest of the values as one node; values tied for the smallest share the derivative equally.

    nan among the values gives nan.

    Raises:
        ValueError: if there is no value.

    >>> min([Value(1.0), 3.0, Value(2.0)])
    Value(data=1.0, grad=0.0, op='min')
    """
    return primitives.min_(*_at_least_one(values, "min"))


def _at_least_one(values: Iterable[Value | float], function: str) -> tuple[Value | float, ...]:
    if isinstance(values, Value) or not hasattr(values, "__iter__"):
        of_two = {"max": "maximum(a, b)", "min": "minimum(a, b)"}.get(function, f"{function}([a, b])")
        raise TypeError(f"{function} expects one list of numbers, got {values!r}; for two numbers write {of_two}")
    values = tuple(values)
    if not values:
        raise ValueError(f"{function} expects at least one number, got none: add a default for an empty list")
    return values


@overload
def logsumexp(values: Iterable[float]) -> float: ...  # type: ignore[overload-overlap]
@overload
def logsumexp(values: Iterable[Value | float]) -> Value: ...
def logsumexp(values: Iterable[Value | float]) -> Value | float:
    """log(exp(x₁) + ... + exp(xₙ)) as one node, without overflow; its local derivatives are the softmax.

    Raises:
        ValueError: if there is no value.
    """
    return primitives.logsumexp(*_at_least_one(values, "logsumexp"))


@overload
def softmax(values: Iterable[float]) -> list[float]: ...  # type: ignore[overload-overlap]
@overload
def softmax(values: Iterable[Value | float]) -> list[Value]: ...
def softmax(values: Iterable[Value | float]) -> list[Value] | list[float]:
    """exp(xᵢ) / Σ exp(xⱼ) for each i: positive numbers whose sum is 1.

    The largest value is subtracted first, so that neither a large offset nor a wide spread loses digits.

    >>> [f"{p:.2f}" for p in softmax([Value(0.0), Value(1000.0)])]
    ['0.00', '1.00']
    """
    numbers = [x if isinstance(x, Value) else as_float(x) for x in _at_least_one(values, "softmax")]
    if recording.ever_traced and recording.tracer.get() is not None:
        return slopes.traced_softmax(numbers)
    shares = slopes.softmax(numbers)
    return [x if isinstance(x, Value) else Constant(x) for x in shares] if any(map(_is_value, numbers)) else shares


def _is_value(x: object) -> bool:
    return isinstance(x, Value)


@overload
def where(condition: bool, a: float, b: float) -> float: ...  # type: ignore[overload-overlap]
@overload
def where(condition: bool, a: Value | float, b: Value | float) -> Value: ...
def where(condition: bool, a: Value | float, b: Value | float) -> Value | float:
    """`a` if the condition holds, else `b`; the gradient goes to the selected one.

    Both are computed before `where` is called, so both must have a value. The condition is a bool, such as a comparison
    of Values returns; it becomes the node's first parent.

    >>> x = Value(-2.0)
    >>> where(x > 0, x, 0.1 * x).data
    -0.2
    """
    if recording.ever_traced and isinstance(condition, Value):
        traced = recording.compared("!=", condition, 0.0)
        condition = bool(condition) if traced is None else traced
        return primitives.where(condition, a, b)
    if isinstance(condition, Operand) and not isinstance(condition, Value):  # the compiler's operand, in a rule
        return primitives.where(condition, a, b)
    return primitives.where(bool(condition), a, b)
