"""The derivative table: each primitive once, its forward rule and its local derivatives.

A rule is a plain expression of the primitive's inputs and its output, and it does not care what they are.
Fed floats it gives numbers, which is how a graph is recorded. Fed Values it gives a graph of the derivative itself,
which is how second and higher derivatives come about.

Conventions at ties and kinks, where no derivative exists: relu and abs have slope 0 at 0; at a tie, maximum and
minimum hand half of the gradient to each side, as PyTorch and JAX do.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from autograd.value import Value

Rule = Callable[..., Any]

TABLE: dict[str, Primitive] = {}
_OURS: set[str] = set()  # the names that no user's primitive can take, filled in below the table


class Primitive:
    """One row of the table. Calling it computes: floats give a float, and any Value among them gives a Value.

    Attributes:
        name: what the operation is called, in errors and in the table.
        symbol: what a picture and `Value.op` show.
        forward: the inputs' numbers to the output's number.
        derivatives: `(*inputs, out)` to one local derivative ∂out/∂input for each input, as a tuple.
        array: the forward rule for arrays, where it is another; None where `forward` says it all.
    """

    def __init__(
        self, name: str, forward: Rule, derivatives: Rule, symbol: str, doc: str | None, array: Rule | None = None
    ) -> None:
        self.name, self.forward, self.derivatives, self.symbol = name, forward, derivatives, symbol
        self.array = array
        self.__doc__ = doc

    @overload
    def __call__(self, *inputs: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *inputs: Value | float) -> Value: ...
    def __call__(self, *inputs: Any) -> Any:
        for x in inputs:
            apply = getattr(x, "apply", None)  # a Value, or whatever else can stand for a number
            if apply is not None:
                return apply(self, inputs)
        out = self.forward(*inputs)
        for x in inputs:
            if isinstance(x, float) and type(x) is not float:  # NumPy's float stays one, with its IEEE arithmetic
                return type(x)(out)
        return out

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Primitive: ...
    @overload
    def __get__(self, instance: Value, owner: Any = None) -> Callable[..., Value]: ...
    def __get__(self, instance: Value | None, owner: Any = None) -> Any:
        """Let a class body say `exp = primitives.exp`, after which `v.exp()` is `primitives.exp(v)`."""
        return self if instance is None else MethodType(self, instance)

    def local_derivatives(self, inputs: Sequence[float], out: float) -> tuple[float, ...]:
        """The local derivatives as numbers: inf or nan where they are infinite or undefined, never an exception."""
        try:
            derivatives = self.derivatives(*inputs, out)
        except (ArithmeticError, ValueError):
            derivatives = self._ieee_derivatives(inputs, out)
        if type(derivatives) is not tuple or len(derivatives) != len(inputs):
            raise TypeError(
                f"primitive {self.name!r} has {len(inputs)} input(s), so its derivatives must return a tuple of "
                f"{len(inputs)} number(s); it returned {derivatives!r}"
            )
        return derivatives

    def _ieee_derivatives(self, inputs: Sequence[float], out: float) -> Any:
        """The same rule in IEEE arithmetic, where 1/0 is inf; nan where the rule has no number even so."""
        import numpy

        try:
            with numpy.errstate(all="ignore"):
                derivatives = self.derivatives(*map(numpy.float64, inputs), numpy.float64(out))
                return tuple(map(float, derivatives))
        except (ArithmeticError, ValueError):
            return (math.nan,) * len(inputs)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return lookup, (self.name,)


def lookup(name: str) -> Primitive:
    """The primitive of this name. Raises KeyError with advice where the table has none."""
    if name not in TABLE:
        raise KeyError(f"no primitive is called {name!r}: import the module that defines it first")
    return TABLE[name]


def primitive(
    name: str,
    forward: Rule,
    derivatives: Rule,
    *,
    symbol: str = "",
    doc: str | None = None,
    array: Rule | None = None,
) -> Primitive:
    """Add a primitive of your own to the table.

    It then works in every mode: on floats, on Values, and in derivatives of any order, provided that its rules are
    made of operators and of functions of this package, which take Values too (`autograd.cos`, not `math.cos`).

    Args:
        name: what to call it. A name of your own may be given again, as a notebook's cell does that is run again: the
            new entry takes the old one's place, which nodes and functions that have it keep.
        forward: `(*inputs)` to the output, for floats. Where it raises, the value is undefined.
        derivatives: `(*inputs, out)` to a tuple of local derivatives, one for each input.
        symbol: what `Value.op` shows; the name, if not given.
        doc: one line on what it computes.
        array: for compiled programs, the forward rule on arrays: a function such as `numpy.exp`, or an expression of
            this package's functions that does not branch. Needed only for speed, and only where `forward` calls
            what takes floats alone (`math.erf`) or branches on its input; it is then run number by number.

    Returns:
        A function of floats or Values.

    Raises:
        ValueError: if a primitive of this package has the name.

    >>> from autograd import Value, grad
    >>> swish = primitive(
    ...     "swish", lambda x: x * sigmoid(x), lambda x, out: (sigmoid(x) + out * (1 - sigmoid(x)),))
    >>> x = Value(0.0)
    >>> swish(x).backward()
    >>> x.grad, grad(grad(swish))(0.0)
    (0.5, 0.5)
    """
    if name in _OURS:
        raise ValueError(f"the table has a primitive called {name!r} already: choose another name")
    entry = TABLE[name] = Primitive(name, forward, derivatives, symbol or name, doc, array)
    return entry


def _dot(*inputs: float) -> float:
    """Inputs x_1 ... x_n, y_1 ... y_n, bias: the order in which a `dot` node keeps its parents."""
    n = len(inputs) // 2
    return sum(map(operator.mul, inputs[:n], inputs[n:-1]), inputs[-1])


def _dot_derivatives(*inputs_and_out: Any) -> tuple[Any, ...]:
    n = len(inputs_and_out) // 2 - 1
    return (*inputs_and_out[n : 2 * n], *inputs_and_out[:n], 1.0)


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)  # exp(-x) would overflow for a large negative x
    return e / (1 + e)


def _logsumexp(*xs: float) -> float:
    largest = max(xs)
    if math.isinf(largest):
        return largest + sum(x for x in xs if x != x)  # nan among them makes nan
    return largest + math.log1p(math.fsum([-1.0, *(math.exp(x - largest) for x in xs)]))  # all but the largest's 1


def _xlogy_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    positive = where(y > 0, y, 1.0)
    return where(y > 0, log(positive), -math.inf), x / positive


def _power_derivatives(x: Any, y: Any, out: Any) -> tuple[Any, ...]:
    # x^y log x tends to 0 with x where y > 0, and has no real value for a negative base
    base = where(x > 0, x, where(x < 0, math.nan, 1.0))
    exponent = where(x != 0, y, where(y != 0, y, 1.0)) - 1  # x^0 is 1 at 0 too, so its slope is 0 there
    return y * x**exponent, out * log(base)


def _constant_power_derivatives(x: Any, n: Any, out: Any) -> tuple[Any, ...]:
    return (n * x ** (n - 1) if n != 0 else 0.0), 0.0


# Arithmetic
add = primitive("add", operator.add, lambda a, b, out: (1.0, 1.0), symbol="+")
sub = primitive("sub", operator.sub, lambda a, b, out: (1.0, -1.0), symbol="-")
mul = primitive("mul", operator.mul, lambda a, b, out: (b, a), symbol="*")
div = primitive("div", operator.truediv, lambda a, b, out: (1 / b, -out / b), symbol="/")
neg = primitive("neg", operator.neg, lambda x, out: (-1.0,), symbol="-")
identity = primitive("identity", lambda x: x, lambda x, out: (1.0,), doc="The number itself, as a node of its own.")
power = primitive("power", math.pow, _power_derivatives, symbol="**")
constant_power = primitive("constant_power", math.pow, _constant_power_derivatives, symbol="**")

# Nodes of many parents
sum_ = primitive("sum", lambda *xs: sum(xs, 0.0), lambda *xs_out: (1.0,) * (len(xs_out) - 1))
dot = primitive("dot", _dot, _dot_derivatives)
logsumexp = primitive("logsumexp", _logsumexp, lambda *xs_out: tuple(exp(x - xs_out[-1]) for x in xs_out[:-1]))

# Choices, as conditions times numbers: a bool counts as 0 or 1
where = primitive("where", lambda c, a, b: a if c else b, lambda c, a, b, out: (0.0, 1.0 * c, 1.0 - c))
absolute = primitive("abs", abs, lambda x, out: (1.0 * (x > 0) - 1.0 * (x < 0),))
maximum = primitive(
    "maximum",
    lambda a, b: a if a > b or a != a else b,
    lambda a, b, out: (0.5 * (a > b) + 0.5 * (a >= b), 0.5 * (b > a) + 0.5 * (b >= a)),
    doc="The larger of two numbers; at a tie each side has derivative 1/2.",
)
minimum = primitive(
    "minimum",
    lambda a, b: a if a < b or a != a else b,
    lambda a, b, out: (0.5 * (a < b) + 0.5 * (a <= b), 0.5 * (b < a) + 0.5 * (b <= a)),
    doc="The smaller of two numbers; at a tie each side has derivative 1/2.",
)

# Exponentials and logarithms
exp: Primitive = primitive("exp", math.exp, lambda x, out: (out,), doc="e to the power of x.")
expm1 = primitive("expm1", math.expm1, lambda x, out: (exp(x),), doc="exp(x) - 1, accurate near 0.")
log = primitive("log", math.log, lambda x, out: (1 / x,), doc="The natural logarithm.")
log1p = primitive("log1p", math.log1p, lambda x, out: (1 / (1 + x),), doc="log(1 + x), accurate near 0.")
log2 = primitive("log2", math.log2, lambda x, out: (math.log2(math.e) / x,), doc="The logarithm to base 2.")
log10 = primitive("log10", math.log10, lambda x, out: (math.log10(math.e) / x,), doc="The logarithm to base 10.")
xlogy = primitive(
    "xlogy",
    lambda x, y: 0.0 if x == 0 and y >= 0 else x * math.log(y),
    _xlogy_derivatives,
    array=lambda x, y: x * log(where(x == 0, 1.0, y)),
    doc="x log y, and 0 at x = 0: a term of a cross-entropy.",
)
sqrt = primitive("sqrt", math.sqrt, lambda x, out: (0.5 / out,), doc="The square root.")
cbrt = primitive(
    "cbrt", math.cbrt, lambda x, out: (1 / (3 * out * out),), doc="The cube root, of negative numbers too."
)
hypot = primitive("hypot", math.hypot, lambda x, y, out: (x / out, y / out), doc="sqrt(x² + y²), without overflow.")

# Trigonometry, angles in radians
sin = primitive("sin", math.sin, lambda x, out: (cos(x),), doc="The sine of an angle in radians.")
cos: Primitive = primitive("cos", math.cos, lambda x, out: (-sin(x),), doc="The cosine of an angle in radians.")
tan = primitive("tan", math.tan, lambda x, out: (1 + out * out,), doc="The tangent of an angle in radians.")
asin = primitive("asin", math.asin, lambda x, out: (1 / sqrt((1 - x) * (1 + x)),), doc="The angle whose sine is x.")
acos = primitive("acos", math.acos, lambda x, out: (-1 / sqrt((1 - x) * (1 + x)),), doc="The angle whose cosine is x.")
atan = primitive(
    "atan", math.atan, lambda x, out: (1 / hypot(1.0, x) / hypot(1.0, x),), doc="The angle whose tangent is x."
)
atan2 = primitive(
    "atan2",
    math.atan2,
    lambda y, x, out: (x / hypot(y, x) / hypot(y, x), -y / hypot(y, x) / hypot(y, x)),
    doc="The angle of the point (x, y); the arguments come as atan2(y, x).",
)

# Hyperbolic functions
sinh = primitive("sinh", math.sinh, lambda x, out: (cosh(x),), doc="The hyperbolic sine.")
cosh: Primitive = primitive("cosh", math.cosh, lambda x, out: (sinh(x),), doc="The hyperbolic cosine.")
tanh = primitive("tanh", math.tanh, lambda x, out: (1 - out * out,), doc="The hyperbolic tangent, an activation.")
asinh = primitive("asinh", math.asinh, lambda x, out: (1 / hypot(1.0, x),), doc="The inverse hyperbolic sine.")
acosh = primitive(
    "acosh", math.acosh, lambda x, out: (1 / (sqrt(x - 1) * sqrt(x + 1)),), doc="The inverse hyperbolic cosine."
)
atanh = primitive("atanh", math.atanh, lambda x, out: (1 / ((1 - x) * (1 + x)),), doc="The inverse hyperbolic tangent.")

# Activations and the error function
sigmoid = primitive("sigmoid", _sigmoid, lambda x, out: (out * (1 - out),), doc="1 / (1 + exp(-x)), the texts' σ.")
softplus = primitive(
    "softplus",
    lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    lambda x, out: (sigmoid(x),),
    array=lambda x: maximum(x, 0.0) + log1p(exp(-abs(x))),
    doc="log(1 + exp(x)), a smooth relu.",
)
relu = primitive(
    "relu",
    lambda x: 0.0 if x <= 0 else x,
    lambda x, out: (1.0 * (x > 0),),
    array=lambda x: maximum(x, 0.0),
    doc="x above 0, else 0.",
)
erf = primitive("erf", math.erf, lambda x, out: (2 / math.sqrt(math.pi) * exp(-x * x),), doc="The error function.")

_OURS.update(TABLE)
