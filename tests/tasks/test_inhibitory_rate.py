"""The inhibitory-rate task: its rules, its input, its known baseline and control, and the metrics."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.states import Trace
from rulesearch.simulate.driven.neuron import simulate_spiking
from rulesearch.tasks import tuned_input
from rulesearch.tasks.inhibitory_rate import InhibitoryRate, neuron, simulate_for_plot, vogels
from rulesearch.tasks.kept_inputs import KeptInputs
from rulesearch.tasks.trial import Trial
from rulesearch.tasks.tuned_input import draw_input, prepare

TASK = InhibitoryRate()
SETTINGS = TASK.resolve()
QUICK = TASK.resolve({"learning": 20, "scoring": 10, "eta": 0.02})


def run(text: str | RuleSet, seed: int = 0, fidelity: str = "full", backend: str = "vm") -> Trial:
    rules = TASK.parse(text) if isinstance(text, str) else text
    return TASK.trial(TASK.bind(rules, QUICK), seed, QUICK, fidelity, backend)


@pytest.mark.slow
def test_baseline_reaches_the_target_with_tuning_and_the_control_without() -> None:
    baseline, control = (TASK.bind(rules, SETTINGS) for rules in (TASK.baseline(SETTINGS), TASK.control(SETTINGS)))
    known = [TASK.trial(baseline, seed, SETTINGS, "full") for seed in range(4)]
    wrong = [TASK.trial(control, seed, SETTINGS, "full") for seed in range(4)]
    assert [trial.status for trial in known + wrong] == ["ok"] * 8
    assert np.mean([trial.metrics["rate_hz"] for trial in known]) == pytest.approx(5.0, abs=0.5)
    assert min(trial.metrics["tuning_r"] for trial in known) > 0.99
    assert np.mean([trial.metrics["rate_hz"] for trial in wrong]) == pytest.approx(4.4, abs=0.7)
    assert max(trial.metrics["tuning_r"] for trial in wrong) < TASK.requirements[0].least
    assert np.mean([trial.metrics["tuning_r"] for trial in wrong]) < 0.6
    assert all(trial.metrics["initial_rate_hz"] > 60.0 for trial in known)
    requirement = TASK.requirements[0]
    assert requirement.shortfall(known[0].metrics) == 0.0
    assert requirement.shortfall(wrong[0].metrics) > 0.2


def test_loss_is_the_squared_error_over_target_plus_two() -> None:
    trial = run("on_pre: y - 0.25; on_post: x")
    rate = trial.metrics["rate_hz"]
    assert trial.loss == pytest.approx((rate - 5.0) ** 2 / 7.0)
    assert trial.cases == (trial.loss,)
    assert trial.metrics["rate_loss"] == trial.loss
    assert trial.metrics["tuning_error"] == pytest.approx(1.0 - trial.metrics["tuning_r"])
    assert trial.died_at == 1.0
    assert set(TASK.protocol.aims) <= set(trial.metrics)


def test_a_trial_depends_on_its_arguments_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "on_pre: y - 0.2*w_mean; on_post: x2"
    first, other = run(text, 1), run(text, 2)
    monkeypatch.setattr(tuned_input, "_kept", KeptInputs(8))
    assert run(text, 1) == first
    assert other.metrics != first.metrics


def test_both_tiers_give_the_same_trial() -> None:
    text = "on_pre: y*(1 + y2) - 0.25; on_post: x - 0.1*w"
    vm, jit = run(text), run(text, backend="jit")
    assert vm.status == jit.status == "ok"
    assert vm.metrics["rate_hz"] == jit.metrics["rate_hz"]
    assert vm.metrics["w_mean"] == pytest.approx(jit.metrics["w_mean"], rel=1e-12)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("on_pre: 1", "silent"),
        ("on_pre: -1", "saturated"),
        ("on_pre: log(-1 - w)", "nonfinite"),
        ("on_pre: 1e9; bounds = [0, inf]", "runaway"),
    ],
)
def test_a_rule_that_fails_has_a_cause_and_no_loss(text: str, status: str) -> None:
    trial = run(text)
    assert trial.status == status
    assert trial.loss is None
    assert trial.cases == ()
    assert "rate_hz" not in trial.metrics
    assert 0.0 < trial.died_at < 1.0


def test_a_rule_that_does_nothing_is_scored_at_the_rate_without_inhibition() -> None:
    trial = run("on_pre: 0*w")
    assert trial.status == "ok"
    assert trial.metrics["rate_hz"] == pytest.approx(122.0, abs=8.0)
    assert trial.metrics["tuning_r"] == 0.0
    assert trial.metrics["w_mean"] == pytest.approx(0.1)


def test_binding_fills_in_traces_learning_rate_and_bounds() -> None:
    settings = TASK.resolve({"w_max": 3, "eta": 0.01})
    rule = TASK.bind(TASK.parse("on_pre: y2 - x"), settings).only()
    assert rule.states == {"y2": Trace("post", 0.1), "x": Trace("pre", 0.02)}
    assert (rule.eta, rule.bounds) == (0.01, (0.0, 3.0))
    own = TASK.bind(TASK.parse("on_pre: y; eta = 0.5; bounds = [0, 1]; tau_y = 7 ms"), settings).only()
    assert (own.eta, own.bounds, own.states["y"]) == (0.5, (0.0, 1.0), Trace("post", 0.007))
    assert TASK.bounds == (0.0, SETTINGS["w_max"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y - 0.25", "on_pre: y - 0.25"),
        ("drift: -w", "say at which"),
        ("on_step: x*y", "slots on_pre, on_post"),
        ("on_pre: y_bar; y_bar = lowpass(y, 1 s)", "has traces only"),
        ("on_pre: v", "unknown symbol 'v'"),
    ],
)
def test_rules_that_do_not_fit_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(RulesearchError, match=message) as caught:
        TASK.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"afferents": 1010}, "multiple of 40"),
        ({"learning": 20, "settling": 30}, "part of learning"),
        ({"w_max": 0}, "0.1 to 1000"),
        ({"alpha": 1}, "no setting 'alpha'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(overrides: dict[str, float], message: str) -> None:
    with pytest.raises(RulesearchError, match=message):
        TASK.resolve(overrides)


def test_settling_follows_the_time_of_learning_unless_it_is_set() -> None:
    assert SETTINGS["learning"] - SETTINGS["settling"] >= 150.0
    assert SETTINGS["scoring"] >= 60.0
    assert TASK.resolve({"learning": 20})["settling"] == 8.0
    assert TASK.resolve({"learning": 20, "settling": 0})["settling"] == 0.0


def test_screening_is_cheaper_than_the_full_version() -> None:
    full, screen = run("on_pre: y - 0.25"), run("on_pre: y - 0.25", fidelity="screen")
    assert [fidelity.name for fidelity in TASK.fidelities] == ["screen", "full"]
    assert screen.work < 0.6 * full.work


def test_conditions_are_settings_that_resolve() -> None:
    for conditions in (TASK.fidelities[-1].conditions, TASK.report_conditions()):
        for condition in conditions:
            resolved = TASK.resolve(condition)
            assert condition.items() <= resolved.items()


def test_baseline_scales_with_the_target() -> None:
    constants = TASK.baseline(TASK.resolve({"target": 10})).only().constant_values()
    assert constants["alpha"] == pytest.approx(2 * 0.228)
    assert TASK.baseline(SETTINGS).rules == vogels(0.228).rules


def test_the_input_is_tuned_to_the_fifth_group() -> None:
    tuned = draw_input(3, 200.0, 5.0, 20.0, 1e-4)
    expected = 0.3 + 1.1 / (1.0 + (np.arange(1.0, 9.0) - 5.0) ** 4) + 0.05
    np.testing.assert_allclose(tuned.group_weights, expected, atol=0.02)
    assert tuned.plastic.afferents == 200
    assert tuned.plastic.steps == tuned.excitation.size == 200_000
    # E[r/(1 + r t)] for r = 5 + max(0, 200 z), refractory time t = 5 ms and slow z.
    z = np.random.default_rng(0).standard_normal(200_000)
    rate = 5.0 + np.maximum(0.0, 200.0 * z)
    expected_rate = float(np.mean(rate / (1.0 + 0.005 * rate)))
    assert tuned.plastic.indices.size / 200 / 20.0 == pytest.approx(expected_rate, rel=0.1)


def test_prepared_inputs_are_shared() -> None:
    first = prepare(0, 200.0, 5.0, 1.0, 1e-3)
    assert prepare(0, 200.0, 5.0, 1.0, 1e-3) is first
    for seed in range(1, 12):
        prepare(seed, 200.0, 5.0, 1.0, 1e-3)
    again = prepare(0, 200.0, 5.0, 1.0, 1e-3)
    assert again is not first
    np.testing.assert_array_equal(again.excitation, first.excitation)
    np.testing.assert_array_equal(again.plastic.indices, first.plastic.indices)


def test_halving_the_afferents_or_the_step_keeps_the_drive() -> None:
    rates = []
    for overrides in ({}, {"afferents": 2000}, {"dt": 0.05}):
        settings = TASK.resolve({"learning": 2, "scoring": 10, **overrides})
        trial = TASK.trial(TASK.bind(TASK.parse("on_pre: 0*w"), settings), 0, settings, "full")
        rates.append(trial.metrics["rate_hz"])
    assert rates[1] == pytest.approx(rates[0], rel=0.05)
    assert rates[2] == pytest.approx(rates[0], rel=0.05)


def test_a_plot_gets_rates_weights_and_spikes() -> None:
    rules = TASK.bind(TASK.baseline(QUICK), QUICK)
    shown, trial = simulate_for_plot(rules, 0, QUICK), TASK.trial(rules, 0, QUICK, "full")
    assert shown.status == trial.status == "ok"
    assert shown.time.tolist() == list(range(1, 31))
    assert shown.rate[20:].mean() == pytest.approx(trial.metrics["rate_hz"])
    assert shown.rate.sum() == shown.spikes.size
    assert shown.weight_time.tolist() == list(range(31))
    assert shown.group_weights.shape == (31, 8)
    np.testing.assert_allclose(shown.group_weights[0], 0.1)
    np.testing.assert_allclose(shown.group_weights[-1], shown.inhibitory)
    assert np.corrcoef(shown.excitatory, shown.inhibitory)[0, 1] == pytest.approx(trial.metrics["tuning_r"])
    assert (shown.learning, shown.target) == (20.0, 5.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "sd", "background", "low", "high"),
    [
        ("on_pre: y - 0.25; on_post: x", 200.0, 5.0, 5.35, 5.53),
        ("on_pre: y - 0.20; on_post: x", 200.0, 5.0, 4.30, 4.45),
        ("on_pre: y - 0.228; on_post: x", 200.0, 5.0, 4.89, 5.04),
        ("on_pre: y - 0.125", 200.0, 5.0, 4.90, 5.10),
        ("on_pre: -0.05; on_post: 0.5", 200.0, 5.0, 4.20, 4.50),
        ("on_pre: y - 0.228; on_post: x", 50.0, 5.0, 4.50, 4.70),
        ("on_pre: y - 0.228; on_post: x", 400.0, 5.0, 5.10, 5.30),
        ("on_pre: y - 0.228; on_post: x", 200.0, 20.0, 5.20, 5.40),
    ],
)
def test_rates_while_learning_are_those_of_an_independent_simulation(
    text: str, sd: float, background: float, low: float, high: float
) -> None:
    settings = TASK.resolve({"eta": 0.001})
    rule = TASK.bind(TASK.parse(text), settings).only()
    rates = []
    for seed in range(4):
        tuned = draw_input(seed, sd, background, 300.0, 1e-4)
        cell, start = neuron(0.014, 0.035), np.full(200, 0.1)
        recording, _ = simulate_spiking(cell, rule, tuned.excitation, tuned.plastic, start, 1e-4, 300.0)
        rates.append(recording.rates("cell", 1.0)[150:].mean())
    assert low - 0.1 < np.mean(rates) < high + 0.1
