"""Expressions of elements, which a loop nest computes at each of its places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from autograd.compiler.targets.native.writing.code import Extent
from autograd.primitives import Primitive


class Place(NamedTuple):
    """The start of an array in memory.

    Attributes:
        kind: "table", the number of a pointer in the table that a call passes; "shared", the number of an element in
            the working memory; "batch", likewise in its part for arrays of samples, counted per sample; "address", an
            address.
        at: the number.
    """

    kind: Literal["table", "shared", "batch", "address"]
    at: int


class Buffer(NamedTuple):
    """An array in memory.

    Attributes:
        strides: the stride of each axis, in elements.
        is_integer: whether its elements are 64-bit integers.
    """

    place: Place
    strides: tuple[Extent, ...]
    is_integer: bool = False


class Looked(NamedTuple):
    """An index that is read from an array, times a stride.

    Attributes:
        may_miss: whether it may be negative, which reads as 0.
    """

    position: Leaf
    stride: Extent
    may_miss: bool


@dataclass(frozen=True, eq=False, slots=True)
class Leaf:
    """An element of an array.

    Attributes:
        strides: the stride along each axis of the nest, in elements.
        start: the first element: a constant, and a multiple of n.
        looked: indices that are added.
    """

    place: Place
    strides: tuple[Extent, ...]
    start: tuple[int, int] = (0, 0)
    is_integer: bool = False
    looked: tuple[Looked, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Applied:
    """A primitive applied to other nodes."""

    primitive: Primitive
    operands: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Number:
    """A number."""

    value: float


Node: TypeAlias = "Leaf | Applied | Number"


def leaves(*nodes: Node) -> Iterator[Leaf]:
    """Yield the distinct elements that nodes read, including indices."""
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
    """Return the axes along which a node varies."""
    return frozenset(axis for leaf in leaves(node) for axis, stride in enumerate(leaf.strides) if stride.factor)
