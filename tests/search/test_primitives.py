"""A grammar as typed primitives: complete, and lossless in both directions."""

from __future__ import annotations

import numpy as np
import pytest
from deap import gp
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import expressions

from rulesearch.errors import RulesearchError
from rulesearch.expression import Expression, Number, parse_expression, to_text
from rulesearch.expression.points import points
from rulesearch.grammar import ONE, Grammar, RuleSlot, derive, load_grammar, member, slots_by_rule
from rulesearch.rules import Rule, parse_rules
from rulesearch.rules.rule import RuleSet
from rulesearch.search.candidate import CandidateMaker, nests_a_function
from rulesearch.search.genome import ConstantTerminal
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.variation import Variation
from tests.places import ON_POST, ON_PRE, ON_STEP


def test_every_production_is_one_primitive(primitives: GrammarPrimitives) -> None:
    assert isinstance(primitives.set, gp.PrimitiveSetTyped)
    for name, kind in primitives.types.items():
        productions = primitives.grammar.expanded(name)
        constants = [p for p in productions if p.text in primitives.grammar.constants]
        inner = [p for p in productions if p.children]
        assert len(primitives.primitives[kind]) == len(inner)
        assert len(primitives.terminals[kind]) == len(productions) - len(inner) - len(constants)
        assert primitives.constant_kinds[kind] == [p.text for p in constants]
        for primitive, production in zip(primitives.primitives[kind], inner, strict=True):
            assert primitive.ret is kind
            assert primitive.args == [primitives.types[child] for child in production.children]
            assert primitives.set.mapping[primitive.name] is primitive
        assert primitives.set.primitives.get(kind, []) == primitives.primitives[kind]


def test_optional_slots_are_those_of_the_grammar(typed: Grammar) -> None:
    assert GrammarPrimitives(typed).optional == {ON_POST}
    assert GrammarPrimitives(load_grammar("rate")).optional == set()
    assert GrammarPrimitives(load_grammar("spiking")).optional == {ON_PRE, ON_POST}


def test_genomes_and_expressions_say_the_same(primitives: GrammarPrimitives) -> None:
    variation, rng = Variation(primitives), np.random.default_rng(1)
    for _ in range(200):
        genome = variation.random_genome(1 + int(rng.random() * 12), rng)
        skeleton = primitives.skeleton(genome)
        values = {f"{primitives.prefix}{index + 1}": value for index, value in enumerate(skeleton.values)}
        again = primitives.genome(skeleton.slots, values)
        assert primitives.skeleton(again).slots == skeleton.slots
        assert primitives.skeleton(again).values == skeleton.values
        assert primitives.size(genome) == sum(tree.size for tree in skeleton.slots.values())
        written = slots_by_rule(skeleton.slots)[ONE]
        assert member(primitives.grammar, written, {name: Number(value) for name, value in values.items()})
        for slot, tree in zip(primitives.slots, genome, strict=True):
            assert (tree is not None) == (slot in skeleton.slots)
            assert tree is None or well_typed(tree, primitives.start[slot])


def well_typed(tree: gp.PrimitiveTree, wanted: type) -> bool:
    """Whether each argument has the type that its primitive asks for, and nothing is left over."""
    stack = [wanted]
    for node in tree:
        if not stack or node.ret is not stack.pop():
            return False
        stack.extend(reversed(getattr(node, "args", [])))
    return not stack


def test_constants_are_named_in_order_of_appearance_and_can_be_replaced() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    genome = primitives.genome({ON_STEP: parse_expression("a*x + b*y")}, {"a": 0.5, "b": -1.5})
    skeleton = primitives.skeleton(genome)
    assert to_text(skeleton.slots[ON_STEP]) == "c1*x + c2*y"
    assert (skeleton.values, skeleton.kinds) == ((0.5, -1.5), ("c", "c"))
    changed = primitives.with_values(genome, (1.0, 2.0))
    assert primitives.skeleton(changed).values == (1.0, 2.0)
    assert primitives.skeleton(genome).values == (0.5, -1.5)
    numbers = primitives.skeleton(primitives.genome({ON_STEP: parse_expression("0.25*x - 1")}, {}))
    assert numbers.values == (0.25, 1.0)


def test_sums_and_products_are_derived_in_either_order(typed: Grammar) -> None:
    primitives = GrammarPrimitives(typed)
    genome = primitives.genome({ON_PRE: parse_expression("tanh(w)*(y + x)")}, {})
    assert to_text(primitives.skeleton(genome).slots[ON_PRE]) == "(y + x)*tanh(w)"


@settings(max_examples=200, deadline=None)
@given(expressions(("x", "y", "w"), ("add", "mul", "neg", "max", "sub"), st.sampled_from((1.0, -1.0, -3.5, 3.5))))
def test_a_rule_is_a_genome_where_the_grammar_accepts_it(typed: Grammar, expression: Expression) -> None:
    for grammar in (typed, load_grammar("rate"), load_grammar("stdp")):
        primitives = GrammarPrimitives(grammar)
        place = next(iter(grammar.slots))
        rule = Rule({place.slot: expression})
        try:
            genome = primitives.genome_of(RuleSet.single(rule))
        except RulesearchError:
            assert not member(grammar, rule.slots)
            continue
        # A search may start from constants that it does not search.
        assert derive(grammar, grammar.slots[place], expression, None, False)
        skeleton = primitives.skeleton(genome)
        names = dict(zip((f"{primitives.prefix}{k}" for k in range(1, 99)), skeleton.values, strict=False))
        values = {name: points(name) for name in ("x", "y", "w")}
        for slot, part in skeleton.slots.items():
            np.testing.assert_allclose(
                part.evaluate({**values, **names}), rule.slots[slot.slot].evaluate(values), rtol=1e-12, atol=1e-300
            )


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("x*max(w, -3.5)", True),
        ("x*max(-3.5, w)", True),
        ("max(-3.5, w)*x", True),
        ("-(x*w)", True),
        ("-x*w", True),
        ("x*-w", True),
        ("0.7*w", True),
        ("-0.7*w", True),
        ("x*3.5", True),
        ("x*-3.5", True),
        ("-3.5*x", True),
        ("x*w - x*w", False),
    ],
)
def test_accepts_and_start_agree_on_commuted_operands_signs_and_ranges(
    typed: Grammar, text: str, accepted: bool
) -> None:
    rules = parse_rules(text, "on_pre")
    assert member(typed, rules.only().slots) == accepted
    if accepted:
        assert GrammarPrimitives(typed).genome_of(rules)
    else:
        with pytest.raises(RulesearchError, match="cannot derive"):
            GrammarPrimitives(typed).genome_of(rules)


def test_each_kind_of_constant_keeps_to_its_own_prior(typed: Grammar) -> None:
    primitives, rng = GrammarPrimitives(typed), np.random.default_rng(0)
    for name, low, high in (("drive", 0.5, 1.5), ("gate", -4.0, -3.0)):
        leaves = [primitives.leaf(primitives.types[name], rng) for _ in range(200)]
        values = [leaf.value for leaf in leaves if isinstance(leaf, ConstantTerminal)]
        assert values
        assert low <= min(values) <= max(values) <= high


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ({"drift": "x"}, "has no slot drift; it has on_pre, on_post"),
        ({"on_post": "x"}, "does not let the slot on_pre be empty"),
        ({"on_pre": "x - y"}, "cannot derive the expression in slot on_pre"),
        ({"on_pre": "w*w"}, "cannot derive the expression in slot on_pre"),
        ({"on_pre": "x*tanh(y)"}, "cannot derive the expression in slot on_pre"),
    ],
)
def test_what_the_grammar_does_not_derive_is_refused(typed: Grammar, slots: dict[str, str], said: str) -> None:
    with pytest.raises(RulesearchError, match=said):
        GrammarPrimitives(typed).genome(
            {RuleSlot(ONE, slot): parse_expression(each) for slot, each in slots.items()}, {}
        )


def test_fixed_numbers_are_no_constants(numbers: Grammar) -> None:
    primitives = GrammarPrimitives(numbers)
    genome = primitives.genome_of(parse_rules("0.25*x**3 + 0.5"))
    skeleton = primitives.skeleton(genome)
    assert to_text(skeleton.slots[ON_STEP]) == "0.25*x**3 + c1"
    assert (skeleton.values, skeleton.kinds) == ((0.5,), ("c",))
    assert primitives.size(genome) == 7
    again = primitives.skeleton(primitives.with_values(genome, (-1.0,)))
    assert (again.slots, again.values) == (skeleton.slots, (-1.0,))
    with pytest.raises(RulesearchError, match="cannot derive"):
        primitives.genome_of(parse_rules("x**4"))
    others = {to_text(primitives.skeleton(each).slots[ON_STEP]) for each in Variation(primitives).neighbours(genome)}
    assert {"0.25*x**2 + c1", "0.25*x**5 + c1", "x**3 + c1", "0.25*x + c1"} <= others


def test_an_empty_slot_stays_empty(typed: Grammar) -> None:
    primitives = GrammarPrimitives(typed)
    genome = primitives.genome({ON_PRE: parse_expression("-(x*tanh(w))")}, {})
    assert genome[1] is None
    assert list(primitives.skeleton(genome).slots) == [ON_PRE]


def test_candidates_know_size_states_and_function() -> None:
    grammar = load_grammar("rate")
    primitives = GrammarPrimitives(grammar)
    maker = CandidateMaker(primitives)
    oja = maker.make(primitives.genome({ON_STEP: parse_expression("y*(x - w*y)")}, {}), "start")
    other = maker.make(primitives.genome({ON_STEP: parse_expression("x*y - w*y**2")}, {}), "start")
    assert (oja.size, other.size) == (7, 9)
    assert oja.key == other.key
    averaged = maker.make(primitives.genome({ON_STEP: parse_expression("y*(x - x_bar)")}, {}), "start")
    assert list(averaged.rules.only().states) == ["x_bar"]
    assert not averaged.alive


def test_a_kind_of_constant_needs_a_value_to_begin_with() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    (kind, *_) = primitives.grammar.constants
    product = {ON_STEP: parse_expression(f"{kind}*x")}
    with pytest.raises(RulesearchError, match=f"the constant {kind} has no value to begin with"):
        primitives.genome(product, {})
    assert primitives.skeleton(primitives.genome(product, {kind: 0.5})).values == (0.5,)


@pytest.mark.parametrize(
    ("text", "nested"),
    [
        ("tanh(x)*tanh(y)", False),
        ("tanh(x + tanh(y))", True),
        ("abs(relu(x))", False),
        ("relu(x*abs(relu(y) - 1))", True),
        ("(x**2)**2", False),
    ],
)
def test_a_function_inside_itself_is_noticed(text: str, nested: bool) -> None:
    assert nests_a_function(parse_expression(text)) == nested
