"""What rules are beside the known ones, and beside the known rule of a task where that is in no library."""

from __future__ import annotations

from rulesearch.rules.library import KnownRule, find_known
from rulesearch.rules.rule import RuleSet
from rulesearch.symbolic import EVERYWHERE, Reachable, Verdict, compare
from rulesearch.tasks.declaration import Settings
from rulesearch.tasks.task import Task


def known_verdicts(
    rules: RuleSet, task: Task | None, settings: Settings | None = None, on: Reachable = EVERYWHERE
) -> list[Verdict]:
    """Return the verdicts of `compare` against all known rules, with those of a task's own that rules are.

    Nothing is said of rules that are given beside those that are searched. The known rule of a task is beside the
    others only where rules, or the rules of a set, are equal to it or a multiple of it, and before those that are no
    nearer.
    """

    def searched(verdicts: list[Verdict]) -> list[Verdict]:
        return [each for each in verdicts if each.name not in rules.given]

    found = searched(compare(rules, on=on))
    if task is None or find_known(task.known_rule) is not None:
        return found
    given = task.baseline(task.resolve() if settings is None else settings)
    title = f"the task's known rule, {task.known_rule}"
    own = KnownRule(task.known_rule, title, (), given, "", task.reference, task.doi, task.bibtex)
    close = [each for each in searched(compare(rules, [own], on)) if each.verdict not in ("same-terms", "different")]
    for each in reversed(close):
        place = next(
            (at for at, other in enumerate(found) if other.name == each.name and other.rank > each.rank), len(found)
        )
        found.insert(place, each)
    return found
