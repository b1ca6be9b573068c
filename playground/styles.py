"""The looks of pictures, which the package writes into each of them, as a file of the site's."""

from __future__ import annotations

from autograd.drawing.picture import asset
from autograd.drawing.svg import rules
from nn.sheets import svg as networks


def of_pictures() -> str:
    """Pictures on light pages, and on those of the class `dark`; zooming; stepping."""
    steps = asset("step_through.css")
    everywhere, dark = steps.partition("@media (prefers-color-scheme: dark) {\n")[::2]
    dark, _, rest = dark.partition("\n}\n")
    page = ("body {", ":root", "main {")  # rules for a page of its own
    kept = [_in_walk(line) for line in everywhere.splitlines() if not line.startswith(page)]
    dark_steps = [_in_walk(line.strip()) for line in dark.splitlines() if not line.strip().startswith(page)]
    return "\n".join(
        [
            rules("common"),
            rules("light"),
            _under_dark(rules("dark")),
            _under_dark(networks.DARK),
            *(asset(f"{name}.css") for name in ("zoom", "fold")),
            *kept,
            *(_under_dark(line) for line in dark_steps),
            rest.replace(".picture", ".walk .picture"),
        ]
    )


def _in_walk(rule: str) -> str:
    """A rule of the step-through page, for the part of a page that holds it."""
    return ", ".join(f".walk {part.strip()}" for part in rule.split(",")) if rule.startswith(".picture") else rule


def _under_dark(css: str) -> str:
    """The rules, for dark pages only."""
    rules = []
    for rule in css.split("}"):
        selectors, brace, body = rule.partition("{")
        if brace:
            rules.append(", ".join(f":root.dark {s.strip()}" for s in selectors.split(",")) + " {" + body + "}")
    return "\n".join(rules)
