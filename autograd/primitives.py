"""The derivative table: each primitive with its forward rule and its local derivatives.

The rows are grouped by theme in `arithmetic.py`, `exponentials.py`, `trigonometry.py`, `special.py` and `slopes.py`;
this module exports all of them.

A rule is a plain expression of the primitive's inputs and output, of any type. Called with floats, it returns numbers;
this is how a graph is recorded. Called with Values, it returns a graph of the derivative; this is how second and
higher derivatives are computed.

Conventions at ties and kinks, where no derivative exists: relu and abs have slope 0 at 0; at a tie, maximum and
minimum pass half of the gradient to each side, as PyTorch and JAX do, and max and min of many numbers pass an equal
share to each of the largest (smallest).

Rows that choose (`where`, relu, maximum and the like) pass no gradient to operands that they did not select. The slope
of abs at 0 is a convention, not a choice: combined with an infinite derivative, as in |sqrt(x)| at 0, it gives nan.

The derivatives of sigmoid and tanh are rows of their own. Their rules stay accurate for a close to 1, where the
textbook formulas a(1 - a) and 1 - a² lose digits. Compiled programs use the textbook formulas.
"""

from __future__ import annotations

from autograd.derivatives.arithmetic import *  # noqa: F403
from autograd.derivatives.exponentials import *  # noqa: F403
from autograd.derivatives.slopes import *  # noqa: F403
from autograd.derivatives.special import *  # noqa: F403
from autograd.derivatives.trigonometry import *  # noqa: F403
from autograd.table import TABLE, Primitive, Rule, lookup, primitive

__all__ = ["TABLE", "Primitive", "Rule", "lookup", "primitive"]  # and the rows
