"""The main job: search, clean up, conclude; into a run folder that can be resumed."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

from rulesearch.errors import RulesearchError, why
from rulesearch.evaluation.evaluator import Evaluator
from rulesearch.evaluation.records import STORE, is_run, reading, run_folder
from rulesearch.evaluation.store import Store
from rulesearch.evaluation.workers import LostWorkersError
from rulesearch.files import name_from, read_text
from rulesearch.grammar import load_grammar
from rulesearch.interruption import resumable
from rulesearch.measurements.columns import columns_of
from rulesearch.measurements.protocols import CHANGE, check_target
from rulesearch.measurements.sheet import csv_text, read_table
from rulesearch.search.engine import load_engine
from rulesearch.search.problem import Problem
from rulesearch.tasks.registry import load_task
from rulesearch.tasks.source import unpacked
from rulesearch.workflow.asked import Asked
from rulesearch.workflow.begun import check_begun, lacking, note_begun
from rulesearch.workflow.clock import Clock, OutOfTime, kept_after, without_page
from rulesearch.workflow.conclude import Conclusion, conclude, provisional
from rulesearch.workflow.evidence import forget
from rulesearch.workflow.experiment import Experiment, experiment_text, read_experiment
from rulesearch.workflow.forecast import forecast
from rulesearch.workflow.front import front_csv
from rulesearch.workflow.kept_task import keep_task, kept_reference
from rulesearch.workflow.looks import looked_before
from rulesearch.workflow.permuted import compare_with_permuted
from rulesearch.workflow.plan import Plan, planned
from rulesearch.workflow.problems import fitted_grammar, problem_of
from rulesearch.workflow.run import Run, summary_text
from rulesearch.workflow.summary import write_summary
from rulesearch.writing import write_text

Watch = Callable[[Problem], None]
Notify = Callable[[str], None]

_MOST_WORKERS = 1024
_STRUCTURES = 1500
"""Structures that are tried under a table of protocols, where no budget is given."""
_PACKAGES = ("rulesearch", "numpy", "numba", "deap", "cma", "sympy")


def _quiet(_: str) -> None:
    return None


def discover(
    experiment: str | Path | Experiment,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    out: str | Path | None = None,
    watch: Watch | None = None,
    notify: Notify = _quiet,
    report: bool = True,
    **changes: Any,
) -> Run:
    """Search for rules and return the run.

    **Arguments:** `workers`: processes that simulate beside this one (1: none, this one has two threads); `scheduler`:
    address of a Dask scheduler, whose workers simulate; `out`: the run folder; `watch` is called after every
    generation, `notify` with what is being done after the search; `report`: whether a page will be written of the run,
    which its folder notes for `resume`; `changes`: fields of the experiment that are given
    win over its file: see `Experiment`.
    Ctrl-C (`KeyboardInterrupt`) ends the search with what was found.
    **Raises:** `RulesearchError` for wrong input, before anything is written.
    """
    plan = planned(experiment, changes)
    with _evaluator(plan, workers, scheduler) as evaluator:
        return _begin(plan, evaluator, out, watch, notify, report)


def _evaluator(plan: Plan, workers: int, scheduler: str | None) -> Evaluator:
    if isinstance(workers, bool) or not isinstance(workers, Integral) or not 1 <= workers <= _MOST_WORKERS:
        raise RulesearchError(f"workers must be a whole number in 1 to {_MOST_WORKERS}, found {workers!r}")
    return Evaluator(plan.reference, plan.settings, plan.experiment.backend, workers, scheduler)


def _begin(
    plan: Plan, evaluator: Evaluator, out: str | Path | None, watch: Watch | None, notify: Notify, report: bool
) -> Run:
    folder = _new_folder(plan.experiment, out)
    write_text(folder / "experiment.toml", experiment_text(plan.experiment, _versions()))
    write_text(folder / "grammar.toml", plan.grammar_text)
    store = Store(folder / STORE)
    try:
        keep_task(folder, plan.reference, plan.settings, store)
        note_begun(folder, store, report)
    finally:
        store.close()
    with resumable(folder):
        return _run(plan, evaluator, folder, watch, notify)


def distil(
    table: object,
    target: str | None = None,
    *,
    error: str | None = None,
    weight: str | None = None,
    ignore: str | Sequence[str] = (),
    gaps: str | None = None,
    repeats: float | None = None,
    every: float | None = None,
    own: str | Sequence[str] = (),
    group: str | None = None,
    grammar: str | None = None,
    **others: Any,
) -> Run:
    """Search for the rule behind a table of measured weight changes, and return the run.

    Its rows are protocols where it has columns `pre_ms` and `post_ms`, spike times with blanks between, or `dt_ms`;
    else its other columns are what changes may be a function of.

    **Arguments:** `table`: a file with a header, a data frame, or a dict of columns; `target`: the column of weight
    changes, `change` in a table of protocols where none is given; `error`: that of their standard errors, by which
    rows weigh (one that is called sem is found by itself); `weight`: that of weights; `ignore`: columns to leave out,
    all others are symbols; `gaps`: `skip` leaves rows out that lack a value; `repeats`, and the time `every` [ms] from
    one to the next: of protocols that have no such columns; `own`: numbers that each preparation has for itself, `eta`
    or kinds of constants of the grammar, such as `tau`; `group`: the column that tells preparations apart,
    `preparation` where it is not given; `grammar`: over the columns where none is given; `others` as
    of `discover`.
    **Raises:** `RulesearchError` where the table cannot be read, before anything is written.
    """
    columns = columns_of(target or CHANGE, error, weight, ignore, gaps, repeats, every, own, group)
    sheet = read_table(table)
    if isinstance(table, (str, Path)):
        path = Path(table)
    else:
        path = unpacked({"frame.csv": csv_text(sheet).encode()}) / "frame.csv"
    check_target(sheet, columns, target)
    reference = f"{path}:{columns}"
    task = load_task(reference)
    name = f"distil-{name_from(path.stem)}"
    given = next((name for name in ("own", "group") if getattr(columns, name)), None)
    if given and not task.protocol.fits_numbers:
        raise RulesearchError(f"{given}: {path} has no protocols; numbers of functions of columns are one for all rows")
    if task.protocol.fits_numbers:
        # Each of these is a structure whose numbers are fitted.
        others.setdefault("budget", _STRUCTURES)
    return discover(Experiment(name, reference, grammar or task.grammar, task.summary), **others)


def resume(
    folder: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    trust: bool = False,
    watch: Watch | None = None,
    notify: Notify = _quiet,
) -> Run:
    """Go on where a run stopped: the search is replayed from the store and continued to the same result.

    A run that ended with a limit of time is returned as it is: what it would come to now is for the clock to say.

    **Arguments:** `trust`: the run's task file may be run although it is not known here, or not the one that the run
    was made with; others as of `discover`.
    **Raises:** `RulesearchError` where the folder holds no run, its task file must be trusted first, or its experiment
    or grammar is not the one that the run began with.
    """
    path = run_folder(folder)
    missing = lacking(path)
    if missing:
        raise RulesearchError(f"{path} is not a run folder: it has no {missing}; see them with: rulesearch runs")
    experiment = read_experiment(path / "experiment.toml")
    reference = kept_reference(path, experiment.task, trust)
    if is_run(path):
        with reading(path) as records:
            check_begun(path, experiment, records)
    if experiment.time_limit is not None:
        with suppress(RulesearchError):
            run = Run.open(path)
            if run.status != "interrupted":
                return run
    task = load_task(reference)
    grammar = fitted_grammar(load_grammar(path / "grammar.toml"), experiment, task)
    text = read_text(path / "grammar.toml")
    plan = Plan(experiment, reference, task, task.resolve(experiment.settings), grammar, text)
    with _evaluator(plan, workers, scheduler) as evaluator, resumable(path):
        return _run(plan, evaluator, path, watch, notify)


def predict(experiment: str | Path | Experiment, **changes: object) -> dict[str, object]:
    """Predict how long a run takes: its search is tried for ten seconds or some more, what comes after it is counted.

    **Arguments:** `changes` as of `discover`.
    """
    plan = planned(experiment, changes)
    with _evaluator(plan, 1, None) as evaluator:
        return forecast(plan.experiment, evaluator, plan.grammar)


def _new_folder(experiment: Experiment, out: str | Path | None) -> Path:
    if out is None:
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        base = Path("results") / f"{stamp}-{experiment.name}-{experiment.seed}"
        folder, number = base, 2
        while folder.exists():
            folder, number = base.with_name(f"{base.name}-{number}"), number + 1
    else:
        if not isinstance(out, str | os.PathLike) or not str(out).strip():
            raise RulesearchError(f"--out must name the run folder, such as results/my-run, found {out!r}")
        folder = Path(out)
        if os.path.exists(folder) and (not folder.is_dir() or any(folder.iterdir())):
            hint = f"; go on with: rulesearch resume {folder}" if (folder / STORE).exists() else ""
            raise RulesearchError(f"{folder} exists and is not empty; choose another --out{hint}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise RulesearchError(f"the run folder {folder} cannot be made: {getattr(error, 'strerror', error)}") from None
    return folder


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _run(plan: Plan, evaluator: Evaluator, folder: Path, watch: Watch | None, notify: Notify) -> Run:
    experiment = plan.experiment
    clock = Clock(without_page(experiment.time_limit))
    store = Store(folder / STORE)
    store.set_fact("hardware", f"{platform.machine()}, {os.cpu_count()} processors")
    try:
        problem = problem_of(experiment, evaluator, plan.grammar, store, watch)
        status, conclusion, effort = _search(problem, evaluator, store, experiment, notify, clock)
        seen = looked_before(store, problem.progress.distinct, conclusion.held_out_on)
        if seen:
            forget(store)
        run = Run(
            folder,
            experiment,
            status,
            problem.progress.evaluations,
            problem.progress.distinct,
            problem.progress.seconds,
            "; ".join(filter(None, (conclusion.sentence, seen))),
            conclusion.members,
            conclusion.references,
            conclusion.conditions,
            dict(sorted(problem.progress.deaths.items())),
            None if problem.certificate is None else problem.certificate.to_json(),
            None if conclusion.permuted is None else conclusion.permuted.to_json(),
            effort,
            conclusion.chosen_on,
            conclusion.held_out_on,
            conclusion.solved,
            conclusion.recommended,
            None if conclusion.account is None else conclusion.account.to_json(),
        )
        # Whatever fails from here on, the front stands.
        write_text(folder / "front.csv", front_csv(run.members))
        store.set_fact("summary", summary_text(run))
    except LostWorkersError as error:
        raise RulesearchError(f"{error}; what was found is kept; go on with: rulesearch resume {folder}") from None
    finally:
        store.close()
    try:
        write_summary(run)
    except Exception as error:
        notify(f"summary.json could not be written: {why(error)}")
    return run


def _search(
    problem: Problem, evaluator: Evaluator, store: Store, experiment: Experiment, notify: Notify, clock: Clock
) -> tuple[str, Conclusion, dict[str, Any]]:
    """Return the status, what was found, and what the search alone took."""
    asked = Asked.of(experiment, problem)
    try:
        begun = problem.progress.seconds
        problem.goal = problem.threshold()
        if clock.limited:
            trial = (problem.progress.seconds - begun) / problem.full.trials
            kept = kept_after(clock.left, trial, problem.task)
            problem.deadline.limit = problem.progress.seconds + clock.left - kept
        load_engine(experiment.engine, experiment.options).run(problem)
        status = "stopped" if problem.stopped_by in ("time", "stop-loss") else "done"
        effort = _effort(problem)
        spent = experiment.budget if problem.stopped_by == "budget" else problem.progress.distinct
        conclusion = _concluded(problem, evaluator, store, notify, clock, asked)
    except KeyboardInterrupt:
        notify("interrupted: keeping what was found")
        return "interrupted", provisional(problem, asked), _effort(problem)
    try:
        permuted = compare_with_permuted(experiment, problem, conclusion.rank, spent, store, notify, clock)
    except KeyboardInterrupt:
        notify("interrupted: the front stands, but how likely it is by chance is not known")
        return "interrupted", conclusion, effort
    except Exception as error:
        said = f"how likely the result is by chance is not known ({why(error)})"
        return status, replace(conclusion, sentence=f"{conclusion.sentence}; {said}"), effort
    sentences = [conclusion.sentence, permuted.sentence() if permuted else "", clock.sentence()]
    return status, replace(conclusion, sentence="; ".join(filter(None, sentences)), permuted=permuted), effort


def _concluded(
    problem: Problem, evaluator: Evaluator, store: Store, notify: Notify, clock: Clock, asked: Asked | None
) -> Conclusion:
    """Return what a search comes to; where that cannot be found out, the front as the search left it."""
    try:
        return conclude(problem, evaluator, store, notify, clock, asked)
    except LostWorkersError:
        raise
    except OutOfTime:
        return provisional(problem, asked, "no time was left for the clean-up; losses are those of the search")
    except Exception as error:
        said = f"the front is as the search left it, since what comes after the search failed: {why(error)}"
        notify(said)
        return provisional(problem, asked, f"{said}; losses are those of the search, nothing was held out")


def _effort(problem: Problem) -> dict[str, Any]:
    progress = problem.progress
    return {
        "evaluations": progress.evaluations,
        "distinct": progress.distinct,
        "duplicates": progress.duplicates,
        "first_hit": progress.first_hit,
        "simulated": progress.simulated,
        "clock": problem.task.clock,
        "work": progress.work,
        "seconds": progress.seconds,
    }
