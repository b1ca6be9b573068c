"""The main job, as a user starts it: real handwritten digits, learned with the scalar engine."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

import nn


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder and the output of one full training, started outside the checkout."""
    folder = tmp_path_factory.mktemp("main_job")
    done = subprocess.run(
        [Path(sys.executable).with_name("lucidgrad"), "train", "digits"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return folder / "runs" / "digits-1", done.stdout


def test_held_out_accuracy_is_at_least_95_percent(run: tuple[Path, str]) -> None:
    """The printed accuracy is that of the saved model, counted here on scikit-learn's own split."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    folder, output = run
    digits = load_digits()
    _, images, _, labels = train_test_split(
        digits.data, digits.target, test_size=0.2, stratify=digits.target, random_state=0
    )
    right = int((nn.predict(nn.load(folder / "model.safetensors"), images / 16).argmax(axis=1) == labels).sum())
    assert right / len(labels) >= 0.95
    assert f"({right} of {len(labels)})" in output


def test_confusion_matrix_counts_every_held_out_image(run: tuple[Path, str]) -> None:
    rows = re.findall(r"^ +\d((?: +(?:\d+|\.)){10})$", run[1], re.MULTILINE)
    counts = np.array([[0 if cell == "." else int(cell) for cell in row.split()] for row in rows[-10:]])
    assert counts.shape == (10, 10)
    assert counts.sum() == 360
    assert f"({np.trace(counts)} of 360)" in run[1]


def test_files_of_the_run(run: tuple[Path, str]) -> None:
    folder, output = run
    assert str(Path("runs") / "digits-1") in output
    names = {"model.safetensors", "history.csv", "network.svg", "neuron.html"}
    pictures = {"curves.png", "misclassified.png", "weights.png"}
    assert {path.name for path in folder.iterdir()} == names | pictures
    for picture in pictures:
        assert (folder / picture).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert fromstring((folder / "network.svg").read_text(encoding="utf-8")).tag.endswith("svg")
    page = (folder / "neuron.html").read_text(encoding="utf-8")
    passes = json.loads(page.partition('id="passes">')[2].partition("</script>")[0])
    assert len(passes["uses"]) == 63  # 30 weights, 30 inputs, the bias, z and a
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        epochs = list(csv.DictReader(file))
    assert len(epochs) == 30
    assert float(epochs[-1]["cost"]) < 0.2 * float(epochs[0]["cost"])
