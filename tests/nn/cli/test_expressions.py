"""Expressions as text: their values, their errors, and ten thousand hostile ones."""

from __future__ import annotations

import builtins
import inspect
import math
import random
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import autograd
from autograd import Constant, Value, no_grad, primitives, topological_order
from nn.cli.expressions import CONSTANTS, FUNCTIONS, MAX_LENGTH, ExpressionError, evaluate, variable_names

# Names with which Python runs the same formulas; here, functions of several numbers take them as separate arguments
PYTHON: dict[str, Any] = {
    **{name: getattr(autograd, name) for name in FUNCTIONS if hasattr(autograd, name)},
    "abs": abs,
    "max": autograd.maximum,
    "min": autograd.minimum,
    "sum": lambda *xs: autograd.sum(xs),
    "mean": lambda *xs: autograd.mean(xs),
    "prod": lambda *xs: autograd.prod(xs),
    "logsumexp": lambda *xs: autograd.logsumexp(xs),
    **CONSTANTS,
}

FORMULAS = [
    "sin(x*y) + x**2",
    "-x**2",
    "(-x)**2",
    "2**-1 * x",
    "2**3**2 * x",
    "x**2**3",
    "x**-y**2",
    "x/y/3",
    "x - y - 1",
    "x - (y - 1)",
    "-x*y",
    "- -x + +y",
    "x**(1/2)",
    "x**y",
    "2**x",
    "x**0",
    "y**3",
    "y**-2",
    "1/x + x/1",
    "3 - y",
    "pi*x**2 + tau*e",
    "exp(-x**2/2) / sqrt(2*pi)",
    "max(x, 1) + min(y, 2) * maximum(x, x) - minimum(1, y)",
    "log(x) + log1p(x) + log2(x) + log10(x) + xlogy(x, 2)",
    "atan2(y, x) + hypot(x, 3) + atan(y/x)",
    "sum(x, y, 3) + logsumexp(x, y, 0.5) + sum(x)",
    "sigmoid(softplus(relu(tanh(x*y)))) + erf(y) + abs(y)",
    "asin(x/9) + acos(y/9) + asinh(x) + acosh(x) + atanh(x/9) + cbrt(y) + expm1(y) + cosh(y)*sinh(x) + tan(x)",
    "(((x)))",
    "x + x + x*x",
]


def variables() -> dict[str, Value]:
    return {"x": Value(2.5, "x"), "y": Value(-0.75, "y")}


def in_python(text: str, given: dict[str, Value]) -> Any:
    """Evaluate a formula in Python itself; only formulas from this file."""
    return eval(text, {**PYTHON, "__builtins__": {}}, given)


def picture(root: Value) -> list[Any]:
    """Return all properties of the graph, with each node identified by its position."""
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    return [
        (
            node.data.hex(),
            node.op,
            node.label,
            node.is_constant,
            [place[parent] for parent in node.parents],
            [derivative.hex() for derivative in node.local_derivatives],
        )
        for node in order
    ]


def gradients(root: Value, given: dict[str, Value]) -> list[str]:
    root.backward()
    return [value.grad.hex() for value in given.values()]


def error_of(text: str, given: dict[str, Value] | None = None) -> str:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, variables() if given is None else given)
    return str(caught.value)


def underlined(message: str) -> str:
    """Return the text above the carets, for characters that are one column wide."""
    _, shown, carets = message.split("\n")[:3]
    assert set(carets.strip(" ")) == {"^"}
    return shown[carets.index("^") : len(carets)]


# Values of expressions


@pytest.mark.parametrize("text", FORMULAS)
def test_value_gradient_and_graph_are_those_of_python(text: str) -> None:
    ours, theirs = variables(), variables()
    result, expected = evaluate(text, ours), in_python(text, theirs)
    assert picture(result) == picture(expected)
    assert gradients(result, ours) == gradients(expected, theirs)


def formulas() -> st.SearchStrategy[str]:
    numbers = st.floats(0.125, 3.0).map(repr)
    leaves = numbers | st.sampled_from(["x", "y", "pi"])

    def larger(smaller: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        functions = st.sampled_from(["sin", "exp", "log", "sqrt", "tanh", "abs", "erf", "cbrt"])
        return st.one_of(
            st.builds("{} {} {}".format, smaller, st.sampled_from("+-*/"), smaller),
            st.builds("({})**{}".format, smaller, st.sampled_from(["2", "-1", "3", "x", "0.5"])),
            st.builds("-{}".format, smaller),
            st.builds("({})".format, smaller),
            st.builds("{}({})".format, functions, smaller),
            st.builds("{}({}, {})".format, st.sampled_from(["maximum", "min", "hypot", "sum"]), smaller, smaller),
        )

    return st.recursive(leaves, larger, max_leaves=12)


@given(formulas())
@example("abs((-1.0)**0.5)")
def test_random_formulas_are_those_of_python(text: str) -> None:
    ours, theirs = variables(), variables()
    try:
        expected = in_python(text, theirs)
    except (ArithmeticError, TypeError, ValueError):  # a TypeError where Python's own power of floats is complex
        error_of(text)
        return
    try:
        result = evaluate(text, ours)
    except ExpressionError as error:
        # Python continues with inf, and with complex numbers, whose abs is real again
        is_complex = re.match(r"\(-.*\) \*\* \(.* has no finite real value", str(error))
        assert "beyond the largest float" in str(error) or is_complex
        return
    if not isinstance(expected, Value):
        assert (type(result), result.data.hex()) == (Constant, float(expected).hex())
        return
    assert picture(result) == picture(expected)
    assert gradients(result, ours) == gradients(expected, theirs)


@pytest.mark.parametrize(
    ("text", "zero_up_to"),
    [
        ("sin(x)**2 + cos(x)**2 - 1", 1e-15),
        ("log(exp(x)) - x", 1e-15),
        ("hypot(x, y) - sqrt(x**2 + y**2)", 1e-15),
        ("atan2(y, x) - atan(y / x)", 1e-15),
        ("logsumexp(x, y) - log(exp(x) + exp(y))", 1e-15),
        ("sigmoid(x) + sigmoid(-x) - 1", 1e-15),
        ("softplus(x) - softplus(-x) - x", 1e-15),
        ("max(x, y) + min(x, y) - (x + y)", 0.0),
        ("cosh(x)**2 - sinh(x)**2 - 1", 1e-13),
        ("tau - 2*pi + log(e) - 1 + 0*x*y", 0.0),
    ],
)
def test_identities(text: str, zero_up_to: float) -> None:
    """The expression and its derivatives are 0 everywhere."""
    given = variables()
    root = evaluate(text, given)
    root.backward()
    for number in (root.data, given["x"].grad, given["y"].grad):
        assert abs(number) <= zero_up_to


@given(st.floats(min_value=0.0, allow_infinity=False, allow_nan=False))
def test_a_number_is_the_float_that_python_reads(number: float) -> None:
    assert evaluate(repr(number), {}).data.hex() == number.hex()


@pytest.mark.parametrize("text", ["7", "0", "0.5", ".5", "5.", "1e3", "1E-3", "1.5e+2", "007.5", "9" * 308, "1e-999"])
def test_numbers(text: str) -> None:
    result = evaluate(text, {})
    assert (type(result), result.data) == (Constant, float(text))


def test_numbers_alone_make_a_constant() -> None:
    result = evaluate("2**0.5 + 3*4", {})
    assert (type(result), result.data, result.parents) == (Constant, 2**0.5 + 12, ())


def test_a_variable_alone_is_that_very_value() -> None:
    given = variables()
    assert evaluate("(x)", given) is given["x"]


def test_whole_numbers_are_floats() -> None:
    assert evaluate("2**53 + 1 - 2**53", {}).data == 0.0


def test_a_power_with_a_plain_exponent_has_the_rule_of_constants() -> None:
    given = {"x": Value(-2.0)}
    root = evaluate("x**(6/2)", given)
    assert root.primitive is primitives.constant_power
    root.backward()
    assert given["x"].grad == 12.0


def test_variables_hide_constants() -> None:
    given = {"e": Value(3.0)}
    root = evaluate("e * pi", given)
    root.backward()
    assert (root.data, given["e"].grad) == (3 * math.pi, math.pi)


def test_white_space_of_any_kind_parts_and_means_nothing() -> None:
    given = variables()
    assert evaluate("\n  x\t*\r\n y\u00a0+\u2003( x\x0b- 1 )\x0c\n", given).data == evaluate("x*y+(x-1)", given).data


def test_names_of_all_alphabets_in_pythons_normal_form() -> None:
    """The micro sign µ of keyboards and the Greek μ are one name to Python; so are sin and ſin, with a long s."""
    given = {"µ": Value(3.0), "größe": Value(5.0), "日本": Value(7.0)}
    assert evaluate("μ * gro\u0308ße + µ * 日本", given).data == 36.0
    assert evaluate("ſin(1)", {}).data == math.sin(1)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_is_that_of_the_table(name: str) -> None:
    several = len(inspect.signature(FUNCTIONS[name].derivatives).parameters) != 2
    given = {"a": Value(1.25), "b": Value(0.5)} if several else {"a": Value(1.25 if name == "acosh" else 0.75)}
    result = evaluate(f"{name}({', '.join(given)})", given)
    expected = PYTHON[name](*given.values())
    assert (result.data, result.primitive) == (expected.data, expected.primitive)


def test_the_functions_are_the_public_ones_and_no_more() -> None:
    public = {name for name in autograd.__all__ if isinstance(getattr(autograd, name), primitives.Primitive)}
    assert set(FUNCTIONS) == public | {"abs", "logsumexp", "max", "mean", "min", "prod", "sum"}


def test_a_primitive_of_ones_own_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "TABLE", dict(primitives.TABLE))
    autograd.primitive("thrice", lambda x: 3 * x, lambda x, out: (3.0,))
    assert underlined(error_of("thrice(x)")) == "thrice"


def test_without_recording_the_number_is_the_same() -> None:
    with no_grad():
        result = evaluate("sin(x*y) + x**2", variables())
        assert "is inf" in error_of("x * 1e308")
    assert (type(result), result.data) == (Constant, evaluate("sin(x*y) + x**2", variables()).data)


def test_variable_names_in_their_order() -> None:
    assert variable_names("y*x + sin(y) + pi**µ") == ("y", "x", "pi", "μ")
    assert variable_names("log(0)") == ()
    with pytest.raises(ExpressionError):
        variable_names("x.y")


def test_python_with_autograd_pays_nothing_for_this_module(run_python: Callable[..., str]) -> None:
    code = "import autograd, sys; print({'ast', 'difflib'} & set(sys.modules)); import nn"
    code += "; print({'nn.cli.expressions', 'difflib'} & set(sys.modules))"
    assert run_python(code) == "set()\nset()\n"


# Errors


@pytest.mark.parametrize(
    ("text", "part", "phrase"),
    [
        ("x.__class__ + 1", ".__class__", "attributes are not supported"),
        ("(x) . real", ".", "attributes are not supported"),
        ("1..real", "1..real", "write numbers as"),
        ("sine(x) + 1", "sine", "did you mean sin?"),
        ("1 + ln(x)", "ln", "did you mean log?"),
        ("pow(x, 2)", "pow", "did you mean x**y?"),
        ("x(y + 1)", "x", "write a product as x*(...)"),
        ("__import__(x)", "__import__", "The functions are abs, "),
        ("1 + 2(x + 1)", "2(x + 1)", "write products with *"),
        ("sin(x)(y)", "sin(x)(y)", "only functions can be called"),
        ("lambda: x", "lambda", "a Python keyword"),
        ("x if y else 1", "if", "a Python keyword"),
        ("not x", "not", "a Python keyword"),
        ("x * None", "None", "a Python keyword"),
        ("True", "True", "a Python keyword"),
        ("sum(t for t in x)", "for", "a Python keyword"),
        ("x <= y", "<=", "comparisons are not arithmetic"),
        ("x == y", "==", "comparisons are not arithmetic"),
        ("(a := 1)", ":", "cannot assign or define"),
        ("sin(x=2)", "=", "as in x=2"),
        ("'abc' + x", "'abc'", "text in quotes"),
        ('x + "abc', '"abc', "text in quotes"),
        ("f'{x}'", "'{x}'", "text in quotes"),
        ("x[0]", "[", "only round brackets"),
        ("{x}", "{", "only round brackets"),
        ("x // y", "//", "floor division and remainders are not supported"),
        ("x @ y", "@", "not used in arithmetic"),
        ("x^2", "^", "did you mean **?"),
        ("x²", "²", "did you mean **2?"),
        ("2 × x", "×", "did you mean *?"),
        ("x·y", "·", "did you mean *?"),
        ("x − y", "−", "did you mean -?"),
        ("x + ½", "½", "(U+00BD) is not used"),
        ("2x", "2x", "products as 2*x"),
        ("2 x", "x", "an operator is missing"),
        ("sin x", "x", "functions as sin(x)"),
        ("(x) y", "y", "an operator is missing"),
        ("007", "007", "write numbers as"),
        ("0x10 + x", "0x10", "write numbers as"),
        ("1_000", "1_000", "write numbers as"),
        ("3j * x", "3j", "write numbers as"),
        ("x + 1e", "1e", "write numbers as"),
        ("1.2.3", "1.2.3", "write numbers as"),
        ("٣ + x", "٣", "(U+0663) is not used"),
        ("x٣²", "²", "did you mean **2?"),
        ("1 + 2,5", "1 + 2,5", "as in 2.5"),
        ("sin((x, y))", "(x, y)", "a comma only separates"),
        ("sin(*x)", "sin(*x)", "one by one"),
        ("sum(x, **y)", "sum(x, **y)", "one by one"),
        ("1 + sin(x, y)", "sin(x, y)", "sin(x) takes 1 argument(s), got 2"),
        ("atan2(y)", "atan2(y)", "atan2(y, x) takes 2 argument(s), got 1"),
        ("max(x, y, 1)", "max(x, y, 1)", "got 3"),
        ("sin()", "sin()", "got 0"),
        ("logsumexp()", "logsumexp()", "one or more argument(s), got 0"),
        ("x + z", "z", "z has no value: add z=..."),
        ("2 + xy", "xy", "or write x*y"),
        ("2*Pi", "Pi", "did you mean pi?"),
        ("2 * X", "X", "did you mean x?"),
        ("x * SIN(y)", "SIN", "did you mean sin?"),
        ("sin + 1", "sin", "write sin(...)"),
        ("(x + y", "(", "never closed"),
        ("x + y)", ")", "unmatched"),
        ("x * / y", "/", "is not allowed here"),
        ("x +", "", "the expression ends"),
        ("1e999 + x", "1e999", "beyond the largest float"),
        ("x + " + "9" * 400, "9" * 96, "beyond the largest float"),
    ],
)
def test_the_offending_part_is_underlined(text: str, part: str, phrase: str) -> None:
    message = error_of(text)
    assert phrase in message
    assert underlined(message) == part


@pytest.mark.parametrize(
    ("text", "part", "phrase"),
    [
        ("1 + log(x*y)", "log(x*y)", "log(-1.875) has"),
        ("x / (y - y) + 1", "x / (y - y)", "(x = 2.5) / (0.0) has"),
        ("1/0", "1/0", "division by zero"),
        ("0**-1 + x", "0**-1", "(0.0) ** (-1.0) has"),
        ("(-8)**(1/3)", "(-8)**(1/3)", "(-8.0) ** (0.333"),
        ("x + y**0.5", "y**0.5", "(y = -0.75) ** (0.5) has"),
        ("9**9**9**9", "9**9**9", "(9.0) ** (387420489.0) has"),
        ("10**400", "10**400", "(10.0) ** (400.0) has"),
        ("1 + exp(1000*x)", "exp(1000*x)", "exp(2500.0) has"),
        ("1 - 1e308*10*x", "1e308*10", "1e+308 * 10.0 is inf"),
        ("x/1e-308*y", "x/1e-308", "2.5 / 1e-308 is inf"),
        ("-1e308 - x*1e308", "x*1e308", "is inf"),
        ("-1e308 - 1e308", "-1e308 - 1e308", "-1e+308 - 1e+308 is -inf"),
        ("sum(1e308, 1e308, x, x, x)", "sum(1e308, 1e308, x, x, x)", "sum(1e+308, 1e+308, 2.5, 2.5, ...) is inf"),
        ("1 + hypot(1.5e308, 1.5e308)", "hypot(1.5e308, 1.5e308)", "hypot(1.5e+308, 1.5e+308) is inf"),
        ("asin(x)", "asin(x)", "asin(x = 2.5) has"),
    ],
)
def test_arithmetic_without_a_finite_value_names_the_operation(text: str, part: str, phrase: str) -> None:
    message = error_of(text)
    assert phrase in message
    assert underlined(message) == part


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_expression(text: str) -> None:
    assert error_of(text).startswith("the expression is empty\nAllowed are")


def test_the_whole_message() -> None:
    assert error_of("sin(x*y) + x^2").split("\n") == [
        "the character ^ (U+005E) is not used in arithmetic: did you mean **?",
        "    sin(x*y) + x^2",
        "                ^",
        "Allowed are numbers, variables, + - * / **, round brackets, pi, e, tau, and functions such as sin(x).",
    ]


@pytest.mark.parametrize("text", ["sin * 2", "sin(x) + 1"])
def test_a_variable_named_like_a_function(text: str) -> None:
    message = error_of(text, {**variables(), "sin": Value(1.0)})
    assert "sin is a function here: give the variable another name" in message
    assert underlined(message) == "sin"


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_variable_without_a_finite_value(number: float) -> None:
    message = error_of("1 + 0*x", {"x": Value(number)})
    assert f"x is {number}" in message
    assert underlined(message) == "x"


def test_variables_must_be_values() -> None:
    given: Any = {"x": 2.0}
    with pytest.raises(TypeError, match=r"got x = 2\.0: write Value\(2\.0\)"):
        evaluate("x", given)


def test_two_spellings_of_one_name() -> None:
    assert "equal in Unicode's NFKC form: µ, μ" in error_of("μ", {"µ": Value(1.0), "μ": Value(2.0)})


def test_a_variable_with_an_empty_name_disturbs_nothing() -> None:
    assert evaluate("x + 1", {"": Value(0.0), **variables()}).data == 3.5


@pytest.mark.parametrize(
    ("text", "before", "width"),
    [
        ("日本 + foo(x)", 7, 3),  # two columns a character
        ("x + 日本(x)", 4, 4),
        ("größe + foo(x)", 8, 3),
        ("gro\u0308ße + foo(x)", 8, 3),  # ö as o and a combining mark, which takes no column
        ("𝐱 + foo(x)", 4, 3),  # four bytes of UTF-8, one column
        ("\u3000x\u3000+ foo(x)", 4, 3),
        ("x + \u202ey", 4, 8),  # shown as <U+202E>, since it would reverse the line
        ("x\0", 1, 8),
        ("x + \ud800", 4, 8),
        ("x\n+\tfoo(x)", 4, 3),
    ],
)
def test_carets_stand_below_what_terminals_show(text: str, before: int, width: int) -> None:
    _, shown, carets = error_of(text, {"größe": Value(1.0), "日本": Value(1.0), **variables()}).split("\n")[:3]
    assert carets == " " * (4 + before) + "^" * width
    assert shown.startswith("    ")


def test_of_a_long_expression_the_surroundings_are_shown() -> None:
    text = "x" + " + x" * 100 + " + zzz" + " + x" * 100
    _, shown, carets = error_of(text).split("\n")
    assert (shown[:6], shown[-1], len(shown)) == ("    …x", "…", 106)
    assert shown[carets.index("^") : len(carets)] == "zzz"


@pytest.mark.parametrize("length", [MAX_LENGTH + 1, 10_000_000])
def test_long_texts_are_refused_before_they_are_read(length: int) -> None:
    message = error_of("(" * length)
    assert f"at most {MAX_LENGTH} characters; this one has {length}" in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("opening", "closing", "value"),
    [
        ("-", "", 1.0),
        ("x+", "", 51.0),
        ("x**", "", 1.0),
        ("x/(", ")", 1.0),
        ("-(", ")", 1.0),
        ("abs(", ")", 1.0),
        ("max(0, ", ")", 1.0),
        ("2**-", "", 0.641185744505),  # close to where 2**-t is t
    ],
)
def test_nesting(opening: str, closing: str, value: float) -> None:
    """Nesting 50 deep works; nesting as deep as the text may be long works too, or Python's parser rejects it."""
    assert evaluate(opening * 50 + "x" + closing * 50, {"x": Value(1.0)}).data == pytest.approx(value, rel=1e-9)
    depth = (MAX_LENGTH - 1) // len(opening + closing)
    try:
        result = evaluate(opening * depth + "x" + closing * depth, {"x": Value(1.0)})
    except ExpressionError as error:
        assert str(error).startswith(("too many nested parentheses", "the expression is nested too deeply"))
    else:
        assert math.isfinite(result.data)
        assert len(topological_order(result)) > 1


def test_a_caller_near_the_end_of_its_own_stack() -> None:
    def descend(levels: int) -> Value:
        return descend(levels - 1) if levels else evaluate("-" * (MAX_LENGTH - 1) + "x", {"x": Value(1.0)})

    try:
        result = descend(sys.getrecursionlimit() - len(inspect.stack()) - 100)
    except ExpressionError as error:
        assert str(error).startswith("the expression is nested too deeply")
    else:
        assert result.data == -1.0


# Ten thousand hostile ones

FRAGMENTS = [
    *("x", "y", "λ", "日本", "2", "0", "-1", "1e308", "1e-320", "9**9**9**9", "10**400", "0.5", "9" * 300, "1e9999"),
    *("+", "-", "*", "/", "**", "(", ")", ",", " ", "(x", "y)", "**-", "--", "\t", "\n", "\r", "\x0c", "\xa0"),
    *("sin(x)", "log(y)", "max(x, y)", "sum(x, 1, y)", "sqrt(", "exp(", "abs(", "logsumexp(", "hypot(x,", "pi", "e"),
    *("x.__class__", ".__init__.__globals__", ".real", "().__class__.__bases__[0].__subclasses__()", "x.backward()"),
    *("canary()", "__import__('builtins').canary()", "eval('canary()')", "exec('canary()')", "open('canary', 'w')"),
    *("getattr(x, 'data')", "breakpoint()", "__builtins__", "__import__", "__debug__", "exit()", "globals()"),
    *("lambda: canary()", "(lambda: canary())()", "[canary() for _ in x]", "{canary(): 1}", "(canary() for _ in y)"),
    *("(z := canary())", "x if canary() else y", "canary() or x", "not x", "x < y", "x == y", "x is y", "await x"),
    *("yield x", "f'{canary()}'", "f'{x!r:>{canary()}}'", "rb'x'", "b'\\x00'", "'''", '"', "u'", "'\\N{DASH}'", "\\"),
    *("\0", "\ud800", "\udfff", "\ufeff", "\u202e", "\u200b", "\u0308", "٣", "²", "½", "−", "×", "ſin(x)", "𝐱", "ﬁ"),
    *("𝐥𝐚𝐦𝐛𝐝𝐚", "None", "True", "...", "import canary", "del x", "x = 1", "x += 1", ";", "#", "@", "~", "!", "$", "?"),
    *("*x", "**x", "x=2", "f(*x, **y)", "x[y]", "x[::canary()]", "1_000", "0x1F", "0b1", "1j", "007", "1.e5", "1if x"),
    *("print(x)", "where(x, y, 1)", "dot(x, y)", "identity(x)", "constant_power(x, 2)", "primitive(x)", "Value(x)"),
]
# Tokens that the first check accepts: operands, and operators between them
OPERANDS = [
    "x",
    "-y",
    "2",
    ".5",
    "1e300",
    "sin(x)",
    "foo(x)",
    "(x",
    "y)",
    "(x, y)",
    "sum(*x)",
    "max(x)",
    "sin",
    "()",
    "",
]
JOINTS = ["+", "-", "*", "/", "**", "**", ",", "(", ")("]


def hostile(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.2:
        return "".join(rng.choice(OPERANDS) + rng.choice(JOINTS) for _ in range(rng.randint(0, 5))) + rng.choice("xy2")
    if kind < 0.45:  # fragments in any order
        return "".join(rng.choices(FRAGMENTS, k=rng.randint(1, 8)))
    if kind < 0.65:  # good formulas with a few characters exchanged
        characters = list(rng.choice(FORMULAS))
        for _ in range(rng.randint(0, 3)):
            characters[rng.randrange(len(characters))] = rng.choice(["", *"xy29.+-*/(),^ ='\"[{:;\\\0\n٣\ud800"])
        return "".join(characters)
    if kind < 0.8:  # one fragment repeated to great depth or length
        opening, closing = rng.choice(FRAGMENTS), rng.choice(["", ")", "]", "'", rng.choice(FRAGMENTS)])
        times = rng.randint(1, 400)
        return opening * times + rng.choice(FRAGMENTS) + closing * times
    if kind < 0.9:  # operators between fragments, so that more of them are arithmetic
        return rng.choice("+-*/").join(rng.choices(FRAGMENTS, k=rng.randint(2, 6)))
    limit = rng.choice([0x80, 0x800, 0x10000, 0x110000])  # anything at all
    return "".join(chr(rng.randrange(limit)) for _ in range(rng.randint(1, 30)))


def test_ten_thousand_hostile_expressions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each gives a finite number or an error with carets; none runs other code or changes the variables."""
    for text in ("foo(x)", "1/0 + sqrt(0*x)"):
        error_of(text)  # imports on demand, such as NumPy's, may use the functions replaced below
    monkeypatch.chdir(tmp_path)
    ran: list[Any] = []
    for name in ("canary", "eval", "exec", "open", "print", "breakpoint", "globals", "exit"):
        monkeypatch.setattr(builtins, name, lambda *arguments, **named: ran.append(arguments), raising=False)
    given = {name: Value(i + 0.5, name) for i, name in enumerate(["x", "y", "λ", "日本"])}
    rng = random.Random(20240607)
    computed, reasons = 0, set()
    for _ in range(10_000):
        text = hostile(rng)
        try:
            result = evaluate(text, given)
        except ExpressionError as error:
            check_message(str(error), text)
            reasons.add(str(error).split("\n")[0])
        else:
            assert type(result.data) is float
            assert math.isfinite(result.data), ascii(text)
            computed += 1
    monkeypatch.undo()
    assert ran == []
    assert list(tmp_path.iterdir()) == []
    assert [(value.data, value.grad, value.label, value.parents) for value in given.values()] == [
        (i + 0.5, 0.0, name, ()) for i, name in enumerate(given)
    ]
    assert computed > 500, "otherwise too few got past the first gate"
    assert len(reasons) > 200


def check_message(message: str, text: str) -> None:
    """Check that all lines are printable and of bounded length, with carets below a part of the text."""
    lines = message.split("\n")
    assert all(line.isprintable() for line in lines), ascii(text)
    assert len(message) < 4 * MAX_LENGTH, ascii(text)
    if lines[0] == "the expression is empty":
        assert not text.strip()
        return
    assert 3 <= len(lines) <= 4, ascii(text)
    _, shown, carets = lines[:3]
    assert carets.strip(" ") == carets.strip(" ").replace(" ", "") != "", ascii(text)
    columns = sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in shown)
    assert 4 < len(carets) <= columns + 1, ascii(text)
