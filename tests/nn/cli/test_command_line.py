"""`lucidgrad train` and `lucidgrad predict` as a user calls them: from another folder, with the user's tables.

The full training on digits, and the accuracy that it reaches, are tested in another file.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.image
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

import nn
from nn.__main__ import main
from nn.tables import table

Array = NDArray[np.float64]
Rows = list[dict[str, str]]
Run = subprocess.CompletedProcess[str]
CommandLine = Callable[..., Run]
Forked = Callable[[Path, str], Run]


def start(folder: Path, *arguments: str, **environment: str) -> Run:
    """Run the command line in a fresh interpreter, from a folder that is not the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "nn", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def write_table(path: Path, names: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
    return path


def read_table(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fruits() -> list[list[object]]:
    """Return 90 fruits, of three kinds that length and weight nearly separate; the colour is irrelevant."""
    chance = np.random.default_rng(0)
    kinds = {"Apfel": (7.0, 150.0), "größte Melone": (25.0, 2000.0), "日本梨": (9.0, 300.0)}
    return [
        [
            round(length * float(chance.uniform(0.75, 1.25)), 3),
            round(weight * float(chance.uniform(0.75, 1.25)), 2),
            str(chance.choice(["rot", "grün"])),
            kind,
        ]
        for _ in range(30)
        for kind, (length, weight) in kinds.items()
    ]


def prices() -> list[list[object]]:
    """Return prices that follow from two other numbers, in units far from 1."""
    points = np.random.default_rng(1).uniform((0, -1), (100, 1), size=(60, 2)).round(3).tolist()
    return [[x, y, 5e4 + 300 * x - 8e3 * y] for x, y in points]


def by_hand(model: Path, rows: Rows) -> tuple[Array, dict[str, Any]]:
    """Compute the outputs for rows of a table from only the file's matrices and metadata."""
    tensors = load_file(model)
    with model.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        texts = json.loads(file.read(length))["__metadata__"]
    preprocessing = json.loads(texts["metadata"])["preprocessing"]
    activations = json.loads(texts["architecture"])["activations"]
    columns = []
    for column in preprocessing["columns"]:
        cells = [row[column["name"]] for row in rows]
        if column["categories"] is None:
            columns.append([(float(cell) - column["mean"]) / column["scale"] for cell in cells])
        else:
            columns += [[float(cell == category) for cell in cells] for category in column["categories"]]
    a = np.array(columns).T
    for k, activation in enumerate(activations, start=1):
        z = a @ tensors[f"w{k}"].T + tensors[f"b{k}"]
        a = 1 / (1 + np.exp(-z)) if activation == "sigmoid" else z
        assert activation in ("sigmoid", "identity")
    return a, preprocessing


class Trained(NamedTuple):
    """A folder with the table that was used for training, and the printed output."""

    folder: Path
    table: Path
    run: Run

    @property
    def model(self) -> Path:
        return self.folder / "runs" / f"{self.table.stem}-1" / "model.safetensors"


FRUIT_NAMES = ["length", "weight", "colour", "kind"]
PRICE_NAMES = ["x", "y", "price"]


@pytest.fixture(scope="module")
def classification(tmp_path_factory: pytest.TempPathFactory, lucidgrad: CommandLine) -> Trained:
    folder = tmp_path_factory.mktemp("classification")
    path = write_table(folder / "fruits.csv", FRUIT_NAMES, fruits())
    run = lucidgrad(folder, "train", path.name, "--target", "kind", "--hidden", "6", "--epochs", "12")
    assert run.returncode == 0, run.stderr
    return Trained(folder, path, run)


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory, lucidgrad: CommandLine) -> Trained:
    folder = tmp_path_factory.mktemp("regression")
    path = write_table(folder / "prices.csv", PRICE_NAMES, prices())
    options = ("--hidden", "5", "3", "--epochs", "40", "--optimizer", "adam", "--quiet", "--seed", "3")
    run = lucidgrad(folder, "train", path.name, "--target", "price", *options)
    assert run.returncode == 0, run.stderr
    return Trained(folder, path, run)


def predictions(lucidgrad: CommandLine, trained: Trained, names: list[str], rows: list[list[object]]) -> Rows:
    """Return the output of `lucidgrad predict` for rows of a new table, in a folder other than the training's."""
    folder = trained.folder / "elsewhere"
    folder.mkdir(exist_ok=True)
    write_table(folder / "new.csv", names, rows)
    run = lucidgrad(folder, "predict", str(trained.model), "new.csv", "--output", "answers.csv")
    assert (run.returncode, run.stderr) == (0, "")
    assert f"{len(rows)} predictions to answers.csv" in run.stdout
    return read_table(folder / "answers.csv")


@pytest.fixture(scope="module")
def kinds(classification: Trained, lucidgrad: CommandLine) -> Rows:
    """Return the predictions for all fruits, training and held-out ones."""
    return predictions(lucidgrad, classification, FRUIT_NAMES, fruits())


@pytest.fixture(scope="module")
def predicted_prices(regression: Trained, lucidgrad: CommandLine) -> Rows:
    return predictions(lucidgrad, regression, PRICE_NAMES, prices())


# Training on a table


def test_a_training_tells_what_it_does_and_how_good_it_is(classification: Trained) -> None:
    out = classification.run.stdout
    assert "fruits.csv: classification of 'kind', 72 rows for training and 18 held out" in out
    assert "4 inputs -> 6 sigmoid, 3 sigmoid" in out
    assert "all 12 epochs were done" in out
    assert re.search(r"held-out accuracy \d+\.\d% \(\d+ of 18\)", out)
    assert str(Path("runs") / "fruits-1") in out


def test_a_quiet_training_shows_no_bar(regression: Trained) -> None:
    assert regression.run.stderr == ""


def test_a_run_leaves_the_model_the_history_and_the_curves(classification: Trained, regression: Trained) -> None:
    for trained, epochs in ((classification, 12), (regression, 40)):
        folder = trained.model.parent
        names = {"model.safetensors", "history.csv", "curves.png", "network.svg", "neuron.html"}
        assert {path.name for path in folder.iterdir()} == names
        assert all(name in trained.run.stdout for name in names)
        assert [int(row["epoch"]) for row in read_table(folder / "history.csv")] == list(range(1, epochs + 1))
        assert matplotlib.image.imread(folder / "curves.png").std() > 0
        assert isinstance(nn.load(trained.model), nn.MLP)


def test_the_cost_falls(classification: Trained, regression: Trained) -> None:
    for trained in (classification, regression):
        costs = [float(row["cost"]) for row in read_table(trained.model.parent / "history.csv")]
        assert costs[-1] < 0.5 * costs[0]


def held_out_rows(trained: Trained, target: str, seed: int = 0) -> list[int]:
    """Find the held-out rows of a table by their inputs."""
    dataset = table(trained.table, target, seed=seed)
    rows = read_table(trained.table)
    inputs = np.concatenate([dataset.preprocessing.inputs(_frame([row])) for row in rows])
    held_out = {tuple(row) for row in dataset.held_out_inputs.tolist()}
    places = [i for i, row in enumerate(inputs.tolist()) if tuple(row) in held_out]
    assert len(places) == len(dataset.held_out_inputs)
    return places


def _frame(rows: Rows) -> Any:
    import pandas as pd

    frame = pd.DataFrame(rows)
    for name in ("length", "weight", "x", "y"):
        if name in frame:
            frame[name] = frame[name].astype(float)
    return frame


def test_predictions_are_what_the_trained_network_says_of_each_row(classification: Trained, kinds: Rows) -> None:
    outputs, preprocessing = by_hand(classification.model, read_table(classification.table))
    assert list(kinds[0]) == ["prediction", *(f"output {name}" for name in preprocessing["classes"])]
    written = np.array([[float(row[f"output {name}"]) for name in preprocessing["classes"]] for row in kinds])
    np.testing.assert_allclose(written, outputs, rtol=1e-12)
    assert [row["prediction"] for row in kinds] == [preprocessing["classes"][k] for k in outputs.argmax(axis=1)]


def test_predictions_of_held_out_rows_are_as_good_as_the_training_said(classification: Trained, kinds: Rows) -> None:
    wanted = [str(row[-1]) for row in fruits()]
    rows = held_out_rows(classification, "kind")
    right = sum(kinds[i]["prediction"] == wanted[i] for i in rows)
    assert f"held-out accuracy {right / 18:.1%} ({right} of 18)" in classification.run.stdout


def test_the_confusion_matrix_that_is_printed_counts_the_held_out_rows(classification: Trained, kinds: Rows) -> None:
    wanted = [str(row[-1]) for row in fruits()]
    names = ["Apfel", "größte Melone", "日本梨"]
    counts = np.zeros((3, 3), dtype=int)
    for i in held_out_rows(classification, "kind"):
        counts[names.index(wanted[i]), names.index(kinds[i]["prediction"])] += 1
    printed = [
        [0 if cell == "." else int(cell) for cell in line.split()[-3:]]
        for name in names
        for line in classification.run.stdout.splitlines()
        if re.fullmatch(rf" *{name}( +(\d+|\.)){{3}}", line)
    ]
    assert printed == counts.tolist()


def test_numbers_are_predicted_in_their_own_units(regression: Trained, predicted_prices: Rows) -> None:
    outputs, preprocessing = by_hand(regression.model, read_table(regression.table))
    assert list(predicted_prices[0]) == ["prediction"]
    expected = outputs[:, 0] * preprocessing["scale"] + preprocessing["mean"]
    np.testing.assert_allclose([float(row["prediction"]) for row in predicted_prices], expected, rtol=1e-12)


def test_the_held_out_error_of_numbers_is_told_in_their_own_units(regression: Trained, predicted_prices: Rows) -> None:
    """The error is the root mean square, and R² is 1 − (sum of squared errors) / (sum of squares about the mean)."""
    rows = held_out_rows(regression, "price", seed=3)
    wanted = np.array([float(str(prices()[i][-1])) for i in rows])
    errors = np.array([float(predicted_prices[i]["prediction"]) for i in rows]) - wanted
    root_mean_square = math.sqrt((errors**2).mean())
    explained = 1 - (errors**2).sum() / ((wanted - wanted.mean()) ** 2).sum()
    assert f"held-out error {root_mean_square:.4g} (root mean square), R² {explained:.3f}, 12 rows" in (
        regression.run.stdout
    )


def test_rows_may_lack_the_target_and_come_in_another_order(
    classification: Trained, kinds: Rows, lucidgrad: CommandLine
) -> None:
    shuffled = [[row[2], row[0], "unused", row[1]] for row in fruits()[::-1]]
    assert predictions(lucidgrad, classification, ["colour", "length", "note", "weight"], shuffled) == kinds[::-1]


def test_the_same_command_gives_the_same_model_in_a_folder_of_its_own(classification: Trained) -> None:
    options = ("--target", "kind", "--hidden", "6", "--epochs", "12")
    again = start(classification.folder, "train", classification.table.name, *options)
    assert again.returncode == 0
    second = classification.folder / "runs" / "fruits-2" / "model.safetensors"
    assert nn.load(second).state_dict() == nn.load(classification.model).state_dict()
    assert again.stdout.replace("fruits-2", "fruits-1") == classification.run.stdout


# Digits, with little training


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory, lucidgrad: CommandLine) -> tuple[Path, Run]:
    folder = tmp_path_factory.mktemp("digits")
    options = ("--hidden", "8", "--epochs", "1", "--quiet", "--runs", "my runs", "--held-out", "0.1")
    return folder / "my runs" / "digits-1", lucidgrad(folder, "train", "digits", *options)


def test_digits_are_learned_with_the_choices_given(digits: tuple[Path, Run]) -> None:
    folder, run = digits
    assert (run.returncode, run.stderr) == (0, "")
    assert "64 inputs -> 8 sigmoid, 10 sigmoid" in run.stdout
    assert "1,617 for training and 180 held out" in run.stdout
    assert "half_squared_error" in run.stdout
    names = {"model.safetensors", "history.csv", "network.svg", "neuron.html"}
    names |= {"curves.png", "misclassified.png", "weights.png"}
    assert {path.name for path in folder.iterdir()} == names


def test_digits_can_be_predicted_from_a_table_of_pixels(digits: tuple[Path, Run], lucidgrad: CommandLine) -> None:
    from sklearn.datasets import load_digits

    folder, _ = digits
    frame = load_digits(as_frame=True).data[:20]
    frame.to_csv(folder / "pixels.csv", index=False)
    run = lucidgrad(folder, "predict", "model.safetensors", "pixels.csv")
    assert (run.returncode, run.stderr) == (0, "")
    outputs = nn.predict(nn.load(folder / "model.safetensors"), load_digits().data[:20] / 16)
    written = read_table(folder / "predictions.csv")
    assert [int(row["prediction"]) for row in written] == outputs.argmax(axis=1).tolist()
    for row, expected in zip(written, outputs.tolist(), strict=True):
        assert [float(row[f"output {k}"]) for k in range(10)] == pytest.approx(expected, rel=1e-12)


# In this process, where no separate one is needed


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], without_curves: None
) -> Call:
    """Call the command line in an empty folder; the test fails if an exception escapes."""
    monkeypatch.chdir(tmp_path)

    def call_main(*arguments: str) -> Outcome:
        try:
            status = main(arguments)
        except SystemExit as exit_:  # of argparse
            status = int(str(exit_.code))
        return Outcome(status, *capsys.readouterr())

    return call_main


def small(path: Path, n: int = 20, target: Callable[[int], object] = lambda k: "yes" if k % 2 else "no") -> Path:
    rows: list[list[object]] = [[k, round(math.sin(k), 4), target(k)] for k in range(n)]
    return write_table(path, ["a", "b", "y"], rows)


QUICK = ("--target", "y", "--epochs", "1", "--hidden", "2", "--quiet")


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("half_squared_error", "sigmoid"),
        ("mean_squared_error", "sigmoid"),
        ("binary_cross_entropy", "sigmoid"),
        ("binary_cross_entropy_with_logits", "identity"),
        ("cross_entropy", "identity"),
        ("hinge", "identity"),
    ],
)
def test_every_loss_of_classes_gets_the_outputs_it_needs(loss: str, output: str, call: Call, tmp_path: Path) -> None:
    small(tmp_path / "t.csv")
    outcome = call("train", "t.csv", *QUICK, "--loss", loss)
    assert (outcome.status, outcome.err) == (0, "")
    assert nn.load(tmp_path / "runs" / "t-1" / "model.safetensors").layers[-1].activation == output


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_choice_is_an_option(optimizer: str, call: Call, tmp_path: Path) -> None:
    small(tmp_path / "t.csv")
    momentum = ("--momentum", "0.5") if optimizer == "sgd" else ()
    options = ("--hidden", "3", "2", "--activation", "tanh", "--batch-size", "4", "--epochs", "2", "--seed", "5")
    outcome = call(
        *("train", "t.csv", "--target", "y", "--quiet", "--optimizer", optimizer, "--learning-rate", "0.05"),
        *("--held-out", "0.3", "--drop", "b", "--task", "classification", "--runs", "out"),
        *options,
        *momentum,
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert "1 inputs -> 3 tanh, 2 tanh, 2 sigmoid" in outcome.out
    assert f"{optimizer} at learning rate 0.05, batches of 4" in outcome.out
    assert "14 rows for training and 6 held out" in outcome.out
    assert (tmp_path / "out" / "t-1" / "model.safetensors").exists()


def test_hidden_without_numbers_is_a_network_without_hidden_layers(call: Call, tmp_path: Path) -> None:
    small(tmp_path / "t.csv")
    outcome = call("train", "t.csv", "--target", "y", "--epochs", "1", "--quiet", "--hidden")
    assert (outcome.status, outcome.err) == (0, "")
    assert "2 inputs -> 2 sigmoid" in outcome.out


def test_a_table_of_ones_own_may_be_called_digits(call: Call, tmp_path: Path) -> None:
    """Such a table is not read as a table of images."""
    chance = np.random.default_rng(0)
    small(tmp_path / "digits.csv", 40, lambda k: int(chance.integers(0, 2)))
    for name in ("digits.csv", "./digits.csv"):
        outcome = call("train", name, *QUICK)
        assert (outcome.status, outcome.err) == (0, "")


@pytest.mark.parametrize("n", [4, 30])
def test_a_target_that_never_varies_in_the_held_out_rows_is_no_trouble(n: int, call: Call, tmp_path: Path) -> None:
    """With one held-out row, or a constant target, R² would be 0/0; it is not printed."""
    small(tmp_path / "t.csv", n, lambda k: k + 0.5 if n == 4 else 2.5)
    outcome = call("train", "t.csv", *QUICK)
    assert (outcome.status, outcome.err) == (0, "")
    assert "held-out error" in outcome.out
    assert "inf" not in outcome.out
    assert "nan" not in outcome.out


def test_help_tells_the_commands_and_all_options(call: Call) -> None:
    outcome = call("--help")
    assert outcome.status == 0
    assert [command in outcome.out for command in ("train", "predict", "grad", "draw")] == [True] * 4
    outcome = call("train", "--help")
    assert outcome.status == 0
    options = (
        *("--target", "--drop", "--task", "--hidden", "--activation", "--loss", "--epochs", "--batch-size"),
        *("--optimizer", "--learning-rate", "--momentum", "--held-out", "--seed", "--runs", "--quiet"),
    )
    assert [option in outcome.out for option in options] == [True] * len(options)
    assert "%(default)s" not in outcome.out
    outcome = call("predict", "--help")
    assert outcome.status == 0
    assert "--output" in outcome.out


# Errors: one line, a status other than 0, no traceback


def assert_one_line(outcome: Outcome, message: str) -> None:
    assert outcome.status == 1
    assert outcome.err.startswith("lucidgrad: ")
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith("\n")
    assert re.search(message, outcome.err), f"{outcome.err!r} does not say {message!r}"


def replaced(row: int, column: int, cell: str) -> Callable[[Path], None]:
    """Return a function that writes the small table with another cell; rows count from 1."""

    def write(path: Path) -> None:
        small(path)
        lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        lines[row][column] = cell
        path.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")

    return write


def content(data: bytes) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(data), None)[1]


BAD_TRAININGS: list[tuple[str, Callable[[Path], object], tuple[str, ...], str]] = [
    ("no file", lambda path: None, QUICK, "t.csv"),
    ("a folder", lambda path: path.mkdir(), QUICK, "t.csv"),
    ("empty", content(b""), QUICK, "t.csv"),
    ("names alone", content(b"a,b,y\n"), QUICK, "t.csv has no rows"),
    ("not UTF-8", content("a,b,y\n1,2,größer\n".encode("latin-1")), QUICK, "UTF-8"),
    ("a picture", content(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\0\1"), QUICK, "t.csv"),
    ("ragged", content(b"a,b,y\n1,2,yes\n1,2,no,more,still more\n"), QUICK, "t.csv"),
    ("no target given", small, ("--quiet",), "--target COLUMN"),
    ("no such target", small, ("--target", "z"), "no column 'z'; it has 'a', 'b', 'y'"),
    ("no such column", small, (*QUICK, "--drop", "z"), "no column 'z'"),
    ("the target dropped", small, (*QUICK, "--drop", "y"), "'y'"),
    ("all dropped", small, (*QUICK, "--drop", "a", "b"), "no column to predict 'y' from"),
    ("one class", lambda path: small(path, 20, lambda k: "same"), QUICK, "single class, 'same'"),
    ("a class that occurs once", lambda path: small(path, 20, lambda k: "rare" if k == 3 else "no"), QUICK, "."),
    ("too few rows", lambda path: small(path, 2), QUICK, "."),
    ("a missing value", replaced(5, 1, ""), QUICK, "line 6, column 'b': the value is missing"),
    ("a missing target", replaced(5, 2, ""), QUICK, "line 6, column 'y': the value is missing"),
    *(
        (f"junk in row {row}", replaced(row, 1, "oops"), QUICK, f"line {row + 1}, column 'b': 'oops'")
        for row in (1, 5, 10, 11, 16, 20)
    ),
    ("infinity", replaced(5, 1, "inf"), QUICK, "line 6, column 'b'"),
    ("texts to predict as numbers", small, (*QUICK, "--task", "regression"), "line 2, column 'y': 'no'"),
    ("loss of classes", lambda p: small(p, 30, lambda k: k + 0.5), (*QUICK, "--loss", "hinge"), "hinge is a loss for"),
    ("a rate below 0", small, (*QUICK, "--learning-rate", "-1"), "learning_rate must be a positive number, got -1"),
    ("no rate", small, (*QUICK, "--learning-rate", "nan"), "learning_rate must be a positive number, got nan"),
    ("momentum 1", small, (*QUICK, "--momentum", "1"), "momentum must be a number from 0 to below 1"),
    ("Adam", small, (*QUICK, "--optimizer", "adam", "--momentum", "0.5"), "momentum is an option of sgd, not"),
    ("a negative seed", small, (*QUICK, "--seed", "-1"), "-1"),
    ("a rate that is too large", small, (*QUICK, "--learning-rate", "1e300", "--activation", "relu",
     "--loss", "binary_cross_entropy_with_logits"), "not finite|inf|nan|smaller learning rate"),
    ("runs that are a file", small, (*QUICK, "--runs", "t.csv"), "t.csv"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("make", "options", "message"), [case[1:] for case in BAD_TRAININGS], ids=[case[0] for case in BAD_TRAININGS]
)
def test_a_training_that_cannot_be_is_refused_in_one_line(
    make: Callable[[Path], object], options: tuple[str, ...], message: str, call: Call, tmp_path: Path
) -> None:
    make(tmp_path / "t.csv")
    assert_one_line(call("train", "t.csv", *options), message)
    assert not (tmp_path / "runs" / "t-1").exists()


@pytest.mark.parametrize(
    "options",
    [
        *(("--epochs", number) for number in ("0", "-1", "2.5", "many")),
        *(("--batch-size", number) for number in ("0", "2.5")),
        *(("--hidden", number) for number in ("0", "-3", "x")),
        *(("--held-out", number) for number in ("0", "1", "1.5", "nan", "half")),
        ("--learning-rate", "fast"),
        ("--seed", "x"),
        ("--loss", "log"),
        ("--activation", "swish"),
        ("--optimizer", "lbfgs"),
        ("--task", "clustering"),
        ("--unknown",),
    ],
    ids=" ".join,
)
def test_an_option_that_makes_no_sense_is_refused_with_the_usage(options: tuple[str, ...], call: Call) -> None:
    outcome = call("train", "digits", *options)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("usage: ")
    assert options[0].lstrip("-") in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("arguments", [(), ("fly",), ("train",), ("predict",), ("predict", "model")])
def test_commands_that_are_incomplete_or_unknown_are_refused(arguments: tuple[str, ...], call: Call) -> None:
    outcome = call(*arguments)
    assert outcome.status == 2
    assert outcome.err.startswith("usage: ")


BAD_PREDICTIONS: list[tuple[str, list[str], list[list[object]], str]] = [
    ("a column missing", ["length", "colour"], [[1, "rot"]], "no column 'weight'; it has 'length', 'colour'"),
    ("a missing value", FRUIT_NAMES[:3], [[1, 2, "rot"], [1, "", "rot"]], "line 3, column 'weight': .*missing"),
    ("a missing text", FRUIT_NAMES[:3], [[1, 2, ""]], "line 2, column 'colour': .*missing"),
    ("junk", FRUIT_NAMES[:3], [[1, 2, "rot"], [1, "heavy", "rot"]], "line 3, column 'weight': 'heavy'"),
    ("infinity", FRUIT_NAMES[:3], [["inf", 2, "rot"]], "line 2, column 'length'"),
    ("no rows", FRUIT_NAMES[:3], [], "new.csv has no rows"),
]


@pytest.mark.parametrize(
    ("names", "rows", "message"), [case[1:] for case in BAD_PREDICTIONS], ids=[case[0] for case in BAD_PREDICTIONS]
)
def test_rows_that_do_not_fit_are_refused_in_one_line(
    names: list[str], rows: list[list[object]], message: str, call: Call, classification: Trained, tmp_path: Path
) -> None:
    write_table(tmp_path / "new.csv", names, rows)
    assert_one_line(call("predict", str(classification.model), "new.csv"), message)
    assert not (tmp_path / "predictions.csv").exists()


def test_models_and_tables_that_cannot_be_read_are_refused_in_one_line(
    call: Call, classification: Trained, tmp_path: Path
) -> None:
    write_table(tmp_path / "new.csv", FRUIT_NAMES[:3], [[1, 2, "rot"]])
    model = str(classification.model)
    assert_one_line(call("predict", "none.safetensors", "new.csv"), r"none\.safetensors")
    assert_one_line(call("predict", "new.csv", "new.csv"), r"new\.csv")
    assert_one_line(call("predict", model, "none.csv"), r"none\.csv")
    assert_one_line(call("predict", model, model), r"model\.safetensors")
    assert_one_line(call("predict", ".", "new.csv"), ".")
    assert_one_line(call("predict", model, "new.csv", "--output", "nowhere/out.csv"), "nowhere")
    (tmp_path / "cut.safetensors").write_bytes(classification.model.read_bytes()[:-5])
    assert_one_line(call("predict", "cut.safetensors", "new.csv"), r"cut\.safetensors")


A: dict[str, Any] = {"name": "a", "mean": 0, "scale": 1, "categories": None}
TWO_CLASSES: dict[str, Any] = {"columns": [A], "target": "y", "classes": ["one", "two"], "mean": 0, "scale": 1}


@pytest.mark.parametrize(
    "preprocessing",
    [
        None,
        {"columns": []},
        {**TWO_CLASSES, "classes": ["one"]},
        {**TWO_CLASSES, "classes": []},
        {**TWO_CLASSES, "classes": ["one", "two", "three"]},
        {**TWO_CLASSES, "classes": None},
        {**TWO_CLASSES, "columns": []},
        {**TWO_CLASSES, "columns": [A, A]},
        {**TWO_CLASSES, "columns": [{**A, "scale": 0}]},
    ],
    ids=[
        *("none", "incomplete", "too few classes", "no classes", "too many classes", "a number of two outputs"),
        *("no columns", "a column twice", "a scale of 0"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_model_that_does_not_know_its_table_is_refused_in_one_line(
    preprocessing: Any, call: Call, tmp_path: Path
) -> None:
    """Such a model may be saved by hand, or by an attacker."""
    nn.save(nn.MLP(1, [2], seed=1), tmp_path / "m.safetensors", {"preprocessing": preprocessing})
    write_table(tmp_path / "new.csv", ["a"], [[k] for k in range(-5, 6)])
    assert_one_line(call("predict", "m.safetensors", "new.csv"), ".")


@pytest.mark.parametrize(("module", "package"), [("sklearn", "scikit-learn"), ("matplotlib", "matplotlib")])
def test_a_missing_package_is_one_line_that_says_what_to_install(
    module: str, package: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(tmp_path / "t.csv")
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert_one_line(call("train", "t.csv", *QUICK), f"{package} is not installed: pip install 'lucidgrad\\[train\\]'")


# In a separate process: everything between it and the terminal


def test_an_error_in_a_process_is_one_line_too(tmp_path: Path) -> None:
    run = start(tmp_path, "train", "none.csv", "--target", "y")
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert "none.csv" in run.stderr


def test_output_survives_a_terminal_that_knows_ascii_alone(classification: Trained, forked: Forked) -> None:
    """Letters that the terminal cannot show are printed as question marks, but written to files unchanged."""
    folder = classification.folder
    options = ["--target", "kind", "--hidden", "6", "--epochs", "1", "--runs", "ascii"]
    command = ["train", classification.table.name, *options]
    run = forked(folder, f"sys.stdout.reconfigure(encoding='ascii'); sys.exit(main({command!r}))")
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert "gr??te Melone" in run.stdout
    metadata = nn.read_metadata(folder / "ascii" / "fruits-1" / "model.safetensors")
    assert metadata["preprocessing"]["classes"] == ["Apfel", "größte Melone", "日本梨"]


def test_an_error_survives_a_terminal_that_knows_ascii_alone(tmp_path: Path) -> None:
    write_table(tmp_path / "größe.csv", ["größe", "y"], [[k, k % 2] for k in range(9)])
    run = start(tmp_path, "train", "größe.csv", "--target", "日本", PYTHONIOENCODING="ascii")
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "no column '??'; it has 'gr??e', 'y'" in run.stderr
