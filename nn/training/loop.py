"""Run the epochs of a training until there is a reason to stop."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograd.arrays import NDArray, np
from nn.conversion import Array
from nn.data import are_classes
from nn.losses import OF_LOGITS
from nn.module import Module
from nn.training.engine import Engine
from nn.training.evaluation import correct
from nn.training.history import Epoch, History
from nn.training.patience import Best
from nn.training.positions import are_tokens, one_by_one
from nn.training.samples import Samples

Callback = Callable[[Module, History], Any]


@dataclass
class Loop:
    """Trains epoch by epoch.

    Attributes:
        model, engine: the model to train, and the engine that computes updates.
        samples, held_out: the training samples, and those to evaluate after each epoch.
        batch_size: samples per update.
        order: draws the order of an epoch; returns None to leave the samples in order.
        epochs: the total number of epochs, including those already in the history.
        history, best: the record of each epoch, and the parameters of the best one.
        gradient_tolerance, callbacks: as in `nn.fit`.
        write: writes a checkpoint, given the engine's warm-up state; None for no checkpoints.
        bar: the progress bar.
    """

    model: Module
    engine: Engine
    samples: Samples
    held_out: Samples | None
    batch_size: int
    order: Callable[[], NDArray[Any] | None]
    epochs: int
    history: History
    best: Best
    gradient_tolerance: float
    callbacks: tuple[Callback, ...]
    write: Callable[[dict[str, int]], None] | None
    bar: Any

    def run(self) -> str:
        """Train until all epochs are done or there is another reason to stop, and return the reason."""
        history, judge = self.history, Judge(self.engine, self.samples.targets)
        if self.best.patience is not None and self.held_out is not None and not len(history):
            self.engine.begin(after_callbacks=False)
            self.best.see(self.model, 0, judge.measure(self.held_out)[0])
        while len(history) < self.epochs:
            if self.best.is_exhausted(len(history)):
                return f"no lower validation cost in {self.best.patience} epochs"
            number = len(history) + 1
            self.bar.set_description(f"epoch {number}/{self.epochs}", refresh=False)
            samples = self.samples.in_order(self.order())
            after_callbacks = bool(self.callbacks) and number > 1
            epoch = judge.epoch(number, samples, self.batch_size, self.held_out, self.bar, after_callbacks)
            history.epochs.append(epoch)
            if self._ended_by_a_callback(epoch):
                return f"a callback ended it after epoch {number}"
            if epoch.largest_derivative <= self.gradient_tolerance:
                return f"no derivative was above {self.gradient_tolerance:g} in epoch {number}"
        return f"all {self.epochs} epochs were done"

    def _ended_by_a_callback(self, epoch: Epoch) -> bool:
        """Store the best parameters, write a checkpoint and call the callbacks; tell whether one returned True."""
        if self.callbacks or self.write is not None or self.best.patience is not None:
            self.engine.settle()
        self.best.see(self.model, epoch.epoch, epoch.validation_cost)
        if self.write is not None:
            self.write(self.engine.warm_up)
        answers = [callback(self.model, self.history) for callback in self.callbacks]
        return any(answer is True for answer in answers)

    def end(self) -> None:
        """Bring the model up to date, and restore the parameters of the best epoch if they are stored."""
        try:
            self.engine.settle()
            self.best.restore(self.model)
        except BaseException:  # a second interrupt must not lose the progress made
            self.engine.settle()
            self.best.restore(self.model)
            raise
        if self.best.numbers is not None:
            self.history.kept = self.best.epoch
            self.history.stopped += f"; the parameters of epoch {self.best.epoch} are kept"


class Judge:
    """Trains an engine for an epoch, or measures it, and evaluates losses and outputs.

    Args:
        targets: those of the training samples, which determine whether outputs stand for classes.
    """

    def __init__(self, engine: Engine, targets: Array) -> None:
        self.engine = engine
        self.classes = are_tokens(targets) or are_classes(targets)
        self.threshold = 0.0 if engine.loss in OF_LOGITS or (targets == -1).any() else 0.5

    def epoch(
        self, number: int, samples: Samples, size: int, held_out: Samples | None, bar: Any, after_callbacks: bool
    ) -> Epoch:
        """Make one update for each batch of that size; return the record of the epoch."""
        losses: list[float] = []
        rows: list[Array] = []
        largest = 0.0
        self.engine.begin(after_callbacks)
        for batch in samples.batches(size):
            batch_losses, batch_rows, derivative = self.engine.update(number, batch)
            losses += batch_losses
            rows.append(batch_rows)
            largest = max(largest, derivative)
            bar.update()
        cost, accuracy = self._judge(losses, np.concatenate(rows), samples.targets, samples.weights, self.classes)
        held_out_cost, held_out_accuracy = self.measure(held_out) if held_out else (None, None)
        shown = {"cost": f"{cost:.4g}"}
        if accuracy is not None:
            shown["accuracy"] = f"{accuracy:.1%}"
        if held_out_accuracy is not None:
            shown["held out"] = f"{held_out_accuracy:.1%}"
        bar.set_postfix(shown)
        return Epoch(number, cost, accuracy, held_out_cost, held_out_accuracy, float(largest))

    def measure(self, samples: Samples) -> tuple[float, float | None]:
        """Return cost and accuracy on samples, without training on them."""
        losses, rows = self.engine.measure(samples)
        classes = self.classes and (are_tokens(samples.targets) or are_classes(samples.targets))
        return self._judge(losses, rows, samples.targets, samples.weights, classes)

    def _judge(
        self, losses: list[float], rows: Array, targets: Array, weights: Array | None, classes: bool
    ) -> tuple[float, float | None]:
        """Return the cost of all samples, and if `classes` is set, the fraction of correct ones."""
        total = float(len(losses) if weights is None else weights.sum())
        paid = sum(losses if weights is None else map(operator.mul, weights.tolist(), losses))
        if are_tokens(targets):
            rows, targets, weights = one_by_one(rows, targets, weights)
        right = correct(rows, targets, self.threshold, weights) if classes else None
        return paid / (total if self.engine.reduction == "mean" else 1), right
