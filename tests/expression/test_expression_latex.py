"""LaTeX of expressions, letter by letter."""

from __future__ import annotations

import pytest

from rulesearch.expression import parse_expression, to_latex
from rulesearch.expression.printing import number_latex, symbol_latex


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("y*(x - w*y)", r"y\,\left(x - w\,y\right)"),
        ("x*y - w*y**2", r"x\,y - w\,y^{2}"),
        ("-x*y", r"-x\,y"),
        ("x/(1 + exp(-y))", r"\frac{x}{1 + \exp\left(-y\right)}"),
        ("(x + y)**2", r"\left(x + y\right)^{2}"),
        ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}"),
        ("(x**y)**w", r"\left(x^{y}\right)^{w}"),
        ("(-x)**2", r"\left(-x\right)^{2}"),
        ("x - -3", r"x - \left(-3\right)"),
        ("x*-y", r"x\,\left(-y\right)"),
        ("x - (y - w)", r"x - \left(y - w\right)"),
        ("x*2", r"x \cdot 2"),
        ("0.5*x", r"0.5\,x"),
        ("sqrt(abs(x))", r"\sqrt{\left|x\right|}"),
        ("relu(x - theta)", r"\left[x - \theta\right]_{+}"),
        ("step(x)*sign(y)", r"\Theta\left(x\right)\,\operatorname{sgn}\left(y\right)"),
        ("max(x, min(y, 0))", r"\max\left(x, \min\left(y, 0\right)\right)"),
        ("tanh(x_bar)*y2", r"\tanh\left(\bar{x}\right)\,y_{2}"),
        ("x/20 ms", r"\frac{x}{20\,\mathrm{ms}}"),
        ("1e-07*x", r"1 \times 10^{-7}\,x"),
        ("y - alpha", r"y - \alpha"),
    ],
)
def test_latex(text: str, latex: str) -> None:
    assert to_latex(parse_expression(text)) == latex


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"),
        ("eta", r"\eta"),
        ("x_bar", r"\bar{x}"),
        ("tau_x", r"\tau_{x}"),
        ("y2", "y_{2}"),
        ("A_plus", r"A_{\mathrm{plus}}"),
        ("w_mean", r"\langle w\rangle"),
        ("theta_1", r"\theta_{1}"),
        ("rate", r"\mathrm{rate}"),
        ("v_slow_2", r"v_{\mathrm{slow},2}"),
    ],
)
def test_symbols(name: str, latex: str) -> None:
    assert symbol_latex(name) == latex


def test_names_and_digits_may_be_given() -> None:
    tree = parse_expression("0.123456*R")
    assert to_latex(tree, {"R": r"\mathcal{R}"}, digits=2) == r"0.12\,\mathcal{R}"
    assert number_latex(1.25e-8) == r"1.25 \times 10^{-8}"
    assert number_latex(1234567.0, 2) == r"1.2 \times 10^{6}"
