"""Text for pictures and pages: numbers in print, and labels that may hold anything at all."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

__all__ = ["INVISIBLE", "MINUS", "UNWRITABLE", "abbreviate", "columns", "escape", "number", "visible"]

MINUS = "\N{MINUS SIGN}"
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # controls, formats such as the overrides of the writing direction, separators
UNWRITABLE = ("Cs", "Cn", "Co")  # halves of a surrogate pair and code points without a character


def number(x: Any, precision: int = 4) -> str:
    """A number with so many significant digits, as Python would write it but for a true minus sign.

    What is no number, as in another engine's node, is shown as text.

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
    """The text on one line, with what cannot be seen or written replaced by a sign for it.

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
    if category in INVISIBLE and code != 0x200D:  # which joins the parts of an emoji
        return f"⟨{code:04X}⟩"
    return character


def abbreviate(text: str, width: int) -> str:
    """The text, or its beginning and its end with an ellipsis between them where it is wider than `width` letters.

    >>> abbreviate("layers.0.neurons.3.weights.12", 16)
    'layers.…ights.12'
    """
    if columns(text) <= width and len(text) <= 4 * width:  # for accents take no room, however many there are
        return text
    head = _fitting(text[:width], (width - 1) // 2)
    tail = _fitting(text[: -width - 1 : -1], width - 1 - columns(head))[::-1]
    return f"{head}…{tail}"


def columns(text: str) -> int:
    """Count the letters of a fixed-width font that the text takes; Chinese and emoji take two each."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me") or character == "\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitting(text: str, width: int) -> str:
    """As much of the beginning as fits."""
    end = 0
    for character in text:
        width -= _columns(character)
        if width < 0:
            break
        end += 1
    return text[:end]


def escape(text: str) -> str:
    """The text as XML and HTML write it, in an element or in a quoted attribute.

    >>> escape('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")
