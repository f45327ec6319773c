"""How sure and how fast the symbolic side is, on random rules.

    python experiments/benchmarks/symbolic.py --rules 10000
    python experiments/benchmarks/symbolic.py --rewrites 1000 --perturbations 1000

`--rules`: random rules of 1 to 31 nodes over all operators, with named constants, states and several slots. Each is
printed and read again, and simplified; the simplified rule is compared with the original at 100 random points, within
1e-9 of the largest value that the original computes there. `--rewrites`: a rule against itself after 1 to 8 random
algebraic rewrites (commuting, associating, distributing, factoring, splitting and renaming constants, rescaling).
`--perturbations`: a rule against itself with one operator, symbol or number changed, where arithmetic of 50 digits
says that the two differ.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from rulesearch.expression.operators import FUNCTIONS, OPERATORS, Operator
from rulesearch.expression.rounding import traced
from rulesearch.expression.tree import Expression, Number
from rulesearch.rules import Rule, RuleSet, parse_rules
from rulesearch.rules.states import Lowpass, State, Synaptic, Trace
from rulesearch.symbolic import compare, simplify
from rulesearch.symbolic.agreement import TOLERANCE

SYMBOLS = ("w", "x", "y", "w", "x", "y", "x2", "R")
NUMBERS = (0.0, 1.0, 2.0, -1.0, 0.5, 3.0)
UNARY = tuple(name for name, row in OPERATORS.items() if row.arity == 1)
BINARY = ("add", "sub", "mul", "add", "sub", "mul", "div", "pow", "min", "max")
POINTS = 100
DIGITS = 50

Randomness = np.random.Generator


def random_tree(size: int, names: tuple[str, ...], generator: Randomness) -> Expression:
    """Return a random tree of about `size` nodes."""
    if size <= 1:
        if generator.random() < 0.75:
            return Expression.symbol(str(generator.choice(names)))
        if generator.random() < 0.7:
            return Expression.number(float(generator.choice(NUMBERS)))
        return Expression.number(float(f"{generator.normal() * 10 ** generator.uniform(-2, 2):.3g}"))
    if size == 2 or generator.random() < 0.2:
        return Expression.apply(str(generator.choice(UNARY)), random_tree(size - 1, names, generator))
    left = int(generator.integers(1, size - 1))
    name = str(generator.choice(BINARY))
    if name == "pow" and generator.random() < 0.7:
        power = Expression.number(float(generator.choice((2.0, 3.0, -1.0, 0.5, 1.5))))
        return Expression.apply("pow", random_tree(size - 2, names, generator), power)
    return Expression.apply(name, random_tree(left, names, generator), random_tree(size - 1 - left, names, generator))


def random_rule(largest: int, generator: Randomness) -> Rule:
    """Return a random rule of up to `largest` nodes, with named constants and, now and then, states."""
    values = {f"c{n}": float(f"{generator.normal():.3g}") or 1.0 for n in range(1, 1 + int(generator.integers(0, 4)))}
    states: dict[str, State] = {}
    spikes = generator.random() < 0.4
    if spikes:
        states = {"x": Trace("pre", 0.02), "y": Trace("post", 0.03, bool(generator.random() < 0.3))}
    if generator.random() < 0.15:
        states["theta"] = Lowpass(random_tree(int(generator.integers(1, 6)), ("y",), generator), 2.0)
    if spikes and generator.random() < 0.15:
        states["E"] = Synaptic({"on_post": random_tree(int(generator.integers(1, 6)), ("x", "w"), generator)}, 1.0)
    names = (*SYMBOLS, *values, *(name for name in states if name not in SYMBOLS))
    slots = ["on_step"]
    if spikes:
        kept = generator.random(3) < 0.5
        slots = [slot for slot, keep in zip(("on_pre", "on_post", "drift"), kept, strict=True) if keep] or ["on_pre"]
    size = int(generator.integers(1, largest + 1))
    share = max(1, size // len(slots))
    trees = {slot: random_tree(share, names, generator) for slot in slots}
    constants = {name: Number(value) for name, value in values.items()}
    read = {name for tree in trees.values() for name in tree.symbols}
    used = {name: state for name, state in states.items() if name in read}
    return Rule(trees, None, used, {name: each for name, each in constants.items() if name in read})


def random_points(rule: Rule, generator: Randomness) -> dict[str, Any]:
    """Return values of all that a rule reads, from small to large, of both signs."""
    names = dict.fromkeys(name for each in rule.expressions() for name in each.symbols)
    values: dict[str, Any] = {}
    for name in names:
        near = generator.uniform(-2.0, 2.0, POINTS)
        far = generator.choice((-1.0, 1.0), POINTS) * 10.0 ** generator.uniform(-3.0, 3.0, POINTS)
        values[name] = np.where(generator.random(POINTS) < 0.7, near, far)
    return values | rule.constant_values()


def try_rules(count: int, generator: Randomness) -> dict[str, Any]:
    """Print, read, and simplify random rules; return how many failed, and how long simplifying took."""
    seconds: list[float] = []
    wrong: Counter[str] = Counter()
    examples: list[str] = []
    compared = smaller = 0
    for _ in range(count):
        rule = random_rule(31, generator)
        rules = RuleSet.single(rule)
        if parse_rules(str(rules)) != rules:
            wrong["read back otherwise"] += 1
            examples.append(str(rules))
        begin = time.perf_counter()
        found = simplify(rules)
        seconds.append(time.perf_counter() - begin)
        smaller += found.size_after < found.size_before
        if found.size_after > found.size_before:
            wrong["grew"] += 1
            examples.append(f"{rules}  ->  {found.simplified}")
        after = found.simplified.only()
        points = random_points(rule, generator)
        for slot, expression in rule.slots.items():
            expected, size = traced(expression, points)
            other = after.slots.get(slot, Expression.number(0))
            given, _ = traced(other, {**points, **after.constant_values()})
            valid = np.isfinite(expected) & np.isfinite(given) & np.isfinite(size)
            compared += int(valid.sum())
            with np.errstate(all="ignore"):
                far = np.abs(given - expected) > TOLERANCE * size
            if np.any(far[valid]):
                wrong["not equal"] += 1
                examples.append(f"{rules}  ->  {found.simplified}")
    return {
        "rules": count,
        "read_back_otherwise": wrong["read back otherwise"],
        "grew": wrong["grew"],
        "not_equal": wrong["not equal"],
        "points_compared": compared,
        "made_smaller": smaller,
        "median_ms": 1e3 * statistics.median(seconds),
        "longest_ms": 1e3 * max(seconds),
        "wrong_rules": examples[:9],
    }


def rewritten(expression: Expression, generator: Randomness) -> Expression:
    """Return an equal expression, with one rewrite at a random place where one applies."""
    places = list(range(len(expression.nodes)))
    generator.shuffle(places)
    for place in places:
        end = expression.subtree_end(place)
        part = Expression(expression.nodes[place:end])
        options = [option for option in _rewrites(part, generator) if option.depth <= 20]
        if options:
            chosen = options[int(generator.integers(len(options)))]
            return Expression(expression.nodes[:place] + chosen.nodes + expression.nodes[end:])
    return expression


def _rewrites(part: Expression, generator: Randomness) -> list[Expression]:
    """Return expressions that equal one wherever it is defined."""
    make, number = Expression.apply, Expression.number
    head = part.head
    if not isinstance(head, Operator):
        found = [make("mul", part, number(1.0)), make("add", part, number(0.0)), make("neg", make("neg", part))]
        if isinstance(head, Number) and head.value:
            split = float(f"{generator.uniform(0.2, 0.8) * head.value:.3g}")
            found += [make("add", number(split), number(head.value - split))]
        return found
    name, arguments = head.name, part.arguments
    found = [make(name, *reversed(arguments))] if head.commutes else []
    first, second = arguments[0], arguments[-1]
    if name == "sub":
        found += [make("neg", make("sub", second, first)), make("add", first, make("neg", second))]
    if name == "neg":
        found += [make("mul", number(-1.0), first), make("sub", number(0.0), first)]
    if name in ("add", "mul") and _is(first, name):
        found.append(make(name, first.arguments[0], make(name, first.arguments[1], second)))
    if name == "mul":
        for one, other in ((first, second), (second, first)):
            if _is(other, "add") or _is(other, "sub"):
                assert isinstance(other.head, Operator)
                found.append(make(other.head.name, *(make("mul", one, each) for each in other.arguments)))
        if first == second:
            found.append(make("pow", first, number(2.0)))
    if name == "div":
        found.append(make("mul", first, make("div", number(1.0), second)))
        if _is(first, "add") or _is(first, "sub"):
            assert isinstance(first.head, Operator)
            found.append(make(first.head.name, *(make("div", each, second) for each in first.arguments)))
    if name == "pow" and second == number(2.0):
        found.append(make("mul", first, first))
    if name in ("add", "sub") and _is(first, "mul") and _is(second, "mul"):
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if first.arguments[a] == second.arguments[b]:
                found.append(
                    make("mul", first.arguments[a], make(name, first.arguments[1 - a], second.arguments[1 - b]))
                )
    if name == "relu":
        found.append(make("max", first, number(0.0)))
    return found


def _is(expression: Expression, name: str) -> bool:
    return isinstance(expression.head, Operator) and expression.head.name == name


def try_rewrites(count: int, generator: Randomness) -> dict[str, Any]:
    """Compare rules with rewritten ones; return the verdicts."""
    verdicts: Counter[str] = Counter()
    missed: list[str] = []
    for _ in range(count):
        rule = _interesting(21, generator)
        scale = float(f"{10 ** generator.uniform(-1, 1):.3g}") if generator.random() < 0.3 else 1.0
        slots = {}
        for slot, expression in rule.slots.items():
            other = expression
            for _ in range(int(generator.integers(1, 9))):
                other = rewritten(other, generator)
            slots[slot] = other if scale == 1.0 else Expression.apply("mul", Expression.number(scale), other)
        names = {name: f"k{n}" for n, name in enumerate(reversed(list(rule.constants)))}
        leaves = {name: Expression.symbol(other) for name, other in names.items()}
        renamed = replace(
            rule,
            slots={slot: expression.substitute(leaves) for slot, expression in slots.items()},
            constants={names[name]: each for name, each in rule.constants.items()},
            states={name: _renamed(state, leaves) for name, state in rule.states.items()},
        )
        found = compare(RuleSet.single(renamed), [RuleSet.single(rule)])[0]
        good = found.verdict in ("identical", "equal") or (
            found.verdict == "equal-up-to-scale" and abs((found.scale or 0.0) / scale - 1.0) < 1e-6
        )
        verdicts[found.verdict if good else f"missed: {found.verdict}"] += 1
        if not good:
            missed.append(f"{rule}  |  {renamed}  |  {found.verdict} {found.scale}")
    share = sum(number for verdict, number in verdicts.items() if not verdict.startswith("missed")) / count
    return {"rewrites": count, "recognised_share": share, "verdicts": dict(verdicts), "missed_rewrites": missed[:5]}


def _renamed(state: State, leaves: dict[str, Expression]) -> State:
    if isinstance(state, Lowpass):
        return replace(state, expression=state.expression.substitute(leaves))
    if isinstance(state, Synaptic):
        return replace(state, slots={slot: each.substitute(leaves) for slot, each in state.slots.items()})
    return state


def _interesting(largest: int, generator: Randomness) -> Rule:
    """Return a random rule whose slots and states are finite somewhere and no constants."""
    while True:
        rule = random_rule(largest, generator)
        points = random_points(rule, generator)
        # A low-pass of 0 is 0: then the rule says less than it seems.
        values = [traced(expression, points)[0] for expression in rule.expressions()]
        if all(np.isfinite(each).sum() > POINTS // 3 and np.nanstd(each[np.isfinite(each)]) > 0 for each in values):
            return rule


def perturbed(rule: Rule, generator: Randomness) -> Rule:
    """Return the rule with one operator, symbol or number changed."""
    slot = str(generator.choice(list(rule.slots)))
    nodes = list(rule.slots[slot].nodes)
    place = int(generator.integers(len(nodes)))
    node = nodes[place]
    if isinstance(node, Operator):
        others = [each for each in OPERATORS.values() if each.arity == node.arity and each is not node]
        nodes[place] = others[int(generator.integers(len(others)))]
    elif isinstance(node, Number):
        nodes[place] = Number(_changed(node.value, generator))
    elif node in rule.constants:
        constants = {**rule.constants, node: Number(_changed(rule.constants[node].value, generator))}
        return replace(rule, constants=constants)
    else:
        names = [name for name in ("w", "x", "y") if name != node]
        nodes[place] = str(generator.choice(names))
    return replace(rule, slots={**rule.slots, slot: Expression(tuple(nodes))})


def _changed(value: float, generator: Randomness) -> float:
    return value * float(generator.choice((0.9, 1.001, 1.1, 2.0, -1.0))) if value else 1.0


def _sign(value: Any) -> Any:
    return mpmath.mpf((value > 0) - (value < 0))


_PRECISE: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "abs": abs,
    "tanh": mpmath.tanh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "min": min,
    "max": max,
    "step": lambda a: mpmath.mpf(a > 0),
    "relu": lambda a: max(a, mpmath.mpf(0)),
    "sign": _sign,
}
assert set(FUNCTIONS) <= set(_PRECISE)


def precise(expression: Expression, values: dict[str, Any]) -> tuple[Any, Any] | None:
    """Return the value of an expression to 50 digits and its largest intermediate value; None where undefined."""
    largest = mpmath.mpf(0)

    def leaf(node: str | Number) -> Any:
        return mpmath.mpf(values[node] if isinstance(node, str) else node.value)

    def branch(node: Operator, *arguments: Any) -> Any:
        nonlocal largest
        value = _PRECISE[node.name](*arguments)
        if not (isinstance(value, mpmath.mpf) and mpmath.isfinite(value)) or abs(value) > 1e300:
            raise ArithmeticError
        largest = max(largest, abs(value), *map(abs, arguments))
        return value

    try:
        value = expression.fold(leaf, branch)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return value, max(largest, abs(value))


def differ(ours: Rule, theirs: Rule, scale: float, generator: Randomness) -> bool:
    """Say whether `ours` and `scale` times `theirs` certainly differ: by more than 1e-8 of all that is computed."""
    points = random_points(ours, generator) | random_points(theirs, generator)
    with mpmath.workdps(DIGITS):
        for slot in {**ours.slots, **theirs.slots}:
            first, second = (rule.slots.get(slot, Expression.number(0)) for rule in (ours, theirs))
            for k in range(POINTS):
                at = {name: float(np.ravel(each)[k % np.size(each)]) for name, each in points.items()}
                a = precise(first, {**at, **ours.constant_values()})
                b = precise(second, {**at, **theirs.constant_values()})
                if a is not None and b is not None:
                    size = max(a[1], scale * b[1])
                    if abs(a[0] - scale * b[0]) > 1e-8 * size:
                        return True
    return False


def try_perturbations(count: int, generator: Randomness) -> dict[str, Any]:
    """Compare rules with perturbed ones that certainly differ; return how many were called equal."""
    verdicts: Counter[str] = Counter()
    false: list[str] = []
    while sum(verdicts.values()) < count:
        rule = _interesting(21, generator)
        other = perturbed(rule, generator)
        if not differ(other, rule, 1.0, generator):
            continue
        found = compare(RuleSet.single(other), [RuleSet.single(rule)])[0]
        verdicts[found.verdict] += 1
        scaled = found.verdict == "equal-up-to-scale" and found.scale is not None
        if found.verdict in ("identical", "equal") or (scaled and differ(other, rule, found.scale or 1.0, generator)):
            false.append(f"{rule}  |  {other}  |  {found.verdict} {found.scale}")
    return {"perturbations": count, "false_equals": len(false), "verdicts": dict(verdicts), "falsely_equal": false[:5]}


def main() -> None:
    """Run what was asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=0, metavar="N")
    parser.add_argument("--rewrites", type=int, default=0, metavar="N")
    parser.add_argument("--perturbations", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for number, trial in enumerate((try_rules, try_rewrites, try_perturbations)):
        count = (options.rules, options.rewrites, options.perturbations)[number]
        if count:
            figures |= trial(count, np.random.default_rng(np.random.SeedSequence([options.seed, number])))
            if not options.json:
                print(json.dumps(figures, indent=2), flush=True)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
