"""The two passes over a graph as a list of steps, each with its arithmetic spelled out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from autograd.drawing.detail import group_paths
from autograd.drawing.names import LONGEST, Name
from autograd.drawing.scene import Scene
from autograd.drawing.snapshot import Node
from autograd.drawing.text import MINUS, abbreviate, number, visible

TERMS = 6  # a longer sum shows only its first and last terms
OPERATORS = {"+": "+", "-": "−", "*": "×", "/": "÷", "**": "**"}


class Step(NamedTuple):
    """One step of a pass.

    Attributes:
        phase: "forward" or "backward".
        boxes, lines: the indices of the highlighted boxes and lines.
        changed: pairs of a box and the new value of its data or gradient, formatted.
        formula: the arithmetic.
        total: the running sum that it adds to; "" if there is none.
        words: a sentence that says what happens.
        layer: the outermost group of a network that contains the node being computed or propagated from.
    """

    phase: str
    boxes: tuple[int, ...]
    lines: tuple[int, ...]
    changed: tuple[tuple[int, str], ...]
    formula: str
    total: str
    words: str
    layer: str = ""


class Passes:
    """The steps of the forward and the backward pass over a whole graph with one root, its last node.

    Attributes:
        steps: the forward steps, then the backward steps.
        gradients: for each node, the derivative of the root with respect to it.
        uses: for each node, its gradient as a sum over its uses, in symbols and numbers.
    """

    def __init__(self, scene: Scene, names: Sequence[Name], precision: int) -> None:
        self._nodes, self._names, self._precision = scene.nodes, [name.text for name in names], precision
        self._box = {box.nodes[0]: k for k, box in enumerate(scene.boxes)}
        self._line = {(scene.boxes[line.head].nodes[0], line.position): k for k, line in enumerate(scene.lines)}
        self._layers = [_layer(path) for path in group_paths(scene.nodes)[0]]
        self.steps: list[Step] = [self._forward(i, node) for i, node in enumerate(self._nodes)]
        self.gradients: list[float] = [0.0] * len(self._nodes)
        self._terms: list[list[tuple[str, str]]] = [[] for _ in self._nodes]
        self._backward()
        self.uses: list[str] = [self._sum_over_uses(i) for i in range(len(self._nodes))]

    def _print(self, x: float) -> str:
        return number(x, self._precision)

    def _before_a_dot(self, i: int) -> str:
        """Return the name of a node for use before `.grad`: a number is put in parentheses."""
        node = self._nodes[i]
        return f"({self._names[i]})" if node.role == "constant" and not node.label else self._names[i]

    def _forward(self, i: int, node: Node) -> Step:
        name, data = self._names[i], self._print(node.data)
        if not node.parents:
            kind = {"constant": "a constant", "parameter": "a parameter"}.get(node.role, "an input")
            formula = f"{name} = {data}" if node.role != "constant" or node.label else data
            return Step("forward", (self._box[i],), (), ((self._box[i], data),), formula, "", f"{name} is {kind}.")
        symbols = expression(node, [self._names[p] for p in node.parents])
        numbers = expression(node, [self._print(self._nodes[p].data) for p in node.parents])
        middle = f" = {numbers}" if numbers != symbols else ""
        used = list(dict.fromkeys(self._names[p] for p in node.parents))
        some = used if len(used) <= TERMS else [*used[:3], f"{len(used) - 3} more"]
        return Step(
            "forward",
            (self._box[i],),
            tuple(self._line[i, position] for position in range(len(node.parents))),
            ((self._box[i], data),),
            f"{name} = {symbols}{middle} = {data}",
            "",
            f"{name} is computed from {_listed(some)}.",
            self._layers[i],
        )

    def _backward(self) -> None:
        """Run the sweep of `Value.backward` from a gradient of 1, recording each addition as a step."""
        last = len(self._nodes) - 1
        name = self._names[last]
        self.gradients[last] = 1.0
        self._taken = {last}
        seed = f"{name}.grad = ∂{name}/∂{name} = 1.0"
        start = "The backward pass starts at the end: the derivative of a number with respect to itself is 1."
        self.steps.append(Step("backward", (self._box[last],), (), ((self._box[last], "1.0"),), seed, "", start))
        waiting = Counter(parent for node in self._nodes for parent in node.parents)
        for child in range(last, -1, -1):
            node = self._nodes[child]
            for position, (parent, derivative) in enumerate(zip(node.parents, node.local_derivatives or ())):
                waiting[parent] -= 1
                self.steps.append(self._along(child, position, parent, derivative, waiting[parent] == 0))

    def _along(self, child: int, position: int, parent: int, derivative: float, is_last: bool) -> Step:
        """Apply the chain rule along one edge."""
        before, gradient = self.gradients[parent], self.gradients[child]
        taken = child in self._taken and self._nodes[child].takes(position)
        if taken:
            self._taken.add(parent)
        term = derivative * gradient if taken else 0.0
        after = self.gradients[parent] = before + term
        name, child_name = self._before_a_dot(parent), self._names[child]
        to_constant = self._nodes[parent].role == "constant"
        partial = f"∂{child_name}/∂{name}"
        product = f"{self._print(derivative)} × {self._print(gradient)}"
        self._terms[parent].append((f"{partial} × {child_name}.grad", product))
        if to_constant:
            words = f"{name} is a constant: this gradient is not used."
        else:
            words = f"The gradient of {child_name} flows back to {name}."
            if is_last:
                words += f" That was the last use of {name}, so its gradient is complete."
        return Step(
            "backward",
            (self._box[parent],) if is_last else (),
            (self._line[child, position],),
            ((self._box[parent], self._print(after)),),
            f"{name}.grad += {partial} × {child_name}.grad = {product} = {self._print(term)}",
            f"{name}.grad = {self._print(before)} + {self._print(term)} = {self._print(after)}",
            words,
            self._layers[child],
        )

    def _sum_over_uses(self, i: int) -> str:
        name, gradient = self._before_a_dot(i), self._print(self.gradients[i])
        terms = self._terms[i]
        if not terms:
            return f"{name}.grad = {gradient}: the end of the graph, where the backward pass starts"
        symbols, numbers = (_sum([term[k] for term in terms]) for k in (0, 1))
        uses = "1 use" if len(terms) == 1 else f"{len(terms)} uses"
        return f"{name}.grad = {symbols} = {numbers} = {gradient} ({uses})"


def _layer(path: Sequence[str]) -> str:
    """Return the outermost group in a path that is an element of a list."""
    return visible(next((group for group in path if group.rpartition(".")[2].isdecimal()), ""))


def expression(node: Node, operands: Sequence[str]) -> str:
    """Write the operation of a node on its operands as a formula.

    A sum of many terms shows only the first and the last ones.
    """
    op = node.op
    if op == "dot":
        n = len(operands) // 2
        return _sum([*(f"{x} × {y}" for x, y in zip(operands[:n], operands[n:-1])), operands[-1]])
    if op == "sum":
        return _sum(operands)
    if op == "**" or (op == "-" and len(operands) == 1):  # a negative operand needs parentheses: −2² is −4
        operands = [f"({operands[0]})" if operands[0].startswith(MINUS) else operands[0], *operands[1:]]
    if len(operands) == 2 and op in OPERATORS:
        return f"{operands[0]} {OPERATORS[op]} {operands[1]}"
    if len(operands) == 1 and op == "-":
        return f"−{operands[0]}"
    return f"{abbreviate(visible(op), LONGEST)}({', '.join(_shortened(operands))})"


def _sum(terms: Sequence[str]) -> str:
    return " + ".join(_shortened(terms))


def _shortened(terms: Sequence[str]) -> Sequence[str]:
    if len(terms) <= TERMS:
        return terms
    return [*terms[: TERMS - 2], f"… {len(terms) - TERMS + 1} more …", terms[-1]]


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
