"""Run mutation tests: put small mistakes into a file, one at a time; its tests should detect each of them.

    python -m benchmarks.mutants nn/losses.py nn/optimizers.py

cosmic-ray makes the mistakes, in copies of the checkout; a failing test kills a mutant. Survivors are printed: either a
test is missing, or the mutant computes the same. Without a file, all files listed here are tested.
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

ENGINE = "tests/autograd/"
PASSES = "tests/autograd/compiler/"
COMPILED = "tests/autograd/compiled/"
RULES = (f"{ENGINE}derivatives/test_rules.py",)
FORMULAS = (f"{ENGINE}derivatives/test_formulas.py",)
CONTRACTIONS = (f"{PASSES}recover/test_sums_of_products.py", f"{PASSES}test_recover_groups.py")
AXES = (f"{PASSES}axes", f"{PASSES}test_axes.py")
SPLITTING = (f"{PASSES}scalars/test_splitting.py",)
ELIMINATIONS = (f"{PASSES}scalars/eliminations",)
GRIDS = (f"{PASSES}scalars/grids",)
LOOPS = f"{PASSES}scalars/loops/"
FURTHER_STEPS = (f"{LOOPS}test_further_steps.py",)
RECURRENCES = (f"{LOOPS}test_recurrences.py",)
EQUAL_STEPS = (f"{LOOPS}test_equal_steps.py",)
SUMS_LOWERED = (f"{PASSES}recover/test_sums_lowered.py", f"{PASSES}test_recover_program.py")
TESTS: dict[str, tuple[str, ...]] = {
    "nn/losses.py": ("tests/nn/test_losses.py",),
    "nn/optimizers.py": ("tests/nn/test_optimizers.py", "tests/nn/test_foreign_names.py"),
    "nn/descent.py": ("tests/nn/test_optimizers.py", "tests/nn/test_foreign_names.py"),
    "nn/schedules.py": ("tests/nn/test_optimizers.py", "tests/nn/test_pickles.py"),
    "nn/training/checkpoint.py": (
        "tests/nn/training/test_checkpoint.py",
        "tests/nn/training/test_resuming.py",
        "tests/nn/training/test_patience.py",
    ),
    "nn/training/files.py": ("tests/nn/training/test_checkpoint.py", "tests/nn/training/test_resuming.py"),
    "autograd/graph.py": (f"{ENGINE}test_graph.py",),
    "autograd/backward_pass.py": (f"{ENGINE}test_value.py", f"{ENGINE}derivatives/test_numerics.py"),
    "autograd/value.py": (
        f"{ENGINE}test_value.py",
        f"{ENGINE}test_assigned_data.py",
        f"{ENGINE}test_copying.py",
        f"--deselect={ENGINE}test_copying.py::test_a_graph_of_a_hundred_thousand_nodes_in_a_row",
        f"{ENGINE}test_contexts.py",
        f"{ENGINE}test_recording.py",
        f"{ENGINE}support/test_foreign_names.py",
    ),
    "autograd/operands.py": (
        f"{ENGINE}test_value.py",
        f"{ENGINE}test_lookups.py",
        f"{ENGINE}support/test_foreign_names.py",
    ),
    "autograd/table.py": (
        f"{ENGINE}derivatives/test_primitive_conventions.py",
        f"{ENGINE}derivatives/test_numerics.py",
    ),
    "autograd/transforms.py": (f"{ENGINE}test_transforms.py", f"{ENGINE}support/test_foreign_names.py"),
    "autograd/sweeps.py": (f"{ENGINE}test_transforms.py", f"{ENGINE}derivatives/test_numerics.py"),
    "autograd/derivatives/arithmetic.py": RULES,
    "autograd/derivatives/exponentials.py": RULES,
    "autograd/derivatives/formulas.py": (*FORMULAS, *RULES),
    "autograd/derivatives/gamma_formulas.py": (f"{ENGINE}test_math.py",),
    "autograd/derivatives/slopes.py": RULES,
    "autograd/derivatives/special.py": RULES,
    "autograd/derivatives/trigonometry.py": RULES,
    "autograd/compiler/scalars/fold.py": (f"{PASSES}test_scalar_passes.py",),
    "autograd/compiler/scalars/merge.py": (f"{PASSES}scalars/test_merge.py", f"{PASSES}test_scalar_passes.py"),
    "autograd/compiler/scalars/guards.py": (f"{PASSES}test_scalar_passes.py",),
    "autograd/compiler/scalars/idioms.py": (f"{PASSES}test_scalar_passes.py", f"{COMPILED}test_compiler_idioms.py"),
    "autograd/compiler/scalars/sound.py": (f"{PASSES}test_malformed.py",),
    "autograd/compiler/scalars/verify.py": (f"{PASSES}test_malformed.py",),
    "autograd/compiler/scalars/passes.py": (f"{PASSES}test_scalar_passes.py",),
    "autograd/compiler/scalars/conditions.py": (
        f"{PASSES}scalars/test_conditions.py",
        f"{PASSES}test_scalar_passes.py",
    ),
    "autograd/compiler/scalars/signs.py": (f"{PASSES}test_scalar_passes.py",),
    "autograd/compiler/scalars/slopes.py": (f"{PASSES}scalars/test_slopes.py", f"{PASSES}test_scalar_passes.py"),
    "autograd/compiler/scalars/sums/alike.py": (f"{PASSES}scalars/test_alike.py",),
    "autograd/compiler/scalars/sums/chains.py": (f"{PASSES}scalars/test_chains.py", f"{PASSES}test_scalar_passes.py"),
    "autograd/compiler/scalars/sums/collect.py": (f"{PASSES}scalars/test_chains.py", f"{PASSES}test_scalar_passes.py"),
    "autograd/compiler/scalars/swallowed.py": (f"{PASSES}scalars/test_swallowed.py",),
    "autograd/compiler/scalars/loops/beginnings.py": EQUAL_STEPS,
    "autograd/compiler/scalars/loops/body.py": (f"{LOOPS}test_loop_bodies.py",),
    "autograd/compiler/scalars/loops/complete.py": EQUAL_STEPS,
    "autograd/compiler/scalars/loops/components.py": (f"{LOOPS}test_components.py",),
    "autograd/compiler/scalars/loops/data.py": (f"{LOOPS}test_steps_of_data.py", *EQUAL_STEPS),
    "autograd/compiler/scalars/loops/earlier.py": FURTHER_STEPS,
    "autograd/compiler/scalars/loops/eligible.py": RECURRENCES,
    "autograd/compiler/scalars/loops/find.py": (f"{LOOPS}test_finding_loops.py",),
    "autograd/compiler/scalars/loops/hashing.py": (f"{LOOPS}test_hashing.py",),
    "autograd/compiler/scalars/loops/later.py": FURTHER_STEPS,
    "autograd/compiler/scalars/loops/operations.py": RECURRENCES,
    "autograd/compiler/scalars/loops/periods.py": RECURRENCES,
    "autograd/compiler/scalars/loops/recurrences.py": (*RECURRENCES, *FURTHER_STEPS, f"{LOOPS}test_finding_loops.py"),
    "autograd/compiler/scalars/loops/repeat.py": (f"{LOOPS}test_repeat.py",),
    "autograd/compiler/scalars/loops/repetition.py": (f"{LOOPS}test_components.py",),
    "autograd/compiler/scalars/loops/retimed.py": (f"{LOOPS}test_retiming.py", f"{LOOPS}test_finding_loops.py"),
    "autograd/compiler/scalars/loops/siblings.py": EQUAL_STEPS,
    "autograd/compiler/scalars/loops/steps_alike.py": EQUAL_STEPS,
    "autograd/compiler/scalars/loops/stretches.py": RECURRENCES,
    "autograd/compiler/scalars/eliminations/accumulators.py": ELIMINATIONS,
    "autograd/compiler/scalars/eliminations/body.py": ELIMINATIONS,
    "autograd/compiler/scalars/eliminations/elimination.py": ELIMINATIONS,
    "autograd/compiler/scalars/eliminations/find.py": ELIMINATIONS,
    "autograd/compiler/scalars/eliminations/updates.py": ELIMINATIONS,
    "autograd/compiler/scalars/grids/borders.py": GRIDS,
    "autograd/compiler/scalars/grids/cells.py": GRIDS,
    "autograd/compiler/scalars/grids/find.py": GRIDS,
    "autograd/compiler/scalars/grids/kinds.py": GRIDS,
    "autograd/compiler/scalars/grids/lattice.py": GRIDS,
    "autograd/compiler/scalars/grids/offsets.py": GRIDS,
    "autograd/compiler/scalars/grids/ragged.py": GRIDS,
    "autograd/compiler/scalars/grids/roles.py": GRIDS,
    "autograd/compiler/scalars/grids/wavefronts.py": GRIDS,
    "autograd/compiler/scalars/captured_constants.py": (f"{PASSES}scalars/test_captured_constants.py",),
    "autograd/compiler/scalars/first_weights.py": SPLITTING,
    "autograd/compiler/scalars/sums/empty_rows.py": (f"{PASSES}scalars/test_empty_rows.py",),
    "autograd/compiler/scalars/sums/increments.py": SPLITTING,
    "autograd/compiler/scalars/sums/long_rows.py": SPLITTING,
    "autograd/compiler/scalars/sums/projections.py": SPLITTING,
    "autograd/compiler/scalars/sums/unit_rows.py": (f"{PASSES}scalars/test_unit_rows.py",),
    "autograd/compiler/arrays/dead_code.py": (f"{PASSES}test_transposes.py", f"{PASSES}test_differentiate.py"),
    "autograd/compiler/arrays/shapes.py": (f"{PASSES}test_shapes.py", f"{PASSES}test_malformed.py"),
    "autograd/compiler/arrays/softmax.py": (f"{PASSES}test_softmax.py",),
    "autograd/compiler/axes/divisions.py": AXES,
    "autograd/compiler/axes/lengths.py": AXES,
    "autograd/compiler/axes/links.py": AXES,
    "autograd/compiler/axes/rewrite.py": AXES,
    "autograd/compiler/axes/rules.py": AXES,
    "autograd/compiler/axes/step.py": AXES,
    "autograd/compiler/axes/structure.py": AXES,
    "autograd/compiler/axes/views.py": AXES,
    "autograd/compiler/differentiate/cotangents.py": (f"{PASSES}test_transposes.py", f"{PASSES}test_differentiate.py"),
    "autograd/compiler/differentiate/over_steps.py": (f"{PASSES}differentiate/test_sums_over_steps.py",),
    "autograd/compiler/differentiate/replay.py": (f"{PASSES}test_straight_line.py",),
    "autograd/compiler/differentiate/reverse.py": (
        f"{PASSES}test_straight_line.py",
        f"{PASSES}test_differentiate.py",
        f"{PASSES}test_loop.py::test_a_recurrent_network_prints_backpropagation_through_time",
    ),
    "autograd/compiler/differentiate/rules.py": (f"{PASSES}test_differentiate.py",),
    "autograd/compiler/differentiate/saving.py": (f"{PASSES}test_saving.py",),
    "autograd/compiler/differentiate/transposes.py": (f"{PASSES}test_transposes.py", f"{PASSES}test_differentiate.py"),
    "autograd/compiler/differentiate/unrolled.py": (f"{PASSES}test_straight_line.py",),
    "autograd/compiler/recover/classify.py": (f"{PASSES}recover/test_classes.py", f"{PASSES}test_recover_groups.py"),
    "autograd/compiler/recover/components.py": (f"{PASSES}recover/test_families.py",),
    "autograd/compiler/recover/families.py": (f"{PASSES}recover/test_families.py",),
    "autograd/compiler/recover/groups.py": (
        f"{PASSES}recover/test_group_reads.py",
        f"{PASSES}test_recover_order.py",
        *SUMS_LOWERED,
    ),
    "autograd/compiler/recover/guards.py": (f"{PASSES}recover/test_guarding.py",),
    "autograd/compiler/recover/index.py": (f"{PASSES}recover/test_index_maps.py", f"{PASSES}test_recover_order.py"),
    "autograd/compiler/recover/join.py": (
        f"{PASSES}recover/test_joining.py",
        f"{PASSES}test_recover_order.py",
        f"--deselect={PASSES}test_recover_order.py::test_hashes_do_not_decide_about_groups",
    ),
    "autograd/compiler/recover/naming.py": (f"{PASSES}recover/test_names.py",),
    "autograd/compiler/recover/order.py": (f"{PASSES}recover/test_orders.py", f"{PASSES}test_recover_order.py"),
    "autograd/compiler/recover/padding.py": (f"{PASSES}recover/test_padding.py", f"{PASSES}recover/test_classes.py"),
    "autograd/compiler/recover/padding_values.py": (f"{PASSES}recover/test_padding.py",),
    "autograd/compiler/recover/reading_order.py": (f"{PASSES}recover/test_families.py",),
    "autograd/compiler/recover/reorder.py": (f"{PASSES}recover/test_reordering.py",),
    "autograd/compiler/recover/schedule.py": (f"{PASSES}test_recover_groups.py",),
    "autograd/compiler/recover/sums/blocks.py": (
        f"{PASSES}recover/test_group_reads.py",
        *CONTRACTIONS,
        *SUMS_LOWERED,
    ),
    "autograd/compiler/recover/sums/contractions.py": CONTRACTIONS,
    "autograd/compiler/recover/sums/lower.py": SUMS_LOWERED,
    "autograd/compiler/recover/sums/patches.py": CONTRACTIONS,
    "autograd/compiler/recover/sums/products.py": CONTRACTIONS,
    "autograd/compiler/recover/sums/running.py": (f"{PASSES}recover/test_running_sums.py",),
    "autograd/compiler/recover/sums/stencils.py": CONTRACTIONS,
    "autograd/compiler/recover/sums/summands.py": SUMS_LOWERED,
    "autograd/compiler/recover/sums/terms.py": (*CONTRACTIONS, *SUMS_LOWERED),
    "autograd/compiler/recover/unite.py": (f"{PASSES}recover/test_uniting.py",),
    "autograd/compiler/recover/unrolled.py": (f"{PASSES}recover/test_unrolled.py", f"{PASSES}test_recover_program.py"),
    "autograd/compiler/targets/parameter_buffer.py": (f"{PASSES}test_parameter_buffer.py",),
    "autograd/compiler/targets/straight_line/layout.py": (f"{PASSES}targets/test_straight_layout.py",),
    "autograd/compiler/targets/libraries/parameters.py": (
        f"{PASSES}targets/test_parameters.py",
        f"{PASSES}elsewhere/test_to_torch.py",
        f"{PASSES}elsewhere/test_padding_elsewhere.py",
    ),
}
"""The tests of each file, as arguments of pytest: the smallest set that should detect all mistakes in it."""


class Mutant(NamedTuple):
    """A mistake, and whether a test detected it.

    Attributes:
        outcome: "killed" or "survived".
        diff: the change.
    """

    outcome: str
    diff: str


def main() -> None:
    """Parse the command line, and run mutation tests of the named files."""
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
    """Return the outcome of each mutant of a file, in a copy of the checkout.

    Raises:
        subprocess.CalledProcessError: if the tests cannot be run.
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
    """Copy tracked and new files."""
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
