"""The store: exact, atomic, one row per evaluation."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import FINITE, rule_sets

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.store import Record, Store, job_key
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.tasks.trial import Trial

METRICS = st.dictionaries(st.sampled_from(("angle_deg", "norm", "rate_hz")), FINITE, max_size=3)
CASES = st.lists(FINITE, max_size=4).map(tuple)
WORK = st.integers(0, 10**12)
RAN = st.builds(Trial, st.just("ok"), FINITE, METRICS, CASES, WORK, st.just(1.0))
FAILED = st.builds(
    Trial, st.sampled_from(("runaway", "silent")), st.none(), METRICS, st.just(()), WORK, st.floats(0, 1)
)
TRIALS = st.lists(RAN, min_size=1, max_size=3) | st.tuples(st.lists(RAN, max_size=2), FAILED).map(
    lambda p: [*p[0], p[1]]
)


def record(text: str, loss: float = 0.5, generation: int = 0, seeds: tuple[int, ...] = (0,)) -> Record:
    trials = [Trial("ok", loss, {"norm": 1.0}, (loss,), 10) for _ in seeds]
    return Record(
        generation, "search", Job(parse_rules(text), seeds, "full"), Outcome.of(seeds, trials), "abc", "random"
    )


def reopened(path: Path) -> Store:
    return Store(path / "run.sqlite")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule_sets(), TRIALS)
def test_outcomes_come_back_to_the_last_bit(tmp_path: Path, rules: RuleSet, trials: list[Trial]) -> None:
    (tmp_path / "run.sqlite").unlink(missing_ok=True)
    seeds = tuple(range(10, 10 + len(trials)))
    outcome = Outcome.of(seeds, trials)
    job = Job(rules, seeds, "full", ((("background", 2.0),),))
    store = reopened(tmp_path)
    store.add([Record(0, "search", job, outcome, "abc")])
    assert store.get(job) is None  # only what was there when the store was opened
    store.close()
    again = reopened(tmp_path)
    assert again.get(job) == outcome
    assert again.known([replace(job, fidelity="screen"), job]) == {1: outcome}
    assert len(again) == 1
    again.close()


def test_what_is_evaluated_otherwise_is_another_evaluation() -> None:
    rules = parse_rules("c1*x; c1 = 0.5")
    jobs = [
        Job(rules, (0,), "full"),
        Job(rules, (1,), "full"),
        Job(rules, (0, 1), "full"),
        Job(rules, (0,), "screen"),
        Job(rules, (0,), "full", ((("background", 2.0),),)),
        Job(rules, (0,), "full", ((("background", 3.0),),)),
        Job(rules, (0,), "full", ((), (("background", 3.0),))),
        Job(parse_rules("c1*x; c1 = 0.5000000001"), (0,), "full"),
        Job(parse_rules("c1*x; c1 = 0.5; eta = 0.1"), (0,), "full"),
    ]
    assert len({job_key(job) for job in jobs}) == len(jobs)
    assert job_key(Job(parse_rules("c1 * x; c1 = 0.50"), (0,), "full")) == job_key(jobs[0])


def test_an_evaluation_is_kept_once(tmp_path: Path) -> None:
    store = reopened(tmp_path)
    store.add([record("x", 0.5)])
    store.add([record("x", 0.7), record("y", 0.1)])
    store.close()
    again = reopened(tmp_path)
    assert len(again) == 2
    found = again.get(record("x").job)
    assert found is not None and found.loss == 0.5


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = reopened(tmp_path)
    store.add([record("x")], (0, 1, 1, 0, 0.5, 1))
    broken = Record(1, "search", record("w").job, Outcome("ok", 0.5, {"norm": object()}), "abc")  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        store.add([record("y"), broken], (1, 3, 3, 0, 0.5, 2))
    with pytest.raises(sqlite3.Error):
        store.add([record("y")], (1, 2))  # type: ignore[arg-type]
    assert store.generations() == [(0, 1, 1, 0, 0.5, 1)]
    store.add([record("tanh(x)")], (1, 2, 2, 0, 0.5, 2))
    store.close()
    again = reopened(tmp_path)
    assert len(again) == 2
    assert again.get(record("y").job) is None
    assert again.has_generation(1)
    assert not again.has_generation(2)


def test_deaths_and_facts(tmp_path: Path) -> None:
    store = reopened(tmp_path)
    dead = Outcome("runaway", None, {}, (), 5, 0.1, (0,), (Trial("runaway", None, {}, (), 5, 0.1),))
    records = [Record(0, "search", record(text).job, dead, "abc") for text in ("x", "y")]
    other = Record(-1, "report", record("w").job, dead, "")
    store.add([*records, record("x*y"), other])
    assert store.deaths() == {"runaway": 2, "ok": 1}
    assert store.fact("summary") is None
    store.set_fact("summary", "first")
    store.set_fact("summary", "second")
    assert store.fact("summary") == "second"
    store.close()
    assert Store(tmp_path / "run.sqlite", read_only=True).get(record("x").job) is None


def test_structures_count_every_slot_and_rule_and_leave_numbers_out(tmp_path: Path) -> None:
    store = reopened(tmp_path)
    spiking = "on_pre: c1*y; on_post: {}; eta = {}; c1 = {}; tau_y = {} ms; bounds = [0, 1]"
    texts = {
        0: ("x*c1; c1 = 0.1", "x*c1; c1 = -2e-05", "x*y"),
        1: (spiking.format("x", 1, 0.5, 20), spiking.format("x", 0.1, 0.25, 31.5), spiking.format("w", 1, 0.5, 20)),
        2: ("a[x; eta = 1]; b[-y; eta = 2]", "a[x; eta = 3]; b[-y; eta = 4]", "a[x; eta = 1]; b[y; eta = 2]"),
    }
    for generation, rules in texts.items():
        store.add([record(text, generation=generation) for text in rules])
    assert store.structures() == [(0, 3, 2), (1, 3, 2), (2, 3, 2)]
    store.close()


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    path.write_text("This is not a database, and it is long enough to be recognised as something else." * 20)
    with pytest.raises(RulesearchError, match="cannot be read as the store of a run"):
        Store(path)
    with pytest.raises(RulesearchError, match="cannot be read as the store of a run"):
        Store(tmp_path / "nowhere" / "run.sqlite")


def test_rules_come_with_status_loss_and_metrics_in_the_order_of_the_search(tmp_path: Path) -> None:
    store = reopened(tmp_path)
    dead = Outcome.of((0,), [Trial("silent", None, {"norm": 3.0})])
    later = replace(record("y", 0.1), job=Job(parse_rules("y"), (0,), "full", ((("background", 2.0),),)))
    screened = replace(record("w", 0.2), job=Job(parse_rules("w"), (0,), "screen"))
    cleaned = replace(record("x*y", 0.3), phase="clean-up")
    store.add([record("x", 0.5), replace(record("x + y"), outcome=dead), later, screened, cleaned])
    texts = [str(parse_rules(text)) for text in ("x", "x + y", "y")]
    assert store.evaluated("full") == [
        (texts[0], "ok", 0.5, {"norm": 1.0}),
        (texts[1], "silent", None, {"norm": 3.0}),
        (texts[2], "ok", 0.1, {"norm": 1.0}),
    ]
    store.close()
