"""Plain simplification: never longer, always equal, readable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.expression import Expression, Number, parse_expression, to_text
from rulesearch.expression.rounding import traced
from rulesearch.rules import Rule, RuleSet, known_rules, parse_rules
from rulesearch.symbolic import (
    canonical_size,
    compare,
    parse_reachable,
    rule_from_terms,
    rule_terms,
    simplify,
    simplify_rule,
)
from rulesearch.symbolic.agreement import agrees
from rulesearch.symbolic.spelling import spelled


@pytest.mark.parametrize(
    "text",
    [
        "y*(x - w*y)",
        "-y*(w*y - x)",
        "x*y - y**2*w",
        "y*x - w*y*y",
        "(x - w*y)*y",
        "-(w*y - x)*y",
        "(x - w*y)/(1/y)",
        "2*x*y - x*y - y*w*y",
        "y*(x - w*y) + w - w",
    ],
)
def test_oja_is_found_in_every_spelling(text: str) -> None:
    found = simplify(parse_rules(text))
    assert str(found.simplified) == "y*(x - w*y)"
    assert found.size_after == canonical_size(parse_rules(text)) == 7


@pytest.mark.parametrize("name", sorted(known_rules()))
def test_known_rules_do_not_grow_and_keep_their_constants_names(name: str) -> None:
    rules = known_rules()[name].rules
    found = simplify(rules)
    assert found.size_after <= rules.size
    for rule, original in zip(found.simplified.rules.values(), rules.rules.values(), strict=True):
        assert not {constant for constant in rule.constants if constant not in original.constants} or (
            sum(each.size for each in rule.expressions()) < sum(each.size for each in original.expressions())
        )


def test_vogels_stays_as_it_is() -> None:
    rules = known_rules()["vogels"].rules
    assert simplify(rules).simplified == rules


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*y*(y - theta); theta = 0.5", "x*y*(y - theta); theta = 0.5"),
        ("theta*x*y - x*y*y; theta = 0.5", "x*y*(theta - y); theta = 0.5"),
        ("y*y", "y**2"),
        ("x + -1*w*y", "x - w*y"),
        ("-1*x*y", "-x*y"),
        ("x*y - x", "x*y - x"),
        ("x/tau + x*y - y*x; tau = 3", "x/tau; tau = 3"),
        ("2*a*x; a = 2.5", "5*x"),
        ("2*a*x; a = 0.3", "c1*x; c1 = 0.6"),
        ("a*b*x; a = 0.3; b = 0.7", "c1*x; c1 = 0.21"),
        ("a*x + c1*y + 2*a*x; a = 0.3; c1 = 0.7", "c1*y + c2*x; c1 = 0.7; c2 = 0.9"),
        ("a*x + a*y; a = 0.3", "a*(x + y); a = 0.3"),
        ("0.1*x + 0.2*x", "0.3*x"),
        ("x/3 + y/3", "(x + y)/3"),
        ("x*x - 2*x*y + y*y", "(x - y)**2"),
        ("min(-x, -y)", "-max(x, y)"),
        ("tanh(y - x) + w", "w + tanh(y - x)"),
        ("2*relu(x - y) + relu(3*x - 3*y)", "5*relu(x - y)"),
        ("(x - x_bar)*(y - y_bar)", "(x - x_bar)*(y - y_bar)"),
        ("x*y - x*y_bar - x_bar*y + x_bar*y_bar", "(x - x_bar)*(y - y_bar)"),
        ("w*x*y*(1 - w) - w**2*(1 - w)*y", "w*y*(1 - w)*(x - w)"),
        # 1/(1/x + 1/y) is 0 at x = y = 0, where x*y/(x + y) has no value.
        ("1/(1/x + 1/y)", "1/(1/x + 1/y)"),
        ("1/(x + 1/y)", "y/(x*y + 1)"),
        ("on_pre: 2*v - 60 mV", "on_pre: 2*v - 60 mV"),
        ("on_pre: a*(v - V0); a = 2; V0 = -60 mV", "on_pre: a*(v - V0); a = 2; V0 = -60 mV"),
        ("x*y; eta = 0.1; bounds = [0, 1]", "x*y; eta = 0.1; bounds = [0, 1]"),
    ],
)
def test_shortest_forms(text: str, expected: str) -> None:
    assert str(simplify(parse_rules(text)).simplified) == expected


@pytest.mark.parametrize(
    ("text", "everywhere", "within"),
    [
        ("y*y/y", "y**2/y", "y"),
        ("(x*y/y)*(w + w)", "x*y*(w + w)/y", "x*(w + w)"),
        ("y**2*(x/y - w)", "y**2*(x/y - w)", "y*(x - w*y)"),
        ("0*(1/y)", "0/y", "0"),
        ("y*y/y + x - x", "y**2/y", "y"),
        ("2*(y*y/y)*x + 3*x*(y**2/y)", "5*x*y**2/y", "5*x*y"),
        ("y*y/y - y**2/y", "y**2/y - y**2/y", "0"),
        ("exp(log(y))*x", "x*exp(log(y))", "x*y"),
        ("relu(y)*x", "x*relu(y)", "x*y"),
    ],
)
def test_what_a_rule_needs_to_be_defined_is_not_cancelled(text: str, everywhere: str, within: str) -> None:
    assert str(simplify(parse_rules(text)).simplified) == everywhere
    assert str(simplify(parse_rules(text), parse_reachable(["y in [0.1, 2]"])).simplified) == within


def test_null_terms_are_named() -> None:
    cancelled = simplify(parse_rules("x*y - x*y + w"))
    assert str(cancelled.simplified) == "w"
    assert "terms that cancel: x*y" in cancelled.steps
    dead = simplify(parse_rules("w + relu(-abs(x))"))
    assert str(dead.simplified) == "w"
    assert "relu(-abs(x)) is 0" in dead.steps


def test_slots_that_are_zero_are_left_out_but_one_stays() -> None:
    assert str(simplify(parse_rules("on_pre: y; on_post: x*(y - y)")).simplified) == "on_pre: y"
    assert str(simplify(parse_rules("on_pre: y - y; on_post: 0*x")).simplified) == "on_pre: 0"


def test_unread_states_and_unused_constants_are_dropped() -> None:
    found = simplify(parse_rules("x*y + 0*theta + 0*a; theta = lowpass(z, 10 s); z = lowpass(y**2, 1 s); a = 3"))
    assert str(found.simplified) == "x*y"
    assert "the constant a is not used" in found.steps
    assert "the state theta is not read" in found.steps
    kept = "x*(y - theta); theta = lowpass(z**2, 10 s); z = lowpass(y, 1 s)"
    assert str(simplify(parse_rules(kept)).simplified) == kept


def test_states_are_simplified_too() -> None:
    text = "drift: R*E; E = synaptic(on_pre: -y*1; on_post: x + y - y; tau = 1 s); tau_x = 20 ms; tau_y = 20 ms"
    rule = simplify_rule(parse_rules(text).only())
    assert str(rule).startswith("drift: E*R; E = synaptic(on_pre: -y; on_post: x; tau = 1 s)")


def test_states_of_one_definition_are_one_state() -> None:
    found = simplify(parse_rules("on_pre: y + y2; tau_y = 20 ms; tau_y2 = 20 ms"))
    assert str(found.simplified) == "on_pre: y + y; tau_y = 20 ms"
    assert "the state y2 is y" in found.steps
    means = simplify(parse_rules("x*(a - b); a = lowpass(y*y, 10 s); b = lowpass(y**2, 10 s)"))
    assert str(means.simplified) == "0"


def test_sets_of_rules_name_the_rule_in_their_steps() -> None:
    found = simplify(parse_rules("feedforward[-y*(w*y - x)]; lateral[-x*y]"))
    assert str(found.simplified) == "feedforward[y*(x - w*y)]; lateral[-x*y]"
    assert found.steps == ["feedforward: -y*(w*y - x) = y*(x - w*y) (8 to 7 nodes)"]


def test_a_rule_without_finite_values_is_returned_as_it_is() -> None:
    assert str(simplify(parse_rules("x*log(-1) - x*log(-1)")).simplified) == "x*log(-1) - x*log(-1)"


def test_terms_can_be_left_out_and_put_together_again() -> None:
    rule = parse_rules("on_pre: y*(x - w*y) - alpha; on_post: x; alpha = 0.25").only()
    found = rule_terms(rule)
    assert found["on_pre"].coefficients == {"x*y": 1.0, "w*y**2": -1.0, "1": -0.25}
    again = rule_from_terms(rule, {**found, "on_pre": found["on_pre"].without("w*y**2")})
    assert str(again) == "on_pre: x*y - alpha; on_post: x; alpha = 0.25"
    alone = rule_from_terms(rule, {"on_pre": found["on_pre"].without("1"), "on_post": found["on_post"].without("x")})
    assert str(alone) == "on_pre: y*(x - w*y)"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_simplified_is_equal_and_never_larger(
    data: st.DataObject, expressions: st.SearchStrategy[Expression], constants: dict[str, float]
) -> None:
    expression = data.draw(expressions)
    rule = Rule({"on_step": expression}, constants={name: Number(value) for name, value in constants.items()})
    found = simplify(RuleSet.single(rule))
    assert found.size_after <= rule.size
    simplified = found.simplified.only()
    shortest = simplified.slots["on_step"]
    assert parse_expression(to_text(shortest)) == shortest
    values = {name: np.linspace(0.11, 1.31, 9) ** (1 + place) for place, name in enumerate("wxy")}
    expected, size = traced(expression, {**constants, **values})
    computed, _ = traced(shortest, {**simplified.constant_values(), **values})
    moderate = np.isfinite(expected) & (size < 1e6)
    difference = np.abs(computed[moderate] - expected[moderate])
    assert np.all(difference <= 1e-6 * np.maximum(size[moderate], 1.0))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_spelling_is_equal_never_larger_and_stable(
    data: st.DataObject, expressions: st.SearchStrategy[Expression], constants: dict[str, float]
) -> None:
    expression = data.draw(expressions)
    once = spelled(expression, constants)
    assert once.size <= expression.size
    assert spelled(once, constants) == once
    if agrees(expression, expression, constants):
        assert agrees(expression, once, constants)


@pytest.mark.parametrize("text", ["(7*x + 7*y)**1000.3", "(0.1*x + 0.1*y)**1000.3", "(7*x - 7*y)**-1000.3"])
def test_a_factor_whose_power_is_no_number_stays_in_the_power(text: str) -> None:
    simplified = simplify(parse_rules(text)).simplified.only()
    values = {"x": np.float64(0.06), "y": np.float64(0.03)}
    with np.errstate(all="ignore"):
        expected = parse_rules(text).only().slots["on_step"].evaluate(values)
        assert simplified.slots["on_step"].evaluate(values) == pytest.approx(expected, rel=1e-9)


def test_minus_nothing_is_written_as_nothing() -> None:
    assert str(simplify(parse_rules("on_post: -(x2 - x2)")).simplified) == "on_post: 0"


@pytest.mark.parametrize("number", ["5e-324", "1e-310", "1.7e308"])
@pytest.mark.parametrize(
    "form", ["{0}*x", "x/{0}", "{0}/x", "({0}*x + y)**2", "x**2/{0} + y", "x*y + {0}*relu(y - 1)", "x**{0}"]
)
def test_numbers_at_the_ends_of_double_precision_stay_what_they_are(form: str, number: str) -> None:
    rules = parse_rules(form.format(number))
    ours, theirs = (each.only().slots["on_step"] for each in (rules, simplify(rules).simplified))
    for x, y in ((0.5, 2.0), (-3.0, 0.25), (1e-5, 1e5)):
        with np.errstate(all="ignore"):
            values = [float(np.float64(part.evaluate({"x": x, "y": y}))) for part in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], rel=1e-9, abs=1e-323, nan_ok=True)
    assert compare(rules, [rules])[0].verdict == "identical"
