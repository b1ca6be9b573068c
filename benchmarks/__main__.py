"""The command line: `python -m benchmarks engine` and `draw`."""

from __future__ import annotations

import argparse

from benchmarks import engine, pictures


def main() -> None:
    """Parse the command line and run the benchmark that it names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this package against its peers.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    for name, run, what in (
        ("engine", engine.run, "the eager engine: two moons, cost of a node, import (3 minutes)"),
        ("draw", pictures.run, "pictures: time against nodes, size (1 minute)"),
    ):
        command = commands.add_parser(name, help=what)
        command.set_defaults(run=run)
        command.add_argument(
            "--rounds",
            type=_positive,
            default=5,
            help="how many fresh processes for each number (default: %(default)s)",
        )
    arguments = parser.parse_args()
    arguments.run(arguments.rounds)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {number}")
    return number


if __name__ == "__main__":
    main()
