"""The training loop of the textbooks: forward, cost, backward, update, until epochs run out or derivatives vanish."""

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

    Each update uses the summed gradients of a whole batch. On one machine, the same seed, data and initial weights give
    bit-identical results. Ctrl-C ends the training and keeps the progress made.

    A sequence model takes a list of tokens and returns a list of logits for each position. Its targets are the correct
    tokens, of shape (samples, positions). The loss is that of one position, such as `nn.cross_entropy`, and the loss of
    a sample is the mean over its positions. Pad shorter sequences with any token in the inputs and with −1 in the
    targets; padded positions do not count.

    Args:
        model: a Module that takes one sample and returns a Value, a list of Values, or such a list for each position.
        inputs: anything `numpy.asarray` takes, samples first; or a data frame of numbers and booleans. Integers reach
            the model as ints. An array of floats is not copied and must not change until `fit` returns.
        targets: one row of numbers per sample; one number per sample for a single output; integer labels for several
            outputs; or class names, which are assigned to the outputs in sorted order (to 0 and 1 for a single output)
            and stored in `history.classes`.
        loss: a function of one sample's `(outputs, targets)` that returns a Value; see `nn.losses`.
        optimizer: by default `SGD(model.parameters(), learning_rate=0.1)`.
        epochs: the number of passes over all samples.
        batch_size: samples per update; None for all of them, 1 for one at a time.
        reduction: whether the cost of a batch is the mean or the sum of its samples' losses.
        sample_weight: one number per sample, 0 or more. The cost of a batch is then Σ wᵢcᵢ / Σ wᵢ of its samples'
            losses (Σ wᵢcᵢ if the reduction is "sum"); the history's cost and accuracy are weighted likewise. Weight 0
            leaves the sample out.
        validation: inputs and targets to evaluate after each epoch, or inputs, targets and their weights.
        gradient_tolerance: stop after an epoch in which no update had a |∂C/∂w| above this.
        patience: stop after this many epochs in a row without a lower validation cost, and restore the parameters with
            the lowest one; these may be those from before the first epoch.
        shuffle: whether to shuffle the samples in each epoch.
        seed: the seed of the shuffling; None draws one from Python's global `random`.
        progress: whether to show a progress bar with cost and accuracy on the terminal.
        callbacks: called as `callback(model, history)` after each epoch; one that returns True ends the training.
        checkpoint: a file to write after each epoch.
        resume: continue from that file, with the same bits as an uninterrupted training. The model, loss, optimizer and
            its settings, reduction, batch size, order, seed and shapes of the data must be the same; the number of
            epochs may differ.
        engine: "compiled" trains with `autograd.compile` of the model's loss, at the speed of array code; "eager" node
            by node, calling the model for each sample; "auto" compiles if possible, and otherwise trains node by node
            and prints the reason to standard error. The numbers are equal up to rounding.

    Returns:
        A History with a record for each epoch; its `stopped` is the reason why the training ended.

    Raises:
        ValueError, TypeError: for invalid data or settings, and for combinations that would silently train badly.
        TypeError, ValueError: with engine "compiled", if the model's loss cannot be compiled.
        FloatingPointError: if a number becomes inf or nan, naming the first such node. The parameters keep their values
            from before that update.
        OSError: if the checkpoint cannot be written or read.

    >>> from nn import MLP, SGD
    >>> model = MLP(2, [3, 1], seed=0)
    >>> xor = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> optimizer = SGD(model.parameters(), learning_rate=2.0, momentum=0.9)
    >>> history = fit(model, *xor, optimizer=optimizer, epochs=300, batch_size=None, progress=False)
    >>> history[-1].accuracy, history.stopped
    (1.0, 'all 300 epochs were done')

    A network that learns to count, from sequences of two and three tokens:

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
    order = partial(chance.permutation, count) if shuffle else _no_order
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
    """Return the properties of the samples that a checkpoint records."""
    shapes = {"shape_of_samples": samples.inputs.shape, "shape_of_targets": samples.targets.shape}
    return shapes if samples.weights is None else {**shapes, "sample_weight": "given"}


def _no_order() -> None:
    """Return None: the samples are not shuffled."""


def _progress_bar(epochs: int, done: int, batches: int, shown: bool) -> Any:
    return tqdm(total=epochs * batches, initial=done * batches, disable=not shown, unit="batch", mininterval=0.5)


def _compiled(engine: str, eager: Eager, samples: Samples, bar: Any) -> Engine:
    """Return the compiled engine; with "auto", fall back to the eager one, with a message, if that fails."""
    try:
        return Compiled(eager, samples)
    except Exception as error:
        if engine == "compiled":
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        bar.write(f"trained node by node, since it cannot be compiled: {reason}", file=sys.stderr)
        return eager
