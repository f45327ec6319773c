"""NESTML models: what is in them, and what is refused by name."""

from __future__ import annotations

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.export import export
from rulesearch.rules import known_rule, parse_rules


def _model(text: str) -> list[str]:
    lines = export(parse_rules(text), "nestml").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("model "))
    return [line.strip() for line in lines[start:]]


def _block(model: list[str], name: str) -> list[str]:
    start = model.index(f"{name}:") + 1
    return model[start : model.index("", start)]


def test_the_weight_changes_after_the_spike_went_on_and_before_traces_grow() -> None:
    model = _model("on_pre: y - alpha; on_post: x; alpha = 0.25; bounds = [0, 1]")
    assert _block(model, "onReceive(pre_spikes, priority=2)") == [
        "emit_spike(w)",
        "w = min(max(w + eta * (y - alpha), w_min), w_max)",
        "x += 1.0",
    ]
    assert _block(model, "onReceive(post_spikes, priority=1)") == [
        "w = min(max(w + eta * x, w_min), w_max)",
        "y += 1.0",
    ]
    assert _block(model, "equations") == ["y' = -y / tau_y", "x' = -x / tau_x"]
    assert "tau_x ms = 20.0 ms" in model


def test_a_rule_without_postsynaptic_spikes_has_no_port_for_them() -> None:
    model = _model("on_pre: 0.1 - w")
    assert _block(model, "input") == ["pre_spikes <- spike"]
    assert "onReceive(pre_spikes):" in model
    assert "update:" not in model


def test_linear_dynamics_become_equations() -> None:
    model = _model(
        "on_post: E; E = synaptic(on_pre: y; drift: -0.5*E + 0.1*x; tau = 300 ms); drift: -0.3*w; bounds = [0, 1]"
    )
    equations = _block(model, "equations")
    assert "w' = eta * ((-0.3) * w) / one_second" in equations
    assert "E' = (((-0.5) * E) + (0.1 * x)) / one_second - E / tau_E" in equations
    assert _block([*model, ""], "update") == ["integrate_odes()", "w = min(max(w, w_min), w_max)"]


def test_the_end_of_a_trial_is_a_spike_of_its_own_and_signals_are_parameters() -> None:
    model = export(known_rule("fremaux").rules, "nestml")
    assert "step_spikes <- spike" in model
    assert "onReceive(step_spikes):" in model
    assert "R_bar real = 0.0" in model


def test_potentials_come_from_the_postsynaptic_neuron() -> None:
    model = _model("on_pre: relu(v - theta); theta = -50 mV")
    assert "v_post mV <- continuous" in model
    assert "w = w + eta * (max(((v_post/(1 mV)) - theta), 0.))" in model


def test_a_trace_that_the_other_side_resets_is_emptied_once_it_was_read() -> None:
    model = _model("on_pre: -y; y = trace(post, 20 ms, immediate)")
    post = model.index("onReceive(post_spikes, priority=1):")
    assert model.index("w = w + eta * (-y)") + 1 == model.index("y = 0.0") < post < model.index("y = 1.0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("y*(x - w*y)", "rate network"),
        ("x*(y - m); m = lowpass(y, 20)", "low-pass m counts steps"),
        ("on_pre: w_mean - w", "reads w_mean"),
        ("on_pre: psp*y", "reads psp"),
        ("drift: x*y", r"the drift of the weight, x\*y, is not linear"),
        ("drift: exp(w)", "is not linear"),
        ("on_pre: z; z = lowpass(x/y, 50 ms)", "the low-pass z, x/y, is not linear"),
        ("on_pre: z; z = lowpass(v, 50 ms)", "the low-pass z reads v"),
        ("on_pre: E; E = synaptic(drift: C; tau = 1 s); C = synaptic(on_post: 1)", "the drift of E reads C"),
    ],
)
def test_what_nestml_cannot_express_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        export(parse_rules(text), "nestml")


def test_names_that_nestml_has_for_itself_are_changed_and_stay_apart() -> None:
    model = _model("on_pre: T*y + T_of_rule; T = 2; T_of_rule = 3; tau_y = 30 ms")
    assert "w = w + eta * ((T_of_rule * y) + T_of_rule_of_rule_of_rule)" in model
    assert "T_of_rule real = 2.0" in model
    assert "T_of_rule_of_rule_of_rule real = 3.0" in model


@pytest.mark.parametrize("name", ["is", "lambda", "from", "while", "double", "volatile"])
def test_keywords_of_python_and_cpp_are_changed(name: str) -> None:
    model = _model(f"on_pre: {name}*y; {name} = 2; tau_y = 30 ms")
    assert f"{name}_of_rule real = 2.0" in model
    assert f"w = w + eta * ({name}_of_rule * y)" in model
