"""Equations in plain Unicode and in LaTeX, broken into lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeVar

from autograd.drawing.text import MINUS, columns

WIDTH = 88  # letters to the right of the equals sign

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Math:
    """A piece of mathematics or prose, in plain Unicode and in LaTeX."""

    text: str
    latex: str

    def __add__(self, other: Math) -> Math:
        return Math(self.text + other.text, self.latex + other.latex)

    def join(self, parts: Iterable[Math]) -> Math:
        """Join the parts, with this as the separator."""
        parts = list(parts)
        return Math(self.text.join([part.text for part in parts]), self.latex.join([part.latex for part in parts]))


Row = tuple[Math, Math, Math]  # the left side, the sign, the right side


class Block(NamedTuple):
    """Lines of words followed by equations, aligned at their signs."""

    words: list[Math]
    rows: list[Row]


NOTHING, SPACE, COMMA = Math("", ""), Math(" ", " "), Math(",", r",\;")
EQUAL, NEARLY, BELOW, AND_SO_ON = Math("=", "="), Math("≈", r"\approx"), Math(" ", r"\quad"), Math("⋮", r"\vdots\;\;")
PLUS, LESS, DOT = Math("+ ", "+ "), Math("− ", "- "), Math("· ", r"\cdot ")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def prose(text: str) -> Math:
    """Wrap fixed words that need no escaping in LaTeX."""
    return Math(text, rf"\text{{{text}}}")


def bracketed(inner: Math) -> Math:
    return Math(f"({inner.text})", rf"\left({inner.latex}\right)")


def count(n: int) -> Math:
    """Write a count, exactly below a million."""
    if n < 10**6:
        return prose(f"{n:,}")
    digits, exponent = f"{Decimal(n):.2E}".split("E+")
    return Math(f"≈ {digits} × 10^{exponent}", rf"\approx {digits} \times 10^{{{exponent}}}")


def abridged(items: Sequence[S], write: Callable[[S], T], omitted: Callable[[int], T], most: int) -> list[T]:
    """Write the items; if there are more than `most`, only the first and the last, with a mark for those omitted."""
    if len(items) <= most:
        return [write(item) for item in items]
    each = (most - 1) // 2  # so that at least two items are omitted
    return [*map(write, items[:each]), omitted(len(items) - 2 * each), *map(write, items[-each:])]


def sum_of(products: Iterable[Sequence[Math]]) -> list[list[Math]]:
    """Write the terms of a sum, each with its sign, split before each "·"."""
    terms: list[list[Math]] = []
    for first, *others in products:
        sign = PLUS if terms else NOTHING
        if terms and first.text.startswith(MINUS):
            sign, first = LESS, Math(first.text[1:], first.latex[1:])
        terms.append([sign + first, *(DOT + factor for factor in others)])
    return terms


def lines_of(terms: Iterable[Sequence[Math]]) -> list[Math]:
    """Arrange terms in lines of at most `WIDTH`; a longer term gets its own lines, broken between its pieces."""
    lines: list[Math] = []
    room_left = False
    for pieces in terms:
        term = SPACE.join(pieces)
        if room_left and columns(lines[-1].text) + 1 + columns(term.text) <= WIDTH:
            lines[-1] += SPACE + term
            continue
        lines.append(pieces[0])
        for piece in pieces[1:]:
            if columns(lines[-1].text) + 1 + columns(piece.text) <= WIDTH:
                lines[-1] += SPACE + piece
            else:
                lines.append(piece)
        room_left = lines[-1] == term
    return lines


def rows_of(left: Math, sign: Math, lines: Sequence[Math]) -> list[Row]:
    return [(left, sign, lines[0]), *((NOTHING, BELOW, line) for line in lines[1:])]


def in_one_row(rows: list[Row]) -> list[Row]:
    """Merge the rows left = a, = b, = c into the one row left = a = b = c, if it is not too long."""
    (left, sign, right), *others = rows
    for _, relation, side in others:
        right += SPACE + relation + SPACE + side
    return [(left, sign, right)] if columns(right.text) <= WIDTH else rows


def as_text(blocks: Iterable[Block]) -> str:
    parts = []
    for words, rows in blocks:
        width = max((columns(left.text) for left, _, _ in rows), default=0)
        lines = [line.text for line in words]
        lines += [f"{' ' * (width - columns(a.text))}{a.text} {sign.text} {b.text}" for a, sign, b in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def as_latex(blocks: Iterable[Block]) -> str:
    parts = []
    for words, rows in blocks:
        lines = [line.latex for line in words]
        if rows:
            body = " \\\\\n".join(f"{left.latex} &{sign.latex} {right.latex}" for left, sign, right in rows)
            lines.append(f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}")
        parts.append(" \\\\[1ex]\n".join(lines))
    return "\\begin{array}{l}\n" + " \\\\[3ex]\n".join(parts) + "\n\\end{array}"
