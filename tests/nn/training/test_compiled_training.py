"""fit with the compiled loss: the same numbers as node by node, at each step, and the same behaviour."""

from __future__ import annotations

import itertools
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value

Array = NDArray[np.float64]


def data(samples: int = 17, classes: int = 2, seed: int = 0) -> tuple[Array, Array]:
    chance = np.random.default_rng(seed)
    return chance.normal(size=(samples, 3)), np.eye(classes)[chance.integers(0, classes, size=samples)]


def numbers_of(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def gradients_of(model: nn.Module) -> list[float]:
    return [p.grad for p in model.parameters()]


def assert_close(actual: Any, expected: Any, tolerance: float = 1e-12) -> None:
    assert np.linalg.norm(np.subtract(actual, expected)) <= tolerance * np.linalg.norm(expected)


def assert_same_history(actual: nn.History, expected: nn.History) -> None:
    assert actual.stopped == expected.stopped
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected):
        assert (one.epoch, one.accuracy, one.validation_accuracy) == (
            other.epoch,
            other.accuracy,
            other.validation_accuracy,
        )
        assert (one.cost, one.largest_derivative) == pytest.approx((other.cost, other.largest_derivative), rel=1e-9)
        assert one.validation_cost == (other.validation_cost and pytest.approx(other.validation_cost, rel=1e-9))


OPTIMIZERS: dict[str, Callable[[nn.Module], nn.Optimizer]] = {
    "sgd": lambda model: nn.SGD(model.parameters(), learning_rate=0.3),
    "momentum": lambda model: nn.SGD(model.parameters(), nn.step_decay(0.3, 0.5, 10), momentum=0.9, decay=0.01),
    "clipped": lambda model: nn.SGD(model.parameters(), 0.5, max_gradient_norm=0.05),
    "adam": lambda model: nn.Adam(model.parameters(), learning_rate=0.01),
    "adamw": lambda model: nn.AdamW(model.parameters(), nn.cosine_decay(0.01, 20), weight_decay=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_step_for_step_the_same_numbers(name: str, reduction: Any) -> None:
    """One epoch of one batch is one step; parameters, gradients and the optimizer's state agree after each of 25."""
    x, y = data()
    steps: dict[str, list[list[float]]] = {}
    histories = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [5, 2], seed=1)
        optimizer = OPTIMIZERS[name](model)
        record = steps[engine] = []

        def note(
            model: nn.Module, history: nn.History, record: Any = record, optimizer: nn.Optimizer = optimizer
        ) -> None:
            state = [number for vector in optimizer.state.values() for number in vector.tolist()]
            record.append([*numbers_of(model), *gradients_of(model), *state])

        histories[engine] = nn.fit(
            model,
            x,
            y,
            optimizer=optimizer,
            epochs=25,
            batch_size=None,
            reduction=reduction,
            validation=data(9, seed=3),
            callbacks=[note],
            seed=0,
            progress=False,
            engine=engine,
        )
    assert histories["compiled"].engine == "compiled"
    assert histories["eager"].engine == "eager"
    for actual, expected in zip(steps["compiled"], steps["eager"], strict=True):
        assert_close(actual, expected, 1e-11)
    assert_same_history(histories["compiled"], histories["eager"])


LOSSES: list[tuple[Any, str]] = [
    (nn.half_squared_error, "sigmoid"),
    (nn.mean_squared_error, "tanh"),
    (nn.binary_cross_entropy, "sigmoid"),
    (nn.binary_cross_entropy_with_logits, "identity"),
    (nn.cross_entropy, "identity"),
    (nn.hinge, "identity"),
]


@pytest.mark.parametrize("elementary", [False, True], ids=["wide", "elementary"])
@pytest.mark.parametrize(("loss", "activation"), LOSSES, ids=[loss.__name__ for loss, _ in LOSSES])
def test_every_loss_in_mini_batches(loss: Any, activation: Any, elementary: bool) -> None:
    x, y = data(samples=17)
    targets = 2 * y - 1 if loss is nn.hinge else y
    results = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [4, 2], "tanh", activation, seed=1, elementary=elementary)
        history = nn.fit(
            model,
            x,
            targets,
            loss=loss,
            epochs=4,
            batch_size=5,
            seed=0,
            progress=False,
            engine=engine,
        )
        results[engine] = numbers_of(model), history
    assert_close(results["compiled"][0], results["eager"][0], 1e-11)
    assert_same_history(results["compiled"][1], results["eager"][1])


@pytest.mark.parametrize("targets", ["numbers", "labels", "one output"])
def test_targets_of_every_kind(targets: str) -> None:
    x, y = data(samples=11, classes=3)
    given: Any = {"numbers": y * 0.7, "labels": y.argmax(axis=1), "one output": y[:, 0]}[targets]
    results = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [4, 1 if targets == "one output" else 3], seed=1)
        history = nn.fit(model, x, given, epochs=3, batch_size=4, seed=0, progress=False, engine=engine)
        results[engine] = numbers_of(model), history
    assert_close(results["compiled"][0], results["eager"][0])
    assert_same_history(results["compiled"][1], results["eager"][1])


def test_values_are_up_to_date_in_callbacks_and_at_the_end() -> None:
    """A model that is drawn or called has the trained numbers: its cost on the samples agrees with the history."""
    x, y = data()
    model = nn.MLP(3, [5, 2], seed=1)
    costs = []

    def note(model: Any, history: nn.History) -> None:
        costs.append(np.mean([nn.half_squared_error(model(s), t).data for s, t in zip(x.tolist(), y.tolist())]))

    history = nn.fit(
        model, x, y, epochs=5, batch_size=None, validation=(x, y), callbacks=[note], progress=False, engine="compiled"
    )
    assert costs == pytest.approx([epoch.validation_cost for epoch in history], rel=1e-12)
    loss = nn.half_squared_error(model(x[0].tolist()), y[0].tolist())
    assert not autograd.is_stale(loss)


def test_what_a_callback_changes_is_trained_on() -> None:
    x, y = data()
    results = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [5, 2], seed=1)

        def reset(model: Any, history: nn.History) -> None:
            if len(history) == 2:
                for parameter in model.parameters():
                    parameter.data *= 0.5

        nn.fit(model, x, y, epochs=4, batch_size=6, seed=0, callbacks=[reset], progress=False, engine=engine)
        results[engine] = numbers_of(model)
    assert_close(results["compiled"], results["eager"])


def test_a_loss_that_a_callback_changes_is_compiled_anew() -> None:
    """The loss has a weight that grows with each epoch, a constant of each epoch's program."""
    x, y = data()
    results = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [5, 2], seed=1)
        weight = [0.5]

        def loss(outputs: Any, targets: Any, weight: list[float] = weight) -> Any:
            return weight[0] * nn.half_squared_error(outputs, targets)

        def grow(model: Any, history: nn.History, weight: list[float] = weight) -> None:
            weight[0] *= 1.5

        nn.fit(model, x, y, loss=loss, epochs=4, seed=0, callbacks=[grow], progress=False, engine=engine)
        results[engine] = numbers_of(model)
    assert_close(results["compiled"], results["eager"])


def test_only_the_parameters_of_the_optimizer_change() -> None:
    x, y = data()
    results = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [5, 2], seed=1)
        before = model.layers[0].state_dict()
        extra = Value(5.0)
        optimizer = nn.SGD([*model.layers[1].parameters(), extra], learning_rate=0.5, momentum=0.9)
        nn.fit(model, x, y, optimizer=optimizer, epochs=3, seed=0, progress=False, engine=engine)
        assert model.layers[0].state_dict() == before
        assert extra.data == 5.0
        results[engine] = numbers_of(model)
    assert_close(results["compiled"], results["eager"])


@pytest.mark.parametrize("first", ["eager", "compiled"])
@pytest.mark.parametrize("second", ["eager", "compiled"])
def test_checkpoints_of_either_engine_serve_both(first: Any, second: Any, tmp_path: Path) -> None:
    x, y = data()
    whole = nn.MLP(3, [5, 2], seed=1)
    settings: dict[str, Any] = {"batch_size": 5, "progress": False}
    expected = nn.fit(whole, x, y, optimizer=OPTIMIZERS["adam"](whole), epochs=6, seed=4, engine="eager", **settings)
    model = nn.MLP(3, [5, 2], seed=1)
    settings["checkpoint"] = tmp_path / "half"
    nn.fit(model, x, y, optimizer=OPTIMIZERS["adam"](model), epochs=3, seed=4, engine=first, **settings)
    resumed = nn.MLP(3, [5, 2], seed=99)
    optimizer = OPTIMIZERS["adam"](resumed)
    history = nn.fit(resumed, x, y, optimizer=optimizer, epochs=6, resume=True, engine=second, **settings)
    assert_close(numbers_of(resumed), numbers_of(whole), 1e-10)
    assert_same_history(history, expected)


def test_a_rule_of_ones_own_has_the_parameters_in_its_own_order() -> None:
    """This rule has a rate for each parameter, unlike the rules of the package."""

    class Rates(nn.SGD):
        def _rule(self, weights: Any, gradients: Any, rate: float, new: Any) -> None:
            super()._rule(weights, gradients * np.linspace(0.0, 1.0, len(weights)), rate, new)

    x, y = data()
    results = {}
    engines: tuple[Any, ...] = ("eager", "compiled")
    for engine in engines:
        model = nn.MLP(3, [5, 2], seed=1)
        optimizer = Rates(model.parameters(), 0.5)
        nn.fit(model, x, y, optimizer=optimizer, epochs=3, seed=0, progress=False, engine=engine)
        results[engine] = numbers_of(model)
    assert_close(results["compiled"], results["eager"])


@pytest.mark.parametrize("seen", ["by a callback", "at the end"])
def test_the_optimizer_has_its_parameters_and_state_in_its_own_order_again(seen: str) -> None:
    x, y = data()
    states = {}
    engines: tuple[Any, ...] = ("eager", "compiled")
    for engine in engines:
        model = nn.MLP(3, [5, 2], seed=1)
        optimizer = nn.Adam(model.parameters(), 0.05)
        snapshots: list[tuple[bool, dict[str, Array]]] = []

        def look(model: nn.Module, history: nn.History, snapshots: Any = snapshots, optimizer: Any = optimizer) -> None:
            snapshots.append((optimizer.parameters == model.parameters(), optimizer.state_dict()["state"]))

        callbacks = [look] if seen == "by a callback" else []
        nn.fit(model, x, y, optimizer=optimizer, epochs=3, seed=0, progress=False, engine=engine, callbacks=callbacks)
        look(model, nn.History())
        assert all(in_order for in_order, _ in snapshots)
        states[engine] = snapshots
    for (_, one), (_, other) in zip(states["compiled"], states["eager"]):
        for name in ("mean", "square"):
            assert_close(one[name], other[name], 1e-10)


@pytest.mark.parametrize("step", [1, 4, 6])
def test_ctrl_c_in_the_middle_of_an_epoch_keeps_the_updates_made(step: int) -> None:
    """If an optimizer's rule is interrupted, its update is not made, and earlier ones are kept."""

    class Interrupted(nn.SGD):
        def _rule(self, weights: Any, gradients: Any, rate: float, new: Any) -> None:
            super()._rule(weights, gradients, rate, new)
            if self.steps == step:
                raise KeyboardInterrupt

    x, y = data()
    results = {}
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [5, 2], seed=1)
        optimizer = Interrupted(model.parameters(), 0.5)
        history = nn.fit(
            model,
            x,
            y,
            optimizer=optimizer,
            epochs=9,
            batch_size=6,
            seed=0,
            progress=False,
            engine=engine,
        )
        assert len(history) == (step - 1) // 3
        assert f"interrupted in epoch {(step - 1) // 3 + 1}" in history.stopped
        results[engine] = numbers_of(model)
    assert_close(results["compiled"], results["eager"])
    changed = step > 1
    assert (results["compiled"] != numbers_of(nn.MLP(3, [5, 2], seed=1))) == changed


def interrupted(line: int, engine: Any) -> tuple[int, list[float], bool]:
    """Train with Ctrl-C at a line of the code that makes the third update, counted from 0.

    Returns the optimizer's steps and the parameters after the interrupt, and whether there are that many lines.
    """
    x, y = data()
    model = nn.MLP(3, [5, 2], seed=1)
    optimizer = nn.Adam(model.parameters(), 0.05)
    seen, updates, updating = 0, 0, False

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal seen, updates, updating
        if not frame.f_code.co_filename.endswith(("descent.py", "optimizers.py", "compiled.py")):
            return None
        if frame.f_code.co_name in ("step", "_step") and event in ("call", "return"):
            updates += event == "call"
            updating = event == "call" and updates == 3
        elif updating and event == "line":
            seen += 1
            if seen == line + 1:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        nn.fit(model, x, y, optimizer=optimizer, epochs=1, batch_size=5, shuffle=False, progress=False, engine=engine)
    finally:
        sys.settrace(before)
    return optimizer.steps, numbers_of(model), seen > line


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_ctrl_c_at_any_line_of_an_update_leaves_weights_and_optimizer_at_the_same_step(engine: Any) -> None:
    x, y = data()
    expected = {}
    for steps in (2, 3, 4):
        model = nn.MLP(3, [5, 2], seed=1)
        nn.fit(
            model,
            x[: 5 * steps],
            y[: 5 * steps],
            optimizer=nn.Adam(model.parameters(), 0.05),
            epochs=1,
            batch_size=5,
            shuffle=False,
            progress=False,
            engine=engine,
        )
        expected[steps] = numbers_of(model)
    results = []
    for line in itertools.count():
        steps, numbers, was_interrupted = interrupted(line, engine)
        assert numbers == expected[steps]
        if not was_interrupted:
            break
        results.append(steps)
    assert len(results) > 15
    assert set(results) == {2}  # the last line installs the new weights


def test_what_is_not_finite_is_named_by_the_same_words() -> None:
    x, y = data()
    messages = []
    for engine in ("eager", "compiled"):
        model = nn.MLP(3, [4, 2], "identity", "identity", seed=1)
        optimizer = nn.SGD(model.parameters(), learning_rate=1e3)
        with pytest.raises(FloatingPointError) as caught:
            nn.fit(model, x, y, optimizer=optimizer, epochs=500, seed=0, progress=False, engine=engine)
        messages.append(str(caught.value))
        assert np.isfinite(numbers_of(model)).all()
    assert messages[0].partition(" is ")[0] == messages[1].partition(" is ")[0]
    assert "smaller learning rate" in messages[1]


def test_a_loss_without_a_value_is_an_error_of_its_own() -> None:
    """The compiled engine raises the same error as the eager one, which names the operation and the operand."""

    class Logarithm(nn.Module):
        def __init__(self) -> None:
            self.weight = Value(1.0, "weight")

        def __call__(self, inputs: Sequence[Any]) -> Value:
            z: Value = self.weight * inputs[0]
            return z.log()

    x, y = np.array([[1.0], [2.0], [-1.0]]), np.zeros(3)
    for engine in ("eager", "compiled"):
        with pytest.raises(ValueError, match=r"log\(-1\.0\)"):
            nn.fit(Logarithm(), x, y, shuffle=False, progress=False, engine=engine)


def test_held_out_samples_may_have_an_infinite_loss() -> None:
    """For a saturated sigmoid with a wrong output, both engines return inf."""
    x, y = np.array([[0.5], [-0.5]]), np.array([1.0, 0.0])
    for engine in ("eager", "compiled"):
        model = nn.MLP(1, [1], seed=0)
        history = nn.fit(
            model,
            x,
            y,
            loss=nn.binary_cross_entropy,
            epochs=1,
            validation=([[1e5], [-1e5]], [0.0, 1.0]),
            progress=False,
            engine=engine,
        )
        assert history[0].validation_cost == float("inf")


# Losses that cannot be compiled


class Branching(nn.Module):
    def __init__(self) -> None:
        self.weight = Value(0.5, "weight")

    def __call__(self, inputs: Sequence[Any]) -> Value:
        return self.weight * inputs[0] if inputs[0] > 0 else 2 * self.weight


class Dropping(nn.Module):
    """A network that draws random numbers."""

    def __init__(self) -> None:
        self.weights = [Value(0.5), Value(-0.25)]

    def __call__(self, inputs: Sequence[Any]) -> Value:
        return autograd.dot([w * (random.random() < 0.5) for w in self.weights], [inputs[0], 1.0])


class Wordy(Branching):
    """A network whose error message has several lines."""

    def __call__(self, inputs: Sequence[Any]) -> Value:
        try:
            return super().__call__(inputs)
        except TypeError as error:
            raise ValueError(f"where it went wrong:\n    {error}\n") from error


@pytest.mark.parametrize("progress", [True, False], ids=["with a bar", "without"])
@pytest.mark.parametrize("make", [Branching, Dropping, Wordy])
def test_auto_falls_back_and_says_why_in_one_line(
    make: Callable[[], nn.Module], progress: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The results are then exactly those of the eager engine, including its random draws."""
    x, y = np.linspace(-1, 1, 8), np.linspace(0, 1, 8)
    results = {}
    for engine in ("eager", "auto"):
        random.seed(5)
        model = make()
        history = nn.fit(model, x, y, epochs=2, batch_size=3, seed=0, engine=engine, progress=progress)
        said = capsys.readouterr()
        assert history.engine == "eager"
        lines = re.findall(r"(?:^|[\r\n])trained node by node, since it cannot be compiled: [^\r\n]+\n", said.err)
        assert len(lines) == (engine == "auto")
        assert said.out == ""
        if not progress:
            assert said.err == "".join(lines)
        results[engine] = numbers_of(model), history.epochs
    assert results["auto"] == results["eager"]
    with pytest.raises((TypeError, ValueError), match=r"where|random"):
        nn.fit(make(), x, y, epochs=2, progress=False, engine="compiled")


class Mine(nn.SGD):
    """The same rule under another name."""


class RateByPlace(nn.SGD):
    """The first parameter learns at a separate rate, so that the order of the parameters matters."""

    def _rule(self, weights: Any, gradients: Any, rate: float, new: Any) -> None:
        super()._rule(weights, gradients, rate, new)
        new[0] = weights[0] - 10 * rate * gradients[0]


class Stepping(nn.SGD):
    """An optimizer that counts its steps itself."""

    own = 0

    def step(self) -> None:
        self.own += 1
        super().step()


def trained(make: type[nn.SGD], engine: Any, **settings: Any) -> tuple[nn.SGD, nn.History, list[float]]:
    """Train a small network; return the optimizer, the history and the parameters."""
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(20, 3)), chance.random((20, 2))
    model = nn.MLP(3, [4, 2], seed=1)
    optimizer = make(model.parameters(), 0.5, **settings)
    history = nn.fit(model, x, y, optimizer=optimizer, epochs=3, batch_size=6, seed=2, progress=False, engine=engine)
    return optimizer, history, [parameter.data for parameter in model.parameters()]


def test_a_class_derived_from_sgd_takes_the_same_path_to_the_same_bits() -> None:
    _, history, numbers = trained(Mine, "compiled", momentum=0.5)
    _, expected_history, expected = trained(nn.SGD, "compiled", momentum=0.5)
    assert numbers == expected
    assert history == expected_history
    assert Mine.elementwise is True


def test_a_rule_of_ones_own_finds_the_parameters_where_it_put_them() -> None:
    assert RateByPlace.elementwise is False
    _, _, numbers = trained(RateByPlace, "compiled")
    _, _, expected = trained(RateByPlace, "eager")
    assert numbers == pytest.approx(expected, rel=1e-9)
    assert numbers[0] != pytest.approx(trained(nn.SGD, "eager")[2][0], rel=1e-3)


def test_an_optimizer_with_a_step_of_its_own_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    optimizer, history, _ = trained(Stepping, "auto")
    assert isinstance(optimizer, Stepping)
    assert optimizer.own == optimizer.steps == 12
    assert history.engine == "eager"
    assert "has a step() of its own" in capsys.readouterr().err
    with pytest.raises(TypeError, match="Stepping has a step"):
        trained(Stepping, "compiled")


def test_auto_compiles_what_can_be_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    history = nn.fit(nn.MLP(3, [5, 2], seed=1), *data(), epochs=1)
    assert history.engine == "compiled"
    assert "node by node" not in capsys.readouterr().err


def test_an_unknown_engine() -> None:
    with pytest.raises(ValueError, match="engine must be 'auto', 'eager' or 'compiled'"):
        nn.fit(nn.MLP(3, [5, 2]), *data(), engine="fast")  # type: ignore[arg-type]


def test_samples_of_several_axes() -> None:
    """Samples are images, given as rows of pixels."""

    class Image(nn.Module):
        def __init__(self) -> None:
            self.network = nn.MLP(4, [2], seed=0)

        def __call__(self, image: Any) -> Any:
            return self.network([pixel for row in image for pixel in row])

    images = np.random.default_rng(0).normal(size=(9, 2, 2))
    results = {}
    for engine in ("eager", "compiled"):
        model = Image()
        nn.fit(model, images, np.eye(2)[[0, 1, 1] * 3], epochs=3, batch_size=4, seed=0, progress=False, engine=engine)
        results[engine] = numbers_of(model)
    assert_close(results["compiled"], results["eager"])
