"""Update rules against the papers' formulas and against PyTorch, step for step."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nn
from autograd import Value
from nn.descent import Optimizer
from nn.optimizers import OPTIMIZERS

Vector = NDArray[np.float64]

STEPS = 40


@pytest.fixture
def torch() -> Any:
    """Return PyTorch, an independent reference."""
    return pytest.importorskip("torch", reason="PyTorch, whose optimizers these are compared with, is not installed")


def start(seed: int, n: int = 6) -> tuple[list[Value], Vector, list[Vector]]:
    """Return parameters, their numbers, and a sequence of gradients of very different sizes."""
    chance = np.random.default_rng(seed)
    weights = chance.normal(size=n)
    gradients = [chance.normal(size=n) * 10.0 ** chance.integers(-3, 2, size=n) for _ in range(STEPS)]
    return [Value(w) for w in weights], weights, gradients


def steps_of(optimizer: Optimizer, gradients: list[Vector]) -> Iterator[Vector]:
    """Yield the parameters' numbers after a step with each of the gradients."""
    for gradient in gradients:
        for parameter, number in zip(optimizer.parameters, gradient.tolist()):
            parameter.grad = number
        optimizer.step()
        yield np.array([parameter.data for parameter in optimizer.parameters])


def torch_steps(torch: Any, make: Callable[[Any], Any], weights: Vector, gradients: list[Vector]) -> Iterator[Vector]:
    """Yield the same, computed by an optimizer of PyTorch."""
    tensor = torch.tensor(weights, requires_grad=True)
    optimizer = make([tensor])
    for gradient in gradients:
        tensor.grad = torch.tensor(gradient)
        optimizer.step()
        yield tensor.detach().numpy().copy()


def assert_same_steps(actual: Iterator[Vector], expected: Iterator[Vector]) -> None:
    for step, (a, b) in enumerate(zip(actual, expected, strict=True)):
        assert np.linalg.norm(a - b) <= 1e-12 * np.linalg.norm(b), f"step {step}"


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_defaults_are_those_of_pytorch(torch: Any, name: str) -> None:
    """AdamW's weight decay is a fraction per step here; PyTorch's is 0.01 times the learning rate."""
    parameters, weights, gradients = start(11)
    theirs = torch_steps(torch, getattr(torch.optim, name), weights, gradients)
    assert_same_steps(steps_of(getattr(nn, name)(parameters), gradients), theirs)


def test_gradient_descent_goes_a_tenth_of_the_gradient_by_default() -> None:
    parameters, weights, gradients = start(12)
    assert_same_steps(steps_of(nn.SGD(parameters), gradients), (weights - 0.1 * x for x in np.cumsum(gradients, 0)))


def test_each_optimizer_is_found_by_its_name() -> None:
    assert {"sgd": nn.SGD, "adam": nn.Adam, "adamw": nn.AdamW} == OPTIMIZERS


# Gradient descent


def paper_of_1986(
    weights: Vector, gradients: list[Vector], epsilon: Callable[[int], float], alpha: float, decay: float
) -> Iterator[Vector]:
    """Apply Δw(t) = −ε ∂E/∂w(t) + α Δw(t − 1); after each change, every weight decays by a fraction."""
    w, change = weights.copy(), np.zeros_like(weights)
    for t, gradient in enumerate(gradients):
        change = -epsilon(t) * gradient + alpha * change
        w = w + change
        w = w - decay * w
        yield w


@pytest.mark.parametrize("decay", [0.0, 0.002, 0.5])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_sgd_is_the_formula_of_1986(momentum: float, decay: float) -> None:
    for seed in range(5):
        parameters, weights, gradients = start(seed)
        optimizer = nn.SGD(parameters, learning_rate=0.05, momentum=momentum, decay=decay)
        expected = paper_of_1986(weights, gradients, lambda t: 0.05, momentum, decay)
        assert_same_steps(steps_of(optimizer, gradients), expected)


def test_sgd_with_a_schedule_changes_the_rate_of_the_gradient_alone() -> None:
    """This is how the family trees were trained: ε = 0.005, then 0.01, while Δw(t − 1) is not rescaled."""

    def epsilon(step: int) -> float:
        return 0.005 if step < 20 else 0.01

    parameters, weights, gradients = start(0)
    optimizer = nn.SGD(parameters, learning_rate=epsilon, momentum=0.9, decay=0.002)
    assert_same_steps(steps_of(optimizer, gradients), paper_of_1986(weights, gradients, epsilon, 0.9, 0.002))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_agrees_with_pytorch(torch: Any, momentum: float) -> None:
    for seed in range(5):
        parameters, weights, gradients = start(seed)
        theirs = torch_steps(torch, lambda p: torch.optim.SGD(p, lr=0.05, momentum=momentum), weights, gradients)
        assert_same_steps(steps_of(nn.SGD(parameters, 0.05, momentum), gradients), theirs)


# Adam


@pytest.mark.parametrize(
    "settings",
    [{}, {"betas": (0.5, 0.9)}, {"epsilon": 1e-3}, {"learning_rate": 0.1, "betas": (0.0, 0.0)}],
    ids=["usual", "betas", "epsilon", "no memory"],
)
def test_adam_agrees_with_pytorch(torch: Any, settings: dict[str, Any]) -> None:
    theirs = {{"learning_rate": "lr", "epsilon": "eps"}.get(name, name): value for name, value in settings.items()}
    for seed in range(5):
        parameters, weights, gradients = start(seed)
        expected = torch_steps(torch, lambda p: torch.optim.Adam(p, **theirs), weights, gradients)
        assert_same_steps(steps_of(nn.Adam(parameters, **settings), gradients), expected)


@pytest.mark.parametrize("rate", [0.001, 0.1])
@pytest.mark.parametrize("weight_decay", [0.0, 1e-5, 0.002])
def test_adamw_agrees_with_pytorch(torch: Any, weight_decay: float, rate: float) -> None:
    """PyTorch multiplies the decay by the rate, the paper does not."""
    for seed in range(5):
        parameters, weights, gradients = start(seed)
        theirs = torch_steps(
            torch, lambda p: torch.optim.AdamW(p, lr=rate, weight_decay=weight_decay / rate), weights, gradients
        )
        assert_same_steps(steps_of(nn.AdamW(parameters, rate, weight_decay=weight_decay), gradients), theirs)


def algorithm_2(
    weights: Vector, gradients: list[Vector], eta: Callable[[int], float], alpha: float, decay: float
) -> Iterator[Vector]:
    """AdamW as in Loshchilov and Hutter 2019, with the schedule multiplier η_t."""
    theta, m, v = weights.copy(), np.zeros_like(weights), np.zeros_like(weights)
    for t, gradient in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        theta = theta - eta(t - 1) * (alpha * m_hat / (np.sqrt(v_hat) + 1e-8) + decay * theta)
        yield theta


def test_adamw_with_a_schedule_is_the_papers_algorithm() -> None:
    """α is the schedule's first rate, and η_t is the ratio of later rates to it."""
    schedule = nn.cosine_decay(0.05, steps=STEPS, final=0.001)
    parameters, weights, gradients = start(0)
    optimizer = nn.AdamW(parameters, learning_rate=schedule, weight_decay=0.01)
    expected = algorithm_2(weights, gradients, lambda t: schedule(t) / 0.05, 0.05, 0.01)
    assert_same_steps(steps_of(optimizer, gradients), expected)


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient() -> None:
    """In the first step, m̂/√v̂ is the gradient's sign, so a weight without a gradient does not move."""
    parameters = [Value(1.0) for _ in range(4)]
    optimizer = nn.Adam(parameters, learning_rate=0.5, epsilon=1e-30)
    (step,) = steps_of(optimizer, [np.array([1e-12, -3.0, 1e6, 0.0])])
    assert step == pytest.approx([0.5, 1.5, 0.5, 1.0], rel=1e-12)


# Schedules


def test_step_decay_agrees_with_pytorch(torch: Any) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.5)
    schedule = nn.step_decay(0.3, factor=0.5, every=7)
    for step in range(50):
        assert schedule(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-14)
        optimizer.step()
        theirs.step()


def test_cosine_decay_agrees_with_pytorch(torch: Any) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.02)
    schedule = nn.cosine_decay(0.3, steps=50, final=0.02)
    for step in range(51):
        assert schedule(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        theirs.step()


def test_cosine_decay_stays_at_its_final_rate() -> None:
    schedule = nn.cosine_decay(0.3, steps=50, final=0.02)
    assert [schedule(step) for step in (50, 51, 10_000)] == [0.02] * 3


def test_a_schedule_may_be_one_step_long_but_no_shorter() -> None:
    assert [nn.step_decay(0.5, factor=0.5, every=1)(step) for step in range(4)] == [0.5, 0.25, 0.125, 0.0625]
    assert [nn.cosine_decay(0.5, steps=1)(step) for step in range(3)] == [0.5, 0.0, 0.0]
    with pytest.raises(ValueError, match="1 or more, got 0"):
        nn.step_decay(0.5, 0.5, every=0)
    with pytest.raises(ValueError, match="1 or more, got 0"):
        nn.cosine_decay(0.5, steps=0)


def test_a_schedule_is_asked_once_a_step_from_zero_on() -> None:
    asked = []

    def schedule(step: int) -> float:
        asked.append(step)
        return 0.1

    optimizer = nn.SGD([Value(1.0)], learning_rate=schedule)
    for _ in range(3):
        optimizer.step()
    assert asked == [0, 1, 2]
    assert optimizer.steps == 3


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "0.1", None, 1j])
def test_a_schedule_that_goes_wrong_is_refused_before_anything_changes(bad: Any) -> None:
    schedule: Any = [0.1, bad].__getitem__
    parameter = Value(1.0)
    optimizer = nn.SGD([parameter], learning_rate=schedule, momentum=0.5)
    parameter.grad = 2.0
    optimizer.step()
    before = parameter.data, optimizer.steps, optimizer.state["change"].tolist()
    with pytest.raises((TypeError, ValueError), match="rate at step 1 must be 0 or more, got"):
        optimizer.step()
    assert (parameter.data, optimizer.steps, optimizer.state["change"].tolist()) == before


# Clipping


@pytest.mark.parametrize("scale", [1e-3, 0.9, 1.1, 1e6])
def test_a_gradient_that_is_too_long_is_scaled_down_to_the_norm_asked_for(scale: float) -> None:
    parameters, weights, _ = start(0)
    gradient = np.arange(1.0, 7.0)
    gradient *= 2.5 * scale / np.linalg.norm(gradient)
    (after,) = steps_of(nn.SGD(parameters, learning_rate=1.0, max_gradient_norm=2.5), [gradient])
    expected = gradient * min(1.0, 2.5 / float(np.linalg.norm(gradient)))
    np.testing.assert_allclose(weights - after, expected, rtol=1e-12)


def test_a_gradient_of_just_the_norm_asked_for_is_left_as_it_is() -> None:
    """Not a single bit changes: 33² + 56² = 65²."""
    (after,) = steps_of(nn.SGD([Value(0.0), Value(0.0)], 1.0, max_gradient_norm=65.0), [np.array([33.0, 56.0])])
    assert after.tolist() == [-33.0, -56.0]


@pytest.mark.parametrize("settings", [{"momentum": 0.9}, {"decay": 0.1}], ids=str)
def test_clipping_comes_before_the_update_rule(settings: dict[str, float]) -> None:
    parameters, weights, gradients = start(0)
    optimizer = nn.SGD(parameters, learning_rate=0.1, max_gradient_norm=0.5, **settings)
    clipped = [gradient * min(1.0, 0.5 / float(np.linalg.norm(gradient))) for gradient in gradients]
    expected = paper_of_1986(weights, clipped, lambda t: 0.1, settings.get("momentum", 0), settings.get("decay", 0))
    assert_same_steps(steps_of(optimizer, gradients), expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_exploding_gradient_is_clipped_even_where_its_squares_overflow() -> None:
    """Clipping is meant for such gradients: (10²⁰⁰, 10²⁰⁰) clipped to norm 1 is (1/√2, 1/√2)."""
    parameters = [Value(0.0), Value(0.0)]
    optimizer = nn.SGD(parameters, learning_rate=1.0, max_gradient_norm=1.0)
    (after,) = steps_of(optimizer, [np.array([1e200, 1e200])])
    assert after == pytest.approx([-math.sqrt(0.5)] * 2)


# Between Values and vectors


def test_zero_grad_forgets_the_gradients() -> None:
    parameters = [Value(1.0), Value(2.0)]
    optimizer = nn.SGD(parameters)
    (parameters[0] * parameters[1]).backward()
    assert optimizer.gradients().tolist() == [2.0, 1.0]
    optimizer.zero_grad()
    assert [p.grad for p in parameters] == [0.0, 0.0]


def test_a_step_leaves_plain_floats_in_the_parameters() -> None:
    parameter = Value(1)
    parameter.grad = 1.0
    nn.Adam([parameter]).step()
    assert type(parameter.data) is float


def test_parameters_may_come_from_a_generator() -> None:
    model = nn.Neuron(3, seed=0)
    assert len(nn.SGD(p for _, p in model.named_parameters()).parameters) == 4


class InterruptedOnce(Value):
    """A parameter that is interrupted by Ctrl-C when its number is set, once."""

    interrupt = False

    @property
    def data(self) -> float:
        return self.number

    @data.setter
    def data(self, number: float) -> None:
        if self.interrupt:
            self.interrupt = False
            raise KeyboardInterrupt
        self.number = number


def test_ctrl_c_in_the_middle_of_an_update_leaves_it_done() -> None:
    interrupted = InterruptedOnce(1.0)
    parameters = [Value(1.0), interrupted, Value(1.0)]
    optimizer = nn.SGD(parameters, learning_rate=1.0)
    for parameter in parameters:
        parameter.grad = 0.25
    interrupted.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert [parameter.data for parameter in parameters] == [0.75] * 3


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "make",
    [
        lambda p: nn.SGD(p, learning_rate=10.0),
        lambda p: nn.SGD(p, learning_rate=10.0, momentum=0.9),
        lambda p: nn.Adam(p, learning_rate=0.1),
        lambda p: nn.AdamW(p, learning_rate=0.1),
    ],
    ids=["SGD", "SGD with momentum", "Adam", "AdamW"],
)
def test_an_update_that_overflows_is_refused_and_leaves_no_trace(make: Callable[[list[Value]], Optimizer]) -> None:
    """Neither ten times 1.5 · 10³⁰⁸ nor its square is a float; training can continue from before the update."""
    model, fresh = nn.Neuron(1, initializer=nn.constant(1.0), name="n"), nn.Neuron(1, initializer=nn.constant(1.0))
    optimizer, expected = make(model.parameters()), make(fresh.parameters())
    model.weights[0].grad, model.bias.grad = 1.0, 1.5e308
    with pytest.raises((FloatingPointError, OverflowError), match=r"n\.bias"):
        optimizer.step()
    assert model.state_dict() == {"weights.0": 1.0, "bias": 0.0}
    for neuron, each in ((model, optimizer), (fresh, expected)):
        neuron.weights[0].grad, neuron.bias.grad = 0.25, -0.5
        each.step()
    assert model.state_dict() == fresh.state_dict()
    assert optimizer.steps == 1


# State

RULES: dict[str, Callable[[list[Value]], Optimizer]] = {
    "SGD": lambda p: nn.SGD(p, learning_rate=nn.step_decay(0.1, 0.5, every=8), momentum=0.9, decay=0.01),
    "Adam": lambda p: nn.Adam(p, learning_rate=0.05),
    "AdamW": lambda p: nn.AdamW(p, learning_rate=nn.cosine_decay(0.05, steps=STEPS), weight_decay=0.01),
}


@pytest.mark.parametrize("rule", RULES)
def test_an_optimizer_goes_on_from_a_state_to_the_same_bits(rule: str) -> None:
    parameters, _, gradients = start(0)
    uninterrupted = [step.tolist() for step in steps_of(RULES[rule](parameters), gradients)]

    parameters, _, gradients = start(0)
    first = RULES[rule](parameters)
    steps = [step.tolist() for step in steps_of(first, gradients[:15])]
    second = RULES[rule]([Value(p.data) for p in parameters])
    second.load_state_dict(first.state_dict())
    steps += [step.tolist() for step in steps_of(second, gradients[15:])]
    assert steps == uninterrupted


@pytest.mark.parametrize("rule", RULES)
def test_an_optimizer_that_says_so_updates_each_weight_by_itself(rule: str) -> None:
    """A training may therefore choose the order of the parameters."""
    (parameters, _, gradients), (others, _, _) = start(0), start(0)
    optimizer = RULES[rule](parameters)
    assert optimizer.elementwise
    steps = [step[::-1].tolist() for step in steps_of(optimizer, gradients)]
    assert steps == [step.tolist() for step in steps_of(RULES[rule](others[::-1]), [g[::-1] for g in gradients])]


def test_a_rule_of_ones_own_is_said_to_update_each_weight_by_itself_or_taken_to_mind_their_order() -> None:
    class Mine(Optimizer):
        def _rule(self, weights: Vector, gradients: Vector, rate: float, new: Vector) -> None:
            new[:] = weights - rate * np.sign(gradients)

    class ByItself(Mine, elementwise=True):
        pass

    class Heir(ByItself):
        pass

    assert [rule.elementwise for rule in (Optimizer, Mine, ByItself, Heir)] == [False, False, True, True]
    with pytest.raises(TypeError, match="has no argument 'lr': it is called learning_rate"):
        Mine([Value(1.0)], lr=0.1)  # type: ignore[call-arg]
    without_a_rule: Any = Optimizer
    with pytest.raises(TypeError, match="_rule"):
        without_a_rule([Value(1.0)], 0.1)


@pytest.mark.parametrize("rule", RULES)
def test_a_state_once_taken_does_not_change(rule: str) -> None:
    parameters, _, gradients = start(0)
    optimizer = RULES[rule](parameters)
    list(steps_of(optimizer, gradients[:3]))
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    other = RULES[rule](parameters)
    other.load_state_dict(state)
    list(steps_of(optimizer, gradients))
    list(steps_of(other, gradients))
    assert state["steps"] == before["steps"] == 3
    assert {k: v.tolist() for k, v in state["state"].items()} == {k: v.tolist() for k, v in before["state"].items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.update(rule="Adam"), "state is of Adam, this optimizer is SGD"),
        (lambda state: state["state"].update(change=np.zeros(7)), "change has shape .7,., for 6 parameters"),
        (lambda state: state["state"].update(change=np.zeros((6, 1))), "change has shape .6, 1."),
        (lambda state: state.clear(), "rule"),
    ],
    ids=["another rule", "too long", "a matrix", "empty"],
)
def test_a_state_that_does_not_fit_changes_nothing(change: Callable[[Any], Any], message: str) -> None:
    parameters, _, gradients = start(0)
    optimizer = nn.SGD(parameters, momentum=0.9)
    list(steps_of(optimizer, gradients[:3]))
    before = optimizer.state["change"].tolist()
    state = optimizer.state_dict()
    change(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert optimizer.steps == 3
    assert optimizer.state["change"].tolist() == before


def test_a_count_of_updates_is_exact_as_a_float() -> None:
    """Adam uses the count as an exponent: 2⁵³ is the first integer whose successor is not a float."""
    optimizer = nn.SGD([Value(1.0)])
    optimizer.load_state_dict({**optimizer.state_dict(), "steps": 2**53 - 1})
    assert optimizer.steps == 2**53 - 1
    damaged: list[Any] = [2**53, -1, True, 1.0, "1", None]
    for steps in damaged:
        with pytest.raises(ValueError, match=f"steps must be a number of updates, got {steps!r}"):
            optimizer.load_state_dict({**optimizer.state_dict(), "steps": steps})


# Errors

SGD_ADAM_ADAMW: list[Any] = [nn.SGD, nn.Adam, nn.AdamW]


@pytest.mark.parametrize("make", SGD_ADAM_ADAMW)
@pytest.mark.parametrize(
    ("rate", "error"),
    [
        (0, ValueError),
        (-0.1, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("0.1", TypeError),
        (None, TypeError),
        (True, TypeError),
        (1j, TypeError),
        (Value(0.1), TypeError),
        ([0.1], TypeError),
    ],
    ids=repr,
)
def test_a_learning_rate_is_a_positive_number(make: Any, rate: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="learning_rate must be a positive number, got"):
        make([Value(1.0)], learning_rate=rate)


@pytest.mark.parametrize("rate", [1, np.float64(0.5), np.float32(0.5), np.int64(1)], ids=repr)
def test_any_positive_real_number_is_a_learning_rate(rate: Any) -> None:
    parameter = Value(1.0)
    parameter.grad = 1.0
    nn.SGD([parameter], learning_rate=rate).step()
    assert parameter.data == 1.0 - rate


@pytest.mark.parametrize("bad", [-0.1, 1.0, 1.5, math.nan, "0.9", None, True, 1j], ids=repr)
@pytest.mark.parametrize(
    ("setting", "make"),
    [
        ("momentum", lambda x: nn.SGD([Value(1.0)], momentum=x)),
        ("decay", lambda x: nn.SGD([Value(1.0)], decay=x)),
        ("weight_decay", lambda x: nn.AdamW([Value(1.0)], weight_decay=x)),
        ("betas", lambda x: nn.Adam([Value(1.0)], betas=(x, 0.999))),
        ("betas", lambda x: nn.AdamW([Value(1.0)], betas=(0.9, x))),
    ],
    ids=["momentum", "decay", "weight_decay", "first beta", "second beta"],
)
def test_fractions_lie_from_0_to_below_1(setting: str, make: Callable[[Any], Any], bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{setting} must be a number from 0 to below 1, got"):
        make(bad)


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, "1", 1j], ids=repr)
@pytest.mark.parametrize(
    ("setting", "make"),
    [
        ("epsilon", lambda x: nn.Adam([Value(1.0)], epsilon=x)),
        ("max_gradient_norm", lambda x: nn.SGD([Value(1.0)], max_gradient_norm=x)),
        ("max_gradient_norm", lambda x: nn.AdamW([Value(1.0)], max_gradient_norm=x)),
    ],
    ids=["epsilon", "norm of SGD", "norm of AdamW"],
)
def test_epsilon_and_the_largest_norm_are_positive(setting: str, make: Callable[[Any], Any], bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{setting} must be a positive number.*, got"):
        make(bad)


@pytest.mark.parametrize("betas", [(0.9,), (0.9, 0.99, 0.999), 0.9, "99", None], ids=repr)
def test_there_are_two_betas(betas: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        nn.Adam([Value(1.0)], betas=betas)


@pytest.mark.parametrize("make", SGD_ADAM_ADAMW)
def test_parameters_are_values_each_of_them_once(make: Any) -> None:
    v = Value(1.0)
    with pytest.raises(ValueError, match="expects parameters, got none"):
        make([])
    with pytest.raises(ValueError, match="each parameter once"):
        make([v, Value(1.0), v])
    no_values: list[Any] = [1.0, "w", None, [v], nn.Neuron(1, seed=0)]
    for bad in no_values:
        with pytest.raises(TypeError, match="expects Values as parameters, got"):
            make([v, bad])
    for bad in (None, 3, v, nn.Neuron(1, seed=0)):
        with pytest.raises(TypeError):
            make(bad)


def test_equal_parameters_are_not_the_same_parameter() -> None:
    assert len(nn.SGD([Value(1.0), Value(1.0)]).parameters) == 2


def test_adamw_decays_by_no_more_than_its_fraction_while_the_rate_warms_up() -> None:
    """A schedule that begins low, or at 0, must not increase the decay of later steps.

    With gradients of 0, w falls by the fraction in each step whose rate is not 0.
    """
    w = Value(1.0)
    optimizer = nn.AdamW([w], learning_rate=lambda step: 1e-6 * step, weight_decay=0.01)
    for _ in range(101):
        optimizer.step()
    assert w.data == pytest.approx(0.99**100, rel=1e-12)


def test_adamw_resumes_a_schedule_that_has_passed_its_peak() -> None:
    """The largest rate so far is part of the rule, so a resumed optimizer must know it."""

    def rate(step: int) -> float:
        return 0.1 if step < 3 else 0.05

    def steps(optimizer: nn.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.parameters[0].grad = 1.0
            optimizer.step()

    whole, first, second = (nn.AdamW([Value(1.0)], learning_rate=rate, weight_decay=0.01) for _ in range(3))
    steps(whole, 8)
    steps(first, 5)
    second.load_state_dict(first.state_dict())
    second.parameters[0].data = first.parameters[0].data
    steps(second, 3)
    assert second.parameters[0].data == whole.parameters[0].data


def test_a_gradient_of_zero_is_not_clipped() -> None:
    parameters = [Value(1.0), Value(-2.0)]
    nn.SGD(parameters, max_gradient_norm=1.0).step()
    assert [p.data for p in parameters] == [1.0, -2.0]


# AdamW's largest rate


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_the_largest_rate_goes_along(steps: int) -> None:
    """A state can also be loaded before the first step, when no rate has been used yet."""
    (parameters, _, gradients), (others, _, _) = start(13), start(13)
    rates = [0.1, 0.4, 0.2, 0.05]
    first, second = (nn.AdamW(p, learning_rate=rates.__getitem__, weight_decay=0.01) for p in (parameters, others))
    for _ in steps_of(first, gradients[:steps]):
        pass
    state = first.state_dict()
    assert state["largest_rate"] == max([0.0, *rates[:steps]])
    for other, parameter in zip(others, parameters):
        other.data = parameter.data
    second.load_state_dict(state)
    rest = gradients[steps:4]
    assert_same_steps(steps_of(second, rest), steps_of(first, rest))


@pytest.mark.parametrize("rate", [-0.5, -1, math.inf, math.nan, "0.1", None, [0.1]])
def test_a_largest_rate_that_cannot_be_is_refused(rate: Any) -> None:
    parameters, _, gradients = start(14)
    optimizer = nn.AdamW(parameters)
    for _ in steps_of(optimizer, gradients[:3]):
        pass
    with pytest.raises(ValueError, match="largest_rate must be the largest learning rate so far, got"):
        optimizer.load_state_dict({**optimizer.state_dict(), "largest_rate": rate})


def test_before_the_first_step_there_was_no_rate() -> None:
    optimizer = nn.AdamW(start(15)[0])
    with pytest.raises(ValueError, match=r"largest_rate must be the largest learning rate so far, got 0\.5"):
        optimizer.load_state_dict({**optimizer.state_dict(), "largest_rate": 0.5})
