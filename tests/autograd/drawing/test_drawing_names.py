"""Names of nodes in formulas: textbook notation, all distinct, and LaTeX that cannot contain commands."""

from __future__ import annotations

import math
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd.drawing.names import LONGEST, Name, distinct, latex_escape, name_of, numeral
from autograd.drawing.text import columns, visible


@pytest.mark.parametrize(
    ("label", "text", "latex"),
    [
        ("x", "x", "x"),
        ("x12", "x12", "x_{12}"),
        ("x_1", "x_1", "x_{1}"),
        ("loss", "loss", r"\mathrm{loss}"),
        ("delta2", "delta2", r"\delta_{2}"),
        ("Sigma", "Sigma", r"\Sigma"),
        ("my loss", "my loss", r"\mathrm{my\ loss}"),
        ("weights.3", "w[3]", "w_{3}"),
        ("bias", "b", "b"),
        ("z", "z", "z"),
        ("neurons.2.bias", "b[2]", "b_{2}"),
        ("layers.0.neurons.3.weights.12", "w1[3, 12]", "w^{(1)}_{3, 12}"),
        ("layers.1.neurons.0.a", "a2[0]", "a^{(2)}_{0}"),
        ("layers.1.neurons.0.c", "layers.1.neurons.0.c", r"\mathrm{layers.1.neurons.0.c}"),
        ("σ", "σ", r"\mathrm{\text{σ}}"),
        ("a\nb", "a␊b", r"\mathrm{a\text{␊}b}"),
    ],
)
def test_names_of_labels(label: str, text: str, latex: str) -> None:
    assert name_of(label) == Name(text, latex)


@given(st.text(max_size=60) | st.sampled_from(["x" * 10_000, "layers." + "9" * 10_000 + ".z", "a" + "\u0301" * 10_000]))
def test_names_are_short_and_in_one_line(label: str) -> None:
    name = name_of(label)
    assert columns(name.text) <= LONGEST
    assert len(name.latex) <= 1000
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", name.text + name.latex)


@pytest.mark.parametrize(
    ("x", "text", "latex"),
    [
        (0.5, "0.5", "0.5"),
        (-3.0, "−3.0", "-3.0"),
        (2e30 / 3, "6.667e+29", r"6.667 \times 10^{29}"),
        (-1e-9, "−1e−09", r"-1 \times 10^{-9}"),
        (math.inf, "inf", r"\infty"),
        (-math.inf, "−inf", r"-\infty"),
        (math.nan, "nan", r"\mathrm{nan}"),
    ],
)
def test_numerals(x: float, text: str, latex: str) -> None:
    assert numeral(x, 4) == Name(text, latex)


# Distinct names


@given(st.lists(st.sampled_from(["a", "a#2", "a#2#2", "x1", "x_1", "theta", "\\theta", "x_1#2", "A" * 40, "A" * 50])))
def test_no_two_names_are_the_same_in_text_or_in_latex(labels: list[str]) -> None:
    given_names = [name_of(label) for label in labels]
    names = distinct(given_names)
    assert len({name.text for name in names}) == len({name.latex for name in names}) == len(labels)
    assert all(new.text.startswith(old.text) for old, new in zip(given_names, names))
    first = {name.text: i for i, name in reversed(list(enumerate(given_names)))}
    if len({name.latex for name in given_names}) == len(labels):
        assert names == given_names
    assert not labels or names[0] == given_names[first[given_names[0].text]]


def test_names_that_occur_again_are_counted() -> None:
    assert distinct([Name("z1[3]", "z")] * 3) == [
        Name("z1[3]", "z"),
        Name("z1[3]#2", r"{z}^{\#2}"),
        Name("z1[3]#3", r"{z}^{\#3}"),
    ]


# LaTeX

ESCAPES = r"\\(?:backslash|text|hat|sim|lt|gt)(?![a-zA-Z])|\\[{}$%#&_ ]"


@given(st.text() | st.text("\\{}$%#&_^~<>\"'`- \u0301aé∑日"))
def test_escaped_text_holds_no_command_but_the_escapes(text: str) -> None:
    latex = latex_escape(visible(text))
    rest = re.sub(ESCAPES, "", latex)
    assert not set(rest) & set("\\$%#&_^~<>\"'`")
    depth = 0
    for brace in re.findall("[{}]", rest):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


@given(st.text())
def test_escaped_text_reads_as_the_text(text: str) -> None:
    """Unescaping with a separate table gives the text back, with accents composed."""
    text = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFC", visible(text)))
    plain = {"backslash{}": "\\", "hat{\\ }": "^", "sim{}": "~", "lt{}": "<", "gt{}": ">", "&{}": "&"}
    latex = latex_escape(text).replace(r"\text{-}", "-")
    for quote, written in (("`", "‘"), ("'", "’"), ('"', "”")):
        latex, text = latex.replace(rf"\text{{{written}}}", written), text.replace(quote, written)
    latex = re.sub(r"\\text\{([^{}]*)\}", r"\1", latex)
    shown = re.sub(
        r"\\(backslash\{\}|hat\{\\ \}|sim\{\}|lt\{\}|gt\{\}|&\{\}|.)", lambda m: plain.get(m[1], m[1]), latex
    )
    assert unicodedata.normalize("NFC", shown) == unicodedata.normalize("NFC", text)


def test_accents_without_a_letter_are_written_as_numbers() -> None:
    """KaTeX would reject the whole formula because of one such accent."""
    assert latex_escape("e\u0301") == r"\text{é}"
    assert latex_escape("a\u0336") == "a⟨0336⟩"
