"""Pictures of a training, each drawn on matplotlib axes, which are returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nn.data import Array
from nn.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072b2", "#d55e00"  # told apart by colour-blind readers too (Okabe and Ito)


def plot_cost(history: History, axes: Axes) -> Axes:
    """The cost of each epoch, on a logarithmic scale."""
    return _plot(history, axes, "cost", logarithmic=True)


def plot_accuracy(history: History, axes: Axes) -> Axes:
    """The accuracy of each epoch, in per cent."""
    return _plot(history, axes, "accuracy", scale=100.0, unit=" (%)")


def _plot(
    history: History, axes: Axes, quantity: str, scale: float = 1.0, unit: str = "", logarithmic: bool = False
) -> Axes:
    epochs = [epoch.epoch for epoch in history]
    curves = ((quantity, "learned from", BLUE, "-"), (f"validation_{quantity}", "held out", ORANGE, "--"))
    for attribute, label, colour, style in curves:
        numbers = [getattr(epoch, attribute) for epoch in history]
        if None not in numbers:
            axes.plot(epochs, [scale * n for n in numbers], style, color=colour, label=label, linewidth=1.8)
    if logarithmic and any(getattr(epoch, quantity) > 0 for epoch in history):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(lambda x, position: f"{x:g}" if f"{x:.0e}"[0] in "25" else "")
    axes.set_xlabel("epoch")
    axes.set_ylabel(quantity + unit)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return axes


def training_curves(history: History) -> Figure:
    """A figure of the cost, and beside it the accuracy where there is one."""
    from matplotlib.figure import Figure

    with_accuracy = history[0].accuracy is not None
    figure = Figure(figsize=(9.0 if with_accuracy else 4.5, 3.4), layout="constrained")
    axes = figure.subplots(1, 2 if with_accuracy else 1, squeeze=False)[0]
    plot_cost(history, axes[0])
    if with_accuracy:
        plot_accuracy(history, axes[1])
    return figure


def misclassified(
    images: Array, targets: Sequence[Any], predictions: Sequence[Any], shape: tuple[int, int] = (8, 8), most: int = 40
) -> Figure:
    """A sheet of the images that were taken for something else, each with what it is and what it was taken for.

    Args:
        images: one flat image a row, of `shape` pixels.
        targets, predictions: what each is, and was taken for.
        most: how many to show at most; the title says how many there are.
    """
    from matplotlib.figure import Figure

    wrong: NDArray[np.int64] = np.flatnonzero(np.asarray(targets) != np.asarray(predictions))
    shown = wrong[:most]
    rows = max(1, -(-len(shown) // 10))
    figure = Figure(figsize=(9.0, 0.55 + 1.15 * rows), layout="constrained")
    count = f"{len(wrong)} of {len(images)} images" + (f", the first {most}" if most < len(wrong) else "")
    figure.suptitle(f"Taken for something else: {count} (what it is → what it was taken for)", fontsize=11)
    for axes in figure.subplots(rows, 10, squeeze=False).flat:
        axes.set_axis_off()
    for i, axes in zip(shown, figure.axes):
        axes.imshow(images[i].reshape(shape), cmap="gray_r", interpolation="nearest")
        axes.set_title(f"{targets[i]} → {predictions[i]}", fontsize=9)
    return figure
