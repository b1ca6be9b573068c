"""Train a network on a dataset, and leave a folder with the results."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograd
from autograd import StepThrough, Value, no_grad
from autograd.support.files import write_atomically
from nn import plots
from nn.cli.start import start_straight
from nn.cli.terminal import Progress
from nn.data import Array
from nn.descent import Optimizer
from nn.drawing import draw
from nn.layers import MLP, Activation
from nn.losses import LOSSES, OF_LOGITS, Loss, hinge
from nn.optimizers import OPTIMIZERS
from nn.schedules import cosine_decay
from nn.tables import Dataset
from nn.training.fit import fit
from nn.training.history import History
from nn.training.models import save
from nn.training.prediction import output_blocks

REGRESSION_LOSSES = ("half_squared_error", "mean_squared_error")

VALIDATION = 0.2  # of the rows to learn from
FEWEST_TO_VALIDATE = 4
WEIGHT_DECAY = 3e-4
FINAL_RATE = 0.01  # of the first learning rate, where it falls


@dataclass(frozen=True)
class Choices:
    """Settings of a training that a dataset leaves open; None is chosen to suit the rest.

    Images are learned as the texts do it, by plain gradient descent; a table with AdamW at a rate that falls, until the
    cost on a part of its rows falls no more.
    """

    hidden: Sequence[int] = (30,)
    activation: Activation = "sigmoid"
    loss: str | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    momentum: float = 0.0
    epochs: int | None = None
    batch_size: int | None = None
    patience: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """A trained network, and what it makes of the held-out samples.

    Attributes:
        history: of the training.
        predictions, wanted: for each held-out sample, in the target's own units or names.
    """

    model: MLP
    history: History
    predictions: list[Any]
    wanted: list[Any]


@dataclass(frozen=True)
class _Plan:
    """Choices with nothing left open."""

    model: MLP
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int
    patience: int | None
    words: str


def train(
    dataset: Dataset,
    choices: Choices,
    say: Callable[[str], None],
    progress: Progress,
    checkpoint: Path | None = None,
) -> Result:
    """Train an MLP on a dataset, telling what is done.

    Args:
        checkpoint: a file to write after each epoch, and to go on from where it exists.

    Raises:
        ValueError: for choices that do not go together.
        FloatingPointError, OSError: as `nn.fit`.
    """
    say(dataset.title)
    plan = _plan(dataset, choices)
    learn, validation = _parts(dataset, plan.patience, choices.seed)
    say(plan.words)
    if plan.patience:
        say(f"{len(validation[0]):,} of the rows to learn from choose the best epoch")

    def targets(rows: Array) -> Array:
        return 2 * rows - 1 if plan.loss is hinge else rows

    history = fit(
        plan.model,
        learn[0],
        targets(learn[1]),
        loss=plan.loss,
        optimizer=plan.optimizer,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        validation=(validation[0], targets(validation[1])),
        patience=plan.patience,
        seed=choices.seed,
        progress=progress.shown,
        checkpoint=checkpoint,
        resume=checkpoint is not None and checkpoint.exists(),
    )
    say(history.stopped)
    if history.kept == 0 and dataset.preprocessing.classes is None:
        say("note: no epoch was better than the straight line through the data, at which the training starts")
    predictions = dataset.preprocessing.predictions(outputs_of(plan.model, dataset.held_out_inputs, progress))
    return Result(plan.model, history, predictions, dataset.preprocessing.predictions(dataset.held_out_targets))


def _plan(dataset: Dataset, choices: Choices) -> _Plan:
    classification, image = dataset.preprocessing.classes is not None, dataset.image_shape is not None
    name = choices.loss or ("half_squared_error" if classification else "mean_squared_error")
    if not classification and name not in REGRESSION_LOSSES:
        raise ValueError(
            f"{name} is a loss of classes, but the target is a number: use {' or '.join(REGRESSION_LOSSES)}"
        )
    rule = choices.optimizer or ("sgd" if image or choices.momentum else "adamw")
    if choices.momentum and rule != "sgd":
        raise ValueError(f"momentum is a setting of sgd; {rule} has its own")
    loss = LOSSES[name]
    squashed = classification and loss not in OF_LOGITS
    model = MLP(
        dataset.inputs.shape[1],
        [*choices.hidden, dataset.targets.shape[1]],
        choices.activation,
        "sigmoid" if squashed else "identity",
        seed=choices.seed,
    )
    patience = choices.patience if choices.patience is not None else 0 if image else 40
    if len(dataset.inputs) * VALIDATION < FEWEST_TO_VALIDATE:
        patience = 0
    epochs = choices.epochs or (30 if image else 200)
    learned = len(dataset.inputs) - (round(len(dataset.inputs) * VALIDATION) if patience else 0)
    batch_size = choices.batch_size or (10 if image else max(4, min(32, learned // 10)))
    optimizer, rate = _optimizer(
        model, rule, choices, squashed and name in REGRESSION_LOSSES, epochs * -(-learned // batch_size)
    )
    if not classification:
        start_straight(model, dataset.inputs, dataset.targets)
    words = (
        f"{model!r}, {len(optimizer.parameters):,} parameters; {name}, {rule} at learning rate {rate}, "
        f"batches of {batch_size}"
    )
    return _Plan(model, loss, optimizer, epochs, batch_size, patience or None, words)


def _optimizer(model: MLP, rule: str, choices: Choices, slow: bool, steps: int) -> tuple[Optimizer, str]:
    """The optimizer, and its learning rate in words.

    Args:
        slow: whether the slope of a squared error through a sigmoid makes the steps of gradient descent small.
        steps: how many there will be at most.
    """
    settings: dict[str, Any] = {"momentum": choices.momentum} if rule == "sgd" else {}
    if rule == "adamw":
        settings["weight_decay"] = WEIGHT_DECAY
    rate = choices.learning_rate
    if rate is None:
        rate = 0.01 if rule != "sgd" else 1.0 if slow else 0.1
    falls = rule == "adamw" and choices.learning_rate is None
    words = f"{rate:g} falling to {rate * FINAL_RATE:g}" if falls else f"{rate:g}"
    schedule = cosine_decay(rate, steps, rate * FINAL_RATE) if falls else rate
    make: Callable[..., Optimizer] = OPTIMIZERS[rule]
    return make(model.parameters(), learning_rate=schedule, **settings), words


Samples = tuple[Array, Array]


def _parts(dataset: Dataset, patience: int | None, seed: int) -> tuple[Samples, Samples]:
    """The samples to learn from, and those to measure on after each epoch: a part of them, or those held out."""
    if not patience:
        return (dataset.inputs, dataset.targets), (dataset.held_out_inputs, dataset.held_out_targets)
    from sklearn.model_selection import train_test_split

    places, labels = np.arange(len(dataset.inputs)), None
    if dataset.preprocessing.classes is not None:
        labels = dataset.targets.argmax(axis=1)
        counts = np.bincount(labels)
        if counts[counts > 0].min() < 2 or math.ceil(VALIDATION * len(places)) < (counts > 0).sum():
            labels = None
    learn, validate = train_test_split(places, test_size=VALIDATION, stratify=labels, random_state=seed)
    return (dataset.inputs[learn], dataset.targets[learn]), (dataset.inputs[validate], dataset.targets[validate])


def outputs_of(model: MLP, inputs: Array, progress: Progress) -> Array:
    """Return the outputs of a network, with a bar; the bits of a row do not depend on the rows beside it."""
    blocks = []
    with progress.bar("predicting", " rows", len(inputs)) as bar:
        for block in output_blocks(model, inputs, fewest=1):
            blocks.append(block)
            bar.update(len(block))
    return np.concatenate(blocks)


def results(dataset: Dataset, result: Result) -> list[tuple[str, Callable[[Path], object]]]:
    """The files of a run, by name, each with what writes it to a path: the model first, pictures last."""
    model, history, held_out = result.model, result.history, dataset.held_out_inputs
    metadata = {"preprocessing": dataset.preprocessing.to_json()}
    files: list[tuple[str, Callable[[Path], object]]] = [
        ("model.safetensors", lambda path: save(model, path, metadata)),
        ("history.csv", history.save_csv),
        ("network.svg", lambda path: draw(model).save(path)),
        ("neuron.html", lambda path: step_through_a_neuron(model, held_out[0]).save(path)),
    ]
    if len(history):
        files.append(("curves.png", lambda path: _save_figure(plots.training_curves(history), path)))
    if dataset.image_shape is not None:
        shape = dataset.image_shape
        files += [
            (
                "misclassified.png",
                lambda path: _save_figure(
                    plots.misclassified(held_out, result.wanted, result.predictions, shape), path
                ),
            ),
            ("weights.png", lambda path: _save_figure(plots.first_layer(model, shape), path)),
        ]
    return files


def step_through_a_neuron(model: MLP, sample: Array) -> StepThrough:
    """The page that plays both passes of the output neuron which a sample excites most."""
    activations = [Value(x, f"x{k}") for k, x in enumerate(sample.tolist())]
    for i, layer in enumerate(model.layers[:-1]):
        with no_grad():
            numbers = [a.data for a in layer(activations)]
        activations = [Value(a, f"layers.{i}.neurons.{k}.a") for k, a in enumerate(numbers)]
    strongest = max(model.layers[-1](activations), key=lambda a: a.data)
    return autograd.step_through(strongest, limit=2 * len(activations) + 8)


def _save_figure(figure: Any, path: Path) -> None:
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150))
