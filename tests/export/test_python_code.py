"""The generated Python module gives what the virtual machine gives."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rulesearch.export.python_code import rules_python
from rulesearch.expression.operators import OPERATORS
from rulesearch.expression.points import points
from rulesearch.expression.tree import Number
from rulesearch.grammar import load_grammar, sample_up_to
from rulesearch.rules import Lowpass, Rule, RuleSet, Synaptic, known_rules, parse_rules
from rulesearch.simulate.machine.program import encode
from rulesearch.simulate.machine.vm import execute


def generated(rules: RuleSet) -> dict[str, Any]:
    """Run the exported text as a module of its own."""
    scope: dict[str, Any] = {}
    exec(compile(rules_python(rules), "exported", "exec"), scope)  # generated from a parsed rule
    return scope


def vm_values(rule: Rule, slot: str, values: dict[str, Any]) -> Any:
    """Evaluate one slot with the virtual machine, `values` by symbol `(lanes,)`."""
    symbols = tuple(values)
    program = encode((rule.slots[slot],), symbols, rule.constant_values())
    lanes = len(next(iter(values.values())))
    registers = program.workspace(lanes)
    for index, name in enumerate(symbols):
        registers[index, :lanes] = values[name]
    start, stop, result = program.segments[0]
    execute(program.code, start, stop, registers, lanes)
    return registers[result, :lanes].copy()


def check_agreement(rules: RuleSet) -> None:
    """Compare every slot at 64 points, in arrays and one by one."""
    module = generated(rules)
    for name, rule in rules.rules.items():
        prefix = "" if len(rules.rules) == 1 else f"{name}_"
        for slot, expression in rule.slots.items():
            read = [symbol for symbol in expression.symbols if symbol not in rule.constants]
            values = {symbol: np.array(points(symbol), dtype=float) for symbol in [*read, "w"]}
            expected = (1.0 if rule.eta is None else rule.eta) * vm_values(rule, slot, values)
            arguments = {symbol: values[symbol] for symbol in read}
            function = module[prefix + slot]
            np.testing.assert_allclose(
                np.broadcast_to(function(**arguments), expected.shape), expected, rtol=1e-12, atol=1e-300
            )
            one = float(function(**{symbol: float(column[3]) for symbol, column in arguments.items()}))
            np.testing.assert_allclose(one, expected[3], rtol=1e-12, atol=1e-300)


def check_states(rules: RuleSet) -> None:
    """Compare the functions of states with their expressions at 64 points."""
    module = generated(rules)
    for name, rule in rules.rules.items():
        prefix = "" if len(rules.rules) == 1 else f"{name}_"
        for state_name, state in rule.states.items():
            parts = {"target": state.expression} if isinstance(state, Lowpass) else {}
            parts = dict(state.slots) if isinstance(state, Synaptic) else parts
            for part, expression in parts.items():
                read = [symbol for symbol in expression.symbols if symbol not in rule.constants]
                values = {symbol: np.array(points(symbol), dtype=float) for symbol in read}
                with np.errstate(all="ignore"):
                    expected = expression.evaluate({**values, **rule.constant_values()})
                found = module[f"{prefix}{state_name}_{part}"](**values)
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


KNOWN = {each.name: each.rules for known in known_rules().values() for each in known.family()}


@pytest.mark.parametrize("name", KNOWN)
def test_known_rules_give_the_numbers_of_the_virtual_machine(name: str) -> None:
    check_agreement(KNOWN[name])
    check_states(KNOWN[name])


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_gives_the_numbers_of_the_virtual_machine(name: str) -> None:
    row = OPERATORS[name]
    arguments = ("x - y", "y*w")[: row.arity]
    if row.infix and row.arity == 2:
        text = f"w - ({arguments[0]}) {row.infix} ({arguments[1]})"
    else:
        text = f"w - {row.infix or row.name}({', '.join(arguments)})"
    check_agreement(parse_rules(text))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_rules_drawn_from_a_grammar_give_the_numbers_of_the_virtual_machine(seed: int) -> None:
    grammar = load_grammar("spiking" if seed % 2 else "rate")
    rng = np.random.Generator(np.random.PCG64(seed))
    slots, kinds = grammar.name_constants(sample_up_to(grammar, rng, 21))
    constants = {key: Number(float(rng.uniform(-1, 1))) for key in kinds}
    check_agreement(RuleSet.single(replace(grammar.rule_set(slots, constants, {}).only(), eta=0.01)))


def test_the_learning_rate_and_the_constants_are_keywords_with_defaults() -> None:
    on_step = generated(parse_rules("x*y - alpha; eta = 0.5; alpha = 0.25"))["on_step"]
    assert on_step(x=2.0, y=3.0) == 0.5 * (6.0 - 0.25)
    assert on_step(x=2.0, y=3.0, alpha=1.0, eta=2.0) == 2.0 * 5.0


def test_undefined_points_are_values_and_no_errors() -> None:
    assert math.isinf(generated(parse_rules("x/y"))["on_step"](x=1, y=0))
    assert math.isnan(generated(parse_rules("log(x)"))["on_step"](x=-1))
    assert math.isinf(generated(parse_rules("x + 1/0"))["on_step"](x=1))
    assert math.isnan(generated(parse_rules("(-8)**0.5 + x"))["on_step"](x=1))
    assert math.isinf(generated(parse_rules("c/d*x; c = 1; d = 0"))["on_step"](x=1))


def test_names_that_mean_something_in_python_are_given_a_bar() -> None:
    module = generated(parse_rules("lambda*x + np*y; lambda = 0.5; np = 2"))
    assert module["on_step"](x=1.0, y=1.0) == 2.5
    assert module["on_step"](x=1.0, y=1.0, lambda_=1.0) == 3.0


def test_the_docstring_names_the_paper_of_a_known_rule_however_it_is_written() -> None:
    text = rules_python(parse_rules("x*y - w*y**2"))
    assert "10.1007/BF00275687" in text
    assert "10.1007" not in rules_python(parse_rules("x*y - 3*w*y**3"))


def test_text_of_others_cannot_end_the_docstring() -> None:
    rules = RuleSet(parse_rules("x").rules, 'evil"""\nraise SystemExit\n"""\\')
    assert generated(rules)["on_step"](x=1.0) == 1.0


def test_states_come_with_functions_for_what_they_follow() -> None:
    rule = "E*R; E = synaptic(on_pre: y; on_post: x*w; tau = 1 s)"
    module = generated(parse_rules(rule))
    assert module["E_on_post"](x=2.0, w=3.0) == 6.0
    assert module["E_on_pre"](y=5.0) == 5.0
    module = generated(parse_rules("y - theta; theta = lowpass(y**2, 10 s)"))
    assert module["theta_target"](y=3.0) == 9.0


def test_a_trace_that_the_other_side_resets_says_so() -> None:
    text = " ".join(rules_python(parse_rules("on_post: x; x = trace(pre, 20 ms, immediate)")).split())
    assert "is set to 1 at each presynaptic spike; behind each postsynaptic spike it is 0" in text


def test_a_set_has_one_function_per_rule_and_slot() -> None:
    module = generated(parse_rules("feedforward[y*(x - w*y); bounds = [0, inf]]; lateral[-x*y]"))
    assert module["feedforward_on_step"](x=1.0, y=1.0, w=0.5) == 0.5
    assert module["lateral_on_step"](x=2.0, y=3.0) == -6.0
    assert module["FEEDFORWARD_BOUNDS"] == (0.0, math.inf)


def test_two_blank_lines_stand_before_each_function_and_constant() -> None:
    text = rules_python(parse_rules("a[x*y - z; z = lowpass(x, 9); bounds = [0, 1]]; b[-x*y; bounds = [0, 2]]"))
    lines = text.splitlines()
    begins = [k for k, line in enumerate(lines) if line.startswith(("def ", "A_", "B_"))]
    assert len(begins) == 6
    for k in begins:
        assert lines[k - 2 : k] == ["", ""] and lines[k - 3] != ""
    assert text.endswith("\n") and not text.endswith("\n\n")
