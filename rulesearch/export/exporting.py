"""One call for all formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from rulesearch.errors import RulesearchError, did_you_mean
from rulesearch.export.brian2_code import rules_brian2
from rulesearch.export.latex import rules_latex, run_latex
from rulesearch.export.nestml_code import rules_nestml
from rulesearch.export.python_code import rules_python
from rulesearch.export.sympy_code import rules_sympy
from rulesearch.rules import KnownRule, Rule, RuleSet, rules_to_json

if TYPE_CHECKING:
    from rulesearch.workflow.run import Run

FORMATS: dict[str, tuple[str, ...]] = {
    "rule": ("latex", "json", "python", "sympy", "brian2", "nestml"),
    "run": ("latex", "csv"),
}
"""The formats of a rule and of a run."""


def export(what: Rule | RuleSet | KnownRule | Run | str, format: str) -> str:
    """Return a rule, or the front of a run, as the text of a file.

    **Arguments:** `what`: a rule (also its text or a known name) or a run; `format`: one of `FORMATS`.
    **Raises:** `RulesearchError` for a format that there is not.
    """
    if isinstance(what, str):
        from rulesearch.workflow.resolve import read_rules

        what = read_rules(what)
    if isinstance(what, KnownRule):
        what = what.rules
    if isinstance(what, Rule):
        what = RuleSet.single(what)
    if isinstance(what, RuleSet):
        makers: dict[str, Callable[[RuleSet], str]] = {
            "latex": rules_latex,
            "json": lambda rules: json.dumps(rules_to_json(rules), indent=2, allow_nan=False) + "\n",
            "python": rules_python,
            "sympy": rules_sympy,
            "brian2": rules_brian2,
            "nestml": rules_nestml,
        }
        return makers[_checked(format, "rule")](what)
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
