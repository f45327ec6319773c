"""Searches on permuted targets: what is permuted, the empirical p, what a run says of it, and how it is interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.evaluation.store import Store
from rulesearch.tasks import load_task
from rulesearch.tasks.declaration import permuted_order
from rulesearch.workflow import permuted
from rulesearch.workflow.clock import Clock
from rulesearch.workflow.experiment import Experiment

QUICK = Experiment("quick", "oja", "rate", seed=3, budget=120, settings={"data_sets": 1, "points": 200})


def test_a_permutation_moves_something_and_is_the_same_every_time() -> None:
    assert permuted_order(5, 0).tolist() == [0, 1, 2, 3, 4]
    for number in range(1, 200):
        order = permuted_order(3, number)
        assert sorted(order) == [0, 1, 2] and order.tolist() != [0, 1, 2]
        assert order.tolist() == permuted_order(3, number).tolist()


def test_targets_move_with_their_standard_errors() -> None:
    task = load_task("stdp-frequency")
    silent = task.parse("on_post: 0*x")

    def cases(permutation: float) -> tuple[float, ...]:
        settings = task.resolve({"permutation": permutation})
        return task.trial(task.bind(silent, settings), 0, settings, "full").cases

    plain, moved = cases(0), cases(7)
    assert moved == tuple(np.array(plain)[permuted_order(10, 7)])
    assert moved != plain


def test_oja_on_permuted_components_is_no_solution() -> None:
    true = rs.evaluate("oja", "oja").loss
    wrong = rs.evaluate("oja", "oja", settings={"permutation": 1}).loss
    assert true is not None and wrong is not None and wrong > 50.0 * true


@pytest.mark.parametrize(("as_well", "p"), [(0, 0.2), (1, 0.4), (4, 1.0)])
def test_p_counts_the_searches_that_did_as_well_and_the_search_itself(
    as_well: int, p: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The search itself ends at a loss far above 0 and below 1e6.
    ranks = [(0.0, 0.0)] * as_well + [(0.0, 1e6)] * (4 - as_well)

    def searched(experiment: object, grammar: object, settings: object, numbers: list[int], clock: object) -> object:
        assert numbers == [1, 2, 3, 4]
        return zip(numbers, ranks, strict=True)

    monkeypatch.setattr(permuted, "_search_all", searched)
    run = rs.discover(QUICK, permutations=4, out=tmp_path / "run", report=False)
    assert run.permuted is not None
    assert run.permuted["p"] == pytest.approx(p) and run.permuted["searches"] == 4
    assert run.permuted["loss"] == run.members[0].loss
    said = f"{as_well} of 4 searches on permuted targets recommended a rule that does as well (p = {p:.2g})"
    assert said in run.conclusion
    assert rs.Run.open(tmp_path / "run").permuted == run.permuted


@pytest.mark.slow
def test_what_is_compared_is_the_recommended_rule_not_the_best_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dw = x*y + noise: a rule that explains 99 % is recommended, a larger one that fits the noise has the least loss.

    Under the permutation 0, which moves nothing, the search recommends the very same rule.
    """
    monkeypatch.setattr(permuted, "_search_all", lambda *_: [(1, (0.0, 0.5))])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 40))
    lines = [f"{a},{b},{a * b + 0.02 * c}" for a, b, c in zip(x, y, rng.normal(size=40), strict=True)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["x,y,dw", *lines]), "utf-8")
    run = rs.distil(path, "dw", budget=1500, permutations=1, out=tmp_path / "run", report=False)
    assert run.permuted is not None
    best = min(member.loss for member in run.members)
    assert best < run.members[0].loss == run.permuted["loss"]
    grammar = (tmp_path / "run" / "grammar.toml").read_text("utf-8")
    here = permuted.search_permuted(run.experiment, grammar, load_task(run.experiment.task).resolve())
    assert list(here) == [0.0, run.members[0].loss]


@pytest.mark.slow
def test_real_searches_in_processes_of_their_own_agree_with_those_in_this_one(tmp_path: Path) -> None:
    run = rs.discover(QUICK, permutations=2, out=tmp_path / "run", report=False)
    assert run.permuted is not None
    grammar = (tmp_path / "run" / "grammar.toml").read_text("utf-8")
    settings = load_task("oja").resolve(QUICK.settings)
    here = [permuted.search_permuted(QUICK, grammar, {**settings, "permutation": float(k)}) for k in (1, 2)]
    assert [rank[1] if rank[0] == 0.0 else None for rank in here] == run.permuted["permuted_losses"]


@pytest.mark.slow
def test_an_interrupted_run_keeps_its_front_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []
    real = permuted._search_all

    def cut_off(experiment: object, grammar: object, settings: object, numbers: list[int], clock: object) -> object:
        asked.append(list(numbers))
        yield numbers[0], [0.0, 5.0]
        raise KeyboardInterrupt

    monkeypatch.setattr(permuted, "_search_all", cut_off)
    run = rs.discover(QUICK, permutations=3, out=tmp_path / "run", report=False)
    assert run.status == "interrupted" and run.permuted is None
    assert run.members and run.members[0].held_out_loss is not None

    def go_on(experiment: Experiment, grammar: object, settings: object, numbers: list[int], clock: Clock) -> object:
        asked.append(list(numbers))
        return real(experiment, grammar, settings, numbers, clock)  # type: ignore[arg-type]

    monkeypatch.setattr(permuted, "_search_all", go_on)
    again = rs.resume(tmp_path / "run", report=False)
    assert asked == [[1, 2, 3], [2, 3]]
    assert again.status == "done" and again.permuted is not None and again.permuted["permuted_losses"][0] == 5.0
    assert [str(item.rules) for item in again.members] == [str(item.rules) for item in run.members]
    store = Store(tmp_path / "run" / "run.sqlite", read_only=True)
    assert sorted(json.loads(store.fact("permuted ranks") or "")) == ["1", "2", "3"]
    store.close()


def test_a_task_without_targets_refuses_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match=r"task inhibitory-rate has no targets to permute"):
        rs.discover("inhibitory-rate", permutations=20, out=tmp_path / "run")
    with pytest.raises(RulesearchError, match=r"permutations must lie in 0 to 9999, found -1"):
        rs.discover("oja", permutations=-1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
