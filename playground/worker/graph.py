"""An interactive graph: its picture, its numbers after a leaf is changed, and groups that open and close."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import autograd
from autograd import Value, topological_order
from autograd.compiler.names import Names, sanitised
from autograd.drawing import detail
from autograd.drawing.drawing import picture
from autograd.drawing.faces import face, line_label
from autograd.drawing.page import MOST_NODES, walk
from autograd.drawing.snapshot import names_of, snapshot

MOST_SLIDERS = 40
PRECISION = 4


class LiveGraph:
    """A copy of the graph of one or more roots, which later steps of the program do not change.

    Args:
        roots: the Values to draw. Gradients are those that the user computed, or if there are none, those of one
            backward pass from the roots.
        names: names of Values without a label, such as their variables.
        seed: the initial gradient of a backward pass.
    """

    def __init__(self, roots: Sequence[Value], names: Mapping[Value, str] | None = None, seed: float = 1.0) -> None:
        order = topological_order(*roots)
        place = {node: i for i, node in enumerate(order)}
        self._parents = [tuple(place[parent] for parent in node.parents) for node in order]
        self._ends = [place[root] for root in roots]
        self._order = [self._copy(node, (names or {}).get(node, "")) for node in order]
        for node, parents in zip(self._order, self._parents):
            node.parents = tuple(self._order[i] for i in parents)
        self._seed = seed
        self._numbers: dict[int, float] = {}
        self._opened: set[str] | None = None  # groups; None until the user opens or closes one
        self.roots = [self._order[i] for i in self._ends]
        self.backward_was_run = any(node.grad for node in order)
        if not self.backward_was_run:
            for root in self.roots:
                root.backward(seed)

    @staticmethod
    def _copy(node: Value, name: str) -> Value:
        copy = type(node)(node.data, node.label or name)
        copy.grad, copy.primitive, copy.local_derivatives = node.grad or 0.0, node.primitive, node.local_derivatives
        return copy

    def recomputed(self, numbers: Mapping[int, float]) -> list[Value]:
        """Recompute the graph with the engine, forward and backward, with other numbers at some leaves.

        Raises:
            ValueError, OverflowError, ZeroDivisionError: if a value is undefined.
        """
        roots = self._replay(numbers)
        for root in roots:
            root.backward(self._seed)
        return roots

    def _replay(self, numbers: Mapping[int, Any]) -> list[Value]:
        fresh: list[Value] = []
        for i, node in enumerate(self._order):
            if node.primitive is not None:
                value = Value.apply(node.primitive, tuple(fresh[k] for k in self._parents[i]))
            else:
                number = numbers.get(i, node.data)
                value = number if isinstance(number, Value) else type(node)(number)
            if not value.label:
                value.label = node.label
            fresh.append(value)
        return [fresh[i] for i in self._ends]

    # Messages

    def picture(self) -> dict[str, Any]:
        """Return the picture as SVG, with the data that makes it interactive: see PROTOCOL.md, "graph"."""
        nodes = snapshot(self.roots)
        names = names_of(nodes)
        if self._opened is None:
            scene = detail.choose(nodes, None, None, ())
            self._opened = {group for box in scene.boxes for group in box.path}
        else:
            scene = detail.choose(nodes, None, 0, self._opened, stacked=True)
        drawing = picture(scene, "LR", PRECISION, True, "embedded", names=names)
        self._scene = scene
        return {
            "svg": drawing.svg,
            "notes": list(drawing.notes),
            "opened": sorted(self._opened),
            "sliders": self._sliders(nodes, names),
            "rows": self._rows(nodes, names),
            "remark": "" if self.backward_was_run else "Gradients are those of one backward pass from the end.",
            "steps": len(self.roots) == 1 and len(nodes) <= MOST_NODES,
        }

    def open(self, group: str) -> dict[str, Any]:
        """Open a closed group, or close an open one and its contents; return the new picture."""
        opened = self._opened or set()
        if group in opened:
            self._opened = {other for other in opened if other != group and not other.startswith(f"{group}.")}
        else:
            paths, _ = detail.group_paths(snapshot(self.roots))
            around = {outer for path in paths if group in path for outer in path[: path.index(group) + 1]}
            self._opened = opened | around
        return self.picture()

    def slide(self, leaf: int, number: float) -> dict[str, Any]:
        """Change a leaf; return the numbers of every box and line, whose positions do not change."""
        self.roots = self.recomputed({**self._numbers, leaf: number})
        self._numbers[leaf] = number
        nodes = snapshot(self.roots)
        names = names_of(nodes)
        scene = self._scene._replace(nodes=nodes)
        faces = [face(scene, k, PRECISION, True, names) for k in range(len(scene.boxes))]
        return {
            "boxes": [{"rows": [text for _, text in face.rows], "tooltip": face.tooltip} for face in faces],
            "lines": [line_label(scene, line, PRECISION) for line in scene.lines],
            "rows": self._rows(nodes, names),
        }

    def steps(self) -> dict[str, Any]:
        """Return both passes step by step: the picture, and the steps in the format of the step-through page."""
        _, passes = walk(self.roots[0], "LR", PRECISION, None, "embedded")
        return passes

    def explain(self, leaf: int) -> dict[str, Any]:
        """Return the chain rule from a leaf to the first root."""
        order = topological_order(*self.roots)
        explanation = autograd.explain(self.roots[0], order[leaf])
        return {"latex": explanation.latex, "text": explanation.text, "value": explanation.value}

    def source(self) -> dict[str, Any]:
        """Return the source of the compiled graph, with inputs as arguments and captured parameters."""
        nodes = snapshot(self.roots)
        names = names_of(nodes)
        inputs = [i for i, node in enumerate(nodes) if node.role == "input"]
        order = topological_order(*self.roots)
        parameters = {i: order[i] for i, node in enumerate(nodes) if node.role == "parameter"}

        def program(*arguments: Value) -> Any:
            roots = self._replay({**parameters, **dict(zip(inputs, arguments))})
            return roots if len(roots) > 1 else roots[0]

        program.__signature__ = signature([names[i].text for i in inputs])  # type: ignore[attr-defined]
        compiled = autograd.compile(program, *(nodes[i].data for i in inputs))
        return {"source": compiled.source}

    # Parts of a picture

    def _sliders(self, nodes: Sequence[Any], names: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the leaves that sliders can change, inputs first."""
        leaves = [i for i, node in enumerate(nodes) if node.role in ("input", "parameter")]
        leaves.sort(key=lambda i: nodes[i].role != "input")
        sliders = []
        for i in leaves[:MOST_SLIDERS]:
            reach = max(2.0, 2 * abs(nodes[i].data))
            box = next(k for k, box in enumerate(self._scene.boxes) if i in box.nodes)
            sliders.append({"leaf": i, "name": names[i].text, "data": nodes[i].data, "reach": reach, "box": box})
        return sliders

    def _rows(self, nodes: Sequence[Any], names: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the graph as a list, for screen readers."""
        return [
            {
                "name": names[i].text,
                "role": node.role,
                "operation": node.op,
                "from": [names[parent].text for parent in node.parents[:20]],
                "data": node.data,
                "grad": node.grad,
            }
            for i, node in enumerate(nodes[-1000:], start=max(0, len(nodes) - 1000))
        ]


def signature(names: Sequence[str]) -> inspect.Signature:
    """Return a signature with these names, converted to identifiers."""
    kind, taken = inspect.Parameter.POSITIONAL_OR_KEYWORD, Names()
    return inspect.Signature([inspect.Parameter(taken.plain(sanitised(name) or "x"), kind) for name in names])


def size_of(roots: Sequence[Value], most: int) -> int:
    """Count the nodes of a graph, up to `most` + 1."""
    seen = set(roots)
    stack = list(seen)
    while stack and len(seen) <= most:
        for parent in stack.pop().parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return len(seen)
