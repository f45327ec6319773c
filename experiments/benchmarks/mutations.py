"""Whether the checks of the known rules see every constant and every term of them.

    python experiments/benchmarks/mutations.py --jobs 2
    python experiments/benchmarks/mutations.py --rules triplet,oja --seeds 1

Every known rule is changed in one place at a time: a constant, a number, the learning rate doubled, halved or of the
other sign (exponents keep theirs), a time constant or a bound doubled or halved, the bounds taken away, a trace of all
spikes or of nearest ones instead of the other, a term (a summand at any depth of a slot, a low-pass or a synaptic
state) taken out or negated. A mutant dies at the first check whose number it misses; the cheapest check comes first.
Mutants that are equal in theory are listed in the rule's file with the reason, must survive, and do not count. The
unmutated rules must pass, controls included, on every seed of `--seeds`; mutants are run on the first of them. Ends
with 1 where a rule fails, a mutant that is said to be equal dies, or fewer than 90 % of the others die.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace

import numpy as np

from rulesearch.checks import measure, run_check
from rulesearch.errors import RulesearchError
from rulesearch.expression.operators import Operator
from rulesearch.expression.printing import to_text
from rulesearch.expression.tree import Expression, Number
from rulesearch.expression.units import format_number
from rulesearch.rules import Check, KnownRule, Rule, RuleSet, known_rule, known_rules
from rulesearch.rules.states import Lowpass, State, Synaptic, Trace

_SCALES = {"* 2": 2.0, "/ 2": 0.5}
_CHANGES = {**_SCALES, "sign": -1.0}
_SUMS = ("add", "sub", "neg")
_WANTED = 0.9

Change = tuple[str, Expression]
"""What was changed, and the expression after it."""


def mutants(rules: RuleSet) -> dict[str, RuleSet]:
    """Return every mutant of rules by its name, such as `A_plus * 2`, `tau of x / 2` or `on_step: w*y out`."""
    found: dict[str, RuleSet] = {}
    for member, rule in rules.rules.items():
        prefix = "" if len(rules.rules) == 1 else f"{member}, "
        for change, mutant in _of_rule(rule):
            name, number = f"{prefix}{change}", 1
            while name in found:
                number += 1
                name = f"{prefix}{change} #{number}"
            found[name] = RuleSet({**rules.rules, member: mutant}, rules.name)
    return found


def _of_rule(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for name, number in rule.constants.items():
        for change, factor in _CHANGES.items():
            yield f"{name} {change}", rule.with_constants({name: factor * number.value})
    if rule.eta is not None:
        for change, factor in _CHANGES.items():
            yield f"eta {change}", replace(rule, eta=factor * rule.eta)
    if rule.bounds is not None:
        low, high = rule.bounds
        if 0.0 < high < float("inf"):
            for change, factor in _SCALES.items():
                yield f"upper bound {change}", replace(rule, bounds=(low, factor * high))
        yield "bounds out", replace(rule, bounds=None)
    for name, state in rule.states.items():
        if state.tau is not None:
            for change, factor in _SCALES.items():
                yield f"tau of {name} {change}", _with_state(rule, name, replace(state, tau=factor * state.tau))
        if isinstance(state, Trace):
            scheme = f"{name} of all spikes" if state.nearest else f"{name} of nearest spikes"
            yield scheme, _with_state(rule, name, replace(state, nearest=not state.nearest))
        for change, mutant in _of_state(name, state):
            yield change, _with_state(rule, name, mutant)
    for slot, expression in rule.slots.items():
        for change, other in _of_expression(expression):
            yield f"{slot}: {change}", replace(rule, slots={**rule.slots, slot: other})


def _with_state(rule: Rule, name: str, state: State) -> Rule:
    return replace(rule, states={**rule.states, name: state})


def _of_state(name: str, state: State) -> Iterator[tuple[str, State]]:
    if isinstance(state, Lowpass):
        for change, other in _of_expression(state.expression):
            yield f"{name}: {change}", replace(state, expression=other)
    elif isinstance(state, Synaptic):
        for slot, expression in state.slots.items():
            for change, other in _of_expression(expression):
                yield f"{name}, {slot}: {change}", replace(state, slots={**state.slots, slot: other})


def _of_expression(expression: Expression) -> Iterator[Change]:
    yield from _numbers(expression)
    for start, end in _terms(expression):
        term = Expression(expression.nodes[start:end])
        text = to_text(term)
        yield f"{text} out", _with(expression, start, end, Expression.number(0.0))
        yield f"{text} negated", _with(expression, start, end, Expression.apply("neg", term))


def _with(expression: Expression, start: int, end: int, part: Expression) -> Expression:
    return Expression(expression.nodes[:start] + part.nodes + expression.nodes[end:])


def _numbers(expression: Expression) -> Iterator[Change]:
    for place, node in enumerate(expression.nodes):
        if not isinstance(node, Number):
            continue
        changes = _SCALES if _is_exponent(expression, place) else _CHANGES
        for change, factor in changes.items():
            other = Expression((Number(factor * node.value, node.unit),))
            yield f"number {format_number(node.value)} {change}", _with(expression, place, place + 1, other)


def _is_exponent(expression: Expression, place: int) -> bool:
    return any(
        isinstance(node, Operator) and node.name == "pow" and expression.subtree_end(start + 1) == place
        for start, node in enumerate(expression.nodes[:place])
    )


def _terms(expression: Expression) -> list[tuple[int, int]]:
    """Return where the summands of every sum in an expression begin and end; a slot without a sum is one term."""
    sums, inside = [_summands(expression, 0)], set(_joints(expression, 0))
    for start, node in enumerate(expression.nodes):
        if start > 0 and start not in inside and isinstance(node, Operator) and node.name in _SUMS:
            inside.update(_joints(expression, start))
            found = _summands(expression, start)
            if len(found) > 1:
                sums.append(found)
    return [term for terms in sums for term in terms]


def _summands(expression: Expression, start: int) -> list[tuple[int, int]]:
    node = expression.nodes[start]
    if not (isinstance(node, Operator) and node.name in _SUMS):
        return [(start, expression.subtree_end(start))]
    return [term for argument in _arguments(expression, start) for term in _summands(expression, argument)]


def _joints(expression: Expression, start: int) -> list[int]:
    """Return the places of the signs that join the summands of the sum which begins there."""
    node = expression.nodes[start]
    if not (isinstance(node, Operator) and node.name in _SUMS):
        return []
    return [start, *(joint for argument in _arguments(expression, start) for joint in _joints(expression, argument))]


def _arguments(expression: Expression, start: int) -> list[int]:
    node = expression.nodes[start]
    places = [start + 1]
    if isinstance(node, Operator) and node.arity == 2:
        places.append(expression.subtree_end(start + 1))
    return places


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one known rule.

    **Fields:** `rule`; `mutants`: how many; `equal` in theory; `killed` and `survivors` of the others; `died`: those
    that are said to be equal and are not; `unknown`: names in that list that no mutant has; `failed`: seeds on which
    the rule itself fails; `seconds`.
    """

    rule: str
    mutants: int
    equal: list[str]
    killed: int
    survivors: list[str]
    died: list[str]
    unknown: list[str]
    failed: list[int]
    seconds: float


def examine(known: KnownRule, seeds: list[int]) -> Report:
    """Run the checks of a known rule on it and on all its mutants."""
    begin = time.perf_counter()
    costs: dict[str, float] = {}
    failed = []
    for seed in seeds:
        for check in known.checks:
            start = time.perf_counter()
            if not run_check(known.rules, check, seed).passed and seed not in failed:
                failed.append(seed)
            # The first run of a simulation may compile: the last one counts.
            costs[check.claim] = time.perf_counter() - start
    checks = sorted(known.checks, key=lambda check: costs[check.claim])
    equal: list[str] = []
    died: list[str] = []
    survivors: list[str] = []
    killed = 0
    every = mutants(known.rules)
    for name, mutant in every.items():
        survives = all(_meets(mutant, check, seeds[0]) for check in checks)
        if name in known.equal_mutants:
            (equal if survives else died).append(name)
        elif survives:
            survivors.append(name)
        else:
            killed += 1
    unknown = [name for name in known.equal_mutants if name not in every]
    seconds = round(time.perf_counter() - begin, 1)
    return Report(known.name, len(every), equal, killed, survivors, died, unknown, failed, seconds)


def _meets(rules: RuleSet, check: Check, seed: int) -> bool:
    try:
        with np.errstate(all="ignore"):
            return check.meets(measure(rules, check, seed))
    except RulesearchError:
        return False


def _examine_named(job: tuple[str, list[int]]) -> Report:
    return examine(known_rule(job[0]), job[1])


def _print(report: Report) -> None:
    print(
        f"{report.rule}: {report.mutants} mutants, {len(report.equal)} equal in theory, {report.killed} killed, "
        f"{len(report.survivors)} survive ({report.seconds:g} s)"
    )
    known = known_rule(report.rule)
    for name in report.equal:
        print(f"    equal: {name} ({known.equal_mutants[name]})")
    wrong: dict[str, list[str]] = {
        "survives": report.survivors,
        "is said to be equal and dies": report.died,
        "is said to be equal and is no mutant": report.unknown,
        "fails unmutated, seed": [str(seed) for seed in report.failed],
    }
    for what, names in wrong.items():
        for name in names:
            print(f"    {what}: {name}")
    sys.stdout.flush()


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default="", help="names, joined by commas; variants come with their rule")
    parser.add_argument("--seeds", default="1-5", help="first-last")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = list(range(int(first), int(last or first) + 1))
    chosen = [known_rule(name) for name in options.rules.split(",")] if options.rules else list(known_rules().values())
    names = [each.name for known in chosen for each in known.family()]
    reports = []
    jobs = [(name, seeds) for name in names]
    with ProcessPoolExecutor(options.jobs) as pool:
        run: Callable[..., Iterator[Report]] = map if options.jobs == 1 else pool.map
        for report in run(_examine_named, jobs):
            reports.append(report)
            if not options.json:
                _print(report)
    killed = sum(report.killed for report in reports)
    others = killed + sum(len(report.survivors) for report in reports)
    total = {
        "rules": len(reports),
        "mutants": sum(report.mutants for report in reports),
        "equal": sum(len(report.equal) for report in reports),
        "others": others,
        "killed": killed,
        "killed_share": killed / others if others else 1.0,
    }
    wrong = any(report.died or report.unknown or report.failed for report in reports)
    if options.json:
        print(json.dumps({**total, "reports": [asdict(report) for report in reports]}))
    else:
        print(
            f"{total['rules']} rules, {total['mutants']} mutants, {total['equal']} equal in theory; of the others "
            f"{killed} of {others} killed ({100.0 * total['killed_share']:.1f} %)"
        )
    return int(wrong or total["killed_share"] < _WANTED)


if __name__ == "__main__":
    sys.exit(main())
