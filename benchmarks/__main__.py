"""The command line: `python -m benchmarks` with the name of a benchmark, such as `engine` or `gpt`."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import compiled, engine, gpt, pictures, playground, predicting, small, tables


def main() -> None:
    """Parse the command line and run the benchmark that it names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this package against its peers.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    for name, run, what in (
        ("engine", engine.run, "the eager engine: two moons, cost of a node, import (3 minutes)"),
        ("draw", pictures.run, "pictures: time against nodes, size (1 minute)"),
        ("playground", playground.run, "the pages in headless Chromium: first and later runs, sliders (3 minutes)"),
        (
            "compile",
            compiled.run,
            "compiled programs: epochs, thin and recurrent programs, memory, the main job (15 minutes)",
        ),
        ("gpt", gpt.run, "a small GPT against NumPy, PyTorch and a minimal engine; time to compile (5 minutes)"),
        ("predict", predicting.run, "predictions of many rows: nn.predict and the command line (1 minute)"),
        ("small", small.run, "small networks: an MLP on two moons, an LSTM, against PyTorch and NumPy (1 minute)"),
        ("tables", tables.run, "real tables: the default network against linear models and an MLP (5 minutes)"),
    ):
        command = commands.add_parser(name, help=what)
        command.set_defaults(run=run)
        command.add_argument(
            "--rounds",
            type=_positive,
            default=5,
            help="how many fresh processes for each number, or splits of each table (default: %(default)s)",
        )
        if name == "compile":
            command.add_argument("--quick", action="store_true", help="a tenth of the samples, no large graphs")
            command.add_argument("--picture", type=Path, metavar="FILE", help="draw the results into a .png or .svg")
    arguments = vars(parser.parse_args())
    arguments.pop("run")(**arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {number}")
    return number


if __name__ == "__main__":
    main()
