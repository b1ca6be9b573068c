"""Embedding, RMSNorm, CausalSelfAttention and layers without a bias compute the same as PyTorch's."""

from __future__ import annotations

import copy
import math
import pickle
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value

Array = NDArray[np.float64]

SHAPES = [(1, 2, 1), (3, 4, 2), (5, 6, 3), (4, 8, 1)]  # positions, width, heads
MAKE: dict[str, Callable[..., nn.Module]] = {
    "Embedding": lambda **given: nn.Embedding(5, 3, **given),
    "RMSNorm": lambda seed=None, **given: nn.RMSNorm(4, **given),
    "CausalSelfAttention": lambda **given: nn.CausalSelfAttention(4, 2, **given),
    "Layer without bias": lambda **given: nn.Layer(3, 2, bias=False, **given),
}


@pytest.fixture
def torch() -> Any:
    """Return PyTorch, an independent reference."""
    return pytest.importorskip("torch", reason="PyTorch, whose results these are compared with, is not installed")


def values(array: Array) -> Any:
    """Return nested lists of Values."""
    return [values(part) for part in array] if array.ndim else Value(float(array))


def numbers(structure: Any, attribute: str = "data") -> Array:
    """Return an array of the numbers in nested lists of Values."""
    if isinstance(structure, Value):
        return np.array(getattr(structure, attribute))
    return np.array([numbers(part, attribute) for part in structure])


def assert_close(actual: Array, expected: Any) -> None:
    wanted = expected.detach().numpy()
    assert actual.shape == wanted.shape
    assert np.linalg.norm(actual - wanted) <= 1e-12 * np.linalg.norm(wanted)


def backward(outputs: Any, seeds: Array) -> None:
    """Differentiate the sum of all outputs, each times a different number."""
    flat = [x for row in outputs for x in row]
    autograd.dot(flat, seeds.ravel().tolist()).backward()


def weights(layer: nn.Layer) -> list[list[Value]]:
    return [neuron.weights for neuron in layer.neurons]


# Values and gradients


def test_an_embedding_hands_out_its_rows_and_adds_up_their_gradients(torch: Any) -> None:
    chance = np.random.default_rng(0)
    embedding, tokens = nn.Embedding(7, 3, seed=0), [4, 1, 4, 0, 4]
    table = torch.tensor(numbers(embedding.table), requires_grad=True)
    expected = torch.nn.functional.embedding(torch.tensor(tokens), table)
    seeds = chance.normal(size=(5, 3))
    expected.backward(torch.tensor(seeds))
    rows = embedding(tokens)
    assert_close(numbers(rows), expected)
    backward(rows, seeds)
    assert_close(numbers(embedding.table, "grad"), table.grad)


def test_an_embedding_makes_no_nodes_and_gives_no_list_of_its_own_away() -> None:
    embedding = nn.Embedding(3, 2, seed=0)
    row = embedding(1)
    assert [x is y for x, y in zip(row, embedding.table[1])] == [True, True]
    row.clear()
    assert len(embedding.table[1]) == 2


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("width", [1, 2, 16])
def test_an_rms_norm_is_pytorchs(torch: Any, width: int, size: float) -> None:
    chance = np.random.default_rng(width)
    norm, x = nn.RMSNorm(width), values(size * chance.normal(size=width))
    for gain in norm.gains:
        gain.data = chance.normal()
    tx, gains = (torch.tensor(numbers(y), requires_grad=True) for y in (x, norm.gains))
    expected = torch.nn.functional.rms_norm(tx, (width,), gains, norm.epsilon)
    seeds = chance.normal(size=width)
    expected.backward(torch.tensor(seeds))
    outputs = norm(x)
    assert_close(numbers(outputs), expected)
    backward([outputs], seeds)
    assert_close(numbers(norm.gains, "grad"), gains.grad)
    error = np.abs(numbers(x, "grad") - tx.grad.numpy()).max()  # which one alone takes from x all that it has
    assert error <= 1e-10 * np.abs(seeds).max() / size


def test_an_rms_norm_of_zeros_is_zero() -> None:
    assert [y.data for y in nn.RMSNorm(3)([0.0, 0.0, 0.0])] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("positions", "width", "heads"), SHAPES)
def test_causal_self_attention_is_pytorchs(torch: Any, positions: int, width: int, heads: int) -> None:
    chance = np.random.default_rng(0)
    attention, x = nn.CausalSelfAttention(width, heads, seed=1), values(chance.normal(size=(positions, width)))
    layers = [weights(layer) for layer in (attention.query, attention.key, attention.value, attention.output)]
    tx, *matrices = (torch.tensor(numbers(y), requires_grad=True) for y in (x, *layers))
    linear = torch.nn.functional.linear
    q, k, v = (linear(tx, w).reshape(positions, heads, -1).transpose(0, 1) for w in matrices[:3])
    mixed = torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)
    expected = linear(mixed[0].transpose(0, 1).reshape(positions, width), matrices[3])
    seeds = chance.normal(size=(positions, width))
    expected.backward(torch.tensor(seeds))
    outputs = attention(x)
    assert_close(numbers(outputs), expected)
    backward(outputs, seeds)
    for ours, theirs in zip([x, *layers], [tx, *matrices]):
        error = numbers(ours, "grad") - theirs.grad.numpy()
        assert np.linalg.norm(error) <= 1e-10 * np.linalg.norm(seeds)


def test_shares_are_the_softmax_of_scaled_products() -> None:
    chance = np.random.default_rng(3)
    attention, x = nn.CausalSelfAttention(6, 2, seed=0), chance.normal(size=(4, 6))
    shares = attention.shares(x)
    q, k = x @ numbers(weights(attention.query)).T, x @ numbers(weights(attention.key)).T
    for head in range(2):
        part = slice(3 * head, 3 * head + 3)
        for t in range(4):
            powers = np.exp(k[: t + 1, part] @ q[t, part] / math.sqrt(3))
            np.testing.assert_allclose(numbers(shares[head][t]), powers / powers.sum(), rtol=1e-13)


def test_a_position_sees_nothing_that_comes_after_it() -> None:
    chance = np.random.default_rng(4)
    attention, x = nn.CausalSelfAttention(4, 2, seed=0), values(chance.normal(size=(4, 4)))
    before = numbers(attention(x)[:2])
    autograd.sum(attention(x)[1]).backward()
    assert np.count_nonzero(numbers(x[:2], "grad")) == 8
    assert not numbers(x[2:], "grad").any()
    for later in [*x[2], *x[3]]:
        later.data = 100.0
    np.testing.assert_array_equal(numbers(attention(x)[:2]), before)
    np.testing.assert_array_equal(numbers(attention(x[:2])), before)


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
def test_a_layer_without_a_bias_is_a_product_with_its_weights(torch: Any, elementary: bool) -> None:
    layer, x = nn.Layer(3, 2, "tanh", bias=False, seed=0, elementary=elementary), values(np.array([0.3, -0.7, 1.1]))
    tx, w = (torch.tensor(numbers(y), requires_grad=True) for y in (x, weights(layer)))
    expected = torch.tanh(torch.nn.functional.linear(tx, w))
    expected.backward(torch.tensor([1.0, -2.0], dtype=torch.float64))
    outputs = layer(x)
    assert_close(numbers(outputs), expected)
    backward([outputs], np.array([1.0, -2.0]))
    assert_close(numbers(weights(layer), "grad"), w.grad)
    assert_close(numbers(x, "grad"), tx.grad)
    assert len(layer.parameters()) == 6


def test_a_bias_that_is_not_there_stays_zero_while_the_weights_learn() -> None:
    model = nn.Layer(2, 2, "identity", bias=False, seed=0)
    nn.fit(model, [[1.0, 2.0], [0.0, 1.0]], [[5.0, 6.0], [7.0, 8.0]], epochs=3, progress=False)
    assert [neuron.bias.data for neuron in model.neurons] == [0.0, 0.0]
    assert nn.predict(model, [[0.0, 0.0]]).tolist() == [[0.0, 0.0]]


# Compiled


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (nn.CausalSelfAttention(4, 2, seed=0), [[0.1] * 4] * 3),
        (nn.RMSNorm(4), [0.1] * 4),
        (nn.Layer(4, 3, "tanh", bias=False, seed=0), [0.1] * 4),
    ],
    ids=["CausalSelfAttention", "RMSNorm", "Layer without bias"],
)
def test_compiled_they_compute_the_same(model: Any, example: Any) -> None:
    def loss(inputs: Any) -> Value:
        outputs = model(inputs)
        rows = outputs if isinstance(outputs[0], list) else [outputs]
        flat: list[Value] = [x for row in rows for x in row]
        return autograd.sum([(k + 1) * x.sin() for k, x in enumerate(flat)])

    program = autograd.compile(loss, example)
    batch = np.random.default_rng(0).normal(size=(5, *np.shape(example)))
    assert set(program.parameters) == set(model.parameters())
    model.zero_grad()
    cost = program.backward(batch)
    compiled = numbers(model.parameters(), "grad")
    model.zero_grad()
    eager = autograd.sum([loss(sample) for sample in batch.tolist()]) / 5
    eager.backward()
    assert cost == pytest.approx(eager.data, rel=1e-13)
    expected = numbers(model.parameters(), "grad")
    assert np.linalg.norm(compiled - expected) <= 1e-12 * np.linalg.norm(expected)


# Modules like the rest


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_parameters_are_labelled_with_their_names_below_that_of_the_module(make: Callable[..., nn.Module]) -> None:
    class Parent(nn.Module):
        def __init__(self) -> None:
            self.child, self.alone = make(name="child"), make()

    labels = {parameter.label: name for name, parameter in Parent().named_parameters()}
    assert labels == {name.removeprefix("alone."): name for name in labels.values()}
    assert any(name.startswith("child.") for name in labels)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_the_same_seed_draws_the_same_numbers(make: Callable[..., nn.Module]) -> None:
    assert make(seed=1).state_dict() == make(seed=1).state_dict()
    source = random.Random(1)
    assert make(seed=source).state_dict() == make(seed=1).state_dict()


def test_different_seeds_and_different_layers_are_drawn_apart() -> None:
    for make in (MAKE["Embedding"], MAKE["CausalSelfAttention"]):
        drawn = [*make(seed=1).state_dict().values(), *make(seed=2).state_dict().values()]
        assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("make", [make for name, make in MAKE.items() if name != "RMSNorm"])
def test_initializers_draw_their_numbers(make: Callable[..., nn.Module]) -> None:
    assert set(make(initializer=nn.constant(0.25)).state_dict().values()) == {0.25}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_they_are_copied_and_pickled_with_their_numbers(make: Callable[..., nn.Module]) -> None:
    module = make(seed=0)
    module.parameters()[0].data = 0.125
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert copied.state_dict() == module.state_dict()
        assert [p.label for p in copied.parameters()] == [p.label for p in module.parameters()]
        assert set(copied.parameters()).isdisjoint(module.parameters())


def test_reprs_tell_the_sizes() -> None:
    assert repr(nn.Embedding(27, 16)) == "Embedding(27 tokens -> 16)"
    assert repr(nn.RMSNorm(16)) == "RMSNorm(16)"
    assert repr(nn.CausalSelfAttention(16, 4)) == "CausalSelfAttention(16 wide, 4 heads)"


# Errors

HALF: Any = 2.5
WORDS: Any = "x"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Embedding(0, 3), ValueError, "number of tokens must be at least 1, got 0"),
        (lambda: nn.Embedding(3, HALF), TypeError, "number of numbers a token must be an integer, got 2.5"),
        (lambda: nn.RMSNorm(0), ValueError, "number of inputs must be at least 1"),
        (lambda: nn.RMSNorm(3, epsilon=0.0), ValueError, "epsilon must be above 0, got 0.0"),
        (lambda: nn.RMSNorm(3, epsilon=math.nan), ValueError, "epsilon must be above 0, got nan"),
        (lambda: nn.CausalSelfAttention(4, 3), ValueError, "4 numbers cannot be divided evenly among 3 heads"),
        (lambda: nn.CausalSelfAttention(4, True), TypeError, "number of heads must be an integer, got True"),
        (lambda: nn.CausalSelfAttention(4, 2, seed=WORDS), TypeError, "seed must be an integer"),
    ],
)
def test_sizes_that_cannot_be_are_refused(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "at least one position, got none"),
        (3.0, TypeError, "a sequence of positions with 4 numbers each, got 3.0"),
        ([0.0, 0.0, 0.0, 0.0], TypeError, "a sequence of 4 numbers, got 0.0"),
        ([[0.0] * 4, [0.0] * 3], ValueError, "expects 4 inputs, got 3"),
        ([[0.0] * 3 + ["0"]], TypeError, "real number, got '0'"),
    ],
)
def test_attention_refuses_what_is_no_sequence(given: Any, error: type[Exception], message: str) -> None:
    attention = nn.CausalSelfAttention(4, 2, seed=0)
    for call in (attention, attention.shares):
        with pytest.raises(error, match=message):
            call(given)


@pytest.mark.parametrize("token", [-1, 5, 1.0, "a", None, True])
def test_an_embedding_refuses_what_is_no_token(token: Any) -> None:
    embedding = nn.Embedding(5, 2, seed=0)
    for given in (token, [0, token]):
        with pytest.raises((TypeError, ValueError, IndexError)):
            embedding(given)


def test_an_rms_norm_counts_its_inputs() -> None:
    wrong: Sequence[float] = [1.0, 2.0]
    with pytest.raises(ValueError, match="RMSNorm expects 3 inputs, got 2"):
        nn.RMSNorm(3)(wrong)
