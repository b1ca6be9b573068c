"""Expressions of elements: what a nest of loops computes at each of its places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from autograd.compiler.targets.native.writing.code import Extent
from autograd.primitives import Primitive


class Place(NamedTuple):
    """The place at which an array begins in memory.

    Attributes:
        kind: "table", the number of a pointer in the table that a call is given; "shared", the number of an element in
            the working memory; "batch", likewise in its part for arrays of samples, as if it were for one sample;
            "address", an address.
        at: that number.
    """

    kind: Literal["table", "shared", "batch", "address"]
    at: int


class Buffer(NamedTuple):
    """An array in memory.

    Attributes:
        strides: in elements, of each axis.
        is_integer: whether its elements are integers of 64 bits.
    """

    place: Place
    strides: tuple[Extent, ...]
    is_integer: bool = False


class Looked(NamedTuple):
    """An index that is read: it counts by a stride.

    Attributes:
        may_miss: whether it may be less than 0, where the element is 0.
    """

    position: Leaf
    stride: Extent
    may_miss: bool


@dataclass(frozen=True, eq=False, slots=True)
class Leaf:
    """An element of an array.

    Attributes:
        strides: in elements, along each axis of the nest.
        start: the first element: so many, and so many times n.
        looked: indices that are read.
    """

    place: Place
    strides: tuple[Extent, ...]
    start: tuple[int, int] = (0, 0)
    is_integer: bool = False
    looked: tuple[Looked, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Applied:
    """A primitive of other nodes."""

    primitive: Primitive
    operands: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Number:
    """A number."""

    value: float


Node: TypeAlias = "Leaf | Applied | Number"


def leaves(*nodes: Node) -> Iterator[Leaf]:
    """Return the elements that some nodes read, indices included, each once."""
    seen: set[int] = set()
    stack: list[Node] = list(nodes)
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Applied):
            stack += node.operands
        elif isinstance(node, Leaf):
            yield node
            stack += [looked.position for looked in node.looked]


def axes_of(node: Node) -> frozenset[int]:
    """Return the axes along which a node differs."""
    return frozenset(axis for leaf in leaves(node) for axis, stride in enumerate(leaf.strides) if stride.factor)
