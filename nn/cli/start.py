"""Initialise a regression network to the straight line through the data, which training then bends."""

from __future__ import annotations

import numpy as np

from nn.data import Array
from nn.layers import MLP
from nn.training.prediction import predict

STRAIGHT = 0.25  # standard deviation of z that keeps a neuron in the nearly linear part of its activation
MOST_ROWS = 20_000  # more rows do not improve a straight line
ALPHAS = np.logspace(-2, 5, 15)


def start_straight(model: MLP, inputs: Array, targets: Array) -> None:
    """Set a network to the ridge regression of its training rows.

    The first neuron of each hidden layer passes the regression's prediction on, scaled so that its activation is nearly
    linear, and the output neuron scales it back. The other neurons keep their random weights, but their weights to the
    output are 0 at first; training uses them to bend the line.

    Args:
        model: a network with one identity output.
        inputs, targets: standardised rows; a target is one number.
    """
    from sklearn.linear_model import RidgeCV

    step = -(-len(inputs) // MOST_ROWS)
    rows, wanted = inputs[::step], targets[::step, 0]
    line = RidgeCV(ALPHAS).fit(rows, wanted)
    weights, spread = line.coef_, float((rows @ line.coef_).std())
    if not spread or not np.isfinite(spread):
        return
    *hidden, output = model.layers
    for k, layer in enumerate(hidden):
        neuron = layer.neurons[0]
        numbers = weights * STRAIGHT / spread if k == 0 else np.zeros(len(neuron.weights))
        if k:
            before = _activations(model, k, rows)[:, 0]
            numbers[0] = STRAIGHT / float(before.std())
            neuron.bias.data = float(-before.mean() * numbers[0])
        if layer.activation == "relu":
            neuron.bias.data += 4 * STRAIGHT  # so that relu clips hardly any row
        for weight, number in zip(neuron.weights, numbers.tolist()):
            weight.data = number
    last = output.neurons[0]
    if hidden:
        before = _activations(model, len(hidden), rows)[:, 0]
        slope = float(((before - before.mean()) * (line.predict(rows) - wanted.mean())).mean() / before.var())
        weights = np.zeros(len(last.weights))
        weights[0] = slope
        last.bias.data = float(wanted.mean() - slope * before.mean())
    else:
        last.bias.data = float(line.intercept_)
    for weight, number in zip(last.weights, weights.tolist()):
        weight.data = number


def _activations(model: MLP, layers: int, rows: Array) -> Array:
    """Return the activations of a layer for each row; layers count from 1."""
    part = MLP(model.nin, [1])
    part.layers = model.layers[:layers]
    return predict(part, rows)
