"""The steps of the two passes, and the page's text: the arithmetic is right, and the order is valid."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from autograd import Constant, Value, topological_order
from autograd.drawing import detail, step_through
from autograd.drawing.snapshot import Node, names_of, snapshot
from autograd.drawing.steps import Passes, expression

# Printed functions and symbols, in Python.
OPERATORS = str.maketrans({"×": "*", "÷": "/", "−": "-"})
FUNCTIONS: dict[str, Any] = {
    "exp": math.exp,
    "tanh": math.tanh,
    "sin": math.sin,
    "abs": abs,
    "relu": lambda x: max(x, 0.0),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "maximum": max,
    "hypot": math.hypot,
    "logsumexp": lambda *xs: math.log(sum(map(math.exp, xs))),
    "inf": math.inf,
    "nan": math.nan,
}


def evaluated(text: str) -> float:
    return float(eval(text.translate(OPERATORS), {"__builtins__": {}}, FUNCTIONS))


def same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))


# Each makes a node from a few others and a number.
OPERATIONS: list[Callable[[Value, Value, list[Value], float], Value]] = [
    lambda x, y, xs, c: x * y,
    lambda x, y, xs, c: x + y,
    lambda x, y, xs, c: x - y,
    lambda x, y, xs, c: -x,
    lambda x, y, xs, c: x**2,
    lambda x, y, xs, c: (-2.0 - abs(y)) ** 3 + x,
    lambda x, y, xs, c: x / (abs(y) + 1.5),
    lambda x, y, xs, c: autograd.sum(xs),
    lambda x, y, xs, c: autograd.dot(xs, xs[::-1], c),
    lambda x, y, xs, c: autograd.sigmoid(x),
    lambda x, y, xs, c: autograd.hypot(x, 1.0),
    lambda x, y, xs, c: autograd.maximum(x, y * -1.0),
    lambda x, y, xs, c: (x * c).tanh(),
]


@st.composite
def random_graphs(draw: st.DrawFn) -> Value:
    """Draw the end of a random graph: negative numbers, their powers, wide nodes, a node used twice by another."""
    number = st.floats(-2, 2).filter(lambda x: x == 0 or abs(x) > 1e-3)
    nodes = [Value(draw(number), f"n{i}") for i in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(1, 15))):
        places = draw(st.lists(st.sampled_from(range(len(nodes))), min_size=1, max_size=5))
        xs = [nodes[i] for i in places]
        node = draw(st.sampled_from(OPERATIONS))(xs[0], xs[-1], xs, draw(number))
        nodes.append(node if abs(node.data) < 1e3 else node.tanh())
    return nodes[-1]


def passes(root: Value, precision: int = 17) -> tuple[list[Node], Passes]:
    nodes = snapshot([root])
    return nodes, Passes(detail.full_scene(nodes), names_of(nodes), precision)


# Arithmetic


@settings(max_examples=60)
@given(random_graphs())
def test_formulas_of_the_forward_pass_give_the_numbers(root: Value) -> None:
    """A reader who types the printed numbers into a calculator gets the printed result."""
    nodes, steps = passes(root)
    forward = [step for step in steps.steps if step.phase == "forward"]
    assert len(forward) == len(nodes)
    for node, step in zip(nodes, forward):
        said = step.formula.split(" = ")
        assert evaluated(said[-1]) == node.data
        assert [evaluated(text) for _, text in step.changed] == [node.data]
        if node.parents and "more" not in step.formula:
            scale = sum(abs(nodes[p].data) * (1 + abs(nodes[q].data)) for p in node.parents for q in node.parents)
            assert math.isclose(evaluated(said[-2]), node.data, rel_tol=1e-14, abs_tol=1e-14 * scale)


@settings(max_examples=60)
@given(random_graphs())
def test_sums_of_the_backward_pass_are_right(root: Value) -> None:
    """With 17 digits, all that a float has, the printed arithmetic holds to the last bit."""
    nodes, steps = passes(root)
    running = [0.0] * len(nodes)
    backward = [step for step in steps.steps if step.phase == "backward"]
    assert backward[0].formula.endswith("= 1.0") and evaluated(backward[0].changed[0][1]) == 1.0
    running[-1] = 1.0
    boxes = [box.nodes[0] for box in detail.full_scene(nodes).boxes]
    for step in backward[1:]:
        ((box, shown),) = step.changed
        target = boxes[box]
        *_, product, term = step.formula.split(" = ")
        assert same(evaluated(product), evaluated(term))
        _, addition, total = step.total.split(" = ")
        before, added = addition.split(" + ", 1)
        assert same(evaluated(before), running[target]) and same(evaluated(added), evaluated(term))
        assert same(evaluated(addition), evaluated(total)) and total == shown
        running[target] = evaluated(total)
    assert all(map(same, running, steps.gradients))
    for i, uses in enumerate(steps.uses[:-1]):
        assert uses.endswith(" use)" if uses.endswith("(1 use)") else " uses)")
        if "more" not in uses:
            *_, terms, gradient = uses.rsplit(" (", 1)[0].split(" = ")
            assert same(evaluated(terms), steps.gradients[i]) and same(evaluated(gradient), steps.gradients[i])
            assert terms.count(" × ") == sum(node.parents.count(i) for node in nodes)


@settings(max_examples=60)
@given(random_graphs())
def test_gradients_are_those_of_a_backward_pass_to_the_bit(root: Value) -> None:
    order = topological_order(root)
    _, steps = passes(root)
    root.backward()
    assert struct.pack(f"{len(order)}d", *steps.gradients) == struct.pack(f"{len(order)}d", *(v.grad for v in order))


def test_gradients_that_are_not_finite() -> None:
    zero = Value(0.0, "x")
    root = zero.sqrt() * Value(0.0, "y") + math.inf * zero
    order = topological_order(root)
    _, steps = passes(root)
    root.backward()
    assert [math.isnan(gradient) for gradient in steps.gradients] == [math.isnan(node.grad) for node in order]
    assert any(math.isnan(node.grad) for node in order)
    assert any(step.formula.endswith("= inf × 0.0 = nan") for step in steps.steps)


@pytest.mark.parametrize(
    ("root", "formula"),
    [
        (lambda a, b: a * b, "v1 = a × b = 2.0 × −3.0 = −6.0"),
        (lambda a, b: a - b, "v1 = a − b = 2.0 − −3.0 = 5.0"),
        (lambda a, b: a / b, "v1 = a ÷ b = 2.0 ÷ −3.0 = −0.6667"),
        (lambda a, b: -b, "v1 = −b = −(−3.0) = 3.0"),
        (lambda a, b: b**2, "v1 = b ** 2.0 = (−3.0) ** 2.0 = 9.0"),
        (lambda a, b: a**b, "v1 = a ** b = 2.0 ** −3.0 = 0.125"),
        (lambda a, b: a.exp(), "v1 = exp(a) = exp(2.0) = 7.389"),
        (lambda a, b: autograd.dot([a, b], [b, 4.0], 1.0), "v1 = a × b + b × 4.0 + 1.0"),
        (lambda a, b: autograd.sum([a, b, b]), "v1 = a + b + b = 2.0 + −3.0 + −3.0 = −4.0"),
        (lambda a, b: Constant(2.0) * 3.0, "v1 = 2.0 × 3.0 = 6.0"),
    ],
)
def test_formulas_as_a_person_would_write_them(root: Any, formula: str) -> None:
    _, steps = passes(root(Value(2.0, "a"), Value(-3.0, "b")), precision=4)
    (said,) = [step.formula for step in steps.steps if step.phase == "forward" and step.formula.startswith("v1 = ")]
    assert said.startswith(formula)


def test_long_sums_are_written_with_their_first_and_last_terms() -> None:
    xs = [Value(float(k), f"x{k}") for k in range(20)]
    (node,) = snapshot([autograd.sum(xs)])[-1:]
    assert expression(node, [x.label for x in xs]) == "x0 + x1 + x2 + x3 + … 15 more … + x19"
    _, steps = passes(autograd.sum([xs[1]] * 20), precision=4)
    assert steps.uses[0].endswith("… 15 more … + 1.0 × 1.0 = 20.0 (20 uses)")
    assert steps.steps[1].words == "v1 is computed from x1."


def test_an_operation_of_ones_own_is_written_as_a_function() -> None:
    node = Node("", "gate\n" + "x" * 100, 1.0, 0.0, "operation", (0, 1), (1.0, 1.0), False, None)
    assert expression(node, ["a", "b"]) == "gate␊xxxxxxxxxx…xxxxxxxxxxxxxxxx(a, b)"


# Order


@settings(max_examples=60)
@given(random_graphs())
def test_every_box_and_line_lights_up_once_in_each_pass_in_a_valid_order(root: Value) -> None:
    nodes = snapshot([root])
    scene = detail.full_scene(nodes)
    both = Passes(scene, names_of(nodes), 4)
    ends = [(line.tail, line.head) for line in scene.lines]
    for phase in ("forward", "backward"):
        steps = [step for step in both.steps if step.phase == phase]
        assert Counter(box for step in steps for box in step.boxes) == Counter(range(len(scene.boxes)))
        assert Counter(line for step in steps for line in step.lines) == Counter(range(len(scene.lines)))
    assert [step.phase for step in both.steps] == sorted((step.phase for step in both.steps), reverse=True)
    lit: set[int] = set()
    for step in both.steps[: len(nodes)]:
        assert all(ends[line][0] in lit and ends[line][1] in step.boxes for line in step.lines)
        lit.update(step.boxes)
    complete: set[int] = set()
    passed: Counter[int] = Counter()
    uses = Counter(tail for tail, _ in ends)
    for step in both.steps[len(nodes) :]:
        assert all(ends[line][1] in complete for line in step.lines)
        passed.update(ends[line][0] for line in step.lines)
        assert all(passed[box] == uses[box] for box in step.boxes)
        complete.update(step.boxes)


# Arguments and results of step_through, and unchanged nodes


@pytest.mark.parametrize("root", [None, 2.0, "x", [Value(2.0)], Value, object()])
def test_only_values_are_stepped_through(root: Any) -> None:
    with pytest.raises(TypeError, match="step_through expects the root Value of a graph, got"):
        step_through(root)


def test_a_stale_graph_is_an_error_with_advice() -> None:
    a = Value(2.0)
    b = a * a + 1
    a.data = 3.0
    with pytest.raises(ValueError, match=r"the graph is stale.*Compute it again"):
        step_through(b)


def test_too_large_a_graph_is_an_error_with_advice() -> None:
    x = Value(1.0)
    node = x
    for _ in range(400):
        node = -node
    with pytest.raises(
        ValueError, match=r"401 nodes and 400 edges.*a smaller network, draw\(\) it, or raise the limit"
    ):
        step_through(node)
    assert repr(step_through(node, limit=401)).startswith("<StepThrough: 802 steps")
    with pytest.raises(ValueError, match="2 nodes and 10,000 edges"):
        step_through(autograd.sum([x] * 10_000))


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"direction": "up"}, "direction must be 'LR'"),
        ({"precision": 0}, "precision must be an integer of at least 1"),
        ({"limit": 0}, "limit must be an integer"),
        ({"engine": "neato"}, "engine must be 'embedded' or 'system'"),
    ],
)
def test_settings_that_do_not_exist(settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        step_through(Value(2.0) * 3, **settings)


@settings(max_examples=20)
@given(random_graphs())
def test_stepping_changes_nothing(root: Value) -> None:
    order = topological_order(root)
    root.backward(0.7)

    def state() -> list[Any]:
        return [(v.label, v.parents, v.local_derivatives, struct.pack("2d", v.data, v.grad)) for v in order]

    before = state()
    step_through(root)
    assert state() == before


def test_gradients_shown_are_those_of_a_fresh_pass() -> None:
    """Gradients that earlier passes have left in `grad` do not matter."""
    x = Value(3.0, "x")
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 12.0
    page = step_through(y)
    assert ">6.0<" in page.svg and ">12.0<" not in page.svg


def test_a_leaf_alone_has_two_steps() -> None:
    (forward, backward) = passes(Value(2.0, "x"), 4)[1].steps
    assert (forward.formula, forward.words) == ("x = 2.0", "x is an input.")
    assert backward.formula == "x.grad = ∂x/∂x = 1.0"
    assert repr(step_through(Constant(2.0))).startswith("<StepThrough: 2 steps")


def test_save_and_notebook(tmp_path: Path) -> None:
    page = step_through(Value(2.0, "a") * 3)
    page.save(tmp_path / "steps.html")
    page.save(tmp_path / "steps.svg")
    assert (tmp_path / "steps.html").read_text(encoding="utf-8") == page.html
    assert (tmp_path / "steps.svg").read_text(encoding="utf-8") == page.svg
    with pytest.raises(ValueError, match=r"saved as \.html or \.svg, got the name 'steps\.dot'"):
        page.save(tmp_path / "steps.dot")
    bundle = page._repr_mimebundle_()
    assert bundle["image/svg+xml"] == page.svg and bundle["text/plain"] == repr(page)
    image = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', bundle["text/html"])
    assert image is not None and base64.b64decode(image[1]).decode() == page.svg
    assert 'sandbox="allow-scripts"' in bundle["text/html"]


def test_names_on_the_page_are_told_apart() -> None:
    """Formulas refer to nodes by name, so no two nodes may share one, and each box shows its name."""
    x = [Value(1.0, "x"), Value(2.0, "x"), Value(3.0), Value(4.0, "v1")]
    page = step_through(autograd.sum(x))
    data = re.search(r'id="passes">(.*?)</script>', page.html, re.DOTALL)
    assert data is not None
    (formula,) = [step["formula"] for step in json.loads(data[1])["steps"] if "1.0 + 2.0" in step["formula"]]
    names = formula.split(" = ")[1].split(" + ")
    assert len(set(names)) == 4 and {"x", "v1"} < set(names)
    titles = re.findall(r'<text class="name"[^>]*>([^<]*)</text>', page.svg)
    assert {*names, formula.split(" = ")[0]} == {*titles}


def test_nothing_flows_to_what_a_choice_did_not_take() -> None:
    x = Value(0.0, "x")
    root = autograd.where(x > 0, x.sqrt(), 3 * x)
    root.backward()
    nodes, steps = passes(root)
    assert steps.gradients[[node.label for node in nodes].index("x")] == x.grad == 3.0
