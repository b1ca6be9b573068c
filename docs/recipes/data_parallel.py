"""Train a 784-50-10 network with JAX, data-parallel: over processes of one machine, or of many.

Each process holds its part of the data, computes the gradient of its part of each batch, and JAX adds these up. All
processes run this file; the others reach process 0 at the coordinator's address:

    python data_parallel.py --data digits.npz --coordinator 10.0.0.1:7654 --processes 2 --process 0
    python data_parallel.py --data digits.npz --coordinator 10.0.0.1:7654 --processes 2 --process 1

Without these options it trains in one process, on the same batches, and so arrives at the same network, except for
rounding. The same file runs on GPUs, with a CUDA build of JAX (pip install "jax[cuda13]") and one process per machine,
whose GPUs share the process's part; this was not measured. Sums are computed in float64; use --float32 on GPUs.

After each epoch, process 0 writes a checkpoint, from which the next run continues. If a process is lost, the others
stop with an error that says so: start all of them again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors.numpy
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import autograd
import nn
from autograd.support.files import write_atomically

SIZES = 784, [50, 10]
Arrays = dict[str, Any]


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a 784-50-10 network data-parallel with JAX.")
    parser.add_argument("--data", type=Path, help="a .npz file of images (rows of 784) and labels; else made up")
    parser.add_argument("--coordinator", default="127.0.0.1:7654", help="address and port of process 0")
    parser.add_argument("--processes", type=int, default=1, help="how many there are")
    parser.add_argument("--process", type=int, default=0, help="which of them this is, from 0 on")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=100, help="rows of a batch, of all processes together")
    parser.add_argument("--rate", type=float, default=0.5, help="the learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--float32", action="store_true", help="compute with float32")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.safetensors"))
    parser.add_argument("--model", type=Path, default=Path("model.safetensors"), help="what the trained network is")
    parser.add_argument("--timeout", type=int, default=60, help="seconds to wait for all processes to start")
    return parser.parse_args(arguments)


def blocks_of(data: Path | None, batch: int, seed: int, process: int, processes: int) -> tuple[Any, Any]:
    """Return this process's part of each batch, as arrays of (batches, rows, numbers).

    The rows are shuffled once. Batch k consists of the same rows for any number of processes, and each process gets
    its share of it. If your data is in one file per process, read that file here instead.
    """
    chance = np.random.default_rng(seed)
    if data is None:
        images = chance.uniform(size=(8 * batch, SIZES[0]))
        labels = (images @ chance.normal(size=(SIZES[0], SIZES[1][-1]))).argmax(axis=1)
    else:
        with np.load(data) as file:
            images, labels = file["images"], file["labels"]
    if batch % processes:
        raise SystemExit(f"a batch of {batch} rows cannot be divided among {processes} processes: choose a multiple")
    order = chance.permutation(len(images))[: len(images) // batch * batch]

    def part(rows: Any) -> Any:
        return rows[order].reshape(-1, processes, batch // processes, rows.shape[-1])[:, process]

    return part(images), part(np.eye(SIZES[1][-1])[labels])


def restored(path: Path, parameters: Arrays) -> tuple[Arrays, int]:
    """Return the parameters of process 0's checkpoint and the number of finished epochs, in all processes."""
    epoch = 0
    if jax.process_index() == 0 and path.exists():
        with safetensors.safe_open(str(path), framework="numpy") as file:
            parameters = {name: file.get_tensor(name) for name in parameters}
            epoch = int(file.metadata()["epoch"])
    parameters, epoch = multihost_utils.broadcast_one_to_all((parameters, np.int32(epoch)))
    return parameters, int(epoch)


def save(path: Path, parameters: Arrays, epoch: int) -> None:
    """Write a checkpoint atomically."""
    content = safetensors.numpy.save(parameters, {"epoch": str(epoch)})
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def train(chosen: argparse.Namespace) -> None:
    """Train; process 0 writes the checkpoints and finally the model."""
    images, targets = blocks_of(chosen.data, chosen.batch, chosen.seed, jax.process_index(), jax.process_count())
    network = nn.MLP(*SIZES, seed=chosen.seed)
    program = autograd.compile(
        lambda image, target: nn.half_squared_error(network(image), target),
        [0.0] * SIZES[0],
        [0.0] * SIZES[1][-1],
        dtype="float32" if chosen.float32 else "float64",
    )
    model = program.to_jax()

    mesh = jax.make_mesh((jax.device_count(),), ("samples",), axis_types=(AxisType.Auto,))
    everywhere, by_sample = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("samples"))

    def update(parameters: Arrays, images: Any, targets: Any) -> tuple[Arrays, Any]:
        cost, gradient = model.value_and_grad(parameters, images, targets)  # of the whole batch, over all processes
        return {name: parameters[name] - chosen.rate * gradient[name] for name in parameters}, cost

    step = jax.jit(update, out_shardings=everywhere)

    def shared(rows: Any, sharding: NamedSharding) -> Any:
        return jax.make_array_from_process_local_data(sharding, np.asarray(rows, model.dtype))

    numbers, done = restored(chosen.checkpoint, {name: np.asarray(x) for name, x in model.parameters.items()})
    parameters = {name: shared(array, everywhere) for name, array in numbers.items()}
    for epoch in range(done + 1, chosen.epochs + 1):
        order = np.random.default_rng([chosen.seed, epoch]).permutation(len(images))
        costs = []
        for k in order:
            parameters, cost = step(parameters, shared(images[k], by_sample), shared(targets[k], by_sample))
            costs.append(cost)
        mean = float(np.mean([float(cost) for cost in costs]))
        numbers = {name: np.asarray(x.addressable_data(0)) for name, x in parameters.items()}
        if jax.process_index() == 0:
            save(chosen.checkpoint, numbers, epoch)
            print(f"epoch {epoch}: cost {mean:.6g}", flush=True)
    if jax.process_index() == 0:
        model.assign(numbers)
        nn.save(network, chosen.model)


def main() -> None:
    chosen = options()
    jax.config.update("jax_enable_x64", not chosen.float32)
    if chosen.processes > 1:
        jax.distributed.initialize(
            chosen.coordinator, chosen.processes, chosen.process, initialization_timeout=chosen.timeout
        )
    try:
        train(chosen)
    except jax.errors.JaxRuntimeError as error:
        if chosen.processes == 1:
            raise
        print(
            f"process {chosen.process} of {chosen.processes} has lost another one, or the network between them: start "
            f"all of them again, and training goes on from {chosen.checkpoint}. JAX says: {str(error).splitlines()[0]}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)  # an ordinary end would wait for the lost process


if __name__ == "__main__":
    main()
