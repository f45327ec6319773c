"""Candidates: genomes with what the search knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression.fingerprint import fingerprint
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.search.primitives import Genome, GrammarPrimitives
from rulesearch.tasks.task import Requirement


@dataclass(slots=True, eq=False)
class Candidate:
    """A genome under evaluation.

    **Fields:** `rules`: what it says; `key`: numeric fingerprint; `size`: nodes as evolved; `constants`: values
    in order of appearance, then time constants [s] that are searched; `origin` and `parents`: how it came about;
    `screen` and `full`: outcomes at the cheapest and at the full fidelity, None until evaluated; `born`: generation;
    `fitted`: whether its constants were fitted; `cell`: where it lies for survival, once that was asked.
    """

    genome: Genome
    rules: RuleSet
    key: str
    size: int
    constants: tuple[float, ...]
    origin: str
    parents: tuple[str, ...] = ()
    screen: Outcome | None = None
    full: Outcome | None = None
    born: int = 0
    fitted: bool = False
    rank: tuple[float, float] = field(default=(float("inf"), float("inf")))
    cell: tuple[float, ...] | None = None

    def score(self, requirements: Sequence[Requirement]) -> None:
        """Set the rank from the screening outcome."""
        if self.screen is not None:
            self.rank = self.screen.rank_key(requirements)

    @property
    def form(self) -> tuple[tuple[str, Expression], ...]:
        """What the rule is without the values of its constants and time constants."""
        return tuple(self.rules.only().slots.items())

    @property
    def alive(self) -> bool:
        """Whether the screening simulation ran to its end."""
        return self.screen is not None and self.screen.ok


def nests_a_function(expression: Expression) -> bool:
    """Return whether a function such as tanh stands anywhere inside itself."""
    names = [node.name for node in expression.nodes if isinstance(node, Operator) and not node.infix]
    if len(names) == len(set(names)):
        return False
    open_functions: list[tuple[str, int]] = []
    for index, node in enumerate(expression.nodes):
        open_functions = [item for item in open_functions if item[1] > index]
        if isinstance(node, Operator) and not node.infix:
            if any(name == node.name for name, _ in open_functions):
                return True
            open_functions.append((node.name, expression.subtree_end(index)))
    return False


class CandidateMaker:
    """Turns genomes into candidates, and counts them in `made`."""

    def __init__(self, primitives: GrammarPrimitives) -> None:
        self.primitives = primitives
        self.grammar = primitives.grammar
        self.made = 0

    def make(self, genome: Genome, origin: str, parents: tuple[str, ...] = (), born: int = 0) -> Candidate:
        """Return the candidate of a genome."""
        self.made += 1
        skeleton = self.primitives.skeleton(genome)
        names = [f"{self.primitives.prefix}{index + 1}" for index in range(len(skeleton.values))]
        values = dict(zip(names, skeleton.values, strict=True))
        constants = {
            name: Number(value, self.primitives.grammar.constants[kind].unit)
            for (name, value), kind in zip(values.items(), skeleton.kinds, strict=True)
        }
        states = self.grammar.states_read(skeleton.slots, skeleton.times)
        rules = RuleSet.single(Rule(skeleton.slots, None, states, constants))
        size = sum(expression.size for expression in skeleton.slots.values())
        drawn = {name: f"{name}@{tau:.9g}" for name, tau in skeleton.times.items()}
        key = fingerprint(skeleton.slots, values, drawn)
        parameters = (*skeleton.values, *skeleton.times.values())
        return Candidate(genome, rules, key, size, parameters, origin, parents, born=born)
