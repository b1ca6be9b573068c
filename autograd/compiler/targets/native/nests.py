"""Loop nests: expressions, the places at which they are computed, and their targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from autograd.compiler.targets.native.nodes import Applied, Leaf, Looked, Node, Place, leaves
from autograd.compiler.targets.native.writing.code import ONE, Extent
from autograd.primitives import Primitive

Combine = Literal["sum", "max", "min", "prod", "any"]


class Target(NamedTuple):
    """The place of a nest's results, with the fields of `Leaf`.

    Attributes:
        adds: whether results are added to the target.
        is_sum: whether results are added to those of earlier blocks of samples.
    """

    place: Place
    strides: tuple[Extent, ...]
    start: tuple[int, int] = (0, 0)
    looked: tuple[Looked, ...] = ()
    adds: bool = False
    is_sum: bool = False


class Nest(NamedTuple):
    """An expression at each place of some axes, possibly reduced along the last axes.

    Attributes:
        lengths: the lengths of the axes.
        node: the expression.
        target: the target, with strides of 0 along reduced axes.
        reduced: the number of reduced axes.
        combine: the reduction.
    """

    lengths: tuple[Extent, ...]
    node: Node
    target: Target
    reduced: int = 0
    combine: Combine = "sum"


class Rows(NamedTuple):
    """A function of all elements along the last axis.

    Attributes:
        lengths: the lengths of the axes.
        function: the function of a row.
        nodes: the element and, for shares, the result of the reduction.
        target: the target of an element, or of the row's single result, with a stride of 0.
    """

    lengths: tuple[Extent, ...]
    function: Literal["softmax", "logsumexp", "shares", "products_of_others", "accumulate", "accumulate backward"]
    nodes: tuple[Node, ...]
    target: Target


class Several(NamedTuple):
    """All derivatives of a primitive of several operands, at each place.

    Attributes:
        lengths: the lengths of the axes.
        primitive: a reducing primitive.
        nodes: its operands and its value.
        target: the target, whose first axis counts the derivatives; the others are those of the nest.
    """

    lengths: tuple[Extent, ...]
    primitive: Primitive
    nodes: tuple[Node, ...]
    target: Target


AnyNest: TypeAlias = "Nest | Rows | Several"

Strided: TypeAlias = "Leaf | Target"


class Coalesced(NamedTuple):
    """A nest with as few axes as possible.

    Attributes:
        lengths: the lengths of the axes, the reduced ones last.
        reduced: the number of reduced axes.
    """

    lengths: tuple[Extent, ...]
    reduced: int
    nodes: tuple[Node, ...]
    target: Target


def coalesce(lengths: Sequence[Extent], reduced: int, nodes: Sequence[Node], target: Target) -> Coalesced:
    """Drop axes of length 1, and merge neighbouring axes where all arrays allow it."""
    strided: list[Strided] = [target, *leaves(*nodes, *(looked.position for looked in target.looked))]
    outer = len(lengths) - reduced
    axes: list[tuple[int, Extent]] = []  # the last of each group of merged axes, and their length
    is_reduced: list[bool] = []
    for axis, length in enumerate(lengths):
        if length == ONE:
            continue
        if axes and is_reduced[-1] == (axis >= outer):
            last, before = axes[-1]
            if all(x.strides[last] == x.strides[axis] * length for x in strided):
                axes[-1] = axis, before * length
                continue
        axes.append((axis, length))
        is_reduced.append(axis >= outer)
    chosen = [axis for axis, _ in axes]
    rewrite = _rewriter(chosen)
    looked = tuple([x._replace(position=rewrite(x.position)) for x in target.looked])
    return Coalesced(
        tuple([length for _, length in axes]),
        sum(is_reduced),
        tuple(map(rewrite, nodes)),
        target._replace(strides=tuple([target.strides[axis] for axis in chosen]), looked=looked),
    )


def _rewriter(axes: Sequence[int]) -> Callable[[Any], Any]:
    """Return a function that restricts nodes to these axes."""
    known: dict[int, Node] = {}

    def rewrite(node: Node) -> Node:
        if id(node) not in known:
            known[id(node)] = _with_axes(node, axes, rewrite)
        return known[id(node)]

    return rewrite


def _with_axes(node: Node, axes: Sequence[int], rewrite: Callable[[Any], Any]) -> Node:
    if isinstance(node, Applied):
        return Applied(node.primitive, tuple(map(rewrite, node.operands)))
    if not isinstance(node, Leaf):
        return node
    strides = tuple([node.strides[axis] for axis in axes])
    looked = tuple([x._replace(position=rewrite(x.position)) for x in node.looked])
    return Leaf(node.place, strides, node.start, node.is_integer, looked)


def pieces(length: int, width: int) -> list[tuple[int, int]]:
    """Return the starts and widths of vectors that cover a length: first of the given width, then of powers of 2.

    >>> pieces(11, 4)
    [(0, 4), (4, 4), (8, 2), (10, 1)]
    """
    covered: list[tuple[int, int]] = []
    start = 0
    while start < length:
        while width > length - start:
            width //= 2
        covered.append((start, width))
        start += width
    return covered


def steps(length: Extent, width: int, samples: int) -> int:
    """Return the number of vectors that cover a length, for this many samples."""
    if not length.power:
        return max(1, len(pieces(length.factor, width)))
    return max(1, length.factor * samples // width)


def total(extents: Iterable[Extent], samples: int) -> int:
    """Return the number of places of axes, for this many samples."""
    places = 1
    for length in extents:
        places *= length.factor * (samples if length.power else 1)
    return places
