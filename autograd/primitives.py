"""The derivative table: each primitive once, its forward rule and its local derivatives.

Its rows stand by themes in `arithmetic.py`, `exponentials.py`, `trigonometry.py`, `special.py` and `slopes.py`; here is
all of it.

A rule is a plain expression of the primitive's inputs and its output, and it does not care what they are.
Fed floats it gives numbers, which is how a graph is recorded. Fed Values it gives a graph of the derivative itself,
which is how second and higher derivatives come about.

Conventions at ties and kinks, where no derivative exists: relu and abs have slope 0 at 0; at a tie, maximum and
minimum hand half of the gradient to each side, as PyTorch and JAX do, and max and min of many numbers the same share
to each of the largest (smallest).

Rows that choose (`where`, relu, maximum and the like) hand exactly nothing to what they do not take. The slope of abs
at 0 is a convention and no choice: where it meets an infinite derivative, as in |sqrt(x)| at 0, nan says so.

The derivatives of sigmoid and tanh are rows of their own, with rules that keep all digits where a(1 - a) and 1 - a²
lose them: where a is close to 1. Compiled programs keep these formulas, which are those of the texts.
"""

from __future__ import annotations

from autograd.derivatives.arithmetic import *  # noqa: F403
from autograd.derivatives.exponentials import *  # noqa: F403
from autograd.derivatives.slopes import *  # noqa: F403
from autograd.derivatives.special import *  # noqa: F403
from autograd.derivatives.trigonometry import *  # noqa: F403
from autograd.table import TABLE, Primitive, Rule, lookup, primitive

__all__ = ["TABLE", "Primitive", "Rule", "lookup", "primitive"]  # and the rows
