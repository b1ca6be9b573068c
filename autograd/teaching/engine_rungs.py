"""The ladder of `check_engine`: the requirements of an engine, from easy to hard.

Each rung is a function of a Bench. It raises EngineError, or the engine's own exception, and returns a remark or "".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from autograd.teaching import engine_rungs_basics as basics
from autograd.teaching import engine_rungs_functions as functions
from autograd.teaching import engine_rungs_operators as operators
from autograd.teaching import engine_rungs_walk as walk
from autograd.teaching.engine_bench import Bench


class Rung(NamedTuple):
    """One rung: its name, its requirement, its test, and the optional method without which it is skipped."""

    name: str
    asks: str
    climb: Callable[[Bench], str]
    method: str = ""
    too_slow: str = "is there a loop that never ends?"


LADDER = (
    Rung("number", "MyValue(3.0) holds its data, and a grad of 0", basics.number),
    Rung("plus", "a + b", basics.plus),
    Rung("times", "a * b", basics.times),
    Rung("parents", "a result remembers what it was computed from", basics.parents),
    Rung("seed", "backward() begins with a gradient of 1", basics.seed),
    Rung("plus gradient", "backward() across a + b", basics.plus_gradient),
    Rung("times gradient", "backward() across a * b", basics.times_gradient),
    Rung("chain", "backward() across operations in a row", basics.chain),
    Rung("used twice", "the gradients of a * a and a + a add up", basics.used_twice),
    Rung("diamond", "each node once, after all that use it", walk.diamond),
    Rung("twins", "equal numbers are not the same node", walk.twins),
    Rung("sharing", f"{walk.DOUBLINGS} doublings: 2^{walk.DOUBLINGS} ways, {walk.DOUBLINGS + 1} nodes", walk.sharing,
         too_slow="is every path through the graph walked, one by one? There are 2⁶⁴ of them here, through 65 nodes: "
                  "visit each node once"),
    Rung("constant right", "a + 3, a * 3", operators.constant_right),
    Rung("constant left", "3 + a, 3 * a", operators.constant_left),
    Rung("sum", "the built-in sum", operators.built_in_sum),
    Rung("in place", "c += b makes a new node", operators.in_place),
    Rung("negative", "-a", operators.negative),
    Rung("minus", "a - b, a - 3, 3 - a", operators.minus),
    Rung("power", "a ** n for a number n", operators.power),
    Rung("divided", "a / b, a / 4, 2 / a", operators.divided),
    Rung("everything", "a program of 24 operations", operators.everything),
    Rung("exp", "a.exp()", functions.exp, "exp"),
    Rung("log", "a.log()", functions.log, "log"),
    Rung("tanh", "a.tanh()", functions.tanh, "tanh"),
    Rung("sigmoid", "a.sigmoid()", functions.sigmoid, "sigmoid"),
    Rung("relu", "a.relu()", functions.relu, "relu"),
    Rung("second graph", "a new graph after the first, gradients zeroed by hand", walk.second_graph),
    Rung("second backward", "backward() once more on the same graph", walk.second_backward),
    Rung("deep", f"{walk.DEPTH:,} operations in a row", walk.deep,
         too_slow="the time grows faster than the graph. Are the visited nodes kept in a list? A look-up in a set "
                  "takes constant time, however large it is."),
)  # fmt: skip
