"""Walking a graph: orders, counts, staleness, the first number that is not finite, and graphs of any depth."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Value, first_nonfinite, is_stale, leaves, stale_nodes, summary, topological_order


@st.composite
def random_graphs(draw: st.DrawFn) -> list[Value]:
    """Draw all nodes of a random graph, as they were made: leaves, sums and products, with repeated operands."""
    nodes = [Value(draw(st.floats(-1, 1)), f"leaf {i}") for i in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(0, 25))):
        parents = draw(st.lists(st.sampled_from(range(len(nodes))), min_size=1, max_size=5))
        operands = [nodes[i] for i in parents]
        if len(operands) == 2:
            nodes.append(operands[0] * operands[1])
        else:
            nodes.append(autograd.sum(operands))
    return nodes


def ancestors_by_definition(roots: list[Value]) -> set[Value]:
    """Return the roots, their parents, the parents of those, and so on until nothing is added."""
    reached = set(roots)
    while True:
        wider = reached.union(*(node.parents for node in reached))
        if wider == reached:
            return reached
        reached = wider


# The topological order


def test_topological_order_of_an_example() -> None:
    """Leaves come first, then operations, those of an earlier operand before those of a later one."""
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(5.0, "c")
    product = a * b
    root = (product + c) / (product - a)
    assert [node.label or node.op for node in topological_order(root)] == ["a", "b", "c", "*", "+", "-", "/"]


@given(random_graphs(), st.data())
def test_every_parent_stands_before_its_children_and_each_node_once(graph: list[Value], data: st.DataObject) -> None:
    roots = data.draw(st.lists(st.sampled_from(range(len(graph))), min_size=1, max_size=3))
    order = topological_order(*(graph[i] for i in roots))
    position = {node: i for i, node in enumerate(order)}
    assert len(position) == len(order)
    assert {*order} == ancestors_by_definition([graph[i] for i in roots])
    assert all(position[parent] < position[node] for node in order for parent in node.parents)
    assert [bool(node.parents) for node in order] == sorted(bool(node.parents) for node in order)


@given(random_graphs(), st.data())
def test_nodes_to_stop_at_are_left_out_with_what_only_they_depend_on(graph: list[Value], data: st.DataObject) -> None:
    stop = {graph[i] for i in data.draw(st.sets(st.sampled_from(range(len(graph)))))}
    reached: set[Value] = set()
    pending = [graph[-1]]
    while pending:
        node = pending.pop()
        if node not in stop:
            reached.add(node)
            pending.extend(node.parents)
    assert {*topological_order(graph[-1], stop=stop)} == reached


def test_topological_order_is_the_same_in_every_process(run_python: Callable[..., str]) -> None:
    """It depends only on the graph, not on addresses in memory or on hashes of strings."""
    source = """
import random
from autograd import Value, sum, topological_order
numbers = random.Random(1)
ballast = [object() for _ in range(hash("a") % 10_000)]  # so that addresses differ
nodes = [Value(1.0, f"leaf {i}") for i in range(10)]
for i in range(200):
    nodes.append(sum(numbers.choices(nodes, k=3)))
    nodes[-1].label = f"node {i}"
print(*(node.label for node in topological_order(nodes[-1])), sep=",")
"""
    orders = {run_python(source, PYTHONHASHSEED=seed) for seed in ("0", "1", "2")}
    assert len(orders) == 1
    assert "node 199" in orders.pop()


def test_order_of_a_leaf_alone() -> None:
    v = Value(1.0)
    assert topological_order(v) == [v]
    assert topological_order(v, stop=[v]) == []
    assert topological_order() == []


# Counts


def test_leaves_are_the_nodes_without_parents_constants_among_them() -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    result = leaves(a * 3 + b)
    assert [node.label or node.data for node in result] == ["a", 3.0, "b"]
    assert [node.is_constant for node in result] == [False, True, False]


def test_counts_of_an_expression_counted_by_hand() -> None:
    """d = (a b + a) (a b) has the leaves a and b, and the nodes a b, + and *, with two edges each."""
    a, b = Value(2.0), Value(3.0)
    product = a * b
    counts = summary((product + a) * product)
    assert (counts.nodes, counts.leaves, counts.edges, counts.depth) == (5, 2, 6, 3)
    assert (counts.stale, counts.first_nonfinite) == (0, None)
    assert str(counts) == "5 nodes (2 leaves), 6 edges, depth 3"


def test_counts_of_a_neuron() -> None:
    """A dot of 3 weights, 3 inputs and a bias is one node with 7 edges; the activation has one."""
    weights = [Value(0.1), Value(0.2), Value(0.3)]
    counts = summary(autograd.dot(weights, [1.0, 2.0, 3.0], bias=Value(0.5)).sigmoid())
    assert (counts.nodes, counts.leaves, counts.edges, counts.depth) == (9, 7, 8, 2)


def test_a_parent_used_twice_by_one_node_counts_as_two_edges() -> None:
    x = Value(3.0)
    counts = summary(x * x)
    assert (counts.nodes, counts.leaves, counts.edges, counts.depth) == (2, 1, 2, 1)


def test_counts_of_a_leaf_and_of_two_roots() -> None:
    x = Value(3.0)
    assert summary(x)[:4] == (1, 0, 1, 0)
    assert summary(x.exp(), x.sin())[:4] == (3, 2, 1, 1)


def test_large_counts_are_readable() -> None:
    assert str(summary(autograd.sum([Value(1.0)] * 5000))) == "2 nodes (1 leaves), 5,000 edges, depth 1"


# Staleness


def test_a_graph_is_stale_after_a_leaf_changed_and_fresh_when_computed_again() -> None:
    a, b = Value(2.0), Value(3.0)

    def compute() -> tuple[Value, Value]:
        product = a * b
        return product, product.exp() + b

    product, root = compute()
    assert not is_stale(root)
    assert stale_nodes(root) == []
    a.data = 2.5
    assert is_stale(root)
    assert len(stale_nodes(root)) == 1  # the nodes after it still agree with the numbers they were computed from
    assert stale_nodes(root)[0] is product
    assert summary(root).stale == 1
    assert "stale: 1 nodes" in str(summary(root))
    assert not is_stale(compute()[1])


def test_a_graph_is_stale_where_only_a_derivative_changed() -> None:
    """The value of 0 * b stays 0 when b changes, but its derivative w.r.t. the 0 does not stay the same."""
    b = Value(3.0)
    root = Value(0.0) * b
    b.data = 4.0
    assert is_stale(root)


def test_a_graph_is_stale_where_its_value_is_no_longer_defined() -> None:
    x = Value(1.0)
    root = x.log()
    x.data = -1.0
    assert is_stale(root)


def test_nan_and_infinite_numbers_do_not_make_a_graph_stale() -> None:
    x = Value(0.0)
    assert not is_stale(x * math.inf)
    assert not is_stale(x.sqrt())
    assert not is_stale(autograd.hypot(x, x))


@pytest.mark.parametrize(("before", "now"), [(math.nan, 2.0), (2.0, math.nan)])
def test_a_number_that_takes_the_place_of_nan_makes_a_graph_stale_and_the_reverse(before: float, now: float) -> None:
    x = Value(before)
    root = x + 1
    x.data = now
    assert is_stale(root)


def test_a_changed_leaf_that_the_root_does_not_depend_on_makes_nothing_stale() -> None:
    a, b = Value(2.0), Value(3.0)
    root, other = a.exp(), b.exp()
    b.data = 4.0
    assert not is_stale(root)
    assert is_stale(root, other)


# The first number that is not finite


def test_the_first_node_with_a_value_that_is_not_finite() -> None:
    x = Value(1e300, "x")
    overflow = x * x
    root = overflow * 2 - overflow
    assert math.isnan(root.data)
    assert first_nonfinite(root) is overflow
    assert summary(root).first_nonfinite is overflow
    assert "not finite, first at Value(data=inf" in str(summary(root))


def test_the_first_node_with_a_derivative_that_is_not_finite() -> None:
    x = Value(0.0, "x")
    root = x.sqrt()
    assert first_nonfinite(root * 2 + 1) is root


def test_a_leaf_that_is_not_finite_comes_first() -> None:
    x = Value(math.nan, "x")
    assert first_nonfinite(x * 2) is x


def test_derivatives_to_constants_do_not_count() -> None:
    """The derivative of hypot(x, 0) is undefined at x = 0; if the 0 is a constant, it is not needed."""
    zero = Value(0.0)
    exponent = Value(0.5)
    assert first_nonfinite(autograd.hypot(zero.detach(), 0.0) * exponent) is None
    assert first_nonfinite(autograd.hypot(zero, 0.0) * exponent) is not None


def test_finite_graphs_have_none() -> None:
    x = Value(2.0)
    assert first_nonfinite(x.exp() / x) is None


def test_the_largest_float_is_finite() -> None:
    largest = sys.float_info.max
    assert first_nonfinite(Value(largest) + Value(0.0)) is None
    assert first_nonfinite(Value(0.5) * Value(largest)) is None  # the derivative w.r.t. the half


# Depth: limited only by memory, at the default recursion limit

STEPS = 1_000_000


@pytest.fixture
def default_recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


def living_values() -> int:
    return sum(type(thing) is Value for thing in gc.get_objects())


def test_a_chain_of_a_million_nodes(default_recursion_limit: None) -> None:
    """x + step + ... is computed, differentiated twice and freed. Its derivatives are 1 and the number of steps."""
    gc.collect()
    before = living_values()
    gc.disable()  # it would traverse the growing chain again and again
    try:
        x, step = Value(0.0), Value(0.5)
        node = x
        for _ in range(STEPS):
            node = node + step
        assert node.data == STEPS / 2
        node.backward()
        assert (x.grad, step.grad) == (1.0, STEPS)
        node.backward()
        assert (x.grad, step.grad) == (2.0, 2 * STEPS)
        assert living_values() == before + STEPS + 2
        del node
        assert living_values() == before + 2
    finally:
        gc.enable()


def test_questions_asked_of_a_deep_chain(default_recursion_limit: None) -> None:
    n = 50_000
    x = Value(1.0)
    node = x
    for _ in range(n):
        node = -node
    assert len(topological_order(node)) == n + 1
    assert [leaf is x for leaf in leaves(node)] == [True]
    assert summary(node)[:4] == (n + 1, n, 1, n)
    assert not is_stale(node)
    assert first_nonfinite(node) is None


def test_derivatives_of_a_deep_function(default_recursion_limit: None) -> None:
    """x + n x² has the derivative 1 + 2nx, and the second derivative 2n."""
    n = 10_000

    def f(x: Value) -> Value:
        total = x
        for _ in range(n):
            total = total + x * x
        return total

    assert autograd.grad(f)(3.0) == 1 + 6 * n
    assert autograd.grad(autograd.grad(f))(3.0) == 2 * n
    assert autograd.jvp(f, (3.0,), (1.0,))[1] == 1 + 6 * n


def test_a_leaf_used_a_hundred_thousand_times(default_recursion_limit: None) -> None:
    x = Value(0.5)
    for total in (sum(x * 1.0 for _ in range(100_000)), autograd.sum([x] * 100_000)):
        assert isinstance(total, Value)
        x.grad = 0.0
        total.backward()
        assert (total.data, x.grad) == (50_000.0, 100_000.0)
