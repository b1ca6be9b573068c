"""Convert networks to and from PyTorch, which is imported on demand.

A user's `nn` may be this package or `torch.nn`, so the examples here write `torch.nn` in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from autograd import Constant, Value
from autograd.reading import numbers_of
from autograd.support.extras import imported
from autograd.updates import commit, setting
from nn.initializers import constant
from nn.layers import MLP, Layer, Neuron

EXCHANGED = "Linear, Sigmoid, Tanh, ReLU, Softplus with beta=1, Identity, Dropout, Flatten, and Sequential of these"
EXACT_THRESHOLD = 40.0
"""From this z on, log(1 + exp(z)) equals z to the last digit. At PyTorch's own threshold, 20, it is off by 2e-9."""


def to_torch(model: MLP | Layer | Neuron, *, dtype: Any = None, device: Any = None) -> Any:
    """Convert a network to a `torch.nn.Sequential` of `Linear` layers and their activations.

    Its float64 weights equal the network's numbers bit by bit. It takes a tensor whose last axis has the network's
    number of inputs. The two networks share no data.

    Args:
        dtype: another PyTorch dtype, to which the numbers are rounded.
        device: the device of the weights; by default the CPU.

    Raises:
        TypeError: for anything but an MLP, a Layer or a Neuron.
        ModuleNotFoundError: if PyTorch is missing.

    ```python
    import torch

    model = nn.MLP(64, [30, 10], seed=0)
    network: torch.nn.Sequential = nn.to_torch(model)
    ```
    """
    torch = imported("torch", "nn.to_torch")
    modules: list[Any] = []
    for neurons in _layers(model):
        weights = torch.tensor([numbers_of(neuron.weights) for neuron in neurons], dtype=torch.float64)
        biases = torch.tensor(numbers_of(neuron.bias for neuron in neurons), dtype=torch.float64)
        has_bias = not all(neuron.bias.is_constant for neuron in neurons) or bool(biases.any())
        linear = torch.nn.utils.skip_init(
            torch.nn.Linear, weights.shape[1], weights.shape[0], bias=has_bias, dtype=torch.float64
        )
        with torch.no_grad():
            linear.weight.copy_(weights)
            if has_bias:
                linear.bias.copy_(biases)
        modules += [linear, *_activation(torch, neurons[0].activation)]
    network = torch.nn.Sequential(*modules)
    return network.to(dtype=dtype or torch.float64, device=device)


def _layers(model: Any) -> list[list[Neuron]]:
    if isinstance(model, MLP):
        return [layer.neurons for layer in model.layers]
    if isinstance(model, Layer):
        return [model.neurons]
    if isinstance(model, Neuron):
        return [[model]]
    raise TypeError(
        f"to_torch takes an MLP, a Layer or a Neuron, not a {type(model).__name__}: compile its function, and call "
        "to_torch() of the program"
    )


def _activation(torch: Any, name: str) -> list[Any]:
    """Return the module of an activation; none for the identity."""
    makers = {
        "sigmoid": torch.nn.Sigmoid,
        "tanh": torch.nn.Tanh,
        "relu": torch.nn.ReLU,
        "softplus": lambda: torch.nn.Softplus(threshold=EXACT_THRESHOLD),
    }
    return [makers[name]()] if name in makers else []


def from_torch(sequential: Any) -> MLP:
    """Convert a `torch.nn.Sequential` to an MLP.

    Supported modules are `Linear`, `Sigmoid`, `Tanh`, `ReLU` and `Softplus` with `beta=1`; `Identity`, `Flatten` and
    `Dropout`, which are skipped; and `Sequential` of these. An MLP's softplus has no threshold, while PyTorch returns z
    itself above 20; the difference is at most 2e-9.

    Args:
        sequential: a `torch.nn.Sequential` of any dtype and device. Its weights become Python floats, which represent
            float64 and shorter dtypes exactly.

    Raises:
        TypeError: for other modules, which are named, and for anything but a `torch.nn.Sequential`.
        ValueError: for layers in an order that is not that of an MLP.
        ModuleNotFoundError: if PyTorch is missing.

    ```python
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    model = nn.from_torch(network)
    ```
    """
    torch = imported("torch", "nn.from_torch")
    if not isinstance(sequential, torch.nn.Sequential):
        raise TypeError(f"from_torch takes a torch.nn.Sequential, got {type(sequential).__name__}")
    linears, activations = _parts(torch, sequential)
    if not linears:
        raise ValueError("from_torch expects at least one torch.nn.Linear, got none")
    for before, after in pairwise(linears):
        if before.out_features != after.in_features:
            raise ValueError(
                f"a layer with {before.out_features} outputs is followed by one of {after.in_features} inputs"
            )
    model = MLP(
        linears[0].in_features,
        [linear.out_features for linear in linears],
        activations[:-1],
        activations[-1],
        initializer=constant(0.0),
    )
    values, numbers = list[Value](), list[float]()
    for layer, linear in zip(model.layers, linears):
        for neuron, row in zip(layer.neurons, linear.weight.detach().double().cpu().tolist()):
            values += neuron.weights
            numbers += row
        if linear.bias is not None:
            values += [neuron.bias for neuron in layer.neurons]
            numbers += linear.bias.detach().double().cpu().tolist()
            continue
        for neuron in layer.neurons:
            neuron.bias = Constant(0.0, neuron.bias.label)
    commit(setting("data", values, numbers))
    return model


def _parts(torch: Any, sequential: Any) -> tuple[list[Any], list[Any]]:
    """Return the linear layers, and the name of the activation after each."""
    names = {torch.nn.Sigmoid: "sigmoid", torch.nn.Tanh: "tanh", torch.nn.ReLU: "relu", torch.nn.Softplus: "softplus"}
    ignored = (torch.nn.Identity, torch.nn.Dropout, torch.nn.Flatten)
    linears: list[Any] = []
    activations: list[Any] = []
    for module in _flattened(torch, sequential):
        kind = type(module)
        if kind is torch.nn.Linear:
            linears.append(module)
            activations.append("identity")
        elif kind in names and (kind is not torch.nn.Softplus or module.beta == 1):
            if not linears or activations[-1] != "identity":
                raise ValueError(f"{kind.__name__} must follow a Linear, whose activation it is")
            activations[-1] = names[kind]
        elif kind not in ignored:
            raise TypeError(f"from_torch cannot make an MLP of {module}; it takes {EXCHANGED}")
    return linears, activations


def _flattened(torch: Any, sequential: Any) -> Iterator[Any]:
    for module in sequential:
        if isinstance(module, torch.nn.Sequential):
            yield from _flattened(torch, module)
        else:
            yield module
