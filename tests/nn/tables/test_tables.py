"""The user's tables and the handwritten digits: how they become samples, and the errors for invalid ones."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nn.tables import Column, Dataset, Preprocessing, digits, read_csv, table
from nn.tables.numerals import AS_TEXT

Array = NDArray[np.float64]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes lines into a file, and returns its path."""

    def write_lines(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / "table.csv"
        path.write_bytes("".join(line + end for line in lines).encode(encoding))
        return path

    return write_lines


def rows(n: int = 20, target: Callable[[int], object] = lambda k: "yes" if k % 2 else "no") -> list[str]:
    """Return a table of two columns of distinct numbers, one column of texts, and a target."""
    return [
        "a,b,colour,y",
        *(f"{k},{math.sin(k):.6f},{('red', 'green', 'blue')[k % 3]},{target(k)}" for k in range(n)),
    ]


def parts(dataset: Dataset, column: int) -> tuple[list[float], list[float]]:
    """Return a column's numbers as they are in the file, of the training rows and of the held-out rows."""
    fitted = dataset.preprocessing.columns[column]
    learned, held_out = (
        (part[:, column] * fitted.scale + fitted.mean).tolist() for part in (dataset.inputs, dataset.held_out_inputs)
    )
    return learned, held_out


# A table becomes samples


def test_every_row_is_either_learned_from_or_held_out(write: Write) -> None:
    dataset = table(write(*rows(20)), "y", held_out=0.3)
    learned, held_out = parts(dataset, 0)
    assert (len(learned), len(held_out)) == (14, 6)
    assert sorted(round(x) for x in learned + held_out) == list(range(20))
    assert len(dataset.targets) == 14
    assert len(dataset.held_out_targets) == 6


def test_numbers_are_standardised_by_the_statistics_of_the_rows_to_learn_from_alone(write: Write) -> None:
    dataset = table(write(*rows(20)), "y")
    for column, whole in ((0, [float(k) for k in range(20)]), (1, [round(math.sin(k), 6) for k in range(20)])):
        learned, _ = parts(dataset, column)
        fitted = dataset.preprocessing.columns[column]
        assert fitted.mean == pytest.approx(statistics.fmean(learned), rel=1e-12)
        assert fitted.scale == pytest.approx(statistics.pstdev(learned), rel=1e-12)
        assert abs(fitted.mean - statistics.fmean(whole)) > 1e-3, "the split happens to hide what is tested here"
        standardised = dataset.inputs[:, column]
        assert standardised.mean() == pytest.approx(0.0, abs=1e-12)
        assert standardised.std() == pytest.approx(1.0, rel=1e-12)


def test_texts_become_a_place_for_each_category(write: Write) -> None:
    dataset = table(write(*rows(20)), "y")
    assert dataset.preprocessing.columns[2].categories == ("blue", "green", "red")
    for part, numbers in zip((dataset.inputs, dataset.held_out_inputs), parts(dataset, 0)):
        expected = np.array([[k % 3 == 2, k % 3 == 1, k % 3 == 0] for k in map(round, numbers)], dtype=float)
        np.testing.assert_array_equal(part[:, 2:], expected)


def test_targets_stay_with_their_rows(write: Write) -> None:
    dataset = table(write(*rows(20)), "y")
    assert dataset.preprocessing.classes == ("no", "yes")
    for targets, numbers in zip((dataset.targets, dataset.held_out_targets), parts(dataset, 0)):
        assert targets.tolist() == [[1 - k % 2, k % 2] for k in map(round, numbers)]


def test_held_out_rows_are_stratified_by_class(write: Write) -> None:
    dataset = table(write(*rows(40, lambda k: "rare" if k % 5 == 0 else "common")), "y", held_out=0.25)
    assert dataset.held_out_targets.sum(axis=0).tolist() == [8.0, 2.0]
    assert dataset.targets.sum(axis=0).tolist() == [24.0, 6.0]


def test_numbers_as_targets_are_standardised_and_come_back_in_their_own_units(write: Write) -> None:
    dataset = table(write(*rows(20, lambda k: 1000.5 + 3 * k)), "y")
    preprocessing = dataset.preprocessing
    assert preprocessing.classes is None
    learned, held_out = parts(dataset, 0)
    wanted = [1000.5 + 3 * k for k in learned]
    assert preprocessing.mean == pytest.approx(statistics.fmean(wanted), rel=1e-12)
    assert preprocessing.scale == pytest.approx(statistics.pstdev(wanted), rel=1e-12)
    assert dataset.targets.mean() == pytest.approx(0.0, abs=1e-12)
    assert preprocessing.predictions(dataset.held_out_targets) == pytest.approx([1000.5 + 3 * k for k in held_out])


def test_a_column_of_one_number_stays_finite(write: Write) -> None:
    dataset = table(write("a,c,y", *(f"{k},7,{k % 2}" for k in range(12))), "y")
    assert set(dataset.inputs[:, 1]) == {0.0}
    assert set(dataset.held_out_inputs[:, 1]) == {0.0}


def test_truth_values_are_0_and_1(write: Write) -> None:
    dataset = table(write("a,y", *(f"{'True' if k % 3 else 'False'},{k % 2}" for k in range(12))), "y")
    learned, held_out = parts(dataset, 0)
    assert sorted(round(x) for x in learned + held_out) == [0] * 4 + [1] * 8


def test_columns_can_be_dropped(write: Write) -> None:
    dataset = table(write(*rows()), "y", drop=("colour", "a"))
    assert [column.name for column in dataset.preprocessing.columns] == ["b"]
    assert dataset.inputs.shape[1] == 1


@pytest.mark.parametrize(
    ("target", "classes"),
    [
        (lambda k: ("cat", "dog")[k % 2], ("cat", "dog")),
        (lambda k: k % 2, ("0", "1")),
        (lambda k: (10, 9, 100)[k % 3], ("9", "10", "100")),
        (lambda k: f"{k % 2}.0", ("0", "1")),
        (lambda k: bool(k % 2), ("False", "True")),
        (lambda k: k % 20, tuple(map(str, range(20)))),
        (lambda k: ("größer", "日本")[k % 2], ("größer", "日本")),
    ],
    ids=["texts", "0 and 1", "in order of number", "with a point", "truth values", "20 whole numbers", "any letters"],
)
def test_texts_and_few_whole_numbers_are_classes(
    target: Callable[[int], object], classes: tuple[str, ...], write: Write
) -> None:
    assert table(write(*rows(100, target)), "y").preprocessing.classes == classes


@pytest.mark.parametrize(
    "target", [lambda k: k + 0.5, lambda k: k % 21, lambda k: -k], ids=["fractions", "21 whole numbers", "many"]
)
def test_other_numbers_are_predicted_as_numbers(target: Callable[[int], object], write: Write) -> None:
    assert table(write(*rows(100, target)), "y").preprocessing.classes is None


def test_the_task_can_be_said_where_the_rule_is_wrong(write: Write) -> None:
    assert table(write(*rows(40, lambda k: k % 4)), "y", task="regression").preprocessing.classes is None
    dataset = table(write(*rows(40, lambda k: (0.5, 1.5)[k % 2])), "y", task="classification")
    assert dataset.preprocessing.classes == ("0.5", "1.5")


def test_the_same_seed_holds_out_the_same_rows_and_another_one_others(write: Write) -> None:
    path = write(*rows(40))
    held_out = [sorted(parts(table(path, "y", seed=seed), 0)[1]) for seed in (1, 1, 2)]
    assert held_out[0] == held_out[1]
    assert held_out[0] != held_out[2]


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8-sig", "\n"), ("utf-8", "\r\n")], ids=["byte order mark", "Windows line ends"]
)
def test_files_of_spreadsheet_programs_are_read(encoding: str, end: str, write: Write) -> None:
    frame = read_csv(write('größe,"a, b"', '1," x"', "2, y", encoding=encoding, end=end))
    assert frame.names == ("größe", "a, b")
    assert frame["größe"].tolist() == ["1", "2"]
    assert frame["a, b"].tolist() == ["x", "y"]


def test_integers_beyond_64_bits_are_numbers(write: Write) -> None:
    dataset = table(write("a,y", *(f"{10**30 + k * 10**28},{k % 2}" for k in range(12))), "y")
    learned, held_out = parts(dataset, 0)
    assert sorted(learned + held_out) == pytest.approx([1e30 + k * 1e28 for k in range(12)], rel=1e-12)


# New rows are treated like the training rows


def frame_of(write: Write, *lines: str) -> Any:
    return read_csv(write(*lines))


PREPROCESSING = Preprocessing(
    (Column("a", mean=2.0, scale=4.0), Column("colour", categories=("blue", "red"), reading=AS_TEXT)),
    "y",
    ("no", "yes"),
)


def test_new_rows_are_standardised_by_the_old_statistics(write: Write) -> None:
    inputs = PREPROCESSING.inputs(frame_of(write, "a,colour", "10,red", "2,blue"))
    assert inputs.tolist() == [[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


def test_columns_are_found_by_name_and_others_are_left_alone(write: Write) -> None:
    inputs = PREPROCESSING.inputs(frame_of(write, "id,colour,y,a", "x,red,,10", "y,blue,no,2"))
    assert inputs.tolist() == [[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


def test_categories_that_look_like_numbers_are_recognised(write: Write) -> None:
    """A column of "1", "2" and "x" is read as text, also in a file where only the numbers occur."""
    preprocessing = Preprocessing((Column("size", categories=("1", "2", "x"), reading=AS_TEXT),), "y", ("no", "yes"))
    assert preprocessing.inputs(frame_of(write, "size", "2", "1")).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_predictions_are_the_names_of_the_largest_outputs() -> None:
    assert PREPROCESSING.predictions(np.array([[0.2, 0.1], [0.3, 0.9]])) == ["no", "yes"]


def test_preprocessing_survives_json() -> None:
    for preprocessing in (
        PREPROCESSING,
        Preprocessing((Column("größe", 0.1, 1 / 3),), "preis", None, 1e300, 1e-300),
    ):
        assert Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json()))) == preprocessing


@pytest.mark.parametrize(
    "content",
    [
        *(None, 5, "text", [], {}, {"columns": []}),
        {**PREPROCESSING.to_json(), "columns": 5},
        {**PREPROCESSING.to_json(), "columns": [{"name": "a"}]},
        {**PREPROCESSING.to_json(), "mean": "high"},
        {**PREPROCESSING.to_json(), "classes": 5},
    ],
    ids=repr,
)
def test_what_is_no_preprocessing_is_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="no encoding for tables"):
        Preprocessing.from_json(content)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["colour", "red"], "no column 'a'; it has 'colour'"),
        (["a,colour", "1,red", "oops,red"], "line 3, column 'a': 'oops' is not a finite number"),
        (["a,colour", "1,red", ",red"], "line 3, column 'a': the value is missing"),
        (["a,colour", "1,red", "2,"], "line 3, column 'colour': the value is missing"),
        (["a,colour", "1,red", "inf,red"], "line 3, column 'a': .*inf.* is not a finite number"),
    ],
    ids=["column", "junk", "missing number", "missing text", "infinity"],
)
def test_new_rows_that_do_not_fit_are_refused_by_row_and_column(lines: list[str], message: str, write: Write) -> None:
    with pytest.raises(ValueError, match=message):
        PREPROCESSING.inputs(frame_of(write, *lines))


# Errors


@pytest.mark.parametrize("cell", ["oops", "inf", "-inf", "1,5"])
def test_junk_in_a_column_of_numbers_is_named_wherever_it_stands(cell: str, write: Write) -> None:
    """The row may be a training row or a held-out row."""
    for row in range(1, 21):
        lines = rows(20)
        cells = lines[row].split(",")
        lines[row] = ",".join([cells[0], f'"{cell}"', *cells[2:]])
        with pytest.raises(ValueError, match=f"line {row + 1}, column 'b': .*{cell}"):
            table(write(*lines), "y")


@pytest.mark.parametrize("missing", ["", "NA", "nan", "NULL"])
@pytest.mark.parametrize("column", [0, 2, 3])
def test_a_missing_value_is_named_by_row_and_column(column: int, missing: str, write: Write) -> None:
    lines = rows(20)
    cells = lines[7].split(",")
    cells[column] = missing
    lines[7] = ",".join(cells)
    with pytest.raises(ValueError, match=f"line 8, column '{lines[0].split(',')[column]}': .*missing"):
        table(write(*lines), "y")


def test_a_missing_value_in_a_dropped_column_does_not_matter(write: Write) -> None:
    dataset = table(write("a,b,y", *(f"{k},,{k % 2}" for k in range(12))), "y", drop=("b",))
    assert dataset.inputs.shape == (9, 1)


def test_junk_in_a_target_of_numbers_is_named(write: Write) -> None:
    lines = rows(40, lambda k: "oops" if k == 11 else k + 0.5)
    with pytest.raises(ValueError, match="line 13, column 'y': 'oops'"):
        table(write(*lines), "y", task="regression")


def test_a_text_that_occurs_in_held_out_rows_alone_is_another_category_and_named(write: Write) -> None:
    path = write(*rows(20))
    _, held_out = parts(table(path, "y"), 0)
    row = round(held_out[0]) + 1
    lines = rows(20)
    lines[row] = lines[row].replace("red", "pink").replace("green", "pink").replace("blue", "pink")
    dataset = table(write(*lines), "y")
    assert dataset.held_out_inputs[0, 2:].tolist() == [0.0, 0.0, 0.0]
    remark = f"column 'colour': 'pink' (line {row + 1}) is not among the categories"
    assert any(remark in line for line in dataset.remarks)


BAD_TABLES: list[tuple[str, list[str], dict[str, Any], str | None]] = [
    ("no such target", rows(), {"target": "z"}, "no column 'z'; it has 'a', 'b', 'colour', 'y'"),
    ("no such column to drop", rows(), {"drop": ("z",)}, "no column 'z'; it has 'a'"),
    ("the target dropped", rows(), {"drop": ("y",)}, "'y'"),
    ("everything dropped", rows(), {"drop": ("a", "b", "colour")}, "no column to predict 'y' from"),
    ("one column", ["y", *"ababababab"], {}, "no column to predict 'y' from"),
    ("one class", rows(20, lambda k: "same"), {}, "a single class, 'same'"),
    ("nothing", [], {}, "cannot be read|no columns|empty"),
    ("names alone", ["a,b,y"], {}, "has no rows"),
    ("names of people", ["name,y", *(f"person {k},{k % 2}" for k in range(30))], {}, "column 'name'.*--drop 'name'"),
    ("a single row", ["a,y", "1,2"], {}, None),
    ("a class that occurs once", rows(20, lambda k: "rare" if k == 3 else "common"), {}, None),
    ("more values than names", ["a,b,y", *(f"{k},{k + 1},{k % 2},{k % 3}" for k in range(20))], {}, None),
    ("more values in one row", [*rows(20), "1,2,red,yes,more"], {}, "cannot be read"),
]


@pytest.mark.parametrize(
    ("lines", "settings", "message"), [case[1:] for case in BAD_TABLES], ids=[case[0] for case in BAD_TABLES]
)
def test_a_table_that_cannot_be_learned_from_is_refused(
    lines: list[str], settings: dict[str, Any], message: str | None, write: Write
) -> None:
    with pytest.raises(ValueError, match=message):
        table(write(*lines), **{"target": "y", **settings})


def test_a_comma_at_the_end_of_every_row_does_not_shift_the_columns(write: Write) -> None:
    """Either the file is rejected, or cells are read under the name at the top of their column."""
    path = write("a,b,y", *(f"{k},{k + 100},{k % 2}," for k in range(20)))
    try:
        frame = read_csv(path)
    except ValueError:
        return
    assert frame["a"].tolist() == [str(k) for k in range(20)]
    assert frame["b"].tolist() == [str(k) for k in range(100, 120)]


def test_a_file_that_is_not_utf_8_is_refused_in_words(write: Write) -> None:
    with pytest.raises(
        ValueError, match=r"cannot be read as a table in UTF-8: byte 0xf6 on line 1 .*--encoding cp1252"
    ):
        read_csv(write("größe,y", "1,2", encoding="latin-1"))


def test_a_picture_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe")
    with pytest.raises(ValueError, match=r"picture\.csv"):
        read_csv(tmp_path / "picture.csv")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(OSError, match=tmp_path.name):
        read_csv(tmp_path)


# Digits


def test_digits_are_scikit_learns_with_a_stratified_part_held_out() -> None:
    from sklearn.datasets import load_digits

    theirs = load_digits()
    dataset = digits(held_out=0.2, seed=0)
    images = np.concatenate([dataset.inputs, dataset.held_out_inputs])
    labels = np.concatenate([dataset.targets, dataset.held_out_targets]).argmax(axis=1)
    assert images.shape == (1797, 64)
    assert (images.min(), images.max()) == (0.0, 1.0)
    counts = Counter((label, *image) for label, image in zip(labels.tolist(), (16 * images).tolist()))
    assert counts == Counter((label, *image) for label, image in zip(theirs.target.tolist(), theirs.data.tolist()))
    assert len(dataset.held_out_inputs) == 360
    for k in range(10):
        count = int((theirs.target == k).sum())
        assert abs(dataset.held_out_targets[:, k].sum() - 0.2 * count) < 1


def test_the_seed_decides_which_digits_are_held_out() -> None:
    assert digits(seed=1).held_out_inputs.tolist() == digits(seed=1).held_out_inputs.tolist()
    assert digits(seed=1).held_out_inputs.tolist() != digits(seed=2).held_out_inputs.tolist()


def test_a_table_of_digits_becomes_the_same_inputs() -> None:
    """A trained model can therefore predict from a table with scikit-learn's names for the pixels."""
    from sklearn.datasets import load_digits

    frame = load_digits(as_frame=True).data
    np.testing.assert_array_equal(digits().preprocessing.inputs(frame), load_digits().data / 16)
