"""Candidates: genomes with what the search knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rulesearch.evaluation.outcome import Outcome
from rulesearch.expression.fingerprint import fingerprint, joined
from rulesearch.expression.operators import Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.fitting.form import TAU
from rulesearch.grammar import RuleName, RuleSlot, names_of
from rulesearch.grammar.parts import ConstantPrior
from rulesearch.rules.rule import RuleSet
from rulesearch.search.genome import Genome, Skeleton
from rulesearch.search.primitives import GrammarPrimitives
from rulesearch.tasks.declaration import Requirement

_GENERIC = 0.618
UNSCREENED = Outcome("unscreened", None)
"""The outcome of what was not evaluated yet: it has no loss, and did not run to its end."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A genome under evaluation.

    **Fields:** `rules`: what it says, with the rules that are held fixed; `key`: numeric fingerprint and `size`: nodes
    as evolved, of the rules that are searched; `constants`: their values in order of appearance, rule by rule, then
    time constants [s] that are searched; `origin` and `parents`: how it came about;
    `screen` and `full`: outcomes at the cheapest and at the full fidelity, `UNSCREENED` until evaluated; `known`: the
    one by which it is ranked;
    `born`: generation; `fitted`: whether its constants were fitted; `cell`: where it lies for survival, once that was
    asked; `form`: what the rules that are searched are without the values of their constants and time constants.
    """

    genome: Genome
    rules: RuleSet
    key: str
    size: int
    constants: tuple[float, ...]
    origin: str
    parents: tuple[str, ...] = ()
    screen: Outcome = UNSCREENED
    full: Outcome = UNSCREENED
    known: Outcome = UNSCREENED
    born: int = 0
    fitted: bool = False
    rank: tuple[float, float] = field(default=(float("inf"), float("inf")))
    cell: tuple[float, ...] | None = None
    form: tuple[tuple[RuleSlot, Expression], ...] = ()

    def score(self, requirements: Sequence[Requirement], known: Outcome | None = None) -> None:
        """Set the rank, from the screening outcome or from another one that is `known`."""
        self.known = self.screen if known is None else known
        self.rank, self.cell = self.known.rank_key(requirements), None

    @property
    def alive(self) -> bool:
        """Whether the screening simulation ran to its end."""
        return self.screen.ok


def nests_functions(candidate: Candidate) -> bool:
    """Return whether a rule that is searched has a function such as tanh inside itself."""
    return any(nests_a_function(expression) for _, expression in candidate.form)


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
    """Turns genomes into candidates, and counts them in `made`.

    **Arguments:** `given`: rules that are held fixed beside those searched; `order` of all of them; `structures`:
    whether numbers are fitted, so that keys are those of structures: constants of a kind all the same, time constants
    no matter, and traces that only differ by their names called in the order in which they appear.
    """

    def __init__(
        self,
        primitives: GrammarPrimitives,
        given: RuleSet | None = None,
        order: Sequence[str] = (),
        structures: bool = False,
    ) -> None:
        self.primitives = primitives
        self.alike = primitives.grammar.interchangeable if structures else None
        self.given = given
        self.order = order
        self.grammar = primitives.grammar
        self.made = 0

    def make(self, genome: Genome, origin: str, parents: tuple[str, ...] = (), born: int = 0) -> Candidate:
        """Return the candidate of a genome."""
        self.made += 1
        skeleton = self.primitives.skeleton(genome)
        searched = self._searched(skeleton)
        if self.alike is None:
            keys = {
                name: fingerprint(rule.slots, rule.constant_values(), _drawn(name, skeleton.times))
                for name, rule in searched.rules.items()
            }
        else:
            generic = {name: self._generic(kind) for name, kind in zip(skeleton.names, skeleton.kinds, strict=True)}
            keys = {
                name: fingerprint(_renamed(rule.slots, self.alike), names_of(name, generic), {})
                for name, rule in searched.rules.items()
            }
        size = sum(expression.size for expression in skeleton.slots.values())
        parameters = (*skeleton.values, *skeleton.times.values())
        rules = searched if self.given is None else searched.with_given(self.given, self.order)
        form = tuple(skeleton.slots.items())
        return Candidate(genome, rules, joined(keys), size, parameters, origin, parents, born=born, form=form)

    def with_numbers(self, candidate: Candidate, numbers: Sequence[float]) -> None:
        """Give a candidate numbers that were fitted: its constants, its time constants [s], and learning rates."""
        count = len(self.grammar.rules)
        values, rates = tuple(numbers[:-count]), numbers[-count:]
        genome = self.primitives.with_values(candidate.genome, values)
        searched = self._searched(self.primitives.skeleton(genome))
        pairs = zip(searched.rules.items(), rates, strict=True)
        rules = searched.with_rules({name: replace(rule, eta=eta) for (name, rule), eta in pairs})
        candidate.genome, candidate.constants, candidate.fitted = genome, values, True
        candidate.rules = rules if self.given is None else rules.with_given(self.given, self.order)

    def priors(self, candidate: Candidate) -> tuple[tuple[str, ConstantPrior], ...]:
        """Return within what each number of a candidate is searched, by name."""
        skeleton = self.primitives.skeleton(candidate.genome)
        named = [*((key, "") for key in skeleton.names), *((key, TAU) for key in skeleton.times)]
        several = len(candidate.rules.rules) > 1
        names = [f"{key.rule}.{kind}{key.name}" if several else f"{kind}{key.name}" for key, kind in named]
        kinds = self.primitives.parameter_kinds(skeleton)
        return tuple((name, self.grammar.constants[kind]) for name, kind in zip(names, kinds, strict=True))

    def _generic(self, kind: str) -> float:
        """Return a value of a kind that no computation meets by chance."""
        return self.grammar.constants[kind].at(_GENERIC)

    def _searched(self, skeleton: Skeleton) -> RuleSet:
        constants = {
            name: Number(value, self.grammar.constants[kind].unit)
            for name, value, kind in zip(skeleton.names, skeleton.values, skeleton.kinds, strict=True)
        }
        return self.grammar.rule_set(skeleton.slots, constants, skeleton.times)


def _renamed(slots: Mapping[str, Expression], alike: Mapping[str, Sequence[str]]) -> dict[str, Expression]:
    """Return expressions in which symbols that only differ by their names are called in the order of appearance."""
    names: dict[str, str] = {}
    taken: dict[tuple[str, ...], int] = {}
    for slot in sorted(slots):
        for node in slots[slot].nodes:
            if isinstance(node, str) and node in alike and node not in names:
                group = tuple(alike[node])
                names[node] = group[taken.get(group, 0)]
                taken[group] = taken.get(group, 0) + 1
    called = {name: Expression.symbol(other) for name, other in names.items() if name != other}
    return {slot: part.substitute(called) for slot, part in slots.items()} if called else dict(slots)


def _drawn(rule: str, times: Mapping[RuleName, float]) -> dict[str, str]:
    """Return the names under which points are drawn for symbols whose time constant is searched."""
    return {name: f"{name}@{tau:.9g}" for name, tau in names_of(rule, times).items()}
