"""The colours of pictures and pages, in light and dark mode.

The hues are Okabe and Ito's, which colour-blind readers can distinguish.
"""

from __future__ import annotations

__all__ = ["AMBER", "BANNER", "BLACK", "BLUE", "BOXES", "GREEN", "ORANGE", "PAGES", "PURPLE", "SKY", "YELLOW", "filled"]

BLUE, SKY, ORANGE, AMBER = "#0072b2", "#56b4e9", "#d55e00", "#e69f00"
GREEN, PURPLE, YELLOW, BLACK = "#009e73", "#cc79a7", "#f0e442", "#000000"

# Fill and line of each kind of box, in light and dark mode.
BOXES = {
    "input": (("#d6e9f5", BLUE), ("#10364f", SKY)),
    "parameter": (("#fdf0cf", "#b07a00"), ("#45350b", "#f0b429")),
    "constant": (("#f2f2f2", "#6b6b6b"), ("#2c3138", "#9aa4af")),
    "operation": (("#dff3ec", "#00795a"), ("#0e3b30", "#2fc79b")),
    "output": (("#fbe3d6", "#c04f00"), ("#4d260c", "#ff8a3d")),
    "group": (("#f5e4ee", "#97437a"), ("#43233a", "#e08fc2")),
}
BANNER = "#b00020"

# Colours by name; style sheets refer to them as {{page}} and {{page-dark}}.
PAGES = {
    "page": ("#ffffff", "#14181d"),
    "text": ("#1a1a1a", "#eceff2"),
    "faint": ("#5f6670", "#9aa4af"),
    "edge": ("#c8ccd1", "#3a414a"),
    "forward": (BLUE, SKY),
    "backward": (ORANGE, "#ff8a3d"),
}


def filled(css: str) -> str:
    """Replace the names of colours in a style sheet by the colours.

    >>> filled("a { color: {{forward}}; background: {{page-dark}}; }")
    'a { color: #0072b2; background: #14181d; }'
    """
    for name, (light, dark) in PAGES.items():
        css = css.replace(f"{{{{{name}}}}}", light).replace(f"{{{{{name}-dark}}}}", dark)
    return css
