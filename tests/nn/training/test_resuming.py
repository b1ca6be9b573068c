"""Checkpoints identify their training: `fit` continues the same one, and rejects others, naming both values."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as to_safetensors

import nn
from autograd import Value
from autograd.compiler.targets.native import cost
from nn.training import files
from nn.training.models import load, save

X, Y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]


def net(activation: Any = "tanh", hidden: int = 3, output: Any = "sigmoid") -> nn.MLP:
    return nn.MLP(2, [hidden, 1], activation, output, seed=0)


def train(path: Path, model: Any = None, make: Any = None, **settings: Any) -> tuple[Any, nn.History]:
    model = model or net()
    optimizer = (make or (lambda p: nn.SGD(p, 0.5, momentum=0.9)))(model.parameters())
    given: dict[str, Any] = {"inputs": X, "targets": Y, "epochs": 3, "seed": 0, "batch_size": 2, **settings}
    given |= {"checkpoint": path, "resume": path.exists(), "progress": False, "engine": "eager"}
    return model, nn.fit(model, given.pop("inputs"), given.pop("targets"), optimizer=optimizer, **given)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    train(tmp_path / "run.safetensors")
    return tmp_path / "run.safetensors"


OTHERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "activation": ({"model": lambda: net("relu")}, "3 tanh", "3 relu"),
    "output activation": ({"model": lambda: net(output="tanh"), "loss": nn.mean_squared_error}, "1 sigmoid", "1 tanh"),
    "size": ({"model": lambda: net(hidden=4)}, "3 tanh", "4 tanh"),
    "loss": ({"loss": nn.mean_squared_error}, "half_squared_error", "mean_squared_error"),
    "reduction": ({"reduction": "sum"}, "'mean'", "'sum'"),
    "batch size": ({"batch_size": 4}, "2", "4"),
    "whole batch": ({"batch_size": None}, "2", "None"),
    "shuffle": ({"shuffle": False}, "True", "False"),
    "seed": ({"seed": 1}, "0", "1"),
    "momentum": ({"make": lambda p: nn.SGD(p, 0.5, momentum=0.8)}, "0.9", "0.8"),
    "learning rate": ({"make": lambda p: nn.SGD(p, 0.25, momentum=0.9)}, "0.5", "0.25"),
    "schedule": ({"make": lambda p: nn.SGD(p, nn.cosine_decay(0.5, 9), momentum=0.9)}, "0.5", "steps=9"),
    "decay": ({"make": lambda p: nn.SGD(p, 0.5, momentum=0.9, decay=0.1)}, "0.0", "0.1"),
    "largest norm": ({"make": lambda p: nn.SGD(p, 0.5, 0.9, max_gradient_norm=1.0)}, "None", "1.0"),
    "rule": ({"make": lambda p: nn.Adam(p, 0.5)}, "SGD", "Adam"),
    "number of samples": ({"inputs": X + X, "targets": Y + Y}, "[4, 2]", "[8, 2]"),
}


@pytest.mark.parametrize(("change", "before", "now"), OTHERS.values(), ids=list(OTHERS))
def test_another_training_is_refused_with_both_values(
    change: dict[str, Any], before: str, now: str, path: Path
) -> None:
    settings = {**change, "model": change.get("model", net)()}
    state, content = settings["model"].state_dict(), path.read_bytes()
    with pytest.raises(ValueError, match=r"run\.safetensors does not fit") as caught:
        train(path, epochs=5, **settings)
    assert before in str(caught.value)
    assert now in str(caught.value)
    assert settings["model"].state_dict() == state
    assert path.read_bytes() == content


@pytest.mark.parametrize("rule", [nn.SGD, nn.Adam, nn.AdamW])
@pytest.mark.parametrize("rate", [0.1, nn.cosine_decay(0.1, 20), nn.step_decay(0.1, 0.5, 3)], ids=repr)
def test_the_same_training_goes_on_to_the_same_bits(rule: Any, rate: Any, tmp_path: Path) -> None:
    whole, whole_history = train(tmp_path / "whole", make=lambda p: rule(p, rate), epochs=6)
    train(tmp_path / "part", make=lambda p: rule(p, rate), epochs=2)
    resumed, history = train(tmp_path / "part", make=lambda p: rule(p, rate), epochs=6)
    assert resumed.state_dict() == whole.state_dict()
    assert history.costs == whole_history.costs


def test_state_vectors_belong_to_parameters_by_name(tmp_path: Path) -> None:
    """When training resumes, the optimizer has its parameters in another order."""

    def backwards(parameters: list[Value]) -> nn.Optimizer:
        return nn.Adam(parameters[::-1], 0.1)

    whole, _ = train(tmp_path / "whole", make=lambda p: nn.Adam(p, 0.1), epochs=6)
    train(tmp_path / "part", make=lambda p: nn.Adam(p, 0.1), epochs=2)
    resumed, _ = train(tmp_path / "part", make=backwards, epochs=6)
    assert resumed.state_dict() == whole.state_dict()


def test_an_optimizer_of_fewer_parameters_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match=r"its optimizer had 13 parameters, this one has 12; see 'layers\.1"):
        train(path, make=lambda p: nn.SGD(p[:-1], 0.5, momentum=0.9))


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> None:
    """Change a checkpoint, and give it the right digest."""
    tensors, texts, _ = files.read(path, files.CHECKPOINT)
    change(tensors, texts)
    content = {key: json.dumps(text) for key, text in texts.items()}
    digest = files.digest(tensors, content)
    path.write_bytes(to_safetensors(tensors, {**content, "format": files.CHECKPOINT, "sha256": digest}))


DAMAGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "many steps": lambda tensors, texts: texts["optimizer"].update(steps=10**30),
    "steps below 0": lambda tensors, texts: texts["optimizer"].update(steps=-1),
    "steps with a point": lambda tensors, texts: texts["optimizer"].update(steps=6.0),
    "True steps": lambda tensors, texts: texts["optimizer"].update(steps=True),
    "no rate": lambda tensors, texts: texts["optimizer"].pop("largest_rate"),
    "a rate in words": lambda tensors, texts: texts["optimizer"].update(largest_rate="large"),
    "an infinite rate": lambda tensors, texts: texts["optimizer"].update(largest_rate=math.inf),
    "nan among the parameters": lambda tensors, texts: tensors["parameters"].__setitem__(3, math.nan),
    "a parameter more than names": lambda tensors, texts: tensors.update(parameters=np.zeros(14)),
    "a name more than parameters": lambda tensors, texts: texts["names"].append("more"),
    "inf in a vector": lambda tensors, texts: tensors["optimizer.mean"].__setitem__(3, math.inf),
    "a vector in a matrix": lambda tensors, texts: tensors.update({"optimizer.mean": np.zeros((13, 1))}),
    "no run": lambda tensors, texts: texts.pop("run"),
    "a run in words": lambda tensors, texts: texts.update(run="a run"),
    "a run with less": lambda tensors, texts: texts["run"].pop("loss"),
    "a run with more": lambda tensors, texts: texts["run"].update(more=1),
    "no names": lambda tensors, texts: texts.pop("optimizer_names"),
    "names that are numbers": lambda tensors, texts: texts.update(optimizer_names=list(range(13))),
    "names twice": lambda tensors, texts: texts.update(optimizer_names=["layers.0.neurons.0.bias"] * 13),
    "a cost in words": lambda tensors, texts: texts["epochs"][0].update(cost="low"),
    "no cost": lambda tensors, texts: texts["epochs"][0].update(cost=None),
    "an epoch twice": lambda tensors, texts: texts["epochs"].append(texts["epochs"][0]),
    "an accuracy of lists": lambda tensors, texts: texts["epochs"][0].update(accuracy=[1.0]),
    "an epoch of true": lambda tensors, texts: texts["epochs"][0].update(epoch=True),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_damages_are_one_clear_error_and_change_nothing(
    damage: Callable[[dict[str, Any], dict[str, Any]], Any], tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    train(path, make=lambda p: nn.AdamW(p, 0.1))
    forge(path, damage)
    model = net()
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"run\.safetensors"):
        train(path, model, make=lambda p: nn.AdamW(p, 0.1))
    assert model.state_dict() == before


@pytest.mark.parametrize("names", ["abcdefghijklm", ["a"] * 12 + [1], None, {"a": 1}], ids=repr)
def test_names_of_parameters_are_texts(names: Any, path: Path) -> None:
    forge(path, lambda tensors, texts: texts.update(optimizer_names=names))
    with pytest.raises(ValueError, match=r"run\.safetensors does not fit: names must be texts, got"):
        train(path)


def test_a_checkpoint_of_very_many_steps_is_read_at_once(tmp_path: Path) -> None:
    """Loading does not repeat all steps, which would take forever with a schedule."""
    path = tmp_path / "run.safetensors"

    def make(p: list[Value]) -> nn.Optimizer:
        return nn.AdamW(p, nn.cosine_decay(0.1, 20))

    train(path, make=make)
    forge(path, lambda tensors, texts: texts["optimizer"].update(steps=10**15))
    _, history = train(path, make=make, epochs=4)
    assert len(history) == 4


def test_random_damages_are_errors_or_change_nothing_that_counts(path: Path) -> None:
    content = path.read_bytes()
    chance = random.Random(0)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 1, 2, 20])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        if path.read_bytes() == content:
            continue
        try:
            train(path)
        except ValueError as error:
            assert "run.safetensors" in str(error)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_models_with_inf_or_nan_are_neither_saved_nor_loaded(number: float, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save(net(), path)
    content = path.read_bytes()
    model = net()
    model.layers[0].neurons[1].weights[1].data = number
    with pytest.raises(ValueError, match=r"layers\.0\.neurons\.1\.weights\.1 is -?(inf|nan)"):
        save(model, path)
    assert path.read_bytes() == content
    tensors, texts, _ = files.read(path, files.MODEL)
    tensors["w1"][1, 1] = number
    written = {key: json.dumps(text) for key, text in texts.items()}
    digest = files.digest(tensors, written)
    path.write_bytes(to_safetensors(tensors, {**written, "format": files.MODEL, "sha256": digest}))
    with pytest.raises(ValueError, match=r"model\.safetensors holds -?(inf|nan) in w1\[1, 1\]"):
        load(path)


def test_the_digest_covers_shapes() -> None:
    content = {"a": "b"}
    digests = {files.digest({"w": np.zeros(shape)}, content) for shape in ((6,), (2, 3), (3, 2), (1, 6))}
    assert len(digests) == 4


@pytest.mark.parametrize("epochs", [2, 9])
def test_a_training_that_changes_to_machine_code_is_resumed_to_the_same_bits(
    epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed training changes at the same update, if interrupted before the change or after it."""
    pytest.importorskip("llvmlite", reason="llvmlite, which makes machine code, is not installed")
    monkeypatch.setattr(cost, "PATIENCE", 0.008)
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(60, 4)), np.eye(3)[chance.integers(0, 3, 60)]

    def trained(path: Path, epochs: int) -> tuple[nn.MLP, int]:
        model = nn.MLP(4, [12, 3], seed=2)
        settings: dict[str, Any] = {"optimizer": nn.Adam(model.parameters(), 0.01), "seed": 0, "batch_size": 10}
        nn.fit(model, x, y, epochs=epochs, checkpoint=path, resume=path.exists(), progress=False, **settings)
        return model, files.read(path, files.CHECKPOINT)[1]["warm_up"]["gradient"]

    whole, at_the_change = trained(tmp_path / "whole", 12)
    _, when_interrupted = trained(tmp_path / "part", epochs)
    assert (when_interrupted < at_the_change) == (epochs == 2)  # once there is machine code, nothing is counted
    assert trained(tmp_path / "part", 12)[0].state_dict() == whole.state_dict()


@pytest.mark.parametrize("claim", [5, [], {"gradient": "x"}, {"gradient": -1}, {"gradient": 0.5}], ids=repr)
def test_what_a_checkpoint_claims_of_machine_code_is_checked(claim: Any, path: Path) -> None:
    tensors, texts, _ = files.read(path, files.CHECKPOINT)
    files.write(path, files.CHECKPOINT, tensors, {**texts, "warm_up": claim})
    with pytest.raises(ValueError, match="damaged"):
        train(path, epochs=4)


def test_an_engine_that_was_cold_goes_on_cold(path: Path) -> None:
    tensors, texts, _ = files.read(path, files.CHECKPOINT)
    files.write(path, files.CHECKPOINT, tensors, {**texts, "warm_up": {"gradient": 0}})
    assert len(train(path, epochs=4)[1]) == 4
