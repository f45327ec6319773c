"""Numbers of a rule that are to be distrusted: at an edge of their range, or good to one part in a thousand only."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.store import Store
from rulesearch.grammar import load_grammar, parse_grammar
from rulesearch.rules import RuleSet, parse_rules
from rulesearch.tasks import load_task
from rulesearch.tasks.trial import Trial
from rulesearch.workflow.constants import at_edge
from rulesearch.workflow.ranges import ConstantRange, constant_ranges
from rulesearch.workflow.scorer import Scorer

CANCELLING = (
    "on_pre: y2 - y; on_post: c1*x2*(x - w); eta = 1; c1 = 0.0063; "
    "tau_x = 120 ms; tau_y = 8.38 ms; tau_x2 = 16 ms; tau_y2 = 8.25 ms"
)
"""Two postsynaptic traces that all but cancel: E is 0.30, and 4.76 where tau_y2 is 8.5 ms."""

GRAMMAR = """
name = "edges"
[symbols.x]
meaning = "presynaptic trace"
unit = ""
definition = "trace(pre, tau)"
[constants.c]
range = [-2.0, 2.0]
prior = "uniform"
unit = ""
[constants.tau]
range = [5.0, 150.0]
prior = "log-uniform"
unit = "ms"
[slots]
on_post = "change"
[productions]
change = ["x", "c", "change*change"]
[limits]
size = 9
depth = 4
"""


def ranges(text: str, task_name: str, folder: Path, seeds: int = 1) -> dict[str, ConstantRange]:
    task = load_task(task_name)
    settings = task.resolve({})
    folder.mkdir(exist_ok=True)
    store = Store(folder / "ranges.sqlite")
    with Evaluator(task_name, settings) as evaluator:
        scorer = Scorer(evaluator, store, 1)
        rules = task.bind(task.parse(text), settings)
        found = constant_ranges(rules, scorer.score([rules], "report", seeds)[0], scorer, seeds)
    store.close()
    return {each.name: each for each in found}


def test_traces_that_cancel_are_flagged(tmp_path: Path) -> None:
    found = ranges(CANCELLING, "stdp-frequency", tmp_path)
    for name in ("tau_y", "tau_y2"):
        assert found[name].within in (0.001, 0.003, 0.01)
        assert "must hold to within" in found[name].demand
    for name in ("tau_x", "tau_x2"):
        assert found[name].demand == ""
    low, high = found["tau_y2"].low, found["tau_y2"].high
    assert low is not None and high is not None and 8.2 < low <= 8.25 <= high < 8.3


def test_what_may_move_is_not_flagged(tmp_path: Path) -> None:
    found = ranges("y*(x - c1*w*y); c1 = 1", "oja", tmp_path, 3)
    assert {each.demand for each in found.values()} == {""}
    table = tmp_path / "exact.csv"
    table.write_text("x,dw\n" + "\n".join(f"{k},{0.5 * k}" for k in range(20)), "utf-8")
    assert ranges("c1*x; c1 = 0.5; eta = 1", f"{table}:dw", tmp_path / "second")["c1"].demand == ""


def test_how_exact_is_said_in_words() -> None:
    expected = "must hold to within 0.3 %: that change doubles the loss"
    assert ConstantRange("c", 1.0, "", 1.0, 1.0, 0.003).demand == expected
    assert ConstantRange("c", 1.0, "", 0.9, 1.1).demand == ""


def test_a_change_after_which_a_rule_does_not_run_to_its_end_is_not_said_to_double_the_loss() -> None:
    """A number of 1 is moved by 1 %, up: then two of three seeds give nothing."""
    good, bad = Trial("ok", 0.5), Trial("runaway", None)

    class Moved:
        task = load_task("oja")

        def score(self, rules: list[RuleSet], role: str, seeds: int) -> list[Outcome]:
            values = [each.only().constants["c1"].value * float(each.only().eta or 1.0) for each in rules]
            return [
                Outcome.of((1, 2, 3), [good, bad, bad] if value > 1.005 else [good, good, good]) for value in values
            ]

    rules = parse_rules("c1*x; c1 = 1; eta = 1")
    found = constant_ranges(rules, Outcome.of((1, 2, 3), [good] * 3), cast(Scorer, Moved()), 3)
    expected = "must hold to within 1 %: that change keeps the rule from running to its end on 2 of 3 seeds"
    assert [each.demand for each in found] == [expected, expected]


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ("c1 = -2; tau_x = 20 ms", {"c1": "[-2, 2]"}),
        ("c1 = 1.5; tau_x = 150 ms", {"tau_x": "[5, 150] ms"}),
        ("c1 = 1.5; tau_x = 5 ms", {"tau_x": "[5, 150] ms"}),
        ("c1 = 1.9; tau_x = 140 ms", {}),
        ("c1 = 8; tau_x = 20 ms", {}),
    ],
)
def test_a_number_at_an_edge_of_its_range_is_named(constants: str, expected: dict[str, str]) -> None:
    assert at_edge(parse_rules(f"on_post: c1*x; eta = 1; {constants}"), parse_grammar(GRAMMAR)) == expected


def test_a_time_constant_that_is_not_searched_has_no_edge() -> None:
    rules = parse_rules("on_post: x; eta = 1; tau_x = 150 ms")
    grammar = parse_grammar(GRAMMAR.replace("trace(pre, tau)", "trace(pre, 150 ms)"))
    assert at_edge(rules, grammar) == {}
    assert at_edge(rules, load_grammar("stdp")) == {"tau_x": "[5, 150] ms"}
