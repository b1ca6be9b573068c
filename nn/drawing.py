"""A network as the texts on backpropagation draw it: columns of neurons, and a line for every weight."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from itertools import chain, pairwise, product
from typing import Literal, NamedTuple

from autograd import Value, no_grad, topological_order
from autograd.arrays import ArrayLike, np
from autograd.drawing.picture import Picture
from autograd.drawing.text import abbreviate, escape, number, visible
from autograd.reading import number_of
from autograd.recording import resumed
from nn.data import as_targets
from nn.evaluation import output_numbers
from nn.layers import MLP, Inputs, Layer, Neuron
from nn.losses import Loss, half_squared_error

# On light and on dark paper; blue and orange are those of Okabe and Ito, which colour-blind readers can tell apart.
COLOURS = {
    "positive": ("#0072b2", "#56b4e9"),
    "negative": ("#d55e00", "#e69f00"),
    "paper": ("#ffffff", "#14171c"),
    "ink": ("#1f2328", "#e8eaed"),
    "grey": ("#57606a", "#a5adb8"),
}
DARK = ".lucidgrad-network [paint-order]{stroke:#14171c}" + "".join(
    f".lucidgrad-network .{name}{{fill:{dark}}}.lucidgrad-network .{name}-line{{stroke:{dark}}}"
    for name, (_, dark) in COLOURS.items()
)
STYLE = f".lucidgrad-network{{max-width:100%;height:auto}}@media (prefers-color-scheme:dark){{{DARK}}}"
RADIUS, ROW, MARGIN, TOP = 21.0, 58.0, 100.0, 74.0
START, BOLD = 'text-anchor="start"', 'font-size="13.5" font-weight="600"'
HALO = 'stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'

Network = MLP | Layer | Neuron
Ends = tuple[float, float, float, float]


def draw(
    model: Network,
    inputs: Inputs | None = None,
    targets: ArrayLike | None = None,
    loss: Loss | None = None,
    *,
    lines: Literal["weights", "gradients"] = "weights",
    most: int = 11,
) -> Picture:
    """A picture of a network: columns of neurons, with a line for each weight between them.

    A line is blue where the weight is positive, orange and dashed where it is negative, and as heavy as the weight is
    large; the strongest lie on top. Under each neuron stands its bias b. Given a sample, neurons are filled with their
    activations a; given its targets too, the error δ = ∂C/∂z, which is ∂C/∂b, stands in the place of the bias.
    Tooltips hold all numbers in full. Nothing of the model is changed, its gradients included.

    Args:
        inputs, targets: one sample and, as in `fit`, a row of numbers, one number, or a label for several outputs.
        loss: of `(outputs, targets)`; `half_squared_error` if not given.
        lines: what they show: the "weights" w, or their "gradients" ∂C/∂w.
        most: the places in a column, at least 3. A column with more neurons shows its first and its last, and in the
            place between them how many more there are; the caption says what is not shown.

    Raises:
        TypeError: for a model of another kind. Inputs that do not fit raise what the model raises for them.
        ValueError: for targets that do not fit or come without inputs, and a loss or gradients without targets.

    >>> from nn import MLP
    >>> "⋮ 54 more" in draw(MLP(64, [30, 10], seed=0), [0.5] * 64, 3).svg
    True
    """
    layers_of(model)  # refuses what is no network
    if lines not in ("weights", "gradients"):
        raise ValueError(f"lines must be 'weights' or 'gradients', got {lines!r}")
    if isinstance(most, bool) or not hasattr(most, "__index__") or most < 3:
        raise ValueError(f"most must be an integer of at least 3, got {most!r}")
    if targets is None and (loss is not None or lines == "gradients"):
        raise ValueError("a loss and its gradients need targets to compare the outputs with: give inputs and targets")
    if inputs is None and targets is not None:
        raise ValueError("targets are of one sample: give its inputs too")
    sheet = _Sheet(model, _evaluate(model, inputs, targets, loss or half_squared_error), lines, most)
    return Picture(sheet.svg(), sheet.title)


class _Sample(NamedTuple):
    """What a sample makes of a network: activations by column, inputs first; targets, cost and gradients if known."""

    activations: list[list[float]]
    targets: list[float]
    cost: str
    gradients: dict[Value, float]


def _evaluate(model: Network, inputs: Inputs | None, targets: ArrayLike | None, loss: Loss) -> _Sample:
    if inputs is None:
        return _Sample([], [], "", {})
    with resumed():  # even where the caller is in a no_grad
        outputs = model(inputs)  # which refuses what does not fit
        activations = [output_numbers(inputs)]
        with no_grad():
            for neurons in layers_of(model):
                activations.append([neuron(activations[-1]).data for neuron in neurons])
        if targets is None:
            return _Sample(activations, [], "", {})
        wanted: list[float] = as_targets(np.asarray(targets)[None], 1, len(activations[-1]))[0].tolist()
        cost = loss(outputs, wanted if len(wanted) > 1 else wanted[0])
    if not isinstance(cost, Value):
        raise TypeError(f"the loss must be a Value computed from the outputs, got {cost!r}")
    name = abbreviate(visible(getattr(loss, "__name__", "loss")), 40)
    return _Sample(activations, wanted, f"C = {name} = {cost.data!r}. ", _gradients(cost))


def _gradients(cost: Value) -> dict[Value, float]:
    """∂C/∂v for each node that the cost depends on, from a sweep that leaves every `grad` as it was."""
    order = topological_order(cost)
    before = [node.grad for node in order]
    try:
        for node in order:
            node.grad = 0.0
        cost.backward()
        return {node: node.grad for node in order}
    finally:
        for node, grad in zip(order, before):
            node.grad = grad


def layers_of(model: Network) -> list[list[Neuron]]:
    """The neurons of a network, layer by layer. Raises TypeError for anything but an MLP, a Layer or a Neuron."""
    if not isinstance(model, (MLP, Layer, Neuron)):
        advice = "; the graph of a Value is drawn by autograd.draw" if isinstance(model, Value) else ""
        raise TypeError(f"expected an MLP, a Layer or a Neuron, got {model!r} of type {type(model).__name__}{advice}")
    if isinstance(model, MLP):
        return [layer.neurons for layer in model.layers]
    return [model.neurons if isinstance(model, Layer) else [model]]


class _Column:
    """Where the neurons of a layer stand, or the inputs: `shown` gives the height of each that is drawn."""

    def __init__(self, size: int, x: float, tallest: int, most: int) -> None:
        rows = min(size, most)
        heights = [TOP + ROW * (row + (tallest - rows + 1) / 2) for row in range(rows)]
        first = rows if size == rows else rows // 2  # then comes the place that stands for the rest
        self.x, self.left_out = x, size - rows + (size > rows)
        self.shown = dict(enumerate(heights[:first]))
        if self.left_out:
            self.gap = heights[first]
            self.shown |= zip(range(size - rows + first + 1, size), heights[first + 1 :])


class _Sheet:
    """The parts of the picture, as pieces of SVG."""

    def __init__(self, model: Network, sample: _Sample, lines: str, most: int) -> None:
        self.layers, self.sample = layers_of(model), sample
        self.quantity = "w" if lines == "weights" else "∂C/∂w"
        self.sizes = [len(self.layers[0][0].weights), *map(len, self.layers)]
        self.kinds = [neurons[0].activation for neurons in self.layers]
        named = ", ".join(f"{size} {kind}" for size, kind in zip(self.sizes[1:], self.kinds))
        self.title = f"{type(model).__name__}({self.sizes[0]} inputs -> {named})"
        rows = min(max(self.sizes), most)
        spacing = max(200.0 + 12.0 * rows, 320.0 / len(self.layers))
        self.width, self.bottom = 2 * MARGIN + spacing * len(self.layers), TOP + ROW * rows
        self.columns = [_Column(size, MARGIN + spacing * i, rows, most) for i, size in enumerate(self.sizes)]
        self.weights = self._weights()
        self.heaviest = max((abs(x) for x, _, _ in self.weights if math.isfinite(x)), default=0.0)

    def svg(self) -> str:
        legend = list(self.legend())
        caption = textwrap.wrap(self.caption(), int((self.width - 295) / 6.5))
        lines = [
            _line(_sign(x), min(1.0, abs(x) / (self.heaviest or 1.0)), ends, title) for x, ends, title in self.weights
        ]
        pieces = [*lines, "</g>", '<g class="neurons">', *self.neurons(), "</g>", *self.headings(), *legend]
        pieces += [_text(275, self.bottom + 30 + 18 * i, line, "grey", START) for i, line in enumerate(caption)]
        height = self.bottom + 30 + 18 * max(len(legend), len(caption))
        size = f'width="{self.width:g}" height="{height:g}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="lucidgrad-network" {size} viewBox="0 0 {self.width:g} '
            f'{height:g}" role="img" aria-label="{escape(self.title)}" text-anchor="middle" font-size="12" '
            "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n"
            f'<style>{STYLE}</style>\n<rect {size} class="paper" fill="{COLOURS["paper"][0]}"/>\n<g class="weights">\n'
            + "\n".join([*pieces, "</svg>\n"])
        )

    def _weights(self) -> list[tuple[float, Ends, str]]:
        """The number, the line and the tooltip of each weight between neurons that are shown, the strongest last."""
        found = []
        for i, (left, right) in enumerate(pairwise(self.columns)):
            for j, k in product(right.shown, left.shown):
                weight = self.layers[i][j].weights[k]
                x = number_of(weight) if self.quantity == "w" else self.sample.gradients.get(weight, 0.0)
                title = self.tooltip(f"w{_raised(i + 1)}[{j}, {k}]", "w", weight)
                found.append((x, (left.x + RADIUS, left.shown[k], right.x - RADIUS, right.shown[j]), title))
        return sorted(found, key=lambda line: (math.isnan(line[0]), abs(line[0])))

    def neurons(self) -> Iterator[str]:
        for i, column in enumerate(self.columns):
            for j, y in column.shown.items():
                yield f"<g>{''.join(self.neuron(i, j, column.x, y))}</g>"
            if column.left_out:
                yield _text(column.x, column.gap + 5, f"⋮ {column.left_out:,} more", "ink", f'{HALO} font-size="13"')

    def neuron(self, i: int, j: int, x: float, y: float) -> Iterator[str]:
        """One circle with its numbers: neuron j of layer i, or input j where i is 0."""
        activations = self.sample.activations[i] if self.sample.activations else []
        name = f"a{_raised(i)}[{j}]" + (f" = {activations[j]!r}" if activations else "")
        yield self.tooltip(name, "b", self.layers[i - 1][j].bias) if i else f"<title>{name}</title>"
        yield _circle(x, y, RADIUS, activations[j] / max(1.0, *map(abs, activations)) if activations else 0.0)
        if activations:
            yield _text(x, y + 6, _short(activations[j]), "ink", 'font-size="11" font-weight="600"')
        yield _text(x, y - 8 if activations else y + 4.5, str(j), "ink", f'font-size="{8.5 if activations else 12}"')
        if i:
            bias = self.layers[i - 1][j].bias
            delta = number(self.sample.gradients.get(bias, 0.0), 3)
            below = f"δ {delta}" if self.sample.cost else f"b {number(number_of(bias), 3)}"
            yield _text(x, y + RADIUS + 11.5, below, "ink", f'{HALO} font-size="10"')
        if self.sample.targets and i == len(self.layers):
            yield _text(x + RADIUS + 8, y + 4, f"y = {_short(self.sample.targets[j])}", "ink", START)

    def tooltip(self, name: str, letter: str, parameter: Value) -> str:
        """All that is known of a weight or a bias."""
        rows = [name, escape(abbreviate(visible(parameter.label), 80)), f"{letter} = {number_of(parameter)!r}"]
        if self.sample.cost:
            gradient = self.sample.gradients.get(parameter, 0.0)
            rows.append(f"{'δ = ' * (letter == 'b')}∂C/∂{letter} = {gradient!r}")
        return f"<title>{chr(10).join(filter(None, rows))}</title>"

    def headings(self) -> Iterator[str]:
        yield _text(MARGIN, 28, "input a⁰", "ink", BOLD)
        for i, ((left, right), kind) in enumerate(zip(pairwise(self.columns), self.kinds), start=1):
            z = f"w{_raised(i)}a{_raised(i - 1)} + b{_raised(i)}"
            function = {"identity": "", "sigmoid": "σ"}.get(kind, kind)
            yield _text(right.x, 28, f"layer {i}: {self.sizes[i]:,} {kind}", "ink", BOLD)
            yield _text(right.x, 47, f"a{_raised(i)} = " + (f"{function}({z})" if function else z), "grey")
            if self.sample.cost:
                yield _text(right.x, 65, f"δ{_raised(i)} = ∂C/∂z{_raised(i)}", "grey")
            yield _text((left.x + right.x) / 2, 47, self.quantity + _raised(i), "ink", BOLD)

    def legend(self) -> Iterator[str]:
        w, ends = self.quantity, (20.0, 0.0, 52.0, 0.0)
        signs = [(_line("positive", 0.6, ends), f"{w} > 0"), (_line("negative", 0.6, ends), f"{w} < 0")]
        signs.append((_line("grey", 1.0, ends), f"heaviest: |{w}| = {number(self.heaviest, 3)}"))
        activations = list(chain(*self.sample.activations))
        if activations:
            signs.append((_circle(36, 0, 7, 1.0), "a > 0, the stronger the larger"))
        if any(a < 0 for a in activations):
            signs.append((_circle(36, 0, 7, -1.0), "a < 0"))
        for i, (sign, text) in enumerate(signs):
            place = f"translate(0 {self.bottom + 26 + 18 * i:g})"
            yield f'<g class="legend" transform="{place}">{sign}{_text(60, 4, text, "ink", START)}</g>'

    def caption(self) -> str:
        """What is not shown, counted, and what stands where."""
        whole, shown = list(self.sizes), [len(column.shown) for column in self.columns]
        names = ["inputs", *(f"neurons of layer {i}" for i in range(1, len(whole))), "weights"]
        for sizes in (whole, shown):
            sizes.append(sum(a * b for a, b in pairwise(sizes)))
        left_out = [f"{n - m:,} of {n:,} {name}" for n, m, name in zip(whole, shown, names) if n > m]
        not_shown = f"Not shown: {', '.join(left_out)}. " if left_out else ""
        below = "error δ" if self.sample.cost else "bias b"
        return f"{self.sample.cost}{not_shown}Under each neuron stands its {below}; tooltips give all numbers in full."


def _raised(i: int) -> str:
    return str(i).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _short(x: float) -> str:
    """A number that fits into a circle."""
    return next((text for digits in (3, 2) if len(text := number(x, digits)) <= 5), number(x, 1))


def _sign(x: float) -> str:
    return "positive" if x > 0 else "negative" if x < 0 else "grey"


def _line(name: str, strength: float, ends: Ends, title: str = "") -> str:
    x1, y1, x2, y2 = ends
    dashes = ' stroke-dasharray="7 4"' if name == "negative" else ""  # for readers in black and white
    return (
        f'<line class="{name}-line" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{COLOURS[name][0]}" '
        f'stroke-width="{0.6 + 4.9 * strength:.4f}" stroke-opacity="{0.3 + 0.7 * strength:.3f}"{dashes}>{title}</line>'
    )


def _circle(x: float, y: float, radius: float, activation: float) -> str:
    """A circle filled as strongly as the activation says, of which 1 is the full scale."""
    name = _sign(activation)
    return (
        f'<circle class="{name} grey-line" cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{COLOURS[name][0]}" '
        f'fill-opacity="{0.55 * min(1.0, abs(activation)):.3f}" stroke="{COLOURS["grey"][0]}" stroke-width="1.3"/>'
    )


def _text(x: float, y: float, text: str, name: str = "ink", attributes: str = "") -> str:
    return f'<text class="{name}" x="{x:g}" y="{y:g}" fill="{COLOURS[name][0]}" {attributes}>{escape(text)}</text>'
