"""Pictures of a training show the numbers of the history."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from numpy.typing import NDArray

import nn
from autograd.drawing.colours import BLUE, ORANGE
from nn import MLP, Epoch, History, Layer, Neuron, decision_boundary, plot_accuracy, plot_cost, weight_images
from nn.plots import CLASS_COLOURS, misclassified, training_curves

EPOCHS = [Epoch(k, 2.0 / k, 0.5 + 0.1 * k, 3.0 / k, 0.4 + 0.1 * k, 0.1) for k in range(1, 5)]
WITHOUT_VALIDATION = [Epoch(k, 2.0 / k, 0.5 + 0.1 * k, None, None, 0.1) for k in range(1, 5)]
WITHOUT_ACCURACY = [Epoch(k, 2.0 / k, None, 3.0 / k, None, 0.1) for k in range(1, 5)]


def curves(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """Return the numbers of each line on the axes, by its name in the legend."""
    return {
        str(line.get_label()): (np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist())
        for line in axes.get_lines()
    }


def draw(figure: Figure) -> bytes:
    """Render a figure as PNG, since matplotlib raises some errors only then."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def test_the_curves_of_the_cost_carry_the_historys_numbers() -> None:
    axes = plot_cost(History(EPOCHS), Figure().subplots())
    assert curves(axes) == {
        "learned from": ([1, 2, 3, 4], [2.0 / k for k in range(1, 5)]),
        "held out": ([1, 2, 3, 4], [3.0 / k for k in range(1, 5)]),
    }
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == "cost"
    assert axes.get_yscale() == "log"


def test_the_curves_of_the_accuracy_are_in_per_cent() -> None:
    axes = plot_accuracy(History(EPOCHS), Figure().subplots())
    lines = curves(axes)
    assert lines["learned from"][1] == pytest.approx([60.0, 70.0, 80.0, 90.0])
    assert lines["held out"][1] == pytest.approx([50.0, 60.0, 70.0, 80.0])
    assert axes.get_ylabel() == "accuracy (%)"


def test_the_axes_given_are_drawn_on_and_returned() -> None:
    given = Figure().subplots()
    assert plot_cost(History(EPOCHS), given) is given
    assert plot_accuracy(History(EPOCHS), given) is given


def test_what_was_not_measured_has_no_curve() -> None:
    for plot in (plot_cost, plot_accuracy):
        assert set(curves(plot(History(WITHOUT_VALIDATION), Figure().subplots()))) == {"learned from"}


def test_the_two_curves_can_be_told_apart_without_colour() -> None:
    lines = plot_cost(History(EPOCHS), Figure().subplots()).get_lines()
    assert len({line.get_linestyle() for line in lines}) == 2


def test_a_legend_names_the_curves() -> None:
    legend = plot_cost(History(EPOCHS), Figure().subplots()).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["learned from", "held out"]


@pytest.mark.parametrize(
    ("epochs", "labels"),
    [
        (EPOCHS, ["cost", "accuracy (%)"]),
        (WITHOUT_VALIDATION, ["cost", "accuracy (%)"]),
        (WITHOUT_ACCURACY, ["cost"]),
        (EPOCHS[:1], ["cost", "accuracy (%)"]),
    ],
    ids=["all", "without validation", "without accuracy", "one epoch"],
)
def test_a_figure_shows_the_cost_and_the_accuracy_where_there_is_one(epochs: list[Epoch], labels: list[str]) -> None:
    figure = training_curves(History(epochs))
    assert [axes.get_ylabel() for axes in figure.axes] == labels
    draw(figure)


@pytest.mark.parametrize("cost", [0.0, -0.0, math.inf, 1e-100, 1e100])
def test_any_cost_can_be_drawn(cost: float) -> None:
    """Even a cost of 0 and an infinite held-out cost cause neither a warning nor an error."""
    epochs = [Epoch(1, 0.5, 0.5, 0.5, 0.5, 0.1), Epoch(2, 0.25, 0.5, cost, 0.5, 0.1)]
    draw(training_curves(History(epochs)))
    draw(training_curves(History([Epoch(1, min(cost, 1e100), 0.5, cost, 0.5, 0.1)])))


def test_the_picture_is_a_png_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    training_curves(History(EPOCHS)).savefig(path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(path)
    assert pixels.ndim == 3
    assert pixels.std() > 0, "the picture is blank"


# Misclassified images


def images(n: int) -> Any:
    """Return n pictures of 4 pixels, each with different numbers."""
    return np.arange(4.0 * n).reshape(n, 4)


def shown(figure: Figure) -> list[tuple[str, Any]]:
    """Return the title and the pixels of each image on the sheet."""
    return [(axes.get_title(), np.asarray(axes.images[0].get_array())) for axes in figure.axes if axes.images]


def test_the_sheet_shows_what_was_taken_for_something_else_and_nothing_more() -> None:
    figure = misclassified(images(4), ["a", "b", "c", "d"], ["a", "x", "c", "y"], shape=(2, 2))
    titles, pixels = zip(*shown(figure), strict=True)
    assert titles == ("b → x", "d → y")
    assert [array.tolist() for array in pixels] == [[[4.0, 5.0], [6.0, 7.0]], [[12.0, 13.0], [14.0, 15.0]]]
    assert "2 of 4" in figure.get_suptitle()
    draw(figure)


def test_a_sheet_that_would_be_too_long_says_how_many_there_are() -> None:
    figure = misclassified(images(57), [0] * 57, [1] * 57, shape=(2, 2), most=12)
    assert len(shown(figure)) == 12
    assert [array[0, 0] for _, array in shown(figure)] == [4.0 * k for k in range(12)]
    assert "57 of 57" in figure.get_suptitle()
    assert "the first 12" in figure.get_suptitle()
    draw(figure)


def test_a_sheet_without_mistakes_says_so() -> None:
    figure = misclassified(images(3), [0, 1, 2], [0, 1, 2], shape=(2, 2))
    assert shown(figure) == []
    assert "0 of 3" in figure.get_suptitle()
    draw(figure)


@pytest.mark.parametrize("wrong", [1, 9, 10, 11, 40])
def test_there_is_room_for_any_number_of_mistakes(wrong: int) -> None:
    figure = misclassified(images(60), [0] * 60, [1] * wrong + [0] * (60 - wrong), shape=(2, 2))
    assert len(shown(figure)) == wrong


def test_dark_is_what_is_inked() -> None:
    """The largest number is the darkest, like ink on paper."""
    figure = misclassified(images(1), [0], [1], shape=(2, 2))
    picture = figure.axes[0].images[0]
    light, dark = np.asarray(picture.cmap(picture.norm(np.array([0.0, 3.0]))))
    assert light[:3].sum() > dark[:3].sum()


# Decision boundaries

CORNERS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]


def linear(*rows: tuple[float, float, float], activation: Any = "identity") -> Layer:
    """Return a layer of neurons with these weights and biases."""
    layer = Layer(2, len(rows), activation)
    for neuron, (*weights, bias) in zip(layer.neurons, rows, strict=True):
        neuron.bias.data = bias
        for weight, number in zip(neuron.weights, weights, strict=True):
            weight.data = number
    return layer


def contours(axes: Axes, filled: bool) -> list[ContourSet]:
    return [c for c in axes.collections if isinstance(c, ContourSet) and c.filled == filled]


def vertices(contour: ContourSet) -> NDArray[np.float64]:
    return np.concatenate([np.asarray(path.vertices) for path in contour.get_paths()])


@pytest.mark.parametrize(
    ("activation", "targets", "given", "threshold"),
    [
        ("sigmoid", [0, 0, 1, 1], None, 0.5),
        ("sigmoid", [0, 0, 1, 1], 0.6, 0.6),
        ("identity", [-1, -1, 1, 1], None, 0.0),
        ("tanh", [-1, -1, 1, 1], None, 0.0),
        ("identity", [0, 1, 1, 0], 0.25, 0.25),
    ],
)
def test_the_line_is_where_the_output_is_the_threshold(
    activation: Any, targets: list[int], given: float | None, threshold: float
) -> None:
    model = linear((2.0, -1.0, -0.3), activation=activation)
    axes = decision_boundary(model, CORNERS, targets, Figure().subplots(), threshold=given, resolution=40)
    (line,) = contours(axes, filled=False)
    points = vertices(line)
    assert len(points) > 10
    assert nn.predict(model, points)[:, 0] == pytest.approx(threshold, abs=1e-3)
    assert f"output = {threshold:g}" in curves(axes)


def test_the_output_is_blue_above_the_threshold_and_orange_below() -> None:
    axes = decision_boundary(linear((1.0, 0.0, -0.5)), CORNERS, [-1, -1, 1, 1], Figure().subplots(), resolution=10)
    plane: Any = contours(axes, filled=True)[0]
    colours = plane.cmap(plane.norm([-10.0, 0.0, 10.0]))
    assert same_color(colours[0], ORANGE)
    assert colours[1] == pytest.approx(1.0, abs=0.02)
    assert same_color(colours[2], BLUE)
    assert plane.levels == pytest.approx(-plane.levels[::-1])
    assert plane.levels[-1] == pytest.approx(0.6)  # the output at the right edge, ten percent beyond the samples
    draw(axes.figure)  # type: ignore[arg-type]


def test_of_several_outputs_each_class_has_the_region_where_it_is_predicted() -> None:
    model = linear((1.0, 0.5, 0.0), (-1.0, 0.5, 0.9), (0.1, -2.0, 0.8))
    axes = decision_boundary(model, CORNERS, [0, 1, 2, 0], Figure().subplots(), resolution=40)
    chance = np.random.default_rng(0)
    points = chance.uniform(-0.1, 1.1, size=(200, 2))
    outputs = np.sort(nn.predict(model, points), axis=1)
    points = points[outputs[:, -1] - outputs[:, -2] > 0.05]  # not so close to a border that the grid matters
    predicted = nn.predict(model, points).argmax(axis=1)
    regions = contours(axes, filled=True)
    assert len(regions) == len(np.unique(predicted)) == 3
    for k, region in enumerate(regions):
        assert same_color(region.get_facecolor()[0][:3], CLASS_COLOURS[k])  # type: ignore[index]
        inside = [any(path.contains_point(point) for path in region.get_paths()) for point in points]
        assert inside == (predicted == k).tolist()


def test_a_class_that_is_never_predicted_has_no_region() -> None:
    model = linear((1.0, 0.0, 0.0), (-1.0, 0.0, 0.5), (0.0, 0.0, -9.0))
    axes = decision_boundary(model, CORNERS, [0, 1, 2, 2], Figure().subplots(), resolution=10)
    assert len(contours(axes, filled=True)) == 2
    draw(axes.figure)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outputs", "targets", "names"),
    [
        (1, [0, 1, 1, 0], ["target 0", "target 1"]),
        (1, [-1, 1, 1, -1], ["target -1", "target 1"]),
        (1, [1, 1, 1, 1], ["target 1"]),
        (3, [2, 0, 2, 2], ["target 0", "target 2"]),
        (3, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]], ["target 0", "target 1", "target 2"]),
    ],
    ids=str,
)
def test_the_samples_lie_on_top_told_apart_by_colour_and_shape(outputs: int, targets: Any, names: list[str]) -> None:
    given = Figure().subplots()
    model = MLP(2, [outputs], seed=0)
    axes = decision_boundary(model, CORNERS, targets, given, resolution=5)
    assert axes is given
    samples = [c for c in axes.collections if str(c.get_label()).startswith("target")]
    assert [c.get_label() for c in samples] == names
    places = np.concatenate([np.asarray(c.get_offsets()) for c in samples])
    assert sorted(places.tolist()) == CORNERS
    assert all(c.zorder > other.zorder for c in samples for other in contours(axes, filled=True))
    assert len({tuple(np.asarray(c.get_facecolor())[0]) for c in samples}) == len(names)
    assert len({c.get_paths()[0].vertices.tobytes() for c in samples}) == len(names)  # type: ignore[union-attr]
    kinds = np.asarray(targets) if np.ndim(targets) == 1 else np.argmax(targets, axis=1)
    for collection, name in zip(samples, names, strict=True):
        mine = [corner for corner, kind in zip(CORNERS, kinds, strict=True) if f"target {kind}" == name]
        assert np.asarray(collection.get_offsets()).tolist() == mine


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_network_that_says_the_same_everywhere_and_a_single_sample(outputs: int) -> None:
    model = MLP(2, [outputs], initializer=nn.constant(0.0))
    axes = decision_boundary(model, [[0.5, 0.5]], [1], Figure().subplots(), resolution=4)
    assert contours(axes, filled=False) == []
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 1.5), (-0.5, 1.5))
    draw(axes.figure)  # type: ignore[arg-type]


def test_a_plane_needs_two_inputs_and_classes() -> None:
    axes = Figure().subplots()
    with pytest.raises(ValueError, match="two inputs, got samples of 3"):
        decision_boundary(MLP(3, [1]), [[1, 2, 3]], [1], axes)
    with pytest.raises(ValueError, match="are classes"):
        decision_boundary(MLP(2, [1]), CORNERS, [0.1, 0.2, 0.3, 0.4], axes)
    with pytest.raises(ValueError, match="threshold="):
        decision_boundary(linear((1.0, 1.0, 0.0)), CORNERS, [0, 1, 1, 0], axes)
    with pytest.raises(ValueError, match="MLP expects 5 inputs"):
        decision_boundary(MLP(5, [1]), CORNERS, [0, 1, 1, 0], axes)


# Weight images


def tiles(axes: Axes, rows: int, columns: int) -> list[Any]:
    """Return the mosaic's images in the order of their numbers, each cut out below its number."""
    drawn: Any = axes.images[0].get_array()
    mosaic = np.pad(np.ma.filled(drawn, np.nan), 1, constant_values=np.nan)
    images = []
    for j, text in enumerate(axes.texts):
        assert text.get_text() == str(j)
        left, top = (round(coordinate + 0.5) for coordinate in text.get_position())
        framed = mosaic[top : top + rows + 2, left : left + columns + 2]
        images.append(framed[1:-1, 1:-1])
        assert np.isfinite(framed).sum() == rows * columns, "it touches another"
    assert np.isfinite(mosaic).sum() == len(images) * rows * columns, "something else is on the sheet"
    return images


@pytest.mark.parametrize(("inputs", "shape"), [(64, None), (6, (2, 3)), (784, None), (1, None)], ids=str)
@pytest.mark.parametrize("neurons", [1, 2, 7, 30])
def test_each_neurons_weights_are_an_image(inputs: int, shape: Any, neurons: int) -> None:
    model = MLP(inputs, [neurons, 2], seed=0)
    given = Figure().subplots()
    axes = weight_images(model, given, shape=shape)
    assert axes is given
    shown = tiles(axes, *(shape or (math.isqrt(inputs),) * 2))
    assert len(shown) == neurons
    for image, neuron in zip(shown, model.layers[0].neurons, strict=True):
        assert image.ravel().tolist() == [weight.data for weight in neuron.weights]
    assert axes.get_title() == f"the weights of {neurons} neurons"
    draw(axes.figure)  # type: ignore[arg-type]


def test_all_images_have_one_scale_with_white_at_zero() -> None:
    model = MLP(4, [3, 1], seed=0)
    model.layers[0].neurons[1].weights[2].data = -9.0
    drawn = weight_images(model, Figure().subplots()).images[0]
    assert drawn.get_clim() == (-9.0, 9.0)
    low, middle, high = drawn.to_rgba(np.array([-9.0, 0.0, 9.0]))
    assert same_color(low, ORANGE)
    assert middle[:3] == pytest.approx(1.0, abs=0.02)
    assert same_color(high, BLUE)


def test_too_many_neurons_are_counted() -> None:
    axes = weight_images(MLP(16, [50, 1], seed=0), Figure().subplots(), most=12)
    assert len(tiles(axes, 4, 4)) == 12
    assert axes.get_title() == "the weights of the first 12 of 50 neurons"


def test_a_layer_and_a_neuron_have_images_too() -> None:
    model = MLP(4, [9, 2], seed=0)
    (first, second) = tiles(weight_images(model.layers[1], Figure().subplots()), 3, 3)
    assert first.ravel().tolist() == [weight.data for weight in model.layers[1].neurons[0].weights]
    neuron = Neuron(9, initializer=nn.constant(0.0))
    (image,) = tiles(weight_images(neuron, Figure().subplots()), 3, 3)
    assert image.tolist() == np.zeros((3, 3)).tolist()
    assert not np.array_equal(first, second)


def test_what_makes_no_image_is_refused() -> None:
    axes = Figure().subplots()
    with pytest.raises(ValueError, match=r"63 inputs do not form an image of 7 × 7: give shape="):
        weight_images(MLP(63, [2]), axes)
    with pytest.raises(ValueError, match="64 inputs do not form an image of 8 × 9"):
        weight_images(MLP(64, [2]), axes, shape=(8, 9))
    with pytest.raises(ValueError, match="at least 1"):
        weight_images(MLP(64, [2]), axes, most=0)
    with pytest.raises(TypeError, match="expected an MLP, a Layer or a Neuron"):
        weight_images(nn.Module(), axes)  # type: ignore[arg-type]
