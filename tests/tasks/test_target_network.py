"""A network that must fire at a target rate: its loss, what each network draws, and which of its synapses learn."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.rules import parse_rules
from rulesearch.tasks import Trial, load_task
from rulesearch.tasks.plastic_network import KINDS
from rulesearch.tasks.target_network import TargetNetwork, published_loss
from rulesearch.workflow.experiment import load_experiment
from rulesearch.workflow.problems import searched_names

INHIBITORY, PLASTIC = (load_task(name) for name in ("inhibitory-network", "plastic-network"))
SMALL = {"neurons": 500, "learning": 1, "scoring": 1}
EXPERIMENTS = {
    "ee": "EE",
    "ei": "EI",
    "ii": "II",
    "ee-ie": "EE IE",
    "ee-ei": "EE EI",
    "ee-ii": "EE II",
    "ei-ie": "EI IE",
}


def tried(text: str, seed: int = 1, **settings: float) -> Trial:
    values = INHIBITORY.resolve({**SMALL, **settings})
    return INHIBITORY.trial(INHIBITORY.bind(parse_rules(text), values), seed, values, "full")


def largest_weight(text: str, seed: int, fidelity: str = "full", **settings: float) -> tuple[float, int]:
    """Return the largest inhibitory weight after learning, and how many neurons there are."""
    values = INHIBITORY.resolve({**SMALL, **settings})
    assert isinstance(INHIBITORY, TargetNetwork)
    bound = INHIBITORY.bind(parse_rules(text), values)
    simulation = INHIBITORY.simulate(bound, seed, values, fidelity, "vm").simulation
    sizes = [simulation.network.population(name).size for name in ("E", "I")]
    return float(simulation.weights("IE").max()), sum(sizes)


def test_the_loss_divides_squared_errors_by_the_rate_and_two_hertz_or_by_a_number_that_is_set() -> None:
    found = tried("on_pre: y - 0.36; on_post: x")
    rate = found.metrics["rate_hz"]
    assert found.loss == pytest.approx((rate - 10.0) ** 2 / (rate + 2.0))
    assert found.metrics["published_loss"] == pytest.approx(found.loss)
    former = tried("on_pre: y - 0.36; on_post: x", denominator=12.0)
    assert former.metrics == found.metrics
    assert former.loss == pytest.approx((rate - 10.0) ** 2 / 12.0)


def test_a_network_that_lives_has_its_loss_where_steps_do_not_divide_the_time() -> None:
    found = tried("on_pre: y - 0.36; on_post: x", dt=0.3)
    assert found.metrics["published_loss"] == pytest.approx(found.loss)


def test_a_network_that_blows_up_has_the_published_loss_by_when_it_does() -> None:
    quiet, lively = np.full(10, 10.0), np.full(2, 12.0)
    assert published_loss(quiet, lively, 10.0, 10.0, 10.0) == pytest.approx(4.0 / 14.0)
    for rate in (0.09, 101.0):
        blown = quiet.copy()
        blown[3] = rate
        assert published_loss(blown, lively, 10.0, 10.0, 10.0) == pytest.approx(160.0 * (np.exp(-0.4) + 1.0))
    assert published_loss(quiet[:2], lively, 2.5, 10.0, 10.0) == pytest.approx(160.0 * (np.exp(-0.25) + 1.0))


def test_a_network_that_blows_up_has_a_status_and_no_loss() -> None:
    found = tried("on_pre: 0", learning=4)
    assert (found.status, found.loss) == ("runaway", None)
    assert found.metrics["published_loss"] == pytest.approx(160.0 * (np.exp(-found.died_at) + 1.0))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"w_start": 2.5}, "w_start of task inhibitory-network is 2.5; weights may begin at no more than 2, by w_max"),
        ({"w_max": 0.2}, "w_start of task inhibitory-network is 0.3; weights may begin at no more than 0.2, by w_max$"),
    ],
)
def test_weights_that_would_begin_beyond_their_bound_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(RulesearchError, match=said):
        INHIBITORY.resolve(settings)
    assert INHIBITORY.resolve({"w_start": 2.5, "w_max": 2.5})["w_start"] == 2.5


@pytest.mark.parametrize("task", ["inhibitory-network", "inhibitory-rate"])
def test_a_bound_that_lets_a_magnitude_become_negative_is_refused(task: str) -> None:
    with pytest.raises(RulesearchError, match=r"are magnitudes; found the lower bound -1: type bounds = \[0, 3\]"):
        load_task(task).parse("on_pre: y - 0.1; bounds = [-1, 3]")


def test_each_network_draws_the_bound_of_its_weights_where_the_rule_gives_none() -> None:
    grows = "on_pre: 100"
    drawn = {largest_weight(grows, seed)[0] for seed in (1, 2, 3)}
    assert len(drawn) == 3 and all(2.0 <= weight <= 3.0 for weight in drawn)
    assert largest_weight(grows, 1, w_max=1.5)[0] == 1.5
    assert largest_weight(f"{grows}; bounds = [0, 4]", 1)[0] == 4.0


def test_the_cheap_fidelity_is_a_small_network_in_coarse_steps_for_a_short_time() -> None:
    assert [largest_weight("on_pre: 1", 1, "screen", neurons=size)[1] for size in (500, 2000)] == [500, 1000]
    values = INHIBITORY.resolve({"learning": 3, "scoring": 4})
    assert INHIBITORY.duration(values, "screen") == 1.0 + 2.0
    assert INHIBITORY.duration(values, "full") == 7.0
    fine, coarse = (INHIBITORY.resolve({"dt": dt, "learning": 3, "scoring": 1}) for dt in (0.1, 0.4))
    assert isinstance(INHIBITORY, TargetNetwork)
    bound = INHIBITORY.bind(parse_rules("on_pre: 1"), fine)
    for fidelity, steps in (("full", (1e-4, 4e-4)), ("screen", (2e-4, 5e-4))):
        networks = [INHIBITORY.simulate(bound, 1, at, fidelity, "vm").simulation.network for at in (fine, coarse)]
        assert [network.dt for network in networks] == pytest.approx(steps)


def test_a_rule_that_is_right_for_one_input_alone_is_seen_in_screening() -> None:
    screen = PLASTIC.fidelities[0]
    values = PLASTIC.resolve({"neurons": 2000, "w_start": 0.6})
    still = "EI[on_pre: 0]; IE[on_pre: 0]; II[on_pre: 0]"
    known, seen = PLASTIC.baseline(values), {}
    for name, text in (("known", f"EE[{known.rules['EE']}]; {still}"), ("weak", f"EE[on_pre: 0; on_post: 0]; {still}")):
        bound = PLASTIC.bind(parse_rules(text), values)
        trials = [PLASTIC.trial(bound, 5, {**values, **condition}, "screen") for condition in screen.conditions]
        seen[name] = [trial.metrics["rate_hz"] for trial in trials]
    assert len(screen.conditions) == screen.trials == 2
    strong, weak = seen["weak"]
    assert strong > 1.5 * weak
    assert all(abs(rate - 10.0) < 2.0 for rate in seen["known"])


def test_kinds_of_synapses_whose_rule_is_0_are_static() -> None:
    values = PLASTIC.resolve(SMALL)
    rules = PLASTIC.parse("EE[on_pre: 0]; EI[on_pre: 0]; II[on_pre: 0]; IE[on_pre: y - 0.36; on_post: x]")
    found = PLASTIC.trial(PLASTIC.bind(rules, values), 1, values, "full")
    alone = tried("on_pre: y - 0.36; on_post: x")
    assert (found.loss, found.metrics["rate_i_hz"]) == (alone.loss, alone.metrics["rate_i_hz"])
    assert found.metrics["w_IE"] == alone.metrics["w_mean"]
    assert [found.metrics[f"w_{kind}"] for kind in ("EE", "EI", "II")] == pytest.approx([0.03, 0.03, 0.3])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_kind_and_pair_has_an_experiment_that_searches_it(name: str) -> None:
    experiment = load_experiment(f"plastic-network-{name}")
    assert searched_names(experiment, PLASTIC) == tuple(EXPERIMENTS[name].split())
    assert experiment.settings["neurons"] == 2000


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "static"), [("EI", "0.126 - w"), ("II", "0.13 - w")])
def test_screening_sees_that_weights_which_come_to_one_value_do_not_hold_the_rate_at_every_input(
    kind: str, static: str
) -> None:
    # These are the best such values at strong input.
    values = PLASTIC.resolve({"neurons": 2000})
    still = parse_rules("; ".join(f"{other}[on_pre: 0]" for other in KINDS if other != kind))
    losses = []
    for rules in (PLASTIC.baseline(values).under(still), parse_rules(f"{kind}[on_pre: {static}; eta = 0.1]; {still}")):
        bound = PLASTIC.bind(rules, values)
        tried = [PLASTIC.trial(bound, 5, {**values, **at}, "screen").loss for at in PLASTIC.fidelities[0].conditions]
        losses.append(sum(loss if loss is not None else np.inf for loss in tried) / len(tried))
    hopeless = PLASTIC.fidelities[0].hopeless
    assert hopeless is not None
    assert losses[0] < hopeless < losses[1]


@pytest.mark.parametrize(
    ("given", "learns"), [("EE; II", "IE"), ("EI; II", "IE"), ("IE; II", "EE"), ("IE; EE; EI", "II")]
)
def test_beside_given_rules_one_known_rule_learns(given: str, learns: str) -> None:
    values = PLASTIC.resolve()
    still = parse_rules("; ".join(f"{kind}[on_pre: 0]" for kind in given.split("; ")))
    found = PLASTIC.known_beside(still, values)
    assert [kind for kind, rule in found.rules.items() if not PLASTIC.bind(found, values).rules[kind].is_still] == [
        learns
    ]
    assert found.rules[learns] == PLASTIC.baseline(values).rules[learns]
    assert found.given == set(still.rules)
    assert PLASTIC.known_beside(None, values) == PLASTIC.baseline(values)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_known_rule_comes_to_the_target_alone_and_each_control_does_not(kind: str) -> None:
    values = PLASTIC.resolve({"neurons": 2000, "w_start": 0.6 if kind == "EE" else 0.3})
    still = parse_rules("; ".join(f"{other}[on_pre: 0]" for other in KINDS if other != kind))
    for rules, solves in ((PLASTIC.baseline(values), True), (PLASTIC.control(values), False)):
        bound = PLASTIC.bind(rules.under(still), values)
        trials = [PLASTIC.trial(bound, seed, values, "full") for seed in (11, 12)]
        assert all(trial.loss is not None and trial.loss < 0.5 for trial in trials) == solves
