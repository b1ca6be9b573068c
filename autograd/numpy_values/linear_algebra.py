"""`np.linalg` for Values: linear equations, determinants and inverses by elimination.

Gaussian elimination with partial pivoting: the pivot has the largest absolute value of its column. Its row depends on
the numbers, so a compiled program selects it for each sample, which takes n³ choices. Source: Golub and Van Loan,
Matrix Computations, 3.4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import primitives, recording
from autograd.functions import dot, where
from autograd.reading import number_of
from autograd.value import Value

Array = np.ndarray[Any, Any]
Row = list[Any]


def solve(a: Array, b: Array) -> Array:
    """Solve a @ x = b for x.

    Args:
        a: of shape (..., n, n).
        b: of shape (n,), or (..., n, k).

    Raises:
        numpy.linalg.LinAlgError: if a matrix is not square, or singular.
        ValueError: if the shapes do not match.
    """
    _refuse_unless_square(a)
    if b.ndim == 1:
        return solve(a, b[:, None])[..., 0]
    n = a.shape[-1]
    if not b.ndim or b.shape[-2] != n:
        raise ValueError(f"solve expects a right side of {n} rows, as the matrix has; got shape {b.shape}")
    batch_shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    result = np.empty((*batch_shape, n, b.shape[-1]), dtype=object)
    a, b = np.broadcast_to(a, (*batch_shape, n, n)), np.broadcast_to(b, result.shape)
    for index in np.ndindex(batch_shape):
        result[index] = _solution([[*left, *right] for left, right in zip(a[index].tolist(), b[index].tolist())])
    return result


def inv(a: Array) -> Array:
    """Invert matrices of shape (..., n, n). Raises as `solve` does."""
    _refuse_unless_square(a)
    return solve(a, np.eye(a.shape[-1], dtype=object))


def det(a: Array) -> Any:
    """Compute the determinant of matrices of shape (..., n, n): a number, or an array of them.

    If elimination ends before the last column, as it may for a singular matrix, the determinant is computed without
    division, so that its derivatives are right there too. A compiled program returns nan there.
    """
    _refuse_unless_square(a)
    result = np.empty(a.shape[:-2], dtype=object)
    for index in np.ndindex(result.shape):
        result[index] = _determinant(a[index].tolist())
    return result


def slogdet(a: Any) -> Any:
    """Compute the sign of a determinant and the log of its absolute value, as `np.linalg.slogdet` returns them.

    Raises:
        numpy.linalg.LinAlgError: if a matrix is singular, since the logarithm has no derivative there.
    """
    a = np.asarray(a)
    _refuse_unless_square(a)
    signs, logarithms = np.empty(a.shape[:-2], dtype=object), np.empty(a.shape[:-2], dtype=object)
    for index in np.ndindex(signs.shape):
        rows, sign = _eliminated(a[index].tolist())
        logarithm: Any = 0.0
        for k, row in enumerate(rows):
            _refuse_zero(row[k])
            sign = where(row[k] < 0, -1.0 * sign, sign)
            logarithm = logarithm + primitives.log(abs(row[k]))
        signs[index], logarithms[index] = sign, logarithm
    return type(np.linalg.slogdet(np.eye(1)))(signs[()], logarithms[()])


def _refuse_unless_square(a: Array) -> None:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"expected a square matrix, or a stack of them, got shape {a.shape}")


def _refuse_zero(pivot: Any) -> None:
    if not _is_traced() and _number(pivot) == 0:
        raise np.linalg.LinAlgError("Singular matrix")


def _solution(rows: list[Row]) -> list[Row]:
    """Solve equations given as an augmented matrix: each row ends with its right sides."""
    n = len(rows)
    rows, _ = _eliminated(rows)
    unknowns: list[Row] = [[] for _ in rows]
    for i in reversed(range(n)):
        _refuse_zero(rows[i][i])
        for column in range(n, len(rows[i])):
            known = [unknowns[k][column - n] for k in range(i + 1, n)]
            unknowns[i].append(_less_products(rows[i][column], rows[i][i + 1 : n], known) / rows[i][i])
    return unknowns


def _determinant(rows: list[Row]) -> Any:
    n = len(rows)
    eliminated, sign = _eliminated(rows)
    if not _is_traced() and any(_number(eliminated[k][k]) == 0 for k in range(n - 1)):
        return _determinant_without_division(rows)
    product = sign
    for k, row in enumerate(eliminated):
        product = row[k] if type(product) is float and product == 1.0 else product * row[k]
    return product


def _eliminated(rows: list[Row]) -> tuple[list[Row], Any]:
    """Return L and U in one matrix, with the right sides multiplied by L⁻¹, and the sign of the row permutation.

    Elimination ends when the rest of a column is 0.
    """
    n = len(rows)
    rows, sign = [list(row) for row in rows], 1.0
    for j in range(n):
        _reduce(rows, j)
        rows, sign = _pivoted(rows, j, sign)
        if not _is_traced() and _number(rows[j][j]) == 0:
            return rows, sign
        for row in rows[j + 1 :]:
            row[j] = row[j] / rows[j][j]
    for column in range(n, max(map(len, rows), default=0)):
        _reduce(rows, column)
    return rows, sign


def _reduce(rows: list[Row], column: int) -> None:
    for i, row in enumerate(rows):
        k = min(i, column)
        row[column] = _less_products(row[column], row[:k], [rows[m][column] for m in range(k)])


def _less_products(x: Any, factors: Row, others: Row) -> Any:
    return x - dot(factors, others) if factors else x


def _pivoted(rows: list[Row], j: int, sign: Any) -> tuple[list[Row], Any]:
    """Swap the row with the largest number of column j, from row j on, into row j."""
    rows = list(rows)
    if not _is_traced():
        largest = max(range(j, len(rows)), key=lambda i: abs(_number(rows[i][j])))
        rows[j], rows[largest] = rows[largest], rows[j]
        return rows, sign if largest == j else -sign
    for i in range(j + 1, len(rows)):
        larger = abs(rows[i][j]) > abs(rows[j][j])
        upper = [where(larger, b, a) for a, b in zip(rows[j], rows[i])]
        rows[i] = [where(larger, a, b) for a, b in zip(rows[j], rows[i])]
        rows[j], sign = upper, where(larger, -1.0 * sign, sign)
    return rows, sign


def _determinant_without_division(rows: list[Row]) -> Any:
    """Compute the determinant by n - 1 matrix products. Source: Bird 2011, A simple division-free algorithm."""
    n = len(rows)
    product = rows
    for _ in range(n - 1):
        diagonal: list[Any] = [0.0]
        for k in reversed(range(1, n)):
            diagonal.append(diagonal[-1] - product[k][k])
        upper = [[diagonal[n - 1 - i], *product[i][i + 1 :]] for i in range(n)]
        product = [[dot(upper[i], [rows[k][j] for k in range(i, n)]) for j in range(n)] for i in range(n)]
    return product[0][0] if n % 2 else -product[0][0]


def _number(x: Any) -> float:
    return number_of(x) if isinstance(x, Value) else x


def _is_traced() -> bool:
    return recording.ever_traced and recording.tracer.get() is not None
