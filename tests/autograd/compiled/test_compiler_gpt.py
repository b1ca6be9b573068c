"""A GPT over scalars, as people write it, compiles to the Transformer's equations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.compiler.program import Program

torch: Any = pytest.importorskip("torch", reason="PyTorch, which the GPT is compared with, is not installed")
functional = torch.nn.functional

VOCABULARY, WIDTH, HEADS, HIDDEN = 7, 8, 2, 12

Matrix = list[list[Any]]


def linear(x: Sequence[Any], w: Matrix) -> list[Any]:
    return [sum(a * b for a, b in zip(row, x)) for row in w]


def rms_norm(x: Sequence[Any]) -> list[Any]:
    scale = (sum(a * a for a in x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


class GPT:
    """A GPT, computed position by position with the keys and values of all positions so far, and again by PyTorch."""

    def __init__(self, positions: int, layers: int) -> None:
        chance = random.Random(3)
        self.positions, self.layers = positions, layers

        def matrix(name: str, rows: int, columns: int) -> Matrix:
            return [
                [Value(chance.gauss(0, 0.4), label=f"{name}[{j}][{k}]") for k in range(columns)] for j in range(rows)
            ]

        self.weights = {"wte": matrix("wte", VOCABULARY, WIDTH), "wpe": matrix("wpe", positions, WIDTH)}
        for layer in range(layers):
            for name in ("wq", "wk", "wv", "wo"):
                self.weights[f"{name}{layer}"] = matrix(f"layer{layer}.{name}", WIDTH, WIDTH)
            self.weights[f"up{layer}"] = matrix(f"layer{layer}.up", HIDDEN, WIDTH)
            self.weights[f"down{layer}"] = matrix(f"layer{layer}.down", WIDTH, HIDDEN)
        self.weights["head"] = matrix("head", VOCABULARY, WIDTH)

    def logits(self, token: Any, position: int, keys: list[Matrix], values: list[Matrix]) -> list[Any]:
        size, w = WIDTH // HEADS, self.weights
        x = [a + b for a, b in zip(autograd.take(w["wte"], token), w["wpe"][position])]
        for layer in range(self.layers):
            normed = rms_norm(x)
            q, k, v = (linear(normed, w[f"{name}{layer}"]) for name in ("wq", "wk", "wv"))
            keys[layer].append(k)
            values[layer].append(v)
            heads = []
            for h in range(HEADS):
                part = slice(h * size, (h + 1) * size)
                scores = [sum(a * b for a, b in zip(q[part], k[part])) / size**0.5 for k in keys[layer]]
                shares = autograd.softmax(scores)
                heads += [sum(p * v[j] for p, v in zip(shares, values[layer])) for j in range(part.start, part.stop)]
            x = [a + b for a, b in zip(x, linear(heads, w[f"wo{layer}"]))]
            hidden = [a.relu() for a in linear(rms_norm(x), w[f"up{layer}"])]
            x = [a + b for a, b in zip(x, linear(hidden, w[f"down{layer}"]))]
        return linear(rms_norm(x), w["head"])

    def loss(self, document: Sequence[Any]) -> Any:
        keys: list[Matrix] = [[] for _ in range(self.layers)]
        values: list[Matrix] = [[] for _ in range(self.layers)]
        losses = []
        for t in range(self.positions):
            shares = autograd.softmax(self.logits(document[t], t, keys, values))
            losses.append(-autograd.take(shares, document[t + 1]).log())
        return sum(losses) / self.positions

    def by_torch(self, documents: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Return the mean loss, and its gradient w.r.t. each matrix."""
        w = {
            name: torch.tensor([[v.data for v in row] for row in rows], dtype=torch.float64, requires_grad=True)
            for name, rows in self.weights.items()
        }
        tokens = torch.tensor(documents)
        x = w["wte"][tokens[:, :-1]] + w["wpe"]

        def norm(x: Any) -> Any:
            return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()

        def split(x: Any) -> Any:
            return x.reshape(len(documents), self.positions, HEADS, -1).transpose(1, 2)

        for layer in range(self.layers):
            q, k, v = (split(norm(x) @ w[f"{name}{layer}"].T) for name in ("wq", "wk", "wv"))
            out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + out.transpose(1, 2).reshape(x.shape) @ w[f"wo{layer}"].T
            x = x + (norm(x) @ w[f"up{layer}"].T).relu() @ w[f"down{layer}"].T
        logits = norm(x) @ w["head"].T
        loss = functional.cross_entropy(logits.reshape(-1, VOCABULARY), tokens[:, 1:].reshape(-1))
        loss.backward()
        return loss.item(), {name: x.grad.numpy() for name, x in w.items()}

    def gradients(self) -> dict[str, np.ndarray]:
        return {name: np.array([[v.grad for v in row] for row in rows]) for name, rows in self.weights.items()}


def documents_of(positions: int, count: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, VOCABULARY, (count, positions + 1))


def compiled(positions: int, layers: int) -> Program:
    """Compile a GPT, and compare it with PyTorch."""
    gpt, documents = GPT(positions, layers), documents_of(positions)
    program = autograd.compile(gpt.loss, documents[0].tolist())
    loss, expected = gpt.by_torch(documents)
    assert float(program.backward(documents)) == pytest.approx(loss, rel=1e-12)
    for name, gradient in gpt.gradients().items():
        assert np.linalg.norm(gradient - expected[name]) <= 1e-10 * np.linalg.norm(expected[name]), name
    return program


def lines(program: Program) -> int:
    return sum(1 for line in program.source.splitlines() if line.strip())


def test_the_size_depends_on_the_layers_alone() -> None:
    programs = [compiled(positions, 1) for positions in (4, 8, 16)]
    ((size, _, _),) = {(lines(program), program.operations, program.matrix_products) for program in programs}
    assert size <= 100
    assert lines(compiled(4, 2)) <= 2 * size


def test_its_arrays_have_their_real_axes() -> None:
    source = compiled(5, 1).source
    assert f"(n, 5, {WIDTH})" in source
    assert f"(n, {HEADS}, 5, 5)" in source
    assert source.split("def backward")[0].count("where(") == 1


def test_it_computes_what_the_graph_does() -> None:
    gpt, documents = GPT(4, 1), documents_of(4, 2)
    program = autograd.compile(gpt.loss, documents[0].tolist())
    results = [gpt.loss(document) for document in documents.tolist()]
    for result in results:
        result.backward(1 / len(results))
    expected = gpt.gradients()
    for p in program.parameters:
        p.grad = 0.0
    assert program(documents) == pytest.approx([result.data for result in results], rel=1e-12)
    program.backward(documents)
    for name, gradient in gpt.gradients().items():
        assert np.linalg.norm(gradient - expected[name]) <= 1e-12 * np.linalg.norm(expected[name]), name
