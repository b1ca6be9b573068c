"""Styles of pictures, as one file of the site; the package itself embeds them in each picture."""

from __future__ import annotations

from autograd.drawing.picture import asset
from autograd.drawing.svg import rules
from nn.sheets import svg as networks


def of_pictures() -> str:
    """Return the styles of pictures, zooming and stepping, for light pages and for those of class `dark`."""
    steps = asset("step_through.css")
    everywhere, dark = steps.partition("@media (prefers-color-scheme: dark) {\n")[::2]
    dark, _, rest = dark.partition("\n}\n")
    page = ("body {", ":root", "main {")  # rules for a separate page
    light_steps = [_in_walk(line) for line in everywhere.splitlines() if not line.startswith(page)]
    dark_steps = [_in_walk(line.strip()) for line in dark.splitlines() if not line.strip().startswith(page)]
    return "\n".join(
        [
            rules("common"),
            rules("light"),
            _under_dark(rules("dark")),
            _under_dark(networks.DARK),
            *(asset(f"{name}.css") for name in ("zoom", "fold")),
            *light_steps,
            *(_under_dark(line) for line in dark_steps),
            rest.replace(".picture", ".walk .picture"),
        ]
    )


def _in_walk(rule: str) -> str:
    """Restrict a rule of the step-through page to the element that contains it."""
    return ", ".join(f".walk {part.strip()}" for part in rule.split(",")) if rule.startswith(".picture") else rule


def _under_dark(css: str) -> str:
    """Restrict rules to dark pages."""
    rules = []
    for rule in css.split("}"):
        selectors, brace, body = rule.partition("{")
        if brace:
            rules.append(", ".join(f":root.dark {s.strip()}" for s in selectors.split(",")) + " {" + body + "}")
    return "\n".join(rules)
