"""Numbers of derivations in closed form, and drawing with equal chances."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, fingerprint, to_text
from rulesearch.grammar import (
    ONE,
    Grammar,
    RuleName,
    candidate_sizes,
    count,
    derives,
    load_grammar,
    member,
    sample,
    sample_subtree,
    sample_up_to,
    sizes,
    slots_by_rule,
)
from rulesearch.grammar.derivations import derivation_table, random_below, rule_rows
from tests.places import ON_STEP


@pytest.mark.parametrize("k", range(8))
def test_binary_trees_are_counted_by_catalan_numbers(sums_and_products: Grammar, k: int) -> None:
    catalan = comb(2 * k, k) // (k + 1)
    table = derivation_table(sums_and_products)
    assert table.count("a", 2 * k + 1) == 2 ** (k + 1) * 2**k * catalan
    assert table.count("a", 2 * k + 2) == 0


def test_large_numbers_are_exact(sums_and_products: Grammar) -> None:
    k = 31
    assert derivation_table(sums_and_products).count("a", 63) == 2 ** (2 * k + 1) * comb(2 * k, k) // (k + 1)


def test_unary_chains_are_counted(little_grammar: Callable[..., Grammar]) -> None:
    table = derivation_table(little_grammar({"a": ["x", "tanh(a)", "a**2"]}))
    assert [table.count("a", size) for size in range(1, 9)] == [1, 1, 2, 3, 5, 8, 13, 21]  # a square has two nodes


def test_types_alternate(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["x", "b + x"], "b": ["tanh(a)"]})
    assert sizes(grammar, "a", 12) == (1, 4, 7, 10)
    assert sizes(grammar, "b", 12) == (2, 5, 8, 11)


def test_unit_productions_cost_nothing(little_grammar: Callable[..., Grammar]) -> None:
    direct = little_grammar({"a": ["x", "y", "a + a"]})
    detour = little_grammar({"a": ["b", "b + a"], "b": ["c", "a"], "c": ["x", "y"]}, slots={"on_step": "a"})
    assert [derivation_table(direct).count("a", n) for n in (1, 3, 5)] == [2, 4, 16]
    assert [derivation_table(detour).count("a", n) for n in (1, 3, 5)] == [2, 4, 16]


def test_slots_are_convolved_and_empty_slots_have_no_nodes(little_grammar: Callable[..., Grammar]) -> None:
    rows = {"start": ["", "a"], "a": ["x", "y", "a + a"]}
    both = little_grammar(rows, slots={"on_pre": "start", "on_post": "start"})
    # One slot: 1, 2, 0, 4 for 0 to 3 nodes; two slots: the square of that polynomial.
    counts_of = partial(rule_rows, rule=ONE)
    assert counts_of(both, own=derivation_table(both).slot_counts, size=4)[0] == [1, 4, 4, 8, 16]
    counts = count(both, 4)
    assert (counts.derivations_exactly, counts.derivations_up_to) == (16, 4 + 4 + 8 + 16)
    needed = little_grammar(rows, slots={"on_pre": "a", "on_post": "start"})
    assert candidate_sizes(needed, 4) == (1, 2, 3, 4)
    assert counts_of(needed, own=derivation_table(needed).slot_counts, size=3)[0] == [0, 2, 4, 4]


def chi_square(found: Counter[str], cells: int) -> float:
    expected = found.total() / cells
    return sum((number - expected) ** 2 / expected for number in found.values()) + (cells - len(found)) * expected


def test_every_derivation_has_the_same_chance(sums_and_products: Grammar) -> None:
    rng = np.random.default_rng(5)
    grammar = sums_and_products
    found = Counter(to_text(sample(grammar, rng, 5)[ON_STEP]) for _ in range(6400))
    # Brackets tell (a + b) + c from a + (b + c), so texts are derivations: 64 of them.
    assert len(found) == 64
    assert chi_square(found, 64) < 63 + 4 * np.sqrt(2 * 63)


def test_every_share_among_slots_has_the_same_chance(little_grammar: Callable[..., Grammar]) -> None:
    rng = np.random.default_rng(6)
    rows = {"start": ["", "a"], "a": ["x", "y", "a + a"]}
    grammar = little_grammar(rows, slots={"on_pre": "start", "on_post": "start"})
    found = Counter(str({k: to_text(v) for k, v in sample(grammar, rng, 4).items()}) for _ in range(3200))
    assert len(found) == 16
    assert chi_square(found, 16) < 15 + 4 * np.sqrt(2 * 15)


def test_sizes_are_drawn_uniformly_among_those_that_exist(sums_and_products: Grammar) -> None:
    rng = np.random.default_rng(7)
    found = Counter(sample_up_to(sums_and_products, rng, 6)[ON_STEP].size for _ in range(3000))
    assert set(found) == {1, 3, 5}
    assert chi_square(Counter({str(k): v for k, v in found.items()}), 3) < 2 + 4 * 2


def test_a_generator_fixes_the_draws() -> None:
    grammar = load_grammar("rate")
    draws = [[sample(grammar, np.random.default_rng(3), 11) for _ in range(2)] for _ in range(2)]
    assert draws[0] == draws[1]


def test_draws_do_not_depend_on_the_process() -> None:
    program = (
        "import numpy as np; from rulesearch.grammar import *; g = load_grammar('spiking');"
        "print([sample(g, np.random.default_rng(s), 13) for s in range(20)], count(g, 5), g.text())"
    )
    outputs = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", program]
        outputs.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert outputs[0] == outputs[1] != ""


def test_sizes_that_do_not_exist_are_refused_with_the_nearest(sums_and_products: Grammar) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(RulesearchError, match="no rule of 4 nodes; the nearest size that exists is 3"):
        sample(sums_and_products, rng, 4)
    with pytest.raises(RulesearchError, match="no rule of at most 0 nodes"):
        sample_up_to(sums_and_products, rng, 0)
    with pytest.raises(RulesearchError, match="no derivation of 2 nodes"):
        sample_subtree(sums_and_products, "a", rng, 2)
    with pytest.raises(RulesearchError, match="too large"):
        sample(sums_and_products, rng, 1001)


@given(st.integers(1, 2**200), st.integers(0, 2**32))
def test_whole_numbers_below_a_bound(bound: int, seed: int) -> None:
    assert 0 <= random_below(np.random.default_rng(seed), bound) < bound


@settings(deadline=None)
@given(st.sampled_from(["rate", "spiking"]), st.integers(1, 15), st.integers(0, 2**32))
def test_draws_have_their_size_and_are_members(name: str, size: int, seed: int) -> None:
    grammar = load_grammar(name)
    slots = sample(grammar, np.random.default_rng(seed), size)
    assert sum(expression.size for expression in slots.values()) == size
    assert member(grammar, slots_by_rule(slots)[ONE])
    assert all(derives(grammar, grammar.slots[slot], expression) for slot, expression in slots.items())


@settings(deadline=None)
@given(st.sampled_from(["rate", "spiking"]), st.integers(1, 15), st.integers(0, 2**32))
def test_named_constants_go_back_to_their_kinds(name: str, size: int, seed: int) -> None:
    grammar = load_grammar(name)
    slots = sample(grammar, np.random.default_rng(seed), size)
    named, kinds = grammar.name_constants(slots)
    of = {key.name: kind for key, kind in kinds.items()}
    names = [node for slot in named.values() for node in slot.nodes if isinstance(node, str) and node in of]
    assert names == list(of) == [f"c{number}" for number in range(1, len(kinds) + 1)]
    back = {slot: part.substitute({k: Expression.symbol(v) for k, v in of.items()}) for slot, part in named.items()}
    assert back == slots
    values = {kind: grammar.constants[kind].sample(np.random.default_rng(1)) for kind in grammar.constants}
    first, second = slots_by_rule(named)[ONE], slots_by_rule(slots)[ONE]
    assert fingerprint(first, {k: values[v] for k, v in of.items()}) == fingerprint(second, values)


def test_names_of_constants_pass_over_symbols(little_grammar: Callable[..., Grammar]) -> None:
    grammar = little_grammar({"a": ["c1", "k", "a + a"]}, symbols="c1", constants="k")
    k, c1 = Expression.symbol("k"), Expression.symbol("c1")
    named, kinds = grammar.name_constants({ON_STEP: Expression.apply("add", Expression.apply("add", k, c1), k)})
    assert to_text(named[ON_STEP]) == "c2 + c1 + c3"
    assert kinds == {RuleName(ONE, "c2"): "k", RuleName(ONE, "c3"): "k"}
