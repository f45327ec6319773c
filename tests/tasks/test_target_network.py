"""A network that must fire at a target rate: its loss, what each network draws, and which of its synapses learn."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_each_network_draws_the_bound_of_its_weights_where_the_rule_gives_none() -> None:
    grows = "on_pre: 100"
    drawn = {largest_weight(grows, seed)[0] for seed in (1, 2, 3)}
    assert len(drawn) == 3 and all(2.0 <= weight <= 3.0 for weight in drawn)
    assert largest_weight(grows, 1, w_max=1.5)[0] == 1.5
    assert largest_weight(f"{grows}; bounds = [0, 4]", 1)[0] == 4.0


def test_the_cheap_fidelity_has_at_most_a_thousand_neurons() -> None:
    assert [largest_weight("on_pre: 1", 1, "screen", neurons=size)[1] for size in (500, 2000)] == [500, 1000]


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
@pytest.mark.parametrize("kind", KINDS)
def test_each_known_rule_comes_to_the_target_alone_and_each_control_does_not(kind: str) -> None:
    values = PLASTIC.resolve({"neurons": 2000, "w_start": 0.6 if kind == "EE" else 0.3})
    still = parse_rules("; ".join(f"{other}[on_pre: 0]" for other in KINDS if other != kind))
    for rules, solves in ((PLASTIC.baseline(values), True), (PLASTIC.control(values), False)):
        bound = PLASTIC.bind(rules.under(still), values)
        trials = [PLASTIC.trial(bound, seed, values, "full") for seed in (11, 12)]
        assert all(trial.loss is not None and trial.loss < 0.5 for trial in trials) == solves
