"""The chain rule spelled out: it equals a sweep, and symbols and numbers agree, for any graph and any label."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
import nn
from autograd import Constant, Value, topological_order
from autograd.drawing.explanation import Explanation, explain
from autograd.drawing.names import name_of
from autograd.primitives import Primitive

OPERATIONS: list[tuple[int, Callable[..., Any]]] = [
    (2, lambda a, b: a * b),
    (2, lambda a, b: a - b),
    (2, lambda a, b: a / (b * b + 1)),
    (1, lambda a: 0.5 * a**3),
    (1, lambda a: a.sin()),
    (3, lambda a, b, c: autograd.sum([a, b, c, a])),
    (4, lambda a, b, c, d: autograd.dot([a, b, 2.0], [c, a, d], b)),
]


@st.composite
def random_graphs(draw: st.DrawFn) -> list[Value]:
    """Draw all variables of a random graph in topological order, labelled n0, n1, ..., with wide nodes, too."""
    nodes = [Value(draw(st.floats(-2, 2))) for _ in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, 6))):
        operands, operation = draw(st.sampled_from(OPERATIONS))
        nodes.append(operation(*(draw(st.sampled_from(nodes)) for _ in range(operands))))
    nodes = [node for node in topological_order(*nodes) if not node.is_constant]
    for i, node in enumerate(nodes):
        node.label = f"n{i}"
    return nodes


def fresh_sweep(root: Value, leaf: Value) -> float:
    for node in topological_order(root, leaf):
        node.grad = 0.0
    root.backward()
    return leaf.grad


def count_paths(root: Value, leaf: Value) -> int:
    return 1 if root is leaf else sum(count_paths(parent, leaf) for parent in root.parents)


def labelled(label: str, value: Value) -> Value:
    value.label = label
    return value


def equations(explanation: Explanation) -> dict[str, list[str]]:
    """Return the sides of each equation of the derivation, by its left side; broken lines are joined."""
    text = explanation.text.split("\n\nwhere")[0]
    joined = re.sub(r"\n +([=≈+−·…])", r" \1", text)
    rows = [re.split(" [=≈] ", line) for line in joined.splitlines() if re.match(" *[dδ∂]", line)]
    return {left.strip(): sides for left, *sides in rows}


def evaluate(side: str, graph: dict[str, Value], delta: dict[str, float]) -> float:
    """Evaluate one side of an equation, in symbols or in numbers."""

    def derivative(match: re.Match[str]) -> str:
        child, parent, use = graph[match[1]], graph[match[2]], int((match[3] or "₁").translate(DIGITS))
        places = [k for k, operand in enumerate(child.parents) if operand is parent]
        assert (match[3] is None) == (len(places) == 1)
        return repr(child.local_derivatives[places[use - 1]])

    side = re.sub(r"∂([\w]+)/∂(\w+)(?:\|([₀-₉]+))?", derivative, side)
    side = re.sub(r"δ_(\w+)", lambda match: repr(delta[match[1]]), side)
    assert re.fullmatch(r"[-\d.e+ ()·−]+", side)
    return float(eval(side.replace("·", "*").replace("−", "-")))


DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

# Equal to a sweep


@pytest.mark.parametrize("max_paths", [0, 1, 2, 10**6])
@given(graph=random_graphs(), data=st.data())
def test_value_and_terms_are_a_fresh_sweeps(max_paths: int, graph: list[Value], data: st.DataObject) -> None:
    root, leaf = data.draw(st.sampled_from(graph)), data.draw(st.sampled_from(graph))
    explanation = explain(root, leaf, max_paths=max_paths)
    paths = count_paths(root, leaf)
    assert explanation.value == fresh_sweep(root, leaf)
    assert explanation.paths == paths
    assert explanation.factored == (paths > max_paths and root is not leaf)
    size = math.fsum(map(abs, explanation.terms))
    assert math.isclose(math.fsum(explanation.terms), explanation.value, rel_tol=1e-12, abs_tol=1e-12 * size)
    assert explanation.factored or len(explanation.terms) == paths


@pytest.mark.parametrize("max_paths", [0, 10**6])
@given(graph=random_graphs(), data=st.data())
def test_symbols_and_numbers_in_print_agree(max_paths: int, graph: list[Value], data: st.DataObject) -> None:
    """All sides of an equation are equal when parsed, with the graph's derivatives for the symbols."""
    root = graph[-1]
    leaf = data.draw(st.sampled_from([node for node in topological_order(root) if node in set(graph)]))
    explanation = explain(root, leaf, precision=17, max_paths=max_paths)
    delta: dict[str, float] = {}
    by_label = {node.label: node for node in graph}
    lines = equations(explanation)
    for left, sides in lines.items():
        whole = [side for side in sides if "…" not in side]
        numbers = [evaluate(side, by_label, delta) for side in whole]
        size = max(evaluate(re.sub("(?<!e)−", "+", side), {}, {}) for side in whole if "∂" not in side)
        assert all(math.isclose(number, numbers[-1], rel_tol=1e-12, abs_tol=1e-12 * size) for number in numbers)
        if left.startswith("δ_"):
            delta[left[2:]] = numbers[-1]
            assert numbers[-1] == fresh_sweep(root, by_label[left[2:]])
    assert lines[f"d{root.label}/d{leaf.label}"]
    assert numbers[-1] == explanation.value


@given(graph=random_graphs(), data=st.data())
def test_explaining_does_not_change_the_graph(graph: list[Value], data: st.DataObject) -> None:
    for node in graph:
        node.grad = data.draw(st.floats(-9, 9))
    before = [(node.data, node.grad, node.label, node.parents, node.local_derivatives) for node in graph]
    root, leaf = data.draw(st.sampled_from(graph)), data.draw(st.sampled_from(graph))
    first, second = (explain(root, leaf, max_paths=data.draw(st.sampled_from([0, 8]))) for _ in range(2))
    assert [(node.data, node.grad, node.label, node.parents, node.local_derivatives) for node in graph] == before
    assert first.value == second.value


# Examples from calculus, worked by hand


def test_a_sum_over_two_paths() -> None:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c, d = labelled("c", a * b), labelled("d", a + 1)
    explanation = explain(labelled("g", c * d), a)
    assert str(explanation) == "\n".join(
        [
            "2 paths lead from a to g:",
            "dg/da = ∂g/∂c · ∂c/∂a + ∂g/∂d · ∂d/∂a",
            "      = 3.0 · (−3.0) + (−6.0) · 1.0",
            "      = −9.0 − 6.0",
            "      = −15.0",
            "",
            "where",
            "c = a · b = −6.0",
            "d = a + 1.0 = 3.0",
            "g = c · d = −18.0",
            "",
            "with a = 2.0, b = −3.0",
        ]
    )
    assert explanation[:4] == (-15.0, 2, (-9.0, -6.0), False)
    assert r"\frac{d g}{d a} &= \frac{\partial g}{\partial c} \cdot \frac{\partial c}{\partial a} + " in (
        explanation.latex
    )
    assert r" &= 3.0 \cdot \left(-3.0\right) + \left(-6.0\right) \cdot 1.0 \\" in explanation.latex
    assert r" &= -9.0 - 6.0 \\" in explanation.latex


def test_the_exercise_of_three_functions() -> None:
    """k = h ∘ f ∘ g with g = x², f = sin, h = exp has k′ = exp(sin x²) · cos x² · 2x."""
    x = Value(0.7, "x")
    g = labelled("g", x**2)
    f = labelled("f", g.sin())
    explanation = explain(labelled("k", f.exp()), x, precision=17)
    assert equations(explanation)["dk/dx"][0] == "∂k/∂f · ∂f/∂g · ∂g/∂x"
    numbers = [float(number) for number in equations(explanation)["dk/dx"][1].split(" · ")]
    assert numbers == pytest.approx([math.exp(math.sin(0.49)), math.cos(0.49), 1.4], rel=1e-15)


@pytest.mark.parametrize(
    ("formula", "sides", "operation"),
    [
        (lambda a, b: a / b, ["∂y/∂a", "0.5"], "a / b = 3.0"),
        (lambda a, b: a - b, ["∂y/∂a", "1.0"], "a − b = 4.0"),
        (lambda a, b: a**2, ["∂y/∂a", "12.0"], "a^2.0 = 36.0"),
        (lambda a, b: -a, ["∂y/∂a", "−1.0"], "−a = −6.0"),
        (lambda a, b: autograd.maximum(a, b), ["∂y/∂a", "1.0"], "maximum(a, b) = 6.0"),
        (lambda a, b: a * -2, ["∂y/∂a", "−2.0"], "a · (−2.0) = −12.0"),
        (lambda a, b: a * a, ["∂y/∂a|₁ + ∂y/∂a|₂", "6.0 + 6.0", "12.0"], "a · a = 36.0"),
        (
            lambda a, b: autograd.dot([a, b], [b, a], a),
            ["∂y/∂a|₁ + ∂y/∂a|₂ + ∂y/∂a|₃", "2.0 + 2.0 + 1.0", "5.0"],
            "a · b + b · a + a = 30.0",
        ),
    ],
)
def test_operations(formula: Callable[[Value, Value], Value], sides: list[str], operation: str) -> None:
    a, b = Value(6.0, "a"), Value(2.0, "b")
    explanation = explain(labelled("y", formula(a, b)), a)
    assert equations(explanation) == {"dy/da": sides}
    assert f"\ny = {operation}\n" in explanation.text


def test_numbers_that_are_rounded_in_print_are_said_to_be() -> None:
    a = Value(1.0, "a")
    text = explain(labelled("y", a / 3), a, precision=3).text
    assert text == "dy/da = ∂y/∂a\n      ≈ 0.333\n\nwhere\ny = a / 3.0 ≈ 0.333\n\nwith a = 1.0"
    chain = "dz/da = ∂z/∂y · ∂y/∂a\n      ≈ 3.0 · 0.333333\n      ≈ 1.0\n"
    assert explain(labelled("z", labelled("y", a / 3) * 3), a).text.startswith(chain)


def test_the_equations_of_a_small_network() -> None:
    """The equations are δ = (a − y) σ′(z) at the output, δ = Σ w δ σ′(z) before it, and ∂E/∂w = a δ."""
    model = nn.MLP(2, [2, 2], seed=3)
    x, y = [0.4, -0.9], [1.0, 0.0]
    a = model(x)
    assert isinstance(a, list)
    half_squares = [(a_j - y_j) ** 2 / 2 for a_j, y_j in zip(a, y)]
    error = labelled("E", half_squares[0] + half_squares[1])
    hidden, outer = model.layers[0].neurons, model.layers[1].neurons
    explanation = explain(error, hidden[1].weights[0], precision=17, max_paths=0)

    sides = equations(explanation)
    delta = {left: float(right[-1].replace("−", "-")) for left, right in sides.items()}
    activations = [1 / (1 + math.exp(-sum(w.data * x_k for w, x_k in zip(n.weights, x)) - n.bias.data)) for n in hidden]
    delta_out = [(a_j.data - y_j) * a_j.data * (1 - a_j.data) for a_j, y_j in zip(a, y)]
    delta_1 = sum(n.weights[1].data * d for n, d in zip(outer, delta_out)) * activations[1] * (1 - activations[1])
    assert [delta["δ_z2[0]"], delta["δ_z2[1]"], delta["δ_z1[1]"]] == pytest.approx([*delta_out, delta_1], rel=1e-12)
    assert sides["δ_a1[1]"][0] == "∂z2[1]/∂a1[1] · δ_z2[1] + ∂z2[0]/∂a1[1] · δ_z2[0]"
    assert sides["dE/dw1[1, 0]"][0] == "∂z1[1]/∂w1[1, 0] · δ_z1[1]"
    assert explanation.value == pytest.approx(delta_1 * x[0], rel=1e-12)
    assert r"\delta_{z^{(2)}_{0}}" in explanation.latex


# Large graphs


def doublings(x: Value, times: int, factor: float) -> Value:
    for _ in range(times):
        x = factor * (x + x)
    return x


def test_two_to_the_sixty_paths() -> None:
    x = Value(3.0, "x")
    explanation = explain(doublings(x, 60, 1.0), x)
    assert explanation.value == math.fsum(explanation.terms) == explanation.paths == 2**60
    assert explanation.factored
    assert explanation.text.startswith("≈ 1.15 × 10^18 paths lead from x to v120, of up to 120 steps")


def test_counts_of_thousands_of_digits_and_graphs_of_any_depth() -> None:
    x = Value(3.0, "x")
    explanation = explain(doublings(x, 20_000, 0.5), x)
    assert explanation.value == 1.0
    assert explanation.paths == 2**20_000
    digits, exponent = mpmath.nstr(mpmath.mpf(2) ** 20_000, 3).split("e+")
    assert explanation.text.startswith(f"≈ {digits} × 10^{exponent} paths")
    assert len(explanation.text) < 3000


@pytest.mark.parametrize(
    ("widths", "count"), [([27, 37, 7, 11, 13], "999,999"), ([10] * 6, "≈ 1.00 × 10^6"), ([3, 3], "9"), ([1], "1")]
)
def test_paths_are_counted_exactly_below_a_million(widths: list[int], count: str) -> None:
    y = x = Value(1.0, "x")
    for width in widths:
        y = autograd.sum([y] * width)
    explanation = explain(y, x, max_paths=0)
    assert explanation.value == explanation.paths == math.prod(widths)
    assert explanation.text.startswith(f"{count} path")


@pytest.mark.parametrize(("steps", "factored"), [(12, False), (13, True)])
def test_long_paths_are_factored(steps: int, factored: bool) -> None:
    y = x = Value(0.5, "x")
    for _ in range(steps - 1):
        y = y.tanh()
    assert [explain(root, x).factored for root in (y.tanh(), y + x, x.sin() + y)] == [factored] * 3


@pytest.mark.parametrize("max_paths", [0, 8])
def test_lines_are_not_too_long(max_paths: int) -> None:
    model = nn.MLP(30, [3, 3, 1], seed=0)
    error = model([0.1] * 30)
    assert isinstance(error, Value)
    error.label = "an error with a name of some length"
    explanation = explain(error, model.layers[0].neurons[2].weights[10], max_paths=max_paths)
    assert explanation.factored == (max_paths == 0)
    assert max(len(line) for line in explanation.text.splitlines()) <= 140
    assert max(len(re.sub(r"\\[a-z]+|[{}^_ ]", "", line)) for line in explanation.latex.splitlines()) <= 140


def test_many_lines_and_terms_are_abridged_and_counted() -> None:
    w = Value(0.5, "w")
    root = autograd.sum([(w * k).tanh() for k in range(100)])
    text = explain(root, w).text
    lines = [line for line in text.splitlines() if line.strip().startswith("δ_")]
    omitted = int(re.findall(r"⋮ and (\d+) more lines of this kind", text)[0])
    assert len(lines) + omitted == len({node for node in topological_order(root) if not node.is_constant}) - 1
    last = text.split("and so\n")[1].split("\n\n")[0]
    shown = re.findall(r"∂v\d+/∂w · δ_v\d+", last)
    assert {int(n) + len(shown) for n in re.findall(r"… (\d+) more …", last)} == {100}


def test_a_wide_node_is_explained_by_the_edges_on_the_way() -> None:
    xs, w = [Value(float(k), f"x{k}") for k in range(500)], Value(2.0, "w")
    explanation = explain(labelled("z", autograd.dot([w] * 500, xs)), xs[7])
    assert equations(explanation) == {"dz/dx7": ["∂z/∂x7", "2.0"]}
    assert "z = w · x0 + w · x1 + … 497 more … + w · x499 + 0.0 = 249500.0" in explanation.text.replace("≈", "=")


# Leaves of every kind, and warnings to the reader


@pytest.mark.parametrize("max_paths", [0, 8])
def test_a_node_explained_by_itself(max_paths: int) -> None:
    for node in (Value(2.0, "a"), labelled("a", Value(2.0) * 3), labelled("a", Constant(3.0))):
        explanation = explain(node, node, max_paths=max_paths)
        assert explanation[:4] == (1.0, 1, (1.0,), False)
        assert "The derivative of a number with respect to itself:\nda/da = 1.0\n" in explanation.text


def test_a_leaf_that_the_root_does_not_depend_on() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = labelled("c", a * a)
    explanation = explain(c, b)
    assert explanation[:4] == (0.0, 0, (), False)
    assert explanation.text.startswith("c does not depend on b: no path leads from b to c.\ndc/db = 0.0\n")
    reverse = explain(a, c)
    assert reverse.value == 0.0
    assert "\nInstead, c depends on a.\nda/dc = 0.0\n" in reverse.text


def test_a_constant_exponent() -> None:
    square = labelled("y", Value(3.0, "x") ** 2)
    explanation = explain(square, square.parents[1])
    assert explanation.value == 0.0
    convention = "the derivative with respect to a constant exponent counts as 0."
    assert explanation.text.startswith(f"2.0 is a constant; {convention}")


@pytest.mark.parametrize(("root", "leaf"), [(Value(1.0), 2.0), (2.0, Value(1.0)), (Value(1.0), [Value(1.0)])])
def test_what_is_no_value_is_refused(root: Value, leaf: Value) -> None:
    with pytest.raises(TypeError, match=r"explain expects two Values of a graph, as in explain\(loss, w\); the "):
        explain(root, leaf)


@pytest.mark.parametrize("options", [{"precision": 0}, {"precision": 2.5}, {"max_paths": -1}])
def test_options_that_make_no_sense_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be an integer of at least"):
        explain(Value(1.0), Value(1.0), **options)


def test_a_stale_graph_is_said_to_be_stale_before_anything_else() -> None:
    a = Value(2.0, "a")
    b = labelled("b", a * a)
    assert "stale" not in explain(b, a).text
    a.data = 5.0
    explanation = explain(b, a)
    assert explanation.text.startswith("This graph is stale: 1 of its numbers")
    assert "Remedy: compute b again, and explain the new one." in explanation.text
    assert "\nb = a · a\n" in explanation.text, "no number that would be false now"
    assert explanation.value == 4.0


def test_derivatives_that_are_not_finite_are_shown_and_added_as_a_sweep_does() -> None:
    x = Value(0.0, "x")
    root = labelled("s", x.sqrt())
    assert explain(root, x).text.startswith("A derivative is not finite: ∂s/∂x = inf\n\nds/dx = ∂s/∂x\n      = inf\n")
    y = 2 * root - root  # inf · (2 − 1), where the paths alone would be inf − inf
    explanation = explain(y, x)
    assert explanation.value == fresh_sweep(y, x) == math.inf
    assert explanation.factored
    assert r"\infty" in explanation.latex
    zero = 0 * root
    assert math.isnan(explain(zero, x).value) == math.isnan(fresh_sweep(zero, x)) is True
    off = zero.relu()  # it does not select the number
    explanation = explain(off, x)
    assert explanation.value == fresh_sweep(off, x) == 0.0
    assert "nan" not in explanation.text and "did not select" in explanation.text


# LaTeX

GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega|"
    "Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
VOCABULARY = (
    r"approx|backslash|begin|cdot|cdots|end|frac|gt|hat|infty|ldots|left|lt|mathrm|partial|quad|right|sim|"
    r"text|times|underbrace|vdots|[{}$%#&_ ;]|\\(?:\[\dex\])?"
)


@given(st.text(max_size=40) | st.sampled_from(["\\href{javascript:alert(1)}{x}", "$$", "}", "\\", "<script>", "\x00"]))
def test_a_label_never_becomes_a_command(label: str) -> None:
    """The only commands are this module's and Greek letters, and all braces are balanced."""
    x = Value(2.0, label)
    explanation = explain(labelled("y", x * x + x), x)
    latex = explanation._repr_latex_()
    hidden = {character for character in explanation.text + latex if unicodedata.category(character)[0] == "C"}
    assert hidden <= {"\n", "\u200d"}, "but for the joiner of emoji, nothing invisible is left"
    commands = re.findall(r"\\([a-zA-Z]+|\\\[\dex\]|.)", latex, re.DOTALL)
    assert {command for command in commands if not re.fullmatch(f"{VOCABULARY}|{GREEK}", command)} == set()
    bare = re.sub(r"\\([a-zA-Z]+|.)", "", latex)
    assert bare.count("{") == bare.count("}")
    assert not set("%#<>~") & set(bare)
    assert bare.startswith("$$") and bare.endswith("$$") and bare.count("$") == 4


def test_an_operation_of_the_users_own_never_becomes_a_command() -> None:
    hostile = Primitive("own", lambda x: x, lambda x, out: (1.0,), "}\\href{javascript:alert(1)}{x}$$", None)
    x = Value(2.0, "x")
    latex = explain(labelled("y", Value.apply(hostile, (x,))), x).latex
    assert r"y &= \mathrm{\}\backslash{}href\{javascript:alert(1)\}\{x\}\$\$}\left(x\right) = 2.0" in latex


def test_a_power_of_a_name_with_a_superscript_is_one_of_brackets() -> None:
    """LaTeX rejects two superscripts in a row."""
    z = Value(2.0, "layers.0.neurons.3.z")
    assert r"y &= \left(z^{(1)}_{3}\right)^{2.0} = 4.0" in explain(labelled("y", z**2), z).latex


@pytest.mark.parametrize("label", ["}\\end{aligned}", "\\href{javascript:alert(1)}{x}", "$$ \n", "a&b \\\\", "<!--"])
def test_only_the_name_depends_on_the_label(label: str) -> None:
    def structure(label: str) -> str:
        x = Value(2.0, label)
        return explain(labelled("y", x * 3), x).latex.replace(name_of(label).latex, "NAME")

    assert structure(label) == structure("two words")
