"""Module: which Values are parameters, what they are called, and how their numbers are taken out and put back."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autograd import Value
from nn import Module


class Mixed(Module):
    """Parameters in every kind of place, and attributes that are none."""

    def __init__(self) -> None:
        self.name = "mixed"
        self.scale = Value(1.0)
        self.count = 3
        self.pair = (Value(2.0), Value(3.0))
        self.nothing = None
        self.table = {"rows": [Value(4.0), {"deep": Value(5.0)}], "size": 2}
        self.neuron = nn.Neuron(2, seed=0)
        self.blocks: list[Any] = [[nn.Neuron(1, seed=0)], "text", 1.5]


class Tied(Module):
    """Reads a number and writes it again through the same weight, with a layer that is used twice."""

    def __init__(self) -> None:
        self.encoder = nn.Layer(2, 2, seed=1)
        self.again = self.encoder
        self.weight = Value(0.5)
        self.outer = [self.weight, self.encoder.neurons[1].weights[0]]

    def __call__(self, inputs: Any) -> Value:
        a = self.again(self.encoder(inputs))
        return self.outer[0] * a[0] + self.outer[1] * a[1]


def test_a_parameter_is_named_by_the_path_that_leads_to_it() -> None:
    model = nn.MLP(64, [30, 10], seed=0)
    named = dict(model.named_parameters())
    assert named["layers.0.neurons.3.weights.12"] is model.layers[0].neurons[3].weights[12]
    assert named["layers.1.neurons.9.bias"] is model.layers[1].neurons[9].bias
    assert len(named) == 64 * 30 + 30 + 30 * 10 + 10


def test_every_weight_and_bias_of_a_network_is_a_parameter() -> None:
    model = nn.MLP(3, [4, 2, 1], seed=0)
    expected = {
        f"layers.{i}.neurons.{j}.{what}"
        for i, (nin, nout) in enumerate([(3, 4), (4, 2), (2, 1)])
        for j in range(nout)
        for what in [*(f"weights.{k}" for k in range(nin)), "bias"]
    }
    assert {name for name, _ in model.named_parameters()} == expected


def test_values_are_found_in_lists_tuples_dicts_and_modules_in_the_order_they_were_set() -> None:
    names = [name for name, _ in Mixed().named_parameters()]
    assert names == [
        "scale",
        "pair.0",
        "pair.1",
        "table.rows.0",
        "table.rows.1.deep",
        "neuron.weights.0",
        "neuron.weights.1",
        "neuron.bias",
        "blocks.0.0.weights.0",
        "blocks.0.0.bias",
    ]


def test_parameters_come_in_the_order_of_their_names() -> None:
    model = Mixed()
    assert [id(p) for p in model.parameters()] == [id(p) for _, p in model.named_parameters()]


def test_a_tied_parameter_counts_once_under_its_first_name() -> None:
    model = Tied()
    names = [name for name, _ in model.named_parameters()]
    assert names == [
        *(f"encoder.neurons.{j}.{what}" for j in range(2) for what in ("weights.0", "weights.1", "bias")),
        "weight",
    ]


def test_equal_numbers_do_not_make_parameters_the_same() -> None:
    """Values compare by their number, parameters must be told apart by identity."""
    model = Module()
    vars(model).update(a=Value(1.0), b=Value(1.0), c=[Value(1.0)])
    assert len(model.parameters()) == 3


def test_a_module_without_values_has_no_parameters() -> None:
    assert Module().parameters() == []
    assert Module().state_dict() == {}


def test_a_module_may_know_the_module_that_holds_it() -> None:
    """A child with a reference to its parent makes a circle, which must not be walked for ever."""
    parent, child = Module(), Module()
    vars(parent).update(weight=Value(1.0), child=child)
    vars(child).update(weight=Value(2.0), parent=parent)
    assert [name for name, _ in parent.named_parameters()] == ["weight", "child.weight"]


def test_zero_grad_forgets_every_gradient_and_nothing_else() -> None:
    model = Tied()
    before = model.state_dict()
    model([0.3, 0.7]).backward()
    assert all(p.grad != 0.0 for p in model.parameters())
    model.zero_grad()
    assert all(p.grad == 0.0 for p in model.parameters())
    assert model.state_dict() == before


def test_a_tied_parameter_gathers_the_gradients_of_all_its_uses() -> None:
    """y = w · (w · x), so that dy/dw = 2 w x."""
    weight = Value(3.0)
    model = Module()
    vars(model).update(first=weight, second=[weight])
    (model.first * (model.second[0] * 5.0)).backward()  # type: ignore[attr-defined]
    assert [p.grad for p in model.parameters()] == [2 * 3.0 * 5.0]


def test_state_dict_holds_plain_numbers() -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    state = model.state_dict()
    assert all(type(number) is float for number in state.values())
    assert state["layers.1.neurons.0.weights.1"] == model.layers[1].neurons[0].weights[1].data


@pytest.mark.parametrize("make", [lambda seed: nn.MLP(3, [4, 2], seed=seed), lambda seed: Tied()], ids=["MLP", "tied"])
def test_a_state_put_into_another_module_makes_it_compute_the_same_bits(make: Callable[[int], Any]) -> None:
    one, other = make(1), make(2)
    for k, parameter in enumerate(one.parameters()):
        parameter.data = math.sin(k + 1.0)
    inputs = [0.1, 0.2, 0.3][: len(one.layers[0].neurons[0].weights) if isinstance(one, nn.MLP) else 2]
    assert other(inputs) != one(inputs)
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict()
    assert other(inputs) == one(inputs)


def test_loading_a_state_keeps_the_parameters_that_an_optimizer_holds() -> None:
    model = nn.MLP(2, [1], seed=0)
    before = model.parameters()
    model.load_state_dict(nn.MLP(2, [1], seed=1).state_dict())
    assert [id(p) for p in model.parameters()] == [id(p) for p in before]


def test_integers_are_numbers_too() -> None:
    model = nn.Neuron(1, seed=0)
    model.load_state_dict({"weights.0": 2, "bias": -1})
    assert model.state_dict() == {"weights.0": 2.0, "bias": -1.0}
    assert all(type(number) is float for number in model.state_dict().values())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: state.pop("layers.0.neurons.1.bias"), ValueError, "1 parameters are missing.*neurons.1.bias"),
        (lambda state: state.update(extra=1.0), ValueError, "1 are unknown.*extra"),
        (lambda state: state.clear(), ValueError, "are missing"),
        (lambda state: state.update({"layers.1.neurons.0.bias": "0.5"}), TypeError, "real number"),
        (lambda state: state.update({"layers.1.neurons.0.bias": None}), TypeError, "real number"),
        (lambda state: state.update({"layers.1.neurons.0.bias": 1j}), TypeError, "real number"),
        (lambda state: state.update({"layers.1.neurons.0.bias": Value(1.0)}), TypeError, "real number"),
        (lambda state: state.update({"layers.1.neurons.0.bias": [1.0]}), TypeError, "real number"),
    ],
    ids=["missing", "unknown", "empty", "string", "None", "complex", "Value", "list"],
)
def test_a_state_that_does_not_fit_changes_nothing(
    change: Callable[[dict[str, Any]], Any], error: type[Exception], message: str
) -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    before = model.state_dict()
    state: dict[str, Any] = nn.MLP(2, [2, 1], seed=1).state_dict()
    change(state)
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    assert model.state_dict() == before


def _pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda model: pickle.loads(pickle.dumps(model, protocol))


COPIES = [copy.deepcopy, *(_pickled(protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))]
NAMES = ["deepcopy", *(f"pickle {protocol}" for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))]


@pytest.mark.parametrize("copied", COPIES, ids=NAMES)
def test_copies_of_a_module_keep_sharing_and_are_independent(copied: Callable[[Any], Any]) -> None:
    model = Tied()
    model([0.3, 0.7]).backward()
    other = copied(model)
    assert other.again is other.encoder
    assert other.outer[0] is other.weight
    assert other.outer[1] is other.encoder.neurons[1].weights[0]
    assert other.state_dict() == model.state_dict()
    assert [p.grad for p in other.parameters()] == [p.grad for p in model.parameters()]
    assert [p.label for p in other.parameters()] == [p.label for p in model.parameters()]
    assert not set(other.parameters()) & set(model.parameters())
    before = model.state_dict()
    for parameter in other.parameters():
        parameter.data += 1.0
    assert model.state_dict() == before


@pytest.mark.parametrize("copied", COPIES, ids=NAMES)
def test_copies_of_a_network_compute_and_learn_the_same_bits(copied: Callable[[Any], Any]) -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    other = copied(model)
    inputs, targets = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    for network in (model, other):
        nn.fit(network, inputs, targets, epochs=3, batch_size=2, seed=0, progress=False)
    assert other.state_dict() == model.state_dict()
    assert repr(other) == repr(model)


def test_a_model_and_its_optimizer_pickled_together_stay_together() -> None:
    model = nn.Neuron(2, seed=0)
    other_model, other_optimizer = pickle.loads(pickle.dumps((model, nn.SGD(model.parameters()))))
    assert [id(p) for p in other_optimizer.parameters] == [id(p) for p in other_model.parameters()]


def test_what_was_computed_is_no_parameter() -> None:
    """A module may keep its last activation, say, or a constant, and no optimizer has business with these."""
    model = Module()
    w = Value(2.0)
    vars(model).update(w=w, last=w * 3.0, constant=w.detach())
    assert [name for name, _ in model.named_parameters()] == ["w"]
