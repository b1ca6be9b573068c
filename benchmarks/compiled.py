"""Compiled programs: epochs and a sample against peers, thin and recurrent programs, memory, the main job."""

from __future__ import annotations

from pathlib import Path

from benchmarks import compile_time, recurrent, thin
from benchmarks.epoch import ENGINES
from benchmarks.loops import single_numbers
from benchmarks.measure import (
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

PEERS = ("numpy", "torch", "micrograd", "jax", "casadi", "llvmlite")
SAMPLES = 50_000
QUICK_SAMPLES = 5_000
SETTINGS = {(50, 100): (1.15, 0.9), (30, 10): (1.25, 0.5)}  # hidden, batch: targets against NumPy and PyTorch
FIT = {(50, 100): 1.15, (30, 10): 1.3}  # targets of nn.fit against NumPy
SOURCE, FIT_SOURCE = {(50, 100): 1.1, (30, 10): 1.15}, {(50, 100): 1.2, (30, 10): 1.5}  # likewise without llvmlite
COLLECTOR = {"on": 100_000, "off": 40_000}  # targets: speed relative to micrograd

Setting = tuple[str, int, int, str]
"""An engine, the number of hidden neurons, the batch size, and the dtype."""
Measured = dict[Setting, list[Numbers]]


def run(rounds: int, quick: bool = False, picture: Path | None = None) -> None:
    """Measure and print everything, each number in several fresh processes.

    Args:
        rounds: the number of processes.
        quick: with a tenth of the samples, and without the largest graphs.
        picture: a file to draw the results into.
    """
    use_two_threads()
    print_facts(PEERS)
    count = QUICK_SAMPLES if quick else SAMPLES
    compile_time.report(rounds, quick)
    epochs = compare_epochs(rounds, count)
    one_sample = compare_one_sample(rounds, median(epochs["compiled", 50, 100, "float64"], "epoch") / count)
    measure_memory(epochs)
    programs = thin.report(rounds, quick)
    recurrent.report(rounds, quick)
    single_numbers.report(rounds)
    time_main_job(rounds)
    if picture is None:
        return
    if not is_installed("matplotlib"):
        print("no picture: matplotlib is not installed (pip install matplotlib)")
        return
    from benchmarks.compiled_picture import draw

    draw(picture, epochs, one_sample, programs, count)
    print(f"\nwrote {picture}")


def compare_epochs(rounds: int, count: int) -> Measured:
    """Print seconds per epoch of each engine, and ratios.

    Raises:
        SystemExit: if the engines do not reach the same cost, in which case their times mean nothing.
    """
    needed = {engine: "torch" if engine == "torch" else "llvmlite" if "source" in engine else "" for engine in ENGINES}
    engines = [engine for engine, package in needed.items() if not package or is_installed(package)]
    keys = [(engine, *setting, "float64") for setting in SETTINGS for engine in engines]
    keys += [(engine, 50, 100, "float32") for engine in ("compiled", "numpy", "torch") if engine in engines]
    jobs: dict[Setting, Job] = {key: ("-m", "benchmarks.epoch", *map(str, key), str(count), "time") for key in keys}
    by_job = alternate(list(jobs.values()), rounds, "epochs")
    measured = {key: by_job[job] for key, job in jobs.items()}
    for hidden, batch, dtype in dict.fromkeys(key[1:] for key in measured):
        of_setting = {key[0]: numbers for key, numbers in measured.items() if key[1:] == (hidden, batch, dtype)}
        for order in (False, True):
            same = {engine: numbers for engine, numbers in of_setting.items() if engine.endswith("shuffled") is order}
            what = f"784-{hidden}-10, batch {batch}, {dtype}{', shuffled' * order}"
            if same:
                refuse_unequal(what, same, "cost", 1e-8 if dtype == "float64" else 1e-3)
    _print_epochs(measured, rounds, count)
    return measured


def _print_epochs(measured: Measured, rounds: int, count: int) -> None:
    rows = []
    for (engine, hidden, batch, dtype), numbers in measured.items():
        peers = [measured.get((peer, hidden, batch, dtype)) for peer in ("numpy", "torch")]
        rows.append(
            [
                f"784-{hidden}-10, batch {batch}, {dtype}",
                ENGINES[engine],
                f"{median(numbers, 'epoch'):.3f}",
                spread(numbers, "epoch", digits=3),
                *(f"{median(numbers, 'epoch') / median(peer, 'epoch'):.2f}" if peer else "-" for peer in peers),
                f"{median(numbers, 'peak') / 1e6:,.0f}",
            ]
        )
    header = ["network", "engine", "epoch, s", "min-max", "/ NumPy", "/ PyTorch", "peak RSS, MB"]
    print_table(f"An epoch of {count:,} samples of 784 numbers (medians of {rounds} processes)", header, rows)
    for (hidden, batch), (against_numpy, against_torch) in SETTINGS.items():
        what = f"784-{hidden}-10, batch {batch}"
        numpy, compiled = measured["numpy", hidden, batch, "float64"], measured["compiled", hidden, batch, "float64"]
        products = median(numpy, "products")
        ratio = median(numpy, "epoch") / products
        print_target(f"{what}, NumPy by hand, times its bare matrix products of {products:.3f} s", ratio, at_most=1.4)
        ratio = median(compiled, "epoch") / median(numpy, "epoch")
        print_target(f"{what}, compiled, times NumPy by hand", ratio, at_most=against_numpy)
        of_fit = FIT if is_installed("llvmlite") else FIT_SOURCE
        for engine, targets in (("fit", of_fit), ("compiled-source", SOURCE), ("fit-source", FIT_SOURCE)):
            for order in ("", "-shuffled"):
                ours, peer = (measured.get((f"{x}{order}", hidden, batch, "float64")) for x in (engine, "numpy"))
                if ours and peer:
                    ratio = median(ours, "epoch") / median(peer, "epoch")
                    name = ENGINES[f"{engine}{order}"]
                    print_target(f"{what}, {name}, times NumPy by hand likewise", ratio, at_most=targets[hidden, batch])
        if torch := measured.get(("torch", hidden, batch, "float64")):
            ratio = median(compiled, "epoch") / median(torch, "epoch")
            print_target(f"{what}, compiled, times PyTorch", ratio, at_most=against_torch)
    if not is_installed("torch"):
        print("left out: PyTorch is not installed (pip install torch)")


def compare_one_sample(rounds: int, compiled: float) -> dict[tuple[str, str], list[Numbers]]:
    """Print seconds per sample, scalar by scalar, against those of the compiled epoch."""
    engines = [engine for engine in ("lucidgrad", "micrograd") if engine == "lucidgrad" or is_installed(engine)]
    jobs: dict[tuple[str, str], Job] = {
        (engine, state): ("-m", "benchmarks.one_sample", engine, state) for state in COLLECTOR for engine in engines
    }
    by_job = alternate(list(jobs.values()), rounds, "one sample")
    measured = {key: by_job[job] for key, job in jobs.items()}
    same = {f"{engine}, collector {state}": numbers for (engine, state), numbers in measured.items()}
    expected = {"NumPy": [{"loss": numbers[0]["expected"]} for numbers in same.values()]}
    refuse_unequal("one sample", expected | same, "loss", 1e-8)
    rows = [
        [
            f"{engine}, node by node",
            state,
            f"{1e3 * median(numbers, 'total'):.1f}",
            spread(numbers, "total", 1e3),
            f"{median(numbers, 'total') / compiled:,.0f}",
        ]
        for (engine, state), numbers in measured.items()
    ]
    rows.append(["lucidgrad, compiled: its epoch / samples", "on", f"{1e3 * compiled:.4f}", "-", "1"])
    header = ["784-50-10", "collector", "ms a sample", "min-max", "x compiled"]
    print_table(f"One sample, forward and backward (medians of {rounds} processes)", header, rows)
    for state, least in COLLECTOR.items():
        if numbers := measured.get(("micrograd", state)):
            ratio = median(numbers, "total") / compiled
            print_target(f"a sample, times as fast as micrograd, collector {state}", ratio, at_least=least)
    if "micrograd" not in engines:
        print("left out: micrograd is not installed (pip install micrograd)")
    return measured


def measure_memory(epochs: Measured) -> None:
    """Print the memory of training (measured once, since it is always the same) and of the process, against NumPy."""
    jobs: dict[tuple[str, int, int], Job] = {
        (engine, *setting): ("-m", "benchmarks.epoch", engine, *map(str, setting), "float64", "0", "memory")
        for setting in SETTINGS
        for engine in ("compiled", "numpy")
    }
    by_job = alternate(list(jobs.values()), 1, "memory")
    measured = {key: by_job[job][0]["bytes"] for key, job in jobs.items()}
    rows = [
        [f"784-{hidden}-10, batch {batch}", ENGINES[engine], f"{number / 1e3:,.0f}"]
        for (engine, hidden, batch), number in measured.items()
    ]
    print_table("Held at most while learning, samples left out, kB (by tracemalloc)", ["network", "engine", "kB"], rows)
    for hidden, batch in SETTINGS:
        what = f"784-{hidden}-10, batch {batch}"
        ratio = measured["compiled", hidden, batch] / measured["numpy", hidden, batch]
        print_target(f"{what}, held while learning, times NumPy by hand", ratio, at_most=2)
        for engine in ("compiled", "fit"):
            peaks = [median(epochs[name, hidden, batch, "float64"], "peak") for name in (engine, "numpy")]
            print_target(f"{what}, {ENGINES[engine]}: peak RSS, times NumPy's", peaks[0] / peaks[1], at_most=2)


def time_main_job(rounds: int) -> None:
    """Print the seconds of the main job, including the start of the interpreter."""
    if not is_installed("sklearn"):
        print("\nleft out: the main job, since scikit-learn is not installed (pip install 'lucidgrad[train]')")
        return
    job: Job = ("-m", "benchmarks.main_job", "30")
    measured = alternate([job], rounds, "main job")[job]
    rows = [
        [
            "lucidgrad train digits, 30 epochs",
            f"{median(measured, 'seconds'):.2f}",
            spread(measured, "seconds"),
            f"{median(measured, 'accuracy'):.1f}",
        ]
    ]
    header = ["main job", "wall clock, s", "min-max", "held-out accuracy, %"]
    print_table(f"The main job (medians of {rounds} processes)", header, rows)
    print_target("the main job, wall clock, s", median(measured, "seconds"), at_most=10)
