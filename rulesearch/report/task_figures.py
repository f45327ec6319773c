"""Figures of what a rule did on a task: drawn from one simulation at full fidelity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.outcome import Outcome
from rulesearch.report.card_figures import course_figure
from rulesearch.report.network_figures import network_figure
from rulesearch.report.style import BLACK, BLUE, COLOURS, GREY, RED, new_figure, panel, rule_title
from rulesearch.rules.rule import RuleSet
from rulesearch.tasks.task import Task
from rulesearch.workflow.evidence import course_bands

Settings = Mapping[str, float]
Array = npt.NDArray[np.float64]

_RECORDS = 450
_WEIGHTS_SHOWN = 8
_SEEDS = 5
_METRICS = 6


def task_figure(rules: RuleSet, task: Task, settings: Settings, seed: int = 0) -> Figure:
    """Return what the rules did on a task on one seed.

    A task that is made from a shipped one is drawn as that is; of any other the courses that it tells, and where it
    tells none, its metrics beside the baseline's.

    **Raises:** `RulesearchError` where the rules do not fit the task.
    """
    task.check(rules)
    made_from = [f"{each.__module__}:{each.__name__}" for each in type(task).__mro__]
    draw = next((_FIGURES[name] for name in made_from if name in _FIGURES), None)
    if draw is _target_network:
        found: Figure = draw(rules, task, settings, seed)
        return found
    bands = course_bands(task.bind(rules, settings), task, settings, [seed]) if draw is None else ()
    if bands:
        figure = course_figure(bands, task.clock, 1)
        _title(figure, rules, f"task {task.name}, seed {seed}")
        return figure
    figure = new_figure(9.6, 3.3)
    (draw or _metrics)(figure, rules, task, settings, seed)
    return figure


def _title(figure: Figure, rules: RuleSet, text: str) -> None:
    figure.suptitle(f"{rule_title(rules)}\n{text}", fontsize=9)


def _oja(figure: Figure, rules: RuleSet, task: Task, settings: Settings, seed: int) -> None:
    from rulesearch.simulate.codes import STATUS
    from rulesearch.simulate.rate.neuron import simulate_rate
    from rulesearch.tasks.oja import oja_data

    rule = task.bind(rules, settings).only()
    names = ("data_sets", "dims", "points")
    data = oja_data(seed, *(int(settings[name]) for name in names), settings["minor"])
    steps = len(data.inputs)
    every = max(1, steps // _RECORDS)
    result = simulate_rate(rule, data.inputs, data.initial, rule.eta, every, bounds=rule.bounds)
    weights = np.concatenate([data.initial[None], result.weights[: result.steps // every]])
    time: Array = every * np.arange(len(weights), dtype=np.float64)
    norms = np.linalg.norm(weights, axis=2)
    with np.errstate(all="ignore"):
        cosines = np.abs(np.einsum("tdi,di->td", weights, data.components)) / norms
    angles = np.degrees(np.arccos(np.clip(cosines, 0.0, 1.0)))
    panels: Any = figure.subplots(1, 3)
    axes = panel(panels[0], "presentations", "weight", "weights (data set 1), dashed: PC 1")
    sign = 1.0 if float(weights[-1, 0] @ data.components[0]) >= 0 else -1.0
    for i, colour in zip(range(min(weights.shape[2], _WEIGHTS_SHOWN)), COLOURS, strict=False):
        axes.plot(time, weights[:, 0, i], color=colour, linewidth=1.2)
        axes.axhline(sign * data.components[0, i], color=colour, linestyle="--", linewidth=0.9)
    axes = panel(panels[1], "presentations", "length of the weight vector", "length, dashed: 1")
    _spread(axes, time, norms)
    axes.axhline(1.0, color=GREY, linestyle="--", linewidth=1.0)
    axes.set_ylim(0.0, 1.15 * max(1.0, float(np.nanmax(norms))))
    axes = panel(panels[2], "presentations", "angle to PC 1 [degrees]", "angle")
    _spread(axes, time, angles)
    axes.set_ylim(0.0, 90.0)
    axes.legend(fontsize=8, frameon=False)
    ended = STATUS[result.code]
    _title(
        figure,
        rules,
        f"task {task.name}, seed {seed}, {data.initial.shape[0]} data sets: {ended} after {result.steps} presentations",
    )


def _spread(axes: Any, time: Array, values: Array) -> None:
    """Draw one thin line per data set, and their median."""
    axes.plot(time, values, color=BLUE, alpha=0.3, linewidth=0.7)
    axes.plot(time, np.median(values, axis=1), color=RED, linewidth=1.6, label="median")


def _inhibitory_rate(figure: Figure, rules: RuleSet, task: Task, settings: Settings, seed: int) -> None:
    from rulesearch.tasks.inhibitory_rate import simulate_for_plot

    run = simulate_for_plot(task.bind(rules, settings), seed, settings)
    panels: Any = figure.subplots(1, 3)
    axes = panel(panels[0], "time [s]", "firing rate [Hz]", "rate")
    axes.plot(run.time, run.rate, color=BLUE, linewidth=0.9)
    axes.axhline(run.target, color=RED, linestyle="--", linewidth=1.2, label=f"target {run.target:g} Hz")
    _frozen(axes, run.learning, run.time)
    # Linear around the target, logarithmic above: the rate begins far above it.
    axes.set_yscale("symlog", linthresh=2.0 * run.target)
    ticks = [0.0, run.target, 2.0 * run.target, 4.0 * run.target, 10.0 * run.target, 20.0 * run.target]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(0.0, 2.5 * max(2.0 * run.target, float(np.max(run.rate, initial=0.0))))
    axes.legend(fontsize=8, frameon=False, loc="upper right")
    groups = run.group_weights.shape[1]
    axes = panel(panels[1], "time [s]", "mean inhibitory weight", "weights by group of afferents")
    preferred = int(np.argmax(run.excitatory))
    for group in range(groups):
        distance = abs(group - preferred)
        colour = RED if distance == 0 else BLUE
        label = "preferred group" if distance == 0 else "other groups" if distance == 1 and group > preferred else None
        axes.plot(
            run.weight_time,
            run.group_weights[:, group],
            color=colour,
            alpha=1.0 if distance == 0 else 0.55,
            label=label,
        )
    _frozen(axes, run.learning, run.weight_time, label="")
    axes.set_ylim(0.0, 1.4 * max(float(np.nanmax(run.group_weights, initial=0.0)), 1e-6))
    axes.legend(fontsize=8, frameon=False, loc="upper left", ncols=2)
    axes = panel(panels[2], "group of afferents", "mean weight / largest", "tuning after learning")
    numbers = np.arange(1, groups + 1)
    for values, colour, mark, label in (
        (run.excitatory, RED, "o-", "excitatory"),
        (run.inhibitory, BLUE, "s--", "inhibitory"),
    ):
        largest = float(np.max(np.abs(values))) or 1.0
        axes.plot(numbers, values / largest, mark, color=colour, label=label, markersize=4)
    axes.set_ylim(bottom=0.0)
    axes.set_xticks(numbers)
    axes.legend(fontsize=8, frameon=False)
    _title(figure, rules, f"task {task.name}, seed {seed}: {run.status}")


def _target_network(rules: RuleSet, task: Task, settings: Settings, seed: int) -> Figure:
    from rulesearch.tasks.target_network import TargetNetwork

    assert isinstance(task, TargetNetwork)
    run = task.simulate_for_plot(task.bind(rules, settings), seed, settings)
    stretches = [run.learning] if run.scoring is None else [run.learning, run.scoring]
    figure = network_figure(stretches, settings["target"])
    _title(figure, rules, f"task {task.name}, seed {seed}: {stretches[-1].status}")
    return figure


def _frozen(axes: Any, since: float, time: Array, label: str = "weights frozen") -> None:
    end = float(time[-1]) if time.size else since
    if end > since:
        axes.axvspan(since, end, color=GREY, alpha=0.15, linewidth=0, label=label)
    axes.set_xlim(0.0, end)


def _protocols(figure: Figure, rules: RuleSet, task: Task, settings: Settings, seed: int) -> None:
    """Draw measured weight changes with standard errors, what the rule predicts, and how much each point counts."""
    from rulesearch.tasks.stdp_protocols import StdpProtocols

    assert isinstance(task, StdpProtocols)
    trial = task.trial(task.bind(rules, settings), seed, settings, task.fidelities[-1].name)
    data = task.measured()
    place = np.arange(len(data), dtype=np.float64)
    panels: Any = figure.subplots(1, 2, width_ratios=(3, 2))
    axes = panel(panels[0], "", r"$\Delta w / w$", "weight change")
    changes, errors = [item.change for item in data], [item.sem for item in data]
    axes.errorbar(place, changes, errors, fmt="o", color=BLACK, markersize=4, capsize=2, label="measured")
    if "predictions" in trial.details:
        axes.plot(place, trial.details["predictions"], "_", color=RED, markersize=14, markeredgewidth=2.2, label="rule")
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.legend(fontsize=8, frameon=False)
    counts = panel(panels[1], "", r"$z^2$", "share of each point in the error")
    if trial.cases:
        counts.bar(place, trial.cases, color=BLUE)
    for each in (axes, counts):
        each.set_xticks(place, [item.label for item in data], rotation=60, ha="right", fontsize=7)
    found = "".join(f", {name} {value:.3g}" for name, value in trial.metrics.items())
    _title(figure, rules, f"task {task.name}: {trial.status}{found}")


def _metrics(figure: Figure, rules: RuleSet, task: Task, settings: Settings, seed: int) -> None:
    """Draw loss and metrics on some seeds, of the rules and of the task's baseline."""
    seeds = range(seed, seed + _SEEDS)
    outcomes = {
        "this rule": evaluate_rules(task, rules, seeds, settings),
        f"baseline ({task.known_rule})": evaluate_rules(task, task.baseline(settings), seeds, settings),
    }
    first = outcomes["this rule"]
    names = ["loss", *dict.fromkeys(name for each in outcomes.values() for name in each.metrics)][:_METRICS]
    panels: Any = np.atleast_1d(figure.subplots(1, len(names)))
    for axes, name in zip(panels, names, strict=True):
        panel(axes, "seed", "", name)
        for (label, outcome), colour, mark in zip(outcomes.items(), (BLUE, RED), "os", strict=True):
            axes.plot(list(seeds), _values(outcome, name), mark, color=colour, label=label, markersize=5, alpha=0.8)
        axes.set_xticks(list(seeds))
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False
    )
    _title(figure, rules, f"task {task.name}, seeds {seeds[0]} to {seeds[-1]}: {first.status}")


def _values(outcome: Outcome, name: str) -> list[float]:
    found = [trial.loss if name == "loss" else trial.metrics.get(name) for trial in outcome.trials]
    return [float("nan") if value is None else value for value in found]


_FIGURES: dict[str, Callable[..., Any]] = {
    "rulesearch.tasks.target_network:TargetNetwork": _target_network,
    "rulesearch.tasks.inhibitory_rate:InhibitoryRate": _inhibitory_rate,
    "rulesearch.tasks.oja:Oja": _oja,
    "rulesearch.tasks.stdp_protocols:StdpProtocols": _protocols,
}
"""How a task is drawn, by its class, so that none is imported that is not drawn."""
