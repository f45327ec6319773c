"""Survival, selection and the archive, on candidates made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression.parser import parse_expression
from rulesearch.grammar import RuleSlot
from rulesearch.rules import parse_rules
from rulesearch.search.archive import Archive
from rulesearch.search.candidate import Candidate
from rulesearch.search.genome import Genome
from rulesearch.search.selection import Lexicase
from rulesearch.search.survival import Survival
from rulesearch.tasks import Requirement

DECADE = Survival(("direction", "length"), (), cell=1.0, fine=1.0, floor=1e-6)
"""Compares losses and aims by their order of magnitude."""


def candidate(
    key: str,
    size: int,
    loss: float | None = 1.0,
    cases: tuple[float, ...] = (),
    requirements: tuple[Requirement, ...] = (),
    **metrics: float,
) -> Candidate:
    outcome = Outcome("ok" if loss is not None else "runaway", loss, metrics, cases)
    symbol = key.replace("-", "_").replace(" ", "_")
    rules = parse_rules(symbol, symbols={symbol})
    form = ((RuleSlot("w", "on_step"), rules.only().slots["on_step"]),)
    made = Candidate(Genome((), {}), rules, key, size, (), "by hand", screen=outcome, full=outcome, form=form)
    made.score(requirements)
    return made


def keys(layers: list[list[Candidate]]) -> list[list[str]]:
    return [sorted(item.key for item in layer) for layer in layers]


def test_layers_are_what_nothing_else_beats() -> None:
    pool = [
        candidate("small", 1, 0.5, direction=0.5, length=0.5),
        candidate("turns", 3, 0.3, direction=0.001, length=0.5),
        candidate("normalises", 3, 0.3, direction=0.5, length=0.001),
        candidate("both", 7, 0.002, direction=0.001, length=0.001),
        candidate("larger", 5, 0.5, direction=0.5, length=0.5),
        candidate("largest", 9, 0.5, direction=0.5, length=0.5),
        candidate("both-longer", 8, 0.002, direction=0.001, length=0.001),
    ]
    layers = DECADE.layers(pool, 100)
    assert keys(layers) == [["both", "normalises", "small", "turns"], ["both-longer", "larger"], ["largest"]]
    assert keys(DECADE.layers(list(reversed(pool)), 100)) == keys(layers)


def test_one_candidate_of_a_cell_survives_the_best() -> None:
    pool = [candidate(name, 3, loss, direction=0.2, length=0.3) for name, loss in (("b", 0.4), ("a", 0.2), ("c", 0.2))]
    assert keys(DECADE.layers(pool, 100)) == [["a"]]


def test_differences_within_the_grid_do_not_make_a_candidate_better() -> None:
    pool = [
        candidate("short", 3, 0.5, direction=0.5, length=0.5),
        candidate("noisy", 5, 0.4, direction=0.4, length=0.4),
    ]
    assert keys(DECADE.layers(pool, 100)) == [["short"], ["noisy"]]


def test_values_below_the_floor_and_missing_ones_count_alike() -> None:
    tiny = [candidate("a", 3, 1e-9, direction=1e-9, length=1e-9), candidate("b", 4, 1e-12, direction=0.0, length=0.0)]
    assert keys(DECADE.layers(tiny, 100)) == [["a"], ["b"]]
    missing = [candidate("without", 3, 0.5, direction=0.5), candidate("with", 3, 0.5, direction=0.5, length=1e8)]
    assert keys(DECADE.layers(missing, 100)) == [["with"], ["without"]]
    undefined = candidate("undefined", 3, 0.5, direction=0.5, length=math.nan)
    assert keys(DECADE.layers([undefined, *missing], 100))[0] == ["with"]


def test_what_is_lacking_of_a_requirement_is_one_more_aim() -> None:
    need = (Requirement("tuning", 0.9),)
    survival = Survival((), need, cell=1.0, fine=1.0, floor=1e-3)
    pool = [
        candidate("good", 5, 0.5, requirements=need, tuning=0.95),
        candidate("lacking", 5, 0.5, requirements=need, tuning=0.2),
    ]
    assert keys(survival.layers(pool, 100)) == [["good"], ["lacking"]]


def test_no_more_than_the_capacity_survives() -> None:
    pool = [candidate(str(size), size, 10.0**-size, direction=1.0, length=1.0) for size in range(1, 6)]
    assert [len(layer) for layer in DECADE.layers(pool, 3)] == [3]
    two_layers = [*pool, candidate("beaten", 9, 1.0, direction=1.0, length=1.0)]
    assert [len(layer) for layer in DECADE.layers(two_layers, 6)] == [5, 1]


def test_where_nothing_survived_there_are_no_layers() -> None:
    assert DECADE.layers([], 5) == []


def test_lexicase_picks_the_specialist_that_the_mean_would_miss() -> None:
    specialist = candidate("specialist", 5, cases=(0.0, 9.0, 9.0))
    others = [candidate(f"middling {k}", 5, cases=(3.0 + 0.01 * k, 3.0 - 0.01 * k, 3.0)) for k in range(8)]
    chosen = Lexicase([specialist, *others], (), 1e-6)
    rng = np.random.default_rng(0)
    picks = [chosen.choose(rng).key for _ in range(600)]
    assert picks.count("specialist") / 600 == pytest.approx(1.0 / 3.0, abs=0.07)


def test_lexicase_knows_what_is_lacking_as_a_case() -> None:
    need = (Requirement("tuning", 0.9),)
    lacking = [candidate(f"lacking {k}", 5, cases=(0.0,), requirements=need, tuning=0.1 * k) for k in range(5)]
    tuned = candidate("tuned", 5, cases=(9.0,), requirements=need, tuning=0.95)
    rng = np.random.default_rng(0)
    picks = {Lexicase([*lacking, tuned], need, 1e-6).choose(rng).key for _ in range(100)}
    assert "tuned" in picks


def test_a_candidate_is_behind_all_others_in_cases_that_were_left_out() -> None:
    cut_short = candidate("cut short", 5, cases=(1.0,))
    others = [candidate(f"whole {k}", 5, cases=(9.0, 1e6)) for k in range(6)]
    chosen = Lexicase([cut_short, *others], (), 1e-6)
    rng = np.random.default_rng(0)
    picks = [chosen.choose(rng).key for _ in range(400)]
    assert picks.count("cut short") / 400 == pytest.approx(1.0 / 2.0, abs=0.1)


def test_lexicase_takes_errors_below_the_floor_as_equal() -> None:
    pool = [candidate("a", 5, cases=(1e-9, 1e-8)), candidate("b", 5, cases=(1e-8, 1e-9))]
    rng = np.random.default_rng(0)
    picks = [Lexicase(pool, (), 1e-3).choose(rng).key for _ in range(200)]
    assert 60 < picks.count("a") < 140


def test_the_front_is_strictly_better_with_size() -> None:
    archive = Archive(())
    for key, size, loss in (
        ("a", 3, 0.5),
        ("b", 3, 0.4),
        ("c", 5, 0.4),
        ("d", 7, 0.1),
        ("e", 9, 0.2),
        ("f", 1, 0.9),
    ):
        archive.add(candidate(key, size, loss))
    archive.add(candidate("dead", 1, None))
    assert [item.key for item in archive.front()] == ["f", "b", "d"]
    assert [item.key for item in archive.members()] == ["f", "b", "a", "c", "d", "e"]
    best = archive.best()
    assert best is not None and best.key == "d"
    assert Archive(()).best() is None


def test_the_archive_keeps_one_candidate_of_a_structure_the_best() -> None:
    archive = Archive(())
    for key, loss in (("first", 0.5), ("better", 0.3), ("worse", 0.4)):
        made = candidate(key, 3, loss)
        made.form = ((RuleSlot("w", "on_step"), parse_expression("c1*x")),)
        archive.add(made)
    archive.add(candidate("other", 3, 0.9))
    assert [item.key for item in archive.members()] == ["better", "other"]


def test_requirements_come_before_the_loss_on_the_front() -> None:
    need = (Requirement("tuning", 0.9),)
    archive = Archive(need)
    archive.add(candidate("lossless", 3, 0.001, requirements=need, tuning=0.1))
    archive.add(candidate("tuned", 5, 0.3, requirements=need, tuning=0.95))
    archive.add(candidate("longer", 7, 0.002, requirements=need, tuning=0.2))
    assert [item.key for item in archive.front()] == ["lossless", "tuned"]


def test_a_shorter_form_takes_the_place_of_the_longer_one() -> None:
    archive = Archive(())
    archive.add(candidate("oja", 9, 0.1))
    shorter = Candidate(Genome((), {}), parse_rules("x"), "oja", 7, (), "mutation")
    archive.shorter(shorter)
    assert [(item.key, item.size) for item in archive.members()] == [("oja", 7)]
    assert shorter.full.loss == 0.1
    longer = Candidate(Genome((), {}), parse_rules("x"), "oja", 11, (), "mutation")
    archive.shorter(longer)
    assert [item.size for item in archive.members()] == [7]
