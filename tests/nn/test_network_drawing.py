"""The picture of a network shows the network's numbers, and drawing does not change the network."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import nn
from autograd import Value, no_grad
from autograd.drawing.picture import Picture
from nn import MLP, Layer, Neuron, draw

SVG = "{http://www.w3.org/2000/svg}"
BLUE, ORANGE = "#0072b2", "#d55e00"
XOR_INPUT = [1.0, 0.5]
HOSTILE = [
    "<script>alert(1)</script>",
    '"];',
    "'\"><svg onload=alert(1)>",
    "\\N",
    "{|}",
    "-->",
    "]]>",
    "</title></svg>",
    "a\nb\tc",
    "x" * 10_000,
    "שלום \u202e",
    "🧠",
    "\x00\x1b\x7f",
    "\ud800",
    "\uffff",
    "&lt;&#0;",
]


class Seen:
    """The visible parts of the SVG."""

    def __init__(self, picture: Picture) -> None:
        self.root = ElementTree.fromstring(picture.svg)
        groups = {group.get("class"): group for group in self.root.iter(f"{SVG}g")}
        self.lines = groups["weights"].findall(f"{SVG}line")
        self.circles = list(groups["neurons"].iter(f"{SVG}circle"))
        self.texts = ["".join(text.itertext()) for text in self.root.iter(f"{SVG}text")]
        self.caption = " ".join(self.texts)
        titles = [title_of(group) for group in groups["neurons"].findall(f"{SVG}g")]
        self.neurons = dict(zip([re.split(" |\n", title)[0] for title in titles], titles, strict=True))
        self.weights = {title_of(line).partition("\n")[0]: line for line in self.lines}


def title_of(element: ElementTree.Element) -> str:
    title = element.find(f"{SVG}title")
    assert title is not None
    return title.text or ""


def in_title(title: str, quantity: str) -> float:
    """Return the number after `quantity =` in a tooltip."""
    match = re.search(rf"(?:^|[\n ]){re.escape(quantity)} = (\S+)$", title, re.MULTILINE)
    assert match is not None, (quantity, title)
    return float(match[1])


def weights_of(model: MLP | Layer | Neuron) -> dict[str, Value]:
    """Return each weight by its name in textbooks, such as w¹[j, k]."""
    layers = model.layers if isinstance(model, MLP) else [model]
    return {
        f"w{'⁰¹²³⁴⁵⁶⁷⁸⁹'[i]}[{j}, {k}]": weight
        for i, layer in enumerate(layers, start=1)
        for j, neuron in enumerate(layer.neurons if isinstance(layer, Layer) else [layer])
        for k, weight in enumerate(neuron.weights)
    }


def spread(model: nn.Module) -> None:
    """Give every parameter's `grad` and every bias numbers that are not zero."""
    chance = random.Random(0)
    for name, parameter in model.named_parameters():
        parameter.grad = chance.gauss(0, 1)
        if name.endswith("bias"):
            parameter.data = chance.gauss(0, 1)


def bits(model: nn.Module) -> list[tuple[str, str, str, str]]:
    return [(n, p.data.hex(), p.grad.hex(), p.label) for n, p in model.named_parameters()]


MODELS: dict[str, tuple[Callable[[], Any], list[int]]] = {
    "small": (lambda: MLP(2, [3, 1], seed=0), [2, 3, 1]),
    "deep": (lambda: MLP(4, [3, 5, 2], "tanh", "identity", seed=1), [4, 3, 5, 2]),
    "elementary": (lambda: MLP(3, [2, 2], "softplus", seed=2, elementary=True), [3, 2, 2]),
    "layer": (lambda: Layer(3, 4, "relu", seed=3), [3, 4]),
    "neuron": (lambda: Neuron(5, seed=4), [5, 1]),
}


@pytest.fixture(params=MODELS)
def model_and_sizes(request: pytest.FixtureRequest) -> tuple[Any, list[int]]:
    make, sizes = MODELS[request.param]
    model = make()
    spread(model)
    return model, sizes


def sample_of(sizes: list[int]) -> tuple[list[float], list[float]]:
    chance = random.Random(1)
    return [chance.gauss(0, 1) for _ in range(sizes[0])], [chance.random() for _ in range(sizes[-1])]


# Contents


def test_a_circle_for_each_neuron_and_input_and_a_line_for_each_weight(model_and_sizes: tuple[Any, list[int]]) -> None:
    model, sizes = model_and_sizes
    inputs, targets = sample_of(sizes)
    for picture in (draw(model), draw(model, inputs), draw(model, inputs, targets)):
        seen = Seen(picture)
        assert len(seen.circles) == len(seen.neurons) == sum(sizes)
        assert len(seen.lines) == sum(a * b for a, b in itertools.pairwise(sizes))
        assert set(seen.weights) == set(weights_of(model))
        assert "Not shown" not in seen.caption


def test_every_line_joins_the_two_neurons_that_its_tooltip_names() -> None:
    seen = Seen(draw(MLP(4, [3, 5, 2], seed=1)))
    heights = {name: circle.get("cy") for name, circle in zip(seen.neurons, seen.circles, strict=True)}
    for name, line in seen.weights.items():
        layer, j, k = re.fullmatch(r"w(.)\[(\d+), (\d+)\]", name).groups()  # type: ignore[union-attr]
        before = "⁰¹²³"["⁰¹²³".index(layer) - 1]
        assert (line.get("y1"), line.get("y2")) == (heights[f"a{before}[{k}]"], heights[f"a{layer}[{j}]"])


@pytest.mark.parametrize("most", [3, 4, 7, 11, 30, 64])
def test_shown_and_not_shown_add_up(most: int) -> None:
    sizes = [64, 30, 10]
    seen = Seen(draw(MLP(64, [30, 10], seed=0), most=most))
    names = ["inputs", "neurons of layer 1", "neurons of layer 2"]
    for raised, size, name in zip("⁰¹²", sizes, names, strict=True):
        shown = [int(match[1]) for n in seen.neurons if (match := re.fullmatch(rf"a{raised}\[(\d+)\]", n))]
        left_out = re.search(rf"(\d+) of {size} {name}", seen.caption)
        more = size - len(shown)
        assert (int(left_out[1]) if left_out else 0) == more
        assert len(shown) + (more > 0) <= most
        assert more != 1, "the sign for one neuron takes the place of that neuron"
        assert {0, size - 1} <= set(shown)
        first = next((i for i, j in enumerate(shown) if i != j), size)
        assert shown == [*range(first), *range(first + more, size)] or more == 0
        assert (f"⋮ {more} more" in seen.texts) == (more > 0)
    left_out = re.search(r"([\d,]+) of 2,220 weights", seen.caption)
    assert len(seen.lines) + (int(left_out[1].replace(",", "")) if left_out else 0) == 2220


def test_the_headings_speak_the_texts_notation() -> None:
    texts = Seen(draw(MLP(64, [30, 10], "tanh", seed=0), [0.5] * 64, 3)).texts
    for heading in ("input a⁰", "layer 1: 30 tanh", "layer 2: 10 sigmoid", "w¹", "w²", "δ¹ = ∂C/∂z¹", "δ² = ∂C/∂z²"):
        assert heading in texts
    assert "a¹ = tanh(w¹a⁰ + b¹)" in texts
    assert "a² = σ(w²a¹ + b²)" in texts


# Lines


@pytest.mark.parametrize("lines", ["weights", "gradients"])
def test_lines_are_as_heavy_as_what_they_show_the_strongest_on_top(lines: Any) -> None:
    model = MLP(4, [6, 3], seed=0)
    seen = Seen(draw(model, [1.0, -2.0, 0.0, 0.5], [0, 1, 0], lines=lines))
    sizes = [abs(in_title(title_of(line), "w" if lines == "weights" else "∂C/∂w")) for line in seen.lines]
    widths = [float(line.get("stroke-width", "")) for line in seen.lines]
    assert sizes == sorted(sizes)
    assert widths == sorted(widths)
    assert widths[-1] > 5 * widths[0]
    heaviest = max(sizes)
    for size, width in zip(sizes, widths, strict=True):
        assert (width - 0.6) / 4.9 == pytest.approx(size / heaviest, abs=1e-4)


@pytest.mark.parametrize("lines", ["weights", "gradients"])
def test_colour_and_dashes_tell_the_sign(lines: Any) -> None:
    model = MLP(3, [4, 2], seed=0)
    model.layers[0].neurons[0].weights[0].data = 0.0
    seen = Seen(draw(model, [0.0, 1.0, -1.0], [0, 1], lines=lines))
    titles = set()
    for line in seen.lines:
        number = in_title(title_of(line), "w" if lines == "weights" else "∂C/∂w")
        titles.add(math.copysign(1, number) if number else 0)
        assert (line.get("stroke") == BLUE) == (number > 0)
        assert (line.get("stroke") == ORANGE) == (number < 0)
        assert ("stroke-dasharray" in line.attrib) == (number < 0)
    assert titles == {-1, 0, 1}


# Numbers


def test_tooltips_hold_the_parameters_in_full(model_and_sizes: tuple[Any, list[int]]) -> None:
    model, _ = model_and_sizes
    seen = Seen(draw(model))
    for name, weight in weights_of(model).items():
        assert f"w = {weight.data!r}" in title_of(seen.weights[name]).splitlines()
    biases = [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]
    titles = [title for name, title in seen.neurons.items() if not name.startswith("a⁰")]
    assert [in_title(title, "b") for title in titles] == [bias.data for bias in biases]


def test_activations_are_the_networks_own(model_and_sizes: tuple[Any, list[int]]) -> None:
    model, sizes = model_and_sizes
    inputs, _ = sample_of(sizes)
    seen = Seen(draw(model, inputs))
    activations = [inputs]
    for layer in model.layers if isinstance(model, MLP) else [model]:
        activations.append(nn.predict(layer, [activations[-1]])[0].tolist())
    expected = {f"a{'⁰¹²³⁴'[i]}[{j}]": a for i, column in enumerate(activations) for j, a in enumerate(column)}
    assert {name: in_title(title, name) for name, title in seen.neurons.items()} == expected


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("loss", [None, nn.mean_squared_error], ids=["default", "given"])
def test_gradients_are_those_of_backward(kind: str, loss: Any) -> None:
    make, sizes = MODELS[kind]
    model, twin = make(), make()
    spread(model)
    spread(twin)
    inputs, targets = sample_of(sizes)
    seen = Seen(draw(model, inputs, targets, loss))
    twin.zero_grad()
    cost = (loss or nn.half_squared_error)(twin(inputs), targets)
    cost.backward()
    assert f"= {cost.data!r}." in seen.caption
    assert {n: in_title(title_of(line), "∂C/∂w") for n, line in seen.weights.items()} == {
        n: w.grad for n, w in weights_of(twin).items()
    }
    deltas = [in_title(title, "δ = ∂C/∂b") for name, title in seen.neurons.items() if not name.startswith("a⁰")]
    assert deltas == [p.grad for name, p in twin.named_parameters() if name.endswith("bias")]


def test_a_label_is_a_target_as_in_fit() -> None:
    model = MLP(2, [4, 3], "tanh", "identity", seed=0)
    assert draw(model, XOR_INPUT, 2, nn.cross_entropy).svg == draw(model, XOR_INPUT, [0, 0, 1], nn.cross_entropy).svg
    assert Seen(draw(model, XOR_INPUT, 2, nn.cross_entropy)).texts.count("y = 1.0") == 1


def test_a_penalty_on_the_parameters_is_in_the_gradients() -> None:
    model = MLP(2, [2, 1], seed=0)

    def penalized(outputs: Any, targets: Any) -> Value:
        return nn.half_squared_error(outputs, targets) + sum(w * w for w in model.parameters())

    seen = Seen(draw(model, XOR_INPUT, 1.0, penalized))
    penalized(model(XOR_INPUT), 1.0).backward()
    for name, weight in weights_of(model).items():
        assert in_title(title_of(seen.weights[name]), "∂C/∂w") == weight.grad


def test_circles_are_filled_as_strongly_as_their_activations() -> None:
    inputs = [0.0, 1.0, -3.0, 2.0, -0.5]
    circles = Seen(draw(Neuron(5, seed=0), inputs)).circles[:5]
    shades = [float(circle.get("fill-opacity", "")) for circle in circles]
    assert shades == pytest.approx([0.55 * abs(a) / 3 for a in inputs], abs=1e-3)
    assert [circle.get("fill") == ORANGE for circle in circles] == [a < 0 for a in inputs]


# The network stays as it is


@pytest.mark.parametrize("recording", [True, False], ids=["recording", "in no_grad"])
def test_nothing_changes(model_and_sizes: tuple[Any, list[int]], recording: bool) -> None:
    model, sizes = model_and_sizes
    numbers, targets = sample_of(sizes)
    squares = [Value(x) for x in numbers]
    inputs = [x * 1.0 for x in squares]
    temperature = Value(2.0)
    for node in (*squares, *inputs, temperature):
        node.grad = 7.0

    def loss(outputs: Any, targets: Any) -> Value:
        return nn.half_squared_error(outputs, targets) * temperature

    before, outputs = bits(model), nn.predict(model, [numbers]).tobytes()
    expected = draw(model, numbers, targets, loss).svg
    if recording:
        assert draw(model, inputs, targets, loss).svg == expected
    else:
        with no_grad():
            assert draw(model, inputs, targets, loss).svg == expected
    assert bits(model) == before
    assert nn.predict(model, [numbers]).tobytes() == outputs
    assert [node.grad for node in (*squares, *inputs, temperature)] == [7.0] * (2 * len(numbers) + 1)


def test_the_same_from_run_to_run(run_python: Callable[..., str]) -> None:
    source = "import nn; print(nn.draw(nn.MLP(20, [12, 3], seed=0), [0.1] * 20, 1).svg)"
    one, other = (run_python(source, PYTHONHASHSEED=seed, PYTHONIOENCODING="utf-8") for seed in "12")
    assert one == other
    assert "lucidgrad-network" in one


def test_it_takes_neither_matplotlib_nor_graphviz(run_python: Callable[..., str]) -> None:
    source = (
        "import sys, nn; nn.draw(nn.MLP(2, [3, 1]), [1, 2], 1); print({'matplotlib', 'graphviz'} & set(sys.modules))"
    )
    assert run_python(source).strip() == "set()"


# The sheet


@pytest.mark.parametrize("sizes", [[1, 1], [2, 3, 1], [64, 30, 10], [1, 12, 1], [3, 3, 3, 3, 3, 3]], ids=str)
def test_nothing_is_cut_off_and_no_two_circles_touch(sizes: list[int]) -> None:
    seen = Seen(draw(MLP(sizes[0], sizes[1:], seed=0), [0.5] * sizes[0], [0.5] * sizes[-1]))
    width, height = (float(seen.root.get(name, "")) for name in ("width", "height"))
    assert seen.root.get("viewBox") == f"0 0 {width:g} {height:g}"
    places = [[float(circle.get(name, "")) for name in ("cx", "cy", "r")] for circle in seen.circles]
    for x, y, r in places:
        assert r < x < width - r
        assert r < y < height - r
    for (x1, y1, r), (x2, y2, _) in itertools.combinations(places, 2):
        assert math.hypot(x1 - x2, y1 - y2) > 2 * r
    for text in seen.root.findall(f"{SVG}text"):
        assert 0 < float(text.get("x", "")) < width
        assert 0 < float(text.get("y", "")) < height


def test_it_brings_its_paper_and_its_colours_for_dark_pages() -> None:
    picture = draw(MLP(2, [3, 1], seed=0), XOR_INPUT, 1.0)
    seen = Seen(picture)
    paper = seen.root.find(f"{SVG}rect")
    assert paper is not None
    assert (paper.get("width"), paper.get("height")) == (seen.root.get("width"), seen.root.get("height"))
    style = seen.root.findtext(f"{SVG}style") or ""
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", style.replace("@media (prefers-color-scheme:dark){", ""))
    assert rules
    assert all(rule.startswith(".lucidgrad-network") for rule in rules), "styles leak into the page around an SVG"
    drawn = " ".join(element.get("class", "") for element in seen.root.iter()).split()
    named = set(re.findall(r"\.lucidgrad-network \.([\w-]+)", style))
    assert {"paper", "ink", "positive-line", "negative-line"} <= named & set(drawn)
    assert "var(" not in style
    assert not any("id" in element.attrib for element in seen.root.iter())


def test_it_can_be_saved(tmp_path: Path) -> None:
    picture = draw(MLP(2, [3, 1], seed=0))
    picture.save(tmp_path / "network.svg")
    assert (tmp_path / "network.svg").read_text(encoding="utf-8") == picture.svg
    assert "MLP(2 inputs -> 3 sigmoid, 1 sigmoid)" in repr(picture)


# Unusual and invalid inputs


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_labels_are_text_and_nothing_else(label: str) -> None:
    model = MLP(2, [2, 1], seed=0)
    plain = Seen(draw(model, XOR_INPUT, 1.0))
    for parameter in model.parameters():
        parameter.label = label

    def loss(outputs: Any, targets: Any) -> Value:
        return nn.half_squared_error(outputs, targets)

    loss.__name__ = label
    picture = draw(model, XOR_INPUT, 1.0, loss)
    picture.svg.encode("utf-8")
    seen = Seen(picture)
    assert [element.tag for element in seen.root.iter() if element.tag != f"{SVG}text"] == [
        element.tag for element in plain.root.iter() if element.tag != f"{SVG}text"
    ]
    rows = title_of(seen.lines[0]).splitlines()
    assert len(rows) == 4
    assert len(rows[1]) < 200
    if label.isprintable() and len(label) < 80:
        assert rows[1] == label


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 0.0, 1e308, 5e-324])
def test_any_number_can_be_drawn(number: float) -> None:
    model = MLP(2, [2, 1], output_activation="identity", seed=0)
    model.layers[1].neurons[0].weights[0].data = number
    model.layers[1].neurons[0].bias.data = number
    seen = Seen(draw(model, XOR_INPUT))
    assert f"w = {number!r}" in title_of(seen.weights["w²[0, 0]"])
    for element in (*seen.lines, *seen.circles):
        for name in ("stroke-width", "stroke-opacity", "fill-opacity"):
            assert 0 <= float(element.get(name, "0")) <= 5.5


def test_an_infinite_weight_leaves_the_others_their_sizes() -> None:
    model = MLP(2, [2, 1], seed=0)
    model.layers[1].neurons[0].weights[0].data = math.inf
    seen = Seen(draw(model))
    widths = {name: float(line.get("stroke-width", "")) for name, line in seen.weights.items()}
    assert widths.pop("w²[0, 0]") == max(widths.values()) == 5.5
    assert len(set(widths.values())) == 5


def test_a_network_of_zeros_can_be_drawn() -> None:
    seen = Seen(draw(MLP(2, [2, 1], initializer=nn.constant(0.0)), [0.0, 0.0]))
    assert {line.get("stroke-width") for line in seen.lines} == {"0.6000"}


@pytest.mark.parametrize(
    "thing", [None, 3, "MLP", [1, 2], lambda x: x, nn.Module(), MLP], ids=lambda thing: type(thing).__name__
)
def test_other_things_are_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="expected an MLP, a Layer or a Neuron, got"):
        draw(thing, [1.0])


def test_inputs_that_do_not_fit_raise_what_the_model_raises() -> None:
    with pytest.raises(ValueError, match="MLP expects 2 inputs, got 3"):
        draw(MLP(2, [3, 1]), [1, 2, 3])
    with pytest.raises(ValueError, match="Layer expects 2 inputs, got 1"):
        draw(Layer(2, 3), [1])
    with pytest.raises(TypeError, match="Neuron expects a sequence of 2 numbers"):
        draw(Neuron(2), 5)
    with pytest.raises(TypeError, match="expected a real number"):
        draw(MLP(2, [3, 1]), ["a", "b"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"inputs": [1, 2], "targets": [1, 0, 0]}, "targets must have shape"),
        ({"inputs": [1, 2], "targets": math.nan}, "finite"),
        ({"targets": 1}, "give its inputs too"),
        ({"inputs": [1, 2], "loss": nn.hinge}, "need targets"),
        ({"inputs": [1, 2], "lines": "gradients"}, "need targets"),
        ({"lines": "biases"}, "'weights' or 'gradients'"),
        ({"most": 2}, "at least 3"),
        ({"most": 4.5}, "integer"),
        ({"most": True}, "integer"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, dict) else given,
)
def test_settings_that_do_not_fit_are_refused(arguments: dict[str, Any], words: str) -> None:
    model = MLP(2, [3, 1], seed=0)
    spread(model)
    before = bits(model)
    with pytest.raises(ValueError, match=words):
        draw(model, **arguments)
    assert bits(model) == before


def test_a_loss_that_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="the loss must be a Value"):
        draw(MLP(2, [1], seed=0), [1, 2], 1, lambda outputs, targets: 0.0)
