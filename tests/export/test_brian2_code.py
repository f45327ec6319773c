"""Brian2 scripts: what is in them, and what is refused by name."""

from __future__ import annotations

import ast

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.export import export
from rulesearch.rules import known_rules, parse_rules

NOT_SPIKING = "anti-hebb bcm covariance e2l-error e2l-reward hebb hebbff oja rubner-tavan sanger"
WORDS = "in is lambda volt uamp2 mliter floor ceil double g N re sec trace sum Q"
"""Keywords of Python and C++, Brian2's units and functions, variables of neurons, names of SymPy."""


@pytest.mark.slow
def test_every_known_rule_is_a_script_or_is_refused_with_a_way_out() -> None:
    for known in known_rules().values():
        for each in known.family():
            if known.name in NOT_SPIKING.split():
                with pytest.raises(RulesearchError, match="--format python"):
                    export(each.rules, "brian2")
            else:
                ast.parse(export(each.rules, "brian2"))


def test_a_constant_named_as_a_time_constant_keeps_its_name_and_value() -> None:
    text = export(parse_rules("on_post: z*tau_z; z = synaptic(on_pre: y; tau = 300 ms); tau_z = 5 ms"), "brian2")
    assert "dz/dt = -z/tau_z_of_rule" in text
    assert '"tau_z_of_rule": 0.3*second' in text
    assert '"tau_z": 0.005' in text


def test_infinite_values_are_written_so_that_python_reads_them() -> None:
    text = export(parse_rules("on_pre: min(y, top) - relu(w); bounds = [0, inf]; top = 0.5"), "brian2")
    assert '"w_max": float("inf")' in text
    assert "clip(y, -inf, top)" in text
    assert "clip(w, 0, inf)" in text


def test_a_state_moves_before_the_one_that_it_reads() -> None:
    text = export(
        parse_rules("on_pre: A; P = synaptic(on_pre: 1); A = synaptic(on_pre: 2*P); bounds = [0, 1]"), "brian2"
    )
    assert text.index("A += (2.0 * P)") < text.index("P += 1.0") < text.index("w = clip")
    with pytest.raises(
        RulesearchError, match="A and B read each other in on_pre, and NESTML moves one after the other"
    ):
        export(parse_rules("on_pre: A; A = synaptic(on_pre: B); B = synaptic(on_pre: 2*A)"), "nestml")


def test_a_trace_that_the_other_side_resets_is_emptied_once_it_was_read() -> None:
    text = export(parse_rules("on_post: x; x = trace(pre, 20 ms, next); bounds = [0, 1]"), "brian2")
    behind = text[text.index('on_post = """') :]
    assert "x += 1.0" in text and behind.index("w = clip") < behind.index("x = 0.0")


def test_sums_over_synapses_are_refused_by_name() -> None:
    with pytest.raises(RulesearchError, match="reads w_mean"):
        export(parse_rules("on_pre: y - w_mean"), "brian2")


@pytest.mark.parametrize(
    ("text", "methods"),
    [
        ("on_post: q; q = lowpass(x, 10 ms)", '("exact", "rk4")'),
        ("on_post: q*p; q = lowpass(2, 10 ms); p = lowpass(1, 10 ms)", '("exact", "rk4")'),
        ("on_post: q; q = lowpass(x, 20 ms)", '"rk4"'),
        ("on_post: q; q = lowpass(x, 20.1 ms)", '"rk4"'),
        ("on_post: q; q = lowpass(2*x + y, 20 ms)", '"rk4"'),
        ("on_post: q; p = lowpass(x, 10 ms); q = lowpass(p, 10 ms)", '"rk4"'),
        ("on_post: q; q = lowpass(k*q + 1, 10 ms); k = 1", '"rk4"'),
        ("drift: a - b*w; a = 1; b = 0", '"rk4"'),
        ("drift: S; S = synaptic(on_pre: 1; drift: -0.5*w; tau = 40 ms)", '"rk4"'),
        ("on_post: A; A = synaptic(drift: B; tau = 10 ms); B = synaptic(on_pre: 1; drift: -A; tau = 30 ms)", '"rk4"'),
    ],
)
def test_the_closed_form_is_left_to_states_that_it_is_right_for(text: str, methods: str) -> None:
    assert f" method={methods}, namespace" in export(parse_rules(text), "brian2")


@pytest.mark.slow
@pytest.mark.parametrize("name", WORDS.split())
def test_words_of_brian2_and_its_languages_are_changed_and_stay_apart(name: str) -> None:
    other = f"{name}_of_rule"
    text = export(parse_rules(f"on_post: {name}*x + {other}; {name} = 0.1; {other} = 0.2"), "brian2")
    assert f'"{name}_of_rule": 0.1,' in text
    assert f'"{other}_of_rule_of_rule": 0.2,' in text
    assert f"(({name}_of_rule * x) + {other}_of_rule_of_rule)" in text
    state = export(parse_rules(f"on_post: {name}; {name} = lowpass(x, 10 ms)"), "brian2")
    assert f"d{name}_of_rule/dt = (x - {name}_of_rule)/tau_{name}_of_rule : 1 (clock-driven)" in state


def test_names_that_begin_with_an_underscore_begin_otherwise_and_stay_apart() -> None:
    text = export(parse_rules("on_post: _a*rule_a; _a = trace(pre, 20 ms); rule_a = 0.2"), "brian2")
    assert "drule_a/dt = -rule_a/tau_rule_a : 1" in text
    assert '"rulerule_a": 0.2,' in text
    assert "eta*(rule_a * rulerule_a)" in text


def test_other_names_are_left_alone() -> None:
    text = export(parse_rules("on_post: theta*x*damp*tau; theta = 0.1; damp = 0.2; tau = 0.3"), "brian2")
    assert "_of_rule" not in text
