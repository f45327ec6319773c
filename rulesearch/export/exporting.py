"""One call for all formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rulesearch.calling import checked
from rulesearch.errors import RulesearchError, did_you_mean, shown
from rulesearch.export.brian2_code import rules_brian2
from rulesearch.export.latex import rules_latex, run_latex
from rulesearch.export.nestml_code import rules_nestml
from rulesearch.export.placing import Placed, placed
from rulesearch.export.python_code import rules_python
from rulesearch.export.sympy_code import rules_sympy
from rulesearch.rules import KnownRule, Rule, RuleSet, find_known, rules_to_json
from rulesearch.tasks.registry import as_task, needs_task

if TYPE_CHECKING:
    from rulesearch.tasks.task import Task
    from rulesearch.workflow.run import Run

_MAKERS: dict[str, Callable[[Placed], str]] = {
    "latex": lambda ready: rules_latex(ready.rules, ready.inhibition),
    "json": lambda ready: json.dumps(rules_to_json(ready.rules, ready.inhibitory), indent=2, allow_nan=False) + "\n",
    "python": lambda ready: rules_python(ready.rules, ready.note, ready.inhibition),
    "sympy": lambda ready: rules_sympy(ready.rules, ready.inhibition),
    "brian2": rules_brian2,
    "nestml": rules_nestml,
}
_SIMULATORS = ("brian2", "nestml")
FORMATS: dict[str, tuple[str, ...]] = {
    "rule": tuple(_MAKERS),
    "run": ("latex", "csv"),
}
"""The formats of a rule and of a run."""


@checked
def export(
    what: Rule | RuleSet | KnownRule | Run | str,
    format: str,
    task: str | Task | None = None,
    settings: Mapping[str, str | float] | None = None,
    *,
    eta: float | None = None,
    bounds: tuple[float, float] | None = None,
    inhibitory: bool | None = None,
    notify: Callable[[str], None] | None = None,
) -> str:
    """Return a rule, or the front of a run, as the text of a file.

    A rule of a run goes out with the learning rate and bounds of the run's task; a known rule that gives none, given by
    its name, into a simulator with those of a task that it solves.

    **Arguments:** `what`: a rule (also its text, a known name or `RUN:RANK`) or a run; `format`: one of `FORMATS`;
    `task`, with its `settings`: gives the learning rate, bounds and sign that the rule leaves open; `eta`, `bounds` and
    `inhibitory` win over both; `notify` is told what a script of a simulator lacks.
    **Raises:** `RulesearchError` for a format that there is not, or a task that cannot run the rule.
    """
    on = None if task is None else as_task(task)
    if on is None:
        needs_task(settings)
    known = find_known(what) if isinstance(what, str) else what if isinstance(what, KnownRule) else None
    text, member = "", ""
    if isinstance(what, str):
        from rulesearch.workflow.resolve import member_of, read_rules, task_of

        text = what.strip()
        whole, member = member_of(text) or (text, "")
        found = task_of(whole) if on is None else None
        on, settings = (on, settings) if found is None else found
        # What is one rule of several for its task is placed with the others, and then taken out.
        member = member if on is not None and len(on.rule_names) > 1 and member in on.rule_names else ""
        what = read_rules(whole if member else text, on)
    if isinstance(what, KnownRule):
        what = what.rules
    if isinstance(what, Rule):
        what = RuleSet.single(what)
    if isinstance(what, RuleSet):
        maker = _MAKERS[_checked(format, "rule")]
        to_run = format in _SIMULATORS
        solves = known if to_run else None
        ready = placed(what, on, settings, eta=eta, bounds=bounds, inhibitory=inhibitory, known=solves)
        if member:
            ready = ready.alone(member, text)
        if notify is not None and ready.asks and to_run:
            notify(f"the rule goes out with {ready.note}; type --task T, or for example --eta 0.001 --bounds 0,1")
        return maker(ready)
    from rulesearch.workflow.run import Run

    if not isinstance(what, Run):
        raise RulesearchError(f"what is exported is a rule or a run, found {shown(what)}")
    if (task, eta, bounds, inhibitory) != (None,) * 4:
        raise RulesearchError("a run has its task, learning rates and bounds; name one rule of it, such as RUN:1")
    if _checked(format, "run") == "csv":
        return str(what.front.to_csv(index=False, lineterminator="\n"))
    return run_latex(what)


def _checked(format: str, kind: str) -> str:
    if format in FORMATS[kind]:
        return format
    other = "run" if kind == "rule" else "rule"
    if format in FORMATS[other]:
        hint = "name one rule of it, such as RUN:1" if kind == "run" else "give a run folder"
        raise RulesearchError(f"a {kind} cannot be exported as {format}; {hint}, or choose {', '.join(FORMATS[kind])}")
    raise RulesearchError(f"unknown format {format!r}{did_you_mean(format, FORMATS[kind])}")
