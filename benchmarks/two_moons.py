"""Measure one engine on the two-moons demo of micrograd: `python -m benchmarks.two_moons ENGINE on|off` prints JSON.

An MLP 2-16-16-1 (relu, linear output) scores 100 points. The loss is that of micrograd's demo: the mean of
max(0, 1 - y * score), plus 1e-4 times the sum of the squares of all 337 parameters. One repetition is one forward
pass, including the loss, and one backward pass, including the reset of gradients. Every engine gets the same points and
the same weights, and prints its loss and its gradient's norm for comparison.

Demo: https://github.com/karpathy/micrograd/blob/master/demo.ipynb
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from benchmarks.measure import Numbers, set_collector, time_passes

SIZES = (2, [16, 16, 1])


class Engine(NamedTuple):
    """The parts of an engine that the demo needs: a number type, a network, a sum, and a sum of products."""

    number: Callable[[float], Any]
    model: Any
    sum: Callable[[Iterable[Any]], Any]
    dot: Callable[[Iterable[Any], Iterable[Any]], Any]


def elementary_dot(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
    """Return the sum of the products, with an addition and a multiplication for each."""
    return sum(x * y for x, y in zip(xs, ys))


def lucidgrad_mlp() -> Engine:
    """This engine as intended: a weighted sum is one node."""
    import autograd
    from nn import MLP

    model = MLP(*SIZES, activation="relu", output_activation="identity")
    return Engine(autograd.Value, model, autograd.sum, autograd.dot)


def lucidgrad_elementary() -> Engine:
    """This engine with micrograd's graph: every addition and multiplication is a node."""
    from autograd import Value
    from nn import MLP

    model = MLP(*SIZES, activation="relu", output_activation="identity", elementary=True)
    return Engine(Value, model, sum, elementary_dot)


def micrograd() -> Engine:
    """micrograd, the peer."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    return Engine(Value, MLP(*SIZES), sum, elementary_dot)


def pytorch() -> Engine:
    """PyTorch with a tensor for every number: the same scalar code, no arrays."""
    import torch

    parameter = partial(torch.tensor, 0.0, dtype=torch.float64, requires_grad=True)
    return Engine(partial(torch.tensor, dtype=torch.float64), ScalarMLP(parameter), sum, elementary_dot)


ENGINES = {"mlp": lucidgrad_mlp, "elementary": lucidgrad_elementary, "micrograd": micrograd, "torch": pytorch}


class ScalarMLP:
    """The network of the demo, for an engine without scalar networks; a neuron is a list of weights and a bias."""

    def __init__(self, parameter: Callable[[], Any]) -> None:
        nin, nouts = SIZES
        self.layers = [
            [([parameter() for _ in range(fan_in)], parameter()) for _ in range(fan_out)]
            for fan_in, fan_out in zip([nin, *nouts], nouts)
        ]

    def __call__(self, inputs: list[Any]) -> Any:
        for layer in self.layers:
            inputs = [sum((w * x for w, x in zip(weights, inputs)), bias) for weights, bias in layer]
            if layer is not self.layers[-1]:
                inputs = [z.relu() for z in inputs]
        return inputs[0]

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for weights, bias in layer for p in (*weights, bias)]

    def zero_grad(self) -> None:
        for p in self.parameters():
            p.grad = None


def two_moons() -> tuple[list[list[float]], list[int]]:
    """Return 100 points on two interleaved half circles, with noise of deviation 0.1, and their labels 1 and -1.

    This is the formula of scikit-learn's make_moons; importing it would add objects for the collector to traverse.
    """
    noise = random.Random(1337)
    points, labels = [], []
    for i in range(50):
        angle = math.pi * i / 49
        for x, y, label in ((math.cos(angle), math.sin(angle), -1), (1 - math.cos(angle), 0.5 - math.sin(angle), 1)):
            points.append([x + noise.gauss(0, 0.1), y + noise.gauss(0, 0.1)])
            labels.append(label)
    return points, labels


def run(engine: Engine) -> Numbers:
    """Measure the median seconds of each pass (see `time_passes`); return the loss and its gradient's norm, too."""
    points, labels = two_moons()
    number, model, total, dot = engine
    parameters = model.parameters()
    weights = random.Random(1337)
    for p in parameters:
        p.data = number(weights.uniform(-1, 1)).data

    def forward() -> Any:
        scores = [model(list(map(number, point))) for point in points]
        losses = [(1 + -y * score).relu() for y, score in zip(labels, scores)]
        parameters = model.parameters()
        return total(losses) * (1.0 / len(losses)) + 1e-4 * dot(parameters, parameters)

    def backward(loss: Any) -> None:
        model.zero_grad()
        loss.backward()

    loss = forward()  # the warm-up
    backward(loss)
    numbers = {"loss": float(loss.data), "gradient norm": math.hypot(*(float(p.grad) for p in parameters))}
    del loss
    return numbers | time_passes(forward, backward, least=3, seconds=1.0)


if __name__ == "__main__":
    name, collector = sys.argv[1:]
    set_collector(collector)
    print(json.dumps(run(ENGINES[name]())))
