"""Tables as people have them: separators, numbers, encodings, gaps, rare categories; clear errors for the rest."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn.__main__ import main
from nn.tables import Dataset, Preprocessing, Reading, read_csv, table
from nn.tables.cells import TEXT

pytestmark = pytest.mark.usefixtures("without_curves")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str, encoding: str = "utf-8") -> str:
    Path("t.csv").write_bytes(text.encode(encoding))
    return "t.csv"


def dataset(lines: Collection[str], **settings: Any) -> Dataset:
    return table(written("\n".join(lines) + "\n"), "y", **settings)


def numbers(data: Dataset, name: str) -> list[float]:
    """Return the numbers that a column was read as, of all rows."""
    k = [column.name for column in data.preprocessing.columns].index(name)
    column = data.preprocessing.columns[k]
    assert column.categories is None
    place = data.preprocessing.input_names.index(name)
    inputs = np.concatenate([data.inputs, data.held_out_inputs])[:, place]
    return sorted((inputs * column.scale + column.mean).tolist())


# Separators, encodings


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_recognised(separator: str) -> None:
    rows = [["a", "b", "y"], *([f"{k}", f'"x{separator}{k % 3},;|"', f"{k % 2}"] for k in range(20))]
    frame = read_csv(written("\n".join(separator.join(row) for row in rows)))
    assert frame.names == ("a", "b", "y")
    assert frame["b"].tolist() == [f"x{separator}{k % 3},;|" for k in range(20)]


def test_the_line_that_tells_excel_the_separator_is_no_row() -> None:
    frame = read_csv(written("sep=;\r\na,1;b\r\n1,5;2\r\n"))
    assert (frame.names, frame.lines.tolist()) == (("a,1", "b"), [3])


def test_amounts_with_a_sign_are_pointed_out() -> None:
    lines = ["price,y", *(f"${k % 15}.50,{'no' if k < 30 else 'yes'}" for k in range(60))]
    assert any("'$0.50' is not a plain number" in remark for remark in dataset(lines).remarks)


def test_decimal_commas_between_semicolons_are_no_separators() -> None:
    assert read_csv(written("a;b;y\n1,5;2,5;x\n2,5;3,5;y\n")).names == ("a", "b", "y")


def test_a_separator_of_ones_own_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    written("a y\n" + "".join(f"{k} {'no' if k < 10 else 'yes'}\n" for k in range(20)))
    assert main(["train", "t.csv", "--target", "y", "--quiet"]) == 1
    assert "no column 'y'; it has 'a y'; if the columns have another separator, name it with --separator" in (
        capsys.readouterr().err
    )
    assert main(["train", "t.csv", "--target", "y", "--quiet", "--epochs", "1", "--separator", "space"]) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark_are_recognised(encoding: str) -> None:
    assert read_csv(written("größe,y\n1,日本\n", encoding)).names == ("größe", "y")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "shift-jis"])
def test_other_encodings_are_named_by_an_option(encoding: str, capsys: pytest.CaptureFixture[str]) -> None:
    word = "größe" if encoding != "shift-jis" else "日本"
    written(f"{word},y\n" + "".join(f"{k},{'no' if k < 10 else 'yes'}\n" for k in range(20)), encoding)
    options = ("train", "t.csv", "--target", "y", "--quiet", "--epochs", "1")
    assert main(options) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "--encoding" in err
    assert main([*options, "--encoding", encoding]) == 0
    assert main([*options, "--encoding", "klingon"]) == 1
    assert "'klingon' is not a known encoding" in capsys.readouterr().err


# Numbers


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.5", "2.25", "-3"], [-3, 1.5, 2.25]),
        (['"1,5"', '"2,25"', '"-3"'], [-3, 1.5, 2.25]),
        (['"1.234,5"', '"2,25"', "7"], [2.25, 7, 1234.5]),
        (['"1,234.5"', "2.25", "7"], [2.25, 7, 1234.5]),
        (['"1,234,567"', "2", "7"], [2, 7, 1234567]),
        (["1 234 567", "2", "7"], [2, 7, 1234567]),
        (["1\u202f234", "2.5", "7"], [2.5, 7, 1234]),
        (["1'234.5", "2.5", "7"], [2.5, 7, 1234.5]),
        (["12%", "7.5 %", "-3%"], [-3, 7.5, 12]),
        (['"12,5 %"', '"7 %"', '"3,25%"'], [3.25, 7, 12.5]),
        (["1e3", "2E-1", "5."], [0.2, 5, 1000]),
        (["−3", "+4", ".5"], [-3, 0.5, 4]),
        (["2024-02-29", "1970-01-01", "1969-12-31T12:00"], [-0.5, 0, 19782]),
        (["29.02.2024", "1.1.1970", "02.01.1970 06:00"], [0, 1.25, 19782]),
        (["02/29/2024", "01/01/1970", "1/2/1970"], [0, 1, 19782]),
        (["29/02/2024", "01/01/1970", "2/1/1970"], [0, 1, 19782]),
        (["TRUE", "false", "True"], [0, 1, 1]),
    ],
    ids=lambda case: " ".join(case) if isinstance(case[0], str) else "",
)
def test_numbers_as_people_write_them(cells: list[str], expected: list[float]) -> None:
    """There are 30 rows, ten with each cell, next to a column of integers."""
    lines = ["b,a,y", *(f"{k % 7},{cells[k % 3]},{'no' if k < 15 else 'yes'}" for k in range(30))]
    assert numbers(dataset(lines), "a") == pytest.approx(sorted(expected * 10), abs=1e-9)


def test_one_file_has_one_decimal_mark() -> None:
    """1.234 is over a thousand if another column has decimal commas, and otherwise a number close to one."""
    lines = ["a;b;y", *(f"{k},5;1.{234 + k};{'no' if k < 15 else 'yes'}" for k in range(30))]
    assert numbers(dataset(lines), "b") == pytest.approx([1234 + k for k in range(30)])
    lines = ["a;b;y", *(f"{k}.5;1.{234 + k};{'no' if k < 15 else 'yes'}" for k in range(30))]
    assert numbers(dataset(lines), "b") == pytest.approx([1.234 + k / 1000 for k in range(30)])


def test_numbers_that_may_be_either_are_refused_with_the_option() -> None:
    lines = ["a,y", *(f'"{k + 1},234",{"no" if k < 15 else "yes"}' for k in range(30))]
    with pytest.raises(ValueError, match=r"'1,234', which may be 1\.234 or 1234: use --decimal , or --decimal \."):
        dataset(lines)
    assert numbers(dataset(lines, decimal=","), "a") == pytest.approx([k + 1.234 for k in range(30)])
    assert numbers(dataset(lines, decimal="."), "a") == pytest.approx([1000 * (k + 1) + 234 for k in range(30)])


def test_a_decimal_mark_that_no_cell_has_is_refused() -> None:
    lines = ["a,y", *(f"{k}.55,{'no' if k < 15 else 'yes'}" for k in range(30))]
    with pytest.raises(ValueError, match=r"line 2, column 'a': '0\.55' is not a finite number with --decimal ,"):
        dataset(lines, decimal=",")


def test_both_decimal_marks_in_one_column_are_refused() -> None:
    lines = ["a;y", *(f"{k}{',.'[k % 3 == 0]}55;{'no' if k < 15 else 'yes'}" for k in range(30))]
    with pytest.raises(ValueError, match=r"line 2, column 'a': '0\.55' is not a finite number.*'1,55'"):
        dataset(lines)


def test_dates_whose_day_and_month_cannot_be_told_apart_are_refused() -> None:
    lines = ["a,y", *(f"0{k % 3 + 1}/0{k % 2 + 1}/2024,{'no' if k < 15 else 'yes'}" for k in range(30))]
    with pytest.raises(ValueError, match="day and month cannot be distinguished: write them as year-month-day"):
        dataset(lines)
    assert dataset(lines, text=["a"]).preprocessing.columns[0].categories


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (["?"], r"'\?' is not a finite number.*--na '\?' if they mark missing values, or --text a"),
        (["unknown", "?"], r"'unknown' is not a finite number; nor is '\?' \(line 6\)"),
        (["12 kg"], "'12 kg' is not a finite number"),
        (["1_000"], "'1_000' is not a finite number"),
        (["0x10"], "'0x10' is not a finite number"),
        (["12%"], "'12%' is not a finite number"),
        (["1e999"], "'1e999' is not a finite number"),
    ],
    ids=str,
)
@pytest.mark.parametrize("target", [False, True])
def test_a_few_cells_that_are_no_numbers_are_named(odd: list[str], message: str, target: bool) -> None:
    """Such cells do not turn a column into categories, or a target into classes."""
    lines = ["a,y", *(f"{k}.5,{'no' if k < 15 else 'yes'}" for k in range(30))]
    for k, cell in enumerate(odd):
        lines[3 + 2 * k] = f"{cell},no"
    if target:
        lines = [",".join(line.split(",")[::-1]).replace("y,a", "z,y") for line in lines]
        message = message.replace("--text a", "--text y")
    with pytest.raises(ValueError, match=f"line 4, column '{'y' if target else 'a'}': {message}"):
        dataset(lines)


def test_zeros_in_front_make_categories_and_many_of_them_numbers() -> None:
    lines = ["zip,y", *(f"0{k % 5},{'no' if k % 5 < 3 else 'yes'}" for k in range(40))]
    data = dataset(lines)
    assert data.preprocessing.columns[0].categories == ("00", "01", "02", "03", "04")
    assert any("leading zeros" in remark for remark in data.remarks)


# Readings of new rows


def test_a_model_of_decimal_commas_refuses_points_and_takes_them_on_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written("a;y\n" + "".join(f"{k},5;{'no' if k < 10 else 'yes'}\n" for k in range(20)))
    assert main(["train", "t.csv", "--target", "y", "--quiet", "--epochs", "1"]) == 0
    model = "runs/t-1/model.safetensors"

    def predict(text: str, *options: str) -> str:
        Path("new.csv").write_text(text, encoding="utf-8")
        assert main(["predict", model, "new.csv", *options]) == 0
        return Path("predictions.csv").read_text(encoding="utf-8")

    assert predict("a\n7.5\n", "--decimal", ".") == predict('a\n"7,5"\n') == predict("b;a\n;7,5\n")
    assert main(["predict", model, "new.csv"]) == 0
    Path("new.csv").write_text("a\n7.5\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", model, "new.csv"]) == 1
    assert "'7.5' is not a finite number with a decimal comma" in (err := capsys.readouterr().err)
    assert "use --decimal ." in err


# Names and columns


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,a,y", r"2 columns named 'a' \(columns 1, 2\).*--drop 'a'"),
        ("a,,y", "column 2 of t.csv has no name"),
        ("1,2,3", "no column 'y': its first line holds numbers"),
    ],
)
def test_names_that_are_none_are_refused(header: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataset([header, *(f"{k % 7},{k % 3},{k % 2}" for k in range(20))])


def test_an_index_without_a_name_is_left_out_and_one_with_a_name_pointed_out() -> None:
    rows = [f"{k},{k * 7 % 20},{'no' if k < 10 else 'yes'}" for k in range(20)]
    data = dataset([",a,y", *rows])
    assert [column.name for column in data.preprocessing.columns] == ["a"]
    assert "no name and counts the rows" in data.remarks[0]
    assert "'id' only numbers the rows" in dataset(["id,a,y", *rows]).remarks[0]


def test_a_column_that_gives_the_target_away_is_pointed_out() -> None:
    rows = [f"{k % 7},{k % 2},{'ba'[k % 2]},{k % 2}" for k in range(40)]
    remarks = "\n".join(dataset(["a,same,word,y", *rows]).remarks)
    assert "column 'same' equals the target 'y' in every row" in remarks
    assert "column 'word' corresponds one-to-one to the target 'y'" in remarks


# Missing values


def gaps(k: int) -> str:
    return f"{'' if k % 5 == 1 else k},{'NA' if k % 7 == 2 else 'rgb'[k % 3]},{'no' if k < 30 else 'yes'}"


def test_missing_values_are_filled_in_from_the_rows_to_learn_from() -> None:
    lines = ["a,c,y", *map(gaps, range(60))]
    with pytest.raises(ValueError, match=r"line 3, column 'a': the value is missing; missing are 12 in 'a', 9 in 'c'"):
        dataset(lines)
    dropped = dataset(lines, missing="drop")
    assert len(dropped.inputs) + len(dropped.held_out_inputs) == sum(k % 5 != 1 and k % 7 != 2 for k in range(60))
    for policy, of in (("mean", np.mean), ("median", np.median)):
        data = dataset(lines, missing=policy)
        column = data.preprocessing.columns[0]
        learned = [x * column.scale + column.mean for x in data.inputs[:, 0]]
        known = [x for x in learned if abs(x - round(x)) < 1e-9]
        fill = column.mean if policy == "mean" else column.median
        assert sum(not math.isclose(x, round(x), abs_tol=1e-9) or x == fill for x in learned) >= 1 or fill in known
        present = [k for k in map(round, known) if k % 5 != 1]
        assert fill == pytest.approx(float(of(present)), abs=1e-9)
        assert set(np.concatenate([data.inputs, data.held_out_inputs])[:, 1:].sum(axis=1)) == {1.0}


def test_missing_values_of_new_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """They are handled as in the training, or as the option says; rows that are left out keep their line."""
    written("\n".join(["a,c,y", *map(gaps, range(60))]) + "\n")
    train = ("train", "t.csv", "--target", "y", "--quiet", "--epochs", "3")
    assert main([*train, "--missing", "mean"]) == 0
    Path("new.csv").write_text("a,c\n40,r\n,r\n40,\n7,None\n", encoding="utf-8")

    def predict(*options: str) -> list[str]:
        assert main(["predict", "runs/t-1/model.safetensors", "new.csv", *options]) == 0
        return Path("predictions.csv").read_text(encoding="utf-8").splitlines()[1:]

    filled = predict()
    assert len(filled) == 4
    assert "" not in [line.split(",")[0] for line in filled]
    dropped = predict("--missing", "drop")
    assert [line == ",," for line in dropped] == [False, True, True, True]
    assert dropped[0] == filled[0]
    capsys.readouterr()
    assert main(["predict", "runs/t-1/model.safetensors", "new.csv", "--missing", "refuse"]) == 1
    assert "line 3, column 'a': the value is missing" in capsys.readouterr().err
    Path("alone.csv").write_text("a,c\n,r\n", encoding="utf-8")
    assert main(["predict", "runs/t-1/model.safetensors", "alone.csv", "--output", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == filled[1]


@pytest.mark.parametrize("mark", ["NA", "None", "nan"])
def test_marks_of_missing_values_can_be_meant_as_text(mark: str) -> None:
    lines = ["country,y", *(f"{('DE', 'FR', mark)[k % 3]},{'no' if k % 3 else 'yes'}" for k in range(30))]
    with pytest.raises(
        ValueError, match=f"line 4, column 'country': '{mark}' stands for a missing value.*--text 'country'"
    ):
        dataset(lines)
    for settings in ({"text": ["country"]}, {"na": ()}):
        assert mark in (dataset(lines, **settings).preprocessing.columns[0].categories or ())


def test_a_mark_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    written("a,y\n" + "".join(f"{'?' if k == 3 else k},{'no' if k < 10 else 'yes'}\n" for k in range(20)))
    train = ("train", "t.csv", "--target", "y", "--quiet", "--epochs", "1")
    assert main([*train, "--missing", "drop"]) == 1
    assert "--na '?'" in capsys.readouterr().err
    assert main([*train, "--missing", "drop", "--na", "?"]) == 0
    assert "1 of 20 rows have a missing value and are left out" in capsys.readouterr().out


def test_a_column_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"column 'b' of t\.csv has no values: leave it out with --drop 'b'"):
        dataset(["a,b,y", *(f"{k},,{k % 2}" for k in range(20))], missing="mean")


# Categories


def test_rare_categories_never_stop_a_training() -> None:
    """Rare categories form one input, "other", for every choice of held-out rows."""
    lines = ["c,y", *(f"{'common' if k >= 5 else f'rare {k}'},{'no' if k % 2 else 'yes'}" for k in range(40))]
    for seed in range(30):
        data = dataset(lines, seed=seed)
        assert data.preprocessing.columns[0].categories == ("common",)
        assert set(data.inputs.sum(axis=1)) | set(data.held_out_inputs.sum(axis=1)) == {1.0}
    assert any("share the input 'other'" in remark for remark in data.remarks)


def test_a_value_that_held_out_rows_alone_have_never_stops_a_training() -> None:
    lines = ["a,b,y", *(f"{k},{'5' if k == 3 else ''},{'no' if k % 2 else 'yes'}" for k in range(20))]
    for seed in range(10):
        assert np.isfinite(dataset(lines, seed=seed, missing="mean").held_out_inputs).all()


def test_new_categories_are_taken_as_another_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    written("c,y\n" + "".join(f"{'rgb'[k % 3]},{'no' if k % 3 else 'yes'}\n" for k in range(30)))
    assert main(["train", "t.csv", "--target", "y", "--quiet", "--epochs", "1"]) == 0
    Path("new.csv").write_text("c\nr\nviolet\nblack\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", "runs/t-1/model.safetensors", "new.csv"]) == 0
    err = capsys.readouterr().err
    assert err == (
        "lucidgrad: note: column 'c': 'violet' (line 3) and 1 more cells are not among the categories seen in "
        "training, and treated as 'other'\n"
    )
    _, *lines = Path("predictions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1] == lines[2] != lines[0]


# Sizes


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,y", "1,x"], "one usable row"),
        (["y", "x", "z"], "no column to predict 'y' from"),
        (["a,y", *(f"{k},same" for k in range(20))], "a single class, 'same'"),
        (["a,y", *(f"{k},{'rare' if k == 7 else 'common'}" for k in range(20))], "line 9, .*'rare' occurs once"),
        (["a,y", *(f"{k},{k // 2}" for k in range(20))], "too few to hold out"),
    ],
    ids=["one row", "one column", "one class", "a class of one row", "many classes"],
)
def test_what_is_too_little_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(lines)


def test_2000_columns(capsys: pytest.CaptureFixture[str]) -> None:
    chance = np.random.default_rng(0)
    names = [f"c{k}" for k in range(2000)]
    x = chance.normal(size=(60, 2000)).round(3)
    rows = [[*map(str, row), "yes" if row[0] > 0 else "no"] for row in x.tolist()]
    written("\n".join(",".join(row) for row in [[*names, "y"], *rows]) + "\n")
    assert main(["train", "t.csv", "--target", "y", "--quiet", "--epochs", "1", "--hidden", "2"]) == 0
    assert "2000 inputs" in capsys.readouterr().out
    assert main(["predict", "runs/t-1/model.safetensors", "t.csv"]) == 0


# Readings


@pytest.mark.parametrize("reading", [Reading(), Reading("number", ",", True), Reading("date", order="dmy")])
def test_a_reading_is_a_function_of_the_cell_alone(reading: Reading) -> None:
    texts = ["1", "1,5", "1.5", "1.234", "1.234,5", "31.12.2024", "x", "", "1_0", "nan", "inf", "12 345"]
    alone = [reading.numbers(np.array([text], TEXT))[0] for text in texts]
    np.testing.assert_array_equal(alone, reading.numbers(np.array(texts, TEXT)))


def test_a_model_file_of_before_is_still_read() -> None:
    old = {"name": "a", "mean": 1.0, "scale": 2.0, "categories": None}
    colour = {"name": "c", "mean": 0.0, "scale": 1.0, "categories": ["blue", "red"]}
    preprocessing = Preprocessing.from_json(
        {"columns": [old, colour], "target": "y", "classes": None, "mean": 0, "scale": 1}
    )
    assert preprocessing.inputs(read_csv(written("a,c\n5,red\n"))).tolist() == [[2.0, 0.0, 1.0]]
