"""Grammars with a template around what is searched, and grammars without some words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, parse_expression, to_text
from rulesearch.grammar import Grammar, load_grammar, member, parse_grammar, sample_up_to
from rulesearch.grammar.variants import grammar_toml, with_template
from rulesearch.grammar.words import check_words, with_words, without
from rulesearch.rules import parse_rules
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.variation import Variation
from rulesearch.shipped import shipped_names
from tests.places import ON_POST, ON_PRE, ON_STEP


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
        assert to_text(slots[ON_STEP]).startswith("x*y - ")


def test_variation_keeps_the_form_and_reaches_all_of_the_hole() -> None:
    primitives = GrammarPrimitives(with_template(load_grammar("rate"), "x*y - ?*w"))
    variation = Variation(primitives)
    generator = np.random.default_rng(1)
    genome = variation.random_genome(3, generator)
    seen = set()
    for _ in range(400):
        genome = variation.mutate(genome, generator) or genome
        text = to_text(primitives.skeleton(genome).slots[ON_STEP])
        assert text.startswith("x*y - ")
        assert text.endswith("*w")
        seen.add(text)
    assert len(seen) > 100


def test_a_template_may_have_fixed_numbers() -> None:
    grammar = with_template(load_grammar("rate"), "0.5*x**3 - ?")
    assert member(grammar, {"on_step": parse_expression("0.5*x**3 - w*y")})
    assert not member(grammar, {"on_step": parse_expression("0.4*x**3 - w*y")})
    assert not member(grammar, {"on_step": parse_expression("0.5*x**2 - w*y")})


def test_slots_that_a_template_leaves_out_stay_empty() -> None:
    grammar = with_template(load_grammar("spiking"), "on_pre: y - ?")
    assert list(grammar.slots) == [ON_PRE]
    both = with_template(load_grammar("spiking"), "on_pre: y - ?; on_post: x*?")
    assert list(both.slots) == [ON_PRE, ON_POST]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x*q - ?", "column 3 of 'x*q - ?': unknown symbol 'q'; there is: w, x, x_bar, y, y_bar"),
        ("? - hole", "column 5 of '? - hole': unknown symbol 'hole'; there is: w, x, x_bar, y, y_bar"),
        ("?*x - ?*x_ba", "column 9 of '?*x - ?*x_ba': unknown symbol 'x_ba'; did you mean 'x_bar'?"),
        ("?*(x - ?", "column 8 of '?*(x - ?': found the end of the text where ')' was expected, to close the"),
        ("x ? y", "column 3 of 'x ? y': "),
    ],
)
def test_a_template_is_refused_in_its_own_words(text: str, line: str) -> None:
    with pytest.raises(RulesearchError) as told:
        with_template(load_grammar("rate"), text)
    assert str(told.value).startswith(line)
    assert text == "? - hole" or "hole" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x*y", "has no hole to search"),
        ("q - ?", "unknown symbol 'q'"),
        ("on_post: ?", "grammar rate has no slot on_post"),
        ("0.5*x - ", "has no hole to search"),
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


def test_every_rule_has_the_words_that_are_required() -> None:
    grammar = with_words(load_grammar("rate"), ["x_bar", "/"])
    generator = np.random.default_rng(2)
    for _ in range(100):
        text = to_text(sample_up_to(grammar, generator, 13)[ON_STEP])
        assert "x_bar" in text and "/" in text
    primitives = GrammarPrimitives(grammar)
    variation = Variation(primitives)
    genome = variation.random_genome(5, generator)
    for _ in range(300):
        genome = variation.mutate(genome, generator) or genome
        text = to_text(primitives.skeleton(genome).slots[ON_STEP])
        assert "x_bar" in text and "/" in text


def test_no_rule_with_the_word_is_lost() -> None:
    plain = load_grammar("mettler")
    count = {size: sum("w" in text for text in written(plain, size)) for size in (1, 3, 5)}
    required = with_words(plain, ["w"])
    assert {size: len(written(required, size)) for size in (1, 3, 5)} == count


def written(grammar: Grammar, size: int) -> set[str]:
    """Return the text of every expression of a size that the only slot can hold."""

    def every(name: str, left: int) -> list[Expression]:
        found = []
        for production in grammar.expanded(name):
            rest = left - production.own_size
            if not production.children:
                found += [production.template] if rest == 0 else []
            elif len(production.children) == 1:
                found += [production.fill([inner]) for inner in every(production.children[0], rest)] if rest > 0 else []
            else:
                first, second = production.children
                for own in range(1, rest):
                    for parts in itertools.product(every(first, own), every(second, rest - own)):
                        found.append(production.fill(parts))
        return found

    return {to_text(expression) for expression in every(grammar.slots[ON_STEP], size)}


def test_a_word_is_required_in_a_slot() -> None:
    grammar = with_words(load_grammar("stdp"), ["on_post:y2"])
    assert ON_POST not in grammar.optional_slots and ON_PRE in grammar.optional_slots
    generator = np.random.default_rng(3)
    assert all("y2" in to_text(sample_up_to(grammar, generator, 9)[ON_POST]) for _ in range(50))
    assert member(grammar, parse_rules("on_post: x*y2").only().slots)
    assert not member(grammar, parse_rules("on_post: x*y; on_pre: y2").only().slots)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("rate", ["v"], "grammar rate has no 'v' to require"),
        ("stdp", ["y2"], "say in which slot 'y2' must be, one of: on_pre:y2, on_post:y2"),
        ("stdp", ["drift:y2"], "grammar stdp has no slot drift; it has on_pre, on_post"),
    ],
)
def test_words_that_cannot_be_required(name: str, words: list[str], said: str) -> None:
    with pytest.raises(RulesearchError, match=said):
        with_words(load_grammar(name), words)


@pytest.mark.parametrize(
    ("forbidden", "required", "word"), [(["y", "x"], ["x"], "x"), (["/"], ["div"], "div"), (["x"], ["on_post: x"], "x")]
)
def test_a_word_cannot_be_both_forbidden_and_required(forbidden: list[str], required: list[str], word: str) -> None:
    with pytest.raises(RulesearchError, match=f"^'{word}' is both forbidden and required"):
        check_words(forbidden, required)
    check_words(["tanh"], required)
