"""Losses of one sample: `(outputs, targets)` to one number, small where the outputs are right.

`outputs` is what a network returned, a list of Values or the one Value of a single output neuron; `targets` is as
many numbers. (Of outputs that are plain numbers, the loss is a plain number.) A loss of several outputs is the sum
over them, unless its name says mean. The cost of many samples is the mean or the sum of their losses (`reduction` in
`nn.fit`).
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
    """½ Σ (o − e)², whose derivative to an output is o − e: the cost of the texts and of the 1986 paper.

    >>> half_squared_error([Value(0.5), Value(1.0)], [1.0, 1.0]).data
    0.125
    """
    errors = _errors(outputs, targets, "half_squared_error")
    return 0.5 * autograd.dot(errors, errors)


def mean_squared_error(outputs: Numbers, targets: Numbers) -> Value:
    """(1/n) Σ (o − e)² over n outputs."""
    errors = _errors(outputs, targets, "mean_squared_error")
    return autograd.dot(errors, errors) / len(errors)


def binary_cross_entropy(outputs: Numbers, targets: Numbers) -> Value:
    """−Σ (t ln o + (1 − t) ln(1 − o)) for outputs o that are probabilities, as sigmoid neurons give them.

    Source: Nielsen, ch. 3, eq. 63.

    Raises:
        ValueError: where it is infinite or undefined: an output outside 0 to 1, or one that is exactly 0 or 1 where
            the target is not. A sigmoid saturates to exactly 1 near z = 37; `binary_cross_entropy_with_logits` has
            no such limit.
    """
    pairs = _pairs(outputs, targets, "binary_cross_entropy")
    try:
        terms = [autograd.xlogy(t, o) + autograd.xlogy(1 - t, 1 - o) for o, t in pairs]
    except ValueError as error:
        raise ValueError(
            f"binary_cross_entropy expects outputs between 0 and 1, and not on the wrong end of it: {error}. Use "
            "binary_cross_entropy_with_logits and an output layer with activation 'identity'"
        ) from None
    return -autograd.sum(terms)


def binary_cross_entropy_with_logits(outputs: Numbers, targets: Numbers) -> Value:
    """The same of logits z, where the probability is σ(z): Σ t ln(1 + e^−z) + (1 − t) ln(1 + e^z), never infinite.

    >>> binary_cross_entropy_with_logits(Value(-1e4), 1.0).data
    10000.0
    """
    pairs = _pairs(outputs, targets, "binary_cross_entropy_with_logits")
    return autograd.sum([t * autograd.softplus(-z) + (1 - t) * autograd.softplus(z) for z, t in pairs])


def cross_entropy(outputs: Numbers, targets: int | Numbers) -> Value:
    """−Σ tₖ ln pₖ of logits z, where p is their softmax.

    Neither a large offset of all logits nor a wide spread costs digits; in a compiled program, and for more than one
    class, a gradient pₖ − tₖ is as exact as that difference of numbers up to 1.

    Args:
        outputs: the logits, two or more.
        targets: the index of the right class, or a probability for each class, such as a one-hot row.

    Raises:
        ValueError: for one output only, a class that does not exist, or targets of another length.
        TypeError: if a single target is not an integer.

    >>> round(cross_entropy([Value(1e4), Value(0.0)], 1).data)
    10000
    """
    logits = _as_list(outputs)
    if len(logits) < 2:
        raise ValueError("cross_entropy expects two logits or more; for one use binary_cross_entropy_with_logits")
    if not isinstance(targets, (Sequence, Value)) and np.ndim(targets) == 0:
        return _surprise(logits, _class_index(targets, len(logits)))
    if isinstance(targets, Value):  # which is an index in a function that is compiled, and refused elsewhere
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
    """−ln of the softmax's share k: log Σ exp(z − z_k), where differences keep the digits that an offset would take.

    Of its gradient p − e_k no digit is lost either where p_k is close to 1, as in p_k − 1.
    """
    right = logits[k]
    if (right.data if isinstance(right, Value) else right) == -math.inf:  # then all other differences are inf
        return autograd.logsumexp(logits) - right
    return autograd.logsumexp([z - right if j != k else 0.0 for j, z in enumerate(logits)])


def _detached(x: Number) -> Number:
    return x.detach() if isinstance(x, Value) else x


def hinge(outputs: Numbers, targets: Numbers) -> Value:
    """Σ max(0, 1 − t o) for targets of −1 and 1: nothing to pay for what is right with a margin of 1.

    Raises:
        ValueError: for other targets.
    """
    pairs = _pairs(outputs, targets, "hinge")
    for _, t in pairs:
        if not isinstance(t, Value) and t not in (-1, 1):
            raise ValueError(f"hinge expects targets of -1 and 1, got {t!r}; from labels of 0 and 1: 2 * label - 1")
    return autograd.sum([autograd.relu(1 - t * o) for o, t in pairs])


def penalised(loss: Loss, weights: Sequence[Value], factor: float) -> Loss:
    """The loss of a sample, and factor · ½ Σ w² over weights: the penalty that is called weight decay, ridge or L2."""

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
    """A single number is a list of one; NumPy's numbers become Python's."""
    if hasattr(numbers, "tolist"):
        numbers = numbers.tolist()
    return list(numbers) if hasattr(numbers, "__len__") else [numbers]


def _class_index(target: Any, classes: int) -> int:
    try:
        index = operator.index(target)
    except TypeError:
        raise TypeError(f"a single target is the index of a class, so an integer; got {target!r}") from None
    if not 0 <= index < classes:
        raise ValueError(f"there are {classes} outputs, so classes 0 to {classes - 1}; got class {index}")
    return index
