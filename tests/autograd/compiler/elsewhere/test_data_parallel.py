"""The recipe for data-parallel training: two processes compute what one does, and one of them may be lost."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax", reason="JAX is not installed: pip install '.[jax]'")

import safetensors.numpy

RECIPE = Path(__file__).parents[4] / "docs" / "recipes" / "data_parallel.py"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
BATCH = 16
PATIENCE = 120  # seconds to wait for a process before it is ended


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def started(folder: Path, *options: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Yield two processes of the recipe once process 0 has finished an epoch; they are killed at the end.

    A free port may be taken before they listen; in this case they are started again with another port.
    """
    processes: list[subprocess.Popen[str]] = []
    try:
        for _ in range(3):
            coordinator = f"127.0.0.1:{free_port()}"
            processes += [start(folder, k, "--coordinator", coordinator, *options) for k in range(2)]
            wait_for("epoch", processes[-2], folder)
            if processes[-2].poll() in (None, 0):
                break
        yield processes[-2:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def start(folder: Path, k: int, *options: str) -> subprocess.Popen[str]:
    """Start process k, with its output in a file."""
    told = [str(RECIPE), "--processes", "2", "--process", str(k), "--batch", str(BATCH), *options]
    told += ["--timeout", str(PATIENCE)]
    with (folder / f"output-{k}.txt").open("w") as output:
        return subprocess.Popen(
            [sys.executable, *told], stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=ENVIRONMENT, text=True
        )


def outputs(folder: Path) -> str:
    return "\n".join([f"{path.name}:\n{path.read_text()}" for path in sorted(folder.glob("output-*.txt"))])


def wait_for(text: str, process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until process 0 prints this text, or ends."""
    for _ in range(20 * PATIENCE):
        with suppress(subprocess.TimeoutExpired):
            process.wait(1 / 20)
            return
        if text in (folder / "output-0.txt").read_text():
            return
    pytest.fail(f"process 0 neither said {text!r} nor ended\n{outputs(folder)}")


def recipe() -> Any:
    spec = importlib.util.spec_from_file_location("data_parallel", RECIPE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_processes_are_one_and_a_lost_one_ends_the_run_that_is_resumed() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with started(folder, "--epochs", "100000") as (first, second):
            wait_for("epoch 2:", first, folder)
            assert first.poll() is None, outputs(folder)
            second.kill()
            assert first.wait(PATIENCE) != 0, outputs(folder)
        said = (folder / "output-0.txt").read_text()
        assert "process 0 of 2 has lost another one" in said, said

        with safetensors.safe_open(str(folder / "checkpoint.safetensors"), framework="numpy") as file:
            done = int(file.metadata()["epoch"])
        assert done >= 2
        with started(folder, "--epochs", str(done + 2)) as processes:
            assert [process.wait(PATIENCE) for process in processes] == [0, 0], outputs(folder)
        assert f"epoch {done + 2}:" in outputs(folder)

        script = recipe()
        alone = folder / "alone"
        alone.mkdir()
        chosen = script.options(
            [
                *("--batch", str(BATCH), "--epochs", str(done + 2)),
                *("--checkpoint", str(alone / "checkpoint"), "--model", str(alone / "model.safetensors")),
            ]
        )
        jax = script.jax
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        try:
            script.train(chosen)
        finally:
            jax.config.update("jax_enable_x64", before)
        together, single = (safetensors.numpy.load_file(path / "model.safetensors") for path in (folder, alone))
        assert together.keys() == single.keys() == {"w1", "b1", "w2", "b2"}
        for key, array in single.items():
            assert np.abs(together[key] - array).max() <= 1e-12 * np.abs(array).max(), key
