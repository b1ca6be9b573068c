"""Data to train on: the handwritten digits that come with scikit-learn, or a CSV file of the user's own.

Numbers are standardised and texts one-hot encoded by the statistics of the training part, which are kept as plain
numbers and names (`Preprocessing`) with the model, so that predictions treat new rows in the same way.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from autograd.arrays import NDArray, np
from nn.data import Array, one_hot

Task = Literal["classification", "regression"]

MOST_CATEGORIES = 100  # of a text column: more look like names or free text
MOST_INTEGER_CLASSES = 20  # of a column of whole numbers to be taken for labels


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes inputs: (number - mean) / scale, or a place for each category."""

    name: str
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Preprocessing:
    """How a table becomes inputs, and outputs become predictions.

    Attributes:
        columns: one for each input column.
        target: the name of the column to predict.
        classes: what the outputs stand for in classification; None in regression.
        mean, scale: of the target in regression, whose outputs are (target - mean) / scale.
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0

    def inputs(self, frame: Any) -> Array:
        """A pandas table as an array of inputs. Raises ValueError, naming row and column, for what does not fit."""
        missing = [column.name for column in self.columns if column.name not in frame.columns]
        if missing:
            raise ValueError(f"the table has no column {missing[0]!r}; it has {', '.join(map(repr, frame.columns))}")
        return np.hstack([_column_inputs(frame[column.name], column) for column in self.columns])

    def predictions(self, outputs: Array) -> list[Any]:
        """A class's name, or a number in the target's own units, for each row of outputs."""
        if self.classes is None:
            numbers: list[Any] = (outputs[:, 0] * self.scale + self.mean).tolist()
            return numbers
        return [self.classes[k] for k in outputs.argmax(axis=1)]

    def to_json(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> Preprocessing:
        """What `to_json` gave. Raises ValueError for anything else."""
        try:
            columns = tuple(
                Column(c["name"], float(c["mean"]), float(c["scale"]), c["categories"] and tuple(c["categories"]))
                for c in content["columns"]
            )
            classes = content["classes"] and tuple(map(str, content["classes"]))
            return cls(columns, str(content["target"]), classes, float(content["mean"]), float(content["scale"]))
        except (KeyError, TypeError, ValueError):
            raise ValueError("the model does not say how a table becomes its inputs: was it made by train?") from None


@dataclass(frozen=True)
class Dataset:
    """Samples to learn from and samples held out, as arrays, samples first.

    Attributes:
        title: one line on what it is.
        targets, held_out_targets: one-hot rows in classification, a standardised number a row in regression.
        preprocessing: how a table becomes such inputs.
        image_shape: rows and columns of pixels, where each sample is an image.
    """

    title: str
    inputs: Array
    targets: Array
    held_out_inputs: Array
    held_out_targets: Array
    preprocessing: Preprocessing
    image_shape: tuple[int, int] | None = None


def digits(held_out: float = 0.2, seed: int = 0) -> Dataset:
    """1,797 real handwritten digits of 8 × 8 pixels, brightness from 0 to 1, a stratified part of them held out.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, as scikit-learn ships it.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    table = load_digits()
    x, held_out_x, labels, held_out_labels = train_test_split(
        table.data / 16, table.target, test_size=held_out, stratify=table.target, random_state=seed
    )
    return Dataset(
        f"digits: {len(table.data):,} images of 8 x 8, {len(x):,} to learn from and {len(held_out_x):,} held out",
        x,
        one_hot(labels, 10),
        held_out_x,
        one_hot(held_out_labels, 10),
        Preprocessing(tuple(Column(name, scale=16.0) for name in table.feature_names), "digit", tuple("0123456789")),
        image_shape=(8, 8),
    )


def read_csv(path: str | Path) -> Any:
    """A CSV file (UTF-8, with a line of column names) as a pandas table. Raises OSError or ValueError."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # that it would drop what has no column
            frame = pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True, index_col=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from None
    if not len(frame):
        raise ValueError(f"{path} has no rows under its line of column names")
    return frame


def table(
    path: str | Path,
    target: str,
    drop: tuple[str, ...] = (),
    task: Task | None = None,
    held_out: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """A CSV file as samples, a part of them held out (stratified in classification).

    Args:
        target: the column to predict. Texts, and whole numbers of at most 20 kinds, are classes; else it is a number.
        drop: columns to leave out.
        task: to say what the target is, where the rule above is wrong.

    Raises:
        ValueError: for missing values (naming row and column), columns that do not exist or make no inputs.
        OSError: if the file cannot be read.
    """
    from sklearn.model_selection import train_test_split

    frame = read_csv(path)
    for name in (target, *drop):
        if name not in frame.columns:
            raise ValueError(f"{path} has no column {name!r}; it has {', '.join(map(repr, frame.columns))}")
    if target in drop:
        raise ValueError(f"{target!r} is the column to predict, so it cannot be dropped")
    frame = frame.drop(columns=list(drop))
    _refuse_missing(frame)
    inputs = frame.drop(columns=target).apply(_numbers_or_texts)
    if not len(inputs.columns):
        raise ValueError(f"{path} has no column to predict {target!r} from")
    if task is None:
        task = "classification" if _looks_like_classes(frame[target]) else "regression"
    labels = frame[target].map(_label) if task == "classification" else _as_numbers(frame[target])
    x, held_out_x, y, held_out_y = train_test_split(
        inputs, labels, test_size=held_out, stratify=labels if task == "classification" else None, random_state=seed
    )
    columns = tuple(_fitted_column(x[name]) for name in inputs.columns)
    if task == "classification":
        classes = tuple(
            sorted(labels.unique(), key=lambda label: (len(label), label) if label.isdigit() else (99, label))
        )
        if len(classes) < 2:
            raise ValueError(f"column {target!r} holds a single class, {classes[0]!r}: there is nothing to tell apart")
        preprocessing = Preprocessing(columns, target, classes)
        y, held_out_y = (one_hot([classes.index(label) for label in part], len(classes)) for part in (y, held_out_y))
    else:
        mean, scale = _mean_and_scale(y.to_numpy(dtype=float))
        preprocessing = Preprocessing(columns, target, None, mean, scale)
        y, held_out_y = ((part.to_numpy(dtype=float).reshape(-1, 1) - mean) / scale for part in (y, held_out_y))
    return Dataset(
        f"{Path(path).name}: {task} of {target!r}, {len(x):,} rows to learn from and {len(held_out_x):,} held out",
        preprocessing.inputs(x),
        y,
        preprocessing.inputs(held_out_x),
        held_out_y,
        preprocessing,
    )


def _numbers_or_texts(series: Any) -> Any:
    """A column as floats, or as texts where most of its cells are no numbers; named where they disagree."""
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(series) or series.astype(str).map(_is_number).mean() > 0.5:
        return _as_numbers(series)
    return series.astype(str)


def _fitted_column(series: Any) -> Column:
    """The statistics of one column of the training part, as scikit-learn finds them."""
    from pandas.api.types import is_numeric_dtype
    from sklearn.preprocessing import OneHotEncoder

    name = str(series.name)
    if is_numeric_dtype(series):
        return Column(name, *_mean_and_scale(series.to_numpy(dtype=float)))
    categories = OneHotEncoder().fit(series.to_frame()).categories_[0]
    if len(categories) > MOST_CATEGORIES or len(categories) == len(series):
        raise ValueError(
            f"column {name!r} has {len(categories)} different texts in {len(series)} rows, which look like names or "
            f"free text and teach nothing: leave it out with --drop {name!r}"
        )
    return Column(name, categories=tuple(map(str, categories)))


def _column_inputs(series: Any, column: Column) -> Array:
    _refuse_missing(series.to_frame())
    if column.categories is None:
        numbers: Array = _as_numbers(series).to_numpy(dtype=float)
        return ((numbers - column.mean) / column.scale).reshape(-1, 1)
    texts = series.astype(str).to_numpy()
    places: NDArray[np.bool_] = texts[:, None] == np.array(column.categories)
    unknown = ~places.any(axis=1)
    if unknown.any():
        row = int(unknown.argmax())
        raise ValueError(
            f"row {series.index[row] + 1}, column {column.name!r}: {texts[row]!r} did not occur in the rows that the "
            f"network learned from, which have {', '.join(map(repr, column.categories[:10]))}"
        )
    return places.astype(float)


def _mean_and_scale(numbers: Array) -> tuple[float, float]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(numbers.reshape(-1, 1))
    return float(scaler.mean_[0]), float(scaler.scale_[0])


def _refuse_missing(frame: Any) -> None:
    rows, columns = np.nonzero(frame.isna().to_numpy())
    if len(rows):
        raise ValueError(
            f"row {frame.index[rows[0]] + 1}, column {frame.columns[columns[0]]!r}: the value is missing, one of "
            f"{len(rows)} in the table; fill them in, or leave out the rows or columns"
        )


def _as_numbers(series: Any) -> Any:
    """A column as finite numbers. Raises ValueError naming the first cell that is none."""
    import pandas as pd

    numbers = pd.to_numeric(series, errors="coerce").astype(float)
    bad = ~np.isfinite(numbers.to_numpy())
    if bad.any():
        row = series.index[int(bad.argmax())]
        raise ValueError(f"row {row + 1}, column {series.name!r}: {series[row]!r} is no finite number")
    return numbers


def _looks_like_classes(series: Any) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_bool_dtype(series) or not is_numeric_dtype(series):
        return True
    return bool((series % 1 == 0).all()) and series.nunique() <= MOST_INTEGER_CLASSES


def _label(cell: Any) -> str:
    """A class's name: whole numbers without a decimal point."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
