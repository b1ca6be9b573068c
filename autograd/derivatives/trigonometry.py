"""Rows of the derivative table: trigonometry, with angles in radians, and hyperbolic functions."""

from __future__ import annotations

import math

from autograd.derivatives.exponentials import hypot, sqrt
from autograd.derivatives.slopes import (
    acosh_slope,
    asin_slope,
    asinh_slope,
    atan2_derivative,
    atan_slope,
    atanh_slope,
    tanh_slope,
)
from autograd.table import Primitive, Slope, row

sin: Primitive = row(
    "sin",
    math.sin,
    lambda x, out: (cos(x),),
    doc="The sine of an angle in radians.",
    array="sin",
    machine="sin",
    slope=Slope.BOUNDED,
)
cos: Primitive = row(
    "cos",
    math.cos,
    lambda x, out: (-sin(x),),
    doc="The cosine of an angle in radians.",
    array="cos",
    machine="cos",
    slope=Slope.BOUNDED,
)
tan: Primitive = row(
    "tan",
    math.tan,
    lambda x, out: (1 + out * out,),
    doc="The tangent of an angle in radians.",
    array="tan",
    machine="tan",
    slope=Slope.LIKE_VALUE,
)
asin: Primitive = row(
    "asin",
    math.asin,
    lambda x, out: (asin_slope(x),),
    doc="The angle whose sine is x.",
    array="arcsin",
    machine="asin",
    compiled_derivatives=lambda x, out: (1 / sqrt((1 - x) * (1 + x)),),
)
acos: Primitive = row(
    "acos",
    math.acos,
    lambda x, out: (-asin_slope(x),),
    doc="The angle whose cosine is x.",
    array="arccos",
    machine="acos",
    compiled_derivatives=lambda x, out: (-1 / sqrt((1 - x) * (1 + x)),),
)
atan: Primitive = row(
    "atan",
    math.atan,
    lambda x, out: (atan_slope(x),),
    doc="The angle whose tangent is x.",
    array="arctan",
    machine="atan",
    compiled_derivatives=lambda x, out: (1 / hypot(1.0, x) / hypot(1.0, x),),
    slope=Slope.BOUNDED,
)
atan2: Primitive = row(
    "atan2",
    math.atan2,
    lambda y, x, out: (atan2_derivative(y, x, 1.0, 0.0), atan2_derivative(y, x, 0.0, 1.0)),
    doc="The angle of the point (x, y); the order of the arguments is atan2(y, x).",
    array="arctan2",
    machine="atan2",
    compiled_derivatives=lambda y, x, out: (x / hypot(y, x) / hypot(y, x), -y / hypot(y, x) / hypot(y, x)),
)

# Hyperbolic functions
sinh: Primitive = row(
    "sinh",
    math.sinh,
    lambda x, out: (cosh(x),),
    doc="The hyperbolic sine.",
    array="sinh",
    machine="sinh",
    slope=Slope.LIKE_VALUE,
    keeps_infinity=(0,),
)
cosh: Primitive = row(
    "cosh",
    math.cosh,
    lambda x, out: (sinh(x),),
    doc="The hyperbolic cosine.",
    array="cosh",
    machine="cosh",
    slope=Slope.LIKE_VALUE,
    keeps_infinity=(0,),
)
tanh: Primitive = row(
    "tanh",
    math.tanh,
    lambda x, out: (tanh_slope(x),),
    doc="The hyperbolic tangent, an activation.",
    array="tanh",
    machine="tanh",
    compiled_derivatives=lambda x, out: (1 - out * out,),
    slope=Slope.BOUNDED,
)
asinh: Primitive = row(
    "asinh",
    math.asinh,
    lambda x, out: (asinh_slope(x),),
    doc="The inverse hyperbolic sine.",
    array="arcsinh",
    machine="asinh",
    compiled_derivatives=lambda x, out: (1 / hypot(1.0, x),),
    slope=Slope.BOUNDED,
)
acosh: Primitive = row(
    "acosh",
    math.acosh,
    lambda x, out: (acosh_slope(x),),
    doc="The inverse hyperbolic cosine.",
    array="arccosh",
    machine="acosh",
    compiled_derivatives=lambda x, out: (1 / (sqrt(x - 1) * sqrt(x + 1)),),
)
atanh: Primitive = row(
    "atanh",
    math.atanh,
    lambda x, out: (atanh_slope(x),),
    doc="The inverse hyperbolic tangent.",
    array="arctanh",
    machine="atanh",
    compiled_derivatives=lambda x, out: (1 / ((1 - x) * (1 + x)),),
)
