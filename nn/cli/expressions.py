"""Arithmetic written as text, "sin(x*y) + x**2", computed with Values. Nothing in the text is ever run as code.

The text goes through two gates. The first reads it character by character and lets through what formulas are written
with: numbers, names, operators, brackets and commas. The second parses it with Python's own `ast`, and lets through a
closed list of nodes. What remains is computed node by node with the functions of this package, so that it is the graph
that the same formula in Python makes. Whatever is refused is shown underlined, with what to write in its place.
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

MAX_LENGTH = 1000  # characters: longer than any formula read by people, short enough that no text can take long

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
_NAME = r"(?:[A-Za-z_]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*"  # which of Unicode's letters, isidentifier() says
_STRANGE = r"[\w.]+|\"[^\"]*\"?|'[^']*'?|[<>=!]=|//|."
_PIECE = re.compile(
    rf" +|(?P<number>{_NUMBER})|(?P<name>{_NAME})|\(|(?P<close>\))|\*\*|[-+*,]|/(?!/)|(?P<strange>{_STRANGE})"
)

_MEANT = {"^": "**", "²": "**2", "³": "**3", **dict.fromkeys("×·∙⋅", "*"), "÷": "/", "∕": "/", "−": "-", "–": "-"}
_ALSO_CALLED = {"ln": "log", "pow": "x**y"}
_ADVICE = {  # by what is found, or by its first character
    **dict.fromkeys(("//", "%"), "there is no division with remainder here; x/y is written with one /"),
    **dict.fromkeys(("<", ">", "==", "!="), "comparisons are not arithmetic; maximum(x, y) and abs(x) make choices"),
    **dict.fromkeys("=:", "nothing is assigned or defined in an expression; values are given beside it, as in x=2"),
    **dict.fromkeys("[]{}", "only round brackets group: write ( and )"),
    **dict.fromkeys("'\"", "text in quotes is not a number"),
    ".": "numbers and variables have no attributes here: v.exp() is written exp(v)",
    "!": "there is no factorial here",
}


class ExpressionError(ValueError):
    """Write what is wrong with an expression; then the expression, underlined where it is; then what is allowed."""


def evaluate(text: str, variables: Mapping[str, Value]) -> Value:
    """Compute an expression of numbers, variables, + - * / **, round brackets, `FUNCTIONS` and `CONSTANTS`.

    Precedence is Python's: -x**2 is -(x**2). All numbers are floats, whole ones too. The result and the graph behind
    it are what the same formula makes in Python: a variable that stands alone is that very Value, and where there is
    no variable at all, the result is a Constant.

    Args:
        text: at most `MAX_LENGTH` characters.
        variables: the Value of each name. They may hide pi, e and tau, but no function.

    Raises:
        ExpressionError: if the text is not such an expression, if a variable has no value, or if the value of any part
            is undefined or beyond the floats. The message has several lines and underlines that part.
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
        raise ExpressionError(f"two of these are one name, written differently: {_visible(', '.join(variables))}")
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
    """The names that stand for numbers in an expression, each once, in their order.

    pi, e and tau are among them, since they may be given values. Names are in Python's normal form of identifiers
    (NFKC), in which the µ of the keyboard and the Greek μ are one letter.

    Raises:
        ExpressionError: if the text is not an expression.

    >>> variable_names("sin(x*y) + pi*x**2")
    ('x', 'y', 'pi')
    """
    return tuple(dict.fromkeys(node.id for node in _parse(text)[1] if isinstance(node, ast.Name)))


def _parse(text: str) -> tuple[str, dict[ast.expr, list[ast.expr]]]:
    """The expression on one line, and its nodes with their operands, each node before its operands; all checked."""
    if len(text) > MAX_LENGTH:
        reason = f"an expression has at most {MAX_LENGTH} characters, so that none takes long; this has {len(text)}"
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
        raise _error(text, (0, len(text)), "this is nested too deeply") from None
    nodes = {}
    while stack:
        node = stack.pop()
        nodes[node] = _checked_operands(text, node)
        stack.extend(reversed(nodes[node]))
    return text, nodes


def _check_characters(text: str) -> None:
    """The first gate: numbers, names, operators, brackets, commas. Raises ExpressionError at anything else."""
    after_operand = False
    for piece in _PIECE.finditer(text):
        if piece["strange"]:
            raise _error(text, piece.span(), _advice(piece[0]), _ALLOWED)
        if piece["name"]:
            _check_name(text, piece.start(), piece[0])
        if piece["number"] and math.isinf(float(piece[0])):
            raise _error(text, piece.span(), "this number is beyond the largest float, 1.8e308")
        if after_operand and (piece["number"] or piece["name"]):
            reason = "an operator is missing before this: a product is written 2*x, a function with brackets, sin(x)"
            raise _error(text, piece.span(), reason)
        if not piece[0].isspace():
            after_operand = piece.lastgroup is not None


def _check_name(text: str, begin: int, name: str) -> None:
    for i, character in enumerate(name):
        if character in _MEANT or not name[: i + 1].isidentifier():
            raise _error(text, (begin + i, begin + i + 1), _advice(character), _ALLOWED)
    if keyword.iskeyword(normalize("NFKC", name)):
        reason = f"{name} is a word of Python's grammar, which neither computes anything here nor names a variable"
        raise _error(text, (begin, begin + len(name)), reason, _ALLOWED)


def _advice(strange: str) -> str:
    """Explain why these characters are refused, and what to write in their place."""
    if re.match(r"\.?[0-9]", strange):
        return "numbers are written like 7, 0.5 or 1e-3, and products like 2*x"
    if advice := _ADVICE.get(strange) or _ADVICE.get(strange[0]):
        return advice
    plain = _MEANT.get(strange) or normalize("NFKC", strange)
    meant = f": did you mean {plain}?" if set(plain) <= set("0123456789+-*/(),") else ""
    return f"the character {_visible(strange)} (U+{ord(strange[0]):04X}) is not used in arithmetic{meant}"


def _syntax_error(text: str, error: SyntaxError) -> ExpressionError:
    """Python's complaint, with its position (from 1; 0 or beyond the end where it has none) brought into the text."""
    begin, reason = (error.offset or 0) - 1, error.msg
    if not 0 <= begin < len(text):
        begin, reason = len(text), "the expression ends where a number, a variable or a bracket should follow"
    elif reason.startswith("invalid syntax"):
        reason = "this cannot stand here"
    return _error(text, (begin, (error.end_offset or 0) - 1), reason, _ALLOWED)


def _checked_operands(text: str, node: ast.expr) -> list[ast.expr]:
    """The second gate, a closed list of nodes: the operands of one. Raises ExpressionError at anything else."""
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
            reason = "only functions are called: a product is written with *, as in 2*(x + 1)"
        case ast.Tuple():
            reason = "a comma parts the arguments of a function; decimals are written with a point, as in 2.5"
        case _:
            reason = f"{type(node).__name__} is not arithmetic"
    raise _error(text, node, reason, _ALLOWED)


def _check_call(text: str, call: ast.Call, name: str) -> None:
    if name not in FUNCTIONS:
        near = _near(name, FUNCTIONS) or f" (a product is written {name}*(...))"
        known = f"The functions are {', '.join(sorted(FUNCTIONS))}."
        raise _error(text, call.func, f"no function is called {name}{near}", known)
    if call.keywords or any(isinstance(argument, ast.Starred) for argument in call.args):
        raise _error(text, call, "arguments are given one by one, without names and stars")
    given, code = len(call.args), FUNCTIONS[name].derivatives.__code__
    inputs = code.co_varnames[: code.co_argcount][:-1]  # after them comes the output; none where any number may come
    if given != (len(inputs) or max(given, 1)):
        usage = f"{name}({', '.join(inputs) or 'x, ...'}) takes {len(inputs) or 'one or more'} argument(s)"
        raise _error(text, call, f"{usage}, got {given}")


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
        raise _error(text, node, f"{name} is not given a value: add {name}=...{advice}")
    value = given[name]
    if not isinstance(value, Value):
        raise TypeError(f"a variable must be a Value, got {name} = {value!r}: write Value({value!r})")
    if not math.isfinite(value.data):
        raise _error(text, node, f"{name} is {value.data}: a variable needs a finite value")
    return value


def _compute(text: str, node: ast.expr, inputs: Sequence[Value]) -> Value:
    """One operator or function. Raises ExpressionError where it has no finite value."""
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
    return Constant(out.data) if all(x.is_constant for x in inputs) else out  # numbers make a number, as in Python


def _near(name: str, known: Iterable[str]) -> str:
    import difflib

    near = [_ALSO_CALLED[name]] if name in _ALSO_CALLED else difflib.get_close_matches(name.lower(), known, n=1)
    return f": did you mean {_visible(near[0])}?" if near else ""


def _error(text: str, part: ast.expr | tuple[int, int], reason: str, more: str = "") -> ExpressionError:
    """The error that underlines a node, or text[begin:end]; of a long text it shows the surroundings."""
    if isinstance(part, ast.expr):  # whose columns are counted in bytes of UTF-8
        line = text.encode()
        part = (len(line[: part.col_offset].decode()), len(line[: part.end_col_offset].decode()))
    begin, end = part[0], max(part[1], part[0] + 1)
    first, last = max(0, begin - 40), max(0, begin - 40) + 100
    before = "…" * (first > 0) + _visible(text[first:begin])
    middle, after = _visible(text[begin : min(end, last)]), _visible(text[end:last]) + "…" * (last < len(text))
    underline = " " * _width(before) + "^" * max(1, _width(middle))
    return ExpressionError(f"{reason}\n    {before}{middle}{after}\n    {underline}\n{more}".rstrip("\n"))


def _visible(text: str) -> str:
    """The text with a code in place of each character that a terminal would not show, or would obey."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def _width(text: str) -> int:
    """Return how many columns a terminal gives the text: two for wide characters, none for marks that combine."""
    marks = sum(category(c) in ("Mn", "Me") for c in text)
    return len(text) - marks + sum(east_asian_width(c) in "WF" for c in text)
