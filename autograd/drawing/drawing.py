"""`draw`: show a graph as a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from autograd.drawing import detail, dot, folding
from autograd.drawing.dot import Direction, Engine
from autograd.drawing.faces import ALL_DIGITS, face, line_label
from autograd.drawing.folding import State
from autograd.drawing.names import Name
from autograd.drawing.picture import Picture, asset, html_page, json_script, states_of_picture
from autograd.drawing.scene import Scene
from autograd.drawing.snapshot import snapshot
from autograd.drawing.svg import svg
from autograd.drawing.text import abbreviate, visible

SCREEN = 1200, 800  # pixels
FOLDABLE_FROM = 20  # nodes; groups of a smaller graph need not open and close


class Drawing(Picture):
    """A picture of a computation graph. Notebooks display it as the result of a cell.

    Attributes:
        svg: the picture as SVG.
        source: the picture in DOT, for Graphviz.
        notes: sentences on what the picture shows, and what it only counts.
    """

    source: str
    notes: tuple[str, ...]

    def __init__(
        self, svg: str, source: str, notes: tuple[str, ...], states: Callable[[], list[State]] | None = None
    ) -> None:
        super().__init__(svg, "computation graph")
        self.source, self.notes, self._states = source, notes, states

    def _formats(self) -> dict[str, Callable[[], str]]:
        return {**super()._formats(), ".dot": lambda: self.source}

    def _page(self) -> str:
        """Return a page with the picture, which can be zoomed if it is large, and whose groups open and close."""
        if self._fits() and not self._states:
            return super()._page()
        states = self._states() if self._states else []
        pictures = [state.svg for state in states] or [self.svg]
        targets = [state.targets for state in states] or [{}]
        hint = "Drag to move the picture, Ctrl and the wheel or two fingers to zoom."
        if any(targets):
            hint += " Click a stack to open it, and a frame to close it."
        body = f'<main>\n{states_of_picture(pictures)}<p class="hint">{hint}</p>\n</main>\n' + json_script(
            "folds", targets
        )
        style = "".join(map(asset, ("zoom.css", "fold.css", "drawing_page.css")))
        return html_page(self.title, body, style, asset("zoom.js") + asset("fold.js"))

    def _fits(self) -> bool:
        """Tell whether the picture fits on a screen."""
        size = re.search(r'width="(\d+)" height="(\d+)"', self.svg)
        return size is not None and int(size[1]) <= SCREEN[0] and int(size[2]) <= SCREEN[1]

    def __repr__(self) -> str:
        return f"<Drawing: {' '.join(self.notes)} .save('graph.svg') writes it>"


def draw(
    root: Any,
    *,
    direction: Direction = "LR",
    precision: int = 4,
    gradients: bool = True,
    parameters: Collection[Any] = (),
    depth: int | None = None,
    expand: str | Collection[str] = (),
    limit: int | None = None,
    engine: Engine = "embedded",
) -> Drawing:
    """Draw the graph that computed `root`: a box for each node, and the local derivative on each edge.

    Nodes whose labels put them in one group (`layers.0.neurons.3.z`) are framed. A large graph is drawn with as much
    detail as can be read: a neuron, a layer or a network becomes one box with counts and the norm of its gradient, and
    the caption says what was left out. A stale graph gets a banner that says so.

    Args:
        root: a Value, or several in a list or tuple; or nodes of another scalar engine: any objects with `data` and
            with `parents` or micrograd's `_prev`, and optionally with `grad`, `label`, and `op` or `_op`.
        direction: "LR" from left to right, "TB" from top to bottom.
        precision: significant digits; the tooltips show all digits.
        gradients: whether to show `grad`.
        parameters: leaves to draw as parameters, besides those labelled as a network's weights and biases.
        depth: the number of levels of groups to open: 0 draws a network as one box, 1 its layers, 2 its neurons.
        expand: the name of a group to open, such as "layers.0.neurons.3", or several names.
        limit: the most boxes to draw, and a third of the most lines; by default 120, or 40 if groups can be closed
            instead, so that the picture fits on a screen.
        engine: "embedded" for the Graphviz that comes with this package, "system" for the `dot` on the PATH.

    Raises:
        TypeError: if a root is not a node of a graph.
        ValueError: for a group or an option value that does not exist.
        RuntimeError: if no Graphviz can run.

    >>> from autograd import Value
    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> draw(a * b + 10)
    <Drawing: 5 nodes, 4 edges. .save('graph.svg') writes it>
    """
    check(direction, precision, 2 if limit is None else limit, depth)
    roots = list(root) if isinstance(root, (list, tuple)) else [root]
    expand = [expand] if isinstance(expand, str) else list(expand)
    nodes = snapshot(roots, parameters)
    scene = detail.choose(nodes, limit, depth, expand)
    precision = min(precision, ALL_DIGITS)
    drawing = picture(scene, direction, precision, gradients, engine)

    def states() -> list[State]:
        return folding.states(
            nodes, scene, drawing.svg, lambda other: picture(other, direction, precision, gradients, engine).svg
        )

    foldable = bool(scene.groups) and len(nodes) >= FOLDABLE_FROM
    return Drawing(drawing.svg, drawing.source, drawing.notes, states if foldable else None)


def picture(
    scene: Scene,
    direction: Direction,
    precision: int,
    gradients: bool,
    engine: Engine,
    names: Sequence[Name] | None = None,
) -> Drawing:
    """Draw a scene; with `names`, each node shows the name used in the text next to the picture."""
    faces = [face(scene, k, precision, gradients, names) for k in range(len(scene.boxes))]
    labels = [line_label(scene, line, precision) for line in scene.lines]
    source = dot.source(scene, faces, labels, direction)
    notes = tuple(_notes(scene))
    ends = [abbreviate(visible(node.label or node.op), 40) for node in scene.nodes if node.role == "output"]
    title = f"Computation graph of {', '.join(ends[:3])}" if ends else "Computation graph"
    placed = dot.place(source, scene, engine)
    return Drawing(svg(scene, faces, labels, placed, title, notes, _warning(scene)), source, notes)


def _notes(scene: Scene) -> list[str]:
    nodes, edges = len(scene.nodes), sum(len(node.parents) for node in scene.nodes)
    notes = [f"{nodes:,} node{'s' * (nodes != 1)}, {edges:,} edge{'s' * (edges != 1)}."]
    groups = sorted((box for box in scene.boxes if box.name), key=lambda box: -len(box.nodes))
    if groups:
        shown = ", ".join(f"{visible(box.name)} ({len(box.nodes):,} nodes)" for box in groups[:4])
        more = f" and {len(groups) - 4} more" if len(groups) > 4 else ""
        notes.append(f"Drawn as one box each: {shown}{more}. To open them: expand=, depth= or a higher limit=.")
    return notes


def _warning(scene: Scene) -> str:
    stale = sum(node.stale for node in scene.nodes)
    if not stale:
        return ""
    return (
        f"Stale: {stale:,} of {len(scene.nodes):,} nodes no longer match the numbers they were computed from, "
        "which changed afterwards. Compute the graph again, then draw it."
    )


def check(direction: str, precision: int, limit: int, depth: int | None = None) -> None:
    """Raise ValueError, with advice, for an invalid option."""
    if direction not in ("LR", "TB"):
        raise ValueError(f"direction must be 'LR' (left to right) or 'TB' (top to bottom), got {direction!r}")
    for name, count, least in (
        ("precision", precision, 1),
        ("depth", 0 if depth is None else depth, 0),
        ("limit", limit, 2),
    ):
        if not isinstance(count, int) or isinstance(count, bool) or count < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {count!r}")
