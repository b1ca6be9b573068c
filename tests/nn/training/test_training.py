"""fit: the loop of the textbooks, against the same loop written by hand; how it stops and resumes, and its errors."""

from __future__ import annotations

import functools
import gc
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value

Array = NDArray[np.float64]

XOR: Any = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


def quietly(model: Any, inputs: Any, targets: Any, **settings: Any) -> nn.History:
    return nn.fit(model, inputs, targets, progress=False, **settings)


def small_data(seed: int = 0, samples: int = 7) -> tuple[Array, Array]:
    """Return two numbers per sample, and two targets, one of which is 1 and the other 0."""
    chance = np.random.default_rng(seed)
    return chance.normal(size=(samples, 2)), np.eye(2)[chance.integers(0, 2, size=samples)]


def numbers_of(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def every_epoch(record: list[Any]) -> Callable[[nn.Module, nn.History], None]:
    """Return a callback that records the parameters after each epoch."""
    return lambda model, history: record.append(numbers_of(model))


# The same loop by hand


class ByHand:
    """A sigmoid network with one hidden layer, by the textbook equations, with a row for each sample."""

    def __init__(self, model: nn.MLP) -> None:
        self.w = [np.array([[w.data for w in n.weights] for n in layer.neurons]) for layer in model.layers]
        self.b = [np.array([n.bias.data for n in layer.neurons]) for layer in model.layers]
        self.change = [np.zeros_like(array) for array in self.arrays()]

    def arrays(self) -> list[Array]:
        return [self.w[0], self.b[0], self.w[1], self.b[1]]

    def update(
        self, x: Array, y: Array, factor: float, rate: float, momentum: float, decay: float
    ) -> tuple[Array, Array, float]:
        """Make one update from one batch; return outputs and losses before it, and the largest derivative."""
        hidden = 1 / (1 + np.exp(-(x @ self.w[0].T + self.b[0])))
        outputs = 1 / (1 + np.exp(-(hidden @ self.w[1].T + self.b[1])))
        delta2 = factor * (outputs - y) * outputs * (1 - outputs)
        delta1 = delta2 @ self.w[1] * hidden * (1 - hidden)
        gradients = [delta1.T @ x, delta1.sum(axis=0), delta2.T @ hidden, delta2.sum(axis=0)]
        for array, change, gradient in zip(self.arrays(), self.change, gradients):
            change *= momentum
            change -= rate * gradient
            array += change
            array *= 1 - decay
        return outputs, 0.5 * ((outputs - y) ** 2).sum(axis=1), max(float(abs(g).max()) for g in gradients)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [None, 3, 1, 100])
@pytest.mark.parametrize("samples", [7, 70], ids=["7 samples", "70 samples"])
def test_fit_is_the_loop_of_the_texts(samples: int, batch_size: int | None, reduction: str) -> None:
    """Parameters after each epoch and all numbers of the history agree. 70 samples at once exceed one graph."""
    x, y = small_data(samples=samples)
    model = nn.MLP(2, [3, 2], seed=1)
    by_hand = ByHand(model)
    optimizer = nn.SGD(model.parameters(), learning_rate=0.2, momentum=0.9, decay=0.01)
    seen: list[list[float]] = []
    history = quietly(
        model,
        x,
        y,
        optimizer=optimizer,
        epochs=4,
        batch_size=batch_size,
        reduction=reduction,
        shuffle=False,
        callbacks=[every_epoch(seen)],
    )
    assert len(history) == len(seen) == 4
    size = min(batch_size or samples, samples)
    for epoch, numbers in zip(history, seen):
        outputs, losses, largest = [], [], []
        for start in range(0, samples, size):
            batch = slice(start, start + size)
            factor = 1 / len(x[batch]) if reduction == "mean" else 1.0
            o, e, d = by_hand.update(x[batch], y[batch], factor, 0.2, 0.9, 0.01)
            outputs.append(o)
            losses.append(e)
            largest.append(d)
        expected = nn.MLP(2, [3, 2], seed=1)
        for layer, w, b in zip(expected.layers, by_hand.w, by_hand.b):
            for neuron, row, bias in zip(layer.neurons, w.tolist(), b.tolist()):
                neuron.bias.data = bias
                for weight, number in zip(neuron.weights, row):
                    weight.data = number
        difference = np.linalg.norm(np.subtract(numbers, numbers_of(expected)))
        assert difference <= 1e-12 * np.linalg.norm(numbers)
        cost = np.concatenate(losses)
        assert epoch.cost == pytest.approx(cost.mean() if reduction == "mean" else cost.sum(), rel=1e-12)
        assert epoch.accuracy == (np.concatenate(outputs).argmax(axis=1) == y.argmax(axis=1)).mean()
        assert epoch.largest_derivative == pytest.approx(max(largest), rel=1e-10)
        assert epoch.validation_cost is None
        assert epoch.validation_accuracy is None


def test_epochs_are_numbered_from_one() -> None:
    history = quietly(nn.MLP(2, [2], seed=0), *small_data(), epochs=3)
    assert [epoch.epoch for epoch in history] == [1, 2, 3]


def test_fit_without_an_optimizer_is_gradient_descent_at_rate_0_1() -> None:
    x, y = small_data()
    one, other = nn.MLP(2, [3, 2], seed=0), nn.MLP(2, [3, 2], seed=0)
    quietly(one, x, y, epochs=2, seed=0)
    quietly(other, x, y, epochs=2, seed=0, optimizer=nn.SGD(other.parameters(), learning_rate=0.1))
    assert numbers_of(one) == numbers_of(other)


def test_only_the_parameters_of_the_optimizer_change() -> None:
    """A layer can therefore be frozen by leaving it out."""
    model = nn.MLP(2, [3, 2], seed=0)
    before = [layer.state_dict() for layer in model.layers]
    quietly(model, *small_data(), epochs=2, optimizer=nn.SGD(model.layers[1].parameters()))
    after = [layer.state_dict() for layer in model.layers]
    assert after[0] == before[0]
    assert after[1] != before[1]


class Recording(nn.Module):
    """A network that records its inputs."""

    def __init__(self) -> None:
        self.weight = Value(0.5, "weight")
        self.seen: list[float] = []

    def __call__(self, inputs: Sequence[float]) -> Value:
        self.seen.append(inputs[0])
        return self.weight * inputs[0]


def orders(epochs: int, samples: int, **settings: Any) -> list[list[float]]:
    """Return the order of the samples in each epoch."""
    model = Recording()
    x = np.arange(float(samples))
    seen: list[list[float]] = []

    def note(_: Any, history: nn.History) -> None:
        seen.append(model.seen[-samples:])
        model.seen.clear()

    quietly(model, x, x, epochs=epochs, callbacks=[note], engine="eager", **settings)
    return seen


def test_each_epoch_takes_every_sample_once_in_an_order_of_its_own() -> None:
    """Two of five random orders of 20 samples are equal in 10 of 20! cases."""
    seen = orders(5, 20, batch_size=6, seed=0)
    assert all(Counter(order) == Counter(range(20)) for order in seen)
    assert len(set(map(tuple, seen))) == 5


def test_without_shuffling_samples_come_as_they_are() -> None:
    assert orders(3, 20, batch_size=6, shuffle=False) == [list(range(20))] * 3


def test_targets_stay_with_their_samples_when_these_are_shuffled() -> None:
    """The line y = 3x is learned only if they do."""
    model = Recording()
    x = np.linspace(-1, 1, 11)
    quietly(model, x, 3 * x, epochs=60, batch_size=2, seed=0, optimizer=nn.SGD([model.weight], learning_rate=0.5))
    assert model.weight.data == pytest.approx(3.0, abs=1e-9)


# Seeds


def trained(seed: int | None) -> list[float]:
    model = nn.MLP(2, [3, 2], seed=1)
    quietly(model, *small_data(samples=20), epochs=2, batch_size=3, seed=seed)
    return numbers_of(model)


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    assert trained(5) == trained(5)
    assert trained(5) != trained(6)


def test_a_seed_makes_the_global_random_state_irrelevant_and_leaves_it_alone() -> None:
    random.seed(1)
    first = trained(5)
    after = random.random()
    random.seed(1)
    assert random.random() == after
    random.seed(2)
    assert trained(5) == first


def test_without_a_seed_the_global_random_state_decides() -> None:
    random.seed(1337)
    first, second = trained(None), trained(None)
    random.seed(1337)
    assert trained(None) == first
    assert second != first


FRESH = """
import nn, numpy as np
chance = np.random.default_rng(0)
x, y = chance.normal(size=(20, 2)), chance.integers(0, 2, size=20)
model = nn.MLP(2, [3, 1], activation="tanh", seed=1)
optimizer = nn.Adam(model.parameters(), learning_rate=0.01)
nn.fit(model, x, y, loss=nn.binary_cross_entropy, optimizer=optimizer, epochs=3, batch_size=4, seed=2, progress=False)
print([p.data.hex() for p in model.parameters()])
"""


def test_the_same_seed_gives_the_same_bits_in_every_process(run_python: Callable[..., str]) -> None:
    """Results do not depend on the order in which a process iterates over sets."""
    here: dict[str, Any] = {}
    exec(FRESH.replace("print(", "found = str("), here)
    for hash_seed in ("0", "4711"):
        assert run_python(FRESH, PYTHONHASHSEED=hash_seed).strip() == here["found"]


# How it stops


def test_it_stops_when_the_epochs_are_done() -> None:
    history = quietly(nn.MLP(2, [2], seed=0), *small_data(), epochs=3)
    assert len(history) == 3
    assert history.stopped == "all 3 epochs were done"


def test_it_stops_after_the_first_epoch_without_a_derivative_above_the_tolerance() -> None:
    model = nn.MLP(1, [1], output_activation="identity", seed=0)
    x = np.linspace(-1, 1, 9)
    optimizer = nn.SGD(model.parameters(), learning_rate=0.5)
    history = quietly(model, x, 2 * x + 1, optimizer=optimizer, epochs=1000, batch_size=None, gradient_tolerance=1e-6)
    assert 1 < len(history) < 1000
    assert history[-1].largest_derivative <= 1e-6
    assert all(epoch.largest_derivative > 1e-6 for epoch in history.epochs[:-1])
    assert "no derivative was above 1e-06" in history.stopped
    assert str(len(history)) in history.stopped


def test_it_stops_where_every_derivative_is_zero() -> None:
    """If all samples have a margin of more than 1, the hinge loss has no gradient left."""
    model = nn.MLP(1, [1], output_activation="identity", initializer=nn.constant(5.0))
    before = numbers_of(model)
    history = quietly(model, [-1.0, 1.0, 2.0], [-1, 1, 1], loss=nn.hinge, epochs=10)
    assert len(history) == 1
    assert history[0].largest_derivative == 0.0
    assert "no derivative was above 0" in history.stopped
    assert numbers_of(model) == before


def test_it_looks_at_every_update_of_an_epoch_not_at_the_last_alone() -> None:
    """The second of two batches has a gradient of zero, the first does not."""
    model = nn.MLP(1, [1], output_activation="identity", initializer=nn.constant(5.0))
    history = quietly(
        model,
        [-0.1, 2.0],
        [-1, 1],
        loss=nn.hinge,
        epochs=2,
        batch_size=1,
        shuffle=False,
        optimizer=nn.SGD(model.parameters(), learning_rate=1e-6),
    )
    assert history[0].largest_derivative == 1.0
    assert history.stopped == "all 2 epochs were done"


def test_it_stops_where_a_callback_says_so() -> None:
    seen: list[int] = []

    def enough(model: nn.Module, history: nn.History) -> bool:
        seen.append(len(history))
        return len(history) == 2

    history = quietly(nn.MLP(2, [2], seed=0), *small_data(), epochs=10, callbacks=[lambda *_: None, enough])
    assert len(history) == 2
    assert seen == [1, 2]
    assert history.stopped == "a callback ended it after epoch 2"


def test_a_callback_that_returns_nothing_or_a_number_ends_nothing() -> None:
    """Only True ends a training; an accuracy of 1.0 is a number like any other."""
    callbacks: list[Any] = [lambda *_: None, lambda *_: False, lambda *_: 1.0, lambda *_: 1]
    for callback in callbacks:
        history = quietly(nn.MLP(2, [2], seed=0), *small_data(), epochs=3, callbacks=[callback])
        assert history.stopped == "all 3 epochs were done"


def test_callbacks_get_the_model_and_the_history_so_far() -> None:
    model = nn.MLP(2, [2], seed=0)
    calls: list[tuple[Any, list[float]]] = []
    history = quietly(
        model, *small_data(), epochs=3, callbacks=[lambda m, h: calls.append((m, [epoch.cost for epoch in h]))]
    )
    assert all(m is model for m, _ in calls)
    assert [costs for _, costs in calls] == [history.costs[:n] for n in (1, 2, 3)]


def test_ctrl_c_in_a_callback_keeps_what_was_learned() -> None:
    def interrupt(model: nn.Module, history: nn.History) -> None:
        if len(history) == 2:
            raise KeyboardInterrupt

    model, uninterrupted = nn.MLP(2, [3, 2], seed=0), nn.MLP(2, [3, 2], seed=0)
    history = quietly(model, *small_data(), epochs=10, batch_size=3, seed=0, callbacks=[interrupt])
    expected = quietly(uninterrupted, *small_data(), epochs=2, batch_size=3, seed=0)
    assert "interrupted" in history.stopped
    assert history.epochs == expected.epochs
    assert numbers_of(model) == numbers_of(uninterrupted)


@pytest.mark.parametrize("call", [1, 4, 5, 9, 13])
def test_ctrl_c_in_the_middle_of_an_epoch_keeps_the_updates_made(call: int) -> None:
    """Batches have 3 samples; updates before loss number `call` are kept, and the interrupted batch has no effect."""
    calls = 0

    def loss(outputs: Any, targets: Any) -> Value:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return nn.half_squared_error(outputs, targets)

    x, y = small_data(samples=6)
    model, by_hand = nn.MLP(2, [3, 2], seed=0), ByHand(nn.MLP(2, [3, 2], seed=0))
    history = quietly(model, x, y, loss=loss, epochs=10, batch_size=3, shuffle=False, engine="eager")
    for update in range((call - 1) // 3):
        batch = slice(3 * (update % 2), 3 * (update % 2) + 3)
        by_hand.update(x[batch], y[batch], 1 / 3, 0.1, 0.0, 0.0)
    layers = [[*row, b] for w, b_ in zip(by_hand.w, by_hand.b) for row, b in zip(w.tolist(), b_.tolist())]
    assert numbers_of(model) == pytest.approx([number for layer in layers for number in layer], rel=1e-13)
    assert len(history) == (call - 1) // 6
    assert f"interrupted in epoch {(call - 1) // 6 + 1}" in history.stopped


# Checkpoints


def sgd(model: nn.Module) -> nn.Optimizer:
    return nn.SGD(model.parameters(), learning_rate=nn.step_decay(0.5, 0.5, every=10), momentum=0.9, decay=0.001)


def adam(model: nn.Module) -> nn.Optimizer:
    return nn.Adam(model.parameters(), learning_rate=0.02)


def adamw(model: nn.Module) -> nn.Optimizer:
    return nn.AdamW(model.parameters(), learning_rate=nn.cosine_decay(0.05, steps=30), weight_decay=0.01)


def checkpointed(model: nn.Module, optimizer: nn.Optimizer, path: Path, epochs: int, **settings: Any) -> nn.History:
    x, y = small_data(samples=17)
    held_out = small_data(seed=9)
    return quietly(
        model,
        x,
        y,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=4,
        validation=held_out,
        checkpoint=path,
        **settings,
    )


@pytest.mark.parametrize("make_optimizer", [sgd, adam, adamw])
def test_a_resumed_training_has_the_bits_of_an_uninterrupted_one(
    make_optimizer: Callable[[nn.Module], nn.Optimizer], tmp_path: Path
) -> None:
    whole = nn.MLP(2, [3, 2], seed=1)
    expected = checkpointed(whole, make_optimizer(whole), tmp_path / "whole", 6, seed=4)

    first = nn.MLP(2, [3, 2], seed=1)
    checkpointed(first, make_optimizer(first), tmp_path / "half", 3, seed=4)
    second = nn.MLP(2, [3, 2], seed=99)
    random.seed(99)
    resumed = checkpointed(second, make_optimizer(second), tmp_path / "half", 6, resume=True)

    assert numbers_of(second) == numbers_of(whole)
    assert resumed.epochs == expected.epochs
    assert resumed.stopped == expected.stopped


def test_a_training_resumes_after_ctrl_c_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole = nn.MLP(2, [3, 2], seed=1)
    expected = checkpointed(whole, adam(whole), tmp_path / "whole", 4, seed=4, engine="eager")
    calls = 0

    @functools.wraps(nn.half_squared_error)  # the same loss to the checkpoint
    def loss(outputs: Any, targets: Any) -> Value:
        nonlocal calls
        calls += 1
        if calls == 63:  # an epoch has 17 training and 7 held-out samples: in the third
            raise KeyboardInterrupt
        return nn.half_squared_error(outputs, targets)

    model = nn.MLP(2, [3, 2], seed=1)
    broken = checkpointed(model, adam(model), tmp_path / "broken", 4, seed=4, loss=loss, engine="eager")
    assert len(broken) == 2
    again = nn.MLP(2, [3, 2], seed=7)
    resumed = checkpointed(again, adam(again), tmp_path / "broken", 4, resume=True, engine="eager")
    assert numbers_of(again) == numbers_of(whole)
    assert resumed.epochs == expected.epochs


def test_a_training_resumes_in_another_process(run_python: Callable[..., str], tmp_path: Path) -> None:
    source = """
import nn, numpy as np
x, y = np.linspace(-1, 1, 22).reshape(11, 2), np.arange(11) % 2
model = nn.MLP(2, [3, 2], seed={seed})
optimizer = nn.SGD(model.parameters(), learning_rate=0.5, momentum=0.9)
nn.fit(model, x, y, optimizer=optimizer, epochs={epochs}, batch_size=2, seed=4, progress=False,
       checkpoint={path!r}, resume={resume})
print([p.data.hex() for p in model.parameters()])
"""
    whole = run_python(source.format(seed=1, epochs=4, path=str(tmp_path / "whole"), resume=False))
    run_python(source.format(seed=1, epochs=2, path=str(tmp_path / "half"), resume=False))
    half = run_python(source.format(seed=2, epochs=4, path=str(tmp_path / "half"), resume=True))
    assert half == whole


def test_a_training_that_was_finished_stays_as_it_is_when_resumed(tmp_path: Path) -> None:
    model = nn.MLP(2, [3, 2], seed=1)
    expected = checkpointed(model, sgd(model), tmp_path / "done", 3, seed=4)
    other = nn.MLP(2, [3, 2], seed=2)
    resumed = checkpointed(other, sgd(other), tmp_path / "done", 3, resume=True)
    assert numbers_of(other) == numbers_of(model)
    assert resumed.epochs == expected.epochs


def test_a_network_of_ones_own_can_be_resumed_too(tmp_path: Path) -> None:
    def make() -> tuple[Recurrent, nn.Optimizer]:
        model = Recurrent()
        return model, nn.Adam(model.parameters(), learning_rate=0.05)

    x, y = sequences()
    whole, optimizer = make()
    quietly(whole, x, y, optimizer=optimizer, epochs=4, seed=0)
    for epochs, resume in ((2, False), (4, True)):
        model, optimizer = make()
        quietly(model, x, y, optimizer=optimizer, epochs=epochs, seed=0, checkpoint=tmp_path / "c", resume=resume)
    assert numbers_of(model) == numbers_of(whole)


def another_shape(path: Path) -> tuple[nn.Module, nn.Optimizer]:
    """Return a network with the same number of parameters (17), but other names."""
    model = nn.MLP(2, [4, 1], seed=0)
    assert len(model.parameters()) == 17
    return model, sgd(model)


def another_size(path: Path) -> tuple[nn.Module, nn.Optimizer]:
    model = nn.MLP(2, [5, 2], seed=0)
    return model, sgd(model)


def another_rule(path: Path) -> tuple[nn.Module, nn.Optimizer]:
    model = nn.MLP(2, [3, 2], seed=0)
    return model, adam(model)


def cut_short(path: Path) -> tuple[nn.Module, nn.Optimizer]:
    path.write_bytes(path.read_bytes()[:-20])
    model = nn.MLP(2, [3, 2], seed=0)
    return model, sgd(model)


def a_model(path: Path) -> tuple[nn.Module, nn.Optimizer]:
    model = nn.MLP(2, [3, 2], seed=0)
    nn.save(model, path)
    return model, sgd(model)


@pytest.mark.parametrize("spoil", [another_shape, another_size, another_rule, cut_short, a_model])
def test_a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing(
    spoil: Callable[[Path], tuple[nn.Module, nn.Optimizer]], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint"
    model = nn.MLP(2, [3, 2], seed=1)
    checkpointed(model, sgd(model), path, 2, seed=0)
    other, optimizer = spoil(path)
    before = numbers_of(other)
    targets = [0, 1, 1, 0]
    with pytest.raises(ValueError, match="checkpoint"):
        quietly(other, XOR[0], targets, optimizer=optimizer, epochs=9, checkpoint=path, resume=True)
    assert numbers_of(other) == before
    assert optimizer.steps == 0
    assert optimizer.state == {}


def test_resuming_asks_for_a_checkpoint_and_the_file_must_be_there(tmp_path: Path) -> None:
    model = nn.MLP(2, [2], seed=0)
    with pytest.raises(ValueError, match="checkpoint="):
        quietly(model, *small_data(), resume=True)
    with pytest.raises(FileNotFoundError):
        quietly(model, *small_data(), resume=True, checkpoint=tmp_path / "none")


# Targets, validation, accuracy


def test_integer_labels_are_one_hot_rows_where_there_are_several_outputs() -> None:
    x, rows = small_data()
    one, other = nn.MLP(2, [3, 2], seed=0), nn.MLP(2, [3, 2], seed=0)
    by_rows = quietly(one, x, rows, epochs=2, seed=0)
    by_labels = quietly(other, x, rows.argmax(axis=1), epochs=2, seed=0)
    assert numbers_of(other) == numbers_of(one)
    assert by_labels.epochs == by_rows.epochs


@pytest.mark.parametrize("form", [list, np.array, lambda y: np.array(y)[:, None], lambda y: np.array(y, dtype=bool)])
def test_targets_of_one_output_may_come_in_any_form(form: Callable[[Any], Any]) -> None:
    models = [nn.MLP(2, [3, 1], seed=0) for _ in range(2)]
    quietly(models[0], *XOR, epochs=2, seed=0)
    quietly(models[1], XOR[0], form(XOR[1]), epochs=2, seed=0)
    assert numbers_of(models[0]) == numbers_of(models[1])


def test_a_column_of_numbers_is_a_sample_a_number() -> None:
    models = [nn.MLP(1, [2, 1], seed=0) for _ in range(2)]
    x, y = [0.1, 0.2, 0.3], [0, 1, 0]
    quietly(models[0], x, y, epochs=2, seed=0)
    quietly(models[1], [[number] for number in x], y, epochs=2, seed=0)
    assert numbers_of(models[0]) == numbers_of(models[1])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_validation_is_measured_after_each_epoch_and_not_learned_from(reduction: str) -> None:
    x, y = small_data(samples=20)
    held_out_x, held_out_y = small_data(seed=5, samples=9)
    with_validation, without = nn.MLP(2, [3, 2], seed=0), nn.MLP(2, [3, 2], seed=0)
    outputs: list[Array] = []
    history = quietly(
        with_validation,
        x,
        y,
        epochs=3,
        seed=0,
        reduction=reduction,
        validation=(held_out_x, held_out_y.argmax(axis=1)),
        callbacks=[lambda model, _: outputs.append(nn.predict(model, held_out_x))],
    )
    quietly(without, x, y, epochs=3, seed=0, reduction=reduction)
    assert numbers_of(with_validation) == numbers_of(without)
    for epoch, output in zip(history, outputs):
        losses = 0.5 * ((output - held_out_y) ** 2).sum(axis=1)
        assert epoch.validation_cost == pytest.approx(losses.mean() if reduction == "mean" else losses.sum(), rel=1e-13)
        assert epoch.validation_accuracy == (output.argmax(axis=1) == held_out_y.argmax(axis=1)).mean()


def test_a_prediction_that_could_not_be_more_wrong_costs_infinitely_much() -> None:
    """σ(1000) is exactly 1; if the target is 0, −ln(1 − 1) is infinite. This does not end a training."""
    model = nn.MLP(1, [1], initializer=nn.constant(1000.0))
    optimizer = nn.SGD(model.parameters(), learning_rate=1e-6)
    history = quietly(
        model,
        [[1.0], [-1.0]],
        [1, 0],
        loss=nn.binary_cross_entropy,
        optimizer=optimizer,
        epochs=1,
        validation=([[1.0], [2.0]], [1, 0]),
    )
    assert history[0].validation_cost == math.inf
    assert history[0].validation_accuracy == 0.5


def test_targets_that_name_no_classes_have_no_accuracy() -> None:
    model = nn.MLP(2, [1], output_activation="identity", seed=0)
    history = quietly(model, XOR[0], [0.5, 1.5, -2.0, 0.0], epochs=1, validation=(XOR[0], [0.1, 0.2, 0.3, 0.4]))
    assert history[0].accuracy is None
    assert history[0].validation_accuracy is None
    assert history[0].validation_cost is not None


def frozen(bias: float, output_activation: Any = "identity") -> tuple[nn.MLP, nn.Optimizer]:
    """Return a network whose output is the same for all inputs, and a rate too small to change it."""
    model = nn.MLP(1, [1], output_activation=output_activation, initializer=nn.constant(0.0))
    model.layers[0].neurons[0].bias.data = bias
    return model, nn.SGD(model.parameters(), learning_rate=1e-12)


@pytest.mark.parametrize(
    ("loss", "activation", "bias", "targets", "expected"),
    [
        (nn.half_squared_error, "sigmoid", math.log(0.6 / 0.4), [0, 1, 1], 2 / 3),
        (nn.half_squared_error, "sigmoid", math.log(0.4 / 0.6), [0, 1, 1], 1 / 3),
        (nn.half_squared_error, "identity", 0.4, [0, 1, 1], 1 / 3),
        (nn.half_squared_error, "tanh", 0.3, [-1, 1, 1], 2 / 3),
        (nn.half_squared_error, "tanh", -0.3, [-1, 1, 1], 1 / 3),
        (nn.hinge, "identity", 0.3, [-1, 1, 1], 2 / 3),
        (nn.binary_cross_entropy_with_logits, "identity", 0.3, [0, 1, 1], 2 / 3),
        (nn.binary_cross_entropy_with_logits, "identity", -0.3, [0, 1, 1], 1 / 3),
    ],
)
def test_accuracy_of_one_output_halves_the_range_that_the_loss_aims_at(
    loss: Any, activation: Any, bias: float, targets: list[int], expected: float
) -> None:
    model, optimizer = frozen(bias, activation)
    x = [[0.0], [1.0], [2.0]]
    history = quietly(model, x, targets, loss=loss, optimizer=optimizer, epochs=1, validation=(x, targets))
    assert history[0].accuracy == expected
    assert history[0].validation_accuracy == expected


def test_held_out_samples_of_one_class_are_judged_as_the_training_is() -> None:
    """Targets of −1 and 1 are separated at 0, even if all held-out targets happen to be 1."""
    model, optimizer = frozen(0.3, "tanh")
    history = quietly(
        model, [[0.0], [1.0]], [-1, 1], optimizer=optimizer, epochs=1, validation=([[0.0], [1.0]], [1, 1])
    )
    assert history[0].validation_accuracy == 1.0


# Learning


def test_xor_is_learned() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.SGD(model.parameters(), learning_rate=2.0, momentum=0.9)
    history = quietly(model, *XOR, optimizer=optimizer, epochs=400, batch_size=None)
    assert (nn.predict(model, XOR[0])[:, 0] > 0.5).tolist() == [False, True, True, False]
    assert history[-1].accuracy == 1.0
    assert history[-1].cost < 0.1 * history[0].cost


@pytest.mark.parametrize(
    ("loss", "activation", "scale"),
    [
        (nn.half_squared_error, "sigmoid", 1),
        (nn.mean_squared_error, "sigmoid", 1),
        (nn.binary_cross_entropy, "sigmoid", 1),
        (nn.binary_cross_entropy_with_logits, "identity", 1),
        (nn.cross_entropy, "identity", 1),
        (nn.hinge, "identity", 2),
    ],
)
def test_every_loss_teaches_which_side_of_a_line_a_point_lies_on(loss: Any, activation: Any, scale: int) -> None:
    chance = np.random.default_rng(0)
    x = chance.uniform(-1, 1, size=(60, 2))
    x = x[abs(x.sum(axis=1)) > 0.1]
    y = nn.one_hot((x.sum(axis=1) > 0).astype(int), 2)
    model = nn.MLP(2, [4, 2], activation="tanh", output_activation=activation, seed=0)
    optimizer = nn.SGD(model.parameters(), learning_rate=0.5, momentum=0.9)
    quietly(model, x, y if scale == 1 else 2 * y - 1, loss=loss, optimizer=optimizer, epochs=30, batch_size=10, seed=0)
    assert nn.accuracy(model, x, y) == 1.0


# User-defined networks


class Recurrent(nn.Module):
    """h(t) = σ(w x(t) + u h(t − 1) + b) over a sequence of any length, with the same three numbers at every step."""

    def __init__(self) -> None:
        self.w, self.u, self.b = Value(0.8, "w"), Value(-0.5, "u"), Value(0.1, "b")

    def __call__(self, inputs: Sequence[float]) -> Value:
        h = Value(0.0)
        for x in inputs:
            h = (self.w * x + self.u * h + self.b).sigmoid()
        return h


def sequences() -> tuple[Array, Array]:
    """Return sequences whose last step determines the target."""
    x = np.random.default_rng(3).choice([-1.0, 1.0], size=(12, 5))
    return x, (x[:, -1] > 0).astype(float)


def test_one_update_of_a_recurrent_network_is_backpropagation_through_time() -> None:
    """∂C/∂w is the sum of δ(t) x(t) over the steps, with δ(t − 1) = δ(t) u h(t − 1) (1 − h(t − 1))."""
    model = Recurrent()
    w, u, b = numbers_of(model)
    x, y = sequences()
    quietly(model, x, y, epochs=1, batch_size=None, optimizer=nn.SGD(model.parameters(), learning_rate=0.7))
    gradient = np.zeros(3)
    for sequence, target in zip(x.tolist(), y.tolist()):
        h = [0.0]
        for number in sequence:
            h.append(1 / (1 + math.exp(-(w * number + u * h[-1] + b))))
        delta = (h[-1] - target) * h[-1] * (1 - h[-1])
        for t in range(len(sequence), 0, -1):
            gradient += [delta * sequence[t - 1], delta * h[t - 1], delta]
            delta *= u * h[t - 1] * (1 - h[t - 1])
    expected = np.array([w, u, b]) - 0.7 * gradient / len(x)
    np.testing.assert_allclose(numbers_of(model), expected, rtol=1e-12)


def test_a_recurrent_network_learns() -> None:
    model = Recurrent()
    history = quietly(
        model, *sequences(), epochs=40, batch_size=4, seed=0, optimizer=nn.Adam(model.parameters(), learning_rate=0.2)
    )
    assert nn.accuracy(model, *sequences(), threshold=0.5) == 1.0
    assert history[-1].cost < 0.2 * history[0].cost


class InLayers(nn.Module):
    """A network that stores its layers under any attribute, in any of the ways that a Module allows."""

    def __init__(self, layers: Any) -> None:
        self.layers = layers
        self.hidden, self.output = nn.Layer(2, 3, seed=0), nn.Layer(3, 1, seed=1)

    def __call__(self, inputs: Sequence[float]) -> list[Value]:
        return self.output(self.hidden(inputs))


@pytest.mark.parametrize(
    "layers",
    [{"hidden": nn.Layer(1, 1, seed=0)}, [], (), 2, None, "two", [nn.Neuron(1, seed=0)]],
    ids=["dict", "empty list", "empty tuple", "number", "None", "text", "neurons"],
)
def test_what_a_module_calls_layers_is_its_own_affair(layers: Any) -> None:
    """An MLP's `layers` are checked for pitfalls; in other modules the name may mean something else."""
    history = quietly(InLayers(layers), *XOR, epochs=2, seed=0)
    assert len(history) == 2


def test_neurons_and_layers_can_be_trained_by_themselves() -> None:
    for model in (nn.Neuron(2, seed=0), nn.Layer(2, 1, seed=0)):
        history = quietly(model, XOR[0], [0, 0, 0, 1], epochs=5, optimizer=nn.SGD(model.parameters(), 1.0))
        assert history[-1].cost < history[0].cost


def test_samples_may_be_arrays_of_any_shape() -> None:
    class Sums(nn.Module):
        def __init__(self) -> None:
            self.w = Value(0.1, "w")

        def __call__(self, inputs: list[list[float]]) -> Value:
            assert len(inputs) == 2
            assert len(inputs[0]) == 3
            return self.w * sum(map(sum, inputs))

    x = np.random.default_rng(0).normal(size=(8, 2, 3))
    model = Sums()
    quietly(model, x, 2 * x.sum(axis=(1, 2)), epochs=50, optimizer=nn.SGD([model.w], learning_rate=0.2))
    assert model.w.data == pytest.approx(2.0, abs=1e-6)


def test_a_loss_may_be_any_function_ofoutputs_and_targets() -> None:
    """A loss that returns a plain 0 if there is nothing to pay, as a beginner writes it, works like hinge."""

    def plain_hinge(output: Value, target: float) -> Any:
        margin = target * output
        return 1 - margin if margin < 1 else 0.0

    models = [nn.MLP(2, [1], output_activation="identity", seed=0) for _ in range(2)]
    for model, loss in zip(models, (nn.hinge, plain_hinge)):
        quietly(model, XOR[0], [-1, 1, 1, 1], loss=loss, epochs=20, batch_size=2, seed=0)
    assert numbers_of(models[1]) == pytest.approx(numbers_of(models[0]), rel=1e-13)


# The terminal, and the cyclic garbage collector


def test_the_bar_shows_epochs_cost_and_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    nn.fit(nn.MLP(2, [2], seed=0), *small_data(), epochs=3, validation=small_data(seed=1))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [word in shown.err for word in ("epoch 3/3", "cost=", "accuracy=", "held out=")] == [True] * 4


def test_without_a_bar_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    quietly(nn.MLP(2, [2], seed=0), *small_data(), epochs=3)
    assert capsys.readouterr() == ("", "")


@pytest.fixture(params=[True, False], ids=["collector on", "collector off"])
def collector_on(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Switch the cyclic collector on or off, and restore it after the test."""
    was_enabled = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ZeroDivisionError])
def test_the_collector_is_paused_while_graphs_are_built_and_left_as_it_was_found(
    error: type[BaseException] | None, collector_on: bool
) -> None:
    seen: list[bool] = []

    def loss(outputs: Any, targets: Any) -> Value:
        seen.append(gc.isenabled())
        if error and len(seen) == 5:
            raise error
        return nn.half_squared_error(outputs, targets)

    between: list[bool] = []
    model = nn.MLP(2, [2], seed=0)
    if error is ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            quietly(model, *small_data(), loss=loss, engine="eager")
    else:
        callbacks = [lambda *_: between.append(gc.isenabled())]
        quietly(model, *small_data(), loss=loss, epochs=2, callbacks=callbacks, engine="eager")
    assert not any(seen)
    assert between == [collector_on] * (0 if error else 2)
    assert gc.isenabled() == collector_on


# Numbers that are not finite


class Product(nn.Module):
    """A network that applies f to a weight times the input."""

    def __init__(self, weight: float, f: Callable[[Value], Value]) -> None:
        self.weight = Value(weight, "weight")
        self.f = f

    def __call__(self, inputs: Sequence[float]) -> Value:
        z = self.weight * inputs[0]
        z.label = "z"
        y = self.f(z)
        y.label = "y"
        return y


@pytest.mark.parametrize(
    ("weight", "f", "x", "message"),
    [
        (1e200, lambda z: z * z, [1.0], r"'?y'? \(\*\) is inf, computed from 1e\+200, 1e\+200"),
        (1e300, lambda z: z + 1, [1e300], r"'?z'? \(\*\) is inf, computed from 1e\+300, 1e\+300"),
        (1e300, lambda z: z - z, [1e300], r"'?z'? \(\*\) is inf"),
        (math.nan, lambda z: z + 1, [1.0], r"'?weight'? \(a leaf\) is nan"),
        (1.0, lambda z: z.sqrt(), [0.0], r"'?y'? \(sqrt\) = 0 has a derivative that is not finite"),
        (1.0, lambda z: z**0.5, [0.0], r"'?y'? \(\*\*\) = 0 has a derivative that is not finite"),
        (1.0, lambda z: autograd.cbrt(z), [0.0], r"'?y'? \(cbrt\) = 0 has a derivative that is not finite"),
    ],
    ids=["overflow", "at the first", "nan after inf", "a leaf", "sqrt at 0", "power at 0", "cbrt at 0"],
)
def test_what_is_not_finite_stops_the_training_and_is_named(
    weight: float, f: Callable[[Value], Value], x: list[float], message: str
) -> None:
    model = Product(weight, f)
    optimizer = nn.SGD(model.parameters(), learning_rate=0.1)
    with pytest.raises(FloatingPointError, match=message):
        quietly(model, [x], [0.0], optimizer=optimizer, epochs=1)
    assert repr(model.weight.data) == repr(weight)


def test_a_cost_that_overflows_stops_the_training_also_where_its_derivatives_are_finite() -> None:
    """Twice 1.5 · 10³⁰⁸ overflows, although the derivative of w + w is 2."""
    model = Product(1.5e308, lambda z: z + z)
    with pytest.raises(FloatingPointError, match=r"'?y'? \(\+\) is inf"):
        quietly(model, [[1.0]], [0.0], loss=lambda output, target: output, epochs=1)
    assert model.weight.data == 1.5e308


def test_a_weight_that_is_nan_is_named_among_all_others() -> None:
    model = nn.MLP(2, [3, 2], seed=0)
    quietly(model, *small_data(), epochs=1)
    model.layers[0].neurons[1].weights[1].data = math.nan
    with pytest.raises(FloatingPointError, match=r"layers\.0\.neurons\.1\.weights\.1'? \(a leaf\) is nan"):
        quietly(model, *small_data(), epochs=1)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_weight_that_is_infinite_is_named_even_where_all_that_follows_from_it_is_finite(engine: Any) -> None:
    """σ(∞) is 1, with the derivative 0."""
    model = nn.MLP(2, [3, 2], seed=0)
    model.layers[0].neurons[1].bias.data = math.inf
    with pytest.raises(FloatingPointError, match=r"layers\.0\.neurons\.1\.bias = inf"):
        quietly(model, *small_data(), epochs=1, engine=engine)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda z: z.exp(), OverflowError, r"exp\('?z'? = 800\.0\)"),
        (lambda z: (z - 801).log(), ValueError, r"log\(-1\.0\)"),
        (lambda z: 1 / (z - 800), ZeroDivisionError, r"\(1\) / \(0\.0\)|1\.0\) / \(0\.0\)"),
        (lambda z: z**200, OverflowError, r"'?z'? = 800\.0\) \*\* \(200"),
    ],
    ids=["exp", "log", "division", "power"],
)
def test_a_value_that_does_not_exist_stops_the_training_naming_operation_and_operands(
    f: Callable[[Value], Value], error: type[Exception], message: str
) -> None:
    model = Product(800.0, f)
    with pytest.raises(error, match=message):
        quietly(model, [[1.0]], [0.0], epochs=1)
    assert model.weight.data == 800.0


def test_a_training_that_diverges_is_stopped_with_the_parameters_as_before_that_update() -> None:
    model = nn.MLP(1, [2, 1], activation="identity", output_activation="identity", seed=0)
    seen: list[list[float]] = []
    x = np.linspace(-1, 1, 8)
    with pytest.raises(FloatingPointError, match=r"epoch \d+: .* is (inf|nan).*smaller learning rate") as caught:
        quietly(
            model,
            x,
            3 * x,
            epochs=10_000,
            batch_size=None,
            optimizer=nn.SGD(model.parameters(), learning_rate=1e3),
            callbacks=[every_epoch(seen)],
        )
    assert f"epoch {len(seen) + 1}:" in str(caught.value)
    assert numbers_of(model) == seen[-1]
    assert all(map(math.isfinite, numbers_of(model)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("epochs", [1, 2])
def test_an_update_that_would_overflow_is_not_made(epochs: int) -> None:
    """All numbers of the graph are finite, but the rate times the derivative is not: the weights must stay finite."""
    model = Product(1.0, lambda z: z + 0.0)
    optimizer = nn.SGD(model.parameters(), learning_rate=1e300)
    with pytest.raises((FloatingPointError, OverflowError), match="weight"):
        quietly(model, [[1e10]], [0.0], optimizer=optimizer, epochs=epochs)
    assert model.weight.data == 1.0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_product_of_finite_derivatives_that_overflows_is_named() -> None:
    """dy/dz = 10²⁰⁰ and dz/dw = 10²⁰⁰ are both finite, but dy/dw is not."""
    model = Product(1e-200, lambda z: z * 1e200)
    with pytest.raises(FloatingPointError, match=r"gradient to '?weight'? is inf"):
        quietly(model, [[1e200]], [0.0], epochs=1, loss=lambda output, target: output * 1e-80)
    assert model.weight.data == 1e-200


# Errors

SIGMOID = nn.MLP(2, [3, 1], seed=0)
IDENTITY = nn.MLP(2, [3, 1], output_activation="identity", seed=0)
TWO = nn.MLP(2, [3, 2], seed=0)
X: Any = XOR[0]
Y: Any = XOR[1]
V, T = ValueError, TypeError
EITHER = (ValueError, TypeError)

BAD_DATA: list[tuple[Any, ...]] = [
    ("no samples", SIGMOID, [], [], {}, V, "inputs must hold at least one sample"),
    ("samples of nothing", SIGMOID, [[], []], [0, 1], {}, V, "inputs must hold at least one sample"),
    ("a single number", SIGMOID, 0.5, 0.5, {}, V, "inputs must hold at least one sample"),
    ("ragged rows", SIGMOID, [[0, 0], [0]], [0, 1], {}, V, "rows of the same length"),
    ("a column too many", SIGMOID, [[0, 0, 0]], [0], {}, V, "MLP expects 2 inputs, got 3"),
    ("texts", SIGMOID, [["a", "b"]], [0], {}, T, "inputs must be real numbers"),
    ("numbers in words", SIGMOID, [["1", "2"]], [0], {}, T, "inputs must be real numbers"),
    ("a text among numbers", SIGMOID, [[1, "b"]], [0], {}, T, "inputs must be real numbers"),
    ("None", SIGMOID, None, Y, {}, EITHER, "inputs must be .*real numbers"),
    ("None among numbers", SIGMOID, [[1.0, None]], [0], {}, EITHER, "inputs must be .*real numbers"),
    ("complex numbers", SIGMOID, [[1j, 0]], [0], {}, T, "inputs must be real numbers.*complex"),
    ("Values", SIGMOID, [[Value(1.0), 0.0]], [0], {}, EITHER, "inputs must be .*real numbers"),
    ("dates", SIGMOID, np.array([["2020-01-01"] * 2], "M8[D]"), [0], {}, T, "inputs must be real numbers"),
    ("NaN", SIGMOID, [[0, 0], [0, math.nan]], [0, 1], {}, V, "inputs must be finite.*nan in sample 1, column 1"),
    ("infinity", SIGMOID, [[-math.inf, 0]], [0], {}, V, "inputs must be finite.*-inf in sample 0, column 0"),
    ("too few targets", SIGMOID, X, [0, 1, 1], {}, V, "a target for each of the 4 samples, got 3"),
    ("too many targets", SIGMOID, X, [0] * 5, {}, V, "a target for each of the 4 samples, got 5"),
    ("a single target", SIGMOID, X, 1, {}, V, "a target for each of the 4 samples, got a single number"),
    ("no targets", SIGMOID, X, [], {}, V, "a target for each of the 4 samples, got 0"),
    ("targets None", SIGMOID, X, None, {}, EITHER, "targets must be .*real numbers"),
    ("names of four classes", SIGMOID, X, [*"abcd"], {}, V, "1 output, for 2 classes; the targets name 4: 'a', 'b'"),
    ("a name missing", SIGMOID, X, ["a", "b", None, "b"], {}, V, "names of classes; that of sample 2 is missing"),
    ("a number among names", SIGMOID, X, ["a", "b", 3, "b"], {}, V, "that of sample 2 is 3, which is not a text"),
    ("complex targets", SIGMOID, X, [1j] * 4, {}, T, "targets must be real numbers.*complex"),
    ("ragged targets", TWO, X, [[0, 1], [0, 1], [0, 1], [0]], {}, V, "targets.* rows of the same length"),
    ("a target NaN", SIGMOID, X, [0, 1, math.nan, 0], {}, V, "targets must be finite.*nan in sample 2"),
    ("a target column too many", SIGMOID, X, [[0, 1]] * 4, {}, V, r"targets must have shape \(4, 1\), got \(4, 2\)"),
    ("a target column too few", TWO, X, [[0]] * 4, {}, V, r"targets must have shape \(4, 2\), got \(4, 1\)"),
    ("fractions as labels", TWO, X, [0.0, 1.0, 1.0, 0.0], {}, V, "targets must be integer labels, or rows of 2"),
    ("a label too large", TWO, X, [0, 1, 2, 0], {}, V, "labels go from 0 to 2, but there are classes 0 to 1"),
    ("a negative label", TWO, X, [0, 1, -1, 0], {}, V, "labels go from -1 to 1"),
]

BAD_SETTINGS: list[tuple[Any, ...]] = [
    *(
        (f"epochs {e!r}", SIGMOID, X, Y, {"epochs": e}, EITHER, "epochs must be an integer of at least 1")
        for e in (0, -1, 2.5, True, "3", None)
    ),
    *(
        (f"batch size {b!r}", SIGMOID, X, Y, {"batch_size": b}, EITHER, "batch_size must be an integer of at least 1")
        for b in (0, -1, 2.5, True, "3")
    ),
    ("reduction", SIGMOID, X, Y, {"reduction": "median"}, V, "reduction must be 'mean' or 'sum', got 'median'"),
    ("no reduction", SIGMOID, X, Y, {"reduction": None}, V, "reduction must be 'mean' or 'sum'"),
    *(
        (f"tolerance {t!r}", SIGMOID, X, Y, {"gradient_tolerance": t}, V, "gradient_tolerance must be 0 or more")
        for t in (-1e-9, math.nan)
    ),
    ("a tolerance in words", SIGMOID, X, Y, {"gradient_tolerance": "small"}, EITHER, None),
    ("a negative seed", SIGMOID, X, Y, {"seed": -1}, V, None),
    ("a seed in words", SIGMOID, X, Y, {"seed": "seven"}, EITHER, None),
    ("an optimizer in words", SIGMOID, X, Y, {"optimizer": "sgd"}, EITHER, "optimizer"),
    ("an optimizer's class", SIGMOID, X, Y, {"optimizer": nn.SGD}, EITHER, "optimizer"),
    ("another's optimizer", SIGMOID, X, Y, {"optimizer": nn.SGD(IDENTITY.parameters())}, V, "none of the model's"),
    ("a loss in words", SIGMOID, X, Y, {"loss": "cross_entropy"}, EITHER, None),
    ("validation inputs alone", SIGMOID, X, Y, {"validation": (X,)}, EITHER, "validation"),
    ("validation in one number", SIGMOID, X, Y, {"validation": 0.2}, EITHER, "validation"),
    ("validation ragged", SIGMOID, X, Y, {"validation": ([[0, 0], [0]], [0, 1])}, V, "validation inputs.*same length"),
    ("validation NaN", SIGMOID, X, Y, {"validation": ([[0, math.nan]], [0])}, V, "validation inputs.*finite"),
    ("validation targets", SIGMOID, X, Y, {"validation": (X, [0])}, V, "a target for each of the 4 samples, got 1"),
    ("validation columns", SIGMOID, X, Y, {"validation": ([[0, 0, 0]], [0])}, V, "expects 2 inputs, got 3"),
    ("validation labels", TWO, X, Y, {"validation": (X, [0, 1, 2, 3])}, V, "labels go from 0 to 3"),
    (
        "validation of 0 and 1 for hinge",
        IDENTITY,
        X,
        [-1, 1, 1, -1],
        {"loss": nn.hinge, "validation": (X, Y)},
        V,
        "hinge expects targets of -1 and 1",
    ),
    ("no model", None, X, Y, {}, T, "fit trains a Module"),
    ("a function", lambda x: x, X, Y, {}, T, "fit trains a Module"),
    ("a module without parameters", nn.Module(), X, Y, {}, T, "fit trains a Module"),
    ("inputs for a model", X, SIGMOID, Y, {}, T, "fit trains a Module"),
]

REFUSED = [*BAD_DATA, *BAD_SETTINGS]


@pytest.mark.parametrize(
    ("model", "inputs", "targets", "settings", "error", "message"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_what_cannot_be_learned_is_refused_in_words_before_anything_changes(
    model: Any, inputs: Any, targets: Any, settings: dict[str, Any], error: type[Exception], message: str | None
) -> None:
    before = numbers_of(model) if isinstance(model, nn.Module) else None
    with pytest.raises(error, match=message):
        quietly(model, inputs, targets, **{"epochs": 2, **settings})
    if before is not None:
        assert numbers_of(model) == before


@pytest.mark.parametrize("loss", [lambda o, t: 1.0, lambda o, t: None, lambda o, t: "much", lambda o, t: [o]])
def test_a_loss_that_is_no_value_is_refused(loss: Any) -> None:
    with pytest.raises(TypeError):
        quietly(SIGMOID, X, Y, loss=loss, epochs=1)
