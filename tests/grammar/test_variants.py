"""Grammars with a template around what is searched, and grammars without some words."""

from __future__ import annotations

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.expression import to_text
from rulesearch.grammar import load_grammar, member, parse_grammar, sample_up_to
from rulesearch.grammar.variants import grammar_toml, with_template, without
from rulesearch.rules import parse_rules
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.variation import Variation
from rulesearch.shipped import shipped_names


@pytest.mark.parametrize("name", shipped_names("grammars"))
def test_a_grammar_that_is_written_reads_back(name: str) -> None:
    grammar = load_grammar(name)
    again = parse_grammar(grammar_toml(grammar))
    assert again.text() == grammar.text()
    assert (again.symbols, again.constants, again.slots) == (grammar.symbols, grammar.constants, grammar.slots)
    assert (again.name, again.description) == (grammar.name, grammar.description)


def test_every_rule_of_a_template_has_its_form() -> None:
    grammar = with_template(load_grammar("rate"), "x*y - ?")
    generator = np.random.default_rng(1)
    for _ in range(50):
        slots = sample_up_to(grammar, generator, 12)
        assert to_text(slots["on_step"]).startswith("x*y - ")


def test_variation_keeps_the_form_and_reaches_all_of_the_hole() -> None:
    primitives = GrammarPrimitives(with_template(load_grammar("rate"), "x*y - ?*w"))
    variation = Variation(primitives)
    generator = np.random.default_rng(1)
    genome = variation.random_genome(3, generator)
    seen = set()
    for _ in range(400):
        genome = variation.mutate(genome, generator) or genome
        text = to_text(primitives.skeleton(genome).slots["on_step"])
        assert text.startswith("x*y - ")
        assert text.endswith("*w")
        seen.add(text)
    assert len(seen) > 100


def test_slots_that_a_template_leaves_out_stay_empty() -> None:
    grammar = with_template(load_grammar("spiking"), "on_pre: y - ?")
    assert list(grammar.slots) == ["on_pre"]
    both = with_template(load_grammar("spiking"), "on_pre: y - ?; on_post: x*?")
    assert list(both.slots) == ["on_pre", "on_post"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x*y", "has no hole to search"),
        ("q - ?", "unknown symbol 'q'"),
        ("on_post: ?", "grammar rate has no slot on_post"),
        ("0.5*x - ?", "a number stands in"),
        ("z - ?; z = lowpass(x, 10)", "no constants or states of its own"),
    ],
)
def test_what_is_no_template_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        with_template(load_grammar("rate"), text)


def test_words_that_are_left_out_are_gone() -> None:
    grammar = without(load_grammar("rate"), ["/", "tanh", "y_bar"])
    assert set(grammar.operators) == {"add", "sub", "mul", "square", "relu", "abs"}
    assert "y_bar" not in grammar.symbols
    assert member(grammar, parse_rules("x*y").only().slots)
    assert not member(grammar, parse_rules("tanh(x)").only().slots)


def test_constants_can_be_left_out() -> None:
    assert not without(load_grammar("rate"), ["c"]).constants


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["sin"], "grammar rate has no 'sin' to leave out"),
        (["tahn"], "did you mean 'tanh'"),
        ([*"xywc+-*/", "x_bar", "y_bar", "**", "tanh", "relu", "abs"], "nothing is left of rate"),
    ],
)
def test_words_that_cannot_be_left_out_are_refused(words: list[str], reason: str) -> None:
    with pytest.raises(RulesearchError, match=reason):
        without(load_grammar("rate"), words)
