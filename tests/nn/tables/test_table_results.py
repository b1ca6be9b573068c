"""Honest results and good defaults: baselines, recall, remarks; real tables, compared with scikit-learn."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import recall_score

from nn.__main__ import main
from nn.cli.jobs import Choices, train
from nn.cli.terminal import Progress
from nn.tables import table

pytestmark = pytest.mark.usefixtures("without_curves")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["train", "t.csv", "--target", "y", "--quiet", *options]) == 0
    return capsys.readouterr().out


def predictions(rows: list[list[str]]) -> list[str]:
    """Return the trained model's predictions for rows of inputs a and b."""
    with Path("new.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b"], *rows])
    assert main(["predict", "runs/t-1/model.safetensors", "new.csv"]) == 0
    with Path("predictions.csv").open(encoding="utf-8", newline="") as file:
        return [row["prediction"] for row in csv.DictReader(file)]


def held_out(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows that a training holds out, identified by their inputs, which are all different."""
    dataset = table("t.csv", "y")
    column = dataset.preprocessing.columns[0]
    numbers = (dataset.held_out_inputs[:, 0] * column.scale + column.mean).round(6).tolist()
    by_input = {float(row[0]): row for row in rows}
    return [by_input[number] for number in numbers]


def test_a_classification_is_told_beside_the_most_frequent_class_with_recalls(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = np.random.default_rng(0)
    rows = [
        [f"{a:.6f}", f"{b:.6f}", "often" if a + chance.normal() < 1 else "rare"]
        for a, b in chance.normal(size=(200, 2)).tolist()
    ]
    Path("t.csv").write_text("\n".join(["a,b,y", *map(",".join, rows)]) + "\n", encoding="utf-8")
    out = said(capsys, "--epochs", "20")
    rows = held_out(rows)
    wanted, predicted = [row[2] for row in rows], predictions([row[:2] for row in rows])
    assert (
        f"always predicting the most frequent class, 'often', has accuracy {wanted.count('often') / len(wanted):.1%}"
        in out
    )
    recalls = recall_score(wanted, predicted, labels=["often", "rare"], average=None)
    right = Counter(w for w, p in zip(wanted, predicted) if w == p)
    for label, recall in zip(("often", "rare"), recalls.tolist()):
        line = rf"^ *{label} +{100 * recall:.1f}% \({right[label]} of {wanted.count(label)}\)$"
        assert re.search(line, out, re.MULTILINE)


def test_a_regression_is_told_beside_the_mean(capsys: pytest.CaptureFixture[str]) -> None:
    chance = np.random.default_rng(1)
    rows = [[f"{a:.6f}", f"{b:.6f}", f"{50 + 3 * a + chance.normal():.6f}"] for a, b in chance.normal(size=(100, 2))]
    Path("t.csv").write_text("\n".join(["a,b,y", *map(",".join, rows)]) + "\n", encoding="utf-8")
    out = said(capsys, "--epochs", "20")
    test = held_out(rows)
    learned = [float(row[2]) for row in rows if row not in test]
    wanted = np.array([float(row[2]) for row in test])
    error = float(np.sqrt(((wanted - np.mean(learned)) ** 2).mean()))
    assert f"always predicting the training mean, {np.mean(learned):.4g}, has error {error:.4g}" in out
    explained = float(re.search(r"R² (-?\d\.\d+)", out)[1])  # type: ignore[index]
    errors = np.array([float(p) for p in predictions([row[:2] for row in test])]) - wanted
    assert explained == pytest.approx(1 - (errors**2).sum() / ((wanted - wanted.mean()) ** 2).sum(), abs=6e-4)
    assert "note: the network is no better" not in out


@pytest.mark.parametrize("target", [lambda k: "x" if k % 10 else "y", lambda k: f"{k * 7919 % 101}.5"])
def test_a_network_that_found_nothing_is_said_to_have_found_nothing(
    target: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The inputs are unrelated to the target, so nothing learned from them generalizes to other rows."""
    lines = ["a,y", *(f"{k * 31 % 7},{target(k)}" for k in range(100))]  # type: ignore[operator]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = said(capsys, "--patience", "0", "--epochs", "60")
    assert "note: the network is no better than that" in out


def test_many_classes_and_long_names_fit_on_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    labels = [f"a rather long name of a class, number {k}" for k in range(40)]
    lines = ["a,y", *(f'{k % 40},"{labels[k % 40]}"' for k in range(400))]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = said(capsys, "--epochs", "1")
    assert "confusion" not in out
    assert "recall: the 30 classes" in out
    assert max(map(len, out.splitlines())) < 200


def test_on_diabetes_the_defaults_reach_what_linear_regression_does() -> None:
    """On each of five splits, the network reaches at least 0.9 of the R² of linear regression."""
    load_diabetes(as_frame=True).frame.to_csv("t.csv", index=False)
    for seed in range(5):
        dataset = table("t.csv", "target", seed=seed)
        line = LinearRegression().fit(dataset.inputs, dataset.targets)
        result = train(dataset, Choices(seed=seed), lambda text: None, Progress(quiet=True))
        wanted, predicted = np.array(result.wanted), np.array(result.predictions)
        explained = 1 - ((wanted - predicted) ** 2).sum() / ((wanted - wanted.mean()) ** 2).sum()
        assert explained >= 0.9 * line.score(dataset.held_out_inputs, dataset.held_out_targets)


def test_penguins_with_their_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    """A real table with texts, numbers and missing values, trained and predicted as a user would."""
    penguins = pytest.importorskip("palmerpenguins", reason="palmerpenguins, which ships the table, is not installed")
    frame = penguins.load_penguins()
    frame.to_csv("t.csv", index=False)
    assert main(["train", "t.csv", "--target", "species", "--quiet"]) == 1
    assert "line 5, column 'bill_length_mm': the value is missing" in capsys.readouterr().err
    assert main(["train", "t.csv", "--target", "species", "--quiet", "--missing", "median"]) == 0
    accuracy = float(re.search(r"held-out accuracy ([\d.]+)%", capsys.readouterr().out)[1])  # type: ignore[index]
    assert accuracy >= 95

    def predict(rows: object) -> list[list[str]]:
        rows.to_csv("new.csv", index=False)  # type: ignore[attr-defined]
        assert main(["predict", "runs/t-1/model.safetensors", "new.csv"]) == 0
        with Path("predictions.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))[1:]

    everything = predict(frame)
    assert np.mean([row[0] == species for row, species in zip(everything, frame["species"])]) > 0.95
    order = np.random.default_rng(0).permutation(len(frame))[:60]
    assert predict(frame.iloc[order]) == [everything[k] for k in order]
    for k in (0, 3, 339):
        assert predict(frame.iloc[k : k + 1]) == [everything[k]]
