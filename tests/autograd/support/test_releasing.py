"""Freeing deep graphs on a small stack, like Emscripten's.

A fresh interpreter takes itself for one on Emscripten and works in a thread with 64 KB of stack, which CPython 3.13 and
later overrun by a chain of 3,000 nodes that is freed the usual way. Older ones do not, so the nesting is measured too.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd import Value

PRELUDE = """
import gc, sys, threading
sys.platform = "emscripten"
import autograd
from autograd import Constant, Value

deepest = depth = 0
give_up = Value.__del__

def watched(node):
    global deepest, depth
    depth += 1
    deepest = max(deepest, depth)
    give_up(node)
    depth -= 1

Value.__del__ = watched

def chain(n):
    x = y = Value(1.0, "x")
    for _ in range(n):
        y = y + x
    return x, y

def run(work):
    threading.stack_size(64 * 1024)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    print("nested", deepest)
"""

WORK = {
    "a chain": """
def work():
    x, y = chain(100_000)
    y.backward()
    print(x.grad)
    del y
    print(sys.getrefcount(x) < 5)
""",
    "a chain in a cycle": """
def work():
    x, y = chain(20_000)
    kept = [y]
    kept.append(kept)
    del kept, y
    gc.collect()
    print(sys.getrefcount(x) < 5)
    print(gc.collect())
""",
    "what others hold": """
def work():
    x, y = chain(20_000)
    middle = y
    for _ in range(10_000):
        middle = middle.parents[0]
    del y
    middle.backward()
    print(middle.data, x.grad, len(middle.parents))
""",
    "wide and shared": """
def work():
    x = Value(1.0)
    layer = [x, x]
    for _ in range(3000):
        layer = [autograd.sum(layer), autograd.dot(layer, layer).tanh()]
    del layer
    print(sys.getrefcount(x) < 5)
""",
    "copies and pickles": """
import copy, pickle
def work():
    x, y = chain(5_000)
    for other in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        print(other.data)
""",
    "subclasses and constants": """
class Named(Value):
    pass
def work():
    x = y = Named(1.0)
    for _ in range(5_000):
        y = y * 1.0 + Constant(2.0)
    del y
    with autograd.no_grad():
        z = x * 2
    print(z.data, sys.getrefcount(x) < 5)
""",
    "two threads at once": """
def both():
    threads = [threading.Thread(target=lambda: [chain(2000) for _ in range(20)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(isinstance(x, Value) for x in gc.get_objects()))
def work():
    both()
""",
    "an error in mid-computation": """
def work():
    x, y = chain(20_000)
    try:
        (y - y).log()
    except ValueError as error:
        print("log(0.0)" in str(error))
    del y
    print(sys.getrefcount(x) < 5)
""",
}

PRINTED = {
    "a chain": "100001.0\nTrue",
    "a chain in a cycle": "True\n0",
    "what others hold": "10001.0 10001.0 2",
    "wide and shared": "True",
    "copies and pickles": "5001.0\n5001.0",
    "subclasses and constants": "2.0 True",
    "two threads at once": "0",
    "an error in mid-computation": "True\nTrue",
}


@pytest.mark.parametrize("name", WORK)
def test_deep_graphs_are_freed_one_node_after_the_other(name: str, run_python: Callable[..., str]) -> None:
    *printed, nested = run_python(f"{PRELUDE}\n{WORK[name]}\nrun(work)").splitlines()
    assert "\n".join(printed) == PRINTED[name]
    word, deepest = nested.split()
    assert word == "nested"
    assert int(deepest) <= (4 if name == "two threads at once" else 2)  # both threads are counted


def test_elsewhere_nodes_have_no_finalizer() -> None:
    """A finalizer would cost time, and is not needed: the stack is large enough."""
    assert not hasattr(Value, "__del__")


def test_gradients_are_the_same_there(run_python: Callable[..., str]) -> None:
    source = """
import autograd, nn
model = nn.MLP(2, [3, 1], seed=0)
history = nn.fit(model, [[0, 1], [1, 0]], [0, 1], epochs=3, seed=0, progress=False, engine="eager")
print(model.state_dict(), history.costs)
"""
    assert run_python(source) == run_python("import numpy, sys; sys.platform = 'emscripten'\n" + source)
