"""The compiled tier: nothing but our own operators in its source, and quick to prepare."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rulesearch.expression import OPERATORS, Expression, parse_expression
from rulesearch.simulate.machine import jit
from rulesearch.simulate.machine.program import encode


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
    ours = {word for row in OPERATORS.values() for word in re.findall(r"[A-Za-z_]+", row.scalar)}
    assert words <= {"def", "segments", "segment", "registers", "lanes", "if", "for", "i", "in", "range", *ours}


def test_empty_segments_compile_to_nothing() -> None:
    program = encode((None,), ("x",), {})
    assert program.compiled() is not None
    assert jit._source([None], {}, [-1]) == "def segments(segment, registers, lanes):\n    pass\n"


def test_operators_of_the_table_are_all_available() -> None:
    tree = Expression.symbol("x")
    for row in OPERATORS.values():
        tree = Expression.apply(row.name, *([tree] + [Expression.symbol("y")] * (row.arity - 1)))
    assert encode((tree,), ("x", "y"), {}).compiled() is not None


def test_cached_kernels_know_the_sources_of_all_kernels() -> None:
    from rulesearch.simulate.driven import kernel as driven
    from rulesearch.simulate.machine import kernel, vm
    from rulesearch.simulate.network import network_kernel
    from rulesearch.simulate.rate import neuron
    from rulesearch.simulate.synapse import events

    for function in (network_kernel.advance, driven.integrate, neuron._run_each, events._run, vm.execute):
        _, digest = function._cache._cache_file._source_stamp
        assert digest == kernel._sources()


def test_the_digest_of_the_kernels_sources_looks_into_every_folder(tmp_path: Path, monkeypatch: Any) -> None:
    from rulesearch.simulate.machine import kernel

    (tmp_path / "simulate" / "room").mkdir(parents=True)
    source = tmp_path / "simulate" / "room" / "callee.py"
    source.write_text("one")
    monkeypatch.setattr(kernel, "_SIMULATE", tmp_path / "simulate")
    kernel._sources.cache_clear()
    before = kernel._sources()
    source.write_text("two")
    kernel._sources.cache_clear()
    changed = kernel._sources()
    kernel._sources.cache_clear()
    assert before != changed
