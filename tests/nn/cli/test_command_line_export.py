"""`lucidgrad export`: onnxruntime gives for a table's rows what `lucidgrad predict` writes."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn.__main__ import main

onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install '.[onnx]'")

Row = dict[str, str]


def rows_of(count: int, seed: int, unseen: bool = False) -> list[Row]:
    """Return a table with all kinds of columns and with gaps, and a number and a class to predict."""
    chance = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        size, colour = chance.normal(50, 10), chance.choice(["red", "blue", "green", "NA"])
        day = datetime.date(2020, 1, 1) + datetime.timedelta(days=int(chance.integers(0, 900)))
        fits = chance.choice(["TRUE", "false"])
        share = chance.uniform(0, 100)
        cost = size * (2 if colour == "red" else 1) + (10 if fits == "TRUE" else 0) + share / 10
        rows.append(
            {
                "size": "" if chance.uniform() < 0.1 else f"{size:.3f}",
                "colour": "violet" if unseen and chance.uniform() < 0.2 else str(colour),
                "day": day.isoformat(),
                "fits": str(fits),
                "share": f"{share:.1f}%",
                "cost": f"{cost:.3f}",
                "kind": "dear" if cost > 80 else "cheap",
            }
        )
    return rows


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_inputs(rows: list[Row], names: list[str]) -> dict[str, Any]:
    """Convert cells to what the model's inputs say that they take."""

    def number(name: str, cell: str) -> float:
        if name == "day":
            return float((datetime.date.fromisoformat(cell) - datetime.date(1970, 1, 1)).days)
        if name == "fits":
            return float(cell.lower() == "true")
        return float(cell.rstrip("%")) if cell else np.nan

    columns: dict[str, Any] = {}
    for name in names:
        cells = [row[name] for row in rows]
        columns[name] = (
            np.array(cells, dtype=object) if name == "colour" else np.array([number(name, x) for x in cells])
        )
    return columns


@pytest.mark.parametrize(("target", "missing"), [("kind", "median"), ("cost", "mode"), ("kind", "drop")])
def test_raw_rows_go_in_and_predictions_come_out(
    target: str, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    other = {"kind": "cost", "cost": "kind"}[target]
    table = [{k: v for k, v in row.items() if k != other} for row in rows_of(120, 0)]
    options = ["--target", target, "--missing", missing, "--epochs", "2", "--hidden", "4", "--quiet"]
    assert main(["train", str(write(tmp_path / "table.csv", table)), *options]) == 0
    rows = rows_of(40, 1, unseen=True)
    assert main(["predict", "runs/table-1/model.safetensors", str(write(tmp_path / "new.csv", rows)), "--quiet"]) == 0
    with (tmp_path / "predictions.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    capsys.readouterr()
    for flags, tolerance in (([], 1e-9), (["--float32"], 1e-4)):
        assert main(["export", "runs/table-1/model.safetensors", "out.onnx", *flags]) == 0
        session = onnxruntime.InferenceSession("out.onnx", providers=["CPUExecutionProvider"])
        names = [x.name for x in session.get_inputs()]
        assert names == ["size", "colour", "day", "fits", "share"]
        predictions, *outputs = session.run(None, as_inputs(rows, names))
        given = [row["prediction"] for row in expected]
        if target == "cost":
            assert predictions == pytest.approx(np.array(given, dtype=float), rel=tolerance)
            continue
        used = [k for k, text in enumerate(given) if text]
        assert predictions.tolist() == given
        numbers = [[float(expected[k][f"output {name}"]) for name in ("cheap", "dear")] for k in used]
        assert outputs[0][used] == pytest.approx(np.array(numbers), rel=tolerance)
    said = capsys.readouterr().out
    assert "input 'share': percentages, 12 for 12 %" in said
    assert "wrote out.onnx" in said


def test_what_cannot_be_exported_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"no model")
    assert main(["export", str(path), str(tmp_path / "out.onnx")]) == 1
    assert main(["export", str(path), str(path)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "is not a readable safetensors file" in first
    assert "so it cannot be the output" in second
    assert path.read_bytes() == b"no model"
