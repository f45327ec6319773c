"""Whatever stands for a rule: its text, a known rule's name, a file, or a run and rank."""

from __future__ import annotations

from pathlib import Path

from rulesearch.errors import RulesearchError
from rulesearch.rules.json_format import rules_from_json
from rulesearch.rules.library import find_known
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.tasks.task import Task

_MAX_BYTES = 262_144


def read_rules(argument: str, task: Task | None = None) -> RuleSet:
    """Return the rules that an argument stands for; with a task, checked to fit it.

    **Raises:** `RulesearchError`.
    """
    text = argument.strip()
    known = find_known(text)
    if known is not None:
        rules = known.rules
    elif text.endswith(".json"):
        rules = _from_file(Path(text))
    elif _is_run(text):
        folder, _, rank = text.rpartition(":")
        rules = _from_run(Path(folder), rank)
    else:
        return parse_rules(argument) if task is None else task.parse(argument)
    if task is not None:
        task.check(rules)
    return rules


def _is_run(text: str) -> bool:
    folder, colon, rank = text.rpartition(":")
    return bool(colon) and rank.strip().isdigit() and (Path(folder) / "run.sqlite").is_file()


def _from_file(path: Path) -> RuleSet:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RulesearchError(f"{path} is larger than {_MAX_BYTES} bytes; that is no rule file")
        return rules_from_json(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RulesearchError(f"{path} cannot be read: {reason}") from None


def _from_run(folder: Path, rank: str) -> RuleSet:
    from rulesearch.workflow.run import Run

    return Run.open(folder).member(int(rank)).rules
