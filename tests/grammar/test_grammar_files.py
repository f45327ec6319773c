"""Reading grammar files: what is read, and one test for each refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, parse_expression
from rulesearch.grammar import ConstantPrior, GrammarError, check_grammar, load_grammar, parse_grammar
from rulesearch.grammar.reading import MAX_BYTES
from rulesearch.rules import Lowpass, Trace, parse_rules
from rulesearch.shipped import shipped_folder, shipped_names
from tests.places import DRIFT, ON_POST, ON_PRE, ON_STEP

GOOD = """\
name = "little"
description = "for tests"
[symbols.x]
meaning = "activity"
unit = ""
latex = "x"
[symbols.v]
meaning = "potential"
unit = "mV"
[symbols.x_bar]
meaning = "mean"
unit = ""
definition = "lowpass(x, 100)"
[constants.c]
range = [-2.0, 2.0]
prior = "uniform"
unit = ""
[constants.theta]
range = [-70, -40]
prior = "normal"
unit = "mV"
[slots]
on_step = "update"
drift = "number"
[productions]
update = ["", "number"]
number = ["x", "x_bar", "c", "number * number", "number**2", "tanh(number)", "potential / theta"]
potential = ["v", "theta", "potential - potential", "number * potential"]
[limits]
size = 9
depth = 6
"""


def test_a_grammar_is_read_as_written() -> None:
    grammar = parse_grammar(GOOD)
    assert (grammar.name, grammar.limits.size, grammar.limits.depth) == ("little", 9, 6)
    assert grammar.slots == {DRIFT: "number", ON_STEP: "update"}
    assert grammar.optional_slots == (ON_STEP,)
    assert [production.text for production in grammar.productions["update"]] == ["", "number"]
    assert grammar.symbols["v"].latex == "v"
    assert grammar.symbols["x_bar"].latex == r"\bar{x}"
    assert grammar.operators == ("mul", "square", "tanh", "div", "sub")
    assert grammar.states() == {"x_bar": Lowpass(Expression.symbol("x"), 100.0, in_steps=True)}
    assert "update -> (empty) | number" in grammar.text()


def test_unit_productions_are_closed_over_and_nothing_stands_twice() -> None:
    text = GOOD.replace('update = ["", "number"]', 'update = ["", "x", "x", "tanh(number)", "number"]')
    grammar = parse_grammar(text)
    texts = [production.text for production in grammar.expanded("update")]
    assert texts == ["x", "tanh(number)", "x_bar", "c", "number*number", "number**2", "potential/theta"]
    assert {production.result for production in grammar.expanded("update")} == {"update"}


def test_unit_productions_in_a_circle_are_closed_over() -> None:
    text = GOOD.replace('potential = ["v"', 'potential = ["other", "v"').replace(
        "[limits]", 'other = ["potential", "theta"]\n[limits]'
    )
    grammar = parse_grammar(text)
    assert {production.text for production in grammar.expanded("potential")} == {
        production.text for production in grammar.expanded("other")
    }


def test_constant_ranges_are_in_base_units() -> None:
    old, new = '[-2.0, 2.0]\nprior = "uniform"\nunit = ""', '[1, 20]\nprior = "uniform"\nunit = "ms"'
    text = GOOD.replace(old, new)
    text = text.replace('"x_bar", "c", ', '"x_bar", "time / time", ').replace("[limits]", 'time = ["c"]\n[limits]')
    prior = parse_grammar(text).constants["c"]
    assert (prior.low, prior.high, prior.unit) == (0.001, 0.02, "ms")
    assert prior.text() == "uniform in [1, 20] ms"


@pytest.mark.parametrize("kind", ["uniform", "log-uniform", "normal"])
def test_priors_draw_within_their_range(kind: str) -> None:
    rng = np.random.default_rng(1)
    prior = ConstantPrior(0.01, 100.0, kind, "")
    values = np.array([prior.sample(rng) for _ in range(2000)])
    assert values.min() >= 0.01 and values.max() <= 100.0
    middle = {"uniform": 50.0, "log-uniform": 1.0, "normal": 50.0}[kind]
    assert abs(np.mean(values < middle) - 0.5) < 0.05
    if kind == "normal":
        assert abs(values.std() - 0.88 * 25.0) < 2.0  # a normal cut at two standard deviations keeps 0.88 of its own


@pytest.mark.parametrize("name", ["rate", "spiking"])
def test_shipped_grammars_load_by_name_and_by_path(name: str) -> None:
    assert name in shipped_names("grammars")
    path = shipped_folder("grammars") / f"{name}.toml"
    for which in (name, path, str(path)):
        grammar = load_grammar(which)
        assert grammar.name == name
        assert (grammar.limits.size, grammar.limits.depth) == (15, 8)
        for productions in grammar.productions.values():
            assert all(production.own_size <= 2 for production in productions)


def test_the_spiking_grammar_leaves_slots_empty_and_defines_slow_traces() -> None:
    grammar = load_grammar("spiking")
    assert grammar.optional_slots == (ON_PRE, ON_POST)
    assert grammar.states() == {"x2": Trace("pre", 0.1), "y2": Trace("post", 0.1)}


def test_facts_name_the_units_of_non_terminals() -> None:
    facts = dict(check_grammar(GOOD))
    assert facts["non-terminals"] == "update [1], number [1], potential [mV]"
    assert facts["smallest rule"] == "1 node"
    assert dict(check_grammar("rate"))["name"] == "rate"


def test_facts_name_what_no_production_uses() -> None:
    for name in ("rate", "stdp", "spiking", "mettler", "arithmetic"):
        assert "not used" not in dict(check_grammar(name))
    text = (
        'name = "g"\n[symbols]\nx = {meaning = "", unit = ""}\ny = {meaning = "", unit = ""}\n'
        'q = {meaning = "", unit = ""}\nz = {meaning = "", unit = "", definition = "lowpass(y, tau)"}\n'
        'p = {meaning = "", unit = "", definition = "trace(pre, spare)"}\n[constants]\n'
        + "".join(
            f'{name} = {{range = [1, 2], prior = "uniform", unit = "{unit}"}}\n'
            for name, unit in (("c", ""), ("tau", "s"), ("spare", "s"))
        )
        + '[slots]\non_step = "a"\n[productions]\na = ["x", "z"]\n[limits]\nsize = 3\ndepth = 3\n'
    )
    assert dict(check_grammar(text))["not used"] == "q, p, c, spare"
    sets = text.replace("[constants]", "[constants]\nk = {values = [1, 2]}\nm = {values = [2, 3]}")
    assert dict(check_grammar(sets.replace('["x", "z"]', '["x", "z", "x**m"]')))["not used"] == "q, p, c, spare, k"


def test_unknown_names_get_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(RulesearchError, match="did you mean 'rate'"):
        load_grammar("rat")
    with pytest.raises(RulesearchError, match="no grammar file"):
        load_grammar(tmp_path / "nothing.toml")
    with pytest.raises(GrammarError, match="cannot be read"):
        load_grammar(tmp_path)


def test_an_unknown_kind_of_shipped_file_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="kind"):
        shipped_folder("rules")


def test_files_that_are_too_large_or_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.toml"
    path.write_text(GOOD + "#" * MAX_BYTES)
    with pytest.raises(GrammarError, match="larger than 262144"):
        load_grammar(path)
    with pytest.raises(GrammarError, match="at most 262144"):
        parse_grammar(path.read_text())
    path.write_bytes(b'name = "\xff\xfe"')
    with pytest.raises(GrammarError, match="UTF-8"):
        load_grammar(path)


def edit(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1
    return GOOD.replace(old, new, 1)


PRODUCTION = '"number * number"'
RANGE = 'range = [-2.0, 2.0]\nprior = "uniform"'
REFUSALS = {
    "syntax": ("name = = 3", None, "not TOML.*line 1"),
    "deep brackets": ("name = " + "[" * 5000, None, "not TOML"),
    "huge number": ('name = "x"\na = ' + "9" * 5000, None, "not TOML"),
    "unknown key": (edit("[limits]", "[limit]\n[limits]"), 29, "limit: unknown key; did you mean 'limits'"),
    "missing table": (edit("[limits]\nsize = 9\ndepth = 6\n", ""), None, r"\[limits\] is missing"),
    "missing name": (edit('name = "little"\n', ""), None, "name = .* is missing"),
    "name not text": (edit('"little"', "3"), 1, "expected text"),
    "table not a table": (
        edit("description", "limits = 3\ndescription").replace("[limits]\nsize = 9\ndepth = 6\n", ""),
        None,
        "expected a table",
    ),
    "unknown field": (edit('latex = "x"', 'colour = "x"'), 6, r"\[symbols.x\] colour: unknown key"),
    "missing field": (edit('meaning = "activity"\n', ""), 3, "'meaning' is missing"),
    "field not text": (edit('"activity"', "7"), 4, "expected text"),
    "no symbols": ('name = "n"\n[symbols]\n[slots]\n[productions]\n[limits]\nsize = 1\ndepth = 1\n', 2, "no symbol"),
    "unknown unit": (edit('unit = "mV"', 'unit = "kg"'), 9, "unknown unit 'kg'"),
    "bad definition": (edit("lowpass(x, 100)", "mean(x)"), 13, "expected trace"),
    "definition of unknown symbol": (edit("lowpass(x, 100)", "lowpass(q, 100)"), 13, "unknown symbol 'q'"),
    "definition in another unit": (edit("lowpass(x, 100)", "lowpass(v, 100)"), 12, "the definition is in mV"),
    "definition that mixes units": (edit("lowpass(x, 100)", "lowpass(v + x, 100)"), 13, "joins a quantity in mV"),
    "trace with a unit": (
        edit('unit = "mV"\n', 'unit = "mV"\ndefinition = "trace(pre, 20 ms)"\n'), 9, "the definition is in 1"
    ),
    "not a name": (edit("[symbols.v]", '[symbols."a b"]'), 7, "'a b' is not a name"),
    "line break in a name": (edit("update = [", '"a\\nb" = ["x"]\nupdate = ['), None, "is not a name"),
    "name of a function": (edit("[symbols.v]", "[symbols.tanh]"), 7, "name of a function"),
    "name of a unit": (edit("[symbols.v]", "[symbols.ms]"), 7, "name of a unit"),
    "name of a slot": (edit("[symbols.v]", "[symbols.drift]"), 7, "name of a slot"),
    "name of an option": (edit("[symbols.v]", "[symbols.eta]"), 7, "name of an option"),
    "constant like a symbol": (edit("[constants.c]", "[constants.x]"), 14, "also a symbol"),
    "non-terminal like a symbol": (edit("update = [", "x = ["), 26, "also a symbol"),
    "non-terminal like a constant": (edit("update = [", "c = ["), 26, "also a constant"),
    "non-terminal like a function": (edit("update = [", "abs = ["), 26, "name of a function"),
    "range not two numbers": (edit("[-2.0, 2.0]", "[1]"), 15, "expected two numbers"),
    "range of texts": (edit("[-2.0, 2.0]", '["a", 1]'), 15, "expected a number"),
    "range of booleans": (edit("[-2.0, 2.0]", "[false, true]"), 15, "expected a number"),
    "range turned round": (edit("[-2.0, 2.0]", "[2.0, -2.0]"), 15, "must be below"),
    "range of one point": (edit("[-2.0, 2.0]", "[2.0, 2.0]"), 15, "must be below"),
    "range with nan": (edit("[-2.0, 2.0]", "[nan, 2.0]"), 15, "finite"),
    "range with inf": (edit("[-2.0, 2.0]", "[0, inf]"), 15, "finite"),
    "range too large": (edit("[-2.0, 2.0]", f"[0, 1{'0' * 400}]"), 15, "finite"),
    "log-uniform at zero": (edit('2.0]\nprior = "uniform"', '2.0]\nprior = "log-uniform"'), 15, "above 0"),
    "unknown prior": (edit('"uniform"', '"gamma"'), 16, "unknown prior 'gamma'"),
    "unknown slot": (edit("drift =", "on_pree ="), 24, "unknown slot 'on_pree'; did you mean 'on_pre'"),
    "start symbol missing": (edit('drift = "number"', 'drift = "numbr"'), 24, "'numbr' has no productions.*'number'"),
    "no slot": (edit('on_step = "update"\ndrift = "number"\n', ""), 22, "no slot"),
    "productions not a list": (edit('update = ["", "number"]', 'update = "number"'), 26, "a list of texts"),
    "no productions": (edit('update = ["", "number"]', "update = []"), 26, "a list of texts"),
    "does not parse": (edit(PRODUCTION, '"number * "'), 27, "column 9"),
    "unknown leaf": (edit(PRODUCTION, '"number * numbre"'), 27, "unknown name 'numbre'.*did you mean 'number'"),
    "two operators": (edit(PRODUCTION, '"number * number * x"'), 27, "has 2 operators"),
    "two with a unit": (edit(PRODUCTION, '"number**2 mV"'), 27, "an exponent in mV"),
    "number with a unit": (edit(PRODUCTION, '"number + 2 mV"'), 27, "joins a quantity in 1 and one in mV"),
    "number and two operators": (edit(PRODUCTION, '"number * 2 + 1"'), 27, "has 2 operators"),
    "values no list": (edit(RANGE, "values = 3"), 15, "a list of 1 to 64 numbers, found 3"),
    "no values": (edit(RANGE, "values = []"), 15, "a list of 1 to 64 numbers"),
    "values of texts": (edit(RANGE, 'values = ["a"]'), 15, "expected a number"),
    "values not finite": (edit(RANGE, "values = [1, inf]"), 15, "finite"),
    "a value twice": (edit(RANGE, "values = [1, 2, 1.0]"), 15, "a value is given twice"),
    "values and a range": (edit(RANGE, "values = [1]\nrange = [0, 1]"), 16, "unknown key"),
    "a set as a time constant": (
        edit("lowpass(x, 100)", "lowpass(x, c)").replace(RANGE, "values = [1, 2]"), 13, "has a range"
    ),
    "empty away from a start": (edit('["v"', '["", "v"'), 28, "only for a start symbol"),
    "always empty": (edit('["", "number"]', '[""]'), 26, "always stay empty"),
    "cannot end": (edit("[limits]", 'loop = ["loop + loop", "tanh(loop)"]\n[limits]'), 29, "cannot end"),
    "unreachable": (edit("[limits]", 'island = ["x"]\n[limits]'), 29, "no slot leads"),
    "units joined": (edit(PRODUCTION, '"number + potential"'), 27, "joins a quantity in 1 and one in mV"),
    "units of productions": (edit('"number * potential"', '"number * number"'), 28, "one unit for each non-terminal"),
    "square of a unit": (edit('"number * potential"', '"potential**2"'), 28, "in mV\\^2"),
    "function of a unit": (edit('"tanh(number)"', '"tanh(potential)"'), 27, r"tanh\(\) was given a quantity in mV"),
    "power of a unit": (edit('"tanh(number)"', '"potential**number"'), 27, "raises a quantity"),
    "unit as exponent": (edit('"tanh(number)"', '"number**potential"'), 27, "an exponent in mV"),
    "limit missing": (edit("depth = 6\n", ""), 29, "'depth' is missing"),
    "limit zero": (edit("size = 9", "size = 0"), 30, "from 1 to 63, found 0"),
    "limit too large": (edit("depth = 6", "depth = 64"), 31, "from 1 to 63, found 64"),
    "limit not whole": (edit("size = 9", "size = 9.5"), 30, "whole number"),
    "limit a boolean": (edit("size = 9", "size = true"), 30, "whole number"),
    "too many non-terminals": (
        edit("[limits]", "\n".join(f'n{i} = ["x"]' for i in range(300)) + "\n[limits]"), 25, "at most 256 are read"
    ),
    "no rule fits": (
        edit('number = ["x", "x_bar", "c", ', "number = [").replace("size = 9", "size = 2"), 30, "smallest rule has 3"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_name_the_place(case: str) -> None:
    text, line, reason = REFUSALS[case]
    with pytest.raises(GrammarError, match=reason) as caught:
        parse_grammar(text, "my.toml")
    message = str(caught.value)
    assert message.startswith("my.toml") and "\n" not in message
    if line is not None:
        assert message.startswith(f"my.toml, line {line}, ")


def test_the_line_of_an_inline_table_is_found() -> None:
    old = '[symbols.x]\nmeaning = "activity"\nunit = ""\nlatex = "x"\n'
    text = edit(old, '[symbols]\nx = {meaning = "a", unit = "kg"}\n')
    with pytest.raises(GrammarError, match=r"my\.toml, line 4, .*unknown unit 'kg'"):
        parse_grammar(text, "my.toml")


def test_templates_are_trees_of_our_parser() -> None:
    grammar = parse_grammar(GOOD)
    templates = [production.template for production in grammar.productions["number"]]
    assert parse_expression("potential/theta") in templates
    assert [production.children for production in grammar.productions["potential"]] == [
        (), (), ("potential", "potential"), ("number", "potential")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "productions"),
    [
        ("v - x", 'a = ["v - x"]'),
        ("v + v*v", 'a = ["v + b"]\nb = ["v*v"]'),
        ("v**2 + v", 'a = ["b + v"]\nb = ["v**2"]'),
        ("sqrt(v) + v", 'a = ["b + v"]\nb = ["sqrt(v)"]'),
        ("max(v, x)", 'a = ["max(v, x)"]'),
        ("exp(v)", 'a = ["exp(v)"]'),
        ("v**x", 'a = ["v**x"]'),
        ("x**v", 'a = ["x**v"]'),
    ],
)
def test_a_rule_and_a_grammar_have_the_same_units(rule: str, productions: str) -> None:
    with pytest.raises(RulesearchError) as told:
        parse_rules(rule, "drift")
    reason = str(told.value).partition("slot drift: ")[2]
    with pytest.raises(GrammarError) as refused:
        parse_grammar(
            'name = "g"\n[symbols]\nv = {meaning = "", unit = "mV"}\nx = {meaning = "", unit = ""}\n[slots]\n'
            f'drift = "a"\n[productions]\n{productions}\n[limits]\nsize = 9\ndepth = 9\n'
        )
    assert reason and reason in str(refused.value)
