"""Variation: types and size are kept, and a generator's seed decides everything."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from deap import gp

from rulesearch.expression import parse_expression
from rulesearch.grammar import Grammar, load_grammar
from rulesearch.search.genome import ConstantTerminal, Genome
from rulesearch.search.growing import pick
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.search.variation import Variation
from tests.places import ON_STEP

Operator = Callable[[Genome, np.random.Generator], Genome | None]


def changes(variation: Variation) -> dict[str, Operator]:
    """Every operator as a function of one genome; those of two parents get a random second one."""

    def second(rng: np.random.Generator) -> Genome:
        return variation.random_genome(1 + int(rng.random() * 8), rng)

    return {
        "mutate": variation.mutate,
        "replace_subtree": variation.replace_subtree,
        "replace_node": variation.replace_node,
        "insert_node": variation.insert_node,
        "remove_node": variation.remove_node,
        "remove_function": variation.remove_function,
        "move_constant": variation.move_constant,
        "toggle_slot": variation.toggle_slot,
        "crossover": lambda genome, rng: variation.crossover(genome, second(rng), rng),
        "join": lambda genome, rng: variation.join(genome, second(rng), rng, 0.5, 0.5),
    }


def well_formed(primitives: GrammarPrimitives, genome: Genome) -> bool:
    """Whether a genome has the right types everywhere, a filled slot, empty slots only where allowed, and fits."""
    for slot, tree in zip(primitives.slots, genome, strict=True):
        if tree is None:
            if slot not in primitives.optional:
                return False
            continue
        wanted = [primitives.start[slot]]
        for node in tree:
            if not wanted or node.ret is not wanted.pop():
                return False
            wanted.extend(reversed(getattr(node, "args", [])))
            if isinstance(node, ConstantTerminal):
                prior = primitives.grammar.constants[node.kind]
                if not prior.low <= node.value <= prior.high:
                    return False
        if wanted:
            return False
    return any(tree is not None for tree in genome) and primitives.size(genome) <= primitives.grammar.limits.size


@pytest.mark.parametrize("name", sorted(changes(Variation(GrammarPrimitives(load_grammar("rate"))))))
def test_every_change_keeps_types_sizes_and_ranges(primitives: GrammarPrimitives, name: str) -> None:
    variation, rng = Variation(primitives), np.random.default_rng(4)
    change = changes(variation)[name]
    genome = variation.random_genome(7, rng)
    made = 0
    for _ in range(400):
        before = str(genome)
        child = change(genome, rng)
        assert str(genome) == before
        if child is None:
            genome = variation.random_genome(1 + int(rng.random() * 12), rng)
            continue
        assert well_formed(primitives, child)
        made += 1
        genome = child
    if name != "toggle_slot" or primitives.optional:
        assert made > 20
    else:
        assert made == 0


def described(genome: Genome) -> list[str]:
    return [" ".join(f"{node.name}={getattr(node, 'value', '')}" for node in tree or ()) for tree in genome]


def test_a_seed_decides_everything(primitives: GrammarPrimitives) -> None:
    def walk(seed: int) -> list[list[str]]:
        variation, rng = Variation(GrammarPrimitives(primitives.grammar)), np.random.default_rng(seed)
        operators = list(changes(variation).values())
        found, genome = [], variation.random_genome(5, rng)
        for step in range(300):
            genome = operators[step % len(operators)](genome, rng) or variation.random_genome(5, rng)
            found.append(described(genome))
        return found

    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


def test_trees_grow_to_the_size_asked_for() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    variation, rng = Variation(primitives), np.random.default_rng(0)
    kind = primitives.start[ON_STEP]
    for size in range(1, 16):
        for _ in range(20):
            assert primitives.tree_size(variation.grow(kind, size, rng)) == size


def test_a_size_that_no_derivation_has_becomes_the_next_smaller(typed: Grammar) -> None:
    # drive: 1, 3, 5, ... nodes
    primitives = GrammarPrimitives(typed)
    variation, rng = Variation(primitives), np.random.default_rng(0)
    for size, expected in ((1, 1), (2, 1), (3, 3), (4, 3), (8, 7)):
        assert primitives.tree_size(variation.grow(primitives.types["drive"], size, rng)) == expected


def test_every_leaf_and_operator_is_drawn() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    variation, rng = Variation(primitives), np.random.default_rng(0)
    drawn = {
        "constant" if isinstance(node, ConstantTerminal) else node.name
        for _ in range(300)
        for tree in variation.random_genome(7, rng)
        for node in tree or ()
    }
    assert drawn == {*primitives.productions, "constant"}


def genome_of(primitives: GrammarPrimitives, text: str) -> Genome:
    return primitives.genome({ON_STEP: parse_expression(text)}, {})


def test_removing_a_node_gives_one_of_its_arguments() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    variation, rng = Variation(primitives), np.random.default_rng(0)
    found = set()
    for _ in range(50):
        child = variation.remove_node(genome_of(primitives, "x*tanh(y)"), rng)
        assert child is not None
        found.add(str(primitives.skeleton(child).slots[ON_STEP].nodes))
    expected = {str(parse_expression(text).nodes) for text in ("x", "tanh(y)", "x*y")}
    assert found == expected
    assert variation.remove_node(genome_of(primitives, "x"), rng) is None


def test_removing_a_function_leaves_its_argument_and_the_arithmetic() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    variation, rng = Variation(primitives), np.random.default_rng(0)
    found = set()
    for _ in range(50):
        child = variation.remove_function(genome_of(primitives, "abs(x)*tanh(y - w)"), rng)
        assert child is not None
        found.add(primitives.skeleton(child).slots[ON_STEP])
    assert found == {parse_expression(text) for text in ("x*tanh(y - w)", "abs(x)*(y - w)")}
    assert variation.remove_function(genome_of(primitives, "x*y**2"), rng) is None


def test_moving_a_constant_needs_one() -> None:
    primitives = GrammarPrimitives(load_grammar("rate"))
    variation, rng = Variation(primitives), np.random.default_rng(0)
    assert variation.move_constant(genome_of(primitives, "x*y"), rng) is None
    moved = [variation.move_constant(genome_of(primitives, "1.5*x"), rng) for _ in range(50)]
    values = [primitives.skeleton(genome).values[0] for genome in moved if genome is not None]
    assert len(values) == 50
    assert len(set(values)) > 20
    assert min(values) < 0.0 < max(values)


def test_crossover_without_a_common_type_gives_nothing(typed: Grammar) -> None:
    primitives = GrammarPrimitives(typed)
    gate, drive = primitives.types["gate"], primitives.types["drive"]
    variation, rng = Variation(primitives), np.random.default_rng(0)
    gates = Genome((gp.PrimitiveTree(variation.grow(gate, 3, rng)), None), {})
    drives = Genome((gp.PrimitiveTree(variation.grow(drive, 3, rng)), None), {})
    assert variation.crossover(gates, drives, rng) is None


def test_items_are_picked_evenly() -> None:
    rng = np.random.default_rng(0)
    counts = np.bincount([pick([0, 1, 2], rng) for _ in range(3000)])
    assert counts.min() > 900


def test_a_constant_may_stand_beside_others_in_a_production(sums: Grammar) -> None:
    primitives = GrammarPrimitives(sums)
    variation, rng = Variation(primitives), np.random.default_rng(0)
    genome = genome_of(primitives, "x*(y - 0.25)")
    skeleton = primitives.skeleton(genome)
    assert skeleton.slots[ON_STEP] == parse_expression("x*(y - c1)")
    assert skeleton.values == (0.25,)
    sizes = set()
    for _ in range(300):
        # Nine nodes are more than the grammar allows.
        grown = variation.random_genome(9, rng)
        assert well_formed(primitives, grown)
        genome = variation.mutate(genome, rng) or grown
        assert well_formed(primitives, genome)
        sizes.add(primitives.size(genome))
    assert sizes == {1, 3, 5}
