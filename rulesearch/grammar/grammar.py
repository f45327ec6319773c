"""A grammar: which symbols, constants and operators a rule may use, and how they may be put together.

A derivation of one slot is an `Expression` whose constant leaves are the names of constant kinds; a candidate
is one derivation for each slot of each rule that is filled; of every rule at least one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import FUNCTIONS, Operator
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.expression.units import UNITS
from rulesearch.grammar.parts import (
    ConstantPrior,
    GrammarSymbol,
    Limits,
    Production,
    last_argument,
    values_text,
    with_last_argument,
)
from rulesearch.grammar.slots import ONE, RuleName, RuleSlot, names_of, slots_by_rule
from rulesearch.rules.names import other_rules
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, VOCABULARY, State, Synaptic, reached
from rulesearch.rules.text import parse_state


@dataclass(frozen=True, eq=False)
class Grammar:
    """A set of productions and what their leaves mean; made by `load_grammar`, which checks it.

    **Fields:** `name`; `description`; `symbols` and `constants` by name; `slots`: start symbol by (rule, slot);
    `productions` by non-terminal, as written, with each value of a set in its place; `limits`; `sets`: the values of
    the constants that may have these only, by name.
    """

    name: str
    description: str
    symbols: dict[str, GrammarSymbol]
    constants: dict[str, ConstantPrior]
    slots: dict[RuleSlot, str]
    productions: dict[str, tuple[Production, ...]]
    limits: Limits
    sets: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)

    @cached_property
    def _expanded(self) -> dict[str, tuple[Production, ...]]:
        return {name: self._expand(name) for name in self.productions}

    def _expand(self, nonterminal: str) -> tuple[Production, ...]:
        found: dict[Expression, Production] = {}
        passed = {nonterminal}
        waiting = list(reversed(self.productions[nonterminal]))
        while waiting:
            production = waiting.pop()
            if production.is_unit:
                child = production.children[0]
                if child not in passed:
                    passed.add(child)
                    waiting.extend(reversed(self.productions[child]))
            elif not production.is_empty:
                lifted = Production(nonterminal, production.template, production.children)
                found.setdefault(production.template, lifted)
        return tuple(found.values())

    def expanded(self, nonterminal: str) -> tuple[Production, ...]:
        """Return the productions of a non-terminal with `A -> B` replaced by all of B's; none empty, none twice."""
        return self._expanded[nonterminal]

    @cached_property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules, in order; one named `w` where there is one table `[slots]`."""
        return tuple(dict.fromkeys(place.rule for place in self.slots))

    @property
    def is_of_one_table(self) -> bool:
        """Whether one table `[slots]` serves a task with one rule, whatever its name."""
        return self.rules == (ONE,)

    def slots_of(self, rule: str) -> tuple[RuleSlot, ...]:
        """Return the slots of one rule, in order."""
        return tuple(place for place in self.slots if place.rule == rule)

    def label(self, place: RuleSlot) -> str:
        """Return a slot in words: `on_pre`, with the rule's name before it where rules have names."""
        return place.slot if self.is_of_one_table else f"{place.rule} {place.slot}"

    def core(self, start: str) -> str:
        """Return what a start symbol stands for that only says whether a slot may be empty; any other is itself."""
        filled = [production for production in self.productions[start] if not production.is_empty]
        return self.core(filled[0].children[0]) if len(filled) == 1 and filled[0].is_unit else start

    def free_name(self, name: str) -> str:
        """Return a name that nothing in the grammar has: the given one, or with underscores behind it."""
        while name in self.symbols or name in self.constants or name in self.productions:
            name += "_"
        return name

    def place(self, rule: str, slot: str) -> RuleSlot:
        """Return the key of a slot of a rule; raises `RulesearchError` where the grammar has no such slot."""
        own = self.slots_of(rule)
        if RuleSlot(rule, slot) not in own:
            of = "" if self.is_of_one_table else f" of {rule}"
            raise RulesearchError(
                f"grammar {self.name} has no slot {slot}{of}; it has {', '.join(place.slot for place in own)}"
            )
        return RuleSlot(rule, slot)

    def named(self, rules: RuleSet) -> Mapping[str, Rule]:
        """Return rules by the grammar's names: one rule without a name is its only one.

        **Raises:** `RulesearchError` for a rule that the grammar does not have.
        """
        if len(self.rules) == 1 and len(rules.rules) == 1:
            return {self.rules[0]: rules.only()}
        for name in rules.rules:
            if name not in self.rules:
                raise RulesearchError(f"grammar {self.name} has {other_rules(rules.rules, self.rules)}")
        return {name: rules.rules[name] for name in self.rules if name in rules.rules}

    def for_rules(self, names: Sequence[str]) -> Grammar:
        """Return the grammar with its rules in a given order; that of one table takes the name of the only rule.

        **Arguments:** `names`: those of the grammar's rules, or one name for a grammar of one table.
        """
        if self.is_of_one_table and len(names) == 1 and names[0] != ONE:
            return replace(self, slots={RuleSlot(names[0], slot): start for (_, slot), start in self.slots.items()})
        ordered = {place: self.slots[place] for rule in names for place in self.slots_of(rule)}
        return self if list(ordered) == list(self.slots) else replace(self, slots=ordered)

    @property
    def optional_slots(self) -> tuple[RuleSlot, ...]:
        """The slots that may stay empty."""
        optional = {name for name, several in self.productions.items() if any(each.is_empty for each in several)}
        return tuple(place for place, start in self.slots.items() if start in optional)

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of the operators used, in order of appearance; `A**2` is `square`."""
        found: dict[str, None] = {}
        for productions in self.productions.values():
            for production in productions:
                head = production.template.nodes[0] if production.template.nodes else None
                if isinstance(head, Operator):
                    square = head.name == "pow" and production.template.nodes[-1] == Number(2.0)
                    found["square" if square else head.name] = None
        return tuple(found)

    @cached_property
    def time_constants(self) -> dict[str, str]:
        """Constant kind of the time constant by symbol, for the states whose time constant is searched."""
        named = {name: last_argument(symbol.definition) for name, symbol in self.symbols.items()}
        return {name: kind for name, kind in named.items() if kind in self.constants}

    @cached_property
    def taus(self) -> dict[str, tuple[float, float]]:
        """Between what the time constants of traces are searched, by trace [s]."""
        priors = {name: self.constants[kind] for name, kind in self.time_constants.items()}
        return {name: (prior.low, prior.high) for name, prior in priors.items()}

    @cached_property
    def interchangeable(self) -> dict[str, tuple[str, ...]]:
        """Symbols that differ by their names alone, as their time constants are searched: each with all of its kind."""
        groups: dict[str, list[str]] = {}
        for name in self.time_constants:
            groups.setdefault(self.symbols[name].definition, []).append(name)
        return {name: tuple(group) for group in groups.values() if len(group) > 1 for name in group}

    def state(self, name: str) -> State:
        """Return the state that a symbol's definition says, a searched time constant at the middle of its prior.

        **Raises:** `ParseError`.
        """
        definition = self.symbols[name].definition
        if name in self.time_constants:
            middle = float(self.constants[self.time_constants[name]].at(0.5))
            definition = with_last_argument(definition, f"{middle!r} s")
        return parse_state(definition)

    @cached_property
    def _defined(self) -> dict[str, State]:
        return {name: self.state(name) for name, symbol in self.symbols.items() if symbol.definition}

    def states(self, times: Mapping[str, float] | None = None) -> dict[str, State]:
        """Return the state of each symbol that has a definition, so that a found rule can be printed complete.

        **Arguments:** `times`: time constants [s] of symbols whose time constant is searched; the middle of the prior
        holds for the others.
        """
        if not times:
            return dict(self._defined)
        return {
            name: replace(state, tau=times[name]) if name in times and not isinstance(state, Synaptic) else state
            for name, state in self._defined.items()
        }

    def states_read(
        self, slots: Mapping[str, Expression], times: Mapping[str, float] | None = None
    ) -> dict[str, State]:
        """Return the states that slots of one rule read, also through other states; `times` as of `states`."""
        read = reached((name for part in slots.values() for name in part.symbols), self._defined)
        return {name: state for name, state in self.states(times).items() if name in read}

    def name_constants(
        self, slots: Mapping[RuleSlot, Expression]
    ) -> tuple[dict[RuleSlot, Expression], dict[RuleName, str]]:
        """Give each constant of a candidate a name of its own in its rule: `c1`, `c2`, ..., in order of writing.

        A rule of a set then reads as it would alone. A name that means something else is passed over.
        **Returns:** the slots with the names in place of the kinds, and the kind by (rule, name).
        """
        taken = {*self.symbols, *self.constants, *self.productions, *VOCABULARY, *FUNCTIONS, *UNITS, *SLOTS}
        named: dict[RuleSlot, Expression] = {}
        kinds: dict[RuleName, str] = {}
        numbers = dict.fromkeys((place.rule for place in slots), 0)
        for place in sorted(slots, key=lambda place: (list(numbers).index(place.rule), SLOTS.index(place.slot))):
            nodes: list[Node] = []
            for node in slots[place].nodes:
                if not isinstance(node, str) or node not in self.constants:
                    nodes.append(node)
                    continue
                numbers[place.rule] += 1
                while f"c{numbers[place.rule]}" in taken:
                    numbers[place.rule] += 1
                name = f"c{numbers[place.rule]}"
                kinds[RuleName(place.rule, name)] = node
                nodes.append(name)
            named[place] = Expression(tuple(nodes))
        return named, kinds

    def rule_set(
        self,
        slots: Mapping[RuleSlot, Expression],
        constants: Mapping[RuleName, Number],
        times: Mapping[RuleName, float],
    ) -> RuleSet:
        """Return a candidate as rules with the states that they read.

        **Arguments:** `slots`, whose constants bear the names of `constants`; `times`: searched time constants [s].
        """
        return RuleSet(
            {
                rule: Rule(own, None, self.states_read(own, names_of(rule, times)), names_of(rule, constants))
                for rule, own in slots_by_rule(slots).items()
            }
        )

    def text(self) -> str:
        """Return the grammar for reading: one line per slot, constant kind and non-terminal."""
        lines = [f"{self.label(place)} starts from {start}" for place, start in self.slots.items()]
        lines += [f"{kind}: constant, {prior.text()}" for kind, prior in self.constants.items()]
        lines += [f"{kind}: constant, {values_text(values)}" for kind, values in self.sets.items()]
        lines += [
            f"{name} -> {' | '.join(production.text or '(empty)' for production in productions)}"
            for name, productions in self.productions.items()
        ]
        return "\n".join([*lines, f"at most {self.limits.text}"])
