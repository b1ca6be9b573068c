"""Measure a small GPT: compiled against NumPy and PyTorch, eager against a minimal engine, and the time to compile."""

from __future__ import annotations

from benchmarks.gpt_arrays import Sizes
from benchmarks.measure import (
    PASSES,
    Job,
    Numbers,
    alternate,
    is_installed,
    median,
    print_facts,
    print_table,
    print_target,
    refuse_unequal,
    spread,
    use_two_threads,
)

PEERS = ("numpy", "torch")
ARRAYS = {
    "compiled": "lucidgrad, compiled",
    "source": "lucidgrad, no llvmlite",
    "numpy": "NumPy by hand",
    "torch": "PyTorch, 2 threads",
}
SCALARS = {
    "wide": "lucidgrad: dot, softmax, take",
    "elementary": "lucidgrad, elementary",
    "minimal": "a minimal engine",
}
WRITTEN = {"compile": "sums of products", "compile-wide": "dot"}
DOCUMENTS = {1: 1.0, 32: 1.0, 256: 1.1}  # targets: time relative to handwritten NumPy
LENGTHS = {8: 0.8, 16: 3.0}  # targets: seconds to compile
AGAINST_MINIMAL = {"wide": 0.6, "elementary": 1.05}
RESULTS = ("cost", *(f"gradient to {name}" for name in Sizes(positions=1).shapes))
TOLERANCE = 1e-10


def run(rounds: int) -> None:
    """Measure and print everything, each number in `rounds` fresh processes."""
    use_two_threads()
    print_facts(PEERS)
    compare_steps(rounds)
    compare_scalars(rounds)
    time_compiling(rounds)


def compare_steps(rounds: int) -> None:
    """Print milliseconds per step of a batch of documents, and ratios.

    Raises:
        SystemExit: if the engines do not compute the same, in which case their times mean nothing.
    """
    engines = [engine for engine in ARRAYS if engine != "torch" or is_installed("torch")]
    jobs: dict[tuple[str, int], Job] = {
        (engine, count): ("-m", "benchmarks.gpt_step", engine, str(count)) for count in DOCUMENTS for engine in engines
    }
    by_job = alternate(list(jobs.values()), rounds, "a step")
    measured = {key: by_job[job] for key, job in jobs.items()}
    for count in DOCUMENTS:
        _refuse_unequal(f"{count} documents", {engine: measured[engine, count] for engine in engines})
    rows = [
        [
            f"{count} document{'s' if count > 1 else ''}",
            ARRAYS[engine],
            f"{1e3 * median(numbers, 'step'):.3f}",
            spread(numbers, "step", 1e3, digits=3),
            *(
                f"{median(numbers, 'step') / median(measured[peer, count], 'step'):.2f}" if peer in engines else "-"
                for peer in PEERS
            ),
        ]
        for (engine, count), numbers in measured.items()
    ]
    header = ["8 tokens each", "engine", "step, ms", "min-max", "/ NumPy", "/ PyTorch"]
    print_table(f"GPT, 1 layer, 16 wide, 4 heads: forward and backward (medians of {rounds} processes)", header, rows)
    for count, most in DOCUMENTS.items():
        ratio = median(measured["compiled", count], "step") / median(measured["numpy", count], "step")
        print_target(f"a step of {count}, compiled, times NumPy by hand", ratio, at_most=most)
    if "torch" not in engines:
        print("left out: PyTorch is not installed (pip install torch)")


def compare_scalars(rounds: int) -> None:
    """Print milliseconds of each pass of one document, node by node, with the collector on, as it is for users.

    Raises:
        SystemExit: if the engines do not compute the same, in which case their times mean nothing.
    """
    jobs: dict[str, Job] = {engine: ("-m", "benchmarks.gpt_step", engine, "1") for engine in SCALARS}
    by_job = alternate(list(jobs.values()), rounds, "node by node")
    measured = {engine: by_job[job] for engine, job in jobs.items()}
    _refuse_unequal("a document, node by node", measured)
    total = {engine: median(numbers, "total") for engine, numbers in measured.items()}
    rows = [
        [
            SCALARS[engine],
            *(f"{1e3 * median(numbers, name):.1f}" for name in PASSES),
            f"{1e3 * total[engine]:.1f}",
            spread(numbers, "total", 1e3),
            f"{total[engine] / total['minimal']:.2f}",
        ]
        for engine, numbers in measured.items()
    ]
    header = ["the same GPT", *PASSES, "total", "min-max", "/ minimal"]
    print_table(f"One document node by node, collector on, ms (medians of {rounds} processes)", header, rows)
    for engine, most in AGAINST_MINIMAL.items():
        ratio = total[engine] / total["minimal"]
        print_target(f"{SCALARS[engine]}, times the minimal engine's time", ratio, at_most=most)


def time_compiling(rounds: int) -> None:
    """Print seconds to compile the loss of a document, including all traces, and the size of the program."""
    jobs: dict[tuple[str, int], Job] = {
        (written, length): ("-m", "benchmarks.gpt_step", written, str(length))
        for length in LENGTHS
        for written in WRITTEN
    }
    by_job = alternate(list(jobs.values()), rounds, "time to compile")
    measured = {key: by_job[job] for key, job in jobs.items()}
    for length in LENGTHS:
        _refuse_unequal(f"{length} tokens, compiled", {written: measured[written, length] for written in WRITTEN})
    rows = [
        [
            f"{length} tokens, {WRITTEN[written]}",
            *(f"{numbers[0][name]:,.0f}" for name in ("nodes", "lines", "operations", "products")),
            f"{median(numbers, 'compile'):.2f}",
            spread(numbers, "compile", digits=2),
            f"{median(numbers, 'peak') / 1e6:,.0f}",
        ]
        for (written, length), numbers in measured.items()
    ]
    header = ["loss of a document", "nodes", "lines", "operations", "products", "compile, s", "min-max", "peak RSS, MB"]
    print_table(f"Time to compile (medians of {rounds} processes)", header, rows)
    for length, most in LENGTHS.items():
        print_target(f"compile {length} tokens, s", median(measured["compile", length], "compile"), at_most=most)


def _refuse_unequal(what: str, measured: dict[str, list[Numbers]]) -> None:
    """Exit if the cost or a gradient differs from the first engine's by more than the relative tolerance."""
    for name in RESULTS:
        refuse_unequal(what, measured, name, TOLERANCE)
