"""The report on a trained network: its results on held-out rows, beside baselines without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.data import Array
from nn.tables import Dataset

MOST_CLASSES = 30  # in a matrix that fits on a screen
LONGEST_NAME = 20


def report(dataset: Dataset, wanted: Sequence[Any], predictions: Sequence[Any]) -> str:
    """The figures of merit, in lines to print.

    Args:
        wanted, predictions: of each held-out sample, in the target's own units or names.
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
        f"always predicting the mean of the rows learned from, {dataset.preprocessing.mean:.4g}, has {mean_error:.4g}",
    ]
    if error >= mean_error or (variance and error**2 >= variance):
        lines.append("note: the network is no better than that mean, so it has found nothing that holds for other rows")
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
    by_naming_it = total[usual] / n
    lines = [
        f"held-out accuracy {accuracy:.1%} ({sum(right.values())} of {n})",
        f"always naming the most frequent class, {usual!r}, has {by_naming_it:.1%}",
    ]
    if accuracy <= by_naming_it:
        lines.append("note: the network is no better than that, so it has found nothing that holds for other rows")
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
    lines = ["confusion: rows are, columns taken for", " " * width + "".join(f" {name:>{width}}" for name in names)]
    for name, row in zip(names, counts.tolist()):
        lines.append(f"{name:>{width}}" + "".join(f" {count or '.':>{width}}" for count in row))
    return lines


def _recalls(classes: Sequence[str], names: list[str], right: Counter[str], total: Counter[str]) -> list[str]:
    """Write which part of each class was recognised; of many classes the lowest alone."""
    recalls = [(right[label] / total[label], name, label) for label, name in zip(classes, names) if total[label]]
    heading = "recall: of each class, the part that was recognised"
    if len(recalls) > MOST_CLASSES:
        recalls = sorted(recalls)[:MOST_CLASSES]
        heading = f"recall: the {MOST_CLASSES} classes of which the smallest part was recognised"
    width = max(3, *(len(name) for _, name, _ in recalls))
    return [heading, *(f"{name:>{width}} {recall:6.1%} ({right[k]} of {total[k]})" for recall, name, k in recalls)]


def _short(name: str) -> str:
    """A class's name as one word of a table: on one line, and not too long."""
    line = " ".join(name.split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"
