"""Time predictions of many rows: `python -m benchmarks.predicting library|start|command FOLDER` prints JSON.

"library" is `nn.predict` of 20,000 rows of a network 12-30-1, its first call with compilation and a later one, and the
same in handwritten NumPy. "command" is `lucidgrad predict` of a table with these rows, and "start" a command that does
nothing: the difference is the time to read, predict and write.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Job, Numbers, alternate, median, print_table, print_target, spread

ROWS, INPUTS, HIDDEN = 20_000, 12, 30
LEARNED = 200  # rows of the training table
NAMES = [f"c{k}" for k in range(INPUTS)]


def rows() -> NDArray[np.float64]:
    """Return the rows, the same in every process."""
    return np.random.default_rng(0).normal(size=(ROWS, INPUTS))


def library() -> Numbers:
    """Measure seconds of the first call of `nn.predict`, of a later one, and by hand."""
    import nn

    model, x = nn.MLP(INPUTS, [HIDDEN, 1], seed=0), rows()
    seconds = []
    for _ in range(4):
        start = perf_counter()
        outputs = nn.predict(model, x)
        seconds.append(perf_counter() - start)
    parameters = [
        (np.array([[w.data for w in neuron.weights] for neuron in layer.neurons]),
         np.array([neuron.bias.data for neuron in layer.neurons]))
        for layer in model.layers
    ]  # fmt: skip
    start = perf_counter()
    a = x
    for w, b in parameters:
        a = 1 / (1 + np.exp(-(a @ w.T + b)))
    by_hand = perf_counter() - start
    if not np.allclose(outputs, a, rtol=1e-10):
        raise SystemExit("nn.predict and NumPy by hand differ")
    return {"first": seconds[0], "later": min(seconds[1:]), "numpy": by_hand}


def command(*arguments: str) -> Numbers:
    """Measure the seconds of a command in a separate process."""
    start = perf_counter()
    subprocess.run([sys.executable, "-m", "nn", *arguments], check=True, stdout=subprocess.DEVNULL)
    return {"seconds": perf_counter() - start}


def prepare(folder: Path) -> None:
    """Write a model, and the table that it predicts."""
    x = rows()
    y = x @ np.random.default_rng(1).normal(size=INPUTS)
    learned = np.column_stack([x, y])[:LEARNED]
    np.savetxt(folder / "learned.csv", learned, "%.6f", ",", header=",".join([*NAMES, "y"]), comments="")
    np.savetxt(folder / "rows.csv", x, "%.6f", ",", header=",".join(NAMES), comments="")
    options = ("--target", "y", "--hidden", str(HIDDEN), "--epochs", "1", "--quiet", "--runs", str(folder / "runs"))
    command("train", str(folder / "learned.csv"), *options)


def run(rounds: int) -> None:
    """Measure and print everything, each number in `rounds` fresh processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        jobs: dict[str, Job] = {
            what: ("-m", "benchmarks.predicting", what, name) for what in ("library", "start", "command")
        }
        by_job = alternate(list(jobs.values()), rounds, "predictions")
    by_program = {what: by_job[job] for what, job in jobs.items()}
    measured = [
        ("nn.predict, first call", "library", "first"),
        ("nn.predict, later", "library", "later"),
        ("NumPy by hand", "library", "numpy"),
        ("lucidgrad --help", "start", "seconds"),
        ("lucidgrad predict", "command", "seconds"),
    ]
    table = [
        [text, f"{median(by_program[what], key):.4f}", spread(by_program[what], key, digits=4)]
        for text, what, key in measured
    ]
    title = f"{ROWS:,} rows of a network {INPUTS}-{HIDDEN}-1 (medians of {rounds} processes)"
    print_table(title, ["what", "seconds", "min-max"], table)
    print_target("nn.predict, its first call, s", median(by_program["library"], "first"), at_most=0.1)
    above = median(by_program["command"], "seconds") - median(by_program["start"], "seconds")
    print_target("lucidgrad predict, above a bare start, s", above, at_most=0.3)


def main(what: str, name: str) -> Numbers:
    """Parse the command line and print the measurement."""
    if what == "library":
        return library()
    if what == "start":
        return command("--help")
    folder = Path(name)
    model = next(folder.glob("runs/*/model.safetensors"))
    output = ("--output", str(folder / "predictions.csv"), "--quiet")
    return command("predict", str(model), str(folder / "rows.csv"), *output)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
