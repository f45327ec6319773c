"""Which rules bring inhibition to its target rate, what have they in common, and does that make the difference?

    python experiments/benchmarks/manifold.py --task inhibitory-rate --work runs
    python experiments/benchmarks/manifold.py --task inhibitory-network --draws 140 --work runs

Rules come from the screenings of searches, which are run where their folders are not in `--work` (or are given by
`--runs`); those that miss the target by little get another constant. For the network they come from the families that
solve `inhibitory-rate` (`rules.csv` in `--out`), a constant of each set by the mean field, and from the six-parameter
polynomial. Each is made minimal (`manifold_rules.py`), then judged on seeds of its own beside the known rule, and its
mean-field rate computed (`mean_field.py`). Then polynomials are drawn that differ in the shared property alone, and
counted is who solves the task. Writes `rules.csv`, `counts.json`, `README.md` and `manifold.png`; each call replaces
what its task has there.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from manifold_report import Row, read_rows, write_report
from manifold_rules import (
    correlation_sign,
    drawn_polynomial,
    function_key,
    hopeful,
    minimal,
    rounded,
    screened,
    searched,
)
from mean_field import Portrait, portrait, solved_constant
from scipy.stats import binomtest
from solved import seeds_of

from rulesearch.evaluation.evaluator import Condition, Evaluator, search_job
from rulesearch.evaluation.outcome import Outcome
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Record, Store
from rulesearch.rules.bound import BoundRule
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.tuned_input import prepare
from rulesearch.workflow.families import Found, families
from rulesearch.workflow.scorer import Scorer

CHOSEN_LAST = 3
"""Seeds on which the constants of minimal forms are set where the screening alone chooses these."""
SLOWER = (1.0, 2.0, 5.0)
"""Times which the time constants of rules of one neuron are tried in networks."""
AFFERENTS_REST = 0.005
"""Time for which an afferent of `inhibitory-rate` cannot fire after a spike [s]."""
FACTORS = (0.9, 1.0, 1.1, 1.2, 1.35, 1.5)
"""Times which the constant that the mean field gives is tried, where it is fitted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked on a task.

    **Fields:** `settings` that differ; `near` [Hz]: how far the rate of a screening may be from the target for a form
    to be looked at; `adjusted` [Hz]: how far for another constant to be tried; `within` [Hz]: how far in a solution;
    `chosen` and `judged`: seeds to choose forms on (0: the screening alone chooses) and to judge them; `drawn`: seeds
    for each polynomial that is drawn for the test, and `drawn_on`: settings there that differ; `inputs`: other inputs
    on which solutions are tried.
    """

    settings: Mapping[str, float]
    near: float
    adjusted: float
    within: float
    chosen: int
    judged: int
    drawn: int
    drawn_on: Condition = ()
    inputs: tuple[Condition, ...] = ()


PLANS = {
    "inhibitory-rate": Plan(
        settings={},
        near=2.0,
        adjusted=2.0,
        within=0.5,
        chosen=3,
        judged=8,
        drawn=3,
        inputs=((("ou_sd", 50.0),), (("ou_sd", 400.0),), (("background", 2.0),), (("background", 10.0),)),
    ),
    "inhibitory-network": Plan(
        settings={"neurons": 2000.0, "dt": 0.2},
        near=2.5,
        adjusted=6.0,
        within=1.0,
        chosen=0,
        judged=2,
        drawn=2,
        drawn_on=(("neurons", 1000.0),),
    ),
}


class Bench:
    """A task on which rules are scored: on `selection` seeds to choose, on `report` seeds to judge."""

    def __init__(self, name: str, seed: int, work: Path) -> None:
        self.plan = PLANS[name]
        work.mkdir(parents=True, exist_ok=True)
        evaluator = Evaluator(name, {})
        self.task = evaluator.task
        self.settings = evaluator.settings = self.task.resolve(self.plan.settings)
        self.evaluator, self.seed = evaluator, seed
        self.target = self.settings["target"]
        changed = "".join(f"-{setting}-{value:g}" for setting, value in self.plan.settings.items())
        self.store = Store(work / f"{name}{changed}-{seed}.sqlite")
        self.scorer = Scorer(evaluator, self.store, seed)
        known = self.task.baseline(self.settings)
        self.known = self.scorer.score([known], "report", self.plan.judged)[0]

    def look(self, forms: Sequence[RuleSet]) -> list[Outcome]:
        """Score forms as a search screens them, on selection seeds."""
        screen = self.task.fidelities[0]
        seeds = trial_seeds(self.seed, "selection", screen.trials)
        jobs = [search_job(self.task, form, seeds, screen) for form in forms]
        found = self.store.known(jobs)
        missing = [place for place in range(len(jobs)) if place not in found]
        outcomes = self.evaluator.run([jobs[place] for place in missing])
        pairs = list(zip(missing, outcomes, strict=True))
        self.store.add([Record(-1, "clean-up", jobs[place], outcome, "") for place, outcome in pairs])
        found |= pairs
        return [found[place] for place in range(len(jobs))]

    def choose(self, forms: Sequence[RuleSet]) -> list[Outcome]:
        """Score forms on selection seeds at full fidelity."""
        return self.scorer.score(forms, "selection", self.plan.chosen or CHOSEN_LAST)

    def near(self, outcome: Outcome) -> bool:
        """Return whether a screening leaves hope."""
        return self._is_within(outcome, self.plan.near)

    def _is_within(self, outcome: Outcome, hertz: float) -> bool:
        if not outcome.ok:
            return False
        if any(abs(trial.metrics["rate_hz"] - self.target) > hertz for trial in outcome.trials):
            return False
        return all(each.shortfall(outcome.metrics) <= 0.1 for each in self.task.requirements)

    def reaches(self, outcome: Outcome) -> bool:
        """Return whether a rule reaches the target and meets the task's requirements.

        Of one neuron the mean rate must be within 0.5 Hz, of networks that of each within 1 Hz.
        """
        if not outcome.ok or outcome.shortfall(self.task.requirements):
            return False
        rates = [trial.metrics["rate_hz"] for trial in outcome.trials]
        asked = rates if self.task.name == "inhibitory-network" else [statistics.fmean(rates)]
        return all(abs(rate - self.target) <= self.plan.within for rate in asked)

    def as_good(self, outcome: Outcome, known: Outcome) -> bool:
        """Return whether a rule that reaches the target also does as well as the known one on the same seeds."""
        good = outcome.loss is not None and known.loss is not None and outcome.loss <= self.task.enough(known.loss)
        return good and self.reaches(outcome)

    def pre(self, outcome: Outcome) -> float:
        """Return the rate of the inhibitory afferents of a judged rule [Hz]."""
        if "rate_i_hz" in outcome.metrics:
            return outcome.metrics["rate_i_hz"]
        if not hasattr(self, "_pre"):
            ou_sd, background = self.settings["ou_sd"], self.settings["background"]
            seconds = self.task.duration(self.settings, self.task.fidelities[-1].name)
            dt = self.settings["dt"] * 1e-3
            trains = [prepare(seed, ou_sd, background, seconds, dt).plastic for seed in self.known.seeds[:4]]
            self._pre = float(np.mean([len(each.indices) / each.afferents / seconds for each in trains]))
        return self._pre

    def portrait(self, rules: RuleSet, outcome: Outcome) -> Portrait:
        """Return what mean-field reasoning says of a rule, at the weights and rates that it came to."""
        weight = outcome.metrics.get("w_mean", self.known.metrics["w_mean"])
        pre = self.pre(outcome if outcome.ok else self.known)
        return portrait(self.task.bind(rules, self.settings).only(), pre, weight)

    def adjusted(self, rules: Sequence[RuleSet], fully: bool) -> list[RuleSet]:
        """Return rules, those with a constant whose rate is near the target with the one that should bring it there.

        Where r is the rate on selection seeds and m that of the mean field, the constant is the one that makes it
        m target/r.

        **Arguments:** `fully`: whether r is that of whole simulations, else of a screening.
        """
        tried = list(rules)
        outcomes = self.choose(rules) if fully else self.look(rules)
        for place, (each, outcome) in enumerate(zip(rules, outcomes, strict=True)):
            if self._is_within(outcome, self.plan.adjusted) and not self.reaches(outcome):
                tried[place] = self._with_constant_for(each, outcome) or each
        return tried

    def _with_constant_for(self, rules: RuleSet, outcome: Outcome) -> RuleSet | None:
        seen = self.portrait(rules, outcome)
        if math.isnan(seen.rate):
            return None
        bound = self.task.bind(rules, self.settings).only()
        wanted = seen.rate * self.target / outcome.metrics["rate_hz"]
        return with_solved_constant(rules, bound, self.pre(outcome), outcome.metrics["w_mean"], wanted)

    def minimal(self, rules: Iterable[RuleSet]) -> list[RuleSet]:
        """Return minimal forms of the rules that solve the task on selection seeds."""

        def solve(forms: Sequence[RuleSet]) -> list[bool]:
            looked = self.look(forms)
            left = [place for place, outcome in enumerate(looked) if self.near(outcome)]
            if not self.plan.chosen:
                return [place in left for place in range(len(forms))]
            chosen = self.choose([forms[place] for place in left])
            solved = {place for place, each in zip(left, chosen, strict=True) if self.reaches(each)}
            return [place in solved for place in range(len(forms))]

        return minimal(self.task, rules, solve)

    def judged(self, rules: Sequence[RuleSet]) -> list[Row]:
        """Return a row for each rule, on seeds that chose nothing."""
        outcomes = self.scorer.score(rules, "report", self.plan.judged)
        found = families(Found(self.task.spelled_out(each, self.settings), 0.0, "", k) for k, each in enumerate(rules))
        texts = {member.rank: family.text for family in found for member in family.members}
        rows = []
        for place, (each, outcome) in enumerate(zip(rules, outcomes, strict=True)):
            rates = [trial.metrics["rate_hz"] for trial in outcome.trials if "rate_hz" in trial.metrics] or [math.nan]
            seen = self.portrait(each, outcome)
            rows.append(
                Row(
                    task=self.task.name,
                    rule=str(each),
                    size=each.size,
                    family=texts[place],
                    solves=self.reaches(outcome),
                    as_good=self.as_good(outcome, self.known),
                    rate_hz=float(np.mean(rates)),
                    scatter_hz=float(np.std(rates, ddof=1)) if len(rates) > 1 else math.nan,
                    loss=math.nan if outcome.loss is None else outcome.loss,
                    tuning_r=outcome.metrics.get("tuning_r", math.nan),
                    w_mean=outcome.metrics.get("w_mean", math.nan),
                    mean_field_hz=seen.rate,
                    alone=seen.alone,
                    slope=seen.slope,
                )
            )
        self._try_other_inputs(rows, rules)
        return rows

    def _try_other_inputs(self, rows: Sequence[Row], rules: Sequence[RuleSet]) -> None:
        chosen = [place for place, row in enumerate(rows) if row.solves]
        for condition in self.plan.inputs:
            outcomes = self.scorer.score([rules[place] for place in chosen], "report", 1, [condition])
            for place, outcome in zip(chosen, outcomes, strict=True):
                off = abs(outcome.metrics["rate_hz"] - self.target) if outcome.ok else math.inf
                rows[place].off_hz = max(rows[place].off_hz, off) if rows[place].off_hz == rows[place].off_hz else off


def from_searches(bench: Bench, folders: Sequence[Path], loss: float, per_family: int) -> tuple[list[RuleSet], Any]:
    """Return the candidates of searches, and how many of a sample of what they screened do well there by property."""
    rows = screened(bench.task, folders, loss)
    rng = np.random.default_rng(bench.seed)
    counts = {True: [0, 0], False: [0, 0]}
    for place in rng.choice(len(rows), min(400, len(rows)), replace=False):
        rules, found = rows[place]
        shared = bench.portrait(rules, bench.known).shared
        counts[shared][0] += found is not None
        counts[shared][1] += 1
    return bench.adjusted(hopeful(bench.task, rows, per_family), True), counts


def for_the_network(bench: Bench, rows: Iterable[Row]) -> list[RuleSet]:
    """Return rules of the families that solve the rate task, with a constant that the mean field sets to the target.

    Each also with slower traces, since spikes of a network are correlated over tens of milliseconds.
    """
    pre, weight = bench.pre(bench.known), bench.known.metrics["w_mean"]
    found: dict[str, RuleSet] = {}
    for row in rows:
        parsed = bench.task.parse(row.rule)
        rule, states = parsed.only(), bench.task.bind(parsed, bench.settings).only().states
        for factor in SLOWER:
            slow = {name: replace(each, tau=factor * each.tau) for name, each in states.items() if each.tau is not None}
            rules = RuleSet({"w": replace(rule, states={**states, **slow})})
            bound = bench.task.bind(rules, bench.settings).only()
            solved = with_solved_constant(rules, bound, pre, weight, bench.target)
            if solved is not None:
                found.setdefault(function_key(bench.task, solved), solved)
    return list(found.values())


def with_solved_constant(rules: RuleSet, bound: BoundRule, pre: float, weight: float, post: float) -> RuleSet | None:
    """Return a rule with the first of its constants that the mean field can set to a rate [Hz], rounded, or None.

    **Arguments:** `bound`: the same rule with its states; `pre`: rate of presynaptic spikes [Hz]; `weight` at which
    the mean field is taken.
    """
    for name in rules.only().constants:
        solved = solved_constant(bound, name, pre, weight, post)
        if solved is not None:
            return rounded(rules.with_rules({"w": rules.only().with_constants(solved.constant_values())}))
    return None


def tested(bench: Bench, count: int) -> tuple[list[RuleSet], list[dict[str, Any]]]:
    """Draw polynomials with and without the property, the mean field of all at the target, and count who solves.

    Returns the polynomials, with fitted constants where they are fitted, and a row for each group and criterion.
    """
    rng = np.random.default_rng([bench.seed, 6])
    pre = bench.pre(bench.known)
    groups: dict[bool, list[RuleSet]] = {True: [], False: []}
    while min(map(len, groups.values())) < count:
        rules = drawn_polynomial(bench.task, rng, pre, bench.target)
        shared = bench.portrait(rules, bench.known).shared
        if len(groups[shared]) < count:
            groups[shared].append(rules)
    on = [bench.plan.drawn_on]
    known = bench.scorer.score([bench.task.baseline(bench.settings)], "report", bench.plan.drawn, on)[0]
    rows, fit = [], []
    for shared, drawn in groups.items():
        outcomes = bench.scorer.score(drawn, "report", bench.plan.drawn, on)
        rows += _counted(bench, shared, drawn, outcomes, known, "mean-field constant")
        if bench.plan.inputs:
            # As many spikes as the mean field was told of, without a common rate.
            apart = bench.scorer.score(
                drawn,
                "report",
                bench.plan.drawn,
                [(("background", round(pre / (1.0 - AFFERENTS_REST * pre), 2)), ("ou_sd", 0.0))],
            )
            rows.append(
                _line(
                    shared,
                    "mean-field constant, uncorrelated input",
                    "within 10 % of the target",
                    [_within(bench, each, 0.1 * bench.target) for each in apart],
                )
            )
            fitted = _fitted(bench, drawn)
            again = bench.scorer.score(fitted, "report", bench.plan.drawn)
            rows += _counted(bench, shared, fitted, again, known, "constant fitted")
            fit += fitted
        else:
            fit += drawn
    return fit, rows


def _fitted(bench: Bench, drawn: Sequence[RuleSet]) -> list[RuleSet]:
    """Return each polynomial with another alpha: the multiple that does best on a selection seed, then once more.

    The second time alpha is scaled as the rate must be, by what four selection seeds give: the mean-field rate of a
    polynomial without beta is proportional to alpha.
    """
    forms = [_scaled(rules, factor) for rules in drawn for factor in FACTORS]
    losses = [outcome.ranked_loss for outcome in bench.scorer.score(forms, "selection", 1)]
    step = len(FACTORS)
    best = [forms[min(range(place, place + step), key=losses.__getitem__)] for place in range(0, len(forms), step)]
    outcomes = bench.scorer.score(best, "selection", 4)
    return [
        _scaled(rules, bench.target / outcome.metrics["rate_hz"])
        if _within(bench, outcome, bench.target / 2)
        else rules
        for rules, outcome in zip(best, outcomes, strict=True)
    ]


def _scaled(rules: RuleSet, factor: float) -> RuleSet:
    rule = rules.only()
    return rules.with_rules({"w": rule.with_constants({"alpha": rule.constant_values()["alpha"] * factor})})


def _counted(
    bench: Bench, shared: bool, rules: Sequence[RuleSet], outcomes: Sequence[Outcome], known: Outcome, how: str
) -> list[dict[str, Any]]:
    solved = [bench.reaches(each) for each in outcomes]
    lines = [
        ("run to their end", [each.ok for each in outcomes]),
        ("within 20 % of the target", [_within(bench, each, 0.2 * bench.target) for each in outcomes]),
        ("solve the task", solved),
        ("do as well as the known rule", [bench.as_good(each, known) for each in outcomes]),
    ]
    for name, sign in (("> 0", 1.0), ("< 0", -1.0)):
        chosen = [place for place, each in enumerate(rules) if sign * correlation_sign(each) > 0.0]
        lines.append(
            (f"solve the task, of those with gamma tau_pre + kappa tau_post {name}", [solved[k] for k in chosen])
        )
    return [_line(shared, how, what, hits) for what, hits in lines if hits]


def _within(bench: Bench, outcome: Outcome, hertz: float) -> bool:
    return outcome.ok and abs(outcome.metrics["rate_hz"] - bench.target) <= hertz


def _line(shared: bool, how: str, what: str, hits: Sequence[bool]) -> dict[str, Any]:
    share = binomtest(sum(hits), len(hits)).proportion_ci(0.95, "exact")
    low, high = round(float(share.low), 3), round(float(share.high), 3)
    return {"with": shared, "how": how, "what": what, "hits": int(sum(hits)), "of": len(hits), "low": low, "high": high}


def main() -> None:
    """Collect, make minimal, judge, test, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=PLANS, default="inhibitory-rate")
    parser.add_argument("--seeds", type=seeds_of, default="601", help="of searches")
    parser.add_argument("--runs", type=Path, nargs="*", help="run folders, in place of searches")
    parser.add_argument("--work", type=Path, required=True, help="where runs and what was scored are kept")
    parser.add_argument("--out", type=Path, default=Path("results/manifold"))
    parser.add_argument("--seed", type=int, default=9001, help="of what is drawn, and of the seeds that judge")
    parser.add_argument("--loss", type=float, default=0.05, help="largest loss of a screening")
    parser.add_argument("--per-family", type=int, default=1, help="rules to take that are the same up to constants")
    parser.add_argument("--draws", type=int, default=100, help="polynomials with, and without, the property")
    options = parser.parse_args()
    bench = Bench(options.task, options.seed, options.work)
    shares = None
    if options.task == "inhibitory-rate":
        folders = options.runs or searched(options.task, options.seeds, options.work)
        candidates, shares = from_searches(bench, folders, options.loss, options.per_family)
    else:
        solved = [row for row in read_rows(options.out) if row.task == "inhibitory-rate" and row.solves]
        candidates = for_the_network(bench, solved)
    polynomials, test = tested(bench, options.draws)
    print(f"{len(candidates)} candidates from searches, {len(polynomials)} polynomials", flush=True)
    candidates += polynomials
    in_networks = shares is None
    forms = bench.minimal(bench.adjusted(candidates, False) if in_networks else candidates)
    if in_networks:
        # Two forms that differ in their constant alone may come to the same.
        forms = list({function_key(bench.task, each): each for each in bench.adjusted(forms, True)}.values())
    print(f"{len(forms)} minimal forms", flush=True)
    rows = bench.judged(forms)
    write_report(options.out, bench.task.name, rows, test, shares, len(candidates), bench.known, bench.pre(bench.known))


if __name__ == "__main__":
    main()
