"""Train a network on a dataset, and write the results."""

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

VALIDATION = 0.2  # fraction of the training rows
FEWEST_TO_VALIDATE = 4
WEIGHT_DECAY = 3e-4
FINAL_RATE = 0.01  # fraction of the initial learning rate at which its decay ends


@dataclass(frozen=True)
class Choices:
    """Training settings; None selects a default that suits the dataset and the other settings.

    Images are trained on as in the textbooks, by plain gradient descent; tables by AdamW with a decaying learning rate,
    until the cost on a part of the rows stops falling.
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
    """A trained network, with its predictions for the held-out samples.

    Attributes:
        history: the training history.
        predictions, wanted: the predicted and the true target of each held-out sample, in its own units or class names.
    """

    model: MLP
    history: History
    predictions: list[Any]
    wanted: list[Any]


@dataclass(frozen=True)
class _Plan:
    """Choices with the defaults filled in."""

    model: MLP
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int
    patience: int | None
    summary: str


def train(
    dataset: Dataset,
    choices: Choices,
    say: Callable[[str], None],
    progress: Progress,
    checkpoint: Path | None = None,
) -> Result:
    """Train an MLP on a dataset, reporting progress.

    Args:
        checkpoint: a file to write after each epoch, and to resume from if it exists.

    Raises:
        ValueError: for incompatible choices.
        FloatingPointError, OSError: as for `nn.fit`.
    """
    say(dataset.title)
    plan = _plan(dataset, choices)
    learn, validation = _parts(dataset, plan.patience, choices.seed)
    say(plan.summary)
    if plan.patience:
        say(f"{len(validation[0]):,} of the training rows select the best epoch")

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
        say("note: no epoch was better than the straight line through the data, where training starts")
    predictions = dataset.preprocessing.predictions(outputs_of(plan.model, dataset.held_out_inputs, progress))
    return Result(plan.model, history, predictions, dataset.preprocessing.predictions(dataset.held_out_targets))


def _plan(dataset: Dataset, choices: Choices) -> _Plan:
    classification, image = dataset.preprocessing.classes is not None, dataset.image_shape is not None
    name = choices.loss or ("half_squared_error" if classification else "mean_squared_error")
    if not classification and name not in REGRESSION_LOSSES:
        raise ValueError(
            f"{name} is a loss for classes, but the target is a number: use {' or '.join(REGRESSION_LOSSES)}"
        )
    rule = choices.optimizer or ("sgd" if image or choices.momentum else "adamw")
    if choices.momentum and rule != "sgd":
        raise ValueError(f"momentum is an option of sgd, not of {rule}: leave it out, or use sgd")
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
    summary = (
        f"{model!r}, {len(optimizer.parameters):,} parameters; {name}, {rule} at learning rate {rate}, "
        f"batches of {batch_size}"
    )
    return _Plan(model, loss, optimizer, epochs, batch_size, patience or None, summary)


def _optimizer(model: MLP, rule: str, choices: Choices, slow: bool, steps: int) -> tuple[Optimizer, str]:
    """Return the optimizer and a description of its learning rate.

    Args:
        slow: whether a squared error through a sigmoid makes the steps of gradient descent small.
        steps: the maximum number of updates.
    """
    settings: dict[str, Any] = {"momentum": choices.momentum} if rule == "sgd" else {}
    if rule == "adamw":
        settings["weight_decay"] = WEIGHT_DECAY
    rate = choices.learning_rate
    if rate is None:
        rate = 0.01 if rule != "sgd" else 1.0 if slow else 0.1
    decays = rule == "adamw" and choices.learning_rate is None
    description = f"{rate:g} falling to {rate * FINAL_RATE:g}" if decays else f"{rate:g}"
    schedule = cosine_decay(rate, steps, rate * FINAL_RATE) if decays else rate
    create: Callable[..., Optimizer] = OPTIMIZERS[rule]
    return create(model.parameters(), learning_rate=schedule, **settings), description


Samples = tuple[Array, Array]


def _parts(dataset: Dataset, patience: int | None, seed: int) -> tuple[Samples, Samples]:
    """Return the training samples, and those to validate on after each epoch: a part of them, or the held-out ones."""
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
    """Return a network's outputs, showing a progress bar; no bit of a row's output depends on the other rows."""
    blocks = []
    with progress.bar("predicting", " rows", len(inputs)) as bar:
        for block in output_blocks(model, inputs, fewest=1):
            blocks.append(block)
            bar.update(len(block))
    return np.concatenate(blocks)


def results(dataset: Dataset, result: Result) -> list[tuple[str, Callable[[Path], object]]]:
    """Return the names of a run's files, each with the function that writes it: the model first, pictures last."""
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
    """Return the page that plays both passes of the output neuron with the largest activation for a sample."""
    activations = [Value(x, f"x{k}") for k, x in enumerate(sample.tolist())]
    for i, layer in enumerate(model.layers[:-1]):
        with no_grad():
            numbers = [a.data for a in layer(activations)]
        activations = [Value(a, f"layers.{i}.neurons.{k}.a") for k, a in enumerate(numbers)]
    strongest = max(model.layers[-1](activations), key=lambda a: a.data)
    return autograd.step_through(strongest, limit=2 * len(activations) + 8)


def _save_figure(figure: Any, path: Path) -> None:
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150))
