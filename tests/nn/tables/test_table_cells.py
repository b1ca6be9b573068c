"""The meaning of a cell never depends on the other rows of its file: train, then predict all rows, parts, one, others.

Every table is written here and passed to `lucidgrad train` and `lucidgrad predict` as a user would.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nn
from nn.__main__ import main
from nn.tables import read_csv

Rows = list[dict[str, str]]


pytestmark = pytest.mark.usefixtures("without_curves")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, names: list[str], rows: list[list[object]]) -> None:
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def train(*options: str, name: str = "t.csv", target: str = "y") -> None:
    assert main(["train", name, "--target", target, "--quiet", "--epochs", "3", *options]) == 0


def predict(names: list[str], rows: list[list[object]], *options: str) -> Rows:
    write("new.csv", names, rows)
    assert main(["predict", "runs/t-1/model.safetensors", "new.csv", *options]) == 0
    with Path("predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def versions(k: int) -> list[object]:
    return [("1.1", "1.10", "1.2.3", "2.0.1")[k % 4], f"{k * 0.37 % 1:.3f}", ("low", "high")[k % 4 // 2]]


def codes(k: int) -> list[object]:
    return [("01", "1", "2")[k % 3], k % 5, ("a", "b", "c")[k % 3]]


def truths(k: int) -> list[object]:
    return [("TRUE", "FALSE")[k % 2], k % 7, ("yes", "no")[k % 2]]


def late_unknown(k: int) -> list[object]:
    return ["UNKNOWN" if k > 50 else ("TRUE", "FALSE")[k % 2], k % 7, ("yes", "no")[k % 2]]


def dates(k: int) -> list[object]:
    return [f"20{k % 30:02d}-{k % 12 + 1:02d}-{k % 28 + 1:02d}", k % 3, ("old", "new")[k % 30 // 15]]


def long_texts(k: int) -> list[object]:
    return [('say "hi",\nthen go', "größer; als", "日本")[k % 3], k % 4, ("x", "y", "z")[k % 3]]


def percents(k: int) -> list[object]:
    return [f"{k % 40}.5 %", f"{1000 + 37 * k:,}", ("little", "much")[k % 40 // 20]]


def decimal_commas(k: int) -> list[object]:
    return [f"{k % 11},{k % 10}", f"{1 + k % 3}.{k * 13 % 1000:03d},25", ("l", "r")[k % 11 // 6]]


KINDS = [versions, codes, truths, late_unknown, dates, long_texts, percents, decimal_commas]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_predictions_of_all_rows_of_parts_of_one_and_in_any_order_are_equal(
    kind: Callable[[int], list[object]],
) -> None:
    rows = [kind(k) for k in range(60)]
    write("t.csv", ["a", "b", "y"], rows)
    train()
    everything = predict(["a", "b", "y"], rows)
    assert len(everything) == len(rows)
    assert predict(["a", "b"], [row[:2] for row in rows[20:33]]) == everything[20:33]
    for k in (0, 1, 2, 3, 59):
        assert predict(["b", "a"], [rows[k][1::-1]]) == [everything[k]]
    order = np.random.default_rng(0).permutation(60).tolist()
    assert predict(["a", "y", "b"], [[rows[k][0], "", rows[k][1]] for k in order]) == [everything[k] for k in order]


def test_versions_stay_the_texts_they_are() -> None:
    """1.10, if it is the only version in its file, is not the number 1.1."""
    write("t.csv", ["a", "b", "y"], [versions(k) for k in range(60)])
    train()
    preprocessing = nn.read_metadata("runs/t-1/model.safetensors")["preprocessing"]
    assert preprocessing["columns"][0]["categories"] == ["1.1", "1.10", "1.2.3", "2.0.1"]
    one, ten = (predict(["a", "b"], [[version, 0.5]]) for version in ("1.1", "1.10"))
    assert one != ten


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["01", "1", "2"], ["01", "1", "2"]),
        (["1.0", "2.0"], ["1", "2"]),
        (["1.0", "1", "2"], ["1", "1.0", "2"]),
        (["TRUE", "FALSE"], ["FALSE", "TRUE"]),
        (["1", "-1", "10", "2"], ["-1", "1", "2", "10"]),
        (["007", "008"], ["007", "008"]),
        (["12345678901234567890", "12345678901234567891"], ["12345678901234567890", "12345678901234567891"]),
        (["1.1", "1.10", "1.2.3"], ["1.1", "1.10", "1.2.3"]),
        (["yes", "Yes"], ["Yes", "yes"]),
        (["1e3", "1000"], ["1000", "1e3"]),
    ],
    ids=" ".join,
)
def test_labels_are_the_texts_that_the_file_has(labels: list[str], classes: list[str]) -> None:
    write("t.csv", ["a", "y"], [[k * 7 % 60, labels[k % len(labels)]] for k in range(60)])
    train()
    assert sorted(nn.read_metadata("runs/t-1/model.safetensors")["preprocessing"]["classes"]) == sorted(classes)


def test_labels_that_may_be_one_class_are_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", ["a", "y"], [[k * 7 % 60, ("1", "1.0", "yes", "Yes")[k % 4]] for k in range(60)])
    train()
    out = capsys.readouterr().out
    assert "'1' and '1.0' are different classes" in out
    assert "'Yes' and 'yes' are different classes" in out


def test_a_text_after_262144_truth_values_is_one_more_class() -> None:
    """This is the number of rows that pandas reads at a time."""
    rows: list[list[object]] = [["TRUE" if k % 2 else "FALSE", "TRUE" if k % 3 else "FALSE"] for k in range(262_144)]
    rows += [["UNKNOWN", "UNKNOWN"]] * 40
    write("t.csv", ["a", "y"], rows)
    train("--epochs", "1", "--batch-size", "10000", "--held-out", "0.001")
    preprocessing = nn.read_metadata("runs/t-1/model.safetensors")["preprocessing"]
    assert preprocessing["classes"] == ["FALSE", "TRUE", "UNKNOWN"]
    assert preprocessing["columns"][0]["categories"] == ["FALSE", "TRUE", "UNKNOWN"]


def test_blank_lines_of_a_file_of_one_column_are_missing_values(capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", ["a", "y"], [[k, k % 2] for k in range(20)])
    train()
    Path("new.csv").write_text("a\n1\n\n3\n\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", "runs/t-1/model.safetensors", "new.csv"]) == 1
    assert "line 3, column 'a': the value is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a,b\n1,2\n3,4\n", [2, 3]),
        ("a,b\r\n1,2\r\n\r\n3,4\r\n\r\n", [2, 3, 4]),
        ("\n\na,b\n1,2\n", [4]),
        ('a,b\n"1\n\n",2\n3,4\n"5\r\n",6\n7,8', [2, 5, 6, 8]),
        ("a,b\r1,2\r3,4\r", [2, 3]),
        ("a\n1\n\n\n2\n\n", [2, 3, 4, 5, 6]),
    ],
    ids=["plain", "blank lines", "blank before", "line ends in quotes", "of an old Mac", "one column"],
)
def test_rows_are_counted_as_the_lines_of_an_editor(text: str, lines: list[int], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert read_csv(tmp_path / "t.csv").lines.tolist() == lines


def test_the_line_of_a_cell_behind_line_ends_in_quotes_is_the_editors(capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", ["note", "b", "y"], [["two\nlines", k, k % 2] for k in range(20)])
    lines = Path("t.csv").read_text(encoding="utf-8").split("\n")
    at = lines.index('lines",7,1\r') if 'lines",7,1\r' in lines else lines.index('lines",7,1')
    lines[at] = lines[at].replace("7", "seven")
    Path("t.csv").write_text("\n".join(lines), encoding="utf-8")
    assert main(["train", "t.csv", "--target", "y", "--quiet"]) == 1
    assert f"line {at}, column 'b': 'seven' is not a finite number" in capsys.readouterr().err
