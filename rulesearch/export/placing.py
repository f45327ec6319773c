"""What a rule needs outside of its task: a learning rate, bounds of the weight, and the sign of its synapses.

A rule may leave all three to its task. Where it goes into a file, the task's go with it; a script of a simulator that
is asked of a known rule takes those of a task that the rule solves. What nobody gives is said in the file's first line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rulesearch.errors import RulesearchError, shown
from rulesearch.given import real_number, real_numbers
from rulesearch.rules import KnownRule, Rule, RuleSet, find_known
from rulesearch.tasks.registry import load_task, task_names
from rulesearch.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Placed:
    """Rules as they go into a file.

    **Fields:** `rules`, complete as far as anybody knows; `inhibitory`: names of those on inhibitory synapses; `note`:
    learning rate and bounds that the rule does not give, in words that go after "with", empty where it gives both;
    `asks`: whether nobody gave them.
    """

    rules: RuleSet
    inhibitory: frozenset[str] = frozenset()
    note: str = ""
    asks: bool = False

    @property
    def inhibition(self) -> str:
        """Which synapses inhibit, in a sentence; empty where none does."""
        names = [name for name in self.rules.rules if name in self.inhibitory]
        which = f"Synapses of {', '.join(names)}" if len(self.rules.rules) > 1 else "The synapses"
        return f"{which} inhibit; their weights are magnitudes." if names else ""

    def alone(self, name: str, title: str) -> Placed:
        """Return one rule of the set, which then goes by a title."""
        signs = frozenset("w" for each in self.inhibitory if each == name)
        return replace(self, rules=RuleSet({"w": self.rules.rules[name]}, title), inhibitory=signs)


def placed(
    rules: RuleSet,
    task: Task | None = None,
    settings: Mapping[str, str | float] | None = None,
    *,
    eta: float | None = None,
    bounds: tuple[float, float] | None = None,
    inhibitory: bool | None = None,
    known: KnownRule | None = None,
) -> Placed:
    """Return rules with the learning rate and bounds that they go out with.

    **Arguments:** `task`, with its `settings`, gives what the rule leaves open; `eta`, `bounds` and `inhibitory` (the
    sign of the synapses) win over rule and task; `known`: the known rule that a script of a simulator is asked of; what
    it does not give is that of a task that it solves.
    **Raises:** `RulesearchError` where the task cannot run the rules, or the numbers are none.
    """
    _check_numbers(eta, bounds)
    given = RuleSet({name: _given(rule, eta, bounds) for name, rule in rules.rules.items()}, rules.name)
    lacks = task is None and any(None in (rule.eta, rule.bounds) for rule in given.rules.values())
    solved = _task_of(known) if lacks else None
    on = solved if task is None else task
    signs = frozenset(_inhibitory(given, on, inhibitory))
    complete = given if on is None else on.spelled_out(given, on.resolve(settings))
    return Placed(complete, signs, _note(given, complete, solved) if lacks else "", lacks and solved is None)


def _note(given: RuleSet, complete: RuleSet, task: Task | None) -> str:
    """Return `learning rate 1 and no bounds of w (it gives none)`."""
    words: dict[str, str] = {}
    for name, rule in given.rules.items():
        found = complete.rules[name]
        if rule.eta is None:
            words.setdefault("eta", f"learning rate {found.eta or 1.0:g}")
        if rule.bounds is None:
            bounds = found.bounds
            words.setdefault("w", "no bounds of w" if bounds is None else f"bounds of w {bounds[0]:g} to {bounds[1]:g}")
    return f"{' and '.join(words.values())}{f', as in task {task.name}' if task else ' (it gives none)'}"


def _given(rule: Rule, eta: float | None, bounds: tuple[float, float] | None) -> Rule:
    return replace(rule, eta=rule.eta if eta is None else eta, bounds=rule.bounds if bounds is None else bounds)


def _check_numbers(eta: float | None, bounds: tuple[float, float] | None) -> None:
    if eta is not None and not math.isfinite(real_number(eta, "eta")):
        raise RulesearchError(f"a learning rate is a finite number, found {eta:g}; type for example --eta 0.001")
    if bounds is not None and len(real_numbers(bounds, "bounds", "(0, 1)")) != 2:
        raise RulesearchError(f"bounds must be two numbers, such as (0, 1), found {shown(bounds)}")
    if bounds is not None and not bounds[0] < bounds[1]:
        raise RulesearchError(
            f"the lower bound must be below the upper one, found {bounds[0]:g}, {bounds[1]:g}; type for example "
            "--bounds 0,1"
        )


def _task_of(known: KnownRule | None) -> Task | None:
    """Return the first shipped task that a known rule solves."""
    tasks = (load_task(name) for name in task_names()) if known is not None else ()
    return next((task for task in tasks if known is not None and task.known_rule == known.name), None)


def _inhibitory(rules: RuleSet, task: Task | None, told: bool | None) -> tuple[str, ...]:
    if told is not None:
        return tuple(rules.rules) if told else ()
    if task is not None:
        return task.inhibitory
    name, _, member = rules.name.removesuffix("]").partition("[")
    known = find_known(name) if name else None
    if known is None:
        return ()
    # One rule of a known set goes out as a set of one.
    return known.inhibitory if not member else ("w",) * (member in known.inhibitory)
