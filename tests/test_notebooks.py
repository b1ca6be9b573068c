"""The stored walkthroughs. `.ci/run` executes them, with the checks of the exercises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text(encoding="utf-8"))
    return loaded


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_they_are_numbered() -> None:
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{k:02}_" for k in range(11)]


def test_every_exercise_has_three_wrong_answers_and_another_right_one_that_are_tried(notebook: dict[str, Any]) -> None:
    tried = json.loads((NOTEBOOKS[0].parent / "wrong_answers.json").read_text(encoding="utf-8"))
    assert sorted(tried) == [path.name[:2] for path in NOTEBOOKS]
    number = next(path.name[:2] for path in NOTEBOOKS if json.loads(path.read_text(encoding="utf-8")) == notebook)
    exercises = [cell for cell in code_cells(notebook) if "exercise" in cell["metadata"].get("tags", [])]
    assert [exercise["exercise"] for exercise in tried[number]] == list(range(1, len(exercises) + 1))
    for exercise in tried[number]:
        assert len({wrong["answer"] for wrong in exercise["wrong"]}) >= 3
        assert all(len(wrong["says"]) > 5 for wrong in exercise["wrong"])
        assert exercise["right"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_small(path: Path) -> None:
    assert path.stat().st_size < 2_000_000


def test_they_are_stored_as_executed_from_top_to_bottom(notebook: dict[str, Any]) -> None:
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_cell_ended_in_an_error_or_said_something_on_stderr(notebook: dict[str, Any]) -> None:
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []


def test_metadata_say_nothing_of_the_machine(notebook: dict[str, Any]) -> None:
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    for cell in notebook["cells"]:
        assert set(cell["metadata"]) <= {"tags", "jupyter"}


def test_checks_are_collapsed_and_exercises_unanswered(notebook: dict[str, Any]) -> None:
    tagged = [(cell, cell["metadata"].get("tags", [])) for cell in code_cells(notebook)]
    assert all(cell["metadata"]["jupyter"] == {"source_hidden": True} for cell, tags in tagged if "check" in tags)
    assert sum("check" in tags for _, tags in tagged) > 0
    exercises = [source(cell) for cell, tags in tagged if "exercise" in tags]
    assert 3 <= len(exercises) <= 5
    assert all(f"answer_{k} = ..." in exercise for k, exercise in enumerate(exercises, start=1))


def test_the_first_cell_is_the_same_in_all_and_removes_the_other_autograd_before_it_installs() -> None:
    """`test_packaging.py` runs this cell as in a hosted notebook, with the wheel."""
    cells = {source(code_cells(json.loads(path.read_text(encoding="utf-8")))[0]) for path in NOTEBOOKS}
    assert len(cells) == 1
    (install,) = cells
    assert install.index("%pip uninstall") < install.index("%pip install")
