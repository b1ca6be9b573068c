"""Updates as machine code agree with the papers' formulas in NumPy, and otherwise change nothing in a training."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nn
from autograd import Value
from autograd.compiler.targets.native import cost
from nn.descent import Optimizer
from nn.training import fused
from nn.training.compiled import Compiled
from nn.training.eager import Eager
from nn.training.fused import FusedUpdates
from nn.training.samples import Samples

pytest.importorskip("llvmlite", reason="machine code is made by llvmlite, which is not installed")

Vector = NDArray[np.float64]

STEPS, SIZE = 12, 37


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make machine code immediately, for few parameters and for rules with different numbers in each step."""
    monkeypatch.setattr(fused, "BEFORE_COMPILING", 0.0)
    monkeypatch.setattr(fused, "LEAST_RECORDED", 0)


def numbers(count: int, seed: int) -> list[Vector]:
    """Return vectors of numbers of very different sizes."""
    chance = np.random.default_rng(seed)
    return [chance.normal(size=SIZE) * 10.0 ** chance.integers(-3, 2, size=SIZE) for _ in range(count)]


def rate(step: int) -> float:
    return 0.05 / (1 + step // 3)


class RootMeanSquare(Optimizer, elementwise=True):
    """A custom rule."""

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        square = self.state["square"] = 0.9 * self._vector("square") + 0.1 * gradients**2
        new[:] = weights - rate * gradients / (np.sqrt(square) + 1e-8)


class EveryThird(nn.SGD):
    """A rule with a branch."""

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        super()._rule(weights, gradients, rate, new)
        if self.steps % 3 == 0:
            new += 0.125


class Heir(nn.SGD):
    """An inherited rule."""


def momentum_by_hand(w: Vector, gradients: list[Vector]) -> Iterator[Vector]:
    change = np.zeros(SIZE)
    for step, gradient in enumerate(gradients):
        change = -rate(step) * gradient + 0.9 * change
        w = (w + change) * (1 - 0.01)
        yield w


def adam_by_hand(w: Vector, gradients: list[Vector], decay: float = 0.0) -> Iterator[Vector]:
    mean, square = np.zeros(SIZE), np.zeros(SIZE)
    for t, gradient in enumerate(gradients, 1):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        w = w - 0.01 * (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8) - decay * w
        yield w


def root_mean_square_by_hand(w: Vector, gradients: list[Vector]) -> Iterator[Vector]:
    square = np.zeros(SIZE)
    for gradient in gradients:
        square = 0.9 * square + 0.1 * gradient**2
        w = w - 0.01 * gradient / (np.sqrt(square) + 1e-8)
        yield w


def descent_by_hand(w: Vector, gradients: list[Vector]) -> Iterator[Vector]:
    for gradient in gradients:
        w = w - 0.1 * gradient
        yield w


def clipped_by_hand(w: Vector, gradients: list[Vector]) -> Iterator[Vector]:
    """Clip gradients to a norm of 25, which some exceed and some do not."""
    assert {bool(np.linalg.norm(gradient) > 25) for gradient in gradients} == {True, False}
    for gradient in gradients:
        w = w - 0.1 * gradient * min(1.0, 25 / float(np.linalg.norm(gradient)))
        yield w


def every_third_by_hand(w: Vector, gradients: list[Vector]) -> Iterator[Vector]:
    for t, gradient in enumerate(gradients, 1):
        w = w - 0.1 * gradient + (0.125 if t % 3 == 0 else 0.0)
        yield w


Make = Callable[[list[Value]], Optimizer]
RULES: dict[str, tuple[Make, Callable[[Vector, list[Vector]], Iterator[Vector]]]] = {
    "descent": (lambda p: nn.SGD(p, 0.1), descent_by_hand),
    "inherited": (lambda p: Heir(p, 0.1), descent_by_hand),
    "momentum": (lambda p: nn.SGD(p, rate, momentum=0.9, decay=0.01), momentum_by_hand),
    "adam": (lambda p: nn.Adam(p, 0.01), adam_by_hand),
    "adamw": (lambda p: nn.AdamW(p, 0.01, weight_decay=0.02), lambda w, g: adam_by_hand(w, g, 0.02)),
    "clipped": (lambda p: nn.SGD(p, 0.1, max_gradient_norm=25.0), clipped_by_hand),
    "one's own": (lambda p: RootMeanSquare(p, 0.01), root_mean_square_by_hand),
    "two ways": (lambda p: EveryThird(p, 0.1), every_third_by_hand),
}


@pytest.mark.parametrize("name", RULES)
def test_updates_are_those_by_hand_and_have_the_bits_of_numpy(name: str) -> None:
    make, by_hand = RULES[name]
    optimizer, updates = make([Value(0.0)] + [Value(1.0) for _ in range(SIZE - 1)]), FusedUpdates()
    (weights,), gradients = numbers(1, 1), numbers(STEPS, 2)
    made = 0
    for gradient, expected in zip(gradients, by_hand(weights, gradients), strict=True):
        after, new = optimizer.after_update(weights, gradient)
        assert updates.covers(optimizer)
        into = np.full(SIZE, math.nan)
        update = updates.update(optimizer, weights, gradient, optimizer.rate(optimizer.steps), into)
        if update is not None:
            made += 1
            assert update[1] == np.abs(gradient).max()
            assert into.tolist() == new.tolist()
            assert update[0].steps == after.steps
            assert {k: v.tolist() for k, v in update[0].state.items()} == {
                k: v.tolist() for k, v in after.state.items()
            }
            after = update[0]
        assert np.linalg.norm(new - expected) <= 1e-14 * np.linalg.norm(expected)
        optimizer, weights = after, new
    assert made == STEPS - 1  # NumPy makes the first update, which creates the rule's state


def after_some_steps(make: Make) -> tuple[FusedUpdates, Optimizer, Vector]:
    """Return the fused updates, the optimizer after some steps, and the weights."""
    optimizer, updates = make([Value(1.0) for _ in range(SIZE)]), FusedUpdates()
    (weights,) = numbers(1, 1)
    for gradient in numbers(4, 2):
        new = np.empty(SIZE)
        update = updates.update(optimizer, weights, gradient, 0.1, new)
        optimizer = update[0] if update else optimizer.after_update_at(0.1, weights, gradient, new)[0]
        weights = new
    return updates, optimizer, weights


def state_of(optimizer: Optimizer) -> Any:
    return optimizer.steps, {name: vector.tolist() for name, vector in optimizer.state.items()}


@pytest.mark.parametrize("name", RULES)
def test_a_gradient_that_is_not_finite_is_no_update_and_leaves_no_trace(name: str) -> None:
    updates, optimizer, weights = after_some_steps(RULES[name][0])
    before = weights.tolist(), state_of(optimizer)
    for number in (math.nan, math.inf, -math.inf):
        for place in (0, 8, SIZE - 1):
            (gradient,) = numbers(1, 3)
            gradient[place] = number
            assert updates.update(optimizer, weights, gradient, 0.1, np.empty(SIZE)) is None
    assert (weights.tolist(), state_of(optimizer)) == before
    assert updates.update(optimizer, weights, numbers(1, 3)[0], 0.1, np.empty(SIZE)) is not None


@pytest.mark.parametrize("name", ["momentum", "adam", "one's own"])
def test_an_update_that_overflows_is_left_to_numpy_which_names_the_parameter(name: str) -> None:
    """The overflow may be in the weights or only in the state: Adam's square overflows where its step does not."""
    updates, optimizer, weights = after_some_steps(RULES[name][0])
    before = weights.tolist(), state_of(optimizer)
    gradient = np.ones(SIZE)
    gradient[5] = 1.7e308
    assert updates.update(optimizer, weights, gradient, 20.0, np.empty(SIZE)) is None
    with pytest.raises(FloatingPointError, match="overflows"):
        optimizer.after_update_at(20.0, weights, gradient)
    assert (weights.tolist(), state_of(optimizer)) == before


class Normed(Optimizer, elementwise=True):
    """A rule that depends on all gradients, through one of several functions."""

    def __init__(self, parameters: list[Value], norm: Callable[[Any], Any]) -> None:
        super().__init__(parameters, 0.1)
        self.norm = norm

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        new[:] = weights - rate * gradients / self.norm(gradients)


class Remembering(nn.SGD):
    """A rule that keeps a vector outside its state."""

    last: Any = None

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        super()._rule(weights, gradients, rate, new)
        if self.last is not None:
            new += 0.01 * self.last
        self.last = gradients * 1.0


class ByPlace(nn.SGD):
    """A rule with a rate for each parameter."""

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        super()._rule(weights, gradients * np.linspace(0.0, 1.0, len(weights)), rate, new)


class Drawing(nn.SGD):
    """A rule that draws random numbers."""

    def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        super()._rule(weights, gradients, rate * np.random.default_rng().random(), new)


class AnotherUpdate(nn.SGD):
    """An update that does more than its rule."""

    def _update(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
        super()._update(weights, gradients, rate, new)
        new += 1.0


class Warming(nn.SGD):
    """A momentum that is computed when the rule reads it."""

    _momentum = 0.0

    @property
    def momentum(self) -> float:
        return self._momentum * (1 - 0.5**self.steps)

    @momentum.setter
    def momentum(self, momentum: float) -> None:
        self._momentum = momentum


NOT_COVERED: dict[str, Make] = {
    "largest": lambda p: Normed(p, lambda g: np.abs(g).max()),
    "sum": lambda p: Normed(p, np.sum),
    "norm": lambda p: Normed(p, np.linalg.norm),
    "remembering": lambda p: Remembering(p, 0.1),
    "by place": lambda p: ByPlace(p, 0.1),
    "drawing": lambda p: Drawing(p, 0.1),
}


@pytest.mark.parametrize("name", NOT_COVERED)
def test_what_is_more_than_arithmetic_at_each_place_is_left_to_numpy(name: str) -> None:
    updates, optimizer, weights = after_some_steps(NOT_COVERED[name])
    assert updates.update(optimizer, weights, numbers(1, 3)[0], 0.1, np.empty(SIZE)) is None
    assert not updates.covers(optimizer)


def test_what_is_more_than_a_rule_is_left_to_numpy() -> None:
    assert not FusedUpdates().covers(AnotherUpdate([Value(1.0)], 0.1))


# In a training


def trained(make: Callable[[Any], Optimizer], engine: Any = "compiled", **settings: Any) -> Any:
    """Train a small network; return its numbers and gradients, the optimizer's state, and the history."""
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(40, 3)), chance.random((40, 2))
    model = nn.MLP(3, [5, 2], seed=1)
    optimizer = make(model.parameters())
    settings = {"epochs": 4, "batch_size": 6, "seed": 2, "progress": False, "engine": engine, **settings}
    history = nn.fit(model, x, y, optimizer=optimizer, **settings)
    return [p.data for p in model.parameters()], [p.grad for p in model.parameters()], state_of(optimizer), history


EVERY_RULE: dict[str, Make] = {**{name: make for name, (make, _) in RULES.items()}, **NOT_COVERED}
EVERY_RULE["clipped"] = lambda p: nn.SGD(p, 0.3, momentum=0.5, max_gradient_norm=0.01)
EVERY_RULE["warming"] = lambda p: Warming(p, 0.3, momentum=0.5)
EVERY_RULE["adamw with a schedule"] = lambda p: nn.AdamW(p, nn.cosine_decay(0.01, 20), weight_decay=0.1)
EVERY_RULE["NumPy's numbers"] = lambda p: nn.Adam(p, np.float64(0.1), betas=(np.float64(0.5), np.float64(0.9)))
EVERY_RULE["not all"] = lambda p: nn.SGD(p[7:], 0.3, momentum=0.5)
del EVERY_RULE["drawing"]


@pytest.mark.parametrize("name", EVERY_RULE)
def test_a_training_has_the_bits_that_it_has_without_machine_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The history is equal, too, including the largest derivative of each epoch."""
    results = trained(EVERY_RULE[name]), trained(EVERY_RULE[name], callbacks=[lambda *_: None])
    monkeypatch.setattr(fused, "BEFORE_COMPILING", math.inf)
    assert results == (trained(EVERY_RULE[name]), trained(EVERY_RULE[name], callbacks=[lambda *_: None]))


def test_a_schedule_is_asked_once_a_step() -> None:
    asked = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 0.1 if step % 5 else 0.2

    trained(lambda p: nn.SGD(p, schedule, momentum=0.5))
    assert asked == list(range(28))


def test_a_momentum_that_a_callback_changes_is_used_from_then_on() -> None:
    results = []
    for engine in ("eager", "compiled"):
        optimizers: list[nn.SGD] = []

        def make(parameters: list[Value], optimizers: list[nn.SGD] = optimizers) -> Optimizer:
            optimizers.append(nn.SGD(parameters, 0.3, momentum=0.5))
            return optimizers[0]

        def change(model: nn.Module, history: nn.History, optimizers: list[nn.SGD] = optimizers) -> None:
            optimizers[0].momentum *= 0.5

        results.append(trained(make, engine, callbacks=[change])[0])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-9)


def test_a_training_that_diverges_names_the_parameter_and_keeps_its_numbers() -> None:
    """The error is the same as in the eager engine."""
    x, y = np.random.default_rng(0).normal(size=(2, 20, 1))
    messages = []
    for engine in ("eager", "compiled"):
        model = nn.MLP(1, [1], "identity", "identity", seed=0)
        optimizer: Any = nn.SGD(model.parameters(), 1e3, momentum=0.9)
        with pytest.raises(FloatingPointError) as caught:
            nn.fit(model, x, y, optimizer=optimizer, epochs=100, seed=0, progress=False, engine=engine)
        messages.append(str(caught.value).partition(" is ")[0].partition(" = ")[0])
        assert all(math.isfinite(p.data) for p in model.parameters())
    assert messages[0] == messages[1]


FILES = ("fused.py", "compiled.py", "descent.py", "passes.py", "recording.py")


def interrupt_at(line: int, update: Callable[[], object]) -> bool:
    """Press Ctrl-C at a line of the code that makes an update, counted from 0; return whether it was reached."""
    seen, updating = 0, False

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal seen, updating
        if not frame.f_code.co_filename.endswith(FILES):
            return None
        if frame.f_code.co_name == "_step" and event in ("call", "return"):
            updating = event == "call"
        elif updating and event == "line":
            seen += 1
            if seen == line + 1:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        update()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("name", ["descent", "momentum", "adam"])
def test_ctrl_c_at_any_line_of_an_update_leaves_weights_and_optimizer_at_the_same_step(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "PATIENCE", 0.0)  # the gradient is machine code from the first update on
    chance = np.random.default_rng(0)
    samples = Samples(chance.normal(size=(15, 3)), chance.random((15, 2)))
    model = nn.MLP(3, [5, 2], seed=1)
    optimizer = RULES[name][0](model.parameters())
    start, fresh = model.state_dict(), optimizer.state_dict()
    engine = Compiled(Eager(model, nn.half_squared_error, optimizer, "mean"), samples)

    def numbers_after(updates: int, line: int | None = None) -> tuple[Any, Any, bool]:
        """Train again, interrupting the last update; return parameters, state, and whether it was interrupted."""
        model.load_state_dict(start)
        optimizer.load_state_dict(fresh)
        engine.begin(after_callbacks=False)
        *before, last = list(samples.batches(5))[:updates]
        for batch in before:
            engine.update(1, batch)
        was_interrupted = interrupt_at(-1 if line is None else line, lambda: engine.update(1, last))
        engine.settle()
        return model.state_dict(), state_of(optimizer), was_interrupted

    two_updates, three_updates = numbers_after(2), numbers_after(3)
    count = 0
    while (result := numbers_after(3, count))[2]:
        assert result[:2] == two_updates[:2]
        count += 1
    assert count > 10
    assert result == three_updates
