"""The jobs of the command line: train a network on a dataset and leave a folder with the results; predict."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograd
from autograd import StepThrough, Value, no_grad
from autograd.arrays import np
from autograd.files import write_atomically
from nn import plots
from nn.checkpoint import load, read_metadata, save
from nn.data import Array
from nn.drawing import draw
from nn.evaluation import predict
from nn.history import History
from nn.layers import MLP, Activation
from nn.losses import LOSSES, OF_LOGITS, hinge
from nn.optimizers import SGD, Adam, AdamW, Optimizer
from nn.tables import Dataset, Preprocessing, read_csv
from nn.training import fit

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
REGRESSION_LOSSES = ("half_squared_error", "mean_squared_error")


@dataclass(frozen=True)
class Choices:
    """What a training on a dataset leaves open; None is chosen to suit the rest."""

    hidden: Sequence[int] = (30,)
    activation: Activation = "sigmoid"
    loss: str | None = None
    optimizer: str = "sgd"
    learning_rate: float | None = None
    momentum: float = 0.0
    epochs: int = 30
    batch_size: int = 10
    seed: int = 0
    progress: bool = True


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

    @property
    def right(self) -> int:
        """How many predictions are what was wanted."""
        return sum(p == w for p, w in zip(self.predictions, self.wanted))


def train(dataset: Dataset, choices: Choices, say: Callable[[str], None] = print) -> Result:
    """Train an MLP on a dataset, telling what is done.

    Raises:
        ValueError: for choices that do not go together.
    """
    classification = dataset.preprocessing.classes is not None
    name = choices.loss or ("half_squared_error" if classification else "mean_squared_error")
    if not classification and name not in REGRESSION_LOSSES:
        raise ValueError(
            f"{name} is a loss of classes, but the target is a number: use {' or '.join(REGRESSION_LOSSES)}"
        )
    if choices.momentum and choices.optimizer != "sgd":
        raise ValueError(f"momentum is a setting of sgd; {choices.optimizer} has its own")
    loss = LOSSES[name]
    squashed = classification and loss not in OF_LOGITS
    model = MLP(
        dataset.inputs.shape[1],
        [*choices.hidden, dataset.targets.shape[1]],
        choices.activation,
        "sigmoid" if squashed else "identity",
        seed=choices.seed,
    )
    rate = choices.learning_rate
    if rate is None:
        rate = 0.01 if choices.optimizer != "sgd" else 1.0 if squashed and name in REGRESSION_LOSSES else 0.1
    settings = {"momentum": choices.momentum} if choices.optimizer == "sgd" else {}
    optimizer = OPTIMIZERS[choices.optimizer](model.parameters(), learning_rate=rate, **settings)
    say(dataset.title)
    say(
        f"{model!r}, {len(optimizer.parameters):,} parameters; {name}, {choices.optimizer} at learning rate {rate:g}, "
        f"batches of {choices.batch_size}"
    )

    def targets(rows: Array) -> Array:
        return 2 * rows - 1 if loss is hinge else rows

    history = fit(
        model,
        dataset.inputs,
        targets(dataset.targets),
        loss=loss,
        optimizer=optimizer,
        epochs=choices.epochs,
        batch_size=choices.batch_size,
        validation=(dataset.held_out_inputs, targets(dataset.held_out_targets)),
        seed=choices.seed,
        progress=choices.progress,
    )
    say(history.stopped)
    predictions = dataset.preprocessing.predictions(predict(model, dataset.held_out_inputs))
    return Result(model, history, predictions, dataset.preprocessing.predictions(dataset.held_out_targets))


def report(dataset: Dataset, result: Result) -> str:
    """How good the network is on the held-out samples, in lines to print."""
    classes = dataset.preprocessing.classes
    n = len(result.wanted)
    if classes is None:
        errors = np.array(result.predictions) - np.array(result.wanted)
        variance = float(np.var(result.wanted))
        explained = f"R² {1 - float((errors**2).mean()) / variance:.3f}, " if variance else ""
        return f"held-out error {np.sqrt((errors**2).mean()):.4g} (root mean square), {explained}{n} rows"
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for wanted, predicted in zip(result.wanted, result.predictions):
        counts[classes.index(wanted), classes.index(predicted)] += 1
    width = max(3, *(len(c) for c in classes), len(str(counts.max())))
    lines = [
        f"held-out accuracy {result.right / n:.1%} ({result.right} of {n})",
        "",
        "confusion: rows are, columns taken for",
    ]
    lines.append(" " * width + "".join(f" {c:>{width}}" for c in classes))
    for label, row in zip(classes, counts.tolist()):
        lines.append(f"{label:>{width}}" + "".join(f" {count or '.':>{width}}" for count in row))
    return "\n".join(lines)


def write_run(dataset: Dataset, result: Result, runs: Path, name: str) -> tuple[Path, list[str]]:
    """Write the model, the history and pictures into a new folder `runs/name-N`; gives it, and the files' names.

    Raises OSError.
    """
    folder = _new_folder(runs, name)
    save(result.model, folder / "model.safetensors", {"preprocessing": dataset.preprocessing.to_json()})
    result.history.save_csv(folder / "history.csv")
    files = ["model.safetensors", "history.csv"]
    draw(result.model).save(folder / "network.svg")
    step_through_a_neuron(result.model, dataset.held_out_inputs[0]).save(folder / "neuron.html")
    files += ["network.svg", "neuron.html"]
    if len(result.history):
        _save_figure(plots.training_curves(result.history), folder / "curves.png")
        files.append("curves.png")
    if dataset.image_shape is not None:
        images = dataset.held_out_inputs
        sheet = plots.misclassified(images, result.wanted, result.predictions, dataset.image_shape)
        _save_figure(sheet, folder / "misclassified.png")
        _save_figure(plots.first_layer(result.model, dataset.image_shape), folder / "weights.png")
        files += ["misclassified.png", "weights.png"]
    return folder, files


def step_through_a_neuron(model: MLP, sample: Array) -> StepThrough:
    """The page that plays both passes of the output neuron which a sample excites most."""
    activations = [Value(x, f"x{k}") for k, x in enumerate(sample.tolist())]
    for i, layer in enumerate(model.layers[:-1]):
        with no_grad():
            numbers = [a.data for a in layer(activations)]
        activations = [Value(a, f"layers.{i}.neurons.{k}.a") for k, a in enumerate(numbers)]
    strongest = max(model.layers[-1](activations), key=lambda a: a.data)
    return autograd.step_through(strongest, limit=2 * len(activations) + 8)


def predict_file(model_path: Path, table_path: Path, output: Path) -> int:
    """Write what a trained model predicts for each row of a CSV file into another; gives the number of rows.

    The columns are `prediction`, and in classification `output NAME` for each class.

    Raises:
        ValueError: for files that cannot be used, naming row and column where there is one to name.
        OSError: if one cannot be read or written.
    """
    model = load(model_path)
    preprocessing = Preprocessing.from_json(read_metadata(model_path).get("preprocessing"))
    table = read_csv(table_path, None, [column.name for column in preprocessing.columns])
    outputs = predict(model, preprocessing.inputs(table))
    names = [f"output {name}" for name in preprocessing.classes or ()]
    if outputs.shape[1] != (1 if preprocessing.classes is None else len(names)):
        raise ValueError(f"{model_path} is damaged: {outputs.shape[1]} outputs for the classes {preprocessing.classes}")

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["prediction", *names])
            for prediction, row in zip(preprocessing.predictions(outputs), outputs.tolist()):
                writer.writerow([prediction, *(row if names else ())])

    write_atomically(output, write)
    return len(outputs)


def _new_folder(runs: Path, name: str) -> Path:
    """The first of runs/name-1, runs/name-2, ... that is not there yet, made."""
    runs.mkdir(parents=True, exist_ok=True)
    n = 1
    while True:
        try:
            (runs / f"{name}-{n}").mkdir()
        except FileExistsError:
            n += 1
        else:
            return runs / f"{name}-{n}"


def _save_figure(figure: Any, path: Path) -> None:
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150))
