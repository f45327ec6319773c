"""A plain Python function of a rule as a task: for simulators of one's own, or for anything else that scores rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rulesearch.errors import RulesearchError
from rulesearch.rules.bound import BoundSet
from rulesearch.rules.library import find_known
from rulesearch.rules.rule import RuleSet
from rulesearch.rules.text import parse_rules
from rulesearch.simulate.codes import STATUS
from rulesearch.tasks.declaration import Fidelity, Setting, Settings, TaskSymbol
from rulesearch.tasks.task import Task
from rulesearch.tasks.trial import Trial

Function = Callable[[Any, int], "float | str | Mapping[str, float]"]
"""Takes a rule (a rule set, where there are several) and a seed; returns the loss, or `loss` and metrics by name, or
why there is none: `runaway`, `silent`, `saturated` or `nonfinite`."""


class FunctionTask(Task):
    """A task whose trial is a function of a rule and a seed; made by `objective`."""

    stateless = True
    function: ClassVar[Function]
    known_text: ClassVar[str]
    control_text: ClassVar[str]
    settings: ClassVar[Mapping[str, Setting]] = {
        "eta": Setting(0.01, "learning rate of rules that give none", 1e-12, 1e12)
    }

    def trial(self, rules: BoundSet, seed: int, settings: Settings, fidelity: str, backend: str = "vm") -> Trial:
        """Call the function with bound rules; a result that is not finite, or an overflow, is `nonfinite`.

        **Raises:** `RulesearchError` where the function fails otherwise, or its loss is negative.
        """
        given = rules.only() if len(rules.rules) == 1 else rules
        try:
            found = type(self).function(given, seed)
            if isinstance(found, str):
                if found not in STATUS[1:]:
                    raise ValueError(f"{found!r} is no status; there are {', '.join(STATUS[1:])}")
                return Trial(found, None, work=1)
            values = dict(found) if isinstance(found, Mapping) else {"loss": found}
            loss = float(values.pop("loss"))
            metrics = {name: float(value) for name, value in values.items()}
        except ArithmeticError:
            return Trial("nonfinite", None, work=1)
        except Exception as error:
            raise RulesearchError(f"{self.name} failed on {rules}: {type(error).__name__}: {error}") from error
        if loss < 0.0:
            raise RulesearchError(f"{self.name} gave the loss {loss:g} for {rules}; a loss must be at least 0")
        if not math.isfinite(loss):
            return Trial("nonfinite", None, work=1)
        return Trial("ok", loss, metrics, (loss,), 1)

    def baseline(self, settings: Settings) -> RuleSet:
        """Return the known rule."""
        return self.parse(self.known_text)

    def control(self, settings: Settings) -> RuleSet:
        """Return the rule that must fail."""
        return self.parse(self.control_text)


def objective(
    *,
    grammar: str,
    symbols: Mapping[str, str],
    known_rule: str,
    control: str = "0*w",
    rules: tuple[str, ...] = Task.rule_names,
    slots: tuple[str, ...] = ("on_step",),
    seeds: int = 3,
    deterministic: bool = False,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Callable[[Function], type[FunctionTask]]:
    """Make a task of a function of a rule and a seed, which `my_file.py:function` then names.

    **Arguments:** `grammar`: name or file; `symbols`: meaning of each symbol that rules may read; `known_rule`: name or
    text of a rule that does well, `control` of one that does not (of several rules that of each, or all of them);
    `rules`: names of rules that act together, where there are several; `slots` of rules; `seeds` of one evaluation.
    """

    def make(function: Function) -> type[FunctionTask]:
        known = find_known(known_rule)
        name = getattr(function, "__name__", "objective").replace("_", "-")
        fields: dict[str, Any] = {
            "__doc__": function.__doc__,
            "__module__": function.__module__,
            "function": staticmethod(function),
            "name": name,
            "title": name,
            "summary": " ".join((function.__doc__ or f"{name}, a Python function").split()),
            "reference": "",
            "doi": "",
            "bibtex": "",
            "rule_names": rules,
            "slots": slots,
            "bare_slot": "on_step" if "on_step" in slots else "drift",
            "symbols": {symbol: TaskSymbol(meaning) for symbol, meaning in symbols.items()},
            "fidelities": (Fidelity("full", 1 if deterministic else seeds, "all of it"),),
            "deterministic": deterministic,
            "bounds": bounds,
            "grammar": grammar,
            "known_rule": known_rule,
            "known_text": str(known.rules) if known is not None else known_rule,
            "control_text": control if len(rules) == 1 or "[" in control else _each(rules, control),
        }
        parse_rules(fields["known_text"], fields["bare_slot"])
        return type(function.__name__, (FunctionTask,), fields)

    return make


def _each(rules: Sequence[str], text: str) -> str:
    """Return the text of a set in which all rules are the same."""
    return "; ".join(f"{name}[{text}]" for name in rules)
