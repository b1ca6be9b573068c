"""Name the nodes of a graph in formulas, in plain text and in LaTeX.

A node is called by its label; the labels of a network's nodes become the texts' notation, so that
`layers.0.neurons.3.weights.12` is w1[3, 12] and `layers.0.neurons.3.z` is z1[3], the weighted sum of neuron 3 of
layer 1. A wrapped number is called by its digits, anything else v1, v2, ... in topological order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from autograd.drawing.text import MINUS, abbreviate, number, visible

LONGEST = 32
SHORT = {"weights": "w", "weight": "w", "biases": "b", "bias": "b"}
GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega|"
    "Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
IN_NETWORK = re.compile(
    r"(?:layers\.(\d{1,6})\.)?(?:neurons\.(\d{1,6})\.)?(weights|bias|z|a)(?:\.(\d{1,6}))?", re.ASCII
)
WORD = re.compile(r"([A-Za-z]+)_?(\d*)", re.ASCII)
LATEX_ESCAPES = {
    "\\": r"\backslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "%": r"\%",
    "#": r"\#",
    "&": r"\&{}",  # whose braces keep "&lt;" from being one sign where a viewer takes the LaTeX for HTML
    "_": r"\_",
    "^": r"\hat{\ }",
    "~": r"\sim{}",
    "<": r"\lt{}",
    ">": r"\gt{}",
    " ": r"\ ",
    "-": r"\text{-}",
    "`": r"\text{‘}",
    "'": r"\text{’}",
    '"': r"\text{”}",
}
ACCENT = re.compile("[\u0300-\u036f]")
BESIDE_MATHEMATICS = re.compile("[^\x00-\x7f\u2010-\u209f\u2100-\u23ff\u2500-\u2bff]+")


class Name(NamedTuple):
    """The name of a node.

    Attributes:
        text: in plain Unicode, on one line.
        latex: in LaTeX's mathematics, of which it is one symbol.
    """

    text: str
    latex: str


def name_of(label: str) -> Name:
    """The name that a label gives.

    >>> name_of("layers.0.neurons.3.weights.12")
    Name(text='w1[3, 12]', latex='w^{(1)}_{3, 12}')
    >>> name_of("x12"), name_of("theta")
    (Name(text='x12', latex='x_{12}'), Name(text='theta', latex='\\\\theta'))
    """
    if match := IN_NETWORK.fullmatch(label):
        layer, neuron, quantity, k = match.groups()
        symbol = SHORT.get(quantity, quantity)
        indices = ", ".join(index for index in (neuron, k) if index is not None)
        ordinal = "" if layer is None else str(int(layer) + 1)
        text = symbol + ordinal + (f"[{indices}]" if indices else "")
        superscript = f"^{{({ordinal})}}" if ordinal else ""
        return Name(text, symbol + superscript + (f"_{{{indices}}}" if indices else ""))
    text = abbreviate(visible(label), LONGEST)
    if match := WORD.fullmatch(text):
        word, digits = match.groups()
        symbol = f"\\{word}" if GREEK.fullmatch(word) else word if len(word) == 1 else rf"\mathrm{{{word}}}"
        return Name(text, symbol + (f"_{{{digits}}}" if digits else ""))
    return Name(text, rf"\mathrm{{{latex_escape(text)}}}")


def numeral(x: float, precision: int) -> Name:
    """A number in print, with so many significant digits.

    >>> numeral(-1e-9 / 3, 4)
    Name(text='−3.333e−10', latex='-3.333 \\\\times 10^{-10}')
    """
    text = number(x, precision)
    digits, _, exponent = text.replace(MINUS, "-").partition("e")
    latex = digits.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return Name(text, latex + (rf" \times 10^{{{int(exponent)}}}" if exponent else ""))


def latex_escape(text: str) -> str:
    """Text that LaTeX's mathematics, MathJax and KaTeX show as it is, and in which no command can hide.

    The text is one that `visible` gives. Writing is set as text, for not every letter has a place in mathematics,
    and mathematical signs are not, since KaTeX refuses some of them in text. It refuses accents without a letter
    to stand on anywhere, so that those are written as their numbers.

    >>> print(latex_escape("50 % σ"))
    50\\ \\%\\ \\text{σ}
    """
    text = ACCENT.sub(lambda match: f"⟨{ord(match[0]):04X}⟩", unicodedata.normalize("NFC", text))
    escaped = "".join(LATEX_ESCAPES.get(character, character) for character in text)
    return BESIDE_MATHEMATICS.sub(lambda match: rf"\text{{{match[0]}}}", escaped)


def distinct(names: Iterable[Name]) -> list[Name]:
    """The names, those that occur again, in text or in LaTeX, told apart by a count: z1[3], z1[3]#2, z1[3]#3."""
    used: dict[str, int] = {}
    texts: set[str] = set()
    latexes: set[str] = set()
    result = []
    for name in names:
        unique = name
        while unique.text in texts or unique.latex in latexes:
            count = used[name.text] = used.get(name.text, 1) + 1
            unique = Name(f"{name.text}#{count}", rf"{{{name.latex}}}^{{\#{count}}}")
        texts.add(unique.text)
        latexes.add(unique.latex)
        result.append(unique)
    return result
