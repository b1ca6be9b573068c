"""Define the meaning of array programs: interpret them with NumPy, one operation at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autograd.arrays import NDArray, np
from autograd.compiler.arrays.loop import Loop
from autograd.compiler.arrays.operations import PADDING, Batch, Data, Operation, Shape
from autograd.compiler.targets import kernels

if TYPE_CHECKING:
    from autograd.compiler.arrays.program import ArrayProgram

Array = NDArray[Any]


def evaluate(program: ArrayProgram, arguments: Mapping[str, Any], parameters: Any = ()) -> list[Array]:
    """Compute the results of a program. See `ArrayProgram.evaluate`."""
    rows = {name: np.asarray(array, dtype=float) for name, array in arguments.items()}
    vector = np.asarray(parameters, dtype=float)
    samples = max((len(array) for array in rows.values()), default=1)
    with np.errstate(all="ignore"):
        return _run(program, rows, vector, samples)


def _run(program: ArrayProgram, rows: Mapping[str, Array], vector: Array, samples: int) -> list[Array]:
    values: list[Array] = []
    for operation in program.operations:
        if operation.kind == "argument":
            values.append(rows[operation.attribute[0]].reshape(_sized(operation.shape, samples)))
        elif operation.kind == "index":
            values.append(rows[operation.attribute[0]].reshape(_sized(operation.shape, samples)).astype(np.int64))
        elif operation.kind == "parameter":
            values.append(vector[operation.attribute.array])
        else:
            values.append(_compute(operation, [values[k] for k in operation.operands], samples))
    return [values[at] for at in program.outputs]


def _sized(shape: Shape, samples: int) -> tuple[int, ...]:
    return tuple([samples * length.times if isinstance(length, Batch) else length for length in shape])


def _compute(operation: Operation, operands: list[Array], samples: int) -> Any:
    x: Array = operands[0] if operands else np.empty(0)
    attribute, shape = operation.attribute, _sized(operation.shape, samples)
    match operation.kind:
        case "constant":
            return attribute.array if isinstance(attribute, Data) else np.asarray(attribute)
        case "apply":
            return np.asarray(kernels.array_function(attribute.primitive)(*operands), dtype=float)
        case "contract":
            return np.einsum(f"{attribute.left},{attribute.right}->{attribute.result}", *operands)
        case "reduce":
            return _reduce(x, *attribute[:3])
        case "slopes":
            return kernels.HELPERS[attribute.reduces](*(operands if attribute.chooses else operands[:-1]))
        case "reshape":
            return x.reshape(shape)
        case "transpose":
            return x.transpose(attribute)
        case "broadcast":
            return np.broadcast_to(x, shape)
        case "slice":
            return x[(slice(None),) * attribute.axis + (slice(attribute.start, attribute.stop, attribute.step),)]
        case "concatenate":
            return np.concatenate(operands, axis=attribute)
        case "pad":
            padded = np.zeros(shape)
            padded[(slice(None),) * attribute.axis + (slice(attribute.start, attribute.stop, attribute.step),)] = x
            return padded
        case "take":
            return np.where(attribute.array == PADDING, 0.0, x[..., attribute.array])
        case "place":
            return _place(x.reshape(*shape[:-1], -1), attribute.positions.array.reshape(-1), np.zeros(shape))
        case "accumulate":
            return kernels.accumulate(x, *attribute)
        case "look up":
            return _look_up(x, operands[1], attribute.shared)
        case "scatter":
            return _scatter(x, operands[1], attribute.shared, np.zeros(shape))
        case "loop":
            return _loop(attribute, operands, samples)
        case "result":
            return operands[0][attribute]
    assert operation.kind == "guard"
    return x


def _loop(loop: Loop, operands: list[Array], samples: int) -> list[Array]:
    """Run the body step by step; return the final states, then the written arrays, stacked."""
    names = [loop.body.operations[at].name for at in loop.arguments]
    states, arrays, constants = loop.split(operands)
    written: list[list[Array]] = [[] for _ in loop.written]
    for step in range(loop.steps):
        read = [np.take(x, s.place(step, loop.steps), axis=s.axis) for x, s in zip(arrays, loop.read)]
        results = _run(loop.body, dict(zip(names, [*states, *read, *constants])), np.empty(0), samples)
        states = results[: loop.carried]
        for several, x in zip(written, results[loop.carried :]):
            several.append(x)
    stacked = [np.stack(xs[::-1] if s.backward else xs, axis=s.axis) for xs, s in zip(written, loop.written)]
    return [*states, *stacked]


def _reduce(x: Array, function: str, axes: tuple[int, ...], keepdims: bool) -> Any:
    if function == "any":
        return np.any(x != 0, axis=axes, keepdims=keepdims).astype(float)
    if function == "logsumexp":
        (axis,) = axes
        reduced = kernels.logsumexp(np.moveaxis(x, axis, -1))
        return np.expand_dims(reduced, axis) if keepdims else reduced
    return getattr(np, function)(x, axis=axes, keepdims=keepdims)


def _place(x: Array, positions: NDArray[np.int64], total: Array) -> Array:
    for k, position in enumerate(positions.tolist()):
        if position != PADDING:
            total[..., position] += x[..., k]
    return total


def _look_up(table: Array, index: Array, shared: int) -> Array:
    if not shared:
        return table[index]
    return np.stack([_look_up(part, at, shared - 1) for part, at in zip(table, index)])


def _scatter(x: Array, index: Array, shared: int, total: Array) -> Array:
    if shared:
        for parts in zip(x, index, total):
            _scatter(*parts[:2], shared - 1, parts[2])
    else:
        np.add.at(total, index, x)
    return total
