"""Scalar reverse-mode automatic differentiation that shows its work.

>>> from autograd import Value
>>> x = Value(2.0)
>>> y = x**2 + 3 * x
>>> y.backward()
>>> x.grad
7.0
"""

import os.path as _path  # not pathlib, which would take a third of the import time
import typing as _typing

if _path.exists(_path.join(_path.dirname(__file__), "tracer.py")):  # noqa: PTH110, PTH118, PTH120
    # Only the other package has a file of that name.
    raise ImportError(
        "the folder of lucidgrad's package 'autograd' also holds the files of another package of that name "
        "(HIPS/autograd): pip has written one over the other. Remove both, then install the one you want: "
        "pip uninstall -y autograd lucidgrad, then pip install lucidgrad (or pip install . in its checkout)"
    )

from autograd.compiler import compile
from autograd.functions import dot, logsumexp, max, mean, min, prod, softmax, sum, where
from autograd.graph import Summary, first_nonfinite, is_stale, leaves, stale_nodes, summary, topological_order
from autograd.numpy_values.numpy_methods import array
from autograd.pausing import no_grad
from autograd.primitives import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    copysign,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    fmod,
    gamma,
    hypot,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    maximum,
    minimum,
    primitive,
    relu,
    remainder,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
    xlogy,
)
from autograd.support.foreign_names import explain_imports as _explain_imports
from autograd.support.foreign_names import missing as _missing
from autograd.support.forking import across_forks as _across_forks
from autograd.support.remedies import OF_PACKAGE as _OF_PACKAGE
from autograd.transforms import grad, hessian, hessian_vector_product, jacobian, jvp, value_and_grad
from autograd.value import Constant, Value

if _typing.TYPE_CHECKING:
    from autograd import math as math
    from autograd.check import check_gradient
    from autograd.compiler.program import Program
    from autograd.drawing import Drawing, Explanation, Picture, StepThrough, draw, explain, step_through
    from autograd.lookups import take
    from autograd.teaching import exercises as exercises
    from autograd.teaching.engine_check import EngineReport, check_engine

_LAZY = {
    "check": ("check_gradient",),
    "lookups": ("take",),
    "drawing": ("Drawing", "Explanation", "Picture", "StepThrough", "draw", "explain", "step_through"),
    "teaching.engine_check": ("EngineReport", "check_engine"),
    "compiler.program": ("Program",),
}
_MODULES = {"exercises": "teaching.exercises", "math": "math"}  # not in __all__, where `math` would shadow Python's


if not _typing.TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> object:
        """Import rarely needed names on first use."""
        for home, names in _LAZY.items():
            if name in names:
                from importlib import import_module

                with _across_forks:
                    module = import_module(f"autograd.{home}")
                globals().update({lazy: getattr(module, lazy) for lazy in names})
                return globals()[name]
        if name in _MODULES:
            from importlib import import_module

            return import_module(f"autograd.{_MODULES[name]}")
        raise _missing("autograd", name, _OF_PACKAGE)

    _explain_imports("autograd", _OF_PACKAGE)


__all__ = [
    "Constant",
    "Drawing",
    "EngineReport",
    "Explanation",
    "Picture",
    "Program",
    "StepThrough",
    "Summary",
    "Value",
    "acos",
    "acosh",
    "array",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "check_engine",
    "check_gradient",
    "compile",
    "copysign",
    "cos",
    "cosh",
    "dot",
    "draw",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "first_nonfinite",
    "fmod",
    "gamma",
    "grad",
    "hessian",
    "hessian_vector_product",
    "hypot",
    "is_stale",
    "jacobian",
    "jvp",
    "leaves",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "logsumexp",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "no_grad",
    "primitive",
    "prod",
    "relu",
    "remainder",
    "sigmoid",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "stale_nodes",
    "step_through",
    "sum",
    "summary",
    "take",
    "tan",
    "tanh",
    "topological_order",
    "value_and_grad",
    "where",
    "xlogy",
]

if not _typing.TYPE_CHECKING:  # a type checker treats names outside __all__ as private
    import builtins as _builtins

    __all__ = [name for name in __all__ if not hasattr(_builtins, name)]
