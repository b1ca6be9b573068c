"""Write contractions: as products of matrices, as outer products, or by their labels."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from autograd.compiler.arrays.operations import Labels


class MatrixProduct(NamedTuple):
    """`left @ right`.

    Attributes:
        swapped: whether the second operand comes first.
        left, right: the order of each operand's axes in the product; None for the order that they have.
    """

    swapped: bool
    left: tuple[int, ...] | None
    right: tuple[int, ...] | None


class OuterProduct(NamedTuple):
    """`left * right`, broadcast.

    Attributes:
        left, right: the order of each operand's axes; None for the order that they have.
        left_index, right_index: how axes of length 1 are put between, as an index; "" for none.
    """

    left: tuple[int, ...] | None
    right: tuple[int, ...] | None
    left_index: str
    right_index: str


@lru_cache(maxsize=256)
def as_matrix_product(labels: Labels) -> MatrixProduct | None:
    """Return how a contraction is written with `@`, which sums over one axis of both; None where it is not.

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
    """Return the operands' labels in the order in which `@` computes the result."""
    summed = [label for label in left if label in right and label not in result]
    rows = [label for label in result if label not in right]
    columns = [label for label in result if label not in left]
    batch = "".join([label for label in result if label in left and label in right])
    if len(summed) != 1 or len(batch) + len(rows) + 1 != len(left) or len(batch) + len(columns) + 1 != len(right):
        return None
    if batch and (len(rows) != 1 or len(columns) != 1):
        return None
    if len(columns) <= 1:  # a matrix, or a vector, on the right
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
    """Return the order of axes in which a product of matrices, or an outer one, gives them; as it is where none does.

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
    """Return how a contraction is written that sums over nothing; None where it sums.

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
    """Return the index that gives an array an axis for each label of the result, from its own first one on."""
    places = [":" if label in labels else "None" for label in result[result.index(labels[0]) :]] if labels else []
    while places and places[-1] == ":":
        places.pop()
    return f"[{', '.join(places)}]" if places else ""
