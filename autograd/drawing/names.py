"""Name the nodes of a graph in formulas, in plain text and in LaTeX.

A node's name is its label; labels of a network's nodes are written in the notation of the textbooks:
`layers.0.neurons.3.weights.12` is w1[3, 12], and `layers.0.neurons.3.z` is z1[3], the weighted sum of neuron 3 of layer
1. A wrapped number's name is its digits; all other nodes are v1, v2, ... in topological order.
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
    "&": r"\&{}",  # the braces break up "&lt;" for viewers that parse the LaTeX as HTML
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
        latex: one symbol in LaTeX's math mode.
    """

    text: str
    latex: str


def name_of(label: str) -> Name:
    """Return the name for a label.

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
    """Format a number with the given number of significant digits.

    >>> numeral(-1e-9 / 3, 4)
    Name(text='−3.333e−10', latex='-3.333 \\\\times 10^{-10}')
    """
    text = number(x, precision)
    digits, _, exponent = text.replace(MINUS, "-").partition("e")
    latex = digits.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return Name(text, latex + (rf" \times 10^{{{int(exponent)}}}" if exponent else ""))


def latex_escape(text: str) -> str:
    """Escape text so that LaTeX's math mode, MathJax and KaTeX show it verbatim and execute no command in it.

    The text must be a result of `visible`. Letters that math mode does not support are set as text; mathematical signs
    are not, since KaTeX rejects some of them in text. KaTeX rejects combining accents everywhere, so they are written
    as their code points.

    >>> print(latex_escape("50 % σ"))
    50\\ \\%\\ \\text{σ}
    """
    text = ACCENT.sub(lambda match: f"⟨{ord(match[0]):04X}⟩", unicodedata.normalize("NFC", text))
    escaped = "".join(LATEX_ESCAPES.get(character, character) for character in text)
    return BESIDE_MATHEMATICS.sub(lambda match: rf"\text{{{match[0]}}}", escaped)


def distinct(names: Iterable[Name]) -> list[Name]:
    """Make names unique, both in text and in LaTeX, by adding a count to repeated ones: z1[3], z1[3]#2, z1[3]#3."""
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
