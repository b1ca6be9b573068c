"""Look-ups in compiled programs: one operation for all of them, equal to eager and to PyTorch; and the errors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value, compile, dot, softmax, take, tanh, where
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.lookups import add_index, look_up
from autograd.compiler.arrays.operations import N
from autograd.compiler.differentiate.reverse import to_arguments, to_parameters
from autograd.compiler.program import Program
from autograd.compiler.targets.kernels import HELPERS
from autograd.compiler.targets.python_source import Writer, passes
from autograd.compiler.targets.references import References
from autograd.compiler.targets.schedule import schedule
from autograd.nested import flatten

Batch = Sequence[np.ndarray[Any, Any]]


def matrix(rows: int, columns: int, seed: int = 0, label: str = "") -> list[list[Value]]:
    numbers = np.random.default_rng(seed).normal(size=(rows, columns)).tolist()
    return [
        [Value(x, f"{label}[{j}][{k}]" if label else "") for k, x in enumerate(row)] for j, row in enumerate(numbers)
    ]


def leaves(*tables: Any) -> list[Value]:
    return [x for x in flatten(list(tables), "tables")[0] if isinstance(x, Value) and not x.is_constant]


def indices(*shape: int, below: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, below, shape)


def sample_of(batch: Batch, k: int, kind: Callable[[float], Any]) -> list[Any]:
    """Return the arguments of one sample: its numbers as Values and its indices as ints."""
    arguments = []
    for rows in batch:
        numbers, rebuild = flatten(rows[k].tolist(), "argument")
        arguments.append(rebuild(iter(numbers if rows.dtype.kind in "iu" else map(kind, numbers))))
    return arguments


def norm_of_difference(a: Any, b: Any) -> Any:
    return np.linalg.norm(np.subtract(np.asarray(a), np.asarray(b)))


def assert_equals_eager(function: Callable[..., Any], parameters: list[Value], *batch: Any) -> Program:
    """Compare results, parameter gradients and input derivatives with eager: of a batch, a sample and each stage."""
    samples = len(batch[0])
    program = compile(function, *(rows[0].tolist() for rows in batch))
    assert set(program.parameters) <= set(parameters)
    results, slopes = [], []
    for k in range(samples):
        given = sample_of(batch, k, Value)
        result = function(*given)
        result.backward(1 / samples)
        results.append(result.data)
        slopes.append([x.grad * samples for x in flatten(given, "arguments")[0] if isinstance(x, Value)])
    expected = [p.grad for p in program.parameters]
    for p in parameters:
        p.grad = 0.0

    assert norm_of_difference(program(*batch), results) <= 1e-12 * np.linalg.norm(results)
    one = program(*sample_of(batch, 0, float))
    assert one == pytest.approx(results[0], rel=1e-12)
    program.backward(*batch)
    gradient = [p.grad for p in program.parameters]
    for p in parameters:
        p.grad = 0.0
    assert norm_of_difference(gradient, expected) <= 1e-12 * np.linalg.norm(expected)
    numbers = [rows for rows in batch if rows.dtype.kind == "f"]
    parts = program.input_gradients(*batch)
    parts = [parts] if len(numbers) == 1 else parts
    assert len(parts) == len(numbers)
    if numbers:
        together = np.concatenate([part.reshape(samples, -1) for part in parts], axis=1)
        assert norm_of_difference(together, slopes) <= 1e-12 * np.linalg.norm(slopes)
    assert_stages_mean_the_same(program, batch, results, expected)
    return program


def assert_stages_mean_the_same(program: Program, batch: Batch, results: list[float], gradient: list[float]) -> None:
    vector = [p.data for p in program.parameters]
    scalars: Any = program.stages["scalars"].verify()
    backward: Any = program.stages["backward"].verify()
    for k, result in enumerate(results[:2]):
        (value,) = scalars.evaluate([flatten(a, "")[0] for a in sample_of(batch, k, float)], vector)
        assert value == pytest.approx(result, rel=1e-12)
    names = [o.name for o in backward.operations if o.kind in ("argument", "index") and o.name != "gradient"]
    rows = {name: x.reshape(len(x), -1) for name, x in zip(names, batch, strict=True)}
    seeds = np.full((len(results), 1), 1 / len(results))
    values, *arrays = backward.evaluate({**rows, "gradient": seeds}, vector)
    assert norm_of_difference(values[:, 0], results) <= 1e-12 * np.linalg.norm(results)
    total = np.zeros(len(vector))
    parameters = [o for o in backward.operations if o.kind == "parameter"]
    for operation, array in zip(parameters, arrays, strict=True):
        np.add.at(total, operation.attribute.array, array)
    assert norm_of_difference(total, gradient) <= 1e-12 * np.linalg.norm(gradient)


def count(kind: str, program: Program) -> int:
    backward: Any = program.stages["backward"]
    return sum(o.kind == kind for o in backward.operations)


# One operation, however many look-ups


@pytest.mark.parametrize("length", [1, 4, 9])
def test_a_document_is_one_look_up_whose_gradient_is_added_up(length: int) -> None:
    """PyTorch's embedding agrees. Tokens occur several times in a document, so gradients add up."""
    torch: Any = pytest.importorskip("torch", reason="PyTorch, which look-ups are compared with, is not installed")
    wte, v = matrix(6, 5, label="wte"), matrix(1, 5, 1)[0]

    def f(tokens: Any) -> Any:
        return autograd.sum([tanh(dot(take(wte, t), v)) for t in tokens])

    batch = indices(7, length, below=6)
    program = assert_equals_eager(f, leaves(wte, v), batch)
    assert (count("look up", program), count("scatter", program)) == (1, 1)
    arrays: Any = program.stages["arrays"]
    (look_up,) = (o for o in arrays.operations if o.kind == "look up")
    assert tuple(map(str, look_up.shape)) == ("n", str(length), "5")
    assert "wte1[tokens]" in program.source
    assert "nabla_wte1 = scatter_add(" in program.source

    weights = torch.tensor([[x.data for x in row] for row in wte], dtype=torch.float64, requires_grad=True)
    product = torch.nn.functional.embedding(torch.tensor(batch), weights) @ torch.tensor(
        [x.data for x in v], dtype=torch.float64
    )
    cost: Any = product.tanh().sum(1).mean()
    cost.backward()
    program.backward(batch)
    assert weights.grad is not None
    assert norm_of_difference([[x.grad for x in row] for row in wte], weights.grad) <= 1e-13


def test_the_source_grows_neither_with_the_document_nor_with_the_table() -> None:
    sources = []
    for length, rows, width in ((4, 6, 5), (8, 6, 5), (8, 60, 5), (8, 60, 9)):
        wte, v = matrix(rows, width), matrix(1, width)[0]
        program = compile(lambda ts: autograd.sum([dot(take(wte, t), v).tanh() for t in ts]), [1] * length)  # noqa: B023
        sources.append(re.sub(r"\d+", "", program.source))
    assert len(set(sources)) == 1


def test_several_tables_and_several_arguments() -> None:
    wte, wpe = matrix(5, 3, label="wte"), matrix(4, 3, 1, label="wpe")

    def f(tokens: Any, places: Any, other: Any, x: Any) -> Any:
        rows = [[a + b for a, b in zip(take(wte, t), take(wpe, p))] for t, p in zip(tokens, places)]
        return autograd.sum([tanh(v * x) for row in rows for v in row]) + take(wte, other)[1] * x

    batch = (indices(6, 2, below=5), indices(6, 2, below=4), indices(6, below=5), np.linspace(-1, 1, 6))
    program = assert_equals_eager(f, leaves(wte, wpe), *batch)
    assert count("look up", program) == 3


def test_a_table_that_is_also_a_matrix_of_weights() -> None:
    """With tied weights, the gradient is the sum over both uses."""
    wte = matrix(5, 3, label="wte")

    def f(tokens: Any, target: Any) -> Any:
        x = [autograd.mean(column) for column in zip(*take(wte, tokens))]
        return -take(softmax([dot(row, x) for row in wte]), target).log()

    program = assert_equals_eager(f, leaves(wte), indices(6, 4, below=5), indices(6, below=5, seed=1))
    assert count("parameter", program) == 1
    assert "positions" not in program.source


@pytest.mark.parametrize(
    "rows",
    [
        lambda w: [[0.0] * 3, *w[1:]],
        lambda w: [[0.0, 1.5, -2.0], *w[1:]],
        lambda w: [[w[0][0], 2.0, w[0][2]], *w[1:3], [7.0, w[4][1], w[3][2]]],
        lambda w: [w[0], w[1], w[0], w[2]],
        lambda w: [row[::2] for row in w],
        lambda w: [row[1] for row in w],
        lambda w: tuple(map(tuple, w)),
        lambda w: np.array(w, dtype=object),
        lambda w: [[row[:2], [row[2]]] for row in w],
        lambda w: [[k * 0.5, 1.0 - k] for k in range(5)],
        lambda w: [2.0, -1.0, 4.0, 0.5],
        lambda w: [[Value(1.0), w[0][1]], [Value(2.0), w[1][1]]],
    ],
    ids=[
        *("zeros for padding", "a constant row", "constants among weights", "a row twice", "columns", "one column"),
        *("tuples", "an array", "nested rows", "numbers", "flat numbers", "leaves made on the way"),
    ],
)
def test_tables_of_all_kinds(rows: Callable[[list[list[Value]]], Any]) -> None:
    w = matrix(5, 3)

    def f(i: Any, x: Any) -> Any:
        return autograd.sum([v * v * x for v in flatten(take(rows(w), i), "row")[0]]) + w[0][0] * x

    length = len(rows(w))
    assert_equals_eager(f, leaves(w), np.arange(length), np.linspace(0.5, 1.0, length))


def test_the_same_leaves_in_other_rows_are_the_same_table() -> None:
    w = matrix(4, 3)

    def f(i: Any, x: Any) -> Any:
        a, b, c = take(w, i)
        d, (e, g) = take([[row[0], row[1:]] for row in w], i)
        return (a * b + c * x) * (d + e * g)

    program = assert_equals_eager(f, leaves(w), np.arange(4), np.linspace(-1, 1, 4))
    assert count("look up", program) == 1


# Tables that the function computes


def test_the_probability_of_the_right_class() -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch, which look-ups are compared with, is not installed")
    wte = matrix(6, 4, label="logits")

    def f(tokens: Any, targets: Any) -> Any:
        return autograd.mean([-take(softmax(take(wte, t)), y).log() for t, y in zip(tokens, targets)])

    batch = indices(7, 3, below=6), indices(7, 3, below=4, seed=1)
    program = assert_equals_eager(f, leaves(wte), *batch)
    assert "take_along_axis(" in program.source
    assert "where(" not in program.source  # nothing is masked
    weights = torch.tensor([[x.data for x in row] for row in wte], dtype=torch.float64, requires_grad=True)
    chosen = weights[torch.tensor(batch[0])].reshape(-1, 4)
    cost: Any = torch.nn.functional.cross_entropy(chosen, torch.tensor(batch[1]).reshape(-1))
    cost.backward()
    program.backward(*batch)
    assert weights.grad is not None
    assert norm_of_difference([[x.grad for x in row] for row in wte], weights.grad) <= 1e-13


@pytest.mark.parametrize("length", [3, 6])
def test_a_choice_leaves_causal_attention_whole(length: int) -> None:
    """There are two batched products and one mask: rows are padded although numbers not chosen may be nan."""
    wte, wq, wk, wv = (matrix(*shape, seed) for seed, shape in enumerate([(7, 4), (4, 4), (4, 4), (7, 4)]))

    def f(tokens: Any, targets: Any) -> Any:
        keys: list[Any] = []
        rows: list[Any] = []
        losses = []
        for t, target in zip(tokens, targets):
            x = take(wte, t)
            query = [dot(row, x) for row in wq]
            keys.append([dot(row, x) for row in wk])
            rows.append(x)
            shares = softmax([dot(query, key) / 2 for key in keys])
            mixed = [dot(shares, column) for column in zip(*rows)]
            losses.append(-take(softmax([dot(row, mixed) for row in wv]), target).log())
        return autograd.mean(losses)

    batch = indices(5, length, below=7), indices(5, length, below=7, seed=1)
    program = assert_equals_eager(f, leaves(wte, wq, wk, wv), *batch)
    assert "positions" not in program.source
    shapes = [tuple(map(str, o.shape)) for o in cast(Any, program.stages["arrays"]).operations]
    assert ("n", str(length), str(length)) in shapes


COMPUTED: dict[str, Callable[..., Any]] = {
    "rows of all samples": lambda w, i, x: autograd.sum(
        [v for k in i for v in take([[tanh(a * b) for a, b in zip(row, x)] for row in w], k)]
    ),
    "rows of parameters alone": lambda w, i, x: autograd.sum(
        [v * x[0] for k in i for v in take([[tanh(a) for a in row] for row in w], k)]
    ),
    "an argument": lambda w, i, x: autograd.sum([take([*x, *x[:2]], k) * w[0][0] for k in i]),
    "several rows of one place": lambda w, i, x: autograd.sum(
        [take([a * b for b in (*x, *x[:2])], k) for a, k in zip(w[0], i)]
    ),
    "numbers of several arrays": lambda w, i, x: autograd.sum(
        [take([x[0], w[0][0], tanh(w[1][1] * x[1]), 3.0, x[2] / 2], k) * w[2][0] for k in i]
    ),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_a_choice_among_computed_numbers(name: str) -> None:
    w = matrix(5, 3)
    batch = indices(7, 3, below=5), np.random.default_rng(1).normal(size=(7, 3))
    assert_equals_eager(lambda i, x: COMPUTED[name](w, i, x), leaves(w), *batch)


def test_what_is_not_chosen_receives_nothing_whatever_its_slope() -> None:
    program = compile(lambda i, x: take([autograd.sqrt(x), x * x], i), 1, 2.0)
    value, slopes = program.value_and_grad([0, 1, 1], [4.0, 0.0, -1.0])
    assert value.tolist() == [2.0, 0.0, 1.0]
    assert slopes.tolist() == [0.25, 0.0, -2.0]


def test_derivatives_of_derivatives() -> None:
    """The second derivatives of x³ and exp(2x), chosen by an index, are 6x and 4 exp(2x)."""
    curvature = compile(
        lambda i, x: autograd.grad(autograd.grad(lambda x: take([x**3, autograd.exp(2 * x)], i)))(x), 0, 0.5
    )
    assert curvature([0, 1], [0.25, 0.5]) == pytest.approx([1.5, 4 * np.e], rel=1e-14)


def test_an_index_goes_through_a_derivative() -> None:
    w = matrix(3, 2)

    def f(i: Any, x: Any) -> Any:
        slope, _ = autograd.grad(lambda x, i, y: take(w, i)[0] * x**3 * y, (0, 2))(x, i, 2.0)
        return slope

    program = compile(f, 1, 0.5)
    assert program([0, 2], [1.0, 2.0]) == pytest.approx([6 * w[0][0].data, 24 * w[2][0].data], rel=1e-14)


# Indices as conditions


@pytest.mark.parametrize("container", [list, np.array])
def test_one_hot_of_an_argument(container: Callable[[list[Any]], Any]) -> None:
    w = matrix(4, 3)

    def f(labels: Any, x: Any) -> Any:
        rows = nn.one_hot(container(list(labels)), 4)
        return autograd.sum([dot(row, [a[k] for a in w]) * x for row in rows for k in range(3)])

    program = assert_equals_eager(f, leaves(w), indices(6, 2, below=4), np.linspace(-1, 1, 6))
    with pytest.raises(IndexError, match=r"sample 1: labels\[0\] is 4, which is not in a table of 4"):
        program([[0, 1], [4, 1]], [0.0, 0.0])


def test_one_hot_of_one_label_is_what_its_integers_give() -> None:
    program = compile(lambda label: list(nn.one_hot(label, 3)), 1)
    assert program([2, 0]).tolist() == nn.one_hot([2, 0], 3).tolist()


def test_an_index_may_be_compared_as_for_padding() -> None:
    wte = matrix(5, 3)

    def f(tokens: Any) -> Any:
        return autograd.sum([where(t == 0, 0.0, autograd.exp(take(wte, t)[1])) for t in tokens])

    assert_equals_eager(f, leaves(wte), indices(8, 3, below=5))


# What programs are called with


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "int64"])
def test_integers_of_all_widths(dtype: str) -> None:
    w = matrix(200, 3)
    program = compile(lambda i, x: autograd.sum(take(w, i)) * x, 3, 0.5)
    rows = np.array([0, 101, 127], dtype=dtype)
    expected = [sum(x.data for x in w[int(row)]) for row in rows]
    assert program(rows, np.ones(3)) == pytest.approx(expected, rel=1e-14)
    program.backward(rows, np.ones(3))
    assert [k for k, row in enumerate(w) if row[0].grad] == [0, 101, 127]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_indices_are_exact_whatever_is_computed_with(dtype: Any) -> None:
    w = [Value(float(k % 7)) for k in range(300)]
    program = compile(lambda i, x: take(w, i) * x, 0, 1.0, dtype=dtype)
    rows = np.arange(300)
    assert program(rows, np.ones(300)).tolist() == [k % 7 for k in range(300)]


def test_input_gradients_leave_indices_out() -> None:
    w = matrix(4, 2)
    both = compile(lambda i, x, y: dot(take(w, i), [x, y]), 0, 1.0, 1.0)
    slopes = both.input_gradients([1, 3], [0.0, 0.0], [0.0, 0.0])
    assert np.array(slopes).T.tolist() == [[x.data for x in w[k]] for k in (1, 3)]
    one = compile(lambda x, i: dot(take(w, i), x), [1.0, 1.0], 0)
    assert one.input_gradients([[0.0, 0.0]], [2]).tolist() == [[x.data for x in w[2]]]
    none = compile(lambda i: autograd.sum(take(w, i)), 0)
    assert none.input_gradients([1, 2]) == ()
    assert none.value_and_grad(1) == (sum(x.data for x in w[1]), ())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [[0, 1], [1, 4]],
            r"sample 1: tokens\[1\] is 4, which is not in a table of 4, whose entries are counted from 0",
        ),
        ([[0, -1], [1, 9]], r"sample 0: tokens\[1\] is -1, which is not in a table of 4"),
        ([2, 7], r"^tokens\[1\] is 7, which is not in a table of 4"),
    ],
)
def test_an_index_beyond_the_table_is_refused_with_the_name_of_the_sample(given: Any, message: str) -> None:
    program = compile(lambda tokens: autograd.sum([x for t in tokens for x in take(matrix(4, 2), t)]), [0, 1])
    for call in (program, program.backward, program.value_and_grad):
        with pytest.raises(IndexError, match=message):
            call(given)


def test_the_shortest_table_counts() -> None:
    short, long = matrix(2, 2), matrix(5, 2)
    program = compile(lambda i: autograd.sum([*take(long, i), *take(short, i), *take(long, i)]), 1)
    with pytest.raises(IndexError, match="i is 2, which is not in a table of 2"):
        program([0, 1, 2])


@pytest.mark.parametrize(
    "given", [[[0.0, 1.0]], [[True, False]], [[0.5, 1]], [["0", "1"]], [[2**70, 0]], np.array([[0.0, 1.0]])]
)
def test_what_are_no_integers_is_refused(given: Any) -> None:
    program = compile(lambda tokens: autograd.sum([x for t in tokens for x in take(matrix(4, 2), t)]), [0, 1])
    with pytest.raises(TypeError, match="tokens is used as an index, so it must hold integers; got"):
        program(given)


def test_what_is_looked_up_for_nothing_is_no_parameter() -> None:
    w, v = matrix(3, 2), matrix(3, 2)

    def f(i: Any, x: Any) -> Any:
        take(w, i)
        return take(v, i)[1] * x

    program = compile(f, 1, 0.5)
    assert set(program.parameters) == set(leaves(v))
    assert program(2, 3.0) == v[2][1].data * 3.0


def test_ragged_arguments_of_indices() -> None:
    w = matrix(4, 2)
    program = compile(lambda ts: autograd.sum([x for row in ts for t in row for x in take(w, t)]), [[0, 1], [2]])
    expected = sum(x.data for k in (3, 3, 1) for x in w[k])
    assert program([[3, 3], [1]]) == pytest.approx(expected, rel=1e-14)
    assert program([[[3, 3], [1]], [[3, 1], [3]]]) == pytest.approx([expected] * 2, rel=1e-14)
    with pytest.raises(IndexError, match="ts, number 2 is 4, which is not in a table of 4"):
        program([[3, 3], [4]])


def test_a_number_that_is_not_finite_is_named_in_the_sample_that_looks_it_up() -> None:
    w = [Value(1.0, "good"), Value(0.0, "bad")]
    program = compile(lambda i, x: autograd.log(take(w, i) * x), 0, 1.0)
    with pytest.raises(FloatingPointError, match="sample 1: log"):
        program([0, 1], [1.0, 1.0])


# Errors while a function is traced

W = [[Value(0.1), Value(0.2)], [Value(0.3), Value(0.4)], [Value(0.5), Value(0.6)]]


def number_first(i: Any, x: Any) -> Any:
    y = i * x
    return y + take(W, i)[0]


def number_last(i: Any, x: Any) -> Any:
    y = take(W, i)[0]
    return y + i * x


@pytest.mark.parametrize(
    ("f", "number", "index"), [(number_first, "y = i * x", "return y +"), (number_last, "return y +", "y = take")]
)
def test_an_argument_that_is_both_is_refused_with_both_lines(f: Any, number: str, index: str) -> None:
    file = r"test_compiler_lookups\.py, line \d+"
    message = rf"{file}, `{re.escape(number)}.*`: i is a number here, and an index at .*{file}, `{re.escape(index)}"
    with pytest.raises(TypeError, match=message):
        compile(f, 1, 0.5)


@pytest.mark.parametrize(
    ("f", "examples", "message"),
    [
        (lambda row: take(W, row[0])[0] * row[1], [[1, 2]], r"row\[1\] is a number here, and row\[0\], of the same"),
        (lambda i: [take(W, i)[0], i], [1], "the function's result: i is a number here, and an index at"),
        (lambda i: take(W, i + 1)[0], [0], r"line \d+, `.*`: an index must be a number of an argument"),
        (lambda i: take(W, take([1, 0, 2], i))[0], [0], "an index must be a number of an argument"),
        (lambda i: take(W, i)[0], [1.0], r"line \d+, `.*`: i is used as an index, so its example must be an int"),
        (lambda i: take(W, i)[0], [True], "so its example must be an int; got True"),
        (lambda i: take(W, i)[0], [Value(1.0)], "so its example must be an int; got Value"),
        (lambda i: nn.one_hot(i, 3)[0] * take(W, i)[0] + i, [1], "i is a number here, and an index at"),
        (lambda i: W[i][0], [1], r"line \d+, `.*`: list indices .*Instead, look it up with autograd\.take\(table, i\)"),
    ],
)
def test_what_is_no_index_is_refused(f: Any, examples: list[Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        compile(f, *examples)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([[1.0], [1.0, 2.0]], ValueError, r"table\[1\] is not nested like table\[0\]"),
        ([[1.0, [2.0]], [[1.0], 2.0]], ValueError, r"table\[1\] is not nested like table\[0\]"),
        ([], IndexError, "a table of at least one entry, got none"),
        (["a", "b"], TypeError, r"table\[0\] must be a number, or"),
        ({0: 1.0}, TypeError, "a sequence as its table, got an object of type dict"),
    ],
)
def test_what_is_no_table_is_refused(table: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compile(lambda i: take(table, i), 0)


def test_an_example_beyond_the_table_is_refused() -> None:
    with pytest.raises(IndexError, match=r"line \d+, `.*`: i is 3, which is not in a table of 3"):
        compile(lambda i: take(W, i)[0], 3)


def test_a_branch_on_an_index_is_refused() -> None:
    with pytest.raises(TypeError, match=r"would freeze a number of the example.*autograd\.where"):
        compile(lambda i: take(W, i)[0] if i == 1 else take(W, i)[1], 1)


def test_a_table_that_changes_is_refused() -> None:
    def grows(i: Any) -> Any:
        table = [Value(1.0), Value(2.0)]
        x = take(table, i)
        table.append(Value(3.0))
        return x

    with pytest.raises(ValueError, match=r"a table passed to autograd\.take has changed while the function ran"):
        compile(grows, 1)
    calls = iter(range(100))
    with pytest.raises(ValueError, match="holds other numbers when the function runs again"):
        compile(lambda i: take([float(next(calls)), 1.0], i), 1)


def test_other_indices_are_tried_while_it_is_traced() -> None:
    seen = []

    def f(i: Any) -> Any:
        seen.append(int(i.data))
        return take(W, i)[0]

    compile(f, 1)
    assert len(set(seen)) == len(W)
    assert set(seen[1:]).isdisjoint(seen[:1])


# A large table


def test_a_large_table_costs_what_is_looked_up() -> None:
    """The numbers of nodes and operations depend on the look-ups, not on the size of the table."""
    wte, v = matrix(2000, 16), matrix(1, 16, 1)[0]
    program = compile(lambda ts: autograd.sum([dot(take(wte, t), v).tanh() for t in ts]), [3] * 8)
    assert program.nodes == 8 * 16 + 8 + 16 + 8 + 2 * 8 + 1
    assert len(program.parameters) == 2001 * 16
    assert max(before for _, before, _, _ in program.passes) < 200
    batch = indices(5, 8, below=2000)
    program.backward(batch)
    assert [k for k, row in enumerate(wte) if row[0].grad] == np.unique(batch).tolist()


# The operations of array programs


@pytest.mark.parametrize("shared", [0, 1, 2])
@pytest.mark.parametrize("own", [(), (4,), (2, 3)], ids=str)
@pytest.mark.parametrize("rest", [(), (3,)], ids=str)
def test_look_ups_with_axes_in_common_and_their_transposes(
    shared: int, own: tuple[int, ...], rest: tuple[int, ...]
) -> None:
    """Evaluated programs and emitted source agree with loops over all elements."""
    if not shared and not own:
        own = (1,)
    inner: tuple[int, ...] = (2,) * (shared > 1)  # the axes in common, except that of the samples
    b = Builder()
    width = math.prod((*inner, 5, *rest))
    x = b.argument("x", width)
    index = b.reshape(add_index(b, "i", math.prod((*inner, *own))), (N, *inner, *own))
    if shared:
        table = b.reshape(x, (N, *inner, 5, *rest))
    else:
        table = b.parameter(np.arange(5 * math.prod(rest)).reshape(5, *rest), "w")
    entries = look_up(table, index, shared).named("entries")
    flat = b.reshape(entries, (N, math.prod((*inner, *own, *rest))))
    program = b.program([2.0 * flat]).verify()

    chance = np.random.default_rng(0)
    rows, places = chance.normal(size=(3, width)), chance.integers(0, 5, (3, *inner, *own))
    vector = chance.normal(size=5 * math.prod(rest))
    tables = rows.reshape(3, *inner, 5, *rest) if shared else vector.reshape(5, *rest)
    expected = np.array([2.0 * tables[(*at[:shared], places[at])] for at in np.ndindex(*places.shape)]).reshape(3, -1)
    given = {"x": rows, "i": places.reshape(3, -1)}
    (output,) = program.evaluate(given, vector)
    assert np.array_equal(output, expected)

    to = to_arguments if shared else to_parameters
    differentiated = to(program, expected.shape[1]).verify()
    seeds = chance.normal(size=expected.shape)
    _, gradient = differentiated.evaluate({**given, "gradient": seeds}, vector)
    truth = np.zeros_like(tables)
    parts = seeds.reshape(*places.shape, *rest)
    for at in np.ndindex(*places.shape):
        truth[(*at[:shared], places[at])] += 2.0 * parts[at]
    assert np.allclose(gradient.reshape(truth.shape), truth, rtol=1e-14)
    source = str(passes(Writer(schedule(differentiated), References(differentiated))))
    namespace: dict[str, Any] = dict(HELPERS)
    exec(source, namespace)
    arrays = [vector.reshape(5, *rest)] if not shared else []
    values, saved = namespace["forward"](rows, places.reshape(3, -1), *arrays)
    assert np.allclose(values, expected, rtol=1e-14)
    (gradient,) = namespace["backward"](seeds, saved, rows, places.reshape(3, -1), *arrays)
    assert np.allclose(np.asarray(gradient).reshape(truth.shape), truth, rtol=1e-14)


def test_a_program_that_looks_up_at_numbers_is_malformed() -> None:
    b = Builder()
    w, x = b.parameter([0, 1, 2], "w"), b.argument("x", 2)
    with pytest.raises(ValueError, match="entries looks up at x, which must be an index"):
        b.program([look_up(w, x).named("entries")]).verify()


# Random programs


class Recipe:
    """A random program of look-ups: drawn once, run on Values and on ints."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.rows, self.width = draw(st.integers(1, 5)), draw(st.integers(1, 4))
        self.length = draw(st.integers(1, 5))
        self.table = matrix(self.rows, self.width, draw(st.integers(0, 99)))
        self.other = [row[0] for row in matrix(self.rows, 1, draw(st.integers(0, 99)))]
        kinds = ["rows", "columns", "other", "computed", "one hot", "compared", "constants", "probability"]
        self.kinds = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
        self.seed = draw(st.integers(0, 2**32 - 1))

    def run(self, tokens: Any, x: Any) -> Any:
        w, terms = self.table, []
        for n, kind in enumerate(self.kinds):
            for k, t in enumerate(tokens):
                y = x[(k + n) % len(x)]
                match kind:
                    case "rows":
                        terms.append(tanh(autograd.sum([a * y for a in take(w, t)])))
                    case "columns":
                        terms.append(take([row[n % self.width :] for row in w], t)[0] * y)
                    case "other":
                        terms.append(autograd.sin(take(self.other, t) + y))
                    case "computed":
                        terms.append(take([a * y + a * a for a in self.other], t))
                    case "one hot":
                        terms.append(dot(nn.one_hot(t, self.rows), self.other) * y)
                    case "compared":
                        terms.append(where(t == n, take(w, t)[-1], y))
                    case "constants":
                        terms.append(take([0.5 * j - 1 for j in range(self.rows)], t) * y * w[0][0])
                    case "probability":
                        terms.append(take(softmax([a * y for a in self.other]), t))
        return autograd.mean(terms)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data(), samples=st.sampled_from([1, 2, 7]))
def test_random_look_ups(data: st.DataObject, samples: int) -> None:
    recipe = Recipe(data.draw)
    chance = np.random.default_rng(recipe.seed)
    batch = chance.integers(0, recipe.rows, (samples, recipe.length)), chance.normal(size=(samples, 3))
    assert_equals_eager(recipe.run, leaves(recipe.table, recipe.other), *batch)
