"""Plot the history and results of training on matplotlib axes, which are returned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd.arrays import ArrayLike, NDArray, np
from autograd.drawing.colours import AMBER, BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW
from autograd.reading import numbers_of
from nn.data import Array, as_samples
from nn.sheets.network_sheet import Network, layers_of
from nn.training.evaluation import target_classes, wanted_classes
from nn.training.history import History
from nn.training.prediction import Model, predict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

CLASS_COLOURS = (ORANGE, BLUE, GREEN, PURPLE, YELLOW, SKY, AMBER, BLACK)
CLASS_MARKERS = "osD^vP*"  # one fewer than colours, so that a pair repeats only after 56 classes


def plot_cost(history: History, axes: Axes) -> Axes:
    """Plot the cost of each epoch, on a logarithmic scale.

    >>> import nn
    >>> from matplotlib.figure import Figure
    >>> history = nn.fit(nn.MLP(1, [1], seed=0), [0, 1], [0, 1], epochs=5, progress=False)
    >>> plot_cost(history, Figure().subplots()).get_ylabel()
    'cost'
    """
    return _plot(history, axes, "cost", logarithmic=True)


def plot_accuracy(history: History, axes: Axes) -> Axes:
    """Plot the accuracy of each epoch, in percent."""
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
    """Return a figure of the cost, next to the accuracy if there is one."""
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
    """Return a figure of the misclassified images, each with its class and its prediction.

    Args:
        images: one flat image per row, of `shape` pixels.
        targets, predictions: the true and the predicted class of each image.
        most: the maximum number of images to show; the title has the total.
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


def decision_boundary(
    model: Model,
    inputs: ArrayLike,
    targets: ArrayLike,
    axes: Axes,
    *,
    threshold: float | None = None,
    resolution: int = 80,
) -> Axes:
    """Draw the predictions of a network with two inputs across the plane, and the samples on top.

    A single output is shown by colour, with a line at the threshold. For several outputs, the plane shows the class
    with the largest output, with lines between the classes.

    Args:
        model: as in `predict`, with two inputs.
        inputs, targets: samples and their classes, as in `fit`.
        threshold: as in `accuracy`: a single output above it means class 1.
        resolution: points to compute along each axis. The default takes about a second for 2-16-16-1 neurons; doubling
            it takes four times as long.

    Returns:
        The axes.

    Raises:
        ValueError: if samples do not have two numbers, targets are not classes, or `accuracy` would need a threshold.

    >>> import nn
    >>> from matplotlib.figure import Figure
    >>> xor = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> axes = decision_boundary(nn.MLP(2, [3, 1], seed=0), *xor, Figure().subplots(), resolution=10)
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('input 0', 'input 1')
    """
    samples = as_samples(inputs)
    if samples.shape[1] != 2:
        raise ValueError(f"decision_boundary draws the plane of two inputs, got samples of {samples.shape[1]}")
    wanted, threshold = wanted_classes(model, predict(model, samples), targets, threshold)
    x, y = (_span(column, resolution) for column in samples.T)
    points = np.stack(np.meshgrid(x, y), axis=-1)
    outputs = predict(model, points.reshape(-1, 2)).reshape(resolution, resolution, -1)
    if outputs.shape[2] == 1:
        _fill_by_output(axes, x, y, outputs[:, :, 0], threshold)
    else:
        _fill_by_class(axes, x, y, outputs)
    classes = target_classes(wanted)
    for k in np.unique(classes):
        colour, marker = CLASS_COLOURS[k % len(CLASS_COLOURS)], CLASS_MARKERS[k % len(CLASS_MARKERS)]
        name = f"target {k if wanted.shape[1] > 1 else wanted[classes == k][0, 0]:g}"
        px, py = samples[classes == k].T
        axes.scatter(px, py, s=30, c=colour, marker=marker, edgecolors="white", label=name, zorder=3)
    axes.set(xlabel="input 0", ylabel="input 1", xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.legend(fontsize="small")
    return axes


def _span(column: Array, resolution: int) -> Array:
    """Return points from slightly below the smallest number to slightly above the largest."""
    low, high = float(column.min()), float(column.max())
    margin = 0.1 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, resolution)


def _fill_by_output(axes: Axes, x: Array, y: Array, output: Array, threshold: float) -> None:
    """Fill with white at the threshold, blue above it and orange below, with a line between them."""
    reach = float(abs(output - threshold).max()) or 1.0
    levels = np.linspace(threshold - reach, threshold + reach, 21)
    axes.contourf(x, y, output, levels, cmap=_diverging(), alpha=0.7)
    if output.min() < threshold < output.max():
        axes.contour(x, y, output, [threshold], colors="black", linewidths=1.5)
        axes.plot([], [], color="black", label=f"output = {threshold:g}")


def _fill_by_class(axes: Axes, x: Array, y: Array, outputs: Array) -> None:
    """Fill each class's region with its colour, with lines between the regions."""
    for k in range(outputs.shape[2]):
        lead = outputs[:, :, k] - np.delete(outputs, k, axis=2).max(axis=2)
        if lead.max() > 0:
            colour = CLASS_COLOURS[k % len(CLASS_COLOURS)]
            axes.contourf(x, y, lead, [0.0, lead.max()], colors=[colour], alpha=0.35)
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead, [0.0], colors="black", linewidths=1.0)


def weight_images(model: Network, axes: Axes, *, shape: tuple[int, int] | None = None, most: int = 36) -> Axes:
    """Draw the weights of each first-layer neuron as an image with the shape of the inputs.

    All images share one scale: blue for positive weights, orange for negative ones, white for 0.

    Args:
        model: an MLP, whose first layer is shown, a Layer (such as `model.layers[1]`), or a Neuron.
        shape: rows and columns of an image; by default a square.
        most: the maximum number of neurons to show; the title has the total.

    Returns:
        The axes.

    Raises:
        TypeError: for another type of model.
        ValueError: if the inputs do not fill the shape.

    >>> import nn
    >>> from matplotlib.figure import Figure
    >>> weight_images(nn.MLP(64, [30, 10], seed=0), Figure().subplots(), most=12).get_title()
    'the weights of the first 12 of 30 neurons'
    """
    neurons = layers_of(model)[0]
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    inputs = len(neurons[0].weights)
    rows, columns = (math.isqrt(inputs),) * 2 if shape is None else shape
    if rows * columns != inputs:
        advice = ": give shape=(rows, columns)" if shape is None else ""
        raise ValueError(f"{inputs} inputs do not form an image of {rows} × {columns}{advice}")
    images = [np.array(numbers_of(neuron.weights)).reshape(rows, columns) for neuron in neurons[:most]]
    across, gap = math.ceil(math.sqrt(len(images))), math.ceil(rows / 5)  # a gap above each, for its number
    mosaic = np.full((math.ceil(len(images) / across) * (rows + gap), across * (columns + 1) - 1), np.nan)
    for j, image in enumerate(images):
        top, left = (j // across) * (rows + gap) + gap, (j % across) * (columns + 1)
        mosaic[top : top + rows, left : left + columns] = image
        axes.text(left - 0.5, top - 0.6, str(j), fontsize=7, va="bottom")
    largest = max(float(abs(image).max()) for image in images) or 1.0
    drawn = axes.imshow(
        mosaic, cmap=_diverging().with_extremes(bad="0.88"), vmin=-largest, vmax=largest, interpolation="nearest"
    )
    axes.set_axis_off()
    omission = "" if len(images) == len(neurons) else f"the first {most} of "
    axes.set_title(f"the weights of {omission}{len(neurons)} neurons", fontsize=11)
    axes.figure.colorbar(drawn, ax=axes, label="weight", shrink=0.8)
    return axes


def first_layer(model: Network, shape: tuple[int, int]) -> Figure:
    """Return a figure of the first layer's weights, as images with the shape of the inputs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 7.0), layout="constrained")
    weight_images(model, figure.subplots(), shape=shape)
    return figure


def _diverging() -> Colormap:
    """Return a colormap from orange through white to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("orange-white-blue", [ORANGE, "white", BLUE])
