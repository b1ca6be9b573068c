"""The picture as SVG, drawn at the positions that Graphviz computes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Literal

from autograd.drawing.colours import BANNER, BOXES, PAGES
from autograd.drawing.dot import Placed, Point
from autograd.drawing.faces import PADDING, ROW_HEIGHT, TITLE_HEIGHT, Face, derivative_of
from autograd.drawing.scene import Line, Scene
from autograd.drawing.text import abbreviate, columns, escape, visible

MARGIN, CAPTION_LINE, CAPTION_LETTER = 14, 16, 6.7
LEGEND_ITEM, LEGEND_HEIGHT = 50, 30
FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
CLASS = "lucidgrad-graph"

# The shape of each kind of box distinguishes it without colour.
SHAPES = {
    "input": "square corners",
    "parameter": "a folded corner",
    "constant": "a dashed edge",
    "operation": "round corners",
    "output": "a double edge",
    "group": "a stack: several nodes",
}

_drawings = count(1)


def svg(scene: Scene, faces: Sequence[Face], labels: Sequence[str], placed: Placed, title: str, notes: Sequence[str],
        warning: str) -> str:  # fmt: skip
    """Draw the picture.

    Args:
        scene, faces, labels, placed: the scene, the texts of boxes and lines, and their positions.
        title: a short description for screen readers.
        notes: sentences for the caption.
        warning: a sentence for a banner at the top; "" for none.
    """
    name = f"lucidgrad-{next(_drawings)}"
    kinds = [kind for kind in BOXES if any(face.kind == kind for face in faces)]
    legend_width = sum(LEGEND_ITEM + CAPTION_LETTER * len(kind) for kind in kinds)
    width = max(placed.width + 2 * MARGIN, legend_width + 2 * MARGIN, 300.0)
    banner = _wrapped(warning, width - 4 * MARGIN)
    top = MARGIN + (CAPTION_LINE * len(banner) + 2 * MARGIN if banner else 0)
    caption = [line for note in notes for line in _wrapped(note, width - 2 * MARGIN)]
    legend_top = top + placed.height + 2 * MARGIN
    height = legend_top + LEGEND_HEIGHT + CAPTION_LINE * len(caption) + MARGIN
    left = (width - placed.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{CLASS}" id="{name}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" role="img" aria-labelledby="{name}-title">',
        f'<title id="{name}-title">{escape(title)}</title>',
        f"<style>{_style()}</style>",
        f'<rect class="page" width="{width:.1f}" height="{height:.1f}" rx="6"/>',
        *_banner(banner, width),
        f'<g transform="translate({left:.1f} {top:.1f})">',
        *_frames(placed),
        *(_line(name, k, scene, labels[k], placed) for k in range(len(scene.lines))),
        *(_box(name, k, scene, faces[k], placed.boxes[k]) for k in range(len(scene.boxes))),
        "</g>",
        *_legend(kinds, (width - legend_width) / 2, legend_top),
        *_lines_of_text("caption", caption, MARGIN, legend_top + LEGEND_HEIGHT),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def rules(part: Literal["common", "light", "dark"]) -> str:
    """Return CSS rules: those common to all pages, or the colours of light or dark mode."""
    if part == "common":
        return (
            f".{CLASS}{{max-width:100%;height:auto}}"
            f".{CLASS} text{{font-family:{FONT};font-size:11px;white-space:pre}}"
            f".{CLASS} .name{{font-size:13px;font-weight:bold}}"
            f".{CLASS} .curve{{fill:none;stroke-width:1.2}}.{CLASS} .derivative{{font-size:10px;paint-order:stroke;"
            "stroke-width:3px;stroke-linejoin:round}"
            f".{CLASS} .frame rect{{fill:none;stroke-dasharray:2 3}}.{CLASS} path{{stroke-width:1.4}}"
            f".{CLASS} .constant path,.{CLASS} .stale path{{stroke-dasharray:4 3}}"
            f".{CLASS} .banner rect{{fill:{BANNER}}}"
        )
    page, text, faint = (PAGES[name][part == "dark"] for name in ("page", "text", "faint"))
    boxes = "".join(
        f".{CLASS} .{kind} path{{fill:{fill};stroke:{stroke}}}"
        for kind, schemes in BOXES.items()
        for fill, stroke in [schemes[part == "dark"]]
    )
    return (
        f".{CLASS} .page{{fill:{page}}}.{CLASS} text{{fill:{text}}}.{CLASS} .faint{{fill:{faint}}}"
        f".{CLASS} .curve{{stroke:{faint}}}.{CLASS} .tip{{fill:{faint}}}"
        f".{CLASS} .derivative{{stroke:{page}}}.{CLASS} .frame rect{{stroke:{faint}}}{boxes}"
        f".{CLASS} .banner text{{fill:#ffffff;font-weight:bold}}"
    )


def _style() -> str:
    """Return the CSS rules for light and dark mode; light ones first, for viewers that ignore the media query."""
    return f"{rules('common')}{rules('light')}@media (prefers-color-scheme:dark){{{rules('dark')}}}"


def _banner(lines: Sequence[str], width: float) -> list[str]:
    if not lines:
        return []
    height = CAPTION_LINE * len(lines) + MARGIN
    rect = f'<rect x="{MARGIN}" y="{MARGIN}" width="{width - 2 * MARGIN:.1f}" height="{height}" rx="4"/>'
    return ['<g class="banner">', rect, *_lines_of_text("warning", lines, 2 * MARGIN, 2.6 * MARGIN), "</g>"]


def _frames(placed: Placed) -> list[str]:
    parts = []
    for group, (x, y, width, height) in placed.frames.items():
        label = escape(visible(abbreviate(group, max(4, int(width / CAPTION_LETTER) - 2))))
        parts.append(
            f'<g class="frame" data-group="{escape(visible(group))}">'
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="8"/>'
            f'<text class="faint" x="{x + 8:.1f}" y="{y + 14:.1f}">{label}</text></g>'
        )
    return parts


def _line(name: str, k: int, scene: Scene, label: str, placed: Placed) -> str:
    """Draw one line with its arrow, its label, and a tooltip that explains the number."""
    line = scene.lines[k]
    curve, tip = placed.curves[k]
    start, *rest = curve
    d = f"M{_xy(start)}C{' '.join(map(_xy, rest))}"
    end = curve[-1]
    dx, dy = (tip[0] - end[0]) * 0.45, (tip[1] - end[1]) * 0.45
    arrow = f"{_xy(tip)} {_xy((end[0] - dy, end[1] + dx))} {_xy((end[0] + dy, end[1] - dx))}"
    where = placed.labels[k]
    text = ""
    if where is not None:
        x, y = where
        text = f'<text class="derivative" x="{x:.1f}" y="{y + 3:.1f}" text-anchor="middle">{escape(label)}</text>'
    tooltip = f"<title>{escape(_description(scene, line))}</title>"
    return (
        f'<g class="line" id="{name}-line{k}" data-edges="{line.edges}">{tooltip}'
        f'<path class="curve" d="{d}"/><polygon class="tip" points="{arrow}"/>{text}</g>'
    )


def _description(scene: Scene, line: Line) -> str:
    derivative = derivative_of(scene, line)
    if derivative is not None:
        return f"local derivative {derivative!r}"
    return f"{line.edges:,} edges" if line.edges > 1 else "1 edge"


def _box(name: str, k: int, scene: Scene, face: Face, centre: Point) -> str:
    """Draw one box with its texts, as <text> elements, and a tooltip with all digits."""
    width, height = face.width, face.height
    x, y = centre[0] - width / 2, centre[1] - height / 2
    stale = " stale" if face.stale else ""
    closed = scene.boxes[k].name
    group = f' data-group="{escape(visible(closed))}"' if closed in scene.groups and not scene.boxes[k].stacked else ""
    texts = [f'<text class="name" x="{PADDING}" y="{TITLE_HEIGHT - 7}">{escape(face.title)}</text>']
    if face.badge:
        texts.append(
            f'<text class="name faint" x="{width - PADDING:.1f}" y="{TITLE_HEIGHT - 7}" text-anchor="end">'
            f"{escape(face.badge)}</text>"
        )
    for i, (key, number) in enumerate(face.rows):
        base = TITLE_HEIGHT + ROW_HEIGHT * i + 10
        texts.append(
            f'<text class="faint" x="{PADDING}" y="{base}">{escape(key)}</text>'
            f'<text class="{key if key in ("data", "grad") else "count"}" x="{width - PADDING:.1f}" y="{base}" '
            f'text-anchor="end">{escape(number)}</text>'
        )
    return (
        f'<g class="box {face.kind}{stale}" id="{name}-box{k}" data-nodes="{len(scene.boxes[k].nodes)}" '
        f'data-inside="{scene.inside[k]}"{group} transform="translate({x:.1f} {y:.1f})">'
        f"<title>{escape(face.tooltip)}</title>"
        f"{_outline(face.kind, width, height)}{''.join(texts)}</g>"
    )


def _outline(kind: str, w: float, h: float) -> str:
    """Draw the outline of a box, whose shape depends on its kind."""
    if kind in ("operation", "output"):
        outer = _rounded(0, 0, w, h, 8)
        return outer + (_rounded(3, 3, w - 6, h - 6, 6) if kind == "output" else "")
    if kind == "parameter":
        return f'<path d="M0 0H{w - 9:.1f}L{w:.1f} 9V{h:.1f}H0Z"/><path d="M{w - 9:.1f} 0V9H{w:.1f}Z"/>'
    front = f'<path d="M0 0H{w:.1f}V{h:.1f}H0Z"/>'
    if kind == "group":
        back = "".join(f'<path d="M{o} {-o}H{w + o:.1f}V{h - o:.1f}H{o}Z"/>' for o in (6, 3))
        return back + front
    return front


def _rounded(x: float, y: float, w: float, h: float, r: float) -> str:
    return (
        f'<path d="M{x + r} {y}H{x + w - r:.1f}q{r} 0 {r} {r}V{y + h - r:.1f}q0 {r} {-r} {r}'
        f'H{x + r}q{-r} 0 {-r} {-r}V{y + r}q0 {-r} {r} {-r}Z"/>'
    )


def _legend(kinds: Sequence[str], x: float, y: float) -> list[str]:
    parts = []
    for kind in kinds:
        parts.append(
            f'<g class="legend {kind}" transform="translate({x:.1f} {y:.1f})"><title>{kind}: {SHAPES[kind]}</title>'
            f'{_outline(kind, 20, 14)}<text class="faint" x="30" y="11">{kind}</text></g>'
        )
        x += LEGEND_ITEM + CAPTION_LETTER * len(kind)
    return parts


def _lines_of_text(kind: str, lines: Sequence[str], x: float, y: float) -> list[str]:
    return [
        f'<text class="{kind} faint" x="{x:.1f}" y="{y + CAPTION_LINE * i:.1f}">{escape(line)}</text>'
        for i, line in enumerate(lines)
    ]


def _wrapped(text: str, width: float) -> list[str]:
    """Wrap a text into lines that fit."""
    letters = int(width / CAPTION_LETTER)
    lines: list[str] = []
    for word in text.split():
        if lines and columns(lines[-1]) + 1 + columns(word) <= letters:
            lines[-1] += f" {word}"
        else:
            lines.append(abbreviate(word, letters))
    return lines


def _xy(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
