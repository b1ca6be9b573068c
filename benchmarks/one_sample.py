"""Time one sample through 784-50-10, scalar by scalar: `python -m benchmarks.one_sample ENGINE on|off` prints JSON.

The forward pass computes the half squared error, the backward pass its gradient. micrograd has no sigmoid, so one is
defined in the style of its own functions. Inputs, weights and targets are those of `benchmarks.epoch`.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from typing import Any

from benchmarks.epoch import in_order
from benchmarks.hand_written import INPUTS, OUTPUTS, initial_weights, losses, samples
from benchmarks.measure import Numbers, set_collector, time_passes

HIDDEN = 50
SIZES = (INPUTS, HIDDEN, OUTPUTS)


def lucidgrad() -> tuple[Any, Any, list[Any]]:
    """This engine, eager: a number type, a model, and the parameters in order."""
    from autograd import Value
    from nn import MLP

    model = MLP(INPUTS, [HIDDEN, OUTPUTS], seed=0)
    return Value, model, in_order(model)


def micrograd() -> tuple[Any, Any, list[Any]]:
    """micrograd, the peer."""
    from micrograd.engine import Value
    from micrograd.nn import Layer

    sys.setrecursionlimit(10_000)  # its backward() recurses as deep as the graph
    layers = [Layer(nin, nout, nonlin=False) for nin, nout in pairwise(SIZES)]

    def sigmoid(z: Any) -> Any:
        out = Value(1 / (1 + math.exp(-z.data)), (z,), "sigmoid")

        def _backward() -> None:
            z.grad += out.data * (1 - out.data) * out.grad

        out._backward = _backward
        return out

    def model(inputs: list[Any]) -> list[Any]:
        for layer in layers:
            inputs = [sigmoid(z) for z in layer(inputs)]
        return inputs

    parameters = []
    for layer in layers:
        parameters += [w for neuron in layer.neurons for w in neuron.w]
        parameters += [neuron.b for neuron in layer.neurons]
    return Value, model, parameters


ENGINES = {"lucidgrad": lucidgrad, "micrograd": micrograd}


def measure(engine: str) -> Numbers:
    """Measure the median seconds of each pass (see `time_passes`); return the loss, and its true value."""
    number, model, parameters = ENGINES[engine]()
    images, targets = samples(100)
    weights = initial_weights(SIZES)
    for parameter, weight in zip(parameters, weights.tolist()):
        parameter.data = weight
    image, target = images[0].tolist(), targets[0].tolist()

    def forward() -> Any:
        errors = [a - t for a, t in zip(model([number(x) for x in image]), target)]
        return 0.5 * sum((e * e for e in errors[1:]), errors[0] * errors[0])

    def backward(loss: Any) -> None:
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()

    loss = forward()  # the warm-up
    backward(loss)
    expected = float(losses(weights, SIZES, images[:1], targets[:1])[0])
    numbers = {"loss": float(loss.data), "expected": expected}
    del loss
    return numbers | time_passes(forward, backward, least=3, seconds=1.0)


if __name__ == "__main__":
    name, collector = sys.argv[1:]
    set_collector(collector)
    print(json.dumps(measure(name)))
