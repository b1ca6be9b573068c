"""Scalar reverse-mode automatic differentiation that shows its work.

>>> from autograd import Value
>>> x = Value(2.0)
>>> y = x**2 + 3 * x
>>> y.backward()
>>> x.grad
7.0
"""

import os as _os

if _os.path.exists(_os.path.join(_os.path.dirname(__file__), "tracer.py")):  # a file of the other package alone
    raise ImportError(
        "the folder of lucidgrad's package 'autograd' also holds files of another package of that name (HIPS/autograd): "
        "pip has written one over the other. Remove both, then install the one you want: "
        "pip uninstall -y autograd lucidgrad, then pip install lucidgrad (or pip install . in its checkout)"
    )

from autograd.check import check_gradient
from autograd.functions import dot, logsumexp, softmax, sum, where
from autograd.graph import Summary, first_nonfinite, is_stale, leaves, summary, topological_order
from autograd.primitives import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    hypot,
    log,
    log1p,
    log2,
    log10,
    maximum,
    minimum,
    primitive,
    relu,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
    xlogy,
)
from autograd.transforms import grad, hessian, hessian_vector_product, jacobian, jvp, value_and_grad
from autograd.value import Constant, Value, no_grad
