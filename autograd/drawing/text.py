"""Text for pictures and pages: formatted numbers, and labels that may contain any characters."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

__all__ = ["INVISIBLE", "MINUS", "UNWRITABLE", "abbreviate", "columns", "escape", "number", "visible"]

MINUS = "\N{MINUS SIGN}"
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # controls, format characters such as direction overrides, separators
UNWRITABLE = ("Cs", "Cn", "Co")  # surrogates, unassigned and private-use code points


def number(x: Any, precision: int = 4) -> str:
    """Format a number with the given number of significant digits, as Python does but with a true minus sign.

    Anything that is not a number, as in another engine's node, is shown as text.

    >>> number(-3.0), number(24.70408), number(1e-9 / 3), number(float("inf"))
    ('−3.0', '24.7', '3.333e−10', 'inf')
    """
    try:
        x = float(x)
    except (OverflowError, RuntimeError, TypeError, ValueError):
        return abbreviate(visible(str(x)), 16)
    text = f"{x:.{precision}g}"
    if math.isfinite(x) and "." not in text and "e" not in text:
        text += ".0"
    return text.replace("-", MINUS)


def visible(text: str) -> str:
    """Return the text on one line, with invisible and unwritable characters replaced by visible signs.

    >>> visible("a\\nb\\x00")
    'a␊b␀'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if code < 32:
        return chr(0x2400 + code)
    if code == 127:
        return "␡"
    if category in UNWRITABLE:
        return "\N{REPLACEMENT CHARACTER}"
    if category in INVISIBLE and code != 0x200D:  # U+200D joins the parts of an emoji
        return f"⟨{code:04X}⟩"
    return character


def abbreviate(text: str, width: int) -> str:
    """Return the text, or its beginning and end with an ellipsis between them if it is wider than `width` letters.

    >>> abbreviate("layers.0.neurons.3.weights.12", 16)
    'layers.…ights.12'
    """
    if columns(text) <= width and len(text) <= 4 * width:  # combining accents have no width, so limit their number
        return text
    head = _fitting(text[:width], (width - 1) // 2)
    tail = _fitting(text[: -width - 1 : -1], width - 1 - columns(head))[::-1]
    return f"{head}…{tail}"


def columns(text: str) -> int:
    """Return the width of the text in letters of a fixed-width font; Chinese characters and emoji count twice."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me") or character == "\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitting(text: str, width: int) -> str:
    """Return the longest beginning of the text that fits."""
    end = 0
    for character in text:
        width -= _columns(character)
        if width < 0:
            break
        end += 1
    return text[:end]


def escape(text: str) -> str:
    """Escape text for XML and HTML, in an element or a quoted attribute.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")
