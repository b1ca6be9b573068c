"""`program.to_torch()`: a program's values and derivatives, as PyTorch computes and differentiates them."""

from __future__ import annotations

import math as python_math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import autograd
import nn
from autograd import Value
from autograd.compiler.arrays.builder import Builder
from autograd.compiler.arrays.handle import Handle
from autograd.compiler.arrays.operations import Application, N
from autograd.compiler.arrays.program import ArrayProgram
from autograd.compiler.differentiate.reverse import to_arguments
from autograd.compiler.program import Program
from autograd.compiler.targets.libraries.elementwise import Elementwise
from autograd.compiler.targets.libraries.interpreter import Interpreter
from autograd.primitives import TABLE
from autograd.table import OURS

torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")

from autograd.compiler.targets.libraries.torch_library import TorchLibrary  # noqa: E402

Array = NDArray[Any]
SAMPLES = 5


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(SAMPLES, *shape))


def matrix(rows: int, columns: int, seed: int) -> list[list[Value]]:
    numbers = np.random.default_rng(seed).normal(size=(rows, columns)).tolist()
    return [[Value(x) for x in row] for row in numbers]


def product(w: Any, x: Any) -> list[Any]:
    return [autograd.dot(row, x) for row in w]


def network() -> tuple[Program, list[Array]]:
    model = nn.MLP(4, [3, 2], "softplus", "identity", seed=1)
    program = autograd.compile(lambda x, t: nn.cross_entropy(model(x), t), [0.1] * 4, [0.2, 0.8])
    return program, [normal(4), np.tile([0.3, 0.7], (SAMPLES, 1))]


def tied() -> tuple[Program, list[Array]]:
    """An autoencoder with tied weights, of which one row is also in a penalty, with a bias."""
    w, b = matrix(3, 4, 2), [Value(0.1 * k) for k in range(4)]

    def loss(x: Any) -> Any:
        code = [autograd.tanh(z) for z in product(w, x)]
        decoded = [z + c for z, c in zip(product(list(zip(*w)), code), b)]
        penalty = autograd.sum([v * v * v for v in [*w[1], b[2]]])
        return nn.half_squared_error(decoded, list(x)) + penalty

    return autograd.compile(loss, [0.1] * 4), [normal(4)]


def choices() -> tuple[Program, list[Array]]:
    """Branches that have no value where they are not taken, such as the root of a negative number; and ties."""
    w = [Value(0.5 + 0.1 * k) for k in range(6)]

    def loss(x: Any) -> Any:
        z = [a * b for a, b in zip(w, x)]
        roots = [autograd.where(v > 0, autograd.sqrt(v), v) for v in z]
        logs = [autograd.maximum(autograd.log(v * v), -1.0) for v in x]
        return (
            autograd.sum([*roots, *logs, autograd.max([z[0], z[0], z[1]]), autograd.xlogy(0.0, x[2] * x[2])])
            + z[3].relu()
        )

    x = normal(6)
    x[0, :2] = 0.0
    return autograd.compile(loss, [0.5] * 6), [x]


def integrator() -> tuple[Program, list[Array]]:
    length, friction = Value(1.3, "rod"), Value(0.2, "friction")

    def swing(start: Any) -> Any:
        angle, speed = start
        for _ in range(40):
            speed = speed - 0.05 * (9.81 / length * autograd.sin(angle) + friction * speed)
            angle = angle + 0.05 * speed
        return angle * angle + speed

    return autograd.compile(swing, [0.5, 0.1]), [normal(2)]


def attention() -> tuple[Program, list[Array]]:
    """Causal self-attention after a norm, as in a GPT; the loss is the sum of all squared outputs."""
    norm, heads = nn.RMSNorm(4), nn.CausalSelfAttention(4, 2, seed=2)

    def loss(x: Any) -> Any:
        return autograd.sum([v * v for row in heads([norm(row) for row in x]) for v in row])

    return autograd.compile(loss, np.zeros((3, 4))), [normal(3, 4)]


PROGRAMS: dict[str, Callable[[], tuple[Program, list[Array]]]] = {
    "network": network,
    "tied weights": tied,
    "choices": choices,
    "attention": attention,
    "straight lines": integrator,
}


def assert_near(result: Any, expected: Any, tolerance: float = 1e-12) -> None:
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    assert np.linalg.norm(result - expected) <= tolerance * np.linalg.norm(expected)


def gradients(program: Program, rows: list[Array]) -> Array:
    """Return the gradient of the mean w.r.t. all parameters, as the program itself computes it."""
    for parameter in program.parameters:
        parameter.grad = 0.0
    program.backward(*rows)
    return np.array([parameter.grad for parameter in program.parameters])


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_the_programs(name: str) -> None:
    program, rows = PROGRAMS[name]()
    compiled = program.to_torch()
    tensors = [torch.tensor(row, requires_grad=True) for row in rows]
    values = compiled(*tensors)
    assert_near(values.detach(), program(*rows))
    values.mean().backward()
    expected = gradients(program, rows)
    before = [parameter.data for parameter in program.parameters]
    with torch.no_grad():
        for tensor in compiled.parameters.values():
            tensor.copy_(tensor.grad)
    compiled.assign()  # this shows which Value each number of a tensor belongs to
    assert_near([parameter.data for parameter in program.parameters], expected)
    for parameter, number in zip(program.parameters, before):
        parameter.data = number
    slopes = program.input_gradients(*rows)
    for slope, tensor in zip(slopes if len(rows) > 1 else [slopes], tensors):
        assert_near(tensor.grad * SAMPLES, slope)


def test_tied_weights_are_one_tensor() -> None:
    program, _ = tied()
    tensors = program.to_torch().parameters
    assert sum(tensor.numel() for tensor in tensors.values()) == len(program.parameters) == 16


def test_derivatives_of_both_orders_are_those_of_differences() -> None:
    """PyTorch's own checks compare derivatives w.r.t. parameters and arguments with finite differences."""
    program, rows = tied()
    compiled = program.to_torch()
    inputs = (*compiled.parameters.values(), torch.tensor(rows[0], requires_grad=True))
    assert torch.autograd.gradcheck(lambda *tensors: compiled(tensors[-1]), inputs)
    assert torch.autograd.gradgradcheck(lambda *tensors: compiled(tensors[-1]), inputs)
    program, (x,) = choices()
    compiled = program.to_torch()
    inputs = (*compiled.parameters.values(), torch.tensor(x[1:], requires_grad=True))
    assert torch.autograd.gradcheck(lambda *tensors: compiled(tensors[-1]), inputs)
    assert torch.autograd.gradgradcheck(lambda *tensors: compiled(tensors[-1]), inputs)


def test_what_is_not_taken_contributes_nothing() -> None:
    """In plain PyTorch the gradient of where(x > 0, sqrt(x), 0) at 0 is nan: 0 times the infinite slope."""
    w = Value(2.0)
    program = autograd.compile(
        lambda x: autograd.sum([autograd.where(v > 0, autograd.sqrt(w * v), 0.0) for v in x]), [1.0] * 8
    )
    x = torch.zeros((2, 8), dtype=torch.float64, requires_grad=True)
    compiled = program.to_torch()
    compiled(x).sum().backward()
    assert compiled.parameters["w"].grad.tolist() == [0.0] if "w" in compiled.parameters else True
    assert (x.grad == 0).all()
    assert all((tensor.grad == 0).all() for tensor in compiled.parameters.values())


def test_a_primitive_of_ones_own_has_its_own_rule() -> None:
    """A straight-through estimator keeps its rule; PyTorch's derivative of the step itself would be 0."""
    step = autograd.primitive(
        "test_torch_step",
        lambda x: autograd.where(x > 0, 1.0, 0.0),
        lambda x, out: (3 * x * x,),
    )
    program = autograd.compile(lambda x: autograd.sum([step(v) for v in x]), [0.5] * 8)
    x = torch.tensor(normal(8), requires_grad=True)
    (slope,) = torch.autograd.grad(program.to_torch()(x).sum(), x, create_graph=True)
    assert_near(slope.detach(), 3 * normal(8) ** 2)
    (second,) = torch.autograd.grad(slope.sum(), x)
    assert_near(second, 6 * normal(8))


def test_functions_of_math_are_pytorchs() -> None:
    """`exp2`, `erfc`, `copysign` and `fmod` agree with PyTorch's, with their derivatives; and so does `gamma`."""
    from autograd import math

    def f(x: Any, y: Any) -> Any:
        return autograd.sum([math.exp2(a) * math.erfc(b) + math.copysign(a, b) + math.fmod(a, b) for a, b in zip(x, y)])

    program = autograd.compile(f, [0.5] * 8, [0.25] * 8)
    x, y = (torch.tensor(normal(8, seed=seed), requires_grad=True) for seed in (1, 2))
    own = (torch.exp2(x) * torch.erfc(y) + torch.copysign(x, y) + torch.fmod(x, y)).sum(dim=1)
    expected = torch.autograd.grad(own.sum(), (x, y))
    result = program.to_torch()(x, y)
    assert_near(result.detach(), own.detach())
    for slope, truth in zip(torch.autograd.grad(result.sum(), (x, y)), expected):
        assert_near(slope, truth)
    gamma = autograd.compile(lambda x: autograd.sum([math.gamma(v) for v in x]), [0.5] * 8).to_torch()
    points = normal(8)  # also below 0, where the sign changes at each integer
    assert_near(gamma(points), [sum(map(python_math.gamma, row)) for row in points.tolist()])


def test_a_primitive_that_takes_floats_alone_is_refused_by_name() -> None:
    import math

    gamma = autograd.primitive("test_torch_gamma", math.gamma, lambda x, out: (out,))
    program = autograd.compile(lambda x: autograd.sum([gamma(v) for v in x]), [0.5] * 8)
    with pytest.raises(NotImplementedError, match=r"'test_torch_gamma' is called number by number.*array="):
        program.to_torch()(normal(8))
    half = autograd.primitive("test_torch_half", lambda x: 0.5 * x, lambda x, out: (math.ldexp(1.0, -1),))
    assert program is not None
    doubled = autograd.compile(lambda x: autograd.sum([half(v) for v in x]), [0.5] * 8)
    assert_near(doubled.to_torch()(normal(8)), 0.5 * normal(8).sum(axis=1))


def test_one_sample_auxiliary_results_and_single_precision() -> None:
    model = nn.MLP(3, [4, 2], seed=0)

    def loss(x: Any, t: Any) -> Any:
        outputs = model(x)
        return nn.half_squared_error(outputs, t), outputs

    program = autograd.compile(loss, [0.1] * 3, [0.0] * 2, has_aux=True)
    x, t = normal(3), normal(2, seed=1)
    compiled = program.to_torch(dtype="float32")
    values, outputs = compiled(x, t)
    assert values.dtype == outputs.dtype == torch.float32
    assert values.requires_grad
    assert not outputs.requires_grad  # which the program does not differentiate either
    for result, expected in zip((values, outputs), program(x, t)):
        assert_near(result.detach(), expected, 1e-6)
    value, output = program.to_torch()(x[0].tolist(), t[0].tolist())
    assert value.shape == () and output.shape == (2,)
    assert value.item() == pytest.approx(program(x[0], t[0])[0], rel=1e-12)


def test_all_that_is_computed_is_on_the_device() -> None:
    """PyTorch refuses to mix tensors of several devices; the device "meta" exists on every machine."""
    for make in PROGRAMS.values():
        program, rows = make()
        result = program.to_torch(device="meta")(*rows)
        assert result.device.type == "meta"
        assert result.shape == (SAMPLES,)


def test_what_does_not_fit_is_refused() -> None:
    program, (x, t) = network()
    compiled = program.to_torch()
    with pytest.raises(TypeError, match="takes 2"):
        compiled(x)
    with pytest.raises(ValueError, match=r"x must be of shape \(4,\).*got one of shape \(5, 3\)"):
        compiled(x[:, :3], t)
    with pytest.raises(ValueError, match="5 of x, 3 of t"):
        compiled(x, t[:3])
    with pytest.raises(ValueError, match="dtype must be"):
        program.to_torch(dtype="float16")  # type: ignore[arg-type]
    numbers = [parameter.data for parameter in program.parameters]
    compiled.parameters["w1"] = torch.zeros(2, 2)
    with pytest.raises(ValueError, match="w1 must be of shape"):
        compiled.assign()
    assert [parameter.data for parameter in program.parameters] == numbers


REFUSED = {"sum", "mean", "dot", "atan2_derivative", "power_derivative"}  # the first three are not elementwise


@pytest.mark.parametrize("name", sorted(OURS - REFUSED))
def test_each_primitive_and_its_derivatives(name: str, points_of: Callable[..., list[Array]]) -> None:
    """Values agree with the table's rule for floats, which is tested against mpmath; so do derivatives."""
    row, arrays = TABLE[name], points_of(name, count=60)
    numbers = [3.0 if name == "constant_power" else 1.0 if name == "lgamma_derivative" else None] * len(arrays)
    known = [None, *numbers[1:]]
    tensors = [torch.tensor(x, requires_grad=k is None) for x, k in zip(arrays, known)]
    elementwise = Elementwise(TorchLibrary(torch, torch.float64, "cpu"))
    result = elementwise.apply(Application(row), tensors, known)
    values = [row.forward(*map(float, xs)) for xs in zip(*arrays)]
    assert_near(result.detach(), values)
    if not result.requires_grad:
        assert name == "detach"
        return
    try:
        slopes = torch.autograd.grad(result.sum(), [x for x in tensors if x.requires_grad], materialize_grads=True)
    except NotImplementedError as error:
        assert name in ("lgamma_derivative", "hypot_slope"), error
        return
    expected = [row.local_derivatives(xs, out) for xs, out in zip(zip(*map(list, arrays)), values)]
    for slope, column, k in zip(slopes, zip(*expected), known):
        if k is None:
            assert_near(slope, column, 1e-12 if name != "lgamma_derivative" else 1e-10)  # PyTorch's own lgamma


def test_reductions_and_their_derivatives() -> None:
    """Values and slopes agree with the compiled program's along each axis, with ties, zeros and infinite numbers."""
    chance = np.random.default_rng(0)
    x = chance.integers(-2, 3, (4, 6)).astype(float)
    x[1, 0], x[2, :] = np.inf, -np.inf
    run = Interpreter(TorchLibrary(torch, torch.float64, "cpu")).run
    for function in ("max", "min", "prod", "logsumexp", "sum"):
        builder = Builder()
        rows = builder.argument("x", 6)
        table = builder.reshape(rows, (N, 2, 3))
        along_last = builder.reduce(table, function, [2])
        total = builder.reduce(along_last * np.pi, "sum", [1], keepdims=True)
        program = builder.program([total])
        tensor = torch.tensor(x, requires_grad=True)
        (result,) = run(program, {"x": tensor}, 4)
        result.sum().backward()
        expected, slopes = to_arguments(program, 1).evaluate({"x": x, "gradient": np.ones((4, 1))})
        np.testing.assert_allclose(result.detach(), expected, rtol=1e-12)
        np.testing.assert_allclose(tensor.grad, slopes, rtol=1e-12, err_msg=function)
        emitted = to_arguments(program, 1)
        by_emitted = run(emitted, {"x": torch.tensor(x), "gradient": torch.ones((4, 1), dtype=torch.float64)}, 4)
        np.testing.assert_allclose(by_emitted[1], slopes, rtol=1e-12, err_msg=function)
        if function != "logsumexp":  # no program needs derivatives along other axes
            along_first = builder.program([builder.reduce(table, function, [1], keepdims=True)])
            np.testing.assert_allclose(
                run(along_first, {"x": torch.tensor(x)}, 4)[0], along_first.evaluate({"x": x})[0]
            )


def test_loops_and_their_derivatives(loops: ArrayProgram) -> None:
    """PyTorch differentiates through the steps; the compiler's derivative is a loop in the opposite order."""
    run, x = Interpreter(TorchLibrary(torch, torch.float64, "cpu")).run, normal(6)
    tensor = torch.tensor(x, requires_grad=True)
    results = run(loops, {"x": tensor}, SAMPLES)
    for result, expected in zip(results, loops.evaluate({"x": x}), strict=True):
        assert_near(result.detach(), expected)
    columns = [torch.reshape(results[k], (SAMPLES, -1)) for k in (1, 2)]
    loss = (torch.cat(columns, dim=1) ** 2).sum()
    builder = Builder(loops)
    handles = [Handle(builder, loops.outputs[k]) for k in (1, 2)]
    flat = [builder.reshape(h, (N, int(np.prod([n for n in h.shape if isinstance(n, int)])))) for h in handles]
    joined = builder.concatenate(flat, 1)
    total = builder.reduce(joined * joined, "sum", [1], keepdims=True)
    emitted = to_arguments(builder.program([total]), 1)
    (slope,) = torch.autograd.grad(loss, tensor)
    rows = {"x": x, "gradient": np.ones((SAMPLES, 1))}
    assert_near(slope, emitted.evaluate(rows)[1])
    assert_near(run(emitted, {name: torch.tensor(array) for name, array in rows.items()}, SAMPLES)[1], slope)


@pytest.mark.parametrize("seed", range(30))
def test_random_array_programs(seed: int, random_program: Callable[..., ArrayProgram]) -> None:
    program = random_program(seed)
    chance = np.random.default_rng(seed)
    rows = {
        o.attribute[0]: chance.normal(size=(4, int(str(o.shape[1]))))
        for o in program.operations
        if o.kind == "argument"
    }
    vector = chance.normal(size=40)
    leaves = {name: torch.tensor(x) for name, x in rows.items()} | {
        o.name: torch.tensor(vector[o.attribute.array]) for o in program.operations if o.kind == "parameter"
    }
    results = Interpreter(TorchLibrary(torch, torch.float64, "cpu")).run(program, leaves, 4)
    for result, expected in zip(results, program.evaluate(rows, vector), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-11, atol=1e-12)


def looking_up() -> tuple[Any, list[list[Value]], list[Array]]:
    """Rows of a table, and the mean loss of the right classes over positions that are not padding."""
    wte = matrix(5, 3, 1)

    def loss(tokens: Any, targets: Any, x: Any) -> Any:
        rows = [autograd.softmax([a * x for a in autograd.take(wte, t)]) for t in tokens]
        terms = [-autograd.take(row, y).log() for row, y in zip(rows, targets)]
        return autograd.mean([autograd.where(t == 0, 0.0, term) for t, term in zip(tokens, terms)])

    chance = np.random.default_rng(0)
    batch = [chance.integers(0, 5, (SAMPLES, 4)), chance.integers(0, 3, (SAMPLES, 4)), normal()]
    return autograd.compile(loss, [1] * 4, [1] * 4, 0.5), wte, batch


def test_look_ups_take_integers_each_of_which_is_in_its_table() -> None:
    program, wte, (tokens, targets, x) = looking_up()
    function, given = program.to_torch(), torch.tensor(x, requires_grad=True)
    outputs = function(tokens, torch.tensor(targets), given)
    assert np.allclose(outputs.detach().numpy(), program(tokens, targets, x), rtol=1e-12)
    outputs.mean().backward()
    program.backward(tokens, targets, x)
    (weights,) = function.parameters.values()
    assert np.allclose(weights.grad.numpy(), [[v.grad for v in row] for row in wte], rtol=1e-12, atol=1e-15)
    assert np.allclose(given.grad.numpy() * SAMPLES, program.input_gradients(tokens, targets, x), rtol=1e-12)
    with pytest.raises(TypeError, match="tokens is used as an index, so it must hold integers; got float64"):
        function(tokens * 1.0, targets, x)
    with pytest.raises(IndexError, match=r"sample \d: tokens\[\d\] is -1, which is not in a table of 5"):
        function(tokens - 1, targets, x)
