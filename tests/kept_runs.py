"""A run of two rules that act together, written without a search: it is told what it found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rulesearch.evaluation.evaluator import evaluate_rules
from rulesearch.evaluation.records import STORE
from rulesearch.evaluation.seeds import trial_seeds
from rulesearch.evaluation.store import Store
from rulesearch.symbolic import canonical_size, compare
from rulesearch.tasks import load_task
from rulesearch.workflow.experiment import Experiment, experiment_text
from rulesearch.workflow.front import FrontMember, ReferenceScore, front_csv
from rulesearch.workflow.kept_task import keep_task
from rulesearch.workflow.run import Run, summary_text
from rulesearch.workflow.summary import write_summary

TASK = f"{Path(__file__).with_name('known_pair.py')}:Pair"
BEST = "feedforward[y*(x - w*y)]; lateral[c*x*y; c = -2]"
OTHER = "feedforward[y*(x - w*y)]; lateral[-0.5*x*y - c*w; c = 3]"


def kept_run(folder: Path, texts: Sequence[str] = (BEST, OTHER)) -> Run:
    """Write a run that found the given rules into a folder, with everything that its readers need."""
    folder.mkdir(parents=True)
    task = load_task(TASK)
    settings = task.resolve({})
    seeds = trial_seeds(1, "report", task.protocol.report_trials)
    experiment = Experiment("pair", TASK, "pair", "two rules that act together", seed=1, budget=100)
    members, references = [], []
    for rank, text in enumerate(texts, 1):
        rules = task.spelled_out(task.parse(text), settings)
        outcome = evaluate_rules(task, task.bind(rules, settings), seeds, settings)
        assert outcome.loss is not None
        losses = tuple(trial.loss for trial in outcome.trials if trial.loss is not None)
        verdicts, size = tuple(compare(rules)), canonical_size(rules)
        loss = outcome.loss
        members.append(FrontMember(rank, rules, size, loss, loss, outcome.metrics, verdicts, held_out_losses=losses))
    for label, rules in task.references(settings).items():
        outcome = evaluate_rules(task, task.bind(rules, settings), seeds, settings)
        scored = outcome.status, outcome.loss, outcome.metrics, outcome.loss
        references.append(ReferenceScore(label, task.spelled_out(rules, settings), *scored))
    sentence = f"solved: a rule of size {members[0].size} ({members[0].known_as})"
    told = 120, 100, 2.0, sentence, tuple(members), tuple(references)
    run = Run(folder, experiment, "done", *told, chosen_on="5 selection seeds", held_out_on="10 held-out seeds")
    store = Store(folder / STORE)
    keep_task(folder, TASK, settings, store)
    store.set_fact("summary", summary_text(run))
    store.close()
    (folder / "experiment.toml").write_text(experiment_text(experiment, {}), "utf-8")
    (folder / "front.csv").write_text(front_csv(run.members), "utf-8")
    write_summary(run)
    return run
