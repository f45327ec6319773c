"""A search whose rules have numbers of their own for each preparation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.fitting.structure import best_numbers
from rulesearch.grammar.parts import ConstantPrior
from rulesearch.tasks import load_task
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.plan import planned

DELAYS = np.array([-50.0, -25.0, -10.0, -5.0, 5.0, 10.0, 25.0, 50.0])


def _table(own: float) -> dict[str, Any]:
    exact = np.where(DELAYS > 0, 0.6 * np.exp(-DELAYS / 17.0), -0.3 * np.exp(DELAYS / 34.0))
    return {
        "preparation": ["a"] * 8 + ["b"] * 8,
        "dt_ms": [*DELAYS, *DELAYS],
        "change": [*exact, *(own * exact)],
        "sem": [0.03] * 16,
        "repeats": [60] * 16,
        "every_ms": [1000] * 16,
    }


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pandas as pd

    found = tmp_path_factory.mktemp("own") / "cells.csv"
    pd.DataFrame(_table(3.0)).to_csv(found, index=False)
    return found


PAIR = "on_pre: -c1*y; on_post: x; eta = 0.01; c1 = 0.5; tau_x = 17 ms; tau_y = 34 ms"


def test_each_preparation_has_the_learning_rate_that_fits_it_best(path: Path) -> None:
    task = load_task(f"{path}:change; own = eta")
    settings = task.resolve()
    trial = task.trial(task.bind(task.parse(PAIR), settings), 0, settings, "full")
    assert trial.loss == pytest.approx(0.0, abs=1e-6)
    shared = load_task(f"{path}:change")
    assert (shared.trial(shared.bind(shared.parse(PAIR), settings), 0, settings, "full").loss or 0.0) > 5.0
    form, data = task.form_of(task.parse(PAIR), settings)
    assert {"eta[a]", "eta[b]", "tau_x"} <= set(form.labels)
    numbers = best_numbers(form, data.residuals, {}, np.random.default_rng(1))
    assert numbers is not None
    values = dict(zip(form.labels, numbers, strict=True))
    assert values["eta[b]"] == pytest.approx(3.0 * values["eta[a]"], rel=1e-3)
    assert values["tau_x"] == pytest.approx(0.017, rel=1e-3)


def test_preparations_are_told_apart_by_the_column_that_is_named(tmp_path: Path) -> None:
    import pandas as pd

    table = _table(3.0)
    table["culture"] = table.pop("preparation")
    table["preparation"] = ["all"] * 16
    pd.DataFrame(table).to_csv(tmp_path / "cells.csv", index=False)
    task = load_task(f"{tmp_path / 'cells.csv'}:change; own = eta; group = culture")
    settings = task.resolve()
    trial = task.trial(task.bind(task.parse(PAIR), settings), 0, settings, "full")
    assert trial.loss == pytest.approx(0.0, abs=1e-6)
    pair = "on_pre: -c*y; on_post: x; c = 1; tau_x = 17 ms; tau_y = 34 ms"
    found = rs.fit(pair, table, own="eta", group="culture")
    values = {number.label: number.value for number in found.numbers}
    assert values["eta[b]"] == pytest.approx(3.0 * values["eta[a]"], rel=1e-3)
    with pytest.raises(RulesearchError, match="own: there is one preparation"):
        rs.fit(pair, table, own="eta", ignore="culture")
    with pytest.raises(RulesearchError, match="column culture is given as two things at once"):
        rs.fit(pair, table, own="eta", group="culture", ignore="culture")
    columns = {"x": [*DELAYS, *DELAYS], "dw": [*DELAYS**2, *DELAYS]}
    with pytest.raises(RulesearchError, match=r"group: .* has no protocols"):
        rs.distil({**columns, "g": [1.0] * 16}, "dw", group="g", budget=10, out=tmp_path / "none")


def test_a_rule_without_such_numbers_is_judged_by_those_that_it_has(path: Path) -> None:
    own, shared = (load_task(f"{path}:change{text}") for text in ("; own = c", ""))
    plain = "on_pre: -y; on_post: x; eta = 0.01; tau_x = 17 ms; tau_y = 34 ms"
    losses = []
    for task in (own, shared):
        settings = task.resolve()
        losses.append(task.trial(task.bind(task.parse(plain), settings), 0, settings, "full").loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-9) and (losses[0] or 0.0) > 5.0


def test_in_no_preparation_do_spikes_of_one_side_move_the_weight_more_than_they_may(path: Path) -> None:
    task = load_task(f"{path}:change; own = eta")
    settings, prior = task.resolve(), ConstantPrior(1e-3, 10.0, "log-uniform", "")
    taus = {f"tau_{name}": ConstantPrior(5e-3, 0.15, "log-uniform", "ms") for name in "xy"}
    rules = task.parse("on_pre: -y - c1; on_post: x; c1 = 1; tau_x = 17 ms; tau_y = 34 ms")
    found = task.with_numbers(rules, {"c1": prior, **taus}, np.random.default_rng(1), settings)
    trial = task.trial(task.bind(found, settings), 0, settings, "full")
    # It may move by 0.02; where only one preparation was looked at it moved by 0.09.
    assert trial.metrics["alone"] < 0.03


@pytest.mark.slow
def test_the_form_is_found_that_preparations_share(path: Path, tmp_path: Path) -> None:
    run = rs.distil(str(path), own="eta", budget=120, permutations=0, report=False, out=tmp_path / "run")
    best = run.members[0]
    assert best.loss < 0.1 and "y" in str(best.rules) and "x" in str(best.rules)
    assert run.solved


def test_what_cannot_have_numbers_of_its_own_is_said(path: Path, tmp_path: Path) -> None:
    table = {name: column[:8] for name, column in _table(1.0).items()}
    with pytest.raises(RulesearchError, match="own: there is one preparation"):
        rs.distil(table, own="eta", budget=10, out=tmp_path / "one")
    columns = {"x": [*DELAYS, *DELAYS], "dw": [*DELAYS**2, *DELAYS]}
    for name, reason in (
        ("etta", "have no number 'etta'; did you mean 'eta'"),
        ("A_plus", "have no number 'A_plus'; there is"),
    ):
        with pytest.raises(RulesearchError, match=f"own: rules of grammar stdp {reason}"):
            planned(Experiment("own", f"{path}:change; own = {name}", "stdp", ""), {})
    for name in ("eta", "c", "c2", "tau", "tau_x", "eta, tau"):
        planned(Experiment("own", f"{path}:change; own = {name}", "stdp", ""), {})
    with pytest.raises(RulesearchError, match="has no protocols"):
        rs.distil(columns, "dw", own="eta", budget=10, out=tmp_path / "two")
    assert not list(tmp_path.iterdir())


def test_a_source_that_is_all_of_its_preparation_is_left_out_row_by_row(tmp_path: Path) -> None:
    import pandas as pd

    from rulesearch.workflow.refit import left_out_prediction

    table = {**_table(3.0), "source": ["A"] * 8 + ["B"] * 8}
    pd.DataFrame(table).to_csv(tmp_path / "sources.csv", index=False)
    task = load_task(f"{tmp_path / 'sources.csv'}:change; own = eta")
    predicted = left_out_prediction(task.parse(PAIR), task, task.resolve())
    assert predicted is not None and np.all(predicted.residuals**2 < 1e-3)
    shared = load_task(f"{tmp_path / 'sources.csv'}:change")
    predicted = left_out_prediction(shared.parse(PAIR), shared, shared.resolve())
    # A whole source is predicted from the other one, which is three times as large.
    assert predicted is not None and predicted.z2 > 5.0
    found = rs.fit("on_pre: -c*y; on_post: x; c = 1; tau_x = 17 ms; tau_y = 34 ms", table, own="eta")
    assert np.all(np.isnan(found.predictions[-1].predictions)) and np.isnan(found.predictions[-1].z2)


def test_what_a_preparation_is_called_may_not_be_missing_where_it_is_asked_for() -> None:
    table = _table(3.0)
    table["cell"] = [*table.pop("preparation")[:-1], "NA"]
    pair = "on_pre: -c*y; on_post: x; c = 1; tau_x = 17 ms; tau_y = 34 ms"
    with pytest.raises(RulesearchError, match="row 16, column cell: expected the name of a preparation, found 'NA'"):
        rs.fit(pair, table, own="eta", group="cell")
    found = rs.fit(pair, table, own="eta", group="cell", gaps="skip")
    assert len(found.found.predictions) == 15 and set(found.rules) == {"a", "b"}
    with pytest.raises(RulesearchError, match="column repeats is of the protocol"):
        rs.fit(pair, table, own="eta", group="repeats", ignore="cell")
    with pytest.raises(RulesearchError, match="group: expected one text, found"):
        rs.fit(pair, table, own="eta", group=["cell"])


def test_columns_of_protocols_are_left_out_where_that_is_asked_for() -> None:
    table = _table(3.0)
    pair = "on_pre: -c*y; on_post: x; c = 1; tau_x = 17 ms; tau_y = 34 ms"
    without = {name: column for name, column in table.items() if name not in {"repeats", "every_ms"}}
    ignored = rs.fit(pair, table, own="eta", ignore="repeats,every_ms")
    assert ignored.numbers == rs.fit(pair, without, own="eta").numbers
    with pytest.raises(RulesearchError, match="own: there is one preparation"):
        rs.fit(pair, table, own="eta", ignore="preparation")


def test_rules_of_a_run_have_the_numbers_of_preparations_that_its_search_had(path: Path, tmp_path: Path) -> None:
    run = rs.distil(str(path), own="eta", budget=20, permutations=0, report=False, out=tmp_path / "run")
    asked = {"pre": [0.0], "post": [10.0], "repeats": 60, "every": 1000}
    (first, *_), (second, *_) = (rs.predict(run, preparation=name, **asked).rows for name in "ab")
    assert second.mean == pytest.approx(3.0 * first.mean, rel=0.1)
    shared = rs.distil(str(path), budget=20, permutations=0, report=False, out=tmp_path / "shared")
    with pytest.raises(RulesearchError, match="no number is that of preparation b alone"):
        rs.predict(shared, preparation="b", **asked)
