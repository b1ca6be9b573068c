"""History: the epochs of a training, and the CSV file of them."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

import nn
from nn import Epoch, History

EPOCHS = [
    Epoch(1, 0.1 + 0.2, 0.5, 1e-300, 0.25, 1 / 3),
    Epoch(2, 1e22, 1.0, math.inf, 0.0, 0.0),
]
NAMES = ["epoch", "cost", "accuracy", "validation_cost", "validation_accuracy", "largest_derivative"]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_history_is_a_sequence_of_its_epochs() -> None:
    history = History(EPOCHS)
    assert len(history) == 2
    assert list(history) == EPOCHS
    assert history[0] is EPOCHS[0]
    assert history[-1] is EPOCHS[1]
    assert history.costs == [0.1 + 0.2, 1e22]


def test_a_new_history_is_empty_and_its_own() -> None:
    one, other = History(), History()
    one.epochs.append(EPOCHS[0])
    assert len(other) == 0
    assert other.costs == []
    assert other.stopped == ""


def test_the_file_has_a_line_of_names_and_a_line_an_epoch(tmp_path: Path) -> None:
    History(EPOCHS).save_csv(tmp_path / "history.csv")
    rows = rows_of(tmp_path / "history.csv")
    assert rows[0] == NAMES
    assert [int(row[0]) for row in rows[1:]] == [1, 2]


def test_every_number_comes_back_to_the_bit(tmp_path: Path) -> None:
    History(EPOCHS).save_csv(tmp_path / "history.csv")
    epochs = [Epoch(int(row[0]), *map(float, row[1:])) for row in rows_of(tmp_path / "history.csv")[1:]]
    assert epochs == EPOCHS


def test_what_was_not_measured_stays_empty(tmp_path: Path) -> None:
    History([Epoch(1, 0.5, None, None, None, 0.1)]).save_csv(tmp_path / "history.csv")
    assert rows_of(tmp_path / "history.csv")[1] == ["1", "0.5", "", "", "", "0.1"]


def test_an_empty_history_is_a_line_of_names(tmp_path: Path) -> None:
    History().save_csv(tmp_path / "history.csv")
    assert rows_of(tmp_path / "history.csv") == [NAMES]


def test_pandas_reads_the_file(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "größe σ.csv"
    History(EPOCHS).save_csv(str(path))
    frame = pd.read_csv(path)
    assert list(frame.columns) == NAMES
    assert frame["cost"].tolist() == pytest.approx([0.1 + 0.2, 1e22], rel=1e-14)


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    History(EPOCHS).save_csv(path)
    before = path.read_bytes()
    broken: list[Epoch] = [EPOCHS[0], None]  # type: ignore[list-item]
    with pytest.raises(TypeError):
        History(broken).save_csv(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        History(EPOCHS).save_csv(tmp_path / "nowhere" / "history.csv")


def test_the_history_of_a_training_is_written_as_it_was_returned(tmp_path: Path) -> None:
    model = nn.MLP(2, [2], seed=0)
    x, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1]
    history = nn.fit(model, x, y, epochs=3, validation=(x, y), progress=False)
    history.save_csv(tmp_path / "history.csv")
    rows = rows_of(tmp_path / "history.csv")[1:]
    assert [float(row[1]) for row in rows] == history.costs
    assert [float(row[4]) for row in rows] == [epoch.validation_accuracy for epoch in history]
