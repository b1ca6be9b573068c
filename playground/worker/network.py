"""Train a network with `nn`, with the same updates as `nn.fit(engine="eager")` makes from the same seed."""

from __future__ import annotations

import operator
import time
from typing import Any

import autograd
import nn
from autograd import Value
from autograd.arrays import np
from nn.layers import ACTIVATIONS
from nn.training.eager import Eager
from nn.training.samples import Samples
from playground.worker.datasets import DATASETS, REACH, Point, points_of
from playground.worker.graph import LiveGraph

MOST_LAYERS, MOST_NEURONS, MOST_POINTS = 4, 8, 400
LOSS = nn.binary_cross_entropy_with_logits


class Session:
    """A network with two inputs and one output, a logit, and its training points.

    Args:
        settings: `data` ("xor", "moons", "circles", "spiral" or "own"), `points` ([x, y, class] each, for "own"),
            `count`, `layers` (neurons of each hidden layer), `activation`, `rate`, `batch`, `seed`.

    Raises:
        ValueError: for invalid settings, which it names.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        layers, self.seed = settings["layers"], int(settings["seed"])
        if len(layers) > MOST_LAYERS or not all(1 <= n <= MOST_NEURONS for n in layers):
            raise ValueError(f"choose up to {MOST_LAYERS} hidden layers of 1 to {MOST_NEURONS} neurons, got {layers}")
        if settings["activation"] not in ACTIVATIONS:
            raise ValueError(f"unknown activation {settings['activation']!r}")
        self.points = self._points()
        self.samples = np.array([[x, y] for x, y, _ in self.points], dtype=float)
        self.targets = np.array([[label] for *_, label in self.points], dtype=float)
        self.model = nn.MLP(2, [*layers, 1], settings["activation"], "identity", seed=self.seed)
        self._optimizer = nn.SGD(self.model.parameters(), learning_rate=float(settings["rate"]))
        self._engine = Eager(self.model, LOSS, self._optimizer, "mean")
        self._chance = np.random.default_rng(self.seed)
        self._order: list[int] = []
        self.epoch, self.updates = 0, 0
        self.looked_at = 0

    def _points(self) -> list[Point]:
        if self.settings["data"] != "own":
            if self.settings["data"] not in DATASETS:
                raise ValueError(f"unknown data set {self.settings['data']!r}")
            return points_of(self.settings["data"], self.seed, int(self.settings["count"]))
        points: list[Point] = [(float(x), float(y), int(label)) for x, y, label in self.settings["points"]]
        if not 2 <= len(points) <= MOST_POINTS or {label for *_, label in points} != {0, 1}:
            raise ValueError(f"draw points of both classes, at most {MOST_POINTS}; there are {len(points)}")
        return points

    def train(self, updates: int, seconds: float) -> dict[str, Any]:
        """Make `updates` updates, one per batch, but start none after the time is up."""
        until = time.monotonic() + seconds
        for i in range(updates):
            if i and time.monotonic() > until:
                break
            self._update(int(self.settings["batch"]))
        return self.state()

    def _update(self, size: int) -> list[int]:
        """Make one update from the next samples of this epoch's order; the epoch ends with the order."""
        if not self._order:
            self._order = self._chance.permutation(len(self.points)).tolist()
            self.epoch += 1
        chosen, self._order = self._order[:size], self._order[size:]
        self._engine.update(self.epoch, Samples(self.samples[chosen], self.targets[chosen]))
        self.updates += 1
        return chosen

    def step_one_sample(self) -> dict[str, Any]:
        """Run both passes on the next sample, then train on it alone."""
        if not self._order:
            self._order = self._chance.permutation(len(self.points)).tolist()
            self.epoch += 1
        before = self.look_at(self._order[0])
        self._update(1)
        return {**self.state(), "passes": before["passes"]}

    def look_at(self, sample: int) -> dict[str, Any]:
        """Run both passes on one sample, without an update: activations forward, and gradients backward."""
        self.looked_at = sample
        activations, deltas, weights, cost = self._passes(sample)
        return {"passes": {
            "sample": sample,
            "activations": activations,
            "deltas": deltas,
            "gradients": weights,
            "cost": cost,
        }}  # fmt: skip

    def _passes(self, sample: int) -> tuple[list[list[float]], list[list[float]], list[list[list[float]]], float]:
        parameters = self.model.parameters()
        before = [p.grad for p in parameters]
        x, y, label = self.points[sample]
        layer: Any = [Value(x, "x1"), Value(y, "x2")]
        columns = [layer]
        for part in self.model.layers:
            layer = part(layer)
            columns.append(layer)
        for p in parameters:
            p.grad = 0.0
        cost = LOSS(layer[0], label)
        cost.backward()
        deltas = [[neuron.bias.grad for neuron in part.neurons] for part in self.model.layers]
        weights = [[[w.grad for w in neuron.weights] for neuron in part.neurons] for part in self.model.layers]
        self._columns = [[(node.data, node.grad) for node in column] for column in columns]
        for p, grad in zip(parameters, before):
            p.grad = grad
        return [[node.data for node in column] for column in columns], deltas, weights, cost.data

    def state(self) -> dict[str, Any]:
        """Return the weights, the gradients of the last update, and the cost and accuracy."""
        logits = self._logits(self.samples.tolist())
        losses = [LOSS(z, label) for z, (*_, label) in zip(logits, self.points)]
        right = sum((z > 0) == bool(label) for z, (*_, label) in zip(logits, self.points))
        layers = self.model.layers
        return {
            "points": self.points,
            "epoch": self.epoch,
            "updates": self.updates,
            "cost": sum(map(float, losses)) / len(losses),
            "accuracy": right / len(self.points),
            "weights": [[[w.data for w in neuron.weights] for neuron in layer.neurons] for layer in layers],
            "biases": [[neuron.bias.data for neuron in layer.neurons] for layer in layers],
            "gradients": [[[w.grad for w in neuron.weights] for neuron in layer.neurons] for layer in layers],
        }

    def boundary(self, size: int) -> dict[str, Any]:
        """Compute the probability of class 1 at the centres of size × size squares, by rows from the top."""
        centres = [REACH * ((2 * i + 1) / size - 1) for i in range(size)]
        logits = self._logits([[x, -y] for y in centres for x in centres])
        return {"size": size, "probabilities": [autograd.sigmoid(z) for z in logits]}

    def _logits(self, samples: list[list[float]]) -> list[float]:
        """Compute the network's outputs with plain numbers, by the same rules of the primitive table as its nodes."""
        layers = [
            (ACTIVATIONS[layer.activation], [([w.data for w in n.weights], n.bias.data) for n in layer.neurons])
            for layer in self.model.layers
        ]
        outputs = []
        for sample in samples:
            numbers = sample
            for activation, neurons in layers:
                numbers = [activation(sum(map(operator.mul, weights, numbers), bias)) for weights, bias in neurons]
            outputs.append(numbers[0])
        return outputs

    def neuron(self, layer: int, neuron: int) -> LiveGraph:
        """Return the graph of one neuron at the current sample, with the gradients of that sample's cost."""
        self._passes(self.looked_at)
        part = self.model.layers[layer].neurons[neuron]
        inputs = [Value(a, f"a{layer}[{k}]" if layer else f"x{k + 1}") for k, (a, _) in enumerate(self._columns[layer])]
        copy = nn.Neuron(len(part.weights), part.activation, name=f"layers.{layer}.neurons.{neuron}")  # type: ignore[arg-type]
        copy.load_state_dict(part.state_dict())
        out = copy(inputs)
        gradient = self._columns[layer + 1][neuron][1]
        out.backward(gradient)
        return LiveGraph([out], seed=gradient)
