"""Compile a function of scalar Values into a program of array operations.

        trace          trace/          run the function on Values of examples; verify the graph on other numbers
    scalars        scalars/        ScalarProgram -> ScalarProgram: fold, merge, recognise formulas, collect sums
    arrays         recover/        ScalarProgram -> ArrayProgram: nodes that do equal work become one operation
        backward       differentiate/  ArrayProgram -> ArrayProgram: values and the requested gradients
    targets        targets/        ArrayProgram -> source, NumPy, straight-line Python, machine code

`pipeline.py` lists the passes in order, `arrays/` has the operations and their shapes, and `cost.py` and
`cost_of_loops.py` have every threshold. A program with little parallel work is unrolled (`recover/unrolled.py`) and
runs as straight-line code (`targets/straight_line/`). `program.py` has the object that users hold; its `stages` are
the intermediate programs, values that print, verify and evaluate themselves. CONTRIBUTING.md follows a function
through all stages. `compile` imports the rest at its first call.
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

    The function runs on Values of the examples, and again on other numbers: three times in all, a small function eight
    times; side effects such as prints repeat. The recorded graphs must be the same except for their numbers. So the
    function may use any loops and calls, but must branch with `autograd.where(x > 0, a, b)` in place of `if`. A loop
    whose end depends on `v.data` is rejected once it records too many nodes; one that records none may never end.
    Leaves that the function captures, such as a network's weights, are the program's parameters; their current numbers
    are read at each call. During the further runs, only the function sees other numbers in them: the leaves themselves
    are never written to, whatever other threads do and even if compilation is interrupted. A long program with little
    parallel work runs as machine code if llvmlite is installed.

    A float64 program rounds as the graph does, according to these rules:

    - *Forward.* `+ - * /`, comparisons and `where` are the graph's, in its order and association, on the same operands.
      Multiplications are not distributed over sums, like terms are not collected, `0 * x` is not folded to 0, and no
      multiplication is fused with an addition. So compensated summation and similar tricks work.
    - *Reductions.* The terms of an explicit `sum` or `dot` may be added in another order, for instance by a matrix
      product. The same holds for a chain of at least three terms connected by `+` only (a `-` ends it), none of whose
      partial sums is used elsewhere, and for a sum of two terms among longer ones, as at the second position of causal
      attention. Each term is rounded as in the graph or, within a matrix product, not at all. With n terms, the result
      differs by at most n · 2⁻⁵² · Σ|term|. In such a sum, a parameter times the constant 0 is dropped, and so is the
      sign of a zero; a parameter that is inf or nan may reach sums that do not read it.
    - *Elementary functions* differ by up to 4 units in the last place between `math`, NumPy and machine code. A
      spelled-out sigmoid or tanh may be computed by the primitive, which is never less exact.
    - *Padding.* Rows of different lengths, as in causal attention, become one array with padding, multiplied by 0. If
      padding makes a result or a derivative inf or nan, the batch is computed again without padding. Rows are not
      padded where a comparison could hide the nan.
    - *Backward.* Derivatives agree with the graph's to 1e-12 of the norm of each array, not to the last bit.
    - *Choices.* An operand that `where`, relu, `maximum` or another choice does not select contributes exactly nothing,
      whatever its own slope; only the factors in a weighted sum (a matrix product, a neuron) are assumed to be finite.
      Both branches of a `where` are computed; an undefined number, such as the square root of -1, is nan instead of an
      error in a branch that is not selected. `v.detach()` stops the derivative and keeps the number live.
    - *Slopes.* The slopes of sigmoid and tanh are a (1 - a) and 1 - a², as in textbooks and in `source`: 0 where a is
      within 1e-16 of 1, where the graph's keep all digits. A slope never raises an error; an infinite or nan result or
      gradient does.
    - *Look-ups.* A number of an argument is an index if `autograd.take` or `nn.one_hot` uses it. It may then only be
      looked up and compared, as an integer, and has no derivative. All look-ups in one table are one operation.
    - *User-defined primitives.* Rules that read mutable state (context variables, the environment, attributes,
      containers, a name that a function assigns as `global`) are called at each run, in the caller's context. Other
      rules are inlined; a plain number that they read by name is a constant of the program, as it is in the function.

    Args:
        function: takes numbers and (nested) sequences of numbers; returns a Value, or a (nested) sequence of Values.
        examples: one for each argument. The program takes arguments of these shapes, or batches with samples first.
        dtype: the dtype of all computations.
        reduction: whether the cost that `backward` differentiates is the mean or the sum of the samples' results.
        parameters: Values to put first in the flat parameter vector, in this order; by default it follows the matrices.
        has_aux: whether the function returns a pair of a Value and auxiliary ones, which are not differentiated.

    Returns:
        A program, with `program(*batch)`, `program.backward(*batch)`, `program.input_gradients(*batch)`,
        `program.value_and_grad(*sample)`, `program.source`, and `print(program)`. `program.stages` has the program
        after each stage, "scalars", "arrays" and "backward"; `program.passes` is a table of the passes.

    Raises:
        TypeError: if the function asks for the number of a Value, or uses an argument both as an index and as a number,
            naming the line; or for invalid settings.
        ValueError: if it froze a number, or branched on one.
        FloatingPointError: when the program is called, if a result or a derivative is infinite or nan.

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
