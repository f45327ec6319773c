"""What a search begins with: every function of the smallest sizes, of several rules each alone."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.grammar import Grammar, count, load_grammar, parse_grammar
from rulesearch.rules.text import parse_rules
from rulesearch.search.candidate import Candidate
from rulesearch.search.problem import Problem
from rulesearch.search.smallest import smallest, with_constants
from rulesearch.shipped import shipped_folder
from rulesearch.tasks import load_task


def begun(task: str, grammar: Grammar, given: str = "", parts: int = 1, top: int = 2) -> list[Candidate]:
    loaded = load_task(task)
    held = parse_rules(given) if given else None
    with Evaluator(task, loaded.resolve()) as evaluator:
        problem = Problem(evaluator, grammar, 1, 1000, given=held)
        rng = np.random.default_rng(0)
        functions = smallest(problem, top)
        return [each for part in range(parts) for each in with_constants(problem, functions[part::parts], rng)]


@pytest.mark.parametrize("parts", [1, 3])
def test_where_full_trials_are_dear_every_small_function_comes_with_several_constants(parts: int) -> None:
    grammar = load_grammar("inhibitory-network").for_rules(["w"])
    made = begun("inhibitory-network", grammar, parts=parts)
    forms: dict[object, list[Candidate]] = {}
    for each in made:
        forms.setdefault(each.form, []).append(each)
    assert len(forms) == count(grammar, 2).functions_up_to
    assert {len(alike) for alike in forms.values() if alike[0].constants} == {3}
    assert {len(alike) for alike in forms.values() if not alike[0].constants} == {1}


def test_of_several_rules_each_comes_alone_where_the_others_may_be_0() -> None:
    grammar = load_grammar("plastic-network").for_rules(["EE", "IE"])
    made = begun("plastic-network", grammar, "EI[on_pre: 0]; II[on_pre: 0]")
    still = [{name for name in ("EE", "IE") if str(each.rules.rules[name]) == "on_pre: 0"} for each in made]
    assert all(still)
    # That neither learns comes once.
    functions = sum(count(grammar.for_rules([name]), 2).functions_up_to for name in ("EE", "IE"))
    assert len({each.form for each in made}) == functions - 1


def test_where_no_rule_may_be_0_there_are_none() -> None:
    text = (shipped_folder("grammars") / "plastic-network.toml").read_text().replace('"", "0"', '""')
    grammar = parse_grammar(text).for_rules(["EE", "IE"])
    assert begun("plastic-network", grammar, "EI[on_pre: 0]; II[on_pre: 0]") == []


def test_where_screening_is_all_that_is_dear_there_are_none() -> None:
    assert begun("inhibitory-rate", load_grammar("spiking").for_rules(["w"])) == []


def test_with_one_fidelity_they_come_once_each() -> None:
    grammar = load_grammar("rate").for_rules(["w"])
    made = begun("oja", grammar)
    assert len(made) == len({each.form for each in made}) == count(grammar, 2).functions_up_to
