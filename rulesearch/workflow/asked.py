"""What a search was asked for by a template and by words: which forms of its rules a clean-up may write."""

from __future__ import annotations

from collections.abc import Mapping

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import OPERATORS, Operator
from rulesearch.expression.tree import Number
from rulesearch.grammar.words import forbidden_words, required_words
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.search.problem import Problem
from rulesearch.symbolic import canonical_size, simplify
from rulesearch.workflow.experiment import Experiment


class Asked:
    """Judges forms of rules by the template and the words of a search, which its grammar has in it.

    A form that computes something else must be derived by that grammar as it is written, and so must any form where
    there is a template. Else one that computes the same may be written in any way that has the required words and no
    forbidden one.
    """

    def __init__(self, experiment: Experiment, problem: Problem) -> None:
        grammar = problem.grammar
        self._primitives = problem.primitives
        self._named = grammar.named
        self._searched = frozenset(grammar.rules)
        self._kinds = frozenset(grammar.constants)
        self._in_form = experiment.template is not None
        self._required = tuple(required_words(grammar, experiment.require))
        self._forbidden = tuple(forbidden_words(experiment.forbid))

    @staticmethod
    def of(experiment: Experiment, problem: Problem) -> Asked | None:
        """Return what a search was asked for; None where that is nothing."""
        if experiment.template is None and not experiment.require and not experiment.forbid:
            return None
        return Asked(experiment, problem)

    def derives(self, rules: RuleSet) -> bool:
        """Return whether the grammar derives rules as they are written, with constants of any values."""
        try:
            self._primitives.genome_of(rules)
        except RulesearchError:
            return False
        return True

    def writes(self, rules: RuleSet) -> bool:
        """Return whether rules have the form of the template, all required words, and no forbidden ones."""
        if self._in_form and not self.derives(rules):
            return False
        words = self._words(rules)
        return not any(
            word in found for word, rule in self._forbidden for (name, _), found in words.items() if rule in ("", name)
        ) and all(word in words.get((place.rule, place.slot), ()) for word, place in self._required)

    def needs(self, rules: RuleSet) -> bool:
        """Return whether the required symbols and functions do something in rules: their shortest form has them too.

        Operators such as `/` may go there without a change of what a rule computes.
        """
        words = self._words(simplify(rules).simplified)
        return all(
            word in words.get((place.rule, place.slot), ())
            for word, place in self._required
            if word not in OPERATORS or not OPERATORS[word].infix
        )

    def _words(self, rules: RuleSet) -> Mapping[tuple[str, str], set[str]]:
        """Return the symbols, operators and functions in each slot, and all kinds of constants where one stands."""
        own = {name: rule for name, rule in rules.rules.items() if name in self._searched}
        named = self._named(RuleSet(own or rules.rules))
        return {
            (name, slot): set().union(*(self._words_of(node, rule) for node in part.nodes))
            for name, rule in named.items()
            for slot, part in rule.slots.items()
        }

    def _words_of(self, node: Operator | Number | str, rule: Rule) -> frozenset[str]:
        if isinstance(node, Operator):
            return frozenset((node.name,))
        is_constant = isinstance(node, Number) or node in rule.constants
        return self._kinds if is_constant else frozenset((str(node),))


def shortest(rules: RuleSet, asked: Asked | None) -> tuple[RuleSet, tuple[str, ...]]:
    """Return the shortest form of rules that may be written, and what was done; the rules where that is none.

    **Arguments:** `asked`: None where a search was free.
    """
    found = simplify(rules)
    return (found.simplified, tuple(found.steps)) if asked is None or asked.writes(found.simplified) else (rules, ())


def size_on_front(rules: RuleSet, asked: Asked | None) -> int:
    """Return the canonical size of rules; where their form is asked for, that of the form in which they are written.

    **Arguments:** `asked`: None where a search was free.
    """
    return canonical_size(rules) if asked is None else rules.size
