"""Units: exact in both directions, and refused where they do not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import FINITE, MODERATE

from rulesearch.errors import RulesearchError
from rulesearch.expression import parse_expression, to_text
from rulesearch.expression.units import (
    PURE,
    UNITS,
    Dimension,
    dimension_of,
    dimension_text,
    format_number,
    from_base,
    time_text,
    to_base,
)

SYMBOL_UNITS = {"x": "", "y": "", "w": "", "v": "mV", "u": "mV", "tau": "s", "g": "nS", "i": "pA", "rate": "Hz"}


@given(FINITE)
def test_numbers_without_a_unit_are_written_and_read_exactly(value: float) -> None:
    text = format_number(value)
    assert to_base(text, "") == value
    assert from_base(value, "") == text
    assert str(float(text)) == str(value)  # the sign of zero too


@given(MODERATE, st.sampled_from(sorted(UNITS)))
def test_numbers_with_a_unit_are_written_and_read_exactly(value: float, unit: str) -> None:
    assert to_base(from_base(value, unit), unit) == value


@given(FINITE.filter(lambda value: value > 0))
def test_times_are_read_back_exactly(seconds: float) -> None:
    digits, unit = time_text(seconds).split()
    assert unit == ("ms" if seconds < 1.0 else "s")
    assert to_base(digits, unit) == seconds


def test_a_number_too_large_to_be_written_in_ms_is_still_printed() -> None:
    tree = parse_expression("1e311 ms")
    assert parse_expression(to_text(tree)) == tree


@pytest.mark.parametrize(
    ("digits", "unit", "value"),
    [("20", "ms", 0.02), ("114", "ms", 0.114), ("16.8", "ms", 0.0168), ("5", "Hz", 5.0), ("-70", "mV", -70.0)],
)
def test_written_numbers_are_exactly_rounded(digits: str, unit: str, value: float) -> None:
    assert to_base(digits, unit) == value
    assert from_base(value, unit) == digits


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("x*y", PURE),
        ("v - u", (0.0, 1.0, 0.0)),
        ("x/tau", (-1.0, 0.0, 0.0)),
        ("g*v", (0.0, 1.0, 1.0)),
        ("g*v - i", (0.0, 1.0, 1.0)),
        ("rate*tau", PURE),
        ("rate - 1/20 ms", (-1.0, 0.0, 0.0)),
        ("rate - 5 Hz", (-1.0, 0.0, 0.0)),
        ("sqrt(v*v)", (0.0, 1.0, 0.0)),
        ("-abs(relu(v))", (0.0, 1.0, 0.0)),
        ("sign(v - 3 mV)", PURE),
        ("step(v)*x", PURE),
        ("exp(v/5 mV)", PURE),
        ("max(v, -70 mV)", (0.0, 1.0, 0.0)),
        ("v + 3", (0.0, 1.0, 0.0)),
        ("exp(3)", PURE),
        ("0.5", None),
        ("v**2 + v*v", (0.0, 2.0, 0.0)),
        ("v**-1*v", PURE),
        ("v**(1/2) + sqrt(v)", (0.0, 0.5, 0.0)),
        ("(v**(1/3))**3 + v", (0.0, 1.0, 0.0)),
        ("v**0", PURE),
        ("x**y + x**2", PURE),
        ("2**x", None),
        ("unheard", None),
    ],
)
def test_dimensions(text: str, dimension: Dimension | None) -> None:
    assert dimension_of(parse_expression(text), SYMBOL_UNITS, "here") == dimension


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3 mV + 1 s", "+ joins a quantity in mV and one in s"),
        ("v - x", "- joins a quantity in mV and one in 1"),
        ("x + 20 ms", "+ joins a quantity in 1 and one in s"),
        ("min(v, tau)", "min joins a quantity in mV and one in s"),
        ("max(g, i)", "max joins a quantity in nS and one in pA"),
        ("rate + tau", "+ joins a quantity in Hz and one in s"),
        ("exp(v)", "exp() was given a quantity in mV"),
        ("log(20 ms)", "log() was given a quantity in s"),
        ("tanh(g)", "tanh() was given a quantity in nS"),
        ("sin(rate)", "sin() was given a quantity in Hz"),
        ("x*(v + v*v)", "+ joins a quantity in mV and one in mV^2"),
        ("v**2 + v", "+ joins a quantity in mV^2 and one in mV"),
        ("v + sqrt(v)", "+ joins a quantity in mV and one in mV^0.5"),
        ("v**x", "** raises a quantity in mV to what is no fixed number"),
        ("x**v", "** is given an exponent in mV"),
        ("2**(20 ms)", "** is given an exponent in s"),
    ],
)
def test_units_that_do_not_fit_are_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(RulesearchError) as caught:
        dimension_of(parse_expression(text), SYMBOL_UNITS, "slot on_pre")
    assert said in str(caught.value)
    assert str(caught.value).startswith("slot on_pre: ")


def test_dimensions_are_named_by_their_unit_where_there_is_one() -> None:
    assert [dimension_text(UNITS[unit][1]) for unit in ("s", "ms", "Hz", "mV", "nS", "pA")] == [
        "s",
        "s",
        "Hz",
        "mV",
        "nS",
        "pA",
    ]
    assert dimension_text(PURE) == "1"
    assert dimension_text((1.0, 2.0, 0.0)) == "s mV^2"
