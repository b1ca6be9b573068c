"""`step_through`: a page that plays the forward and the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd.drawing import detail, folding
from autograd.drawing.dot import Direction, Engine
from autograd.drawing.drawing import Drawing, check, picture
from autograd.drawing.faces import ALL_DIGITS
from autograd.drawing.folding import State
from autograd.drawing.picture import Picture, asset, html_page, json_script, states_of_picture
from autograd.drawing.scene import Scene, box_of_nodes
from autograd.drawing.snapshot import names_of, snapshot
from autograd.drawing.steps import Passes
from autograd.drawing.text import escape
from autograd.value import Value

HEIGHT = 640  # pixels, inside a notebook
MOST_NODES = 400
MOST_AT_ONCE = 60  # nodes; the groups of a larger network are closed at first


class StepThrough(Picture):
    """A page that plays the two passes over a graph. Notebooks display it as the result of a cell.

    Attributes:
        html: the page, which is self-contained and makes no network requests.
        svg: the graph with all numbers filled in, for viewers that run no scripts.
    """

    html: str

    def __init__(self, svg: str, html: str, steps: int) -> None:
        super().__init__(svg, "backpropagation, step by step")
        self.html, self._steps = html, steps

    def _formats(self) -> dict[str, Callable[[], str]]:
        return {".html": lambda: self.html, ".svg": lambda: self.svg}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return the page in an iframe that covers the picture, which a viewer that removes iframes shows instead."""
        frame = (
            f'<div style="position:relative;min-height:{HEIGHT}px">{self._image()}'
            f'<iframe title="{escape(self.title)}" sandbox="allow-scripts" srcdoc="{escape(self.html)}" '
            'style="position:absolute;inset:0;width:100%;height:100%;border:0;background:#fff"></iframe></div>'
        )
        return {**super()._repr_mimebundle_(), "text/html": frame}

    def __repr__(self) -> str:
        return f"<StepThrough: {self._steps} steps. .save('steps.html') writes the page>"


def step_through(
    root: Value,
    *,
    direction: Direction = "LR",
    precision: int = 4,
    limit: int | None = None,
    engine: Engine = "embedded",
) -> StepThrough:
    """Make a page that steps through the graph of `root`: forward node by node, with formulas; backward edge by edge.

    Buttons, arrow keys and a slider move between steps; a node under the mouse or in focus shows its gradient as a sum
    over its uses. The gradients are those of a fresh backward pass from `root`; the graph is not changed.

    Args:
        root: the Value from which the backward pass starts.
        direction, precision, engine: as in `draw`.
        limit: the most nodes to step through, and a third of the most edges; by default 400. In a network of more than
            60 nodes, groups are then closed at first, and open by clicking.

    Raises:
        TypeError: for anything but a Value.
        ValueError: for a graph above the limit, a stale graph, or an invalid option.
        RuntimeError: if no Graphviz can run.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> step_through(a * b)
    <StepThrough: 6 steps. .save('steps.html') writes the page>
    """
    drawing, passes = walk(root, direction, precision, limit, engine)
    svgs = [scene.pop("svg") for scene in passes["scenes"]]
    before, after = asset("step_through.html").split("{{pictures}}")
    body = before + states_of_picture(svgs) + after + json_script("passes", passes)
    names = ("zoom", "fold", "step_through")
    style, script = ("".join(asset(f"{name}.{kind}") for name in names) for kind in ("css", "js"))
    html = html_page("Backpropagation, step by step", body, style, script)
    return StepThrough(drawing.svg, html, len(passes["steps"]))


def walk(
    root: Value, direction: Direction, precision: int, limit: int | None, engine: Engine
) -> tuple[Drawing, dict[str, Any]]:
    """Return the picture with all numbers filled in, and the data for step_through.js.

    Arguments and errors are those of `step_through`.
    """
    if not isinstance(root, Value):
        raise TypeError(f"step_through expects the root Value of a graph, got {root!r} of type {type(root).__name__}")
    freely = limit is None
    limit = MOST_NODES if limit is None else limit
    check(direction, precision, limit)
    nodes = snapshot([root])
    edges = sum(len(node.parents) for node in nodes)
    if len(nodes) > limit or edges > detail.LINES_A_BOX * limit:
        raise ValueError(
            f"the graph has {len(nodes):,} nodes and {edges:,} edges, too many to step through: use a part of it, such "
            f"as one neuron's activation or a smaller network, draw() it, or raise the limit (it is {limit})"
        )
    if any(node.stale for node in nodes):
        raise ValueError(
            "the graph is stale: numbers that it was computed from have changed since, so its arithmetic is out of "
            "date. Compute it again, then step through it"
        )
    precision = min(precision, ALL_DIGITS)
    names = names_of(nodes)
    every = detail.full_scene(nodes)
    passes = Passes(every, names, precision)
    nodes = [node._replace(grad=gradient) for node, gradient in zip(nodes, passes.gradients)]

    def draw(scene: Scene) -> str:
        return picture(scene, direction, precision, gradients=True, engine=engine, names=names).svg

    every = every._replace(nodes=nodes)
    drawing = picture(every, direction, precision, gradients=True, engine=engine, names=names)
    states = [State(drawing.svg, every, {})]
    if freely and len(nodes) > MOST_AT_ONCE and any(detail.group_paths(nodes)[0]):
        first = detail.choose(nodes, None, None, ())
        states = folding.states(nodes, first, draw(first), draw)
    data = {
        "steps": [step._asdict() for step in passes.steps],
        "uses": [passes.uses[box.nodes[0]] for box in every.boxes],
        "scenes": [{"svg": state.svg, "targets": state.targets, **places(every, state.scene)} for state in states],
    }
    return drawing, data


def places(every: Scene, scene: Scene) -> dict[str, list[int]]:
    """Map the boxes and lines of the full scene to those of another scene; -1 for a line inside a box."""
    box_of = box_of_nodes(scene.boxes)
    line_of = {(line.tail, line.head, line.position): k for k, line in enumerate(scene.lines)}
    lines = []
    for line in every.lines:
        tail, head = (box_of[every.boxes[end].nodes[0]] for end in (line.tail, line.head))
        single = line_of.get((tail, head, line.position))
        lines.append(line_of.get((tail, head, None), -1) if single is None else single)
    return {"boxes": [box_of[box.nodes[0]] for box in every.boxes], "lines": lines}
