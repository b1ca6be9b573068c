"""Sums of equal form: all are parts of the sums that read them, or all are nodes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autograd.compiler.scalars.merge import uses
from autograd.compiler.scalars.program import ScalarProgram
from autograd.compiler.scalars.sums.alike import alike, have_parts

Parse = Callable[..., ScalarProgram]

NODES = "\n".join(f"t{k} = tanh(x[{k}])" for k in range(8))
MESSAGES = "\n".join(f"a{k} = mul(p0, x[{k}])\nb{k} = mul(p1, t{k})\nm{k} = add(a{k}, b{k})" for k in range(4))


def decided(parse: Parse, listing: str, repeated: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    """The names of the nodes that are parts of all their readers, and of those that stay nodes."""
    program = parse(listing)
    names = [line.strip().split(" = ")[0] for line in listing.strip().splitlines() if "(" in line]
    node = dict(zip(names, program.operations))
    program = parse(listing, repeated=frozenset(node[name] for name in repeated))
    made_by = [program.primitive_of(i) for i in range(len(program))]
    rows = [program.operands_of(i) for i in range(len(program))]
    parts, apart = alike(program, made_by, rows, uses(program))
    name_of = {i: name for name, i in node.items()}
    return {name_of[i] for i in parts}, {name_of[i] for i in apart}


@pytest.mark.parametrize(
    ("several", "single", "apart"),
    [
        ((("m0", 2),), ("m1",), True),
        ((("m0", 2),), ("m1", "m2"), False),  # more have one reader than there are readers of the one that has several
        ((("m0", 3),), ("m1", "m2"), True),
        ((("m0", 2), ("m1", 2)), ("m2", "m3"), True),
        ((), ("m0", "m1"), False),
        ((("m0", 2),), (), False),
    ],
)
def test_weighted_sums_with_one_reader_are_nodes_if_others_have_several(
    several: tuple[tuple[str, int], ...], single: tuple[str, ...], apart: bool, parse: Parse
) -> None:
    readers = [name for name, count in several for _ in range(count)] + [*single]
    sums = [f"s{k} = add({name}, t{k})\nr{k} = sin(s{k})" for k, name in enumerate(readers)]
    outputs = ", ".join(f"r{k}" for k in range(len(readers)))
    listing = "\n".join([NODES, MESSAGES, *sums, f"return {outputs}"])
    assert decided(parse, listing) == (set(), set(single) if apart else set())


@pytest.mark.parametrize(("readers", "parts"), [(2, True), (3, True), (4, False)])
def test_equal_weighted_sums_that_were_merged_are_parts_of_each_reader_if_that_adds_few_terms(
    readers: int, parts: bool, parse: Parse
) -> None:
    """Each reader but one computes two more terms; the sums have four. If more are added, all are nodes."""
    sums = [f"s{k} = add(m0, t{k})\nr{k} = sin(s{k})" for k in range(readers)]
    outputs = ", ".join(f"r{k}" for k in range(readers))
    listing = "\n".join([NODES, MESSAGES, *sums, "s = add(m1, t7)", "r = sin(s)", f"return r, {outputs}"])
    assert decided(parse, listing, ("m0",)) == (({"m0"}, set()) if parts else (set(), {"m1"}))


def test_messages_that_numbers_divide_are_nodes_if_one_has_several_readers(parse: Parse) -> None:
    listing = f"""{NODES}
        {MESSAGES}
        two = 2.0
        three = 3.0
        d0 = div(m0, two)
        e0 = div(m0, three)
        d1 = div(m1, two)
        d2 = div(m2, t0)
        r3 = sin(m3)
        return d0, e0, d1, d2, r3
    """
    assert decided(parse, listing) == (set(), {"m1"})


@pytest.mark.parametrize(
    ("total", "readers", "parts"),
    [("sum_(t0, t1, t2)", 2, True), ("sum_(t0, t1, t2)", 3, False), ("dot(p2, t0, t1)", 2, True)],
)
def test_equal_sums_of_nodes_are_parts_of_their_readers(total: str, readers: int, parts: bool, parse: Parse) -> None:
    """Three terms are added for each reader but one; the sums have five."""
    like = total.replace("t0, t1, t2", "t3, t4").replace("t0, t1", "t3, t4")
    sums = [f"z{k} = mul(p3, x[{k}])\ns{k} = add(z{k}, total)\nr{k} = sin(s{k})" for k in range(readers)]
    outputs = ", ".join(f"r{k}" for k in range(readers))
    listing = "\n".join(
        [NODES, f"total = {total}", f"other = {like}", *sums, "z = mul(p3, x[7])", "s = add(z, other)", "r = sin(s)",
         f"return r, {outputs}"]
    )  # fmt: skip
    assert decided(parse, listing, ("total",)) == ({"total"} if parts else set(), set())


@pytest.mark.parametrize(("chains", "parts"), [(2, True), (1, False)])
def test_all_neighbours_of_one_node_may_be_the_first_of_another(chains: int, parts: bool, parse: Parse) -> None:
    longer = [f"c{k} = add(t{2 * k + 3}, t{2 * k + 4})\nl{k} = add(c{k}, t0)\nr{k} = sin(l{k})" for k in range(chains)]
    outputs = ", ".join(f"r{k}" for k in range(chains))
    listing = f"""{NODES}
        both = add(t0, t1)
        three = add(both, t2)
        r_both = sin(both)
        r_three = sin(three)
        """ + "\n".join([*longer, f"return r_both, r_three, {outputs}"])
    assert decided(parse, listing) == ({"both"} if parts else set(), set())


@pytest.mark.parametrize(("chains", "parts"), [(3, False), (4, True)])
def test_twice_as_many_chains_are_needed_as_begin_others(chains: int, parts: bool, parse: Parse) -> None:
    listing = [NODES, "u0 = add(t0, t1)", "u1 = add(t2, t3)", "l0 = add(u0, t4)", "l1 = add(u1, t4)"]
    listing += [f"c{k} = add(t5, t{k})\nd{k} = add(c{k}, t6)" for k in range(chains)]
    returned = ["u0", "u1", "l0", "l1", *(f"d{k}" for k in range(chains))]
    listing += [f"r_{name} = sin({name})" for name in returned]
    listing.append("return " + ", ".join(f"r_{name}" for name in returned))
    assert decided(parse, "\n".join(listing)) == ({"u0", "u1"} if parts else set(), set())


@pytest.mark.parametrize(("message", "node"), [("m{k} = add(a{k}, b{k})", True), ("m{k} = dot(p0, t{k}, p1)", False)])
@pytest.mark.parametrize(("readers", "parts"), [(3, True), (4, False)])
def test_chains_may_begin_with_a_message(message: str, node: bool, readers: int, parts: bool, parse: Parse) -> None:
    """Three chains have six terms, of which a message is one. The first has two, and each reader computes them again.

    Args:
        node: whether the other chains begin with messages, too.
    """
    weighted = [f"a{k} = mul(p0, x[{k}])\nb{k} = mul(p1, t{k})" for k in range(3)] if "add" in message else []
    listing = [NODES, *weighted, message.format(k=0), "s0 = add(m0, t0)"]
    listing += [f"l{n} = add(s0, t{n})\nr{n} = sin(l{n})" for n in range(readers)]
    for k in (1, 2):
        listing += [message.format(k=k)] if node else [f"m{k} = cos(t{k})"]
        listing += [f"s{k} = add(m{k}, t{k})", f"o{k} = add(s{k}, t7)", f"q{k} = sin(o{k})"]
    listing.append("return q1, q2, " + ", ".join(f"r{n}" for n in range(readers)))
    assert decided(parse, "\n".join(listing)) == ({"s0"} if parts else set(), set())


def test_a_message_at_the_end_of_a_chain_is_one_term(parse: Parse) -> None:
    """The chains with one reader have two and three terms, that with four two: seven, while eight would be added."""
    chains = [f"l{n} = add(u, t{n})\nr{n} = sin(l{n})" for n in range(4)]
    listing = f"""{NODES}
        {MESSAGES}
        u = add(t0, t1)
        c = add(t2, t3)
        s = add(c, m1)
        o = add(s, t7)
        q = sin(o)
        """ + "\n".join([*chains, "return q, r0, r1, r2, r3"])
    assert decided(parse, listing) == (set(), set())


@pytest.mark.parametrize("first", ["u = add(t0, t1)", "w = mul(t1, t2)\nu = add(t0, w)"])
@pytest.mark.parametrize("in_a_sum", [True, False])
def test_only_nodes_that_sums_read_are_the_first_neighbours_of_another(
    first: str, in_a_sum: bool, parse: Parse
) -> None:
    chains = [f"c{k} = add(t3, t{k + 4})\nl{k} = add(c{k}, t0)\nr{k} = sin(l{k})" for k in range(2)]
    reader = "o = add(u, t7)" if in_a_sum else "o = cos(u)"
    listing = "\n".join([NODES, first, reader, "q = sin(u)", *chains, "return o, q, r0, r1"])
    expected = {"u"} if in_a_sum and "w" not in first else set()
    assert decided(parse, listing) == (expected, set())


def test_chains_that_were_merged_are_parts_of_their_readers(parse: Parse) -> None:
    listing = f"""{NODES}
        u = add(t0, t1)
        l0 = add(u, t2)
        l1 = add(u, t3)
        c = add(t4, t5)
        l2 = add(c, t6)
        r0 = sin(l0)
        r1 = sin(l1)
        r2 = sin(l2)
        return r0, r1, r2
    """
    assert decided(parse, listing, ("u",)) == ({"u"}, set())


@pytest.mark.parametrize(("readers", "parts"), [(3, True), (4, False)])
def test_terms_of_a_sum_within_a_sum_are_counted(readers: int, parts: bool, parse: Parse) -> None:
    """The sums have three, two and two terms; each reader but one computes the first's three again."""
    sums = [f"z{k} = mul(p3, x[{k}])\ns{k} = add(z{k}, u)\nr{k} = sin(s{k})" for k in range(readers)]
    outputs = ", ".join(f"r{k}" for k in range(readers))
    listing = "\n".join(
        [NODES, "v = sum_(t0, t1)", "u = sum_(v, t2)", "other = sum_(t3, t4)", *sums, "z = mul(p3, x[7])",
         "s = add(z, other)", "r = sin(s)", f"return r, {outputs}"]
    )  # fmt: skip
    assert decided(parse, listing, ("u",)) == ({"u"} if parts else set(), set())


@pytest.mark.parametrize(("readers", "parts"), [(2, True), (3, False)])
def test_a_sum_with_several_readers_is_one_term(readers: int, parts: bool, parse: Parse) -> None:
    """The sums of three products have six factors, and three where the first two are a sum with several readers."""
    listing = [NODES, *FORMS["a chain of three"](0, "p2"), *FORMS["a chain of three"](1, "p2")]
    listing += [f"s{n} = add(m0, t{n})\nr{n} = sin(s{n})" for n in range(readers)]
    listing += ["s = add(m1, t7)", "r = sin(s)", "q = sin(n1)"]
    listing.append("return r, q, " + ", ".join(f"r{n}" for n in range(readers)))
    expected = ({"m0"}, {"n0"}) if parts else (set(), {"n0", "m1"})
    assert decided(parse, "\n".join(listing), ("m0",)) == expected


def test_messages_with_other_weights_are_no_difference_between_the_sums_that_read_them(parse: Parse) -> None:
    listing = f"""{NODES}
        a0 = mul(p0, x[0])
        b0 = mul(p1, t0)
        m0 = add(a0, b0)
        a1 = mul(p3, x[1])
        b1 = mul(p4, t1)
        m1 = add(a1, b1)
        c0 = mul(p2, t2)
        d0 = sub(m0, c0)
        c1 = mul(p2, t3)
        d1 = sub(m1, c1)
        s0 = add(d0, t4)
        s1 = add(d0, t5)
        s2 = add(d1, t6)
        r0 = sin(s0)
        r1 = sin(s1)
        r2 = sin(s2)
        return r0, r1, r2
    """
    assert decided(parse, listing) == (set(), {"d1"})


def test_a_merged_sum_that_resembles_no_other_is_a_node(parse: Parse) -> None:
    listing = "\n".join([NODES, MESSAGES, "s0 = add(m0, t0)", "s1 = add(m0, t1)", "return s0, s1"])
    assert decided(parse, listing, ("m0",)) == (set(), set())


@pytest.mark.parametrize("line", ["w = mul(t0, t1)", "w = mul(p7, half)"])
def test_products_without_weights_and_of_numbers_come_first(line: str, parse: Parse) -> None:
    listing = f"""{NODES}
        half = 0.5
        {line}
        {MESSAGES}
        s0 = add(m0, t0)
        s1 = add(m0, t1)
        s2 = add(m1, t2)
        return w, s0, s1, s2
    """
    assert decided(parse, listing) == (set(), {"m1"})


def test_numbers_times_parameters_are_decided_about_elsewhere(parse: Parse) -> None:
    listing = f"""{NODES}
        half = 0.5
        a0 = mul(p0, half)
        m0 = add(a0, p1)
        a1 = mul(p0, half)
        m1 = add(a1, p1)
        s0 = add(m0, t0)
        s1 = add(m0, t1)
        s2 = add(m1, t2)
        r0 = sin(s0)
        r1 = sin(s1)
        r2 = sin(s2)
        return r0, r1, r2
    """
    assert decided(parse, listing) == (set(), set())


@pytest.mark.parametrize(
    ("lines", "outputs", "expected"),
    [
        (["s0 = add(m0, t0)", "s1 = add(m0, t1)", "s2 = add(m1, t2)"], "s0, s1, s2", True),
        (["s0 = add(m0, t0)", "s1 = add(m0, t1)", "s2 = add(m1, t2)"], "s0, s1, s2, m0", False),  # m0 is a result
        (["s0 = add(m0, t0)", "s1 = add(m1, t1)", "s2 = add(m2, t2)"], "s0, s1, s2", False),  # none has two readers
        (["s0 = sin(m0)", "s1 = sin(m0)", "s2 = add(m1, t2)"], "s0, s1, s2", False),  # no sum reads m0
        (["s0 = add(m0, t0)", "s1 = add(m0, t1)", "s2 = sin(m1)"], "s0, s1, s2", False),  # nor m1
        (["a9 = mul(p0, x[7])", "c0 = mul(p2, t0)", "n = add(a9, c0)", "s0 = add(m0, t0)", "s1 = add(m0, t1)",
          "s2 = add(n, t2)"], "s0, s1, s2", False),  # n has other weights
        (["d0 = div(m0, two)", "e0 = div(m0, two)", "s2 = add(m1, t2)"], "d0, e0, s2", True),
        (["d0 = div(m0, t3)", "e0 = div(m0, t4)", "s2 = add(m1, t2)"], "d0, e0, s2", False),
        (["both = add(t0, t1)", "three = add(both, t2)", "r = sin(both)"], "three, r", True),
        (["both = add(t0, t1)", "three = mul(both, t2)", "r = sin(both)"], "three, r", False),
        (["w = mul(t1, t2)", "u = add(w, t0)", "s = add(u, t3)", "r = sin(u)"], "s, r", True),
        (["w = mul(t1, t2)", "u = add(t0, w)", "s = add(u, t3)", "r = sin(u)"], "s, r", False),  # ends with a product
        (["v = sum_(t1, t2, t3)", "u = add(t0, v)", "s = add(u, t3)", "r = sin(u)"], "s, r", False),
        (["u = add(t0, t1)", "s = add(u, t3)"], "s", False),
        (["w0 = mul(p2, x[6])", "n0 = add(t0, w0)", "w1 = mul(p2, x[7])", "n1 = add(t1, w1)", "s0 = add(n0, t2)",
          "s1 = add(n0, t3)", "s2 = add(n1, t4)"], "s0, s1, s2", True),  # the weight is at the end
        (["e0 = mul(p2, x[4])", "f0 = mul(p3, t4)", "n0 = sum_(e0, t0, f0)", "e1 = mul(p2, x[5])", "f1 = mul(p3, t5)",
          "n1 = sum_(e1, t1, f1)", "s0 = add(n0, t2)", "s1 = add(n0, t3)", "s2 = add(n1, t4)"], "s0, s1, s2", True),
        (["e0 = mul(p2, x[4])", "f0 = mul(p3, t4)", "n0 = sum_(e0, t0, f0)", "e1 = mul(p2, x[5])", "f1 = mul(p4, t5)",
          "n1 = sum_(e1, t1, f1)", "s0 = add(n0, t2)", "s1 = add(n0, t3)", "s2 = add(n1, t4)"], "s0, s1, s2", False),
        (["a9 = mul(p0, x[7])", "c0 = mul(p2, t0)", "n = add(a9, c0)", "s0 = add(m0, t0)", "s1 = add(m0, t1)",
          "s2 = add(n, t2)", "u = add(t0, t1)", "s3 = add(u, t3)"], "s0, s1, s2, s3", False),  # u has one reader
        (["s0 = sin(m0)", "s1 = cos(m0)", "s2 = add(m1, t2)", "v = sum_(t1, t2, t3)", "u = add(t0, v)",
          "s = add(u, t3)", "r = sin(u)"], "s0, s1, s2, s, r", False),  # sums read u, which ends with a sum, and not m0
        (["q0 = dot(p2, t0, t1)", "s0 = add(q0, t0)", "r = sin(q0)", "q1 = dot(p2, t2, t3)", "s1 = add(q1, t2)"],
         "s0, s1, r", True),
        (["q0 = dot(p2, t0, t1)", "s0 = add(q0, t0)", "r = sin(q0)", "q1 = dot(p3, t2, t3)", "s1 = add(q1, t2)"],
         "s0, s1, r", False),
    ],
)  # fmt: skip
def test_most_programs_have_no_such_sums(lines: list[str], outputs: str, expected: bool, parse: Parse) -> None:
    program = parse("\n".join([NODES, MESSAGES, "two = 2.0", *lines, f"return {outputs}"]))
    made_by = [program.primitive_of(i) for i in range(len(program))]
    rows = [program.operands_of(i) for i in range(len(program))]
    assert have_parts(program, made_by, rows, uses(program)) is expected


FORMS: dict[str, Callable[[int, str], list[str]]] = {
    "a chain of three": lambda k, p: [
        f"a{k} = mul(p0, x[{k}])", f"b{k} = mul(t{k}, p1)", f"c{k} = mul({p}, x[{k}])",
        f"n{k} = add(a{k}, b{k})", f"m{k} = add(n{k}, c{k})",
    ],
    "a chain that begins with the other weight": lambda k, p: [
        f"a{k} = mul({p}, x[{k}])", f"b{k} = mul(t{k}, p1)", f"c{k} = mul(p0, x[{k}])",
        f"n{k} = add(a{k}, b{k})", f"m{k} = add(n{k}, c{k})",
    ],
    "a dot product": lambda k, p: [f"m{k} = dot({p}, t{k}, p1)"],
    "a dot product and a bias": lambda k, p: [f"m{k} = dot(p1, t{k}, {p})"],
    "a dot product and a number": lambda k, p: [f"m{k} = dot({p}, t{k}, half)"],
    "a sum of products": lambda k, p: [
        f"a{k} = mul(p0, x[{k}])", f"b{k} = mul(t{k}, {p})", f"m{k} = sum_(a{k}, b{k}, p1)"
    ],
}  # fmt: skip
"""The lines of a weighted sum of node k, with one weight to choose."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weight", ["p2", "p3"])
@pytest.mark.parametrize("reader", ["add(m{}, t7)", "dot(p5, t7, m{})", "sum_(t7, m{}, t6)", "sub(m{}, t7)"])
def test_sums_have_equal_form_if_the_same_weights_follow_each_other(
    form: str, weight: str, reader: str, parse: Parse
) -> None:
    messages = [*FORMS[form](0, "p2"), *FORMS[form](1, weight)]
    readers = [f"r{n} = {reader.format(k)}\nq{n} = sin(r{n})" for n, k in enumerate((0, 0, 1))]
    listing = "\n".join([NODES, "half = 0.5", *messages, *readers, "return q0, q1, q2"])
    assert decided(parse, listing) == (set(), {"m1"} if weight == "p2" else set())


@pytest.mark.parametrize("form", FORMS)
def test_factors_of_products_are_no_terms(form: str, parse: Parse) -> None:
    messages = [line for k in (0, 1) for line in FORMS[form](k, "p2")]
    readers = [f"r{n} = dot(p5, m{k}, t7)\nq{n} = sin(r{n})" for n, k in enumerate((0, 0, 1))]
    listing = "\n".join([NODES, "half = 0.5", *messages, *readers, "return q0, q1, q2"])
    assert decided(parse, listing) == (set(), set())


@pytest.mark.parametrize(("readers", "parts"), [(4, True), (5, False)])
@pytest.mark.parametrize("form", ["a chain of three", "a sum of products"])
def test_the_terms_of_all_sums_of_equal_form_are_counted(form: str, readers: int, parts: bool, parse: Parse) -> None:
    """Three sums have nine terms. The merged one has three, which each reader but one would compute again."""
    messages = [line for k in (0, 1, 2) for line in FORMS[form](k, "p2")]
    sums = [f"r{n} = add(m{k}, t{n})\nq{n} = sin(r{n})" for n, k in enumerate([0] * readers + [1, 2])]
    outputs = ", ".join(f"q{n}" for n in range(readers + 2))
    listing = "\n".join([NODES, *messages, *sums, f"return {outputs}"])
    assert decided(parse, listing, ("m0",)) == (({"m0"}, set()) if parts else (set(), {"m1", "m2"}))


@pytest.mark.parametrize("product", ["dot(p2, half, p1)", "dot(half, p2, t0)"])
def test_dot_products_with_numbers_are_decided_about_elsewhere(product: str, parse: Parse) -> None:
    lines = [f"m{k} = {product}" for k in (0, 1)]
    readers = [f"r{n} = add(m{k}, t7)\nq{n} = sin(r{n})" for n, k in enumerate((0, 0, 1))]
    listing = "\n".join([NODES, "half = 0.5", *lines, *readers, "return q0, q1, q2"])
    assert decided(parse, listing) == (set(), set())


@pytest.mark.parametrize(
    ("messages", "readers", "apart"),
    [
        # none has several readers; one has, but nothing divides it; it has no weights; its weights are the first
        ("m{k} = dot(p0, t{k}, p1)", ["div(m0, two)", "div(m1, two)"], False),
        ("m{k} = dot(p0, t{k}, p1)", ["sin(m0)", "cos(m0)", "div(m1, two)"], False),
        ("m{k} = sum_(t{k}, t7, t6)", ["div(m0, two)", "div(m0, three)", "div(m1, two)"], False),
        ("m{k} = dot(p0, t{k}, p1)", ["div(m0, two)", "div(m0, three)", "div(m1, two)"], True),
        ("m{k} = dot(p0, t{k}, p1)", ["div(m0, two)", "div(m0, three)", "sin(m1)"], False),
        ("m{k} = dot(p0, t{k}, p1)", ["div(two, m0)", "div(three, m0)", "div(two, m1)"], False),
    ],
)
def test_only_weighted_sums_that_numbers_divide_are_nodes(
    messages: str, readers: list[str], apart: bool, parse: Parse
) -> None:
    lines = [messages.format(k=k) for k in (0, 1)] + [f"r{n} = {reader}" for n, reader in enumerate(readers)]
    outputs = ", ".join(f"r{n}" for n in range(len(readers)))
    listing = "\n".join([NODES, "two = 2.0", "three = 3.0", *lines, f"return {outputs}"])
    assert decided(parse, listing) == (set(), {"m1"} if apart else set())
