"""The parser: what it reads, and where it says what is wrong."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions, expressions_with_units

from rulesearch.errors import ParseError
from rulesearch.expression import Expression, Number, parse_expression, to_text

apply, number, symbol = Expression.apply, Expression.number, Expression.symbol
X, Y, W = symbol("x"), symbol("y"), symbol("w")


@given(expressions_with_units())
def test_printed_trees_read_back_node_by_node(tree: Expression) -> None:
    assert parse_expression(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (apply("mul", Y, apply("sub", X, apply("mul", W, Y))), "y*(x - w*y)"),
        (apply("sub", apply("sub", X, Y), W), "x - y - w"),
        (apply("sub", X, apply("sub", Y, W)), "x - (y - w)"),
        (apply("div", X, apply("mul", Y, W)), "x/(y*w)"),
        (apply("mul", apply("div", X, Y), W), "x/y*w"),
        (apply("pow", apply("pow", X, Y), W), "(x**y)**w"),
        (apply("pow", X, apply("pow", Y, W)), "x**y**w"),
        (apply("pow", X, apply("neg", Y)), "x**-y"),
        (apply("pow", apply("neg", X), number(2)), "(-x)**2"),
        (apply("neg", apply("pow", X, number(2))), "-x**2"),
        (apply("pow", number(-2), X), "(-2)**x"),
        (apply("neg", apply("pow", number(2), X)), "-2**x"),
        (apply("neg", number(2)), "-(2)"),
        (apply("neg", number(-2)), "--2"),
        (apply("mul", number(-2), X), "-2*x"),
        (apply("neg", apply("mul", number(2), X)), "-(2*x)"),
        (apply("sub", X, number(-3)), "x - -3"),
        (apply("div", X, number(0.02, "ms")), "x/20 ms"),
        (apply("pow", number(0.02, "ms"), number(2)), "20 ms**2"),
        (number(-0.0), "-0.0"),
        (number(1e-7), "1e-07"),
        (apply("max", X, apply("min", Y, number(0))), "max(x, min(y, 0))"),
    ],
)
def test_texts_of_known_trees(tree: Expression, text: str) -> None:
    assert to_text(tree) == text
    assert parse_expression(text) == tree


def _from_python(node: ast.expr) -> Expression:
    names = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
    if isinstance(node, ast.BinOp):
        return apply(names[type(node.op)], _from_python(node.left), _from_python(node.right))
    if isinstance(node, ast.UnaryOp):
        assert isinstance(node.op, ast.USub)
        return apply("neg", _from_python(node.operand))
    if isinstance(node, ast.Name):
        return symbol(node.id)
    assert isinstance(node, ast.Constant)
    return number(float(node.value))  # type: ignore[arg-type]


INFIX = ("add", "sub", "mul", "div", "pow", "neg")


@given(expressions(("x", "y"), INFIX, st.floats(0.0, 1e9).map(abs)))
def test_precedence_and_associativity_are_those_of_python(tree: Expression) -> None:
    numbers_negated = any(
        getattr(node, "name", "") == "neg" and isinstance(after, Number)
        for node, after in zip(tree.nodes, tree.nodes[1:], strict=False)
    )
    if not numbers_negated:  # Python has no negative literals
        assert _from_python(ast.parse(to_text(tree), mode="eval").body) == tree


def test_spaces_lines_and_signs_before_are_read() -> None:
    assert parse_expression(" \n y *\t( x-w* y ) \n") == parse_expression("y*(x - w*y)")
    assert parse_expression("-x*y") == apply("mul", apply("neg", X), Y)
    assert parse_expression("+x") == X
    assert parse_expression("x - +y") == apply("sub", X, Y)
    assert parse_expression(".5*x") == parse_expression("0.5*x")
    assert parse_expression("2.*x") == parse_expression("2*x")


LONG = "x" * 4097
CHAIN = "+".join("x" * 65)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "the text is empty"),
        ("  \n ", 1, "the text is empty"),
        ("x +", 4, "found the end of the text"),
        ("()", 2, "found ')'"),
        ("*x", 1, "found '*'"),
        ("x y", 3, "expected an operator"),
        ("x 2", 3, "expected an operator"),
        ("(x", 3, "to close the bracket of column 1"),
        ("y*(x - (w*y)", 13, "to close the bracket of column 3"),
        ("x)", 2, "there is no opening bracket for it"),
        ("y*(x - w*y))", 12, "there is no opening bracket for it"),
        ("min(x, y", 9, "to close the bracket of column 4"),
        ("2 parsec*x", 3, "unknown unit 'parsec' after the number 2"),
        ("20 mss", 4, "did you mean 'ms'"),
        ("2x", 2, "unknown unit 'x'"),
        ("2 sin(x)", 3, "an operator is missing between 2 and sin"),
        ("__import__('os')", 12, 'unexpected character "\'"'),
        ("__import__(os)", 1, "unknown function '__import__'"),
        ("x.real", 2, "unexpected character '.'"),
        ("x[0]", 2, "unexpected character '['"),
        ("lambda: x", 7, "unexpected character ':'"),
        ("x ^ 2", 3, "unexpected character '^'"),
        ("x // y", 4, "found '/'"),
        ("x if y else w", 3, "unexpected 'if'"),
        ("x\n + $", 6, "unexpected character '$'"),
        ("x, y", 2, "unexpected ','"),
        ("min(x)", 1, "min takes 2 argument(s), found 1"),
        ("x + exp(x, y)", 5, "exp takes 1 argument(s), found 2"),
        ("max()", 5, "found ')'"),
        ("y*sin", 3, "the function sin needs its argument in brackets"),
        ("tan(x)", 1, "did you mean 'tanh'"),
        ("x + 1e999", 5, "the number 1e999 is too large"),
        (LONG, 4097, "the text has 4097 characters; at most 4096"),
        (CHAIN, 1, "65 levels deep; at most 64"),
        ("(" * 200 + "x" + ")" * 200, 129, "nested too deeply"),
        ("-" * 2000 + "x", 256, "nested too deeply"),
        ("tanh(" * 65 + "x" + ")" * 65, 1, "66 levels deep; at most 64"),
    ],
)
def test_what_is_wrong_is_shown_with_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_expression(text)
    assert caught.value.column == column
    assert said in caught.value.reason
    assert str(caught.value).startswith(f"column {column} of ")
    assert "\n" not in str(caught.value)


def test_sixty_four_levels_are_read() -> None:
    assert parse_expression("+".join("x" * 64)).depth == 64
    assert parse_expression("tanh(" * 63 + "x" + ")" * 63).depth == 64
    assert parse_expression("(" * 64 + "x" + ")" * 64) == X
    assert parse_expression("x + " + " " * 4091 + "y").size == 3


@pytest.mark.parametrize("text", ["1e999999999 ms", "1e9999999999999999999999 s", "1e-9999999999999999999999 ms"])
def test_absurd_exponents_are_refused_or_zero(text: str) -> None:
    try:
        tree = parse_expression(text)
    except ParseError as error:
        assert "too large" in error.reason
    else:
        assert tree.head == Number(0.0, text.split()[1])


@given(st.text(alphabet="xyw0123456789.e+-*/(), \nminsqrt[]:;='\"_", max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        tree = parse_expression(text)
    except ParseError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse_expression(to_text(tree)) == tree


def test_a_part_of_a_longer_text_shows_the_column_there() -> None:
    with pytest.raises(ParseError) as caught:
        parse_expression("x + $", offset=7, whole="drift: x + $")
    assert caught.value.column == 12


def test_the_facts_of_a_tree() -> None:
    tree = parse_expression("y*(x - w*y) + 0.5*x")
    assert (tree.size, tree.depth) == (11, 5)
    assert tree.symbols == ("y", "x", "w")
    assert [to_text(part) for part in tree.arguments] == ["y*(x - w*y)", "0.5*x"]
    assert to_text(tree.substitute({"x": parse_expression("x - x_bar")})) == "y*(x - x_bar - w*y) + 0.5*(x - x_bar)"
    assert tree.evaluate({"x": 2.0, "y": 3.0, "w": 0.5}) == 3.0 * (2.0 - 1.5) + 1.0
    assert symbol("x").arguments == ()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x^2", "write ** for a power"),
        ("x\u00b2", "write **2 for a power"),
        ("x\u2081", "write 1 behind the name"),
        ("x* *2", "write ** for a power, without a space"),
        ("x \u2212 y", "write - for the minus"),
        ("x \u00d7 y", "write * for a product"),
        ("x\u00b7y", "write * for a product"),
        ("x \u00f7 y", "write / for a quotient"),
        ("0.5 x", "for a product write 0.5*x"),
        ("x(y - w)", "for a product write x*(...)"),
        ("1,5*x", "write decimals with a point"),
        ("\u03b7*x*y", "write eta"),
        ("x/\u03c4", "write tau"),
        (r"\eta y (x - w y)", "LaTeX is not read"),
        (r"\frac{x}{y}", "LaTeX is not read"),
        ("$x$", "LaTeX is not read"),
        ("x_{pre}", "LaTeX is not read"),
        ("x*(x > y)", "write step(a - b) for a > b"),
        ("[x - y]", "relu(x) for the rectifier"),
        ("|x|", "write abs(x)"),
        ("np.exp(x)", "exp(x), not np.exp(x)"),
        ("square(x)", "write x**2"),
        ("ln(x)", "write log(x)"),
        ("heaviside(x)", "write step(x)"),
        ("theta(x)", "write step(x)"),
        ("H(x - 1)", "write step(x)"),
        ("clip(x, 0, 1)", "write max(low, min(x, high))"),
        ("sigmoid(x)", "write 1/(1 + exp(-x))"),
        ("where(x, y, w)", "step(a - b)*x for x where a > b"),
        ("max(x, y, w)", "write max(a, max(b, c)) for three"),
    ],
)
def test_what_other_languages_write_is_told_in_ours(text: str, hint: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_expression(text)
    assert hint in caught.value.reason
    assert "\n" not in str(caught.value)


@settings(max_examples=300)
@given(st.text(st.sampled_from("xyw12.,*^+-/() =<>[]{}|\\$\u03b7\u2212\u00b2\u0394sincl:;"), max_size=20))
def test_any_text_is_an_expression_or_refused_in_one_line(text: str) -> None:
    try:
        parse_expression(text)
    except ParseError as error:
        assert "\n" not in str(error) and 1 <= error.column <= max(1, len(text)) + 1
