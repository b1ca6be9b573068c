"""A finished picture: SVG that shows itself in Jupyter and goes to a file whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograd.drawing.colours import filled
from autograd.drawing.text import escape
from autograd.support.files import write_atomically

__all__ = ["Picture", "asset", "html_page", "json_script", "states_of_picture"]


class Picture:
    """A picture as SVG. Returned from a notebook's cell, it shows itself.

    Attributes:
        svg: the picture's text.
        title: what it shows, in a few words.
    """

    svg: str
    title: str

    def __init__(self, svg: str, title: str = "picture") -> None:
        self.svg, self.title = svg, title

    def save(self, path: str | Path) -> None:
        """Write the picture to a file, whole or not at all.

        Args:
            path: ends in `.svg`, or in `.html` for a page that shows the picture and needs nothing else.

        Raises:
            ValueError: for another ending.
            OSError: if the folder does not exist or cannot be written to.
        """
        path = Path(path)
        writers = self._formats()
        if path.suffix.lower() not in writers:
            raise ValueError(f"a picture is saved as {' or '.join(writers)}, got the name {path.name!r}")
        text = writers[path.suffix.lower()]()
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def _formats(self) -> dict[str, Callable[[], str]]:
        """The forms in which it can be saved: the file's text by the ending of its name."""
        return {".svg": lambda: self.svg, ".html": self._page}

    def _page(self) -> str:
        return html_page(self.title, self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """As an image for viewers that do not trust a notebook, which show no SVG of its own; and as it is."""
        return {"text/html": self._image(), "image/svg+xml": self.svg, "text/plain": repr(self)}

    def _image(self) -> str:
        import base64

        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{escape(self.title)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'

    def __repr__(self) -> str:
        return f"<{self.title}: an SVG of {len(self.svg):,} characters; .save('name.svg') writes it>"


def html_page(title: str, body: str, style: str = "", script: str = "") -> str:
    """A page that needs no other file, and whose Content-Security-Policy lets nothing in or out.

    Args:
        title: plain text.
        body: HTML, in which whatever came from a user is escaped already.
        style, script: CSS and JavaScript of the package's own; no other script runs, since the policy names this
            one by its hash.
    """
    import base64
    import hashlib

    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
        body += f"\n<script>{script}</script>"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def asset(name: str) -> str:
    """Return a file of this package's own for pages: styles, with their colours, scripts, templates."""
    text = (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")
    return filled(text) if name.endswith(".css") else text


def json_script(name: str, data: Any) -> str:
    """Data for a page's script, in an element of this id; nothing in it looks like the element's end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def states_of_picture(svgs: Sequence[str]) -> str:
    """The part of a page with a picture that has several states: the first is seen, the others wait for fold.js."""
    others = "".join(f'<template class="state">{svg}</template>\n' for svg in svgs[1:])
    return f'<section class="picture zoomable" aria-label="the graph">\n{svgs[0]}</section>\n{others}'
