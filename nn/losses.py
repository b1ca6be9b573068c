"""Losses of one sample: functions of `(outputs, targets)` that return one number, small if the outputs are right.

`outputs` is a network's result, a list of Values or the single Value of one output neuron; `targets` has one number per
output. If all outputs are plain numbers, so is the loss. A loss is summed over the outputs unless its name says mean.
The cost of many samples is the mean or the sum of their losses (`reduction` in `nn.fit`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import autograd
from autograd import Value
from autograd.arrays import NDArray, np

Number = Value | float
Numbers = Number | Sequence[Number] | NDArray[Any]
Loss = Callable[[Any, Any], Any]


def half_squared_error(outputs: Numbers, targets: Numbers) -> Value:
    """Compute ½ Σ (o − e)², the cost of the textbooks and the 1986 paper; its derivative by an output is o − e.

    >>> half_squared_error([Value(0.5), Value(1.0)], [1.0, 1.0]).data
    0.125
    """
    errors = _errors(outputs, targets, "half_squared_error")
    return 0.5 * autograd.dot(errors, errors)


def mean_squared_error(outputs: Numbers, targets: Numbers) -> Value:
    """Compute (1/n) Σ (o − e)² over n outputs."""
    errors = _errors(outputs, targets, "mean_squared_error")
    return autograd.dot(errors, errors) / len(errors)


def binary_cross_entropy(outputs: Numbers, targets: Numbers) -> Value:
    """Compute −Σ (t ln o + (1 − t) ln(1 − o)) for outputs o that are probabilities, such as those of sigmoid neurons.

    Source: Nielsen, ch. 3, eq. 63.

    Raises:
        ValueError: if it is infinite or undefined: for an output outside 0 to 1, or one of exactly 0 or 1 when the
            target differs. A sigmoid saturates to exactly 1 near z = 37; `binary_cross_entropy_with_logits` has
            no such limit.
    """
    pairs = _pairs(outputs, targets, "binary_cross_entropy")
    try:
        terms = [autograd.xlogy(t, o) + autograd.xlogy(1 - t, 1 - o) for o, t in pairs]
    except ValueError as error:
        raise ValueError(
            f"binary_cross_entropy expects outputs between 0 and 1, and not exactly at the wrong end: {error}. Use "
            "binary_cross_entropy_with_logits and an output layer with activation 'identity'"
        ) from None
    return -autograd.sum(terms)


def binary_cross_entropy_with_logits(outputs: Numbers, targets: Numbers) -> Value:
    """Compute the same for logits z, with σ(z) as probability: Σ t ln(1 + e^−z) + (1 − t) ln(1 + e^z), always finite.

    >>> binary_cross_entropy_with_logits(Value(-1e4), 1.0).data
    10000.0
    """
    pairs = _pairs(outputs, targets, "binary_cross_entropy_with_logits")
    return autograd.sum([t * autograd.softplus(-z) + (1 - t) * autograd.softplus(z) for z, t in pairs])


def cross_entropy(outputs: Numbers, targets: int | Numbers) -> Value:
    """Compute −Σ tₖ ln pₖ for logits z, where p is their softmax.

    Neither a large offset of all logits nor a wide spread loses digits; in a compiled program, and for more than one
    class, a gradient pₖ − tₖ is as exact as that difference of numbers up to 1.

    Args:
        outputs: the logits, two or more.
        targets: the index of the right class, or one probability per class, such as a one-hot row.

    Raises:
        ValueError: for a single output, a class that does not exist, or targets of the wrong length.
        TypeError: if a single target is not an integer.

    >>> round(cross_entropy([Value(1e4), Value(0.0)], 1).data)
    10000
    """
    logits = _as_list(outputs)
    if len(logits) < 2:
        raise ValueError("cross_entropy expects two logits or more; for one use binary_cross_entropy_with_logits")
    if not isinstance(targets, (Sequence, Value)) and np.ndim(targets) == 0:
        return _surprise(logits, _class_index(targets, len(logits)))
    if isinstance(targets, Value):  # an index in a compiled function; elsewhere `take` refuses it
        right, largest = autograd.take(logits, targets), _detached(autograd.max(logits))
        return autograd.logsumexp([z - largest for z in logits]) - (right - largest)
    pairs = _pairs(logits, targets, "cross_entropy")
    numbers = [t for _, t in pairs]
    if not any(isinstance(t, Value) for t in numbers):
        chosen = [(k, t) for k, t in enumerate(numbers) if t != 0]
        if len(chosen) == 1:
            ((k, t),) = chosen
            return _surprise(logits, k) if t == 1 else t * _surprise(logits, k)
        pairs = [(z, t) for z, t in pairs if t != 0]  # a class of probability 0 may have a logit of -inf
    largest = _detached(autograd.max(logits))
    total = autograd.logsumexp([z - largest for z in logits])
    return autograd.dot([t for _, t in pairs], [total - (z - largest) for z, _ in pairs])


def _surprise(logits: list[Number], k: int) -> Value:
    """Compute −ln pₖ of the softmax p as log Σ exp(z − z_k); the differences keep digits that an offset would lose.

    Its gradient p − e_k loses no digits either, even if p_k is close to 1, as p_k − 1 would.
    """
    right = logits[k]
    if (right.data if isinstance(right, Value) else right) == -math.inf:  # then all other differences are inf
        return autograd.logsumexp(logits) - right
    return autograd.logsumexp([z - right if j != k else 0.0 for j, z in enumerate(logits)])


def _detached(x: Number) -> Number:
    return x.detach() if isinstance(x, Value) else x


def hinge(outputs: Numbers, targets: Numbers) -> Value:
    """Compute Σ max(0, 1 − t o) for targets of −1 and 1; outputs that are right by a margin of 1 cost nothing.

    Raises:
        ValueError: for other targets.
    """
    pairs = _pairs(outputs, targets, "hinge")
    for _, t in pairs:
        if not isinstance(t, Value) and t not in (-1, 1):
            raise ValueError(f"hinge expects targets of -1 and 1, got {t!r}; from labels of 0 and 1: 2 * label - 1")
    return autograd.sum([autograd.relu(1 - t * o) for o, t in pairs])


def penalised(loss: Loss, weights: Sequence[Value], factor: float) -> Loss:
    """Return a loss with the penalty factor · ½ Σ w² on the weights added: weight decay, ridge or L2."""

    def cost(outputs: Any, targets: Any) -> Any:
        return loss(outputs, targets) + 0.5 * factor * autograd.dot(weights, weights)

    return cost if factor else loss


LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        half_squared_error,
        mean_squared_error,
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        cross_entropy,
        hinge,
    )
}
OF_LOGITS: tuple[Loss, ...] = (binary_cross_entropy_with_logits, cross_entropy, hinge)


def _errors(outputs: Numbers, targets: Numbers, loss: str) -> list[Number]:
    return [o - e for o, e in _pairs(outputs, targets, loss)]


def _pairs(outputs: Numbers, targets: Any, loss: str) -> list[tuple[Number, Number]]:
    outputs, targets = _as_list(outputs), _as_list(targets)
    if len(outputs) != len(targets):
        raise ValueError(f"{loss} expects a target for each output, got {len(outputs)} outputs, {len(targets)} targets")
    if not outputs:
        raise ValueError(f"{loss} expects at least one output, got none")
    return list(zip(outputs, targets))


def _as_list(numbers: Any) -> list[Number]:
    """Return a list; a single number becomes a list of one, and NumPy's numbers become Python's."""
    if hasattr(numbers, "tolist"):
        numbers = numbers.tolist()
    return list(numbers) if hasattr(numbers, "__len__") else [numbers]


def _class_index(target: Any, classes: int) -> int:
    try:
        index = operator.index(target)
    except TypeError:
        raise TypeError(f"a single target must be the index of a class, an integer; got {target!r}") from None
    if not 0 <= index < classes:
        raise ValueError(f"there are {classes} outputs, so classes 0 to {classes - 1}; got class {index}")
    return index
