"""Evaluate arithmetic given as text, such as "sin(x*y) + x**2", on Values. The text is never run as code.

The text passes two checks. The first scans it and accepts only what formulas are written with: numbers, names,
operators, brackets and commas. The second parses it with Python's `ast` and accepts only a closed list of nodes. The
tree is then evaluated node by node with this package's functions, so it builds the same graph as the formula would in
Python. Anything rejected is shown underlined, with what to write instead.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from unicodedata import category, east_asian_width, normalize

import autograd
from autograd import Constant, Value, primitives
from autograd.primitives import Primitive

MAX_LENGTH = 1000  # characters: longer than any formula people read, short enough to evaluate quickly

FUNCTIONS = {name: function for name, function in vars(autograd).items() if isinstance(function, Primitive)}
FUNCTIONS |= {row.name: row for row in (primitives.absolute, primitives.logsumexp)}
FUNCTIONS |= {row.name: row for row in (primitives.sum_, primitives.mean_, primitives.prod_)}
FUNCTIONS |= {"max": primitives.maximum, "min": primitives.minimum}
CONSTANTS = {"e": math.e, "pi": math.pi, "tau": math.tau}

_OPERATORS: dict[type[ast.AST], tuple[str, Callable[..., Value]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Pow: ("**", operator.pow),
    ast.UAdd: ("+", operator.pos),
    ast.USub: ("-", operator.neg),
}

_ALLOWED = "Allowed are numbers, variables, + - * / **, round brackets, pi, e, tau, and functions such as sin(x)."

_NUMBER = r"(?!0[0-9]++(?![.eE]))(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+(?![\w.])"
_NAME = r"(?:[A-Za-z_]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*"  # isidentifier() checks the non-ASCII letters
_STRANGE = r"[\w.]+|\"[^\"]*\"?|'[^']*'?|[<>=!]=|//|."
_PIECE = re.compile(
    rf" +|(?P<number>{_NUMBER})|(?P<name>{_NAME})|\(|(?P<close>\))|\*\*|[-+*,]|/(?!/)|(?P<strange>{_STRANGE})"
)

_MEANT = {"^": "**", "²": "**2", "³": "**3", **dict.fromkeys("×·∙⋅", "*"), "÷": "/", "∕": "/", "−": "-", "–": "-"}
_ALSO_CALLED = {"ln": "log", "pow": "x**y"}
_ADVICE = {  # by the rejected text, or by its first character
    **dict.fromkeys(("//", "%"), "floor division and remainders are not supported; write a division as x/y"),
    **dict.fromkeys(("<", ">", "==", "!="), "comparisons are not arithmetic; use maximum(x, y) or abs(x)"),
    **dict.fromkeys("=:", "an expression cannot assign or define anything; give values after it, as in x=2"),
    **dict.fromkeys("[]{}", "only round brackets group: write ( and )"),
    **dict.fromkeys("'\"", "text in quotes is not a number"),
    ".": "attributes are not supported: write exp(v), not v.exp()",
    "!": "factorials are not supported",
}


class ExpressionError(ValueError):
    """An invalid expression. The message has the reason, the expression with the mistake underlined, and a hint."""


def evaluate(text: str, variables: Mapping[str, Value]) -> Value:
    """Compute an expression of numbers, variables, + - * / **, round brackets, `FUNCTIONS` and `CONSTANTS`.

    Precedence is Python's: -x**2 is -(x**2). All numbers are floats, including whole ones. The result and its graph are
    those of the same formula in Python: a variable on its own returns that Value itself, and an expression without
    variables returns a Constant.

    Args:
        text: at most `MAX_LENGTH` characters.
        variables: the Value of each name. Names may shadow pi, e and tau, but no function.

    Raises:
        ExpressionError: if the text is not such an expression, if a variable has no value, or if any part is undefined
            or overflows. The message has several lines and underlines that part.
        TypeError: if a variable is not a Value.

    >>> x, y = Value(2.0, "x"), Value(-3.0, "y")
    >>> z = evaluate("x*y + x**2", {"x": x, "y": y})
    >>> z.backward()
    >>> z.data, x.grad, y.grad
    (-2.0, 1.0, 2.0)
    >>> evaluate("2 * log(x - 5)", {"x": x})
    Traceback (most recent call last):
    nn.cli.expressions.ExpressionError: log(-3.0) has no finite real value: math domain error
        2 * log(x - 5)
            ^^^^^^^^^^
    """
    text, nodes = _parse(text)
    given = {normalize("NFKC", name): value for name, value in variables.items()}
    if len(given) < len(variables):
        raise ExpressionError(f"two of these names are equal in Unicode's NFKC form: {_visible(', '.join(variables))}")
    results: dict[ast.expr, Value] = {}
    for node in nodes:
        match node:
            case ast.Name():
                results[node] = _variable(text, node, given)
            case ast.Constant(value=int() | float() as number):
                results[node] = Constant(number)
            case ast.Call(func=ast.Name(id=name) as function) if name in given:
                raise _error(text, function, f"{name} is a function here: give the variable another name")
    for node, operands in reversed(nodes.items()):
        if node not in results:
            results[node] = _compute(text, node, [results[operand] for operand in operands])
    return results[next(iter(nodes))]


def variable_names(text: str) -> tuple[str, ...]:
    """Return the variable names of an expression, each once, in order of appearance.

    They include pi, e and tau, since those may be given values. Names are NFKC-normalised, as Python's identifiers are:
    the keyboard's µ and the Greek μ are the same letter.

    Raises:
        ExpressionError: if the text is not an expression.

    >>> variable_names("sin(x*y) + pi*x**2")
    ('x', 'y', 'pi')
    """
    return tuple(dict.fromkeys(node.id for node in _parse(text)[1] if isinstance(node, ast.Name)))


def _parse(text: str) -> tuple[str, dict[ast.expr, list[ast.expr]]]:
    """Return the expression on one line, and its checked nodes with their operands, each node before its operands."""
    if len(text) > MAX_LENGTH:
        reason = f"an expression may have at most {MAX_LENGTH} characters; this one has {len(text)}"
        raise _error(text[: MAX_LENGTH + 1], (MAX_LENGTH, MAX_LENGTH + 1), reason)
    text = re.sub(r"\s", " ", text).strip()
    if not text:
        raise ExpressionError(f"the expression is empty\n{_ALLOWED}")
    _check_characters(text)
    try:
        stack = [ast.parse(text, mode="eval").body]
    except SyntaxError as error:
        raise _syntax_error(text, error) from None
    except (MemoryError, RecursionError):
        raise _error(text, (0, len(text)), "the expression is nested too deeply") from None
    nodes = {}
    while stack:
        node = stack.pop()
        nodes[node] = _checked_operands(text, node)
        stack.extend(reversed(nodes[node]))
    return text, nodes


def _check_characters(text: str) -> None:
    """Accept numbers, names, operators, brackets and commas only. Raise ExpressionError at anything else."""
    after_operand = False
    for piece in _PIECE.finditer(text):
        if piece["strange"]:
            raise _error(text, piece.span(), _advice(piece[0]), _ALLOWED)
        if piece["name"]:
            _check_name(text, piece.start(), piece[0])
        if piece["number"] and math.isinf(float(piece[0])):
            raise _error(text, piece.span(), "this number is beyond the largest float, 1.8e308")
        if after_operand and (piece["number"] or piece["name"]):
            reason = "an operator is missing before this: write products as 2*x and functions as sin(x)"
            raise _error(text, piece.span(), reason)
        if not piece[0].isspace():
            after_operand = piece.lastgroup is not None


def _check_name(text: str, begin: int, name: str) -> None:
    for i, character in enumerate(name):
        if character in _MEANT or not name[: i + 1].isidentifier():
            raise _error(text, (begin + i, begin + i + 1), _advice(character), _ALLOWED)
    if keyword.iskeyword(normalize("NFKC", name)):
        reason = f"{name} is a Python keyword, which neither computes anything here nor names a variable"
        raise _error(text, (begin, begin + len(name)), reason, _ALLOWED)


def _advice(strange: str) -> str:
    """Explain why the characters are rejected, and what to write instead."""
    if re.match(r"\.?[0-9]", strange):
        return "write numbers as 7, 0.5 or 1e-3, and products as 2*x"
    if advice := _ADVICE.get(strange) or _ADVICE.get(strange[0]):
        return advice
    plain = _MEANT.get(strange) or normalize("NFKC", strange)
    meant = f": did you mean {plain}?" if set(plain) <= set("0123456789+-*/(),") else ""
    return f"the character {_visible(strange)} (U+{ord(strange[0]):04X}) is not used in arithmetic{meant}"


def _syntax_error(text: str, error: SyntaxError) -> ExpressionError:
    """Convert Python's SyntaxError, whose offset counts from 1 and is 0 or past the end where it is unknown."""
    begin, reason = (error.offset or 0) - 1, error.msg
    if not 0 <= begin < len(text):
        begin, reason = len(text), "the expression ends where a number, a variable or a bracket should follow"
    elif reason.startswith("invalid syntax"):
        reason = "this is not allowed here"
    return _error(text, (begin, (error.end_offset or 0) - 1), reason, _ALLOWED)


def _checked_operands(text: str, node: ast.expr) -> list[ast.expr]:
    """Return the operands of a node on the closed list. Raise ExpressionError for any other node."""
    match node:
        case ast.Name() | ast.Constant(value=int() | float()):
            return []
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return [operand]
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return [left, right]
        case ast.Call(func=ast.Name(id=name)):
            _check_call(text, node, name)
            return node.args
        case ast.Call():
            reason = "only functions can be called: write products with *, as in 2*(x + 1)"
        case ast.Tuple():
            reason = "a comma only separates a function's arguments; write decimals with a point, as in 2.5"
        case _:
            reason = f"{type(node).__name__} is not arithmetic"
    raise _error(text, node, reason, _ALLOWED)


def _check_call(text: str, call: ast.Call, name: str) -> None:
    if name not in FUNCTIONS:
        near = _near(name, FUNCTIONS) or f" (write a product as {name}*(...))"
        known = f"The functions are {', '.join(sorted(FUNCTIONS))}."
        raise _error(text, call.func, f"there is no function {name}{near}", known)
    if call.keywords or any(isinstance(argument, ast.Starred) for argument in call.args):
        raise _error(text, call, "pass arguments one by one, without names or stars")
    count, code = len(call.args), FUNCTIONS[name].derivatives.__code__
    inputs = code.co_varnames[: code.co_argcount][:-1]  # the last is the output; variadic functions have no others
    if count != (len(inputs) or max(count, 1)):
        usage = f"{name}({', '.join(inputs) or 'x, ...'}) takes {len(inputs) or 'one or more'} argument(s)"
        raise _error(text, call, f"{usage}, got {count}")


def _variable(text: str, node: ast.Name, given: Mapping[str, Value]) -> Value:
    name = node.id
    if name in FUNCTIONS:
        advice = "give the variable another name" if name in given else f"write {name}(...)"
        raise _error(text, node, f"{name} is a function here: {advice}")
    if name not in given:
        if name in CONSTANTS:
            return Constant(CONSTANTS[name])
        product = f", or write {'*'.join(name)}" if len(name) < 5 and set(name) <= given.keys() else ""
        advice = product or _near(name, [*given, *CONSTANTS])
        raise _error(text, node, f"{name} has no value: add {name}=...{advice}")
    value = given[name]
    if not isinstance(value, Value):
        raise TypeError(f"a variable must be a Value, got {name} = {value!r}: write Value({value!r})")
    if not math.isfinite(value.data):
        raise _error(text, node, f"{name} is {value.data}: a variable needs a finite value")
    return value


def _compute(text: str, node: ast.expr, inputs: Sequence[Value]) -> Value:
    """Compute one operator or function. Raise ExpressionError if its value is not finite."""
    numbers = [str(x.data) for x in inputs[:4]] + ["..."] * (len(inputs) > 4)
    operation: Callable[..., Value]
    match node:
        case ast.BinOp(op=op) | ast.UnaryOp(op=op):
            symbol, operation = _OPERATORS[type(op)]
            formula = f" {symbol} ".join(numbers)
        case ast.Call(func=ast.Name(id=name)):
            operation, formula = FUNCTIONS[name], f"{name}({', '.join(numbers)})"
    try:
        out = operation(*inputs)
    except (ArithmeticError, ValueError) as error:
        raise _error(text, node, str(error)) from None
    if not math.isfinite(out.data):
        raise _error(text, node, f"{formula} is {out.data}, beyond the largest float, 1.8e308")
    return Constant(out.data) if all(x.is_constant for x in inputs) else out  # constants give a constant


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    near = [_ALSO_CALLED[name]] if name in _ALSO_CALLED else difflib.get_close_matches(name.lower(), known, n=1)
    return f": did you mean {_visible(near[0])}?" if near else ""


def _error(text: str, part: ast.expr | tuple[int, int], reason: str, more: str = "") -> ExpressionError:
    """Return an error that underlines a node, or text[begin:end]; a long text is cut to the surroundings."""
    if isinstance(part, ast.expr):  # ast counts columns in bytes of UTF-8
        line = text.encode()
        part = (len(line[: part.col_offset].decode()), len(line[: part.end_col_offset].decode()))
    begin, end = part[0], max(part[1], part[0] + 1)
    first, last = max(0, begin - 40), max(0, begin - 40) + 100
    before = "…" * (first > 0) + _visible(text[first:begin])
    middle, after = _visible(text[begin : min(end, last)]), _visible(text[end:last]) + "…" * (last < len(text))
    underline = " " * _width(before) + "^" * max(1, _width(middle))
    return ExpressionError(f"{reason}\n    {before}{middle}{after}\n    {underline}\n{more}".rstrip("\n"))


def _visible(text: str) -> str:
    """Replace each unprintable character, which a terminal might obey, by its code."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def _width(text: str) -> int:
    """Return the text's width in terminal columns: two for wide characters, none for combining marks."""
    marks = sum(category(c) in ("Mn", "Me") for c in text)
    return len(text) - marks + sum(east_asian_width(c) in "WF" for c in text)
