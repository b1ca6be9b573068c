"""Exercises of the walkthroughs: a cell that looks at the reader's answer, and never raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def check_answer(answer: Any, check: Callable[[Any], str | None], hint: str) -> bool:
    """Print whether an answer is right; of one that is missing a hint, of one that is wrong what is wrong with it.

    Args:
        answer: what the reader gave; `...` for nothing yet.
        check: looks at the answer, and returns what is wrong with it, or None where it is right. What it raises is
            taken for a fault of the answer, such as of a function that the reader wrote.
        hint: a sentence for who has not begun.

    Returns:
        Whether the answer is right.

    >>> check_answer(..., lambda x: None, hint="What is 2 + 2?")
    Not answered yet. Hint: What is 2 + 2?
    False
    >>> check_answer(5, lambda x: None if x == 4 else f"2 + 2 is not {x}", hint="")
    Not yet: 2 + 2 is not 5
    False
    >>> check_answer(4, lambda x: None if x == 4 else f"2 + 2 is not {x}", hint="")
    Right.
    True
    """
    if answer is ...:
        print(f"Not answered yet. Hint: {hint}")
        return False
    try:
        wrong = check(answer)
    except Exception as error:  # whatever the reader's own code may raise
        wrong = f"it raised {type(error).__name__}: {error}"
    print("Right." if wrong is None else f"Not yet: {wrong}")
    return wrong is None
