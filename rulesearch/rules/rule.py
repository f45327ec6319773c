"""A plasticity rule of one synapse type, and sets of rules that act together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.expression.fingerprint import fingerprint
from rulesearch.expression.printing import multiple_latex, number_latex, to_latex, with_joined_signs
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import dimension_of
from rulesearch.given import named, real_number
from rulesearch.rules.kinds import check_members, check_parts
from rulesearch.rules.latex_names import member_symbols, of_member, slot_latex
from rulesearch.rules.states import SLOTS, VOCABULARY, Lowpass, State, Synaptic, expressions_of, reached
from rulesearch.rules.written import written


@dataclass(frozen=True, slots=True)
class Rule:
    """How one synapse type changes: in each slot the weight moves by eta times the slot's expression.

    **Fields:** `slots`: expression by slot (`on_pre`, `on_post`, `drift` [1/s], `on_step`; empty slots are
    absent); `eta`: learning rate, None for the task's default; `states` and `constants` by name (constants in
    base units); `bounds` of w, None for the task's.
    """

    slots: Mapping[str, Expression]
    eta: float | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    constants: Mapping[str, Number] = field(default_factory=dict)
    bounds: tuple[float, float] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_parts(self.slots, self.eta, self.states, self.constants, self.bounds)
        for slot in self.slots:
            _check_slot(slot)
        for name, state in self.states.items():
            # Elsewhere such a name stands for what comes in from outside, and that would be lost without a word.
            if isinstance(state, Lowpass) and name in VOCABULARY and name in state.expression.symbols:
                raise RulesearchError(
                    f"{name} would be a low-pass of itself; give it a name of its own, such as {name}_slow"
                )

    @property
    def size(self) -> int:
        """Nodes over all slots as written; eta does not count, a constant counts 1."""
        return sum(expression.size for expression in self.slots.values())

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every name that slots and states read, constants left out."""
        nodes = [node for expression in self.expressions() for node in expression.nodes]
        return tuple(dict.fromkeys(node for node in nodes if isinstance(node, str) and node not in self.constants))

    @property
    def moved_by_spikes(self) -> bool:
        """Whether spikes change the weight."""
        return "on_pre" in self.slots or "on_post" in self.slots

    @property
    def is_still(self) -> bool:
        """Whether every slot says, as it is written, that the weight never changes."""
        zero = Expression.number(0.0)
        return all(expression == zero for expression in self.slots.values())

    @property
    def read(self) -> tuple[str, ...]:
        """Every name that the slots read, constants too, and what the states among them read."""
        return reached((name for part in self.slots.values() for name in part.symbols), self.states)

    @property
    def unread(self) -> tuple[str, ...]:
        """The states and constants that are declared but not read."""
        read = self.read
        return tuple(name for name in (*self.states, *self.constants) if name not in read)

    def without_unread(self) -> Rule:
        """Return the rule without the constants and states that it does not read."""
        read = self.read
        constants = {name: number for name, number in self.constants.items() if name in read}
        return replace(
            self, constants=constants, states={name: state for name, state in self.states.items() if name in read}
        )

    def expressions(self) -> tuple[Expression, ...]:
        """Return all expressions: of the slots, the low-passes and the synaptic states."""
        return (*self.slots.values(), *(part for state in self.states.values() for part in expressions_of(state)))

    def constant_values(self) -> dict[str, float]:
        """Return the value of each constant in base units."""
        return {name: number.value for name, number in self.constants.items()}

    def change(self, slot: str = "on_step", **values: Any) -> Any:
        """Return eta times what a slot gives, 0 where it is empty; eta is 1 where the rule has none.

        **Arguments:** `values`: numbers or arrays for the symbols that the slot reads. Others are passed over: a
        function that scores rules gives all that any of them may read.
        **Raises:** `RulesearchError` where one is missing or no number, or there is no such slot.
        """
        _check_slot(slot)
        if slot not in self.slots:
            return 0.0
        given = {**self.constant_values(), **values}
        read = self.slots[slot].symbols
        missing = [name for name in read if name not in given]
        if missing:
            others = [name for name in values if name not in read]
            beside = f"; nothing reads {', '.join(others)}" if others else ""
            raise RulesearchError(f"{slot} reads {', '.join(missing)}; give a value: change({missing[0]}=1.0){beside}")
        try:
            with np.errstate(all="ignore"):
                return (1.0 if self.eta is None else self.eta) * np.asarray(self.slots[slot].evaluate(given))
        except (TypeError, ValueError):
            told = ", ".join(f"{name} = {shown(given[name])}" for name in read)
            raise RulesearchError(
                f"{slot} needs numbers, or arrays of one shape, for what it reads; found {told}"
            ) from None

    def with_constants(self, values: Mapping[str, float]) -> Self:
        """Return the rule with other values for some of its constants, in base units; units stay.

        **Raises:** `RulesearchError` for a constant that there is not, or a value that is no number.
        """
        given = named(values, "constants", "{'c': 0.5}")
        for name in given:
            if name not in self.constants:
                raise RulesearchError(f"the rule has no constant {name!r}{did_you_mean(name, self.constants)}")
        constants = {
            name: Number(real_number(given.get(name, number.value), f"the constant {name}"), number.unit)
            for name, number in self.constants.items()
        }
        return replace(self, constants=constants)

    def renamed(self, names: Mapping[str, str]) -> Rule:
        """Return the rule with other names for some of its symbols and states; constants keep theirs."""
        others = named(names, "names", "{'x': 'x_bar'}")
        leaves = {name: Expression.symbol(other) for name, other in others.items()}
        states: dict[str, State] = {}
        for name, state in self.states.items():
            if isinstance(state, Lowpass):
                state = replace(state, expression=state.expression.substitute(leaves))
            elif isinstance(state, Synaptic):
                state = replace(state, slots={slot: part.substitute(leaves) for slot, part in state.slots.items()})
            states[names.get(name, name)] = state
        slots = {slot: part.substitute(leaves) for slot, part in self.slots.items()}
        return replace(self, slots=slots, states=states)

    def fingerprint(self) -> str:
        """Return the numeric fingerprint of what the slots compute; eta is left out."""
        return fingerprint(self.slots, self.constant_values())

    def check_units(self, units: Mapping[str, str] | None = None, where: str = "rule") -> None:
        """Refuse expressions that add or compare different units.

        **Arguments:** `units` of symbols; by default those of the common vocabulary.
        **Raises:** `RulesearchError`.
        """
        known = dict(units) if units is not None else {name: unit for name, (_, unit) in VOCABULARY.items()}
        known = {name: unit for name, unit in known.items() if name not in self.states}
        values = {name: Expression((number,)) for name, number in self.constants.items()}

        def check(part: Expression, place: str) -> None:
            dimension_of(part.substitute(values), known, f"{where}, {place}")

        for slot, expression in self.slots.items():
            check(expression, f"slot {slot}")
        for name, state in self.states.items():
            if isinstance(state, Lowpass):
                check(state.expression, f"state {name}")
            elif isinstance(state, Synaptic):
                for slot, expression in state.slots.items():
                    check(expression, f"state {name}, slot {slot}")

    def latex(self, digits: int | None = None, with_values: bool = False) -> str:
        r"""Return LaTeX of the slots, joined by `\\`: `\Delta w = \eta\,...`, `\dot{w} = \eta\,...` for drift.

        **Arguments:** `with_values`: write the constants' values in place of their names.
        """
        return r" \\ ".join(f"{left} = {right}" for left, right in self.latex_equations(digits, with_values))

    def latex_equations(
        self, digits: int | None = None, with_values: bool = False, member: str = ""
    ) -> list[tuple[str, str]]:
        """Return left and right hand sides in LaTeX, one pair per slot.

        **Arguments:** `member`: the rule's name in a set, which its weight, learning rate and constants then carry.
        """
        equations = []
        eta, names = of_member(r"\eta", member), member_symbols(self.constants, member)
        for slot in SLOTS:
            if slot not in self.slots:
                continue
            expression = self.slots[slot]
            if with_values:
                values = {name: Expression((number,)) for name, number in self.constants.items()}
                expression = with_joined_signs(expression.substitute(values))
            body = to_latex(expression, names, digits)
            simple = isinstance(expression.head, str) or (
                not isinstance(expression.head, Number) and expression.head.name not in ("add", "sub", "neg")
            )
            if body.startswith("-"):
                simple = False
            whole = rf"{eta}\,{body}" if simple else rf"{eta}\left({body}\right)"
            equations.append((slot_latex(slot, member), multiple_latex(eta, expression) or whole))
        return equations

    def limits_latex(self, member: str = "") -> str:
        r"""Return learning rate and bounds, as far as the rule gives them: `\eta = 0.01,\quad 0 \le w \le 1`.

        **Arguments:** `member`: the rule's name in a set.
        """
        eta = of_member(r"\eta", member)
        parts = [] if self.eta is None else [f"{eta} = {number_latex(self.eta)}"]
        low, high = self.bounds or (-math.inf, math.inf)
        left = rf"{number_latex(low)} \le " if math.isfinite(low) else ""
        right = rf" \le {number_latex(high)}" if math.isfinite(high) else ""
        return r",\quad ".join([*parts, *[f"{left}{of_member('w', member)}{right}"] * bool(left or right)])

    def _repr_latex_(self) -> str | None:
        return _formula(_joined(self.latex(with_values=True, digits=4), self.limits_latex()))

    def __str__(self) -> str:
        return written(self.slots, self.eta, self.constants, self.states, self.bounds)


def _check_slot(slot: str) -> None:
    if slot not in SLOTS:
        raise RulesearchError(f"unknown slot {slot!r}{did_you_mean(slot, SLOTS)}")


_LONGEST_SHOWN = 4000


def _formula(latex: str) -> str | None:
    """Return LaTeX for a notebook; None, so that the text is shown, where it would hold up the browser."""
    return f"$\\begin{{aligned}}{latex}\\end{{aligned}}$" if len(latex) <= _LONGEST_SHOWN else None


def _joined(*lines: str) -> str:
    return r" \\ ".join(filter(None, lines))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that act together, by the name of their projection; a single rule is a set of one named `w`.

    **Fields:** `given`: names of the rules that a search holds fixed: they act, but are not changed and do not count in
    the size.
    """

    rules: Mapping[str, Rule]
    name: str = ""
    given: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_members(self.rules, Rule)

    @staticmethod
    def single(rule: Rule) -> RuleSet:
        """Return the set that holds one rule, named `w`."""
        return RuleSet({"w": rule}, rule.name)

    @property
    def searched(self) -> dict[str, Rule]:
        """The rules that are not given, by name."""
        return {name: rule for name, rule in self.rules.items() if name not in self.given}

    @property
    def held(self) -> RuleSet | None:
        """The rules that are given; None where there are none."""
        return RuleSet({name: self.rules[name] for name in self.rules if name in self.given}) if self.given else None

    @property
    def size(self) -> int:
        """Nodes over all rules that are not given."""
        return sum(rule.size for rule in self.searched.values())

    def with_rules(self, rules: Mapping[str, Rule]) -> RuleSet:
        """Return the set with other rules in place of some of its own."""
        return replace(self, rules={**self.rules, **rules})

    def with_given(self, given: RuleSet, order: Sequence[str]) -> RuleSet:
        """Return the set with rules beside its own that are held fixed, all in a given order."""
        rules = {**given.rules, **self.rules}
        return replace(self, rules={name: rules[name] for name in order}, given=frozenset(given.rules))

    def under(self, given: RuleSet | None) -> RuleSet:
        """Return the set with those that are held fixed in place of its own rules of their names; None: as it is."""
        if given is None:
            return self
        return replace(self.with_rules(given.rules), given=frozenset(given.rules))

    def only(self) -> Rule:
        """Return the one rule of a set of one.

        **Raises:** `RulesearchError` where there are several.
        """
        if len(self.rules) != 1:
            raise RulesearchError(
                f"expected one rule, found a set of {len(self.rules)}: {', '.join(self.rules)}; one rule of a run "
                f"or of a known set is named so: RUN:1[{next(iter(self.rules), 'w')}]"
            )
        return next(iter(self.rules.values()))

    def latex(self, digits: int | None = None, with_values: bool = False) -> str:
        """Return LaTeX of all rules; `with_values`: the constants' values in place of their names."""
        if len(self.rules) == 1:
            return self.only().latex(digits, with_values)
        lines = []
        for name, rule in self.rules.items():
            lines += [f"{left} = {right}" for left, right in rule.latex_equations(digits, with_values, name)]
        return r" \\ ".join(lines)

    def _repr_latex_(self) -> str | None:
        several = len(self.rules) > 1
        limits = [rule.limits_latex(name if several else "") for name, rule in self.rules.items()]
        return _formula(_joined(self.latex(with_values=True, digits=4), *limits))

    def __str__(self) -> str:
        if list(self.rules) == ["w"]:
            return str(self.rules["w"])
        return "; ".join(f"{name}[{rule}]" for name, rule in self.rules.items())
