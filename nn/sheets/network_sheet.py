"""Draw a network as columns of neurons, with a line for every weight."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from itertools import chain, pairwise, product
from typing import NamedTuple

from autograd import Value
from autograd.drawing.text import abbreviate, escape, number, visible
from autograd.reading import number_of
from nn.layers import MLP, Layer, Neuron
from nn.module import Module
from nn.sheets.svg import BOLD, HALO, START, Ends, circle, document, legend, line, sign, text

RADIUS, ROW, MARGIN, TOP = 21.0, 58.0, 100.0, 74.0

Network = MLP | Layer | Neuron


class Sample(NamedTuple):
    """A sample's activations by column, inputs first; targets, cost and gradients if known."""

    activations: list[list[float]]
    targets: list[float]
    cost: str
    gradients: dict[Value, float]


def layers_of(model: Module) -> list[list[Neuron]]:
    """Return the neurons of a network, by layer. Raise TypeError for anything but an MLP, a Layer or a Neuron."""
    if not isinstance(model, (MLP, Layer, Neuron)):
        advice = "; the graph of a Value is drawn by autograd.draw" if isinstance(model, Value) else ""
        raise TypeError(f"expected an MLP, a Layer or a Neuron, got {model!r} of type {type(model).__name__}{advice}")
    if isinstance(model, MLP):
        return [layer.neurons for layer in model.layers]
    return [model.neurons if isinstance(model, Layer) else [model]]


class Column:
    """The layout of a layer's neurons, or of the inputs: `shown` maps each drawn index to its height."""

    x: float
    left_out: int

    def __init__(self, size: int, x: float, tallest: int, most: int) -> None:
        rows = min(size, most)
        heights = [TOP + ROW * (row + (tallest - rows + 1) / 2) for row in range(rows)]
        first = rows if size == rows else rows // 2  # followed by the "more" mark
        self.x, self.left_out = x, size - rows + (size > rows)
        self.shown: dict[int, float] = dict(enumerate(heights[:first]))
        if self.left_out:
            self.gap: float = heights[first]
            self.shown |= zip(range(size - rows + first + 1, size), heights[first + 1 :])


class Sheet:
    """The parts of the picture, as pieces of SVG."""

    layers: list[list[Neuron]]
    sample: Sample
    width: float
    bottom: float

    def __init__(self, model: Network, sample: Sample, lines: str, most: int) -> None:
        self.layers, self.sample = layers_of(model), sample
        self.quantity = "w" if lines == "weights" else "∂C/∂w"
        self.sizes: list[int] = [len(self.layers[0][0].weights), *map(len, self.layers)]
        self.kinds: list[str] = [neurons[0].activation for neurons in self.layers]
        named = ", ".join(f"{size} {kind}" for size, kind in zip(self.sizes[1:], self.kinds))
        self.title: str = f"{type(model).__name__}({self.sizes[0]} inputs -> {named})"
        rows = min(max(self.sizes), most)
        spacing = max(200.0 + 12.0 * rows, 320.0 / len(self.layers))
        self.width, self.bottom = 2 * MARGIN + spacing * len(self.layers), TOP + ROW * rows
        self.columns: list[Column] = [
            Column(size, MARGIN + spacing * i, rows, most) for i, size in enumerate(self.sizes)
        ]
        self.weights: list[tuple[float, Ends, str]] = self._weights()
        self.heaviest: float = max((abs(x) for x, _, _ in self.weights if math.isfinite(x)), default=0.0)

    def svg(self) -> str:
        signs = legend(list(self.signs()), self.bottom + 26)
        caption = textwrap.wrap(self.caption(), int((self.width - 295) / 6.5))
        lines = [
            line(sign(x), min(1.0, abs(x) / (self.heaviest or 1.0)), ends, title) for x, ends, title in self.weights
        ]
        pieces = ['<g class="weights">', *lines, "</g>", '<g class="neurons">', *self.neurons(), "</g>"]
        pieces += [*self.headings(), *signs]
        pieces += [text(275, self.bottom + 30 + 18 * i, words, "grey", START) for i, words in enumerate(caption)]
        height = self.bottom + 30 + 18 * max(len(signs), len(caption))
        return document(self.title, self.width, height, pieces)

    def _weights(self) -> list[tuple[float, Ends, str]]:
        """Return the number, line and tooltip of each weight between the neurons shown, the largest last."""
        lines = []
        for i, (left, right) in enumerate(pairwise(self.columns)):
            for j, k in product(right.shown, left.shown):
                weight = self.layers[i][j].weights[k]
                x = number_of(weight) if self.quantity == "w" else self.sample.gradients.get(weight, 0.0)
                title = self.tooltip(f"w{_raised(i + 1)}[{j}, {k}]", "w", weight)
                lines.append((x, (left.x + RADIUS, left.shown[k], right.x - RADIUS, right.shown[j]), title))
        return sorted(lines, key=lambda weight: (math.isnan(weight[0]), abs(weight[0])))

    def neurons(self) -> Iterator[str]:
        for i, column in enumerate(self.columns):
            for j, y in column.shown.items():
                yield f"<g>{''.join(self.neuron(i, j, column.x, y))}</g>"
            if column.left_out:
                yield text(column.x, column.gap + 5, f"⋮ {column.left_out:,} more", "ink", f'{HALO} font-size="13"')

    def neuron(self, i: int, j: int, x: float, y: float) -> Iterator[str]:
        """Yield a circle with its numbers: neuron j of layer i, or input j if i is 0."""
        activations = self.sample.activations[i] if self.sample.activations else []
        name = f"a{_raised(i)}[{j}]" + (f" = {activations[j]!r}" if activations else "")
        yield self.tooltip(name, "b", self.layers[i - 1][j].bias) if i else f"<title>{name}</title>"
        yield circle(x, y, RADIUS, activations[j] / max(1.0, *map(abs, activations)) if activations else 0.0)
        if activations:
            yield text(x, y + 6, _short(activations[j]), "ink", 'font-size="11" font-weight="600"')
        yield text(x, y - 8 if activations else y + 4.5, str(j), "ink", f'font-size="{8.5 if activations else 12}"')
        if i:
            yield text(x, y + RADIUS + 11.5, self.below(self.layers[i - 1][j].bias), "ink", f'{HALO} font-size="10"')
        if self.sample.targets and i == len(self.layers):
            yield text(x + RADIUS + 8, y + 4, f"y = {_short(self.sample.targets[j])}", "ink", START)

    def below(self, bias: Value) -> str:
        """Return the text below a neuron: its error, or its bias if it has one."""
        if self.sample.cost:
            return f"δ {number(self.sample.gradients.get(bias, 0.0), 3)}"
        return "" if bias.is_constant else f"b {number(number_of(bias), 3)}"

    def tooltip(self, name: str, letter: str, parameter: Value) -> str:
        """Return a tooltip with everything known about a weight or a bias."""
        rows = [name, escape(abbreviate(visible(parameter.label), 80))]
        derivative = "δ" if parameter.is_constant else f"{'δ = ' * (letter == 'b')}∂C/∂{letter}"
        if not parameter.is_constant:
            rows.append(f"{letter} = {number_of(parameter)!r}")
        if self.sample.cost:
            rows.append(f"{derivative} = {self.sample.gradients.get(parameter, 0.0)!r}")
        return f"<title>{chr(10).join(filter(None, rows))}</title>"

    def headings(self) -> Iterator[str]:
        yield text(MARGIN, 28, "input a⁰", "ink", BOLD)
        for i, ((left, right), kind) in enumerate(zip(pairwise(self.columns), self.kinds), start=1):
            z = f"w{_raised(i)}a{_raised(i - 1)}"
            if not self.layers[i - 1][0].bias.is_constant:
                z += f" + b{_raised(i)}"
            function = {"identity": "", "sigmoid": "σ"}.get(kind, kind)
            yield text(right.x, 28, f"layer {i}: {self.sizes[i]:,} {kind}", "ink", BOLD)
            yield text(right.x, 47, f"a{_raised(i)} = " + (f"{function}({z})" if function else z), "grey")
            if self.sample.cost:
                yield text(right.x, 65, f"δ{_raised(i)} = ∂C/∂z{_raised(i)}", "grey")
            yield text((left.x + right.x) / 2, 47, self.quantity + _raised(i), "ink", BOLD)

    def signs(self) -> Iterator[tuple[str, str]]:
        """Yield the legend's signs with their meanings."""
        w, ends = self.quantity, (20.0, 0.0, 52.0, 0.0)
        yield line("positive", 0.6, ends), f"{w} > 0"
        yield line("negative", 0.6, ends), f"{w} < 0"
        yield line("grey", 1.0, ends), f"heaviest: |{w}| = {number(self.heaviest, 3)}"
        activations = list(chain(*self.sample.activations))
        if activations:
            yield circle(36, 0, 7, 1.0), "a > 0, the stronger the larger"
        if any(a < 0 for a in activations):
            yield circle(36, 0, 7, -1.0), "a < 0"

    def caption(self) -> str:
        """Describe the picture and the numbers of inputs, neurons and weights left out."""
        totals, shown = list(self.sizes), [len(column.shown) for column in self.columns]
        names = ["inputs", *(f"neurons of layer {i}" for i in range(1, len(totals))), "weights"]
        for sizes in (totals, shown):
            sizes.append(sum(a * b for a, b in pairwise(sizes)))
        left_out = [f"{n - m:,} of {n:,} {name}" for n, m, name in zip(totals, shown, names) if n > m]
        not_shown = f"Not shown: {', '.join(left_out)}. " if left_out else ""
        biased = not all(neurons[0].bias.is_constant for neurons in self.layers)
        below = "error δ" if self.sample.cost else "bias b" if biased else ""
        numbers = f"Under each neuron stands its {below}; tooltips" if below else "Tooltips"
        return f"{self.sample.cost}{not_shown}{numbers} give all numbers in full."


def _raised(i: int) -> str:
    return str(i).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _short(x: float) -> str:
    """Format a number to fit into a circle."""
    return next((text for digits in (3, 2) if len(text := number(x, digits)) <= 5), number(x, 1))
