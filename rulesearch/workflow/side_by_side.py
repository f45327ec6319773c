"""What rules do beside each other: on a task, on the activity that the task produces, and under pairs of spikes.

Losses are compared at equal effective learning rate: the eta of each rule is fitted on selection seeds (a rule that
is only faster or slower is no better or worse), and both are scored on other seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SUMS, Lowpass, State, Synaptic, Trace
from rulesearch.simulate.synapse.respond import pair_change
from rulesearch.simulate.synapse.synapse import Synapse, with_customary_traces
from rulesearch.symbolic.likeness import apart
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Activity, losses_of

_FACTORS: tuple[float, ...] = tuple(2.0 ** (k / 2.0) for k in range(-6, 7))
_FITTING_SEEDS = 3
_WEIGHT = 0.5
_DELAYS = (-0.1, -0.05, -0.02, -0.01, -0.005, 0.005, 0.01, 0.02, 0.05, 0.1)
_SPIKES_EACH = 1500
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one rule does.

    **Fields:** `label`; `outcome` with its own learning rate; `factor` of it that does best on selection seeds, and the
    `fitted` outcome with that; `distance` in [0, 1] to the first rule over the activity that the task produces under
    the first rule (the sine of the angle between the changes of both, 1 from 90 degrees on; None where the task cannot
    say); `times` and root mean square of the `weights` on the way; `windows`: by the name of each rule that spikes
    move, weight change by delay of one pair of spikes [s].
    """

    label: str
    outcome: Outcome
    factor: float
    fitted: Outcome
    distance: float | None
    times: Array = field(default_factory=lambda: np.zeros(0))
    weights: Array = field(default_factory=lambda: np.zeros(0))
    windows: Mapping[str, Mapping[float, float]] = field(default_factory=dict)

    @property
    def window(self) -> Mapping[float, float]:
        """The window of a single rule; empty of a set, and where spikes move nothing."""
        return next(iter(self.windows.values())) if len(self.windows) == 1 else {}


def side_by_side(
    rules: RuleSet, others: Mapping[str, RuleSet], task: Task, settings: Settings, seeds: int = 5, run_seed: int = 0
) -> list[Behaviour]:
    """Return what rules and others do on a task, `rules` first; others that do not fit, or were there, are left out.

    **Raises:** `RulesearchError` where `rules` do not fit the task.
    """
    task.check(rules)
    first = task.bind(rules, settings)
    count = task.telling(seeds)
    activity = task.activity(first, trial_seeds(run_seed, "report", 1)[0], settings) if len(first.rules) == 1 else None
    found = []
    shown: set[str] = set()
    for label, each in {"this rule": rules, **others}.items():
        if not fits(each, task):
            continue
        bound = task.bind(each, settings)
        if str(bound) in shown:
            continue
        shown.add(str(bound))
        factor = _best_factor(bound, task, settings, run_seed)
        report = trial_seeds(run_seed, "report", count)
        outcome = evaluate_rules(task, bound, report, settings)
        fitted = outcome if factor == 1.0 else evaluate_rules(task, faster(bound, factor), report, settings)
        seen = activity if each is rules or activity is None else task.activity(bound, report[0], settings)
        distance = None if activity is None else activity_distance(first.only(), bound.only(), activity)
        times, weights = (np.zeros(0), np.zeros(0)) if seen is None else (seen.times, seen.weights)
        size = np.sqrt(np.mean(weights * weights, axis=1)) if weights.size else np.zeros(0)
        windows = {name: stdp_window(rule) for name, rule in bound.rules.items() if rule.moved_by_spikes}
        found.append(Behaviour(label, outcome, factor, fitted, distance, times, size, windows))
    return found


def fits(rules: RuleSet, task: Task) -> bool:
    """Return whether a task can run rules."""
    try:
        task.check(rules)
    except RulesearchError:
        return False
    return True


def faster(rules: BoundSet, factor: float) -> BoundSet:
    """Return bound rules with their learning rates multiplied."""
    changed = {name: replace(rule, eta=rule.eta * factor) for name, rule in rules.rules.items()}
    return BoundSet(changed, rules.name)


def _best_factor(rules: BoundSet, task: Task, settings: Settings, run_seed: int) -> float:
    """Return the factor of the learning rate that gives the least loss on selection seeds; 1 where none runs.

    All factors are tried at the cheapest fidelity. What is shorter there may want to learn faster, so that from the
    best of them on the next smaller or larger one is taken as long as it is better in full.
    """
    seeds = trial_seeds(run_seed, "selection", task.telling(_FITTING_SEEDS))

    def order(factor: float, fidelity: str) -> tuple[float, float]:
        """Return what factors are ordered by: the loss, and then how far they are from 1."""
        trials = [task.trial(faster(rules, factor), seed, settings, fidelity) for seed in seeds]
        losses = losses_of(trials)
        return sum(losses) / len(seeds) if len(losses) == len(seeds) else math.inf, abs(math.log(factor))

    tried = {factor: order(factor, task.fidelities[0].name) for factor in _FACTORS}
    if len(task.fidelities) == 1:
        return min(tried, key=tried.__getitem__)
    best, in_full = min(tried, key=tried.__getitem__), dict[float, tuple[float, float]]()
    while True:
        place = _FACTORS.index(best)
        near = _FACTORS[max(0, place - 1) : place + 2]
        for factor in near:
            if factor not in in_full:
                in_full[factor] = order(factor, task.fidelities[-1].name)
        better = min(near, key=in_full.__getitem__)
        if better == best:
            return best
        best = better


def stdp_window(rule: Rule, weight: float = _WEIGHT) -> dict[float, float]:
    """Return the weight change of one pair of spikes by delay [s], positive: presynaptic first; empty without slots."""
    if not rule.moved_by_spikes:
        return {}
    alone, held = spikes_alone(with_customary_traces(rule))
    low, high = alone.bounds or (-math.inf, math.inf)
    start = min(max(weight, low), high)
    return {delay: pair_change(alone, delay, start, held) for delay in _DELAYS}


def spikes_alone(rule: Rule) -> tuple[Rule, dict[str, float]]:
    """Return what spikes alone do by a rule, and the values at which everything else is held (R is 1, else 0)."""
    states: dict[str, State] = {}
    for name, state in rule.states.items():
        if isinstance(state, Trace):
            states[name] = state
        elif isinstance(state, Synaptic):
            slots = {slot: part for slot, part in state.slots.items() if slot in ("on_pre", "on_post")}
            states[name] = replace(state, slots=slots)
    slots = {slot: part for slot, part in rule.slots.items() if slot in ("on_pre", "on_post")}
    alone = replace(rule, slots=slots, states=states)
    held = {name: 1.0 if name == "R" else 0.0 for name in alone.symbols if name not in ("w", *SUMS, *states)}
    return alone, held


def activity_distance(ours: Rule, theirs: Rule, activity: Activity) -> float | None:
    """Return how far the changes of two rules are from proportional, 0 to 1, over what synapses of a task saw.

    The weight follows our rule; theirs is asked what it would change. None where a rule reads what was not written
    down, or nothing changes.
    """
    if activity.series:
        changes = _over_steps(ours, activity), _over_steps(theirs, activity)
    elif activity.trains:
        changes = _over_spikes(ours, theirs, activity)
    else:
        return None
    a, b = changes
    return None if a is None or b is None else apart(a, b)


def _over_steps(rule: Rule, activity: Activity) -> Array | None:
    from scipy.signal import lfilter

    if set(rule.slots) != {"on_step"} or set(rule.symbols) - {*activity.series, *rule.states}:
        return None
    values: dict[str, Array | float] = {**activity.series, **rule.constant_values()}
    for name, state in rule.states.items():
        if name not in rule.symbols:
            continue
        if not isinstance(state, Lowpass) or set(state.expression.symbols) - {*activity.series, *rule.constants}:
            return None
        target = np.broadcast_to(state.expression.evaluate(values), next(iter(activity.series.values())).shape)
        # z <- z + (target - z)/tau from 0, read before it moves.
        values[name] = lfilter((0.0, 1.0 / state.tau), (1.0, 1.0 / state.tau - 1.0), target, axis=0)
    shape = next(iter(activity.series.values())).shape
    return np.broadcast_to(np.asarray(rule.slots["on_step"].evaluate(values), dtype=np.float64), shape).ravel()


def _over_spikes(ours: Rule, theirs: Rule, activity: Activity) -> tuple[Array | None, Array | None]:
    known = {"w", *SUMS}
    pair = [with_customary_traces(rule) for rule in (ours, theirs)]
    if any(set(rule.symbols) - {*known, *rule.states} for rule in pair):
        return None, None
    changes: tuple[list[float], list[float]] = ([], [])
    for (pre, post), start in zip(activity.trains, activity.weights_before, strict=True):
        first, second = (Synapse.resting(replace(rule, bounds=None), start) for rule in pair)
        events = sorted([(float(t), 0, "pre") for t in pre] + [(float(t), 1, "post") for t in post])[:_SPIKES_EACH]
        low, high = ours.bounds or (-math.inf, math.inf)
        for time, _, side in events:
            before = first.weight
            for synapse in (first, second):
                synapse.weight = before
                synapse.wait(time - synapse.now)
                synapse.now = time
                synapse.spike(side)
            changes[0].append(first.weight - before)
            changes[1].append(second.weight - before)
            first.weight = min(max(first.weight, low), high)
    return np.array(changes[0]), np.array(changes[1])


def labelled(rules: Sequence[tuple[str, RuleSet]]) -> dict[str, RuleSet]:
    """Return rules by label; a label that comes twice gets a number."""
    found: dict[str, RuleSet] = {}
    for label, each in rules:
        name, number = label, 2
        while name in found or name == "this rule":
            name, number = f"{label} ({number})", number + 1
        found[name] = each
    return found
