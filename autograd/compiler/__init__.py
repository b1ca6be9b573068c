"""From scalars to the textbook's matrices: a function of Values as a program of array operations.

    trace          trace/          run the function on Values of examples, and again on other numbers, to be sure
    scalars        scalars/        ScalarProgram -> ScalarProgram: fold, merge, recognise formulas, collect sums
    arrays         recover/        ScalarProgram -> ArrayProgram: nodes that do equal work become one operation
    backward       differentiate/  ArrayProgram -> ArrayProgram: values, and the gradients of what was asked for
    targets        targets/        ArrayProgram -> source, NumPy, straight-line Python, machine code

`pipeline.py` lists the passes in order, `arrays/` has the operations and their shapes, and `cost.py` every threshold,
those of loops in `cost_of_loops.py`.
A program with little to do side by side is unrolled instead (`recover/unrolled.py`), for `targets/straight_line/`.
`program.py` is what users hold; its `stages` are the programs in between, as values that print, verify and evaluate
themselves. CONTRIBUTING.md follows a function through all of it. `compile` imports the rest when it is first called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    from autograd.arrays import NDArray
    from autograd.compiler.program import Program
    from autograd.value import Value

DType = Literal["float64", "float32"]
Reduction = Literal["mean", "sum"]


@overload
def compile(
    function: Callable[..., Value],
    *examples: Any,
    dtype: DType = "float64",
    reduction: Reduction = "mean",
    parameters: Sequence[Value] | None = None,
    has_aux: Literal[False] = False,
) -> Program[float, NDArray[Any]]: ...
@overload
def compile(
    function: Callable[..., Sequence[Value]],
    *examples: Any,
    dtype: DType = "float64",
    reduction: Reduction = "mean",
    parameters: Sequence[Value] | None = None,
    has_aux: Literal[False] = False,
) -> Program[NDArray[Any], NDArray[Any]]: ...
@overload
def compile(
    function: Callable[..., tuple[Value, Any]],
    *examples: Any,
    dtype: DType = "float64",
    reduction: Reduction = "mean",
    parameters: Sequence[Value] | None = None,
    has_aux: Literal[True],
) -> Program[tuple[float, Any], tuple[NDArray[Any], Any]]: ...
@overload
def compile(
    function: Callable[..., Any],
    *examples: Any,
    dtype: DType = "float64",
    reduction: Reduction = "mean",
    parameters: Sequence[Value] | None = None,
    has_aux: bool = False,
) -> Program[Any, Any]: ...
def compile(
    function: Callable[..., Any],
    *examples: Any,
    dtype: DType = "float64",
    reduction: Reduction = "mean",
    parameters: Sequence[Value] | None = None,
    has_aux: bool = False,
) -> Program[Any, Any]:
    """Compile a function of one sample, written with scalars, into a program that runs on whole batches of samples.

    The function is run on Values of the examples, and again on other numbers: three times in all, a small one eight
    times, and so often it does what else it does, such as print. The graphs that this records must be the same but for
    the numbers; so it may loop and call as it likes, but must choose by `autograd.where(x > 0, a, b)` in place of `if`.
    A loop whose end depends on `v.data` is refused once it records too many nodes; one that records none may never end.
    Leaves that it captures, such as a network's weights, are the program's parameters, whose numbers are read anew at
    each call. While the function runs again, it alone sees other numbers in them: the leaves themselves are never
    written to, whatever other threads do meanwhile and wherever it is interrupted. A long program with little to do
    side by side runs as machine code where llvmlite is installed.

    A float64 program rounds as the graph does, by these rules:

    - *Forward.* `+ - * /`, comparisons and `where` are those of the graph, in its order and association, on the same
      operands. Multiplications are not distributed over sums, like terms are not collected, `0 * x` is not 0, and no
      multiplication is fused with an addition. So compensated sums and other tricks with rounding keep their meaning.
    - *Reductions.* The terms of an explicit `sum` or `dot` may be added in another order, by a matrix product for
      instance; so may those of a chain of `+` alone (a `-` ends it) of at least three terms, none of whose partial sums
      is used elsewhere; and those of a sum of two beside longer ones, as at the second position of causal attention.
      Each term is rounded as in the graph or, within a matrix product, not at all. With n terms
      the result differs by at most n · 2⁻⁵² · Σ|term|. In such a sum a captured leaf times the constant 0 is left out,
      and so is the sign of a zero; a captured leaf that is inf or nan may reach sums that multiply it by nothing.
    - *Elementary functions* differ by up to 4 units in the last place between `math`, NumPy and machine code. A sigmoid
      or tanh that is spelled out may be computed by the primitive, which is never less exact.
    - *Padding.* Rows that differ in length, as in causal attention, are one array with padding, multiplied by 0. Where
      that makes a result or a derivative inf or nan, the batch is computed once more without padding, and that counts.
      Nothing is padded so where a comparison could hide the nan.
    - *Backward.* Derivatives are those of the graph to 1e-12 of the norm of each array, not to the last bit.
    - *Choices.* What `where`, relu, `maximum` and other choices do not take contributes exactly nothing, whatever its
      own slope; only what a weighted sum (a matrix product, a neuron) multiplies is taken to be finite.
      Both branches of a `where` are computed, and one that has no value, such as the square root of -1, is nan instead
      of an error where it is not taken. `v.detach()` stops a derivative and keeps the number live.
    - *Slopes.* Those of sigmoid and tanh are a (1 - a) and 1 - a², as the texts and `source` have them: 0 where a is
      within 1e-16 of 1, where those of the graph keep all digits. No slope raises an error; results and gradients that
      are infinite or nan do.
    - *Look-ups.* A number of an argument is an index wherever `autograd.take` or `nn.one_hot` uses it; there and in
      comparisons it is an integer, and it has no derivative. All look-ups in one table are one operation.
    - *Primitives of your own.* Their rules are called at each run, in the caller's context, where they read what can
      change: context variables, the environment, attributes, containers, what a function assigns as `global`. Others
      are written out; a plain number that they read by name is a constant of the program, as it is in the function.

    Args:
        function: takes numbers and (nested) sequences of numbers; returns a Value, or a (nested) sequence of Values.
        examples: an argument each. What the program is called with has their shapes, or one axis more: samples first.
        dtype: of the numbers computed with.
        reduction: whether the cost that `backward` differentiates is the mean or the sum of the samples' results.
        parameters: Values to begin the flat vector of parameters with, in this order; by default it goes by matrices.
        has_aux: whether the function returns a pair of a Value and others that are only handed out, not differentiated.

    Returns:
        A program: `program(*batch)`, `program.backward(*batch)`, `program.input_gradients(*batch)`,
        `program.value_and_grad(*sample)`, `program.source`, and `print(program)`. `program.stages` has the
        program after each stage, "scalars", "arrays" and "backward"; `program.passes` is a table of the passes.

    Raises:
        TypeError: where the function asks for the number of a Value, or uses an argument both as an index and as a
            number, naming the line; or for useless settings.
        ValueError: where it froze a number, or chose a way by one.
        FloatingPointError: when the program is called, where a result or a derivative is infinite or nan.

    >>> from autograd import Value
    >>> w = [Value(1.0), Value(2.0)]
    >>> program = compile(lambda x, y: (sum(a * b for a, b in zip(w, x)) - y) ** 2, [0.5, 0.5], 1.0)
    >>> program([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0])
    array([0., 4.])
    >>> program.backward([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0])
    2.0
    >>> w[1].grad
    2.0
    """
    from autograd.compiler.program import Program
    from autograd.support.collector import collector_paused
    from autograd.value import Value

    if not callable(function):
        raise TypeError(f"compile expects a function and example arguments for it, got {function!r}")
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be 'float64' or 'float32', got {dtype!r}")
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r}")
    for parameter in parameters or ():
        if not isinstance(parameter, Value):
            raise TypeError(f"parameters must be Values, got {parameter!r}")
    with collector_paused():
        return Program(function, examples, dtype, reduction, parameters, has_aux)
