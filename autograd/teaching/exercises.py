"""Exercises of the walkthroughs: checks of the reader's answers that never raise."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Set
from itertools import islice
from numbers import Integral, Real
from typing import Any, Protocol

from autograd.value import Value

LARGEST = 1e300
LONGEST = 200  # letters of a quotation
MOST = 100_000  # elements that are checked


class WrongAnswerError(Exception):
    """Explains to the reader what is wrong with an answer."""


class Kind(Protocol):
    """Converts an answer to an expected type; raises WrongAnswerError if it cannot, calling the answer `what`."""

    def __call__(self, answer: Any, what: str = "it", /) -> Any: ...


def check_answer(answer: Any, check: Callable[[Any], str | None], hint: str, expects: Kind | None = None) -> bool:
    """Print whether an answer is right; for a missing answer print a hint, for a wrong one what is wrong with it.

    Args:
        answer: the reader's answer; `...` if not answered yet.
        check: takes the answer, and returns what is wrong with it, or None if it is right. It may also raise
            WrongAnswerError. Any other exception is attributed to the answer.
        hint: a sentence for a reader who has not answered.
        expects: the expected kind of answer, such as `number`, `numbers(2)` or `function("x", gives=number)`. `check`
            is called with the converted answer, and only if it is of this kind.

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
    >>> check_answer("four", lambda x: None if x == 4 else f"2 + 2 is not {x}", hint="", expects=number)
    Not yet: your answer should be a number, and is the text 'four'
    False
    """
    if answer is ...:
        print(f"Not answered yet. Hint: {hint}")
        return False
    try:
        wrong = check(answer if expects is None else expects(answer, "your answer"))
    except WrongAnswerError as error:
        wrong = str(error)
    except Exception as error:  # the reader's code may raise anything
        wrong = f"it raised {type(error).__name__}: {error}"
    print("Right." if wrong is None else f"Not yet: {wrong}")
    return wrong is None


def number(answer: Any, what: str = "it") -> int | float:
    """Convert an answer to a number: one of Python or NumPy, an array of one element, or the data of a Value.

    Raises:
        WrongAnswerError: if it is anything else, or not finite.

    >>> number(Value(2.0)), number(7)
    (2.0, 7)
    """
    given = answer
    if isinstance(answer, Value):
        answer = answer.data
    elif getattr(answer, "shape", None) in ((), (1,)) and hasattr(answer, "item"):
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, Real):
        raise WrongAnswerError(f"{what} should be a number, and is {described(given)}")
    result = int(answer) if isinstance(answer, Integral) else float(answer)
    if not -LARGEST < result < LARGEST:
        kind = "not a number (nan)" if result != result else "infinite, or nearly"
        raise WrongAnswerError(f"{what} should be a number, and is {kind}")
    return result


def numbers(count: int | None = None, ordered: bool = True) -> Kind:
    """Return the kind for a list, tuple or array of numbers, which it converts to a list.

    Args:
        count: the number of elements; None for any number.
        ordered: whether their order matters; if not, a set is accepted.

    >>> numbers(2)((1, Value(2.5)), "the pair")
    [1, 2.5]
    """
    wanted = {None: "some numbers, in a list", 2: "a pair of numbers"}.get(count, f"{count} numbers")

    def kind(answer: Any, what: str = "it") -> list[int | float]:
        elements = _elements(answer, what, wanted, ordered)
        if count is not None and len(elements) != count:
            raise WrongAnswerError(f"{what} should be {wanted}, and has {len(elements)}")
        return [number(x, f"number {i} of {what}") for i, x in enumerate(elements, start=1)]

    return kind


def table(rows: int, columns: int) -> Kind:
    """Return the kind for rows of numbers, which it converts to a list of lists.

    >>> table(1, 2)([(1, 2)], "it")
    [[1, 2]]
    """

    def kind(answer: Any, what: str = "it") -> list[list[int | float]]:
        elements = _elements(answer, what, f"{rows} rows of {columns} numbers", ordered=True)
        if len(elements) != rows:
            raise WrongAnswerError(
                f"{what} should be {rows} rows of {columns} numbers, and has {len(elements)} elements"
            )
        return [numbers(columns)(row, f"row {i} of {what}") for i, row in enumerate(elements, start=1)]

    return kind


def parts(**kinds: Kind) -> Kind:
    """Return the kind for a tuple of named parts, each with its own kind.

    >>> parts(w=numbers(2), b=number)(([1, 2], 3), "it")
    ([1, 2], 3)
    """

    def kind(answer: Any, what: str = "it") -> tuple[Any, ...]:
        names = ", ".join(kinds)
        elements = _elements(answer, what, f"({names})", ordered=True)
        if len(elements) != len(kinds):
            raise WrongAnswerError(f"{what} should be ({names}), and has {len(elements)} elements")
        return tuple(take(part, name) for (name, take), part in zip(kinds.items(), elements))

    return kind


def anything(answer: Any, what: str = "it") -> Any:
    """Accept any answer; as the result of a `function`, anything but None.

    >>> anything("x")
    'x'
    """
    return answer


def text(answer: Any, what: str = "it") -> str:
    """Check that an answer is a text.

    >>> text("logit")
    'logit'
    """
    if not isinstance(answer, str):
        raise WrongAnswerError(f'{what} should be a text, in quotes, such as "abc", and is {described(answer)}')
    return answer


def texts(answer: Any, what: str = "it") -> list[str]:
    """Convert a list, tuple or set of texts to a list.

    >>> texts({"w1"})
    ['w1']
    """
    elements = _elements(answer, what, "some texts, in a list", ordered=False)
    return [text(x, f"each element of {what}") for x in elements]


def function(*parameters: str, gives: Kind | None = None) -> Kind:
    """Return the kind for a function. An exception that it raises when called becomes WrongAnswerError.

    Args:
        *parameters: the names of its parameters.
        gives: the kind of its results; None if it need not return anything.

    Returns:
        A kind that wraps a function to check its results. The function itself is the wrapper's `__wrapped__`.

    >>> function("x", gives=number)(lambda x: None, "it")(3.0)
    Traceback (most recent call last):
        ...
    autograd.teaching.exercises.WrongAnswerError: called with 3.0, it returns None: is the `return` missing?
    """
    listed = ", ".join(parameters)

    def kind(answer: Any, what: str = "it") -> Callable[..., Any]:
        if not callable(answer):
            raise WrongAnswerError(f"{what} should be a function, `def f({listed}): ...`, and is {described(answer)}")
        try:
            inspect.signature(answer).bind(*parameters)
        except TypeError:
            raise WrongAnswerError(
                f"{what} should be a function of {len(parameters)} argument{'s' * (len(parameters) != 1)}, "
                f"`def f({listed}): ...`, and cannot be called like that"
            ) from None
        except ValueError:  # some built-in functions have no signature
            pass

        def called(*arguments: Any) -> Any:
            doing = f"called with {', '.join(map(_quoted, arguments))}, it"
            try:
                result = answer(*arguments)
            except WrongAnswerError:
                raise
            except (Exception, SystemExit) as error:
                raise WrongAnswerError(f"{doing} raised {type(error).__name__}: {_one_line(error)}") from error
            if gives is None:
                return result
            if result is None:
                raise WrongAnswerError(f"{doing} returns None: is the `return` missing?")
            return gives(result, f"what it returns when {doing.removesuffix(', it')}")

        called.__wrapped__ = answer  # type: ignore[attr-defined]
        return called

    return kind


def described(x: Any) -> str:
    """Describe an object, for an error.

    >>> described(None), described("x"), described([1])
    ('None', "the text 'x'", 'a list')
    """
    if x is None or isinstance(x, bool):
        return repr(x)
    if isinstance(x, str):
        return f"the text {_one_line(repr(x), 60)}"
    if callable(x):
        return "a function" if not isinstance(x, type) else f"the class {x.__name__}"
    if isinstance(getattr(x, "shape", None), tuple):
        return f"an array of shape {x.shape}"
    name = type(x).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _elements(answer: Any, what: str, wanted: str, ordered: bool) -> list[Any]:
    refused: tuple[type, ...] = (str, bytes, Mapping, Value, *((Set,) if ordered else ()))
    if isinstance(answer, refused) or not isinstance(answer, Iterable) or getattr(answer, "shape", None) == ():
        advice = ", which keeps no order" if isinstance(answer, Set) else ""
        raise WrongAnswerError(f"{what} should be {wanted}, and is {described(answer)}{advice}")
    try:
        return list(islice(answer, MOST))
    except Exception as error:  # raised by a generator
        raise WrongAnswerError(f"{what} raised {type(error).__name__}: {_one_line(error)}") from error


def _quoted(x: Any) -> str:
    words = getattr(x, "__name__", "a function") if callable(x) else _one_line(repr(x), 60)
    return "a function" if words == "<lambda>" else words


def _one_line(x: Any, longest: int = LONGEST) -> str:
    words = " ".join(str(x).split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
