"""Task `spiking-familiarity`: what is shown when, the memory index, networks of a trial."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.tasks import Trial, load_task
from rulesearch.tasks.spiking_familiarity import _p_value, _receptive_fields

TASK = load_task("spiking-familiarity")
SMALL = {"neurons": 640, "settling": 2, "training": 2, "interval": 1, "networks": 2, "dt": 0.5}
STILL = "EE[on_pre: 0]; EI[on_pre: 0]; IE[on_pre: 0]; II[on_pre: 0]"


def tried(text: str, fidelity: str = "full", seed: int = 1, **settings: float) -> Trial:
    values = TASK.resolve({**SMALL, **settings})
    return TASK.trial(TASK.bind(TASK.parse(text), values), seed, values, fidelity)


def test_the_memory_index_is_a_mean_over_networks() -> None:
    found = tried(STILL, networks=3)
    indices = np.array(found.details["memory_indices"])
    assert len(indices) == 3
    assert found.metrics["memory_index"] == pytest.approx(indices.mean())
    assert found.loss == pytest.approx(0.1 / (0.1 + abs(indices.mean())))
    # Stimuli excite, more so where 500 afferents fire at 60 Hz in place of 10.
    assert min(found.metrics["rate_novel_hz"], found.metrics["rate_familiar_hz"]) > 1.2 * found.metrics["rate_e_hz"]
    shown = {name: found.metrics[name] for name in ("w_EE", "w_EI", "w_IE", "w_II", "creep")}
    assert shown == pytest.approx({"w_EE": 0.1, "w_EI": 0.1, "w_IE": 1.0, "w_II": 1.0, "creep": 0.0})


def test_a_screening_has_two_networks_of_an_eighth() -> None:
    assert len(tried(STILL, "screen", networks=5).details["memory_indices"]) == 2
    assert tried(STILL, "screen", neurons=5120) == tried(STILL, "screen") == tried(STILL)


def test_p_is_that_of_a_t_test() -> None:
    # t = mean/(s/sqrt(n)) = 2/(1/sqrt(3)) = 3.464 with 2 degrees of freedom.
    assert _p_value(np.array([1.0, 2.0, 3.0])) == pytest.approx(0.0742, abs=1e-4)
    assert _p_value(np.zeros(3)) == 1.0


def test_a_neuron_sees_a_circle_of_afferents() -> None:
    pairs = _receptive_fields(200, np.random.Generator(np.random.PCG64(1)))
    seen = np.bincount(pairs.targets, minlength=200)
    # 193 places of a grid are nearer than 8 to one of them; fewer at the edges.
    assert seen.max() == 193 and seen.min() > 193 / 4
    row, column = np.divmod(pairs.senders[pairs.targets == 0], 100)
    assert np.ptp(row) <= 14 and np.ptp(column) <= 14


def test_excitation_that_only_grows_ends_the_trial() -> None:
    found = tried(STILL.replace("EE[on_pre: 0]", "EE[on_pre: 100]"))
    assert (found.status, found.loss) == ("runaway", None)
    assert found.died_at < 0.5


@pytest.mark.slow
def test_inhibition_that_learns_remembers_and_frozen_weights_do_not() -> None:
    usual = {"settling": 20, "training": 10, "interval": 10, "networks": 5, "dt": 0.2}
    learnt = tried(STILL.replace("IE[on_pre: 0]", "IE[on_pre: y - 0.1; on_post: x]"), **usual)
    # Inhibition grows where neurons fire while the familiar stimulus is shown: the novel one excites more.
    assert learnt.metrics["memory_index"] > 0.3 and learnt.metrics["p_value"] < 0.01
    assert tried(STILL, **usual).metrics["p_value"] > 0.05
    for control in ("frozen", "shuffled"):
        index = tried(
            STILL.replace("IE[on_pre: 0]", "IE[on_pre: y - 0.1; on_post: x]"), **usual, **{control: 1}
        ).metrics
        assert abs(index["memory_index"]) < 0.5 * learnt.metrics["memory_index"] and index["p_value"] > 0.01
