"""Sequence networks in `fit`: tokens, padding, and both engines, against PyTorch and a loss computed by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value

ENGINES: list[Literal["eager", "compiled"]] = ["eager", "compiled"]
CLASSES, POSITIONS = 4, 5


class Transformer(nn.Module):
    """A small Transformer: an embedding, a norm, attention, and logits."""

    def __init__(self, seed: int = 0) -> None:
        self.embedding = nn.Embedding(CLASSES, 6, seed=seed)
        self.norm = nn.RMSNorm(6)
        self.attention = nn.CausalSelfAttention(6, 2, seed=seed)
        self.output = nn.Layer(6, CLASSES, "identity", bias=False, seed=seed)

    def __call__(self, tokens: Any) -> list[list[Value]]:
        xs = self.embedding(tokens)
        ys = self.attention([self.norm(x) for x in xs])
        return [self.output([a + b for a, b in zip(x, y)]) for x, y in zip(xs, ys)]


class Counter(nn.Module):
    """A network whose logits at a position are its token's row of a table."""

    def __init__(self) -> None:
        self.table = nn.Embedding(CLASSES, CLASSES, seed=0)

    def __call__(self, tokens: Any) -> list[list[Value]]:
        return self.table(tokens)


def sequences(count: int = 12, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return random tokens and, as targets, their successors; some sequences are shorter."""
    chance = np.random.default_rng(seed)
    tokens = chance.integers(CLASSES, size=(count, POSITIONS))
    lengths = chance.integers(1, POSITIONS + 1, size=count)
    targets = np.where(np.arange(POSITIONS) < lengths[:, None], (tokens + 1) % CLASSES, -1)
    return tokens, targets


def train(model: nn.Module, inputs: Any, targets: Any, **settings: Any) -> nn.History:
    usual: dict[str, Any] = {"optimizer": nn.SGD(model.parameters(), learning_rate=0.5)}
    usual |= {"loss": nn.cross_entropy, "seed": 0, "progress": False}
    return nn.fit(model, inputs, targets, **usual | settings)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_update_is_that_of_pytorch(engine: str) -> None:
    """It is one step of gradient descent on the mean over sequences of the mean over positions."""
    torch = pytest.importorskip("torch", reason="PyTorch, whose gradients this compares with, is not installed")
    tokens, targets = sequences()
    model = Counter()
    table = torch.tensor([[x.data for x in row] for row in model.table.table], requires_grad=True, dtype=torch.float64)
    losses = torch.nn.functional.cross_entropy(
        table[torch.tensor(tokens)].transpose(1, 2), torch.tensor(targets), ignore_index=-1, reduction="none"
    )
    cost = (losses.sum(dim=1) / torch.tensor((targets >= 0).sum(axis=1))).mean()
    cost.backward()
    expected = (table - 0.5 * table.grad).detach().numpy()
    history = train(model, tokens, targets, epochs=1, batch_size=None, engine=engine)
    rows = np.array([[x.data for x in row] for row in model.table.table])
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-14)
    assert history[0].cost == pytest.approx(cost.item(), rel=1e-13)
    assert history.engine == engine


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_both_engines_train_alike(reduction: str, weighted: bool) -> None:
    tokens, targets = sequences()
    weight = np.arange(len(tokens)) / 4 if weighted else None
    results = []
    for engine in ENGINES:
        model = Transformer()
        settings = {"reduction": reduction, "sample_weight": weight, "validation": sequences(5, seed=1)}
        optimizer = nn.SGD(model.parameters(), learning_rate=0.05)
        history = train(model, tokens, targets, epochs=2, batch_size=5, engine=engine, optimizer=optimizer, **settings)
        numbers = np.array([[e.cost, e.accuracy, e.validation_cost, e.validation_accuracy] for e in history], float)
        results.append((numbers, list(model.state_dict().values())))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-11, atol=0)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_padding_is_the_same_as_shorter_sequences(engine: str) -> None:
    """A network that only looks back does not depend on the inputs at positions that do not count."""
    tokens, targets = sequences()
    targets[:, 3:] = -1
    targets[:, 0] = (tokens[:, 0] + 1) % CLASSES
    short, padded = Transformer(), Transformer()
    train(short, tokens[:, :3], targets[:, :3], epochs=2, engine=engine)
    tokens[:, 3:] = np.random.default_rng(5).integers(CLASSES, size=(len(tokens), 2))
    train(padded, tokens, targets, epochs=2, engine=engine)
    np.testing.assert_allclose(
        list(padded.state_dict().values()), list(short.state_dict().values()), rtol=1e-11, atol=1e-14
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_an_infinite_loss_where_nothing_counts_is_not_multiplied_by_zero(engine: str) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            self.w = [Value(0.1), Value(0.2)]
            self.table = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [-math.inf, 0.0]]  # token 3 excludes 0

        def __call__(self, tokens: Any) -> list[list[Value]]:
            return [[w + x for w, x in zip(self.w, autograd.take(self.table, token))] for token in tokens]

    model = Fixed()
    assert nn.cross_entropy(model([3])[0], 0).data == math.inf
    history = train(model, [[0, 1, 3], [2, 3, 3]], [[1, 0, -1], [1, -1, -1]], epochs=2, engine=engine)
    assert history.engine == engine
    assert math.isfinite(history[-1].cost)
    assert all(math.isfinite(w.data) for w in model.w)


@pytest.mark.parametrize("engine", ENGINES)
def test_accuracy_is_the_fraction_of_positions_that_count(engine: str) -> None:
    tokens, targets = sequences()
    model = Counter()
    before = model.state_dict()
    train(model, tokens, targets, epochs=30, engine=engine)
    right = nn.predict(model, tokens).argmax(axis=2) == targets
    expected = right[targets >= 0].mean()
    assert nn.accuracy(model, tokens, targets) == expected
    history = train(model, tokens, targets, epochs=1, optimizer=nn.SGD(model.parameters(), 1e-300), engine=engine)
    assert history[0].accuracy == expected
    matrix = nn.confusion_matrix(model, tokens, targets)
    assert matrix.sum() == (targets >= 0).sum()
    assert matrix.trace() == right[targets >= 0].sum()
    weights = np.arange(len(tokens))
    spread = np.broadcast_to(weights[:, None], targets.shape)
    weighted = (right * spread)[targets >= 0].sum() / spread[targets >= 0].sum()
    assert nn.accuracy(model, tokens, targets, sample_weight=weights) == pytest.approx(weighted, rel=1e-14)
    assert before != model.state_dict()


def test_a_checkpoint_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    tokens, targets = sequences()
    whole, parts = Transformer(), Transformer()
    train(whole, tokens, targets, epochs=3, optimizer=nn.Adam(whole.parameters(), 0.01), batch_size=5)
    for epochs in (1, 3):
        settings = {"optimizer": nn.Adam(parts.parameters(), 0.01), "batch_size": 5, "resume": epochs == 3}
        train(parts, tokens, targets, epochs=epochs, checkpoint=tmp_path / "run", **settings)
    assert parts.state_dict() == whole.state_dict()


def test_predictions_have_an_axis_of_positions() -> None:
    tokens, _ = sequences()
    model = Transformer()
    rows = nn.predict(model, tokens)
    assert rows.shape == (12, POSITIONS, CLASSES)
    expected = [[[z.data for z in logits] for logits in model(row)] for row in tokens.tolist()]
    np.testing.assert_array_equal(rows, expected)


def test_integers_reach_a_model_as_ints_and_floats_as_floats() -> None:
    class Types(nn.Module):
        def __init__(self) -> None:
            self.w = Value(1.0)

        def __call__(self, inputs: Any) -> Value:
            seen.update(type(x) for x in inputs)
            product: Value = self.w * inputs[0]
            return product

    for inputs, kind in (([[1, 2]], int), (np.array([[1, 2]], np.uint8), int), ([[1.0, 2.0]], float)):
        seen: set[type] = set()
        nn.predict(Types(), inputs)
        train(Types(), inputs, [1.0], loss=nn.half_squared_error, epochs=1, engine="eager")
        assert seen == {kind}
    seen = set()
    nn.predict(Types(), [[2**60, 1]])
    assert seen == {float}


def test_a_token_that_is_no_integer_is_refused_with_its_value() -> None:
    tokens, targets = sequences()
    for engine in ENGINES:
        with pytest.raises(TypeError, match="index that is an int"):
            train(Transformer(), tokens.astype(float), targets, engine=engine)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_padding_that_is_looked_up_is_refused_with_what_to_pad_with(engine: Any) -> None:
    tokens, targets = sequences()
    padded = np.where(targets < 0, -1, tokens)
    assert (padded == -1).any()
    with pytest.raises(IndexError, match=r"is -1, .*To pad a shorter sequence, look up any entry.* by a target of -1"):
        train(Transformer(), padded, targets, engine=engine)
    train(Transformer(), np.maximum(padded, 0), targets, engine=engine)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda y: y[:, :3], ValueError, r"a token for each position, of shape \(12, 5\); got \(12, 3\)"),
        (lambda y: y[:5], ValueError, r"of shape \(12, 5\); got \(5, 5\)"),
        (lambda y: y.astype(float), TypeError, "must be tokens, which are integers; got an array of float64"),
        (lambda y: np.where(y == 1, 4, y), ValueError, r"targets hold 4 in sample \d+, position \d"),
        (lambda y: np.where(y == -1, -100, y), ValueError, r"targets hold -100 .* and -1 for a position"),
        (lambda y: np.where(np.arange(12)[:, None] == 7, -1, y), ValueError, "no position of sample 7 counts"),
        (lambda y: [row[row >= 0].tolist() for row in y], ValueError, "pad its row with -1"),
        (lambda y: nn.one_hot(np.maximum(y, 0), 4), TypeError, "must be tokens, which are integers"),
    ],
)
def test_targets_that_are_no_tokens_are_refused(change: Any, error: type[Exception], message: str) -> None:
    tokens, targets = sequences()
    with pytest.raises(error, match=message):
        train(Counter(), tokens, change(targets))


@pytest.mark.parametrize("loss", [nn.half_squared_error, nn.binary_cross_entropy, nn.hinge])
def test_losses_that_want_numbers_are_refused(loss: Any) -> None:
    tokens, targets = sequences()
    with pytest.raises(ValueError, match=rf"{loss.__name__} expects a number for each output.*loss=nn.cross_entropy"):
        train(Counter(), tokens, targets, loss=loss)


def test_validation_targets_are_checked_too() -> None:
    tokens, targets = sequences()
    with pytest.raises(ValueError, match="targets hold 9"):
        train(Counter(), tokens, targets, validation=(tokens, np.full_like(targets, 9)))


def test_cross_entropy_of_an_index_of_a_program_keeps_the_digits_of_large_logits() -> None:
    """It agrees with the loss computed node by node, which subtracts before it adds up."""
    program = autograd.compile(lambda z, k: nn.cross_entropy(z, k), [0.0, 1.0, 2.0], 1)
    for logits in ([1e4, 1e4 + 1, 1e4 - 2], [1e4, 0.0, 1.0], [-40.0, 0.0, -40.0], [0.0, 0.0, 0.0]):
        for k in range(3):
            values = [Value(z) for z in logits]
            expected = nn.cross_entropy(values, k)
            expected.backward()
            value, (gradient, *_) = program.value_and_grad(logits, k)[0], [program.input_gradients(logits, k)]
            assert value == pytest.approx(expected.data, rel=1e-15)
            np.testing.assert_allclose(np.ravel(gradient)[:3], [z.grad for z in values], rtol=0, atol=3e-16)
