"""The scene that is drawn of a graph: boxes, lines between them, and the groups that boxes lie in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from autograd.drawing.snapshot import Node

Path = tuple[str, ...]


class Box(NamedTuple):
    """One box of the picture: a node, or several.

    Attributes:
        nodes: the places of its nodes in the topological order.
        name: what the nodes are together; "" where it is a single node.
        path: the open groups that it lies in, outermost first.
        stacked: whether they are one operation, named by its label or symbol, on several samples.
    """

    nodes: tuple[int, ...]
    name: str
    path: Path
    stacked: bool = False


class Line(NamedTuple):
    """One line of the picture, from a box to another: an edge of the graph, or several.

    Attributes:
        tail, head: the places of its boxes in the list of boxes.
        edges: how many edges it stands for.
        position: of a single edge between two nodes, which of the head's parents is the tail; None for others.
    """

    tail: int
    head: int
    edges: int
    position: int | None


class Scene(NamedTuple):
    """The boxes, lines and groups that are drawn of a graph.

    Attributes:
        nodes: of the graph, all of them.
        boxes, lines: what is drawn.
        inside: for each box, how many edges of the graph lie inside it.
        groups: the names of all groups, which can be opened and closed.
    """

    nodes: list[Node]
    boxes: list[Box]
    lines: list[Line]
    inside: Counter[int]
    groups: Collection[str] = ()

    def frames(self) -> list[str]:
        """The open groups to draw a frame around: elements of lists, not the lists."""
        return list(dict.fromkeys(group for box in self.boxes for group in box.path if _has_frame(group)))

    def frame_around(self, box: Box) -> str:
        """The innermost frame that a box lies in; "" for none."""
        return next(filter(_has_frame, reversed(box.path)), "")


def _has_frame(group: str) -> bool:
    return group.rpartition(".")[2].isdecimal()


def box_of_nodes(boxes: list[Box]) -> dict[int, int]:
    return {i: k for k, box in enumerate(boxes) for i in box.nodes}
