"""Training, as the texts list it: forward, cost, backward, update, until epochs are spent or derivatives vanish."""

from __future__ import annotations

import math
import operator
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from autograd.arrays import ArrayLike, np
from autograd.support.foreign_names import explain_arguments
from nn.conversion import Array
from nn.data import are_classes
from nn.descent import Optimizer
from nn.foreign_names import OF_FIT_ARGUMENTS
from nn.losses import OF_LOGITS, Loss, half_squared_error
from nn.module import Module
from nn.optimizers import SGD
from nn.training.checkpoint import load_checkpoint, save_checkpoint
from nn.training.engines import Compiled, Eager
from nn.training.evaluation import correct
from nn.training.history import Epoch, History
from nn.training.patience import Best
from nn.training.positions import OverPositions, are_tokens, one_by_one
from nn.training.resuming import describe
from nn.training.samples import Samples, prepared, validation_samples
from nn.training.settings import check_optimizer, check_patience, check_settings

Callback = Callable[[Module, History], Any]


@explain_arguments(OF_FIT_ARGUMENTS)
def fit(
    model: Module,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    loss: Loss = half_squared_error,
    optimizer: Optimizer | None = None,
    epochs: int = 10,
    batch_size: int | None = 32,
    reduction: Literal["mean", "sum"] = "mean",
    sample_weight: ArrayLike | None = None,
    validation: tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike | None] | None = None,
    gradient_tolerance: float = 0.0,
    patience: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    progress: bool = True,
    callbacks: Iterable[Callback] = (),
    checkpoint: str | Path | None = None,
    resume: bool = False,
    engine: Literal["auto", "eager", "compiled"] = "auto",
) -> History:
    """Train a network in place by gradient descent on the cost of its outputs.

    The gradients of a whole batch are summed up first, then comes one update. The same seed, data and initial weights
    give the same bits on one machine. Ctrl-C ends the training and keeps what was learned.

    A network of sequences takes a list of tokens, and returns a list of logits for each position. Its targets are the
    tokens that are right, of shape (samples, positions), its loss is one of a position, such as `nn.cross_entropy`, and
    the loss of a sample is the mean over its positions. Shorter sequences are padded: with any token in the inputs, and
    with −1 in the targets, where a position does not count.

    Args:
        model: a Module that takes one sample and returns a Value, a list of Values, or such a list for each position.
        inputs: anything `numpy.asarray` takes, samples first; or a data frame of numbers and truth values. Integers
            reach the model as ints.
        targets: a row of numbers a sample; a number a sample for one output; integer labels for several outputs; or
            names of classes, which stand in sorted order for the outputs (of one output, for 0 and 1), and which
            `history.classes` keeps.
        loss: of one sample, `(outputs, targets)` to a Value; see `nn.losses`.
        optimizer: by default `SGD(model.parameters(), learning_rate=0.1)`.
        epochs: how many times to go over all samples.
        batch_size: samples an update; None for all of them, 1 for one at a time.
        reduction: whether the cost of a batch is the mean or the sum of its samples' losses.
        sample_weight: a number of 0 or more a sample. The cost of a batch is then Σ wᵢcᵢ / Σ wᵢ of its samples' losses
            (Σ wᵢcᵢ where the reduction is "sum"), and cost and accuracy of the history are weighted likewise. Weight 0
            is the same as leaving the sample out.
        validation: inputs and targets to measure on after each epoch, or inputs, targets and their weights.
        gradient_tolerance: stop after an epoch in which no |∂C/∂w| of any update was above this.
        patience: stop after so many epochs in a row without a lower validation cost, and in the end take up the
            parameters of the epoch that had the lowest, or those from before the first epoch.
        shuffle: whether each epoch takes the samples in a new random order.
        seed: for that order; None draws one from Python's global `random`.
        progress: whether to show a bar with cost and accuracy on the terminal.
        callbacks: called as `callback(model, history)` after each epoch; one that returns True ends the training.
        checkpoint: a file to write after each epoch.
        resume: go on from that file: the bits are then those of a training that was never interrupted. It is refused
            where what is trained differs: model, loss, optimizer and its settings, reduction, batch size, order, seed,
            shapes of the data. The number of epochs may differ.
        engine: "compiled" trains with `autograd.compile` of the model's loss, at the speed of array code; "eager" node
            by node, calling the model anew for each sample; "auto" compiles if it can, and else trains node by node
            and says why in one line on standard error. The numbers are the same up to rounding.

    Returns:
        A History with a record for each epoch, whose `stopped` says why the training ended.

    Raises:
        ValueError, TypeError: for data or settings that do not fit, or that would train badly without a word.
        TypeError, ValueError: with engine "compiled", where the model's loss cannot be compiled.
        FloatingPointError: if a number becomes inf or nan, naming the first node that did. The parameters keep the
            values from before that update.
        OSError: if the checkpoint cannot be written or read.

    >>> from nn import MLP, SGD
    >>> model = MLP(2, [3, 1], seed=0)
    >>> xor = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> optimizer = SGD(model.parameters(), learning_rate=2.0, momentum=0.9)
    >>> history = fit(model, *xor, optimizer=optimizer, epochs=300, batch_size=None, progress=False)
    >>> history[-1].accuracy, history.stopped
    (1.0, 'all 300 epochs were done')

    A network that learns to count, of sequences of two and of three tokens:

    >>> from nn import Embedding, Layer, cross_entropy
    >>> class Counter(Module):
    ...     def __init__(self):
    ...         self.embedding, self.output = Embedding(4, 3, seed=0), Layer(3, 4, "identity", seed=0)
    ...
    ...     def __call__(self, tokens):
    ...         return [self.output(x) for x in self.embedding(tokens)]
    >>> inputs, targets = [[0, 1, 2], [2, 3, 0]], [[1, 2, 3], [3, 0, -1]]
    >>> fit(Counter(), inputs, targets, loss=cross_entropy, epochs=200, progress=False)[-1].accuracy
    1.0
    """
    check_settings(
        model, loss, callbacks, epochs, batch_size, reduction, gradient_tolerance, checkpoint, resume, engine
    )
    check_patience(patience, validation)
    callbacks = tuple(callbacks)
    samples = prepared(model, loss, (inputs, targets, sample_weight), reduction)
    held_out = None
    if validation is not None:
        held_out = validation_samples(model, loss, validation, reduction, samples.classes)
    if optimizer is None:
        optimizer = SGD(model.parameters(), learning_rate=0.1)
    check_optimizer(optimizer, model)

    settings: dict[str, Any] = {"reduction": reduction, "batch_size": batch_size, "shuffle": shuffle, "seed": seed}
    settings |= {"shape_of_samples": samples.inputs.shape, "shape_of_targets": samples.targets.shape}
    if samples.weights is not None:
        settings["sample_weight"] = "given"
    description = describe(model, loss, optimizer, settings)
    chance = np.random.default_rng(random.getrandbits(64) if seed is None else seed)
    history, best = History(classes=samples.classes), Best(patience)
    if resume and checkpoint is not None:
        history.epochs = load_checkpoint(checkpoint, model, optimizer, chance, description, best)
    count = len(samples.inputs)
    size = count if batch_size is None else min(batch_size, count)
    loss_of_sample = OverPositions(loss) if are_tokens(samples.targets) else loss
    chosen = Eager(model, loss_of_sample, optimizer, reduction, samples.targets.shape[1])
    bar = tqdm(
        total=epochs * math.ceil(count / size),
        initial=len(history) * math.ceil(count / size),
        disable=not progress,
        unit="batch",
        mininterval=0.5,
    )
    history.stopped = f"all {epochs} epochs were done"
    try:
        with bar:
            if engine != "eager":
                chosen = _compiled(engine, chosen, samples, bar)
            history.engine = chosen.name
            run = _Run(chosen, samples.targets, bool(callbacks))
            if patience is not None and held_out is not None and not len(history):
                chosen.begin(after_callbacks=False)
                best.see(model, 0, run.measure(held_out)[0])
            while len(history) < epochs:
                if best.is_exhausted(len(history)):
                    history.stopped = f"no lower validation cost in {patience} epochs"
                    break
                batches = samples.batches(size, chance.permutation(count) if shuffle else None)
                bar.set_description(f"epoch {len(history) + 1}/{epochs}", refresh=False)
                epoch = run.epoch(len(history) + 1, batches, held_out, bar)
                history.epochs.append(epoch)
                if callbacks or checkpoint is not None or patience is not None:
                    chosen.settle()
                best.see(model, epoch.epoch, epoch.validation_cost)
                if checkpoint is not None:
                    save_checkpoint(checkpoint, model, optimizer, history, chance, description, best)
                answers = [callback(model, history) for callback in callbacks]
                if any(answer is True for answer in answers):
                    history.stopped = f"a callback ended it after epoch {len(history)}"
                    break
                if epoch.largest_derivative <= gradient_tolerance:
                    history.stopped = f"no derivative was above {gradient_tolerance:g} in epoch {len(history)}"
                    break
    except KeyboardInterrupt:
        history.stopped = f"interrupted in epoch {len(history) + 1}"
    finally:
        try:
            chosen.settle()
            best.restore(model)
        except BaseException:  # a second interrupt: what was learned is not lost to it
            chosen.settle()
            best.restore(model)
            raise
    if best.numbers is not None:
        history.kept = best.epoch
        history.stopped += f"; the parameters of epoch {best.epoch} are kept"
    return history


class _Run:
    """What stays the same from epoch to epoch of a training."""

    def __init__(self, engine: Eager, targets: Array, callbacks: bool) -> None:
        self.engine, self.callbacks = engine, callbacks
        self.classes = are_tokens(targets) or are_classes(targets)
        self.threshold = 0.0 if engine.loss in OF_LOGITS or (targets == -1).any() else 0.5

    def epoch(self, number: int, batches: Iterable[Samples], held_out: Samples | None, bar: Any) -> Epoch:
        """One update for each batch, and the record of it."""
        losses: list[float] = []
        rows: list[Array] = []
        wanted: list[Array] = []
        weights: list[Array] = []
        largest = 0.0
        self.engine.begin(after_callbacks=self.callbacks and number > 1)
        for batch in batches:
            batch_losses, batch_rows, derivative = self.engine.update(number, batch)
            losses += batch_losses
            rows.append(batch_rows)
            wanted.append(batch.targets)
            weights += [] if batch.weights is None else [batch.weights]
            largest = max(largest, derivative)
            bar.update()
        counted = np.concatenate(weights) if weights else None
        cost, accuracy = self._judge(losses, np.concatenate(rows), np.concatenate(wanted), counted)
        held_out_cost, held_out_accuracy = self.measure(held_out) if held_out else (None, None)
        shown = {"cost": f"{cost:.4g}"}
        if accuracy is not None:
            shown["accuracy"] = f"{accuracy:.1%}"
        if held_out_accuracy is not None:
            shown["held out"] = f"{held_out_accuracy:.1%}"
        bar.set_postfix(shown)
        return Epoch(number, cost, accuracy, held_out_cost, held_out_accuracy, largest)

    def measure(self, samples: Samples) -> tuple[float, float | None]:
        """Cost and accuracy on samples that are not learned from."""
        losses, rows = self.engine.measure(samples)
        return self._judge(losses, rows, samples.targets, samples.weights)

    def _judge(
        self, losses: list[float], rows: Array, targets: Array, weights: Array | None
    ) -> tuple[float, float | None]:
        """The cost of all samples, and the fraction that is right where targets name classes."""
        total = float(len(losses) if weights is None else weights.sum())
        paid = sum(losses if weights is None else map(operator.mul, weights.tolist(), losses))
        if are_tokens(targets):
            rows, targets, weights = one_by_one(rows, targets, weights)
        right = correct(rows, targets, self.threshold, weights) if self.classes and are_classes(targets) else None
        return paid / (total if self.engine.reduction == "mean" else 1), right


def _compiled(engine: str, eager: Eager, samples: Samples, bar: Any) -> Eager:
    """The compiled engine; where "auto" was asked for and it cannot be, the eager one, and a line that says why."""
    try:
        return Compiled(eager, samples)
    except Exception as error:
        if engine == "compiled":
            raise
        why = " ".join(str(error).split()) or type(error).__name__
        bar.write(f"trained node by node, since it cannot be compiled: {why}", file=sys.stderr)
        return eager
