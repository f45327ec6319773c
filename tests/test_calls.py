"""The calls of the package from a script: what is of another type than they take is refused in one sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rulesearch as rs
from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, parse_expression
from rulesearch.workflow.plan import planned

CALLS: Any = rs
EXPRESSION: Any = Expression
PARSE: Any = parse_expression
"""The package without its types, which say already that these calls are wrong."""


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALLS.evaluate(None, task="oja"),
        lambda: CALLS.compare(3.5),
        lambda: CALLS.compare("x*y", [3.5]),
        lambda: CALLS.plot(None),
        lambda: CALLS.plot(3.5, "oja"),
        lambda: CALLS.simplify(3.5),
        lambda: CALLS.stress(3.5, "oja"),
        lambda: CALLS.respond(None),
        lambda: CALLS.cite(3.5),
        lambda: CALLS.rule(3.5),
    ],
)
def test_what_is_no_rule_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^a rule is its text, a known name, .*, found (None|3\.5)$"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALLS.evaluate("x", task=3),
        lambda: CALLS.evaluate("x", task=[]),
        lambda: CALLS.compare("x", task=3),
        lambda: CALLS.stress("x", task=3),
        lambda: CALLS.export("x", "latex", task=3),
    ],
)
def test_what_is_no_task_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^a task is a name, .*, found (3|\[\])$"):
        call()


def test_a_rule_is_read_from_whatever_stands_for_one() -> None:
    oja = rs.rule("x*y - w*y**2; eta = 0.01")
    assert str(oja) == "x*y - w*y**2; eta = 0.01"
    assert rs.rule(oja) == oja
    assert rs.rule("vogels").states == rs.known_rules()["vogels"].rules.only().states


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("feedforward[x*y]; lateral[-x*y]", "expected one rule, found a set of 2: feedforward, lateral"),
        ("x*(y", "column 5"),
        (3.5, "a rule is its text, a known name"),
    ],
    ids=str,
)
def test_what_is_not_one_rule_is_refused(what: Any, said: str) -> None:
    with pytest.raises(RulesearchError, match=said):
        CALLS.rule(what)


def test_classes_of_shipped_tasks_are_found_in_their_package() -> None:
    from rulesearch import tasks

    assert issubclass(tasks.Oja, tasks.Task) and type(tasks.load_task("oja")) is tasks.Oja
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        tasks.nothing  # noqa: B018


def test_a_recording_of_a_network_is_drawn() -> None:
    from rulesearch.simulate import Network, Neuron, Population, Receptor, Simulation

    cell = Neuron({"E": Receptor(0.005, 0.0)}, current=300.0)
    recording = Simulation(Network([Population("cells", 5, cell)], []), seed=0).run(0.2)
    figure = rs.plot(recording)
    assert [axes.get_title(loc="left") for axes in figure.axes]
    with pytest.raises(RulesearchError, match="is drawn by itself"):
        CALLS.plot([recording, "oja"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: CALLS.families(["r1", "r1"]),
        lambda: CALLS.compare_runs(["r1", "r1"]),
        lambda: CALLS.resume(["r1", "r1"]),
        lambda: CALLS.write_report(["r1", "r1"]),
        lambda: CALLS.Run.open(["r1", "r1"]),
    ],
)
def test_what_is_no_run_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^a run is its folder, .*, found \['r1', 'r1'\]$"):
        call()


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: CALLS.evaluate("oja", "oja", seeds=1.5), "seeds must be a whole number, found 1.5"),
        (lambda: CALLS.evaluate("oja", "oja", seeds=True), "seeds must be a whole number, found True"),
        (lambda: CALLS.evaluate("oja", "oja", first_seed="0"), "the first seed must be a whole number, found '0'"),
        (lambda: CALLS.evaluate("oja", "oja", settings=3), "settings of task oja are given by name, such as"),
        (lambda: CALLS.evaluate("oja", "oja", backend=3), "unknown backend 3; there is: auto, jit, vm"),
        (lambda: CALLS.respond("vogels", pre="0,1"), "pre must be a list of numbers, such as [0, 50] ms, found '0,1'"),
        (lambda: CALLS.respond("vogels", pre=0), "pre must be a list of numbers, such as [0, 50] ms, found 0"),
        (lambda: CALLS.respond("vogels", post=["a"]), "each of post must be a number, found 'a'"),
        (lambda: CALLS.respond("vogels", w0="a"), "w0 must be a number, found 'a'"),
        (lambda: CALLS.respond("vogels", [0], repeats=2, every="10"), "every must be a number, found '10'"),
        (lambda: CALLS.respond("vogels", [0], repeats=2.5, every=10), "repeats must be a whole number, found 2.5"),
        (lambda: CALLS.respond("vogels", [0], voltage=3), "voltage must be the name of a file, found 3"),
        (lambda: CALLS.export("oja", "python", bounds=3), "bounds must be a list of numbers, such as (0, 1), found 3"),
        (lambda: CALLS.export("oja", "python", bounds=(1,)), "bounds must be two numbers, such as (0, 1), found (1,)"),
        (lambda: CALLS.export("oja", "python", eta="a"), "eta must be a number, found 'a'"),
        (lambda: CALLS.export("oja", 3), "unknown format 3; there is: "),
        (lambda: CALLS.plot("oja", first_seed="a"), "the first seed must be a whole number, found 'a'"),
        (lambda: CALLS.plot("stdp-pair", weight="a"), "the weight must be a number, found 'a'"),
        (lambda: CALLS.families(count=1.5), "count must be a whole number, found 1.5"),
        (lambda: CALLS.side_by_side("oja", [], "oja", seeds=0), "seeds must be at least 1, found 0"),
        (lambda: CALLS.compare("oja", on=3), "a set of values must be one, or a list of them, found 3"),
        (lambda: CALLS.compare("oja", on=[3]), "a set of values is a text, found 3"),
        (lambda: CALLS.discover("oja", settings=3), "settings are given by name, such as"),
        (lambda: CALLS.discover("oja", forbid=3), "forbid must be one, or a list of them, found 3"),
    ],
)
def test_an_argument_of_another_type_is_refused_by_its_name(call: Callable[[], object], line: str) -> None:
    with pytest.raises(RulesearchError) as told:
        call()
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


def test_numbers_of_numpy_are_numbers() -> None:
    every, w0 = np.float64(1000.0), np.float32(0.5)
    found = CALLS.respond("vogels", np.array([0.0, 50.0]), np.array([10]), np.int64(2), every, w0)
    assert found == CALLS.respond("vogels", [0, 50], [10], 2.0, 1000, 0.5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rs.simplify("x*y", settings={"eta": 1}),
        lambda: rs.export("oja", "latex", settings={"eta": 1}),
        lambda: rs.plot("oja", settings={"eta": 1}),
    ],
)
def test_settings_without_a_task_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RulesearchError, match=r"^eta: settings are those of a task; name the task: task='oja'$"):
        call()


def test_one_rule_or_one_set_of_values_may_stand_for_a_list_of_them() -> None:
    hebb = rs.known_rules()["hebb"]
    for other in ("hebb", hebb, hebb.rules, hebb.rules.only()):
        assert [each.verdict for each in rs.compare("2*x*y", other)] == ["equal-up-to-scale"]
    (found,) = rs.compare("relu(x)", "x", on="x in [0, 1]")
    assert found.verdict == "equal"
    assert str(rs.simplify("relu(x)", on="x in [0, 1]").simplified) == "x"  # type: ignore[union-attr]
    labels = [each.label for each in rs.side_by_side("x*y", "oja", "oja", {"points": 100}, 1, with_baseline=False)]
    assert labels == ["this rule", rs.known_rules()["oja"].title]


def test_one_word_may_stand_for_a_list_of_words() -> None:
    for words in ("x_bar", ["x_bar"], ("x_bar",)):
        plan = planned("oja", {"forbid": words, "require": "y"})
        assert (plan.experiment.forbid, plan.experiment.require) == (["x_bar"], ["y"])
        assert list(plan.grammar.symbols) == ["x", "y", "w", "y_bar"]


def test_what_the_calls_raise_is_a_name_of_the_package() -> None:
    assert rs.RulesearchError is RulesearchError
    assert "RulesearchError" in dir(rs)


def test_what_cannot_be_exported_is_refused() -> None:
    with pytest.raises(RulesearchError, match=r"^what is exported is a rule or a run, found 3$"):
        CALLS.export(3, "latex")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: CALLS.compare("x*y", other="oja"), "compare has no argument 'other'; did you mean 'others'?"),
        (lambda: CALLS.compare("x*y", tsk="oja"), "compare has no argument 'tsk'; did you mean 'task'?"),
        (lambda: CALLS.evaluate("x*y", "oja", seed=3), "evaluate has no argument 'seed'; did you mean 'seeds'?"),
        (lambda: CALLS.evaluate("x*y"), "evaluate needs task; see: help(rulesearch.evaluate)"),
        (lambda: CALLS.export("x*y", fmt="latex"), "export has no argument 'fmt'; did you mean 'format'?"),
        (lambda: CALLS.plot("x*y", wight=0.1), "plot has no argument 'wight'; did you mean 'weight'?"),
        (lambda: CALLS.respond("on_pre: 1", pres=[0.0]), "respond has no argument 'pres'; did you mean 'pre'?"),
        (lambda: CALLS.rule("x", eta=0.1), "rule has no argument 'eta'; there is: what"),
        (lambda: CALLS.fit("x*y"), "fit needs table"),
        (lambda: CALLS.side_by_side(), "side_by_side needs rule and others and task"),
        (lambda: CALLS.load_grammar("rate", "spiking"), "load_grammar takes at most 1 argument without a name"),
        (lambda: CALLS.discover("oja", sed=1), "unknown argument 'sed'; did you mean 'seed'?"),
    ],
)
def test_an_argument_that_there_is_not_is_told_with_the_nearest_one(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RulesearchError) as caught:
        call()
    assert str(caught.value).startswith(said)


def test_calls_keep_their_signatures_and_their_documentation() -> None:
    assert list(inspect.signature(rs.compare).parameters) == ["rule", "others", "task", "on"]
    assert rs.compare.__name__ == "compare" and (rs.compare.__doc__ or "").startswith("Compare a rule")
    assert str(rs.compare("x*y", others="x*y")) == str(rs.compare("x*y", "x*y"))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: CALLS.Rule({"on_step": "x*y"}), "the slot on_step takes an expression, found 'x*y'; a rule is read"),
        (lambda: CALLS.Rule({"on_step": "x*y"}), "rulesearch.rule('on_step: x*y')"),
        (lambda: CALLS.Rule("x*y"), "the slots of a rule are expressions by slot, found 'x*y'"),
        (lambda: CALLS.Rule(None), "found None; a rule is read from text by rulesearch.rule('on_step: x*y')"),
        (lambda: CALLS.Rule({"on_stp": parse_expression("x")}), "unknown slot 'on_stp'; did you mean 'on_step'?"),
        (lambda: CALLS.Rule({}, eta="0.1"), "eta must be a number, found '0.1'"),
        (lambda: CALLS.Rule({}, states={"z": "lowpass(y, 10)"}), "rulesearch.rule('on_step: x*z; z = lowpass(y, 10)')"),
        (lambda: CALLS.Rule({}, states="z"), "states are given by name"),
        (lambda: CALLS.Rule({}, constants={"c": 0.5}), "must be a number with its unit, Number(0.5), found 0.5"),
        (lambda: CALLS.Rule({}, constants=[0.5]), "constants are given by name"),
        (lambda: CALLS.Rule({}, bounds=1.0), "bounds must be two numbers, the lower one first, such as (0.0, 1.0)"),
        (lambda: CALLS.Rule({}, bounds=(1.0, 0.0)), "bounds must be two numbers, the lower one first"),
        (lambda: CALLS.Rule({}, bounds=("0", "1")), "a bound of w must be a number, found '0'"),
        (lambda: CALLS.RuleSet("x*y"), "a set has rules by their names, such as {'w': rule}, found 'x*y'"),
        (lambda: CALLS.RuleSet({"w": "x*y"}), "the rule w of a set must be a rule, found 'x*y'"),
        (
            lambda: CALLS.rule("x*y").change(x=1.0, Y=2.0),
            "on_step reads y; give a value: change(y=1.0); nothing reads Y",
        ),
        (lambda: CALLS.rule("x*y").renamed("x"), "names are given by name, such as {'x': 'x_bar'}, found 'x'"),
        (lambda: Expression.apply("plus"), "unknown operator 'plus'"),
        (lambda: EXPRESSION.apply("add", "x", "y"), "add is applied to expressions, found 'x'"),
        (lambda: Expression.apply("tanh", *[Expression.symbol("x")] * 2), "tanh takes 1 argument, found 2"),
        (lambda: EXPRESSION.symbol(3), "a symbol is a text, such as 'x', found 3"),
        (lambda: EXPRESSION.number("x"), "a number in an expression must be a number, found 'x'"),
        (lambda: PARSE(None), "an expression is read from text, such as 'x*y', found None"),
        (lambda: CALLS.tasks.load_task(None), "a task is a name"),
    ],
)
def test_what_is_made_in_python_of_the_wrong_parts_is_refused(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RulesearchError) as caught:
        call()
    assert said in str(caught.value)
