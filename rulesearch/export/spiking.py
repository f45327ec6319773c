"""What exports to simulators of spiking networks share: the states of a rule, names that clash, what is refused."""

from __future__ import annotations

import keyword
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from rulesearch.errors import RulesearchError
from rulesearch.export.placing import Placed
from rulesearch.export.python_code import citations, equal_known, titled
from rulesearch.expression.operators import FUNCTION, Language, Operator
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SUMS, Lowpass, State, Synaptic, Trace, customary_traces

Written = TypeVar("Written")

SIGNALS = ("R", "R_bar", "R_bar_plus", "R_bar_minus", "v_target")
"""Symbols of the vocabulary that one value for all synapses may hold."""

_OF_CPP = """
    auto bool break case catch char class const constexpr continue default delete do double else enum explicit extern
    false float for friend goto if inline int long mutable namespace new nullptr operator private protected public
    register return short signed sizeof static struct switch template this throw true try typedef typename union
    unsigned using virtual void volatile while
"""
RESERVED = frozenset((*keyword.kwlist, *_OF_CPP.split()))
"""Keywords of Python and C++, the languages that simulators read or write."""


class SpikingExport(ABC):
    """The synapses of one rule, as text of a simulator.

    **Class fields:** `simulator`: its name for people; `taken`: names that mean something else there; `language` of its
    functions; `of_neuron`: how a symbol of the postsynaptic neuron is read; `second`: its name of
    that time; `over`: how it is divided by.
    **Raises:** `RulesearchError` for what the simulator cannot express, by name.
    """

    simulator: ClassVar[str]
    taken: ClassVar[frozenset[str]]
    language: ClassVar[Language]
    of_neuron: ClassVar[Mapping[str, str]]
    second: ClassVar[str]
    over: ClassVar[str]

    def __init__(self, rule: Rule, inhibits: bool = False) -> None:
        self.rule = rule
        self.inhibits = inhibits
        self.states: dict[str, State] = {
            **customary_traces(name for name in rule.symbols if name not in rule.states),
            **rule.states,
        }
        if not ({"on_pre", "on_post", "drift"} & set(rule.slots) or rule.states):
            raise RulesearchError(
                f"the rule changes weights in steps of a rate network, which has no spikes for {self.simulator} to "
                "send; export it with --format python"
            )
        self._check()

    def _check(self) -> None:
        known = {"w", *self.of_neuron, *SIGNALS, *self.states, *self.rule.constants}
        for name in self.rule.symbols:
            if name in SUMS:
                raise RulesearchError(
                    f"{self.simulator} has no sum over a neuron's synapses at each spike; the rule reads {name}"
                )
            if name not in known:
                raise RulesearchError(
                    f"the rule reads {name}, which it does not define; declare it for {self.simulator}"
                )
        for name, state in self.states.items():
            if isinstance(state, Lowpass) and state.in_steps:
                raise RulesearchError(
                    f"the low-pass {name} counts steps; give its time constant a unit for {self.simulator}, or export "
                    "the rule with --format python"
                )

    def clashes(self, name: str) -> bool:
        """Return whether a name of the rule must be changed."""
        return name in self.taken or name.endswith("_of_rule")

    def name(self, name: str) -> str:
        """Return a name of the rule as the simulator may read it; two names never become one."""
        return f"{name}{'_of_rule' * (1 + name.endswith('_of_rule'))}" if self.clashes(name) else name

    def tau(self, name: str) -> str:
        """Return the name of a state's time constant."""
        wanted = f"tau_{self.name(name)}"
        return f"{wanted}_of_rule" if wanted in {*self.rule.constants, *self.states} else wanted

    def is_signal(self, name: str) -> bool:
        """Return whether a symbol is one value for all synapses that the user sets."""
        return name in SIGNALS and name not in self.states and name not in self.rule.constants

    def number(self, value: float) -> str:
        """Return the text of a number."""
        return repr(value) if value >= 0 else f"({value!r})"

    def source(self, expression: Expression) -> str:
        """Return the text of an expression."""

        def leaf(node: str | Number) -> str:
            if isinstance(node, Number):
                return self.number(node.value)
            if node in self.of_neuron and node not in self.states and node not in self.rule.constants:
                return f"({self.of_neuron[node]})"
            return self.name(node)

        def branch(row: Operator, *parts: str) -> str:
            if row.precedence == FUNCTION:
                return f"({row.written[self.language].format(*parts)})"
            return f"(-{parts[0]})" if row.arity == 1 else f"({parts[0]} {row.infix} {parts[1]})"

        text: str = expression.fold(leaf, branch)
        return text

    def motion(self, name: str) -> str:
        """Return the time derivative of a state as text, empty for one that only spikes change."""
        state, own, over = self.states[name], self.name(name), self.over
        tau = "" if state.tau is None else self.tau(name)
        if isinstance(state, Lowpass):
            return f"({self.source(state.expression)} - {own}){over}{tau}"
        if isinstance(state, Synaptic) and "drift" in state.slots:
            decay = f" - {own}{over}{tau}" if tau else ""
            return f"{self.source(state.slots['drift'])}{over}{self.second}{decay}"
        return f"-{own}{over}{tau}" if tau else ""

    def event(self, slot: str) -> list[str]:
        """Return what happens at a spike, line by line: synaptic states, then the weight, then traces."""
        lines = [f"{self.name(name)} += {self.source(each)}" for name, each in self._readers_first(slot).items()]
        if slot in self.rule.slots:
            lines.append(f"w = {self.changed(self.source(self.rule.slots[slot]))}")
        for name, state in self.states.items():
            if isinstance(state, Trace) and slot == f"on_{state.side}":
                lines.append(f"{self.name(name)} {'=' if state.nearest else '+='} 1.0")
            elif isinstance(state, Trace) and state.resets and slot in ("on_pre", "on_post"):
                lines.append(f"{self.name(name)} = 0.0")
        return lines

    def _readers_first(self, slot: str) -> dict[str, Expression]:
        """Return what moves synaptic states at a spike, each before those that it reads, as if all moved at once."""
        waiting = {
            name: state.slots[slot]
            for name, state in self.states.items()
            if isinstance(state, Synaptic) and slot in state.slots
        }
        ordered: dict[str, Expression] = {}
        while waiting:
            free = [n for n in waiting if not any(n in other.symbols for key, other in waiting.items() if key != n)]
            if not free:
                raise RulesearchError(
                    f"{' and '.join(waiting)} read each other in {slot}, and {self.simulator} moves one after the "
                    "other; export the rule with --format python"
                )
            ordered[free[0]] = waiting.pop(free[0])
        return ordered

    @abstractmethod
    def changed(self, slot: str) -> str:
        """Return the weight after a change by eta times what a slot gives, within its bounds."""


def written_by_rule(rules: RuleSet, write: Callable[[str, Rule], Written]) -> list[Written]:
    """Return what is written of each rule.

    **Raises:** `RulesearchError` for what the simulator cannot express; of a set it names the rule, and says how the
    others go out.
    """
    found: dict[str, Written] = {}
    refused: dict[str, RulesearchError] = {}
    for name, rule in rules.rules.items():
        try:
            found[name] = write(name, rule)
        except RulesearchError as error:
            refused[name] = error
    for name, why in refused.items():
        if len(rules.rules) == 1:
            raise why
        hint = f"; {', '.join(found)} can go out alone, such as RUN:1[{next(iter(found))}]" if found else ""
        raise RulesearchError(f"rule {name}: {why}{hint}")
    return list(found.values())


def described(ready: Placed, simulator: str, *more: str) -> str:
    """Return what the head of a file says: what it is, the rule, its sources, its synapses and more, each wrapped."""
    parts = [str(ready.rules), *citations(ready.rules), *_signs(ready), *more]
    title = _plain(titled(ready.rules, f" in {simulator}", ready.note))
    return "\n\n".join([title, *(textwrap.fill(_plain(part), 100) for part in parts)])


def _signs(ready: Placed) -> list[str]:
    """Return a sentence on inhibition, also where a rule that is known for it goes out on excitatory synapses."""
    if ready.inhibition:
        return [ready.inhibition]
    found = equal_known(ready.rules)
    if found is None or not found[1].inhibitory:
        return []
    return [f"These synapses excite; {found[1].title} is a rule of inhibitory ones (export with --inhibitory)."]


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")
