"""Write the text of each box and each line of the picture, and compute the size of the boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from autograd.drawing.names import Name
from autograd.drawing.scene import Box, Line, Scene
from autograd.drawing.snapshot import Node, Role
from autograd.drawing.text import abbreviate, columns, number, visible

LETTER, TITLE_LETTER = 6.6, 7.8  # letter widths in pixels: 0.6 of the font size, as in all fixed-width fonts
PADDING, TITLE_HEIGHT, ROW_HEIGHT = 10, 24, 16
LONGEST_TITLE, LONGEST_TOOLTIP = 24, 20_000
ALL_DIGITS = 17  # significant digits that identify any float

SYMBOLS = {"*": "×", "-": "−", "/": "÷", "**": "xⁿ", "dot": "Σwx", "sum": "Σ", "prod": "Π", "sigmoid": "σ"}

Kind = Literal[Role, "group"]


class Face(NamedTuple):
    """The texts of one box.

    Attributes:
        kind: selects its shape and colours.
        title: in bold, at the top left.
        badge: at the top right: the operation, if the title is a name.
        rows: pairs of a key and a formatted number.
        tooltip: all details, with all digits.
        stale: whether its numbers are out of date.
        width, height: in pixels.
    """

    kind: Kind
    title: str
    badge: str
    rows: tuple[tuple[str, str], ...]
    tooltip: str
    stale: bool
    width: float
    height: float


def face(scene: Scene, k: int, precision: int, gradients: bool, names: Sequence[Name] | None) -> Face:
    """Return the face of box k; it shows `names`, one for each node, if text next to the picture uses them."""
    box = scene.boxes[k]
    if box.name:
        return _face_of_many(scene, box, scene.inside[k], precision, gradients)
    place = box.nodes[0]
    node = scene.nodes[place]
    op = SYMBOLS.get(node.op, node.op)
    name = "" if names is None or node.role == "constant" else names[place].text
    title = name or _relative(node.label, scene.frame_around(box))
    if not title:
        title, op = (op or node.role), ""
    rows = [("data", number(node.data, precision))]
    if gradients and node.grad is not None and node.role != "constant":
        rows.append(("grad", number(node.grad, precision)))
    described = [f"{node.label or title} ({node.role}{', ' + node.op if node.op else ''})", f"data = {node.data!r}"]
    if node.grad is not None:
        described.append(f"grad = {node.grad!r}")
    room = 0 if names is None else precision + 6  # for partial sums of the gradient
    return _measured(node.role, title, op, tuple(rows), described, node.stale, room)


def _face_of_many(scene: Scene, box: Box, edges: int, precision: int, gradients: bool) -> Face:
    nodes = [scene.nodes[i] for i in box.nodes]
    leaves = [node for node in nodes if not node.parents]
    parameters = [node for node in leaves if node.role == "parameter"]
    rows = [("nodes", f"{len(nodes):,}")]
    if parameters and len(parameters) < len(nodes):
        rows.append(("parameters", f"{len(parameters):,}"))
    norm = gradient_norm(parameters or leaves)
    if gradients and norm is not None and any(node.role != "constant" for node in leaves):
        rows.append(("‖grad‖", number(norm, precision)))
    examples = ", ".join(node.label or node.op or number(node.data) for node in nodes[:8])
    described = [f"{box.name}: {len(nodes):,} nodes, {edges:,} edges among them", examples]
    if norm is not None:
        described.append(f"gradient norm of its {len(parameters or leaves):,} leaves = {norm!r}")
    title = _relative(box.name, scene.frame_around(box))
    if box.stacked:
        title = f"{len(nodes):,} × {SYMBOLS.get(title, title)}"
    return _measured("group", title, "", tuple(rows), described, any(node.stale for node in nodes))


def gradient_norm(nodes: Sequence[Node]) -> float | None:
    """Return √(Σ grad²), or None if a gradient is not a number or there are none."""
    try:
        return math.hypot(*(float(node.grad) for node in nodes)) if nodes else None
    except (OverflowError, RuntimeError, TypeError, ValueError):
        return None


def line_label(scene: Scene, line: Line, precision: int) -> str:
    """Return the local derivative of a single edge, or the number of edges that share the line."""
    derivative = derivative_of(scene, line)
    if derivative is not None:
        return number(derivative, precision)
    return f"{line.edges:,}×" if line.edges > 1 else ""


def derivative_of(scene: Scene, line: Line) -> float | None:
    """Return the local derivative of a line, if it is a single edge and the derivative is known."""
    if line.position is None:
        return None
    derivatives = scene.nodes[scene.boxes[line.head].nodes[0]].local_derivatives
    return None if derivatives is None else derivatives[line.position]


def _relative(label: str, frame: str) -> str:
    """Remove the name of the frame from the start of a label."""
    return label[len(frame) + 1 :] if frame and label.startswith(f"{frame}.") else label


def _measured(
    kind: Kind,
    title: str,
    badge: str,
    rows: tuple[tuple[str, str], ...],
    described: list[str],
    stale: bool,
    room: int = 0,
) -> Face:
    title, badge = abbreviate(visible(title), LONGEST_TITLE), abbreviate(visible(badge), 12)
    top = TITLE_LETTER * (columns(title) + (columns(badge) + 2 if badge else 0))
    widest = max(LETTER * (columns(key) + 2 + max(columns(text), room)) for key, text in rows)
    width = max(64.0, top, widest) + 2 * PADDING
    height = TITLE_HEIGHT + ROW_HEIGHT * len(rows) + 4
    tooltip = "\n".join(visible(line)[:LONGEST_TOOLTIP] for line in described)
    return Face(kind, title, badge, rows, tooltip, stale, round(width, 1), float(height))
