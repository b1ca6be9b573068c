"""Stage 5a, emit the forward pass: a statement for each group, and the outputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from autograd import primitives
from autograd.compiler import cost
from autograd.compiler.exact import exact_product, infix
from autograd.compiler.recover.groups import CONSTANT, PARAMETERS, Group, Matrix, Numbers, Rows, View, weights_index
from autograd.compiler.recover.index import Positions
from autograd.compiler.scalars.nodes import is_nothing
from autograd.compiler.symbols import ATOM, Symbol, reshaped, written
from autograd.compiler.targets.kernels import REDUCTIONS
from autograd.compiler.writer import Statement, Writer


def forward_statements(writer: Writer) -> tuple[list[Statement], list[Statement]]:
    """The statements that compute every group, in order; those for the masks of backward passes by themselves."""
    _name_parameters(writer)
    groups, masks = writer.grouping.groups, writer.grouping.masks
    first_mask = len(groups) - masks
    return _computed(writer, groups[:first_mask]), _computed(writer, groups[first_mask:])


def _computed(writer: Writer, groups: Iterable[Group]) -> list[Statement]:
    statements: list[Statement] = []
    for group in groups:
        if group.pieces:
            computed = _side_by_side(writer, group)
        elif group.primitive is None:
            computed = _sum(writer, group, statements)
        else:
            computed = application(writer, group)
        text, width = computed.text, len(group.members)
        if computed.width < width:  # of operands that are one column for all members
            text = f"broadcast_to({text}, {f'(n, {width})' if group.batched else f'({width},)'})"
        statements.append(Statement(writer.name[group.source], text, writer.shape(group.source)))
    return statements


def _name_parameters(writer: Writer) -> None:
    """The matrices and biases of each layer come first: others that have a part of them are named after them."""
    for group in writer.grouping.groups:
        layer = writer.layer.get(group.source)
        if layer is None or group.primitive is not None:
            continue
        for block in group.blocks:
            if isinstance(block, Matrix) and block.weights is not None:
                writer.table(block.weights, "w", layer)
        for block in group.blocks:
            if isinstance(block, Rows) and block.right is None and block.left.index.shape[1] == 1:
                writer.vector(View(block.left.source, block.left.index[:, 0]), layer)


def application(writer: Writer, group: Group) -> Symbol:
    """A primitive applied to its operands."""
    primitive, operands = group.primitive, operand_symbols(writer, group)
    assert primitive is not None
    if primitive in REDUCTIONS and is_reduction(group):
        one = len(group.members) == 1
        if primitive is primitives.logsumexp:
            text = f"{writer.call(primitive)}({operands[0].text}){'[..., None]' if one else ''}"
        else:
            text = f"{written(operands[0], ATOM)}.{primitive.name}(axis=-1{', keepdims=True' if one else ''})"
        return writer.symbol(text, len(group.members))
    symbol = next(x for x in operands if isinstance(x, Symbol))
    found: Symbol = symbol.apply(primitive, tuple(operands))
    return found


def is_reduction(group: Group) -> bool:
    """Whether the one operand of a group is of several columns for each member."""
    return len(group.operands) == 1 and isinstance(group.operands[0], View) and group.operands[0].index.ndim == 2


def operand_symbols(writer: Writer, group: Group) -> list[Any]:
    """The operands of a group as symbols and numbers."""
    found: list[Any] = []
    for operand in group.operands:
        if not isinstance(operand, View):
            found.append(writer.numbers(operand))
        elif operand.index.ndim == 2:
            one = len(group.members) == 1
            found.append(writer.columns(operand.source, operand.index[0]) if one else writer.table(operand))
        else:
            found.append(writer.vector(operand))
    return found


def _side_by_side(writer: Writer, group: Group) -> Symbol:
    """The pieces of a group, for each sample where one of them is of each."""
    texts = []
    for view in group.pieces:
        piece, width = writer.vector(view), len(view.index)
        shape = f"(n, {width})" if group.batched else f"({width},)"
        full = piece.width == width and group.batched == writer.is_batched(view)
        texts.append(piece.text if full else f"broadcast_to({piece.text}, {shape})")
    return writer.symbol(f"concatenate([{', '.join(texts)}], axis=-1)", len(group.members))


def _sum(writer: Writer, group: Group, statements: list[Statement]) -> Symbol:
    """The blocks of a group, slot by slot, and of a slot products first; scaled in the end."""
    slots = _slots(group)
    constant = None if slots and _is_nothing(group.constant) else writer.numbers(group.constant)
    signs = isinstance(constant, float) and constant > 0 and all(map(_starts_with_a_sign, group.blocks))
    first = group.leads if len(slots) > 1 else signs
    total: Any = constant if first else None
    parts: list[list[Rows | Matrix]] = [*[[block] for block in slots[0]], *slots[1:]] if slots else []
    for n, part in enumerate(parts):
        if n and n % cost.TERMS_A_STATEMENT == 0:
            name = writer.name[group.source]
            statements.append(Statement(name, total.text, writer.shape(group.source)))
            total = writer.symbol(name, total.width)
        term: Any = None
        for block in part:
            product = _block(writer, group, block, statements)
            term = product if term is None else infix("+", term, product)
        total = term if total is None else infix("+", total, term)
    if constant is not None and not first:
        total = constant if total is None else infix("+", total, constant)
    if not isinstance(total, Symbol):
        total = writer.symbol(f"array([{written(total)}])", 1)
    if not is_number(group.factor, 1.0):
        factor = writer.numbers(group.factor)
        total = -total if is_number(group.factor, -1.0) else infix("*", factor, total)
    return total if is_number(group.divisor, 1.0) else infix("/", total, writer.numbers(group.divisor))


def _block(writer: Writer, group: Group, block: Rows | Matrix, statements: list[Statement]) -> Any:
    if isinstance(block, Matrix):
        return _matrix(writer, group, block, statements)
    return _rows(writer, group, block)


def _slots(group: Group) -> list[list[Rows | Matrix]]:
    """The blocks of each slot in the order in which they are added."""
    by_slot = itertools.groupby(zip(group.slots, group.blocks), key=lambda pair: pair[0])
    return [_in_order([block for _, block in pairs]) for _, pairs in by_slot]


def _is_nothing(constant: float | Numbers) -> bool:
    return isinstance(constant, float) and is_nothing(constant)


def _in_order(blocks: Iterable[Rows | Matrix]) -> list[Rows | Matrix]:
    """Products first, and what is subtracted last; but the cells of a stencil in the order in which they lie.

    Neighbours are nearly equal, so that u₀ - 2u₁ + u₂ is exact where u₀ + u₂ would be rounded.
    """
    runs = [list(run) for _, run in itertools.groupby(blocks, key=_sources)]
    together = [run for blocks in runs for run in ([blocks] if len(blocks) > 2 else [[block] for block in blocks])]
    together.sort(key=lambda run: (not isinstance(run[0], Matrix), _starts_with_a_sign(run[0])))
    return [block for run in together for block in run]


def _sources(block: Rows | Matrix) -> tuple[int, ...]:
    """Where the factors of a sum's terms come from; of a product nothing, which is no part of a stencil."""
    return () if isinstance(block, Matrix) else tuple(v.source for v in (block.left, block.right) if v is not None)


def _starts_with_a_sign(block: Rows | Matrix) -> bool:
    return isinstance(block.coefficients, float) and block.coefficients < 0


def _rows(writer: Writer, group: Group, block: Rows) -> Any:
    layer = writer.layer.get(group.source)
    if block.left.index.shape[1] == 1:
        factors = [writer.vector(View(v.source, v.index[:, 0]), layer) for v in (block.left, block.right) if v]
        return exact_product(_column(writer, block.coefficients), *factors)
    negative, coefficients = is_number(block.coefficients, -1.0), block.coefficients
    shared = sole_row(block, group)
    if shared is not None:
        left, right = shared
        factors = [writer.vector(v) for v in (left, right) if v]
        coefficients = coefficients if isinstance(coefficients, float) else writer.numbers(coefficients[0])
        inner = exact_product(1.0 if negative else coefficients, *factors)
        if inner.width == 1:  # one number, several times
            summed = infix("*", float(block.left.index.shape[1]), inner)
        else:
            summed = _summed(writer, group, block, inner)
    else:
        factors = [writer.table(v) for v in (block.left, block.right) if v]
        axis = 2 if writer.is_batched(block.left) or writer.is_batched(block.right) else 1
        inner = exact_product(1.0 if negative else writer.numbers(coefficients), *factors)
        summed = writer.symbol(f"{written(inner, ATOM)}.sum(axis={axis})", len(group.members))
    return -summed if negative else summed


def _summed(writer: Writer, group: Group, block: Rows, inner: Symbol) -> Symbol:
    batched = writer.is_batched(block.left) or writer.is_batched(block.right)
    axis = "axis=1, " if batched else ""
    return writer.symbol(f"{written(inner, ATOM)}.sum({axis}keepdims=True)", 1)


def sole_row(block: Rows, group: Group) -> tuple[View, View | None] | None:
    """The views of the terms where all members sum up the same ones."""
    views = [v for v in (block.left, block.right) if v is not None]
    if any((v.index != v.index[0]).any() for v in views):
        return None
    if not isinstance(block.coefficients, float) and (block.coefficients != block.coefficients[0]).any():
        return None
    left, *rest = [View(v.source, v.index[0]) for v in views]
    return left, rest[0] if rest else None


def _column(writer: Writer, coefficients: Any) -> Any:
    return coefficients if isinstance(coefficients, float) else writer.numbers(coefficients[:, 0])


def weights_symbol(writer: Writer, group: Group, block: Matrix) -> Symbol:
    """The matrix of a product, of shape (C, K)."""
    if block.weights is None:
        found: Symbol = writer.numbers(block.coefficients)
        return found
    return writer.table(block.weights, "w", writer.layer.get(group.source))


def scaled_weights(writer: Writer, group: Group, block: Matrix) -> Symbol:
    """The matrix with its coefficients, but for a sign."""
    weights = weights_symbol(writer, group, block)
    if block.weights is None or is_number(block.coefficients, 1.0) or is_number(block.coefficients, -1.0):
        return weights
    return exact_product(writer.numbers(block.coefficients), weights)


def sign(block: Matrix) -> float:
    """The sign of a product as a whole."""
    return -1.0 if is_number(block.coefficients, -1.0) else 1.0


def is_number(numbers: float | Numbers, number: float) -> bool:
    """Whether all numbers are this one."""
    return isinstance(numbers, float) and numbers == number


def columns_symbol(writer: Writer, block: Matrix) -> Symbol:
    """What a matrix is multiplied with: samples by K, or samples and positions by K."""
    positions, k = block.columns.index.shape
    if positions == 1:
        return writer.columns(block.columns.source, block.columns.index[0])
    key = (block.columns.source, block.columns.index.tobytes())
    if key in writer.patches:
        return writer.symbol(writer.patches[key], k)
    if block.columns.source in writer.grouping.data:
        return writer.data(block.columns.source, block.columns.index)
    flat = writer.columns(block.columns.source, block.columns.index.reshape(-1))
    return writer.symbol(reshaped(flat, f"-1, {k}"), k)


def _matrix(writer: Writer, group: Group, block: Matrix, statements: list[Statement]) -> Any:
    positions, k = block.columns.index.shape
    weights = scaled_weights(writer, group, block)
    turned = writer.symbol(f"{written(weights, ATOM)}.T".removesuffix(".T.T"), len(group.members))
    if positions > 1:
        _keep_patches(writer, block, statements)
    columns = columns_symbol(writer, block)
    by_columns = positions > 1 or writer.is_batched(block.columns)
    if k == 1 and by_columns and not _is_layer(group):  # products that stay as they are, signs of zeros included
        found = infix("*", columns, turned)
    else:
        found = columns @ turned
    found.width = len(group.members)
    if positions > 1:
        before = "-1, " if writer.is_batched(block.columns) else ""
        results = positions * len(weights_index(block))
        found = writer.symbol(f"({found.text}).reshape({before}{results})", len(group.members))
        if block.place is not None:
            found = writer.symbol(f"{found.text}[..., {writer.index(block.place)}]", len(group.members))
    return -found if sign(block) < 0 else found


def _is_layer(group: Group) -> bool:
    """Whether a group is a matrix product and a bias, and nothing else."""
    others = [block for block in group.blocks if not isinstance(block, Matrix)]
    return len(others) == 1 and others[0].right is None and others[0].left.source == PARAMETERS


def _keep_patches(writer: Writer, block: Matrix, statements: list[Statement]) -> None:
    """Give gathered columns a name, so that the backward pass need not gather them again."""
    symbol = columns_symbol(writer, block)
    key = (block.columns.source, block.columns.index.tobytes())
    if key in writer.patches or block.columns.source in writer.grouping.data:
        return
    name = writer.names.numbered("patches")
    positions, k = block.columns.index.shape
    rows = f"n * {positions}" if writer.is_batched(block.columns) else str(positions)
    statements.append(Statement(name, symbol.text, f"({rows}, {k})"))
    writer.patches[key] = name


def output_text(writer: Writer) -> str:
    """The outputs as one array of a column each."""
    pieces: list[tuple[int, list[int]]] = []
    grouping = writer.grouping
    for i in writer.scalars.outputs:
        source = int(grouping.source[i])
        if source == CONSTANT or not pieces or pieces[-1][0] != source:
            pieces.append((source, []))
        pieces[-1][1].append(i)
    texts = [_output_piece(writer, *piece) for piece in pieces]
    if len(texts) == 1:
        return texts[0]
    batched = [text for text, (source, _) in zip(texts, pieces) if source != CONSTANT and grouping.batched[source]]
    if batched:
        texts = [
            text
            if source != CONSTANT and grouping.batched[source]
            else f"broadcast_to({text}, (len({batched[0]}), {len(nodes)}))"
            for text, (source, nodes) in zip(texts, pieces)
        ]
    return f"concatenate([{', '.join(texts)}], axis=-1)"


def _output_piece(writer: Writer, source: int, nodes: list[int]) -> str:
    if source == CONSTANT:
        return f"array([{written(float(writer.grouping.number[nodes[0]]))}])"
    index: Positions = writer.grouping.position[nodes]
    view = View(source, index)
    if len(index) > 1 and (index == index[0]).all():
        return writer.table(View(source, index[None])).text + ("[:, 0]" if writer.is_batched(view) else "[0]")
    return writer.vector(view).text
