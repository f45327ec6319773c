"""What a grammar is made of: symbols, kinds of constants, productions, limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Node, Number
from rulesearch.expression.units import PURE, UNITS, from_base
from rulesearch.rules.states import PAIRINGS
from rulesearch.wording import counted

PRIORS = ("uniform", "log-uniform", "normal")

_SCHEME = f"(?:{'|'.join(PAIRINGS)})"
_LAST_ARGUMENT = re.compile(
    rf"(?P<before>.*,\s*)(?P<name>(?!{_SCHEME}\b)[A-Za-z_]\w*)(?P<behind>\s*(?:,\s*{_SCHEME}\s*)?\)\s*)"
)
"""The definition of a state whose last argument but the scheme is a name."""


def last_argument(definition: str) -> str:
    """Return the name that stands in place of the time constant of a definition; empty where none does."""
    split = _LAST_ARGUMENT.fullmatch(definition)
    return split["name"] if split is not None else ""


def with_last_argument(definition: str, text: str) -> str:
    """Return a definition with a text in place of the name that stands for its time constant; others as they are."""
    split = _LAST_ARGUMENT.fullmatch(definition)
    return definition if split is None else f"{split['before']}{text}{split['behind']}"


@dataclass(frozen=True, slots=True)
class GrammarSymbol:
    """What a rule may read.

    **Fields:** `meaning`; `unit` (empty: a pure number); `latex`; `definition`: text of the state that the name
    stands for, such as `lowpass(x, 100)`; empty where the task provides it. In place of its time constant may stand
    a constant kind, `trace(pre, tau)`: then that is searched, one value for the symbol.
    """

    meaning: str
    unit: str
    latex: str
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ConstantPrior:
    """Where the constants of one kind are drawn from.

    **Fields:** `low` and `high` in base units (s, mV, nS, pA, Hz); `prior`: `uniform`, `log-uniform`, or
    `normal` (mean at the middle of the range, standard deviation a quarter of its width, redrawn outside of it);
    `unit` in which values are written.
    """

    low: float
    high: float
    prior: str
    unit: str

    def sample(self, rng: np.random.Generator) -> float:
        """Return one value, in base units."""
        if self.prior == "log-uniform":
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return self.nearest(value)
        if self.prior == "uniform":
            return float(rng.uniform(self.low, self.high))
        while True:
            value = float(rng.normal((self.low + self.high) / 2, (self.high - self.low) / 4))
            if self.low <= value <= self.high:
                return value

    def share(self, value: float) -> float:
        """Return where a value lies in the range, from 0 to 1; in logarithms, of a value above 0, where log-uniform."""
        if self.prior == "log-uniform":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, share: float) -> float:
        """Return the value at a share of the range: the inverse of `share`."""
        if self.prior == "log-uniform":
            return self.nearest(self.low * math.pow(self.high / self.low, share))
        return self.low + share * (self.high - self.low)

    def nearest(self, value: float) -> float:
        """Return the value of the range that is nearest to a given one."""
        return min(max(value, self.low), self.high)

    def takes(self, unit: str) -> bool:
        """Return whether a number written in a unit can be such a constant; one without a unit may take any."""
        return not unit or UNITS[unit][1] == (UNITS[self.unit][1] if self.unit else PURE)

    def text(self) -> str:
        """Return the prior in words, such as `uniform in [-2, 2]`."""
        digits = (from_base(self.low, self.unit), from_base(self.high, self.unit))
        return f"{self.prior} in [{', '.join(digits)}]" + (f" {self.unit}" if self.unit else "")


@dataclass(frozen=True, slots=True)
class Production:
    """One way to write a non-terminal: `rate -> rate + rate`.

    **Fields:** `result`: the non-terminal; `template`: at most one operator over symbols, constant kinds, fixed numbers
    and non-terminals (no node at all: the slot stays empty); `children`: its non-terminals, in order; `sets`: the names
    of the sets of values that it was written with.
    """

    result: str
    template: Expression
    children: tuple[str, ...]
    sets: tuple[str, ...] = field(default=(), compare=False)

    @property
    def text(self) -> str:
        """The template as text; empty for the empty production."""
        return to_text(self.template) if self.template.nodes else ""

    @property
    def is_empty(self) -> bool:
        """Whether the slot stays empty."""
        return not self.template.nodes

    @property
    def is_unit(self) -> bool:
        """Whether the production only passes on to another non-terminal."""
        return len(self.children) == 1 == self.template.size

    @property
    def own_size(self) -> int:
        """Nodes of the template without its non-terminals."""
        return self.template.size - len(self.children)

    def fill(self, children: Sequence[Expression]) -> Expression:
        """Return the template with its non-terminals replaced, in order."""
        nodes: list[Node] = []
        following = iter(children)
        for node in self.template.nodes:
            if isinstance(node, str) and node in self.children:
                nodes.extend(next(following).nodes)
            else:
                nodes.append(node)
        return Expression(tuple(nodes))


def values_text(values: Sequence[Number]) -> str:
    """Return a set of values in words, such as `one of 1, 2, 3`."""
    unit = f" {values[0].unit}" if values[0].unit else ""
    return f"one of {', '.join(from_base(number.value, number.unit) for number in values)}{unit}"


def reachable(
    starts: Iterable[str], productions: Mapping[str, tuple[Production, ...]]
) -> dict[str, tuple[Production, ...]]:
    """Return the productions of the non-terminals that some of them lead to."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [child for production in productions[name] for child in production.children]
    return {name: made for name, made in productions.items() if name in found}


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a candidate may be: `size` in nodes over all slots of all rules, `rule_size` in nodes over all slots
    of one rule, None where only `size` limits it, `depth` in levels of each slot, which engine pysr alone keeps to."""

    size: int
    depth: int
    rule_size: int | None = None

    @property
    def text(self) -> str:
        """The limits in words."""
        of_a_rule = "" if self.rule_size is None else f", {counted(self.rule_size, 'node')} of each rule"
        return f"{counted(self.size, 'node')}{of_a_rule}; with engine pysr {self.depth} levels"

    @property
    def of_a_rule(self) -> int:
        """Nodes of one rule at most."""
        return self.size if self.rule_size is None else min(self.size, self.rule_size)
