"""Losses against PyTorch and scikit-learn on ordinary numbers, and against mpmath at 50 digits on hard ones."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import autograd
import nn
from autograd import Value, no_grad
from nn.losses import LOSSES, Loss, penalised

EPSILON = sys.float_info.epsilon


@pytest.fixture
def torch() -> Any:
    """Return PyTorch, an independent reference."""
    return pytest.importorskip("torch", reason="PyTorch, whose losses these are compared with, is not installed")


def value_and_gradient(loss: Loss, outputs: list[float], targets: Any) -> tuple[float, list[float]]:
    values = [Value(o) for o in outputs]
    result = loss(values, targets)
    result.backward()
    return result.data, [v.grad for v in values]


# Against PyTorch and scikit-learn


def samples(seed: int) -> tuple[np.random.Generator, int]:
    """Return a random generator, and a number of outputs."""
    chance = np.random.default_rng(seed)
    return chance, int(chance.integers(1, 8))


def assert_agrees_with_torch(torch: Any, loss: Loss, theirs: Any, outputs: Any, targets: Any) -> None:
    """Check that value and gradient agree, up to rounding."""
    tensor = torch.tensor(outputs, requires_grad=True)
    expected = theirs(tensor, torch.tensor(targets))
    expected.backward()
    value, gradient = value_and_gradient(loss, outputs.tolist(), np.asarray(targets).tolist())
    assert value == pytest.approx(expected.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", range(20))
def test_squared_errors_agree_with_pytorch(torch: Any, seed: int) -> None:
    chance, n = samples(seed)
    outputs, targets = chance.normal(scale=3, size=n), chance.normal(size=n)
    half_of_sum = torch.nn.MSELoss(reduction="sum")
    assert_agrees_with_torch(torch, nn.half_squared_error, lambda o, e: 0.5 * half_of_sum(o, e), outputs, targets)
    assert_agrees_with_torch(torch, nn.mean_squared_error, torch.nn.MSELoss(), outputs, targets)


@pytest.mark.parametrize("seed", range(20))
def test_binary_cross_entropy_agrees_with_pytorch(torch: Any, seed: int) -> None:
    chance, n = samples(seed)
    theirs = torch.nn.BCELoss(reduction="sum")
    outputs = chance.uniform(0.01, 0.99, size=n)
    for targets in (chance.integers(0, 2, size=n).astype(float), chance.uniform(size=n)):
        assert_agrees_with_torch(torch, nn.binary_cross_entropy, theirs, outputs, targets)


@pytest.mark.parametrize("seed", range(20))
def test_binary_cross_entropy_with_logits_agrees_with_pytorch(torch: Any, seed: int) -> None:
    chance, n = samples(seed)
    theirs = torch.nn.BCEWithLogitsLoss(reduction="sum")
    outputs = chance.normal(scale=5, size=n)
    for targets in (chance.integers(0, 2, size=n).astype(float), chance.uniform(size=n)):
        assert_agrees_with_torch(torch, nn.binary_cross_entropy_with_logits, theirs, outputs, targets)


@pytest.mark.parametrize("seed", range(20))
def test_cross_entropy_agrees_with_pytorch(torch: Any, seed: int) -> None:
    """The target is the index of a class, or a probability for each class."""
    chance, n = samples(seed)
    outputs = chance.normal(scale=5, size=n + 1)
    theirs = torch.nn.CrossEntropyLoss()
    assert_agrees_with_torch(torch, nn.cross_entropy, theirs, outputs, int(chance.integers(n + 1)))
    assert_agrees_with_torch(torch, nn.cross_entropy, theirs, outputs, chance.dirichlet(np.ones(n + 1)))


@pytest.mark.parametrize("seed", range(20))
def test_hinge_agrees_with_scikit_learn(seed: int) -> None:
    """scikit-learn's loss is the mean over outputs, ours the sum. The slope is −t if the margin is below 1, else 0."""
    from sklearn.metrics import hinge_loss

    chance = np.random.default_rng(seed)
    n = int(chance.integers(2, 9))
    outputs, targets = chance.normal(scale=2, size=n), chance.choice([-1, 1], size=n)
    targets[:2] = -1, 1  # scikit-learn takes a single class for the negative one, whatever its label
    value, gradient = value_and_gradient(nn.hinge, outputs.tolist(), targets.tolist())
    assert value == pytest.approx(n * hinge_loss(targets, outputs, labels=[-1, 1]), rel=1e-13)
    assert gradient == [-float(t) if t * o < 1 else 0.0 for o, t in zip(outputs, targets)]


# Against mpmath


def close(number: float, exact: Any, scale: Any) -> bool:
    """Return whether a number is within 4 units in the last place of `scale`, the size of its terms."""
    return bool(abs(mpf(number) - exact) <= 4 * EPSILON * abs(scale) + mpf(5e-324))


@pytest.mark.parametrize("target", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("z", [0.0, 1e-300, -1e-8, 1.0, -5.0, 36.7, -37.5, 40.0, 709.0, -746.0, 1e4, -1e4, 1e300])
def test_binary_cross_entropy_with_logits_is_exact_and_finite_everywhere(z: float, target: float) -> None:
    value, (gradient,) = value_and_gradient(nn.binary_cross_entropy_with_logits, [z], [target])
    with mpmath.workdps(50):
        t = mpf(target)
        if abs(z) <= 1e4:
            one, zero = t * mpmath.log1p(mpmath.exp(-mpf(z))), (1 - t) * mpmath.log1p(mpmath.exp(mpf(z)))
            p, q = 1 / (1 + mpmath.exp(-mpf(z))), 1 / (1 + mpmath.exp(mpf(z)))
        else:  # the exponential would fill the memory; the omitted term is below 10^(−10^299)
            one, zero, p, q = mpf(0), (1 - t) * mpf(z), mpf(1), mpf(0)
        assert close(value, one + zero, one + zero)
        assert close(gradient, (1 - t) * p - t * q, (1 - t) * p + t * q)


@pytest.mark.parametrize(
    ("output", "target"),
    [
        *((o, t) for o in (1e-300, 1e-20, 0.25, 0.5, 1 - 1e-9, 1 - 2**-53) for t in (0.0, 1.0, 0.3)),
        (0.0, 0.0),
        (1.0, 1.0),
    ],
)
def test_binary_cross_entropy_at_saturated_outputs(output: float, target: float) -> None:
    """Outputs of exactly 0 and 1 are fine if they are right."""
    value, (gradient,) = value_and_gradient(nn.binary_cross_entropy, [output], [target])
    with mpmath.workdps(50):
        o, t = mpf(output), mpf(target)
        one = -t * mpmath.log(o) if t else mpf(0)
        zero = -(1 - t) * mpmath.log(1 - o) if t != 1 else mpf(0)
        # 1 − o is rounded if o is tiny, which changes the second logarithm by half a unit of 1
        assert close(value, one + zero, abs(one) + abs(zero) + 1)
        slopes = (-t / o if t else mpf(0)), ((1 - t) / (1 - o) if t != 1 else mpf(0))
        assert close(gradient, sum(slopes), sum(map(abs, slopes)))


@pytest.mark.parametrize(
    "logits",
    [
        [0.0, 0.0],
        [40.0, 0.0],
        [1e4, 0.0, -1e4],
        [1e4, 1e4 - 1, 1e4 - 2],
        [-1e4, -1e4, -1e4 + 3],
        [1e4, -1e4],
        [710.0, 709.0, -746.0],
        [1e-9, -1e-9, 0.0, 2e-9],
    ],
    ids=str,
)
def test_cross_entropy_is_finite_and_right_for_huge_logits(logits: list[float]) -> None:
    """The error is a few units in the last place of the largest logit, the precision of the logits themselves."""
    n = len(logits)
    with mpmath.workdps(50):
        powers = [mpmath.exp(mpf(z)) for z in logits]
        p = [power / sum(powers) for power in powers]
        surprise = [mpmath.log(sum(powers)) - mpf(z) for z in logits]
        scale = max(1.0, *map(abs, logits))
        uniform = [1 / n] * n
        for target in (*range(n), uniform):
            value, gradient = value_and_gradient(nn.cross_entropy, logits, target)
            t = [mpf(x) for x in (uniform if target is uniform else np.eye(n)[target])]
            assert close(value, sum(a * b for a, b in zip(t, surprise)), 2 * scale)
            assert all(close(g, a - b * sum(t), 2 * scale) for g, a, b in zip(gradient, p, t))


# Common properties


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (nn.half_squared_error, [1.0, 0.0, 1.0]),
        (nn.binary_cross_entropy, [1.0, 0.0, 1.0]),
        (nn.binary_cross_entropy_with_logits, [1.0, 0.0, 1.0]),
        (nn.hinge, [1.0, -1.0, 1.0]),
    ],
)
def test_a_loss_of_several_outputs_is_the_sum_over_them(loss: Loss, targets: list[float]) -> None:
    outputs = [0.3, 0.6, 0.9]
    alone = [loss(Value(o), t).data for o, t in zip(outputs, targets)]
    assert loss([Value(o) for o in outputs], targets).data == pytest.approx(sum(alone), rel=1e-14)


def test_mean_squared_error_is_the_mean_over_the_outputs() -> None:
    assert nn.mean_squared_error([Value(1.0), Value(2.0), Value(4.0)], [0.0, 0.0, 1.0]).data == (1 + 4 + 9) / 3


FORMS: list[Callable[[list[float]], Any]] = [list, tuple, np.array, lambda row: np.array(row, dtype=np.float32)]


@pytest.mark.parametrize("form", FORMS, ids=["list", "tuple", "array", "float32"])
@pytest.mark.parametrize("name", LOSSES)
def test_targets_may_come_in_any_form(name: str, form: Callable[[list[float]], Any]) -> None:
    loss = LOSSES[name]
    row = [-1.0, 1.0, -1.0] if loss is nn.hinge else [0.0, 1.0, 0.0]
    outputs = [0.2, 0.7, 0.4]
    assert value_and_gradient(loss, outputs, form(row)) == value_and_gradient(loss, outputs, row)


@pytest.mark.parametrize("label", [1, np.int64(1), np.uint8(1), np.array(1)], ids=["int", "int64", "uint8", "array"])
def test_a_class_may_be_named_by_any_integer(label: Any) -> None:
    logits = [0.2, 0.7, 0.4]
    assert value_and_gradient(nn.cross_entropy, logits, label) == value_and_gradient(nn.cross_entropy, logits, 1)


def test_a_one_hot_row_says_the_same_as_an_index() -> None:
    logits = [0.2, 0.7, 0.4]
    by_row = value_and_gradient(nn.cross_entropy, logits, nn.one_hot(2, 3))
    by_index = value_and_gradient(nn.cross_entropy, logits, 2)
    assert by_row[0] == pytest.approx(by_index[0], rel=1e-15)
    assert by_row[1] == pytest.approx(by_index[1], rel=1e-15)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "cross_entropy"])
@pytest.mark.parametrize("target", [1, 1.0, True, np.float64(1.0), np.int64(1), [1.0], np.array([1])], ids=repr)
def test_one_output_and_its_target_may_be_single_numbers(name: str, target: Any) -> None:
    loss = LOSSES[name]
    alone, listed = Value(0.25), Value(0.25)
    loss(alone, target).backward()
    loss([listed], [1.0]).backward()
    assert loss(alone, target).data == loss([listed], [1.0]).data
    assert alone.grad == listed.grad


@pytest.mark.parametrize("name", LOSSES)
def test_plain_numbers_give_a_plain_number(name: str) -> None:
    """A cost can therefore be measured without a graph."""
    loss = LOSSES[name]
    outputs, targets = [0.25, 0.5], [1.0, -1.0] if loss is nn.hinge else [1.0, 0.0]
    number = loss(outputs, targets)
    assert type(number) is float
    assert number == loss([Value(o) for o in outputs], targets).data


def test_cross_entropy_of_plain_numbers_takes_a_probability_for_each_class(torch: Any) -> None:
    logits, targets = [0.25, 0.5, -1.5], [0.125, 0.5, 0.375]
    theirs = torch.nn.functional.cross_entropy(torch.tensor(logits).double(), torch.tensor(targets).double())
    number: object = nn.cross_entropy(logits, targets)
    assert isinstance(number, float)
    assert number == pytest.approx(theirs.item(), rel=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_records_nothing_where_no_graph_is_wanted(name: str) -> None:
    loss = LOSSES[name]
    with no_grad():
        assert loss([Value(0.25), Value(0.5)], [1.0, 1.0]).parents == ()


def test_hinge_takes_targets_that_are_values(torch: Any) -> None:
    """The targets of a compiled function are Values with unknown numbers at compile time, and have derivatives."""
    outputs, targets = [Value(0.3), Value(-2.0), Value(0.5)], [Value(1.0), Value(-1.0), Value(0.5)]
    loss = nn.hinge(outputs, targets)
    loss.backward()
    assert loss.data == pytest.approx(0.7 + 0.75)  # the second adds nothing, since its margin is 2
    assert [v.grad for v in outputs] == [-1.0, 0.0, -0.5]
    assert [v.grad for v in targets] == [-0.3, 0.0, -0.5]
    program = autograd.compile(nn.hinge, [0.1, 0.2, 0.3], [1.0, -1.0, 1.0])
    rows = np.array([[0.3, -2.0, 0.5], [-1.5, 0.25, 3.0]]), np.array([[1.0, -1.0, -1.0], [1.0, 1.0, -1.0]])
    theirs = torch.nn.functional.relu(1 - torch.tensor(rows[0]) * torch.tensor(rows[1])).sum(dim=1)
    np.testing.assert_allclose(program(*rows), theirs.numpy(), rtol=1e-15)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_cross_entropy_of_an_index_can_be_compiled(torch: Any, offset: float) -> None:
    program = autograd.compile(nn.cross_entropy, [0.1, 0.2, 0.3], 1)
    logits = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -0.5]])
    labels = np.array([2, 1])
    tensor = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(tensor, torch.tensor(labels), reduction="none")
    expected.sum().backward()
    np.testing.assert_allclose(program(logits + offset, labels), expected.detach().numpy(), rtol=1e-12, atol=1e-6)
    slopes = program.input_gradients(logits + offset, labels)
    np.testing.assert_allclose(slopes, tensor.grad.numpy(), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("targets", [[0.0, 0.25, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
def test_cross_entropy_of_one_class_is_as_large_as_its_target(torch: Any, targets: list[float]) -> None:
    assert_agrees_with_torch(
        torch, nn.cross_entropy, torch.nn.functional.cross_entropy, np.array([0.5, -1.0, 2.0]), targets
    )


@pytest.mark.parametrize("factor", [0.0, 0.3])
def test_a_penalty_is_half_the_squares_of_the_weights(factor: float) -> None:
    weights = [Value(2.0), Value(-3.0)]
    output = Value(1.0)
    cost: Any = penalised(nn.half_squared_error, weights, factor)(output, 0.5)
    cost.backward()
    assert cost.data == pytest.approx(0.125 + factor * 0.5 * (4.0 + 9.0))
    assert output.grad == 0.5
    np.testing.assert_allclose([w.grad for w in weights], [2.0 * factor, -3.0 * factor])


def test_hinge_asks_nothing_for_a_margin_of_exactly_one() -> None:
    """The stated convention at the kink is that of relu: slope 0."""
    assert value_and_gradient(nn.hinge, [1.0, -1.0], [1, -1]) == (0.0, [0.0, 0.0])


# Errors

TWO = [Value(0.25), Value(0.75)]
EITHER = (TypeError, ValueError)
CASES: list[tuple[Any, ...]] = [
    *(
        case
        for loss in LOSSES.values()
        for case in (
            (loss, TWO, [1.0], ValueError, f"{loss.__name__} expects a target for each output, got 2 outputs, 1 targ"),
            (loss, TWO, [1.0] * 3, ValueError, "got 2 outputs, 3 targets"),
            (loss, TWO, [], ValueError, "got 2 outputs, 0 targets"),
            (loss, TWO, ["a", "b"], EITHER, None),
            (loss, TWO, [1j, 0.0], EITHER, None),
            (loss, TWO, None, EITHER, None),
        )
    ),
    *((loss, [], [], ValueError, "at least one output") for loss in LOSSES.values() if loss is not nn.cross_entropy),
    (nn.cross_entropy, [], [], ValueError, "two logits or more"),
    (nn.cross_entropy, [Value(1.0)], 0, ValueError, "two logits or more.*binary_cross_entropy_with_logits"),
    (nn.cross_entropy, Value(1.0), 0, ValueError, "two logits or more"),
    (nn.cross_entropy, TWO, 2, ValueError, "classes 0 to 1; got class 2"),
    (nn.cross_entropy, TWO, -1, ValueError, "classes 0 to 1; got class -1"),
    (nn.cross_entropy, TWO, 1.0, TypeError, "an integer; got 1.0"),
    (nn.cross_entropy, TWO, np.float64(1.0), TypeError, "an integer"),
    (nn.hinge, TWO, [0, 1], ValueError, r"targets of -1 and 1, got 0.*2 \* label - 1"),
    (nn.hinge, TWO, [0.5, 1], ValueError, "got 0.5"),
    (nn.hinge, TWO, [float("nan"), 1], ValueError, "got nan"),
    (nn.binary_cross_entropy, Value(1.5), 1.0, ValueError, "outputs between 0 and 1"),
    (nn.binary_cross_entropy, Value(-0.5), 1.0, ValueError, "outputs between 0 and 1"),
    (nn.binary_cross_entropy, Value(1.5), 0.3, ValueError, "outputs between 0 and 1"),
    (nn.binary_cross_entropy, Value(0.0), 1.0, ValueError, "outputs between 0 and 1.*binary_cross_entropy_with_logits"),
    (nn.binary_cross_entropy, Value(1.0), 0.0, ValueError, "outputs between 0 and 1.*activation 'identity'"),
]


@pytest.mark.parametrize(("loss", "outputs", "targets", "error", "message"), CASES)
def test_what_does_not_fit_is_refused(
    loss: Loss, outputs: Any, targets: Any, error: type[Exception], message: str | None
) -> None:
    with pytest.raises(error, match=message):
        loss(outputs, targets)


# Offsets, spreads and infinite logits


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e9, 1e16])
@pytest.mark.parametrize("one_hot", [False, True])
def test_cross_entropy_does_not_lose_digits_to_an_offset(offset: float, one_hot: bool) -> None:
    """The gradient is p - e, whose element for the right class is minus the sum of the others."""
    rest = 2 * math.exp(-20)
    expected = [-rest / (1 + rest), math.exp(-20) / (1 + rest), math.exp(-20) / (1 + rest)]
    logits = [offset, offset - 20, offset - 20]
    loss, gradient = value_and_gradient(nn.cross_entropy, logits, [1.0, 0.0, 0.0] if one_hot else 0)
    assert loss == pytest.approx(math.log1p(rest), rel=1e-14)
    assert gradient == pytest.approx(expected, rel=1e-14)
    loss, gradient = value_and_gradient(nn.cross_entropy, logits, [0.5, 0.5, 0.0])
    assert loss == pytest.approx(math.log1p(rest) + 10, rel=1e-14)
    assert gradient == pytest.approx([x + y for x, y in zip(expected, [0.5, -0.5, 0.0])], abs=1e-15)


def test_cross_entropy_of_equal_huge_logits() -> None:
    for target in (0, [1.0, 0.0], [0.25, 0.75]):
        loss, gradient = value_and_gradient(nn.cross_entropy, [1e16, 1e16], target)
        assert loss == pytest.approx(math.log(2), rel=1e-15)
        assert sum(gradient) == 0.0


@pytest.mark.parametrize("target", [1, [0.0, 1.0]], ids=["index", "one-hot"])
def test_cross_entropy_in_the_tail(target: Any) -> None:
    loss, gradient = value_and_gradient(nn.cross_entropy, [0.0, 40.0], target)
    assert loss == pytest.approx(math.exp(-40), rel=1e-15, abs=0)
    assert gradient == pytest.approx([math.exp(-40), -math.exp(-40)], rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("logits", "target", "loss", "gradient"),
    [
        ([math.inf, 0.0], 0, 0.0, [0.0, 0.0]),
        ([math.inf, 0.0], 1, math.inf, [1.0, -1.0]),
        ([-math.inf, 0.0, 0.0], 0, math.inf, [-1.0, 0.5, 0.5]),
        ([-math.inf, 0.0, 0.0], 1, math.log(2), [0.0, -0.5, 0.5]),
        ([-math.inf, 0.0, 0.0], [0.0, 0.5, 0.5], math.log(2), [0.0, 0.0, 0.0]),
    ],
)
def test_cross_entropy_of_infinite_logits(logits: list[float], target: Any, loss: float, gradient: list[float]) -> None:
    """A class that is masked out has an infinite logit."""
    value, slopes = value_and_gradient(nn.cross_entropy, logits, target)
    assert value == pytest.approx(loss, rel=1e-15)
    assert slopes == pytest.approx(gradient, rel=1e-15)


def test_cross_entropy_of_nan_is_nan() -> None:
    for target in (0, 1, [0.5, 0.5]):
        value, slopes = value_and_gradient(nn.cross_entropy, [math.nan, 0.0], target)
        assert math.isnan(value)
        assert all(map(math.isnan, slopes))
