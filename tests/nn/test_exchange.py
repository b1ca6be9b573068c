"""`nn.to_torch` and `nn.from_torch`: the same weights, bit by bit, and the same outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from nn.layers import ACTIVATIONS

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")

INPUTS = np.random.default_rng(0).normal(size=(7, 4)) * 20


def outputs(network: Any) -> Any:
    with torch.no_grad():
        return network(torch.tensor(INPUTS)).numpy()


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_there_and_back(hidden: Any) -> None:
    model = nn.MLP(4, [3, 5, 2], ["tanh", hidden], hidden, seed=1)
    model.layers[0].neurons[1].bias.data = 0.1 + 0.2
    network = nn.to_torch(model)
    assert isinstance(network, torch.nn.Sequential)
    first = model.layers[0].neurons[1]
    assert network[0].weight[1].tolist() == [w.data for w in first.weights]
    assert network[0].bias[1].item() == first.bias.data
    expected = nn.predict(model, INPUTS)
    assert np.linalg.norm(outputs(network) - expected) <= 1e-12 * np.linalg.norm(expected)
    again = nn.from_torch(network)
    assert repr(again) == repr(model)
    assert again.state_dict() == model.state_dict()


def test_layers_neurons_dtypes_and_devices() -> None:
    layer = nn.Layer(4, 3, "sigmoid", seed=2)
    assert outputs(nn.to_torch(layer)) == pytest.approx(
        np.array([[a.data for a in layer(row)] for row in INPUTS]), rel=1e-12
    )
    assert outputs(nn.to_torch(layer.neurons[1])).shape == (7, 1)
    network = nn.to_torch(layer, dtype=torch.float32, device="meta")
    assert {(p.dtype, p.device.type) for p in network.parameters()} == {(torch.float32, "meta")}
    with pytest.raises(TypeError, match=r"not a SGD.*to_torch"):
        nn.to_torch(nn.SGD(layer.parameters()))  # type: ignore[arg-type]


def test_networks_that_were_built_with_pytorch() -> None:
    network = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Dropout(0.5)),
        torch.nn.Identity(),
        torch.nn.Linear(3, 3, bias=False),
        torch.nn.Linear(3, 2),
        torch.nn.Sigmoid(),
    ).eval()
    model = nn.from_torch(network)
    assert repr(model) == "MLP(4 inputs -> 3 relu, 3 identity, 2 sigmoid)"
    assert [w.data for w in model.layers[1].neurons[2].weights] == network[3].weight[2].tolist()
    assert len(model.parameters()) == sum(p.numel() for p in network.parameters())
    assert [p.shape for p in nn.to_torch(model).parameters()] == [p.shape for p in network.parameters()]
    expected = outputs(network.double())
    assert np.linalg.norm(nn.predict(model, INPUTS) - expected) <= 1e-12 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("modules", "error", "message"),
    [
        ([torch.nn.Linear(4, 3), torch.nn.GELU()], TypeError, r"GELU.*it takes Linear, Sigmoid"),
        ([torch.nn.Linear(4, 3), torch.nn.Softplus(beta=2)], TypeError, "Softplus"),
        ([torch.nn.Linear(4, 3), torch.nn.Linear(2, 1)], ValueError, "3 outputs is followed by one of 2 inputs"),
        ([torch.nn.ReLU(), torch.nn.Linear(4, 3)], ValueError, "ReLU must follow a Linear"),
        ([torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Tanh()], ValueError, "Tanh must follow a Linear"),
        ([], ValueError, "at least one"),
    ],
)
def test_what_is_no_mlp_is_refused_by_name(modules: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.from_torch(torch.nn.Sequential(*modules))
    with pytest.raises(TypeError, match=r"takes a torch\.nn\.Sequential, got list"):
        nn.from_torch(modules)
