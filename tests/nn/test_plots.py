"""Pictures of a training: what is drawn is what the history says."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nn import Epoch, History
from nn.plots import misclassified, plot_accuracy, plot_cost, training_curves

EPOCHS = [Epoch(k, 2.0 / k, 0.5 + 0.1 * k, 3.0 / k, 0.4 + 0.1 * k, 0.1) for k in range(1, 5)]
WITHOUT_VALIDATION = [Epoch(k, 2.0 / k, 0.5 + 0.1 * k, None, None, 0.1) for k in range(1, 5)]
WITHOUT_ACCURACY = [Epoch(k, 2.0 / k, None, 3.0 / k, None, 0.1) for k in range(1, 5)]


def curves(axes: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """The numbers of each line on the axes, by what the legend calls it."""
    return {
        str(line.get_label()): (np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist())
        for line in axes.get_lines()
    }


def draw(figure: Figure) -> bytes:
    """Draw a figure, which is when matplotlib finds what it cannot draw; gives the PNG."""
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
    found = curves(axes)
    assert found["learned from"][1] == pytest.approx([60.0, 70.0, 80.0, 90.0])
    assert found["held out"][1] == pytest.approx([50.0, 60.0, 70.0, 80.0])
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
    """Nothing left to pay, and a held-out cost that is infinite, among them: neither a warning nor an error."""
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
    """n pictures of 4 pixels, each with numbers of its own."""
    return np.arange(4.0 * n).reshape(n, 4)


def shown(figure: Figure) -> list[tuple[str, Any]]:
    """The title and the pixels of each image on the sheet."""
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
    """As on paper: the largest number is the darkest."""
    figure = misclassified(images(1), [0], [1], shape=(2, 2))
    picture = figure.axes[0].images[0]
    light, dark = np.asarray(picture.cmap(picture.norm(np.array([0.0, 3.0]))))
    assert light[:3].sum() > dark[:3].sum()
