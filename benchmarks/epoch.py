"""Time an epoch of one engine: `python -m benchmarks.epoch ENGINE HIDDEN BATCH DTYPE SAMPLES time|memory` prints JSON.

A network 784-HIDDEN-10 of sigmoid neurons learns by plain gradient descent on the half squared error. All engines get
the same samples, in the same order, and the same initial weights. Costs are computed by NumPy from each engine's
final weights, so that they can be compared.

"compiled" is a handwritten loop over the program's flat path, which adds a step of gradient descent to the vector of
parameters, as the handwritten network does. "fit" is `nn.fit`, which takes the same path, and also gathers each batch,
keeps the old weights until the new ones are complete, checks for inf, nan and the largest derivative, computes the
accuracy and records a history. "compiled-source" and "fit-source" are the same without llvmlite.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

import numpy as np

from benchmarks.hand_written import INPUTS, OUTPUTS, Array, Network, Sizes, arrays, initial_weights, losses, samples
from benchmarks.measure import Numbers, peak_memory

ENGINES = {
    "compiled": "lucidgrad, compiled",
    "fit": "nn.fit",
    "fit-shuffled": "nn.fit, shuffled",
    "compiled-source": "lucidgrad, no llvmlite",
    "fit-source": "nn.fit, no llvmlite",
    "fit-source-shuffled": "nn.fit, no llvmlite, shuffled",
    "numpy": "NumPy by hand",
    "numpy-shuffled": "NumPy by hand, shuffled",
    "torch": "PyTorch, 2 threads",
}
RATE = 0.5
EPOCHS = 5  # the first is the warm-up
SEED = 3  # for the order of samples


class Compiled:
    """`autograd.compile` of one sample's loss, in a handwritten loop."""

    def __init__(self, weights: Array, sizes: Sizes, dtype: str) -> None:
        import autograd
        from nn import MLP, half_squared_error

        model = MLP(sizes[0], sizes[1:], seed=0)
        self.program = autograd.compile(
            lambda image, target: half_squared_error(model(image), target),
            [0.5] * sizes[0],
            [0.0] * sizes[2],
            dtype=cast(Any, dtype),
        )
        place = {parameter: i for i, parameter in enumerate(in_order(model))}
        self._order = np.array([place[parameter] for parameter in self.program.parameters])
        self.begin(weights)

    def begin(self, weights: Array) -> None:
        self._now, self._step = weights[self._order], np.empty_like(weights)

    def update(self, x: Array, y: Array) -> Any:
        losses, step = self.program.outputs_and_gradient(self._now, x, y, into=self._step, scale=-RATE)
        self._now += step
        return losses

    @property
    def weights(self) -> Array:
        parameters: Array = np.empty_like(self._now)
        parameters[self._order] = self._now
        return parameters


class Torch:
    """PyTorch, eager, on two threads."""

    def __init__(self, weights: Array, sizes: Sizes) -> None:
        import torch

        torch.set_num_threads(2)
        self._numbers = torch.from_numpy
        linear, sigmoid = torch.nn.Linear, torch.nn.Sigmoid
        self._model = torch.nn.Sequential(linear(*sizes[:2]), sigmoid(), linear(*sizes[1:]), sigmoid())
        self._model.to(torch.from_numpy(weights).dtype)
        with torch.no_grad():
            for parameter, array in zip(self._model.parameters(), arrays(weights, sizes)):
                parameter.copy_(torch.from_numpy(array))
        self._optimizer = torch.optim.SGD(self._model.parameters(), lr=RATE)

    def update(self, x: Any, y: Any) -> Any:
        self._optimizer.zero_grad()
        loss = 0.5 * (self._model(x) - y).square().sum() / len(x)
        loss.backward()
        self._optimizer.step()
        return loss

    @property
    def weights(self) -> Array:
        parameters: Array = np.concatenate([p.detach().numpy().reshape(-1) for p in self._model.parameters()])
        return parameters

    def of(self, rows: Array) -> Any:
        """Return rows as a tensor that shares their memory."""
        return self._numbers(rows)


def in_order(model: Any) -> list[Any]:
    """Return the parameters of an MLP, layer by layer: first the weights, neuron by neuron, then the biases."""
    parameters = []
    for layer in model.layers:
        parameters += [w for neuron in layer.neurons for w in neuron.weights]
        parameters += [neuron.bias for neuron in layer.neurons]
    return parameters


def run(update: Callable[[Any, Any], Any], images: Any, targets: Any, batch: int) -> list[float]:
    """Measure the seconds of each epoch but the first."""
    seconds = []
    for _ in range(EPOCHS):
        start = perf_counter()
        for i in range(0, len(images), batch):
            update(images[i : i + batch], targets[i : i + batch])
        seconds.append(perf_counter() - start)
    return seconds[1:]


def run_shuffled(update: Callable[[Any, Any], Any], images: Array, targets: Array, batch: int) -> list[float]:
    """Measure the seconds of each epoch but the first, each in a new random order."""
    chance, seconds = np.random.default_rng(SEED), []
    for _ in range(EPOCHS):
        start = perf_counter()
        order = chance.permutation(len(images))
        for i in range(0, len(images), batch):
            places = order[i : i + batch]
            update(images.take(places, axis=0), targets.take(places, axis=0))
        seconds.append(perf_counter() - start)
    return seconds[1:]


def run_fit(sizes: Sizes, images: Array, targets: Array, batch: int, shuffle: bool) -> tuple[list[float], Array]:
    """Measure the seconds of each epoch of `nn.fit` but the last; return the final weights, too.

    A schedule of the learning rate notes when an epoch begins. A callback would cost time of its own: what it may read
    has to be written into the model first.
    """
    from nn import MLP, SGD, fit

    model = MLP(sizes[0], sizes[1:], seed=0)
    parameters = in_order(model)
    for parameter, number in zip(parameters, initial_weights(sizes).tolist()):
        parameter.data = number
    starts: list[float] = []
    steps = -(-len(images) // batch)

    def rate(step: int) -> float:
        if step % steps == 0:
            starts.append(perf_counter())
        return RATE

    fit(
        model,
        images,
        targets,
        optimizer=SGD(model.parameters(), learning_rate=rate),
        epochs=EPOCHS,
        batch_size=batch,
        shuffle=shuffle,
        seed=SEED,
        progress=False,
        engine="compiled",
    )
    return np.diff(starts).tolist(), np.array([parameter.data for parameter in parameters])


def measure(name: str, sizes: Sizes, batch: int, dtype: str, count: int) -> Numbers:
    """Measure the seconds of the fastest epoch, the final cost, and the peak memory of the process."""
    images, targets = samples(count, dtype)
    weights = initial_weights(sizes, dtype)
    numbers: Numbers = {}
    if "source" in name:
        modules: dict[str, Any] = sys.modules
        modules["llvmlite"] = None
    if name.startswith("fit"):
        seconds, after = run_fit(sizes, images, targets, batch, name.endswith("shuffled"))
    elif name == "torch":
        torch = Torch(weights, sizes)
        seconds, after = run(torch.update, torch.of(images), torch.of(targets), batch), torch.weights
    else:
        compiled = name.startswith("compiled")
        engine = Compiled(weights, sizes, dtype) if compiled else Network(weights, sizes, batch, RATE)
        of_epochs = run_shuffled if name == "numpy-shuffled" else run
        seconds, after = of_epochs(engine.update, images, targets, batch), engine.weights
        if isinstance(engine, Network):
            numbers["products"] = min(run(engine.products, images, targets, batch))
    numbers |= {"epoch": min(seconds), "peak": peak_memory()}
    return numbers | {"cost": float(losses(after, sizes, images, targets).mean())}


def measure_memory(name: str, sizes: Sizes, batch: int, dtype: str) -> Numbers:
    """Measure the peak bytes of training, including its vectors of weights, without samples and program."""
    images, targets = samples(10 * batch, dtype)
    weights = initial_weights(sizes, dtype)
    compiled = Compiled(weights, sizes, dtype) if name == "compiled" else None
    if compiled is not None:
        run(compiled.update, images, targets, batch)  # a program may allocate buffers at its first run
    tracemalloc.start()
    if compiled is not None:
        compiled.begin(weights)
    engine = compiled or Network(weights, sizes, batch, RATE)
    run(engine.update, images, targets, batch)
    return {"bytes": float(tracemalloc.get_traced_memory()[1])}


def main(name: str, hidden: str, batch: str, dtype: str, count: str, what: str) -> Numbers:
    """Parse the command line and print the measurement."""
    sizes = (INPUTS, int(hidden), OUTPUTS)
    if what == "memory":
        return measure_memory(name, sizes, int(batch), dtype)
    return measure(name, sizes, int(batch), dtype, int(count))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
