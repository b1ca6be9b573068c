"""Names, keywords and training idioms of other libraries raise errors that name those of `nn`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import micrograd.nn
import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn import foreign_names

XOR: tuple[Any, Any] = ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])


def test_every_name_in_a_remedy_is_one_that_there_is() -> None:
    model = nn.MLP(2, [2, 1])
    owners: dict[str, Any] = {"autograd": autograd, "nn": nn, "model": model, "optimizer": nn.SGD(model.parameters())}
    owners |= {"layer": model.layers[0], "neuron": model.layers[0].neurons[0], "loss": Value(1.0)}
    tables = [table for name, table in vars(foreign_names).items() if name.startswith("OF_")]
    named = [pair for table in tables for text in table.values() for pair in re.findall(r"\b([a-z]+)\.(\w+)", text)]
    assert len(named) > 60
    for owner, name in named:
        if owner in owners:
            assert hasattr(owners[owner], name), f"{owner}.{name}"


@pytest.mark.parametrize("kind", ["Neuron", "Layer", "MLP"])
def test_every_attribute_of_micrograds_networks_is_there_or_answered(kind: str) -> None:
    sizes: Any = {"Neuron": (2,), "Layer": (2, 3), "MLP": (2, [3, 1])}[kind]
    theirs, ours = getattr(micrograd.nn, kind)(*sizes), getattr(nn, kind)(*sizes)
    for name in dir(theirs):
        if not name.startswith("__") and not hasattr(ours, name):
            with pytest.raises(AttributeError, match=f"{kind} has no '{name}': "):
                getattr(ours, name)


@pytest.mark.parametrize("name", ["Linear", "Sequential", "Parameter", "ReLU", "MSELoss", "functional", "ModuleList"])
def test_names_of_torch_nn_are_answered(name: str) -> None:
    torch_nn = pytest.importorskip("torch.nn", reason="PyTorch, whose names these are, is not installed")
    assert hasattr(torch_nn, name)
    with pytest.raises(AttributeError, match=rf"module 'nn' has no attribute '{name}': .*(nn|autograd)"):
        getattr(nn, name)


CALLS: list[tuple[Callable[[], Any], str]] = [
    (lambda: nn.SGD([Value(1.0)], lr=0.1), "SGD has no argument 'lr': it is called learning_rate here"),  # type: ignore[call-arg]
    (lambda: nn.SGD([Value(1.0)], weight_decay=0.1), "SGD has no argument 'weight_decay': it is called decay"),  # type: ignore[call-arg]
    (lambda: nn.Adam([Value(1.0)], weight_decay=0.1), r"Adam has no argument 'weight_decay': nn\.AdamW"),  # type: ignore[call-arg]
    (lambda: nn.AdamW([Value(1.0)], eps=0.1), "AdamW has no argument 'eps': it is called epsilon"),  # type: ignore[call-arg]
    (lambda: nn.SGD(nn.MLP(2, [1]), 0.1), r"an optimizer expects Values, got MLP\(.*\): give its parameters\(\)"),  # type: ignore[arg-type]
    (lambda: nn.SGD([Value(1.0)], 0.1).zero_grad(set_to_none=True), "zero_grad has no argument 'set_to_none': .*leave"),  # type: ignore[call-arg]
    (lambda: nn.MLP(2, [1]).zero_grad(set_to_none=True), "zero_grad has no argument 'set_to_none'"),  # type: ignore[call-arg]
    (lambda: nn.MLP(2, [1], nonlin="relu"), "MLP has no argument 'nonlin': it is called activation"),  # type: ignore[call-arg]
    (lambda: nn.Neuron(2, nonlin=False), "Neuron has no argument 'nonlin'"),  # type: ignore[call-arg]
    (lambda: nn.Layer(in_features=2, out_features=1), "Layer has no argument 'in_features': it is called nin"),  # type: ignore[call-arg]
    (lambda: nn.fit(nn.MLP(2, [1]), *XOR, lr=0.1), r"fit has no argument 'lr': .*optimizer=nn\.SGD"),  # type: ignore[call-arg]
    (lambda: nn.fit(nn.MLP(2, [1]), X=XOR[0], y=XOR[1]), "fit has no argument 'X': it is called inputs"),  # type: ignore[call-arg]
    (lambda: nn.fit(nn.MLP(2, [1]), *XOR, validation_split=0.1), r"'validation_split': write validation=\("),  # type: ignore[call-arg]
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
def test_foreign_arguments_are_answered(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_a_rate_assigned_under_a_foreign_name_would_have_no_effect_and_is_refused() -> None:
    optimizer = nn.SGD([Value(1.0)])
    with pytest.raises(AttributeError, match="SGD has no 'lr': it is called learning_rate here"):
        optimizer.lr = 0.01  # type: ignore[attr-defined]


class Line(nn.Module):
    """A network as users of PyTorch write it, with attributes under foreign names."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = Value(2.0), Value(1.0)
        self.to = "wherever"

    def forward(self, inputs: Any) -> Value:
        z: Value = self.w * inputs[0] + self.b
        return z

    def predict(self, x: float) -> float:
        return self([x]).data  # type: ignore[no-any-return]


def test_a_forward_makes_a_module_callable() -> None:
    line = Line()
    assert line([3.0]).data == 7.0
    assert line.predict(3.0) == 7.0
    assert line.to == "wherever"
    assert [name for name, _ in line.named_parameters()] == ["w", "b"]
    history = nn.fit(line, [[0.0], [1.0]], [0.0, 3.0], epochs=200, batch_size=None, progress=False)
    assert history.engine == "compiled"
    assert np.allclose(nn.predict(line, [[0.0], [1.0]]).ravel(), [0.0, 3.0], atol=0.2)


def test_a_module_that_computes_nothing_says_what_to_define() -> None:
    class Nothing(nn.Module):
        pass

    with pytest.raises(
        TypeError, match=r"Nothing computes nothing yet: define forward\(self, inputs\) in class Nothing"
    ):
        Nothing()([1.0])


def test_a_network_whose_forward_is_overridden_computes_that() -> None:
    class Doubled(nn.MLP):
        def forward(self, inputs: list[Value]) -> Any:
            return 2 * super().forward(inputs)

    plain, doubled = nn.MLP(2, [3, 1], seed=0), Doubled(2, [3, 1], seed=0)
    assert doubled([0.5, 1.0]).data == 2 * plain([0.5, 1.0]).data
    assert nn.predict(doubled, [[0.5, 1.0]] * 5).tolist() == (2 * nn.predict(plain, [[0.5, 1.0]] * 5)).tolist()


def test_reprs_tell_what_things_are() -> None:
    model = nn.MLP(2, [4, 1], "tanh")
    assert repr(model.layers[0]) == "Layer(2 inputs -> 4 tanh)"
    assert repr(model.layers[0].neurons[0]) == "Neuron(2 inputs, tanh)"
    parameters = model.parameters()
    assert repr(nn.SGD(parameters, 0.5, momentum=0.9)) == (
        "SGD(17 parameters, learning_rate=0.5, momentum=0.9, decay=0.0)"
    )
    adam = repr(nn.Adam(parameters, nn.step_decay(0.1, 0.5, 100), max_gradient_norm=1.0))
    assert adam.startswith("Adam(17 parameters, learning_rate=StepDecay(initial=0.1, factor=0.5, every=100), ")
    assert "max_gradient_norm=1.0" in adam


# Errors of `fit` for arguments that users pass

TWO, MANY = nn.MLP(2, [2], seed=0), nn.MLP(64, [10], seed=0)
IMAGES = np.zeros((5, 8, 8))
LABELS = [0, 1, 2, 3, 4]

fit: Any = nn.fit  # Any, since it gets wrong arguments here

FIXES: list[tuple[str, Callable[[], Any], str]] = [
    ("images", lambda: fit(MANY, IMAGES, LABELS), r"inputs\.reshape\(len\(inputs\), -1\)"),
    ("columns", lambda: fit(MANY, IMAGES.reshape(5, 64).T, LABELS), r"write inputs\.T"),
    ("a wider sample", lambda: fit(TWO, [[0, 0, 0]], [0]), "the network must have 3 inputs"),
    ("numbers in words", lambda: fit(TWO, np.array([["1", "2"]]), [0]), r"inputs\.astype\(float\)"),
    ("dates", lambda: fit(TWO, np.array([["2020-01-01"] * 2], "M8[D]"), [0]), "gives days"),
    ("labels from 1", lambda: fit(TWO, XOR[0], [1, 2, 2, 1]), "count from 0, so subtract 1"),
    ("a class too many", lambda: fit(TWO, XOR[0], [0, 1, 2, 0]), "3 classes need 3 outputs"),
    ("a column of labels", lambda: fit(TWO, XOR[0], [[0], [1], [1], [0]]), r"targets\.ravel\(\)"),
    ("rows for one output", lambda: fit(nn.MLP(2, [1]), XOR[0], [[0, 1]] * 4), "the last layer needs 2 neurons"),
    ("ragged rows", lambda: fit(TWO, [[0, 0], [0]], [0, 1]), "sample 0 has 2, sample 1 has 1"),
    ("a generator", lambda: fit(TWO, (x for x in XOR[0]), XOR[1]), r"write list\(inputs\)"),
    ("Values", lambda: fit(TWO, [[Value(1.0), 0.0]], [0]), r"got Values, such as .*: give their numbers, v\.data"),
    ("a hole", lambda: fit(TWO, [[1.0, None]], [0]), "a missing value, None, in sample 0, column 1"),
    ("a loss by name", lambda: fit(TWO, *XOR, loss="mse"), r"write loss=nn\.mean_squared_error"),
    ("another loss by name", lambda: fit(TWO, *XOR, loss="hinge"), r"write loss=nn\.hinge"),
    ("an optimizer by name", lambda: fit(TWO, *XOR, optimizer="adam"), r"nn\.Adam\(model\.parameters\(\)\)"),
    ("an optimizer's class", lambda: fit(TWO, *XOR, optimizer=nn.AdamW), r"optimizer=nn\.AdamW\(model\.parameters"),
    ("a class for a model", lambda: fit(nn.MLP, *XOR), r"MLP is a class: write MLP\(\.\.\.\)"),
    ("a function", lambda: fit(lambda x: x, *XOR), r"derive its class from nn\.Module"),
    ("a callback alone", lambda: fit(TWO, *XOR, callbacks=print), r"write callbacks=\[function\]"),
    ("a fraction to hold out", lambda: fit(TWO, *XOR, validation=0.2), r"validation=\(x\[:200\], t\[:200\]\)"),
]


@pytest.mark.parametrize(("attempt", "fix"), [case[1:] for case in FIXES], ids=[case[0] for case in FIXES])
def test_errors_of_fit_name_the_fix(attempt: Callable[[], Any], fix: str) -> None:
    with pytest.raises((TypeError, ValueError), match=fix):
        attempt()


def test_a_loss_or_model_of_pytorch_is_named() -> None:
    torch_nn = pytest.importorskip("torch.nn", reason="PyTorch is not installed")
    with pytest.raises(TypeError, match=r"is torch's: there are nn\.half_squared_error, nn\.mean_squared_error"):
        nn.fit(TWO, *XOR, loss=torch_nn.MSELoss())
    with pytest.raises(TypeError, match=r"derive its class from nn\.Module"):
        nn.fit(torch_nn.Linear(2, 1), *XOR)


def test_tables_with_columns_of_several_kinds_are_numbers_too() -> None:
    mixed = np.array(XOR[0], dtype=object)
    model = nn.MLP(2, [1], seed=0)
    history = nn.fit(model, mixed, XOR[1], epochs=1, progress=False)
    assert len(history) == 1
