"""Large matrix products, which BLAS computes faster than a loop nest."""

from __future__ import annotations

from typing import NamedTuple

from autograd import primitives
from autograd.compiler.targets.native.blas import PLAIN, ROWS, TRANSPOSED, MatrixProduct
from autograd.compiler.targets.native.cost import PRODUCTS_FOR_BLAS, SAMPLES_FOR_BLAS
from autograd.compiler.targets.native.nests import Coalesced, total
from autograd.compiler.targets.native.nodes import Applied, Leaf
from autograd.compiler.targets.native.writing.code import ONE, Extent
from autograd.compiler.targets.native.writing.evaluate import Evaluator


class _Matrix(NamedTuple):
    """A factor: whether it is transposed, and the stride between its rows in memory."""

    leaf: Leaf
    is_transposed: bool
    stride: Extent


class Product(NamedTuple):
    """A nest that is a matrix product.

    Attributes:
        rows, columns, depth: the numbers of rows, columns and terms.
        left, right: the factors.
        stride: the stride between the rows of the result.
    """

    rows: Extent
    columns: Extent
    depth: Extent
    left: _Matrix
    right: _Matrix
    stride: Extent


def as_product(nest: Coalesced) -> Product | None:
    """Return a nest as a matrix product; None if BLAS cannot compute it."""
    (node,) = nest.nodes
    is_product = isinstance(node, Applied) and node.primitive is primitives.mul and len(nest.lengths) == 3
    if not is_product or nest.reduced != 1 or nest.target.looked or nest.target.strides[1] != ONE:
        return None
    assert isinstance(node, Applied)
    first, second = node.operands
    if not isinstance(first, Leaf) or not isinstance(second, Leaf):
        return None
    for left, right in ((first, second), (second, first)):
        if left.looked or right.looked or left.strides[1].factor or right.strides[0].factor:
            continue
        a, b = _matrix(left, 0, 2), _matrix(right, 2, 1)
        if a is not None and b is not None:
            rows, columns, depth = nest.lengths
            return Product(rows, columns, depth, a, b, nest.target.strides[0])
    return None


def is_large(product: Product) -> bool:
    """Return whether a product may be large enough for BLAS."""
    extents = product.rows, product.columns, product.depth
    return total(extents, SAMPLES_FOR_BLAS) >= PRODUCTS_FOR_BLAS and all(extent != ONE for extent in extents)


def _matrix(leaf: Leaf, rows: int, columns: int) -> _Matrix | None:
    if leaf.is_integer:
        return None
    if leaf.strides[columns] == ONE:
        return _Matrix(leaf, False, leaf.strides[rows])
    return _Matrix(leaf, True, leaf.strides[columns]) if leaf.strides[rows] == ONE else None


def write_product(evaluator: Evaluator, nest: Coalesced, product: Product, blas: MatrixProduct) -> str:
    """Add a branch to BLAS for a large product; return the label of the block that joins both branches."""
    code, real = evaluator.code, evaluator.lanes.element
    sizes = [code.size(x) for x in (product.rows, product.columns, product.depth)]
    total = code.value(f"mul i64 {code.value(f'mul i64 {sizes[0]}, {sizes[1]}')}, {sizes[2]}")
    large, small, done = code.fresh("large"), code.fresh("small"), code.fresh("both")
    is_large_now = code.value(f"icmp sge i64 {total}, {PRODUCTS_FOR_BLAS}")
    code.do(f"br i1 {is_large_now}, label %{large}, label %{small}")
    code.begin(large)
    with evaluator.inside():

        def as_integer(text: str) -> str:
            if blas.bits == 64:
                return f"i64 {text}"
            return f"i32 {code.value(f'trunc i64 {text} to i32') if text.startswith('%') else text}"

        arguments = [f"i32 {ROWS}"]
        arguments += [f"i32 {TRANSPOSED if x.is_transposed else PLAIN}" for x in (product.left, product.right)]
        arguments += [as_integer(size) for size in sizes]
        arguments.append(f"{real} {evaluator.lanes.number(1.0)}")
        for matrix in (product.left, product.right):
            arguments += [f"ptr {evaluator.pointer(matrix.leaf)}", as_integer(code.size(matrix.stride))]
        one, zero = evaluator.lanes.number(1.0), evaluator.lanes.number(0.0)
        kept = evaluator.lanes.choose_all("%later", one, zero, 1) if nest.target.is_sum else zero
        arguments.append(f"{real} {kept}")
        arguments += [f"ptr {evaluator.pointer(nest.target)}", as_integer(code.size(product.stride))]
        code.do(f"call void inttoptr (i64 {blas.address} to ptr)({', '.join(arguments)})")
    code.do(f"br label %{done}")
    code.begin(small)
    return done
