"""User-defined modules on disk: saved as named arrays and loaded into an instance, which errors leave unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import nn
from autograd import Value


class GPT(nn.Module):
    """A Transformer with one layer, made from this package's parts and from plain Values."""

    def __init__(self, *, width: int = 4, tokens: int = 5, bias: bool = False, seed: int = 0) -> None:
        self.embedding = nn.Embedding(tokens, width, seed=seed)
        self.positions = [[Value(0.1 * i - 0.2 * k * seed) for k in range(width)] for i in range(3)]
        self.norm = nn.RMSNorm(width)
        self.attention = nn.CausalSelfAttention(width, 2, seed=seed)
        self.layers = [nn.Layer(width, 2 * width, "relu", bias=bias, seed=seed), nn.Layer(2 * width, width, seed=seed)]
        self.temperature = Value(1.0 + seed)

    def forward(self, tokens: list[int]) -> list[list[Value]]:
        xs = [[a + b for a, b in zip(x, p)] for x, p in zip(self.embedding(tokens), self.positions)]
        xs = [[a + b for a, b in zip(x, y)] for x, y in zip(xs, self.attention([self.norm(x) for x in xs]))]
        return [[y * self.temperature for y in self.layers[1](self.layers[0](x))] for x in xs]


def numbers(gpt: GPT) -> list[float]:
    return [y.data for row in gpt([3, 0, 4]) for y in row]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    nn.save(GPT(seed=1), tmp_path / "gpt.safetensors", {"alphabet": "abcd"})
    return tmp_path / "gpt.safetensors"


def test_a_gpt_comes_back_bit_for_bit_into_an_instance(path: Path) -> None:
    saved, other = GPT(seed=1), GPT(seed=2)
    for k, parameter in enumerate(other.parameters()):
        parameter.grad = float(k)
    assert numbers(other) != numbers(saved)
    assert nn.load(path, into=other) is other
    assert other.state_dict() == saved.state_dict()
    assert numbers(other) == numbers(saved)
    assert [parameter.grad for parameter in other.parameters()] == list(range(len(other.parameters())))
    assert nn.read_metadata(path) == {"alphabet": "abcd"}


def test_other_programs_read_arrays_by_name(path: Path) -> None:
    gpt, tensors = GPT(seed=1), load_file(path)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    assert shapes == {
        "embedding.table": (5, 4),
        "positions": (3, 4),
        "norm.gains": (4,),
        "attention.query.neurons.weights": (4, 4),
        "attention.key.neurons.weights": (4, 4),
        "attention.value.neurons.weights": (4, 4),
        "attention.output.neurons.weights": (4, 4),
        "layers.0.neurons.weights": (8, 4),
        "layers.1.neurons.weights": (4, 8),
        "layers.1.neurons.bias": (4,),
        "temperature": (),
    }
    assert tensors["embedding.table"].tolist() == [[x.data for x in row] for row in gpt.embedding.table]
    assert tensors["layers.0.neurons.weights"].tolist() == [
        [weight.data for weight in neuron.weights] for neuron in gpt.layers[0].neurons
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: nn.Layer(3, 2, seed=seed),
        lambda seed: nn.Layer(3, 2, bias=False, seed=seed),
        lambda seed: nn.Neuron(3, seed=seed),
        lambda seed: nn.Embedding(12, 3, seed=seed),
        lambda seed: nn.CausalSelfAttention(4, 2, seed=seed),
        lambda seed: nn.MLP(2, [3, 1], seed=seed),
    ],
)
def test_the_modules_of_this_package_come_back(make: Any, tmp_path: Path) -> None:
    saved, other = make(1), make(2)
    nn.save(saved, tmp_path / "m.safetensors")
    assert nn.load(tmp_path / "m.safetensors", into=other).state_dict() == saved.state_dict()


def test_rows_of_several_lengths_tied_weights_and_any_names_come_back(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def __init__(self, start: float) -> None:
            self.triangle = [[Value(start + i * j) for j in range(i + 1)] for i in range(3)]
            self.by_name = {"a": Value(start), "2": [Value(start + 1)], "neurons": {"0": Value(start + 2)}}
            self.neurons = [Value(start - k) for k in range(12)]
            self.tied = self.triangle[0][0]

    saved, other = Odd(0.5), Odd(-3.0)
    nn.save(saved, tmp_path / "odd.safetensors")
    tensors = load_file(tmp_path / "odd.safetensors")
    assert tensors["triangle.2"].tolist() == [0.5, 2.5, 4.5]
    assert tensors["neurons"].tolist() == [0.5 - k for k in range(12)]  # 10 comes after 9, not after 1
    assert sum(tensor.size for tensor in tensors.values()) == len(saved.parameters())
    assert nn.load(tmp_path / "odd.safetensors", into=other).state_dict() == saved.state_dict()


def test_without_an_instance_the_error_says_how_to_load(path: Path) -> None:
    with pytest.raises(ValueError, match=r"parameters of a GPT, but no code.*nn\.load\(.*, into=GPT\(\.\.\.\)\)"):
        nn.load(path)
    with pytest.raises(TypeError, match="load puts parameters into a Module, not into a type"):
        nn.load(path, into=GPT)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (GPT(width=2), r"holds embedding\.table of shape \(5, 4\), which is \(5, 2\) in the module, .* and \d more"),
        (GPT(tokens=6), r"holds embedding\.table of shape \(5, 4\), which is \(6, 4\) in the module$"),
        (GPT(bias=True), r"does not fit this GPT: it lacks layers\.0\.neurons\.bias$"),
        (nn.RMSNorm(4), r"fit this RMSNorm: it lacks gains; it holds .*, which the module does not have"),
        (nn.MLP(2, [3, 1], seed=0), r"it lacks w1, b1, w2 and 1 more; it holds"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_changes(other: nn.Module, message: str, path: Path) -> None:
    before = other.state_dict()
    with pytest.raises(ValueError, match=message):
        nn.load(path, into=other)
    assert other.state_dict() == before


def test_inf_in_a_file_or_a_module_is_refused_and_nothing_changes(path: Path) -> None:
    broken, before = GPT(seed=1), path.read_bytes()
    broken.norm.gains[2].data = float("inf")
    with pytest.raises(ValueError, match=r"gains\.2 is inf: only finite numbers can be saved"):
        nn.save(broken, path)
    assert path.read_bytes() == before
    path.write_bytes(before.replace(np.float64(2.0).tobytes(), np.float64(np.inf).tobytes(), 1))
    other = GPT(seed=2)
    numbers_before = other.state_dict()
    with pytest.raises(ValueError, match="damaged: its contents are not what was written"):
        nn.load(path, into=other)
    assert other.state_dict() == numbers_before
