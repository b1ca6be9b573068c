"""Copy and pickle graphs of any depth, although `copy` and `pickle` recurse along each edge of a path.

A deep copy walks the graph with an explicit stack. A pickle cannot, since `pickle` does the walking: so a node reduces
like any object, until `pickle` has gone deep down a path. There a node reduces to the last item of a list of all nodes
below it, parents before children, so that `pickle` recurses no further.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

from autograd.graph import topological_order
from autograd.value import Constant, Traced, Value

DEEPEST = 25  # edges that pickle may follow down a path; each takes about 10 of the 1,000 frames Python allows
_PATHS = 4
_PLAIN = {Value, Constant, Traced}


class _Local(threading.local):
    """The paths that this thread's pickles are on, the innermost last: for each node, the ids of its parents.

    There are several if attributes of users' subclasses hold graphs, or if a pickle has ended. Paths hold ids, so that
    an ended path does not keep its nodes alive; if a new node reuses an id, its path merely looks longer than it is.
    """

    def __init__(self) -> None:
        self.paths: list[list[set[int]]] = []


_local = _Local()


def shallow_copy(node: Value) -> Value:
    """Copy a node, keeping its parents; implements `copy.copy`."""
    reduced: Any = object.__reduce_ex__(node, 4)
    build, arguments, state = reduced[:3]
    other: Value = build(*arguments)
    _set_state(other, state)
    return other


def deep_copy(root: Value, memo: dict[int, Any]) -> Value:
    """Copy a node and everything it was computed from; implements `copy.deepcopy`."""
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
    """Copy a node whose parents have been copied."""
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
    """Implement `__reduce_ex__` of a node."""
    if not node.parents or _steps_down_to(node) <= DEEPEST:
        return object.__reduce_ex__(node, max(protocol, 2))  # earlier protocols do not support slots
    _local.paths.clear()
    return _last, (_Below(node),)


def _steps_down_to(node: Value) -> int:
    """Count the edges that `pickle` has followed to a node; called for each node of the path in turn."""
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
    """Pickles as the list of a node and all nodes that it was computed from."""

    def __init__(self, node: Value) -> None:
        self._node = node

    def __reduce__(self) -> tuple[type[list[Value]], tuple[()], None, Iterator[Value]]:
        return list, (), None, iter(topological_order(self._node))


def _last(nodes: list[Value]) -> Value:
    return nodes[-1]


def _set_state(node: Value, state: Any) -> None:
    """Set a node's state as `pickle` does: None, the argument of `__setstate__`, or attributes and slots."""
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
