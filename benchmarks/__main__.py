"""The command line: `python -m benchmarks engine`."""

from __future__ import annotations

import argparse

from benchmarks import engine


def main() -> None:
    """Parse the command line and run the benchmark that it names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this package against its peers.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    command = commands.add_parser("engine", help="the eager engine: two moons, cost of a node, import (3 minutes)")
    command.add_argument(
        "--rounds", type=_positive, default=5, help="how many fresh processes for each number (default: %(default)s)"
    )
    arguments = parser.parse_args()
    engine.run(arguments.rounds)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {number}")
    return number


if __name__ == "__main__":
    main()
