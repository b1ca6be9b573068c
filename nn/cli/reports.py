"""The report on a trained network: its results on held-out rows, next to baselines without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.data import Array
from nn.tables import Dataset

MOST_CLASSES = 30  # a larger confusion matrix does not fit on a screen
LONGEST_NAME = 20


def report(dataset: Dataset, wanted: Sequence[Any], predictions: Sequence[Any]) -> str:
    """Return the report as lines of text.

    Args:
        wanted, predictions: the true and the predicted target of each held-out sample, in its own units or class names.
    """
    if dataset.preprocessing.classes is None:
        return _of_numbers(dataset, np.array(wanted), np.array(predictions))
    return _of_classes(dataset, list(wanted), list(predictions))


def _of_numbers(dataset: Dataset, wanted: Array, predictions: Array) -> str:
    error = _root_mean_square(predictions - wanted)
    mean_error = _root_mean_square(dataset.preprocessing.mean - wanted)
    variance = float(np.var(wanted))
    explained = f"R² {1 - error**2 / variance:.3f}, " if variance else ""
    n = len(wanted)
    lines = [
        f"held-out error {error:.4g} (root mean square), {explained}{n:,} row{'s' * (n != 1)}",
        f"baseline: always predicting the training mean, {dataset.preprocessing.mean:.4g}, has error {mean_error:.4g}",
    ]
    if error >= mean_error or (variance and error**2 >= variance):
        lines.append("note: the network is no better than that mean, so it has learned nothing that generalises")
    return "\n".join(lines)


def _root_mean_square(errors: Array) -> float:
    return float(np.sqrt((errors**2).mean()))


def _of_classes(dataset: Dataset, wanted: list[str], predictions: list[str]) -> str:
    classes = dataset.preprocessing.classes or ()
    n = len(wanted)
    right = Counter(w for w, p in zip(wanted, predictions) if w == p)
    total = Counter(wanted)
    accuracy = sum(right.values()) / n
    usual = classes[int(dataset.targets.sum(axis=0).argmax())]
    baseline = total[usual] / n
    lines = [
        f"held-out accuracy {accuracy:.1%} ({sum(right.values())} of {n})",
        f"baseline: always predicting the most frequent class, {usual!r}, has accuracy {baseline:.1%}",
    ]
    if accuracy <= baseline:
        lines.append("note: the network is no better than that, so it has learned nothing that generalises")
    names = [_short(label) for label in classes]
    if len(classes) <= MOST_CLASSES:
        lines += ["", *_confusion(classes, names, wanted, predictions)]
    lines += ["", *_recalls(classes, names, right, total)]
    return "\n".join(lines)


def _confusion(classes: Sequence[str], names: list[str], wanted: list[str], predictions: list[str]) -> list[str]:
    places = {label: k for k, label in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, ([places[w] for w in wanted], [places[p] for p in predictions]), 1)
    width = max(3, *map(len, names), len(str(counts.max())))
    lines = [
        "confusion matrix: rows are true classes, columns are predictions",
        " " * width + "".join(f" {name:>{width}}" for name in names),
    ]
    for name, row in zip(names, counts.tolist()):
        lines.append(f"{name:>{width}}" + "".join(f" {count or '.':>{width}}" for count in row))
    return lines


def _recalls(classes: Sequence[str], names: list[str], right: Counter[str], total: Counter[str]) -> list[str]:
    """Return the recall of each class as lines; of many classes, only the lowest."""
    recalls = [(right[label] / total[label], name, label) for label, name in zip(classes, names) if total[label]]
    heading = "recall: the fraction of each class that was recognised"
    if len(recalls) > MOST_CLASSES:
        recalls = sorted(recalls)[:MOST_CLASSES]
        heading = f"recall: the {MOST_CLASSES} classes with the lowest"
    width = max(3, *(len(name) for _, name, _ in recalls))
    return [heading, *(f"{name:>{width}} {recall:6.1%} ({right[k]} of {total[k]})" for recall, name, k in recalls)]


def _short(name: str) -> str:
    """Return a class's name on one line, cut to `LONGEST_NAME` characters."""
    line = " ".join(name.split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"
