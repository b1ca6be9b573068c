"""Classify contractions: matrix products, outer products, and others, which are written by their labels."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from autograd.compiler.arrays.operations import Labels


class MatrixProduct(NamedTuple):
    """`left @ right`.

    Attributes:
        swapped: whether the second operand comes first.
        left, right: the order of each operand's axes in the product; None for the given order.
    """

    swapped: bool
    left: tuple[int, ...] | None
    right: tuple[int, ...] | None


class OuterProduct(NamedTuple):
    """`left * right`, broadcast.

    Attributes:
        left, right: the order of each operand's axes; None for the given order.
        left_index, right_index: the index that inserts axes of length 1; "" for none.
    """

    left: tuple[int, ...] | None
    right: tuple[int, ...] | None
    left_index: str
    right_index: str


@lru_cache(maxsize=256)
def as_matrix_product(labels: Labels) -> MatrixProduct | None:
    """Return a contraction as a product with `@`, which sums over one axis of both operands; None if it is not one.

    >>> as_matrix_product(Labels("nk", "ck", "nc"))
    MatrixProduct(swapped=False, left=None, right=(1, 0))
    >>> as_matrix_product(Labels("nc", "nk", "ck"))
    MatrixProduct(swapped=False, left=(1, 0), right=None)
    >>> as_matrix_product(Labels("nqd", "nkd", "nqk"))
    MatrixProduct(swapped=False, left=None, right=(0, 2, 1))
    """
    for swapped in (False, True):
        left, right = (labels.right, labels.left) if swapped else (labels.left, labels.right)
        orders = _orders(left, right, labels.result)
        if orders is not None:
            return MatrixProduct(swapped, _order(left, orders[0]), _order(right, orders[1]))
    return None


def _orders(left: str, right: str, result: str) -> tuple[str, str] | None:
    """Return the operands' labels in the order that `@` requires for this result."""
    summed = [label for label in left if label in right and label not in result]
    rows = [label for label in result if label not in right]
    columns = [label for label in result if label not in left]
    batch = "".join([label for label in result if label in left and label in right])
    if len(summed) != 1 or len(batch) + len(rows) + 1 != len(left) or len(batch) + len(columns) + 1 != len(right):
        return None
    if batch and (len(rows) != 1 or len(columns) != 1):
        return None
    if len(columns) <= 1:  # a matrix or a vector on the right
        own, other = f"{batch}{''.join(rows)}{summed[0]}", f"{batch}{summed[0]}{''.join(columns)}"
        product = batch + "".join(rows + columns)
    elif len(rows) == 1:  # a matrix on the left, several on the right
        own, other = f"{rows[0]}{summed[0]}", f"{''.join(columns[:-1])}{summed[0]}{columns[-1]}"
        product = f"{''.join(columns[:-1])}{rows[0]}{columns[-1]}"
    else:
        return None
    if not rows and len(other) > 2:
        return None
    return (own, other) if product == result else None


@lru_cache(maxsize=256)
def product_order(labels: Labels) -> str:
    """Return the order of axes in which a matrix or outer product computes a contraction; by default the given one.

    >>> product_order(Labels("nihk", "njhk", "nihj")), product_order(Labels("nk", "ck", "nc"))
    ('nhij', 'nc')
    """
    left, right, result = labels
    if as_matrix_product(labels) is None and as_outer_product(labels) is None:
        both = [label for label in left if label in right and label in result]
        rows, columns = ([label for label in side if label in result and label not in both] for side in (left, right))
        sides = sorted([rows, columns], key=lambda side: [result.index(label) for label in side])
        for first, second in (sides, sides[::-1]):
            order = "".join([*both, *first, *second])
            if as_matrix_product(labels._replace(result=order)) is not None:
                return order
    return result


@lru_cache(maxsize=256)
def as_outer_product(labels: Labels) -> OuterProduct | None:
    """Return a contraction that sums over no axis as an outer product; None if it sums.

    >>> as_outer_product(Labels("c", "k", "ck"))
    OuterProduct(left=None, right=None, left_index='[:, None]', right_index='')
    """
    left, right, result = labels
    if not set(left + right) <= set(result):
        return None
    own, other = ("".join([label for label in result if label in side]) for side in (left, right))
    return OuterProduct(_order(left, own), _order(right, other), _index(own, result), _index(other, result))


def _order(labels: str, wanted: str) -> tuple[int, ...] | None:
    return None if labels == wanted else tuple([labels.index(label) for label in wanted])


def _index(labels: str, result: str) -> str:
    """Return the index that gives an array an axis for each label of the result, from the array's first label on."""
    places = [":" if label in labels else "None" for label in result[result.index(labels[0]) :]] if labels else []
    while places and places[-1] == ":":
        places.pop()
    return f"[{', '.join(places)}]" if places else ""
