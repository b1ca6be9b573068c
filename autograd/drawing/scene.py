"""The scene to draw for a graph: boxes, lines between them, and the groups that contain the boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from autograd.drawing.snapshot import Node

Path = tuple[str, ...]


class Box(NamedTuple):
    """One box of the picture: one node, or several.

    Attributes:
        nodes: the indices of its nodes in the topological order.
        name: the name of the group of nodes; "" for a single node.
        path: the open groups that contain it, outermost first.
        stacked: True if the nodes are one operation, named by its label or symbol, on several samples.
    """

    nodes: tuple[int, ...]
    name: str
    path: Path
    stacked: bool = False


class Line(NamedTuple):
    """One line of the picture, from one box to another: one edge of the graph, or several.

    Attributes:
        tail, head: the indices of its boxes in the list of boxes.
        edges: the number of edges it represents.
        position: for a single edge between two nodes, the index of the tail among the head's parents; else None.
    """

    tail: int
    head: int
    edges: int
    position: int | None


class Scene(NamedTuple):
    """The boxes, lines and groups to draw for a graph.

    Attributes:
        nodes: all nodes of the graph.
        boxes, lines: the parts of the picture.
        inside: for each box, the number of the graph's edges inside it.
        groups: the names of all groups, which can be opened and closed.
    """

    nodes: list[Node]
    boxes: list[Box]
    lines: list[Line]
    inside: Counter[int]
    groups: Collection[str] = ()

    def frames(self) -> list[str]:
        """Return the open groups to draw a frame around: elements of lists, not the lists."""
        return list(dict.fromkeys(group for box in self.boxes for group in box.path if _has_frame(group)))

    def frame_around(self, box: Box) -> str:
        """Return the innermost frame that contains a box; "" for none."""
        return next(filter(_has_frame, reversed(box.path)), "")


def _has_frame(group: str) -> bool:
    return group.rpartition(".")[2].isdecimal()


def box_of_nodes(boxes: list[Box]) -> dict[int, int]:
    return {i: k for k, box in enumerate(boxes) for i in box.nodes}
