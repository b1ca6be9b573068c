"""Neuron, Layer and MLP, in textbook notation: z = Σ w a + b, a = σ(z)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import autograd
from autograd import Constant, Value
from autograd.support.foreign_names import explain_arguments, explain_attributes
from nn.arguments import Inputs, as_values, checked_count, random_source
from nn.foreign_names import OF_LAYERS, OF_MODULE_ARGUMENTS, OF_NETWORKS, OF_NEURONS
from nn.initializers import Initializer, RandomSource, default_initializer
from nn.module import Module

Activation = Literal["sigmoid", "tanh", "relu", "softplus", "identity"]

if TYPE_CHECKING:

    class Outputs(Value, list[Value]):  # type: ignore[misc]
        """A network's result for type checkers: a Value or a list of them; the caller knows which."""


def _identity(z: Any) -> Any:
    return z


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": autograd.sigmoid,
    "tanh": autograd.tanh,
    "relu": autograd.relu,
    "softplus": autograd.softplus,
    "identity": _identity,
}


class Neuron(Module):
    """One neuron: the weighted sum z of its inputs plus a bias, and an activation a = σ(z).

    Args:
        nin: the number of inputs and weights.
        activation: "sigmoid", "tanh", "relu", "softplus" or "identity".
        initializer: draws the initial weights; the default suits the activation (`default_initializer`).
        seed: the seed of the weights; None draws from Python's global `random`.
        nout: the number of neurons in the layer, for initializers that use it.
        elementary: build z from additions and multiplications, one node each, instead of one `dot` node.
        bias: add a trainable bias; otherwise it is the constant 0.
        name: prefix of its Values' labels.

    Attributes: `weights` (a list of `nin` Values), `bias` (a Value), `activation`, `elementary`.

    >>> neuron = Neuron(2, initializer=lambda random, fan_in, fan_out: 1.0)
    >>> neuron([3.0, -3.0])
    Value(data=0.5, grad=0.0, op='sigmoid', label='a')
    """

    @explain_arguments(OF_MODULE_ARGUMENTS)
    def __init__(
        self,
        nin: int,
        activation: Activation = "sigmoid",
        *,
        initializer: Initializer | None = None,
        seed: int | RandomSource | None = None,
        nout: int = 1,
        elementary: bool = False,
        bias: bool = True,
        name: str = "",
    ) -> None:
        self.activation: str = _known_activation(activation)
        draw = initializer or default_initializer(activation)
        source = random_source(seed)
        prefix = f"{name}." if name else ""
        fan_in = checked_count(nin, "inputs")
        self.weights: list[Value] = [Value(draw(source, fan_in, nout), f"{prefix}weights.{k}") for k in range(fan_in)]
        self.bias: Value | Constant = Value(0.0) if bias else Constant(0.0)
        self.bias.label = f"{prefix}bias"
        self.elementary = elementary
        self._labels = (f"{prefix}z", f"{prefix}a")

    def __call__(self, inputs: Inputs) -> Value:
        """Compute the activation a. Raise ValueError unless there is one input per weight."""
        return self.forward(as_values(inputs, len(self.weights), "Neuron"))

    def forward(self, inputs: list[Value]) -> Value:
        """Compute the activation for one Value per weight, without checks."""
        if self.elementary:
            z = sum(map(operator.mul, self.weights, inputs), self.bias)
        else:
            z = autograd.dot(self.weights, inputs, self.bias)
        a: Value = ACTIVATIONS[self.activation](z)
        z.label, a.label = self._labels
        return a

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.weights)} inputs, {self.activation})"


class Layer(Module):
    """A layer of `nout` neurons with the same `nin` inputs; arguments as in Neuron. Attribute: `neurons`, a list.

    >>> linear = Layer(16, 64, "identity", bias=False, seed=0)
    >>> len(linear.parameters()), len(linear([0.5] * 16))
    (1024, 64)
    """

    @explain_arguments(OF_MODULE_ARGUMENTS)
    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation = "sigmoid",
        *,
        initializer: Initializer | None = None,
        seed: int | RandomSource | None = None,
        elementary: bool = False,
        bias: bool = True,
        name: str = "",
    ) -> None:
        source = random_source(seed)
        prefix = f"{name}." if name else ""
        self.neurons: list[Neuron] = [
            Neuron(
                nin,
                activation,
                initializer=initializer,
                seed=source,
                nout=nout,
                elementary=elementary,
                bias=bias,
                name=f"{prefix}neurons.{j}",
            )
            for j in range(checked_count(nout, "neurons"))
        ]

    @property
    def activation(self) -> str:
        """Return the name of its neurons' activation."""
        return self.neurons[0].activation

    def __call__(self, inputs: Inputs) -> list[Value]:
        """Compute the neurons' activations. Raise ValueError for the wrong number of inputs."""
        return self.forward(as_values(inputs, len(self.neurons[0].weights), "Layer"))

    def forward(self, inputs: list[Value]) -> list[Value]:
        """Compute the activations for one Value per input, without checks."""
        return [neuron.forward(inputs) for neuron in self.neurons]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.neurons[0].weights)} inputs -> {len(self.neurons)} {self.activation})"


class MLP(Module):
    """A multilayer perceptron of fully connected layers.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons in each layer, the output layer last.
        activation: the activation of the hidden layers: one name, or a sequence with a name per hidden layer.
        output_activation: the activation of the output layer. Losses on logits need "identity".
        initializer, seed, elementary: as in Neuron; by default weights are drawn by `default_initializer`.

    Attributes: `nin`, and `layers`, where `model.layers[i].neurons[j].weights[k]` is the weight w_jk of layer i + 1.

    Raises:
        ValueError: for counts below 1, no layers, or unknown activations.
        TypeError: for counts that are not integers.

    >>> model = MLP(64, [30, 10], seed=0)
    >>> len(model.parameters()), len(model([0.5] * 64))
    (2260, 10)
    """

    @explain_arguments(OF_MODULE_ARGUMENTS)
    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation | Sequence[Activation] = "sigmoid",
        output_activation: Activation = "sigmoid",
        *,
        initializer: Initializer | None = None,
        seed: int | RandomSource | None = None,
        elementary: bool = False,
    ) -> None:
        if not hasattr(nouts, "__len__") or not len(nouts):
            raise ValueError(f"nouts expects a list with the number of neurons of each layer, got {nouts!r}")
        hidden = [activation] * (len(nouts) - 1) if isinstance(activation, str) else activation
        if not hasattr(hidden, "__len__") or len(hidden) != len(nouts) - 1:
            raise ValueError(
                f"activation expects one name, or one for each of the {len(nouts) - 1} hidden layers; got {hidden!r}"
            )
        source = random_source(seed)
        self.nin: int = checked_count(nin, "inputs")
        sizes = [nin, *nouts]
        self.layers: list[Layer] = [
            Layer(
                sizes[i],
                sizes[i + 1],
                name_of_activation,
                initializer=initializer,
                seed=source,
                elementary=elementary,
                name=f"layers.{i}",
            )
            for i, name_of_activation in enumerate([*hidden, output_activation])
        ]

    def __call__(self, inputs: Inputs) -> Outputs:
        """Compute the output neurons' activations: a list of Values, or a single Value for one output neuron.

        Raises:
            ValueError: unless there are `nin` inputs.
            TypeError: if an input is not a number.
        """
        return self.forward(as_values(inputs, self.nin, "MLP"))

    def forward(self, inputs: list[Value]) -> Outputs:
        """Compute the outputs for one Value per input, without checks."""
        activations = inputs
        for layer in self.layers:
            activations = layer.forward(activations)
        return cast("Outputs", activations if len(activations) > 1 else activations[0])

    def __repr__(self) -> str:
        layers = ", ".join(f"{len(layer.neurons)} {layer.activation}" for layer in self.layers)
        return f"MLP({self.nin} inputs -> {layers})"


explain_attributes(Neuron, OF_NEURONS)
explain_attributes(Layer, OF_LAYERS)
explain_attributes(MLP, OF_NETWORKS)


def inputs_of(model: Any) -> int | None:
    """Return the number of inputs of an MLP, a Layer or a Neuron; None for other models."""
    if isinstance(model, MLP):
        return model.nin
    if isinstance(model, Layer):
        return len(model.neurons[0].weights)
    return len(model.weights) if isinstance(model, Neuron) else None


def output_activation(model: Any) -> str | None:
    """Return the output activation's name of an MLP, a Layer or a Neuron; None for other models."""
    if isinstance(model, MLP):
        return model.layers[-1].activation
    return model.activation if isinstance(model, (Layer, Neuron)) else None


def _known_activation(activation: str) -> str:
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}; choose one of {', '.join(ACTIVATIONS)}")
    return activation
