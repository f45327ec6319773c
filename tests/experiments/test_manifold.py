"""Minimal forms, the rules that are drawn, and what is written of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rulesearch.evaluation.outcome import Outcome
from rulesearch.rules import RuleSet
from rulesearch.symbolic import fixed_points
from rulesearch.tasks import load_task
from rulesearch.tasks.trial import Trial

TASK = load_task("inhibitory-rate")
WANTED = "on_pre: y - 0.12; on_post: x"


@pytest.fixture(scope="module")
def rules(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("manifold_rules")


@pytest.fixture(scope="module")
def report(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return benchmark("manifold_report")


def _solve(forms: Sequence[RuleSet]) -> list[bool]:
    """Return whether forms differ from the wanted rule by less than 0.01 at some values."""
    rng = np.random.default_rng(1)
    values = {name: rng.uniform(0.0, 1.0, 50) for name in ("x", "y", "x2", "y2", "w", "w_mean")}
    wanted = TASK.parse(WANTED).only()

    def off(form: RuleSet, slot: str) -> float:
        return float(np.abs(form.only().change(slot, **values) - wanted.change(slot, **values)).max())

    return [max(off(form, "on_pre"), off(form, "on_post")) < 0.01 for form in forms]


def _minimal(rules: ModuleType, *texts: str) -> list[str]:
    return sorted(map(str, rules.minimal(TASK, [TASK.parse(text) for text in texts], _solve)))


@pytest.mark.parametrize(
    "text",
    [
        "on_pre: y - 0.12 + 0.001*w*x2; on_post: x",
        "on_pre: y - 0.12; on_post: x*(1 + 0.001*y2)",
        "on_pre: relu(y) - 0.12 + 0.002*x2*w; on_post: relu(x) - 0.001*w_mean",
        "on_pre: y - 0.12 + (w - w); on_post: x",
    ],
)
def test_a_term_that_does_nothing_is_dropped(rules: ModuleType, text: str) -> None:
    assert _minimal(rules, text) == [str(TASK.parse(WANTED))]


def test_a_form_counts_once_and_what_does_not_solve_the_task_not_at_all(rules: ModuleType) -> None:
    two = "on_pre: y - 0.125; on_post: x"
    texts = [WANTED, "on_pre: y - 0.12 + 0.001*w*y2; on_post: x", "on_pre: y - 0.12; on_post: x - 0.001*x*w", two]
    assert _minimal(rules, *texts, "on_pre: y - 0.2; on_post: x") == sorted(
        str(TASK.parse(each)) for each in (WANTED, two)
    )


def test_what_cannot_be_negative_is_known(rules: ModuleType) -> None:
    form = rules.plain(TASK, TASK.parse("on_pre: relu(y) - w*relu(-x); on_post: relu(w_mean)*relu(x2 - y)"))
    assert str(form) == str(TASK.parse("on_pre: y; on_post: w_mean*relu(x2 - y)"))


def test_the_best_few_of_each_family_are_taken_with_two_digits(rules: ModuleType) -> None:
    texts = ["on_pre: y - a; a = 0.1234", "on_pre: y - a; a = 0.1193", "on_pre: y - a; a = 0.1304", "on_pre: y2 - w"]
    losses = [0.03, 0.02, 0.01, 0.04]
    rows = [*zip(map(TASK.parse, texts), losses, strict=True), (TASK.parse("on_post: x"), None)]
    found = rules.hopeful(TASK, rows, 2)
    assert [str(each) for each in found] == [
        str(TASK.parse(text)) for text in ("on_pre: y - a; a = 0.13", "on_pre: y - a; a = 0.12", "on_pre: y2 - w")
    ]


def test_drawn_polynomials_have_their_fixed_point_at_the_target(rules: ModuleType) -> None:
    rng = np.random.default_rng(3)
    signs = set()
    for _ in range(5):
        drawn = rules.drawn_polynomial(TASK, rng, 10.0, 5.0)
        (found,) = fixed_points(drawn.only())
        assert found.value == pytest.approx(5.0, rel=1e-6)
        assert math.copysign(1.0, found.slope) == -math.copysign(1.0, drawn.only().constant_values()["alpha"])
        signs.add(found.slope)
    assert signs == {-1, 1}


def test_the_sign_of_the_correlation_terms_is_that_of_their_areas(rules: ModuleType) -> None:
    drawn = rules.polynomial(TASK, 0.02, 0.05, -1.0, 0.5, 1.0, -0.3)
    assert rules.correlation_sign(drawn) == pytest.approx(1.0 * 0.02 - 0.3 * 0.05)


def test_a_report_keeps_the_rows_of_other_tasks_and_draws_all(report: ModuleType, tmp_path: Path) -> None:
    known = Outcome.of((1,), [Trial("ok", 0.02, {"rate_hz": 5.1})])

    def row(task: str, rate: float, mean_field: float, alone: float = -0.1) -> object:
        numbers = {"size": 4, "scatter_hz": 0.3, "loss": 0.02, "tuning_r": 0.99, "w_mean": 0.9, "slope": 2.0}
        whole = {**numbers, "task": task, "rate_hz": rate, "mean_field_hz": mean_field, "alone": alone}
        return report.Row(rule="on_pre: y - 0.12", family="on_pre: y - constant", solves=True, as_good=False, **whole)

    rate = [row("inhibitory-rate", 5.0, 5.4), row("inhibitory-rate", 5.0, 6.0, alone=0.0)]
    network = [row("inhibitory-network", 10.0, math.nan)]
    report.write_report(tmp_path, "inhibitory-rate", rate, [], None, 7, known, 43.0)
    report.write_report(tmp_path, "inhibitory-network", network, [], None, 9, known, 10.0)
    found = report.read_rows(tmp_path)
    assert [(each.task, each.shared, each.close) for each in found] == [
        ("inhibitory-rate", True, True),
        ("inhibitory-rate", False, False),
        ("inhibitory-network", True, False),
    ]
    page = (tmp_path / "README.md").read_text("utf-8")
    assert "| mean-field rate within 10 % of the simulated one | 1 |" in page
    assert "a presynaptic spike alone changes nothing" in page
    assert (tmp_path / "manifold.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("text", "post", "wanted"),
    [
        # tau r_post, and what a presynaptic spike brings where the mean of x at a postsynaptic one is tau r_pre.
        ("on_pre: y - c; c = 0.3; y = trace(post, 40 ms)", 5.0, 0.2),
        ("on_pre: -c; on_post: x; c = 0.1; x = trace(pre, 50 ms)", 6.0, 0.3),
        ("on_pre: y - w", 5.0, None),
        ("on_pre: y + c; c = 0.3", 5.0, None),
    ],
)
def test_a_constant_is_set_to_what_the_mean_field_asks_for(
    benchmark: Callable[[str], ModuleType], text: str, post: float, wanted: float | None
) -> None:
    manifold, parsed = benchmark("manifold"), TASK.parse(text)
    bound = TASK.bind(parsed, TASK.resolve()).only()
    found = manifold.with_solved_constant(parsed, bound, 20.0, 0.5, post)
    assert (found is None) == (wanted is None)
    assert wanted is None or found.only().constant_values()["c"] == pytest.approx(wanted)


def test_in_networks_rules_of_one_neuron_also_have_slower_traces(
    benchmark: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    manifold, report = benchmark("manifold"), benchmark("manifold_report")
    bench = manifold.Bench.__new__(manifold.Bench)
    bench.task = load_task("inhibitory-network")
    bench.settings, bench.target = bench.task.resolve(), 10.0
    bench.known = Outcome("ok", 0.1, {"w_mean": 0.25, "rate_i_hz": 12.0})
    values = {field: 1.0 for field in ("rate_hz", "scatter_hz", "loss", "tuning_r", "w_mean", "mean_field_hz", "slope")}
    row = report.Row("inhibitory-rate", "on_pre: y - c; c = 0.1", 3, "", True, True, alone=-0.1, **values)
    found = manifold.for_the_network(bench, [row])
    seen = [(each.only().states["y"].tau, each.only().constant_values()["c"]) for each in found]
    assert seen == [(pytest.approx(tau), pytest.approx(10.0 * tau)) for tau in (0.02, 0.04, 0.1)]
