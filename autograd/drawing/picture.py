"""A finished picture: SVG that Jupyter displays and that is saved atomically."""

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
    """A picture as SVG. Notebooks display it as the result of a cell.

    Attributes:
        svg: the picture's text.
        title: a short description of the picture.
    """

    svg: str
    title: str

    def __init__(self, svg: str, title: str = "picture") -> None:
        self.svg, self.title = svg, title

    def save(self, path: str | Path) -> None:
        """Write the picture to a file, atomically.

        Args:
            path: ends in `.svg`, or in `.html` for a self-contained page that shows the picture.

        Raises:
            ValueError: for any other suffix.
            OSError: if the folder does not exist or cannot be written to.
        """
        path = Path(path)
        writers = self._formats()
        if path.suffix.lower() not in writers:
            raise ValueError(f"a picture must be saved as {' or '.join(writers)}, got the name {path.name!r}")
        text = writers[path.suffix.lower()]()
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def _formats(self) -> dict[str, Callable[[], str]]:
        """Return the formats it can be saved in: functions that return the file's text, by suffix."""
        return {".svg": lambda: self.svg, ".html": self._page}

    def _page(self) -> str:
        return html_page(self.title, self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return the SVG, and an <img> for viewers that do not trust a notebook and show no inline SVG."""
        return {"text/html": self._image(), "image/svg+xml": self.svg, "text/plain": repr(self)}

    def _image(self) -> str:
        import base64

        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{escape(self.title)}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'

    def __repr__(self) -> str:
        return f"<{self.title}: an SVG of {len(self.svg):,} characters; .save('name.svg') writes it>"


def html_page(title: str, body: str, style: str = "", script: str = "") -> str:
    """Make a self-contained page whose Content-Security-Policy forbids all network requests.

    Args:
        title: plain text.
        body: HTML in which all user data is already escaped.
        style, script: the package's own CSS and JavaScript; no other script can run, since the policy contains the
            hash of this one.
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
    """Return the text of one of this package's files for pages: style sheets with colours, scripts, templates."""
    text = (Path(__file__).parent / "assets" / name).read_text(encoding="utf-8")
    return filled(text) if name.endswith(".css") else text


def json_script(name: str, data: Any) -> str:
    """Embed data for a page's script in an element with this id, escaped so that it cannot end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def states_of_picture(svgs: Sequence[str]) -> str:
    """Write the part of a page that holds a picture's states: the first is shown, the others are for fold.js."""
    others = "".join(f'<template class="state">{svg}</template>\n' for svg in svgs[1:])
    return f'<section class="picture zoomable" aria-label="the graph">\n{svgs[0]}</section>\n{others}'
