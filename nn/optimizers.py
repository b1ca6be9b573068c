"""Gradient descent and its variants. Each update rule is defined once, on one flat vector of all parameters.

>>> from autograd import Value
>>> w = Value(1.0)
>>> optimizer = SGD([w], learning_rate=0.1)
>>> for _ in range(3):
...     optimizer.zero_grad()
...     loss = w**2
...     loss.backward()
...     optimizer.step()
>>> round(w.data, 3)
0.512
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from autograd import Value
from autograd.arrays import np
from autograd.support.foreign_names import explain_arguments
from nn.descent import Optimizer, Vector
from nn.foreign_names import OF_ADAM_ARGUMENTS, OF_OPTIMIZER_ARGUMENTS, OF_SGD_ARGUMENTS
from nn.schedules import LearningRate, checked


class SGD(Optimizer, elementwise=True):
    """Gradient descent: Δw(t) = −ε ∂E/∂w + α Δw(t−1), after which each weight loses the fraction `decay`.

    It is stochastic if the gradient comes from a part of the samples. Source: Rumelhart, Hinton and Williams 1986,
    eq. 9, and the decay of their family trees.

    Args:
        learning_rate: ε.
        momentum: α, from 0 to below 1.
        decay: from 0 to below 1; 0.002 is the paper's 0.2 %.
    """

    @explain_arguments(OF_SGD_ARGUMENTS)
    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: LearningRate = 0.1,
        momentum: float = 0.0,
        decay: float = 0.0,
        max_gradient_norm: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, max_gradient_norm)
        self.momentum: float = checked("momentum", momentum, lambda m: 0 <= m < 1, "a number from 0 to below 1")
        self.decay: float = checked("decay", decay, lambda d: 0 <= d < 1, "a number from 0 to below 1")

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        change = np.multiply(-rate, gradients, out=new)
        if self.momentum:
            change = self.state["change"] = change + self.momentum * self._vector("change")
        np.add(weights, change, out=new)
        if self.decay:
            new *= 1 - self.decay


class Adam(Optimizer, elementwise=True):
    """Steps of about the learning rate in each weight: the mean gradient over the root of its mean square.

    Source: Kingma and Ba 2015, algorithm 1. `betas` are the two means' decay rates, `epsilon` prevents division by 0.
    """

    @explain_arguments(OF_ADAM_ARGUMENTS)
    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: LearningRate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        max_gradient_norm: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, max_gradient_norm)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, got {betas!r}")
        for beta in betas:
            checked("each of betas", beta, lambda b: 0 <= b < 1, "a number from 0 to below 1")
        self.betas: tuple[float, ...] = tuple(betas)
        self.epsilon: float = checked("epsilon", epsilon, lambda e: e > 0, "a positive number")

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        np.subtract(weights, rate * self._direction(gradients), out=new)

    def _direction(self, gradients: Vector) -> Vector:
        beta1, beta2 = self.betas
        mean = self.state["mean"] = beta1 * self._vector("mean") + (1 - beta1) * gradients
        square = self.state["square"] = beta2 * self._vector("square") + (1 - beta2) * gradients**2
        unbiased_mean = mean / (1 - beta1**self.steps)
        unbiased_square = square / (1 - beta2**self.steps)
        direction: Vector = unbiased_mean / (np.sqrt(unbiased_square) + self.epsilon)
        return direction


class AdamW(Adam, elementwise=True):
    """Adam with decoupled weight decay: each weight loses the fraction `weight_decay` per step.

    As in the paper, the fraction is not multiplied by the learning rate, so PyTorch's `weight_decay` is this one
    divided by the rate. If the rate follows a schedule, the fraction is scaled by the ratio of the rate to the largest
    rate so far.
    Source: Loshchilov and Hutter 2019, algorithm 2.
    """

    @explain_arguments(OF_OPTIMIZER_ARGUMENTS)
    def __init__(
        self,
        parameters: Iterable[Value],
        learning_rate: LearningRate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 1e-5,
        max_gradient_norm: float | None = None,
    ) -> None:
        super().__init__(parameters, learning_rate, betas, epsilon, max_gradient_norm)
        self.weight_decay: float = checked(
            "weight_decay", weight_decay, lambda d: 0 <= d < 1, "a number from 0 to below 1"
        )
        self._largest_rate = 0.0

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        self._largest_rate = max(self._largest_rate, rate)
        decay = self.weight_decay * rate / self._largest_rate if rate else 0.0
        np.subtract(weights, rate * self._direction(gradients) + decay * weights, out=new)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "largest_rate": self._largest_rate}

    def _derived(self, state: Mapping[str, Any]) -> dict[str, Any]:
        rate = state.get("largest_rate", None)
        if not isinstance(rate, (int, float)) or not 0 <= rate < math.inf or bool(rate) > state["steps"]:
            raise ValueError(f"largest_rate must be the largest learning rate so far, got {rate!r:.80}")
        return {"_largest_rate": float(rate)}


OPTIMIZERS: dict[str, type[Optimizer]] = {
    name.lower(): rule for name, rule in list(globals().items()) if getattr(rule, "__module__", "") == __name__
}
"""The optimizers of this package, by their names in lower case."""
