"""Module: which Values are parameters, their names, and how their numbers are saved and restored."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import pickle
from collections import ChainMap, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import nn
from autograd import Constant, Value
from nn import Module


class Mixed(Module):
    """A module with parameters in all kinds of places, and other attributes."""

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
    """A module whose input and output use one weight, with a layer that is used twice."""

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
    """Values compare by number, so parameters must be distinguished by identity."""
    model = Module()
    vars(model).update(a=Value(1.0), b=Value(1.0), c=[Value(1.0)])
    assert len(model.parameters()) == 3


def test_a_module_without_values_has_no_parameters() -> None:
    assert Module().parameters() == []
    assert Module().state_dict() == {}


def test_a_module_may_know_the_module_that_holds_it() -> None:
    """A child with a reference to its parent makes a cycle, which must not be followed forever."""
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
    """For y = w · (w · x), dy/dw is 2 w x."""
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
    """A module may store its last activation or a constant, which no optimizer may update."""
    model = Module()
    w = Value(2.0)
    vars(model).update(w=w, last=w * 3.0, constant=w.detach())
    assert [name for name, _ in model.named_parameters()] == ["w"]


# Containers that may hold a Value


@dataclasses.dataclass
class Weights:
    w: Value
    rest: Any = None


class Point(NamedTuple):
    x: Value
    y: Value


class Slots(Module):
    __slots__ = ("_Slots__private", "second", "unset")

    def __init__(self) -> None:
        self.first, self.second = Value(1.0), [Value(2.0)]
        self.__private = Value(3.0)


class Plain:
    """An object that is not a Module."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


def module(**attributes: Any) -> Module:
    made = Module()
    vars(made).update(attributes)
    return made


def values(n: int) -> list[Value]:
    return [Value(float(k)) for k in range(n)]


def objects(shape: tuple[int, ...]) -> Any:
    array = np.empty(math.prod(shape), dtype=object)
    array[:] = values(array.size)
    return array.reshape(shape)


def fields() -> Any:
    array = np.zeros(2, dtype=[("x", "f8"), ("v", "O")])
    array["v"] = values(2)
    return array


HOLDERS: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "a vector": (lambda: objects((3,)), ["0", "1", "2"]),
    "a matrix": (lambda: objects((2, 2)), ["0.0", "0.1", "1.0", "1.1"]),
    "an array of three axes": (lambda: objects((1, 2, 1)), ["0.0.0", "0.1.0"]),
    "a transposed view": (lambda: objects((2, 1)).T, ["0.0", "0.1"]),
    "an array without axes": (lambda: objects(()), [""]),
    "an empty array": (lambda: objects((0, 3)), []),
    "an array of floats": (lambda: np.zeros(3), []),
    "an array with fields": (fields, ["0.1", "1.1"]),
    "an array of modules": (lambda: np.array([nn.Neuron(1, seed=0)], dtype=object), ["0.weights.0", "0.bias"]),
    "an array in a dict in a list": (lambda: [{"a": objects((1,))}], ["0.a.0"]),
    "an array in an array": (lambda: np.array([objects((2,)), None], dtype=object), ["0.0", "0.1"]),
    "a column of pandas": (lambda: pd.Series(values(2), index=["a", "b"]), ["0", "1"]),
    "a table of pandas": (lambda: pd.DataFrame({"a": values(2), "b": [1.0, 2.0]}), ["0.0", "1.0"]),
    "a deque": (lambda: deque(values(2)), ["0", "1"]),
    "a UserList": (lambda: UserList(values(2)), ["0", "1"]),
    "a UserDict": (lambda: UserDict(a=Value(1.0)), ["a"]),
    "an OrderedDict": (lambda: OrderedDict(b=Value(1.0), a=Value(2.0)), ["b", "a"]),
    "a defaultdict": (lambda: defaultdict(list, a=values(1)), ["a.0"]),
    "a ChainMap": (lambda: ChainMap({"a": Value(1.0)}), ["a"]),
    "a mapping proxy": (lambda: MappingProxyType({"a": Value(1.0)}), ["a"]),
    "a named tuple": (lambda: Point(*values(2)), ["0", "1"]),
    "a dataclass": (lambda: Weights(Value(1.0), [Weights(Value(2.0))]), ["w", "rest.0.w"]),
    "a namespace": (lambda: SimpleNamespace(b=Value(1.0), a=values(1)), ["b", "a.0"]),
    "a module with slots": (Slots, ["first", "_Slots__private", "second.0"]),
}


@pytest.mark.parametrize(("make", "names"), HOLDERS.values(), ids=list(HOLDERS))
def test_values_are_found_wherever_they_are_kept(make: Callable[[], Any], names: list[str]) -> None:
    held = module(held=make(), last=Value(7.0))
    expected = [f"held.{name}" if name else "held" for name in names]
    assert [name for name, _ in held.named_parameters()] == [*expected, "last"]
    for p in held.parameters():
        p.grad = 1.0
    held.zero_grad()
    assert all(p.grad == 0.0 for p in held.parameters())
    other = module(held=make(), last=Value(7.0))
    other.load_state_dict(dict.fromkeys(held.state_dict(), 0.5))
    assert {*other.state_dict().values()} == {0.5}


def test_weights_in_an_array_are_trained() -> None:
    class Line(Module):
        def __init__(self) -> None:
            self.w = np.array([[Value(0.0), Value(0.0)]], dtype=object)

        def __call__(self, x: Any) -> Value:
            result: Value = (self.w @ np.array(x, dtype=object))[0]
            return result

    model = Line()
    x = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    nn.fit(model, x, [2.0, -1.0, 1.0], epochs=300, batch_size=None, seed=0, progress=False)
    assert [p.data for p in model.parameters()] == pytest.approx([2.0, -1.0], abs=1e-3)


HIDDEN: dict[str, Callable[[Value], Any]] = {
    "a set": lambda w: {w},
    "a frozenset": lambda w: frozenset([w, w * 2]),
    "a dict's values": lambda w: {"w": w}.values(),
    "a dict's keys": lambda w: {w: "w"}.keys(),
    "a dict's items": lambda w: {"w": w}.items(),
    "an object": lambda w: Plain(w=w),
    "a list in an object": lambda w: Plain(count=1, ws=[[1.0, {"w": w}]]),
    "an array in an object": lambda w: Plain(ws=np.array([w], dtype=object)),
    "a module in an object": lambda w: Plain(inner=module(w=w)),
}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=list(HIDDEN))
def test_values_that_have_no_lasting_name_are_refused_unless_they_are_found_elsewhere(
    hide: Callable[[Value], Any],
) -> None:
    w = Value(1.0)
    for use in (Module.parameters, Module.state_dict, Module.zero_grad, lambda m: dict(m.named_parameters())):
        with pytest.raises(TypeError, match=r"held.inner holds parameters in a \w+: (it has no|derive its)"):
            use(module(held={"inner": hide(w)}))
    assert [name for name, _ in module(held=hide(w), w=w).named_parameters()] == ["w"]


def test_an_optimizer_among_the_attributes_does_no_harm() -> None:
    model = nn.MLP(2, [2, 1], seed=0)
    names = [name for name, _ in model.named_parameters()]
    vars(model)["optimizer"] = nn.Adam(model.parameters())
    assert [name for name, _ in model.named_parameters()] == names


def test_what_holds_no_parameters_is_passed_over() -> None:
    x = Value(2.0)
    harmless = module(
        computed={x * 2},
        constants={Constant(1.0)},
        plain=Plain(y=x * 2, c=Constant(1.0), numbers=[1.0]),
        function=lambda: x,
        numpy=np,
        type=Plain,
        text="text",
        range=range(10**12),
        endless=itertools.count(),
        frame=pd.DataFrame({"a": [1.0, 2.0]}),
        w=Value(1.0),
    )
    assert [name for name, _ in harmless.named_parameters()] == ["w"]


def test_a_value_of_the_class_is_refused() -> None:
    """Copies would share it, and pickles would leave it out."""

    class Line(Module):
        slope = Value(2.0)
        zero = Constant(0.0)

    with pytest.raises(TypeError, match=r"the module holds parameters in a Line: set it in __init__"):
        Line().parameters()
    hidden = Line()
    hidden.slope = Value(3.0)
    assert hidden.state_dict() == {"slope": 3.0}


def test_two_parameters_of_one_name_are_refused() -> None:
    """A state dict would keep only one of them."""
    for clash in (
        module(table={1: Value(1.0), "1": Value(2.0)}),
        module(**{"a.b": Value(1.0), "a": {"b": Value(2.0)}}),
    ):
        with pytest.raises(ValueError, match=r"two parameters have the name '(table\.1|a\.b)'"):
            clash.state_dict()


def test_lists_made_on_the_way_do_not_hide_one_another() -> None:
    """Ids of freed objects are reused."""
    held = module(arrays=[objects((2,)) for _ in range(200)])
    assert len(held.parameters()) == 400


class PlainSlots:
    """An object with slots that is not a Module."""

    __slots__ = ("__private", "names")

    def __init__(self) -> None:
        self.__private = [Value(1.0)]


def test_parameters_in_the_slots_of_what_is_no_module_are_refused() -> None:
    with pytest.raises(TypeError, match=r"held holds parameters in a PlainSlots: derive its class from nn\.Module"):
        module(held=PlainSlots()).parameters()


def test_a_function_does_not_hold_the_parameters_of_its_file() -> None:
    assert module(activation=module).parameters() == []
