"""Training, as the texts list it: forward, cost, backward, update, until epochs are spent or derivatives vanish."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from autograd.arrays import ArrayLike, np
from autograd.support.foreign_names import explain_arguments
from nn.descent import Optimizer
from nn.foreign_names import OF_FIT_ARGUMENTS
from nn.losses import Loss, half_squared_error
from nn.module import Module
from nn.optimizers import SGD
from nn.training.checkpoint import load_checkpoint, save_checkpoint
from nn.training.compiled import Compiled
from nn.training.eager import Eager
from nn.training.engine import Engine
from nn.training.history import History
from nn.training.loop import Callback, Loop
from nn.training.patience import Best
from nn.training.positions import OverPositions, are_tokens
from nn.training.resuming import describe
from nn.training.samples import Samples, prepared, validation_samples
from nn.training.settings import check_optimizer, check_patience, check_settings


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
            reach the model as ints. An array of floats is not copied: it must stay as it is until `fit` returns.
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
    optimizer = SGD(model.parameters(), learning_rate=0.1) if optimizer is None else optimizer
    check_optimizer(optimizer, model)

    settings = {"reduction": reduction, "batch_size": batch_size, "shuffle": shuffle, "seed": seed}
    description = describe(model, loss, optimizer, {**settings, **_of_samples(samples)})
    chance = np.random.default_rng(random.getrandbits(64) if seed is None else seed)
    history, best = History(classes=samples.classes), Best(patience)
    eager = Eager(model, OverPositions(loss) if are_tokens(samples.targets) else loss, optimizer, reduction)
    if resume and checkpoint is not None:
        history.epochs, eager.warm_up = load_checkpoint(checkpoint, model, optimizer, chance, description, best)
    saved = (model, optimizer, history, chance, description, best)
    write = None if checkpoint is None else partial(save_checkpoint, checkpoint, *saved)
    count = len(samples.inputs)
    size = min(batch_size or count, count)
    order = partial(chance.permutation, count) if shuffle else _as_they_come
    bar = _progress_bar(epochs, len(history), math.ceil(count / size), progress)
    loop = Loop(model, eager, samples, held_out, size, order, epochs, history, best, gradient_tolerance, callbacks,
                write, bar)  # fmt: skip
    try:
        with bar:
            if engine != "eager":
                loop.engine = _compiled(engine, eager, samples, bar)
            history.engine = loop.engine.name
            history.stopped = loop.run()
    except KeyboardInterrupt:
        history.stopped = f"interrupted in epoch {len(history) + 1}"
    finally:
        loop.end()
    return history


def _of_samples(samples: Samples) -> dict[str, Any]:
    """Return what a checkpoint records of the samples."""
    shapes = {"shape_of_samples": samples.inputs.shape, "shape_of_targets": samples.targets.shape}
    return shapes if samples.weights is None else {**shapes, "sample_weight": "given"}


def _as_they_come() -> None:
    """Return no order."""


def _progress_bar(epochs: int, done: int, batches: int, shown: bool) -> Any:
    return tqdm(total=epochs * batches, initial=done * batches, disable=not shown, unit="batch", mininterval=0.5)


def _compiled(engine: str, eager: Eager, samples: Samples, bar: Any) -> Engine:
    """Return the compiled engine. With "auto", where the loss cannot be compiled, say why, and return the eager one."""
    try:
        return Compiled(eager, samples)
    except Exception as error:
        if engine == "compiled":
            raise
        why = " ".join(str(error).split()) or type(error).__name__
        bar.write(f"trained node by node, since it cannot be compiled: {why}", file=sys.stderr)
        return eager
