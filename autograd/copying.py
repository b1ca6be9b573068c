"""Copies and pickles of graphs of any depth, where `copy` and `pickle` themselves call on for each edge of a path.

A deep copy walks the graph with a stack of its own. A pickle cannot, since it is `pickle` that walks: so a node says of
itself what any object would, except where `pickle` has come far down a path. There the node says that it is the last of
a list, which holds all nodes below it, parents before children, none of which leads `pickle` further down.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

from autograd.graph import topological_order
from autograd.value import Constant, Traced, Value

DEEPEST = 25  # edges of a path that pickle may go down; each takes some ten of Python's 1,000 calls inside each other
_PATHS = 4
_PLAIN = {Value, Constant, Traced}


class _Local(threading.local):
    """The paths that pickles of this thread are on, the innermost last: of each node the ids of its parents.

    There is more than one where attributes of users' subclasses hold graphs, or where a pickle is over. Ids, since a
    path that is over must not keep its nodes; where another node has got one's id, its path seems longer than it is.
    """

    def __init__(self) -> None:
        self.paths: list[list[set[int]]] = []


_local = _Local()


def shallow_copy(node: Value) -> Value:
    """A node with the same parents, for `copy.copy`."""
    reduced: Any = object.__reduce_ex__(node, 4)
    build, arguments, state = reduced[:3]
    other: Value = build(*arguments)
    _set_state(other, state)
    return other


def deep_copy(root: Value, memo: dict[int, Any]) -> Value:
    """A node and all that it was computed from, copied: what `copy.deepcopy` asks of it."""
    stack = [root]
    while stack:
        node = stack[-1]
        if id(node) in memo:
            stack.pop()
        elif missing := [parent for parent in node.parents if id(parent) not in memo]:
            stack += missing
        else:
            _copy_one(node, memo)
    copied: Value = memo[id(root)]
    return copied


def _copy_one(node: Value, memo: dict[int, Any]) -> None:
    """Copy a node whose parents are copied."""
    kind = type(node)
    if kind in _PLAIN:
        other = memo[id(node)] = kind.__new__(kind)
        other.data = node.data if type(node.data) is float else copy.deepcopy(node.data, memo)
        other.grad, other.label, other.primitive = node.grad, node.label, node.primitive
        other.local_derivatives = node.local_derivatives
        other.parents = tuple([memo[id(parent)] for parent in node.parents])
        return
    if kind.__deepcopy__ is not Value.__deepcopy__:
        memo[id(node)] = node.__deepcopy__(memo)
        return
    own = kind.__reduce_ex__ is not Value.__reduce_ex__
    reduced: Any = node.__reduce_ex__(4) if own else object.__reduce_ex__(node, 4)
    build, arguments, state = reduced[:3]
    memo[id(node)] = build(*copy.deepcopy(arguments, memo))
    _set_state(memo[id(node)], copy.deepcopy(state, memo))


def reduce(node: Value, protocol: int) -> Any:
    """Return what `pickle` asks of a node."""
    if not node.parents or _steps_down_to(node) <= DEEPEST:
        return object.__reduce_ex__(node, max(protocol, 2))  # before 2, Python knows no slots
    _local.paths.clear()
    return _last, (_Below(node),)


def _steps_down_to(node: Value) -> int:
    """Count the edges that `pickle` has followed to a node; the nodes of its path come here one after the other."""
    paths = _local.paths
    for p in reversed(range(len(paths))):
        for i in reversed(range(len(paths[p]))):
            if id(node) in paths[p][i]:
                del paths[p + 1 :], paths[p][i + 1 :]
                paths[p].append(set(map(id, node.parents)))
                return len(paths[p])
    del paths[: 1 - _PATHS]
    paths.append([set(map(id, node.parents))])
    return 1


class _Below:
    """Pickled as the list of all nodes that a node was computed from, and itself."""

    def __init__(self, node: Value) -> None:
        self._node = node

    def __reduce__(self) -> tuple[type[list[Value]], tuple[()], None, Iterator[Value]]:
        return list, (), None, iter(topological_order(self._node))


def _last(nodes: list[Value]) -> Value:
    return nodes[-1]


def _set_state(node: Value, state: Any) -> None:
    """As `pickle` and `copy` do: `state` is None, what `__setstate__` takes, or attributes and slots."""
    if state is None:
        return
    if hasattr(node, "__setstate__"):
        node.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    if attributes:
        vars(node).update(attributes)
    for name, value in (slots or {}).items():
        setattr(node, name, value)
