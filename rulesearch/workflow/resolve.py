"""Whatever stands for a rule: its text, a known rule's name, a file, or a run and rank."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.evaluation.records import STORE, SUMMARY, is_run
from rulesearch.files import read_text
from rulesearch.given import several
from rulesearch.rules.json_format import rules_from_json
from rulesearch.rules.library import KnownRule, find_known, near_name
from rulesearch.rules.rule import Rule, RuleSet
from rulesearch.rules.states import SLOTS
from rulesearch.rules.text import parse_rules
from rulesearch.rules.unread import check_read
from rulesearch.tasks.task import Task
from rulesearch.workflow.experiment import read_experiment
from rulesearch.workflow.kept_task import described_task

RuleLike = str | Rule | RuleSet | KnownRule

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*", re.ASCII)
_RANK = re.compile("-?[0-9]{1,30}")
_PATH = re.compile(r"[^\s:;()*]*/[^\s:;()*]*")
_MEMBER = re.compile(r"(.+)\[([A-Za-z_]\w*)\]", re.ASCII)


def read_rules(
    argument: str,
    task: Task | None = None,
    names: Sequence[str] | None = None,
    symbols: Collection[str] | None = None,
) -> RuleSet:
    """Return the rules that an argument stands for; with a task, checked to fit it.

    **Arguments:** `names` of the task's rules that are wanted, as of `Task.fitted`; `symbols` that rule text may read
    where there is no task, by default the common ones.
    **Raises:** `RulesearchError`.
    """
    text = argument.strip()
    known = find_known(text)
    if known is not None:
        rules = known.rules
    elif (member := _member(text)) is not None:
        rules = member
    elif text.endswith(".json"):
        rules = _from_file(Path(text))
    elif (found := _run_and_rank(text)) is not None:
        rules = _from_run(*found)
    else:
        try:
            return parse_rules(argument, symbols=symbols) if task is None else task.parse(argument, names)
        except RulesearchError:
            if is_run(Path(text)):
                raise RulesearchError(f"{text} is a folder; a rule of a run is given as {text.rstrip('/')}:1") from None
            match = _MEMBER.fullmatch(text)
            name = match[1] if match else text
            near = near_name(name) if _NAME.fullmatch(name) else None
            if near is None:
                raise
            raise RulesearchError(f"{name!r} is no known rule, and no expression; did you mean {near!r}?") from None
    return rules if task is None else task.fitted(rules, names)


def as_rules(rule: RuleLike, task: Task | None, symbols: Collection[str] | None = None) -> RuleSet:
    """Return the rules that a text stands for, or that are given; with a task, checked to fit it.

    **Arguments:** `symbols` as of `read_rules`.
    **Raises:** `RulesearchError`, also for what is no rule at all.
    """
    if isinstance(rule, str):
        return read_rules(rule, task, symbols=symbols)
    found = rule.rules if isinstance(rule, KnownRule) else RuleSet.single(rule) if isinstance(rule, Rule) else rule
    if not isinstance(found, RuleSet):
        raise RulesearchError(f"a rule is its text, a known name, a file, RUN:RANK, or a rule, found {shown(found)}")
    check_read(found)
    return found if task is None else task.fitted(found)


def each_rule(rules: RuleLike | Iterable[RuleLike]) -> list[RuleLike]:
    """Return rules one by one; a single one may stand for itself; raises `RulesearchError`."""
    return several(rules, (str, Rule, RuleSet, KnownRule), "what a rule is compared with")


def as_known(rule: RuleLike, task: Task | None) -> KnownRule | RuleSet:
    """Return the known rule of a name, or other rules as `as_rules` does."""
    known = find_known(rule) if isinstance(rule, str) else rule
    return known if isinstance(known, KnownRule) else as_rules(rule, task)


def titled(rule: RuleLike) -> tuple[str, RuleSet]:
    """Return the title of a known rule, or the text of any other, and the rules."""
    found = as_known(rule, None)
    return (found.title, found.rules) if isinstance(found, KnownRule) else (str(found), found)


def task_of(argument: str) -> tuple[Task, dict[str, float]] | None:
    """Return the task that the rule of a run was found on, and its settings; None where the run does not tell."""
    text = argument.strip()
    found = None if find_known(text) is not None else _run_and_rank(text)
    if found is None:
        return None
    folder, _ = found
    experiment = read_experiment(folder / "experiment.toml")
    try:
        task = described_task(folder, experiment.task)
    except RulesearchError:
        return None
    return task, task.resolve(experiment.settings)


def member_of(text: str) -> tuple[str, str] | None:
    """Return the set and the name of its rule that `confavreux-quartet[EE]` stands for; None for other text."""
    match = _MEMBER.fullmatch(text)
    if match is None:
        return None
    whole, name = match.groups()
    if find_known(whole) is None and not whole.endswith(".json") and _run_and_rank(whole) is None:
        return None
    return whole, name


def _member(text: str) -> RuleSet | None:
    """Return one rule of a set that is known, in a file or of a run, `confavreux-quartet[EE]`; None for other text.

    **Raises:** `RulesearchError` where the set has no rule of that name.
    """
    parts = member_of(text)
    if parts is None:
        return None
    whole, name = parts
    rules = read_rules(whole).rules
    if len(rules) == 1 and name not in rules:
        return None
    if name not in rules:
        raise RulesearchError(f"{whole} has the rules {', '.join(rules)}; found {name!r}{did_you_mean(name, rules)}")
    return RuleSet({"w": rules[name]}, text)


def _run_and_rank(text: str) -> tuple[Path, int] | None:
    """Return the folder and rank of `RUN:RANK`, None where it is another text; raises `RulesearchError`."""
    name, colon, rank = text.rpartition(":")
    if not colon or _RANK.fullmatch(rank.strip()) is None:
        return None
    folder = Path(name)
    if is_run(folder):
        return folder, int(rank)
    if name.strip() in SLOTS:
        return None
    try:
        os.stat(folder / STORE)
    except PermissionError as error:
        raise RulesearchError(f"the folder {folder} cannot be read: {error.strerror}") from None
    except (OSError, ValueError):
        pass
    if os.path.isdir(name):
        raise RulesearchError(f"{folder} is not a run folder: it has no {STORE} and no {SUMMARY}")
    if _PATH.fullmatch(name):
        raise RulesearchError(f"there is no run folder {folder}; see them with: rulesearch runs")
    return None


def _from_file(path: Path) -> RuleSet:
    return rules_from_json(read_text(path), str(path))


def _from_run(folder: Path, rank: int) -> RuleSet:
    from rulesearch.workflow.run import Run

    return Run.open(folder).member(rank).rules
