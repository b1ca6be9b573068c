"""Draw the picture of `python -m benchmarks compile`: times on logarithmic axes, with one bar per engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from autograd.drawing.colours import BLUE
from benchmarks import thin
from benchmarks.epoch import ENGINES
from benchmarks.measure import Numbers, median

OURS, PEER = BLUE, "#9a9a9a"  # colors that also differ in lightness
WIDTH, DPI = 8.0, 100  # 800 pixels


class Bar(NamedTuple):
    """A label, seconds, whether it is this package's, and whether it was extrapolated from a smaller run."""

    name: str
    seconds: float
    ours: bool = False
    scaled: bool = False


def draw(
    file: Path,
    epochs: dict[tuple[str, int, int, str], list[Numbers]],
    one_sample: dict[tuple[str, str], list[Numbers]],
    programs: dict[str, list[Numbers]],
    count: int,
) -> None:
    """Write the picture as png or svg, depending on the file's extension. Raises OSError."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    run = program_bars(programs, "run", tuple(thin.ENGINES))
    compile_ = program_bars(programs, "compile", ("compiled", "source", "jax", "scan", "casadi"))
    panels = [
        (f"An epoch of {count:,} samples, MLP 784-50-10, batch 100", epoch_bars(epochs, one_sample, count)),
        (f"Thin program, {thin.NODES:,} nodes: value and gradient, once", run),
        (f"Thin program, {thin.NODES:,} nodes: compile and first result", compile_),
    ]
    heights = [len(bars) + 1.2 for _, bars in panels]
    with plt.rc_context({"font.size": 12, "svg.fonttype": "path"}):
        figure, axes = plt.subplots(
            len(panels),
            figsize=(WIDTH, 0.36 * sum(heights)),
            layout="constrained",
            gridspec_kw={"height_ratios": heights},
        )
        for ax, (title, bars) in zip(axes, panels):
            _draw_panel(ax, title, bars)
        figure.supxlabel("logarithmic scale, shorter is faster; * in proportion to a smaller run", fontsize=11)
        figure.savefig(file, dpi=DPI)
        plt.close(figure)


def epoch_bars(
    epochs: dict[tuple[str, int, int, str], list[Numbers]],
    one_sample: dict[tuple[str, str], list[Numbers]],
    count: int,
) -> list[Bar]:
    """Return bars of seconds per epoch; for engines that go node by node, extrapolated from one sample."""
    bars = []
    for (engine, collector), numbers in one_sample.items():
        if collector == "on":
            name = "micrograd *" if engine == "micrograd" else f"{thin.ENGINES['eager']} *"
            bars.append(Bar(name, count * median(numbers, "total"), engine == "lucidgrad", True))
    for (engine, *setting), numbers in epochs.items():
        if setting == [50, 100, "float64"] and engine in ("compiled", "numpy", "torch"):
            bars.append(Bar(ENGINES[engine], median(numbers, "epoch"), engine == "compiled"))
    return bars


def program_bars(programs: dict[str, list[Numbers]], name: str, engines: Sequence[str]) -> list[Bar]:
    """Return bars of seconds to "compile" or to "run" a thin program; JAX's are extrapolated from fewer nodes."""
    bars = []
    for engine in engines:
        scaled = engine == "jax"
        if numbers := programs.get(f"{engine} {thin.FEW if scaled else thin.NODES}"):
            seconds = median(numbers, name)
            seconds *= thin.NODES if name == "run" else thin.NODES / thin.FEW if scaled else 1
            label = thin.ENGINES[engine] + " *" * scaled
            bars.append(Bar(label, seconds, engine in ("eager", "source", "compiled"), scaled))
    return bars


def _draw_panel(ax: Any, title: str, bars: Sequence[Bar]) -> None:
    from matplotlib.ticker import LogLocator

    bars = sorted(bars, key=lambda bar: bar.seconds)
    places = range(len(bars))
    drawn = ax.barh(places, [bar.seconds for bar in bars], color=[OURS if bar.ours else PEER for bar in bars])
    for patch, bar in zip(drawn, bars):
        if bar.scaled:
            patch.set(hatch="//", edgecolor="white")
    ax.bar_label(drawn, [f" {_time(bar.seconds)}" for bar in bars], padding=1)
    ax.set_yticks(places, [bar.name for bar in bars])
    for tick, bar in zip(ax.get_yticklabels(), bars):
        tick.set_fontweight("bold" if bar.ours else "normal")
    ax.set_xscale("log")
    shortest, longest = bars[0].seconds, bars[-1].seconds
    ax.set_xlim(shortest / 4, longest * (longest / shortest) ** 0.25)
    ax.xaxis.set_major_locator(LogLocator(100 if longest > 1e4 * shortest else 10))
    ax.set_title(title, loc="left", fontsize=12, fontweight="bold")
    ax.xaxis.set_major_formatter(lambda seconds, _: f"{seconds:,.0f} s" if seconds > 0.9 else _time(seconds))
    ax.minorticks_off()
    ax.tick_params(axis="x", labelsize=10)
    ax.spines[["top", "right"]].set_visible(False)


def _time(seconds: float) -> str:
    """Format seconds with two digits and a suitable unit."""
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.995 * size * (2 if unit in ("h", "min") else 1):
            break
    number = seconds / size
    return f"{number:.2g} {unit}" if number < 99.5 else f"{number:.0f} {unit}"
