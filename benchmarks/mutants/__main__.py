"""Mutation testing: small mistakes put into a file, one at a time, each of which its tests should notice.

    python -m benchmarks.mutants nn/losses.py nn/optimizers.py

The mistakes are made by cosmic-ray, in copies of the checkout; a test that fails kills a mutant. Those that survive are
printed: a test is missing, or the mutant computes the same. Without a file all that are listed here are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

PASSES = "tests/autograd/compiler/"
TESTS: dict[str, tuple[str, ...]] = {
    "nn/losses.py": ("tests/nn/test_losses.py",),
    "nn/optimizers.py": ("tests/nn/test_optimizers.py", "tests/nn/test_foreign_names.py"),
    "nn/descent.py": ("tests/nn/test_optimizers.py",),
    "nn/schedules.py": ("tests/nn/test_optimizers.py",),
    "nn/training/checkpoint.py": ("tests/nn/training/test_checkpoint.py", "tests/nn/training/test_resuming.py"),
    "nn/training/files.py": ("tests/nn/training/test_checkpoint.py",),
    "autograd/graph.py": ("tests/autograd/test_graph.py", "tests/autograd/test_value.py"),
    "autograd/sweeps.py": ("tests/autograd/test_transforms.py",),
    "autograd/value.py": ("tests/autograd/test_value.py", "tests/autograd/test_assigned_data.py"),
    "autograd/operands.py": ("tests/autograd/test_value.py", "tests/autograd/test_numpy_values.py"),
    "autograd/backward_pass.py": ("tests/autograd/test_value.py", "tests/autograd/test_graph.py"),
    "autograd/transforms.py": ("tests/autograd/test_transforms.py",),
    "autograd/derivatives/arithmetic.py": ("tests/autograd/derivatives",),
    "autograd/derivatives/exponentials.py": ("tests/autograd/derivatives",),
    "autograd/derivatives/trigonometry.py": ("tests/autograd/derivatives",),
    "autograd/compiler/scalars/passes.py": (f"{PASSES}test_scalar_passes.py",),
    "autograd/compiler/scalars/sums/chains.py": (f"{PASSES}test_scalar_passes.py",),
    "autograd/compiler/scalars/swallowed.py": (f"{PASSES}test_scalar_passes.py", f"{PASSES}test_padding_elsewhere.py"),
    "autograd/compiler/arrays/shapes.py": (f"{PASSES}test_malformed.py", f"{PASSES}test_transposes.py"),
    "autograd/compiler/arrays/softmax.py": (f"{PASSES}test_softmax.py",),
    "autograd/compiler/differentiate/transposes.py": (f"{PASSES}test_transposes.py", f"{PASSES}test_differentiate.py"),
    "autograd/compiler/targets/parameter_buffer.py": (f"{PASSES}test_parameter_buffer.py",),
    "autograd/compiler/targets/libraries/parameters.py": (
        f"{PASSES}test_to_torch.py",
        f"{PASSES}test_padding_elsewhere.py",
    ),
}
"""The tests that belong to each file, those that find most first."""


class Mutant(NamedTuple):
    """A mistake, and whether a test noticed.

    Attributes:
        outcome: "killed" or "survived".
        diff: the change.
    """

    outcome: str
    diff: str


def main() -> None:
    """Parse the command line, and test the tests of the files that it names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="by default all: " + ", ".join(TESTS))
    parser.add_argument("--jobs", type=int, default=2, help="files at a time (default: %(default)s)")
    arguments = parser.parse_args()
    unknown = set(arguments.files) - set(TESTS)
    if unknown:
        parser.error(f"no tests are listed for {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for report in pool.map(_report, arguments.files or TESTS):
            print(report, flush=True)


def _report(file: str) -> str:
    mutants = mutants_of(file, TESTS[file])
    survivors = [mutant.diff for mutant in mutants if mutant.outcome == "survived"]
    killed = len(mutants) - len(survivors)
    return "\n".join([*survivors, f"{file}: {killed} of {len(mutants)} killed, {len(survivors)} survived"])


def mutants_of(file: str, tests: Sequence[str]) -> list[Mutant]:
    """Return what became of each mutant of a file, in a copy of the checkout.

    Raises:
        subprocess.CalledProcessError: where the tests cannot be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder).resolve() / "checkout"
        _copy_to(checkout)
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.mutants.runs", file, *tests],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return [Mutant(**json.loads(line)) for line in process.stdout.splitlines()]


def _copy_to(checkout: Path) -> None:
    """Copy what git knows of, and what is new."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)


if __name__ == "__main__":
    main()
