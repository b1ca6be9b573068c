"""Copies and pickles of graphs: of any depth, with sharing, labels, gradients, subclasses and their attributes."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Constant, Value, topological_order

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
Duplicate = Callable[[Any], Any]


def pickled(protocol: int) -> Duplicate:
    return lambda x: pickle.loads(pickle.dumps(x, protocol))


def pickled_in_python(x: Any) -> Any:
    """Copy with the pickler and unpickler written in Python, which some other libraries subclass."""
    file = io.BytesIO()
    pickle._Pickler(file).dump(x)
    return pickle._Unpickler(io.BytesIO(file.getvalue())).load()


WAYS: dict[str, Duplicate] = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {protocol}": pickled(protocol) for protocol in PROTOCOLS},
    "pickle in Python": pickled_in_python,
}


@pytest.fixture(params=WAYS.values(), ids=list(WAYS))
def duplicate(request: pytest.FixtureRequest) -> Duplicate:
    way: Duplicate = request.param
    return way


class Named(Value):
    """A subclass with an attribute dictionary and a slot."""

    __slots__ = ("__dict__", "unit")

    unit: str
    where: Any
    result: Value
    source: Value
    other: Any
    lock: Any


class WithState(Value):
    """A subclass that defines its own state for pickling."""

    __slots__ = ("cache",)

    def __getstate__(self) -> Any:
        return {"data": self.data, "parents": self.parents}

    def __setstate__(self, state: Any) -> None:
        Value.__init__(self, state["data"])
        self.parents, self.cache = state["parents"], "made anew"


class Reducing(Value):
    """A subclass that calls the method it overrides."""

    __slots__ = ("times",)

    def __reduce_ex__(self, protocol: Any) -> Any:
        self.times = getattr(self, "times", 0) + 1
        return super().__reduce_ex__(protocol)


def chain(n: int) -> tuple[Value, Value]:
    x = y = Value(1.0, "x")
    for _ in range(n):
        y = (y * 1.0001 + x).tanh()
    return x, y


def assert_equal_graphs(roots: list[Value], others: list[Value]) -> None:
    nodes, copies = topological_order(*roots), topological_order(*others)
    assert len(nodes) == len(copies)
    assert {*map(id, nodes)}.isdisjoint(map(id, copies))
    position = {id(node): i for i, node in enumerate(nodes)}
    position_of_copy = {id(node): i for i, node in enumerate(copies)}
    assert [position[id(root)] for root in roots] == [position_of_copy[id(root)] for root in others]
    for node, other in zip(nodes, copies):
        assert type(node) is type(other)
        assert [position[id(p)] for p in node.parents] == [position_of_copy[id(p)] for p in other.parents]
        for name in ("data", "grad", "label", "local_derivatives", "primitive", "is_constant"):
            assert getattr(node, name) == getattr(other, name)


@pytest.mark.parametrize("depth", [30, 3000])
def test_a_deep_graph_with_sharing_comes_back(depth: int, duplicate: Duplicate) -> None:
    x, y = chain(depth)
    y.label = "end"
    y.backward()
    x2, y2 = duplicate((x, y))
    assert_equal_graphs([x, y], [x2, y2])
    before, x.grad, x2.grad = x.grad, 0.0, 0.0
    y2.backward()
    assert (x.grad, x2.grad) == (0.0, before)


def test_a_graph_of_a_hundred_thousand_nodes_in_a_row() -> None:
    x = y = Value(1.0)
    for _ in range(100_000):
        y = y + x
    for way in (copy.deepcopy, pickled(pickle.HIGHEST_PROTOCOL)):
        x2, y2 = way((x, y))
        y2.backward()
        assert (y2.data, x2.grad) == (100_001.0, 100_001.0)
        y3 = way(y)
        y3.backward()
        assert autograd.leaves(y3)[0].grad == 100_001.0


def test_depth_does_not_depend_on_the_recursion_limit() -> None:
    x, y = chain(2000)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(600)
    try:
        for way in (copy.deepcopy, pickled(4)):
            assert way(y).data == y.data
    finally:
        sys.setrecursionlimit(before)
    assert x.data == 1.0


def random_graph(chance: random.Random, size: int, far: int) -> list[Value]:
    """Make nodes with operands among the last `far` ones, including wide nodes."""
    nodes = [Value(chance.uniform(-1, 1), f"leaf {k}") for k in range(3)]
    for _ in range(size):
        operands = [chance.choice(nodes[-far:]) for _ in range(3)]
        nodes.append(chance.choice(OPERATIONS)(*operands))
    return nodes


OPERATIONS: list[Callable[[Value, Value, Value], Value]] = [
    lambda a, b, c: a + b,
    lambda a, b, c: (a * b).tanh(),
    lambda a, b, c: a * 0.5,
    lambda a, b, c: autograd.dot([a, b], [b, c], a).tanh(),
    lambda a, b, c: autograd.sum([a, b, c, a]).sin(),
    lambda a, b, c: a.detach(),
]


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(0, 300), st.sampled_from([2, 5, 100]), st.sampled_from([*WAYS]))
def test_random_graphs_come_back(chance: random.Random, size: int, far: int, way: str) -> None:
    nodes = random_graph(chance, size, far)
    some = chance.sample(nodes, min(len(nodes), 12))
    assert_equal_graphs(some, WAYS[way](some))


@pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])
def test_a_list_of_all_nodes_of_a_chain_takes_room_in_proportion(order: str, duplicate: Duplicate) -> None:
    """The states of a recurrence form such a list, in which each node is a parent of the next."""

    def some(n: int) -> list[Value]:
        nodes = topological_order(chain(n)[1])
        if order == "backward":
            nodes.reverse()
        if order == "shuffled":
            random.Random(0).shuffle(nodes)
        return nodes

    nodes = some(300)
    copies = duplicate(nodes)
    assert_equal_graphs(nodes, copies)
    if order != "shuffled":
        sizes = [len(pickle.dumps(some(n))) for n in (300, 3000)]
        assert sizes[1] < 15 * sizes[0]


def test_subclasses_keep_their_slots_and_attributes(duplicate: Duplicate) -> None:
    leaf = Named(2.0, "length")
    leaf.unit, leaf.where = "m", ["here", {"deep": (1, 2)}]
    y: Value = leaf
    for _ in range(200):
        y = y * 1.0
    leaf.result = y  # a cycle through an attribute
    leaf2, y2 = duplicate((leaf, y))
    assert type(leaf2) is Named
    assert (leaf2.unit, leaf2.where, leaf2.data, leaf2.label) == ("m", ["here", {"deep": (1, 2)}], 2.0, "length")
    assert leaf2.where is not leaf.where
    assert leaf2.result is y2
    assert autograd.leaves(y2)[0] is leaf2
    assert not hasattr(duplicate(Named(1.0)), "unit")


def test_graphs_that_hang_on_leaves_attributes(duplicate: Duplicate) -> None:
    """Each leaf of a deep graph refers to another graph, and is the first operand, which pickle visits first."""
    y = Value(1.0)
    for k in range(300):
        leaf = Named(float(k))
        leaf.source = Value(2.0).exp() * k
        y = leaf + y
    y2 = duplicate(y)
    assert y2.data == y.data
    numbers = [leaf.source.data for leaf in autograd.leaves(y2) if isinstance(leaf, Named)]
    assert sorted(numbers) == sorted((Value(2.0).exp() * k).data for k in range(300))


def test_subclasses_that_say_how_they_are_copied(duplicate: Duplicate) -> None:
    node = WithState(3.0)
    node.parents = (Value(1.0, "a"), Value(2.0))
    y: Value = node
    for _ in range(100):
        y = y + 1.0
    other = autograd.leaves(duplicate(y))
    duplicated = next(n for n in topological_order(duplicate(y)) if type(n) is WithState)
    assert (duplicated.data, duplicated.cache, [p.data for p in duplicated.parents]) == (3.0, "made anew", [1.0, 2.0])
    assert any(leaf.label == "a" for leaf in other)
    reducing = Reducing(4.0)
    assert duplicate(reducing * 2).parents[0].data == 4.0
    assert reducing.times == 1


@pytest.mark.parametrize("kind", [Value, Constant, Named])
def test_a_shallow_copy_shares_its_parents(kind: type[Value]) -> None:
    leaf = kind(2.0, "leaf")
    leaf.grad = 3.0
    if isinstance(leaf, Named):
        leaf.unit, leaf.other = "m", [1]
    deep = chain(1000)[1]
    for node in (leaf, leaf * 2, deep):
        other = copy.copy(node)
        assert other is not node
        assert type(other) is type(node)
        for name in ("data", "grad", "label", "parents", "local_derivatives", "primitive"):
            assert getattr(other, name) is getattr(node, name)
    if isinstance(leaf, Named):
        other = copy.copy(leaf)
        assert other.unit == "m"
        assert other.other is leaf.other


def test_copies_of_copies_and_many_pickles_in_a_row(duplicate: Duplicate) -> None:
    x, y = chain(100)
    for _ in range(3):
        x, y = duplicate((x, y))
    assert_equal_graphs([x, y], list(duplicate([x, y])))
    pickler = io.BytesIO()
    stream = pickle.Pickler(pickler)
    for item in (x, y, y.parents[0]):
        stream.dump(item)
    stream2 = pickle.Unpickler(io.BytesIO(pickler.getvalue()))
    _, second, third = (stream2.load() for _ in range(3))
    assert third is second.parents[0]


def test_a_pickle_that_failed_does_not_spoil_the_next() -> None:
    _, y = chain(400)  # deeper than the recursion limit
    bad = Named(1.0)
    bad.lock = threading.Lock()
    for k in range(40):
        z = bad + y
        for _ in range(k):
            z = z * 2
        with pytest.raises(TypeError, match="lock"):
            pickle.dumps(z)
        with pytest.raises(TypeError, match="lock"):
            copy.deepcopy(z)
        assert pickle.loads(pickle.dumps(y)).data == y.data


def test_pickling_in_many_threads_at_once() -> None:
    graphs = [chain(200 + k) for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for (x, y), (x2, y2) in zip(graphs * 4, pool.map(pickled(4), graphs * 4)):
            assert_equal_graphs([x, y], [x2, y2])


def test_nothing_is_kept_alive_by_a_pickle_that_is_over() -> None:
    freed: list[str] = []

    class Watched(Value):
        __slots__ = ()

        def __del__(self) -> None:
            freed.append(self.label)

    y: Value = Watched(1.0, "leaf")
    for _ in range(60):
        y = y * 2
    copy.deepcopy(y)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(y)  # a class inside a function cannot be found by name
    freed.clear()
    del y
    gc.collect()
    assert freed == ["leaf"]


def test_a_model_its_optimizer_and_a_deep_loss_stay_together(duplicate: Duplicate) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    optimizer = nn.Adam(model.parameters())
    loss = Value(0.0)
    for k in range(60):
        loss = loss + nn.half_squared_error(model([k / 60, 1.0]), 0.5)
    model2, optimizer2, loss2 = duplicate((model, optimizer, loss))
    loss2.backward()
    assert optimizer2.parameters == model2.parameters()
    assert all(a is b for a, b in zip(optimizer2.parameters, model2.parameters()))
    assert all(p.grad != 0.0 for p in model2.parameters())
    assert all(p.grad == 0.0 for p in model.parameters())
