"""Verdicts: known answers, random rewrites, and perturbations that must never pass as equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.expression import Expression
from rulesearch.rules import Rule, RuleSet, known_rule, known_rules, parse_rules
from rulesearch.rules.states import PAIRINGS
from rulesearch.symbolic import VERDICTS, Verdict, by_rule, canonical_key, compare, family_key
from rulesearch.symbolic.verdict import by_rule_text
from rulesearch.wording import factor


def _against(text: str, name: str) -> Verdict:
    return compare(parse_rules(text), [known_rule(name)])[0]


def test_known_rules_are_identical_to_themselves_and_to_nothing_else() -> None:
    for name, known in known_rules().items():
        verdicts = by_rule(compare(known.rules))[""]
        assert (verdicts[0].rule, verdicts[0].verdict, verdicts[0].scale) == (name, "identical", 1.0)
        assert all(verdict.rank >= VERDICTS.index("same-terms") for verdict in verdicts[1:])


@pytest.mark.parametrize(
    "text",
    [
        "-y*(w*y - x)",
        "x*y - y**2*w",
        "y*x - w*y*y",
        "(y**2 + 1)*y*(x - w*y)/(y*y + 1)",
        "-(w*y - x)*y",
        "2*x*y - x*y - y*w*y",
        "y*(x - w*y) + w - w",
        "drift: x*y - w*y**2",
    ],
)
def test_oja_is_equal_in_every_spelling(text: str) -> None:
    verdict = compare(parse_rules(text))[0]
    assert (verdict.rule, verdict.verdict, verdict.scale, verdict.distance) == ("oja", "equal", 1.0, 0.0)


def test_order_alone_is_identical() -> None:
    assert _against("(x - y*w)*y", "oja").verdict == "identical"


def test_a_factor_is_given_as_scale() -> None:
    verdict = _against("0.5*y*(x - w*y)", "oja")
    assert (verdict.verdict, verdict.scale) == ("equal-up-to-scale", 0.5)
    both = _against("on_pre: 2*y - 2*a; on_post: 2*x; a = 0.25", "vogels")
    assert (both.verdict, both.scale) == ("equal-up-to-scale", 2.0)
    uneven = _against("on_pre: 2*y - 2*a; on_post: x; a = 0.25", "vogels")
    assert uneven.verdict == "same-terms"
    assert uneven.coefficients == {"on_pre: y": 2.0, "on_pre: 1": 2.0, "on_post: x": 1.0}


def test_a_negative_factor_is_no_scale() -> None:
    verdict = _against("-y*(x - w*y)", "oja")
    assert (verdict.verdict, verdict.scale) == ("same-terms", None)
    assert verdict.coefficients == {"x*y": -1.0, "w*y**2": -1.0}


def test_other_coefficients_are_given_as_ratios() -> None:
    verdict = compare(parse_rules("x*y - 0.93*w*y**2"))[0]
    assert (verdict.rule, verdict.verdict) == ("oja", "same-terms")
    assert verdict.coefficients == pytest.approx({"x*y": 1.0, "w*y**2": 0.93})
    assert 0 < verdict.distance < 0.1
    assert verdict.summary == "Oja 1982 with other coefficients: w*y**2 times 0.93"


def test_a_factor_near_one_is_told_with_the_digits_that_differ() -> None:
    ours, theirs = (parse_rules(f"on_post: x; tau_x = {tau} ms") for tau in (20, 20.001))
    (verdict,) = compare(ours, [theirs])
    assert verdict.summary.endswith("with other coefficients: tau_x times 0.99995")
    assert factor(1.0) == factor(1.0 + 1e-12) == "1"
    assert factor(1.000001) == "1.000001"
    assert factor(0.93) == "0.93"
    assert factor(1234.5) == "1234"


def test_vogels_without_its_post_term() -> None:
    verdict = compare(parse_rules("on_pre: y - 0.2"))[0]
    assert (verdict.rule, verdict.verdict, verdict.scale) == ("vogels", "different", None)
    assert (verdict.extra_terms, verdict.missing_terms) == ([], ["on_post: x"])
    assert verdict.summary == "Vogels et al. 2011 without on_post: x"


def test_interaction_scheme_and_time_constants_must_match() -> None:
    nearest = _against("on_pre: y - 0.25; on_post: x; y = trace(post, 20 ms, nearest)", "vogels")
    assert nearest.verdict == "different"
    assert nearest.extra_terms == ["y = trace(post, 20 ms, nearest)"]
    assert nearest.missing_terms == ["y = trace(post, 20 ms, all)"]
    reset = _against("on_pre: y - 0.25; on_post: x; y = trace(post, 20 ms, next)", "vogels")
    assert (reset.verdict, reset.extra_terms) == ("different", ["y = trace(post, 20 ms, next)"])
    slower = _against("on_pre: y - 0.25; on_post: x; tau_x = 10 ms; tau_y = 20 ms", "vogels")
    assert slower.verdict == "same-terms"
    assert slower.coefficients["tau_x"] == pytest.approx(0.5)
    assert slower.distance > 0
    undeclared = _against("on_pre: y - 0.25; on_post: x", "vogels")
    assert undeclared.verdict == "identical"


def test_states_are_matched_by_definition_not_by_name() -> None:
    assert _against("(x - a)*(y - b); a = lowpass(x, 100); b = lowpass(y, 100)", "covariance").verdict == "identical"
    other = _against("(x - a)*(y - b); a = lowpass(x, 50); b = lowpass(y, 100)", "covariance")
    assert other.coefficients["tau_x_bar"] == pytest.approx(0.5)
    assert _against("(x - a)*(y - b); a = lowpass(x*y, 100); b = lowpass(y, 100)", "covariance").verdict == "different"


_DECAY = "; tau_x = 20 ms; tau_y = 20 ms"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("on_pre: y + y2; tau_y = 20 ms; tau_y2 = 20 ms", "on_pre: 2*y; tau_y = 20 ms"),
        ("on_pre: y + y2; tau_y = 20 ms; tau_y2 = 20 ms", "on_pre: 2*y"),
        ("x*m; m = lowpass(2*y, 10)", "2*x*m; m = lowpass(y, 10)"),
        ("x*m; m = lowpass(y + 3*x*w, 10)", "x*(a + 3*b); a = lowpass(y, 10); b = lowpass(x*w, 10)"),
        ("x*(a - b); a = lowpass(y + x, 10); b = lowpass(x, 10)", "x*a; a = lowpass(y, 10)"),
        ("x*a; a = lowpass(b, 10); b = lowpass(2*y, 5)", "2*x*p; p = lowpass(q, 10); q = lowpass(y, 5)"),
        ("a*b; a = lowpass(x, 50); b = lowpass(x, 100)", "m*n; m = lowpass(x, 100); n = lowpass(x, 50)"),
        (
            f"drift: R*E; E = synaptic(on_pre: -0.3*y; on_post: 0.6*x; tau = 1 s){_DECAY}",
            f"drift: 3*R*E; E = synaptic(on_pre: -0.1*y; on_post: 0.2*x; tau = 1 s){_DECAY}",
        ),
        (
            f"drift: R*(E + F); E = synaptic(on_pre: y; tau = 1 s); F = synaptic(on_pre: y; on_post: x; tau = 1 s)"
            f"{_DECAY}",
            f"drift: R*E; E = synaptic(on_pre: 2*y; on_post: x; tau = 1 s){_DECAY}",
        ),
        (
            "drift: R*E; E = synaptic(on_pre: 2*y - E**2; tau = 1 s); tau_y = 20 ms",
            "drift: 2*R*E; E = synaptic(on_pre: y - 2*E**2; tau = 1 s); tau_y = 20 ms",
        ),
    ],
)
def test_states_are_what_they_are_made_of(ours: str, theirs: str) -> None:
    for a, b in ((ours, theirs), (theirs, ours)):
        assert compare(parse_rules(a), [parse_rules(b)])[0].verdict == "equal"
    if "y2" not in ours or "tau_y" in theirs:
        assert canonical_key(parse_rules(ours)) == canonical_key(parse_rules(theirs))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("on_pre: y + y2; tau_y = 20 ms; tau_y2 = 30 ms", "on_pre: 2*y; tau_y = 20 ms"),
        ("on_pre: y + y2; tau_y = 20 ms; y2 = trace(post, 20 ms, nearest)", "on_pre: 2*y; tau_y = 20 ms"),
        ("x*m; m = lowpass(y**2, 10)", "x*m**2; m = lowpass(y, 10)"),
        ("x*m; m = lowpass(2*y, 10)", "2*x*m; m = lowpass(y, 11)"),
        ("x*m; m = lowpass(y*y/y, 10)", "x*m; m = lowpass(y, 10)"),
        ("x*m; m = lowpass(relu(2*y - 1), 10)", "2*x*m; m = lowpass(relu(y - 0.4), 10)"),
        (
            "drift: R*E; E = synaptic(on_pre: 2*y - E**2; tau = 1 s); tau_y = 20 ms",
            "drift: 2*R*E; E = synaptic(on_pre: y - E**2; tau = 1 s); tau_y = 20 ms",
        ),
        (
            "drift: R*E; E = synaptic(on_pre: 2*y - tanh(E); tau = 1 s); tau_y = 20 ms",
            "drift: 2*R*E; E = synaptic(on_pre: y - tanh(E); tau = 1 s); tau_y = 20 ms",
        ),
    ],
)
def test_what_is_not_linear_in_a_state_is_not_taken_out_of_it(ours: str, theirs: str) -> None:
    for a, b in ((ours, theirs), (theirs, ours)):
        assert compare(parse_rules(a), [parse_rules(b)])[0].rank >= VERDICTS.index("same-terms")
    assert canonical_key(parse_rules(ours)) != canonical_key(parse_rules(theirs))


def test_slots_must_match() -> None:
    verdict = compare(parse_rules("on_pre: x*y"), [parse_rules("x*y")])[0]
    assert (verdict.verdict, verdict.extra_terms, verdict.missing_terms) == ("different", ["on_pre: x*y"], ["x*y"])


def test_a_drift_that_spikes_drive_is_no_rule_of_steps() -> None:
    by_rates, by_spikes = (parse_rules(f"drift: x*y - w{more}") for more in ("", "; x = trace(pre, 20 ms)"))
    assert compare(parse_rules("x**2 - w"), [by_rates])[0].missing_terms == ["x*y"]
    assert "-w" in compare(parse_rules("x**2 - w"), [by_spikes])[0].missing_terms


def test_sets_are_compared_rule_by_rule() -> None:
    ours = parse_rules("feedforward[x*y - w*y*y]; lateral[-x*y]")
    same = compare(ours, [parse_rules("lateral[-x*y]; feedforward[y*(x - w*y)]")])[0]
    assert same.verdict == "equal"
    other = compare(ours, [parse_rules("feedforward[y*(x - w*y)]; lateral[-2*x*y]")])[0]
    assert other.coefficients["lateral, x*y"] == 0.5
    fewer = compare(ours, [parse_rules("feedforward[y*(x - w*y)]; other[x]")])[0]
    assert (fewer.extra_terms, fewer.missing_terms) == (["lateral, -x*y"], ["other, x"])


@pytest.mark.parametrize(
    ("ours", "theirs", "scale"),
    [
        ("max(x, y)", "x + relu(y - x)", 1.0),
        ("x/(1 + x)", "1 - 1/(1 + x)", 1.0),
        ("3*x/(1 + x)", "1 - 1/(1 + x)", 3.0),
        ("1/(1 + x)*1/(2 + x)", "1/(1 + x) - 1/(2 + x)", 1.0),
        ("sin(x)**2", "1 - cos(x)**2", 1.0),
        ("x*step(y - 0.5)", "2*x*step(2*y - 1)", 0.5),
        ("x*step(x - 0.1 - 0.2)", "x*step(x - 0.3)", 1.0),
        ("1/(x - 0.1 - 0.2)", "1/(x - 0.3)", 1.0),
        ("relu(x - 1e6)*1e-12", "1e-12*max(x, 1e6) - 1e-6", 1.0),
        ("max(max(x, y), w)", "max(x, max(y, w))", 1.0),
        ("1/(1/x) + x", "2*x", 1.0),
        ("3*x*relu(y - 287)", "2*x*relu(y - 287)", 1.5),
        ("3*x*relu(y - 287)", "x*(y - 287 + abs(y - 287))", 1.5),
        ("y*(x/x) + y", "2*y*x/x", 1.0),
        ("y*(x - 0.3)/(x - 0.3)", "y*(2*x - 0.6)/(2*x - 0.6)", 1.0),
    ],
)
def test_functions_that_agree_at_the_points_are_equal(ours: str, theirs: str, scale: float) -> None:
    verdict = compare(parse_rules(ours), [parse_rules(theirs)])[0]
    assert verdict.verdict == ("equal" if scale == 1.0 else "equal-up-to-scale")
    assert verdict.scale == pytest.approx(scale)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("abs(x)", "x"),
        ("log(x)", "log(abs(x))"),
        ("x*y", "x*y + relu(x - 100)"),
        ("x*y", "x*y + 0.000001*w"),
        ("x", "-x"),
        ("step(x)", "relu(x)"),
        ("w - w", "x"),
        ("1e-9*tanh(x)*y", "1e-9*x*y"),
        ("tanh(1e-9*x)", "1e-9*x"),
        ("1e12*x + y", "1e12*x"),
        ("min(x, 1e12) + 0.001*y", "min(x, 1e12) + 0.002*y"),
        ("relu(x - 1e12) + 0.001*y", "max(x - 1e12, 0) + 0.002*y"),
        ("x + 1e-12*y", "x"),
        ("1e-12*x", "0"),
    ],
)
def test_functions_that_differ_are_never_equal(ours: str, theirs: str) -> None:
    verdict = compare(parse_rules(ours), [parse_rules(theirs)])[0]
    assert verdict.rank >= VERDICTS.index("same-terms")
    assert verdict.distance > 0


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("x*step(y - 0.5)", "x*step(y - 0.501)"),
        ("x*step(y - 0.5)", "x*step(y - 0.5000001)"),
        ("x*sign(y - 3e-10)", "x*sign(y - 3.1e-10)"),
        ("x*abs(y - 3e10)", "x*abs(y - 3.1e10)"),
        ("min(x, 0.7)*y", "min(x, 0.71)*y"),
        ("x*relu(x - 1.5*y)", "x*relu(x - 1.501*y)"),
    ],
)
def test_thresholds_are_compared_as_they_are_written(ours: str, theirs: str) -> None:
    verdict = compare(parse_rules(ours), [parse_rules(theirs)])[0]
    assert verdict.verdict == "same-terms"
    assert any("constant" in name for name in verdict.coefficients)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("y*y/y", "y"),
        ("y*(x/x)", "y"),
        ("exp(log(x))", "x"),
        ("sqrt(x)**2", "x"),
        ("0*(1/x) + y", "y"),
        ("log(x) - log(x) + y", "y"),
        ("max(x, x/0)", "x"),
        ("y*(x - y)/(x - y)", "y"),
        ("y*(x - 0.37)/(x - 0.37)", "y"),
        ("y*(x + w - 0.3)/(x + w - 0.3)", "y"),
        ("y*(3*x - 0.7)/(3*x - 0.7)", "y"),
        ("step(x - 0.5)", "1 - step(0.5 - x)"),
    ],
)
def test_rules_are_equal_only_where_both_are_defined(ours: str, theirs: str) -> None:
    for a, b in ((ours, theirs), (theirs, ours)):
        assert compare(parse_rules(a), [parse_rules(b)])[0].rank >= VERDICTS.index("same-terms")
    assert canonical_key(parse_rules(ours)) != canonical_key(parse_rules(theirs))


def test_what_alone_keeps_rules_apart_is_said() -> None:
    verdict = _against("on_pre: y*y/y - 0.25; on_post: x", "vogels")
    assert (verdict.verdict, verdict.scale) == ("same-terms", None)
    assert verdict.summary == "Vogels et al. 2011 in its terms, but not defined at the same points"
    assert family_key(parse_rules("y*y/y")) != family_key(parse_rules("y"))


def test_constants_inside_functions_are_compared() -> None:
    verdict = compare(parse_rules("y*tanh(x - 0.5)"), [parse_rules("2*y*tanh(x - 0.4)")])[0]
    assert verdict.verdict == "same-terms"
    assert verdict.coefficients["tanh(x - 0.4)*y"] == pytest.approx(0.5)
    assert verdict.coefficients["tanh(x - 0.4)*y, constant 1"] == pytest.approx(1.25)


def test_coefficients_near_the_end_of_double_precision_have_a_distance() -> None:
    verdict = _against("a*x*y - a*w*y**2; a = 1e300", "oja")
    assert (verdict.verdict, verdict.scale) == ("equal-up-to-scale", pytest.approx(1e300))
    other = _against("a*x*y - w*y**2; a = 1e308", "oja")
    assert other.verdict == "same-terms"
    assert other.distance == pytest.approx(0.45 * 0.5**0.5)
    assert compare(parse_rules("2**1000"))[0].distance == 1.0


def test_same_terms_are_nearer_than_other_terms() -> None:
    rules = parse_rules("x*y + 9*w*y**2")
    verdicts = compare(rules, [parse_rules("x*y + 9*w*y**2 + 0.001*w"), known_rule("oja")])
    assert [verdict.verdict for verdict in verdicts] == ["same-terms", "different"]
    assert verdicts[0].distance < verdicts[1].distance <= 1


def test_keys_forget_names_and_spelling_but_not_states() -> None:
    key = canonical_key(parse_rules("on_pre: y - alpha; on_post: x; alpha = 0.25; eta = 0.1; bounds = [0, 1]"))
    assert key == canonical_key(parse_rules("on_post: x*1; on_pre: -(c - y); c = 0.25"))
    assert key != canonical_key(parse_rules("on_pre: y - 0.2; on_post: x"))
    bcm = canonical_key(parse_rules("x*y*(y - theta); theta = lowpass(y**2, 10 s)"))
    assert bcm == canonical_key(parse_rules("x*y**2 - m*x*y; m = lowpass(y*y, 10 s)"))
    assert bcm != canonical_key(parse_rules("x*y*(y - theta); theta = lowpass(y**2, 20 s)"))
    nearest = canonical_key(parse_rules("on_pre: y; y = trace(post, 20 ms, nearest)"))
    assert nearest != canonical_key(parse_rules("on_pre: y; tau_y = 20 ms"))
    keys = {canonical_key(parse_rules(f"on_pre: y; y = trace(post, 20 ms, {pairing})")) for pairing in PAIRINGS}
    assert len(keys) == len(PAIRINGS) == 4


def test_families_forget_coefficients() -> None:
    assert family_key(parse_rules("x*y - 0.3*w*y**2")) == family_key(parse_rules("y*(x - w*y)"))
    assert family_key(parse_rules("x*tanh(y - 0.3)")) == family_key(parse_rules("2*x*tanh(y - 0.5)"))
    assert family_key(parse_rules("x*y")) != family_key(parse_rules("x*y + w"))


_NAMES = sorted(known_rules())


@settings(max_examples=100, deadline=None)
@given(data=st.data(), name=st.sampled_from(_NAMES))
def test_rewrites_of_known_rules_stay_equal(
    data: st.DataObject, name: str, rewritings: Callable[[Expression], st.SearchStrategy[Expression]]
) -> None:
    rules = known_rules()[name].rules
    scale = data.draw(st.sampled_from([1.0, 0.5, 3.0]))

    def changed(expression: Expression) -> Expression:
        equal = data.draw(rewritings(expression))
        return equal if scale == 1.0 else Expression.apply("mul", Expression.number(scale), equal)

    ours = RuleSet({key: _with_slots(rule, changed) for key, rule in rules.rules.items()})
    verdict = compare(ours, [known_rule(name)])[0]
    assert verdict.verdict in (("identical", "equal") if scale == 1.0 else ("equal-up-to-scale",))
    assert verdict.scale == pytest.approx(scale)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(_NAMES), st.sampled_from(["w", "x*y", "0.01", "relu(x)", "tanh(w)*y"]))
def test_perturbed_known_rules_are_never_equal(data: st.DataObject, name: str, extra: str) -> None:
    rules = known_rules()[name].rules
    added = parse_rules(extra).only().slots["on_step"]
    size = Expression.number(data.draw(st.sampled_from([0.001, 0.1, 7.0])))

    def changed(expression: Expression) -> Expression:
        return Expression.apply("add", expression, Expression.apply("mul", size, added))

    label, slot = data.draw(st.sampled_from([(key, slot) for key, rule in rules.rules.items() for slot in rule.slots]))
    ours = {key: _with_slots(rule, changed, slot) if key == label else rule for key, rule in rules.rules.items()}
    verdict = compare(RuleSet(ours), [known_rule(name)])[0]
    several_terms = family_key(rules) != "w[on_step: x**1*y**1]"
    if several_terms or extra != "x*y":
        assert verdict.rank >= VERDICTS.index("same-terms")


def _with_slots(rule: Rule, change: Callable[[Expression], Expression], only: str | None = None) -> Rule:
    slots = {slot: change(e) if only in (None, slot) else e for slot, e in rule.slots.items()}
    return Rule(slots, rule.eta, rule.states, rule.constants, rule.bounds)


def _on(verdicts: list[Verdict], name: str) -> list[Verdict]:
    return by_rule(verdicts)[name]


def test_of_a_set_the_whole_comes_first_and_then_each_rule_in_its_order() -> None:
    found = compare(parse_rules("feedforward[y*(x - w*y)]; lateral[-0.02*x*y]"))
    assert list(by_rule(found)) == ["", "feedforward", "lateral"]
    whole = _on(found, "")
    assert {each.rule for each in whole} == {"confavreux-quartet", "rubner-tavan"}
    assert (whole[0].rule, whole[0].verdict, whole[0].scale) == ("rubner-tavan", "same-terms", None)
    forward, lateral = _on(found, "feedforward"), _on(found, "lateral")
    assert [(each.rule, each.verdict) for each in forward[:2]] == [("oja", "identical"), ("rubner-tavan", "identical")]
    assert (lateral[0].rule, lateral[0].verdict, lateral[0].scale) == ("anti-hebb", "equal-up-to-scale", 0.02)
    assert lateral[1].title == "lateral of Rubner & Tavan 1989"
    assert lateral[0].extra_terms == lateral[0].missing_terms == []


def test_a_rule_of_a_set_is_compared_as_it_would_be_alone() -> None:
    ours = parse_rules("feedforward[y*(x - 2*w*y)]; lateral[-x*y + w]")
    others = [known_rule("oja"), known_rule("anti-hebb")]
    found = compare(ours, others)
    assert "" not in by_rule(found)
    for name, rule in ours.rules.items():
        alone = compare(RuleSet.single(rule), others)
        assert [replace(each, name="") for each in _on(found, name)] == alone


def test_known_rules_beside_a_rule_of_a_set_are_of_its_kind() -> None:
    found = compare(known_rule("confavreux-quartet").rules)
    assert list(by_rule(found)) == ["", "EE", "EI", "IE", "II"]
    assert (found[0].rule, found[0].verdict) == ("confavreux-quartet", "identical")
    assert {each.rule for each in _on(found, "IE")} & {"oja", "hebb", "rubner-tavan"} == set()
    assert "vogels" in {each.rule for each in _on(found, "IE")}


def test_two_sets_are_compared_as_a_whole_and_rule_by_rule() -> None:
    ours = parse_rules("a[x*y]; b[-x*y]; c[w]")
    found = compare(ours, [parse_rules("a[2*x*y]; b[x*y - w]")])
    whole, first, second = found
    assert (whole.name, whole.verdict) == ("", "different")
    assert (whole.extra_terms, whole.missing_terms) == (["c, w"], ["b, -w"])
    assert (first.name, first.rule, first.verdict, first.scale) == ("a", "a[2*x*y]", "equal-up-to-scale", 0.5)
    assert (second.name, second.verdict, second.missing_terms) == ("b", "different", ["-w"])


def test_a_single_rule_is_compared_with_the_rule_of_a_set_that_is_nearest_to_it() -> None:
    pair = parse_rules("feedforward[y*(x - w*y)]; lateral[-x*y]")
    [found] = compare(parse_rules("-2*x*y"), [pair])
    assert (found.rule, found.verdict, found.scale, found.name) == ("lateral[-x*y]", "equal-up-to-scale", 2.0, "")
    [forward] = compare(known_rule("oja").rules, [known_rule("rubner-tavan")])
    assert forward.summary == "identical to feedforward of Rubner & Tavan 1989"
    [named] = compare(known_rule("oja").rules, [replace(pair, name="mine")])
    assert named.rule == "mine[feedforward]"


def test_the_rules_of_two_sets_with_other_names_go_together_by_what_they_are() -> None:
    found = compare(parse_rules("lat[-x*y]; ff[(x - w*y)*y]"), [known_rule("rubner-tavan")])
    assert found[0].verdict == "identical"
    assert found[0].summary == (
        "identical to Rubner & Tavan 1989, with other rule names: lat is its lateral, ff is its feedforward"
    )
    assert [(each.name, each.title) for each in found[1:]] == [
        ("lat", "lateral of Rubner & Tavan 1989"),
        ("ff", "feedforward of Rubner & Tavan 1989"),
    ]
    [changed, _] = compare(parse_rules("a[x*y]; b[w]"), [parse_rules("a[2*x*y]; c[y]")])
    assert (changed.extra_terms, changed.missing_terms) == (["b, w"], ["c, y"])


def test_rules_of_a_set_that_have_changed_places_are_recognised() -> None:
    swapped = compare(parse_rules("feedforward[-x*y]; lateral[y*(x - w*y)]"), [known_rule("rubner-tavan")])[0]
    assert swapped.verdict == "different"
    assert swapped.summary.endswith("; identical where feedforward is its lateral, lateral is its feedforward")
    other = compare(parse_rules("feedforward[-x*y]; lateral[y*(x - 2*w*y)]"), [known_rule("rubner-tavan")])[0]
    assert "where" not in other.summary


def test_a_term_of_the_opposite_sign_is_said() -> None:
    verdict = _against("-x*y", "oja")
    assert verdict.summary == "Oja 1982 without -w*y**2 and with the opposite sign of x*y"
    assert (verdict.turned_terms, verdict.coefficients) == (["x*y"], {})
    assert _against("x*y", "oja").turned_terms == []


def test_terms_of_a_set_are_said_by_rule() -> None:
    ours = parse_rules("a[x*y - w + x**3]; b[-x*y]")
    verdict = compare(ours, [parse_rules("a[x*y]; b[-x*y + w]")])[0]
    assert verdict.extra_terms == ["a, -w", "a, x**3"]
    assert verdict.summary == "a[x*y]; b[-x*y + w] without b: w and with a: -w, x**3 added"
    assert by_rule_text(["a, -w", "a, max(x, y)", "b, on_pre: x"]) == "a: -w, max(x, y); b: on_pre: x"
    assert by_rule_text(["x", "y = trace(post, 20 ms, all)"]) == "x, y = trace(post, 20 ms, all)"


def test_a_single_rule_has_no_verdicts_by_rule() -> None:
    assert list(by_rule(compare(known_rule("oja").rules))) == [""]


@pytest.mark.parametrize(
    ("ours", "theirs", "others"),
    [
        ("1 - abs(max(tanh(x), 2) - 1.9 - 0.1)", "1", ["0", "x"]),
        ("x + 1 + abs(3*min(relu(y), 0) - 0.3 + 0.1 + 0.2)", "x + 1", ["x", "y", "x*y", "y*(x - w*y)"]),
        ("y*(x - w*y) + x*abs(3*max(0*x, 0.1) - 0.3)", "y*(x - w*y)", ["x*y", "x"]),
    ],
)
def test_a_threshold_that_is_rounding_alone_says_nothing(ours: str, theirs: str, others: list[str]) -> None:
    rules = parse_rules(ours)
    assert compare(rules, [parse_rules(theirs)])[0].verdict == "equal"
    for other in others:
        assert compare(rules, [parse_rules(other)])[0].rank > 2
