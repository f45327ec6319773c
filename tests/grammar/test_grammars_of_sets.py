"""Grammars with a table per rule: read, counted, drawn from, varied, and asked, all by (rule, slot)."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from rulesearch.cli.grammar_commands import rule_text_of
from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, to_text
from rulesearch.grammar import (
    ONE,
    Grammar,
    GrammarError,
    RuleName,
    RuleSlot,
    candidate_sizes,
    count,
    grammar_facts,
    load_grammar,
    parse_grammar,
    sample,
    sample_up_to,
)
from rulesearch.grammar.functions import FunctionTable
from rulesearch.grammar.membership import function_key
from rulesearch.grammar.parts import Limits
from rulesearch.grammar.variants import grammar_toml, with_template
from rulesearch.grammar.words import check_words, with_words, without
from rulesearch.rules import parse_rules
from rulesearch.search.exhaust import functions_of_size
from rulesearch.workflow.membership import accepts
from tests.known_pair import PAIR, SYMBOLS, Measured

FF, LAT = RuleSlot("feedforward", "on_step"), RuleSlot("lateral", "on_step")


@pytest.fixture(scope="module")
def pair() -> Grammar:
    """A grammar of two rules, of one slot each."""
    return parse_grammar(PAIR)


def test_a_table_per_rule_is_read_and_written(pair: Grammar) -> None:
    assert pair.slots == {FF: "change", LAT: "product"}
    assert pair.rules == ("feedforward", "lateral")
    assert (pair.limits.size, pair.limits.rule_size) == (12, 9)
    again = parse_grammar(grammar_toml(pair))
    assert (again.slots, again.productions, again.limits) == (pair.slots, pair.productions, pair.limits)
    facts = dict(grammar_facts(pair))
    assert facts["rules"] == "feedforward, lateral"
    assert facts["slots"] == "feedforward on_step from change, lateral on_step from product"
    assert facts["smallest rule"] == "1 node of feedforward, 1 node of lateral"
    assert facts["limits"] == "12 nodes, 9 nodes of each rule; with engine pysr 7 levels"
    assert Limits(2, 7, 1).text == "2 nodes, 1 node of each rule; with engine pysr 7 levels"


def test_one_table_is_a_rule_named_w() -> None:
    rate = load_grammar("rate")
    assert rate.rules == (ONE,) and rate.is_of_one_table
    assert "rules" not in dict(grammar_facts(rate))
    renamed = rate.for_rules(("IE",))
    assert list(renamed.slots) == [RuleSlot("IE", "on_step")]
    assert rate.for_rules((ONE,)) is rate


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[slots.lateral]", "[slots]\non_step = 'change'\n[slots.lateral]", "on_step stands beside tables of rules"),
        ("[slots.lateral]\non_step", "[slots.lateral]\non_stepp", r"line 17, \[slots.lateral\] on_stepp: unknown slot"),
        ("[slots.lateral]", "[slots.sin]", "'sin' is the name of a function"),
        ('[slots.lateral]\non_step = "product"', "[slots.lateral]", "there is no slot"),
        ('on_step = "product"', 'on_step = "produkt"', "did you mean 'product'"),
        ("rule_size = 9", "rule_size = 0", "expected a whole number from 1"),
        ("size = 12", "size = 1", "the smallest rules have 2 nodes together, but the limit is 1"),
        ('product = ["x", "y", "c", ', 'product = ["-x", ', None),
        ('product = ["x", "y", "c", "product * product", "-product"]', 'product = ["x*y"]', None),
    ],
)
def test_what_is_wrong_with_a_table_is_told(old: str, new: str, reason: str | None) -> None:
    text = PAIR.replace(old, new)
    assert text != PAIR
    if old.startswith("[slots.lateral]") and "[slots]\n" in new:
        # TOML has tables in any order, but each once.
        text = text.replace("[slots]\non_step = 'change'\n", "").replace(
            "[slots.feed", "[slots]\non_step = 'change'\n[slots.feed"
        )
    if reason is None:
        parse_grammar(text)
        return
    with pytest.raises(GrammarError, match=reason):
        parse_grammar(text)


def test_a_rule_that_cannot_be_so_small_is_refused() -> None:
    text = PAIR.replace('"x", "y", "c", "product * product", "-product"', '"x*y"').replace(
        "rule_size = 9", "rule_size = 2"
    )
    with pytest.raises(GrammarError, match="the smallest rule lateral has 3 nodes, but the limit is 2"):
        parse_grammar(text)


def random_grammar(rng: np.random.Generator) -> Grammar:
    """Return a small grammar of two or three rules, of one or two slots, some of which may stay empty."""
    names = ("feedforward", "lateral")[: 1 + int(rng.random() < 0.3)]
    lines = ['name = "any"', SYMBOLS]
    for name in names:
        lines += [f"[slots.{name}]", f'on_pre = "{rng.choice(["value", "other", "maybe"])}"']
        lines += [f'on_post = "{rng.choice(["other", "maybe"])}"'] * int(rng.random() < 0.4)
    lines += ["[slots.last]", 'on_step = "value"', 'drift = "maybe"']
    values = rng.choice(["y", "w", "value + value", "-other", "value - x"], 2, replace=False).tolist()
    others = rng.choice(["x", "w", "other*other", "tanh(other)"], 2, replace=False).tolist()
    lines += ["[productions]", f"value = {['x', 'value*other', *values]}", f"other = {['y', *others]}"]
    lines += ['maybe = ["", "other"]', "[limits]", "size = 9", "depth = 6"]
    return parse_grammar("\n".join([*lines, *[f"rule_size = {rng.integers(2, 5)}"] * int(rng.random() < 0.5)]))


def expressions(grammar: Grammar, name: str, size: int) -> list[Expression]:
    """Return every derivation of a size, by plain recursion over the productions."""
    found = []
    for production in grammar.expanded(name):
        rest = size - production.own_size
        shares = itertools.product(range(1, rest + 1), repeat=len(production.children))
        for share in (each for each in shares if sum(each) == rest):
            inner = [expressions(grammar, child, own) for child, own in zip(production.children, share, strict=True)]
            found += [production.fill(parts) for parts in itertools.product(*inner)]
    return found


def candidates(grammar: Grammar, size: int) -> list[dict[RuleSlot, Expression]]:
    """Return every candidate of a size: no rule empty, none above its limit."""
    found: list[dict[RuleSlot, Expression]] = [{}]
    for place, start in grammar.slots.items():
        longer = [each for each in found if place in grammar.optional_slots]
        for each in found:
            left = size - sum(part.size for part in each.values())
            for own in range(1, left + 1):
                longer += [{**each, place: part} for part in expressions(grammar, start, own)]
        found = longer
    return [each for each in found if sum(part.size for part in each.values()) == size and within(grammar, each)]


def within(grammar: Grammar, slots: dict[RuleSlot, Expression]) -> bool:
    of_rules = Counter(place.rule for place, part in slots.items() for _ in part.nodes)
    return set(of_rules) == set(grammar.rules) and max(of_rules.values()) <= grammar.limits.of_a_rule


@pytest.mark.parametrize("seed", range(12))
def test_counts_are_those_of_all_candidates_written_out(seed: int) -> None:
    grammar = random_grammar(np.random.default_rng(seed))
    functions: set[tuple[tuple[RuleSlot, int], ...]] = set()
    for size in range(1, 5):
        written = candidates(grammar, size)
        counts = count(grammar, size)
        assert counts.derivations_exactly == len(written)
        keys = {tuple((place, function_key(part)) for place, part in each.items()) for each in written}
        assert counts.functions_exactly == len(keys - functions)
        functions |= keys
        assert counts.functions_up_to == len(functions)
        table = FunctionTable(grammar, size, expressions=True)
        table.fill_to(size)
        listed = list(functions_of_size(grammar, table, size))
        assert len(listed) == counts.functions_exactly
        assert {tuple((place, function_key(part)) for place, part in each.items()) for each in listed} <= keys


@pytest.mark.parametrize("seed", range(12))
def test_what_is_drawn_has_its_size_is_accepted_and_reads_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for grammar in (random_grammar(rng), parse_grammar(PAIR), parse_grammar(Measured().own_grammar())):
        sizes = candidate_sizes(grammar, grammar.limits.size)
        slots = sample(grammar, rng, sizes[int(rng.integers(len(sizes)))])
        assert sum(part.size for part in slots.values()) in sizes
        assert within(grammar, slots)
        text = rule_text_of(grammar, slots, rng)
        rules = parse_rules(text)
        assert str(rules) == text and list(rules.rules) == list(grammar.rules)
        answer = accepts(grammar, rules)
        assert answer["accepted"] and str(answer["how"]).startswith(f"{grammar.rules[0]}: as written")


def test_every_candidate_has_the_same_chance() -> None:
    grammar = random_grammar(np.random.default_rng(3))
    size = next(size for size in candidate_sizes(grammar, 9) if 4 <= count(grammar, size).derivations_exactly <= 60)
    all_of_them = {str({k: to_text(v) for k, v in each.items()}) for each in candidates(grammar, size)}
    rng = np.random.default_rng(1)
    found = Counter(str({k: to_text(v) for k, v in sample(grammar, rng, size).items()}) for _ in range(3000))
    assert set(found) == all_of_them
    expected = 3000 / len(all_of_them)
    square = sum((number - expected) ** 2 / expected for number in found.values())
    assert square < len(all_of_them) + 4 * np.sqrt(2 * len(all_of_them))


def test_constants_are_named_in_each_rule_by_itself(pair: Grammar) -> None:
    c, x = Expression.symbol("c"), Expression.symbol("x")
    slots = {FF: Expression.apply("add", Expression.apply("mul", c, x), c), LAT: Expression.apply("mul", c, x)}
    named, kinds = pair.name_constants(slots)
    assert [to_text(part) for part in named.values()] == ["c1*x + c2", "c1*x"]
    assert list(kinds) == [RuleName("feedforward", "c1"), RuleName("feedforward", "c2"), RuleName("lateral", "c1")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("feedforward[y*(x - w*y)]; lateral[-x*y]", ""),
        ("feedforward[x*y - w*y**2]; lateral[x*y]", ""),
        ("lateral[x]; feedforward[y]", ""),
        ("feedforward[y]; lateral[x + y]", "lateral: not as written"),
        ("feedforward[y]", "there is no lateral"),
        ("x*y", "has the rules feedforward, lateral; found a rule without a name"),
        ("feedforward[y]; sideways[x]", "found feedforward, sideways; type feedforward[...]; lateral[...]"),
        ("feedforward[y]; laterl[x]", "found feedforward, laterl; did you mean 'lateral'?"),
    ],
)
def test_a_set_is_accepted_where_each_of_its_rules_is(pair: Grammar, text: str, said: str) -> None:
    answer = accepts(pair, parse_rules(text))
    assert answer["accepted"] == (not said)
    assert said in str(answer["how"])


def test_a_template_holds_rule_by_rule(pair: Grammar) -> None:
    rng = np.random.default_rng(0)
    grammar = with_template(pair, "feedforward[y*(x - ?)]; lateral[?]")
    drawn = [sample_up_to(grammar, rng, 12) for _ in range(60)]
    assert all(to_text(each[FF]).startswith("y*(x - ") for each in drawn)
    assert len({to_text(each[LAT]) for each in drawn}) > 5
    # A rule that is left out is searched as before.
    free = with_template(pair, "lateral[-?]")
    assert free.slots[FF] == pair.slots[FF] and list(free.slots) == [FF, LAT]
    assert {to_text(sample_up_to(free, rng, 6)[LAT])[0] for _ in range(20)} == {"-"}
    with pytest.raises(RulesearchError, match="has the rules feedforward, lateral; found a rule without a name"):
        with_template(pair, "x*?")
    with pytest.raises(RulesearchError, match="has no slot on_pre of lateral; it has on_step"):
        with_template(pair, "lateral[on_pre: ?]")


def test_words_are_required_and_forbidden_rule_by_rule(pair: Grammar) -> None:
    rng = np.random.default_rng(0)
    grammar = with_words(without(pair, ["lateral[x]"]), ["feedforward[w]; lateral[c]"])
    drawn = [sample_up_to(grammar, rng, 12) for _ in range(80)]
    assert all("w" in to_text(each[FF]) and "c" in to_text(each[LAT]) for each in drawn)
    assert not any("x" in to_text(each[LAT]) for each in drawn)
    assert any("x" in to_text(each[FF]) for each in drawn)
    everywhere = without(pair, ["x"])
    assert not any("x" in to_text(part) for _ in range(40) for part in sample_up_to(everywhere, rng, 9).values())


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (with_words, ["w"], r"say in which slot 'w' must be, one of: feedforward\[w\], lateral\[w\]"),
        (with_words, ["feedforward"], "grammar pair has no 'feedforward' to require"),
        (without, ["w", "x", "y"], "without w, x, y no symbol is left in pair"),
        (with_words, ["lateral[w]"], "no rule of grammar pair has 'w' in lateral on_step"),
        (with_words, ["sideways[w]"], "grammar pair has no rule 'sideways'"),
        (with_words, ["lateral[on_pre:w]"], "grammar pair has no slot on_pre of lateral; it has on_step"),
        (with_words, ["on_pre:w"], "grammar pair has no slot on_pre; it has on_step"),
        (with_words, ["lateral[w"], r"a word of one rule is written lateral\[w\], found 'lateral\[w'"),
        (with_words, ["lateral[]"], r"a word of one rule is written lateral\[w\], found 'lateral\[\]'"),
        (without, ["feedforward x]"], r"a word of one rule is written feedforward\[w\], found 'feedforward x\]'"),
        (without, ["lateral[w]"], "grammar pair has no 'w' to leave out"),
        (without, ["lateral[x]", "lateral[y]", "lateral[c]; lateral[neg]; lateral[*]"], "nothing is left of product"),
        (without, ["latteral[w]"], "has no rule 'latteral'; did you mean 'lateral'"),
    ],
)
def test_words_of_a_rule_that_cannot_be(pair: Grammar, change: object, words: list[str], said: str) -> None:
    assert callable(change)
    with pytest.raises(RulesearchError, match=said):
        change(pair, words)


def test_a_word_is_both_forbidden_and_required_in_the_same_rule_only() -> None:
    for gone in (["x"], ["lateral[x]"]):
        with pytest.raises(RulesearchError, match="'x' is both forbidden and required"):
            check_words(gone, ["lateral[on_step:x]"])
    check_words(["lateral[x]"], ["feedforward[x]"])
