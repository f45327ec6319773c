"""Engines: deterministic, within their budget, nothing tried twice, nothing known put in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.store import Store
from rulesearch.expression import Number, parse_expression
from rulesearch.grammar import ONE, Grammar, RuleSlot
from rulesearch.rules import known_rule, parse_rules, rules_from_json
from rulesearch.search.deap_engine import DeapSettings
from rulesearch.search.engine import ENGINES, load_engine
from rulesearch.search.options import options_of
from rulesearch.search.problem import Problem
from rulesearch.tasks import load_task
from tests.places import ON_STEP

MakeProblem = Callable[..., Problem]
Row = tuple[int, str, str, str, float | None]


def searched(make_problem: MakeProblem, folder: Path, engine: str, **options: object) -> tuple[Problem, list[Row]]:
    """The problem after a search, and every evaluation in order: generation, rule, fingerprint, origin, loss."""
    path = folder / "run.sqlite"
    store = Store(path)
    problem = make_problem(store=store, **options)
    load_engine(engine).search(problem)
    store.close()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT generation, rule, fingerprint, origin, loss FROM evaluation ORDER BY id")
        return problem, list(rows)


def described(problem: Problem) -> list[tuple[str, int, tuple[float, float]]]:
    return [(str(item.rules), item.size, item.rank) for item in problem.archive.members()]


@pytest.fixture(params=sorted({*ENGINES} - {"pysr", "sbi"}))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_seed_decides_the_search(make_problem: MakeProblem, engine: str) -> None:
    found = []
    for seed in (1, 1, 2):
        problem = make_problem(seed=seed)
        load_engine(engine).search(problem)
        found.append((described(problem), problem.progress.evaluations, problem.progress.duplicates))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_the_budget_counts_distinct_functions(make_problem: MakeProblem, engine: str) -> None:
    problem = make_problem(budget=500)
    seen = []
    problem.watch = lambda now: seen.append(now.progress.distinct)
    load_engine(engine).search(problem)
    assert problem.stopped_by == "budget"
    assert seen == sorted(seen)
    # Enumeration ends where what is left does not suffice for a whole round of fits.
    least = 400 if engine == "enumerate" else 500 - problem.reserve
    assert least <= seen[-1]
    assert ([0, *seen])[-2] < 500 - problem.reserve
    assert problem.progress.generation == len(seen)
    assert sum(problem.progress.deaths.values()) == problem.progress.screened


def test_fixed_numbers_and_values_of_a_set_stay_what_they_are(
    make_problem: MakeProblem, tmp_path: Path, engine: str, numbers: Grammar
) -> None:
    _, rows = searched(make_problem, tmp_path, engine, budget=250, grammar=numbers)
    seen: set[float] = set()
    for _, text, *_ in rows:
        rule = rules_from_json(text).only() if text.startswith("{") else parse_rules(text).only()
        written = {node.value for part in rule.slots.values() for node in part.nodes if isinstance(node, Number)}
        assert written <= {0.25, 2.0, 3.0, 5.0}, text
        assert all(-2.0 <= number.value <= 2.0 for number in rule.constants.values()), text
        seen |= written
    assert seen == (set() if engine == "volterra" else {0.25, 2.0, 3.0, 5.0})


def test_pysr_refuses_what_it_cannot_keep_to(numbers: Grammar) -> None:
    with pytest.raises(RulesearchError) as caught:
        load_engine("pysr").check(load_task("oja"), numbers)
    assert "engine pysr cannot keep to the fixed number in 'value**5' of grammar little" in str(caught.value)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_no_function_is_evaluated_twice(make_problem: MakeProblem, tmp_path: Path, engine: str, seed: int) -> None:
    problem, rows = searched(make_problem, tmp_path, engine, seed=seed, budget=1500)
    assert len(rows) == problem.progress.evaluations == problem.progress.distinct
    fingerprints = [row[2] for row in rows]
    assert len(set(fingerprints)) == len(fingerprints)


def test_the_store_answers_what_it_knows(make_problem: MakeProblem, tmp_path: Path, engine: str) -> None:
    first, rows = searched(make_problem, tmp_path, engine, seed=5)
    store = Store(tmp_path / "run.sqlite")
    assert len(store) == len(rows) > 0
    again = make_problem(seed=5, store=store)

    def refuse(jobs: Sequence[Job]) -> Callable[[], list[Outcome]]:
        assert not jobs, "these were not answered from the store"
        return list

    again.threshold = first.threshold  # type: ignore[method-assign]
    again.evaluator.submit = refuse  # type: ignore[method-assign]
    load_engine(engine).search(again)
    store.close()
    assert described(again) == described(first)
    assert again.progress.evaluations == first.progress.evaluations


@pytest.mark.parametrize("engine", ["deap", "random"])
def test_the_first_generation_is_random_or_smallest(make_problem: MakeProblem, tmp_path: Path, engine: str) -> None:
    problem, rows = searched(make_problem, tmp_path, engine, seed=2)
    oja = known_rule("oja").rules.only().fingerprint()
    first = [row for row in rows if row[0] == 0]
    assert {row[3] for row in first} <= {"random", "enumerate", "constants", "neighbour"}
    assert len([row for row in first if row[3] == "random"]) > 20
    assert oja not in {row[2] for row in first}
    assert problem.start is None


def test_rules_keep_to_grammar_and_size(make_problem: MakeProblem, tmp_path: Path, engine: str) -> None:
    problem, rows = searched(make_problem, tmp_path, engine, seed=4)
    for _, text, fingerprint, _, _ in rows:
        rule = parse_rules(text).only()
        # A polynomial has its own limits, order and power.
        assert rule.size <= problem.grammar.limits.size or engine == "volterra"
        assert rule.fingerprint() == fingerprint
        slots = {RuleSlot(ONE, slot): part for slot, part in rule.slots.items()}
        problem.primitives.genome(slots, rule.constant_values())


def test_a_rule_to_grow_from_is_tried_first(make_problem: MakeProblem, tmp_path: Path) -> None:
    _, rows = searched(make_problem, tmp_path, "deap", seed=1, budget=50, start=parse_rules("y*(x - w*y)"))
    assert (rows[0][1], rows[0][3]) == ("y*(x - w*y)", "start")
    assert [row[3] for row in rows].count("start") == 1


def test_a_search_ends_at_the_loss_asked_for(make_problem: MakeProblem, engine: str) -> None:
    problem = make_problem(budget=100_000, stop_loss=0.5)
    load_engine(engine).search(problem)
    best = problem.archive.best()
    assert problem.stopped_by == "stop-loss"
    assert best is not None and best.full.loss is not None
    assert best.full.loss <= 0.5


def test_a_search_ends_after_the_time_asked_for(make_problem: MakeProblem, engine: str) -> None:
    problem = make_problem(budget=10**9, time_limit=0.2)
    load_engine(engine).run(problem)
    assert problem.stopped_by == "time"
    assert 0.0 < problem.progress.seconds < 5.0


def test_generations_are_written_as_they_end(make_problem: MakeProblem, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "run.sqlite"
    store = Store(path)
    written: list[tuple[int, int]] = []

    def look(problem: Problem) -> None:
        with sqlite3.connect(path) as other:
            count = other.execute("SELECT COUNT(*) FROM evaluation").fetchone()[0]
        written.append((count, problem.progress.evaluations))

    load_engine(engine).search(make_problem(store=store, watch=look))
    assert written
    assert all(count == evaluations for count, evaluations in written)
    assert [row[1] for row in store.generations()] == [evaluations for _, evaluations in written]
    store.close()


def test_a_duplicate_is_noticed_and_its_shorter_form_kept(make_problem: MakeProblem) -> None:
    problem = make_problem()

    def candidate(text: str) -> object:
        return problem.maker.make(problem.primitives.genome({ON_STEP: parse_expression(text)}, {}), "random")

    long, short = candidate("x*y - w*y**2"), candidate("y*(x - w*y)")
    assert problem.is_new(long)  # type: ignore[arg-type]
    problem.evaluate([long])  # type: ignore[list-item]
    assert not problem.is_new(short)  # type: ignore[arg-type]
    assert [item.size for item in problem.archive.members()] == [7]
    assert problem.progress.duplicates == 1
    assert problem.progress.duplicate_share == 0.5


def test_unknown_engines_are_refused() -> None:
    with pytest.raises(RulesearchError, match="unknown engine 'deep'; did you mean 'deap'"):
        load_engine("deep")


def test_options_steer_an_engine() -> None:
    assert load_engine("deap", {"islands": "2", "further": 0.5}).settings == DeapSettings(islands=2, further=0.5)
    assert load_engine("volterra", {"order": 2.0}).settings.order == 2


@pytest.mark.parametrize(
    ("engine", "options", "reason"),
    [
        ("deap", {"iselands": 2}, "engine deap has no option 'iselands'; did you mean 'islands'"),
        ("random", {"size": 2}, "engine random has no option 'size'; it has none"),
        ("deap", {"islands": "2.5"}, "option islands of engine deap must be a whole number, found '2.5'"),
        ("volterra", {"l1": "much"}, "option l1 of engine volterra must be a number, found 'much'"),
        ("volterra", {"l1": "nan"}, "must be a number"),
        ("enumerate", {"values": "1"}, "engine enumerate has no option 'values'"),
        ("deap", {"islands": 0}, "option islands of engine deap must lie in 1 to 1000, found 0"),
        ("deap", {"capacity": "0"}, "option capacity of engine deap must lie in 2 to"),
        ("deap", {"capacity": "1e30"}, "option capacity of engine deap must lie in 2 to"),
        ("deap", {"capacity": "inf"}, "option capacity of engine deap must lie in 2 to"),
        ("deap", {"capacity": 10**400}, "must be a whole number"),
        ("deap", {"further": 1}, "option further of engine deap must lie in 0 to 0.9, found 1"),
        ("deap", {"islands": True}, "must be a whole number"),
        ("deap", {"cell": [1]}, "must be a number"),
    ],
)
def test_wrong_options_are_refused(engine: str, options: dict[str, object], reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        load_engine(engine, options)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_number_that_steers_an_engine_has_a_range_that_holds_its_default(engine: str) -> None:
    kind = load_engine(engine).settings_type
    options = options_of(kind)
    numbers = [each.name for each in fields(kind) if isinstance(each.default, int | float)] if options else []
    assert list(options) == numbers
    for each in options.values():
        assert each.low <= each.default <= each.high and each.meaning


@pytest.mark.slow
@pytest.mark.parametrize("end", ["low", "high"])
def test_a_search_ends_at_either_end_of_the_range_of_each_option(make_problem: MakeProblem, end: str) -> None:
    dear = {"complete", "initial", "offspring", "attempts", "islands", "explored", "fitted", "rounds"}
    for name, each in options_of(DeapSettings).items():
        if name in dear and end == "high":
            continue
        problem = make_problem(budget=60)
        load_engine("deap", {name: getattr(each, end)}).search(problem)
        assert problem.stopped_by == "budget", name


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_engine_says_what_it_does(engine: str) -> None:
    loaded = load_engine(engine)
    assert loaded.name == engine
    assert len(loaded.summary) > 20
