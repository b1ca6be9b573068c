"""Look-ups: if the index is an int, the result is the table's own entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Value, take

ROWS = [[Value(0.1), Value(0.2)], [Value(0.3), Value(0.4)], [Value(0.5), Value(0.6)]]


@pytest.mark.parametrize("index", [2, np.int64(2), np.uint8(2), np.array(2)])
def test_an_entry_is_the_tables_own(index: Any) -> None:
    tables: list[Any] = [ROWS, tuple(ROWS), ROWS[0] + ROWS[1], [1.0, 2.0, 3.0], range(3)]
    for table in tables:
        assert take(table, index) is table[2]
    array: Any = np.array(ROWS, dtype=object)
    assert list(map(id, take(array, index))) == list(map(id, ROWS[2]))


@pytest.mark.parametrize("container", [list, tuple, np.array])
def test_several_indices_give_a_list_of_entries(container: Any) -> None:
    assert list(map(id, take(ROWS, container([1, 0, 1])))) == [id(ROWS[1]), id(ROWS[0]), id(ROWS[1])]
    nested = take(ROWS, container([[2], [1]]))
    assert [[id(row) for row in rows] for rows in nested] == [[id(ROWS[2])], [id(ROWS[1])]]
    assert take(ROWS, []) == []


def test_a_gradient_is_added_up_at_the_entries_that_were_taken() -> None:
    table = [Value(1.0), Value(2.0), Value(3.0)]
    (take(table, 2) * take(table, 0) + take(table, 2)).backward()
    assert [v.grad for v in table] == [3.0, 0.0, 2.0]


@pytest.mark.parametrize("index", [-1, 3, 10**30, np.int64(-3)])
def test_no_index_counts_from_the_end_or_goes_beyond(index: Any) -> None:
    with pytest.raises(
        IndexError, match=rf"the index is {index}, which is not in a table of 3, whose entries are counted from 0"
    ) as caught:
        take(ROWS, index)
    assert ("To pad a shorter sequence" in str(caught.value)) == (index == -1)


@pytest.mark.parametrize("index", [1.0, True, np.float64(1.0), np.bool_(True), "1", None, [1.0], np.array([0.0])])
def test_what_is_no_int_is_no_index(index: Any) -> None:
    with pytest.raises(TypeError, match="take expects an index that is an int, got"):
        take(ROWS, index)


def test_a_value_is_no_index() -> None:
    with pytest.raises(TypeError, match=r"an int, got Value\(data=1.0, grad=0.0\): pass the plain int"):
        take(ROWS, Value(1.0))


@pytest.mark.parametrize("table", [Value(1.0), {0: 1.0}, iter([1.0]), 3])
def test_what_is_no_sequence_is_no_table(table: Any) -> None:
    with pytest.raises(TypeError, match="expects a sequence as its table, got an object of type"):
        take(table, 0)
