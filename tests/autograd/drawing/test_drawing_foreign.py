"""Graphs of other scalar engines are drawn: micrograd's, and those that a student might write."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from autograd import Value
from autograd.drawing import Drawing, draw

SVG = "{http://www.w3.org/2000/svg}"


def boxes(drawing: Drawing) -> list[tuple[str, str, dict[str, str]]]:
    """Return the role, the title and the rows of each box."""
    rows_of_boxes = []
    for group in ET.fromstring(drawing.svg).iter(f"{SVG}g"):
        if group.get("class", "").startswith("box"):
            texts = [(text.get("class", ""), text.text or "") for text in group.iter(f"{SVG}text")]
            names = [text for kind, text in texts if "name" in kind]
            rows = [text for kind, text in texts if "name" not in kind]
            rows_of_boxes.append((group.get("class", "").split()[1], names[0], dict(zip(rows[::2], rows[1::2]))))
    return rows_of_boxes


def line_labels(drawing: Drawing) -> list[str]:
    groups = ET.fromstring(drawing.svg).iter(f"{SVG}g")
    return sorted(group.findtext(f"{SVG}text", "") for group in groups if group.get("class") == "line")


class Student:
    """The minimum that can be drawn: data, grad and parents. Nodes compare by number, so they are not hashable."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, data: Any, parents: Any = (), op: str = "", label: str = "") -> None:
        self.data, self.grad, self.parents, self.op, self.label = data, 0.0, parents, op, label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Student) and bool(self.data == other.data)

    def __add__(self, other: Student) -> Student:
        return Student(self.data + other.data, [self, other], "+")

    def __mul__(self, other: Student) -> Student:
        return Student(self.data * other.data, [self, other], "*")


def test_micrograds_graph() -> None:
    reason = "micrograd, whose graph this draws, is not installed (pip install 'lucidgrad[benchmarks]' brings it)"
    engine = pytest.importorskip("micrograd.engine", reason=reason)
    a, b = engine.Value(2.0), engine.Value(-3.0)
    root = (a * b + a).relu() + b**2
    root.backward()
    drawing = draw(root)
    assert Counter(title for _, title, _ in boxes(drawing)) == {
        "input": 2, "×": 1, "+": 2, "ReLU": 1, "**2": 1,
    }  # fmt: skip
    assert drawing.notes == ("7 nodes, 8 edges.",)
    shown = {(rows["data"], rows["grad"]) for _, title, rows in boxes(drawing) if title == "input"}
    assert shown == {("2.0", "0.0"), ("−3.0", "−6.0")}  # relu is off, so only b² counts, whose derivative is 2b
    assert set(line_labels(drawing)) == {""}  # the engine does not keep local derivatives


def test_micrograds_graph_is_drawn_the_same_in_every_process(run_python: Callable[..., str]) -> None:
    """micrograd keeps parents in a set, whose order depends on their addresses."""
    pytest.importorskip("micrograd.engine", reason="micrograd, whose graph this draws, is not installed")
    source = """
from micrograd.engine import Value
from autograd.drawing import draw
ballast = [object() for _ in range(hash("a") % 10_000)]  # so that addresses differ
node = Value(0.5)
for i in range(12):
    node = node * Value(i + 0.5) + node
node.backward()
print(draw(node).svg)
"""
    assert len({run_python(source, PYTHONHASHSEED=seed, PYTHONUTF8="1") for seed in ("0", "1")}) == 1


def test_a_students_engine() -> None:
    """Nodes with equal numbers are drawn separately, although they compare as equal."""
    a, b = Student(2.0, label="a"), Student(2.0, label="bias")
    root = a * b + a * b
    root.grad = 1.0
    drawing = draw(root)
    assert boxes(drawing) == [
        ("input", "a", {"data": "2.0", "grad": "0.0"}),
        ("parameter", "bias", {"data": "2.0", "grad": "0.0"}),
        ("operation", "×", {"data": "4.0", "grad": "0.0"}),
        ("operation", "×", {"data": "4.0", "grad": "0.0"}),
        ("output", "+", {"data": "8.0", "grad": "1.0"}),
    ]
    assert drawing.notes == ("5 nodes, 6 edges.",)
    assert [role for role, *_ in boxes(draw(root, parameters=[a]))][:2] == ["parameter", "parameter"]


def test_local_derivatives_are_shown_where_an_engine_keeps_them() -> None:
    a = Student(3.0)
    root = a * a
    root.local_derivatives = [3.0, 3.0]  # type: ignore[attr-defined]
    assert line_labels(draw(root)) == ["3.0", "3.0"]
    root.local_derivatives = [3.0]  # type: ignore[attr-defined]
    assert line_labels(draw(root)) == ["", ""]  # too few to assign them to edges


def test_raw_numbers_as_parents_are_constants() -> None:
    a = Student(3.0, parents=None)
    root = Student(6.0, [a, 2.0], "*")
    drawing = draw(root)
    assert [(role, rows["data"]) for role, _, rows in boxes(drawing)] == [
        ("input", "3.0"),
        ("constant", "2.0"),
        ("output", "6.0"),
    ]
    assert drawing.notes == ("3 nodes, 2 edges.",)


def test_an_engine_that_makes_its_list_of_parents_whenever_it_is_asked() -> None:
    """The numbers in the list live no longer than the list."""

    class Lazy:
        grad = None
        op = "sum"

        def __init__(self, *terms: float) -> None:
            self.terms = np.array(terms)
            self.data = float(sum(terms))

        @property
        def parents(self) -> list[float]:
            return [float(term) for term in self.terms]

    drawing = draw([Lazy(1.5, 2.5, 3.5), Lazy(4.5, 5.5)])
    assert sorted(rows["data"] for role, _, rows in boxes(drawing) if role == "constant") == [
        "1.5", "2.5", "3.5", "4.5", "5.5",
    ]  # fmt: skip
    assert drawing.notes == ("7 nodes, 5 edges.",)


def test_a_dataclass_that_compares_its_fields() -> None:
    @dataclass
    class Node:
        data: float
        grad: float = 0.0
        _prev: tuple[Any, ...] = field(default_factory=tuple)
        _op: str = ""

    x = Node(1.0)
    y = Node(1.0)
    root = Node(2.0, 1.0, (x, y, x), "sum3")
    assert draw(root).notes == ("3 nodes, 3 edges.",)
    assert boxes(draw(root))[-1][:2] == ("output", "sum3")


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (Fraction(1, 3), "0.3333"),
        (Decimal("0.25"), "0.25"),
        (np.float32(0.5), "0.5"),
        (7, "7.0"),
        (True, "1.0"),
        (1 + 2j, "(1+2j)"),
        (np.array([1.0, 2.0]), "[1. 2.]"),
        (None, "None"),
        ("<b>&", "<b>&"),
        pytest.param(10**400, "1000000…00000000", id="too large for a float"),
    ],
)
def test_data_that_is_no_float(data: Any, shown: str) -> None:
    node = Student(data, [Student(1.0)], "f")
    node.grad = data
    assert boxes(draw(node))[-1] == ("output", "f", {"data": shown} | ({} if data is None else {"grad": shown}))


@pytest.mark.parametrize(
    "gradient", [np.array([1.0, 2.0]), None, "steep", 10**400], ids=["array", "none", "str", "int"]
)
def test_gradients_that_are_no_floats_have_no_norm(gradient: Any) -> None:
    leaves = [Student(1.0, label=f"layers.0.w{i}") for i in range(3)]
    for leaf in leaves:
        leaf.grad = gradient
    box = boxes(draw(Student(3.0, leaves, "sum"), depth=0))[0]
    assert box == ("group", "layers", {"nodes": "3"})


def test_values_and_other_nodes_in_one_picture() -> None:
    x = Value(2.0, "x")
    drawing = draw([x * x, Student(1.0, [x], "wrap")])
    assert drawing.notes == ("3 nodes, 3 edges.",)
    assert Counter(role for role, *_ in boxes(drawing)) == {"input": 1, "output": 2}


def test_a_deep_graph_of_another_engine() -> None:
    node = Student(0.0)
    for _ in range(20_000):
        node = Student(0.0, (node,), "-")
    assert draw(node).notes[0] == "20,001 nodes, 20,000 edges."
    while node.parents:  # otherwise Python would free the chain by recursion
        node, node.parents = node.parents[0], ()


def test_a_graph_that_goes_round_in_a_circle_is_an_error() -> None:
    a = Student(1.0, op="a")
    b = Student(2.0, [a], "b")
    a.parents = [b]
    for root in (a, b):
        with pytest.raises(ValueError, match="the graph has a cycle"):
            draw(root)
    a.parents = [a]
    with pytest.raises(ValueError, match="the graph has a cycle"):
        draw(a)
