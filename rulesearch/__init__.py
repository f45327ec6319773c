"""Search for synaptic plasticity rules, simulate them, and write them down.

```
import rulesearch as rs

run = rs.discover("oja", budget=2000)
run.front
rs.evaluate("y*(x - w*y)", task="oja", seeds=5).metrics
```

Importing the package imports nothing heavy: each part is loaded when it is first used.
"""

from __future__ import annotations

from rulesearch.calling import checked
from rulesearch.display import draw_with

TYPE_CHECKING = False
"""Type checkers take it for true; `typing` takes time that Ctrl-C at the command line should not fall into."""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from matplotlib.figure import Figure

    from rulesearch import tasks
    from rulesearch.errors import RulesearchError
    from rulesearch.evaluation.outcome import Outcome
    from rulesearch.export.citations import Citation
    from rulesearch.export.exporting import export
    from rulesearch.grammar import Grammar, load_grammar
    from rulesearch.rules import KnownRule, Rule, RuleSet, known_rules
    from rulesearch.simulate import Recording
    from rulesearch.simulate.synapse.respond import Response
    from rulesearch.symbolic import Comparison, Simplification
    from rulesearch.tasks.task import Task
    from rulesearch.workflow.clean_up import CleanUp
    from rulesearch.workflow.compared_runs import RunGroup
    from rulesearch.workflow.decided import Decided
    from rulesearch.workflow.experiment import Experiment
    from rulesearch.workflow.families import Family
    from rulesearch.workflow.fitted import Fitted
    from rulesearch.workflow.predicted import Predicted
    from rulesearch.workflow.run import Run
    from rulesearch.workflow.side_by_side import Behaviour
    from rulesearch.workflow.stress import StressTest

    RuleLike = str | Rule | RuleSet | KnownRule

__version__ = "0.1.0"

__all__ = [
    "Grammar",
    "Rule",
    "RuleSet",
    "RulesearchError",
    "Run",
    "__version__",
    "cite",
    "compare",
    "compare_runs",
    "decide",
    "discover",
    "distil",
    "evaluate",
    "export",
    "families",
    "fit",
    "known_rules",
    "load_grammar",
    "plot",
    "predict",
    "respond",
    "resume",
    "rule",
    "side_by_side",
    "simplify",
    "stress",
    "tasks",
    "write_report",
]

_PLACES: dict[str, str] = {
    "Grammar": "rulesearch.grammar",
    "Rule": "rulesearch.rules",
    "RuleSet": "rulesearch.rules",
    "RulesearchError": "rulesearch.errors",
    "Run": "rulesearch.workflow.run",
    "known_rules": "rulesearch.rules",
    "load_grammar": "rulesearch.grammar",
}
_MODULES = ("export", "tasks")


def _draw(result: Run | Outcome | Comparison) -> str:
    from rulesearch.report.notebook import result_html

    return result_html(result)


draw_with(_draw)


def __getattr__(name: str) -> Any:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"rulesearch.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 'rulesearch' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@checked
def discover(experiment: str | Path | Experiment, **options: Any) -> Run:
    """Search for rules and return the run; everything is written into its folder.

    **Arguments:** `experiment`: a shipped name, a TOML file, or an experiment; `options`: fields
    of the experiment that are to be others, such as engine, seed, budget (see
    `rulesearch.workflow.experiment.Experiment`); those of `rulesearch.workflow.discover.discover`: workers, scheduler,
    out, watch, notify; and `live`: keep a page of it while it goes on, `report`: write the page at the end (True).
    **Raises:** `RulesearchError` for wrong input, before anything is written.
    """
    from rulesearch.searching import searched
    from rulesearch.workflow import discover as workflow

    return searched(workflow.discover, (experiment,), options)


@checked
def distil(table: object, target: str | None = None, **options: Any) -> Run:
    """Find the rule behind a table of measured weight changes: of protocols, or of what they may be a function of.

    **Arguments:** `table`: a file with a header, a data frame, or a dict of columns; `target`: the column of weight
    changes, `change` in a table of protocols; `options` as of `discover`, and: `error`: the column of their standard
    errors, by which rows weigh; `weight`: a column of weights; `ignore`: columns to leave out; `gaps`: `skip` leaves
    rows out that lack a value; `repeats` and `every` [ms] of protocols that do not tell theirs; `grammar` is one over
    the columns where none is given.
    """
    from rulesearch.searching import searched
    from rulesearch.workflow import discover as workflow

    return searched(workflow.distil, (table, target), options)


@checked
def resume(folder: str | Path, **options: Any) -> Run:
    """Go on where a run stopped, to the same result as without the stop.

    **Arguments:** `options` of `rulesearch.workflow.discover.resume`: workers, scheduler, trust, watch, notify; and
    live, report (as the run was begun, where not given).
    **Raises:** `RulesearchError` where the folder holds no run.
    """
    from rulesearch.searching import searched
    from rulesearch.workflow import discover as workflow

    return searched(workflow.resume, (folder,), options)


@checked
def rule(what: RuleLike) -> Rule:
    """Return one rule: `rs.rule("x*y - w*y**2")`, `rs.rule("on_pre: y - 0.25; on_post: x; eta = 0.01")`.

    **Arguments:** `what`: rule text, a known name, a file, `RUN:RANK`, or a rule; an expression by itself is `on_step`.
    **Raises:** `RulesearchError` where it cannot be read, or is a set of several rules.
    """
    from rulesearch.workflow.resolve import as_rules

    return as_rules(what, None).only()


@checked
def write_report(run: Run | str | Path) -> Path:
    """Write the page of a run, `report.html` in its folder, and return its path.

    **Raises:** `RulesearchError` where the folder holds no concluded run.
    """
    from rulesearch.report import page
    from rulesearch.workflow.run import Run

    return page.write_report(run if isinstance(run, Run) else Run.open(run))


@checked
def evaluate(
    rule: RuleLike,
    task: str | Task,
    seeds: int = 1,
    first_seed: int = 0,
    settings: Mapping[str, str | float] | None = None,
    backend: str = "auto",
) -> Outcome:
    """Score a rule on a task, at full fidelity, on the seeds `first_seed` to `first_seed + seeds - 1`.

    **Arguments:** `rule`: rule text, a known name, a file, `RUN:RANK`, or a rule; `task`: its name, `file.py:Name`, or
    a task; `settings` that differ from the task's defaults; `backend`: `vm` (bytecode), `jit` (compiled), or `auto`:
    the first seed runs on the vm, and the others compiled where they count more than 5e7 updates.
    **Raises:** `RulesearchError` where the rule does not fit the task, or an argument is wrong. A simulation that
    goes wrong is a result: see `Outcome.status`.
    """
    from rulesearch.errors import RulesearchError, did_you_mean
    from rulesearch.evaluation.evaluator import evaluate_rules
    from rulesearch.given import whole_number
    from rulesearch.tasks.registry import as_task
    from rulesearch.workflow.resolve import as_rules

    seeds = whole_number(seeds, "seeds", 1)
    first_seed = whole_number(first_seed, "the first seed", 0)
    if backend not in ("auto", "jit", "vm"):
        raise RulesearchError(f"unknown backend {backend!r}{did_you_mean(backend, ('auto', 'jit', 'vm'))}")
    on = as_task(task)
    rules, values = as_rules(rule, on), on.resolve(settings)
    return evaluate_rules(on, rules, range(first_seed, first_seed + seeds), values, backend)


@checked
def respond(
    rule: RuleLike,
    pre: Sequence[float] = (),
    post: Sequence[float] = (),
    repeats: int = 1,
    every: float | None = None,
    w0: float = 0.5,
    voltage: str | Path | None = None,
) -> Response:
    """Return how one synapse responds to given spike times, exactly: from event to event, without a time grid.

    **Arguments:** `pre` and `post`: spike times [ms]; `repeats` of them, `every` so many ms; `w0`: the weight at the
    start; `voltage`: a CSV file of times [ms] and potentials [mV] that clamps the membrane potential, which is
    linear between them and held behind the last one.
    **Raises:** `RulesearchError` where the rule reads what spikes and weight do not determine, or a time is wrong.
    """
    from rulesearch.given import file_path, real_number, real_numbers, whole_number
    from rulesearch.simulate.synapse.respond import respond as exact
    from rulesearch.simulate.synapse.synapse import read_voltage
    from rulesearch.workflow.resolve import as_rules

    one = as_rules(rule, None).only()
    clamped = None if voltage is None else read_voltage(file_path(voltage, "voltage"))
    given = {"pre": pre, "post": post}
    times = {side: real_numbers(each, side, "[0, 50] ms") for side, each in given.items()}
    before, after = ([1e-3 * time for time in each] for each in times.values())
    period = None if every is None else 1e-3 * real_number(every, "every")
    count = whole_number(repeats, "repeats", 1)
    return exact(one, before, after, count, period, real_number(w0, "w0"), voltage=clamped)


@checked
def compare(
    rule: RuleLike,
    others: RuleLike | Iterable[RuleLike] | None = None,
    task: str | Task | None = None,
    on: str | Iterable[str] = (),
) -> Comparison:
    """Compare a rule with another, or with several (by default all known rules), nearest first.

    **Arguments:** `task`: its symbols and default slot are used to read rule text, and its own known rule is one of the
    known rules; `on`: sets of values that symbols can take, such as `R in {-1, 1}` or `w in [0, 1]`; without them all
    real numbers.
    **Raises:** `RulesearchError` where a rule or set cannot be read.
    """
    from rulesearch import symbolic
    from rulesearch.tasks.registry import as_task
    from rulesearch.workflow.known_verdicts import known_verdicts
    from rulesearch.workflow.resolve import as_known, as_rules, each_rule

    place = None if task is None else as_task(task)
    values = symbolic.parse_reachable(on)
    if others is None:
        return symbolic.Comparison(known_verdicts(as_rules(rule, place), place, on=values))
    against = [as_known(other, place) for other in each_rule(others)]
    return symbolic.Comparison(symbolic.compare(as_rules(rule, place), against, values))


@checked
def side_by_side(
    rule: RuleLike,
    others: RuleLike | Iterable[RuleLike],
    task: str | Task,
    settings: Mapping[str, str | float] | None = None,
    seeds: int = 5,
    with_baseline: bool = True,
) -> list[Behaviour]:
    """Simulate a rule beside others on a task, each at its own and at its best learning rate; the rule comes first.

    **Arguments:** others that do not fit the task are left out; `with_baseline`: the task's known rule comes too.
    **Raises:** `RulesearchError` where a rule cannot be read, or the first does not fit the task.
    """
    from rulesearch.given import whole_number
    from rulesearch.tasks.registry import as_task
    from rulesearch.workflow.resolve import as_rules, each_rule, titled
    from rulesearch.workflow.side_by_side import labelled, side_by_side

    count = whole_number(seeds, "seeds", 1)
    on = as_task(task)
    values = on.resolve(settings)
    beside = [(f"{on.known_rule}, as the task has it", on.baseline(values))] if with_baseline else []
    beside += [titled(other) for other in each_rule(others)]
    return side_by_side(as_rules(rule, on), labelled(beside), on, values, count)


@checked
def stress(
    rule: RuleLike,
    task: str | Task,
    settings: Mapping[str, str | float] | None = None,
    seeds: int | None = None,
    only: str | Iterable[str] = (),
    notify: Callable[[str], None] = lambda _: None,
) -> StressTest:
    """Say whether a rule holds when the experiment is changed, the task's known rule beside it: condition by condition.

    **Arguments:** `seeds`: how many held-out ones (by default as many as a report looks into rules on); `only`: one
    condition by name, or several, such as `halved time step`; `notify` is called with what is being simulated.
    **Raises:** `RulesearchError` where the rule does not fit the task, or there is no such condition.
    """
    from rulesearch.evaluation.seeds import trial_seeds
    from rulesearch.given import several, whole_number
    from rulesearch.tasks.registry import as_task
    from rulesearch.workflow.resolve import as_rules
    from rulesearch.workflow.stress import stress as stressed

    on = as_task(task)
    count = on.telling(on.protocol.evidence_seeds) if seeds is None else whole_number(seeds, "seeds", 1)
    names = several(only, str, "a condition")
    return stressed(as_rules(rule, on), on, on.resolve(settings), trial_seeds(0, "report", count), names, notify)


@checked
def fit(rule: RuleLike, table: object, target: str | None = None, **options: Any) -> Fitted:
    """Fit the constants, time constants and, where it gives none, the learning rate of a rule to a table.

    **Arguments:** `table`, `target`: as of `distil`; `options`: `own`: names of numbers that each preparation has for
    itself; `fixed`: numbers that are held, such as `{"tau_x": "16.8 ms"}`; `error`, `ignore`, `gaps`, `repeats`,
    `every`, `group` as of `distil`; `before`: the weight before protocols in the rule's unit (else 1, and no bounds);
    `seed` of the points that fits start from.
    **Raises:** `RulesearchError` for whatever is wrong with rule, table or names.
    """
    from rulesearch.workflow.fitted import fit_rule

    return checked(fit_rule)(rule, table, target, **options)


@checked
def predict(rules: RuleLike | Iterable[RuleLike] | Run, table: object = None, **options: Any) -> Predicted:
    """Predict the weight change under other protocols by rules that are fitted to a table, with intervals.

    **Arguments:** `rules`: texts, or a run on measurements, for all of its front; `pre` and `post` [ms] with `repeats`
    and `every` [ms], or `protocols`, a table of these; others as of `rulesearch.workflow.predicted.predict`.
    **Raises:** `RulesearchError` for whatever is wrong with these; `MissingPartError` without emcee.
    """
    from rulesearch.workflow.predicted import predict as predicted

    return predicted(rules, table, **options)


@checked
def decide(rules: RuleLike | Iterable[RuleLike] | Run, table: object = None, **options: Any) -> Decided:
    """Rank protocols by what measuring them would tell of which of several rules stands behind a table.

    **Arguments:** `rules`, `table` as of `predict`; `candidates`: a table of protocols that can be done, many usual
    ones where not given; `pairs`: how often these repeat; others as of `rulesearch.workflow.decided.decide`.
    **Raises:** `RulesearchError` for whatever is wrong with these; `MissingPartError` without emcee.
    """
    from rulesearch.workflow.decided import decide as decided

    return decided(rules, table, **options)


@checked
def simplify(
    rule: RuleLike,
    task: str | Task | None = None,
    settings: Mapping[str, str | float] | None = None,
    on: str | Iterable[str] = (),
) -> Simplification | CleanUp:
    """Return a rule in its shortest equivalent form; with a task, also without what does not matter there.

    **Arguments:** `on`, where there is no task: sets of values that symbols can take, such as `y in [0.1, 2]`.
    **Raises:** `RulesearchError` where the rule or a set cannot be read, or the rule does not fit the task.
    """
    from rulesearch import symbolic
    from rulesearch.errors import RulesearchError
    from rulesearch.tasks.registry import as_task, needs_task
    from rulesearch.workflow.resolve import as_rules

    reachable = symbolic.parse_reachable(on)
    if task is None:
        needs_task(settings)
        return symbolic.simplify(as_rules(rule, None), reachable)
    if reachable:
        raise RulesearchError("symbols take the values that the task gives them; leave out the task or the sets")
    from rulesearch.workflow.clean_up import simplify_on_task

    place = as_task(task)
    return simplify_on_task(as_rules(rule, place), place, place.resolve(settings))


@checked
def plot(
    what: RuleLike | Run | Recording | Sequence[RuleLike | Run | Recording],
    task: str | Task | None = None,
    settings: Mapping[str, str | float] | None = None,
    *,
    first_seed: int = 0,
    weight: float = 0.5,
) -> Figure:
    """Return a figure of a rule, of several rules side by side, of the front of a run, or of a network's recording.

    A rule shows its STDP window, or its weight change over x and y; with a task, what the simulation did. Several stand
    on the same axes. A recording shows spikes and rates, and weights and potentials where they were written down.

    **Arguments:** `first_seed`: the seed that is simulated on the task, with its `settings`; `weight` before the spikes
    of a window.
    **Raises:** `RulesearchError` where a rule cannot be read, does not fit the task, or does not go with the others.
    """
    from collections.abc import Sequence

    from rulesearch.errors import RulesearchError
    from rulesearch.given import real_number, whole_number
    from rulesearch.report import figures
    from rulesearch.simulate.network.recording import Recording
    from rulesearch.tasks.registry import as_task, needs_task
    from rulesearch.workflow.resolve import as_rules, titled
    from rulesearch.workflow.run import Run
    from rulesearch.workflow.side_by_side import labelled

    seed, start = whole_number(first_seed, "the first seed", 0), real_number(weight, "the weight")
    several = [what] if isinstance(what, str) or not isinstance(what, Sequence) else list(what)
    alone = [each for each in several if isinstance(each, Run | Recording)]
    if len(several) != 1 and (not several or alone or task is not None):
        raise RulesearchError(
            "a run, a recording, and a rule on a task is drawn by itself; without a task rules go side by side"
        )
    if task is None:
        needs_task(settings)
    if alone:
        (found,) = alone
        return figures.front_figure(found) if isinstance(found, Run) else figures.network_figure(found)
    if task is not None:
        on = as_task(task)
        return figures.task_figure(as_rules(several[0], on), on, on.resolve(settings), seed)  # type: ignore[arg-type]
    named = labelled([titled(each) for each in several])  # type: ignore[arg-type]
    if len(named) == 1:
        return figures.rule_figure(next(iter(named.values())), start)
    return figures.beside_figure(named, start)


@checked
def families(*runs: Run | str | Path, count: int = 100) -> list[Family]:
    """Return the families of rules that runs found: the same terms, whatever the constants; the best first.

    **Arguments:** `count`: best rules of each search besides its front.
    **Raises:** `RulesearchError` where a folder holds no concluded run.
    """
    from rulesearch.given import whole_number
    from rulesearch.workflow.families import families as grouped
    from rulesearch.workflow.families import found_by
    from rulesearch.workflow.run import Run

    best = whole_number(count, "count", 0)
    opened = [run if isinstance(run, Run) else Run.open(run) for run in runs]
    return grouped([each for run in opened for each in found_by(run, best)])


@checked
def compare_runs(*runs: Run | str | Path) -> list[RunGroup]:
    """Return runs beside each other, a group for each experiment and engine, with what its seeds came to.

    **Arguments:** runs, run folders, or folders that hold them.
    **Raises:** `RulesearchError` where a folder is none or holds no run.
    """
    from rulesearch.workflow.compared_runs import grouped_runs, open_runs
    from rulesearch.workflow.run import Run

    places = [each for each in runs if not isinstance(each, Run)]
    opened = [each for each in runs if isinstance(each, Run)]
    return grouped_runs([*opened, *open_runs(places)[0]])


@checked
def cite(what: RuleLike | Run) -> list[Citation]:
    """Return what to cite for a rule or a run, as BibTeX entries with the reason of each.

    **Raises:** `RulesearchError` where the rule cannot be read.
    """
    from rulesearch.export.citations import cite as citations
    from rulesearch.workflow.resolve import as_rules
    from rulesearch.workflow.run import Run

    return citations(what if isinstance(what, Run) else as_rules(what, None))
