"""Rule text: read and written without loss, and refused with the column."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rule_sets, rules

from rulesearch.errors import ParseError, RulesearchError
from rulesearch.expression import Number, parse_expression
from rulesearch.rules import Lowpass, Rule, RuleSet, Synaptic, Trace, parse_rules


def rule(text: str) -> Rule:
    return parse_rules(text).only()


@settings(max_examples=40)
@given(rules())
def test_the_text_of_a_rule_reads_back_as_the_same_rule(found: Rule) -> None:
    assert parse_rules(str(found)).only() == found


@settings(max_examples=20)
@given(rule_sets())
def test_the_text_of_a_set_reads_back_as_the_same_set(found: RuleSet) -> None:
    assert parse_rules(str(found)) == found
    assert list(parse_rules(str(found)).rules) == list(found.rules)


def test_every_kind_of_piece_is_read() -> None:
    found = rule(
        "on_pre: eta*(y - alpha); on_post: eta*x; eta = 0.001; alpha = 0.25; tau_x = 20 ms; "
        "y = trace(post, 114 ms, nearest); bounds = [0, 1]"
    )
    assert found.slots == {"on_pre": parse_expression("y - alpha"), "on_post": parse_expression("x")}
    assert found.eta == 0.001
    assert found.constants == {"alpha": Number(0.25)}
    assert found.states == {"x": Trace("pre", 0.02), "y": Trace("post", 0.114, nearest=True)}
    assert found.bounds == (0.0, 1.0)
    assert found.size == 4
    assert found.symbols == ("y", "x")


def test_states_of_every_kind_are_read() -> None:
    found = rule(
        "drift: E*(R - R_bar) - theta; theta = lowpass(min(y**2, x), 10 s); R_bar = lowpass(R, 100); "
        "E = synaptic(on_pre: y; on_post: -x; drift: 0.1*w; tau = 1 s); y = trace(post, 20 ms, all)"
    )
    assert found.states["theta"] == Lowpass(parse_expression("min(y**2, x)"), 10.0)
    assert found.states["R_bar"] == Lowpass(parse_expression("R"), 100.0, in_steps=True)
    slots = {"on_pre": "y", "on_post": "-x", "drift": "0.1*w"}
    assert found.states["E"] == Synaptic({slot: parse_expression(text) for slot, text in slots.items()}, 1.0)
    assert found.states["y"] == Trace("post", 0.02)
    assert rule("E*x; E = synaptic(on_pre: y)").states["E"] == Synaptic({"on_pre": parse_expression("y")}, None)


def test_a_bare_expression_goes_into_the_slot_of_the_task() -> None:
    assert list(rule("-x*y").slots) == ["on_step"]
    assert list(parse_rules("-x*y", bare_slot="drift").only().slots) == ["drift"]


def test_sets_are_read_by_name() -> None:
    found = parse_rules("feedforward[y*(x - w*y); eta = 0.01; bounds = [0, 1]]; lateral[-x*y]")
    assert list(found.rules) == ["feedforward", "lateral"]
    assert found.rules["feedforward"].bounds == (0.0, 1.0)
    assert found.size == 7 + 4
    with pytest.raises(RulesearchError, match="expected one rule, found a set of 2: feedforward, lateral"):
        found.only()
    assert parse_rules("w[x*y]") == parse_rules("x*y")


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("eta*y*(x - w*y)", "y*(x - w*y)"),
        ("y*(x - w*y)*eta", "y*(x - w*y)"),
        ("y*eta*(x - w*y)", "y*(x - w*y)"),
        ("eta*(x*y)/2", "x*y/2"),
        ("eta*x*y - eta*w", "x*y - w"),
        ("-(eta*x)", "-x"),
        ("-eta*x", "-x"),
        ("eta", "1"),
        ("on_pre: eta*y; on_post: -(eta*x)", "on_pre: y; on_post: -x"),
    ],
)
def test_a_common_factor_eta_is_absorbed(text: str, slots: str) -> None:
    assert rule(text).slots == rule(slots).slots
    assert rule(f"{text}; eta = 0.1").eta == 0.1


@pytest.mark.parametrize(
    "text", ["eta*eta*x", "eta*x + y", "x/eta", "tanh(eta*x)", "on_pre: eta*x; on_post: y", "eta**2"]
)
def test_eta_that_is_no_common_factor_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="eta must be one common factor"):
        rule(text)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "the text is empty"),
        (";;", 1, "the rule has no slot"),
        ("eta = 0.1", 1, "the rule has no slot"),
        ("x*y; w*y", 6, "on_step is given twice"),
        ("on_pre: x; on_pre: y", 12, "on_pre is given twice"),
        ("x; eta = 1; eta = 2", 13, "eta is given twice"),
        ("x*a; a = 1; a = 2", 13, "a is given twice"),
        ("x; bounds = [0, 1]; bounds = [0, 2]", 21, "bounds is given twice"),
        ("x; tau_x = 20 ms; tau_x = 30 ms", 19, "tau_x is given twice"),
        ("w[x]; w[y]", 7, "the rule 'w' is given twice"),
        ("w[x]; y", 7, "a set of rules holds only pieces of the form name[...]"),
        ("on_pree: x", 1, "did you mean 'on_pre'"),
        ("on_pre: x*q", 11, "unknown symbol 'q'"),
        ("x*alfa; alpha = 1", 3, "did you mean 'alpha'"),
        ("lateral[x*q]", 11, "unknown symbol 'q'"),
        ("x*y; eta = fast", 12, "eta must be a number, found 'fast'"),
        ("x*y; eta = 1 ms", 12, "eta takes no unit, found ms"),
        ("x*a; a = 2*3", 10, "the constant a must be a number"),
        ("x*a; a =", 9, "the constant a must be a number"),
        ("x*a; a = 2 parsec", 12, "unknown unit 'parsec'"),
        ("x; w = 3", 4, "'w' has a meaning of its own"),
        ("x; exp = 3", 4, "'exp' has a meaning of its own"),
        ("x; ms = 3", 4, "'ms' has a meaning of its own"),
        ("x; drift = 3", 4, "'drift' has a meaning of its own"),
        ("x; tau_x = 20", 12, "tau_x must be a time, found a number without a unit"),
        ("x; tau_x = 20 mV", 12, "tau_x must be a time, found one in mV"),
        ("x; tau_x = 0 ms", 12, "tau_x must be above 0"),
        ("x; tau_x = -1 s", 12, "tau_x must be above 0"),
        ("x; bound = [0, 1]", 4, "did you mean bounds = [0, 1]?"),
        ("x; range=[0, 1]", 4, "did you mean bounds = [0, 1]?"),
        ("x; bounds = 1", 13, "bounds must be two numbers"),
        ("x; bounds = [1]", 13, "bounds must be two numbers"),
        ("x; bounds = [0, 1, 2]", 13, "bounds must be two numbers"),
        ("x; bounds = [0, 1", 13, "bounds must be two numbers"),
        ("x; bounds = [2, 1]", 13, "the lower bound must be below the upper one"),
        ("x; bounds = [1, 1]", 13, "the lower bound must be below the upper one"),
        ("x; bounds = [0, high]", 17, "a bound must be a number"),
        ("x; z = trace(20 ms)", 14, "a trace is written trace(pre, 20 ms)"),
        ("x; z = trace(both, 20 ms)", 14, "a trace is written trace(pre, 20 ms)"),
        ("x; z = trace(pre, 20 ms, nearst)", 26, "did you mean 'nearest'"),
        ("x; z = trace(pre, 20 ms, symmetric)", 26, "there are all, nearest, next, immediate"),
        ("x; z = trace(pre, 20)", 19, "must be a time"),
        ("x; z = lowpass(x)", 16, "a low-pass is written"),
        ("x; z = lowpass(x, 0.5)", 19, "must be at least 1"),
        ("x; z = lowpass(x, 3 mV)", 19, "must be a time"),
        ("x; z = lowpass(x*, 10)", 18, "found the end of the text"),
        ("x; E = synaptic(tau = 1 s)", 17, "needs at least one slot"),
        ("x; E = synaptic(y)", 17, "a synaptic state holds slots and tau"),
        ("x; E = synaptic(on_pre: y; tau = 1)", 34, "tau must be a time"),
        ("w += x*y", 1, "w += is not part of a rule; write only what is added to w"),
        ("w = clip(w + x*y, 0, 1)", 1, "write only what is added to w, such as y*(x - w*y); limits of w are bounds"),
        ("eta = 0.1; w = w + x*y", 12, "write only what is added to w"),
        ("on_pre: w += y; on_post: x", 9, "write only what is added to w"),
        ("on_pre: w = w + y", 9, "write only what is added to w"),
        ("dw = x*y", 1, "write only what is added to w"),
        ("\u0394w = x*y", 1, "write only what is added to w"),
        ("delta_w = x*y", 1, "write only what is added to w"),
        ("dw/dt = -w", 1, "write only its right-hand side, as in drift: -w/tau"),
        ("drift: dw/dt = -w", 8, "write only its right-hand side"),
        ("on_pre = y", 1, "a slot is written on_pre: "),
        ("on_pre: -0.3*y; on_post: 0.5*x; tau_plus = 10 ms", 33, "nothing reads tau_plus; did you mean 'tau_x'?"),
        ("on_pre: y; tau_x = 20 ms", 12, "nothing reads tau_x; did you mean 'tau_y'?"),
        ("on_pre: y; tau_y2 = 20 ms; tau_y = 10 ms", 12, "nothing reads tau_y2; did you mean 'tau_y'?"),
        ("x*y; w_max = 1", 6, "nothing reads w_max; did you mean bounds = [0, 1]?"),
        ("x*y; lr = 0.1", 6, "nothing reads lr; did you mean eta?"),
        ("x*y; Eta = 0.1", 6, "nothing reads Eta; did you mean 'eta'?"),
        ("x*y; bound = 3", 6, "nothing reads bound; did you mean 'bounds'?"),
        ("x*y; delay = 1 ms", 6, "nothing reads delay: no slot, and no state that a slot reads"),
        ("x*y; theta = lowpass(y**2, 10 s)", 6, "nothing reads theta: "),
        ("x; z = lowpass(a*y, 10 s); a = 2", 4, "nothing reads z"),
        ("x; E = synaptic(on_pre: E*y; tau = 1 s)", 4, "nothing reads E"),
        ("feedforward[x*y]; lateral[x*y; lr = 1]", 32, "nothing reads lr"),
    ],
)
def test_what_is_wrong_is_shown_with_its_column(text: str, column: int, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_rules(text)
    assert said in caught.value.reason
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("a[x*y; b[y]", 2, "the bracket of a is not closed; type a[...]"),
        ("a[x*y]; b[y", 10, "the bracket of b is not closed; type b[...]"),
        ("a[x*y; bounds = [0, 1]; b[y]", 2, "the bracket of a is not closed; type a[...]"),
        ("a[x*y]]; b[y]", 7, "expected ; behind a[...], or nothing"),
        ("a[x*y] b[y]", 8, "expected ; behind a[...], or nothing"),
        ("tanh[x]", 1, "tanh is a function, and no rule can be called so; write tanh(...)"),
    ],
)
def test_a_bracket_of_a_set_that_is_not_closed_is_shown_where_it_opens(text: str, column: int, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_rules(text)
    assert (caught.value.column, caught.value.reason) == (column, said)


def test_a_state_given_in_two_ways_is_refused() -> None:
    for second in ("x = trace(pre, 10 ms)", "x = 0.5"):
        with pytest.raises(ParseError, match="given twice"):
            parse_rules(f"x*y; tau_x = 20 ms; {second}")


def test_slots_of_a_synaptic_state_given_twice_are_refused() -> None:
    for inside in ("on_pre: x; on_pre: y", "on_pre: x; tau = 1 s; tau = 2 s"):
        with pytest.raises(ParseError, match="given twice"):
            parse_rules(f"E*R; E = synaptic({inside})")


@pytest.mark.parametrize(
    "text",
    [
        "3 mV + 1 s",
        "on_pre: x; on_post: v - x",
        "v - theta; theta = 20 ms",
        "z; z = lowpass(v + x, 1 s)",
        "E*R; E = synaptic(on_pre: 3 mV + 1 s; tau = 1 s)",
        "drift: v*v + v",
        "drift: v**2 + v",
        "drift: v**p + v; p = 2",
        "z; z = lowpass(v**2 + v, 1 s)",
    ],
)
def test_units_that_do_not_fit_are_refused(text: str) -> None:
    with pytest.raises(RulesearchError, match="joins a quantity in"):
        parse_rules(text)


def test_units_that_fit_are_read() -> None:
    assert rule("relu(v - theta); theta = -60 mV").constants["theta"] == Number(-60.0, "mV")
    assert rule("x*(v - v_slow)/5 mV; v_slow = lowpass(v, 10 ms)").size == 7
    assert str(rule("x*tau_q/3 s; tau_q = 16.8 ms")) == "x*tau_q/3 s; tau_q = 16.8 ms"
    assert rule("drift: v**p + v*v; p = 2").size == 7


def test_infinite_bounds_are_written_and_read() -> None:
    found = rule("x; bounds = [-inf, inf]")
    assert found.bounds == (-math.inf, math.inf)
    assert str(found) == "x; bounds = [-inf, inf]"


def test_a_rule_knows_its_latex() -> None:
    assert rule("y*(x - w*y)").latex() == r"\Delta w = \eta\,y\,\left(x - w\,y\right)"
    assert rule("x - w").latex() == r"\Delta w = \eta\left(x - w\right)"
    assert rule("on_pre: -alpha*y; on_post: x; alpha = 2").latex() == (
        r"\Delta w_{\mathrm{pre}} = \eta\left(-\alpha\,y\right) \\ \Delta w_{\mathrm{post}} = \eta\,x"
    )
    assert rule("alpha*x; alpha = 0.25").latex_equations(with_values=True) == [(r"\Delta w", r"\eta\,0.25\,x")]
    assert parse_rules("a[x]; b[drift: y]").latex() == (
        r"\Delta w^{\mathrm{a}} = \eta^{\mathrm{a}}\,x \\ \dot{w}^{\mathrm{b}} = \eta^{\mathrm{b}}\,y"
    )


def test_constants_change_by_name_and_keep_their_unit() -> None:
    found = rule("c1*x*step(c2); c1 = 1; c2 = 20 ms")
    changed = found.with_constants({"c2": 0.5})
    assert changed.constants == {"c1": Number(1.0), "c2": Number(0.5, "ms")}
    assert changed.fingerprint() == found.fingerprint()
    assert found.with_constants({"c1": 2.0}).fingerprint() != found.fingerprint()
    with pytest.raises(RulesearchError, match=r"^the rule has no constant 'c3'; there is: c1, c2$"):
        found.with_constants({"c3": 1.0})
    with pytest.raises(RulesearchError, match=r"^the constant c1 must be a number, found '3'$"):
        found.with_constants({"c1": "3"})  # type: ignore[dict-item]


def test_what_a_change_is_computed_of_must_be_given() -> None:
    found = rule("c*x*y; c = 2")
    assert found.change(x=3.0, y=0.5, w=7.0) == 3.0
    for call, line in (
        (lambda: found.change(x=1.0), "on_step reads y; give a value: change(y=1.0)"),
        (lambda: found.change("on_stp", x=1.0, y=1.0), "unknown slot 'on_stp'; did you mean 'on_step'?"),
        (lambda: found.change(x="a", y=1.0), "on_step needs numbers, or arrays of one shape, for what it reads; found"),
        (lambda: found.change(x=[1.0, 2.0], y=[1.0, 2.0, 3.0]), "on_step needs numbers, or arrays of one shape"),
    ):
        with pytest.raises(RulesearchError) as told:
            call()
        assert str(told.value).startswith(line)


def test_an_unknown_slot_is_a_clear_error() -> None:
    with pytest.raises(RulesearchError, match="unknown slot 'on_spike'"):
        Rule({"on_spike": parse_expression("x")})


def test_a_constant_may_have_any_name_that_is_no_left_hand_side() -> None:
    assert rule("dw*x; dw = -1e-3").constants == {"dw": Number(-0.001)}
    assert rule("x*tau_w*3 Hz; tau_w = 20 ms").size == 5


@settings(max_examples=300)
@given(st.text(st.sampled_from("xyw12.*^+-/() =[]\u03b7\u0394d:;taurce_,on"), max_size=30))
def test_any_text_is_a_rule_or_refused_in_one_line(text: str) -> None:
    try:
        found = parse_rules(text)
    except RulesearchError as error:
        assert "\n" not in str(error)
    else:
        assert parse_rules(str(found)) == found


@pytest.mark.parametrize("text", ["x; x = lowpass(x, 10)", "on_post: v; v = lowpass(2*v, 10 ms)"])
def test_a_low_pass_of_an_input_has_a_name_of_its_own(text: str) -> None:
    with pytest.raises(RulesearchError, match="would be a low-pass of itself; give it a name of its own"):
        parse_rules(text)


def test_a_low_pass_may_read_itself_where_its_name_is_its_own() -> None:
    assert parse_rules("y*theta; theta = lowpass(1 - theta*y, 10)").only().states.keys() == {"theta"}
