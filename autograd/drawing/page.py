"""`step_through`: a page that plays the forward and the backward pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd.drawing import detail
from autograd.drawing.dot import Direction, Engine
from autograd.drawing.drawing import check, picture
from autograd.drawing.faces import ALL_DIGITS
from autograd.drawing.picture import Picture, html_page
from autograd.drawing.snapshot import names_of, snapshot
from autograd.drawing.steps import Passes
from autograd.drawing.text import escape
from autograd.value import Value

HEIGHT = 640  # pixels of the page inside a notebook


class StepThrough(Picture):
    """A page that plays the two passes over a graph. Returned from a notebook's cell, it shows itself.

    Attributes:
        html: the page, which needs no other file and lets nothing in or out.
        svg: the graph with all numbers filled in, for viewers that run no scripts.
    """

    def __init__(self, svg: str, html: str, steps: int) -> None:
        super().__init__(svg, "backpropagation, step by step")
        self.html, self._steps = html, steps

    def _formats(self) -> dict[str, Callable[[], str]]:
        return {".html": lambda: self.html, ".svg": lambda: self.svg}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """The page in a frame of its own; where a viewer takes frames out, the picture that it covers is seen."""
        frame = (
            f'<div style="position:relative;min-height:{HEIGHT}px">{self._image()}'
            f'<iframe title="{escape(self.title)}" sandbox="allow-scripts" srcdoc="{escape(self.html)}" '
            'style="position:absolute;inset:0;width:100%;height:100%;border:0;background:#fff"></iframe></div>'
        )
        return {**super()._repr_mimebundle_(), "text/html": frame}

    def __repr__(self) -> str:
        return f"<StepThrough: {self._steps} steps. .save('steps.html') writes the page>"


def step_through(
    root: Value, *, direction: Direction = "LR", precision: int = 4, limit: int = 400, engine: Engine = "embedded"
) -> StepThrough:
    """A page that walks through the graph of `root`: forwards, each node with its formula; backwards, edge by edge.

    Buttons, arrow keys and a slider move; a node that is pointed at, or tabbed to, shows its whole gradient as a sum
    over its uses. The gradients are those of a fresh backward pass that starts from `root`; the graph stays as it is.

    Args:
        root: the Value at whose gradient the backward pass starts.
        direction, precision, engine: as in `draw`.
        limit: the most nodes to walk through, and a third of the most edges.

    Raises:
        TypeError: for anything but a Value.
        ValueError: for a graph beyond the limit, one whose numbers no longer hold, or a setting that does not exist.
        RuntimeError: where no Graphviz can run.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> step_through(a * b)
    <StepThrough: 6 steps. .save('steps.html') writes the page>
    """
    if not isinstance(root, Value):
        raise TypeError(f"step_through walks through the graph of a Value, got {root!r} of type {type(root).__name__}")
    check(direction, precision, limit)
    nodes = snapshot([root])
    edges = sum(len(node.parents) for node in nodes)
    if len(nodes) > limit or edges > detail.LINES_A_BOX * limit:
        raise ValueError(
            f"the graph has {len(nodes):,} nodes and {edges:,} edges, more than a person steps through: take a part of "
            f"it, such as one neuron's activation or a smaller network, draw() it, or raise the limit (it is {limit})"
        )
    if any(node.stale for node in nodes):
        raise ValueError(
            "the graph is stale: numbers that it was computed from have changed since, so its arithmetic does not hold "
            "any more. Compute it again, then step through it"
        )
    precision = min(precision, ALL_DIGITS)
    names = names_of(nodes)
    passes = Passes(detail.whole(nodes), names, precision)
    scene = detail.whole([node._replace(grad=gradient) for node, gradient in zip(nodes, passes.gradients)])
    drawing = picture(scene, direction, precision, gradients=True, engine=engine, names=names)
    data = {
        "steps": [step._asdict() for step in passes.steps],
        "uses": [passes.uses[box.nodes[0]] for box in scene.boxes],
    }
    before, between, after = re.split(r"\{\{(?:svg|passes)\}\}", _asset("step_through.html"))
    body = f"{before}{drawing.svg}{between}{_json(data)}{after}"
    html = html_page("Backpropagation, step by step", body, _asset("step_through.css"), _asset("step_through.js"))
    return StepThrough(drawing.svg, html, len(passes.steps))


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it looks like the element's end."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
