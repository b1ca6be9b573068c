"""Transforms that turn a function into its derivative, with JAX's conventions.

A transform runs the function once on fresh nodes, one for each number of its arguments, and sweeps over the recorded
graph. Nothing is approximated, and the `grad` of outside Values is never touched.

**Numbers or Values.** A derivative that depends only on plain numbers is returned as plain numbers. If an argument is a
Value, or the derivative depends on a Value that the function captured or made (such as `Value(1.0)`: start from 1.0 if
you want a number), the result is Values: nodes of a graph of the derivative, which can be differentiated again. This is
how transforms nest to any order, and how a gradient can be part of a loss. Inside `no_grad()` the result is always
plain numbers.

**At edges.** A function raises where its value is undefined; a derivative of any order never raises: it is inf, -inf or
nan instead. Operands that `where`, relu, maximum and the like did not select contribute nothing, even if their
derivative is infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from autograd.nested import flatten, names, nest
from autograd.recording import resumed
from autograd.support.foreign_names import explain_arguments
from autograd.support.remedies import OF_TRANSFORMS
from autograd.sweeps import Argnums, Function, Run
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.derivative_types import (
        Gradient,
        Hessian,
        PairOfGradients,
        SecondGradient,
        ValueAndGradient,
        ValueAndPair,
    )

T = TypeVar("T")
First = Literal[0]  # the usual `argnums`, for which the result's type is known
FirstTwo = tuple[Literal[0], Literal[1]]


@overload
def grad(f: Function, argnums: First = 0) -> Gradient: ...
@overload
def grad(f: Function, argnums: Literal[1]) -> SecondGradient: ...
@overload
def grad(f: Function, argnums: FirstTwo) -> PairOfGradients: ...
@overload
def grad(f: Function, argnums: tuple[int, ...]) -> Callable[..., tuple[Any, ...]]: ...
@overload
def grad(f: Function, argnums: int) -> Function: ...
@explain_arguments(OF_TRANSFORMS)
def grad(f: Function, argnums: Argnums = 0) -> Function:
    """The gradient of a function that returns one number.

    Args:
        f: takes numbers, or (nested) lists, tuples or arrays of numbers, and returns a number. Further arguments,
            by position or keyword, may be anything.
        argnums: the position of the argument to differentiate with respect to, or a tuple of positions.

    Returns:
        A function of the same arguments that returns the partial derivatives, shaped like the argument; a tuple of
        them if `argnums` is a tuple.

    Raises (when called):
        TypeError: if `f` does not return one number, or a differentiated argument contains anything but numbers.

    >>> cube = lambda x: x**3
    >>> grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0)
    (12.0, 12.0, 6.0)
    >>> grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 5.0)
    (5.0, 2.0)
    >>> grad(lambda point: point[0] * point[1])([2.0, 5.0])
    [5.0, 2.0]
    """
    value_and_gradient: Function = value_and_grad(_function(f, "grad"), argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_gradient(*args, **kwargs)[1]

    return gradient


@overload
def value_and_grad(f: Function, argnums: First = 0) -> ValueAndGradient: ...
@overload
def value_and_grad(f: Function, argnums: FirstTwo) -> ValueAndPair: ...
@overload
def value_and_grad(f: Function, argnums: Argnums) -> Callable[..., tuple[Any, Any]]: ...
@explain_arguments(OF_TRANSFORMS)
def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """Like `grad`, but the returned function returns a pair: the value of `f`, and the gradient.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    _function(f, "value_and_grad")

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with resumed() as recorded:
            run = Run(f, args, kwargs, argnums, recorded)
            gradients = run.pull_back({run.single_output(f): 1.0})
            (value,) = run.finish(run.outputs)  # separately: only the value may depend on a Value
            return value, run.like_arguments(run.finish(gradients))

    return value_and_gradient


@explain_arguments(OF_TRANSFORMS)
def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """The matrix of partial derivatives of each number that `f` returns with respect to each number of an argument.

    Returns:
        A function that returns a structure like the result of `f`, in which each number is replaced by a structure
        like the argument (a tuple of them if `argnums` is a tuple). Arrays stay arrays: if `f` maps an array of shape s
        to one of shape t, the result has shape t + s.

    >>> jacobian(lambda x, y: [x * y, x + y], argnums=(0, 1))(2.0, 5.0)
    [(5.0, 2.0), (1.0, 1.0)]
    """
    _function(f, "jacobian")

    def matrix(*args: Any, **kwargs: Any) -> Any:
        with resumed() as recorded:
            run = Run(f, args, kwargs, argnums, recorded)
            width = len(run.variables)
            flat = run.finish([x for output in run.outputs for x in run.pull_back({output: 1.0})])
            rows = run.rebuild_output(iter(range(len(run.outputs))))
            return nest(rows, run.like_arguments(range(width)), lambda i, j: flat[i * width + j])

    return matrix


@overload
def hessian(f: Function, argnums: First = 0) -> Hessian: ...
@overload
def hessian(f: Function, argnums: int) -> Function: ...
@explain_arguments(OF_TRANSFORMS)
def hessian(f: Function, argnums: int = 0) -> Function:
    """The matrix of second partial derivatives of a function that returns one number: `jacobian(grad(f))`.

    >>> hessian(lambda point: point[0] ** 2 * point[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(_function(f, "hessian"), argnums), argnums)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of `f` and its derivative in one direction, by forward accumulation over the recorded graph.

    Args:
        primals: the arguments of `f`, as a tuple.
        tangents: the direction, as a tuple of the same shape.

    Returns:
        The value of `f(*primals)` and Σ ∂f/∂primal × tangent, both shaped like the result of `f`.

    Raises:
        ValueError: if the tangents do not have the shape of the primals.

    >>> jvp(lambda x, y: x * y, (2.0, 5.0), (1.0, 0.0))
    (10.0, 5.0)
    """
    with resumed() as recorded:
        run = Run(f, tuple(primals), {}, tuple(range(len(primals))), recorded)
        directions = flatten(tuple(tangents), "tangents")[0]
        if names(tuple(tangents), "") != names(tuple(primals), ""):
            raise ValueError(f"tangents must be shaped like the primals {primals!r}, got {tangents!r}")
        slopes = run.push_forward(directions)
        flat = run.finish([*run.outputs, *slopes])
        n = len(run.outputs)
        return run.rebuild_output(iter(flat[:n])), run.rebuild_output(iter(flat[n:]))


@overload
def hessian_vector_product(f: Function, x: float, vector: float) -> float: ...
@overload
def hessian_vector_product(f: Function, x: list[float], vector: list[float]) -> list[float]: ...
@overload
def hessian_vector_product(f: Function, x: T, vector: T) -> T: ...
def hessian_vector_product(f: Function, x: Any, vector: Any) -> Any:
    """The Hessian of `f` at `x` times a vector: the gradient's derivative in that direction, without the matrix.

    Args:
        f: a function of one argument that returns one number.
        x: a number, or a (nested) list, tuple or array of numbers.
        vector: shaped like `x`, as the result is.

    >>> hessian_vector_product(lambda p: p[0] ** 2 * p[1], [3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]
    """
    return jvp(grad(f), (x,), (vector,))[1]


def _function(f: Any, transform: str) -> Function:
    """Return `f` if it is a function; else raise a TypeError that says what to do with a computed number."""
    if callable(f):
        return f  # type: ignore[no-any-return]
    remedy = ": call y.backward() on it, and read x.grad" if isinstance(f, Value) else ""
    raise TypeError(f"{transform} expects a function, and returns a function; got {f!r:.100}{remedy}")
