"""Is there anything to find? The same search on permuted targets, and how often it recommends as good a rule.

The empirical p of the recommended rule is (1 + k)/(1 + n): k of n searches of equal budget on permuted targets
recommended a rule that does as well (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585). Each is taken to its end as the
search itself is, clean-up, calibration and the choice of a rule included, since the statistic, what the recommended
rule lacks and its loss where it was chosen, must be the same function of the targets in all of them: then p <= 0.05
comes in at most 5 % of searches where there is nothing to find. The best loss of any size would be another statistic;
to compare with rules no larger than the recommended one would not do, since its size was chosen by these targets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from rulesearch.errors import RulesearchError
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.store import Store
from rulesearch.grammar import Grammar, parse_grammar
from rulesearch.grammar.variants import grammar_toml
from rulesearch.interruption import awaited
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.tasks.source import absolute
from rulesearch.tasks.task import Task
from rulesearch.workflow.asked import Asked
from rulesearch.workflow.choose import choose
from rulesearch.workflow.clock import Clock, OutOfTime
from rulesearch.workflow.experiment import Experiment
from rulesearch.workflow.problems import problem_of
from rulesearch.workflow.scorer import Scorer

_SETTING = "permutation"
_APART = 10_000
_AT_ONCE = 4
_FACT = "permuted ranks"
_SHARE = 0.8
"""Share of the time left, where that is limited."""

Rank = tuple[float, float]
"""What a recommended rule lacks of the task's requirements, and its loss, on selection seeds."""


@dataclass(frozen=True, slots=True)
class Permuted:
    """What searches on permuted targets came to.

    **Fields:** `p` of the recommended rule; `ranks`: that of the rule that each recommends; `own`: that of the search
    that they are compared with.
    """

    p: float
    ranks: tuple[Rank, ...]
    own: Rank

    def sentence(self) -> str:
        """Return what it means, in words."""
        as_well = sum(rank <= self.own for rank in self.ranks)
        searches = f"{as_well} of {len(self.ranks)} searches on permuted targets"
        return f"{searches} recommended a rule that does as well (p = {self.p:.2g})"

    def to_json(self) -> dict[str, Any]:
        """Return the numbers."""
        losses = [rank[1] if rank[0] == 0.0 else None for rank in self.ranks]
        return {"p": self.p, "searches": len(self.ranks), "loss": self.own[1], "permuted_losses": losses}


def check_permutations(task: Task, searches: int) -> None:
    """Refuse searches on permuted targets where a task has none.

    **Raises:** `RulesearchError`.
    """
    if searches and _SETTING not in task.settings:
        raise RulesearchError(f"task {task.name} has no targets to permute; leave --permutations out, or type 0")


def compare_with_permuted(
    experiment: Experiment,
    problem: Problem,
    own: Rank | None,
    budget: int,
    store: Store,
    notify: Callable[[str], None],
    clock: Clock,
) -> Permuted | None:
    """Search on permuted targets as often as asked, and return the empirical p; None without a result to compare.

    What was found is kept in the store after every search, so that a resumed run goes on from there. Where the time
    does not suffice for all searches, the first ones count.

    **Arguments:** `own`: the rank of the rule that the search recommends; `budget`: distinct evaluations of each
    search.
    """
    searches = experiment.permutations or 0
    if own is None or not searches:
        return None
    known = json.loads(store.fact(_FACT) or "{}")
    first = 1 + _APART * int(problem.evaluator.settings[_SETTING])
    numbers = [number for number in range(first, first + searches) if str(number) not in known]
    reference = absolute(problem.evaluator.reference)
    plain = replace(experiment, task=reference, budget=budget, time_limit=None, stop_loss=None)
    settings = dict(problem.evaluator.settings)
    done = searches - len(numbers)
    with clock.part("searches on permuted targets", _SHARE):
        for number, rank in _search_all(plain, problem.grammar, settings, numbers, clock):
            known[str(number)] = rank
            store.set_fact(_FACT, json.dumps(known))
            done += 1
            notify(f"searched on permuted targets, {done} of {searches} times")
    if done < searches:
        clock.left_out[-1] = f"{searches - done} of {searches} searches on permuted targets"
    numbers = [number for number in range(first, first + searches) if str(number) in known]
    if not numbers:
        return None
    ranks = tuple(_rank(known[str(number)]) for number in numbers)
    return Permuted((1 + sum(rank <= own for rank in ranks)) / (1 + len(ranks)), ranks, own)


def _rank(pair: Sequence[float | None]) -> Rank:
    shortfall, loss = (float("inf") if value is None else value for value in pair)
    return shortfall, loss


def at_once() -> int:
    """Return how many of the searches run beside each other."""
    return min(os.cpu_count() or 1, _AT_ONCE)


def _search_all(
    experiment: Experiment, grammar: Grammar, settings: Mapping[str, float], numbers: Sequence[int], clock: Clock
) -> Iterator[tuple[int, Sequence[float | None]]]:
    """Yield the rank of what is recommended under each permutation, in order; in processes where there are cores."""
    jobs = [(experiment, grammar_toml(grammar), {**settings, _SETTING: float(number)}) for number in numbers]
    processes = min(len(jobs), at_once())
    if processes < 2 and not clock.limited:
        yield from ((number, search_permuted(*job)) for number, job in zip(numbers, jobs, strict=True))
        return
    children: list[subprocess.Popen[str]] = []
    executor = ThreadPoolExecutor(max(1, processes), "permuted")
    try:
        futures = [executor.submit(_search_apart, children, *job) for job in jobs]
        for number, future in zip(numbers, futures, strict=True):
            try:
                yield number, awaited(future, clock.left if clock.limited else None)
            except TimeoutError:
                raise OutOfTime from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.kill()


def _search_apart(
    children: list[subprocess.Popen[str]], experiment: Experiment, grammar: str, settings: Mapping[str, float]
) -> Sequence[float | None]:
    """Return what `search_permuted` does, from a process of its own.

    A process by its command, since one that is spawned would import the user's script once more.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children.append(child)
    given = json.dumps({"experiment": asdict(experiment), "grammar": grammar, "settings": dict(settings)})
    found, _ = child.communicate(given)
    if child.returncode:
        raise RuntimeError(f"a search on permuted targets ended with code {child.returncode}")
    rank: list[float | None] = json.loads(found)
    return rank


def _as_child() -> None:
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    given = json.load(sys.stdin)
    json.dump(search_permuted(Experiment(**given["experiment"]), given["grammar"], given["settings"]), sys.stdout)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def search_permuted(experiment: Experiment, grammar: str, settings: Mapping[str, float]) -> Sequence[float | None]:
    """Return the rank of the rule that one search recommends in the end, infinities as None."""
    with Evaluator(experiment.task, settings, experiment.backend) as evaluator:
        problem = problem_of(experiment, evaluator, parse_grammar(grammar))
        load_engine(experiment.engine, experiment.options).run(problem)
        choice = choose(
            problem, Scorer(evaluator, None, experiment.seed), lambda _: None, Asked.of(experiment, problem)
        )
        rank = (None, None) if choice is None else choice.recommended.outcome.rank_key(problem.requirements)
        return [value if value is not None and value < float("inf") else None for value in rank]


if __name__ == "__main__":
    _as_child()
