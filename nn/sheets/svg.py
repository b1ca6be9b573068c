"""SVG elements for pictures of networks: colours, lines, circles, tiles, texts."""

from __future__ import annotations

from autograd.drawing.colours import AMBER, BLUE, ORANGE, SKY
from autograd.drawing.text import escape

# On light and on dark paper.
COLOURS = {
    "positive": (BLUE, SKY),
    "negative": (ORANGE, AMBER),
    "paper": ("#ffffff", "#14171c"),
    "ink": ("#1f2328", "#e8eaed"),
    "grey": ("#57606a", "#a5adb8"),
}
DARK = (
    ".lucidgrad-network [paint-order]{stroke:"
    + COLOURS["paper"][1]
    + "}"
    + "".join(
        f".lucidgrad-network .{name}{{fill:{dark}}}.lucidgrad-network .{name}-line{{stroke:{dark}}}"
        for name, (_, dark) in COLOURS.items()
    )
)
STYLE = f".lucidgrad-network{{max-width:100%;height:auto}}@media (prefers-color-scheme:dark){{{DARK}}}"
START, BOLD = 'text-anchor="start"', 'font-size="13.5" font-weight="600"'
HALO = f'stroke="{COLOURS["paper"][0]}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
FONT = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\""

Ends = tuple[float, float, float, float]


def document(title: str, width: float, height: float, pieces: list[str]) -> str:
    """Return a complete SVG of that size, with a background."""
    size = f'width="{width:g}" height="{height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lucidgrad-network" {size} viewBox="0 0 {width:g} '
        f'{height:g}" role="img" aria-label="{escape(title)}" text-anchor="middle" font-size="12" {FONT}>\n'
        f'<style>{STYLE}</style>\n<rect {size} class="paper" fill="{COLOURS["paper"][0]}"/>\n'
        + "\n".join([*pieces, "</svg>\n"])
    )


def legend(signs: list[tuple[str, str]], top: float) -> list[str]:
    """Return signs with their meanings, one below the other."""
    return [
        f'<g class="legend" transform="translate(0 {top + 18 * i:g})">{sign}{text(60, 4, meaning, "ink", START)}</g>'
        for i, (sign, meaning) in enumerate(signs)
    ]


def sign(x: float) -> str:
    return "positive" if x > 0 else "negative" if x < 0 else "grey"


def line(name: str, strength: float, ends: Ends, title: str = "") -> str:
    x1, y1, x2, y2 = ends
    dashes = ' stroke-dasharray="7 4"' if name == "negative" else ""  # for readers in black and white
    return (
        f'<line class="{name}-line" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{COLOURS[name][0]}" '
        f'stroke-width="{0.6 + 4.9 * strength:.4f}" stroke-opacity="{0.3 + 0.7 * strength:.3f}"{dashes}>{title}</line>'
    )


def circle(x: float, y: float, radius: float, activation: float) -> str:
    """Return a circle whose opacity shows the activation, on a scale from 0 to 1."""
    name = sign(activation)
    return (
        f'<circle class="{name} grey-line" cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{COLOURS[name][0]}" '
        f'fill-opacity="{0.55 * min(1.0, abs(activation)):.3f}" stroke="{COLOURS["grey"][0]}" stroke-width="1.3"/>'
    )


def text(x: float, y: float, text: str, name: str = "ink", attributes: str = "") -> str:
    return f'<text class="{name}" x="{x:g}" y="{y:g}" fill="{COLOURS[name][0]}" {attributes}>{escape(text)}</text>'


def tile(x: float, y: float, size: float, name: str, strength: float, title: str = "") -> str:
    """Return a square whose opacity shows a number's size; a negative one has a minus, as colours may not suffice."""
    square = (
        f'<rect class="{name}" x="{x + 0.5:g}" y="{y + 0.5:g}" width="{size - 1:g}" height="{size - 1:g}" '
        f'fill="{COLOURS[name][0]}" fill-opacity="{0.06 + 0.94 * strength:.3f}">{title}</rect>'
    )
    if name != "negative":
        return square
    minus = f'x="{x + 0.3 * size:g}" y="{y + 0.44 * size:g}" width="{0.4 * size:g}" height="{0.12 * size:g}"'
    return f'{square}<rect class="paper" {minus} fill="{COLOURS["paper"][0]}" pointer-events="none"/>'
