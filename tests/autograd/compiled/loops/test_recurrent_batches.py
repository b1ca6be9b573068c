"""Recurrent layers agree with PyTorch over batches that are large enough for arrays to be stored step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value, dot

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")

SAMPLES, STEPS, INPUTS, UNITS = 33, 7, 2, 3
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def outputs(kind: str, layer: Any, xs: Any) -> list[list[Any]]:
    """Return the outputs of a layer at all steps, as torch.nn defines it."""
    w, u, b, d = layer

    def gates(x: Any, h: Any) -> list[list[tuple[Any, Any]]]:
        both = [(dot(w[k], x) + b[k], dot(u[k], h) + d[k]) for k in range(len(w))]
        return [both[k : k + UNITS] for k in range(0, len(both), UNITS)]

    h: list[Any] = [0.0] * UNITS
    c, states = h, []
    for x in xs:
        parts = gates(x, h)
        if kind == "RNN":
            h = [(p + q).tanh() for p, q in parts[0]]
        elif kind == "GRU":
            r, z = ([(p + q).sigmoid() for p, q in part] for part in parts[:2])
            n = [(p + k * q).tanh() for (p, q), k in zip(parts[2], r)]
            h = [(1 - z[k]) * n[k] + z[k] * h[k] for k in range(UNITS)]
        else:
            i, f, o = ([(p + q).sigmoid() for p, q in parts[k]] for k in (0, 1, 3))
            g = [(p + q).tanh() for p, q in parts[2]]
            c = [f[k] * c[k] + i[k] * g[k] for k in range(UNITS)]
            h = [o[k] * c[k].tanh() for k in range(UNITS)]
        states.append(h)
    return states


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_batch_of_sequences_has_the_gradients_that_pytorch_gives(kind: str, layers: int) -> None:
    torch.manual_seed(1)
    peer = getattr(torch.nn, kind)(INPUTS, UNITS, num_layers=layers, batch_first=True, dtype=torch.float64)
    weights = [[np.vectorize(Value)(x.detach().numpy()).tolist() for x in several] for several in peer.all_weights]

    def loss(xs: Any, ys: Any) -> Any:
        for layer in weights:
            xs = outputs(kind, layer, xs)
        return autograd.sum([(a - y) ** 2 for row, ys_t in zip(xs, ys) for a, y in zip(row, ys_t)])

    program = autograd.compile(loss, [[0.1] * INPUTS] * STEPS, [[0.1] * UNITS] * STEPS)
    assert "for t in range" in program.source
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(SAMPLES, STEPS, INPUTS)), rng.normal(size=(SAMPLES, STEPS, UNITS))
    cost = program.backward(x, y)
    inputs = torch.tensor(x, requires_grad=True)
    losses = ((peer(inputs)[0] - torch.tensor(y)) ** 2).sum(dim=(1, 2))
    losses.mean().backward()
    assert cost == pytest.approx(losses.mean().item(), rel=1e-12)
    for several, tensors in zip(weights, peer.all_weights):
        for values, tensor in zip(several, tensors):
            gradient = np.vectorize(lambda value: value.grad)(np.array(values, dtype=object)).astype(float)
            np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-13)
    derivatives = program.input_gradients(x, y)[0]
    np.testing.assert_allclose(derivatives, SAMPLES * inputs.grad.numpy(), rtol=1e-10, atol=1e-13)
