"""Keys of rules: equal for rules with the same normal form, or with the same terms up to coefficients."""

from __future__ import annotations

from rulesearch.expression.tree import Expression
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS, Lowpass, Trace
from rulesearch.symbolic.holes import Holes, hole_text
from rulesearch.symbolic.normal_form import NormalForm
from rulesearch.symbolic.polynomial import Monomial, Polynomial


def canonical_key(rules: RuleSet) -> str:
    """Return a text that is the same for rules with the same normal form.

    Slots and the states they read count, by their definitions; eta, bounds and the names of constants and of
    declared states do not.
    """
    return "; ".join(f"{name}[{_rule_key(rule, exact=True)}]" for name, rule in sorted(rules.rules.items()))


def family_key(rules: RuleSet, within_bounds: bool = False) -> str:
    """Return a text that is the same for rules with the same terms, whatever their coefficients and time constants.

    **Arguments:** `within_bounds`: traces, and weights whose lower bound says so, are known not to be negative.
    """
    return "; ".join(
        f"{name}[{_rule_key(rule, False, never_negative(rule) if within_bounds else frozenset())}]"
        for name, rule in sorted(rules.rules.items())
    )


def never_negative(rule: Rule) -> frozenset[str]:
    """Return what a rule reads that cannot be below 0: traces, and weights where the bounds say so."""
    traces = {name for name, state in rule.states.items() if isinstance(state, Trace)}
    weights = ("w", "w_mean", "w_sum") if rule.bounds is not None and rule.bounds[0] >= 0.0 else ()
    return frozenset(traces | set(weights))


def _rule_key(rule: Rule, exact: bool, nonnegative: frozenset[str] = frozenset()) -> str:
    writer = _KeyWriter(rule, exact, nonnegative)
    pieces = ((slot, writer.text(rule.slots[slot], ())) for slot in SLOTS if slot in rule.slots)
    return "; ".join(f"{slot}: {text}" for slot, text in pieces if text not in ("0", ""))


class _KeyWriter:
    def __init__(self, rule: Rule, exact: bool, nonnegative: frozenset[str]) -> None:
        self.rule = rule
        self.exact = exact
        traces = {self._definition(name, ()) for name in nonnegative if isinstance(rule.states.get(name), Trace)}
        self.algebra = NormalForm(rule.constant_values(), nonnegative | traces)
        self.holes = Holes(self.algebra)

    def text(self, expression: Expression, inside: tuple[str, ...]) -> str:
        """Return an expression's terms, with states replaced by their definitions.

        **Arguments:** `inside`: the states whose definition is being written (these keep their names).
        """
        definitions = {
            name: Expression.symbol(name if name in inside else self._definition(name, (*inside, name)))
            for name in expression.symbols
            if name in self.rule.states
        }
        whole = expression.substitute(definitions)
        terms = self.algebra.of(whole)
        text = self.algebra.text(terms) if self.exact else shape(self.algebra, terms)
        return text + hole_text(self.holes.of(whole))

    def _definition(self, name: str, inside: tuple[str, ...]) -> str:
        state = self.rule.states[name]
        if isinstance(state, Trace):
            kind = f"trace {state.side} {state.pairing}"
        elif isinstance(state, Lowpass):
            kind = f"lowpass {self.text(state.expression, inside)}{' steps' if state.in_steps and self.exact else ''}"
        else:
            slots = (f"{slot}: {self.text(state.slots[slot], inside)}" for slot in SLOTS if slot in state.slots)
            kind = f"synaptic {name} {'; '.join(slots)}"
        return f"[{kind} {state.tau:.10g}]" if self.exact and state.tau is not None else f"[{kind}]"


def shape(algebra: NormalForm, terms: Polynomial) -> str:
    """Return the monomials of a sum as text, without coefficients, also inside functions."""
    return " + ".join(sorted(monomial_shape(algebra, monomial) for monomial in terms))


def monomial_shape(algebra: NormalForm, monomial: Monomial) -> str:
    """Return a monomial as text, without the coefficients inside its functions."""
    factors = []
    for name, exponent in monomial:
        atom = algebra.atoms.get(name)
        inner = name
        if atom is not None and atom.expression is None:
            inner = f"{atom.kind}({', '.join(shape(algebra, argument) for argument in atom.arguments)})"
        factors.append(f"{inner}**{exponent}")
    return "*".join(sorted(factors)) or "1"


def inner_numbers(algebra: NormalForm, monomial: Monomial) -> list[float]:
    """Return the coefficients inside the functions of a monomial, in the order of its shape."""
    entries: list[tuple[str, list[float]]] = []
    for name, exponent in monomial:
        atom = algebra.atoms.get(name)
        if atom is None:
            continue
        numbers: list[float] = []
        for argument in atom.arguments:
            for inner in sorted(argument, key=lambda each: monomial_shape(algebra, each)):
                numbers.append(argument[inner][0])
                numbers += inner_numbers(algebra, inner)
        entries.append((f"{monomial_shape(algebra, ((name, 1),))}**{exponent}", numbers))
    return [number for _, numbers in sorted(entries, key=lambda entry: entry[0]) for number in numbers]
