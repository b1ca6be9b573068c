"""no_grad: no graph is recorded inside it, for the thread or asyncio task that is in it and no other."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

import autograd
from autograd import Value, no_grad


def records() -> bool:
    """Whether arithmetic makes a graph here and now."""
    x = Value(2.0)
    nodes = [x * x, x.exp(), -x, autograd.sum([x, x]), autograd.dot([x], [x]), autograd.maximum(x, 1.0)]
    recorded = [bool(node.parents) for node in nodes]
    assert len({*recorded}) == 1, "all operations together, or none"
    return recorded[0]


def test_no_graph_is_recorded_inside_no_grad() -> None:
    assert records()
    with no_grad():
        assert not records()
        product = Value(2.0) * 3
    assert (product.data, product.parents, product.is_constant) == (6.0, (), True)
    assert records()


def test_no_grad_nests() -> None:
    with no_grad():
        with no_grad():
            assert not records()
        assert not records()
    assert records()


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(ValueError, match="from inside"), no_grad():
        raise ValueError("from inside")
    assert records()


def test_no_grad_is_a_decorator_too() -> None:
    @no_grad()
    def evaluate() -> bool:
        return records()

    assert [evaluate(), records(), evaluate(), records()] == [False, True, False, True]


def test_leaves_made_inside_no_grad_are_leaves() -> None:
    with no_grad():
        x = Value(2.0)
    assert not x.is_constant
    assert (x * x).parents[0] is x


def test_a_graph_made_before_can_go_backward_inside_no_grad() -> None:
    x = Value(2.0)
    y = x * x
    with no_grad():
        y.backward()
    assert x.grad == 4.0


def run_in_thread(work: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    (result,) = results
    return result


def test_another_thread_records_while_this_one_does_not() -> None:
    with no_grad():
        assert run_in_thread(records)
        assert not records()


def test_this_thread_records_while_another_one_does_not() -> None:
    entered, leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def work() -> None:
        with no_grad():
            seen.append(records())
            entered.set()
            leave.wait()
        seen.append(records())

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait()
    here = records()
    leave.set()
    thread.join()
    assert here
    assert seen == [False, True]


def test_another_asyncio_task_records_while_this_one_does_not() -> None:
    async def without_graph(entered: asyncio.Event, leave: asyncio.Event) -> bool:
        with no_grad():
            entered.set()
            await leave.wait()
            return records()

    async def with_graph(entered: asyncio.Event, leave: asyncio.Event) -> bool:
        await entered.wait()
        recorded = records()
        leave.set()
        return recorded

    async def both() -> list[bool]:
        entered, leave = asyncio.Event(), asyncio.Event()
        return list(await asyncio.gather(without_graph(entered, leave), with_graph(entered, leave)))

    assert asyncio.run(both()) == [False, True]


def test_a_task_that_outlives_the_block_it_began_in_does_not_depend_on_other_threads() -> None:
    """A new task inherits the context; whether it records must not hang on a no_grad block somewhere else."""

    def inherited() -> contextvars.Context:
        with no_grad():
            return contextvars.copy_context()

    alone = inherited().run(records)
    with no_grad():
        beside_another_block = run_in_thread(lambda: inherited().run(records))
    assert alone == beside_another_block
