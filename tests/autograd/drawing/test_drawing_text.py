"""Printed numbers, visible labels, abbreviations, and the escaping of XML."""

from __future__ import annotations

import math
import unicodedata
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd.drawing.text import MINUS, abbreviate, columns, escape, number, visible


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "−0.0"),
        (2, "2.0"),
        (True, "1.0"),
        (-1234.5678, "−1235.0"),
        (12345.6, "1.235e+04"),
        (1e-7, "1e−07"),
        (math.inf, "inf"),
        (-math.inf, "−inf"),
        (math.nan, "nan"),
        (10**400, "1000000…00000000"),
        (None, "None"),
        ([1.0, "\n"], r"[1.0, '\n']"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_numbers_in_print(x: object, text: str) -> None:
    assert number(x) == text


@given(st.floats(allow_nan=False), st.integers(1, 17))
def test_numbers_in_print_are_the_numbers_to_so_many_digits(x: float, precision: int) -> None:
    printed = float(number(x, precision).replace(MINUS, "-"))
    assert math.isclose(printed, x, rel_tol=0.5 * 10.0 ** (1 - precision) * (1 + 1e-9), abs_tol=5e-324) or (
        math.isinf(printed) and abs(x) > 1.7e308  # 1.797…e308, rounded up, exceeds the largest float
    )
    assert precision < 17 or printed == x


# Labels with arbitrary contents


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x00\x1b\x7f", "␀␛␡"),
        ("\x85", "⟨0085⟩"),
        ("\u202eabc", "⟨202E⟩abc"),
        ("\u2028", "⟨2028⟩"),
        ("\ud800", "\ufffd"),
        ("\uffff", "\ufffd"),
        ("שלום σ 日本", "שלום σ 日本"),
        ("👩\u200d👧", "👩\u200d👧"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_visible_leaves_nothing_that_is_invisible_or_cannot_be_written(text: str) -> None:
    shown = visible(text)
    categories = {unicodedata.category(character) for character in shown.replace("\u200d", "")}
    assert categories.isdisjoint(("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"))
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert visible(shown) == shown
    assert len(shown) >= len(text)


@given(st.text(max_size=100) | st.sampled_from(["x" * 10_000, "\u0301" * 10_000, "日" * 50]), st.integers(1, 40))
def test_abbreviations_fit_and_keep_both_ends(text: str, width: int) -> None:
    short = abbreviate(text, width)
    assert columns(short) <= width
    assert len(short) <= 4 * width + 1
    cuts = [i for i, character in enumerate(short) if character == "…"]
    assert short == text or any(text.startswith(short[:i]) and text.endswith(short[i + 1 :]) for i in cuts)


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "ab…efg"),
        ("日本語文字", 6, "日…字"),
        ("abc", 1, "…"),
        ("", 1, ""),
    ],
)
def test_abbreviations(text: str, width: int, short: str) -> None:
    assert abbreviate(text, width) == short


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("🙂", 2), ("e\u0301", 1), ("\u20dd", 0), ("👩\u200d👧", 4), ("ﾊ", 1)]
)
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])) | st.just("&amp;<'\"&lt;"))
def test_escaped_text_is_the_text_again_for_a_reader_of_html(text: str) -> None:
    escaped = escape(text)
    assert set(escaped).isdisjoint("<>\"'")
    assert unescape(escaped) == text
