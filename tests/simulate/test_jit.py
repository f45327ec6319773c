"""The compiled tier: nothing but our own operators in its source, and quick to prepare."""

from __future__ import annotations

import re
import time

from rulesearch.expression import OPERATORS, Expression, parse_expression
from rulesearch.rules import parse_rules
from rulesearch.simulate import jit
from rulesearch.simulate.program import encode
from rulesearch.tasks import load_task


def source(*texts: str) -> str:
    trees = [parse_expression(text) for text in texts]
    names = sorted({name for tree in trees for name in tree.symbols})
    registers = {name: index for index, name in enumerate(names)} | {"2.0": 10, "0.5": 11, "-3.0": 12}
    return jit._source(trees, registers, list(range(20, 20 + len(trees))))


def test_the_source_of_known_expressions() -> None:
    assert source("x*(y - 0.5)") == (
        "def segments(segment, registers, lanes):\n"
        "    if segment == 0:\n"
        "        for i in range(lanes):\n"
        "            registers[20, i] = (registers[0, i] * (registers[1, i] - registers[11, i]))\n"
    )
    assert "(registers[0, i] * registers[0, i])" in source("x**2")
    assert "(registers[0, i] ** registers[12, i])" in source("x**-3")


def test_no_name_of_a_rule_reaches_the_source() -> None:
    everything = " + ".join(
        f"{row.name}({', '.join(['os_system', '__import__'][: row.arity])})"
        for row in OPERATORS.values()
        if not row.infix
    )
    words = set(re.findall(r"[A-Za-z_]+", source(everything)))
    allowed = {"def", "segments", "segment", "registers", "lanes", "if", "for", "i", "in", "range", *jit._NAMES}
    assert words <= allowed


def test_empty_segments_compile_to_nothing() -> None:
    program = encode((None,), ("x",), {})
    assert program.compiled() is not None
    assert jit._source([None], {}, [-1]) == "def segments(segment, registers, lanes):\n    pass\n"


def test_preparing_a_rule_takes_at_most_a_fifth_of_a_second() -> None:
    task = load_task("oja")
    settings = task.resolve({"data_sets": 1, "points": 100})

    def seconds(text: str) -> float:
        rules = task.bind(parse_rules(text), settings)
        begin = time.perf_counter()
        task.trial(rules, 0, settings, "full", "jit")
        return time.perf_counter() - begin

    seconds("x - w")
    # The best of three: other processes may be busy.
    assert min(seconds(f"y*(x - w*y) + tanh(x)*{factor}*y_bar - w*y**2") for factor in (0.1, 0.2, 0.3)) < 0.2


def test_operators_of_the_table_are_all_available() -> None:
    tree = Expression.symbol("x")
    for row in OPERATORS.values():
        tree = Expression.apply(row.name, *([tree] + [Expression.symbol("y")] * (row.arity - 1)))
    assert encode((tree,), ("x", "y"), {}).compiled() is not None
