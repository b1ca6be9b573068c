"""Large graphs drawn with as much detail as can be read: nothing is left out without being counted."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, summary, topological_order
from autograd.drawing import Drawing, draw

SVG = "{http://www.w3.org/2000/svg}"


def counted(drawing: Drawing) -> tuple[int, int]:
    """Count the nodes and edges that the SVG shows or counts."""
    groups = list(ET.fromstring(drawing.svg).iter(f"{SVG}g"))

    def total(attribute: str) -> int:
        return sum(int(group.get(attribute, "0")) for group in groups)

    return total("data-nodes"), total("data-edges") + total("data-inside")


def titles(drawing: Drawing) -> list[str]:
    """Return the title of each box, at full length."""
    boxes = [g for g in ET.fromstring(drawing.svg).iter(f"{SVG}g") if g.get("class", "").startswith("box")]
    return [re.split(r" \(|: ", box.findtext(f"{SVG}title", ""))[0] for box in boxes]


def frames(drawing: Drawing) -> list[str]:
    groups = ET.fromstring(drawing.svg).iter(f"{SVG}g")
    return [group.findtext(f"{SVG}text", "") for group in groups if group.get("class") == "frame"]


def rows(drawing: Drawing, title: str) -> dict[str, str]:
    """Return the rows below the title of the box with this tooltip."""
    for group in ET.fromstring(drawing.svg).iter(f"{SVG}g"):
        if group.get("class", "").startswith("box") and group.findtext(f"{SVG}title", "").startswith(f"{title}: "):
            texts = [text.text or "" for text in group.iter(f"{SVG}text") if "name" not in text.get("class", "")]
            return dict(zip(texts[::2], texts[1::2]))
    raise LookupError(title)


def lines(drawing: Drawing) -> int:
    return drawing.svg.count('<g class="line"')


def network_loss(sizes: list[int], *, elementary: bool = False) -> Value:
    model = nn.MLP(sizes[0], sizes[1:], seed=0, elementary=elementary)
    outputs = model([Value(0.1 * k, f"x{k}") for k in range(sizes[0])])
    return nn.half_squared_error(outputs, [0.5] * sizes[-1])


# Counts

LABELS = st.builds(
    "{}.{}.{}".format,
    st.sampled_from(["layers.0.neurons", "layers.1.neurons", "layers", "", ".", "a[0]", "7", "layers.0"]),
    st.integers(0, 2),
    st.sampled_from(["z", "a", "weights.0", "weights.1", "", "x[1][2]", "."]),
)


@st.composite
def graphs_with_groups(draw: st.DrawFn) -> Value:
    """Draw a random graph with labels like those of a network, labels that are nearly so, or none."""
    label = st.just("") | LABELS
    nodes = [Value(0.5, draw(label)) for _ in range(draw(st.integers(1, 10)))]
    for _ in range(draw(st.integers(0, 25))):
        operands = draw(st.lists(st.sampled_from(range(len(nodes))), min_size=1, max_size=5))
        nodes.append(autograd.sum([nodes[k] for k in operands]) * (nodes[0] if draw(st.booleans()) else 1.0))
        nodes[-1].label = draw(label)
    return autograd.sum(nodes)


@settings(max_examples=50)
@given(graphs_with_groups(), st.data())
def test_every_node_and_every_edge_is_drawn_or_counted(root: Value, data: st.DataObject) -> None:
    limit = data.draw(st.integers(2, 30))
    depth = data.draw(st.none() | st.integers(0, 6))
    group = data.draw(st.sampled_from(["layers", "layers.0", "layers.0.neurons.1", "a", "a.0"]))
    expand = [group] if any(leads_to(node.label, group) for node in topological_order(root)) else []
    drawing = draw(root, limit=limit, depth=depth, expand=expand)
    assert counted(drawing) == (summary(root).nodes, summary(root).edges)
    room = 4 * limit if expand else limit
    assert len(titles(drawing)) <= room
    assert lines(drawing) <= 3 * room


def leads_to(label: str, group: str) -> bool:
    """Tell whether a label belongs to the list element that is the group, or to a part of it."""
    match = re.match(rf"{re.escape(group)}\.(\d?)", label.replace("[", ".").replace("]", ""))
    return match is not None and (group[-1].isdecimal() or match[1] != "")


@pytest.mark.parametrize("elementary", [False, True])
@pytest.mark.parametrize("expand", [(), "layers.0.neurons.1", ["layers.1.neurons.0", "layers.0"]])
@pytest.mark.parametrize("depth", [None, 0, 2, 9])
@pytest.mark.parametrize("limit", [2, 500])
def test_counts_of_a_network_add_up(
    limit: int, depth: int | None, expand: str | Collection[str], elementary: bool
) -> None:
    loss = network_loss([3, 4, 2], elementary=elementary)
    drawing = draw(loss, limit=limit, depth=depth, expand=expand)
    assert counted(drawing) == (summary(loss).nodes, summary(loss).edges)
    assert drawing.notes[0] == f"{summary(loss).nodes} nodes, {summary(loss).edges} edges."


# Opened groups and shared boxes


def test_each_depth_opens_one_level_more() -> None:
    loss = network_loss([2, 3, 2])
    assert {"layers", "x0", "x1"} <= {*titles(draw(loss, depth=0))}
    assert {"layers.0", "layers.1"} <= {*titles(draw(loss, depth=1))}
    neurons = [f"layers.{i}.neurons.{j}" for i, n in ((0, 3), (1, 2)) for j in range(n)]
    drawn = draw(loss, depth=2)
    assert {*neurons} <= {*titles(drawn)}
    assert frames(drawn) == ["layers.0", "layers.1"]
    drawn = draw(loss, depth=3)
    assert {f"{neuron}.{part}" for neuron in neurons for part in ("z", "a", "bias", "weights")} <= {*titles(drawn)}
    assert {*frames(drawn)} == {"layers.0", "layers.1", *neurons}
    assert {"layers.0.neurons.2.weights.1"} <= {*titles(draw(loss, depth=4))}
    assert titles(draw(loss, depth=4)) == titles(draw(loss, depth=99)) == titles(draw(loss))


def test_a_neuron_can_be_opened_alone() -> None:
    loss = network_loss([5, 40, 2])
    drawing = draw(loss, depth=1, expand="layers.0.neurons.7")
    seen = titles(drawing)
    assert {f"layers.0.neurons.7.{part}" for part in ("z", "a", "bias")} <= {*seen}
    assert "the rest of layers.0" in seen
    assert not any("neurons.8" in title for title in seen)
    assert frames(drawing) == ["layers.0", "layers.0.neurons.7"]
    assert rows(drawing, "the rest of layers.0")["nodes"] == str(39 * (5 + 1 + 2))
    assert rows(drawing, "layers.1")["nodes"] == str(2 * (40 + 1 + 2))


def test_a_box_of_many_says_how_many_and_how_large_their_gradient_is() -> None:
    loss = network_loss([3, 4, 2])
    loss.backward()
    parameters = {leaf for leaf in autograd.leaves(loss) if leaf.label.startswith("layers.0.")}
    assert len(parameters) == 4 * (3 + 1)
    norm = sum(leaf.grad**2 for leaf in parameters) ** 0.5
    said = rows(draw(loss, depth=1), "layers.0")
    assert said["nodes"] == str(16 + 4 * 2)  # with z and a of each neuron
    assert said["parameters"] == "16"
    assert float(said["‖grad‖"]) == float(f"{norm:.4g}")
    assert "‖grad‖" not in rows(draw(loss, depth=1, gradients=False), "layers.0")


def test_a_network_for_images_draws_and_says_what_it_left_out() -> None:
    model = nn.MLP(784, [50, 10], seed=0)
    loss = nn.half_squared_error(model([0.01 * (k % 100) for k in range(784)]), [0.0] * 10)
    loss.backward()
    drawing = draw(loss)
    assert counted(drawing) == (summary(loss).nodes, summary(loss).edges)
    assert len(titles(drawing)) <= 120 and lines(drawing) <= 360
    caption = " ".join(text.text or "" for text in ET.fromstring(drawing.svg).iter(f"{SVG}text"))
    for said in (
        f"{summary(loss).nodes:,} nodes",
        f"layers.0 ({50 * 785 + 2 * 50:,} nodes)",
        "784 constants",
        "expand=",
    ):
        assert said in caption
    assert rows(drawing, "layers.0")["parameters"] == "39,250"
    assert len(drawing.svg) < 200_000


def test_an_unknown_group_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no group 'layers\.7' to expand; its groups are: layers, layers\.0, "):
        draw(network_loss([2, 2]), expand=["layers", "layers.7"])


def test_a_chain_of_a_hundred_thousand_nodes_without_labels() -> None:
    node = Value(1.0)
    for _ in range(100_000):
        node = -node
    drawing = draw(node)
    assert counted(drawing) == (100_001, 100_000)
    assert len(titles(drawing)) == 120
    assert titles(drawing).count("further back") == 1
    assert rows(drawing, "further back")["nodes"] == "99,882"


def test_a_node_used_ten_thousand_times_by_another_has_one_line() -> None:
    x = Value(2.0, "x")
    drawing = draw(autograd.sum([x] * 10_000))
    assert titles(drawing) == ["x", "Σ"]
    assert lines(drawing) == 1
    assert "10,000×" in drawing.svg
    assert counted(drawing) == (2, 10_000)
    assert lines(draw(autograd.sum([x] * 100))) == 100  # which can be read


def test_layers_without_labels_are_no_thicket() -> None:
    """Each of thirty dots per layer reads all thirty before it: few enough boxes, but far too many lines."""
    layer = [Value(0.01 * k) for k in range(30)]
    for _ in range(3):
        layer = [autograd.dot(layer, layer[::-1], 0.0) for _ in layer]
    root = autograd.sum(layer)
    drawing = draw(root)
    assert lines(drawing) <= 360
    assert counted(drawing) == (summary(root).nodes, summary(root).edges)
    assert "Drawn as one box each: further back" in drawing.notes[1]


def test_groups_that_use_one_another_in_turn() -> None:
    """Graphviz's older algorithm would lose a line here."""
    x, y, z = Value(1.0, "b.0.x"), Value(2.0), Value(3.0, "a.0.y.0.z")
    first = labelled("b.1.x", x, z)
    second = labelled("b.0.x", first)
    third = labelled("a.1.x", x)
    fourth = labelled("a.1.x", x, second)
    fifth = labelled("a.0.x", fourth, x)
    root = autograd.sum([x, y, z, first, second, third, fourth, fifth])
    assert counted(draw(root)) == (9, 16)
    assert {*frames(draw(root))} == {"a.0", "a.1", "b.0"}


def labelled(label: str, *terms: Value) -> Value:
    node = autograd.sum(terms)
    node.label = label
    return node


def test_lines_over_many_ranks_keep_their_numbers() -> None:
    """In such graphs, Graphviz places the labels without reserving space for them."""
    x = Value(0.5, "x")
    node = x
    for k in range(50):
        node = node * x + float(k)
    drawing = draw(node, limit=200)
    expected = sorted(f"local derivative {d!r}" for v in topological_order(node) for d in v.local_derivatives)
    seen = [group for group in ET.fromstring(drawing.svg).iter(f"{SVG}g") if group.get("class") == "line"]
    assert sorted(group.findtext(f"{SVG}title", "") for group in seen) == expected
    for group in seen:
        derivative = float(group.findtext(f"{SVG}title", "").split()[-1])
        assert float(group.findtext(f"{SVG}text", "").replace("\N{MINUS SIGN}", "-")) == float(f"{derivative:.4g}")


@pytest.mark.parametrize("label", [".0.x", "0.x", "..0.x", "[0].x", "a..0.x", "0.0.0", ".", "..", "a.٣.x", "٣.0.x"])
def test_labels_with_parts_that_are_empty_or_odd_digits(label: str) -> None:
    x = Value(2.0, label)
    root = x * Value(3.0, label) + Value(4.0, label.replace("x", "y")) * Value(5.0, label.replace("0", "1"))
    for depth in (None, 0, 1, 2):
        drawing = draw(root, depth=depth)
        assert counted(drawing) == (7, 6)
        if depth is None:
            assert titles(drawing).count(label) >= 2


def test_a_penalty_on_all_weights_of_a_layer_belongs_to_the_layer() -> None:
    model = nn.MLP(3, [3, 2], seed=0)
    outputs = model([0.1, 0.2, 0.3])
    assert isinstance(outputs, list)
    penalty = autograd.sum([w * w for neuron in model.layers[0].neurons for w in neuron.weights])
    root = outputs[0] + outputs[1] + penalty
    plain, decayed = draw(outputs[0] + outputs[1], depth=1), draw(root, depth=1)
    assert int(rows(decayed, "layers.0")["nodes"]) == int(rows(plain, "layers.0")["nodes"]) + 9 + 1
