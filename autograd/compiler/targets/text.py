"""Expressions as text: precedence of operators, notation of numbers, and line breaks.

Text is composed from operands, and never parsed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ATOM, POWER, SIGN, PRODUCT, SUM, COMPARISON = 9, 8, 7, 6, 5, 3

INFIX = {
    "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT,
    "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON, "==": COMPARISON, "!=": COMPARISON,
}  # fmt: skip

_LONG = 12  # characters of a number from which on a fraction is easier to read

_LONGEST = 100  # characters of a line
_DEEPEST = 6  # levels of brackets within which a line may be broken
_TOKEN = re.compile(r"[()\[\]]|, | [+-] |$")


class Text(NamedTuple):
    """An expression as text, with the precedence of its outermost operator."""

    text: str
    binding: int = ATOM

    def within(self, binding: int) -> str:
        """Return the text, in parentheses if its operator has a lower precedence than this.

        >>> Text("a + b", SUM).within(PRODUCT)
        '(a + b)'
        """
        return f"({self.text})" if self.binding < binding else self.text


def infix(operator: str, left: Text, right: Text) -> Text:
    """Return an operator between expressions, with the necessary parentheses.

    >>> infix("+", Text("a"), Text("b + c", SUM)).text, infix("+", Text("a"), Text("-2 * b", PRODUCT)).text
    ('a + (b + c)', 'a - 2 * b')
    """
    return Text(*joined(operator, left, right))


def joined(operator: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
    """Return the result of `infix` as a plain tuple: cheaper, since long programs create many."""
    binding = INFIX[operator]
    (first, outer), (second, inner) = left, right
    if outer < binding:
        first = f"({first})"
    if inner <= binding:
        second = f"({second})"
    elif second[0] == "-" and operator in "+-":
        operator, second = "-+"[operator == "-"], second[1:]
    return f"{first} {operator} {second}", binding


def negated(x: Text) -> Text:
    """Return minus an expression.

    >>> negated(Text("a * b", PRODUCT)).text, negated(Text("a + b", SUM)).text, negated(Text("-a", SIGN)).text
    ('-a * b', '-(a + b)', 'a')
    """
    if x.binding in (SIGN, PRODUCT) and x.text.startswith("-"):
        return Text(x.text[1:], PRODUCT)
    binding = PRODUCT if x.binding == PRODUCT else SIGN
    return Text(f"-{x.within(binding)}", binding)


def number(x: float) -> str:
    """Return a number as source: 3.0 unchanged, 0.3333333333333333 as 1 / 3, inf and nan by name.

    >>> number(3.0), number(1 / 3), number(-0.25), number(float("-inf"))
    ('3.0', '1 / 3', '-0.25', '-inf')
    """
    sign = "-" if x < 0 else ""
    if x != x:
        return "nan"
    if abs(x) == float("inf"):
        return f"{sign}inf"
    text = repr(float(x))
    if len(text) > _LONG and 1e-4 < abs(x) < 1:
        for above in (1, 2, 3, 4):
            below = round(above / abs(x))
            if above / below == abs(x):
                return f"{sign}{above} / {below}"
    return text


def literal(x: float) -> Text:
    """Return a number as an expression.

    >>> literal(1 / 3).within(PRODUCT + 1), literal(-2.0).within(ATOM)
    ('(1 / 3)', '(-2.0)')
    """
    text = number(x)
    return Text(text, PRODUCT if "/" in text else SIGN if text.startswith("-") else ATOM)


def factor(x: float) -> Text:
    """Return a number as an operand of an operator, where an integer need not be written as a float.

    >>> factor(2.0).text, factor(0.5).text
    ('2', '0.5')
    """
    if float(x).is_integer() and abs(x) < 1e6 and repr(float(x)) != "-0.0":
        return Text(str(int(x)), SIGN if x < 0 else ATOM)
    return literal(x)


def listed(items: list[str]) -> str:
    """Return names as a tuple.

    >>> listed(["a"]), listed(["a", "b"]), listed([])
    ('(a,)', '(a, b)', '()')
    """
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def assignment(name: str, text: str, comment: str) -> str:
    """Return the line or lines of a statement, followed by a comment.

    >>> assignment("y", "x + 1", "(n, 1)").split()
    ['y', '=', 'x', '+', '1', '#', '(n,', '1)']
    """
    line = f"    {name} = {text}"
    if len(line) > _LONGEST + 10:
        line = f"    {name} = (\n        {_wrapped(text)}\n    )"
    return f"{line:<60}  # {comment}"


def _wrapped(text: str) -> str:
    """Break a long expression into lines, before terms and after commas, within as few brackets as possible."""
    pieces = [text]
    for brackets in range(_DEEPEST):
        pieces = _broken(text, brackets)
        if max(map(len, pieces)) <= _LONGEST:
            break
    return "\n        ".join(pieces)


def _broken(text: str, brackets: int) -> list[str]:
    """Return the lines of a text, broken within at most this many brackets, and only where the next part would not fit.

    A line ends at the possible place within the fewest brackets.
    """
    pieces, depth, start = [], 0, 0
    places: list[tuple[int, int]] = []  # possible ends of the current line: the depth of brackets, and the position
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token and token in "([":
            depth += 1
        elif token and token in ")]":
            depth -= 1
        elif depth <= brackets:
            place = match.end() if token == ", " else match.start()
            while place - start > _LONGEST and places:
                _, end = min(places, key=lambda known: (known[0], -known[1]))
                pieces.append(text[start:end].strip())
                start = end
                places = [known for known in places if known[1] > end]
            places.append((depth, place))
    return [*pieces, text[start:].strip()]
