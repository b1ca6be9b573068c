"""Nests of loops: what is computed at which places, and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from autograd.compiler.targets.native.nodes import Applied, Leaf, Looked, Node, Place, leaves
from autograd.compiler.targets.native.writing.code import ONE, Extent
from autograd.primitives import Primitive

Combine = Literal["sum", "max", "min", "prod", "any"]


class Target(NamedTuple):
    """The place of a nest's results. The fields are those of `Leaf`.

    Attributes:
        adds: whether to what is there.
        is_sum: whether to what earlier blocks of samples have put there.
    """

    place: Place
    strides: tuple[Extent, ...]
    start: tuple[int, int] = (0, 0)
    looked: tuple[Looked, ...] = ()
    adds: bool = False
    is_sum: bool = False


class Nest(NamedTuple):
    """An expression at each place of some axes; along the last of these it may be combined to one number.

    Attributes:
        lengths: of the axes.
        node: the expression.
        target: whose strides along axes that are combined are 0.
        reduced: how many axes are combined.
        combine: how.
    """

    lengths: tuple[Extent, ...]
    node: Node
    target: Target
    reduced: int = 0
    combine: Combine = "sum"


class Rows(NamedTuple):
    """Something that is done to all elements along the last axis together.

    Attributes:
        lengths: of the axes.
        function: what is computed of each row.
        nodes: the element, and for shares the result of the reduction.
        target: of an element, or of the row's one result, with a stride of 0.
    """

    lengths: tuple[Extent, ...]
    function: Literal["softmax", "logsumexp", "shares", "products_of_others", "accumulate", "accumulate backward"]
    nodes: tuple[Node, ...]
    target: Target


class Several(NamedTuple):
    """All derivatives of a primitive of several numbers, at each place.

    Attributes:
        lengths: of the axes.
        primitive: one that reduces.
        nodes: its operands, and its value.
        target: its first axis counts the derivatives, the others are those of the nest.
    """

    lengths: tuple[Extent, ...]
    primitive: Primitive
    nodes: tuple[Node, ...]
    target: Target


AnyNest: TypeAlias = "Nest | Rows | Several"

Strided: TypeAlias = "Leaf | Target"


class Coalesced(NamedTuple):
    """A nest with as few axes as it needs.

    Attributes:
        lengths: of the axes that are not combined, and then of those that are.
        reduced: how many of the latter there are.
    """

    lengths: tuple[Extent, ...]
    reduced: int
    nodes: tuple[Node, ...]
    target: Target


def coalesce(lengths: Sequence[Extent], reduced: int, nodes: Sequence[Node], target: Target) -> Coalesced:
    """Return a nest without axes of length 1, in which neighbouring axes are one where all arrays allow it."""
    strided: list[Strided] = [target, *leaves(*nodes, *(looked.position for looked in target.looked))]
    outer = len(lengths) - reduced
    axes: list[tuple[int, Extent]] = []  # the last of the axes that are one, and their length
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
    """Return what gives nodes with these axes only."""
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
    """Return the start and the width of vectors that cover a length: as wide as allowed, then of powers of 2.

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
    """Return how many vectors cover a length, for so many samples."""
    if not length.power:
        return max(1, len(pieces(length.factor, width)))
    return max(1, length.factor * samples // width)


def total(extents: Iterable[Extent], samples: int) -> int:
    """Return how many places axes have, for so many samples."""
    places = 1
    for length in extents:
        places *= length.factor * (samples if length.power else 1)
    return places
